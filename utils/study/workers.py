"""How the runs of a study reach the cores: chunks, worker processes, their deaths."""

import collections
import dataclasses
import os
import pickle
import re
import signal
import threading
import time
import warnings

import cloudpickle
import joblib
import numpy as np
from joblib._parallel_backends import LokyBackend
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import BrokenProcessPool

from utils.runtime import configure_tensorflow
from utils.study import training


class WorkerDied(RuntimeError):
    """A run killed its worker twice; the message names condition, seed and reason."""


@dataclasses.dataclass(frozen=True)
class Task:
    """One run to do: what, on which data, and the key of its record."""

    name: str
    condition: object
    trace: str
    seed: int
    key: str


@dataclasses.dataclass(frozen=True)
class Context:
    """What all tasks of a study share; goes to every worker."""

    store: object
    settings: object
    probes: dict
    local: bool


def on_this_machine():
    """Tell whether joblib's active backend is loky, worker processes right here."""
    backend, _ = joblib.parallel.get_active_backend()
    return isinstance(backend, LokyBackend)


def chunks(tasks, n_jobs):
    """Divide tasks so that every worker is busy and few models are traced twice.

    Whole conditions first, one chunk each; those that do not divide evenly among
    `n_jobs` workers are cut into as many pieces. Returns a list of lists of tasks.
    """
    groups = collections.defaultdict(list)
    for task in tasks:
        groups[task.trace].append(task)
    groups = list(groups.values())
    whole = len(groups) - len(groups) % n_jobs
    cut = [group[i::n_jobs] for group in groups[whole:] for i in range(n_jobs)]
    return groups[:whole] + [piece for piece in cut if piece]


def execute(tasks, datasets, context, n_jobs):
    """Do all tasks; a worker that dies costs one retry of the runs it may have held.

    loky breaks the whole pool and does not say whose run it was, so each run that was
    in flight is tried again alone. Raises WorkerDied for the one that dies again.
    """
    while tasks := [task for task in tasks if not context.store.has(task.key)]:
        try:
            _parallel(chunks(tasks, n_jobs), datasets, context, n_jobs)
        except BrokenProcessPool:
            marks = context.store.take_marks()
            for task in [task for task in tasks if task.key in marks] or tasks[:1]:
                _once_more(task, datasets, context)


def _once_more(task, datasets, context):
    try:
        _parallel([[task]], datasets, context, 1)
    except BrokenProcessPool as error:
        codes = re.search(r"exit codes? of the workers are \{(.*?)\}", str(error))
        reason = codes.group(1) if codes else type(error).__name__
        hint = " (often: out of memory)" if "SIGKILL" in reason else ""
        raise WorkerDied(
            f"condition {task.name!r}, seed {task.seed}: its worker died twice, "
            f"{reason}{hint}. All other finished runs are kept."
        ) from error


def _parallel(pieces, datasets, context, n_jobs):
    if n_jobs == 1:
        pieces = [[task for piece in pieces for task in piece]]
    # Once for all pieces: a build function that reads a notebook's variables takes
    # them along, and one of them may be a data set.
    packed = cloudpickle.dumps((pieces, context))
    calls = [
        joblib.delayed(_work)(
            packed, i, {task.seed: datasets[task.seed] for task in piece}
        )
        for i, piece in enumerate(pieces)
    ]
    with warnings.catch_warnings():
        # loky renews a worker whose memory has grown; that is no news to a learner.
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs")
        # At least two: joblib would do n_jobs=1 in this process, whose threads and
        # random state are not the study's to set.
        joblib.Parallel(n_jobs=max(2, n_jobs), batch_size=1, pre_dispatch="all")(calls)


def stop():
    """End the local workers at once, whatever they are doing."""
    get_reusable_executor().shutdown(wait=False, kill_workers=True)


def _work(packed, i, datasets):
    """Train, measure and record some runs, one after another, in a worker.

    packed: pickled (all pieces, context), of which this worker does piece i. They are
    opened here, since opening them may import TensorFlow, which has to be done quietly.
    """
    configure_tensorflow()
    pieces, context = pickle.loads(packed)
    tasks = pieces[i]
    if context.local:
        _mind_the_parent()
    for task in tasks:
        if context.store.has(task.key):
            continue
        with context.store.in_flight(task.key):
            try:
                _one_run(task, datasets[task.seed], context)
            except Exception as error:
                error.add_note(f"in condition {task.name!r}, seed {task.seed}")
                raise


def _one_run(task, dataset, context):
    trained = training.train(
        task.condition, task.trace, dataset, task.seed, context.settings
    )
    arrays = {f"history/{k}": np.array(v) for k, v in trained.history.items()}
    arrays["test"] = np.array(trained.test)
    for i, weight in enumerate(trained.model.get_weights()):
        arrays[f"weight/{i:04d}"] = weight
    for name, probe in context.probes.items():
        arrays[f"probe/{name}"] = measured(name, probe(trained.model, dataset))
    meta = {"key": task.key, "diverged": trained.diverged, "path": trained.path}
    meta["input_shape"] = [None, *dataset.x_train.shape[1:]]
    context.store.write(task.key, meta, arrays)


def measured(name, value):
    """What a probe gave, as an array that a record can hold; TypeError for others."""
    array = np.asarray(value)
    if array.dtype.hasobject:
        raise TypeError(
            f"probe {name!r} gave {value!r}, which is no array of numbers or text: "
            "return one array, or use one probe for each"
        )
    return array


_minded = False


def _mind_the_parent():
    """Leave Ctrl-C to the parent, and end when it is gone."""
    global _minded
    if _minded:
        return
    _minded = True
    parent = os.getppid()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch():
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
