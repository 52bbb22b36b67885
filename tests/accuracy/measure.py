"""How far a derivative is from the truth, in units in the last place.

    error = max(0, |answer - truth| - moved) / max(ulp(truth), moved)
    moved = the sum over the operands x of the larger of |truth at x + ulp(x) - truth|, |truth at x - ulp(x) - truth|

So an error is counted only beyond what moving the operands by one ulp does to the truth, and where that is more than
an ulp of the answer (near a zero of the derivative, or at sin(1e300)), it is the unit. Below 2.2e-308, where numbers
are subnormal, an ulp is 5e-324. Where the truth overflows, the answer must be that infinity.
"""

import math
from functools import cache
from typing import NamedTuple

import mpmath
import sympy

from accuracy.functions import points
from autodiff import Value, grad

DIGITS = (60, 140, 320, 700, 1500)  # until two of them agree to AGREED digits
AGREED = 25
NOTHING = mpmath.mpf(10) ** -400  # smaller numbers are 0
LARGEST = mpmath.mpf(2) ** 1024 * (1 - mpmath.mpf(2) ** -54)  # from here on a float is inf


class Worst(NamedTuple):
    """The largest error of a function's derivatives of one order: how many ulps, at which point, by which operands."""

    ulps: float = 0.0
    point: tuple = ()
    by: tuple = ()
    answer: float = 0.0
    truth: float = 0.0


@cache
def compiled(function, by):
    xs = sympy.symbols(f"x1:{len(function.intervals) + 1}", real=True)
    formula = function.formula(*xs)
    for index in by:
        formula = sympy.diff(formula, xs[index])
    return sympy.lambdify(xs, formula, "mpmath")


@cache
def truth(function, point, by):
    """The derivative by the operands of these indices to 25 digits or more, or None where there is none."""
    call, before = compiled(function, by), None
    for digits in DIGITS:
        with mpmath.workdps(digits):
            try:
                now = call(*map(mpmath.mpf, point))
            except (ZeroDivisionError, ValueError, TypeError):
                return None
            if isinstance(now, mpmath.mpc) and now.imag:
                return None
            now = mpmath.mpf(mpmath.re(now))
            if not mpmath.isfinite(now):
                return None
            if before is not None and now and abs(now - before) <= abs(now) * mpmath.mpf(10) ** -AGREED:
                return now
            before = now
    return mpmath.mpf(0) if abs(before) < NOTHING else None


def moved(function, point, by, true):
    """What moving each operand by one ulp does to the truth, added up."""
    total = mpmath.mpf(0)
    for i, x in enumerate(point):
        steps = []
        for toward in (-math.inf, math.inf):
            step = math.nextafter(x, toward)
            near = truth(function, (*point[:i], step, *point[i + 1 :]), by) if math.isfinite(step) else None
            if near is not None and abs(near) < LARGEST:
                steps.append(abs(near - true))
        total += max(steps, default=0)
    return total


def ulps(answer, function, point, by):
    """The error of an answer, or None where the truth is not known."""
    true = truth(function, point, by)
    if true is None:
        return None
    if answer == (float(true) if abs(true) < LARGEST else math.copysign(math.inf, true)):
        return 0.0
    with mpmath.workdps(60):
        move = moved(function, point, by, true)
        if abs(true) >= LARGEST - move:
            move += LARGEST * mpmath.mpf(2) ** -50  # whether the last floats overflow, rounding may decide
            return 0.0 if abs(answer) >= LARGEST - move and answer * true > 0 else math.inf
        if not math.isfinite(answer):
            return math.inf
        beyond = abs(mpmath.mpf(answer) - true) - move
        return float(max(0, beyond) / max(math.ulp(float(true)), move))


def answers(function, point, order):
    """The derivatives of one order by every sequence of operands, as the engine has them: (by, number)."""
    xs = [Value(x) for x in point]
    out = function.apply(*xs)
    if order == 0:
        return [((), out.data)]
    if order == 1:
        out.backward()
        return [((i,), x.grad) for i, x in enumerate(xs)]
    nodes = {(): out}
    for _ in range(order):
        nodes = {
            (*by, i): slope
            for by, node in nodes.items()
            for i, slope in enumerate([grad(node, *xs)] if len(xs) == 1 else grad(node, *xs))
        }
    return [(by, node.data) for by, node in nodes.items()]


def worst(function, order, points):
    """The largest error over the points; those at the edge of a domain, where there is no answer, are left out."""
    found = Worst()
    for point in points:
        try:
            results = answers(function, point, order)
        except (ArithmeticError, ValueError):
            continue
        for by, number in results:
            off = ulps(number, function, point, tuple(sorted(by)))
            if off is not None and off > found.ulps:
                found = Worst(off, point, by, number, truth(function, point, tuple(sorted(by))))
    return found


def table(functions, count, orders=range(4), seed=0):
    """For each function its worst of each order: yields (function, [Worst, ...])."""
    for function in functions:
        at = list(points(function, count, seed))
        yield function, [worst(function, order, at) for order in orders]
        truth.cache_clear()
        compiled.cache_clear()
