"""Teach, then import: what `utils` holds stands first in a chapter, word for word.

A function whose docstring ends "Taught in chapter NN." is in that chapter in full: the
syntax trees are equal, less docstrings, types and input checks. Only later chapters
import it. "Taught in chapter NN, in depth." means the notebook in chapters/in_depth; a
chapter that imports such a function links there.
"""

import ast
import copy
import functools
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "chapters"
TAUGHT = re.compile(r"Taught in chapter (\d\d)(, in depth)?\.\s*$")


def chapter_of(function):
    """Where a function is taught, (number, whether in depth); None for nowhere."""
    found = TAUGHT.search(ast.get_docstring(function) or "")
    return (int(found[1]), bool(found[2])) if found else None


@functools.cache
def taught():
    """Every taught function of utils: {(module, name): (chapter, syntax tree)}."""
    found = {}
    for path in sorted((ROOT / "utils").glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and (chapter := chapter_of(node)):
                found[path.stem, node.name] = chapter, node
    return found


def code(path):
    """The syntax tree of a notebook's code; lines for IPython alone are left out."""
    cells = nbformat.read(path, as_version=4).cells
    sources = [cell.source for cell in cells if cell.cell_type == "code"]
    lines = "\n".join(sources).splitlines()
    return ast.parse("\n".join(line for line in lines if line[:1] not in "%!"))


def lesson(function):
    """A function without docstring, types and input checks, as text to compare."""
    function = copy.deepcopy(function)
    if ast.get_docstring(function) is not None:
        del function.body[0]
    function.body = [node for node in function.body if not is_check(node)]
    for node in ast.walk(function):
        if isinstance(node, ast.arg):
            node.annotation = None
    function.returns = None
    return ast.unparse(function)


def is_check(node):
    """Whether a statement is `if …: raise …` and nothing else."""
    return (
        isinstance(node, ast.If)
        and not node.orelse
        and all(isinstance(inner, ast.Raise) for inner in node.body)
    )


def difference(function, tree):
    """How a notebook's own version of a function departs from utils'; None if not."""
    own = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == function.name
    ]
    if not own:
        return f"{function.name} does not stand in the chapter that teaches it"
    if lesson(function) not in map(lesson, own):
        return (
            f"{function.name} differs.\nutils:\n{lesson(function)}\n\n"
            f"chapter:\n{lesson(own[-1])}"
        )
    return None


def everything(module):
    """The pairs (module, name) that a star would import, as far as they are taught."""
    return {pair for pair in taught() if pair[0] == module}


def imported(tree):
    """The pairs (module, name) that code takes from utils, one way or another."""
    modules, pairs = {}, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "utils":
            modules |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "")[:6] == "utils.":
            module = node.module[6:]
            for alias in node.names:
                pairs |= everything(module) if alias.name == "*" else set()
                pairs.add((module, alias.name))
        elif isinstance(node, ast.Import):
            modules |= {
                alias.asname or alias.name: alias.name[6:]
                for alias in node.names
                if alias.name[:6] == "utils."
            }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            module = modules.get(ast.unparse(node.value))
            pairs |= {(module, node.attr)} if module else set()
    return pairs


def too_early(tree, place):
    """The taught functions that code uses where they are not taught before.

    place: of the code, (number, whether in depth).
    """
    return sorted(
        f"{module}.{name}"
        for module, name in imported(tree)
        if (module, name) in taught() and taught()[module, name][0] >= place
    )


def unlinked(path):
    """The chapters whose in-depth functions a notebook uses without a link to them."""
    lessons = [taught()[pair][0] for pair in imported(code(path)) if pair in taught()]
    deep = {f"in_depth/{number:02}_" for number, depth in lessons if depth}
    cells = nbformat.read(path, as_version=4).cells
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return sorted(name for name in deep if name not in prose)


@pytest.mark.parametrize(("module", "name"), taught())
def test_taught_in_full(module, name):
    (number, depth), function = taught()[module, name]
    folder = FOLDER / "in_depth" if depth else FOLDER
    (path,) = folder.glob(f"{number:02}_*.ipynb")
    fault = difference(function, code(path))
    assert fault is None, fault


def test_something_is_taught():
    """Guards the search itself: a changed phrase would leave nothing to compare."""
    assert ("scratch", "l2_penalty") in taught()
    assert ("models", "small_cnn") in taught()


def test_the_phrase_is_never_misspelt():
    for path in sorted((ROOT / "utils").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                text = ast.get_docstring(node) or ""
                spoken_of = re.search(r"taught\s+in", text, re.IGNORECASE)
                assert not spoken_of or TAUGHT.search(text), f"{path.stem}.{node.name}"


@pytest.mark.parametrize(
    "path", sorted(FOLDER.glob("[0-9][0-9]_*.ipynb")), ids=lambda path: path.stem
)
def test_imported_after_it_was_taught(path):
    assert too_early(code(path), (int(path.stem[:2]), False)) == []
    assert unlinked(path) == []


@pytest.mark.parametrize(
    "path", sorted(FOLDER.glob("in_depth/[0-9]*.ipynb")), ids=lambda path: path.stem
)
def test_imported_in_depth_after_it_was_taught(path):
    assert too_early(code(path), (int(path.stem[:2]), True)) == []


@pytest.mark.parametrize(
    "path", sorted(FOLDER.glob("solutions/[0-9]*.ipynb")), ids=lambda path: path.stem
)
def test_solutions_use_what_was_taught(path):
    assert too_early(code(path), (int(path.stem[:2]) + 1, False)) == []


UTILS = '''
def scale(w: list, strength: float = 1) -> list:
    """Scale. Taught in chapter 02."""
    if strength < 0:
        raise ValueError("negative")
    if fault := problem(w):
        raise ValueError(fault)
    return w * strength
'''


@pytest.mark.parametrize(
    ("chapter", "expected"),
    [
        ("def scale(w, strength=1):\n    return w * strength", None),
        ("def scale(w, strength=1):\n    'Own words.'\n    return w*strength", None),
        ("def scale(w, strength=2):\n    return w * strength", "scale differs"),
        ("def scale(w, strength=1):\n    return strength * w", "scale differs"),
        (
            "def scale(w, strength=1):\n    if w: return 0\n    return w * strength",
            "scale differs",
        ),
        (
            "def scale(w, strength=1):\n    if w:\n        raise KeyError\n"
            "    return w * strength",
            None,
        ),
        (
            "def scale(w, strength=1):\n    if w:\n        w = 0\n"
            "        raise KeyError\n    return w * strength",
            "scale differs",
        ),
        (
            "def scale(w, strength=1):\n    if w:\n        raise KeyError\n"
            "    else:\n        w = 0\n    return w * strength",
            "scale differs",
        ),
        ("@cache\ndef scale(w, strength=1):\n    return w * strength", "scale differs"),
        ("def scales(w, strength=1):\n    return w * strength", "does not stand in"),
        ("scale = 1", "does not stand in"),
    ],
)
def test_departures_are_found(chapter, expected):
    (function,) = ast.parse(UTILS).body
    fault = difference(function, ast.parse(chapter))
    assert (fault is None) if expected is None else (expected in fault)


@pytest.mark.parametrize(
    "source",
    [
        "from utils.scratch import l2_penalty",
        "from utils.scratch import l1_penalty as other, l2_penalty",
        "from utils import scratch\nscratch.l2_penalty(w, 1)",
        "import utils.scratch as s\ns.l2_penalty(w, 1)",
        "import utils.scratch\nutils.scratch.l2_penalty(w, 1)",
        "def f():\n    from utils.scratch import l2_penalty",
    ],
)
def test_early_imports_are_found(source):
    tree = ast.parse(source)
    assert "scratch.l2_penalty" in too_early(tree, (1, True))
    assert "scratch.l2_penalty" in too_early(tree, (2, False))
    assert too_early(tree, (2, True)) == []
    assert too_early(tree, (3, False)) == []


def test_a_star_imports_all():
    early = too_early(ast.parse("from utils.scratch import *"), (2, False))
    assert {"scratch.l2_penalty", "scratch.dropout_forward"} <= set(early)


def test_untaught_functions_are_free():
    source = "from utils.study import run\nfrom utils import plots\nplots.show(f, a)"
    assert too_early(ast.parse(source), (1, False)) == []
