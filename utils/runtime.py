"""One call at the top of every notebook: quiet, seeded, reproducible."""

import contextlib
import os


@contextlib.contextmanager
def quiet_stderr():
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


def configure_tensorflow():
    """Import TensorFlow quietly, with one thread a kernel and deterministic ops.

    One thread, so that a sum never depends on how many cores a machine has.
    Raises RuntimeError if TensorFlow has already run with other settings.
    """
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with quiet_stderr():
        import tensorflow as tf

        tf.config.set_visible_devices([], "GPU")
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.config.experimental.enable_op_determinism()
        tf.constant(0)  # starts the runtime, and with it the last of its messages
    return tf


def start(seed=0):
    """Make this notebook quiet and reproducible: the first line of every chapter.

    seed: int, for Python, NumPy and Keras. Sets the plot style too.
    """
    tf = configure_tensorflow()
    from utils import plots

    tf.keras.utils.set_random_seed(seed)
    plots.use_style()
