"""The colours of drawings: near those of Okabe and Ito's palette, which colour-blind readers can tell apart.

Reference: Okabe and Ito 2008, "Color Universal Design". What a colour says, the form of a box says too.
"""

from __future__ import annotations

import math

PAGE, INK, QUIET, ARROW = "#ffffff", "#1f2933", "#4a5560", "#8693a0"
FILL = {"leaf": "#fce8b4", "constant": "#f6f7f8", "operation": "#d9eafa", "output": "#bfe8d6", "module": "#e8cbdd"}
LINE = {"leaf": "#c98a00", "constant": "#9aa5b1", "operation": "#3f8fd0", "output": "#00845f", "module": "#a3508a"}

NOT_FINITE = "#cc79a7"  # a gradient of nan or inf, outside of the scale
COLD, COOL, HOT = (255, 255, 255), (222, 226, 230), (230, 159, 0)  # boxes begin with white, arrows with a light grey


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
