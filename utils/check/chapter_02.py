"""Chapter 02, L1 and L2: penalties, gradients, steps, comparable losses."""

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
    study,
)


@exercise(
    "02.1", hint="Keras' L2(λ) adds λ times the sum of the squared weights, no half."
)
def penalty_of_two_weights(answer):
    value = number(answer())
    expect(
        not close(value, 0.25),
        "0.25 is the convention λ/2·∑w².",
        "Other texts halve it, Keras does not.",
    )
    expect(
        value != 0,
        "The data loss is zero; what `evaluate` returns is not.",
        "evaluate returns the data loss plus the penalty.",
    )
    expect(close(value, 0.5), f"evaluate does not return {value:g}.")


@exercise("02.2", hint="Add the two gradients: l1·sign(w) and 2·l2·w.")
def elastic_net_gradient(answer):
    w = np.array([[-2.0, 0.0, 0.5], [1.0, 3.0, -0.1]])
    for l1, l2 in ((0.0, 0.1), (0.3, 0.0), (0.2, 0.7)):
        value = array(answer(w, l1, l2), w.shape)
        right = l1 * np.sign(w) + 2 * l2 * w
        expect(
            l1 or not close(value, l2 * w),
            "The gradient of λ∑w² is not λw.",
            "The exponent comes down as a factor.",
        )
        expect(
            l2 or not close(value, l1 * np.abs(w)),
            "The gradient of |w| has the sign of w.",
            "np.sign.",
        )
        expect(
            close(value, right),
            f"With l1={l1}, l2={l2} the gradient at {w[0]} is {right[0]}; yours is "
            f"{value[0]}.",
        )


@exercise(
    "02.3",
    hint="A gradient step on the data loss, then move every weight towards 0 by "
    "learning_rate · strength, and stop at 0.",
)
def proximal_step(answer):
    w, gradient = np.array([1.0, -0.5, 0.03, -0.02]), np.array([0.5, 0.5, 0.0, -0.1])
    rate, strength = 0.1, 0.5
    value = array(answer(w, gradient, rate, strength), w.shape)
    moved = w - rate * gradient
    right = np.sign(moved) * np.maximum(np.abs(moved) - rate * strength, 0)
    expect(
        not close(value, moved - rate * strength * np.sign(moved)),
        "Your weights jump over zero to the other side.",
        "A weight that is nearer to 0 than the amount becomes exactly 0.",
    )
    expect(
        not close(value, np.sign(moved) * np.maximum(np.abs(moved) - strength, 0)),
        "Your threshold is strength alone.",
        "A step of length η on λ|w| moves a weight by η·λ.",
    )
    expect(
        close(value, right),
        f"From {w} the step should lead to {right.round(4)}; yours leads to "
        f"{value.round(4)}.",
    )
    expect(value[2] == 0, "A small weight should become exactly 0, and it does not.")


@exercise(
    "02.4",
    hint="Ask the model for logits, and a loss without a regularizer for the rest.",
    seconds=TRAINING_SECONDS,
)
def loss_without_penalty(answer):
    import keras
    from keras import layers

    rng = np.random.default_rng(4)
    images = rng.normal(size=(20, 6)).astype("float32")
    labels = rng.integers(0, 3, 20).astype("int32")
    for strength in (0.1, 1.0):
        model = keras.Sequential(
            [
                keras.Input((6,)),
                layers.Dense(3, kernel_regularizer=keras.regularizers.L2(strength)),
            ]
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(loss=loss)
        logits = np.asarray(model(images), float)
        shifted = logits - logits.max(axis=1, keepdims=True)
        log_shares = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        right = -log_shares[np.arange(20), labels].mean()
        penalty = float(sum(model.losses))
        value = number(answer(model, images, labels))
        expect(
            not close(value, right + penalty, 1e-4),
            "Your number still contains the penalty.",
            "model.evaluate and model.compute_loss add model.losses.",
        )
        expect(
            close(value, right, 1e-4),
            f"The cross-entropy is {right:.4f}; yours is {value:.4f}.",
            "The model gives logits: from_logits=True; and it is a mean.",
        )


@exercise(
    "02.5",
    hint="kernel_regularizer=keras.regularizers.L2(strength) in every layer.",
    seconds=TRAINING_SECONDS,
)
def every_kernel(answer):
    for strength in (0.5, 0.01):
        model = a_model(answer(strength))
        for weight in model.trainable_variables:
            weight.assign(np.full(weight.shape, 0.1, "float32"))
        kernels = [w for w in model.trainable_variables if len(w.shape) > 1]
        others = [w for w in model.trainable_variables if len(w.shape) == 1]
        expect(len(kernels) >= 2, "A network of one layer is too small for this.")
        squares = 0.01 * sum(np.prod(w.shape) for w in kernels)
        extra = 0.01 * sum(np.prod(w.shape) for w in others)
        penalty = sum(float(loss) for loss in model.losses)
        expect(penalty > 0, "Your model has no penalty.")
        expect(
            not close(penalty / strength, squares + extra, 1e-3 * squares),
            "Your model penalizes its biases too.",
            "bias_regularizer stays None: only kernels are penalized.",
        )
        expect(
            penalty < 0.99 * strength * squares or penalty > 0.4 * strength * squares,
            "Your model penalizes some kernels and leaves others out.",
        )
        expect(
            close(penalty / strength / squares, 1, 1e-3),
            f"With all weights 0.1 the penalty should be {strength * squares:.3f}; "
            f"yours is {penalty:.3f}.",
            "λ∑w² over every kernel, the last layer's too, with λ = strength.",
        )


@exercise(
    "02.6",
    hint="Conditions as lambdas, {'plain': lambda: build(0.0), …}; seeds=5.",
    seconds=STUDY_SECONDS,
)
def study_of_strengths(answer):
    # L2(0.0) is on the list of losses, too.
    study(answer(), lambda model: float(sum(model.losses)) > 0, "a penalty")
