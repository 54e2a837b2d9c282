"""Ask whether what the course links to on the web is still there: once a week, in CI.

    python tools/author/links.py

A page that is gone, or a host that nobody knows, is named with the files that link to
it, and the exit status is 1. A host that refuses a program (403, 429) or is in trouble
(5xx) counts as there.
"""

import concurrent.futures
import http.client
import json
import re
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATTERNS = ["*.md", "docs/*.md", "docs/*.bib", "data/*.md", "chapters/**/*.ipynb"]
ADDRESS = re.compile(r"https?://[^\s\"'<>`{}|\\^\])，。；、）]+")
NAMED = [  # in references.bib
    (re.compile(r"\bdoi\s*=\s*[{\"]([^}\"]+)", re.I), "https://doi.org/{}"),
    (re.compile(r"\barXiv:(\d{4}\.\d{4,5})"), "https://arxiv.org/abs/{}"),
]
GONE = {404, 410}
TRIES, PAUSE, PATIENCE = 3, 5, 30  # times, seconds between them, seconds for an answer
HEADERS = {"User-Agent": "Mozilla/5.0 (link check)"}


def addresses(text):
    """The addresses in a text, those of papers with a DOI or on arXiv too."""
    found = [address.rstrip(".,;:!?") for address in ADDRESS.findall(text)]
    for form, address in NAMED:
        found += [address.format(name) for name in form.findall(text)]
    return set(found)


def prose(path):
    """What a file has for readers: of a notebook, its Markdown."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n".join(
        "".join(c["source"]) for c in cells if c["cell_type"] == "markdown"
    )


def linked():
    """{address: the files that link to it}."""
    found = {}
    for pattern in PATTERNS:
        for path in sorted(ROOT.glob(pattern)):
            for address in addresses(prose(path)):
                found.setdefault(address, []).append(str(path.relative_to(ROOT)))
    return found


def fault(address):
    """What is wrong with an address; None where something answers."""
    problem = None
    for place in range(TRIES):
        time.sleep(PAUSE * (place > 0))
        try:
            request = urllib.request.Request(address, headers=HEADERS)
            with urllib.request.urlopen(request, timeout=PATIENCE):
                return None
        except urllib.error.HTTPError as error:
            return f"{error.code} {error.reason}" if error.code in GONE else None
        except (OSError, http.client.HTTPException, ValueError) as error:
            problem = f"{type(error).__name__}: {error}"
    return problem


def main():
    found = linked()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        faults = dict(zip(found, pool.map(fault, found), strict=True))
    for address, problem in sorted(faults.items()):
        if problem:
            files = ", ".join(found[address])
            print(f"{address}\n  {problem}\n  in {files}", file=sys.stderr)
    dead = sum(problem is not None for problem in faults.values())
    print(f"{len(found)} addresses, {dead} dead")
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
