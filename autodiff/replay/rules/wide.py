"""Rows of any number of operands, as folds: a few numbers that are carried from operand to operand.

Fed with symbols a step is a tree of decisions, as rows of few operands are, so a target writes a loop around it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from autodiff.engine import ops
from autodiff.engine.ops import Op
from autodiff.replay.rules.symbolic import Questions, Tree, readable


class Wide(NamedTuple):
    """How a row of any number of operands is computed, one by one.

    Attributes:
        folds: what is carried along: the number that it starts with, and how it goes on, of itself, the operand, and
            what the folds before it have come to.
        answer: what the row answers, of what the folds have come to, and how many operands there are.
        hand: what it hands on to an operand, of the incoming gradient, the operand, and the same.
    """

    folds: tuple[tuple[float, Callable[..., Any]], ...]
    answer: Callable[..., Any]
    hand: Callable[..., Any]


def _larger(best: Any, x: Any) -> Any:
    return best if best != best else x if x != x or x > best else best


def _smaller(best: Any, x: Any) -> Any:
    return best if best != best else x if x != x or x < best else best


def _equal(count: Any, x: Any, best: Any) -> Any:
    return count + 1.0 if x == best else count


def _share(incoming: Any, x: Any, best: Any, count: Any, n: Any) -> Any:
    return incoming / count if x == best else incoming * math.nan if best != best else 0.0


def _below(total: Any, x: Any, top: Any, count: Any) -> Any:
    return total if x == top else total + math.exp(x - top)


def _logsumexp(top: Any, count: Any, below: Any, n: Any) -> Any:
    """The first of the largest counts 1, exactly, and log1p keeps what the others add to it, however small."""
    return top + math.log1p(below + (count - 1.0)) if abs(top) < math.inf else top


def _softmax(incoming: Any, x: Any, top: Any, count: Any, below: Any, n: Any) -> Any:
    power = 1.0 if x == top else math.exp(x - top)
    return 0.0 if top == -math.inf else incoming * (power / (below + count))


def _add(total: Any, x: Any) -> Any:
    return total + x


WIDE: dict[Op, Wide] = {
    ops.SUM: Wide(((0.0, _add),), lambda total, n: total, lambda incoming, x, total, n: incoming),
    ops.MEAN: Wide(((0.0, _add),), lambda total, n: total / n, lambda incoming, x, total, n: incoming * (1.0 / n)),
    ops.MAX: Wide(((-math.inf, _larger), (0.0, _equal)), lambda best, count, n: best, _share),
    ops.MIN: Wide(((math.inf, _smaller), (0.0, _equal)), lambda best, count, n: best, _share),
    ops.LOGSUMEXP: Wide(((-math.inf, _larger), (0.0, _equal), (0.0, _below)), _logsumexp, _softmax),
}


def _ones(count: Any, power: Any) -> Any:
    return count + 1.0 if power == 1.0 else count


def _others(total: Any, power: Any, count: Any) -> Any:
    return total if power == 1.0 else total + power


def _log_total(count: Any, others: Any, n: Any) -> Any:
    """Of an infinite largest number the powers are nan, and what it comes to is that number."""
    return 0.0 if others != others else math.log1p(others + (count - 1.0))


# The log of the total of powers e**(x - max x): what `LOGSUMEXP` adds to the largest, where the powers are made.
LOG_TOTAL = Wide(
    ((0.0, _ones), (0.0, _others)),
    _log_total,
    lambda incoming, power, count, others, n: incoming / (count + others),
)


@cache
def tree(function: Callable[..., Any], *names: str) -> Tree:
    """Return a step, an answer or what is handed on as a tree in these names."""
    return Questions(readable(function), names).tree()
