#!/usr/bin/env python3
"""The course's one command: it sets up, then opens, runs or tests the chapters.

Standard library alone, since it runs before anything is installed; and in the grammar
of Python 3.7, so that a Python which is too old can still say so.
"""

import argparse
import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LAB = ROOT / "tools" / "course" / "lab"
MARKER = VENV / "course-installed.txt"
LOG = ROOT / "build" / "setup.log"
OLDEST, NEWEST = (3, 11), (3, 13)
PYTHON = "py" if os.name == "nt" else "python3"

COMMANDS = {
    "lab": (None, "open JupyterLab at chapter 01 (the default); --lang zh: in Chinese"),
    "run": ("run.py", "run chapters from top to bottom, all or some: run 1 2"),
    "test": ("verify.py", "everything that CI runs: lint, tests, stored outputs"),
    "book": ("book.py", "build the course as web pages"),
    "slides": ("slides.py", "build the slides"),
    "grade": ("grade.py", "check exercise notebooks: grade NOTEBOOK ..."),
    "update": ("update.py", "get the newest course; solved exercises stay"),
}

EDITIONS = {"en": "chapters", "zh": "chapters/zh"}

PAGES = ["requirements-dev.txt"]
MORE = {  # than a learner needs
    "test": [*PAGES, "requirements-cluster.txt"],
    "book": PAGES,
    "slides": PAGES,
}


class SetupError(Exception):
    """What stops the set-up, in a line that says what to do."""


def say(message):
    print(message, file=sys.stderr, flush=True)


def usage():
    """The text of --help: commands whose tool is not there yet are left out."""
    lines = [
        f"usage: {PYTHON} course.py [COMMAND] [ARGUMENT ...]",
        "",
        *(f"  {name:8}{text}" for name, (_, text) in available().items()),
        "",
        f"More about one: {PYTHON} course.py run --help",
        "The first call makes an environment in .venv and installs what the course",
        "needs: once, with network, a few minutes; seconds where uv is installed. An",
        "activated environment that has it already is used as it is. --no-pins leaves",
        "that aside, and puts the newest versions into .venv instead of those in",
        "constraints.txt.",
    ]
    return "\n".join(lines)


def available():
    """The commands of this checkout."""
    return {
        name: (tool, text)
        for name, (tool, text) in COMMANDS.items()
        if tool is None or (ROOT / "tools" / "course" / tool).exists()
    }


# What is there already


def requirements(file):
    """What a requirements file asks for, a line each, without comments and options."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    lines = (line.split("#")[0].strip() for line in lines)
    return [line for line in lines if line and not line.startswith("-")]


def fits(files):
    """Whether the Python that runs this file has all that the files ask for.

    A Python without `packaging` has no JupyterLab either, which depends on it.
    """
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        return False
    try:
        from importlib import metadata  # not there before Python 3.8

        from packaging.requirements import Requirement

        asked = [Requirement(line) for file in files for line in requirements(file)]
        return all(
            one.specifier.contains(metadata.version(one.name), prereleases=True)
            for one in asked
            if one.marker is None or one.marker.evaluate()
        )
    except ImportError:  # a package that is missing raises one too
        return False


def marks(files, pins):
    """The lines that a good installation leaves in its marker: files and hashes."""
    pinned = (ROOT / "constraints.txt").read_bytes() if pins else b"no pins"
    return {
        f"{file} {hashlib.sha256((ROOT / file).read_bytes() + pinned).hexdigest()}"
        for file in files
    }


def venv_python():
    folder, name = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return VENV / folder / name


def works():
    """Whether .venv has a Python that sees its packages.

    An upgrade of the system's Python can leave one that is gone, or sees none.
    """
    probe = [str(venv_python()), "-c", "import pip"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return venv_python().exists() and subprocess.call(probe, **quiet) == 0


def ready(files, pins):
    """Whether .venv is finished, has what the files ask for, and works."""
    if not MARKER.exists():
        return False
    marked = MARKER.read_text(encoding="utf-8").splitlines()
    return marks(files, pins) <= set(marked) and works()


# Making what is missing


def check_python(version, has_venv):
    """Raise SetupError unless this Python can make the environment."""
    if not OLDEST <= tuple(version[:2]) <= NEWEST:
        others = (f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1))
        found = next(filter(shutil.which, others), None)
        advice = (
            f"You have one: {found} course.py"
            if found
            else "Install one from https://www.python.org/downloads/ and use that"
        )
        raise SetupError(
            f"The course needs Python {OLDEST[0]}.{OLDEST[1]} to "
            f"{NEWEST[0]}.{NEWEST[1]}, and {sys.executable} is "
            f"{version[0]}.{version[1]}. {advice}."
        )
    if not has_venv:
        raise SetupError(
            "This Python has no venv module. On Debian and Ubuntu: "
            f"sudo apt install python{version[0]}.{version[1]}-venv; then call again."
        )


def has_venv():
    try:
        import ensurepip  # noqa: F401  (Debian ships venv, but leaves this part out)
        import venv  # noqa: F401
    except ImportError:
        return False
    return True


FAILURES = [
    (
        r"No space left|Errno 28|not enough space|Disk quota exceeded",
        "The disk is full: the environment needs about 3 GB. Free some, then call "
        "again.",
    ),
    (
        r"NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|ProxyError"
        r"|Temporary failure in name|Connection (refused|reset|aborted)|timed out"
        r"|SSLError|Network is unreachable|IncompleteRead",
        "No connection to the package index. Check the network (or the proxy: "
        "HTTPS_PROXY), then call again.",
    ),
    (
        r"No matching distribution found for tensorflow",
        "There is no TensorFlow for this machine and Python: it needs a 64-bit Python "
        "on Linux, Windows or a Mac with Apple silicon.",
    ),
    (
        r"Permission denied|Access is denied|Read-only file system",
        f"No permission to write in {ROOT}. Close what uses .venv, run `deactivate`, "
        "or copy the course to a folder of your own; then call again.",
    ),
]


def explain(text):
    """One line on why an installation failed, from what it printed."""
    for pattern, advice in FAILURES:
        if re.search(pattern, text, re.IGNORECASE):
            return advice
    errors = re.findall(r"^ERROR: (.+)", text, re.MULTILINE) or text.split("\n")[-2:]
    return f"The installation failed: {errors[0].strip()} (all of it: {LOG})"


def call(command):
    """Run one step of the installation into the log, its progress on the terminal."""
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    settings.update(stdin=subprocess.DEVNULL, errors="replace", cwd=str(ROOT))
    lines = []
    with subprocess.Popen(command, **settings) as process:
        for line in process.stdout:
            lines.append(line)
            doing = re.match(r"(Collecting|Downloading|Building|Installing)\b.*", line)
            if doing and sys.stderr.isatty():
                print(f"\r{doing.group()[:78]:78}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print(f"\r{'':78}\r", end="", file=sys.stderr, flush=True)
    with LOG.open("a", encoding="utf-8") as log:
        log.writelines(lines)
    if process.returncode:
        raise SetupError(explain("".join(lines)))


def locked(file):
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


@contextlib.contextmanager
def one_at_a_time():
    """Hold a lock that the system frees when this process ends, however it ends."""
    LOG.parent.mkdir(exist_ok=True)
    with LOG.with_suffix(".lock").open("a") as file:
        if not locked(file):
            say("Another call is setting up; waiting for it.")
            while not locked(file):
                time.sleep(0.5)
        yield


def install(files, pins):
    """Make .venv, or bring it up to date, and mark it as finished."""
    check_python(sys.version_info, has_venv())
    LOG.write_text("", encoding="utf-8")
    if MARKER.exists() and works():
        say("Bringing .venv up to date ...")
        MARKER.unlink()
    else:
        say("Installing into .venv: once, a few minutes ...")
        base = getattr(sys, "_base_executable", None) or sys.executable
        call([base, "-m", "venv", "--clear", str(VENV)])
    fill(files, pins)
    MARKER.write_text("\n".join(marks(files, pins)) + "\n", encoding="utf-8")


def fill(files, pins):
    """Install into .venv with uv, where there is one, in seconds; else with pip."""
    what = ["--constraint=constraints.txt"] if pins else ["--upgrade"]
    what += [f"--requirement={file}" for file in files]
    uv = shutil.which("uv")
    if uv:
        try:
            call([uv, "pip", "install", f"--python={venv_python()}", *what])
            return
        except SetupError:  # it does not read pip's settings: an index of one's own
            say("uv could not; trying pip.")
    pip = [str(venv_python()), "-I", "-m", "pip", "install", "--no-input"]
    pip += ["--disable-pip-version-check", "--progress-bar=off"]
    call([*pip, *what])


def environment(files, pins):
    """The path of a Python that has what the files ask for; made when there is none.

    One that the user has activated is used as it is. Ours is kept to the pins.
    """
    ours = Path(sys.prefix).resolve() == VENV.resolve()
    if pins and not ours and fits(files):
        return sys.executable
    if not ready(files, pins):
        with one_at_a_time():
            if not ready(files, pins):  # the call waited for may have made it
                install(files, pins)
    return str(venv_python())


# Handing over


def hand_over(command, cwd=None, **variables):
    """Run a command as if it had been called itself; return its exit status.

    variables: of the environment, beside those that are there.
    """
    paths = filter(None, [str(LAB), os.environ.get("JUPYTER_PATH")])
    settings = {
        "PYTHONPATH": str(ROOT),  # this checkout's utils, whatever else is installed
        "JUPYTER_PATH": os.pathsep.join(paths),  # its kernel, before one of the user's
    }
    child = subprocess.Popen(
        command, cwd=cwd, env={**os.environ, **settings, **variables}
    )
    while True:
        try:
            status = child.wait()
        except KeyboardInterrupt:
            continue  # Ctrl-C reached the child too, and it decides what to do
        return status if status >= 0 else 128 - status


def lab(python, arguments):
    """Start JupyterLab in the course's folder, at the first chapter of an edition."""
    parser = argparse.ArgumentParser(prog="course.py lab", add_help=False)
    parser.add_argument("--lang", choices=EDITIONS)
    edition, arguments = parser.parse_known_args(arguments)
    language = {"COURSE_LANG": edition.lang} if edition.lang else {}  # of the checks
    first = f"{EDITIONS[edition.lang or 'en']}/01_overfitting.ipynb"
    command = [python, "-m", "jupyterlab", f"--ServerApp.root_dir={ROOT}"]
    command += [f"--LabApp.default_url=/lab/tree/{first}"]
    command += ["--ServerApp.answer_yes=True"]  # Ctrl-C ends it without a question
    command += [f"--LabApp.app_settings_dir={LAB}"]  # asks nobody about news
    command += ["--LanguageServerManager.autodetect=False"]  # names 20 it has not found
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command += ["--ServerApp.allow_root=True"]  # in a container, one is root
    say("Starting JupyterLab at chapter 01. Ctrl-C ends it.")
    return hand_over([*command, *arguments], cwd=str(ROOT), **language)


def main(arguments):
    pins = "--no-pins" not in arguments
    name, *rest = [a for a in arguments if a != "--no-pins"] or ["lab"]
    asks_help = "--help" in rest or "-h" in rest
    if name in ("-h", "--help", "help") or (name == "lab" and asks_help):
        print(usage())
        return 0
    if name not in available():
        say(f"course.py: There is no command {name!r}.\n\n{usage()}")
        return 2
    files = ["requirements.txt", *MORE.get(name, [])]
    tool = available()[name][0]
    try:
        # These need nothing installed.
        bare = asks_help or name == "update"
        python = sys.executable if bare else environment(files, pins)
    except SetupError as error:
        say(f"course.py: {error}")
        return 1
    except OSError as error:
        say(f"course.py: {explain(str(error))}")
        return 1
    except KeyboardInterrupt:
        say("course.py: Stopped. The next call starts the installation again.")
        return 1
    if tool is None:
        return lab(python, rest)
    return hand_over([python, str(ROOT / "tools" / "course" / tool), *rest])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
