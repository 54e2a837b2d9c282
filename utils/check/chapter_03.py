"""Chapter 03, dropout: scaling, modes, averages over masks."""

import numpy as np

from utils.check.judging import (
    STUDY_SECONDS,
    TRAINING_SECONDS,
    Wrong,
    array,
    close,
    exercise,
    expect,
    several,
    study,
)


@exercise("03.1", hint="What survives is divided by the share that survives.")
def two_values(answer):
    values = sorted(array(several(answer(), 2, "the two values"), (2,)))
    expect(
        not close(values, [0, 1]),
        "A surviving 1 does not stay 1.",
        "Otherwise the mean would fall to 0.7 while training.",
    )
    expect(
        not close(values, [0, 1 / 0.3], 0.01),
        "1/0.3 would be right if 0.3 were the share that is kept.",
        "Keras' rate is the share that is dropped.",
    )
    expect(close(values, [0, 1 / 0.7], 0.01), f"Not {values[0]:g} and {values[1]:g}.")


def _masked(answer, x, rate, seed=0):
    y = array(answer(x, rate, np.random.default_rng(seed), True), x.shape)
    return y, y != 0


@exercise(
    "03.2",
    hint="mask = rng.random(x.shape) >= rate; in training x · mask / (1 − rate), "
    "else x itself.",
)
def inverted_dropout(answer):
    x = np.random.default_rng(2).uniform(1, 2, (200, 100))
    calm = array(answer(x, 0.4, np.random.default_rng(0), False), x.shape)
    expect(
        close(calm, x),
        "With training=False your function changes its input.",
        "Inverted dropout leaves nothing to do at test time.",
    )
    y, kept = _masked(answer, x, 0.2)
    rows, columns = kept.mean(axis=1), kept.mean(axis=0)
    expect(
        rows.std() < 0.1 and columns.std() < 0.1,
        "Whole rows or columns are dropped together.",
        "Every element draws for itself: rng.random(x.shape).",
    )
    share = kept.mean()
    expect(
        not close(share, 0.2, 0.02),
        "At rate 0.2 your function keeps a share of 0.2.",
        "rate is the share that is dropped.",
    )
    expect(close(share, 0.8, 0.02), f"At rate 0.2 a share of {share:.2f} survives.")
    scale = np.median((y / x)[kept])
    expect(
        not close(scale, 1.0),
        "What survives is not scaled, so the mean falls.",
        "Divide what survives by the share that survives.",
    )
    expect(
        not close(scale, 5.0),
        "You divide by rate.",
        "Divide by the share that is kept, 1 − rate.",
    )
    expect(
        close((y / x)[kept], np.full(kept.sum(), 1.25)),
        f"At rate 0.2 what survives should be 1.25 times as large; yours is {scale:g}.",
    )
    _, other = _masked(answer, x, 0.2, seed=1)
    expect(
        (kept != other).any(),
        "Another generator gives the same mask.",
        "Draw from the rng that you are given.",
    )
    y, _ = _masked(answer, x, 0.0)
    expect(close(y, x), "Rate 0 should change nothing.")


@exercise(
    "03.3",
    hint="While training, a unit is there with probability 1 − rate. What is its mean?",
)
def classic_test_time(answer):
    x = np.array([[1.0, 2.0, -4.0]])
    for rate in (0.9, 0.5, 0.2):
        value = array(answer(x, rate), x.shape)
        expect(
            rate == 0.5 or not close(value, x * rate),
            f"At rate {rate} your units are multiplied by {rate}.",
            "rate is the share dropped, so a unit's mean is (1 − rate) of its value. "
            "At 0.5 the two look alike.",
        )
        expect(
            not close(value, x),
            "Your units keep their full size, larger than in training on average.",
            "Classic dropout does not scale in training, so it has to at test time.",
        )
        expect(
            not close(value, x / (1 - rate)),
            "You divide by 1 − rate, which is what inverted dropout does in training.",
        )
        expect(
            close(value, x * (1 - rate)),
            f"At rate {rate} the input {x[0]} gives {value[0]}.",
        )


@exercise(
    "03.4",
    hint="A model called with training=False, or model.predict, leaves dropout out.",
    seconds=TRAINING_SECONDS,
)
def quiet_prediction(answer):
    import keras
    from keras import layers

    model = keras.Sequential(
        [keras.Input((16,)), layers.Dropout(0.5), layers.Dense(10)]
    )
    images = np.random.default_rng(5).normal(size=(100, 16)).astype("float32")
    first, second = answer(model, images), answer(model, images)
    shape = np.shape(first)
    expect(
        shape != (100, 10),
        "You return logits; the classes were asked for.",
        "argmax over the last axis.",
    )
    first, second = array(first, (100,)), array(second, (100,))
    expect(
        (first == second).all(),
        "Two calls on the same images give different classes.",
        "Dropout is still on.",
    )
    right = np.asarray(model(images, training=False)).argmax(axis=1)
    expect(
        (first == right).all(),
        "The classes repeat, but they are those of a network with a mask.",
        "A fixed seed does not turn dropout off; training=False does.",
    )


@exercise(
    "03.5",
    hint="In each pass: model(images, training=True), softmax; at the end the mean.",
    seconds=TRAINING_SECONDS,
)
def monte_carlo(answer):
    import keras
    from keras import layers

    model = keras.Sequential(
        [keras.Input((1,)), layers.Dropout(0.5), layers.Dense(2, use_bias=False)]
    )
    model.layers[-1].set_weights([np.array([[2.0, 0.0]], "float32")])
    images = np.ones((64, 1), "float32")
    shares = array(answer(model, images, 40), (64, 2))
    expect(
        close(shares.sum(axis=1), np.ones(64), 1e-3),
        "The two shares of an image do not add up to 1.",
        "Softmax turns logits into shares.",
    )

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    # Each mask gives logits (4, 0) or (0, 0), with equal probability.
    right, plain = (sigmoid(4) + sigmoid(0)) / 2, sigmoid(2)
    mean = shares[:, 0].mean()
    if close(mean, plain, 0.03):
        same = np.ptp(shares[:, 0]) < 1e-6
        raise Wrong(
            "Dropout is off in your passes."
            if same
            else "You average the logits, and take the softmax once.",
            "Call the model with training=True."
            if same
            else "The mean of the shares is asked for: softmax in every pass.",
        )
    expect(
        np.ptp(shares[:, 0]) < 0.45,
        "All passes seem to use one mask.",
        "Call the model once for each pass; every call draws a new mask.",
    )
    expect(
        close(mean, right, 0.03),
        f"The mean share of class 0 should be near {right:.2f}; yours is {mean:.2f}.",
    )


@exercise(
    "03.6",
    hint="A build function with a rate, and one condition for each rate, 0 among them.",
    seconds=STUDY_SECONDS,
)
def study_of_rates(answer):
    def drops(model):
        kinds = ("Dropout", "SpatialDropout2D", "GaussianDropout")
        return any(
            type(layer).__name__ in kinds and layer.rate > 0 for layer in model.layers
        )

    study(answer(), drops, "dropout")
