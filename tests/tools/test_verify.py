"""`course.py test`, on a course of one test: what it leaves alone, and what it says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
STUDY = """import os
from pathlib import Path


def test_a_study():
    runs = Path(os.environ["COURSE_RUNS"])
    runs.mkdir(parents=True, exist_ok=True)
    Path("found.txt").write_text(str((runs / "record.npz").exists()))
    (runs / "record.npz").touch()
    Path("seen.txt").write_text(str(runs))
"""


@pytest.fixture
def test(tmp_path):
    """A course of one test; test(*arguments) calls tools/course/verify.py on it."""
    (tmp_path / "tools" / "course").mkdir(parents=True)
    (tmp_path / "tests").mkdir()
    shutil.copy(ROOT / "tools" / "course" / "verify.py", tmp_path / "tools" / "course")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "tests" / "test_study.py").write_text(STUDY)
    (tmp_path / "constraints.txt").write_text(f"pytest=={pytest.__version__}\n")

    def call(*arguments):
        command = [sys.executable, "tools/course/verify.py", "-n", "0", *arguments]
        settings = {"cwd": tmp_path, "capture_output": True, "text": True}
        return subprocess.run(command, env=os.environ, **settings)

    return call


def test_studies_have_a_run_folder_of_their_own(test, tmp_path):
    record = tmp_path / "build" / "runs" / "record.npz"
    record.parent.mkdir(parents=True)
    record.touch()
    result = test()
    assert result.returncode == 0, result.stdout
    assert "constraints.txt" not in result.stderr
    assert record.exists()
    seen = Path((tmp_path / "seen.txt").read_text())
    assert not seen.is_relative_to(tmp_path)
    assert not seen.exists(), "it goes when the tests have ended"


def test_runs_are_kept_where_that_is_asked_for(test, tmp_path):
    for found in ("False", "True"):
        assert test("--keep-runs").returncode == 0
        assert (tmp_path / "found.txt").read_text() == found
    seen = Path((tmp_path / "seen.txt").read_text())
    assert seen == tmp_path / "build" / "test_runs", "not with the reader's runs"


def test_chapters_in_depth_are_run_where_all_is_asked_for(test, tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python"}
    notebook.cells[0].execution_count = 1
    (tmp_path / "chapters" / "in_depth").mkdir(parents=True)
    nbformat.write(notebook, tmp_path / "chapters" / "in_depth" / "01_more.ipynb")
    assert test().returncode == 0
    assert test("--all").returncode == 1


def test_versions_that_are_not_the_pinned_ones_are_named(test, tmp_path):
    (tmp_path / "constraints.txt").write_text("pytest==0.1\nno-such-package==1\n")
    result = test()
    named = f"Not the versions of constraints.txt: pytest {pytest.__version__} "
    assert result.stderr.startswith(f"{named}(pinned: 0.1). Stored numbers may differ")
    assert result.returncode == 0
    assert "constraints.txt" not in test("--lax").stderr


@pytest.mark.parametrize(
    "fault", ["import os\n", "def test_it():\n    assert False\n"], ids=["lint", "test"]
)
def test_a_fault_fails_all(test, tmp_path, fault):
    (tmp_path / "tests" / "test_fault.py").write_text(fault)
    assert test().returncode == 1
