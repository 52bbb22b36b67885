"""Formulas with their numbers put in, and tables, as plain text."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from autodiff import ops
from autodiff.notation import latex_number, short
from autodiff.symbols import Expression, Symbol, formula


def worked(expression: Expression, result: float, latex: bool = False) -> list[str]:
    """Return a formula, the formula with its numbers, and its result, as far as they differ.

    >>> worked(Symbol("w", 3.0) * Symbol("x", 2.0), 6.0), worked(Symbol("x", 2.0), 2.0)
    (['w * x', '3 * 2', '6'], ['x', '2'])
    """
    write, number = (expression.latex, latex_number(short(result))) if latex else (expression.text, short(result))
    texts = [write(), write(numbers=True), number]
    return [text for i, text in enumerate(texts) if text not in texts[:i]]


def padded(texts: list[str]) -> list[str]:
    """Return the texts of `worked` as three cells of a table, the formula in the first, the result in the last."""
    cells = [f"= {text}" for text in texts]
    return cells if len(cells) == 3 else [cells[0], "", *cells[1:], ""][:3]


def equation(sign: ops.Op, x: float, y: float, result: float) -> str:
    """Return an operation on two numbers and its result.

    >>> equation(ops.MUL, 4.0, -1.0, -4.0)
    '4 * (-1) = -4'
    """
    return f"{formula(sign, Symbol('x', x), Symbol('y', y)).text(numbers=True)} = {short(result)}"


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
