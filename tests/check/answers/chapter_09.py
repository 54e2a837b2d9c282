import numpy as np
from scipy import stats
from sklearn import metrics

from tests.check.answers import studies


def by_pairs(labels, predictions, classes):
    matrix = [[0] * classes for _ in range(classes)]
    for label, prediction in zip(labels, predictions, strict=True):
        matrix[label][prediction] += 1
    return matrix


def once(labels, predictions, classes):
    matrix = np.zeros((classes, classes))
    matrix[labels, predictions] += 1
    return matrix


def swapped(labels, predictions, classes):
    return by_pairs(predictions, labels, classes)


def shares(labels, predictions, classes):
    matrix = np.array(by_pairs(labels, predictions, classes), float)
    return matrix / np.maximum(matrix.sum(1, keepdims=True), 1)


def over_all(labels, predictions):
    found = [
        (predictions[labels == k] == k).mean() if (labels == k).any() else 0
        for k in range(labels.max() + 1)
    ]
    return np.mean(found)


def precision(labels, predictions):
    kinds = np.unique(predictions)
    return np.mean([(labels[predictions == k] == k).mean() for k in kinds])


def ties_by_test(trials, budget):
    return {name: max(tries[:budget])[1] for name, tries in trials.items()}


def chosen(key, report, cut=True):
    def compare(trials, budget):
        return {
            name: max(tries[: budget if cut else None], key=lambda t: t[key])[report]
            for name, tries in trials.items()
        }

    return compare


def by_mean(a, b):
    return "a" if a.mean() > b.mean() else "b"


def unpaired(a, b):
    interval = stats.ttest_ind(a, b).confidence_interval()
    return "a" if interval.low > 0 else "b" if interval.high < 0 else "undecided"


def by_test(a, b):
    if stats.ttest_rel(a, b).pvalue > 0.05:
        return "undecided"
    return "ab"[int(np.mean(a - b) < 0)]


RIGHT = {
    "09.1": [metrics.balanced_accuracy_score],
    "09.2": [by_pairs],
    "09.3": [chosen(0, 1)],
    "09.4": [by_test],
    "09.5": [studies.by(-1, "plain", "fast", "dropout")],
}
WRONG = {
    "09.1": [
        (metrics.accuracy_score, "plain accuracy"),
        (over_all, "a class that has no image"),
        (precision, "That is precision"),
    ],
    "09.2": [
        (swapped, "swapped"),
        (once, "np.add.at"),
        (shares, "not shares"),
    ],
    "09.3": [
        (chosen(0, 1, cut=False), "budget of three"),
        (chosen(1, 1), "Validation chooses"),
        (chosen(0, 0), "report validation accuracies"),
        (ties_by_test, "level on validation"),
        (lambda trials, budget: 0.84, "Return a dictionary"),
    ],
    "09.4": [
        (by_mean, "the interval holds 0"),
        (unpaired, "pair by pair"),
        (lambda a, b: by_test(b, a), "Here a is better"),
        (lambda a, b: by_test(a, b) == "a", "You return False"),
    ],
    "09.5": studies.wrong("fast", "another recipe")[:-1]
    + [(lambda: None, "return 2 things")],
}
