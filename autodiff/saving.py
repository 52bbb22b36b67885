"""How a graph of any depth is copied and pickled: node by node, parents first, so that nothing recurses.

It knows the slots of a node (see `autodiff.value.Value`), and nothing of what it computes.
"""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable, Iterator
from typing import Any


class Saved:
    """What a node inherits to be copied and pickled together with all that it was computed from."""

    __slots__ = ()

    _mark: Any
    parents: Any

    @property
    def _state(self: Any) -> tuple[Any, ...]:
        """The parents, and whatever else a node is made of."""
        return self.parents, self.op, self._data, self._grad, self.label, self._out, self._a, self._b, self._c

    @_state.setter
    def _state(self: Any, state: tuple[Any, ...]) -> None:
        parents, self.op, self._data, self._grad, self.label, self._out, self._a, self._b, self._c = state
        if self._b.__class__ is tuple:  # two groups of operands, and what follows them
            n = len(self._a)
            parents = parents[:n], parents[n : 2 * n], *parents[2 * n :]
        elif self._a.__class__ is tuple:
            parents = (parents,)
        self._x, self._y, self._z = (*parents, None, None, None)[:3]

    def __copy__(self) -> Any:
        return copy.deepcopy(self)  # a node is nothing without its graph

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        for node in _upward(self, lambda node: id(node) in memo):
            parents = tuple([memo[id(parent)] for parent in node.parents])
            memo[id(node)] = restore(None, type(node), parents, *node._state[1:])
        return memo[id(self)]

    def __reduce__(self) -> tuple[Any, ...]:
        return restore, (_kin(self), type(self), *self._state)


class Family(list[Saved]):
    """Nodes that are pickled together, parents first; they are marked with it, and it lives as long as the pickler."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Family, (), None, iter(self)  # the pickler knows the list before it comes to the nodes


def restore(kin: object, kind: type, *state: Any) -> Any:
    """Return the node of a saved state; `kin` is there for the pickler, which has read it first."""
    node: Any = object.__new__(kind)
    node._mark, node._state = None, state
    return node


def _kin(root: Saved) -> tuple[Family, list[Saved]]:
    """Return the family of `root`, and those of its ancestors that a pickler which knows the family has yet to see."""
    family = _family(root)
    if family is not None:
        return family, []
    new: list[Saved] = []
    seen: set[int] = set()
    for node in _upward(root, lambda node: id(node) in seen or _family(node) is not None):
        seen.add(id(node))
        new.append(node)
    met = {id(f): f for node in new for f in map(_family, node.parents) if f is not None}
    family, *others = sorted(met.values(), key=len, reverse=True) or [Family()]
    for nodes in (*others, new):  # the smaller families into the largest: n log n at worst
        for node in nodes:
            node._mark = weakref.ref(family)
        family += nodes
    return family, new[:-1]


def _family(node: Saved) -> Family | None:
    return node._mark() if isinstance(node._mark, weakref.ref) else None


def _upward(root: Saved, known: Callable[[Saved], bool]) -> Iterator[Saved]:
    """Yield `root` and what it was computed from as far as not yet `known`, parents first; the taker makes it known."""
    waiting = [root]
    while waiting:
        node = waiting[-1]
        missing = [] if known(node) else [parent for parent in node.parents if not known(parent)]
        if missing:
            waiting += reversed(missing)
        else:
            waiting.pop()
            if not known(node):
                yield node
