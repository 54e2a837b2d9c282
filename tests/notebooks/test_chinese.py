"""The Chinese edition is in step: complete, faithful, and made from its catalogues."""

import re
from itertools import chain

import pytest

from tests.notebooks.test_notebooks import (
    CHAPTERS,
    EXERCISES,
    ROOT,
    SOLUTIONS,
    canonical,
    each,
    read,
)

polib = pytest.importorskip("polib")

import edition  # noqa: E402
import parity  # noqa: E402
import sources  # noqa: E402
import translate  # noqa: E402

CATALOGUES = sources.catalogues() if SOLUTIONS else {}
ZH = ROOT / "chapters" / "zh"
pytestmark = pytest.mark.skipif(not SOLUTIONS, reason="a copy without solutions")


@pytest.mark.parametrize(
    "file", CATALOGUES, ids=lambda file: str(file.relative_to(edition.LOCALE))
)
def test_a_catalogue_is_finished(file):
    """Up to date, nothing fuzzy or missing; code, formulas, links, numbers are kept."""
    assert translate.catalogue_faults(file, CATALOGUES[file]) == []


def test_what_is_stored_in_chinese_is_what_the_tool_makes():
    assert translate.generate(check=True) == []


def test_no_catalogue_is_left_over():
    assert set(edition.LOCALE.rglob("*.po")) == set(CATALOGUES)


def without_words(notebook):
    """The cells of a notebook less their prose and the words for pictures."""
    for output in edition.alternatives(notebook):
        output.metadata["image/png"]["alt"] = output.data["text/plain"] = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = ""
    return notebook.cells


@each(CHAPTERS + EXERCISES)
def test_code_ids_tags_and_outputs_are_the_english_ones(path):
    made = translate.place(path)
    assert made.is_relative_to(ZH)
    assert without_words(read(made)) == without_words(read(path))
    assert canonical.faults(made) == []


@each(CHAPTERS + EXERCISES)
def test_what_is_read_in_chinese_shares_its_parts_with_the_english(path):
    """Links aside: they lead on from another folder, and are looked at below."""
    pairs = zip(read(path).cells, read(translate.place(path)).cells, strict=True)
    for english, chinese in pairs:
        if english.cell_type == "markdown":
            ours, theirs = parity.parts(english.source), parity.parts(chinese.source)
            ours.pop("links"), theirs.pop("links")
            assert ours == theirs, english.id


STORED = [translate.place(path) for path in CHAPTERS + EXERCISES]
STORED.append(ROOT / "README.zh.md")
LINK = re.compile(r"\]\((?!\w+:)([^)\s#]*)(?:#([^)\s]*))?\)")


def texts(path):
    if path.suffix == ".md":
        return [path.read_text(encoding="utf-8")]
    return [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]


def dead(path):
    """The links of a stored file that lead to no file, or to no heading of it."""
    for file, anchor in LINK.findall("\n".join(texts(path))):
        target = (path.parent / file).resolve() if file else path
        if not target.exists():
            yield file
        elif anchor and anchor not in chain(*edition.slugs(texts(target))):
            yield f"{file}#{anchor}"


@each(STORED)
def test_links_of_what_is_stored_lead_to_files_and_headings(path):
    assert list(dead(path)) == []


def test_a_dead_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# 标题\n\n[a](#标题) [b](#没有) [c](gone.md) [d](https://e.org)\n")
    assert list(dead(page)) == ["#没有", "gone.md"]
