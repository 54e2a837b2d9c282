"""The first line of every chapter: quiet, and saying so where it cannot work."""

import os
import subprocess
import sys

import pytest

from utils import runtime


@pytest.mark.parametrize(
    ("flags", "fits"), [("fpu avx2 avx sse4_2\nbugs", True), ("fpu sse4_2 avx2", False)]
)
def test_a_processor_without_avx_is_told(flags, fits, tmp_path, monkeypatch):
    """TensorFlow's own message goes to a stream that is not there yet."""
    monkeypatch.setattr(runtime, "PROCESSOR", tmp_path / "cpuinfo")
    monkeypatch.setattr(runtime.platform, "machine", lambda: "x86_64")
    runtime.PROCESSOR.write_text(f"flags : {flags}\n")
    if fits:
        runtime.check_processor()
    else:
        with pytest.raises(ImportError, match="processor with AVX"):
            runtime.check_processor()


def test_other_processors_are_not_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(runtime, "PROCESSOR", tmp_path / "cpuinfo")
    monkeypatch.setattr(runtime.platform, "machine", lambda: "arm64")
    runtime.PROCESSOR.write_text("Features : fp asimd\n")
    runtime.check_processor()


def test_a_chapter_starts_in_silence_and_hides_nothing_from_the_learner():
    source = (
        "from utils.runtime import start\nstart()\nimport sys, keras\n"
        "keras.wrappers.SKLearnClassifier\nimport sklearn, pandas, matplotlib.pyplot\n"
        "print(sys.modules['sklearn'] is not None)"
    )
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n" and done.stderr == ""


def test_hidden_packages_come_back():
    name = "tabnanny"  # a small module of the standard library that nobody imports
    sys.modules.pop(name, None)
    with runtime.hidden(name), pytest.raises(ImportError):
        __import__(name)
    assert __import__(name)


def test_where_workers_cannot_be_had_nothing_breaks(monkeypatch):
    def without_semaphores(*arguments, **options):
        raise OSError("this system has no semaphores")

    monkeypatch.setattr("joblib.Parallel", without_semaphores)
    runtime.prepare_workers()


def test_workers_that_fail_to_start_say_nothing_yet(monkeypatch, capfd):
    def failing():
        raise ImportError("no TensorFlow here")

    runtime._wait_for(failing() for _ in range(1))
    assert capfd.readouterr() == ("", "")


def test_without_processes_nothing_is_started_in_the_notebooks_own():
    source = """
import threading
from utils import runtime
runtime.prepare_worker = lambda: print("prepared here")
runtime.prepare_workers()
for thread in set(threading.enumerate()) - {threading.main_thread()}:
    thread.join()
"""
    done = subprocess.run(
        [sys.executable, "-c", source],
        env=os.environ | {"JOBLIB_MULTIPROCESSING": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "" and done.stderr == ""
