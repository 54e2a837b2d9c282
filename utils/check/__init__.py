"""Exercises that answer back: `check` judges an answer, `hint` and `solution` help."""

from utils.check.verdicts import Verdict, check, hint, judged, solution

__all__ = ["Verdict", "check", "hint", "judged", "solution"]
