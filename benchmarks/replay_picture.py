"""The figures of `benchmarks/replay.py` for the README: a table of ratios, and bars on a logarithmic scale, as SVG."""

from __future__ import annotations

import math
from typing import Any
from xml.sax.saxutils import escape

WIDTH, BAR, LEFT, RIGHT = 760, 22, 190, 170
OURS, OTHERS, EAGER = "#1f6f54", "#b9bec6", "#6aa58f"
FIRST = "autodiff, auto"  # what all others are compared with


def readme(figures: dict[str, Any]) -> str:
    """Return a table in Markdown: how many times the processor time of a replay's step each takes."""
    works = [work for work in figures["works"] if work["work"].startswith("W")]
    names = list(dict.fromkeys([row["name"] for work in works for row in work["rows"]]))
    names = [name for name in names if name != FIRST]
    lines = ["| | " + " | ".join([work["work"] for work in works]) + " |", "|---" * (len(works) + 1) + "|"]
    for name in names:
        cells = []
        for work in works:
            seconds = {row["name"]: row["step"]["processor"] for row in work["rows"]}
            cells.append(_ratio(seconds[name] / seconds[FIRST]) if name in seconds and FIRST in seconds else "")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _ratio(x: float) -> str:
    return f"{x:.2g}" if x < 10 else f"{float(f'{x:.2g}'):,.0f}"


def picture(figures: dict[str, Any]) -> str:
    """Return an SVG: for each network, the samples a second of each contestant, of processor time."""
    works = [work for work in figures["works"] if work["samples"] > 1 and work["work"].startswith("W")]
    parts: list[str] = []
    y = 34
    for work in works:
        rates = [(row["name"], work["samples"] / row["step"]["processor"]) for row in work["rows"]]
        rates.sort(key=lambda rate: rate[1])
        low = math.floor(math.log10(rates[0][1])) - 0.5
        high = math.log10(rates[-1][1])
        parts.append(_text(16, y, work["work"], weight="600"))
        y += 12
        for name, rate in rates:
            width = (math.log10(rate) - low) / (high - low) * (WIDTH - LEFT - RIGHT)
            ours = name.startswith("autodiff")
            colour = EAGER if name == "autodiff, eager" else OURS if ours else OTHERS
            weight = "600" if ours else "400"
            parts.append(_text(LEFT - 10, y + 15, name, anchor="end", weight=weight))
            parts.append(
                f'<rect x="{LEFT}" y="{y + 2}" width="{width:.1f}" height="{BAR - 5}" rx="2" fill="{colour}"/>'
            )
            number = f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"
            parts.append(_text(round(LEFT + width) + 8, y + 15, f"{number} samples/s", weight=weight))
            y += BAR
        y += 34
    note = "A step of training, float64, by processor time; logarithmic scale; longer is faster."
    parts.append(_text(16, y - 8, note, fill="#5a6069"))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 8}" width="{WIDTH}" height="{y + 8}" '
    head += 'font-family="Helvetica, Arial, sans-serif" font-size="13">'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{y + 8}" fill="#ffffff"/>', *parts, "</svg>", ""])


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: str = "400", fill: str = "#1c2026") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-weight="{weight}" fill="{fill}">{escape(text)}</text>'
