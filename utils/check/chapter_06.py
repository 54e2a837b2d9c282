"""Chapter 06, batch normalization and the rest: interactions, order, decay."""

import numpy as np

from utils.check.judging import (
    STUDY_SECONDS,
    TRAINING_SECONDS,
    a_model,
    close,
    exercise,
    expect,
    number,
    several,
    study,
)


@exercise(
    "06.1",
    hint="The normalization divides by ten what the kernel multiplies by ten; the "
    "gradient has to fit f(αw) = f(w).",
)
def scaled_kernel(answer):
    output, gradient = map(
        number, several(answer(), 2, "the output's factor, the gradient's factor")
    )
    expect(
        not close(output, 10),
        "The output does not grow tenfold: the next layer normalizes it.",
    )
    expect(close(output, 1, 1e-3), f"The output's factor is not {output:g}.")
    expect(
        not close(gradient, 1),
        "The gradient does not stay the same.",
        "Differentiate f(αw) = f(w) by w: α∇f(αw) = ∇f(w).",
    )
    expect(not close(gradient, 10), "The gradient gets smaller, not larger.")
    expect(close(gradient, 0.1, 1e-3), f"The gradient's factor is not {gradient:g}.")


@exercise(
    "06.2",
    hint="For each seed (both − first) − (second − neither); then the mean and "
    "Student's t interval of these n numbers.",
)
def interaction(answer):
    from scipy import stats

    rng = np.random.default_rng(5)
    for n in (5, 7):
        level = rng.normal(0.8, 0.05, n)
        neither, first, second = (
            level,
            level + 0.05 + rng.normal(0, 0.01, n),
            level + 0.08 + rng.normal(0, 0.01, n),
        )
        both = level + 0.09 + rng.normal(0, 0.01, n)
        each = both - first - second + neither
        mean, low, high = map(
            number,
            several(answer(neither, first, second, both), 3, "the mean, low, high"),
        )
        expect(
            not close(mean, -each.mean()),
            "The sign is the wrong way round.",
            "Positive means: together more than the sum of the two alone.",
        )
        expect(
            not close(mean, (both - neither).mean()),
            "That is the gain of both together.",
            "An interaction is what is left after the gain of each is taken off.",
        )
        expect(close(mean, each.mean()), "The mean interaction is not right.")
        reach = stats.t.ppf(0.975, n - 1) * stats.sem(each)
        expect(
            not close(high - mean, 1.96 * stats.sem(each), 1e-4),
            "1.96 is too narrow for so few seeds.",
            "stats.t.ppf(0.975, n - 1).",
        )
        expect(
            close([low, high], [each.mean() - reach, each.mean() + reach], 1e-5),
            "The interval is not that of the interactions, seed by seed.",
        )


@exercise(
    "06.3",
    hint="Var(mask·x/(1−rate)) = E[x²]/(1 − rate) − E[x]². Divide by Var(x).",
)
def variance_shift(answer):
    rng = np.random.default_rng(7)
    x = rng.normal(0, 2, 100_000)
    for rate in (0.5, 0.2):
        for moved in (x, x + 2):
            value = number(answer(moved, rate))
            right = ((moved**2).mean() / (1 - rate) - moved.mean() ** 2) / moved.var()
            expect(
                not close(value, 1, 0.01),
                "Dropout keeps the mean, and not the variance.",
            )
            expect(
                not close(value, 1 - rate, 0.02) and not close(value, 1 / right, 0.02),
                "The variance in training is the larger one.",
                "Training over test, not test over training.",
            )
            centred = close(value, 1 / (1 - rate), 0.02)
            expect(
                moved is x or not centred,
                "1/(1 − rate) holds where the mean of x is zero, and here it is not.",
                "The mean's square is not shifted: E[x²] is, not E[x]².",
            )
            expect(
                close(value, right, 0.04 * right),
                f"At rate {rate} the ratio is {right:.2f}; yours is {value:.2f}.",
            )


@exercise(
    "06.4",
    hint="Go through the layers with dropout off. In front of each normalization take "
    "mean and variance of what arrives, and only then go on.",
    seconds=TRAINING_SECONDS,
)
def statistics_anew(answer):
    import keras

    keras.utils.set_random_seed(8)
    images = np.random.default_rng(8).uniform(size=(256, 8, 8, 1)).astype("float32")
    asked = _masked_network()
    for _ in range(60):
        asked(images, training=True)
    weights = [w.numpy().copy() for w in asked.trainable_weights]
    model = a_model(answer(asked, images))
    kept = [w.numpy() for w in model.trainable_weights]
    expect(
        len(kept) == len(weights) and all(map(np.array_equal, weights, kept)),
        "The trained weights are not those of the model you were given.",
        "Only the moving mean and the moving variance are to change.",
    )
    rates = [layer.rate for layer in model.layers if hasattr(layer, "rate")]
    expect(
        rates == [0.5, 0.5],
        f"The rates of the dropout layers were [0.5, 0.5]; now they are {rates}.",
        "The masks stay: only what the normalizations remember is wrong.",
    )
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            expect(
                layer.momentum == 0.9,
                f"A normalization's momentum was 0.9; now it is {layer.momentum:g}.",
                "Training that goes on would forget at another pace: put it back.",
            )
            _holds_what_it_meets(model, layer, images)


def _masked_network():
    import keras
    from keras import layers

    blocks = [
        [layers.Dropout(0.5), layers.Dense(32, use_bias=False)]
        + [layers.BatchNormalization(momentum=0.9), layers.ReLU()]
        for _ in range(2)
    ]
    first = [layers.Flatten(), layers.Dense(64, activation="relu")]
    shape = keras.Input((8, 8, 1))
    return keras.Sequential([shape, *first, *blocks[0], *blocks[1], layers.Dense(10)])


def _holds_what_it_meets(model, layer, images):
    import keras

    before = keras.Model(model.inputs[0], layer.input)
    met = np.asarray(before(images, training=False))
    ratio = np.median(layer.moving_variance / met.var(axis=0))
    expect(
        0.97 < ratio < 1.03,
        f"A normalization holds {ratio:.2f} times the variance that it meets in "
        "inference mode.",
        "Was dropout on while you measured, or one in front not yet mended?",
    )
    off = np.abs(layer.moving_mean - met.mean(axis=0)) / met.std(axis=0)
    expect(
        off.max() < 0.05,
        "A moving mean is not the mean that is met in inference mode.",
    )


@exercise(
    "06.5",
    hint="Kernels have more than one axis; biases, gamma and beta have one.",
    seconds=TRAINING_SECONDS,
)
def decayed_variables(answer):
    from utils.models import regularized_cnn

    model = regularized_cnn(batch_norm=True)
    value = answer(model)
    expect(value is not None, "Your function returns None.", "Is a `return` missing?")
    names = {v if isinstance(v, str) else getattr(v, "path", None) for v in value}
    known = {v.path: v for v in model.variables}
    expect(
        names <= set(known),
        "You return something that is not a variable of the model.",
        "A list of variables, such as those in model.trainable_variables.",
    )
    kernels = {v.path for v in model.trainable_variables if v.path.endswith("kernel")}
    wrong = sorted({name.split("/")[-1] for name in names - kernels})
    expect(
        not wrong,
        f"Your list holds {', '.join(wrong)}.",
        "By custom decay is for what multiplies inputs: the kernels.",
    )
    missing = len(kernels - names)
    expect(not missing, f"{missing} of {len(kernels)} kernels are missing.")


@exercise(
    "06.6",
    hint="regularized_cnn(batch_norm=…, rate=…), each alone and together.",
    seconds=STUDY_SECONDS,
)
def study_of_combinations(answer):
    def remedies(model):
        found = set()
        for layer in model.layers:
            if type(layer).__name__ == "BatchNormalization":
                found.add("normalization")
            if type(layer).__name__ == "Dropout" and layer.rate > 0:
                found.add("dropout")
        if model.losses:
            found.add("penalty")
        return len(found) > 1

    study(answer(), remedies, "two remedies together")
