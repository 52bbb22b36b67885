"""What the forms on arrays call and NumPy has not: operations, and how rows and lanes are moved.

It must not know graphs and tapes. It is imported only where NumPy is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any


class Undefined(ArithmeticError):
    """An operation that has a domain answered nan or inf: whether it was outside of it, the eager engine decides."""


def defined(x: Array) -> Array:
    """Return `x` if all of it is finite.

    Raises:
        Undefined: if not.
    """
    if not np.isfinite(x).all():
        raise Undefined
    return x


def arctan2(y: Array, x: Array) -> Array:
    """Return the angle of the points (x, y), nan at the origin."""
    return np.where((x == 0) & (y == 0), np.nan, np.arctan2(y, x))


def sigmoid(x: Array) -> Array:
    """Return e**x/(1 + e**x), written so that nothing overflows."""
    return np.exp(np.minimum(x, 0.0)) / (1.0 + np.exp(-np.abs(x)))


def elu(x: Array, alpha: float) -> Array:
    """Return x where x > 0, else alpha (e**x - 1)."""
    return np.where(x > 0, x, alpha * np.expm1(np.where(x > 0, 0.0, x)))


def maximum(x: Array, y: Array) -> Array:
    """Return the larger of x and y, x where they are equal, nan where either is."""
    return np.where((x >= y) | (x != x), x, y)


def first_max(x: Array) -> Array:
    """Return the largest of the rows, the first where several are equal."""
    return np.take_along_axis(x, x.argmax(axis=0, keepdims=True), axis=0)[0]


def step(x: Array, y: Array, tie: float) -> Array:
    """Return 1 where x > y, 0 where x < y, `tie` where they are equal, nan where either is."""
    return np.heaviside(np.where(x == y, 0.0, np.subtract(x, y)), tie)


def _each(function: Callable[[float], float]) -> Callable[[Array], Array]:
    def on_array(x: Array) -> Array:
        x = np.asarray(x)
        return np.array([function(number) for number in x.ravel().tolist()]).reshape(x.shape)

    return on_array


erf, erfc = _each(math.erf), _each(math.erfc)


def gelu(x: Array) -> Array:
    """Return x P(Z <= x) for a standard normal Z."""
    return 0.5 * x * erfc(-x * math.sqrt(0.5))


def log_total(powers: Array, total: Array) -> Array:
    """Return log(total) of powers e**(x - max x), whose total is at least 1, exact where it is hardly more."""
    if np.min(total) > 1.01:
        return np.log(total)
    others = powers.copy()
    np.put_along_axis(others, others.argmax(axis=0, keepdims=True), 0.0, axis=0)  # the largest is exactly 1
    return np.log1p(others.sum(axis=0))


def put_rows(length: int, *pairs: Any) -> Array:
    """Return `length` rows of zeros with each part of the pairs (index, part) added to the rows of its index."""
    out = np.zeros((length, *np.shape(pairs[1])[np.ndim(pairs[0]) :]))
    for index, part in zip(pairs[::2], pairs[1::2], strict=True):
        if isinstance(index, np.ndarray):
            np.add.at(out, index, part)
        else:
            out[index] += part
    return out


def put_lanes(length: int, *pairs: Any) -> Array:
    """Return `length` lanes of zeros with each part of the pairs (index, part) added to the lanes of its index."""
    out = np.zeros((*np.shape(pairs[1])[: np.ndim(pairs[1]) - np.ndim(pairs[0])], length))
    for index, part in zip(pairs[::2], pairs[1::2], strict=True):
        if isinstance(index, np.ndarray):
            np.add.at(out.T, index, np.transpose(part))
        else:
            out[..., index] += part
    return out


def stack(*parts: Any) -> Array:
    """Return the parts' rows under one another; a part without rows, marked by a tuple around it, is one row."""
    return np.concatenate([np.asarray(p[0])[None] if isinstance(p, tuple) else p for p in parts])
