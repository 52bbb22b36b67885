"""What is measured: every row of the calculus, the losses and what is composed of rows; and at which points.

The truth of each is a formula of sympy, differentiated by sympy. It knows nothing of the code that it judges.
"""

import itertools
import math
import random
from collections.abc import Callable
from typing import NamedTuple

import sympy
from oracles.rows import ROWS, TRUTH, grouped

from autodiff import log_softmax, logsumexp, nn, softmax

LARGEST = 1.7976931348623157e308
REAL, UNIT, ANY_LOGIT = (-LARGEST, LARGEST), (-1.0, 1.0), (-800.0, 800.0)
POSITIVE = (5e-324, LARGEST)
SHORT_OF_1 = (-math.nextafter(1.0, 0.0), math.nextafter(1.0, 0.0))


class Function(NamedTuple):
    """A function of Values and its formula in sympy, both of as many operands as there are intervals."""

    name: str
    apply: Callable
    formula: Callable
    intervals: tuple


# Where a row has its whole domain, which `oracles.rows` cuts short for the tests of relative errors.
# fmt: off
WHOLE = {
    **dict.fromkeys(["ADD", "SUB", "MUL", "DIV", "ATAN2", "HYPOT", "MAXIMUM", "MINIMUM"], (REAL, REAL)),
    "POW": (POSITIVE, (-40.0, 40.0)),
    "LOG1P": ((math.nextafter(-1.0, 0.0), LARGEST),), "ACOSH": ((math.nextafter(1.0, 2.0), LARGEST),),
    "ASIN": (SHORT_OF_1,), "ACOS": (SHORT_OF_1,), "ATANH": (SHORT_OF_1,),
    **dict.fromkeys(["LOG", "LOG2", "LOG10", "SQRT"], (POSITIVE,)),
    "SUM": (REAL,) * 3, "MEAN": (REAL,) * 3, "PROD": ((-1e100, 1e100),) * 3, "DOT": ((-1e150, 1e150),) * 5,
    "LOGSUMEXP": (ANY_LOGIT,) * 3, "MAX": (REAL,) * 3, "MIN": (REAL,) * 3, "WHERE": (REAL,) * 3,
    # farther out they are what they are here, and e**1e300 would take mpmath long
    **dict.fromkeys(["SOFTPLUS", "SIGMOID", "SILU", "TANH"], ((-1e4, 1e4),)),
    "ERF": ((-28.0, 28.0),), "ERFC": ((-28.0, 28.0),), "GELU": ((-39.0, 39.0),),
    "EXPM1": ((-800.0, 709.7),), "EXP": ((-800.0, 709.7),), "SINH": ((-710.4, 710.4),), "COSH": ((-710.4, 710.4),),
}
# fmt: on
POWERS = [0.0, 1.0, 2.0, 3.0, -1.0, 0.5, 1 / 3, 0.1, -2.7, 7.0]  # exponents of `x**n`
HELPERS = set(list(ROWS)[list(ROWS).index("IDENTITY") :])  # of these the derivatives of the others are made


def rows():
    """The rows of the calculus, without the helpers behind them, each over its whole domain."""
    for name, row in ROWS.items():
        if name in HELPERS or name == "DETACH":  # whose derivative is 0 by definition
            continue
        truth = TRUTH[name]
        statics = [(n,) for n in POWERS] if name == "POWER" else [truth.cases[0][1]]
        for static in statics:
            intervals = WHOLE.get(name, (REAL,) * len(truth.cases[0][0]))
            if name == "POWER" and not static[0].is_integer():
                intervals = (POSITIVE,)
            yield Function(
                {"POW": "x ** y", "POWER": f"x ** {static[0]:.3g}"}.get(name, str(row)) if static else name.lower(),
                lambda *xs, name=name, row=row, static=static: row(*grouped(name, xs), *static),
                lambda *xs, truth=truth, static=static: truth.formula(*xs, *map(sympy.Rational, static)),
                intervals,
            )


def total(xs):
    return sympy.Add(*map(sympy.exp, xs))


def composites():
    """What is made of several nodes: softmaxes, losses, and expressions that people write."""
    three = (ANY_LOGIT,) * 3
    yield Function("softmax", lambda *xs: softmax(xs)[0], lambda *xs: sympy.exp(xs[0]) / total(xs), three)
    yield Function("log_softmax", lambda *xs: log_softmax(xs)[1], lambda *xs: xs[1] - sympy.log(total(xs)), three)
    yield Function("logsumexp of 2", lambda *xs: logsumexp(xs), lambda *xs: sympy.log(total(xs)), three[:2])
    yield Function(
        "cross_entropy", lambda *xs: nn.cross_entropy(xs, 2), lambda *xs: sympy.log(total(xs)) - xs[2], three
    )
    for target in (0, 1, 0.25):
        yield Function(
            f"binary_cross_entropy to {target}",
            lambda x, t=target: nn.binary_cross_entropy(x, t),
            lambda x, t=target: t * sympy.log(1 + sympy.exp(-x)) + (1 - t) * sympy.log(1 + sympy.exp(x)),
            (ANY_LOGIT,),
        )
    mild = (-1e100, 1e100)
    yield Function("squared_error", lambda x: nn.squared_error(x, 3.0), lambda x: (x - 3) ** 2, (mild,))
    yield Function(
        "mse", lambda x, y: nn.mse([x, y], [1.0, -2.0]), lambda x, y: ((x - 1) ** 2 + (y + 2) ** 2) / 2, (mild,) * 2
    )
    yield Function("l2", lambda x, y: nn.l2([x, y]), lambda x, y: x**2 + y**2, (mild,) * 2)
    yield Function("1 / x", lambda x: 1 / x, lambda x: 1 / x, (REAL,))


def special(interval):
    """Numbers of an interval where functions saturate, turn, or meet others: the same on every run."""
    low, high = interval
    near = [0.5, 1.0, 2.0, 10.0, 0.65847894846240835, 1.2784645427610738, 1 - 2**-53, 1 + 2**-52, 1 + 1e-9, 1 - 1e-9]
    sizes = [5e-324, 3e-310, 1e-307, 1e-200, 1e-160, 1e-100, 1e-20, 1e-9, 1e-4, 20.0, 36.0, 40.0, 100.0, 350.0, 700.0]
    sizes += [740.0, 1e3, 1e10, 1e60, 1e100, 1e154, 1e155, 1e160, 1e200, 1e300, 1.5e308]
    numbers = [sign * x for x in (*near, *sizes) for sign in (1, -1)] + [low, high]
    return [x for x in numbers if low <= x <= high and math.isfinite(x)]


def spread(chance, low, high):
    """A number of any magnitude that the interval has, or near its ends, or near 1."""
    kind = chance.random()
    if kind < 0.35:
        x = chance.uniform(max(low, -4.0), min(high, 4.0))
    elif kind < 0.75:
        x = chance.choice((-1, 1)) * 10 ** chance.uniform(-323, 308)
    elif kind < 0.9:
        x = chance.uniform(max(low, -800.0), min(high, 800.0))
    else:
        x = chance.choice((low, high)) * (1 - 10 ** chance.uniform(-16, 0))
    return x if low <= x <= high and x else spread(chance, low, high)


def points(function, count, seed=0):
    """Points of the whole domain: special ones, then `count` at random, of them a third near one another."""
    chance = random.Random(f"{function.name} {seed}")
    n = len(function.intervals)
    each = [special(interval) for interval in function.intervals]
    if n == 1:
        yield from [(x,) for x in chance.sample(each[0], min(len(each[0]), count))]
    else:
        chosen = [chance.sample(xs, min(len(xs), 12)) for xs in each[:2]]
        for pair in itertools.islice(itertools.product(*chosen), count):
            yield (*pair, *[chance.choice(xs) for xs in each[2:]])
    for i in range(count):
        point = [spread(chance, *interval) for interval in function.intervals]
        if i % 3 == 0 and len(set(function.intervals)) == 1 and n > 1:  # near a diagonal, or where one rules
            near = [chance.choice((1, -1)) * (1 + 10 ** chance.uniform(-15, 1)) for _ in point]
            point = [point[0], *[point[0] * factor for factor in near[1:]]]
        if all(low <= x <= high for x, (low, high) in zip(point, function.intervals, strict=True)):
            yield tuple(point)
