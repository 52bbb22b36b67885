"""Rows: units that do the same with other operands become one instruction, and dot products matrix products.

It knows how operands are gathered from wherever they are. What an operation computes it does not ask.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from autodiff import ops
from autodiff.replay import tape as moves
from autodiff.replay.differentiate import Symbol, differentiate
from autodiff.replay.record import Recording, grouped
from autodiff.replay.reroll import Ref, Unit, Units, arrange
from autodiff.replay.tape import BATCH, Tape

FEWEST = 4  # units that do the same from which they become rows, unless their operands are rows already
EDGED = (ops.RATIO, ops.POW0, ops.POWER0, ops.LOG0)  # without a domain, but where NumPy is not finite they may be


class Fuser:
    """Writes the tape, block by block: a block is the units that become the rows of one register."""

    def __init__(self, graph: Units, recording: Recording) -> None:
        self.units, self.recording = graph.units, recording
        self.tape = Tape(recording.parameters)
        self.place: list[tuple[int, int | None]] = [(-1, None)] * len(self.units)  # register and row of each unit
        self.signed = any([unit.op is ops.ATAN2 for unit in self.units])  # it tells -0.0 from 0.0, as nothing else does
        self.layers = 0
        self.root = graph.root
        self.blocks = self._blocks()

    def write(self) -> Tape:
        """Return the tape, and its reverse sweep."""
        for block in self.blocks:
            self._write(block)
        tape = self.tape
        root = self.pick(self.root)
        if tape.instructions[root].lanes == BATCH:
            root = tape.apply(ops.DIV, (tape.total(root, "lanes"), tape.add(moves.COUNT)))
        tape.root = root
        tape.names.setdefault(root, "loss")
        differentiate(tape)
        return tape

    def _blocks(self) -> list[list[int]]:
        """Return the units in blocks, in the order of their first units, which is one in which they can be computed."""
        sides = _shared_sides(self.units)
        block_of: list[int] = []
        blocks: list[list[int]] = []
        known: dict[Any, int] = {}

        def token(ref: Ref) -> Any:
            return (block_of[ref.place], ref.lane) if ref.kind == "unit" else ref.kind

        for i, unit in enumerate(self.units):
            key: Any
            if unit.op is ops.DOT:
                left, right, *bias = grouped(ops.DOT, unit.operands)
                shared, other = (left, right) if sides[i] == 0 else (right, left)
                key = ops.DOT, sides[i], shared, tuple(map(token, other)), tuple(map(token, bias)), unit.lanes
            elif unit.op.arity is None:
                key = i
            else:
                key = unit.op, repr(unit.settings), tuple(map(token, unit.operands)), unit.lanes
            block = known.setdefault(key, len(blocks))
            if block == len(blocks):
                blocks.append([])
            blocks[block].append(i)
            block_of.append(block)
        arrange(blocks, [[ref.place for ref in unit.operands if ref.kind == "unit"] for unit in self.units])
        return blocks

    def _write(self, block: list[int]) -> None:
        units = [self.units[i] for i in block]
        op = units[0].op
        if op is ops.DOT:
            register = self._matmul(units) if len(units) > 1 else None
        elif len(units) < FEWEST and not self._on_rows(units):
            register = None
        else:
            register = self._elementwise(units) if len(units) > 1 else None
        if register is None:
            for i, unit in zip(block, units, strict=True):
                single = self._unsigned(unit, self._single(unit))
                self.place[i] = single, None
                if unit.label:
                    self.tape.names.setdefault(single, unit.label)
            return
        register = self._unsigned(units[0], register)
        has_rows = self.tape.instructions[register].rows is not None
        for row, i in enumerate(block):
            self.place[i] = register, row if has_rows else None

    def _unsigned(self, unit: Unit, register: int) -> int:
        """Return the register without a -0.0, where the row has none and it would matter."""
        if not self.signed or unit.op not in (ops.SUM, ops.DOT, ops.RELU):
            return register
        return self.tape.apply(ops.ADD, (register, self.tape.constant(0.0)))

    def _on_rows(self, units: Sequence[Unit]) -> bool:
        """Return whether some operand of these units is the rows of a register."""
        for refs in zip(*[unit.operands for unit in units], strict=True):
            if all([ref.kind == "unit" and self.place[ref.place][1] is not None for ref in refs]):
                return True
        return False

    def _elementwise(self, units: Sequence[Unit]) -> int:
        registers = []
        for refs in zip(*[unit.operands for unit in units], strict=True):
            registers.append(self.pick(refs[0]) if len(set(refs)) == 1 else self.gather(refs))
        return self._row(units[0], registers)

    def _row(self, unit: Unit, operands: Sequence[int]) -> int:
        """Return the register of a unit's row; the activation of a layer is named after the layer."""
        register = self.tape.apply(unit.op, tuple(operands), unit.settings)
        if unit.op.domain or unit.op in EDGED:
            self.tape.watched.add(register)
        operand = self.tape.instructions[register].operands[:1]
        name = self.tape.names.get(operand[0], "") if operand else ""
        if unit.op.arity == 1 and name[:1] == "z" and name[1:].isdigit():
            self.tape.names.setdefault(register, f"a{name[1:]}")
        return register

    def _matmul(self, units: Sequence[Unit]) -> int | None:
        """Return the register of dot products that share one side, None where the other side has lanes of its own."""
        groups = [grouped(ops.DOT, unit.operands) for unit in units]
        side = 0 if all([group[0] == groups[0][0] for group in groups]) else 1
        shared, others = groups[0][side], [group[1 - side] for group in groups]
        if not all([group[side] == shared for group in groups]) or any([self._laned(ref) for ref in others[0]]):
            return None
        matrix = self._matrix(others)
        if matrix is None:
            return None
        z = self._layer(matrix, self.gather(shared))
        if len(groups[0]) > 2:
            bias = self.gather([group[2] for group in groups])
            self.tape.names.setdefault(bias, f"b{self.layers}")
            z = self._renamed(z, self.tape.apply(ops.ADD, (z, bias)))
        return z

    def _layer(self, weights: int, inputs: int) -> int:
        self.layers += 1
        tape = self.tape
        tape.names.setdefault(weights, f"W{self.layers}")
        tape.names.setdefault(inputs, "x" if self.layers == 1 else f"x{self.layers}")
        z = tape.matmul(weights, inputs)
        tape.names.setdefault(z, f"z{self.layers}")
        return z

    def _renamed(self, old: int, new: int) -> int:
        """Give the name of a register to the one that it is finished in."""
        name = self.tape.names.pop(old, None)
        if name:
            self.tape.names.setdefault(new, name)
        return new

    def _matrix(self, rows: Sequence[Sequence[Ref]]) -> int | None:
        """Return the register of these refs as a matrix, None if they come from several places."""
        if all([ref.kind == "parameter" for row in rows for ref in row]):
            index = tuple([tuple([ref.place for ref in row]) for row in rows])
            return self.tape.add(moves.PARAMETERS, (), (index,), rows=len(rows), lanes=len(rows[0]))
        flat = [ref for row in rows for ref in row]
        source = self.gather(flat)
        n = len(rows[0])
        index = tuple([tuple(range(i, i + n)) for i in range(0, len(flat), n)])
        return self.tape.take(source, "rows", index)

    def _single(self, unit: Unit) -> int:
        tape, op = self.tape, unit.op
        if op is ops.SUM:
            terms = unit.operands if self.signed else self._by_home(unit.operands)
            parts = [tape.apply(op, (part,)) if self._rows(part) else part for part in self._runs(terms)]
            register = parts[0]
            for part in parts[1:]:
                register = tape.apply(ops.ADD, (register, part))
            return register
        if op is ops.DOT:
            left, right, *bias = grouped(op, unit.operands)
            a, b = self.gather(left), self.gather(right)
            laned = [tape.instructions[x].lanes is not None for x in (a, b)]
            if all(laned):
                z = tape.apply(ops.SUM, (tape.apply(ops.MUL, (a, b)),))
            elif any(laned):
                z = self._layer(*((b, a) if laned[0] else (a, b)))
            else:
                z = tape.matmul(a, b)
            return self._renamed(z, tape.apply(ops.ADD, (z, self.pick(bias[0])))) if bias else z
        if op is ops.LOGSUMEXP:
            x = self.gather(unit.operands)
            shares = ops.softmax([Symbol(tape, x)])[0]  # leaves its parts on the tape, which the gradient needs as well
            powers, total = tape.instructions[shares.register].operands
            top = tape.instructions[tape.instructions[powers].operands[0]].operands[1]
            return tape.apply(op, (x, top, powers, total))
        if op.arity is None:
            return tape.apply(op, (self.gather(unit.operands),))
        return self._row(unit, [self.pick(ref) for ref in unit.operands])

    # Where operands come from.

    def _rows(self, register: int) -> bool:
        return self.tape.instructions[register].rows is not None

    def _laned(self, ref: Ref) -> bool:
        if ref.kind != "unit":
            return ref.kind in ("data", "input")
        return self.units[ref.place].lanes is not None and not isinstance(ref.lane, int)

    def _source(self, ref: Ref) -> tuple[int, int | None]:
        """Return the register that holds a unit, with its lanes as `ref` takes them, and the row in it."""
        register, row = self.place[ref.place]
        return (register if ref.lane is None else self.tape.take(register, "lanes", ref.lane)), row

    def pick(self, ref: Ref) -> int:
        """Return the register of one ref, without rows."""
        tape = self.tape
        if ref.kind == "unit":
            register, row = self._source(ref)
            return register if row is None else tape.take(register, "rows", row)
        if ref.kind == "number":
            return tape.constant(ref.place)
        if ref.kind == "data":
            return tape.add(moves.CONSTANT, (), ref.place, lanes=len(ref.place))
        if ref.kind == "input":
            register = tape.add(moves.INPUTS, (), (ref.place,), lanes=BATCH)
            label = self.recording.labels[self.recording.parameters + ref.place]
        else:
            register = tape.add(moves.PARAMETERS, (), (ref.place,))
            label = self.recording.labels[ref.place]
        if label:
            tape.names.setdefault(register, label)
        return register

    def gather(self, refs: Sequence[Ref]) -> int:
        """Return the register with a row for each ref."""
        tape = self.tape
        runs = self._runs(refs)
        if len(runs) == 1 and self._rows(runs[0]):
            return runs[0]
        lanes = next((tape.instructions[run].lanes for run in runs if tape.instructions[run].lanes is not None), None)
        parts = tuple([tape.expand(run, tape.instructions[run].rows, lanes) for run in runs])
        return tape.add(moves.STACK, parts, rows=len(refs), lanes=lanes)

    def _by_home(self, refs: Sequence[Ref]) -> list[Ref]:
        """Return the terms of a sum, those from the same place behind the first of them."""
        groups: dict[Any, list[Ref]] = {}
        for k, ref in enumerate(refs):
            home = self._home(ref)
            groups.setdefault(("alone", k) if home is None else home, []).append(ref)
        return [ref for group in groups.values() for ref in group]

    def _home(self, ref: Ref) -> Any:
        """Return what refs have in common that can be taken in one go; None if this one is taken alone."""
        if ref.kind != "unit":
            return ref.kind
        if isinstance(ref.lane, int):
            return "lanes", ref.place
        register, row = self.place[ref.place]
        return None if row is None else ("rows", register, ref.lane)

    def _runs(self, refs: Sequence[Ref]) -> list[int]:
        """Return the registers that hold these refs in order, each as many in a row as come from the same place."""
        runs: list[tuple[Any, list[Ref]]] = []
        for ref in refs:
            home = self._home(ref) or ("alone", len(runs))
            if runs and runs[-1][0] == home:
                runs[-1][1].append(ref)
            else:
                runs.append((home, [ref]))
        return [self._run(home, run) for home, run in runs]

    def _run(self, home: Any, run: list[Ref]) -> int:
        tape, n = self.tape, len(run)
        if home == "parameter":
            return tape.add(moves.PARAMETERS, (), (tuple([ref.place for ref in run]),), rows=n)
        if home == "input":
            return tape.add(moves.INPUTS, (), (tuple([ref.place for ref in run]),), rows=n, lanes=BATCH)
        if home == "number":
            return tape.add(moves.CONSTANT, (), tuple([ref.place for ref in run]), rows=n)
        if home == "data":
            return tape.add(moves.CONSTANT, (), tuple([ref.place for ref in run]), rows=n, lanes=len(run[0].place))
        if home[0] == "lanes":
            register, row = self.place[run[0].place]
            register = register if row is None else tape.take(register, "rows", row)
            if n == 1:
                return tape.take(register, "lanes", run[0].lane)
            return tape.turn(tape.take(register, "lanes", tuple([ref.lane for ref in run])))
        if home[0] == "rows":
            register, _ = self._source(run[0])
            rows = tuple([self.place[ref.place][1] for ref in run])
            return tape.take(register, "rows", rows)
        return self.pick(run[0])


def _shared_sides(units: Sequence[Unit]) -> dict[int, int]:
    """Return, for each dot product, which of its two sides more others have too: 0 the weights, 1 the inputs."""
    groups = {i: grouped(ops.DOT, unit.operands) for i, unit in enumerate(units) if unit.op is ops.DOT}
    counts = Counter([(side, group[side]) for group in groups.values() for side in (0, 1)])
    return {i: int(counts[1, group[1]] >= counts[0, group[0]]) for i, group in groups.items()}
