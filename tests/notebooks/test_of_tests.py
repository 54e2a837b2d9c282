"""The tests of stored outputs can fail: one fault for each thing that they hold.

Tiny cells print a number or a table; each variant departs from what it prints in one
way. All stand in one notebook, run once with the course's own conftest.
"""

import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
from nbformat import v4

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from conftest import Approximate, tolerance_of  # noqa: E402

NUMBER = "print('accuracy 0.850 in 5 of 5')"
TABLE = '''
class Table:
    """What pandas shows of one row: plain text, and HTML."""

    def _repr_mimebundle_(self, **_):
        return {
            "text/plain": "   mean  n\\n0  0.90  5",
            "text/html": "<table><td>0.90</td> <td>5</td></table>",
        }


Table()
'''


EXPLORABLE = """
from IPython.display import display

spec = {"mark": "point", "width": 280}
spec["data"] = {"values": "x,y\\n0.1,0.50\\n2,-0.25\\n"}
spec["layer"] = [{"url": "data:image/jpeg;base64,/9j/4AAQ+A=="}]
display({"application/vnd.vegalite.v5+json": spec, "text/plain": "Two."}, raw=True)
"""
VEGALITE = "application/vnd.vegalite.v5+json"


def stream(text):
    return v4.new_output("stream", name="stdout", text=text)


def number():
    """A cell that prints a number, as it should be stored."""
    return v4.new_code_cell(NUMBER, outputs=[stream("accuracy 0.850 in 5 of 5\n")])


def table():
    """A cell that ends in a table."""
    data = {
        "text/plain": "   mean  n\n0  0.90  5",
        "text/html": "<table><td>0.90</td> <td>5</td></table>",
    }
    result = v4.new_output("execute_result", data=data, execution_count=1)
    return v4.new_code_cell(TABLE, outputs=[result])


def explorable():
    """A cell that shows a chart, as JupyterLab's Vega-Lite gets it."""
    spec = {"mark": "point", "width": 280}
    spec["data"] = {"values": "x,y\n0.1,0.50\n2,-0.25\n"}
    spec["layer"] = [{"url": "data:image/jpeg;base64,/9j/4AAQ+A=="}]
    data = {VEGALITE: spec, "text/plain": "Two."}
    return v4.new_code_cell(
        EXPLORABLE, outputs=[v4.new_output("display_data", data=data)]
    )


VARIANTS = {}


def variant(cell, expected):
    """Register a change to a cell; expected: words of the failure, or None."""

    def register(change):
        VARIANTS[change.__name__] = (cell, change, expected)
        return change

    return register


def tag(cell, *tags):
    cell.metadata.tags = list(tags)


def swap(cell, old, new, kind="text"):
    """Change the stored output of a cell, as if it had been computed otherwise."""
    output = cell.outputs[0]
    place = output if kind == "text" else output.data
    assert old in place[kind]
    place[kind] = place[kind].replace(old, new)


@variant(number, None)
def untouched(cell):
    pass


@variant(number, "Cell outputs differ")
def changed_digit(cell):
    swap(cell, "0.850", "0.851")


@variant(number, None)
def changed_within_tolerance(cell):
    tag(cell, "approx=0.02")
    swap(cell, "0.850", "0.870")


@variant(number, "Cell outputs differ")
def changed_beyond_tolerance(cell):
    tag(cell, "approx=0.02")
    swap(cell, "0.850", "0.871")


@variant(number, "Cell outputs differ")
def changed_integer_under_tolerance(cell):
    tag(cell, "approx=2")
    swap(cell, "5 of 5", "4 of 5")


@variant(table, None)
def shorter_number_moves_the_table(cell):
    tag(cell, "approx=0.02")
    swap(cell, "   mean  n\n0  0.90  5", "  mean  n\n0  0.9  5", "text/plain")
    swap(cell, "0.90", "0.9", "text/html")


@variant(table, "mismatch 'text/html'")
def changed_html_beyond_tolerance(cell):
    tag(cell, "approx=0.02")
    swap(cell, "0.90", "0.93", "text/html")


def table_in(cell):
    return cell.outputs[0].data[VEGALITE]["data"]


@variant(explorable, "Cell outputs differ")
def changed_row_of_an_explorable(cell):
    table_in(cell)["values"] = "x,y\n0.1,0.50\n2,-0.26\n"


@variant(explorable, None)
def changed_row_within_tolerance(cell):
    tag(cell, "approx=0.02")
    table_in(cell)["values"] = "x,y\n0.11,0.50\n2,-0.26\n"


@variant(explorable, "Cell outputs differ")
def changed_row_beyond_tolerance(cell):
    tag(cell, "approx=0.02")
    table_in(cell)["values"] = "x,y\n0.1,0.50\n2,-0.28\n"


@variant(explorable, "Cell outputs differ")
def changed_width_under_tolerance(cell):
    tag(cell, "approx=2")
    cell.outputs[0].data[VEGALITE]["width"] = 281


@variant(explorable, None)
def changed_picture_in_an_explorable(cell):
    cell.outputs[0].data[VEGALITE]["layer"][0]["url"] = "data:image/jpeg;base64,/8k="


@variant(number, "no execution count")
def never_run(cell):
    cell.execution_count = None
    cell.outputs = []


@variant(number, "bad tolerance approx=abc")
def malformed_tolerance(cell):
    tag(cell, "approx=abc")


@variant(number, "Unexpected output fields from running code: {'stderr'}")
def new_line_of_stderr(cell):
    cell.source += "; import sys; print('warning', file=sys.stderr)"


@pytest.fixture(scope="module")
def failures(tmp_path_factory):
    """How pytest fails the cell of each variant: {name: text, or None if it passes}."""
    folder = tmp_path_factory.mktemp("notebook")
    shutil.copy(ROOT / "conftest.py", folder)
    (folder / "pytest.ini").write_text("[pytest]\n")
    cells = []
    for build, change, _ in VARIANTS.values():
        cell = build()
        cell.execution_count = 1
        change(cell)
        cells.append(cell)
    nbformat.write(v4.new_notebook(cells=cells), folder / "variants.ipynb")
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env"]
    command += ["-p", "no:cacheprovider", "--color=no", "--junitxml=report.xml"]
    call = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert call.returncode == 1, call.stdout + call.stderr
    cases = ElementTree.parse(folder / "report.xml").getroot().iter("testcase")
    texts = ["".join(case.itertext()) if len(case) else None for case in cases]
    return dict(zip(VARIANTS, texts, strict=True))


@pytest.mark.parametrize("name", VARIANTS)
def test_stored_outputs(failures, name):
    """Each fault fails for its own reason, and what is no fault passes."""
    _, _, expected = VARIANTS[name]
    if expected is None:
        assert failures[name] is None
    else:
        assert expected in failures[name]


def near(a, b, tolerance="0.02"):
    return Approximate(a, Decimal(tolerance)) == Approximate(b, Decimal(tolerance))


def test_what_a_comparison_counts_moves_with_its_decimals():
    text = "+{} points (better in {} of {} pairs{}): {}."
    few = "; only 12 images are answered differently"
    stored = text.format(2.0, 4, 5, "", "raises")
    assert near(stored, text.format(2.1, 5, 5, few, "raises"), "0.2")
    assert not near(stored, text.format(2.0, 4, 6, "", "raises"), "0.2")
    assert not near(stored, text.format(2.0, 4, 5, "", "undecided"), "0.2")


@pytest.mark.parametrize(
    ("stored", "computed"),
    [
        ("0.85", "0.87"),  # exactly the tolerance, in decimals, not in floats
        ("-0.0", "0.0"),
        ("−0.01", "0.01"),  # a typographic minus
        ("1e-05", "9.9e-06"),
        ("9.99 b", "10.00 b"),
        ("[1.   0.5]", "[0.99 0.5 ]"),
        ("[0.995 1.   ]", "[1.    0.999]"),
        ("[ 0.01 -0.2]", "[-0.01 -0.2]"),
        ("0.80-0.92", "0.81-0.91"),
        ("99.50%", "99.51%"),
        ("| 0.9 |\n|-----|", "| 0.91 |\n|------|"),
        ("nan 0.5", "nan  0.5"),
    ],
)
def test_decimals_within_tolerance(stored, computed):
    assert near(stored, computed)


@pytest.mark.parametrize(
    ("stored", "computed"),
    [
        ("0.85", "0.8701"),
        ("better in 5 of 5.", "better in 4 of 5."),
        ("won 5 of 5.\n0.8", "won 5 of 4.\n0.8"),
        ("version 2.21.0", "version 2.21.1"),
        ("99%", "98%"),
        ("nan", "0.5"),
        ("0.5 0.5", "0.5"),
        ("0.5", ""),
        ("yes 0.5", "no 0.5"),
        ("a b", "ab"),
        ("|--|", "|-|"),
    ],
)
def test_all_else_exactly(stored, computed):
    assert not near(stored, computed, tolerance="0.02")


@pytest.mark.parametrize("stored", ["better in 5 of 5.", "run 5.", "v5.5", "x5.5"])
def test_large_tolerance_spares_what_is_no_decimal(stored):
    assert not near(stored, stored.replace("5.", "4."), tolerance="2")


@pytest.mark.parametrize(
    "tags", [["approx"], ["approx=1e3"], ["Approx=0.1"], ["approx=0.1", "approx=0.1"]]
)
def test_malformed_tags(tags):
    with pytest.raises(ValueError, match="bad tolerance .*approx=0.02, once"):
        tolerance_of(tags)


def test_tags():
    assert tolerance_of(["nbval-ignore-output", "approx=0.02"]) == Decimal("0.02")
    assert tolerance_of(["approx=2"]) == 2
    assert tolerance_of(["nbval-ignore-output"]) is None
