"""What a study found: tidy rows, means with intervals, paired comparisons."""

import dataclasses

import numpy as np
import pandas as pd
from scipy import stats

METRICS = [
    f"{part}_{kind}"
    for part in ("train", "val", "test")
    for kind in ("loss", "accuracy")
]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A paired difference a − b of one metric, with its 95 % interval.

    difference, low, high, standard_error: float, in the metric's own unit (a share
    for accuracies). wins: int, the pairs in which a was better; n: int, the pairs;
    left_out: int, the pairs not counted because a run diverged. print() gives one
    sentence.

    The interval is Student's t for paired differences. With five pairs a bootstrap
    is too narrow (it can only repeat five numbers), and a rank test cannot reach
    5 % at all (its smallest p is 1/16). It assumes that the differences are roughly
    normal, and it speaks of these seeds, this data set and this model: if the study
    were repeated with new seeds many times, 95 % of such intervals would hold the
    true mean difference. It does not say that 95 % of single runs lie inside, nor
    what happens on other data.
    """

    a: str
    b: str
    metric: str
    difference: float
    low: float
    high: float
    standard_error: float
    wins: int
    n: int
    left_out: int = 0

    @property
    def clear(self):
        """True where the difference passes four standard errors."""
        return abs(self.difference) > 4 * self.standard_error

    def __str__(self):
        if self.n == 0:
            return f"{self.a} and {self.b} cannot be compared: every pair diverged."
        percent = self.metric.endswith("accuracy")
        unit, scale = ("percentage points of ", 100) if percent else ("", 1)
        digits = 1 if percent else 3
        name = self.metric.replace("_", " ")
        size = f"{scale * self.difference:+.{digits}f} {unit}{name}"
        spread = "no interval from one pair"
        if self.n > 1:
            low, high = (f"{scale * x:+.{digits}f}" for x in (self.low, self.high))
            spread = f"95 % interval {low} to {high}"
        text = f"{self.a} against {self.b}: {size} ({spread}; "
        text += f"better in {self.wins} of {self.n} pairs"
        if self.left_out:
            text += f"; {self.left_out} left out: diverged"
        return text + ")."


def paired(a, b, first, second, metric):
    """Compare two float arrays of shape (n,), pair by pair; NaN marks a diverged run.

    Source: Student's paired t interval, scipy.stats.ttest_rel.
    """
    first, second = np.asarray(first, float), np.asarray(second, float)
    keep = np.isfinite(first) & np.isfinite(second)
    gaps = (first - second)[keep]
    better = gaps < 0 if metric.endswith("loss") else gaps > 0
    mean, low, high, error = mean_interval(gaps)
    wins, n, left_out = int(better.sum()), len(gaps), int((~keep).sum())
    return Comparison(a, b, metric, mean, low, high, error, wins, n, left_out)


def mean_interval(values):
    """Return mean, low, high of the 95 % t interval, and the standard error.

    values: float (n,). One value has no interval: low and high are NaN.
    """
    values = np.asarray(values, float)
    if len(values) < 2:
        mean = float(values[0]) if len(values) else np.nan
        return mean, np.nan, np.nan, np.nan
    mean, error = float(values.mean()), float(stats.sem(values))
    reach = float(stats.t.ppf(0.975, len(values) - 1)) * error
    return mean, mean - reach, mean + reach, error


class Results:
    """What `study.run` returns: one record for every condition and seed.

    `frame`: pandas rows (condition, seed, epoch, losses and accuracies, diverged).
    Losses are cross-entropies without the penalty. Test figures stand in the last
    epoch of each run alone. `paths`: {condition: how it was trained}.
    """

    def __init__(self, builds, records):
        self._builds, self._records = builds, records
        self.frame = pd.concat(
            [_rows(*where, record) for where, record in records.items()],
            ignore_index=True,
        )
        self.paths = {
            name: record.meta["path"] for (name, _), record in records.items()
        }

    def __repr__(self):
        conditions, seeds = self._names(), {seed for _, seed in self._records}
        return f"Results of {len(conditions)} conditions x {len(seeds)} seeds"

    def _names(self):
        return list(dict.fromkeys(name for name, _ in self._records))

    def _final(self, metric):
        if metric not in METRICS:
            raise ValueError(f"no metric {metric!r}; there are {', '.join(METRICS)}")
        last = self.frame.groupby(["condition", "seed"], sort=False).tail(1)
        table = last.pivot(index="seed", columns="condition", values=metric)
        gone = last.pivot(index="seed", columns="condition", values="diverged")
        return table.mask(gone.astype(bool))

    def _column(self, table, name):
        if name not in table:
            raise ValueError(f"no condition {name!r}; there are {', '.join(table)}")
        return table[name].to_numpy()

    def summary(self, metric="test_accuracy"):
        """Give each condition's mean, 95 % interval, n and number of diverged runs.

        A DataFrame indexed by condition with columns mean, low, high, n, diverged.
        A diverged run has no place in the mean: n counts the others.
        """
        table, rows = self._final(metric), {}
        for name in self._names():
            values = table[name].to_numpy()
            finite = values[np.isfinite(values)]
            mean, low, high, _ = mean_interval(finite)
            rows[name] = (mean, low, high, len(finite), len(values) - len(finite))
        return _table(rows, ["mean", "low", "high", "n", "diverged"])

    def compare(self, a, b, metric="test_accuracy"):
        """Compare two conditions seed by seed: a `Comparison`, one sentence in print.

        Raises ValueError for a condition or metric that is not there.
        """
        table = self._final(metric)
        return paired(a, b, self._column(table, a), self._column(table, b), metric)

    def against(self, baseline, metric="test_accuracy"):
        """Compare every other condition with one: a DataFrame in the metric's unit.

        Columns mean (of the condition), difference, low and high (of the paired
        difference) and diverged, all decimals but the last.
        """
        means = self.summary(metric)
        rows = {}
        for name in self._names():
            if name != baseline:
                c = self.compare(name, baseline, metric)
                mean = means.loc[name, "mean"]
                rows[name] = (mean, c.difference, c.low, c.high, c.left_out)
        return _table(rows, ["mean", "difference", "low", "high", "diverged"])

    def _record(self, condition, seed):
        if (condition, seed) not in self._records:
            seeds = sorted({str(seed) for _, seed in self._records})
            raise ValueError(
                f"no run of condition {condition!r} with seed {seed!r}; there are "
                f"{', '.join(self._names())} with seeds {', '.join(seeds)}"
            )
        return self._records[condition, seed]

    def probe(self, name, condition, seed):
        """Return the array that probe `name` gave for one trained model."""
        arrays = self._record(condition, seed)
        if f"probe/{name}" not in arrays:
            there = [k.removeprefix("probe/") for k in arrays if k.startswith("probe/")]
            raise ValueError(f"no probe {name!r}; there are: {', '.join(there)}")
        return arrays[f"probe/{name}"]

    def model(self, condition, seed):
        """Return the trained Keras model of one run, uncompiled."""
        arrays = self._record(condition, seed)
        weights = [arrays[k] for k in sorted(arrays) if k.startswith("weight/")]
        from utils.study.seeding import keras_set_to, with_weights

        with keras_set_to({}):
            model = self._builds[condition]()
            with_weights(model, tuple(arrays.meta["input_shape"][1:]))
        model.set_weights(weights)
        return model


def _table(rows, columns):
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return table.rename_axis("condition")


def _rows(condition, seed, arrays):
    history = {name: arrays[f"history/{name}"] for name in METRICS[:4]}
    rows = pd.DataFrame(history)
    rows.insert(0, "epoch", np.arange(1, len(rows) + 1))
    rows.insert(0, "seed", seed)
    rows.insert(0, "condition", condition)
    for name, value in zip(METRICS[4:], arrays["last/test"], strict=True):
        rows[name] = np.where(np.arange(len(rows)) == len(rows) - 1, value, np.nan)
    return rows.assign(diverged=arrays.meta["diverged"])
