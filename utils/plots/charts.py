"""Explorables of what a cell computes in a moment: one question, one slider each."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterable, Mapping

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from PIL import Image

from utils.plots.explorables import (
    INK,
    NEW,
    PALE,
    PANEL,
    SEEN,
    choice,
    inline,
    slider,
    two_colours,
    written,
)


def fits_and_errors(
    features: Callable[[np.ndarray, int], np.ndarray],
    fit: Callable[[np.ndarray, np.ndarray, int], np.ndarray],
    seen: tuple[np.ndarray, np.ndarray],
    new: tuple[np.ndarray, np.ndarray],
    most: int = 9,
) -> alt.HConcatChart:
    """Draw, for each degree, the curve through the points and both errors.

    Args:
        features: of x and a degree, (n, weights).
        fit: the weights for x, y and a degree.
        seen: x and y of the points that are fitted.
        new: x and y of others from the same source.
        most: the largest degree.

    Returns:
        A chart with the slider `degree`.
    """
    grid, fits, errors = np.linspace(-1, 1, 101), [], []
    for degree in range(most + 1):
        w = fit(*seen, degree)
        y = np.clip(features(grid, degree) @ w, -9, 9)
        fits.append(pd.DataFrame({"degree": degree, "x": grid, "y": y}))
        for part, (x, y) in {"on the ten points": seen, "on new points": new}.items():
            error = np.sqrt(np.mean((features(x, degree) @ w - y) ** 2))
            errors.append((degree, part, np.clip(error, 0.01, 10)))
    errors = pd.DataFrame(errors, columns=["degree", "part", "value"])
    x = alt.X("x:Q", title="x")
    y = alt.Y("y:Q", title="y", scale=alt.Scale(domain=[-2.5, 2.5]))
    few = inline("points", pd.DataFrame({"x": seen[0], "y": seen[1]}))
    dots = alt.Chart(few).mark_circle(color=INK, size=60, opacity=1).encode(x, y)
    curves = alt.Chart(inline("fits", pd.concat(fits), 2))
    curve = curves.transform_filter("datum.degree == degree")
    curve = curve.mark_line(color=SEEN, clip=True, strokeWidth=2.5).encode(x, y)
    scores = alt.Chart(inline("errors", errors, 2)).encode(
        alt.X("degree:Q", axis=alt.Axis(tickCount=9, format="d")),
        alt.Y("value:Q", title="error, at least 0.01")
        .scale(type="log", domain=[0.01, 10])
        .axis(values=[0.01, 0.1, 1, 10]),
        two_colours("part", errors["part"].unique()),
    )
    here = scores.transform_filter("datum.degree == degree")
    text = {"fontSize": 14, "fontWeight": 600}
    beside = "datum.part == 'on new points' ? -15 : 17"
    title = alt.expr("'degree ' + degree")
    chart = alt.hconcat(
        alt.layer(curve, dots).properties(title=alt.Title(title), **PANEL),
        alt.layer(
            scores.mark_line(strokeWidth=2),
            here.mark_circle(size=130, opacity=1),
            here.mark_text(dy=alt.expr(beside), **text).encode(text=written("value")),
        ).properties(**PANEL),
    )
    chart = chart.resolve_scale(color="independent")
    return chart.add_params(slider("degree", 3, 0, most))


def intervals_drawn(
    studies: Iterable[np.ndarray],
    intervals: Mapping[str, Callable[[np.ndarray], tuple[float, float]]],
    truth: float,
) -> alt.LayerChart:
    """Draw the intervals of one study after the other, and count what they hold.

    Args:
        studies: what was found in each, as the functions of `intervals` take it.
        intervals: by its name, how an interval's low and high are computed.
        truth: what every interval should hold.

    Returns:
        A chart with the slider `studies` and the choice `kind`.
    """
    rows = [
        (number, kind, low, high, int(low <= truth <= high))
        for number, found in enumerate(studies, start=1)
        for kind, interval in intervals.items()
        for low, high in [interval(found)]
    ]
    frame = pd.DataFrame(rows, columns=["study", "kind", "low", "high", "holds"])
    kinds = list(intervals)
    base = alt.Chart(inline("studies", frame, 2))
    base = base.transform_filter("datum.kind == kind && datum.study <= studies")
    most = int(frame["study"].max())
    low, high = frame["low"].min(), frame["high"].max()
    y = {"scale": alt.Scale(domain=[low, high], nice=True)}
    said = base.transform_aggregate(held="sum(holds)", n="count()")
    said = said.transform_calculate(
        words="datum.held + ' of ' + datum.n + ' intervals hold the truth'"
    )
    line = {"strokeDash": [6, 4], "color": INK}
    return (
        alt.layer(
            base.mark_rule(strokeWidth=3).encode(
                alt.X("study:Q", scale=alt.Scale(domain=[0, most + 1], nice=False)),
                alt.Y("low:Q", title="difference (points)", **y),
                alt.Y2("high:Q"),
                color=alt.condition(
                    "datum.holds == 1", alt.value(SEEN), alt.value(NEW)
                ),
            ),
            base.transform_filter("datum.holds == 0")
            .mark_point(shape="diamond", size=50, filled=True, color=NEW, opacity=1)
            .encode(alt.X("study:Q"), alt.Y("high:Q", **y)),
            base.transform_aggregate(n="count()")
            .mark_rule(**line)
            .encode(y=alt.datum(truth)),
            said.mark_text(align="left", fontSize=15, fontWeight=600, color=INK).encode(
                x=alt.value(0), y=alt.value(-14), text="words:N"
            ),
        )
        .properties(width=430, height=230, padding={"top": 26, "right": 8, "bottom": 5})
        .add_params(
            slider("studies", min(20, most), 1, most, label="studies drawn"),
            choice("kind", kinds[0], kinds, label="interval over"),
        )
    )


def units_and_sums(
    uniform: ArrayLike, sums: Mapping[float, ArrayLike]
) -> alt.HConcatChart:
    """Draw which units of a layer a rate keeps, and the sum of what is kept.

    Args:
        uniform: float (100,) in [0, 1): a unit is dropped by rates above its number.
        sums: for each rate the sums of many draws, float (draws,).

    Returns:
        A chart with the slider `rate`.
    """
    uniform = np.asarray(uniform)
    places = np.arange(len(uniform))
    grid = pd.DataFrame({"u": uniform, "x": places % 10, "y": places // 10})
    units = alt.Chart(inline("units", grid)).transform_calculate(
        kept="datum.u >= rate", area="datum.u >= rate ? 110 / (1 - rate) : 25"
    )
    hidden = {"axis": None, "scale": alt.Scale(domain=[-0.7, 9.7])}
    counted = units.transform_filter("datum.kept").transform_aggregate(n="count()")
    words = "'kept ' + datum.n + ' of 100, each × ' + format(1 / (1 - rate), '.1f')"
    edges = np.linspace(0, 200, 41)
    rows = [
        (rate, middle, share)
        for rate, found in sums.items()
        for middle, share in zip(
            (edges[1:] + edges[:-1]) / 2,
            np.histogram(np.clip(found, 0, 199.9), edges)[0] / len(found),
            strict=True,
        )
        if share
    ]
    table = pd.DataFrame(rows, columns=["rate", "sum", "share"])
    spread = pd.DataFrame(
        [(rate, round(np.mean(s)), round(np.std(s))) for rate, s in sums.items()],
        columns=["rate", "mean", "spread"],
    )
    now = "abs(datum.rate - rate) < 0.01"
    level = alt.Chart(inline("spread", spread)).transform_filter(now)
    said = level.transform_calculate(
        words="'mean ' + datum.mean + ', spread ' + datum.spread"
    )
    title = {"align": "left", "fontSize": 15, "fontWeight": 600, "color": INK}
    corner = {"x": alt.value(0), "y": alt.value(-12)}
    return (
        alt.hconcat(
            alt.layer(
                units.mark_circle(opacity=1).encode(
                    alt.X("x:Q", **hidden),
                    alt.Y("y:Q", **hidden),
                    size=alt.Size("area:Q", scale=None),
                    color=alt.condition("datum.kept", alt.value(SEEN), alt.value(PALE)),
                ),
                counted.transform_calculate(words=words)
                .mark_text(**title)
                .encode(text="words:N", **corner),
            ).properties(width=280, height=250),
            alt.layer(
                alt.Chart(inline("sums", table))
                .transform_filter(now)
                .mark_bar(color=SEEN, width=6, clip=True)
                .encode(
                    alt.X(
                        "sum:Q",
                        title="sum of the layer",
                        scale=alt.Scale(domain=[0, 200]),
                    ),
                    alt.Y("share:Q", title="share of 1,000 draws").scale(
                        domain=[0, 0.4]
                    ),
                ),
                level.mark_rule(color=NEW, strokeWidth=2.5).encode(alt.X("mean:Q")),
                said.mark_text(**title).encode(text="words:N", **corner),
            ).properties(width=280, height=250),
        )
        .properties(padding={"top": 22, "right": 8, "bottom": 5, "left": 5})
        .add_params(slider("rate", 0.5, 0, max(sums), 0.1))
    )


def pictures_changed(views: Mapping[str, ArrayLike]) -> alt.LayerChart:
    """Draw what operations make of pictures as their strength grows.

    Args:
        views: for each operation float (steps, pictures, height, width, 3) in [0, 1],
            from the weakest to the strongest.

    Returns:
        A chart with the slider `strength`, from 0 to the last step.
    """
    rows = [
        (operation if row == 0 else "", column, row, step, picture_url(view))
        for column, (operation, steps) in enumerate(views.items())
        for step, pictures in enumerate(np.asarray(steps))
        for row, view in enumerate(pictures)
    ]
    frame = pd.DataFrame(rows, columns=["operation", "x", "y", "strength", "url"])
    base = alt.Chart(inline("views", frame))
    base = base.transform_filter("datum.strength == strength")
    at = {"axis": None, "scale": alt.Scale(padding=0)}
    base = base.encode(alt.X("x:O", **at), alt.Y("y:O", **at))
    label = base.mark_text(dy=-63, fontSize=15, fontWeight=600, color=INK)
    return (
        alt.layer(
            base.mark_image(width=144, height=108).encode(url="url:N"),
            label.encode(text="operation:N"),
        )
        .properties(width=152 * len(views), height=114 * (1 + int(frame["y"].max())))
        .properties(padding={"top": 18, "left": 5, "right": 5, "bottom": 5})
        .add_params(slider("strength", 2, 0, int(frame["strength"].max())))
    )


def picture_url(view):
    """A picture as a JPEG inside an address, some two kilobytes."""
    file = io.BytesIO()
    pixels = (np.clip(view, 0, 1) * 255).round().astype(np.uint8)
    Image.fromarray(pixels).save(file, "JPEG", quality=60)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
