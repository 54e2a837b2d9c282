"""The course in Chinese, made from the English one and the catalogues of locale/.

English is the source. A catalogue has an entry for each Markdown cell (its context is
the cell's id) or for each block of a page. What has no translation, or one that may be
out of date, stays English. Code, outputs and ids are those of the English notebook.
"""

import contextlib
import functools
import os
import re
import shutil
import tempfile
from pathlib import Path

from run import CHAPTERS, chapters, in_depth

ROOT = Path(__file__).resolve().parents[2]
LOCALE = ROOT / "locale" / "zh_CN"
LANGUAGES = ("en", "zh")
FENCE = re.compile(r"\s*(`{3,}|:{3,}|~{3,})")
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
AS_IT_IS = re.compile(  # code, ids of notes, labels, the choice of a language
    r"(```|~~~)(?!\{)|## \d\d\w?-|\([\w-]+\)=$|\[English\]\(README\.md\)"
)
LINK = re.compile(r"\]\((?!\w+:)([^)\s#]*)(#[^)\s]*)?(?=[)\s])")
DRAWN = re.compile(r"(<(?:text|title|desc)\b[^>]*>)([^<]*[^\W\d][^<]*)(?=<)")
EMPTIED = "*Write your answer here.*"  # a written answer, in an exercise


def read(path):
    import nbformat

    return nbformat.read(path, as_version=4)


# What there is to translate


def solutions():
    return sorted(CHAPTERS.glob("solutions/[0-9][0-9]_*.ipynb"))


def exercises():
    return sorted(CHAPTERS.glob("exercises/[0-9][0-9]_*.ipynb"))


def drawings():
    return sorted(CHAPTERS.glob("drawings/*.svg"))


def pages():
    """README, the book's pages, and what the speaker says."""
    readme = [path for path in [ROOT / "README.md"] if path.exists()]
    return [*readme, *sorted(ROOT.glob("docs/*.md")), *sorted(CHAPTERS.glob("notes/*"))]


def catalogue(path):
    """The catalogue of a notebook or page. An exercise has that of its solution."""
    path = path.relative_to(ROOT)
    if path.parent.name == "exercises":
        path = path.parent.with_name("solutions") / path.name
    return LOCALE / path.with_suffix(".po")


def blocks(text):
    """The blocks of a page: what blank lines part, outside fences and directives."""
    found, block, fence = [], [], None
    for line in text.split("\n"):
        if mark := FENCE.match(line):
            if fence is None:
                fence = mark[1]
            elif line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                fence = None
        if line.strip() or fence:
            block.append(line)
        elif block:
            found.append("\n".join(block))
            block = []
    return [*found, "\n".join(block)] if block else found


def alternatives(notebook):
    """The outputs of a notebook that have an alternative text."""
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", [])]
    return [o for o in outputs if o.get("metadata", {}).get("image/png", {}).get("alt")]


def sources(path):
    """What a notebook or page has to translate: pairs (context, English)."""
    if path.suffix == ".ipynb":
        cells = [cell for cell in read(path).cells if cell.cell_type == "markdown"]
        return [(cell.id, cell.source) for cell in cells]
    found = blocks(path.read_text(encoding="utf-8"))
    return [("", block) for block in found if not AS_IT_IS.match(block)]


# What is translated


@functools.cache
def translations(file):
    """What a catalogue gives: {(context, English): Chinese}."""
    import polib

    if not file.exists():
        return {}
    entries = [entry for entry in polib.pofile(str(file)) if entry.translated()]
    return {(entry.msgctxt or "", entry.msgid): entry.msgstr for entry in entries}


def say(words, lang="zh"):
    """The tools' own words, in a language."""
    if lang == "en":
        return words
    return translations(LOCALE / "tools.po").get(("", words), words)


def translated(path, context, english):
    return translations(catalogue(path)).get((context, english), english)


def slugs(texts):
    """What addresses the headings of each text of one page: a list for each."""
    from markdown_it import MarkdownIt
    from myst_parser.slugs import github_slugify, unique_slug

    inline, taken = MarkdownIt("commonmark").parseInline, set()
    found = []
    for text in texts:
        outside = "\n\n".join(b for b in blocks(text) if not AS_IT_IS.match(b))
        found.append([])
        for heading in HEADING.findall(outside):
            parts = inline(re.sub(r"\$[^$]*\$", "", heading))[0].children
            kept = [p.content for p in parts if p.type in ("text", "code_inline")]
            found[-1].append(unique_slug(github_slugify("".join(kept)), taken))
            taken.add(found[-1][-1])
    return found


@functools.cache
def anchors(path):
    """{English anchor: Chinese anchor} of a notebook or page."""
    if not catalogue(path).exists():
        return {}
    english = sources(path)
    chinese = [translated(path, *pair) for pair in english]
    pairs = zip(slugs([text for _, text in english]), slugs(chinese), strict=True)
    return {
        en: zh for ours, theirs in pairs for en, zh in zip(ours, theirs, strict=True)
    }


def relinked(text, path, place):
    """A text whose links lead on from where its page is placed.

    path: of the English page. place(path): where the edition has a file; where that is
    another place, the file is Chinese, and so are its anchors.
    """

    def link(found):
        file, anchor = found[1], found[2] or ""
        target = Path(os.path.normpath(path.parent / file)) if file else path
        if not target.exists() or not (file or anchor):
            return found[0]
        goal = place(target)
        if goal != target and anchor:
            anchor = "#" + anchors(target).get(anchor[1:], anchor[1:])
        if file:
            file = Path(os.path.relpath(goal, place(path).parent)).as_posix()
        return f"]({file}{anchor}"

    return LINK.sub(link, text)


def notebook(path, place):
    """A notebook in Chinese."""
    made = read(path)
    for cell in made.cells:
        if cell.source == EMPTIED:
            cell.source = say("*Write your answer here.*")
        elif cell.cell_type == "markdown":
            chinese = translated(path, cell.id, cell.source)
            cell.source = relinked(chinese, path, place)
    words = translations(LOCALE / "alternatives.po")
    for output in alternatives(made):
        english = output.metadata["image/png"]["alt"]
        chinese = words.get(("", english), english)
        output.metadata["image/png"]["alt"] = chinese
        output.data["text/plain"] = chinese
    return made


def page(path, place):
    """A page in Chinese."""

    def block(text):
        if AS_IT_IS.match(text):
            return text
        return relinked(translated(path, "", text), path, place)

    found = blocks(path.read_text(encoding="utf-8"))
    return "\n\n".join(map(block, found)) + "\n"


def drawing(path):
    """A drawing with Chinese words."""
    words = translations(LOCALE / "drawings.po")

    def text(found):
        return found[1] + words.get(("", found[2]), found[2])

    return DRAWN.sub(text, path.read_text(encoding="utf-8"))


def build(folder):
    """Lay out the whole course in Chinese in a folder, each file in its own place."""
    import nbformat

    def place(path):
        return folder / path.relative_to(ROOT) if path.is_relative_to(ROOT) else path

    shutil.copytree(ROOT / "docs", folder / "docs", dirs_exist_ok=True)
    for path in [*chapters(), *in_depth(), *exercises(), *solutions()]:
        place(path).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook(path, place), place(path))
    texts = {path: page(path, place) for path in pages()}
    texts |= {path: drawing(path) for path in drawings()}
    for path, text in texts.items():
        place(path).parent.mkdir(parents=True, exist_ok=True)
        place(path).write_text(text, encoding="utf-8")


def emptied(folder, lang):
    """The folder for what is made of an edition, empty. Chinese lies inside English."""
    folder = folder if lang == "en" else folder / lang
    for path in folder.glob("*"):
        if path.name not in LANGUAGES:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def add_language(parser):
    parser.add_argument(
        "--lang", choices=LANGUAGES, default="en", help="of the course (en)"
    )


@contextlib.contextmanager
def home(lang):
    """The folder that holds the course in a language."""
    if lang == "en":
        yield ROOT
    else:
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder).resolve()
            build(folder)
            yield folder
