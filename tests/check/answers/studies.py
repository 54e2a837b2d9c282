"""Small studies to hand in: tiny networks, one epoch, each run done once."""

import functools
import tempfile

import keras
from keras import layers

from tests.study.small import build, data
from utils.study import Condition, run


def reader():
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Reshape((8, 8)),
            layers.LSTM(3, dropout=0.5),
            layers.Dense(10),
        ]
    )


def penalized(*extra):
    """So strong a penalty that it is never as good as none: a worst, and no tie."""
    return build(*extra, kernel_regularizer=keras.regularizers.L2(1.0))


def dropping():
    return layers.Dropout(0.5)


CONDITIONS = {
    "plain": build,
    "again": lambda: build(),
    "fast": Condition(build, optimizer=lambda: keras.optimizers.Adam(0.02)),
    "wide": lambda: build(lambda: layers.Dense(40)),
    "L2": penalized,
    "strength 0": lambda: build(kernel_regularizer=keras.regularizers.L2(0.0)),
    "dropout": lambda: build(dropping),
    "both": lambda: penalized(dropping),
    "normalized": lambda: build(layers.BatchNormalization),
    "reader": reader,
}


@functools.cache
def folder():
    return tempfile.mkdtemp()


@functools.cache
def results(*names, seeds=5):
    chosen = {name: CONDITIONS[name] for name in names}
    return run(chosen, data, epochs=2, seeds=seeds, cache_dir=folder())


def by(rank, *names, seeds=5):
    """A hand-in that chooses the best (rank -1) or the worst (0) by validation."""

    def my_study():
        made = results(*names, seeds=seeds)
        means = made.summary("val_accuracy")["mean"].sort_values(kind="stable")
        return made, means.index[rank]

    return my_study


def wrong(variant, what):
    """What people hand in for any study: (answer, words of the verdict)."""
    return [
        (lambda: results("plain", variant), "should return 2 things"),
        (lambda: ("results", "plain"), "is a str, not Results"),
        (lambda: (results("plain", variant), "nothing"), "the conditions are plain"),
        (by(0, "plain", variant), "is not the best condition"),
        (by(-1, "plain", variant, seeds=2), "2 seeds"),
        (by(-1, "plain"), "One condition alone"),
        (by(-1, "plain", "again"), what),
    ]
