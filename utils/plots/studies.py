"""What a study found, drawn: curves, bars, differences and sweeps with intervals."""

import numpy as np

from utils.plots.style import COLOURS, STYLES

PARTS = {"train": "training", "val": "validation", "test": "test"}
KINDS = {"loss": "cross-entropy (nats)", "accuracy": "accuracy (share)"}
NOTE = "what is drawn"
ENDS = "filled: end of training; hollow: best validation epoch"


def band(axis, x, mean, low, high, label, style=0):
    """Draw a line and the band between low and high.

    Args:
        axis: where to draw.
        x, mean, low, high: float (n,).
        label: the line's entry in a legend.
        style: its number in `STYLES`.
    """
    look = STYLES[style % len(STYLES)]
    axis.fill_between(x, low, high, color=look["color"], alpha=0.18, linewidth=0)
    line = {key: look[key] for key in ("color", "linestyle")}
    axis.plot(x, mean, label=label, **line)


def curves(axis, frame, metric, *, conditions=None, ylabel=None):
    """Draw a metric over epochs: the mean over seeds, in a band from least to most.

    Where the frame tells the best epochs, a hollow mark stands at that of each run.
    Runs that diverged are left out and counted in the label.

    Args:
        axis: where to draw.
        frame: `Results.frame`.
        metric: one of its columns.
        conditions: which, in which order; all by default.
        ylabel: what to write instead of the metric's name.

    Raises:
        ValueError: a condition is not in the frame.
    """
    for style, name in enumerate(conditions or frame["condition"].unique()):
        mine = frame[frame["condition"] == name]
        if mine.empty:
            raise ValueError(f"no condition {name!r} in the frame")
        gone = mine.groupby("seed")["diverged"].any()
        kept = mine[~mine["diverged"]]
        by_epoch = kept.groupby("epoch")[metric]
        mean, low, high = by_epoch.mean(), by_epoch.min(), by_epoch.max()
        label = _named(name, gone.sum(), len(gone), " ")
        band(axis, mean.index, mean, low, high, label, style)
        if "best" in frame:
            _best_epochs(axis, kept[kept["best"]], metric, style)
    axis.set(xlabel="epoch", ylabel=ylabel or _measured(metric))
    marks = "; hollow: each run's best epoch" if "best" in frame else ""
    _explain(axis, f"band: least to most over seeds{marks}")
    axis.legend()


def _best_epochs(axis, rows, metric, style):
    look = STYLES[style % len(STYLES)]
    hollow = {"markerfacecolor": "white", "markersize": 5, "markeredgewidth": 1.2}
    marks = {"color": look["color"], "marker": look["marker"], "linestyle": "none"}
    axis.plot(rows["epoch"], rows[metric], **marks, **hollow, zorder=3)


def _explain(axis, text, name=None):
    """Say under an axis what its bands or lines are; by name, what is otherwise."""
    notes = [note for note in axis.texts if note.get_gid() == NOTE]
    if not notes:
        under = {"xy": (0.5, 0), "xycoords": axis.xaxis.label, "xytext": (0, -2)}
        look = {"ha": "center", "va": "top", "fontsize": 9, "color": "0.35"}
        axis.annotate(text, textcoords="offset points", gid=NOTE, **under, **look)
    elif text not in (said := notes[0].get_text()).split("\n"):
        notes[0].set_text(f"{said}\n{name}: {text}" if name else f"{said}\n{text}")


def _explain_interval(axis, table, name=None):
    if table["low"].notna().any():
        _explain(axis, table.attrs.get("interval", "95 % interval"), name)


def _measured(metric):
    """'val_loss' as 'validation cross-entropy (nats)'; other names as they are."""
    part, _, kind = metric.partition("_")
    return f"{PARTS[part]} {KINDS[kind]}" if part in PARTS and kind in KINDS else metric


def _named(name, diverged, runs, gap="\n"):
    """A condition's name, with the number of its runs that diverged if any did."""
    return f"{name}{gap}(diverged: {diverged:.0f} of {runs:.0f})" if diverged else name


def bars(axis, summary, *, ylabel="test accuracy (share)"):
    """Draw one bar for each row of a summary, with its 95 % interval and its value.

    A condition of which a run diverged says so.

    Args:
        axis: where to draw.
        summary: DataFrame with columns mean, low, high, n and diverged, as
            `Results.summary` gives it.
        ylabel: what the bars are, with their unit.
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
    _explain_interval(axis, summary)


def differences(
    axis, table, best=None, *, xlabel="difference in test accuracy (share)"
):
    """Draw paired differences from one reference, with 95 % intervals, around a zero.

    What reaches over the zero line is undecided. Styles start at 1: the reference,
    where it is the first condition, has style 0 elsewhere.

    Args:
        axis: where to draw.
        table: DataFrame with columns difference, low and high, as `Results.against`
            gives it.
        best: the same at the best epoch, drawn hollow under each row of `table`.
        xlabel: what the differences are, with their unit.
    """
    places = np.arange(len(table))[::-1]
    _marks(axis, table, places + (0.15 if best is not None else 0), filled=True)
    if best is not None:
        _marks(axis, best.loc[table.index], places - 0.15, filled=False)
    axis.axvline(0, color="0.4", linewidth=1, linestyle="-")
    names = [
        f"{name}\n({row['diverged']:.0f} diverged)" if row.get("diverged") else name
        for name, row in table.iterrows()
    ]
    axis.set_yticks(places, names)
    axis.set(xlabel=xlabel, ylim=(-0.6, len(table) - 0.4))
    axis.grid(axis="y", visible=False)
    _explain_interval(axis, table)
    if best is not None:
        _explain(axis, ENDS)


def _marks(axis, table, places, filled):
    for i, (_, row) in enumerate(table.iterrows()):
        look = {**STYLES[(i + 1) % len(STYLES)], "linestyle": "-"}
        line = {**look, "marker": "|", "linewidth": 2 if filled else 1}
        axis.plot([row["low"], row["high"]], [places[i]] * 2, **line)
        face = look["color"] if filled else "white"
        axis.plot(
            row["difference"], places[i], **look, markersize=8, markerfacecolor=face
        )


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

    Values from 0 on that span more than a factor of twenty get a logarithmic axis,
    where 0 has a place of its own. Points of which a run diverged are marked.

    Args:
        axis: where to draw.
        x: float (n,), one value for each row of the summary.
        summary: DataFrame with columns mean, low, high, n and diverged.
        label: the line's entry in a legend; none by default.
        style: its number in `STYLES`.
        xlabel, ylabel: what the axes are, with their units.
    """
    x, look = np.asarray(x, float), STYLES[style % len(STYLES)]
    axis.errorbar(
        x, summary["mean"], yerr=_reach(summary), label=label, capsize=3, **look
    )
    positive = x[x > 0]
    if (x >= 0).all() and positive.size and positive.max() > 20 * positive.min():
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
    _explain_interval(axis, summary, label)
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
