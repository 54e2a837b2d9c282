"""One training run: the fast loop where it follows Keras to the letter, else `fit`."""

import dataclasses
import gc
import itertools
import threading

from utils.runtime import import_tensorflow
from utils.study.loops import FastLoop, PlainFit

keras = import_tensorflow().keras

BATCH_HOOKS = [
    f"on_{part}batch_{moment}"
    for part, moment in itertools.product(("", "train_", "test_"), ("begin", "end"))
]
OWN_METHODS = ("train_step", "test_step", "compute_loss", "fit")

# A model that is being trained cannot serve another run: Dask workers have threads.
_one_at_a_time = threading.RLock()
_latest_loop = {}


@dataclasses.dataclass(frozen=True)
class Settings:
    """What all runs of a study share.

    epochs, batch_size: int. train_metrics: "running" (seen while training) or
    "inference" (measured on the training set after each epoch).
    """

    epochs: int
    batch_size: int
    train_metrics: str


@dataclasses.dataclass(frozen=True)
class Trained:
    """One finished run.

    model: the Keras model, to be used before the next run reuses it. history:
    {metric: floats, one an epoch}. test: (cross-entropy, accuracy). diverged: True
    if a measure was not finite. path: how it was trained.
    """

    model: object
    history: dict
    test: tuple
    diverged: bool
    path: str


def why_plain_fit(model, callbacks):
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
    if keras.config.dtype_policy().name != "float32":
        return f"the dtype policy is {keras.config.dtype_policy().name}"
    return None


def train(condition, trace, dataset, seed, settings):
    """Train one condition with one seed, and measure it: returns a `Trained`.

    trace: str; runs with an equal one share a traced model, so it must name all that
    the condition and the settings hold.
    """
    with _one_at_a_time:
        if trace not in _latest_loop:
            _latest_loop.clear()
            gc.collect()
            reason = why_plain_fit(condition.build(), condition.callbacks())
            loop = (PlainFit if reason else FastLoop)(condition, dataset, settings)
            path = f"plain fit: {reason}" if reason else "fast loop"
            _latest_loop[trace] = loop, path
        loop, path = _latest_loop[trace]
        model, history, test = loop.run(dataset, seed)
        scores = (float(test[1]), float(test[2]))
        return Trained(model, dict(history.columns), scores, history.diverged, path)
