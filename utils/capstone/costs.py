"""What this machine takes for a step, measured with all workers busy."""

import dataclasses
import time
from types import SimpleNamespace

import joblib
import numpy as np
import psutil

from utils.capstone.recipes import Recipe
from utils.runtime import minded, prepare_worker

BATCH = 32
WORKER_BYTES = 1.2 * 2**30
LEFT_FREE_BYTES = 1.0 * 2**30
MEASURED_SECONDS = 0.4
LARGEST_SIDE = 64  # that is measured
EVERYTHING = Recipe(1e-3, 1e-4, 0.5, 0.1, True, True)
OF_BATCH_NORM = 0.75  # its part in what everything costs more than plain


@dataclasses.dataclass(frozen=True)
class Costs:
    """Seconds of one worker, for images of one size.

    Args:
        plain: A step of training without methods.
        everything: A step with all of them.
        image: To answer one image.
        trace: To make a model ready; once a recipe and worker.
    """

    plain: float
    everything: float
    image: float
    trace: float

    def step(self, recipe: Recipe) -> float:
        """Seconds of a step of a recipe, from its methods."""
        share = OF_BATCH_NORM * recipe.batch_norm
        share += (1 - OF_BATCH_NORM) * bool(recipe.shifts or recipe.flips)
        return self.plain + share * (self.everything - self.plain)


def workers() -> int:
    """Count the workers that cores and free memory allow, at least one."""
    free = psutil.virtual_memory().available - LEFT_FREE_BYTES
    cores = joblib.cpu_count(only_physical_cores=True)
    return max(1, min(cores, int(free // WORKER_BYTES)))


def measure(
    shapes: dict[int, tuple[int, int, int]], classes: int, n_jobs: int
) -> dict[int, Costs]:
    """Measure a few steps for two sizes of image, and reckon the others by their area.

    Args:
        shapes: {longer side: (height, width, channels)}.
        classes: How many.
        n_jobs: Workers that measure at the same time, as they will train.

    Returns:
        {longer side: the mean over the workers}.
    """
    sides = sorted(shapes, reverse=True)
    tried = ([side for side in sides if side <= LARGEST_SIDE] or sides[-1:])[:2]
    calls = [
        joblib.delayed(_measured)([shapes[side] for side in tried], classes)
        for _ in range(n_jobs)
    ]
    # The pool of a study: one of another kind would be started anew.
    found = joblib.Parallel(
        n_jobs=max(2, n_jobs), batch_size=1, pre_dispatch="all", **minded()
    )(calls)
    known = dict(zip(tried, np.mean(found, axis=0), strict=True))

    def reckoned(side):
        nearest = min(tried, key=lambda one: abs(one - side))
        area = np.prod(shapes[side][:2]) / np.prod(shapes[nearest][:2])
        *seconds, trace = known[nearest]
        return Costs(*(float(area * value) for value in seconds), float(trace))

    return {side: reckoned(side) for side in sides}


def _measured(shapes, classes):
    """Costs for each shape; what methods add is measured on the smallest alone."""
    prepare_worker()
    *larger, smallest = shapes
    plain, trace, image = _seconds(Recipe(1e-3), smallest, classes)
    everything, longer, _ = _seconds(EVERYTHING, smallest, classes)
    trace = (trace + longer) / 2
    costs = [(plain, everything, image, trace)]
    for shape in larger:
        step, _, answer = _seconds(Recipe(1e-3), shape, classes)
        costs.insert(-1, (step, step * everything / plain, answer, trace))
    return costs


def _seconds(recipe, shape, classes):
    """Seconds of a step, of making ready, and of one image's answer."""
    import tensorflow as tf

    from utils.capstone.search import condition
    from utils.study.compat import one_after_another
    from utils.study.loops import FastLoop
    from utils.study.seeding import keras_settings
    from utils.study.training import Settings

    begun = time.perf_counter()
    data = _noise(shape, classes)
    settings = Settings(1, BATCH, "running", keras_settings())
    loop = FastLoop(condition(recipe, shape, classes), data, settings)
    x, y = tf.constant(data.x_train), tf.constant(data.y_train)
    order, zero = tf.range(len(x)), tf.constant(0)

    def train():
        loop.train_epoch(x, y, order, zero, zero)

    with one_after_another():
        train()
        trace = time.perf_counter() - begun
        step = _repeated(train) / (len(x) / BATCH)
        image = _repeated(lambda: loop.evaluate(x, y)) / len(x)
    return step, trace, image


def _repeated(act):
    begun, times = time.perf_counter(), 0
    while time.perf_counter() - begun < MEASURED_SECONDS:
        act()
        times += 1
    return (time.perf_counter() - begun) / times


def _noise(shape, classes):
    """As many images as four steps need, with the six arrays of a `Dataset`."""
    rng = np.random.default_rng(0)
    x = rng.random((4 * BATCH, *shape), np.float32)
    y = np.arange(len(x), dtype=np.int32) % classes
    arrays = {
        f"{kind}_{part}": v
        for part in ("train", "val", "test")
        for kind, v in (("x", x), ("y", y))
    }
    return SimpleNamespace(class_names=tuple(map(str, range(classes))), **arrays)
