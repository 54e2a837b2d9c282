"""Two conditions against each other: how far apart, how sure, and what to call it."""

import dataclasses
import math

import numpy as np

from utils.study.statistics import LEVEL, crossed, holm, student

SEEDS = "new seeds"
SEEDS_AND_IMAGES = "new seeds and new images"
SAME_IMAGES = "new seeds, on these test images"
MOVING_IMAGES = "new seeds, each with test images of its own"
WHERE = {None: "", "last": " at the end of training", "best": " at the best epoch"}
FEW_IMAGES = 20


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A paired difference a − b of one metric, with its 95 % interval and verdict.

    `print` gives one sentence, which names what the interval covers. If the study
    were repeated many times with new seeds, and where it says so with new images of
    the same kind, 95 % of such intervals would hold the true mean difference. It does
    not say that 95 % of single runs lie inside.

    No interval here covers: new writers, cameras or years (the 13 writers of `digits`
    are in all its parts); another pool of images to draw training sets from, since
    those of all seeds overlap (Nadeau & Bengio, 2003); other strengths, architectures
    or data sets. And all claims about one data set share the same test images: where
    these are lucky for one claim, they may be for the next.

    Attributes:
        a, b: the conditions' names.
        metric: such as "test_accuracy".
        difference, low, high, standard_error: float, in the metric's own unit (a
            share for accuracies, nats for losses). NaN where there is none.
        wins: int, the pairs in which `a` was better.
        n: int, the pairs.
        left_out: int, the pairs not counted because a run diverged.
        at: "last", "best", or None where no end of a run is meant.
        covers: what was drawn anew in the repetitions that the interval speaks of.
        discordant: int, the test images that the two did not answer alike in every
            pair; None where answers were not compared.
        correlation: float, Pearson's, of the pairs; NaN from fewer than three.
        p_value: float, of the test that belongs to the interval.
        p_holm: float, the same after `adjusted`, else None.

    Source: Student (1908), or `crossed_interval` where `covers` names images. With
    five pairs a bootstrap is too narrow (it can only repeat five numbers), and a rank
    test cannot reach 5 % at all (its smallest p is 1/16).
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
    at: str | None = None
    covers: str = SEEDS
    discordant: int | None = None
    correlation: float = math.nan
    p_value: float = math.nan
    p_holm: float | None = None

    @property
    def verdict(self) -> str:
        """What `a` does to the metric: "raises", "lowers", or "undecided".

        Undecided means no more than that: the interval holds zero, or there is none,
        or the p that was adjusted for the other comparisons is above 0.05.
        """
        beside_zero = self.low > 0 or self.high < 0
        if not beside_zero or (self.p_holm or 0) > LEVEL:
            return "undecided"
        return "raises" if self.difference > 0 else "lowers"

    @property
    def pairing(self) -> str:
        """How alike the two scores of a seed are, in a sentence."""
        return (
            f"Over {self.n} seeds {self.a} and {self.b} correlate by "
            f"{self.correlation:+.2f} in {self.metric.replace('_', ' ')}; from "
            f"{self.n} pairs nothing is concluded."
        )

    def __str__(self):
        names = f"{self.a} against {self.b}{WHERE[self.at]}"
        if self.n == 0:
            return f"{names} cannot be compared: every pair diverged."
        show = _points if self.metric.endswith("accuracy") else "{:+.3f}".format
        unit = "percentage points of " if show is _points else ""
        notes = [
            self._spread(show),
            f"better in {self.wins} of {self.n} pairs",
            *self._images(),
            *([f"{self.left_out} left out: diverged"] if self.left_out else []),
        ]
        holm = "" if self.p_holm is None else " after Holm"
        return (
            f"{names}: {show(self.difference)} {unit}{self.metric.replace('_', ' ')} "
            f"({'; '.join(notes)}): {self.verdict}{holm}."
        )

    def _spread(self, show):
        if self.n == 1:
            return "no interval from one pair"
        if is_maximum(self.metric, self.at):
            return "no interval: each is the maximum over its epochs"
        return f"95 % interval {show(self.low)} to {show(self.high)} over {self.covers}"

    def _images(self):
        if self.discordant == 0:
            return ["all answers are equal"]
        if self.discordant is not None and self.discordant < FEW_IMAGES:
            return [f"only {self.discordant} images are answered differently"]
        return []


def _points(share):
    return f"{100 * share:+.1f}"


def is_maximum(metric, at):
    """Tell whether a figure was chosen for being the largest: it has no interval."""
    return (metric, at) == ("val_accuracy", "best")


def paired(a, b, first, second, metric) -> Comparison:
    """Compare two conditions pair by pair, a figure a seed, over new seeds.

    Args:
        a, b: the conditions' names.
        first, second: float (n,), their figures in the same order of seeds; NaN marks
            a run that diverged.
        metric: what the figures are; of one that ends in "loss" less is better.

    Returns:
        The `Comparison`.

    Source: Student's paired t interval (1908).
    """
    first, second = np.asarray(first, float), np.asarray(second, float)
    keep = np.isfinite(first) & np.isfinite(second)
    gaps = (first - second)[keep]
    better = gaps < 0 if metric.endswith("loss") else gaps > 0
    estimate = student(gaps)
    return Comparison(
        *(a, b, metric),
        *(estimate.mean, *estimate.interval(), estimate.error),
        *(int(better.sum()), len(gaps), int((~keep).sum())),
        correlation=_correlation(first[keep], second[keep]),
        p_value=estimate.p_value(),
    )


def _correlation(first, second):
    if len(first) < 3 or not (np.ptp(first) and np.ptp(second)):
        return math.nan
    return float(np.corrcoef(first, second)[0, 1])


def over_images(comparison, d) -> Comparison:
    """Widen a comparison's interval to new images, given the table behind it.

    Args:
        comparison: what `paired` gave.
        d: float (S, I), differences of what answers are worth, seeds × images.

    Returns:
        The `Comparison` with the interval of `crossed_interval`.
    """
    estimate = crossed(d)
    low, high = estimate.interval()
    return dataclasses.replace(
        comparison,
        difference=estimate.mean,
        low=low,
        high=high,
        standard_error=estimate.error,
        covers=SEEDS_AND_IMAGES,
        discordant=int(np.any(d, axis=0).sum()),
        p_value=estimate.p_value(),
    )


def adjusted(comparisons) -> list[Comparison]:
    """Adjust the verdicts of comparisons that are read together, by Holm's method.

    Read together are those of one chapter on one data set at one end. The intervals
    stay as they are; a verdict may become "undecided".

    Args:
        comparisons: what is read together, all at the same end.

    Returns:
        The same, in order, each with its `p_holm`.

    Raises:
        ValueError: the comparisons are of different ends.

    Source: Holm (1979).
    """
    comparisons = list(comparisons)
    ends = {c.at for c in comparisons}
    if len(ends) > 1:
        raise ValueError(
            f"comparisons at {sorted(map(str, ends))}: adjust each end by itself"
        )
    found = holm([c.p_value for c in comparisons])
    return [
        dataclasses.replace(c, p_holm=float(p))
        for c, p in zip(comparisons, found, strict=True)
    ]
