"""Make chapters/exercises/ from chapters/solutions/, or check that it is fresh.

    python tools/author/exercises.py [--check]

In a code cell, what stands between `# BEGIN SOLUTION` and `# END SOLUTION`, in the body
of a function, becomes `# YOUR CODE HERE` and `raise NotImplementedError`. A cell with
the tag `solution` is emptied: a written answer, or an experiment of the reader's own. A
cell with the tag `why` is left out: `solution()` of utils.check shows it. Outputs,
counts and the tags about outputs go.
"""

import argparse
import ast
import copy
import re
import sys
from pathlib import Path

import canonical

ROOT = Path(__file__).resolve().parents[2]
SOLUTIONS = ROOT / "chapters" / "solutions"
EXERCISES = ROOT / "chapters" / "exercises"
MARKER = re.compile(r"# *(?:BEGIN|END) SOLUTION", re.I)
REGION = re.compile(
    r"^([ \t]*)# BEGIN SOLUTION[ \t]*\n.*?^[ \t]*# END SOLUTION[ \t]*$", re.M | re.S
)
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
    return canonical.canonical(notebook, name)


def generate(check):
    """Write each exercise, or look whether it is as it would be written.

    Returns what is stale as a list of lines: empty after writing.
    """
    stale = []
    for path in sorted(SOLUTIONS.glob("*.ipynb")):
        try:
            notebook = exercise(canonical.read(path), path.stem)
        except ValueError as error:
            stale.append(f"{path.name}: {error}")
            continue
        target = EXERCISES / path.name
        stored = target.read_bytes() if target.exists() else b""
        if stored == canonical.text(notebook).encode():
            continue
        if check:
            stale.append(f"{path.name} is stale: run python tools/author/exercises.py")
        else:
            EXERCISES.mkdir(exist_ok=True)
            canonical.write(target, notebook)
            print(f"{target.relative_to(ROOT)}: written")
    for path in sorted(EXERCISES.glob("*.ipynb")):
        if (SOLUTIONS / path.name).exists():
            continue
        if check:
            stale.append(f"{path.name} has no solution: remove it")
        else:
            path.unlink()
            print(f"{path.relative_to(ROOT)}: removed, it has no solution")
    return stale


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="change nothing")
    stale = generate(parser.parse_args().check)
    for line in stale:
        print(f"exercises: {line}", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
