"""e**x of a vector: the one function that every network needs often, within 2 ulps."""

from __future__ import annotations

from autodiff.replay.native.code import Code, Local

# e**x = 2**k e**r with k = x/log 2 rounded, and e**r a quotient of polynomials, from Cephes (Moshier, 1995; exp.c).
LOG2E, LOG2_HIGH, LOG2_LOW = 1.4426950408889634, 6.93145751953125e-1, 1.42860682030941723212e-6
P = (1.26177193074810590878e-4, 3.02994407707441961300e-2, 9.99999999999999999910e-1)
Q = (3.00198505138664455042e-6, 2.52448340349684104192e-3, 2.27265548208155028766e-1, 2.0)
EXPONENT = 6755399441056767.0  # 1.5 x 2**52 + 1023: added to k, its last bits are those of an exponent of k


def exponential(code: Code, x: Local) -> Local:
    """Return e**x of a vector."""
    kind = x.kind

    def number(x: float) -> Local:
        return code.number(x, kind)

    def polynomial(coefficients: tuple[float, ...], x: Local) -> Local:
        total = number(coefficients[0])
        for coefficient in coefficients[1:]:
            following = code.variable(number(coefficient))
            code.add_product(following, total, x)
            total = following
        return total

    def power(k: Local) -> Local:
        return code.apply("power", code.apply("+", k, number(EXPONENT)))

    x = code.apply("max", code.apply("min", x, number(709.79)), number(-746.0))
    k = code.apply("nearest", code.apply("*", x, number(LOG2E)))
    for part in (LOG2_HIGH, LOG2_LOW):
        x = code.apply("-", x, code.apply("*", k, number(part)))
    square = code.apply("*", x, x)
    p = code.apply("*", polynomial(P, square), x)
    quotient = code.apply("/", code.apply("+", p, p), code.apply("-", polynomial(Q, square), p))
    half = code.apply("nearest", code.apply("*", k, number(0.5)))  # 2**k alone may overflow or be subnormal
    scaled = code.apply("*", code.apply("+", number(1.0), quotient), power(half))
    return code.apply("*", scaled, power(code.apply("-", k, half)))
