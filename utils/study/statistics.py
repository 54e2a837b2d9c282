"""How sure a mean is: over new seeds, over new images as well, and among several."""

import bisect
import math
from typing import NamedTuple

import numpy as np
from scipy import special

LEVEL = 0.05


class Estimate(NamedTuple):
    """A mean, its standard error and the error's degrees of freedom.

    All are floats; `error` and `df` are NaN where nothing tells the error.
    """

    mean: float
    error: float
    df: float

    def interval(self) -> tuple[float, float]:
        """Return low and high of the 95 % t interval; NaN where there is none."""
        reach = float(special.stdtrit(self.df, 1 - LEVEL / 2)) * self.error
        return self.mean - reach, self.mean + reach

    def p_value(self) -> float:
        """Return the two-sided p of the t test against a mean of zero."""
        if self.error == 0:
            return float(self.mean == 0)
        return float(2 * special.stdtr(self.df, -abs(self.mean) / self.error))


def student(values) -> Estimate:
    """Estimate a mean whose values were drawn one by one: a seed each.

    Args:
        values: float (n,). One value has no standard error.

    Returns:
        The `Estimate`, with n − 1 degrees of freedom.

    Source: Student (1908); the same figures as `scipy.stats.ttest_1samp`, which warns
    when all values are equal, as here they often are.
    """
    values = np.asarray(values, float)
    n = len(values)
    if n < 2:
        return Estimate(float(values[0]) if n else math.nan, math.nan, math.nan)
    error = values.std(ddof=1) / math.sqrt(n)
    return Estimate(float(values.mean()), float(error), n - 1)


def mean_interval(values) -> tuple[float, float, float, float]:
    """Give a mean, its 95 % Student interval over seeds, and its standard error.

    Args:
        values: float (n,), one value a seed.

    Returns:
        mean, low, high, standard error. One value has no interval: NaN.

    Source: Student (1908), as `scipy.stats.ttest_1samp(…).confidence_interval()`.
    """
    estimate = student(values)
    return estimate.mean, *estimate.interval(), estimate.error


def crossed(d) -> Estimate:
    """Estimate the mean of a table whose rows and columns were both drawn at random.

    Args:
        d: float (S, I), seeds × images.

    Returns:
        The `Estimate`. A table of one row or one column has no standard error.

    Raises:
        ValueError: `d` is no table, or an empty one.

    Source: the mean squares and what they estimate, Cornfield & Tukey (1956); the
    degrees of freedom, Satterthwaite (1946).
    """
    d = np.asarray(d, float)
    if d.ndim != 2 or d.size == 0:
        raise ValueError(f"d has shape {d.shape}: give a table, seeds x images")
    seeds, images = d.shape
    mean = d.mean()
    if seeds < 2 or images < 2:
        return Estimate(float(mean), math.nan, math.nan)
    of_seeds = d.mean(axis=1, keepdims=True) - mean
    of_images = d.mean(axis=0, keepdims=True) - mean
    rest = d - mean - of_seeds - of_images
    df_rest = (seeds - 1) * (images - 1)
    ms_seeds = images * np.sum(of_seeds**2) / (seeds - 1)
    ms_images = seeds * np.sum(of_images**2) / (images - 1)
    ms_rest = np.sum(rest**2) / df_rest
    a, b = max(ms_seeds, ms_rest), max(ms_images, ms_rest)
    total = a + b - ms_rest
    doubt = a**2 / (seeds - 1) + b**2 / (images - 1) + ms_rest**2 / df_rest
    df = max(total**2 / doubt, seeds - 1) if doubt else seeds - 1
    return Estimate(float(mean), math.sqrt(total / d.size), float(df))


def crossed_interval(d) -> tuple[float, float, float]:
    """Give the mean of a table and its 95 % interval over new seeds and new images.

    With MSs, MSi and MSe the mean squares of seeds, images and remainder,
    a = max(MSs, MSe) and b = max(MSi, MSe), the variance of the mean is
    (a + b − MSe) / (S·I), and its degrees of freedom are
    (a + b − MSe)² / (a²/(S−1) + b²/(I−1) + MSe²/((S−1)(I−1))), at least S − 1.

    Args:
        d: float (S, I), seeds × images: what an answer of one model is worth less
            what the other model's is, 1 for right and 0 for wrong. For balanced
            accuracy, times I / (K · images of the class).

    Returns:
        mean, low, high. One seed has no interval: low and high are NaN.

    Raises:
        ValueError: `d` is no table, or an empty one.

    Source: Cornfield & Tukey (1956), Satterthwaite (1946). `benchmarks/coverage.py`
    simulates how often it holds the truth.
    """
    estimate = crossed(d)
    return estimate.mean, *estimate.interval()


def holm(p) -> np.ndarray:
    """Adjust p-values that are read together.

    Where each is compared with 0.05, the chance of even one false finding among them
    is at most 5 %, whichever of the effects are real.

    Args:
        p: float (n,), in any order. NaN counts as one of them, and stays.

    Returns:
        float (n,), in the order given.

    Source: Holm (1979), as in `statsmodels.stats.multitest.multipletests`.
    """
    if len(p) == 0:
        return np.array([])
    from statsmodels.stats.multitest import multipletests  # a second of import

    return multipletests(p, method="holm")[1]


def seeds_needed(effect: float, spread: float, power: float = 0.8) -> int:
    """Count the paired seeds that make an effect of this size likely to be seen.

    It counts seeds alone. Seeds cannot buy back images: on a small test part the
    interval over new images stays wide, however many seeds there are.

    Args:
        effect: the true mean difference to be seen, in any unit, not 0.
        spread: standard deviation of the paired differences between seeds, in the
            same unit, above 0.
        power: how often the 95 % interval should then lie on the right side of zero,
            in (0, 1).

    Returns:
        The least number of seeds, at least 2.

    Raises:
        ValueError: an argument is outside its range.

    Source: the power of Student's paired t test, out of the noncentral t distribution
    (statsmodels' `TTestPower.solve_power` gives up at effects of eight spreads).
    """
    if not (abs(effect) > 0 and spread > 0 and 0 < power < 1):
        raise ValueError(
            f"effect={effect!r}, spread={spread!r}, power={power!r}: effect must not "
            "be 0, spread must be above 0, and power between 0 and 1"
        )
    size = abs(effect) / spread

    def reached(n):
        critical = special.stdtrit(n - 1, 1 - LEVEL / 2)
        return 1 - special.nctdtr(n - 1, size * math.sqrt(n), critical)

    enough = 2
    while reached(enough) < power:
        enough *= 2
    return bisect.bisect_left(range(enough), power, lo=2, key=reached)
