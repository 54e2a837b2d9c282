"""What changes a fingerprint, and what must not."""

import collections
import copy
import datetime
import enum
import functools
import importlib
import importlib.metadata
import itertools
import operator
import os
import pathlib
import random
import re
import subprocess
import sys
import threading
import types

import numpy as np
import pytest

from tests.study.cells import cell, executed, folder
from utils.study import keys_code, keys_functions
from utils.study.keys import fingerprint

WAYS = {"syntax": cell, "bytecode": executed}
DIFFERENT = {
    "constant": ("def f(): return 1", "def f(): return 2"),
    "operator": ("def f(x): return x + 1", "def f(x): return x - 1"),
    "attribute": ("def f(x): return x.min()", "def f(x): return x.max()"),
    "default": ("def f(x=1): return x", "def f(x=2): return x"),
    "computed default": ("a = 1\ndef f(x=a): return x", "a = 2\ndef f(x=a): return x"),
    "keyword default": (
        "a = 1\ndef f(*, x=a): return x",
        "a = 2\ndef f(*, x=a): return x",
    ),
    "global": ("a = 1\ndef f(): return a", "a = 2\ndef f(): return a"),
    "helper": (
        "def g(): return 1\ndef f(): return g()",
        "def g(): return 2\ndef f(): return g()",
    ),
    "global of an inner function": (
        "a = 1\ndef f():\n def g(): return a\n return g",
        "a = 2\ndef f():\n def g(): return a\n return g",
    ),
    "closure": (
        "def make(a):\n return lambda: a\nf = make(1)",
        "def make(a):\n return lambda: a\nf = make(2)",
    ),
    "which name a value has": (
        "def make(a, b):\n return lambda: a - b\nf = make(1, 2)",
        "def make(b, a):\n return lambda: a - b\nf = make(1, 2)",
    ),
    "name bound later": (
        "def make():\n f = lambda: a\n return f\n a = 1\nf = make()",
        "def make():\n f = lambda: a\n a = None\n return f\nf = make()",
    ),
    "one of two lambdas on a line": (
        "f, g = lambda: 1, lambda: 2",
        "g, f = lambda: 1, lambda: 2",
    ),
    "method of a class": (
        "class C:\n def call(self): return 1\ndef f(): return C()",
        "class C:\n def call(self): return 2\ndef f(): return C()",
    ),
    "base class": (
        "class A: x = 1\nclass C(A): pass\ndef f(): return C()",
        "class A: x = 2\nclass C(A): pass\ndef f(): return C()",
    ),
    "metaclass": (
        "class M(type): x = 1\nclass C(metaclass=M): pass\ndef f(): return C",
        "class M(type): x = 2\nclass C(metaclass=M): pass\ndef f(): return C",
    ),
    "property": (
        "class C:\n @property\n def x(self): return 1\ndef f(): return C()",
        "class C:\n @property\n def x(self): return 2\ndef f(): return C()",
    ),
    "cached property": (
        "from functools import cached_property\n"
        "class C:\n @cached_property\n def x(self): return 1\ndef f(): return C()",
        "from functools import cached_property\n"
        "class C:\n @cached_property\n def x(self): return 2\ndef f(): return C()",
    ),
    "dataclass field": (
        "from dataclasses import dataclass\n"
        "@dataclass\nclass C: x: int = 1\ndef f(): return C()",
        "from dataclasses import dataclass\n"
        "@dataclass\nclass C: x: int = 2\ndef f(): return C()",
    ),
    "state of an object": (
        "class C: pass\nc = C(); c.x = 1\ndef f(): return c",
        "class C: pass\nc = C(); c.x = 2\ndef f(): return c",
    ),
    "attribute of a function": (
        "def f(): return f.x\nf.x = 1",
        "def f(): return f.x\nf.x = 2",
    ),
    "type of a number": ("def f(): return 1", "def f(): return 1.0"),
    "text against bytes": ("def f(): return 'a'", "def f(): return b'a'"),
    "module": (
        "import math as m\ndef f(): return m.inf",
        "import cmath as m\ndef f(): return m.inf",
    ),
    "what is imported inside": (
        "def f():\n from math import inf as a\n return a",
        "def f():\n from cmath import inf as a\n return a",
    ),
    "decorator": (
        "import functools\ndef by(k):\n def wrap(g):\n  @functools.wraps(g)\n"
        "  def call(x): return k * g(x)\n  return call\n return wrap\n"
        "def g(x): return x\nf = by(1)(g)",
        "import functools\ndef by(k):\n def wrap(g):\n  @functools.wraps(g)\n"
        "  def call(x): return k * g(x)\n  return call\n return wrap\n"
        "def g(x): return x\nf = by(5)(g)",
    ),
    "wrapper of a library's function": (
        "import functools, numpy\n@functools.wraps(numpy.sum)\n"
        "def f(x): return 1 * numpy.sum(x)",
        "import functools, numpy\n@functools.wraps(numpy.sum)\n"
        "def f(x): return 5 * numpy.sum(x)",
    ),
    "cached function": (
        "import functools\n@functools.cache\ndef f(x): return x + 1",
        "import functools\n@functools.cache\ndef f(x): return x + 2",
    ),
    "function within a library's": (
        "import contextlib\n@contextlib.contextmanager\ndef f(): yield 1",
        "import contextlib\n@contextlib.contextmanager\ndef f(): yield 2",
    ),
}
SAME = {
    "comment": ("def f(): return 1", "# a comment\n\ndef f():\n    return 1  # one"),
    "unused global": ("a = 1\ndef f(): return 3", "a = 2\ndef f(): return 3"),
    "attribute that is a global's name too": (
        "a = 1\ndef f(x): return x.a",
        "a = 2\ndef f(x): return x.a",
    ),
    "recursion": (
        "def f(n): return n and f(n - 1)",
        "def f(n): return n and f(n - 1)",
    ),
    "where a circle of functions is entered": (
        "def f(): return g()\ndef g(): return f()",
        "def g(): return f()\ndef f(): return g()",
    ),
}


class Kept:
    """Gives attributes to types that have none."""


class Deque(collections.deque, Kept):
    pass


class List(list, Kept):
    pass


class Set(set, Kept):
    pass


class Number(float, Kept):
    pass


class Array(np.ndarray, Kept):
    pass


class Slotted:
    __slots__ = ("__dict__", "inside")


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Paint(enum.Enum):
    RED = 1


def made(kind, *arguments, **attributes):
    value = kind(*arguments)
    for name, attribute in attributes.items():
        setattr(value, name, attribute)
    return value


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", DIFFERENT)
def test_a_change_shows(name, way):
    a, b = (fingerprint(WAYS[way](source)) for source in DIFFERENT[name])
    assert a != b


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", SAME)
def test_what_changes_nothing_does_not_show(name, way):
    a, b = (fingerprint(WAYS[way](source)) for source in SAME[name])
    assert a == b


def test_a_type_does_not_show():
    plain = cell("def f(x, *, y=1):\n    return x + y")
    typed = cell("def f(x: float, *, y: int = 1) -> float:\n    return x + y")
    assert fingerprint(plain) == fingerprint(typed)


def test_a_docstring_does_not_show():
    a, b = (f"def f():\n def g():\n  '{d}'\n return g" for d in ("one", "two"))
    assert fingerprint(cell(a)) == fingerprint(cell(b))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([1, 2], [2, 1]),
        ([1, 2], (1, 2)),
        ([[1], 2], [[1, 2]]),
        ([1, [2, 3]], [[1, 2], 3]),
        ([[[[1]]], ([[2]],)], [[[[2]]], ([[1]],)]),
        ("a", b"'a'"),
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, types.MappingProxyType({"a": 1})),
        ({1, 2}, {1, 3}),
        ({1, 2}, frozenset({1, 2})),
        ({(1,), (2,)}, {(1,), (3,)}),
        (True, 1),
        ([10**5000], [10**5000 + 1]),
        (np.sum, np.mean),
        (np.add, np.subtract),
        (slice(1), slice(2)),
        (range(3), range(4)),
        (Colour.RED, Colour.BLUE),
        (Colour.RED, Paint.RED),
        (Colour.RED, 1),
        (pathlib.PurePath("a"), pathlib.PurePath("b")),
        (functools.partial(int, base=2), functools.partial(int, base=8)),
        ([1].append, [2].append),
        ({1: 2}.get, {1: 3}.get),
        (operator.itemgetter(1), operator.itemgetter(2)),
        (re.compile("a"), re.compile("a", re.I)),
        (datetime.date(2020, 1, 1), datetime.date(2020, 1, 2)),
        (collections.OrderedDict(a=1), collections.OrderedDict(a=2)),
        (collections.defaultdict(int), collections.defaultdict(list)),
        (collections.deque([1], 3), collections.deque([1], 4)),
        (random.Random(1), random.Random(2)),
        (np.random.default_rng(1), np.random.default_rng(2)),
        (np.random.RandomState(1), np.random.RandomState(2)),
        (np.zeros(3), np.zeros(3, "float32")),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (np.zeros(()), np.float64(0)),
        (np.zeros(2, "<f4"), np.zeros(2, ">f4")),
        (np.array([0.0]), np.array([1e-300])),
        (np.array(["a"]), np.array(["b"])),
        (np.array(["2020"], "M8[D]"), np.array(["2021"], "M8[D]")),
        (np.array([1, None]), np.array([2, None])),
        (np.array([(1, 2)], "i4,f4"), np.array([(1, 3)], "i4,f4")),
        (np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[1, 0])),
        (np.ma.array([1, 2]), np.array([1, 2])),
        (made(Deque, "a"), made(Deque, "b")),
        (made(List, x=1), made(List, x=2)),
        (made(List, "a", x=1), made(List, "b", x=1)),
        (made(Set, "ab"), made(Set, "ac")),
        (made(Set, x=1), made(Set, x=2)),
        (made(Number, 1, x=1), made(Number, 1, x=2)),
        (made(Array, 0, x=1), made(Array, 0, x=2)),
        (made(Slotted, inside=1, x=1), made(Slotted, inside=2, x=1)),
        (made(Slotted, inside=1, x=1), made(Slotted, inside=1, x=2)),
    ],
)
def test_values_that_differ(a, b):
    assert fingerprint(a) != fingerprint(b)


def circle(length):
    """A list that comes back to itself after so many steps."""
    last = [1]
    first = last
    for _ in range(length - 1):
        first = [1, first]
    last.append(first)
    return first


SHARED = [1]
LARGE = np.arange(6).reshape(2, 3)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (LARGE, np.asfortranarray(LARGE)),
        (np.arange(6)[::2], np.array([0, 2, 4])),
        ({"b", "a", "c"}, {"c", "b", "a"}),
        (made(Set, "abc"), made(Set, "cba")),
        (functools.partial(int, base=2), functools.partial(int, base=2)),
        (np.random.default_rng(1), np.random.default_rng(1)),
        ([SHARED, SHARED], [[1], [1]]),
        (circle(1), circle(2)),
        (circle(3), circle(3)[1]),
    ],
)
def test_values_that_are_the_same(a, b):
    assert fingerprint(a) == fingerprint(b)


def test_an_array_on_disk_is_one_in_memory(tmp_path):
    np.save(tmp_path / "a.npy", LARGE)
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert fingerprint(mapped) == fingerprint(LARGE)


def test_an_array_in_a_closure():
    first = cell("def f(): return a", a=np.zeros(3))
    second = cell("def f(): return a", a=np.ones(3))
    assert fingerprint(first) != fingerprint(second)


def test_each_function_is_looked_at_once(monkeypatch):
    seen = collections.Counter()

    def counted(code, look=keys_functions.syntax_of):
        seen[code.co_name] += 1
        assert seen[code.co_name] == 1
        return look(code)

    monkeypatch.setattr(keys_functions, "syntax_of", counted)
    lines = [f"def f{i}(): return f{i - 1}() + g{i - 1}()" for i in range(1, 30)]
    lines += [f"def g{i}(): return f{i - 1}() * g{i - 1}()" for i in range(1, 30)]
    lines += ["def f0(): return g29", "g0 = f0", "f = f29"]
    fingerprint(executed("\n".join(lines)))
    assert len(seen) == 59


MODULES = {
    "what it says": {"settings.py": "units = {}"},
    "what a module says that it imports": {
        "settings.py": "import deep\nunits = [deep]",
        "deep.py": "units = {}",
    },
    "what it imports inside a function": {
        "settings.py": "def units():\n from deep import units\n return units",
        "deep.py": "units = {}",
    },
}
USES = {
    "global": "import settings\ndef f(): return settings",
    "attribute": "import settings\ndef f(): return settings.units",
    "imported name": "from settings import units\ndef f(): return units",
    "import inside": "def f():\n import settings as s\n return s",
    "name imported inside": "def f():\n from settings import units\n return units",
    "method": "def f():\n class C:\n  import settings\n return C",
    "after many constants": "\n".join(
        ["def f():", *(f" a = 'text {i}'" for i in range(300))]
        + [" from settings import units", " return units"]
    ),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("name", MODULES)
def test_a_module_of_ones_own_counts(name, use, tmp_path):
    digests = []
    for value in (1, 2, 1):
        sources = {k: s.format(value) for k, s in MODULES[name].items()}
        # Another folder each time, so the third equals the first by its words alone.
        with folder(tmp_path / str(len(digests)), sources):
            digests.append(fingerprint(cell(USES[use])))
    assert digests[0] != digests[1]
    assert digests[0] == digests[2]


def test_an_attribute_of_a_module_that_was_set_in_the_notebook(tmp_path):
    with folder(tmp_path, {"settings.py": "units = 1"}):
        import settings

        f = cell("def f(): return settings.units", settings=settings)
        before = fingerprint(f)
        settings.units = 2
        assert fingerprint(f) != before


def test_a_module_that_was_edited_after_its_import(tmp_path):
    source = "def f(): return {}"
    with folder(tmp_path, {"edited.py": source.format(1)}):
        import edited

        found = [fingerprint(edited.f)]
        for value in (2, 33):
            pathlib.Path(edited.__file__).write_text(source.format(value))
            os.utime(edited.__file__, (value, value))  # however coarse its clock
            found.append(fingerprint(edited.f))  # a worker may import what is new
        found.append(fingerprint(importlib.reload(edited).f))
    assert len(set(found)) == 4


def test_a_module_that_may_be_missing_counts_when_it_comes(tmp_path):
    f = cell("def f():\n try:\n  import settings\n except ImportError: pass")
    before = fingerprint(f)
    with folder(tmp_path, {"settings.py": ""}):
        assert fingerprint(f) != before


@pytest.mark.parametrize(
    "source",
    [
        "import joblib\ndef f(): return joblib",
        "from joblib import dump\ndef f(): return dump",
        "from joblib import Memory\ndef f(): return Memory",
        "def f():\n import joblib\n return joblib",
        "import settings\ndef f(): return settings",
        "import joblib\n@joblib.delayed\ndef f(): pass",
    ],
)
def test_a_new_version_of_a_package_shows(source, tmp_path, monkeypatch):
    with folder(tmp_path, {"settings.py": "import joblib"}):
        f = cell(source)
        before = fingerprint(f)
        keys_code.version.cache_clear()
        monkeypatch.setattr(importlib.metadata, "version", lambda package: "new")
        after = fingerprint(f)
        keys_code.version.cache_clear()
    assert before != after


def test_a_condition_is_known_without_bytecode(monkeypatch):
    monkeypatch.delattr(keys_functions, "bytecode")
    fingerprint(
        cell(
            "from dataclasses import dataclass\n"
            "@dataclass(order=True)\nclass C:\n x: int = 1\n"
            "def f(a=lambda: 1): return [C(b) for b in a()]"
        )
    )


def test_a_folder_of_modules_counts_by_those_that_are_read(tmp_path):
    with folder(tmp_path, {"loose/near.py": "x = 1", "loose/far.py": "x = 1"}):
        f = cell("import loose.near\ndef f(): return loose.near.x")
        before = fingerprint(f)
        (tmp_path / "loose/far.py").write_text("x = 2")
        assert fingerprint(f) == before
        (tmp_path / "loose/near.py").write_text("x = 2")
        assert fingerprint(f) != before


def test_a_module_without_a_source_is_refused():
    module = types.ModuleType("made_by_hand")
    with pytest.raises(TypeError, match="no source"):
        fingerprint(module)


def test_the_same_in_every_process():
    source = (
        "from utils.study.keys import fingerprint\n"
        "from tests.study.test_keys import DIFFERENT, WAYS, Set\n"
        "made = [way(a) for way in WAYS.values() for a, _ in DIFFERENT.values()]\n"
        "print(fingerprint(made, {'x', 'y', 'z'}, {('x', 1), ('y', 2)}, Set('xyz')))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", source],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


@pytest.mark.parametrize(
    "value",
    [
        (n for n in range(3)),
        iter([1]),
        itertools.count(),
        map(int, []),
        threading.Lock(),
        threading.RLock(),
        sys.stderr,
        memoryview(b""),
        cell("def f(): return eval('a')"),
        cell("def f(): return globals()['a']"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(value):
    with pytest.raises(TypeError, match="Make it inside the function."):
        fingerprint(cell("def f(): return g", g=value))


def test_a_method_that_is_called_like_a_builtin():
    fingerprint(cell("def f(model):\n return model.eval()"))


def test_pickling_an_object_changes_nothing():
    class Plain:
        pass

    before = fingerprint(Plain)
    copy.copy(Plain())  # leaves a note on the class
    assert fingerprint(Plain) == before
