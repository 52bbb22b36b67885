"""Which back end runs a program: what is installed, what it can run, and what a run is estimated to cost."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, NamedTuple

from autodiff.engine import ops
from autodiff.engine.ops import Op
from autodiff.replay.native.code import Target
from autodiff.replay.native.nested import Nested
from autodiff.replay.python.arrays import Arrays
from autodiff.replay.recording.record import Recording
from autodiff.replay.rules.symbolic import Unwritable
from autodiff.replay.tape.tape import BATCH, KNOWN, MATMUL, Shape, Tape
from autodiff.replay.vectors import numpy_is_here
from autodiff.support import browser

MAX_BATCH = 2**16  # samples, up to which it is asked where another back end is faster
BATCH_SIZE = 32  # samples that a batch is taken to have, where its size is not known
GAIN = 1.5  # times as fast as Python the virtual machine must be to be taken, as it takes a tenth of a second to begin
# Operations that ask for no function:
ARITHMETIC = {ops.ADD, ops.SUB, ops.MUL, ops.DIV, ops.NEG, ops.ABS, ops.SIGN, ops.RELU, ops.HEAVISIDE, ops.STEP}
ARITHMETIC |= {ops.MAX, ops.MIN, ops.SUM, ops.MEAN, ops.CLIP}


class Needs(NamedTuple):
    """What a back end needs.

    Attributes:
        modules: what must be installed.
        install: how it is.
    """

    modules: tuple[str, ...]
    install: str


NEEDS = {  # what must be installed, from the fastest back end to the one that needs nothing
    "llvm": Needs(("llvmlite", "numpy"), "pip install 'autodiff-scalar[native]'"),
    "wasm": Needs(() if browser.IS_HERE else ("wasmtime",), "pip install wasmtime"),  # a browser runs it itself
    "arrays": Needs(("numpy",), "pip install 'autodiff-scalar[replay]'"),
    "python": Needs((), ""),
}


class Cost(NamedTuple):
    """What a run costs, forward and reverse, in microseconds.

    Attributes:
        call: a call, whatever it does.
        instruction: an instruction of the tape.
        product: a million floating point operations of matrix products.
        element: a thousand elements of arithmetic.
        function: a thousand elements of other operations.
    """

    call: float
    instruction: float
    product: float
    element: float
    function: float


# Measured on one shared core with AVX-512 at 2.3 GHz: NumPy 2 with one thread of OpenBLAS, wasmtime 50, LLVM 22. They
# are the least squares of networks of 1 to 16 layers, 2 to 512 wide, with batches of 1 to 512; nine of ten gradients
# took between 0.6 and 1.5 times as long.
COSTS = {
    "llvm": Cost(7.0, 0.05, 36.0, 0.4, 4.0),
    "wasm": Cost(18.0, 0.17, 130.0, 0.8, 10.0),
    "arrays": Cost(3.0, 2.0, 33.0, 0.8, 9.0),
}
# What a step of a descent takes beside, and what for each parameter; loop nests make many steps in a call.
STEP = {"llvm": (-6.0, 0.0005), "wasm": (-16.0, 0.001), "arrays": (20.0, 0.0026)}
# Of a graph of single numbers, measured on chains of 3 to 3,000 operations: a call, and each operand.
CALL = {"wasm": 20.0, "python": 4.0}
OPERAND = {"wasm": 0.019, "python": 0.1}


class Work(NamedTuple):
    """What a run of a tape does: so many instructions, operations of matrix products, elements of each sort."""

    instructions: int
    products: float
    elements: int
    functions: int

    def time(self, cost: Cost) -> float:
        """Return how many microseconds it takes."""
        return (
            cost.call
            + cost.instruction * self.instructions
            + cost.product * self.products * 1e-6
            + (cost.element * self.elements + cost.function * self.functions) * 1e-3
        )


def work(tape: Tape, samples: int) -> Work:
    """Return what a run of a tape does on a batch of so many samples."""
    instructions, products, elements, functions = 0, 0.0, 0, 0

    def places(shape: Shape) -> int:
        units, lanes = [samples if length == BATCH else length or 1 for length in shape]
        return units * lanes

    for op, operands, _, shape in tape.instructions:
        if not operands:
            continue
        instructions += 1
        sizes = [places(tape.shape(operand)) for operand in operands]
        if op is MATMUL:
            products += 2 * (sizes[0] * sizes[1] * places(shape)) ** 0.5  # (m k) (k n) (m n) is (m k n) squared
        elif op in ARITHMETIC or not isinstance(op, Op):
            elements += max(places(shape), *sizes)
        else:
            functions += max(places(shape), *sizes)
    return Work(instructions, products, elements, functions)


def own_operation(recording: Recording) -> Op | None:
    """Return an operation that people have made, if there is one: it has no form but its own Python."""
    ops = [recording.kinds[code].op for code in sorted(set(recording.codes)) if code]
    return next((op for op in ops if op not in KNOWN), None)


def single_time(recording: Recording, backend: str) -> float:
    """Return how many microseconds a run of single numbers takes for a sample: in Python, or on the virtual machine."""
    return CALL[backend] + OPERAND[backend] * len(recording.edges)


def gains(recording: Recording) -> bool:
    """Return whether the virtual machine is worth its while for a graph of single numbers."""
    return GAIN * single_time(recording, "wasm") < single_time(recording, "python")


def lacking(backend: str) -> str:
    """Return what is not installed of what a back end needs, and how it is installed; nothing if all is here."""
    modules, install = NEEDS[backend]
    for name in modules:
        if not (numpy_is_here() if name == "numpy" else find_spec(name)):
            return f"needs {'NumPy' if name == 'numpy' else name}: {install}"
    return ""


def target(backend: str) -> Target:
    """Return what loop nests are built for."""
    if backend == "llvm":
        from autodiff.replay.llvm.target import LLVM  # here, as neither is needed by all

        return LLVM()
    from autodiff.replay.wasm.target import Wasm

    return Wasm()


class Fastest:
    """A tape on what is estimated to run it fastest, for each size of batch: loop nests, or NumPy's arrays.

    Args:
        tape: the program.
        own: an operation of it that people have made, which is Python: loop nests call none.

    Attributes:
        refused: why a back end cannot run the tape.
    """

    operand_time = Arrays.operand_time

    def __init__(self, tape: Tape, own: Op | None) -> None:
        self.tape = tape
        self.batched = tape.batched
        cannot = f"cannot run {own}, which is not in the table"
        self.refused = {name: cannot for name in COSTS if own is not None and name != "arrays"}
        self.chosen: dict[tuple[int, bool], str] = {}
        self.programs: dict[str, Any] = {}
        self.program(BATCH_SIZE)

    def times(self, samples: int, *, steps: bool = False) -> dict[str, float]:
        """Return how many microseconds a run is estimated to take on each back end that is here and can run it.

        Args:
            samples: of a batch.
            steps: whether a run is a whole step of a descent, of which loop nests make many in a call.
        """
        its = work(self.tape, samples)
        here = [name for name in COSTS if name not in self.refused and not lacking(name)]
        return {
            name: its.time(COSTS[name]) + (STEP[name][0] + STEP[name][1] * self.tape.parameters if steps else 0.0)
            for name in here
        }

    def fastest(self, samples: int, *, steps: bool = False) -> str:
        """Return the back end that is estimated to be the fastest."""
        times = self.times(samples, steps=steps)
        return min(times, key=times.__getitem__)

    def program(self, samples: int, *, steps: bool = False) -> Any:
        """Return the program for so many samples."""
        samples = samples if self.batched else 1
        while (samples, steps) not in self.chosen:
            name = self.fastest(samples, steps=steps)
            try:
                if name not in self.programs:
                    self.programs[name] = Arrays(self.tape) if name == "arrays" else Nested(self.tape, target(name))
                self.chosen[samples, steps] = name
            except Unwritable as error:
                self.refused[name] = f"cannot run {error}"
        return self.programs[self.chosen[samples, steps]]

    def ranges(self, *, steps: bool = False) -> list[tuple[int, str]]:
        """Return from which size of a batch on which back end is taken."""
        found = [(1, self.fastest(1, steps=steps))]
        size = 1
        while self.batched and size < MAX_BATCH:
            low, size = size, 2 * size
            following = self.fastest(size, steps=steps)
            if following != found[-1][1]:
                high = size
                while high - low > 1:
                    middle = (low + high) // 2
                    low, high = (low, middle) if self.fastest(middle, steps=steps) == following else (middle, high)
                found.append((high, following))
        return found

    @property
    def kind(self) -> str:
        """What runs a batch of usual size."""
        return str(self.program(BATCH_SIZE).kind)

    @property
    def source(self) -> str:
        """The program in Python."""
        return str(self.program(BATCH_SIZE).source)

    def batch(self, samples: Any, columns: int) -> Any:
        """Return samples as a matrix, one a row."""
        return self.program(BATCH_SIZE).batch(samples, columns)

    def _of(self, batch: Any) -> Any:
        return self.program(len(batch) if self.batched else 1)

    def loss(self, values: Any, batch: Any) -> float:
        """Return the mean loss."""
        return float(self._of(batch).loss(values, batch))

    def gradient(self, values: Any, batch: Any) -> tuple[float, Any]:
        """Return the mean loss and gradient, in a vector that the next call may overwrite."""
        answer: tuple[float, Any] = self._of(batch).gradient(values, batch)
        return answer
