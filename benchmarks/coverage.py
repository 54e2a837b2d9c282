"""How often do the intervals hold the truth? A table of simulated studies.

    python benchmarks/coverage.py

Two methods, a few seeds, one test part: each answer is right or wrong, drawn from a
model of seeds and images in which the true difference is known. Every line of the table
is thousands of such studies; some minutes on one core.
"""

import dataclasses
from functools import partial

import numpy as np
from scipy import special

from utils.study.statistics import crossed_interval, mean_interval


@dataclasses.dataclass(frozen=True)
class World:
    """Where simulated answers come from.

    An answer is right where skill + image + image × method + seed + seed × method +
    luck is above 0. These are normal: luck has spread 1, the others the spreads given,
    and skill is what gives each method its accuracy.

    accuracy: of the reference. gain: what the other method adds to it, the truth that
    an interval should hold. image, own_image, seed, own_seed: spreads of what the
    methods share, and of what each has to itself.
    """

    accuracy: float
    gain: float
    image: float
    own_image: float
    seed: float
    own_seed: float

    def differences(self, rng, seeds, images):
        """Draw one study: float (seeds, images), +1, 0 or −1."""
        image = self.image * rng.standard_normal((1, images))
        seed = self.seed * rng.standard_normal((seeds, 1))
        right = [
            skill
            + image
            + self.own_image * rng.standard_normal((1, images))
            + seed
            + self.own_seed * rng.standard_normal((seeds, 1))
            + rng.standard_normal((seeds, images))
            > 0
            for skill in self._skills()
        ]
        return right[0].astype(float) - right[1]

    def _skills(self):
        spreads = (self.image, self.own_image, self.seed, self.own_seed, 1)
        accuracies = (self.accuracy + self.gain, self.accuracy)
        return special.ndtri(accuracies) * np.linalg.norm(spreads)


WORLDS = {
    "no effect": World(0.90, 0.00, 2, 1.0, 0.1, 0.1),
    "methods differ by image": World(0.80, 0.10, 2, 2.0, 0.1, 0.05),
    "seeds do not differ": World(0.90, 0.03, 3, 1.5, 0, 0),
    "seeds differ much": World(0.85, 0.05, 2, 1.0, 0.3, 0.3),
    "nearly all right": World(0.97, 0.01, 3, 1.0, 0, 0.05),
    "few answers differ": World(0.985, 0.005, 3, 0.5, 0, 0.1),
    "few answers differ, no effect": World(0.985, 0.0, 3, 0.5, 0, 0.1),
}


def holds(interval, truth):
    """Tell whether (low, high) holds the truth."""
    low, high = interval
    return low <= truth <= high


def coverage(draw, truth, studies):
    """Return the shares of studies whose interval holds the truth: crossed, Student.

    draw: function of no arguments that gives a table, seeds × images.
    """
    held = []
    for _ in range(studies):
        d = draw()
        by_seed = mean_interval(d.mean(axis=1))
        held.append((holds(crossed_interval(d)[1:], truth), holds(by_seed[1:3], truth)))
    return np.mean(held, axis=0)


def by_class(rng, world, seeds, sizes):
    """Draw one study of classes of these sizes, weighted for balanced accuracy.

    The first class has the world's gain, each further one a little less.
    """
    total, parts = sum(sizes), []
    for k, size in enumerate(sizes):
        of_class = dataclasses.replace(world, gain=gain_of_class(world, k))
        weight = total / (len(sizes) * size)
        parts.append(weight * of_class.differences(rng, seeds, size))
    return np.concatenate(parts, axis=1)


def gain_of_class(world, k):
    """The true gain in class k."""
    return world.gain - 0.01 * k


def main(studies=4000):
    """Print the table, in Markdown."""
    rng, numbers = np.random.default_rng(0), (3, 5, 10)
    print(
        "| answers | images | crossed, over 3, 5, 10 seeds | Student, over 3, 5, 10 |"
    )
    print("|---|---|---|---|")
    for name, world in WORLDS.items():
        for images in (40, 360, 2000):
            draws = [partial(world.differences, rng, n, images) for n in numbers]
            print(_row(name, images, draws, world.gain, studies), flush=True)
    sizes, world = (20, 40, 60, 90, 150), WORLDS["methods differ by image"]
    truth = np.mean([gain_of_class(world, k) for k in range(len(sizes))])
    draws = [partial(by_class, rng, world, n, sizes) for n in numbers]
    print(_row("balanced, uneven classes", sum(sizes), draws, truth, studies))


def _row(name, images, draws, truth, studies):
    both = np.transpose([coverage(draw, truth, studies) for draw in draws])
    cells = [", ".join(f"{100 * share:.1f} %" for share in shares) for shares in both]
    return f"| {name} | {images} | {cells[0]} | {cells[1]} |"


if __name__ == "__main__":
    main()
