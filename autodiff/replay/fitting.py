"""Descent in arrays: an optimizer's rule applied to the whole vector of parameters at once."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any


def fit(replay: Any, optimizer: Any, steps: int | Iterable[Any]) -> list[float]:
    """Make steps of `optimizer` on `replay`, as `Replay.fit` says."""
    if isinstance(steps, bool):
        raise TypeError(f"steps must be a whole number or batches, got {steps!r}")
    batches: Iterable[Any] = [None] * int(steps) if isinstance(steps, Integral) else steps
    places = {id(parameter): i for i, parameter in enumerate(replay.parameters)}
    try:
        moved = [places[id(parameter)] for parameter in optimizer.parameters]
    except KeyError:
        raise ValueError("the optimizer has a parameter that this replay does not: give both the same") from None
    for parameter, place in zip(replay.parameters, range(len(places)), strict=True):
        replay.values[place] = parameter.data
    values = replay.values
    whole = moved == list(range(len(values)))
    index: Any = slice(None) if whole else moved
    losses: list[float] = []
    memory = _columns(optimizer.memory, values)
    try:
        for batch in batches:
            loss, gradient = replay.gradient(batch)
            rate = optimizer.rate()
            new, after = optimizer.update(values[index], gradient[index], memory, rate, optimizer.steps + 1)
            values[index], memory = new, after
            optimizer.steps += 1
            losses.append(loss)
    finally:
        for place in moved:
            replay.parameters[place].data = float(values[place])
        optimizer.memory = _cells(memory, len(moved))
    return losses


def _columns(memory: list[tuple[Any, ...]], like: Any) -> tuple[Any, ...]:
    """Return what an optimizer remembers of each parameter as vectors over the parameters."""
    import numpy as np

    return tuple([np.array(column) for column in zip(*memory, strict=True)])


def _cells(memory: tuple[Any, ...], count: int) -> list[tuple[Any, ...]]:
    columns = [column.tolist() for column in memory]
    return list(zip(*columns, strict=True)) if columns else [() for _ in range(count)]
