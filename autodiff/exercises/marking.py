"""How answers are marked: by the right number, what follows from earlier answers, what misconceptions make of them.

It knows answers, questions and passes over the graph, and nothing of how they are shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from autodiff.exercises.asking import Asked, Asker, differs
from autodiff.exercises.feedback import Feedback, Remark, Verdict
from autodiff.exercises.question import Question
from autodiff.exercises.reading import Answer, matches, rounded
from autodiff.mistakes import Misconception
from autodiff.mistakes.sweep import PLAIN, Key, Sweep, sweep

Given = Mapping[Key, float]
MAX_NODES = 60  # of a graph in which a mistake at any single node is looked for; in a larger one, at those near by
NEARBY = (1, 2, 3)  # graphs with other numbers, at which a formula is compared with ours


class Explanation(NamedTuple):
    """A misconception that leads to an answer.

    Attributes:
        row: the misconception.
        at: the place of the one node at which it is made; None for everywhere.
    """

    row: Misconception
    at: int | None


class Marker:
    """Marks the answers to an exercise.

    Args:
        questions: the questions, in order.
        asker: who asked them.
        asked: what they are about.
    """

    def __init__(self, questions: Sequence[Question], asker: Asker, asked: Asked) -> None:
        self._questions, self._names = questions, asker.names
        self._graph, self._rate, self._rate_name = asked.graph, asked.rate, asker.rate_name
        self._given = asker.given
        self._keys = {name: key for key, name in asker.names.items()}
        self._asked = {question.name: question for question in questions}
        rows = [row for row, _ in asker.bent]
        self._bends = [(row, at) for row in rows for at in (None, *row.places(self._graph))]
        self._from_the_start: dict[tuple[str, int | None], Sweep] = {}

    def mark(self, answers: Mapping[str, Answer]) -> Feedback:
        """Return what is said of the answers, each read, by the names of the questions."""
        given: dict[Key, float] = dict(self._given)
        for question in self._questions:
            if question.name in answers and question.kind != "turn":
                number = answers[question.name].number(self._known(given))
                if math.isfinite(number):
                    given[question.key] = number
        remarks: dict[str, Remark] = {}
        for question in self._questions:
            answer = answers.get(question.name)
            if answer is None:
                remarks[question.name] = Remark(question.name, "", "missing", "no answer")
            elif question.kind == "turn":
                remarks[question.name] = _turn(question, answer)
            else:
                remarks[question.name] = self._judged(question, answer, given, remarks)
        return Feedback(remarks)

    def leads(self, question: Question) -> dict[str, list[float]]:
        """Return the other answers that each misconception leads to, made everywhere or at a single node."""
        found: dict[str, list[float]] = {}
        for row, at in self._near(question):
            number = self._swept(row, at, self._given).number(question.key)
            others = found.setdefault(row.name, [])
            if all([differs(number, other) for other in (float(question.answer), *others)]):
                others.append(number)
        return {name: numbers for name, numbers in found.items() if numbers}

    def _known(self, given: Given) -> Callable[[str], float]:
        """Return the function that answers the numbers of names, as they follow from what is given."""
        numbers = sweep(self._graph, given=given, rate=self._rate)
        return lambda name: self._rate or 0.0 if name == self._rate_name else numbers.number(self._keys[name])

    def _judged(self, question: Question, answer: Answer, given: Given, before: Mapping[str, Remark]) -> Remark:
        def remark(verdict: Verdict, text: str, rows: Sequence[str] = ()) -> Remark:
            return Remark(question.name, answer.text.strip(), verdict, text, tuple(rows))

        if question.key not in given:
            return remark("wrong", "this formula has no value at these numbers.")
        number, right = given[question.key], float(question.answer)
        others = {key: x for key, x in given.items() if key != question.key}
        follows = sweep(self._graph, given=others, rate=self._rate).number(question.key)
        by_chance = bool(answer.names) and not self._holds(question, answer, PLAIN, None)
        if matches(answer, number, right) and not by_chance:
            return remark("right", "right")
        found = self._explained(question, answer, number, others, (right, follows))
        if matches(answer, number, right) and not found:
            return remark("right", "right")
        if matches(answer, number, follows):
            slips = [name for name, r in before.items() if r.verdict in ("misconception", "wrong", "rounded")]
            names = ", ".join([name for name in slips if name in self._before(question)] or slips)
            return remark("following", f"right, following from {names}.") if slips else remark("right", "right")
        coarse = rounded(answer, number, right) or rounded(answer, number, follows)
        if coarse and not (found and answer.digits < 2):
            return remark("rounded", f"rounded too far: at least {question.digits} digits are asked for.")
        if found:
            return remark("misconception", self._told(found), list(dict.fromkeys([e.row.name for e in found])))
        return remark("wrong", self._departs(question, before))

    def _before(self, question: Question) -> list[str]:
        """Return the questions that a question rests on, near and far."""
        names: list[str] = []
        for name in question.uses.values():
            if name in self._asked:
                names += [name, *self._before(self._asked[name])]
        return list(dict.fromkeys(names))

    def _departs(self, question: Question, before: Mapping[str, Remark]) -> str:
        """Return where an answer that nothing explains departs from the right one."""
        uses = [before[name] for name in question.uses.values() if name in before]
        rule = question.hints[1]
        missing = [remark.name for remark in uses if remark.verdict == "missing"]
        if missing:
            return f"wrong: it departs here, where {rule}, or before, in {', '.join(missing)}, which has no answer."
        if all([remark.points == 1 for remark in uses]):
            return f"wrong: it departs here, where {rule}."
        return f"wrong, also with the answers before it: {rule}."

    def _told(self, found: Sequence[Explanation]) -> str:
        row, at = found[0]
        bent = [e for e in found if e.row is row]
        where = "" if at is None or len(bent) > 1 else f" (at {self._names['value', at, 0]})"
        others = list(dict.fromkeys([e.row.name for e in found if e.row is not row]))
        also = f" It may also be: {'; '.join(others)}." if others else ""
        return f"{row.name}{where}: {row.did}. {row.why} Look at {row.look}.{also}"

    def _explained(
        self, question: Question, answer: Answer, number: float, given: Given, known: Sequence[float]
    ) -> list[Explanation]:
        """Return what leads to the answer: following the answers before it, else from the start; formulas first."""
        found = []
        bases = (given, self._given) if given != self._given else (self._given,)
        for base in bases:
            for row, at in self._near(question):
                if row.tangent and base is not bases[-1]:
                    continue  # it goes over the whole formula, whatever is in between
                bent = self._swept(row, at, base).number(question.key)
                if all([differs(bent, other) for other in known]) and _is(answer, number, bent):
                    found.append(Explanation(row, at))
        found.sort(key=lambda e: _rank(e.row, question))
        if answer.names:
            found = [e for e in found if self._holds(question, answer, e.row, e.at)] or found
        return found

    @cached_property
    def _nearby(self) -> list[tuple[Given, Callable[[str], float]]]:
        """Leaves with other numbers, each with the numbers of all names there."""
        points: list[tuple[Given, Callable[[str], float]]] = []
        for point in NEARBY:
            moved = self._given | {
                ("value", i, 0): x * (1 + 0.013 * (point + i)) + 0.007 * (point + i)
                for i, x in enumerate(self._graph.numbers)
                if not self._graph.parents[i] and not self._graph.bare[i]
            }
            points.append((moved, self._known(moved)))
        return points

    def _near(self, question: Question) -> Iterator[tuple[Misconception, int | None]]:
        """Yield the misconceptions, each everywhere and at single nodes."""
        if len(self._graph.active) <= MAX_NODES:
            yield from self._bends
            return
        place = question.key[1]
        near = {None, place, *self._graph.parents[place], *[user for user, _ in self._graph.edges[place]]}
        yield from [(row, at) for row, at in self._bends if at in near]

    def _swept(self, row: Misconception, at: int | None, given: Given) -> Sweep:
        if given is not self._given:
            return sweep(self._graph, row, at, given, self._rate)
        if (row.name, at) not in self._from_the_start:
            self._from_the_start[row.name, at] = sweep(self._graph, row, at, given, self._rate)
        return self._from_the_start[row.name, at]

    def _holds(self, question: Question, answer: Answer, row: Misconception, at: int | None) -> bool:
        """Return whether a formula gives the number of a pass also where the leaves have other numbers."""
        for moved, known in self._nearby:
            number = answer.number(known)
            bent = sweep(self._graph, row, at, moved, self._rate).number(question.key)
            if math.isfinite(number) and not math.isclose(number, bent, rel_tol=1e-6, abs_tol=1e-9):
                return False
        return True


def _rank(row: Misconception, question: Question) -> int:
    """Return a number by which mistakes of the kind that is asked for come first, and what explains much comes last."""
    if question.kind == "update" and row.step:
        return 0
    return 1 + row.vague + 2 * (row.value is not None and question.kind != "value")


def _is(answer: Answer, number: float, bent: float) -> bool:
    """Return whether an answer is what a misconception leads to, to two digits at least."""
    return matches(answer, number, bent) or (answer.digits == 2 and rounded(answer, number, bent))


def _turn(question: Question, answer: Answer) -> Remark:
    if answer.text in question.accepted:
        return Remark(question.name, answer.text, "right", "right")
    text = f"{answer.text} is an operand of a node that has not handed on, so its gradient is not complete."
    return Remark(question.name, answer.text, "misconception", text, tuple(question.mistakes))
