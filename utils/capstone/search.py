"""From recipes to studies and back: conditions, who goes on, what a method added."""

from collections.abc import Iterable
from functools import partial

import keras
import numpy as np
import pandas as pd

from utils.augment import flip, pipeline, shift
from utils.capstone.recipes import METHODS, Recipe
from utils.models import regularized_cnn
from utils.study import Condition


def condition(recipe: Recipe, shape: tuple[int, int, int], classes: int) -> Condition:
    """Turn a recipe into a condition of a study.

    The model ends with the weights of its best validation epoch: that is how many
    epochs a recipe has.

    Args:
        recipe: The `Recipe`.
        shape: (height, width, channels) of an image.
        classes: How many.

    Returns:
        The `Condition`.
    """
    build = partial(
        regularized_cnn,
        shape,
        classes,
        rate=recipe.dropout,
        batch_norm=recipe.batch_norm,
    )
    if recipe.l2:
        build.keywords["kernel_regularizer"] = keras.regularizers.L2(recipe.l2)
    pixels = max(1, round(recipe.shifts * max(shape[:2])))
    moves = [partial(shift, pixels=pixels)] if recipe.shifts else []
    moves += [flip] if recipe.flips else []
    return Condition(
        build,
        optimizer=partial(keras.optimizers.Adam, recipe.rate),
        augment=pipeline(*moves) if moves else None,
        callbacks=best_weights,
    )


def best_weights() -> list[keras.callbacks.Callback]:
    """End with the weights of the first epoch of highest validation accuracy."""
    stopping = keras.callbacks.EarlyStopping(
        monitor="val_accuracy",
        mode="max",
        patience=10**6,
        restore_best_weights=True,
    )
    return [stopping]


def best(scores: pd.Series, keep: int) -> list:
    """Name those with the highest scores, best first; what diverged is left out.

    Args:
        scores: float, NaN for a run that diverged.
        keep: How many at most.

    Returns:
        Labels of `scores`; of equals, the first comes first.
    """
    return list(
        scores.dropna().sort_values(ascending=False, kind="stable").index[:keep]
    )


def effects(recipes: Iterable[Recipe], scores: Iterable[float]) -> pd.DataFrame:
    """Tell what each method added to the score, the others held where they are.

    A linear model of the score: one term a method, on or off, and two for the
    logarithm of the learning rate.

    Args:
        recipes: What was tried, plain ones too.
        scores: A float each; NaN is left out.

    Returns:
        A DataFrame indexed by method: on (how many tries), difference, low, high
        (95 % interval over tries), in the unit of the scores. Without enough tries
        low and high are NaN.

    Source:
        Least squares, as in statsmodels.
    """
    import statsmodels.api as sm  # a second of import

    rows = pd.DataFrame(
        [
            {name: float(bool(getattr(recipe, name))) for name in METHODS}
            | {"rate": np.log(recipe.rate)}
            for recipe in recipes
        ]
    )
    rows["rate"] -= rows["rate"].mean()
    rows["rate2"] = rows["rate"] ** 2
    y = pd.Series(list(scores), dtype=float)
    kept = np.isfinite(y)
    fit = sm.OLS(y[kept], sm.add_constant(rows[kept], has_constant="add")).fit()
    names = list(METHODS)
    told = fit.df_resid > 0
    intervals = fit.conf_int().loc[names] if told else np.full((len(names), 2), np.nan)
    table = pd.DataFrame(
        {
            "on": rows.loc[kept, names].sum().astype(int),
            "difference": fit.params[names],
        }
    )
    table[["low", "high"]] = np.asarray(intervals)
    table.attrs["interval"] = "95 % interval over what was tried"
    return table.rename(index=lambda name: name.replace("_", " ").replace("l2", "L2"))
