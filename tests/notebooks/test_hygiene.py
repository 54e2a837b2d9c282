"""The hygiene tests can fail: a model chapter passes, and each finds its fault."""

import base64
import os

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


ANSWER = "<details><summary>Answer</summary>Because.</details>"


def numbered(cells, prefix):
    """Give cells their ids, and those of code their counts."""
    count = 0
    for place, cell in enumerate(cells):
        cell.id = f"{prefix}-{place}"
        if cell.cell_type == "code":
            cell.execution_count = count = count + 1
    return cells


@pytest.fixture
def cells():
    """The cells of a chapter that has everything."""
    box = "> **Common mistake.** Comparing `loss`."
    made = [
        markdown(TITLE),
        markdown("## Predict\n\nWhat will happen?"),
        code("from utils.runtime import start\n\nstart()"),
    ]
    for _ in range(3):
        made += [markdown("Then measure."), code("x = 1\nshow(x)", figure())]
    made += [markdown(box), code("print(0.5)", printed("0.5\n"))]
    sections = ("Summary", "Questions", "Exercises", "Sources")
    made += [markdown(f"## {name}") for name in sections]
    made[-4].source += "\n\nMore: [in depth](in_depth/02_penalties.ipynb)."
    made[-3].source += "\n\n**1.** Why?\n\n" + ANSWER
    made[-3].source += "\n\n**2.** When?\n\n" + ANSWER
    made[-3].source += "\n\n**3.** How?\n\n" + ANSWER
    made[-2].source += "\n\nDo the [exercises](exercises/02_penalties.ipynb)."
    return numbered(made, "02")


@pytest.fixture
def deep():
    """The cells of the notebook that goes further."""
    title = "# 02 L1 and L2: in depth\n\nAfter [the chapter](../02_penalties.ipynb)."
    made = [markdown(title, "skip"), code("start()"), markdown("## Summary", "skip")]
    made[1].metadata.slideshow.slide_type = "skip"
    return numbered([*made, markdown("## Sources", "skip")], "02d")


NOTES = ("02-0", "02-3", "02-5")  # the cells that the speaker has something to say on


def store(folder, cells, deep):
    """Write the cells in canonical form, as far as the tool mends them."""
    for partner in ("exercises", "in_depth", "notes"):
        (folder / partner).mkdir()
    path = folder / "02_penalties.ipynb"
    for place, made in [(path, cells), (folder / "in_depth" / path.name, deep)]:
        notebook = v4.new_notebook(cells=made)
        hygiene.canonical.write(place, hygiene.canonical.canonical(notebook, path.stem))
    (folder / "exercises" / path.name).write_text("")
    said = "".join(f"\n## {name}\n\nAsk the room.\n" for name in NOTES)
    (folder / "notes" / "02.md").write_text("# Notes\n" + said)
    return path


CHECKS = {
    name.removeprefix("test_"): getattr(hygiene, name)
    for name in dir(hygiene)
    if name.startswith("test_") and name != "test_every_folder_has_its_partner"
}
DEEP = {name for name in CHECKS if name.startswith("in_depth")}  # on that notebook


def failing(path):
    """The names of the hygiene tests that a stored chapter fails."""
    found = set()
    for name, check in CHECKS.items():
        try:
            check(path.parent / "in_depth" / path.name if name in DEEP else path)
        except AssertionError:
            found.add(name)
    return found


def of_kind(cells, kind):
    return [cell for cell in cells if cell.cell_type == kind]


def tag(cells, name):
    for cell in cells:
        cell.metadata.tags = [name]


def large(cells):
    picture = base64.b64encode(os.urandom(150_001)).decode()
    of_kind(cells, "code")[1].outputs[0].data["image/png"] = picture


def slides(cells):
    shown = [c for c in cells if hygiene.slide_type(c) in ("slide", "subslide")]
    cells += [
        v4.new_markdown_cell("x", id=f"02-x{i}", metadata=cells[0].metadata)
        for i in range(31 - len(shown))
    ]


def words(cells):
    cells[1].source += " word" * 2_200


# One fault for each check, as a change to the model's cells.
FAULTS = {
    "canonical_form": lambda c: c[1].metadata.clear(),
    "executed_in_order": lambda c: c[2].update(execution_count=None),
    "ids_say_their_chapter": lambda c: c[4].update(id="03-4"),
    "no_machine_path": lambda c: c[-5].update(source="load('/home/me/data')"),
    "pictures_are_small_and_described": large,
    "outputs_are_compared": lambda c: tag(of_kind(c, "code")[:1], "nbval-skip"),
    "starts_with_start": lambda c: c[2].update(source="import utils"),
    "title": lambda c: c[0].update(source=TITLE.replace("02", "03")),
    "sections": lambda c: c.insert(-1, c.pop(-3)),
    "questions_are_answered": lambda c: c[-3].update(
        source=c[-3].source.replace(ANSWER, "", 1)
    ),
    "links_lead_somewhere": lambda c: c[-1].update(source="## Sources\n\n[a](b.md)"),
    "exercises_are_linked": lambda c: c[-2].update(source="## Exercises"),
    "figures": lambda c: of_kind(c, "code")[1].update(outputs=[]),
    "speaker_notes": lambda c: c[3].metadata.slideshow.update(slide_type="skip"),
    "fits_forty_five_minutes": words,
    "slides_fit_a_lesson": slides,
    "prose_before_code": lambda c: c.pop(3),
    "code_cells_are_short": lambda c: c[2].update(source="start()\n" * 31),
    "prose_is_plain": lambda c: c[3].update(source="You simply measure."),
}
DEEP_FAULTS = {
    "in_depth_and_core_lead_to_each_other": lambda c: c[0].update(
        source=c[0].source.replace("../", "")
    ),
    "in_depth_has_no_slides": lambda c: c[0].metadata.slideshow.update(
        slide_type="slide"
    ),
}


def test_the_model_passes(tmp_path, cells, deep):
    assert failing(store(tmp_path, cells, deep)) == set()


@pytest.mark.parametrize("check", FAULTS)
def test_each_fault_is_found(tmp_path, cells, deep, check):
    FAULTS[check](cells)
    assert check in failing(store(tmp_path, cells, deep))


@pytest.mark.parametrize("check", DEEP_FAULTS)
def test_each_fault_in_depth_is_found(tmp_path, cells, deep, check):
    DEEP_FAULTS[check](deep)
    assert check in failing(store(tmp_path, cells, deep))


def test_every_check_has_a_fault():
    assert FAULTS.keys() | DEEP_FAULTS.keys() == CHECKS.keys()


@pytest.mark.parametrize(
    "machine", ["/Users/me", "/tmp/x.npz", "/var/folders/x", "C:\\Users", "/root/x"]
)
def test_paths_of_all_machines_are_found(tmp_path, cells, deep, machine):
    cells[-5].outputs.append(printed(f"read '{machine}'\n"))
    assert "no_machine_path" in failing(store(tmp_path, cells, deep))


def test_links_are_those_to_files():
    text = "[a](x.md#part) ![b](y.png \"B\") <img src='z.png'> [c](#here) "
    text += "[d](https://e.org) [f](mailto:g@h.org) `i(j)`"
    notebook = v4.new_notebook(cells=[markdown(text)])
    assert hygiene.links(notebook) == ["x.md", "y.png", "z.png"]
