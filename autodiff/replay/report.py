"""What a replay has made of a graph, for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autodiff.replay import tape as moves
from autodiff.replay.record import Recording
from autodiff.replay.tape import BATCH, Instruction, Tape


@dataclass(frozen=True)
class Report:
    """What was found in a graph. Printed, it is a text.

    Attributes:
        kind: "arrays" or "floats".
        operations: the operations of the recorded graph.
        parameters: the leaves that are differentiated by.
        inputs: the leaves that a batch has columns for.
        lanes: how many copies of the same graph are computed side by side; "batch": as many as a batch has samples.
        layers: the matrix products of the forward pass, as (rows, columns) of the weights.
        remainder: the instructions of the forward pass that compute a single number.
        forward: the instructions of the forward pass.
        reverse: the instructions of the reverse sweep.
        memory: bytes of data, of parameters and gradient, and of all registers together; for a batch, a sample.
    """

    kind: str
    operations: int
    parameters: int
    inputs: int
    lanes: tuple[int | str, ...]
    layers: tuple[tuple[int, int], ...]
    remainder: int
    forward: int
    reverse: int
    memory: int

    def __str__(self) -> str:
        layers = ", ".join([f"{rows} x {columns}" for rows, columns in self.layers]) or "none"
        lanes = ", ".join(map(str, self.lanes)) or "none"
        return (
            f"graph         {self.operations:,} operations, {self.parameters:,} parameters, {self.inputs:,} inputs\n"
            f"program       on {self.kind}: {self.forward:,} instructions forward, {self.reverse:,} reverse\n"
            f"lanes         {lanes}\n"
            f"layers        {layers}\n"
            f"remainder     {self.remainder:,} instructions on single numbers\n"
            f"memory        {self.memory:,} bytes"
        )


def report(recording: Recording, program: Any) -> Report:
    """Return the report of a program."""
    tape: Tape = program.tape
    forward = [instruction for instruction in tape.instructions[: tape.forward] if instruction.operands]
    products = [x for x in forward if x.op is moves.MATMUL and (x.rows is not None or x.lanes is not None)]
    size = 8 if program.kind == "arrays" else 32  # Python's float, and where it is kept
    lanes = {x.lanes for x in forward if x.lanes is not None and x.op is not moves.TAKE}  # TAKE makes matrices too
    return Report(
        kind=program.kind,
        operations=recording.size,
        parameters=recording.parameters,
        inputs=recording.inputs,
        lanes=tuple(["batch" if n == BATCH else n for n in sorted(lanes)]),
        layers=tuple([_shape(tape.instructions[x.operands[0]]) for x in products]),
        remainder=sum([x.rows is None and x.lanes is None for x in forward]),
        forward=len(forward),
        reverse=len(tape.instructions) - tape.forward,
        memory=size * (2 * recording.parameters + sum([(x.rows or 1) * abs(x.lanes or 1) for x in tape.instructions])),
    )


def _shape(weights: Instruction) -> tuple[int, int]:
    """Return the rows and columns of a matrix, or of a vector that stands for its only row."""
    rows = weights.rows or 1
    return (1, rows) if weights.lanes is None else (rows, abs(weights.lanes))
