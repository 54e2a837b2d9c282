"""The capstone's protocol: a plan from the minutes, settings to try, a fair draw."""

import dataclasses
import functools
import math
from numbers import Real

import numpy as np

from utils.data import DataError, load, stratified_sample

# Measured on two cores, then rounded up: seconds of one core.
PER_IMAGE, PER_PIXEL = 5e-5, 1.5e-6
START, PER_SETTING, SAFETY, CORES = 20, 1.0, 1.5, 2
FEWEST_IMAGES, MOST_CLASSES, MOST_HELD, SIDES = 50, 100, 2_000, (8, 96)


@dataclasses.dataclass(frozen=True)
class Plan:
    """How large the study is. Same data and minutes, same plan, on any machine.

    images: int, training images of each run; held: int, validation images; epochs:
    int; strengths, rates: int, how many strengths and learning rates are tried; seeds:
    int, final runs of each method; seconds: int, the cautious estimate.
    """

    images: int
    held: int
    epochs: int
    strengths: int
    rates: int
    seeds: int
    seconds: int


def check(dataset):
    """Raise DataError, in a sentence, for a `Dataset` that cannot be judged."""
    name, labels = dataset.name, dataset.y_train
    classes, counts = np.unique(labels, return_counts=True)
    total = len(labels) + len(dataset.y_val) + len(dataset.y_test)
    height, width = dataset.x_train.shape[1:3]
    if len(classes) < 2:
        raise DataError(
            f"{name!r} has one class, so there is nothing to tell apart. Bring two."
        )
    if total < FEWEST_IMAGES:
        raise DataError(
            f"{name!r} has {total} images: too few to choose by. Bring {FEWEST_IMAGES} "
            "or more."
        )
    if len(dataset.class_names) > MOST_CLASSES:
        raise DataError(
            f"{name!r} has {len(dataset.class_names)} classes, and the protocol takes "
            f"{MOST_CLASSES} at most. Join some, or leave some out."
        )
    if counts.min() < 3:
        raise DataError(
            f"{name!r} has {counts.min()} training images of class "
            f"{dataset.class_names[classes[counts.argmin()]]!r}. Bring 3 or more."
        )
    if dataset.x_train.max() == dataset.x_train.min():
        raise DataError(
            f"All pixels of {name!r} are {dataset.x_train.max():g}: the images are "
            "blank. Look at how they were saved."
        )
    if min(height, width) < SIDES[0] or max(height, width) > SIDES[1]:
        raise DataError(
            f"{name!r} has images of {height} x {width} pixels. Scale them to between "
            f"{SIDES[0]} and {SIDES[1]} pixels a side."
        )


def plan(dataset, budget_minutes):
    """Choose the size of the study from the minutes, not from the clock: a `Plan`.

    dataset: a `Dataset`; budget_minutes: number > 0. Raises ValueError for minutes that
    are no such number, or too few for these images.
    """
    number = isinstance(budget_minutes, Real) and not isinstance(budget_minutes, bool)
    if not number or not 0 < budget_minutes < math.inf:
        raise ValueError(
            f"budget_minutes={budget_minutes!r} must be a number of minutes above 0."
        )
    held_there, there = len(dataset.y_val), len(dataset.y_train)
    pixels = math.prod(dataset.x_train.shape[1:3])
    cost = (PER_IMAGE + PER_PIXEL * pixels) / CORES
    for strengths, rates, seeds in ((3, 2, 5), (2, 1, 3)):  # the larger if it fits
        settings = len(grid(strengths, rates))
        runs = settings + len(METHODS) * seeds
        fixed = START + PER_SETTING * (settings + len(METHODS))
        left = 60 * budget_minutes / SAFETY - fixed
        passes = max(0, left / cost / runs)
        passes -= min(MOST_HELD, dataset.y_test.size) / 3  # the look at test
        # A validated image costs a third of a trained one; held <= images.
        epochs = int(np.clip(passes / (there * 4 / 3), 10, 40))
        images = int(min(there, passes / epochs * 3 / 4))
        if images >= min(there, 1_000):
            break
    classes = len(np.unique(dataset.y_train))
    if images < max(FEWEST_IMAGES // 2, 2 * classes):
        raise ValueError(
            f"budget_minutes={budget_minutes:g} is too little for images of "
            f"{pixels} pixels in {classes} classes. Give more minutes."
        )
    held = min(images, held_there, MOST_HELD)
    work = runs * cost * (epochs * (images + held / 3))
    return Plan(images, held, epochs, strengths, rates, seeds, math.ceil(fixed + work))


METHODS = {
    "plain": (None,),
    "L2": (1e-3, 1e-2, 1e-4),
    "dropout": (0.5, 0.3, 0.7),
    "shift": (1, 2, 3),
    "batch norm": (None,),
}
RATES = (1e-3, 3e-4)


def grid(strengths, rates):
    """The settings to try, mild order aside: tuples (method, strength, rate)."""
    return [
        (method, strength, rate)
        for method, scale in METHODS.items()
        for strength in scale[:strengths]
        for rate in RATES[:rates]
    ]


def label(setting):
    """Name one setting in a table: 'L2 0.01, rate 0.001'."""
    method, strength, rate = setting
    return f"{method}{'' if strength is None else f' {strength:g}'}, rate {rate:g}"


def condition(setting, input_shape, classes):
    """Turn a setting of `grid` into a `Condition` of a study."""
    import keras

    from utils import augment
    from utils.models import regularized_cnn
    from utils.study import Condition

    method, strength, rate = setting
    options = {
        "dropout": {"rate": strength},
        "batch norm": {"batch_norm": True},
    }.get(method, {})

    def build():
        penalty = keras.regularizers.L2(strength) if method == "L2" else None
        return regularized_cnn(
            input_shape, classes, kernel_regularizer=penalty, **options
        )

    moved = augment.pipeline(functools.partial(augment.shift, pixels=strength or 0))
    return Condition(
        build,
        optimizer=lambda: keras.optimizers.Adam(rate),
        augment=moved if method == "shift" else None,
    )


def draw(name, size, seed, data_dir=None):
    """Load the data of one seed, cut to the plan: a `Dataset`.

    size: Plan. Training and validation as the plan says, at most 2,000 test images,
    every class in its share.
    """
    data = load(name, train_size=size.images, seed=seed, data_dir=data_dir)
    rng, parts = np.random.default_rng(seed), {}
    for part, most in (("val", size.held), ("test", MOST_HELD)):
        x, y = getattr(data, f"x_{part}"), getattr(data, f"y_{part}")
        most = min(len(y), max(most, len(np.unique(y))))
        chosen = stratified_sample(y, most, rng)
        parts |= {f"x_{part}": x[chosen], f"y_{part}": y[chosen]}
    return dataclasses.replace(data, **parts)


def predicted(model, dataset):
    """Probe of a study: the class given to each test image, int (n,)."""
    logits = [
        np.asarray(model(dataset.x_test[i : i + 250], training=False))
        for i in range(0, len(dataset.x_test), 250)
    ]
    return np.concatenate(logits).argmax(axis=1)
