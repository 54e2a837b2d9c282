"""How a capstone is planned: what fits the minutes on this machine, before it runs.

A few seconds of steps say what this machine takes; the rest is arithmetic. The search
is planned before it starts, and the number of fresh pairs from the minutes that it
left: by the clock, which knows no scores.
"""

import dataclasses
import math

from utils.capstone import costs as costing
from utils.capstone.costs import BATCH, Costs
from utils.capstone.images import MOST_VAL, ProtocolError, check_data, shapes_of
from utils.capstone.plan import Plan, Rung
from utils.capstone.recipes import Recipe

MOST_PAIRS = 20
FEWEST_PAIRS = 2
SOME_PAIRS = 4  # before epochs: one interval from two pairs decides nothing
LONG = 20  # epochs, before more than some pairs
FEWEST_IMAGES = 300
LEAST_SIDE = 14  # fewer pixels only where there are no more
# Tries of the search and epochs of the fresh runs: what more minutes buy, in order.
LADDER = [
    *[(4, 2), (4, 3), (8, 3), (8, 4), (8, 5), (8, 6), (8, 8), (16, 8), (16, 10)],
    *[(16, 12), (16, 15), (32, 15), (32, 20), (32, 25), (64, 25), (64, 30), (64, 40)],
    *[(128, 40), (128, 60), (256, 60), (256, 80), (512, 80), (512, 100)],
]
# Steps of the ladder that have to fit, or else images get smaller, or fewer.
ENOUGH_SIZE, ENOUGH_IMAGES = 9, 3
STUDY_SECONDS = 1.5  # to check, to lend data, to read records
RECIPE_SECONDS = 1.0  # to build a model here, to send it out, to get its record
REPORT_SECONDS = 6.0
FRESH = 1.02  # what a fresh run takes for each second of its steps: weights are copied
SEARCH_SHARE = 0.4  # of the seconds at most: a search may take twice its time


@dataclasses.dataclass(frozen=True)
class Machine:
    """What a plan is made from: sizes of the data, and what they cost here.

    Args:
        images, val, test: How many of each.
        costs: {side: `Costs`}, full size first.
        workers: That train at the same time.
    """

    images: int
    val: int
    test: int
    costs: dict[int, Costs]
    workers: int

    def run(self, recipe: Recipe, epochs: int, images: int, side: int) -> float:
        """Seconds of one run of a search, once its model is ready."""
        cost = self.costs[side]
        steps = math.ceil(images / BATCH)
        answers = (epochs + 3) * self.val * cost.image
        return epochs * steps * cost.step(recipe) + answers

    def study(self, runs: list[float], recipes: int, side: int) -> float:
        """Seconds of a study: its runs, shared out among the workers."""
        trace = self.costs[side].trace
        shared = (sum(runs) + recipes * trace) / self.workers
        uneven = max(runs) / 2 if len(runs) % self.workers else 0
        return STUDY_SECONDS + recipes * RECIPE_SECONDS + shared + uneven

    def rung(self, rung: Rung) -> float:
        """Seconds of a rung, where half of the recipes cost as much as can be."""
        cheap, dear = (
            self.run(recipe, rung.epochs, rung.images, rung.side)
            for recipe in (Recipe(1e-3), costing.EVERYTHING)
        )
        runs = [cheap] * rung.plain + [(cheap + dear) / 2] * rung.tries
        return self.study(runs, len(runs), rung.side)

    def fresh(self, recipes: list[Recipe], pairs: int, epochs: int, top: Rung) -> float:
        """Seconds of the fresh runs, and of all that comes after them."""
        cost, waves = self.costs[top.side], math.ceil(pairs / self.workers)
        answers = (3 * self.test + self.val) * cost.image
        seconds = STUDY_SECONDS * (1 + len(recipes)) + REPORT_SECONDS
        for recipe in recipes:
            run = self.run(recipe, epochs, top.images, top.side)
            seconds += cost.trace + waves * (FRESH * run + answers)
        return seconds


def machine(dataset: object, workers: int | None = None) -> Machine:
    """Measure what a data set costs on this machine: a few seconds.

    Args:
        dataset: A `Dataset`.
        workers: As many as cores and free memory allow when None.

    Returns:
        The `Machine`.

    Raises:
        ProtocolError: For data that cannot be compared on.
    """
    check_data(dataset)
    workers = workers or costing.workers()
    shapes = shapes_of(dataset.x_train[:1])
    sizes = (len(dataset.y_train), min(MOST_VAL, len(dataset.y_val)))
    return Machine(
        *(*sizes, len(dataset.y_test)),
        costing.measure(shapes, len(dataset.class_names), workers),
        workers,
    )


def plan(here: Machine, seconds: float, seed: int = 0) -> Plan:
    """Choose the largest search, and fresh runs, that should fit the seconds.

    Full size and all images where these leave room for a search; else images of half
    the size, then fewer.

    Args:
        here: The `Machine`.
        seconds: That are left.
        seed: Of everything that will be drawn.

    Returns:
        The `Plan`; its `pairs` are None.

    Raises:
        ProtocolError: For minutes that are too few for the smallest plan.
    """
    sizes = [(here.images, side) for side in here.costs if side >= LEAST_SIDE]
    sizes = sizes or [(here.images, max(here.costs))]
    while (images := sizes[-1][0] // 2) >= FEWEST_IMAGES:
        sizes.append((images, sizes[-1][1]))
    smallest = sizes[-1][1]
    for any_will_do in (False, True):
        for images, side in sizes:
            enough = ENOUGH_IMAGES if side == smallest else ENOUGH_SIZE
            enough = 1 if any_will_do else enough
            fitting = [
                rungs
                for rungs in (_climb(here, *step, images, side) for step in LADDER)
                if _seconds(here, *rungs) <= seconds
                and sum(map(here.rung, rungs[0])) <= SEARCH_SHARE * seconds
            ]
            if len(fitting) >= enough:
                rungs, epochs = fitting[-1]
                return Plan(rungs, epochs, None, seed)
    least = _seconds(here, *_climb(here, *LADDER[0], *sizes[-1]))
    raise ProtocolError(
        f"{max(0, seconds):.0f} seconds are left, and the smallest plan takes about "
        f"{least:.0f}. Give {math.ceil((least - seconds) / 6) / 10:g} minutes more."
    )


def slowed(plan: Plan, done: int, here: Machine, seconds: float) -> Plan:
    """Make what is left of a search smaller, where a machine became slower.

    Args:
        plan: Whose `pairs` are None.
        done: Rounds that are over; they stay as they are.
        here: The `Machine`.
        seconds: That are left, at the pace that was measured.

    Returns:
        The `Plan`: images of half the size, or half of them, until it fits.
    """
    over, rest = plan.rungs[:done], plan.rungs[done:]
    while _seconds(here, rest, plan.epochs) > seconds:
        top = rest[-1]
        sides = [one for one in here.costs if LEAST_SIDE <= one < top.side]
        if not sides and top.images < 2 * FEWEST_IMAGES:
            break
        most = {"side": max(sides)} if sides else {"images": top.images // 2}
        rest = [
            dataclasses.replace(
                rung, **{name: min(getattr(rung, name), n) for name, n in most.items()}
            )
            for rung in rest
        ]
    return dataclasses.replace(plan, rungs=(*over, *rest))


def closed(
    plan: Plan, here: Machine, recipes: list[Recipe], seconds: float, pace: float
) -> Plan:
    """Fill what the search left of the minutes with fresh pairs.

    Args:
        plan: Whose `pairs` are None.
        here: The `Machine`.
        recipes: That will be trained anew: the chosen one and plain, or plain alone.
        seconds: That are left.
        pace: How long the search took, as a multiple of what was planned.

    Returns:
        The `Plan`, with the pairs and epochs that come closest to the seconds.
    """

    def taken(pairs, epochs):
        return pace * here.fresh(recipes, pairs, epochs, plan.rungs[-1])

    def fits(pairs, epochs):
        return taken(pairs, epochs) <= seconds

    fewest = max(FEWEST_PAIRS, min(here.workers, MOST_PAIRS))
    some = SOME_PAIRS if fits(SOME_PAIRS, plan.epochs) else fewest
    # A late search costs pairs, then epochs, but never leaves a network untrained.
    least = math.ceil(plan.epochs / 2)
    epochs = max((e for e in range(least, LONG + 1) if fits(some, e)), default=least)
    counts = range(fewest, MOST_PAIRS + 1)
    pairs = max((n for n in counts if fits(n, epochs)), default=fewest)
    longer = range(epochs, 10 * plan.epochs)
    epochs = max((e for e in longer if fits(pairs, e)), default=epochs)
    return dataclasses.replace(plan, pairs=pairs, epochs=epochs)


def _climb(here, tries, epochs, images, side):
    """The rungs of a step of the ladder, and the epochs of the fresh runs."""
    counts = [(tries, max(2, tries // 4))]
    while counts[-1][0] > 4:
        before, rivals = counts[-1]
        counts.append((max(2, before // 4), max(1, rivals // 4)))
    smaller = [one for one in here.costs if LEAST_SIDE <= one < side]
    smaller, rungs = max(smaller, default=side), []
    for left, (combined, rivals) in zip(range(len(counts))[::-1], counts, strict=True):
        size = smaller if left else side
        length = max(2, math.ceil(epochs / 2 ** (left + (size == side))))
        rungs.append(Rung(combined, rivals, length, images, size))
    return tuple(rungs), epochs


def _seconds(here, rungs, epochs):
    both = [costing.EVERYTHING, Recipe(1e-3)]
    fresh = here.fresh(both, max(FEWEST_PAIRS, here.workers), epochs, rungs[-1])
    return sum(map(here.rung, rungs)) + fresh
