"""The graph: a `Value` is one use of a row of calculus, and remembers what it was made from.

It knows nodes, their gradients and what `autodiff.engine.ops` says of operations; not drawing, networks or arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any, SupportsFloat, TypeAlias

from autodiff.engine import ops
from autodiff.engine.backward import backward, check_idle, toposort
from autodiff.engine.ops import Op
from autodiff.engine.outside import Outside, stranger
from autodiff.engine.record import Record
from autodiff.support.atomic import all_or_nothing
from autodiff.support.operands import each, flat, real

Number: TypeAlias = "Value | SupportsFloat"  # a Value, or a plain real number
edition = object()  # another object whenever the data of any Value is set: what was read before may be old
_new = object.__new__
reader: Any = None  # set while a graph is recorded: answers for `data`, and so knows who reads it
by_hand: Any = None  # set by `autodiff.micrograd`: makes the node of `Value(data, children, sign)`
watcher: Any = None  # set by `anomaly_detection`: is told of each node that is created and each gradient handed on


def _unary(op: Op) -> Callable[[Value], Value]:
    """Return the method of a row of one operand: `computed`, with `node_of` written out for speed."""
    value = op.value

    def method(self: Value) -> Value:
        a = self._data
        try:
            out = value(a)
        except (ValueError, ZeroDivisionError) as error:
            raise op.undefined(error, (a,), (self.label,)) from None
        node = _new(Value)
        node.op, node._x, node._a = op, self, a
        node._data = out
        node._y = node._b = node._grad = node._mark = None
        if watcher is not None:
            watcher.created(node)
        return node

    method.__name__, method.__qualname__, method.__doc__ = op.name, f"Value.{op.name}", f"Return {op}."
    method.__code__ = method.__code__.replace()  # a copy, as Python makes code fast for what it meets: here one row
    return method


def _binary(op: Op) -> tuple[Callable[[Any, Any], Value], Callable[[Any, Any], Value]]:
    """Return the operator of a row of two operands, and the one that Python asks when the left operand is a number."""
    value = op.value

    def method(x: Any, y: Any) -> Value:
        if y.__class__ is not Value:
            try:
                y = as_value(y)
            except TypeError:
                return stranger(y)  # type: ignore[no-any-return]  # Python then asks the other operand, or raises
        a, b = x._data, y._data
        try:
            out = value(a, b)
        except (ValueError, ZeroDivisionError) as error:
            raise op.undefined(error, (a, b), (x.label, y.label)) from None
        node = _new(Value)
        node.op, node._x, node._y = op, x, y
        node._a, node._b, node._data = a, b, out
        node._grad = node._mark = None
        if watcher is not None:
            watcher.created(node)
        return node

    def reflected(y: Any, x: Any) -> Value:
        try:
            x = as_value(x)
        except TypeError:
            return stranger(x)  # type: ignore[no-any-return]  # as above
        return method(x, y)

    method.__code__ = method.__code__.replace()  # as above
    return method, reflected


_power = ops.POWER.value
_EXPONENTS = {n: float(n) for n in range(2, 10)}  # of x**2 and the like: all squares keep one 2.0
_pow, _rpow = _binary(ops.POW)


class Value(Record, Outside):
    """A number that remembers how it was computed: a node of the graph, which the field also calls the tape.

    Args:
        data: a real number, the primal; text, None, complex numbers, sequences, arrays and Values raise `TypeError`.
        label: the name that people see; or the nodes of one made by hand, `Value(data, (a, b), "*", label)`.

    With a plain number a Value compares by number, and ``<`` and ``>`` always do; ``==`` between Values asks if they
    are one node, so that lists, sets and dicts find the node itself. (It hashes by identity, so a set does not find it
    by the number it equals.) Anything may be hung on a Value (``p.momentum = 0.0``); a copy and a pickle keep it.

    >>> x = Value(3.0, label="x"); y = x * x + 1; y.backward()
    >>> y, x.grad
    (Value(data=10.0, grad=1.0), 6.0)
    """

    __slots__ = ()

    def __init__(self, data: Any, _children: Any = "", _op: str = "", label: str = "") -> None:
        self._grad = self._mark = self.op = self._x = self._y = self._a = self._b = None
        if _children.__class__ is str is label.__class__ and not _op and not (label and _children):
            if label or _children:
                self._label = label or _children
        else:
            self.label = by_hand(self, data, _children, _op, label)
        self._data = data if data.__class__ is float else real(data)

    @property
    def label(self) -> str:
        """The name that people see in messages and drawings."""
        return self._label

    @label.setter
    def label(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"expected a label as text, got {type(text).__name__}: {text!r}")
        self._label = text

    @property
    def data(self) -> float:
        """The number. Setting it does not change what was recorded: `backward()` still uses the number of then."""
        return self._data if reader is None else reader(self)

    @data.setter
    def data(self, number: Any) -> None:
        global edition
        if self.op is not None and self._out is None:
            self._out = self._data
        self._data, edition = real(number), object()  # both or none: what was read before is old at once

    @property
    def grad(self) -> float:
        """The derivative of the outputs by this value, its adjoint or cotangent; 0.0 while none has reached it."""
        return 0.0 if self._grad is None else self._grad

    @grad.setter
    def grad(self, number: Any) -> None:
        if number is None:
            raise TypeError(
                "expected one real number, such as 3 or 0.5, got NoneType: None; zero_grad() forgets a gradient"
            )
        self._grad = real(number)

    def propagate(self) -> None:
        """Hand this node's gradient to its parents, once: contribution = incoming gradient x local derivative.

        >>> a = Value(3.0); b = a * a; b.grad = 1.0; b.propagate(); a.grad
        6.0
        """
        if watcher is not None:
            watcher.handed_on(self)
        with all_or_nothing(self.parents):
            for parent, contribution, taken in zip(self.parents, self.chain_rule(self.grad), self._taken, strict=True):
                if self._grad is not None and taken:
                    parent._grad = parent.grad + contribution

    def backward(self) -> None:
        """Compute the derivative of this node by every node that it was computed from, into their `grad`.

        Leaves accumulate (twice backward, twice the gradient); interior nodes start from 0 each time. If anything
        raises on the way, leaves keep the gradients that they had and interior nodes have none. The graph may be
        looked at meanwhile, from a signal handler or another thread; `backward()` and `zero_grad()` of its nodes then
        raise `RuntimeError`, while what is set by hand (``x.grad = 0.0``) is not guarded.
        """
        backward(self, watcher)

    def zero_grad(self) -> None:
        """Forget the gradients of this node and of everything it was computed from."""
        order, leaves = toposort(self)
        check_idle(order, leaves)
        for node in chain(order, leaves):
            node._grad = None

    def apply(self, op: Op, operands: tuple[Any, ...]) -> Value:
        """Return the node of `op` applied to `operands`: Values or numbers, then the row's static arguments."""
        n = len(operands) - op.static
        static = tuple(map(real, operands[n:]))
        if op.arity is not None:
            values = tuple(map(as_value, operands[:n]))
            return computed(op, values, (*[x._data for x in values], *static))
        values = each(as_value, operands[:n])  # only wide rows take groups
        return computed(op, values, each(lambda x: x._data, values) + static)

    def __pow__(self, exponent: Number) -> Value:
        n = _EXPONENTS.get(exponent) if exponent.__class__ is int else None
        if n is None:
            if isinstance(exponent, Value):
                return _pow(self, exponent)
            try:
                n = real(exponent)
            except TypeError:
                return stranger(exponent)  # type: ignore[no-any-return]  # as in `_binary`
        a = self._data
        try:
            out = _power(a, n)
        except (ValueError, ZeroDivisionError) as error:
            raise ops.POWER.undefined(error, (a, n), (self.label,)) from None
        node = _new(Value)
        node.op, node._x, node._a = ops.POWER, self, a
        node._b, node._data = n, out
        node._y = node._grad = node._mark = None
        if watcher is not None:
            watcher.created(node)
        return node

    # fmt: off
    __add__, __radd__ = _binary(ops.ADD)
    __sub__, __rsub__ = _binary(ops.SUB)
    __mul__, __rmul__ = _binary(ops.MUL)
    __truediv__, __rtruediv__ = _binary(ops.DIV)
    __rpow__ = _rpow
    __neg__, abs = _unary(ops.NEG), _unary(ops.ABS)
    exp, expm1, log, log1p, log2, log10 = map(_unary, (ops.EXP, ops.EXPM1, ops.LOG, ops.LOG1P, ops.LOG2, ops.LOG10))
    sqrt, cbrt, relu, sign, detach = map(_unary, (ops.SQRT, ops.CBRT, ops.RELU, ops.SIGN, ops.DETACH))
    sin, cos, tan, asin, acos, atan = map(_unary, (ops.SIN, ops.COS, ops.TAN, ops.ASIN, ops.ACOS, ops.ATAN))
    sinh, cosh, tanh, erf, erfc = map(_unary, (ops.SINH, ops.COSH, ops.TANH, ops.ERF, ops.ERFC))
    asinh, acosh, atanh, sigmoid = map(_unary, (ops.ASINH, ops.ACOSH, ops.ATANH, ops.SIGMOID))
    def atan2(self, x: Number) -> Value: return self.apply(ops.ATAN2, (self, x))
    def hypot(self, y: Number) -> Value: return self.apply(ops.HYPOT, (self, y))
    def maximum(self, y: Number) -> Value: return self.apply(ops.MAXIMUM, (self, y))
    def minimum(self, y: Number) -> Value: return self.apply(ops.MINIMUM, (self, y))
    def clip(self, low: float = -ops.INF, high: float = ops.INF, out: None = None) -> Value:  # NumPy says out=None
        return self.apply(ops.CLIP, (self, low, high))
    def _edition(self) -> object: return edition
    # fmt: on


def as_value(operand: Any) -> Value:
    """Return a Value as it is, a number as a leaf."""
    if isinstance(operand, Value):
        return operand
    leaf = _new(Value)  # as `Value(operand)`, without its other arguments
    leaf._data = real(operand)
    leaf.op = leaf._x = leaf._y = leaf._a = leaf._b = leaf._grad = leaf._mark = None
    return leaf


def computed(op: Op, operands: tuple[Any, ...], numbers: tuple[Any, ...]) -> Value:
    """Return the node of `op` over Values, in groups where it takes such, from their numbers and the static ones."""
    try:
        out = op.value(*numbers)
    except (ValueError, ZeroDivisionError) as error:
        raise op.undefined(error, flat(numbers), [x.label for x in flat(operands)]) from None
    if op.arity is not None and len(numbers) <= 2:
        y = operands[1] if op.arity == 2 else None
        return node_of(op, operands[0], y, out, numbers[0], numbers[1] if len(numbers) == 2 else None)
    if operands and operands[0].__class__ is tuple:  # two groups, and what follows them
        (x, y, *more), (a, b, *others) = operands, numbers
        return node_of(op, (x, *more), y, out, (a, *others), b)
    return node_of(op, operands, None, out, numbers, None)


def node_of(op: Op, x: Any, y: Any, out: float, a: Any, b: Any) -> Value:
    """Return the node of `op` whose operands and forward numbers are known: see the slots of `Value`."""
    node = _new(Value)
    node.op, node._x, node._y = op, x, y
    node._a, node._b, node._data = a, b, out
    node._grad = node._mark = None
    if watcher is not None:
        watcher.created(node)
    return node
