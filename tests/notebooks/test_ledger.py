"""The chapters' verdicts and the table of the evidence say the same.

A verdict in bold in a Summary has a row in docs/evidence.csv: the bullet links to it.
"""

import re

import nbformat
import pytest

from tests.notebooks.test_notebooks import CHAPTERS, each, read
from utils.plots import evidence

TABLE = evidence.read()
MEASURED = [path for path in CHAPTERS if path.stem[:2] in set(TABLE["chapter"])]
VERDICTS = {"raises": "raise", "lowers": "lower", "undecided": "undecided"}
LINK = re.compile(r"\[(E\d\d\.\d)\]\(\.\./docs/evidence\.md#(\w+)\)")


def bullets(notebook):
    """The points of the Summary."""
    (text,) = (c.source for c in notebook.cells if c.source.startswith("## Summary"))
    return re.split(r"\n(?=- |\d\. )", text)[1:]


def faults(notebook):
    """What the Summary says without a row, or otherwise than its row."""
    found = []
    for bullet in bullets(notebook):
        links = LINK.findall(bullet)
        if re.search(r"\*\*(raise|lower|undecided)", bullet) and not links:
            found.append(f"no row: {bullet}")
        for name, anchor in links:
            rows = TABLE[TABLE["id"] == name]
            if anchor != name.lower().replace(".", "") or rows.empty:
                found.append(f"no row {name} at #{anchor}")
            elif not any(said(row, bullet) for _, row in rows.iterrows()):
                found.append(f"not what {name} says in any world: {bullet}")
    return found


def said(row, bullet):
    """Whether a bullet has a row's verdicts at both ends."""
    return all(VERDICTS[row[f"verdict_{at}"]] in bullet for at in evidence.ENDS)


@each(MEASURED)
def test_a_summary_says_what_its_rows_say(path):
    assert faults(read(path)) == []


@each(MEASURED)
def test_a_summary_links_to_rows(path):
    assert any(LINK.search(bullet) for bullet in bullets(read(path)))


@each(MEASURED)
def test_a_chapter_looks_elsewhere_before_it_ends(path):
    sources = [cell.source for cell in read(path).cells]
    at = {
        heading: next(i for i, s in enumerate(sources) if s.startswith(heading))
        for heading in ("## Elsewhere", "## Your guesses")
    }
    assert at["## Elsewhere"] < at["## Your guesses"]
    assert f'plots.elsewhere("{path.stem[:2]}")' in sources[at["## Elsewhere"] + 1]


E051 = "[E05.1](../docs/evidence.md#e051)"  # raises at both ends in all worlds


@pytest.mark.parametrize(
    ("bullet", "fault"),
    [
        (f"- It **raises** it ({E051}).", None),
        ("- It has two modes.", None),
        ("- It **raises** it.", "no row:"),
        (f"- It **lowers** it ({E051}).", "not what E05.1 says"),
        (f"- It **raises** it ({E051.replace('#e051', '#e052')}).", "no row E05.1 at"),
        (f"- It **raises** it ({E051.replace('5.1', '5.9')}).", "no row E05.9 at"),
    ],
)
def test_a_summary_that_says_otherwise_is_found(bullet, fault):
    cell = nbformat.v4.new_markdown_cell(f"## Summary\n\n{bullet}")
    found = faults(nbformat.v4.new_notebook(cells=[cell]))
    assert [one.startswith(fault) for one in found] == ([True] if fault else [])
