"""The methods from scratch, against Keras, finite differences and hand-worked cases."""

import copy
import subprocess
import sys

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from utils.runtime import configure_tensorflow
from utils.scratch import (
    batch_norm_backward,
    batch_norm_backward_graph,
    batch_norm_forward,
    dropout_backward,
    dropout_forward,
    l1_gradient,
    l1_penalty,
    l2_gradient,
    l2_penalty,
    numerical_gradient,
    relative_error,
    soft_threshold,
)

tf = configure_tensorflow()
keras = tf.keras

BATCHES = {"dense": (6, 3), "images": (4, 5, 2, 3)}
SHAPES = pytest.mark.parametrize("shape", BATCHES.values(), ids=BATCHES)
BACKWARDS = pytest.mark.parametrize(
    "backward", [batch_norm_backward, batch_norm_backward_graph]
)
PENALTIES = pytest.mark.parametrize(
    ("penalty", "gradient", "regularizer"),
    [
        (l1_penalty, l1_gradient, keras.regularizers.L1),
        (l2_penalty, l2_gradient, keras.regularizers.L2),
    ],
)


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(1.5, 2.0, size=shape)


def batch_norm_arguments(shape):
    """x, gamma, beta, moving mean, moving variance, none of them at its default."""
    return (
        draw(*shape),
        np.array([0.5, -1.5, 2.0]),
        np.array([0.3, 0.0, -4.0]),
        np.array([1.0, -2.0, 0.5]),
        np.array([0.2, 1.0, 7.0]),
    )


def keras_batch_norm(shape, **settings):
    """A Keras layer in float64 that starts from `batch_norm_arguments`."""
    layer = keras.layers.BatchNormalization(dtype="float64", **settings)
    layer.build(shape)
    layer.set_weights(batch_norm_arguments(shape)[1:])
    return layer


# Penalties


@PENALTIES
@pytest.mark.parametrize("shape", [(7,), (3, 3, 2, 4)])
def test_penalties_and_gradients_equal_keras(penalty, gradient, regularizer, shape):
    strength = 1 / 64  # exact in float32, to which Keras rounds it
    w = draw(*shape)
    w.flat[0] = 0.0
    variable = tf.Variable(w)
    with tf.GradientTape() as tape:
        loss = regularizer(strength)(variable)
    np.testing.assert_allclose(penalty(w, strength), loss, rtol=1e-12)
    np.testing.assert_allclose(
        gradient(w, strength), tape.gradient(loss, variable), rtol=1e-12
    )


@PENALTIES
def test_penalty_gradients_equal_numerical_ones(penalty, gradient, regularizer):
    w = draw(4, 3)
    numerical = numerical_gradient(lambda v: penalty(v, 0.3), w)
    assert relative_error(gradient(w, 0.3), numerical) < 1e-7


def test_penalties_by_hand():
    w = [[3, -1], [0, 2]]
    assert l1_penalty(w, 0.5) == 3.0
    assert l2_penalty(w, 0.5) == 7.0
    np.testing.assert_array_equal(l1_gradient(w, 0.5), [[0.5, -0.5], [0, 0.5]])
    np.testing.assert_array_equal(l2_gradient(w, 0.5), [[3, -1], [0, 2]])


def test_small_integers_do_not_overflow():
    assert l2_penalty(np.array([200, 100], np.uint8), 1) == 50_000
    assert l1_penalty(np.array([-128], np.int8), 1) == 128


def test_soft_threshold_by_hand():
    w = [3.0, -3.0, 1.0, -1.0, 0.5, -0.5, 0.0]
    result = soft_threshold(w, 1)
    np.testing.assert_array_equal(result, [2, -2, 0, 0, 0, 0, 0])
    # A negative zero would be printed as "-0." in a chapter.
    assert not np.signbit(result[2:]).any()
    np.testing.assert_array_equal(soft_threshold(w, 0), w)


@pytest.mark.parametrize("w", [-2.0, -0.3, 0.1, 0.9])
def test_soft_threshold_minimizes_the_l1_proximal_problem(w):
    best = minimize_scalar(
        lambda v: (v - w) ** 2 / 2 + 0.7 * abs(v), bounds=(-3, 3), method="bounded"
    )
    assert soft_threshold(w, 0.7) == pytest.approx(best.x, abs=1e-5)


# Checking gradients


def test_numerical_gradient_of_known_derivatives():
    x = draw(2, 3, 2)
    found = numerical_gradient(lambda v: np.sum(np.sin(v)), x)
    assert found.shape == x.shape
    assert relative_error(found, np.cos(x)) < 1e-9
    matrix = draw(4, 4, seed=1)
    found = numerical_gradient(lambda v: v @ matrix @ v, [1, 2, 3, 4])
    assert relative_error(found, (matrix + matrix.T) @ [1, 2, 3, 4]) < 1e-9


def test_numerical_gradient_of_one_number():
    found = numerical_gradient(lambda v: v**3, 2)
    assert found.shape == ()
    assert found == pytest.approx(12, rel=1e-9)


def test_numerical_gradient_uses_the_step_on_both_sides():
    # ((x + h)³ − (x − h)³) / 2h is 3x² + h², exactly; one-sided it would be 3xh more.
    found = numerical_gradient(lambda v: np.sum(v**3), np.array([2.0]), step=0.5)
    np.testing.assert_allclose(found, [12.25], rtol=1e-12)


def test_numerical_gradient_keeps_float32_and_integers_apart_from_the_step():
    for dtype in (np.float32, int):
        x = np.array([1, 2, 3], dtype)
        found = numerical_gradient(lambda v: np.sum(v**2), x)
        assert found.dtype == np.float64
        assert relative_error(found, [2, 4, 6]) < 1e-9


def test_a_function_may_change_what_it_gets():
    x = draw(3)
    kept = x.copy()

    def f(v):
        v *= v
        return v.sum()

    assert relative_error(numerical_gradient(f, x), 2 * kept) < 1e-9
    np.testing.assert_array_equal(x, kept)


def test_relative_error_by_hand():
    assert relative_error([3, 4], [0, 0]) == 1.0
    assert relative_error([0, 0], [3, 4]) == 1.0
    assert relative_error([6, 8], [3, 4]) == 0.5
    assert relative_error([[3], [4]], [[-3], [-4]]) == 2.0
    assert relative_error(-2, -1.5) == 0.25
    # Norm-wise: one entry near zero that is all wrong does not decide.
    assert relative_error([1.0, 0.0], [1.0, 1e-9]) == pytest.approx(1e-9)


def test_relative_error_of_equal_arrays_is_zero():
    assert relative_error([0, 0], [0.0, 0.0]) == 0.0
    assert relative_error(0.0, 0) == 0.0
    assert relative_error([], []) == 0.0
    assert relative_error([1, 2], [1, 2]) == 0.0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_relative_error_never_hides_a_broken_gradient(bad):
    with np.errstate(invalid="ignore"):
        for a, b in ([bad, 0], [0, 0]), ([0, 0], [bad, 0]), ([bad, 0], [bad, 0]):
            assert np.isnan(relative_error(a, b))


# Dropout


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.9])
def test_dropout_equals_keras_given_its_mask(rate):
    x, dy = draw(40, 30), draw(40, 30, seed=1)
    layer = keras.layers.Dropout(rate, seed=7, dtype="float64")
    twin = keras.layers.Dropout(rate, seed=7, dtype="float64")
    keras_mask = twin(tf.ones_like(x), training=True).numpy()
    variable = tf.Variable(x)
    with tf.GradientTape() as tape:
        keras_y = layer(variable, training=True)
    keras_dx = tape.gradient(keras_y, variable, output_gradients=tf.constant(dy))

    class KerasDraws:
        """Draws that lie just on the side of the rate where Keras' own fell."""

        def random(self, shape):
            return np.where(keras_mask > 0, rate, rate - 1e-12).reshape(shape)

    y, mask = dropout_forward(x, rate, KerasDraws())
    np.testing.assert_allclose(mask, keras_mask, rtol=1e-12)
    np.testing.assert_allclose(y, keras_y, rtol=1e-12)
    np.testing.assert_allclose(dropout_backward(dy, mask), keras_dx, rtol=1e-12)


def test_dropout_drops_its_rate_and_keeps_the_expectation():
    x = np.ones(200_000)
    y, mask = dropout_forward(x, 0.8, np.random.default_rng(0))
    assert set(np.unique(mask)) == {0.0, 1 / (1 - 0.8)}
    # Four standard errors: sqrt(0.8 · 0.2 / 200,000) for the share, 5 times it for y.
    assert np.mean(mask == 0) == pytest.approx(0.8, abs=0.0036)
    assert y.mean() == pytest.approx(1.0, abs=0.018)


def test_dropout_draws_each_unit_on_its_own():
    _, mask = dropout_forward(np.ones((50, 40)), 0.5, np.random.default_rng(0))
    assert len(np.unique(mask, axis=0)) == 50
    assert len(np.unique(mask, axis=1).T) == 40


def test_dropout_at_rate_zero_or_without_training_changes_nothing():
    x = draw(5, 4)
    for rate, training in ((0, True), (0.5, False)):
        y, mask = dropout_forward(x, rate, np.random.default_rng(0), training=training)
        np.testing.assert_array_equal(y, x)
        np.testing.assert_array_equal(mask, np.ones((5, 4)))
        assert not np.shares_memory(y, x)


def test_dropout_leaves_the_generator_alone_without_training():
    used, fresh = np.random.default_rng(3), np.random.default_rng(3)
    dropout_forward(draw(5), 0.5, used, training=False)
    assert used.random() == fresh.random()


def test_dropout_backward_equals_the_numerical_gradient():
    x, dy = draw(4, 5), draw(4, 5, seed=1)

    def loss(v):
        y, _ = dropout_forward(v, 0.4, np.random.default_rng(2))
        return np.sum(y * dy)

    _, mask = dropout_forward(x, 0.4, np.random.default_rng(2))
    assert 0 < np.sum(mask == 0) < mask.size
    numerical = numerical_gradient(loss, x)
    assert relative_error(dropout_backward(dy, mask), numerical) < 1e-7


# Batch normalization


def test_batch_norm_by_hand():
    # Mean 2 and variance 1; with epsilon 3 the divisor is 2, so x̂ is ∓0.5.
    y, mean, var, cache = batch_norm_forward(
        [[1], [3]], [2], [1], [0], [2], momentum=0.75, epsilon=3
    )
    np.testing.assert_array_equal(y, [[0], [2]])
    assert (mean, var) == (0.5, 1.75)
    # y₁ = 2d / √(d² + 3) + 1 with d = (x₁ − x₂) / 2 = −1: dy₁/dx₁ = 6 / 8 / 2.
    for backward in (batch_norm_backward, batch_norm_backward_graph):
        dx, dgamma, dbeta = backward([[1], [0]], cache)
        np.testing.assert_allclose(dx, [[0.375], [-0.375]], rtol=1e-12)
        assert (dgamma, dbeta) == (-0.5, 1.0)


@SHAPES
@pytest.mark.parametrize("settings", [{}, {"momentum": 0.8, "epsilon": 0.1}])
def test_batch_norm_equals_keras_while_training(shape, settings):
    """Outputs, gradients and moving statistics over several steps."""
    layer = keras_batch_norm(shape, **settings)
    _, gamma, beta, mean, var = batch_norm_arguments(shape)
    for step in range(5):
        x, dy = draw(*shape, seed=step) * (step + 1), draw(*shape, seed=step + 50)
        y, mean, var, cache = batch_norm_forward(x, gamma, beta, mean, var, **settings)
        variable = tf.Variable(x)
        with tf.GradientTape() as tape:
            keras_y = layer(variable, training=True)
        np.testing.assert_allclose(y, keras_y, rtol=1e-10)
        np.testing.assert_allclose(mean, layer.moving_mean, rtol=1e-10)
        np.testing.assert_allclose(var, layer.moving_variance, rtol=1e-10)
        keras_gradients = tape.gradient(
            keras_y, [variable, layer.gamma, layer.beta], output_gradients=dy
        )
        for backward in (batch_norm_backward, batch_norm_backward_graph):
            for ours, theirs in zip(backward(dy, cache), keras_gradients, strict=True):
                assert ours.shape == theirs.shape
                assert relative_error(ours, theirs) < 1e-10


@SHAPES
def test_batch_norm_equals_keras_at_inference(shape):
    arguments = batch_norm_arguments(shape)
    layer = keras_batch_norm(shape)
    y, mean, var, cache = batch_norm_forward(*arguments, training=False)
    np.testing.assert_allclose(y, layer(arguments[0], training=False), rtol=1e-10)
    np.testing.assert_array_equal(mean, arguments[3])
    np.testing.assert_array_equal(var, arguments[4])
    assert cache is None


@BACKWARDS
@SHAPES
def test_batch_norm_backward_equals_numerical_gradients(shape, backward):
    x, gamma, beta, mean, var = batch_norm_arguments(shape)
    dy = draw(*shape, seed=1)

    def loss(x, gamma, beta):
        return np.sum(batch_norm_forward(x, gamma, beta, mean, var)[0] * dy)

    *_, cache = batch_norm_forward(x, gamma, beta, mean, var)
    dx, dgamma, dbeta = backward(dy, cache)
    numerical = numerical_gradient(lambda v: loss(v, gamma, beta), x)
    assert relative_error(dx, numerical) < 1e-7
    numerical = numerical_gradient(lambda v: loss(x, v, beta), gamma)
    assert relative_error(dgamma, numerical) < 1e-7
    numerical = numerical_gradient(lambda v: loss(x, gamma, v), beta)
    assert relative_error(dbeta, numerical) < 1e-7


@BACKWARDS
def test_a_batch_of_one_gives_beta_and_no_gradient_but_an_image_does_not(backward):
    x, gamma, beta, mean, var = batch_norm_arguments((1, 3))
    y, _, _, cache = batch_norm_forward(x, gamma, beta, mean, var)
    np.testing.assert_array_equal(y, [beta])
    np.testing.assert_array_equal(backward([[1, 2, 3]], cache)[0], np.zeros((1, 3)))
    y, *_ = batch_norm_forward(draw(1, 4, 4, 3), gamma, beta, mean, var)
    assert np.all(y.std(axis=(0, 1, 2)) > 0.4)


def test_the_cache_outlives_a_change_of_gamma():
    arguments = batch_norm_arguments((6, 3))
    dy = draw(6, 3, seed=1)
    *_, cache = batch_norm_forward(*arguments)
    before = batch_norm_backward(dy, cache)[0]
    arguments[1][:] = 100
    np.testing.assert_array_equal(batch_norm_backward(dy, cache)[0], before)


# What holds for all of them

TRAINED = batch_norm_forward(*batch_norm_arguments((6, 3)))[-1]
CALLS = {
    "l1_penalty": (l1_penalty, [draw(3, 2), 0.1]),
    "l1_gradient": (l1_gradient, [draw(3, 2), 0.1]),
    "l2_penalty": (l2_penalty, [draw(3, 2), 0.1]),
    "l2_gradient": (l2_gradient, [draw(3, 2), 0.1]),
    "soft_threshold": (soft_threshold, [draw(3, 2), 0.1]),
    "numerical_gradient": (numerical_gradient, [np.sum, draw(3, 2)]),
    "relative_error": (relative_error, [draw(3), draw(3, seed=1)]),
    "dropout_forward": (
        lambda x: dropout_forward(x, 0.5, np.random.default_rng(0)),
        [draw(3, 2)],
    ),
    "dropout_backward": (dropout_backward, [draw(3, 2), np.full((3, 2), 2.0)]),
    "batch_norm_forward": (batch_norm_forward, [*batch_norm_arguments((6, 3))]),
    "batch_norm_inference": (
        lambda *arguments: batch_norm_forward(*arguments, training=False),
        [*batch_norm_arguments((6, 3))],
    ),
    "batch_norm_backward": (batch_norm_backward, [draw(6, 3), TRAINED]),
    "batch_norm_backward_graph": (batch_norm_backward_graph, [draw(6, 3), TRAINED]),
}
EACH = pytest.mark.parametrize(("function", "arguments"), CALLS.values(), ids=CALLS)


def arrays_in(value):
    if isinstance(value, (tuple, list)):
        return [array for part in value for array in arrays_in(part)]
    return [value] if isinstance(value, (np.ndarray, np.generic)) else []


@EACH
def test_arguments_are_never_modified_and_never_returned(function, arguments):
    kept = copy.deepcopy(arguments)
    results = arrays_in(function(*arguments))
    for before, after in zip(arrays_in(kept), arrays_in(arguments), strict=True):
        np.testing.assert_array_equal(before, after)
        assert not any(np.shares_memory(after, result) for result in results)


@EACH
def test_float32_and_integers_are_computed_in_float64(function, arguments):
    def cast(value, dtype):
        return value.astype(dtype) if isinstance(value, np.ndarray) else value

    for dtype in (np.float32, int):
        narrow = [cast(value, dtype) for value in arguments]
        results = arrays_in(function(*narrow))
        wide = arrays_in(function(*[cast(value, np.float64) for value in narrow]))
        assert results
        for result, expected in zip(results, wide, strict=True):
            assert result.dtype == np.float64
            np.testing.assert_array_equal(result, expected)


def test_scratch_is_numpy_alone():
    code = (
        "import sys, utils.scratch; "
        "print({'tensorflow', 'keras', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr


# Bad input


@pytest.mark.parametrize(
    "function", [l1_penalty, l1_gradient, l2_penalty, l2_gradient, soft_threshold]
)
@pytest.mark.parametrize("bad", [-0.1, np.nan, np.inf])
def test_a_bad_strength_or_amount_is_named(function, bad):
    message = rf"(strength|amount) is {bad}: give a finite number, 0 or more"
    with pytest.raises(ValueError, match=message):
        function([1.0], bad)


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5, np.nan])
@pytest.mark.parametrize("training", [True, False])
def test_a_bad_rate_is_named(rate, training):
    with pytest.raises(ValueError, match=f"rate is {rate}: give the share to drop"):
        dropout_forward([1.0], rate, np.random.default_rng(0), training=training)


@pytest.mark.parametrize("step", [0, -1e-5, np.nan, np.inf])
def test_a_bad_step_is_named(step):
    with pytest.raises(ValueError, match=f"step is {step}: give"):
        numerical_gradient(np.sum, [1.0], step=step)


@pytest.mark.parametrize("f", [lambda v: v, lambda v: v[:1]])
def test_a_function_without_one_number_is_refused(f):
    with pytest.raises(ValueError, match="f returns an array: give a function"):
        numerical_gradient(f, [1.0, 2.0])


def test_shapes_that_differ_are_named():
    with pytest.raises(ValueError, match=r"a has shape \(3, 1\), b has shape \(3,\)"):
        relative_error(np.ones((3, 1)), np.ones(3))
    with pytest.raises(ValueError, match=r"dy has shape \(3,\), mask has shape \(2, 3"):
        dropout_backward(np.ones(3), np.ones((2, 3)))


@pytest.mark.parametrize("position", [1, 2, 3, 4])
@pytest.mark.parametrize("wrong", [np.ones(2), np.ones(1), np.ones((1, 3)), 1.0])
def test_batch_norm_names_parameters_of_a_wrong_shape(position, wrong):
    arguments = list(batch_norm_arguments((6, 3)))
    arguments[position] = wrong
    with pytest.raises(ValueError, match=r"x has shape \(6, 3\), but gamma.*\(3,\)$"):
        batch_norm_forward(*arguments)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((), r"x has shape \(\): give \(n, features\)"),
        ((3,), r"x has shape \(3,\): give \(n, features\)"),
        ((0, 3), r"x has shape \(0, 3\): give at least one example"),
        ((2, 0, 4, 3), r"x has shape \(2, 0, 4, 3\): give at least one example"),
    ],
)
def test_batch_norm_names_an_x_it_cannot_use(shape, message):
    with pytest.raises(ValueError, match=message):
        batch_norm_forward(np.ones(shape), *np.ones((4, 3)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"momentum": -0.1}, "momentum is -0.1: give a number from 0 to 1"),
        ({"momentum": 1.1}, "momentum is 1.1"),
        ({"momentum": np.nan}, "momentum is nan"),
        ({"epsilon": 0}, "epsilon is 0: give a finite number above 0"),
        ({"epsilon": -1e-3}, "epsilon is -0.001"),
        ({"epsilon": np.nan}, "epsilon is nan"),
    ],
)
def test_batch_norm_names_a_bad_setting(settings, message):
    with pytest.raises(ValueError, match=message):
        batch_norm_forward(*batch_norm_arguments((6, 3)), **settings)


@BACKWARDS
def test_batch_norm_backward_names_what_does_not_fit(backward):
    arguments = batch_norm_arguments((6, 3))
    *_, cache = batch_norm_forward(*arguments)
    for shape in ((3,), (1, 3), (5, 3), (3, 6)):
        with pytest.raises(ValueError, match=r"dy has shape .*, x had \(6, 3\)"):
            backward(np.ones(shape), cache)
    *_, cache = batch_norm_forward(*arguments, training=False)
    with pytest.raises(ValueError, match="cache is None: run .* training=True"):
        backward(np.ones((6, 3)), cache)
