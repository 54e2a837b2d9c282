"""Cut labelled images into parts and subsets, and draw wrong labels."""

import numpy as np

from utils.data.errors import DataError


def stratified_sample(
    labels: np.ndarray, size: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw images so that every class has its share, and at least one.

    Args:
        labels: (n,) int.
        size: how many, from the number of classes to n.
        rng: the same one with a larger `size` gives the same indices and then more.

    Returns:
        Indices, (size,) int, in the order drawn.
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


def hold_out_fifth(
    name: str, labels: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Cut a stratified fifth off; every class keeps an image outside it.

    Args:
        name: of the data set, for the error.
        labels: (n,) int.
        rng: fixes which images, and their order.

    Returns:
        Indices of those that stay and of those held out, both int.

    Raises:
        DataError: if each class has one image only.
    """
    # Not scikit-learn's train_test_split: it refuses a class of one image, and a test
    # part that is to stay for good must not hang on its version.
    total, classes = len(labels), len(np.unique(labels))
    fifth = min(max(1, round(total / 5)), total - classes)
    if fifth < 1:
        raise DataError(
            f"{name!r} has one training image for each of its {classes} classes, so "
            "none is left to hold out. Bring more images."
        )
    stay = stratified_sample(labels, total - fifth, rng)
    return stay, rng.permutation(np.setdiff1d(np.arange(total), stay))


def mislabel(
    name: str, labels: np.ndarray, share: float, rng: np.random.Generator
) -> np.ndarray:
    """Replace labels, each by another of the classes that occur, uniformly drawn.

    Args:
        name: of the data set, for the error.
        labels: (n,) int.
        share: in [0, 1); round(share * n) labels become wrong.
        rng: the same one with a larger share keeps the wrong labels of a smaller one.

    Returns:
        A copy with the wrong labels, (n,) int.

    Raises:
        DataError: if there is only one class.
    """
    classes, position = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise DataError(
            f"label_noise={share} needs a second class to draw wrong labels from, "
            f"and {name!r} has only class {classes[0]}. Use label_noise=0."
        )
    wrong = rng.permutation(len(labels))[: round(share * len(labels))]
    # Drawn for all, so that the steps of a smaller share are those of a larger one.
    step = rng.integers(1, len(classes), size=len(labels))
    noisy = labels.copy()
    noisy[wrong] = classes[(position + step)[wrong] % len(classes)]
    return noisy
