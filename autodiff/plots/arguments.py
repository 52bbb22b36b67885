"""What pictures are drawn from, read with care: numbers, losses, intervals and functions of Values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from autodiff.engine.value import Value
from autodiff.support.operands import real

Interval = tuple[float, float]


def number(x: Any) -> float:
    """Return the number that a Value holds, or a plain one as a float."""
    return x.data if isinstance(x, Value) else real(x)


def numbers(losses: Any, what: str) -> list[float]:
    """Return the losses of a History, or those of a list, of which there must be one."""
    losses = getattr(losses, "loss", losses)
    if not hasattr(losses, "__iter__"):
        raise TypeError(f"the {what} must be a History of nn.fit or a list of numbers, got {described(losses)}")
    found = [number(loss) for loss in losses]
    if not found:
        raise ValueError(f"the {what} are empty: give at least one number")
    return found


def evenly(name: str, interval: Interval, n: int) -> list[float]:
    """Return n numbers from one end of the interval to the other."""
    at_least("n", n, 2)
    try:
        low, high = map(real, interval)
    except (TypeError, ValueError):
        low = high = math.nan
    if not -math.inf < low < high < math.inf:
        raise ValueError(f"{name} must be two finite numbers, the smaller one first, got {interval!r}")
    return [low + (high - low) * i / (n - 1) for i in range(n)]


def at_least(name: str, number: Any, least: int) -> None:
    """Raise unless `number` is a whole number and not below `least`."""
    if not isinstance(number, int) or number < least:
        raise ValueError(f"{name} must be a whole number from {least} on, got {number!r}")


def called(name: str, function: Any, example: str) -> None:
    """Raise unless `function` can be called; the example says how it is."""
    if not callable(function):
        raise TypeError(f"{name} must be a function, called as {example}, got {described(function)}")


def two_names(names: Any) -> None:
    """Raise unless there is a name for each of two axes."""
    pair = not isinstance(names, str) and isinstance(names, Sequence) and len(names) == 2
    if not pair or not all(isinstance(name, str) for name in names):
        raise ValueError(f"names must be two strings, one for each axis, such as ('x', 'y'), got {names!r}")


def heights(levels: Any) -> int | list[float]:
    """Return the levels: how many, or at least two finite heights from low to high."""
    if isinstance(levels, int):
        at_least("levels", levels, 1)
        return levels
    found = [real(level) for level in levels] if hasattr(levels, "__iter__") else []
    steps = [-math.inf < low < high < math.inf for low, high in pairwise(found)]
    if not steps or not all(steps):
        raise ValueError(f"levels must be a whole number, or two or more finite heights, rising, got {levels!r}")
    return found


def described(given: Any) -> str:
    """Return the type of what was given, and what it was."""
    return f"{type(given).__name__}: {given!r}"


def wider(interval: Interval, margin: float) -> Interval:
    """Return the interval with a margin at both ends."""
    return interval[0] - margin, interval[1] + margin


def output(function: Callable[..., Any], *arguments: Value) -> Value:
    """Return the Value that the function answers."""
    answer = function(*arguments)
    if not isinstance(answer, Value):
        raise TypeError(
            f"the function must answer a Value when given Values, got {described(answer)}; "
            "use autodiff.exp and the like in place of math.exp"
        )
    return answer
