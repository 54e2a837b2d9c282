"""What data the capstone refuses, and how images are made smaller."""

import keras
import numpy as np
import pytest

from tests.capstone import made
from utils.capstone.images import ProtocolError, check_data, shapes_of, shrunk, smaller
from utils.data import DataError, load


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (lambda: made.data(labels=np.zeros(100)), "has one class only"),
        (lambda: made.data(12), "has 12 training images, 3 of class '0'"),
        (lambda: made.data(labels=[0] * 97 + [1] * 3), "3 of class '1'"),
        (lambda: made.data(2000, classes=2000), "has 2000 classes"),
        (
            lambda: made.data(images=np.zeros((400, 28, 28, 1), "float32")),
            "are blank",
        ),
        (lambda: made.data(side=6), "8 x 8 or more"),
    ],
)
def test_data_that_cannot_be_compared_on(data, words):
    with pytest.raises(ProtocolError) as error:
        check_data(data())
    assert words in str(error.value)
    assert str(error.value).count(".") >= 2  # what is wrong, and what to do


def test_a_set_of_twelve_images_is_refused_from_its_file_on(tmp_path):
    x, y = np.ones((12, 8, 8), np.uint8), np.arange(12) % 2
    np.savez(tmp_path / "tiny.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    with pytest.raises((ProtocolError, DataError)):
        check_data(load("tiny", data_dir=tmp_path))


def test_halving_is_average_pooling():
    images = np.random.default_rng(1).uniform(size=(3, 29, 20, 2)).astype("float32")
    pooled = np.asarray(keras.ops.average_pool(images, 2))
    assert np.allclose(shrunk(images, 16), pooled, atol=1e-6)
    assert shrunk(images, 30) is images
    assert shrunk(images, 4).shape == (3, 14, 10, 2)  # 8 or more remain


def test_the_sizes_of_an_image():
    image = np.zeros((1, 64, 40, 3), np.float32)
    shapes = {64: (64, 40, 3), 32: (32, 20, 3), 16: (16, 10, 3)}
    assert shapes_of(image) == shapes
    assert shapes_of(image[:, :15]) == {40: (15, 40, 3)}


def test_smaller_keeps_the_share_of_each_class_and_all_test_images():
    labels = np.repeat(np.arange(4), [1600, 400, 300, 100])  # sorted, as some are
    images = np.repeat(labels / 10, 16 * 16).reshape(-1, 16, 16, 1).astype("float32")
    images[:, 8:] = np.arange(2400).reshape(-1, 1, 1, 1) / 2400
    whole = made.data(labels=labels, images=images)
    less = smaller(whole, 240, 8, seed=3)
    assert np.bincount(less.y_train).tolist() == [160, 40, 30, 10]
    assert len(less.y_val) == 2000
    assert np.bincount(less.y_val, minlength=4).min() > 80
    assert (less.y_test == whole.y_test).all()
    for part in ("train", "val", "test"):
        x, y = getattr(less, f"x_{part}"), getattr(less, f"y_{part}")
        assert x.shape[1:] == (8, 8, 1)
        assert np.allclose(x[:, 0, 0, 0], y / 10)  # each keeps its label
    other = smaller(whole, 240, 8, seed=4)
    assert not (other.x_train == less.x_train).all()


def test_what_fits_stays_as_it_is():
    whole = made.data()
    same = smaller(whole, 10**6, 28)
    assert same.x_train is whole.x_train and same.y_val is whole.y_val
