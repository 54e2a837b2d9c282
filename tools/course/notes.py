"""What the speaker says: chapters/notes/NN.md, a heading for the cell it follows."""

import re

HEADING = re.compile(r"^## (\S+)$", re.MULTILINE)


def notes(chapter):
    """The speaker's notes of a chapter: a dict of texts by the id of their cell."""
    path = chapter.parent / "notes" / f"{chapter.stem[:2]}.md"
    _, *parts = HEADING.split(path.read_text(encoding="utf-8"))
    return dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True))


def with_notes(notebook, said):
    """Give a notebook of nbformat its notes, as cells behind those they belong to."""
    from nbformat.v4 import new_markdown_cell

    metadata = {"slideshow": {"slide_type": "notes"}}
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if cell.id in said:
            cells.append(new_markdown_cell(said[cell.id], metadata=metadata))
    notebook.cells = cells
