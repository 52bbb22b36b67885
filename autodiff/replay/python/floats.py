"""The program that runs a tape of single numbers on floats, sample by sample, without NumPy.

Small programs are one function that a person would have written; large ones are cut into functions of some thousand
lines, which hand registers on in a list, so that compiling takes linear time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from autodiff.engine.elementary import total
from autodiff.replay.python.source import DECLINED, LEAVES, Line, Writer, float_functions
from autodiff.replay.tape.tape import PARAMETERS, Tape
from autodiff.replay.vectors import all_finite, lists, vector

MAX_LINES = 2000  # of a function


class FloatProgram:
    """A tape of single numbers, compiled. Called with all parameters and inputs, as floats."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        writer, forward, reverse = _float_lines(tape)
        leaves = [i for i, x in enumerate(tape.instructions[: tape.forward]) if x.op in LEAVES]
        self.answer = [tape.root, *_gradient(tape)]
        if len(forward) + len(reverse) <= MAX_LINES:
            names = [writer.called(i) for i in leaves]
            head = f"    {', '.join(names)} = values" if len(names) > 1 else f"    ({names[0]},) = values"
            loss, *slopes = [writer.text(register) for register in self.answer]
            named = _named(writer, slopes)
            self.texts = [
                _function("forward", "values", [head, *map(_line, forward), f"    return {loss}"]),
                _function(
                    "gradient",
                    "values",
                    [
                        head,
                        *map(_line, forward),
                        "",
                        *map(_line, reverse),
                        *named,
                        f"    return {loss}, [{', '.join(slopes)}]",
                    ],
                ),
            ]
            space = _run(self.texts, writer)
            self.loss: Callable[[Sequence[float]], float] = space["forward"]
            self.gradient: Callable[[Sequence[float]], tuple[float, list[float]]] = space["gradient"]
        else:
            self._cut(writer, forward, reverse, leaves)

    def _cut(self, writer: Writer, forward: list[Line], reverse: list[Line], leaves: list[int]) -> None:
        parts = [lines[i : i + MAX_LINES] for lines in (forward, reverse) for i in range(0, len(lines), MAX_LINES)]
        ahead = -(-len(forward) // MAX_LINES)
        readers: dict[int, int] = dict.fromkeys(self.answer, len(parts))  # the last part that reads a register
        for k, lines in enumerate(parts):
            for line in lines:
                for register in line.reads:
                    readers[register] = max(readers.get(register, 0), k)
        self.texts = []
        functions: list[Callable[[list[Any]], None]] = []
        for k, lines in enumerate(parts):
            self.texts.append(_part(k, lines, readers, writer.called))
            functions.append(_run(self.texts[-1:], writer)[f"part_{k}"])
        size, (root, *slopes) = len(self.tape.instructions), self.answer
        numbers = [(register, self.tape.number(register)) for register in self.answer if register >= 0]
        fixed = [(register, number) for register, number in numbers if number is not None]

        def run(values: Sequence[float], functions: list[Callable[[list[Any]], None]]) -> list[Any]:
            registers: list[Any] = [0.0] * size
            for register, value in zip(leaves, values, strict=True):
                registers[register] = value
            for register, number in fixed:
                registers[register] = number
            for function in functions:
                function(registers)
            return registers

        def loss(values: Sequence[float]) -> float:
            return run(values, functions[:ahead])[root]  # type: ignore[no-any-return]  # a float

        def gradient(values: Sequence[float]) -> tuple[float, list[float]]:
            registers = run(values, functions)
            return registers[root], [registers[register] if register >= 0 else 0.0 for register in slopes]

        self.loss, self.gradient = loss, gradient

    @property
    def source(self) -> str:
        """The Python that runs."""
        return "\n\n".join(self.texts)


def _float_lines(tape: Tape) -> tuple[Writer, list[Line], list[Line]]:
    """Return the writer of a tape of single numbers, the lines of its forward pass, and those of its reverse pass."""
    leaves = [register for register, x in enumerate(tape.instructions[: tape.forward]) if x.op in LEAVES]
    writer = Writer(tape, {*float_functions(), "values", "registers", "forward", "reverse"}, leaves)
    reverse = range(tape.forward, len(tape.instructions))
    crossing = [operand for i in reverse for operand in tape.instructions[i].operands if operand < tape.forward]
    kept = frozenset([tape.root, *[register for register, _ in tape.gradient], *crossing])
    for register in leaves:
        writer.called(register)
    return writer, writer.lines(range(tape.forward), kept), writer.lines(reverse, kept)


def _part(k: int, lines: list[Line], readers: dict[int, int], called: Callable[[int], str]) -> str:
    made = {line.register for line in lines}
    read = dict.fromkeys([register for line in lines for register in line.reads if register not in made])
    head = [f"    {called(register)} = registers[{register}]" for register in read]
    tail = [f"    registers[{line.register}] = {line.name}" for line in lines if readers.get(line.register, 0) > k]
    return _function(f"part_{k}", "registers", [*head, *map(_line, lines), *tail])


def _gradient(tape: Tape) -> list[int]:
    """Return the register of each parameter's gradient, -1 where the loss does not depend on it."""
    registers = [-1] * tape.parameters
    for register, index in tape.gradient:
        registers[index] = register
    return registers


def _named(writer: Writer, slopes: list[str]) -> list[str]:
    """Name the derivative by each labelled parameter after it, where it has another name; return the lines that do."""
    lines = []
    for register, (op, _, static, _) in enumerate(writer.tape.instructions):
        if op is PARAMETERS and register in writer.tape.names:
            name, slope = f"d{writer.called(register)}", slopes[static[0]]
            if slope != name:
                slopes[static[0]] = writer.names.new(name)
                lines.append(f"    {slopes[static[0]]} = {slope}")
    return lines


def _line(line: Line) -> str:
    return f"    {line.name} = {line.expression}"


def _function(name: str, argument: str, lines: list[str]) -> str:
    return "\n".join([f"def {name}({argument}):", *lines, ""])


def _run(texts: list[str], writer: Writer) -> dict[str, Any]:
    space: dict[str, Any] = float_functions() | {name: op.value for op, name in writer.own.items()}
    made: dict[str, Any] = {}  # apart: in the space that they read from, functions would be cycles for the collector
    for text in texts:
        exec(compile(text, "<replay>", "exec"), space, made)
    return made


class Floats:
    """A program on floats, sample by sample."""

    kind = "floats"
    operand_time = 0.1

    def __init__(self, tape: Tape) -> None:
        self.tape, self.program = tape, FloatProgram(tape)

    @property
    def source(self) -> str:
        """The Python that runs."""
        return self.program.source

    def batch(self, samples: Any, columns: int) -> Any:
        """Return samples as lists of floats."""
        return lists(samples, columns)

    def loss(self, values: Any, batch: Any) -> float:
        """Return the mean loss."""
        numbers = values.tolist()
        try:
            return total([self.program.loss(numbers + row) for row in batch]) / len(batch)
        except DECLINED:
            return math.nan

    def gradient(self, values: Any, batch: Any) -> tuple[float, Any]:
        """Return the mean loss and gradient."""
        numbers = values.tolist()
        try:
            results = [self.program.gradient(numbers + row) for row in batch]
        except DECLINED:
            return math.nan, vector(numbers)
        loss, slopes = results[0]
        if len(results) > 1:
            n = len(results)
            loss = total([loss for loss, _ in results]) / n
            slopes = [total(column) / n for column in zip(*[slopes for _, slopes in results], strict=True)]
        return loss if all_finite(slopes) else math.nan, vector(slopes)
