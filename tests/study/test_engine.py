"""The engine: what it refuses, that it repeats itself to the bit, what it keeps."""

import dataclasses
import functools
import os
import pathlib
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest

from utils.runtime import configure_tensorflow

tf = configure_tensorflow()

import keras  # noqa: E402
from keras import layers  # noqa: E402

from tests.study.small import CONDITIONS, build, data  # noqa: E402
from utils import augment  # noqa: E402
from utils.study import Condition, run, workers  # noqa: E402

DATA = data(0)


def no_run(*arguments, **options):
    pytest.fail("a run was started")


@pytest.fixture
def quick(tmp_path):
    return functools.partial(run, epochs=2, seeds=2, cache_dir=tmp_path / "runs")


@pytest.fixture
def asked(monkeypatch):
    """The runs that the engine wants to do: listed here, and none is started."""
    wanted = []

    def note(tasks, *rest):
        wanted.extend(tasks)
        raise InterruptedError

    monkeypatch.setattr(workers, "execute", note)
    return wanted


def larger(dataset):
    parts = ("x_train", "x_val", "x_test")
    images = {part: getattr(dataset, part) for part in parts}
    twice = {part: x.repeat(2, axis=1).repeat(2, axis=2) for part, x in images.items()}
    return dataclasses.replace(dataset, **twice)


def files(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def raises():
    raise OSError("no such weights")


def wrong_classes():
    return keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(3)])


def wrong_images():
    return keras.Sequential(
        [keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(10)]
    )


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"conditions": {}}, ValueError, "no conditions: give at least one"),
        ({"conditions": {"": build}}, ValueError, "a condition's name must be text"),
        (
            {"conditions": [("a", build), ("a", build)]},
            ValueError,
            "two conditions are called 'a'; rename one",
        ),
        ({"conditions": {"a": 3}}, TypeError, "build must be a function"),
        ({"conditions": {"a": raises}}, OSError, "no such weights"),
        (
            {"conditions": {"a": lambda: 1}},
            TypeError,
            "'a': build.. gave 1, not a model",
        ),
        ({"conditions": {"a": wrong_classes}}, ValueError, "'a'.*10 classes; end with"),
        (
            {"conditions": {"a": wrong_images}},
            ValueError,
            r"'a'.*\(28, 28, 1\).*\(8, 8, 1\)",
        ),
        ({"seeds": 0}, ValueError, "seeds=0 leaves nothing to run"),
        ({"seeds": []}, ValueError, "leaves nothing to run"),
        ({"seeds": [1, 1]}, ValueError, "a seed stands twice"),
        ({"seeds": [-1]}, ValueError, "a seed is a whole number from 0"),
        ({"seeds": [0.5]}, ValueError, "not 0.5"),
        ({"epochs": 0}, ValueError, "epochs must be a whole number from 1, not 0"),
        ({"batch_size": 2.5}, ValueError, "batch_size must be .* not 2.5"),
        ({"n_jobs": 0}, ValueError, "n_jobs must be a whole number from 1"),
        ({"train_metrics": "final"}, ValueError, 'must be "running" or "inference"'),
        ({"probes": {"x": 3}}, TypeError, "probe 'x' must be a function"),
        (
            {"dataset": np.zeros(3)},
            TypeError,
            "are a ndarray without name, class_names",
        ),
        (
            {"dataset": lambda seed: None},
            TypeError,
            "data of seed 0 are a NoneType without",
        ),
        (
            {"dataset": lambda seed: larger(DATA) if seed == 3 else DATA},
            ValueError,
            r"data of seed 3 .*\(16, 16, 1\) and 10 classes.*\(8, 8, 1\) and 10",
        ),
    ],
)
def test_a_clear_error_before_the_first_run(changes, error, message, monkeypatch):
    monkeypatch.setattr(workers, "execute", no_run)
    arguments = {"conditions": {"a": build}, "dataset": DATA, "epochs": 1} | changes
    with pytest.raises(error, match=message):
        run(arguments.pop("conditions"), arguments.pop("dataset"), **arguments)


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": keras.optimizers.Adam()},
        {"callbacks": [keras.callbacks.EarlyStopping()]},
    ],
)
def test_instances_where_functions_belong(options):
    with pytest.raises(TypeError, match="must be a function that makes a fresh one"):
        Condition(build, **options)


def test_a_model_as_build():
    with pytest.raises(TypeError, match="build must be a function"):
        Condition(build())


def test_workers_and_order_change_no_bit(quick, tmp_path):
    first = quick(CONDITIONS, data, n_jobs=2)
    alone = quick(CONDITIONS, data, n_jobs=1, cache_dir=tmp_path / "alone")
    turned = dict(reversed(CONDITIONS.items()))
    other = quick(turned, data, seeds=[1, 0], cache_dir=tmp_path / "turned")
    by = ["condition", "seed", "epoch"]
    frames = [r.frame.sort_values(by, ignore_index=True) for r in (first, alone, other)]
    pd.testing.assert_frame_equal(frames[0], frames[1], check_exact=True)
    pd.testing.assert_frame_equal(frames[0], frames[2], check_exact=True)
    assert set(files(tmp_path / "runs")) == set(files(tmp_path / "alone"))
    for name in files(tmp_path / "runs"):
        a, b = (np.load(tmp_path / f / name) for f in ("runs", "alone"))
        assert all(np.array_equal(a[key], b[key]) for key in a.files)


def test_what_is_finished_is_not_done_again(quick, tmp_path, monkeypatch):
    quick({"plain": build}, data, seeds=[0])
    before = files(tmp_path / "runs")
    more = quick({"plain": build}, data, seeds=[0, 1])
    after = files(tmp_path / "runs")
    assert before.items() <= after.items() and len(after) == 2
    monkeypatch.setattr(workers, "execute", no_run)
    again = quick({"another name": build}, data, seeds=[0, 1])
    renamed = again.frame.assign(condition="plain")
    pd.testing.assert_frame_equal(renamed, more.frame, check_exact=True)


def test_a_damaged_record_is_run_again_with_a_warning(quick, tmp_path):
    first = quick({"plain": build}, data)
    paths = sorted((tmp_path / "runs").iterdir())
    paths[0].write_bytes(paths[0].read_bytes()[:100])
    paths[1].write_bytes(b"garbage")
    with pytest.warns(UserWarning, match="damaged record is run again") as seen:
        second = quick({"plain": build}, data)
    told = [w for w in seen if "damaged record is run again" in str(w.message)]
    assert len(told) == 2
    pd.testing.assert_frame_equal(first.frame, second.frame, check_exact=True)


def test_models_probes_and_rows(quick):
    def share(model, dataset):
        logits = model(dataset.x_test, training=False).numpy()
        return (logits.argmax(axis=1) == dataset.y_test).mean()

    results = quick(CONDITIONS, data, probes={"share": share})
    last = results.frame[results.frame["epoch"] == 2]
    assert len(results.frame) == 8 and results.frame["test_accuracy"].notna().sum() == 4
    for row in last.itertuples():
        probe = results.probe("share", row.condition, row.seed)
        assert row.test_accuracy == pytest.approx(float(probe), abs=1e-6)
        again = share(results.model(row.condition, row.seed), data(row.seed))
        assert again == pytest.approx(float(probe))
    assert results.paths == {"plain": "fast loop", "dropout": "fast loop"}


def test_divergence_is_shown(quick):
    def explode():
        return keras.optimizers.SGD(1e30)

    results = quick({"plain": build, "wild": Condition(build, optimizer=explode)}, data)
    assert results.frame.groupby("condition")["diverged"].all().to_dict() == {
        "plain": False,
        "wild": True,
    }
    assert results.summary().loc["wild", ["n", "diverged"]].tolist() == [0, 2]
    assert "every pair diverged" in str(results.compare("wild", "plain"))


def test_a_run_that_raises_is_named(quick):
    def fails(model, dataset):
        raise ZeroDivisionError("a probe of mine")

    with pytest.raises(ZeroDivisionError, match="a probe of mine") as error:
        quick({"plain": build}, data, seeds=[4], probes={"x": fails})
    assert error.value.__notes__ == ["in condition 'plain', seed 4"]


def test_a_probe_that_gives_no_array_is_named():
    with pytest.raises(TypeError, match="probe 'x' gave {'a': 1}, which is no array"):
        workers.probe_array("x", {"a": 1})


def test_one_builder_for_images_of_two_sizes(quick, asked):
    """A worker keeps its latest traced model: it must not meet the other size."""

    def no_input():
        return keras.Sequential([layers.Flatten(), layers.Dense(10)])

    for dataset in (DATA, larger(DATA), DATA):
        with pytest.raises(InterruptedError):
            quick({"plain": no_input}, dataset, seeds=1)
    small, large, again = (task.model_key for task in asked)
    assert small == again != large


def watching():
    return [keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None)]


@pytest.mark.parametrize("callbacks", [list, watching], ids=["fast loop", "fit"])
def test_images_and_labels_of_any_number_type(quick, callbacks):
    parts = ("train", "val", "test")
    wide = {f"x_{p}": getattr(DATA, f"x_{p}").astype(float) for p in parts}
    wide |= {f"y_{p}": getattr(DATA, f"y_{p}").astype(int) for p in parts}
    condition = {"plain": Condition(build, callbacks=callbacks)}
    frames = [
        quick(condition, dataset).frame
        for dataset in (DATA, dataclasses.replace(DATA, **wide))
    ]
    pd.testing.assert_frame_equal(*frames, check_exact=True)


def test_every_input_is_part_of_the_key(tmp_path, monkeypatch, asked):
    """Change one input after another: each time the engine must want a new run."""

    def key(condition=build, dataset=DATA, **options):
        options = {"epochs": 1, "seeds": [0], "cache_dir": tmp_path} | options
        with pytest.raises(InterruptedError):
            run({"a": condition}, dataset, **options)
        return asked.pop().key

    flip, shift = augment.flip, functools.partial(augment.shift, pixels=1)
    smooth = functools.partial(keras.losses.CategoricalCrossentropy, True)
    keys = [
        key(),
        key(lambda: build(lambda: layers.Dropout(0.1))),
        key(lambda: build(lambda: layers.Dropout(0.2))),
        key(Condition(build, optimizer=lambda: keras.optimizers.Adam(2e-3))),
        key(Condition(build, optimizer=lambda: keras.optimizers.Adam(3e-3))),
        key(Condition(build, loss=smooth(label_smoothing=0.1))),
        key(Condition(build, loss=smooth(label_smoothing=0.2))),
        key(Condition(build, augment=augment.pipeline(flip))),
        key(Condition(build, augment=augment.pipeline(shift))),
        key(Condition(build, augment=augment.pipeline(flip, shift))),
        key(Condition(build, callbacks=lambda: [keras.callbacks.EarlyStopping()])),
        key(probes={"one": lambda model, dataset: 1}),
        key(probes={"one": lambda model, dataset: 2}),
        key(dataset=data(1)),
        key(seeds=[1]),
        key(epochs=2),
        key(batch_size=16),
        key(train_metrics="inference"),
    ]
    with monkeypatch.context() as other:
        other.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
        keys.append(key())
    with monkeypatch.context() as other:
        other.setattr("importlib.metadata.version", lambda package: "0.0")
        keys.append(key())
    assert len(set(keys)) == len(keys)
    assert key() == keys[0] == key(n_jobs=1)


def test_silent_where_nobody_watches(tmp_path):
    source = (
        "from utils.runtime import start\nstart()\n"
        "from utils.study import run\nfrom tests.study.small import build, data\n"
        f"run({{'a': build}}, data, epochs=1, seeds=1, cache_dir={str(tmp_path)!r})"
    )
    done = subprocess.run(
        [sys.executable, "-c", source],
        env=os.environ | {"CI": "1"},
        cwd=pathlib.Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "" and done.stderr == ""


def test_the_parent_keeps_its_random_state(quick):
    import random

    random.seed(5)
    expected = random.random()
    random.seed(5)
    quick({"plain": build}, data, seeds=1)
    assert random.random() == expected


def test_two_dask_workers_give_the_same_bits(quick, tmp_path):
    distributed = pytest.importorskip("distributed")
    here = quick(CONDITIONS, data)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config(backend="dask"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        there = quick(CONDITIONS, data, cache_dir=tmp_path / "dask")
    pd.testing.assert_frame_equal(here.frame, there.frame, check_exact=True)
    assert len(files(tmp_path / "dask")) == 4
