"""Bring notebooks to the one form in which they are stored, or check that they are.

    python tools/canonical.py [--check] [NOTEBOOK …]

Only form: sources and results stay as they are. A chapter's headings, tags and slide
types are its author's; tests/test_notebooks.py holds those.
"""

import argparse
import pathlib
import re
import sys

import nbformat

ROOT = pathlib.Path(__file__).resolve().parent.parent
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {"name": "python"}
CELL_METADATA = ("slideshow", "tags")
PICTURE = {"image/png": ("alt",)}
CELL_ID = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")


def notebooks():
    """List the notebooks of the course: chapters, solutions and exercises."""
    found = sorted((ROOT / "chapters").rglob("*.ipynb"))
    return [path for path in found if ".ipynb_checkpoints" not in path.parts]


def canonical(text, stem):
    """Return a notebook's text in canonical form; `stem` names cells without an id."""
    book = nbformat.reads(text, as_version=4)
    book.nbformat, book.nbformat_minor = 4, 5
    book.metadata = {"kernelspec": KERNEL, "language_info": LANGUAGE}
    taken = set()
    for place, cell in enumerate(book.cells, start=1):
        _set_id(cell, f"{stem[:2]}-cell-{place:02d}", taken)
        _trim(cell)
    ran = [cell for cell in book.cells if cell.get("execution_count")]
    if ran:
        code = [cell for cell in book.cells if cell.cell_type == "code"]
        for count, cell in enumerate(code, start=1):
            cell.execution_count = count
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = count
    return nbformat.writes(book, version=nbformat.NO_CONVERT).rstrip("\n") + "\n"


def _set_id(cell, fallback, taken):
    name = cell.get("id", "")
    cell["id"] = name if CELL_ID.match(name) and name not in taken else fallback
    taken.add(cell["id"])


def _trim(cell):
    cell.metadata = {k: cell.metadata[k] for k in CELL_METADATA if k in cell.metadata}
    if "tags" in cell.metadata:
        cell.metadata["tags"] = sorted(cell.metadata["tags"])
    cell.pop("attachments", None)
    kept = [o for o in cell.get("outputs", []) if o.get("name") != "stderr"]
    for output in kept:
        data = output.get("data", {})
        for kind in [k for k in data if "widget" in k]:
            del data[kind]
        if "metadata" in output:
            output.metadata = {
                kind: {
                    k: v for k, v in output.metadata.get(kind, {}).items() if k in ks
                }
                for kind, ks in PICTURE.items()
                if kind in data and output.metadata.get(kind)
            }
    if cell.cell_type == "code":
        cell.outputs = kept


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebook", nargs="*", type=pathlib.Path)
    parser.add_argument(
        "--check", action="store_true", help="change nothing, only tell"
    )
    options = parser.parse_args(arguments)
    status = 0
    for path in options.notebook or notebooks():
        before = path.read_text(encoding="utf-8")
        after = canonical(before, path.stem)
        if before == after:
            continue
        if options.check:
            print(f"{path}: not in canonical form; run tools/canonical.py on it")
            status = 1
        else:
            path.write_text(after, encoding="utf-8", newline="\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
