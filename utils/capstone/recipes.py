"""One space of recipes for all: what is drawn, and what is plain."""

import dataclasses

import numpy as np
from scipy.stats import qmc

RATES = (3e-4, 1e-2)  # of learning, on a logarithmic scale
METHODS = ("l2", "dropout", "shifts", "flips", "batch_norm")
# From a draw in [0, 1) to a strength, where the method is on.
STRENGTHS = {
    "l2": lambda u: _rounded(1e-5 * 100**u),
    "dropout": lambda u: round(0.2 + 0.4 * u, 2),
    "shifts": lambda u: round(0.04 + 0.1 * u, 3),
    "flips": lambda u: True,
    "batch_norm": lambda u: True,
}
WORDS = {
    "l2": "L2 {:g}",
    "dropout": "dropout {:g}",
    "shifts": "shifts {:g}",
    "flips": "flips",
    "batch_norm": "batch norm",
}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a network is trained: a learning rate and any of five methods, combined.

    Args:
        rate: Of learning, for Adam.
        l2: Strength of the penalty on every kernel; 0 for none.
        dropout: Share dropped before the last layer.
        shifts: By up to this share of the longer side, and at least one pixel.
        flips: Whether images are mirrored at random.
        batch_norm: Whether each hidden layer is normalized.
    """

    rate: float
    l2: float = 0.0
    dropout: float = 0.0
    shifts: float = 0.0
    flips: bool = False
    batch_norm: bool = False

    @property
    def methods(self) -> tuple[str, ...]:
        """The names of the methods that are on."""
        return tuple(name for name in METHODS if getattr(self, name))

    def __str__(self):
        parts = [WORDS[name].format(getattr(self, name)) for name in self.methods]
        return ", ".join([*(parts or ["plain"]), f"learning rate {self.rate:g}"])


def draw(tries: int, seed: int = 0) -> list[Recipe]:
    """Draw recipes that cover the space evenly, each method on in half of them.

    The range of the learning rate and of every method is cut into as many parts as
    there are tries, and each part is drawn from once. Which parts meet is exchanged
    until the table is as even as it gets: a method that is on at small learning rates
    alone could not be told from them.

    Args:
        tries: How many; of an odd number a method is on in one more, or one less.
        seed: Another one gives other recipes.

    Returns:
        The recipes.

    Source:
        McKay, Beckman, Conover (1979): Latin hypercube sampling.
    """
    sampler = qmc.LatinHypercube(
        1 + len(METHODS), optimization="random-cd", rng=np.random.default_rng(seed)
    )
    return [_recipe(*row) for row in sampler.random(tries).tolist()]


def plain(tries: int) -> list[Recipe]:
    """Give the rival its own learning rates, evenly over the same range.

    Args:
        tries: How many, from 1.

    Returns:
        Recipes without methods. One alone has the rate in the middle.
    """
    return [Recipe(_rate((i + 0.5) / tries)) for i in range(tries)]


def _recipe(rate, *draws):
    on = {name: 2 * u - 1 for name, u in zip(METHODS, draws, strict=True) if u >= 0.5}
    return Recipe(_rate(rate), **{name: STRENGTHS[name](u) for name, u in on.items()})


def _rate(u):
    low, high = RATES
    return _rounded(low * (high / low) ** u)


def _rounded(value):
    return float(f"{value:.2g}")
