"""Bring this clone up to date, and leave solved exercises as they are.

`python3 course.py update` calls this. Where an exercise that somebody has worked in
changes, the new one is put beside it. Standard library and git alone.
"""

import itertools
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXERCISES = ("chapters/exercises/", "chapters/zh/exercises/")


class Refused(Exception):
    """Why nothing was updated, in words that say what to do."""


def git(*arguments, quiet=False):
    """What git prints, as bytes. Raises Refused where it fails; its own words stand."""
    command = ["git", *arguments]
    errors = subprocess.DEVNULL if quiet else None
    result = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors)
    if result.returncode:
        raise Refused(f"git {arguments[0]} failed. Mend what it says, and call again.")
    return result.stdout


def asked(*arguments):
    """What git prints, or None where it has no answer."""
    try:
        return git(*arguments, quiet=True)
    except Refused:
        return None


def newest():
    """Fetch the branch that this clone follows; returns its commit, None if it is here.

    Raises Refused where this clone cannot simply go there.
    """
    top = asked("rev-parse", "--show-toplevel")
    if top is None or not ROOT.samefile(top.decode().rstrip("\n")):
        raise Refused(
            "This folder is no clone of the course: it came as an archive, perhaps. "
            "Unpack the new one into a folder of its own, and open your notebooks of "
            f"{ROOT / EXERCISES[0]} there, under names of their own."
        )
    if asked("rev-parse", "@{upstream}") is None:
        raise Refused(
            "This clone follows no branch of the course. git switch main, perhaps, and "
            "call again."
        )
    git("fetch", "--quiet")
    new = git("rev-parse", "@{upstream}").decode().strip()
    own, others = map(
        int, git("rev-list", "--count", "--left-right", f"HEAD...{new}").split()
    )
    if own and others:
        raise Refused(
            f"This clone has commits of its own: {own}. Merge yourself: git pull "
            "--no-rebase."
        )
    return new if others else None


def paths(*commits):
    """The files that differ between commits, or between one and what lies here."""
    listed = git("diff", "--name-only", "--no-renames", "-z", *commits)
    return set(listed.decode().split("\0")) - {""}


def content(commit, path):
    return asked("cat-file", "blob", f"{commit}:{path}")


def sources(notebook):
    """What people write into a notebook; None for text that is none."""
    try:
        return [
            (cell["cell_type"], "".join(cell["source"]), cell.get("attachments"))
            for cell in json.loads(notebook)["cells"]
        ]
    except (ValueError, KeyError, TypeError):
        return None


def holds_work(path):
    """Whether somebody wrote in a file that differs; running a notebook is no work."""
    here = ROOT / path
    if not here.is_file():
        return here.exists()
    written = sources(here.read_bytes())
    return written is None or written != sources(content("HEAD", path))


def put_beside(path, notebook):
    """Store a notebook under the first free name beside another; returns the name."""
    place = ROOT / path
    names = (f"{place.stem}_{number}{place.suffix}" for number in itertools.count(2))
    free = (
        place.with_name(name)
        for name in names
        if content_here(place.with_name(name)) in (None, notebook)
    )
    beside = next(free)
    beside.write_bytes(notebook)
    return beside.name


def content_here(file):
    return file.read_bytes() if file.exists() else None


def in_the_way(changed):
    """Which of the files that an update changes are here, and not as in HEAD."""
    known = set(git("ls-tree", "-r", "-z", "--name-only", "HEAD").decode().split("\0"))
    unknown = {path for path in changed - known if (ROOT / path).exists()}
    return changed & paths("HEAD") | unknown


def update():
    """Go to the newest commit; returns what to say, as lines. Raises Refused."""
    new = newest()
    if new is None:
        return ["The course is up to date."]
    changed = paths("HEAD", new)
    other, differ = in_the_way(changed), paths(new)
    work = {path for path in other & differ if holds_work(path)}
    solved = sorted(path for path in work if path.startswith(EXERCISES))
    edited = sorted(work.difference(solved))
    if edited:
        raise Refused(
            f"You edited what the update changes: {', '.join(edited)}. Nothing was "
            "updated. Copy what you want to keep to another name, git checkout HEAD -- "
            "the files (delete those that git does not know), and call again."
        )
    lines, kept = [f"Updated: {len(changed)} files."], [*other - differ]
    for path in solved:
        notebook = content(new, path)
        if notebook is None:  # git would want to delete it
            name = put_beside(path, (ROOT / path).read_bytes())
            lines.append(f"{path} is no more in the course; yours is {name}.")
        else:
            kept.append(path)
            name = put_beside(path, notebook)
            lines.append(f"{path} stays as you left it; the new one is {name}.")
    move(new, other.difference(kept), kept)
    return lines


def move(new, given_up, kept):
    """Go to a commit. What is here of some files goes, of others it stays."""
    if given_up:
        git("checkout", "--quiet", "HEAD", "--", *given_up)
    # Once the index has the new state of a file, a merge leaves the file itself alone.
    if kept:
        git("reset", "--quiet", new, "--", *kept)
    try:
        git("merge", "--ff-only", "--quiet", new)
    except Refused:
        if kept:
            git("reset", "--quiet", "HEAD", "--", *kept)
        raise


def main():
    if sys.argv[1:]:
        print(__doc__)
        return 0 if {"-h", "--help"} & set(sys.argv[1:]) else 2
    try:
        lines = update()
    except Refused as error:
        print(f"course.py update: {error}", file=sys.stderr)
        return 1
    except FileNotFoundError:
        print("course.py update: git is not installed: git-scm.com", file=sys.stderr)
        return 1
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
