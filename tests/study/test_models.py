"""Any Keras classifier with one logit a class: subclassed, any loss, any precision."""

import numpy as np
import pytest

from utils.runtime import configure_tensorflow

tf = configure_tensorflow()

import keras  # noqa: E402
from keras import layers  # noqa: E402

from tests.study.small import build, data, dropout  # noqa: E402
from utils.study import Condition, run  # noqa: E402
from utils.study.fitting import PlainFit  # noqa: E402
from utils.study.loops import FastLoop  # noqa: E402
from utils.study.losses import resolve_loss, wants_one_hot  # noqa: E402
from utils.study.seeding import keras_settings, seeded_model  # noqa: E402
from utils.study.training import Settings, train  # noqa: E402

SHAPE = (8, 8, 1)
SETTINGS = Settings(3, 32, "running")


class Subclassed(keras.Model):
    """No input shape, no layer list: a model that is known by its call alone."""

    def __init__(self):
        super().__init__()
        self.flat, self.hidden = layers.Flatten(), layers.Dense(16, "relu")
        self.drop, self.out = layers.Dropout(0.3), layers.Dense(10)

    def call(self, x, training=False):
        return self.out(self.drop(self.hidden(self.flat(x)), training=training))


class Scale(layers.Layer):
    """A layer that keeps no initializer, as anyone would write it."""

    def build(self, shape):
        self.kernel = self.add_weight(
            shape=(shape[-1], 10), initializer="glorot_uniform"
        )
        self.offset = self.add_weight(shape=(10,))

    def call(self, x):
        return x @ self.kernel + self.offset


def custom(*extra):
    return keras.Sequential(
        [keras.Input(SHAPE), layers.Flatten(), *(make() for make in extra), Scale()]
    )


def squared():
    return keras.losses.MeanSquaredError()


def binary():
    return keras.losses.BinaryCrossentropy(from_logits=True)


CASES = {
    "subclassed": Condition(Subclassed),
    "custom layer": Condition(custom),
    "squared error": Condition(build, loss=squared),
    "binary cross-entropy": Condition(build, loss=binary),
}


@pytest.mark.parametrize("name", CASES)
def test_the_fast_loop_equals_fit(name):
    fast, slow = (
        kind(CASES[name], data(0), SETTINGS).run(data(0), seed=3)
        for kind in (FastLoop, PlainFit)
    )
    for metric, values in slow[1].items():
        np.testing.assert_allclose(fast[1][metric], values, atol=2e-5)
    np.testing.assert_array_equal(fast[2].answers, slow[2].answers)


def test_a_subclassed_model_comes_back_with_its_weights(tmp_path):
    results = run({"a": Subclassed}, data, epochs=2, seeds=1, cache_dir=tmp_path)
    dataset = data(0)
    logits = results.model("a", 0)(dataset.x_test).numpy()
    accuracy = (logits.argmax(axis=1) == dataset.y_test).mean()
    assert results.frame["test_accuracy"].iloc[-1] == pytest.approx(accuracy)


@pytest.mark.parametrize("monitor", ["val_accuracy", "val_loss", "accuracy", "loss"])
def test_callbacks_know_whether_more_is_better(monitor):
    def stop():
        return [keras.callbacks.EarlyStopping(monitor, 1e-3, patience=1)]

    def useless():  # no step changes anything: nothing improves after the first epoch
        return keras.optimizers.SGD(0.0)

    condition = Condition(build, optimizer=useless, callbacks=stop)
    trained = train(condition, monitor, data(0), 0, Settings(9, 32, "running"))
    assert trained.path == "fast loop"
    assert len(trained.history["val_loss"]) == 2


def test_weights_of_custom_layers_are_paired():
    alone = seeded_model(custom, 5, SHAPE).get_weights()
    among = seeded_model(lambda: custom(lambda: layers.Dropout(0.5)), 5, SHAPE)
    for a, b in zip(alone, among.get_weights(), strict=True):
        assert a.std() > 0
        np.testing.assert_array_equal(a, b)
    other = seeded_model(custom, 6, SHAPE).get_weights()
    assert not np.array_equal(alone[0], other[0])


def test_which_losses_take_one_hot_labels():
    losses = keras.losses

    class Focal(losses.CategoricalFocalCrossentropy):
        pass

    class Own(losses.Loss):
        def call(self, y_true, y_pred):
            return y_pred[:, 0]

    for loss in (squared, binary, Focal, "kl_divergence", losses.Huber, losses.hinge):
        assert wants_one_hot(resolve_loss(loss)), loss
    for loss in (None, Own(), "sparse_categorical_crossentropy"):
        assert not wants_one_hot(resolve_loss(loss)), loss


def test_one_output_is_refused_with_words():
    def one():
        return keras.Sequential([keras.Input(SHAPE), layers.Flatten(), layers.Dense(1)])

    with pytest.raises(ValueError, match=r"ends with one output.*Dense\(10\)"):
        run({"a": one}, data, epochs=1)


def test_a_train_step_that_reports_too_little_is_named():
    class Silent(keras.Sequential):
        def train_step(self, batch):
            return {"loss": super().train_step(batch)["loss"]}

    def silent():
        return Silent(build().layers)

    with pytest.raises(ValueError, match="train_step of Silent reports no cross_ent"):
        train(Condition(silent), "silent", data(0), 0, SETTINGS)


def lower_inside():
    keras.config.set_dtype_policy("mixed_bfloat16")
    return build()


def dtype_seen(model, dataset):
    return str(model.layers[0].compute_dtype)


def test_a_policy_set_in_a_builder_stays_in_it(tmp_path):
    conditions = {"lower": lower_inside, "plain": dropout}
    results = run(
        conditions,
        data,
        epochs=1,
        seeds=1,
        n_jobs=1,  # one worker, so that one condition follows the other in it
        probes={"dtype": dtype_seen},
        cache_dir=tmp_path,
    )
    seen = {name: str(results.probe("dtype", name, 0)) for name in conditions}
    assert seen == {"lower": "bfloat16", "plain": "float32"}
    assert (
        "bfloat16" in results.paths["lower"] and results.paths["plain"] == "fast loop"
    )
    assert keras.config.dtype_policy().name == "float32"


def lower_halfway():
    first = layers.Flatten()
    keras.config.set_dtype_policy("mixed_bfloat16")
    return keras.Sequential([keras.Input(SHAPE), first, layers.Dense(10)])


def test_every_build_starts_from_the_same_policy():
    for seed in (0, 1):
        model = seeded_model(lower_halfway, seed, SHAPE)
        dtypes = [layer.compute_dtype for layer in model.layers]
        assert dtypes == ["float32", "bfloat16"]


def test_a_policy_set_in_the_notebook_reaches_workers_and_keys(tmp_path):
    def study():
        return run(
            {"a": dropout},
            data,
            epochs=1,
            seeds=1,
            probes={"dtype": dtype_seen},
            cache_dir=tmp_path,
        )

    usual = study()
    before = keras_settings()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        lower = study()
    finally:
        keras.config.set_dtype_policy(before["dtype_policy"])
    assert str(usual.probe("dtype", "a", 0)) == "float32"
    assert str(lower.probe("dtype", "a", 0)) == "bfloat16"


def test_a_layer_of_lower_precision_goes_through_fit():
    def half():
        return build(lambda: layers.Dense(8, dtype="mixed_bfloat16"))

    trained = train(Condition(half), "half", data(0), 0, SETTINGS)
    assert trained.path == "plain fit: it computes in bfloat16"


class Images:
    """The six arrays, a name, class names: no `Dataset`."""

    def __init__(self):
        self.__dict__ = dict(vars(data(0)))


def test_any_object_with_the_six_arrays_is_a_data_set(tmp_path):
    options = {"epochs": 1, "seeds": 1, "cache_dir": tmp_path}
    mine = run({"a": build}, Images(), **options)
    theirs = run({"a": build}, data, **options)
    np.testing.assert_array_equal(mine.frame["val_loss"], theirs.frame["val_loss"])
