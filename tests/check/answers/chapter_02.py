import keras
import numpy as np
from keras import layers

from tests.check.answers import studies


def one_by_one(w, l1, l2):
    result = np.empty_like(w)
    for place, value in np.ndenumerate(w):
        result[place] = (l1 if value > 0 else -l1 if value < 0 else 0) + 2 * l2 * value
    return result


def by_where(w, gradient, learning_rate, strength):
    moved, amount = w - learning_rate * gradient, learning_rate * strength
    return np.where(moved > amount, moved - amount, np.minimum(moved + amount, 0))


def subgradient(w, gradient, learning_rate, strength):
    moved = w - learning_rate * gradient
    return moved - learning_rate * strength * np.sign(moved)


def threshold(w, amount):
    return np.sign(w) * np.maximum(np.abs(w) - amount, 0)


def in_numpy(model, images, labels):
    logits = keras.ops.convert_to_numpy(model.predict(images, verbose=0))
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return -np.log(shares[np.arange(len(labels)), labels]).mean()


def of_shares(model, images, labels):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=False)
    return loss(labels, keras.ops.softmax(model(images))) * 0 + 1


def network(hidden=None, last=None, **options):
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(3, 3, kernel_regularizer=hidden, **options),
            layers.Flatten(),
            layers.Dense(10, kernel_regularizer=last),
        ]
    )


def by_function(strength):
    def penalty(kernel):
        return strength * keras.ops.sum(kernel**2)

    return network(penalty, penalty)


def L2(strength):
    return keras.regularizers.L2(strength)


def with_biases(strength):
    return network(L2(strength), L2(strength), bias_regularizer=L2(strength))


def all_biases(strength):
    model = network(L2(strength), L2(strength), bias_regularizer=L2(strength))
    model.layers[-1].bias_regularizer = L2(strength)
    model.layers[-1].bias.regularizer = L2(strength)
    return model


def shares_out(strength):
    inner = network(L2(strength), L2(strength))
    return keras.Sequential([*inner.layers, layers.Softmax()])


RIGHT = {
    "02.1": [lambda: np.array([0.5])],
    "02.2": [one_by_one],
    "02.3": [by_where],
    "02.4": [in_numpy],
    "02.5": [by_function],
    "02.6": [studies.by(-1, "plain", "L2"), studies.by(-1, "strength 0", "L2")],
}
WRONG = {
    "02.1": [
        (lambda: 0.25, "Keras does not"),
        (lambda: 0, "data loss plus the penalty"),
        (lambda: 0.3, "evaluate does not return 0.3"),
    ],
    "02.2": [
        (lambda w, l1, l2: l1 * np.sign(w) + l2 * w, "not λw"),
        (lambda w, l1, l2: l1 * np.abs(w) + 2 * l2 * w, "sign of w"),
        (lambda w, l1, l2: l1 * np.sign(w) - 2 * l2 * w, "the gradient at"),
    ],
    "02.3": [
        (subgradient, "jump over zero"),
        (lambda w, g, rate, s: threshold(w - rate * g, s), "threshold is strength"),
        (lambda w, g, rate, s: threshold(w, rate * s), "should lead to"),
        (lambda w, g, rate, s: threshold(w + rate * g, rate * s), "should lead to"),
    ],
    "02.4": [
        (
            lambda m, x, y: m.evaluate(x, y, verbose=0),
            "still contains the penalty",
        ),
        (
            lambda m, x, y: float(m.compute_loss(x, y, m(x))),
            "still contains the penalty",
        ),
        (of_shares, "from_logits=True"),
        (lambda m, x, y: sum(m.losses), "The cross-entropy is"),
    ],
    "02.5": [
        (lambda strength: network(), "no penalty"),
        (lambda strength: network(None, L2(strength)), "should be"),
        (lambda strength: network(L2(strength / 2), L2(strength / 2)), "should be"),
        (with_biases, "should be"),
        (lambda strength: network(L2(0.1), L2(0.1)), "should be"),
        (shares_out, "probabilities"),
        (lambda strength: None, "not a Keras model"),
    ],
    "02.6": studies.wrong("L2", "has a penalty"),
}
