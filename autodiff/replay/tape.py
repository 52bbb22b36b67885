"""The tape: a flat program of instructions over registers, between the graph and whatever runs it.

Every instruction makes one register, so register i is what instruction i answers; its operands are registers before it.
A register has up to two axes: rows (neurons, features) and lanes (samples). Either may be absent: a register with
neither is one number, and a register that lacks an axis of another is the same along it. Instructions are

- *rows of the calculus*, applied element by element. A row that takes any number of operands (`SUM`, `MAX`), given a
  single register that has rows, takes these rows as its operands; so does `LOGSUMEXP`, followed by what it is made of
  and its gradient needs as well: the largest x, the powers e**(x - largest), and their total;
- *moves*, which compute nothing of their own, named below.

Any back end that knows the rows and these few moves can run a tape. It must not know how it is run.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from autodiff import ops
from autodiff.ops import Op

MEMORY = 50_000  # instructions that are remembered, so that they are not made twice
BATCH = -1  # so many lanes as the batch has samples, known only when it runs

# The moves, with their settings.
CONSTANT = "constant"  # (numbers): one number, a tuple of them a row, or a tuple of rows of one number a lane
PARAMETERS = (
    "parameters"  # (index): these parameters: one, a tuple of them as rows, or a tuple of such rows as a matrix
)
INPUTS = "inputs"  # (index): these inputs of each sample: one, or a tuple of them as rows
COUNT = "count"  # (): how many lanes the batch has
MATMUL = (
    "matmul"  # (transposed, transposed): the product of two matrices or vectors, the rows of the second summed over
)
TAKE = "take"  # (axis, index): from the axis "rows" or "lanes", one place, or a tuple of places
PUT = "put"  # (axis, indices, length): the opposite, each operand at its index; where several meet their sum, else 0
STACK = "stack"  # (): the operands' rows under one another; an operand without rows is one row
TURN = "turn"  # (): rows become lanes, lanes rows, of a register that has one of them
TOTAL = "total"  # (axis): the sum along an axis
EXPAND = "expand"  # (): the same number in every place of the rows and lanes of this register


class Instruction(NamedTuple):
    """What makes a register, and the register's axes (None: absent)."""

    op: Op | str
    operands: tuple[int, ...] = ()
    settings: tuple[Any, ...] = ()
    rows: int | None = None
    lanes: int | None = None


class Tape:
    """A program, the names of its registers, and what it answers.

    Attributes:
        instructions: the program.
        names: registers that people have a name for.
        watched: registers of operations that have a domain, in the graph itself: not finite, they may have left it.
        forward: how many instructions, from the first, make the forward pass.
        root: the register of the loss.
        gradient: pairs (register, index): what is added to the gradient by these parameters.
    """

    def __init__(self, parameters: int) -> None:
        self.parameters = parameters
        self.instructions: list[Instruction] = []
        self.names: dict[int, str] = {}
        self.watched: set[int] = set()
        self.forward = 0
        self.root = 0
        self.gradient: list[tuple[int, Any]] = []
        self.memory: dict[Any, int] = {}  # what has been computed is not computed again

    def add(
        self,
        op: Op | str,
        operands: tuple[int, ...] = (),
        settings: tuple[Any, ...] = (),
        rows: int | None = None,
        lanes: int | None = None,
    ) -> int:
        """Return the register that this instruction makes; the same instruction makes it once."""
        key = op, operands, settings, rows, lanes
        register = self.memory.get(key, -1)
        if register < 0 or (
            (op is CONSTANT or isinstance(op, Op)) and repr(self.instructions[register].settings) != repr(settings)
        ):  # 0.0, -0.0
            if len(self.memory) > MEMORY:
                self.memory.clear()
            register = self.memory[key] = len(self.instructions)
            self.instructions.append(Instruction(op, operands, settings, rows, lanes))
        return register

    def apply(self, op: Op, operands: tuple[int, ...], settings: tuple[float, ...] = ()) -> int:
        """Return the register of a row of the calculus."""
        shapes = [self.instructions[i] for i in operands]
        rows = next((shape.rows for shape in shapes if shape.rows is not None), None)
        lanes = next((shape.lanes for shape in shapes if shape.lanes is not None), None)
        if op.arity is None and (len(operands) == 1 or self._is_reduced(op, operands)):
            rows = None
        return self.add(op, operands, settings, rows=rows, lanes=lanes)

    def _is_reduced(self, op: Op, operands: tuple[int, ...]) -> bool:
        return op is ops.LOGSUMEXP and self.instructions[operands[0]].rows is not None

    def matmul(self, a: int, b: int, transposed: tuple[bool, bool] = (False, False)) -> int:
        """Return the register of the product of two matrices, or of vectors that have rows alone."""
        first, second = self.instructions[a], self.instructions[b]
        rows = None if first.lanes is None else first.lanes if transposed[0] else first.rows
        lanes = second.rows if transposed[1] else second.lanes
        return self.add(MATMUL, (a, b), transposed, rows=rows, lanes=lanes)

    def take(self, x: int, axis: str, index: Any) -> int:
        """Return the register of one place of an axis, or of several; of all in order, `x` itself."""
        rows, lanes = self.instructions[x].rows, self.instructions[x].lanes
        if index == tuple(range((rows if axis == "rows" else lanes) or 0)):
            return x
        length = len(index) if isinstance(index, tuple) else None
        if length and isinstance(index[0], tuple):
            return self.add(TAKE, (x,), (axis, index), rows=length, lanes=len(index[0]))
        axes = {"rows": length, "lanes": lanes} if axis == "rows" else {"rows": rows, "lanes": length}
        return self.add(TAKE, (x,), (axis, index), **axes)

    def turn(self, x: int) -> int:
        """Return the register whose rows are the lanes of `x`, and its lanes the rows."""
        op, operands, _, rows, lanes = self.instructions[x]
        return operands[0] if op is TURN else self.add(TURN, (x,), rows=lanes, lanes=rows)

    def total(self, x: int, axis: str) -> int:
        """Return the register of the sum along an axis."""
        shape = self.instructions[x]
        axes = {"rows": None, "lanes": shape.lanes} if axis == "rows" else {"rows": shape.rows, "lanes": None}
        return self.add(TOTAL, (x,), (axis,), **axes)

    def expand(self, x: int, rows: int | None, lanes: int | None) -> int:
        """Return the register that is `x` in each of these rows and lanes."""
        shape = self.instructions[x]
        if (shape.rows, shape.lanes) == (rows, lanes):
            return x
        return self.add(EXPAND, (x,), rows=rows, lanes=lanes)

    def constant(self, number: float) -> int:
        """Return the register of a number."""
        return self.add(CONSTANT, (), (number,))

    def number(self, register: int) -> float | None:
        """Return the number that a register always is, if it is one."""
        op, _, settings, rows, lanes = self.instructions[register]
        return settings[0] if op is CONSTANT and rows is None and lanes is None else None
