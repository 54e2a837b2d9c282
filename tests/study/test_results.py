"""Results made of made-up records: both ends, what each interval covers, tables."""

import dataclasses
import random

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score

from utils.study.results import Results
from utils.study.statistics import crossed_interval, mean_interval

LABELS = np.array([0, 0, 0, 1], "int32")


@dataclasses.dataclass
class Record:
    """What the engine hands over: figures of a run, and arrays by name."""

    meta: dict
    arrays: dict

    @property
    def names(self):
        return list(self.arrays)

    def __getitem__(self, name):
        return self.arrays[name]


def record(last, best=None, *, val=(0.4, 0.6, 0.5), diverged=False, test_part="one"):
    """A run of three epochs, the second the best; losses are one minus accuracies.

    last, best: whether each test image was answered right at that end.
    """
    answers = {"last": last, "best": last if best is None else best}
    val = np.array(val)
    arrays = {"history/train_accuracy": val + 0.1, "history/train_loss": 0.9 - val}
    arrays |= {"history/val_accuracy": val, "history/val_loss": 1 - val}
    arrays |= {"test_labels": LABELS, "probe/size": np.array([7.0])}
    for at, right in answers.items():
        arrays[f"{at}/answers"] = np.packbits(right)
        arrays[f"{at}/test"] = np.array([1 - np.mean(right), np.mean(right)])
    meta = {"diverged": diverged, "path": "fast loop", "test_part": test_part}
    return Record(meta | {"best_epoch": int(np.argmax(val)) + 1}, arrays)


def results(**conditions):
    """Results from {condition: records, one a seed from 0}."""
    records = {
        (name, seed): one
        for name, runs in conditions.items()
        for seed, one in enumerate(runs)
    }
    return Results(dict.fromkeys(conditions), records)


PLAIN = [[1, 0, 0, 1], [1, 1, 0, 0], [1, 0, 0, 0]]
DROPOUT = [[1, 1, 0, 1], [1, 1, 1, 0], [1, 0, 1, 1]]
BEST = [[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 1, 1]]


@pytest.fixture
def two():
    return results(
        plain=[record(*ends) for ends in zip(PLAIN, BEST, strict=True)],
        dropout=[record(last) for last in DROPOUT],
    )


def test_frame_has_one_row_an_epoch_and_test_figures_in_the_last(two):
    frame = two.frame
    assert list(frame.columns) == [
        *("condition", "seed", "epoch", "train_loss", "train_accuracy"),
        *("val_loss", "val_accuracy", "test_loss", "test_accuracy"),
        *("diverged", "best"),
    ]
    first = frame[:3]
    assert list(first["epoch"]) == [1, 2, 3]
    assert first["test_accuracy"].tolist() == pytest.approx(
        [np.nan] * 2 + [0.5], nan_ok=True
    )
    assert first["best"].tolist() == [False, True, False]
    assert len(frame) == 18 and frame["seed"].nunique() == 3


def test_ends_have_two_rows_a_run(two):
    ends = two.ends
    assert len(ends) == 12
    last, best = ends[0:1].squeeze(), ends[1:2].squeeze()
    assert (last["condition"], last["seed"], last["at"]) == ("plain", 0, "last")
    assert (last["epoch"], last["val_accuracy"], last["test_loss"]) == (3, 0.5, 0.5)
    assert (best["at"], best["epoch"], best["val_accuracy"]) == ("best", 2, 0.6)
    assert (best["test_accuracy"], best["train_loss"]) == (1.0, pytest.approx(0.3))
    assert not ends["diverged"].any()


@pytest.mark.parametrize(("at", "answers"), [("last", PLAIN), ("best", BEST)])
def test_summary_of_answers_is_crossed_at_both_ends(two, at, answers):
    summary = two.summary(at=at)
    assert list(summary.columns) == ["mean", "low", "high", "n", "diverged", "epoch"]
    assert list(summary.index) == ["plain", "dropout"]
    assert tuple(summary.loc["plain"])[:3] == pytest.approx(crossed_interval(answers))
    assert summary.loc["plain", ["n", "diverged"]].tolist() == [3, 0]
    assert summary.attrs["interval"] == ("95 % interval over new seeds and new images")


def test_best_epochs_are_decimal_means():
    late = record([1, 1, 1, 1], val=(0.1, 0.2, 0.3))
    found = results(plain=[record([1, 1, 1, 1]), record([1, 1, 1, 1]), late])
    assert found.summary(at="best").loc["plain", "epoch"] == pytest.approx(7 / 3)
    assert found.summary().loc["plain", "epoch"] == 3


def test_summary_of_losses_is_students(two):
    summary = two.summary("test_loss")
    expected = mean_interval([1 - np.mean(right) for right in PLAIN])[:3]
    assert tuple(summary.loc["plain"])[:3] == pytest.approx(expected)
    assert summary.attrs["interval"].endswith("over new seeds, on these test images")
    assert two.summary("val_loss").attrs["interval"].endswith("over new seeds")


@pytest.mark.parametrize(
    ("at", "first", "discordant"), [("last", PLAIN, 3), ("best", BEST, 2)]
)
def test_compare_crosses_seeds_and_images(two, at, first, discordant):
    c = two.compare("plain", "dropout", at=at)
    expected = crossed_interval(np.subtract(first, DROPOUT))
    assert (c.difference, c.low, c.high) == pytest.approx(expected)
    assert (c.at, c.covers) == (at, "new seeds and new images")
    assert c.discordant == discordant


def test_compare_losses_is_students(two):
    c = two.compare("dropout", "plain", "test_loss")
    gaps = np.mean(PLAIN, axis=1) - np.mean(DROPOUT, axis=1)
    expected = mean_interval(gaps)
    assert (c.difference, c.low, c.high, c.standard_error) == pytest.approx(expected)
    assert (c.wins, c.n, c.discordant) == (3, 3, None)
    assert c.covers == "new seeds, on these test images"


@pytest.mark.parametrize("metric", ["val_loss", "train_accuracy"])
def test_figures_without_test_images_cover_new_seeds(two, metric):
    assert two.compare("dropout", "plain", metric).covers == "new seeds"


def test_a_test_part_that_moves_with_the_seed_is_students_and_says_so():
    moving = {
        name: [record(right, test_part=seed) for seed, right in enumerate(rows)]
        for name, rows in {"plain": PLAIN, "dropout": DROPOUT}.items()
    }
    found = results(**moving)
    expected = mean_interval(np.mean(DROPOUT, axis=1) - np.mean(PLAIN, axis=1))[:3]
    c = found.compare("dropout", "plain")
    assert (c.difference, c.low, c.high) == pytest.approx(expected)
    assert "over new seeds, each with test images of its own;" in str(c)
    low = found.summary().loc["plain", "low"]
    assert low == pytest.approx(mean_interval(np.mean(PLAIN, axis=1))[1])
    balanced = found.summary("test_balanced_accuracy").loc["plain", "low"]
    figures = [balanced_of(right) for right in PLAIN]
    assert balanced == pytest.approx(mean_interval(figures)[1])


def balanced_of(right):
    """scikit-learn's balanced accuracy of answers that are right or wrong so."""
    return balanced_accuracy_score(LABELS, np.where(right, LABELS, 1 - LABELS))


def test_balanced_accuracy_weighs_classes_alike(two):
    c = two.compare("dropout", "plain", "test_balanced_accuracy")
    # Four images, two classes: 4 / (2 * 3) for each of three, 4 / (2 * 1) for the one.
    d = np.subtract(DROPOUT, PLAIN) * [2 / 3, 2 / 3, 2 / 3, 2]
    assert (c.difference, c.low, c.high) == pytest.approx(crossed_interval(d))
    gaps = [
        balanced_of(a) - balanced_of(b) for a, b in zip(DROPOUT, PLAIN, strict=True)
    ]
    assert c.difference == pytest.approx(np.mean(gaps))
    ends = two.ends.query("condition == 'plain' and at == 'last'")
    expected = [balanced_of(right) for right in PLAIN]
    assert ends["test_balanced_accuracy"].tolist() == pytest.approx(expected)


def test_validation_accuracy_at_best_has_no_interval(two):
    summary = two.summary("val_accuracy", at="best")
    assert summary.loc["plain", "mean"] == 0.6
    assert summary[["low", "high"]].isna().all(axis=None)
    assert "interval" not in summary.attrs
    c = two.compare("dropout", "plain", "val_accuracy", at="best")
    assert np.isnan([c.low, c.high, c.p_value]).all()
    assert "no interval: each is the maximum over its epochs" in str(c)


def test_validation_accuracy_at_last_has_one(two):
    assert (
        two.summary("val_accuracy").loc["plain", ["low", "high"]].tolist() == [0.5] * 2
    )


@pytest.mark.parametrize("at", ["last", "best"])
def test_a_diverged_run_is_left_out_at_both_ends_and_counted(at):
    lost = record([0, 0, 0, 0], diverged=True)
    found = results(
        plain=[record(right) for right in PLAIN],
        dropout=[record(DROPOUT[0]), lost, record(DROPOUT[2])],
    )
    row = found.summary(at=at).loc["dropout"]
    kept = [DROPOUT[0], DROPOUT[2]]
    assert tuple(row)[:3] == pytest.approx(crossed_interval(kept))
    assert row[["n", "diverged"]].tolist() == [2, 1]
    c = found.compare("dropout", "plain", at=at)
    expected = crossed_interval(np.subtract(kept, [PLAIN[0], PLAIN[2]]))
    assert (c.difference, c.low, c.high) == pytest.approx(expected)
    assert (c.n, c.left_out) == (2, 1)
    assert found.compare("plain", "dropout", at=at).difference == -c.difference


def test_when_every_run_diverged():
    found = results(plain=[record(PLAIN[0])], wild=[record(PLAIN[1], diverged=True)])
    assert found.summary().loc["wild", ["n", "diverged"]].tolist() == [0, 1]
    c = found.compare("wild", "plain")
    assert (c.n, c.left_out, c.verdict) == (0, 1, "undecided")


def test_one_seed_has_no_interval():
    found = results(plain=[record(PLAIN[0])], dropout=[record(DROPOUT[0])])
    assert found.summary().loc["plain", "mean"] == 0.5
    assert found.summary()[["low", "high"]].isna().all(axis=None)
    assert "no interval from one pair" in str(found.compare("dropout", "plain"))


def test_against_gives_the_verdict_of_each():
    rows = [[1] * 4] * 3
    wrong = results(
        plain=[record([0] * 4)] * 3, good=map(record, rows), same=[record([0] * 4)] * 3
    ).against("plain")
    columns = ["mean", "difference", "low", "high", "diverged", "verdict"]
    assert list(wrong.columns) == columns
    assert wrong["verdict"].to_dict() == {"good": "raises", "same": "undecided"}
    assert wrong.loc["good", "mean"] == 1


def test_against_is_compare_in_a_table(two):
    table, c = (
        two.against("plain", "test_balanced_accuracy", at="best"),
        two.compare("dropout", "plain", "test_balanced_accuracy", at="best"),
    )
    row = table.loc["dropout"]
    assert tuple(row)[1:] == (c.difference, c.low, c.high, c.left_out, c.verdict)
    assert table.round(3).attrs["interval"] == (
        "95 % interval over new seeds and new images"
    )


def test_pairs_are_made_by_seed_not_by_order():
    first = {("a", seed): record(PLAIN[seed]) for seed in (0, 1, 2)}
    second = {("b", seed): record(PLAIN[seed]) for seed in (2, 0, 1)}
    c = Results({"a": None, "b": None}, first | second).compare("a", "b")
    assert (c.discordant, c.standard_error) == (0, 0)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda r: r.compare("plain", "dorpout"),
            "no condition 'dorpout'; there are plain",
        ),
        (lambda r: r.against("dorpout"), "no condition 'dorpout'; there are plain"),
        (lambda r: r.summary("accuracy"), "no metric 'accuracy'; there are train_loss"),
        (lambda r: r.summary("epoch"), "no metric 'epoch'; there are train_loss"),
        (lambda r: r.summary(at="end"), "at='end': it is one of last, best"),
        (
            lambda r: r.probe("size", "plain", 9),
            "no run of condition 'plain' with seed 9",
        ),
        (lambda r: r.probe("shape", "plain", 0), "no probe 'shape'; there are: size"),
        (lambda r: r.model("dorpout", 0), "no run of condition 'dorpout'"),
    ],
)
def test_questions_that_cannot_be_answered(ask, message, two):
    with pytest.raises(ValueError, match=message):
        ask(two)


def test_weights_and_probes_are_read_when_asked_for(monkeypatch):
    read = []
    plain = Record.__getitem__
    monkeypatch.setattr(
        Record, "__getitem__", lambda self, n: (read.append(n), plain(self, n))[1]
    )
    found = results(plain=[record(PLAIN[0])])
    found.summary()
    assert not [name for name in read if name.startswith(("probe/", "weight/"))]
    assert found.probe("size", "plain", 0).tolist() == [7.0]
    assert read[-1] == "probe/size"


def disturbing():
    """A builder that sets what it should leave alone, and draws."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    random.random(), np.random.random()  # noqa: NPY002
    return keras.Sequential([keras.layers.Dense(1, dtype="float32")])


def test_a_model_has_the_weights_of_its_run_and_leaves_no_trace():
    one = record(PLAIN[0])
    one.meta["input_shape"] = [None, 2]
    kernel = np.array([[1.0], [2.0]], "float32")
    one.arrays |= {"weight/0000": kernel, "weight/0001": np.array([3.0], "float32")}
    found = Results({"plain": disturbing}, {("plain", 0): one})
    before = random.getstate(), np.random.get_state()[2]  # noqa: NPY002
    model = found.model("plain", 0)
    assert model(np.ones((1, 2))).numpy().tolist() == [[6.0]]
    assert keras.config.dtype_policy().name == "float32"
    assert (random.getstate(), np.random.get_state()[2]) == before  # noqa: NPY002


def test_results_name_their_size_and_paths(two):
    assert repr(two) == "Results of 2 conditions x 3 seeds"
    assert two.paths == {"plain": "fast loop", "dropout": "fast loop"}
    assert isinstance(two.frame, pd.DataFrame)
