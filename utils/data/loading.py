"""The images the course learns from: one call, `load`, for every data set."""

import re
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np

from utils.data.sources import DataError, picture_classes, read

__all__ = ["DataError", "Dataset", "load"]

CLASS_NAMES = {
    "fashion_mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    "cifar10": (
        *("airplane", "automobile", "bird", "cat", "deer"),
        *("dog", "frog", "horse", "ship", "truck"),
    ),
}


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels in three disjoint parts: to train, to choose, to look at once.

    Images: float32 in [0, 1], (n, height, width, channels), read-only. Labels: int32,
    (n,), read-only; label i is the class `class_names[i]`.
    """

    name: str
    class_names: tuple[str, ...]
    x_train: np.ndarray
    y_train: np.ndarray
    x_val: np.ndarray
    y_val: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    def __repr__(self):
        sizes = f"{len(self.x_train)} train, {len(self.x_val)} val, {len(self.x_test)}"
        shape = "x".join(map(str, self.x_train.shape[1:]))
        classes = len(self.class_names)
        return f"<Dataset {self.name}: {sizes} test, {shape}, {classes} classes>"


def load(name="digits", *, train_size=None, label_noise=0.0, seed=0, data_dir=None):
    """Load a data set, split and stratified, as a `Dataset`.

    name: "digits" (comes with scikit-learn), "mnist", "fashion_mnist" or "cifar10"
        (downloaded once), or NAME for the file NAME.npz in `data_dir`, or for the
        folder NAME there, with one folder of pictures for each class.
    train_size: int, keep that many training images: every class in its share and at
        least once. A larger subset begins with the smaller one.
    label_noise: float in [0, 1), the share of training labels that are replaced by
        another class, uniformly drawn; images, order, val and test stay as they are.
    seed: int >= 0, fixes split, subset and noise. A source's own test part is kept.
    data_dir: folder, by default the variable COURSE_DATA or else data/.

    Raises DataError for an argument or a file that cannot be used.
    """
    check_arguments(name, train_size, label_noise, seed)
    split_rng, subset_rng, noise_rng = np.random.default_rng(seed).spawn(3)
    parts = read(name, data_dir)
    labels = [y for _, y in parts.values()]
    classes = 1 + max(y.max() for y in labels)
    for part in ("test", "val"):
        if part not in parts:
            parts["train"], parts[part] = hold_out_fifth(
                name, *parts["train"], split_rng
            )

    x_train, y_train = parts["train"]
    if train_size is not None:
        check_train_size(name, train_size, y_train)
        subset = stratified_sample(y_train, train_size, subset_rng)
        x_train, y_train = x_train[subset], y_train[subset]
    if label_noise > 0:
        y_train = mislabel(name, y_train, label_noise, noise_rng)

    arrays = (x_train, y_train, *parts["val"], *parts["test"])
    names = picture_classes(name, data_dir) or class_names(name, classes)
    return Dataset(name, names, *map(finish, arrays))


def class_names(name, classes):
    """The names of `classes` classes: those of a known data set, else their numbers."""
    return tuple(CLASS_NAMES.get(name) or map(str, range(classes)))


def finish(array):
    """Images as float32 in [0, 1], labels as int32, both read-only."""
    if array.ndim == 1:
        array = array.astype(np.int32)
    elif array.dtype == np.uint8:
        array = np.divide(array, 255, dtype=np.float32)
    else:
        array = array.astype(np.float32)
    array.flags.writeable = False
    return array


# Splits


def stratified_sample(labels, size, rng):
    """Indices of `size` images: every class in its share, and at least once.

    labels: (n,) int; size: int from the number of classes to n. Returns (size,) int.
    The same `rng` with a larger `size` gives the same indices and then more.
    """
    classes, counts = np.unique(labels, return_counts=True)
    turn = rng.permutation(len(classes))  # so that no class always goes first
    classes, share = classes[turn], counts[turn] / len(labels)
    waiting = [iter(rng.permutation(np.flatnonzero(labels == c))) for c in classes]
    taken = np.zeros(len(classes))
    sample = []
    while len(sample) < size:
        behind = share * (len(sample) + 1) - taken
        behind[taken == 0] += len(labels)
        chosen = behind.argmax()
        taken[chosen] += 1
        sample.append(next(waiting[chosen]))
    return np.array(sample)


def hold_out_fifth(name, images, labels, rng):
    """Cut a stratified fifth off: ((images, labels) that stay, (images, labels))."""
    total, classes = len(labels), len(np.unique(labels))
    fifth = min(max(1, round(total / 5)), total - classes)
    if fifth < 1:
        raise DataError(
            f"{name!r} has one training image for each of its {classes} classes, so "
            "none is left to hold out. Bring more images."
        )
    stay = stratified_sample(labels, total - fifth, rng)
    held = rng.permutation(np.setdiff1d(np.arange(total), stay))
    return (images[stay], labels[stay]), (images[held], labels[held])


def mislabel(name, labels, share, rng):
    """Replace round(share * n) labels, each by another of the classes that occur."""
    classes, position = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise DataError(
            f"label_noise={share} needs a second class to draw wrong labels from, "
            f"and {name!r} has only class {classes[0]}. Use label_noise=0."
        )
    wrong = rng.permutation(len(labels))[: round(share * len(labels))]
    # Drawn for all, so that a larger share keeps the wrong labels of a smaller one.
    step = rng.integers(1, len(classes), size=len(labels))
    noisy = labels.copy()
    noisy[wrong] = classes[(position + step)[wrong] % len(classes)]
    return noisy


# Arguments


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
