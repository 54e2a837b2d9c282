"""Run chapters from top to bottom, and say what each one took.

`python3 course.py run` calls this; executed copies and the summary go to build/run/.
"""

import argparse
import csv
import json
import os
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = ROOT / "chapters"
OUTPUT = ROOT / "build" / "run"
COLUMNS = ["chapter", "seconds", "peak_mib", "cells", "status"]


def arguments():
    parser = argparse.ArgumentParser(prog="course.py run", description=__doc__)
    parser.add_argument(
        "chapters", nargs="*", metavar="CHAPTER", help="1, 01 or a name; default: all"
    )
    capstone = parser.add_argument_group("for chapters with parameters (the last one)")
    capstone.add_argument("--dataset", metavar="NAME", help="which images: see data/")
    capstone.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="the folder with NAME.npz, or with the folder NAME",
    )
    capstone.add_argument("--train-size", type=int, metavar="IMAGES")
    capstone.add_argument("--budget-minutes", type=float, metavar="MINUTES")
    return parser.parse_args()


def chapters(folder=None):
    """The course's notebooks, in their order; folder: of another edition."""
    return sorted((folder or CHAPTERS).glob("[0-9][0-9]_*.ipynb"))


def in_depth(folder=None):
    """What goes beyond the chapters, under their names."""
    return sorted((folder or CHAPTERS).glob("in_depth/[0-9][0-9]_*.ipynb"))


def find(wanted):
    """The chapter that '1', '01', 'overfitting' or '01_overfitting' means."""
    wanted = Path(wanted).stem
    for chapter in chapters():
        number, _, name = chapter.stem.partition("_")
        if wanted in (chapter.stem, name):
            return chapter
        if wanted.isdigit() and int(wanted) == int(number):
            return chapter
    names = ", ".join(chapter.stem for chapter in chapters()) or "none"
    raise ValueError(f"There is no chapter {wanted!r}; there are: {names}.")


def takes_parameters(chapter):
    cells = json.loads(chapter.read_text(encoding="utf-8"))["cells"]
    return any("parameters" in cell["metadata"].get("tags", []) for cell in cells)


class PeakMemory(threading.Thread):
    """Sample the resident memory of all child processes, a kernel's workers included.

    `mib` is the largest sum seen. Pages that processes share count once, where the
    system tells (Linux), and else in each.
    """

    def __init__(self):
        super().__init__(daemon=True)
        self.mib = 0
        self._ended = threading.Event()

    def run(self):
        while not self._ended.wait(0.2):
            self.mib = max(self.mib, self._now())

    def _now(self):
        import psutil

        total = 0
        for process in psutil.Process().children(recursive=True):
            try:
                memory = process.memory_full_info()
                total += getattr(memory, "pss", memory.rss)
            except psutil.Error:  # it ended between the two calls
                continue
        return round(total / 2**20)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self.join()


def execute(chapter, parameters):
    """Run one chapter; return its row of the summary, and the error's line or None.

    What a chapter with parameters prints is shown as it comes: it may run for long.
    """
    from nbclient.exceptions import DeadKernelError
    from papermill import PapermillExecutionError, execute_notebook

    copy, problem = OUTPUT / chapter.name, None
    start = time.perf_counter()
    with PeakMemory() as memory:
        try:
            execute_notebook(
                chapter,
                copy,
                parameters=parameters,
                kernel_name="python3",
                language="python",
                cwd=CHAPTERS,
                progress_bar={"desc": chapter.stem, "disable": None},
                stdout_file=sys.stdout if parameters else None,
            )
        except PapermillExecutionError as error:
            last = (error.evalue.strip().splitlines() or [""])[-1]
            place = f"cell {error.cell_index + 1}, In [{error.exec_count}]"
            problem = f"{chapter.stem}, {place}: {error.ename}: {last}"
        except DeadKernelError:
            problem = f"{chapter.stem}: the kernel died; was the memory enough?"
    seconds = round(time.perf_counter() - start, 1)
    cells = json.loads(copy.read_text(encoding="utf-8"))["cells"]
    ran = sum(cell.get("execution_count") is not None for cell in cells)
    status = "failed" if problem else "passed"
    return [chapter.stem, seconds, memory.mib, ran, status], problem


def table(rows, columns=COLUMNS):
    """The rows as a Markdown table, aligned for reading as it stands."""
    from tabulate import tabulate

    return tabulate(rows, columns, tablefmt="github", disable_numparse=True)


def write_summary(rows):
    (OUTPUT / "summary.md").write_text(table(rows) + "\n", encoding="utf-8")
    with (OUTPUT / "summary.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *rows])


def main():
    options = arguments()
    try:
        wanted = [find(name) for name in options.chapters] or chapters()
        if options.data_dir and not options.data_dir.is_dir():
            raise ValueError(f"--data-dir {options.data_dir} is no folder.")
    except ValueError as error:
        print(f"course.py run: {error}", file=sys.stderr)
        return 2
    parameters = {
        name: getattr(options, name)
        for name in ("dataset", "train_size", "budget_minutes")
        if getattr(options, name) is not None
    }
    if parameters or options.data_dir:
        parameters["plan"] = None  # the stored one is for the stored data and minutes
    OUTPUT.mkdir(parents=True, exist_ok=True)
    rows, problem = [], None
    for chapter in wanted:
        own = takes_parameters(chapter)
        if parameters and not own:
            print(f"{chapter.stem} has no parameters: it runs on its own data.")
        if options.data_dir and own:
            os.environ["COURSE_DATA"] = str(options.data_dir.resolve())
        row, problem = execute(chapter, parameters if own else {})
        os.environ.pop("COURSE_DATA", None) if options.data_dir else None
        rows.append(row)
        write_summary(rows)
        if problem:
            break
    print(table(rows))
    if problem:
        print(f"course.py run: {problem}", file=sys.stderr)
    return 1 if problem else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("course.py run: Stopped.", file=sys.stderr)
        sys.exit(130)
