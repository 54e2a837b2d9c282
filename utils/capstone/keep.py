"""What a capstone leaves behind: a model that takes pixels, and its result."""

import json
import math
import pathlib

import keras
import numpy as np
from keras import layers

from utils.data.sources import read


def scale_of(name: str) -> float:
    """Tell what a data set's own pixels are multiplied with to lie in [0, 1].

    Args:
        name: Of the data set, as `load` takes it.

    Returns:
        1/255 for whole numbers from 0 to 255, 1 for floats.
    """
    images, _ = read(name, None)[0]["train"]
    return 1 / 255 if images.dtype == np.uint8 else 1.0


def packed(
    models: list[keras.Model], shape: tuple[int, int, int], side: int, scale: float
) -> keras.Model:
    """Make one model of several that takes images as they are stored.

    Args:
        models: That were trained on images of `side` pixels in [0, 1].
        shape: (height, width, channels) of a stored image.
        side: Pixels of the longer side that the models take.
        scale: What stored values are multiplied with to lie in [0, 1].

    Returns:
        A model from images (n, height, width, channels) to logits (n, classes): the
        mean of the models' logits.
    """
    inputs = keras.Input(shape, name="pixels")
    x = layers.Rescaling(scale, name="from_0_to_1")(inputs)
    while max(x.shape[1:3]) > side and min(x.shape[1:3]) >= 16:
        x = layers.AveragePooling2D(2, name=f"halved_{x.shape[1]}")(x)
    outputs = []
    for number, model in enumerate(models):
        model.name = f"network_{number}"
        outputs.append(model(x))
    mean = layers.Average(name="logits")(outputs) if len(outputs) > 1 else outputs[0]
    return keras.Model(inputs, mean)


def write_result(path: pathlib.Path, **fields: object) -> None:
    """Write `result.json`: one object, strict JSON; what is not finite becomes null.

    Args:
        path: Of the file; its folder is made.
        fields: Plain values.
    """
    finite = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in fields.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(finite, indent=2, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
