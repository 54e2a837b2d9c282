"""Grading notebooks: those that are solved, blank, broken, endless, loud or hungry."""

import csv
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools" / "course"))

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
    verdicts, note = grade.grade(path, 60)
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
        ("while True: pass", "stopped after 5 seconds, in cell 3", {"01.1": "correct"}),
        ("import os; os._exit(7)", "exit status 7, in cell 3", {"01.1": "correct"}),
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            "crashed, exit status -9",
            {"01.1": "correct"},
        ),
        (
            "while True: print('x' * 10_000)",
            "stopped after 5 seconds",
            {"01.1": "correct"},
        ),
        (
            "import subprocess, sys\n"
            "subprocess.run([sys.executable, '-c', 'while True: pass'])",
            "stopped after 5 seconds",
            {"01.1": "correct"},
        ),
    ],
)
def test_faults_cost_themselves_alone(tmp_path, cell, words, left):
    path = notebook(tmp_path / "bob.ipynb", SOLVED, cell, WRONG)
    verdicts, note = grade.grade(path, 5)
    assert words in note if words else note == ""
    assert statuses(verdicts) == left


def test_hunger_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(grade, "MOST_MIB", 300)
    hungry = "import time; x = b'x' * 400_000_000; time.sleep(60)"
    _, note = grade.grade(notebook(tmp_path / "eve.ipynb", SOLVED, hungry), 60)
    assert note.startswith("stopped at 300 MiB of memory")


def test_the_last_verdict_counts(tmp_path):
    again = 'check("01.1", lambda: 1.0)'
    verdicts, _ = grade.grade(notebook(tmp_path / "c.ipynb", SOLVED, again), 60)
    assert verdicts["01.1"] == "wrong"


def test_damaged_verdicts_are_none(tmp_path):
    place = tmp_path / "verdicts.jsonl"
    good = {"name": "01.1", "status": "correct"}
    odd = [{"name": "01.2"}, {"name": "01.3", "status": "excellent"}, [1], "x"]
    lines = [json.dumps(entry) for entry in (good, *odd)] + ['{"name": "01.4", "sta']
    place.write_text("\n".join(lines))
    assert grade._read(place) == {"01.1": "correct"}
    assert grade._read(tmp_path / "none") == {}


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


def test_table_and_csv(tmp_path):
    paths = [
        notebook(tmp_path / "ann.ipynb", SOLVED),
        notebook(tmp_path / "bob.ipynb", "import os; os._exit(1)", SOLVED),
        tmp_path / "nobody.ipynb",
    ]
    command = [sys.executable, ROOT / "tools" / "course" / "grade.py", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "| ann" in done.stdout
    with (ROOT / "build" / "grade" / "grades.csv").open(encoding="utf-8") as file:
        rows = {row["notebook"]: row for row in csv.DictReader(file)}
    assert rows["ann"]["solved"] == "1"
    assert rows["ann"]["of"] == str(len(grade.asked("01")))
    assert rows["ann"]["1"] == "yes"
    assert rows["bob"]["solved"] == "0"
    assert "crashed" in rows["bob"]["note"]
    assert "no notebook" in rows["nobody"]["note"]


def test_the_handout_has_no_solutions(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(handout, "TARGET", tmp_path / "handout.zip")
    monkeypatch.setattr(handout, "ROOT", ROOT)
    names = handout.files()
    assert "chapters/01_overfitting.ipynb" in names
    assert "utils/check.py" in names
    assert not [n for n in names if "solutions/" in n or "answers/" in n]
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name in names:
            archive.write(ROOT / name, name)
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        code = [archive.read(n).decode() for n in names if n.endswith(".ipynb")]
    assert not [text for text in code if "BEGIN SOLUTION" in text]


def test_a_handout_needs_a_clone(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(handout, "ROOT", tmp_path)
    assert handout.main() == 1
    assert "clone of the repository" in capsys.readouterr().err
