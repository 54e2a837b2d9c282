"""Chapter 08, beyond the article: smoothing, stopping, SAM, stochastic depth."""

import numpy as np

from utils.check.judging import (
    STUDY_SECONDS,
    array,
    close,
    exercise,
    expect,
    number,
    several,
    study,
)


@exercise("08.1", hint="A tenth of the label is spread over all ten classes alike.")
def smoothed_target(answer):
    value = number(answer())
    expect(
        not close(value, 0.9, 0.001),
        "0.9 is what is left before the spread.",
        "The true class gets its part of the tenth too.",
    )
    expect(close(value, 0.91, 0.001), f"The target of the true class is not {value:g}.")


@exercise(
    "08.2",
    hint="softmax(logits) minus the smoothed target: (1 − s) · one-hot + s / classes.",
)
def smoothed_gradient(answer):
    rng = np.random.default_rng(1)
    logits, labels = rng.normal(0, 2, (6, 5)), rng.integers(0, 5, 6)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    hard = np.eye(5)[labels]
    for smoothing in (0.0, 0.1, 0.4):
        value = array(answer(logits, labels, smoothing), (6, 5))
        right = shares - ((1 - smoothing) * hard + smoothing / 5)
        others = shares - ((1 - smoothing) * hard + smoothing / 4 * (1 - hard))
        expect(
            smoothing == 0 or not close(value, shares - hard),
            "Your gradient does not depend on the smoothing.",
        )
        expect(
            not close(value, -right),
            "The sign is the wrong way round.",
            "Prediction minus target.",
        )
        expect(
            not close(value, right / 6),
            "You divide by the number of examples.",
            "Each example's own gradient was asked for.",
        )
        expect(
            smoothing == 0 or not close(value, others),
            "You spread over the other classes alone.",
            "Keras (and Szegedy et al.) spread over all classes, the true one too.",
        )
        expect(
            close(value, right),
            f"With smoothing {smoothing} the gradient is not right.",
        )


@exercise(
    "08.3",
    hint="Keep the best epoch so far. Stop as soon as `patience` epochs in a row were "
    "no better.",
)
def stopping(answer):
    cases = [
        ([0.9, 0.7, 0.8, 0.75, 0.76, 0.74], 2, (2, 4)),
        ([0.9, 0.7, 0.8, 0.75, 0.6, 0.5], 2, (2, 4)),
        ([0.9, 0.7, 0.8, 0.6, 0.65, 0.61, 0.62, 0.1], 3, (4, 7)),
        ([0.5, 0.4, 0.3], 2, (3, 3)),
        ([0.3, 0.3, 0.3, 0.2], 2, (1, 3)),
    ]
    for losses, patience, (best, last) in cases:
        value = several(
            answer(losses, patience), 2, "the best epoch, the last epoch trained"
        )
        given = tuple(map(number, value))
        expect(
            given != (best - 1, last - 1),
            "You count epochs from 0.",
            "The first epoch is epoch 1, as in results.frame.",
        )
        expect(
            given[0] != int(np.argmin(losses)) + 1 or given[0] == best,
            f"With losses {losses} and patience {patience} training ends before "
            f"epoch {given[0]:g}.",
            "What comes after the end is never seen.",
        )
        expect(
            given[1] != last + 1 or last == len(losses),
            f"With losses {losses} and patience {patience} you stop one epoch late.",
            "Patience 2 means: stop after the second epoch that is no better.",
        )
        expect(
            given == (best, last),
            f"With losses {losses} and patience {patience} the best epoch is {best} "
            f"and the last one trained {last}; you "
            f"give {given[0]:g} and {given[1]:g}.",
        )


@exercise(
    "08.4",
    hint="Climb: w + radius · g/‖g‖, with g = gradient(w). Return the gradient there.",
)
def sharpness_aware(answer):
    matrix = np.diag([1.0, 10.0])

    def gradient(w):
        return matrix @ w

    w, radius = np.array([1.0, 0.5]), 0.3
    g = gradient(w)
    length = np.linalg.norm(g)
    value = array(answer(gradient, w, radius), (2,))
    expect(
        not close(value, gradient(w - radius * g / length)),
        "You go downhill before you look.",
        "Sharpness is what is found uphill.",
    )
    expect(
        not close(value, gradient(w + radius * g)),
        "Your step is not of length radius.",
        "Divide the gradient by its norm.",
    )
    expect(
        not close(value, w + radius * g / length),
        "You return the point; the gradient at that point was asked for.",
    )
    expect(not close(value, g), "That is the gradient at w itself.")
    expect(
        close(value, gradient(w + radius * g / length)), "The gradient is not right."
    )
    flat = array(answer(gradient, np.zeros(2), radius), (2,))
    expect(
        close(flat, np.zeros(2), 1e-3),
        "Where the gradient is 0, yours is not.",
        "0/0: add a tiny number to the norm.",
    )


@exercise(
    "08.5",
    hint="One draw for each example, of shape (n, 1): the branch is there or not.",
)
def stochastic_depth(answer):
    rng = np.random.default_rng(3)
    x, branch = rng.normal(size=(400, 6)), rng.uniform(1, 2, (400, 6))
    survival = 0.8

    def call(training, seed=0):
        generator = np.random.default_rng(seed)
        return array(answer(x, branch, survival, generator, training), x.shape)

    test, train = call(False), call(True)
    expect(close(test, call(False, 1)), "At test time the result is random.")
    part = (train - x) / branch
    kept = np.abs(part) > 1e-9
    expect(
        (kept == kept[:, :1]).all(),
        "Single elements are dropped.",
        "That is dropout. Here an example's branch is there, or it is not.",
    )
    share = kept[:, 0].mean()
    expect(
        close(share, survival, 0.06),
        f"At survival 0.8 a share of {share:.2f} of the branches is there.",
        "survival is the share kept; each example draws for itself.",
    )
    ratio = np.median(part[kept]) * survival / np.median((test - x) / branch)
    expect(
        close(ratio, 1, 1e-6),
        "In training the branch has another mean than at test time.",
        "Scale by survival at test time (Huang et al.), or divide by it in training.",
    )
    scale = np.median((test - x) / branch)
    expect(
        close(scale, survival) or close(scale, 1),
        f"At test time your branch is multiplied by {scale:.2f}.",
    )


@exercise(
    "08.6",
    hint="Tune each method over the same number of strengths; give run() those chosen.",
    seconds=STUDY_SECONDS,
)
def study_beyond(answer):
    outcome = several(answer(), 2, "the results, and the condition you choose")
    seen = []

    def another(model):
        seen.append(model)
        return len(seen) > 1  # a recipe need not show in the network

    study(outcome, another, "another recipe")
    losses = outcome[0].summary("train_loss")["mean"]
    expect(losses.nunique() > 1, "All conditions train in exactly the same way.")
