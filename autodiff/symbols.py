"""The third reading of a row of calculus: fed with symbols, its local derivatives come out as formulas for people.

`rules(SIN, x)` asks the row of the sine for its derivative with a `Symbol` in place of a number, and is answered the
expression cos(x), which is written as text, as LaTeX, and as either with the numbers put in. Expressions are simplified
as far as a person would do it in passing, and read as people write them: where the engine computes sech(x)**2, which
does not cancel, people write 1 - tanh(x)**2.

This file knows the rows of `autodiff.ops`, but neither Values nor graphs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import Any

from autodiff import notation
from autodiff.operands import each, flat
from autodiff.ops import Op

COMPARED = 20  # expressions that are nested deeper are not compared, so that no comparison is deep


class Expression:
    """A formula: a number, a symbol, or an operation on expressions.

    Rows of calculus may be applied to it, and so may Python's operators.

    >>> from autodiff import ops
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

    def text(self, *, numbers: bool = False) -> str:
        """Return the formula as text; with `numbers`, those of the symbols are put in."""
        return notation.Text(numbers).write(self)

    def latex(self, *, numbers: bool = False) -> str:
        r"""Return the formula as LaTeX, without dollar signs; with `numbers`, those of the symbols are put in.

        >>> print((1.0 / Symbol("x", 4.0)).latex(), (1.0 / Symbol("x", 4.0)).latex(numbers=True))
        \frac{1}{x} \frac{1}{4}
        """
        return notation.Latex(numbers).write(self)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"

    def apply(self, op: Op, operands: tuple[Any, ...]) -> Expression:
        """Return what the row `op` says of these operands, simplified."""
        return _read(op, each(expression, operands), _simplified)

    # fmt: off
    def __add__(self, other: Any) -> Expression: return _simplified("+", self, expression(other))
    def __radd__(self, other: Any) -> Expression: return _simplified("+", expression(other), self)
    def __sub__(self, other: Any) -> Expression: return _simplified("-", self, expression(other))
    def __rsub__(self, other: Any) -> Expression: return _simplified("-", expression(other), self)
    def __mul__(self, other: Any) -> Expression: return _simplified("*", self, expression(other))
    def __rmul__(self, other: Any) -> Expression: return _simplified("*", expression(other), self)
    def __truediv__(self, other: Any) -> Expression: return _simplified("/", self, expression(other))
    def __rtruediv__(self, other: Any) -> Expression: return _simplified("/", expression(other), self)
    def __neg__(self) -> Expression: return _simplified("neg", self)
    # fmt: on


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
        self.name, self.number, self.name_in_latex = name, number, latex or notation.latex_name(name)


class Applied(Expression):
    """An operation, by its sign or name, on expressions."""

    def __init__(self, sign: str, *operands: Expression) -> None:
        self.sign, self.operands = sign, operands
        self.depth = 1 + max([x.depth for x in operands], default=0)
        self.fixed = all([x.fixed for x in operands])


def formula(op: Op, *operands: Any) -> Expression:
    """Return what the row computes from the operands, exactly as it was written, nothing simplified.

    >>> from autodiff import ops
    >>> a = Symbol("a")
    >>> print(formula(ops.MUL, a, a))
    a * a
    """
    return _read(op, each(expression, operands), Applied)


def rules(op: Op, *operands: Any, out: Expression | None = None) -> tuple[Expression, ...]:
    """Return the local derivative by each operand, as the row says it of these symbols and parameters.

    Where the rule speaks of the output, `out` is written, or else the formula of the output.

    >>> from autodiff import ops
    >>> x, y = Symbol("x"), Symbol("y")
    >>> print(*rules(ops.DIV, x, y), sep=" and ")
    1 / y and -x / y**2
    """
    return tuple([expression(slope) for slope in op.local(out or formula(op, *operands), *operands)])


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
    return known if number > 0 else _simplified("neg", known)


PI = Symbol("pi", math.pi)
PI.fixed = True
_CONSTANTS = {
    math.sqrt(0.5): Applied("/", Constant(1.0), Applied("sqrt", Constant(2.0))),
    2 / math.sqrt(math.pi): Applied("/", Constant(2.0), Applied("sqrt", PI)),
    math.sqrt(0.5 / math.pi): Applied("/", Constant(1.0), Applied("sqrt", Applied("*", Constant(2.0), PI))),
}

Maker = Callable[..., Expression]


def _read(op: Op, operands: tuple[Any, ...], make: Maker) -> Expression:
    """Return the row in the signs that people use, each sign made by `make`."""
    if op.name == "dot":
        weights, inputs, *bias = operands
        operands = (*[make("*", w, x) for w, x in zip(weights, inputs, strict=True)], *bias)
    xs = flat(operands)
    if op.name in ("sum", "mean", "dot"):
        total = reduce(lambda x, y: make("+", x, y), xs) if xs else Constant(0.0)
        return make("/", total, Constant(float(len(xs)))) if op.name == "mean" else total
    if op.name == "prod":
        return reduce(lambda x, y: make("*", x, y), xs) if xs else Constant(1.0)
    if op.name == "heaviside":
        return _step(xs[0], Constant(0.0), xs[1], make)
    if op.name == "step":
        return _step(xs[0], xs[1], xs[2], make)
    if op.name == "=":
        return xs[0]  # type: ignore[no-any-return]  # an operand is an expression
    return make("neg" if op.name == "-" and op.arity == 1 else op.name, *xs)


def _step(x: Expression, y: Expression, tie: Expression, make: Maker) -> Expression:
    """Return 1 where x > y, 0 where x < y, `tie` where they are equal, in Iverson brackets."""
    strict, loose = ">", ">="
    if x.sign == "neg" and _is(y, 0.0):
        strict, loose, x = "<", "<=", x.operands[0]
    elif isinstance(x, Constant):
        strict, loose, x, y = "<", "<=", y, x
    if _is(tie, 1.0):
        return make(loose, x, y)
    return make(strict, x, y) if _is(tie, 0.0) else make("+", make(strict, x, y), make("*", tie, make("==", x, y)))


def _simplified(sign: str, *operands: Expression) -> Expression:
    """Return an operation on expressions, without what a person would not write down."""
    simplify = _SIMPLIFY.get(sign)
    return Applied(sign, *operands) if simplify is None else simplify(*operands)


def _negative(x: Expression) -> Expression:
    if isinstance(x, Constant):
        return Constant(-x.number)
    if x.sign == "neg":
        return x.operands[0]
    if x.sign in ("*", "/") and (isinstance(x.operands[0], Constant) or _starts_negative(x)):
        factors = [x]
        while (first := factors[-1].operands[0]).sign in ("*", "/"):
            factors.append(first)
        negative = _negative(first)
        for factor in reversed(factors):
            negative = Applied(factor.sign, negative, factor.operands[1])
        return negative
    return Applied("neg", x)


def _sum(x: Expression, y: Expression) -> Expression:
    if isinstance(x, Constant) and isinstance(y, Constant):
        return Constant(x.number + y.number)
    if _is(x, 0.0) or _is(y, 0.0):
        return y if _is(x, 0.0) else x
    if x.sign == "/" and y.sign == "/" and _same(x.operands[1], y.operands[1]):
        return _quotient(_sum(x.operands[0], y.operands[0]), x.operands[1])
    return Applied("-", x, _negative(y)) if _starts_negative(y) else Applied("+", x, y)


def _difference(x: Expression, y: Expression) -> Expression:
    return _sum(x, _negative(y))


def _product(x: Expression, y: Expression) -> Expression:
    if (y.fixed and not x.fixed) or (y.name and x.sign == "**"):
        x, y = y, x  # the number first, and n before x**(n - 1)
    if isinstance(x, Constant):
        if isinstance(y, Constant):
            return Constant(x.number * y.number)
        if x.number in (0.0, 1.0, -1.0):
            return x if x.number == 0 else y if x.number == 1 else _negative(y)
    if x.sign == "neg" or y.sign == "neg":
        left, right = (z.operands[0] if z.sign == "neg" else z for z in (x, y))
        product = _product(left, right)
        return product if x.sign == "neg" and y.sign == "neg" else _negative(product)
    if _same(x, y):
        return _power(x, Constant(2.0))
    for one, other in ((x, y), (y, x)):
        if one.sign == "/" and _is(one.operands[0], 1.0):
            return _quotient(other, one.operands[1])
    if x.sign == "*" and x.operands[1].sign == "<=" and y.sign == "exp" and y.operands[0].sign == "*":
        exponent, taken = y.operands[0].operands
        y = Applied("exp", exponent) if _same(taken, x.operands[1]) else y  # the bracket is 0 where it takes it away
    if x.sign == "*" and _same(x.operands[1], y):
        return _product(x.operands[0], _power(y, Constant(2.0)))
    if x.sign == "-" and y.sign == "+" and all(map(_same, x.operands, y.operands)):
        return _difference(*[_power(z, Constant(2.0)) for z in x.operands])  # (x - y)(x + y)
    return Applied("*", x, y)


def _quotient(x: Expression, y: Expression) -> Expression:
    if _is(x, 0.0) or _is(y, 1.0):
        return x
    if _same(x, y):
        return Constant(1.0)
    if x.sign == "neg":
        return _negative(_quotient(x.operands[0], y))
    if x.sign == "/":
        if y.sign == "/" and _same(x.operands[1], y.operands[1]):
            return _quotient(x.operands[0], y.operands[0])
        return _quotient(x.operands[0], _product(x.operands[1], y))
    if isinstance(x, Constant) and 0 < abs(x.number) < 1 and (1 / x.number).is_integer():
        return _quotient(Constant(math.copysign(1.0, x.number)), _product(Constant(abs(1 / x.number)), y))
    return Applied("/", x, y)


def _power(x: Expression, y: Expression) -> Expression:
    if _is(y, 0.0) or _is(y, 1.0):
        return x if _is(y, 1.0) else Constant(1.0)
    if isinstance(x, Constant) and _is(y, 2.0):
        return Constant(x.number**2)
    if x.sign == "sech" and _is(y, 2.0):
        return _difference(Constant(1.0), _power(Applied("tanh", *x.operands), y))
    if x.sign == "hypot" and _is(y, 2.0):
        return _sum(*[_power(z, y) for z in x.operands])
    return Applied("**", x, y)


def _exponential(x: Expression) -> Expression:
    """Return e**x; what the softmax shifts all x by becomes a common divisor, which cancels."""
    if x.sign == "-" and (shift := x.operands[1]).sign == "hold":
        return _quotient(Applied("exp", x.operands[0]), Applied("exp", shift))
    return Applied("exp", x)


def _sigmoid(x: Expression) -> Expression:
    if x.sign == "neg":  # the engine computes s(-x), which does not cancel
        return _difference(Constant(1.0), Applied("sigmoid", *x.operands))
    return Applied("sigmoid", x)


_SIMPLIFY: dict[str, Maker] = {
    "neg": _negative,
    "+": _sum,
    "-": _difference,
    "*": _product,
    "/": _quotient,
    "**": _power,
    "exp": _exponential,
    "sigmoid": _sigmoid,
}


def _is(x: Expression, number: float) -> bool:
    return isinstance(x, Constant) and x.number == number


def _starts_negative(x: Expression) -> bool:
    first = x
    while first.sign in ("*", "/"):
        first = first.operands[0]
    return first.sign == "neg" or (isinstance(first, Constant) and first.number < 0)


def _same(x: Expression, y: Expression) -> bool:
    if x is y:
        return True
    if x.sign:
        alike = (x.sign, len(x.operands)) == (y.sign, len(y.operands)) and max(x.depth, y.depth) <= COMPARED
        return alike and all(map(_same, x.operands, y.operands))
    return isinstance(x, Constant) and isinstance(y, Constant) and x.number == y.number
