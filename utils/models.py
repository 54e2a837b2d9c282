"""The models that more than one chapter trains."""

from __future__ import annotations

import keras
from keras import layers


def small_cnn(
    input_shape: tuple[int, int, int] = (8, 8, 1),
    classes: int = 10,
    *,
    filters: tuple[int, int] = (32, 64),
    units: int = 128,
) -> keras.Sequential:
    """Build the course's workhorse, a small convolutional network without remedies.

    Args:
        input_shape: (height, width, channels).
        classes: how many logits the model gives.
        filters: of the two convolutions.
        units: of the hidden dense layer.

    Returns:
        An uncompiled model that outputs logits of shape (n, classes).

    Source:
        Taught in chapter 01.
    """
    return keras.Sequential(
        [
            keras.Input(input_shape),
            layers.Conv2D(filters[0], 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(filters[1], 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(units, activation="relu"),
            layers.Dense(classes),
        ]
    )


def regularized_cnn(
    input_shape: tuple[int, int, int] = (8, 8, 1),
    classes: int = 10,
    *,
    kernel_regularizer: keras.regularizers.Regularizer | None = None,
    rate: float = 0.0,
    batch_norm: bool = False,
) -> keras.Sequential:
    """Build the workhorse with any of three remedies: L2, dropout, batch normalization.

    Without remedies it trains as `small_cnn`.

    Args:
        input_shape: (height, width, channels).
        classes: how many logits the model gives.
        kernel_regularizer: on every kernel; None for none.
        rate: of one dropout, after the last normalization (Li et al., 2018).
        batch_norm: between each hidden linear layer, then without bias, and its
            activation (Ioffe & Szegedy, 2015). Its momentum is for few steps: see
            chapter 05.

    Returns:
        An uncompiled model that outputs logits of shape (n, classes).

    Source:
        Taught in chapter 06.
    """
    options = {"kernel_regularizer": kernel_regularizer, "use_bias": not batch_norm}

    def block(linear):
        if not batch_norm:
            return [linear, layers.ReLU()]
        return [linear, layers.BatchNormalization(momentum=0.9), layers.ReLU()]

    return keras.Sequential(
        [
            keras.Input(input_shape),
            *block(layers.Conv2D(32, 3, padding="same", **options)),
            layers.MaxPooling2D(),
            *block(layers.Conv2D(64, 3, **options)),
            layers.Flatten(),
            *block(layers.Dense(128, **options)),
            layers.Dropout(rate),
            layers.Dense(classes, kernel_regularizer=kernel_regularizer),
        ]
    )
