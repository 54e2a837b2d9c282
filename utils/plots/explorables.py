"""Charts with a slider, drawn by the reader's browser: no kernel, no network.

An explorable is an Altair chart whose data are all inside its specification. `play`
stores it with a PNG for where nothing moves: GitHub, a print, a page without scripts.
JupyterLab draws the specification by itself, with the Vega-Lite 5.6 that it brings:
use nothing that came later.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import altair as alt
import pandas as pd
import vl_convert
from IPython.display import display

from utils.plots.style import COLOURS, in_few_colours

MIME = "application/vnd.vegalite.v5+json"
SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"  # a name: never fetched
LIKE_JUPYTERLABS = "5.8"  # the oldest Vega-Lite that vl-convert knows
INK, GREY, PALE = "#222222", "#595959", "#c8c8c8"
PANEL = {"width": 280, "height": 230}  # two of them: a page; one: a phone
SEEN, NEW = COLOURS[:2]  # training, and what was not trained on: as in all figures

# Every colour is named, so that a dark theme cannot put white letters on white.
LOOK = {
    "axis": {
        "domainColor": GREY,
        "gridColor": "#e4e4e4",
        "labelColor": INK,
        "labelFontSize": 13,
        "tickColor": GREY,
        "titleColor": INK,
        "titleFontSize": 14,
        "titleFontWeight": "normal",
    },
    "font": "sans-serif",
    "legend": {"labelColor": INK, "labelFontSize": 14, "orient": "top", "title": None},
    "style": {"guide-label": {"fill": INK}, "guide-title": {"fill": INK}},
    "title": {
        "anchor": "start",
        "color": INK,
        "fontSize": 15,
        "fontWeight": 600,
        "subtitleColor": INK,
    },
    "view": {"stroke": None},
}


def play(chart: alt.TopLevelMixin, alternative: str) -> None:
    """Show an explorable: its specification, a PNG of its start, and its description.

    Args:
        chart: an Altair chart with its data inside, as `inline` gives them.
        alternative: what a reader who cannot see it should know: what is drawn, and
            what the slider shows. It becomes the output's plain text, the image's
            metadata and the drawing's accessible name.

    Raises:
        ValueError: `alternative` is empty.
    """
    if not isinstance(alternative, str) or not alternative.strip():
        raise ValueError(
            f"alternative={alternative!r}: describe the chart in one or two sentences"
        )
    spec = specification(chart, alternative)
    png = vl_convert.vegalite_to_png(spec, vl_version=LIKE_JUPYTERLABS, scale=1.5)
    display(
        {
            MIME: spec,
            "image/png": in_few_colours(io.BytesIO(png)),
            "text/plain": alternative,
        },
        metadata={"image/png": {"alt": alternative}},
        raw=True,
    )


def specification(chart: alt.TopLevelMixin, alternative: str) -> dict:
    """Give what is stored of a chart, in the course's colours and sizes.

    Args:
        chart: an Altair chart.
        alternative: its description.

    Returns:
        A Vega-Lite 5 specification, as JSON's types.
    """
    return chart.to_dict() | {
        "$schema": SCHEMA,
        "background": "white",
        "config": LOOK,
        "description": alternative,
        "usermeta": {"embedOptions": {"actions": False, "renderer": "svg"}},
    }


def inline(name: str, frame: pd.DataFrame, decimals: int = 3) -> alt.InlineData:
    """Put a table inside a chart: as CSV, a third of the size of JSON's records.

    Args:
        name: of the data, for those who read the specification.
        frame: numbers and words; its index is left out.
        decimals: what numbers are rounded to.

    Returns:
        Data for `altair.Chart`.
    """
    numbers = frame.select_dtypes("number").columns
    parse = {str(column): "number" for column in numbers} or None
    return alt.InlineData(
        name=name,
        values=frame.round(decimals).to_csv(index=False, lineterminator="\n"),
        format=alt.CsvDataFormat(type="csv", parse=parse),
    )


def slider(
    name: str, start: float, least: float, most: float, step: float = 1, label=None
) -> alt.Parameter:
    """Make a slider; in a chart's expressions its value has its name.

    Args:
        name: of the value.
        start: where it stands at first, and in the PNG.
        least, most, step: where it can go.
        label: what stands before it; the name by default.

    Returns:
        A parameter for `add_params`.
    """
    bound = alt.binding_range(min=least, max=most, step=step, name=f"{label or name} ")
    return alt.param(name=name, value=start, bind=bound)


def choice(name: str, start: str | float, options: Sequence, label=None):
    """Make a row of radio buttons; in a chart's expressions the choice has its name.

    Args:
        name: of the value.
        start: the one chosen at first, and in the PNG.
        options: what can be chosen.
        label: what stands before them; the name by default.

    Returns:
        A parameter for `add_params`.
    """
    bound = alt.binding_radio(options=list(options), name=f"{label or name} ")
    return alt.param(name=name, value=start, bind=bound)


def two_colours(field, names, first=SEEN, second=NEW):
    """Colour two series: what was trained on, and what is new."""
    names = list(names)
    scale = alt.Scale(domain=names, range=[first, second])
    return alt.Color(f"{field}:N", scale=scale, sort=names)


def written(field, digits=2):
    return alt.Text(f"{field}:Q", format=f".{digits}f")
