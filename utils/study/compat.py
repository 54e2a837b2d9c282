"""What the engine takes from other libraries without their promise to keep it.

Nothing else in `utils` names something private of another library. Each function here
has a test in `tests/study/test_compat.py` that says what to do when it breaks.
"""

import contextlib
from collections.abc import Iterator

import joblib
from joblib._parallel_backends import LokyBackend
from joblib.externals import loky


def on_this_machine() -> bool:
    """Tell whether joblib's active backend is loky, worker processes right here."""
    backend, _ = joblib.parallel.get_active_backend()
    return isinstance(backend, LokyBackend)


def end_workers() -> None:
    """End joblib's worker processes; the next call starts new ones."""
    loky.get_reusable_executor().shutdown(kill_workers=True)


def compute_dtypes(model) -> set[str]:
    """Return the dtypes in which the layers of a Keras model compute, at any depth."""
    return {layer.compute_dtype for layer in model._flatten_layers()}


@contextlib.contextmanager
def one_after_another() -> Iterator[None]:
    """Run a traced function's operations in order, in the calling thread.

    A step is a hundred small operations: handing each to TensorFlow's scheduler costs
    more than several of them. TensorFlow has no public name for this setting; where it
    is not found, the scheduler stays and the results are the same, later.
    """
    from tensorflow.python.eager import context

    if not hasattr(context, "FunctionCallOptions"):
        yield
        return
    here = context.context()
    before = here.function_call_options
    here.function_call_options = context.FunctionCallOptions(
        executor_type="SINGLE_THREADED_EXECUTOR"
    )
    try:
        yield
    finally:
        here.function_call_options = before
