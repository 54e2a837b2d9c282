"""Links to run and to cite the course: out of the git remote, and only where it is."""

import subprocess
import sys

import pytest

from tests.notebooks.test_notebooks import CHAPTERS, IN_DEPTH
from tests.pages.pages import ROOT

sys.path.insert(0, str(ROOT / "tools" / "course"))

import remote  # noqa: E402

CHAPTER, DEEP = (
    f"chapters/{CHAPTERS[0].stem}",
    f"chapters/in_depth/{IN_DEPTH[0].stem}",
)


@pytest.fixture
def git(tmp_path, monkeypatch):
    """A repository of its own: git(...) calls git in it."""
    monkeypatch.setattr(remote, "ROOT", tmp_path)

    def call(*arguments):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)

    call("init", "-q")
    return call


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/some-one/the.course.git",
        "https://github.com/some-one/the.course/",
        "https://name:secret@github.com/some-one/the.course",
        "git@github.com:some-one/the.course.git",
        "ssh://git@github.com/some-one/the.course.git",
    ],
)
def test_every_form_of_a_remote_is_read_and_no_secret_is_kept(git, address):
    git("remote", "add", "origin", address)
    assert remote.repository() == remote.Repository("some-one/the.course", "main")


def test_the_branch_is_that_of_the_remote(git):
    git("remote", "add", "origin", "https://github.com/a/b")
    git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    assert remote.repository().branch == "trunk"


@pytest.mark.parametrize("address", [None, "/srv/a/b", "https://example.org/a/b"])
def test_without_a_remote_there_are_no_links(git, address):
    if address:
        git("remote", "add", "origin", address)
    assert remote.repository() is None


def test_a_page_leads_to_its_notebook_in_its_language():
    links = remote.Repository("a/b", "main").links
    assert links(CHAPTER, "en")["notebook"] == f"{CHAPTER}.ipynb"
    assert links(CHAPTER, "zh")["notebook"] == f"chapters/zh/{CHAPTERS[0].name}"
    assert links(DEEP, "zh")["notebook"] == f"{DEEP}.ipynb"
    found = links(CHAPTER, "en")
    assert found["colab"].endswith(f"/github/a/b/blob/main/{CHAPTER}.ipynb")
    assert found["binder"].endswith(f"/gh/a/b/main?labpath={CHAPTER}.ipynb")
    assert "https://github.com/a/b " in found["first"]


def test_a_page_without_a_notebook_leads_to_the_repository_alone():
    found = remote.Repository("a/b", "main").links("docs/glossary", "en")
    assert found.keys() == {"source", "citation"}
    assert (ROOT / found["citation"].partition("/blob/main/")[2]).exists()


def test_no_address_of_the_repository_is_written_down():
    """It would be wrong in every fork."""
    own = remote.repository()
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True
    ).stdout.split("\n")
    texts = [
        (name, (ROOT / name).read_text(encoding="utf-8", errors="replace"))
        for name in listed
        if name.endswith((".md", ".py", ".html", ".j2", ".yml", ".json", ".cff"))
    ]
    named = own.name if own else "colab.research.google.com/github/"
    kept = {"tools/course/remote.py", "tests/pages/test_remote.py"}
    assert [name for name, text in texts if named in text and name not in kept] == []
