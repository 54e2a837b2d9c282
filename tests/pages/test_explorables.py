"""Explorables in the book and in a deck: they move, say what they are, and print."""

import json
import shutil
import subprocess
import sys

import nbformat
import pytest

from tests.pages import play
from tests.pages.browser import chromium, off_the_machine
from tests.pages.pages import ROOT, SCREENSHOTS, Page

BOOK = """
import sys
from pathlib import Path

sys.path.insert(0, "tools/course")
import book
from sphinx.cmd.build import main

folder = Path(sys.argv[1])
book.SOURCE = folder / "source"
book.stage_notebook(folder / "chapters" / "01_play.ipynb", folder, set())
book.stage_drawings(folder)
(book.SOURCE / "references.bib").touch()
(book.SOURCE / "index.md").write_text("# Book\\n")
options = ["-q", "--fail-on-warning", "-c", "docs", "-D", "suppress_warnings=toc"]
sys.exit(main([*options, str(book.SOURCE), str(folder / "book")]))
"""
DECK = """
import sys
from pathlib import Path

sys.path.insert(0, "tools/course")
import slides

folder = Path(sys.argv[1])
made = folder / "slides"
slides.copy_assets(made / "assets")
slides.copy_drawings(folder / "chapters", made)
slides.convert(folder / "chapters" / "01_play.ipynb", slides.exporter(), made)
"""
PAGES = {"book": "book/chapters/01_play.html", "deck": "slides/01_play.html"}
DRAWN = "document.querySelectorAll('figure.playing').length === 1"
each = pytest.mark.parametrize("kind", PAGES)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with the page of a book and a deck, made from one notebook."""
    folder = tmp_path_factory.mktemp("pages")
    drawings = folder / "chapters" / "drawings"
    drawings.mkdir(parents=True)
    shutil.copy(ROOT / "chapters" / "drawings" / "workhorse.svg", drawings)
    (folder / "chapters" / "notes").mkdir()
    (folder / "chapters" / "notes" / "01.md").write_text("# Notes\n")
    nbformat.write(play.notebook(), folder / "chapters" / "01_play.ipynb")
    for program in (BOOK, DECK):
        command = [sys.executable, "-c", program, str(folder)]
        call = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert call.returncode == 0 and not call.stderr, call.stderr
    return folder


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture
def opened(made, browser):
    """Open a page, in a deck at the explorable; forget emulated media afterwards."""

    def visit(kind, width=1280, query=""):
        address = (made / PAGES[kind]).as_uri()
        browser.open(address + query, width, 800)
        browser.wait("document.readyState === 'complete'")
        if kind == "deck":
            browser.wait("document.body.dataset.ready === 'true'")
            browser.run("Reveal.slide(0, 1, 99)")
        return browser

    yield visit
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


@each
def test_without_scripts_there_is_the_picture(made, kind):
    page = Page(made / PAGES[kind])
    assert play.ALT in [image.get("alt") for image in page.images]
    assert page.without_alt() == [] == page.missing()


@each
def test_by_keyboard_a_slider_changes_the_picture(opened, kind):
    from selenium.webdriver.common.keys import Keys

    browser = opened(kind)
    browser.wait(DRAWN)
    before = play.picture(browser)
    play.reach(browser)
    play.press(browser, Keys.ARROW_RIGHT)
    browser.until(lambda: play.picture(browser) != before)
    play.press(browser, Keys.ARROW_LEFT)
    browser.until(lambda: play.picture(browser) == before)
    browser.screenshot(SCREENSHOTS / f"play_{kind}.png")
    assert off_the_machine(browser.requests()) == [] == browser.console()


@each
def test_it_has_its_words_and_its_slider_a_name(opened, kind):
    browser = opened(kind)
    browser.wait(DRAWN)
    named = "document.querySelector('figure.play [aria-roledescription=visualization]')"
    assert browser.run(f"return {named}.getAttribute('aria-label')") == play.ALT
    slider = f"document.querySelector('{play.SLIDER}')"
    assert "place" in browser.run(f"return {slider}.labels[0].textContent")
    hidden = "document.querySelector('figure.play > img').getClientRects().length"
    assert browser.run(f"return {hidden}") == 0  # else it would be read twice


@each
def test_on_paper_there_is_the_picture(opened, kind):
    browser = opened(kind)
    browser.wait(DRAWN)
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    shown = "[...document.querySelector('figure.play').children]"
    shown += ".filter(x => x.getClientRects().length).map(x => x.tagName)"
    assert browser.run(f"return {shown}") == ["IMG"]


def test_a_printed_deck_has_the_picture(opened, made, browser):
    browser.open((made / PAGES["deck"]).as_uri() + "?print-pdf", 1280, 800)
    browser.wait("document.querySelectorAll('.pdf-page').length > 0")
    assert browser.run("return document.querySelectorAll('.play svg').length") == 0
    assert browser.run("return document.querySelectorAll('.play img').length") == 1


def test_a_phone_gets_the_panels_one_below_the_other(opened):
    sizes = "const s = document.querySelector('.playing svg').getBoundingClientRect();"
    sizes += "return [s.width, s.height, document.documentElement.scrollWidth]"
    found = {}
    for width in (390, 1280):
        browser = opened("book", width)
        browser.wait(DRAWN)
        found[width] = browser.run(sizes)
    assert found[390][1] > 1.6 * found[1280][1]
    assert 300 < found[390][0] <= found[390][2] <= 390


def test_a_remote_turns_pages_while_a_slider_has_the_focus(opened):
    from selenium.webdriver.common.keys import Keys

    browser = opened("deck")
    browser.wait(DRAWN)
    play.reach(browser)
    play.press(browser, Keys.ARROW_RIGHT)
    assert browser.run("return Reveal.getIndices().h") == 0
    play.press(browser, Keys.PAGE_DOWN)
    browser.wait("Reveal.getIndices().h === 1")


@each
def test_drawings_lie_beside_the_page(opened, kind):
    browser = opened(kind)
    drawing = "document.querySelector('img[src$=\".svg\"]')"
    browser.wait(f"{drawing}.complete")
    assert browser.run(f"return {drawing}.naturalWidth") > 0
    assert browser.run(f"return {drawing}.alt") == "A drawing of a network."


def test_pages_without_explorables_do_without_the_script(made):
    assert "explorables.js" in (made / PAGES["book"]).read_text(encoding="utf-8")
    index = made / "book" / "index.html"
    assert "explorables.js" not in index.read_text(encoding="utf-8")


def test_words_in_a_specification_cannot_end_its_script():
    sys.path.insert(0, str(ROOT / "tools" / "course"))
    from explorables import MIME, figure

    spec = {"title": "</script><b>", "width": 1}
    text = figure({MIME: spec, "image/png": "AAAA"}, 'a "quoted" text')
    assert text.count("</script>") == 1 and "a &quot;quoted&quot; text" in text
    inside = text.split(f'<script type="{MIME}">')[1].split("</script>")[0]
    assert json.loads(inside) == spec
