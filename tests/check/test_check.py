"""Exercises that answer back: every verdict, and answers that do their worst."""

import functools
import importlib
import itertools
import re
import subprocess
import sys
import threading

import numpy as np
import pytest

from tests.notebooks.test_notebooks import EXERCISES as NOTEBOOKS
from tests.notebooks.test_notebooks import SOLUTIONS, code_of, read
from utils import check
from utils.check import judging, language, verdicts

CHAPTERS = [path.stem[:2] for path in SOLUTIONS]
ANSWERS = {
    n: importlib.import_module(f"tests.check.answers.chapter_{n}") for n in CHAPTERS
}
for chapter in CHAPTERS:
    importlib.import_module(f"utils.check.chapter_{chapter}")
NAMES = sorted(judging.EXERCISES)


def answers(kind):
    """(exercise, answer) or (exercise, answer, words), for every chapter."""
    for module in ANSWERS.values():
        for name, given in getattr(module, kind).items():
            for place, one in enumerate(given):
                entry = one if isinstance(one, tuple) else (one,)
                yield pytest.param(name, *entry, id=f"{name}-{place}")


@pytest.mark.parametrize(("name", "answer"), list(answers("RIGHT")))
def test_right_answers_are_accepted(name, answer):
    assert str(check.judged(name, answer)) == "Correct."


@pytest.mark.parametrize(("name", "answer", "words"), list(answers("WRONG")))
def test_wrong_answers_are_told_why(name, answer, words):
    verdict = check.judged(name, answer)
    assert verdict.status == "wrong"
    assert words in str(verdict)
    assert verdict.hint
    for said in (verdict.what, verdict.hint):
        assert language.in_chinese(said) != said, "not in locale/zh_CN/check.po"


def test_every_exercise_has_answers():
    for name in NAMES:
        module = ANSWERS[name[:2]]
        assert len(module.RIGHT[name]) >= 1, name
        assert len(module.WRONG[name]) >= 2, name


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_notebooks_ask_what_is_checked(path):
    code = "\n".join(cell.source for cell in code_of(read(path)))
    asked = re.findall(r'^check\("(\d\d\.\d)"', code, re.M)
    assert asked == [name for name in NAMES if name[:2] == path.stem[:2]]
    assert 4 <= len(asked) <= 6


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_every_stored_solution_is_correct(path):
    asking = [cell for cell in code_of(read(path)) if "\ncheck(" in cell.source]
    for cell in asking:
        printed = "".join(output.get("text", "") for output in cell.outputs)
        assert printed == "Correct.\n", cell.id


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_every_solution_says_why(path, capsys):
    ids = {cell.id for cell in read(path).cells}
    for name in NAMES:
        if name[:2] == path.stem[:2]:
            assert f"{name.replace('.', '-')}-why" in ids
            check.solution(name)
            text = capsys.readouterr().out
            assert "def " in text
            assert "Why: " in text
            assert "SOLUTION" not in text
            assert "check(" not in text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_blanks_hold_no_solution(path):
    text = path.read_text(encoding="utf-8")
    assert "SOLUTION" not in text
    assert "-why" not in text
    names = [name for name in NAMES if name[:2] == path.stem[:2]]
    assert text.count("raise NotImplementedError") == len(names) + 1  # the title


def blank(*args, **kwargs):
    raise NotImplementedError


def nothing(*args, **kwargs):
    pass


def text(*args, **kwargs):
    return "seven"


def not_a_number(*args, **kwargs):
    return np.full((3, 3), np.nan)


def odd_shape(*args, **kwargs):
    return np.zeros((1, 2, 3, 4, 5))


def raising(*args, **kwargs):
    return {}["no such key"]


def leaving(*args, **kwargs):
    sys.exit(3)


def recursive(*args, **kwargs):
    return recursive(*args, **kwargs)


def destructive(*args, **kwargs):
    for value in args:
        if isinstance(value, np.ndarray):
            value[...] = 0
    return args


def no_arguments():
    return 1 / 3


def a_generator(*args, **kwargs):
    yield from args


WORST = [nothing, text, not_a_number, odd_shape, raising, leaving, recursive]
WORST += [destructive, no_arguments, a_generator]


@pytest.mark.parametrize("answer", WORST, ids=lambda answer: answer.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_the_worst_is_answered(name, answer, capsys):
    verdict = check.judged(name, answer)
    assert verdict.status == "wrong"
    assert verdict.what


@pytest.mark.parametrize("name", NAMES)
def test_blanks_are_not_attempted(name):
    assert str(check.judged(name, blank)).startswith("Not attempted yet.")


def test_not_implemented_by_a_library_is_no_blank():
    code = compile("raise NotImplementedError('no such op')", "library.py", "exec")
    verdict = check.judged("01.1", lambda: exec(code))
    assert verdict.status == "wrong"
    assert "NotImplementedError: no such op" in verdict.what


@pytest.fixture
def probe(monkeypatch):
    """An exercise that calls the answer once: probe(seconds) says how long it may take.

    Nothing may wait, so that waiting for it costs nothing.
    """

    def register(seconds=60):
        exercise = judging.Exercise("99.9", lambda f: f(1), "A hint.", seconds)
        monkeypatch.setitem(judging.EXERCISES, "99.9", exercise)
        monkeypatch.setattr(verdicts, "PATIENCE", 0)

    return register


def forever(x):
    while True:
        pass


def stubborn(x):
    for _ in range(5):
        try:
            while True:
                pass
        except BaseException:
            continue


@pytest.mark.parametrize("answer", [forever, stubborn])
def test_what_does_not_return_is_stopped(probe, answer):
    probe(seconds=0.3)
    verdict = check.judged("99.9", answer)
    assert verdict.status == "wrong"
    assert "had not returned after 0.3 seconds" in verdict.what
    assert "never ends" in verdict.hint


def test_what_waits_is_given_up(probe):
    probe(seconds=0.3)
    never = threading.Event()
    verdict = check.judged("99.9", lambda x: never.wait())
    never.set()
    assert "had not returned after 0.3 seconds" in verdict.what


def test_a_busy_machine_fails_no_answer(probe, monkeypatch):
    """Time that goes by while others compute is none of the answer's."""
    probe(seconds=2)
    monkeypatch.setattr(verdicts, "PATIENCE", 60)
    looks = itertools.chain([0, 20], itertools.repeat(40))
    late = threading.Event()

    def wall():
        now = next(looks)
        if now == 40:
            late.set()
        return now

    monkeypatch.setattr(verdicts.time, "monotonic", wall)
    assert check.judged("99.9", lambda x: late.wait()).status == "correct"


def test_computing_is_what_counts(probe, monkeypatch):
    """Without this limit, the clock on the wall would have to be asked once more."""
    probe(seconds=2)
    monkeypatch.setattr(verdicts.time, "monotonic", iter([0, 0, 0]).__next__)
    computed = itertools.chain([0, 1, 1], itertools.repeat(3))
    monkeypatch.setattr(verdicts.time, "process_time", lambda: next(computed))
    assert "had not returned" in check.judged("99.9", forever).what


def printed(answer, capsys):
    check.check("99.9", answer)
    return capsys.readouterr().out


def test_a_flood_is_cut(probe, capsys):
    probe()

    def flood(x):
        for line in range(2_000):
            print(line)

    shown = printed(flood, capsys)
    assert shown.startswith("0\n1\n")
    assert shown.endswith("Correct.\n")
    assert len(shown) < 1100


@pytest.mark.parametrize(
    "bar",
    [
        ["\r 50%|##  | 1/2", "\r100%|####| 2/2", "\n"],
        ["\r 50%|##  | 1/2", "\r", " " * 20, "\r"],
        ["\r 50%|" + "#" * 600] * 5 + ["\n"],
        ["2/2 ━━━━━━━━━━ 1s 3ms/step\n"],
    ],
    ids=["that stays", "that is wiped", "longer than what is kept", "of Keras"],
)
def test_what_is_printed_stays_and_a_progress_bar_does_not(probe, capsys, bar):
    probe()

    def answer(x):
        print("before: 50%")
        for part in bar:
            sys.stdout.write(part)
        print("after")

    assert printed(answer, capsys) == "before: 50%\nafter\nCorrect.\n"


def test_a_progress_bar_cut_short_is_not_printed(probe, capsys):
    probe()
    bar = "\r 50%|##  | 1/2"
    assert printed(lambda x: sys.stdout.write(bar), capsys) == "Correct.\n"


def test_the_line_at_fault_is_shown(probe):
    probe()

    def faulty(x):
        return np.zeros(3) @ np.zeros(4)

    what = check.judged("99.9", faulty).what
    assert "raised ValueError: matmul" in what
    assert "return np.zeros(3) @ np.zeros(4)" in what


def test_partials_and_objects_are_functions_too():
    class Answer:
        def __call__(self):
            return 0.7

    assert check.judged("01.1", Answer()).status == "correct"
    assert check.judged("01.1", functools.partial(float, "0.7")).status == "correct"


@pytest.mark.parametrize("value", [0.7, "0.7", None, [0.7]])
def test_values_are_not_functions(value):
    verdict = check.judged("01.1", value)
    assert "Pass the function itself" in verdict.hint


@pytest.mark.parametrize(
    ("name", "words"),
    [("01.9", "this chapter has 01.1, 01.2"), ("7", 'called "03.2"'), (3, "3")],
)
def test_unknown_exercises_are_named(name, words, capsys):
    for ask in (lambda: check.check(name, blank), lambda: check.hint(name)):
        ask()
        shown = capsys.readouterr().out
        assert shown.startswith(f"There is no exercise {name!r}")
        assert words in shown
    check.solution(name)
    assert "There is no exercise" in capsys.readouterr().out


def test_hints_and_solutions(capsys, tmp_path, monkeypatch):
    check.hint("03.2")
    assert "1 − rate" in capsys.readouterr().out
    check.solution("03.2")
    shown = capsys.readouterr().out
    assert shown.startswith(
        "def dropout(x, rate, rng, training):\n    if not training:"
    )
    monkeypatch.setattr(verdicts, "SOLUTIONS", tmp_path)
    check.solution("03.2")
    assert "not part of this copy" in capsys.readouterr().out


def test_verdicts_are_told_to_who_listens(monkeypatch, capsys):
    heard = []
    monkeypatch.setattr(verdicts, "LISTENERS", [heard.append])
    check.check("01.1", blank)
    check.check("01.1", lambda: 0.7)
    assert [verdict.status for verdict in heard] == ["blank", "correct"]
    assert capsys.readouterr().out.endswith("Correct.\n")


def test_numpy_exercises_need_no_tensorflow():
    """A check answers at once where TensorFlow is not needed."""
    code = (
        "import sys; from utils.check import judged\n"
        "assert judged('03.2', lambda *a: a[0]).status == 'wrong'\n"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_names_are_in_order():
    for chapter, group in itertools.groupby(NAMES, key=lambda name: name[:2]):
        numbers = [int(name[3:]) for name in group]
        assert numbers == list(range(1, len(numbers) + 1)), chapter
