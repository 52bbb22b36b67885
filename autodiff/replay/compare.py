"""Whether a program answers what the eager engine answers."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

from autodiff.replay import eager
from autodiff.replay.record import Recording
from autodiff.replay.vectors import vector

POINTS = 5  # at which a program may be tried
STEP = 1e-3  # how far the other points are from the one before, relative and absolute


class ReplayError(ArithmeticError):
    """A replay and the eager engine disagree; the message says in what."""


def check(program: Any, recording: Recording, values: Any, rows: Any) -> None:
    """Raise unless the program of a recording agrees with the eager engine at these values, or close to them.

    At a kink such as relu at 0, and where all gradients cancel to 0, rounding alone decides: there it is no
    disagreement if the program agrees close by. Where something is not finite, a point close by is compared instead.
    """
    dice = random.Random(0)
    disagreement = None
    for point in range(POINTS):
        try:
            if compare(recording, values, rows, program.gradient(values, rows)):
                return
        except ReplayError as error:
            disagreement = error
        except (ArithmeticError, ValueError):
            if not point:
                raise  # the learner's graph is at fault; close by, it is not the learner's
        values = vector([x + STEP * (abs(x) + 1) * dice.uniform(-1, 1) for x in values.tolist()])
    if disagreement is not None:
        raise disagreement


def compare(recording: Recording, values: Any, rows: Sequence[Any], ours: tuple[float, Any]) -> bool:
    """Raise unless a loss and its gradient agree with the eager ones, to the rounding of sums in another order.

    Return whether anything was compared: where the program's numbers are not finite there is nothing, the eager engine
    answers. A gradient of None is not compared.

    Raises:
        ReplayError: with the first difference.
    """
    loss, gradient = ours
    slopes = () if gradient is None else gradient
    eager_loss, eager_slopes = eager.mean(recording, values, rows)
    if not all(map(math.isfinite, (loss, *slopes))):
        return False
    scale: list[float] = []  # found where it is needed

    def close(x: float, y: float, noise: float, largest: float) -> bool:
        if math.isclose(x, y, rel_tol=1e-9):
            return True
        if not scale:
            scale.append(max([eager.magnitude(recording, values, row) for row in rows]))
        return math.isclose(x, y, abs_tol=max(noise, 1e-12 * largest * scale[0]))

    if not close(loss, eager_loss, 0.0, 1.0):
        raise ReplayError(f"the loss is {float(loss)!r} in the replay, {eager_loss!r} computed eagerly")
    noise = 1e-12 * max([abs(slope) for slope in eager_slopes if math.isfinite(slope)], default=0.0)
    for i, (slope, expected) in enumerate(zip(slopes, eager_slopes, strict=gradient is not None)):
        if not close(slope, expected, noise, 1e-3):
            raise ReplayError(
                f"the derivative by parameter {i} is {float(slope)!r} in the replay, {expected!r} computed eagerly"
            )
    return True
