"""Faults, caused for real: kills, Ctrl-C, a full disk."""

import contextlib
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pandas as pd
import psutil
import pytest

from tests.study.small import CONDITIONS, build, data
from utils.study import WorkerDied, run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs Unix signals")
ROOT = pathlib.Path(__file__).resolve().parents[2]
EPOCHS, SEEDS = 3, 4
RUNS = SEEDS * len(CONDITIONS)

# Once as many runs are finished as wanted, all others are held until they are let go:
# a fault then comes while some are in flight, however slow or quick the machine is.
STUDY = """
import pathlib, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's & ignores it
from tests.study.small import CONDITIONS, data
from utils.study import run

folder = pathlib.Path(sys.argv[1])
epochs, seeds, wanted = map(int, sys.argv[2:])
let_go = folder.with_suffix(".let_go")

def held(model, dataset):
    while len(list(folder.glob("*.npz"))) >= wanted and not let_go.exists():
        time.sleep(0.02)
    return 0

results = run(CONDITIONS, data, epochs=epochs, seeds=seeds, probes={"held": held},
              cache_dir=folder)
results.frame.to_pickle(f"{folder}.frame")
"""


def start(folder, wanted):
    """Start a study in a process of its own, with a group of its own."""
    arguments = [str(each) for each in (folder, EPOCHS, SEEDS, wanted)]
    return subprocess.Popen(
        [sys.executable, "-c", STUDY, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )


def let_go(folder):
    folder.with_suffix(".let_go").touch()


def finished(folder):
    return (
        {p: p.stat().st_mtime_ns for p in folder.glob("*")} if folder.exists() else {}
    )


def wait_for(condition, process):
    """Wait until a condition holds, however long a busy machine takes.

    Fails if the process that it depends on has ended without.
    """
    while not (found := condition()):
        if process.poll() is not None and not condition():
            pytest.fail(f"it ended before its time: {process.stdout.read()}")
        time.sleep(0.02)
    return found


def workers_of(process):
    found = []
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # gone, or a zombie
                if "loky.backend.popen_loky_posix" in " ".join(child.cmdline()):
                    found.append(child)
    return found


def ended(process):
    """Wait for a study, and return whether it ended well."""
    output, _ = process.communicate()
    assert process.returncode == 0, output


def calm_study(folder):
    """Run the study without disturbing it; returns its frame."""
    let_go(folder)
    ended(start(folder, 0))
    return pd.read_pickle(f"{folder}.frame")


def disturbed_study(folder, victim, seed):
    """Kill the parent or a worker after some runs, and go on; returns the frame.

    Asserts that no finished run was lost or touched and that nothing else is left.
    """
    point = random.Random(seed)
    wanted = point.randint(0, RUNS - 1)
    process = start(folder, wanted)
    workers = wait_for(
        lambda: len(finished(folder)) >= wanted and workers_of(process), process
    )
    kept = finished(folder)
    if victim == "parent":
        process.kill()
        process.communicate()
        psutil.wait_procs(workers)  # orphans notice and end
        kept = finished(folder)
        process = start(folder, wanted)
    else:
        point.choice(workers).kill()
    let_go(folder)
    ended(process)
    after = finished(folder)
    assert kept.items() <= after.items() and len(after) == RUNS
    assert all(path.suffix == ".npz" for path in after)
    assert not folder.with_name("runs.unfinished").exists()
    return pd.read_pickle(f"{folder}.frame")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return calm_study(tmp_path_factory.mktemp("calm") / "runs")


@pytest.mark.parametrize(("victim", "seed"), [("parent", 1), ("worker", 2)])
def test_a_kill_costs_only_the_runs_in_flight(victim, seed, tmp_path, undisturbed):
    frame = disturbed_study(tmp_path / "runs", victim, seed)
    pd.testing.assert_frame_equal(frame, undisturbed, check_exact=True)


def test_ctrl_c_stops_all_and_says_how_to_go_on(tmp_path):
    folder = tmp_path / "runs"
    process = start(folder, wanted=1)
    wait_for(lambda: finished(folder), process)
    workers = workers_of(process)
    os.killpg(process.pid, signal.SIGINT)
    text, _ = process.communicate()
    assert "Stopped: " in text and "Run the same study again" in text
    assert finished(folder)
    psutil.wait_procs(workers)


def deadly(model, dataset):
    """A probe that kills its worker, on the data of one seed."""
    if dataset.name == "digits" and dataset.y_train[0] == data(1).y_train[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return 0


def test_a_worker_that_dies_twice_is_named(tmp_path):
    marked = [s for s in range(4) if data(s).y_train[0] == data(1).y_train[0]]
    with pytest.raises(WorkerDied, match=r"'plain', seed 1: .*twice.*SIGKILL") as error:
        run(
            {"plain": build},
            data,
            epochs=1,
            seeds=[s for s in range(4) if s == 1 or s not in marked],
            probes={"deadly": deadly},
            cache_dir=tmp_path / "runs",
        )
    assert "out of memory" in str(error.value)


def once(flag):
    def probe(model, dataset):
        if not os.path.exists(flag):
            open(flag, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    return probe


def test_a_worker_that_dies_once_is_forgiven(tmp_path):
    probes = {"once": once(str(tmp_path / "flag"))}
    results = run(
        {"plain": build},
        data,
        epochs=1,
        seeds=3,
        probes=probes,
        cache_dir=tmp_path / "r",
    )
    assert len(results.frame) == 3


def test_a_full_disk_stops_the_study_with_one_clear_error(tmp_path):
    limits = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))"
    folder = tmp_path / "runs"
    done = subprocess.run(
        [sys.executable, "-c", limits + STUDY, str(folder), "1", "1", "1"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("utils.study.records.RecordError: cannot write to")
    assert finished(folder) == {}
