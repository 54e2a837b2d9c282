"""Figures of one size and one style, legible on a slide, in print and to everyone.

Every function draws what it is given and imports no TensorFlow. Colours are those of
Okabe and Ito, told apart by colour-blind readers; lines differ in dashes and markers
too, so that a black-and-white copy can still be read.
"""

import io
import itertools

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from IPython.display import Image, display

WIDTH = 9.0
DPI = 110
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
            "lines.linewidth": 2,
            "lines.markersize": 6,
        }
    )


def figure(columns=1, rows=1, *, height=3.4, **options):
    """Open a figure of the course's width: returns (figure, axes) as plt.subplots.

    height: inches of one row. options go to plt.subplots (sharey=True, …).
    """
    use_style()
    return plt.subplots(rows, columns, figsize=(WIDTH, height * rows), **options)


def show(fig, alt):
    """Show a figure once, as a PNG that carries its description, and close it.

    alt: what a reader who cannot see the figure should know; it goes to the output's
    metadata, where Jupyter's exporters and the book find it. Raises ValueError if it
    is empty.
    """
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(f"alt={alt!r}: describe the figure in one or two sentences")
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    plt.close(fig)
    display(Image(data=buffer.getvalue(), format="png", alt=alt))


def band(axis, x, mean, low, high, label, style=0):
    """Draw a line and the band between low and high: arrays of shape (n,)."""
    look = STYLES[style % len(STYLES)]
    axis.fill_between(x, low, high, color=look["color"], alpha=0.15, linewidth=0)
    line = {key: look[key] for key in ("color", "linestyle")}
    axis.plot(x, mean, label=label, **line)


def curves(axis, frame, metric, *, conditions=None, ylabel=None):
    """Draw a metric over epochs: the mean over seeds, in a band from least to most.

    frame: `Results.frame`. conditions: which, in which order (all by default). Runs
    that diverged are left out of the mean and counted in the label.
    """
    names = conditions or list(dict.fromkeys(frame["condition"]))
    for style, name in enumerate(names):
        mine = frame[frame["condition"] == name]
        runs = mine.groupby("seed")["diverged"].any()
        label = (
            f"{name} (diverged: {runs.sum()} of {len(runs)})" if runs.any() else name
        )
        by_epoch = mine[~mine["diverged"]].groupby("epoch")[metric]
        mean, low, high = by_epoch.mean(), by_epoch.min(), by_epoch.max()
        band(axis, mean.index, mean, low, high, label, style)
    axis.set(xlabel="epoch", ylabel=ylabel or metric.replace("_", " "))
    axis.legend()


def bars(axis, summary, *, ylabel="test accuracy"):
    """Draw one bar for each row of a summary, with its 95 % interval.

    summary: DataFrame with columns mean, low, high, n and diverged, as
    `Results.summary` gives it. A condition of which a run diverged says so.
    """
    places = np.arange(len(summary))
    errors = [summary["mean"] - summary["low"], summary["high"] - summary["mean"]]
    for place, mean, look in zip(
        places, summary["mean"], itertools.cycle(STYLES), strict=False
    ):
        axis.bar(place, mean, width=0.6, color=look["color"], alpha=0.75)
    axis.errorbar(
        places, summary["mean"], yerr=errors, fmt="none", ecolor="black", capsize=4
    )
    axis.set_xticks(places, [_with_diverged(*row) for row in summary.iterrows()])
    axis.set(ylabel=ylabel)
    axis.grid(axis="x", visible=False)


def _with_diverged(name, row):
    if not row.get("diverged", 0):
        return name
    return (
        f"{name}\n(diverged: {row['diverged']:.0f} of {row['n'] + row['diverged']:.0f})"
    )


def sweep(axis, x, summary, *, label=None, style=0, xlabel, ylabel="test accuracy"):
    """Draw a summary over a hyperparameter: points, their 95 % intervals, a line.

    x: float (n,), one value for each row of the summary. Values that span more than a
    factor of twenty get a logarithmic axis, where 0 has a place of its own.
    """
    x, look = np.asarray(x, float), STYLES[style % len(STYLES)]
    errors = [summary["mean"] - summary["low"], summary["high"] - summary["mean"]]
    axis.errorbar(x, summary["mean"], yerr=errors, label=label, capsize=3, **look)
    positive = x[x > 0]
    if positive.max() > 20 * positive.min():
        axis.set_xscale("symlog" if (x == 0).any() else "log", **_linear_part(x))
    axis.set(xlabel=xlabel, ylabel=ylabel)
    if label:
        axis.legend()


def _linear_part(x):
    return {"linthresh": x[x > 0].min()} if (x == 0).any() else {}


def image_grid(images, titles=None, *, columns=8, height=1.3):
    """Lay out images, (n, height, width, channels) in [0, 1]; returns the figure."""
    images = np.asarray(images)
    rows = -(-len(images) // columns)
    fig, axes = figure(columns, rows, height=height, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for i, (axis, image) in enumerate(zip(axes.flat, images, strict=False)):
        grey = image.shape[-1] == 1
        axis.imshow(image[..., 0] if grey else image, cmap="gray", vmin=0, vmax=1)
        if titles is not None:
            axis.set_title(titles[i], fontsize=9)
    return fig


def histogram(axis, values, label, *, bins=50, style=0, xlabel="weight"):
    """Draw the outline of a histogram of values of any shape; counts are shares."""
    values = np.ravel(values)
    look = {key: STYLES[style % len(STYLES)][key] for key in ("color", "linestyle")}
    heights, edges = np.histogram(values, bins=bins)
    axis.stairs(heights / len(values), edges, label=label, linewidth=2, **look)
    axis.set(xlabel=xlabel, ylabel="share of values")
    axis.legend()


def reliability(axis, confidence, correct, label, *, bins=10, style=0):
    """Draw how often predictions of each confidence are right.

    confidence: float (n,), the largest probability; correct: bool (n,). A calibrated
    model lies on the diagonal. Source: Guo et al., 2017.
    """
    confidence, correct = np.asarray(confidence), np.asarray(correct, float)
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    filled = np.unique(which)
    x = [confidence[which == b].mean() for b in filled]
    y = [correct[which == b].mean() for b in filled]
    axis.plot([0, 1], [0, 1], color="0.6", linewidth=1, linestyle="-")
    axis.plot(x, y, label=label, **STYLES[style % len(STYLES)])
    axis.set(xlabel="confidence", ylabel="share that is right")
    axis.legend()
