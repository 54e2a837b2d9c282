import keras
import numpy as np
from keras import layers

from tests.check.answers import studies


def by_keras(x, gamma, beta, epsilon):
    layer = layers.BatchNormalization(epsilon=epsilon, dtype="float64")
    layer.build(x.shape)
    layer.gamma.assign(gamma)
    layer.beta.assign(beta)
    return layer(x, training=True)


def with_statistics(axes, ddof=0, root=lambda v, e: np.sqrt(v + e), scale=True):
    def normalize(x, gamma, beta, epsilon):
        over = axes if axes is not None else tuple(range(x.ndim - 1))
        hat = (x - x.mean(over)) / root(x.var(over, ddof=ddof), epsilon)
        return gamma * hat + beta if scale else hat

    return normalize


def by_impulse(kernel, bias, gamma, beta, mean, variance, epsilon):
    def after(z):
        return gamma * (z - mean) / np.sqrt(variance + epsilon) + beta

    return after(kernel) - after(0), after(bias)


def folds(with_epsilon=True, scale_bias=True):
    def fold(kernel, bias, gamma, beta, mean, variance, epsilon):
        factor = gamma / np.sqrt(variance + (epsilon if with_epsilon else 0))
        new = (bias - mean) * factor if scale_bias else bias - mean * factor
        return kernel * factor, new + beta

    return fold


def trained(epochs, momentum=0.99, normalize=True, again=False, rate=0.03):
    def train(images, labels):
        model = keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten()])
        for _ in range(4):
            model.add(layers.Dense(64))
            if normalize:
                model.add(layers.BatchNormalization(momentum=momentum))
            model.add(layers.ReLU())
        model.add(layers.Dense(10))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(rate), loss)
        model.fit(images, labels, epochs=epochs, batch_size=64, verbose=0)
        if again:
            for layer in model.layers[2:-1:3]:
                layer.momentum = 0.0
            model(images, training=True)
        return model

    return train


def in_batch(model, images):
    return np.asarray(model(images, training=True))


def standardized(model, images):
    return np.asarray(model((images - images.mean(0)) / (images.std(0) + 1e-3)))


def restored(model, images):
    weights = model.get_weights()
    outputs = np.asarray(model(images, training=True))
    model.set_weights(weights)
    return outputs


def updating(model, images):
    outputs = np.asarray(model(images, training=False))
    model(images, training=True)
    return outputs


RIGHT = {
    "05.1": [lambda: 0.634],
    "05.2": [by_keras],
    "05.3": [by_impulse],
    "05.4": [trained(4, again=True)],
    "05.5": [lambda m, x: m.predict(x, verbose=0)],
    "05.6": [studies.by(-1, "plain", "normalized")],
}
WRONG = {
    "05.1": [
        (lambda: 0.99**100, "what is left of the starting value"),
        (lambda: 1, "not there yet"),
        (lambda: 0.99, "not 0.99"),
    ],
    "05.2": [
        (with_statistics(0), "over the batch alone"),
        (with_statistics(None, ddof=1), "biased variance"),
        (with_statistics(None, root=lambda v, e: np.sqrt(v) + e), "outside the root"),
        (with_statistics(None, scale=False), "gamma and beta are not used"),
    ],
    "05.3": [
        (folds(with_epsilon=False), "epsilon is left out"),
        (folds(scale_bias=False), "old bias is not scaled"),
        (lambda kernel, bias, *rest: (kernel, bias), "new kernel is not right"),
    ],
    "05.4": [
        (trained(4), "In inference mode"),
        (trained(6, normalize=False), "no batch normalization any more"),
        (trained(1, momentum=0.5, rate=1e-6), "In inference mode"),
    ],
    "05.5": [
        (in_batch, "normalizes with the batch"),
        (standardized, "when others are in its batch"),
        (restored, "normalizes with the batch"),
        (updating, "changes the moving statistics"),
    ],
    "05.6": studies.wrong("normalized", "has batch normalization"),
}
