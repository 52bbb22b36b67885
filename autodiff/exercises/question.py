"""What is asked, one thing at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from autodiff.exercises.reading import MIN_DIGITS
from autodiff.mistakes.sweep import Key

Kind = Literal["value", "local", "contribution", "gradient", "turn", "update"]


@dataclass(frozen=True, eq=False)
class Question:
    """One question of an exercise.

    Attributes:
        name: what is asked for, as the ledger names it: ``z``, ``dz/dw``, ``dL/dw``; ``dL/dw via z`` is a contribution.
        kind: value, local (derivative), contribution, gradient, turn (whose it is) or update (a step of descent).
        prompt: the question in words.
        answer: the right answer: a number; of a turn, the name of a node.
        digits: how many significant digits are asked for.
        rule: how it follows from other numbers, as a formula in the names of `uses`; empty of a turn.
        uses: for each name in the rule, the question or given whose number it stands for.
        mistakes: for each misconception that leads to another answer, that answer.
        choices: the nodes of which a turn may be answered; empty of all else.
        accepted: those of them that are right.
        hints: which rule, the rule with names, with numbers, the answer: what `Exercise.hints` answers.
    """

    name: str
    kind: Kind
    prompt: str
    answer: float | str
    rule: str = ""
    uses: Mapping[str, str] = field(default_factory=dict)
    mistakes: Mapping[str, float | str] = field(default_factory=dict)
    choices: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    digits: int = MIN_DIGITS
    hints: tuple[str, ...] = field(default=(), repr=False)
    key: Key = field(default=("", 0, 0), repr=False)

    def __str__(self) -> str:
        return self.prompt
