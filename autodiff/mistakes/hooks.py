"""How the rows of the table bend a pass: what becomes of the numbers of one use of an operation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from autodiff.engine import ops
from autodiff.engine.elementary import chain
from autodiff.engine.value import Value, as_value
from autodiff.mistakes.formulas import is_function
from autodiff.mistakes.graph import Use
from autodiff.mistakes.misconception import Leaf, Tangent

Numbers = Sequence[float]
Tangents = Sequence[float | None]
ACTIVATIONS = {"tanh": ops.SIGMOID, "sigmoid": ops.TANH}  # which people take for one another
ROOTS = {"sqrt": 1 / 2, "cbrt": 1 / 3}
RAMPS = ("relu", "leaky_relu", "elu", "clip", "abs")


# Local derivatives.


def product(
    slopes: Callable[[float, float], tuple[float, float]], bare: bool = True
) -> Callable[[Use], Numbers | None]:
    """Return the hook that gives both factors of each product what `slopes` makes of their numbers.

    The minus of -w in -w*x stays. With `bare` also of products with a number that stands in the formula itself: 2*x.
    """

    def bent(use: Use) -> Numbers | None:
        if not (pairs := use.pairs()) or (any(use.bare) and not bare):
            return None
        answer = use.slopes()
        for i, j in pairs:
            x, y = slopes(use.xs[i], use.xs[j])
            answer[i], answer[j] = -x if use.negated[j] else x, -y if use.negated[i] else y
        return answer

    return bent


def neighbours_factor(use: Use) -> Numbers | None:
    """Return the slopes of a product in a sum of products in which each weight is given the input of the next one."""
    if use.beside:
        return use.beside[::-1]
    pairs = use.pairs()
    if len(pairs) < 2:
        return None
    answer = use.slopes()
    for (i, j), (k, n) in zip(pairs, [*pairs[1:], pairs[0]], strict=True):
        answer[i], answer[j] = use.xs[n], use.xs[k]
    return answer


def constant_forgotten(use: Use) -> Numbers | None:
    """Return 1 for the other operand of a number that stands in the formula: 2*x, x/2."""
    if len(use.xs) != 2 or use.op.name not in ("*", "/"):
        return None
    if use.bare[1] and not use.bare[0]:
        return [1.0, use.slopes()[1]]
    return [use.slopes()[0], 1.0] if use.bare[0] and not use.bare[1] and use.op.name == "*" else None


def binary(name: str, slopes: Callable[[Use, float, float], Numbers]) -> Callable[[Use], Numbers | None]:
    """Return the hook of an operator on two operands, from its use and its right slopes."""

    def bent(use: Use) -> Numbers | None:
        return slopes(use, *use.slopes()) if use.op.name == name and len(use.xs) == 2 else None

    return bent


def power(rule: Callable[[float, float], float], but: float | None = None) -> Callable[[Use], Numbers | None]:
    """Return the hook of x**n, from x and n; not where n is `but`, for which it is no mistake, or another one."""

    def bent(use: Use) -> Numbers | None:
        x, n = base_and_exponent(use)
        return None if n in (0.0, but) else [_real(rule(x, n)), *use.slopes()[1:]]

    return bent


def base_and_exponent(use: Use) -> tuple[float, float]:
    """Return x and n of x**n, also of roots; n is 0 where there is none."""
    if use.op.name in ROOTS and len(use.xs) == 1:
        return use.xs[0], ROOTS[use.op.name]
    if use.op.name == "**" and len(use.xs) + len(use.static) == 2:
        x, n = (*use.xs, *use.static)
        return x, n
    return use.out, 0.0


def _real(number: Any) -> float:
    """Return a number; nan for the power of a negative one that is not real."""
    return math.nan if isinstance(number, complex) else float(number)


def exponent(rule: Callable[[float, float], float]) -> Callable[[Use], Numbers | None]:
    """Return the hook of the exponent of x**y, from x and y."""

    def bent(use: Use) -> Numbers | None:
        return [use.slopes()[0], _real(rule(*use.xs))] if use.op.name == "**" and len(use.xs) == 2 else None

    return bent


def function(slope: Callable[[Use], float], *, without: Sequence[str] = ()) -> Callable[[Use], Numbers | None]:
    """Return the hook of all functions of one number that bend."""
    return lambda use: [slope(use)] if is_function(use) and use.op.name not in without else None


def curved(slope: Callable[[Use], float], *, without: Sequence[str] = ()) -> Callable[[Use], Numbers | None]:
    """Return the hook of all functions of one number that bend, and of powers."""
    return lambda use: [slope(use)] if curve(use) and use.op.name not in without else None


def named(names: Sequence[str], slope: Callable[[Use], float]) -> Callable[[Use], Numbers | None]:
    """Return the hook of some functions of one number."""
    return lambda use: [slope(use)] if use.op.name in names and len(use.xs) == 1 else None


def wide(names: Sequence[str], slopes: Callable[[Use], Numbers]) -> Callable[[Use], Numbers | None]:
    """Return the hook of some functions of any number of operands."""
    return lambda use: slopes(use) if use.op.name in names and len(use.xs) > 1 else None


def at_output(use: Use) -> float:
    """Return the rule of a function, taken at what the function answered."""
    return slope_at(use, use.out)


def slope_at(use: Use, x: float) -> float:
    """Return the rule of a function of one number, taken at another number."""
    try:
        out = use.op.value(x, *use.static)
    except (ArithmeticError, ValueError):  # most rules speak of the input alone
        out = math.nan
    return float(use.op.local(out, x, *use.static)[0])


def of_another(use: Use) -> float:
    """Return the slope of the other of tanh and sigmoid, in the output that is there."""
    y = use.out
    return y * (1 - y) if use.op.name == "tanh" else 1 - y * y


def minus_in_front(use: Use) -> Numbers | None:
    """Return 1 for -x."""
    return [1.0] if use.op is ops.NEG else None


def second_derivative(use: Use) -> float:
    """Return the derivative of the rule of a function: the row speaks of Values as of numbers."""
    x = Value(use.xs[0])
    try:
        slope = as_value(use.op.local(use.op(x, *use.static), x, *use.static)[0])
    except TypeError:  # the rule of an operation of one's own may take numbers alone
        return math.nan
    slope.backward()
    return x.grad


# Derivatives by one leaf, of rules for whole formulas.


def curve(use: Use) -> bool:
    """Return whether this is a function of one number, or a power with a number as its exponent."""
    return is_function(use) or (use.op.name == "**" and len(use.xs) == 1)


def inner_forgotten(use: Use, tangents: Tangents, leaf: Leaf) -> float | None:
    """Return f'(g(x)) for f'(g(x)) g'(x); where g' is 1 or -1, there is nothing to forget but a sign."""
    nothing = leaf.direct or tangents[0] in (1.0, -1.0)
    return use.slopes()[0] if curve(use) and not nothing else None


def at_inner_derivative(use: Use, tangents: Tangents, leaf: Leaf) -> float | None:
    """Return f'(g'(x)) for f'(g(x)) g'(x)."""
    return slope_at(use, tangents[0]) if curve(use) and tangents[0] is not None and not leaf.direct else None


def at_the_variable(use: Use, tangents: Tangents, leaf: Leaf) -> float | None:
    """Return f'(x) g'(x) for f'(g(x)) g'(x)."""
    return (
        slope_at(use, leaf.number) * tangents[0] if curve(use) and tangents[0] is not None and not leaf.direct else None
    )


def of_each(name: str, combined: Callable[[float, float], float]) -> Tangent:
    """Return the hook that combines the derivatives of both operands, if both have one."""

    def bent(use: Use, tangents: Tangents, leaf: Leaf) -> float | None:
        if use.op.name != name or len(tangents) != 2 or tangents[0] is None or tangents[1] is None:
            return None
        return combined(tangents[0], tangents[1])

    return bent


def constant_kept(use: Use, tangents: Tangents, leaf: Leaf) -> float | None:
    """Return x' + c for (x + c)'."""
    if use.op.name not in ("+", "-") or len(tangents) != 2 or None not in tangents:
        return None
    sign = -1.0 if use.op.name == "-" else 1.0
    first, second = [x if t is None else t for t, x in zip(tangents, use.xs, strict=True)]
    return first + sign * second


def factor_lost(use: Use, tangents: Tangents, leaf: Leaf) -> float | None:
    """Return 0 for (c x)'."""
    return 0.0 if use.op.name == "*" and len(tangents) == 2 and None in tangents else None


# Numbers of the forward pass.


def value_of(name: str, number: Callable[..., float]) -> Callable[[Use], float | None]:
    """Return the hook of an operator on two numbers."""
    return lambda use: number(*use.xs) if use.op.name == name and len(use.xs) == 2 else None


def value_of_power(number: Callable[[float, float], float]) -> Callable[[Use], float | None]:
    """Return the hook of x**n."""
    return lambda use: (
        number(*use.xs, *use.static) if use.op.name == "**" and len(use.xs) + len(use.static) == 2 else None
    )


def negative_square(use: Use) -> float | None:
    """Return -9 for (-3)**2."""
    x, n = (*use.xs, *use.static, 0.0)[:2]
    return -abs(use.out) if use.op.name == "**" and x < 0 and n and n % 2 == 0 else None


def value_of_function(number: Callable[[Use], float], names: Sequence[str] = ()) -> Callable[[Use], float | None]:
    """Return the hook of all functions of one number that bend, or of some."""
    return lambda use: number(use) if is_function(use) and (not names or use.op.name in names) else None


def value_of_many(names: Sequence[str], number: Callable[[Use], float]) -> Callable[[Use], float | None]:
    """Return the hook of some functions of any number of operands."""
    return lambda use: number(use) if use.op.name in names and len(use.xs) > 1 else None


def without_bias(use: Use) -> float | None:
    """Return the sum of products without the bias that follows them."""
    _, _, added = use.op.products(use.xs) or ((), (), ())
    return use.out - added[0] if added else None


# Contributions and their sums.


def product_of(amounts: Numbers) -> float:
    """Return the contributions multiplied."""
    return math.prod(amounts)


def alternating(amounts: Numbers) -> float:
    """Return the first contribution without all others."""
    return amounts[0] - chain(amounts[1:])
