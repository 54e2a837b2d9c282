"""`course.py update`, on a clone of a tiny course: nobody's answers are overwritten.

git itself runs, between two folders: no network.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIRST = "chapters/exercises/01_first.ipynb"
SECOND = "chapters/exercises/02_second.ipynb"
CHAPTER = "chapters/01_first.ipynb"
MODULE = "utils/study.py"


def notebook(*sources, ran=None):
    """A notebook's bytes; ran: what its cells have put out."""
    cells = [
        {
            "cell_type": "code",
            "source": [source],
            "outputs": [{"output_type": "stream", "name": "stdout", "text": [ran]}]
            if ran
            else [],
            "execution_count": 1 if ran else None,
            "metadata": {},
        }
        for source in sources
    ]
    return json.dumps({"cells": cells, "nbformat": 4, "metadata": {}}).encode()


OLD, NEW = (
    notebook("def f():\n    raise NotImplementedError"),
    notebook("def f(x): ..."),
)
SOLVED = notebook("def f():\n    return 1", ran="Correct\n")


@pytest.fixture(autouse=True)
def nobodys_git(monkeypatch):
    """git as it is without the settings of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Somebody")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "somebody@example.org")


def git(folder, *arguments):
    settings = {"cwd": folder, "check": True, "capture_output": True, "text": True}
    return subprocess.run(["git", *arguments], **settings).stdout


def write(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def publish(course, files, gone=()):
    """Commit files to the course."""
    write(course, files)
    for name in gone:
        (course / name).unlink()
    git(course, "add", "--all")
    git(course, "commit", "--quiet", "--message", "More")


@pytest.fixture
def course(tmp_path):
    """The published course."""
    folder = tmp_path / "published"
    (folder / "tools" / "course").mkdir(parents=True)
    for name in ("course.py", "tools/course/update.py"):
        shutil.copy(ROOT / name, folder / name)
    git(folder, "init", "--quiet", "--initial-branch=main")
    # What is not there to install shows that an update installs nothing.
    write(folder, {"requirements.txt": b"no-such-package\n"})
    write(folder, {MODULE: b"rate = 0.1"})
    publish(folder, dict.fromkeys([FIRST, SECOND, CHAPTER], OLD))
    return folder


@pytest.fixture
def clone(course, tmp_path):
    """A learner's clone of it."""
    git(tmp_path, "clone", "--quiet", str(course), "a clone")
    return tmp_path / "a clone"


def update(folder):
    """Call course.py update; returns (exit status, what it says)."""
    command = [sys.executable, "course.py", "update"]
    settings = {"cwd": folder, "capture_output": True, "text": True}
    result = subprocess.run(command, **settings)
    assert "Traceback" not in result.stderr
    return result.returncode, result.stdout + result.stderr


def state(folder):
    """Every file's bytes, and what git thinks of them."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    kept = {p: p.read_bytes() for p in files if ".git" not in p.parts}
    return kept, git(folder, "status", "--porcelain"), git(folder, "rev-parse", "HEAD")


def test_a_solved_exercise_stays_and_the_new_one_is_beside_it(course, clone):
    write(clone, {FIRST: SOLVED})
    publish(course, {FIRST: NEW, SECOND: NEW, CHAPTER: NEW})
    status, said = update(clone)
    assert status == 0
    assert f"{FIRST} stays as you left it; the new one is 01_first_2.ipynb." in said
    assert SECOND not in said
    assert (clone / FIRST).read_bytes() == SOLVED
    beside = clone / "chapters/exercises/01_first_2.ipynb"
    assert beside.read_bytes() == NEW
    assert (clone / SECOND).read_bytes() == (clone / CHAPTER).read_bytes() == NEW
    assert git(clone, "rev-parse", "HEAD") == git(course, "rev-parse", "HEAD")
    changed = git(clone, "status", "--porcelain").splitlines()
    assert changed == [f" M {FIRST}", f"?? {beside.relative_to(clone)}"]
    assert not (clone / ".venv").exists()


def test_a_solved_exercise_of_the_chinese_edition_stays_too(course, clone):
    path = "chapters/zh/exercises/01_first.ipynb"
    publish(course, {path: OLD})
    update(clone)
    write(clone, {path: SOLVED})
    publish(course, {path: NEW})
    assert "the new one is 01_first_2.ipynb" in update(clone)[1]
    assert (clone / path).read_bytes() == SOLVED


def test_updates_follow_each_other(course, clone):
    """What was put beside may have been solved too; what did not change stays away."""
    write(clone, {FIRST: SOLVED})
    publish(course, {FIRST: NEW})
    update(clone)
    write(clone, {"chapters/exercises/01_first_2.ipynb": SOLVED})
    publish(course, {CHAPTER: NEW})
    assert update(clone) == (0, "Updated: 1 files.\n")
    publish(course, {FIRST: OLD})
    assert "the new one is 01_first_3.ipynb" in update(clone)[1]
    before = state(clone)
    assert update(clone) == (0, "The course is up to date.\n")
    assert state(clone) == before
    found = {path.name: path.read_bytes() for path in clone.glob("**/01_first*.ipynb")}
    assert found["01_first_2.ipynb"] == SOLVED
    assert found["01_first_3.ipynb"] == OLD
    assert (clone / FIRST).read_bytes() == SOLVED


def test_what_was_only_run_or_deleted_is_updated(course, clone):
    ran = notebook("def f():\n    raise NotImplementedError", ran="Not solved yet\n")
    write(clone, {FIRST: ran, CHAPTER: ran})
    (clone / SECOND).unlink()
    publish(course, dict.fromkeys([FIRST, SECOND, CHAPTER], NEW))
    assert update(clone) == (0, "Updated: 3 files.\n")
    assert git(clone, "status", "--porcelain") == ""


def test_edits_that_are_in_nobodys_way_stay(course, clone):
    write(clone, {MODULE: b"mine", SECOND: SOLVED, "mine.txt": b"mine"})
    publish(course, {FIRST: NEW})
    assert update(clone)[0] == 0
    assert (clone / MODULE).read_bytes() == b"mine"
    assert (clone / SECOND).read_bytes() == SOLVED
    assert [path.name for path in clone.glob("**/*_2.ipynb")] == []


@pytest.mark.parametrize(
    ("name", "mine"),
    [
        (MODULE, b"rate = 0.5"),
        (CHAPTER, notebook("rate = 0.5")),
        ("utils/new.py", b"rate = 0.5"),
        ("chapters/new.ipynb", notebook("rate = 0.5")),
        ("docs", None),  # a folder, for a new file
    ],
)
def test_other_edits_are_refused_and_nothing_changes(course, clone, name, mine):
    """Of chapters, too, and of files that the course did not have before."""
    write(clone, {FIRST: SOLVED, name if mine else f"{name}/mine.md": mine or b""})
    publish(course, {FIRST: NEW, name: b"rate = 0.2"})
    before = state(clone)
    status, said = update(clone)
    assert status == 1
    assert f"You edited what the update changes: {name}. Nothing was updated." in said
    assert state(clone) == before


def test_what_the_words_say_helps(course, clone):
    write(clone, {CHAPTER: notebook("rate = 0.5")})
    publish(course, {CHAPTER: NEW})
    assert update(clone)[0] == 1
    git(clone, "checkout", "HEAD", "--", CHAPTER)
    assert update(clone)[0] == 0


def test_a_clone_from_before_this_command_can_get_it(course, clone):
    """As CHANGELOG.md says: the two files first, then the rest."""
    write(clone, {FIRST: SOLVED})
    newer = (course / "course.py").read_bytes() + b"# newer\n"
    files = {"course.py": newer, "tools/course/new.py": b"", FIRST: NEW}
    publish(course, files)
    git(clone, "fetch", "--quiet")
    git(clone, "checkout", "origin/main", "--", "course.py", "tools/course/new.py")
    assert update(clone)[0] == 0
    assert (clone / "course.py").read_bytes() == newer
    assert (clone / FIRST).read_bytes() == SOLVED
    assert git(clone, "diff", "--name-only", "HEAD").split() == [FIRST]


@pytest.mark.parametrize("broken", [b"", b"[]", b'{"cells": 1}', SOLVED[:-20]])
def test_an_exercise_that_is_no_notebook_counts_as_work(course, clone, broken):
    write(clone, {FIRST: broken})
    publish(course, {FIRST: NEW})
    assert update(clone)[0] == 0
    assert (clone / FIRST).read_bytes() == broken


def test_solved_exercises_that_were_staged_or_are_new_to_the_course(course, clone):
    third = "chapters/exercises/03_third.ipynb"
    write(clone, {FIRST: SOLVED, third: SOLVED})
    git(clone, "add", FIRST)
    publish(course, {FIRST: NEW, third: NEW})
    status, said = update(clone)
    assert status == 0
    assert f"{third} stays as you left it; the new one is 03_third_2.ipynb." in said
    assert [(clone / name).read_bytes() for name in (FIRST, third)] == [SOLVED] * 2
    assert git(clone, "rev-parse", "HEAD") == git(course, "rev-parse", "HEAD")


def test_a_solved_exercise_that_the_course_gave_up_has_another_name(course, clone):
    write(clone, {SECOND: SOLVED})
    publish(course, {FIRST: NEW}, gone=[SECOND])
    status, said = update(clone)
    assert status == 0
    assert f"{SECOND} is no more in the course; yours is 02_second_2.ipynb." in said
    assert not (clone / SECOND).exists()
    assert (clone / "chapters/exercises/02_second_2.ipynb").read_bytes() == SOLVED


def test_where_git_cannot_merge_nothing_is_lost(course, clone):
    """A file of the learner's stands where the course now has a folder."""
    write(clone, {FIRST: SOLVED, "docs": b"mine"})
    publish(course, {FIRST: NEW, "docs/page.md": b"a page"})
    before = git(clone, "status", "--porcelain", "--untracked-files=no")
    for _ in range(2):
        status, said = update(clone)
        assert status == 1
        assert "git merge failed" in said
        now = git(clone, "status", "--porcelain", "--untracked-files=no")
        assert (now, (clone / "docs").read_bytes()) == (before, b"mine")
    (clone / "docs").unlink()
    assert update(clone)[0] == 0
    found = {p.name: p.read_bytes() for p in clone.glob("chapters/exercises/01_*")}
    assert found == {"01_first.ipynb": SOLVED, "01_first_2.ipynb": NEW}


def test_commits_of_ones_own_are_left_to_git(course, clone):
    publish(clone, {FIRST: SOLVED})
    assert update(clone) == (0, "The course is up to date.\n")
    publish(course, {FIRST: NEW})
    before = state(clone)
    status, said = update(clone)
    assert status == 1
    assert "commits of its own: 1. Merge yourself" in said
    assert state(clone) == before


def test_a_copy_from_an_archive_is_told_what_to_do(course, tmp_path):
    """Also one that was unpacked inside somebody's own repository."""
    inside = tmp_path / "notes" / "course"
    shutil.copytree(course, inside, ignore=shutil.ignore_patterns(".git"))
    for _ in range(2):
        status, said = update(inside)
        assert status == 1
        assert "no clone of the course" in said
        assert "Unpack the new one into a folder of its own" in said
        git(inside.parent, "init", "--quiet")


def test_a_clone_that_follows_no_branch_or_has_no_network_is_told(course, clone):
    write(clone, {FIRST: SOLVED})
    course.rename(course.with_name("moved"))
    status, said = update(clone)
    assert status == 1
    assert "git fetch failed" in said
    git(clone, "checkout", "--quiet", "--detach")
    assert "follows no branch" in update(clone)[1]
    assert (clone / FIRST).read_bytes() == SOLVED


def test_without_git_it_says_so(clone, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    status, said = update(clone)
    assert status == 1
    assert "git is not installed" in said
