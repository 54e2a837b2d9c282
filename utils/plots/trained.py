"""Explorables of trained networks: their numbers were measured once, and are stored."""

from __future__ import annotations

from pathlib import Path

import altair as alt
import pandas as pd

from utils.plots.explorables import (
    GREY,
    INK,
    PALE,
    PANEL,
    SEEN,
    choice,
    inline,
    slider,
    two_colours,
    written,
)

STORED = Path(__file__).with_name("stored")


def measured(name: str) -> pd.DataFrame:
    """Give what was measured once for an explorable: means over three seeds.

    Args:
        name: `l2_weights`, `l2_curves` or `moving_statistics`.

    Returns:
        The table, one row a point.

    Raises:
        ValueError: another name.

    Source: `tools/author/measure.py` trains and writes them.
    """
    file = STORED / f"{name}.csv"
    if not file.exists():
        known = ", ".join(sorted(path.stem for path in STORED.glob("*.csv")))
        raise ValueError(f"name={name!r}: measured are {known}")
    return pd.read_csv(file)


def weights_and_curves(weights: pd.DataFrame, curves: pd.DataFrame) -> alt.HConcatChart:
    """Draw, for each strength of a penalty, the weights and both curves.

    Args:
        weights: columns strength, weight, share: a histogram for each strength.
        curves: columns strength, epoch, train_accuracy, val_accuracy.

    Returns:
        A chart with the slider `step`, which goes through the strengths.
    """
    strengths = list(dict.fromkeys(weights["strength"]))
    steps = {strength: i for i, strength in enumerate(strengths)}
    here = "datum.step == step"
    weights = weights.assign(step=weights["strength"].map(steps))
    bars = alt.Chart(inline("weights", weights.drop(columns="strength"), 4))
    names = {"train_accuracy": "training", "val_accuracy": "validation"}
    long = curves.assign(step=curves["strength"].map(steps)).drop(columns="strength")
    long = long.rename(columns=names).melt(["step", "epoch"], var_name="part")
    lines = alt.Chart(inline("curves", long)).transform_filter(here)
    lines = lines.encode(
        alt.X("epoch:Q", scale=alt.Scale(domain=[0, 66], nice=False)),
        alt.Y("value:Q", title="accuracy (share)", scale=alt.Scale(domain=[0, 1])),
        two_colours("part", names.values()),
    )
    last = lines.transform_filter(f"datum.epoch == {curves['epoch'].max()}")
    named = [f"{strength:g}" for strength in strengths]
    title = alt.Title(alt.expr(f"'λ = ' + {named}[step]"))
    chart = alt.hconcat(
        bars.transform_filter(here)
        .mark_bar(color=GREY, width=6)
        .encode(
            alt.X("weight:Q", title="weight of the hidden layer (ends: or beyond)"),
            alt.Y("share:Q", title="share of the weights").scale(
                type="sqrt", domain=[0, 1]
            ),
        )
        .properties(title=title, **PANEL),
        alt.layer(
            lines.mark_line(strokeWidth=2.5),
            last.mark_text(dx=5, align="left", fontSize=14).encode(
                text=written("value")
            ),
        ).properties(**PANEL),
    )
    chart = chart.resolve_scale(color="independent")
    return chart.add_params(slider("step", 0, 0, len(strengths) - 1, label="λ, step"))


def moving_statistics(frame: pd.DataFrame) -> alt.HConcatChart:
    """Draw what is stored of a variance, and the accuracy that it gives, over steps.

    Args:
        frame: columns momentum, step, stored, true, accuracy, accuracy_true.

    Returns:
        A chart with the slider `steps` and the choice `momentum`.
    """
    base = alt.Chart(inline("statistics", frame, 4))
    variances = alt.Y(
        scale=alt.Scale(type="log", domain=[0.005, 1.5]),
        axis=alt.Axis(values=[0.01, 0.1, 1]),
        title="moving variance, layer 1",
    )
    accuracies = alt.Y(scale=alt.Scale(domain=[0, 1]), title="test accuracy")
    left = _followed(base, "stored", "true", variances, 3)
    right = _followed(base, "accuracy", "accuracy_true", accuracies, 2)
    title = alt.expr("'after ' + steps + ' steps (epoch ' + round(steps / 7) + ')'")
    return alt.hconcat(
        left.properties(title=alt.Title(title), **PANEL),
        right.properties(title="dashed: with the true statistics", **PANEL),
    ).add_params(
        choice("momentum", 0.99, sorted(frame["momentum"].unique())),
        slider("steps", 70, 7, int(frame["step"].max()), 7),
    )


def _followed(base, stored, true, y, digits):
    """One column over steps: all momenta pale, the chosen one and the truth not."""
    x = alt.X("step:Q", title="steps of training")
    follow = base.encode(x, y.field(stored).type("quantitative"))
    momentum = "datum.momentum == momentum"
    chosen = follow.transform_filter(momentum)
    truth = base.encode(x, y.field(true).type("quantitative"))
    here = chosen.transform_filter("datum.step == steps")
    text = {"dx": 12, "dy": -10, "align": "left", "fontSize": 14, "fontWeight": 600}
    return alt.layer(
        follow.mark_line(color=PALE, strokeWidth=1.5).encode(detail="momentum:N"),
        truth.transform_filter(momentum).mark_line(
            color=INK, strokeDash=[6, 4], strokeWidth=2
        ),
        chosen.mark_line(color=SEEN, strokeWidth=2.5),
        here.mark_circle(color=SEEN, size=130, opacity=1),
        here.mark_text(color=SEEN, **text).encode(text=written(stored, digits)),
    )
