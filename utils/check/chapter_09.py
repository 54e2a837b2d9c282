"""Chapter 09, the capstone: honest scores, honest choices, honest doubt."""

import numpy as np

from utils.check.judging import (
    STUDY_SECONDS,
    array,
    close,
    exercise,
    expect,
    number,
    study,
)


@exercise("09.1", hint="The share found of each class, then the mean of these shares.")
def balanced_accuracy(answer):
    labels = np.array([0] * 8 + [1] * 2 + [3] * 2)
    predictions = np.array([0] * 8 + [0, 1] + [0, 0])
    value = number(answer(labels, predictions))
    expect(
        not close(value, 9 / 12),
        "That is the plain accuracy: the class of eight outvotes the others.",
    )
    expect(
        not close(value, (1 + 0.5 + 0 + 0) / 4),
        "You count a class that has no image.",
        "np.unique(labels) has the classes that are there.",
    )
    expect(
        not close(value, np.mean([8 / 11, 1.0])) and not close(value, (8 / 11 + 1) / 3),
        "You divide by the predictions of a class.",
        "That is precision. Of the images of a class, how many are found?",
    )
    expect(close(value, 0.5), f"Here it is (8/8 + 1/2 + 0/2) / 3; yours is {value:g}.")


@exercise("09.2", hint="A row for each true class, a column for each predicted one.")
def confusion(answer):
    labels = np.array([0, 0, 0, 1, 2, 2])
    predictions = np.array([0, 1, 1, 1, 0, 2])
    value = array(answer(labels, predictions, 4), (4, 4))
    right = np.zeros((4, 4))
    np.add.at(right, (labels, predictions), 1)
    expect(
        not close(value, right.T),
        "Rows and columns are swapped.",
        "By custom rows are the true classes.",
    )
    expect(
        not close(value, np.minimum(right, 1)),
        "Pairs that come twice count once.",
        "matrix[labels, predictions] += 1 adds once a place: np.add.at adds each.",
    )
    expect(value.max() > 1 or right.max() <= 1, "Counts were asked for, not shares.")
    expect(close(value, right), f"The counts are {right[:3, :3].astype(int).tolist()}.")


@exercise(
    "09.3",
    hint="For each method: its first `budget` trials, of these the best on validation, "
    "and of that one the test accuracy.",
)
def equal_budget(answer):
    trials = {
        "plain": [(0.80, 0.81)],
        "dropout": [(0.70, 0.70), (0.85, 0.84), (0.84, 0.90), (0.95, 0.93)],
        "L2": [(0.82, 0.80), (0.81, 0.88), (0.82, 0.83)],
    }
    value = answer(trials, 3)
    expect(
        isinstance(value, dict) and set(value) == set(trials),
        f"Return a dictionary with the methods {', '.join(trials)}.",
        "Is a `return` missing?" if value is None else None,
    )
    value = {name: number(accuracy) for name, accuracy in value.items()}
    expect(
        value["dropout"] != 0.93,
        "Dropout was tried four times, against a budget of three.",
        "Who tries more finds more: cut every list at the budget.",
    )
    expect(
        value["dropout"] != 0.90 and value["L2"] != 0.88,
        "You took the trial that is best on the test images.",
        "Validation chooses.",
    )
    expect(
        value["dropout"] != 0.85 and value["L2"] != 0.82,
        "You report validation accuracies.",
        "They chose, so they are too good. Report the test accuracy of the chosen.",
    )
    expect(
        value["L2"] != 0.83,
        "Two trials of L2 are level on validation, and the better one on test decided.",
        "Of equals the first: `max` of pairs breaks ties by what stands second.",
    )
    right = {"plain": 0.81, "dropout": 0.84, "L2": 0.80}
    expect(value == right, f"{right} was expected; you give {value}.")


@exercise(
    "09.4",
    hint="The 95 % interval of the paired differences: all above 0, all below, or "
    "neither.",
)
def how_sure(answer):
    hard = np.array([0.70, 0.80, 0.90, 0.75, 0.85])
    noise = np.array([0.010, 0.014, 0.006, 0.012, 0.009])
    wild = np.array([0.10, -0.06, 0.08, -0.05, 0.09])
    expect(
        answer(hard, hard + wild) in ("a", "b", "undecided"),
        f"You return {answer(hard, hard + wild)!r}.",
        'Return "a", "b" or "undecided".',
    )
    expect(
        answer(hard, hard + wild) == "undecided",
        "You decide for the larger mean, though the interval holds 0.",
        "A mean of five noisy differences is nearly never 0.",
    )
    expect(
        answer(hard + noise, hard) != "undecided",
        "You find no difference, though a is better in every pair by nearly the same.",
        "Subtract pair by pair before you look at the spread.",
    )
    expect(answer(hard + noise, hard) == "a", "Here a is better, in every pair.")
    expect(answer(hard, hard + noise) == "b", "Here b is better, in every pair.")


@exercise(
    "09.5",
    hint="load(…) with another name, or other settings; then the chapter's protocol.",
    seconds=STUDY_SECONDS,
)
def study_of_ones_own(answer):
    seen = []

    def another(model):
        seen.append(model)
        return len(seen) > 1

    study(answer(), another, "another recipe")
