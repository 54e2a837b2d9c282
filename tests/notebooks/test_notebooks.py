"""The form of every stored notebook, from its file alone: nothing is run.

nbval compares texts; what it does not see is held here: counts, pictures, metadata,
headings, and how a chapter reads.
"""

import base64
import re
import statistics
import sys
from itertools import chain, pairwise
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tools" / "author"), str(ROOT / "tools" / "course")]

import canonical  # noqa: E402
import notes  # noqa: E402
import run  # noqa: E402

FOLDER = ROOT / "chapters"
CHAPTERS = run.chapters()
IN_DEPTH = run.in_depth()
SOLUTIONS = sorted(FOLDER.glob("solutions/*.ipynb"))
EXERCISES = sorted(FOLDER.glob("exercises/*.ipynb"))
MACHINE = re.compile(
    r"/home/|/tmp\b|/root\b|/work\b|/Users/|/var/folders|[A-Z]:\\|site-packages"
)
ON_SLIDES = ("slide", "subslide", "fragment")
MOST_SLIDES = 30  # in 45 minutes
MOST_CELLS = 66
MOST_WORDS = 2_200
MOST_LINES_ON_A_SLIDE = 15
MOST_BYTES = 150_000


def each(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.stem)


def code_of(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs_of(notebook):
    """Pairs (cell id, output) of all outputs."""
    return [(c.id, output) for c in code_of(notebook) for output in c.outputs]


def pictures_of(notebook):
    return [
        (where, output)
        for where, output in outputs_of(notebook)
        if "image/png" in output.get("data", {})
    ]


def slide_type(cell):
    return cell.metadata.get("slideshow", {}).get("slide_type")


def lines(cell):
    return len([line for line in cell.source.splitlines() if line.strip()])


def headings(notebook):
    text = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    return re.findall(r"^## (.+)$", text, re.MULTILINE)


def links(notebook):
    """The files that a notebook's prose points to; a part of a page is left out."""
    text = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    found = re.findall(r"""\]\(([^)#\s]+)[^)]*\)|(?:src|href)=["']([^"'#]+)""", text)
    addresses = [markdown or html for markdown, html in found]
    return [link for link in addresses if not re.match(r"\w+:", link)]


def words(cells):
    """How many words the prose has; formulas count, tags and addresses do not.

    Nor do the alternative texts of drawings: they stand for a picture.
    """
    text = "\n".join(c.source for c in cells if c.cell_type == "markdown")
    return len(re.sub(r"!\[.*?\]\([^)]*\)|\]\([^)]*\)|<[^>]+>", " ", text).split())


def read(path):
    return nbformat.read(path, as_version=4)


@each(CHAPTERS + IN_DEPTH + SOLUTIONS + EXERCISES)
def test_canonical_form(path):
    """No departure: stderr, errors, progress, widgets and missing slide types too."""
    assert canonical.faults(path) == []


@each(CHAPTERS + IN_DEPTH + SOLUTIONS)
def test_executed_in_order(path):
    counts = [cell.execution_count for cell in code_of(read(path))]
    assert counts == list(range(1, len(counts) + 1))


@each(CHAPTERS + IN_DEPTH + SOLUTIONS)
def test_ids_say_their_chapter(path):
    """The other editions find their cells by id."""
    number = path.stem[:2] + ("d" if path.parent.name == "in_depth" else "")
    form = re.compile(number + r"-[A-Za-z0-9-]+")
    assert [cell.id for cell in read(path).cells if not form.fullmatch(cell.id)] == []


@each(CHAPTERS + IN_DEPTH + SOLUTIONS)
def test_no_machine_path(path):
    notebook = read(path)
    texts = [(cell.id, cell.source) for cell in code_of(notebook)]
    for where, output in outputs_of(notebook):
        data = {k: v for k, v in output.get("data", {}).items() if "image" not in k}
        texts.append((where, f"{output.get('text', '')}{data}"))
    for where, text in texts:
        found = MACHINE.search(text)
        assert not found, f"cell {where} has a path of one machine: {found[0]}"


@each(CHAPTERS + IN_DEPTH + SOLUTIONS)
def test_pictures_are_small_and_described(path):
    notebook = read(path)
    for where, output in outputs_of(notebook):
        kinds = [kind for kind in output.get("data", {}) if kind.startswith("image/")]
        assert kinds in ([], ["image/png"]), f"cell {where}: {kinds}, not PNG"
    for where, output in pictures_of(notebook):
        size = len(base64.b64decode(output.data["image/png"]))
        assert size <= MOST_BYTES, f"cell {where}: {size} bytes"
        alt = output.metadata.get("image/png", {}).get("alt", "")
        assert len(alt.split()) >= 4, f"cell {where}: alt text {alt!r}"


@each(CHAPTERS + IN_DEPTH + SOLUTIONS)
def test_outputs_are_compared(path):
    tags = [cell.metadata.get("tags", []) for cell in code_of(read(path))]
    about = [tag for tag in chain(*tags) if re.match("(?i)nbval|raises", tag)]
    assert set(about) <= {"nbval-ignore-output"}
    assert len(about) <= 3
    sources = "\n".join(cell.source for cell in code_of(read(path)))
    assert not re.search(r"NBVAL_|PYTEST_VALIDATE", sources)


@each(CHAPTERS + IN_DEPTH + SOLUTIONS + EXERCISES)
def test_starts_with_start(path):
    first = code_of(read(path))[0].source
    assert re.search(r"^start\(", first, re.MULTILINE)


@each(CHAPTERS)
def test_title(path):
    title = read(path).cells[0]
    number = path.stem.split("_")[0]
    assert title.source.startswith(f"# {number} ")
    assert "?" in title.source
    assert "You will be able to" in title.source
    assert re.search(r"\bminutes?\b", title.source)


@each(CHAPTERS)
def test_sections(path):
    notebook = read(path)
    assert headings(notebook).count("Predict") == 1
    last = ["Summary", "Questions", "Exercises", "Sources"]
    assert headings(notebook)[-4:] == last
    boxes = [c for c in notebook.cells if "**Common mistake." in c.source]
    assert boxes, "no box that starts > **Common mistake.**"
    assert all(re.search(r"^> \*\*Common mistake\.", c.source, re.M) for c in boxes)


@each(CHAPTERS)
def test_questions_are_answered(path):
    (page,) = [c.source for c in read(path).cells if c.source[:12] == "## Questions"]
    asked = re.findall(r"^\*\*\d\.\*\* ", page, re.M)
    assert 3 <= len(asked) <= 5
    assert page.count("<details><summary>Answer</summary>") == len(asked)


@each(CHAPTERS + IN_DEPTH + SOLUTIONS)
def test_links_lead_somewhere(path):
    files = links(read(path))
    assert [link for link in files if not (path.parent / link).exists()] == []


@each(CHAPTERS)
def test_exercises_are_linked(path):
    own = f"exercises/{path.stem[:2]}_"
    assert any(link.startswith(own) for link in links(read(path)))


@each(CHAPTERS)
def test_figures(path):
    assert len(pictures_of(read(path))) >= 3


@each(CHAPTERS)
def test_speaker_notes(path):
    """Each belongs to a cell on a slide, in the order of the lecture."""
    said = notes.notes(path)
    shown = [cell.id for cell in read(path).cells if slide_type(cell) in ON_SLIDES]
    assert list(said) == [name for name in shown if name in said]
    assert len(said) >= 3 and all(said.values())


@each(CHAPTERS)
def test_fits_forty_five_minutes(path):
    """The size of a core chapter; what does not fit stands in depth."""
    cells = read(path).cells
    assert len(cells) <= MOST_CELLS
    assert words(cells) <= MOST_WORDS


@each(IN_DEPTH)
def test_in_depth_and_core_lead_to_each_other(path):
    core = path.parents[1] / path.name
    title = read(path).cells[0].source
    assert title.startswith(read(core).cells[0].source.splitlines()[0] + ": in depth\n")
    assert f"](../{path.name})" in title
    assert f"in_depth/{path.name}" in links(read(core))


@each(IN_DEPTH)
def test_in_depth_has_no_slides(path):
    assert {slide_type(cell) for cell in read(path).cells} == {"skip"}
    assert headings(read(path))[-2:] == ["Summary", "Sources"]


@each(CHAPTERS)
def test_slides_fit_a_lesson(path):
    """Skipped cells are for readers: what stands on slides is shown in 45 minutes."""
    notebook = read(path)
    kinds = [slide_type(cell) for cell in notebook.cells]
    assert kinds[0] == "slide"
    assert kinds.count("slide") + kinds.count("subslide") <= MOST_SLIDES
    shown = [cell for cell in code_of(notebook) if slide_type(cell) in ON_SLIDES]
    long = [cell.id for cell in shown if lines(cell) > MOST_LINES_ON_A_SLIDE]
    assert not long, f"more than {MOST_LINES_ON_A_SLIDE} lines on a slide"


@each(CHAPTERS + IN_DEPTH + SOLUTIONS)
def test_prose_before_code(path):
    cells = read(path).cells
    assert cells[0].cell_type == "markdown"
    for before, cell in pairwise(cells):
        if cell.cell_type == "code":
            assert before.cell_type == "markdown", f"{cell.id} follows {before.id}"


@each(CHAPTERS + IN_DEPTH)
def test_code_cells_are_short(path):
    sizes = sorted(map(lines, code_of(read(path))))
    assert sizes[0] > 0
    assert statistics.median(sizes) <= 6
    assert sum(size <= 18 for size in sizes) >= 0.9 * len(sizes)
    assert sizes[-1] <= 30


@each(CHAPTERS + IN_DEPTH + SOLUTIONS)
def test_prose_is_plain(path):
    text = " ".join(c.source for c in read(path).cells if c.cell_type == "markdown")
    found = re.findall(r"\b(?:simply|obviously|trivially)\b", text, re.I)
    assert not found


@pytest.mark.skipif(not SOLUTIONS, reason="a copy without solutions")
def test_every_folder_has_its_partner():
    """An exercise notebook comes from a solution of the same name, and no other."""
    assert [path.name for path in EXERCISES] == [path.name for path in SOLUTIONS]
