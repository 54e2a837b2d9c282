"""The drawings beside the chapters: small, legible, light and dark, and in use."""

import re
from xml.etree import ElementTree

import pytest

from tests.notebooks.test_notebooks import CHAPTERS, IN_DEPTH, read
from tests.pages.browser import chromium, off_the_machine
from tests.pages.pages import ROOT, SCREENSHOTS

DRAWINGS = sorted((ROOT / "chapters" / "drawings").glob("*.svg"))
CHINESE = sorted((ROOT / "chapters" / "zh" / "drawings").glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"
MOST_BYTES = 30_000
PHONE = 350  # pixels: the text of a page on a phone
SMALLEST = 10  # pixels of type there
CONTRAST = 4.5  # WCAG 2, level AA
IMAGE = re.compile(r"!\[([^\]]*)\]\((?:\.\./)?drawings/([\w-]+\.svg)\)")
each = pytest.mark.parametrize(
    "path",
    DRAWINGS + CHINESE,
    ids=lambda path: f"{path.parent.parent.name}-{path.stem}",
)

# Of each text: its words, its colour and that of the first surface under its middle,
# its size, and how far it reaches out of the drawing.
TEXTS = """
const [, , width, height] = document.documentElement.getAttribute("viewBox").split(" ");
const scale = document.documentElement.getBoundingClientRect().width / width;
return [...document.querySelectorAll("text")].map((text) => {
  const box = text.getBoundingClientRect();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const filled = (element) => element.matches("rect, circle, ellipse") &&
    getComputedStyle(element).fill !== "none";
  const paper = document.querySelector(".paper");
  const under = document.elementsFromPoint(x, y).find(filled) ?? paper;
  const look = getComputedStyle(text);
  const out = Math.max(-box.left, -box.top, box.right - width * scale,
    box.bottom - height * scale) / scale;
  return [text.textContent, look.fill, getComputedStyle(under).fill,
    parseFloat(look.fontSize) / width, out];
});
"""


def faults(svg):
    """What is wrong with the text of a drawing."""
    root = ElementTree.fromstring(svg)
    found = []
    if root.tag != f"{SVG}svg" or not root.get("viewBox", "").startswith("0 0 "):
        found.append("no viewBox from 0 0")
    named = (root.get("aria-labelledby") or "").split()
    for name in ("title", "desc"):
        element = root.find(f"{SVG}{name}")
        if element is None or not (element.text or "").strip():
            found.append(f"no {name}")
        elif element.get("id") not in named:
            found.append(f"{name} names nothing")
    if len(svg.encode()) > MOST_BYTES:
        found.append("too large")
    outside = re.sub(r"http://www\.w3\.org/2000/svg", "", svg)
    if re.search(r"https?:|@import|<script|<image|<foreignObject", outside):
        found.append("fetches or runs something")
    if "prefers-color-scheme: dark" not in svg:
        found.append("no dark colours")
    return found


@each
def test_form(path):
    assert faults(path.read_text(encoding="utf-8")) == []


def used():
    """(notebook, alternative text, drawing) of each image in the chapters."""
    for path in CHAPTERS + IN_DEPTH:
        text = "\n".join(
            c.source for c in read(path).cells if c.cell_type == "markdown"
        )
        for alternative, name in IMAGE.findall(text):
            yield path, alternative, name


def test_every_drawing_is_used_and_is_there():
    images = list(used())
    if not images:
        pytest.skip("no chapter shows a drawing yet")
    assert {name for _, _, name in images} == {path.name for path in DRAWINGS}
    assert [name for _, words, name in images if len(words.split()) < 5] == []


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


def luminance(colour):
    rgb = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    rgb = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
    return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]


def contrast(one, other):
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def texts(browser, path, scheme):
    feature = {"name": "prefers-color-scheme", "value": scheme}
    emulate = browser.driver.execute_cdp_cmd
    emulate("Emulation.setEmulatedMedia", {"features": [feature]})
    browser.open(path.as_uri(), 1280, 900)
    return browser.run(TEXTS)


def hard_to_read(found):
    """The words that are too pale, too small on a phone, or stick out."""
    return [
        (words, round(contrast(ink, paper), 1), round(size * PHONE, 1), round(out))
        for words, ink, paper, size, out in found
        if contrast(ink, paper) < CONTRAST or size * PHONE < SMALLEST or out > 0
    ]


@each
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_chromium_words_can_be_read(browser, path, scheme):
    found = texts(browser, path, scheme)
    assert found and hard_to_read(found) == []
    browser.screenshot(
        SCREENSHOTS / f"drawing_{path.parent.parent.name}_{path.stem}_{scheme}.png"
    )
    assert off_the_machine(browser.requests()) == [] == browser.console()


def test_a_dark_page_gets_the_dark_drawing(browser):
    for scheme, least, most in (("light", 0.5, 1), ("dark", 0, 0.1)):
        grounds = [ground for _, _, ground, *_ in texts(browser, DRAWINGS[0], scheme)]
        assert least <= min(map(luminance, grounds))
        assert max(map(luminance, grounds)) <= most


def test_faults_are_found(browser, tmp_path):
    good = DRAWINGS[0].read_text(encoding="utf-8")
    broken = good.replace('<desc id="desc">', '<desc id="other">')
    broken = broken.replace("</svg>", '<image href="https://example.org/a.png"/></svg>')
    assert faults(broken) == ["desc names nothing", "fetches or runs something"]
    words = (
        "<text x='9' y='30' style='fill: #999; font-size: 9px'>pale and small</text>"
    )
    words += "<text x='560' y='60'>sticks far out of it</text></svg>"
    file = tmp_path / "broken.svg"
    file.write_text(good.replace("</svg>", words), encoding="utf-8")
    found = hard_to_read(texts(browser, file, "light"))
    assert [words for words, *_ in found] == ["pale and small", "sticks far out of it"]
