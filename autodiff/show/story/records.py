"""The records that the story of a gradient is made of. They read as text; formulas are made when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass, field

from autodiff.engine import ops
from autodiff.engine.value import Value
from autodiff.formulas.expression import Expression
from autodiff.show.graph.formula import NodeFormula
from autodiff.show.story.worked import MAX_WIDTH, columns, equation, equations, worked
from autodiff.support.labels import DIGITS, short

MAX_ENTRIES = 60  # contributions; of more, the first ones and the last are printed


@dataclass(frozen=True, eq=False)
class Forward:
    """A step of the forward pass: an operation and its result.

    Attributes:
        node: the node that was computed.
        name: its name.
        result: its number, elsewhere called the primal.
    """

    node: Value = field(repr=False)
    name: str
    result: float
    made_by: NodeFormula = field(repr=False)

    @property
    def formula(self) -> Expression:
        """What was computed, with the names of the operands: ``w * x``; ``formula.text(numbers=True)`` puts them in."""
        return self.made_by.formula


@dataclass(frozen=True, eq=False)
class Contribution:
    """What one node adds to the gradient of one of its parents: incoming gradient x local derivative.

    The incoming gradient, that of the root by the node, is elsewhere called upstream gradient, cotangent or adjoint.
    All contributions of a node together are the vector-Jacobian product, or pullback, of its operation.

    Attributes:
        node: the node whose gradient is handed on.
        name: its name.
        parent: the operand that it is handed to.
        parent_name: its name.
        position: which operand that is, from 0; `a + a` hands to `a` at 0 and at 1.
        incoming: the gradient of `node`, complete by then.
        local: the derivative of `node` by this operand alone, an entry of the operation's Jacobian.
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
    made_by: NodeFormula = field(repr=False)

    @property
    def rule(self) -> Expression:
        """The local derivative as a formula: ``1 - tanh(z)**2``; ``rule.text(numbers=True)`` puts the numbers in."""
        return self.made_by.rules[self.position]


@dataclass(frozen=True, eq=False)
class Backward:
    """A step of the backward pass: a node, whose gradient is complete now, hands it to its parents.

    All of these steps together are elsewhere called reverse mode, or reverse accumulation.

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
        number_format: how numbers are written.
    """

    name: str
    total: float
    entries: tuple[Contribution, ...]
    of: str
    number_format: str = DIGITS

    def __str__(self) -> str:
        spec = self.number_format
        title = f"d{self.of}/d{self.name} = {short(self.total, spec)}"
        if not self.entries:
            return f"{title}, by definition"
        rows = [["from", "incoming", "", "local derivative", "", "contribution", "sum"]]
        shown = (
            self.entries if len(self.entries) <= MAX_ENTRIES else (*self.entries[: MAX_ENTRIES - 2], self.entries[-1])
        )
        for entry in shown:
            local = " = ".join(worked(entry.rule, entry.local, spec))
            incoming, amount, after = [short(x, spec) for x in (entry.incoming, entry.amount, entry.after)]
            rows.append([entry.name, incoming, "*", local, "=", amount, after])
        lines = columns(rows, right=(1, 5, 6))
        if max(map(len, lines)) > MAX_WIDTH:
            lines = [line for entry in shown for line in self._stacked(entry)]
        if len(shown) < len(self.entries):
            lines.insert(-1, f"... {len(self.entries) - len(shown):,} more")
        return "\n".join([title, *lines])

    def _stacked(self, entry: Contribution) -> list[str]:
        """Return an entry on lines of its own, where the table is too wide."""
        spec = self.number_format
        product = equation(ops.MUL, entry.incoming, entry.local, entry.amount, spec).split(" = ")
        local = worked(entry.rule, entry.local, spec)
        rows = [("local derivative", local), ("contribution", product), ("sum", [short(entry.after, spec)])]
        return [f"from {entry.name}", *[f"  {line}" for line in equations(rows, MAX_WIDTH - 2)]]

    def __repr__(self) -> str:
        return str(self)
