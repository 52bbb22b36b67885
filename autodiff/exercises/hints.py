"""The ladder of hints for a question: which rule, the rule with names, with numbers, and the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autodiff.engine.value import Value
from autodiff.formulas.expression import Expression, Symbol, formula, rules
from autodiff.mistakes.graph import Edge, Graph
from autodiff.mistakes.sweep import Key, Sweep
from autodiff.mistakes.table import ADDS_UP, CHAIN, STEP
from autodiff.show.story.story import Story
from autodiff.support.labels import short

TURN = "A node may hand on only when every node that it is an operand of has done so."


class Hints:
    """Makes the hints.

    Args:
        story: the graph in names and formulas.
        graph: the graph as lists.
        names: what each number of the sheet is called, by its key.
        plain: the right numbers.
        rate: the learning rate, or None.
    """

    def __init__(self, story: Story, graph: Graph, names: Mapping[Key, str], plain: Sweep, rate: float | None) -> None:
        self._story, self._graph, self._names, self._plain, self._rate = story, graph, names, plain, rate

    def of(self, key: Key) -> tuple[str, ...]:
        """Return the hints for the number of a key, each once."""
        return tuple(dict.fromkeys(self._ladder(key)))

    def _ladder(self, key: Key) -> tuple[str, ...]:
        kind, i, position = key
        node, name = self._graph.nodes[i], self._names[key]
        shown = f"{name} = {short(self._plain.number(key))}"
        if kind == "value":
            written = self._story.formula_of(node, {}).formula
            return (f"{name} is made by the operation {node.op}.", *_filled(name, written), shown)
        if kind == "local":
            return (*self._local(name, (i, position)), shown)
        if kind == "update":
            w, gradient, rate = self._names["value", i, 0], self._names["gradient", i, 0], short(self._rate or 0.0)
            numbers = f"{short(self._plain.values[i])} - {rate} * {_bracketed(self._plain.gradients[i])}"
            return (STEP, f"{name} = {w} - {rate} * {gradient}", f"{name} = {numbers}", shown)
        if kind == "contribution":
            return (CHAIN, *self._products(name, [(("gradient", key[1], 0), ("local", *key[1:]))]), shown)
        if i == self._graph.root:
            return ("The pass starts with the derivative of the output by itself.", f"{name} = 1", shown)
        edges = self._graph.edges[i]
        if len(edges) == 1 and edges[0][0] == self._graph.root:
            return (*self._local(name, edges[0]), shown)
        if len(edges) == 1:
            return (CHAIN, *self._products(name, [(("gradient", edges[0][0], 0), ("local", *edges[0]))]), shown)
        return (ADDS_UP, *self._products(name, [(("contribution", *edge),) for edge in edges]), shown)

    def _local(self, name: str, edge: Edge) -> list[str]:
        node, position = self._graph.nodes[edge[0]], edge[1]
        return [_rule_of(node, position), *_filled(name, self._story.formula_of(node, {}).rules[position])]

    def of_turn(self, early: Sequence[str], answer: str) -> tuple[str, ...]:
        """Return the hints for whose turn it is."""
        return (TURN, f"Which nodes use {' and '.join(early)}, and have they all handed on?", answer)

    def _products(self, name: str, terms: Sequence[Sequence[Key]]) -> tuple[str, str]:
        """Return an equation with names, and with numbers."""
        named = " + ".join([" * ".join([self._names[key] for key in term]) for term in terms])
        numbers = [" * ".join([_bracketed(self._plain.number(key)) for key in term]) for term in terms]
        return f"{name} = {named}", f"{name} = {' + '.join(numbers)}"


def _filled(name: str, written: Expression) -> list[str]:
    """Return an equation with names, and with numbers where that is another one."""
    return list(dict.fromkeys([f"{name} = {written}", f"{name} = {written.text(numbers=True)}"]))


def _rule_of(node: Value, position: int) -> str:
    """Return the rule of an operation in the names of its operands: d(x**2)/dx = 2 * x."""
    op = node.op
    if op.arity is None:
        return f"The rule of {op}: its derivative by each operand."
    operands = op.grouped([Symbol(name) for name in op.operand_names[: op.arity]], node.static)
    try:
        rule = rules(op, *operands)[position]
    except (TypeError, ValueError):  # the rule of an operation of one's own may take numbers alone
        return f"The rule of {op}."
    return f"The rule: d({formula(op, *operands)})/d{op.operand_names[position]} = {rule}"


def _bracketed(number: float) -> str:
    text = short(number)
    return f"({text})" if text.startswith("-") else text
