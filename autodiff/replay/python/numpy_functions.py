"""Functions that the forms on arrays call and NumPy does not have: operations, and moves of rows and lanes.

It must not know graphs and tapes. It is imported only where NumPy is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.engine import elementary

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


def bell(x: Array) -> Array:
    """Return sigmoid(x) sigmoid(-x)."""
    e = np.exp(-np.abs(x))
    return e / ((1.0 + e) * (1.0 + e))


def log_share(x: Array, before: Array, after: Array) -> Array:
    """Return log(e**x / (before + e**x + after)) for x of at most 0."""
    return np.where(x == 0, 0.0 - np.log1p(before + after), x - np.log(before + np.exp(x) + after))


def each(function: Callable[..., float]) -> Callable[..., Array]:
    """Return a function of floats as one of arrays, which calls it for each element; for floats alone it is itself."""

    def on_arrays(*xs: Array) -> Array:
        if all([x.__class__ is float for x in xs]):
            return function(*xs)
        arrays = np.broadcast_arrays(*xs)
        columns = [array.ravel().tolist() for array in arrays]
        return np.array([function(*numbers) for numbers in zip(*columns, strict=True)]).reshape(arrays[0].shape)

    return on_arrays


erf, erfc, gelu, normal = each(math.erf), each(math.erfc), each(elementary.gelu), each(elementary.normal)
gauss, power_slope, _harmonic = each(elementary.gauss), each(elementary.power_slope), each(elementary.harmonic)


def direction(x: Array, y: Array, turns: float) -> Array:
    """Return the real part of i**turns (x - i y)/hypot(x, y), 0 at the origin."""
    return (x, y, -x, -y)[int(turns) % 4] / _distance(x, y)


def harmonic(x: Array, y: Array, n: float, turns: float) -> Array:
    """Return the real part of i**turns / (x + i y)**n, 0 at the origin."""
    if n > 1:
        return _harmonic(x, y, n, turns)
    return direction(x, y, turns) / _distance(x, y)


def _distance(x: Array, y: Array) -> Array:
    """Return hypot(x, y), and 1 at the origin."""
    distance = np.hypot(x, y)
    return np.where(distance == 0, 1.0, distance)


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
