"""Chapter 01, overfitting: splits, choices, intervals."""

import numpy as np
from scipy import stats

from utils.check.judging import (
    STUDY_SECONDS,
    array,
    close,
    exercise,
    expect,
    number,
    several,
    study,
)


@exercise(
    "01.1",
    hint="The labels that were replaced are wrong, whatever the model says about them.",
)
def accuracy_of_the_truth(answer):
    value = number(answer())
    expect(
        not 1 < value <= 100,
        f"{value:g} is no share.",
        "An accuracy is a share between 0 and 1.",
    )
    expect(
        value != 1,
        "1 would need every stored label to be the true one.",
        "Which labels does the training accuracy compare with: true or stored ones?",
    )
    expect(close(value, 0.7, 0.005), f"{value:g} is not what is measured.")


@exercise(
    "01.2",
    hint="Go through the classes: shuffle the places of one class, hold a share back.",
)
def stratified_split(answer):
    labels = np.repeat([0, 1, 2], [60, 30, 10])
    parts = several(answer(labels, 0.2, 0), 2, "the places kept, and those held back")
    kept, held = (array(part).astype(int) for part in parts)
    expect(
        not set(kept) & set(held),
        "Some images are in both parts.",
        "Draw once, then cut in two.",
    )
    expect(
        sorted([*kept, *held]) == list(range(100)),
        "The two parts together are not every image exactly once.",
    )
    expect(
        len(held) == 20,
        f"{len(held)} of 100 images are held back at share 0.2; 20 were expected.",
        "The first part is kept, the second held back.",
    )
    counts = np.bincount(labels[held], minlength=3)
    expect(
        (counts == [12, 6, 2]).all(),
        f"Classes of 60, 30 and 10 images have {counts} in the part held back.",
        "Stratified: the same share of every class.",
    )
    again = several(answer(labels, 0.2, 0), 2, "two arrays")
    expect(
        set(array(again[1])) == set(held),
        "The same seed gives another split.",
        "Draw from np.random.default_rng(seed).",
    )
    other = several(answer(labels, 0.2, 1), 2, "two arrays")
    expect(
        set(array(other[1])) != set(held),
        "Another seed gives the same split.",
        "Shuffle with the seed that you are given, before you cut.",
    )


@exercise(
    "01.3",
    hint="Fit on the training points with np.polyfit, measure on the validation ones.",
)
def chosen_degree(answer):
    rng = np.random.default_rng(1)

    def points(n):
        x = rng.uniform(-1, 1, n)
        return x, x**3 - x + rng.normal(0, 0.05, n)

    train, val = points(12), points(200)
    degrees = [9, 3, 1]
    value = number(answer(*train, *val, degrees))
    expect(
        value in degrees,
        f"{value:g} is none of the degrees {degrees}.",
        "Return the degree itself, not its place or its error.",
    )
    expect(
        value != 9,
        "You chose degree 9, the best on the training points.",
        "Twelve points and ten coefficients: what does the validation error say?",
    )
    expect(value == 3, f"Degree {value:g} does not have the least validation error.")


@exercise(
    "01.4",
    hint="One set of images chooses, the other is looked at once, for the report.",
)
def honest_report(answer):
    val = {"small": 0.80, "middle": 0.90, "large": 0.85}
    test = {"small": 0.79, "middle": 0.86, "large": 0.91}
    name, accuracy = several(answer(val, test), 2, "the model's name, its accuracy")
    expect(
        name != "large",
        "You chose the model that is best on the test images.",
        "Then the test images have chosen, and their accuracy is no fair estimate.",
    )
    expect(
        name == "middle", f"{name!r} is not the best model on the validation images."
    )
    accuracy = number(accuracy)
    expect(
        accuracy != 0.90,
        "You report the accuracy by which the model was chosen.",
        "The best of several is too good: report the images that had no say.",
    )
    expect(accuracy == 0.86, f"{accuracy:g} is not the accuracy to report.")


@exercise(
    "01.5",
    hint="Take the differences first. Their mean ± t(0.975, n − 1) · s / √n, ddof=1.",
)
def paired_interval(answer):
    rng = np.random.default_rng(3)
    for n in (5, 8):
        hard = rng.normal(0.8, 0.05, n)
        a, b = hard + rng.normal(0.03, 0.01, n), hard
        mean, low, high = (
            number(value)
            for value in several(answer(a, b), 3, "the mean difference, low, high")
        )
        expect(
            close(mean, (a - b).mean()),
            "The first number is not the mean of a − b.",
        )
        right = stats.ttest_rel(a, b).confidence_interval()
        unpaired = stats.ttest_ind(a, b).confidence_interval()
        error = stats.sem(a - b)
        expect(
            not close(low, unpaired.low, 1e-3),
            "Your interval forgets that the numbers come in pairs.",
            "The same seed makes both runs good or bad: subtract before you average.",
        )
        expect(
            not close(high - mean, 1.96 * error, 1e-4),
            "1.96 is for a standard error that is known exactly.",
            "With few seeds it is estimated: Student's t, stats.t.ppf(0.975, n - 1).",
        )
        expect(
            close([low, high], [right.low, right.high], 1e-5),
            f"For {n} pairs the interval should be {right.low:.4f} to "
            f"{right.high:.4f}; yours is {low:.4f} to {high:.4f}.",
        )


@exercise(
    "01.6",
    hint="small_cnn(units=…) makes several sizes; run() takes a dictionary.",
    seconds=STUDY_SECONDS,
)
def study_of_sizes(answer):
    counts = set()

    def differs(model):
        counts.add(model.count_params())
        return len(counts) > 1

    study(answer(), differs, "another number of weights than the first")
