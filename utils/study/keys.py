"""One digest for all that can change a number: code, what it closes over, data.

A function is known by its bytecode, constants, defaults, closure and the globals it
reads, recursively; not by a pickle, whose bytes change from process to process. What
comes from an installed package is known by its name and version.
"""

import dataclasses
import dis
import enum
import functools
import hashlib
import pathlib
import sys
import sysconfig
import types

import numpy as np

PLAIN = (type(None), bool, int, float, complex, str, bytes, range, slice, type(...))
LIBRARIES = [sysconfig.get_path(k) for k in ("stdlib", "platstdlib", "purelib")]
LIBRARIES.append(sysconfig.get_path("platlib"))
SLOTS = (types.MemberDescriptorType, types.GetSetDescriptorType)
BOOKKEEPING = ("__dict__", "__weakref__", "__doc__", "__module__", "__qualname__")
BOOKKEEPING += ("__annotations__", "__abstractmethods__", "_abc_impl", "__replace__")
BOOKKEEPING += (
    "__slotnames__",
    "__firstlineno__",
    "__static_attributes__",
    "__repr__",
    "__hash__",
)


def fingerprint(*values):
    """Return a hexadecimal digest of 32 digits, equal for equal values.

    Takes numbers, text, arrays, containers, functions, classes, Keras objects,
    dataclasses and plain objects. Raises TypeError for what cannot be told apart
    reliably, such as an open file or a generator.
    """
    return _Digest().of(values).hex()


class _Digest:
    def __init__(self):
        self.inside = []

    def of(self, value):
        if isinstance(value, PLAIN):
            return self._join(type(value).__name__, repr(value))
        if id(value) in self.inside:  # a function that calls itself, say
            return self._join("inside", str(self.inside.index(id(value))))
        self.inside.append(id(value))
        try:
            return self._of_object(value)
        finally:
            self.inside.pop()

    def _join(self, *parts):
        digest = hashlib.blake2b(digest_size=16)
        for part in parts:
            part = part.encode() if isinstance(part, str) else part
            digest.update(len(part).to_bytes(8, "little") + part)
        return digest.digest()

    def _all(self, kind, values):
        return self._join(kind, *(self.of(value) for value in values))

    def _unordered(self, kind, values):
        # Each on its own, so that no element's digest depends on its neighbours.
        return self._join(kind, *sorted(_Digest().of(value) for value in values))

    def _of_object(self, value):
        kind = type(value).__name__
        if isinstance(value, np.ndarray) and value.dtype != object:
            array = np.ascontiguousarray(value)
            return self._join("array", str((array.dtype, array.shape)), array.data)
        if isinstance(value, np.generic | pathlib.PurePath | enum.Enum):
            return self._join(kind, repr(value))
        if isinstance(value, list | tuple):
            return self._all(kind, value)
        if isinstance(value, dict):
            return self._join(
                kind, *(self.of(k) + self.of(v) for k, v in value.items())
            )
        if isinstance(value, set | frozenset):
            return self._unordered(kind, value)
        if isinstance(value, types.ModuleType):
            return self._of_module(value)
        if isinstance(value, types.CodeType):
            return self._of_code(value)
        if isinstance(value, functools.partial):
            return self._all("partial", (value.func, value.args, value.keywords))
        if isinstance(value, types.MethodType):
            return self._all("method", (value.__func__, value.__self__))
        if isinstance(value, type) or callable(value) and hasattr(value, "__name__"):
            return self._of_named(value)
        return self._of_instance(value)

    def _of_named(self, value):
        """A function or a class: from a library by name, else by what it says."""
        name = f"{value.__module__}.{getattr(value, '__qualname__', value.__name__)}"
        if _in_library(value.__module__):
            return self._join("library", name, _version(value.__module__))
        if isinstance(value, type):
            members = {k: v for k, v in vars(value).items() if _says_something(k, v)}
            return self._all("class", (name, value.__bases__, members))
        value = getattr(value, "python_function", value)  # what tf.function wraps
        function = getattr(value, "__wrapped__", value)
        if not isinstance(function, types.FunctionType):
            raise TypeError(f"cannot tell {value!r} apart from others of its kind")
        cells = [_content(cell) for cell in function.__closure__ or ()]
        names = sorted(set(_globals_read(function.__code__)))
        space = function.__globals__
        read = {name: space[name] for name in names if name in space}
        parts = (function.__code__, function.__defaults__, function.__kwdefaults__)
        return self._all("function", (*parts, cells, read))

    def _of_code(self, code):
        parts = (code.co_code, code.co_consts, code.co_names, code.co_freevars)
        counts = (code.co_argcount, code.co_kwonlyargcount, code.co_flags)
        return self._all("code", (*parts, *counts, code.co_exceptiontable))

    def _of_module(self, module):
        path = getattr(module, "__file__", None)
        if path is None or _in_library(module.__name__):
            name = module.__name__
            return self._join("module", name, _version(name))
        return self._join("module", pathlib.Path(path).read_bytes())

    def _of_instance(self, value):
        if isinstance(value, property | staticmethod | classmethod):
            parts = [getattr(value, k, None) for k in ("fget", "fset", "__func__")]
            return self._all(type(value).__name__, parts)
        if hasattr(value, "numpy"):
            return self._all("tensor", (np.asarray(value.numpy()),))
        if hasattr(value, "get_config"):
            config = {k: v for k, v in value.get_config().items() if k != "name"}
            return self._all("configured", (type(value), config))
        if dataclasses.is_dataclass(value):
            fields = [getattr(value, f.name) for f in dataclasses.fields(value)]
            return self._all("dataclass", (type(value), fields))
        if hasattr(value, "__dict__") and not hasattr(value, "__next__"):
            return self._all("object", (type(value), vars(value)))
        raise TypeError(
            f"{value!r} is used from outside the function, and there is no telling "
            "whether it has changed. Make it inside the function instead."
        )


def _globals_read(code):
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _globals_read(constant)


def _says_something(name, member):
    made = name in BOOKKEEPING or name.startswith(("__dataclass_", "__annot"))
    return not made and not isinstance(member, SLOTS)


def _content(cell):
    try:
        return cell.cell_contents
    except ValueError:  # a name that is bound later
        return None


@functools.cache
def _in_library(name):
    module = sys.modules.get((name or "builtins").partition(".")[0])
    path = getattr(module, "__file__", None)
    if module is None or name == "__main__":
        return False
    if path is None:
        return True
    return any(pathlib.Path(path).is_relative_to(root) for root in LIBRARIES)


def _version(name):
    module = sys.modules.get((name or "builtins").partition(".")[0])
    return str(getattr(module, "__version__", ""))
