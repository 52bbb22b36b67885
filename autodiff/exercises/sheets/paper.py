"""The printed sheet: what is given, the picture with blanks, a line for each answer; and the key, with what was worked.

As HTML it is printed on A4 or letter, as the printer has it; as PDF it is set by Typst. Whatever a label holds is text.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.resources import as_file, files
from typing import Any, Literal

from autodiff.exercises.question import Question
from autodiff.exercises.sheets.sheet import Sheet, blank, distractors, escaped, fingerprint, given, shown, title
from autodiff.show.picture.drawing import Drawing, Engine

SHOWN = "font-family:monospace"  # of formulas, in a notebook
MAX_TOLD = 6  # numbers that tell of a mistake, for each question
STYLE = """
@page { margin: 16mm 15mm; }
.paper h2 { margin: 0 0 0.5rem; font-size: 1.1rem; overflow-wrap: anywhere; }
.paper p { margin: 0.4rem 0; overflow-wrap: anywhere; }
.paper .who { display: flex; gap: 1rem; margin: 0 0 0.75rem; }
.paper .line { flex: 1 1 6rem; min-width: 6rem; border-bottom: 1px solid currentcolor; }
.paper .who .line:last-child { flex-grow: 0.4; }
.paper img { display: block; max-width: 100%; max-height: 90mm; margin: 0.5rem auto; background: #ffffff; }
.paper ol { margin: 0.5rem 0; padding-left: 2rem; }
.paper li { padding: 0.28rem 0; break-inside: avoid; overflow-wrap: anywhere; }
.paper li > div { display: flex; flex-wrap: wrap; gap: 0.25rem 0.75rem; align-items: flex-end; }
.paper table { width: 100%; border-collapse: collapse; }
.paper th, .paper td { padding: 0.2rem 0.5rem 0.2rem 0; border-bottom: 1px solid #b9c1c9; }
.paper th, .paper td { text-align: left; vertical-align: top; }
.paper td { overflow-wrap: anywhere; }
.paper td:nth-child(odd) { white-space: nowrap; overflow-wrap: normal; }
.paper td:nth-child(2) { min-width: 12rem; }
.paper tr { break-inside: avoid; }
.paper td small { display: block; }
.paper.key { margin-top: 2rem; overflow-x: auto; break-before: page; }
.paper + .paper:not(.key), * + [data-autodiff-exercise] > .paper { break-before: page; }
@media print {
  body { background: none; color: #000000; font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  h1 { display: none; }
}
"""

TYPST = """
#let sheets = json(bytes(sys.inputs.sheets))
#set document(title: sheets.at(0).title, date: none)
#set page(paper: sys.inputs.paper, margin: (x: 15mm, y: 16mm))
#set text(size: 10.5pt, font: ("Liberation Sans", "Libertinus Serif"))
#let rule = box(width: 1fr, line(length: 100%, stroke: 0.5pt))
#for (i, sheet) in sheets.enumerate() {
  if i > 0 { pagebreak() }
  heading(sheet.title)
  [#v(2mm) Name #rule #h(4mm) Date #box(width: 40mm, line(length: 100%, stroke: 0.5pt)) #v(1mm)]
  [Given: #sheet.given]
  align(center, image(bytes(sheet.svg), format: "svg", width: 100%, height: 68mm, fit: "contain", alt: sheet.alt))
  [Numbers to at least three digits.]
  enum(spacing: 5mm, ..sheet.asked.map((prompt) => [#prompt #h(2mm) #rule]))
  text(size: 8pt, sheet.fingerprint)
  if sheet.key.len() > 0 {
    pagebreak()
    heading[Key: #sheet.title]
    let cells = sheet.key.enumerate().map(((n, (prompt, hints, answer, told))) => (
      [#{ n + 1 }.],
      [#prompt #text(size: 8.5pt, hints.map((hint) => [#linebreak() #hint]).join())],
      [#answer],
      text(size: 8.5pt, told.join(linebreak())),
    ))
    table(columns: (auto, 1fr, auto, 1.2fr), stroke: (x: none, y: 0.4pt + gray), ..cells.flatten())
    text(size: 8pt, sheet.fingerprint)
  }
}
"""
Paper = Literal["a4", "letter"]
PAPERS: dict[Paper, str] = {"a4": "a4", "letter": "us-letter"}  # as Typst calls them


def paper(sheet: Sheet, drawing: Drawing) -> str:
    """Return the sheet with its blanks."""
    svg = base64.b64encode(drawing.svg.encode()).decode()
    alt = escaped(f"Computation graph of {sheet.story.name(sheet.loss)} with blanks")
    lines = "".join(
        [f"<li><div><span>{escaped(asked(q))}</span><span class='line'></span></div></li>" for q in sheet.questions]
    )
    return (
        f"<section class='paper'><h2>{escaped(title(sheet))}</h2>"
        "<p class='who'>Name <span class='line'></span> Date <span class='line'></span></p>"
        f"<p>Given: {escaped(given(sheet))}</p>"
        f'<img alt="{alt}" src="data:image/svg+xml;base64,{svg}">'
        f"<p>Numbers to at least three digits.</p><ol>{lines}</ol><p><small>{fingerprint(sheet)}</small></p></section>"
    )


def key(sheet: Sheet) -> str:
    """Return the key: the answers, how they follow, and of which mistake another number tells."""
    rows = "".join([f"<tr>{''.join([f'<td>{cell}</td>' for cell in _cells(sheet, q)])}</tr>" for q in sheet.questions])
    heads = "".join(
        [f"<th scope='col'>{head}</th>" for head in ("", "question", "answer", "mistakes that another number tells of")]
    )
    return (
        f"<section class='paper key'><h2>Key: {escaped(title(sheet))}</h2>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table><p><small>{fingerprint(sheet)}</small></p></section>"
    )


def pdf(sheets: Sequence[Sheet], *, solved: bool = False, paper: Paper = "a4", engine: Engine = "auto") -> bytes:
    """Return the sheets as a PDF.

    Args:
        sheets: the exercises; each begins on a page of its own.
        solved: whether the key follows each.
        paper: "a4" or "letter".
        engine: what draws the graphs, as in `draw`.

    Raises:
        RuntimeError: if `typst` is not installed.
    """
    try:
        typst: Any = import_module("typst")
    except ImportError as error:
        raise RuntimeError(
            f"a .pdf is made by Typst, which is not there ({error}): `pip install 'autodiff-scalar[pdf]'` installs it, "
            "or save as .html, and print that"
        ) from None
    told = [
        {
            **{"title": title(sheet), "given": given(sheet), "svg": blank(sheet, engine).svg},
            **{"alt": "computation graph with blanks", "asked": [asked(question) for question in sheet.questions]},
            **{"fingerprint": fingerprint(sheet), "key": [_row(q) for q in sheet.questions] if solved else []},
        }
        for sheet in sheets
    ]
    inputs = {"sheets": json.dumps(told), "paper": PAPERS[paper]}
    with as_file(files("autodiff.support") / "fonts") as folder:  # the same letters on every machine
        return bytes(typst.compile(TYPST.encode(), format="pdf", font_paths=[str(folder)], sys_inputs=inputs))


def asked(question: Question) -> str:
    """Return what is asked, with what there is to choose from."""
    return f"{question.prompt} ({' or '.join(question.choices)})" if question.choices else question.prompt


def _cells(sheet: Sheet, question: Question) -> Iterator[str]:
    """Yield the cells of a question, as HTML."""
    prompt, hints, answer, told = _row(question)
    yield f"{sheet.questions.index(question) + 1}."
    yield escaped(prompt) + "".join([f"<small>{escaped(hint)}</small>" for hint in hints])
    yield escaped(answer)
    yield "".join([f"<small>{escaped(line)}</small>" for line in told])


def _row(question: Question) -> tuple[str, Sequence[str], str, Sequence[str]]:
    """Return what the key says of a question: the prompt, how it follows, the answer, the numbers of mistakes."""
    told = distractors(question)[:MAX_TOLD]
    lines = [f"{shown(answer)}: {', '.join([row.name for row in rows])}" for answer, rows in told]
    return asked(question), question.hints[:-1], shown(question.answer), lines


class Folded:
    """Some questions of an exercise as a notebook shows them, each with its hint and its solution folded away.

    Args:
        sheet: the exercise.
        questions: those that are asked.
    """

    def __init__(self, sheet: Sheet, questions: Sequence[Question]) -> None:
        self._sheet, self._questions = sheet, questions

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        return {"text/html": self._html(), "text/plain": str(self)}

    def _html(self) -> str:
        """Return HTML that needs no script."""
        lines = ", ".join(self._sheet.lines)
        folds = [_fold("Hint", q.hints[:1]) + _fold("Solution", q.hints[1:]) for q in self._questions]
        items = [f"<li>{escaped(asked(q))}{fold}</li>" for q, fold in zip(self._questions, folds, strict=True)]
        about = f"<p><span style='{SHOWN}'>{escaped(lines)}</span>, given {escaped(given(self._sheet))}</p>"
        return f"{about}<ol>{''.join(items)}</ol>"

    def __str__(self) -> str:
        lines = [f"{i}. {asked(question)}" for i, question in enumerate(self._questions, 1)]
        return "\n".join([", ".join(self._sheet.lines), f"given {given(self._sheet)}", *lines])

    def __repr__(self) -> str:
        return f"<{len(self._questions)} questions with hints and solutions>"


def _fold(title: str, lines: Sequence[str]) -> str:
    told = "<br>".join(map(escaped, lines))
    return f"<details><summary>{title}</summary><span style='{SHOWN}'>{told}</span></details>"
