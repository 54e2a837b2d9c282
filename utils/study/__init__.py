"""The engine under every chapter: conditions × seeds, paired, reproducible, kept."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from utils.study.conditions import Condition
    from utils.study.engine import run
    from utils.study.results import Comparison, Results, mean_interval, paired
    from utils.study.workers import WorkerDied

__all__ = [
    "Comparison",
    "Condition",
    "Results",
    "WorkerDied",
    "mean_interval",
    "paired",
    "run",
]

# Looked up when asked for: a worker, which imports the loops alone, does not pay for
# pandas and SciPy.
_HOMES = {
    "Comparison": "results",
    "Condition": "conditions",
    "Results": "results",
    "WorkerDied": "workers",
    "mean_interval": "results",
    "paired": "results",
    "run": "engine",
}


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
