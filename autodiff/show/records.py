"""The records that the story of a gradient is made of. They read as text; formulas are made when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from autodiff.notation import short
from autodiff.operands import each
from autodiff.show.worked import columns, worked
from autodiff.symbols import Expression, Symbol, formula, rules
from autodiff.value import Value

LISTED = 60  # contributions; of more, the first ones and the last are printed


class Use:
    """One use of a row in the graph, with symbols: what it computes and its rules, in the names of its nodes."""

    def __init__(self, node: Value, names: Mapping[int, str], hidden: Mapping[int, Expression]) -> None:
        self.node, self._names, self._hidden = node, names, hidden

    @cached_property
    def _operands(self) -> tuple[Any, ...]:
        parents = iter(self.node.parents)

        def symbol(number: float) -> Any:
            parent = next(parents, None)
            if parent is None:
                return number  # a parameter
            return self._hidden.get(id(parent)) or Symbol(self._names[id(parent)], number)

        return each(symbol, self.node.numbers[1:])

    @cached_property
    def formula(self) -> Expression:
        """What the operation computes, as it was written: ``w * x``."""
        return formula(self.node.op, *self._operands)

    @cached_property
    def rules(self) -> tuple[Expression, ...]:
        """The local derivative by each parent."""
        out = Symbol(self._names[id(self.node)], self.node.numbers[0])
        return rules(self.node.op, *self._operands, out=out if self.node.op.arity is None else None)


@dataclass(frozen=True, eq=False)
class Forward:
    """A step of the forward pass: an operation and its result.

    Attributes:
        node: the node that was computed.
        name: its name.
        result: its number.
    """

    node: Value = field(repr=False)
    name: str
    result: float
    use: Use = field(repr=False)

    @property
    def formula(self) -> Expression:
        """What was computed, with the names of the operands: ``w * x``; ``formula.text(numbers=True)`` puts them in."""
        return self.use.formula


@dataclass(frozen=True, eq=False)
class Contribution:
    """What one node adds to the gradient of one of its parents: incoming gradient x local derivative.

    Attributes:
        node: the node whose gradient is handed on.
        name: its name.
        parent: the operand that it is handed to.
        parent_name: its name.
        position: which operand that is, from 0; `a + a` hands to `a` at 0 and at 1.
        incoming: the gradient of `node`.
        local: the derivative of `node` by this operand alone.
        amount: the contribution.
        before: the gradient of the parent before.
        after: and with this contribution.
    """

    node: Value = field(repr=False)
    name: str
    parent: Value = field(repr=False)
    parent_name: str
    position: int
    incoming: float
    local: float
    amount: float
    before: float
    after: float
    use: Use = field(repr=False)

    @property
    def rule(self) -> Expression:
        """The local derivative as a formula: ``1 - tanh(z)**2``; ``rule.text(numbers=True)`` puts the numbers in."""
        return self.use.rules[self.position]


@dataclass(frozen=True, eq=False)
class Backward:
    """A step of the backward pass: a node, whose gradient is complete now, hands it to its parents.

    Attributes:
        node: the node.
        name: its name.
        incoming: its gradient.
        contributions: one for each parent, in order.
    """

    node: Value = field(repr=False)
    name: str
    incoming: float
    contributions: tuple[Contribution, ...]


@dataclass(frozen=True, eq=False)
class Ledger:
    """Every contribution that makes up the gradient of a node, in the order in which they came.

    Attributes:
        name: the name of the node.
        total: its gradient; the contributions sum to it exactly, one after the other.
        entries: the contributions; none for the root, whose gradient is 1 by definition.
        of: the name of the root.
    """

    name: str
    total: float
    entries: tuple[Contribution, ...]
    of: str

    def __str__(self) -> str:
        title = f"d{self.of}/d{self.name} = {short(self.total)}"
        if not self.entries:
            return f"{title}, by definition"
        rows = [["from", "incoming", "", "local derivative", "", "contribution", "sum"]]
        shown = self.entries if len(self.entries) <= LISTED else (*self.entries[: LISTED - 2], self.entries[-1])
        for entry in shown:
            local = " = ".join(worked(entry.rule, entry.local))
            rows.append([entry.name, short(entry.incoming), "*", local, "=", short(entry.amount), short(entry.after)])
        lines = columns(rows, right=(1, 5, 6))
        if len(shown) < len(self.entries):
            lines.insert(-1, f"... {len(self.entries) - len(shown):,} more")
        return "\n".join([title, *lines])

    def __repr__(self) -> str:
        return str(self)
