"""Chapter 07, CNNs and RNNs: an LSTM's weights, step, penalties, masks."""

import numpy as np

from utils.check.judging import (
    STUDY_SECONDS,
    TRAINING_SECONDS,
    a_model,
    array,
    close,
    exercise,
    expect,
    number,
    several,
    study,
)


@exercise(
    "07.1",
    hint="Four blocks, each with a kernel (inputs × units), a recurrent kernel "
    "(units × units) and a bias (units).",
)
def weights_of_an_lstm(answer):
    value = number(answer())
    one = 32 * (8 + 32) + 32
    expect(value != one, f"{one:g} is one block.", "An LSTM has four of them.")
    expect(
        value != 4 * 32 * (8 + 32),
        "The biases are missing.",
        "One for each unit and block.",
    )
    expect(
        value != 8 * 4 * one,
        "The time steps do not count: all use the same weights.",
    )
    expect(value == 4 * one, f"LSTM(32) on rows of 8 does not have {value:g} weights.")


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


@exercise(
    "07.2",
    hint="z = x·kernel + h·recurrent_kernel + bias, cut into i, f, g, o. "
    "c' = σ(f)·c + σ(i)·tanh(g), h' = σ(o)·tanh(c'), σ the sigmoid.",
)
def lstm_step(answer):
    rng = np.random.default_rng(2)
    x, h, c = rng.normal(size=(3, 5)), rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    kernel, recurrent = rng.normal(size=(5, 16)), rng.normal(size=(4, 16))
    bias = rng.normal(size=16)
    new = several(answer(x, h, c, kernel, recurrent, bias), 2, "the new h, the new c")
    new_h, new_c = array(new[0], (3, 4)), array(new[1], (3, 4))
    i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4, axis=1)
    right_c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
    right_h = _sigmoid(o) * np.tanh(right_c)
    expect(
        not (close(new_h, right_c) and close(new_c, right_h)),
        "h and c are swapped.",
        "Return h first.",
    )
    expect(
        not close(new_c, _sigmoid(i) * c + _sigmoid(f) * np.tanh(g)),
        "Input and forget gate are swapped.",
        "Keras' order is i, f, g, o.",
    )
    expect(
        not close(new_c, _sigmoid(f) * c + _sigmoid(i) * np.tanh(o)),
        "You read the parts in another order than Keras keeps them.",
        "i, f, g, o: the candidate g is third.",
    )
    expect(close(new_c, right_c), "The new cell state c is not right.")
    expect(
        not close(new_h, _sigmoid(o) * right_c),
        "The cell state goes into h without its tanh.",
    )
    expect(close(new_h, right_h), "c is right, h is not.")


@exercise(
    "07.3",
    hint="recurrent_regularizer=…; kernel_regularizer is for what multiplies x.",
    seconds=TRAINING_SECONDS,
)
def recurrent_penalty(answer):
    for strength in (0.5, 0.01):
        model = a_model(answer(strength), (8, 8))
        layers = [x for x in model.layers if hasattr(x, "cell")]
        expect(layers, "Your network has no recurrent layer.")
        penalty = float(sum(float(loss) for loss in model.losses))
        kernels = [np.asarray(x.cell.recurrent_kernel) for x in layers]
        right = strength * sum(float((k**2).sum()) for k in kernels)
        inputs = strength * sum(
            float((np.asarray(x.cell.kernel) ** 2).sum()) for x in layers
        )
        expect(penalty > 0, "Your model has no penalty.")
        expect(
            not close(penalty, inputs, 1e-3 * inputs),
            "You penalize the kernel that multiplies the inputs.",
        )
        expect(
            not close(penalty, inputs + right, 1e-3 * right),
            "You penalize both kernels; the recurrent one alone was asked for.",
        )
        expect(
            close(penalty, right, 1e-3 * right),
            f"At strength {strength} the penalty should be {right:.3f}; yours is "
            f"{penalty:.3f}.",
        )


@exercise(
    "07.4",
    hint="Draw a mask of shape (n, 1, features): it is stretched over the time steps.",
)
def one_mask_a_sequence(answer):
    x = np.random.default_rng(4).uniform(1, 2, (60, 7, 50))
    y = array(answer(x, 0.3, np.random.default_rng(0)), x.shape)
    kept = y != 0
    expect(
        (kept == kept[:, :1]).all(),
        "The mask changes from one time step to the next.",
        "A network that remembers would see through masks that change.",
    )
    expect(
        (kept != kept[:1]).any(),
        "All sequences of the batch have one mask.",
        "Each draws its own.",
    )
    share = kept.mean()
    expect(
        close(share, 0.7, 0.04),
        f"At rate 0.3 a share of {share:.2f} survives.",
        "rate is the share that is dropped, of single features.",
    )
    expect(
        close(kept.mean(axis=(1, 2)), np.full(60, 0.7), 0.3),
        "Whole sequences are dropped.",
    )
    scale = (y / x)[kept]
    expect(
        not close(scale, np.ones(scale.size)),
        "What survives is not scaled.",
        "Divide by 1 − rate.",
    )
    expect(
        close(scale, np.full(scale.size, 1 / 0.7)),
        f"What survives should be 1.43 times as large; yours is {scale.mean():.2f}.",
    )


@exercise(
    "07.5",
    hint="Mean and variance over the last axis, keepdims=True: one pair for each row.",
)
def layer_norm(answer):
    rng = np.random.default_rng(6)
    for shape in ((5, 4), (3, 6, 4)):
        x = rng.normal(2, 3, shape)
        gamma, beta, epsilon = rng.normal(size=4), rng.normal(size=4), 0.1
        value = array(answer(x, gamma, beta, epsilon), shape)

        def normal(axes, x=x, epsilon=epsilon):
            mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
            return (x - mean) / np.sqrt(variance + epsilon)

        batch = tuple(range(len(shape) - 1))
        expect(
            not close(value, gamma * normal(batch) + beta),
            "That is batch normalization: the statistics mix the examples.",
            "Each example is normalized over its own features.",
        )
        whole = tuple(range(1, len(shape)))
        expect(
            len(shape) == 2 or not close(value, gamma * normal(whole) + beta),
            "Your statistics mix the time steps of a sequence.",
            "Then an early step would know the later ones: the last axis alone.",
        )
        expect(not close(value, normal(-1)), "gamma and beta are not used.")
        expect(
            close(value, gamma * normal(-1) + beta),
            f"For inputs of shape {shape} the result is not γ·x̂ + β.",
        )


@exercise(
    "07.6",
    hint="layers.Reshape((8, 8)) turns an image into eight rows for an LSTM.",
    seconds=STUDY_SECONDS,
)
def study_of_recurrence(answer):
    def masks(model):
        return any(
            getattr(layer, "dropout", 0) or getattr(layer, "recurrent_dropout", 0)
            for layer in model.layers
        )

    study(answer(), masks, "a recurrent layer with dropout")
