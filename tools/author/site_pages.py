"""Put the course together for the web, in both languages: build/site.

    python tools/author/site_pages.py              book at the top, decks in slides/
    python tools/author/site_pages.py --since REF  only name pages that changed since

What `course.py book` and `course.py slides` make, with and without `--lang zh`.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "build" / "site"


def build():
    """Make book and decks in both languages, and lay them out. Returns the status."""
    for tool in ("book", "slides"):
        for lang in ("en", "zh"):
            command = [sys.executable, f"tools/course/{tool}.py", "--lang", lang]
            if status := subprocess.run(command, cwd=ROOT).returncode:
                return status
    shutil.rmtree(SITE, ignore_errors=True)
    shutil.copytree(ROOT / "build" / "book", SITE)
    shutil.copytree(ROOT / "build" / "slides", SITE / "slides")
    (SITE / ".nojekyll").touch()  # else GitHub leaves _static out
    print(f"Open {SITE / 'index.html'}")
    return 0


def changed(files):
    """The pages, in both languages, that come from files of the repository."""
    found = set()
    for name in map(Path, files):
        parts = name.parts
        if parts[0] == "locale":  # locale/zh_CN/chapters/03_dropout.po
            found.add(Path("zh", *parts[2:]).with_suffix(".html"))
        elif name.suffix == ".ipynb" and "zh" not in parts:
            found |= {name.with_suffix(".html"), "zh" / name.with_suffix(".html")}
        elif parts[0] == "docs" and name.suffix == ".md":
            page = Path("index.md") if name.name == "index.md" else name
            found |= {page.with_suffix(".html"), "zh" / page.with_suffix(".html")}
    return sorted(str(page.as_posix()) for page in found if (SITE / page).exists())


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--since", metavar="REF", help="such as origin/main")
    options = parser.parse_args()
    if not options.since:
        return build()
    command = ["git", "diff", "--name-only", f"{options.since}...HEAD"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        print(f"site: git does not compare: {listed.stderr.strip()}", file=sys.stderr)
        return 1
    pages = changed(listed.stdout.splitlines())
    print("\n".join(f"- `{page}`" for page in pages) or "No page changed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
