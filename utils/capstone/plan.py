"""The capstone's protocol: a plan that fits its minutes, and honest scores.

The minutes choose the size of the plan before anything runs, from a table of what a
step costs, never from a clock: the same data and minutes give the same plan on every
machine. Its numbers repeat on one kind of processor, and move a little on another.
"""

import dataclasses
import math
from numbers import Real

import numpy as np

BATCH = 32
CORES = 2  # what the minutes are meant for; more cores finish sooner
RECIPES = 5
SEEDS = 5
FINALISTS = 2  # the chosen recipe and the plain one, trained anew for the test
MOST_VAL = 500
MOST_CLASSES = 200
# Seconds of a step of 32 images apart from arithmetic, and the rate of arithmetic: the
# slower of what was measured, with half as much again to spare.
STEP_SECONDS = 0.003
FLOPS_PER_SECOND = 14e9
SETUP_SECONDS = 22
TRACE_SECONDS = 1.2

# settings for each recipe, updates, training images, pixels a side: the smallest first
LEVELS = [
    (2, 150, 300, 16),
    (2, 250, 600, 16),
    (3, 400, 1000, 16),
    (3, 800, 2000, 16),
    (3, 1200, 3000, 16),
    (3, 2000, 5000, 16),
    (3, 2000, 5000, 32),
    (4, 3000, 20000, 32),
]


class ProtocolError(ValueError):
    """Data or minutes that the protocol cannot work with; says what to do."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """How large a comparison is; every field follows from the data and the minutes.

    settings: tries for each recipe; epochs; train_size, val_size: images; side: pixels
    of the longer side, larger images are halved; seconds: what it should take.
    """

    settings: int
    epochs: int
    train_size: int
    val_size: int
    side: int
    seconds: float

    def __str__(self):
        return (
            f"{RECIPES} recipes, {self.settings} settings each, {SEEDS} seeds to "
            f"choose, {SEEDS} fresh ones for the test, "
            f"{self.epochs} epochs of {self.train_size} images, "
            f"{self.side} pixels a side"
        )


def plan(dataset, budget_minutes):
    """Choose the largest plan that should fit the minutes on two cores.

    dataset: a `Dataset`; budget_minutes: number above 0. Raises ProtocolError for data
    that cannot be compared on, and for minutes that are too few for the smallest plan.
    """
    check_data(dataset)
    number = isinstance(budget_minutes, Real) and not isinstance(budget_minutes, bool)
    if not number or not 0 < budget_minutes < math.inf:
        raise ProtocolError(
            f"budget_minutes={budget_minutes!r} must be a number above 0, for "
            "instance 2."
        )
    plans = [_sized(dataset, *level) for level in LEVELS]
    fitting = [one for one in plans if one.seconds <= 60 * budget_minutes]
    if not fitting:
        least = math.ceil(min(one.seconds for one in plans) / 6) / 10
        raise ProtocolError(
            f"budget_minutes={budget_minutes:g} is too short: the smallest plan for "
            f"{dataset.name!r} takes about {least:g} minutes. Give it {least:g}."
        )
    return fitting[-1]


def check_data(dataset):
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


def _sized(dataset, settings, updates, images, side):
    train, val = min(images, len(dataset.y_train)), min(MOST_VAL, len(dataset.y_val))
    batches = math.ceil(train / BATCH)
    epochs = math.ceil(updates / batches)
    shape = shrunk(dataset.x_train[:1], side).shape[1:]
    image = forward_flops(shape, len(dataset.class_names)) / FLOPS_PER_SECOND
    step = STEP_SECONDS + 3 * BATCH * image
    run = epochs * (batches * step + 0.01 + val * image)
    runs = RECIPES * (settings + SEEDS) + FINALISTS * SEEDS
    traces = (RECIPES * (settings + 1) + FINALISTS) * TRACE_SECONDS
    looks = 3  # at both ends of a run, and once for its answers
    test = looks * FINALISTS * SEEDS * len(dataset.y_test) * image
    seconds = SETUP_SECONDS + (runs * run + traces) / CORES + test
    return Plan(settings, epochs, train, val, max(shape[:2]), seconds)


def forward_flops(shape, classes):
    """Count multiplications and additions of `regularized_cnn` for one image."""
    height, width, channels = shape
    h, w = max(height // 2 - 2, 1), max(width // 2 - 2, 1)
    first = height * width * 9 * channels * 32
    return 2 * (first + h * w * 9 * 32 * 64 + h * w * 64 * 128 + 128 * classes)


def shrunk(images, side):
    """Halve images until no side has more than `side` pixels; each is a mean of four.

    images: float32 (n, height, width, channels). An odd last row or column is cut off.
    No side falls below 8 pixels.
    """
    while max(images.shape[1:3]) > side and min(images.shape[1:3]) >= 16:
        n, height, width, channels = images.shape
        even = images[:, : height // 2 * 2, : width // 2 * 2]
        halves = even.reshape(n, height // 2, 2, width // 2, 2, channels)
        images = halves.mean(axis=(2, 4), dtype=np.float32)
    return images


def answers(model, images):
    """Return the class that a model gives each image, int (n,)."""
    batches = [images[i : i + 256] for i in range(0, len(images), 256)]
    found = [np.argmax(model(batch, training=False), axis=1) for batch in batches]
    return np.concatenate(found)


def balanced_accuracy(labels, predictions):
    """Average over the classes that occur the share of their images that is found."""
    found = [np.mean(predictions[labels == k] == k) for k in np.unique(labels)]
    return float(np.mean(found))


def confusion(labels, predictions, classes):
    """Count answers, int (classes, classes): a row a true class, a column an answer."""
    matrix = np.zeros((classes, classes), int)
    np.add.at(matrix, (labels, predictions), 1)
    return matrix


def verdict(found):
    """Say what the test images tell about the recipe that validation chose.

    Args:
        found: the `Comparison` of the chosen recipe with the plain one.

    Returns:
        "use", "undecided", or "keep plain" where the recipe lowers the score or where
        the plain one was itself chosen.
    """
    if found.a == found.b or found.verdict == "lowers":
        return "keep plain"
    return "use" if found.verdict == "raises" else "undecided"
