"""Descent inside of a program: as many steps at once as take a moment, with Python crossed once for all of them.

Loop nests can do that, for a rule of an optimizer that can be read (`autodiff.replay.rules.update`); each call is short
enough for Ctrl-C. What cannot be done inside, such as a step that would not be finite, is left to whoever asks.
"""

from __future__ import annotations

import copy
import math
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from numbers import Integral
from typing import Any

from autodiff.replay.choice import Fastest
from autodiff.replay.chunks import check_chunks
from autodiff.replay.compile import Program
from autodiff.replay.descent import Descent
from autodiff.replay.native.nested import Nested
from autodiff.replay.native.stepper import Stepper
from autodiff.replay.rules.update import Rule, rule_of

MOMENT = 0.05  # seconds that a call takes, about: Ctrl-C is heard after it
MAX_READ = 64  # batches that are kept as they were read, since the same may come again


class Batch:
    """Samples in order.

    Args:
        rows: a matrix, one sample a row; None if no sample differs from another.
        places: which of the rows; None for all of them.

    Attributes:
        size: how many samples there are.
    """

    def __init__(self, rows: Any, places: Sequence[int] | None = None) -> None:
        self.rows = rows
        self.places: Sequence[int] = range(len(rows)) if places is None else places
        self.size = len(self.places)


class Inside:
    """The steps of a descent on one program."""

    def __init__(self, descent: Descent, program: Program | None) -> None:
        self.descent, self.program = descent, program
        self.rules: dict[int, Rule | None] = {}  # by the size of the state
        self.steppers: list[Stepper] = []  # in use
        self.gradient: Any = None  # of the last step, as it was descended
        self.moved = None if isinstance(descent.places, range) else tuple(descent.places)

    def _stepper(self, samples: int) -> Stepper | None:
        """Return what makes steps on batches of so many samples, None if nothing does."""
        program = self.program.program(samples, steps=True) if isinstance(self.program, Fastest) else self.program
        if not isinstance(program, Nested):
            return None
        state = self.descent.state
        size = len(state) if self.descent.arrays else len(state[0])
        if size not in self.rules:
            self.rules[size] = rule_of(self.descent.optimizer, size)
        rule = self.rules[size]
        if rule is None:
            return None
        stepper = program.stepper(rule, samples, self.moved)
        if stepper not in self.steppers:
            self.steppers.append(stepper)
            stepper.forget()  # samples of another descent, which may have been written to since
        return stepper

    def ahead(self, samples: int) -> int:
        """Return how many steps on batches of so many samples take a moment, at least 1."""
        stepper = self._stepper(samples)
        if stepper is None or not stepper.seconds:
            return 1
        return max(1, min(stepper.most, int(MOMENT / stepper.seconds)))

    def run(self, batches: Sequence[Batch], losses: list[float], norms: list[float], max_norm: float = math.inf) -> int:
        """Make a step on each of these batches, which have one size; return how many could be made.

        Args:
            batches: the batches.
            losses: gets the loss before each step.
            norms: gets the norm of each gradient, before it is clipped.
            max_norm: the largest norm of a gradient.
        """
        stepper = self._stepper(batches[0].size)
        if stepper is None:
            return 0
        descent = self.descent
        rates = self._rates(min(len(batches), stepper.most))
        if not rates:
            return 0
        listed = stepper.listed((batch.rows, batch.places) for batch in batches[: len(rates)])
        columns = (
            descent.state if descent.arrays else [array("d", column) for column in zip(*descent.state, strict=True)]
        )
        begin = time.perf_counter()
        made = stepper.run(descent.values, columns, descent.optimizer.steps, rates, listed, max_norm)
        done = len(made.losses)
        stepper.seconds = (time.perf_counter() - begin) / max(done, 1)
        if done:
            state: Any = made.state
            if not descent.arrays:
                state = list(zip(*state, strict=True)) if state else [()] * len(descent.state)
            new = made.values if self.moved is None or not descent.arrays else made.values[descent.moved]
            descent.take(new, state, steps=done, told=((losses, made.losses), (norms, made.norms)))
            self.gradient = made.gradient
        return done

    def _rates(self, count: int) -> list[float]:
        """Return the rates of the next steps, up to one that cannot be told."""
        ahead = copy.copy(self.descent.optimizer)
        rates = []
        with suppress(Exception):  # people's schedules raise what they like: it comes when its step is made
            for _ in range(count):
                rates.append(ahead.rate())
                ahead.steps += 1
        return rates


def fit(replay: Any, optimizer: Any, steps: int | Iterable[Any], executor: Any) -> list[float]:
    """Make steps of `optimizer` on `replay`, as `Replay.fit` says."""
    if isinstance(optimizer, type) or not hasattr(optimizer, "columns"):
        raise TypeError(f"optimizer must be one of nn, such as nn.SGD(model.parameters(), lr=0.1), got {optimizer!r}")
    if isinstance(steps, bool) or not isinstance(steps, Integral | Iterable):
        raise TypeError(f"steps must be a whole number, or batches, got {type(steps).__name__}: {steps!r}")
    if isinstance(steps, Integral) and steps < 0:
        raise ValueError(f"steps must be at least 0, got {steps}")
    if executor is not None:
        check_chunks(executor, is_batch=not isinstance(steps, Integral))
    descent = Descent(optimizer, replay._leaves, replay.values)
    inside = Inside(descent, None if replay.verify or executor is not None else replay._program)
    losses: list[float] = []
    try:
        for group in _groups(replay, steps, inside.ahead):
            while group:
                del group[: inside.run(group, losses, [])]
                if group:
                    loss, gradient = replay._computed(group.pop(0).rows, executor)
                    descent.take(*descent.moved_by(gradient), steps=1, told=[(losses, [loss])])
        descent.write_back()
    except BaseException:  # Ctrl-C too, wherever it struck
        descent.write_back()
        raise
    return losses


def _groups(replay: Any, steps: Any, ahead: Callable[[int], int]) -> Iterator[list[Batch]]:
    """Yield the batches of a number of steps, or those that are given, in groups."""
    if isinstance(steps, Integral):
        left, batch = int(steps), Batch(replay._batch(None))  # of the data that the inputs have now
        while left:
            size = min(left, ahead(batch.size))
            yield [batch] * size
            left -= size
    elif isinstance(steps, list | tuple):
        yield from grouped(_read_once(replay, steps), ahead)
    else:  # what makes its batches may look at what each step leads to
        yield from grouped((Batch(replay._batch(rows)) for rows in steps), lambda samples: 1)


def _read_once(replay: Any, steps: Sequence[Any]) -> Iterator[Batch]:
    """Yield the batches that are given; the same samples are read once."""
    known: dict[int, tuple[Any, Batch]] = {}  # by the `id` of the samples, which are kept, so that no others get it
    for rows in steps:
        if id(rows) not in known:
            if len(known) == MAX_READ:
                known.clear()
            known[id(rows)] = rows, Batch(replay._batch(rows))
        yield known[id(rows)][1]


def grouped(batches: Iterable[Batch], ahead: Callable[[int], int]) -> Iterator[list[Batch]]:
    """Yield batches in groups of one size, each of as many as `ahead` answers for their size.

    What raises on the way is raised after the batches before it.
    """
    group: list[Batch] = []
    most = 1
    waiting = iter(batches)
    while True:
        try:
            batch = next(waiting)
        except StopIteration:
            break
        except BaseException:  # Ctrl-C too
            yield group
            raise
        if group and batch.size != group[0].size:
            yield group
            group = []
        if not group:
            most = ahead(batch.size)
        group.append(batch)
        if len(group) >= most:
            yield group
            group = []
    yield group
