"""Are these data fit to compare on, and how are they made smaller?"""

import dataclasses

import numpy as np

from utils.data.splits import stratified_sample

MOST_CLASSES = 200
MOST_VAL = 2000


class ProtocolError(ValueError):
    """Data or minutes that the protocol cannot work with; says what to do."""


def check_data(dataset: object) -> None:
    """Raise ProtocolError unless there are classes to tell apart, enough of each."""
    name, classes = dataset.name, len(dataset.class_names)
    counts = np.bincount(dataset.y_train, minlength=classes)
    if np.count_nonzero(counts) < 2:
        raise ProtocolError(
            f"{name!r} has one class only: there is nothing to tell apart. Bring a "
            "second class."
        )
    if classes > MOST_CLASSES:
        raise ProtocolError(
            f"{name!r} has {classes} classes. The protocol trains small networks many "
            f"times, and is made for up to {MOST_CLASSES}. Merge or leave some out."
        )
    fewest = int(counts[counts > 0].min())
    if len(dataset.y_train) < 40 or fewest < 4:
        rare = dataset.class_names[int(np.flatnonzero(counts == fewest)[0])]
        raise ProtocolError(
            f"{name!r} has {len(dataset.y_train)} training images, {fewest} of class "
            f"{rare!r}. Too few to compare on: bring 40 or more, and 4 of each class."
        )
    height, width = dataset.x_train.shape[1:3]
    if min(height, width) < 8:
        raise ProtocolError(
            f"The images of {name!r} are {height} x {width} pixels. Two convolutions "
            "need 8 x 8 or more."
        )
    if np.ptp(dataset.x_train) == 0:
        raise ProtocolError(
            f"All pixels of {name!r} are {dataset.x_train.flat[0]:g}: the images are "
            "blank. Check how they were saved."
        )


def shrunk(images: np.ndarray, side: int) -> np.ndarray:
    """Halve images until no side has more than `side` pixels; each is a mean of four.

    Args:
        images: float32 (n, height, width, channels). An odd last row or column is cut
            off.
        side: Pixels. No side falls below 8 pixels, whatever is asked for.

    Returns:
        float32 (n, height, width, channels); the images themselves where they fit.
    """
    while max(images.shape[1:3]) > side and min(images.shape[1:3]) >= 16:
        n, height, width, channels = images.shape
        even = images[:, : height // 2 * 2, : width // 2 * 2]
        halves = even.reshape(n, height // 2, 2, width // 2, 2, channels)
        images = halves.mean(axis=(2, 4), dtype=np.float32)
    return images


def shapes_of(image: np.ndarray) -> dict[int, tuple[int, int, int]]:
    """List the sizes in which an image can be had: {longer side: shape}, full first.

    Args:
        image: float32 (1, height, width, channels).
    """
    shapes = {max(image.shape[1:3]): image.shape[1:]}
    while min(image.shape[1:3]) >= 16:
        image = shrunk(image, max(image.shape[1:3]) - 1)
        shapes[max(image.shape[1:3])] = image.shape[1:]
    return shapes


def smaller(dataset: object, images: int, side: int, seed: int = 0) -> object:
    """Give a data set fewer training images, and all its images fewer pixels.

    Args:
        dataset: A `Dataset`.
        images: For training, every class in its share; all where there are no more.
            Validation images are at most 2,000.
        side: Pixels of the longer side; larger images are halved until they fit.
        seed: Draws the images that stay.

    Returns:
        The `Dataset`. Its test images are all there.
    """
    changes = {}
    for part, most in (("train", images), ("val", MOST_VAL), ("test", None)):
        x, y = getattr(dataset, f"x_{part}"), getattr(dataset, f"y_{part}")
        if most is not None and most < len(y):
            stay = stratified_sample(y, most, np.random.default_rng(seed))
            x, y = x[stay], y[stay]
        changes |= {f"x_{part}": shrunk(x, side), f"y_{part}": y}
    return dataclasses.replace(dataset, **changes)
