"""Chapter 05, batch normalization: statistics, modes, folding, the momentum trap."""

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
    "05.1",
    hint="What is left of the starting value after one step is 0.99 of it.",
)
def moving_mean_after_100(answer):
    value = number(answer())
    left = 0.99**100
    expect(
        not close(value, left, 0.005),
        f"{value:g} is what is left of the starting value 0.",
        "The rest is the batches' mean.",
    )
    expect(
        not close(value, 1, 0.005),
        "After 100 steps it is not there yet.",
        "0.99 to the power of 100 is not near 0.",
    )
    expect(close(value, 1 - left, 0.005), f"The moving mean is not {value:g}.")


@exercise(
    "05.2",
    hint="Mean and variance over every axis but the last: axis=(0, 1, 2) for images.",
)
def normalized(answer):
    rng = np.random.default_rng(2)
    for shape in ((6, 3), (4, 3, 2, 5)):
        x = rng.normal(1, 3, shape)
        gamma, beta = rng.normal(size=shape[-1]), rng.normal(size=shape[-1])
        axes = tuple(range(len(shape) - 1))
        mean, variance = x.mean(axes), x.var(axes)
        for epsilon in (1e-3, 0.5):
            value = array(answer(x, gamma, beta, epsilon), shape)
            hat = (x - mean) / np.sqrt(variance + epsilon)
            outside = (x - mean) / (np.sqrt(variance) + epsilon)
            unbiased = (x - mean) / np.sqrt(x.var(axes, ddof=1) + epsilon)
            first = (x - x.mean(0)) / np.sqrt(x.var(0) + epsilon)
            expect(
                len(shape) == 2 or not close(value, gamma * first + beta),
                "For images you take the statistics over the batch alone.",
                "A convolution's channel shares its statistics over height and width.",
            )
            expect(
                not close(value, hat),
                "gamma and beta are not used.",
            )
            expect(
                not close(value, gamma * unbiased + beta),
                "Your variance divides by n − 1.",
                "Batch normalization uses the biased variance: np.var as it is.",
            )
            expect(
                not close(value, gamma * outside + beta),
                "epsilon stands outside the root.",
                "√(variance + ε), not √variance + ε.",
            )
            expect(
                close(value, gamma * hat + beta),
                f"For inputs of shape {shape} the result is not γ·x̂ + β.",
            )


@exercise(
    "05.3",
    hint="γ/√(v + ε) is one factor for each output channel: it multiplies the kernel "
    "along its last axis, and the bias less the moving mean.",
)
def folded(answer):
    rng = np.random.default_rng(4)
    for shape in ((7, 4), (3, 3, 2, 4)):
        kernel, bias = rng.normal(size=shape), rng.normal(size=4)
        gamma, beta, mean = rng.normal(size=(3, 4))
        variance, epsilon = rng.uniform(0.01, 2, 4), 0.1
        new = several(
            answer(kernel, bias, gamma, beta, mean, variance, epsilon),
            2,
            "the new kernel, the new bias",
        )
        new_kernel, new_bias = array(new[0], shape), array(new[1], (4,))
        factor = gamma / np.sqrt(variance + epsilon)
        expect(
            not close(new_kernel, kernel * gamma / np.sqrt(variance)),
            "epsilon is left out.",
            "It is small in a layer, and large beside a small variance.",
        )
        expect(
            close(new_kernel, kernel * factor),
            f"For a kernel of shape {shape} the new kernel is not right.",
        )
        expect(
            not close(new_bias, bias + beta - mean * factor),
            "The old bias is not scaled.",
            "The layer's bias goes through the normalization too.",
        )
        expect(
            close(new_bias, (bias - mean) * factor + beta), "The new bias is not right."
        )


@exercise(
    "05.4",
    hint="Twenty steps are few for a momentum of 0.99. Which layer has it?",
    seconds=TRAINING_SECONDS,
)
def out_of_the_trap(answer):
    import keras

    from utils.data import load

    keras.utils.set_random_seed(0)
    data = load("digits", train_size=320)
    model = a_model(answer(data.x_train, data.y_train))
    kinds = [type(layer).__name__ for layer in model.layers]
    expect(
        "BatchNormalization" in kinds,
        "Your network has no batch normalization any more.",
        "Keep the layer and mend what it remembers.",
    )

    def accuracy(images, labels):
        logits = np.asarray(model(images, training=False))
        return float((logits.argmax(axis=1) == labels).mean())

    fitted, new = (
        accuracy(data.x_train, data.y_train),
        accuracy(data.x_val, data.y_val),
    )
    expect(
        fitted > 0.8,
        f"In inference mode your model has an accuracy of {fitted:.2f}, on its own "
        "training images.",
        "A lower momentum, more steps, or statistics that are measured again.",
    )
    expect(new > 0.7, f"On new images your model has an accuracy of {new:.2f}.")


@exercise(
    "05.5",
    hint="With training=False the moving statistics are used, and images stay alone.",
    seconds=TRAINING_SECONDS,
)
def independent_predictions(answer):
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [keras.Input((5,)), layers.BatchNormalization(), layers.Dense(3)]
    )
    images = np.random.default_rng(6).normal(2, 3, (30, 5)).astype("float32")
    before = [w.copy() for w in model.get_weights()]
    together = array(answer(model, images), (30, 3))
    after = model.get_weights()
    model.set_weights(before)
    alone = array(answer(model, images[:1]), (1, 3))
    model.set_weights(before)
    expect(
        close(together[:1], alone, 1e-4),
        "An image gets another prediction when others are in its batch.",
        "Your model normalizes with the batch it is given.",
    )
    right = np.asarray(model(images, training=False))
    expect(
        all(map(np.array_equal, before, after)),
        "Predicting changes the moving statistics of the model.",
        "Only training=True updates them.",
    )
    expect(close(together, right, 1e-4), "The outputs are not the model's own.")


@exercise(
    "05.6",
    hint="The same network with and without BatchNormalization, trained alike.",
    seconds=STUDY_SECONDS,
)
def study_of_normalization(answer):
    def normalizes(model):
        return any(type(x).__name__ == "BatchNormalization" for x in model.layers)

    study(answer(), normalizes, "batch normalization")
