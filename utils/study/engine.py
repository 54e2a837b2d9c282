"""`run`: from conditions, data and seeds to finished records."""

import collections.abc
import importlib.metadata
import os
import pathlib
import platform

from utils.study import compat, workers
from utils.study.conditions import (
    Condition,
    check_alike,
    check_dataset,
    check_model,
    check_numbers,
    checked_conditions,
    checked_jobs,
    checked_probes,
    checked_seeds,
    kind_of,
)
from utils.study.keys import fingerprint
from utils.study.keys_code import code_of, sources
from utils.study.progress import progress_bar
from utils.study.records import FORMAT, Store
from utils.study.results import Results

RUNS = pathlib.Path(__file__).resolve().parents[2] / "build" / "runs"
ENVIRONMENT = ("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA")
_imported = {}  # what workers may have imported: {file: when it was changed}


def run(
    conditions: collections.abc.Mapping[str, Condition | collections.abc.Callable],
    dataset: object,
    *,
    epochs: int,
    seeds: int | collections.abc.Iterable[int] = 5,
    batch_size: int = 32,
    n_jobs: int | None = None,
    probes: collections.abc.Mapping[str, collections.abc.Callable] | None = None,
    train_metrics: str = "running",
    cache_dir: str | os.PathLike | None = None,
) -> Results:
    """Train every condition with every seed, and return what was found.

    A seed fixes the data, their order and the initial weights of layers that match, so
    conditions are compared in pairs. Results are equal to the bit for any n_jobs and
    any order. Each run is measured at two ends: *last*, after its last epoch, and
    *best*, with the weights that validation saw when its accuracy was first highest.

    Models go through a traced loop that follows `fit` to the letter. A model with its
    own `train_step`, a callback that acts on single batches, or lower precision goes
    through `fit` itself, which is slower; `Results.paths` says which way each went.

    Args:
        conditions: {name: build function or `Condition`}.
        dataset: A `Dataset`, or a function of the seed that returns one. Any object
            with its six arrays, `name` and `class_names` will do.
        epochs: From 1.
        seeds: How many (0, 1, …), or which.
        batch_size: Images in a step of training.
        n_jobs: Worker processes; one a physical core when None.
        probes: {name: f(model, dataset) -> array}, kept with each run; they see the
            model at its last end.
        train_metrics: "running" as `fit` reports them, or "inference", measured after
            each epoch.
        cache_dir: Where finished runs are kept. When None, the folder that the
            variable COURSE_RUNS names, or else build/runs. A run that is there already
            is not done again.

    Returns:
        The `Results`: rows, means with intervals, paired comparisons, models.

    Raises:
        ValueError, TypeError: For arguments that do not fit, before the first run.
        WorkerDied: For a run that kills its worker twice.
        RecordError: If finished runs cannot be written.

    Source:
        Taught in chapter 01.
    """
    conditions = checked_conditions(conditions)
    seeds = checked_seeds(seeds)
    check_numbers(epochs, batch_size, train_metrics)
    probes = checked_probes(probes)
    n_jobs = checked_jobs(n_jobs)
    store = Store(cache_dir or os.environ.get("COURSE_RUNS") or RUNS)
    settings = _settings(epochs, batch_size, train_metrics)
    try:
        tasks = _tasks(conditions, dataset, seeds, settings, probes, store)
        records = _finish(tasks, workers.Context(store, settings, probes), n_jobs)
    finally:
        store.tidy()
    builds = {name: condition.build for name, condition in conditions.items()}
    return Results(builds, records)


def _settings(epochs, batch_size, train_metrics):
    from utils.study.seeding import keras_settings
    from utils.study.training import Settings

    return Settings(int(epochs), int(batch_size), train_metrics, keras_settings())


def _tasks(conditions, dataset, seeds, settings, probes, store):
    """List the runs; a key holds all that can change one of their numbers.

    Data are loaded for one seed at a time, lent to the workers where a record is
    missing, and let go.
    """
    everywhere = fingerprint(settings, probes, _versions())
    tasks, model_keys = [], {}
    for seed in seeds:
        if callable(dataset) or not model_keys:
            data = dataset(seed) if callable(dataset) else dataset
            check_dataset(data, seed)
            digest = fingerprint(data)
            test_part = fingerprint(data.x_test, data.y_test)
        if not model_keys:
            kind = kind_of(data)
            for name, condition in conditions.items():
                check_model(name, condition, kind, data.name)
                model_keys[name] = fingerprint(vars(condition), kind, everywhere)
        check_alike(kind_of(data), kind, seed)
        for name, condition in conditions.items():
            key = fingerprint(model_keys[name], digest, seed)
            task = workers.Task(
                name, condition, model_keys[name], seed, digest, test_part, key
            )
            tasks.append(task)
            if not store.readable(key):
                store.lend(digest, data)
    return sorted(tasks, key=lambda task: list(conditions).index(task.name))


def _versions():
    packages = ("tensorflow", "keras", "numpy")
    return (
        FORMAT,
        code_of("utils.study.workers"),
        platform.machine(),
        [importlib.metadata.version(package) for package in packages],
        [os.environ.get(name) for name in ENVIRONMENT],
    )


def _finish(tasks, context, n_jobs):
    """Do what is not there yet, and read every record: {(name, seed): record}."""
    store = context.store
    missing = {task.key: task for task in tasks if not store.has(task.key)}

    def count_done():
        return sum(store.has(key) for key in missing)

    try:
        if missing:
            with progress_bar(len(missing), count_done):
                _end_stale_workers()
                workers.execute(list(missing.values()), context, n_jobs)
    except KeyboardInterrupt:
        print(
            f"Stopped: {count_done()} of {len(missing)} runs are finished and kept in "
            f"{store.folder.name}. Run the same study again to go on from there."
        )
        raise
    return {(task.name, task.seed): store.read(task.key) for task in tasks}


def _end_stale_workers():
    """End workers that may hold a module as it was before it was edited, reloaded."""
    now = sources()
    if any(now.get(file, before) != before for file, before in _imported.items()):
        compat.end_workers()
    _imported.update(now)
