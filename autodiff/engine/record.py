"""What a node remembers of the forward pass: how it is kept, read, copied, pickled and freed.

A graph of any depth is copied and pickled node by node, parents first, so that nothing recurses. Python itself frees it
so, too, but not everywhere (see `FREED_BY_RECURSION`).
"""

from __future__ import annotations

import copy
import sys
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from threading import local
from types import SimpleNamespace
from typing import Any

from autodiff.engine.backward import upward
from autodiff.support.operands import flat

_families: dict[int, weakref.ref[Family]] = {}  # of each node that is being pickled, by its id

# Where Python frees a chain by recursion that goes deeper than the stack, and crashes: in a browser; 3.13.0 in threads.
FREED_BY_RECURSION = sys.platform == "emscripten" or sys.version_info[:3] == (3, 13, 0)


class Record:
    """What `Value` inherits: its slots, and what they say of how it was computed."""

    __slots__ = ("__dict__", "__weakref__", "_a", "_b", "_data", "_grad", "_mark", "_x", "_y", "op")

    _label = ""  # until one is given
    _out: Any = None  # the number of this node in the forward pass, once `data` has been set to another
    _data: float
    op: Any  # the row of calculus that made it; None for a leaf
    _grad: Any  # a float, or None while no gradient has reached this node
    _mark: Any  # the latest walk that met this node
    # The record of the forward pass; here and below None where there is nothing.
    _x: Any  # the first operand; or all of a row of many, in a tuple; or the first group and what follows the second
    _y: Any  # the second operand; or the second group, a tuple
    _a: Any  # the number of `_x`; or the tuple of its numbers, and of the static arguments that are not in `_b`
    _b: Any  # that of `_y`, or the static argument of a row of one operand

    @property
    def parents(self) -> tuple[Any, ...]:
        """The operands, in order: `a + a` has two parents, a leaf none."""
        x, y = self._x, self._y
        if x.__class__ is tuple:
            return x if y is None else x[0] + y + x[1:]
        return () if x is None else (x,) if y is None else (x, y)

    @property
    def operands(self) -> tuple[tuple[Any, float], ...]:
        """The parents, each with its number in the forward pass.

        >>> from autodiff import Value
        >>> (Value(2.0, "x") ** 3).operands
        ((Value(data=2.0, label='x'), 2.0),)
        """
        return tuple(zip(self.parents, flat(self.saved[1:]), strict=False))  # behind them stand the static arguments

    @property
    def static(self) -> tuple[float, ...]:
        """The arguments that nothing is differentiated by, such as the exponent n of x**n."""
        return self.saved[-n:] if self.op and (n := self.op.static) else ()

    @property
    def saved(self) -> tuple[Any, ...]:
        """The output, the operands as the row takes them, the static arguments: the numbers of the forward pass.

        PyTorch calls them saved tensors: `backward()` needs them, whatever becomes of `data`.
        """
        out, a, b = self._data if self._out is None else self._out, self._a, self._b
        if a.__class__ is tuple:
            return (out, *a) if b is None else (out, a[0], b, *a[1:])
        return () if a is None else (out, a) if b is None else (out, a, b)

    @property
    def chain_rule(self) -> Callable[[float], Sequence[float]]:
        """The local chain rule, closed over the numbers of then: from the incoming gradient, what each parent is given.

        The incoming gradient is the upstream gradient, or cotangent, of this node; the function is its pullback, or
        vector-Jacobian product (VJP).

        >>> from autodiff import Value
        >>> (Value(2.0) * Value(5.0)).chain_rule(10.0)
        (50.0, 20.0)
        """
        return partial(self.op.chain, self.saved) if self.op else lambda incoming: ()

    def local_derivatives(self) -> tuple[float, ...]:
        """Return the derivative of this node by each parent alone, in the order of `parents`.

        >>> from autodiff import Value
        >>> (Value(2.0) * Value(5.0)).local_derivatives()
        (5.0, 2.0)
        """
        return tuple(self.op.local(*self.saved)) if self.op else ()

    @property
    def _taken(self) -> tuple[bool, ...]:
        """Whether each parent is given a gradient, be it 0: not where a slope of 0 says that a branch is not taken."""
        op = self.op
        return tuple(map(bool, self.local_derivatives())) if op and op.piecewise else (True,) * len(self.parents)

    @property
    def _state(self: Any) -> tuple[Any, ...]:
        """The operands, and whatever else a node is made of, to be copied and pickled."""
        return self._x, self._y, self.op, self._data, self._grad, self._a, self._b

    @_state.setter
    def _state(self: Any, state: tuple[Any, ...]) -> None:
        self._x, self._y, self.op, self._data, self._grad, self._a, self._b = state

    def __copy__(self) -> Any:
        return copy.deepcopy(self)  # a node is nothing without its graph

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        for node in upward(self, lambda node: id(node) in memo):
            x, y, *rest = node._state
            again = memo[id(node)] = restore(None, type(node), copy_of(x, memo), copy_of(y, memo), *rest)
            for name, thing in _own(node).items():
                setattr(again, name, copy.deepcopy(thing, memo))
        return memo[id(self)]

    def __reduce__(self) -> tuple[Any, ...]:
        made, own = (restore, (_kin(self), type(self), *self._state)), _own(self)
        return (*made, (None, own)) if own else made  # a pair, so that the unpickler sets each by its name

    if FREED_BY_RECURSION:  # elsewhere it would cost a tenth of the time of a node

        def __del__(self) -> None:
            """Wait for the outermost node that is freed here, which lets go of one after the other.

            A node that waits is alive again; when it is let go of, Python frees it without asking here once more.
            """
            waiting = _freed.waiting
            if waiting is not None:
                waiting.append(self)
                return
            if getattr(self, "_x", None) is None:  # a leaf, or a node that never came to be
                return
            _freed.waiting = waiting = [self._x, self._y]
            self._x = self._y = None
            try:
                while waiting:
                    waiting.pop()
            finally:
                _freed.waiting = None


class _Freed(local):
    """What nodes that are being freed in a thread have let go of; None while none is."""

    waiting: list[Any] | None = None


_freed: Any = SimpleNamespace(waiting=None) if sys.platform == "emscripten" else _Freed()  # one thread, found faster


class Family(list[Record]):
    """Nodes that are pickled together, parents first; it lives as long as the pickler, and keeps them alive."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Family, (), None, iter(self)  # the pickler knows the list before it comes to the nodes

    def __del__(self) -> None:
        for node in self:
            family = _family(node)
            if family is None or family is self:
                _families.pop(id(node), None)


def restore(kin: object, kind: type, *state: Any) -> Any:
    """Return the node of a saved state; `kin` is there for the pickler, which has read it first."""
    node: Any = object.__new__(kind)
    node._mark, node._state = None, state
    return node


def copy_of(operand: Any, memo: dict[int, Any]) -> Any:
    """Return the copy of an operand, or of a group of them, which nodes that share it share again."""
    if operand.__class__ is tuple and id(operand) not in memo:
        memo[id(operand)] = tuple([copy_of(one, memo) for one in operand])
    return None if operand is None else memo[id(operand)]


def _own(node: Any) -> dict[str, Any]:
    """Return what people have hung on a node, or a subclass has, by name."""
    own = dict(vars(node))
    for kind in type(node).__mro__:
        slots = vars(kind).get("__slots__", ())
        if "_mark" in slots:
            break  # from here on it is the node itself
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(node, name) and not name.startswith("__"):
                own[name] = getattr(node, name)
    return own


def _kin(root: Record) -> tuple[Family, list[Record]]:
    """Return the family of `root`, and those of its ancestors that a pickler which knows the family has yet to see."""
    family = _family(root)
    if family is not None:
        return family, []
    new: list[Record] = []
    seen: set[int] = set()
    for node in upward(root, lambda node: id(node) in seen or _family(node) is not None):
        seen.add(id(node))
        new.append(node)
    met = {id(f): f for node in new for f in map(_family, node.parents) if f is not None}
    family, *others = sorted(met.values(), key=len, reverse=True) or [Family()]
    for nodes in (*others, new):  # the smaller families into the largest: n log n at worst
        family += nodes
        mine = weakref.ref(family)
        _families.update([(id(node), mine) for node in nodes])
    return family, new[:-1]


def _family(node: Record) -> Family | None:
    family = _families.get(id(node))
    return None if family is None else family()
