"""In which order a graph is walked: every node after all that it was computed from.

It knows a node's operands and its mark (see the slots of `autodiff.value.Value`), and nothing of what it computes.
"""

from __future__ import annotations

from typing import Any


def walk(root: Any) -> tuple[list[Any], list[Any]]:
    """Return the nodes that `root` was computed from, and itself, parents first; and apart from them the leaves.

    A depth-first search without recursion: linear in time, and the same order on every run.
    """
    walked = object()
    order: list[Any] = []
    leaves: list[Any] = []
    waiting: list[Any] = [root]
    while waiting:
        node = waiting.pop()
        if node is None:  # all that the node below was computed from is in order
            order.append(waiting.pop())
        elif node._mark is not walked:
            node._mark = walked
            x, y = node._x, node._y
            if x is None:
                leaves.append(node)
                continue
            waiting.append(node)
            waiting.append(None)
            for parent in x if x.__class__ is tuple else (x,) if y is None else (x, y):
                if parent._mark is not walked:
                    waiting.append(parent)
    return order, leaves
