"""Make what readers see of docs/evidence.csv: the rows in evidence.md, two figures.

    python tools/author/evidence_page.py [--check]

docs/evidence.png has every claim, docs/why.png those of README. Both carry a digest of
the table that they were drawn from.
"""

import argparse
import hashlib
import sys
from pathlib import Path

import pandas as pd
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from utils.plots.evidence import ENDS, EVIDENCE, forest, read  # noqa: E402

PAGE = ROOT / "docs" / "evidence.md"
MARK = "<!-- Below: python tools/author/evidence_page.py -->"
DRAWN_FROM = "Drawn from"
WHY = ["E02.1", "E03.1", "E04.1", "E04.2", "E06.1", "E06.9"]
FIGURES = {"evidence.png": None, "why.png": WHY}  # the claims of each; None for all


def rows(table):
    """A section for each claim, with a row for each world, as Markdown."""
    lines = [MARK]
    for name, kept in table.groupby("id", sort=False):
        first = kept.iloc[0]
        lines += ["", f"### {name}", ""]
        lines += [f"Chapter {first['chapter']}: {first['claim']}. Compared are"]
        lines += [f"*{first['condition']}* and *{first['reference']}*.", ""]
        lines += ["| world | strengths | epochs | end of training | best epoch |"]
        lines += ["|---|---|---|---|---|"]
        for _, row in kept.iterrows():
            ends = " | ".join(result(row, at) for at in ENDS)
            strengths = "" if pd.isna(row["strengths"]) else row["strengths"]
            lines += [f"| {row['world']} | {strengths} | {row['epochs']} | {ends} |"]
    return "\n".join(lines) + "\n"


def result(row, at):
    """A difference in percentage points, its interval and its verdict."""
    mean, low, high = (100 * row[f"{x}_{at}"] for x in ("difference", "low", "high"))
    if pd.isna(low):
        return f"{mean:+.1f}, {row[f'verdict_{at}']}"
    return f"{mean:+.1f} ({low:+.1f} to {high:+.1f}), {row[f'verdict_{at}']}"


def digest():
    return hashlib.sha256(EVIDENCE.read_bytes()).hexdigest()


def draw(name, table):
    """Write a figure, with the digest of the table in the file."""
    claims = FIGURES[name]
    kept = table if claims is None else table[table["id"].isin(claims)]
    forest(kept).savefig(PAGE.parent / name, metadata={DRAWN_FROM: digest()})


def stale():
    """What does not follow from the table: a list of names."""
    found = []
    if not PAGE.read_text(encoding="utf-8").endswith("\n" + rows(read(EVIDENCE))):
        found.append(PAGE.name)
    for name in FIGURES:
        with Image.open(PAGE.parent / name) as picture:
            if picture.info.get(DRAWN_FROM) != digest():
                found.append(name)
    return found


def make():
    """Write the page's rows and the figures anew."""
    table = read(EVIDENCE)
    words, _, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    PAGE.write_text(words + rows(table), encoding="utf-8", newline="\n")
    for name in FIGURES:
        draw(name, table)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="change nothing")
    if not parser.parse_args().check:
        make()
        return 0
    found = stale()
    for name in found:
        print(f"docs/{name} is stale: run {Path(__file__).name}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
