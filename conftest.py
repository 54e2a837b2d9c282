"""The tolerance of nbval: a cell tagged `approx=0.02` compares decimals within 0.02.

A decimal has a point or an exponent: 0.85, -1e-05, NumPy's `1.` inside an array. All
else is compared exactly, whole numbers too, but for what a comparison counts; runs of
white space, and of the dashes that rule a table, count as one, since a number that gets
shorter moves them. Cells without the tag are compared exactly. The specification of an
explorable is compared as text, its tables too, but for pictures inside it: like PNGs.
"""

import json
import re
from decimal import Decimal

import pytest

# `1.` counts only before another number or a bracket: elsewhere it ends a sentence.
# 1.2.3 is a version, x0.5 a name.
DECIMAL = re.compile(
    r"(?<![\w.])[-+−]?"
    r"(?:\d*+\.\d++|\d++\.(?= *[\]\d+−-])|\d++(?=[eE][-+]?\d))"
    r"(?:[eE][-+]?\d++)?(?!\.?\d)"
)
RULE = re.compile(r"[-─=]{3,}")
# What a comparison counts beside its decimals moves with them: the pairs that are won,
# and whether few images tell two models apart.
COUNTED = [
    (re.compile(r"better in \d+ of (?=\d+ pairs)"), "better in some of "),
    (re.compile(r"; only \d+ images are answered differently"), ""),
]


PICTURE = re.compile(r"data:image/[\w+;]+,[\w+/=]+")


def written_out(spec):
    """An explorable's specification as text: a line a number, a line a table's row."""
    text = json.dumps(spec, indent=1, sort_keys=True, ensure_ascii=False)
    return PICTURE.sub("a picture", text.replace("\\n", "\n"))


class Approximate(str):
    """Text that equals another if its decimals are near and the rest is the same."""

    def __new__(cls, text, tolerance):
        self = super().__new__(cls, text)
        self.tolerance = tolerance
        for counted, same in COUNTED:
            text = counted.sub(same, text)
        self.words = [RULE.sub("---", words).split() for words in DECIMAL.split(text)]
        found = DECIMAL.findall(text)
        self.decimals = [Decimal(number.replace("−", "-")) for number in found]
        return self

    def __eq__(self, other):
        return self.words == other.words and all(
            abs(a - b) <= self.tolerance
            for a, b in zip(self.decimals, other.decimals, strict=True)
        )

    def __ne__(self, other):
        return not self == other

    __hash__ = str.__hash__


def tolerance_of(tags):
    """Read the tolerance from a cell's tags; None where there is none."""
    tags = [tag for tag in tags if tag.strip().lower().startswith("approx")]
    if not tags:
        return None
    number = re.fullmatch(r"approx=(\d*\.?\d+)", tags[0])
    if number is None or len(tags) > 1:
        raise ValueError(
            f"bad tolerance {', '.join(tags)}: tag a cell approx=0.02, once"
        )
    return Decimal(number[1])


def pytest_runtest_setup(item):
    """Give a notebook's tagged cells their tolerance; fail those that were never run.

    nbval would pass over a cell that has neither a count nor outputs.
    """
    cell = getattr(item, "cell", None)
    if cell is None:
        return
    try:
        tolerance = tolerance_of(cell.metadata.get("tags", []))
    except ValueError as error:
        pytest.fail(str(error), pytrace=False)
    if item.config.option.nbval and cell.execution_count is None:
        pytest.fail("stored without having been run: no execution count", pytrace=False)
    exact = item.sanitize

    def sanitize(output):
        text = written_out(output) if isinstance(output, dict) else exact(output)
        near = tolerance is not None and isinstance(text, str)
        return Approximate(text, tolerance) if near else text

    item.sanitize = sanitize
