"""The engine under every chapter: conditions × seeds, paired, reproducible, kept."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from utils.study.comparison import Comparison, adjusted, paired
    from utils.study.conditions import Condition
    from utils.study.engine import run
    from utils.study.records import RecordError
    from utils.study.results import Results
    from utils.study.statistics import (
        crossed_interval,
        holm,
        mean_interval,
        seeds_needed,
    )
    from utils.study.workers import WorkerDied

# Looked up when asked for: a worker, which imports the loops alone, does not pay for
# pandas and SciPy.
_HOMES = {
    "Comparison": "comparison",
    "Condition": "conditions",
    "RecordError": "records",
    "Results": "results",
    "WorkerDied": "workers",
    "adjusted": "comparison",
    "crossed_interval": "statistics",
    "holm": "statistics",
    "mean_interval": "statistics",
    "paired": "comparison",
    "run": "engine",
    "seeds_needed": "statistics",
}

__all__ = [
    "Comparison",
    "Condition",
    "RecordError",
    "Results",
    "WorkerDied",
    "adjusted",
    "crossed_interval",
    "holm",
    "mean_interval",
    "paired",
    "run",
    "seeds_needed",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
