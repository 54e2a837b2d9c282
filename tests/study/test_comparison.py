"""Comparisons against cases worked by hand: figures, verdicts, sentences."""

import dataclasses
import math

import numpy as np
import pytest

from utils.study.comparison import Comparison, adjusted, over_images, paired
from utils.study.statistics import crossed


def made(low, high, **fields):
    """A comparison with an interval, and what else a test needs."""
    given = {"metric": "test_accuracy", "n": 5, "wins": 5, "p_value": 0.01} | fields
    middle = (low + high) / 2
    rest = {"difference": middle, "low": low, "high": high, "standard_error": 0.01}
    return Comparison("dropout", "plain", **(rest | given))


def test_paired_difference_of_two():
    # gaps 2 and 4: mean 3, error 1, t(1) = 12.706; p = 1 - 2 atan(3) / pi
    c = paired("a", "b", [3, 6], [1, 2], "test_accuracy")
    assert (c.difference, c.standard_error) == (3, pytest.approx(1))
    assert (c.low, c.high) == pytest.approx((-9.706, 15.706), abs=1e-3)
    assert c.p_value == pytest.approx(1 - 2 * math.atan(3) / math.pi)
    assert (c.wins, c.n, c.left_out, c.verdict) == (2, 2, 0, "undecided")


def test_a_lower_loss_wins():
    c = paired("a", "b", [1, 1, 3], [2, 2, 2], "val_loss")
    assert (c.wins, c.n) == (2, 3)


def test_a_tie_is_no_win():
    assert paired("a", "b", [1, 2], [1, 1], "val_accuracy").wins == 1


def test_pairing_cancels_what_the_seeds_share():
    shared = np.array([0.1, 0.5, 0.9])
    c = paired("a", "b", shared + [0.02, 0.03, 0.04], shared, "test_accuracy")
    assert c.low > 0 and c.verdict == "raises"


def test_one_pair_has_no_interval_and_decides_nothing():
    c = paired("a", "b", [0.9], [0.8], "test_accuracy")
    assert str(c) == (
        "a against b: +10.0 percentage points of test accuracy (no interval from one "
        "pair; better in 1 of 1 pairs): undecided."
    )


def test_pairs_that_diverged_are_left_out_and_told():
    c = paired("a", "b", [0.9, np.nan, 0.8], [0.7, 0.6, 0.7], "test_accuracy")
    assert (c.n, c.left_out, c.wins) == (2, 1, 2)
    assert "; 1 left out: diverged)" in str(c)


def test_when_every_pair_diverged():
    c = paired("a", "b", [np.nan], [0.5], "test_accuracy")
    assert str(c) == "a against b cannot be compared: every pair diverged."
    assert c.verdict == "undecided"


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.01, 0.03, "raises"),
        (-0.03, -0.01, "lowers"),
        (-0.01, 0.03, "undecided"),
        (0.0, 0.03, "undecided"),
        (-0.03, 0.0, "undecided"),
        (math.nan, math.nan, "undecided"),
    ],
)
def test_a_verdict_leaves_zero_out(low, high, verdict):
    assert made(low, high).verdict == verdict


def test_correlation_by_hand():
    # deviations -1 0 1 and -2 1 1: 3 / sqrt(2 * 6)
    c = paired("a", "b", [1, 2, 3], [0, 3, 3], "test_accuracy")
    assert c.correlation == pytest.approx(3 / math.sqrt(12))
    assert c.pairing == (
        "Over 3 seeds a and b correlate by +0.87 in test accuracy; from 3 pairs "
        "nothing is concluded."
    )


@pytest.mark.parametrize("first", [[1, 2], [1, 1, 1]])
def test_some_pairs_have_no_correlation(first):
    second = np.arange(len(first))
    assert math.isnan(paired("a", "b", first, second, "val_loss").correlation)


def test_over_images_by_hand():
    # Mean 3/8; row means 1/4 1/2, column means 1 0 0 1/2. MSs = 4 (1 + 1)/64 / 1 = 1/8,
    # MSi = 2 (25 + 9 + 9 + 1)/64 / 3 = 11/24; remainders ±1/8 thrice, ±3/8, so
    # MSe = 2 (3 + 9)/64 / 3 = 1/8. Variance (1/8 + 11/24 - 1/8) / 8.
    d = np.array([[1.0, 0, 0, 0], [1, 0, 0, 1]])
    c = over_images(paired("a", "b", [0.5, 0.5], [0.25, 0.0], "test_accuracy"), d)
    assert (c.difference, c.discordant) == (0.375, 2)
    assert c.standard_error == pytest.approx(math.sqrt(11 / 24 / 8))
    assert c.covers == "new seeds and new images"
    assert c.low == pytest.approx(2 * 0.375 - c.high)
    assert c.p_value == crossed(d).p_value()
    assert (c.wins, c.n) == (2, 2)


def test_equal_answers_are_undecided():
    c = over_images(paired("a", "b", [0.5] * 3, [0.5] * 3, "t"), np.zeros((3, 4)))
    assert (c.low, c.high, c.discordant, c.verdict) == (0, 0, 0, "undecided")
    assert "; all answers are equal)" in str(c)


def test_images_that_cancel_are_discordant():
    d = np.array([[1.0, 0, -1], [-1, 0, 1]])
    c = over_images(paired("a", "b", [0.5] * 2, [0.5] * 2, "t"), d)
    assert c.discordant == 2


@pytest.mark.parametrize(("discordant", "told"), [(19, True), (20, False)])
def test_few_discordant_images_are_told(discordant, told):
    text = str(made(0.01, 0.03, discordant=discordant))
    assert (f"; only {discordant} images are answered differently" in text) == told


def test_the_sentence_in_percentage_points():
    covers = "new seeds and new images"
    c = made(0.063, 0.136, difference=0.099, at="last", covers=covers, discordant=50)
    assert str(c) == (
        "dropout against plain at the end of training: +9.9 percentage points of test "
        "accuracy (95 % interval +6.3 to +13.6 over new seeds and new images; better "
        "in 5 of 5 pairs): raises."
    )


def test_the_sentence_in_loss():
    c = made(-0.5, 0.0, metric="val_loss", wins=4, at="best")
    assert str(c) == (
        "dropout against plain at the best epoch: -0.250 val loss (95 % interval "
        "-0.500 to +0.000 over new seeds; better in 4 of 5 pairs): undecided."
    )


def test_a_maximum_has_no_interval_in_the_sentence():
    c = made(math.nan, math.nan, difference=0.01, metric="val_accuracy", at="best")
    assert "(no interval: each is the maximum over its epochs; better" in str(c)


def test_holm_turns_a_verdict_but_no_interval():
    # 0.01 and 0.03 among three: 3 * 0.01 = 0.03 stays, 2 * 0.03 = 0.06 does not.
    ps = {"first": 0.01, "second": 0.03, "third": 0.5}
    before = [made(0.01, 0.03, p_value=p) for p in ps.values()]
    after = adjusted(before)
    assert [c.p_holm for c in after] == pytest.approx([0.03, 0.06, 0.5])
    assert [c.verdict for c in after] == ["raises", "undecided", "undecided"]
    assert str(after[1]).endswith(": undecided after Holm.")
    assert [dataclasses.replace(c, p_holm=None) for c in after] == before


def test_holm_never_decides_what_the_interval_leaves_open():
    (after,) = adjusted([made(-0.01, 0.03, p_value=0.001)])
    assert after.verdict == "undecided"


def test_ends_are_adjusted_apart():
    with pytest.raises(ValueError, match=r"at \['best', 'last'\]: adjust each end"):
        adjusted([made(0, 1, at="last"), made(0, 1, at="best")])
    assert adjusted([]) == []
