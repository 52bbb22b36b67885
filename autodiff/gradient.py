"""Gradients as graphs: the derivatives of a node by others as Values, which can be differentiated again.

`backward()` feeds the rows of calculus with numbers; `grad` feeds the same rows with the nodes, so that the slopes
come out as a graph. It knows nothing of any single operation.
"""

from __future__ import annotations

from typing import Any

from autodiff import ops
from autodiff.operands import each
from autodiff.order import walk
from autodiff.value import Value, record


def grad(output: Value, *inputs: Value) -> Any:
    """Return the derivative of `output` by each input as Values, which can be differentiated again.

    d output / d input = the sum over all paths of the product of local derivatives. One input gives one Value, several
    give a tuple; an input that `output` does not depend on gives 0. No node's `.grad` is touched.

    >>> x = Value(2.0)
    >>> slope = grad(x**3, x)
    >>> slope.data, grad(slope, x).data
    (12.0, 12.0)
    """
    for node in (output, *inputs):
        if not isinstance(node, Value):
            raise TypeError(f"grad(output, *inputs) takes Values, got {type(node).__name__}: {node!r}")
    if not inputs:
        raise TypeError("grad(output, *inputs) needs at least one input to differentiate by")
    order, _ = walk(output)
    concerned = {id(x) for x in inputs}
    for node in order:
        if any([id(parent) in concerned for parent in node.parents]):
            concerned.add(id(node))
    gradients = {id(output): Value(1.0)}
    for node in reversed([node for node in order if id(node) in concerned]):
        slopes = node.op.local(*_as_recorded(node))
        for parent, slope in zip(node.parents, slopes, strict=True):
            if id(parent) in concerned:
                contribution = _contribution(node.op, gradients[id(node)], slope)
                so_far = gradients.get(id(parent))
                gradients[id(parent)] = contribution if so_far is None else so_far + contribution
    results = tuple([gradients.get(id(x), Value(0.0)) for x in inputs])
    return results if len(inputs) > 1 else results[0]


def _as_recorded(node: Value) -> tuple[Any, ...]:
    """Return what the row's rule takes: `node`, its parents, the parameters; each as it was in the forward pass."""
    nodes = iter((node, *node.parents))

    def known(number: float) -> Any:
        value = next(nodes, None)
        if value is None:
            return number  # a parameter
        unchanged = value.data == number or (value.data != value.data and number != number)
        return value if unchanged else record(ops.IDENTITY, value, None, number, number, None)

    return each(known, node.numbers)


def _contribution(op: ops.Op, incoming: Value, slope: Value | float) -> Value:
    if isinstance(slope, float) and slope == 1.0:
        return incoming
    return (ops.MASK if op.piecewise else ops.MUL)(incoming, slope)  # type: ignore[no-any-return]  # of a Value, a Value
