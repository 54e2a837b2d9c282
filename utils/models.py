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
