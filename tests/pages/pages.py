"""Building slides and book for tests: with the network off, warnings as errors."""

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
LOADED = {"script": "src", "link": "href", "img": "src", "iframe": "src"}
NO_LOAD = ("index", "search", "next", "prev")  # links that say where a page belongs

OFFLINE = """
import socket, sys
from pathlib import Path

def refuse(*arguments, **settings):
    raise OSError("the network is off")

socket.socket.connect = socket.getaddrinfo = refuse
sys.path.insert(0, "tools/course")
name, folder, *sys.argv[1:] = sys.argv[1:]
tool, folder = __import__(name), Path(folder)
tool.OUTPUT, tool.SOURCE = folder / "made", folder / "source"
sys.exit(tool.main())
"""


def build(tool, folder, *arguments):
    """Run tools/course/book.py or slides.py into a folder of the test's own."""
    command = [sys.executable, "-c", OFFLINE, tool, str(folder), *arguments]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0 and not result.stderr, result.stderr
    return folder / "made"


class Page(HTMLParser):
    """What a page loads, links to and shows."""

    def __init__(self, path):
        super().__init__()
        self.path, self.loads, self.anchors = path, [], []
        self.images, self.ids = [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids.update(filter(None, [attributes.get("id"), attributes.get("name")]))
        if tag == "img":
            self.images.append(attributes)
        if tag == "a" and attributes.get("href"):
            self.anchors.append(attributes)
        elif attributes.get(LOADED.get(tag)) and attributes.get("rel") not in NO_LOAD:
            self.loads.append(attributes[LOADED[tag]])

    @property
    def links(self):
        return [anchor["href"] for anchor in self.anchors]

    def missing(self):
        """What it loads that is no file beside it, and no data of its own."""
        return [url for url in self.loads if not self.is_file(url)]

    def is_file(self, url):
        parts = urlsplit(url)
        if parts.scheme or parts.netloc:
            return parts.scheme == "data"
        return (self.path.parent / unquote(parts.path)).is_file()

    def without_alt(self):
        """The images without words; a file's name, Sphinx' default, is none."""
        alts = [(i.get("alt") or "", i.get("src", "")[:80]) for i in self.images]
        return [src for alt, src in alts if not alt or alt.endswith((".png", ".svg"))]
