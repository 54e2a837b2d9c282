"""What answers are worth: balanced accuracy, classes, ensembles, the verdict."""

import numpy as np
import pandas as pd

from utils.study.comparison import SEEDS_AND_IMAGES, Comparison
from utils.study.statistics import crossed, holm


def balanced_accuracy(labels: np.ndarray, predictions: np.ndarray) -> float:
    """Average over the classes that occur the share of their images that is found.

    Args:
        labels: int (n,).
        predictions: int (n,).

    Returns:
        From 0 to 1.

    Source:
        Brodersen et al. (2010).
    """
    found = [np.mean(predictions[labels == k] == k) for k in np.unique(labels)]
    return float(np.mean(found))


def confusion(labels: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    """Count answers: a row a true class, a column an answer.

    Args:
        labels: int (n,).
        predictions: int (n,).
        classes: How many there are.

    Returns:
        int (classes, classes).
    """
    matrix = np.zeros((classes, classes), int)
    np.add.at(matrix, (labels, predictions), 1)
    return matrix


def logits_of(part: str):
    """Make a probe of a study: the logits that a model gives the images of one part.

    Args:
        part: "val" or "test".

    Returns:
        f(model, dataset) -> float32 (n, classes).
    """

    def logits(model, dataset):
        images = getattr(dataset, f"x_{part}")
        batches = [images[i : i + 128] for i in range(0, len(images), 128)]
        return np.concatenate([model(batch, training=False) for batch in batches])

    return logits


def kept(logits: dict[int, np.ndarray], labels: np.ndarray) -> list[int]:
    """Choose on validation images what is kept: all fresh models as one, or the best.

    All are kept unless they do worse together than one alone does on average: the
    average, since the best of several noisy scores is too good.

    Args:
        logits: {seed: float (n, classes)}, of the same validation images for all.
        labels: int (n,).

    Returns:
        The seeds of the models whose logits are averaged: all of them, or one.
    """
    alone = {seed: together({seed: each}, labels) for seed, each in logits.items()}
    if together(logits, labels) >= np.mean([*alone.values()]):
        return [*logits]
    return [max(alone, key=alone.get)]


def together(logits: dict[int, np.ndarray], labels: np.ndarray) -> float:
    """Give the balanced accuracy of the mean of logits.

    Args:
        logits: {seed: float (n, classes)}, of the same images for all.
        labels: int (n,).
    """
    answers = np.mean([*logits.values()], axis=0).argmax(axis=1)
    return balanced_accuracy(labels, answers)


def class_changes(
    first: np.ndarray, second: np.ndarray, labels: np.ndarray, names: tuple[str, ...]
) -> pd.DataFrame:
    """Compare two recipes class by class, with intervals over new seeds and images.

    Args:
        first, second: bool (seeds, n), whether each test image was answered right;
            the difference is first − second.
        labels: int (n,).
        names: Of the classes.

    Returns:
        A DataFrame indexed by class, for those that occur: images, difference, low,
        high (shares) and verdict, after Holm over the classes.

    Source:
        `crossed_interval`; Holm (1979).
    """
    d = np.asarray(first, float) - np.asarray(second, float)
    there = np.unique(labels)
    found = [crossed(d[:, labels == k]) for k in there]
    table = pd.DataFrame(
        {
            "images": [int(np.sum(labels == k)) for k in there],
            "difference": [one.mean for one in found],
            "low": [one.interval()[0] for one in found],
            "high": [one.interval()[1] for one in found],
        },
        index=pd.Index([names[k] for k in there], name="class"),
    )
    clear = holm([one.p_value() for one in found]) <= 0.05
    words = np.where(table["difference"] > 0, "raises", "lowers")
    table.attrs["interval"] = f"95 % interval over {SEEDS_AND_IMAGES}"
    return table.assign(verdict=np.where(clear, words, "undecided"))


def verdict(found: Comparison | None) -> str:
    """Say what the test images tell about the recipe that validation chose.

    Args:
        found: The `Comparison` of the chosen recipe with the plain one; None where
            the search chose the plain one itself.

    Returns:
        "use", "undecided", or "keep plain".
    """
    if found is None or found.verdict == "lowers":
        return "keep plain"
    return "use" if found.verdict == "raises" else "undecided"
