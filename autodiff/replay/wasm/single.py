"""A recording of single numbers as data of the virtual machine, run sample by sample.

In memory lie, one after the other: the head, the code, the lists of wide operations, the numbers of all nodes (leaves
first, each result where its node stands in the recording), and at the same distance behind each its gradient.
"""

from __future__ import annotations

import math
import threading
from array import array
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from autodiff.engine import ops
from autodiff.engine.elementary import total
from autodiff.replay.lower import lower_singly
from autodiff.replay.native.code import Instance
from autodiff.replay.python.floats import Floats
from autodiff.replay.recording.record import PLACE, Kind, Recording
from autodiff.replay.tape.reverse import differentiate
from autodiff.replay.tape.tape import Tape
from autodiff.replay.vectors import all_finite, lists, vector
from autodiff.replay.wasm.machine import HEAD, LINE, MAX_OPERANDS, program
from autodiff.replay.wasm.runtime import instance

ALIGNED = 64  # bytes: what lies in memory begins at a multiple
MAX_MEMORY = 2**31  # bytes: addresses are whole numbers of 32 bits


class View(NamedTuple):
    """The memory of an instance of the machine, which belongs to one thread.

    Attributes:
        instance: what runs the machine.
        head: the numbers at its beginning.
        leaves: the numbers of parameters and inputs.
        loss: the number of the root, alone.
        gradient: the gradients of the parameters.
    """

    instance: Instance
    head: memoryview
    leaves: memoryview
    loss: memoryview
    gradient: memoryview


class Single:
    """A program on the virtual machine. Each thread has a memory of its own.

    Raises:
        MemoryError: for a graph whose addresses do not fit into 32 bits.
    """

    kind = "wasm"
    operand_time = 0.015

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        recording = unfolded(recording)
        kinds = [recording.kinds[code] for code in sorted(set(recording.codes)) if code]
        kinds.sort(key=lambda kind: (kind.op.name, kind.op.formula, repr(kind.static)))  # one machine for all orders
        self.module = program(kinds)
        leaves = [i for i, code in enumerate(recording.codes) if not code]
        order = [i for i, code in enumerate(recording.codes) if code]
        size = 8 * (len(leaves) + 1 + len(order))  # behind the leaves stands a 0, for dot products without a bias
        code = _aligned(4 * len(HEAD))
        listed = code + LINE * len(order)
        wide = _wide(recording, order)
        values = _aligned(listed + 4 * sum([end - begin for _, begin, end in wide]))
        nothing, distance = values + 8 * len(leaves), _aligned(size)
        self.size = values + distance + size
        if self.size > MAX_MEMORY:
            raise MemoryError(f"a graph of {len(order):,} operations needs more than the machine's two gigabytes")
        places = [0] * len(recording)
        for address, i in enumerate(leaves):
            places[i] = values + 8 * address
        for address, i in enumerate(order, len(leaves) + 1):
            places[i] = values + 8 * address
        lines, addresses = _code(recording, kinds, order, wide, places, listed, nothing)
        root = places[recording.root]
        head = {
            **{"code": code, "end": listed, "target": nothing + 8},
            **{"reverse code": listed - LINE, "reverse end": code - LINE, "reverse target": values + size - 8},
            **{"distance": distance, "undefined": 0, "gradients": values + distance, "bytes": size},
            "seed": root + distance,
        }
        numbers = array("d", [recording.numbers[i] for i in leaves])
        self.parts = [
            (0, array("i", [head[name] for name in HEAD]).tobytes()),
            (code, lines.tobytes()),
            (listed, addresses.tobytes()),
            (values, numbers.tobytes()),
        ]
        variable, answered = recording.parameters + recording.inputs, recording.parameters
        self.spans = [
            ("i", 0, 4 * len(HEAD)),
            ("d", values, values + 8 * variable),
            ("d", root, root + 8),
            ("d", values + distance, values + distance + 8 * answered),
        ]
        self.threads = threading.local()

    @cached_property
    def tape(self) -> Tape:
        """The same program as a tape."""
        tape = lower_singly(self.recording)
        differentiate(tape)
        return tape

    @property
    def source(self) -> str:
        """The same program in Python."""
        return Floats(self.tape).source

    def _view(self) -> View:
        """Return the memory of this thread."""
        view: View | None = getattr(self.threads, "view", None)
        if view is None:
            run = instance(self.module, self.size)
            for address, content in self.parts:
                run.memory[address : address + len(content)] = content
            spans: Any = [run.memory[start:end].cast(kind) for kind, start, end in self.spans]  # type: ignore[call-overload]  # "i" or "d"
            view = self.threads.view = View(run, *spans)
        return view

    def batch(self, samples: Any, columns: int) -> Any:
        """Return samples as lists of floats."""
        return lists(samples, columns)

    def _run(self, name: str, view: View, values: Iterable[float], row: list[float]) -> float:
        """Return the loss of one sample, nan if an operation is undefined."""
        view.leaves[:] = array("d", [*values, *row])
        view.instance.functions[name]()
        if view.head[UNDEFINED]:
            view.head[UNDEFINED] = 0
            return math.nan
        return view.loss[0]

    def loss(self, values: Any, batch: Any) -> float:
        """Return the mean loss."""
        view, numbers = self._view(), values.tolist()
        return total([self._run("forward", view, numbers, row) for row in batch]) / len(batch)

    def gradient(self, values: Any, batch: Any) -> tuple[float, Any]:
        """Return the mean loss and gradient; a loss of nan if either is not finite."""
        view, numbers = self._view(), values.tolist()
        losses, rows = [], []
        for row in batch:
            losses.append(self._run("gradient", view, numbers, row))
            rows.append(view.gradient.tolist())
        n = len(losses)
        slopes = rows[0] if n == 1 else [total(column) / n for column in zip(*rows, strict=True)]
        loss = losses[0] if n == 1 else total(losses) / n
        return loss if all_finite(slopes) else math.nan, vector(slopes)


UNDEFINED = HEAD.index("undefined")


def _aligned(address: int) -> int:
    return -(-address // ALIGNED) * ALIGNED


def _wide(recording: Recording, order: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return the nodes that take any number of operands: which in the order, and where its operands begin and end."""
    wide = {code for code, kind in enumerate(recording.kinds) if code and kind.op.arity is None}
    if not wide:
        return []
    codes, begins = recording.codes, recording.begins
    return [(k, begins[i], begins[i + 1]) for k, i in enumerate(order) if codes[i] in wide]


def _code(
    recording: Recording,
    kinds: Sequence[Kind],
    order: Sequence[int],
    wide: Sequence[tuple[int, int, int]],
    places: Sequence[int],
    listed: int,
    nothing: int,
) -> tuple[array[int], array[int]]:
    """Return the lines of the code, and the addresses that stand behind them."""
    number = {recording.code(kind): k for k, kind in enumerate(kinds)}
    operands = [places[i] for i in recording.edges] + [0] * MAX_OPERANDS
    lines = array(PLACE, bytes(LINE * len(order)))
    codes, begins = recording.codes, [recording.begins[i] for i in order]
    lines[::4] = array(PLACE, [number[codes[i]] for i in order])
    for k in range(max([kind.op.arity or 0 for kind in kinds], default=0)):  # operands that it has not are never read
        following = operands[k:]
        lines[k + 1 :: 4] = array(PLACE, [following[begin] for begin in begins])
    addresses = array(PLACE)
    for k, begin, end in wide:
        start = listed + 4 * len(addresses)
        addresses.extend(operands[begin:end])
        stop, more = listed + 4 * len(addresses), nothing
        if kinds[lines[4 * k]].op.products(()) is not None:
            stop = start + 4 * ((end - begin) // 2)
            more = operands[end - 1] if (end - begin) % 2 else nothing
        lines[4 * k + 1 : 4 * k + 4] = array(PLACE, (start, stop, more))
    return lines, addresses


def unfolded(recording: Recording) -> Recording:
    """Return the recording with products of many as chains of *, as they are computed."""
    if all([recording.kinds[code].op is not ops.PROD for code in set(recording.codes)]):
        return recording
    out = Recording(recording.parameters, recording.inputs)
    places: list[int] = []
    for op, operands, static, number, label in recording.nodes():
        if op is ops.PROD:
            place = out.add(None, (), (), 1.0, "")
            for operand in operands:
                place = out.add(ops.MUL, (place, places[operand]), (), 0.0, "")
        else:
            place = out.add(op, tuple([places[i] for i in operands]), static, number, label)
        places.append(place)
    out.root = places[recording.root]
    return out
