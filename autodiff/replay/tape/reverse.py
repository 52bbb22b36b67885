"""The reverse pass (reverse mode) of a tape, appended to it: the rules of operations, fed with tracers, write it.

It knows how gradients are collected; how they pass through moves it knows only from `autodiff.replay.tape.tape`, the
derivatives of operations only from `autodiff.engine.ops`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from autodiff.engine import ops
from autodiff.engine.ops import Op
from autodiff.replay.tape.tape import (
    BATCH,
    COUNT,
    KNOWN,
    LANES,
    PARAMETERS,
    PUT,
    STACK,
    UNITS,
    Instruction,
    Shape,
    Tape,
)

MAX_NAMED = 200  # instructions up to which every gradient has a name


def differentiate(tape: Tape) -> None:
    """Append the reverse pass from `tape.root`, and set `tape.gradient`."""
    tape.forward = len(tape.instructions)
    adjoints = Adjoints(tape)
    adjoints.give(tape.root, 1.0)
    for register in range(tape.root, -1, -1):
        incoming = adjoints.take(register)
        if incoming is None:
            continue
        instruction = tape.instructions[register]
        if isinstance(instruction.op, Op):
            _through_operation(adjoints, register, instruction.op, instruction, incoming)
        elif instruction.op.reverse is not None:  # no parameter is in it
            instruction.op.reverse(adjoints, instruction, incoming)
    tape.remembered.clear()


class Adjoints:
    """The gradients that have reached each register so far: its adjoint, or cotangent.

    A gradient is a tracer, or a number that is the same in all places of the register.
    """

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.active = bytearray(len(tape.instructions))  # whether a parameter is in it
        for i, instruction in enumerate(tape.instructions):
            self.active[i] = instruction.op is PARAMETERS or any([self.active[j] for j in instruction.operands])
        self.unlabelled: set[int] = set()
        self.waiting: dict[int, list[Any]] = {}
        self.parts: dict[int, list[tuple[int, Any, Any]]] = {}

    def give(self, register: int, contribution: Any) -> None:
        """Hand a register what comes to it."""
        if self.active[register]:
            self.waiting.setdefault(register, []).append(contribution)

    def give_part(self, register: int, axis: int, index: Any, contribution: Any) -> None:
        """Hand these places of an axis of a register what comes to them."""
        if self.active[register]:
            self.parts.setdefault(register, []).append((axis, index, contribution))

    def answer(self, index: Any, gradient: int) -> None:
        """Answer a register as the gradient by these parameters."""
        self.tape.gradient.append((gradient, index))

    def take(self, register: int) -> Any:
        """Return all that has come to a register; None if nothing has."""
        contributions = self.waiting.pop(register, [])
        parts = self.parts.pop(register, ())
        shape = self.tape.shape(register)
        for axis in (UNITS, LANES) if parts else ():
            pieces = [(index, self.full(part, shape.taken(axis, index))) for a, index, part in parts if a == axis]
            if pieces:
                contributions.append(self.tracer(self._joined(shape, axis, pieces)))
        if not contributions:
            return None
        incoming, *others = [x for x in contributions if x.__class__ is not float or x != 0.0] or [0.0]
        for contribution in others:
            incoming = incoming + contribution
        if isinstance(incoming, Tracer):
            self._name(incoming.register, register)
        return incoming

    def _name(self, gradient: int, register: int) -> None:
        """Name a gradient after its register; where one register is the gradient of several, a label goes first."""
        names = self.tape.names
        if register in names:
            if gradient not in names or gradient in self.unlabelled:
                names[gradient] = f"d{names[register]}"
                self.unlabelled.discard(gradient)
        elif gradient not in names and len(self.active) < MAX_NAMED:
            names[gradient] = f"dv{register}"
            self.unlabelled.add(gradient)

    def _joined(self, shape: Shape, axis: int, pieces: list[tuple[Any, int]]) -> int:
        """Return the register whose places along an axis are the pieces, each at its index."""
        length = shape[axis]
        order = sorted(pieces, key=lambda piece: piece[0] if isinstance(piece[0], int) else -1)
        if axis == UNITS and [index for index, _ in order] == list(range(length or 0)):
            return self.tape.move(STACK, tuple([d for _, d in order]))
        indices, registers = zip(*pieces, strict=True)
        return self.tape.move(PUT, registers, (axis, indices, length))

    # What the rules of moves ask for.

    def tracer(self, register: int) -> Tracer:
        """Return a register as a gradient."""
        return Tracer(self.tape, register)

    def full(self, incoming: Any, shape: Shape) -> int:
        """Return the register of a gradient that is the same along some axes, written out along all."""
        register = incoming.register if isinstance(incoming, Tracer) else self.tape.constant(float(incoming))
        return self.tape.expand(register, shape)

    def taken(self, incoming: Any, axis: int, index: Any) -> Any:
        """Return the places of a gradient along an axis."""
        if self._length(incoming, axis) is None:
            return incoming  # the same in all of them
        return self.tracer(self.tape.take(incoming.register, axis, index))

    def turned(self, incoming: Any) -> Any:
        """Return a gradient, its units as lanes and its lanes as units."""
        if self._length(incoming, UNITS) is None and self._length(incoming, LANES) is None:
            return incoming
        return self.tracer(self.tape.turn(incoming.register))

    def narrow(self, contribution: Any, used: Shape, operand: Shape) -> Any:
        """Return the contribution to an operand that was the same along an axis of what used it: the sum along it."""
        for axis in (UNITS, LANES):
            length = used[axis]
            if length is None or operand[axis] is not None:
                continue
            if self._length(contribution, axis) is not None:
                contribution = self.tracer(self.tape.total(contribution.register, axis))
            elif length == BATCH:
                contribution = contribution * self.tracer(self.tape.move(COUNT))
            else:
                contribution = contribution * float(length)
        return contribution

    def _length(self, incoming: Any, axis: int) -> int | None:
        return self.tape.shape(incoming.register)[axis] if isinstance(incoming, Tracer) else None


def _through_operation(adjoints: Adjoints, register: int, op: Op, instruction: Instruction, incoming: Any) -> None:
    tape, operands = adjoints.tape, instruction.operands
    if tape.is_reduced(op, operands):
        operands = operands[:1]  # the others are its parts
    if op in KNOWN:
        tracers = [Tracer(tape, i) for i in operands]
        slopes = op.local(Tracer(tape, register), *op.grouped(tracers, instruction.static))
    else:  # people may have written a rule that takes numbers alone, or decides by them
        read, static = (register, *operands), instruction.static
        slopes = [Tracer(tape, tape.apply(_slope(op, k), read, static)) for k in range(len(operands))]
    for operand, slope in zip(operands, slopes, strict=True):
        if adjoints.active[operand]:
            contribution = ops.MASK(incoming, slope) if op.piecewise else incoming * slope
            adjoints.give(operand, adjoints.narrow(contribution, instruction.shape, tape.shape(operand)))


@lru_cache
def _slope(op: Op, k: int) -> Op:
    """Return the operation that answers, of numbers, the derivative of an operation by its operand k."""

    def value(out: float, *numbers: float) -> float:
        n = len(numbers) - op.static
        return op.local(out, *op.grouped(numbers[:n], numbers[n:]))[k]  # type: ignore[no-any-return]  # of floats it is one

    return Op(f"{op.name}_slope", value, lambda out, *xs: (0.0,) * len(xs), f"{op.name}_slope({{xs}})")


class Tracer:
    """A register that the rule of an operation is fed with, in place of a number (JAX calls it so, too)."""

    __slots__ = ("register", "tape")

    def __init__(self, tape: Tape, register: int) -> None:
        self.tape, self.register = tape, register

    def apply(self, op: Op, operands: tuple[Any, ...]) -> Any:
        """Return what the operation answers for these tracers and numbers, then its static arguments."""
        tape, n = self.tape, len(operands) - op.static
        xs, static = tuple([x.known if isinstance(x, Tracer) else x for x in operands[:n]]), operands[n:]
        if not any([isinstance(x, Tracer) for x in xs]):
            return op(*xs, *static)
        for rule in RULES.get(op, ()):
            known = rule(xs, static)
            if known is not None:
                return known
        registers = tuple([x.register if isinstance(x, Tracer) else tape.constant(float(x)) for x in xs])
        return Tracer(tape, tape.apply(op, registers, tuple(map(float, static))))

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
    def __pos__(self) -> Any: return self
    def __abs__(self) -> Any: return self.apply(ops.ABS, (self,))
    def __pow__(self, n: Any) -> Any: return self.apply(ops.POW if isinstance(n, Tracer) else ops.POWER, (self, n))
    def __rpow__(self, other: Any) -> Any: return self.apply(ops.POW, (other, self))
    # fmt: on


# What needs no instruction: rules of (operands, static arguments), of which one at least is a tracer; None if the rule
# does not apply. Those of an operation are tried in order.


def factor_of_one(xs: tuple[Any, ...], static: tuple[Any, ...]) -> Any:
    """A factor of 1 is none: 1 x = x."""
    x, y = xs if isinstance(xs[0], Tracer) else xs[::-1]
    return x if y.__class__ is float and y == 1.0 else None


def factor_of_minus_one(xs: tuple[Any, ...], static: tuple[Any, ...]) -> Any:
    """A factor of -1 is a sign: -1 x = -x."""
    x, y = xs if isinstance(xs[0], Tracer) else xs[::-1]
    return -x if y.__class__ is float and y == -1.0 else None


def branch_not_taken(xs: tuple[Any, ...], static: tuple[Any, ...]) -> Any:
    """What a mask of 0 stops is 0."""
    mask = xs[1]
    return 0.0 if not isinstance(mask, Tracer) and mask == 0 else None


def branch_taken(xs: tuple[Any, ...], static: tuple[Any, ...]) -> Any:
    """What a mask of 1 lets pass is itself."""
    x, mask = xs
    return x if not isinstance(mask, Tracer) and mask == 1 else None


def first_power(xs: tuple[Any, ...], static: tuple[Any, ...]) -> Any:
    """The first power is itself: x**1 = x."""
    return xs[0] if static[0] - static[1] == 1 else None


def held(xs: tuple[Any, ...], static: tuple[Any, ...]) -> Any:
    """What is held is itself: in a derivative no further derivative is ever asked for."""
    return xs[0]


def sum_of_one(xs: tuple[Any, ...], static: tuple[Any, ...]) -> Any:
    """The sum of a single register is itself, unless it has units, which are then the terms."""
    return xs[0] if len(xs) == 1 and xs[0].tape.shape(xs[0].register).units is None else None


def share_of_units(xs: tuple[Any, ...], static: tuple[Any, ...]) -> Any:
    """Where `softmax` finds nothing before and after a register, its units are all there is to share."""
    x, *others = xs
    has_units = isinstance(x, Tracer) and x.tape.shape(x.register).units is not None
    return ops.RATIO(x, ops.SUM(x)) if has_units and others == [0.0, 0.0] else None


RULES = {
    ops.MUL: [factor_of_one, factor_of_minus_one],
    ops.MASK: [branch_not_taken, branch_taken],
    ops.POWER0: [first_power],
    ops.HOLD: [held],
    ops.SUM: [sum_of_one],
    ops.SHARE: [share_of_units],
}
