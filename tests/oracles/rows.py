"""An account of every row of calculus that is independent of it, to 400 digits.

The formula of each row in sympy, differentiated by sympy.
"""

import random
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import mpmath
import sympy

from autodiff.engine import ops

ROWS = {name: row for name, row in vars(ops).items() if isinstance(row, ops.Op)}
NAMES = {row: name for name, row in ROWS.items()}

DIGITS = 400  # 1 - tanh(x)**2 loses 300 of them at x = 350
CONSTANT = {"HOLD", "DETACH"}  # their derivatives are 0 by definition
TINY = 1e-307  # below it floats are subnormal, and have no relative accuracy to test

REAL = (-1e200, 1e200)
POSITIVE = (1e-200, 1e200)
UNIT = (-1.0, 1.0)
MILD = (-30.0, 30.0)
ERROR = (-26.0, 26.0)  # beyond, erfc(x) and e**(-x*x) underflow


class Truth(NamedTuple):
    formula: Callable  # of sympy operands, then parameters
    cases: list  # of (an interval per operand, parameters)
    tolerance: float = 1e-15  # of value and slopes, relative
    torch: str = ""  # where PyTorch has it
    absolute: float = 0.0  # tolerance of the value near 0


def one(interval, *parameters):
    return [((interval,), parameters)]


def two(interval, other=None):
    return [((interval, other or interval), ())]


def three(interval):
    return [((interval,) * 3, ())]


def cases(branches, otherwise):
    return sympy.Piecewise(*branches, (otherwise, True))


def step(x, y, tie):
    return cases([(1, x > y), (0, x < y)], tie)


def largest(*xs):
    return cases([(x, sympy.And(*[x >= y for y in xs])) for x in xs[:-1]], xs[-1])


def grouped(name, operands):
    """The operands as the row takes them: `DOT` takes the weights and the inputs as two groups."""
    n = len(operands) // 2
    return (tuple(operands[:n]), tuple(operands[n : 2 * n]), *operands[2 * n :]) if name == "DOT" else tuple(operands)


def inner(*v):
    weights, inputs, *bias = grouped("DOT", v)
    return sum([w * x for w, x in zip(weights, inputs, strict=True)] + bias)


class Accounts(dict):
    """The accounts of the rows by their names; where one is missing, the error says what to write."""

    def __missing__(self, name):
        line = f'"{name}": Truth(its formula in sympy, one(an interval of its domain), torch="its name in PyTorch"),'
        raise KeyError(f"add a line for {name} to TRUTH in tests/oracles/rows.py: {line}")


def power_slope(x, y, k, m):
    base, exponent = sympy.symbols("base exponent", positive=True)
    slope = base**exponent
    for variable in [base] * int(k) + [exponent] * int(m):
        slope = sympy.diff(slope, variable)
    return slope.subs({base: x, exponent: y}, simultaneous=True)


def harmonic(x, y, n, turns):
    return sympy.re(sympy.expand(sympy.I ** int(turns) * (x - sympy.I * y) ** int(n))) / (x**2 + y**2) ** int(n)


def gauss(x, a, n):
    z = sympy.Symbol("z", real=True)
    return sympy.diff(sympy.exp(-a * z**2), *[z] * int(n)).subs(z, x) if n else sympy.exp(-a * x**2)


# fmt: off
TRUTH = Accounts({
    "ADD": Truth(lambda x, y: x + y, two(REAL), torch="add"),
    "SUB": Truth(lambda x, y: x - y, two(REAL), torch="sub"),
    "MUL": Truth(lambda x, y: x * y, two(REAL), torch="mul"),
    "DIV": Truth(lambda x, y: x / y, two(REAL), torch="div"),
    "NEG": Truth(lambda x: -x, one(REAL), torch="neg"),
    # x**(y - 1) magnifies the rounding of y - 1 by |log x|: 4e-16 * 69 for an operand of 1e30
    "POW": Truth(lambda x, y: x**y, two((1e-30, 1e30), (-8.0, 8.0)), 1e-13, torch="pow"),
    "POWER": Truth(lambda x, n: x**n, [
        ((interval,), (n,)) for interval, n in [
            (REAL, 0.0), (REAL, 1.0), (REAL, 2.0), (REAL, 3.0), (REAL, -1.0), (REAL, -2.0), (MILD, 7.0),
            ((1e-99, 1e99), 0.5), ((1e-99, 1e99), -2.7), ((1e-99, 1e99), 0.1)]], 2e-14, torch="pow"),
    "EXP": Truth(sympy.exp, one((-700.0, 709.0)), torch="exp"),
    "EXPM1": Truth(lambda x: sympy.exp(x) - 1, one((-700.0, 709.0)), torch="expm1"),
    "LOG": Truth(sympy.log, one(POSITIVE), torch="log"),
    "LOG1P": Truth(lambda x: sympy.log(1 + x), one((-1.0, 1e200)), torch="log1p"),
    "LOG2": Truth(lambda x: sympy.log(x) / sympy.log(2), one(POSITIVE), torch="log2"),
    "LOG10": Truth(lambda x: sympy.log(x) / sympy.log(10), one(POSITIVE), torch="log10"),
    "CBRT": Truth(lambda x: cases([(-((-x) ** sympy.Rational(1, 3)), x < 0)], x ** sympy.Rational(1, 3)), one(REAL)),
    "SQRT": Truth(sympy.sqrt, one(POSITIVE), torch="sqrt"),
    "SIN": Truth(sympy.sin, one(REAL), torch="sin"),
    "COS": Truth(sympy.cos, one(REAL), torch="cos"),
    "TAN": Truth(sympy.tan, one(REAL), torch="tan"),
    "ASIN": Truth(sympy.asin, one(UNIT), torch="asin"),
    "ACOS": Truth(sympy.acos, one(UNIT), torch="acos"),
    "ATAN": Truth(sympy.atan, one(REAL), torch="atan"),
    "ATAN2": Truth(sympy.atan2, two(REAL), torch="atan2"),
    "HYPOT": Truth(lambda x, y: sympy.sqrt(x**2 + y**2), two(REAL), torch="hypot"),
    "SINH": Truth(sympy.sinh, one((-710.0, 710.0)), torch="sinh"),
    "COSH": Truth(sympy.cosh, one((-710.0, 710.0)), torch="cosh"),
    "TANH": Truth(sympy.tanh, one((-350.0, 350.0)), torch="tanh"),
    "ASINH": Truth(sympy.asinh, one(REAL), torch="asinh"),
    "ACOSH": Truth(sympy.acosh, one((1.0, 1e200)), torch="acosh"),
    "ATANH": Truth(sympy.atanh, one(UNIT), torch="atanh"),
    "SIGMOID": Truth(lambda x: 1 / (1 + sympy.exp(-x)), one((-700.0, 700.0)), torch="sigmoid"),
    "SOFTPLUS": Truth(lambda x: sympy.log(1 + sympy.exp(x)), one((-700.0, 700.0)), torch="nn.functional.softplus"),
    # the slope is a difference that vanishes at x = -1.28
    "SILU": Truth(lambda x: x / (1 + sympy.exp(-x)), one((-700.0, 700.0)), 1e-14, torch="nn.functional.silu"),
    "GELU": Truth(lambda x: x * sympy.erfc(-x / sympy.sqrt(2)) / 2, one(ERROR), 1e-14, torch="nn.functional.gelu"),
    "ERF": Truth(sympy.erf, one(ERROR), torch="erf"),
    "ERFC": Truth(sympy.erfc, one(ERROR), 2e-15, torch="erfc"),
    "ABS": Truth(lambda x: cases([(-x, x < 0)], x), one(REAL), torch="abs"),
    "SIGN": Truth(lambda x: cases([(-1, x < 0), (1, x > 0)], 0), one(REAL), torch="sign"),
    "HEAVISIDE": Truth(lambda x, at_zero: step(x, 0, at_zero), one(REAL, 0.5)),
    "RELU": Truth(lambda x: cases([(x, x > 0)], 0), one(REAL), torch="relu"),
    "LEAKY_RELU": Truth(lambda x, slope: cases([(x, x > 0)], slope * x), one(REAL, 0.01),
                        torch="nn.functional.leaky_relu"),
    "ELU": Truth(lambda x, a: cases([(x, x > 0)], a * (sympy.exp(x) - 1)), one((-700.0, 1e200), 1.5),
                 torch="nn.functional.elu"),
    "MAXIMUM": Truth(largest, two(REAL), torch="maximum"),
    "MINIMUM": Truth(lambda x, y: -largest(-x, -y), two(REAL), torch="minimum"),
    "CLIP": Truth(lambda x, low, high: cases([(low, x < low), (high, x > high)], x), one(REAL, -1.5, 2.0),
                  torch="clamp"),
    "WHERE": Truth(lambda c, x, y: cases([(y, sympy.Eq(c, 0))], x), three(REAL)),
    "DETACH": Truth(lambda x: x, one(REAL)),
    "SUM": Truth(lambda *xs: sympy.Add(*xs), three(POSITIVE), torch="sum"),
    "MEAN": Truth(lambda *xs: sympy.Add(*xs) / len(xs), three(POSITIVE), torch="mean"),
    "PROD": Truth(lambda *xs: sympy.Mul(*xs), three((-1e60, 1e60)), torch="prod"),
    "DOT": Truth(inner, [((POSITIVE,) * 4, ()), ((POSITIVE,) * 5, ())]),
    # top + log(sum of e**(x - top)): exact to a unit of the larger term; e**(x - top) magnifies the rounding of x - top
    "LOGSUMEXP": Truth(lambda *xs: sympy.log(sympy.Add(*map(sympy.exp, xs))), three(MILD), 1e-14, "logsumexp", 4e-16),
    "MAX": Truth(largest, three(REAL), torch="amax"),
    "MIN": Truth(lambda *xs: -largest(*[-x for x in xs]), three(REAL), torch="amin"),
    "IDENTITY": Truth(lambda x: x, one(REAL)),
    "HOLD": Truth(lambda x: x, one(REAL)),
    "RATIO": Truth(lambda x, y: x / y, two(REAL)),
    "POW_SLOPE": Truth(power_slope, [
        (((1e-30, 1e30), (-8.0, 8.0)), (float(k), float(m))) for k in range(3) for m in range(3)], 1e-13),
    "POWER0": Truth(lambda x, n, k: x ** (n - k), one(REAL, 4.0, 1.0) + one((1e-99, 1e99), 0.5, 1.0)
                    + one((1e-99, 1e99), 0.1, 2.0)),
    "MASK": Truth(lambda x, y: x * y, two(REAL)),
    "SECH": Truth(lambda x: 1 / sympy.cosh(x), one((-700.0, 700.0))),
    "SQUARES": Truth(lambda x, y: x**2 - y**2, two((-1e150, 1e150))),
    "DIRECTION": Truth(lambda x, y, turns: (x, y, -x, -y)[int(turns) % 4] / sympy.sqrt(x**2 + y**2), [
        (((-1e99, 1e99),) * 2, (float(turns),)) for turns in range(4)]),
    "HARMONIC": Truth(harmonic, [
        (((-1e99, 1e99),) * 2, (float(n), float(turns))) for n in (1, 2, 3) for turns in range(4)], 1e-13),
    "BELL": Truth(lambda x: sympy.exp(-x) / (1 + sympy.exp(-x)) ** 2, one((-700.0, 700.0))),
    "X_BELL": Truth(lambda x: x * sympy.exp(-x) / (1 + sympy.exp(-x)) ** 2, one((-700.0, 700.0)), 1e-14),
    "GAUSS": Truth(gauss, [(((-26.0, 26.0),), (a, float(n))) for a in (1.0, 0.5) for n in range(3)], 1e-13),
    "NORMAL": Truth(lambda x: sympy.erfc(-x / sympy.sqrt(2)) / 2, one((-37.0, 40.0)), 2e-15),
    "EXP_BELOW": Truth(lambda x, top: sympy.exp(x - top), two((-30.0, 0.0), (0.0, 30.0)), 1e-14),
    "SHARE": Truth(lambda x, before, after: x / (before + x + after), three((1e-99, 1e99))),
    "LOG_SHARE": Truth(lambda x, before, after: x - sympy.log(before + sympy.exp(x) + after),
                       [(((-30.0, -1e-9), (1.0, 3.0), (0.0, 3.0)), ())]),
    "STEP": Truth(step, [((REAL, REAL), (0.5,))]),
})
# fmt: on


def points(name, domains, count=40, largest_magnitude=200.0):
    """Points of the domain, the same on every run: near 1, of every magnitude, and close to the ends."""
    chance = random.Random(f"{name} {domains}")

    def draw(low, high):
        while True:
            kind = chance.random()
            if kind < 0.4 or largest_magnitude <= 1:
                x = chance.uniform(max(low, -4.0), min(high, 4.0))
            elif kind < 0.8:
                x = chance.choice((-1, 1)) * 10 ** chance.uniform(-largest_magnitude, largest_magnitude)
            else:
                x = chance.choice((low, high)) * (1 - 10 ** chance.uniform(-12, 0))
            if low < x < high:
                return x

    return [tuple(draw(*interval) for interval in domains) for _ in range(count)]


@cache
def symbols(count):
    return sympy.symbols(f"x1:{count + 1}", real=True)


@cache
def compiled(name, count, parameters, by):
    """The formula, differentiated by the operands of these indices, for mpmath."""
    xs = symbols(count)
    expression = TRUTH[name].formula(*xs, *map(sympy.Rational, parameters))
    for index in by:
        expression = sympy.diff(expression, xs[index]) if name not in CONSTANT else sympy.Integer(0)
    return sympy.lambdify(xs, expression, "mpmath")


def exact(name, point, parameters=(), by=()):
    with mpmath.workdps(DIGITS):
        return mpmath.mpf(compiled(name, len(point), tuple(parameters), tuple(by))(*map(mpmath.mpf, point)))


def error(got, want):
    """The relative error of a float; 0 where `want` overflows and `got` is that infinity."""
    with mpmath.workdps(DIGITS):
        if got == float(want):
            return 0.0
        gap = max(abs(mpmath.mpf(got) - want) - TINY, mpmath.mpf(0))
        return float(gap / abs(want)) if want else float(gap and mpmath.inf)
