"""The images the course learns from: one call, `load`, for every data set."""

import os
import re
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np

from utils.data.errors import DataError
from utils.data.sources import read
from utils.data.splits import hold_out_fifth, mislabel, stratified_sample

__all__ = ["DataError", "Dataset", "load"]

# Draws every test part, so it must never change: no seed of a reader enters.
TEST_SEED = 0


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels in three disjoint parts: to train, to choose, to look at once.

    From `load`, the test part is the same for every seed; see there what that means.

    Args:
        name: what `load` was asked for.
        class_names: label i is the class `class_names[i]`.
        x_train, x_val, x_test: float32 in [0, 1], (n, height, width, channels),
            read-only.
        y_train, y_val, y_test: int32, (n,), read-only. Only `y_train` can hold wrong
            labels.
    """

    name: str
    class_names: tuple[str, ...]
    x_train: np.ndarray
    y_train: np.ndarray
    x_val: np.ndarray
    y_val: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    def __repr__(self) -> str:
        sizes = f"{len(self.x_train)} train, {len(self.x_val)} val, {len(self.x_test)}"
        shape = "x".join(map(str, self.x_train.shape[1:]))
        classes = len(self.class_names)
        return f"<Dataset {self.name}: {sizes} test, {shape}, {classes} classes>"


def load(
    name: str = "digits",
    *,
    train_size: int | None = None,
    label_noise: float = 0.0,
    seed: int = 0,
    data_dir: str | os.PathLike | None = None,
) -> Dataset:
    """Load a data set, split and stratified, with a test part that no seed moves.

    The test part is fixed by the data set alone: the source's own, or else a fifth
    that is always the same. Every seed, size and noise has the same test images in
    the same order, and none of them is ever a training or validation image. So
    nothing that was chosen on a validation part has seen a test image. But all
    results on a data set share these images: more seeds make the training's chance
    smaller, never that of the test images, which only more images can.

    `digits` is the test part of UCI's optdigits, written by 13 people. The images do
    not say by whom, so each writer is in all three parts, and an accuracy here says
    nothing about the hand of a 14th.

    Args:
        name: "digits" (comes with scikit-learn), "mnist", "fashion_mnist" or
            "cifar10" (downloaded once), or NAME for the file NAME.npz in `data_dir`,
            or for the folder NAME there, with one folder of pictures for each class.
        train_size: keep that many training images: every class in its share and at
            least once. A larger subset begins with the smaller one. None keeps all.
        label_noise: in [0, 1), the share of training labels that are replaced by
            another class, uniformly drawn. Images and their order stay as they are,
            and a larger share keeps the wrong labels of a smaller one.
        seed: 0 or larger; draws the validation part (where the source has none), the
            subset and the wrong labels.
        data_dir: the folder; None for the variable COURSE_DATA, or else data/.

    Returns:
        The three parts, as a `Dataset`.

    Raises:
        DataError: for an argument, a file or a download that cannot be used.
    """
    check_arguments(name, train_size, label_noise, seed)
    parts, class_names = read(name, data_dir)
    split_rng, subset_rng, noise_rng = np.random.default_rng(seed).spawn(3)
    for part, rng in ("test", np.random.default_rng(TEST_SEED)), ("val", split_rng):
        if part not in parts:
            images, labels = parts["train"]
            stay, held = hold_out_fifth(name, labels, rng)
            parts["train"] = images[stay], labels[stay]
            parts[part] = images[held], labels[held]

    images, labels = parts["train"]
    if train_size is not None:
        check_train_size(name, train_size, labels)
        subset = stratified_sample(labels, train_size, subset_rng)
        images, labels = images[subset], labels[subset]
    if label_noise > 0:
        labels = mislabel(name, labels, label_noise, noise_rng)
    parts["train"] = images, labels

    class_names = class_names or tuple(map(str, range(1 + parts["train"][1].max())))
    arrays = {}
    for part, (images, labels) in parts.items():
        arrays |= {f"x_{part}": as_float32(images), f"y_{part}": labels}
    for array in arrays.values():
        array.flags.writeable = False
    return Dataset(name, class_names, **arrays)


def as_float32(images: np.ndarray) -> np.ndarray:
    """Copy images to float32 in [0, 1]; uint8 is divided by 255."""
    if images.dtype == np.uint8:
        return np.divide(images, 255, dtype=np.float32)
    return images.astype(np.float32)


def check_arguments(name, train_size, label_noise, seed):
    """Raise DataError for arguments of `load` that are wrong for every data set."""
    if not isinstance(name, str) or not re.fullmatch("[A-Za-z0-9_-]+", name):
        raise DataError(
            f"{name!r} is no name of a data set: use letters, digits, _ and -, without "
            "folder or ending. The folder goes into data_dir."
        )
    if train_size is not None and not is_whole(train_size):
        raise DataError(
            f"train_size={train_size!r} must be a whole number of images, or None for "
            "all of them."
        )
    is_number = isinstance(label_noise, Real) and not isinstance(label_noise, bool)
    if not is_number or not 0 <= label_noise < 1:
        raise DataError(
            f"label_noise={label_noise!r} must be a number in [0, 1): the share of "
            "training labels that become wrong."
        )
    if not is_whole(seed) or seed < 0:
        raise DataError(f"seed={seed!r} must be a whole number, 0 or larger.")


def is_whole(value):
    """Whether a value is an int, or NumPy's; True and False are no numbers."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def check_train_size(name, train_size, labels):
    """Raise DataError unless each class fits in and enough images are there."""
    classes = len(np.unique(labels))
    if train_size < classes:
        raise DataError(
            f"train_size={train_size} is less than one image for each of the {classes} "
            f"classes of {name!r}. Use {classes} or more."
        )
    if train_size > len(labels):
        raise DataError(
            f"train_size={train_size} is more than the {len(labels)} training images "
            f"of {name!r}. Use {len(labels)} or fewer, or None for all."
        )
