"""What a Keras object is: its configuration, its weights, and what it is made of."""

import re
import warnings

import numpy as np

from utils.study.keys_code import in_library

PLAIN = (type(None), bool, int, float, complex, str, bytes)
FLAT = PLAIN + (np.ndarray, np.generic)
CONTAINERS = (list, tuple, set, frozenset)
SIMPLE = FLAT + CONTAINERS + (dict,)
# What training leaves behind, and where in a model a layer was first called.
LEFT_BEHIND = ("train_function", "test_function", "predict_function", "history")
LEFT_BEHIND += ("_compile_loss", "_compile_metrics", "_path", "_parent_path")


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
    kind, held = type(value), getattr(value, "__dict__", {})
    variables = list(getattr(value, "variables", ()))
    known = {id(variable) for variable in variables}
    variables += [v for v in held.values() if _is_tensor(v) and id(v) not in known]
    own = {k: _bare(v) for k, v in held.items() if _counts(value, k, v)}
    config, names = _configuration(value), {}
    _find_counted_names([config, own], kind.__name__, names)
    arrays = [np.asarray(variable.numpy()) for variable in variables]
    layers = list(getattr(value, "layers", ()))
    return [kind, _renamed(config, names), arrays, layers, _renamed(own, names)]


def _configuration(value):
    """Ask for the configuration; a learner's own class may have none."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of lambdas, as if to save it
            return value.get_config()
    except NotImplementedError:
        if in_library(type(value).__module__):
            raise
        return None  # its attributes say it


def _is_tensor(value):
    return hasattr(type(value), "numpy")


def _counts(owner, name, value):
    """Tell whether an attribute may change what its owner computes.

    All of a learner's own loss; of a learner's layer, where Keras keeps its books under
    private names, what is public, flat or made of layers; nothing of Keras' own
    initializer, whose configuration says all.
    """
    ours = not in_library(type(owner).__module__)
    if not hasattr(owner, "variables"):
        return ours and not _is_tensor(value)
    method = callable(value) and hasattr(type(owner), name)
    if name in LEFT_BEHIND or method or _is_tensor(value):
        return False
    if not in_library(type(value).__module__):
        return True
    if name.startswith("_"):
        return ours and _is_flat(value)
    return ours or callable(value) or is_keras(value) or isinstance(value, SIMPLE)


def _is_flat(value):
    if isinstance(value, dict):
        value = list(value.values())
    parts = value if isinstance(value, CONTAINERS) else [value]
    return all(isinstance(part, FLAT) or is_keras(part) for part in parts)


def _bare(value):
    """Take a container out of the one in which Keras tracks layers."""
    for kind in (list, dict, set):
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
