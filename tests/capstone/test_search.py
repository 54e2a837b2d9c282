"""The space of recipes: even, plain cared for, told apart, and trained as it says."""

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from utils.capstone import search
from utils.capstone.recipes import METHODS, RATES, Recipe, draw, plain
from utils.capstone.search import condition, effects


@pytest.mark.parametrize("tries", [8, 16, 32])
def test_each_method_is_on_in_half_of_the_recipes(tries):
    recipes = draw(tries)
    for name in METHODS:
        assert sum(name in recipe.methods for recipe in recipes) == tries // 2, name


def test_recipes_combine_methods_and_none_comes_twice():
    recipes = draw(16)
    assert len(set(map(str, recipes))) == 16
    assert sum(len(recipe.methods) >= 2 for recipe in recipes) >= 10


def test_a_seed_gives_the_same_recipes_and_another_gives_others():
    assert draw(8) == draw(8) != draw(8, seed=1)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("tries, most", [(8, 0.55), (16, 0.35), (32, 0.3)])
def test_no_method_can_be_taken_for_another_or_for_a_learning_rate(tries, most, seed):
    recipes = draw(tries, seed)
    columns = [[name in recipe.methods for recipe in recipes] for name in METHODS]
    columns.append([np.log(recipe.rate) for recipe in recipes])
    related = np.corrcoef(columns) - np.eye(len(columns))
    assert np.abs(related).max() < most


def test_all_is_drawn_within_the_space():
    low, high = RATES
    for recipe in draw(128):
        assert low <= recipe.rate <= high
        assert recipe.l2 == 0 or 1e-5 <= recipe.l2 <= 1e-3
        assert recipe.dropout == 0 or 0.2 <= recipe.dropout <= 0.6
        assert recipe.shifts == 0 or 0.04 <= recipe.shifts <= 0.14
    rates = [recipe.rate for recipe in draw(128)]
    middle = np.sqrt(low * high)
    assert 54 <= sum(rate < middle for rate in rates) <= 74


def test_plain_has_learning_rates_of_its_own_over_the_same_range():
    rates = [recipe.rate for recipe in plain(4)]
    steps = np.diff(np.log(rates))
    assert np.allclose(steps, np.log(100 / 3) / 4, atol=0.03)
    assert not any(recipe.methods for recipe in plain(4))
    assert np.isclose(plain(1)[0].rate, np.sqrt(3e-4 * 1e-2), rtol=0.03)


def test_a_recipe_says_what_it_is():
    assert str(Recipe(3e-3)) == "plain, learning rate 0.003"
    full = Recipe(1e-3, 1e-4, 0.5, 0.1, True, True)
    words = "L2 0.0001, dropout 0.5, shifts 0.1, flips, batch norm, learning rate 0.001"
    assert str(full) == words


def layers_of(recipe):
    return condition(recipe, (16, 16, 3), 4).build().layers


@pytest.mark.parametrize("name", METHODS)
def test_a_method_reaches_training(name):
    values = {"l2": 1e-3, "dropout": 0.4, "shifts": 0.1}
    on = condition(Recipe(1e-3, **{name: values.get(name, True)}), (16, 16, 3), 4)
    layers = on.build().layers
    kernels = [layer for layer in layers if hasattr(layer, "kernel")]
    strengths = [
        float(k.kernel_regularizer.l2) for k in kernels if k.kernel_regularizer
    ]
    (drop,) = [one for one in layers if isinstance(one, keras.layers.Dropout)]
    normal = [one for one in layers if isinstance(one, keras.layers.BatchNormalization)]
    found = {
        "l2": np.allclose(strengths, 1e-3) and len(strengths) == len(kernels),
        "dropout": drop.rate == 0.4,
        "shifts": on.augment is not None and name == "shifts",
        "flips": on.augment is not None and name == "flips",
        "batch_norm": len(normal) == 3,
    }
    assert [method for method, there in found.items() if there] == [name]


def moved(recipe):
    """What a recipe makes of an image with one bright pixel, in many copies."""
    images = np.zeros((200, 16, 16, 1), np.float32)
    images[:, 8, 3] = 1
    augment = condition(recipe, (16, 16, 1), 4).augment
    after, _ = augment(tf.constant(images), tf.zeros(200, tf.int32), (0, 1))
    return {tuple(int(i) for i in place[1:3]) for place in np.argwhere(after)}


def test_flips_mirror_and_shifts_move_by_a_share_of_the_side():
    assert moved(Recipe(1e-3, flips=True)) == {(8, 3), (8, 12)}
    rows = {row for row, _ in moved(Recipe(1e-3, shifts=0.125))}
    assert rows == {6, 7, 8, 9, 10}
    assert len(moved(Recipe(1e-3, shifts=0.01))) == 9  # at least one pixel


def test_the_learning_rate_is_the_recipe_s():
    made = condition(Recipe(0.004), (16, 16, 3), 4).optimizer()
    assert float(made.learning_rate) == pytest.approx(0.004)


def test_a_run_ends_with_its_best_weights():
    (stopping,) = search.best_weights()
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    stopping.set_model(model)
    stopping.on_train_begin()
    for epoch, accuracy in enumerate([0.5, 0.8, 0.8, 0.6]):
        model.set_weights([np.full((1, 1), epoch), np.zeros(1)])
        stopping.on_epoch_end(epoch, {"val_accuracy": accuracy})
    assert not getattr(model, "stop_training", False)
    stopping.on_train_end()
    assert model.get_weights()[0] == 1  # the first of the two best


def test_the_best_go_on_and_what_diverged_does_not():
    scores = pd.Series({"a": 0.5, "b": np.nan, "c": 0.9, "d": 0.5, "e": 0.1})
    assert search.best(scores, 3) == ["c", "a", "d"]
    assert search.best(scores, 9) == ["c", "a", "d", "e"]


def test_effects_are_those_that_were_put_in():
    recipes = draw(32) + plain(8)
    added = {"l2": 0.0, "dropout": -0.03, "shifts": 0.05, "flips": 0.0}
    added["batch_norm"] = 0.1
    rng = np.random.default_rng(0)
    scores = [
        0.5
        + sum(added[name] for name in recipe.methods)
        - 0.02 * np.log(recipe.rate / 2e-3) ** 2
        + rng.normal(0, 0.002)
        for recipe in recipes
    ]
    scores[3] = np.nan
    table = effects(recipes, scores)
    truth = np.array([*added.values()])
    assert np.allclose(table["difference"], truth, atol=0.005)
    assert (table["low"] <= truth + 0.001).all() and (
        truth - 0.001 <= table["high"]
    ).all()
    assert (table["high"] - table["low"]).max() < 0.01
    assert table.loc["batch norm", "on"] in (15, 16)


@pytest.mark.filterwarnings("ignore:The design matrix is rank-deficient")
def test_too_few_tries_have_no_interval():
    table = effects(draw(4), [0.1, 0.2, 0.3, 0.4])
    assert table[["low", "high"]].isna().all(axis=None)
