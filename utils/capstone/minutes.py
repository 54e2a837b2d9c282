"""The minutes of a capstone: a clock that runs, and the plan that it keeps to."""

import dataclasses
import math
import time
from collections.abc import Iterator, Mapping
from numbers import Real

from utils.capstone import planning
from utils.capstone.costs import workers
from utils.capstone.images import ProtocolError
from utils.capstone.plan import Plan, Rung, check_plan
from utils.capstone.recipes import Recipe


class Clock:
    """The minutes, running from the moment that it is made.

    Args:
        minutes: A number above 0.

    Raises:
        ProtocolError: For anything else.
    """

    def __init__(self, minutes: float):
        number = isinstance(minutes, Real) and not isinstance(minutes, bool)
        if not number or not 0 < minutes < math.inf:
            raise ProtocolError(
                f"budget_minutes={minutes!r} must be a number above 0, for instance 2."
            )
        self.seconds = 60 * float(minutes)
        self._begun = time.monotonic()

    @property
    def used(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self._begun

    @property
    def left(self) -> float:
        """Seconds of the minutes that are left; below 0 when they are over."""
        return self.seconds - self.used


class Schedule:
    """What is done in the minutes: measured, planned, followed, and told.

    Args:
        minutes: A number above 0. The clock runs from here on.
        plan: What `Plan.as_dict` gave: it is followed to the letter, whatever the
            clock says. None to measure this machine and to plan anew.
        seed: Of everything that is drawn, where there is no plan.

    Raises:
        ProtocolError: For minutes or a plan that are none.

    Attributes:
        clock: The `Clock`.
        plan: The `Plan`; None before `begin` where none was given.
        n_jobs: Workers, as many as cores and free memory allow.
    """

    def __init__(self, minutes: float, plan: Mapping | None = None, seed: int = 0):
        self.clock = Clock(minutes)
        self.plan = None if plan is None else Plan.read(plan)
        self.seed = seed if plan is None else self.plan.seed
        self.n_jobs = workers()
        self._here = None
        self._pace = 1.0  # of the last round, as a multiple of what was planned

    def begin(self, dataset: object) -> Plan:
        """Check the data; without a plan, measure what they cost here, and make one.

        Raises:
            ProtocolError: For data that cannot be compared on, minutes that are too
                few, or a plan that was made for other data.
        """
        if self.plan is None:
            self._here = planning.machine(dataset, self.n_jobs)
            self.plan = planning.plan(self._here, self.clock.left, self.seed)
        else:
            check_plan(self.plan, dataset)
        return self.plan

    def rounds(self) -> Iterator[Rung]:
        """Give one rung of the search after the other.

        Where the machine turns out slower than measured, what is left gets smaller:
        by the clock, which knows no scores. `plan` then says what was done.

        Yields:
            A `Rung`.
        """
        for number in range(len(self.plan.rungs)):
            if self._here is not None and number:
                left = self.clock.left / self._pace
                self.plan = planning.slowed(self.plan, number, self._here, left)
            rung, begun = self.plan.rungs[number], self.clock.used
            yield rung
            if self._here is not None:
                # Runs that were finished before take no time, and tell nothing.
                took = (self.clock.used - begun) / self._here.rung(rung)
                self._pace = max(1.0, took)

    def close(self, recipes: list[Recipe]) -> Plan:
        """Fill what the search left of the minutes with pairs, by the clock alone.

        Args:
            recipes: That will be trained anew.

        Returns:
            The `Plan`, now with its pairs; a plan that had them is as it was.
        """
        if self.plan.pairs is None:
            left = self.clock.left
            self.plan = planning.closed(
                self.plan, self._here, recipes, left, self._pace
            )
        return self.plan

    def pairs(self) -> Iterator[int]:
        """Give how many pairs are to be there; again, with more, while time is left.

        Yields:
            Pairs, those that are there already counted. `plan` then says how many.
        """
        begun, there = self.clock.used, 0
        while True:
            yield self.plan.pairs
            if self._here is None:
                return
            each = (self.clock.used - begun) / (self.plan.pairs - there)
            begun, there = self.clock.used, self.plan.pairs
            more = there + self._here.workers
            seconds = each * self._here.workers + planning.REPORT_SECONDS
            if seconds > self.clock.left or more > planning.MOST_PAIRS:
                return
            self.plan = dataclasses.replace(self.plan, pairs=more)

    def tell(self, what: str) -> None:
        """Print what is done, and the time left where the clock made the plan."""
        if self._here is not None:
            left = max(0, round(self.clock.left))
            print(f"{what}: {left // 60}:{left % 60:02} minutes left", flush=True)
