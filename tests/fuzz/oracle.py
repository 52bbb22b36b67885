"""The truth about a graph: its numbers and derivatives to 40 digits, and how far off floats may be.

Smooth rows are differentiated by sympy; what has branches is written down here. With each number goes a bound
in the manner of a running error analysis to first order: if every row answers and differentiates to a few units in the
last place, then |float - truth| <= 8 * 2**-52 * bound. It knows nothing of the code that it judges.
"""

from functools import cache
from itertools import pairwise
from typing import NamedTuple

import mpmath
import sympy
from oracles.rows import CONSTANT, TRUTH, grouped

DIGITS = 40
MORE_DIGITS = 400  # to be asked where 40 disagree: sympy's expressions write e**-800 as a difference of numbers near 1
UNIT = 8 * 2.0**-52
TINY = 1e-290  # in bounds: what underflows is lost altogether
FIRST_ORDER = 1e-6  # relative: beyond, a bound of first order says nothing


class Unsuitable(Exception):
    """This row has no value here, or none that a float could be expected to hit."""


class Rules(NamedTuple):
    """What a row answers at a point: value, derivatives by each operand, and by each pair (None where all are 0)."""

    value: mpmath.mpf
    slopes: list
    seconds: list | None = None


class Number:
    """A number of 40 digits with its bound; likewise its gradient, with a coarser bound for PyTorch's own rounding."""

    __slots__ = ("bound", "coarse", "gradient", "gradient_bound", "gradient_tangent", "tangent", "x")

    def __init__(self, x, bound=0.0):
        self.x, self.bound = mpmath.mpf(x), bound
        self.gradient = self.gradient_tangent = self.tangent = mpmath.mpf(0)
        self.gradient_bound = self.coarse = 0.0


COUNTED = {"POW_SLOPE", "DIRECTION", "HARMONIC", "GAUSS"}  # their static arguments count, and have few values


@cache
def smooth(name, count, parameters, counts=()):
    """The formula and its first and second derivatives, compiled for mpmath, as a function of all arguments."""
    xs, ps = sympy.symbols(f"x1:{count + 1}", real=True), sympy.symbols(f"p1:{parameters + 1}", real=True)
    ps = tuple(map(sympy.Rational, counts)) or ps
    formula = TRUTH[name].formula(*xs, *ps)
    slopes = [sympy.diff(formula, x) for x in xs]
    seconds = [[sympy.diff(slope, x) for x in xs] for slope in slopes]
    linear = all(second == 0 for row in seconds for second in row)
    answers = [formula, slopes] if linear else [formula, slopes, seconds]
    compiled = sympy.lambdify(xs if counts else [*xs, *ps], answers, "mpmath", cse=True)
    return lambda *numbers: Rules(*compiled(*(numbers[:count] if counts else numbers)))


def step(x, y, tie):
    return 1 if x > y else 0 if x < y else tie


def elu(x, alpha):
    if x > 0:
        return Rules(x, [1])
    power = alpha * mpmath.exp(x)
    return Rules(power - alpha, [power], [[power]])


def largest(*xs):
    top = max(xs)
    return Rules(top, [mpmath.mpf(x == top) / xs.count(top) for x in xs])


def tanh(x):
    slope = mpmath.sech(x) ** 2
    return Rules(mpmath.tanh(x), [slope], [[-2 * mpmath.tanh(x) * slope]])


def softplus(x):
    share = 1 / (1 + mpmath.exp(-x))
    return Rules(mpmath.log1p(mpmath.exp(x)), [share], [[share / (1 + mpmath.exp(x))]])


def gelu(x):
    below, density = mpmath.erfc(-x / mpmath.sqrt(2)) / 2, mpmath.npdf(x)
    return Rules(x * below, [below + x * density], [[(2 - x * x) * density]])


# fmt: off
OWN = {
    "ABS": lambda x: Rules(abs(x), [mpmath.sign(x)]),
    "SIGN": lambda x: Rules(mpmath.sign(x), [0]),
    "HEAVISIDE": lambda x, at_zero: Rules(step(x, 0, at_zero), [0]),
    "STEP": lambda x, y, tie: Rules(step(x, y, tie), [0, 0]),
    "RELU": lambda x: Rules(max(x, 0), [step(x, 0, 0)]),
    "LEAKY_RELU": lambda x, slope: Rules(x, [1]) if x > 0 else Rules(slope * x, [slope]),
    "ELU": elu,
    "MAXIMUM": largest,
    "MINIMUM": lambda x, y: Rules(min(x, y), largest(-x, -y).slopes),
    "MAX": largest,
    "CLIP": lambda x, low, high: Rules(min(max(x, low), high), [int(low <= x <= high)]),
    "MIN": lambda *xs: Rules(min(xs), largest(*[-x for x in xs]).slopes),
    "WHERE": lambda c, x, y: Rules(x if c else y, [0, int(c != 0), int(c == 0)]),
    "HOLD": lambda x: Rules(x, [0]), "DETACH": lambda x: Rules(x, [0]),
    "TANH": tanh, "SOFTPLUS": softplus, "GELU": gelu,  # for these sympy's expressions lose all 40 digits far out
}
KINKS = {  # what is 0 where two branches meet
    **dict.fromkeys(["ABS", "SIGN", "HEAVISIDE", "RELU", "LEAKY_RELU", "ELU"], lambda x, *p: [x]),
    **dict.fromkeys(["STEP", "MAXIMUM", "MINIMUM", "MAX", "MIN"], lambda *xs: [a - b for a, b in pairwise(sorted(xs))]),
    "CLIP": lambda x, low, high: [x - low, x - high],
    "WHERE": lambda condition, *branches: [condition],
    "ATAN2": lambda y, x: [y] if x < 0 else [],  # the cut, where the sign of a 0 decides
}
EXACT = {*KINKS, "HOLD", "DETACH", "NEG", "IDENTITY"} - {"LEAKY_RELU", "ELU", "ATAN2"}  # answered without rounding
# fmt: on


def rounding(name, xs, out):
    """How large the numbers are that a row rounds on the way to its answer."""
    if name in EXACT:
        return 0.0
    if name in ("SUM", "MEAN"):
        return float(sum(map(abs, xs)) / (len(xs) if name == "MEAN" else 1))
    if name == "DOT":
        weights, inputs, *bias = grouped(name, xs)
        return float(sum([abs(w * x) for w, x in zip(weights, inputs, strict=True)] + [abs(b) for b in bias]))
    if name == "LOGSUMEXP":
        top = max(xs)
        return float(abs(out) + abs(top) + sum([(top - x) * mpmath.exp(x - top) for x in xs]))
    if name == "POW_SLOPE":
        return power_terms(*xs, 0) * float(1 + abs(xs[0]))
    if name == "HARMONIC":
        return harmonic_terms(*xs, 0) * float(mpmath.hypot(*xs[:2]))
    if name == "GAUSS":
        return gauss_terms(*xs, 0)
    if name == "LOG_SHARE":
        terms = xs[1], mpmath.exp(xs[0]), xs[2]
        return float(abs(out) + abs(xs[0]) + abs(mpmath.log(sum(terms))) + sum(map(abs, terms)) / abs(sum(terms)))
    if name == "EXP_BELOW":
        return float(out * (1 + abs(xs[0] - xs[1])))
    if name == "SHARE":
        return float(abs(out) * (1 + sum(map(abs, xs)) / abs(sum(xs))))
    return float(abs(out))


# How large the numbers are that make up a difference: the terms of a polynomial, of powers and their logarithms.
def power_terms(x, y, k, m, size):
    log = abs(mpmath.log(abs(x))) if x else mpmath.mpf(1)
    return float(abs(mpmath.power(abs(x), y - k - 1))) * float(
        (abs(y) + k + m + 2) ** (k + 1) * (1 + log) ** (m + 1) * (1 + abs(x))
    )


def harmonic_terms(x, y, n, turns, size):
    return float(n * (n + 1) * 2 ** (n + 1) / mpmath.hypot(x, y) ** (n + 1))


def gauss_terms(x, a, n, size):
    return float((2 * abs(x) + n + 2) ** (n + 1) * mpmath.exp(-a * x * x))


MAGNIFIED = {
    "POW_SLOPE": power_terms,
    "HARMONIC": harmonic_terms,
    "GAUSS": gauss_terms,
    "EXP_BELOW": lambda x, top, size: size * float(1 + abs(x - top)),
    "SHARE": lambda *xs: (
        xs[-1] * float(1 + 2 * sum(map(abs, xs[:-1])) / abs(sum(xs[:-1]))) + float(1 / abs(sum(xs[:-1])))
    ),
    "LOG_SHARE": lambda x, before, after, size: (
        size
        * float(
            1
            + (abs(before) + abs(after) + mpmath.exp(x))
            * (1 / abs(before + after + mpmath.exp(x)) + 1 / (abs(before + after) or 1))
        )
    ),
}


def slope_rounding(name, xs, slope, index):
    """How large the numbers are that a derivative is computed from."""
    size = float(abs(slope))
    if name == "SILU":
        share = 1 / (1 + mpmath.exp(-xs[0]))
        return float(share + abs(xs[0]) * share * (1 - share))
    if name == "GELU":
        x = xs[0]
        return float(mpmath.erfc(-x / mpmath.sqrt(2)) * (1 + x * x) + abs(x) * mpmath.exp(-x * x / 2) * (1 + x * x))
    if name == "X_BELL":
        share = 1 / (1 + mpmath.exp(-xs[0]))
        return float(share * (1 - share) * (1 + abs(xs[0])))
    if name == "LOGSUMEXP":
        return size * (1 + float(max(xs) - min(xs)))
    if name in MAGNIFIED:
        return MAGNIFIED[name](*xs, size)
    return size


def rules(name, numbers, count):
    """The row's value and derivatives at these numbers: `count` operands, then parameters."""
    if name in OWN:
        return OWN[name](*numbers)
    counts = tuple(map(float, numbers[count:])) if name in COUNTED else ()
    return smooth(name, count, len(numbers) - count, counts)(*numbers)


def forward(name, operands, parameters=(), *, certain=True):
    """The result of a row, with its bound, and the rules that were applied.

    Raises:
        Unsuitable: where there is none; and if it is to be `certain`, where the branch is undecided, or bounds of first
            order do not hold.
    """
    xs = [operand.x for operand in operands]
    numbers = [*xs, *map(mpmath.mpf, parameters)]
    try:
        rule = rules(name, numbers, len(xs))
    except (ZeroDivisionError, ValueError, OverflowError, TypeError) as error:  # complex numbers have no order
        raise Unsuitable(name) from error
    answers = [rule.value, *rule.slopes, *(second for row in rule.seconds or [] for second in row)]
    if not all(isinstance(x, int) or (isinstance(x, mpmath.mpf) and mpmath.isfinite(x)) for x in answers):
        raise Unsuitable(name)
    if certain and name in KINKS and undecided(name, operands, numbers[len(xs) :]):
        raise Unsuitable(name)
    if certain and rule.seconds:
        for slope, row in zip(rule.slopes, rule.seconds, strict=True):
            if UNIT * curved(row, operands) > FIRST_ORDER * abs(slope):
                raise Unsuitable(name)
    moves = [1] if name in CONSTANT else rule.slopes  # its answer moves, though its derivative is 0 by definition
    carried = sum([float(abs(d)) * operand.bound for d, operand in zip(moves, operands, strict=True)])
    try:
        out = Number(rule.value, carried + rounding(name, numbers, rule.value))
    except ZeroDivisionError as error:  # a sum whose only term that counts is lost in 40 digits
        raise Unsuitable(name) from error
    if certain and UNIT * out.bound > FIRST_ORDER * abs(out.x):
        raise Unsuitable(name)
    return out, rule


def curved(seconds, operands):
    """How far a slope may be off because the operands are."""
    return sum([float(abs(s)) * operand.bound for s, operand in zip(seconds, operands, strict=True)])


def undecided(name, operands, parameters):
    """Whether rounding may decide which branch is taken. Exact operands, and a node beside itself, tie exactly."""
    distinct = {id(operand): operand for operand in operands}.values()
    doubt = 100 * UNIT * sum([operand.bound for operand in distinct])
    if name == "ATAN2" and len(distinct) == 1:
        distinct = operands
    gaps = KINKS[name](*[operand.x for operand in distinct], *(parameters if name != "STEP" else ()))
    return (doubt > 0 or name == "ATAN2") and any([abs(gap) <= doubt for gap in gaps])


def backward(name, rule, out, operands, parameters=()):
    """The chain rule, with the rounding of each slope, of what the slope is computed from, and of each addition."""
    xs = [*[operand.x for operand in operands], *parameters]
    incoming = float(abs(out.gradient))
    for i, (operand, slope) in enumerate(zip(operands, rule.slopes, strict=True)):
        size = float(abs(slope))
        off = slope_rounding(name, xs, slope, i) + size + TINY
        if rule.seconds:
            off += curved(rule.seconds[i], operands)
        operand.gradient += out.gradient * slope
        total = float(abs(operand.gradient)) + TINY
        operand.gradient_bound += out.gradient_bound * size + incoming * off + total
        operand.coarse += out.coarse * size + incoming * (off + 1) + total


def second(name, rule, out, operands):
    """One step of the reverse sweep differentiated along the tangents: d(gradient of each operand)."""
    for i, (operand, slope) in enumerate(zip(operands, rule.slopes, strict=True)):
        turn = (
            sum([s * other.tangent for s, other in zip(rule.seconds[i], operands, strict=True)]) if rule.seconds else 0
        )
        operand.gradient_tangent += out.gradient_tangent * slope + out.gradient * turn
