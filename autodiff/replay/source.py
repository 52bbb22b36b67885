"""From a tape to the Python that runs: one line a register, a register that is used once written where it is used.

It knows Python's syntax and how the rows are written; it must not know graphs. Labels reach the text only as
identifiers from `autodiff.replay.names`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from autodiff import ops
from autodiff.ops import Op
from autodiff.replay import forms
from autodiff.replay import tape as moves
from autodiff.replay.names import Names
from autodiff.replay.record import grouped
from autodiff.replay.tape import Tape

WIDEST = 60  # characters of an expression that is written into another
FEW = 8  # terms of a sum that is written with signs
PREFIX: dict[Any, str] = {moves.PARAMETERS: "p", moves.INPUTS: "x", moves.CONSTANT: "data"}
LEAVES = (moves.PARAMETERS, moves.INPUTS)


@dataclass(slots=True)
class Line:
    """One statement: the register that it makes, its name and expression, and the registers that it reads."""

    register: int
    name: str
    expression: str
    reads: tuple[int, ...]


class Writer:
    """Writes the lines of a tape; what is left for a kind of program to decide is how leaves and moves are written."""

    def __init__(self, tape: Tape, reserved: Iterable[str]) -> None:
        self.tape = tape
        self.names = Names(reserved)
        self.name = {register: self.names.new(label) for register, label in sorted(tape.names.items())}
        self.rows: dict[Op, str] = {}  # those that people have made, by the name under which they are called
        self.forms: list[str | None] = []
        self.signed = any([instruction.op is ops.ATAN2 for instruction in tape.instructions])  # else no -0.0 matters
        self.inlined: dict[int, tuple[str, tuple[int, ...]]] = {}
        self.uses = [0] * len(tape.instructions)
        self.factors = self._factors()
        for register, instruction in enumerate(tape.instructions):
            for operand in instruction.operands:
                self.uses[operand] += 1
            form = self.form(register) if isinstance(instruction.op, Op) else None
            self.forms.append(form)
            if form is not None and max(form.count("{x}"), form.count("{y}")) > 1:
                for operand in instruction.operands:
                    self.uses[operand] += 1  # written twice

    def _factors(self) -> set[int]:
        """Return the registers of the reverse sweep that are only multiplied: there a step may be a truth value."""
        reverse = range(self.tape.forward, len(self.tape.instructions))
        others = {register for register, _ in self.tape.gradient}
        for op, operands, *_ in self.tape.instructions:
            if op is not ops.MASK and op is not ops.MUL:
                others.update(operands)
        return {register for register in reverse if register not in others}

    def lines(self, registers: Iterable[int], kept: frozenset[int]) -> list[Line]:
        """Return the lines that make these registers, in order; those in `kept` have a line of their own."""
        lines = []
        for register in registers:
            op, _, settings, *_ = self.tape.instructions[register]
            if self.given(register) or (register not in kept and not self.uses[register]) or self.literal(register):
                continue
            reads, texts = self.operands(register)
            expression = self.row(register, op, texts, settings) if isinstance(op, Op) else self.move(register, texts)
            alone = self.uses[register] == 1 and register not in kept and register not in self.tape.names
            if alone and len(expression) <= WIDEST:
                self.inlined[register] = expression, reads
                continue
            lines.append(Line(register, self.called(register), expression, reads))
        return lines

    def given(self, register: int) -> bool:
        """Return whether a register needs no line, because the function is given it."""
        return self.tape.instructions[register].op in LEAVES

    def operands(self, register: int) -> tuple[tuple[int, ...], list[str]]:
        """Return the registers that an instruction reads, and how its operands are written."""
        op, operands, _, rows, lanes = self.tape.instructions[register]
        summed = op in (ops.ADD, ops.SUB) or (op is ops.SUM and len(operands) > 1)
        signs = "+-" if summed else " -"  # products stand in a sum without brackets
        reads: list[int] = []
        texts = []
        for operand in operands:
            shape = self.tape.instructions[operand]
            spread = isinstance(op, Op) and rows and lanes and shape.rows is not None and shape.lanes is None
            inlined = self.inlined.pop(operand, None)
            if inlined is not None:
                text = inlined[0] if _is_atom(inlined[0], " -" if spread else signs) else f"({inlined[0]})"
                reads += inlined[1]
            else:
                text = self.literal(operand)
                if not text:
                    text = self.called(operand)
                    reads.append(operand)
            if spread:
                text += self.column(operand)
            texts.append(text)
        return tuple(reads), texts

    def column(self, register: int) -> str:
        """Return how the rows of a register are spread over lanes."""
        return "[:, None]"

    def called(self, register: int) -> str:
        """Return the name of a register."""
        name = self.name.get(register)
        if name is None:
            prefix = PREFIX.get(self.tape.instructions[register].op, "v" if register < self.tape.forward else "d")
            name = f"{prefix}{register}"
            if name in self.names.used:
                name = self.names.new(name)
            self.name[register] = name
        return name

    def text(self, register: int) -> str:
        """Return how a register is written; -1 is the gradient of what the loss does not depend on."""
        return "0.0" if register < 0 else self.literal(register) or self.called(register)

    def literal(self, register: int) -> str:
        """Return a number as it is written where it is used; nothing for all else, and for a number with a name."""
        number = None if register in self.tape.names else self.tape.number(register)
        return "" if number is None else _literal(number)

    def form(self, register: int) -> str | None:
        """Return the form of the row that makes a register, None for a call of the row's function."""
        op, operands, settings, *_ = self.tape.instructions[register]
        if op is ops.MASK:
            mask = self.tape.instructions[operands[1]]
            if operands[1] in self.factors and forms.truth(mask.op, mask.settings):
                return "({x} if {y} else 0.0)"
        return forms.float_form(op, settings, register in self.factors)  # type: ignore[arg-type]  # a row

    def row(self, register: int, op: Op, texts: list[str], settings: tuple[Any, ...]) -> str:
        """Return a row of the calculus on floats."""
        form = self.forms[register]
        if form is not None:
            names = dict(zip(("x", "top", "powers", "total"), texts, strict=False))
            return form.format(*map(_literal, settings), **names, y=texts[-1])
        zero = ["0.0"] if self.signed else []  # the rows' sums start from it, so that they are never -0.0
        if op is ops.SUM:
            return " + ".join([*texts, *zero]) if 1 < len(texts) <= FEW else f"sum(({', '.join(texts)},), 0.0)"
        if op is ops.DOT:
            weights, inputs, *bias = grouped(op, texts)
            if len(weights) <= FEW:
                return " + ".join([*[f"{w} * {x}" for w, x in zip(weights, inputs, strict=True)], *(bias or zero)])
            groups = [f"({', '.join(group)},)" for group in (weights, inputs)]
            return f"dot({', '.join([*groups, *bias])})"
        name = forms.name_of(op)
        if op not in forms.TABLE:
            name = self.rows[op] = self.rows.get(op) or self.names.new(op.name)
        return f"{name}({', '.join([*texts, *map(_literal, settings)])})"

    def move(self, register: int, texts: list[str]) -> str:
        """Return a move; on floats there is none but the number of a constant."""
        return _literal(self.tape.instructions[register].settings[0])


def _literal(number: float) -> str:
    text = repr(number)
    return f"({text})" if text[0] == "-" else text


def _is_atom(text: str, signs: str) -> bool:
    """Return whether an expression can be written into another without brackets around it: it has no such signs."""
    depth = 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        if not depth and character in signs:
            return False
    return True


def float_lines(tape: Tape) -> tuple[Writer, list[Line], list[Line]]:
    """Return the writer of a tape of single numbers, the lines of its forward pass, and those of its reverse sweep."""
    writer = Writer(tape, {*forms.float_functions(), "values", "registers", "forward", "reverse"})
    reverse = range(tape.forward, len(tape.instructions))
    crossing = [operand for i in reverse for operand in tape.instructions[i].operands if operand < tape.forward]
    kept = frozenset([tape.root, *[register for register, _ in tape.gradient], *crossing])
    for register, instruction in enumerate(tape.instructions[: tape.forward]):
        if instruction.op in LEAVES:
            writer.called(register)
    return writer, writer.lines(range(tape.forward), kept), writer.lines(reverse, kept)


def needed(lines: list[Line], root: int) -> list[Line]:
    """Return the lines that the register of `root` is computed from, itself among them."""
    read = {root}
    result = []
    for line in reversed(lines):
        if line.register in read:
            read.update(line.reads)
            result.append(line)
    return result[::-1]
