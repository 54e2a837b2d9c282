"""Images, histograms of weights, and how far a model's confidence can be trusted."""

import numpy as np

from utils.plots.style import STYLES, figure


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
    """Draw the outline of a histogram; counts are shares of all values.

    Args:
        axis: where to draw.
        values: float, any shape. Those that are not finite have no place on the axis;
            the label counts them.
        label: the outline's entry in the legend.
        bins: number of bins, or their edges.
        style: its number in `STYLES`.
        xlabel: what the values are.
    """
    values = np.ravel(values)
    finite = values[np.isfinite(values)]
    if gone := len(values) - len(finite):
        label = f"{label} (not finite: {gone} of {len(values)})"
    look = {key: STYLES[style % len(STYLES)][key] for key in ("color", "linestyle")}
    heights, edges = np.histogram(finite, bins=bins)
    axis.stairs(heights / len(values), edges, label=label, linewidth=2, **look)
    axis.set(xlabel=xlabel, ylabel="share of values")
    axis.legend()


def reliability(axis, confidence, correct, label, *, bins=10, style=0):
    """Draw how often predictions of each confidence are right.

    A calibrated model lies on the diagonal. A larger marker stands for more
    predictions, which is why the bins are made here: scikit-learn's
    `calibration_curve` gives the same points, without their counts.

    Args:
        axis: where to draw.
        confidence: float (n,), the largest probability of each prediction.
        correct: bool (n,), whether it is right.
        label: the line's entry in the legend.
        bins: number of bins of equal width.
        style: the line's number in `STYLES`.

    Source: Guo et al. (2017).
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
