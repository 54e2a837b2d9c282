"""utils.data against the sources themselves: every split, every refusal, no network."""

import dataclasses
import gzip
import hashlib
import http.server
import io
import struct
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from utils.data import DataError, download, load, loading, sources
from utils.runtime import configure_tensorflow

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def images_of(*parts):
    return [image.tobytes() for part in parts for image in part]


def assert_shares(part_labels, all_labels, within=1):
    """Each class has its share of a part, to within one image."""
    every = np.bincount(all_labels)
    part = np.bincount(part_labels, minlength=len(every))
    share = every * len(part_labels) / len(all_labels)
    assert np.abs(part - share).max() <= within


def save(folder, name="own", leave_out=(), **changes):
    """Write a small valid data set, with some of its arrays changed."""
    rng = np.random.default_rng(7)
    arrays = {
        "x_train": rng.integers(0, 256, (60, 5, 4, 3), dtype=np.uint8),
        "y_train": np.arange(60) % 3,
        "x_test": rng.integers(0, 256, (12, 5, 4, 3), dtype=np.uint8),
        "y_test": np.arange(12) % 3,
    } | changes
    arrays = {key: value for key, value in arrays.items() if key not in leave_out}
    np.savez(folder / f"{name}.npz", **arrays)
    return arrays


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


def test_import_starts_no_tensorflow():
    code = "import sys, utils.data; utils.data.load(); print('keras' in sys.modules)"
    code += "; print('tensorflow' in sys.modules)"
    root = Path(__file__).resolve().parents[2]
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=root)
    assert ran.stdout.split() == [b"False", b"False"], ran.stderr


# Seed, subset, noise


def test_seed_fixes_everything():
    first, again = (load(train_size=100, label_noise=0.3, seed=4) for _ in range(2))
    for field in dataclasses.fields(first):
        one, two = getattr(first, field.name), getattr(again, field.name)
        np.testing.assert_array_equal(one, two)
    assert set(images_of(load(seed=5).x_test)) != set(images_of(first.x_test))
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
        sample = loading.stratified_sample(labels, size, rng)
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


# Your own npz


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
    path = SHARED / f"{name}.npz"
    if not path.exists():
        pytest.skip(f"{path.name} is not beside this checkout")
    with np.load(path) as file:
        raw = dict(file)
    dataset = load(name, data_dir=SHARED, seed=3)
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


def test_one_class_has_no_wrong_label(tmp_path):
    save(tmp_path, y_train=np.zeros(60, int), y_test=np.zeros(12, int))
    assert len(load("own", data_dir=tmp_path, train_size=1).y_train) == 1
    with pytest.raises(DataError, match="label_noise=0.1 needs a second class"):
        load("own", data_dir=tmp_path, label_noise=0.1)


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


# Downloads, from a server on this machine

RNG = np.random.default_rng(11)


def small(*shape):
    """Arrays of a small data set: 30 images to train, 10 to test."""
    return {
        "x_train": RNG.integers(0, 256, (30, *shape), dtype=np.uint8),
        "y_train": (np.arange(30) % 10).astype(np.uint8),
        "x_test": RNG.integers(0, 256, (10, *shape), dtype=np.uint8),
        "y_test": np.arange(10).astype(np.uint8),
    }


def mnist_files(arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return {"mnist.npz": buffer.getvalue()}


def fashion_mnist_files(arrays):
    def idx(array):
        head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
        return gzip.compress(head + array.tobytes())

    return {
        "train-images-idx3-ubyte.gz": idx(arrays["x_train"]),
        "train-labels-idx1-ubyte.gz": idx(arrays["y_train"]),
        "t10k-images-idx3-ubyte.gz": idx(arrays["x_test"]),
        "t10k-labels-idx1-ubyte.gz": idx(arrays["y_test"]),
    }


def cifar10_files(arrays):
    def records(images, labels):
        """One byte of label, then all red, all green, all blue, each row by row."""
        content = b""
        for image, label in zip(images, labels, strict=True):
            content += bytes([label])
            for channel in range(3):
                content += image[:, :, channel].tobytes()
        return content

    x, y = arrays["x_train"], arrays["y_train"]
    batches = {
        f"data_batch_{k + 1}.bin": records(x[6 * k : 6 * k + 6], y[6 * k : 6 * k + 6])
        for k in range(5)
    }
    batches["test_batch.bin"] = records(arrays["x_test"], arrays["y_test"])
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in batches.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return {"cifar-10-binary.tar.gz": buffer.getvalue()}


MAKERS = {
    "mnist": (mnist_files, (28, 28)),
    "fashion_mnist": (fashion_mnist_files, (28, 28)),
    "cifar10": (cifar10_files, (32, 32, 3)),
}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.asked.append(self.path)
        content = server.files.get(self.path.lstrip("/"))
        if server.fault == "silent":
            time.sleep(2)
            return
        if content is None or server.fault == "missing":
            self.send_error(404)
            return
        self.send_response(200)
        if server.fault != "cut, no length":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        cut = server.fault in ("cut", "cut, no length")
        self.wfile.write(content[: len(content) // 2] if cut else content)

    def log_message(self, *_):
        pass


@pytest.fixture
def serve(monkeypatch):
    """serve(name, fault): a loopback server with that data set, and its arrays."""
    servers = []

    def start(name, fault=None):
        make, shape = MAKERS[name]
        arrays = small(*shape)
        files = make(arrays)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.files, server.fault, server.asked = files, fault, []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        source = download.SOURCES[name]
        assert set(files) == set(source.files)
        source = source._replace(
            address=f"http://127.0.0.1:{server.server_port}/",
            files={k: hashlib.sha256(v).hexdigest() for k, v in files.items()},
        )
        monkeypatch.setitem(download.SOURCES, name, source)
        return server, arrays

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("name", MAKERS)
def test_download_once_then_from_the_cache(serve, tmp_path, name):
    server, arrays = serve(name)
    dataset = load(name, data_dir=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.npz"]
    with np.load(tmp_path / f"{name}.npz") as file:
        for key, array in arrays.items():
            np.testing.assert_array_equal(file[key], array)
    assert (len(dataset.x_train), len(dataset.x_val)) == (24, 6)
    assert len(dataset.class_names) == 10
    expected = {"mnist": "9", "fashion_mnist": "Ankle boot", "cifar10": "truck"}
    assert dataset.class_names[9] == expected[name]

    asked = len(server.asked)
    assert asked == len(server.files)
    again = load(name, data_dir=tmp_path)
    np.testing.assert_array_equal(again.x_train, dataset.x_train)
    assert len(server.asked) == asked


@pytest.mark.parametrize(
    "fault, message",
    [
        ("missing", "could not be downloaded .*404.* Check the network"),
        ("cut", "could not be downloaded .*Check the network and try again"),
        ("cut, no length", "not the published file: its SHA-256 differs"),
        ("silent", "could not be downloaded .*timed out.* Check the network"),
    ],
)
def test_a_download_that_fails_leaves_nothing(
    serve, tmp_path, monkeypatch, fault, message
):
    monkeypatch.setattr(download, "SILENCE", 0.5)
    serve("mnist", fault)
    with pytest.raises(DataError, match=message):
        load("mnist", data_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_with_another_hash_is_refused(serve, tmp_path):
    server, _ = serve("fashion_mnist")
    server.files["t10k-labels-idx1-ubyte.gz"] += b"\0"
    with pytest.raises(DataError, match="t10k-labels.* is not the published file"):
        load("fashion_mnist", data_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_server_at_all(serve, tmp_path):
    server, _ = serve("cifar10")
    server.shutdown()
    server.server_close()
    with pytest.raises(DataError, match='could not be downloaded .* use "digits"'):
        load("cifar10", data_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk(serve, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    serve("mnist")
    monkeypatch.setattr(download.np, "savez", full)
    with pytest.raises(DataError, match="cannot be stored .* No space left .* Free"):
        load("mnist", data_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_each_stored_hash_is_a_sha256():
    for source in download.SOURCES.values():
        assert source.address.startswith("https://")
        for digest in source.files.values():
            assert len(bytes.fromhex(digest)) == 32
