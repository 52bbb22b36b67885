"""A recording computed by the eager engine itself: what every program is checked against, and falls back on.

It applies the same rows, and hands gradients on by the very functions that `backward()` does, in the same order: so
its numbers, its edge cases and its errors are the eager ones, to the bit. But it makes no graph, which would double the
memory of the learner's. It must not know how replays are made fast.
"""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from autodiff.engine.backward import NOTHING, written
from autodiff.engine.elementary import total
from autodiff.engine.ops import Op
from autodiff.engine.value import Value
from autodiff.replay.recording.record import Kind, Recording
from autodiff.replay.vectors import vector

MAX_POINTS = 5  # at which a program may be tried
MAX_MODERATE = 1e100  # of numbers that are multiplied and added in any order
MAX_STEP = 1e-3  # how far the other points are from the one before, relative and absolute
SIDES = (0, 1, -1)  # to which all inputs move there, by turns: at 0, which many are recorded at, domains end


def evaluate(recording: Recording, parameters: Sequence[float], inputs: Sequence[float]) -> tuple[float, list[float]]:
    """Return the loss and its gradient by the parameters.

    Raises:
        DomainError, ZeroDivisionError: as the operation does, with its operands and their labels.
    """
    numbers = computed(recording, [*parameters, *inputs])
    return numbers[recording.root], slopes(recording, numbers)[: recording.parameters]


def computed(recording: Recording, leaves: Sequence[float]) -> list[float]:
    """Return what each node is, at these numbers of the parameters and inputs.

    Raises:
        DomainError, ZeroDivisionError: as `evaluate`.
    """
    if recording.computed and array("d", leaves).tobytes() == recording.numbers[: len(leaves)].tobytes():
        return recording.numbers.tolist()  # as it was built
    numbers = [*leaves, *recording.numbers[len(leaves) :]]
    edges, kinds, labels = recording.edges, recording.kinds, recording.labels
    values = [(op and op.value, static, op and op.arity) for op, static in kinds]
    for place, (code, (begin, end)) in enumerate(zip(recording.codes, pairwise(recording.begins), strict=True)):
        if not code:
            continue
        value, static, arity = values[code]
        try:
            if arity == 2 and not static:
                numbers[place] = value(numbers[edges[begin]], numbers[edges[begin + 1]])
            elif arity == 1:
                numbers[place] = value(numbers[edges[begin]], *static)
            else:
                operands = [numbers[i] for i in edges[begin:end]]
                numbers[place] = value(*kinds[code].op.grouped(operands, static))
        except (ValueError, ZeroDivisionError) as error:
            given, names = [numbers[i] for i in edges[begin:end]], [labels.get(i, "") for i in edges[begin:end]]
            raise kinds[code].op.undefined(error, [*given, *static], names) from None
    return numbers


def slopes(recording: Recording, numbers: Sequence[float]) -> list[float]:
    """Return the derivative of the loss by each node, from what the nodes are.

    It is `backward_pass` of the engine over columns. Where a node has a short record, a `Value` stands for it, and two
    for its parents.
    """
    kinds, codes, begins, edges = recording.kinds, recording.codes, recording.begins, recording.edges
    slopes = [NOTHING] * len(recording)
    slopes[recording.root] += 1.0
    rules: list[Any] = [op and (op, written(op) if _has_short_record(op) else None, static) for op, static in kinds]
    node, x, y = Value(0.0), Value(0.0), Value(0.0)
    node._x = x
    for place in range(recording.root, -1, -1):
        incoming = slopes[place]
        if incoming is NOTHING:  # as most are in a graph of many branches that are not taken
            continue
        code = codes[place]
        if not code:
            continue
        op, hand_on, static = rules[code]
        begin, end = begins[place], begins[place + 1]
        if hand_on is None:
            _hand_on(kinds[code], numbers, place, edges[begin:end].tolist(), slopes)
            continue
        i = edges[begin]
        node.op, node._data, node._a, x._grad = op, numbers[place], numbers[i], slopes[i]
        if end == begin + 1:
            node._y, node._b = None, static[0] if static else None
            hand_on(node, incoming)
        else:
            j = edges[begin + 1]
            node._y, node._b, y._grad = x if i == j else y, numbers[j], slopes[j]
            hand_on(node, incoming)
            if i != j:
                slopes[j] = y._grad
        slopes[i] = x._grad
    return slopes


def _has_short_record(op: Op) -> bool:
    return op.arity is not None and op.arity + op.static <= 2


def _hand_on(kind: Kind, numbers: Sequence[float], place: int, operands: Sequence[int], slopes: list[float]) -> None:
    """Hand the slope of a node of any number of operands on to these, by the rule of its row."""
    op, incoming = kind.op, slopes[place]
    saved = numbers[place], *op.grouped([numbers[i] for i in operands], kind.static)
    if op.__class__ is Op:
        local = op.local(*saved)
    else:  # it has a `chain` of its own
        incoming, local = 1.0, op.chain(saved, incoming)
    piecewise = op.piecewise
    for i, slope in zip(operands, local, strict=True):
        if slope or not piecewise:
            slopes[i] += incoming * slope


def magnitude(recording: Recording, parameters: Iterable[float], inputs: Iterable[float]) -> float:
    """Return the largest number that the loss is made of, to which its rounding is relative: of branches taken."""
    numbers = computed(recording, [*map(float, parameters), *map(float, inputs)])
    reached = {recording.root}
    for place in range(recording.root, -1, -1):
        if place in reached and recording.codes[place]:
            op, operands, static, *_ = recording.node(place)
            local = op.local(numbers[place], *op.grouped([numbers[i] for i in operands], static))
            reached.update([i for i, slope in zip(operands, local, strict=True) if slope or not op.piecewise])
    return max([abs(numbers[i]) for i in reached if math.isfinite(numbers[i])], default=0.0)


def mean(
    recording: Recording, parameters: Iterable[float], batch: Iterable[Sequence[float]]
) -> tuple[float, list[float]]:
    """Return the mean of the loss, and of its gradient, over a batch: the inputs of each sample."""
    parameters = list(map(float, parameters))
    results = [evaluate(recording, parameters, list(map(float, row))) for row in batch]
    n = len(results)
    if n == 1:
        return results[0]
    slopes = zip(*[slopes for _, slopes in results], strict=True)
    return total([loss for loss, _ in results]) / n, [total(slope) / n for slope in slopes]


# Whether a program answers the same.


class ReplayError(ArithmeticError):
    """A replay and the eager engine disagree; the message says in what."""


def check(program: Any, recording: Recording, values: Any, batch: Any) -> bool:
    """Raise unless the program of a recording agrees with the eager engine at these values, or close to them.

    At a kink such as relu at 0, and where all gradients cancel to 0, rounding alone decides: there it is no
    disagreement if the program agrees close by. Where something is not finite, a point close by is compared instead.
    Return whether any was: where numbers overflow or are undefined at all points, the eager engine is to answer.

    Args:
        program: what was made of the recording.
        recording: the graph.
        values: the parameters.
        batch: one sample, as the program takes it.

    Raises:
        ReplayError: if they disagree, or the program has no answer although all is finite eagerly.
    """
    rng = random.Random(0)
    disagreement = None
    recorded = row = list(map(float, batch[0]))
    for point in range(MAX_POINTS):
        if point:
            values = vector([x + MAX_STEP * (abs(x) + 1) * rng.uniform(-1, 1) for x in values.tolist()])
        if point and recording.inputs:
            step = MAX_STEP * SIDES[point % len(SIDES)]
            row = [x + step * (abs(x) + 1) * rng.uniform(0, 1) for x in recorded]
            batch = program.batch([row], recording.inputs)
        try:
            alone = program.loss(values, batch)
            if compare(recording, values, batch, program.gradient(values, batch), alone):
                return True
            if _is_moderate(recording, [*values.tolist(), *row]):
                raise ReplayError("the replay has no finite answer, though all numbers are finite computed eagerly")
        except ReplayError as error:
            loss, its_slopes = mean(recording, values, batch)
            if all(map(math.isfinite, (loss, *its_slopes))):  # else it may have overflowed, where the program did not
                disagreement = error
        except (ArithmeticError, ValueError):
            if not point:
                raise  # the learner's graph is at fault; close by, it is not the learner's
    if disagreement is not None:
        raise disagreement
    return False


def _is_moderate(recording: Recording, leaves: Sequence[float]) -> bool:
    """Return whether all numbers and slopes of a graph are so moderate that no order of adding them overflows.

    Slopes of operations count in branches that are not taken, too: a program multiplies them by 0, which makes nan of
    an infinite one.
    """
    numbers = computed(recording, leaves)
    local: list[float] = []
    for place, (op, operands, static, *_) in enumerate(recording.nodes()):
        if op is not None:
            try:
                local += op.local(numbers[place], *op.grouped([numbers[i] for i in operands], static))
            except (ArithmeticError, ValueError):  # of an operation that people have made
                return False
    return all([abs(x) < MAX_MODERATE for x in (*numbers, *slopes(recording, numbers), *local)])


def compare(
    recording: Recording, values: Any, batch: Sequence[Any], ours: tuple[float, Any], loss_alone: float | None = None
) -> bool:
    """Raise unless a loss and its gradient agree with the eager ones, to the rounding of sums in another order.

    Return whether anything was compared: where the program's numbers are not finite there is nothing, the eager engine
    answers.

    Args:
        recording: the graph.
        values: the parameters.
        batch: the samples.
        ours: the loss and the gradient of the program; None for what is not to be compared.
        loss_alone: the loss, computed without the gradient.

    Raises:
        ReplayError: with the first difference.
    """
    loss, gradient = ours
    slopes = () if gradient is None else gradient
    losses = [loss] if loss_alone is None else [loss, loss_alone]
    eager_loss, eager_slopes = mean(recording, values, batch)
    if not all(map(math.isfinite, (*losses, *slopes))):
        return False
    scale: list[float] = []  # found where it is needed

    def close(x: float, y: float, noise: float, largest: float) -> bool:
        if math.isclose(x, y, rel_tol=1e-9):
            return True
        if not scale:
            scale.append(max([magnitude(recording, values, row) for row in batch]))
        return math.isclose(x, y, abs_tol=max(noise, 1e-12 * largest * scale[0]))

    for found in losses:
        if not close(found, eager_loss, 0.0, 1.0):
            raise ReplayError(f"the loss is {float(found)!r} in the replay, {eager_loss!r} computed eagerly")
    noise = 1e-12 * max([abs(slope) for slope in eager_slopes if math.isfinite(slope)], default=0.0)
    for i, (slope, expected) in enumerate(zip(slopes, eager_slopes, strict=gradient is not None)):
        if not close(slope, expected, noise, 1e-3):
            raise ReplayError(
                f"the derivative by parameter {i} is {float(slope)!r} in the replay, {expected!r} computed eagerly"
            )
    return True
