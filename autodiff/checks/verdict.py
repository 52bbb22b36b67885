"""What is said of a derivative, from what the differences tend to: "ok", "kink", "undecided" or "WRONG"."""

from __future__ import annotations

import math

from autodiff.checks.differences import ROUNDING, Differences, Slope, limit

MAX_DOUBT = 10.0  # tolerances: a difference that is known less well decides nothing
MAX_QUICK = 1e-8  # relative error of one difference beyond any doubt


def plain(numeric: Slope, analytic: float, tolerance: float) -> bool:
    """Whether one centred difference alone says that a derivative is right."""
    off = abs(numeric.value / 2 - analytic / 2)
    near = MAX_QUICK * (abs(numeric.value / 2) + abs(analytic / 2))  # halves do not overflow
    return math.isfinite(analytic) and off <= near and numeric.error <= MAX_DOUBT * tolerance * abs(analytic)


def judge(
    differences: Differences, analytic: float, size: float, tolerance: float, *, jumps: bool
) -> tuple[float, str]:
    """Return what the differences tend to, and the verdict on what the graph says.

    Args:
        differences: of the function.
        analytic: the derivative by the graph.
        size: the sum of the sizes of all paths that the derivative is the sum of: beside it, its own rounding is small.
        tolerance: the largest relative error that passes.
        jumps: whether what jumps here has a slope on each side that counts: the derivative of a function with a kink.
    """
    right, left = limit(differences.right), limit(differences.left)
    edge = len(differences.centred) < 2
    numeric = min(left, right, key=lambda side: side.error) if edge else limit(differences.centred)
    if _agree(numeric, analytic, size, tolerance, differences.typical()):
        return numeric.value, "ok"
    two_sided = not edge and math.isfinite(right.error + left.error)
    jump = two_sided and not math.isfinite(numeric.error)
    if jump and not jumps:
        return numeric.value, "undecided"
    sides = [side for side, found in ((right, differences.right), (left, differences.left)) if found]
    if not math.isfinite(analytic) and not all([_known(side, differences.typical()) for side in sides]):
        return numeric.value, "undecided"  # a pole, or what no float can hold: the differences show no number either
    kink = two_sided and (jump or _differ(right, left, tolerance))
    if two_sided and _between(right, left, analytic, tolerance, right.error + left.error if kink else numeric.error):
        return numeric.value, "kink" if kink else "undecided"
    if jump:
        steeper = abs(analytic) >= abs(numeric.value) and analytic * numeric.value > 0  # than the smallest step shows
        return numeric.value, "undecided" if steeper else "WRONG"
    off = abs(numeric.value - analytic)
    lost = off <= tolerance * (abs(numeric.value) + abs(analytic)) + numeric.error and math.isfinite(analytic)
    return numeric.value, "undecided" if lost or not math.isfinite(numeric.error) else "WRONG"


def _between(right: Slope, left: Slope, analytic: float, tolerance: float, error: float) -> bool:
    """Whether a gradient lies between the slopes of the two sides, or so near to them."""
    low, high = sorted((right.value, left.value))
    slack = error + tolerance * max(abs(low), abs(high))
    return low - slack <= analytic <= high + slack


def _known(side: Slope, typical: float) -> bool:
    """Whether the differences of one side tend to a number, however inexactly."""
    return side.error <= max(abs(side.value), typical)


def _differ(right: Slope, left: Slope, tolerance: float) -> bool:
    """Whether the slopes of the two sides differ beyond doubt."""
    known = tolerance * (abs(right.value) + abs(left.value)) + MAX_DOUBT * (right.error + left.error)
    return abs(right.value - left.value) > known


def _agree(numeric: Slope, analytic: float, size: float, tolerance: float, typical: float) -> bool:
    """Whether what the differences tend to is the gradient, and they are exact enough to say so."""
    if not math.isfinite(numeric.error) or not math.isfinite(analytic):
        return False
    off = abs(numeric.value - analytic)
    if numeric.error <= MAX_DOUBT * tolerance * abs(analytic):
        return off <= tolerance * (abs(numeric.value) + abs(analytic))
    # nothing remains of a sum of paths that cancel, or of a flat place between slopes
    nothing = abs(analytic) <= 4 * ROUNDING * size
    return nothing and off <= numeric.error <= tolerance * max(size, typical)
