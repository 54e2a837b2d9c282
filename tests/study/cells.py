"""Functions and modules from source, as notebooks and learners' folders have them."""

import contextlib
import importlib
import itertools
import linecache
import sys

_number = itertools.count()


def executed(source, **space):
    """Define `f` from source that is nowhere to be found again."""
    space = {"__name__": "__main__"} | space
    exec(source, space)
    return space["f"]


def cell(source, **space):
    """Define `f` as a notebook cell does: its source stays at hand."""
    space = {"__name__": "__main__"} | space
    file = f"<cell {next(_number)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    exec(compile(source, file, "exec"), space)
    return space["f"]


@contextlib.contextmanager
def folder(path, sources):
    """Write {file: source} into a folder of modules, and forget them after."""
    for name, source in sources.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
    before = set(sys.modules)
    sys.path.insert(0, str(path))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(path))
        for name in set(sys.modules) - before:
            if str(path) in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]
