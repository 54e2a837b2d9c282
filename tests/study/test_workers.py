"""Workers: threads, errors on their way home, and parents that are gone."""

import os
import signal
import subprocess
import sys
import threading

import joblib
import numpy as np
import pandas as pd
import psutil
import pytest

from utils import runtime
from utils.runtime import configure_tensorflow

tf = configure_tensorflow()

from tests.study.small import CONDITIONS, build, data  # noqa: E402
from utils.study import run, workers  # noqa: E402
from utils.study.records import Store  # noqa: E402


def weights(model, dataset):
    return np.concatenate([w.ravel() for w in model.get_weights()])


def test_threads_give_the_same_bits(tmp_path):
    """Two threads share one traced model: neither may record the other's weights."""
    options = {"epochs": 2, "seeds": 4, "probes": {"weights": weights}}
    here = run(CONDITIONS, data, cache_dir=tmp_path / "processes", **options)
    with joblib.parallel_config(backend="threading", n_jobs=4):
        there = run(CONDITIONS, data, cache_dir=tmp_path / "threads", **options)
    pd.testing.assert_frame_equal(here.frame, there.frame, check_exact=True)
    for name in CONDITIONS:
        for seed in range(4):
            for results in (here, there):
                seen = results.probe("weights", name, seed)
                kept = weights(results.model(name, seed), None)
                np.testing.assert_array_equal(seen, kept)


HELD = {}  # in the module, so that threads do not get a copy


def is_held():
    """Whether another thread finds the models taken."""
    lock = sys.modules["utils.study.training"].one_at_a_time  # no key can hold a lock

    def attempt():
        free.append(lock.acquire(blocking=False))
        if free[0]:
            lock.release()

    free = []
    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    return not free[0]


def probe_held(model, dataset):
    HELD["probe"] = is_held()
    return 0


def test_the_model_is_held_until_its_record_is_written(tmp_path, monkeypatch):
    def write(*arguments, write=Store.write):
        HELD["write"] = is_held()
        return write(*arguments)

    monkeypatch.setattr(Store, "write", write)
    options = {"epochs": 1, "seeds": 1, "probes": {"x": probe_held}}
    with joblib.parallel_config(backend="threading"):
        run({"a": build}, data(0), cache_dir=tmp_path, **options)
    assert HELD == {"probe": True, "write": True} and not is_held()


def executed(source):
    """Run source in a process of its own; return it, finished well."""
    command = [sys.executable, "-c", source]
    return subprocess.run(command, capture_output=True, text=True, check=True)


class Picky(Exception):
    """An exception that cannot be unpickled: its copy gets one argument of two."""

    def __init__(self, what, why):
        super().__init__(f"{what} because {why}")


def test_an_exception_that_cannot_travel_is_told_in_words(tmp_path):
    def fails(model, dataset):
        raise Picky("no", "reasons")

    with pytest.raises(RuntimeError, match="Picky: no because reasons") as error:
        run(
            {"plain": build},
            data,
            epochs=1,
            seeds=[4],
            probes={"x": fails},
            cache_dir=tmp_path,
        )
    assert error.value.__notes__ == ["in condition 'plain', seed 4"]


def test_a_worker_ends_when_its_parent_is_gone_before_it_began():
    """As when the parent dies while TensorFlow is imported: nobody to wait for."""
    parent = subprocess.Popen([sys.executable, "-c", ""])
    parent.wait()
    source = (
        "from utils import runtime\n"
        f"runtime.mind({parent.pid}); runtime.prepare_worker()\n"
        "import threading; [t.join() for t in threading.enumerate() if t.daemon]"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True)
    assert done.returncode == 1 and b"Error" not in done.stderr


def test_a_worker_ends_when_its_parent_is_a_zombie():
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    source = (
        "import threading; from utils import runtime\n"
        f"runtime.mind({parent.pid}); print('minds', flush=True)\n"
        "threading.Event().wait()"
    )
    worker = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE)
    assert worker.stdout.readline() == b"minds\n"
    parent.kill()  # and not waited for: a zombie, until this process asks for it
    assert worker.wait() == 1
    assert psutil.Process(parent.pid).status() == psutil.STATUS_ZOMBIE
    parent.wait()


def test_every_worker_minds_its_parent():
    """One without a task, too: it would outlive a killed parent by minutes."""
    calls = [joblib.delayed(signal.getsignal)(signal.SIGINT)] * 4
    assert set(joblib.Parallel(n_jobs=2, **runtime.minded())(calls)) == {signal.SIG_IGN}


@pytest.mark.parametrize(
    "starts", [runtime.prepare_workers, lambda: workers._parallel([[]], None, 1)]
)
def test_a_pool_is_made_of_workers_that_mind(monkeypatch, starts):
    asked = []

    def pool(**options):
        asked.append(options)
        return list

    monkeypatch.setattr("joblib.Parallel", pool)
    starts()
    (options,) = asked
    assert options["initializer"] is runtime.mind
    assert options["initargs"] == (os.getpid(),) and options["n_jobs"] >= 2


def test_workers_do_not_import_what_runs_do_not_use(tmp_path):
    source = f"""
import os, sys
from tests.study.small import build, data
from utils.study import run

def seen(model, dataset):
    extras = set({runtime.NOT_FOR_WORKERS!r}) & set(sys.modules)
    return [os.getpid(), len(extras)]

results = run({{"a": build}}, data(0), epochs=1, seeds=1, probes={{"seen": seen}},
              cache_dir={str(tmp_path)!r})
pid, extras = results.probe("seen", "a", 0)
print(pid != os.getpid(), extras)
"""
    done = executed(source)
    assert done.stdout == "True 0\n"


def test_a_module_that_was_edited_and_reloaded_is_new_to_workers_too(tmp_path):
    source = f"""
import importlib, pathlib, sys
folder = pathlib.Path({str(tmp_path)!r})
sys.path.insert(0, str(folder))
sys.dont_write_bytecode = True
(folder / "mine.py").write_text("def probe(model, dataset): return 1")
import mine
from tests.study.small import build, data
from utils.study import run

def answer():
    options = {{"epochs": 1, "seeds": 4, "cache_dir": folder / "runs"}}
    results = run({{"a": build}}, data(0), probes={{"x": mine.probe}}, **options)
    return {{int(results.probe("x", "a", seed)) for seed in range(4)}}

print(answer())
(folder / "mine.py").write_text("def probe(model, dataset): return 22")
importlib.reload(mine)
print(answer())
"""
    done = executed(source)
    assert done.stdout == "{1}\n{22}\n"


def test_the_first_study_finds_workers_that_start_made(tmp_path):
    source = f"""
from utils.runtime import start
start()
import os, psutil
ours = {{child.pid for child in psutil.Process().children(recursive=True)}}
from tests.study.small import build, data
from utils.study import run

def pid(model, dataset):
    return os.getpid()

results = run({{"a": build}}, data, epochs=1, seeds=2, probes={{"pid": pid}},
              cache_dir={str(tmp_path)!r})
print({{int(results.probe("pid", "a", seed)) for seed in (0, 1)}} <= ours)
"""
    done = executed(source)
    assert done.stdout == "True\n" and done.stderr == ""


@pytest.mark.parametrize(
    ("sizes", "n_jobs", "expected"),
    [
        ([5, 5], 2, [5, 5]),
        ([5, 5, 5], 2, [5, 5, 3, 2]),
        ([5], 2, [3, 2]),
        ([1, 1, 1], 4, [1, 1, 1]),
        ([4, 4], 1, [4, 4]),
    ],
)
def test_whole_conditions_first_then_pieces(sizes, n_jobs, expected):
    tasks = [
        workers.Task(str(i), None, str(i), seed, "", "", f"{i} {seed}")
        for i, size in enumerate(sizes)
        for seed in range(size)
    ]
    pieces = workers.chunks(tasks, n_jobs)
    assert [len(piece) for piece in pieces] == expected
    assert sorted(t.key for p in pieces for t in p) == sorted(t.key for t in tasks)
