"""The entry point, on a machine that has nothing, and in every way it can fail.

Each test works on a copy in a folder of its own: course.py, and a `run` that says
where it runs. What it installs is a package of a few bytes, made here.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from unittest import mock

import nbformat
import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import course  # noqa: E402

STUB = "import sys, tiny; print(sys.prefix, *sys.argv[1:])"
BARE = STUB.replace(", tiny", "")


def write_wheel(folder, version="1.0", name="tiny"):
    """Make a wheel of the package tiny, the least that pip installs."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": "",
        f"{info}/METADATA": "Metadata-Version: 2.1\n"
        f"Name: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(name, text)


def make_checkout(folder):
    root = folder / "a folder with spaces"
    (root / "tools" / "course").mkdir(parents=True)
    shutil.copy(ROOT / "course.py", root)
    (root / "tools" / "course" / "run.py").write_text(STUB)
    (root / "requirements.txt").write_text("tiny>=1,<2  # the subject\n")
    (root / "constraints.txt").write_text("tiny==1.0\n")
    write_wheel(folder / "wheels")
    return root


@pytest.fixture
def checkout(tmp_path):
    return make_checkout(tmp_path)


def environment(root, **settings):
    """No network, no user's pip settings, no uv: the wheels beside it are all."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON"))}
    return {
        **kept,
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": (root.parent / "wheels").as_uri(),
        "PATH": str(root.parent / "bin"),
        **settings,
    }


def call(root, *arguments, before="", cwd=None, **settings):
    """Call course.py as a user does; `before` is code that breaks this Python first."""
    script = f"import sys, runpy; {before}; sys.argv = sys.argv[1:]; "
    script += "runpy.run_path(sys.argv[0], run_name='__main__')"
    start = ["-c", script] if before else []
    return subprocess.run(
        [sys.executable, *start, str(root / "course.py"), *arguments],
        env=environment(root, **settings),
        cwd=cwd or root.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def one_line(result):
    """What course.py says on failing: its last line, and no traceback."""
    assert result.returncode == 1, result.stderr
    assert "Traceback" not in result.stderr
    last = result.stderr.splitlines()[-1]
    assert last.startswith("course.py")
    return last


# The set-up


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A checkout, and what two calls printed that had waited and then began at once."""
    root = make_checkout(tmp_path_factory.mktemp("installed"))
    (root / "build").mkdir()
    command = [sys.executable, str(root / "course.py"), "run", "1"]
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    settings["env"] = environment(root)
    with (root / "build" / "setup.lock").open("a") as lock:
        assert course.locked(lock)
        calls = [subprocess.Popen(command, **settings) for _ in range(2)]
        assert all("waiting" in process.stderr.readline() for process in calls)
    return root, [process.communicate() for process in calls]


def test_of_two_calls_at_once_one_installs(installed):
    root, printed = installed
    assert [out.strip() for out, _ in printed] == [f"{root / '.venv'} 1"] * 2
    assert sorted("Installing" in said for _, said in printed) == [False, True]
    # The one that waited finds the work done.
    assert not any("up to date" in said for _, said in printed)


def test_later_calls_need_neither_pip_nor_index_from_any_folder(installed):
    root, _ = installed
    later = call(root, "run", PIP_FIND_LINKS="/nowhere", cwd=root / "tools")
    assert (later.returncode, later.stderr) == (0, "")


def test_a_stale_environment_is_updated(installed):
    root, _ = installed
    kept = root / ".venv" / "kept"
    kept.touch()
    (root / "constraints.txt").write_text("tiny==1.0\nother==1\n")
    result = call(root, "run")
    assert result.returncode == 0
    assert "up to date" in result.stderr
    assert kept.exists()


def test_a_half_made_environment_is_made_anew(installed):
    root, _ = installed
    # As after a power cut: no marker, a package without its files.
    (root / ".venv" / "course-installed.txt").unlink()
    next(root.glob(".venv/**/tiny.py")).unlink()
    result = call(root, "run")
    assert result.returncode == 0
    assert "Installing" in result.stderr


def test_without_pins_the_newest_version_is_installed(installed):
    root, _ = installed
    write_wheel(root.parent / "wheels", "1.1")
    for argument, version in [("--no-pins", "1.1"), ("", "1.0")]:
        assert call(root, "run", argument).returncode == 0
        assert len(list(root.glob(f".venv/**/tiny-{version}.dist-info"))) == 1


def test_what_pages_need_is_installed_when_pages_are_first_built(checkout):
    (checkout / "requirements-dev.txt").write_text("tiny\n")
    (checkout / "requirements.txt").write_text("tinier\n")
    write_wheel(checkout.parent / "wheels", name="tinier")
    (checkout / "tools" / "course" / "run.py").write_text("import tinier")
    (checkout / "tools" / "course" / "book.py").write_text("import tiny")
    assert call(checkout, "run").returncode == 0
    assert not list(checkout.glob(".venv/**/tiny.py"))
    assert call(checkout, "book").returncode == 0
    assert "up to date" not in call(checkout, "run").stderr


def test_a_python_that_fits_is_used_as_it_is(checkout):
    (checkout / "requirements.txt").write_text("pytest>=8\nnumpy>=1.5,<99\n-e .\n")
    (checkout / "tools" / "course" / "run.py").write_text(BARE)
    result = call(checkout, "run")
    assert (result.stdout.strip(), result.stderr) == (sys.prefix, "")
    assert not (checkout / ".venv").exists()


def test_without_pins_an_activated_environment_is_left_aside(checkout, tmp_path):
    (checkout / "tools" / "course" / "run.py").write_text(BARE)
    (wheel,) = (tmp_path / "wheels").iterdir()
    shutil.unpack_archive(wheel, tmp_path / "activated", "zip")
    write_wheel(tmp_path / "wheels", "1.1")
    activated = {"PYTHONPATH": str(tmp_path / "activated")}
    assert call(checkout, "run", **activated).stdout.split()[0] == sys.prefix
    assert not (checkout / ".venv").exists()
    assert call(checkout, "run", "--no-pins", **activated).returncode == 0
    assert list(checkout.glob(".venv/**/tiny-1.1.dist-info"))


def test_our_own_environment_is_kept_to_the_pins_when_it_is_activated(monkeypatch):
    def install(files, pins):
        raise course.SetupError("brought up to date")

    monkeypatch.setattr(course, "VENV", Path(sys.prefix))
    monkeypatch.setattr(course, "fits", lambda files: True)
    monkeypatch.setattr(course, "ready", lambda files, pins: False)
    monkeypatch.setattr(course, "install", install)
    with pytest.raises(course.SetupError, match="brought up to date"):
        course.environment(["requirements.txt"], pins=True)


FAKE_UV = f"""#!{sys.executable}
import subprocess, sys
print("uv", *sys.argv[1:])
python = sys.argv[3].partition("=")[2]
sys.exit(subprocess.call([python, "-m", "pip", *sys.argv[2:3], *sys.argv[4:]]))
"""


@pytest.mark.skipif(os.name == "nt", reason="a script is no program there")
@pytest.mark.parametrize("works", [True, False])
def test_uv_installs_where_it_is_there_and_pip_what_it_could_not(checkout, works):
    uv = checkout.parent / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(FAKE_UV if works else f"#!{sys.executable}\nraise SystemExit(2)")
    uv.chmod(0o755)
    result = call(checkout, "run")
    assert result.returncode == 0
    assert ("trying pip" in result.stderr) is not works
    log = (checkout / "build" / "setup.log").read_text()
    assert ("uv pip install --python=" in log) is works
    assert not works or log.count("--constraint=constraints.txt") == 1


@pytest.mark.parametrize(
    "line, expected",
    [
        ("pytest>=8, <99  # a comment", True),
        ("pytest!=0.1", True),
        ("pytest[dev]>=8", True),
        ("pytest~=99.0", False),
        ("pytest<8", False),
        ("pytest==99.*", False),
        ("no-such-package", False),
        ("no-such-package; sys_platform == 'nowhere'", True),
        ("-e .", True),
    ],
)
def test_whether_a_python_has_what_is_asked_for(tmp_path, monkeypatch, line, expected):
    monkeypatch.setattr(course, "ROOT", tmp_path)
    (tmp_path / "asked.txt").write_text(f"{line}\n")
    assert course.fits(["asked.txt"]) is expected


@pytest.mark.parametrize("file", ["requirements.txt", *course.MORE["test"]])
def test_every_requirement_is_pinned_within_its_range(file):
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    required = [Requirement(line) for line in course.requirements(file)]
    assert required
    for one in required:
        assert pins[one.name] in one.specifier, one.name


# What goes wrong for a newcomer


@pytest.mark.parametrize("version", [(2, 7), (3, 8, 18), (3, 10), (3, 14), (4, 0)])
def test_another_python_is_named_with_those_that_do(version):
    with pytest.raises(course.SetupError) as error:
        course.check_python(version, has_venv=True)
    message = str(error.value)
    assert f"{version[0]}.{version[1]}" in message
    assert "needs Python 3.11 to 3.13" in message


@pytest.mark.parametrize("version", [(3, 11), (3, 12, 1), (3, 13, 9, "final", 0)])
def test_supported_pythons_pass(version):
    course.check_python(version, has_venv=True)


def test_a_python_too_old_can_read_the_file(checkout):
    ast.parse((ROOT / "course.py").read_text(), feature_version=(3, 7))
    result = call(checkout, "run", before="sys.version_info = (3, 8, 18)")
    assert "needs Python 3.11 to 3.13" in one_line(result)


def test_no_venv_module(checkout):
    result = call(checkout, "run", before="sys.modules['ensurepip'] = None")
    assert "sudo apt install python3." in one_line(result)


def test_no_network(checkout):
    result = call(
        checkout,
        "run",
        PIP_NO_INDEX="0",
        PIP_INDEX_URL="http://127.0.0.1:9/simple",  # the discard port: nobody listens
        PIP_FIND_LINKS="",
        PIP_RETRIES="1",
    )
    assert "No connection to the package index" in one_line(result)
    assert not (checkout / ".venv" / "course-installed.txt").exists()


def test_full_disk(checkout, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "sitecustomize.py").write_text(
        "import builtins, errno\n"
        "ordinary = open\n"
        "def full(file, mode='r', *rest, **more):\n"
        "    if 'w' in mode and '.venv' in str(file):\n"
        "        raise OSError(errno.ENOSPC, 'No space left on device', str(file))\n"
        "    return ordinary(file, mode, *rest, **more)\n"
        "builtins.open = full\n"
    )
    result = call(checkout, "run", PYTHONPATH=str(tmp_path / "full"))
    assert "The disk is full" in one_line(result)


@pytest.mark.parametrize(
    "printed, advice",
    [
        ("ERROR: Could not install: [Errno 28] No space left on device", "disk"),
        (
            "WARNING: Retrying ... NameResolutionError(...)\nERROR: No matching",
            "network",
        ),
        ("ERROR: No matching distribution found for tensorflow<3,>=2.20", "64-bit"),
        ("PermissionError: [Errno 13] Permission denied: '.venv'", "permission"),
        ("PermissionError: [WinError 5] Access is denied: 'python.exe'", "deactivate"),
        ("noise\nERROR: something else\nmore", "something else"),
        ("", "failed"),
    ],
)
def test_what_pip_says_becomes_one_line(printed, advice):
    line = course.explain(printed)
    assert advice in line
    assert "\n" not in line


# Commands


def test_help_needs_nothing_installed(checkout):
    result = call(checkout, "--help")
    assert result.returncode == 0
    assert "lab" in result.stdout
    assert "run" in result.stdout
    # Its tool is not in this checkout.
    assert "slides" not in result.stdout
    assert not (checkout / ".venv").exists()


def test_an_unknown_command_is_answered_with_the_usage(checkout):
    result = call(checkout, "rnu")
    assert result.returncode == 2
    assert "no command 'rnu'" in result.stderr
    assert "usage:" in result.stderr


def test_the_exit_status_is_that_of_the_tool(checkout):
    (checkout / "requirements.txt").write_text("")
    (checkout / "tools" / "course" / "run.py").write_text("import sys; sys.exit(7)")
    assert call(checkout, "run").returncode == 7


# Running chapters


@pytest.mark.parametrize(
    ("arguments", "chapter", "language"),
    [
        ([], "chapters/01_", None),
        (["--lang", "zh", "--no-browser"], "chapters/zh/01_", "zh"),
        (["--lang=en"], "chapters/01_", "en"),
    ],
)
def test_lab_opens_the_edition_that_is_asked_for(
    monkeypatch, arguments, chapter, language
):
    """The rest of its arguments go to JupyterLab."""
    with mock.patch.object(course, "hand_over", return_value=0) as handed:
        assert course.lab("python", arguments) == 0
    (command,), settings = handed.call_args
    (address,) = [one for one in command if "default_url" in one]
    assert f"/lab/tree/{chapter}" in address
    assert (course.ROOT / address.partition("/lab/tree/")[2]).exists()
    assert settings.get("COURSE_LANG") == language
    assert ("--no-browser" in command) == ("--no-browser" in arguments)
    assert not any("--lang" in one for one in command)


def test_lab_names_the_languages_there_are(capsys):
    with pytest.raises(SystemExit):
        course.lab("python", ["--lang", "fr"])
    said = capsys.readouterr().err
    assert "invalid choice: 'fr'" in said and "zh" in said


def write_chapter(root, name, *sources, parameters=False):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    if parameters:
        cells[0].metadata["tags"] = ["parameters"]
    (root / "chapters").mkdir(exist_ok=True)
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells), root / "chapters" / f"{name}.ipynb"
    )


@pytest.fixture
def chapters(checkout):
    (checkout / "requirements.txt").write_text("papermill>=2\n")
    shutil.copy(ROOT / "tools" / "course" / "run.py", checkout / "tools" / "course")
    return checkout


def test_run_executes_passes_parameters_and_sums_up(chapters, tmp_path):
    write_chapter(chapters, "01_first", "import utils", "print(utils.__file__)")
    write_chapter(
        chapters,
        "09_last",
        "dataset, plan = 'digits', 'stored'",
        "import os; print(dataset, plan, os.environ['COURSE_DATA'])",
        parameters=True,
    )
    (chapters / "utils").mkdir()
    (chapters / "utils" / "__init__.py").write_text("")
    (tmp_path / "mine").mkdir()
    result = call(
        chapters, "run", "1", "last", "--dataset", "shapes", "--data-dir", "mine"
    )
    assert result.returncode == 0, result.stderr
    assert "01_first has no parameters" in result.stdout
    done = chapters / "build" / "run"
    rows = [line.split(",") for line in (done / "summary.csv").read_text().split()]
    assert rows[0] == ["chapter", "seconds", "peak_mib", "cells", "status"]
    assert [(row[0], row[3], row[4]) for row in rows[1:]] == [
        ("01_first", "2", "passed"),
        ("09_last", "3", "passed"),  # with the one that papermill adds
    ]
    # A kernel alone takes tens of MiB.
    assert all(int(row[2]) > 20 for row in rows[1:])
    assert (done / "summary.md").read_text() in result.stdout
    # This checkout's utils, and the data folder as the caller sees it.
    assert str(chapters / "utils") in (done / "01_first.ipynb").read_text()
    last = json.loads((done / "09_last.ipynb").read_text())["cells"][-1]
    said = f"shapes None {tmp_path / 'mine'}\n"
    assert last["outputs"][0]["text"] == [said]
    assert said in result.stdout  # a long run tells what it does


def test_run_ends_at_the_first_failing_cell_and_names_it(chapters):
    write_chapter(chapters, "01_first", "1", "raise ValueError('first\\nrate is 2')")
    write_chapter(chapters, "02_second", "1")
    result = call(chapters, "run")
    assert "01_first, cell 2, In [2]: ValueError: rate is 2" in one_line(result)
    assert not (chapters / "build" / "run" / "02_second.ipynb").exists()


@pytest.mark.parametrize(
    "arguments, answer",
    [
        (["12"], "There is no chapter '12'; there are: 01_first."),
        (["1", "--data-dir", "nowhere"], "nowhere is no folder"),
    ],
)
def test_run_says_what_there_is(chapters, arguments, answer):
    write_chapter(chapters, "01_first", "1")
    result = call(chapters, "run", *arguments)
    assert result.returncode == 2
    assert answer in result.stderr
