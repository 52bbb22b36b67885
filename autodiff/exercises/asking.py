"""What is asked about a graph, in an order in which it can be answered."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from autodiff.exercises.hints import Hints
from autodiff.exercises.question import Kind, Question
from autodiff.exercises.written import program
from autodiff.mistakes import MISCONCEPTIONS
from autodiff.mistakes.graph import Edge, Graph
from autodiff.mistakes.sweep import Key, sweep
from autodiff.show.graph.formula import NodeFormula
from autodiff.show.story.story import Story
from autodiff.support.labels import short

RATE = "rate"  # what the learning rate is called in rules
MAX_TURNS = 2  # questions of whose turn it is
LETTERS = {"value": "n", "local": "d", "contribution": "c", "gradient": "g", "update": "u"}


class Asked(NamedTuple):
    """What an exercise is about.

    Attributes:
        story: the graph in names and formulas.
        graph: the graph as lists.
        about: the places of the nodes that are asked about.
        rate: the learning rate of a step of descent, or None.
        weights: the places of the leaves that the step moves.
    """

    story: Story
    graph: Graph
    about: frozenset[int]
    rate: float | None
    weights: tuple[int, ...]


class Asker:
    """Makes the questions about a graph.

    Args:
        asked: what the exercise is about.

    Attributes:
        names: what each number of the sheet is called, by its key.
        plain: the right numbers.
        given: those gradients that are not asked for, and so are given.
        bent: the misconceptions that can be made here, each with the numbers that it leads to.
        rate_name: what the learning rate is called.
    """

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.graph, self.story = asked.graph, asked.story
        self.plain = sweep(self.graph, rate=asked.rate)
        self.given: dict[Key, float] = {}
        self._restrict()
        self.names: dict[Key, str] = {}
        self._taken: set[str] = set()
        self.root = self.story.name(self.story.root)
        for key, name in self._named():
            self.names[key] = self._own(name)
        self.rate_name = self._own(RATE)
        self._words = {word(key): name for key, name in self.names.items()} | {RATE: self.rate_name}
        self._written = {id(node): self._in_rules(i) for i, node in enumerate(self.graph.nodes)}
        self._hints = Hints(self.story, self.graph, self.names, self.plain, asked.rate)
        rows = [row for row in MISCONCEPTIONS.values() if row.applies(self.graph, asked.rate)]
        self.bent = [(row, sweep(self.graph, row, given=self.given, rate=asked.rate)) for row in rows]

    def questions(self) -> Iterator[Question]:
        """Yield the questions in order."""
        about, graph = self.asked.about, self.graph
        for i in graph.active:
            if graph.parents[i] and i in about:
                yield self._value(i)
        handed_on: list[int] = []
        turns = 0
        waiting = [i for leaf in self.story.leaves if (i := graph.place[id(leaf)]) in about and i != graph.root]
        for i in [i for i in reversed(graph.active) if graph.parents[i]]:
            if i in about:
                if turns < MAX_TURNS and self._early(handed_on):
                    turns += 1
                    yield self._turn(i, turns, handed_on)
                yield from self._gradient(i)
            yield from self._locals(i)
            handed_on.append(i)
            for leaf in [leaf for leaf in waiting if {user for user, _ in graph.edges[leaf]} <= {*handed_on}]:
                yield from self._gradient(leaf)
                waiting.remove(leaf)
        for i in self.asked.weights:
            yield self._update(i)

    def _restrict(self) -> None:
        """Where not all operations are asked about, leave all others out of what follows."""
        about = self.asked.about
        if not all([i in about for i, parents in enumerate(self.graph.parents) if parents]):
            self.graph.restrict(about)
            users = [i for i in self.graph.active if i not in about]
            self.given = {("gradient", i, 0): self.plain.gradients[i] for i in users}

    # The names of numbers.

    def _named(self) -> Iterator[tuple[Key, str]]:
        """Yield each number of the sheet with its name, those first whose names nothing else may have."""
        name, root = self.story.name, self.root
        nodes = list(enumerate(self.graph.nodes))
        yield from [(("value", i, 0), name(node)) for i, node in nodes]
        yield from [(("gradient", i, 0), f"d{root}/d{name(node)}") for i, node in nodes]
        for i, node in nodes:
            for position, parent in enumerate(node.parents):
                d = "∂" if i == self.graph.root else "d"
                yield ("local", i, position), f"{d}{name(node)}/{d}{name(parent)}"
                yield ("contribution", i, position), f"d{root}/d{name(parent)} via {name(node)}"
        yield from [(("update", i, 0), f"new {name(self.graph.nodes[i])}") for i in self.asked.weights]

    def _own(self, name: str) -> str:
        """Return the name, with a number behind it if another number of the sheet has it."""
        own, count = name, 1
        while own in self._taken:
            count += 1
            own = f"{name}#{count}"
        self._taken.add(own)
        return own

    def _in_rules(self, i: int) -> str:
        """Return what stands for the number of a node in a rule: a word, or the number itself if it has no name."""
        if self.graph.bare[i]:
            number = repr(self.graph.numbers[i]).removesuffix(".0")
            return f"({number})" if number.startswith("-") else number
        return word(("value", i, 0))

    # The questions.

    def _value(self, i: int) -> Question:
        node = self.graph.nodes[i]
        key: Key = ("value", i, 0)
        prompt = f"{self.names[key]} = {self.story.formula_of(node, {}).formula}"
        return self._question(key, "value", prompt, program(NodeFormula(node, self._written, {}).formula))

    def _locals(self, i: int) -> Iterator[Question]:
        for position, parent in enumerate(self.graph.parents[i]):
            if parent in self.asked.about and not self.is_whole((i, position)):
                key: Key = ("local", i, position)
                formula = self.story.formula_of(self.graph.nodes[i], {}).formula
                prompt = f"{self.names[key]}, the local derivative of {formula}"
                yield self._question(key, "local", prompt, self._slope((i, position)))

    def _slope(self, edge: Edge) -> str:
        return program(NodeFormula(self.graph.nodes[edge[0]], self._written, {}).rules[edge[1]])

    def is_whole(self, edge: Edge) -> bool:
        """Return whether a local derivative of the root is a whole gradient: then it is asked for once."""
        i, position = edge
        return i == self.graph.root and len(self.graph.edges[self.graph.parents[i][position]]) == 1

    def _gradient(self, i: int) -> Iterator[Question]:
        key: Key = ("gradient", i, 0)
        edges, name, node = self.graph.edges[i], self.names[key], self.names["value", i, 0]
        if i == self.graph.root:
            yield self._question(key, "gradient", f"{name}, with which the backward pass starts", "1")
            return
        if len(edges) == 1:
            yield self._question(key, "gradient", f"{name}, the gradient of {node}", self._handed_on(edges[0]))
            return
        for edge in edges:
            part: Key = ("contribution", *edge)
            prompt = f"{self.names[part]}, what {self.names['value', edge[0], 0]} contributes to the gradient of {node}"
            yield self._question(part, "contribution", prompt, self._handed_on(edge))
        rule = " + ".join([word(("contribution", *edge)) for edge in edges])
        yield self._question(key, "gradient", f"{name}, the gradient of {node}, from {len(edges)} contributions", rule)

    def _handed_on(self, edge: Edge) -> str:
        local = f"({self._slope(edge)})" if self.is_whole(edge) else word(("local", *edge))
        return f"{word(('gradient', edge[0], 0))} * {local}"

    def _update(self, i: int) -> Question:
        key: Key = ("update", i, 0)
        rate = f"{self.rate_name} {short(self.asked.rate or 0.0)}"
        prompt = f"{self.names[key]}, {self.names['value', i, 0]} after a step of descent with the {rate}"
        return self._question(key, "update", prompt, f"{word(('value', i, 0))} - {RATE} * {word(('gradient', i, 0))}")

    def _reached(self, handed_on: Collection[int]) -> list[int]:
        """Return the operations that have been given something, and have not handed on."""
        parents = {parent for i in handed_on for parent in self.graph.parents[i]}
        return sorted([i for i in parents - {*handed_on} if self.graph.parents[i]])

    def _early(self, handed_on: Collection[int]) -> list[int]:
        """Return those that would hand on too early."""
        return [i for i in self._reached(handed_on) if not {user for user, _ in self.graph.edges[i]} <= {*handed_on}]

    def _turn(self, i: int, count: int, handed_on: Collection[int]) -> Question:
        reached, early = self._reached(handed_on), self._early(handed_on)
        names = [self.names["value", place, 0] for place in handed_on]
        name = self._own(f"turn {count}")
        prompt = f"{name}: {', '.join(names)} {'has' if len(names) == 1 else 'have'} handed on; which node may be next?"
        choices = tuple([self.names["value", place, 0] for place in reached])
        accepted = tuple([self.names["value", place, 0] for place in reached if place not in early])
        mistakes = {"not in topological order": self.names["value", early[0], 0]}
        answer = self.names["value", i, 0]
        key: Key = ("turn", i, 0)
        hints = self._hints.of_turn([self.names["value", place, 0] for place in early], answer)
        return Question(
            *(name, "turn", prompt, answer), mistakes=mistakes, choices=choices, accepted=accepted, key=key, hints=hints
        )

    def _question(self, key: Key, kind: Kind, prompt: str, rule: str) -> Question:
        uses = {w: self._words[w] for w in words(rule) if w in self._words}
        answer = self.plain.number(key)
        mistakes = {row.name: x for row, bent in self.bent if differs(x := bent.number(key), answer)}
        name = self.names[key]
        return Question(name, kind, prompt, answer, rule, uses, mistakes, key=key, hints=self._hints.of(key))

    # What can be told apart.

    def alike(self, questions: Collection[Question]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
        """Return the misconceptions that lead to all the right answers, and the groups that lead to the same ones."""
        groups: dict[tuple[str, ...], list[str]] = {}
        asked = [question for question in questions if question.kind != "turn"]
        for row, _ in self.bent:
            answers = tuple([format(q.mistakes.get(row.name, q.answer), ".4g") for q in asked])
            groups.setdefault(answers, []).append(row.name)
        hidden = groups.pop(tuple([format(q.answer, ".4g") for q in asked]), [])
        return tuple(hidden), tuple([tuple(group) for group in groups.values() if len(group) > 1])


def differs(number: float, right: float) -> bool:
    """Return whether a misconception leads to another number, and not only in the last bits."""
    return math.isfinite(number) and not math.isclose(number, right, rel_tol=1e-9, abs_tol=1e-12)


def word(key: Key) -> str:
    """Return the name of a number in rules, which is an identifier: ``n3``, ``d3_0``, ``c3_0``, ``g3``, ``u3``."""
    kind, i, position = key
    return f"{LETTERS[kind]}{i}_{position}" if kind in ("local", "contribution") else f"{LETTERS[kind]}{i}"


def words(rule: str) -> list[str]:
    """Return the names in a rule, each once."""
    return list(dict.fromkeys(re.findall(r"[a-z]\w*", rule)))
