"""Losses: how wrong an output is, as a Value to descend; and penalties on the size of parameters.

Each takes one sample's output and target; `fit` takes the mean over a batch. Logits are scores before a sigmoid or
softmax; the cross-entropies take logits because only so they stay exact at any size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from autodiff.engine import functions, reductions
from autodiff.engine.arguments import values_of
from autodiff.engine.value import Value, as_value
from autodiff.support.arguments import got
from autodiff.support.operands import real, several

Score = Any  # a Value or a number: arithmetic on either answers its kind
Loss = Callable[[Any, Any], Score]


def squared_error(output: Score, target: Score) -> Score:
    """Return (output - target)**2.

    >>> squared_error(6.0, 1.0)
    25.0
    """
    return (_score("squared_error", "output", output) - _score("squared_error", "target", target)) ** 2


def absolute_error(output: Score, target: Score) -> Score:
    """Return |output - target|; its derivative is 0 where they are equal.

    >>> absolute_error(6.0, 1.0)
    5.0
    """
    return functions.abs(_score("absolute_error", "output", output) - _score("absolute_error", "target", target))


def mse(outputs: Score | Sequence[Score], targets: Score | Sequence[Score]) -> Score:
    """Return the mean of (output - target)**2 over the outputs; for a single output, the squared error.

    >>> mse([1.0, 2.0], [1.0, 4.0])
    2.0

    Raises:
        ValueError: if there are not as many targets as outputs, or none.
    """
    pairs = list(zip(*_aligned("mse", outputs, targets), strict=True))
    return reductions.mean([squared_error(output, target) for output, target in pairs])


def hinge(score: Score, target: float) -> Score:
    """Return max(0, 1 - target score) for a target of -1 or 1: 0 once the score is right by a margin of 1.

    >>> hinge(0.25, 1), hinge(3.0, 1)
    (0.75, 0.0)

    Raises:
        ValueError: for another target.
    """
    if target not in (-1, 1):
        raise ValueError(f"hinge needs a target of -1 or 1, got {target!r}")
    sign = 1.0 if target == 1 else -1.0
    return functions.relu(1.0 - sign * _score("hinge", "score", score))


def binary_cross_entropy(logit: Score, target: float) -> Score:
    """Return -target log(p) - (1 - target) log(1 - p) for p = sigmoid(logit), exact for logits of any size.

    Computed as target softplus(-logit) + (1 - target) softplus(logit).

    >>> binary_cross_entropy(1000.0, 0), binary_cross_entropy(1000.0, 1)
    (1000.0, 0.0)

    Args:
        logit: the score of class 1 before the sigmoid.
        target: the class, 0 or 1, or a probability in between.

    Raises:
        ValueError: for a target outside of 0 to 1.
    """
    logit, target = _score("binary_cross_entropy", "logit", logit), real(target)
    if not 0 <= target <= 1:
        raise ValueError(f"binary_cross_entropy needs a target from 0 to 1, got {target!r}")
    if target == 0:
        return functions.softplus(logit)
    if target == 1:
        return functions.softplus(-logit)
    return target * functions.softplus(-logit) + (1 - target) * functions.softplus(logit)


def cross_entropy(logits: Sequence[Score], target: int) -> Score:
    """Return -log(softmax(logits)[target]), exact for logits of any size.

    Computed as logsumexp over i of (logit i - logit target).

    >>> round(cross_entropy([1.0, 1.0], 0), 4)
    0.6931

    Args:
        logits: the score of each class before the softmax.
        target: the index of the right class.

    Raises:
        ValueError: if there is no such class.
    """
    logits, own = _classes(logits, target)
    return reductions.logsumexp([0.0 if i == own else logit - logits[own] for i, logit in enumerate(logits)])


def l1(parameters: Iterable[Value]) -> Value:
    """Return the sum of |p| over the parameters.

    >>> l1([Value(3.0), Value(-4.0)]).data
    7.0
    """
    return as_value(reductions.sum([abs(p) for p in values_of("parameters", parameters)]))


def l2(parameters: Iterable[Value]) -> Value:
    """Return the sum of p**2 over the parameters.

    >>> l2([Value(3.0), Value(-4.0)]).data
    25.0
    """
    return as_value(reductions.sum([p * p for p in values_of("parameters", parameters)]))


LOSSES: dict[str, Loss] = {
    "squared_error": squared_error,
    "absolute_error": absolute_error,
    "mse": mse,
    "hinge": hinge,
    "binary_cross_entropy": binary_cross_entropy,
    "cross_entropy": cross_entropy,
}


def _classes(logits: Sequence[Score], target: int) -> tuple[list[Score], int]:
    """Return the logits, and which is that of the target."""
    logits = [_score("cross_entropy", "logit", logit) for logit in several("logits of cross_entropy", logits)]
    n = len(logits)
    if not n:
        raise ValueError("cross_entropy needs the logit of at least one class, got none")
    if isinstance(target, Value) or target not in range(n):
        raise ValueError(f"cross_entropy needs a target from 0 to {n - 1}, one of the {n} classes, got {target!r}")
    return logits, int(target)


# The same losses with graphs that are alike for all targets, which are constants in them: so that samples share a
# program when they are replayed. Every number is the same, to the rounding of what is added up.


def _alike_cross_entropy(logits: Sequence[Score], target: int) -> Score:
    logits, own = _classes(logits, target)
    shares = [float(i == own) for i in range(len(logits))]
    chosen = reductions.dot(shares, logits)
    return reductions.logsumexp([(1.0 - share) * (z - chosen) for share, z in zip(shares, logits, strict=True)])


def _alike_binary_cross_entropy(logit: Score, target: float) -> Score:
    if real(target) not in (0, 1):
        return binary_cross_entropy(logit, target)
    return functions.softplus((1.0 - 2.0 * target) * _score("binary_cross_entropy", "logit", logit))


ALIKE: dict[Loss, Loss] = {
    cross_entropy: _alike_cross_entropy,
    binary_cross_entropy: _alike_binary_cross_entropy,
}


def _score(loss: str, role: str, given: Any) -> Score:
    """Return what is a Value or one number."""
    if isinstance(given, Value):
        return given
    try:
        return real(given)
    except TypeError:
        hint = "; for several outputs take mse or cross_entropy" if hasattr(given, "__iter__") else ""
        raise TypeError(f"the {role} of {loss} must be a Value or a number, {got(given)}{hint}") from None


def _aligned(name: str, outputs: Any, targets: Any) -> tuple[list[Any], list[Any]]:
    """Return both as lists of the same length."""
    lists = [list(x) if hasattr(x, "__iter__") and not isinstance(x, str | bytes) else [x] for x in (outputs, targets)]
    if len(lists[0]) != len(lists[1]):
        raise ValueError(
            f"{name} needs one target for each output, got {len(lists[0])} outputs and {len(lists[1])} targets"
        )
    return lists[0], lists[1]
