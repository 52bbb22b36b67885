"""The whole story of a gradient as records: each forward operation, then each step of the backward pass.

Nothing is computed here in a second way: the numbers are those that the nodes recorded, the contributions come from
their own chain rule, the formulas from the rows of calculus, and the order is the one in which `backward()` works.
It knows no picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from autodiff.engine import ops
from autodiff.engine.backward import toposort
from autodiff.engine.value import Value
from autodiff.formulas.expression import Expression
from autodiff.formulas.writers import PARTIAL
from autodiff.show.graph.formula import NodeFormula
from autodiff.show.graph.modules import model_of
from autodiff.show.graph.names import naming
from autodiff.show.graph.traversal import as_met
from autodiff.show.story.beside import Compared, Other, compared
from autodiff.show.story.records import Backward, Contribution, Forward, Ledger
from autodiff.show.story.worked import MAX_WIDTH, columns, equation, equations, worked
from autodiff.support.labels import DIGITS, check_spec, short

MAX_OPERANDS = 100_000  # each is a record; so many take seconds
MAX_LISTED = 100  # operations and contributions; a longer story is summed up when it is printed


class Story:
    """The story of a gradient, from the first operation to the last contribution.

    Args:
        loss: the node whose derivatives are told.
        held: the variables, by which nodes without a label are called.
        number_format: how numbers are written, as in `format`.
        beside: numbers of somebody else, which are told beside the right ones.

    Attributes:
        root: the node whose derivatives are told.
        leaves: the nodes that were not computed, in the order in which they are used.
        forward: the operations, in an order in which they can be computed.
        backward: the nodes that hand on their gradients, in the order of `backward()`.
        all_nodes: the leaves, then the operations.
        paths: by `id`, the paths of the parameters, such as ``layers.0.neurons.1.bias``, if a variable holds the model.

    Raises:
        TypeError: if `loss` is no Value.
        ValueError: if it has more than 100,000 operands in all.
    """

    def __init__(
        self, loss: Value, held: Mapping[str, Any], number_format: str = DIGITS, beside: Other | None = None
    ) -> None:
        if not isinstance(loss, Value):
            hint = ": choose one of them" if isinstance(loss, list | tuple) else ""
            raise TypeError(f"expected one Value, got {type(loss).__name__}{hint}")
        self.number_format, self.beside = check_spec(number_format), beside
        order, _ = toposort(loss)
        operands = sum([len(node.parents) for node in order])
        if operands > MAX_OPERANDS:
            raise ValueError(
                f"the graph has {len(order):,} operations on {operands:,} operands, and at most {MAX_OPERANDS:,} are "
                "told step by step: take a part of it, such as the loss of a single example, or one neuron's output"
            )
        met = as_met([loss])
        self.root, self.leaves = loss, tuple([node for node in met if not node.op])
        self.all_nodes = (*self.leaves, *order)
        model = model_of(held.values(), self.leaves)
        self._names, self._ours = naming(order, met, held, model)
        self.paths = {} if model is None else {id(node): name for name, node in model.named_parameters()}
        self._numbers: dict[int, float] = {}
        for node in order:
            self._numbers[id(node)] = node.saved[0]
            for parent, number in node.operands:
                self._numbers.setdefault(id(parent), number)
        # formulas have the numbers of leaves without a name, as they were written: 2 * x
        bare = {id(leaf): self.short(self.number(leaf)).strip() for leaf in self.leaves if id(leaf) in self._ours}
        self._written = self._names | bare
        formulas = {id(node): self.formula_of(node, {}) for node in order}
        self.forward = tuple([Forward(n, self._names[id(n)], n.saved[0], formulas[id(n)]) for n in order])
        self._gradients = dict.fromkeys(self._names, 0.0) | {id(loss): 1.0}
        self._reached = {id(loss)}  # all others are in a branch not taken, as in `backward_pass`
        self.backward = tuple([self._handed_on(node, formulas[id(node)]) for node in reversed(order)])

    def _handed_on(self, node: Value, made_by: NodeFormula) -> Backward:
        """Return the step of `node`, and add what it contributes to the gradients so far."""
        gradients, names = self._gradients, self._names
        incoming, name = gradients[id(node)], names[id(node)]
        amounts = node.chain_rule(incoming) if id(node) in self._reached else [0.0] * len(node.parents)
        if id(node) in self._reached:
            self._reached.update([id(parent) for parent, taken in zip(node.parents, node._taken, strict=True) if taken])
        contributions = []
        for i, (parent, local, amount) in enumerate(zip(node.parents, node.local_derivatives(), amounts, strict=True)):
            before = gradients[id(parent)]
            gradients[id(parent)] = after = before + amount
            contributions.append(
                Contribution(node, name, parent, names[id(parent)], i, incoming, local, amount, before, after, made_by)
            )
        return Backward(node, name, incoming, tuple(contributions))

    @cached_property
    def nodes(self) -> dict[str, Value]:
        """The nodes by their names: leaves, then operations."""
        return {self._names[id(node)]: node for node in self.all_nodes}

    def name(self, node: Value) -> str:
        """Return the name of a node of this graph."""
        return self._names[id(self.node(node))]

    def number(self, node: Value | str) -> float:
        """Return the number of a node in the forward pass, even if its data has been changed since."""
        node = self.node(node)
        return self._numbers.get(id(node), node.data)

    def short(self, number: float) -> str:
        """Return a number in the format of this story."""
        return short(number, self.number_format)

    def worked(self, formula: Expression, result: float) -> list[str]:
        """Return a formula, the formula with its numbers, and its result, as far as they differ."""
        return worked(formula, result, self.number_format)

    def times(self, c: Contribution) -> str:
        """Return how a contribution is computed: ``4 * 2 = 8``."""
        return equation(ops.MUL, c.incoming, c.local, c.amount, self.number_format)

    def plus(self, c: Contribution) -> str:
        """Return how a contribution is added: ``0 + 8 = 8``."""
        return equation(ops.ADD, c.before, c.amount, c.after, self.number_format)

    @cached_property
    def compared(self) -> tuple[Compared, ...]:
        """Each number that both have, if somebody else's stand beside, in the order in which they come about."""
        if self.beside is None:
            return ()
        return tuple(compared(self.forward, self.backward, self.root, self._names[id(self.root)], self.beside))

    @cached_property
    def departure(self) -> Compared | None:
        """The first number that is another; None if none is."""
        return next((pair for pair in self.compared if not pair.same), None)

    def other(self, step: Forward | Backward, place: int | None = None) -> tuple[str, str]:
        """Return what somebody else has in a step, or in a contribution of it, and whether it is wrong.

        That is "", or "differs", or, where the first number is wrong, "departs".
        """
        pairs = self._compared_by_place.get((id(step), place), [])
        texts = ", ".join([f"{pair.name} = {self.short(pair.other).strip()}" for pair in pairs])
        mark = "departs" if self.departure in pairs else "" if all([pair.same for pair in pairs]) else "differs"
        return texts, mark

    @cached_property
    def _compared_by_place(self) -> dict[tuple[int, int | None], list[Compared]]:
        found: dict[tuple[int, int | None], list[Compared]] = {}
        steps = (*self.forward, *self.backward)
        for pair in self.compared:
            found.setdefault((id(steps[pair.step]), pair.place), []).append(pair)
        return found

    @property
    def departs(self) -> str:
        """Where the first number departs, in words."""
        first = self.departure
        if first is None:
            return "No number departs: here it comes to the same"
        right, other = self.short(first.right).strip(), self.short(first.other).strip()
        steps: tuple[Forward | Backward, ...] = (*self.forward, *self.backward)
        step = steps[first.step]
        what = first.name
        if isinstance(step, Backward) and first.place is not None and first.kind == "contribution":
            what = f"the contribution to {step.contributions[first.place].parent_name}"
        return f"First departs at {step.name}: {what} is {other} in place of {right}"

    def told(self, c: Contribution, width: int = MAX_WIDTH - 4) -> list[str]:
        """Return a contribution as equations one below the other: its local derivative, itself, the gradient so far."""
        rows = [
            (f"{PARTIAL}{c.name}/{PARTIAL}{c.parent_name}", self.worked(c.rule, c.local)),
            ("contribution", self.times(c).split(" = ")),
            (f"d{self._names[id(self.root)]}/d{c.parent_name}", self.plus(c).split(" = ")),
        ]
        return equations(rows, width)

    def gradient(self, node: Value | str) -> float:
        """Return the derivative of the root by a node, given itself or by its name."""
        return self._gradients[id(self.node(node))]

    def ledger(self, node: Value | str) -> Ledger:
        """Return every contribution that makes up the gradient of a node, given itself or by its name.

        >>> a = Value(3.0); b = a * a
        >>> Story(b, {"a": a, "b": b}).ledger(a)
        db/da = 6
        from  incoming     local derivative     contribution  sum
        b            1  *  a = 3             =             3    3
        b            1  *  a = 3             =             3    6
        """
        node = self.node(node)
        entries = tuple([c for step in self.backward for c in step.contributions if c.parent is node])
        return Ledger(
            self._names[id(node)], self._gradients[id(node)], entries, self._names[id(self.root)], self.number_format
        )

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

    def formula_of(self, node: Value, hidden: Mapping[int, Expression]) -> NodeFormula:
        """Return the formula and rules of an operation, with the `hidden` formulas in place of their nodes' names."""
        return NodeFormula(node, self._written, hidden)

    def __len__(self) -> int:
        return len(self.forward) + len(self.backward)

    def __str__(self) -> str:
        root = self._names[id(self.root)]
        if len(self.forward) + sum([len(step.contributions) for step in self.backward]) > MAX_LISTED:
            return f"the steps of {root}: {len(self.forward):,} forward, {len(self.backward):,} backward"
        if not self.forward:
            return str(self.ledger(self.root))
        lines = equations([(step.name, self.worked(step.formula, step.result)) for step in self.forward], MAX_WIDTH - 2)
        contributions = [c for step in self.backward for c in step.contributions]
        rows = [["from", "to", "local derivative", "incoming * local", "gradient"]]
        for c in contributions:
            gradient = f"d{root}/d{c.parent_name} = {self.plus(c)}"
            number = "" if self.is_named(c.parent) or c.parent.op else f" = {self._written[id(c.parent)]}"
            rows.append(
                [c.name, f"{c.parent_name}{number}", " = ".join(self.worked(c.rule, c.local)), self.times(c), gradient]
            )
        start = f"backward, from d{root}/d{root} = 1"
        table = columns(rows)
        if max(map(len, table)) > MAX_WIDTH - 2:
            told = [[f"{row[0]} to {row[1]}", *self.told(c)] for c, row in zip(contributions, rows[1:], strict=True)]
            table = [line if i == 0 else f"  {line}" for lines in told for i, line in enumerate(lines)]
        lines = ["forward", *[f"  {x}" for x in lines], start, *[f"  {x}" for x in table]]
        return "\n".join([*lines, *self._told_beside()])

    def _told_beside(self) -> list[str]:
        """Return what somebody else's numbers come to, as lines."""
        if self.beside is None:
            return []
        wrong = [pair for pair in self.compared if pair.kind == "gradient" and not pair.same]
        rows = [["", "right", "here"]]
        rows += [[pair.name, self.short(pair.right), self.short(pair.other)] for pair in wrong]
        table = [f"  {line}" for line in columns(rows, (1, 2))] if wrong else []
        return [f"beside: {self.beside.name}", f"  {self.departs}", *table]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._names[id(self.root)]}: {len(self.forward)} operations>"
