"""The notebooks as data for the page's lessons: words as HTML, code, and what it showed when the notebook was made."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
LESSONS = (
    "01",
    "02",
    "03",
    "04",
    "05",
    "07",
    "11",
    "12",
    "13",
)  # what needs NumPy or matplotlib in them stays as saved
LINK = re.compile(r'href="(\d\d)-[\w-]+\.ipynb"')


def lessons() -> list[dict[str, Any]]:
    """Return the lessons: name, title and cells, each ``{html}`` or ``{code, saved}``."""
    return [_lesson(number, next(NOTEBOOKS.glob(f"{number}-*.ipynb"))) for number in LESSONS]


def _lesson(name: str, path: Path) -> dict[str, Any]:
    import markdown

    cells: list[dict[str, Any]] = []
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "code":
            saved = _saved(cell["outputs"])
            cells.append({"code": text, **({"saved": saved} if saved else {})})
        else:
            made = markdown.markdown(text, extensions=["tables", "fenced_code", "sane_lists", "md_in_html"])
            cells.append({"html": LINK.sub(_link, made)})
    title = re.search(r"<h1>(.*?)</h1>", cells[0]["html"])
    return {"name": name, "title": html.unescape(title[1]) if title else path.stem, "cells": cells}


def _link(link: re.Match[str]) -> str:
    return f'href="#lesson={link[1]}"' if link[1] in LESSONS else ""


def _saved(outputs: list[dict[str, Any]]) -> dict[str, str] | None:
    """Return what is shown of a cell before it is run: its picture, or what it printed."""
    for output in outputs:
        found = output.get("data", {})
        if "image/png" in found:
            address = "".join(found["image/png"]).replace("\n", "")
            return {"kind": "html", "html": f'<img alt="" src="data:image/png;base64,{address}">'}
    texts = ["".join(output.get("text") or output.get("data", {}).get("text/plain", "")) for output in outputs]
    whole = "\n".join([text.rstrip("\n") for text in texts if text])
    return {"kind": "text", "text": whole} if whole else None
