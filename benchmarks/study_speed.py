"""The study engine against the plain Keras idiom, side by side in one run.

    python benchmarks/study_speed.py

The same models, data, epochs and optimizer: once as a loop of build, compile and fit
on NumPy arrays with validation after every epoch, once through utils.study.run. Times
exclude TensorFlow's import here, and include the start of the workers (which import
it again) where the table says cold. Ten thousand digits of MNIST are timed too where
COURSE_DATA has them. About ten minutes on two cores.
"""

import contextlib
import functools
import tempfile
import time

import joblib
import numpy as np
from joblib.externals.loky import get_reusable_executor

from utils.runtime import import_tensorflow

tf = import_tensorflow()

import keras  # noqa: E402
from keras import layers  # noqa: E402

from utils.data import DataError, load  # noqa: E402
from utils.models import small_cnn  # noqa: E402
from utils.study import run  # noqa: E402

BATCH = 32


def with_dropout(input_shape=(8, 8, 1)):
    """The workhorse with a dropout before its last layer."""
    model = small_cnn(input_shape)
    return keras.Sequential([*model.layers[:-1], layers.Dropout(0.5), model.layers[-1]])


def conditions(shape):
    return {
        "plain": functools.partial(small_cnn, shape),
        "dropout": functools.partial(with_dropout, shape),
    }


def digits(seed, train_size=400):
    return load("digits", train_size=train_size, label_noise=0.3, seed=seed)


def mnist(seed):
    return load("mnist_10k", train_size=1000, seed=seed)


def plain_idiom(shape, data, seeds, epochs):
    """Seconds of the loop that anyone would write."""
    begun = time.perf_counter()
    for build in conditions(shape).values():
        for seed in range(seeds):
            keras.utils.set_random_seed(seed)
            dataset, model = data(seed), build()
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            model.compile(keras.optimizers.Adam(1e-3), loss, metrics=["accuracy"])
            val = (dataset.x_val, dataset.y_val)
            model.fit(
                dataset.x_train,
                dataset.y_train,
                batch_size=BATCH,
                epochs=epochs,
                validation_data=val,
                verbose=0,
            )
            model.evaluate(dataset.x_test, dataset.y_test, verbose=0)
    return time.perf_counter() - begun


def engine(shape, data, seeds, epochs, *, n_jobs=None, warm=False):
    """Seconds of the same work through the engine, from an empty cache."""
    if not warm:
        get_reusable_executor().shutdown(wait=True, kill_workers=True)
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        run(
            conditions(shape),
            data,
            epochs=epochs,
            seeds=seeds,
            n_jobs=n_jobs,
            cache_dir=f"{folder}/runs",
        )
        return time.perf_counter() - begun


def matrix_product_rate():
    """Floating-point operations a second of one core, in large matrix products."""
    a = tf.constant(np.random.default_rng(0).random((2048, 2048), dtype="float32"))
    times = []
    for _ in range(10):
        begun = time.perf_counter()
        tf.linalg.matmul(a, a).numpy()
        times.append(time.perf_counter() - begun)
    return 2 * 2048**3 / min(times) / joblib.cpu_count(only_physical_cores=True)


def operations_a_step(shape):
    """Floating-point operations of one training step: three passes of two each."""
    products = 0
    for layer in small_cnn(shape).layers:
        if isinstance(layer, layers.Conv2D):
            _, height, width, _ = layer.output.shape
            products += height * width * int(np.prod(layer.kernel.shape))
        elif isinstance(layer, layers.Dense):
            products += int(np.prod(layer.kernel.shape))
    return 3 * 2 * BATCH * products


def compare(name, shape, data, seeds, epochs, rate):
    """Measure one work both ways and print its rows."""
    steps = 2 * seeds * epochs * -(-len(data(0).x_train) // BATCH)
    rows = {"plain Keras": plain_idiom(shape, data, seeds, epochs)}
    rows["engine, cold"] = engine(shape, data, seeds, epochs)
    rows["engine, warm"] = engine(shape, data, seeds, epochs, warm=True)
    floor = steps * operations_a_step(shape) / rate
    for way, seconds in rows.items():
        ratio, step = rows["plain Keras"] / seconds, 1e3 * seconds / steps
        share = floor / joblib.cpu_count(only_physical_cores=True) / seconds
        print(
            f"{name:8} {way:14} {seconds:8.1f} s {ratio:6.1f}x {step:8.2f} ms/step"
            f" {share:6.0%} of the product rate",
            flush=True,
        )


def growth(shape):
    """Print how the engine's cost grows, with workers already started."""
    few = functools.partial(digits, train_size=250)
    many = functools.partial(digits, train_size=1000)
    engine(shape, few, 2, 2)
    seconds = {
        "5 seeds, 250 images, 2 processes": engine(shape, few, 5, 60, warm=True),
        "seeds x4": engine(shape, few, 20, 60, warm=True),
        "images x4": engine(shape, many, 5, 60, warm=True),
    }
    engine(shape, few, 2, 2, n_jobs=1)
    seconds["1 process"] = engine(shape, few, 5, 60, n_jobs=1, warm=True)
    base = next(iter(seconds.values()))
    for name, value in seconds.items():
        print(f"{name:36} {value:8.1f} s {value / base:6.1f}x", flush=True)


def main():
    rate = matrix_product_rate()
    print(f"matrix products: {rate / 1e9:.0f} GFLOP/s a core")
    compare("digits", (8, 8, 1), digits, 5, 60, rate)
    with contextlib.suppress(DataError):  # there is no such file
        compare("mnist", (28, 28, 1), mnist, 2, 5, rate)
    growth((8, 8, 1))


if __name__ == "__main__":
    main()
