"""What Codespaces, VS Code and Binder read, before any of the course runs."""

import json
import re
from pathlib import Path

import course

ROOT = Path(__file__).resolve().parents[2]


def version(text):
    return tuple(map(int, re.search(r"(\d+)\.(\d+)", text).groups()))


def test_the_devcontainer_installs_the_pins_and_opens_chapter_01():
    file = ROOT / ".devcontainer" / "devcontainer.json"
    container = json.loads(file.read_text(encoding="utf-8"))
    assert course.OLDEST <= version(container["image"]) <= course.NEWEST
    steps = container["postCreateCommand"].split()
    assert steps[:4] == ["python", "-m", "pip", "install"]
    for option, name in (("--requirement", "requirements"), ("--constraint", "const")):
        file = steps[steps.index(option) + 1]
        assert file.startswith(name) and (ROOT / file).exists()
    code, chapter = container["postAttachCommand"].split()
    assert code == "code" and (ROOT / chapter).exists()
    assert container["customizations"]["codespaces"]["openFiles"] == [chapter]
    assert Path(chapter).name.startswith("01_")


def test_binder_gets_a_python_that_fits_and_utils():
    runtime = (ROOT / "runtime.txt").read_text(encoding="utf-8").strip()
    assert re.fullmatch(r"python-\d\.\d+", runtime)
    assert course.OLDEST <= version(runtime) <= course.NEWEST
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert lines[-1] == "-e ."
