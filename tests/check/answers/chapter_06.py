import keras
import numpy as np
from keras import layers
from scipy import stats

from tests.check.answers import studies


def by_scipy(neither, first, second, both):
    interval = stats.ttest_rel(both - first, second - neither).confidence_interval()
    return np.mean(both - first - second + neither), interval.low, interval.high


def of_gain(neither, first, second, both):
    interval = stats.ttest_rel(both, neither).confidence_interval()
    return np.mean(both - neither), interval.low, interval.high


def reversed_sign(neither, first, second, both):
    mean, low, high = by_scipy(neither, first, second, both)
    return -mean, -high, -low


def narrow(neither, first, second, both):
    each = both - first - second + neither
    reach = 1.96 * stats.sem(each)
    return each.mean(), each.mean() - reach, each.mean() + reach


def unpaired(neither, first, second, both):
    interval = stats.ttest_ind(both - first, second - neither).confidence_interval()
    return np.mean(both - first - second + neither), interval.low, interval.high


def by_trial(x, rate):
    rng = np.random.default_rng(0)
    dropped = np.where(rng.random(x.shape) < rate, 0, x / (1 - rate))
    return dropped.var() / x.var()


def network(*middle):
    return keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Flatten(), *middle, layers.Dense(10)]
    )


def dense(units=32):
    return layers.Dense(units, activation="relu")


def normalization():
    return layers.BatchNormalization()


def functional(rate):
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(4, 3)(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3)(x))
    x = layers.Dropout(rate)(layers.Flatten()(layers.ReLU()(x)))
    return keras.Model(inputs, layers.Dense(10)(x))


RIGHT = {
    "06.1": [lambda: [1.0, 0.1]],
    "06.2": [by_scipy],
    "06.3": [by_trial],
    "06.4": [functional],
    "06.5": [
        lambda model: {v.path for v in model.trainable_weights if v.ndim > 1},
        lambda model: [
            layer.kernel
            for layer in model.layers
            if layer.name[0] in "cd" and hasattr(layer, "kernel")
        ],
    ],
    "06.6": [studies.by(-1, "L2", "dropout", "both")],
}
WRONG = {
    "06.1": [
        (lambda: (10, 1), "does not grow tenfold"),
        (lambda: (1, 1), "does not stay the same"),
        (lambda: (1, 10), "gets smaller"),
        (lambda: (1, 0.01), "not 0.01"),
    ],
    "06.2": [
        (of_gain, "gain of both together"),
        (reversed_sign, "wrong way round"),
        (narrow, "too narrow"),
        (unpaired, "seed by seed"),
    ],
    "06.3": [
        (lambda x, rate: 1.0, "keeps the mean"),
        (lambda x, rate: 1 - rate, "larger one"),
        (lambda x, rate: 1 / (1 - rate), "mean of x is zero"),
        (lambda x, rate: 1 / by_trial(x, rate), "not test over training"),
    ],
    "06.4": [
        (
            lambda rate: network(
                dense(), layers.Dropout(rate), dense(), normalization()
            ),
            "times the variance in training",
        ),
        (
            lambda rate: network(layers.Dropout(rate), normalization(), dense()),
            "times the variance in training",
        ),
        (lambda rate: network(dense(), normalization()), "no Dropout layer"),
        (lambda rate: network(dense(), layers.Dropout(rate)), "no BatchNormalization"),
        (
            lambda rate: network(dense(), normalization(), layers.Dropout(0.1)),
            "The rate asked for is 0.5",
        ),
    ],
    "06.5": [
        (lambda model: model.trainable_variables, "Your list holds"),
        (lambda model: [v for v in model.variables if "bias" not in v.path], "gamma"),
        (lambda model: [model.layers[0].kernel], "of 4 kernels are missing"),
        (lambda model: [0.5], "not a variable of the model"),
    ],
    "06.6": studies.wrong("both", "two remedies"),
}
