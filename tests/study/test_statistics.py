"""Statistics against cases worked by hand, other libraries, and simulated studies."""

import math
import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.power import TTestPower

from benchmarks.coverage import WORLDS, by_class, coverage, gain_of_class
from utils.study.statistics import (
    crossed,
    crossed_interval,
    holm,
    mean_interval,
    seeds_needed,
    student,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_interval_of_one_to_five():
    # mean 3, standard deviation sqrt(2.5), error sqrt(0.5), t(4) = 2.7764
    assert mean_interval([1, 2, 3, 4, 5]) == pytest.approx(
        (3, 1.0368, 4.9632, 0.70711), abs=1e-4
    )


def test_student_is_scipys(rng):
    values = rng.normal(0.3, 1, 7)
    theirs = stats.ttest_1samp(values, 0)
    mean, low, high, _ = mean_interval(values)
    assert (low, high) == pytest.approx(theirs.confidence_interval())
    assert mean == values.mean()
    assert student(values).p_value() == pytest.approx(theirs.pvalue)


def test_equal_values_are_sure_and_warn_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert mean_interval([0.5] * 5) == (0.5, 0.5, 0.5, 0)
        assert student([0.5] * 5).p_value() == 0
        assert student([0.0] * 5).p_value() == 1


@pytest.mark.parametrize(("values", "mean"), [([0.5], 0.5), ([], math.nan)])
def test_fewer_than_two_values_have_no_interval(values, mean):
    expected = (mean, *[math.nan] * 3)
    assert mean_interval(values) == pytest.approx(expected, nan_ok=True)


def test_crossed_interval_where_all_three_mean_squares_count():
    # Rows 2 6 4 and 0 2 -2. Mean 2; row means 4, 0; column means 1, 4, 1.
    # MSs = 3 (4 + 4) / 1 = 24; MSi = 2 (1 + 4 + 1) / 2 = 6; remainders 1 0 -1 less
    # what is left of them: -1 0 1 and 1 0 -1, so MSe = 4 / 2 = 2.
    # Variance (24 + 6 - 2) / 6 = 14/3; df 28² / (24²/1 + 6²/2 + 2²/2) = 784/596.
    found = crossed([[2, 6, 4], [0, 2, -2]])
    assert found.mean == 2
    assert found.error == pytest.approx(math.sqrt(14 / 3))
    assert found.df == pytest.approx(784 / 596)
    reach = stats.t.ppf(0.975, 784 / 596) * math.sqrt(14 / 3)
    assert crossed_interval([[2, 6, 4], [0, 2, -2]]) == pytest.approx(
        (2, 2 - reach, 2 + reach)
    )


def test_crossed_interval_where_seeds_agree_more_than_by_chance():
    # Rows 1 0 0 1 and 0 1 1 0: row means 1/2, column means 1/2, so MSs = MSi = 0 and
    # MSe = 8 (1/4) / 3 = 2/3. Then a = b = 2/3, variance (2/3) / 8 = 1/12, and
    # df (2/3)² / ((2/3)² (1 + 1/3 + 1/3)) = 3/5, raised to S - 1 = 1.
    found = crossed([[1, 0, 0, 1], [0, 1, 1, 0]])
    assert (found.mean, found.df) == (0.5, 1)
    assert found.error == pytest.approx(math.sqrt(1 / 12))


def test_mean_squares_are_those_of_a_two_way_analysis_of_variance(rng):
    d = rng.normal(size=(4, 1)) + 2 * rng.normal(size=(1, 6)) + rng.normal(size=(4, 6))
    rows = [(s, i, d[s, i]) for s in range(4) for i in range(6)]
    frame = pd.DataFrame(rows, columns=["seed", "image", "d"])
    table = anova_lm(ols("d ~ C(seed) + C(image)", frame).fit())
    seeds, images, rest = table["mean_sq"]
    assert rest < min(seeds, images), "or the case would not tell a from b"
    found, total = crossed(d), seeds + images - rest
    assert found.error**2 == pytest.approx(total / 24)
    doubt = seeds**2 / 3 + images**2 / 5 + rest**2 / 15
    assert found.df == pytest.approx(total**2 / doubt)


def test_a_crossed_p_value_agrees_with_its_interval(rng):
    d = rng.normal(0.4, 1, (5, 1)) + rng.normal(size=(5, 30))
    _, low, _ = crossed_interval(d)
    assert crossed(d - low).p_value() == pytest.approx(0.05)


@pytest.mark.parametrize("shape", [(1, 8), (5, 1)])
def test_one_seed_or_one_image_has_no_crossed_interval(shape):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mean, low, high = crossed_interval(np.ones(shape))
    assert mean == 1 and math.isnan(low) and math.isnan(high)


def test_equal_differences_have_an_interval_without_width():
    assert crossed_interval(np.ones((3, 4))) == (1, 1, 1)
    assert crossed(np.zeros((3, 4))).p_value() == 1


@pytest.mark.parametrize("d", [[1.0, 2.0], np.zeros((0, 3)), np.zeros((2, 2, 2))])
def test_a_crossed_interval_asks_for_a_table(d):
    with pytest.raises(ValueError, match="give a table, seeds x images"):
        crossed_interval(d)


# How often an interval holds the truth, over 2,000 studies: known to about half a
# point, so that a formula with a part left out is seen.


@pytest.mark.parametrize("seeds", [3, 5])
def test_coverage_of_normal_tables(rng, seeds):
    def draw():
        return 0.3 + (
            0.1 * rng.normal(size=(seeds, 1))
            + 1.0 * rng.normal(size=(1, 40))
            + 0.5 * rng.normal(size=(seeds, 40))
        )

    ours, students = coverage(draw, 0.3, 2000)
    assert 0.935 < ours < 0.975
    assert students < 0.85


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("methods differ by image", 0.6, 0.9), ("seeds differ much", 0.87, 0.97)],
)
def test_coverage_of_right_and_wrong_answers(rng, seeds, name, least, most):
    world = WORLDS[name]
    draw = partial(world.differences, rng, seeds, 360)
    ours, students = coverage(draw, world.gain, 2000)
    assert 0.92 < ours < 0.98
    assert least < students < most, "over seeds alone too little, where images vary"


def test_coverage_of_balanced_accuracy_over_uneven_classes(rng):
    world, sizes = WORLDS["methods differ by image"], (20, 40, 60, 90, 150)
    truth = np.mean([gain_of_class(world, k) for k in range(5)])
    ours, _ = coverage(partial(by_class, rng, world, 5, sizes), truth, 2000)
    assert 0.935 < ours < 0.98


def test_the_simulated_truth_is_what_was_asked_for(rng):
    world = WORLDS["methods differ by image"]
    found = world.differences(rng, 300, 3000).mean()
    assert found == pytest.approx(world.gain, abs=0.02)


def test_holm_by_hand():
    # Sorted 0.01, 0.02, 0.03 times 3, 2, 1 gives 0.03, 0.04, 0.03; none may be less
    # than the one before it.
    assert holm([0.03, 0.01, 0.02]).tolist() == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.9, 0.8]).tolist() == [1, 1]
    assert holm([]).tolist() == []


def test_holm_counts_a_comparison_that_has_no_p():
    assert holm([0.01, math.nan, 0.9])[0] == pytest.approx(0.03)


@pytest.mark.parametrize("size", [0.3, 1, 2, 3.7])
def test_seeds_needed_are_those_of_statsmodels(size):
    theirs = TTestPower().solve_power(size, alpha=0.05, power=0.9)
    assert seeds_needed(size, 1, 0.9) == math.ceil(theirs)


def test_seeds_needed_in_points():
    assert seeds_needed(-0.03, 0.03) == 10
    assert seeds_needed(0.24, 0.03) == 3, "where statsmodels gives up"
    assert seeds_needed(3, 0.03) == 2


def test_as_many_seeds_as_needed_see_the_effect_as_often_as_asked(rng):
    n = seeds_needed(1, 1)
    low = stats.ttest_1samp(rng.normal(1, 1, (4000, n)), 0, axis=1)
    seen = np.mean(low.confidence_interval().low > 0)
    assert 0.78 < seen < 0.85


@pytest.mark.parametrize(
    "arguments", [(0, 1), (1, 0), (1, -1), (1, 1, 1), (1, 1, 0), (math.nan, 1)]
)
def test_seeds_needed_refuses_what_no_number_answers(arguments):
    with pytest.raises(ValueError, match="effect must not be 0"):
        seeds_needed(*arguments)
