"""Differences of the numbers that a function answers, and what they tend to when the step shrinks.

It moves a parameter and reads numbers; it knows graphs only to say how much rounding there is in an answer, and nothing
of the gradients that its differences are compared with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from autodiff.engine.backward import toposort
from autodiff.engine.ops import DomainError
from autodiff.engine.value import Value

STEPS = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5)  # as shares of the first
WIDER_STEPS = (1e4, 1e3, 1e2, 1e1)  # where rounding hides what the steps would show
FINER_STEPS = (1e-6, 1e-7, 1e-8, 1e-9, 1e-10)  # where a bend looks like a kink
ROUNDING = 2.0**-50  # a few units in the last place, relative
MAX_RATIO = 0.9  # changes that do not shrink by this factor from step to step do not converge


class Slope(NamedTuple):
    """A difference quotient, or what several tend to; and how far off it may be, inf where that is not known."""

    value: float
    error: float


class Answer:
    """One number that the function answers where the parameters are: the root of a graph, with its rounding.

    Attributes:
        rounding: the sum of |node| x |d answer / d node| over the nodes on the way, times `ROUNDING`: by how much
            the rounding of each may move the answer (a running error bound, of first order).
    """

    def __init__(self, output: Value) -> None:
        order, leaves = toposort(output)
        self._weights = {id(output): 1.0}  # the sums of all paths, without their signs, so that none cancel
        for node in reversed(order):
            incoming = self._weights.get(id(node), 0.0)
            for parent, contribution in zip(node.parents, node.chain_rule(incoming), strict=True):
                self._weights[id(parent)] = self._weights.get(id(parent), 0.0) + abs(contribution)
        shares = [abs(node.data) * self.weight(node) for node in order if node is not output]
        self.rounding = ROUNDING * math.fsum([share for share in shares if math.isfinite(share)])
        self._nodes = [*leaves, *order]  # alive, so that no other object gets their `id`

    def weight(self, node: Value) -> float:
        """Return the size of d answer / d node: the sum of the sizes of all paths."""
        return self._weights.get(id(node), 0.0)

    def deaf(self, moved: Value, parameter: Value) -> bool:
        """Whether the same answer, computed where the parameter was moved, had nothing that could have changed it.

        If a node with weight has changed and the answer has not, then rounding has swallowed the change; and so it has
        if a row that is smooth did not change with its operand.
        """
        order, leaves = toposort(moved)
        others = [*leaves, *order]
        if len(others) != len(self._nodes):
            return False
        for here, there in zip(self._nodes, others, strict=True):
            if here.data != there.data:
                if self.weight(here) != 0.0:
                    return False
            elif _swallowed(here, there, parameter):
                return False
        return True


def _swallowed(here: Value, there: Value, parameter: Value) -> bool:
    """Whether a node that did not change, though an operand did, would change if that were moved far."""
    pairs = zip(here.parents, there.parents, strict=True)
    changed = [one is parameter or one.data != two.data for one, two in pairs]
    if here.op is None or here.op.piecewise or not any(changed):
        return False
    for far in (1e3, -1e3):
        numbers = [x.data + far * (1.0 + abs(x.data)) * move for x, move in zip(here.parents, changed, strict=True)]
        try:
            if here.op.value(*here.op.grouped(numbers, here.static)) != here.data:
                return True
        except (ValueError, ArithmeticError):
            return True
    return False


Place = tuple[float, float]  # by how much the parameter was moved, and the answer there
Step = tuple[Place | None, Place | None]  # right and left of the parameter; None where the function has no value


class Differences:
    """The difference quotients of one answer, from the largest step to the smallest.

    Attributes:
        centred: (f(p + h) - f(p - h)) / 2h.
        right: (f(p + h) - f(p + h')) / (h - h') for each step h and the next smaller one h': f(p) plays no part, so
            that a jump at p does not hide the slope beside it.
        left: likewise on the other side.
    """

    def __init__(self, steps: Sequence[Step], rounding: float) -> None:
        sound = [step for step in steps if all([math.isfinite(place[1]) for place in step if place])]
        self.centred = [_slope(right, left, rounding) for right, left in sound if right and left]
        self.right, self.left = (
            [_slope(one, two, rounding) for one, two in pairwise([step[side] for step in sound]) if one and two]
            for side in (0, 1)
        )

    def typical(self) -> float:
        """Return the median size of the slopes that were seen on both sides."""
        sizes = sorted([abs(slope.value) for slope in self.right + self.left])
        return sizes[len(sizes) // 2] if sizes else 0.0


def _slope(one: Place, two: Place, rounding: float) -> Slope:
    apart, high, low = one[0] - two[0], one[1], two[1]
    noise = rounding + ROUNDING * max(abs(high), abs(low), 2.0**-1000)
    return Slope((high / 2 - low / 2) / apart * 2, noise / abs(apart))  # halves do not overflow


Side = (
    tuple[float, Sequence[Value]] | str
)  # by how much the parameter was moved, and the answers; or why there are none


def beside(answers: Callable[[], Sequence[Value]], parameter: Value, offset: float) -> Side:
    """Return by how much the parameter could be moved and the answers there, or why the function has none."""
    here = parameter.data
    try:
        parameter.data = here + offset
        return parameter.data - here, answers()
    except (DomainError, ZeroDivisionError) as error:
        return str(error)
    finally:
        parameter.data = here


def limit(slopes: Sequence[Slope]) -> Slope:
    """Return what difference quotients of shrinking steps tend to, each step a tenth of the one before.

    A quotient has arrived where the next one differs by rounding alone. Before, they converge while their changes
    shrink by a steady ratio r: what is left of the way after the last change d is d r / (1 - r) (Aitken, 1926). Of all
    quotients and extrapolations that all smaller steps bear out, it takes the one with the smallest error.
    """
    best = Slope(slopes[-1].value if slopes else math.nan, math.inf)
    for k, candidate in [*_arrived(slopes), *_extrapolated(slopes)]:
        borne_out = [abs(s.value - candidate.value) <= s.error + candidate.error for s in slopes[k + 1 :]]
        if candidate.error < best.error and all(borne_out):
            best = candidate
    return best


def _arrived(slopes: Sequence[Slope]) -> list[tuple[int, Slope]]:
    found = []
    for k, (one, two) in enumerate(pairwise(slopes)):
        change = abs(two.value - one.value)
        if change <= one.error + two.error:
            found.append((k, Slope(one.value, one.error + change)))
    return found


def _extrapolated(slopes: Sequence[Slope]) -> list[tuple[int, Slope]]:
    found = []
    previous = math.inf
    for k in range(2, len(slopes)):
        one, two, three = slopes[k - 2 : k + 1]
        before, after = two.value - one.value, three.value - two.value
        ratio = after / before if before else math.inf
        if not abs(ratio) < MAX_RATIO:
            previous = math.inf
            continue
        rest = after * ratio / (1 - ratio)
        end, noise = three.value + rest, (one.error + two.error + three.error) / (1 - abs(ratio))
        doubt = min(max(abs(after), 2 * abs(rest)), abs(end - previous))  # until the next extrapolation bears it out
        found.append((k, Slope(end, doubt + noise)))
        previous = end
    return found
