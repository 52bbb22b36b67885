"""The error surface with the walk on it, as SVG: lines of equal error over two parameters, or the error by steps.

Each point of the walk is a circle with the number of its step in ``data-step``. The texts are the author's; colours are
those of light paper, on a ground of class ``ground`` that can be hidden.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from autodiff.support.labels import short

SIDE, MARGIN = 300.0, 64.0  # of the square that is drawn on, and the room for its numbers, in pixels
CELLS = 48  # along each side, unless others are asked for
QUANTILES = (0.09, 0.17, 0.28, 0.42, 0.58, 0.74, 0.9)  # of the errors in sight, at which lines are drawn
LOW, HIGH = (0, 105, 168), (184, 71, 0)
INK, WALK = "#1f2933", "#b84700"

Point = tuple[float, float]


def surface(
    names: tuple[str, str],
    walk: Sequence[Point],
    error: Callable[[float, float], float],
    spec: str = ".3g",
    cells: int = CELLS,
) -> str:
    """Return the lines of equal error around a walk over two parameters, and the walk.

    Args:
        names: of the two parameters.
        walk: their numbers before each step.
        error: the error at two numbers.
        spec: the format of the numbers at the axes.
        cells: how many there are along each side, at whose corners the error is computed.
    """
    xs, ys = [x for x, _ in walk], [y for _, y in walk]
    size = max(*(0.75 * (max(c) - min(c)) for c in (xs, ys)), 0.25 * max(map(abs, [*xs, *ys])), 1e-3)
    left, low = (max(xs) + min(xs)) / 2 - size, (max(ys) + min(ys)) / 2 - size
    step, unit = 2 * size / cells, CELLS / cells
    grid = [[error(left + i * step, low + j * step) for i in range(cells + 1)] for j in range(cells + 1)]
    seen = sorted([z for row in grid for z in row if math.isfinite(z)])
    levels = sorted({seen[int(q * (len(seen) - 1))] for q in QUANTILES}) if seen else []
    parts = []
    for n, level in enumerate(levels):
        pieces = [[(unit * x, unit * y) for x, y in piece] for piece in _contour(grid, level)]
        path = "".join([f"M{_at(*a)}L{_at(*b)}" for a, b in pieces])
        share = n / max(len(levels) - 1, 1)
        colour = "#" + "".join([f"{round(a + (b - a) * share):02x}" for a, b in zip(LOW, HIGH, strict=True)])
        parts.append(f'<path class="level" d="{path}" fill="none" stroke="{colour}" stroke-width="1"/>')
    places = [((x - left) / step * unit, (y - low) / step * unit) for x, y in walk]
    ends = [short(x, spec) for x in (left, left + 2 * size, low, low + 2 * size)]
    return _drawn(parts, places, names, ends, f"Lines of equal error over {names[0]} and {names[1]}, and the walk")


def curve(name: str, errors: Sequence[float], spec: str = ".3g") -> str:
    """Return the error of each step as a curve; those that are not finite are left out."""
    finite = [error for error in errors if math.isfinite(error)]
    low, high = min([*finite, 0.0]), max([*finite, 0.0])
    high = high if high > low else low + 1.0
    across = CELLS / max(len(errors) - 1, 1)
    places = [(i * across, (error - low) / (high - low) * CELLS) for i, error in enumerate(errors) if error in finite]
    ends = ["0", str(len(errors) - 1), short(low, spec), short(high, spec)]
    return _drawn([], places, ("step", name), ends, f"{name} by steps")


def _contour(grid: Sequence[Sequence[float]], level: float) -> list[tuple[Point, Point]]:
    """Return the pieces of a line of equal height, cell by cell, between the places where it crosses their sides."""
    pieces = []
    for j, (row, above) in enumerate(pairwise(grid)):
        for i, around in enumerate(zip(row[:-1], row[1:], above[1:], above[:-1], strict=True)):
            if len({z < level for z in around}) == 1 or not all(map(math.isfinite, around)):
                continue
            corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
            heights = [z - level for z in around]
            crossed = []
            for k in range(4):
                a, b = heights[k], heights[(k + 1) % 4]
                if (a < 0) != (b < 0):
                    (x, y), (u, v), share = corners[k], corners[(k + 1) % 4], a / (a - b)
                    crossed.append((x + (u - x) * share, y + (v - y) * share))
            pieces += [(crossed[k], crossed[k + 1]) for k in range(0, len(crossed), 2)]  # a saddle has two
    return pieces


def _at(x: float, y: float) -> str:
    """Return a place, in cells from the lower left corner, in pixels."""
    return f"{MARGIN + x * SIDE / CELLS:.1f},{10 + SIDE - y * SIDE / CELLS:.1f}"


def _drawn(
    parts: Sequence[str], places: Sequence[Point], names: tuple[str, str], ends: Sequence[str], title: str
) -> str:
    """Return the picture: what is behind, the walk, and the axes with their ends."""
    width, height, bottom = MARGIN + SIDE + 16, SIDE + MARGIN + 4, 10 + SIDE
    across, up = map(html.escape, names)
    texts = [
        (MARGIN, bottom + 16, "start", ends[0]),
        (MARGIN + SIDE, bottom + 16, "end", ends[1]),
        (MARGIN + SIDE / 2, bottom + 32, "middle", across),
        (MARGIN - 4, bottom, "end", ends[2]),
        (MARGIN - 4, 20, "end", ends[3]),
        (MARGIN - 4, 10 + SIDE / 2, "end", up),
    ]
    walk = " ".join([_at(*place) for place in places])
    dots = []
    for step, (x, y) in enumerate([_at(*place).split(",") for place in places]):
        dots.append(f'<circle class="walk" data-step="{step}" cx="{x}" cy="{y}" r="3" fill="{WALK}"/>')
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
            f'viewBox="0 0 {width:g} {height:g}" role="img" font-family="Helvetica, Arial, sans-serif" font-size="12">',
            f"<title>{html.escape(title)}</title>",
            f'<rect class="ground" width="{width:g}" height="{height:g}" fill="#ffffff"/>',
            f'<rect x="{MARGIN:g}" y="10" width="{SIDE:g}" height="{SIDE:g}" fill="none" stroke="#8693a0"/>',
            *parts,
            f'<polyline class="walk" points="{walk}" fill="none" stroke="{WALK}" stroke-width="2"/>',
            *dots,
            *[
                f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{INK}">{text}</text>'
                for x, y, anchor, text in texts
            ],
            "</svg>",
        ]
    )
