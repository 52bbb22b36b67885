"""What a misconception is: its words, and how it bends a plain forward and backward pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from autodiff.mistakes.graph import Graph, Use


class Leaf(NamedTuple):
    """The leaf by which a whole formula is differentiated, seen from one operation.

    Attributes:
        number: its number.
        direct: whether it is an operand of the operation itself.
    """

    number: float
    direct: bool


Tangent = Callable[[Use, Sequence[float | None], Leaf], float | None]


class Misconception(NamedTuple):
    """One mistake that people make by hand: a row of the table.

    A hook that is None leaves its part of the pass as it is; one that answers None says that it does not apply there.

    Attributes:
        name: what it is called.
        did: what was done.
        why: why it is wrong, and what is right.
        look: what to look at.
        source: who describes it, where it is described.
        value: the number of an operation, from its use.
        slopes: its local derivatives, from its use.
        contribution: from the incoming gradient, the local derivative, the number of the node, and whether it is the
            root, what the node hands on.
        gather: from two or more contributions, the gradient.
        leaf: from the gradient of a leaf, the one that is written down.
        seed: from the number of the root, the gradient that the pass starts with.
        keeps_inner: whether inner nodes still have the gradients of an earlier pass.
        tangent: the derivative of an operation by one leaf, from its use, the derivatives of its operands (None of one
            that does not depend on the leaf) and the leaf: of mistakes with rules that people write for whole formulas.
        early: whether nodes hand on as soon as they are reached, the nearest to the root first.
        vague: whether it explains many numbers, so that others are named before it.
        step: from a weight, its gradient and the rate, the new weight.
    """

    name: str
    did: str
    why: str
    look: str
    source: str = ""
    value: Callable[[Use], float | None] | None = None
    slopes: Callable[[Use], Sequence[float] | None] | None = None
    contribution: Callable[[float, float, float, bool], float] | None = None
    gather: Callable[[Sequence[float]], float | None] | None = None
    leaf: Callable[[float], float] | None = None
    seed: Callable[[float], float] | None = None
    keeps_inner: bool = False
    tangent: Tangent | None = None
    step: Callable[[float, float, float], float] | None = None
    early: bool = False
    vague: bool = False

    def __str__(self) -> str:
        return self.name

    def places(self, graph: Graph) -> list[int]:
        """Return the nodes, by their places, at which the mistake can be made alone; none if it is of a whole pass."""
        operations = [i for i in graph.active if graph.parents[i]]
        if self.gather:
            counts = [(i, len(graph.edges[i])) for i in graph.active]
            return [i for i, count in counts if count > 1 and self.gather([1.0] * count) is not None]
        if self.contribution:
            return operations
        if self.tangent:
            return [i for i in operations if graph.whole and _answers_tangents(self.tangent, graph, i)]
        hook = self.slopes or self.value
        return [i for i in operations if hook and _answers(hook, graph, i)]

    def applies(self, graph: Graph, rate: float | None = None) -> bool:
        """Return whether the mistake can be made in a graph, in a step of descent if there is a rate."""
        if self.step:
            return rate is not None
        if self.early:
            turn = {i: k for k, i in enumerate(early_order(graph))} if graph.whole else {}
            return any([turn[user] > turn[i] for i in turn if graph.parents[i] for user, _ in graph.edges[i]])
        if self.keeps_inner:
            return graph.whole and any([parents and i != graph.root for i, parents in enumerate(graph.parents)])
        return graph.root in graph.active if self.seed else bool(self.leaf or self.places(graph))


def _answers(hook: Callable[[Use], object], graph: Graph, i: int) -> bool:
    try:
        return hook(graph.use(i, graph.numbers)) is not None
    except (ArithmeticError, ValueError):
        return False


def _answers_tangents(hook: Tangent, graph: Graph, i: int) -> bool:
    """Return whether the hook answers for a leaf from which an operand is computed."""
    use, parents = graph.use(i, graph.numbers), graph.parents[i]
    for leaf in [leaf for leaf, operands in enumerate(graph.parents) if not operands and leaf in graph.below[i]]:
        known = [0.5 if leaf in graph.below[parent] else None for parent in parents]  # any number
        try:
            if hook(use, known, Leaf(graph.numbers[leaf], leaf in parents)) is not None:
                return True
        except (ArithmeticError, ValueError):
            continue
    return False


def early_order(graph: Graph) -> list[int]:
    """Return the nodes in the order in which they are first reached from the root, the nearest first."""
    order = [graph.root]
    for i in order:
        order += [parent for parent in dict.fromkeys(graph.parents[i]) if parent not in order]
    return order
