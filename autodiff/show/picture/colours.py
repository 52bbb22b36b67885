"""The colours of drawings: near those of Okabe and Ito's palette, which colour-blind readers can tell apart.

Reference: Okabe and Ito 2008, "Color Universal Design". What a colour says, the form of a box says too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

INK, QUIET, ARROW = "#1f2933", "#4a5560", "#5f6c79"
HALO = "#ffffff"  # around what is drawn on the reader's page, whose colour we do not know
FILL = {"leaf": "#fce8b4", "constant": "#f6f7f8", "operation": "#d9eafa", "output": "#bfe8d6", "module": "#e8cbdd"}
LINE = {"leaf": "#c98a00", "constant": "#9aa5b1", "operation": "#3f8fd0", "output": "#00845f", "module": "#a3508a"}
POSITIVE, NEGATIVE = "#0072b2", "#d55e00"  # the weights of a network
BACKWARD = "#7a2a8c"  # its gradients
CHOSEN = {  # what authors may call by name: tints on which texts are read
    **{"green": "#a9e0c5", "orange": "#fbd08a", "blue": "#add6f7", "pink": "#f7c4da", "yellow": "#f3ea8c"},
    **{"purple": "#dcc3ec", "red": "#f9c1b2", "grey": "#d8dde2", "white": "#ffffff"},
}

NOT_FINITE = "#cc79a7"  # a gradient of nan or inf, outside of the scale
COLD, COOL, HOT = (255, 255, 255), (139, 149, 158), (230, 159, 0)  # boxes begin with white, lines with grey


def heat(size: float, largest: float, cold: tuple[int, int, int] = COLD) -> str:
    """Return the tint of a gradient's size: `cold` for 0, Okabe and Ito's orange for the largest that is finite.

    The share is drawn as its square root, so that gradients a hundred times smaller can still be told from 0.
    What is not finite has a tint of its own, purple.

    >>> heat(0.0, 2.0), heat(2.0, 2.0)
    ('#ffffff', '#e69f00')
    """
    if not math.isfinite(size):
        return NOT_FINITE
    share = 1.0 if size == largest and size else math.sqrt(size / largest) if largest else 0.0
    return "#" + "".join([f"{round(low + (high - low) * share):02x}" for low, high in zip(cold, HOT, strict=True)])


def largest(sizes: Iterable[float | None]) -> float:
    """Return the largest of some sizes that is finite, 0 if none is."""
    return max([size for size in sizes if size is not None and math.isfinite(size)], default=0.0)


def chosen(colour: object) -> str:
    """Return a colour that an author chose as ``#rrggbb``.

    >>> chosen("green"), chosen("#f80")
    ('#a9e0c5', '#ff8800')

    Raises:
        ValueError: if it is neither one of the names nor hexadecimal.
    """
    if isinstance(colour, str):
        if colour in CHOSEN:
            return CHOSEN[colour]
        if re.fullmatch("#[0-9a-fA-F]{6}", colour):
            return colour.lower()
        if re.fullmatch("#[0-9a-fA-F]{3}", colour):
            return "#" + "".join([2 * digit for digit in colour[1:].lower()])
    raise ValueError(f"a colour is {', '.join(map(repr, CHOSEN))} or hexadecimal as in '#ff8800', got {colour!r}")


def inks_on(fill: str) -> tuple[str, str]:
    """Return the colours of texts, and of quiet texts, that can be read on a fill, by the luminance of WCAG 2.1."""
    shares = [int(fill[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in shares]
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return (INK, QUIET) if light > 0.55 else (INK, INK) if light > 0.24 else ("#ffffff", "#ffffff")
