"""Rules of calculus as formulas that are bent and then computed: what is left of 1 - tanh(z)**2 without its square.

It reads the rule of a row with symbols, so that a new row needs nothing here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from autodiff.engine import ops
from autodiff.engine.ops import Op
from autodiff.formulas.expression import Applied, Constant, Expression, Symbol, rules
from autodiff.formulas.vocabulary import function_called
from autodiff.mistakes.graph import Use

INPUT = "x"
Rewriting = Callable[[Expression, Op], Expression | None]

OPERATORS: Mapping[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": ops.DIV,
    "**": ops.POW,
    "neg": operator.neg,
    "hold": operator.pos,
    **{
        sign: getattr(operator, name)
        for sign, name in zip(("<", ">", "<=", ">="), ("lt", "gt", "le", "ge"), strict=True)
    },
    **{"==": operator.eq, "!=": operator.ne},
}


def computed(formula: Expression, numbers: Mapping[str, float]) -> float:
    """Return the number of a formula, from those of its names.

    >>> x = Symbol("x")
    >>> computed(1.0 - x * x, {"x": 3.0})
    -8.0

    Raises:
        ValueError: if there is no number for a name or no function for a sign, or none where it is computed.
    """
    if formula.name:
        number = numbers.get(formula.name, formula.number)
        if number != number:
            raise ValueError(f"no number for {formula.name!r}")
        return number
    if not formula.sign:
        return formula.number
    function = OPERATORS.get(formula.sign) or function_called(formula.sign)
    if function is None:
        raise ValueError(f"no function is called {formula.sign!r}")
    return float(function(*[computed(operand, numbers) for operand in formula.operands]))


def rewritten(rewriting: Rewriting) -> Callable[[Use], list[float] | None]:
    """Return the hook that computes the local derivative of a function of one number by its rule, rewritten."""

    def slopes(use: Use) -> list[float] | None:
        if not is_function(use):
            return None
        bent = _bent(rewriting, use.op, tuple(use.static))
        return None if bent is None else [computed(bent, {INPUT: use.xs[0]})]

    return slopes


@lru_cache(maxsize=1024)
def _bent(rewriting: Rewriting, op: Op, static: tuple[float, ...]) -> Expression | None:
    try:
        (rule,) = rules(op, Symbol(INPUT), *static)
        return rewriting(rule, op)
    except (TypeError, ValueError):  # the rule of an operation of one's own may take numbers alone
        return None


def is_function(use: Use) -> bool:
    """Return whether this is a function of one number that bends, by a name: tanh(x), and neither -x nor x**2."""
    return (
        use.op.arity == 1
        and use.op.name.isidentifier()
        and use.op not in (ops.DETACH, ops.SIGN, ops.HEAVISIDE, ops.HOLD)
    )


# Rewritings: each answers the bent rule, or None if the rule has nothing of the kind.


def input_for_output(rule: Expression, op: Op) -> Expression | None:
    """Return 1 - x**2 for 1 - tanh(x)**2: the rule is written in the output, and is given the input."""
    return _replaced(rule, lambda part: part.operands[0] if part.sign == op.name else None)


def square_forgotten(rule: Expression, op: Op) -> Expression | None:
    """Return 1 - tanh(x) for 1 - tanh(x)**2."""
    return _replaced(
        rule, lambda part: part.operands[0] if part.sign == "**" and part.operands[1].number == 2 else None
    )


def inner_sign_turned(rule: Expression, op: Op) -> Expression | None:
    """Return 1 + tanh(x)**2 for 1 - tanh(x)**2."""
    turned = {"+": "-", "-": "+"}
    return _replaced(
        rule, lambda part: Applied(turned[part.sign], *part.operands) if part.sign in turned else None, first=True
    )


def constant_forgotten(rule: Expression, op: Op) -> Expression | None:
    """Return 1 / sqrt(x) for 1 / (2 * sqrt(x)): a number that stands before the rule is left out."""

    def without(part: Expression) -> Expression | None:
        if part.sign == "*" and part.operands[0].fixed:
            return part.operands[1]
        return None

    if rule.sign == "/" and rule.operands[0].fixed and rule.operands[0].number not in (1.0, -1.0):
        return Applied("/", Constant(1.0), rule.operands[1])
    return _replaced(rule, without, first=True)


def upside_down(rule: Expression, op: Op) -> Expression | None:
    """Return x for 1 / x."""
    return Applied("/", *reversed(rule.operands)) if rule.sign == "/" else None


def first_part_alone(rule: Expression, op: Op) -> Expression | None:
    """Return sigmoid(x) for sigmoid(x) * (1 - sigmoid(x)), tanh(x)**2 for 1 - tanh(x)**2."""
    if rule.sign in ("*", "+"):
        return rule.operands[0]
    return rule.operands[1] if rule.sign == "-" and rule.operands[0].fixed else None


def last_part_alone(rule: Expression, op: Op) -> Expression | None:
    """Return 1 - sigmoid(x) for sigmoid(x) * (1 - sigmoid(x))."""
    return rule.operands[1] if rule.sign in ("*", "+") else None


def _replaced(
    rule: Expression, answer: Callable[[Expression], Expression | None], first: bool = False
) -> Expression | None:
    """Return the rule with what `answer` makes of its parts, of the first or of all; None if of none."""
    own = answer(rule)
    if own is not None:
        return own
    operands, changed = [], False
    for operand in rule.operands:
        new = None if first and changed else _replaced(operand, answer, first)
        operands.append(operand if new is None else new)
        changed = changed or new is not None
    return Applied(rule.sign, *operands) if changed else None
