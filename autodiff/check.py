"""Gradient checking: the derivatives that the graph computes, against differences of the numbers that it answers.

It perturbs parameters one at a time and knows no operation and no network: anything with `named_parameters()` will do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from autodiff.arguments import check_function, check_range, dice_of
from autodiff.atomic import all_or_nothing
from autodiff.gradient import grad
from autodiff.notation import clean
from autodiff.operands import several
from autodiff.ops import DomainError
from autodiff.order import walk
from autodiff.value import Value


class Comparison(NamedTuple):
    """One derivative, computed twice.

    Attributes:
        label: the parameter; for second order the pair, ``a, b``.
        numeric: by differences.
        analytic: by the graph.
        relative_error: |numeric - analytic| / max(1e-8, |numeric| + |analytic|).
        verdict: "ok" where the relative error is within the tolerance, or the two differ only by the rounding of the
            function's answer and that is small beside the largest derivative; "undecided" where the rounding is as
            large as what it is to decide; else "WRONG".
    """

    label: str
    numeric: float
    analytic: float
    relative_error: float
    verdict: str


class GradientCheck(NamedTuple):
    """The answer of `check_gradients`: true when all is ok, and printed as a table."""

    comparisons: tuple[Comparison, ...]
    tolerance: float

    def __bool__(self) -> bool:
        return all(c.verdict == "ok" for c in self.comparisons)

    @property
    def worst(self) -> Comparison:
        """The comparison with the largest relative error."""
        return max(self.comparisons, key=lambda c: (math.isnan(c.relative_error), c.relative_error))

    def __str__(self) -> str:
        labels = [clean(c.label, 60) for c in self.comparisons]
        width = max(len("parameter"), *map(len, labels))
        lines = [f"{'parameter':{width}}  {'numeric':>17}  {'analytic':>17}  {'rel. error':>10}  verdict"]
        for label, c in zip(labels, self.comparisons, strict=True):
            numbers = f"{c.numeric:>17.10g}  {c.analytic:>17.10g}  {c.relative_error:>10.1e}"
            lines.append(f"{label:{width}}  {numbers}  {c.verdict}")
        wrong, undecided = (sum(c.verdict == verdict for c in self.comparisons) for verdict in ("WRONG", "undecided"))
        lost = f", {undecided} undecided (lost in rounding: try a larger eps)" if undecided else ""
        lines.append(
            f"{len(self.comparisons)} derivatives, {wrong} wrong (relative error above {self.tolerance:g}){lost}"
        )
        return "\n".join(lines)


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

    Each parameter p is moved by h = eps max(1, |p|), and where that disagrees by h/10 and less, down to h/100,000,
    because a small parameter may lie close to an edge or a pole:

        first order   d f/d p   against (f(p + h) - f(p - h)) / 2h
        second order  d2 f/dp dq against (df/dq(p + h) - df/dq(p - h)) / 2h, for all pairs p, q; after the first

    Relative error: |numeric - analytic| / max(1e-8, |numeric| + |analytic|). At a kink (relu at 0) the two differ
    though nothing is wrong: there the difference sees both sides, the graph one. Parameters keep their data and their
    gradients, also when `function` raises.

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
            it depends on), it has no value beside a parameter, or an argument is out of its range.
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
        if isinstance(sample, bool) or not isinstance(sample, int) or not 0 < sample <= len(named):
            raise ValueError(f"sample must be from 1 to the number of parameters, {len(named)}, got {sample!r}")
        chosen = dice_of(seed).sample(range(len(named)), sample)
        named = [named[i] for i in sorted(chosen)]
    values = [value for _, value in named]

    def answer() -> list[float]:
        return [_call(function).data]

    def gradient() -> list[float]:
        return [slope.data for slope in _slopes(_call(function), values)]

    output = _call(function)
    leaves = walk(output)[1]
    with all_or_nothing([*leaves, *values]):  # whatever interrupts, even the restoring of one of them
        _refuse_chance(output.data, _call(function).data)
        trials = [
            (_differences(answer, p, [slope], eps), [label])
            for (label, p), slope in zip(named, _backward(output, leaves, values), strict=True)
        ]
        if order == 2:
            hessian = [[entry.data for entry in _slopes(slope, values)] for slope in _slopes(output, values)]
            trials += [
                (_differences(gradient, p, list(column), eps), [f"{q}, {label}" for q, _ in named])
                for (label, p), column in zip(named, zip(*hessian, strict=True), strict=True)
            ]
    rows = [(label, *trial) for differences, labels in trials for label, trial in zip(labels, differences, strict=True)]
    scale = max([abs(analytic) for _, _, analytic, _ in rows])
    comparisons = [
        _compare(label, numeric, analytic, noise, tolerance, scale) for label, numeric, analytic, noise in rows
    ]
    return GradientCheck(tuple(comparisons), tolerance)


def _named(parameters: Any) -> list[tuple[str, Value]]:
    """Return the parameters with the names that the table shows: as given, else the label, else the position."""
    if hasattr(parameters, "named_parameters"):
        named = list(parameters.named_parameters())
    elif isinstance(parameters, Mapping):
        named = list(parameters.items())
    else:
        values = [parameters] if isinstance(parameters, Value) else several("parameters", parameters, "Values")
        named = [(getattr(value, "label", "") or f"parameter {i}", value) for i, value in enumerate(values)]
    if not named:
        raise ValueError("there is no parameter to check: give at least one Value")
    for name, value in named:
        if not isinstance(value, Value):
            raise TypeError(f"parameters must be Values, got {type(value).__name__} for {name!r}: {value!r}")
        if value.parents:
            raise ValueError(f"{name!r} is computed from other Values: only leaves can be moved, give those")
    return named


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


def _differences(
    answers: Callable[[], list[float]], parameter: Value, analytic: list[float], eps: float
) -> list[tuple[float, float, float]]:
    """Return for each answer its centred difference, what it should be, and the error that rounding alone may make.

    Of several steps it takes for each answer the one that agrees best; differences at a wrong derivative agree nowhere.
    """
    here = parameter.data
    best: list[tuple[float, float, float]] = []
    outside: Exception | None = None
    for factor in (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5):
        h = eps * factor * max(1.0, abs(here))
        if here + h == here - h:
            break
        try:
            parameter.data = here + h
            above, right = answers(), parameter.data
            parameter.data = here - h
            below, left = answers(), parameter.data
        except (DomainError, ZeroDivisionError) as error:
            outside = error
            continue
        finally:
            parameter.data = here
        found = [
            ((up - down) / (right - left), slope, 2**-50 * max(abs(up), abs(down)) / (right - left))
            for up, down, slope in zip(above, below, analytic, strict=True)
        ]
        best = [min(pair, key=_error) for pair in zip(best, found, strict=True)] if best else found
        if all(_error(trial) < 1e-8 for trial in best):
            break
    if outside is not None and not best:
        raise ValueError(
            f"the function has no value beside a parameter that is {here!r}: {outside}; give a smaller eps"
        )
    if not best:
        raise ValueError(f"eps={eps!r} is too small to move a parameter that is {here!r}")
    return best


def _error(trial: tuple[float, float, float]) -> float:
    """Return the relative error; inf where one of the two is nan or inf and the other is not."""
    numeric, analytic, _ = trial
    if numeric == analytic:
        return 0.0
    error = abs(numeric / 2 - analytic / 2) / max(5e-9, abs(numeric / 2) + abs(analytic / 2))  # halves do not overflow
    return error if error == error else math.inf


def _compare(label: str, numeric: float, analytic: float, noise: float, tolerance: float, scale: float) -> Comparison:
    relative = _error((numeric, analytic, noise))
    verdict = "ok" if relative <= tolerance else "WRONG"
    if verdict == "WRONG" and math.isfinite(noise) and abs(numeric - analytic) <= noise:
        verdict = "ok" if noise <= tolerance * scale else "undecided"
    return Comparison(label, numeric, analytic, relative, verdict)
