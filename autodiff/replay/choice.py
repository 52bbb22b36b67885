"""Which program a recording becomes: arrays where NumPy is at hand and there is something to gain, else floats."""

from __future__ import annotations

import gc
import math
from typing import Any, Protocol

from autodiff.replay.arrays import Arrays
from autodiff.replay.contract import contract
from autodiff.replay.eager import DECLINED
from autodiff.replay.forms import TABLE
from autodiff.replay.fuse import Fuser
from autodiff.replay.record import Recording
from autodiff.replay.reroll import reroll
from autodiff.replay.straight import FloatProgram, straight
from autodiff.replay.tape import Tape
from autodiff.replay.vectors import lists, numpy_is_here, vector

# What a program costs, in microseconds, forward and reverse: an operand of a node on floats, a block on arrays.
PER_OPERAND, PER_BLOCK = 0.1, 5.0
SAMPLES = 32  # in a batch, where there are batches
MOST = 3000  # blocks of a program on arrays


class Program(Protocol):
    """What runs: `values` is the vector of parameters, `rows` what the program's own `rows` made of a batch."""

    kind: str  # what it runs on: "arrays" or "floats"
    tape: Tape

    @property
    def source(self) -> str:
        """The Python that runs."""

    def rows(self, batch: Any, columns: int) -> Any:
        """Return a batch as the program takes it."""

    def loss(self, values: Any, rows: Any) -> float:
        """Return the loss."""

    def gradient(self, values: Any, rows: Any) -> tuple[float, Any]:
        """Return the loss and the gradient; a loss that is not finite if the program vouches for neither."""


def choose(recording: Recording) -> Program:
    """Return the program of a recording."""
    collecting = gc.isenabled()
    gc.disable()  # millions of objects are made here and none in a cycle: looking for some takes most of the time
    try:
        return _choose(recording)
    finally:
        if collecting:
            gc.enable()


def _choose(recording: Recording) -> Program:
    known = TABLE.issuperset([op for op in recording.ops if op is not None])  # other rows have no form on arrays
    tape = _fused(recording) if known and numpy_is_here() else None
    return Floats(straight(recording)) if tape is None else Arrays(tape)


def _fused(recording: Recording) -> Tape | None:
    """Return the tape on arrays, None where it would be slower than single numbers."""
    whole = contract(recording)
    fuser = Fuser(reroll(whole), whole)
    blocks, operands = len(fuser.blocks), sum(map(len, recording.operands))
    samples = SAMPLES if recording.inputs else 1
    worth = blocks <= MOST and operands * samples * PER_OPERAND > blocks * PER_BLOCK
    return fuser.write() if worth else None


class Floats:
    """A program on floats, sample by sample."""

    kind = "floats"

    def __init__(self, tape: Tape) -> None:
        self.tape, self.program = tape, FloatProgram(tape)

    @property
    def source(self) -> str:
        """The Python that runs."""
        return self.program.source

    def rows(self, batch: Any, columns: int) -> Any:
        """Return a batch as lists of floats."""
        return lists(batch, columns)

    def loss(self, values: Any, rows: Any) -> float:
        """Return the mean loss."""
        numbers = values.tolist()
        try:
            return sum([self.program.loss(numbers + row) for row in rows], 0.0) / len(rows)
        except DECLINED:
            return math.nan

    def gradient(self, values: Any, rows: Any) -> tuple[float, Any]:
        """Return the mean loss and gradient."""
        numbers = values.tolist()
        try:
            results = [self.program.gradient(numbers + row) for row in rows]
        except DECLINED:
            return math.nan, vector(numbers)
        loss, slopes = results[0]
        if len(results) > 1:
            n = len(results)
            loss = sum([loss for loss, _ in results]) / n
            slopes = [sum(column) / n for column in zip(*[slopes for _, slopes in results], strict=True)]
        return loss if all(map(math.isfinite, slopes)) else math.nan, vector(slopes)
