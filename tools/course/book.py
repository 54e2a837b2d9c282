"""Build the course as web pages: the chapters with their stored outputs, and docs/.

`python3 course.py book` calls this; open build/book/index.html. Nothing is executed,
and neither the build nor a page needs the network.
"""

import argparse
import re
import shutil
import sys
from pathlib import Path

from explorables import draw_explorables
from notes import notes
from run import chapters, in_depth

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "build" / "book-source"
OUTPUT = ROOT / "build" / "book"
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!\w+:|#)([^)\s#]+)[^)\s]*\)")
PYTHON = {"name": "python", "pygments_lexer": "ipython3"}


def arguments():
    parser = argparse.ArgumentParser(prog="course.py book", description=__doc__)
    return parser.parse_args()


def book_links(text, folder, parts):
    """The text with links to what is no part of the book turned into their words."""

    def keep(link):
        return link[0] if (folder / link[2]).resolve() in parts else link[1]

    return LINK.sub(keep, text)


def stage_notebook(path, parts):
    """Copy a notebook beside the book's other sources."""
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.language_info = PYTHON
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = book_links(cell.source, path.parent, parts)
        for output in cell.get("outputs", []):
            if "alt" in output.get("metadata", {}).get("image/png", {}):
                alt = output.metadata["image/png"]["alt"]
                cell.metadata.mystnb = {"image": {"alt": alt}}  # where myst-nb looks
    draw_explorables(notebook)
    target = SOURCE / path.relative_to(ROOT)
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)


def stage_drawings():
    drawings = ROOT / "chapters" / "drawings"
    shutil.copytree(drawings, SOURCE / "chapters" / drawings.name)


def slide_type(cell):
    return cell.metadata.get("slideshow", {}).get("slide_type")


def about(path):
    """What the first cell of a chapter says of it, its slides, and what to say."""
    import nbformat

    cells = nbformat.read(path, as_version=4).cells
    first = cells[0].source
    kinds = [slide_type(cell) for cell in cells]
    return {
        "name": path.stem,
        "title": first.splitlines()[0].lstrip("# "),
        "question": re.search(r"\*\*(.+?\?)\*\*", first, re.DOTALL)[1],
        "slides": kinds.count("slide") + kinds.count("subslide"),
        "notes": notes(path).values(),
    }


def chapter_list(described, deeper, exercises):
    """The page that lists the chapters and, by their names, what belongs to them."""
    rows = [
        "# Chapters",
        "",
        "Each takes about 45 minutes to read and to try, and about a minute to run.",
        "What it leaves out stands *in depth*: proofs, more studies, traps of the API.",
        "",
        "| chapter | question |",
        "|---|---|",
    ]
    for chapter in described:
        name, question = chapter["name"], " ".join(chapter["question"].split())
        if name in deeper:
            question += f" ([in depth](in_depth/{name}.ipynb))"
        if name in exercises:
            question += f" ([exercises](exercises/{name}.ipynb))"
        rows.append(f"| [{chapter['title']}]({name}.ipynb) | {question} |")
    names = [chapter["name"] for chapter in described]
    rows += ["", "```{toctree}", ":hidden:", "", *names, "```", ""]
    entries = [f"in_depth/{name}" for name in deeper]
    entries += [f"exercises/{name}" for name in exercises]
    rows += ["```{toctree}", ":hidden:", "", *entries, "```", ""]
    return "\n".join(rows)


def speaker_notes(described):
    """The page with all that the speaker's cells say."""
    lines = [
        "# Speaker's notes",
        "",
        "These are the notes of the decks, with what to ask the room and the minutes,",
        "out of `chapters/notes`.",
    ]
    for chapter in described:
        lines += ["", f"## {chapter['title']} ({chapter['slides']} slides)"]
        lines += ["", *(f"- {' '.join(note.split())}" for note in chapter["notes"])]
    return "\n".join(lines) + "\n"


def stage():
    """Lay out what Sphinx reads: docs/, the notebooks, and the pages made from them."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    shutil.copytree(ROOT / "docs", SOURCE / "docs")
    exercises = sorted(ROOT.glob("chapters/exercises/*.ipynb"))
    notebooks = [*chapters(), *in_depth(), *exercises]
    parts = {*ROOT.glob("docs/*.md"), *notebooks}
    for page in (SOURCE / "docs").glob("*.md"):
        text = book_links(page.read_text(encoding="utf-8"), ROOT / "docs", parts)
        page.write_text(text, encoding="utf-8")
    landing = (SOURCE / "docs" / "index.md").rename(SOURCE / "index.md")
    text = landing.read_text(encoding="utf-8").replace("](../", "](/")
    landing.write_text(re.sub(r"\]\((?=\w+\.md)", "](docs/", text), encoding="utf-8")
    for path in notebooks:
        stage_notebook(path, parts)
    stage_drawings()
    described = [about(path) for path in chapters()]
    deeper, practice = ([p.stem for p in paths] for paths in (in_depth(), exercises))
    pages = {
        "chapters/index.md": chapter_list(described, deeper, practice),
        "docs/notes.md": speaker_notes(described),
    }
    for name, text in pages.items():
        (SOURCE / name).write_text(text, encoding="utf-8")


def main():
    arguments()
    from sphinx.cmd.build import main as sphinx

    stage()
    shutil.rmtree(OUTPUT, ignore_errors=True)
    options = ["-q", "--fail-on-warning", "--keep-going", "--fresh-env"]
    folders = [f"--doctree-dir={OUTPUT.with_name('book-doctrees')}"]
    config = f"--conf-dir={ROOT / 'docs'}"
    status = sphinx([*options, *folders, config, str(SOURCE), str(OUTPUT)])
    if status == 0:
        pages = [p for p in OUTPUT.rglob("*.html") if "_static" not in p.parts]
        print(f"{len(pages)} pages")
        print(f"Open {OUTPUT / 'index.html'}")
    return status


if __name__ == "__main__":
    sys.exit(main())
