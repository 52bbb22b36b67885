"""The memory in which steps of descent are made, as many as a call is asked for."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from autodiff.replay.native.code import Instance, Target
from autodiff.replay.native.module import Nests
from autodiff.replay.vectors import vector

MAX_KEPT = 2**26  # bytes of samples that stay in memory from call to call
MAX_MEMORY = 2**31  # bytes: addresses are whole numbers of 32 bits


class Made(NamedTuple):
    """What steps have led to.

    Attributes:
        losses: the loss before each step; fewer than were asked for where one could not be made.
        norms: the norm of the gradient of each, before it was clipped.
        values: the parameters.
        state: of each number of the optimizer's state those of all parameters that it moves.
        gradient: the gradient of the last step, as it was descended.
    """

    losses: list[float]
    norms: list[float]
    values: Any
    state: tuple[Any, ...]
    gradient: Any


def filled(target: Target, module: Nests) -> Instance:
    """Return a module with its memory, in which there is what is in it from the start."""
    instance = target.instance(module.code, module.memory.size)
    for address, content in module.memory.contents:
        instance.memory[address : address + len(content)] = content
    return instance


class Stepper:
    """Steps on batches of so many samples, by one rule.

    Attributes:
        most: how many steps a call can make.
        seconds: how long a step took lately; 0.0 before the first.
    """

    def __init__(self, module: Nests, target: Target) -> None:
        assert module.steps is not None, "the module has been made with a rule"
        self.module, self.addresses = module, module.steps
        self.instance = filled(target, module)
        self.most, self.seconds = module.steps.most, 0.0
        self.end = module.memory.size  # of memory that is in use
        self.held: dict[int, tuple[Any, array[int]]] = {}  # samples in memory, by their `id`, and their addresses

    def floats(self, address: int, count: int) -> Any:
        """Return numbers in memory."""
        return self.instance.memory[address : address + 8 * count].cast("d")

    def listed(self, batches: Iterable[tuple[Any, Sequence[int]]]) -> array[int]:
        """Return the addresses of the samples of some batches, which are put into memory unless they are there.

        Each batch is a matrix, one sample a row, and which of the rows.

        Raises:
            MemoryError: if there are too many samples.
        """
        found = array("i")
        if not self.module.columns:
            return found
        if self.end - self.module.memory.size > MAX_KEPT:
            self.forget()
        for rows, places in batches:
            if id(rows) not in self.held:
                address, width = self._placed(rows), 8 * len(rows[0])
                self.held[id(rows)] = rows, array("i", range(address, address + width * len(rows), width))
            addresses = self.held[id(rows)][1]
            whole = isinstance(places, range) and len(places) == len(addresses)
            found.extend(addresses if whole else [addresses[place] for place in places])
        return found

    def _placed(self, rows: Any) -> int:
        """Put samples into memory, and return their address."""
        content = array("d", [x for row in rows for x in row]) if isinstance(rows, list) else rows.tobytes()
        size = memoryview(content).nbytes
        if self.end + size > MAX_MEMORY:
            raise MemoryError(f"{size:,} bytes of samples, and what is in memory, are more than {MAX_MEMORY:,}")
        address = self.end
        if address + size > len(self.instance.memory):
            self.instance.grow(max(address + size, min(2 * len(self.instance.memory), MAX_MEMORY)))
        self.instance.memory[address : address + size] = memoryview(content).cast("B")
        self.end += size
        return address

    def forget(self) -> None:
        """Forget what samples there are in memory."""
        self.held.clear()
        self.end = self.module.memory.size

    def run(
        self,
        values: Any,
        state: Sequence[Any],
        before: int,
        rates: Sequence[float],
        listed: array[int],
        max_norm: float,
    ) -> Made:
        """Make steps, one for each rate, as long as loss and gradient are finite.

        Args:
            values: the parameters.
            state: of each number of the optimizer's state those of all parameters that it moves.
            before: how many steps the optimizer has made.
            rates: the learning rate of each step.
            listed: the address of each sample, batch by batch.
            max_norm: the largest norm of a gradient.
        """
        at, module, memory = self.addresses, self.module, self.instance.memory
        count = len(values)
        for address, number in ((at.left, len(rates)), (at.done, 0), (at.before, before), (at.max_norm, max_norm)):
            self.floats(address, 1)[0] = number
        self.floats(at.rates, len(rates))[:] = array("d", rates)
        memory[at.rows : at.rows + 4 * len(listed)] = memoryview(listed).cast("B")
        self.floats(module.parameters, count)[:] = values
        for address, numbers in zip(at.states, state, strict=True):
            self.floats(address, at.count)[:] = numbers
        self.instance.functions["steps"]()
        memory[:4].cast("i")[0] = 0  # whether an operation was undefined, which ends the steps
        done = int(self.floats(at.done, 1)[0])
        return Made(
            self.floats(at.losses, done).tolist(),
            self.floats(at.norms, done).tolist(),
            vector(self.floats(module.parameters, count)),
            tuple([vector(self.floats(address, at.count)) for address in at.states]),
            vector(self.floats(module.gradient, count)),
        )
