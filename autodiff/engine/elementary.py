"""Functions of floats that the standard library does not answer as IEEE 754 does, or not at all.

Outside of its domain a function raises `ValueError` or `ZeroDivisionError`; overflow answers inf.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence

INF, NAN = math.inf, math.nan


def chain(xs: Iterable[float], start: float = 0.0) -> float:
    """Return start + x1 + x2 + ..., each addition rounded, as in a chain of +."""
    for x in xs:
        start += x
    return start


# The same bits on every Python: from 3.12 on the built-in sum carries the rounding errors along, before it does not.
total = sum if sum([1e16, 1.0, -1e16]) == 0.0 else chain


def ieee(function: Callable[[float], float], limit: Callable[[float], float]) -> Callable[[float], float]:
    """Return `function`, answering `limit` of its operand where it overflows."""

    def value(x: float) -> float:
        try:
            return function(x)
        except OverflowError:
            return limit(x)

    return value


def pow_ieee(x: float, y: float) -> float:
    """Return x**y, and inf of the sign of the answer where that overflows."""
    try:
        return math.pow(x, y)
    except OverflowError:
        return -INF if x < 0 and y % 2 == 1 else INF


def power(x: float, y: float) -> float:
    """Return x**y; of 0 and a negative y, raise as 1/0 does."""
    if not x and y < 0:
        return 1 / x
    try:  # as `pow_ieee`, without the call: it is squared very often
        return math.pow(x, y)
    except OverflowError:
        return pow_ieee(x, y)


def ldexp(x: float, e: int) -> float:
    """Return x * 2**e, and inf of the sign of x where that overflows."""
    try:
        return math.ldexp(x, e)
    except OverflowError:
        return math.copysign(INF, x)


def sech(x: float) -> float:
    """Return 1/cosh(x)."""
    try:
        return 1.0 / math.cosh(x)
    except OverflowError:
        return 0.0


def shifted_power(x: float, n: float, k: float) -> float:
    """Return x**(n - k), and inf where x is 0 and n < k.

    n - k = m + lost, where m is the rounded difference. The logarithm of x magnifies what is lost, 460 times at 1e200:
    x**(n - k) = x**m e**(lost log x) = x**m (1 + lost log x), as lost is of the size of a rounding error.
    """
    m = n - k
    if m == k == 1.0:  # the slope of a square
        return x
    power = pow_ieee(x, m) if x or not m < 0 else INF
    if n % 1 == 0 or not 0 < x < INF:
        return power
    grown = m - n
    lost = (n - (m - grown)) - (k + grown)
    return power + power * (lost * math.log(x)) if lost and power < INF else power


def power_slope(x: float, y: float, k: float, m: float) -> float:
    """Return the derivative of x**y, k times by x and m times by y; for x = 0 by y, 0 in every order.

    k times by x it is f(y) x**(y - k) with f(y) = y (y - 1) ... (y - k + 1), and m times by y, as Leibniz says,
    x**(y - k) times the sum over j of m!/(m - j)! t[j] log(x)**(m - j), where f(y + h) = t[0] + t[1] h + t[2] h**2 ...
    """
    taylor = [1.0]
    for i in range(int(k)):
        taylor = [(y - i) * here + below for here, below in zip([*taylor, 0.0], [0.0, *taylor], strict=True)]
    if x <= 0 and m:
        return 0.0 if x == 0 and y == y else NAN
    log = math.log(x) if m else 0.0
    factor = sum([math.perm(int(m), j) * t * log ** (m - j) for j, t in enumerate(taylor) if j <= m])
    if not factor:
        return 0.0  # even of an infinite power of 0
    power = shifted_power(x, y, k)
    if 1e-290 < abs(power) < INF or not 0 < x < INF:
        return factor * power if power else 0.0
    half = pow_ieee(x, 0.5 * (y - k))  # the power alone is too large or too small
    return factor * half * half if half else 0.0


def ratio(x: float, y: float) -> float:
    """Return x/y, with x/0 = inf of the sign of x, and 0/0 = 0."""
    return x / y if y else NAN if x != x else math.copysign(INF, x) if x else 0.0


def atan2(y: float, x: float) -> float:
    """Return the angle of the point (x, y); the origin has none."""
    if x == 0 and y == 0:
        raise ValueError
    return math.atan2(y, x)


def scaled(x: float, y: float) -> tuple[float, float, int]:
    """Return x and y over 2**e, the larger of them near 1, and e; of infinities only their signs are left."""
    largest = max(abs(x), abs(y))
    if largest == INF:
        return *[math.copysign(float(abs(z) == INF), z) for z in (x, y)], 0  # type: ignore[return-value]
    e = math.frexp(largest)[1]
    return math.ldexp(x, -e), math.ldexp(y, -e), e


def direction(x: float, y: float, turns: float) -> float:
    """Return the real part of i**turns (x - i y)/hypot(x, y): x/h, y/h, -x/h, -y/h; and 0 at the origin."""
    x, y, _ = scaled(x, y)
    return (x, y, -x, -y)[int(turns) % 4] / h if (h := math.hypot(x, y)) else 0.0


def harmonic(x: float, y: float, n: float, turns: float) -> float:
    """Return the real part of i**turns / (x + i y)**n, and 0 at the origin and at infinity.

    1 / (x + i y)**n = (x - i y)**n / (x**2 + y**2)**n. The square of x - i y is taken as (x - y)(x + y) - 2 i x y: near
    the diagonal, x**2 - y**2 has no digit left. All is done with x and y near 1, so that no square overflows.
    """
    if INF in (abs(x), abs(y)) or x == y == 0:
        return 0.0
    x, y, e = scaled(x, y)
    real, imaginary = (x, -y) if n == 1 else ((x - y) * (x + y), -2.0 * x * y)
    for _ in range(int(n) - 2):
        real, imaginary = real * x + imaginary * y, imaginary * x - real * y
    part = (real, -imaginary, -real, imaginary)[int(turns) % 4] / (x * x + y * y) ** n
    return ldexp(part, -e * int(n))


def cbrt(x: float) -> float:
    """Return the cube root, with a step of Newton's method behind that of the C library, which is off by 4 ulps."""
    y = math.cbrt(x)
    return y - (y * y * y - x) / (3.0 * y * y) if 1e-290 < abs(x) < 1e300 else y


def square(x: float) -> tuple[float, float]:
    """Return x * x and what its rounding lost, for abs(x) < 1e150: Dekker's product, of halves of 26 bits."""
    high = 134217729.0 * x
    high -= high - x
    low = x - high
    rounded = x * x
    return rounded, ((high * high - rounded) + 2.0 * high * low) + low * low


def times_exp(x: float, exponent: float) -> float:
    """Return x e**exponent, exact also where e**exponent alone is subnormal."""
    if exponent > -700.0:
        return x * math.exp(exponent)
    half = math.exp(0.5 * exponent)
    return x * half * half if half else math.copysign(0.0, x)


def gauss(x: float, a: float, n: float) -> float:
    """Return the n-th derivative of e**(-a x**2), for an a of 1 or 1/2.

    It is h[n](x) e**(-a x**2) with h[0] = 1, h[k + 1] = -2a (x h[k] + k h[k - 1]), Hermite's polynomials. The
    exponential magnifies the rounding of x**2 by a x**2: what was lost is put in as e**-lost = 1 - lost.
    """
    if abs(x) > 40.0:
        return 0.0
    before, h = 0.0, 1.0
    for k in range(int(n)):
        before, h = h, -2.0 * a * (x * h + k * before)
    rounded, lost = square(x)
    out = times_exp(h, -a * rounded)
    return out - out * (a * lost)


def normal(x: float) -> float:
    """Return P(Z <= x) for a standard normal Z: erfc(t)/2 at t = -x/sqrt(2).

    Far out erfc magnifies the rounding of t by 2 t**2. Its derivative -2/sqrt(pi) e**(-t**2) puts in what was
    lost, which is (x**2/2 - t**2)/2t with squares to twice the digits.
    """
    t = -x * math.sqrt(0.5)
    if not 0 < t < 40.0:
        return 0.5 * math.erfc(t)
    (xx, xx_lost), (tt, tt_lost) = square(x), square(t)
    lost = ((0.5 * xx - tt) + (0.5 * xx_lost - tt_lost)) / (2.0 * t)
    return 0.5 * math.erfc(t) - math.exp(-tt) / math.sqrt(math.pi) * lost


def gelu(x: float) -> float:
    """Return x P(Z <= x), and 0 at -inf."""
    return x * normal(x) if not x < -40.0 else -0.0


def sigmoid(x: float) -> float:
    """Return 1/(1 + e**-x), written so that nothing overflows."""
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    e = math.exp(x)
    return e / (1 + e)


def bell(x: float) -> float:
    """Return sigmoid(x) sigmoid(-x)."""
    e = math.exp(-abs(x))
    return e / ((1 + e) * (1 + e))


def x_bell(x: float) -> float:
    """Return x sigmoid(x) sigmoid(-x), and 0 at infinities."""
    e = math.exp(-abs(x))
    return times_exp(x, -abs(x)) / ((1 + e) * (1 + e)) if abs(x) < INF else 0.0


def silu(x: float) -> float:
    """Return x sigmoid(x), and 0 at -inf."""
    if not x < 0:
        return x / (1 + math.exp(-x))
    return times_exp(x, x) / (1 + math.exp(x)) if x > -INF else -0.0


def step(x: float, y: float, tie: float) -> float:
    """Return 1 where x > y, 0 where x < y, `tie` where they are equal, nan where either is nan."""
    return 1.0 if x > y else 0.0 if x < y else tie if x == y else NAN


def heaviside(x: float, at_zero: float) -> float:
    """Return 1 for a positive x, 0 for a negative one, `at_zero` for 0, nan for nan."""
    return 1.0 if x > 0.0 else 0.0 if x < 0.0 else at_zero if x == 0.0 else x


def maximum(x: float, y: float) -> float:
    """Return the larger of x and y, x where they are equal, nan where either is nan."""
    return x if x >= y or x != x else y


def where(condition: float, x: float, y: float) -> float:
    """Return y where the condition is 0, else x; nan where it is nan."""
    return NAN if condition != condition else x if condition else y


def clip(x: float, low: float, high: float) -> float:
    """Return x held between `low` and `high`, which must be in this order."""
    if not low <= high:
        raise ValueError
    return low if x < low else high if x > high else x


def dot(weights: Sequence[float], inputs: Sequence[float], bias: float = 0.0) -> float:
    """Return the sum of the products of weights and inputs, on top of the bias."""
    return total(map(operator.mul, weights, inputs), bias)


def logsumexp(*xs: float) -> float:
    """Return log(sum of e**x), written so that nothing overflows and no small term is lost."""
    top = largest(*xs)
    if not math.isfinite(top):
        return top
    first = xs.index(top)  # its share is exactly 1, and log1p keeps what the others add to it, however small
    return top + math.log1p(total([math.exp(x - top) for i, x in enumerate(xs) if i != first]))


def exp_below(x: float, top: float) -> float:
    """Return e**(x - top) for the largest operand `top`, which is 1 at it even if it is inf, and 0 if it is -inf."""
    return exp(x - top) if x != top else 0.0 if x == -INF else 1.0


def share(x: float, before: float, after: float) -> float:
    """Return x / (before + x + after), and 0 of nothing."""
    return ratio(x, before + x + after)


def log_share(x: float, before: float, after: float) -> float:
    """Return log(e**x / (before + e**x + after)) for an x of at most 0, exact also where nothing but e**x counts."""
    return x - math.log(before + exp(x) + after) if x else 0.0 - math.log1p(before + after)


def largest(*xs: float) -> float:
    """Return the largest of the operands, nan where any is nan."""
    return NAN if any([x != x for x in xs]) else max(xs)


def smallest(*xs: float) -> float:
    """Return the smallest of the operands, nan where any is nan."""
    return NAN if any([x != x for x in xs]) else min(xs)


exp = ieee(math.exp, lambda x: INF)
sinh = ieee(math.sinh, lambda x: math.copysign(INF, x))
