"""Orders in which people go through a graph. The engine's own order, in which it computes, is `toposort`."""

from __future__ import annotations

from collections.abc import Sequence

from autodiff.engine.backward import toposort
from autodiff.engine.value import Value


def interior_and_leaves(roots: Sequence[Value]) -> tuple[list[Value], list[Value]]:
    """Return the interior nodes of the graphs of all roots, parents first, and their leaves."""
    if len(roots) == 1:
        return toposort(roots[0])
    order: dict[int, Value] = {}
    leaves: dict[int, Value] = {}
    for root in roots:
        interior, ends = toposort(root)
        order.update({id(node): node for node in interior})
        leaves.update({id(node): node for node in ends})
    return list(order.values()), list(leaves.values())


def in_reading_order(roots: Sequence[Value]) -> list[Value]:
    """Return all nodes as people read them: first operands first, each leaf just before it is first used."""
    seen: set[int] = set()
    nodes = []
    waiting = [(root, False) for root in reversed(roots)]
    while waiting:
        node, operands_done = waiting.pop()
        if operands_done:
            nodes.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            waiting.append((node, True))
            waiting += [(parent, False) for parent in reversed(node.parents)]
    return nodes


def as_met(roots: Sequence[Value]) -> list[Value]:
    """Return all nodes of graphs as a person who computes them meets them: first operands first, each before its use.

    So the first neuron of a layer comes before the second, and a layer before the next.
    """
    met: dict[int, Value] = {}
    for node in [node for node in in_reading_order(roots) if node.op]:
        met.update({id(operand): operand for operand in (*node.parents, node) if id(operand) not in met})
    met.update({id(root): root for root in roots if id(root) not in met})  # which may be leaves
    return list(met.values())


def users_of(nodes: Sequence[Value]) -> dict[int, list[Value]]:
    """Return, by the `id` of each operand, the nodes that use it, in order; twice in ``a + a``."""
    users: dict[int, list[Value]] = {}
    for node in nodes:
        for parent in node.parents:
            users.setdefault(id(parent), []).append(node)
    return users
