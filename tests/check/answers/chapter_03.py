import keras
import numpy as np

from tests.check.answers import studies


def by_multiplication(x, rate, rng, training):
    if not training or rate == 0:
        return x.copy()
    return np.where(rng.uniform(0, 1, x.shape) < 1 - rate, x, 0) / (1 - rate)


def masked(scale, share=lambda rate: 1 - rate, shape=np.shape, seed=None):
    def dropout(x, rate, rng, training):
        if not training:
            return x
        if seed is not None:
            rng = np.random.default_rng(seed)
        mask = rng.random(shape(x)) < share(rate)
        return x * mask * scale(rate)

    return dropout


def classic_in_both(x, rate, rng, training):
    return x * (1 - rate) if not training else x * (rng.random(x.shape) >= rate)


def in_place(x, rate, rng, training):
    if training:
        x *= rng.random(x.shape) >= rate
        x /= 1 - rate
    return x


def seeded_but_on(model, images):
    model.layers[0].seed_generator.state.assign([0, 0])
    return np.asarray(model(images, training=True)).argmax(1)


def without_the_layer(model, images):
    kernel, bias = model.layers[-1].get_weights()
    return [int(row.argmax()) for row in images @ kernel + bias]


def passes_in_a_batch(model, images, passes):
    many = np.repeat(images, passes, axis=0)
    shares = keras.ops.softmax(model(many, training=True))
    return np.asarray(shares).reshape(len(images), passes, -1).mean(axis=1)


def mean_of_logits(model, images, passes):
    logits = [model(images, training=True) for _ in range(passes)]
    return keras.ops.softmax(np.mean(logits, axis=0))


def one_pass(model, images, passes):
    return np.mean([keras.ops.softmax(model(images, training=True))] * passes, axis=0)


RIGHT = {
    "03.1": [lambda: np.array([1.43, 0.0])],
    "03.2": [by_multiplication],
    "03.3": [lambda x, rate: x - rate * x],
    "03.4": [lambda m, x: m.predict(x, verbose=0).argmax(axis=-1), without_the_layer],
    "03.5": [passes_in_a_batch],
    "03.6": [studies.by(-1, "plain", "dropout")],
}
WRONG = {
    "03.1": [
        (lambda: (0, 1), "does not stay 1"),
        (lambda: (0, 1 / 0.3), "share that is dropped"),
        (lambda: (0.7, 1), "Not 0.7 and 1"),
        (lambda: 1.43, "return 2 things"),
    ],
    "03.2": [
        (masked(lambda rate: 1.0), "is not scaled"),
        (masked(lambda rate: 1 / max(rate, 1e-9)), "You divide by rate"),
        (classic_in_both, "nothing to do at test time"),
        (masked(lambda r: 1 / max(r, 1e-9), lambda r: r), "keeps a share of 0.2"),
        (masked(lambda rate: 1 / (1 - rate), shape=lambda x: (len(x), 1)), "rows"),
        (masked(lambda rate: 1 / (1 - rate), seed=3), "the same mask"),
        (in_place, "changes the array"),
        (lambda x, rate, rng, training: x, "share of 1.00 survives"),
    ],
    "03.3": [
        (lambda x, rate: rate * x, "At 0.5 the two look alike"),
        (lambda x, rate: x, "full size"),
        (lambda x, rate: x / (1 - rate), "inverted dropout"),
    ],
    "03.4": [
        (lambda m, x: np.asarray(m(x, training=True)).argmax(1), "still on"),
        (seeded_but_on, "does not turn dropout off"),
        (lambda m, x: m(x, training=False), "argmax"),
    ],
    "03.5": [
        (mean_of_logits, "average the logits"),
        (lambda m, x, n: keras.ops.softmax(m(x)), "training=True"),
        (lambda m, x, n: m(x, training=True), "add up to 1"),
        (one_pass, "one mask"),
    ],
    "03.6": studies.wrong("dropout", "has dropout"),
}
