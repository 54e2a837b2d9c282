"""Run chapters again, store their outputs, and show what changed in numbers.

    python tools/author/refresh.py [--keep-cache] [CHAPTER ...]

CHAPTER is a number, a name or a path (in_depth and solutions too); without any, all
of them. The one command after an upgrade: read the differences, then commit.
"""

import argparse
import difflib
import os
import sys
import tempfile
import time
from pathlib import Path

import canonical
import nbclient

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT), str(ROOT / "tools" / "course")]

from run import CHAPTERS, PeakMemory, chapters, find, in_depth, table  # noqa: E402

from conftest import DECIMAL, RULE  # noqa: E402
from course import LAB  # noqa: E402

os.environ["JUPYTER_PATH"] = str(LAB)  # the kernel that a reader has

MOST_LINES = 12


def execute(notebook, folder):
    """Run all cells, where Jupyter and nbval would run them: in the file's folder."""
    nbclient.NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=None,
        resources={"metadata": {"path": str(folder)}},
    ).execute()


def printed(cell):
    """What a reader sees of a cell's outputs, as lines; pictures left out."""
    lines = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        shown = (
            output.get("text") or data.get("text/plain") or data.get("text/html", "")
        )
        lines += shown.splitlines()
    return lines


def pictures(cell):
    return [
        output.data["image/png"]
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]


def changes(old, new):
    """The lines that tell how a cell's outputs differ, its figures too."""
    redrawn = ["figure redrawn"] if pictures(old) != pictures(new) else []
    return changed_lines(old, new) + redrawn


def changed_lines(old, new):
    """How the text that a cell prints differs: its numbers, or else a diff."""
    before, after = printed(old), printed(new)
    lines = []
    if list(map(_words, before)) == list(map(_words, after)):
        for was, now in zip(before, after, strict=True):
            label = " # ".join(_words(was)).strip()[:40]
            pairs = zip(DECIMAL.findall(was), DECIMAL.findall(now), strict=True)
            lines += [f"{label}: {a} → {b}" for a, b in pairs if a != b]
    else:
        diff = difflib.unified_diff(before, after, n=0, lineterm="")
        lines = [line for line in diff if not line.startswith(("---", "+++", "@@"))]
        if len(lines) > MOST_LINES:
            lines[MOST_LINES:] = [f"... and {len(lines) - MOST_LINES} lines more"]
    return lines


def _words(line):
    """What stands between a line's decimals; white space and rules count as one."""
    return [" ".join(RULE.sub("---", part).split()) for part in DECIMAL.split(line)]


def report(old, new):
    """Print what differs cell by cell; returns the number of cells that do."""
    before = {cell.id: cell for cell in old.cells}
    count = 0
    for place, cell in enumerate(new.cells, 1):
        if cell.cell_type != "code":
            continue
        lines = changes(before[cell.id], cell)
        if lines:
            count += 1
            print(f"  cell {place} ({cell.id})")
            print("".join(f"    {line}\n" for line in lines), end="")
    return count


def refresh(path):
    """Run and store one notebook. Returns its row of the summary and what is wrong."""
    print(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path, flush=True)
    old = canonical.canonical(canonical.read(path), path.stem)
    new = canonical.canonical(canonical.read(path), path.stem)
    start, wrong = time.perf_counter(), []
    with PeakMemory() as memory:
        try:
            execute(new, path.parent)
        except nbclient.exceptions.CellExecutionError as error:
            wrong = [_failed(new, error)]
        except nbclient.exceptions.DeadKernelError:
            wrong = ["the kernel died; was the memory enough?"]
    seconds, changed = time.perf_counter() - start, 0
    if not wrong:
        wrong = canonical.problems(canonical.canonical(new, path.stem))
        canonical.write(path, new)
        changed = report(old, new)
    row = (path.stem, f"{seconds:.1f}", memory.mib, changed, len(wrong))
    return row, [f"{path.stem}, {line}" for line in wrong]


def _failed(notebook, error):
    ids = [
        f"cell {place} ({cell.id})"
        for place, cell in enumerate(notebook.cells, 1)
        if any(o.output_type == "error" for o in cell.get("outputs", []))
    ]
    last = (error.evalue.strip().splitlines() or [""])[-1]
    return f"{', '.join(ids)}: {error.ename}: {last} (the stored notebook is as it was)"


def chosen(names):
    """The notebooks that the arguments mean. Raises ValueError for one there is not."""
    if not names:
        return [*chapters(), *in_depth(), *sorted(CHAPTERS.glob("solutions/*.ipynb"))]
    return [
        Path(name).resolve() if Path(name).is_file() else find(name) for name in names
    ]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER")
    parser.add_argument(
        "--keep-cache",
        action="store_true",
        help="use finished runs of earlier calls again, for authors",
    )
    options = parser.parse_args()
    try:
        paths = chosen(options.chapters)
    except ValueError as error:
        print(f"refresh: {error}", file=sys.stderr)
        return 2
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"  # this environment's kernel, not ~'s
    os.environ["PYTHONPATH"] = str(ROOT)  # this checkout's utils
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if not options.keep_cache:
            os.environ["COURSE_RUNS"] = str(Path(folder) / "runs")
        refreshed = [refresh(path) for path in paths]
    rows = [row for row, _ in refreshed]
    wrong = [fault for _, faults in refreshed for fault in faults]
    print(table(rows, ["notebook", "seconds", "peak MiB", "changed", "faults"]))
    for fault in wrong:
        print(f"refresh: {fault}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("refresh: Stopped.", file=sys.stderr)
        sys.exit(130)
