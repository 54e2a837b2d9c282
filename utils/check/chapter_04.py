"""Chapter 04, data augmentation: labels, pixels, splits, seeds, mixtures."""

import numpy as np

from utils.check.judging import (
    STUDY_SECONDS,
    array,
    close,
    exercise,
    expect,
    several,
    study,
)


@exercise(
    "04.1", hint="Hold each digit to a mirror. Is it still read as the same digit?"
)
def mirrored_digits(answer):
    value = answer()
    expect(value is not None, "Your function returns None.", "Is a `return` missing?")
    digits = set(array(list(value)).astype(int))
    expect(digits <= set(range(10)), f"{sorted(digits)} are not all digits.")
    expect(
        3 not in digits,
        "A mirrored 3 opens to the wrong side.",
        "It survives a flip top to bottom, not left to right.",
    )
    expect(
        not {2, 5} & digits,
        "A mirrored 2 looks like a 5, and a mirrored 5 like a 2.",
        "They do not keep their labels; they trade them.",
    )
    wrong = sorted(int(digit) for digit in digits - {0, 1, 8})
    expect(not wrong, f"{wrong} do not read the same in a mirror.")
    expect({0, 8} <= digits, "At least one more digit reads the same in a mirror.")


@exercise(
    "04.2",
    hint="Start from zeros, copy the part that stays in view. Slices, or np.roll and "
    "then zeros where pixels came round.",
)
def shifted(answer):
    images = np.random.default_rng(1).uniform(0.1, 1, (3, 5, 6, 2))
    for down, right in ((1, 0), (0, 2), (-2, 1), (0, 0), (1, -3), (5, 0), (0, -9)):
        value = array(answer(images, down, right), images.shape)
        expected = np.zeros_like(images)
        rows = [(r, r - down) for r in range(5) if 0 <= r - down < 5]
        columns = [(c, c - right) for c in range(6) if 0 <= c - right < 6]
        for r, source_r in rows:
            for c, source_c in columns:
                expected[:, r, c] = images[:, source_r, source_c]
        rolled = np.roll(images, (down, right), axis=(1, 2))
        expect(
            (down, right) == (0, 0) or not close(value, rolled),
            "Pixels that leave on one side come back on the other.",
            "Nothing is known there: fill with zeros.",
        )
        expect(
            close(value, expected),
            f"A shift by down={down}, right={right} does not come out right.",
            "Axis 1 is height, axis 2 width; positive is down and right; a shift may "
            "be negative, or larger than the image.",
        )


@exercise(
    "04.3",
    hint="Shuffle the originals, cut off a fifth, and only then augment the rest.",
)
def split_first(answer):
    n = 50
    images = np.arange(n, dtype=float).reshape(n, 1, 1, 1) * np.ones((1, 2, 2, 1))
    labels = np.arange(n) % 5

    def augment(batch):
        return batch + 0.25  # leaves a mark by which a copy is known

    parts = several(
        answer(images, labels, augment, np.random.default_rng(0)),
        4,
        "x_train, y_train, x_val, y_val",
    )
    x_train, y_train, x_val, y_val = map(array, parts)
    expect(
        x_train.ndim == 4 and x_val.ndim == 4 and len(x_train) and len(x_val),
        "x_train and x_val should have the shape (n, height, width, channels).",
    )
    train, val = x_train[:, 0, 0, 0], x_val[:, 0, 0, 0]
    shared = set(np.floor(train)) & set(np.floor(val))
    expect(
        not shared,
        f"{len(shared)} images have one version in training and another in validation.",
        "Split first, augment after: else the validation images are half known.",
    )
    expect(
        (val == np.floor(val)).all(),
        "Your validation images are augmented.",
        "They stand for the images of the real task: leave them as they are.",
    )
    expect(
        (train != np.floor(train)).any(),
        "No training image is augmented any more.",
        "Call augment on the training part.",
    )
    expect(
        len(val) == n // 5,
        f"{len(val)} of {n} images are validation; a fifth, {n // 5}, was asked for.",
    )
    for x, y, part in ((train, y_train, "x_train"), (val, y_val, "x_val")):
        expect(
            len(x) == len(y) and (np.floor(x) % 5 == y).all(),
            f"The labels of {part} are not theirs.",
            "Shuffle images and labels by the same order.",
        )


@exercise(
    "04.4",
    hint="Two numbers make a seed: one for the run, one that counts epochs, "
    "[seed, epoch].",
)
def fresh_each_epoch(answer):
    images = np.zeros((4, 2, 2, 1))

    def augment(batch, seed):
        pair = [int(s) for s in np.asarray(seed).ravel()]
        expect(
            len(pair) == 2,
            f"augment got the seed {pair}.",
            "A stateless seed is two whole numbers.",
        )
        return batch + np.random.default_rng(pair).uniform(size=batch.shape)

    first, second = (
        [array(e, images.shape) for e in _epochs(answer, images, augment)]
        for _ in range(2)
    )
    expect(
        not any(close(a, b) for a, b in zip(first, first[1:], strict=False)),
        "Two epochs see the very same augmented images.",
        "The seed has to change from epoch to epoch.",
    )
    expect(
        all(close(a, b) for a, b in zip(first, second, strict=True)),
        "The same seed gives other images the second time.",
        "Derive all from `seed` and the epoch: no clock, no global random state.",
    )
    other = _epochs(answer, images, augment, seed=8)
    expect(
        not close(first[0], other[0]),
        "Another seed gives the same images.",
        "The run's own seed belongs in the pair too.",
    )


def _epochs(answer, images, augment, seed=7):
    made = answer(images, augment, 3, seed)
    expect(made is not None, "Your function returns None.", "Is a `return` missing?")
    made = list(made)
    expect(len(made) == 3, f"Three epochs were asked for; you give {len(made)}.")
    return made


@exercise(
    "04.5",
    hint="share · x + (1 − share) · x[order], and the same for the labels. For images "
    "share needs three more axes.",
)
def mixed(answer):
    rng = np.random.default_rng(3)
    images, labels = rng.uniform(size=(4, 3, 3, 1)), np.eye(4)
    share, order = np.array([1.0, 0.7, 0.2, 0.5]), np.array([1, 2, 3, 0])
    parts = several(answer(images, labels, share, order), 2, "the images, the labels")
    x, y = array(parts[0], images.shape), array(parts[1], labels.shape)
    wide = share.reshape(4, 1, 1, 1)
    right_x = wide * images + (1 - wide) * images[order]
    right_y = share[:, None] * labels + (1 - share[:, None]) * labels[order]
    swapped = (1 - wide) * images + wide * images[order]
    expect(
        not close(x, swapped),
        "share belongs to the image itself, 1 − share to its partner.",
    )
    expect(
        not close(y, labels),
        "Your labels are not mixed.",
        "A picture that is 0.7 a cat is labelled 0.7 cat.",
    )
    expect(
        not close(y, labels[order]) and not close(y, np.round(right_y)),
        "Your labels are still hard.",
    )
    expect(close(x, right_x), "The images are not share · x + (1 − share) · x[order].")
    expect(close(y, right_y), "The labels are not mixed as the images are.")


@exercise(
    "04.6",
    hint="Condition(small_cnn, augment=pipeline(partial(shift, pixels=1))).",
    seconds=STUDY_SECONDS,
)
def study_of_augmentation(answer):
    from utils.check.judging import Wrong

    outcome = several(answer(), 2, "the results, and the condition you choose")
    augmented = []

    def any_model(model):
        augmented.append(model)
        return len(augmented) > 1  # what a model saw cannot be told from it

    study(outcome, any_model, "augmentation")
    losses = outcome[0].summary("train_loss")["mean"]
    if losses.nunique() < 2:
        raise Wrong("All conditions train in exactly the same way.")
