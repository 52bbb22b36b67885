"""The calculus: one row per operation, and nothing else.

A row says what an operation answers (``value``), its local derivatives as an ordinary Python expression in its
output and operands (``local``), and how people write it (``formula``). The expression is generic: fed with floats
it yields slopes, fed with graph nodes a graph of slopes, fed with symbols the rule as text. So a row is applied like
a function, ``COS(x)``, and whatever is not a number answers for itself, through its method ``apply(op, operands)``.

This file knows no graph and no gradient. Edge cases (kinks, domains, overflow) are decided here and nowhere else:
outside its domain an operation raises `DomainError` or `ZeroDivisionError`, and overflow follows IEEE 754.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from pickle import PicklingError
from typing import Any

from autodiff.operands import each, flat, real

INF, NAN = math.inf, math.nan
CO_VARARGS = 4  # the flag of a function that takes any number of arguments


class DomainError(ValueError):
    """An operation was asked for a value where it has none, such as the logarithm of a negative number."""


class Op:
    """One row of calculus. Called with numbers it answers a number; called with anything else, what that makes of it.

    Attributes:
        name: the sign that people know it by: ``*``, ``tanh``.
        value: the operation on floats; raises `ValueError` or `ZeroDivisionError` outside its domain.
        local: ``local(out, *operands, *parameters)`` answers the derivative of `out` by each operand.
        formula: a template in the operands' names, ``log({x})``; ``{xs}`` stands for all operands of an n-ary row.
        domain: what the operands must satisfy, for the error message.
        parameters: how many trailing arguments are plain numbers that nothing is differentiated by.
        piecewise: whether a derivative of 0 means "branch not taken", and so contributes 0 even to inf.
        arity: how many operands it takes; None for any number.
        quiet: whether a node with a finite output can be passed over when nothing came in: its derivatives are finite,
            too (not in a row with `overflows`), so that there is no 0 * inf.
    """

    __slots__ = ("arity", "domain", "formula", "local", "name", "operands", "parameters", "piecewise", "quiet", "value")

    def __init__(
        self,
        name: str,
        value: Callable[..., float],
        local: Callable[..., Sequence[Any]],
        formula: str,
        domain: str = "",
        *,
        parameters: int = 0,
        piecewise: bool = False,
        overflows: bool = False,
    ) -> None:
        self.name, self.value, self.local, self.formula, self.domain = name, value, local, formula, domain
        self.parameters, self.piecewise = parameters, piecewise
        code = getattr(local, "__code__", None)
        if not isinstance(name, str) or not isinstance(formula, str) or not callable(value) or code is None:
            raise TypeError(f"expected Op(name, value, local, formula), texts and functions of Python, got {name!r}")
        self.operands = code.co_varnames[1 : code.co_argcount]  # the names that `formula` and messages use
        self.arity = None if code.co_flags & CO_VARARGS else len(self.operands) - parameters
        self.quiet = not overflows and (piecewise or self.arity is None)

    def __call__(self, *operands: Any) -> Any:  # noqa: D102  # described by the class
        for operand in operands:
            if operand.__class__ is not float:
                for reader in flat(operands):
                    if hasattr(type(reader), "apply"):
                        return reader.apply(self, operands)
                operands = tuple((each if self.arity is None else map)(real, operands))  # only wide rows take groups
                break
        try:
            return self.value(*operands)
        except (ValueError, ZeroDivisionError) as error:
            raise self.undefined(error, flat(operands)) from None

    def chain(self, numbers: Sequence[float], incoming: float) -> tuple[float, ...]:
        """Return the contribution to each operand, of the output, operands and parameters: incoming x derivative."""
        masked = self.piecewise
        return tuple([incoming * slope if slope or not masked else 0.0 for slope in self.local(*numbers)])

    def undefined(self, error: Exception, operands: Sequence[float], labels: Sequence[str] = ()) -> Exception:
        """Return the error to raise in place of `error`: it names the operation, its operands, and why."""
        kind = ZeroDivisionError if isinstance(error, ZeroDivisionError) else DomainError
        return kind(f"{self} is undefined at {self.at(operands, labels)}: it needs {self.domain}")

    def at(self, operands: Sequence[float], labels: Sequence[str] = ()) -> str:
        """Return the operands for a message, with the labels they have: "x = 2.0 ('w'), y = 0.0"."""
        names = [f"x{i}" for i in range(1, len(operands) + 1)] if self.arity is None else self.operands
        labels = [f" ({label!r})" if label else "" for label in labels] + [""] * len(operands)
        return ", ".join([f"{name} = {x!r}{label}" for name, x, label in zip(names, operands, labels, strict=False)])

    def __str__(self) -> str:
        return self.formula.format(**{name: name for name in (*self.operands, "xs")})

    def __repr__(self) -> str:
        return f"<Op {self}>"

    def __deepcopy__(self, memo: object) -> Op:  # rows are constants
        return self

    def __reduce__(self) -> str:
        for name, row in globals().items():
            if row is self:
                return name
        raise PicklingError(f"{self!r} is not in the table of autodiff.ops, so a pickle cannot refer to it")


# The values that the standard library does not answer as IEEE 754 does, or not at all.


def _ieee(function: Callable[..., float], limit: Callable[..., float]) -> Callable[..., float]:
    """Return `function`, answering `limit` of its operands where it overflows."""

    def value(*operands: float) -> float:
        try:
            return function(*operands)
        except OverflowError:
            return limit(*operands)

    return value


def _power(x: float, y: float) -> float:
    return _pow(x, y) if x or not y < 0 else 1 / x


def _ratio(x: float, y: float) -> float:
    return x / y if y else NAN if x != x else math.copysign(INF, x) if x else 0.0


def _atan2(y: float, x: float) -> float:
    if x == 0 and y == 0:
        raise ValueError
    return math.atan2(y, x)


def _sigmoid(x: float) -> float:
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    e = math.exp(x)
    return e / (1 + e)


def _step(x: float, y: float, tie: float) -> float:
    return 1.0 if x > y else 0.0 if x < y else tie if x == y else NAN


def _maximum(x: float, y: float) -> float:
    return x if x >= y or x != x else y


def _clip(x: float, low: float, high: float) -> float:
    if not low <= high:
        raise ValueError
    return low if x < low else high if x > high else x


def _dot(weights: Sequence[float], inputs: Sequence[float], bias: float = 0.0) -> float:
    return sum(map(operator.mul, weights, inputs), bias)


def _logsumexp(*xs: float) -> float:
    top = _max(*xs)
    if not math.isfinite(top):
        return top
    first = xs.index(top)  # its share is exactly 1, and log1p keeps what the others add to it, however small
    return top + math.log1p(sum([math.exp(x - top) for i, x in enumerate(xs) if i != first]))


def _max(*xs: float) -> float:
    return NAN if any([x != x for x in xs]) else max(xs)


def _others(xs: Sequence[Any]) -> Sequence[Any]:
    """Return, for each operand, the product of all others, without dividing (one of them may be 0)."""
    before, after = [1.0], [1.0]
    for x, y in zip(xs[:-1], xs[:0:-1], strict=True):
        before.append(before[-1] * x)
        after.append(y * after[-1])
    return [left * right for left, right in zip(before, reversed(after), strict=True)]


def softmax(xs: Sequence[Any]) -> list[Any]:
    """Return the shares of e**x. Shifting all x changes none, so the largest is held at 0 and nothing overflows."""
    top = HOLD(MAX(*xs))
    powers = [EXP(x - top) for x in xs]
    total = SUM(*powers)
    return [power / total for power in powers]


def _shares(out: Any, xs: Sequence[Any]) -> Sequence[Any]:
    """Return 1/k for each of the k operands that equal the maximum, 0 for the others."""
    equal = [STEP(x, out, 1.0) for x in xs]
    total = SUM(*equal)
    return [RATIO(e, total) for e in equal]


_exp = _ieee(math.exp, lambda x: INF)
_pow = _ieee(math.pow, lambda x, y: -INF if x < 0 and y % 2 == 1 else INF)
_sinh = _ieee(math.sinh, lambda x: math.copysign(INF, x))

# The table. In each row: `out` is what the operation answered, `x` and `y` its operands.
# fmt: off
ADD        = Op("+",    operator.add,     lambda out, x, y: (1.0, 1.0),                       "{x} + {y}")
SUB        = Op("-",    operator.sub,     lambda out, x, y: (1.0, -1.0),                      "{x} - {y}")
MUL        = Op("*",    operator.mul,     lambda out, x, y: (y, x),                           "{x} * {y}")
DIV        = Op("/",    operator.truediv, lambda out, x, y: (RATIO(1.0, y), -RATIO(out, y)),  "{x} / {y}", "y != 0")
NEG        = Op("-",    operator.neg,     lambda out, x: (-1.0,),                             "-{x}")
POW        = Op("**",   _power,           lambda out, x, y: (MASK(POW0(x, y - 1.0), y), out * LOG0(x)),
                "{x}**{y}", "x > 0, or x = 0 and y >= 0, or a whole y with x != 0")
POWER      = Op("**",   _power,           lambda out, x, n: (n * POWER0(x, n - 1.0) if n else 0.0,),
                "{x}**{n}", "x > 0, or x = 0 and n >= 0, or a whole n with x != 0", parameters=1)

EXP        = Op("exp",   _exp,            lambda out, x: (out,),                              "exp({x})")
EXPM1      = Op("expm1", _ieee(math.expm1, lambda x: INF), lambda out, x: (EXP(x),),          "expm1({x})")
LOG        = Op("log",   math.log,        lambda out, x: (RATIO(1.0, x),),                    "log({x})", "x > 0")
LOG1P      = Op("log1p", math.log1p,      lambda out, x: (RATIO(1.0, 1.0 + x),),              "log1p({x})", "x > -1")
SQRT       = Op("sqrt",  math.sqrt,       lambda out, x: (RATIO(0.5, out),),                  "sqrt({x})", "x >= 0")

SIN        = Op("sin",   math.sin,        lambda out, x: (COS(x),),                           "sin({x})", "a finite x")
COS        = Op("cos",   math.cos,        lambda out, x: (-SIN(x),),                          "cos({x})", "a finite x")
TAN        = Op("tan",   math.tan,        lambda out, x: (1.0 + out * out,),                  "tan({x})", "a finite x")
ASIN       = Op("asin",  math.asin,       lambda out, x: (RATIO(1.0, SQRT((1.0 - x) * (1.0 + x))),),
                "asin({x})", "-1 <= x <= 1")
ACOS       = Op("acos",  math.acos,       lambda out, x: (-RATIO(1.0, SQRT((1.0 - x) * (1.0 + x))),),
                "acos({x})", "-1 <= x <= 1")
ATAN       = Op("atan",  math.atan,       lambda out, x: (1.0 / (1.0 + x * x),),              "atan({x})")
ATAN2      = Op("atan2", _atan2,          lambda out, y, x: (x / HYPOT(x, y) / HYPOT(x, y), -(y / HYPOT(x, y) / HYPOT(x, y))),
                "atan2({y}, {x})", "x and y not both 0")
HYPOT      = Op("hypot", math.hypot,      lambda out, x, y: (RATIO(x, out), RATIO(y, out)),   "hypot({x}, {y})")

SINH       = Op("sinh",  _sinh,           lambda out, x: (COSH(x),),                          "sinh({x})")
COSH       = Op("cosh",  _ieee(math.cosh, lambda x: INF), lambda out, x: (SINH(x),),          "cosh({x})")
TANH       = Op("tanh",  math.tanh,       lambda out, x: ((s := SECH(x)) * s,),               "tanh({x})")  # 1 - out**2 cancels

SIGMOID    = Op("sigmoid",  _sigmoid,     lambda out, x: (out * SIGMOID(-x),),                "sigmoid({x})")  # 1 - out cancels
SOFTPLUS   = Op("softplus", lambda x: _maximum(x, 0.0) + math.log1p(math.exp(-abs(x))), lambda out, x: (SIGMOID(x),), "softplus({x})")
SILU       = Op("silu",  lambda x: x * _sigmoid(x), lambda out, x: (SIGMOID(x) + out * SIGMOID(-x),), "silu({x})")
GELU       = Op("gelu",  lambda x: 0.5 * x * math.erfc(-x * math.sqrt(0.5)),
                lambda out, x: (0.5 * ERFC(-x * math.sqrt(0.5)) + x * EXP(-0.5 * x * x) * math.sqrt(0.5 / math.pi),), "gelu({x})")
ERF        = Op("erf",   math.erf,        lambda out, x: (EXP(-x * x) * (2.0 / math.sqrt(math.pi)),),  "erf({x})")
ERFC       = Op("erfc",  math.erfc,       lambda out, x: (EXP(-x * x) * (-2.0 / math.sqrt(math.pi)),), "erfc({x})")

# Piecewise: written with steps in place of Python's `if`, so that a graph or a symbol can be read through them too.
ABS        = Op("abs",   operator.abs,    lambda out, x: (SIGN(x),),                          "abs({x})", piecewise=True)
SIGN       = Op("sign",  lambda x: _step(x, 0.0, 0.0) - _step(0.0, x, 0.0), lambda out, x: (0.0,), "sign({x})", piecewise=True)
HEAVISIDE  = Op("heaviside", lambda x, at_zero: _step(x, 0.0, at_zero), lambda out, x, at_zero: (0.0,),
                "heaviside({x}, {at_zero})", parameters=1, piecewise=True)
RELU       = Op("relu",  lambda x: 0.0 if x <= 0 else x, lambda out, x: (HEAVISIDE(x, 0.0),), "relu({x})", piecewise=True)
LEAKY_RELU = Op("leaky_relu", lambda x, slope: slope * x if x <= 0 else x,
                lambda out, x, slope: (HEAVISIDE(x, 0.0) + slope * HEAVISIDE(-x, 1.0),),
                "leaky_relu({x}, {slope})", parameters=1, piecewise=True)
ELU        = Op("elu",   lambda x, alpha: alpha * math.expm1(x) if x <= 0 else x,
                lambda out, x, alpha: (HEAVISIDE(x, 0.0) + alpha * (left := HEAVISIDE(-x, 1.0)) * EXP(MASK(x, left)),),
                "elu({x}, {alpha})", parameters=1, piecewise=True)
MAXIMUM    = Op("maximum", _maximum,      lambda out, x, y: (STEP(x, y, 0.5), STEP(y, x, 0.5)), "maximum({x}, {y})", piecewise=True)
MINIMUM    = Op("minimum", lambda x, y: -_maximum(-x, -y), lambda out, x, y: (STEP(y, x, 0.5), STEP(x, y, 0.5)),
                "minimum({x}, {y})", piecewise=True)
CLIP       = Op("clip",  _clip,
                lambda out, x, low, high: (STEP(x, low, 1.0) * STEP(high, x, 1.0),),
                "clip({x}, {low}, {high})", "low <= high", parameters=2, piecewise=True)

# Any number of operands. `DOT` takes them in groups: the weights, the inputs, then the bias if there is one.
SUM        = Op("sum",   lambda *xs: sum(xs, 0.0),             lambda out, *xs: (1.0,) * len(xs),            "sum({xs})")
MEAN       = Op("mean",  lambda *xs: sum(xs, 0.0) / len(xs),   lambda out, *xs: (1.0 / len(xs),) * len(xs),  "mean({xs})")
PROD       = Op("prod",  lambda *xs: math.prod(xs, start=1.0), lambda out, *xs: _others(xs),                 "prod({xs})", overflows=True)
DOT        = Op("dot",   _dot, lambda out, weights, inputs, *bias: inputs + weights + (1.0,) * len(bias), "dot({xs})")
LOGSUMEXP  = Op("logsumexp", _logsumexp,  lambda out, *xs: softmax(xs),                       "logsumexp({xs})")
MAX        = Op("max",   _max,            lambda out, *xs: _shares(out, xs),                  "max({xs})", piecewise=True)

# What the derivatives above are made of: the same operations, with an answer where the original has none.
IDENTITY   = Op("=",     operator.pos,    lambda out, x: (1.0,),                              "{x}")
HOLD       = Op("hold",  operator.pos,    lambda out, x: (0.0,),                              "hold({x})", piecewise=True)
RATIO      = Op("/",     _ratio,          lambda out, x, y: (RATIO(1.0, y), -RATIO(out, y)),  "{x} / {y}")  # x/0 = inf, 0/0 = 0
POW0       = Op("**",    lambda x, y: _pow(x, y) if x or not y < 0 else INF,          lambda out, x, y: (MASK(POW0(x, y - 1.0), y), out * LOG0(x)), "{x}**{y}")  # 0**-1 = inf
POWER0     = Op("**",    lambda x, n: _pow(x, n) if x or not n < 0 else INF,          lambda out, x, n: (n * POWER0(x, n - 1.0) if n else 0.0,), "{x}**{n}", parameters=1)
LOG0       = Op("log",   lambda x: math.log(x) if x > 0 else 0.0 if x == 0 else NAN, lambda out, x: (RATIO(RATIO(x, x), x),), "log({x})")
MASK       = Op("*",     lambda x, y: x * y if y else 0.0, lambda out, x, y: (y, x),          "{x} * {y}", piecewise=True, overflows=True)  # 0 stops inf
SECH       = Op("sech",  lambda x: 1 / COSH.value(x), lambda out, x: (-out * TANH(x),),       "sech({x})")
STEP       = Op("step",  _step,           lambda out, x, y, tie: (0.0, 0.0), "step({x}, {y}, {tie})", parameters=1, piecewise=True)
