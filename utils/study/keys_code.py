"""What code says, whatever its wording: syntax trees, and the imports they follow.

A tree has no comments, and its docstrings are left out. It is written down here and not
by `ast.dump`, whose form changes with Python's minor version.
"""

import __future__

import ast
import functools
import hashlib
import importlib.machinery
import importlib.metadata
import importlib.util
import linecache
import os
import pathlib
import sys
import sysconfig
import types
import warnings

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
WITHOUT_MEANING = {"ctx", "kind", "type_comment", "type_ignores"}
STANDARD = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
STANDARD.add(os.path.dirname(os.__file__))
OURS = __name__.partition(".")[0]


@functools.cache
def code_of(module_name: str) -> str:
    """Return a digest of what a module says, and all of ours that it imports.

    Imports are followed at any depth, also inside functions; those of installed
    packages, and those for type checkers alone, are not. Kept for the life of the
    process, since that is how long Python keeps what it imported.

    Args:
        module_name: such as "utils.study.workers".

    Returns:
        32 hexadecimal digits, the same in every folder and for every Python version.

    Raises:
        ModuleNotFoundError: if there is no such module with a source of its own.
    """
    trees, _ = followed(module_name)
    if module_name not in trees:
        raise ModuleNotFoundError(f"{module_name!r} is no module of this project")
    return hashed("\n".join(f"{name} {trees[name]}" for name in sorted(trees))).hex()


def hashed(text: str | bytes | memoryview) -> bytes:
    """Return the 16 bytes that stand for a text or for bytes."""
    data = text.encode() if isinstance(text, str) else text
    return hashlib.blake2b(data, digest_size=16).digest()


def followed(name: str, file: str | None = None) -> tuple[dict, set]:
    """Follow the imports of a module, without importing anything.

    Args:
        name: of the module.
        file: where its source is, for a module that is not found by its name.

    Returns:
        ({module: digest of its tree}, packages): those with a source that may change,
        and the names of the installed ones among what they import.
    """
    trees, packages, todo = {}, set(), [(name, file)]
    while todo:
        name, file = todo.pop()
        parent, _, last = name.rpartition(".")
        if not name or name in trees:
            continue
        if file is None and in_library(name):
            packages.add(name.partition(".")[0])
            continue
        file = file or _file(name)
        if file is not None:
            trees[name], imports, _ = _read(*_source(name, file))
            todo += [(parent, None), *((each, None) for each in imports)]
        elif parent and _file(parent):  # a name that its package looks up when asked
            _, _, lazy = _read(*_source(parent, _file(parent)))
            todo += [(each, None) for each in lazy.get(last, ())]
    return trees, packages


def in_library(name: str) -> bool:
    """Tell whether a module is Python's own or installed, and known by its version."""
    top = name.partition(".")[0]
    spec = _spec(top)
    if spec is None or top == OURS:  # which may be installed, too
        return False
    places = [spec.origin, *(spec.submodule_search_locations or ())]
    return any(_is_library(place) for place in places if place)


def sources() -> dict[str, int]:
    """Return {file: when it was changed} for what is imported here and is ours."""
    modules = list(sys.modules.values())
    files = {getattr(module, "__file__", None) for module in modules} - {None}
    own = [file for file in files if not _is_library(file) and os.path.isfile(file)]
    return {file: os.stat(file).st_mtime_ns for file in own}


@functools.cache
def version(name: str) -> str:
    """Return the version of the package that a module is from; "" for Python's own."""
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names:
        return ""
    try:
        return importlib.metadata.version(top)
    except importlib.metadata.PackageNotFoundError:  # sklearn is from scikit-learn
        packages = importlib.metadata.packages_distributions().get(top, ())
        return " ".join(importlib.metadata.version(package) for package in packages)


def syntax_of(code: types.CodeType) -> str | None:
    """Return the tree, as text, of the function that was compiled into `code`.

    None where there is no source, or where the source gives other code: a file that was
    edited after its import says what will run next time, not what runs now.
    """
    linecache.checkcache(code.co_filename)
    text = "".join(linecache.getlines(code.co_filename))
    return _syntax_within(text, code) if text else None


def _written(node):
    """Write a syntax tree as text, without docstrings, positions and empty fields."""
    if isinstance(node, list):
        return f"[{', '.join(map(_written, node))}]"
    if not isinstance(node, ast.AST):
        return ascii(node)
    fields = dict(ast.iter_fields(node))
    if (
        isinstance(node, DOCUMENTED)
        and ast.get_docstring(node, clean=False) is not None
    ):
        fields["body"] = node.body[1:]
    said = (
        f"{name}={_written(value)}"
        for name, value in fields.items()
        if name not in WITHOUT_MEANING and value is not None and value != []
    )
    return f"{type(node).__name__}({', '.join(said)})"


@functools.cache
def _read(source, package):
    """Return (digest of the tree, modules it imports, those that it names for types).

    The last are {name: modules}: a package that looks names up when it is asked for
    them says so to type checkers only.
    """
    if package is None:  # compiled: it says what its bytes say
        return hashed(source).hex(), (), {}
    tree = ast.parse(source)
    typed = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If)
        and ast.unparse(block.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        for statement in block.body
        for node in ast.walk(statement)
    }
    imports, lazy = [], {}
    for node in ast.walk(tree):
        for name, modules in _imported(node, package):
            if id(node) in typed:
                lazy[name] = modules
            else:
                imports += modules
    return hashed(_written(tree)).hex(), tuple(imports), lazy


def _imported(node, package):
    """Yield (name, modules) for an import statement; each may be a name in a module."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.asname or alias.name, [alias.name]
    elif isinstance(node, ast.ImportFrom):
        where = "." * node.level + (node.module or "")
        where = importlib.util.resolve_name(where, package)
        for alias in node.names:
            yield alias.asname or alias.name, [where, f"{where}.{alias.name}"]


def _spec(name):
    """Find a module without importing it, nor the packages that it is in."""
    if name == "__main__":  # the notebook; its specification is that of Jupyter
        return None
    parent, _, _ = name.rpartition(".")
    if not parent:
        try:
            return importlib.util.find_spec(name)
        except ValueError:  # a module made by hand
            return None
    above = _spec(parent)
    if above is None or above.submodule_search_locations is None:
        return None
    places = above.submodule_search_locations
    return importlib.machinery.PathFinder.find_spec(name, places)


def _file(name):
    spec = _spec(name)
    return spec.origin if spec is not None and spec.has_location else None


def _source(name, file):
    """Return (bytes, the package of relative imports; None for compiled code)."""
    path = pathlib.Path(file)
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    return path.read_bytes(), package if path.suffix == ".py" else None


@functools.cache
def _is_library(place):
    path = pathlib.Path(place)
    installed = {"site-packages", "dist-packages"} & set(path.parts)
    standard = any(path.is_relative_to(folder) for folder in STANDARD)
    return bool(installed) or standard or place in ("built-in", "frozen")


@functools.cache
def _compiled(text, flags):
    """Return (functions in the tree, all code objects) of a source, or ([], set())."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = compile(text, "", "exec", flags | ast.PyCF_ONLY_AST, True)
            todo = [compile(tree, "", "exec", flags, True)]
    except (SyntaxError, ValueError):
        return [], set()
    for code in todo:  # grows
        todo += [part for part in code.co_consts if isinstance(part, types.CodeType)]
    return [node for node in ast.walk(tree) if isinstance(node, FUNCTIONS)], set(todo)


@functools.cache
def _syntax_within(text, code):
    flags = code.co_flags & __future__.annotations.compiler_flag
    functions, codes = _compiled(text, flags | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if code not in codes:  # equal code objects stand on the same line, too
        return None
    # Python marks what it adds at a function's start by an empty place, or by none.
    places = [p for p in code.co_positions() if None not in p and p[2:] != (0, 0)]
    found = [node for node in functions if _may_be(node, code, places)]
    if not found or len(found) > 1 and not places:
        return None
    function = found[-1]  # of lambdas within lambdas the innermost, walked last
    for node in ast.walk(function):  # a type that is written down changes no number
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
    return _written(function)


def _may_be(node, code, places):
    """Tell whether code may come from a node: by line and name, a lambda by columns."""
    if not isinstance(node, ast.Lambda):
        first = min(part.lineno for part in (node, *node.decorator_list))
        return (node.name, first) == (code.co_name, code.co_firstlineno)
    body = node.body
    start, end = (body.lineno, body.col_offset), (body.end_lineno, body.end_col_offset)
    return (node.lineno, "<lambda>") == (code.co_firstlineno, code.co_name) and all(
        start <= (line, column) and (last_line, last_column) <= end
        for line, last_line, column, last_column in places
    )
