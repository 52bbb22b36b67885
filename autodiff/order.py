"""In which order a graph is walked: every node after all that it was computed from.

It knows a node's operands and its mark (see the slots of `autodiff.value.Value`), and nothing of what it computes.
"""

from __future__ import annotations

from typing import Any


def walk(root: Any) -> tuple[list[Any], list[Any]]:
    """Return the nodes that `root` was computed from, and itself, parents first; and apart from them the leaves.

    A depth-first search without recursion: linear in time, and the same order on every run. A group of operands that
    many nodes share, such as the inputs of a layer, is gone through once.
    """
    entered, done = object(), object()
    complete: set[int] = set()  # the groups that are in order as a whole
    order: list[Any] = []
    leaves: list[Any] = []
    latest: Any = None  # the last group seen to be in order
    waiting: list[Any] = [root]
    while waiting:
        node = waiting.pop()
        if node._mark is entered:  # all that it was computed from is in order
            node._mark = done
            order.append(node)
            if node._x.__class__ is tuple:
                complete.add(id(node._x))
                complete.add(id(node._y))
            continue
        while node._mark is not done:
            x, y = node._x, node._y
            if x is None:
                node._mark = done
                leaves.append(node)
                break
            if x.__class__ is tuple:
                z = node._z
                group, group_y = id(x) in complete, y is latest or y is None or id(y) in complete
                if group and group_y and (z is None or z._mark is done):  # as in all neurons of a layer but the first
                    node._mark = done
                    order.append(node)
                    latest = y
                    break
                node._mark = entered
                waiting.append(node)
                if not group:
                    waiting += x
                if not group_y:
                    waiting += y
                if z is not None:
                    waiting.append(z)
                break
            node._mark = entered
            waiting.append(node)
            if y is not None and y._mark is not done:
                waiting.append(y)
            node = x
    return order, leaves
