"""What the evidence is about: the worlds, the methods with their strengths, the claims.

tools/author/evidence.py trains them and fills docs/evidence.csv.
"""

import dataclasses
from functools import partial

import keras
from keras import layers

from utils.augment import cutout, flip, mixup, pipeline, shift
from utils.data import load
from utils.models import regularized_cnn, small_cnn
from utils.study import Condition

ADAM, L2 = keras.optimizers.Adam, keras.regularizers.L2
FEW_STEPS = 65  # after which a momentum of 0.99 has kept half of its start


@dataclasses.dataclass(frozen=True)
class World:
    """A data set with everything that the claims are tried on it with.

    shifts: the strengths of a shift, in pixels. seeds: that tune, not those of claims.
    """

    name: str
    source: str
    train_size: int
    shape: tuple[int, int, int]
    epochs: int
    shifts: tuple[int, int, int]
    seeds: tuple[int, ...]
    label_noise: float = 0.0
    sequences: bool = True

    def data(self, seed):
        noise = {"label_noise": self.label_noise, "seed": seed}
        return load(self.source, train_size=self.train_size, **noise)


DIGITS = ("digits", 400, (8, 8, 1), 60, (1, 2, 3), (100, 101, 102, 103, 104))
WORLDS = (
    World("digits, 30 % wrong labels", *DIGITS, label_noise=0.3),
    World("digits", *DIGITS),
    World("MNIST", "mnist_10k", 1000, (28, 28, 1), 20, (1, 2, 4), (100, 101)),
    World(
        *("CIFAR-10", "cifar10_10k", 2000, (32, 32, 3), 20, (2, 4, 6), (100,)),
        sequences=False,
    ),
)


def cross_entropy(smoothing=0.0):
    return keras.losses.CategoricalCrossentropy(True, label_smoothing=smoothing)


def stopping(patience):
    stop = partial(keras.callbacks.EarlyStopping, restore_best_weights=True)
    return [stop("val_accuracy", patience=patience)]


def averaging(momentum):
    return ADAM(1e-3, use_ema=True, ema_momentum=momentum)


def swapping():
    return [keras.callbacks.SwapEMAWeights()]


def decaying(weight_decay):
    return keras.optimizers.AdamW(1e-3, weight_decay)


def moved(pixels):
    return pipeline(partial(shift, pixels=pixels))


def cut(side, share):
    return pipeline(partial(cutout, size=round(share * side)))


def deep(shape, batch_norm):
    """Six sigmoid layers, as in chapter 05."""
    stack = [keras.Input(shape), layers.Flatten()]
    for _ in range(6):
        stack += [layers.Dense(64, use_bias=not batch_norm)]
        stack += [layers.BatchNormalization(momentum=0.9)] if batch_norm else []
        stack += [layers.Activation("sigmoid")]
    return keras.Sequential([*stack, layers.Dense(10)])


def normalized(shape, momentum):
    """The workhorse with batch normalization of a momentum of one's own."""
    model = regularized_cnn(shape, batch_norm=True)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = momentum
    return model


def lstm(shape, rate=0.0, **options):
    """A network that reads images row by row, as in chapter 07."""
    rows, columns, _ = shape
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Reshape((rows, columns)),
            layers.LSTM(64, **options),
            layers.Dropout(rate),
            layers.Dense(10),
        ]
    )


def strengths(world):
    """The methods that have a strength: {name: (function of it, three of them)}."""
    cnn = partial(regularized_cnn, world.shape)
    plain, sgd = partial(Condition, cnn), keras.optimizers.SGD
    one_hot = partial(plain, loss=cross_entropy)
    return {
        "tuned plain": (
            lambda rate: plain(optimizer=partial(ADAM, rate)),
            (1e-4, 3e-4, 1e-3),
        ),
        "early stopping": (
            lambda patience: plain(callbacks=partial(stopping, patience)),
            (2, 5, 10),
        ),
        "L2": (
            lambda x: Condition(partial(cnn, kernel_regularizer=L2(x))),
            (1e-3, 3e-3, 1e-2),
        ),
        "L1": (
            lambda x: Condition(
                partial(cnn, kernel_regularizer=keras.regularizers.L1(x))
            ),
            (1e-4, 3e-4, 1e-3),
        ),
        "dropout": (lambda rate: Condition(partial(cnn, rate=rate)), (0.3, 0.5, 0.7)),
        "shifts": (lambda pixels: plain(augment=moved(pixels)), world.shifts),
        "label smoothing": (
            lambda share: plain(loss=partial(cross_entropy, share)),
            (0.1, 0.3, 0.6),
        ),
        "mixup": (
            lambda alpha: one_hot(augment=pipeline(partial(mixup, alpha=alpha))),
            (0.2, 1.0, 8.0),
        ),
        "cutout": (
            lambda share: plain(augment=cut(world.shape[0], share)),
            (0.25, 0.5, 0.75),
        ),
        "weight averaging": (
            lambda momentum: plain(
                optimizer=partial(averaging, momentum), callbacks=swapping
            ),
            (0.9, 0.98, 0.995),
        ),
        "AdamW": (lambda x: plain(optimizer=partial(decaying, x)), (0.3, 1.0, 3.0)),
        "deep": (
            lambda rate: Condition(
                partial(deep, world.shape, False), optimizer=partial(sgd, rate)
            ),
            (0.01, 0.1, 1.0),
        ),
        "deep, BN": (
            lambda rate: Condition(
                partial(deep, world.shape, True), optimizer=partial(sgd, rate)
            ),
            (0.01, 0.1, 1.0),
        ),
    } | (lstm_strengths(world) if world.sequences else {})


def lstm_strengths(world):
    network = partial(lstm, world.shape)
    return {
        "LSTM, L2": (
            lambda x: Condition(partial(network, kernel_regularizer=L2(x))),
            (1e-4, 1e-3, 1e-2),
        ),
        "LSTM, dropout": (
            lambda rate: Condition(partial(network, rate)),
            (0.3, 0.5, 0.7),
        ),
        "LSTM, recurrent dropout": (
            lambda rate: Condition(partial(network, recurrent_dropout=rate)),
            (0.2, 0.3, 0.5),
        ),
        "LSTM, shifts": (
            lambda pixels: Condition(network, augment=moved(pixels)),
            world.shifts,
        ),
    }


def others(world, chosen):
    """The networks without a strength of their own, combinations among them.

    chosen: {method: its strength}.
    """
    cnn = partial(regularized_cnn, world.shape)
    l2, rate = {"kernel_regularizer": L2(chosen["L2"])}, {"rate": chosen["dropout"]}
    shifts, bn = moved(chosen["shifts"]), {"batch_norm": True}
    small = partial(small_cnn, world.shape, filters=(8, 16), units=32)
    found = {
        "plain": Condition(cnn),
        "smaller network": Condition(small),
        "flips": Condition(cnn, augment=pipeline(flip)),
        "BN": Condition(partial(cnn, **bn)),
        "BN, L2": Condition(partial(cnn, **bn, **l2)),
        "BN, dropout": Condition(partial(cnn, **bn, **rate)),
        "BN, shifts": Condition(partial(cnn, **bn), augment=shifts),
        "L2, dropout": Condition(partial(cnn, **l2, **rate)),
        "dropout, shifts": Condition(partial(cnn, **rate), augment=shifts),
        "all four": Condition(partial(cnn, **bn, **l2, **rate), augment=shifts),
    }
    return found | (
        {"LSTM": Condition(partial(lstm, world.shape))} if world.sequences else {}
    )


def trap(world):
    """Two networks for so few steps that the moving statistics have not arrived."""
    return {
        "momentum 0.99": Condition(partial(normalized, world.shape, 0.99)),
        "momentum 0.9": Condition(partial(normalized, world.shape, 0.9)),
    }


# id: what is claimed, the condition, and what it is compared with.
CLAIMS = {
    "E01.1": ("a smaller network", "smaller network", "plain"),
    "E01.2": ("early stopping", "early stopping", "plain"),
    "E02.1": ("L2", "L2", "plain"),
    "E02.2": ("L1", "L1", "plain"),
    "E03.1": ("dropout", "dropout", "plain"),
    "E04.1": ("shifts", "shifts", "plain"),
    "E04.2": ("flips", "flips", "plain"),
    "E05.1": ("batch normalization in a deep network", "deep, BN", "deep"),
    "E05.2": ("momentum 0.99 after few steps", "momentum 0.99", "momentum 0.9"),
    "E06.1": ("batch normalization", "BN", "plain"),
    "E06.2": ("batch normalization, given L2", "BN, L2", "L2"),
    "E06.3": ("batch normalization, given dropout", "BN, dropout", "dropout"),
    "E06.4": ("batch normalization, given shifts", "BN, shifts", "shifts"),
    "E06.5": ("dropout, given batch normalization", "BN, dropout", "BN"),
    "E06.6": ("L2, given batch normalization", "BN, L2", "BN"),
    "E06.7": ("dropout, given L2", "L2, dropout", "L2"),
    "E06.8": ("dropout, given shifts", "dropout, shifts", "shifts"),
    "E06.9": ("all four against shifts alone", "all four", "shifts"),
    "E07.1": ("dropout in an LSTM", "LSTM, dropout", "LSTM"),
    "E07.2": ("recurrent dropout", "LSTM, recurrent dropout", "LSTM"),
    "E07.3": ("L2 on the input kernel of an LSTM", "LSTM, L2", "LSTM"),
    "E07.4": ("shifts in an LSTM", "LSTM, shifts", "LSTM"),
    "E08.1": ("a tuned learning rate", "tuned plain", "plain"),
    "E08.2": ("label smoothing", "label smoothing", "tuned plain"),
    "E08.3": ("mixup", "mixup", "tuned plain"),
    "E08.4": ("cutout", "cutout", "tuned plain"),
    "E08.5": ("weight averaging", "weight averaging", "tuned plain"),
    "E08.6": ("AdamW", "AdamW", "tuned plain"),
}
