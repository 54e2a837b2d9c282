import numpy as np
from scipy import stats
from sklearn.model_selection import train_test_split

from tests.check.answers import studies


def by_scikit_learn(labels, share, seed):
    places = np.arange(len(labels))
    return train_test_split(places, test_size=share, random_state=seed, stratify=labels)


def a_slice(labels, share, seed):
    cut = round(share * len(labels))
    places = np.arange(len(labels))
    return places[cut:], places[:cut]


def not_stratified(labels, share, seed):
    order = np.random.default_rng(seed).permutation(len(labels))
    cut = round(share * len(labels))
    return order[cut:], order[:cut]


def drawn_twice(labels, share, seed):
    rng = np.random.default_rng(seed)
    n, held = len(labels), round(share * len(labels))
    return rng.choice(n, n - held, replace=False), rng.choice(n, held, replace=False)


def seedless(labels, share, seed):
    return by_scikit_learn(labels, share, None)


def fixed(labels, share, seed):
    return by_scikit_learn(labels, share, 0)


def by_loop(x_train, y_train, x_val, y_val, degrees):
    best, least = None, np.inf
    for degree in degrees:
        fit = np.polynomial.Polynomial.fit(x_train, y_train, degree)
        error = np.abs(fit(x_val) - y_val).mean()
        if error < least:
            best, least = degree, error
    return best


def by_training_error(x_train, y_train, x_val, y_val, degrees):
    return by_loop(x_train, y_train, x_train, y_train, degrees)


def its_place(x_train, y_train, x_val, y_val, degrees):
    return degrees.index(by_loop(x_train, y_train, x_val, y_val, degrees)) + 0.5


def interval_by_scipy(a, b):
    interval = stats.ttest_rel(a, b).confidence_interval()
    return [float(np.mean(a) - np.mean(b)), interval.low, interval.high]


def unpaired(a, b):
    interval = stats.ttest_ind(a, b).confidence_interval()
    return np.mean(a - b), interval.low, interval.high


def normal(a, b, factor=1.96, ddof=1):
    gaps = a - b
    reach = factor * gaps.std(ddof=ddof) / np.sqrt(len(gaps))
    return gaps.mean(), gaps.mean() - reach, gaps.mean() + reach


RIGHT = {
    "01.1": [lambda: np.float32(0.7), lambda: [0.7]],
    "01.2": [by_scikit_learn],
    "01.3": [by_loop],
    "01.4": [lambda val, test: [max(val, key=val.get), np.array(0.86)]],
    "01.5": [interval_by_scipy],
    "01.6": [studies.by(-1, "plain", "wide")],
}
WRONG = {
    "01.1": [
        (lambda: 1.0, "true or stored"),
        (lambda: 70, "no share"),
        (lambda: 0.73, "not what is measured"),
        (lambda: 0.3, "not what is measured"),
    ],
    "01.2": [
        (a_slice, "have [20  0  0] in the part held back"),
        (not_stratified, "Stratified"),
        (drawn_twice, "in both parts"),
        (seedless, "another split"),
        (fixed, "Another seed gives the same split"),
        (lambda *a: by_scikit_learn(*a)[::-1], "80 of 100 images are held back"),
    ],
    "01.3": [
        (by_training_error, "best on the training points"),
        (its_place, "Return the degree itself"),
        (lambda *a: 1, "least validation error"),
    ],
    "01.4": [
        (lambda val, test: (max(test, key=test.get), 0.91), "best on the test images"),
        (lambda val, test: ("middle", val["middle"]), "by which the model was chosen"),
        (lambda val, test: "middle", "return 2 things"),
    ],
    "01.5": [
        (unpaired, "come in pairs"),
        (normal, "Student's t"),
        (lambda a, b: normal(b, a), "not the mean of a − b"),
        (lambda a, b: normal(a, b, stats.t.ppf(0.975, len(a) - 1), 0), "should be"),
    ],
    "01.6": studies.wrong("wide", "another number of weights"),
}
