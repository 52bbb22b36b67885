"""What programs written for micrograd use of a node: `_prev`, `_op`, `_backward`, and nodes that are made by hand.

It knows `Value` and the rows of calculus, and adds to `Value` from outside: the engine knows nothing of it but the
hook `by_hand`. "Coming from micrograd, PyTorch, JAX" in the documentation says what is the same and what differs.

>>> from autodiff import Value
>>> a, b = Value(2.0, "a"), Value(3.0, "b")
>>> c = a * b + a
>>> c._op, [(parent._op, parent.data) for parent in c._prev]
('+', [('*', 6.0), ('', 2.0)])

A node by hand: a number, the nodes that it was computed from, a sign; then the function that hands its gradient on.

>>> out = Value(a.data**2, (a,), "square")
>>> def _backward():
...     a.grad += 2 * a.data * out.grad
>>> out._backward = _backward
>>> (3 * out).backward(); a.grad
12.0
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, KeysView, Sequence
from pickle import PicklingError
from typing import Any

from autodiff.engine import value
from autodiff.engine.ops import SUM, Op
from autodiff.engine.value import Value
from autodiff.support.labels import short
from autodiff.support.operands import real, several

SIGNS = {"relu": "ReLU"}  # where micrograd's sign is not the row's name


class ByHand(Op):
    """The row of one node whose chain rule is a function of the person's own, which adds to the operands' gradients.

    The function is asked with the numbers of the forward pass in the operands and in the node, and with gradients of
    0 in the operands; what it added there is what it hands on. So it takes part as a row does: once a backward pass,
    after all that the node's gradient comes from.
    """

    __slots__ = ("hand_on", "node", "parents", "sign")

    hand_on: Callable[[], Any] | None  # what was set as `_backward`

    def __init__(self, sign: str, node: Value, parents: tuple[Value, ...]) -> None:
        self.name = f"{sign} by hand".strip()  # no name of a row, so that nothing takes it for one
        self.formula = f"{self.name}(".replace("{", "{{").replace("}", "}}") + "{xs})"
        for field in {*Op.__slots__} - {"name", "formula", "value", "local", "written"}:
            setattr(self, field, getattr(SUM, field))  # it takes any number of operands, as a sum does
        self.sign, self.node, self.parents, self.hand_on = sign, weakref.ref(node), parents, None
        self.written = None

    def chain(self, numbers: Sequence[float], incoming: float) -> tuple[float, ...]:
        """Return what the function adds to the gradient of each operand, for this gradient of the node."""
        if self.hand_on is None:
            raise RuntimeError(
                f"the node {self.sign!r} was made by hand, and nothing says how its gradient is handed on: "
                "set out._backward to a function first (lambda: None, to hand nothing on)"
            )
        node = self.node()
        nodes = self.parents if node is None else (node, *self.parents)
        before = [(node, node._data, node._grad) for node in nodes]
        try:
            for parent, number in zip(self.parents, numbers[1:], strict=True):
                parent._data, parent._grad = number, 0.0
            if node is not None:
                node._data, node._grad = numbers[0], incoming
            self.hand_on()
            return tuple([parent.grad for parent in self.parents])
        finally:
            for node, data, grad in before:
                node._data, node._grad = data, grad

    def local(self, out: Any, *xs: Any) -> tuple[float, ...]:
        """Return what the function hands on of a gradient of 1. There is no formula: to symbols it answers numbers."""
        if any([isinstance(x, Value) for x in (out, *xs)]):
            raise TypeError(
                f"the _backward of the node {self.sign!r} was written by hand for numbers, so it cannot be "
                "differentiated again: make it an autodiff.Op, whose rule can"
            )
        return self.chain([x if isinstance(x, float) else x.number for x in (out, *xs)], 1.0)

    def value(self, *xs: float) -> float:
        """Raise: the number of the node was given, not computed."""
        raise TypeError(
            f"the node {self.sign!r} was made by hand from its number, so it cannot be computed anew: "
            "make it an autodiff.Op, which can"
        )

    def __reduce__(self) -> str:
        raise PicklingError(f"the node {self.sign!r} was made by hand, and its _backward cannot be written to a file")


def _make(node: Value, data: Any, children: Any, sign: str, label: Any) -> Any:
    """Make `node` one that was computed by hand from `children`; return its label, if all this is what can be meant."""
    if not isinstance(label, str):
        raise TypeError(f"expected a label as text, got {type(label).__name__}: {label!r}")
    if isinstance(children, str):
        if sign or (label and children):
            raise TypeError(
                "expected Value(data, label) or Value(data, children, sign, label), "
                f"got {children!r}, {sign!r}, {label!r}"
            )
        return children or label
    if not hasattr(type(children), "__iter__") or isinstance(children, bytes | Value):
        raise TypeError(
            f"expected a label as text, or the nodes that this one was computed from, such as (a, b), got "
            f"{type(children).__name__}: {children!r}"
        )
    if not isinstance(sign, str):
        raise TypeError(f"expected the sign of the operation as text, such as '*', got {type(sign).__name__}: {sign!r}")
    parents = tuple(dict.fromkeys(several("_children", children, "Values")))  # each once: `_backward` adds for all uses
    for parent in parents:
        if not isinstance(parent, Value):
            raise TypeError(f"expected Values that the node was computed from, got {type(parent).__name__}: {parent!r}")
    if not parents:
        if sign:
            raise ValueError(f"a Value of the operation {sign!r} needs the nodes that it was computed from, got none")
        return label
    node._data = real(data)
    node.op, node._x = ByHand(sign, node, parents), parents
    node._a = tuple([parent._data for parent in parents])
    if value.watcher is not None:
        node.label = label
        value.watcher.created(node)
    return label


def _prev(node: Value) -> KeysView[Value]:
    """The parents, each once, as a set in the order of the operands: ``a + a`` has one."""
    return dict.fromkeys(node.parents).keys()


def _op(node: Value) -> str:
    """The sign of the operation, as micrograd writes it: ``*``, ``**2``, ``ReLU``; of a leaf nothing."""
    op = node.op
    if op is None:
        return ""
    if isinstance(op, ByHand):
        return op.sign
    static = node.static
    return f"**{short(static[0], '.17g')}" if op.name == "**" and static else SIGNS.get(op.name, op.name)


def _backward(node: Value) -> Callable[[], Any]:
    """What hands the gradient of the node on, once; of a leaf, what does nothing. Can be set on nodes made by hand."""
    if isinstance(node.op, ByHand):
        return node.op.hand_on or _not_set(node.op)
    return node.propagate if node.op else _nothing


def _set_backward(node: Value, function: Callable[[], Any]) -> None:
    if not isinstance(node.op, ByHand):
        what = f"{node.op}, which knows its derivatives" if node.op else "a leaf, which hands nothing on"
        raise AttributeError(
            f"_backward can be set on nodes made by hand, out = Value(data, (a, b), '*'); this node is {what}"
        )
    if not callable(function):
        raise TypeError(
            f"expected a function without arguments as _backward, got {type(function).__name__}: {function!r}"
        )
    node.op.hand_on = function


def _not_set(op: ByHand) -> Callable[[], Any]:
    return lambda: op.chain((), 0.0)  # which says that it is not set


def _nothing() -> None:
    """Hand on nothing."""


def _refuse(name: str, cure: str) -> Callable[[Value, Any], None]:
    def refuse(node: Value, given: Any) -> None:
        raise AttributeError(f"{name} of a Value can be read, not set: it says what the node was computed by. {cure}")

    return refuse


value.by_hand = _make
_HAND = "For other operands or another sign, make a node by hand: Value(data, (a, b), '*')"
Value._prev = property(_prev, _refuse("_prev", _HAND))  # type: ignore[attr-defined]  # the engine does not know them
Value._op = property(_op, _refuse("_op", _HAND))  # type: ignore[attr-defined]
Value._backward = property(_backward, _set_backward)  # type: ignore[attr-defined]
