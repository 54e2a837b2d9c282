"""One digest for all that can change a number: code, what it reads, data.

A function is known by its syntax, its defaults, its closure, the globals that it reads
and the modules that it imports; an object by what pickle takes of it, which is all that
a worker gets to see; what comes from an installed package by name and version.
"""

import copyreg
import enum
import functools
import pathlib
import reprlib
import sys
import types

import numpy as np

from utils.study import keys_functions, keys_keras
from utils.study.keys_code import code_of, followed, hashed, in_library, version

__all__ = ["code_of", "fingerprint"]

PLAIN = {type(None), bool, int, float, complex, str, bytes, type(...)}
CACHED = type(functools.cache(len))
WRAPPERS = (property, staticmethod, classmethod, functools.cached_property, CACHED)
WRAPPED = ("fget", "fset", "fdel", "func", "__wrapped__")
DESCRIPTORS = (types.MemberDescriptorType, types.GetSetDescriptorType)
# What Python itself writes on a class; some of it changes while a class is used.
BOOKKEEPING = {
    *("__dict__", "__weakref__", "__doc__", "__module__", "__qualname__"),
    *("__annotations__", "__annotations_cache__", "__annotate_func__", "__replace__"),
    *("__abstractmethods__", "_abc_impl", "__slotnames__", "__match_args__"),
    *("__firstlineno__", "__static_attributes__", "__dataclass_params__"),
}


def fingerprint(*values: object) -> str:
    """Return a digest that is equal for equal values, in every process and folder.

    Not seen: what a function reads from disk or network, and names that it computes.

    Args:
        values: numbers, text, arrays, containers, functions, classes, Keras objects
            with their weights, and whatever else can be pickled.

    Returns:
        32 hexadecimal digits.

    Raises:
        TypeError: for what cannot be told apart, such as an open file, a lock or a
            generator.

    Source:
        Moore (1956), Gedanken-experiments on sequential machines: how many states
        of an automaton, or objects of a value, can be told apart.
    """
    nodes = _graph(values)
    digests, classes = [label for label, _, _ in nodes], 0
    while len(set(digests)) > classes:
        before, classes = digests, len(set(digests))
        digests = [_refined(node, before) for node in nodes]
    # The last round told no more objects apart, so old digests determine new ones. Two
    # values with the same table, and the same first object, unfold into the same tree,
    # wherever their cycles close and whatever they share.
    table = sorted({old + new for old, new in zip(before, digests, strict=True)})
    return hashed(digests[0] + b"".join(table)).hex()


def _graph(root):
    """List all that a value is made of, each object once: [(label, parts, ordered)].

    parts: a digest for what is plain, else a place in the list.
    """
    objects, places, nodes = [root], {id(root): 0}, []
    for value in objects:  # grows; it also keeps ids from being used again
        label, parts, *unordered = _taken_apart(value)
        found = []
        for part in parts:
            if type(part) in PLAIN:
                found.append(_plain(part))
                continue
            if places.setdefault(id(part), len(objects)) == len(objects):
                objects.append(part)
            found.append(places[id(part)])
        nodes.append((hashed(label), found, not unordered))
    return nodes


def _refined(node, digests):
    label, parts, ordered = node
    parts = [digests[part] if isinstance(part, int) else part for part in parts]
    return hashed(label + b"".join(parts if ordered else sorted(parts)))


def _plain(value):
    kind = type(value)
    if kind is not bytes:  # of an int in decimal, Python writes only so many digits
        value = (hex if kind is int else ascii)(value).encode()
    return hashed(kind.__name__.encode() + b" " + value)


def _taken_apart(value):
    """Return (label, parts): all that makes a value what it is."""
    try:
        return _by_kind(value)
    except Exception as error:
        why = str(error).strip().partition("\n")[0]
        raise TypeError(
            f"{reprlib.repr(value)} is used from outside the function, and there is no "
            f"telling whether it has changed: {why}. Make it inside the function."
        ) from error


def _by_kind(value):
    kind = type(value)
    if kind in (list, tuple):
        return kind.__name__, value
    if kind in (dict, types.MappingProxyType):
        return kind.__name__, [part for pair in value.items() for part in pair]
    if kind in (set, frozenset):
        return kind.__name__, value, "unordered"
    if isinstance(value, types.ModuleType):
        return _module(value)
    if name := _name_in_library(value):
        return name, ()
    if isinstance(value, type):
        members = {k: v for k, v in vars(value).items() if _says_something(k, v)}
        name = f"{value.__module__}.{value.__qualname__}"
        return f"class {name}", (kind, value.__bases__, members)
    if isinstance(value, types.FunctionType):
        return keys_functions.parts_of(value)
    if isinstance(value, types.CodeType):
        return keys_functions.bytecode(value)
    if isinstance(value, types.MethodType):
        return "method", (value.__func__, value.__self__)
    if isinstance(value, WRAPPERS):
        return "wrapper", (kind, *(getattr(value, name, None) for name in WRAPPED))
    if isinstance(value, np.ndarray | np.generic):
        return _array(value)
    if isinstance(value, pathlib.PurePath):
        return "path", (value.as_posix(),)
    if isinstance(value, enum.Enum):
        return "member", (kind, value.value)
    if hasattr(kind, "python_function"):  # made by tf.function
        settings = {k: v for k, v in vars(value).items() if isinstance(v, bool)}
        return "tf.function", (value.python_function, value.input_signature, settings)
    if hasattr(kind, "numpy"):
        return "tensor", (kind, np.asarray(value.numpy()))
    if keys_keras.is_keras(value):
        return "Keras", keys_keras.parts_of(value)
    return _pickled(value)


def _module(module):
    file = getattr(module, "__file__", None)  # a lazy module then learns its own name
    name = module.__name__
    if in_library(name):
        return f"library {name} {version(name)}", ()
    if file is None and hasattr(module, "__path__"):
        return f"folder {name}", ()  # its modules count where they are read
    if file is None:
        raise TypeError("it has no source")
    trees, packages = followed(name, file)
    versions = {package: version(package) for package in sorted(packages)}
    return f"module {name}", (dict(sorted(trees.items())), versions)


def _name_in_library(value):
    """Name what a package has under this very name; wrappers only copy one."""
    module = getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", None)
    if not (isinstance(module, str) and isinstance(name, str) and in_library(module)):
        return None
    try:
        found = functools.reduce(getattr, name.split("."), sys.modules.get(module))
    except AttributeError:
        return None
    return f"library {module} {name} {version(module)}" if found is value else None


def _says_something(name, member):
    return name not in BOOKKEEPING and not isinstance(member, DESCRIPTORS)


def _array(array):
    if isinstance(array, np.ma.MaskedArray):
        mask, data = np.ma.getmaskarray(array), np.asarray(array)
        return "masked array", (type(array), data, mask, array.fill_value)
    if isinstance(array, np.memmap):
        array = np.asarray(array)
    if array.dtype.hasobject or array.dtype.names:
        content = np.asarray(array).tolist()
    else:
        content = hashed(np.asarray(array).ravel().view(np.uint8).data)
    own = getattr(array, "__dict__", None)
    return f"array {array.dtype} {array.shape}", (type(array), content, own)


def _pickled(value):
    if hasattr(type(value), "__next__"):
        raise TypeError("reading it changes it")
    reduce = copyreg.dispatch_table.get(type(value))
    state = reduce(value) if reduce else value.__reduce_ex__(4)
    if isinstance(state, str):
        return f"global {state}", (type(value),)
    function, arguments, *rest = state
    if isinstance(value, set | frozenset):  # pickle lists its elements in any order
        arguments = (frozenset(value),)
    rest = [list(part) if hasattr(part, "__next__") else part for part in rest]
    return "object", (function, arguments, *rest)
