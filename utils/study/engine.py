"""The engine under every chapter: conditions × seeds, paired, reproducible, kept.

The fast path trains any Keras model that a function builds, with any Keras
optimizer (weight decay, clipping, constraints, `use_ema`), loss, regularizer,
normalization, dropout, augmentation, learning-rate schedule and callback that acts
at epoch boundaries. A model with its own `train_step`, a callback that acts on single
batches, or mixed precision goes through plain `fit` inside the worker, which is
slower; `Results.paths` says which way each condition went.
"""

import collections.abc
import dataclasses
import importlib.metadata
import os
import pathlib
import platform
import random
import sys
import warnings

import joblib
import numpy as np

from utils.data import Dataset
from utils.study import loops, seeding, training, workers
from utils.study.keys import fingerprint
from utils.study.progress import progress_bar
from utils.study.records import FORMAT, RecordError, Store
from utils.study.results import Comparison, Results
from utils.study.workers import WorkerDied

__all__ = ["Comparison", "Condition", "Results", "WorkerDied", "run"]

RUNS = pathlib.Path(__file__).resolve().parents[2] / "build" / "runs"
ENVIRONMENT = ("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA")


def adam():
    """Return Adam with a learning rate of 1e-3, the optimizer of most chapters."""
    import keras

    return keras.optimizers.Adam(1e-3)


@dataclasses.dataclass(frozen=True)
class Condition:
    """What is compared: how to build a model and how to train it.

    build() gives an uncompiled model that outputs logits of shape (n, classes).
    optimizer() and callbacks() give fresh ones for each run. loss: None for sparse
    cross-entropy from logits, or any Keras loss, or a function that makes one; a
    categorical loss gets one-hot labels. augment(images, labels, seed) gives images
    and labels, and works on whole batches of tensors.
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


def run(
    conditions,
    dataset,
    *,
    epochs,
    seeds=5,
    batch_size=32,
    n_jobs=None,
    probes=None,
    train_metrics="running",
    cache_dir=None,
):
    """Train every condition with every seed, and return `Results`.

    conditions: {name: build function or Condition}. dataset: a `Dataset`, or a
    function of the seed that returns one. epochs, batch_size: int. seeds: how many
    (0, 1, …), or an iterable of ints. n_jobs: worker processes, one per core when
    None. probes: {name: f(model, dataset) -> array}, kept with each run.
    train_metrics: "running" as `fit` reports them, or "inference", measured after
    each epoch. cache_dir: where finished runs are kept, `build/runs` when None; a run
    that is there already is not done again.

    A seed fixes the data, their order and the initial weights of layers that match,
    so conditions are compared in pairs. Results are equal to the bit for any n_jobs
    and any order. Raises ValueError or TypeError before the first run for arguments
    that do not fit, and WorkerDied for a run that kills its worker twice.
    """
    conditions = _checked_conditions(conditions)
    seeds = _checked_seeds(seeds)
    settings = _checked_settings(epochs, batch_size, train_metrics)
    probes = _checked_probes(probes)
    n_jobs = _checked_jobs(n_jobs)
    datasets = {s: dataset(s) if callable(dataset) else dataset for s in seeds}
    for seed, one in datasets.items():
        _check_dataset(one, seed)
        _check_alike(one, datasets[seeds[0]], seed)
    for name, condition in conditions.items():
        _check_model(name, condition, datasets[seeds[0]])
    tasks = _tasks(conditions, datasets, settings, probes)
    store = Store(cache_dir or RUNS)
    records = _finish(tasks, datasets, settings, probes, store, n_jobs)
    builds = {name: condition.build for name, condition in conditions.items()}
    return Results(builds, records)


def _checked_conditions(conditions):
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


def _checked_seeds(seeds):
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


def _checked_settings(epochs, batch_size, train_metrics):
    for name, value in (("epochs", epochs), ("batch_size", batch_size)):
        if not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name} must be a whole number from 1, not {value!r}")
    if train_metrics not in ("running", "inference"):
        raise ValueError(
            f'train_metrics must be "running" or "inference", not {train_metrics!r}'
        )
    return training.Settings(int(epochs), int(batch_size), train_metrics)


def _checked_probes(probes):
    for name, probe in (probes or {}).items():
        if not callable(probe):
            raise TypeError(f"probe {name!r} must be a function, not {probe!r}")
    return dict(probes or {})


def _checked_jobs(n_jobs):
    whole = isinstance(n_jobs, int | np.integer) and not isinstance(n_jobs, bool)
    if n_jobs is not None and (not whole or n_jobs < 1):
        raise ValueError(f"n_jobs must be a whole number from 1, or None: {n_jobs!r}")
    if n_jobs is not None:
        return int(n_jobs)
    _, configured = joblib.parallel.get_active_backend()
    if workers.on_this_machine() and configured in (None, 1):
        return joblib.cpu_count(only_physical_cores=True)
    return joblib.effective_n_jobs(configured or -1)


def _check_dataset(dataset, seed):
    if not isinstance(dataset, Dataset):
        raise TypeError(
            f"the data of seed {seed} are a {type(dataset).__name__}, not a Dataset: "
            "give what utils.data.load returns, or a function of the seed"
        )


def _kind(dataset):
    """What a model has to fit: the shape of an image, and how many classes."""
    return dataset.x_train.shape[1:], len(dataset.class_names)


def _check_alike(dataset, first, seed):
    (shape, classes), expected = _kind(dataset), _kind(first)
    if (shape, classes) != expected:
        raise ValueError(
            f"the data of seed {seed} have images of shape {shape} and {classes} "
            f"classes, those of the first seed {expected[0]} and {expected[1]}: give "
            "all seeds the same kind of data"
        )


def _check_model(name, condition, dataset):
    """Build once, here, so that a mistake shows before the first run starts."""
    state = random.getstate()  # what Keras draws its layers' seeds from
    model = condition.build()
    random.setstate(state)
    if not hasattr(model, "fit"):
        raise TypeError(f"condition {name!r}: build() gave {model!r}, not a model")
    shape, classes = _kind(dataset)
    if not model.built:
        model.build((None, *shape))
    takes, gives = tuple(model.input_shape[1:]), tuple(model.output_shape[1:])
    if any(a is not None and a != b for a, b in zip(takes, shape, strict=False)) or (
        len(takes) != len(shape)
    ):
        raise ValueError(
            f"condition {name!r}: the model takes images of shape {takes}, the data "
            f"set {dataset.name!r} has {shape}"
        )
    if gives != (classes,):
        raise ValueError(
            f"condition {name!r}: the model gives outputs of shape {gives}, but "
            f"{dataset.name!r} has {classes} classes; end with Dense({classes})"
        )
    loops.resolve_loss(condition.loss)


def _tasks(conditions, datasets, settings, probes):
    """List the runs; a key holds all that can change one of their numbers."""
    everywhere = fingerprint(settings, probes, _versions())
    data = {seed: fingerprint(dataset) for seed, dataset in datasets.items()}
    kind = _kind(next(iter(datasets.values())))  # the same for all seeds
    tasks = []
    for name, condition in conditions.items():
        trace = fingerprint(vars(condition), kind, everywhere)
        for seed in datasets:
            key = fingerprint(trace, data[seed], seed)
            tasks.append(workers.Task(name, condition, trace, seed, key))
    return tasks


def _versions():
    packages = ("tensorflow", "keras", "numpy")
    engine = (loops, seeding, training)
    return (
        FORMAT,
        [pathlib.Path(module.__file__).read_bytes() for module in engine],
        sys.version_info[:2],
        platform.machine(),
        [importlib.metadata.version(package) for package in packages],
        [os.environ.get(name) for name in ENVIRONMENT],
    )


def _finish(tasks, datasets, settings, probes, store, n_jobs):
    """Do what is not there yet, and read every record: {(name, seed): record}."""
    records = _read(tasks, store)
    missing = {t.key: t for t in tasks if (t.name, t.seed) not in records}
    if not missing:
        return records
    context = workers.Context(store, settings, probes, workers.on_this_machine())

    def count_done():
        return sum(store.has(key) for key in missing)

    try:
        with progress_bar(len(missing), count_done):
            workers.execute(list(missing.values()), datasets, context, n_jobs)
    except KeyboardInterrupt:
        workers.stop()
        print(
            f"Stopped: {count_done()} of {len(missing)} runs are finished and kept in "
            f"{store.folder.name}. Run the same study again to go on from there."
        )
        raise
    finally:
        store.tidy()
    return _read(tasks, store, strict=True)


def _read(tasks, store, strict=False):
    records = {}
    for task in tasks:
        if not strict and not store.has(task.key):
            continue
        try:
            records[task.name, task.seed] = store.read(task.key)
        except RecordError as error:
            if strict:
                raise
            warnings.warn(f"a damaged record is run again: {error}", stacklevel=4)
            store.forget(task.key)
    return records
