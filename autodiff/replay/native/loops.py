"""From a tape to loop nests: operations of one shape share a loop, and everything lies at a fixed address.

A product that one such loop alone uses is handed on to it, tile by tile, and lies nowhere. Any other register lies in
memory as its units one after the other, each with all its lanes. Lengths are known: of a batch, the nests are written
for each number of samples.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from autodiff.engine import ops
from autodiff.engine.ops import Op
from autodiff.replay.native.code import ARITHMETIC, FLOAT, Kind, Local
from autodiff.replay.native.nest import Memory, Nest, Place
from autodiff.replay.native.products import Factor, answers, product
from autodiff.replay.native.trees import can_be_blended
from autodiff.replay.rules.symbolic import Tree, Unwritable, forward, uses_in
from autodiff.replay.rules.wide import LOG_TOTAL, WIDE, Wide
from autodiff.replay.tape import tape as moves
from autodiff.replay.tape.tape import BATCH, LANES, SCALAR, UNITS, Instruction, Move, Shape, Tape

MAX_HANDED_ON = 6  # registers that are made of a product's tile: they are written for each vector of it
MAX_REGISTERS = 64  # made in one loop: LLVM takes ever longer for longer ones, WebAssembly has 50,000 locals at most
MIN_COLUMNS = 16  # of inputs, for their products to be taken of samples as they are given
PLAIN = {*ARITHMETIC, "name", "number"}
Written = Callable[[Nest], None]  # writes the nest of a register


@dataclass
class Stage:
    """Registers that are made together: in one loop over their shape, or one register by a nest of its own.

    Attributes:
        product: a product that is used here alone: the loop is over its tiles, as they are made.
    """

    shape: Shape
    registers: list[int] = field(default_factory=list)
    alone: Written | None = None
    product: int | None = None

    def takes(self, shape: Shape) -> bool:
        """Return whether a register of this shape can be made here, element by element."""
        return self.alone is None and self.shape == shape and len(self.registers) < MAX_REGISTERS


class Lowering:
    """A tape for so many samples: where each register lies, and what writes it.

    Attributes:
        memory: what lies where.
        theta: the address of the parameters.
        dtheta: that of their gradients.
        inputs: that of the inputs, sample by sample, each with all columns.
        places: where each register lies.
    """

    def __init__(self, tape: Tape, samples: int) -> None:
        self.tape, self.samples, self.memory = tape, samples, Memory()
        self.theta, self.dtheta = [self.memory.room(tape.parameters) for _ in range(2)]
        read = [i for x in tape.instructions if x.op is moves.INPUTS for i in places_of(x.static[0])]
        self.columns = 1 + max(read, default=-1)
        self.inputs = self.memory.room(self.columns * samples)
        self.users: dict[int, list[int]] = {}
        for i, x in enumerate(tape.instructions):
            for operand in x.operands:
                self.users.setdefault(operand, []).append(i)
        self.direct = self._direct()
        self.places: list[Place] = []
        self.written: list[Written | None] = []  # by a nest of its own; of the others, of operations None
        self.is_given: list[bool] = []
        for register, instruction in enumerate(tape.instructions):
            made = MOVED[instruction.op](self, register) if isinstance(instruction.op, Move) else None
            self.is_given.append(isinstance(made, Place))
            self.places.append(made if isinstance(made, Place) else self.direct.get(register) or self._new(register))
            self.written.append(None if isinstance(made, Place) else made or self._reduced(register))

    def _direct(self) -> dict[int, Place]:
        """Return where registers lie that are made in the gradient itself."""
        parts = self.tape.gradient
        places = [place for _, index in parts for place in places_of(index)]
        self.apart = len(places) == len(set(places))
        found = {}
        for register, index in parts:
            place = side_by_side(index, self.dtheta)
            alone = [r for r, _ in parts].count(register) == 1 and (self.apart or register not in self.users)
            op = self.tape.instructions[register].op
            if place and alone and (isinstance(op, Op) or op in (moves.MATMUL, moves.EXPAND)):
                found[register] = Place(place.address, place.stride, added=not self.apart)
        return found

    def shape(self, register: int) -> Shape:
        """Return the shape of a register, the batch's samples counted."""
        shape = self.tape.shape(register)
        return Shape(shape.units, self.samples) if shape.lanes == BATCH else shape

    def _new(self, register: int) -> Place:
        units, lanes = self.shape(register)
        return Place(self.memory.room((units or 1) * (lanes or 1)), 8 * (lanes or 1))

    def addresses(self, register: int) -> list[int]:
        """Return the addresses of all numbers of a register."""
        return self.taken(register, UNITS, tuple(range(self.shape(register).units or 1)))

    def taken(self, register: int, axis: int, index: Any) -> list[int]:
        """Return the addresses of these places of an axis of a register."""
        (units, lanes), place = self.shape(register), self.places[register]
        if axis == LANES:
            return [place.address + u * place.stride + 8 * k for u in range(units or 1) for k in places_of(index)]
        return [place.address + u * place.stride + 8 * k for u in places_of(index) for k in range(lanes or 1)]

    def rows(self, index: Any, address: int, stride: int) -> Place | None:
        """Return where these units lie among those from an address on, if they lie one after the other."""
        places = places_of(index)
        is_matrix = isinstance(index, tuple) and isinstance(index[0], tuple)
        if is_matrix or places != list(range(places[0], places[0] + len(places))):
            return None
        return Place(address + places[0] * stride, stride)

    def given(self, register: int) -> Factor | None:
        """Return where inputs lie as a matrix, one a row, if they are many that are given side by side."""
        op, _, static, _ = self.tape.instructions[register]
        if op is not moves.INPUTS or self.shape(register) != (len(places_of(static[0])), self.samples):
            return None
        place = self.rows(static[0], self.inputs, 8)
        return Factor(place.address, 8, 8 * self.columns) if place and len(static[0]) >= MIN_COLUMNS else None

    def factors(self, register: int) -> tuple[Factor, Factor, tuple[int, int, int]]:
        """Return the factors of a product, m x k and k x n, and (m, k, n)."""
        _, (a, b), turned, _ = self.tape.instructions[register]
        m, k, first = _factor(self, a, turned[0], first=True)
        _, n, second = _factor(self, b, turned[1], first=False)
        return first, second, (m, k, n)

    def copied(self, sources: list[int], register: int) -> Written:
        """Return what copies numbers from these addresses into a register."""
        return lambda nest: nest.copy(sources, self.addresses(register))

    # Stages.

    def stages(self, end: int) -> list[Stage]:
        """Return the first registers of the tape in stages: each as early as what it needs allows."""
        stages: list[Stage] = []
        home: list[int] = []
        for register, instruction in enumerate(self.tape.instructions[:end]):
            if self.is_given[register]:
                home.append(max([home[i] for i in instruction.operands], default=-1))
                continue
            shape, alone = self.shape(register), self.written[register]
            number = len(stages)
            if alone is None:
                earliest = max([self._after(stages, home[i], i, shape) for i in instruction.operands], default=0)
                number = next((k for k in range(earliest, number) if stages[k].takes(shape)), number)
            if number == len(stages):
                stages.append(Stage(shape, [], alone))
            stages[number].registers.append(register)
            home.append(number)
        for stage in stages:
            stage.product = self._handed_on(stage, end)
        products = {stage.product for stage in stages}
        return [stage for stage in stages if not (stage.alone and stage.registers[0] in products)]

    def _handed_on(self, stage: Stage, end: int) -> int | None:
        """Return a product that a short stage of plain arithmetic alone uses; None without."""
        if stage.alone or None in stage.shape or stage.shape.lanes == 1 or len(stage.registers) > MAX_HANDED_ON:
            return None
        made, instructions = set(stage.registers), self.tape.instructions
        answered = {self.tape.root, *[register for register, _ in self.tape.gradient]}
        for i in [i for register in stage.registers for i in instructions[register].operands if i not in answered]:
            users = {user for user in self.users[i] if user < end}
            if instructions[i].op is moves.MATMUL and self.shape(i) == stage.shape and users <= made:
                return i if all([_is_plain(instructions[register]) for register in made]) else None
        return None

    def _after(self, stages: list[Stage], home: int, operand: int, shape: Shape) -> int:
        """Return the first stage that may use an operand: its own, if there it is made element by element."""
        own = home >= 0 and stages[home].alone is None and stages[home].shape == shape
        return home if own and operand in stages[home].registers else home + 1

    def write(self, nest: Nest, end: int) -> None:
        """Write the first registers of the tape."""
        for stage in self.stages(end):
            with nest.part():
                if stage.alone:
                    stage.alone(nest)
                else:
                    Elements(self, nest, stage, end).write()

    def write_gradient(self, nest: Nest) -> None:
        """Write the parts of the gradient that were not made in it."""
        for register, index in self.tape.gradient:
            if register not in self.direct:
                targets = [self.dtheta + 8 * i for i in places_of(index)]
                with nest.part():
                    nest.copy(self.addresses(register), targets, added=not self.apart)

    # Wide operations.

    def _reduced(self, register: int) -> Written | None:
        """Return what writes a wide operation over the units of a register; None of one element by element."""
        op, operands, _, _ = self.tape.instructions[register]
        if not isinstance(op, Op) or op.arity is not None:
            return None
        if len(operands) > 1:
            return (
                (lambda nest: self._log_sum(nest, operands, register)) if self.tape.is_reduced(op, operands) else None
            )
        if op not in WIDE:
            raise Unwritable(str(op))
        return lambda nest: self.over(nest, WIDE[op], operands[0], UNITS, self.places[register])

    def _log_sum(self, nest: Nest, operands: tuple[int, ...], register: int) -> None:
        """Write a `LOGSUMEXP` whose parts are made already: the largest number, and the powers beside it."""
        _, top, powers, *_ = operands
        nest.copy(self.addresses(top), self.addresses(register))
        self.over(nest, LOG_TOTAL, powers, UNITS, replace(self.places[register], added=True))

    def over(self, nest: Nest, row: Wide, register: int, axis: int, out: Place) -> None:
        """Write a wide operation over an axis of a register to a place."""
        (units, lanes), place = self.shape(register), self.places[register]
        code = nest.code
        if axis == LANES or lanes is None:
            length, step = ((lanes or 1), 8) if axis == LANES else ((units or 1), place.stride)
            with code.loop((units or 1) if axis == LANES else 1, place.stride, out.stride) as (outer, written):
                if row is WIDE[ops.SUM] and step == 8:
                    total = nest.sum_of(place.address, length, [outer])
                else:
                    total = self._fold(nest, row, (place.address, length, step), outer, FLOAT)
                nest.put(out, 0, [written], total)
            return
        for kind, times, start in nest.pieces(lanes, nest.can_be_folded_at_once(row)):
            with code.loop(times, 8 * kind.width) as (outer,):
                run = place.address + start, units or 1, place.stride
                nest.put(out, start, [outer], self._fold(nest, row, run, outer, kind))

    def _fold(self, nest: Nest, row: Wide, run: tuple[int, int, int], outer: Local, kind: Kind) -> Local:
        address, length, step = run

        def numbers(go_on: Callable[[Local], None]) -> None:
            with nest.code.loop(length, step) as (along,):
                go_on(nest.code.load(address, [outer, along], kind))

        return nest.fold(row, numbers, length, kind)


class Elements:
    """A stage that is computed element by element, a vector of them at a time."""

    def __init__(self, lowering: Lowering, nest: Nest, stage: Stage, end: int) -> None:
        self.lowering, self.nest, self.stage = lowering, nest, stage
        tape, made = lowering.tape, {*stage.registers, stage.product}
        instructions = [(r, tape.instructions[r]) for r in stage.registers]
        self.read = list(dict.fromkeys([i for _, x in instructions for i in x.operands if i not in made]))
        answered = {tape.root, *[register for register, _ in tape.gradient]}
        self.kept = [
            r
            for r in stage.registers
            if r in answered or any([u not in made and u < end for u in lowering.users.get(r, ())])
        ]
        self.trees = {r: self._tree(x) for r, x in instructions}
        self.along = {  # the bytes from one row to the next
            i: lowering.places[i].stride for i in (*self.read, *self.kept) if lowering.shape(i).units is not None
        }
        self.strides = list(dict.fromkeys(self.along.values()))

    def _tree(self, instruction: Instruction) -> Tree | Wide | None:
        """Return the rule of an instruction; None for what only spreads its operand."""
        op, static = instruction.op, instruction.static
        if isinstance(op, Move):
            return None
        return WIDE[op] if op in WIDE else forward(op, static)

    def loops(self) -> tuple[int, ...]:
        """Return how long its loops are: over units and lanes; over all at once, where nothing has one axis alone."""
        units, lanes = self.stage.shape
        whole = [self._is_whole(i) or self.lowering.shape(i) == SCALAR for i in (*self.read, *self.kept)]
        flat = self.stage.product is None and all(whole)
        return ((units or 1) * (lanes or 1),) if units is None or lanes is None or flat else (units, lanes)

    def write(self) -> None:
        """Write the loops."""
        if self.stage.product is not None:
            answers(self.nest, *self.lowering.factors(self.stage.product), self)
            return
        *outer, count = self.loops()
        if not outer:
            self._runs({}, count)
            return
        with self.nest.code.loop(outer[0], *self.strides) as offsets:
            self._runs(self._rows(offsets), count)

    def _rows(self, offsets: Sequence[Local]) -> dict[int, Local]:
        """Return of each register the offset of a row."""
        return {i: offsets[self.strides.index(stride)] for i, stride in self.along.items()}

    def put(self, row: int, down: Sequence[Local], behind: int, right: Local, value: Local) -> None:
        """Make the registers of answers of the product."""
        assert self.stage.product is not None, "only a product hands on what it answers"
        rows, held = self._rows(down), {self.stage.product: value}
        for i in self.read:
            start, along = row * self.along.get(i, 0), []
            if self._is_moving(i):
                start, along = start + behind, [right]
            held[i] = self._loaded(i, rows, along, start, value.kind)
        self._body(held, rows, [right], behind, value.kind, row)

    def _is_whole(self, register: int) -> bool:
        """Return whether a register has all places of the stage's shape, without gaps."""
        shape = self.lowering.shape(register)
        side_by_side = shape.units is None or self.lowering.places[register].stride == 8 * (shape.lanes or 1)
        return shape == self.stage.shape and side_by_side

    def _runs(self, rows: dict[int, Local], count: int) -> None:
        """Write a run of elements: vectors of them, and what is left."""
        for kind, times, start in self.nest.pieces(count, all(map(self._is_blended, self.trees.values()))):
            still = {i: self._loaded(i, rows, (), 0, kind) for i in self.read if not self._is_moving(i)}
            with self.nest.code.loop(times, 8 * kind.width) as along:
                moving = {i: self._loaded(i, rows, along, start, kind) for i in self.read if self._is_moving(i)}
                self._body(still | moving, rows, along, start, kind)

    def _is_moving(self, register: int) -> bool:
        """Return whether an operand differs from one element of a run to the next."""
        shape, both = self.lowering.shape(register), None not in self.stage.shape
        return shape.lanes is not None or (shape.units is not None and not both)

    def _loaded(self, register: int, rows: dict[int, Local], along: Sequence[Local], start: int, kind: Kind) -> Local:
        offsets, address = (
            [*([rows[register]] if register in rows else []), *along],
            self.lowering.places[register].address,
        )
        return self.nest.code.load(address + start, offsets, kind, spread=not self._is_moving(register))

    def _is_blended(self, rule: Tree | Wide | None) -> bool:
        if isinstance(rule, Wide):
            return self.nest.can_be_folded_at_once(rule)
        return rule is None or can_be_blended(rule)

    def _body(
        self,
        held: dict[int, Local],
        rows: dict[int, Local],
        along: Sequence[Local],
        start: int,
        kind: Kind,
        row: int = 0,
    ) -> None:
        nest, places = self.nest, self.lowering.places
        for register in self.stage.registers:
            held[register] = self._value(register, held, kind)
        for i in self.kept:
            behind = start + row * self.along.get(i, 0)
            nest.put(places[i], behind, [*([rows[i]] if i in rows else []), *along], held[i])

    def _value(self, register: int, held: dict[int, Local], kind: Kind) -> Local:
        op, operands, _, _ = self.lowering.tape.instructions[register]
        rule, values = self.trees[register], [held[i] for i in operands]
        if rule is None:
            return values[0]
        if isinstance(rule, Wide):

            def numbers(go_on: Callable[[Local], None]) -> None:
                for x in values:
                    go_on(x)

            return self.nest.fold(rule, numbers, len(values), kind)
        names = dict(zip(op.operand_names, values, strict=False))  # type: ignore[union-attr]  # an operation
        return self.nest.answer(rule, names, kind)


def _is_plain(instruction: Instruction) -> bool:
    """Return whether an instruction is arithmetic without many branches, or spreads its operand: it calls nothing."""
    op, _, static, _ = instruction
    if isinstance(op, Move):
        return True
    if op in WIDE:
        return False
    tree = forward(op, static)
    return can_be_blended(tree) and all([x.kind in PLAIN for x in uses_in(tree)])


# Moves: where a register lies, if nothing is computed; else what writes it.


def _constant(lowering: Lowering, register: int) -> Place:
    numbers, axes, _ = lowering.tape.instructions[register].static
    rows = (
        [numbers]
        if len(axes) == 1
        else numbers
        if axes == (UNITS, LANES)
        else list(zip(*numbers, strict=True))
        if axes
        else [[numbers]]
    )
    return Place(
        lowering.memory.data(array("d", [x for row in rows for x in row])), 8 * (lowering.shape(register).lanes or 1)
    )


def _count(lowering: Lowering, register: int) -> Place:
    return Place(lowering.memory.data(array("d", [float(lowering.samples)])), 8)


def _parameters(lowering: Lowering, register: int) -> Place | Written:
    (index,) = lowering.tape.instructions[register].static
    sources = [lowering.theta + 8 * i for i in places_of(index)]
    return side_by_side(index, lowering.theta) or lowering.copied(sources, register)


def _inputs(lowering: Lowering, register: int) -> Place | Written:
    index, samples, columns = lowering.tape.instructions[register].static[0], lowering.samples, 8 * lowering.columns
    users = [lowering.tape.instructions[user].op for user in lowering.users.get(register, ())]
    given = lowering.given(register)
    if given and (samples == 1 or all([op is moves.MATMUL for op in users])):
        return Place(given.address, given.row)
    if given:
        return lambda nest: nest.turn(given.address, lowering.places[register].address, (samples, len(index), columns))
    sources = [lowering.inputs + 8 * i + k * columns for i in places_of(index) for k in range(samples)]
    return lowering.copied(sources, register)


def _take(lowering: Lowering, register: int) -> Place | Written:
    instruction = lowering.tape.instructions[register]
    (operand,), (axis, index) = instruction.operands, instruction.static
    taken = lowering.places[operand]
    place = lowering.rows(index, taken.address, taken.stride) if axis == UNITS else None
    return place or lowering.copied(lowering.taken(operand, axis, index), register)


def _put(lowering: Lowering, register: int) -> Written:
    instruction = lowering.tape.instructions[register]
    axis, indices, _ = instruction.static

    def write(nest: Nest) -> None:
        units, lanes = lowering.shape(register)
        nest.code.zero(lowering.places[register].address, 8 * (units or 1) * (lanes or 1))
        for operand, index in zip(instruction.operands, indices, strict=True):
            nest.copy(lowering.addresses(operand), lowering.taken(register, axis, index), added=True)

    return write


def _stack(lowering: Lowering, register: int) -> Written:
    sources = [a for operand in lowering.tape.instructions[register].operands for a in lowering.addresses(operand)]
    return lowering.copied(sources, register)


def _turn(lowering: Lowering, register: int) -> Place:
    operand = lowering.places[lowering.tape.instructions[register].operands[0]]
    return Place(operand.address, 8 * (lowering.shape(register).lanes or 1))


def _total(lowering: Lowering, register: int) -> Written:
    (operand,), (axis,) = lowering.tape.instructions[register].operands, lowering.tape.instructions[register].static
    return lambda nest: lowering.over(nest, WIDE[ops.SUM], operand, axis, lowering.places[register])


def _matmul(lowering: Lowering, register: int) -> Written:
    a, b, sizes = lowering.factors(register)
    return lambda nest: product(nest, a, b, sizes, lowering.places[register])


def _factor(lowering: Lowering, register: int, turned: bool, *, first: bool) -> tuple[int, int, Factor]:
    """Return rows, columns and place of a factor: of units alone a row as the first, a column as the second."""
    (units, lanes), place = lowering.shape(register), lowering.places[register]
    given = lowering.given(register) or Factor(place.address, place.stride, 8)
    if lanes is None:
        length = units or 1
        rows, columns, row, column = (1, length, 0, place.stride) if first else (length, 1, place.stride, 0)
    elif units is None:
        rows, columns, row, column = 1, lanes, 0, 8
    else:
        rows, columns, row, column = units, lanes, given.row, given.column
        if turned:
            rows, columns, row, column = columns, rows, column, row
    return rows, columns, Factor(given.address, row, column)


MOVED: dict[Move, Callable[[Lowering, int], Place | Written | None]] = {
    moves.CONSTANT: _constant,
    moves.PARAMETERS: _parameters,
    moves.INPUTS: _inputs,
    moves.COUNT: _count,
    moves.MATMUL: _matmul,
    moves.TAKE: _take,
    moves.PUT: _put,
    moves.STACK: _stack,
    moves.TURN: _turn,
    moves.TOTAL: _total,
    moves.EXPAND: lambda lowering, register: None,  # element by element, as operations are
}


def places_of(index: Any) -> list[int]:
    """Return all places of an index, one by one."""
    return [index] if isinstance(index, int) else [place for part in index for place in places_of(part)]


def side_by_side(index: Any, address: int) -> Place | None:
    """Return where numbers of a vector lie that are side by side, or in rows that are equally far from one another."""
    if isinstance(index, int):
        return Place(address + 8 * index, 8)
    rows = index if isinstance(index[0], tuple) else [index]
    first, columns = rows[0][0], len(rows[0])
    stride = rows[1][0] - first if len(rows) > 1 else columns
    if stride < 1 or [tuple(range(first + i * stride, first + i * stride + columns)) for i in range(len(rows))] != list(
        rows
    ):
        return None
    return Place(address + 8 * first, 8 * stride if rows is index else 8)
