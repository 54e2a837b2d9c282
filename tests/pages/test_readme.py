"""README and its like say what is there: links, commands, the version."""

import re
import tomllib
from pathlib import Path

import pytest

import course

ROOT = Path(__file__).resolve().parents[2]
READMES = [ROOT / "README.md", ROOT / "README.zh.md"]
PAGES = [*READMES, ROOT / "data" / "README.md", ROOT / "CONTRIBUTING.md"]
PAGES += [ROOT / "CHANGELOG.md"]
PAGES += sorted((ROOT / "docs").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page):
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    missing = [link for link in local if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize(
    ("page", "folder"), [(READMES[0], "chapters"), (READMES[1], "chapters/zh")]
)
def test_every_chapter_is_in_the_table(page, folder):
    readme = page.read_text(encoding="utf-8")
    chapters = sorted(path.name for path in (ROOT / folder).glob("*.ipynb"))
    assert [name for name in chapters if f"({folder}/{name})" not in readme] == []


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.name)
def test_the_first_lines_lead_to_both_languages(page):
    first = page.read_text(encoding="utf-8").splitlines()[:3]
    assert "[English](README.md) · [中文](README.zh.md)" in first


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_is_to_be_called_is_there(page):
    text = page.read_text(encoding="utf-8")
    calls = set(re.findall(r"course\.py +([a-z]+)", text))
    assert calls <= course.COMMANDS.keys()
    files = re.findall(r"\b(?:tools|tests|utils|benchmarks)/[\w/]+\.py\b", text)
    assert [name for name in files if not (ROOT / name).exists()] == []


def test_every_command_is_told():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    told = set(re.findall(r"python3 course\.py ([a-z]+)", readme))
    assert told == course.COMMANDS.keys()


def test_the_version_is_one():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    cited = re.search(r"^version: (\S+)", (ROOT / "CITATION.cff").read_text(), re.M)
    newest = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert {cited[1], newest[1]} == {project["version"]}
