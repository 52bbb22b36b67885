"""A recording computed by the eager engine itself: what every replay is checked against, and falls back on.

It rebuilds the graph of Values and calls `backward()`, so its numbers, its edge cases and its errors are the eager
ones by construction. It must not know how replays are made fast.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from autodiff.order import walk
from autodiff.replay.record import Recording, grouped
from autodiff.value import Value

# What a program may raise where the eager engine is to answer: outside of a domain, overflow, an unsuitable form.
DECLINED = (ArithmeticError, TypeError, ValueError)


def evaluate(recording: Recording, parameters: Sequence[float], inputs: Sequence[float]) -> tuple[float, list[float]]:
    """Return the loss and its gradient by the parameters.

    Raises:
        DomainError, ZeroDivisionError: as the operation does, with its operands and their labels.
    """
    root, leaves = rebuild(recording, parameters, inputs)
    root.backward()
    return root.data, [leaf.grad for leaf in leaves]


def rebuild(recording: Recording, parameters: Sequence[float], inputs: Sequence[float]) -> tuple[Value, list[Value]]:
    """Return the loss as a Value, and the parameters that it was computed from."""
    leaves = iter((*parameters, *inputs))
    nodes: list[Value] = []
    for op, operands, settings, number, label in zip(
        recording.ops, recording.operands, recording.settings, recording.numbers, recording.labels, strict=True
    ):
        if op is None:
            node = Value(next(leaves, number), label)
        else:
            node = nodes[operands[0]].apply(op, (*grouped(op, [nodes[i] for i in operands]), *settings))
            node.label = label
        nodes.append(node)
    return nodes[recording.root], nodes[: recording.parameters]


def magnitude(recording: Recording, parameters: Iterable[float], inputs: Iterable[float]) -> float:
    """Return the largest number that the loss is made of, to which its rounding is relative: of branches taken."""
    root, _ = rebuild(recording, list(map(float, parameters)), list(map(float, inputs)))
    reached = {id(root): root.data}
    for node in reversed(walk(root)[0]):
        if id(node) in reached:
            for parent, slope in zip(node.parents, node.local_derivatives(), strict=True):
                if slope or not node.op.piecewise:
                    reached[id(parent)] = parent.data
    return max([abs(number) for number in reached.values() if math.isfinite(number)], default=0.0)


def mean(
    recording: Recording, parameters: Iterable[float], rows: Iterable[Sequence[float]]
) -> tuple[float, list[float]]:
    """Return the mean of the loss, and of its gradient, over samples: the rows of their inputs."""
    parameters = list(map(float, parameters))
    results = [evaluate(recording, parameters, list(map(float, row))) for row in rows]
    n = len(results)
    if n == 1:
        return results[0]
    slopes = zip(*[slopes for _, slopes in results], strict=True)
    return sum([loss for loss, _ in results]) / n, [sum(slope) / n for slope in slopes]
