"""A rule as text that a program reads again: every bracket, every digit, no sign that only people read."""

from __future__ import annotations

from autodiff.formulas.expression import Expression

RELATIONS = {  # Iverson brackets: 1 where it holds, else 0
    ">": "heaviside({0} - {1})",
    "<": "heaviside({1} - {0})",
    ">=": "heaviside({0} - {1}, 1)",
    "<=": "heaviside({1} - {0}, 1)",
    "!=": "heaviside(abs({0} - {1}))",
    "==": "(1 - heaviside(abs({0} - {1})))",
}


def program(formula: Expression) -> str:
    """Return a formula as `autodiff.formulas.parse` reads it, and the pages' own reader.

    >>> from autodiff.formulas.expression import Symbol
    >>> print(program(1.0 - Symbol("y") ** 2.0))
    (1 - (y**2))
    """
    if formula.name:
        return formula.name
    if not formula.sign:
        text = repr(formula.number).removesuffix(".0")
        return f"({text})" if text.startswith("-") else text
    parts = [program(operand) for operand in formula.operands]
    if formula.sign in ("+", "-", "*", "/"):
        return f"({parts[0]} {formula.sign} {parts[1]})"
    if formula.sign == "**":
        return f"({parts[0]}**{parts[1]})"
    if formula.sign == "neg":
        return f"(-{parts[0]})"
    if formula.sign in RELATIONS:
        return RELATIONS[formula.sign].format(*parts)
    return parts[0] if formula.sign == "hold" else f"{formula.sign}({', '.join(parts)})"
