"""A training as a story: forward, backward, update, and again. It knows neither optimizers nor pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from autodiff.engine.backward import toposort
from autodiff.engine.value import Value
from autodiff.support.labels import clean, short

MAX_STEPS = 1_000  # of a training; each is a story
TOLD_FIRST, TOLD = 5, (1, 2, 5)  # the first steps are told, then 10, 20, 50, 100, ...


@dataclass(frozen=True)
class Update:
    """A step of gradient descent of one parameter: after = before - rate * gradient.

    Attributes:
        name: of the parameter.
        before: its number.
        gradient: the derivative of the loss by it.
        after: its new number.
    """

    name: str
    before: float
    gradient: float
    after: float

    def texts(self, root: str, rate: float, spec: str) -> tuple[str, str, str]:
        """Return the rule, the rule with numbers, and the new number."""
        number, slope = short(self.before, spec).strip(), short(self.gradient, spec).strip()
        slope = f"({slope})" if slope.startswith("-") else slope
        return (
            f"{self.name} - rate * d{root}/d{self.name}",
            f"{number} - {short(rate, spec).strip()} * {slope}",
            short(self.after, spec).strip(),
        )


@dataclass(frozen=True)
class Round:
    """One step of a training.

    Attributes:
        step: how many were made before.
        loss: the number that is descended.
        numbers: those of the parameters before the step.
        results: those of what the loss is computed from, as far as it is named.
        updates: what the step does to each; none after the last step.
    """

    step: int
    loss: float
    numbers: tuple[float, ...]
    results: tuple[float, ...]
    updates: tuple[Update, ...]


def is_told(step: int, last: int) -> bool:
    """Return whether a step is told in all its parts: the first ones, then ever fewer, and the last.

    >>> [step for step in range(301) if is_told(step, 300)]
    [0, 1, 2, 3, 4, 5, 10, 20, 50, 100, 200, 300]
    """
    return step <= TOLD_FIRST or step == last or step / 10 ** math.floor(math.log10(step)) in TOLD


@contextmanager
def put_back(parameters: Sequence[Value]) -> Iterator[None]:
    """Give the parameters the numbers back that they had before."""
    before = [parameter.data for parameter in parameters]
    try:
        yield
    finally:
        for parameter, number in zip(parameters, before, strict=True):
            parameter.data = number


def loss_of(forward: Callable[[], Value]) -> Value:
    """Return the loss that a function computes from the parameters as they are; one without a name is called L.

    Raises:
        TypeError: if it is no Value.
    """
    loss = forward()
    if not isinstance(loss, Value):
        raise TypeError(f"forward must answer the loss, a Value, got {type(loss).__name__}: {loss!r}")
    if loss.op and not clean(loss.label):
        loss.label = "L"
    return loss


def slopes(loss: Value, parameters: Sequence[Value]) -> list[float]:
    """Return the derivatives of the loss by the parameters; the gradients that nodes have stay as they are."""
    order, leaves = toposort(loss)
    nodes = [*order, *leaves]
    inside = set(map(id, nodes))
    before = [node._grad for node in nodes]
    try:
        for node in nodes:
            node._grad = None
        loss.backward()
        return [parameter.grad if id(parameter) in inside else 0.0 for parameter in parameters]
    finally:
        for node, gradient in zip(nodes, before, strict=True):
            node._grad = gradient


def sampled(forward: Callable[[], Value], parameters: Sequence[Value], numbers: Sequence[float]) -> float:
    """Return the loss at some numbers of the parameters, which they keep; nan where there is none."""
    try:
        for parameter, number in zip(parameters, numbers, strict=True):
            parameter.data = number
        return loss_of(forward).data
    except (ArithmeticError, ValueError):
        return math.nan
