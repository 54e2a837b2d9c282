"""Exercises that answer back: `check` judges an answer, `hint` and `solution` help.

Each exercise ends with `check("03.2", my_function)`. It calls the function with cases
of its own and prints "Correct.", "Not attempted yet." or what is wrong and a hint.
Names and texts are never judged.
"""

from utils.check.verdicts import (
    NoSuchExercise,
    Verdict,
    check,
    hint,
    judged,
    solution,
)

__all__ = ["NoSuchExercise", "Verdict", "check", "hint", "judged", "solution"]
