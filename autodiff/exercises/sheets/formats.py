"""The formats in which exercises are saved, and which of them a file's name means."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

from autodiff.exercises.sheets.canvas import canvas
from autodiff.exercises.sheets.moodle import moodle
from autodiff.exercises.sheets.page import page
from autodiff.exercises.sheets.paper import Paper, pdf
from autodiff.exercises.sheets.qti3 import package
from autodiff.exercises.sheets.sheet import Sheet
from autodiff.show.picture.drawing import ENGINES, Engine
from autodiff.support import files
from autodiff.support.arguments import check_choice, check_flag

Format = Literal["page", "pdf", "moodle", "qti3", "canvas"]
Correction = Literal["here", "none"]
ENDINGS: Mapping[str, str] = {"page": ".html", "pdf": ".pdf", "moodle": ".xml", "qti3": ".zip", "canvas": ".zip"}
COURSES: Mapping[str, Callable[[Sequence[Sheet], Engine], bytes]] = {
    "moodle": moodle,
    "qti3": package,
    "canvas": canvas,
}


def save(
    sheets: Sequence[Sheet],
    path: str | os.PathLike[str],
    *,
    format: Format | None = None,
    feedback: Correction = "here",
    key: bool = False,
    paper: Paper = "a4",
    engine: Engine = "auto",
) -> None:
    """Write exercises to a file: a page, which is also printed, or a file for a course tool.

    Args:
        sheets: the exercises.
        path: where; the name ends in .html for a page, .pdf for paper, .xml for Moodle, .zip for QTI 3 and Canvas.
        format: "page", "pdf", "moodle", "qti3" or "canvas"; without it a PDF if the name says so, else a page.
        feedback: whether the page corrects answers "here", for which it carries the key in its source, or "none", which
            carries no key and hands the answers over as a file.
        key: whether the answers, how they follow, and the mistakes are printed under a page, or after a sheet of paper.
        paper: the size of a PDF, "a4" or "letter"; a page is printed on what the printer has.
        engine: what draws the graphs, as in `draw`.

    Raises:
        ValueError: if the name does not end so, a graph is too large to be drawn, or options do not go together.
        RuntimeError: for a PDF, if ``pip install 'autodiff-scalar[pdf]'`` is missing.
    """
    check_choice("format", format, (None, *get_args(Format)))
    check_choice("feedback", feedback, get_args(Correction))
    check_choice("engine", engine, ENGINES)
    check_flag("key", key)
    check_choice("paper", paper, get_args(Paper))
    name = files.path_name(path)
    ending = Path(name).suffix.lower()
    kind = format or ("pdf" if ending == ".pdf" else "page")
    if ending != ENDINGS[kind]:
        others = ", ".join([f"format={other!r} for {end}" for other, end in ENDINGS.items() if other != kind])
        raise ValueError(f"format {kind!r} is saved as {ENDINGS[kind]}, got {name!r}; there are also {others}")
    if key and feedback == "none":
        raise ValueError("feedback='none' gives no answer away, and key=True prints them all: choose one")
    if (key and kind not in ("page", "pdf")) or (feedback == "none" and kind != "page"):
        raise ValueError(f"feedback is an option of a page, and key of a page or PDF, not of {kind}")
    if kind == "page":
        content = page(sheets, keyed=feedback == "here", solved=key, engine=engine).encode()
    elif kind == "pdf":
        content = pdf(sheets, solved=key, paper=paper, engine=engine)
    else:
        content = COURSES[kind](sheets, engine)
    files.write(name, content)
