"""One size and one style for every figure, and how a figure is shown."""

import io

import matplotlib.pyplot as plt
from cycler import cycler
from IPython.display import display
from PIL import Image

WIDTH = 9.0  # inches: one slide, or the text of a page
DPI = 110
COLOURS_STORED = 128
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
STYLES = tuple(
    {"color": colour, "linestyle": dash, "marker": marker}
    for colour, dash, marker in zip(COLOURS, DASHES, MARKERS, strict=True)
)


def use_style():
    """Set matplotlib's defaults: sizes for a projector, colours, light grid."""
    plt.rcdefaults()
    plt.rcParams.update(
        {
            "axes.prop_cycle": cycler(color=COLOURS) + cycler(linestyle=DASHES),
            "axes.axisbelow": True,
            "axes.grid": True,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlesize": 12,
            "axes.labelsize": 12,
            "figure.dpi": DPI,
            "figure.constrained_layout.use": True,
            "font.size": 11,
            "grid.alpha": 0.3,
            "legend.fontsize": 10,
            "legend.frameon": False,
            "legend.handlelength": 2.5,
            "lines.linewidth": 2,
            "lines.markersize": 6,
        }
    )


def figure(columns=1, rows=1, *, height=3.4, **options):
    """Open a figure of the course's width: returns (figure, axes) as plt.subplots.

    Args:
        columns, rows: axes side by side, and one above the other.
        height: inches of one row.
        options: what else `plt.subplots` takes (sharey=True, …).
    """
    use_style()
    return plt.subplots(rows, columns, figsize=(WIDTH, height * rows), **options)


def show(fig, alt):
    """Show a figure once, as a PNG that carries its description, and close it.

    Args:
        fig: a matplotlib figure.
        alt: what a reader who cannot see the figure should know. It becomes the
            output's plain text and the image's metadata, where exporters find it.

    Raises:
        ValueError: `alt` is empty.
    """
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(f"alt={alt!r}: describe the figure in one or two sentences")
    png = _png(fig)
    plt.close(fig)
    display(
        {"image/png": png, "text/plain": alt},
        metadata={"image/png": {"alt": alt}},
        raw=True,
    )


def _png(fig):
    """The figure's PNG, the same bytes each time, in few colours to keep it small."""
    full = io.BytesIO()
    fig.savefig(full, format="png", dpi=DPI)
    return in_few_colours(full)


def in_few_colours(png):
    """The bytes of a picture, given as a file of bytes, in `COLOURS_STORED` colours."""
    small = io.BytesIO()
    picture = Image.open(png).convert("RGB")
    picture = picture.quantize(COLOURS_STORED, dither=Image.Dither.NONE)
    picture.save(small, format="png", optimize=True)
    return small.getvalue()
