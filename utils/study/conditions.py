"""What is compared, and what `run` refuses before the first run starts."""

import collections.abc
import dataclasses

import joblib
import numpy as np

from utils.study import compat

PARTS = ("train", "val", "test")


def adam():
    """Return Adam with a learning rate of 1e-3, the optimizer of most chapters."""
    import keras

    return keras.optimizers.Adam(1e-3)


@dataclasses.dataclass(frozen=True)
class Condition:
    """What is compared: how to build a model and how to train it.

    Args:
        build: Gives an uncompiled Keras model (Sequential, functional or subclassed)
            that outputs logits of shape (n, classes).
        optimizer: Gives a fresh optimizer for each run.
        loss: None for sparse cross-entropy from logits, or any Keras loss, or a
            function that makes one. Keras' losses that compare with one-hot labels
            get them.
        augment: f(images, labels, seed) -> (images, labels), on whole batches of
            tensors.
        callbacks: Gives a list of fresh callbacks for each run.

    Raises:
        TypeError: If something that is used up by a run stands where a function that
            makes a fresh one belongs.

    Source:
        Taught in chapter 01.
    """

    build: collections.abc.Callable
    _: dataclasses.KW_ONLY
    optimizer: collections.abc.Callable = adam
    loss: object = None
    augment: collections.abc.Callable | None = None
    callbacks: collections.abc.Callable = list

    def __post_init__(self):
        for name in ("build", "optimizer", "callbacks"):
            value = getattr(self, name)
            made = hasattr(value, "get_config") and not isinstance(value, type)
            if made or not callable(value):
                raise TypeError(
                    f"{name} must be a function that makes a fresh one for each run, "
                    f"not {value!r}: write {name}=lambda: …"
                )
        if self.augment is not None and not callable(self.augment):
            raise TypeError(f"augment must be a function, not {self.augment!r}")


def checked_conditions(conditions) -> dict[str, Condition]:
    """Return {name: Condition}; ValueError or TypeError for names that do not fit."""
    pairs = list(getattr(conditions, "items", lambda: conditions)())
    names = [name for name, _ in pairs]
    if not pairs:
        raise ValueError("no conditions: give at least one as {name: build}")
    for name in names:
        if not isinstance(name, str) or not name:
            raise ValueError(f"a condition's name must be text, not {name!r}")
        if names.count(name) > 1:
            raise ValueError(f"two conditions are called {name!r}; rename one")
    return {n: c if isinstance(c, Condition) else Condition(c) for n, c in pairs}


def checked_seeds(seeds) -> list[int]:
    """Return the seeds as a list of ints; ValueError for none, twice one, or others."""
    whole = isinstance(seeds, int | np.integer) and not isinstance(seeds, bool)
    listed = list(range(seeds)) if whole else list(seeds)
    if not listed:
        raise ValueError(f"seeds={seeds!r} leaves nothing to run; give at least one")
    for seed in listed:
        if not isinstance(seed, int | np.integer) or not 0 <= seed < 2**31:
            raise ValueError(
                f"a seed is a whole number from 0 to 2**31-1, not {seed!r}"
            )
    if len(set(listed)) < len(listed):
        raise ValueError(f"a seed stands twice in {listed}; pairs need each one once")
    return [int(seed) for seed in listed]


def check_numbers(epochs, batch_size, train_metrics) -> None:
    """Raise ValueError unless the settings of a study are what they have to be."""
    for name, value in (("epochs", epochs), ("batch_size", batch_size)):
        if not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name} must be a whole number from 1, not {value!r}")
    if train_metrics not in ("running", "inference"):
        raise ValueError(
            f'train_metrics must be "running" or "inference", not {train_metrics!r}'
        )


def checked_probes(probes) -> dict:
    """Return {name: function}; TypeError for what is no function."""
    for name, probe in (probes or {}).items():
        if not callable(probe):
            raise TypeError(f"probe {name!r} must be a function, not {probe!r}")
    return dict(probes or {})


def checked_jobs(n_jobs) -> int:
    """Return how many workers: one a physical core where nothing else was asked."""
    whole = isinstance(n_jobs, int | np.integer) and not isinstance(n_jobs, bool)
    if n_jobs is not None and (not whole or n_jobs < 1):
        raise ValueError(f"n_jobs must be a whole number from 1, or None: {n_jobs!r}")
    if n_jobs is not None:
        return int(n_jobs)
    _, configured = joblib.parallel.get_active_backend()
    if compat.on_this_machine() and configured in (None, 1):
        return joblib.cpu_count(only_physical_cores=True)
    return joblib.effective_n_jobs(configured or -1)


def check_dataset(dataset, seed: int) -> None:
    """Raise TypeError unless it has what `utils.data.Dataset` has."""
    wanted = [f"{kind}_{part}" for part in PARTS for kind in "xy"]
    wanted = ["name", "class_names", *wanted]
    missing = [name for name in wanted if not hasattr(dataset, name)]
    if missing:
        raise TypeError(
            f"the data of seed {seed} are a {type(dataset).__name__} without "
            f"{', '.join(missing)}: give what utils.data.load returns, or a function "
            "of the seed"
        )


def kind_of(dataset) -> tuple[tuple[int, ...], int]:
    """What a model has to fit: the shape of an image, and how many classes."""
    return tuple(dataset.x_train.shape[1:]), len(dataset.class_names)


def check_alike(kind, expected, seed: int) -> None:
    """Raise ValueError if two seeds have images of two kinds."""
    if kind != expected:
        raise ValueError(
            f"the data of seed {seed} have images of shape {kind[0]} and {kind[1]} "
            f"classes, those of the first seed {expected[0]} and {expected[1]}: give "
            "all seeds the same kind of data"
        )


def check_model(name: str, condition: Condition, kind, dataset_name: str) -> None:
    """Build once, here, so that a mistake shows before the first run starts."""
    from utils.study.losses import resolve_loss
    from utils.study.seeding import undisturbed, with_weights

    shape, classes = kind
    with undisturbed():
        model = condition.build()
        if not hasattr(model, "fit"):
            raise TypeError(f"condition {name!r}: build() gave {model!r}, not a model")
        takes = tuple(getattr(model, "input_shape", ()) if model.built else ())[1:]
        if takes and not _fits(takes, shape):
            raise ValueError(
                f"condition {name!r}: the model takes images of shape {takes}, the "
                f"data set {dataset_name!r} has {shape}"
            )
        gives = with_weights(model, shape)
    if gives == (1,):
        raise ValueError(
            f"condition {name!r}: the model ends with one output, and the engine reads "
            f"one logit for each class; end with Dense({classes}) and leave the loss"
        )
    if gives != (classes,):
        raise ValueError(
            f"condition {name!r}: the model gives outputs of shape {gives}, but "
            f"{dataset_name!r} has {classes} classes; end with Dense({classes})"
        )
    resolve_loss(condition.loss)


def _fits(takes, shape):
    return len(takes) == len(shape) and all(
        a is None or a == b for a, b in zip(takes, shape, strict=True)
    )
