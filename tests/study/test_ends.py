"""Both ends of a run: what validation saw at its best, and what training ended with."""

import functools

import numpy as np
import pytest

from utils.runtime import configure_tensorflow

tf = configure_tensorflow()

import keras  # noqa: E402

from tests.study.small import build, data, dropout  # noqa: E402
from utils.study import Condition, run  # noqa: E402
from utils.study.training import Settings, train  # noqa: E402

SHAPE = (8, 8, 1)


class Remember(keras.callbacks.Callback):
    """Keep what validation saw, by hand: weights and accuracy of every epoch.

    An `on_test_batch_end` of its own sends a run through `fit`.
    """

    seen = []

    def on_train_begin(self, logs=None):
        Remember.seen = []

    def on_test_end(self, logs=None):
        dataset = data(0)
        answers = right(self.model, dataset.x_val, dataset.y_val)
        Remember.seen.append((answers.mean(), self.model.get_weights()))


class RememberInFit(Remember):
    def on_test_batch_end(self, batch, logs=None):
        pass


def right(model, images, labels):
    logits = np.asarray(model(images, training=False))
    return logits.argmax(axis=1) == labels


def fast_adam():
    return keras.optimizers.Adam(0.2)


def averaged():
    return keras.optimizers.Adam(0.3, use_ema=True, ema_momentum=0.5)


def swap():
    return [keras.callbacks.SwapEMAWeights()]


def stop_early():
    stop = functools.partial(keras.callbacks.EarlyStopping, patience=1)
    return [stop(monitor="val_accuracy", restore_best_weights=True)]


CALLBACKS = {"plain": (fast_adam, list), "average": (averaged, swap)}
CALLBACKS["early stopping"] = (fast_adam, stop_early)


@pytest.mark.parametrize("remember", [Remember, RememberInFit], ids=["fast", "fit"])
@pytest.mark.parametrize("name", CALLBACKS)
def test_best_is_what_validation_saw_at_its_first_maximum(name, remember):
    optimizer, callbacks = CALLBACKS[name]
    # First in the list, so that it looks while an average is swapped in.
    condition = Condition(
        dropout, optimizer=optimizer, callbacks=lambda: [remember(), *callbacks()]
    )
    dataset, settings = data(0), Settings(12, 32, "running")
    trained = train(condition, f"{name} {remember}", dataset, 0, settings)
    assert trained.path.startswith("fast" if remember is Remember else "plain fit")
    accuracies = [accuracy for accuracy, _ in Remember.seen]
    np.testing.assert_allclose(trained.history["val_accuracy"], accuracies, atol=1e-6)
    first = int(np.argmax(accuracies))
    assert trained.best_epoch == first + 1
    witness = dropout()
    witness.set_weights(Remember.seen[first][1])
    np.testing.assert_array_equal(
        trained.best.answers, right(witness, dataset.x_test, dataset.y_test)
    )
    # The model itself is left at the other end.
    np.testing.assert_array_equal(
        trained.last.answers, right(trained.model, dataset.x_test, dataset.y_test)
    )
    assert (trained.last.answers != trained.best.answers).any() == (
        name != "early stopping"
    )


def test_an_average_is_measured_as_validation_saw_it():
    """With Keras' own `fit`: the last epoch's validation is that of the average."""
    condition = Condition(build, optimizer=averaged, callbacks=swap)
    settings = Settings(3, 32, "running")
    trained = train(condition, "ema", data(0), 0, settings)
    dataset = data(0)
    at_the_end = right(trained.model, dataset.x_val, dataset.y_val).mean()
    assert trained.history["val_accuracy"][-1] == pytest.approx(at_the_end)


def test_a_record_holds_both_ends_and_every_answer(tmp_path):
    condition = Condition(build, optimizer=fast_adam)
    results = run({"a": condition}, data, epochs=12, seeds=2, cache_dir=tmp_path)
    dataset = data(1)
    record = results._records["a", 1]
    n = len(dataset.y_test)
    last = np.unpackbits(record["last/answers"], count=n).astype(bool)
    model = results.model("a", 1)
    np.testing.assert_array_equal(last, right(model, dataset.x_test, dataset.y_test))
    assert record["last/test"][1] == last.mean()
    best = np.unpackbits(record["best/answers"], count=n)
    assert record["best/test"][1] == pytest.approx(best.mean())
    np.testing.assert_array_equal(record["test_labels"], dataset.y_test)
    assert record.meta["best_epoch"] == 1 + np.argmax(record["history/val_accuracy"])


def test_probes_see_the_last_end(tmp_path):
    def norm(model, dataset):
        return [np.abs(weight).sum() for weight in model.get_weights()]

    results = run(
        {"a": Condition(build, optimizer=fast_adam)},
        data,
        epochs=12,
        seeds=1,
        probes={"norm": norm},
        cache_dir=tmp_path,
    )
    assert results._records["a", 0].meta["best_epoch"] < 12
    again = norm(results.model("a", 0), None)
    np.testing.assert_array_equal(results.probe("norm", "a", 0), again)


def test_a_run_that_diverges_has_no_end_that_counts():
    condition = Condition(build, optimizer=lambda: keras.optimizers.SGD(1e30))
    trained = train(condition, "wild", data(0), 0, Settings(3, 32, "running"))
    assert trained.diverged
