"""Run notebooks as on other processors, and say what each tolerance must be at least.

    python tools/author/processors.py [--processors NAME ...] [NOTEBOOK ...]

NOTEBOOK is a number, a name or a path; without any, all of them, in_depth and solutions
too. oneDNN is held to the instructions of an older processor, or put in or left out
whole: TensorFlow takes it by itself on newer processors of Intel alone. Each stored
output is compared as `course.py test` compares it, and nothing is stored. The exit
status is 1 if a cell would fail. Finished runs stay in build/processors, a folder a
processor: the next call takes them.
"""

import argparse
import contextlib
import io
import os
import sys
import time
from collections import defaultdict
from decimal import Decimal
from typing import NamedTuple

import pytest
from nbval.plugin import coalesce_streams, transform_streams_for_comparison
from refresh import MOST_LINES, ROOT, changed_lines, chosen, table

import conftest

RUNS = ROOT / "build" / "processors"
PROCESSORS = {
    "SSE41": {"ONEDNN_MAX_CPU_ISA": "SSE41"},
    "AVX": {"ONEDNN_MAX_CPU_ISA": "AVX"},
    "AVX2": {"ONEDNN_MAX_CPU_ISA": "AVX2"},
    "oneDNN": {"TF_ENABLE_ONEDNN_OPTS": "1"},
    "no-oneDNN": {"TF_ENABLE_ONEDNN_OPTS": "0"},
}
# The suite's own comparison, told to pytest by name: a notebook may lie anywhere.
PYTEST = ["--noconftest", f"--rootdir={ROOT}", "--override-ini=addopts="]
PYTEST += ["--nbval", "--nbval-current-env", "-p", "no:cacheprovider", "--color=no"]


class Moved(NamedTuple):
    """A cell whose outputs are not those stored, or that fails.

    least: the smallest tolerance that it passes with; None where none would do.
    """

    place: int
    id: str
    tolerance: Decimal | None
    least: Decimal | None
    fault: str | None
    lines: list[str]

    def __str__(self):
        has = "exact" if self.tolerance is None else f"approx={self.tolerance}"
        text = f"cell {self.place} ({self.id}), {has}: "
        if self.least is not None:
            text += f"moved by {self.least}"
            return (
                f"{text}; FAILS: approx={self.least} at least" if self.fault else text
            )
        return text + f"FAILS, whatever the tolerance: {self.fault}"


def least(stored, computed):
    """The smallest tolerance at which two texts are equal; None if words differ."""
    a, b = (conftest.Approximate(text, Decimal(0)) for text in (stored, computed))
    if a.words != b.words:
        return None
    pairs = zip(a.decimals, b.decimals, strict=True)
    return max((abs(x - y) for x, y in pairs), default=Decimal(0))


def compared(item, outputs):
    """What nbval compares of a cell's outputs: {kind: texts}."""
    found = defaultdict(list)
    for output in transform_streams_for_comparison(coalesce_streams(outputs)):
        for kind, value in output.get("data", output).items():
            if kind not in item.parent.skip_compare:
                found[kind].append(str(item.sanitize(value)))
    return found


class Recorder:
    """A plugin of pytest that keeps what moved in each cell, and whether it passed."""

    def __init__(self):
        self.moved = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        if call.when == "call" or report.failed:
            self._keep(item, call.excinfo)
        return report

    def _keep(self, item, excinfo):
        cell, outputs = item.cell, item.test_outputs or []
        place = item.parent.nb.cells.index(cell) + 1
        fault = str(excinfo.value) if excinfo else None
        errors = [o for o in outputs if o.output_type == "error"]
        fault = f"{errors[0].ename}: {errors[0].evalue}" if errors else fault
        amount, lines, tolerance = None, [], None
        if fault in (None, "Cell outputs differ"):
            old, new = compared(item, cell.outputs), compared(item, outputs)
            if not item.options["check"] or old == new:
                return
            tolerance = conftest.tolerance_of(cell.metadata.get("tags", []))
            amount = _least_of_all(old, new)
            lines = changed_lines(cell, {"outputs": outputs})
        found = (place, cell.id, tolerance, amount, fault, lines[:MOST_LINES])
        self.moved.append(Moved(*found))


def _least_of_all(old, new):
    """The smallest tolerance for all that a cell puts out; None where none would do."""
    if {k: len(v) for k, v in old.items()} != {k: len(v) for k, v in new.items()}:
        return None
    amounts = [
        least(*pair) for kind in old for pair in zip(old[kind], new[kind], strict=True)
    ]
    return None if None in amounts else max(amounts)


def run(path, processor):
    """Run one notebook as on a processor; returns the cells that moved.

    Raises RuntimeError where the test did not come to its end.
    """
    for name in {name for variables in PROCESSORS.values() for name in variables}:
        os.environ.pop(name, None)
    os.environ |= PROCESSORS[processor] | {"COURSE_RUNS": str(RUNS / processor)}
    recorder, said = Recorder(), io.StringIO()
    with contextlib.redirect_stdout(said):
        status = pytest.main([*PYTEST, str(path)], plugins=[conftest, recorder])
    if status == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    failed = any(one.fault for one in recorder.moved)
    if status != failed:
        text = said.getvalue()
        raise RuntimeError(f"{path}: pytest ended with {status:d}:\n{text}")
    return recorder.moved


def report(path, processor):
    """Run one notebook and print what moved; returns its row and its faulty cells."""
    name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    start = time.perf_counter()
    moved = run(path, processor)
    seconds = time.perf_counter() - start
    print(f"{name} on {processor} ({seconds:.0f} s)")
    for one in moved:
        print("\n    ".join([f"  {one}", *one.lines]))
    sys.stdout.flush()
    faulty = [f"{name} on {processor}: {one}" for one in moved if one.fault]
    most = max((one.least for one in moved if one.least is not None), default=0)
    return (name, processor, f"{seconds:.0f}", len(moved), most, len(faulty)), faulty


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("notebooks", nargs="*", metavar="NOTEBOOK")
    parser.add_argument(
        "--processors",
        nargs="+",
        choices=PROCESSORS,
        default=list(PROCESSORS),
        metavar="NAME",
        help=f"which: {', '.join(PROCESSORS)}; default: all",
    )
    options = parser.parse_args()
    try:
        paths = chosen(options.notebooks)
    except ValueError as error:
        print(f"processors: {error}", file=sys.stderr)
        return 2
    os.environ["PYTHONPATH"] = str(ROOT)  # this checkout's utils
    rows, faulty = [], []
    for processor in options.processors:
        for path in paths:
            row, faults = report(path, processor)
            rows.append(row)
            faulty += faults
    columns = ["notebook", "processor", "seconds", "moved", "by at most", "failing"]
    print(table(rows, columns))
    for fault in faulty:
        print(f"processors: {fault}", file=sys.stderr)
    return 1 if faulty else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as error:
        print(f"processors: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("processors: Stopped.", file=sys.stderr)
        sys.exit(130)
