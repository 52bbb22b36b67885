"""A row's own rule as lines of Python: it is asked with names in place of numbers, and what it does is written down.

It knows of a row what `autodiff.engine.ops.Op` says, and nothing of any single one.
"""

from __future__ import annotations

from typing import Any


class Lines:
    """Lines that are being written, one for each operation, in the order in which the rule does them.

    Attributes:
        code: the lines.
        rows: the rows that they ask, by name; there a name stands for the row's function of floats.
        truths: names that the rule asked whether they are true; it is written for the case that they are.
    """

    def __init__(self) -> None:
        self.code: list[str] = []
        self.rows: dict[str, Any] = {}
        self.truths: list[str] = []

    def new(self, expression: str) -> Name:
        """Write a line, and return the name of what it computes."""
        name = f"t{len(self.code)}"
        self.code.append(f"{name} = {expression}")
        return Name(name, self)


def _operator(sign: str, *, reflected: bool = False) -> Any:
    def method(self: Name, other: Any) -> Name:
        x, y = (other, self) if reflected else (self, other)
        return self.lines.new(f"{_text(x)} {sign} {_text(y)}")

    return method


def _text(x: Any) -> str:
    return x.name if isinstance(x, Name) else f"({float(x)!r})"


class Name:
    """Stands for a number that the lines know by name."""

    def __init__(self, name: str, lines: Lines) -> None:
        self.name, self.lines = name, lines

    def apply(self, op: Any, operands: tuple[Any, ...]) -> Name:
        """Return the name of what a row answers for these operands."""
        row = f"row{len(self.lines.rows)}"
        self.lines.rows[row] = op
        return self.lines.new(f"{row}({', '.join(map(_text, operands))})")

    def __bool__(self) -> bool:
        self.lines.truths.append(self.name)
        return True

    __add__, __radd__ = _operator("+"), _operator("+", reflected=True)
    __sub__, __rsub__ = _operator("-"), _operator("-", reflected=True)
    __mul__, __rmul__ = _operator("*"), _operator("*", reflected=True)
    __truediv__, __rtruediv__ = _operator("/"), _operator("/", reflected=True)

    def __neg__(self) -> Name:
        return self.lines.new(f"-{self.name}")
