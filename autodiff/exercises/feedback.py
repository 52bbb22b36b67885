"""What is said of answers: a verdict for each, points with reasons, and what to practise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from autodiff.mistakes import MISCONCEPTIONS

Verdict = Literal["right", "following", "rounded", "misconception", "wrong", "missing"]
POINTS: Mapping[str, float] = {"right": 1.0, "following": 1.0, "rounded": 0.5}


@dataclass(frozen=True)
class Remark:
    """What is said of one answer.

    Attributes:
        name: the question.
        given: what was answered.
        verdict: right; following, if it is right for an earlier answer that is not; rounded, to fewer than three
            digits; misconception; wrong; missing.
        misconceptions: the names of those that explain it.
        text: the reason, in a sentence.
        points: from 0 to 1.
    """

    name: str
    given: str
    verdict: Verdict
    text: str
    misconceptions: tuple[str, ...] = ()

    @property
    def points(self) -> float:
        """How much the answer is worth, of 1."""
        return POINTS.get(self.verdict, 0.0)

    def __str__(self) -> str:
        return f"{self.name}: {self.text}"


class Feedback(Mapping[str, Remark]):
    """What is said of all answers, by the names of the questions.

    Args:
        remarks: one for each question, in order.
    """

    def __init__(self, remarks: Mapping[str, Remark]) -> None:
        self._remarks = dict(remarks)

    def __getitem__(self, name: str) -> Remark:
        return self._remarks[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._remarks)

    def __len__(self) -> int:
        return len(self._remarks)

    @property
    def points(self) -> float:
        """The sum of the points."""
        return sum([remark.points for remark in self.values()], 0.0)

    @property
    def score(self) -> float:
        """The points as a share of all that there are, from 0 to 1."""
        return self.points / len(self) if self._remarks else 0.0

    @property
    def practise(self) -> tuple[str, ...]:
        """The misconceptions that were met, the most frequent first: what to practise."""
        return tuple([name for name, _ in self.counted()])

    def counted(self) -> list[tuple[str, int]]:
        """Return the misconceptions that were met, and in how many answers."""
        first = Counter([remark.misconceptions[0] for remark in self.values() if remark.misconceptions])
        return first.most_common()

    def advice(self) -> list[str]:
        """Return what to practise in words: the mistake, how often it was made, what to look at."""
        times = {name: f" ({count} times)" if count > 1 else "" for name, count in self.counted()}
        return [f"{name}{times[name]}: look at {MISCONCEPTIONS[name].look}" for name in times]

    def __str__(self) -> str:
        lines = [str(remark) for remark in self.values()]
        lines.append(f"{self.points:g} of {len(self)} points")
        return "\n".join([*lines, *[f"to practise: {text}" for text in self.advice()]])

    def __repr__(self) -> str:
        return f"<Feedback: {self.points:g} of {len(self)} points>"
