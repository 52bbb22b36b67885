"""What every engine is asked: one row each, with the guess that was written down before it was run.

A row is an expression in x, y and z, where, which derivative, the true answer where there is one, the guess, and the
reason of our own answer. Order 1 is the gradient, 2 the Hessian row by row, 3 the third derivative. `guess` is one
answer for all engines: what somebody expects who knows calculus, IEEE 754 and PyTorch's documentation, and had seen
some forty of these rows in an earlier round. It was not changed after the run.
"""

from __future__ import annotations

import math
from typing import NamedTuple

inf, nan = math.inf, math.nan


class Row(NamedTuple):
    """A question, as said above. Answers are texts: numbers of four digits, with a space between."""

    expression: str
    at: tuple[float, ...]
    order: int
    true: str
    guess: str
    why: str

    @property
    def question(self) -> str:
        """The row's name: what is differentiated how often, and where."""
        where = ", ".join(f"{x:g}" for x in self.at)
        order = {1: "gradient", 2: "second order", 3: "third order"}[self.order]
        return f"{self.expression} at {where}: {order}"


MIDDLE = "the middle of the slopes on both sides, a subgradient; PyTorch's"
HALF = "half each: the gradient does not depend on the order of the operands, and sums up to 1"
BRANCH = "the branch that `x <= 0` takes, as PyTorch"
BOUND = "the bound belongs to the inside, as in PyTorch until 2.13; from 2.14 on it answers 0"
SMOOTH = "smooth: no convention, the derivative itself"
LIMIT = "the limit"
ORIGIN = "the origin is a minimum: 0 is the subgradient of least length"
RAISES = "has no value there, so it raises at the forward step instead of answering nan later"
NAN = "nan comes in, nan goes out: a fault in the data must not look like a dead unit"
CURVED = "the rule of |x| answers 0 at its kink, and its curvature is lost: true is 2"
POWER0 = "0**0 is 1 and x**0 is constant"
IEEE = "IEEE 754: overflow is inf, and nothing is rounded away before it must be"
KEEPS = "written so that nothing cancels: no 1 - s where s is near 1"
UNIT = "each of k that tie has 1/k, as PyTorch's amax"
OTHERS = "the product of the others, never out / x"

# fmt: off
SECTIONS: dict[str, list[Row]] = {
    "Kinks": [
        Row("abs(x)", (0,), 1, "", "0", MIDDLE),
        Row("abs(x)", (0,), 2, "", "0", "the two sides are straight"),
        Row("abs(x)**2", (0,), 2, "2", "2", CURVED),
        Row("abs(x)**3", (0,), 2, "0", "0", SMOOTH),
        Row("abs(x)*x", (0,), 2, "", "0", "-2 on the left, 2 on the right: the middle"),
        Row("sqrt(x*x)", (0,), 1, "", "nan", "inf * 0: write abs(x), which is asked for"),
        Row("sqrt(x**2)", (0,), 1, "", "nan", "inf * 0: write abs(x), which is asked for"),
        Row("sqrt(abs(x))", (0,), 1, "", "nan", "-inf and inf on the sides; |x| takes no branch, so 0 comes of it"),
        Row("sign(x)", (0,), 1, "", "0", "0 everywhere, at the jump too"),
        Row("relu(x)", (0,), 1, "", "0", BRANCH),
        Row("relu(-x)", (0,), 1, "", "0", BRANCH),
        Row("relu(x) - relu(-x)", (0,), 1, "1", "0", "each relu answers 0 alone: no rule of one node can mend it"),
        Row("relu(x)**2", (0,), 2, "", "0", "0 on the left, 2 on the right: relu's side"),
        Row("maximum(x, 0)", (0,), 1, "", "0.5", HALF),
        Row("maximum(0, x)", (0,), 1, "", "0.5", HALF),
        Row("maximum(x, 0)**2/2", (0,), 2, "", "0.25", "half of half: the rule, applied twice"),
        Row("leaky_relu(x, 0.1)", (0,), 1, "", "0.1", BRANCH),
        Row("elu(x)", (0,), 1, "1", "1", "both sides agree for alpha = 1"),
        Row("elu(x)", (0,), 2, "", "0", "1 on the left, 0 on the right: the branch that is taken, e**x"),
        Row("elu(x)", (0,), 3, "", "0", "1 on the left, 0 on the right: the branch that is taken, e**x"),
        Row("celu(x)", (0,), 1, "1", "1", ""),
        Row("celu(x)", (0,), 2, "", "0", ""),
        Row("selu(x)", (0,), 1, "", "1.758", ""),
        Row("relu6(x)", (6,), 1, "", "0", ""),
        Row("hardtanh(x)", (1,), 1, "", "0", ""),
        Row("hardsigmoid(x)", (3,), 1, "", "0", ""),
        Row("hardswish(x)", (3,), 1, "", "1", ""),
        Row("hardswish(x)", (-3,), 1, "", "0", ""),
        Row("softsign(x)", (0,), 2, "", "0", ""),
        Row("clip(x, -1, 1)", (1,), 1, "", "1", BOUND),
        Row("clip(x, 2, 2)", (2,), 1, "0", "1", BOUND),
        Row("minimum(maximum(x, -1), 1)", (1,), 1, "", "0.5", HALF),
    ],
    "Ties": [
        Row("maximum(x, y)", (2, 2), 1, "", "0.5 0.5", HALF),
        Row("minimum(x, y)", (2, 2), 1, "", "0.5 0.5", HALF),
        Row("fmax(x, y)", (2, 2), 1, "", "0.5 0.5", ""),
        Row("fmin(x, y)", (2, 2), 1, "", "0.5 0.5", ""),
        Row("maximum(x, x)", (2,), 1, "1", "1", HALF),
        Row("maximum(x, y) + minimum(x, y)", (2, 2), 1, "1 1", "1 1", "is x + y: halves keep it so"),
        Row("maximum(x, y)**2/2", (1, 1), 2, "", "0.25 0.25 0.25 0.25", "the rule, applied twice"),
        Row("max(x, y)", (2, 2), 1, "", "0.5 0.5", UNIT),
        Row("max(x, y, z)", (2, 2, 2), 1, "", "0.3333 0.3333 0.3333", UNIT),
        Row("min(x, y, z)", (2, 2, 2), 1, "", "0.3333 0.3333 0.3333", UNIT),
        Row("maximum(maximum(x, y), z)", (2, 2, 2), 1, "", "0.25 0.25 0.5", "two ties, one after the other"),
        Row("cummax(x, y, z)", (2, 2, 2), 1, "", "0 0 1", ""),
        Row("median(x, y, z)", (2, 2, 2), 1, "", "0 1 0", ""),
        Row("sorted_middle(x, y, z)", (2, 2, 2), 1, "", "0 1 0", ""),
        Row("std(x, y)", (2, 2), 1, "", "nan nan", ""),
        Row("var(x, y)", (2, 2), 1, "0 0", "0 0", ""),
        Row("norm_inf(x, y)", (1, 1), 1, "", "0.5 0.5", ""),
        Row("norm_1(x, y)", (0, 0), 1, "", "0 0", "abs(x) + abs(y), each at its kink"),
        Row("hypot(x, y)", (1, 1), 2, "0.3536 -0.3536 -0.3536 0.3536", "0.3536 -0.3536 -0.3536 0.3536", SMOOTH),
        Row("logsumexp(x, y)", (2, 2), 2, "0.25 -0.25 -0.25 0.25", "0.25 -0.25 -0.25 0.25", SMOOTH),
        Row("logaddexp(x, y)", (2, 2), 2, "0.25 -0.25 -0.25 0.25", "0.25 -0.25 -0.25 0.25", SMOOTH),
        Row("logsumexp(x, x)", (2,), 3, "0", "0", SMOOTH),
    ],
    "Origins": [
        Row("hypot(x, y)", (0, 0), 1, "", "nan nan", ORIGIN),
        Row("sqrt(x*x + y*y)", (0, 0), 1, "", "nan nan", "inf * 0: write hypot(x, y), which is asked for"),
        Row("norm(x, y)", (0, 0), 1, "", "nan nan", ""),
        Row("norm(x, y)", (1e-200, 1e-200), 1, "0.7071 0.7071", "nan nan", ""),
        Row("hypot(x, y)", (1e-200, 1e-200), 1, "0.7071 0.7071", "0.7071 0.7071", SMOOTH),
        Row("hypot(x, y)", (0, 2), 2, "0.5 0 0 0", "0.5 0 0 0", SMOOTH),
        Row("norm(x, y)**2", (0, 0), 2, "2 0 0 2", "nan nan nan nan", ""),
        Row("hypot(x, y)**2", (0, 0), 2, "2 0 0 2", "nan nan nan nan", "the square of a kink: write x*x + y*y"),
        Row("atan2(x, y)", (0, 0), 1, "", "nan nan", RAISES),
        Row("atan2(x, y)", (1e-200, 1e-200), 1, "5e+199 -5e+199", "inf -inf", "scaled: x*x + y*y would be 0"),
        Row("atan2(x, y)", (1, 1), 2, "-0.5 0 0 0.5", "-0.5 0 0 0.5", SMOOTH),
        Row("sin(x)/x", (0,), 1, "0", "nan", RAISES),
        Row("sinc(x)", (0,), 1, "0", "0", ""),
        Row("sinc(x)", (0,), 2, "-3.29", "-3.29", ""),
        Row("x*log(x)", (0,), 1, "-inf", "nan", RAISES),
        Row("xlogy(x, y)", (0, 0), 1, "", "nan nan", ""),
        Row("xlogy(x, y)", (0, 2), 2, "0 0.5 0.5 0", "0 0.5 0.5 0", ""),
        Row("kl_div(x, y)", (0, 0), 1, "", "nan nan", ""),
        Row("i0(x)", (0,), 2, "0.5", "0.5", ""),
        Row("where(x > 0, sqrt(x), 0)", (0,), 1, "", "nan", "a branch not taken contributes 0, whatever it is"),
        Row("prod(x, y, z)", (0, 2, 3), 1, "6 0 0", "6 0 0", OTHERS),
        Row("cumprod(x, y, z)", (0, 2, 3), 1, "6 0 0", "6 0 0", ""),
        Row("prod(x, y, z)", (0, 2, 3), 2, "0 3 2 3 0 0 2 0 0", "0 3 2 3 0 0 2 0 0", OTHERS),
        Row("prod(x, y, z)", (0, 0, 3), 2, "0 3 0 3 0 0 0 0 0", "0 3 0 3 0 0 0 0 0", OTHERS),
    ],
    "Powers": [
        Row("x**y", (0, 0), 1, "", "0 -inf", POWER0),
        Row("x**y", (0, 2), 1, "0 0", "0 0", "0**y is 0 for every y > 0"),
        Row("x**y", (0, 1), 1, "1 0", "1 0", "0**y is 0 for every y > 0"),
        Row("x**y", (0, 2), 2, "2 0 0 0", "2 0 0 0", SMOOTH),
        Row("x**y", (2, 0), 2, "0 0.5 0.5 0.4805", "0 0.5 0.5 0.4805", SMOOTH),
        Row("x**y", (-2, 2), 1, "", "-4 nan", "by y there is none: (-2)**y is real at whole y alone"),
        Row("x**y", (0, -1), 1, "", "-inf nan", RAISES),
        Row("x**2", (0,), 2, "2", "2", SMOOTH),
        Row("x**2", (0,), 3, "0", "0", "0 as soon as the factor n is 0"),
        Row("x**2.0", (0,), 3, "0", "0", "the same as x**2: an exponent has no type"),
        Row("x**3.0", (0,), 3, "6", "6", SMOOTH),
        Row("x**1", (0,), 2, "0", "0", "0 as soon as the factor n is 0"),
        Row("x**1.0", (0,), 2, "0", "0", "the same as x**1"),
        Row("x**0", (0,), 1, "0", "0", POWER0),
        Row("x**0.0", (0,), 1, "0", "0", POWER0),
        Row("x**0.5", (0,), 1, "inf", "inf", LIMIT),
        Row("x**1.5", (0,), 2, "inf", "inf", LIMIT),
        Row("0.0**x", (0,), 1, "", "-inf", "0, as from the right"),
        Row("x**x", (0,), 1, "-inf", "nan", "0 by the base plus 0 by the exponent; the limit is -inf"),
        Row("sqrt(x)", (0,), 1, "inf", "inf", LIMIT),
        Row("sqrt(x)", (-0.0,), 1, "inf", "inf", "-0.0 is 0: no sign of a zero decides on the sign of a slope"),
        Row("cbrt(x)", (-8,), 1, "0.08333", "0.08333", SMOOTH),
        Row("cbrt(x)", (0,), 1, "inf", "inf", LIMIT),
        Row("x/x", (0,), 1, "0", "nan", RAISES),
    ],
    "Infinity, nan, and the smallest numbers": [
        Row("relu(x)", (nan,), 1, "nan", "nan", NAN),
        Row("abs(x)", (nan,), 1, "nan", "nan", NAN),
        Row("clip(x, -1, 1)", (nan,), 1, "nan", "0", NAN),
        Row("maximum(x, y)", (nan, 1), 1, "", "1 0", NAN),
        Row("logsumexp(x, y)", (-inf, -inf), 1, "", "nan nan", "no term decides"),
        Row("logsumexp(x, y)", (-inf, 0), 1, "0 1", "0 1", LIMIT),
        Row("logsumexp(x, y)", (inf, 0), 1, "1 0", "nan 0", LIMIT),
        Row("logaddexp(x, y)", (-inf, 0), 1, "0 1", "0 1", LIMIT),
        Row("exp(x)", (710,), 1, "inf", "inf", IEEE),
        Row("tanh(x)", (20,), 1, "1.699e-17", "0", KEEPS),
        Row("sigmoid(x)", (40,), 1, "4.248e-18", "0", KEEPS),
        Row("sigmoid(x)", (-800,), 1, "0", "0", "below the smallest number"),
        Row("sigmoid(x)", (40,), 2, "-4.248e-18", "0", KEEPS),
        Row("expm1(x)", (-50,), 1, "1.929e-22", "0", KEEPS),
        Row("softplus(x)", (25,), 2, "1.389e-11", "1.389e-11", KEEPS),
        Row("softplus(x)", (0,), 3, "0", "0", SMOOTH),
        Row("silu(x)", (-1000,), 1, "0", "0", LIMIT),
        Row("silu(x)", (-inf,), 1, "0", "nan", LIMIT),
        Row("gelu(x)", (-inf,), 1, "0", "nan", LIMIT),
        Row("atan(x)", (1e200,), 1, "0", "0", "below the smallest number"),
        Row("asin(x)", (1,), 1, "inf", "inf", LIMIT),
        Row("log(x)", (5e-324,), 1, "inf", "inf", IEEE),
        Row("x*y", (1e-310, 1), 1, "1 1e-310", "1 1e-310", IEEE),
        Row("softmax_first(x, y)", (1000, 0), 1, "0 0", "0 0", "below the smallest number"),
        Row("log(softmax_first(x, y))", (-1000, 0), 1, "1 -1", "nan nan", "softmax is 0 there, and log(0) raises"),
        Row("log(exp(x) + exp(y))", (1000, 1000), 1, "0.5 0.5", "nan nan", "inf / inf: write logsumexp(x, y)"),
    ],
}
# fmt: on
ROWS = [row for rows in SECTIONS.values() for row in rows]
