"""Exercises for Moodle: its XML, with one question of type cloze for each exercise.

What a cloze holds inside its braces is decoded once and then read as HTML, so that it is escaped twice; `#`, `~` and
`}` mean something there, unless they are parts of an entity. Right answers stand first: the first that matches counts.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element

from autodiff.exercises.question import Question
from autodiff.exercises.sheets.sheet import (
    LATER,
    RIGHT,
    Sheet,
    blank,
    distractors,
    element,
    escaped,
    explained,
    fingerprint,
    given,
    plain,
    title,
    tolerance,
    written,
)
from autodiff.show.picture.drawing import Engine

MAX_ALTERNATIVES = 12  # answers of one blank: Moodle reads them by one regular expression
ROUNDED = "Rounded too far: give at least three digits."


def moodle(sheets: Sequence[Sheet], engine: Engine = "auto") -> bytes:
    """Return exercises as a file for Moodle's question bank."""
    return written(element("quiz", {}, *[_cloze(sheet, engine) for sheet in sheets])).encode()


def _cloze(sheet: Sheet, engine: Engine) -> Element:
    asked = "".join([f"<li>{_text(question.prompt)} {_blank(question)}</li>" for question in sheet.questions])
    body = (
        f'<p>{_text(given(sheet))}</p><p><img src="@@PLUGINFILE@@/graph.svg" alt="computation graph with blanks"></p>'
        f"<p>Numbers to at least three digits, with a decimal point.</p><ol>{asked}</ol>"
    )
    worked = "".join([f"<li>{'<br>'.join(map(_text, q.hints))}</li>" for q in sheet.questions])
    svg = base64.b64encode(blank(sheet, engine).svg.encode()).decode()
    graph = element("file", {"name": "graph.svg", "path": "/", "encoding": "base64"}, svg)
    return element(
        "question",
        {"type": "cloze"},
        element("name", {}, element("text", {}, title(sheet))),
        element("questiontext", {"format": "html"}, element("text", {}, body), graph),
        element("generalfeedback", {"format": "html"}, element("text", {}, f"<ol>{worked}</ol>")),
        element("penalty", {}, "0.3333333"),
        element("hidden", {}, "0"),
        element("idnumber", {}, fingerprint(sheet)),
    )


def _text(text: str) -> str:
    """Return a text as HTML around the blanks: a brace of its own begins none."""
    return escaped(text).replace("{", "&#123;").replace("}", "&#125;")


def _inside(text: str) -> str:
    """Return a text as it stands inside of a blank, escaped twice: every sign but the plainest is an entity there."""
    return re.sub(r"[^A-Za-z0-9 .,:()'*+=-]", lambda match: f"&amp;#{ord(match[0])};", text)


def _blank(question: Question) -> str:
    if isinstance(question.answer, str):
        return _choice(question)
    answer = question.answer
    wrong = distractors(question)[: MAX_ALTERNATIVES - 2]
    parts = [f"={plain(answer)}:{plain(tolerance(answer))}#{_inside(RIGHT)}"]
    coarse = float(format(answer, ".2g"))  # what people write who round to two digits
    off = abs(coarse - answer) > tolerance(answer)
    if off and not any([abs(coarse - float(number)) <= tolerance(float(number)) for number, _ in wrong]):
        parts.append(f"%50%{plain(coarse)}:{plain(tolerance(coarse) / 100)}#{_inside(ROUNDED)}")
    for number, rows in wrong:
        near = tolerance(float(number))
        parts.append(f"%0%{plain(float(number))}:{plain(near)}#{_inside(explained(rows))}")
    return f"{{1:NUMERICAL:{'~'.join(parts)}}}"


def _choice(question: Question) -> str:
    """Return the blank of a question whose turn it is: a list of the nodes."""
    said = dict(distractors(question))
    parts = []
    for name in question.choices:
        right = name in question.accepted
        reason = RIGHT if right else explained(said[name]) if name in said else LATER
        parts.append(f"{'=' if right else '%0%'}{_inside(name)}#{_inside(reason)}")
    return f"{{1:MULTICHOICE:{'~'.join(parts)}}}"
