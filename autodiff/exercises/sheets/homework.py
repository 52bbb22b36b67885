"""Homework that comes back: the files that pages without a key save, marked one by one.

A file that cannot be marked is a line with the reason, never a score. Scores are finite, from 0 to the maximum.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autodiff.exercises.feedback import Feedback
from autodiff.exercises.reading import AnswerError
from autodiff.exercises.sheets.sheet import Sheet, fingerprint
from autodiff.support.arguments import check_range
from autodiff.support.labels import clean, printable

MAX_BYTES = 1_000_000  # of a file of answers; one has some thousand
HEADS = ("file", "name", "exercise", "points", "maximum", "practise", "remarks", "problem")


class HomeworkError(ValueError):
    """A file of answers cannot be marked; the message says why."""


@dataclass(frozen=True)
class Marks:
    """The marks of one file.

    Attributes:
        file: its name.
        name: what the learner wrote as a name.
        exercise: which exercise it answers, as it is printed under the sheet.
        points: from 0 to `maximum`; None if it could not be marked.
        maximum: how many points there are.
        practise: the misconceptions that were met, the most frequent first.
        remarks: the reason of each point that is missing.
        problem: why it could not be marked; empty if it was.
    """

    file: str
    name: str = ""
    exercise: str = ""
    points: float | None = None
    maximum: int = 0
    practise: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    problem: str = ""

    def cells(self) -> list[str]:
        """Return the cells of its line in a table."""
        points = "" if self.points is None else f"{self.points:g}"
        maximum = str(self.maximum) if self.points is not None else ""
        texts = [self.file, self.name, self.exercise, points, maximum]
        return [*texts, "; ".join(self.practise), "; ".join(self.remarks), self.problem]


def mark(files: Iterable[str | os.PathLike[str]], exercises: Sequence[Sheet]) -> list[Marks]:
    """Return the marks of files of answers, as pages without feedback save them, each to one of the exercises.

    Answers are marked as by `Exercise.check`, following earlier slips. A file that cannot be marked has no points, and
    the reason as its `problem`.
    """
    by_print = {fingerprint(exercise): exercise for exercise in exercises}
    marks = []
    for file in files:
        name = clean(Path(file).name, 80)
        try:
            marks.append(_marked(name, _read(Path(file)), by_print))
        except HomeworkError as error:
            marks.append(Marks(name, problem=str(error)))
    return marks


def made(files: Iterable[str | os.PathLike[str]]) -> list[Mapping[str, Any]]:
    """Return how the exercises were made that files say they answer, each once; files that say nothing are left out."""
    found: dict[str, Mapping[str, Any]] = {}
    for file in files:
        with suppress(HomeworkError):
            how = _read(Path(file)).get("made")
            if isinstance(how, dict):
                found.setdefault(json.dumps(how, sort_keys=True), how)
    return list(found.values())


def table(marks: Iterable[Marks]) -> str:
    """Return the marks as CSV, whose cells no spreadsheet takes for formulas."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADS)
    writer.writerows([[_harmless(cell) for cell in each.cells()] for each in marks])
    return text.getvalue()


def _harmless(cell: str) -> str:
    cell = printable(cell).replace("\n", " ")
    return f"'{cell}" if cell[:1] in "=+-@" and cell[:1] else cell


def _read(path: Path) -> dict[str, Any]:
    """Return what is in a file of answers.

    Raises:
        HomeworkError: if it is none.
    """
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise HomeworkError(f"it has more than {MAX_BYTES:,} bytes: this is no file of answers")
        found = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_once)
    except OSError as error:
        raise HomeworkError(f"it cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise HomeworkError("it is no text in UTF-8: the page saves it so") from None
    except RecursionError:
        raise HomeworkError("it is nested too deeply: this is no file of answers") from None
    except json.JSONDecodeError as error:
        raise HomeworkError(f"it is no JSON, from line {error.lineno} on: was it saved whole, by the page?") from None
    if not isinstance(found, dict) or found.get("autodiff") != "answers":
        raise HomeworkError('it is no file of answers: {"autodiff": "answers", ...} is missing')
    if not isinstance(found.get("answers"), dict):
        raise HomeworkError('it has no "answers"')
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise HomeworkError("it gives something twice: a page saves each answer once")
    return found


def _marked(file: str, found: Mapping[str, Any], sheets: Mapping[str, Sheet]) -> Marks:
    who, exercise = clean(str(found.get("who", "")), 80), clean(str(found.get("exercise", "")), 40)
    sheet = sheets.get(exercise)
    if sheet is None:
        return Marks(file, who, exercise, problem="it answers another exercise, or one that cannot be made again")
    names = [question.name for question in sheet.questions]
    for name, answer in found["answers"].items():
        if name not in names:
            return Marks(file, who, exercise, problem=f"nothing called {clean(name)!r} is asked")
        if not isinstance(answer, str):
            return Marks(file, who, exercise, problem=f"the answer to {clean(name)} is no text")
    feedback, unread = _checked(sheet, found["answers"])
    wrong = [str(remark) for name, remark in feedback.items() if remark.points < 1 and name not in unread]
    points, maximum = score(sheet, found["answers"], points=len(names)), len(names)
    return Marks(file, who, exercise, points, maximum, feedback.practise, (*unread.values(), *wrong))


def score(exercise: Sheet, answers: object, *, points: float = 1.0) -> float:
    """Return what answers are worth, of `points`: a float from 0 to `points`, whatever the answers are.

    It is what grading cells end with. An answer that is none, or cannot be read, counts as missing; so do all, if the
    answers are no dict.

    >>> from autodiff import Value, exercise
    >>> w, x = Value(3.0, "w"), Value(4.0, "x")
    >>> score(exercise(w * x), {"v1": 12, "dv1/dv1": "1", "dv1/dw": "?"}, points=2), score(exercise(w * x), None)
    (1.0, 0.0)

    Args:
        exercise: what was asked.
        answers: by the names of the questions, numbers or texts.
        points: the maximum.
    """
    points = check_range("points", points, positive=True)
    feedback, _ = _checked(exercise, answers if isinstance(answers, Mapping) else {})
    share = math.fsum([remark.points for remark in feedback.values()]) / len(exercise.questions)
    return min(max(round(points * share, 6), 0.0), points)


def _checked(sheet: Sheet, answers: Mapping[Any, Any]) -> tuple[Feedback, dict[str, str]]:
    """Return what is said of the answers that can be read, and why the others cannot, by their names."""
    read, unread = {}, {}
    for question in sheet.questions:
        answer = answers.get(question.name)
        if answer is None or (isinstance(answer, str) and not answer.strip()):
            continue
        try:
            sheet.read(question.name, answer)
            read[question.name] = answer
        except AnswerError as error:
            unread[question.name] = str(error).partition(" Write ")[0]
    return sheet.check(read), unread
