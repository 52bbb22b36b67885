"""Formulas with their numbers put in, and tables, as plain text."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from textwrap import wrap

from autodiff.engine import ops
from autodiff.formulas.expression import Expression, Symbol, formula
from autodiff.formulas.writers import latex_number
from autodiff.support.labels import DIGITS, short

MAX_WIDTH = 80  # characters of a line in a terminal


def worked(expression: Expression, result: float, spec: str = DIGITS, latex: bool = False) -> list[str]:
    """Return a formula, the formula with its numbers, and its result, as far as they differ.

    >>> worked(Symbol("w", 3.0) * Symbol("x", 2.0), 6.0), worked(Symbol("x", 2.0), 2.0)
    (['w * x', '3 * 2', '6'], ['x', '2'])
    """
    number = short(result, spec).strip()
    write, number = (expression.latex, latex_number(number)) if latex else (expression.text, number)
    texts = [write(), write(numbers=True, spec=spec), number]
    return [text for i, text in enumerate(texts) if text not in texts[:i]]


def padded(texts: list[str]) -> list[str]:
    """Return the texts of `worked` as three cells of a table, the formula in the first, the result in the last."""
    cells = [f"= {text}" for text in texts]
    return cells if len(cells) == 3 else [cells[0], "", *cells[1:], ""][:3]


def equation(sign: ops.Op, x: float, y: float, result: float, spec: str = DIGITS) -> str:
    """Return an operation on two numbers and its result.

    >>> equation(ops.MUL, 4.0, -1.0, -4.0)
    '4 * (-1) = -4'
    """
    numbers = formula(sign, Symbol("x", x), Symbol("y", y)).text(numbers=True, spec=spec)
    return f"{numbers} = {short(result, spec).strip()}"


def equations(rows: Sequence[tuple[str, list[str]]], width: int = MAX_WIDTH) -> list[str]:
    r"""Return what names are equal to, one below the other: as a table, or where it is too wide as broken lines.

    >>> print(*equations([("v2", ["v1 + b", "6 + 1", "7"])], 10), sep="\n")
    v2  = v1 + b
        = 6 + 1
        = 7
    """
    lines = columns([[name, *padded(texts)] for name, texts in rows])
    if max(map(len, lines)) <= width:
        return lines
    margin = max([len(name) for name, _ in rows])
    return [line for name, texts in rows for line in chained(f"{name:{margin}}  ", texts, width)]


def chained(name: str, texts: Sequence[str], width: int = MAX_WIDTH) -> list[str]:
    """Return an equation on one line, or, where that is too long, each part of it on lines of its own.

    A line is broken between terms and factors, never within a number.
    """
    whole = f"{name}= {' = '.join(texts)}"
    if len(whole) <= width:
        return [whole]
    margin = " " * len(name)
    return [
        line
        for i, text in enumerate(texts)
        for line in wrap(
            text,
            max(width, len(name) + 20),
            initial_indent=f"{margin if i else name}= ",
            subsequent_indent=f"{margin}  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    ]


def columns(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> list[str]:
    """Return the rows as lines with aligned columns; those whose indices are in `right` stand at the right."""
    widths = [max([len(cell) for cell in column]) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [
                cell.rjust(width) if i in right else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
        ).rstrip()
        for row in rows
    ]
