"""Augmentation: against SciPy, `tf.image`, hand-made geometry and the draws' laws."""

import inspect
import re
from functools import partial

import numpy as np
import pytest
from scipy import ndimage, stats
from sklearn.datasets import load_sample_images

from utils import augment
from utils.augment import (
    brightness,
    contrast,
    cutout,
    flip,
    mixup,
    pipeline,
    rotate,
    shift,
    zoom,
)
from utils.runtime import configure_tensorflow

tf = configure_tensorflow()

SEED = (3, 14)
OPERATIONS = {
    "flip": flip,
    "shift": partial(shift, pixels=2),
    "rotate": partial(rotate, degrees=40),
    "zoom": partial(zoom, fraction=0.5),
    "brightness": partial(brightness, delta=0.5),
    "contrast": partial(contrast, factor=0.9),
    "cutout": partial(cutout, size=3),
}
EVERY = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
SHAPES = [(8, 8, 1), (7, 10, 3), (10, 7, 1), (1, 5, 2)]


def photographs(copies=6):
    """Two real photographs, small, several times each: float32 (n, 107, 160, 3)."""
    images = np.stack(load_sample_images().images)[:, ::4, ::4] / 255
    return np.tile(images, (copies // 2, 1, 1, 1)).astype("float32")


def noise(shape, n=5):
    """Random images (n, *shape); the first is all ones, the second all zeros."""
    images = np.random.default_rng(1).random((n, *shape), dtype=np.float32)
    images[:2] = np.array([1, 0]).reshape(-1, 1, 1, 1)[:n]
    return images


def maps(operation, n, seed=SEED, height=31, width=45):
    """Where each image's middle pixels came from, as x, y rows of three: (n, 2, 3).

    The images are ramps along x and y, on which bilinear interpolation is exact, so
    that a least-squares fit of the new values gives the affine map that was drawn.
    """
    y, x = np.mgrid[:height, :width]
    ramps = np.stack([x / width, y / height], axis=-1).astype("float32")
    moved = np.asarray(operation(np.tile(ramps, (n, 1, 1, 1)), seed), np.float64)
    middle = np.s_[height // 2 - 4 : height // 2 + 5, width // 2 - 4 : width // 2 + 5]
    design = np.stack([x[middle].ravel(), y[middle].ravel(), np.ones(81)], axis=1)
    old = moved[:, *middle].reshape(n, 81, 2) * [width, height]
    return np.stack([np.linalg.lstsq(design, image)[0].T for image in old])


def angles(found):
    return np.degrees(np.arctan2(found[:, 1, 0], found[:, 0, 0]))


def scales(found):
    return 1 / found[:, 0, 0]


def uniform(values, low, high):
    """Whether values may come from the uniform distribution on (low, high)."""
    assert low <= values.min() and values.max() <= high
    return stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 0.01


def even(counts):
    """Whether counts may come from equally likely cells."""
    return stats.chisquare(np.ravel(counts)).pvalue > 0.01


# Geometry, against SciPy on photographs


@pytest.mark.parametrize("channels", [1, 3])
def test_shift_equals_scipy(channels):
    images = photographs()[..., :channels]
    moves = maps(partial(shift, pixels=9), len(images))[:, :, 2]
    for old, new, (dx, dy) in zip(
        images, shift(images, SEED, 9).numpy(), np.round(moves), strict=True
    ):
        expected = ndimage.shift(old, (-dy, -dx, 0), order=1, mode="grid-constant")
        np.testing.assert_array_equal(new, expected)
    assert len(np.unique(np.round(moves), axis=0)) > 3


@pytest.mark.parametrize("channels", [1, 3])
def test_rotate_equals_scipy(channels):
    images = photographs()[..., :channels]
    found = angles(maps(partial(rotate, degrees=30), len(images)))
    for old, new, angle in zip(
        images, rotate(images, SEED, 30).numpy(), found, strict=True
    ):
        expected = ndimage.rotate(
            old, angle, reshape=False, order=1, mode="grid-constant"
        )
        np.testing.assert_allclose(new, expected, atol=5e-5)
    assert np.ptp(found) > 10


@pytest.mark.parametrize("channels", [1, 3])
def test_zoom_equals_scipy(channels):
    images = photographs()[..., :channels]
    found = scales(maps(partial(zoom, fraction=0.4), len(images)))
    centre = (np.array(images.shape[1:]) - 1) / 2
    for old, new, scale in zip(
        images, zoom(images, SEED, 0.4).numpy(), found, strict=True
    ):
        step = np.array([1 / scale, 1 / scale, 1])
        expected = ndimage.affine_transform(
            old, step, centre - step * centre, order=1, mode="grid-constant"
        )
        np.testing.assert_allclose(new, expected, atol=5e-5)
    assert found.min() < 1 < found.max()


def test_zoom_above_one_magnifies():
    square = np.zeros((40, 61, 61, 1), "float32")
    square[:, 20:41, 20:41] = 1
    found = scales(maps(partial(zoom, fraction=0.4), 40))
    area = zoom(square, SEED, 0.4).numpy().sum(axis=(1, 2, 3)) / 21**2
    np.testing.assert_allclose(area, found**2, rtol=0.05)


def test_what_moves_in_is_zero():
    ones = np.ones((50, 9, 9, 1), "float32")
    found = np.round(maps(partial(shift, pixels=3), 50)[:, :, 2])
    kept = (9 - abs(found[:, 0])) * (9 - abs(found[:, 1]))
    moved = shift(ones, SEED, 3).numpy()
    assert set(np.unique(moved)) == {0, 1}
    np.testing.assert_array_equal(moved.sum(axis=(1, 2, 3)), kept)


def test_maps_are_a_rotation_and_a_scaling_about_the_centre():
    centre = np.array([22, 15, 1])  # of 45 × 31 pixels
    for operation in (partial(rotate, degrees=90), partial(zoom, fraction=0.3)):
        found = maps(operation, 20)
        np.testing.assert_allclose(found @ centre, [centre[:2]] * 20, atol=1e-4)
        linear = found[:, :, :2]
        length = np.sqrt(np.linalg.det(linear))[:, None, None] ** 2
        gram = linear @ linear.transpose(0, 2, 1)
        np.testing.assert_allclose(gram, length * np.eye(2), atol=1e-4)


# The laws of the draws


def test_shifts_are_whole_and_uniform_in_both_directions():
    moves = maps(partial(shift, pixels=2), 2000)[:, :, 2]
    np.testing.assert_allclose(moves, np.round(moves), atol=1e-4)
    cells = np.round(moves + 2).astype(int)
    assert even(np.bincount(cells @ [5, 1], minlength=25))


def test_angles_are_uniform():
    assert uniform(angles(maps(partial(rotate, degrees=25), 2000)), -25, 25)


def test_zoom_factors_are_uniform():
    found = scales(maps(partial(zoom, fraction=0.2), 2000))
    assert uniform(found, 0.8 - 1e-5, 1.2 + 1e-5)


def test_brightness_changes_are_uniform():
    grey = np.full((2000, 2, 3, 1), 0.5, "float32")
    changed = brightness(grey, SEED, 0.25).numpy()
    assert np.ptp(changed, axis=(1, 2, 3)).max() == 0
    assert uniform(changed[:, 0, 0, 0] - 0.5, -0.25, 0.25)


def test_contrast_factors_are_uniform():
    stripes = np.full((2000, 2, 3, 1), 0.4, "float32")
    stripes[:, 0] = 0.6
    changed = contrast(stripes, SEED, 0.7).numpy()
    found = (changed[:, 0, 0, 0] - changed[:, 1, 0, 0]) / 0.2
    assert uniform(found, 0.3 - 1e-5, 1.7 + 1e-5)


def test_flip_mirrors_about_half():
    images = noise((5, 8, 3), 2000)[2:]
    flipped = flip(images, SEED).numpy()
    mirrored = (flipped == images[:, :, ::-1]).all(axis=(1, 2, 3))
    same = (flipped == images).all(axis=(1, 2, 3))
    assert (mirrored ^ same).all()
    assert stats.binomtest(int(mirrored.sum()), len(images)).pvalue > 0.01


# Light, against tf.image


def test_brightness_equals_tf_image():
    images = photographs()
    grey = np.full_like(images[:, :1, :1], 0.5)
    deltas = brightness(grey, SEED, 0.4).numpy()[:, 0, 0, 0] - 0.5
    changed = brightness(images, SEED, 0.4).numpy()
    for old, new, delta in zip(images, changed, deltas, strict=True):
        expected = np.clip(tf.image.adjust_brightness(old, delta), 0, 1)
        np.testing.assert_allclose(new, expected, atol=1e-6)


def test_contrast_equals_tf_image():
    images = photographs()
    stripes = np.full_like(images[:, :2, :2], 0.25)
    stripes[:, 0] = 0.75
    changed = contrast(stripes, SEED, 0.8).numpy()
    factors = (changed[:, 0, 0, 0] - changed[:, 1, 0, 0]) / 0.5
    changed = contrast(images, SEED, 0.8).numpy()
    for old, new, factor in zip(images, changed, factors, strict=True):
        expected = np.clip(tf.image.adjust_contrast(old, factor), 0, 1)
        np.testing.assert_allclose(new, expected, atol=1e-5)
    assert factors.min() < 1 < factors.max()


# Cutout


@pytest.mark.parametrize("size", [1, 2, 3, 4, 12])
def test_cutout_is_a_clipped_square_around_any_pixel(size):
    height, width = 5, 7
    padded = np.zeros((height, width, height + 40, width + 40), bool)
    for row, column in np.ndindex(height, width):
        top, left = 20 + row - size // 2, 20 + column - size // 2
        padded[row, column, top : top + size, left : left + size] = True
    possible = padded[:, :, 20:-20, 20:-20].reshape(-1, height * width)
    images = noise((height, width, 2), 3000) * 0.9 + 0.1
    cut = cutout(images, SEED, size).numpy()
    hole = (cut == 0).all(axis=-1).reshape(-1, height * width)
    np.testing.assert_array_equal(
        cut.reshape(*hole.shape, 2)[~hole], images.reshape(*hole.shape, 2)[~hole]
    )
    seen, counts = np.unique(hole, axis=0, return_counts=True)
    expected, times = np.unique(possible, axis=0, return_counts=True)
    np.testing.assert_array_equal(seen, expected)
    assert stats.chisquare(counts, times * len(images) / times.sum()).pvalue > 0.01


# Mixup


def mixed(n, alpha, seed=SEED):
    """Labels that name each image, mixed: row i holds i's share and its partner's."""
    labels = np.eye(n, dtype="float32")
    images = np.zeros((n, 1, 1, 1), "float32")
    return mixup(images, labels, seed, alpha)[1].numpy()


def test_mixup_mixes_images_and_labels_alike():
    labels = np.eye(20, dtype="float32")
    images = labels.reshape(20, 4, 5, 1)
    new_images, new_labels = mixup(images, labels, SEED, 0.5)
    np.testing.assert_array_equal(new_images.numpy().reshape(20, 20), new_labels)
    np.testing.assert_allclose(new_labels.numpy().sum(axis=1), 1, atol=1e-6)
    assert (np.count_nonzero(new_labels, axis=1) <= 2).all()
    assert new_images.dtype == new_labels.dtype == tf.float32


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_mixup_shares_follow_the_beta_distribution(alpha):
    weights = mixed(2000, alpha)
    share = np.diag(weights)[np.count_nonzero(weights, axis=1) == 2]
    law = stats.beta(alpha, alpha)
    assert stats.kstest(share, law.cdf).pvalue > 0.01
    share = np.diag(weights)
    assert abs(share.mean() - 0.5) < 4 * law.std() / 2000**0.5
    assert abs(share.std() / law.std() - 1) < 0.1


def test_mixup_with_a_tiny_alpha_rarely_blends():
    share = np.diag(mixed(2000, 0.01))
    blends = int(((share > 0.1) & (share < 0.9)).sum())
    law = stats.beta(0.01, 0.01)
    expected = law.cdf(0.9) - law.cdf(0.1)
    assert stats.binomtest(blends, 2000, expected).pvalue > 0.01


def test_mixup_partners_are_a_uniform_permutation():
    found = []
    for step in range(600):
        rest = mixed(3, 1.0, (0, step))
        rest -= np.diag(np.diag(rest))
        partner = np.where(rest.any(axis=1), rest.argmax(axis=1), range(3))
        assert sorted(partner) == [0, 1, 2]
        found.append(tuple(partner))
    assert even(np.unique(found, axis=0, return_counts=True)[1])
    assert len(set(found)) == 6


# What holds for all


@EVERY
def test_same_seed_same_images_other_seed_other_images(operation):
    images = photographs()
    first = operation(images, SEED).numpy()
    np.testing.assert_array_equal(first, operation(images, SEED))
    for other in [(SEED[0], SEED[1] + 1), (SEED[0] + 1, SEED[1])]:
        assert (first != operation(images, other).numpy()).any()


@EVERY
def test_seeds_are_numbers_whatever_their_type(operation):
    images = photographs()
    change = pipeline(operation, partial(mixup, alpha=0.5))
    labels = np.eye(6, dtype="float32")
    expected = change(images, labels, SEED)[0]
    for dtype in (tf.int32, tf.int64):
        seed = tf.constant(SEED, dtype)
        np.testing.assert_array_equal(change(images, labels, seed)[0], expected)


def test_mixup_takes_a_seed_of_either_type():
    expected = mixed(6, 0.5)
    for dtype in (tf.int32, tf.int64):
        np.testing.assert_array_equal(mixed(6, 0.5, tf.constant(SEED, dtype)), expected)


@EVERY
def test_each_image_draws_its_own(operation):
    one = photographs(2)[:1]
    results = operation(np.tile(one, (30, 1, 1, 1)), SEED).numpy()
    count = len(np.unique(results.reshape(30, -1), axis=0))
    assert count == 2 if operation is flip else count > 12


@pytest.mark.parametrize("shape", [*SHAPES, (107, 160, 3)])
def test_magnitude_zero_changes_no_bit(shape):
    images = noise(shape)
    for operation in (shift, rotate, zoom, brightness, contrast, cutout):
        same = operation(images, SEED, 0).numpy()
        np.testing.assert_array_equal(same.view(np.int32), images.view(np.int32))


@EVERY
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n", [1, 40])
def test_shape_dtype_and_range_are_kept(operation, shape, n):
    images = noise(shape, n)
    before = images.copy()
    for step in range(5):
        changed = operation(images, (0, step))
        assert changed.shape == images.shape
        assert changed.dtype == tf.float32
        assert changed.numpy().min() >= 0 and changed.numpy().max() <= 1
    np.testing.assert_array_equal(images, before)


@EVERY
def test_traces_once_for_any_batch_size(operation):
    traced = []

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 7, 10, 3]),
            tf.TensorSpec([2], tf.int32),
        ]
    )
    def call(images, seed):
        changed = operation(images, seed)
        traced.append(changed.shape)
        return changed

    for n in (1, 5, 40):
        images = noise((7, 10, 3), n)
        expected = operation(images, SEED)
        np.testing.assert_allclose(call(images, SEED), expected, atol=1e-5)
    assert [shape.as_list() for shape in traced] == [[None, 7, 10, 3]]


# Pipelines


def test_pipeline_joins_both_kinds_of_operation():
    images, labels = noise((6, 7, 1), 8), np.eye(8, dtype="float32")
    change = pipeline(partial(shift, pixels=1), partial(mixup, alpha=0.2), flip)
    seeds = tf.random.split(SEED, 3)
    expected = shift(images, seeds[0], 1)
    expected, expected_labels = mixup(expected, labels, seeds[1], 0.2)
    expected = flip(expected, seeds[2])
    new_images, new_labels = change(images, labels, SEED)
    np.testing.assert_array_equal(new_images, expected)
    np.testing.assert_array_equal(new_labels, expected_labels)


def test_pipeline_leaves_labels_of_any_kind_alone():
    labels = np.arange(8)
    assert pipeline(flip)(noise((6, 7, 1), 8), labels, SEED)[1] is labels


def test_pipelines_nest_and_may_be_empty():
    images, labels = noise((6, 7, 1), 8), np.arange(8)
    assert pipeline()(images, labels, SEED)[0] is images
    nested = pipeline(pipeline(partial(shift, pixels=3)))
    assert (nested(images, labels, SEED)[0].numpy() != images).any()


def test_operations_of_a_pipeline_draw_apart():
    grey = np.full((2000, 1, 1, 1), 0.5, "float32")
    twice = pipeline(*[partial(brightness, delta=0.2)] * 2)
    total = twice(grey, grey, SEED)[0].numpy().ravel() - 0.5
    law = stats.triang(0.5, -0.4, 0.8)  # the sum of two independent uniform draws
    assert stats.kstest(total, law.cdf).pvalue > 0.01


def test_in_tf_data_with_a_last_batch_that_is_smaller():
    images, labels = noise((6, 7, 1), 21), np.eye(21, dtype="float32")
    change = pipeline(*OPERATIONS.values(), partial(mixup, alpha=0.2))
    batches = tf.data.Dataset.from_tensor_slices((images, labels)).batch(8).enumerate()
    data = batches.map(lambda step, batch: change(*batch, (0, step)))
    assert data.element_spec[0].shape.as_list() == [None, 6, 7, 1]
    results = list(data)
    assert [len(batch) for batch, _ in results] == [8, 8, 5]
    for step, (new_images, new_labels) in enumerate(results):
        part = np.s_[8 * step : 8 * step + 8]
        expected = change(images[part], labels[part], (0, step))
        np.testing.assert_allclose(new_images, expected[0], atol=1e-5)
        np.testing.assert_allclose(new_labels, expected[1], atol=1e-6)


def test_epochs_differ_when_the_seed_counts_on():
    images = tf.data.Dataset.from_tensors(photographs())
    data = images.repeat(2).enumerate().map(lambda step, x: rotate(x, (0, step), 20))
    first, second = data.as_numpy_iterator()
    assert (first != second).any(axis=(1, 2, 3)).all()


# Bad input

GOOD = np.zeros((4, 5, 6, 1), "float32")
ONE_HOT = np.eye(4, dtype="float32")
BAD = {
    "one image": (lambda: flip(GOOD[0], SEED), r"\(5, 6, 1\).*images\[None\]"),
    "bytes": (lambda: shift(GOOD.astype("uint8"), SEED, 1), "uint8.*/ 255"),
    "double": (lambda: rotate(GOOD.astype(float), SEED, 1), "float64.*float32"),
    "seed": (lambda: zoom(GOOD, 7, 0.1), r"seed is int32 of shape \(\).*two whole"),
    "three seeds": (lambda: cutout(GOOD, (1, 2, 3), 1), r"\(3,\).*two whole"),
    "real seed": (lambda: contrast(GOOD, (0.5, 1.0), 0.1), "float32.*whole numbers"),
    "pixels < 0": (lambda: shift(GOOD, SEED, -1), "pixels is -1.*0 or more"),
    "half pixels": (lambda: shift(GOOD, SEED, 0.5), "pixels is 0.5.*whole number"),
    "degrees < 0": (lambda: rotate(GOOD, SEED, -5), "degrees is -5.*0 to 180"),
    "degrees": (lambda: rotate(GOOD, SEED, 181), "degrees is 181.*0 to 180"),
    "zoom < 0": (lambda: zoom(GOOD, SEED, -0.1), "fraction is -0.1.*fraction < 1"),
    "zoom 1": (lambda: zoom(GOOD, SEED, 1), "fraction is 1:.*fraction < 1"),
    "zoom nan": (lambda: zoom(GOOD, SEED, float("nan")), "fraction is nan"),
    "delta < 0": (lambda: brightness(GOOD, SEED, -0.1), "delta is -0.1.*0 ≤ delta"),
    "delta": (lambda: brightness(GOOD, SEED, 32), r"delta is 32: images lie in \[0, 1"),
    "factor < 0": (lambda: contrast(GOOD, SEED, -1), "factor is -1.*0 ≤ factor ≤ 1"),
    "factor": (lambda: contrast(GOOD, SEED, 1.5), "factor is 1.5.*0.8 to 1.2"),
    "size < 0": (lambda: cutout(GOOD, SEED, -2), "size is -2.*0 or more"),
    "half size": (lambda: cutout(GOOD, SEED, 2.5), "size is 2.5.*whole number"),
    "alpha": (lambda: mixup(GOOD, ONE_HOT, SEED, 0), "alpha is 0:.*0.2 is usual"),
    "classes": (lambda: mixup(GOOD, np.arange(4), SEED, 1), r"int64 .*tf\.one_hot"),
    "few labels": (lambda: mixup(GOOD, ONE_HOT[:3], SEED, 1), "4 images but 3 labels"),
    "called": (lambda: pipeline(flip(GOOD, SEED)), r"pipeline got \['Eager.*functions"),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_integer_labels_are_refused_inside_tf_data():
    data = tf.data.Dataset.from_tensors((GOOD, np.arange(4)))
    change = pipeline(partial(mixup, alpha=0.2))
    with pytest.raises(ValueError, match=r"one-hot float32 labels; use tf\.one_hot"):
        data.map(lambda images, labels: change(images, labels, SEED))


def test_docstrings_say_where_it_is_taught():
    for name in augment.__all__:
        said = inspect.getdoc(getattr(augment, name)).splitlines()[-1]
        assert re.search(r"Taught in chapter 04(, in depth)?\.$", said)
