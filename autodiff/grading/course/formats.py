"""A report as other tools read it: HTML, JSON, JUnit XML, and the results.json of Gradescope.

Each line of the rubric is there, whatever happened; its points are clipped, finite and rounded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from autodiff.grading.report import EngineReport, Line


def text(reports: Mapping[str, EngineReport]) -> str:
    """Return the answers for the learners; of more than one, each below its file's name."""
    if len(reports) == 1:
        return f"{next(iter(reports.values()))}\n"
    return "\n".join([f"== {name}\n{report}\n" for name, report in reports.items()])


def as_json(reports: Mapping[str, EngineReport]) -> str:
    """Return everything that the reports hold, by file."""
    return json.dumps({name: report.as_dict() for name, report in reports.items()}, indent=2, allow_nan=False) + "\n"


def html(reports: Mapping[str, EngineReport]) -> str:
    """Return a page in one file, with the rubric as a table and the smallest wrong program drawn where it can be.

    Of one engine alone, that program can be stepped through.
    """
    parts = []
    for name, report in reports.items():
        rows = "".join(
            [
                f"<tr class='{line.status.replace(' ', '-')}'><td>{escape(line.name)}</td><td>{line.status}</td>"
                f"<td>{line.points:.4g} / {line.maximum:g}</td><td>{escape(line.reason)}</td></tr>"
                for line in report.rubric
            ]
        )
        answer = escape(str(report))
        parts.append(
            f"<section><h2>{escape(name)}</h2><pre>{answer}</pre>{_drawn(report, len(reports) == 1)}"
            f"<table><tr><th>step</th><th></th><th>points</th><th>why</th></tr>{rows}</table></section>"
        )
    style = (
        ":root{color-scheme:light dark}body{font-family:sans-serif;max-width:60rem;margin:auto;padding:1rem}"
        "pre{white-space:pre-wrap;background:#8881;padding:1rem}img,svg{max-width:100%;height:auto}"
        "td,th{text-align:left;padding:.2rem .4rem;vertical-align:top;overflow-wrap:anywhere}"
        ".wrong{background:#d5821d44}"
    )
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Engines</title><style>{style}</style>"
        f"<h1>Engines</h1>{''.join(parts)}</html>\n"
    )


def _drawn(report: EngineReport, alone: bool) -> str:
    from autodiff.show.stepper.page import fragment  # here, since other formats need no picture

    try:
        story = report.steps
        return fragment(story, story.views) if alone else report.drawing.svg
    except (RuntimeError, ValueError):  # nothing to draw, or nothing that draws
        return ""


def junit(reports: Mapping[str, EngineReport]) -> str:
    """Return JUnit XML: a suite for each file, a case for each line of the rubric, its points as properties.

    What is missing and what is only remarked on is skipped, with the reason: no number is wrong there.
    """
    suites = []
    for name, report in reports.items():
        cases = "".join([_case(line) for line in report.rubric])
        failed = sum(_failed(line) for line in report.rubric)
        skipped = sum(line.status in ("not there", "remark") for line in report.rubric)
        suites.append(
            f'<testsuite name="{_xml(name)}" tests="{len(report.rubric)}" failures="{failed}" errors="0" '
            f'skipped="{skipped}" time="0">{cases}<system-out>{_xml(str(report))}</system-out></testsuite>'
        )
    return f'<?xml version="1.0" encoding="utf-8"?>\n<testsuites>{"".join(suites)}</testsuites>\n'


def _failed(line: Line) -> bool:
    return line.status in ("wrong", "not tried")


def _case(line: Line) -> str:
    properties = "".join(
        [
            f'<property name="{key}" value="{number!r}"/>'
            for key, number in (("points", line.points), ("maximum", line.maximum))
        ]
    )
    inner = f"<properties>{properties}</properties>"
    if _failed(line):
        inner += f'<failure message="{_xml(line.reason)}" type="{line.status}"/>'
    elif line.status != "right":
        inner += f'<skipped message="{_xml(line.reason)}"/>'
    return f'<testcase classname="engine" name="{_xml(line.name)}" time="0">{inner}</testcase>'


def _xml(content: str) -> str:
    """Return text for XML 1.0: without the characters that it has no place for."""
    kept = [
        c if c in "\n\t" or (c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff") else "?"
        for c in content
    ]
    return escape("".join(kept))


def gradescope(reports: Mapping[str, EngineReport]) -> str:
    """Return Gradescope's results.json for one submission: a test for each line of the rubric.

    Raises:
        ValueError: for more than one file, since Gradescope asks for one submission at a time.
    """
    if len(reports) != 1:
        raise ValueError(f"Gradescope's results.json is for one submission, got {len(reports)}")
    (report,) = reports.values()
    tests = [
        {
            "name": line.name,
            "score": line.points,
            "max_score": line.maximum,
            "status": "passed" if line.points == line.maximum else "failed",
            "output": line.reason,
            "visibility": "visible",
        }
        for line in report.rubric
    ]
    whole: dict[str, Any] = {"score": report.score, "output": str(report), "visibility": "visible", "tests": tests}
    return json.dumps(whole, indent=2, allow_nan=False) + "\n"


FORMATS = {"text": text, "html": html, "json": as_json, "junit": junit, "gradescope": gradescope}


def names(paths: Sequence[str]) -> list[str]:
    """Return a name for each file that no other has: the path, and a number behind one that is given twice."""
    seen: dict[str, int] = {}
    shown = []
    for path in paths:
        seen[path] = seen.get(path, 0) + 1
        shown.append(path if seen[path] == 1 else f"{path} ({seen[path]})")
    return shown
