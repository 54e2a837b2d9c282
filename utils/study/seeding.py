"""Where a run starts and in which order it sees the data: fixed by its seed alone."""

import collections
import zlib

import numpy as np

from utils.runtime import import_tensorflow

keras = import_tensorflow().keras


def seeded_model(build, seed, image_shape=None):
    """Build a model whose initial weights depend on `seed` and their own shape alone.

    image_shape: (height, width, channels), for a model that does not name its input.
    Returns an uncompiled, built model. Layers that two models share start from equal
    weights, whatever stands between them: an added dropout shifts no draw. A seed
    that the builder gave to an initializer itself is kept.
    """
    keras.utils.set_random_seed(seed)
    model = build()
    if not model.built:
        model.build((None, *image_shape))
    seen = collections.Counter()
    for variable, initializer in _unseeded_weights(model):
        name = f"{variable.name} {tuple(variable.shape)}"
        seen[name] += 1
        entropy = [seed, zlib.crc32(name.encode()), seen[name]]
        draw = int(np.random.SeedSequence(entropy).generate_state(1)[0] >> 1)
        config = initializer.get_config() | {"seed": draw}
        fresh = type(initializer).from_config(config)
        variable.assign(fresh(variable.shape, dtype=variable.dtype))
    return model


def _unseeded_weights(model):
    for layer in model._flatten_layers():
        for name, initializer in list(vars(layer).items()):
            random = isinstance(initializer, keras.initializers.Initializer)
            if not random or initializer.get_config().get("seed", 0) is not None:
                continue
            role = name.removesuffix("_initializer")
            for attribute in (role, f"{role}_kernel", "kernel"):
                variable = getattr(layer, attribute, None)
                if hasattr(variable, "assign"):
                    yield variable, initializer
                    break


def order_of_epoch(n, seed, epoch):
    """Shuffle n examples: int32 (n,), the same for every condition of a seed."""
    return np.random.default_rng([seed, epoch]).permutation(n).astype("int32")
