"""`exercise`: a graph as questions that a learner answers, and the answers corrected."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property
from types import MappingProxyType
from typing import Any

from autodiff.engine.value import Value
from autodiff.exercises.asking import Asked, Asker
from autodiff.exercises.feedback import Feedback
from autodiff.exercises.marking import Marker
from autodiff.exercises.question import Question
from autodiff.exercises.reading import Answer, read, read_turn
from autodiff.exercises.sheets.formats import Correction, Format, save
from autodiff.exercises.sheets.page import fragment, page
from autodiff.exercises.sheets.paper import Folded, Paper
from autodiff.formulas.vocabulary import CONSTANTS
from autodiff.mistakes.graph import Graph
from autodiff.show.graph.names import variables
from autodiff.show.picture.drawing import Engine
from autodiff.show.story.story import Story
from autodiff.show.story.worked import worked
from autodiff.support.arguments import check_range, got
from autodiff.support.labels import short
from autodiff.support.operands import several

MAX_QUESTIONS = 60  # of one exercise: more than an afternoon
NEAR = 1e-9  # of an operand, or of 1: how far a kink is looked for
JUMP = 1e-3  # of a slope, or of 1: more is a kink
MAX_OPERATIONS = 300  # of its graph, which each misconception goes over


class Exercise:
    """Questions about a graph; made by `exercise` and `autodiff.exercises.generate`.

    Attributes:
        loss: the node whose gradients are asked for.
        lines: the formula in steps, as it stands on the sheet.
        givens: what is given, by name: the leaves, and what of the rest is not asked.
        questions: what is asked, in an order in which it can be answered.
        made: how it can be made again: level, seed and copy of a generated one, or what the command line was given;
            empty if it was made in Python.
        level: of a generated exercise, else None.
        seed: of a generated exercise, else None.
    """

    def __init__(self, asked: Asked, made: Mapping[str, Any] = MappingProxyType({})) -> None:
        self.loss, self.made = asked.story.root, dict(made)
        self.level: int | None = made.get("level")
        self.seed: int | None = made.get("seed")
        self._asked, self._asker = asked, Asker(asked)
        self.questions: tuple[Question, ...] = tuple(self._asker.questions())
        if not self.questions:
            raise ValueError("there is nothing to ask: the graph has no operation, or `about` names no node")
        if len(self.questions) > MAX_QUESTIONS:
            raise ValueError(
                f"there are {len(self.questions)} questions in this graph, and at most {MAX_QUESTIONS} are asked: "
                "choose a part by about=[...], the nodes that are asked about"
            )
        self._places = {question.name: i for i, question in enumerate(self.questions)}

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The formula in steps: ``z = w * x``."""
        return tuple([f"{step.name} = {step.formula}" for step in self._asked.story.forward])

    @cached_property
    def givens(self) -> Mapping[str, float]:
        """The numbers that are given, by name."""
        asker, graph = self._asker, self._asked.graph
        leaves = [graph.place[id(leaf)] for leaf in self._asked.story.leaves]
        given = {asker.names["value", i, 0]: graph.numbers[i] for i in leaves if not graph.bare[i]}
        keys = {name: key for key, name in asker.names.items()}
        for question in self.questions:
            others = [name for name in question.uses.values() if name in keys and name not in self._places]
            given.update({name: asker.plain.number(keys[name]) for name in others})
        return given | ({asker.rate_name: self._asked.rate} if self._asked.rate is not None else {})

    @cached_property
    def _alike(self) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
        return self._asker.alike(self.questions)

    @property
    def hidden(self) -> tuple[str, ...]:
        """The misconceptions that can be made here and lead to all the right answers, so that nothing shows them."""
        return self._alike[0]

    @property
    def ambiguous(self) -> tuple[tuple[str, ...], ...]:
        """The groups of misconceptions that lead to the same answers here, so that nothing tells them apart."""
        return self._alike[1]

    @property
    def story(self) -> Story:
        """The story of the graph, which has the names of its nodes and their formulas."""
        return self._asked.story

    def __getitem__(self, name: str) -> Question:
        """Return the question of that name."""
        if name not in self._places:
            near = get_close_matches(str(name), self._places, 3)
            there = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(self._places)}"
            raise ValueError(f"nothing called {name!r} is asked: {there}")
        return self.questions[self._places[name]]

    def read(self, name: str, answer: Any) -> Answer:
        """Return an answer to a question, read.

        Raises:
            AnswerError: a `ValueError`, if it is no number or formula; it says which answer and what is read.
        """
        question = self[name]
        if question.kind == "turn":
            return read_turn(question.name, answer, question.choices)
        return read(question.name, answer, [*self._asker.names.values(), self._asker.rate_name])

    def check(self, answers: Mapping[str, Any]) -> Feedback:
        """Return what is said of answers: by the names of the questions, numbers or texts; None or "" is none.

        >>> w, x = Value(3.0, "w"), Value(4.0, "x")
        >>> feedback = exercise(w * x).check({"dv1/dw": "3"})
        >>> feedback["dv1/dw"].verdict, feedback["dv1/dw"].misconceptions[0]
        ('misconception', 'factors of a product swapped')

        Raises:
            ValueError: if there is no such question, or an answer is no number or formula.
        """
        if not isinstance(answers, Mapping):
            raise TypeError(f"the answers must be a dict by the names of the questions, {got(answers)}")
        given = {
            self[name].name: self.read(name, answer)
            for name, answer in answers.items()
            if answer is not None and (not isinstance(answer, str) or answer.strip())
        }
        return self._marker.mark(given)

    @cached_property
    def _marker(self) -> Marker:
        return Marker(self.questions, self._asker, self._asked)

    def leads(self, name: str) -> Mapping[str, Sequence[float | str]]:
        """Return the answers to a question that each misconception leads to, made everywhere or at a single node."""
        question = self[name]
        if question.kind == "turn":
            return {row: [answer] for row, answer in question.mistakes.items()}
        return self._marker.leads(question)

    def hints(self, name: str) -> tuple[str, ...]:
        """Return the ladder of hints for a question: which rule, the rule with names, with numbers, the answer.

        >>> w, x = Value(3.0, "w"), Value(4.0, "x")
        >>> exercise(w * x).hints("dv1/dw")
        ('The rule: d(x * y)/dx = y', 'dv1/dw = x', 'dv1/dw = 4')
        """
        return self[name].hints

    def folded(self, *names: str) -> Folded:
        """Return some questions as a notebook shows them: each with its hint and its solution folded away, no script.

        >>> w, x = Value(3.0, "w"), Value(4.0, "x")
        >>> print(exercise(w * x).folded("dv1/dw"))
        v1 = w * x
        given w = 3, x = 4
        1. dv1/dw, the gradient of w

        Args:
            names: the questions; all if left out.

        Raises:
            ValueError: if there is no such question.
        """
        return Folded(self, [self[name] for name in names] or self.questions)

    @property
    def html(self) -> str:
        """The exercise as a page: one text that needs nothing else, neither a server nor the network.

        Raises:
            ValueError: if the graph is too large to be drawn.
        """
        return page([self])

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        format: Format | None = None,
        feedback: Correction = "here",
        key: bool = False,
        paper: Paper = "a4",
        engine: Engine = "auto",
    ) -> None:
        """Write the exercise to a file: a page, which is also printed, or a file for a course tool.

        Args:
            path: where; the name ends in .html for a page, .pdf for paper, .xml for Moodle, .zip for QTI 3 and Canvas.
            format: "page", "pdf", "moodle", "qti3" or "canvas"; without it a PDF if the name says so, else a page.
            feedback: whether the page corrects answers "here", for which it carries the key in its source, or "none",
                which carries no key and hands the answers over as a file.
            key: whether the answers, how they follow, and the mistakes are printed under a page, or after a sheet.
            paper: the size of a PDF, "a4" or "letter"; a page is printed on what the printer has.
            engine: what draws the graph, as in `draw`.

        Raises:
            ValueError: if the name does not end so, the graph is too large to be drawn, or options do not go together.
            RuntimeError: for a PDF, if ``pip install 'autodiff-scalar[pdf]'`` is missing.
        """
        save([self], path, format=format, feedback=feedback, key=key, paper=paper, engine=engine)

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        try:
            return {"text/html": fragment(self), "text/plain": str(self)}
        except (RuntimeError, ValueError) as error:
            return {"text/plain": f"{self}\n({error})"}

    def __str__(self) -> str:
        givens = ", ".join([f"{name} = {short(number)}" for name, number in self.givens.items()])
        questions = [f"{i:2}. {question.prompt}" for i, question in enumerate(self.questions, 1)]
        return "\n".join([*self.lines, f"given {givens}", *questions])

    def __repr__(self) -> str:
        return f"<Exercise of {len(self.questions)} questions on {self._asked.story.name(self.loss)}>"


def exercise(
    loss: Value,
    *,
    about: Sequence[Value | str] | None = None,
    rate: float | None = None,
    weights: Sequence[Value | str] | None = None,
) -> Exercise:
    """Return the questions about a graph, which a learner answers by hand, and which correct the answers.

    >>> w, x = Value(3.0, "w"), Value(4.0, "x")
    >>> [question.name for question in exercise(w * x).questions]
    ['v1', 'dv1/dv1', 'dv1/dw', 'dv1/dx']

    Args:
        loss: the node whose gradients are asked for.
        about: the nodes that are asked about, themselves or by their names; the numbers of others are given. All
            nodes if left out.
        rate: the learning rate: then the weights after a step of descent are asked for, too.
        weights: the leaves that the step moves; all that have names if left out.

    Raises:
        TypeError: if `loss` is no Value.
        ValueError: if there is too much to ask, or a node has a kink there, or a number that is not finite.
    """
    return exercise_of(Story(loss, variables(sys._getframe(1))), about=about, rate=rate, weights=weights)


def exercise_of(
    story: Story,
    *,
    about: Sequence[Value | str] | None = None,
    rate: float | None = None,
    weights: Sequence[Value | str] | None = None,
    made: Mapping[str, Any] = MappingProxyType({}),
) -> Exercise:
    """Return the exercise of a story: see `exercise`."""
    if about is None and len(story.forward) > MAX_OPERATIONS:
        raise ValueError(
            f"the graph has {len(story.forward):,} operations, and at most {MAX_OPERATIONS} are asked about at once: "
            "choose a part by about=[...], the nodes that are asked about, or take the loss of a single example"
        )
    if not story.forward:
        raise ValueError(f"there is nothing to ask: {story.name(story.root)} was not computed from anything")
    these = None if about is None else [story.node(node) for node in several("about", about, "Values or names")]
    operations = len({id(node) for node in these or () if node.op})
    if operations > MAX_QUESTIONS:  # there is a question about each, or more
        raise ValueError(f"about has {operations:,} operations, and at most {MAX_QUESTIONS} questions are asked")
    graph = Graph(story.root, lambda leaf: story.is_named(leaf) and not _is_constant(leaf))
    named = [leaf for leaf in story.leaves if not graph.bare[graph.place[id(leaf)]]]
    nodes = [*named, *[step.node for step in story.forward]] if these is None else these
    chosen = frozenset([graph.place[id(node)] for node in nodes])
    _check_numbers(story, graph, chosen)
    moved = _moved(story, graph, named if weights is None else weights, rate)
    if weights is not None and rate is None:
        raise ValueError("weights go with a rate, by which a step of descent moves them: give rate=0.1")
    return Exercise(Asked(story, graph, chosen, rate, moved), made)


def _moved(story: Story, graph: Graph, weights: Sequence[Value | str], rate: float | None) -> tuple[int, ...]:
    """Return the places of the leaves that a step of descent moves; none without a rate."""
    nodes = [story.node(node) for node in several("weights", weights, "Values or names")]
    for node in nodes:
        if node.op:
            raise ValueError(f"weights must be leaves, {story.name(node)} is computed from others")
    if rate is None:
        return ()
    check_range("rate", rate, positive=True)
    return tuple([graph.place[id(node)] for node in nodes])


def _is_constant(leaf: Value) -> bool:
    """Return whether a leaf is pi or e, as the reader of formulas makes them."""
    return CONSTANTS.get(leaf.label) == leaf.data


def _check_numbers(story: Story, graph: Graph, about: Collection[int]) -> None:
    """Raise `ValueError` if a number that is needed is not finite, or is a kink, where a derivative is a convention."""
    needed = {user for i in about for user, _ in graph.edges[i]}.union(about)
    for i in sorted(needed.union([parent for place in needed for parent in graph.parents[place]])):
        if not math.isfinite(graph.numbers[i]):
            raise ValueError(f"{story.name(graph.nodes[i])} is {graph.numbers[i]}: an exercise needs finite numbers")
    for step in story.forward:
        if graph.place[id(step.node)] in needed:
            told = " = ".join([step.name, *worked(step.formula, step.result)])
            if not all(map(math.isfinite, step.node.local_derivatives())):
                raise ValueError(f"{told} has no finite slope there: choose other numbers")
            if _has_kink(step.node):
                raise ValueError(f"{told} has a kink there, where the slope is a convention: choose other numbers")


def _has_kink(node: Value) -> bool:
    """Return whether the slopes jump where an operand is a little smaller or larger."""
    numbers, static = [number for _, number in node.operands], node.static
    slopes = node.local_derivatives()
    for i, x in enumerate(numbers):
        for step in (-NEAR, NEAR):
            moved = [*numbers[:i], x + step * max(abs(x), 1.0), *numbers[i + 1 :]]
            grouped = node.op.grouped(moved, static)
            try:
                near = node.op.local(node.op.value(*grouped), *grouped)
            except (ArithmeticError, ValueError):
                return True
            if any([abs(a - b) > JUMP * max(abs(a), 1.0) for a, b in zip(slopes, near, strict=True)]):
                return True
    return False
