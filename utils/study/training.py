"""One training run: the fast loop where it follows Keras to the letter, else `fit`."""

import dataclasses
import gc
import itertools
import threading

from utils.runtime import import_tensorflow
from utils.study import compat
from utils.study.fitting import PlainFit
from utils.study.loops import End, FastLoop
from utils.study.seeding import keras_set_to, seeded_model

keras = import_tensorflow().keras

BATCH_HOOKS = [
    f"on_{part}batch_{moment}"
    for part, moment in itertools.product(("", "train_", "test_"), ("begin", "end"))
]
OWN_METHODS = ("train_step", "test_step", "compute_loss", "fit")

# A model that is being trained cannot serve another run: whoever trains holds this
# until all that is wanted of the model is taken. Threads share a process under Dask.
one_at_a_time = threading.RLock()
_latest_loop = {}


@dataclasses.dataclass(frozen=True)
class Settings:
    """What all runs of a study share.

    Args:
        epochs, batch_size: From 1.
        train_metrics: "running" (seen while training) or "inference" (measured on the
            training set after each epoch).
        keras: What `keras.config` is set to where the study is started.
    """

    epochs: int
    batch_size: int
    train_metrics: str
    keras: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Trained:
    """One finished run.

    Args:
        model: The Keras model as it is after training, until the next run reuses it.
        history: {metric: floats, one an epoch}.
        last, best: The test images at the end of training, and with the weights that
            validation saw at the first maximum of its accuracy.
        best_epoch: That epoch, counted from 1.
        diverged: True if a measure was not finite.
        path: How it was trained.
    """

    model: object
    history: dict
    last: End
    best: End
    best_epoch: int
    diverged: bool
    path: str


def why_plain_fit(model, callbacks: list) -> str | None:
    """Say why a condition cannot use the fast loop, or return None if it can."""
    for callback in callbacks:
        kind = type(callback)
        if kind is keras.callbacks.LambdaCallback:
            return "LambdaCallback may act on single batches"
        for hook in BATCH_HOOKS:
            if getattr(kind, hook) is not getattr(keras.callbacks.Callback, hook):
                return f"{kind.__name__} has {hook}"
    for name in OWN_METHODS:
        method = getattr(type(model), name)
        if method not in (getattr(keras.Model, name), getattr(keras.Sequential, name)):
            return f"{type(model).__name__} has its own {name}"
    if lower := compat.compute_dtypes(model) - {"float32"}:
        return f"it computes in {', '.join(sorted(lower))}"
    return None


def train(condition, model_key: str, dataset, seed: int, settings: Settings) -> Trained:
    """Train one condition with one seed, and measure both ends of the run.

    Args:
        condition: A `Condition`.
        model_key: Runs with an equal one share a traced model, so it must name all
            that the condition and the settings hold.
        dataset: Anything with the six arrays of a `Dataset`.
        seed: From 0 to 2**31-1.
        settings: What all runs of the study share.

    Returns:
        What was measured. The model is good until the next call: hold `one_at_a_time`.
    """
    with one_at_a_time, keras_set_to(settings.keras):
        if model_key not in _latest_loop:
            _latest_loop.clear()
            gc.collect()
            _latest_loop[model_key] = _loop(condition, dataset, settings)
        loop, path = _latest_loop[model_key]
        return Trained(*loop.run(dataset, seed), path)


def _loop(condition, dataset, settings):
    model = seeded_model(condition.build, 0, dataset.x_train.shape[1:])
    reason = why_plain_fit(model, condition.callbacks())
    kind = PlainFit if reason else FastLoop
    path = f"plain fit: {reason}" if reason else "fast loop"
    return kind(condition, dataset, settings), path
