"""Your own npz: what it may hold, where it may lie, and every refusal."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.data.files import assert_shares, images_of, save
from utils.data import DataError, load, sources


def test_own_file_keeps_its_test_part_and_gives_a_fifth_to_val(tmp_path):
    arrays = save(tmp_path)
    one, two = (load("own", seed=seed, data_dir=tmp_path) for seed in (0, 1))
    assert one.class_names == ("0", "1", "2")
    for dataset in (one, two):
        np.testing.assert_array_equal(dataset.y_test, arrays["y_test"])
        np.testing.assert_allclose(dataset.x_test, arrays["x_test"] / 255, rtol=1e-6)
    assert (len(one.x_train), len(one.x_val)) == (48, 12)
    assert np.bincount(one.y_val).tolist() == [4, 4, 4]
    scaled = (arrays["x_train"] / np.float32(255)).astype(np.float32)
    assert sorted(images_of(one.x_train, one.x_val)) == sorted(images_of(scaled))
    assert set(images_of(one.x_val)) != set(images_of(two.x_val))


def test_own_validation_part_is_used(tmp_path):
    x_val, y_val = np.full((4, 5, 4, 3), 0.5), np.array([2, 1, 0, 0])
    arrays = save(tmp_path, x_val=x_val, y_val=y_val)
    dataset = load("own", data_dir=tmp_path)
    np.testing.assert_array_equal(dataset.x_val, x_val)
    np.testing.assert_array_equal(dataset.y_val, y_val)
    np.testing.assert_array_equal(dataset.y_train, arrays["y_train"])


@pytest.mark.parametrize(
    "changes",
    [
        {"y_train": (np.arange(60) % 3)[:, None]},
        {"y_train": (np.arange(60) % 3).astype(float)},
        {"y_train": (np.arange(60) % 3).astype(np.uint8)},
        {"x_train": np.zeros((60, 5, 4, 3), np.float16)},
        {"x_train": np.ones((60, 5, 4, 3), np.float64)},
        {"x_train": np.ones((60, 5, 4)), "x_test": np.ones((12, 5, 4), np.uint8)},
        {"extra": np.arange(3)},
    ],
)
def test_own_file_may_come_in_several_forms(tmp_path, changes):
    arrays = save(tmp_path, **changes)
    dataset = load("own", data_dir=str(tmp_path))
    channels = 3 if arrays["x_train"].ndim == 4 else 1
    assert dataset.x_train.shape == (48, 5, 4, channels)
    assert dataset.x_train.dtype == np.float32
    assert np.bincount(dataset.y_train).tolist() == [16, 16, 16]


def test_the_example_in_the_readme_works(tmp_path, monkeypatch):
    readme = Path(sources.__file__).parents[2] / "data" / "README.md"
    example = readme.read_text("utf-8").split("```python\n")[1].split("```")[0]
    assert len(example.splitlines()) == 6
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    exec(example, {})
    dataset = load("mine", data_dir="data")
    assert repr(dataset) == (
        "<Dataset mine: 320 train, 80 val, 100 test, 32x32x3, 4 classes>"
    )


def test_gaps_in_labels_stay(tmp_path):
    save(tmp_path, y_train=np.tile([3, 7], 30), y_test=np.tile([7, 3], 6))
    dataset = load("own", data_dir=tmp_path, label_noise=0.5)
    assert dataset.class_names == tuple("01234567")
    assert set(dataset.y_train) == {3, 7}


def test_few_images_still_make_three_parts(tmp_path):
    few = {"x_train": np.ones((4, 5, 4, 3)), "y_train": np.array([0, 1, 2, 2])}
    save(tmp_path, **few)
    dataset = load("own", data_dir=tmp_path)
    assert sorted(dataset.y_train) == [0, 1, 2]
    assert dataset.y_val.tolist() == [2]


def test_the_folder_comes_from_the_argument_then_the_variable(tmp_path, monkeypatch):
    here, there = tmp_path / "here", tmp_path / "there"
    for folder, label in ((here, 3), (there, 4)):
        folder.mkdir()
        save(folder, y_train=np.tile([label, label, 0], 20), y_test=np.zeros(12))
    monkeypatch.setenv("COURSE_DATA", str(here))
    assert max(load("own").y_train) == 3
    assert max(load("own", data_dir=there).y_train) == 4
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))  # what Windows calls it
    assert max(load("own", data_dir="~/there").y_train) == 4
    monkeypatch.setenv("COURSE_DATA", "")
    monkeypatch.setattr(sources, "DEFAULT_DIR", there)
    assert max(load("own").y_train) == 4


@pytest.mark.parametrize("name", ["mnist_10k", "cifar10_10k"])
def test_real_files(name):
    folder = sources.find_folder(None)
    path = folder / f"{name}.npz"
    if not path.exists():
        pytest.skip(f"{path.name} is not in COURSE_DATA or data/")
    with np.load(path) as file:
        raw = dict(file)
    dataset = load(name, data_dir=folder, seed=3)
    scaled = (raw["x_train"] / np.float32(255)).astype(np.float32)
    assert sorted(images_of(dataset.x_train, dataset.x_val)) == sorted(
        images_of(scaled)
    )
    assert dataset.x_train.shape[1:] == (*raw["x_train"].shape[1:], 1)[:3]
    assert (len(dataset.x_train), len(dataset.x_val)) == (6400, 1600)
    assert_shares(dataset.y_val, raw["y_train"].ravel())
    np.testing.assert_array_equal(dataset.y_test, raw["y_test"].ravel())
    label = dict(zip(images_of(scaled), raw["y_train"].ravel(), strict=True))
    assert [label[x] for x in images_of(dataset.x_val)] == dataset.y_val.tolist()


# Refusals: files

X, Y = np.zeros((60, 5, 4, 3), np.uint8), np.arange(60) % 3
SPECKED = np.full((60, 5, 4, 3), 0.5)
SPECKED[31, 2, 1, 0] = np.nan


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"leave_out": ["y_test"]}, "lacks y_test and holds x_train, .* np.savez"),
        ({"leave_out": ["x_test", "y_test"]}, "lacks x_test, y_test"),
        ({"x_val": X}, "lacks y_val"),
        ({"x_train": X.astype(object)}, "Python objects, which are never unpickled"),
        ({"y_train": Y[:-1]}, "60 images in x_train and 59 labels in y_train"),
        ({"y_test": Y[:0]}, "12 images in x_test and 0 labels in y_test"),
        ({"x_train": X[:0], "y_train": Y[:0]}, r"x_train in own\.npz is empty"),
        ({"x_test": X[:0], "y_test": Y[:0]}, "x_test in own.npz is empty"),
        ({"x_train": X[:, :0]}, r"empty \(shape \(60, 0, 4, 3\)\)"),
        ({"x_train": X[..., 0, 0]}, r"shape \(60, 5\)\. Images must be"),
        ({"x_train": X[..., None]}, r"shape \(60, 5, 4, 3, 1\)\. Images must be"),
        ({"x_train": np.zeros((60, 3, 9, 9), np.uint8)}, "channels first. Put them"),
        ({"x_train": X.astype(np.int64)}, "has the type int64. Images must be uint8"),
        ({"x_train": X > 0}, "has the type bool. Images must be uint8"),
        ({"x_train": SPECKED}, "x_train in own.npz holds NaN or infinite"),
        ({"x_train": np.nan_to_num(SPECKED, nan=np.inf)}, "holds NaN or infinite"),
        ({"x_test": np.full((12, 5, 4, 3), -np.inf)}, "x_test in own.npz holds NaN"),
        ({"x_train": X + 255.0}, r"from 255.0 to 255.0, .*Divide .* by 255"),
        ({"x_train": X - 0.5}, r"from -0.5 to -0.5, and they must lie in \[0, 1\]"),
        ({"x_train": X[:, :4]}, r"\(4, 4, 3\) in x_train and of \(5, 4, 3\) in x_test"),
        ({"y_train": Y - 1}, "y_train in own.npz holds the label -1. .* 0, 1, 2"),
        ({"y_train": Y + 0.5}, "holds the label 0.5"),
        ({"y_train": np.where(Y, Y, np.nan)}, "holds the label nan"),
        ({"y_train": Y + 2**40}, "holds the label 1099511627776"),
        ({"y_train": np.full(60, np.inf)}, "holds the label inf"),
        ({"y_train": np.eye(3)[Y]}, r"shape \(60, 3\)\. .* one-hot .*argmax"),
        ({"y_train": np.array(["a", "b", "c"])[Y]}, "type <U1. .* np.unique"),
        ({"y_test": np.full(12, 5)}, "class 5 in y_test but not in y_train"),
        (
            {"x_train": X[:3], "y_train": Y[:3]},
            "'own' has one training image for each of its 3 classes, .* Bring more",
        ),
    ],
)
def test_bad_files(tmp_path, changes, message):
    save(tmp_path, **changes)
    with pytest.raises(DataError, match=message):
        load("own", data_dir=tmp_path)


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.999])
def test_a_truncated_file(tmp_path, kept):
    save(tmp_path)
    path = tmp_path / "own.npz"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(DataError, match="own.npz is cut off, damaged .* Delete it"):
        load("own", data_dir=tmp_path)


def test_a_damaged_file(tmp_path):
    save(tmp_path)
    path = tmp_path / "own.npz"
    content = bytearray(path.read_bytes())
    content[2000] ^= 255  # a pixel of x_train: only the checksum tells
    path.write_bytes(content)
    with pytest.raises(DataError, match="own.npz is cut off, damaged"):
        load("own", data_dir=tmp_path)


def test_files_that_are_something_else(tmp_path):
    (tmp_path / "text.npz").write_text("x_train, y_train\n")
    np.save(tmp_path / "single.npy", X)
    (tmp_path / "single.npy").rename(tmp_path / "single.npz")
    for name in ("text", "single"):
        with pytest.raises(
            DataError, match=f"{name}.npz is cut off, damaged or no npz"
        ):
            load(name, data_dir=tmp_path)
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(DataError, match="folder.npz cannot be read: .*Check"):
        load("folder", data_dir=tmp_path)


def test_a_pickle_never_runs(tmp_path):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    save(tmp_path, x_train=np.array([Trap()] * 60, dtype=object))
    with pytest.raises(DataError, match="never unpickled"):
        load("own", data_dir=tmp_path)
    assert not (tmp_path / "ran").exists()


def bomb(folder, shape, name="x_train"):
    """A small valid file, but one array's header promises a shape that is not there."""
    save(folder, leave_out=[name])
    with zipfile.ZipFile(folder / "own.npz", "a") as archive:
        header = io.BytesIO()
        described = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(header, described)
        archive.writestr(f"{name}.npy", header.getvalue())


@pytest.mark.parametrize("images", [10**4, 10**9, 10**13])
def test_a_header_that_promises_too_much(tmp_path, images):
    """706 bytes that ask for up to 600 TB."""
    bomb(tmp_path, (images, 5, 4, 3))
    with pytest.raises(DataError, match="own.npz is cut off, damaged"):
        load("own", data_dir=tmp_path)


def test_a_file_that_is_small_only_as_long_as_it_is_packed(tmp_path, monkeypatch):
    packed = zipfile.ZipFile(tmp_path / "own.npz", "w", zipfile.ZIP_BZIP2)
    with packed, packed.open("x_train.npy", "w", force_zip64=True) as entry:
        np.save(entry, np.zeros((1_000, 64, 64, 3), np.uint8))
    path = tmp_path / "own.npz"
    assert path.stat().st_size < 2_000
    monkeypatch.setattr(sources, "MOST_BYTES", 10 * 2**20)
    message = r"own.npz unpacks to 12 MiB, and 10 MiB is the most. Save .* as uint8"
    with pytest.raises(DataError, match=message):
        load("own", data_dir=tmp_path)


def test_what_is_too_large_is_not_unpacked(tmp_path, monkeypatch):
    """The same damage as above is not even found."""
    save(tmp_path)
    path = tmp_path / "own.npz"
    content = bytearray(path.read_bytes())
    content[2000] ^= 255
    path.write_bytes(content)
    monkeypatch.setattr(sources, "MOST_BYTES", 3_000)
    with pytest.raises(DataError, match="is the most"):
        load("own", data_dir=tmp_path)


@pytest.mark.parametrize("name", ["own", "mnist"])
def test_a_link_that_leads_nowhere(tmp_path, name):
    (tmp_path / f"{name}.npz").symlink_to(tmp_path / "gone.npz")
    with pytest.raises(DataError, match=f"{name}.npz cannot be read: No such file"):
        load(name, data_dir=tmp_path)
