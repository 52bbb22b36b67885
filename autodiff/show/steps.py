"""The whole story of a gradient as records: each forward operation, then each step of the backward pass.

Nothing is computed here in a second way: the numbers are those that the nodes recorded, the contributions come from
their own chain rule, the formulas from the rows of calculus, and the order is the one in which `backward()` works.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from autodiff import ops
from autodiff.notation import short
from autodiff.operands import each
from autodiff.order import walk
from autodiff.show.names import all_named, names_of, variables
from autodiff.show.worked import columns, equation, padded, worked
from autodiff.symbols import Expression, Symbol, formula, rules
from autodiff.value import Value

MOST = 100_000  # operands, each a record; so many take seconds
LISTED = 60  # steps; a longer story is summed up when it is printed


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
    """

    name: str
    total: float
    entries: tuple[Contribution, ...]
    of: str

    def __str__(self) -> str:
        title = f"d{self.of}/d{self.name} = {short(self.total)}"
        if not self.entries:
            return title + (", by definition" if self.total else f": {self.of} does not depend on {self.name}")
        rows = [["from", "incoming", "", "local derivative", "", "contribution", "sum"]]
        for entry in self.entries:
            local = " = ".join(worked(entry.rule, entry.local))
            rows.append([entry.name, short(entry.incoming), "*", local, "=", short(entry.amount), short(entry.after)])
        return "\n".join([title, *columns(rows, right=(1, 5, 6))])

    def __repr__(self) -> str:
        return str(self)


class Steps:
    """The story of a gradient, from the first operation to the last contribution.

    Attributes:
        root: the node whose derivatives are told.
        leaves: the nodes that were not computed, in the order in which they are used.
        forward: the operations, in an order in which they can be computed.
        backward: the nodes that hand on their gradients, in the order of `backward()`.
    """

    def __init__(
        self,
        root: Value,
        names: Mapping[int, str],
        ours: Collection[int],
        order: Sequence[Value],
        leaves: Sequence[Value],
    ) -> None:
        self.root, self._names, self._ours, self.leaves = root, names, ours, tuple(leaves)
        uses = {id(node): Use(node, names, {}) for node in order}
        self.forward = tuple([Forward(n, names[id(n)], n.numbers[0], uses[id(n)]) for n in order])
        gradients = dict.fromkeys(names, 0.0)
        gradients[id(root)] = 1.0
        self.backward = tuple([self._handed_on(node, gradients, uses[id(node)]) for node in reversed(order)])
        self._gradients = gradients

    def _handed_on(self, node: Value, gradients: dict[int, float], use: Use) -> Backward:
        """Return the step of `node`, and add what it contributes to `gradients`."""
        incoming, name, op = gradients[id(node)], self._names[id(node)], node.op
        amounts = node.chain_rule(incoming)
        if not incoming and (op.piecewise or op.arity is None) and math.isfinite(node.numbers[0]):
            amounts = [0.0 for _ in amounts]  # `backward()` passes over such a node, so that 0 * inf is not asked
        contributions = []
        for i, (parent, local, amount) in enumerate(zip(node.parents, node.local_derivatives(), amounts, strict=True)):
            before = gradients[id(parent)]
            gradients[id(parent)] = after = before + amount
            contributions.append(
                Contribution(
                    node, name, parent, self._names[id(parent)], i, incoming, local, amount, before, after, use
                )
            )
        return Backward(node, name, incoming, tuple(contributions))

    @cached_property
    def nodes(self) -> dict[str, Value]:
        """The nodes by their names: leaves, then operations; of leaves with the same name, the first."""
        nodes: dict[str, Value] = {}
        for node in (*self.leaves, *[step.node for step in self.forward]):
            nodes.setdefault(self._names[id(node)], node)
        return nodes

    def name(self, node: Value) -> str:
        """Return the name of a node of this graph."""
        return self._names[id(self.node(node))]

    def gradient(self, node: Value | str) -> float:
        """Return the derivative of the root by a node, given itself or by its name."""
        return self._gradients[id(self.node(node))]

    def ledger(self, node: Value | str) -> Ledger:
        """Return every contribution that makes up the gradient of a node, given itself or by its name.

        >>> a = Value(3.0); b = a * a
        >>> steps(b).ledger(a)
        db/da = 6
        from  incoming     local derivative     contribution  sum
        b            1  *  a = 3             =             3    3
        b            1  *  a = 3             =             3    6
        """
        node = self.node(node)
        entries = tuple([c for step in self.backward for c in step.contributions if c.parent is node])
        return Ledger(self._names[id(node)], self._gradients[id(node)], entries, self._names[id(self.root)])

    def node(self, node: Value | str) -> Value:
        """Return a node of this graph, given itself or by its name.

        Raises:
            ValueError: if it is not of this graph.
        """
        if isinstance(node, str):
            if node not in self.nodes:
                known = ", ".join(list(self.nodes)[:20])
                raise ValueError(f"no node is called {node!r}; there are {known}{' ...' * (len(self.nodes) > 20)}")
            return self.nodes[node]
        if not isinstance(node, Value):
            raise TypeError(f"expected a Value of this graph or its name, got {type(node).__name__}: {node!r}")
        if id(node) not in self._names:
            raise ValueError(f"{node!r} is no part of the graph of {self._names[id(self.root)]}")
        return node

    def __contains__(self, node: Value) -> bool:
        return id(node) in self._names

    def is_named(self, node: Value) -> bool:
        """Return whether a node of this graph has a label, or is held by a variable."""
        return id(node) not in self._ours

    def use(self, node: Value, hidden: Mapping[int, Expression]) -> Use:
        """Return the formula and rules of an operation, with the `hidden` formulas in place of their nodes' names."""
        return Use(node, self._names, hidden)

    def __len__(self) -> int:
        return len(self.forward) + len(self.backward)

    def __str__(self) -> str:
        root = self._names[id(self.root)]
        if len(self) > LISTED:
            return f"the {len(self.forward)} operations of {root}, forward and backward"
        lines = columns([[step.name, *padded(worked(step.formula, step.result))] for step in self.forward])
        rows = [["from", "to", "local derivative", "incoming * local", "gradient"]]
        for c in [c for step in self.backward for c in step.contributions]:
            handed = equation(ops.MUL, c.incoming, c.local, c.amount)
            gradient = f"d{root}/d{c.parent_name} = {equation(ops.ADD, c.before, c.amount, c.after)}"
            rows.append([c.name, c.parent_name, " = ".join(worked(c.rule, c.local)), handed, gradient])
        start = f"backward, from d{root}/d{root} = 1"
        return "\n".join(["forward", *[f"  {x}" for x in lines], start, *[f"  {x}" for x in columns(rows)]])

    def __repr__(self) -> str:
        return f"<Steps of {self._names[id(self.root)]}: {len(self.forward)} operations>"


def steps(loss: Value) -> Steps:
    """Return the story of the derivatives of `loss`: each forward operation, then each step of the backward pass.

    The gradients start from 0, as after `zero_grad()`, so that the story is the same before `backward()` and after it,
    and no node is touched. Numbers are those of the forward pass, even if a leaf's data has changed since.

    >>> w, x, b = Value(3.0), Value(2.0), Value(1.0)
    >>> y = (w * x + b) ** 2
    >>> print(steps(y))
    forward
      v1  = w * x   = 3 * 2  = 6
      v2  = v1 + b  = 6 + 1  = 7
      y   = v2**2   = 7**2   = 49
    backward, from dy/dy = 1
      from  to  local derivative     incoming * local  gradient
      y     v2  2 * v2 = 2 * 7 = 14  1 * 14 = 14       dy/dv2 = 0 + 14 = 14
      v2    v1  1                    14 * 1 = 14       dy/dv1 = 0 + 14 = 14
      v2    b   1                    14 * 1 = 14       dy/db = 0 + 14 = 14
      v1    w   x = 2                14 * 2 = 28       dy/dw = 0 + 28 = 28
      v1    x   w = 3                14 * 3 = 42       dy/dx = 0 + 42 = 42

    In a notebook it shows itself as a drawing to step through; `Steps.save` writes that as a page.

    Raises:
        TypeError: if `loss` is no Value.
        ValueError: if it has more than 100,000 operands in all.
    """
    return tell(loss, variables(sys._getframe(1)))


def tell(loss: Value, held: Mapping[str, Any]) -> Steps:
    """Return the steps of `loss`, whose nodes without a label are called like the variables that hold them."""
    if not isinstance(loss, Value):
        hint = ": choose one of them" if isinstance(loss, list | tuple) else ""
        raise TypeError(f"expected one Value, got {type(loss).__name__}{hint}")
    order, leaves = walk(loss)
    operands = sum([len(node.parents) for node in order])
    if operands > MOST:
        raise ValueError(
            f"the graph has {len(order):,} operations on {operands:,} operands, and at most {MOST:,} are told step by "
            "step: take a part of it, such as the loss of a single example, or one neuron's output"
        )
    used = {id(parent): parent for node in order for parent in node.parents if not parent.op}
    leaves = list(used.values()) or leaves  # in the order of their use
    names, ours = all_named(order, leaves, names_of(held))
    return Steps(loss, names, ours, order, leaves)
