"""What the gradient check answers: a comparison for each derivative, printed as a table."""

from __future__ import annotations

import math
from typing import NamedTuple

from autodiff.support.labels import clean


class Comparison(NamedTuple):
    """One derivative, computed twice.

    Attributes:
        label: the parameter; for second order the pair, ``a, b``.
        numeric: by differences.
        analytic: by the graph.
        relative_error: |numeric - analytic| / max(1e-8, |numeric| + |analytic|).
        verdict: one of

            - "ok": the two differ by less than the tolerance, relative, and the differences are exact enough to say so;
            - "kink": the function has no derivative there, and the gradient lies between its slopes on the two sides;
            - "undecided": the differences say nothing, since rounding, a jump, a pole or nan hides the derivative;
            - "WRONG": the differences tend to something else.
    """

    label: str
    numeric: float
    analytic: float
    relative_error: float
    verdict: str


class GradientCheck(NamedTuple):
    """The answer of `check_gradients`, printed as a table; true when no derivative is wrong and none undecided.

    A kink counts as right: there is no derivative to agree with, and the gradient is one of those that a function has
    there. PyTorch's `gradcheck` fails at a kink; to fail there too, ask for
    ``all(c.verdict == "ok" for c in check.comparisons)``.
    """

    comparisons: tuple[Comparison, ...]
    tolerance: float

    def __bool__(self) -> bool:
        return all(c.verdict in ("ok", "kink") for c in self.comparisons)

    @property
    def worst(self) -> Comparison:
        """The comparison with the largest relative error."""
        return max(self.comparisons, key=lambda c: (math.isnan(c.relative_error), c.relative_error))

    def __str__(self) -> str:
        labels = [clean(c.label, 60) for c in self.comparisons]
        width = max(len("parameter"), *map(len, labels))
        lines = [f"{'parameter':{width}}  {'numeric':>17}  {'analytic':>17}  {'rel. error':>10}  verdict"]
        for label, c in zip(labels, self.comparisons, strict=True):
            numbers = f"{c.numeric:>17.10g}  {c.analytic:>17.10g}  {c.relative_error:>10.1e}"
            lines.append(f"{label:{width}}  {numbers}  {c.verdict}")
        wrong, kinks, undecided = (
            sum(c.verdict == verdict for c in self.comparisons) for verdict in ("WRONG", "kink", "undecided")
        )
        at_kinks = f", {kinks} at a kink (between the slopes of its two sides)" if kinks else ""
        lost = f", {undecided} undecided (lost in rounding, or beside a jump, a pole or nan)" if undecided else ""
        lines.append(
            f"{len(self.comparisons)} derivatives, {wrong} wrong (relative error above {self.tolerance:g})"
            f"{at_kinks}{lost}"
        )
        return "\n".join(lines)


def relative_error(numeric: float, analytic: float) -> float:
    """Return the relative error; inf where one of the two is nan or inf and the other is not."""
    if numeric == analytic:
        return 0.0
    error = abs(numeric / 2 - analytic / 2) / max(5e-9, abs(numeric / 2) + abs(analytic / 2))  # halves do not overflow
    return error if error == error else math.inf
