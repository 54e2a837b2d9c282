"""See which exercises notebooks have solved: a table, and build/grade/grades.csv.

`python3 course.py grade NOTEBOOK ...` calls this. Every notebook runs from top to
bottom in a process of its own, as many at once as cores and memory carry, and what its
checks say is counted. One that crashes, hangs, floods its output or takes too much
memory costs itself alone. This runs other people's code with your rights: where you do
not trust it, do it in a container. A verdict that a notebook writes itself does not
count, but code that sets out to deceive `check` can: read what surprises you.
"""

import argparse
import concurrent.futures
import contextlib
import csv
import hmac
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "build" / "grade"
RUNNER = ROOT / "tools" / "course" / "run_cells.py"
WORKERS = 2  # that a study of one notebook starts
MOST_MIB = 4096  # of one notebook with its workers, which take 2,200
ASKED = re.compile(r"""^\s*check\(\s*["'](\d\d\.\d)["']""", re.M)
SIGNS = {"correct": "yes", "wrong": "no", "blank": "blank", None: "-"}


def arguments():
    parser = argparse.ArgumentParser(
        prog="course.py grade",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("notebooks", nargs="+", type=Path, metavar="NOTEBOOK")
    parser.add_argument(
        "--seconds", type=float, default=300, help="the most one may take (300)"
    )
    return parser.parse_args()


def at_once():
    """How many notebooks this machine carries at a time."""
    import psutil

    memory = psutil.virtual_memory().total / 2**20
    return max(1, int(min(os.cpu_count() / WORKERS, memory / MOST_MIB)))


def asked(chapter):
    """The names of a chapter's exercises, from the course's own notebook."""
    for path in (ROOT / "chapters" / "exercises").glob(f"{chapter}_*.ipynb"):
        return ASKED.findall(_code(path))
    return []


def _code(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    sources = [c["source"] for c in cells if c["cell_type"] == "code"]
    return "\n".join("".join(source) for source in sources)


def grade(path, seconds):
    """Run one notebook. Returns {exercise: status or None} and a note, often empty."""
    try:
        names = ASKED.findall(_code(path))
    except (OSError, ValueError, KeyError, TypeError) as error:
        return {}, f"no notebook: {type(error).__name__}"
    if not names:
        return {}, "no exercise in it"
    key = secrets.token_hex()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        note = _run(path.resolve(), Path(folder), key, seconds)
        verdicts = _read(Path(folder) / "verdicts.jsonl", key)
    expected = asked(names[0][:2]) or sorted(set(names))
    return {name: verdicts.get(name) for name in expected}, note


def _run(path, folder, key, seconds):
    """Start the runner and watch it; returns a note on how it ended, "" if well."""
    own = {"LOKY_MAX_CPU_COUNT": str(WORKERS), "COURSE_RUNS": str(folder / "runs")}
    own |= {"MPLBACKEND": "Agg", "IPYTHONDIR": str(folder / "ipython")}
    (folder / "key").write_text(key)  # read and deleted before the first cell runs
    process = subprocess.Popen(
        [sys.executable, str(RUNNER), str(path), str(folder)],
        cwd=folder,
        env=os.environ | own,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end, note = time.monotonic() + seconds, ""
    while process.poll() is None and not note:
        time.sleep(0.2)
        if time.monotonic() > end:
            note = f"stopped after {seconds:g} seconds"
        elif _mib(process.pid) > MOST_MIB:
            note = f"stopped at {MOST_MIB} MiB of memory"
    if note:
        _kill(process)
    elif process.returncode:
        note = f"crashed, exit status {process.returncode}"
    place = folder / "cell.txt"
    return note and f"{note}, in cell {place.read_text() if place.exists() else 0}"


def _family(pid):
    """A process and all that it started."""
    import psutil

    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _mib(pid):
    import psutil

    total = 0
    for process in _family(pid):
        try:
            total += process.memory_info().rss
        except psutil.Error:
            continue
    return total / 2**20


def _kill(process):
    import psutil

    for one in _family(process.pid):
        try:
            one.kill()
        except psutil.Error:
            continue
    process.wait()


def seal(key, name, status):
    """What only the runner can write beside a verdict: the cells never see the key."""
    return hmac.digest(key.encode(), f"{name} {status}".encode(), "sha256").hex()


def _read(place, key):
    """The last verdict on each exercise; a line that is cut off or forged is none."""
    text = place.read_text("utf-8", errors="replace") if place.exists() else ""
    verdicts = {}
    for line in text.splitlines():
        with contextlib.suppress(ValueError, TypeError):
            name, status, sealed = json.loads(line)
            if sealed == seal(key, name, status):
                verdicts[name] = status
    return verdicts


def cell(text):
    """Text that a spreadsheet takes for text: not for a formula, which it would run."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def row(path, verdicts, note):
    """notebook, chapter, solved, of, one column for each exercise, note."""
    signs = [SIGNS[status] for status in verdicts.values()]
    chapter = next(iter(verdicts), "")[:2]
    return [
        cell(path.stem),
        chapter,
        signs.count("yes"),
        len(signs),
        *(signs + [""] * 6)[:6],
        note,
    ]


COLUMNS = ["notebook", "chapter", "solved", "of", *"123456", "note"]


def main():
    options = arguments()
    from run import table

    os.makedirs(OUTPUT, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(at_once()) as pool:
        graded = pool.map(lambda p: grade(p, options.seconds), options.notebooks)
        rows = [
            row(path, *result)
            for path, result in zip(options.notebooks, graded, strict=True)
        ]
    with (OUTPUT / "grades.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    print(table(rows, COLUMNS))
    print(
        f"\nyes: solved, no: not yet, -: its check never ran. {OUTPUT / 'grades.csv'}"
    )
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("course.py grade: Stopped.", file=sys.stderr)
        sys.exit(130)
