"""Whether a program answers what the eager engine answers."""

from __future__ import annotations

import math
from typing import Any


class ReplayError(ArithmeticError):
    """A replay and the eager engine disagree; the message says in what."""


def compare(ours: tuple[float, Any], theirs: tuple[float, Any]) -> None:
    """Raise unless a loss and its gradient agree with the eager ones, to the rounding of sums in another order.

    Where something is not finite there is nothing to compare: there the eager engine is what answers.
    """
    (loss, gradient), (eager_loss, eager_gradient) = ours, theirs
    if not all(map(math.isfinite, (loss, *gradient, eager_loss, *eager_gradient))):
        return
    if not math.isclose(loss, eager_loss, rel_tol=1e-9, abs_tol=1e-12):
        raise ReplayError(f"the loss is {float(loss)!r} in the replay, {eager_loss!r} computed eagerly")
    scale = max(map(abs, eager_gradient))
    for i, (slope, eager_slope) in enumerate(zip(gradient, eager_gradient, strict=True)):
        if not math.isclose(slope, eager_slope, rel_tol=1e-9, abs_tol=1e-12 * scale):
            raise ReplayError(
                f"the derivative by parameter {i} is {float(slope)!r} in the replay, {eager_slope!r} computed eagerly"
            )
