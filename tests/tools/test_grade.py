"""Grading notebooks: those that are solved, blank, broken, endless, loud or hungry."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tools" / "author"), str(ROOT / "tools" / "course")]

import grade  # noqa: E402
import handout  # noqa: E402

HEAD = "from utils.check import check"
SOLVED = 'check("01.1", lambda: 0.7)'
WRONG = 'check("01.4", lambda val, test: ("large", 0.91))'
BLANK = """
def interval(a, b):
    raise NotImplementedError


check("01.5", interval)
"""


def notebook(path, *cells):
    made = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in (HEAD, *cells)]
    )
    nbformat.write(made, path)
    return path


def statuses(verdicts):
    return {name: status for name, status in verdicts.items() if status}


def test_verdicts_are_counted(tmp_path):
    path = notebook(tmp_path / "ann.ipynb", SOLVED, WRONG, BLANK)
    verdicts, note = grade.grade(path, 600)
    assert note == ""
    assert list(verdicts) == grade.asked("01")
    assert statuses(verdicts) == {
        "01.1": "correct",
        "01.4": "wrong",
        "01.5": "blank",
    }


@pytest.mark.parametrize(
    ("cell", "words", "left"),
    [
        ("1 / 0", "", {"01.1": "correct", "01.4": "wrong"}),
        ("this is no Python", "", {"01.1": "correct", "01.4": "wrong"}),
        ("input('your name?')", "", {"01.1": "correct", "01.4": "wrong"}),
        ("import os; os._exit(7)", "exit status 7, in cell 3", {"01.1": "correct"}),
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            "crashed, exit status -9",
            {"01.1": "correct"},
        ),
    ],
)
def test_faults_cost_themselves_alone(tmp_path, cell, words, left):
    path = notebook(tmp_path / "bob.ipynb", SOLVED, cell, WRONG)
    verdicts, note = grade.grade(path, 600)
    assert words in note if words else note == ""
    assert statuses(verdicts) == left


ENDLESS = [
    "while True: pass",
    "while True: print('x' * 10_000)",
    "import subprocess, sys\n"
    "subprocess.run([sys.executable, '-c', 'while True: pass'])",
]


@pytest.mark.parametrize("cell", ENDLESS)
def test_what_does_not_end_is_stopped(tmp_path, monkeypatch, cell):
    """The clock of this test runs out when the notebook has come to its third cell."""
    place = tmp_path / "here"
    here = f"import pathlib; pathlib.Path({str(place)!r}).touch()\n{cell}"
    clock = "monotonic", lambda: 3600.0 * place.exists()
    monkeypatch.setattr(grade.time, *clock)
    path = notebook(tmp_path / "bob.ipynb", SOLVED, here, WRONG)
    verdicts, note = grade.grade(path, 5)
    assert note == "stopped after 5 seconds, in cell 3"
    assert statuses(verdicts) == {"01.1": "correct"}


def test_hunger_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(grade, "MOST_MIB", 300)
    hungry = "import threading; x = b'x' * 400_000_000; threading.Event().wait()"
    _, note = grade.grade(notebook(tmp_path / "eve.ipynb", SOLVED, hungry), 600)
    assert note.startswith("stopped at 300 MiB of memory")


@pytest.mark.parametrize(
    ("cores", "gib", "expected"), [(1, 8, 1), (2, 8, 1), (8, 64, 4), (8, 8, 2)]
)
def test_notebooks_share_cores_and_memory(monkeypatch, cores, gib, expected):
    import psutil

    memory = psutil.virtual_memory()._replace(total=gib * 2**30)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(grade.os, "cpu_count", lambda: cores)
    assert grade.at_once() == expected


def test_a_study_gets_its_share_and_a_run_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(grade, "WORKERS", 1)
    seen = tmp_path / "seen.json"
    look = f"""
import json, os, pathlib, joblib
found = joblib.cpu_count(only_physical_cores=True), os.environ["COURSE_RUNS"]
pathlib.Path({str(seen)!r}).write_text(json.dumps(found))"""
    assert grade.grade(notebook(tmp_path / "c.ipynb", look, SOLVED), 600)[1] == ""
    cores, runs = json.loads(seen.read_text())
    assert cores == 1
    assert not Path(runs).is_relative_to(ROOT)


def test_the_last_verdict_counts(tmp_path):
    again = 'check("01.1", lambda: 1.0)'
    verdicts, _ = grade.grade(notebook(tmp_path / "c.ipynb", SOLVED, again), 600)
    assert verdicts["01.1"] == "wrong"


def test_a_line_that_is_damaged_or_not_sealed_is_no_verdict(tmp_path):
    place = tmp_path / "verdicts.jsonl"
    sealed = ["01.1", "correct", grade.seal("key", "01.1", "correct")]
    moved = ["01.2", *sealed[1:]]
    lines = [sealed, moved, ["01.3", "correct", "?"], ["01.4"], {"name": 1}, "x", 7]
    text = "\n".join([*map(json.dumps, lines), '["01.5", "corr'])
    place.write_text(text)
    assert grade._read(place, "key") == {"01.1": "correct"}
    assert grade._read(place, "another key") == {}
    assert grade._read(tmp_path / "none", "key") == {}


def test_a_cell_cannot_write_a_verdict(tmp_path):
    """Well-formed lines in every file that the cell finds, and the key is not there."""
    forge = """
import json, pathlib, sys
folder = pathlib.Path(sys.argv[2])
words = [path.read_text() for path in folder.iterdir() if path.is_file()]
line = json.loads((folder / "verdicts.jsonl").read_text().splitlines()[0])
for seal in (line[2], *words):
    with (folder / "verdicts.jsonl").open("a") as file:
        file.write(json.dumps(["01.4", "correct", seal]) + "\\n")"""
    path = notebook(tmp_path / "mallory.ipynb", SOLVED, WRONG, forge)
    verdicts, note = grade.grade(path, 600)
    assert note == ""
    assert statuses(verdicts) == {"01.1": "correct", "01.4": "wrong"}


@pytest.mark.parametrize("content", ["", "{}", "[]", "not a notebook", '{"cells": 3}'])
def test_what_is_no_notebook(tmp_path, content):
    path = tmp_path / "x.ipynb"
    path.write_text(content)
    verdicts, note = grade.grade(path, 5)
    assert verdicts == {}
    assert note.startswith("no notebook")
    assert grade.grade(tmp_path / "missing.ipynb", 5)[1].startswith("no notebook")


def test_a_notebook_without_exercises(tmp_path):
    assert grade.grade(notebook(tmp_path / "x.ipynb"), 5) == ({}, "no exercise in it")


def test_table_and_csv(tmp_path, monkeypatch, capsys):
    formula = '=HYPERLINK("http:example.org","click")'
    paths = [
        notebook(tmp_path / "ann.ipynb", SOLVED),
        notebook(tmp_path / "bob.ipynb", "import os; os._exit(1)", SOLVED),
        notebook(tmp_path / "-1+1.ipynb", SOLVED),
        tmp_path / "nobody.ipynb",
        tmp_path / f"{formula}.ipynb",
    ]
    monkeypatch.setattr(grade, "OUTPUT", tmp_path / "grade")
    monkeypatch.setattr(sys, "argv", ["grade", "--", *map(str, paths)])
    assert grade.main() == 0
    assert "| ann" in capsys.readouterr().out
    with (tmp_path / "grade" / "grades.csv").open(encoding="utf-8") as file:
        rows = {row["notebook"]: row for row in csv.DictReader(file)}
    assert rows["ann"]["solved"] == "1"
    assert rows["ann"]["of"] == str(len(grade.asked("01")))
    assert rows["ann"]["1"] == "yes"
    assert rows["bob"]["solved"] == "0"
    assert "crashed" in rows["bob"]["note"]
    assert "no notebook" in rows["nobody"]["note"]
    # A spreadsheet runs what begins like a formula.
    assert {f"'{formula}", "'-1+1"} < rows.keys()


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The handout as a student has it."""
    if not (ROOT / ".git").exists():
        pytest.skip("a handout is made in a clone")
    folder = tmp_path_factory.mktemp("handout")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handout, "TARGET", folder / "handout.zip")
        assert handout.main() == 0
    shutil.unpack_archive(folder / "handout.zip", folder)
    return folder / "regularization-course"


def in_it(unpacked, *command):
    settings = {"cwd": unpacked, "capture_output": True, "text": True}
    settings["env"] = os.environ | {"PYTHONPATH": str(unpacked)}
    return subprocess.run([sys.executable, *command], **settings)


def test_the_handout_holds_the_course_and_no_solutions(unpacked):
    names = [str(path.relative_to(unpacked)) for path in unpacked.rglob("*")]
    assert "chapters/01_overfitting.ipynb" in names
    assert "utils/check/verdicts.py" in names
    assert not [n for n in names if "solutions/" in n or "answers/" in n]
    code = [path.read_text("utf-8") for path in unpacked.rglob("*.ipynb")]
    assert code and not [text for text in code if "BEGIN SOLUTION" in text]


def test_a_handout_answers_and_keeps_its_solutions_back(unpacked):
    ask = "from utils.check import check, solution\n"
    ask += "check('01.1', lambda: 0.7); solution('01.1')"
    said = in_it(unpacked, "-c", ask).stdout
    assert said.startswith("Correct.\nThe solutions are not part of this copy.")


def test_in_a_handout_no_exercise_is_touched(unpacked):
    folder = unpacked / "chapters" / "exercises"
    before = {path: path.read_bytes() for path in folder.iterdir()}
    made = in_it(unpacked, "tools/author/exercises.py")
    assert (made.returncode, "no chapters/solutions" in made.stderr) == (1, True)
    assert before
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_handout_needs_a_clone(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(handout, "ROOT", tmp_path)
    assert handout.main() == 1
    assert "clone of the repository" in capsys.readouterr().err
