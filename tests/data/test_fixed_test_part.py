"""The test part is fixed by the data set alone, whatever the seed, size and noise.

Each image of the sources below says which one it is, so that parts are compared by
identity; `digits`, by rows, of which no two are alike.
"""

import hashlib
import itertools
import os

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from tests.data.files import assert_shares
from utils.data import DataError, load, pictures

SEEDS = (0, 1, 2, 3, 17, 1000, 2**31 - 1)
COLOURS = 24  # distances between colours, so that scaling cannot confuse two pictures
COUNTS = (40, 21, 9, 2, 1)  # of the classes; the last have too few for each part


def digits(_):
    rows = {row.tobytes(): i for i, row in enumerate(load_digits().data)}
    assert len(rows) == 1797
    return lambda images: [
        rows[row.tobytes()] for row in (images * 16.0).reshape(-1, 64).astype(float)
    ]


def numbered(numbers):
    """Images of 2 × 2 bytes that hold their own number."""
    pairs = np.stack(np.divmod(numbers, 256), axis=1)
    return np.tile(pairs, 2).reshape(-1, 2, 2).astype(np.uint8)


def number_of(images):
    high, low = np.round(images.reshape(-1, 4)[:, :2] * 255).astype(int).T
    return (256 * high + low).tolist()


def npz_with_test(folder):
    np.savez(
        folder / "own.npz",
        x_train=numbered(np.arange(400)),
        y_train=np.repeat(np.arange(5), (200, 100, 97, 2, 1)),
        x_test=numbered(np.arange(400, 500)),
        y_test=np.arange(100) % 5,
    )
    return number_of


def npz_with_val(folder):
    np.savez(
        folder / "own.npz",
        x_train=numbered(np.arange(300)),
        y_train=np.arange(300) % 4,
        x_val=numbered(np.arange(300, 340)),
        y_val=np.arange(40) % 4,
        x_test=numbered(np.arange(340, 400)),
        y_test=np.arange(60) % 4,
    )
    return number_of


def paint(folder, counts=COUNTS, order=1, changed=0):
    """Pictures whose colour is their number, made in some order, at some time."""
    colours = itertools.product(range(0, 240, COLOURS), repeat=3)
    classes = [i for i, n in enumerate(counts) for _ in range(n)]
    plan = list(enumerate(zip(classes, colours, strict=False)))
    for i, (label, colour) in plan[::order]:
        path = folder / "own" / f"class_{label}" / f"{i:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (30 + i, 40), colour).save(path)
        os.utime(path, (changed - i, changed - i) if changed else None)


def folder_of_pictures(folder):
    paint(folder)
    side = 240 // COLOURS

    def which(images):
        assert np.ptp(images, axis=(1, 2)).max() == 0
        steps = np.round(images[:, 0, 0] * 255 / COLOURS).astype(int)
        return (steps @ [side**2, side, 1]).tolist()

    return which


SOURCES = {
    "digits": (digits, 1797),
    "npz_with_test": (npz_with_test, 500),
    "npz_with_val": (npz_with_val, 400),
    "folder_of_pictures": (folder_of_pictures, sum(COUNTS)),
}


@pytest.fixture(params=SOURCES)
def source(request, tmp_path):
    """(kind, load of it, the numbers of given images, how many there are)."""
    make, total = SOURCES[request.param]
    which = make(tmp_path)
    name = "digits" if request.param == "digits" else "own"

    def load_it(**arguments):
        return load(name, data_dir=tmp_path, **arguments)

    return request.param, load_it, which, total


def test_no_test_image_ever_trains_or_chooses(source):
    kind, load_it, which, total = source
    classes = len(load_it().class_names)
    first = load_it()
    test, seen, vals = set(which(first.x_test)), set(), set()
    for seed in SEEDS:
        whole = load_it(seed=seed)
        train = which(whole.x_train)
        val = which(whole.x_val)
        assert sorted([*train, *val, *test]) == list(range(total))
        vals.add(tuple(val))
        for size, noise in [(classes, 0), (len(train) // 2, 0.3), (None, 0.9)]:
            data = load_it(seed=seed, train_size=size, label_noise=noise)
            assert data.x_test.tobytes() == first.x_test.tobytes()
            assert data.y_test.tobytes() == first.y_test.tobytes()
            assert which(data.x_val) == val
            assert data.y_val.tobytes() == whole.y_val.tobytes()
            seen.update(which(data.x_train), which(data.x_val))
    assert not test & seen
    assert seen == set(range(total)) - test
    assert len(vals) == (1 if kind == "npz_with_val" else len(SEEDS))


def test_own_parts_are_kept(tmp_path):
    npz_with_test(tmp_path)
    for seed in SEEDS:
        data = load("own", seed=seed, data_dir=tmp_path)
        assert number_of(data.x_test) == list(range(400, 500))
    npz_with_val(tmp_path)
    for seed in SEEDS:
        data = load("own", seed=seed, data_dir=tmp_path)
        assert number_of(data.x_test) == list(range(340, 400))
        assert number_of(data.x_val) == list(range(300, 340))


def test_the_test_part_of_digits_is_this_one():
    """Fails if a version of NumPy draws otherwise: then the test part moved."""
    order = np.array(digits(None)(load(seed=5).x_test), "<i4")
    assert order[:5].tolist() == [1527, 71, 457, 451, 96]
    assert hashlib.sha256(order).hexdigest()[:16] == "6e439fdf89dde02e"


def test_a_folder_is_split_by_its_sorted_paths_alone(tmp_path, monkeypatch):
    one, two = tmp_path / "one", tmp_path / "two"
    paint(one)
    monkeypatch.chdir(tmp_path)
    paint(two, order=-1, changed=1_000_000_000)
    first, second = load("own", data_dir=one), load("own", data_dir="two")
    for part in ("x_train", "y_train", "x_val", "y_val", "x_test", "y_test"):
        assert getattr(first, part).tobytes() == getattr(second, part).tobytes()


def test_a_folder_is_split_in_shares(tmp_path):
    """Classes of 40, 21, 9, 2 and 1: each trains, and the large ones are tested."""
    which = folder_of_pictures(tmp_path)
    labels = np.repeat(np.arange(len(COUNTS)), COUNTS)
    data = load("own", data_dir=tmp_path)
    assert len(data.x_test) == round(len(labels) / 5)
    assert set(data.y_train) == set(range(len(COUNTS)))
    assert_shares(data.y_test, labels)
    for part in ("train", "val", "test"):
        images, given = getattr(data, f"x_{part}"), getattr(data, f"y_{part}")
        assert labels[which(images)].tolist() == given.tolist()


@pytest.mark.parametrize(
    "counts, sizes",
    [
        ((3,), (1, 1, 1)),
        ((2, 2), (2, 1, 1)),
        ((3, 1), (2, 1, 1)),
        ((2, 2, 2), (4, 1, 1)),
        ((12, 1, 1), (9, 2, 3)),
    ],
)
def test_few_pictures_still_make_three_parts(tmp_path, counts, sizes):
    paint(tmp_path, counts)
    for seed in SEEDS:
        data = load("own", data_dir=tmp_path, seed=seed)
        assert (len(data.x_train), len(data.x_val), len(data.x_test)) == sizes
        assert set(data.y_train) == set(range(len(counts)))


@pytest.mark.parametrize("counts", [(1,), (2,), (1, 1, 1), (2, 1)])
def test_too_few_pictures_are_refused(tmp_path, counts):
    paint(tmp_path, counts)
    with pytest.raises(DataError, match="'own' has one training image for .* Bring"):
        load("own", data_dir=tmp_path)


def test_the_part_of_a_large_folder_is_always_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "MOST_PICTURES", 30)
    kept, tested = set(), set()
    for seed in SEEDS:
        folder = tmp_path / str(seed)  # so that no cache answers
        which = folder_of_pictures(folder)
        data = load("own", data_dir=folder, seed=seed)
        kept.add(tuple(sorted(which(np.concatenate([data.x_train, data.x_val])))))
        tested.add(tuple(which(data.x_test)))
        assert set(data.y_train) == set(range(len(COUNTS)))
    assert len(kept) == len(tested) == 1
    assert (len(*kept), len(*tested)) == (24, 6)
