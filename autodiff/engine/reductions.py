"""The operations on any number of operands as functions: ``autodiff.sum(xs)``, ``autodiff.dot(weights, inputs)``.

Each makes one node, however many operands it has; of Values a Value, of plain numbers a float.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from autodiff.engine import ops
from autodiff.engine.value import Number
from autodiff.support.operands import real, several


def sum(*values: Number | Iterable[Number]) -> Any:
    """Return x1 + ... + xn as one node, of numbers given one by one or as one iterable; of none, 0.

    Added from the left, starting from 0.0, each addition rounded: the bits of x1 + x2 + ... on every Python. The
    built-in `sum` of floats compensates from Python 3.12 on, so that it may differ in its last digits.

    Derivative: 1 by each.

    >>> sum([1.0, 2.0, 3.0])
    6.0
    >>> sum([0.1] * 10) == 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1
    True
    """
    return ops.SUM(*_several(values))


def mean(*values: Number | Iterable[Number]) -> Any:
    """Return (x1 + ... + xn)/n as one node, of numbers given one by one or as one iterable.

    Derivative: 1/n by each.

    >>> mean([1.0, 2.0, 6.0])
    3.0

    Raises:
        ValueError: without any number.
    """
    return ops.MEAN(*_some("mean", values))


def prod(*values: Number | Iterable[Number]) -> Any:
    """Return x1 * ... * xn as one node, of numbers given one by one or as one iterable; of none, 1.

    Derivative: by each, the product of all others (never by division: one of them may be 0).

    Convention: where operands are 0 the slopes are still the products of the others.

    >>> prod([2.0, 3.0, 4.0])
    24.0
    """
    return ops.PROD(*_several(values))


def max(*values: Number | Iterable[Number]) -> Any:
    """Return the largest, of numbers given one by one or as one iterable; nan if one of them is.

    Derivative: 1 by the largest, 0 by the others; k that tie have 1/k each.

    Convention: 1/k for each of k that tie.

    >>> max([2.0, 7.0, 5.0])
    7.0

    Raises:
        ValueError: without any number.
    """
    return ops.MAX(*_some("max", values))


def min(*values: Number | Iterable[Number]) -> Any:
    """Return the smallest, of numbers given one by one or as one iterable; nan if one of them is.

    Derivative: 1 by the smallest, 0 by the others; k that tie have 1/k each.

    Convention: 1/k for each of k that tie.

    >>> min([2.0, 7.0, 5.0])
    2.0

    Raises:
        ValueError: without any number.
    """
    return ops.MIN(*_some("min", values))


def logsumexp(*values: Number | Iterable[Number]) -> Any:
    """Return log(e**x1 + ... + e**xn) as one node, of numbers given one by one or as one iterable, without overflow.

    Derivative: e**(xi - logsumexp) by each: the softmax. Infinities have limits: of -inf alone it is -inf, with
    derivative 0; operands that are inf share the derivative.

    Convention: an operand of -inf has no share; where all are -inf, the slopes are nan.

    >>> round(logsumexp([1000.0, 1000.0]), 2)
    1000.69

    Raises:
        ValueError: without any number.
    """
    return ops.LOGSUMEXP(*_some("logsumexp", values))


def softmax(*values: Number | Iterable[Number]) -> list[Any]:
    """Return e**xi / (e**x1 + ... + e**xn) for each, of numbers given one by one or as one iterable, without overflow.

    Derivative: of pi by xj, pi (1 - pi) where i = j, else -pi pj. 1 - pi is the sum of the others, right also near 0.

    >>> softmax([1000.0, 1000.0])
    [0.5, 0.5]

    Raises:
        ValueError: without any number.
    """
    return ops.softmax(_some("softmax", values))


def log_softmax(*values: Number | Iterable[Number]) -> list[Any]:
    """Return xi - logsumexp(x1, ..., xn) for each, of numbers given one by one or as one iterable: log of the softmax.

    Derivative: by xj, 1 - pj where i = j, else -pj, where p is the softmax. Exact also where p rounds to 0 or 1.

    >>> log_softmax([1000.0, 0.0])
    [0.0, -1000.0]

    Raises:
        ValueError: without any number.
    """
    return ops.log_softmax(_some("log_softmax", values))


def dot(weights: Iterable[Number], inputs: Iterable[Number], bias: Number | None = None) -> Any:
    """Return w1 x1 + ... + wn xn + bias as one node: the pre-activation z of a neuron.

    Derivative: xi by wi, wi by xi, 1 by the bias.

    >>> dot([2.0, 3.0], [4.0, 5.0], 1.0)
    24.0

    Raises:
        ValueError: if there are not as many inputs as weights.
        TypeError: if they are not several numbers.
    """
    weights, inputs = tuple(_numbers(several("weights", weights))), tuple(_numbers(several("inputs", inputs)))
    if len(weights) != len(inputs):
        raise ValueError(f"dot needs one input for each weight, got {len(weights)} weights and {len(inputs)} inputs")
    return ops.DOT(weights, inputs, *_numbers([] if bias is None else [bias]))


def _several(values: Sequence[Any]) -> Sequence[Any]:
    """Return the operands of `f(a, b, c)` and of `f([a, b, c])` alike."""
    operands = values[0] if len(values) == 1 and isinstance(values[0], Iterable) else values
    return _numbers(operands)


def _numbers(operands: Iterable[Any]) -> list[Any]:
    return [x if hasattr(type(x), "apply") else real(x) for x in operands]


def _some(name: str, values: Sequence[Any]) -> Sequence[Any]:
    values = _several(values)
    if not values:
        raise ValueError(f"{name} needs at least one number, got none")
    return values
