"""Keras objects are known by what they compute, in a closure too."""

import functools

import numpy as np
import pytest

from tests.study.cells import cell
from utils import augment
from utils.runtime import import_tensorflow
from utils.study import Condition
from utils.study.keys import fingerprint

tf = import_tensorflow()
keras = tf.keras
layers = keras.layers


def scale(factor):
    return lambda x: x * factor


class Scaled(layers.Layer):
    def __init__(self, **attributes):
        super().__init__()
        for name, value in attributes.items():
            setattr(self, name, value)

    def get_config(self):  # forgets what it was given
        return {}

    def call(self, x):
        return x


class Helper:
    def __init__(self, factor):
        self.factor = factor


class Penalty(keras.regularizers.Regularizer):
    def __init__(self, strength):
        self._strengths = [strength]

    def __call__(self, weight):
        return 0.0


class Loss(keras.losses.Loss):
    def __init__(self, gamma):
        super().__init__()
        self._gamma = gamma

    def call(self, y, logits):
        return logits * self._gamma


class Named(keras.Model):
    def __init__(self, rate):
        super().__init__()
        self.rate, self.out = rate, layers.Dense(1, kernel_initializer="ones")

    def call(self, x):
        return self.out(x) * self.rate


class Stop(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch


def stack(*inner, weight=1.0):
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2), *inner])
    for variable in model.trainable_variables:
        variable.assign(tf.fill(variable.shape, weight))
    return model


def graph(swap):
    x = keras.Input((3,))
    a = layers.Dense(3, kernel_initializer="ones")(x)
    b = layers.Dense(3, kernel_initializer="ones")(a)
    return keras.Model(x, layers.Subtract()([b, a] if swap else [a, b]))


def built(rate):
    model = Named(rate)
    model(np.ones((1, 3)))
    return model


def drawn(times):
    generator = keras.random.SeedGenerator(1)
    for _ in range(times):
        generator.next()
    return generator


def without_decay(v):
    optimizer = keras.optimizers.AdamW()
    optimizer.exclude_from_weight_decay(var_names=[str(v)])
    return optimizer


PAIRS = {
    "weights": lambda v: stack(weight=float(v)),
    "weights, asked for": lambda v: stack(weight=float(v)).predict,
    "layer inside": lambda v: stack(Scaled(rate=v)),
    "activation": lambda v: stack(layers.Dense(2, activation=scale(v))),
    "layer in a layer": lambda v: layers.TimeDistributed(
        layers.Dense(2, activation=scale(v))
    ),
    "graph": lambda v: graph(v == 2),
    "subclassed model": built,
    "public number": lambda v: Scaled(rate=v),
    "private number": lambda v: Scaled(_rate=v),
    "list": lambda v: Scaled(rates=[v]),
    "private list": lambda v: Scaled(_rates=[v]),
    "private array": lambda v: Scaled(_table=np.full(3, v)),
    "private tensor": lambda v: Scaled(_table=tf.fill((3,), v)),
    "list of layers": lambda v: Scaled(blocks=[layers.Dense(v)]),
    "private list of layers": lambda v: Scaled(_blocks=[layers.Dense(v)]),
    "private layer": lambda v: Scaled(_block=layers.Dense(v)),
    "lists of lists": lambda v: Scaled(_rates=[[v]], blocks=[[layers.Dense(v)]]),
    "list of tensors": lambda v: Scaled(_tables={"a": [tf.fill((3,), v)]}),
    "private helper": lambda v: Scaled(_helper=Helper(v)),
    "method set by hand": lambda v: Scaled(call=scale(v)),
    "cells of Keras' layer": lambda v: layers.StackedRNNCells(
        [Scaled(rate=v, state_size=1)]
    ),
    "partial": lambda v: Scaled(act=functools.partial(scale, v)),
    "regularizer of Keras": lambda v: keras.regularizers.L2(v / 10),
    "regularizer of one's own": Penalty,
    "loss of one's own": Loss,
    "loss of Keras": lambda v: keras.losses.CategoricalCrossentropy(
        label_smoothing=v / 10
    ),
    "metric from a function": lambda v: keras.metrics.MeanMetricWrapper(scale(v)),
    "initializer in attention": lambda v: layers.MultiHeadAttention(
        1, 2, kernel_initializer=scale(v)
    ),
    "weights without decay": without_decay,
    "initializer": lambda v: keras.initializers.GlorotUniform(seed=v),
    "optimizer": lambda v: keras.optimizers.Adam(v / 10),
    "schedule": lambda v: keras.optimizers.schedules.CosineDecay(0.1, v),
    "callback of Keras": lambda v: keras.callbacks.EarlyStopping(patience=v),
    "callback of one's own": Stop,
    "seed generator's state": drawn,
    "policy": lambda v: keras.DTypePolicy(f"float{16 * v}"),
    "constant": lambda v: tf.constant([v]),
    "variable": tf.Variable,
    "text": lambda v: tf.constant([str(v)]),
    "ragged": lambda v: tf.ragged.constant([[v], [1, 2]]),
    "tf.function": lambda v: tf.function(scale(v)),
    "compiled function": lambda v: tf.function(scale, jit_compile=v == 1),
    "gradient of one's own": lambda v: tf.custom_gradient(scale(v)),
    "augmentation": lambda v: augment.pipeline(
        functools.partial(augment.shift, pixels=v)
    ),
    "condition": lambda v: vars(Condition(functools.partial(stack, weight=v))),
}


@pytest.mark.parametrize("name", PAIRS)
def test_two_that_compute_different_things_differ(name):
    def held(v):
        return fingerprint(cell("def f(): return a", a=PAIRS[name](v)))

    assert held(1) != held(2)
    assert held(1) == held(1)


def test_names_that_keras_counts_up_do_not_show():
    def build():
        return fingerprint(stack(layers.Dense(2, kernel_initializer="ones")))

    before = build()
    layers.Dense(2)
    assert build() == before


def test_a_name_that_was_given_shows():
    first, second = (layers.Dense(2, name=f"block_{i}") for i in (1, 2))
    assert fingerprint(first) != fingerprint(second)


def test_a_class_of_ones_own_inside_a_model_counts():
    def teacher(number):
        source = (
            "class Own(Layer):\n def call(self, x): return x * {}\ndef f(): return Own"
        )
        own = cell(source.format(number), Layer=layers.Layer)()
        return fingerprint(stack(own()))

    assert teacher(1) != teacher(2)


def test_calling_what_tf_function_made_changes_nothing():
    f = tf.function(scale(2))
    before = fingerprint(f)
    f(tf.constant(1.0))
    assert fingerprint(f) == before


def test_training_with_a_condition_changes_nothing():
    condition = Condition(
        cell(
            "def f(): return stack(Own())",
            stack=stack,
            Own=type("Own", (layers.Layer,), {"call": lambda self, x: x}),
        )
    )
    before = fingerprint(vars(condition))
    model = condition.build()
    model.compile(condition.optimizer(), "mse")
    model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    assert fingerprint(vars(condition)) == before


def test_a_trained_teacher_is_taken():
    model = built(1)
    model.compile("adam", "mse")
    model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0)
    assert fingerprint(model) == fingerprint(model)


def test_a_tensorflow_data_set_is_refused():
    with pytest.raises(TypeError, match="Make it inside the function"):
        fingerprint(tf.data.Dataset.range(3))
