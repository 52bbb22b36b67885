"""Schedules: the learning rate as a function of the number of steps already made (0 at the first step).

Each is a partial of a function of this file, not a closure, so that an optimizer can be pickled with its schedule.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from autodiff.support.arguments import check_range, number

Schedule = Callable[[int], float]


def constant(rate: float) -> Schedule:
    """Return the schedule that always answers `rate`.

    >>> constant(0.1)(1000)
    0.1
    """
    check_range("rate", rate)
    return partial(_constant, rate)


def linear(start: float, end: float, steps: int) -> Schedule:
    """Return a straight line from `start` at step 0 to `end` at `steps`, and `end` from there on.

    rate(t) = start + (end - start) min(t/steps, 1)

    >>> [linear(1.0, 0.0, 4)(t) for t in (0, 1, 4, 9)]
    [1.0, 0.75, 0.0, 0.0]
    """
    _check("steps", steps, start=start, end=end)
    return partial(_linear, start, end, steps)


def step(start: float, factor: float, every: int) -> Schedule:
    """Return `start`, multiplied by `factor` after each `every` steps.

    rate(t) = start factor**floor(t/every)

    >>> [step(1.0, 0.5, 10)(t) for t in (0, 9, 10, 25)]
    [1.0, 1.0, 0.5, 0.25]
    """
    _check("every", every, start=start, factor=factor)
    return partial(_step, start, factor, every)


def cosine(start: float, steps: int, end: float = 0.0) -> Schedule:
    """Return half a cosine from `start` at step 0 down to `end` at `steps`, and `end` from there on.

    rate(t) = end + (start - end) (1 + cos(pi min(t/steps, 1)))/2

    Reference: Loshchilov and Hutter 2017 (arXiv:1608.03983), without restarts.

    >>> [round(cosine(1.0, 4)(t), 3) for t in (0, 2, 4, 9)]
    [1.0, 0.5, 0.0, 0.0]
    """
    _check("steps", steps, start=start, end=end)
    return partial(_cosine, start, steps, end)


def _check(name: str, count: int, **rates: float) -> None:
    if not number(name, count) >= 1:
        raise ValueError(f"{name} must be at least 1, got {count!r}")
    for name, rate in rates.items():
        check_range(name, rate)


def _constant(rate: float, step: int) -> float:
    return rate


def _linear(start: float, end: float, steps: int, step: int) -> float:
    return start + (end - start) * min(step / steps, 1.0)


def _step(start: float, factor: float, every: int, step: int) -> float:
    return start * factor ** (step // every)


def _cosine(start: float, steps: int, end: float, step: int) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * min(step / steps, 1.0))) / 2
