"""How the runs of a study reach the cores: chunks, worker processes, their deaths.

The parent imports this, and a worker does too, on its way to `_work`: TensorFlow is
imported inside it, quietly, once the worker minds its parent.
"""

import collections
import dataclasses
import pickle
import re
import warnings
from concurrent.futures.process import BrokenProcessPool

import cloudpickle
import joblib
import numpy as np

from utils.runtime import configure_tensorflow, minded, prepare_worker
from utils.study import compat


class WorkerDied(RuntimeError):
    """A run killed its worker twice; the message names condition, seed and reason."""


@dataclasses.dataclass(frozen=True)
class Task:
    """One run to do.

    Args:
        name: Of the condition.
        condition: The `Condition`.
        model_key: Equal for runs that can share a traced model.
        seed: Of the run.
        data: What the `Store` lends the data set by.
        test_part: Digest of the test images and labels.
        key: Of the record.
    """

    name: str
    condition: object
    model_key: str
    seed: int
    data: str
    test_part: str
    key: str


@dataclasses.dataclass(frozen=True)
class Context:
    """What all tasks of a study share; goes to every worker."""

    store: object
    settings: object
    probes: dict


def chunks(tasks: list[Task], n_jobs: int) -> list[list[Task]]:
    """Divide tasks so that every worker is busy and few models are traced twice.

    Whole conditions first, one chunk each; those that do not divide evenly among
    `n_jobs` workers are cut into as many pieces.
    """
    groups = collections.defaultdict(list)
    for task in tasks:
        groups[task.model_key].append(task)
    groups = list(groups.values())
    whole = len(groups) - len(groups) % n_jobs
    cut = [group[i::n_jobs] for group in groups[whole:] for i in range(n_jobs)]
    return groups[:whole] + [piece for piece in cut if piece]


def execute(tasks: list[Task], context: Context, n_jobs: int) -> None:
    """Do all tasks; a worker that dies costs one retry of the runs it may have held.

    loky breaks the whole pool and does not say whose run it was, so each run that was
    in flight is tried again alone.

    Raises:
        WorkerDied: For the run that kills its worker again.
    """
    while tasks := [task for task in tasks if not context.store.has(task.key)]:
        try:
            _parallel(chunks(tasks, n_jobs), context, n_jobs)
        except BrokenProcessPool:
            marks = context.store.take_marks()
            for task in [task for task in tasks if task.key in marks] or tasks[:1]:
                _once_more(task, context)


def _once_more(task, context):
    try:
        _parallel([[task]], context, 1)
    except BrokenProcessPool as error:
        codes = re.search(r"exit codes? of the workers are \{(.*?)\}", str(error))
        reason = codes.group(1) if codes else type(error).__name__
        hint = " (often: out of memory)" if "SIGKILL" in reason else ""
        raise WorkerDied(
            f"condition {task.name!r}, seed {task.seed}: its worker died twice, "
            f"{reason}{hint}. All other finished runs are kept."
        ) from error


def _parallel(pieces, context, n_jobs):
    if n_jobs == 1:
        pieces = [[task for piece in pieces for task in piece]]
    # Once for all pieces: a build function that reads a notebook's variables takes
    # them along, and one of them may be a data set.
    packed = cloudpickle.dumps((pieces, context))
    here = compat.on_this_machine()
    calls = (joblib.delayed(_work)(packed, i, here) for i in range(len(pieces)))
    with warnings.catch_warnings():
        # loky renews a worker whose memory has grown; that is no news to a learner.
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs")
        # At least two: joblib would do n_jobs=1 in this process, whose threads and
        # random state are not the study's to set.
        options = minded() if here else {}
        joblib.Parallel(
            n_jobs=max(2, n_jobs), batch_size=1, pre_dispatch="all", **options
        )(calls)


def _work(packed, i, here):
    """Train, measure and record some runs, one after another, in a worker.

    packed: pickled (all pieces, context), of which this worker does piece i. They are
    opened here, since opening them may import TensorFlow, which has to be done quietly.
    here: whether this is a process of its own, made for this; not so under Dask.
    """
    if here:
        prepare_worker()
    configure_tensorflow()
    pieces, context = pickle.loads(packed)
    for task in pieces[i]:
        if context.store.has(task.key):
            continue
        with context.store.in_flight(task.key):
            if error := _error_of(task, context):
                raise error


def _error_of(task, context):
    """Do one run; return what it raised, in a form that reaches the parent, or None."""
    try:
        return _one_run(task, context)
    except Exception as error:
        note = f"in condition {task.name!r}, seed {task.seed}"
        error.add_note(note)
        try:
            pickle.loads(cloudpickle.dumps(error))
        except Exception:  # its copy may want arguments that a pickle does not hold
            # A new one: raised outside, it drags nothing along as its context.
            error = RuntimeError(f"{type(error).__name__}: {error}")
            error.add_note(note)
        return error


def _one_run(task, context):
    from utils.study import training

    dataset = context.store.borrow(task.data)
    # Until the record is written: another thread would train the same model.
    with training.one_at_a_time:
        trained = training.train(
            task.condition, task.model_key, dataset, task.seed, context.settings
        )
        arrays = {f"history/{k}": np.array(v) for k, v in trained.history.items()}
        for name in ("last", "best"):
            end = getattr(trained, name)
            arrays[f"{name}/test"] = np.array([end.loss, end.answers.mean()])
            arrays[f"{name}/answers"] = np.packbits(end.answers)
        arrays["test_labels"] = np.asarray(dataset.y_test, np.int32)
        for i, weight in enumerate(trained.model.get_weights()):
            arrays[f"weight/{i:04d}"] = weight
        for name, probe in context.probes.items():
            arrays[f"probe/{name}"] = probe_array(name, probe(trained.model, dataset))
        meta = {
            "key": task.key,
            "diverged": bool(trained.diverged),
            "path": trained.path,
            "best_epoch": trained.best_epoch,
            "test_part": task.test_part,
            "classes": len(dataset.class_names),
            "keras": context.settings.keras,
            "input_shape": [None, *dataset.x_train.shape[1:]],
        }
        context.store.write(task.key, meta, arrays)


def probe_array(name, value):
    """What a probe gave, as an array that a record can hold; TypeError for others."""
    array = np.asarray(value)
    if array.dtype.hasobject:
        raise TypeError(
            f"probe {name!r} gave {value!r}, which is no array of numbers or text: "
            "return one array, or use one probe for each"
        )
    return array
