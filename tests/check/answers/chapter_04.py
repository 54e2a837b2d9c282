import time

import numpy as np
from scipy import ndimage

from tests.check.answers import studies


def by_scipy(images, down, right):
    return ndimage.shift(images, (0, down, right, 0), order=0, prefilter=False)


def rolled(images, down, right):
    return np.roll(images, (down, right), axis=(1, 2))


def split(images, labels, rng):
    order = rng.permutation(len(images))
    cut = len(images) // 5
    val, train = order[:cut], order[cut:]
    return images[train], labels[train], images[val], labels[val]


def replaced(images, labels, augment, rng):
    x, y, x_val, y_val = split(images, labels, rng)
    return augment(x), y, x_val, y_val


def augmented_first(images, labels, augment, rng):
    images = np.concatenate([images, augment(images)])
    return split(images, np.concatenate([labels, labels]), rng)


def both_parts(images, labels, augment, rng):
    x, y, x_val, y_val = split(images, labels, rng)
    return augment(x), y, augment(x_val), y_val


def never(images, labels, augment, rng):
    return split(images, labels, rng)


def labels_left_behind(images, labels, augment, rng):
    x, _, x_val, y_val = split(images, labels, rng)
    return augment(x), labels[: len(x)], x_val, y_val


def by_generator(images, augment, epochs, seed):
    for pair in np.random.default_rng(seed).integers(0, 2**31, (epochs, 2)):
        yield augment(images, pair)


def by_clock(images, augment, epochs, seed):
    return [augment(images, [seed, time.perf_counter_ns()]) for _ in range(epochs)]


def epochs_alone(images, augment, epochs, seed):
    return [augment(images, [0, epoch]) for epoch in range(epochs)]


def by_loop(images, labels, share, order):
    pairs = list(zip(share, order, strict=True))
    x = [s * images[i] + (1 - s) * images[j] for i, (s, j) in enumerate(pairs)]
    y = [s * labels[i] + (1 - s) * labels[j] for i, (s, j) in enumerate(pairs)]
    return np.array(x), y


def images_alone(images, labels, share, order):
    return by_loop(images, labels, share, order)[0], labels


def swapped(images, labels, share, order):
    return by_loop(images, labels, 1 - share, order)


def without_axes(images, labels, share, order):
    return share * images + (1 - share) * images[order], labels


def rounded(images, labels, share, order):
    x, y = by_loop(images, labels, share, order)
    return x, np.round(y)


RIGHT = {
    "04.1": [lambda: [0, 8], lambda: (8, 1, 0)],
    "04.2": [by_scipy],
    "04.3": [replaced],
    "04.4": [by_generator],
    "04.5": [by_loop],
    "04.6": [studies.by(-1, "plain", "fast")],
}
WRONG = {
    "04.1": [
        (lambda: {0, 3, 8}, "a flip top to bottom"),
        (lambda: {0, 2, 8}, "trade them"),
        (lambda: {0, 1, 6, 8}, "[6] do not read the same"),
        (lambda: {8}, "one more digit"),
    ],
    "04.2": [
        (rolled, "come back on the other"),
        (lambda x, down, right: by_scipy(x, right, down), "does not come out right"),
        (lambda x, down, right: by_scipy(x, -down, -right), "positive is down"),
        (lambda x, down, right: x[:, down:, right:], "shape"),
    ],
    "04.3": [
        (augmented_first, "Split first, augment after"),
        (both_parts, "validation images are augmented"),
        (never, "No training image is augmented"),
        (labels_left_behind, "not theirs"),
    ],
    "04.4": [
        (lambda x, f, n, s: [f(x, [s, 0])] * n, "very same"),
        (by_clock, "no clock"),
        (epochs_alone, "Another seed gives the same"),
        (lambda x, f, n, s: [f(x, epoch) for epoch in range(n)], "two whole numbers"),
        (lambda x, f, n, s: [f(x, [s, 0])], "you give 1"),
    ],
    "04.5": [
        (images_alone, "labels are not mixed"),
        (swapped, "belongs to the image itself"),
        (without_axes, "returns shape"),
        (rounded, "still hard"),
    ],
    "04.6": [*studies.wrong("fast", "same way")[:-1]]
    + [(studies.by(-1, "plain", "again"), "exactly the same way")],
}
