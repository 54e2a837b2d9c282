"""A folder of pictures as a data set: read, sized, split, and refused with reasons."""

import os

import numpy as np
import pytest
from PIL import Image, ImageDraw

from utils.data import DataError, load, pictures


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


def square(folder, picture, name="ant/own.png", **options):
    """How one picture comes out, uint8 (64, 64, 3)."""
    picture.save(folder / "zoo" / name, **options)
    return pictures.square(folder / "zoo" / name, 64)


@pytest.mark.parametrize(
    "mode, colour, seen",
    [
        ("L", 128, (128, 128, 128)),
        ("1", 1, (255, 255, 255)),
        ("P", 1, None),
        ("I;16", 128 * 257, (128, 128, 128)),
        ("LA", (128, 255), (128, 128, 128)),
        ("RGBA", (200, 100, 50, 255), (200, 100, 50)),
        ("RGB", (200, 100, 50), (200, 100, 50)),
    ],
)
def test_every_kind_of_picture_becomes_three_channels(folder, mode, colour, seen):
    picture = Image.new(mode, (70, 90), colour)
    found = square(folder, picture)
    assert found.shape == (64, 64, 3)
    assert found.dtype == np.uint8
    assert (found == (seen or picture.convert("RGB").getpixel((0, 0)))).all()


@pytest.mark.filterwarnings("error")
def test_a_transparent_palette_is_read_without_a_warning(folder):
    picture = Image.new("P", (70, 70), 1)
    picture.putpalette([0, 0, 0, 200, 100, 50])
    found = square(folder, picture, transparency=bytes([0, 90]))
    assert (found == (200, 100, 50)).all()


@pytest.mark.parametrize("ending", ["bmp", "gif", "jpg", "JPEG", "png"])
def test_the_formats_that_are_promised(folder, ending):
    found = square(folder, Image.new("RGB", (300, 300), "lime"), f"ant/own.{ending}")
    assert np.abs(found.astype(int) - (0, 255, 0)).max() <= 2


@pytest.mark.parametrize("ending", ["png", "jpg"])
@pytest.mark.parametrize("size", [(100, 300), (300, 100), (1000, 3000), (20, 60)])
def test_the_longer_side_is_cropped_at_its_centre(folder, size, ending):
    """Red outside the central square, whose upper half is blue, the lower one green."""
    picture = Image.new("RGB", size, "red")
    short, (x, y) = min(size), (np.array(size) - min(size)) // 2
    draw = ImageDraw.Draw(picture)
    draw.rectangle([x, y, x + short - 1, y + short // 2 - 1], "blue")
    draw.rectangle([x, y + short // 2, x + short - 1, y + short - 1], "lime")
    found = square(folder, picture, f"ant/own.{ending}", quality=95)
    assert np.abs(found[3:28, 3:61].astype(int) - (0, 0, 255)).max() < 30
    assert np.abs(found[36:61, 3:61].astype(int) - (0, 255, 0)).max() < 30


def test_a_picture_taken_sideways_stands_up(folder):
    picture = Image.new("RGB", (90, 90), "red")
    picture.paste("blue", (0, 0, 45, 90))  # the left half
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it a quarter clockwise to see it: left becomes the top
    found = square(folder, picture, "ant/own.jpg", exif=exif)
    assert found[:28].mean(axis=(0, 1)).argmax() == 2
    assert found[36:].mean(axis=(0, 1)).argmax() == 0


def test_the_split_follows_the_seed(folder):
    first, again, other = (load("zoo", seed=s, data_dir=folder) for s in (1, 1, 2))
    assert (first.x_train == again.x_train).all()
    assert (first.y_val == again.y_val).all()
    assert (first.x_train != other.x_train).any()
    assert (first.x_test == other.x_test).all()


def count(data):
    """How many pictures of each class are in all parts."""
    return np.bincount([*data.y_train, *data.y_val, *data.y_test]).tolist()


def test_new_pictures_are_seen(folder):
    assert count(load("zoo", data_dir=folder)) == [10, 8, 6]
    Image.new("RGB", (9, 9)).save(folder / "zoo" / "bee" / "new.jpg")
    assert count(load("zoo", data_dir=folder)) == [10, 9, 6]
    (folder / "zoo" / "ant" / "0.png").unlink()
    assert count(load("zoo", data_dir=folder)) == [9, 9, 6]


def test_moved_pictures_change_their_class(folder):
    assert count(load("zoo", data_dir=folder)) == [10, 8, 6]
    (folder / "zoo" / "ant" / "3.png").rename(folder / "zoo" / "cat" / "moved.png")
    assert count(load("zoo", data_dir=folder)) == [9, 8, 7]


def test_pictures_that_swap_names_are_seen(folder):
    """Of one size and one time, so that only the file itself tells them apart."""
    ant, bee = folder / "zoo" / "ant" / "0.bmp", folder / "zoo" / "bee" / "0.bmp"
    for path, colour in ((ant, (250, 0, 0)), (bee, (0, 250, 0))):
        Image.new("RGB", (30, 30), colour).save(path)
        os.utime(path, (1_000_000_000, 1_000_000_000))
    before, _, _ = pictures.read(folder / "zoo")
    aside = folder / "aside"
    ant.rename(aside), bee.rename(ant), aside.rename(bee)
    after, _, _ = pictures.read(folder / "zoo")
    assert (before != after).any()


def test_pictures_painted_over_are_seen(folder):
    before, _, _ = pictures.read(folder / "zoo")
    path = folder / "zoo" / "ant" / "0.png"
    Image.open(path).convert("L").save(path)
    after, _, _ = pictures.read(folder / "zoo")
    assert (before != after).any()


def test_pictures_are_read_once(folder, capsys):
    for seed in range(3):
        load("zoo", data_dir=folder, seed=seed)
    assert capsys.readouterr().out.count("scaled to") == 1


def test_many_pictures_become_smaller_and_fewer(folder, monkeypatch, capsys):
    monkeypatch.setattr(pictures, "MOST_VALUES", 20 * 24 * 24 * 3)
    monkeypatch.setattr(pictures, "MOST_PICTURES", 20)
    data = load("zoo", data_dir=folder)
    assert data.x_train.shape[1:] == (24, 24, 3)
    assert "zoo: 20 of 24 pictures" in capsys.readouterr().out


def test_what_is_hidden_is_no_class_and_no_picture(folder):
    for name in (".cache", "__MACOSX"):
        (folder / "zoo" / name).mkdir()
    for i in range(10):  # what a Mac leaves beside each picture
        (folder / "zoo" / "ant" / f"._{i}.png").write_bytes(b"Mac OS X")
    assert load("zoo", data_dir=folder).class_names == ("ant", "bee", "cat")


def test_an_npz_of_the_same_name_comes_first(folder):
    x, y = np.zeros((10, 4, 4), np.uint8), np.arange(10) % 2
    np.savez(folder / "zoo.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    assert load("zoo", data_dir=folder).class_names == ("0", "1")


def test_a_broken_picture_is_left_out_and_named(folder, capsys):
    whole = (folder / "zoo" / "ant" / "0.png").read_bytes()
    (folder / "zoo" / "ant" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "zoo" / "bee" / "gone.jpg").symlink_to(folder / "nowhere.jpg")
    assert count(load("zoo", data_dir=folder)) == [10, 8, 6]
    assert capsys.readouterr().out.endswith(
        "zoo: 24 pictures of 3 classes, scaled to 64 x 64 pixels; left out 2 that "
        "cannot be read: ant/cut.png, bee/gone.jpg\n"
    )


def test_many_broken_pictures_are_an_error(folder):
    for i in range(3):
        (folder / "zoo" / "bee" / f"bad{i}.gif").write_bytes(b"GIF89a")
    with pytest.raises(DataError) as error:
        load("zoo", data_dir=folder)
    assert str(error.value) == (
        f"3 of 27 pictures in {folder / 'zoo'} cannot be read, too many to leave them "
        "out: bee/bad0.gif, bee/bad1.gif, bee/bad2.gif. Take out files that are "
        "damaged or only named like pictures, or save them again as PNG."
    )
    for i in range(10, 20):
        (folder / "zoo" / "bee" / f"bad{i}.gif").write_bytes(b"")
    with pytest.raises(DataError, match=r"bad0.gif(, bee/\w+.gif){4}, …\. Take out"):
        load("zoo", data_dir=folder)


def test_a_class_of_broken_pictures_is_an_error(folder):
    (folder / "zoo" / "dog").mkdir()
    (folder / "zoo" / "dog" / "a.png").write_bytes(b"no picture at all")
    with pytest.raises(DataError, match=r"1 of 25 pictures .* cannot .*: dog/a\.png"):
        load("zoo", data_dir=folder)


def test_only_the_named_formats_are_opened(folder):
    """Pillow knows many more, and hands PostScript to a program of its own."""
    assert square(folder, Image.new("RGB", (9, 9)), format="PNG") is not None
    assert square(folder, Image.new("RGB", (9, 9)), format="TIFF") is None


def test_what_is_wrong_is_said(folder):
    (folder / "zoo" / "dog").mkdir()
    with pytest.raises(DataError, match="dog holds no picture"):
        load("zoo", data_dir=folder)
    (folder / "empty").mkdir()
    with pytest.raises(DataError, match="holds no folders"):
        load("empty", data_dir=folder)
    with pytest.raises(DataError, match=r"There is digits, .*, zoo;"):
        load("zoos", data_dir=folder)
