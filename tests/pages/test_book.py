"""The book: complete, offline, with every link, figure and formula in place."""

import ast
import importlib
import re
import subprocess
import sys
from urllib.parse import unquote, urlsplit

import nbformat
import pytest

from tests.notebooks.test_notebooks import CHAPTERS, IN_DEPTH, notes
from tests.pages.browser import chromium, off_the_machine
from tests.pages.pages import ROOT, SCREENSHOTS, Page, build

CHAPTER = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
PAGE = pytest.mark.parametrize(
    "path", CHAPTERS + IN_DEPTH, ids=lambda path: f"{path.parent.name}-{path.stem}"
)
DOCS = (
    "prerequisites notation symptoms teaching notes ci scaling glossary api references "
    "errata evidence"
)
PAGES = ["index", "genindex", "search", "chapters/index"]
PAGES += [f"docs/{name}" for name in DOCS.split()]
DRAWN = "return document.querySelectorAll('.math > mjx-container').length"
MARKED = "return document.querySelectorAll('.math').length"
PHONE, DESKTOP = (390, 844), (1280, 900)


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    return build("book", tmp_path_factory.mktemp("book"))


@pytest.fixture(scope="module")
def pages(book):
    """Every page, parsed, by its path."""
    made = [path for path in book.rglob("*.html") if "_static" not in path.parts]
    return {path: Page(path) for path in made}


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


def text(book, name):
    return (book / f"{name}.html").read_text(encoding="utf-8")


def name_of(path):
    """The page that a notebook becomes."""
    return str(path.relative_to(ROOT).with_suffix(""))


def test_every_page_is_there(book):
    names = [*PAGES, *map(name_of, CHAPTERS + IN_DEPTH)]
    assert [name for name in names if not (book / f"{name}.html").exists()] == []


def test_pages_load_what_lies_beside_them(pages):
    missing = {page.path.name: page.missing() for page in pages.values()}
    assert {name: urls for name, urls in missing.items() if urls} == {}


def test_every_link_leads_somewhere(pages):
    dead = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = path
            if parts.path:
                target = (path.parent / unquote(parts.path)).resolve()
            there = target.exists()
            if there and parts.fragment and target in pages:
                there = unquote(parts.fragment) in pages[target].ids
            if not there:
                dead.append((path.name, link))
    assert dead == []


def test_every_figure_has_an_alternative_text(pages):
    without = {page.path.name: page.without_alt() for page in pages.values()}
    assert {name: images for name, images in without.items() if images} == {}


@PAGE
def test_a_page_shows_what_is_stored(book, path):
    page = " ".join(re.sub(r"<[^>]+>", "", text(book, name_of(path))).split())
    cells = nbformat.read(path, as_version=4).cells
    alts = [
        output.metadata["image/png"]["alt"]
        for cell in cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    shown = [image["alt"] for image in Page(book / f"{name_of(path)}.html").images]
    assert [alt for alt in alts if alt not in shown] == []
    printed = [o.text for c in cells for o in c.get("outputs", []) if "text" in o]
    lines = [line for text in printed for line in text.splitlines() if line.isascii()]
    plain = [line for line in lines if line.strip() and not re.search("[<>&'\"]", line)]
    assert plain
    assert [line for line in plain if " ".join(line.split()) not in page] == []


def test_what_the_speaker_says_has_a_page_of_its_own(book):
    page = " ".join(re.sub(r"<[^>]+>", "", text(book, "docs/notes")).split())
    said = [note for path in CHAPTERS for note in notes.notes(path).values()]
    first = [re.split("[.:?]", note)[0] for note in said]
    plain = [words for words in first if not re.search("[<>&'\"`*$’]", words)]
    assert plain
    assert [words for words in plain if " ".join(words.split()) not in page] == []


def test_symptoms_are_told_and_remedied():
    page = (ROOT / "docs" / "symptoms.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 12
    for row in rows:
        *words, chapters = (cell.strip() for cell in row.strip("|").split("|"))
        assert len(words) == 4 and all(words), row
        assert re.search(r"\b0[1-9]\b", chapters), row


def test_the_glossary_gives_the_chinese_terms():
    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    terms = re.findall(r"^(?!#|Terms|`|  )(\S.*)$", page, re.MULTILINE)
    assert len(terms) >= 40
    bare = [term for term in terms if not re.search("[\u4e00-\u9fff]", term)]
    assert bare == ["AdamW"]  # a name
    assert terms == sorted(terms, key=str.lower)


def imported(path):
    """The modules and names of utils that a chapter imports, as utils.data.load."""
    cells = nbformat.read(path, as_version=4).cells
    sources = [cell.source for cell in cells if cell.cell_type == "code"]
    for statement in ast.walk(ast.parse("\n".join(sources))):
        if isinstance(statement, ast.ImportFrom) and "utils" in statement.module:
            yield from (f"{statement.module}.{name.name}" for name in statement.names)


@PAGE
def test_what_a_chapter_imports_is_documented(book, path):
    api = text(book, "docs/api")
    names = list(imported(path))
    assert names
    entries = [(f'id="{name}"', f'id="module-{name}"') for name in names]
    assert [e for e in entries if e[0] not in api and e[1] not in api] == []


PACKAGES = ["check", "data", "plots", "study"]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_documented(book, package):
    module, page = importlib.import_module(f"utils.{package}"), text(book, "docs/api")
    names = [name for name in module.__all__ if callable(getattr(module, name))]
    assert [name for name in names if f'id="utils.{package}.{name}"' not in page] == []


def test_docstrings_have_their_sections(book):
    """What napoleon makes of them: an Args section is a list, a source a heading."""
    page = text(book, "docs/api")
    entry = page[page.index('id="utils.scratch.dropout_forward"') :]
    entry = entry[: entry.index("</dl>\n</dd></dl>")]
    plain = re.sub(r"<[^>]+>", "", entry)
    for heading in ("Parameters", "Returns", "Raises", "Source"):
        assert heading in plain
    assert "Args:" not in re.sub(r"<[^>]+>", "", page)


def test_what_is_fetched_or_has_no_text_is_found(tmp_path):
    page = tmp_path / "page.html"
    page.write_text(
        "<script src='https://example.org/a.js'></script><img src='data:,' alt=''>"
        "<link rel='stylesheet' href='gone.css'><img src='page.html' alt='A page.'>"
    )
    assert Page(page).missing() == ["https://example.org/a.js", "gone.css"]
    assert Page(page).without_alt() == ["data:,"]


def test_a_dead_link_stops_the_build(tmp_path):
    (tmp_path / "index.md").write_text("# Page\n\n[words](nowhere.md#at-all)\n")
    settings = ["-D", "extensions=myst_parser", "-D", "html_theme=basic", "-C"]
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "-q", *settings]
    command += [str(tmp_path), str(tmp_path / "made")]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1
    assert "nowhere.md" in result.stderr


def test_in_chromium_every_page_fits_and_nothing_is_fetched(book, pages, browser):
    looked_at = {
        "index": "landing",
        f"chapters/{CHAPTERS[-1].stem}": "chapter",
        "docs/symptoms": "symptoms",
    }
    wide, errors, fetched = [], [], []
    chapters = set(map(name_of, CHAPTERS + IN_DEPTH))
    for path in sorted(pages):
        name = str(path.relative_to(book).with_suffix(""))
        sizes = [PHONE, DESKTOP] if name in looked_at else [PHONE]
        for size in sizes:
            browser.open(path.as_uri(), *size)
            browser.wait("document.readyState === 'complete'")
            loaded = browser.run("return Boolean(window.MathJax)")
            assert loaded or name not in chapters, name
            if loaded:
                browser.wait("window.MathJax.startup !== undefined")
                browser.driver.execute_async_script(
                    "MathJax.startup.promise.then(arguments[0])"
                )
                assert "$" not in browser.run(
                    "return [...document.querySelectorAll('.math')]"
                    ".map(x => x.textContent).join('')"
                )
                merror = "return document.querySelectorAll('mjx-merror').length"
                assert browser.run(merror) == 0
                if name in chapters:
                    assert browser.run(DRAWN) == browser.run(MARKED) > 0, name
            if browser.run("return document.documentElement.scrollWidth") > size[0]:
                wide.append((name, size))
            fetched += off_the_machine(browser.requests())
            errors += browser.console()
            if name in looked_at:
                picture = f"book_{looked_at[name]}_{size[0]}.png"
                browser.screenshot(SCREENSHOTS / picture)
    assert (wide, errors, fetched) == ([], [], [])


@pytest.mark.parametrize("words, page", [("dropout", "03_"), ("随机失活", "glossary")])
def test_search_answers_offline(book, browser, words, page):
    browser.open((book / "search.html").as_uri() + f"?q={words}")
    browser.wait(f"document.querySelector('#search-results li a[href*=\"{page}\"]')")
    assert off_the_machine(browser.requests()) == []
    assert browser.console() == []


def test_the_keyboard_reaches_content_search_and_next_page(book, browser):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    def press(*keys):
        actions = ActionChains(browser.driver)
        *held, last = keys
        for key in held:
            actions.key_down(key)
        actions.send_keys(last)
        for key in held:
            actions.key_up(key)
        actions.perform()

    browser.open((book / "index.html").as_uri(), *DESKTOP)
    press(Keys.TAB)
    assert "main content" in browser.run("return document.activeElement.textContent")
    press(Keys.CONTROL, "k")
    browser.wait("document.activeElement.matches('input[type=search]')")
    press(Keys.ESCAPE)
    browser.run("document.activeElement.blur()")
    press(Keys.ARROW_RIGHT)
    browser.wait("location.pathname.endsWith('chapters/index.html')")
