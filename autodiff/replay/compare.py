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

    Return whether anything was compared: where a number is not finite there is nothing, the eager engine answers.

    Raises:
        ReplayError: with the first difference.
    """
    (loss, gradient), (eager_loss, eager_gradient) = ours, eager.mean(recording, values, rows)
    if not all(map(math.isfinite, (loss, *gradient, eager_loss, *eager_gradient))):
        return False
    largest = max([abs(number) for number in recording.numbers if math.isfinite(number)])
    if not math.isclose(loss, eager_loss, rel_tol=1e-9, abs_tol=1e-12 * largest):
        raise ReplayError(f"the loss is {float(loss)!r} in the replay, {eager_loss!r} computed eagerly")
    noise = 1e-12 * max([1e-3 * largest, *map(abs, eager_gradient)])
    for i, (slope, expected) in enumerate(zip(gradient, eager_gradient, strict=True)):
        if not math.isclose(slope, expected, rel_tol=1e-9, abs_tol=noise):
            raise ReplayError(
                f"the derivative by parameter {i} is {float(slope)!r} in the replay, {expected!r} computed eagerly"
            )
    return True
