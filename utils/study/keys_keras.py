"""What a Keras object is: its configuration, its weights, and what it is made of."""

import re
import types

import numpy as np

from utils.study.keys_code import in_library

PLAIN = (type(None), bool, int, float, complex, str, bytes)
CONTAINERS = (list, tuple, dict, np.ndarray)
OF_TRAINING = ("train_function", "test_function", "predict_function", "history")


def is_keras(value: object) -> bool:
    """Tell whether a value is a layer, a model, an optimizer, a loss, or the like."""
    return hasattr(type(value), "get_config") and not isinstance(value, type)


def parts_of(value: object) -> list:
    """Return all that can change what a Keras object computes.

    A configuration alone does not do: it has no weights, names functions without saying
    what they do, and holds of a learner's own class what its author thought of.

    Args:
        value: any object with a `get_config`.

    Returns:
        Its class, its configuration without the names that Keras counts up, its
        variables as arrays, its layers, and other attributes that count.
    """
    kind = type(value)
    config = value.get_config()
    held = vars(value) if hasattr(value, "__dict__") else {}
    variables = [*getattr(value, "variables", ()), *filter(_is_tensor, held.values())]
    whole = hasattr(value, "variables") or not in_library(kind.__module__)
    own = {k: _bare(v) for k, v in held.items() if whole and _counts(kind, k, v)}
    names = {}
    _find_counted_names([config, own], kind.__name__, names)
    arrays = [np.asarray(variable.numpy()) for variable in variables]
    layers = list(getattr(value, "layers", ()))
    return [kind, _renamed(config, names), arrays, layers, _renamed(own, names)]


def _is_tensor(value):
    return hasattr(type(value), "numpy")


def _counts(kind, name, value):
    """Tell whether an attribute may change what its owner computes.

    Keras keeps its books under private names, and so may a learner keep a number.
    """
    if name in OF_TRAINING or callable(value) and hasattr(kind, name):
        return False
    if isinstance(value, PLAIN):
        return not (name.startswith("_") and in_library(kind.__module__))
    made = isinstance(value, CONTAINERS + (types.FunctionType, type)) or is_keras(value)
    return made and not name.startswith("_")


def _bare(value):
    """Take a list or dictionary out of the one in which Keras tracks layers."""
    for kind in (list, dict):
        if isinstance(value, kind) and hasattr(value, "tracker"):
            return kind(value)
    return value


def _find_counted_names(config, kind, names):
    """Number anew what Keras called `dense_7` because six came before."""
    if isinstance(config, dict):
        kind = config.get("class_name", kind)
        name = config.get("name")
        if isinstance(name, str) and isinstance(kind, str):
            base = re.sub(r"_\d+$", "", name)
            if base.replace("_", "") == kind.lower().replace("_", ""):
                names.setdefault(name, f"{base} {len(names)}")
        config = list(config.values())
    if isinstance(config, list | tuple):
        for part in config:
            _find_counted_names(part, kind, names)


def _renamed(config, names):
    if isinstance(config, str):
        return names.get(config, config)
    if type(config) is dict:
        return {key: _renamed(part, names) for key, part in config.items()}
    if type(config) in (list, tuple):
        return type(config)(_renamed(part, names) for part in config)
    return config
