"""A graph as lists, for passes that go over it many times: its nodes by their places, and one use of an operation."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from autodiff.engine.backward import toposort
from autodiff.engine.ops import NEG, Op
from autodiff.engine.value import Value

Edge = tuple[int, int]  # the place of a node, and which of its operands


class Use(NamedTuple):
    """One use of an operation, with the numbers that somebody has for it.

    Attributes:
        op: the row of calculus.
        out: the number of the output.
        xs: the numbers of the operands, one by one.
        static: the numbers that nothing is differentiated by, such as an exponent.
        bare: for each operand, whether it is a number that stands in the formula itself: the 2 of 2*x.
        negated: for each operand, whether it is the negative of another node: the -w of -w*x.
        beside: of a product in a sum of products, the numbers of the next product's operands; else empty.
    """

    op: Op
    out: float
    xs: Sequence[float]
    static: Sequence[float]
    bare: Sequence[bool]
    negated: Sequence[bool]
    beside: Sequence[float] = ()

    def value(self) -> float:
        """Return the number that the operation answers."""
        return self.op.value(*self.op.grouped(self.xs, self.static))

    def slopes(self) -> list[float]:
        """Return the local derivative by each operand."""
        return list(self.op.local(self.out, *self.op.grouped(self.xs, self.static)))

    def pairs(self) -> list[Edge]:
        """Return the positions of the operands that are multiplied with each other, pair by pair."""
        if self.op.name == "*" and len(self.xs) == 2:
            return [(0, 1)]
        left, right, _ = self.op.products(range(len(self.xs))) or ((), (), ())
        return list(zip(left, right, strict=True))


class Graph:
    """The graph of a loss: leaves, then operations, each after its operands.

    Args:
        loss: the node whose derivatives are asked for.
        named: whether a leaf has a name: others are numbers that stand in the formula itself. By its label if left out.

    Attributes:
        nodes: the nodes; a node is spoken of by its place in here.
        place: the place of each node, by its `id`.
        root: the place of the loss.
        numbers: the number of each in the forward pass.
        parents: the places of the operands of each.
        bare: whether each is a leaf without a name.
        active: the places that a pass goes over: all, or some after `restrict`.
        edges: for each node the edges by which it is used, in the order in which `backward()` goes over them.
    """

    def __init__(self, loss: Value, named: Callable[[Value], bool] = lambda leaf: bool(leaf.label)) -> None:
        order, leaves = toposort(loss)
        self.nodes: tuple[Value, ...] = (*leaves, *order)
        self.place = {id(node): i for i, node in enumerate(self.nodes)}
        self.root = self.place[id(loss)]
        self.parents = [tuple([self.place[id(parent)] for parent in node.parents]) for node in self.nodes]
        self.numbers = [node.saved[0] if node.op else node.data for node in self.nodes]
        for node in order:
            for parent, number in node.operands:
                self.numbers[self.place[id(parent)]] = number
        self.edges: list[list[Edge]] = [[] for _ in self.nodes]
        for i in reversed(range(len(self.nodes))):
            for position, parent in enumerate(self.parents[i]):
                self.edges[parent].append((i, position))
        self.active: Sequence[int] = range(len(self.nodes))
        self._static = [node.static for node in self.nodes]
        self.bare = [not node.op and not named(node) for node in self.nodes]

    @property
    def whole(self) -> bool:
        """Whether a pass goes over all nodes."""
        return len(self.active) == len(self.nodes)

    def restrict(self, about: Collection[int]) -> None:
        """Let passes go over these nodes and the nodes that use them, and leave the numbers of all others alone."""
        users = {user for i in about for user, _ in self.edges[i]}
        self.active = sorted(users.union(about))

    @cached_property
    def below(self) -> list[frozenset[int]]:
        """The places of the nodes that each node is computed from, and its own."""
        sets: list[frozenset[int]] = []
        for i, parents in enumerate(self.parents):
            sets.append(frozenset([i]).union(*[sets[parent] for parent in parents]))
        return sets

    @cached_property
    def slopes(self) -> list[Sequence[float]]:
        """The local derivatives of each node, at the numbers of the forward pass."""
        return [node.local_derivatives() for node in self.nodes]

    @cached_property
    def beside(self) -> dict[int, int]:
        """For each product in a sum of products, the place of the next one, and of the last the first."""
        found: dict[int, int] = {}
        for i in range(len(self.nodes)):
            if self.sign(i) == "+" and not any([self.sign(user) == "+" for user, _ in self.edges[i]]):
                products = [term for term in self._terms(i) if self.sign(term) == "*"]
                if len(products) > 1:
                    found.update(zip(products, [*products[1:], products[0]], strict=True))
        return found

    def sign(self, i: int) -> str:
        """Return the name of the operation that made a node of two operands, else nothing."""
        return str(self.nodes[i].op.name) if len(self.parents[i]) == 2 else ""

    def _terms(self, i: int) -> list[int]:
        if self.sign(i) != "+":
            return [i]
        return [term for parent in self.parents[i] for term in self._terms(parent)]

    def use(self, i: int, values: Sequence[float]) -> Use:
        """Return the use of an operation that made the node at `i`, with these numbers of all nodes."""
        node: Any = self.nodes[i]
        parents = self.parents[i]
        xs = [values[parent] for parent in parents]
        bare = [self.bare[parent] for parent in parents]
        negated = [self.nodes[parent].op is NEG for parent in parents]
        beside = [values[parent] for parent in self.parents[self.beside[i]]] if i in self.beside else ()
        return Use(node.op, values[i], xs, self._static[i], bare, negated, beside)
