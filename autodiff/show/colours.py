"""The colours of drawings: tints of Okabe and Ito's palette, which colour-blind readers can tell apart.

Reference: Okabe and Ito 2008, "Color Universal Design". What a colour says, the form of a box says too.
"""

from __future__ import annotations

import math

PAGE, INK, QUIET, ARROW = "#ffffff", "#1f2933", "#5f6b76", "#8693a0"
FILL = {"leaf": "#fdf0d0", "constant": "#f2f4f6", "operation": "#e6f1fa", "output": "#d9f1e7", "module": "#f7e8f1"}
LINE = {"leaf": "#c98a00", "constant": "#9aa5b1", "operation": "#4f93c4", "output": "#009e73", "module": "#b8699a"}

COLD, HOT, UNKNOWN = (255, 255, 255), (230, 159, 0), "#ffffff"


def heat(size: float, largest: float) -> str:
    """Return the tint of a gradient's size: white for 0, Okabe and Ito's orange for the largest.

    The share is drawn as its square root, so that gradients a hundred times smaller can still be told from 0.

    >>> heat(0.0, 2.0), heat(2.0, 2.0)
    ('#ffffff', '#e69f00')
    """
    if math.isnan(size):
        return UNKNOWN
    share = 1.0 if size == largest and size else math.sqrt(size / largest) if largest else 0.0
    return "#" + "".join([f"{round(cold + (hot - cold) * share):02x}" for cold, hot in zip(COLD, HOT, strict=True)])
