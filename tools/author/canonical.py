"""Rewrite notebooks in the one form in which they are stored, or check that they are.

    python tools/author/canonical.py [--check] [PATH ...]   (default: all of chapters/)

The form: nbformat 4.5 with sorted keys, kernel python3, no metadata but slide types
and tags, cell ids that stay, execution counts 1...n: byte for byte what JupyterLab
saves when `course.py lab` has started it. Sources and results are never changed: what
only the author can mend (a cell without a slide type, a warning among the outputs) is
named, and the exit status is 1.
"""

import argparse
import json
import re
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[2]
SLIDE_TYPES = ("slide", "subslide", "fragment", "skip")
NOTEBOOK_METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}
BLANK = "blank"  # how exercises.py knows its own work
CELL_METADATA = ("slideshow", "tags")
PROGRESS = re.compile(
    r"\r(?!\n)|\d+%\|.*\||[\d?](?:it/s|s/it)\b|\d+/\d+ .*(ms|s|us)/step"
)


def read(path):
    """Read a notebook of nbformat 4. Raises ValueError for what is none."""
    stored = path.read_text(encoding="utf-8")
    try:
        data = json.loads(stored)
        _validate(data, 4)
    except (json.JSONDecodeError, AttributeError) as error:
        raise ValueError(f"no notebook: {error}") from error
    return nbformat.v4.reads(stored)


def _validate(notebook, minor):
    """Raise ValueError for what nbformat 4 does not allow; unlike it, mend nothing."""
    settings = {"version": 4, "version_minor": minor, "relax_add_props": minor < 5}
    for error in nbformat.validator.iter_validate(notebook, **settings):
        raise ValueError(f"no valid notebook: {str(error).splitlines()[0]}")


def write(path, notebook):
    """Store a notebook under a temporary name first, so that it is never half there."""
    new = path.with_suffix(".tmp")
    new.write_text(text(notebook), encoding="utf-8", newline="\n")
    new.replace(path)


def text(notebook):
    """The file's text: sorted keys, one space of indentation, a final newline."""
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n"


def canonical(notebook, name):
    """Give a notebook its stored form, in place, and return it.

    name: the file's name without its ending; ids that are missing, malformed or
    doubled become NN-cell-MM, where the name begins with NN. Raises ValueError for
    what nbformat 4.5 does not allow.
    """
    notebook.update(nbformat=4, nbformat_minor=5)
    kept = {k: v for k, v in notebook.metadata.items() if k == BLANK}
    notebook.metadata = nbformat.from_dict(NOTEBOOK_METADATA | kept)
    prefix = (re.match(r"\d+", name) or ["nb"])[0]
    taken = set()
    for place, cell in enumerate(notebook.cells, 1):
        if not _valid(cell.get("id")) or cell.id in taken:
            cell.id = _new_id(f"{prefix}-cell-{place:02}", taken, notebook.cells)
        taken.add(cell.id)
        cell.metadata = _kept(cell.metadata)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in code:
        cell.outputs = _merged(cell.outputs)
    if code and all(cell.execution_count for cell in code):
        for count, cell in enumerate(code, 1):
            cell.execution_count = count
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = count
    _validate(notebook, 5)
    return notebook


def _valid(cell_id):
    return re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", cell_id or "") is not None


def _new_id(wanted, taken, cells):
    used = taken | {cell.get("id") for cell in cells}
    while wanted in used:
        wanted += "x"
    return wanted


def _kept(metadata):
    kept = nbformat.from_dict({k: metadata[k] for k in CELL_METADATA if k in metadata})
    if "slideshow" in kept:
        slide = kept.slideshow.get("slide_type")
        kept.slideshow = nbformat.from_dict({"slide_type": slide} if slide else {})
    if "tags" in kept:
        kept.tags = sorted(set(kept.tags))
    return nbformat.from_dict({k: v for k, v in kept.items() if v})


def _merged(outputs):
    """Join neighbours of one stream: where a kernel cuts them is a matter of timing."""
    merged = []
    for output in outputs:
        last = merged[-1] if merged else {}
        if output.output_type == "stream" and last.get("name") == output.name:
            last.text += output.text
        else:
            merged.append(output)
        output.get("metadata", {}).pop("papermill", None)
    return merged


def problems(notebook):
    """What is wrong and only the author can mend: a list of lines."""
    found = []
    for place, cell in enumerate(notebook.cells, 1):
        found += [f"cell {place} ({cell.get('id')}): {fault}" for fault in _in(cell)]
    counts = [c.execution_count for c in notebook.cells if c.cell_type == "code"]
    if any(counts) and not all(counts):
        missing = sum(not count for count in counts)
        found.append(
            f"{missing} of {len(counts)} code cells were not run: run them all"
        )
    return found


def _in(cell):
    slide = cell.metadata.get("slideshow", {}).get("slide_type")
    if slide not in SLIDE_TYPES:
        yield f"slide_type is {slide!r}: choose one of {', '.join(SLIDE_TYPES)}"
    for tag in cell.metadata.get("tags", []):
        if tag.startswith("approx") and not re.fullmatch(r"approx=\d*\.?\d+", tag):
            yield f"tag {tag!r}: write approx=0.02, with a number"
    for output in cell.get("outputs", []):
        kinds = output.get("data", {})
        printed = output.get("text", "") + kinds.get("text/plain", "")
        if output.output_type == "error":
            yield f"it failed with {output.ename}: mend it and run it again"
        elif output.get("name") == "stderr":
            yield f"it wrote to stderr: {output.text.strip()[:80]!r}"
        elif any("widget" in kind for kind in kinds):
            yield "it shows a widget, which no reader of the stored output sees"
        elif PROGRESS.search(printed):
            yield "it shows progress, which differs from run to run"


def notebooks(paths):
    """The notebooks that the paths name: files, or folders with all below them."""
    for path in paths:
        if path.is_dir():
            found = sorted(path.rglob("*.ipynb"))
            yield from (p for p in found if ".ipynb_checkpoints" not in p.parts)
        elif path.is_file():
            yield path
        else:
            raise ValueError(f"{path}: there is no such file or folder.")


def faults(path):
    """Everything by which a stored notebook departs from the form: a list of lines."""
    try:
        notebook = read(path)
        found = problems(notebook)
        same = text(canonical(notebook, path.stem)) == path.read_bytes().decode("utf-8")
    except ValueError as error:
        return [str(error)]
    if not same:
        found.append("not in canonical form: run python tools/author/canonical.py")
    return found


def rewrite(path):
    """Give a stored notebook the form; returns what is left for the author."""
    notebook = canonical(read(path), path.stem)
    if text(notebook) != path.read_bytes().decode("utf-8"):
        write(path, notebook)
        print(f"{path}: rewritten in canonical form")
    return problems(notebook)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="*", type=Path, default=[ROOT / "chapters"])
    parser.add_argument("--check", action="store_true", help="change nothing")
    options = parser.parse_args()
    bad = 0
    try:
        for path in notebooks(options.paths):
            try:
                found = faults(path) if options.check else rewrite(path)
            except ValueError as error:
                found = [str(error)]
            for fault in found:
                print(f"{path}: {fault}", file=sys.stderr)
            bad += bool(found)
    except ValueError as error:
        print(f"canonical: {error}", file=sys.stderr)
        return 2
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
