"""Statistics against cases worked by hand, and results made of made-up records."""

import numpy as np
import pandas as pd
import pytest

from utils.study.results import Comparison, Results, mean_interval, paired


def record(train, val, test, diverged=False):
    """A run whose losses are one minus its accuracies."""
    train, val = np.asarray(train, float), np.asarray(val, float)
    arrays = {"history/train_accuracy": train, "history/train_loss": 1 - train}
    arrays |= {"history/val_accuracy": val, "history/val_loss": 1 - val}
    arrays |= {"test": np.array([1 - test, test]), "probe/size": np.array([7.0])}
    return {"diverged": diverged, "path": "fast loop"}, arrays


def results(**accuracies):
    """One epoch a run; `accuracies` gives test accuracies by condition and seed."""
    records = {
        (name, seed): record([0.5], [0.4], test, diverged=np.isnan(test))
        for name, tests in accuracies.items()
        for seed, test in enumerate(tests)
    }
    return Results(dict.fromkeys(accuracies), records)


def test_interval_of_one_to_five():
    # mean 3, standard deviation sqrt(2.5), error sqrt(0.5), t(4) = 2.7764
    mean, low, high, error = mean_interval([1, 2, 3, 4, 5])
    assert (mean, error) == (3, pytest.approx(0.70711, abs=1e-5))
    assert (low, high) == (
        pytest.approx(1.0368, abs=1e-4),
        pytest.approx(4.9632, abs=1e-4),
    )


def test_paired_difference_of_two():
    # gaps 2 and 4: mean 3, error 1, t(1) = 12.706
    c = paired("a", "b", [3, 6], [1, 2], "test_accuracy")
    assert (c.difference, c.standard_error) == (3, 1)
    assert (c.low, c.high) == (
        pytest.approx(-9.706, abs=1e-3),
        pytest.approx(15.706, abs=1e-3),
    )
    assert (c.wins, c.n, c.left_out, c.clear) == (2, 2, 0, False)


def test_a_lower_loss_wins():
    c = paired("a", "b", [1, 1, 3], [2, 2, 2], "val_loss")
    assert (c.wins, c.n) == (2, 3)


def test_a_tie_is_no_win():
    assert paired("a", "b", [1, 2], [1, 1], "val_accuracy").wins == 1


def test_pairing_cancels_what_the_seeds_share():
    shared = np.array([0.1, 0.5, 0.9])
    c = paired("a", "b", shared + [0.02, 0.03, 0.04], shared, "test_accuracy")
    assert c.clear and c.low > 0


def test_one_pair_has_no_interval():
    c = paired("a", "b", [0.9], [0.8], "test_accuracy")
    assert np.isnan(c.low) and "no interval from one pair" in str(c)
    assert not c.clear


def test_pairs_that_diverged_are_left_out_and_told():
    c = paired("a", "b", [0.9, np.nan, 0.8], [0.7, 0.6, 0.7], "test_accuracy")
    assert (c.n, c.left_out, c.wins) == (2, 1, 2)
    assert "1 left out: diverged" in str(c)


def test_when_every_pair_diverged():
    c = paired("a", "b", [np.nan], [0.5], "test_accuracy")
    assert str(c) == "a and b cannot be compared: every pair diverged."


def test_sentence_in_percentage_points_and_in_loss():
    c = Comparison(
        "dropout", "plain", "test_accuracy", 0.099, 0.063, 0.136, 0.013, 5, 5
    )
    assert str(c) == (
        "dropout against plain: +9.9 percentage points of test accuracy "
        "(95 % interval +6.3 to +13.6; better in 5 of 5 pairs)."
    )
    c = Comparison("a", "b", "val_loss", -0.25, -0.5, 0.0, 0.1, 4, 5)
    assert str(c).startswith("a against b: -0.250 val loss (95 % interval -0.500 to")


def test_frame_has_one_row_an_epoch_and_test_figures_in_the_last():
    records = {("plain", 0): record([0.1, 0.2, 0.3], [0.1, 0.1, 0.2], 0.9)}
    frame = Results({"plain": None}, records).frame
    assert list(frame.columns) == [
        *("condition", "seed", "epoch", "train_loss", "train_accuracy"),
        *("val_loss", "val_accuracy", "test_loss", "test_accuracy", "diverged"),
    ]
    assert list(frame["epoch"]) == [1, 2, 3]
    assert frame["test_accuracy"].isna().tolist() == [True, True, False]
    assert frame["test_accuracy"].iloc[-1] == 0.9


def test_summary_by_hand():
    summary = results(plain=[1, 2, 3, 4, 5], other=[1, 1, 1, 1, 1]).summary()
    assert list(summary.columns) == ["mean", "low", "high", "n", "diverged"]
    assert list(summary.index) == ["plain", "other"]
    assert summary.loc["plain", "low"] == pytest.approx(1.0368, abs=1e-4)
    assert summary.loc["other"].tolist() == [1, 1, 1, 5, 0]


def test_a_diverged_run_has_no_place_in_the_mean_and_is_counted():
    summary = results(plain=[0.8, np.nan, 0.6]).summary()
    assert summary.loc["plain", ["mean", "n", "diverged"]].tolist() == [
        pytest.approx(0.7),
        2,
        1,
    ]


def test_compare_and_against():
    found = results(plain=[0.5, 0.6], dropout=[0.7, 0.9])
    c = found.compare("dropout", "plain")
    assert c.difference == pytest.approx(0.25) and (c.wins, c.n) == (2, 2)
    table = found.against("plain")
    assert list(table.index) == ["dropout"]
    assert table.loc["dropout", "difference"] == pytest.approx(c.difference)
    assert table.loc["dropout", "mean"] == pytest.approx(0.8)


def test_pairs_are_made_by_seed_not_by_order():
    records = {
        ("a", 0): record([0], [0], 0.1),
        ("a", 1): record([0], [0], 0.9),
        ("b", 1): record([0], [0], 0.8),
        ("b", 0): record([0], [0], 0.0),
    }
    c = Results({"a": None, "b": None}, records).compare("a", "b")
    assert c.standard_error == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda r: r.compare("plain", "dorpout"),
            "no condition 'dorpout'; there are plain",
        ),
        (lambda r: r.summary("accuracy"), "no metric 'accuracy'; there are train_loss"),
        (
            lambda r: r.probe("size", "plain", 9),
            "no run of condition 'plain' with seed 9",
        ),
        (lambda r: r.probe("shape", "plain", 0), "no probe 'shape'; there are: size"),
        (lambda r: r.model("dorpout", 0), "no run of condition 'dorpout'"),
    ],
)
def test_questions_that_cannot_be_answered(ask, message):
    with pytest.raises(ValueError, match=message):
        ask(results(plain=[0.5, 0.6]))


def test_probe_is_returned():
    assert results(plain=[0.5]).probe("size", "plain", 0).tolist() == [7.0]


def test_results_are_pandas():
    assert isinstance(results(plain=[0.5]).frame, pd.DataFrame)
