"""Figures of one size and one style, legible on a slide, in print and to everyone.

Every function draws what it is given and imports no TensorFlow. Colours are those of
Okabe and Ito, told apart by colour-blind readers; lines differ in dashes and markers
too, so that a black-and-white copy can still be read. Under each axis with bands or
bars a line says what they are.

`play` shows an explorable: a chart with a slider, which the reader's browser draws.
"""

import importlib
from typing import TYPE_CHECKING

from utils.plots.evidence import elsewhere, forest
from utils.plots.pictures import histogram, image_grid, reliability
from utils.plots.studies import band, bars, curves, differences, sweep
from utils.plots.style import COLOURS, STYLES, figure, show, use_style

if TYPE_CHECKING:
    from utils.plots.charts import (
        fits_and_errors,
        intervals_drawn,
        pictures_changed,
        units_and_sums,
    )
    from utils.plots.explorables import choice, inline, play, slider
    from utils.plots.trained import measured, moving_statistics, weights_and_curves

# Looked up when asked for: Altair takes a second, and most chapters do without.
_HOMES = {
    "choice": "explorables",
    "fits_and_errors": "charts",
    "inline": "explorables",
    "intervals_drawn": "charts",
    "measured": "trained",
    "moving_statistics": "trained",
    "pictures_changed": "charts",
    "play": "explorables",
    "slider": "explorables",
    "units_and_sums": "charts",
    "weights_and_curves": "trained",
}

__all__ = [
    "COLOURS",
    "STYLES",
    "band",
    "bars",
    "choice",
    "curves",
    "differences",
    "elsewhere",
    "figure",
    "fits_and_errors",
    "forest",
    "histogram",
    "image_grid",
    "inline",
    "intervals_drawn",
    "measured",
    "moving_statistics",
    "pictures_changed",
    "play",
    "reliability",
    "show",
    "slider",
    "sweep",
    "units_and_sums",
    "use_style",
    "weights_and_curves",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
