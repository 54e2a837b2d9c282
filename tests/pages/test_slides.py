"""The slides: complete, offline, and each of them inside 1280 × 720."""

import subprocess
import sys

import nbformat
import pytest

import course
from tests.notebooks.test_notebooks import CHAPTERS, notes
from tests.pages.browser import chromium, off_the_machine
from tests.pages.pages import ROOT, SCREENSHOTS, Page, build

CHAPTER = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
SLIDES = "Reveal.getSlides().filter(slide => !slide.querySelector('section'))"
SIZES = f"""return {SLIDES}.map(slide => {{
    const {{h, v}} = Reveal.getIndices(slide);
    Reveal.slide(h, v, 99);
    const name = slide.querySelector('[id]')?.id ?? 'no id';
    return [name, slide.scrollHeight, slide.scrollWidth];
}})"""


def cells(path, *kinds):
    notebook = nbformat.read(path, as_version=4)
    return [c for c in notebook.cells if c.metadata.slideshow.slide_type in kinds]


@pytest.fixture(scope="module")
def decks(tmp_path_factory):
    return build("slides", tmp_path_factory.mktemp("slides"))


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


def show(browser, page, query=""):
    browser.open(page.as_uri() + query)
    browser.wait("document.body.dataset.ready === 'true'")


def too_large(sizes):
    """'slides that do not fit': those over 1280 × 720, by their first cell."""
    return [size for size in sizes if size[1] > 720 or size[2] > 1280]


@CHAPTER
def test_a_deck_loads_what_lies_beside_it(decks, path):
    page = Page(decks / f"{path.stem}.html")
    assert len(page.loads) > 5
    assert page.missing() == []


@CHAPTER
def test_every_figure_has_an_alternative_text(decks, path):
    page = Page(decks / f"{path.stem}.html")
    assert page.images
    assert page.without_alt() == []


@CHAPTER
def test_notes_are_the_speakers_and_skipped_cells_stay_out(decks, path):
    text = (decks / f"{path.stem}.html").read_text(encoding="utf-8")
    assert text.count('<aside class="notes">') == len(notes.notes(path))
    for cell in cells(path, "skip"):
        assert f'id="cell-id={cell.id}"' not in text
    for cell in cells(path, "slide", "subslide"):
        assert f'id="cell-id={cell.id}"' in text


def test_the_overview_lists_every_deck(decks):
    page = Page(decks / "index.html")
    assert page.missing() == []
    for path in CHAPTERS:
        assert f"{path.stem}.html" in page.links
        assert f"{path.stem}.html?print-pdf" in page.links


@CHAPTER
def test_in_chromium_slides_fit_and_nothing_is_fetched(decks, browser, path):
    show(browser, decks / f"{path.stem}.html")
    sizes = browser.run(SIZES)
    assert len(sizes) >= len(cells(path, "slide", "subslide"))
    assert too_large(sizes) == [], "slides that do not fit"
    formulas = browser.run("return document.querySelectorAll('mjx-container').length")
    assert formulas or not any("$" in c.source for c in cells(path, "slide"))
    assert browser.run("return document.querySelectorAll('mjx-merror').length") == 0
    for number in (0, len(sizes) // 2, len(sizes) - 2):
        browser.run(
            f"const {{h, v}} = Reveal.getIndices({SLIDES}[{number}]);"
            "Reveal.slide(h, v, 99)"
        )
        browser.screenshot(SCREENSHOTS / f"slides_{path.stem}_{number + 1:02}.png")
    requests = browser.requests()
    assert any("reveal.js" in url for url in requests)
    assert off_the_machine(requests) == []
    assert browser.console() == []


def test_in_chromium_chinese_slides_fit(decks, browser):
    made = build("slides", decks.parent, "--lang", "zh") / "zh"
    assert len(Page(made / "index.html").links) == 2 * len(CHAPTERS)
    for path in CHAPTERS:
        deck = made / f"{path.stem}.html"
        assert '<html lang="zh">' in deck.read_text(encoding="utf-8")
        assert Page(deck).missing() == [] == Page(deck).without_alt()
        show(browser, deck)
        sizes = browser.run(SIZES)
        assert len(sizes) >= len(cells(path, "slide", "subslide"))
        assert too_large(sizes) == [], "slides that do not fit"
        browser.screenshot(SCREENSHOTS / f"slides_zh_{path.stem}.png")
    assert browser.console() == []
    assert (decks / "index.html").exists(), "the English decks stay"


def test_a_slide_that_does_not_fit_is_found(decks, browser):
    """The fault itself: 40 lines that may not become smaller than the smallest."""
    show(browser, decks / f"{CHAPTERS[0].stem}.html")
    browser.run(
        f"const slide = {SLIDES}[1], tall = document.createElement('pre');"
        "tall.textContent = 'a line\\n'.repeat(60); slide.append(tall); fit(slide)"
    )
    assert len(too_large(browser.run(SIZES))) == 1


def test_a_request_off_the_machine_and_an_error_are_found(browser, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<img src='http://example.org/x.png'><script>nothing()</script>")
    browser.open(page.as_uri())
    browser.wait("document.readyState === 'complete'")
    assert off_the_machine(browser.requests()) == ["http://example.org/x.png"]
    assert any("nothing is not defined" in line for line in browser.console())


def test_the_speakers_window_shows_the_notes(decks, browser):
    show(browser, decks / f"{CHAPTERS[0].stem}.html")
    browser.run(
        "const open = window.open; window.open = (...a) => window.other = open(...a);"
        "Reveal.slide(1); Reveal.getPlugin('notes').open()"
    )
    shown = "window.other.document.querySelector('.speaker-controls-notes .value')"
    browser.wait(f"{shown}?.textContent.trim().length > 0")
    _, second, *_ = notes.notes(CHAPTERS[0]).values()
    assert second.split(".")[0] in browser.run(f"return {shown}.textContent")
    browser.run("window.other.close()")


def test_printing_gives_one_page_a_slide(decks, browser):
    show(browser, decks / f"{CHAPTERS[0].stem}.html", "?print-pdf")
    browser.wait("document.querySelectorAll('.pdf-page').length > 0")
    pages = browser.run("return document.querySelectorAll('.pdf-page').length")
    assert pages >= len(cells(CHAPTERS[0], "slide", "subslide"))
    assert off_the_machine(browser.requests()) == []


@pytest.mark.parametrize("tool", [tool for tool, _ in course.COMMANDS.values() if tool])
def test_help_needs_nothing_installed(tool):
    command = [sys.executable, "-S", ROOT / "tools" / "course" / tool, "--help"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "course.py" in result.stdout
