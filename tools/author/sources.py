"""All that there is to translate, by the catalogue that it belongs to.

Cells and blocks are in the catalogue of their file. What drawings, pictures, tools and
checks say has one each: there a sentence with values is a template, the f-string with
each value in braces as it is written.
"""

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools" / "course"))

import edition  # noqa: E402

TOOLS = ["tools/course/*.py", "tools/course/deck/*.j2", "docs/conf.py"]
TOOLS += ["docs/_templates/*.html"]
SAID = re.compile(r'\bsay\("([^"]*)"\)')  # in a template
# Which arguments of a call are read by people: from this place on, and by these names.
READ = {
    "exercise": (1, "hint"),
    "expect": (1, "what", "hint"),
    "Wrong": (0, "what", "hint"),
    "Verdict": (2, "what", "hint"),
    "several": (2, "names"),
    "study": (2, "what"),
    "say": (0,),
    "NoSuchExercise": (0,),
    "_TooLong": (0,),
}


def catalogues():
    """All that there is to translate: pairs (context, English) by catalogue."""
    files = [*edition.chapters(), *edition.in_depth(), *edition.solutions()]
    files += edition.pages()
    found = {edition.catalogue(path): edition.sources(path) for path in files}
    for name, words in (
        ("alternatives", pictured()),
        ("check", said(["utils/check/*.py"])),
        ("drawings", drawn()),
        ("tools", said(TOOLS)),
    ):
        found[edition.LOCALE / f"{name}.po"] = [("", text) for text in words]
    return {file: list(dict.fromkeys(pairs)) for file, pairs in found.items()}


def pictured():
    """The alternative texts of all outputs."""
    paths = [*edition.chapters(), *edition.in_depth(), *edition.solutions()]
    outputs = [o for path in paths for o in edition.alternatives(edition.read(path))]
    return [output.metadata["image/png"]["alt"] for output in outputs]


def drawn():
    """The words of all drawings."""
    texts = [path.read_text(encoding="utf-8") for path in edition.drawings()]
    return [words for text in texts for _, words in edition.DRAWN.findall(text)]


def said(patterns):
    """What modules and templates say to people."""
    paths = [p for pattern in patterns for p in sorted(edition.ROOT.glob(pattern))]
    texts = [(path, path.read_text(encoding="utf-8")) for path in paths]
    return [
        words
        for path, text in texts
        for words in (messages(text) if path.suffix == ".py" else SAID.findall(text))
    ]


def messages(source):
    """The sentences of a module that people read, in their order."""
    found = []
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and ast.unparse(call.func) in READ:
            first, *names = READ[ast.unparse(call.func)]
            given = call.args[first:]
            given += [word.value for word in call.keywords if word.arg in names]
            found += [(call.lineno, text) for one in given for text in strings(one)]
    return [text for _, text in sorted(found, key=lambda pair: pair[0])]


def strings(node):
    """The strings that an argument can be."""
    if isinstance(node, ast.IfExp):
        yield from strings(node.body)
        yield from strings(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(map(written, node.values))


def written(part):
    """A part of an f-string: its words, or the value in braces."""
    if isinstance(part, ast.Constant):
        return part.value
    value = ast.unparse(part.value)
    conversion = "" if part.conversion == -1 else f"!{chr(part.conversion)}"
    form = "".join(map(written, part.format_spec.values)) if part.format_spec else ""
    return f"{{{value}{conversion}{':' + form if form else ''}}}"
