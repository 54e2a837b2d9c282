"""Explorables in pages: a picture, and a script that draws what moves in its place.

One bundle for book and decks: Vega, Vega-Lite and vega-embed out of vl-convert, with
play/play.js. Nothing is fetched, and a page without scripts keeps the picture.
"""

import html
import json
import shutil
from pathlib import Path

MIME = "application/vnd.vegalite.v5+json"
PLAY = Path(__file__).resolve().parent / "play"
SCRIPT, STYLE, LICENCE = "explorables.js", "play.css", "LICENSE-vega.txt"
MARK = '<figure class="play">'  # how a page shows that it needs the script


def figure(data, alternative):
    """The HTML of an explorable, out of its output's data."""
    spec = json.dumps(data[MIME], separators=(",", ":")).replace("</", "<\\/")
    picture = "data:image/png;base64," + "".join(data["image/png"].split())
    alternative = html.escape(alternative)
    return (
        f'{MARK}<img src="{picture}" alt="{alternative}">'
        f'<script type="{MIME}">{spec}</script></figure>'
    )


def draw_explorables(notebook):
    """Give each explorable of a notebook its HTML; returns how many there are."""
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", [])]
    found = [output for output in outputs if MIME in output.get("data", {})]
    for output in found:
        alternative = output.metadata["image/png"]["alt"]
        output.data["text/html"] = figure(output.data, alternative)
        del output.data[MIME]
    return len(found)


def copy_script(folder):
    """Put what such pages load into a folder."""
    import vl_convert

    folder.mkdir(parents=True, exist_ok=True)
    snippet = (PLAY / "play.js").read_text(encoding="utf-8")
    bundle = vl_convert.javascript_bundle(snippet)
    # Inside a function, so that its names are no other script's: Sphinx has a `_` too.
    (folder / SCRIPT).write_text(f"(() => {{{bundle}\n}})();\n", encoding="utf-8")
    for name in (STYLE, LICENCE):
        shutil.copyfile(PLAY / name, folder / name)
