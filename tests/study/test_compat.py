"""Names that other libraries do not promise to keep: what to do when one is gone."""

import ast
import os
import pathlib

import joblib
import psutil
import pytest

from utils.runtime import configure_tensorflow

tf = configure_tensorflow()

from keras import layers  # noqa: E402

from tests.study.small import build  # noqa: E402
from utils.study import compat  # noqa: E402

UTILS = pathlib.Path(compat.__file__).resolve().parents[1]


def test_joblib_says_where_workers_run():
    """If this breaks: find out how joblib names its loky backend now."""
    assert compat.on_this_machine()
    with joblib.parallel_config(backend="threading"):
        assert not compat.on_this_machine()


def test_workers_end_when_they_are_told_to():
    """If this breaks: find out how joblib gives its pool of workers away now."""
    before = set(joblib.Parallel(n_jobs=2)([joblib.delayed(os.getpid)()] * 4))
    compat.end_workers()
    assert not any(psutil.pid_exists(pid) for pid in before)


def test_dtypes_are_found_at_any_depth():
    """If this breaks: `keras.Model` walks its layers by another name; look there."""
    half = build(lambda: layers.Dense(8, dtype="mixed_bfloat16"))
    outer = build(lambda: layers.Identity())
    assert compat.compute_dtypes(outer) == {"float32"}
    assert compat.compute_dtypes(half) == {"float32", "bfloat16"}


def test_operations_run_in_order_inside_and_as_before_outside():
    """If this breaks: TensorFlow moved its executors; studies are a fifth slower.

    Look for "executor_type" in tensorflow/python/eager/context.py.
    """
    from tensorflow.python.eager import context

    assert hasattr(context, "FunctionCallOptions")
    here = context.context()
    before = here.function_call_options
    with compat.one_after_another():
        inside = here.function_call_options.executor_type
    assert inside == "SINGLE_THREADED_EXECUTOR"
    assert here.function_call_options is before


def test_without_the_private_name_results_are_the_same(monkeypatch):
    from tensorflow.python.eager import context

    monkeypatch.delattr(context, "FunctionCallOptions")
    with compat.one_after_another():
        assert tf.function(lambda: tf.constant(1) + 1)() == 2


@pytest.mark.parametrize("path", sorted(UTILS.rglob("*.py")), ids=lambda p: p.stem)
def test_nothing_else_imports_private_modules(path):
    if path == pathlib.Path(compat.__file__):
        pytest.skip("the room for it")
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    private = [n for n in names if ".python." in n or "externals" in n or "._" in n]
    assert not private
