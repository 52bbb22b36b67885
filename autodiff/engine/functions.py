"""The operations as functions, ``autodiff.tanh(x)``: of Values they make a Value, of plain numbers a float.

Each says its formula, its derivative, and what it answers at its edges. What is computed is in
`autodiff.engine.ops`; this file adds documentation, names and checks. Outside its domain a function raises
`autodiff.DomainError`.
"""

from __future__ import annotations

import math
from typing import Any, TypeVar, overload

from autodiff.engine import ops
from autodiff.engine.value import Number, Value

Scalar = TypeVar("Scalar", Value, float)


def abs(x: Scalar) -> Scalar:
    """Return |x|.

    Derivative: sign(x), and 0 at 0. So abs(x)**2 has the second derivative 0 there, where x**2 has 2.

    Convention: at 0 the slope is 0, the middle of those on both sides, and so are all further ones; abs(x)**2 has the
    curvature 0 there, x*x the true 2. Of nan, value and slope are nan.

    >>> abs(-3.0)
    3.0
    """
    return ops.ABS(x)


def exp(x: Scalar) -> Scalar:
    """Return e**x.

    Derivative: e**x. Overflows to inf.

    >>> exp(1.0)
    2.718281828459045
    """
    return ops.EXP(x)


def expm1(x: Scalar) -> Scalar:
    """Return e**x - 1, exact for small x.

    Derivative: e**x. Overflows to inf.

    >>> expm1(1e-20)
    1e-20
    """
    return ops.EXPM1(x)


def log(x: Scalar) -> Scalar:
    """Return the natural logarithm of x > 0.

    Derivative: 1/x.

    Convention: log(0) raises instead of answering -inf, whose slopes would be nan later.

    >>> log(1.0)
    0.0
    """
    return ops.LOG(x)


def log1p(x: Scalar) -> Scalar:
    """Return log(1 + x) for x > -1, exact for small x.

    Derivative: 1/(1 + x).

    Convention: log1p(-1) raises instead of answering -inf.

    >>> log1p(1e-20)
    1e-20
    """
    return ops.LOG1P(x)


def log2(x: Scalar) -> Scalar:
    """Return the logarithm of x > 0 to the base 2.

    Derivative: 1/(x log 2).

    Convention: log2(0) raises instead of answering -inf.

    >>> log2(8.0)
    3.0
    """
    return ops.LOG2(x)


def log10(x: Scalar) -> Scalar:
    """Return the logarithm of x > 0 to the base 10.

    Derivative: 1/(x log 10).

    Convention: log10(0) raises instead of answering -inf.

    >>> log10(1000.0)
    3.0
    """
    return ops.LOG10(x)


def sqrt(x: Scalar) -> Scalar:
    """Return the square root of x >= 0.

    Derivative: 1/(2 sqrt(x)), and inf at 0.

    Convention: at 0 the slope is inf, the limit; -0.0 is 0, so there too. A negative x raises.

    >>> sqrt(9.0)
    3.0
    """
    return ops.SQRT(x)


def cbrt(x: Scalar) -> Scalar:
    """Return the cube root of x, which is negative where x is.

    Derivative: 1/(3 cbrt(x)**2), and inf at 0.

    Convention: at 0 the slope is inf, the limit. A negative x has a real root.

    >>> cbrt(-8.0)
    -2.0
    """
    return ops.CBRT(x)


def sin(x: Scalar) -> Scalar:
    """Return the sine of a finite x in radians.

    Derivative: cos(x).

    Convention: an infinite x raises: it has no sine.

    >>> sin(0.0)
    0.0
    """
    return ops.SIN(x)


def cos(x: Scalar) -> Scalar:
    """Return the cosine of a finite x in radians.

    Derivative: -sin(x).

    Convention: an infinite x raises: it has no cosine.

    >>> cos(0.0)
    1.0
    """
    return ops.COS(x)


def tan(x: Scalar) -> Scalar:
    """Return the tangent of a finite x in radians.

    Derivative: 1 + tan(x)**2.

    Convention: an infinite x raises: it has no tangent. No float is a pole.

    >>> tan(0.0)
    0.0
    """
    return ops.TAN(x)


def asin(x: Scalar) -> Scalar:
    """Return the angle in radians, from -pi/2 to pi/2, whose sine is x.

    Derivative: 1/sqrt(1 - x**2), and inf at -1 and 1.

    Convention: at -1 and 1 the slope is inf, the limit; beyond it raises.

    >>> asin(0.0)
    0.0
    """
    return ops.ASIN(x)


def acos(x: Scalar) -> Scalar:
    """Return the angle in radians, from 0 to pi, whose cosine is x.

    Derivative: -1/sqrt(1 - x**2), and -inf at -1 and 1.

    Convention: at -1 and 1 the slope is -inf, the limit; beyond it raises.

    >>> acos(1.0)
    0.0
    """
    return ops.ACOS(x)


def atan(x: Scalar) -> Scalar:
    """Return the angle in radians, from -pi/2 to pi/2, whose tangent is x.

    Derivative: 1/(1 + x**2).

    >>> atan(0.0)
    0.0
    """
    return ops.ATAN(x)


def sinh(x: Scalar) -> Scalar:
    """Return the hyperbolic sine, (e**x - e**-x)/2.

    Derivative: cosh(x). Overflows to +-inf.

    >>> sinh(0.0)
    0.0
    """
    return ops.SINH(x)


def cosh(x: Scalar) -> Scalar:
    """Return the hyperbolic cosine, (e**x + e**-x)/2.

    Derivative: sinh(x). Overflows to inf.

    >>> cosh(0.0)
    1.0
    """
    return ops.COSH(x)


def tanh(x: Scalar) -> Scalar:
    """Return the hyperbolic tangent, (e**x - e**-x)/(e**x + e**-x).

    Derivative: 1 - tanh(x)**2, computed as sech(x)**2, which does not cancel where tanh saturates.

    >>> tanh(1000.0)
    1.0
    """
    return ops.TANH(x)


def asinh(x: Scalar) -> Scalar:
    """Return the inverse of sinh.

    Derivative: 1/sqrt(1 + x**2).

    >>> asinh(0.0)
    0.0
    """
    return ops.ASINH(x)


def acosh(x: Scalar) -> Scalar:
    """Return the inverse of cosh that is at least 0, of x >= 1.

    Derivative: 1/sqrt(x**2 - 1), and inf at 1.

    Convention: at 1 the slope is inf, the limit; below it raises.

    >>> acosh(1.0)
    0.0
    """
    return ops.ACOSH(x)


def atanh(x: Scalar) -> Scalar:
    """Return the inverse of tanh, of -1 < x < 1.

    Derivative: 1/(1 - x**2).

    Convention: at -1 and 1 it raises instead of answering an infinity.

    >>> atanh(0.0)
    0.0
    """
    return ops.ATANH(x)


def sigmoid(x: Scalar) -> Scalar:
    """Return the logistic function, 1/(1 + e**-x).

    Derivative: s(x) s(-x), which does not cancel as s(x) (1 - s(x)) does.

    >>> sigmoid(0.0)
    0.5
    """
    return ops.SIGMOID(x)


def softplus(x: Scalar) -> Scalar:
    """Return log(1 + e**x), a smooth relu.

    Derivative: sigmoid(x). Does not overflow.

    >>> softplus(1000.0)
    1000.0
    """
    return ops.SOFTPLUS(x)


def relu(x: Scalar) -> Scalar:
    """Return the rectifier, x where x > 0, else 0.

    Derivative: 1 where x > 0, else 0. The relu of nan is nan.

    Convention: at 0 the slope is 0, that of the branch x <= 0; of nan, value and slope are nan.

    >>> relu(-3.0)
    0.0
    """
    return ops.RELU(x)


def silu(x: Scalar) -> Scalar:
    """Return x sigmoid(x), also called swish.

    Derivative: s(x) + x s(x) s(-x); at -inf both are 0, their limits. Elfwing, Uchibe and Doya 2018 (arXiv:1702.03118).

    >>> silu(0.0)
    0.0
    """
    return ops.SILU(x)


def gelu(x: Scalar) -> Scalar:
    """Return x P(Z <= x) for a standard normal Z, exactly, not by its tanh approximation.

    Derivative: P(Z <= x) + x e**(-x**2/2)/sqrt(2 pi); at -inf both are 0, their limits.
    Hendrycks and Gimpel 2016 (arXiv:1606.08415).

    >>> gelu(0.0)
    0.0
    """
    return ops.GELU(x)


def erf(x: Scalar) -> Scalar:
    """Return the error function, 2/sqrt(pi) times the integral of e**(-t**2) from 0 to x.

    Derivative: 2/sqrt(pi) e**(-x**2).

    >>> erf(0.0)
    0.0
    """
    return ops.ERF(x)


def erfc(x: Scalar) -> Scalar:
    """Return 1 - erf(x), exact where erf(x) is near 1.

    Derivative: -2/sqrt(pi) e**(-x**2).

    >>> erfc(0.0)
    1.0
    """
    return ops.ERFC(x)


def sign(x: Scalar) -> Scalar:
    """Return -1, 0 or 1, as x is negative, 0 or positive.

    Derivative: 0 everywhere, at the jump too.

    Convention: at 0 the value is 0, the slope too.

    >>> sign(-3.0)
    -1.0
    """
    return ops.SIGN(x)


@overload
def maximum(x: float, y: float) -> float: ...  # type: ignore[overload-overlap]  # numbers first
@overload
def maximum(x: Number, y: Number) -> Value: ...
def maximum(x: Any, y: Any) -> Any:
    """Return the larger of x and y; nan if either is.

    Derivative: 1 for the larger, 0 for the other, 1/2 for each in a tie.

    Convention: 1/2 for each in a tie, whatever their order; where one is nan, value and slopes are nan.

    >>> maximum(2.0, 3.0)
    3.0
    """
    return ops.MAXIMUM(x, y)


@overload
def minimum(x: float, y: float) -> float: ...  # type: ignore[overload-overlap]  # numbers first
@overload
def minimum(x: Number, y: Number) -> Value: ...
def minimum(x: Any, y: Any) -> Any:
    """Return the smaller of x and y; nan if either is.

    Derivative: 1 for the smaller, 0 for the other, 1/2 for each in a tie.

    Convention: 1/2 for each in a tie, whatever their order; where one is nan, value and slopes are nan.

    >>> minimum(2.0, 3.0)
    2.0
    """
    return ops.MINIMUM(x, y)


@overload
def atan2(y: float, x: float) -> float: ...  # type: ignore[overload-overlap]  # numbers first
@overload
def atan2(y: Number, x: Number) -> Value: ...
def atan2(y: Any, x: Any) -> Any:
    """Return the angle in radians, from -pi to pi, of the point (x, y), which is not the origin.

    Derivative: x/(x**2 + y**2) by y, -y/(x**2 + y**2) by x.

    Convention: at the origin it raises: no angle is the limit. On the negative x axis the sign of a zero y decides, as
    in IEEE 754.

    >>> atan2(0.0, 1.0)
    0.0
    """
    return ops.ATAN2(y, x)


@overload
def hypot(x: float, y: float) -> float: ...  # type: ignore[overload-overlap]  # numbers first
@overload
def hypot(x: Number, y: Number) -> Value: ...
def hypot(x: Any, y: Any) -> Any:
    """Return sqrt(x**2 + y**2), without overflow on the way.

    Derivative: x/hypot and y/hypot, and 0 at the origin.

    Convention: at the origin both slopes are 0, the middle of a cone; of the square, write x*x + y*y.

    >>> hypot(3.0, 4.0)
    5.0
    """
    return ops.HYPOT(x, y)


@overload
def where(condition: float, x: float, y: float) -> float: ...  # type: ignore[overload-overlap]  # numbers first
@overload
def where(condition: Number, x: Number, y: Number) -> Value: ...
def where(condition: Any, x: Any, y: Any) -> Any:
    """Return x where the condition is true, or a number other than 0, else y; nan where it is nan.

    Derivative: 1 by the one that is taken, 0 by the other and by the condition. The branch not taken contributes 0
    even if a derivative in it is infinite. Both are computed first, so both must have a value.

    Convention: a branch not taken contributes 0, even to an infinite slope.

    A condition such as ``x > 0`` is a plain truth value; for a replay to follow it, give a Value: ``heaviside(x)``.

    >>> where(True, 2.0, 3.0), where(0.0, 2.0, 3.0)
    (2.0, 3.0)
    """
    return ops.WHERE(condition, x, y)


def detach(x: Scalar) -> Scalar:
    """Return x as it is, but as a constant: no gradient passes. Also called stop_gradient.

    Derivative: 0 by definition.

    Convention: the slope is 0, of every order.

    >>> detach(2.0)
    2.0
    """
    return ops.DETACH(x)


stop_gradient = detach


def clip(x: Scalar, low: float = -math.inf, high: float = math.inf) -> Scalar:
    """Return x, or the bound that it is beyond; `low` and `high` are plain numbers.

    Derivative: 1 from `low` to `high`, the bounds included; 0 beyond.

    Convention: a bound belongs to the inside: there the slope is 1, as in PyTorch until 2.13. Of nan, value and
    slope are nan.

    >>> clip(5.0, 0.0, 1.0)
    1.0

    Raises:
        DomainError: if `low` is above `high`, or either is nan.
    """
    return ops.CLIP(x, low, high)


def heaviside(x: Scalar, at_zero: float = 0.0) -> Scalar:
    """Return the unit step: 0 where x < 0, 1 where x > 0, `at_zero` at 0.

    Derivative: 0 everywhere, at the jump too.

    Convention: at 0 the value is `at_zero`, the slope 0.

    >>> heaviside(-2.0), heaviside(0.0, 0.5)
    (0.0, 0.5)
    """
    return ops.HEAVISIDE(x, at_zero)


def leaky_relu(x: Scalar, slope: float = 0.01) -> Scalar:
    """Return x where x > 0, else slope x.

    Derivative: 1 where x > 0, else the slope. Maas, Hannun and Ng 2013, "Rectifier nonlinearities improve neural
    network acoustic models".

    Convention: at 0 the slope is that of the left, of the branch x <= 0.

    >>> leaky_relu(-3.0, 0.5)
    -1.5
    """
    return ops.LEAKY_RELU(x, slope)


def elu(x: Scalar, alpha: float = 1.0) -> Scalar:
    """Return x where x > 0, else alpha (e**x - 1).

    Derivative: 1 where x > 0, else alpha e**x. Clevert, Unterthiner and Hochreiter 2016 (arXiv:1511.07289).

    Convention: at 0 the slope is alpha, and so are all further ones: those of the left, of the branch x <= 0.

    >>> elu(-1000.0)
    -1.0
    """
    return ops.ELU(x, alpha)
