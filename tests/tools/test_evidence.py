"""The evidence: its table is whole, what readers see follows from it, a row repeats."""

import os
import sys

import pandas as pd
import pytest

from tests.notebooks.test_notebooks import ROOT
from utils import plots
from utils.data import DataError

sys.path.append(str(ROOT / "tools" / "author"))

import claims  # noqa: E402
import evidence  # noqa: E402
import evidence_page  # noqa: E402

TABLE = evidence_page.read()
WORLDS = {world.name: world for world in claims.WORLDS}
ENDS = pytest.mark.parametrize("at", evidence.ENDS)


def test_a_chapter_that_was_tried_in_a_world_has_every_claim():
    for (name, chapter), kept in TABLE.groupby(["world", "chapter"]):
        assert chapter in evidence.chapters(WORLDS[name])
        wanted = [claim for claim in claims.CLAIMS if claim[1:3] == chapter]
        assert list(kept["id"]) == wanted, (name, chapter)


def test_the_rows_are_those_of_the_claims():
    for _, row in TABLE.iterrows():
        pair = (row["claim"], row["condition"], row["reference"])
        assert claims.CLAIMS[row["id"]] == pair
        assert row["chapter"] == row["id"][1:3]


@ENDS
def test_a_verdict_leaves_zero_out_on_its_side(at):
    decided = TABLE[TABLE[f"verdict_{at}"] != "undecided"]
    assert len(decided) > 0
    for _, row in decided.iterrows():
        raises = row[f"low_{at}"] > 0 and row[f"verdict_{at}"] == "raises"
        lowers = row[f"high_{at}"] < 0 and row[f"verdict_{at}"] == "lowers"
        assert raises or lowers, row["id"]


def test_page_and_figures_follow_from_the_table():
    assert evidence_page.stale() == []


def test_what_does_not_follow_is_found(tmp_path, monkeypatch):
    table = tmp_path / "evidence.csv"
    text = evidence_page.EVIDENCE.read_text(encoding="utf-8")
    table.write_text(text.replace("raises", "lowers", 1), encoding="utf-8")
    monkeypatch.setattr(evidence_page, "EVIDENCE", table)
    assert evidence_page.stale() == ["evidence.md", "evidence.png", "why.png"]


def test_rows_are_replaced_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr(evidence, "EVIDENCE", tmp_path / "evidence.csv")
    rows = [{"id": "E02.1", "world": world, "low_last": 0.5} for world in WORLDS]
    evidence.keep(rows[::-1])
    evidence.keep([rows[1] | {"low_last": 0.25}])
    kept = pd.read_csv(evidence.EVIDENCE)
    assert list(kept["world"]) == list(WORLDS)
    assert list(kept["low_last"]) == [0.5, 0.25, 0.5, 0.5]


@pytest.mark.parametrize(
    ("name", "used"),
    [
        ("LSTM, dropout", {"LSTM, dropout"}),
        ("BN, dropout", {"dropout"}),
        ("all four", {"L2", "dropout", "shifts"}),
        ("plain", set()),
    ],
)
def test_a_combination_uses_the_strengths_of_its_parts(name, used):
    assert evidence.parts(name, claims.strengths(claims.WORLDS[0])) == used


AT_LENGTH = pytest.mark.skipif(
    "COURSE_ALL" not in os.environ, reason="course.py test --all"
)


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[] if n == "digits" else AT_LENGTH) for n in WORLDS],
)
def test_a_cheap_row_is_computed_anew(name, tmp_path, monkeypatch):
    """E05.2, few steps: within what other processors may move."""
    monkeypatch.setattr(evidence, "RUNS", tmp_path)
    world = WORLDS[name]
    try:
        world.data(0)
    except DataError as error:
        pytest.skip(str(error))
    conditions, epochs = claims.trap(world), evidence.steps(world)
    found = evidence.train(conditions, world, evidence.SEEDS, epochs)
    ((_, row),) = TABLE.query("id == 'E05.2' and world == @name").iterrows()
    again = found.compare(row["condition"], row["reference"])
    assert again.verdict == row["verdict_last"]
    assert again.difference == pytest.approx(row["difference_last"], abs=0.05)


def test_a_full_mark_is_a_verdict():
    claim = TABLE[TABLE["id"] == "E06.1"]
    fig = plots.forest(claim)
    for axis, at in zip(fig.axes, evidence.ENDS, strict=True):
        marks = [line for line in axis.lines if len(line.get_xdata()) == 1]
        full = [line.get_markerfacecolor() != "white" for line in marks]
        assert full == [verdict != "undecided" for verdict in claim[f"verdict_{at}"]]
        middles = [100 * difference for difference in claim[f"difference_{at}"]]
        assert [line.get_xdata()[0] for line in marks] == pytest.approx(middles)


def test_a_chapter_without_evidence_is_named():
    with pytest.raises(ValueError, match="no evidence for chapter '10'; .*01, 02"):
        plots.elsewhere("10")
