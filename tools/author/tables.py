"""Tables that are translated by their cells: a number that moves needs no translator.

A cell is known where a finished table of the same catalogue has it, with whatever
numbers, in the same order in both languages.
"""

import re

NUMBER = re.compile(r"(?<![\w.])[+−-]?\d[\d,]*(?:\.\d+)?")
EDGE = re.compile(r"(?<!\\)\|")


def rows(text):
    """The cells of a table, a list a row; [] for what is no table."""
    lines = text.split("\n")
    if not all(line.startswith("|") and line.endswith("|") for line in lines):
        return []
    return [[cell.strip() for cell in EDGE.split(line)[1:-1]] for line in lines]


def shape(table):
    return [len(row) for row in table]


def known(pairs):
    """{cell without its numbers: its Chinese, without them} of finished tables.

    pairs: (English, Chinese) of entries.
    """
    found = {}
    for english, chinese in pairs:
        ours, theirs = rows(english), rows(chinese)
        if not ours or shape(ours) != shape(theirs):
            continue
        for en, zh in zip(sum(ours, []), sum(theirs, []), strict=True):
            if NUMBER.findall(en) == NUMBER.findall(zh):
                found[NUMBER.sub("#", en)] = NUMBER.sub("#", zh)
    return found


def translated(english, cells):
    """A table in Chinese, where every one of its cells is known; else None."""
    table = rows(english)
    made = [[in_chinese(cell, cells) for cell in row] for row in table]
    if not table or None in sum(made, []):
        return None
    lines = ["| " + " | ".join(row) + " |" for row in made]
    return "\n".join(lines[:1] + english.split("\n")[1:2] + lines[2:])


def in_chinese(cell, cells):
    words = NUMBER.sub("#", cell)
    if not re.search(r"[^\W\d_]", words):
        return cell  # nothing in it is a word
    if words not in cells or cells[words].count("#") != words.count("#"):
        return None
    numbers = iter(NUMBER.findall(cell))
    return re.sub("#", lambda _: next(numbers), cells[words])
