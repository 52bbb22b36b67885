"""The graph: a `Value` is one use of a row of calculus, and remembers what it was made from.

It knows nodes and their gradients; of an operation, what `autodiff.ops` says; and no drawing, networks or arrays.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain, repeat
from typing import Any, SupportsFloat

from autodiff import ops
from autodiff.atomic import all_or_nothing
from autodiff.operands import each, flat, real
from autodiff.ops import Op
from autodiff.order import walk
from autodiff.saving import Saved
from autodiff.sweep import sweep

Number = SupportsFloat  # a Value, or a plain real number
edition = object()  # another object whenever the data of any Value is set: what was read before may be old
_new = object.__new__
watcher: Any = None  # set by `anomaly_detection`: is told of each node that is created and each gradient handed on


def _method(op: Op) -> Callable[[Value], Value]:
    value = op.value

    def method(self: Value) -> Value:  # `_unary` without a parameter, written out for speed
        a = self._data
        try:
            out = value(a)
        except (ValueError, ZeroDivisionError) as error:
            raise op.undefined(error, (a,), (self.label,)) from None
        return record(op, self, None, out, a, None)

    method.__name__, method.__qualname__, method.__doc__ = op.name, f"Value.{op.name}", f"Return {op}."
    return method


class Value(Saved):
    """A number that remembers how it was computed.

    Args:
        data: a real number; text, None, complex numbers, sequences, arrays and Values raise `TypeError`.
        label: the name that people see in messages and drawings.

    Values with equal data compare equal, as numbers do; a dict or a set tells them apart by identity.

    >>> x = Value(3.0, label="x"); y = x * x + 1; y.backward()
    >>> y, x.grad
    (Value(data=10.0, grad=1.0), 6.0)
    """

    __slots__ = ("__weakref__", "_a", "_b", "_c", "_data", "_grad", "_mark", "_out", "_x", "_y", "_z", "label", "op")

    _data: float
    op: Any  # the row of calculus that made it; None for a leaf
    _grad: Any  # a float, or None while no gradient has reached this node
    _mark: Any  # the latest walk that met this node
    _x: Any  # the first operand; or the first group of operands, a tuple, as any number of operands are one
    _y: Any  # the second operand or group; here and below None where there is nothing
    _z: Any  # the operand that follows two groups
    _out: Any  # the number of this node in the forward pass
    _a: Any  # what the row was applied to then: the number of `_x`, or a tuple of numbers for a group of operands
    _b: Any  # that of `_y`, or the row's parameter; for one group everything is in `_a`
    _c: Any  # that of `_z`. With slots in place of tuples the collector has little to do

    def __init__(self, data: Any, label: str = "") -> None:
        if not isinstance(label, str):
            raise TypeError(f"expected a label as text, got {type(label).__name__}: {label!r}")
        self._data, self.label = real(data), label
        self._grad = self._mark = self.op = self._out = self._x = self._y = self._z = self._a = self._b = self._c = None

    @property
    def data(self) -> float:
        """The number. Setting it does not change what was recorded: `backward()` still uses the number of then."""
        return self._data

    @data.setter
    def data(self, number: Any) -> None:
        global edition
        self._data, edition = real(number), object()  # both or none: what was read before is old at once

    @property
    def grad(self) -> float:
        """The derivative of the outputs by this value; 0.0 while no gradient has reached it."""
        return 0.0 if self._grad is None else self._grad

    @grad.setter
    def grad(self, number: Any) -> None:
        self._grad = real(number)

    @property
    def parents(self) -> tuple[Value, ...]:
        """The operands, in order: `a + a` has two parents, a leaf none."""
        x, y, z = self._x, self._y, self._z
        if x.__class__ is tuple:
            return x if y is None else x + y if z is None else x + y + (z,)
        return () if x is None else (x,) if y is None else (x, y)

    @property
    def numbers(self) -> tuple[Any, ...]:
        """The output, the operands and the row's parameters, as they were in the forward pass."""
        a, b, c = self._a, self._b, self._c
        if b is None:
            return () if a is None else (self._out, *a) if a.__class__ is tuple else (self._out, a)
        return (self._out, a, b) if c is None else (self._out, a, b, c)

    @property
    def chain_rule(self) -> Callable[[float], Sequence[float]]:
        """The local chain rule, closed over the numbers of then: from the incoming gradient, what each parent is given.

        >>> (Value(2.0) * Value(5.0)).chain_rule(10.0)
        (50.0, 20.0)
        """
        return partial(self.op.chain, self.numbers) if self.op else lambda incoming: ()

    def local_derivatives(self) -> tuple[float, ...]:
        """Return the derivative of this node by each parent alone, in the order of `parents`.

        >>> (Value(2.0) * Value(5.0)).local_derivatives()
        (5.0, 2.0)
        """
        return tuple(self.op.local(*self.numbers)) if self.op else ()

    def propagate(self) -> None:
        """Hand this node's gradient to its parents, once: contribution = incoming gradient x local derivative.

        >>> a = Value(3.0); b = a * a; b.grad = 1.0; b.propagate(); a.grad
        6.0
        """
        if watcher is not None:
            watcher.handed_on(self)
        with all_or_nothing(self.parents):
            for parent, contribution in zip(self.parents, self.chain_rule(self.grad), strict=True):
                parent._grad = parent.grad + contribution

    def backward(self) -> None:
        """Compute the derivative of this node by every node that it was computed from, into their `grad`.

        Leaves accumulate (twice backward, twice the gradient); interior nodes start from 0 each time. If anything
        raises on the way, leaves keep the gradients that they had and interior nodes have none.
        """
        order, leaves = walk(self)
        before = [leaf._grad for leaf in leaves]
        try:
            sweep(self, order, leaves, watcher)
        except BaseException:
            for node, grad in chain(zip(leaves, before, strict=True), zip(order, repeat(None), strict=False)):
                node._grad = grad
            raise

    def zero_grad(self) -> None:
        """Forget the gradients of this node and of everything it was computed from."""
        for node in chain(*walk(self)):
            node._grad = None

    def apply(self, op: Op, operands: tuple[Any, ...]) -> Value:
        """Return the node of `op` applied to `operands`: Values or numbers, then the row's parameters."""
        n = len(operands) - op.parameters
        values = tuple((each if op.arity is None else map)(as_value, operands[:n]))  # only wide rows take groups
        parameters = tuple(map(real, operands[n:]))
        if op.arity in (1, 2) and not parameters:
            return _unary(op, *values) if op.arity == 1 else _binary(op, *values)
        return use(op, values, each(float, values) + parameters)

    def __pow__(self, exponent: Number) -> Value:
        if isinstance(exponent, Value):
            return _binary(ops.POW, self, exponent)
        try:
            return _unary(ops.POWER, self, real(exponent))
        except TypeError:
            return NotImplemented

    # fmt: off
    def __add__(self, other: Number) -> Value: return _binary(ops.ADD, self, other)
    def __radd__(self, other: Number) -> Value: return _binary(ops.ADD, other, self)
    def __sub__(self, other: Number) -> Value: return _binary(ops.SUB, self, other)
    def __rsub__(self, other: Number) -> Value: return _binary(ops.SUB, other, self)
    def __mul__(self, other: Number) -> Value: return _binary(ops.MUL, self, other)
    def __rmul__(self, other: Number) -> Value: return _binary(ops.MUL, other, self)
    def __truediv__(self, other: Number) -> Value: return _binary(ops.DIV, self, other)
    def __rtruediv__(self, other: Number) -> Value: return _binary(ops.DIV, other, self)
    def __rpow__(self, other: Number) -> Value: return _binary(ops.POW, other, self)
    def __neg__(self) -> Value: return _unary(ops.NEG, self)
    def __pos__(self) -> Value: return self
    def __abs__(self) -> Value: return _unary(ops.ABS, self)
    abs = _method(ops.ABS)
    exp, expm1, log, log1p, sqrt = map(_method, (ops.EXP, ops.EXPM1, ops.LOG, ops.LOG1P, ops.SQRT))
    sin, cos, tan, asin, acos, atan = map(_method, (ops.SIN, ops.COS, ops.TAN, ops.ASIN, ops.ACOS, ops.ATAN))
    sinh, cosh, tanh = map(_method, (ops.SINH, ops.COSH, ops.TANH))
    sigmoid, relu, erf, erfc, sign = map(_method, (ops.SIGMOID, ops.RELU, ops.ERF, ops.ERFC, ops.SIGN))
    def atan2(self, x: Number) -> Value: return self.apply(ops.ATAN2, (self, x))
    def hypot(self, y: Number) -> Value: return self.apply(ops.HYPOT, (self, y))
    def maximum(self, y: Number) -> Value: return self.apply(ops.MAXIMUM, (self, y))
    def minimum(self, y: Number) -> Value: return self.apply(ops.MINIMUM, (self, y))
    def clip(self, low: float, high: float) -> Value: return self.apply(ops.CLIP, (self, low, high))
    def __eq__(self, other: object) -> bool: return _compare(operator.eq, self, other)
    def __lt__(self, other: Number) -> bool: return _compare(operator.lt, self, other)
    def __le__(self, other: Number) -> bool: return _compare(operator.le, self, other)
    def __gt__(self, other: Number) -> bool: return _compare(operator.gt, self, other)
    def __ge__(self, other: Number) -> bool: return _compare(operator.ge, self, other)
    def __float__(self) -> float: return self._data
    def __format__(self, spec: str) -> str: return format(self._data, spec) if spec else repr(self)
    def __bool__(self) -> bool: return bool(self._data)
    __hash__ = object.__hash__
    # fmt: on

    def __repr__(self) -> str:
        grad = "" if self._grad is None else f", grad={self._grad!r}"
        return f"Value(data={self._data!r}{grad}{f', label={self.label!r}' if self.label else ''})"


def as_value(operand: Any) -> Value:
    """Return a Value as it is, a number as a leaf."""
    return operand if isinstance(operand, Value) else Value(operand)


def _compare(relation: Callable[[Any, Any], bool], x: Value, y: Any) -> bool:
    try:
        return bool(relation(x._data, as_value(y)._data))
    except OverflowError:
        return bool(relation(x._data, y))  # Python compares a float with any number exactly
    except TypeError:
        return NotImplemented  # type: ignore[no-any-return]  # the operators pass it on to Python


def use(op: Op, operands: tuple[Any, ...], numbers: tuple[Any, ...]) -> Value:
    """Return the node of `op` over Values, in groups where it takes such, from their numbers and its parameters."""
    try:
        out = op.value(*numbers)
    except (ValueError, ZeroDivisionError) as error:
        raise op.undefined(error, flat(numbers), [x.label for x in flat(operands)]) from None
    if operands[0].__class__ is not tuple:
        return record(op, operands, None, out, numbers, None)
    (x, y, z), (a, b, c) = (*operands, None)[:3], (*numbers, None)[:3]
    return record(op, x, y, out, a, b, z, c)


def _unary(op: Op, x: Value, parameter: float | None = None) -> Value:
    a, value = x._data, op.value
    try:
        out = value(a) if parameter is None else value(a, parameter)
    except (ValueError, ZeroDivisionError) as error:
        raise op.undefined(error, (a,) if parameter is None else (a, parameter), (x.label,)) from None
    return record(op, x, None, out, a, parameter)


def _binary(op: Op, x: Any, y: Any) -> Value:
    if x.__class__ is not Value or y.__class__ is not Value:
        try:
            x, y = as_value(x), as_value(y)
        except TypeError:
            return NotImplemented  # type: ignore[no-any-return]  # Python then asks the other operand, or raises
    a, b, value = x._data, y._data, op.value
    try:
        out = value(a, b)
    except (ValueError, ZeroDivisionError) as error:
        raise op.undefined(error, (a, b), (x.label, y.label)) from None
    return record(op, x, y, out, a, b)


def record(op: Op, x: Any, y: Any, out: float, a: Any, b: Any, z: Any = None, c: Any = None) -> Value:
    """Return the node of `op` whose operands and forward numbers are known: see the slots of `Value`."""
    node = _new(Value)
    node.op = op
    node.label = ""
    node._x = x
    node._y = y
    node._z = z
    node._a = a
    node._b = b
    node._c = c
    node._data = node._out = out
    node._grad = node._mark = None
    if watcher is not None:
        watcher.created(node)
    return node
