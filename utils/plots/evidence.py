"""The forest plot of docs/evidence.csv: a row a claim, a mark a world."""

from __future__ import annotations

from pathlib import Path

import matplotlib.figure
import pandas as pd

from utils.plots.style import STYLES, figure

EVIDENCE = Path(__file__).resolve().parents[2] / "docs" / "evidence.csv"
ENDS = {"last": "at the end of training", "best": "at the best epoch"}
ROW = 0.62  # inches of height that a claim takes
POINTS = 10  # up to which the axis is linear, where some differences are far larger
TICKS = (-50, -10, -5, 0, 5, 10, 50)


def read(path: Path = EVIDENCE) -> pd.DataFrame:
    """Read the stored evidence: a row a claim and world."""
    return pd.read_csv(path, dtype={"chapter": str})


def elsewhere(chapter: str) -> matplotlib.figure.Figure:
    """Draw what became of a chapter's claims in other worlds, from the stored evidence.

    Args:
        chapter: its number, such as "03".

    Returns:
        A figure with two axes: the end of training, and the best epoch.

    Raises:
        ValueError: there is no evidence for this chapter.
    """
    table = read()
    kept = table[table["chapter"] == chapter]
    if kept.empty:
        raise ValueError(
            f"no evidence for chapter {chapter!r}; there is some for "
            f"{', '.join(sorted(set(table['chapter'])))}"
        )
    return forest(kept)


def forest(table: pd.DataFrame) -> matplotlib.figure.Figure:
    """Draw differences with their intervals: a row a claim, a mark a world.

    A mark is full where the verdict after Holm is not undecided.

    Args:
        table: rows of docs/evidence.csv.

    Returns:
        A figure with two axes: the end of training, and the best epoch.
    """
    claims, worlds = (
        list(dict.fromkeys(table["id"])),
        list(dict.fromkeys(table["world"])),
    )
    fig, axes = figure(2, height=1.3 + ROW * len(claims), sharey=True)
    for axis, (at, words) in zip(axes, ENDS.items(), strict=True):
        for _, row in table.iterrows():
            world = worlds.index(row["world"])
            y = claims.index(row["id"]) + 0.18 * (world - (len(worlds) - 1) / 2)
            _mark(axis, row, at, y, STYLES[world])
        axis.axvline(0, color="0.4", linewidth=1)
        axis.set(title=words, xlabel="difference in test accuracy (points)")
        if max(map(abs, axis.get_xlim())) > 2 * POINTS:
            axis.set_xscale("symlog", linthresh=POINTS)
            axis.set_xticks(TICKS, TICKS)
            axis.minorticks_off()
            axis.set_xlabel(f"points (over {POINTS}: logarithmic)")
        axis.grid(axis="y", visible=False)
    names = table.drop_duplicates("id")
    labels = [f"{row['claim']}\n{row['id']}" for _, row in names.iterrows()]
    axes[0].set_yticks(range(len(claims)), labels)
    axes[0].set_ylim(len(claims) - 0.4, -0.6)
    handles = [
        axes[0].plot([], [], **{**STYLES[i], "linestyle": "-"}, label=world)[0]
        for i, world in enumerate(worlds)
    ]
    fig.legend(handles=handles, loc="outside upper center", ncols=len(worlds))
    return fig


def _mark(axis, row, at, y, style):
    """Draw one difference, in percentage points."""
    mean, low, high = (100 * row[f"{x}_{at}"] for x in ("difference", "low", "high"))
    decided = row[f"verdict_{at}"] != "undecided"
    axis.plot([low, high], [y, y], "-", color=style["color"], linewidth=1.5)
    face = style["color"] if decided else "white"
    look = {"color": style["color"], "marker": style["marker"]}
    axis.plot(mean, y, **look, markersize=6, markerfacecolor=face)
