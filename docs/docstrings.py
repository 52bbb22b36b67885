"""Docstrings as Markdown: doctests become code, and an asterisk is an asterisk."""

from __future__ import annotations

import re
from typing import Any

import griffe


class Docstrings(griffe.Extension):
    """Rewrites each docstring before it is rendered."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of an object, if it has one."""
        if obj.docstring:
            obj.docstring.value = markdown(obj.docstring.value)


def markdown(docstring: str) -> str:
    """Return a docstring with its doctests fenced, and the asterisks of its formulas escaped."""
    paragraphs = re.split(r"(\n\s*\n)", docstring)  # the odd ones are the blank lines between
    return "".join(map(_paragraph, paragraphs))


def _paragraph(text: str) -> str:
    if text.lstrip().startswith(">>>"):
        margin = text[: len(text) - len(text.lstrip())]
        code = re.sub(r"  # doctest: .*", "", text)
        return f"{margin}```pycon\n{code}\n{margin}```"
    if text.startswith("    ") or not text.strip():
        return text  # a formula that stands by itself
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else part.replace("*", r"\*") for part in parts)
