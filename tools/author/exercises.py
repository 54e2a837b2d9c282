"""Make chapters/exercises/ from chapters/solutions/, or check that it is fresh.

    python tools/author/exercises.py [--check]

In a code cell, what stands between `# BEGIN SOLUTION` and `# END SOLUTION`, in the body
of a function, becomes `# YOUR CODE HERE` and `raise NotImplementedError`. A cell with
the tag `solution` is emptied: a written answer, or an experiment of the reader's own. A
cell with the tag `why` is left out: `solution()` of utils.check shows it. Outputs,
counts and the tags about outputs go.

Nobody's work is lost: a notebook whose sources are not those that this tool gave it,
because somebody solved it there, is named and left as it is. None is ever deleted.
"""

import argparse
import ast
import copy
import hashlib
import json
import re
import sys
from pathlib import Path

import canonical

from utils.check.verdicts import REGION

ROOT = Path(__file__).resolve().parents[2]
SOLUTIONS = ROOT / "chapters" / "solutions"
EXERCISES = ROOT / "chapters" / "exercises"
MARKER = re.compile(r"# *(?:BEGIN|END) SOLUTION", re.I)
BLANK = r"\1# YOUR CODE HERE\n\1raise NotImplementedError"
EMPTY = {"code": "# YOUR CODE HERE", "markdown": "*Write your answer here.*"}


def blanked(source):
    """A cell's source without its solutions.

    Raises ValueError for a region without an end, or outside a function: there, it
    would stop a notebook that is still blank.
    """
    blank, regions = REGION.subn(BLANK, source)
    if len(MARKER.findall(source)) != 2 * regions:
        raise ValueError("# BEGIN SOLUTION and # END SOLUTION do not pair up")
    if blank == source:
        return source
    bodies = [
        range(node.lineno, node.end_lineno + 1)
        for node in ast.walk(ast.parse(blank))
        if isinstance(node, ast.FunctionDef)
    ]
    for place, line in enumerate(blank.splitlines(), 1):
        inside = any(place in body for body in bodies)
        if line.strip() == "# YOUR CODE HERE" and not inside:
            raise ValueError("a solution must be the body of a function")
    return blank


def exercise(solution, name):
    """The blank notebook that a solution becomes. Raises ValueError as `blanked`."""
    notebook = copy.deepcopy(solution)
    notebook.cells = [
        cell for cell in notebook.cells if "why" not in cell.metadata.get("tags", [])
    ]
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        try:
            cell.source = (
                EMPTY[cell.cell_type] if "solution" in tags else blanked(cell.source)
            )
        except (ValueError, SyntaxError) as error:
            raise ValueError(f"cell {cell.id}: {error}") from error
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        cell.metadata.tags = [
            tag for tag in tags if not re.match("solution$|approx|nbval-", tag)
        ]
    made = canonical.canonical(notebook, name)
    made.metadata[canonical.BLANK] = digest(made)
    return made


def digest(notebook):
    """What tells an exercise that somebody works in from one that was only made."""
    sources = json.dumps([cell.source for cell in notebook.cells])
    return hashlib.sha256(sources.encode()).hexdigest()[:16]


def untouched(path):
    """Whether a stored exercise still has the sources that this tool gave it."""
    try:
        stored = canonical.read(path)
    except ValueError:
        return False
    return stored.metadata.get(canonical.BLANK) == digest(stored)


def generate(check):
    """Write each exercise, or look whether it is as it would be written.

    Returns what is left to do as a list of lines: empty after writing them all.
    """
    solutions = sorted(SOLUTIONS.glob("*.ipynb"))
    if not solutions:
        return ["this copy has no chapters/solutions to make exercises from"]
    left = [line for path in solutions for line in _one(path, check)]
    names = {path.name for path in solutions}
    orphans = {path.name for path in EXERCISES.glob("*.ipynb")} - names
    return left + [f"{name} has no solution: remove it" for name in sorted(orphans)]


def _one(solution, check):
    """Make one exercise; yields what is wrong, in the course's words."""
    name, target = solution.name, EXERCISES / solution.name
    try:
        made = exercise(canonical.read(solution), solution.stem)
    except ValueError as error:
        yield f"{name}: {error}"
        return
    if target.exists() and target.read_bytes() == canonical.text(made).encode():
        return
    if check:
        yield f"{name} is stale: run python tools/author/exercises.py"
    elif target.exists() and not untouched(target):
        yield f"{name} is somebody's work, and stays: move it, then call again"
    else:
        EXERCISES.mkdir(exist_ok=True)
        canonical.write(target, made)
        print(f"{target.relative_to(ROOT)}: written")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="change nothing")
    left = generate(parser.parse_args().check)
    for line in left:
        print(f"exercises: {line}", file=sys.stderr)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
