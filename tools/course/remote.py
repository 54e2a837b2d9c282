"""Where the course is kept, out of the git remote: links to run it, and to cite it.

A copy without a remote on GitHub has none, and its pages no such links.
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GITHUB = re.compile(
    r"(?:.*@|.*://)?(?:[^/@]*@)?github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?"
)


@dataclass(frozen=True)
class Repository:
    """A repository on GitHub: its owner/name, and its main branch."""

    name: str
    branch: str

    def links(self, page, lang):
        """The addresses for a page of the book: by name, as chapters/01_overfitting.

        A page of the Chinese book leads to its notebook where that is kept in Chinese.
        """
        notebook = f"{page}.ipynb"
        chinese = notebook.replace("chapters/", "chapters/zh/", 1)
        if lang == "zh" and (ROOT / chinese).exists():
            notebook = chinese
        home, branch = f"https://github.com/{self.name}", self.branch
        links = {"source": home, "citation": f"{home}/blob/{branch}/CITATION.cff"}
        if not (ROOT / notebook).exists():
            return links
        return links | {
            "notebook": notebook,
            "codespaces": f"https://codespaces.new/{self.name}?quickstart=1",
            "binder": f"https://mybinder.org/v2/gh/{self.name}/{branch}"
            f"?labpath={notebook}",
            "colab": "https://colab.research.google.com/github/"
            f"{self.name}/blob/{branch}/{notebook}",
            "first": f"!git clone -q --depth 1 {home} /content/course\n"
            'import sys; sys.path[:0] = ["/content/course"]',
        }


def git(*arguments):
    """What git says, in a line; "" where it says no, or is not there."""
    command = ["git", *arguments]
    try:
        called = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    except OSError:
        return ""
    return called.stdout.strip() if called.returncode == 0 else ""


def repository():
    """The repository that `origin` names; None where there is none on GitHub."""
    found = GITHUB.fullmatch(git("remote", "get-url", "origin"))
    if not found:
        return None
    head = git("symbolic-ref", "--short", "refs/remotes/origin/HEAD")
    return Repository(found[1], head.removeprefix("origin/") or "main")
