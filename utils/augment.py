"""Data augmentation for whole batches: stateless, one draw for each image.

`images`: float32 (n, height, width, channels), values in [0, 1]; the results keep
shape, dtype and range. `seed`: two whole numbers; the same seed gives the same images,
so pass a new one for each batch of each epoch. A magnitude of 0 changes nothing.
The border of a moved image is filled with 0: the background of digits, and no invented
content in photographs.

`pipeline(partial(shift, pixels=1), flip)` joins operations into one
f(images, labels, seed) -> (images, labels) for `tf.data` or `utils.study`.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from numbers import Integral

import tensorflow as tf
from numpy.typing import ArrayLike

__all__ = [
    "brightness",
    "contrast",
    "cutout",
    "flip",
    "mixup",
    "pipeline",
    "rotate",
    "shift",
    "zoom",
]


def flip(images: tf.Tensor, seed: ArrayLike) -> tf.Tensor:
    """Mirror each image left to right with probability 1/2.

    Args:
        images: float32 (n, h, w, c) in [0, 1].
        seed: two whole numbers.

    Returns:
        float32, shaped like images.

    Raises:
        ValueError: images, seed or magnitude that do not fit.

    Source:
        Taught in chapter 04.
    """
    if fault := input_fault(images, seed):
        raise ValueError(fault)
    return tf.image.stateless_random_flip_left_right(images, seed)


def shift(images: tf.Tensor, seed: ArrayLike, pixels: int) -> tf.Tensor:
    """Move each image by whole pixels, −pixels…pixels in both directions; 0 moves in.

    Whole pixels, so that nothing is blurred.

    Args:
        images: float32 (n, h, w, c) in [0, 1].
        seed: two whole numbers.
        pixels: a whole number, 0 or more.

    Returns:
        float32, shaped like images.

    Raises:
        ValueError: images, seed or magnitude that do not fit.

    Source:
        Taught in chapter 04.
    """
    if fault := input_fault(images, seed):
        raise ValueError(fault)
    if not isinstance(pixels, Integral) or pixels < 0:
        raise ValueError(f"pixels is {pixels!r}: give a whole number, 0 or more")
    shape = [tf.shape(images)[0], 2]
    moves = tf.random.stateless_uniform(shape, seed, -pixels, pixels + 1, tf.int32)
    dx, dy = tf.unstack(tf.cast(moves, tf.float32), axis=1)
    one, zero = tf.ones_like(dx), tf.zeros_like(dx)
    return project(images, [one, zero, dx], [zero, one, dy])


def rotate(images: tf.Tensor, seed: ArrayLike, degrees: float) -> tf.Tensor:
    """Turn each image about its centre by an angle in −degrees…degrees; 0 moves in.

    The centre is ((w − 1)/2, (h − 1)/2); bilinear between pixels.

    Args:
        images: float32 (n, h, w, c) in [0, 1].
        seed: two whole numbers.
        degrees: 0 to 180.

    Returns:
        float32, shaped like images.

    Raises:
        ValueError: images, seed or magnitude that do not fit.

    Source:
        Taught in chapter 04.
    """
    if fault := input_fault(images, seed):
        raise ValueError(fault)
    if not 0 <= degrees <= 180:
        raise ValueError(f"degrees is {degrees!r}: give a number from 0 to 180")
    angle = draw(images, seed, math.radians(degrees))
    cos, sin = tf.cos(angle), tf.sin(angle)
    x, y = centre(images)
    return project(
        images,
        [cos, -sin, x - cos * x + sin * y],
        [sin, cos, y - sin * x - cos * y],
    )


def zoom(images: tf.Tensor, seed: ArrayLike, fraction: float) -> tf.Tensor:
    """Scale each image about its centre by 1 − fraction…1 + fraction; 0 moves in.

    A factor above 1 magnifies, one below 1 shrinks; both directions alike; bilinear.

    Args:
        images: float32 (n, h, w, c) in [0, 1].
        seed: two whole numbers.
        fraction: 0 or more, below 1.

    Returns:
        float32, shaped like images.

    Raises:
        ValueError: images, seed or magnitude that do not fit.

    Source:
        Taught in chapter 04, in depth.
    """
    if fault := input_fault(images, seed):
        raise ValueError(fault)
    if not 0 <= fraction < 1:
        raise ValueError(
            f"fraction is {fraction!r}: give 0 ≤ fraction < 1; 0.1 scales by 0.9 to 1.1"
        )
    step = 1 / (1 + draw(images, seed, fraction))
    x, y = centre(images)
    zero = tf.zeros_like(step)
    return project(images, [step, zero, x - step * x], [zero, step, y - step * y])


def brightness(images: tf.Tensor, seed: ArrayLike, delta: float) -> tf.Tensor:
    """Add a number in −delta…delta to each image, and clip to [0, 1].

    Args:
        images: float32 (n, h, w, c) in [0, 1].
        seed: two whole numbers.
        delta: 0 to 1.

    Returns:
        float32, shaped like images.

    Raises:
        ValueError: images, seed or magnitude that do not fit.

    Source:
        Taught in chapter 04.
    """
    if fault := input_fault(images, seed):
        raise ValueError(fault)
    if not 0 <= delta <= 1:
        raise ValueError(
            f"delta is {delta!r}: images lie in [0, 1], give 0 ≤ delta ≤ 1"
        )
    change = tf.reshape(draw(images, seed, delta), [-1, 1, 1, 1])
    return tf.clip_by_value(images + change, 0, 1)


def contrast(images: tf.Tensor, seed: ArrayLike, factor: float) -> tf.Tensor:
    """Scale each image's distance from its mean by 1 − factor…1 + factor, and clip.

    Each channel has its own mean, as in `tf.image.adjust_contrast`.

    Args:
        images: float32 (n, h, w, c) in [0, 1].
        seed: two whole numbers.
        factor: 0 to 1.

    Returns:
        float32, shaped like images.

    Raises:
        ValueError: images, seed or magnitude that do not fit.

    Source:
        Taught in chapter 04, in depth.
    """
    if fault := input_fault(images, seed):
        raise ValueError(fault)
    if not 0 <= factor <= 1:
        raise ValueError(
            f"factor is {factor!r}: give 0 ≤ factor ≤ 1; 0.2 scales by 0.8 to 1.2"
        )
    change = tf.reshape(draw(images, seed, factor), [-1, 1, 1, 1])
    mean = tf.reduce_mean(images, axis=[1, 2], keepdims=True)
    return tf.clip_by_value((1 + change) * images - change * mean, 0, 1)


def cutout(images: tf.Tensor, seed: ArrayLike, size: int) -> tf.Tensor:
    """Fill one square of size × size pixels in each image with 0.

    The square's middle is any pixel of the image, so that a part may lie outside it.

    Args:
        images: float32 (n, h, w, c) in [0, 1].
        seed: two whole numbers.
        size: a whole number, 0 or more.

    Returns:
        float32, shaped like images.

    Raises:
        ValueError: images, seed or magnitude that do not fit.

    Source:
        DeVries & Taylor, 2017. Taught in chapter 04, in depth.
    """
    if fault := input_fault(images, seed):
        raise ValueError(fault)
    if not isinstance(size, Integral) or size < 0:
        raise ValueError(f"size is {size!r}: give a whole number of pixels, 0 or more")
    n, height, width, _ = tf.unstack(tf.shape(images))
    spans = tf.cast([height, width], tf.float32)
    middle = tf.cast(tf.random.stateless_uniform([n, 2], seed) * spans, tf.int32)
    top, left = tf.unstack(middle[:, :, None] - size // 2, axis=1)
    rows, columns = tf.range(height), tf.range(width)
    in_rows = (top <= rows) & (rows < top + size)
    in_columns = (left <= columns) & (columns < left + size)
    hole = in_rows[:, :, None, None] & in_columns[:, None, :, None]
    return images * tf.cast(~hole, tf.float32)


def mixup(
    images: tf.Tensor, labels: tf.Tensor, seed: ArrayLike, alpha: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Blend each image, and its label, with another image of the batch.

    Args:
        images: float32 (n, h, w, c) in [0, 1].
        labels: float32 one-hot (n, classes).
        seed: two whole numbers.
        alpha: 0.01 or more; 0.1 to 0.4 are usual. Each image's share is its own draw
            from Beta(alpha, alpha).

    Returns:
        images and labels, float32, shaped like those given.

    Raises:
        ValueError: images, labels, seed or alpha that do not fit.

    Source:
        Zhang et al., 2018. Taught in chapter 04, in depth.
    """
    if fault := input_fault(images, seed) or label_fault(images, labels):
        raise ValueError(fault)
    if not 0.01 <= alpha < math.inf:
        raise ValueError(f"alpha is {alpha!r}: give 0.01 or more; 0.2 is usual")
    n = tf.shape(images)[0]
    share_seed, partner_seed = tf.unstack(tf.random.split(tf.cast(seed, tf.int32)))
    a, b = tf.unstack(
        tf.random.stateless_gamma([2, n], share_seed, alpha, dtype="float64")
    )
    share = tf.cast(a / (a + b), tf.float32)[:, None]
    partner = tf.random.experimental.stateless_shuffle(tf.range(n), partner_seed)
    labels = share * labels + (1 - share) * tf.gather(labels, partner)
    share = share[:, :, None, None]
    return share * images + (1 - share) * tf.gather(images, partner), labels


def pipeline(*operations: Callable) -> Callable:
    """Join operations into one f(images, labels, seed) -> (images, labels).

    Args:
        operations: functions of (images, seed), or of (images, labels, seed) as
            `mixup`. `functools.partial` fixes their magnitudes. Each gets a seed of
            its own.

    Returns:
        The function, for `tf.data` or a `Condition`.

    Raises:
        ValueError: something that cannot be called.

    Source:
        Taught in chapter 04.
    """
    if not all(callable(operation) for operation in operations):
        raise ValueError(
            f"pipeline got {[type(part).__name__ for part in operations]}: "
            "give functions, as in pipeline(partial(shift, pixels=1), flip)"
        )

    def augment(images, labels, seed):
        seeds = tf.random.split(tf.cast(seed, tf.int32), len(operations))
        for operation, own_seed in zip(operations, tf.unstack(seeds), strict=True):
            if "labels" in inspect.signature(operation).parameters:
                images, labels = operation(images, labels, own_seed)
            else:
                images = operation(images, own_seed)
        return images, labels

    return augment


def draw(images: tf.Tensor, seed: ArrayLike, limit: float) -> tf.Tensor:
    """Draw one number for each image, uniform in −limit…limit: float32 (n,).

    Source:
        Taught in chapter 04.
    """
    return tf.random.stateless_uniform(tf.shape(images)[:1], seed, -limit, limit)


def centre(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the middle of the images in pixels, as (x, y): float32 scalars.

    Source:
        Taught in chapter 04.
    """
    height, width = tf.unstack(tf.cast(tf.shape(images)[1:3], tf.float32))
    return (width - 1) / 2, (height - 1) / 2


def project(
    images: tf.Tensor, x_row: list[tf.Tensor], y_row: list[tf.Tensor]
) -> tf.Tensor:
    """Look each new pixel (x, y) up at `(x_row · (x, y, 1), y_row · (x, y, 1))`.

    Bilinear between pixels, 0 outside the image.

    Args:
        images: float32 (n, h, w, c).
        x_row: three float32 tensors (n,).
        y_row: likewise.

    Returns:
        float32, shaped like images.

    Source:
        Taught in chapter 04.
    """
    zero = tf.zeros_like(x_row[0])
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([*x_row, *y_row, zero, zero], axis=1),
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    return tf.ensure_shape(moved, images.shape)


def input_fault(images, seed):
    """What is wrong with a batch or a seed, in one sentence, or None."""
    images, seed = tf.convert_to_tensor(images), tf.convert_to_tensor(seed)
    if images.dtype != tf.float32:
        return (
            f"images are {images.dtype.name}: give float32 in [0, 1], "
            "as in tf.cast(images, tf.float32) / 255 for bytes"
        )
    if images.shape.rank not in (4, None):
        return (
            f"images have shape {images.shape}: give a batch "
            "(n, height, width, channels); images[None] makes one of a single image"
        )
    if not seed.dtype.is_integer or not seed.shape.is_compatible_with([2]):
        return (
            f"seed is {seed.dtype.name} of shape {seed.shape}: "
            "give two whole numbers, as in (0, step)"
        )
    return None


def label_fault(images, labels):
    """What is wrong with labels to be mixed, in one sentence, or None."""
    labels = tf.convert_to_tensor(labels)
    if labels.dtype != tf.float32 or labels.shape.rank not in (2, None):
        return (
            f"labels are {labels.dtype.name} of shape {labels.shape}: mixup blends "
            "one-hot float32 labels; use tf.one_hot(labels, classes)"
        )
    if not labels.shape[:1].is_compatible_with(images.shape[:1]):
        return f"{images.shape[0]} images but {labels.shape[0]} labels: give one each"
    return None
