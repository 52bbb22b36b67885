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

from autodiff.engine import elementary
from autodiff.support.operands import each, flat, real
from autodiff.support.trial import answering, tried

INF, NAN = math.inf, math.nan
CO_VARARGS = 4  # the flag of a function that takes any number of arguments


class DomainError(ValueError):
    """An operation was asked for a value where it has none, such as the logarithm of a negative number."""


class Op:
    """One row of calculus. Called with numbers it answers a number; called with anything else, what that makes of it.

    This is also how to add an operation of your own. Its rule, `local`, is written with operators (``+ - * / **``) and
    with the functions of `autodiff`, which take numbers, Values and symbols alike: then the operation has second
    derivatives, and can be drawn, stepped through, derived and replayed. It is tried at once: a wrong number of
    derivatives raises, and a rule that takes plain numbers alone (with `math`, `if`, `>`, `%`) is warned of, with what
    to write in its place.

    >>> from autodiff import Value, cos, grad
    >>> sine = Op("sine", math.sin, lambda out, x: (cos(x),), "sine({x})")
    >>> x = Value(0.5, "x")
    >>> slope = grad(sine(x), x)
    >>> round(slope.data, 6), round(grad(slope, x).data, 6)  # cos 0.5, -sin 0.5
    (0.877583, -0.479426)

    Attributes:
        name: the sign that people know it by: ``*``, ``tanh``.
        value: the operation on floats; raises `ValueError` or `ZeroDivisionError` outside its domain.
        local: ``local(out, *operands, *static)`` answers the derivative of `out` by each operand.
        formula: a template in the operands' names, ``log({x})``; ``{xs}`` stands for all operands of an n-ary row.
        domain: what the operands must satisfy, for the error message.
        static: how many trailing arguments are plain numbers that nothing is differentiated by.
        piecewise: whether a derivative of 0 means "branch not taken", and so contributes 0 even to inf.
        arity: how many operands it takes; None for any number.
        operand_names: the names of the operands, then of the static arguments, as `local` has them.
        regroup: from the operands one by one, the operands as `value` and `local` take them: `DOT` takes two groups.
    """

    __slots__ = (
        *("arity", "domain", "formula", "local", "name", "operand_names", "piecewise", "regroup", "static", "value"),
        "written",  # by `autodiff.engine.backward`, when the row is first used: its rule as lines; None until then
    )

    def __init__(
        self,
        name: str,
        value: Callable[..., float],
        local: Callable[..., Sequence[Any]],
        formula: str,
        domain: str = "",
        *,
        static: int = 0,
        piecewise: bool = False,
        regroup: Callable[[Sequence[Any]], tuple[Any, ...]] = tuple,
    ) -> None:
        self.name, self.value, self.local, self.formula, self.domain = name, value, local, formula, domain
        self.static, self.piecewise, self.regroup = static, piecewise, regroup
        code = getattr(local, "__code__", None)
        if not isinstance(name, str) or not isinstance(formula, str) or not callable(value) or code is None:
            raise TypeError(f"expected Op(name, value, local, formula), texts and functions of Python, got {name!r}")
        self.operand_names = code.co_varnames[1 : code.co_argcount]  # the names that `formula` and messages use
        self.arity = None if code.co_flags & CO_VARARGS else len(self.operand_names) - static
        self.written = None
        if "STEP" in globals():  # the last row of the table: what comes now is made by people
            self.value, self.local = answering(self), tried(self)

    def __setattr__(self, name: str, thing: Any) -> None:
        object.__setattr__(self, name, thing)
        if name != "written" and name in Op.__slots__ and hasattr(self, "written"):  # it may be in that of any row
            for row in [self, *globals().values()]:
                if isinstance(row, Op):
                    row.written = None

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

    def grouped(self, operands: Sequence[Any], static: Sequence[float]) -> tuple[Any, ...]:
        """Return operands, given one by one, and static arguments as `value` and `local` take them."""
        return (*self.regroup(operands), *static)

    def products(self, operands: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any], Sequence[Any]] | None:
        """Return which operands are multiplied with which, and which are added to that; None if the row is no `DOT`."""
        if self is not DOT:
            return None
        left, right, *added = self.regroup(operands)
        return left, right, added

    def chain(self, numbers: Sequence[float], incoming: float) -> tuple[float, ...]:
        """Return the contribution to each operand, of the output, operands and static arguments: incoming x derivative."""
        masked = self.piecewise
        return tuple([incoming * slope if slope or not masked else 0.0 for slope in self.local(*numbers)])

    def undefined(self, error: Exception, operands: Sequence[float], labels: Sequence[str] = ()) -> Exception:
        """Return the error to raise in place of `error`: it names the operation, its operands, and why."""
        kind = ZeroDivisionError if isinstance(error, ZeroDivisionError) else DomainError
        needed = f": it needs {self.domain}" if self.domain else ""
        raised = kind(f"{self} is undefined at {self.at(operands, labels)}{needed}")
        if any([row is self for row in globals().values()]):  # not one of somebody's own
            raised.add_note(f'autodiff.conventions("{self.name}") says what it answers at its edges')
        return raised

    def at(self, operands: Sequence[float], labels: Sequence[str] = ()) -> str:
        """Return the operands for a message, with the labels they have: "x = 2.0 ('w'), y = 0.0"."""
        names = [f"x{i}" for i in range(1, len(operands) + 1)] if self.arity is None else self.operand_names
        labels = [f" ({label!r})" if label else "" for label in labels] + [""] * len(operands)
        return ", ".join([f"{name} = {x!r}{label}" for name, x, label in zip(names, operands, labels, strict=False)])

    def __str__(self) -> str:
        return self.formula.format(**{name: name for name in (*self.operand_names, "xs")})

    def __repr__(self) -> str:
        return f"<Op {self}>"

    def __deepcopy__(self, memo: object) -> Op:  # rows are constants
        return self

    def __reduce__(self) -> str:
        for name, row in globals().items():
            if row is self:
                return name
        raise PicklingError(f"{self!r} is not in the table of autodiff.engine.ops, so a pickle cannot refer to it")


def _weights_and_inputs(operands: Sequence[Any]) -> tuple[Any, ...]:
    n = len(operands) // 2
    return tuple(operands[:n]), tuple(operands[n : 2 * n]), *operands[2 * n :]


def _around(combine: Callable[[Any, Any], Any], start: Any, xs: Sequence[Any]) -> Sequence[tuple[Any, Any]]:
    """Return, for each operand, those before it combined and those after it: so all but one, and nothing is taken away."""
    n, before, after = len(xs), [start, *xs[:1]], [start, *xs[-1:]]
    for x, y in zip(xs[1:-1], xs[-2:0:-1], strict=True):
        before.append(combine(before[-1], x))
        after.append(combine(y, after[-1]))
    return list(zip(before[:n], reversed(after[:n]), strict=True))


def softmax(xs: Sequence[Any]) -> list[Any]:
    """Return the shares of e**x. Shifting all x changes none, so the largest is held at 0 and nothing overflows.

    The slope of a share is the share times all others, as these are summed: 1 - share would cancel near 1.
    """
    top = HOLD(MAX(*xs))
    powers = [EXP_BELOW(x, top) for x in xs]
    return [SHARE(power, *rest) for power, rest in zip(powers, _around(operator.add, 0.0, powers), strict=True)]


def log_softmax(xs: Sequence[Any]) -> list[Any]:
    """Return the logarithms of the shares of e**x, exact also where a share rounds to 0 or 1."""
    top = HOLD(MAX(*xs))
    shifted = [x - top for x in xs]
    around = _around(operator.add, 0.0, [EXP(x) for x in shifted])
    return [LOG_SHARE(x, *rest) for x, rest in zip(shifted, around, strict=True)]


def _shares(equal: Sequence[Any]) -> Sequence[Any]:
    """Return 1/k for each of the k operands that equal the largest or smallest, marked by a 1, and 0 for the others."""
    total = SUM(*equal)
    return [RATIO(e, total) for e in equal]


# The table. In each row: `out` is what the operation answered, `x` and `y` its operands.
# fmt: off
ADD        = Op("+",    operator.add,     lambda out, x, y: (1.0, 1.0),                       "{x} + {y}")
SUB        = Op("-",    operator.sub,     lambda out, x, y: (1.0, -1.0),                      "{x} - {y}")
MUL        = Op("*",    operator.mul,     lambda out, x, y: (y, x),                           "{x} * {y}")
DIV        = Op("/",    operator.truediv, lambda out, x, y: (RATIO(1.0, y), -RATIO(out, y)),  "{x} / {y}", "y != 0")
NEG        = Op("-",    operator.neg,     lambda out, x: (-1.0,),                             "-{x}")
POW        = Op("**",    elementary.power,           lambda out, x, y: (POW_SLOPE(x, y, 1.0, 0.0), POW_SLOPE(x, y, 0.0, 1.0)),
                "{x}**{y}", "x > 0, or x = 0 and y >= 0, or a whole y with x != 0")  # y x**(y - 1), x**y log x
POWER      = Op("**",    elementary.power,           lambda out, x, n: (n * POWER0(x, n, 1.0) if n else 0.0,),
                "{x}**{n}", "x > 0, or x = 0 and n >= 0, or a whole n with x != 0", static=1)

EXP        = Op("exp",   elementary.exp,            lambda out, x: (out,),                              "exp({x})")
EXPM1      = Op("expm1", elementary.ieee(math.expm1, lambda x: INF), lambda out, x: (EXP(x),),          "expm1({x})")
LOG        = Op("log",   math.log,        lambda out, x: (RATIO(1.0, x),),                    "log({x})", "x > 0")
LOG1P      = Op("log1p", math.log1p,      lambda out, x: (RATIO(1.0, 1.0 + x),),              "log1p({x})", "x > -1")
LOG2       = Op("log2",  math.log2,       lambda out, x: (RATIO(1.0 / math.log(2.0), x),),     "log2({x})", "x > 0")
LOG10      = Op("log10", math.log10,      lambda out, x: (RATIO(1.0 / math.log(10.0), x),),    "log10({x})", "x > 0")
CBRT       = Op("cbrt",  elementary.cbrt, lambda out, x: (RATIO(RATIO(1.0 / 3.0, out), out),),      "cbrt({x})")
SQRT       = Op("sqrt",  math.sqrt,       lambda out, x: (RATIO(0.5, out),),                  "sqrt({x})", "x >= 0")

SIN        = Op("sin",   math.sin,        lambda out, x: (COS(x),),                           "sin({x})", "a finite x")
COS        = Op("cos",   math.cos,        lambda out, x: (-SIN(x),),                          "cos({x})", "a finite x")
TAN        = Op("tan",   math.tan,        lambda out, x: (1.0 + out * out,),                  "tan({x})", "a finite x")
ASIN       = Op("asin",  math.asin,       lambda out, x: (RATIO(1.0, SQRT(SQUARES(1.0, x))),),  "asin({x})", "-1 <= x <= 1")
ACOS       = Op("acos",  math.acos,       lambda out, x: (-RATIO(1.0, SQRT(SQUARES(1.0, x))),), "acos({x})", "-1 <= x <= 1")
ATAN       = Op("atan",  math.atan,       lambda out, x: (HARMONIC(1.0, x, 1.0, 0.0),),       "atan({x})")  # 1 / (1 + x**2)
ATAN2      = Op("atan2", elementary.atan2,          lambda out, y, x: (HARMONIC(x, y, 1.0, 0.0), -HARMONIC(x, y, 1.0, 1.0)),
                "atan2({y}, {x})", "x and y not both 0")  # x / (x**2 + y**2), -y / (x**2 + y**2)
HYPOT      = Op("hypot", math.hypot,      lambda out, x, y: (DIRECTION(x, y, 0.0), DIRECTION(x, y, 1.0)), "hypot({x}, {y})")

SINH       = Op("sinh",  elementary.sinh,           lambda out, x: (COSH(x),),                          "sinh({x})")
COSH       = Op("cosh",  elementary.ieee(math.cosh, lambda x: INF), lambda out, x: (SINH(x),),          "cosh({x})")
TANH       = Op("tanh",  math.tanh,       lambda out, x: ((s := SECH(x)) * s,),               "tanh({x})")  # 1 - out**2 cancels
ASINH      = Op("asinh", math.asinh,      lambda out, x: (RATIO(1.0, HYPOT(1.0, x)),),        "asinh({x})")
ACOSH      = Op("acosh", math.acosh,      lambda out, x: (RATIO(1.0, SQRT(x - 1.0) * SQRT(x + 1.0)),), "acosh({x})", "x >= 1")
ATANH      = Op("atanh", math.atanh,      lambda out, x: (RATIO(1.0, SQUARES(1.0, x)),),      "atanh({x})", "-1 < x < 1")


SIGMOID    = Op("sigmoid",  elementary.sigmoid,     lambda out, x: (BELL(x),),                          "sigmoid({x})")
SOFTPLUS   = Op("softplus", lambda x: elementary.maximum(x, 0.0) + math.log1p(math.exp(-abs(x))), lambda out, x: (SIGMOID(x),), "softplus({x})")
SILU       = Op("silu",  elementary.silu, lambda out, x: (SIGMOID(x) + X_BELL(x),),           "silu({x})")
GELU       = Op("gelu",  elementary.gelu, lambda out, x: (NORMAL(x) - GAUSS(x, 0.5, 1.0) * math.sqrt(0.5 / math.pi),), "gelu({x})")
ERF        = Op("erf",   math.erf,        lambda out, x: (GAUSS(x, 1.0, 0.0) * (2.0 / math.sqrt(math.pi)),),  "erf({x})")
ERFC       = Op("erfc",  math.erfc,       lambda out, x: (GAUSS(x, 1.0, 0.0) * (-2.0 / math.sqrt(math.pi)),), "erfc({x})")


# Piecewise: written with steps in place of Python's `if`, so that a graph or a symbol can be read through them too.
ABS        = Op("abs",   operator.abs,    lambda out, x: (SIGN(x),),                          "abs({x})", piecewise=True)
SIGN       = Op("sign",  lambda x: elementary.step(x, 0.0, 0.0) - elementary.step(0.0, x, 0.0), lambda out, x: (0.0,), "sign({x})", piecewise=True)
HEAVISIDE  = Op("heaviside", elementary.heaviside, lambda out, x, at_zero: (0.0,),
                "heaviside({x}, {at_zero})", static=1, piecewise=True)
RELU       = Op("relu",  lambda x: 0.0 if x <= 0 else x, lambda out, x: (HEAVISIDE(x, 0.0),), "relu({x})", piecewise=True)
LEAKY_RELU = Op("leaky_relu", lambda x, slope: slope * x if x <= 0 else x,
                lambda out, x, slope: (HEAVISIDE(x, 0.0) + slope * HEAVISIDE(-x, 1.0),),
                "leaky_relu({x}, {slope})", static=1, piecewise=True)
ELU        = Op("elu",   lambda x, alpha: alpha * math.expm1(x) if x <= 0 else x,
                lambda out, x, alpha: (HEAVISIDE(x, 0.0) + alpha * (left := HEAVISIDE(-x, 1.0)) * EXP(MASK(x, left)),),
                "elu({x}, {alpha})", static=1, piecewise=True)
MAXIMUM    = Op("maximum", elementary.maximum,      lambda out, x, y: (STEP(x, y, 0.5), STEP(y, x, 0.5)), "maximum({x}, {y})", piecewise=True)
MINIMUM    = Op("minimum", lambda x, y: -elementary.maximum(-x, -y), lambda out, x, y: (STEP(y, x, 0.5), STEP(x, y, 0.5)),
                "minimum({x}, {y})", piecewise=True)
CLIP       = Op("clip",  elementary.clip,
                lambda out, x, low, high: (STEP(x, low, 1.0) * STEP(high, x, 1.0),),
                "clip({x}, {low}, {high})", "low <= high", static=2, piecewise=True)
WHERE      = Op("where", elementary.where,
                lambda out, condition, x, y: (0.0, HEAVISIDE(ABS(condition), 0.0), HEAVISIDE(-ABS(condition), 1.0)),
                "where({condition}, {x}, {y})", piecewise=True)
DETACH     = Op("detach", operator.pos,   lambda out, x: (0.0,),                              "detach({x})", piecewise=True)

# Any number of operands. `DOT` takes them in groups: the weights, the inputs, then the bias if there is one.
SUM        = Op("sum",   lambda *xs: elementary.total(xs, 0.0),            lambda out, *xs: (1.0,) * len(xs),            "sum({xs})")
MEAN       = Op("mean",  lambda *xs: elementary.total(xs, 0.0) / len(xs),  lambda out, *xs: (1.0 / len(xs),) * len(xs),  "mean({xs})")
PROD       = Op("prod",  lambda *xs: math.prod(xs, start=1.0), lambda out, *xs: [left * right for left, right in _around(operator.mul, 1.0, xs)], "prod({xs})")
DOT        = Op("dot",   elementary.dot, lambda out, weights, inputs, *bias: inputs + weights + (1.0,) * len(bias), "dot({xs})", regroup=_weights_and_inputs)
LOGSUMEXP  = Op("logsumexp", elementary.logsumexp,  lambda out, *xs: softmax(xs),                       "logsumexp({xs})")
MAX        = Op("max",   elementary.largest,            lambda out, *xs: _shares([STEP(x, out, 1.0) for x in xs]), "max({xs})", piecewise=True)
MIN        = Op("min",   elementary.smallest,           lambda out, *xs: _shares([STEP(out, x, 1.0) for x in xs]), "min({xs})", piecewise=True)

# What the derivatives above are made of: the same operations, with an answer where the original has none.
IDENTITY   = Op("=",     operator.pos,    lambda out, x: (1.0,),                              "{x}")
HOLD       = Op("hold",  operator.pos,    lambda out, x: (0.0,),                              "hold({x})", piecewise=True)
RATIO      = Op("/",     elementary.ratio,          lambda out, x, y: (RATIO(1.0, y), -RATIO(out, y)),  "{x} / {y}")  # x/0 = inf, 0/0 = 0
POW_SLOPE  = Op("pow_slope", elementary.power_slope, lambda out, x, y, k, m: (POW_SLOPE(x, y, k + 1.0, m), POW_SLOPE(x, y, k, m + 1.0)),
                "d^{k}/dx^{k} d^{m}/dy^{m} {x}**{y}", static=2)
POWER0     = Op("**",    elementary.shifted_power,  lambda out, x, n, k: ((n - k) * POWER0(x, n, k + 1.0) if n != k else 0.0,), "{x}**({n} - {k})", static=2)

MASK       = Op("*",     lambda x, y: x * y if y else 0.0, lambda out, x, y: (y, x),          "{x} * {y}", piecewise=True)  # 0 stops inf
SECH       = Op("sech",  elementary.sech, lambda out, x: (-out * TANH(x),),       "sech({x})")
SQUARES    = Op("squares", lambda x, y: (x - y) * (x + y), lambda out, x, y: (2.0 * x, -2.0 * y), "{x}**2 - {y}**2")
DIRECTION  = Op("direction", elementary.direction, lambda out, x, y, turns: (
                    DIRECTION(x, y, turns + 1.0) * HARMONIC(x, y, 1.0, 1.0), DIRECTION(x, y, turns + 3.0) * HARMONIC(x, y, 1.0, 0.0)),
                "Re(i**{turns} ({x} - i {y})) / hypot({x}, {y})", static=1)
HARMONIC   = Op("harmonic", elementary.harmonic, lambda out, x, y, n, turns: (-n * HARMONIC(x, y, n + 1.0, turns), -n * HARMONIC(x, y, n + 1.0, turns + 1.0)),
                "Re(i**{turns} / ({x} + i {y})**{n})", static=2)
BELL       = Op("bell",  elementary.bell, lambda out, x: (-out * TANH(0.5 * x),),             "sigmoid({x}) * sigmoid(-{x})")
X_BELL     = Op("x_bell", elementary.x_bell, lambda out, x: (BELL(x) - out * TANH(0.5 * x),), "{x} * sigmoid({x}) * sigmoid(-{x})")
GAUSS      = Op("gauss", elementary.gauss, lambda out, x, a, n: (GAUSS(x, a, n + 1.0),),      "d^{n}/dx^{n} exp(-{a} * {x}**2)", static=2)
NORMAL     = Op("normal", elementary.normal, lambda out, x: (GAUSS(x, 0.5, 0.0) * math.sqrt(0.5 / math.pi),), "P(Z <= {x})")
EXP_BELOW  = Op("exp",   elementary.exp_below, lambda out, x, top: (out, -out),               "exp({x} - {top})")
SHARE      = Op("share", elementary.share,
                lambda out, x, before, after: (RATIO(SHARE(before + after, x, 0.0), total := before + x + after), -RATIO(out, total), -RATIO(out, total)),
                "{x} / ({before} + {x} + {after})")
LOG_SHARE  = Op("log_share", elementary.log_share,
                lambda out, x, before, after: (SHARE(before + after, e := EXP(x), 0.0), -RATIO(1.0, total := before + e + after), -RATIO(1.0, total)),
                "log(exp({x}) / ({before} + exp({x}) + {after}))")
STEP       = Op("step",  elementary.step,           lambda out, x, y, tie: (0.0, 0.0), "step({x}, {y}, {tie})", static=1, piecewise=True)
