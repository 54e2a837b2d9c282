"""The capstone against KerasTuner's random search, at equal minutes.

    pip install keras-tuner tensorboard
    python benchmarks/capstone.py --minutes 3 --seeds 3 mnist_10k cifar10_10k

Both get the same data, network, methods and ranges, batches of 32, and the same minutes
from the moment that TensorFlow is imported, one after the other on all cores. The
capstone is the notebook of chapter 09, as `course.py run 09` runs it. The tuner trains
each trial for up to ten epochs (`--epochs`), stops it after three without a better
validation accuracy, and keeps the best epoch of the best trial. Both are judged by the
balanced accuracy of the model that they leave, on test images that neither has seen.
The tuner answers no other question: it compares nothing with plain, and says not how
sure it is. COURSE_DATA names the folder with the data. What was found, on two cores,
stands in benchmarks/capstone.csv.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def capstone(name, minutes, seed):
    """Run chapter 09 on a data set; returns what its result.json says."""
    from papermill import execute_notebook

    with tempfile.TemporaryDirectory() as folder:
        os.environ["COURSE_RUNS"] = f"{folder}/runs"
        parameters = {
            "dataset": name,
            "budget_minutes": minutes,
            "plan": None,
            "seed": seed,
        }
        execute_notebook(
            ROOT / "chapters" / "09_capstone.ipynb",
            f"{folder}/done.ipynb",
            parameters=parameters,
            kernel_name="python3",
            cwd=ROOT / "chapters",
            progress_bar=False,
        )
    result = ROOT / "build" / "capstone" / name / "result.json"
    return json.loads(result.read_text(encoding="utf-8"))


def recipe_of(hp):
    """The capstone's space, in KerasTuner's words: a `Recipe`."""
    from utils.capstone.recipes import RATES, Recipe

    def where(name, low, high, sampling="linear"):
        on = hp.Boolean(f"with_{name}")
        return hp.Float(name, low, high, sampling=sampling) if on else 0.0

    return Recipe(
        rate=hp.Float("rate", *RATES, sampling="log"),
        l2=where("l2", 1e-5, 1e-3, "log"),
        dropout=where("dropout", 0.2, 0.6),
        shifts=where("shifts", 0.04, 0.14),
        flips=hp.Boolean("flips"),
        batch_norm=hp.Boolean("batch_norm"),
    )


def tuner(name, minutes, seed, epochs):
    """Search at random until the minutes are over; returns what the best model is."""
    from utils.runtime import import_tensorflow

    tf = import_tensorflow()
    deadline = time.monotonic() + 60 * minutes
    keras = tf.keras
    import keras_tuner
    import numpy as np

    from utils.capstone.scores import balanced_accuracy
    from utils.capstone.search import condition
    from utils.data import load

    keras.utils.set_random_seed(seed)
    data = load(name, seed=seed)
    shape, classes = data.x_train.shape[1:], len(data.class_names)

    class Over(keras_tuner.errors.FatalError):
        """The minutes are over."""

    class Deadline(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training |= time.monotonic() > deadline

    class Model(keras_tuner.HyperModel):
        def build(self, hp):
            return compiled(condition(recipe_of(hp), shape, classes))

        def fit(self, hp, model, *args, **options):
            if time.monotonic() > deadline:
                raise Over
            augment = condition(recipe_of(hp), shape, classes).augment
            return model.fit(batches(augment), *args, **options)

    def compiled(recipe):
        model = recipe.build()
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(recipe.optimizer(), loss, metrics=["accuracy"])
        return model

    def batches(augment):
        images = tf.data.Dataset.from_tensor_slices((data.x_train, data.y_train))
        images = images.shuffle(len(data.y_train), seed=seed).batch(32)
        if augment is not None:
            seeds = tf.data.Dataset.random(seed).batch(2)
            images = tf.data.Dataset.zip(images, seeds).map(
                lambda batch, draw: augment(*batch, tf.cast(draw % 2**31, tf.int32)),
                num_parallel_calls=tf.data.AUTOTUNE,
            )
        return images.prefetch(tf.data.AUTOTUNE)

    with tempfile.TemporaryDirectory() as folder:
        search = keras_tuner.RandomSearch(
            Model(),
            objective="val_accuracy",
            max_trials=100_000,
            seed=seed,
            directory=folder,
        )
        stopping = keras.callbacks.EarlyStopping(monitor="val_accuracy", patience=3)
        with contextlib.suppress(Over):
            search.search(
                epochs=epochs,
                validation_data=(data.x_val, data.y_val),
                callbacks=[stopping, Deadline()],
                verbose=0,
            )
        (best,) = search.get_best_models(1)
        (values,) = search.get_best_hyperparameters(1)
        trials = len(search.oracle.end_order)
    answers = np.argmax(best.predict(data.x_test, verbose=0), axis=1)
    return {
        "accuracy_saved": balanced_accuracy(data.y_test, answers),
        "recipe": str(recipe_of(values)),
        "trials": trials,
    }


def alone(who, *arguments):
    """Do one run in a process of its own; returns what it printed last."""
    command = [sys.executable, __file__, "--one", who, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def compare(name, minutes, seeds, epochs):
    """Run both for each seed, and print a row for each."""
    gaps = []
    for seed in range(seeds):
        ours = alone("capstone", name, minutes, seed)
        theirs = alone("tuner", name, minutes, seed, epochs)
        gaps.append(100 * (ours["accuracy_saved"] - theirs["accuracy_saved"]))
        print(
            f"{name}, {minutes:g} minutes, seed {seed}: capstone "
            f"{ours['accuracy_saved']:.3f} ({ours['verdict']}, {ours['pairs']} pairs, "
            f"{ours['seconds']:.0f} s), tuner {theirs['accuracy_saved']:.3f} "
            f"({theirs['trials']} trials): {gaps[-1]:+.1f} points",
            flush=True,
        )
    mean, worst = sum(gaps) / len(gaps), min(gaps)
    print(
        f"{name}, {minutes:g} minutes: {mean:+.1f} on the mean, {worst:+.1f} at worst"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", metavar="NAME")
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=10, help="of a tuner's trial")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.one:
        for name in options.names:
            compare(name, options.minutes, options.seeds, options.epochs)
        return
    who, name, minutes, *rest = options.names
    run = {"capstone": capstone, "tuner": tuner}[who]
    print(json.dumps(run(name, float(minutes), *map(int, rest))))


if __name__ == "__main__":
    main()
