"""Pack the course for students, without its solutions: build/handout.zip.

    python tools/author/handout.py

What the repository holds, less chapters/solutions and the answers in the tests.
`solution()` then says that the solutions are not part of this copy; `check` and `hint`
work as they do here.
"""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "build" / "handout.zip"
KEPT_BACK = (
    "chapters/solutions/",
    "locale/zh_CN/chapters/solutions/",
    "tests/check/answers/",
    "tests/check/test_check.py",
)


def files():
    """The paths that students get, relative to the root. Raises OSError without git."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        raise OSError(f"git does not list the files: {listed.stderr.strip()}")
    names = listed.stdout.split("\0")[:-1]
    return [name for name in names if not name.startswith(KEPT_BACK)]


def main():
    try:
        names = files()
    except OSError as error:
        print(
            f"handout: {error}. Make it in a clone of the repository.", file=sys.stderr
        )
        return 1
    TARGET.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(TARGET, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.write(ROOT / name, f"regularization-course/{name}")
    print(f"{TARGET}: {len(names)} files, no solutions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
