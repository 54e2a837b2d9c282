"""One training run: a fast loop where it can follow Keras to the letter, else `fit`.

The fast loop keeps the data on the device and runs an epoch inside one traced
function. A traced model serves one seed after another: fresh initial values are
copied into it, so tracing is paid once for a condition.
"""

import collections
import dataclasses
import gc
import itertools
import threading
import zlib

import numpy as np

from utils.runtime import import_tensorflow

EVALUATION_BATCH = 1024
BATCH_HOOKS = [
    f"on_{part}batch_{moment}"
    for part, moment in itertools.product(("", "train_", "test_"), ("begin", "end"))
]
STATEFUL_RANDOM_OPS = {
    *("RandomUniform", "RandomUniformInt", "RandomStandardNormal", "TruncatedNormal"),
    *("RandomShuffle", "RandomGamma", "RandomPoissonV2", "Multinomial"),
}
CATEGORICAL = ("CategoricalCrossentropy", "CategoricalFocalCrossentropy")
CATEGORICAL += ("CategoricalHinge", "KLDivergence")

_one_at_a_time = threading.RLock()
_latest_loop = {}


@dataclasses.dataclass(frozen=True)
class Settings:
    """What all runs of a study share.

    epochs, batch_size: int. train_metrics: "running" (seen while training) or
    "inference" (measured on the training set after each epoch).
    """

    epochs: int
    batch_size: int
    train_metrics: str


@dataclasses.dataclass(frozen=True)
class Trained:
    """One finished run: `history` {metric: float64 per epoch} and the Keras model."""

    model: object
    history: dict
    test: tuple
    diverged: bool
    path: str


def seeded_model(build, seed):
    """Build a model whose initial weights depend on `seed` and their own shape alone.

    Returns an uncompiled model. Layers that two models share start from equal
    weights, whatever stands between them: an added dropout shifts no draw. A seed
    that the builder gave to an initializer itself is kept.
    """
    keras = import_tensorflow().keras
    keras.utils.set_random_seed(seed)
    model = build()
    seen = collections.Counter()
    for variable, initializer in _random_weights(keras, model):
        name = f"{variable.name} {tuple(variable.shape)}"
        seen[name] += 1
        entropy = [seed, zlib.crc32(name.encode()), seen[name]]
        draw = int(np.random.SeedSequence(entropy).generate_state(1)[0] >> 1)
        config = initializer.get_config() | {"seed": draw}
        fresh = type(initializer).from_config(config)
        variable.assign(fresh(variable.shape, dtype=variable.dtype))
    return model


def _random_weights(keras, model):
    for layer in model._flatten_layers():
        for name, initializer in list(vars(layer).items()):
            random = isinstance(initializer, keras.initializers.Initializer)
            if not random or initializer.get_config().get("seed", 0) is not None:
                continue
            role = name.removesuffix("_initializer")
            for attribute in (role, f"{role}_kernel", "kernel"):
                variable = getattr(layer, attribute, None)
                if variable is not None and hasattr(variable, "assign"):
                    yield variable, initializer
                    break


def order_of_epoch(n, seed, epoch):
    """Shuffle n examples: int32 (n,), the same for every condition of a seed."""
    return np.random.default_rng([seed, epoch]).permutation(n).astype("int32")


def resolve_loss(loss):
    """Turn None, a name, a loss, a loss class or a factory into one Keras loss."""
    keras = import_tensorflow().keras
    if loss is None:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    if isinstance(loss, type) or _takes_no_arguments(loss):
        loss = loss()
    return keras.losses.get(loss)


def _takes_no_arguments(function):
    code = getattr(function, "__code__", None)
    required = code and code.co_argcount - len(function.__defaults__ or ())
    return required == 0


def wants_one_hot(loss):
    """Tell whether a loss takes one-hot labels: True for the categorical ones."""
    name = type(loss).__name__
    if name in ("function", "LossFunctionWrapper"):
        name = getattr(loss, "__name__", "").title().replace("_", "")
    parents = [parent.__name__ for parent in type(loss).__mro__]
    return name in CATEGORICAL or any(parent in CATEGORICAL for parent in parents)


def why_plain_fit(model, callbacks):
    """Say why a condition cannot use the fast loop, or return None if it can."""
    keras = import_tensorflow().keras
    for callback in callbacks:
        for hook in BATCH_HOOKS:
            mine = getattr(type(callback), hook, None)
            if mine is not getattr(keras.callbacks.Callback, hook, None):
                return f"{type(callback).__name__} has {hook}"
        if isinstance(callback, keras.callbacks.LambdaCallback):
            return "LambdaCallback may act on batches"
    for method in ("train_step", "test_step", "compute_loss", "fit"):
        plain = (keras.Model, keras.Sequential)
        if all(getattr(type(model), method) is not getattr(p, method) for p in plain):
            return f"{type(model).__name__} has its own {method}"
    if keras.config.dtype_policy().name != "float32":
        return f"the dtype policy is {keras.config.dtype_policy().name}"
    return None


def train(condition, key, dataset, seed, settings):
    """Train one condition on one seed and measure it: returns a `Trained`.

    key: str that names the traced loop; runs with equal keys share one trace.
    """
    with _one_at_a_time:
        loop = _latest_loop.get(key)
        if loop is None:
            _latest_loop.clear()
            gc.collect()
            reason = why_plain_fit(condition.build(), condition.callbacks())
            kind = PlainFit if reason else FastLoop
            loop = _latest_loop[key] = kind(condition, dataset, settings)
            loop.path = f"plain fit: {reason}" if reason else "fast loop"
        return loop.run(dataset, seed)


class _Run:
    """What both ways of training share: model, loss, and how a model is measured."""

    def __init__(self, condition, dataset, settings):
        self.tf = import_tensorflow()
        self.keras = self.tf.keras
        self.condition, self.settings = condition, settings
        self.classes = len(dataset.class_names)
        self.loss = resolve_loss(condition.loss)
        self.one_hot = wants_one_hot(self.loss)
        self.shape = dataset.x_train.shape[1:]

    def compiled_model(self, model):
        if not model.built:
            model.build((None, *self.shape))
        optimizer = self.condition.optimizer()
        model.compile(
            optimizer,
            self.loss,
            metrics=[
                self.keras.metrics.MeanMetricWrapper(self.hits, name="accuracy"),
                self.keras.metrics.MeanMetricWrapper(
                    self.cross_entropy, name="cross_entropy"
                ),
            ],
            jit_compile=False,
        )
        optimizer.build(model.trainable_variables)
        return model

    def labels(self, y):
        return self.tf.one_hot(y, self.classes) if self.one_hot else y

    def cross_entropy(self, y, logits):
        if y.shape.rank == 2:
            return self.tf.nn.softmax_cross_entropy_with_logits(y, logits)
        return self.tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)

    def hits(self, y, logits):
        tf = self.tf
        if y.shape.rank == 2:
            y = tf.argmax(y, axis=-1, output_type=tf.int32)
        same = tf.equal(tf.argmax(logits, axis=-1, output_type=tf.int32), y)
        return tf.cast(same, tf.float32)

    def training_batch(self, x, y, index, seed, step):
        x, y = self.tf.gather(x, index), self.labels(self.tf.gather(y, index))
        if self.condition.augment is None:
            return x, y
        return self.condition.augment(x, y, self.tf.stack([seed, step]))

    def callbacks(self):
        return list(self.condition.callbacks())


class FastLoop(_Run):
    """Train like `fit`, an epoch at a time inside one traced function."""

    def __init__(self, condition, dataset, settings):
        super().__init__(condition, dataset, settings)
        self.keras.utils.set_random_seed(0)
        self.model = self.compiled_model(condition.build())
        self.optimizer = self.model.optimizer
        self.fresh_optimizer = [v.numpy() for v in self.optimizer.variables]
        self._trace()

    def _trace(self):
        tf = self.tf
        images = tf.TensorSpec((None, *self.shape), tf.float32)
        integers, number = tf.TensorSpec((None,), tf.int32), tf.TensorSpec((), tf.int32)
        traced = tf.function(self._epoch, autograph=False)
        self.epoch = traced.get_concrete_function(
            images, integers, integers, number, number
        )
        traced = tf.function(self._evaluate, autograph=False)
        self.evaluate = traced.get_concrete_function(images, integers)
        _refuse_stateful_random_ops(self.epoch)
        known = {id(v.value) for v in self.model.variables + self.optimizer.variables}
        self.others = [
            (v, v.numpy()) for v in self.epoch.variables if id(v) not in known
        ]

    def _sums(self, x, y, logits, objective):
        tf = self.tf
        n = tf.cast(tf.shape(x)[0], tf.float32)
        sums = [tf.reduce_sum(f(y, logits)) for f in (self.cross_entropy, self.hits)]
        return tf.stack([objective * n, *sums])

    def _step(self, x, y):
        with self.tf.GradientTape() as tape:
            logits = self.model(x, training=True)
            objective = self.model.compute_loss(x, y, logits)
        weights = self.model.trainable_variables
        self.optimizer.apply(tape.gradient(objective, weights), weights)
        return self._sums(x, y, logits, objective)

    def _over_batches(self, n, size, body):
        tf = self.tf
        _, sums = tf.while_loop(
            lambda step, sums: step * size < n,
            lambda step, sums: (step + 1, sums + body(step, step * size)),
            (tf.constant(0), tf.zeros(3)),
            parallel_iterations=1,
        )
        return sums / tf.cast(n, tf.float32)

    def _epoch(self, x, y, order, seed, first_step):
        size, n = self.settings.batch_size, self.tf.size(order)

        def body(step, start):
            index = order[start : start + size]
            return self._step(
                *self.training_batch(x, y, index, seed, first_step + step)
            )

        return self._over_batches(n, size, body)

    def _evaluate(self, x, y):
        def body(step, start):
            stop = start + EVALUATION_BATCH
            some_x, some_y = x[start:stop], self.labels(y[start:stop])
            logits = self.model(some_x, training=False)
            objective = self.model.compute_loss(some_x, some_y, logits, training=False)
            return self._sums(some_x, some_y, logits, objective)

        return self._over_batches(self.tf.shape(x)[0], EVALUATION_BATCH, body)

    def _start_from(self, seed):
        fresh = seeded_model(self.condition.build, seed)
        if not fresh.built:
            fresh.build((None, *self.shape))
        pairs = [*zip(self.model.variables, fresh.variables, strict=True)]
        pairs += zip(self.optimizer.variables, self.fresh_optimizer, strict=True)
        for variable, value in pairs + self.others:
            variable.assign(value)
        self.keras.utils.set_random_seed(seed)

    def run(self, dataset, seed):
        """Train from the fresh weights of `seed`; returns a `Trained`."""
        tf, epochs = self.tf, self.settings.epochs
        self._start_from(seed)
        x, y, x_val, y_val = map(
            tf.constant,
            (dataset.x_train, dataset.y_train, dataset.x_val, dataset.y_val),
        )
        callbacks = self.keras.callbacks.CallbackList(
            self.callbacks(), model=self.model, epochs=epochs, verbose=0
        )
        steps = -(-len(x) // self.settings.batch_size)
        history, logs = collections.defaultdict(list), {}
        self.model.stop_training = False
        callbacks.on_train_begin()
        for epoch in range(epochs):
            callbacks.on_epoch_begin(epoch)
            order = order_of_epoch(len(x), seed, epoch)
            seen = self.epoch(
                x, y, tf.constant(order), tf.constant(seed), tf.constant(epoch * steps)
            ).numpy()
            callbacks.on_test_begin()
            val = self.evaluate(x_val, y_val).numpy()
            if self.settings.train_metrics == "inference":
                seen = self.evaluate(x, y).numpy()
            callbacks.on_test_end()
            for name, value in (*_named("train", seen), *_named("val", val)):
                history[name].append(value)
            logs = {"loss": float(seen[0]), "accuracy": float(seen[2])}
            logs |= {"val_loss": float(val[0]), "val_accuracy": float(val[2])}
            diverged = not np.isfinite([seen, val]).all()
            callbacks.on_epoch_end(epoch, logs)
            if self.model.stop_training or diverged:
                break
        self.optimizer.finalize_variable_values(self.model.trainable_variables)
        callbacks.on_train_end(logs)
        test = self.evaluate(tf.constant(dataset.x_test), tf.constant(dataset.y_test))
        return Trained(
            self.model, dict(history), _pair(test.numpy()), diverged, self.path
        )


class PlainFit(_Run):
    """Train with `fit` itself: same weights, same order, every callback and model."""

    def run(self, dataset, seed):
        """Train from the fresh weights of `seed`; returns a `Trained`."""
        keras, settings = self.keras, self.settings
        model = self.compiled_model(seeded_model(self.condition.build, seed))
        keras.utils.set_random_seed(seed)
        watch = _watch(keras, self, dataset)
        val = (dataset.x_val, self.labels(self.tf.constant(dataset.y_val)))
        model.fit(
            self._batches(dataset, seed),
            epochs=settings.epochs,
            steps_per_epoch=-(-len(dataset.x_train) // settings.batch_size),
            validation_data=val,
            validation_batch_size=EVALUATION_BATCH,
            callbacks=[watch, *self.callbacks()],
            verbose=0,
        )
        test = self.measure(model, dataset.x_test, dataset.y_test)
        return Trained(model, dict(watch.seen), _pair(test), watch.diverged, self.path)

    def _batches(self, dataset, seed):
        tf = self.tf
        x, y = tf.constant(dataset.x_train), tf.constant(dataset.y_train)
        size = self.settings.batch_size

        def indices():
            steps = itertools.count()
            for epoch in range(self.settings.epochs):
                order = order_of_epoch(len(x), seed, epoch)
                for start in range(0, len(x), size):
                    yield order[start : start + size], next(steps)

        kinds = (tf.TensorSpec((None,), tf.int32), tf.TensorSpec((), tf.int32))
        batches = tf.data.Dataset.from_generator(indices, output_signature=kinds)
        return batches.map(
            lambda index, step: self.training_batch(x, y, index, seed, step)
        )

    def measure(self, model, x, y):
        """Return (objective, cross-entropy, accuracy) of a model at inference."""
        labels = self.labels(self.tf.constant(y))
        logs = model.evaluate(
            x, labels, batch_size=EVALUATION_BATCH, verbose=0, return_dict=True
        )
        return [logs["loss"], logs["cross_entropy"], logs["accuracy"]]


def _watch(keras, plain, dataset):
    class Watch(keras.callbacks.Callback):
        seen, diverged = collections.defaultdict(list), False

        def on_epoch_end(self, epoch, logs=None):
            train = [logs["loss"], logs["cross_entropy"], logs["accuracy"]]
            val = [logs[f"val_{k}"] for k in ("loss", "cross_entropy", "accuracy")]
            if plain.settings.train_metrics == "inference":
                train = plain.measure(self.model, dataset.x_train, dataset.y_train)
            for name, value in (*_named("train", train), *_named("val", val)):
                self.seen[name].append(value)
            self.diverged = not np.isfinite([train, val]).all()
            if self.diverged:
                self.model.stop_training = True

    watch = Watch()
    watch.seen = collections.defaultdict(list)
    return watch


def _named(part, values):
    return [(f"{part}_loss", float(values[1])), (f"{part}_accuracy", float(values[2]))]


def _pair(values):
    return float(values[1]), float(values[2])


def _refuse_stateful_random_ops(function):
    graph = function.graph.as_graph_def()
    nodes = itertools.chain(graph.node, *(f.node_def for f in graph.library.function))
    found = sorted({node.op for node in nodes} & STATEFUL_RANDOM_OPS)
    if found:
        raise ValueError(
            f"The model or the augmentation draws with {', '.join(found)}, whose state "
            "cannot be set back between runs. Use keras.random with a SeedGenerator, "
            "or tf.random.stateless_* with the seed that augment receives."
        )
