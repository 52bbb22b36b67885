"""What a person would not write down: small rules by which a formula is made shorter, tried in order.

A rule is a function of the operands of one sign. It returns what to write in place of the operation, an expression or
a number, or None where it has nothing to say. `RULES` lists them by the sign that they are about; the first that
answers is taken. Rules write with Python's operators, so what they answer is simplified in its turn.

This file knows an expression by its `sign` and `operands`, or else its `name` and `number`, and no graph.

>>> print(*[rule.__name__ for rule in RULES["sigmoid"]], *[rule.__name__ for rule in RULES["exp"]])
sigmoid_of_a_negative exp_of_what_softmax_shifts
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from autodiff.engine import ops

MAX_COMPARED = 20  # levels; expressions that are nested deeper are not compared, so that no comparison is deep

Rule = Callable[..., Any]


def simplified(sign: str, operands: tuple[Any, ...]) -> Any:
    """Return what is written in place of an operation: an expression, a number, or None if it stays as it is."""
    for rule in RULES.get(sign, ()):
        answer = rule(*operands)
        if answer is not None:
            return answer
    return None


# What rules ask of an expression.


def is_constant(x: Any, number: float | None = None) -> bool:
    """Return whether the expression is a number, and if one is given, that number."""
    return not x.sign and not x.name and (number is None or x.number == number)


def starts_negative(x: Any) -> bool:
    """Return whether the expression is written with a minus in front, that of its first factor for one."""
    while x.sign in ("*", "/"):
        x = x.operands[0]
    return x.sign == "neg" or (is_constant(x) and x.number < 0)


def same(x: Any, y: Any) -> bool:
    """Return whether two expressions are the same formula; of very deep ones it says no."""
    if x is y:
        return True
    if x.sign:
        alike = (x.sign, len(x.operands)) == (y.sign, len(y.operands)) and max(x.depth, y.depth) <= MAX_COMPARED
        return alike and all(map(same, x.operands, y.operands))
    return is_constant(x) and is_constant(y) and bool(x.number == y.number)


# -x


def negative_of_a_number(x: Any) -> Any:
    """Return -(2) as -2."""
    return -x.number if is_constant(x) else None


def negative_of_a_negative(x: Any) -> Any:
    """Return -(-x) as x."""
    return x.operands[0] if x.sign == "neg" else None


def negative_of_a_product(x: Any) -> Any:
    """Return -(2 * x) as -2 * x, and -(-x / y) as x / y: the first factor takes the minus."""
    if x.sign not in ("*", "/") or not (is_constant(x.operands[0]) or starts_negative(x)):
        return None
    factors = [x]
    while (first := factors[-1].operands[0]).sign in ("*", "/"):
        factors.append(first)
    product = -first
    for factor in reversed(factors):  # no recursion: a product of thousands is nested as deeply
        product = x.unsimplified(factor.sign, product, factor.operands[1])
    return product


# x + y and x - y


def sum_of_numbers(x: Any, y: Any) -> Any:
    """Return 2 + 3 as 5."""
    return x.number + y.number if is_constant(x) and is_constant(y) else None


def nothing_added(x: Any, y: Any) -> Any:
    """Return 0 + x and x + 0 as x."""
    return y if is_constant(x, 0.0) else x if is_constant(y, 0.0) else None


def sum_over_one_divisor(x: Any, y: Any) -> Any:
    """Return x / z + y / z as (x + y) / z."""
    if x.sign == y.sign == "/" and same(x.operands[1], y.operands[1]):
        return (x.operands[0] + y.operands[0]) / x.operands[1]
    return None


def sum_with_a_sum(x: Any, y: Any) -> Any:
    """Return x + (y + z) as x + y + z; a very long sum stays as it is."""
    return x + y.operands[0] + y.operands[1] if y.sign == "+" and y.depth <= MAX_COMPARED else None


def sum_with_a_negative(x: Any, y: Any) -> Any:
    """Return x + -y as x - y."""
    return x.unsimplified("-", x, -y) if starts_negative(y) else None


def difference_as_a_sum(x: Any, y: Any) -> Any:
    """Return x - y as x + -y, which the rules of sums write with a minus again if it is to have one."""
    return x + -y


# x * y


def number_in_front(x: Any, y: Any) -> Any:
    """Return x * 2 as 2 * x, and x**(n - 1) * n as n * x**(n - 1)."""
    return y * x if not x.fixed and (y.fixed or (y.name and x.sign == "**")) else None


def product_of_numbers(x: Any, y: Any) -> Any:
    """Return 2 * 3 as 6."""
    return x.number * y.number if is_constant(x) and is_constant(y) else None


def zero_times(x: Any, y: Any) -> Any:
    """Return 0 * x as 0."""
    return x if is_constant(x, 0.0) else None


def one_times(x: Any, y: Any) -> Any:
    """Return 1 * x as x."""
    return y if is_constant(x, 1.0) else None


def minus_one_times(x: Any, y: Any) -> Any:
    """Return -1 * x as -x."""
    return -y if is_constant(x, -1.0) else None


def signs_in_front(x: Any, y: Any) -> Any:
    """Return x * -y as -(x * y), and -x * -y as x * y."""
    if "neg" not in (x.sign, y.sign):
        return None
    left, right = (z.operands[0] if z.sign == "neg" else z for z in (x, y))
    return left * right if x.sign == y.sign else -(left * right)


def product_with_itself(x: Any, y: Any) -> Any:
    """Return x * x as x**2."""
    return x**2.0 if same(x, y) else None


def product_with_a_reciprocal(x: Any, y: Any) -> Any:
    """Return (1 / x) * y and y * (1 / x) as y / x."""
    for one, other in ((x, y), (y, x)):
        if one.sign == "/" and is_constant(one.operands[0], 1.0):
            return other / one.operands[1]
    return None


def bracket_said_once(x: Any, y: Any) -> Any:
    """Return a * [x <= 0] * exp(x * [x <= 0]) as a * [x <= 0] * exp(x), which is 0 where it would differ."""
    if x.sign == "*" and x.operands[1].sign == "<=" and y.sign == "exp" and y.operands[0].sign == "*":
        exponent, bracket = y.operands[0].operands
        return x * ops.EXP(exponent) if same(bracket, x.operands[1]) else None
    return None


def last_factor_again(x: Any, y: Any) -> Any:
    """Return x * y * y as x * y**2."""
    return x.operands[0] * y**2.0 if x.sign == "*" and same(x.operands[1], y) else None


def difference_times_sum(x: Any, y: Any) -> Any:
    """Return (x - y) * (x + y) as x**2 - y**2."""
    if x.sign == "-" and y.sign == "+" and all(map(same, x.operands, y.operands)):
        return x.operands[0] ** 2.0 - x.operands[1] ** 2.0
    return None


# x / y


def nothing_divided(x: Any, y: Any) -> Any:
    """Return 0 / x as 0."""
    return x if is_constant(x, 0.0) else None


def over_one(x: Any, y: Any) -> Any:
    """Return x / 1 as x."""
    return x if is_constant(y, 1.0) else None


def over_itself(x: Any, y: Any) -> Any:
    """Return x / x as 1."""
    return 1.0 if same(x, y) else None


def minus_above(x: Any, y: Any) -> Any:
    """Return (-x) / y as -(x / y)."""
    return -(x.operands[0] / y) if x.sign == "neg" else None


def quotient_of_one_divisor(x: Any, y: Any) -> Any:
    """Return (x / z) / (y / z) as x / y."""
    if x.sign == y.sign == "/" and same(x.operands[1], y.operands[1]):
        return x.operands[0] / y.operands[0]
    return None


def quotient_above(x: Any, y: Any) -> Any:
    """Return x / y / z as x / (y * z)."""
    return x.operands[0] / (x.operands[1] * y) if x.sign == "/" else None


def over_hypot_of_one(x: Any, y: Any) -> Any:
    """Return x / hypot(1, y), as the engine computes it, as people write it: x / sqrt(1 + y**2)."""
    return x / ops.SQRT(1.0 + y.operands[1] ** 2.0) if y.sign == "hypot" and is_constant(y.operands[0], 1.0) else None


def part_of_one_above(x: Any, y: Any) -> Any:
    """Return 0.5 / x as 1 / (2 * x)."""
    if is_constant(x) and 0 < abs(x.number) < 1 and (1 / x.number).is_integer():
        return math.copysign(1.0, x.number) / (abs(1 / x.number) * y)
    return None


# x**y, and functions


def power_0(x: Any, y: Any) -> Any:
    """Return x**0 as 1."""
    return 1.0 if is_constant(y, 0.0) else None


def power_1(x: Any, y: Any) -> Any:
    """Return x**1 as x."""
    return x if is_constant(y, 1.0) else None


def square_of_a_number(x: Any, y: Any) -> Any:
    """Return 3**2 as 9."""
    return x.number**2 if is_constant(x) and is_constant(y, 2.0) else None


def square_of_sech(x: Any, y: Any) -> Any:
    """Return sech(x)**2, which the engine computes since it does not cancel, as people write it: 1 - tanh(x)**2."""
    return 1.0 - ops.TANH(*x.operands) ** y if x.sign == "sech" and is_constant(y, 2.0) else None


def square_of_hypot(x: Any, y: Any) -> Any:
    """Return hypot(x, y)**2 as x**2 + y**2."""
    return x.operands[0] ** y + x.operands[1] ** y if x.sign == "hypot" and is_constant(y, 2.0) else None


def exp_of_what_softmax_shifts(x: Any) -> Any:
    """Return e**(x - m) as e**x / e**m, if m is what the softmax shifts all x by: a common divisor, which cancels."""
    if x.sign == "-" and x.operands[1].sign == "hold":
        return ops.EXP(x.operands[0]) / ops.EXP(x.operands[1])
    return None


def sigmoid_of_a_negative(x: Any) -> Any:
    """Return s(-x), which the engine computes since it does not cancel, as people write it: 1 - s(x)."""
    return 1.0 - ops.SIGMOID(*x.operands) if x.sign == "neg" else None


# fmt: off
RULES: dict[str, tuple[Rule, ...]] = {
    "neg": (negative_of_a_number, negative_of_a_negative, negative_of_a_product),
    "+": (sum_of_numbers, nothing_added, sum_over_one_divisor, sum_with_a_sum, sum_with_a_negative),
    "-": (difference_as_a_sum,),
    "*": (
        number_in_front, product_of_numbers, zero_times, one_times, minus_one_times, signs_in_front,
        product_with_itself, product_with_a_reciprocal, bracket_said_once, last_factor_again, difference_times_sum,
    ),
    "/": (
        nothing_divided, over_one, over_itself, minus_above, quotient_of_one_divisor, quotient_above, part_of_one_above,
        over_hypot_of_one,
    ),
    "**": (power_0, power_1, square_of_a_number, square_of_sech, square_of_hypot),
    "exp": (exp_of_what_softmax_shifts,),
    "sigmoid": (sigmoid_of_a_negative,),
}
# fmt: on
