"""Build the course as web pages: the chapters with their stored outputs, and docs/.

`python3 course.py book` calls this; open build/book/index.html. With `--lang zh` it is
build/book/zh/index.html, and pages of the two lead to each other. Nothing is executed,
and neither the build nor a page needs the network.
"""

import argparse
import functools
import os
import re
import shutil
import sys
from pathlib import Path

import edition
from explorables import draw_explorables
from notes import notes
from run import chapters, in_depth

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "build" / "book-source"
OUTPUT = ROOT / "build" / "book"
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!\w+:|#)([^)\s#]+)[^)\s]*\)")
SWITCH = re.compile(r'(<span class="edition">).*?(</span>)')
NAMES = {"en": "English", "zh": "中文"}
PYTHON = {"name": "python", "pygments_lexer": "ipython3"}


def arguments():
    parser = argparse.ArgumentParser(prog="course.py book", description=__doc__)
    edition.add_language(parser)
    return parser.parse_args()


def book_links(text, folder, parts):
    """The text with links to what is no part of the book turned into their words."""

    def keep(link):
        return link[0] if (folder / link[2]).resolve() in parts else link[1]

    return LINK.sub(keep, text)


def stage_notebook(path, home, parts):
    """Copy a notebook of the edition that lies in home to the book's sources."""
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
    target = SOURCE / path.relative_to(home)
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)


def stage_drawings(home):
    drawings = home / "chapters" / "drawings"
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
        "question": re.search(r"\*\*(.+?[?？])\*\*", first, re.DOTALL)[1],
        "slides": kinds.count("slide") + kinds.count("subslide"),
        "notes": notes(path).values(),
    }


def chapter_list(described, deeper, exercises, say):
    """The page that lists the chapters and, by their names, what belongs to them."""
    rows = [
        "# " + say("Chapters"),
        "",
        say(
            "Each takes about 45 minutes to read and to try, and about a minute to "
            "run. What it leaves out stands *in depth*: proofs, more studies, traps "
            "of the API."
        ),
        "",
        f"| {say('chapter')} | {say('question')} |",
        "|---|---|",
    ]
    for chapter in described:
        name, question = chapter["name"], " ".join(chapter["question"].split())
        if name in deeper:
            question += f" ([{say('in depth')}](in_depth/{name}.ipynb))"
        if name in exercises:
            question += f" ([{say('exercises')}](exercises/{name}.ipynb))"
        rows.append(f"| [{chapter['title']}]({name}.ipynb) | {question} |")
    names = [chapter["name"] for chapter in described]
    rows += ["", "```{toctree}", ":hidden:", "", *names, "```", ""]
    entries = [f"in_depth/{name}" for name in deeper]
    entries += [f"exercises/{name}" for name in exercises]
    rows += ["```{toctree}", ":hidden:", "", *entries, "```", ""]
    return "\n".join(rows)


def speaker_notes(described, say):
    """The page with all that the speaker's cells say."""
    lines = [
        "# " + say("Speaker's notes"),
        "",
        say(
            "These are the notes of the decks, with what to ask the room and the "
            "minutes, out of `chapters/notes`."
        ),
    ]
    for chapter in described:
        slides = f"{chapter['slides']} {say('slides')}"
        lines += ["", f"## {chapter['title']} ({slides})"]
        lines += ["", *(f"- {' '.join(note.split())}" for note in chapter["notes"])]
    return "\n".join(lines) + "\n"


def stage(home, say):
    """Lay out what Sphinx reads: docs/, the notebooks, and the pages made from them.

    home: the folder with the course in one language. say: gives the words of that.
    """
    shutil.rmtree(SOURCE, ignore_errors=True)
    shutil.copytree(home / "docs", SOURCE / "docs")
    folder = home / "chapters"
    exercises = sorted(folder.glob("exercises/*.ipynb"))
    notebooks = [*chapters(folder), *in_depth(folder), *exercises]
    parts = {*home.glob("docs/*.md"), *notebooks}
    for page in (SOURCE / "docs").glob("*.md"):
        text = book_links(page.read_text(encoding="utf-8"), home / "docs", parts)
        page.write_text(text, encoding="utf-8")
    landing = (SOURCE / "docs" / "index.md").rename(SOURCE / "index.md")
    text = landing.read_text(encoding="utf-8").replace("](../", "](/")
    landing.write_text(re.sub(r"\]\((?=\w+\.md)", "](docs/", text), encoding="utf-8")
    for path in notebooks:
        stage_notebook(path, home, parts)
    stage_drawings(home)
    described = [about(path) for path in chapters(folder)]
    deeper, practice = (
        [path.stem for path in paths] for paths in (in_depth(folder), exercises)
    )
    pages = {
        "chapters/index.md": chapter_list(described, deeper, practice, say),
        "docs/notes.md": speaker_notes(described, say),
    }
    for name, text in pages.items():
        (SOURCE / name).write_text(text, encoding="utf-8")


def pages_in(folder):
    """The pages of one edition, by their names."""
    found = [path.relative_to(folder) for path in folder.rglob("*.html")]
    return {path for path in found if not {"_static", "zh"} & set(path.parts[:1])}


def link_editions():
    """Let each page lead to itself in the other language, as far as that is there."""
    english, chinese = OUTPUT, OUTPUT / "zh"
    for name in pages_in(english) & pages_in(chinese):
        for here, there, lang in (
            (english / name, chinese / name, "zh"),
            (chinese / name, english / name, "en"),
        ):
            address = Path(os.path.relpath(there, here.parent)).as_posix()
            link = f'<a href="{address}" hreflang="{lang}" lang="{lang}">{NAMES[lang]}'
            text = here.read_text(encoding="utf-8")
            text = SWITCH.sub(rf"\g<1>{link}</a>\g<2>", text)
            here.write_text(text, encoding="utf-8")


def main():
    lang = arguments().lang
    from sphinx.cmd.build import main as sphinx

    output = edition.emptied(OUTPUT, lang)
    with edition.home(lang) as home:
        stage(home, functools.partial(edition.say, lang=lang))
    options = ["-q", "--fail-on-warning", "--keep-going", "--fresh-env"]
    options += [f"--tag={lang}", f"--conf-dir={ROOT / 'docs'}"]
    options += [f"--doctree-dir={OUTPUT.with_name('book-doctrees')}"]
    status = sphinx([*options, str(SOURCE), str(output)])
    if status == 0:
        link_editions()
        print(f"{len(pages_in(output))} pages")
        print(f"Open {output / 'index.html'}")
    return status


if __name__ == "__main__":
    sys.exit(main())
