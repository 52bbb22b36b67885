"""What a node computes and how it is differentiated, as formulas in the names of its operands."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from autodiff.engine.value import Value
from autodiff.formulas.expression import Expression, Symbol, formula, rules
from autodiff.show.graph.names import name_of
from autodiff.support.labels import short


class NodeFormula:
    """The row that made a node, read with symbols.

    Args:
        node: the node; no leaf.
        names: the names of the node and its operands, by `id`.
        hidden: formulas that stand in place of the names of some operands, by `id`.
    """

    def __init__(self, node: Value, names: Mapping[int, str], hidden: Mapping[int, Expression]) -> None:
        self.node, self._names, self._hidden = node, names, hidden

    @cached_property
    def _operands(self) -> tuple[Any, ...]:
        names, hidden = self._names, self._hidden
        operands = [(id(parent), number) for parent, number in self.node.operands]
        symbols = [hidden[key] if key in hidden else Symbol(names[key], number) for key, number in operands]
        return self.node.op.grouped(symbols, self.node.static)  # type: ignore[no-any-return]  # `op` is Any: None in leaves

    @cached_property
    def formula(self) -> Expression:
        """What the operation computes, as it was written: ``w * x``."""
        return formula(self.node.op, *self._operands)

    @cached_property
    def rules(self) -> tuple[Expression, ...]:
        """The local derivative by each operand."""
        out = Symbol(self._names[id(self.node)], self.node.saved[0])
        return rules(self.node.op, *self._operands, out=out if self.node.op.arity is None else None)


def written(node: Value, names: Mapping[int, str]) -> str:
    """Return what a node was computed by, with the names of its operands, else their numbers: ``w * x``."""
    if not node.op:
        return ""
    operands = {id(parent): name_of(parent, names) or short(x) for parent, x in node.operands}
    return str(NodeFormula(node, operands, {}).formula)


def products(node: Value) -> list[tuple[int, int]]:
    """Return the positions of the operands that an operation multiplies with each other, pair by pair.

    A product has one pair; a `dot` has its weights, then as many inputs, and perhaps a bias, which is in no pair.

    >>> from autodiff import dot
    >>> w, x = [Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]
    >>> products(dot(w, x)), products(w[0] * x[0]), products(w[0] + x[0])
    ([(0, 2), (1, 3)], [(0, 1)], [])
    """
    if node.op.name == "*":
        return [(0, 1)]
    left, right, _ = node.op.products(range(len(node.parents))) or ((), (), ())
    return list(zip(left, right, strict=True))
