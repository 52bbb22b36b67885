"""An exercise in a terminal: it asks, corrects, and gives hints."""

from __future__ import annotations

import os
import sys
from textwrap import wrap
from typing import TextIO

from autodiff.exercises.exercise import Exercise
from autodiff.exercises.feedback import Remark
from autodiff.exercises.question import Question
from autodiff.exercises.reading import AnswerError
from autodiff.support.labels import printable, short

WIDTH = 80
STYLES = {"bold": "1", "quiet": "2", "right": "32", "wrong": "31", "hint": "33"}
HELP = "h: a hint, s: the solution, Enter: skip, b: back, q: end with the score"
READ = "A number (at least 3 digits), a fraction such as 3/4, or a formula such as 2*x."


class Session:
    """Puts the questions of an exercise one after the other.

    Args:
        exercise: what is asked.
        source: where answers come from, a terminal or a script.
        out: where questions go; coloured on a terminal, unless the environment says NO_COLOR.
    """

    def __init__(self, exercise: Exercise, source: TextIO | None = None, out: TextIO | None = None) -> None:
        self.exercise = exercise
        self.source, self.out = source or sys.stdin, out or sys.stdout
        self.answers: dict[str, str] = {}
        self.tried: dict[str, bool] = {}  # whether the first answer was right
        self.hints: dict[str, int] = {}  # how many were given
        self.interactive = self.source.isatty()
        plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not self.out.isatty()
        self.styles = {} if plain else STYLES

    def run(self) -> int:
        """Ask until the end; return the status, 0, or 130 if it was interrupted."""
        self.say("\n".join([*self.exercise.lines, ""]), "bold")
        givens = ", ".join([f"{name} = {short(number)}" for name, number in self.exercise.givens.items()])
        self.say(f"given {givens}")
        self.say(f"{len(self.exercise.questions)} questions. {READ}")
        self.say(HELP, "quiet")
        place = 0
        try:
            while place < len(self.exercise.questions):
                moved = self.ask(place)
                if moved is None:
                    break
                place = max(place + moved, 0)
        except KeyboardInterrupt:
            self.say("")
            return 130
        self.end()
        return 0

    def ask(self, place: int) -> int | None:
        """Put a question; return by how many questions to go on, None for the end."""
        question = self.exercise.questions[place]
        self.say("")
        self.say(f"{place + 1}/{len(self.exercise.questions)}  {question.prompt}")
        while True:
            text = self.read(f"{question.name} = " if question.kind != "turn" else "next: ")
            if text is None or text == "q":
                return None
            if text in ("", "b"):
                return -1 if text else 1
            if text == "h":
                self.hint(question)
            elif text == "s":
                self.answers.pop(question.name, None)
                self.tried.setdefault(question.name, False)
                self.say("\n".join(question.hints[-2:]), "hint")
                return 1
            elif self.correct(question, text):
                return 1

    def correct(self, question: Question, text: str) -> bool:
        """Say what is to be said of an answer; return whether it is right."""
        try:
            remark = self.exercise.check({**self.answers, question.name: text})[question.name]
        except AnswerError as error:
            self.say(str(error), "wrong")
            return False
        self.answers[question.name] = text
        right = remark.verdict in ("right", "following")
        self.tried.setdefault(question.name, remark.verdict == "right")
        self.say(remark.text if right else f"{remark.text} Again, or Enter to go on.", "right" if right else "wrong")
        return right

    def hint(self, question: Question) -> None:
        """Give the next hint."""
        count = min(self.hints.get(question.name, 0) + 1, len(question.hints))
        self.hints[question.name] = count
        self.say(question.hints[count - 1], "hint")

    def end(self) -> None:
        """Say the score, and what to practise."""
        feedback = self.exercise.check(self.answers)
        left: list[Remark] = [r for r in feedback.values() if r.points < 1]
        first = sum([1 for right in self.tried.values() if right])
        self.say("")
        self.say(f"{feedback.points:g} of {len(feedback)} points, {first} right at the first try", "bold")
        missing = [remark.name for remark in left if remark.verdict == "missing"]
        if missing:
            self.say(f"without an answer: {', '.join(missing)}")
        for text in feedback.advice():
            self.say(f"to practise: {text}")

    def read(self, prompt: str) -> str | None:
        """Return the next line, None at the end; what a script answers is written down, as in a session."""
        if self.interactive and self.source is sys.stdin:
            try:
                return input(printable(prompt)).strip()
            except EOFError:
                self.say("")
                return None
        line = self.source.readline()
        text = line.strip()
        self.say(f"{prompt}{text}".rstrip() if line else "")
        return text if line else None

    def say(self, text: str, style: str = "") -> None:
        """Write lines, none wider than the terminal of a learner."""
        for line in printable(text).split("\n"):
            for part in wrap(line, WIDTH, break_on_hyphens=False) or [""]:
                print(f"\x1b[{self.styles[style]}m{part}\x1b[0m" if style in self.styles else part, file=self.out)
