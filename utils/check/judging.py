"""What the checks of all chapters share: exercises, questions, wrong answers."""

import collections.abc
import dataclasses

import numpy as np

EXERCISES = {}
SECONDS = 2
TRAINING_SECONDS = 10
STUDY_SECONDS = 120


class Wrong(Exception):
    """What is wrong with an answer, in the learner's terms, and a hint if there is one.

    Without a hint of its own it is answered with the exercise's.
    """

    def __init__(self, what, hint=None):
        super().__init__(what)
        self.what, self.hint = what, hint


@dataclasses.dataclass(frozen=True)
class Exercise:
    """One exercise: judge(answer) raises `Wrong`; seconds is the time it may take."""

    name: str
    judge: collections.abc.Callable
    hint: str
    seconds: float


def exercise(name, *, hint, seconds=SECONDS):
    """Register a judge under the name of its exercise, such as "03.2"."""

    def register(judge):
        EXERCISES[name] = Exercise(name, judge, hint, seconds)
        return judge

    return register


def expect(right, what, hint=None):
    """Raise `Wrong` unless `right`."""
    if not right:
        raise Wrong(what, hint)


def array(value, shape=None):
    """Return a float array. Raises `Wrong` for anything else, NaN, or another shape."""
    expect(value is not None, "Your function returns None.", "Is a `return` missing?")
    kind = type(value).__name__
    try:
        result = None if isinstance(value, str | bytes) else np.asarray(value, float)
    except (TypeError, ValueError):
        result = None
    expect(result is not None, f"Your function returns a {kind}, not numbers.")
    if shape is not None:
        if shape == () and result.size == 1:
            result = result.reshape(())
        expect(
            result.shape == tuple(shape),
            f"Your function returns shape {result.shape}; {tuple(shape)} was expected.",
        )
    expect(np.isfinite(result).all(), "Your result holds NaN or infinity.")
    return result


def number(value):
    """Return a float. Raises `Wrong` for what is not one finite number."""
    return float(array(value, ()))


def several(value, count, names):
    """Return `count` values as a tuple. Raises `Wrong` for any other number of them."""
    fits = isinstance(value, tuple | list | np.ndarray)
    expect(
        fits and len(value) == count,
        f"Your function should return {count} things: {names}.",
        "Is a `return` missing?" if value is None else None,
    )
    return tuple(value)


def close(value, right, tolerance=1e-6):
    """Tell whether two arrays of one shape agree within an absolute tolerance."""
    return np.shape(value) == np.shape(right) and np.allclose(
        value, right, rtol=0, atol=tolerance
    )


def a_model(value, shape=(8, 8, 1), classes=10):
    """Return a Keras model. Raises `Wrong` unless it gives logits of `classes`."""
    import keras

    expect(
        isinstance(value, keras.Model),
        f"Your function returns a {type(value).__name__}, not a Keras model.",
        "Is a `return` missing?" if value is None else None,
    )
    images = np.random.default_rng(0).uniform(size=(4, *shape)).astype("float32")
    logits = np.asarray(value(images, training=False))
    expect(
        logits.shape == (4, classes),
        f"Four images give outputs of shape {logits.shape}, not (4, {classes}).",
    )
    expect(
        not close(logits.sum(axis=1), np.ones(4), 1e-4) or (logits < 0).any(),
        "The outputs of your model are probabilities; logits were expected.",
        "Leave the activation of the last layer away.",
    )
    return value


def study(value, has, what):
    """Judge a study of the learner's own: `(results, choice)`, at least five seeds.

    has(model): whether a condition has what the exercise is about; what: its name.
    The choice has to be the condition with the best mean validation accuracy.
    """
    from utils.study import Results

    results, choice = several(value, 2, "the results, and the condition you choose")
    expect(
        isinstance(results, Results),
        f"The first thing you return is a {type(results).__name__}, not Results.",
        "Return what `run` returns.",
    )
    last = results.frame.groupby(["condition", "seed"]).tail(1)
    names = list(dict.fromkeys(last.condition))
    expect(len(names) > 1, "One condition alone cannot be compared with anything.")
    seeds = last.seed.nunique()
    expect(
        seeds >= 5,
        f"Your study has {seeds} seeds; an interval worth its name needs five.",
        "Call run(…, seeds=5).",
    )
    found = {name: bool(has(results.model(name, last.seed.iloc[0]))) for name in names}
    expect(any(found.values()), f"No condition of your study has {what}.")
    expect(
        not all(found.values()),
        f"Every condition has {what}: what are they compared with?",
        "Add a plain condition, the same network without it.",
    )
    expect(
        isinstance(choice, str) and choice in names,
        f"You chose {choice!r}; the conditions are {', '.join(names)}.",
        "Return the name of one condition.",
    )
    means = results.summary("val_accuracy")["mean"]
    best = means.max()
    expect(
        means[choice] >= best,
        f"On the validation images {choice!r} is not the best condition.",
        "Choose by results.summary('val_accuracy'); the test images are not asked.",
    )
