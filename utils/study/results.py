"""What a study found: tidy rows, means with intervals, paired comparisons."""

import dataclasses
import math

import numpy as np
import pandas as pd

from utils.study.comparison import (
    MOVING_IMAGES,
    SAME_IMAGES,
    SEEDS,
    SEEDS_AND_IMAGES,
    Comparison,
    is_maximum,
    over_images,
    paired,
)
from utils.study.statistics import crossed, student

ENDS = ("last", "best")
OF_EPOCHS = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
OF_ENDS = ("test_loss", "test_accuracy", "test_balanced_accuracy")
METRICS = OF_EPOCHS + OF_ENDS


class Results:
    """What `study.run` returns: one record for every condition and seed.

    Every run has two ends. *last* is the model at the end of training. *best* has the
    weights that validation saw at the first maximum of its accuracy. A run that
    diverged is left out at both, and counted.

    Metrics are `train_loss` and `train_accuracy`, the same of `val` and `test`, and
    `test_balanced_accuracy`: the mean over classes of the share of each that is right.
    Losses are cross-entropies without the penalty.

    Intervals are 95 %. Test accuracies of a test part that all seeds share have the
    interval over new seeds and new images (`crossed_interval`). Losses, training and
    validation figures, and test parts that move with the seed have Student's over
    seeds. Validation accuracy at *best* is a maximum over epochs, and has none.
    `Comparison` says what no interval covers.

    Attributes:
        frame: pandas, a row an epoch: condition, seed, epoch, losses and accuracies,
            diverged, and `best`, true in the row of the best epoch. The test figures
            of *last* stand in each run's last row.
        ends: pandas, a row for each run and end: condition, seed, at, epoch, all
            metrics, diverged.
        paths: {condition: how it was trained}.
    """

    def __init__(self, builds, records):
        self._builds, self._records = builds, records
        self._answers = {
            (*run, at): _unpacked(record[f"{at}/answers"], record["test_labels"])
            for run, record in records.items()
            for at in ENDS
        }
        self._one_test_part = len({r.meta["test_part"] for r in records.values()}) == 1
        self.frame = pd.concat(
            [_epochs(*run, record) for run, record in records.items()],
            ignore_index=True,
        )
        self.ends = self._ends()
        self.paths = {name: r.meta["path"] for (name, _), r in records.items()}

    def __repr__(self):
        conditions, seeds = self._names(), {seed for _, seed in self._records}
        return f"Results of {len(conditions)} conditions x {len(seeds)} seeds"

    def summary(self, metric="test_accuracy", at="last") -> pd.DataFrame:
        """Give each condition's mean, 95 % interval, runs and mean epoch.

        Args:
            metric: one of those above.
            at: "last" or "best".

        Returns:
            A DataFrame indexed by condition: mean, low, high, n, diverged, epoch. A
            diverged run has no place in the means: n counts the others. epoch is that
            of the end, on the mean. `attrs["interval"]` says what the interval is.

        Raises:
            ValueError: there is no such metric or end.
        """
        table, rows = self._table(metric, at), {}
        epochs = self._kept(at).groupby("condition")["epoch"].mean()
        for name in self._names():
            kept = table[name].dropna()
            runs = [(name, seed) for seed in kept.index]
            if self._is_crossed(metric) and runs:
                estimate = crossed(self._worth(runs, metric, at))
            else:
                estimate = student(kept)
            low, high = _bounds(estimate, metric, at)
            diverged = len(table) - len(kept)
            epoch = epochs.get(name, math.nan)
            rows[name] = (estimate.mean, low, high, len(kept), diverged, epoch)
        columns = ["mean", "low", "high", "n", "diverged", "epoch"]
        return self._framed(rows, columns, metric, at)

    def compare(self, a, b, metric="test_accuracy", at="last") -> Comparison:
        """Compare two conditions seed by seed; printed, it is one sentence.

        Args:
            a, b: names of conditions.
            metric: one of those above.
            at: "last" or "best".

        Returns:
            The `Comparison` a − b.

        Raises:
            ValueError: there is no such condition, metric or end.
        """
        table = self._table(metric, at)
        for name in (a, b):
            if name not in table:
                raise ValueError(f"no condition {name!r}; there are {', '.join(table)}")
        found = paired(a, b, table[a], table[b], metric)
        found = dataclasses.replace(found, at=at, covers=self._covers(metric))
        if self._is_crossed(metric) and found.n:
            seeds = table[[a, b]].dropna().index
            first, second = (
                self._worth([(name, seed) for seed in seeds], metric, at)
                for name in (a, b)
            )
            return over_images(found, first - second)
        if is_maximum(metric, at):
            return dataclasses.replace(
                found, low=math.nan, high=math.nan, p_value=math.nan
            )
        return found

    def against(self, reference, metric="test_accuracy", at="last") -> pd.DataFrame:
        """Compare every other condition with one, in the metric's unit.

        Args:
            reference: name of a condition.
            metric: one of those above.
            at: "last" or "best".

        Returns:
            A DataFrame indexed by condition: mean (of the condition), difference, low,
            high (of the paired difference), diverged (pairs left out), verdict.
            `attrs["interval"]` says what the interval is.

        Raises:
            ValueError: there is no such condition, metric or end.
        """
        means = self.summary(metric, at)["mean"]
        rows = {}
        for name in self._names():
            if name != reference:
                c = self.compare(name, reference, metric, at)
                interval = (c.difference, c.low, c.high)
                rows[name] = (means[name], *interval, c.left_out, c.verdict)
        columns = ["mean", "difference", "low", "high", "diverged", "verdict"]
        return self._framed(rows, columns, metric, at)

    def probe(self, name, condition, seed) -> np.ndarray:
        """Return the array that probe `name` gave for the *last* model of one run."""
        record = self._record(condition, seed)
        if f"probe/{name}" not in record.names:
            probes = [n for n in record.names if n.startswith("probe/")]
            there = ", ".join(n.removeprefix("probe/") for n in probes)
            raise ValueError(f"no probe {name!r}; there are: {there}")
        return record[f"probe/{name}"]

    def model(self, condition, seed):
        """Return the *last* Keras model of one run, uncompiled.

        What building it does to the dtype policy and to Python's and NumPy's random
        numbers is undone.
        """
        record = self._record(condition, seed)
        names = sorted(name for name in record.names if name.startswith("weight/"))
        from utils.study.seeding import keras_set_to, undisturbed, with_weights

        with undisturbed(), keras_set_to(record.meta.get("keras", {})):
            model = self._builds[condition]()
            with_weights(model, tuple(record.meta["input_shape"][1:]))
        model.set_weights([record[name] for name in names])
        return model

    def _names(self):
        return list(dict.fromkeys(name for name, _ in self._records))

    def _record(self, condition, seed):
        if (condition, seed) not in self._records:
            seeds = sorted({str(seed) for _, seed in self._records})
            raise ValueError(
                f"no run of condition {condition!r} with seed {seed!r}; there are "
                f"{', '.join(self._names())} with seeds {', '.join(seeds)}"
            )
        return self._records[condition, seed]

    def _ends(self):
        rows = []
        for (name, seed), record in self._records.items():
            history = {metric: record[f"history/{metric}"] for metric in OF_EPOCHS}
            epochs = {"last": len(history["val_loss"]), "best": _best_epoch(record)}
            for at, epoch in epochs.items():
                balanced = self._worth([(name, seed)], OF_ENDS[-1], at).mean()
                row = {"condition": name, "seed": seed, "at": at, "epoch": epoch}
                row |= {metric: values[epoch - 1] for metric, values in history.items()}
                figures = (*record[f"{at}/test"], balanced)
                row |= dict(zip(OF_ENDS, figures, strict=True))
                rows.append(row | {"diverged": record.meta["diverged"]})
        return pd.DataFrame(rows)

    def _kept(self, at):
        """The rows of `ends` at one end, without the runs that diverged."""
        if at not in ENDS:
            raise ValueError(f"at={at!r}: it is one of {', '.join(ENDS)}")
        return self.ends[(self.ends["at"] == at) & ~self.ends["diverged"]]

    def _table(self, metric, at):
        """One metric at one end, seeds × conditions, NaN where a run diverged."""
        if metric not in METRICS:
            raise ValueError(f"no metric {metric!r}; there are {', '.join(METRICS)}")
        table = self._kept(at).pivot(index="seed", columns="condition", values=metric)
        seeds = list(dict.fromkeys(seed for _, seed in self._records))
        return table.reindex(index=seeds, columns=self._names())

    def _is_crossed(self, metric):
        return self._one_test_part and metric in OF_ENDS[1:]

    def _covers(self, metric):
        if self._is_crossed(metric):
            return SEEDS_AND_IMAGES
        if metric not in OF_ENDS:
            return SEEDS
        return SAME_IMAGES if self._one_test_part else MOVING_IMAGES

    def _worth(self, runs, metric, at):
        """What each answer is worth, so that the mean is the metric: runs × images."""
        answers = np.stack([self._answers[*run, at] for run in runs]).astype(float)
        if metric == "test_balanced_accuracy":
            from sklearn.utils.class_weight import compute_sample_weight

            labels = self._records[runs[0]]["test_labels"]
            answers *= compute_sample_weight("balanced", labels)
        return answers

    def _framed(self, rows, columns, metric, at):
        table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
        if not is_maximum(metric, at):
            table.attrs["interval"] = f"95 % interval over {self._covers(metric)}"
        return table.rename_axis("condition")


def _bounds(estimate, metric, at):
    return (math.nan,) * 2 if is_maximum(metric, at) else estimate.interval()


def _unpacked(bits, labels):
    return np.unpackbits(bits, count=len(labels)).astype(bool)


def _best_epoch(record):
    return int(record.meta["best_epoch"])


def _epochs(condition, seed, record):
    rows = pd.DataFrame({name: record[f"history/{name}"] for name in OF_EPOCHS})
    rows.insert(0, "epoch", np.arange(1, len(rows) + 1))
    rows.insert(0, "seed", seed)
    rows.insert(0, "condition", condition)
    rows[["test_loss", "test_accuracy"]] = np.nan
    rows.loc[rows.index[-1], ["test_loss", "test_accuracy"]] = record["last/test"]
    best = rows["epoch"] == _best_epoch(record)
    return rows.assign(diverged=record.meta["diverged"], best=best)
