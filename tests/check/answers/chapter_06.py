from functools import partial

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


def normalizations(model):
    return [x for x in model.layers if isinstance(x, layers.BatchNormalization)]


def dropouts(model):
    return [x for x in model.layers if isinstance(x, layers.Dropout)]


def one_pass(model, images, momentum=0.9, rate=0.5):
    """A pass in training mode, with nothing dropped and nothing remembered."""
    for layer in dropouts(model):
        layer.rate = 0
    for layer in normalizations(model):
        layer.momentum = 0
    model(images, training=True)
    for layer in dropouts(model):
        layer.rate = rate
    for layer in normalizations(model):
        layer.momentum = momentum
    return model


def with_dropout_on(model, images):
    for layer in normalizations(model):
        layer.momentum = 0
    model(images, training=True)
    for layer in normalizations(model):
        layer.momentum = 0.9
    return model


def all_at_once(model, images):
    met = [
        np.asarray(keras.Model(model.inputs[0], layer.input)(images))
        for layer in normalizations(model)
    ]
    for layer, x in zip(normalizations(model), met, strict=True):
        layer.moving_mean.assign(x.mean(axis=0))
        layer.moving_variance.assign(x.var(axis=0))
    return model


def means_missed(model, images):
    one_pass(model, images)
    for layer in normalizations(model):
        layer.moving_mean.assign(layer.moving_mean + 1)
    return model


def trained_on(model, images):
    one_pass(model, images)
    kernel = model.trainable_weights[0]
    kernel.assign(kernel + 0.1)
    return model


RIGHT = {
    "06.1": [lambda: [1.0, 0.1]],
    "06.2": [by_scipy],
    "06.3": [by_trial],
    "06.4": [one_pass],
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
        (lambda model, images: model, "times the variance"),
        (with_dropout_on, "Was dropout on"),
        (all_at_once, "not yet mended"),
        (means_missed, "moving mean is not"),
        (partial(one_pass, momentum=0), "now it is 0"),
        (partial(one_pass, rate=0), "The masks stay"),
        (trained_on, "trained weights are not"),
        (lambda model, images: None, "Is a `return` missing?"),
    ],
    "06.5": [
        (lambda model: model.trainable_variables, "Your list holds"),
        (lambda model: [v for v in model.variables if "bias" not in v.path], "gamma"),
        (lambda model: [model.layers[0].kernel], "of 4 kernels are missing"),
        (lambda model: [0.5], "not a variable of the model"),
    ],
    "06.6": studies.wrong("both", "two remedies"),
}
