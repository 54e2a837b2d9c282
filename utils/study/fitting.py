"""Train one model with one seed by `fit` itself: any model and any callback."""

import itertools

from utils.runtime import import_tensorflow
from utils.study.loops import EVALUATION_BATCH, End, History, Loop, tensors
from utils.study.losses import cross_entropy, hits
from utils.study.seeding import order_of_epoch

tf = import_tensorflow()
keras = tf.keras

MEASURES = ("loss", "cross_entropy", "accuracy")  # as `evaluate` names them


class PlainFit(Loop):
    """Train with `fit`: same weights, same order, any model and any callback."""

    def run(self, dataset, seed):
        """Train from fresh weights; returns what `Loop.ends` does."""
        model = self.seeded_model(seed)
        self.compile(model)
        keras.utils.set_random_seed(seed)
        history = History()
        measured = None
        if self.settings.train_metrics == "inference":
            measured = tensors(dataset.x_train, dataset.y_train)
        x_val, y_val = tensors(dataset.x_val, dataset.y_val)
        model.fit(
            self._batches(dataset, seed),
            epochs=self.settings.epochs,
            steps_per_epoch=-(-len(dataset.x_train) // self.settings.batch_size),
            validation_data=(x_val, self.labels(y_val)),
            validation_batch_size=EVALUATION_BATCH,
            # First, so that it sees the weights that validation saw: a callback that
            # swapped them in swaps them out again at the end of the test.
            callbacks=[Watch(self, history, measured), *self.condition.callbacks()],
            shuffle=False,
            verbose=0,
        )
        return self.ends(model, history, dataset)

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
        """Loss, cross-entropy and accuracy of tensors, as `evaluate` has them."""
        labels = self.labels(y)
        logs = model.evaluate(
            x, labels, batch_size=EVALUATION_BATCH, verbose=0, return_dict=True
        )
        return [logs[name] for name in MEASURES]

    def end(self, model, x, y):
        logits = model.predict(x, batch_size=EVALUATION_BATCH, verbose=0)
        answers = hits(y, logits).numpy().astype(bool)
        return End(float(tf.reduce_mean(cross_entropy(y, logits))), answers)


class Watch(keras.callbacks.Callback):
    """Write a history while `fit` trains; measured: tensors, or None for running."""

    def __init__(self, loop, history, measured):
        super().__init__()
        self.loop, self.history, self.measured = loop, history, measured
        self.epoch, self.measures = 0, None

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_test_end(self, logs=None):
        self.history.keep_best(self.model, self.epoch, logs["accuracy"])
        if self.measured:
            self.measures = self.loop.measure(self.model, *self.measured)

    def on_epoch_end(self, epoch, logs=None):
        missing = [name for name in MEASURES if name not in logs]
        if missing:
            raise ValueError(
                f"the train_step of {type(self.model).__name__} reports no "
                f"{' and no '.join(missing)}: end it with "
                "`return self.compute_metrics(x, y, y_pred)`"
            )
        running, val = ([logs[p + name] for name in MEASURES] for p in ("", "val_"))
        self.history.add(self.measures or running, val)
        self.model.stop_training |= self.history.diverged
