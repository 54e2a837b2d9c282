"""Everything that CI runs: lint, unit tests, and every stored output compared.

`python3 course.py test` calls this. Further arguments go to pytest: test -k data.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = ROOT / "chapters"
NOTHING_COLLECTED = 5  # pytest's exit status when -k and the like select no test


def notebooks(folder):
    return [str(path.relative_to(ROOT)) for path in sorted(folder.glob("*.ipynb"))]


def passes(*command, also=(), **variables):
    """Run a Python module in the root; whether its exit status is 0 or in `also`.

    variables: of the environment, beside those that are there.
    """
    command, env = [sys.executable, "-m", *command], os.environ | variables
    return subprocess.run(command, cwd=ROOT, env=env).returncode in (0, *also)


def unpinned():
    """Name the packages whose installed version is not that of constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if "==" in line)
    installed = {one.name: one.version for one in metadata.distributions()}
    return [
        f"{name} {installed[name]} (pinned: {pin})"
        for name, pin in pins.items()
        if installed.get(name, pin) != pin  # some are for another system
    ]


def main():
    parser = argparse.ArgumentParser(prog="course.py test", description=__doc__)
    parser.add_argument(
        "--lax",
        action="store_true",
        help="notebooks must run; their outputs are not compared",
    )
    parser.add_argument("--all", action="store_true", help="chapters/in_depth, too")
    parser.add_argument(
        "--keep-runs",
        action="store_true",
        help="take what build/test_runs has of earlier tests, and add to it",
    )
    options, extra = parser.parse_known_args()
    compare = "--nbval-lax" if options.lax else "--nbval"
    others = [] if options.lax else unpinned()
    warning = (
        f"Not the versions of constraints.txt: {', '.join(others)}. Stored numbers may "
        "differ with them. Unless that is what you test, leave this environment, and "
        "course.py uses one that matches."
    )
    if others:
        print(warning, file=sys.stderr)
    folders = [CHAPTERS, CHAPTERS / "in_depth"] if options.all else [CHAPTERS]
    if options.all:
        os.environ["COURSE_ALL"] = "1"  # tests that take long look for it
    with run_folder(options.keep_runs) as folder:
        os.environ["COURSE_RUNS"] = str(folder)
        passed = tests(compare, folders, extra)
    if others and not passed:
        print(warning, file=sys.stderr)
    return 0 if passed else 1


@contextlib.contextmanager
def run_folder(kept):
    """Where studies keep their runs: never with the reader's.

    A new folder, so that every number is computed anew, unless runs are kept.
    """
    if kept:
        yield ROOT / "build" / "test_runs"
    else:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            yield Path(folder) / "runs"


def tests(compare, folders, extra):
    """Run all of it; whether all of it passes.

    compare: nbval's option for outputs. folders: of chapters.
    """
    # As many files at a time as there are cores, and a study keeps to one of them. The
    # long ones first, so that no core is left waiting for the last.
    os.environ["LOKY_MAX_CPU_COUNT"] = "1"
    pytest = ["pytest", "-n", "auto", "--dist", "loadscope", "--no-loadscope-reorder"]
    pytest += ["--nbval-current-env", "-p", "no:cacheprovider", *extra]
    failed = []
    if not passes("ruff", "check", "."):
        failed.append("ruff check")
    if not passes("ruff", "format", "--check", "."):
        failed.append("ruff format")
    exercises = notebooks(CHAPTERS / "exercises")
    if exercises and not passes(
        *[*pytest, "--nbval-lax", *exercises],
        also=[NOTHING_COLLECTED],
        JOBLIB_MULTIPROCESSING="0",  # they train nothing until solved: no workers
    ):
        failed.append("exercises")
    folders = [*folders, CHAPTERS / "solutions"]
    stored = [path for folder in folders for path in notebooks(folder)]
    # Last, so that what is read at the end is pytest's own summary.
    passed = passes(*pytest, compare, *stored, "tests")
    if failed:
        print("Failed before the tests above: " + ", ".join(failed), file=sys.stderr)
    return passed and not failed


if __name__ == "__main__":
    sys.exit(main())
