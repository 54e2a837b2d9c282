"""The capstone's protocol: its plan, its bad inputs, its report."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest

from utils import protocol, report
from utils.data import DataError, Dataset, load


def dataset(n=200, classes=2, side=8, blank=False):
    rng = np.random.default_rng(0)
    x = rng.random((n, side, side, 1), dtype=np.float32) * (not blank)
    y = (np.arange(n) % classes).astype(np.int32)
    names = tuple(map(str, range(classes)))
    return Dataset("mine", names, x, y, x, y, x, y)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (dataset(classes=1), "has one class"),
        (dataset(n=4), "has 12 images: too few"),
        (dataset(n=8000, classes=2000), "has 2000 classes"),
        (dataset(n=40, classes=20), "has 2 training images of class '0'"),
        (dataset(blank=True), "All pixels of 'mine' are 0"),
        (dataset(side=5), "has images of 5 x 5 pixels"),
    ],
)
def test_bad_data_get_a_sentence(data, message):
    with pytest.raises(DataError, match=re.escape(message)):
        protocol.check(data)


@pytest.mark.parametrize("minutes", [0, -1, float("nan"), float("inf"), "2", True])
def test_bad_minutes_get_a_sentence(minutes):
    with pytest.raises(ValueError, match=r"must be a number of minutes above 0"):
        protocol.plan(dataset(), minutes)


def test_too_few_minutes_get_a_sentence():
    with pytest.raises(ValueError, match="is too little for images of 64 pixels"):
        protocol.plan(dataset(), 0.1)


def test_a_plan_is_reproducible_grows_and_keeps_its_minutes():
    data = dataset(n=3000, side=28)
    small, large = protocol.plan(data, 2), protocol.plan(data, 10)
    assert small == protocol.plan(data, 2)
    assert small.images < large.images
    assert small.seconds < 120
    assert large.seconds < 600


def test_a_draw_has_the_size_of_the_plan_and_every_class():
    size = dataclasses.replace(protocol.plan(load("digits"), 2), images=100, held=50)
    data = protocol.draw("digits", size, 0)
    assert len(data.y_train) == 100
    assert len(data.y_val) == 50
    assert set(data.y_val) == set(data.y_train) == set(range(10))


def test_the_report_is_one_file_and_escapes_text(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "FOLDER", tmp_path)
    table = pd.DataFrame({"mean": [0.5]}, index=["<plain>"])
    page = report.write("mine", [("A & B", "<b>", table, "cGlj")]).read_text()
    assert "A &amp; B" in page
    assert "&lt;b&gt;" in page
    assert "&lt;plain&gt;" in page
    assert "data:image/png;base64,cGlj" in page
