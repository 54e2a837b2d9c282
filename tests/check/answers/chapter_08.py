import numpy as np
from scipy.special import log_softmax, softmax

from tests.check.answers import studies


def numerical(logits, labels, smoothing):
    classes = logits.shape[1]
    targets = (1 - smoothing) * np.eye(classes)[labels] + smoothing / classes
    result = np.zeros_like(logits)
    for place in np.ndindex(logits.shape):
        step = np.zeros_like(logits)
        step[place] = 1e-6
        up, down = (
            -(targets * log_softmax(logits + sign * step, axis=1)).sum()
            for sign in (1, -1)
        )
        result[place] = (up - down) / 2e-6
    return np.round(result, 8)


def of(targets, sign=1, share=1.0):
    def gradient(logits, labels, smoothing):
        hard = np.eye(logits.shape[1])[labels]
        return sign * share * (softmax(logits, axis=1) - targets(hard, smoothing))

    return gradient


def smooth(hard, s):
    return (1 - s) * hard + s / hard.shape[1]


def over_others(hard, s):
    return (1 - s) * hard + s * (1 - hard) / (hard.shape[1] - 1)


def by_count(losses, patience):
    best, waited, place = np.inf, 0, 0
    for epoch, loss in enumerate(losses, 1):
        waited += 1
        if loss < best:
            best, waited, place = loss, 0, epoch
        if waited == patience:
            return place, epoch
    return place, len(losses)


def late(losses, patience):
    return by_count(losses, patience + 1)


def of_all(losses, patience):
    return int(np.argmin(losses)) + 1, by_count(losses, patience)[1]


def from_zero(losses, patience):
    best, last = by_count(losses, patience)
    return best - 1, last - 1


def last_for_best(losses, patience):
    _, last = by_count(losses, patience)
    return last, last


def safe(gradient, w, radius):
    g = gradient(w)
    length = np.linalg.norm(g)
    return g if length == 0 else gradient(w + radius / length * g)


def climbing(step, at=True, safe=1e-12):
    def sam(gradient, w, radius):
        g = gradient(w)
        point = w + step(radius, g, np.linalg.norm(g) + safe)
        return gradient(point) if at else point

    return sam


def unsafe(gradient, w, radius):
    g = gradient(w)
    with np.errstate(invalid="ignore"):
        return gradient(w + radius * g / np.linalg.norm(g))


def depth(shape=lambda x: (len(x), 1), train=1.0, test=0.8, share=0.8):
    def stochastic_depth(x, branch, survival, rng, training):
        if not training:
            return x + test * branch
        return x + train * branch * (rng.random(shape(x)) < share)

    return stochastic_depth


RIGHT = {
    "08.1": [lambda: 0.91],
    "08.2": [numerical],
    "08.3": [by_count],
    "08.4": [safe],
    "08.5": [depth(train=1 / 0.8, test=1.0)],
    "08.6": [studies.by(-1, "plain", "fast")],
}
WRONG = {
    "08.1": [
        (lambda: 0.9, "gets its part"),
        (lambda: 0.1, "is not 0.1"),
        (lambda: 1.0, "is not 1"),
    ],
    "08.2": [
        (of(lambda hard, s: hard), "does not depend on the smoothing"),
        (of(smooth, sign=-1), "Prediction minus target"),
        (of(smooth, share=1 / 6), "number of examples"),
        (of(over_others), "spread over all classes"),
    ],
    "08.3": [
        (late, "one epoch late"),
        (of_all, "never seen"),
        (from_zero, "count epochs from 0"),
        (last_for_best, "the best epoch is 2"),
    ],
    "08.4": [
        (climbing(lambda r, g, length: -r * g / length), "downhill"),
        (climbing(lambda r, g, length: r * g), "not of length radius"),
        (climbing(lambda r, g, length: r * g / length, at=False), "return the point"),
        (climbing(lambda r, g, length: 0 * g), "gradient at w itself"),
        (unsafe, "NaN"),
    ],
    "08.5": [
        (depth(shape=np.shape), "That is dropout"),
        (depth(test=1.0), "another mean"),
        (depth(shape=lambda x: (1, 1), share=1.1), "a share of 1.00"),
        (depth(share=0.2), "a share of 0.2"),
        (lambda x, branch, survival, rng, training: x, "share of 0.00"),
    ],
    "08.6": [*studies.wrong("fast", "same way")[:-1]]
    + [(studies.by(-1, "plain", "again"), "exactly the same way")],
}
