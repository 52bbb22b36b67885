"""The whole story of a gradient as records: each forward operation, then each step of the backward pass.

Nothing is computed here in a second way: the numbers are those that the nodes recorded, the contributions come from
their own chain rule, the formulas from the rows of calculus, and the order is the one in which `backward()` works.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from autodiff import files, ops
from autodiff.arguments import check_choice
from autodiff.nn.module import Module
from autodiff.notation import short
from autodiff.operands import flat
from autodiff.order import walk
from autodiff.show.drawing import ENGINES, Engine
from autodiff.show.fold import owners
from autodiff.show.names import all_named, as_met, model_of, names_of, variables
from autodiff.show.page import fragment, page
from autodiff.show.records import Backward, Contribution, Forward, Ledger, Use
from autodiff.show.worked import columns, equation, padded, worked
from autodiff.symbols import Expression
from autodiff.value import Value

MOST = 100_000  # operands, each a record; so many take seconds
LISTED = 100  # operations and contributions; a longer story is summed up when it is printed


class Steps:
    """The story of a gradient, from the first operation to the last contribution.

    Attributes:
        root: the node whose derivatives are told.
        leaves: the nodes that were not computed, in the order in which they are used.
        forward: the operations, in an order in which they can be computed.
        backward: the nodes that hand on their gradients, in the order of `backward()`.
        all_nodes: the leaves, then the operations.
        owners: by `id`, the paths of the modules that hold the parameters, if a variable holds the model.
        paths: by `id`, the paths of the parameters themselves, such as ``layers.0.neurons.1.bias``.
        engine: what draws the graph, as in `draw`.
    """

    def __init__(
        self,
        root: Value,
        names: Mapping[int, str],
        ours: Collection[int],
        order: Sequence[Value],
        leaves: Sequence[Value],
        model: Module | None,
        engine: Engine,
    ) -> None:
        self.root, self._names, self._ours, self.leaves = root, names, ours, tuple(leaves)
        self.all_nodes, self.engine = (*leaves, *order), engine
        self.owners = {} if model is None else owners(model)
        self.paths = {} if model is None else {id(node): name for name, node in model.named_parameters()}
        self._numbers: dict[int, float] = {}
        for node in order:
            self._numbers[id(node)], *operands = flat(node.numbers)
            for parent, number in zip(node.parents, operands, strict=False):  # a row's parameters are no parents
                self._numbers.setdefault(id(parent), number)
        # formulas have the numbers of leaves without a name, as they were written: 2 * x
        self._written = dict(names) | {id(leaf): short(self.number(leaf)) for leaf in leaves if id(leaf) in ours}
        uses = {id(node): Use(node, self._written, {}) for node in order}
        self.forward = tuple([Forward(n, names[id(n)], n.numbers[0], uses[id(n)]) for n in order])
        gradients = dict.fromkeys(names, 0.0)
        gradients[id(root)] = 1.0
        self.backward = tuple([self._handed_on(node, gradients, uses[id(node)]) for node in reversed(order)])
        self._gradients = gradients

    def _handed_on(self, node: Value, gradients: dict[int, float], use: Use) -> Backward:
        """Return the step of `node`, and add what it contributes to `gradients`."""
        incoming, name = gradients[id(node)], self._names[id(node)]
        amounts = node.chain_rule(incoming)
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
        """The nodes by their names: leaves, then operations."""
        return {self._names[id(node)]: node for node in self.all_nodes}

    def name(self, node: Value) -> str:
        """Return the name of a node of this graph."""
        return self._names[id(self.node(node))]

    def number(self, node: Value | str) -> float:
        """Return the number of a node in the forward pass, even if its data has been changed since."""
        node = self.node(node)
        return self._numbers.get(id(node), node.data)

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
        return Use(node, self._written, hidden)

    @property
    def html(self) -> str:
        """The steps as a page: one text that needs nothing else, neither a server nor the network.

        Raises:
            ValueError: if the graph is too large to be drawn.
        """
        return page(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the steps as a page, which opens from the file system.

        Raises:
            ValueError: if the graph is too large to be drawn, or the name does not end in .html.
        """
        name = files.path_name(path)
        if Path(name).suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"the steps are saved as a page, such as steps.html, got {name!r}")
        files.write(name, self.html.encode())

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        try:
            return {"text/html": fragment(self), "text/plain": str(self)}
        except (RuntimeError, ValueError) as error:
            return {"text/plain": f"{self}\n({error})"}

    def __len__(self) -> int:
        return len(self.forward) + len(self.backward)

    def __str__(self) -> str:
        root = self._names[id(self.root)]
        if len(self.forward) + sum([len(step.contributions) for step in self.backward]) > LISTED:
            return f"the steps of {root}: {len(self.forward):,} forward, {len(self.backward):,} backward"
        if not self.forward:
            return str(self.ledger(self.root))
        lines = columns([[step.name, *padded(worked(step.formula, step.result))] for step in self.forward])
        rows = [["from", "to", "local derivative", "incoming * local", "gradient"]]
        for c in [c for step in self.backward for c in step.contributions]:
            handed = equation(ops.MUL, c.incoming, c.local, c.amount)
            gradient = f"d{root}/d{c.parent_name} = {equation(ops.ADD, c.before, c.amount, c.after)}"
            number = "" if self.is_named(c.parent) or c.parent.op else f" = {self._written[id(c.parent)]}"
            rows.append([c.name, f"{c.parent_name}{number}", " = ".join(worked(c.rule, c.local)), handed, gradient])
        start = f"backward, from d{root}/d{root} = 1"
        return "\n".join(["forward", *[f"  {x}" for x in lines], start, *[f"  {x}" for x in columns(rows)]])

    def __repr__(self) -> str:
        return f"<Steps of {self._names[id(self.root)]}: {len(self.forward)} operations>"


def steps(loss: Value, *, engine: Engine = "auto") -> Steps:
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

    Args:
        loss: the node whose derivatives are told.
        engine: what draws the graph, as in `draw`.

    Raises:
        TypeError: if `loss` is no Value.
        ValueError: if it has more than 100,000 operands in all, or there is no such engine.
    """
    return tell(loss, variables(sys._getframe(1)), engine)


def tell(loss: Value, held: Mapping[str, Any], engine: Engine = "auto") -> Steps:
    """Return the steps of `loss`, whose nodes without a label are called like the variables that hold them."""
    if not isinstance(loss, Value):
        hint = ": choose one of them" if isinstance(loss, list | tuple) else ""
        raise TypeError(f"expected one Value, got {type(loss).__name__}{hint}")
    check_choice("engine", engine, ENGINES)
    order, leaves = walk(loss)
    operands = sum([len(node.parents) for node in order])
    if operands > MOST:
        raise ValueError(
            f"the graph has {len(order):,} operations on {operands:,} operands, and at most {MOST:,} are told step by "
            "step: take a part of it, such as the loss of a single example, or one neuron's output"
        )
    met = as_met(loss)
    leaves = [node for node in met if not node.op]
    names, ours = all_named(order, met, names_of(held))
    return Steps(loss, names, ours, order, leaves, model_of(held.values(), leaves), engine)
