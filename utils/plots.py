"""Figures of one size and one style, legible on a slide, in print and to everyone.

Every function draws what it is given and imports no TensorFlow. Colours are those of
Okabe and Ito, told apart by colour-blind readers; lines differ in dashes and markers
too, so that a black-and-white copy can still be read.
"""

import io

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from IPython.display import display
from PIL import Image

WIDTH = 9.0  # inches: one slide, or the text of a page
DPI = 110
COLOURS_STORED = 128
MOST_BYTES = 150_000
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
STYLES = tuple(
    {"color": colour, "linestyle": dash, "marker": marker}
    for colour, dash, marker in zip(COLOURS, DASHES, MARKERS, strict=True)
)
PARTS = {"train": "training", "val": "validation", "test": "test"}
KINDS = {"loss": "cross-entropy (nats)", "accuracy": "accuracy (share)"}


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

    height: inches of one row. options go to plt.subplots (sharey=True, …).
    """
    use_style()
    return plt.subplots(rows, columns, figsize=(WIDTH, height * rows), **options)


def show(fig, alt):
    """Show a figure once, as a PNG that carries its description, and close it.

    alt: what a reader who cannot see the figure should know. It becomes the output's
    plain text and the image's metadata, where exporters find it. Raises ValueError if
    it is empty, or if the picture is too large to be stored.
    """
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(f"alt={alt!r}: describe the figure in one or two sentences")
    png = _png(fig)
    plt.close(fig)
    if len(png) > MOST_BYTES:
        raise ValueError(
            f"the figure takes {len(png) // 1000} kB, more than {MOST_BYTES // 1000}: "
            "show fewer or smaller images"
        )
    display(
        {"image/png": png, "text/plain": alt},
        metadata={"image/png": {"alt": alt}},
        raw=True,
    )


def _png(fig):
    """The figure's PNG, the same bytes each time, in few colours to keep it small."""
    full, small = io.BytesIO(), io.BytesIO()
    fig.savefig(full, format="png", dpi=DPI)
    picture = Image.open(full).convert("RGB")
    picture = picture.quantize(COLOURS_STORED, dither=Image.Dither.NONE)
    picture.save(small, format="png", optimize=True)
    return small.getvalue()


def band(axis, x, mean, low, high, label, style=0):
    """Draw a line and the band between low and high: arrays of shape (n,)."""
    look = STYLES[style % len(STYLES)]
    axis.fill_between(x, low, high, color=look["color"], alpha=0.18, linewidth=0)
    line = {key: look[key] for key in ("color", "linestyle")}
    axis.plot(x, mean, label=label, **line)


def curves(axis, frame, metric, *, conditions=None, ylabel=None):
    """Draw a metric over epochs: the mean over seeds, in a band from least to most.

    frame: `Results.frame`. conditions: which, in which order (all by default). Runs
    that diverged are left out of the mean and counted in the label.
    """
    for style, name in enumerate(conditions or frame["condition"].unique()):
        mine = frame[frame["condition"] == name]
        if mine.empty:
            raise ValueError(f"no condition {name!r} in the frame")
        gone = mine.groupby("seed")["diverged"].any()
        by_epoch = mine[~mine["diverged"]].groupby("epoch")[metric]
        mean, low, high = by_epoch.mean(), by_epoch.min(), by_epoch.max()
        label = _named(name, gone.sum(), len(gone), " ")
        band(axis, mean.index, mean, low, high, label, style)
    axis.set(xlabel="epoch", ylabel=ylabel or _measured(metric))
    axis.legend()


def _measured(metric):
    """'val_loss' as 'validation cross-entropy (nats)'; other names as they are."""
    part, _, kind = metric.partition("_")
    return f"{PARTS[part]} {KINDS[kind]}" if part in PARTS and kind in KINDS else metric


def _named(name, diverged, runs, gap="\n"):
    """A condition's name, with the number of its runs that diverged if any did."""
    return f"{name}{gap}(diverged: {diverged:.0f} of {runs:.0f})" if diverged else name


def bars(axis, summary, *, ylabel="test accuracy (share)"):
    """Draw one bar for each row of a summary, with its 95 % interval and its value.

    summary: DataFrame with columns mean, low, high, n and diverged, as
    `Results.summary` gives it. A condition of which a run diverged says so.
    """
    places = np.arange(len(summary))
    colours = [COLOURS[place % len(COLOURS)] for place in places]
    axis.bar(places, summary["mean"], width=0.6, color=colours, alpha=0.75)
    axis.errorbar(
        places,
        summary["mean"],
        yerr=_reach(summary),
        fmt="none",
        ecolor="black",
        capsize=4,
    )
    for place, mean, high in zip(places, summary["mean"], summary["high"], strict=True):
        top = np.nanmax([mean, high, 0])
        axis.annotate(
            f"{mean:.2f}" if np.isfinite(mean) else "",
            (place, top),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=10,
        )
    axis.margins(y=0.12)
    axis.set_xticks(places, _row_names(summary))
    axis.set(ylabel=ylabel)
    axis.grid(axis="x", visible=False)


def differences(axis, table, *, xlabel="difference in test accuracy (share)"):
    """Draw paired differences from one baseline, with 95 % intervals, around a zero.

    table: DataFrame with columns difference, low and high, as `Results.against` gives
    it. What reaches over the zero line may be no difference at all. Styles start at
    1: the baseline, where it is the first condition, has style 0 elsewhere.
    """
    places = np.arange(len(table))[::-1]
    for i, (_, row) in enumerate(table.iterrows()):
        look = {**STYLES[(i + 1) % len(STYLES)], "linestyle": "-"}
        axis.plot([row["low"], row["high"]], [places[i]] * 2, **{**look, "marker": "|"})
        axis.plot(row["difference"], places[i], **look, markersize=8)
    axis.axvline(0, color="0.4", linewidth=1, linestyle="-")
    names = [
        f"{name}\n({row['diverged']:.0f} diverged)" if row.get("diverged") else name
        for name, row in table.iterrows()
    ]
    axis.set_yticks(places, names)
    axis.set(xlabel=xlabel, ylim=(-0.6, len(table) - 0.4))
    axis.grid(axis="y", visible=False)


def sweep(
    axis,
    x,
    summary,
    *,
    label=None,
    style=0,
    xlabel,
    ylabel="test accuracy (share)",
):
    """Draw a summary over a hyperparameter: points, their 95 % intervals, a line.

    x: float (n,), one value for each row of the summary. Values that span more than a
    factor of twenty get a logarithmic axis, where 0 has a place of its own. Points of
    which a run diverged are marked.
    """
    x, look = np.asarray(x, float), STYLES[style % len(STYLES)]
    axis.errorbar(
        x, summary["mean"], yerr=_reach(summary), label=label, capsize=3, **look
    )
    positive = x[x > 0]
    if positive.max() > 20 * positive.min():
        zero = {"linthresh": positive.min()} if (x == 0).any() else {}
        axis.set_xscale("symlog" if zero else "log", **zero)
    axis.update_datalim(np.column_stack([x, x]), updatey=False)  # where all diverged
    axis.autoscale_view()
    for place, (_, row) in zip(x, summary.iterrows(), strict=True):
        if row.get("diverged"):
            text = f"{row['diverged']:.0f} of {row['n'] + row['diverged']:.0f} diverged"
            offset = {"xytext": (-8, 4), "textcoords": "offset points", "ha": "right"}
            level = (row["mean"], "data") if row["n"] else (0, "axes fraction")
            where = {"xy": (place, level[0]), "xycoords": ("data", level[1])}
            axis.annotate(text, fontsize=9, **where, **offset)
    axis.set(xlabel=xlabel, ylabel=ylabel)
    if label:
        axis.legend()


def _reach(summary):
    """How far each interval goes below and above its mean: (2, n), as errorbar asks."""
    return np.array(
        [summary["mean"] - summary["low"], summary["high"] - summary["mean"]], float
    )


def _row_names(summary):
    return [
        _named(name, row.get("diverged", 0), row["n"] + row.get("diverged", 0))
        for name, row in summary.iterrows()
    ]


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
            axis.set_title(titles[i], fontsize=10)
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
    model lies on the diagonal. A larger marker stands for more predictions. Source:
    Guo et al., 2017.
    """
    confidence, correct = np.asarray(confidence), np.asarray(correct, float)
    if not axis.lines:
        axis.plot([0, 1], [0, 1], color="0.6", linewidth=1, label="calibrated")
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    filled, counts = np.unique(which, return_counts=True)
    x = [confidence[which == b].mean() for b in filled]
    y = [correct[which == b].mean() for b in filled]
    look = STYLES[style % len(STYLES)]
    line = {key: look[key] for key in ("color", "linestyle")}
    axis.plot(x, y, **line)
    sizes = 15 + 150 * counts / len(confidence)
    axis.scatter(x, y, s=sizes, color=look["color"], marker=look["marker"])
    axis.plot([], [], label=label, **look)
    axis.set(xlabel="confidence (largest probability)", ylabel="share that is right")
    axis.legend()
