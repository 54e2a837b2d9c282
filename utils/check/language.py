"""What the checks say, in the learner's language.

Judges speak English. A sentence is looked up when it is printed: as it stands, or,
where it holds values, by a template such as "At rate {rate} your units are kept.".
What the catalogue does not know stays English.
"""

import functools
import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCALE = ROOT / "locale" / "zh_CN"
VALUE = re.compile(r"\{[^{}]+\}")


def language() -> str:
    """Return "en" or "zh": what COURSE_LANG asks for, else the notebook's own.

    A notebook runs in its folder, and those in Chinese lie in chapters/zh.
    """
    chinese = Path.cwd().is_relative_to(ROOT / "chapters" / "zh")
    return os.environ.get("COURSE_LANG") or ("zh" if chinese else "en")


def say(english: str) -> str:
    """Return a sentence in the learner's language.

    Args:
        english: the sentence, its values put in.
    """
    return english if language() == "en" else in_chinese(english)


def in_chinese(english: str) -> str:
    """Return the Chinese of a sentence; the sentence itself where there is none.

    Args:
        english: the sentence, its values put in.
    """
    sentences, patterns = _catalogue()
    if english in sentences:
        return sentences[english]
    for template, values, chinese in patterns:
        if found := template.fullmatch(english):
            given = map(in_chinese, found.groups())
            return _put(dict(zip(values, given, strict=True)), chinese)
    return english


def _put(given, template):
    return VALUE.sub(lambda value: given[value[0]], template)


def pattern(template: str) -> tuple[re.Pattern, list[str]]:
    """Return what matches a sentence of this template, and its values' names in order.

    Args:
        template: with each value in braces; one that comes again is the same.
    """
    values = list(dict.fromkeys(VALUE.findall(template)))
    seen, parts = set(), []
    for words in re.split(f"({VALUE.pattern})", template):
        if words not in values:
            parts.append(re.escape(words))
        elif words in seen:
            parts.append(rf"\{values.index(words) + 1}")
        else:
            seen.add(words)
            parts.append("(.+?)")
    return re.compile("".join(parts), re.DOTALL), values


def translated(name: str, english: str) -> str:
    """Return a cell of a chapter's solutions in the learner's language.

    Args:
        name: its id, such as "03-2-why".
        english: what it says.
    """
    if language() == "en":
        return english
    for file in LOCALE.glob(f"chapters/solutions/{name[:2]}_*.po"):
        return _entries(file).get((name, english), english)
    return english


@functools.cache
def _entries(file):
    import polib

    entries = polib.pofile(str(file)) if file.exists() else []
    return {(e.msgctxt, e.msgid): e.msgstr for e in entries if e.translated()}


@functools.cache
def _catalogue():
    """The sentences, and the patterns: those that say most first."""
    sentences = {en: zh for (_, en), zh in _entries(LOCALE / "check.po").items()}
    templates = [english for english in sentences if VALUE.search(english)]
    templates.sort(key=lambda one: -len(VALUE.sub("", one)))
    return sentences, [(*pattern(one), sentences[one]) for one in templates]
