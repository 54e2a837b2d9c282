"""The capstone's plan, scores and page: what fits the minutes, what is refused."""

import dataclasses
import math
import re

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from utils.capstone import plan as protocol
from utils.capstone import report
from utils.capstone.plan import ProtocolError, plan
from utils.data import DataError, Dataset, load
from utils.models import regularized_cnn
from utils.study import paired

MINUTES = (4, 8, 16, 32, 64, 240)


def made(n=400, classes=4, side=28, labels=None, images=None):
    """A data set of noise with the shapes that a test asks for."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % classes if labels is None else np.asarray(labels)
    if images is None:
        images = rng.uniform(size=(len(labels), side, side, 1)).astype("float32")
    part = images, labels.astype("int32")
    names = tuple(map(str, range(classes)))
    return Dataset("made", names, *part, *part, *part)


def test_more_minutes_never_give_less():
    data = made(30_000)
    plans = [plan(data, minutes) for minutes in MINUTES]
    work = [one.settings * one.epochs * one.train_size * one.side for one in plans]
    assert work == sorted(work)
    assert work[-1] > work[0]
    for one, minutes in zip(plans, MINUTES, strict=True):
        assert one.seconds <= 60 * minutes


def test_the_plan_is_no_matter_of_time():
    assert plan(made(), 2) == plan(made(), 2)


def test_the_runs_of_the_test_are_paid_for(monkeypatch):
    for name in ("SETUP_SECONDS", "TRACE_SECONDS"):
        monkeypatch.setattr(protocol, name, 0)
    monkeypatch.setattr(protocol, "FLOPS_PER_SECOND", float("inf"))
    one = plan(made(), 60)
    steps = math.ceil(one.train_size / protocol.BATCH)
    each = one.epochs * (steps * protocol.STEP_SECONDS + 0.01)
    tuned, compared, tested = 5 * one.settings, 5 * 5, 2 * 5
    assert one.seconds == pytest.approx((tuned + compared + tested) * each / 2)


def test_a_plan_keeps_to_the_images_there_are():
    one = plan(load("digits", train_size=100), 10)
    assert one.train_size == 100
    assert one.side == 8
    assert "100 images" in str(one)


@pytest.mark.parametrize(
    "minutes", [0, -1, float("nan"), float("inf"), "2", None, True]
)
def test_minutes_have_to_be_a_number_above_zero(minutes):
    with pytest.raises(ProtocolError, match=r"must be a number above 0"):
        plan(made(), minutes)


def test_too_few_minutes_say_how_many_are_enough():
    with pytest.raises(ProtocolError, match=r"Give it (\d+\.?\d*)\.") as error:
        plan(made(), 0.01)
    enough = float(re.search(r"Give it ([\d.]+)\.", str(error.value)).group(1))
    assert plan(made(), enough).seconds <= 60 * enough


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (lambda: made(labels=np.zeros(100)), "has one class only"),
        (lambda: made(12), "has 12 training images, 3 of class '0'"),
        (lambda: made(labels=[0] * 97 + [1] * 3), "3 of class '1'"),
        (lambda: made(2000, classes=2000), "has 2000 classes"),
        (lambda: made(images=np.zeros((400, 28, 28, 1), "float32")), "are blank"),
        (lambda: made(side=6), "8 x 8 or more"),
    ],
)
def test_data_that_cannot_be_compared_on(data, words):
    with pytest.raises(ProtocolError) as error:
        plan(data(), 10)
    assert words in str(error.value)
    assert str(error.value).count(".") >= 2  # what is wrong, and what to do


def test_a_set_of_twelve_images_is_refused_from_its_file_on(tmp_path):
    x, y = np.ones((12, 8, 8), np.uint8), np.arange(12) % 2
    np.savez(tmp_path / "tiny.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    with pytest.raises((ProtocolError, DataError)):
        plan(load("tiny", data_dir=tmp_path), 2)


def test_costs_are_those_of_the_network():
    """Multiplications counted from the layers' own shapes."""
    model, total = regularized_cnn((28, 28, 3), 7), 0
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            total += np.prod(layer.output.shape[1:3]) * np.prod(layer.kernel.shape)
        if isinstance(layer, keras.layers.Dense):
            total += np.prod(layer.kernel.shape)
    assert protocol.forward_flops((28, 28, 3), 7) == 2 * total


def test_halving_is_average_pooling():
    images = np.random.default_rng(1).uniform(size=(3, 29, 20, 2)).astype("float32")
    pooled = np.asarray(keras.ops.average_pool(images, 2))
    assert np.allclose(protocol.shrunk(images, 16), pooled, atol=1e-6)
    assert protocol.shrunk(images, 30) is images
    assert protocol.shrunk(images, 4).shape == (3, 14, 10, 2)  # 8 or more remain


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_those_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    labels, answers = rng.choice(4, (2, 60), p=[0.6, 0.25, 0.1, 0.05])
    labels[:4] = range(4)
    ours = protocol.balanced_accuracy(labels, answers)
    assert ours == pytest.approx(metrics.balanced_accuracy_score(labels, answers))
    matrix = protocol.confusion(labels, answers, 4)
    assert (matrix == metrics.confusion_matrix(labels, answers)).all()


@pytest.mark.parametrize(
    ("chosen", "gaps", "words"),
    [
        ("L2", [0.02, 0.03, 0.02], "use"),
        ("L2", [0.02, -0.03, 0.02], "undecided"),
        ("L2", [-0.02, -0.03, -0.02], "keep plain"),
        ("plain", [0.0, 0.0, 0.0], "keep plain"),
    ],
)
def test_what_the_test_images_say(chosen, gaps, words):
    found = paired(chosen, "plain", gaps, [0, 0, 0], "test_balanced_accuracy")
    assert protocol.verdict(found) == words


def test_the_page_holds_all_it_needs(tmp_path):
    fig, axis = plt.subplots()
    axis.plot([1, 2])
    parts = [
        report.text("Use <dropout> & rest.", kind="answer"),
        report.table(pd.DataFrame({"share": [0.12345]})),
        report.figure(fig, 'A line, "rising".'),
    ]
    plt.close(fig)
    report.write(tmp_path / "deep" / "report.html", "Which?", {"Answer": parts})
    page = (tmp_path / "deep" / "report.html").read_text(encoding="utf-8")
    assert "Use &lt;dropout&gt; &amp; rest." in page
    assert "0.123<" in page
    assert 'alt="A line, &quot;rising&quot;."' in page
    assert not re.search(r'(?:src|href)="(?!data:)', page)  # nothing from elsewhere


def test_plans_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan(made(), 5).epochs = 3
