"""The colours of drawings: tints of Okabe and Ito's palette, which colour-blind readers can tell apart.

Reference: Okabe and Ito 2008, "Color Universal Design". What a colour says, the form of a box says too.
"""

from __future__ import annotations

import math

PAGE, INK, QUIET, ARROW = "#ffffff", "#1f2933", "#5f6b76", "#8693a0"
FILL = {"leaf": "#fdf0d0", "constant": "#f2f4f6", "operation": "#e6f1fa", "output": "#d9f1e7", "module": "#f7e8f1"}
LINE = {"leaf": "#c98a00", "constant": "#9aa5b1", "operation": "#4f93c4", "output": "#009e73", "module": "#b8699a"}

COLD, COOL, HOT = (255, 255, 255), (222, 226, 230), (230, 159, 0)  # boxes begin with white, arrows with a light grey


def heat(size: float, largest: float, cold: tuple[int, int, int] = COLD) -> str:
    """Return the tint of a gradient's size: `cold` for 0, Okabe and Ito's orange for the largest.

    The share is drawn as its square root, so that gradients a hundred times smaller can still be told from 0.

    >>> heat(0.0, 2.0), heat(2.0, 2.0)
    ('#ffffff', '#e69f00')
    """
    share = 1.0 if size == largest and size else math.sqrt(size / largest) if largest and size == size else 0.0
    return "#" + "".join([f"{round(low + (high - low) * share):02x}" for low, high in zip(cold, HOT, strict=True)])
