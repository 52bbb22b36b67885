"""The program that runs a tape on NumPy arrays, and its source: one function that a person might have written."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from copy import copy
from functools import partial
from typing import Any

from autodiff.engine.ops import Op
from autodiff.replay.python.source import DECLINED, Line, Writer, float_functions
from autodiff.replay.tape.tape import CONSTANT, MATMUL, PARAMETERS, SCALAR, Index, Tape
from autodiff.replay.vectors import matrix

CALLED = ("np", "arrays", "defined", "put_rows", "put_lanes", "stack")  # beside the functions of floats
RESERVED = ("theta", "dtheta", "batch", "program", "forward", "gradient")
Bound = tuple[Any, Any, Callable[..., float], Callable[..., float]]  # values, gradient, and the functions on them


class Arrays:
    """A program on arrays. Each thread has buffers of its own."""

    kind = "arrays"
    operand_time = 0.001

    def __init__(self, tape: Tape) -> None:
        import numpy as np

        self.np, self.tape = np, tape
        self.source, data, own = array_source(tape)
        self.batched = tape.batched
        self.data = {name: np.array(numbers) for name, numbers in data.items()}
        made: dict[str, Any] = {}  # apart from what it reads, or it would be a cycle for the collector
        exec(compile(self.source, "<replay>", "exec"), array_functions(own), made)
        self.program: Callable[..., tuple[Callable[..., float], Callable[..., float]]] = made["program"]
        self.threads = threading.local()

    def _bound(self, values: Any) -> Bound:
        """Return the functions of this thread on these values, and the gradient that they write to."""
        bound: Bound | None = getattr(self.threads, "bound", None)
        if bound is None or bound[0] is not values:
            gradient = self.np.zeros(len(values))
            bound = self.threads.bound = (values, gradient, *self.program(values, gradient, **self.data))
        return bound

    def batch(self, samples: Any, columns: int) -> Any:
        """Return samples as a matrix, one a row."""
        return matrix(samples, columns)

    def loss(self, values: Any, batch: Any) -> float:
        """Return the mean loss."""
        _, _, loss, _ = self._bound(values)
        try:
            with self.np.errstate(all="ignore"):
                return loss(batch) if self.batched else loss()
        except DECLINED:
            return math.nan

    def gradient(self, values: Any, batch: Any) -> tuple[float, Any]:
        """Return the mean loss and gradient, in the buffer of this thread; a loss of nan if either is not finite."""
        _, slopes, _, gradient = self._bound(values)
        try:
            with self.np.errstate(all="ignore"):
                loss = gradient(batch) if self.batched else gradient()
                finite = math.isfinite(slopes.dot(slopes)) or self.np.isfinite(slopes).all()
                return loss if finite else math.nan, slopes
        except DECLINED:
            return math.nan, slopes


class ArrayWriter(Writer):
    """Writes a tape of arrays. Data and indices become arguments, parts of the vector of parameters become views."""

    calls_in_groups = False

    def __init__(self, tape: Tape) -> None:
        given = {register for register in range(len(tape.instructions)) if _is_given(tape, register)}
        super().__init__(tape, {*float_functions(), *CALLED, *RESERVED}, given, frozenset(_columns(tape) & given))
        self.data: dict[str, Any] = {}
        self.indices: dict[Index, str] = {}
        self.views: list[str] = []
        self.added: list[str] = []
        for register, (op, _, static, shape) in enumerate(tape.instructions):
            if op is CONSTANT and shape != SCALAR:
                self.data[self.called(register)] = static[0]
            elif op is PARAMETERS and shape != SCALAR:
                view = view_of("theta", static[0], tape.parameters)
                column = "[:, None]" if register in self.columns else ""
                if view == "theta" and not column:
                    self.name[register] = view
                elif view:
                    self.views.append(f"{self.called(register)} = {view}{column}")

    def index(self, index: Index, *, array: bool = False) -> str:
        """Return places as they are written in brackets: one, a slice, or the name of an array of them."""
        if isinstance(index, int):
            return str(index)
        text = slice_of(index) if isinstance(index[0], int) and not array else ""
        if text:
            return text
        if index not in self.indices:
            self.indices[index] = self.names.new("places")
            self.data[self.indices[index]] = index
        return self.indices[index]

    def gradient(self, lines: list[Line]) -> list[str]:
        """Return the lines of the reverse pass, and among them, as early as can be, what writes the gradient.

        Where parts of the gradient overlap, they are added up. What is in none stays the 0 that it is from the start.
        """
        everything = tuple(range(self.tape.parameters))
        parts = sorted(self.tape.gradient, key=lambda part: part[1] != everything)
        places = [place for _, index in parts for place in places_of(index)]
        apart = len(places) == len(set(places))
        after: list[list[str]] = [[] for _ in range(len(lines) + 1)]
        made = {line.register: k for k, line in enumerate(lines, start=1)}
        earliest = 0
        if not apart and parts[0][1] != everything:
            after[0].append("dtheta[:] = 0.0")
        for k, (register, index) in enumerate(parts):
            text, reads = self.inlined.pop(register, (self.text(register), (register,)))
            first = not k and index == everything
            position = max([made.get(read, 0) for read in reads] + [earliest])
            product = self.tape.instructions[register].op is MATMUL
            after[position].append(self._statement(index, text, set_to=apart or first, product=product))
            earliest = position if first else earliest
        result = after[0]
        for line, following in zip(lines, after[1:], strict=True):
            result += [_line(line), *following]
        return result

    def _statement(self, index: Index, text: str, *, set_to: bool, product: bool) -> str:
        name = self._gradient_view(index)
        if not name:
            return f"np.add.at(dtheta, {self.index(index, array=True)}, {text})"
        if not set_to:
            return f"{name} += {text}"
        factors = text.split(" @ ") if product else []  # a sum of products has such signs, too
        if len(factors) == 2 and not name.startswith("dtheta"):
            return f"np.matmul({factors[0]}, {factors[1]}, out={name})"
        return f"{name} = {text}" if name.startswith("dtheta") else f"{name}[:] = {text}"

    @property
    def nonlocals(self) -> list[str]:
        """The declaration of the views that the gradient is added up in."""
        return [f"nonlocal {', '.join(self.added)}"] if self.added else []

    def _gradient_view(self, index: Index) -> str:
        if index == tuple(range(self.tape.parameters)):
            return "dtheta[:]"
        if isinstance(index, int):
            return f"dtheta[{index}]"
        view = view_of("dtheta", index, self.tape.parameters)
        if not view:
            places = places_of(index)
            return f"dtheta[{self.index(index)}]" if len(set(places)) == len(places) else ""
        leaf = next(i for i, x in enumerate(self.tape.instructions) if x.op is PARAMETERS and x.static == (index,))
        name = self.names.new("d" + self.called(leaf))
        self.added.append(name)
        self.views.append(f"{name} = {view}")
        return name


def _is_given(tape: Tape, register: int) -> bool:
    """Return whether a register is an argument or a view."""
    op, _, static, shape = tape.instructions[register]
    if op is CONSTANT:
        return shape != SCALAR
    return op is PARAMETERS and shape != SCALAR and bool(view_of("theta", static[0], tape.parameters))


def _columns(tape: Tape) -> set[int]:
    """Return the registers of parameters that are used along the lanes alone, as biases are: views of columns."""
    columns: set[int] = set()
    others: set[int] = set()
    for op, operands, _, shape in tape.instructions:
        for operand in operands:
            used = tape.instructions[operand]
            if used.op is PARAMETERS and used.shape.units and not used.shape.lanes:
                (columns if isinstance(op, Op) and shape.units and shape.lanes else others).add(operand)
    return columns - others


def array_source(tape: Tape) -> tuple[str, dict[str, Any], dict[Op, str]]:
    """Return the source of a tape, the data that its function `program` takes, and the names of people's operations."""
    parts = {register for register, _ in tape.gradient}  # written into the vector, under the names of its parts
    tape = copy(tape)
    tape.names = {register: name for register, name in tape.names.items() if register not in parts}
    writer = ArrayWriter(tape)
    for register, _ in tape.gradient:
        writer.uses[register] += 1
    reverse = range(tape.forward, len(tape.instructions))
    crossing = [operand for i in reverse for operand in tape.instructions[i].operands if operand < tape.forward]
    kept = frozenset([tape.root, *crossing])
    forward = writer.lines(range(tape.forward), kept)
    backward = writer.gradient(writer.lines(reverse, kept))
    answer = f"return {writer.text(tape.root)}"
    argument = "batch" if tape.batched else ""
    text = "\n".join(
        [
            f"def program({', '.join(['theta', 'dtheta', *writer.data])}):",
            *_indented(writer.views, 1),
            "",
            f"    def forward({argument}):",
            *_indented([*map(_line, needed(forward, tape.root)), answer], 2),
            "",
            f"    def gradient({argument}):",
            *_indented([*writer.nonlocals, *map(_line, forward), "", *backward, answer], 2),
            "",
            "    return forward, gradient",
            "",
        ]
    )
    return text, writer.data, writer.own


def array_functions(own: dict[Op, str]) -> dict[str, Any]:
    """Return what the source of a tape calls, by name; `own` are the names of operations that people have made."""
    import numpy as np

    from autodiff.replay.python import numpy_functions

    known = {"np": np, "arrays": numpy_functions}
    called = {name: known.get(name) or getattr(numpy_functions, name) for name in CALLED}
    return float_functions() | called | {name: numpy_functions.each(partial(_answer, op)) for op, name in own.items()}


def _answer(op: Op, *numbers: float) -> float:
    """Return what an operation answers for its operands one by one, then its static arguments."""
    count = len(numbers) - op.static
    return op.value(*op.grouped(numbers[:count], numbers[count:]))


def _line(line: Line) -> str:
    return f"{line.name} = {line.expression}"


def _indented(lines: list[str], depth: int) -> list[str]:
    return [("    " * depth + line).rstrip() for line in lines]


def needed(lines: list[Line], root: int) -> list[Line]:
    """Return the lines that the register of `root` is computed from, itself among them."""
    read = {root}
    result = []
    for line in reversed(lines):
        if line.register in read:
            read.update(line.reads)
            result.append(line)
    return result[::-1]


# Places of a vector as Python writes them: slices, and views of the vector as a matrix.


def places_of(index: Index) -> list[int]:
    """Return all places of an index, one by one."""
    if isinstance(index, int):
        return [index]
    return [place for part in index for place in places_of(part)]


def slice_of(index: tuple[int, ...]) -> str:
    """Return the slice that takes these places, nothing if none does."""
    step = index[1] - index[0] if len(index) > 1 else 1
    if step < 1 or index != tuple(range(index[0], index[-1] + 1, step)):
        return ""
    return f"{index[0]}:{index[-1] + 1}" + (f":{step}" if step > 1 else "")


def view_of(vector: str, index: Index, length: int) -> str:
    """Return the view of a vector that has these places, in a row or as a matrix; nothing if there is none."""
    if isinstance(index[0], int):
        if index == tuple(range(length)):
            return vector if vector == "theta" else ""
        text = slice_of(index)
        return text and f"{vector}[{text}]"
    first, columns = index[0][0], len(index[0])
    stride = index[1][0] - first if len(index) > 1 else columns
    if stride < columns or any(
        row != tuple(range(first + i * stride, first + i * stride + columns)) for i, row in enumerate(index)
    ):
        return ""
    before = max(0, first + len(index) * stride - length)  # the last row must not reach beyond the vector
    start = first - before
    if start < 0:
        return ""
    matrix = f"{vector}[{start}:{start + len(index) * stride}].reshape({len(index)}, {stride})"
    return matrix if columns == stride else f"{matrix}[:, {before}:{before + columns}]"
