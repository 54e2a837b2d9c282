"""Figures of one size and one style, legible on a slide, in print and to everyone.

Every function draws what it is given and imports no TensorFlow. Colours are those of
Okabe and Ito, told apart by colour-blind readers; lines differ in dashes and markers
too, so that a black-and-white copy can still be read. Under each axis with bands or
bars a line says what they are.
"""

from utils.plots.evidence import elsewhere, forest
from utils.plots.pictures import histogram, image_grid, reliability
from utils.plots.studies import band, bars, curves, differences, sweep
from utils.plots.style import COLOURS, STYLES, figure, show, use_style

__all__ = [
    "COLOURS",
    "STYLES",
    "band",
    "bars",
    "curves",
    "differences",
    "elsewhere",
    "figure",
    "forest",
    "histogram",
    "image_grid",
    "reliability",
    "show",
    "sweep",
    "use_style",
]
