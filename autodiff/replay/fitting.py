"""Descent in arrays: an optimizer's rule applied to the whole vector of parameters at once.

It knows of an optimizer only that it has `parameters`, `memory`, `steps`, `rate()` and the rule `update`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral
from operator import is_
from typing import Any

from autodiff.replay.vectors import numpy_is_here, vector
from autodiff.value import Value


class Descent:
    """The state of an optimizer, and the parameters that it moves, as vectors.

    Args:
        optimizer: its rule moves some or all of the parameters.
        parameters: what the places of `values` and of a gradient stand for.
        values: the vector that is moved; it starts from the data that the parameters have now.
    """

    def __init__(self, optimizer: Any, parameters: Sequence[Value], values: Any) -> None:
        self.optimizer, self.parameters, self.values = optimizer, parameters, values
        values[:] = vector([parameter.data for parameter in parameters])
        whole = len(parameters) == len(optimizer.parameters) and all(map(is_, parameters, optimizer.parameters))
        self.places = list(range(len(parameters))) if whole else _places(optimizer.parameters, parameters)
        self.ahead = False  # whether steps were made that the parameters do not show yet
        self.arrays = numpy_is_here()
        self.moved: Any = slice(None) if whole else self.places
        self.memory: Any = optimizer.memory
        if self.arrays:
            import numpy as np

            columns = zip(*optimizer.memory, strict=True) if optimizer.memory[0] else ()
            self.quiet = np.errstate
            self.memory = tuple([np.array(column) for column in columns])

    def step(self, gradient: Any) -> None:
        """Move the values once; whole, or not at all if anything raises on the way."""
        optimizer, steps, memory = self.optimizer, self.optimizer.steps, self.memory
        rate, before = optimizer.rate(), self.values[:]
        if self.arrays:
            before = before.copy()
            moved = self.moved
            slopes = gradient[moved].copy()  # the rule may keep it, as the first velocity is the gradient itself
            with self.quiet(all="ignore"):  # a descent that diverges shows in its losses
                new, after = optimizer.update(before[moved], slopes, memory, rate, steps + 1)
        else:
            pairs = [
                optimizer.update(before[i], gradient[i], m, rate, steps + 1)
                for i, m in zip(self.places, memory, strict=True)
            ]
            new, after = before[:], [m for _, m in pairs]
            for i, (number, _) in zip(self.places, pairs, strict=True):
                new[i] = number
            moved = slice(None)
        self.ahead = True
        try:
            self.values[moved], self.memory, optimizer.steps = new, after, steps + 1
        except BaseException:  # Ctrl-C too
            self.values[:], self.memory, optimizer.steps = before, memory, steps
            raise

    def write_back(self) -> None:
        """Set the parameters and the optimizer's memory to where the steps have led, if any were made."""
        if not self.ahead:
            return
        values = self.values.tolist()
        for place in self.places:
            self.parameters[place].data = values[place]
        memory = self.memory
        if self.arrays:
            columns = [column.tolist() for column in memory]
            memory = list(zip(*columns, strict=True)) if columns else [() for _ in self.places]
        self.optimizer.memory = memory
        self.ahead = False


def _places(moved: Sequence[Value], parameters: Sequence[Value]) -> list[int]:
    places = {id(parameter): i for i, parameter in enumerate(parameters)}
    for parameter in moved:
        if id(parameter) not in places:
            raise ValueError(
                f"the optimizer moves {parameter!r}, which is no parameter of the replay: give both the same"
            )
    return [places[id(parameter)] for parameter in moved]


def fit(replay: Any, optimizer: Any, steps: int | Iterable[Any]) -> list[float]:
    """Make steps of `optimizer` on `replay`, as `Replay.fit` says."""
    if isinstance(optimizer, type) or not hasattr(optimizer, "update"):
        raise TypeError(f"optimizer must be one of nn, such as nn.SGD(model.parameters(), lr=0.1), got {optimizer!r}")
    if isinstance(steps, bool) or not isinstance(steps, Integral | Iterable):
        raise TypeError(f"steps must be a whole number, or batches, got {type(steps).__name__}: {steps!r}")
    if isinstance(steps, Integral) and steps < 0:
        raise ValueError(f"steps must be at least 0, got {steps}")
    batches: Iterable[Any] = [None] * int(steps) if isinstance(steps, Integral) else steps
    descent = Descent(optimizer, replay.parameters, replay.values)
    losses: list[float] = []
    try:
        for batch in batches:
            loss, gradient = replay._evaluate(batch)
            descent.step(gradient)
            losses.append(loss)
        descent.write_back()
    except BaseException:  # Ctrl-C too, wherever it struck
        descent.write_back()
        raise
    return losses
