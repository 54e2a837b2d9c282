"""Explorables: what is stored of them, and that a slider changes what is drawn."""

import base64
import io
import json

import altair as alt
import numpy as np
import pandas as pd
import pytest
import vl_convert
from PIL import Image

from utils import plots
from utils.plots import explorables

MOST_BYTES = 200_000
ALT = "A curve, and a slider that sets its degree."


def degree():
    def features(x, degree):
        return np.vander(x, degree + 1, increasing=True)

    def fit(x, y, degree):
        return np.linalg.lstsq(features(x, degree), y, rcond=None)[0]

    rng = np.random.default_rng(1)
    seen, new = rng.uniform(-1, 1, (2, 10)), rng.uniform(-1, 1, (2, 50))
    return plots.fits_and_errors(features, fit, seen, new)


def intervals():
    studies = np.random.default_rng(2).normal(3, 2, 100)
    kinds = {"wide": lambda x: (x - 4, x + 4), "narrow": lambda x: (x - 1, x + 1)}
    return plots.intervals_drawn(studies, kinds, truth=3)


def strength():
    weights, curves = plots.measured("l2_weights"), plots.measured("l2_curves")
    return plots.weights_and_curves(weights, curves)


def rate():
    draws = np.random.default_rng(0).random((1000, 100))
    sums = {r / 10: (draws >= r / 10).sum(axis=1) / (1 - r / 10) for r in range(10)}
    return plots.units_and_sums(draws[0], sums)


def pictures():
    steps = np.linspace(0, 1, 6)[:, None, None, None, None]
    grey = np.full((1, 2, 72, 96, 3), 0.5)
    return plots.pictures_changed({"darker": grey - steps / 2, "lighter": grey + steps})


def momentum():
    return plots.moving_statistics(plots.measured("moving_statistics"))


CHARTS = {
    degree: ("degree", 9),
    intervals: ("studies", 90),
    strength: ("step", 6),
    rate: ("rate", 0.8),
    pictures: ("strength", 5),
    momentum: ("steps", 350),
}
each = pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.__name__)


def drawn(spec):
    return vl_convert.vegalite_to_svg(spec, vl_version=explorables.LIKE_JUPYTERLABS)


@pytest.fixture
def shown(monkeypatch):
    """What is displayed: a list of (data, metadata)."""
    calls = []
    monkeypatch.setattr(
        explorables,
        "display",
        lambda data, metadata, raw: calls.append((data, metadata)),
    )
    return calls


@each
def test_a_slider_changes_what_is_drawn(chart):
    spec = explorables.specification(chart(), ALT)
    name, value = CHARTS[chart]
    (param,) = [p for p in spec["params"] if p["name"] == name]
    least, most = param["bind"]["min"], param["bind"]["max"]
    assert param["bind"]["input"] == "range" and least <= value <= most
    before = drawn(spec)
    assert least <= param["value"] <= most and param["value"] != value
    param["value"] = value
    assert drawn(spec) != before


@each
def test_what_is_stored_is_small_and_has_its_words(chart, shown):
    plots.play(chart(), ALT)
    ((data, metadata),) = shown
    spec, png = data[explorables.MIME], data["image/png"]
    assert (
        data["text/plain"] == metadata["image/png"]["alt"] == spec["description"] == ALT
    )
    assert len(json.dumps(spec)) + len(base64.b64encode(png)) <= MOST_BYTES
    assert Image.open(io.BytesIO(png)).width >= 450


@each
def test_nothing_is_fetched_and_no_name_is_counted(chart):
    """A specification is the same each time, whatever the kernel drew before."""
    spec = json.dumps(explorables.specification(chart(), ALT), sort_keys=True)
    assert spec == json.dumps(explorables.specification(chart(), ALT), sort_keys=True)
    assert spec.count("http") == 1 and explorables.SCHEMA in spec
    assert "datasets" not in spec and "view_" not in spec and "param_" not in spec


@pytest.mark.parametrize("alternative", ["", "  ", None])
def test_an_explorable_needs_words(alternative):
    with pytest.raises(ValueError, match="describe the chart"):
        plots.play(degree(), alternative)


def test_unknown_measurement():
    with pytest.raises(ValueError, match="name='l1': measured are l2_curves"):
        plots.measured("l1")


def test_tables_are_rounded_csv():
    data = plots.inline("t", pd.DataFrame({"x": [1, 2], "y": [0.12345, -1], "w": "ab"}))
    assert data.values == "x,y,w\n1,0.123,ab\n2,-1.0,ab\n"
    assert data.to_dict()["format"] == {
        "type": "csv",
        "parse": {"x": "number", "y": "number"},
    }


def test_a_dark_theme_finds_every_colour_taken():
    """JupyterLab merges its dark theme below ours: what it would set, ours sets."""
    dark = vl_convert.get_themes()["dark"]
    ours = explorables.LOOK | {"background": "white"}
    assert not [
        f"{part}.{key}" for part, key in leaves(dark, "") if not has(ours, part, key)
    ]


def leaves(theme, path):
    for key, value in theme.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}/{key}")
        else:
            yield path, key


def has(look, path, key):
    for part in filter(None, path.split("/")):
        look = look.get(part, {})
    return key in look


def test_readers_can_build_their_own(shown):
    points = plots.inline("points", pd.DataFrame({"x": [1, 2, 3]}))
    chart = alt.Chart(points).mark_point().encode(x="x:Q")
    chart = chart.transform_filter("datum.x <= most && kind == 'all'")
    chart = chart.add_params(plots.slider("most", 2, 1, 3, label="how many"))
    plots.play(chart.add_params(plots.choice("kind", "all", ["all", "none"])), ALT)
    assert shown
