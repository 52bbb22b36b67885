"""The program that runs a tape on NumPy arrays, and its source: one function that a person might have written."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any

from autodiff.ops import Op
from autodiff.replay import forms
from autodiff.replay import tape as moves
from autodiff.replay.eager import DECLINED
from autodiff.replay.source import Line, Writer, needed
from autodiff.replay.tape import BATCH, Tape
from autodiff.replay.vectors import lists

RESERVED = ("theta", "dtheta", "batch", "program", "forward", "gradient")
Index = Any  # one place, or a tuple of places
Bound = tuple[Any, Any, Callable[..., float], Callable[..., float]]  # values, gradient, and the functions on them


class ArrayWriter(Writer):
    """Writes a tape of arrays. Data and indices become arguments, parts of the vector of parameters become views."""

    def __init__(self, tape: Tape) -> None:
        import numpy as np

        from autodiff.replay import numpy_forms

        moving = (numpy_forms.defined, numpy_forms.put_rows, numpy_forms.put_lanes, numpy_forms.stack)
        self.functions = {**forms.float_functions(), **{function.__name__: function for function in moving}}
        self.functions |= {"np": np, "arrays": numpy_forms}
        super().__init__(tape, {*self.functions, *RESERVED})
        self.data: dict[str, Any] = {}
        self.indices: dict[Index, str] = {}
        self.views: list[str] = []
        self.added: list[str] = []
        self.columns = self._columns()
        for register, (op, _, settings, rows, lanes) in enumerate(tape.instructions):
            if op is moves.CONSTANT and (rows is not None or lanes is not None):
                self.data[self.called(register)] = settings
            elif op is moves.PARAMETERS and rows is not None:
                view = _view("theta", settings[0], tape.parameters)
                column = "[:, None]" if register in self.columns else ""
                if view == "theta" and not column:
                    self.name[register] = view
                elif view:
                    self.views.append(f"{self.called(register)} = {view}{column}")

    def _columns(self) -> set[int]:
        """Return the registers of parameters that are used along the lanes alone, as biases are: views of columns."""
        columns: set[int] = set()
        others: set[int] = set()
        for op, operands, _, rows, lanes in self.tape.instructions:
            for operand in operands:
                shape = self.tape.instructions[operand]
                if shape.op is moves.PARAMETERS and shape.rows and not shape.lanes:
                    (columns if isinstance(op, Op) and rows and lanes else others).add(operand)
        return {register for register in columns - others if self.given(register)}

    def column(self, register: int) -> str:
        """Return how rows are spread over lanes, nothing where the view is a column."""
        return "" if register in self.columns else super().column(register)

    def is_number(self, register: int) -> bool:
        """Return whether a register has neither rows nor lanes: in the program it is a float."""
        _, _, _, rows, lanes = self.tape.instructions[register]
        return rows is None and lanes is None

    def given(self, register: int) -> bool:
        """Return whether a register is an argument or a view."""
        op, _, settings, rows, lanes = self.tape.instructions[register]
        if op is moves.CONSTANT:
            return rows is not None or lanes is not None
        return op is moves.PARAMETERS and rows is not None and bool(_view("theta", settings[0], self.tape.parameters))

    def literal(self, register: int) -> str:
        """Return a number as it is written, whether or not it has a name."""
        number = self.tape.number(register)
        return "" if number is None else super().literal(register)

    def form(self, register: int) -> str | None:
        """Return the form of a row on floats or on arrays."""
        op, operands, settings, *_ = self.tape.instructions[register]
        if self.is_number(register) and all(map(self.is_number, operands)):
            return super().form(register)
        step, watched = register in self.factors, register in self.tape.watched
        signed = self.signed and register < self.tape.forward
        form = forms.array_form(op, settings, step=step, watched=watched, signed=signed)  # type: ignore[arg-type]  # a row
        return f"float({form})" if self.is_number(register) else form

    def move(self, register: int, texts: list[str]) -> str:
        """Return a move."""
        text = self._move(register, texts)
        op, *_ = self.tape.instructions[register]
        if op in (moves.MATMUL, moves.TOTAL) and self.is_number(register):
            return f"float({text})"
        return text

    def _move(self, register: int, texts: list[str]) -> str:
        op, operands, settings, rows, lanes = self.tape.instructions[register]
        if op is moves.MATMUL:
            a, b = [text + (".T" if transposed else "") for text, transposed in zip(texts, settings, strict=True)]
            return f"{a} @ {b}"
        if op is moves.TAKE:
            axis, index = settings
            if self.is_number(register):
                return f"{texts[0]}.item({index})"
            has_rows = self.tape.instructions[operands[0]].rows is not None
            return f"{texts[0]}[{'..., ' if axis == 'lanes' and has_rows else ''}{self.index(index)}]"
        if op is moves.PUT:
            axis, places, length = settings
            pairs = [f"{self.index(place, array=True)}, {text}" for place, text in zip(places, texts, strict=True)]
            return f"put_{axis}({length}, {', '.join(pairs)})"
        if op is moves.STACK:
            parts = [
                f"({text},)" if self.tape.instructions[operand].rows is None else text
                for operand, text in zip(operands, texts, strict=True)
            ]
            return f"stack({', '.join(parts)})"
        if op is moves.TOTAL:
            return f"{texts[0]}.sum(axis={0 if settings[0] == 'rows' else -1})"
        if op is moves.EXPAND:
            shape = self.tape.instructions[operands[0]]
            column = "[:, None]" if shape.rows is not None and shape.lanes is None and lanes is not None else ""
            sizes = [str(n) if n != BATCH else "len(batch)" for n in (rows, lanes) if n is not None]
            return f"np.broadcast_to({texts[0]}{column}, ({', '.join(sizes)},))"
        if op is moves.PARAMETERS:
            return f"theta.item({settings[0]})" if self.is_number(register) else f"theta[{self.index(settings[0])}]"
        if op is moves.INPUTS:
            return f"batch[:, {self.index(settings[0])}]" + (".T" if rows is not None else "")
        if op is moves.COUNT:
            return "len(batch)"
        if op is moves.TURN:
            return texts[0]
        return super().move(register, texts)

    def index(self, index: Index, *, array: bool = False) -> str:
        """Return places as they are written in brackets: one, a slice, or the name of an array of them."""
        if isinstance(index, int):
            return str(index)
        text = _slice(index) if isinstance(index[0], int) and not array else ""
        if text:
            return text
        if index not in self.indices:
            self.indices[index] = self.names.new("places")
            self.data[self.indices[index]] = index
        return self.indices[index]

    def gradient(self, lines: list[Line]) -> list[str]:
        """Return the lines of the reverse sweep, and among them, as early as can be, what writes the gradient.

        Where parts of the gradient overlap, they are added up. What is in none stays the 0 that it is from the start.
        """
        everything = tuple(range(self.tape.parameters))
        parts = sorted(self.tape.gradient, key=lambda part: part[1] != everything)
        places = [place for _, index in parts for place in _flat(index)]
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
            after[position].append(self._statement(index, text, set_to=apart or first))
            earliest = position if first else earliest
        result = after[0]
        for line, following in zip(lines, after[1:], strict=True):
            result += [_line(line), *following]
        return result

    def _statement(self, index: Index, text: str, *, set_to: bool) -> str:
        name = self._gradient_view(index)
        if not name:
            return f"np.add.at(dtheta, {self.index(index, array=True)}, {text})"
        if not set_to:
            return f"{name} += {text}"
        factors = text.split(" @ ")
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
        view = _view("dtheta", index, self.tape.parameters)
        if not view:
            places = _flat(index)
            return f"dtheta[{self.index(index)}]" if len(set(places)) == len(places) else ""
        leaf = next(
            i for i, x in enumerate(self.tape.instructions) if x.op is moves.PARAMETERS and x.settings == (index,)
        )
        name = self.names.new("d" + self.called(leaf))
        self.added.append(name)
        self.views.append(f"{name} = {view}")
        return name


def _flat(index: Index) -> list[int]:
    if isinstance(index, int):
        return [index]
    return [place for part in index for place in _flat(part)]


def _slice(index: tuple[int, ...]) -> str:
    """Return the slice that takes these places, nothing if none does."""
    step = index[1] - index[0] if len(index) > 1 else 1
    if step < 1 or index != tuple(range(index[0], index[-1] + 1, step)):
        return ""
    return f"{index[0]}:{index[-1] + 1}" + (f":{step}" if step > 1 else "")


def _view(vector: str, index: Index, length: int) -> str:
    """Return the view of a vector that has these places, in a row or as a matrix; nothing if there is none."""
    if isinstance(index[0], int):
        if index == tuple(range(length)):
            return vector if vector == "theta" else ""
        text = _slice(index)
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


def array_source(tape: Tape) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return the source of a tape, the data that its function `program` takes, and what the source calls."""
    for register, _ in tape.gradient:
        tape.names.pop(register, None)  # it is written into the vector, under the name of the part
    writer = ArrayWriter(tape)
    for register, _ in tape.gradient:
        writer.uses[register] += 1
    reverse = range(tape.forward, len(tape.instructions))
    crossing = [operand for i in reverse for operand in tape.instructions[i].operands if operand < tape.forward]
    kept = frozenset([tape.root, *crossing])
    forward = writer.lines(range(tape.forward), kept)
    backward = writer.gradient(writer.lines(reverse, kept))
    answer = f"return {writer.text(tape.root)}"
    argument = "batch" if any([x.lanes == BATCH for x in tape.instructions]) else ""
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
    return text, writer.data, writer.functions


def _line(line: Line) -> str:
    return f"{line.name} = {line.expression}"


def _indented(lines: list[str], depth: int) -> list[str]:
    return [("    " * depth + line).rstrip() for line in lines]


class Arrays:
    """A program on arrays. Each thread has buffers of its own."""

    kind = "arrays"

    def __init__(self, tape: Tape) -> None:
        import numpy as np

        self.np, self.tape = np, tape
        self.source, data, functions = array_source(tape)
        self.batched = any([instruction.lanes == BATCH for instruction in tape.instructions])
        self.data = {name: np.array(numbers) for name, numbers in data.items()}
        made: dict[str, Any] = {}  # apart from what it reads, or it would be a cycle for the collector
        exec(compile(self.source, "<replay>", "exec"), dict(functions), made)
        self.program: Callable[..., tuple[Callable[..., float], Callable[..., float]]] = made["program"]
        self.threads = threading.local()

    def _bound(self, values: Any) -> Bound:
        """Return the functions of this thread on these values, and the gradient that they write to."""
        bound: Bound | None = getattr(self.threads, "bound", None)
        if bound is None or bound[0] is not values:
            gradient = self.np.zeros(len(values))
            bound = self.threads.bound = (values, gradient, *self.program(values, gradient, **self.data))
        return bound

    def rows(self, batch: Any, columns: int) -> Any:
        """Return a batch as a matrix."""
        if getattr(getattr(batch, "dtype", None), "kind", "none") not in "biuf":
            return self.np.array(lists(batch, columns), dtype=float)
        rows = self.np.asarray(batch, dtype=float)
        if rows.ndim != 2 or not len(rows) or rows.shape[1] != columns:
            raise ValueError(f"a batch needs a row for each sample and {columns} columns, got the shape {rows.shape}")
        return rows

    def loss(self, values: Any, rows: Any) -> float:
        """Return the mean loss."""
        _, _, loss, _ = self._bound(values)
        try:
            with self.np.errstate(all="ignore"):
                return loss(rows) if self.batched else loss()
        except DECLINED:
            return math.nan

    def gradient(self, values: Any, rows: Any) -> tuple[float, Any]:
        """Return the mean loss and gradient, in the buffer of this thread; a loss of nan if either is not finite."""
        _, slopes, _, gradient = self._bound(values)
        try:
            with self.np.errstate(all="ignore"):
                loss = gradient(rows) if self.batched else gradient()
                finite = math.isfinite(slopes.dot(slopes)) or self.np.isfinite(slopes).all()
                return loss if finite else math.nan, slopes
        except DECLINED:
            return math.nan, slopes
