"""A forward and a backward pass over a graph, plain or bent by a misconception, and from numbers that somebody has.

It knows rows of calculus by what they answer, and no single operation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from autodiff.engine.elementary import chain
from autodiff.engine.value import Value
from autodiff.mistakes.graph import Edge, Graph
from autodiff.mistakes.misconception import Leaf, Misconception, early_order

Key = tuple[
    str, int, int
]  # what is asked: "value", "local", "contribution", "gradient" or "update"; the place, the operand
PLAIN = Misconception("", "", "", "")
NOTHING: Mapping[Key, float] = {}


class Sweep(NamedTuple):
    """The numbers of a forward and a backward pass.

    Attributes:
        values: the number of each node.
        locals: the local derivative of each edge.
        contributions: what each edge hands on.
        gradients: the gradient of each node.
        updates: a leaf after a step of descent.
    """

    values: Sequence[float]
    locals: dict[Edge, float]
    contributions: dict[Edge, float]
    gradients: Sequence[float]
    updates: Callable[[int], float]

    def number(self, key: Key) -> float:
        """Return one of these numbers."""
        kind, place, position = key
        if kind == "value":
            return self.values[place]
        if kind == "gradient":
            return self.gradients[place]
        if kind == "update":
            return self.updates(place)
        return (self.locals if kind == "local" else self.contributions)[place, position]


def bent_gradients(loss: Value, misconception: Misconception, at: Value | None = None) -> dict[Value, float]:
    """Return the gradient of each node as a person finds it who makes the mistake everywhere, or at one node alone.

    >>> from autodiff.mistakes import MISCONCEPTIONS
    >>> w, x = Value(3.0, "w"), Value(4.0, "x")
    >>> bent_gradients(w * x, MISCONCEPTIONS["factors of a product swapped"])[w]
    3.0
    """
    graph = Graph(loss)
    gradients = sweep(graph, misconception, None if at is None else graph.place[id(at)]).gradients
    return dict(zip(graph.nodes, gradients, strict=True))


def sweep(
    graph: Graph,
    bent: Misconception = PLAIN,
    at: int | None = None,
    given: Mapping[Key, float] = NOTHING,
    rate: float | None = None,
) -> Sweep:
    """Return the numbers of both passes.

    Args:
        graph: the graph.
        bent: the mistake that is made.
        at: the place of the one node at which it is made; everywhere if None.
        given: numbers to go on with in place of those that would be computed: somebody's answers.
        rate: the learning rate of a step of descent.
    """
    values = _forward(graph, bent, at, given)
    gradients = [0.0] * len(graph.nodes)
    inbox: list[list[float]] = [[] for _ in graph.nodes]
    slopes: dict[Edge, float] = {}
    contributions: dict[Edge, float] = {}
    kept = sweep(graph, given=given).gradients if bent.keeps_inner else ()
    for i in early_order(graph) if bent.early else reversed(graph.active):
        made = at in (None, i)
        if ("gradient", i, 0) in given:
            gradients[i] = given["gradient", i, 0]
        else:
            gradients[i] = _gathered(graph, bent, i, inbox[i], values, made)
            if kept and i != graph.root and graph.parents[i]:
                gradients[i] += kept[i]
        if not graph.parents[i]:
            continue
        own = _slopes(graph, bent if made else PLAIN, i, values)
        for position, (parent, slope) in enumerate(zip(graph.parents[i], own, strict=True)):
            local = given.get(("local", i, position), slope)
            if bent.contribution and made:
                amount = bent.contribution(gradients[i], local, values[i], i == graph.root)
            else:
                amount = gradients[i] * local
            amount = given.get(("contribution", i, position), amount)
            slopes[i, position], contributions[i, position] = local, amount
            inbox[parent].append(amount)
    known: Sequence[float] = gradients
    if bent.early:  # what comes after a node has handed on is still its own
        known = [
            given.get(("gradient", i, 0), g if i == graph.root else chain(inbox[i])) for i, g in enumerate(gradients)
        ]
    if bent.tangent:
        known = _Tangents(graph, bent, at, values, slopes, given)
    step = bent.step or _step
    return Sweep(values, slopes, contributions, known, lambda i: step(values[i], known[i], rate or 0.0))


def _step(w: float, gradient: float, rate: float) -> float:
    return w - rate * gradient


def _forward(graph: Graph, bent: Misconception, at: int | None, given: Mapping[Key, float]) -> Sequence[float]:
    if not bent.value and not any([key[0] == "value" for key in given]):
        return graph.numbers
    values = list(graph.numbers)
    for i in graph.active:
        parents = graph.parents[i]
        if ("value", i, 0) in given:
            values[i] = given["value", i, 0]
        elif parents:
            try:
                number = bent.value(graph.use(i, values)) if bent.value and at in (None, i) else None
                if number is not None:
                    values[i] = number
                elif any([values[parent] != graph.numbers[parent] for parent in parents]):
                    values[i] = graph.use(i, values).value()
            except (ArithmeticError, ValueError):
                values[i] = math.nan
    return values


def _slopes(graph: Graph, bent: Misconception, i: int, values: Sequence[float]) -> Sequence[float]:
    if values is graph.numbers and not bent.slopes:
        return graph.slopes[i]
    try:
        slopes = bent.slopes(graph.use(i, values)) if bent.slopes else None
        if slopes is not None:
            return slopes
        return graph.slopes[i] if values is graph.numbers else graph.use(i, values).slopes()
    except (ArithmeticError, ValueError):
        return [math.nan] * len(graph.parents[i])


def _gathered(
    graph: Graph, bent: Misconception, i: int, amounts: Sequence[float], values: Sequence[float], made: bool
) -> float:
    if i == graph.root:
        return bent.seed(values[i]) if bent.seed else 1.0
    gathered = bent.gather(amounts) if bent.gather and made and len(amounts) > 1 else None
    gathered = chain(amounts) if gathered is None else gathered
    return bent.leaf(gathered) if bent.leaf and made and not graph.parents[i] else gathered


class _Tangents(Sequence[float]):
    """The derivative of the root by each node, by a forward sweep in which tangents are bent: made when asked for."""

    def __init__(
        self,
        graph: Graph,
        bent: Misconception,
        at: int | None,
        values: Sequence[float],
        slopes: Mapping[Edge, float],
        given: Mapping[Key, float],
    ) -> None:
        self._graph, self._bent, self._at = graph, bent, at
        self._values, self._slopes, self._given = values, slopes, given

    def __len__(self) -> int:
        return len(self._graph.nodes)

    def __getitem__(self, start: Any) -> Any:
        if not 0 <= start < len(self):
            raise IndexError(start)
        if ("gradient", start, 0) in self._given:
            return self._given["gradient", start, 0]
        tangents: dict[int, float] = {start: 1.0}
        for i in range(start + 1, len(self)):
            known = [tangents.get(parent) for parent in self._graph.parents[i]]
            if any([tangent is not None for tangent in known]):
                tangents[i] = self._tangent(i, known, start)
        return tangents.get(self._graph.root, 0.0)

    def _tangent(self, i: int, known: Sequence[float | None], start: int) -> float:
        if self._bent.tangent and self._at in (None, i):
            try:
                use = self._graph.use(i, self._values)
                number = self._bent.tangent(use, known, Leaf(self._values[start], start in self._graph.parents[i]))
            except (ArithmeticError, ValueError):
                number = math.nan
            if number is not None:
                return number
        return chain([tangent * self._slopes[i, p] for p, tangent in enumerate(known) if tangent is not None])
