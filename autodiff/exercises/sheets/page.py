"""The page with blanks, for notebooks and as a page of its own: no server, no network.

On the screen a script asks one question after the other; on paper, and where scripts are not run, the printed sheet
stands in its place. A page for practice carries the answers, since it corrects them where it is: who looks for them in
its source finds them. A page with ``feedback="none"`` carries none, and hands the answers over as a file.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from autodiff.exercises.question import Question
from autodiff.exercises.sheets import paper
from autodiff.exercises.sheets.sheet import (
    Sheet,
    blank,
    escaped,
    fingerprint,
    given,
    known,
    places,
    shown,
    title,
)
from autodiff.exercises.written import program
from autodiff.formulas.expression import Expression, Symbol
from autodiff.mistakes import MISCONCEPTIONS
from autodiff.show.picture.drawing import Drawing, Engine
from autodiff.show.stepper.page import PAGE, STYLE

UNKNOWN: Any = Symbol("number")  # of a node, which the rule of its gradient does not use
# The script fills every place for these exercises that is still empty, so that two scripts never meet.
SCRIPT = """(() => {{
{code}
const css = {css};
const sheets = {sheets};
for (const place of document.querySelectorAll("[data-autodiff-exercise]:not([data-live])")) {{
  const sheet = sheets[place.dataset.autodiffExercise];
  if (sheet) mountSheet(place, sheet, css);
}}
}})();"""


def page(sheets: Sequence[Sheet], *, keyed: bool = True, solved: bool = False, engine: Engine = "auto") -> str:
    """Return exercises as a page that needs nothing else: no server, no network.

    Args:
        sheets: the exercises.
        keyed: whether the page corrects answers, for which it carries the key.
        solved: whether the key is printed under each.
        engine: what draws the graphs, as in `draw`.
    """
    script, places = _parts(sheets, keyed, engine)
    if solved:
        places = [place + paper.key(sheet) for place, sheet in zip(places, sheets, strict=True)]
    style = STYLE + paper.STYLE
    policy = f"default-src 'none'; img-src data:; script-src '{_hash(script)}'; style-src '{_hash(style)}'"
    body = (
        "\n".join([place.replace("<div ", "<div data-page ", 1) for place in places]) + f"\n<script>{script}</script>"
    )
    name = title(sheets[0]) if len(sheets) == 1 else f"{len(sheets)} exercises"
    return PAGE.format(policy=policy, title=escaped(name), style=style, stepper=body)


def fragment(sheet: Sheet, engine: Engine = "auto") -> str:
    """Return an exercise as a piece of HTML, for the output of a notebook's cell."""
    script, (place,) = _parts([sheet], True, engine)
    place = place.replace("<img ", '<img style="max-width:100%" ', 1)  # a page has a sheet, and forbids this
    return f"{place}\n<script>{script}</script>"


def _parts(sheets: Sequence[Sheet], keyed: bool, engine: Engine) -> tuple[str, list[str]]:
    """Return the script, and for each exercise the element that it puts the questions into."""
    data, places = {}, []
    for sheet in sheets:
        drawing = blank(sheet, engine)
        about = told(sheet, drawing, keyed)
        id_ = hashlib.sha256((drawing.svg + json.dumps(about)).encode()).hexdigest()[:12]
        data[id_] = about
        places.append(f'<div data-autodiff-exercise="{id_}">{paper.paper(sheet, drawing)}</div>')
    code = "\n".join([_resource("check.js"), _resource("sheet.js")])
    css = json.dumps(_stepper_css() + _resource("sheet.css"))
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    return SCRIPT.format(code=code, css=css, sheets=text), places


def told(sheet: Sheet, drawing: Drawing, keyed: bool) -> dict[str, Any]:
    """Return an exercise for the scripts; unless it is `keyed`, nothing from which an answer could be read."""
    story = sheet.story
    index = {id(node): i for i, node in enumerate(story.all_nodes)}
    met = set().union(*[sheet.leads(question.name) for question in sheet.questions if keyed])
    rows = [name for name in MISCONCEPTIONS if name in met]
    questions = []
    for question, (node, position) in zip(sheet.questions, places(sheet), strict=True):
        turn, of_arrow = question.kind == "turn", question.kind in ("local", "contribution")
        into = range(len(node.parents)) if question.kind == "value" else [position] if of_arrow else []
        asked: dict[str, Any] = {
            **{"name": question.name, "kind": question.kind, "prompt": question.prompt},
            "node": None if turn else index[id(node)],
            "with": [index[id(node.parents[i])] for i in into],
            "arrows": [drawing.edge_id(node, i) for i in into],
            "choices": list(question.choices),
            "hints": [],
        }
        questions.append(asked | (_key(sheet, question, rows) if keyed else {}))
    nodes = [
        {"id": drawing.node_id(node), "name": story.name(node), "known": known(sheet, node)} for node in story.all_nodes
    ]
    texts = [MISCONCEPTIONS[name] for name in rows if keyed]
    return {
        **{"exercise": fingerprint(sheet), "made": sheet.made, "root": story.name(story.root), "keyed": keyed},
        **{"given": given(sheet), "givens": list(sheet.givens.items())},
        "rows": [{"name": row.name, "did": row.did, "why": row.why, "look": row.look} for row in texts],
        **{"nodes": nodes, "questions": questions},
    }


def _key(sheet: Sheet, question: Question, rows: list[str]) -> dict[str, Any]:
    """Return what a page needs to correct the answers to a question."""
    return {
        **{"answer": question.answer, "shown": shown(question.answer), "right": list(question.accepted)},
        **{"rule": question.rule, "uses": dict(question.uses)},
        "mistakes": [[rows.index(name), x] for name, numbers in sheet.leads(question.name).items() for x in numbers],
        "bent": [[rows.index(name), rule] for name, rule in _bent_rules(question) if name in rows],
        "hints": list(question.hints),
    }


def _bent_rules(question: Question) -> Iterator[tuple[str, str]]:
    """Yield the rules that misconceptions make of a question's own, which are needed where it follows from a slip.

    The rows of the table are read with symbols. What bends a local derivative is left to `Question.mistakes`.
    """
    words = sorted(question.uses, key=question.rule.index)
    symbols: list[Any] = [Symbol(word) for word in words]
    letters = [word[0] for word in words]
    for name, row in MISCONCEPTIONS.items():
        bent: Any = None
        try:
            if row.contribution and letters == ["g", "d"]:
                bent = row.contribution(symbols[0], symbols[1], UNKNOWN, False)
            elif row.gather and {*letters} == {"c"}:
                bent = row.gather(symbols)
        except TypeError:  # it asks for a number
            continue
        if isinstance(bent, Expression) and UNKNOWN.name not in (rule := program(bent)):
            yield name, rule


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _resource(name: str) -> str:
    return (files("autodiff.exercises.sheets") / name).read_text("utf-8")


@cache
def _stepper_css() -> str:
    return (files("autodiff.show.stepper") / "stepper.css").read_text("utf-8")
