"""The capstone's minutes: counted, kept to, and of no say where a plan is given."""

import dataclasses

import pytest

from tests.capstone import made
from utils.capstone import minutes
from utils.capstone.images import ProtocolError
from utils.capstone.minutes import Clock, Schedule
from utils.capstone.plan import Plan, Rung
from utils.capstone.recipes import Recipe

RUNG = Rung(tries=4, plain=2, epochs=2, images=400, side=28)
GIVEN = Plan((RUNG,), epochs=3, pairs=2, seed=5).as_dict()


@pytest.fixture
def now(monkeypatch):
    """The time, which stands still until a test moves it: now["is"] += 3."""
    time = {"is": 100.0}
    monkeypatch.setattr(minutes.time, "monotonic", lambda: time["is"])
    return time


@pytest.fixture
def measured(monkeypatch):
    """A machine that nobody has to measure."""
    here = made.machine()
    monkeypatch.setattr(minutes.planning, "machine", lambda data, n_jobs: here)
    return here


@pytest.mark.parametrize(
    "minutes", [0, -1, float("nan"), float("inf"), "2", None, True]
)
def test_minutes_have_to_be_a_number_above_zero(minutes):
    with pytest.raises(ProtocolError, match=r"must be a number above 0"):
        Clock(minutes)


def test_the_clock_counts_down(now):
    clock = Clock(1)
    now["is"] += 30
    assert clock.left == 30
    now["is"] += 60
    assert clock.used == 90
    assert clock.left == -30


def test_a_plan_that_is_given_is_followed_whatever_the_clock_says(now, capsys):
    schedule = Schedule(1, GIVEN, seed=1)
    now["is"] += 500
    assert schedule.begin(made.data()) == Plan.read(GIVEN)
    assert schedule.close([Recipe(1e-3)]) == Plan.read(GIVEN)
    assert schedule.seed == 5
    schedule.tell("search")
    assert capsys.readouterr().out == ""  # stored outputs hold no times


def test_without_a_plan_the_minutes_that_are_left_count(now, measured, capsys):
    schedule = Schedule(5, seed=3)
    now["is"] += 20
    plan = schedule.begin(made.data())
    assert plan == minutes.planning.plan(measured, 280, seed=3)
    schedule.tell("planned")
    assert capsys.readouterr().out == "planned: 4:40 minutes left\n"


@pytest.mark.parametrize("late", [1, 2])
def test_pairs_fill_what_the_search_left(now, measured, late):
    schedule = Schedule(5)
    plan = schedule.begin(made.data())
    search = late * sum(map(measured.rung, plan.rungs))
    now["is"] += search
    both = [Recipe(1e-3), Recipe(1e-3, batch_norm=True)]
    done = schedule.close(both)
    fresh = measured.fresh(both, done.pairs, done.epochs, plan.rungs[-1])
    assert late == 2 or 0.85 * 300 <= search + late * fresh <= 1.03 * 300
    assert done.pairs >= 2
    assert schedule.close(both) == done  # once and for all


def test_data_and_plan_are_checked_before_anything_runs():
    with pytest.raises(ProtocolError, match="made for other data"):
        Schedule(1, GIVEN).begin(made.data(side=32))
    with pytest.raises(ProtocolError, match="one class only"):
        Schedule(1).begin(made.data(labels=[0] * 100))
    with pytest.raises(ProtocolError, match="is no plan"):
        Schedule(1, {"pairs": 3})


def test_what_is_left_gets_smaller_on_a_machine_that_became_slower(now, measured):
    schedule = Schedule(30)
    plan = schedule.begin(made.data())
    done = []
    for rung in schedule.rounds():
        done.append(rung)
        now["is"] += 3 * measured.rung(rung)
    assert done[0] == plan.rungs[0]
    assert done[-1].side < plan.rungs[-1].side
    assert schedule.plan.rungs == tuple(done)  # what was done, to be followed again
    both = [Recipe(1e-3), Recipe(1e-3, batch_norm=True)]
    fixed = schedule.close(both)
    seconds = measured.fresh(both, fixed.pairs, fixed.epochs, done[-1])
    assert schedule.clock.used + 3 * seconds <= 1.1 * schedule.clock.seconds


def test_rounds_on_time_and_of_a_given_plan_stay_as_they_are(now, measured):
    schedule = Schedule(10)
    plan = schedule.begin(made.data())
    for rung in schedule.rounds():
        now["is"] += measured.rung(rung)
    assert schedule.plan == plan
    given = Schedule(1, GIVEN)
    given.begin(made.data())
    now["is"] += 500
    assert [*given.rounds()] == [RUNG]


def test_pairs_are_added_while_time_is_left(now, measured):
    schedule = Schedule(5)
    schedule.begin(made.data())
    first = 4
    schedule.plan = dataclasses.replace(schedule.plan, pairs=first)
    now["is"] = 100 + 300 - 100  # 100 seconds are left
    seen = []
    for pairs in schedule.pairs():
        now["is"] += 5 * (pairs - (seen[-1] if seen else 0))
        seen.append(pairs)
    assert seen == [*range(first, seen[-1] + 1, 2)]
    assert len(seen) > 1
    assert 0 <= schedule.clock.left < 10 + minutes.planning.REPORT_SECONDS
    assert schedule.plan.pairs == seen[-1]


def test_a_given_plan_has_its_pairs_and_no_more(now):
    schedule = Schedule(10, GIVEN)
    schedule.begin(made.data())
    assert [*schedule.pairs()] == [2]
