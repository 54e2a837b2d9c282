"""A folder of pictures as a data set: read, sized, split, and refused with reasons."""

import numpy as np
import pytest
from PIL import Image

from utils.data import DataError, load, pictures
from utils.runtime import configure_tensorflow

configure_tensorflow()


@pytest.fixture
def folder(tmp_path):
    """Three classes of 10, 8 and 6 pictures of odd sizes, one colour a class."""
    rng = np.random.default_rng(0)
    colours = {"ant": (250, 0, 0), "bee": (0, 250, 0), "cat": (0, 0, 250)}
    for (name, colour), count in zip(colours.items(), (10, 8, 6), strict=True):
        for i in range(count):
            place = tmp_path / "zoo" / name / f"{i}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            width, height = rng.integers(20, 90, 2)
            shade = tuple(max(0, value - 5 * i) for value in colour)
            Image.new("RGB", (int(width), int(height)), shade).save(place)
    return tmp_path


def test_a_folder_is_a_data_set(folder, capsys):
    data = load("zoo", data_dir=folder)
    assert data.class_names == ("ant", "bee", "cat")
    assert data.x_train.shape[1:] == (64, 64, 3)
    assert data.x_train.dtype == np.float32
    assert len(data.x_train) + len(data.x_val) + len(data.x_test) == 24
    for images, labels in (
        (data.x_train, data.y_train),
        (data.x_val, data.y_val),
        (data.x_test, data.y_test),
    ):
        assert set(labels) == {0, 1, 2}
        assert (images.mean(axis=(1, 2)).argmax(axis=1) == labels).all()
    said = "zoo: 24 pictures of 3 classes, scaled to 64 x 64 pixels"
    assert said in capsys.readouterr().out


def test_grey_and_palette_pictures_become_three_channels(folder):
    Image.new("L", (30, 30), 128).save(folder / "zoo" / "ant" / "grey.png")
    Image.new("P", (30, 30), 1).save(folder / "zoo" / "ant" / "palette.gif")
    assert load("zoo", data_dir=folder).x_train.shape[3] == 3


def test_the_split_follows_the_seed(folder):
    first, again, other = (load("zoo", seed=s, data_dir=folder) for s in (1, 1, 2))
    assert (first.x_train == again.x_train).all()
    assert (first.y_val == again.y_val).all()
    assert (first.x_train != other.x_train).any()


def test_new_pictures_are_seen(folder):
    before = load("zoo", data_dir=folder)
    Image.new("RGB", (9, 9)).save(folder / "zoo" / "bee" / "new.jpg")
    after = load("zoo", data_dir=folder)
    assert sum(map(len, (after.y_train, after.y_val, after.y_test))) == 25
    assert sum(map(len, (before.y_train, before.y_val, before.y_test))) == 24


def test_many_pictures_become_smaller_and_fewer(folder, monkeypatch, capsys):
    monkeypatch.setattr(pictures, "MOST_VALUES", 20 * 24 * 24 * 3)
    monkeypatch.setattr(pictures, "MOST_PICTURES", 20)
    data = load("zoo", data_dir=folder)
    assert data.x_train.shape[1:] == (24, 24, 3)
    assert "zoo: 20 of 24 pictures" in capsys.readouterr().out


def test_hidden_folders_are_no_classes(folder):
    for name in (".cache", "__MACOSX"):
        (folder / "zoo" / name).mkdir()
    assert load("zoo", data_dir=folder).class_names == ("ant", "bee", "cat")


def test_an_npz_of_the_same_name_comes_first(folder):
    x, y = np.zeros((10, 4, 4), np.uint8), np.arange(10) % 2
    np.savez(folder / "zoo.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    assert load("zoo", data_dir=folder).class_names == ("0", "1")


def test_what_is_wrong_is_said(folder):
    (folder / "zoo" / "dog").mkdir()
    with pytest.raises(DataError, match="dog holds no picture"):
        load("zoo", data_dir=folder)
    (folder / "zoo" / "dog" / "a.png").write_bytes(b"no picture at all")
    with pytest.raises(DataError, match="cannot be read"):
        load("zoo", data_dir=folder)
    (folder / "empty").mkdir()
    with pytest.raises(DataError, match="holds no folders"):
        load("empty", data_dir=folder)
    with pytest.raises(DataError, match=r"There is digits, .*, zoo;"):
        load("zoos", data_dir=folder)
