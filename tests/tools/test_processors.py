"""Notebooks as on other processors: what moves, by how much, and what would fail.

The command line runs on a copy of the tools; a cell asks the environment which
processor it is on, and trains nothing.
"""

import os
import re
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from tests.notebooks.test_of_tests import VARIANTS, stream

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools" / "author"))

import processors  # noqa: E402

from conftest import Approximate  # noqa: E402


@pytest.fixture(scope="module")
def call(tmp_path_factory):
    """call(cells, *arguments): stores them as one notebook, and runs the tool on it."""
    root = tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "tools", root / "tools")
    for name in ("conftest.py", "course.py"):
        shutil.copy(ROOT / name, root)
    path = tmp_path_factory.mktemp("elsewhere") / "01_tiny.ipynb"

    def run(cells, *arguments, **variables):
        for place, cell in enumerate(cells):
            cell.id = f"cell-{place}"
        nbformat.write(v4.new_notebook(cells=cells), path)
        stored = path.read_bytes()
        command = [sys.executable, "tools/author/processors.py", str(path)]
        env = {**os.environ, "COURSE_RUNS": "the-readers", **variables}
        settings = {"cwd": root, "capture_output": True, "text": True}
        result = subprocess.run(
            [*command, "--processors", *arguments], env=env, **settings
        )
        assert path.read_bytes() == stored
        return result

    return run


def printing(source, text, *tags):
    """A cell with what it has stored."""
    cell = v4.new_code_cell(source, execution_count=1, outputs=[stream(text)])
    cell.metadata.tags = list(tags)
    return cell


ACCURACY = """import os

slow = os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0"
print("accuracy", 0.83 if slow else 0.86)"""


def test_what_moves_is_measured_on_each_processor(call):
    moves = printing(ACCURACY, "accuracy 0.85\n", "approx=0.015")
    stays = printing("print(0.5)", "0.5\n")
    timing = printing("print(3.5)", "2.5\n", "nbval-ignore-output")
    cells = [v4.new_markdown_cell("Text."), moves, stays, timing]
    result = call(cells, "SSE41", "no-oneDNN")
    assert result.returncode == 1
    assert "cell 2 (cell-1), approx=0.015: moved by 0.01\n" in result.stdout
    assert "accuracy #: 0.85 → 0.86\n" in result.stdout
    fault = "cell 2 (cell-1), approx=0.015: moved by 0.02; FAILS: approx=0.02 at least"
    assert f"01_tiny.ipynb on no-oneDNN: {fault}\n" in result.stderr
    assert result.stderr.count("\n") == 1
    row = r"\| (SSE41|no-oneDNN) .*\| (\d) +\| ([\d.]+) +\| (\d) +\|"
    rows = [("SSE41", "1", "0.01", "0"), ("no-oneDNN", "1", "0.02", "1")]
    assert re.findall(row, result.stdout) == rows


ENVIRONMENT = """import os, pathlib

names = "ONEDNN_MAX_CPU_ISA", "TF_ENABLE_ONEDNN_OPTS"
runs = pathlib.Path(os.environ["COURSE_RUNS"])
known = {"AVX": ("AVX", None), "oneDNN": (None, "1"), "no-oneDNN": (None, "0")}
print(runs.parent.name, known[runs.name] == tuple(map(os.environ.get, names)))"""


def test_a_processor_is_its_variables_alone_and_a_run_folder(call):
    """What the author has set does not reach the kernel, and all that passes is 0."""
    stored = printing(ENVIRONMENT, "processors True\n")
    own = {"ONEDNN_MAX_CPU_ISA": "SSE41", "TF_ENABLE_ONEDNN_OPTS": "1"}
    result = call([stored], "AVX", "oneDNN", "no-oneDNN", **own)
    assert (result.returncode, result.stderr) == (0, "")


WHATEVER = "FAILS, whatever the tolerance: "
WORDS = "approx=2: FAILS, whatever the tolerance: Cell outputs differ"
WHY = [
    (printing("print(0.5)", "0.4\n"), "exact: moved by 0.1; FAILS: approx=0.1"),
    (printing("print('lowers 0.5')", "raises 0.5\n", "approx=2"), WORDS),
    (printing("print('5 of 5')", "4 of 5\n", "approx=2"), WORDS),
    (printing("0.5", "0.5\n", "approx=2"), WORDS),
    (printing("1 / 0", ""), f"{WHATEVER}ZeroDivisionError: division by zero"),
    (printing("1 / 0", "", "nbval-ignore-output"), f"{WHATEVER}ZeroDivisionError"),
    (printing("1", "", "approx=abc"), f"{WHATEVER}bad tolerance approx=abc"),
]


def test_why_a_cell_fails_is_said(call):
    result = call([cell for cell, _ in WHY], "SSE41")
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == len(WHY)
    for place, (line, (_, said)) in enumerate(
        zip(result.stderr.splitlines(), WHY, strict=True), 1
    ):
        assert f"cell {place} " in line
        assert said in line


def test_the_comparison_is_that_of_the_suite(call):
    """Each fault that the tests of the tests know fails here, and nothing else does."""
    cells = []
    for build, change, _ in VARIANTS.values():
        cells.append(build())
        cells[-1].execution_count = 1
        change(cells[-1])
    said = call(cells, "AVX2").stderr
    failing = {name for i, name in enumerate(VARIANTS) if f"(cell-{i})," in said}
    assert failing == {name for name, (*_, expected) in VARIANTS.items() if expected}


def test_a_test_that_did_not_come_to_its_end_is_no_success(call):
    result = call([v4.new_markdown_cell("No code.")], "SSE41")
    assert result.returncode == 2
    assert "01_tiny.ipynb: pytest ended with 5" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("stored", "computed", "amount"),
    [
        ("0.85 of 1.0", "0.87 of 0.99", "0.02"),
        ("a 0.5", "a 0.5", "0"),
        ("none", "none", "0"),
        ("−0.01", "0.01", "0.02"),
        ("1 of 5", "2 of 5", None),
        ("0.5", "0.5 0.5", None),
    ],
)
def test_the_least_tolerance_passes_and_a_smaller_one_does_not(
    stored, computed, amount
):
    found = processors.least(stored, computed)
    assert found == (amount and Decimal(amount))
    if found:
        assert Approximate(stored, found) == Approximate(computed, found)
        less = found - Decimal("0.001")
        assert Approximate(stored, less) != Approximate(computed, less)
