"""The hygiene tests can fail: a model chapter passes, and each fault is found."""

import base64
import os

import nbformat
import pytest
from nbformat import v4

from tests.notebooks import test_notebooks as hygiene

PNG = base64.b64encode(b"a small picture").decode()
TITLE = """# 02 L1 and L2

What does a penalty buy?

You will be able to say what it costs. Ten minutes to read."""


def markdown(source, slide="slide"):
    metadata = {"slideshow": {"slide_type": slide}}
    return v4.new_markdown_cell(source, metadata=metadata)


def code(source, *outputs):
    metadata = {"slideshow": {"slide_type": "slide"}}
    return v4.new_code_cell(source, metadata=metadata, outputs=list(outputs))


def printed(text):
    return v4.new_output("stream", name="stdout", text=text)


def figure():
    alt = {"image/png": {"alt": "A line that slowly rises."}}
    data = {"image/png": PNG, "text/plain": "A line that slowly rises."}
    return v4.new_output("display_data", data, metadata=alt)


@pytest.fixture
def cells():
    """The cells of a chapter that has everything."""
    box = "> **Common mistake.** Comparing `loss`."
    made = [
        markdown(TITLE),
        markdown("## Predict\n\nWhat will happen?"),
        code("from utils.runtime import start\n\nstart()"),
        markdown("Ask the room.", "notes"),
    ]
    for _ in range(3):
        made += [markdown("Then measure."), code("x = 1\nshow(x)", figure())]
        made += [markdown("Five minutes.", "notes")]
    made += [markdown(box), code("print(0.5)", printed("0.5\n"))]
    made += [markdown(f"## {name}") for name in ("Summary", "Exercises", "Sources")]
    made[-2].source += "\n\nDo the [exercises](exercises/02_penalties.ipynb)."
    for place, cell in enumerate(made):
        cell.id = f"02-{place}"
    count = 0
    for cell in made:
        if cell.cell_type == "code":
            cell.execution_count = count = count + 1
    return made


def store(folder, cells):
    """Write the cells in canonical form, as far as the tool mends them."""
    path = folder / "02_penalties.ipynb"
    notebook = v4.new_notebook(cells=cells)
    hygiene.canonical.write(path, hygiene.canonical.canonical(notebook, path.stem))
    (folder / "exercises").mkdir()
    (folder / "exercises" / path.name).write_text("")
    return path


CHECKS = [
    getattr(hygiene, name)
    for name in dir(hygiene)
    if name.startswith("test_") and name != "test_every_folder_has_its_partner"
]


def failing(path):
    """The names of the hygiene tests that a stored notebook fails."""
    found = []
    for check in CHECKS:
        try:
            check(path)
        except AssertionError:
            found.append(check.__name__)
    return found


def test_the_model_passes(tmp_path, cells):
    assert failing(store(tmp_path, cells)) == []


def test_exercises_may_come_later(tmp_path, cells):
    path = store(tmp_path, cells)
    (tmp_path / "exercises" / path.name).rename(tmp_path / "exercises" / "01_x.ipynb")
    assert failing(path) == ["test_links_lead_somewhere"]
    (tmp_path / "exercises" / "01_x.ipynb").unlink()
    assert failing(path) == []


def test_links_are_those_to_files():
    text = "[a](x.md#part) ![b](y.png \"B\") <img src='z.png'> [c](#here) "
    text += "[d](https://e.org) [f](mailto:g@h.org) `i(j)`"
    notebook = v4.new_notebook(cells=[markdown(text)])
    assert hygiene.links(notebook) == ["x.md", "y.png", "z.png"]


def of_kind(cells, kind):
    return [cell for cell in cells if cell.cell_type == kind]


def first_code(cells):
    return of_kind(cells, "code")[0]


def last_code(cells):
    return of_kind(cells, "code")[-1]


def slide_type(cell):
    return cell.metadata.slideshow.slide_type


def is_slide(cell):
    return slide_type(cell) in ("slide", "subslide")


def lesson(*sources):
    """A code cell for each source, after its prose."""
    made = [c for s in sources for c in (markdown("Then measure."), code(s))]
    for place, cell in enumerate(made):
        cell.id = f"02-more-{place}"
    return made


FAULTS = {
    "a line of stderr": (
        "test_canonical_form",
        lambda c: last_code(c).outputs.append(
            v4.new_output("stream", name="stderr", text="warning\n")
        ),
    ),
    "no slide type": ("test_canonical_form", lambda c: c[1].metadata.clear()),
    "a failed cell": (
        "test_canonical_form",
        lambda c: last_code(c).outputs.append(
            v4.new_output("error", ename="KeyError", evalue="1", traceback=[])
        ),
    ),
    "a progress bar": (
        "test_canonical_form",
        lambda c: last_code(c).outputs.append(printed("50%|##  | 1/2 [5.00it/s]\n")),
    ),
    "a rewritten line": (
        "test_canonical_form",
        lambda c: last_code(c).outputs.append(printed("1\r2\n")),
    ),
    "a widget": (
        "test_canonical_form",
        lambda c: last_code(c).outputs.append(
            v4.new_output(
                "display_data", {"application/vnd.jupyter.widget-view+json": {}}
            )
        ),
    ),
    "an id of another chapter": (
        "test_ids_say_their_chapter",
        lambda c: c[3].update(id="03-3"),
    ),
    "an id of a tool": (
        "test_ids_say_their_chapter",
        lambda c: c[3].update(id="a1b2c3d4"),
    ),
    "a path in code": (
        "test_no_machine_path",
        lambda c: last_code(c).update(source="load('/work/data')"),
    ),
    "a path in data": (
        "test_no_machine_path",
        lambda c: last_code(c).outputs.append(
            v4.new_output("display_data", {"text/html": "lib/site-packages/keras"})
        ),
    ),
    "a large picture": (
        "test_pictures_are_small_and_described",
        lambda c: (
            of_kind(c, "code")[1]
            .outputs[0]
            .data.update({"image/png": base64.b64encode(os.urandom(150_001)).decode()})
        ),
    ),
    "no alt text": (
        "test_pictures_are_small_and_described",
        lambda c: of_kind(c, "code")[1].outputs[0].metadata.clear(),
    ),
    "a large format": (
        "test_pictures_are_small_and_described",
        lambda c: of_kind(c, "code")[1].outputs[0].data.update({"image/jpeg": PNG}),
    ),
    "four cells ignored": (
        "test_outputs_are_compared",
        lambda c: [
            cell.metadata.update(tags=["nbval-ignore-output"])
            for cell in of_kind(c, "code")[1:5]
        ],
    ),
    "a cell skipped": (
        "test_outputs_are_compared",
        lambda c: last_code(c).metadata.update(tags=["nbval-skip"]),
    ),
    "a cell that may fail": (
        "test_outputs_are_compared",
        lambda c: last_code(c).metadata.update(tags=["raises-exception"]),
    ),
    "a comment that ignores": (
        "test_outputs_are_compared",
        lambda c: last_code(c).update(source="# NBVAL_IGNORE_OUTPUT\nprint(0.5)"),
    ),
    "no start": (
        "test_starts_with_start",
        lambda c: first_code(c).update(source="import utils"),
    ),
    "another title": ("test_title", lambda c: c[0].update(source="# Penalties?")),
    "the number of another chapter": (
        "test_title",
        lambda c: c[0].update(source=TITLE.replace("02", "03")),
    ),
    "no question": (
        "test_title",
        lambda c: c[0].update(source=TITLE.replace("?", ".")),
    ),
    "no aims": ("test_title", lambda c: c[0].update(source=TITLE.replace("able", ""))),
    "no minutes": (
        "test_title",
        lambda c: c[0].update(source=TITLE.replace("minutes", "pages")),
    ),
    "no prediction": ("test_sections", lambda c: c[1].update(source="Guess.")),
    "sections in another order": (
        "test_sections",
        lambda c: c.insert(-1, c.pop(-3)),
    ),
    "no sources": ("test_sections", lambda c: c.pop()),
    "no common mistake": (
        "test_sections",
        lambda c: c[-5].update(source="A common mistake is to compare `loss`."),
    ),
    "a common mistake that is no box": (
        "test_sections",
        lambda c: c[4].update(source="**Common mistake.** Comparing `loss`."),
    ),
    "a dead link": (
        "test_links_lead_somewhere",
        lambda c: c[-1].update(source="## Sources\n\n[data](../nowhere.md)"),
    ),
    "a dead picture": (
        "test_links_lead_somewhere",
        lambda c: c[-1].update(source="## Sources\n\n<img src='gone.png'>"),
    ),
    "no link to the exercises": (
        "test_exercises_are_linked",
        lambda c: c[-2].update(source="## Exercises"),
    ),
    "two figures": (
        "test_figures",
        lambda c: of_kind(c, "code")[1].update(outputs=[]),
    ),
    "no speaker notes": (
        "test_speaker_notes",
        lambda c: [cell.metadata.slideshow.update(slide_type="skip") for cell in c],
    ),
    "two speaker notes": (
        "test_speaker_notes",
        lambda c: [
            cell.metadata.slideshow.update(slide_type="skip")
            for cell in [cell for cell in c if slide_type(cell) == "notes"][2:]
        ],
    ),
    "code in the notes": (
        "test_speaker_notes",
        lambda c: last_code(c).metadata.slideshow.update(slide_type="notes"),
    ),
    "too many slides": (
        "test_slides_fit_a_lesson",
        lambda c: c.extend(
            v4.new_markdown_cell("x", id=f"02-x{i}", metadata=c[0].metadata)
            for i in range(31 - sum(map(is_slide, c)))
        ),
    ),
    "a long cell on a slide": (
        "test_slides_fit_a_lesson",
        lambda c: last_code(c).update(source="x = 1\n" * 16),
    ),
    "a long cell on a fragment": (
        "test_slides_fit_a_lesson",
        lambda c: (
            last_code(c).update(source="x = 1\n" * 16),
            last_code(c).metadata.slideshow.update(slide_type="fragment"),
        ),
    ),
    "a title that is no slide": (
        "test_slides_fit_a_lesson",
        lambda c: c[0].metadata.slideshow.update(slide_type="fragment"),
    ),
    "code before prose": (
        "test_prose_before_code",
        lambda c: c.insert(0, c.pop(2)),
    ),
    "code after code": (
        "test_prose_before_code",
        lambda c: c.remove(c[-5]),
    ),
    "a cell of 31 lines": (
        "test_code_cells_are_short",
        lambda c: c.extend(lesson(*["x = 1"] * 9, "x = 1\n" * 31)),
    ),
    "one cell of five long": (
        "test_code_cells_are_short",
        lambda c: [cell.update(source="x\n" * 19) for cell in of_kind(c, "code")[1:2]],
    ),
    "many long cells": (
        "test_code_cells_are_short",
        lambda c: [cell.update(source="x\n" * 7) for cell in of_kind(c, "code")[1:]],
    ),
    "an empty cell": (
        "test_code_cells_are_short",
        lambda c: last_code(c).update(source=" "),
    ),
    "a word that belittles": (
        "test_prose_is_plain",
        lambda c: c[4].update(source="You simply measure."),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found(tmp_path, cells, fault):
    check, spoil = FAULTS[fault]
    spoil(cells)
    assert check in failing(store(tmp_path, cells))


@pytest.mark.parametrize(
    "machine",
    [
        "/home/me/course",
        "/Users/me/course",
        "/root/course",
        "/tmp/x.npz",
        "/var/folders/x.npz",
        "C:\\Users",
    ],
)
def test_paths_of_all_machines_are_found(tmp_path, cells, machine):
    last_code(cells).outputs.append(printed(f"read '{machine}'\n"))
    assert "test_no_machine_path" in failing(store(tmp_path, cells))


@pytest.mark.parametrize("count", [None, 7])
def test_counts_are_held(tmp_path, cells, count):
    path = store(tmp_path, cells)
    notebook = nbformat.read(path, as_version=4)
    last_code(notebook.cells).execution_count = count
    nbformat.write(notebook, path)
    assert {"test_canonical_form", "test_executed_in_order"} <= set(failing(path))


def test_every_check_has_a_fault():
    held = {check for check, _ in FAULTS.values()} | {"test_executed_in_order"}
    assert held == {check.__name__ for check in CHECKS}
