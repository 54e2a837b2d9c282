"""The fast loop against Keras' own `fit`, from the same weights in the same order."""

import functools

import numpy as np
import pytest

from utils.runtime import configure_tensorflow

tf = configure_tensorflow()

import keras  # noqa: E402
from keras import layers  # noqa: E402

from tests.study.small import build, data, dropout  # noqa: E402
from utils import augment  # noqa: E402
from utils.study import Condition  # noqa: E402
from utils.study.fitting import PlainFit  # noqa: E402
from utils.study.loops import FastLoop  # noqa: E402
from utils.study.losses import resolve_loss, wants_one_hot  # noqa: E402
from utils.study.seeding import order_of_epoch, seeded_model  # noqa: E402
from utils.study.training import Settings, train, why_plain_fit  # noqa: E402

SHAPE = (8, 8, 1)
SMOOTH = functools.partial(
    keras.losses.CategoricalCrossentropy, from_logits=True, label_smoothing=0.1
)
shift = augment.pipeline(functools.partial(augment.shift, pixels=1))


def normalized():
    return build(layers.BatchNormalization)


def penalized():
    return build(kernel_regularizer=keras.regularizers.L2(0.01))


def max_norm():
    return build(
        lambda: layers.Dense(8, kernel_constraint=keras.constraints.MaxNorm(1))
    )


def falling():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.01, 3, 0.5)
    return keras.optimizers.SGD(schedule, momentum=0.9)


def decayed():
    return keras.optimizers.AdamW(1e-2, weight_decay=0.1)


def averaged():
    return keras.optimizers.Adam(1e-2, use_ema=True, ema_momentum=0.9)


def stop_early():
    return [keras.callbacks.EarlyStopping(patience=1, restore_best_weights=True)]


def steps():
    return [keras.callbacks.LearningRateScheduler(lambda epoch: 0.02 / (1 + epoch))]


def swap():
    return [keras.callbacks.SwapEMAWeights()]


def fast_optimizer():
    return keras.optimizers.Adam(0.05)


CASES = {
    "plain": Condition(build),
    "dropout": Condition(dropout),
    "batch normalization": Condition(normalized),
    "L2": Condition(penalized),
    "max-norm": Condition(max_norm, optimizer=fast_optimizer),
    "schedule": Condition(build, optimizer=falling),
    "AdamW": Condition(build, optimizer=decayed),
    "label smoothing": Condition(build, loss=SMOOTH),
    "augmentation": Condition(build, augment=shift),
    "early stopping": Condition(build, optimizer=fast_optimizer, callbacks=stop_early),
    "learning rates": Condition(build, callbacks=steps),
    "weight average": Condition(build, optimizer=averaged, callbacks=swap),
}


@pytest.mark.parametrize("name", CASES)
def test_fast_loop_equals_fit(name):
    condition, dataset = CASES[name], data(0)
    settings = Settings(epochs=4, batch_size=32, train_metrics="running")
    fast, slow = (
        kind(condition, dataset, settings).run(dataset, seed=3)
        for kind in (FastLoop, PlainFit)
    )
    for metric, values in slow[1].items():
        np.testing.assert_allclose(fast[1][metric], values, atol=2e-5)
    for a, b in zip(fast[2:4], slow[2:4], strict=True):
        assert a.loss == pytest.approx(b.loss, abs=2e-5)
        np.testing.assert_array_equal(a.answers, b.answers)
    assert fast[4] == slow[4]
    for a, b in zip(fast[0].get_weights(), slow[0].get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)


def test_fast_loop_equals_a_script_that_anyone_would_write():
    dataset, seed = data(1), 1
    model = seeded_model(penalized, seed, (8, 8, 1))
    model.compile(keras.optimizers.Adam(1e-3), resolve_loss(None), metrics=["accuracy"])
    logs = []
    for epoch in range(3):
        order = order_of_epoch(len(dataset.x_train), seed, epoch)
        x, y = dataset.x_train[order], dataset.y_train[order]
        logs.append(model.fit(x, y, batch_size=32, shuffle=False, verbose=0).history)
    settings = Settings(3, 32, "running")
    trained = train(Condition(penalized), "a script", dataset, seed, settings)
    theirs = [log["accuracy"][0] for log in logs]
    np.testing.assert_allclose(trained.history["train_accuracy"], theirs, atol=1e-6)
    _, accuracy = model.evaluate(dataset.x_test, dataset.y_test, verbose=0)
    assert trained.last.answers.mean() == pytest.approx(accuracy, abs=1e-6)


def test_train_loss_leaves_the_penalty_out():
    dataset, settings = data(0), Settings(1, 128, "running")
    heavy = Condition(lambda: build(kernel_regularizer=keras.regularizers.L2(100.0)))
    losses = [
        train(condition, name, dataset, 0, settings).history["train_loss"][0]
        for name, condition in (("heavy", heavy), ("light", Condition(build)))
    ]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


def test_inference_metrics_are_those_of_evaluate():
    dataset, settings = data(0), Settings(2, 32, "inference")
    trained = train(Condition(dropout), "inference", dataset, 0, settings)
    logits = trained.model(dataset.x_train, training=False).numpy()
    share = (logits.argmax(axis=1) == dataset.y_train).mean()
    assert trained.history["train_accuracy"][-1] == pytest.approx(share)


def test_seeds_do_not_leak_through_the_shared_trace():
    dataset, settings = data(0), Settings(2, 32, "running")
    condition = Condition(lambda: build(layers.BatchNormalization))
    loop = FastLoop(condition, dataset, settings)
    first = loop.run(dataset, 0)[2].loss
    loop.run(dataset, 1)
    assert loop.run(dataset, 0)[2].loss == first


def test_an_added_dropout_shifts_no_initial_weight():
    plain = build(lambda: layers.Dense(8)).get_weights()
    assert len({w.std() for w in plain}) > 1
    for seed in (0, 1):
        plain = seeded_model(
            lambda: build(lambda: layers.Dense(8)), seed, SHAPE
        ).get_weights()
        extra = (lambda: layers.Dropout(0.5), lambda: layers.Dense(8))
        other = seeded_model(lambda e=extra: build(*e), seed, SHAPE).get_weights()
        for a, b in zip(plain, other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_initial_weights_follow_the_seed_and_differ_between_equal_layers():
    def twins():
        return build(lambda: layers.Dense(6), lambda: layers.Dense(6), layers.Flatten)

    def square():
        return keras.Sequential(
            [keras.Input((6,)), layers.Dense(6), layers.Dense(6), layers.Dense(6)]
        )

    first, second, third = seeded_model(square, 0, (6,)).get_weights()[::2]
    assert not np.array_equal(first, second) and not np.array_equal(second, third)
    again = seeded_model(square, 0, (6,)).get_weights()[0]
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, seeded_model(square, 1, (6,)).get_weights()[0])


def test_initial_weights_have_the_initializers_distribution():
    def wide():
        return keras.Sequential([keras.Input((500,)), layers.Dense(300)])

    kernel, bias = seeded_model(wide, 0, (500,)).get_weights()
    limit = np.sqrt(6 / 800)  # Glorot and Bengio, 2010
    assert np.abs(kernel).max() <= limit
    assert kernel.std() == pytest.approx(limit / np.sqrt(3), rel=0.02)
    assert not bias.any()


def test_a_seed_that_the_builder_gave_is_kept():
    def fixed():
        start = keras.initializers.HeNormal(seed=7)
        return keras.Sequential(
            [keras.Input((4,)), layers.Dense(3, kernel_initializer=start)]
        )

    a, b = (seeded_model(fixed, seed, (4,)).get_weights()[0] for seed in (0, 1))
    np.testing.assert_array_equal(a, b)


def test_recurrent_layers_are_seeded_too():
    def lstm():
        return keras.Sequential([keras.Input((8, 8)), layers.LSTM(5), layers.Dense(10)])

    a, b = (seeded_model(lstm, seed, (8, 8)).get_weights() for seed in (0, 1))
    assert not any(np.array_equal(x, y) for x, y in zip(a[:2], b[:2], strict=True))


class OwnStep(keras.Sequential):
    def train_step(self, data):
        return super().train_step(data)


class Batches(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


@pytest.mark.parametrize(
    ("model", "callbacks", "reason"),
    [
        (build, [], None),
        (build, [keras.callbacks.EarlyStopping()], None),
        (build, [Batches()], "Batches has on_train_batch_end"),
        (build, [keras.callbacks.LambdaCallback()], "LambdaCallback"),
        (lambda: OwnStep([keras.Input((4,))]), [], "OwnStep has its own train_step"),
    ],
)
def test_which_way_a_condition_goes(model, callbacks, reason):
    answer = why_plain_fit(model(), callbacks)
    assert answer is None if reason is None else reason in answer


def test_a_stateful_random_op_is_refused():
    class Noise(layers.Layer):
        def call(self, x):
            return x + tf.random.normal(tf.shape(x))

    with pytest.raises(ValueError, match="RandomStandardNormal.*SeedGenerator"):
        FastLoop(Condition(lambda: build(Noise)), data(0), Settings(1, 32, "running"))


def test_keras_global_noise_is_put_back_before_each_run():
    class Noise(layers.Layer):
        def call(self, x):
            return x + keras.random.normal(keras.ops.shape(x))

    dataset = data(0)
    condition = Condition(lambda: build(Noise))
    loop = FastLoop(condition, dataset, Settings(2, 32, "running"))
    first, second = (loop.run(dataset, 0)[2].loss for _ in range(2))
    assert first == second


def test_divergence_ends_a_run_and_is_told():
    def explode():
        return keras.optimizers.SGD(1e30)

    settings = Settings(5, 32, "running")
    trained = train(Condition(build, optimizer=explode), "nan", data(0), 0, settings)
    assert trained.diverged and len(trained.history["train_loss"]) < 5


def test_losses_in_every_form_a_condition_takes():
    def own(y_true, y_pred):
        return keras.losses.sparse_categorical_crossentropy(y_true, y_pred, True)

    categorical = keras.losses.CategoricalCrossentropy
    assert not wants_one_hot(resolve_loss(None))
    assert not wants_one_hot(resolve_loss(own))
    for loss in ("categorical_crossentropy", categorical, categorical(), SMOOTH):
        assert wants_one_hot(resolve_loss(loss))
    assert wants_one_hot(resolve_loss(lambda: categorical(from_logits=True)))


def test_a_loss_of_ones_own_is_trained_with():
    def doubled(y_true, y_pred):
        return 2 * keras.losses.sparse_categorical_crossentropy(y_true, y_pred, True)

    def sgd(rate):
        return lambda: keras.optimizers.SGD(rate)

    settings = Settings(2, 32, "running")
    a = Condition(build, optimizer=sgd(0.05), loss=doubled)
    b = Condition(build, optimizer=sgd(0.1))
    one = train(a, "doubled", data(0), 0, settings).last.loss
    two = train(b, "twice", data(0), 0, settings).last.loss
    assert one == pytest.approx(two, abs=1e-5)
