"""Gradients as graphs: the derivatives of a node by others as Values, which can be differentiated again.

`backward()` feeds the rows of calculus with numbers; `grad` feeds the same rows with the nodes, so that the slopes
come out as a graph. It knows nothing of any single operation.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autodiff.engine import ops
from autodiff.engine.arguments import values_of
from autodiff.engine.backward import toposort
from autodiff.engine.value import Value, as_value, node_of
from autodiff.support.operands import each


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
    order, _ = toposort(output)
    concerned = {id(x) for x in inputs}
    for node in order:
        if any([id(parent) in concerned for parent in node.parents]):
            concerned.add(id(node))
    gradients = {id(output): Value(1.0)}
    reached = {id(output)}  # all others are in a branch not taken, as in `backward_pass`
    for node in reversed([node for node in order if id(node) in concerned]):
        op, incoming, was_reached = node.op, gradients[id(node)], id(node) in reached
        for parent, slope in zip(node.parents, op.local(*_as_recorded(node)), strict=True):
            key = id(parent)
            if key in concerned:
                if was_reached and (not op.piecewise or as_value(slope).data != 0):
                    reached.add(key)
                contribution = _contribution(op, incoming, slope, was_reached)
                so_far = gradients.get(key)
                gradients[key] = contribution if so_far is None else so_far + contribution
    results = tuple([gradients.get(id(x), Value(0.0)) for x in inputs])
    return results if len(inputs) > 1 else results[0]


def jacobian(outputs: Value | Iterable[Value], inputs: Value | Iterable[Value]) -> list[list[Value]]:
    """Return the Jacobian matrix: a row for each output, with its derivative by each input, as Values.

    ``J[i][j] = d outputs[i] / d inputs[j]``.

    >>> x, y = Value(2.0), Value(3.0)
    >>> [[slope.data for slope in row] for row in jacobian([x * y, x + y], [x, y])]
    [[3.0, 2.0], [1.0, 1.0]]
    """
    of, by = values_of("outputs", outputs), values_of("inputs", inputs)
    return [list(_gradient(output, by)) for output in of]


def hessian(output: Value, inputs: Value | Iterable[Value]) -> list[list[Value]]:
    """Return the Hessian matrix of `output`: its second derivatives by each pair of inputs, as Values.

    ``H[i][j] = d**2 output / d inputs[i] d inputs[j]``: the Jacobian of the gradient.

    >>> x, y = Value(2.0), Value(3.0)
    >>> [[slope.data for slope in row] for row in hessian(x * x * y, [x, y])]
    [[6.0, 4.0], [4.0, 0.0]]
    """
    by = values_of("inputs", inputs)
    return jacobian(_gradient(output, by), by)


def _gradient(output: Value, inputs: list[Value]) -> tuple[Value, ...]:
    slopes = grad(output, *inputs)
    return slopes if isinstance(slopes, tuple) else (slopes,)


def _as_recorded(node: Value) -> tuple[Any, ...]:
    """Return what the row's rule takes: `node`, its parents, the parameters; each as it was in the forward pass."""
    nodes = iter((node, *node.parents))

    def known(number: float) -> Any:
        value = next(nodes, None)
        if value is None:
            return number  # a parameter
        data = value.data
        if data == number or (data != data and number != number):
            return value
        return node_of(ops.IDENTITY, value, None, number, number, None)

    return each(known, node.saved)


def _contribution(op: ops.Op, incoming: Value, slope: Value | float, reached: bool) -> Value:
    if isinstance(slope, float) and slope == 1.0:
        return incoming
    if not reached:  # what nothing came to hands on nothing, not 0 * inf; nor do the derivatives of that
        return ops.MASK(slope, incoming)  # type: ignore[no-any-return]  # of a Value, a Value
    return ops.MASK(incoming, slope) if op.piecewise else incoming * slope
