"""Checks in the learner's language: chosen, complete, and never the wrong sentence."""

import pytest

from tests.notebooks.test_notebooks import ROOT, SOLUTIONS
from utils import check
from utils.check import language

SENTENCES, PATTERNS = language._catalogue()
TEMPLATES = [english for english in SENTENCES if language.VALUE.search(english)]


@pytest.fixture(autouse=True)
def no_language(monkeypatch):
    monkeypatch.delenv("COURSE_LANG", raising=False)


def blank():
    raise NotImplementedError


def printed(capsys, call, *arguments):
    call(*arguments)
    return capsys.readouterr().out


def test_english_is_spoken_where_nothing_else_is_asked_for(monkeypatch, capsys):
    monkeypatch.chdir(ROOT / "chapters" / "exercises")
    assert printed(capsys, check.check, "03.1", blank).startswith("Not attempted yet.")


def test_a_notebook_in_chinese_is_answered_in_chinese(monkeypatch, capsys):
    monkeypatch.chdir(ROOT / "chapters" / "zh" / "exercises")
    told = printed(capsys, check.check, "03.1", blank)
    assert told == '还没有作答。卡住的话：hint("03.1")\n'
    monkeypatch.setenv("COURSE_LANG", "en")
    assert printed(capsys, check.check, "03.1", blank).startswith("Not attempted yet.")


def test_a_verdict_a_hint_and_what_is_not_there(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_LANG", "zh")
    told = printed(capsys, check.check, "03.1", lambda: (0, 1))
    assert (
        told == "还不对。 留下来的 1 不会还是 1。\n提示： 否则训练时均值会降到 0.7。\n"
    )
    assert printed(capsys, check.check, "03.1", lambda: (0, 1 / 0.7)) == "正确。\n"
    assert "保留的比例" in printed(capsys, check.hint, "03.1")
    assert "这一章有 03.1, " in printed(capsys, check.hint, "03.9")


@pytest.mark.skipif(not SOLUTIONS, reason="a copy without solutions")
def test_a_solution_says_why_in_chinese(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_LANG", "zh")
    code, why = printed(capsys, check.solution, "03.1").split("\n为什么： ")
    assert "def " in code
    assert any("\u4e00" <= letter <= "\u9fff" for letter in why)


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_sentence_is_known_by_its_own_template_alone(template):
    """Its values are put in anew for each, so that none can stand for another."""
    values = list(dict.fromkeys(language.VALUE.findall(template)))
    given = {value: str(place + 0.5) for place, value in enumerate(values)}
    sentence = language._put(given, template)
    assert language.in_chinese(sentence) == language._put(given, SENTENCES[template])


def test_values_that_come_again_are_the_same():
    known, values = language.pattern("At {rate}, {x[0]:.2f} of (a) is {rate}.")
    assert values == ["{rate}", "{x[0]:.2f}"]
    assert known.fullmatch("At 0.5, 1.00 of (a) is 0.5.").groups() == ("0.5", "1.00")
    assert not known.fullmatch("At 0.5, 1.00 of (a) is 0.6.")


def test_words_that_are_put_in_are_translated_too():
    said = language.in_chinese("No condition of your study has a penalty.")
    assert said == "你的实验里，没有一个条件包含：惩罚项。"


def test_what_the_catalogue_does_not_know_stays_english():
    assert language.in_chinese("Something else entirely") == "Something else entirely"
