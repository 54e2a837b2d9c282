import keras
import numpy as np
from keras import layers
from scipy.special import expit

from tests.check.answers import studies


def step(order="ifco", output_tanh=True, result="hc"):
    def lstm_step(x, h, c, kernel, recurrent_kernel, bias):
        z = np.hstack([x, h]) @ np.vstack([kernel, recurrent_kernel]) + bias
        part = dict(zip(order, np.split(z, 4, axis=-1), strict=True))
        new_c = expit(part["f"]) * c + expit(part["i"]) * np.tanh(part["c"])
        new_h = expit(part["o"]) * (np.tanh(new_c) if output_tanh else new_c)
        return {"hc": [new_h, new_c], "ch": [new_c, new_h], "h": new_h}[result]

    return lstm_step


def L2(strength):
    return keras.regularizers.L2(strength)


def reader(**options):
    return keras.Sequential(
        [keras.Input((8, 8)), layers.LSTM(5, **options), layers.Dense(10)]
    )


def two_layers(strength):
    return keras.Sequential(
        [
            keras.Input((8, 8)),
            layers.GRU(6, return_sequences=True, recurrent_regularizer=L2(strength)),
            layers.LSTM(5, recurrent_regularizer=L2(strength)),
            layers.Dense(10),
        ]
    )


def masked(shape, scale=True):
    def drop(x, rate, rng):
        mask = rng.random(shape(*x.shape)) >= rate
        return x * mask / (1 - rate if scale else 1)

    return drop


def by_keras(x, rate, rng):
    seed = int(rng.integers(2**31))
    layer = layers.SpatialDropout1D(rate, seed=seed, dtype="float64")
    return layer(x, training=True)


def over(axes):
    def layer_norm(x, gamma, beta, epsilon):
        chosen = axes(x.ndim)
        mean, variance = (f(chosen, keepdims=True) for f in (x.mean, x.var))
        return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta

    return layer_norm


def norm_by_keras(x, gamma, beta, epsilon):
    layer = layers.LayerNormalization(epsilon=epsilon, dtype="float64")
    layer.build(x.shape)
    layer.gamma.assign(gamma)
    layer.beta.assign(beta)
    return layer(x)


RIGHT = {
    "07.1": [lambda: layers.LSTM(32).build((None, 8, 8)) or 5248],
    "07.2": [step()],
    "07.3": [two_layers],
    "07.4": [by_keras],
    "07.5": [norm_by_keras],
    "07.6": [studies.by(-1, "plain", "reader")],
}
WRONG = {
    "07.1": [
        (lambda: 32 * 40 + 32, "is one block"),
        (lambda: 4 * 32 * 40, "biases are missing"),
        (lambda: 8 * 5248, "time steps do not count"),
        (lambda: 5249, "does not have 5249"),
    ],
    "07.2": [
        (step("fico"), "Input and forget gate are swapped"),
        (step("ifoc"), "another order"),
        (step(output_tanh=False), "without its tanh"),
        (step(result="ch"), "h and c are swapped"),
        (step(result="h"), "return 2 things"),
    ],
    "07.3": [
        (lambda s: reader(kernel_regularizer=L2(s)), "multiplies the inputs"),
        (
            lambda s: reader(kernel_regularizer=L2(s), recurrent_regularizer=L2(s)),
            "both kernels",
        ),
        (lambda s: reader(recurrent_regularizer=L2(s / 2)), "should be"),
        (lambda s: reader(), "no penalty"),
    ],
    "07.4": [
        (masked(lambda n, steps, features: (n, steps, features)), "from one time step"),
        (masked(lambda n, steps, features: (1, 1, features)), "one mask"),
        (masked(lambda n, steps, features: (n, 1, 1)), "Whole sequences"),
        (masked(lambda n, steps, features: (n, 1, features), scale=False), "scaled"),
    ],
    "07.5": [
        (over(lambda rank: tuple(range(rank - 1))), "batch normalization"),
        (over(lambda rank: tuple(range(1, rank))), "mix the time steps"),
        (lambda x, g, b, e: over(lambda r: -1)(x, 1, 0, e), "are not used"),
        (lambda x, g, b, e: over(lambda r: -1)(x, b, g, e), "not γ·x̂ + β"),
    ],
    "07.6": studies.wrong("reader", "recurrent layer with dropout"),
}
