"""A study small enough for tests: few images, a tiny model, conditions by name."""

import keras
from keras import layers

from utils.data import load
from utils.study import Condition


def build(*extra, kernel_regularizer=None):
    """Build a small model; `extra` layer factories stand before its last layer."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, strides=2, activation="relu"),
            layers.Flatten(),
            *(make() for make in extra),
            layers.Dense(10, kernel_regularizer=kernel_regularizer),
        ]
    )


def dropout():
    return build(lambda: layers.Dropout(0.5))


def data(seed):
    return load("digits", train_size=70, seed=seed)


CONDITIONS = {"plain": build, "dropout": Condition(dropout)}
