"""Images per second of three ways to augment, and the share of a training step.

Run as: python benchmarks/augment_speed.py

The same operations, shapes and batches of 32 in one run, on one thread, as in the
course: (a) `tf.image` on one image at a time in a `tf.data` map, then batched;
(b) Keras' Random* layers and (c) `utils.augment`, on whole batches in a `tf.data` map.
`tf.image` has no rotation and no zoom: (a) does these as (c) does, one image at a time.
The share is that of a training step of the course's small CNN, in one `tf.function`.
"""

import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))

from utils.runtime import configure_tensorflow  # noqa: E402

tf = configure_tensorflow()  # before anything else imports TensorFlow
tf.get_logger().setLevel("ERROR")  # it takes each new loop for a retracing

import keras  # noqa: E402

from utils import augment  # noqa: E402

BATCH, BATCHES, REPEATS = 32, 200, 2
SHAPES = [(8, 8, 1), (28, 28, 1), (32, 32, 3)]
LAYERS = keras.layers


def shift_one(image, seed):
    """Shift one image by up to 2 pixels: pad, then crop at random."""
    padded = tf.pad(image, [[2, 2], [2, 2], [0, 0]])
    return tf.image.stateless_random_crop(padded, image.shape, seed)


def clipped(operation):
    """The operation, and its result kept in [0, 1]."""
    return lambda image, seed: tf.clip_by_value(operation(image, seed=seed), 0, 1)


def single(operation):
    """Our batch operation on one image at a time."""
    return lambda image, seed: operation(image[None], seed)[0]


# What is done: for each operation (a) one image, (b) a Keras layer, (c) ours.
OPERATIONS = {
    "flip": (
        tf.image.stateless_random_flip_left_right,
        lambda: LAYERS.RandomFlip("horizontal"),
        augment.flip,
    ),
    "shift": (
        shift_one,
        None,  # takes a share of the size, which differs by shape: see `layer`
        partial(augment.shift, pixels=2),
    ),
    "rotate": (
        single(partial(augment.rotate, degrees=15)),
        lambda: LAYERS.RandomRotation(15 / 360, fill_mode="constant"),
        partial(augment.rotate, degrees=15),
    ),
    "zoom": (
        single(partial(augment.zoom, fraction=0.1)),
        lambda: LAYERS.RandomZoom(0.1, fill_mode="constant"),
        partial(augment.zoom, fraction=0.1),
    ),
    "brightness": (
        clipped(partial(tf.image.stateless_random_brightness, max_delta=0.2)),
        lambda: LAYERS.RandomBrightness(0.2, value_range=(0, 1)),
        partial(augment.brightness, delta=0.2),
    ),
    "contrast": (
        clipped(partial(tf.image.stateless_random_contrast, lower=0.8, upper=1.2)),
        lambda: LAYERS.RandomContrast(0.2, value_range=(0, 1)),
        partial(augment.contrast, factor=0.2),
    ),
}
RECIPES = {name: [name] for name in ("flip", "shift", "rotate", "brightness")}
RECIPES |= {"flip, shift": ["flip", "shift"], "all six": list(OPERATIONS)}


def layer(name, shape):
    """Keras' layer for an operation on images of this shape."""
    if name == "shift":
        return LAYERS.RandomTranslation(2 / shape[0], 2 / shape[1], "constant")
    return OPERATIONS[name][1]()


def whole_batches(images, labels):
    """A data set of batches, cut beforehand."""
    images = images.reshape(-1, BATCH, *images.shape[1:])
    data = tf.data.Dataset.from_tensor_slices((images, labels.reshape(-1, BATCH)))
    return data.repeat(BATCHES // len(images))


def one_by_one(images, labels, names):
    """(a) one image at a time."""
    steps = [OPERATIONS[name][0] for name in names]

    def each(index, image, label):
        seeds = tf.unstack(tf.random.split([0, tf.cast(index, tf.int32)], len(steps)))
        for step, seed in zip(steps, seeds, strict=True):
            image = step(image, seed=seed)
        return image, label

    data = tf.data.Dataset.from_tensor_slices((images, labels))
    data = data.repeat(BATCHES * BATCH // len(images)).enumerate()
    return data.map(lambda i, pair: each(i, *pair), tf.data.AUTOTUNE).batch(BATCH)


def keras_layers(images, labels, names):
    """(b) Keras' layers, over batches."""
    layers = [layer(name, images.shape[1:]) for name in names]

    def each(batch, label):
        for random_layer in layers:
            batch = random_layer(batch, training=True)
        return batch, label

    return whole_batches(images, labels).map(each, tf.data.AUTOTUNE)


def ours(images, labels, names):
    """(c) utils.augment, over batches."""
    change = augment.pipeline(*[OPERATIONS[name][2] for name in names])
    data = whole_batches(images, labels).enumerate()
    return data.map(
        lambda i, pair: change(*pair, [0, tf.cast(i, tf.int32)]), tf.data.AUTOTUNE
    )


def best_seconds(functions):
    """The least seconds of each function, taken in turns so that load hits all."""
    for function in functions:
        function()
    least = [float("inf")] * len(functions)
    for _ in range(REPEATS):
        for i, function in enumerate(functions):
            start = time.perf_counter()
            function()
            least[i] = min(least[i], time.perf_counter() - start)
    return least


def consume(data):
    """A function that reads a data set once, inside TensorFlow."""
    data = data.prefetch(tf.data.AUTOTUNE)

    @tf.function
    def read():
        total = 0.0
        for images, _ in data:
            total += images[0, 0, 0, 0]
        return total

    return lambda: read().numpy()


def speed(shape, names):
    """Images per second of (a), (b) and (c)."""
    images = np.random.default_rng(0).random((10 * BATCH, *shape), np.float32)
    labels = np.zeros(len(images), np.int32)
    ways = [
        consume(way(images, labels, names)) for way in (one_by_one, keras_layers, ours)
    ]
    return [BATCH * BATCHES / seconds for seconds in best_seconds(ways)]


def small_cnn_step(shape):
    """A function of a batch that takes one training step of a small CNN."""
    model = keras.Sequential(
        [
            keras.Input(shape),
            LAYERS.Conv2D(32, 3, padding="same", activation="relu"),
            LAYERS.MaxPooling2D(),
            LAYERS.Conv2D(64, 3, padding="same", activation="relu"),
            LAYERS.Flatten(),
            LAYERS.Dense(128, activation="relu"),
            LAYERS.Dense(10),
        ]
    )
    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(model.trainable_variables)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def step(images, labels, seed):
        with tf.GradientTape() as tape:
            value = loss(labels, model(images, training=True))
        weights = model.trainable_variables
        optimizer.apply(tape.gradient(value, weights), weights)
        return images, labels

    return step


def loop(shape, change):
    """A function that changes 100 batches in one tf.function, as training does."""
    images = tf.constant(np.random.default_rng(0).random((BATCH, *shape), np.float32))
    labels = tf.range(BATCH) % 10

    @tf.function
    def run():
        total = 0.0
        for i in tf.range(100):
            changed, _ = change(images, labels, tf.stack([0, i]))
            total += changed[0, 0, 0, 0]
        return total

    return lambda: run().numpy()


def milliseconds(shape):
    """A training step and each recipe, in milliseconds a batch."""
    changes = [
        augment.pipeline(*[OPERATIONS[name][2] for name in names])
        for names in RECIPES.values()
    ]
    loops = [loop(shape, change) for change in [small_cnn_step(shape), *changes]]
    return [10 * seconds for seconds in best_seconds(loops)]


def main():
    """Print both tables."""
    rows = []
    for shape in SHAPES:
        for recipe, names in RECIPES.items():
            a, b, c = speed(shape, names)
            rows.append((str(shape), recipe, a, b, c, c / max(a, b)))
    columns = [
        "shape",
        "operations",
        "(a) one by one",
        "(b) Keras",
        "(c) ours",
        "ratio",
    ]
    print("Images per second; ratio: ours to the faster of the others")
    table = pd.DataFrame(rows, columns=columns)
    print(table.to_string(index=False, float_format=lambda v: f"{v:,.1f}"))
    rows = []
    for shape in SHAPES:
        step, *parts = milliseconds(shape)
        for recipe, part in zip(RECIPES, parts, strict=True):
            rows.append((str(shape), recipe, step, part, 100 * part / (step + part)))
    columns = ["shape", "operations", "training, ms", "augmenting, ms", "share, %"]
    print("\nA training step of a small CNN, batches of 32, and what augmenting adds")
    print(
        pd.DataFrame(rows, columns=columns).to_string(index=False, float_format="%.2f")
    )


if __name__ == "__main__":
    main()
