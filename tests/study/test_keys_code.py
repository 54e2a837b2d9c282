"""Syntax trees say the same in any words, and imports are followed."""

import __future__

import ast
import importlib.machinery
import inspect
import linecache
import subprocess
import sys
import textwrap
import types

import pytest

from tests.study.cells import cell, folder
from utils.study import keys_code
from utils.study.keys import code_of

COMPILED = "house/fast" + importlib.machinery.EXTENSION_SUFFIXES[-1]
HOUSE = {
    "house/__init__.py": 'PLACE = "hall"',
    "house/entry.py": '''
        """What it does."""
        from house.wing import near
        class Room:
            """A room."""
            def door(self):
                """Open it."""
                import house.cellar.shelf
                return near.VALUE  # a comment
        ''',
    "house/wing/__init__.py": "",
    "house/wing/near.py": "from ..attic import VALUE",
    "house/attic.py": """
        from typing import TYPE_CHECKING
        from house import fast, shed
        from house.lazy import asked
        if TYPE_CHECKING:
            from house.types_only import Kind
        VALUE = 1
        """,
    "house/cellar/__init__.py": "DARK = 1",
    "house/cellar/shelf.py": "DEPTH = 1",
    COMPILED: "machine code 1",
    "house/types_only.py": "Kind = 1",
    "house/shed/__init__.py": "from .tools import *",
    "house/shed/tools.py": "SAW = 1",
    "house/lazy/__init__.py": """
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            from house.lazy.answer import asked
            from house.lazy.silence import not_asked
        def __getattr__(name): ...
        """,
    "house/lazy/answer.py": "asked = 1",
    "house/lazy/silence.py": "not_asked = 1",
    "house/other.py": "OTHER = 1",
}


def digest(path, changes=()):
    sources = {name: textwrap.dedent(source) for name, source in HOUSE.items()}
    for name, old, new in changes:
        assert old in sources[name]
        sources[name] = sources[name].replace(old, new)
    code_of.cache_clear()
    with folder(path, sources):
        return code_of("house.entry")


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("house/entry.py", "near.VALUE", "near.VALUE + 1"),
        ("house/wing/near.py", "from ..attic import VALUE", "VALUE = 1"),
        ("house/attic.py", "VALUE = 1", "VALUE = 2"),
        ("house/cellar/__init__.py", "DARK = 1", "DARK = 2"),
        ("house/cellar/shelf.py", "DEPTH = 1", "DEPTH = 2"),
        (COMPILED, "code 1", "code 2"),
        ("house/__init__.py", "hall", "cellar"),
        ("house/shed/tools.py", "SAW = 1", "SAW = 2"),
        ("house/lazy/answer.py", "asked = 1", "asked = 2"),
    ],
)
def test_a_statement_counts_wherever_it_is_imported_from(module, old, new, tmp_path):
    changed = digest(tmp_path / "new", [(module, old, new)])
    assert changed != digest(tmp_path / "old")


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("house/entry.py", "What it does.", "What it does not."),
        ("house/entry.py", "A room.", "Rooms."),
        ("house/entry.py", "Open it.", "Close it."),
        ("house/entry.py", "# a comment", "# another"),
        ("house/entry.py", "near.VALUE", "(\n near.VALUE)"),
        ("house/types_only.py", "Kind = 1", "Kind = 2"),
        ("house/lazy/silence.py", "not_asked = 1", "not_asked = 2"),
        ("house/other.py", "OTHER = 1", "OTHER = 2"),
    ],
)
def test_wording_and_what_is_not_imported_do_not_count(module, old, new, tmp_path):
    changed = digest(tmp_path / "new", [(module, old, new)])
    assert changed == digest(tmp_path / "old")


def test_following_imports_nothing():
    source = (
        "import sys; from utils.study.keys import code_of\n"
        "before = set(sys.modules); code_of('utils.study.workers')\n"
        "print({m.partition('.')[0] for m in set(sys.modules) - before})"
    )
    done = [sys.executable, "-c", source]
    done = subprocess.run(done, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_worker_knows_what_trains_and_not_what_shows_results():
    trees, packages = keys_code.followed("utils.study.workers")
    assert {"utils.study.training", "utils.study.loops", "utils.study.seeding"} <= {
        *trees
    }
    others = ("plots", "data", "check", "capstone", "study.results", "study.engine")
    shown = tuple(f"utils.{name}" for name in others)
    assert not [name for name in trees if name.startswith(shown)]
    assert {"tensorflow", "numpy"} <= packages


def test_there_is_no_code_of_a_package_or_of_nothing():
    for name in ("numpy", "utils.no_such_module"):
        with pytest.raises(ModuleNotFoundError, match=name):
            code_of(name)


def test_a_tree_is_written_alike_by_every_python():
    found = keys_code.syntax_of(
        cell(
            "def f(a, *, b: int = 1, c):\n"
            "    'what it does'\n"
            "    global d\n"
            "    return {**a, u'b': b'c'}, f'{a!r:>{b}}', a[1:], None, 'é', -0.5\n"
        ).__code__
    )
    assert found == (
        "FunctionDef(name='f', args=arguments(args=[arg(arg='a')], "
        "kwonlyargs=[arg(arg='b'), arg(arg='c')], "
        "kw_defaults=[Constant(value=1), None]), body=[Global(names=['d']), "
        "Return(value=Tuple(elts=[Dict(keys=[None, Constant(value='b')], "
        "values=[Name(id='a'), Constant(value=b'c')]), "
        "JoinedStr(values=[FormattedValue(value=Name(id='a'), conversion=114, "
        "format_spec=JoinedStr(values=[Constant(value='>'), "
        "FormattedValue(value=Name(id='b'), conversion=-1)]))]), "
        "Subscript(value=Name(id='a'), slice=Slice(lower=Constant(value=1))), "
        "Constant(), Constant(value='\\xe9'), "
        "UnaryOp(op=USub(), operand=Constant(value=0.5))]))])"
    )


CROWDED = """
import functools
f = []
f += [lambda: 'm1', lambda: 'm2', lambda x='no': ('m3',), lambda: (yield 'm4')]
f += [lambda: [lambda: 'inside', 'm5'], lambda: lambda: 'm6', (lambda: lambda: 'm7')()]
f += [lambda: None or 'm8'
      if f else lambda: 0, lambda: (
          'm9')]
def one(): return 'm10'
@functools.cache
@functools.cache
def two():
    'no'
    @functools.cache
    def within(): return 'm11'
    return within
class C:
    def __private(self, x='no'): return super(), 'm12'
    async def later(self): await 'm13'
    private = __private
f += [one, two.__wrapped__.__wrapped__, C.private, C.later, two()]
"""


def test_each_function_in_a_crowd_finds_itself():
    functions = cell(CROWDED)
    assert len(functions) == 14
    for function in functions:
        code = inspect.unwrap(function).__code__
        if code.co_name == "within":
            continue
        syntax = keys_code.syntax_of(code)
        texts = {text for text in _texts(code) if text.startswith("m")}
        found = {text for text in texts if f"'{text}'" in syntax}
        assert texts and found == texts
        others = {f"'m{i}'" for i in range(1, 14)} - {f"'{text}'" for text in texts}
        assert not any(other in syntax for other in others)


def _texts(code):
    for part in code.co_consts:
        if isinstance(part, types.CodeType):
            yield from _texts(part)
        elif isinstance(part, tuple):
            yield from part
        elif isinstance(part, str):
            yield part


def test_a_lambda_within_another_finds_itself():
    outer = cell("f = lambda: lambda: 1")
    syntax = keys_code.syntax_of(outer().__code__)
    assert syntax == "Lambda(args=arguments(), body=Constant(value=1))"
    syntax = f"Lambda(args=arguments(), body={syntax})"
    assert keys_code.syntax_of(outer.__code__) == syntax


def test_a_source_that_gives_other_code_is_not_believed(tmp_path):
    with folder(tmp_path, {"edited.py": "def f(): return 1"}):
        import edited

        assert keys_code.syntax_of(edited.f.__code__) is not None
        (tmp_path / "edited.py").write_text("def f(): return  2 ")
        assert keys_code.syntax_of(edited.f.__code__) is None


@pytest.mark.parametrize(
    ("first", "flags"),
    [
        ("await sleep(0)", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT),
        ("# from __future__ in an earlier cell", __future__.annotations.compiler_flag),
    ],
)
def test_a_cell_is_read_as_jupyter_reads_it(first, flags):
    f = cell("def f(x: int): return 1")
    source = f"{first}\n{''.join(linecache.getlines(f.__code__.co_filename))}"
    file = f"<{first}>"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    code = compile(source, file, "exec", flags)
    found = [part for part in code.co_consts if isinstance(part, types.CodeType)]
    syntax = keys_code.syntax_of(f.__code__)
    assert [keys_code.syntax_of(part) for part in found] == [syntax]


@pytest.mark.parametrize(
    ("name", "library"),
    [
        *[("sys", True), ("os.path", True), ("numpy.linalg", True), ("_thread", True)],
        *[("utils.study", False), ("tests", False), ("__main__", False)],
        ("no_such_module", False),
    ],
)
def test_what_is_installed_is_told_from_what_is_ours(name, library):
    assert keys_code.in_library(name) is library


def test_a_module_that_hides_one_of_pythons_own_is_ours(tmp_path, monkeypatch):
    # As if nothing had imported it yet.
    monkeypatch.delitem(sys.modules, "graphlib", raising=False)
    with folder(tmp_path, {"graphlib.py": "x = 1"}):
        assert not keys_code.in_library("graphlib")


def test_a_package_in_the_folder_that_debian_has_is_installed(tmp_path):
    with folder(tmp_path / "dist-packages", {"made.py": ""}):
        assert keys_code.in_library("made")


def test_the_course_is_ours_even_where_it_is_installed(monkeypatch):
    monkeypatch.setattr(keys_code, "_is_library", lambda place: True)
    assert not keys_code.in_library("utils.study")


def test_a_package_is_known_by_its_version_under_any_name():
    import sklearn

    assert keys_code.version("sklearn.tree") == sklearn.__version__


def test_pythons_own_modules_are_not_looked_for_among_packages(monkeypatch):
    monkeypatch.setattr(keys_code.importlib.metadata, "version", None)
    assert keys_code.version("graphlib") == ""
