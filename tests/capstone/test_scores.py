"""The capstone's scores: as others count them, and what they lead to."""

import numpy as np
import pytest
from sklearn import metrics

from utils.capstone import scores
from utils.study import crossed_interval, paired


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_those_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    labels, answers = rng.choice(4, (2, 60), p=[0.6, 0.25, 0.1, 0.05])
    labels[:4] = range(4)
    ours = scores.balanced_accuracy(labels, answers)
    assert ours == pytest.approx(metrics.balanced_accuracy_score(labels, answers))
    matrix = scores.confusion(labels, answers, 4)
    assert (matrix == metrics.confusion_matrix(labels, answers)).all()


@pytest.mark.parametrize(
    ("gaps", "words"),
    [
        ([0.02, 0.03, 0.02], "use"),
        ([0.02, -0.03, 0.02], "undecided"),
        ([-0.02, -0.03, -0.02], "keep plain"),
        (None, "keep plain"),
    ],
)
def test_what_the_test_images_say(gaps, words):
    found = gaps and paired("L2", "plain", gaps, [0, 0, 0], "test_balanced_accuracy")
    assert scores.verdict(found) == words


def test_logits_of_a_part():
    class Data:
        x_val = np.arange(300.0).reshape(300, 1)
        x_test = -np.arange(5.0).reshape(5, 1)

    def model(images, training):
        assert training is False
        return np.hstack([images, 2 * images])

    found = scores.logits_of("val")(model, Data)
    assert np.array_equal(found, np.hstack([Data.x_val, 2 * Data.x_val]))
    assert scores.logits_of("test")(model, Data).shape == (5, 2)


LABELS = np.array([0, 1, 2])
SURE = 3 * np.eye(3)  # right each time
WRONG = -SURE


def test_all_are_kept_where_they_are_better_together():
    # Each is right on two images, and sure of it; on the third hardly wrong.
    logits = {}
    for seed in range(3):
        logits[seed] = SURE.copy()
        logits[seed][seed] = [0.1, 0.1, 0.1]
        logits[seed][seed][(seed + 1) % 3] += 0.1
    assert scores.kept(logits, LABELS) == [0, 1, 2]


def test_one_is_kept_where_the_others_spoil_it():
    assert scores.kept({5: WRONG, 6: SURE, 7: WRONG}, LABELS) == [6]


def test_of_equals_all_are_kept():
    assert scores.kept({5: SURE, 6: SURE}, LABELS) == [5, 6]


def test_changes_of_classes_have_crossed_intervals():
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat([0, 1, 3], [40, 100, 60]))
    first = rng.random((4, 200)) < np.where(labels == 1, 0.95, 0.5)
    second = rng.random((4, 200)) < 0.5
    names = ("ant", "bee", "cow", "dog")
    table = scores.class_changes(first, second, labels, names)
    assert list(table.index) == ["ant", "bee", "dog"]  # no image of a cow
    assert list(table["images"]) == [40, 100, 60]
    d = (first.astype(float) - second)[:, labels == 1]
    expected = crossed_interval(d)
    assert table.loc["bee", ["difference", "low", "high"]].tolist() == pytest.approx(
        expected
    )
    assert table.loc["bee", "verdict"] == "raises"
    swapped = scores.class_changes(second, first, labels, names)
    assert swapped.loc["bee", "verdict"] == "lowers"


def test_holm_allows_for_many_classes():
    """One class in twenty is beside zero by itself, and undecided among them."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(20), 50)
    first, second = rng.random((2, 5, 1000)) < 0.5
    first[:, :7] = True  # of the first class
    table = scores.class_changes(first, second, labels, tuple(map(str, range(20))))
    beside = (table["low"] > 0) | (table["high"] < 0)
    assert beside.any()
    assert set(table["verdict"]) == {"undecided"}
