"""The passes of a replay, in order: from the recording of a graph to the program that runs.

    record               the graph of Values as flat columns                          recording/record
    canonicalize         its sums, means and products made whole                      recording/canonicalize
    vectorize            like nodes side by side: lanes                               recording/vectorize
    blocks_of            what becomes the units of one register                       recording/vectorize
    lower                the tape: operations and moves over registers                lower
    differentiate        its reverse pass, appended                                   tape/reverse
    Arrays               the Python on NumPy arrays, written and compiled             python/arrays

Without NumPy, for small graphs and where arrays gain nothing (`repeats` tells most of these before anything is made
canonical), the way is shorter:

    record, lower_singly, differentiate, Floats                                      lower, python/floats

WebAssembly and LLVM take both ways, with another end:

    Nested               loop nests, written from the tape for a target               native/, wasm/ or llvm/
    record, Single       the recording as data of a virtual machine                   wasm/

Which of them is taken is decided by what is installed and by sizes (`autodiff.replay.choice`), unless one is asked for.
Whatever comes out is checked against the eager engine before it is used (`autodiff.replay.reference`).
"""

from __future__ import annotations

import gc
import math
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from autodiff.replay.choice import BATCH_SIZE, COSTS, OPERAND, Fastest, gains, lacking, own_operation, target
from autodiff.replay.lower import lower, lower_singly
from autodiff.replay.native.nested import Nested
from autodiff.replay.python.arrays import Arrays
from autodiff.replay.python.floats import Floats
from autodiff.replay.recording.canonicalize import canonicalize, repeats
from autodiff.replay.recording.record import Recording
from autodiff.replay.recording.vectorize import blocks_of, vectorize
from autodiff.replay.rules.symbolic import Unwritable
from autodiff.replay.tape.reverse import differentiate
from autodiff.replay.tape.tape import Tape

OTHERS = 'take "auto", "arrays" or "python"'  # which run every operation
BLOCK_TIME = 5.0  # microseconds that a block of a program on arrays takes, forward and reverse
MAX_BLOCKS = 3000  # of a program on arrays
MAX_TAPES = 16  # that are kept when they are no longer used
MAX_INSTRUCTIONS = 2000  # of a tape that is kept: a longer one takes memory that its graph no longer does
TAPES: dict[Any, Tape | None] = {}
LOCK = threading.Lock()


class Program(Protocol):
    """What runs: `values` is the vector of parameters, `batch` what the program's own `batch` made of samples."""

    operand_time: float  # microseconds that an operand of the recording takes for a sample, forward and reverse, about

    @property
    def kind(self) -> str:
        """What it runs on: "arrays", "floats", "wasm" or "llvm"."""

    @property
    def tape(self) -> Tape:
        """The program as a tape."""

    @property
    def source(self) -> str:
        """The program as Python that one can read, whatever runs."""

    def batch(self, samples: Any, columns: int) -> Any:
        """Return samples as the program takes them."""

    def loss(self, values: Any, batch: Any) -> float:
        """Return the loss."""

    def gradient(self, values: Any, batch: Any) -> tuple[float, Any]:
        """Return the loss and the gradient; a loss that is not finite if the program vouches for neither."""


def compiled(recording: Recording, backend: str) -> Program:
    """Return the program of a recording on a back end, one of `BACKENDS`.

    Raises:
        ValueError: if the back end lacks an operation of the recording.
        ImportError: if it lacks a package.
    """
    collecting = gc.isenabled()
    gc.disable()  # millions of objects are made here and none in a cycle: looking for some takes most of the time
    try:
        return BACKENDS[backend](recording)
    finally:
        if collecting:
            gc.enable()


def _auto(recording: Recording) -> Program:
    """Return the program on what is here and estimated to be the fastest."""
    own = own_operation(recording)
    lacks = all(map(lacking, COSTS)) if own is None else lacking("arrays")
    tape = None if lacks else _tape_of_arrays(recording, always=False)
    if tape is not None:
        return Fastest(tape, own)
    if own is not None or lacking("wasm") or not gains(recording):
        return _python(recording)
    try:
        return _single(recording)
    except (MemoryError, Unwritable):
        return _python(recording)


def _arrays(recording: Recording) -> Program:
    _require("arrays")
    return Arrays(_tape_of_arrays(recording, always=True))  # type: ignore[arg-type]  # a tape, always


def _native(backend: str, recording: Recording) -> Program:
    """Return the program as loop nests on a target, or on the virtual machine where they gain nothing."""
    _require(backend)
    op = own_operation(recording)
    if op is not None:
        raise ValueError(f'backend="{backend}" cannot run {op}, which is not in the table: {OTHERS}')
    tape = _tape_of_arrays(recording, always=False)
    try:
        return _single(recording) if tape is None else Nested(tape, target(backend))
    except Unwritable as error:
        raise ValueError(f'backend="{backend}" cannot run an operation ({error}): {OTHERS}') from None


def _single(recording: Recording) -> Program:
    from autodiff.replay.wasm.single import Single  # here, as it needs wasmtime

    return Single(recording)


def _require(backend: str) -> None:
    """Raise if a package that a back end needs is not here."""
    needed = lacking(backend)
    if needed:
        raise ImportError(f'backend="{backend}" {needed}')


def _tape_of_arrays(recording: Recording, *, always: bool) -> Tape | None:
    """Return the tape of lanes and units; None where it would be slower than single numbers, unless it is asked for.

    The same recording gets the same tape, as long as it is among the latest: what has been written of it is used again.
    """
    key = always, recording.looks
    with LOCK:
        known = key in TAPES
        tape = TAPES.pop(key, None)
    if not known:
        tape = _lowered(recording, always=always)
    if tape is not None and len(tape.instructions) > MAX_INSTRUCTIONS:
        return tape
    with LOCK:
        TAPES[key] = tape  # as the latest
        while len(TAPES) > MAX_TAPES:
            del TAPES[next(iter(TAPES))]
    return tape


def _lowered(recording: Recording, *, always: bool) -> Tape | None:
    most = math.inf if always else _most_blocks(recording)
    if not repeats(recording, most):
        return None
    canonical = canonicalize(recording)
    graph = vectorize(canonical)
    blocks = blocks_of(graph.bundles)
    if len(blocks) > most:
        return None
    tape = lower(graph, blocks, canonical)
    differentiate(tape)
    return tape


def _most_blocks(recording: Recording) -> float:
    """Return how many blocks a program on arrays may have and gain; less than 0 of a graph without operations."""
    samples = BATCH_SIZE if recording.inputs else 1
    saved = len(recording.edges) * samples * OPERAND["python"]
    return (MAX_BLOCKS if saved > MAX_BLOCKS * BLOCK_TIME else saved / BLOCK_TIME) if saved else -1


def _python(recording: Recording) -> Program:
    tape = lower_singly(recording)
    differentiate(tape)
    return Floats(tape)


BACKENDS: dict[str, Callable[[Recording], Program]] = {
    "auto": _auto,
    "arrays": _arrays,
    "python": _python,
    "wasm": partial(_native, "wasm"),
    "llvm": partial(_native, "llvm"),
}
