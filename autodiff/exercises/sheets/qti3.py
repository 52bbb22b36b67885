"""Exercises in QTI 3: an item for each, with a blank for each question; a package of items.

A number is right between two bounds, and only if there is one: an empty answer would be 0. There is no `qti-equal`,
whose tolerance readers ignore; scores are added from constants, since readers round what they compute.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element

from autodiff.exercises.question import Question
from autodiff.exercises.sheets.sheet import (
    LATER,
    RIGHT,
    Sheet,
    blank,
    distractors,
    element,
    explained,
    fingerprint,
    given,
    packed,
    plain,
    title,
    tolerance,
    written,
)
from autodiff.show.picture.drawing import Engine

ITEM = "http://www.imsglobal.org/xsd/imsqtiasi_v3p0"
PACKAGE = "http://www.imsglobal.org/xsd/qti/qtiv3p0/imscp_v1p1"
WRONG = "No mistake that is known explains this number."


class Known(NamedTuple):
    """An answer of which something is known.

    Attributes:
        holds: the expressions that hold for it.
        right: whether it is right.
        said: what is said of it.
    """

    holds: Sequence[Element]
    right: bool
    said: str


def item(sheet: Sheet, engine: Engine = "auto") -> str:
    """Return an exercise as an assessment item."""
    declarations, asked, conditions = [], [], []
    for i, question in enumerate(sheet.questions, 1):
        turn = isinstance(question.answer, str)
        known = _nodes(question, i) if turn else _numbers(question, i)
        right = f"N{question.choices.index(str(question.answer))}" if turn else plain(float(question.answer))
        declarations += [
            _declared("response", f"R{i}", "identifier" if turn else "float", "qti-correct-response", right),
            _declared("outcome", f"F{i}", "identifier"),
        ]
        said = [
            _feedback(i, j, text) for j, text in enumerate([*[each.said for each in known], LATER if turn else WRONG])
        ]
        asked.append(element("li", {}, _asked(question, i), *said))
        conditions.append(_condition(i, known))
    declarations += [
        _declared("outcome", "SCORE", "float", "qti-default-value", "0"),
        _declared("outcome", "MAXSCORE", "float", "qti-default-value", str(len(sheet.questions))),
    ]
    svg = f"data:image/svg+xml;base64,{base64.b64encode(blank(sheet, engine).svg.encode()).decode()}"
    body = element(
        "qti-item-body",
        {},
        element("p", {}, given(sheet)),
        element("p", {}, element("img", {"alt": "computation graph with blanks", "src": svg})),
        element("p", {}, "Numbers to at least three digits, with a decimal point."),
        element("ol", {}, *asked),
    )
    name = {"identifier": f"autodiff-{fingerprint(sheet)}", "title": title(sheet), "xml:lang": "en"}
    attributes = {"xmlns": ITEM, **name, "adaptive": "false", "time-dependent": "false"}
    processing = element("qti-response-processing", {}, *conditions)
    return written(element("qti-assessment-item", attributes, *declarations, body, processing))


def package(sheets: Sequence[Sheet], engine: Engine = "auto") -> bytes:
    """Return exercises as a package of items."""
    items = {f"autodiff-{fingerprint(sheet)}": item(sheet, engine) for sheet in sheets}
    resources = [
        element(
            "resource",
            {"identifier": name, "type": "imsqti_item_xmlv3p0", "href": f"{name}.xml"},
            element("file", {"href": f"{name}.xml"}),
        )
        for name in items
    ]
    schema = [element("schema", {}, "QTI Package"), element("schemaversion", {}, "3.0.0")]
    manifest = element(
        "manifest",
        {"identifier": "autodiff-manifest", "xmlns": PACKAGE},
        element("metadata", {}, *schema),
        element("organizations"),
        element("resources", {}, *resources),
    )
    return packed({"imsmanifest.xml": written(manifest), **{f"{name}.xml": text for name, text in items.items()}})


def _declared(what: str, name: str, kind: str, of: str = "", number: str = "") -> Element:
    value = [element(of, {}, element("qti-value", {}, number))] if of else []
    attributes = {"identifier": name, "cardinality": "single", "base-type": kind}
    return element(f"qti-{what}-declaration", attributes, *value)


def _variable(name: str) -> Element:
    return element("qti-variable", {"identifier": name})


def _value(kind: str, value: str) -> Element:
    return element("qti-base-value", {"base-type": kind}, value)


def _numbers(question: Question, i: int) -> list[Known]:
    """Return the numbers of which something is known."""
    wrong = [(float(answer), False, explained(rows)) for answer, rows in distractors(question)]
    return [
        Known(
            [
                element("qti-gte", {}, _variable(f"R{i}"), _value("float", plain(x - tolerance(x)))),
                element("qti-lte", {}, _variable(f"R{i}"), _value("float", plain(x + tolerance(x)))),
            ],
            right,
            said,
        )
        for x, right, said in [(float(question.answer), True, RIGHT), *wrong]
    ]


def _nodes(question: Question, i: int) -> list[Known]:
    """Return the nodes of which something is known, where it is asked whose turn it is."""
    said = {answer: explained(rows) for answer, rows in distractors(question)} | dict.fromkeys(question.accepted, RIGHT)
    return [
        Known(
            [element("qti-match", {}, _variable(f"R{i}"), _value("identifier", f"N{j}"))],
            name in question.accepted,
            said[name],
        )
        for j, name in enumerate(question.choices)
        if name in said
    ]


def _asked(question: Question, i: int) -> Element:
    if not isinstance(question.answer, str):
        field = element("qti-text-entry-interaction", {"response-identifier": f"R{i}", "expected-length": "10"})
        return element("p", {}, f"{question.prompt}: ", field)
    names = enumerate(question.choices)
    choices = [element("qti-simple-choice", {"identifier": f"N{j}"}, name) for j, name in names]
    prompt = element("qti-prompt", {}, question.prompt)
    attributes = {"response-identifier": f"R{i}", "max-choices": "1"}
    return element("qti-choice-interaction", attributes, prompt, *choices)


def _feedback(i: int, j: int, text: str) -> Element:
    attributes = {"outcome-identifier": f"F{i}", "identifier": f"A{j}", "show-hide": "show"}
    return element("qti-feedback-block", attributes, element("qti-content-body", {}, element("p", {}, text)))


def _condition(i: int, known: Sequence[Known]) -> Element:
    """Return the processing of one blank: the first answer that holds says what it is."""
    parts: list[Element] = []
    for j, (holds, right, _) in enumerate([*known, Known([], False, "")]):
        there = element("qti-not", {}, element("qti-is-null", {}, _variable(f"R{i}")))
        says = [_set(f"F{i}", _value("identifier", f"A{j}"))]
        if right:
            says.append(_set("SCORE", element("qti-sum", {}, _variable("SCORE"), _value("float", "1"))))
        tag = "qti-response-else-if" if parts else "qti-response-if"
        parts.append(element(tag, {}, element("qti-and", {}, there, *holds), *says))
    return element("qti-response-condition", {}, *parts)


def _set(name: str, to: Element) -> Element:
    return element("qti-set-outcome-value", {"identifier": name}, to)
