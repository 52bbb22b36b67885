"""A recording as a tape of single numbers: every graph has one. And the program that runs it on floats, without NumPy.

Small programs are one function that a person would have written; large ones are cut into functions of some thousand
lines, which hand registers on in a list, so that compiling takes linear time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autodiff.replay import forms
from autodiff.replay import tape as moves
from autodiff.replay.differentiate import differentiate
from autodiff.replay.record import Recording
from autodiff.replay.source import LEAVES, Line, Writer, float_lines
from autodiff.replay.tape import Tape

PART = 2000  # lines of a function


def straight(recording: Recording) -> Tape:
    """Return the tape of a recording, one register a node, and its reverse sweep."""
    tape = Tape(recording.parameters)
    variable = recording.parameters + recording.inputs
    places: list[int] = []
    for i, (op, operands, settings, number, label) in enumerate(
        zip(recording.ops, recording.operands, recording.settings, recording.numbers, recording.labels, strict=True)
    ):
        if op is not None:
            place = tape.apply(op, tuple([places[j] for j in operands]), settings)
        elif i < recording.parameters:
            place = tape.add(moves.PARAMETERS, (), (i,))
        elif i < variable:
            place = tape.add(moves.INPUTS, (), (i - recording.parameters,))
        else:
            place = tape.add(
                moves.CONSTANT, (), (number,) if not label else (number, label)
            )  # a named constant stands alone
        if label:
            tape.names.setdefault(place, label)
        places.append(place)
    tape.root = places[recording.root]
    if tape.instructions[tape.root].op not in LEAVES:
        tape.names.setdefault(tape.root, "loss")
    differentiate(tape)
    return tape


class FloatProgram:
    """A tape of single numbers, compiled. Called with all parameters and inputs, as floats."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        writer, forward, reverse = float_lines(tape)
        leaves = [i for i, x in enumerate(tape.instructions[: tape.forward]) if x.op in LEAVES]
        self.answer = [tape.root, *_gradient(tape)]
        if len(forward) + len(reverse) <= PART:
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
        parts = [lines[i : i + PART] for lines in (forward, reverse) for i in range(0, len(lines), PART)]
        ahead = -(-len(forward) // PART)
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
    for register, (op, _, settings, *_) in enumerate(writer.tape.instructions):
        if op is moves.PARAMETERS and register in writer.tape.names:
            name, slope = f"d{writer.called(register)}", slopes[settings[0]]
            if slope != name:
                slopes[settings[0]] = writer.names.new(name)
                lines.append(f"    {slopes[settings[0]]} = {slope}")
    return lines


def _line(line: Line) -> str:
    return f"    {line.name} = {line.expression}"


def _function(name: str, argument: str, lines: list[str]) -> str:
    return "\n".join([f"def {name}({argument}):", *lines, ""])


def _run(texts: list[str], writer: Writer) -> dict[str, Any]:
    space: dict[str, Any] = forms.float_functions() | {name: op.value for op, name in writer.rows.items()}
    made: dict[str, Any] = {}  # apart: in the space that they read from, functions would be cycles for the collector
    for text in texts:
        exec(compile(text, "<replay>", "exec"), space, made)
    return made
