"""The third reading of a row of calculus: fed with symbols, its local derivatives come out as formulas for people.

`rules(SIN, x)` asks the row of the sine for its derivative with a `Symbol` in place of a number, and is answered the
expression cos(x), which is written as text, as LaTeX, and as either with the numbers put in. Expressions are simplified
as far as a person would do it in passing, and read as people write them, which `READINGS` says: where the engine
computes sech(x)**2, which does not cancel, people write 1 - tanh(x)**2. What is simplified stands in `simplify`, how
formulas are written in `writers`.

This file knows the rows of `autodiff.engine.ops`, but neither Values nor graphs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from itertools import combinations
from typing import Any, NoReturn

from autodiff.engine import ops
from autodiff.engine.ops import Op
from autodiff.formulas.simplify import is_constant, simplified
from autodiff.formulas.writers import Latex, Text, latex_name
from autodiff.support.labels import DIGITS
from autodiff.support.operands import each


class Expression:
    """A formula: a number, a symbol, or an operation on expressions.

    Rows of calculus may be applied to it, and so may Python's operators.

    >>> from autodiff.engine import ops
    >>> x = Symbol("x", 0.5)
    >>> print(1.0 - ops.TANH(x) * ops.TANH(x))
    1 - tanh(x)**2
    """

    sign = ""  # of an operation
    operands: tuple[Expression, ...] = ()
    name = ""  # of a symbol
    number = math.nan
    depth = 0
    fixed = False  # whether it contains no symbol

    def text(self, *, numbers: bool = False, spec: str = DIGITS) -> str:
        """Return the formula as text; with `numbers`, those of the symbols are put in, in the format `spec`."""
        return Text(numbers, spec).write(self)

    def latex(self, *, numbers: bool = False, spec: str = DIGITS) -> str:
        r"""Return the formula as LaTeX, without dollar signs; with `numbers`, those of the symbols are put in.

        >>> print((1.0 / Symbol("x", 4.0)).latex(), (1.0 / Symbol("x", 4.0)).latex(numbers=True))
        \frac{1}{x} \frac{1}{4}
        """
        return Latex(numbers, spec).write(self)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"

    def apply(self, op: Op, operands: tuple[Any, ...]) -> Expression:
        """Return what the row `op` says of these operands, simplified."""
        return expression(read(op, each(expression, operands), _simplified))

    @staticmethod
    def unsimplified(sign: str, *operands: Any) -> Expression:
        """Return the operation on these expressions or numbers, exactly as it stands."""
        return Applied(sign, *map(expression, operands))

    # fmt: off
    def __add__(self, other: Any) -> Expression: return _simplified("+", self, other)
    def __radd__(self, other: Any) -> Expression: return _simplified("+", other, self)
    def __sub__(self, other: Any) -> Expression: return _simplified("-", self, other)
    def __rsub__(self, other: Any) -> Expression: return _simplified("-", other, self)
    def __mul__(self, other: Any) -> Expression: return _simplified("*", self, other)
    def __rmul__(self, other: Any) -> Expression: return _simplified("*", other, self)
    def __truediv__(self, other: Any) -> Expression: return _simplified("/", self, other)
    def __rtruediv__(self, other: Any) -> Expression: return _simplified("/", other, self)
    def __pow__(self, other: Any) -> Expression: return _simplified("**", self, other)
    def __rpow__(self, other: Any) -> Expression: return _simplified("**", other, self)
    def __neg__(self) -> Expression: return _simplified("neg", self)
    def __pos__(self) -> Expression: return self
    def __abs__(self) -> Expression: return _simplified("abs", self)

    # A rule that asks a symbol for its number would be read in one case only, and shown as if it held in all.
    def __eq__(self, other: object) -> NoReturn: _unanswered(f"{self} == ...", COMPARE)
    def __ne__(self, other: object) -> NoReturn: _unanswered(f"{self} != ...", COMPARE)
    def __lt__(self, other: object) -> NoReturn: _unanswered(f"{self} < ...", COMPARE)
    def __le__(self, other: object) -> NoReturn: _unanswered(f"{self} <= ...", COMPARE)
    def __gt__(self, other: object) -> NoReturn: _unanswered(f"{self} > ...", COMPARE)
    def __ge__(self, other: object) -> NoReturn: _unanswered(f"{self} >= ...", COMPARE)
    def __bool__(self) -> NoReturn: _unanswered(f"whether {self} is true", COMPARE)
    def __float__(self) -> NoReturn: _unanswered(f"float({self})", CONVERT)
    def __int__(self) -> NoReturn: _unanswered(f"int({self})", CONVERT)
    def __complex__(self) -> NoReturn: _unanswered(f"complex({self})", CONVERT)
    def __round__(self, digits: int = 0) -> NoReturn: _unanswered(f"round({self})", STEPS)
    def __floor__(self) -> NoReturn: _unanswered(f"floor({self})", STEPS)
    def __ceil__(self) -> NoReturn: _unanswered(f"ceil({self})", STEPS)
    def __trunc__(self) -> NoReturn: _unanswered(f"trunc({self})", STEPS)
    def __mod__(self, other: object) -> NoReturn: _unanswered(f"{self} % ...", STEPS)
    def __rmod__(self, other: object) -> NoReturn: _unanswered(f"... % {self}", STEPS)
    def __floordiv__(self, other: object) -> NoReturn: _unanswered(f"{self} // ...", STEPS)
    def __rfloordiv__(self, other: object) -> NoReturn: _unanswered(f"... // {self}", STEPS)
    __hash__ = object.__hash__
    # fmt: on


COMPARE = "write the choice as an operation, such as autodiff.heaviside(x), which is 1 where x > 0, or autodiff.maximum"
CONVERT = "write it with autodiff's own functions: autodiff.cos(x), not math.cos(x)"
STEPS = "it is no operation here, since it has no slope: write the rule without it"


def _unanswered(question: str, cure: str) -> NoReturn:
    raise TypeError(f"{question} has no answer where a rule is read with symbols for numbers: {cure}")


class Constant(Expression):
    """A number that stands in the formula itself."""

    def __init__(self, number: float) -> None:
        self.number, self.fixed = number, True


class Symbol(Expression):
    """A name for a number.

    Args:
        name: as text.
        number: what it stands for.
        latex: the name as LaTeX; made from `name` if not given.
    """

    def __init__(self, name: str, number: float = math.nan, latex: str = "") -> None:
        self.name, self.number, self.name_in_latex = name, number, latex or latex_name(name)


class Applied(Expression):
    """An operation, by its sign or name, on expressions."""

    def __init__(self, sign: str, *operands: Expression) -> None:
        self.sign, self.operands = sign, operands
        self.depth = 1 + max([x.depth for x in operands], default=0)
        self.fixed = all([x.fixed for x in operands])


def formula(op: Op, *operands: Any) -> Expression:
    """Return what the row computes from the operands, exactly as it was written, nothing simplified.

    >>> from autodiff.engine import ops
    >>> a = Symbol("a")
    >>> print(formula(ops.MUL, a, a))
    a * a
    """
    return expression(read(op, each(expression, operands), Expression.unsimplified))


def rules(op: Op, *operands: Any, out: Expression | None = None) -> tuple[Expression, ...]:
    """Return the local derivative by each operand, as the row says it of these symbols and parameters.

    Where the rule speaks of the output, `out` is written, or else the formula of the output.

    >>> from autodiff.engine import ops
    >>> x, y = Symbol("x"), Symbol("y")
    >>> print(*rules(ops.DIV, x, y), sep=" and ")
    1 / y and -x / y**2
    """
    output = formula(op, *operands) if out is None else out
    return tuple([expression(slope) for slope in op.local(output, *operands)])


def expression(operand: Any) -> Expression:
    """Return an expression as it is, a number as a constant; the constants of the rules as people write them."""
    if isinstance(operand, Expression):
        return operand
    number = float(operand)
    known = _CONSTANTS.get(abs(number))
    if known is None:
        whole = round(1 / number) if 1e-9 < abs(number) < 1 else 0
        if whole and 1 / whole == number and len(repr(number)) > 8:  # 1/3, but 0.125
            return Applied("/", Constant(math.copysign(1.0, number)), Constant(abs(whole)))
        return Constant(number)
    return known if number > 0 else -known


def _simplified(sign: str, *operands: Any) -> Expression:
    """Return an operation on expressions or numbers, without what a person would not write down."""
    xs = tuple(map(expression, operands))
    answer = simplified(sign, xs)
    return Applied(sign, *xs) if answer is None else answer if isinstance(answer, Expression) else Constant(answer)


PI = Symbol("pi", math.pi)
E = Symbol("e", math.e)
PI.fixed = E.fixed = True
_CONSTANTS = {
    math.pi: PI,
    math.e: E,
    1 / math.log(2): Applied("/", Constant(1.0), Applied("log", Constant(2.0))),
    1 / math.log(10): Applied("/", Constant(1.0), Applied("log", Constant(10.0))),
    math.sqrt(0.5): Applied("/", Constant(1.0), Applied("sqrt", Constant(2.0))),
    2 / math.sqrt(math.pi): Applied("/", Constant(2.0), Applied("sqrt", PI)),
    math.sqrt(0.5 / math.pi): Applied("/", Constant(1.0), Applied("sqrt", Applied("*", Constant(2.0), PI))),
}


# How people write what a row computes, where it is not the row's name with its operands behind it. A reading takes
# `make`, which builds an operation from its sign and operands (expressions or numbers), and the operands of the row as
# the row takes them.

Maker = Callable[..., Any]


def read(op: Op, operands: tuple[Any, ...], make: Maker) -> Any:
    """Return what the row computes in the signs that people use: an expression, or a number if it has no operands."""
    reading = READINGS.get(op)
    if reading:
        return reading(make, *operands)
    count = len(operands)
    other = op not in ROWS and SIGNS.get(op.name, count) != count  # one's own exp(x, y) is no exp(x)
    return make(f"{op.name}_{count}" if other else op.name, *operands)


def _total(make: Maker, *xs: Any) -> Any:
    return reduce(lambda x, y: make("+", x, y), xs) if xs else 0.0


def _product(make: Maker, *xs: Any) -> Any:
    return reduce(lambda x, y: make("*", x, y), xs) if xs else 1.0


def _dot(make: Maker, weights: tuple[Any, ...], inputs: tuple[Any, ...], *bias: Any) -> Any:
    return _total(make, *[make("*", w, x) for w, x in zip(weights, inputs, strict=True)], *bias)


def _step(make: Maker, x: Any, y: Any, tie: Any) -> Any:
    if is_constant(y, 0.0):
        return _heaviside(make, x, tie)
    return _bracket(make, "<", y, x, tie) if is_constant(x) else _bracket(make, ">", x, y, tie)


def _heaviside(make: Maker, x: Any, at_zero: Any) -> Any:
    sign, x = ("<", x.operands[0]) if x.sign == "neg" else (">", x)
    if x.sign == "abs" and is_constant(at_zero, 0.0 if sign == ">" else 1.0):  # |x| > 0, |x| <= 0
        return make("!=" if sign == ">" else "==", x.operands[0], 0.0)
    return _bracket(make, sign, x, 0.0, at_zero)


def _bracket(make: Maker, sign: str, x: Any, y: Any, tie: Any) -> Any:
    """Return 1 where the relation holds, `tie` where both are equal, else 0, in Iverson brackets."""
    if is_constant(tie, 1.0):
        return make(f"{sign}=", x, y)
    strict = make(sign, x, y)
    return strict if is_constant(tie, 0.0) else make("+", strict, make("*", tie, make("==", x, y)))


def _power_slope(make: Maker, x: Any, y: Any, k: Any, m: Any) -> Any:
    """Return y x**(y - 1), x**y log(x), and how they go on: see `autodiff.engine.elementary.power_slope`."""
    by_x, by_y, log = int(k.number), int(m.number), make("log", x)
    factors = [make("-", y, float(i)) if i else y for i in range(by_x)]
    terms = []
    for j in range(min(by_x, by_y) + 1):  # those of y (y - 1) ..., differentiated j times: all but j of its factors
        products = [_product(make, *chosen) for chosen in combinations(factors, by_x - j)]
        count = math.perm(by_y, j)
        parts = [float(count)] * (count > 1) + [_total(make, *products)] * (j < by_x) + [log] * (by_y - j)
        terms.append(_product(make, *parts))
    power = make("**", x, make("-", y, k) if by_x else y)
    if not by_y:
        return make("*", terms[0], power) if by_x else power
    return make("*", power, _total(make, *terms))


def _shifted_power(make: Maker, x: Any, n: Any, k: Any) -> Any:
    known = is_constant(n) and is_constant(k)
    return make("**", x, n.number - k.number if known else make("-", n, k))


def _direction(make: Maker, x: Any, y: Any, turns: Any) -> Any:
    leg = y if turns.number % 2 else x
    return make("/", make("neg", leg) if turns.number % 4 >= 2 else leg, make("hypot", x, y))


def _harmonic(make: Maker, x: Any, y: Any, n: Any, turns: Any) -> Any:
    """Return x / (x**2 + y**2), y / (x**2 + y**2), and how they go on, the parts of 1 / (x + i y)**n."""
    real, imaginary = x, make("neg", y)
    for _ in range(int(n.number) - 1):
        real, imaginary = (
            make("+", make("*", real, x), make("*", imaginary, y)),
            make("-", make("*", imaginary, x), make("*", real, y)),
        )
    quarter = int(turns.number) % 4
    part = y if int(n.number) == 1 and quarter == 1 else imaginary if quarter % 2 else real
    part = make("neg", part) if quarter == 2 or (quarter == 1 and part is imaginary) else part
    square = make("+", make("**", x, 2.0), make("**", y, 2.0))
    return make("/", part, square if n.number == 1 else make("**", square, n))


def _gauss(make: Maker, x: Any, a: Any, n: Any) -> Any:
    """Return e**(-a x**2), or its n-th derivative, by Hermite's polynomials."""
    square = make("**", x, 2.0)
    power = make("exp", make("neg", square if a.number == 1 else make("*", a, square)))
    before, h = 1.0, make("*", -2.0 * a.number, x)
    for k in range(1, int(n.number)):
        last = make("*", float(k), before) if k > 1 else before
        before, h = h, make("*", -2.0 * a.number, make("+", make("*", x, h), last))
    return make("*", h, power) if n.number else power


def _bell(make: Maker, x: Any) -> Any:
    share = make("sigmoid", x)
    return make("*", share, make("-", 1.0, share))


def _share(make: Maker, x: Any, before: Any, after: Any) -> Any:
    return make("/", x, make("+", make("+", before, x), after))


READINGS: dict[Op, Callable[..., Any]] = {
    ops.NEG: lambda make, x: make("neg", x),
    ops.IDENTITY: lambda make, x: x,
    ops.SUM: _total,
    ops.MEAN: lambda make, *xs: make("/", _total(make, *xs), float(len(xs))),
    ops.PROD: _product,
    ops.DOT: _dot,
    ops.STEP: _step,
    ops.HEAVISIDE: _heaviside,
    ops.POW_SLOPE: _power_slope,
    ops.POWER0: _shifted_power,
    ops.SQUARES: lambda make, x, y: make("-", make("**", x, 2.0), make("**", y, 2.0)),
    ops.DIRECTION: _direction,
    ops.HARMONIC: _harmonic,
    ops.GAUSS: _gauss,
    ops.NORMAL: lambda make, x: make("/", make("erfc", make("/", make("neg", x), make("sqrt", 2.0))), 2.0),
    ops.BELL: _bell,
    ops.X_BELL: lambda make, x: make("*", x, _bell(make, x)),
    ops.EXP_BELOW: lambda make, x, top: make("exp", make("-", x, top)),
    ops.SHARE: _share,
    ops.LOG_SHARE: lambda make, x, before, after: make("log", _share(make, make("exp", x), before, after)),
}
ROWS = frozenset([row for row in vars(ops).values() if isinstance(row, Op)])
SIGNS = {row.name: row.arity + row.static for row in ROWS - READINGS.keys() if row.arity is not None}
SIGNS["neg"] = 1  # how many operands a sign has that simplification and writers know
