"""The operations on any number of operands as functions: ``autodiff.sum(xs)``, ``autodiff.dot(weights, inputs)``.

Each makes one node, however many operands it has; of Values a Value, of plain numbers a float.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from autodiff import ops
from autodiff.operands import real, several
from autodiff.value import Number


def sum(*values: Number | Iterable[Number]) -> Any:
    """Return x1 + ... + xn as one node, of numbers given one by one or as one iterable; of none, 0.

    Derivative: 1 by each.

    >>> sum([1.0, 2.0, 3.0])
    6.0
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

    >>> prod([2.0, 3.0, 4.0])
    24.0
    """
    return ops.PROD(*_several(values))


def max(*values: Number | Iterable[Number]) -> Any:
    """Return the largest, of numbers given one by one or as one iterable; nan if one of them is.

    Derivative: 1 by the largest, 0 by the others; k that tie have 1/k each.

    >>> max([2.0, 7.0, 5.0])
    7.0

    Raises:
        ValueError: without any number.
    """
    return ops.MAX(*_some("max", values))


def logsumexp(*values: Number | Iterable[Number]) -> Any:
    """Return log(e**x1 + ... + e**xn) as one node, of numbers given one by one or as one iterable, without overflow.

    Derivative: e**(xi - logsumexp) by each: the softmax.

    >>> round(logsumexp([1000.0, 1000.0]), 2)
    1000.69

    Raises:
        ValueError: without any number.
    """
    return ops.LOGSUMEXP(*_some("logsumexp", values))


def softmax(*values: Number | Iterable[Number]) -> list[Any]:
    """Return e**xi / (e**x1 + ... + e**xn) for each, of numbers given one by one or as one iterable, without overflow.

    Derivative: of pi by xj, pi (1 - pi) where i = j, else -pi pj.

    >>> softmax([1000.0, 1000.0])
    [0.5, 0.5]

    Raises:
        ValueError: without any number.
    """
    return ops.softmax(_some("softmax", values))


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
