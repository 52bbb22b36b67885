"""The tape: a flat program of instructions over registers, between the graph and whatever runs it.

Every instruction makes one register, so register i is what instruction i answers; its operands are registers before it.
A register has a `Shape`: up to two axes, units and lanes. One that lacks an axis of another is the same along it.
Instructions are

- *operations*, rows of the calculus, applied element by element. One that takes any number of operands (`SUM`, `MAX`),
  given a single register that has units, takes these as its operands; so does `LOGSUMEXP`, followed by what it is made
  of and its gradient needs as well: the largest x, the powers e**(x - largest), and their total;
- *moves*, which gather, spread and sum registers. One row a move, `MOVES`. Its columns are the shape of the register
  that it makes, how a gradient passes through it in the reverse pass, and how each back end writes it: a second back
  end adds one column. The rows are handed what they work on: `reverse` what keeps the gradients
  (`autodiff.replay.tape.reverse.Adjoints`), the column of a back end what writes its programs.

Any back end that knows the operations and these few moves can run a tape. It must not know how it is run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from autodiff.engine import ops
from autodiff.engine.ops import Op

MAX_REMEMBERED = 50_000  # instructions, so that they are not made twice
KNOWN = frozenset([row for row in vars(ops).values() if isinstance(row, Op)])  # operations; all others people have made
UNITS, LANES = 0, 1  # the axes, as places in a `Shape`
BATCH = -1  # so many lanes as the batch has samples, known only when it runs


class Shape(NamedTuple):
    """How long the axes of a register are; None: it has no such axis, and is the same along it.

    A register with neither axis is one number. In the field's words lanes are the axis of the batch, that of `vmap`.

    >>> Shape(3).along(LANES, 5)
    Shape(units=3, lanes=5)

    Attributes:
        units: neurons of a layer, features of an input: what a matrix has rows for.
        lanes: copies of the same computation on other data, such as samples; `BATCH` if only a run knows how many.
    """

    units: int | None = None
    lanes: int | None = None

    def along(self, axis: int, length: int | None) -> Shape:
        """Return the shape with another length of one axis."""
        return Shape(length, self.lanes) if axis == UNITS else Shape(self.units, length)

    def taken(self, axis: int, index: int | tuple[int, ...] | tuple[tuple[int, ...], ...]) -> Shape:
        """Return the shape of these places along an axis: of one, of several, or of a matrix of them.

        >>> Shape(9).taken(UNITS, 4), Shape(9).taken(UNITS, (4, 5)), Shape(9).taken(UNITS, ((1, 2, 3), (4, 5, 6)))
        (Shape(units=None, lanes=None), Shape(units=2, lanes=None), Shape(units=2, lanes=3))
        """
        if not isinstance(index, tuple):
            return self.along(axis, None)
        if index and isinstance(index[0], tuple):
            return Shape(len(index), len(index[0]))
        return self.along(axis, len(index))


SCALAR = Shape()  # of one number

Index = Any  # one place; a tuple of places; a tuple of such tuples of one length: a matrix of places
Shaped = Callable[[tuple[Any, ...], Sequence[Shape]], Shape]


@dataclass(frozen=True, eq=False)
class Move:
    """One row of the table.

    Attributes:
        name: what people call it.
        static: the names of its static arguments, which are fixed when the tape is made.
        shape: ``shape(static, shapes of the operands)`` answers the shape of the register.
        reverse: ``reverse(adjoints, instruction, incoming)`` hands each operand its contribution: the pullback, or
            vector-Jacobian product (VJP), of the move. None where no parameter can be in it.
        numpy: ``numpy(writer, instruction, texts of the operands)`` answers the expression on NumPy arrays.
    """

    name: str
    static: str
    shape: Shaped
    reverse: Callable[[Any, Any, Any], None] | None
    numpy: Callable[[Any, Any, list[str]], str]

    def __repr__(self) -> str:
        return f"<Move {self.name}({self.static})>"


# Shapes.


def _data_shape(static: tuple[Any, ...], shapes: Sequence[Shape]) -> Shape:
    numbers, axes, _ = static
    shape = SCALAR
    for axis in axes:
        shape, numbers = shape.along(axis, len(numbers)), numbers[0]
    return shape


def _product_shape(static: tuple[Any, ...], shapes: Sequence[Shape]) -> Shape:
    (a, b), (a_turned, b_turned) = shapes, static
    units = None if a.lanes is None else a.lanes if a_turned else a.units
    return Shape(units, b.units if b_turned else b.lanes)


def _put_shape(static: tuple[Any, ...], shapes: Sequence[Shape]) -> Shape:
    axis, indices, length = static
    matrix = isinstance(indices[0], tuple) and isinstance(indices[0][0], tuple)
    return (SCALAR if matrix else shapes[0]).along(axis, length)


# Reverse rules.


def _reverse_of_parameters(adjoints: Any, instruction: Any, incoming: Any) -> None:
    adjoints.answer(instruction.static[0], adjoints.full(incoming, instruction.shape))


def _reverse_of_product(adjoints: Any, instruction: Any, incoming: Any) -> None:
    """By the first factor the incoming gradient times the second, transposed; by the second, the same turned round."""
    if any(instruction.static):
        raise NotImplementedError("only the reverse pass has products of transposed matrices, and it has no reverse")
    tape, (a, b) = adjoints.tape, instruction.operands
    first, second = tape.shape(a), tape.shape(b)
    if first.lanes is None and second.lanes is None and a == b:
        adjoints.give(a, incoming * 2.0 * adjoints.tracer(a))
        return
    d = adjoints.full(incoming, instruction.shape)
    if adjoints.active[a]:
        if second.lanes is None:
            slope = tape.apply(ops.MUL, (d, b if first.lanes is None else tape.turn(b)))
        else:
            slope = tape.matmul(b, tape.turn(d)) if first.lanes is None else tape.matmul(d, b, (False, True))
        adjoints.give(a, adjoints.tracer(slope))
    if adjoints.active[b]:
        slope = tape.apply(ops.MUL, (a, d)) if first.lanes is None else tape.matmul(a, d, (True, False))
        adjoints.give(b, adjoints.tracer(slope))


def _reverse_of_take(adjoints: Any, instruction: Any, incoming: Any) -> None:
    """To the places that were taken, and to no others."""
    axis, index = instruction.static
    adjoints.give_part(instruction.operands[0], axis, index, incoming)


def _reverse_of_stack(adjoints: Any, instruction: Any, incoming: Any) -> None:
    """To each operand the units that it became."""
    tape, start = adjoints.tape, 0
    for operand in instruction.operands:
        shape = tape.shape(operand)
        end = start + (shape.units or 1)
        if adjoints.active[operand]:
            index = start if shape.units is None else tuple(range(start, end))
            part = adjoints.taken(incoming, UNITS, index)
            adjoints.give(operand, adjoints.narrow(part, instruction.shape.along(UNITS, shape.units), shape))
        start = end


def _reverse_of_turn(adjoints: Any, instruction: Any, incoming: Any) -> None:
    adjoints.give(instruction.operands[0], adjoints.turned(incoming))


def _reverse_of_spread(adjoints: Any, instruction: Any, incoming: Any) -> None:
    """Of a sum the gradient is spread, of what was spread it is summed."""
    (operand,) = instruction.operands
    adjoints.give(operand, adjoints.narrow(incoming, instruction.shape, adjoints.tape.shape(operand)))


# On NumPy arrays.


def _numpy_parameters(writer: Any, instruction: Any, texts: list[str]) -> str:
    (index,) = instruction.static
    return f"theta.item({index})" if instruction.shape == SCALAR else f"theta[{writer.index(index)}]"


def _numpy_inputs(writer: Any, instruction: Any, texts: list[str]) -> str:
    return f"batch[:, {writer.index(instruction.static[0])}]" + (".T" if instruction.shape.units is not None else "")


def _numpy_product(writer: Any, instruction: Any, texts: list[str]) -> str:
    a, b = [text + (".T" if turned else "") for text, turned in zip(texts, instruction.static, strict=True)]
    return f"float({a} @ {b})" if instruction.shape == SCALAR else f"{a} @ {b}"


def _numpy_take(writer: Any, instruction: Any, texts: list[str]) -> str:
    axis, index = instruction.static
    if instruction.shape == SCALAR:
        return f"{texts[0]}.item({index})"
    before = "..., " if axis == LANES and writer.tape.shape(instruction.operands[0]).units is not None else ""
    return f"{texts[0]}[{before}{writer.index(index)}]"


def _numpy_put(writer: Any, instruction: Any, texts: list[str]) -> str:
    axis, places, length = instruction.static
    pairs = [f"{writer.index(place, array=True)}, {text}" for place, text in zip(places, texts, strict=True)]
    return f"{'put_rows' if axis == UNITS else 'put_lanes'}({length}, {', '.join(pairs)})"


def _numpy_stack(writer: Any, instruction: Any, texts: list[str]) -> str:
    lone = [writer.tape.shape(operand).units is None for operand in instruction.operands]
    parts = [f"({text},)" if alone else text for text, alone in zip(texts, lone, strict=True)]
    return f"stack({', '.join(parts)})"


def _numpy_total(writer: Any, instruction: Any, texts: list[str]) -> str:
    text = f"{texts[0]}.sum(axis={0 if instruction.static[0] == UNITS else -1})"
    return f"float({text})" if instruction.shape == SCALAR else text


def _numpy_expand(writer: Any, instruction: Any, texts: list[str]) -> str:
    shape = writer.tape.shape(instruction.operands[0])
    column = "[:, None]" if shape.units is not None and shape.lanes is None and instruction.shape.lanes else ""
    sizes = [str(n) if n != BATCH else "len(batch)" for n in instruction.shape if n is not None]
    return f"np.broadcast_to({texts[0]}{column}, ({', '.join(sizes)},))"


def _parameters_shape(static: tuple[Any, ...], shapes: Sequence[Shape]) -> Shape:
    return SCALAR.taken(UNITS, static[0])


# The table.
# fmt: off
CONSTANT = Move(  # a number, or numbers along these axes; one with a label stands alone
    "constant", "numbers, axes, label", shape=_data_shape,
    reverse=None, numpy=lambda writer, instruction, texts: writer.constant(instruction))
PARAMETERS = Move(  # these parameters: one, several as units, or a matrix
    "parameters", "index", shape=_parameters_shape,
    reverse=_reverse_of_parameters, numpy=_numpy_parameters)
INPUTS = Move(  # these inputs: one, or several as units; of each sample, or (lanes is None) of the only one
    "inputs", "index, lanes", shape=lambda static, shapes: SCALAR.taken(UNITS, static[0]).along(LANES, static[1]),
    reverse=None, numpy=_numpy_inputs)
COUNT = Move(  # how many lanes the batch has
    "count", "", shape=lambda static, shapes: SCALAR,
    reverse=None, numpy=lambda writer, instruction, texts: "len(batch)")
MATMUL = Move(  # a product of matrices or vectors, the units of the second summed over; transposed by the reverse pass
    "matmul", "turned, turned", shape=_product_shape,
    reverse=_reverse_of_product, numpy=_numpy_product)
TAKE = Move(  # of an axis one place, or several (JAX: gather)
    "take", "axis, index", shape=lambda static, shapes: shapes[0].taken(*static),
    reverse=_reverse_of_take, numpy=_numpy_take)
PUT = Move(  # the opposite (JAX: scatter-add): each operand at its index, where several meet their sum, else 0
    "put", "axis, indices, length", shape=_put_shape,
    reverse=None, numpy=_numpy_put)
STACK = Move(  # the operands' units under one another; an operand without units is one
    "stack", "", shape=lambda static, shapes: Shape(sum([x.units or 1 for x in shapes]), shapes[0].lanes),
    reverse=_reverse_of_stack, numpy=_numpy_stack)
TURN = Move(  # units become lanes, lanes units, of a register that has one of them
    "turn", "", shape=lambda static, shapes: Shape(shapes[0].lanes, shapes[0].units),
    reverse=_reverse_of_turn, numpy=lambda writer, instruction, texts: texts[0])
TOTAL = Move(  # the sum along an axis
    "total", "axis", shape=lambda static, shapes: shapes[0].along(static[0], None),
    reverse=_reverse_of_spread, numpy=_numpy_total)
EXPAND = Move(  # the same number in every place of a shape (NumPy: broadcast)
    "expand", "shape", shape=lambda static, shapes: static[0],
    reverse=_reverse_of_spread, numpy=_numpy_expand)
# fmt: on

MOVES = (CONSTANT, PARAMETERS, INPUTS, COUNT, MATMUL, TAKE, PUT, STACK, TURN, TOTAL, EXPAND)


# The program.


class Instruction(NamedTuple):
    """What makes a register: an operation or a move, its operands and static arguments; and the register's shape."""

    op: Op | Move
    operands: tuple[int, ...] = ()
    static: tuple[Any, ...] = ()
    shape: Shape = SCALAR


class Tape:
    """A program, the names of its registers, and what it answers.

    Attributes:
        instructions: the program.
        batched: whether it has lanes for the samples of a batch.
        names: registers that people have a name for.
        watched: registers of operations that have a domain, in the graph itself: not finite, they may have left it.
        forward: how many instructions, from the first, make the forward pass.
        root: the register of the loss.
        gradient: pairs (register, index): what is added to the gradient by these parameters.
        written: what has been written of the whole program, for all that run it.
    """

    def __init__(self, parameters: int) -> None:
        self.parameters = parameters
        self.instructions: list[Instruction] = []
        self.batched = False
        self.names: dict[int, str] = {}
        self.watched: set[int] = set()
        self.forward = 0
        self.root = 0
        self.gradient: list[tuple[int, Any]] = []
        self.written: dict[Any, Any] = {}
        self.remembered: dict[Any, int] = {}  # what has been computed is not computed again

    def shape(self, register: int) -> Shape:
        """Return the shape of a register."""
        return self.instructions[register].shape

    def apply(self, op: Op, operands: tuple[int, ...], static: tuple[float, ...] = ()) -> int:
        """Return the register of an operation; the same instruction makes it once."""
        key = op, operands, static
        register = self.remembered.get(key, -1)
        if register < 0 or (static and repr(self.instructions[register].static) != repr(static)):  # 0.0, -0.0
            register = self._append(key, Instruction(op, operands, static, self._shape_of(op, operands)))
        return register

    def move(self, move: Move, operands: tuple[int, ...] = (), static: tuple[Any, ...] = ()) -> int:
        """Return the register of a move; the same instruction makes it once."""
        key = move, operands, static
        register = self.remembered.get(key, -1)
        if register < 0 or (move is CONSTANT and repr(self.instructions[register].static) != repr(static)):
            shape = move.shape(static, [self.instructions[i].shape for i in operands])
            register = self._append(key, Instruction(move, operands, static, shape))
        return register

    def _append(self, key: Any, instruction: Instruction) -> int:
        if len(self.remembered) > MAX_REMEMBERED:
            self.remembered.clear()
        register = self.remembered[key] = len(self.instructions)
        self.instructions.append(instruction)
        self.batched = self.batched or instruction.shape.lanes == BATCH
        return register

    def _shape_of(self, op: Op, operands: tuple[int, ...]) -> Shape:
        """Return the shape of an operation: along each axis that of the first operand that has it."""
        units = lanes = None
        for i in operands:
            shape = self.instructions[i].shape
            if shape is not SCALAR:
                units = shape.units if units is None else units
                lanes = shape.lanes if lanes is None else lanes
        if op.arity is None and (len(operands) == 1 or self.is_reduced(op, operands)):
            units = None
        return SCALAR if units is None and lanes is None else Shape(units, lanes)

    def is_reduced(self, op: Op | Move, operands: tuple[int, ...]) -> bool:
        """Return whether this is a `LOGSUMEXP` over the units of its first operand; the others are its parts."""
        return op is ops.LOGSUMEXP and self.shape(operands[0]).units is not None

    # The moves that more than one pass makes; those that would change nothing are none.

    def constant(self, numbers: Any, axes: tuple[int, ...] = (), label: str = "") -> int:
        """Return the register of a number, or of numbers along these axes."""
        return self.move(CONSTANT, (), (numbers, axes, label))

    def matmul(self, a: int, b: int, turned: tuple[bool, bool] = (False, False)) -> int:
        """Return the register of the product of two matrices, or of vectors that have units alone."""
        return self.move(MATMUL, (a, b), turned)

    def take(self, x: int, axis: int, index: Index) -> int:
        """Return the register of one place of an axis, or of several; of all in order, `x` itself."""
        if index == tuple(range(self.shape(x)[axis] or 0)):
            return x
        return self.move(TAKE, (x,), (axis, index))

    def turn(self, x: int) -> int:
        """Return the register whose units are the lanes of `x`, and its lanes the units."""
        instruction = self.instructions[x]
        return instruction.operands[0] if instruction.op is TURN else self.move(TURN, (x,))

    def total(self, x: int, axis: int) -> int:
        """Return the register of the sum along an axis."""
        return self.move(TOTAL, (x,), (axis,))

    def expand(self, x: int, shape: Shape) -> int:
        """Return the register that is `x` in each place of a shape."""
        return x if self.shape(x) == shape else self.move(EXPAND, (x,), (shape,))

    def number(self, register: int) -> float | None:
        """Return the number that a register always is, if it is one."""
        op, _, static, shape = self.instructions[register]
        return static[0] if op is CONSTANT and shape is SCALAR else None
