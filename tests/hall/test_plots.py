"""Figures: what they show is what was measured, and every reader gets it."""

import base64
import html
import io
import re
import subprocess
import sys

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
import nbconvert  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import pytest  # noqa: E402
from nbformat import v4  # noqa: E402
from PIL import Image  # noqa: E402
from sklearn.calibration import calibration_curve  # noqa: E402

from utils import plots  # noqa: E402
from utils.plots import studies, style  # noqa: E402


@pytest.fixture(autouse=True)
def shown(monkeypatch):
    """What was displayed: a list of (data, metadata); figures are closed at the end."""
    found = []
    monkeypatch.setattr(
        style, "display", lambda data, metadata, raw: found.append((data, metadata))
    )
    yield found
    plt.close("all")


@pytest.fixture
def axis():
    return plots.figure()[1]


def frame(values, diverged=()):
    """A study's frame from {condition: (seeds, epochs) array} and what diverged."""
    rows = [
        (name, seed, epoch, value, (name, seed) in diverged)
        for name, runs in values.items()
        for seed, run in enumerate(runs)
        for epoch, value in enumerate(run, 1)
    ]
    columns = ["condition", "seed", "epoch", "val_loss", "diverged"]
    return pd.DataFrame(rows, columns=columns)


def summary(diverged=0):
    data = {
        "mean": [0.8, 0.9],
        "low": [0.7, 0.88],
        "high": [0.9, 0.92],
        "n": [5, 5 - diverged],
        "diverged": [0, diverged],
    }
    return pd.DataFrame(data, index=pd.Index(["plain", "L2"], name="condition"))


def test_show_displays_once_with_its_description(shown):
    fig, axis = plots.figure()
    axis.plot([1, 2])
    plots.show(fig, "A line that rises.")
    ((data, metadata),) = shown
    assert data["text/plain"] == "A line that rises."
    assert metadata == {"image/png": {"alt": "A line that rises."}}
    picture = Image.open(io.BytesIO(data["image/png"]))
    assert picture.format == "PNG"
    assert picture.size == (990, 374)
    assert not picture.info, "no software name, no date: the bytes stay the same"
    assert plt.get_fignums() == [], "an open figure would be shown a second time"


def test_the_description_reaches_web_pages(shown):
    alt = 'Loss of "plain" & L2 over λ: one < the other.'
    plots.show(plots.figure()[0], alt)
    ((data, metadata),) = shown
    data["image/png"] = base64.b64encode(data["image/png"]).decode()
    output = v4.new_output("display_data", data, metadata=metadata)
    notebook = v4.new_notebook(cells=[v4.new_code_cell("draw()", outputs=[output])])
    # nbconvert's templates lab and reveal (7.17) do not look for it; classic does.
    exporter = nbconvert.HTMLExporter(template_name="classic")
    page, _ = exporter.from_notebook_node(notebook)
    (picture,) = re.findall(r"<img\b[^>]*>", page)
    _, found = re.search(r"""alt=(["'])(.*?)\1""", picture).groups()
    assert html.unescape(found) == alt


def test_the_same_figure_has_the_same_bytes(shown):
    for _ in range(2):
        fig, axis = plots.figure(2)
        plots.band(axis[0], [1, 2], [1, 2], [0, 1], [2, 3], "a")
        plots.show(fig, "A band")
    assert shown[0] == shown[1]


@pytest.mark.parametrize("alt", ["", "  \n", None, 3])
def test_show_refuses_a_figure_without_description(alt, shown):
    with pytest.raises(ValueError, match="describe the figure in one or two sentences"):
        plots.show(plots.figure()[0], alt)
    assert shown == []


def test_show_takes_a_figure_of_any_size(shown):
    noise = np.random.default_rng(0).random((8, 300, 300, 3))
    plots.show(plots.image_grid(noise, columns=4, height=2.3), "Noise")
    ((data, _),) = shown
    assert len(data["image/png"]) > 150_000


@pytest.mark.parametrize(("columns", "rows"), [(1, 1), (3, 1), (2, 2)])
def test_figures_have_one_width(columns, rows):
    fig, _ = plots.figure(columns, rows)
    assert fig.get_size_inches() == pytest.approx([9.0, 3.4 * rows])


def explained(axis):
    """What stands under an axis about its bands and lines; it is in the picture."""
    axis.figure.canvas.draw()
    notes = [note for note in axis.texts if note.get_gid() == studies.NOTE]
    for note in notes:
        box, whole = note.get_window_extent(), axis.figure.bbox
        assert whole.contains(*box.p0) and whole.contains(*box.p1)
    return [line for note in notes for line in note.get_text().split("\n")]


def test_styles_differ_without_colour():
    for key in ("color", "linestyle", "marker"):
        assert len({str(style[key]) for style in plots.STYLES}) == len(plots.STYLES)


def test_colours_are_those_of_okabe_and_ito():
    # Okabe and Ito (2008), in red, green, blue from 0 to 255; yellow is left out, since
    # it is too light for a line on white.
    theirs = {(0, 0, 0), (230, 159, 0), (86, 180, 233), (0, 158, 115)}
    theirs |= {(0, 114, 178), (213, 94, 0), (204, 121, 167)}
    ours = {
        tuple(round(255 * part) for part in matplotlib.colors.to_rgb(style["color"]))
        for style in plots.STYLES
    }
    assert ours == theirs


def test_curves_draw_the_mean_and_the_range(axis):
    runs = np.array([[3.0, 1.0], [5.0, 2.0]])
    plots.curves(axis, frame({"plain": runs, "L2": runs / 2}), "val_loss")
    plain, l2 = axis.lines
    assert plain.get_xdata().tolist() == [1, 2]
    assert plain.get_ydata().tolist() == [4, 1.5]
    assert l2.get_ydata().tolist() == [2, 0.75]
    heights = axis.collections[0].get_paths()[0].vertices[:, 1]
    assert set(heights) == {3, 5, 1, 2}
    assert [text.get_text() for text in axis.get_legend().texts] == ["plain", "L2"]
    assert axis.get_xlabel() == "epoch"
    assert axis.get_ylabel() == "validation cross-entropy (nats)"
    assert explained(axis) == ["band: least to most over seeds"]


def test_curves_mark_the_best_epoch_of_each_run_that_did_not_diverge(axis):
    runs = np.array([[3.0, 1.0], [2.0, 5.0], [9.0, np.nan]])
    data = frame({"plain": runs}, {("plain", 2)})
    data["best"] = [False, True, True, False, True, False]
    plots.curves(axis, data, "val_loss")
    mean, marks = axis.lines
    assert marks.get_xydata().tolist() == [[2, 1], [1, 2]]
    assert (marks.get_markerfacecolor(), marks.get_linestyle()) == ("white", "None")
    assert len(axis.get_legend().texts) == 1
    assert explained(axis) == [
        "band: least to most over seeds; hollow: each run's best epoch"
    ]


def test_curves_drawn_twice_on_an_axis_explain_themselves_once(axis):
    data = frame({"plain": [[1.0]], "L2": [[2.0]]})
    for name in ("plain", "L2"):
        plots.curves(axis, data, "val_loss", conditions=[name])
    assert explained(axis) == ["band: least to most over seeds"]


def test_curves_leave_out_what_diverged_and_say_so(axis):
    runs = np.array([[3.0, 1.0], [5.0, 2.0], [9.0, np.nan]])
    plots.curves(axis, frame({"plain": runs}, {("plain", 2)}), "val_loss")
    assert axis.lines[0].get_ydata().tolist() == [4, 1.5]
    (text,) = axis.get_legend().texts
    assert text.get_text() == "plain (diverged: 1 of 3)"


def test_curves_of_a_condition_that_always_diverged(axis):
    plots.curves(axis, frame({"wild": [[9.0, np.nan]]}, {("wild", 0)}), "val_loss")
    assert axis.get_legend().texts[0].get_text() == "wild (diverged: 1 of 1)"
    assert len(axis.lines[0].get_ydata()) == 0


def test_curves_choose_conditions(axis):
    data = frame({"plain": [[1.0]], "L2": [[2.0]]})
    plots.curves(axis, data, "val_loss", conditions=["L2"], ylabel="loss (nats)")
    assert [line.get_label() for line in axis.lines] == ["L2"]
    assert axis.get_ylabel() == "loss (nats)"
    with pytest.raises(ValueError, match="no condition 'L3'"):
        plots.curves(axis, data, "val_loss", conditions=["L3"])


def test_bars_show_mean_interval_and_value(axis):
    plots.bars(axis, summary())
    heights = [bar.get_height() for bar in axis.patches]
    assert heights == [0.8, 0.9]
    assert [text.get_text() for text in axis.texts[:2]] == ["0.80", "0.90"]
    spans = [segment[:, 1].tolist() for segment in axis.collections[0].get_segments()]
    assert spans == [pytest.approx([0.7, 0.9]), pytest.approx([0.88, 0.92])]
    assert axis.get_ylim()[0] == 0, "a bar that does not start at 0 exaggerates"
    assert axis.get_ylabel() == "test accuracy (share)"
    assert explained(axis) == ["95 % interval"]


def test_bars_say_what_their_interval_covers(axis):
    table = summary()
    table.attrs["interval"] = "95 % interval over new seeds and new images"
    plots.bars(axis, table)
    assert explained(axis) == [table.attrs["interval"]]


def test_bars_without_intervals_explain_none(axis):
    plots.bars(axis, summary().assign(low=np.nan, high=np.nan))
    assert explained(axis) == []


def test_bars_say_what_diverged(axis):
    plots.bars(axis, summary(diverged=2))
    names = [text.get_text() for text in axis.get_xticklabels()]
    assert names == ["plain", "L2\n(diverged: 2 of 5)"]


def test_bars_of_a_condition_that_always_diverged(axis):
    table = summary(diverged=5)
    table.loc["L2", ["mean", "low", "high"]] = np.nan
    plots.bars(axis, table)
    assert axis.get_xticklabels()[1].get_text() == "L2\n(diverged: 5 of 5)"
    assert axis.texts[1].get_text() == ""


def test_differences_lie_around_zero(axis):
    data = {"difference": [0.1, -0.01], "low": [0.05, -0.03], "high": [0.15, 0.01]}
    table = pd.DataFrame({**data, "diverged": [0, 1]}, index=["L2", "dropout"])
    plots.differences(axis, table)
    drawn = [line.get_xdata() for line in axis.lines]
    assert axis.lines[0].get_color() == plots.COLOURS[1], "as in bars, after plain"
    assert [0.05, 0.15] in [list(x) for x in drawn]
    assert [-0.03, 0.01] in [list(x) for x in drawn]
    assert [0, 0] in [list(x) for x in drawn]
    ticks = zip(axis.get_yticks(), axis.get_yticklabels(), strict=True)
    names = {place: text.get_text() for place, text in ticks}
    assert names == {1: "L2", 0: "dropout\n(1 diverged)"}


def test_differences_at_both_ends_are_filled_and_hollow(axis):
    table = pd.DataFrame(
        {"difference": [0.1, 0.2], "low": [0.0, 0.1], "high": [0.2, 0.3]},
        index=["L2", "dropout"],
    )
    table.attrs["interval"] = "95 % interval over new seeds"
    best = (table - 0.05).iloc[::-1]  # in another order
    plots.differences(axis, table, best)
    points = {
        round(float(x), 2): (round(float(y), 2), line.get_markerfacecolor())
        for line in axis.lines
        if len(line.get_xdata()) == 1
        for x, y in line.get_xydata()
    }
    assert points == {
        0.1: (1.15, plots.COLOURS[1]),
        0.2: (0.15, plots.COLOURS[2]),
        0.05: (0.85, "white"),
        0.15: (-0.15, "white"),
    }
    spans = [line.get_xdata() for line in axis.lines if len(line.get_xdata()) == 2]
    assert [0.05, 0.25] in [pytest.approx(list(span)) for span in spans]
    assert explained(axis) == [
        "95 % interval over new seeds",
        "filled: end of training; hollow: best validation epoch",
    ]


@pytest.mark.parametrize(
    ("x", "scale"),
    [
        ([0.1, 0.2], "linear"),
        ([1e-4, 1e-2], "log"),
        ([0, 1e-4], "linear"),
        ([-4, -3], "linear"),
        ([0, 0], "linear"),
    ],
)
def test_sweep_chooses_its_axis(axis, x, scale):
    plots.sweep(axis, x, summary(), xlabel="strength")
    assert axis.get_xscale() == scale
    assert axis.get_xlabel() == "strength"


def test_sweep_shows_each_interval(axis):
    plots.sweep(axis, [0.1, 0.2], summary(), xlabel="rate")
    (bars,) = axis.containers
    assert bars.lines[0].get_xydata().tolist() == [[0.1, 0.8], [0.2, 0.9]]
    ends = [segment[:, 1].tolist() for segment in bars.lines[2][0].get_segments()]
    assert ends == [pytest.approx([0.7, 0.9]), pytest.approx([0.88, 0.92])]


def test_sweep_keeps_numbers_below_zero_in_sight(axis):
    three = pd.concat([summary(), summary()[:1]])
    plots.sweep(axis, [-1, 0.01, 1], three, xlabel="shift")
    assert axis.get_xscale() == "linear"


def test_sweeps_of_one_axis_say_which_interval_is_whose(axis):
    for label, covers in {"train": "seeds", "val": "seeds", "test": "images"}.items():
        table = summary()
        table.attrs["interval"] = f"95 % interval over {covers}"
        plots.sweep(axis, [0.1, 0.2], table, label=label, xlabel="rate")
    assert explained(axis) == [
        "95 % interval over seeds",
        "test: 95 % interval over images",
    ]


def test_sweep_gives_zero_a_place_on_a_logarithmic_axis(axis):
    three = pd.concat([summary(), summary()[:1]])
    plots.sweep(axis, [0, 1e-4, 1e-2], three, label="L2", xlabel="strength")
    assert axis.get_xscale() == "symlog"
    places = axis.transData.transform([(0, 0), (1e-4, 0), (1e-2, 0)])[:, 0]
    width = axis.get_window_extent().width
    assert (np.diff(places) > width / 4).all(), "the points take the whole axis"
    assert axis.get_legend().texts[0].get_text() == "L2"


@pytest.mark.parametrize(("diverged", "text"), [(2, "2 of 5"), (5, "5 of 5")])
def test_sweep_says_what_diverged(axis, diverged, text):
    table = summary(diverged)
    if diverged == 5:
        table.loc["L2", ["mean", "low", "high"]] = np.nan
    plots.sweep(axis, [0.1, 0.2], table, xlabel="rate")
    (note,) = [note for note in axis.texts if "diverged" in note.get_text()]
    assert note.get_text() == f"{text} diverged"
    axis.figure.canvas.draw()
    assert axis.figure.bbox.contains(*note.get_window_extent().p0), "it can be seen"


def test_image_grid_shows_grey_and_colour():
    grey = np.linspace(0, 1, 3 * 4).reshape(3, 2, 2, 1)
    fig = plots.image_grid(grey, ["a", "b", "c"], columns=2)
    assert len(fig.axes) == 4
    assert [axis.get_title() for axis in fig.axes] == ["a", "b", "c", ""]
    np.testing.assert_array_equal(fig.axes[1].images[0].get_array(), grey[1, ..., 0])
    assert fig.axes[1].images[0].get_clim() == (0, 1), "equal greys in every image"
    colour = plots.image_grid(np.zeros((2, 2, 2, 3)), columns=2)
    assert colour.axes[0].images[0].get_array().shape == (2, 2, 3)


def test_histogram_shows_shares(axis):
    values = np.array([[0.1, 0.1], [0.9, 5.0]])
    plots.histogram(axis, values, "plain", bins=[0, 0.5, 1])
    heights, edges, _ = axis.patches[0].get_data()
    assert heights.tolist() == [0.5, 0.25]
    assert edges.tolist() == [0, 0.5, 1]
    assert axis.get_ylabel() == "share of values"


@pytest.mark.parametrize("lost", [np.nan, np.inf])
def test_histogram_counts_what_is_not_finite(axis, lost):
    plots.histogram(axis, [0.1, 0.1, 0.9, lost], "plain", bins=2)
    assert axis.patches[0].get_data().values.tolist() == [0.5, 0.25]
    (text,) = axis.get_legend().texts
    assert text.get_text() == "plain (not finite: 1 of 4)"


def test_reliability_by_hand(axis):
    # Two predictions at 0.25 of which one is right; one at 1.0 that is right.
    for label in ("plain", "dropout"):
        plots.reliability(axis, [0.2, 0.3, 1.0], [True, False, True], label, bins=2)
    diagonal, points = axis.lines[:2]
    assert diagonal.get_xydata().tolist() == [[0, 0], [1, 1]]
    assert points.get_xdata() == pytest.approx([0.25, 1.0])
    assert points.get_ydata() == pytest.approx([0.5, 1.0])
    labels = [text.get_text() for text in axis.get_legend().texts]
    assert labels == ["calibrated", "plain", "dropout"]


def test_reliability_has_scikit_learns_points(axis):
    rng = np.random.default_rng(0)
    confidence = rng.random(300)
    correct = rng.random(300) < confidence
    plots.reliability(axis, confidence, correct, "plain", bins=7)
    right, mean = calibration_curve(correct, confidence, n_bins=7)
    assert axis.lines[1].get_xdata() == pytest.approx(mean)
    assert axis.lines[1].get_ydata() == pytest.approx(right)


@pytest.mark.parametrize("heavy", ["tensorflow", "sklearn", "statsmodels"])
def test_plots_import_nothing_heavy(heavy):
    source = f"import sys, utils.plots; sys.exit('{heavy}' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", source]).returncode == 0
