"""The reverse sweep of a tape, appended to it: the rows' own rules, fed with symbols that write instructions.

It knows how gradients pass through the moves; the derivatives of operations it knows only from `autodiff.ops`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from autodiff import ops
from autodiff.ops import Op
from autodiff.replay import tape as moves
from autodiff.replay.forms import TABLE
from autodiff.replay.record import grouped
from autodiff.replay.tape import BATCH, Instruction, Tape

READABLE = 200  # instructions up to which every gradient has a name


class Symbol:
    """A register, in the arithmetic of a row's rule: what is computed with it becomes an instruction."""

    __slots__ = ("register", "tape")

    def __init__(self, tape: Tape, register: int) -> None:
        self.tape, self.register = tape, register

    def apply(self, op: Op, operands: tuple[Any, ...]) -> Any:
        """Return what the row answers for these symbols and numbers, then its parameters."""
        tape, n = self.tape, len(operands) - op.parameters
        xs, settings = tuple([x.known if isinstance(x, Symbol) else x for x in operands[:n]]), operands[n:]
        if not any([isinstance(x, Symbol) for x in xs]):
            return op(*xs, *settings)
        known = _known(op, xs, settings)
        if known is not None:
            return known
        registers = tuple([x.register if isinstance(x, Symbol) else tape.constant(float(x)) for x in xs])
        return Symbol(tape, tape.apply(op, registers, tuple(map(float, settings))))

    @property
    def known(self) -> Any:
        """The number that this is, if it always is the same and has no name; else itself."""
        number = None if self.register in self.tape.names else self.tape.number(self.register)
        return self if number is None else number

    # fmt: off
    def __add__(self, other: Any) -> Any: return self.apply(ops.ADD, (self, other))
    def __radd__(self, other: Any) -> Any: return self.apply(ops.ADD, (other, self))
    def __sub__(self, other: Any) -> Any: return self.apply(ops.SUB, (self, other))
    def __rsub__(self, other: Any) -> Any: return self.apply(ops.SUB, (other, self))
    def __mul__(self, other: Any) -> Any: return self.apply(ops.MUL, (self, other))
    def __rmul__(self, other: Any) -> Any: return self.apply(ops.MUL, (other, self))
    def __truediv__(self, other: Any) -> Any: return self.apply(ops.DIV, (self, other))
    def __rtruediv__(self, other: Any) -> Any: return self.apply(ops.DIV, (other, self))
    def __neg__(self) -> Any: return self.apply(ops.NEG, (self,))
    # fmt: on


def _known(op: Op, xs: tuple[Any, ...], settings: tuple[Any, ...]) -> Any:
    """Return what needs no instruction: a factor of 1, a branch that nothing passes, a sum of one; else None."""
    if op is ops.MUL:
        x, y = xs
        if not isinstance(x, Symbol):
            x, y = y, x
        return x if y.__class__ is float and y == 1.0 else -x if y.__class__ is float and y == -1.0 else None
    if op is ops.MASK:
        x, y = xs
        return None if isinstance(y, Symbol) else 0.0 if y == 0 else x if y == 1 else None
    if (op is ops.POWER0 and settings[0] == 1) or op is ops.HOLD:  # of what is held, no derivative is ever asked
        return xs[0]
    if op is ops.SUM and len(xs) == 1 and xs[0].tape.instructions[xs[0].register].rows is None:
        return xs[0]
    return None


def differentiate(tape: Tape) -> None:
    """Append the reverse sweep from `tape.root`, and set `tape.gradient`."""
    tape.forward = len(tape.instructions)
    adjoints = Adjoints(tape)
    adjoints.give(tape.root, 1.0)
    for register in range(tape.root, -1, -1):
        incoming = adjoints.take(register)
        if incoming is None:
            continue
        instruction = tape.instructions[register]
        if isinstance(instruction.op, Op):
            _through_row(adjoints, register, instruction, incoming)
        elif instruction.op is moves.PARAMETERS:
            full = adjoints.full(incoming, instruction)
            tape.gradient.append((full, instruction.settings[0]))
        else:
            THROUGH[instruction.op](adjoints, instruction, incoming)
    tape.memory.clear()


class Adjoints:
    """The gradients that have reached each register so far."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.active = bytearray(len(tape.instructions))  # whether a parameter is in it
        for i, instruction in enumerate(tape.instructions):
            self.active[i] = instruction.op is moves.PARAMETERS or any([self.active[j] for j in instruction.operands])
        self.unlabelled: set[int] = set()
        self.waiting: dict[int, list[Any]] = {}
        self.parts: dict[int, list[tuple[str, Any, Any]]] = {}

    def give(self, register: int, contribution: Any) -> None:
        """Hand a register a symbol, or a number that is the same in all its places."""
        if self.active[register]:
            self.waiting.setdefault(register, []).append(contribution)

    def give_part(self, register: int, axis: str, index: Any, contribution: Any) -> None:
        """Hand these places of an axis of a register what comes to them."""
        if self.active[register]:
            self.parts.setdefault(register, []).append((axis, index, contribution))

    def take(self, register: int) -> Any:
        """Return all that has come to a register, as one symbol or number; None if nothing has."""
        contributions = self.waiting.pop(register, [])
        parts = self.parts.pop(register, ())
        instruction = self.tape.instructions[register]
        for axis in ("rows", "lanes"):
            pieces = [
                (index, self.full(part, _taken(instruction, axis, index))) for a, index, part in parts if a == axis
            ]
            if pieces:
                contributions.append(Symbol(self.tape, self._joined(instruction, axis, pieces)))
        if not contributions:
            return None
        incoming, *others = [x for x in contributions if x.__class__ is not float or x != 0.0] or [0.0]
        for contribution in others:
            incoming = incoming + contribution
        if isinstance(incoming, Symbol):
            self._name(incoming.register, register)
        return incoming

    def _name(self, gradient: int, register: int) -> None:
        """Name a gradient after its register; where one register is the gradient of several, a label goes first."""
        names = self.tape.names
        if register in names:
            if gradient not in names or gradient in self.unlabelled:
                names[gradient] = f"d{names[register]}"
                self.unlabelled.discard(gradient)
        elif gradient not in names and len(self.active) < READABLE:
            names[gradient] = f"dv{register}"
            self.unlabelled.add(gradient)

    def _joined(self, instruction: Instruction, axis: str, pieces: list[tuple[Any, int]]) -> int:
        length = instruction.rows if axis == "rows" else instruction.lanes
        order = sorted(pieces, key=lambda piece: piece[0] if isinstance(piece[0], int) else -1)
        if axis == "rows" and [index for index, _ in order] == list(range(length or 0)):
            return self.tape.add(moves.STACK, tuple([d for _, d in order]), rows=length, lanes=instruction.lanes)
        indices, registers = zip(*pieces, strict=True)
        return self.tape.add(
            moves.PUT, registers, (axis, indices, length), rows=instruction.rows, lanes=instruction.lanes
        )

    def full(self, incoming: Any, shape: Instruction) -> int:
        """Return the register of a gradient that is the same along some axes, written out along all."""
        register = incoming.register if isinstance(incoming, Symbol) else self.tape.constant(float(incoming))
        return self.tape.expand(register, shape.rows, shape.lanes)

    def narrow(self, contribution: Any, used: Instruction, operand: Instruction) -> Any:
        """Return the contribution to an operand that was the same along an axis of what used it: the sum along it."""
        for axis in ("rows", "lanes"):
            length = getattr(used, axis)
            if length is None or getattr(operand, axis) is not None:
                continue
            if isinstance(contribution, Symbol) and getattr(self.shape(contribution), axis) is not None:
                contribution = Symbol(self.tape, self.tape.total(contribution.register, axis))
            elif length == BATCH:
                contribution = contribution * Symbol(self.tape, self.tape.add(moves.COUNT))
            else:
                contribution = contribution * float(length)
        return contribution

    def shape(self, symbol: Symbol) -> Instruction:
        """Return the instruction of a symbol, which knows its axes."""
        return self.tape.instructions[symbol.register]


def _taken(instruction: Instruction, axis: str, index: Any) -> Instruction:
    length = len(index) if isinstance(index, tuple) else None
    if length and isinstance(index[0], tuple):
        return Instruction(moves.TAKE, rows=length, lanes=len(index[0]))
    return instruction._replace(rows=length) if axis == "rows" else instruction._replace(lanes=length)


def _through_row(adjoints: Adjoints, register: int, instruction: Instruction, incoming: Any) -> None:
    tape, op, operands = adjoints.tape, instruction.op, instruction.operands
    if op is ops.LOGSUMEXP and tape.instructions[operands[0]].rows is not None:
        operands = operands[:1]  # the others are its parts
    symbols = [Symbol(tape, i) for i in operands]
    if op in TABLE:
        slopes = op.local(Symbol(tape, register), *grouped(op, symbols), *instruction.settings)
    else:  # people may have written a rule that takes numbers alone, or decides by them
        read, settings = (register, *operands), instruction.settings
        slopes = [Symbol(tape, tape.apply(_slope(op, k), read, settings)) for k in range(len(operands))]
    for operand, slope in zip(operands, slopes, strict=True):
        if not adjoints.active[operand]:
            continue
        # a row of calculus here: moves have been seen to above
        contribution = ops.MASK(incoming, slope) if op.piecewise else incoming * slope  # type: ignore[union-attr]
        adjoints.give(operand, adjoints.narrow(contribution, instruction, tape.instructions[operand]))


@lru_cache
def _slope(op: Op, k: int) -> Op:
    """Return the row that answers, of numbers, the derivative of a row by its operand k."""

    def value(*numbers: float) -> float:
        return op.local(*numbers)[k]  # type: ignore[no-any-return]  # of floats it is one

    return Op(f"{op.name}_slope", value, lambda out, *xs: (), f"{op.name}_slope({{xs}})")


def _through_matmul(adjoints: Adjoints, instruction: Instruction, incoming: Any) -> None:
    tape = adjoints.tape
    a, b = instruction.operands
    first, second = tape.instructions[a], tape.instructions[b]
    if first.lanes is None and second.lanes is None and a == b:
        adjoints.give(a, incoming * 2.0 * Symbol(tape, a))
        return
    d = adjoints.full(incoming, instruction)
    if adjoints.active[a]:
        if second.lanes is None:
            slope = tape.apply(ops.MUL, (d, b if first.lanes is None else tape.turn(b)))
        else:
            slope = tape.matmul(b, tape.turn(d)) if first.lanes is None else tape.matmul(d, b, (False, True))
        adjoints.give(a, Symbol(tape, slope))
    if adjoints.active[b]:
        slope = tape.apply(ops.MUL, (a, d)) if first.lanes is None else tape.matmul(a, d, (True, False))
        adjoints.give(b, Symbol(tape, slope))


def _through_take(adjoints: Adjoints, instruction: Instruction, incoming: Any) -> None:
    axis, index = instruction.settings
    adjoints.give_part(instruction.operands[0], axis, index, incoming)


def _through_stack(adjoints: Adjoints, instruction: Instruction, incoming: Any) -> None:
    tape, start = adjoints.tape, 0
    varies = isinstance(incoming, Symbol) and adjoints.shape(incoming).rows is not None
    for operand in instruction.operands:
        shape = tape.instructions[operand]
        end = start + (shape.rows or 1)
        if adjoints.active[operand]:
            index = start if shape.rows is None else tuple(range(start, end))
            part = Symbol(tape, tape.take(incoming.register, "rows", index)) if varies else incoming
            adjoints.give(operand, adjoints.narrow(part, instruction._replace(rows=shape.rows), shape))
        start = end


def _through_turn(adjoints: Adjoints, instruction: Instruction, incoming: Any) -> None:
    if isinstance(incoming, Symbol):
        shape = adjoints.shape(incoming)
        if shape.rows is not None or shape.lanes is not None:
            incoming = Symbol(adjoints.tape, adjoints.tape.turn(incoming.register))
    adjoints.give(instruction.operands[0], incoming)


def _through_broadcast(adjoints: Adjoints, instruction: Instruction, incoming: Any) -> None:
    operand = instruction.operands[0]
    adjoints.give(operand, adjoints.narrow(incoming, instruction, adjoints.tape.instructions[operand]))


THROUGH = {
    moves.MATMUL: _through_matmul,
    moves.TAKE: _through_take,
    moves.STACK: _through_stack,
    moves.TURN: _through_turn,
    moves.TOTAL: _through_broadcast,
    moves.EXPAND: _through_broadcast,
}
