"""Two ways to train one model with one seed: a traced loop, and `fit` itself."""

import collections
import contextlib
import inspect
import itertools

import numpy as np

from utils.runtime import import_tensorflow
from utils.study.seeding import order_of_epoch, seeded_model

tf = import_tensorflow()
keras = tf.keras

EVALUATION_BATCH = 128  # larger ones leave the processor's caches, and take longer
STATEFUL_RANDOM_OPS = {
    *("RandomUniform", "RandomUniformInt", "RandomStandardNormal", "TruncatedNormal"),
    *("RandomShuffle", "RandomGamma", "RandomPoissonV2", "Multinomial"),
}
CATEGORICAL = (
    keras.losses.CategoricalCrossentropy,
    keras.losses.CategoricalFocalCrossentropy,
    keras.losses.CategoricalHinge,
    keras.losses.KLDivergence,
)


@contextlib.contextmanager
def one_after_another():
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


def resolve_loss(loss):
    """Turn None, a name, a loss, a loss class or a factory into one Keras loss."""
    if loss is None:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    factory = not isinstance(loss, str | keras.losses.Loss) and not any(
        parameter.default is parameter.empty
        and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        for parameter in inspect.signature(loss).parameters.values()
    )
    return keras.losses.get(loss() if factory else loss)


def wants_one_hot(loss):
    """Tell whether a loss takes one-hot labels: True for the categorical ones."""
    name = getattr(loss, "__name__", "")
    return isinstance(loss, CATEGORICAL) or name.startswith(("categorical", "kl_div"))


def tensors(images, labels):
    """Images as float32 and labels as int32, whatever a data set was made of."""
    return tf.constant(images, tf.float32), tf.constant(labels, tf.int32)


def cross_entropy(y, logits):
    """Cross-entropy of each example, for labels (n,) or shares (n, classes)."""
    if y.shape.rank == 2:
        return tf.nn.softmax_cross_entropy_with_logits(y, logits)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)


def hits(y, logits):
    """1.0 for each example whose largest logit is its label's, else 0.0."""
    if y.shape.rank == 2:
        y = tf.argmax(y, axis=-1, output_type=tf.int32)
    same = tf.equal(tf.argmax(logits, axis=-1, output_type=tf.int32), y)
    return tf.cast(same, tf.float32)


class Loop:
    """What both ways share. A condition's model, its loss, its batches.

    measures are always (objective with penalty, cross-entropy, accuracy).
    """

    def __init__(self, condition, dataset, settings):
        self.condition, self.settings = condition, settings
        self.shape = dataset.x_train.shape[1:]
        self.classes = len(dataset.class_names)
        self.loss = resolve_loss(condition.loss)
        self.one_hot = wants_one_hot(self.loss)

    def seeded_model(self, seed):
        return seeded_model(self.condition.build, seed, self.shape)

    def compile(self, model):
        optimizer = self.condition.optimizer()
        wrap = keras.metrics.MeanMetricWrapper
        metrics = [wrap(hits, "accuracy"), wrap(cross_entropy, "cross_entropy")]
        model.compile(optimizer, self.loss, metrics=metrics, jit_compile=False)
        optimizer.build(model.trainable_variables)

    def labels(self, y):
        return tf.one_hot(y, self.classes) if self.one_hot else y

    def batch(self, x, y, index, seed, step):
        x, y = tf.gather(x, index), self.labels(tf.gather(y, index))
        if self.condition.augment is None:
            return x, y
        return self.condition.augment(x, y, tf.stack([seed, step]))


class FastLoop(Loop):
    """Train as `fit` does, an epoch at a time inside one traced function."""

    def __init__(self, condition, dataset, settings):
        super().__init__(condition, dataset, settings)
        self.model = self.seeded_model(0)
        self.compile(self.model)
        self.optimizer = self.model.optimizer
        self.fresh_optimizer = [v.numpy() for v in self.optimizer.variables]
        images = tf.TensorSpec((None, *self.shape))
        labels, number = tf.TensorSpec((None,), "int32"), tf.TensorSpec((), "int32")
        with one_after_another():
            self.train_epoch = tf.function(
                self._train_epoch, autograph=False
            ).get_concrete_function(images, labels, labels, number, number)
            self.evaluate = tf.function(
                self._evaluate, autograph=False
            ).get_concrete_function(images, labels)
        _refuse_stateful_random_ops(self.train_epoch)
        # Variables of neither model nor optimizer, such as Keras' global seed
        # generator: put back before each run, so that no run sees another's traces.
        known = {id(v.value) for v in self.model.variables + self.optimizer.variables}
        others = [v for v in self.train_epoch.variables if id(v) not in known]
        self.others = [(v, v.numpy()) for v in others]

    def _measures(self, x, y, logits, objective):
        n = tf.cast(tf.shape(x)[0], tf.float32)
        sums = [tf.reduce_sum(f(y, logits)) for f in (cross_entropy, hits)]
        return tf.stack([objective * n, *sums])

    def _step(self, x, y):
        with tf.GradientTape() as tape:
            logits = self.model(x, training=True)
            objective = self.model.compute_loss(x, y, logits)
        weights = self.model.trainable_variables
        self.optimizer.apply(tape.gradient(objective, weights), weights)
        return self._measures(x, y, logits, objective)

    def _over_batches(self, n, size, measure):
        _, sums = tf.while_loop(
            lambda step, sums: step * size < n,
            lambda step, sums: (step + 1, sums + measure(step, step * size)),
            (tf.constant(0), tf.zeros(3)),
            parallel_iterations=1,
        )
        return sums / tf.cast(n, tf.float32)

    def _train_epoch(self, x, y, order, seed, first_step):
        size = self.settings.batch_size

        def measure(step, start):
            index = order[start : start + size]
            return self._step(*self.batch(x, y, index, seed, first_step + step))

        return self._over_batches(tf.size(order), size, measure)

    def _evaluate(self, x, y):
        def measure(step, start):
            stop = start + EVALUATION_BATCH
            part, labels = x[start:stop], self.labels(y[start:stop])
            logits = self.model(part, training=False)
            objective = self.model.compute_loss(part, labels, logits, training=False)
            return self._measures(part, labels, logits, objective)

        return self._over_batches(tf.shape(x)[0], EVALUATION_BATCH, measure)

    def _call(self, function, *arguments):
        with one_after_another():
            return function(*arguments)

    def _start_from(self, seed):
        fresh = self.seeded_model(seed)
        pairs = [*zip(self.model.variables, fresh.variables, strict=True)]
        pairs += zip(self.optimizer.variables, self.fresh_optimizer, strict=True)
        for variable, value in pairs + self.others:
            variable.assign(value)
        keras.utils.set_random_seed(seed)

    def run(self, dataset, seed):
        """Train from fresh weights; returns model, history and test measures."""
        epochs, size = self.settings.epochs, self.settings.batch_size
        self._start_from(seed)
        x, y = tensors(dataset.x_train, dataset.y_train)
        x_val, y_val = tensors(dataset.x_val, dataset.y_val)
        steps = -(-len(x) // size)
        callbacks = keras.callbacks.CallbackList(
            list(self.condition.callbacks()),
            model=self.model,
            epochs=epochs,
            steps=steps,
        )
        history = History()
        self.model.stop_training = False
        callbacks.on_train_begin()
        for epoch in range(epochs):
            callbacks.on_epoch_begin(epoch)
            order = tf.constant(order_of_epoch(len(x), seed, epoch))
            first_step = tf.constant(epoch * steps)
            train = self._call(
                self.train_epoch, x, y, order, tf.constant(seed), first_step
            )
            callbacks.on_test_begin()
            val = self._call(self.evaluate, x_val, y_val)
            if self.settings.train_metrics == "inference":
                train = self._call(self.evaluate, x, y)
            callbacks.on_test_end()
            logs = history.add(train.numpy(), val.numpy())
            callbacks.on_epoch_end(epoch, logs)
            if self.model.stop_training or history.diverged:
                break
        self.optimizer.finalize_variable_values(self.model.trainable_variables)
        callbacks.on_train_end(logs)
        test = self._call(self.evaluate, *tensors(dataset.x_test, dataset.y_test))
        return self.model, history, test.numpy()


class PlainFit(Loop):
    """Train with `fit`: same weights, same order, any model and any callback."""

    def run(self, dataset, seed):
        """Train from fresh weights; returns model, history and test measures."""
        model = self.seeded_model(seed)
        self.compile(model)
        keras.utils.set_random_seed(seed)
        history = History()

        def note(epoch, logs):
            names = ("loss", "cross_entropy", "accuracy")
            train, val = ([logs[p + name] for name in names] for p in ("", "val_"))
            if self.settings.train_metrics == "inference":
                train = self.measure(model, dataset.x_train, dataset.y_train)
            history.add(train, val)
            model.stop_training |= history.diverged

        watch = keras.callbacks.LambdaCallback(on_epoch_end=note)
        x_val, y_val = tensors(dataset.x_val, dataset.y_val)
        model.fit(
            self._batches(dataset, seed),
            epochs=self.settings.epochs,
            steps_per_epoch=-(-len(dataset.x_train) // self.settings.batch_size),
            validation_data=(x_val, self.labels(y_val)),
            validation_batch_size=EVALUATION_BATCH,
            callbacks=[*self.condition.callbacks(), watch],
            shuffle=False,
            verbose=0,
        )
        return model, history, self.measure(model, dataset.x_test, dataset.y_test)

    def _batches(self, dataset, seed):
        x, y = tensors(dataset.x_train, dataset.y_train)
        size = self.settings.batch_size

        def indices():
            steps = itertools.count()
            for epoch in range(self.settings.epochs):
                order = order_of_epoch(len(x), seed, epoch)
                for start in range(0, len(x), size):
                    yield order[start : start + size], next(steps)

        kinds = (tf.TensorSpec((None,), "int32"), tf.TensorSpec((), "int32"))
        batches = tf.data.Dataset.from_generator(indices, output_signature=kinds)
        return batches.map(lambda index, step: self.batch(x, y, index, seed, step))

    def measure(self, model, x, y):
        x, y = tensors(x, y)
        logs = model.evaluate(
            x,
            self.labels(y),
            batch_size=EVALUATION_BATCH,
            verbose=0,
            return_dict=True,
        )
        return [logs["loss"], logs["cross_entropy"], logs["accuracy"]]


class History:
    """What a run measured after each epoch; `diverged` once a number is not finite."""

    def __init__(self):
        self.columns = collections.defaultdict(list)
        self.diverged = False

    def add(self, train, val):
        """Keep one epoch's measures; returns the logs that Keras' callbacks expect."""
        for part, measures in (("train", train), ("val", val)):
            self.columns[f"{part}_loss"].append(float(measures[1]))
            self.columns[f"{part}_accuracy"].append(float(measures[2]))
        self.diverged |= not np.isfinite([*train, *val]).all()
        logs = {"loss": float(train[0]), "accuracy": float(train[2])}
        return logs | {"val_loss": float(val[0]), "val_accuracy": float(val[2])}


def _refuse_stateful_random_ops(function):
    graph = function.graph.as_graph_def()
    nodes = itertools.chain(graph.node, *(f.node_def for f in graph.library.function))
    found = sorted({node.op for node in nodes} & STATEFUL_RANDOM_OPS)
    if found:
        raise ValueError(
            f"the model or its augmentation draws with {', '.join(found)}, whose state "
            "cannot be set back between runs. Use keras.random with a SeedGenerator, "
            "or tf.random.stateless_* with the seed that augment receives."
        )
