"""The models that more than one chapter trains."""

import keras
from keras import layers


def small_cnn(input_shape=(8, 8, 1), classes=10, *, filters=(32, 64), units=128):
    """Build the course's workhorse, a small convolutional network without remedies.

    input_shape: (height, width, channels). Returns an uncompiled Sequential model
    that outputs logits of shape (n, classes). Taught in chapter 01.
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
    input_shape=(8, 8, 1),
    classes=10,
    *,
    kernel_regularizer=None,
    rate=0.0,
    batch_norm=False,
):
    """Build the workhorse with any of three remedies: L2, dropout, batch normalization.

    input_shape: (height, width, channels). kernel_regularizer: on every kernel; rate:
    of one dropout, after the last normalization (Li et al., 2018); batch_norm: between
    each hidden linear layer, then without bias, and its activation (Ioffe & Szegedy,
    2015), with a momentum for few steps (chapter 05). Returns an uncompiled Sequential
    model that outputs logits of shape (n, classes); without remedies it trains as
    `small_cnn`. Taught in chapter 06.
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
