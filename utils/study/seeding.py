"""Where a run starts and in which order it sees the data: fixed by its seed alone."""

import collections
import contextlib
import random
import zlib
from collections.abc import Callable, Iterator

import numpy as np

from utils.runtime import import_tensorflow

keras = import_tensorflow().keras

SETTINGS = ("dtype_policy", "floatx", "epsilon", "image_data_format")


def keras_settings() -> dict:
    """Return what `keras.config` is set to, as plain values."""
    settings = {name: getattr(keras.config, name)() for name in SETTINGS}
    return settings | {"dtype_policy": settings["dtype_policy"].name}


@contextlib.contextmanager
def keras_set_to(settings: dict) -> Iterator[None]:
    """Set `keras.config` for a while; what is set inside does not leak out either."""
    before = keras_settings()
    try:
        _set(settings)
        yield
    finally:
        _set(before)


def _set(settings):
    for name, value in settings.items():
        getattr(keras.config, f"set_{name}")(value)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Undo what a builder does to Keras' settings, Python's and NumPy's random numbers.

    Keras draws its layers' seeds from Python's.
    """
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        with keras_set_to({}):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002


def with_weights(model, image_shape: tuple[int, ...]):
    """Give a model its weights, where it waits for images to learn their shape.

    Args:
        model: A Keras model, built or not: Sequential, functional or subclassed.
        image_shape: (height, width, channels).

    Returns:
        The shape of its outputs, without the batch; None where it has several.
    """
    outputs = model(keras.Input(image_shape))
    return tuple(outputs.shape[1:]) if hasattr(outputs, "shape") else None


def seeded_model(build: Callable, seed: int, image_shape: tuple[int, ...]):
    """Build a model whose initial weights depend on `seed` and their own shape alone.

    Layers that two models share start from equal weights, whatever stands between
    them: an added dropout shifts no draw. A seed that the builder gave to an
    initializer itself is kept.

    Args:
        build: Gives a fresh model.
        seed: From 0 to 2**31-1.
        image_shape: (height, width, channels), for a model that waits for its input.

    Returns:
        An uncompiled model that has its weights.
    """
    keras.utils.set_random_seed(seed)
    # A builder may set Keras' dtype policy: not for the builds that come after it.
    with keras_set_to({}), _noted_weights() as noted:
        model = build()
        with_weights(model, image_shape)
    seen = collections.Counter()
    for variable, initializer, role in noted:
        if not _draws_without_seed(initializer):
            continue
        name = f"{role} {tuple(variable.shape)}"
        seen[name] += 1
        entropy = [seed, zlib.crc32(name.encode()), seen[name]]
        draw = int(np.random.SeedSequence(entropy).generate_state(1)[0] >> 1)
        config = initializer.get_config() | {"seed": draw}
        fresh = type(initializer).from_config(config)
        variable.assign(fresh(variable.shape, dtype=variable.dtype))
    return model


@contextlib.contextmanager
def _noted_weights():
    """List (variable, initializer, name) of every weight that a layer adds meanwhile.

    A layer need not keep its initializer: `add_weight` is where every one comes by.
    """
    noted, add_weight = [], keras.layers.Layer.add_weight

    def noting(layer, *args, initializer=None, **options):
        variable = add_weight(layer, *args, initializer=initializer, **options)
        given = args[1] if len(args) > 1 else initializer
        if given is None and "float" in variable.dtype:
            given = "glorot_uniform"  # the default of add_weight
        # One that was not named has a running number for a name.
        role = options.get("name") or "variable"
        noted.append((variable, keras.initializers.get(given), role))
        return variable

    keras.layers.Layer.add_weight = noting
    try:
        yield noted
    finally:
        keras.layers.Layer.add_weight = add_weight


def _draws_without_seed(initializer):
    has_config = isinstance(initializer, keras.initializers.Initializer)
    return has_config and initializer.get_config().get("seed", 0) is None


def order_of_epoch(n: int, seed: int, epoch: int) -> np.ndarray:
    """Shuffle n examples: int32 (n,), the same for every condition of a seed."""
    return np.random.default_rng([seed, epoch]).permutation(n).astype("int32")
