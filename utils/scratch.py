"""The methods of the course in NumPy alone: what the chapters build before Keras' own.

Everything is computed in float64, whatever is passed in, and arguments are never
modified. The conventions are Keras': the L2 penalty is λ∑w² without a half, `rate` is
the share that is dropped, survivors are scaled up while training, and batch
normalization uses and tracks the biased variance of the batch.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

__all__ = [
    "batch_norm_backward",
    "batch_norm_backward_graph",
    "batch_norm_forward",
    "dropout_backward",
    "dropout_forward",
    "l1_gradient",
    "l1_penalty",
    "l2_gradient",
    "l2_penalty",
    "numerical_gradient",
    "relative_error",
    "soft_threshold",
]


def l1_penalty(w: ArrayLike, strength: float) -> float:
    """Return `λ∑|w|`, the L1 penalty on the weights.

    Args:
        w: the weights, of any shape.
        strength: λ, 0 or more.

    Returns:
        One float64.

    Raises:
        ValueError: another strength.

    Source:
        Taught in chapter 02.
    """
    if not 0 <= strength < np.inf:
        raise ValueError(f"strength is {strength}: give a finite number, 0 or more")
    w = np.asarray(w, dtype=float)
    return strength * np.sum(np.abs(w))


def l1_gradient(w: ArrayLike, strength: float) -> np.ndarray:
    """Return `λ sign(w)`, the gradient of the L1 penalty; 0 where w is 0, as in Keras.

    Args:
        w: the weights, of any shape.
        strength: λ, 0 or more.

    Returns:
        float64, shaped like w.

    Raises:
        ValueError: another strength.

    Source:
        Taught in chapter 02.
    """
    if not 0 <= strength < np.inf:
        raise ValueError(f"strength is {strength}: give a finite number, 0 or more")
    w = np.asarray(w, dtype=float)
    return strength * np.sign(w)


def l2_penalty(w: ArrayLike, strength: float) -> float:
    """Return `λ∑w²`, the L2 penalty on the weights.

    Args:
        w: the weights, of any shape.
        strength: λ, 0 or more.

    Returns:
        One float64.

    Raises:
        ValueError: another strength.

    Source:
        Taught in chapter 02.
    """
    if not 0 <= strength < np.inf:
        raise ValueError(f"strength is {strength}: give a finite number, 0 or more")
    w = np.asarray(w, dtype=float)
    return strength * np.sum(w**2)


def l2_gradient(w: ArrayLike, strength: float) -> np.ndarray:
    """Return `2λw`, the gradient of the L2 penalty.

    Args:
        w: the weights, of any shape.
        strength: λ, 0 or more.

    Returns:
        float64, shaped like w.

    Raises:
        ValueError: another strength.

    Source:
        Taught in chapter 02.
    """
    if not 0 <= strength < np.inf:
        raise ValueError(f"strength is {strength}: give a finite number, 0 or more")
    w = np.asarray(w, dtype=float)
    return strength * 2 * w


def soft_threshold(w: ArrayLike, amount: float) -> np.ndarray:
    """Move each weight towards 0 by `amount`, and to exactly 0 if it is closer.

    This is `sign(w)·max(|w| − amount, 0)`, the proximal step of the L1 penalty: after a
    gradient step with learning rate η, call it with amount = ηλ.

    Args:
        w: the weights, of any shape.
        amount: 0 or more.

    Returns:
        float64, shaped like w.

    Raises:
        ValueError: another amount.

    Source:
        Taught in chapter 02, in depth.
    """
    if not 0 <= amount < np.inf:
        raise ValueError(f"amount is {amount}: give a finite number, 0 or more")
    w = np.asarray(w, dtype=float)
    return w - np.clip(w, -amount, amount)


def numerical_gradient(
    f: Callable[[np.ndarray], float], x: ArrayLike, step: float = 1e-5
) -> np.ndarray:
    """Estimate the gradient of f at x by central differences, one entry at a time.

    Args:
        f: takes an array shaped like x, and returns one number. It may change the array
            that it gets: each call has a fresh copy.
        x: of any shape.
        step: above 0, in the unit of x. The error shrinks as step².

    Returns:
        float64, shaped like x.

    Raises:
        ValueError: another step, or f returns more than one number.

    Source:
        Taught in chapter 02.
    """
    if not 0 < step < np.inf:
        raise ValueError(f"step is {step}: give a finite number above 0, such as 1e-5")
    if np.ndim(f(np.array(x, dtype=float))) > 0:
        raise ValueError("f returns an array: give a function that returns one number")
    x = np.array(x, dtype=float)
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[index] += step
        below[index] -= step
        gradient[index] = (f(above) - f(below)) / (2 * step)
    return gradient


def relative_error(a: ArrayLike, b: ArrayLike) -> float:
    """Return `‖a − b‖ / max(‖a‖, ‖b‖)`: how far apart two arrays are, for their size.

    Args:
        a: taken as one long vector.
        b: shaped like a.

    Returns:
        One float64: 0 for equal arrays (zeros too), 1 if one of them is all zeros, at
        most 2.

    Raises:
        ValueError: the shapes differ.

    Source:
        Taught in chapter 02.
    """
    if np.shape(a) != np.shape(b):
        raise ValueError(
            f"a has shape {np.shape(a)}, b has shape {np.shape(b)}: "
            "give two arrays of one shape"
        )
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    difference = np.linalg.norm(a - b)
    size = max(np.linalg.norm(a), np.linalg.norm(b))
    return difference / size if difference != 0 else difference


def dropout_forward(
    x: ArrayLike, rate: float, rng: np.random.Generator, training: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Drop each unit with probability `rate` and scale up the ones that survive.

    Args:
        x: of any shape.
        rate: the share to drop, at least 0, less than 1.
        rng: drops a unit where its draw is below `rate`; left alone unless training.
        training: False lets everything through.

    Returns:
        y and mask, both float64 and shaped like x. mask holds 1/(1 − rate) where a unit
        survives and 0 where it is dropped; without training it is all ones.

    Raises:
        ValueError: another rate.

    Source:
        Srivastava et al., 2014, in the inverted form. Taught in chapter 03.
    """
    if not 0 <= rate < 1:
        raise ValueError(f"rate is {rate}: give the share to drop, 0 or more, below 1")
    x = np.asarray(x, dtype=float)
    mask = np.ones(x.shape)
    if training:
        mask = (rng.random(x.shape) >= rate) / (1 - rate)
    return x * mask, mask


def dropout_backward(dy: ArrayLike, mask: ArrayLike) -> np.ndarray:
    """Pass the gradient back through the units that survived.

    Args:
        dy: the gradient of the loss with respect to y.
        mask: from `dropout_forward`, shaped like dy.

    Returns:
        dx, float64, shaped like dy.

    Raises:
        ValueError: the shapes differ.

    Source:
        Taught in chapter 03.
    """
    if np.shape(dy) != np.shape(mask):
        raise ValueError(
            f"dy has shape {np.shape(dy)}, mask has shape {np.shape(mask)}: "
            "give the mask of the same forward pass"
        )
    dy, mask = np.asarray(dy, dtype=float), np.asarray(mask, dtype=float)
    return dy * mask


def batch_norm_forward(
    x: ArrayLike,
    gamma: ArrayLike,
    beta: ArrayLike,
    moving_mean: ArrayLike,
    moving_var: ArrayLike,
    momentum: float = 0.99,
    epsilon: float = 1e-3,
    training: bool = True,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple | None]:
    """Standardize each feature over the batch, then scale by gamma and add beta.

    Args:
        x: (n, features) or (n, h, w, channels); averaged over every axis but the last.
        gamma: the scale, one value for each feature or channel.
        beta: the shift, shaped like gamma.
        moving_mean: used without training; while training it follows the batch's own,
            `moving ← momentum · moving + (1 − momentum) · batch`.
        moving_var: likewise.
        momentum: from 0 to 1.
        epsilon: above 0, added to the variance.
        training: whether the statistics are the batch's own, or the moving ones.

    Returns:
        y, moving_mean, moving_var and cache, all float64. cache is what
        `batch_norm_backward` needs, and None without training.

    Raises:
        ValueError: shapes that do not fit, an empty x, another momentum or epsilon.

    Source:
        Ioffe & Szegedy, 2015. Taught in chapter 05.
    """
    if np.ndim(x) < 2:
        raise ValueError(
            f"x has shape {np.shape(x)}: give (n, features) or (n, h, w, channels)"
        )
    if np.size(x) == 0:
        raise ValueError(f"x has shape {np.shape(x)}: give at least one example")
    if {np.shape(x)[-1:]} != set(map(np.shape, (gamma, beta, moving_mean, moving_var))):
        raise ValueError(
            f"x has shape {np.shape(x)}, but gamma, beta, moving_mean, moving_var have "
            f"{np.shape(gamma)}, {np.shape(beta)}, {np.shape(moving_mean)}, "
            f"{np.shape(moving_var)}: give each the shape {np.shape(x)[-1:]}"
        )
    if not 0 <= momentum <= 1:
        raise ValueError(f"momentum is {momentum}: give a number from 0 to 1")
    if not 0 < epsilon < np.inf:
        raise ValueError(f"epsilon is {epsilon}: give a finite number above 0")
    arguments = x, gamma, beta, moving_mean, moving_var
    x, gamma, beta, moving_mean, moving_var = (np.array(a, float) for a in arguments)
    mean, var = moving_mean, moving_var
    if training:
        axes = tuple(range(x.ndim - 1))
        mean, var = x.mean(axis=axes), x.var(axis=axes)
        moving_mean = momentum * moving_mean + (1 - momentum) * mean
        moving_var = momentum * moving_var + (1 - momentum) * var
    std = np.sqrt(var + epsilon)
    x_hat = (x - mean) / std
    cache = (x_hat, gamma, std) if training else None
    return gamma * x_hat + beta, moving_mean, moving_var, cache


def batch_norm_backward(
    dy: ArrayLike, cache: tuple
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the gradients through batch normalization while training, in closed form.

    `dx = γ/σ · (dy − mean(dy) − x̂ · mean(dy · x̂))`: the batch's mean and variance
    depend on x too.

    Args:
        dy: the gradient of the loss with respect to y, shaped like x.
        cache: from `batch_norm_forward` with training=True.

    Returns:
        dx, dgamma and dbeta, float64: dx shaped like x, the others (features,).

    Raises:
        ValueError: a dy of another shape, or the cache of a pass without training.

    Source:
        Taught in chapter 05.
    """
    if cache is None:
        raise ValueError("cache is None: run batch_norm_forward with training=True")
    if np.shape(dy) != cache[0].shape:
        raise ValueError(
            f"dy has shape {np.shape(dy)}, x had {cache[0].shape}: "
            "give the cache of the same forward pass"
        )
    x_hat, gamma, std = cache
    dy = np.asarray(dy, dtype=float)
    axes = tuple(range(dy.ndim - 1))
    dbeta = dy.sum(axis=axes)
    dgamma = (dy * x_hat).sum(axis=axes)
    m = dy.size / gamma.size
    dx = gamma / std * (dy - dbeta / m - x_hat * dgamma / m)
    return dx, dgamma, dbeta


def batch_norm_backward_graph(
    dy: ArrayLike, cache: tuple
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what `batch_norm_backward` does, one node of the graph at a time.

    The comments give the step of the forward pass that each line goes back through.

    Args:
        dy: as for `batch_norm_backward`.
        cache: as for `batch_norm_backward`.

    Returns:
        dx, dgamma and dbeta, as there.

    Raises:
        ValueError: as there.

    Source:
        Taught in chapter 05, in depth.
    """
    if cache is None:
        raise ValueError("cache is None: run batch_norm_forward with training=True")
    if np.shape(dy) != cache[0].shape:
        raise ValueError(
            f"dy has shape {np.shape(dy)}, x had {cache[0].shape}: "
            "give the cache of the same forward pass"
        )
    x_hat, gamma, std = cache
    dy = np.asarray(dy, dtype=float)
    axes = tuple(range(dy.ndim - 1))
    m = dy.size / gamma.size
    centred = x_hat * std
    dbeta = dy.sum(axis=axes)  # y = gamma * x_hat + beta
    dgamma = (dy * x_hat).sum(axis=axes)
    dx_hat = dy * gamma
    dstd = -(dx_hat * centred).sum(axis=axes) / std**2  # x_hat = centred / std
    dvar = dstd / (2 * std)  # std = sqrt(var + epsilon)
    dcentred = dx_hat / std + dvar * 2 * centred / m  # var = mean(centred**2)
    dmean = -dcentred.sum(axis=axes)  # centred = x - mean
    dx = dcentred + dmean / m  # mean = mean(x)
    return dx, dgamma, dbeta
