"""Bring the Chinese edition in step with the English one, or check that it is.

    python tools/author/translate.py            catalogues, then what is made of them
    python tools/author/translate.py --check    change nothing
    python tools/author/translate.py --into DIR the whole course in Chinese in a folder

Catalogues are locale/zh_CN/*.po, for any gettext editor. An entry whose English changed
keeps its Chinese, marked fuzzy: mend it and take the mark away. chapters/zh and
README.zh.md are made from the catalogues and stored, since people read them where they
lie. Nobody's work is lost: an exercise that somebody solved there is left as it is.
"""

import argparse
import difflib
import functools
import sys
from pathlib import Path

import canonical
import exercises
import parity
import polib
import sources
import tables

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools" / "course"))

import edition  # noqa: E402

ZH = ROOT / "chapters" / "zh"
METADATA = {
    "Content-Type": "text/plain; charset=UTF-8",
    "Language": "zh_CN",
    "MIME-Version": "1.0",
}
NEAR = 0.6  # as alike as two texts must be for one to have become the other


# Catalogues


@functools.cache
def stored(file):
    return polib.pofile(str(file), wrapwidth=0) if file.exists() else polib.POFile()


def memory():
    """Every translation that is stored: {English: Chinese}, for a text that moved."""
    files = sorted(edition.LOCALE.rglob("*.po"))
    return {e.msgid: e.msgstr for file in files for e in stored(file) if e.translated()}


def updated(file, pairs, known):
    """The catalogue of these pairs (context, English), with what the stored one has."""
    old = {(entry.msgctxt or "", entry.msgid): entry for entry in stored(file)}
    gone = [entry for key, entry in old.items() if key not in pairs]
    made = polib.POFile(wrapwidth=10**6)  # a line of the text is a line of the file
    made.metadata = METADATA
    finished = [(e.previous_msgid or e.msgid, e.msgstr) for e in old.values()]
    cells = tables.known(finished)
    for key in pairs:
        entry = old.get(key) or entry_for(*key, gone, known)
        if not entry.translated() and (table := tables.translated(key[1], cells)):
            entry.msgstr, entry.flags, entry.previous_msgid = table, [], None
        made.append(entry)
    return made


def entry_for(context, english, gone, known):
    """A new entry, with the Chinese of the one whose place it takes, if there is one.

    gone: stored entries that are no longer asked for; the one taken is removed.
    """
    new = polib.POEntry(msgctxt=context or None, msgid=english)
    if english in known:
        new.msgstr = known[english]
    elif before := predecessor(context, english, gone):
        gone.remove(before)
        new.msgstr = before.msgstr
        same = before.msgid.split() == english.split() and not before.fuzzy
        if before.msgstr and not same:
            new.flags = ["fuzzy"]
            new.previous_msgid = before.previous_msgid or before.msgid
    return new


def predecessor(context, english, gone):
    if context:
        return next((entry for entry in gone if entry.msgctxt == context), None)
    by_text = {entry.msgid: entry for entry in gone}
    near = difflib.get_close_matches(english, by_text, n=1, cutoff=NEAR)
    return by_text[near[0]] if near else None


def written(catalogue):
    """A catalogue as the text of its file."""
    return f"{catalogue}\n"


def catalogue_faults(file, pairs):
    """What keeps a stored catalogue from being finished: a list of lines."""
    name = file.relative_to(edition.LOCALE)
    if written(updated(file, pairs, {})) != text_of(file):
        return [f"{name} is behind its English: run python tools/author/translate.py"]
    return [f"{name}: {line}" for entry in stored(file) for line in entry_faults(entry)]


def entry_faults(entry):
    where = entry.msgctxt or repr(entry.msgid.split("\n")[0][:50])
    if not entry.msgstr:
        return [f"{where} is not translated"]
    if entry.fuzzy:
        return [f"{where}: its English changed; mend it, and take its mark away"]
    found = parity.faults(entry.msgid, entry.msgstr)
    return [f"{where}: {fault}" for fault in found]


def text_of(file):
    return file.read_text(encoding="utf-8") if file.exists() else ""


def update():
    known = memory()
    for file, pairs in sources.catalogues().items():
        text = written(updated(file, pairs, known))
        if text != text_of(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
            print(f"{file.relative_to(ROOT)}: updated")
    forget()


def forget():
    """Read catalogues anew from now on."""
    for cached in (stored, edition.translations, edition.anchors):
        cached.cache_clear()


# What is stored in Chinese


def place(path):
    """Where the Chinese of a file is stored; the file itself where there is none."""
    if path == ROOT / "README.md":
        return ROOT / "README.zh.md"
    part = path.relative_to(ROOT).parts[1:] if path.is_relative_to(ROOT) else ()
    chapter = len(part) == 1 and path.suffix == ".ipynb"
    if path.is_relative_to(edition.CHAPTERS) and (
        chapter or part[:1] in [("exercises",), ("drawings",)]
    ):
        return ZH.joinpath(*part)
    return path


def made():
    """The text of every file that is stored in Chinese, by its path."""
    files = {}
    for path in edition.chapters():
        files[place(path)] = canonical.text(edition.notebook(path, place))
    for path in edition.exercises():
        notebook = edition.notebook(path, place)
        notebook.metadata[canonical.BLANK] = exercises.digest(notebook)
        files[place(path)] = canonical.text(notebook)
    for path in edition.drawings():
        files[place(path)] = edition.drawing(path)
    readme = ROOT / "README.md"
    if readme.exists():
        files[place(readme)] = edition.page(readme, place)
    return files


def generate(check):
    """Write what is stored in Chinese, or look whether it is as it would be written.

    Returns what is left to do as a list of lines.
    """
    left, files = [], made()
    for path, text in files.items():
        name = path.relative_to(ROOT)
        if path.exists() and path.read_bytes() == text.encode():
            continue
        if check:
            left.append(f"{name} is stale: run python tools/author/translate.py")
        elif path.parent.name == "exercises" and solved(path):
            left.append(f"{name} is somebody's work, and stays: move it, call again")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
            print(f"{name}: written")
    orphans = {p for p in ZH.rglob("*.*") if p.is_file()} - set(files)
    kept = [p for p in orphans if ".ipynb_checkpoints" not in p.parts]
    return left + [f"{p.relative_to(ROOT)} has no English: remove it" for p in kept]


def solved(path):
    return path.exists() and not exercises.untouched(path)


def faults():
    """Everything by which the Chinese edition is behind: a list of lines."""
    found = []
    for file, pairs in sources.catalogues().items():
        found += catalogue_faults(file, pairs)
    orphans = set(edition.LOCALE.rglob("*.po")) - set(sources.catalogues())
    found += [f"{file.relative_to(ROOT)} has no English" for file in sorted(orphans)]
    return found + generate(check=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="change nothing")
    parser.add_argument("--into", type=Path, metavar="DIR", help="a new folder")
    options = parser.parse_args()
    if options.into:
        edition.build(options.into.resolve())
        return 0
    if not options.check:
        update()
    left = faults() if options.check else generate(check=False)
    for line in left:
        print(f"translate: {line}", file=sys.stderr)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
