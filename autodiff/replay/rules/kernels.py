"""Functions that are faster than the C library's and as good to two ulps, of floats and symbols alike."""

from __future__ import annotations

import math

# Of tanh x = x + x**3 P(x**2)/Q(x**2) for abs(x) < 0.625, from the Cephes library (Moshier, 1995; tanh.c).
P = (-9.64399179425052238628e-1, -9.92877231001918586564e1, -1.61468768441708447952e3)
Q = (1.0, 1.12811678491632931402e2, 2.23548839060100448583e3, 4.84406305325125486048e3)


def _polynomial(x: float, coefficients: tuple[float, ...]) -> float:
    value = coefficients[0]
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value


def tanh(x: float) -> float:
    """Return the hyperbolic tangent: 1 - 2 / (e**2x + 1), and near 0 a quotient of polynomials."""
    size = abs(x)
    if size < 0.625:
        z = x * x
        return math.copysign(size + size * z * (_polynomial(z, P) / _polynomial(z, Q)), x)  # of -0.0 it is -0.0
    return math.copysign(1.0 - 2.0 / (math.exp(2.0 * size) + 1.0), x)


def cosh(x: float) -> float:
    """Return (e**x + e**-x) / 2."""
    if abs(x) < 700.0:
        power = math.exp(abs(x))
        return 0.5 * (power + 1.0 / power)
    half = math.exp(0.5 * abs(x))
    return 0.5 * half * half
