"""Gradient checking: the derivatives that the graph computes, against differences of the numbers that it answers.

It perturbs parameters one at a time and knows no operation and no network: anything with `named_parameters()` will do.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from autodiff.gradient import grad
from autodiff.value import Value, walk


class Comparison(NamedTuple):
    """One derivative, computed twice.

    Attributes:
        label: the parameter; for second order the pair, ``a, b``.
        numeric: by differences.
        analytic: by the graph.
        relative_error: |numeric - analytic| / max(1e-8, |numeric| + |analytic|).
        verdict: "ok" where the relative error is within the tolerance; "rounding" where it is not, but the two differ
            by no more than the rounding of the function's answer explains; else "WRONG".
    """

    label: str
    numeric: float
    analytic: float
    relative_error: float
    verdict: str


class GradientCheck(NamedTuple):
    """The answer of `check_gradients`: true when nothing is wrong, and printed as a table."""

    comparisons: tuple[Comparison, ...]
    tolerance: float

    def __bool__(self) -> bool:
        return all(c.verdict != "WRONG" for c in self.comparisons)

    @property
    def worst(self) -> Comparison:
        """The comparison with the largest relative error."""
        return max(self.comparisons, key=lambda c: (c.relative_error, c.relative_error != c.relative_error))

    def __str__(self) -> str:
        width = max(len("parameter"), *(len(c.label) for c in self.comparisons))
        lines = [f"{'parameter':{width}}  {'numeric':>17}  {'analytic':>17}  {'rel. error':>10}  verdict"]
        for c in self.comparisons:
            numbers = f"{c.numeric:>17.10g}  {c.analytic:>17.10g}  {c.relative_error:>10.1e}"
            lines.append(f"{c.label:{width}}  {numbers}  {c.verdict}")
        wrong = sum(c.verdict == "WRONG" for c in self.comparisons)
        lines.append(f"{len(self.comparisons)} derivatives, {wrong} wrong (relative error above {self.tolerance:g})")
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

    Each parameter p is moved by h = eps max(1, |p|):

        first order   d f/d p   against (f(p + h) - f(p - h)) / 2h
        second order  d2 f/dp dq against (df/dq(p + h) - df/dq(p - h)) / 2h, for all pairs p, q

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
        order: 1 for the gradient, 2 for the Hessian.
        sample: how many parameters to check, chosen by `seed`; None for all.
        seed: chooses the sample.

    Raises:
        ValueError: if two calls of `function` in a row answer differently (it draws random numbers, or changes what
            it depends on), or an argument is out of its range.
        TypeError: if `function` does not answer a Value, or the parameters are not Values.

    Reference: the error measure is that of Karpathy, "Neural Networks Part 3" (cs231n notes): 1e-7 is good for a smooth
    function, above 1e-2 is usually a wrong gradient.
    """
    for name, number in (("eps", eps), ("tolerance", tolerance)):
        if not 0 < number < math.inf:
            raise ValueError(f"{name} must be a positive number, got {number!r}")
    if order not in (1, 2):
        raise ValueError(f"order must be 1 (gradient) or 2 (Hessian), got {order!r}")
    named = _named(parameters)
    if sample is not None:
        if not 0 < sample <= len(named):
            raise ValueError(f"sample must be from 1 to the number of parameters, {len(named)}, got {sample!r}")
        chosen = random.Random(seed).sample(range(len(named)), sample)
        named = [named[i] for i in sorted(chosen)]
    values = [value for _, value in named]

    def answers() -> list[float]:
        output = _call(function)
        return [output.data] if order == 1 else [slope.data for slope in _slopes(output, values)]

    output = _call(function)
    _refuse_chance(output.data, _call(function).data)
    gradient = _backward(output, values) if order == 1 else []
    slopes = _slopes(output, values) if order == 2 else []
    comparisons = []
    for i, (label, parameter) in enumerate(named):
        names = [label] if order == 1 else [f"{other}, {label}" for other, _ in named]
        analytic = [gradient[i]] if order == 1 else [grad(slope, parameter).data for slope in slopes]
        for name, (numeric, noise), exact in zip(names, _differences(answers, parameter, eps), analytic, strict=True):
            comparisons.append(_compare(name, numeric, exact, tolerance, noise))
    return GradientCheck(tuple(comparisons), tolerance)


def _named(parameters: Any) -> list[tuple[str, Value]]:
    """Return the parameters with the names that the table shows: as given, else the label, else the position."""
    if hasattr(parameters, "named_parameters"):
        named = list(parameters.named_parameters())
    elif isinstance(parameters, Mapping):
        named = list(parameters.items())
    else:
        values = [parameters] if isinstance(parameters, Value) else list(parameters)
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


def _backward(output: Value, values: Sequence[Value]) -> list[float]:
    """Return what `backward()` gives each of `values`, and leave all gradients as they were."""
    leaves = [*walk(output)[1], *values]
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


def _differences(answers: Callable[[], list[float]], parameter: Value, eps: float) -> list[tuple[float, float]]:
    """Return the centred difference of each answer, and how large an error rounding alone may make in it."""
    here = parameter.data
    h = eps * max(1.0, abs(here))
    try:
        parameter.data = here + h
        above, right = answers(), parameter.data
        parameter.data = here - h
        below, left = answers(), parameter.data
    finally:
        parameter.data = here
    width = right - left
    return [
        ((up - down) / width, 2**-52 * max(abs(up), abs(down)) / width) for up, down in zip(above, below, strict=True)
    ]


def _compare(label: str, numeric: float, analytic: float, tolerance: float, noise: float) -> Comparison:
    error = abs(numeric - analytic)
    relative = 0.0 if numeric == analytic else error / max(1e-8, abs(numeric) + abs(analytic))
    verdict = "ok" if relative <= tolerance else "rounding" if error <= 4 * noise else "WRONG"
    return Comparison(label, numeric, analytic, relative, verdict)
