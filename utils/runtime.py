"""One call at the top of every notebook: quiet, seeded, reproducible."""

import contextlib
import functools
import os
import pathlib
import platform
import signal
import sys
import threading
import time
from collections.abc import Iterator

# Keras imports these for extras that no run uses: a third of a worker's start.
NOT_FOR_WORKERS = ("sklearn", "pandas", "matplotlib")
PROCESSOR = pathlib.Path("/proc/cpuinfo")  # Linux says there what a processor can do


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Send file descriptor 2 to nowhere while TensorFlow's C++ parts start up.

    Log levels do not reach the lines that are written before logging is set up.
    """
    saved = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


@contextlib.contextmanager
def hidden(*packages: str) -> Iterator[None]:
    """Let packages that are not yet imported look as if they were not installed.

    For a worker's imports alone: what is imported meanwhile does without for good.
    """
    packages = [package for package in packages if package not in sys.modules]
    sys.modules.update(dict.fromkeys(packages))
    try:
        yield
    finally:
        for package in packages:
            del sys.modules[package]


def check_processor() -> None:
    """Raise ImportError where TensorFlow would end the process without a word.

    Its builds for Linux abort on an Intel or AMD processor that lacks AVX.
    """
    if platform.machine() not in ("x86_64", "AMD64") or not PROCESSOR.exists():
        return
    if " avx " not in f"{PROCESSOR.read_text(errors='replace')} ".replace("\n", " "):
        raise ImportError(
            "TensorFlow needs a processor with AVX instructions, and this one has "
            "none. Use another machine, or a virtual one that passes them on."
        )


@functools.cache
def import_tensorflow():
    """Import TensorFlow without its start-up messages, and return it.

    Raises:
        ImportError: If the processor cannot run it.
    """
    check_processor()
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with quiet_stderr():
        import tensorflow as tf

        tf.config.set_visible_devices([], "GPU")
    return tf


@functools.cache
def configure_tensorflow():
    """Import TensorFlow with one thread a kernel and deterministic ops, and return it.

    One thread, so that a sum never depends on how many cores a machine has.

    Raises:
        RuntimeError: If TensorFlow has already run with other settings.
    """
    tf = import_tensorflow()
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError as error:
        raise RuntimeError(
            "TensorFlow has already computed something in this process, so its threads "
            "can no longer be set. Restart the kernel and call start() first."
        ) from error
    tf.config.experimental.enable_op_determinism()
    with quiet_stderr():
        tf.constant(0)  # starts the runtime, and with it the last of its messages
    return tf


@functools.cache
def mind(parent: int) -> None:
    """Leave Ctrl-C to the parent process, and end when it is gone."""
    import psutil

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch():
        try:
            process = psutil.Process(parent)
            while process.status() != psutil.STATUS_ZOMBIE and process.is_running():
                time.sleep(0.5)
        except psutil.NoSuchProcess:
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def minded() -> dict:
    """Return what makes joblib's workers mind this process, idle ones too."""
    return {"backend": "loky", "initializer": mind, "initargs": (os.getpid(),)}


def prepare_worker() -> None:
    """Import TensorFlow in a worker process, without what no run uses."""
    with hidden(*NOT_FOR_WORKERS):
        configure_tensorflow()


def prepare_workers() -> None:
    """Start joblib's worker processes, one a physical core, and do not wait for them.

    The first study then finds them ready. Where they cannot be had it says so itself.
    """
    import joblib

    with contextlib.suppress(Exception):
        n_jobs = joblib.cpu_count(only_physical_cores=True)
        if joblib.effective_n_jobs(2) == 1:  # no processes: none to get ready
            return
        calls = [joblib.delayed(prepare_worker)()] * n_jobs
        # At least two, as a study has it: a pool of another size is another pool.
        done = joblib.Parallel(
            n_jobs=max(2, n_jobs), batch_size=1, return_as="generator", **minded()
        )(calls)
        threading.Thread(target=_wait_for, args=(done,), daemon=True).start()


def _wait_for(done):
    with contextlib.suppress(Exception):
        list(done)


def start(seed: int = 0) -> None:
    """Make this notebook quiet and reproducible: the first line of every chapter.

    Worker processes start meanwhile, so that its first study need not wait for them.

    Args:
        seed: For Python, NumPy and Keras.

    Raises:
        RuntimeError: If TensorFlow has already run in this process.
    """
    prepare_workers()
    configure_tensorflow().keras.utils.set_random_seed(seed)
