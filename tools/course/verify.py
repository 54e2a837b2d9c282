"""Everything that CI runs: lint, unit tests, and every stored output compared.

`python3 course.py test` calls this. Further arguments go to pytest: test -k data.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOTHING_COLLECTED = 5  # pytest's exit status when -k and the like select no test


def notebooks(folder):
    return [str(path.relative_to(ROOT)) for path in sorted(folder.glob("*.ipynb"))]


def passes(*command, also=()):
    """Run a Python module in the root; whether its exit status is 0 or in `also`."""
    command = [sys.executable, "-m", *command]
    return subprocess.run(command, cwd=ROOT).returncode in (0, *also)


def main():
    parser = argparse.ArgumentParser(prog="course.py test", description=__doc__)
    parser.add_argument(
        "--lax",
        action="store_true",
        help="notebooks must run; their outputs are not compared",
    )
    options, extra = parser.parse_known_args()
    chapters = ROOT / "chapters"
    compare = "--nbval-lax" if options.lax else "--nbval"
    # Two files at a time: a study uses all cores, and the other fills its pauses.
    pytest = ["pytest", "-n", "2", "--dist", "loadscope", "--nbval-current-env"]
    pytest += ["-p", "no:cacheprovider", *extra]

    # Studies keep finished runs there; without them every number is computed again.
    shutil.rmtree(ROOT / "build" / "runs", ignore_errors=True)

    failed = []
    if not passes("ruff", "check", "."):
        failed.append("ruff check")
    if not passes("ruff", "format", "--check", "."):
        failed.append("ruff format")
    exercises = notebooks(chapters / "exercises")
    if exercises and not passes(
        *pytest, "--nbval-lax", *exercises, also=[NOTHING_COLLECTED]
    ):
        failed.append("exercises")
    # Last, so that what is read at the end is pytest's own summary.
    stored = notebooks(chapters) + notebooks(chapters / "solutions")
    passed = passes(*pytest, compare, "tests", *stored)
    if failed:
        print("Failed before the tests above: " + ", ".join(failed), file=sys.stderr)
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
