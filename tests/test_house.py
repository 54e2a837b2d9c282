"""The house: imports run one way, and one room alone knows what others keep private.

The arrows stand in pyproject.toml, under tool.importlinter.
"""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
COMPAT = ROOT / "utils" / "study" / "compat.py"
PRIVATE = re.compile(r"_(?!_)\w+|externals|internal|python|src")
DOCUMENTED = {"_asdict", "_exit", "_fields", "_make", "_replace"}


def lint(folder):
    """What import-linter says of the utils in a folder: (exit status, text)."""
    command = "from importlinter.cli import lint_imports; raise SystemExit("
    command += "lint_imports(no_cache=True))"
    result = subprocess.run(
        [sys.executable, "-c", command], cwd=folder, capture_output=True, text=True
    )
    return result.returncode, result.stdout + result.stderr


def test_imports_run_one_way():
    status, said = lint(ROOT)
    assert status == 0, said


@pytest.mark.parametrize(
    ("room", "turned", "contract"),
    [
        ("data/loading.py", "import utils.study.engine", "Imports run one way"),
        ("runtime.py", "from utils.data import load", "Imports run one way"),
        ("study/keys.py", "from utils.check import check", "Imports run one way"),
        ("capstone/plan.py", "import utils.check.judging", "Imports run one way"),
        ("study/engine.py", "from utils import plots", "The engine draws nothing"),
        (
            "study/loops.py",
            "from utils.study import results",
            "A worker does without results",
        ),
    ],
)
def test_an_arrow_turned_round_is_found(tmp_path, room, turned, contract):
    shutil.copytree(ROOT / "utils", tmp_path / "utils")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / "utils" / room).open("a") as file:
        file.write(f"\n{turned}\n")
    status, said = lint(tmp_path)
    assert status == 1, said
    assert f"{contract} BROKEN" in said


def private(source):
    """What code uses of other libraries that these do not promise to keep: a list."""
    nodes = list(ast.walk(ast.parse(source)))
    attributes = [node for node in nodes if isinstance(node, ast.Attribute)]
    own = {n.attr for n in attributes if ast.unparse(n.value) in ("self", "cls")}
    own |= {getattr(n, "name", getattr(n, "id", None)) for n in nodes} | DOCUMENTED
    found = [
        ast.unparse(node)
        for node in attributes
        if PRIVATE.fullmatch(node.attr) and node.attr not in own
    ]
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            parts = [(getattr(node, "module", None) or "").split(".")]
            parts += [alias.name.split(".") for alias in node.names]
            if parts[0][0] != "utils" and any(map(PRIVATE.fullmatch, sum(parts, []))):
                found.append(ast.unparse(node))
    return found


ROOMS = [path for path in sorted((ROOT / "utils").rglob("*.py")) if path != COMPAT]


@pytest.mark.parametrize("path", ROOMS, ids=lambda p: str(p.relative_to(ROOT)))
def test_private_names_of_libraries_stay_in_compat(path):
    assert private(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from tensorflow.python.eager import context", 1),
        ("import joblib.externals.loky", 1),
        ("from joblib import _parallel_backends", 1),
        ("from keras.src import layers", 1),
        ("tensorflow.python.eager.context()", 1),
        ("for layer in model._flatten_layers(): pass", 1),
        ("from utils.study import _room\nimport numpy\nnumpy.asarray", 0),
        ("class A:\n    def f(self, b):\n        self._x = b._x", 0),
        ("def _own(): pass\nmodule._own()", 0),
        ("row._asdict()\nvalue.__dict__", 0),
    ],
)
def test_private_names_are_found(source, expected):
    assert len(private(source)) == expected
