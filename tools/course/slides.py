"""Build the slides: one deck a chapter, and a page that lists them.

`python3 course.py slides` calls this; open build/slides/index.html, or with `--lang zh`
build/slides/zh/index.html. A deck loads
nothing from the network: reveal.js and MathJax come out of installed packages.
"""

import argparse
import functools
import re
import shutil
import sys
from pathlib import Path

import edition
from explorables import copy_script, draw_explorables
from notes import notes, with_notes
from run import chapters

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "build" / "slides"
DECK = Path(__file__).resolve().parent / "deck"
REVEAL = [  # what a deck loads of reveal.js
    "LICENSE",
    "dist/reset.css",
    "dist/reveal.css",
    "dist/reveal.js",
    "dist/theme/white.css",
    "dist/theme/fonts/source-sans-pro",
    "plugin/notes/notes.js",
    "plugin/search/search.js",
    "plugin/zoom/zoom.js",
]
TO_NOTEBOOK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)\s]+\.ipynb[^)\s]*\)")


def arguments():
    parser = argparse.ArgumentParser(prog="course.py slides", description=__doc__)
    edition.add_language(parser)
    return parser.parse_args()


def mathjax():
    """The folder of MathJax' ready-made scripts, out of django-static-mathjax."""
    import mathjax

    return Path(mathjax.__file__).parent / "static" / "mathjax"


def copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def copy_assets(folder):
    """What all decks load: reveal.js, MathJax, and our own style and script."""
    import sphinx_revealjs

    reveal = Path(sphinx_revealjs.__file__).parent / "_static" / "revealjs"
    for name in REVEAL:
        copy(reveal / name, folder / "reveal" / name)
    copy(mathjax() / "es5/tex-svg-full.js", folder / "mathjax/tex-svg-full.js")
    copy(mathjax() / "LICENSE", folder / "mathjax/LICENSE")
    for name in ("deck.css", "deck.js"):
        copy(DECK / name, folder / name)
    copy_script(folder / "explorables")


def copy_drawings(chapters, folder):
    """The decks name drawings as the chapters do."""
    copy(chapters / "drawings", folder / "drawings")


def exporter():
    from nbconvert import SlidesExporter
    from traitlets.config import Config

    settings = {
        "SlidesExporter": {
            "extra_template_basedirs": [str(DECK.parent)],
            "template_name": DECK.name,
            "exclude_input_prompt": True,
            "exclude_output_prompt": True,
        },
        "CSSHTMLHeaderPreprocessor": {"style": "a11y-high-contrast-light"},
    }
    return SlidesExporter(config=Config(settings))


def convert(chapter, export, folder, lang="en"):
    """Write one chapter's deck into a folder; return its row of the overview."""
    import nbformat

    notebook = nbformat.read(chapter, as_version=4)
    title = notebook.cells[0].source.splitlines()[0].lstrip("# ")
    notebook.metadata.update(title=title, lang=lang)
    notebook.metadata.explorables = draw_explorables(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":  # a deck has no notebooks beside it
            cell.source = TO_NOTEBOOK.sub(r"\1", cell.source)
        else:
            cell.source = cell.source.replace("\n\n\n", "\n\n")
    kinds = [cell.metadata.slideshow.slide_type for cell in notebook.cells]
    with_notes(notebook, notes(chapter))
    page, _ = export.from_notebook_node(notebook)
    (folder / f"{chapter.stem}.html").write_text(page, encoding="utf-8")
    slides = kinds.count("slide") + kinds.count("subslide")
    return {"name": chapter.stem, "title": title, "slides": slides}


def main():
    lang = arguments().lang
    from jinja2 import Template

    output = edition.emptied(OUTPUT, lang)
    copy_assets(output / "assets")
    export = exporter()
    with edition.home(lang) as home:
        copy_drawings(home / "chapters", output)
        paths = chapters(home / "chapters")
        decks = [convert(path, export, output, lang) for path in paths]
    template = (DECK / "overview.html.j2").read_text(encoding="utf-8")
    say = functools.partial(edition.say, lang=lang)
    page = Template(template).render(decks=decks, lang=lang, say=say)
    (output / "index.html").write_text(page, encoding="utf-8")
    for deck in decks:
        print(f"{deck['name']}: {deck['slides']} slides")
    print(f"Open {output / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
