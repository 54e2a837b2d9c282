"""Execute notebooks again, store their outputs, and show what changed in numbers.

    python tools/refresh.py [--keep-cache] [NOTEBOOK or chapter number …]

The one command after an upgrade. It starts from an empty cache of runs, so that every
number is computed anew; an author at work keeps the cache. A notebook with a failing
cell is left as it was, and the exit status is 1.
"""

import argparse
import difflib
import os
import pathlib
import re
import shutil
import sys
import threading
import time

import nbformat
import psutil
from canonical import ROOT, canonical
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

NUMBER = re.compile(r"[-+]?\d+\.\d+(?:e[-+]?\d+)?")


def execute(path):
    """Run a notebook from top to bottom; returns the executed notebook."""
    book = nbformat.read(path, as_version=4)
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    NotebookClient(
        book,
        timeout=None,
        kernel_name="python3",
        resources={"metadata": {"path": str(ROOT)}},
    ).execute()
    return book


def texts(cell):
    """List what a code cell shows as text, one entry an output."""
    found = []
    for output in cell.get("outputs", []):
        plain = output.get("data", {}).get("text/plain", "")
        found.append(output.get("text", plain))
    return found


def changes(old, new):
    """Describe, line by line, what changed between two executions of one notebook."""
    before = {cell["id"]: texts(cell) for cell in old.cells}
    for cell in new.cells:
        was, now = "\n".join(before.get(cell["id"], [])), "\n".join(texts(cell))
        if was == now:
            continue
        yield f"  cell {cell['id']}:"
        a, b = was.splitlines(), now.splitlines()
        if len(a) == len(b) and NUMBER.sub("#", was) == NUMBER.sub("#", now):
            for first, second in zip(a, b, strict=True):
                numbers = NUMBER.findall(first), NUMBER.findall(second)
                moved = [f"{x} → {y}" for x, y in zip(*numbers, strict=True) if x != y]
                if moved:
                    yield f"    {', '.join(moved)}    in: {second.strip()[:60]}"
        else:
            for line in difflib.unified_diff(a, b, lineterm="", n=0):
                if not line.startswith(("---", "+++", "@@")):
                    yield f"    {line}"


class PeakMemory(threading.Thread):
    """Watch this process and all it started; `mebibytes` is the most seen at once."""

    def __init__(self):
        super().__init__(daemon=True)
        self.mebibytes, self.ended = 0, threading.Event()

    def run(self):
        me = psutil.Process()
        while not self.ended.wait(0.2):
            total = 0
            for process in [me, *me.children(recursive=True)]:
                try:
                    total += process.memory_info().rss
                except psutil.Error:
                    continue
            self.mebibytes = max(self.mebibytes, total // 2**20)


def refresh(path):
    """Execute and store one notebook; returns True if it ran to its end."""
    text = path.read_text(encoding="utf-8")
    old = nbformat.reads(text, as_version=4)
    memory, begun = PeakMemory(), time.perf_counter()
    memory.start()
    try:
        new = execute(path)
    except CellExecutionError as error:
        print(f"{path.name}: {str(error).strip().splitlines()[-1]}")
        print("\n".join(str(error).splitlines()[:12]))
        return False
    finally:
        memory.ended.set()
        memory.join()
    seconds = time.perf_counter() - begun
    stored = canonical(nbformat.writes(new), path.stem)
    path.write_text(stored, encoding="utf-8", newline="\n")
    print(f"{path.name}: {seconds:.0f} s, at most {memory.mebibytes} MiB")
    print(*changes(old, nbformat.reads(stored, as_version=4)), sep="\n")
    return True


def find(names):
    """Turn chapter numbers and paths into paths; all chapters and solutions if none."""
    if not names:
        folder = ROOT / "chapters"
        return sorted(folder.glob("*.ipynb")) + sorted(folder.glob("solutions/*.ipynb"))
    found = []
    for name in names:
        number = f"{int(name):02d}" if name.isdigit() else name
        matches = [pathlib.Path(name)] if name.endswith(".ipynb") else []
        matches = matches or sorted((ROOT / "chapters").glob(f"{number}*.ipynb"))
        if not matches or not matches[0].exists():
            sys.exit(f"no notebook {name!r}; give a path or a number such as 02")
        found += matches
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebook", nargs="*")
    parser.add_argument("--keep-cache", action="store_true", help="reuse finished runs")
    options = parser.parse_args()
    if not options.keep_cache:
        shutil.rmtree(ROOT / "build" / "runs", ignore_errors=True)
    os.environ["CI"] = "1"  # no progress bars in stored outputs
    done = [refresh(path) for path in find(options.notebook)]
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main())
