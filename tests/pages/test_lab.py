"""JupyterLab as `course.py lab` starts it: it asks nothing, and changes no chapter."""

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.notebooks.test_notebooks import CHAPTERS
from tests.pages import play
from tests.pages.browser import chromium, off_the_machine
from tests.pages.pages import ROOT, SCREENSHOTS

sys.path.insert(0, str(ROOT / "tools" / "author"))
import canonical  # noqa: E402

START = "import course, sys; course.lab(sys.executable, sys.argv[1:])"
OPTIONS = ["--no-browser", "--ServerApp.port=0", "--IdentityProvider.token="]
TAB = "document.querySelector('.lm-TabBar-tab.jp-mod-current')"
PANEL = "document.querySelector('.jp-NotebookPanel')"
PLAY = "10_play.ipynb"
STATUS = f"{PANEL}?.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A course of one chapter: a learner's own stays out of this."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "chapters").mkdir()
    shutil.copy(CHAPTERS[0], folder / "chapters")
    notebook = play.notebook()
    notebook.metadata.update(canonical.NOTEBOOK_METADATA)
    canonical.write(folder / "chapters" / PLAY, notebook)
    shutil.copytree(ROOT / "chapters" / "drawings", folder / "chapters" / "drawings")
    shutil.copy(ROOT / "course.py", folder)
    shutil.copytree(ROOT / "tools", folder / "tools")
    return folder


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def server(folder, browser):
    """The address of JupyterLab, and the lines that it goes on to print."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("JUPYTER")}
    process = subprocess.Popen(
        [sys.executable, "-c", START, *OPTIONS],
        cwd=folder,
        env=kept | {"HOME": str(folder / "home"), "PYTHONPATH": str(folder)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        for line in process.stderr:
            if found := re.search(r"http://127\.0\.0\.1:\d+/", line):
                browser.until(lambda: answers(f"{found[0]}api"))
                yield found[0], process.stderr
                break
    finally:  # nothing of it is to be saved; asked to end, it may hang in doing so
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(address):
    try:
        return urlopen(address).status == 200
    except URLError:
        return False


def asked(address):
    with urlopen(address) as answer:
        return json.load(answer)


def test_nobody_is_asked_about_news(server):
    setting = "@jupyterlab/apputils-extension:notification"
    schema = asked(f"{server[0]}lab/api/settings/{setting}")["schema"]
    assert schema["properties"]["fetchNews"]["default"] == "false"
    assert schema["properties"]["checkForUpdates"]["default"] is False


def test_opening_and_saving_a_chapter_changes_nothing(browser, server, folder):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    chapter = folder / "chapters" / CHAPTERS[0].name
    before, written = chapter.read_bytes(), chapter.stat().st_mtime_ns
    address, lines = server
    browser.open(f"{address}lab/tree/chapters/{chapter.name}", 1400, 900)
    said = list(itertools.takewhile(lambda line: "Kernel started" not in line, lines))
    assert [line for line in said if "non-installed" in line] == []
    # Idle without a kernel comes first, and counts for nothing.
    browser.until(lambda: asked(f"{address}api/kernels")[0]["connections"])
    browser.wait(f"{STATUS} === 'idle'")
    assert "jp-mod-dirty" not in browser.run(f"return {TAB}.className")
    assert browser.run("return document.querySelectorAll('.jp-Dialog').length") == 0

    browser.run(f"{PANEL}.querySelector('.jp-Notebook').focus()")
    actions = ActionChains(browser.driver)
    actions.key_down(Keys.CONTROL).send_keys("s").key_up(Keys.CONTROL).perform()
    unfinished = chapter.with_name(f".~{chapter.name}")  # until all is written
    browser.until(
        lambda: chapter.stat().st_mtime_ns != written and not unfinished.exists()
    )
    assert chapter.read_bytes() == before


def test_an_explorable_moves_without_a_kernel(browser, server, folder):
    """JupyterLab draws what is stored; it moves by key, and the file stays as it is."""
    from selenium.webdriver.common.keys import Keys

    stored = folder / "chapters" / PLAY
    before, (address, _) = stored.read_bytes(), server
    browser.open(f"{address}lab/tree/chapters/{PLAY}?reset", 1400, 900)
    place = ".jp-OutputArea-output .vega-embed"
    browser.wait(f"document.querySelector('{place} {play.SLIDER}') !== null")
    browser.wait(f"document.querySelector('{place} svg path') !== null")
    drawn = play.picture(browser, place)
    slider = browser.driver.find_element("css selector", f"{place} {play.SLIDER}")

    def moved():
        """JupyterLab takes the focus itself until all is loaded: then again."""
        browser.run("arguments[0].focus()", slider)
        play.press(browser, Keys.ARROW_RIGHT)
        return play.picture(browser, place) != drawn

    browser.until(moved)
    named = f"document.querySelector('{place} [aria-roledescription=visualization]')"
    named += (
        f" ?? document.querySelector('{place}[aria-roledescription=visualization]')"
    )
    assert browser.run(f"return ({named}).getAttribute('aria-label')") == play.ALT
    drawing = "document.querySelector('.jp-RenderedMarkdown img')"
    browser.wait(f"{drawing}?.naturalWidth > 0")
    assert off_the_machine(browser.requests()) == []
    assert "jp-mod-dirty" not in browser.run(f"return {TAB}.className")
    browser.screenshot(SCREENSHOTS / "play_lab.png")
    assert stored.read_bytes() == before
