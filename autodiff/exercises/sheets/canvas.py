"""Exercises for Canvas: a package of QTI 1.2, a quiz for each exercise.

Canvas gives no feedback to a number of its own, so that a question is a choice whose wrong answers are what
misconceptions lead to, each with what is said of it. What no misconception turns into another number is typed.
"""

from __future__ import annotations

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
    packed,
    plain,
    shown,
    title,
    tolerance,
    written,
)
from autodiff.show.picture.drawing import Engine

MAX_CHOICES = 6  # answers to choose from
QTI = "http://www.imsglobal.org/xsd/ims_qtiasiv1p2"
META = "http://canvas.instructure.com/xsd/cccv1p0"
PACKAGE = "http://www.imsglobal.org/xsd/imsccv1p1/imscp_v1p1"
LEARNING = "associatedcontent/imscc_xmlv1p1/learning-application-resource"


def canvas(sheets: Sequence[Sheet], engine: Engine = "auto") -> bytes:
    """Return exercises as a package that Canvas imports as quizzes."""
    files: dict[str, str] = {}
    resources = []
    for sheet in sheets:
        name = f"autodiff_{fingerprint(sheet)}"
        quiz, meta, graph = f"{name}/{name}.xml", f"{name}/assessment_meta.xml", f"images/{name}.svg"
        files |= {quiz: _assessment(sheet, name), meta: _meta(sheet, name), graph: blank(sheet, engine).svg}
        needs = element("dependency", {"identifierref": f"{name}_meta"})
        resources += [
            _resource({"identifier": name, "type": "imsqti_xmlv1p2"}, quiz, needs),
            _resource({"identifier": f"{name}_meta", "type": LEARNING, "href": meta}, meta),
            _resource({"identifier": f"{name}_graph", "type": "webcontent", "href": graph}, graph),
        ]
    schema = [element("schema", {}, "IMS Content"), element("schemaversion", {}, "1.1.3")]
    manifest = element(
        "manifest",
        {"identifier": "autodiff_manifest", "xmlns": PACKAGE},
        element("metadata", {}, *schema),
        element("organizations"),
        element("resources", {}, *resources),
    )
    return packed({"imsmanifest.xml": written(manifest), **files})


def _resource(attributes: dict[str, str], file: str, *more: Element) -> Element:
    return element("resource", attributes, element("file", {"href": file}), *more)


def _meta(sheet: Sheet, name: str) -> str:
    fields = {
        **{"title": title(sheet), "description": f"<p>{escaped(given(sheet))}</p>"},
        **{"shuffle_answers": "false", "scoring_policy": "keep_highest", "quiz_type": "assignment"},
        **{"points_possible": f"{len(sheet.questions)}.0", "show_correct_answers": "true", "allowed_attempts": "1"},
    }
    return written(
        element("quiz", {"identifier": name, "xmlns": META}, *[element(tag, {}, text) for tag, text in fields.items()])
    )


def _assessment(sheet: Sheet, name: str) -> str:
    graph = f'<img alt="computation graph with blanks" src="%24IMS-CC-FILEBASE%24/images/{name}.svg">'
    about = f"<p>{escaped(given(sheet))}</p><p>{graph}</p>"
    items = [_item(f"{name}_0", "The graph", "text_only_question", 0, about)]
    items += [_question(question, f"{name}_{i}") for i, question in enumerate(sheet.questions, 1)]
    section = element("section", {"ident": "root_section"}, *items)
    assessment = element("assessment", {"ident": name, "title": title(sheet)}, section)
    return written(element("questestinterop", {"xmlns": QTI}, assessment))


def _question(question: Question, ident: str) -> Element:
    asked = f"<p>{escaped(question.prompt)}</p>"
    options = _options(question)
    if len(options) < 2:
        typed = element("render_fib", {"fibtype": "Decimal"}, element("response_label", {"ident": "answer1"}))
        conditions = [_condition("No", _near(float(question.answer)), _scored())]
        return _item(ident, question.name, "numerical_question", 1, asked, _response("str", typed), conditions)
    choices, conditions, feedback = [], [], []
    for i, (text, right, reason) in enumerate(options):
        choice = f"{ident}_{i}"
        choices.append(element("response_label", {"ident": choice}, _material(f"<p>{escaped(text)}</p>")))
        say = element("displayfeedback", {"feedbacktype": "Response", "linkrefid": f"{choice}_fb"})
        conditions.append(_condition("Yes", _is("varequal", choice), say))
        if right:
            conditions.append(_condition("Yes", _is("varequal", choice), _scored()))
        said = element("flow_mat", {}, _material(f"<p>{escaped(reason)}</p>"))
        feedback.append(element("itemfeedback", {"ident": f"{choice}_fb"}, said))
    response = _response("lid", element("render_choice", {}, *choices))
    return _item(ident, question.name, "multiple_choice_question", 1, asked, response, conditions, feedback)


def _options(question: Question) -> list[tuple[str, bool, str]]:
    """Return what may be chosen, whether it is right, and what is said of it: numbers by size, which tells nothing."""
    wrong = distractors(question)
    if isinstance(question.answer, str):
        said = {answer: explained(rows) for answer, rows in wrong}
        right = question.accepted
        return [(name, name in right, RIGHT if name in right else said.get(name, LATER)) for name in question.choices]
    options = [(question.answer, True, RIGHT)]
    options += [(float(answer), False, explained(rows)) for answer, rows in wrong[: MAX_CHOICES - 1]]
    return [(shown(number), right, reason) for number, right, reason in sorted(options)]


def _near(number: float) -> Element:
    """Return the condition that a typed number is right."""
    low, high = plain(number - tolerance(number)), plain(number + tolerance(number))
    return element(
        "or", {}, _is("varequal", plain(number)), element("and", {}, _is("vargte", low), _is("varlte", high))
    )


def _is(relation: str, what: str) -> Element:
    return element(relation, {"respident": "response1"}, what)


def _scored() -> Element:
    return element("setvar", {"action": "Set", "varname": "SCORE"}, "100")


def _condition(goes_on: str, holds: Element, *then: Element) -> Element:
    return element("respcondition", {"continue": goes_on}, element("conditionvar", {}, holds), *then)


def _response(kind: str, how: Element) -> Element:
    return element(f"response_{kind}", {"ident": "response1", "rcardinality": "Single"}, how)


def _material(text: str) -> Element:
    return element("material", {}, element("mattext", {"texttype": "text/html"}, text))


def _item(
    ident: str,
    name: str,
    kind: str,
    points: int,
    body: str,
    response: Element | None = None,
    conditions: Sequence[Element] = (),
    feedback: Sequence[Element] = (),
) -> Element:
    fields = {
        **{"question_type": kind, "points_possible": str(points)},
        "assessment_question_identifierref": f"{ident}_ref",
    }
    labelled = [(element("fieldlabel", {}, label), element("fieldentry", {}, entry)) for label, entry in fields.items()]
    metadata = element("qtimetadata", {}, *[element("qtimetadatafield", {}, *pair) for pair in labelled])
    parts = [element("itemmetadata", {}, metadata)]
    parts.append(element("presentation", {}, _material(body), *([] if response is None else [response])))
    if conditions:
        score = {"maxvalue": "100", "minvalue": "0", "varname": "SCORE", "vartype": "Decimal"}
        parts.append(element("resprocessing", {}, element("outcomes", {}, element("decvar", score)), *conditions))
    return element("item", {"ident": ident, "title": name}, *parts, *feedback)
