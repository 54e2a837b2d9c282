"""What changes a fingerprint, and what must not."""

import copy
import functools
import subprocess
import sys
import types

import numpy as np
import pytest

from utils.study.keys import fingerprint

RATE = 0.5


def code(source, **space):
    """Define `f` from source in a namespace of its own, as a notebook cell does."""
    space = {"__name__": "__main__"} | space
    exec(source, space)
    return space["f"]


DIFFERENT = {
    "constant": ("def f(): return 1", "def f(): return 2"),
    "operator": ("def f(x): return x + 1", "def f(x): return x - 1"),
    "attribute": ("def f(x): return x.min()", "def f(x): return x.max()"),
    "default": ("def f(x=1): return x", "def f(x=2): return x"),
    "keyword default": ("def f(*, x=1): return x", "def f(*, x=2): return x"),
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
    "method of a class": (
        "class C:\n def call(self): return 1\ndef f(): return C()",
        "class C:\n def call(self): return 2\ndef f(): return C()",
    ),
    "base class": (
        "class A: x = 1\nclass C(A): pass\ndef f(): return C()",
        "class A: x = 2\nclass C(A): pass\ndef f(): return C()",
    ),
    "state of an object": (
        "class C: pass\nc = C(); c.x = 1\ndef f(): return c",
        "class C: pass\nc = C(); c.x = 2\ndef f(): return c",
    ),
    "type of a number": ("def f(): return 1", "def f(): return 1.0"),
    "text against bytes": ("def f(): return 'a'", "def f(): return b'a'"),
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
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_a_change_shows(name):
    a, b = (fingerprint(code(source)) for source in DIFFERENT[name])
    assert a != b


@pytest.mark.parametrize("name", SAME)
def test_what_changes_nothing_does_not_show(name):
    a, b = (fingerprint(code(source)) for source in SAME[name])
    assert a == b


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([1, 2], [2, 1]),
        ([1, 2], (1, 2)),
        ([[1], 2], [[1, 2]]),
        ({"a": 1}, {"a": 2}),
        ({1, 2}, {1, 3}),
        (np.zeros(3), np.zeros(3, "float32")),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (np.array([0.0]), np.array([1e-300])),
        (functools.partial(int, base=2), functools.partial(int, base=8)),
        (True, 1),
        (np.sum, np.mean),
        (slice(1), slice(2)),
    ],
)
def test_values_that_differ(a, b):
    assert fingerprint(a) != fingerprint(b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.arange(6).reshape(2, 3), np.asfortranarray(np.arange(6).reshape(2, 3))),
        ({"b", "a", "c"}, {"c", "b", "a"}),
        (functools.partial(int, base=2), functools.partial(int, base=2)),
    ],
)
def test_values_that_are_the_same(a, b):
    assert fingerprint(a) == fingerprint(b)


def test_an_array_in_a_closure():
    first = code("def f(): return a", a=np.zeros(3))
    second = code("def f(): return a", a=np.ones(3))
    assert fingerprint(first) != fingerprint(second)


def test_a_module_of_ones_own_counts_by_what_it_says(tmp_path):
    digests = []
    for value in (1, 2):
        path = tmp_path / "settings.py"
        path.write_text(f"units = {value}")
        module = types.ModuleType("settings")
        module.__file__ = str(path)
        digests.append(fingerprint(code("def f(): return settings", settings=module)))
    assert digests[0] != digests[1]


def test_the_same_in_every_process():
    source = (
        "from utils.study.keys import fingerprint\n"
        "from tests.study.test_keys import DIFFERENT, code\n"
        "print(fingerprint([code(a) for a, _ in DIFFERENT.values()], {'x', 'y', 'z'}))"
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


def test_what_cannot_be_told_apart_is_refused():
    with pytest.raises(TypeError, match="Make it inside the function"):
        fingerprint(code("def f(): return g", g=(n for n in range(3))))


def test_pickling_an_object_changes_nothing():
    class Plain:
        pass

    before = fingerprint(Plain())
    copy.copy(Plain())  # leaves a note on the class
    assert fingerprint(Plain()) == before
