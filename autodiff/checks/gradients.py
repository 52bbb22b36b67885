"""Gradient checking: the derivatives that the graph computes, against differences of the numbers that it answers.

It moves parameters one at a time and knows no operation and no network: whatever has `parameters()` will do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from autodiff.checks.differences import FINER_STEPS, STEPS, WIDER_STEPS, Answer, Differences, Side, Step, beside
from autodiff.checks.report import Comparison, GradientCheck, relative_error
from autodiff.checks.verdict import judge, plain
from autodiff.engine.arguments import named_values
from autodiff.engine.backward import toposort
from autodiff.engine.gradient import grad
from autodiff.engine.value import Value
from autodiff.support.arguments import check_function, check_range, rng_of
from autodiff.support.atomic import all_or_nothing


def check_gradients(
    function: Callable[[], Value],
    parameters: Any,
    *,
    eps: float = 1e-5,
    tolerance: float = 1e-5,
    order: int = 1,
    sample: int | None = None,
    seed: int = 0,
) -> GradientCheck:
    """Return the comparison of the gradient of `function()` with centred differences.

    Each parameter p is moved by h = eps max(1, |p|), and where that does not agree, by h/10 and less, down to
    h/100,000, because a small parameter may lie close to an edge or a pole; and where rounding hides the derivative, by
    10 h to 10,000 h:

        first order   d f/d p   against (f(p + h) - f(p - h)) / 2h
        second order  d2 f/dp dq against (df/dq(p + h) - df/dq(p - h)) / 2h, for all pairs p, q; after the first

    Compared is what these tend to as h shrinks, and how exactly they show it decides what is said. Where the slopes of
    the two sides differ, as of relu at 0, there is no derivative: a gradient between the two is at a "kink", any other
    WRONG. (There h goes down to eps/10**10; a bend narrower than that looks like a kink.) At the edge of a domain, as
    of x**1.5 at 0, the slope of the one side counts. Parameters keep their data and their gradients, also when
    `function` raises.

    >>> w, x = Value(3.0, label="w"), Value(2.0, label="x")
    >>> print(check_gradients(lambda: (w * x - 5.0) ** 2, [w, x]))  # doctest: +ELLIPSIS
    parameter            numeric           analytic  rel. error  verdict
    w                          4                  4     ...e-13  ok
    x                          6                  6     ...e-13  ok
    2 derivatives, 0 wrong (relative error above 1e-05)

    Args:
        function: takes nothing and computes its answer from the parameters, anew at each call.
        parameters: Values, a mapping of names to Values, or anything with `named_parameters()`, such as a Module.
        eps: the step, relative to parameters larger than 1.
        tolerance: the largest relative error that passes.
        order: 1 for the gradient, 2 for the Hessian as well.
        sample: how many parameters to check, chosen by `seed`; None for all.
        seed: chooses the sample.

    Raises:
        ValueError: if two calls of `function` in a row answer differently (it draws random numbers, or changes what
            it depends on), it has no value on either side of a parameter, or an argument is out of its range.
        TypeError: if `function` does not answer a Value, or the parameters are not Values.

    Reference: the error measure is that of Karpathy, "Neural Networks Part 3" (cs231n notes): 1e-7 is good for a smooth
    function, above 1e-2 is usually a wrong gradient.
    """
    check_function("function", function)
    check_range("eps", eps, positive=True)
    check_range("tolerance", tolerance, positive=True)
    if order not in (1, 2) or isinstance(order, bool):
        raise ValueError(f"order must be 1 (gradient) or 2 (Hessian), got {order!r}")
    named = _named(parameters)
    if sample is not None:
        named = _sampled(named, sample, seed)
    values = [value for _, value in named]
    output = _call(function)
    leaves = toposort(output)[1]
    with all_or_nothing([*leaves, *values]):  # whatever interrupts, even the restoring of one of them
        _refuse_chance(output.data, _call(function).data)
        comparisons = []
        here = [Answer(output)]
        for (label, p), slope in zip(named, _backward(output, leaves, values), strict=True):
            check = _Check(lambda: [_call(function)], here, p, eps, tolerance)
            comparisons += check.compare([label], [slope], jumps=False)
        if order == 2:
            slopes = _slopes(output, values)
            hessian = [[entry.data for entry in _slopes(slope, values)] for slope in slopes]
            here = [Answer(slope) for slope in slopes]
            for (label, p), column in zip(named, zip(*hessian, strict=True), strict=True):
                check = _Check(lambda: _slopes(_call(function), values), here, p, eps, tolerance)
                comparisons += check.compare([f"{q}, {label}" for q, _ in named], column, jumps=True)
    return GradientCheck(tuple(comparisons), tolerance)


def _named(parameters: Any) -> list[tuple[str, Value]]:
    """Return the parameters with the names that the table shows: as given, else the label, else the position."""
    found = named_values("parameters", parameters)
    named = [(name or f"parameter {i}", value) for i, (name, value) in enumerate(found)]
    if not named:
        raise ValueError("there is no parameter to check: give at least one Value")
    for name, value in named:
        if value.parents:
            raise ValueError(f"{name!r} is computed from other Values: only leaves can be moved, give those")
    return named


def _sampled(named: list[tuple[str, Value]], sample: int, seed: int) -> list[tuple[str, Value]]:
    if isinstance(sample, bool) or not isinstance(sample, int) or not 0 < sample <= len(named):
        raise ValueError(f"sample must be from 1 to the number of parameters, {len(named)}, got {sample!r}")
    chosen = rng_of(seed).sample(range(len(named)), sample)
    return [named[i] for i in sorted(chosen)]


def _call(function: Callable[[], Value]) -> Value:
    output = function()
    if not isinstance(output, Value):
        raise TypeError(f"the function must answer a Value, got {type(output).__name__}: {output!r}")
    return output


def _refuse_chance(first: float, again: float) -> None:
    if first != again and not (math.isnan(first) and math.isnan(again)):
        raise ValueError(
            f"the function is not deterministic: it answered {first!r}, then {again!r}, for the same parameters; "
            "seed its random numbers inside of it, and let it change nothing that it depends on"
        )


def _backward(output: Value, leaves: Sequence[Value], values: Sequence[Value]) -> list[float]:
    """Return what `backward()` gives each of `values`, and leave the gradients of all leaves as they were."""
    leaves = [*leaves, *values]
    before = [leaf._grad for leaf in leaves]
    try:
        for leaf in leaves:
            leaf._grad = None
        output.backward()
        return [value.grad for value in values]
    finally:
        for leaf, slope in zip(leaves, before, strict=True):
            leaf._grad = slope


def _slopes(output: Value, values: Sequence[Value]) -> tuple[Value, ...]:
    slopes = grad(output, *values)
    return slopes if isinstance(slopes, tuple) else (slopes,)


class _Check(NamedTuple):
    """What the answers of a function do when one parameter moves, against derivatives."""

    answers: Callable[[], Sequence[Value]]
    here: Sequence[Answer]
    parameter: Value
    eps: float
    tolerance: float

    def compare(self, labels: Sequence[str], analytic: Sequence[float], *, jumps: bool) -> list[Comparison]:
        """Return the comparison of each answer's derivative; see `judge` for `jumps`."""
        near, settled = self._near(analytic)
        found = [
            (numeric, "ok") if numeric is not None else self._judged(i, steps, analytic[i], jumps=jumps)
            for i, (steps, numeric) in enumerate(zip(near, settled, strict=True))
        ]
        wider, finer = (
            self._more(factors) if any([verdict == doubtful for _, verdict in found]) else []
            for factors, doubtful in ((WIDER_STEPS, "undecided"), (FINER_STEPS, "kink"))
        )
        for i, (_, verdict) in enumerate(found):
            if verdict == "undecided":
                again = self._judged(i, wider[i] + near[i], analytic[i], jumps=jumps)
                found[i] = again if again[1] == "ok" else found[i]
            elif verdict == "kink":
                found[i] = self._judged(i, near[i] + finer[i], analytic[i], jumps=jumps)
        return [
            Comparison(label, numeric, slope, relative_error(numeric, slope), verdict)
            for label, slope, (numeric, verdict) in zip(labels, analytic, found, strict=True)
        ]

    def _judged(self, i: int, steps: list[Step], analytic: float, *, jumps: bool) -> tuple[float, str]:
        answer = self.here[i]
        size = answer.weight(self.parameter)
        return judge(Differences(steps, answer.rounding), analytic, size, self.tolerance, jumps=jumps)

    def _near(self, analytic: Sequence[float]) -> tuple[list[list[Step]], list[float | None]]:
        """Return for each answer the steps until all are settled, and the nearest difference that settled it if any."""
        near: list[list[Step]] = [[] for _ in analytic]
        settled: list[float | None] = [None for _ in analytic]
        at, why = self.parameter.data, ""
        for factor in STEPS:
            h = self.eps * factor * max(1.0, abs(at))
            if at + h == at - h:
                break
            sides = self._sides(h)
            why = next((side for side in sides if isinstance(side, str)), why)
            for i, step in enumerate(_of_each(sides, len(near))):
                near[i].append(step)
                found = self._settled(i, sides, step, analytic[i], first=factor == STEPS[0])
                so_far = settled[i]
                if found is not None and (so_far is None or abs(found - analytic[i]) < abs(so_far - analytic[i])):
                    settled[i] = found
            if None not in settled:
                break
        if not near[0]:
            raise ValueError(f"eps={self.eps!r} is too small to move a parameter that is {at!r}")
        if not any([right or left for right, left in near[0]]):
            raise ValueError(f"the function has no value beside a parameter that is {at!r}, on neither side: {why}")
        return near, settled

    def _more(self, factors: Sequence[float]) -> list[list[Step]]:
        """Return for each answer further steps, as far as they move the parameter."""
        unit, at = self.eps * max(1.0, abs(self.parameter.data)), self.parameter.data
        moving = [unit * factor for factor in factors if at + unit * factor != at - unit * factor]
        steps = [_of_each(self._sides(h), len(self.here)) for h in moving]
        return [[step[i] for step in steps] for i in range(len(self.here))]

    def _sides(self, h: float) -> tuple[Side, Side]:
        return beside(self.answers, self.parameter, h), beside(self.answers, self.parameter, -h)

    def _settled(self, i: int, sides: tuple[Side, Side], step: Step, analytic: float, *, first: bool) -> float | None:
        """Return the difference of an answer if this step alone decides that it is right, else None."""
        slopes = Differences([step], self.here[i].rounding).centred
        if slopes and plain(slopes[0], analytic, self.tolerance):
            return slopes[0].value
        if first and slopes and analytic == slopes[0].value == 0.0:
            deaf = [self.here[i].deaf(side[1][i], self.parameter) for side in sides if not isinstance(side, str)]
            return 0.0 if all(deaf) else None
        return None


def _of_each(sides: tuple[Side, Side], answers: int) -> list[Step]:
    """Return for each answer the numbers on both sides."""
    right, left = (
        [None] * answers if isinstance(side, str) else [(side[0], value.data) for value in side[1]] for side in sides
    )
    return list(zip(right, left, strict=True))
