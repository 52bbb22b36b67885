"""What a replay has made of a graph, for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autodiff.replay.choice import BATCH_SIZE, NEEDS, Fastest, lacking, own_operation, single_time
from autodiff.replay.native.nested import Nested
from autodiff.replay.recording.record import Recording
from autodiff.replay.tape.tape import BATCH, MATMUL, SCALAR, TAKE, Instruction, Shape, Tape
from autodiff.support import browser


@dataclass(frozen=True)
class Report:
    """What was found in a graph. Printed, it is a text.

    Attributes:
        kind: "arrays", "floats", "wasm" or "llvm".
        operations: the operations of the recorded graph.
        parameters: the leaves that are differentiated by.
        inputs: the leaves that a batch has columns for.
        lanes: how many copies of the same graph are computed side by side; "batch": as many as a batch has samples.
        layers: the matrix products of the forward pass, as (rows, columns) of the weights.
        remainder: the instructions of the forward pass that compute a single number.
        forward: the instructions of the forward pass.
        reverse: the instructions of the reverse pass.
        memory: bytes of data, of parameters and gradient, and of all registers together; for a batch, a sample.
        seconds: how long it took to make the program, and to compare it with the eager engine.
        is_compared: whether there was something to compare: not where numbers overflow or are undefined, or a slope is
            infinite, if only in a branch that is not taken, at the numbers that were recorded and close by. There the
            eager engine answers, slowly.
        eager_answers: how many losses and gradients the eager engine has given since, as the program's were not finite.
        backends: of each back end, from the fastest on, why it runs the program, or why not; with microseconds that a
            run is estimated to take, forward and reverse, on the machine that `autodiff.replay.choice` names.
        rounding: whether the same numbers come out on every machine, bit by bit.
        native: the loop nests as text, for a batch of 32 samples: a line for each register that is made; None where
            no loop nests run.
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
    seconds: float
    is_compared: bool
    eager_answers: int
    backends: tuple[tuple[str, str], ...]
    rounding: str
    native: str | None

    def __str__(self) -> str:
        layers = ", ".join([f"{rows} x {columns}" for rows, columns in self.layers]) or "none"
        lanes = ", ".join(map(str, self.lanes)) or "none"
        answers = f"eagerly       {self.eager_answers:,} answers so far, slowly: numbers were not finite\n"
        eagerly = answers if self.eager_answers else ""
        return (
            f"graph         {self.operations:,} operations, {self.parameters:,} parameters, {self.inputs:,} inputs\n"
            f"program       on {self.kind}: {self.forward:,} instructions forward, {self.reverse:,} reverse\n"
            f"lanes         {lanes}\n"
            f"layers        {layers}\n"
            f"remainder     {self.remainder:,} instructions on single numbers\n"
            f"memory        {self.memory:,} bytes\n"
            f"rounding      {self.rounding}\n"
            f"made          in {self.seconds:.2g} s, {COMPARED[self.is_compared]}\n"
            f"{eagerly}"
            f"back ends     " + "\n              ".join([f"{name:<8}{why}" for name, why in self.backends])
        )


COMPARED = {
    True: "comparison included",
    False: "with nothing to compare: numbers or slopes are not finite here, and such the eager engine answers, slowly",
}
NOTHING = "gains nothing, as too little is alike to be put side by side"
ALONE = "each operation is rounded by itself, and functions are its own: the same bits on every machine"
ROUNDING = {
    "llvm": "products are fused with sums, in an order that fits this processor: another may round otherwise",
    "wasm": ALONE
    if browser.IS_HERE
    else "products of vectors are fused with sums, and functions are its own: the same bits on every machine",
    "arrays": "products and functions are NumPy's, which another machine may round otherwise",
    "floats": "each operation is rounded by itself; functions are Python's, which another machine may round otherwise",
}


def report(
    recording: Recording, program: Any, backend: str, seconds: float, *, is_compared: bool, eager_answers: int
) -> Report:
    """Return the report of a program.

    Args:
        recording: the graph.
        program: what was made of it.
        backend: the name of a back end, by which it was asked for, or "auto".
        seconds: how long it took to make.
        is_compared: whether it was compared with the eager engine.
        eager_answers: how many answers the eager engine has given in its place.
    """
    tape: Tape = program.tape
    forward = [instruction for instruction in tape.instructions[: tape.forward] if instruction.operands]
    products = [x for x in forward if x.op is MATMUL and x.shape != SCALAR]
    lanes = {
        x.shape.lanes for x in forward if x.shape.lanes is not None and x.op is not TAKE
    }  # TAKE makes matrices too
    runs = program.program(BATCH_SIZE) if isinstance(program, Fastest) else program
    size = 32 if runs.kind == "floats" else 8  # Python's float, and where it is kept
    return Report(
        kind=runs.kind,
        operations=recording.size,
        parameters=recording.parameters,
        inputs=recording.inputs,
        lanes=tuple(["batch" if n == BATCH else n for n in sorted(lanes)]),
        layers=tuple([_matrix(tape.shape(x.operands[0])) for x in products]),
        remainder=sum([x.shape == SCALAR for x in forward]),
        forward=len(forward),
        reverse=len(tape.instructions) - tape.forward,
        memory=runs.size
        if runs.kind in ("wasm", "llvm")
        else size * (2 * recording.parameters + sum(map(_places, tape.instructions))),
        seconds=seconds,
        is_compared=is_compared,
        eager_answers=eager_answers,
        backends=_backends(recording, program, backend),
        rounding=ALONE if runs.kind == "wasm" and not isinstance(runs, Nested) else ROUNDING[runs.kind],
        native=runs.text(BATCH_SIZE) if isinstance(runs, Nested) else None,
    )


def _backends(recording: Recording, program: Any, backend: str) -> tuple[tuple[str, str], ...]:
    """Return of each back end why it runs the program, or why not."""
    taken = "python" if program.kind == "floats" else program.kind
    if backend != "auto":
        return ((backend, "was asked for" + ("" if taken == backend else f", but {NOTHING}: {taken} runs it")),)
    if isinstance(program, Fastest):
        return _by_size(recording, program)
    own, samples = own_operation(recording), BATCH_SIZE if recording.inputs else 1
    found = []
    for name in NEEDS:
        if own is not None and name in ("llvm", "wasm"):
            why = f"cannot run {own}, which is not in the table"
        elif name in ("llvm", "arrays"):
            why = lacking(name) or NOTHING
        elif name == "wasm":
            why = lacking(name) or f"{_shown(samples * single_time(recording, name))} by its virtual machine"
        else:
            why = _shown(samples * single_time(recording, name))
        found.append((name, why + (": taken" if name == taken else "")))
    return tuple(found)


def _by_size(recording: Recording, program: Fastest) -> tuple[tuple[str, str], ...]:
    """Return the same of a program that may take others for other sizes of a batch."""
    samples = BATCH_SIZE if program.batched else 1
    times = program.times(samples) | {"python": samples * single_time(recording, "python")}
    of = f" for a batch of {samples}" if program.batched else ""
    taken, descending = _taken(program.ranges()), _taken(program.ranges(steps=True))
    found = []
    for name in NEEDS:
        why = program.refused.get(name) or lacking(name) or f"{_shown(times[name])}{of}"
        if name in taken:
            why += f": taken{taken[name]}"
        if descending.get(name) != taken.get(name):
            why += f"; in fit {'taken' + descending[name] if name in descending else 'not taken'}"
        found.append((name, why))
    return tuple(found)


def _taken(starts: list[tuple[int, str]]) -> dict[str, str]:
    """Return for which sizes of a batch each back end is taken that is; nothing for all sizes."""
    ranges: dict[str, str] = {}
    ends: list[int | None] = [*[start - 1 for start, _ in starts[1:]], None]
    for (start, name), end in zip(starts, ends, strict=True):
        where = f" for batches of {start} to {end}" if end else f" for batches from {start} on" if start > 1 else ""
        ranges[name] = ranges[name] + " and" + where if name in ranges else where
    return ranges


def _shown(time: float) -> str:
    return f"about {time:,.0f} us" if time >= 1 else "less than 1 us"


def _matrix(weights: Shape) -> tuple[int, int]:
    """Return the rows and columns of a matrix, or of a vector that stands for its only row."""
    units = weights.units or 1
    return (1, units) if weights.lanes is None else (units, abs(weights.lanes))


def _places(instruction: Instruction) -> int:
    """Return how many numbers a register holds; of a batch, for a sample."""
    return (instruction.shape.units or 1) * abs(instruction.shape.lanes or 1)
