"""The tolerance of nbval: a cell tagged `approx=0.02` compares decimals within 0.02."""

import math
import re

import pytest

DECIMAL = re.compile(r"[-+−]?\d+\.\d+(?:e[-+]?\d+)?")


class Approximate(str):
    """Text that equals another if its decimals are near and the rest is the same."""

    def __new__(cls, text, tolerance):
        self = super().__new__(cls, text)
        self.tolerance = tolerance
        self.rest = " ".join(DECIMAL.sub(" # ", text).split())
        decimals = DECIMAL.findall(text.replace("−", "-"))
        self.decimals = [float(number) for number in decimals]
        return self

    def __eq__(self, other):
        near = (
            math.isclose(a, b, rel_tol=1e-9, abs_tol=self.tolerance)
            for a, b in zip(self.decimals, other.decimals, strict=True)
        )
        return self.rest == other.rest and all(near)

    def __ne__(self, other):
        return not self == other

    __hash__ = str.__hash__


def tolerance_of(tags):
    """Read the tolerance from tags: a positive float, or None where there is none."""
    values = [tag.removeprefix("approx=") for tag in tags if tag.startswith("approx")]
    if not values:
        return None
    try:
        (tolerance,) = map(float, values)
        if 0 < tolerance < math.inf:
            return tolerance
    except ValueError:
        pass
    raise pytest.UsageError(f"bad tolerance {values}: tag the cell approx=0.02, once")


def pytest_itemcollected(item):
    """Give tagged cells of a notebook their tolerance."""
    cell = getattr(item, "cell", None)
    tolerance = tolerance_of(cell.metadata.get("tags", [])) if cell else None
    if tolerance is not None:
        exact = item.sanitize

        def sanitize(text):
            text = exact(text)
            return Approximate(text, tolerance) if isinstance(text, str) else text

        item.sanitize = sanitize
