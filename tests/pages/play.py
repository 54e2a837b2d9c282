"""A notebook with one explorable, as `plots.play` stores it, for tests of pages."""

import base64
from unittest.mock import patch

import altair as alt
import pandas as pd
from nbformat import v4

from utils import plots
from utils.plots import explorables

ALT = "A point on a line, and a slider that moves it; the bars stay."
SLIDER = "input[type=range]"


def chart():
    points = plots.inline("points", pd.DataFrame({"x": range(11)}))
    base = alt.Chart(points).encode(x="x:Q", y="x:Q")
    left = base.transform_filter("datum.x == place").mark_point(size=200)
    right = base.mark_bar().properties(width=280)
    panels = alt.hconcat(left.properties(width=280), right)
    return panels.add_params(plots.slider("place", 3, 0, 10))


def notebook():
    """A title, a drawing, and an explorable: what a chapter has of them."""
    with patch.object(explorables, "display") as display:
        plots.play(chart(), ALT)
    (data,), settings = display.call_args
    data["image/png"] = base64.b64encode(data["image/png"]).decode()
    output = v4.new_output("display_data", data, metadata=settings["metadata"])
    code = v4.new_code_cell("plots.play(chart, text)", outputs=[output])
    code.execution_count = 1
    drawing = "![A drawing of a network.](drawings/workhorse.svg)"
    cells = [
        v4.new_markdown_cell(f"# 01 A title\n\n{drawing}"),
        v4.new_markdown_cell("**Play.** Where is the point?"),
        code,
        v4.new_markdown_cell("# 02 The next slide"),
        v4.new_markdown_cell("# 03 The last slide"),
    ]
    kinds = ["slide", "subslide", "fragment", "slide", "slide"]
    for number, (cell, kind) in enumerate(zip(cells, kinds, strict=True)):
        cell.id = f"cell-{number}"
        cell.metadata.slideshow = {"slide_type": kind}
    return v4.new_notebook(cells=cells)


def reach(browser, most=60):
    """Press Tab until a slider has the focus; returns how often it took."""
    from selenium.webdriver.common.keys import Keys

    for count in range(1, most + 1):
        press(browser, Keys.TAB)
        if browser.run(f"return document.activeElement.matches('{SLIDER}')"):
            return count
    raise AssertionError(f"no slider within {most} steps of Tab")


def press(browser, *keys):
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(browser.driver).send_keys(*keys).perform()


def picture(browser, place="figure.playing"):
    """What is drawn, as text: where each mark is, and each word."""
    marks = f"[...document.querySelectorAll('{place} svg :is(path, text)')]"
    seen = "[x.getAttribute('d'), x.getAttribute('transform'), x.textContent]"
    return browser.run(f"return {marks}.map((x) => {seen}.join(' ')).join('\\n')")
