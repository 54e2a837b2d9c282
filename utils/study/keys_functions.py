"""What a function is: its syntax, its closure, and all that it reads from outside."""

import dis
import functools
import sys
import types

from utils.study.keys_code import in_library, syntax_of, version

GLOBAL = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
BLIND = {"eval", "exec", "globals"}


def parts_of(function: types.FunctionType) -> tuple[str, tuple]:
    """Return (label, parts): all that can change what a function computes.

    Raises:
        TypeError: for a function that can read any name.
    """
    code, space = function.__code__, function.__globals__
    home = space.get("__name__", "__main__")
    if code.co_qualname.startswith("__create_fn__."):
        return f"dataclass method {code.co_name}", ()  # made from fields, which count
    closure = [_content(cell) for cell in function.__closure__ or ()]
    parts = [closure, function.__defaults__, function.__kwdefaults__, vars(function)]
    syntax = syntax_of(code)
    if in_library(home):
        return f"function of a library {version(home)}", (syntax or code, *parts)
    if syntax is None and home != "__main__" and home in sys.modules:
        parts.append(sys.modules[home])  # edited since: a worker may import the new one
    return "function", (syntax or code, *parts, *_read_outside(code, space, closure))


def _content(cell):
    try:
        return (cell.cell_contents,)
    except ValueError:  # a name that is bound later
        return ()


def _read_outside(code, space, closure):
    """Return what a function reads: globals, imports, attributes of its own modules."""
    names, attributes, imports = _names(code)
    if blind := names & BLIND - space.keys():
        raise TypeError(f"it calls {', '.join(blind)}, which may read any name")
    read = {name: space[name] for name in sorted(names) if name in space}
    imported = [_import(*each, space) for each in imports]
    held = [*read.values(), *(content for cell in closure for content in cell)]
    modules = [value for value in held if _is_ours(value)]
    modules += [module for module, _ in imported if _is_ours(module)]
    found = {}
    for module in modules:  # grows: a module may hold modules
        values = {n: vars(module)[n] for n in attributes if n in vars(module)}
        if found.setdefault(module.__name__, values) is values:
            modules += [value for value in values.values() if _is_ours(value)]
    return read, imported, found


def _is_ours(value):
    return isinstance(value, types.ModuleType) and not in_library(value.__name__)


def _import(name, taken, level, space):
    """Import what is ours as the function will: (module, what is taken from it).

    A package's name and version do.
    """
    if level == 0 and in_library(name):
        return f"{name} {version(name)}", ()
    try:
        module = __import__(name, space, None, taken, level)
    except ImportError:
        return f"{name} is missing", ()
    values = {each: getattr(module, each) for each in taken if hasattr(module, each)}
    return module if taken else sys.modules[name], values


@functools.cache
def _names(code):
    """Return names of globals, of attributes, and imports, of code and code within it.

    Each import is (module, names taken from it, level).
    """
    names, attributes, imports, todo = set(), set(), [], [code]
    for code in todo:  # grows
        todo += [part for part in code.co_consts if isinstance(part, types.CodeType)]
        attributes.update(code.co_names)
        before = (None, None)
        for instruction in dis.get_instructions(code):
            if instruction.opname in GLOBAL:
                names.add(instruction.argval)
            elif instruction.opname == "IMPORT_NAME":
                level, taken = before
                imports.append((instruction.argval, taken or (), level))
            if instruction.opname != "EXTENDED_ARG":
                before = (before[1], instruction.argval)
    return names, sorted(attributes), imports


def bytecode(code: types.CodeType) -> tuple[str, tuple]:
    """Return (label, parts) of code without a source, such as what `exec` has run."""
    said = (code.co_code, code.co_consts, code.co_names, code.co_varnames)
    bound = (code.co_freevars, code.co_cellvars, code.co_exceptiontable)
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount)
    return f"code {sys.version_info[:2]}", (*said, *bound, *counts, code.co_flags)
