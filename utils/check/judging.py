"""What the checks of all chapters share: exercises, questions, wrong answers."""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    import keras

EXERCISES: dict[str, "Exercise"] = {}
SECONDS = 2
TRAINING_SECONDS = 10
STUDY_SECONDS = 120


class Wrong(Exception):
    """Raised by a judge for an answer that is wrong.

    Args:
        what: what is wrong, in the learner's terms.
        hint: what to try next; None for the exercise's own hint.
    """

    def __init__(self, what: str, hint: str | None = None):
        super().__init__(what)
        self.what, self.hint = what, hint


@dataclasses.dataclass(frozen=True)
class Exercise:
    """One exercise.

    Args:
        name: such as "03.2".
        judge: takes the learner's function; raises `Wrong` where it is.
        hint: said with a verdict that has none of its own.
        seconds: of computing that the function may take.
    """

    name: str
    judge: Callable[[Callable], None]
    hint: str
    seconds: float


def exercise(name: str, *, hint: str, seconds: float = SECONDS) -> Callable:
    """Register a judge under the name of its exercise: a decorator.

    Args:
        name: such as "03.2".
        hint: said with a verdict that has none of its own.
        seconds: of computing that an answer may take.
    """

    def register(judge):
        EXERCISES[name] = Exercise(name, judge, hint, seconds)
        return judge

    return register


def expect(right: bool, what: str, hint: str | None = None) -> None:
    """Go on where an answer is right so far.

    Raises:
        Wrong: it is not.
    """
    if not right:
        raise Wrong(what, hint)


def array(value: object, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Return what a learner's function gave as a float array.

    Args:
        value: what it gave.
        shape: the shape that it must have; None for any.

    Raises:
        Wrong: it is no array of finite numbers, or has another shape.
    """
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


def number(value: object) -> float:
    """Return what a learner's function gave as a float.

    Raises:
        Wrong: it is not one finite number.
    """
    return float(array(value, ()))


def several(value: object, count: int, names: str) -> tuple:
    """Return what a learner's function gave as a tuple.

    Args:
        value: what it gave.
        count: how many things that must be.
        names: what they are called, for the learner.

    Raises:
        Wrong: there are more or fewer.
    """
    fits = isinstance(value, tuple | list | np.ndarray)
    expect(
        fits and len(value) == count,
        f"Your function should return {count} things: {names}.",
        "Is a `return` missing?" if value is None else None,
    )
    return tuple(value)


def close(value: ArrayLike, right: ArrayLike, tolerance: float = 1e-6) -> bool:
    """Tell whether two arrays of one shape agree within an absolute tolerance."""
    return np.shape(value) == np.shape(right) and np.allclose(
        value, right, rtol=0, atol=tolerance
    )


def a_model(
    value: object, shape: tuple[int, ...] = (8, 8, 1), classes: int = 10
) -> "keras.Model":
    """Return what a learner's function gave as a Keras model.

    Args:
        value: what it gave.
        shape: of the images that it must take: (height, width, channels).
        classes: how many logits it must give.

    Raises:
        Wrong: it is no model, or gives something else.
    """
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


def study(value: object, has: Callable[["keras.Model"], object], what: str) -> None:
    """Judge a study of the learner's own.

    Args:
        value: what the learner's function gave: the results, and the name of the
            condition with the best mean validation accuracy.
        has: tells whether a model has what the exercise is about.
        what: its name, for the learner.

    Raises:
        Wrong: it is no study of at least five seeds, nothing is compared, or another
            condition is better.
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
