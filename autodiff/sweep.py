"""The backward pass: from the last node to the first, each hands its gradient to what it was computed from.

It knows the slots of a node (see `autodiff.value.Value`) and what a row answers, and nothing of any single operation.
"""

from __future__ import annotations

from math import isfinite
from typing import Any


def sweep(root: Any, order: list[Any], leaves: list[Any], watcher: Any) -> None:
    """Add the derivatives of `root` to the gradients of its `leaves`, and set those of the nodes in `order`.

    This is `Op.chain` for all nodes, written out for one, two and more operands, because training spends its time here.
    """
    for node in order:
        node._grad = 0.0
    for leaf in leaves:
        leaf._grad = leaf._grad or 0.0
    root._grad += 1.0  # a lone leaf accumulates too
    for node in reversed(order):
        incoming, op = node._grad, node.op
        if not incoming and op.quiet and isfinite(node._out):
            continue  # as in a dead neuron: nothing came in, so there is nothing to hand on
        if watcher is not None:
            watcher.handed_on(node)
        x, y, local, smooth = node._x, node._y, op.local, not op.piecewise
        if x.__class__ is tuple:
            if y is None:
                parents, slopes = x, local(node._out, *node._a)
            elif node._z is None:
                parents, slopes = x + y, local(node._out, node._a, node._b)
            else:
                parents, slopes = x + y + (node._z,), local(node._out, node._a, node._b, node._c)
            if len(slopes) != len(parents):
                raise ValueError(f"the rule of {op} gives {len(slopes)} derivatives for {len(parents)} operands")
            pairs: Any = zip(parents, slopes)  # noqa: B905  # seen above; `strict` would cost a tenth of the loop
            for parent, slope in pairs if smooth else [pair for pair in pairs if pair[1]]:
                parent._grad += incoming * slope
        elif y is None:
            (slope,) = local(node._out, node._a) if node._b is None else local(*node.numbers)
            if slope or smooth:
                x._grad += incoming * slope
        else:
            slope, slope_y = local(node._out, node._a, node._b)
            if slope or smooth:
                x._grad += incoming * slope
            if slope_y or smooth:
                y._grad += incoming * slope_y
