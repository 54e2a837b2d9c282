"""What a capstone's plan is, and whether it can be followed again.

A plan that is given is followed to the letter, so that the same numbers come out,
whatever the clock says.
"""

import dataclasses
from collections.abc import Mapping

from utils.capstone.images import ProtocolError, check_data, shapes_of


@dataclasses.dataclass(frozen=True)
class Rung:
    """One round of the search: every recipe trained anew, and the best go on.

    Args:
        tries: Recipes that combine methods.
        plain: Recipes of the rival.
        epochs: Of each run.
        images: For training.
        side: Pixels of the longer side; larger images are halved.
    """

    tries: int
    plain: int
    epochs: int
    images: int
    side: int

    def __str__(self):
        return (
            f"{self.tries} recipes and {self.plain} plain ones, {self.epochs} epochs "
            f"of {self.images} images, {self.side} pixels a side"
        )


@dataclasses.dataclass(frozen=True)
class Plan:
    """How large a comparison is.

    Args:
        rungs: Of the search, the cheapest first.
        epochs: Of each fresh run, on images as the last rung has them.
        pairs: Fresh seeds of the chosen recipe and of plain; None until the search is
            over, where the plan is made by the clock.
        seed: Of everything that is drawn.
    """

    rungs: tuple[Rung, ...]
    epochs: int
    pairs: int | None
    seed: int = 0

    @classmethod
    def read(cls, stored: Mapping) -> "Plan":
        """Make a plan again from what `as_dict` gave.

        Raises:
            ProtocolError: For what is no plan.
        """
        try:
            rungs = tuple(Rung(**rung) for rung in stored["rungs"])
            return cls(**{**stored, "rungs": rungs})
        except (TypeError, KeyError) as error:
            raise ProtocolError(
                f"{stored!r} is no plan ({error}). Give what result.json has under "
                '"plan", or None to measure and to plan anew.'
            ) from error

    def as_dict(self) -> dict:
        """Return plain numbers, for JSON."""
        return dataclasses.asdict(self) | {
            "rungs": [*map(dataclasses.asdict, self.rungs)]
        }

    def __str__(self):
        lines = [f"search, round {i}: {rung}" for i, rung in enumerate(self.rungs, 1)]
        pairs = (
            "pairs as the minutes allow"
            if self.pairs is None
            else (f"{self.pairs} pair{'s' * (self.pairs > 1)}")
        )
        last = self.rungs[-1]
        lines.append(
            f"fresh runs: {pairs}, {self.epochs} epochs of {last.images} images, "
            f"{last.side} pixels a side"
        )
        return "\n".join(lines)


def check_plan(plan: Plan, dataset: object) -> None:
    """Raise ProtocolError unless a plan that was given can be followed on these data.

    Args:
        plan: With its pairs.
        dataset: A `Dataset`.
    """
    check_data(dataset)
    sides, images = shapes_of(dataset.x_train[:1]), len(dataset.y_train)
    for rung in plan.rungs:
        if rung.side not in sides or rung.images > images:
            raise ProtocolError(
                f"The plan has {rung.images} images of {rung.side} pixels a side, and "
                f"{dataset.name!r} has {images}, to be had in {[*sides]} pixels. It "
                "was made for other data: set plan = None to plan anew."
            )
    if not plan.rungs or plan.pairs is None:
        raise ProtocolError(
            f"A plan to follow needs rungs and pairs, and this one has {plan.rungs} "
            f"and {plan.pairs}. Set plan = None to plan anew."
        )
