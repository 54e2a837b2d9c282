"""load on every kind of source: its parts, subsets and noise, and its arguments."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from tests.data.files import assert_shares, images_of, save
from utils.data import DataError, load, splits
from utils.runtime import configure_tensorflow

# What comes back


def test_digits_are_scikit_learns_split_in_three():
    digits = load_digits()
    dataset = load()
    assert dataset.name == "digits"
    assert dataset.class_names == tuple("0123456789")
    truth = {
        (image / 16).astype(np.float32).tobytes(): label
        for image, label in zip(digits.images, digits.target, strict=True)
    }
    assert len(truth) == 1797  # no two images alike, so bytes identify an image
    x = images_of(dataset.x_train, dataset.x_val, dataset.x_test)
    y = np.concatenate([dataset.y_train, dataset.y_val, dataset.y_test])
    assert sorted(x) == sorted(truth)
    assert [truth[image] for image in x] == y.tolist()
    assert len(dataset.x_test) == round(1797 / 5)
    assert len(dataset.x_val) == round((1797 - 359) / 5)
    assert len(dataset.x_train) >= 1000


@pytest.mark.parametrize("seed", range(5))
def test_digits_parts_are_stratified(seed):
    dataset = load(seed=seed)
    every = load_digits().target
    rest = np.concatenate([dataset.y_train, dataset.y_val])
    assert_shares(dataset.y_test, every)
    assert_shares(dataset.y_val, rest)
    assert_shares(dataset.y_train, rest)


def test_form():
    dataset = load(label_noise=0.2)
    for part in ("train", "val", "test"):
        x, y = getattr(dataset, f"x_{part}"), getattr(dataset, f"y_{part}")
        assert x.dtype == np.float32
        assert x.shape == (len(y), 8, 8, 1)
        assert x.min() == 0
        assert x.max() == 1
        assert y.dtype == np.int32
        assert y.ndim == 1
        assert not x.flags.writeable
        assert not y.flags.writeable
    with pytest.raises(dataclasses.FrozenInstanceError):
        dataset.name = "other"
    assert repr(dataset) == (
        "<Dataset digits: 1150 train, 288 val, 359 test, 8x8x1, 10 classes>"
    )


def test_keras_fits_on_read_only_arrays():
    keras = configure_tensorflow().keras
    keras.utils.set_random_seed(0)
    dataset = load(train_size=20)
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss)
    history = model.fit(dataset.x_train, dataset.y_train, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


@pytest.mark.parametrize(
    "code, loaded",
    [
        ("import utils.data", []),
        ("import utils.data; utils.data.load()", ["sklearn"]),
        ("import utils.data; utils.data.load('zoo', data_dir='.')", []),
    ],
)
def test_no_slow_import_that_is_not_needed(tmp_path, code, loaded):
    for name in "ab":
        (tmp_path / "zoo" / name).mkdir(parents=True)
        for i in range(3):
            Image.new("RGB", (9, 9)).save(tmp_path / "zoo" / name / f"{i}.png")
    slow = "('tensorflow', 'keras', 'sklearn')"
    code += f"; import sys; print('slow:', *(m for m in {slow} if m in sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert ran.stdout.split("slow:")[1].split() == loaded, ran.stderr


# Seed, subset, noise


def test_seed_fixes_everything():
    first, again = (load(train_size=100, label_noise=0.3, seed=4) for _ in range(2))
    for field in dataclasses.fields(first):
        one, two = getattr(first, field.name), getattr(again, field.name)
        np.testing.assert_array_equal(one, two)
    assert set(images_of(load(seed=5).x_val)) != set(images_of(first.x_val))
    np.testing.assert_array_equal(load(seed=np.int64(4)).y_val, first.y_val)


@pytest.mark.parametrize("size", [10, 50, 111, 400, 800, 1150])
def test_train_size_is_a_stratified_nested_subset(size):
    whole, subset = load(seed=1), load(seed=1, train_size=size)
    assert len(subset.x_train) == len(set(images_of(subset.x_train))) == size
    assert set(images_of(subset.x_train)) <= set(images_of(whole.x_train))
    assert_shares(subset.y_train, whole.y_train)
    assert set(subset.y_train) == set(range(10))
    np.testing.assert_array_equal(subset.x_val, whole.x_val)
    np.testing.assert_array_equal(subset.x_test, whole.x_test)
    larger = load(seed=1, train_size=1150)
    np.testing.assert_array_equal(subset.x_train, larger.x_train[:size])


def test_a_rare_class_is_in_every_subset(tmp_path):
    save(tmp_path, y_train=np.array([0] * 57 + [1] * 2 + [2]))
    for size in (3, 10, 48):
        dataset = load("own", train_size=size, data_dir=tmp_path)
        assert set(dataset.y_train) == {0, 1, 2}


def test_any_labels_are_sampled_in_their_shares():
    rng = np.random.default_rng(0)
    for _ in range(30):
        classes = rng.integers(1, 20)
        shares = rng.dirichlet(np.full(classes, rng.choice([0.3, 1, 10])))
        labels = np.append(np.arange(classes), rng.choice(classes, 500, p=shares))
        size = rng.integers(classes, len(labels), endpoint=True)
        sample = splits.stratified_sample(labels, size, rng)
        assert len(set(sample)) == size
        drawn, every = np.bincount(labels[sample]), np.bincount(labels)
        assert drawn.min() >= 1
        if (every * size / len(labels)).min() >= 1:  # else the rare ones go first
            assert_shares(labels[sample], labels)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.999])
def test_label_noise_changes_that_many_labels_and_nothing_else(share):
    clean = load(train_size=350, seed=2)
    noisy = load(train_size=350, seed=2, label_noise=share)
    assert (noisy.y_train != clean.y_train).sum() == round(share * 350)
    assert set(noisy.y_train) <= set(range(10))
    for field in dataclasses.fields(clean):
        if field.name != "y_train":
            one, two = getattr(clean, field.name), getattr(noisy, field.name)
            np.testing.assert_array_equal(one, two)


def test_wrong_labels_are_uniform():
    """Chi-squared over the 9 wrong classes of 3 × 1,150 labels, all replaced."""
    table = np.zeros((10, 10))
    for seed in range(3):
        clean, noisy = load(seed=seed), load(seed=seed, label_noise=0.9999)
        np.add.at(table, (clean.y_train, noisy.y_train), 1)
    assert np.trace(table) == 0
    expected = table.sum(axis=1, keepdims=True) / 9 * (1 - np.eye(10))
    off = expected > 0
    statistic = ((table - expected)[off] ** 2 / expected[off]).sum()
    assert statistic < 124.8  # the 99.9 % point for 10 × 8 degrees of freedom


def test_more_noise_keeps_the_wrong_labels_of_less():
    clean, little, much = (load(label_noise=share) for share in (0, 0.1, 0.4))
    wrong = little.y_train != clean.y_train
    np.testing.assert_array_equal(little.y_train[wrong], much.y_train[wrong])


def test_one_class_has_no_wrong_label(tmp_path):
    save(tmp_path, y_train=np.zeros(60, int), y_test=np.zeros(12, int))
    assert len(load("own", data_dir=tmp_path, train_size=1).y_train) == 1
    with pytest.raises(DataError, match="label_noise=0.1 needs a second class"):
        load("own", data_dir=tmp_path, label_noise=0.1)


# Refusals: arguments


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"name": "../digits"}, r"'\.\./digits' is no name .* use letters"),
        ({"name": "digits.npz"}, r"'digits\.npz' is no name"),
        ({"name": "digits\n"}, "is no name"),
        ({"name": "/etc"}, "is no name"),
        ({"name": ""}, "'' is no name"),
        ({"name": "zahlenä"}, "is no name"),
        ({"name": None}, "None is no name"),
        ({"name": Path("digits")}, "is no name"),
        ({"train_size": 0}, "train_size=0 is less than one image .* Use 10 or more"),
        ({"train_size": -5}, "train_size=-5 is less than one image"),
        ({"train_size": 9}, "train_size=9 is less than one image .* 10 classes"),
        ({"train_size": 1151}, "train_size=1151 is more than the 1150 .* or fewer"),
        ({"train_size": 50.0}, "train_size=50.0 must be a whole number"),
        ({"train_size": True}, "train_size=True must be a whole number"),
        ({"train_size": "50"}, "train_size='50' must be a whole number"),
        ({"label_noise": 1.0}, r"label_noise=1\.0 must be a number in \[0, 1\)"),
        ({"label_noise": -0.1}, r"label_noise=-0\.1 must be a number"),
        ({"label_noise": float("nan")}, "label_noise=nan must be a number"),
        ({"label_noise": True}, "label_noise=True must be a number"),
        ({"label_noise": False}, "label_noise=False must be a number"),
        ({"label_noise": "0.3"}, "label_noise='0.3' must be a number"),
        ({"label_noise": None}, "label_noise=None must be a number"),
        ({"seed": -1}, "seed=-1 must be a whole number, 0 or larger"),
        ({"seed": 1.0}, "seed=1.0 must be a whole number"),
        ({"seed": None}, "seed=None must be a whole number"),
        ({"seed": False}, "seed=False must be a whole number"),
        ({"name": "own", "data_dir": "no/such"}, "no/such does not exist. Create"),
        ({"name": "own", "data_dir": 3}, "data_dir=3 is no folder"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(DataError, match=message):
        load(**arguments)


def test_an_unknown_name_lists_what_there_is(tmp_path):
    save(tmp_path, name="cats")
    with pytest.raises(DataError) as error:
        load("dogs", data_dir=tmp_path)
    assert str(error.value) == (
        "There is no data set 'dogs'. There is digits, mnist, fashion_mnist, cifar10, "
        f"cats; to bring your own, put dogs.npz into {tmp_path}, or a folder dogs with "
        "one folder of pictures for each class."
    )
