"""How an answer is judged: guarded, timed, and never with an error of its own."""

import contextlib
import copy
import ctypes
import dataclasses
import functools
import importlib
import io
import json
import re
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from utils.check.judging import EXERCISES, Wrong
from utils.check.language import say, translated

__all__ = ["NoSuchExercise", "Verdict", "check", "hint", "judged", "solution"]

SOLUTIONS = Path(__file__).resolve().parents[2] / "chapters" / "solutions"
REGION = re.compile(  # its indentation, and what is to be found out
    r"^([ \t]*)# BEGIN SOLUTION[ \t]*\n(.*?)^[ \t]*# END SOLUTION[ \t]*$", re.M | re.S
)
MOST_PRINTED = 1000
PATIENCE = 30  # seconds that an answer may wait, for a busy machine above all
LISTENERS: list[Callable[["Verdict"], object]] = []  # `course.py grade` adds one


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a check found.

    Args:
        name: the exercise, such as "03.2".
        status: "correct", "blank" (not attempted yet) or "wrong".
        what: what is wrong, in the learner's terms; "" where nothing is.
        hint: what to try next; "" where there is no need.
    """

    name: str
    status: Literal["correct", "blank", "wrong"]
    what: str = ""
    hint: str = ""

    def __str__(self) -> str:
        if self.status == "correct":
            return say("Correct.")
        if self.status == "blank":
            return say(f'Not attempted yet. If you are stuck: hint("{self.name}")')
        text = f"{say('Not yet.')} {say(self.what)}"
        return f"{text}\n{say('Hint:')} {say(self.hint)}" if self.hint else text


def check(name: str, answer: Callable) -> None:
    """Print whether a function solves an exercise, and what is wrong if it does not.

    Whatever the function does, nothing is raised; one that does not return is stopped.

    Args:
        name: the exercise, such as "03.2".
        answer: the function, uncalled. It is tried on cases of the check's own.
    """
    try:
        verdict = judged(name, answer)
    except NoSuchExercise as error:
        print(say(str(error)))
        return
    print(verdict)
    for listen in LISTENERS:
        listen(verdict)


def hint(name: str) -> None:
    """Print the hint to an exercise.

    Args:
        name: the exercise, such as "03.2".
    """
    try:
        print(say(_exercise(name).hint))
    except NoSuchExercise as error:
        print(say(str(error)))


def solution(name: str) -> None:
    """Print one solution of an exercise, and why it is one.

    Args:
        name: the exercise, such as "03.2".
    """
    try:
        _exercise(name)
    except NoSuchExercise as error:
        print(say(str(error)))
        return
    for path in sorted(SOLUTIONS.glob(f"{name[:2]}_*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        texts = {cell["id"]: "".join(cell["source"]) for cell in cells}
        stem = name.replace(".", "-")
        print(REGION.sub(r"\2", texts[f"{stem}-answer"]).split("\n\n\ncheck(")[0])
        why = f"{stem}-why"
        print(f"\n{say('Why:')} {translated(why, texts[why])}")
        return
    print(say("The solutions are not part of this copy. Ask whoever gave it to you."))


def judged(name: str, answer: Callable) -> Verdict:
    """Judge an answer as `check` does, and print nothing of it.

    Args:
        name: the exercise, such as "03.2".
        answer: the function, uncalled.

    Returns:
        The verdict, whatever the answer does.

    Raises:
        NoSuchExercise: there is none of this name; the message lists those there are.
    """
    exercise = _exercise(name)
    if not callable(answer):
        kind = type(answer).__name__
        return Verdict(
            name, "wrong", f"check got a {kind}.", "Pass the function itself, uncalled."
        )
    printed = _Short()
    with contextlib.redirect_stdout(printed):
        error = _error_within(
            exercise.seconds, lambda: exercise.judge(_guarded(answer))
        )
    print(printed.lasting(), end="")
    return _verdict(exercise, answer, error)


def _verdict(exercise, answer, error):
    name, ask = exercise.name, exercise.hint
    if error is None:
        return Verdict(name, "correct")
    if isinstance(error, Wrong):
        return Verdict(name, "wrong", error.what, error.hint or ask)
    if isinstance(error, _TooLong):
        return Verdict(name, "wrong", *error.args)
    own = _own_frames(answer, error)
    if isinstance(error, NotImplementedError) and own and own[-1] is own[0]:
        return Verdict(name, "blank")
    kind, brief = type(error).__name__, _brief(error)
    if not own or not own[0].line:
        return Verdict(name, "wrong", f"Trying your answer raised {kind}: {brief}", ask)
    number, line = own[0].lineno, own[0].line
    return Verdict(
        name,
        "wrong",
        f"Trying your answer raised {kind}: {brief}\n"
        f"in line {number} of its cell: {line}",
        ask,
    )


def _brief(error):
    return (str(error).strip().splitlines() or ["no message"])[0][:200]


def _own_frames(answer, error):
    """Return [the learner's last line, the last line at all]; [] if it is not known."""
    frames = traceback.extract_tb(error.__traceback__)
    while isinstance(answer, functools.partial):
        answer = answer.func
    code = getattr(answer, "__code__", None)
    own = [frame for frame in frames if code and frame.filename == code.co_filename]
    return [own[-1], frames[-1]] if own else []


class NoSuchExercise(LookupError):
    """There is no exercise of this name; the message lists those there are."""


class _TooLong(Exception):
    pass


class _Stop(BaseException):
    """Raised inside a learner's function that does not return."""


class _Short(io.StringIO):
    """Keeps the first characters of what is printed, and forgets the rest.

    What is written over is gone, as on a terminal; a progress bar that stayed goes too.
    """

    def write(self, text):
        if "\r" in text:
            text = re.sub(r"[^\n]*\r(?!\n)", "", self.getvalue() + text)
            self.seek(0)
            self.truncate()
        super().write(text[: max(MOST_PRINTED - self.tell(), 0)])
        return len(text)

    def lasting(self):
        return re.sub(r"[^\n]*(?:\d%\||━)[^\n]*\n?", "", self.getvalue())


def _exercise(name):
    """Return the exercise; its chapter's cases are imported when first asked for."""
    if isinstance(name, str) and re.fullmatch(r"\d\d\.\d", name):
        module = f"utils.check.chapter_{name[:2]}"
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(module)
    if name not in EXERCISES:
        known = ", ".join(n for n in sorted(EXERCISES) if n[:2] == str(name)[:2])
        if known:
            raise NoSuchExercise(
                f"There is no exercise {name!r}; this chapter has {known}."
            )
        raise NoSuchExercise(f'There is no exercise {name!r}, they are called "03.2".')
    return EXERCISES[name]


def _guarded(answer):
    """The learner's function; it may not change the arrays that it is given."""

    @functools.wraps(answer)
    def call(*args, **kwargs):
        given = [a for a in (*args, *kwargs.values()) if _can_change(a)]
        before = copy.deepcopy(given)
        value = answer(*args, **kwargs)
        if not _same(given, before):
            raise Wrong(
                "Your function changes the array it is given.",
                "Work on a copy: `x = x.copy()`, or write `x * 2` for `x *= 2`.",
            )
        return value

    return call


def _can_change(value):
    return isinstance(value, np.ndarray | list | dict)


def _same(a, b):
    if isinstance(a, np.ndarray):
        kind = a.dtype.kind in "fc"
        return isinstance(b, np.ndarray) and np.array_equal(a, b, equal_nan=kind)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    return a is b or a == b


def _error_within(seconds, task):
    """Do a task in a thread; return what it raised, or None.

    A thread, since it can be given up on every system: signals serve Unix alone. The
    seconds are of this process' computing, so that a busy machine fails no answer.
    """
    raised = []

    def work():
        try:
            task()
        except BaseException as error:  # SystemExit too: an answer may call exit()
            raised.append(error)
        else:
            raised.append(None)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    computing = time.process_time() + seconds
    waiting = time.monotonic() + seconds + PATIENCE
    while (
        thread.is_alive()
        and time.process_time() < computing
        and time.monotonic() < waiting
    ):
        thread.join(0.05)
    if raised:
        return raised[0]
    for _ in range(20):  # an answer may catch what is meant to stop it
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), ctypes.py_object(_Stop)
        )
        thread.join(0.01)
        if not thread.is_alive():
            break
    return _TooLong(
        f"Your code was stopped: it had not returned after {seconds:g} seconds.",
        "Is there a loop that never ends?",
    )
