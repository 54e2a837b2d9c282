"""The capstone's plan: what fits the minutes, and what is followed again."""

import dataclasses
import json
import math
import re

import pytest

from tests.capstone import made
from utils.capstone import planning
from utils.capstone.costs import EVERYTHING
from utils.capstone.images import ProtocolError
from utils.capstone.plan import Plan, Rung, check_plan
from utils.capstone.planning import closed, plan
from utils.capstone.recipes import Recipe

BOTH = [EVERYTHING, Recipe(1e-3)]
SECONDS = (100, 160, 300, 580, 1200, 3600)


def work(one):
    """Images that a plan trains on, in pixels, over all its runs."""
    top = one.rungs[-1]
    searched = sum(
        (r.tries + r.plain) * r.epochs * r.images * r.side for r in one.rungs
    )
    return searched + 2 * 2 * one.epochs * top.images * top.side


def test_more_seconds_never_give_less():
    plans = [plan(made.machine(), seconds) for seconds in SECONDS]
    found = [work(one) for one in plans]
    assert found == sorted(found)
    assert found[-1] > 5 * found[0]


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("seconds", SECONDS)
def test_search_and_fresh_runs_fill_the_seconds(seconds, workers):
    """A machine that keeps to what was measured uses 85 to 103 % of what is left."""
    here = made.machine(workers=workers)
    one = plan(here, seconds)
    search = sum(map(here.rung, one.rungs))
    done = closed(one, here, BOTH, seconds - search, pace=1)
    taken = search + here.fresh(BOTH, done.pairs, done.epochs, one.rungs[-1])
    assert 0.85 * seconds <= taken <= 1.03 * seconds
    assert done.pairs >= 2


@pytest.mark.parametrize("seconds", [60, 300, 600])
def test_small_images_fill_the_seconds_too(seconds):
    here = made.machine(images=1150, sides=(8,), step=0.0012)
    one = plan(here, seconds)
    search = sum(map(here.rung, one.rungs))
    done = closed(one, here, BOTH, seconds - search, pace=1)
    taken = search + here.fresh(BOTH, done.pairs, done.epochs, one.rungs[-1])
    assert 0.85 * seconds <= taken <= 1.03 * seconds


def test_a_machine_that_slowed_down_gets_less_to_do():
    here = made.machine()
    one = plan(here, 300)
    on_time, late = (closed(one, here, BOTH, 150, pace) for pace in (1, 2))
    assert late.pairs * late.epochs < on_time.pairs * on_time.epochs


def test_all_images_in_full_size_where_the_seconds_allow():
    (*_, poor), (*_, rich) = (
        plan(made.machine(), seconds).rungs for seconds in (60, 1200)
    )
    assert (rich.side, rich.images) == (32, 6400)
    assert poor.side < 32


def test_fewer_images_where_there_are_more_than_the_seconds_allow():
    (*_, top) = plan(made.machine(images=200_000), 200).rungs
    assert 300 <= top.images < 200_000
    assert top.side == 16


def test_cheap_rungs_come_first_and_each_keeps_the_few():
    for seconds in SECONDS:
        rungs = plan(made.machine(), seconds).rungs
        costs = [rung.epochs * rung.images * rung.side**2 for rung in rungs]
        assert costs == sorted(costs)
        tries = [rung.tries for rung in rungs]
        assert tries == sorted(tries, reverse=True)
        assert all(rung.plain >= 1 for rung in rungs)


def test_small_images_are_never_shrunk():
    here = made.machine(sides=(8,), step=0.001, images=1149)
    assert {rung.side for rung in plan(here, 60).rungs} == {8}


def test_too_few_seconds_say_how_many_minutes_are_enough():
    here = made.machine()
    with pytest.raises(ProtocolError, match="the smallest plan takes") as error:
        plan(here, 5)
    more = float(re.search(r"Give ([\d.]+) minutes more", str(error.value)).group(1))
    assert plan(here, 5 + 60 * more)


def test_a_plan_survives_json():
    one = dataclasses.replace(plan(made.machine(), 300, seed=3), pairs=4)
    assert Plan.read(json.loads(json.dumps(one.as_dict()))) == one
    assert "4 pairs" in str(one)


@pytest.mark.parametrize(
    "stored", [{}, {"rungs": [{"tries": 3}]}, 5, {"rungs": [], "minutes": 3}]
)
def test_what_is_no_plan_is_refused(stored):
    with pytest.raises(ProtocolError, match=r"is no plan .*None to measure"):
        Plan.read(stored)


def test_the_runs_of_a_rung_are_paid_for():
    """Counted by hand, for one worker and no batch normalization's surcharge."""
    here = dataclasses.replace(made.machine(workers=1), val=0)
    cost = dataclasses.replace(here.costs[32], everything=here.costs[32].plain)
    here = dataclasses.replace(here, costs={32: cost})
    rung = Rung(tries=3, plain=1, epochs=5, images=100, side=32)
    steps = 4 * 5 * math.ceil(100 / 32) * cost.plain
    extra = 4 * (1.0 + planning.RECIPE_SECONDS) + planning.STUDY_SECONDS
    assert here.rung(rung) == pytest.approx(steps + extra)


def test_plans_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan(made.machine(), 300).epochs = 3


def stored(**changes):
    """A plan for the 400 images of 28 pixels that `made.data` gives."""
    rung = Rung(tries=4, plain=2, epochs=2, images=400, side=28)
    rung = dataclasses.replace(rung, **changes)
    return Plan((dataclasses.replace(rung, side=14), rung), epochs=3, pairs=2)


def test_a_plan_is_followed_on_the_data_it_was_made_for():
    check_plan(stored(), made.data())


@pytest.mark.parametrize("changes", [{"images": 401}, {"side": 32}, {"side": 8}])
def test_a_plan_for_other_data_is_refused(changes):
    with pytest.raises(ProtocolError, match="made for other data: set plan = None"):
        check_plan(stored(**changes), made.data())


@pytest.mark.parametrize("changes", [{"pairs": None}, {"rungs": ()}])
def test_half_a_plan_is_refused(changes):
    with pytest.raises(ProtocolError, match="needs rungs and pairs"):
        check_plan(dataclasses.replace(stored(), **changes), made.data())
