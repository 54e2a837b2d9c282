"""What a Keras object is: its configuration, its weights, and what it is made of."""

import re
import warnings

import numpy as np

from utils.study.keys_code import in_library

PLAIN = (type(None), bool, int, float, complex, str, bytes)
ARRAYS = (np.ndarray, np.generic, re.Pattern)
CONTAINERS = (list, tuple, set, frozenset)
SIMPLE = PLAIN + ARRAYS + CONTAINERS + (dict,)
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

    What is a learner's own, wherever it is held; all of a learner's own loss; nothing
    else of Keras' own initializer, whose configuration says all. Private names of
    Keras' own layers are its books; elsewhere those count that are made of numbers.
    """
    wrapped = getattr(value, "__wrapped__", None)  # the class's own `build`, by Keras
    if name in LEFT_BEHIND or getattr(wrapped, "__self__", None) is owner:
        return False
    if _is_tensor(value):  # counts among the variables
        return False
    if _is_ours(value) or not hasattr(owner, "variables"):
        return _is_ours(value) or _is_ours(owner)
    if name.startswith("_"):
        return _is_flat(value) and (_is_ours(owner) or not hasattr(owner, "call"))
    return _is_ours(owner) or isinstance(value, SIMPLE)


def _is_ours(value):
    """Tell a learner's own function, class, or object of such a class."""
    return not in_library(getattr(value, "__module__", None) or "builtins")


def _is_flat(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, CONTAINERS):
        return all(map(_is_flat, value))
    return isinstance(value, PLAIN + ARRAYS) or is_keras(value) or _is_tensor(value)


def _bare(value):
    """Take what a layer holds out of the containers in which Keras tracks it."""
    if not hasattr(value, "tracker"):
        return value
    if isinstance(value, dict):
        return {key: _bare(part) for key, part in value.items()}
    return [*map(_bare, value)] if isinstance(value, list) else set(value)


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
