"""Train one model with one seed in a traced loop that follows `fit` to the letter."""

import collections
import dataclasses
import itertools

import numpy as np

from utils.runtime import import_tensorflow
from utils.study.compat import one_after_another
from utils.study.losses import (
    cross_entropy,
    hits,
    metrics,
    resolve_loss,
    wants_one_hot,
)
from utils.study.seeding import order_of_epoch, seeded_model

tf = import_tensorflow()
keras = tf.keras

EVALUATION_BATCH = 128  # larger ones leave the processor's caches, and take longer
STATEFUL_RANDOM_OPS = {
    *("RandomUniform", "RandomUniformInt", "RandomStandardNormal", "TruncatedNormal"),
    *("RandomShuffle", "RandomGamma", "RandomPoissonV2", "Multinomial"),
}


@dataclasses.dataclass(frozen=True)
class End:
    """The test images as one end of a run sees them.

    Args:
        loss: Mean cross-entropy in nats.
        answers: Whether each image was answered right, bool (n,).
    """

    loss: float
    answers: np.ndarray


def tensors(images, labels):
    """Images as float32 and labels as int32, whatever a data set was made of."""
    return tf.constant(images, tf.float32), tf.constant(labels, tf.int32)


class Loop:
    """What both ways share: a condition's model, its loss, its batches, its two ends.

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
        model.compile(
            optimizer, self.loss, metrics=metrics(self.one_hot), jit_compile=False
        )
        model.optimizer.build(model.trainable_variables)

    def labels(self, y):
        return tf.one_hot(y, self.classes) if self.one_hot else y

    def batch(self, x, y, index, seed, step):
        x, y = tf.gather(x, index), self.labels(tf.gather(y, index))
        if self.condition.augment is None:
            return x, y
        return self.condition.augment(x, y, tf.stack([seed, step]))

    def ends(self, model, history, dataset):
        """Measure the test images at both ends; the model is left at the last.

        Returns:
            model, history, last, best, best_epoch and diverged, as `Trained` has them.
        """
        test = tensors(dataset.x_test, dataset.y_test)
        last = self.end(model, *test)
        weights = [variable.numpy() for variable in model.variables]
        assign(model, history.best_weights or weights)
        best = self.end(model, *test)
        assign(model, weights)
        diverged = history.diverged or not np.isfinite([last.loss, best.loss]).all()
        columns = dict(history.columns)
        return model, columns, last, best, history.best_epoch, diverged


def assign(model, values):
    """Put arrays into all variables of a model, seed generators' states included."""
    for variable, value in zip(model.variables, values, strict=True):
        variable.assign(value)


class History:
    """What a run measured after each epoch; `diverged` once a number is not finite."""

    def __init__(self):
        self.columns = collections.defaultdict(list)
        self.diverged = False
        self.best_epoch, self.best_accuracy, self.best_weights = 1, -np.inf, None

    def keep_best(self, model, epoch, accuracy):
        """Copy the weights at the first maximum of validation accuracy.

        epoch counts from 0, as Keras' callbacks do.
        """
        if accuracy > self.best_accuracy:
            self.best_epoch, self.best_accuracy = epoch + 1, accuracy
            self.best_weights = [variable.numpy() for variable in model.variables]

    def add(self, train, val):
        """Keep one epoch's measures; returns the logs that Keras' callbacks expect."""
        for part, measures in (("train", train), ("val", val)):
            self.columns[f"{part}_loss"].append(float(measures[1]))
            self.columns[f"{part}_accuracy"].append(float(measures[2]))
        self.diverged |= not np.isfinite([*train, *val]).all()
        logs = {"loss": float(train[0]), "accuracy": float(train[2])}
        return logs | {"val_loss": float(val[0]), "val_accuracy": float(val[2])}


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
        self._show_metrics()
        # Variables of neither model nor optimizer, such as Keras' global seed
        # generator: put back before each run, so that no run sees another's traces.
        known = {id(v.value) for v in self.model.variables + self.optimizer.variables}
        others = [v for v in self.train_epoch.variables if id(v) not in known]
        self.others = [(v, v.numpy()) for v in others]

    def _show_metrics(self):
        """Let callbacks find the metrics, which Keras makes when first measured."""
        labels = self.labels(tf.zeros(1, tf.int32))
        self.model.compute_metrics(None, labels, tf.zeros((1, self.classes)))
        self.model.reset_metrics()

    def _measures(self, x, y, logits, objective):
        """Sums of the three measures over a batch, and each example's hit."""
        n, right = tf.cast(tf.shape(x)[0], tf.float32), hits(y, logits)
        entropy = tf.reduce_sum(cross_entropy(y, logits))
        return tf.stack([objective * n, entropy, tf.reduce_sum(right)]), right

    def _step(self, x, y):
        with tf.GradientTape() as tape:
            logits = self.model(x, training=True)
            objective = self.model.compute_loss(x, y, logits)
        weights = self.model.trainable_variables
        self.optimizer.apply(tape.gradient(objective, weights), weights)
        return self._measures(x, y, logits, objective)

    def _train_epoch(self, x, y, order, seed, first_step):
        size, n = self.settings.batch_size, tf.size(order)

        def step(i, sums):
            index = order[i * size : (i + 1) * size]
            batch = self.batch(x, y, index, seed, first_step + i)
            return i + 1, sums + self._step(*batch)[0]

        _, sums = tf.while_loop(
            lambda i, sums: i * size < n,
            step,
            (tf.constant(0), tf.zeros(3)),
            parallel_iterations=1,
        )
        return sums / tf.cast(n, tf.float32)

    def _evaluate(self, x, y):
        """The three measures, and for each image whether it was answered right."""
        size, n = EVALUATION_BATCH, tf.shape(x)[0]

        def step(i, sums, answers):
            part, labels = x[i * size : (i + 1) * size], y[i * size : (i + 1) * size]
            labels = self.labels(labels)
            logits = self.model(part, training=False)
            objective = self.model.compute_loss(part, labels, logits, training=False)
            batch, right = self._measures(part, labels, logits, objective)
            return i + 1, sums + batch, answers.write(i, right)

        answers = tf.TensorArray(
            tf.float32, -(-n // size), infer_shape=False, element_shape=(None,)
        )
        _, sums, answers = tf.while_loop(
            lambda i, sums, answers: i * size < n,
            step,
            (tf.constant(0), tf.zeros(3), answers),
            parallel_iterations=1,
        )
        return sums / tf.cast(n, tf.float32), answers.concat()

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
        """Train from fresh weights; returns what `Loop.ends` does."""
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
            val, _ = self._call(self.evaluate, x_val, y_val)
            if self.settings.train_metrics == "inference":
                train, _ = self._call(self.evaluate, x, y)
            history.keep_best(self.model, epoch, float(val[2]))
            callbacks.on_test_end()
            logs = history.add(train.numpy(), val.numpy())
            callbacks.on_epoch_end(epoch, logs)
            if self.model.stop_training or history.diverged:
                break
        self.optimizer.finalize_variable_values(self.model.trainable_variables)
        callbacks.on_train_end(logs)
        return self.ends(self.model, history, dataset)

    def end(self, model, x, y):
        measures, answers = self._call(self.evaluate, x, y)
        return End(float(measures[1]), answers.numpy().astype(bool))


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
