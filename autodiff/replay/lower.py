"""From a recording to the tape: a block becomes the units of one register, dot products matrix products.

`Lowering` knows how each operation is put together from moves and other operations; `Operands` knows where each bundle
is on the tape, and holds as many operands in a row as possible in one register.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from autodiff.engine import ops
from autodiff.replay.recording.record import Recording
from autodiff.replay.recording.vectorize import BUNDLE, DATA, INPUT, NUMBER, PARAMETER, Bundle, Bundles, Ref
from autodiff.replay.tape.reverse import Tracer
from autodiff.replay.tape.tape import BATCH, COUNT, INPUTS, KNOWN, LANES, PARAMETERS, STACK, UNITS, Tape

MIN_UNITS = 4  # bundles that do the same from which they become units, unless their operands are units already
EDGED = (ops.RATIO, ops.POW_SLOPE, ops.POWER0, ops.SHARE)  # without a domain, but where NumPy is not finite they may be


def lower(graph: Bundles, blocks: Sequence[Sequence[int]], recording: Recording) -> Tape:
    """Return the tape of a graph in bundles, these in blocks; without a reverse pass as yet."""
    lowering = Lowering(graph, recording)
    for block in blocks:
        lowering.write(block)
    tape, root = lowering.tape, lowering.operands.pick(graph.root)
    if tape.shape(root).lanes == BATCH:
        root = tape.apply(ops.DIV, (tape.total(root, LANES), tape.move(COUNT)))
    tape.root = root
    tape.names.setdefault(root, "loss")
    return tape


class Lowering:
    """Writes the tape, block by block: a block is the bundles that become the units of one register."""

    def __init__(self, graph: Bundles, recording: Recording) -> None:
        self.bundles = graph.bundles
        self.tape = Tape(recording.parameters)
        leaves = range(recording.parameters + recording.inputs)
        self.operands = Operands(self.tape, graph.bundles, [recording.labels.get(i, "") for i in leaves])
        self.signed = any([bundle.op is ops.ATAN2 for bundle in self.bundles])  # it tells -0.0 from 0.0, alone
        self.layers = 0

    def write(self, block: Sequence[int]) -> None:
        """Write a block: as the units of a register, or where that will not do one by one."""
        bundles = [self.bundles[i] for i in block]
        register = self._together(bundles) if len(bundles) > 1 else None
        if register is None:
            for i, bundle in zip(block, bundles, strict=True):
                single = self._unsigned(bundle, SINGLE.get(bundle.op, _single)(self, bundle))
                self.operands.held[i] = single, None
                if bundle.label:
                    self.tape.names.setdefault(single, bundle.label)
            return
        register = self._unsigned(bundles[0], register)
        has_units = self.operands.has_units(register)
        for unit, i in enumerate(block):
            self.operands.held[i] = register, unit if has_units else None

    def _together(self, bundles: Sequence[Bundle]) -> int | None:
        """Return the register of all bundles of a block, None where there is none, or it does not gain."""
        products = [bundle.op.products(bundle.operands) for bundle in bundles]
        if products[0] is not None:
            return self._matmul(products)
        columns = list(zip(*[bundle.operands for bundle in bundles], strict=True))
        if len(bundles) < MIN_UNITS and not any([all(map(self.operands.is_a_unit, refs)) for refs in columns]):
            return None
        pick, gather = self.operands.pick, self.operands.gather
        return self.operation(bundles[0], [pick(refs[0]) if len(set(refs)) == 1 else gather(refs) for refs in columns])

    def _unsigned(self, bundle: Bundle, register: int) -> int:
        """Return the register without a -0.0, where the operation has none and it would matter."""
        if not self.signed or (bundle.op not in (ops.SUM, ops.RELU) and bundle.op.products(bundle.operands) is None):
            return register
        return self.tape.apply(ops.ADD, (register, self.tape.constant(0.0)))

    def operation(self, bundle: Bundle, operands: Sequence[int]) -> int:
        """Return the register of a bundle's operation; the activation of a layer is named after the layer."""
        register = self.tape.apply(bundle.op, tuple(operands), bundle.static)
        if bundle.op.domain or bundle.op in EDGED:
            self.tape.watched.add(register)
        operand = self.tape.instructions[register].operands[:1]
        name = self.tape.names.get(operand[0], "") if operand else ""
        if bundle.op.arity == 1 and name[:1] == "z" and name[1:].isdigit():
            self.tape.names.setdefault(register, f"a{name[1:]}")
        return register

    def _matmul(self, products: Sequence[Any]) -> int | None:
        """Return the register of dot products that share one side, None where the other side has lanes of its own."""
        side = 0 if all([product[0] == products[0][0] for product in products]) else 1
        shared, others = products[0][side], [product[1 - side] for product in products]
        if not all([product[side] == shared for product in products]) or any(map(self.operands.has_lanes, others[0])):
            return None
        z = self.layer(self.operands.matrix(others), self.operands.gather(shared))
        if products[0][2]:
            bias = self.operands.gather([added for _, _, (added,) in products])
            self.tape.names.setdefault(bias, f"b{self.layers}")
            z = self.renamed(z, self.tape.apply(ops.ADD, (z, bias)))
        return z

    def layer(self, weights: int, inputs: int) -> int:
        """Return the register of a matrix product, which people see as a layer, and name it and its factors so."""
        self.layers += 1
        tape = self.tape
        tape.names.setdefault(weights, f"W{self.layers}")
        tape.names.setdefault(inputs, "x" if self.layers == 1 else f"x{self.layers}")
        z = tape.matmul(weights, inputs)
        tape.names.setdefault(z, f"z{self.layers}")
        return z

    def renamed(self, old: int, new: int) -> int:
        """Give the name of a register to the one that it is finished in."""
        name = self.tape.names.pop(old, None)
        if name:
            self.tape.names.setdefault(new, name)
        return new


# One bundle by itself: the operations that are put together from others, and then all the rest.


def _single_sum(lowering: Lowering, bundle: Bundle) -> int:
    tape, operands = lowering.tape, lowering.operands
    terms = bundle.operands if lowering.signed else operands.by_home(bundle.operands)
    parts = [tape.apply(bundle.op, (run,)) if operands.has_units(run) else run for run in operands.runs(terms)]
    register = parts[0]
    for part in parts[1:]:
        register = tape.apply(ops.ADD, (register, part))
    return register


def _single_product(lowering: Lowering, left: Sequence[Ref], right: Sequence[Ref], bias: Sequence[Ref]) -> int:
    tape, operands = lowering.tape, lowering.operands
    a, b = operands.gather(left), operands.gather(right)
    laned = [tape.shape(x).lanes is not None for x in (a, b)]
    if all(laned):
        z = tape.apply(ops.SUM, (tape.apply(ops.MUL, (a, b)),))
    elif any(laned):
        z = lowering.layer(*((b, a) if laned[0] else (a, b)))
    else:
        z = tape.matmul(a, b)
    return lowering.renamed(z, tape.apply(ops.ADD, (z, operands.pick(bias[0])))) if bias else z


def _single_logsumexp(lowering: Lowering, bundle: Bundle) -> int:
    tape = lowering.tape
    x = lowering.operands.gather(bundle.operands)
    shares = ops.softmax([Tracer(tape, x)])[0]  # leaves its parts on the tape, which the gradient needs as well
    powers, total = tape.instructions[shares.register].operands
    top = tape.instructions[powers].operands[1]
    return tape.apply(bundle.op, (x, top, powers, total))


def _single(lowering: Lowering, bundle: Bundle) -> int:
    product = bundle.op.products(bundle.operands)
    if product is not None:
        return _single_product(lowering, *product)
    if bundle.op.arity is None and bundle.op in KNOWN:
        return lowering.tape.apply(bundle.op, (lowering.operands.gather(bundle.operands),))
    return lowering.operation(bundle, [lowering.operands.pick(ref) for ref in bundle.operands])


SINGLE: dict[Any, Callable[[Lowering, Bundle], int]] = {
    ops.SUM: _single_sum,
    ops.LOGSUMEXP: _single_logsumexp,
}


# Where operands come from.


class Operands:
    """The tape as far as it is written, and where it holds each bundle.

    Attributes:
        held: of each bundle the register, and the unit of it; None if the register has no units.
        labels: the learner's names of the parameters, then of the inputs.
    """

    def __init__(self, tape: Tape, bundles: Sequence[Bundle], labels: Sequence[str]) -> None:
        self.tape, self.bundles, self.labels = tape, bundles, labels
        self.held: list[tuple[int, int | None]] = [(-1, None)] * len(bundles)

    def pick(self, ref: Ref) -> int:
        """Return the register of one ref, without units."""
        if ref.source == BUNDLE:
            register, unit = self._source(ref)
            return register if unit is None else self.tape.take(register, UNITS, unit)
        if ref.source == NUMBER:
            return self.tape.constant(ref.place)
        if ref.source == DATA:
            return self.tape.constant(ref.place, (LANES,))
        if ref.source == INPUT:
            register = self.tape.move(INPUTS, (), (ref.place, BATCH))
            label = self.labels[self.tape.parameters + ref.place]
        else:
            register = self.tape.move(PARAMETERS, (), (ref.place,))
            label = self.labels[ref.place]
        if label:
            self.tape.names.setdefault(register, label)
        return register

    def gather(self, refs: Sequence[Ref]) -> int:
        """Return the register with a unit for each ref."""
        tape = self.tape
        runs = self.runs(refs)
        if len(runs) == 1 and self.has_units(runs[0]):
            return runs[0]
        lanes = next((tape.shape(run).lanes for run in runs if tape.shape(run).lanes is not None), None)
        parts = tuple([tape.expand(run, tape.shape(run).along(LANES, lanes)) for run in runs])
        return tape.move(STACK, parts)

    def matrix(self, rows: Sequence[Sequence[Ref]]) -> int:
        """Return the register of these refs as a matrix."""
        flat = [ref for row in rows for ref in row]
        if all([ref.source == PARAMETER for ref in flat]):
            index = tuple([tuple([ref.place for ref in row]) for row in rows])
            return self.tape.move(PARAMETERS, (), (index,))
        n = len(rows[0])
        index = tuple([tuple(range(i, i + n)) for i in range(0, len(flat), n)])
        return self.tape.take(self.gather(flat), UNITS, index)

    def runs(self, refs: Sequence[Ref]) -> list[int]:
        """Return the registers that hold these refs in order, each as many in a row as come from the same place."""
        runs: list[tuple[Any, list[Ref]]] = []
        for ref in refs:
            home = self._home(ref) or ("alone", len(runs))
            if runs and runs[-1][0] == home:
                runs[-1][1].append(ref)
            else:
                runs.append((home, [ref]))
        return [self._run(home, run) for home, run in runs]

    def by_home(self, refs: Sequence[Ref]) -> list[Ref]:
        """Return the terms of a sum, those from the same place behind the first of them."""
        groups: dict[Any, list[Ref]] = {}
        for k, ref in enumerate(refs):
            groups.setdefault(self._home(ref) or ("alone", k), []).append(ref)
        return [ref for group in groups.values() for ref in group]

    def has_units(self, register: int) -> bool:
        """Return whether a register has units."""
        return self.tape.shape(register).units is not None

    def has_lanes(self, ref: Ref) -> bool:
        """Return whether a ref is another number in each lane."""
        if ref.source != BUNDLE:
            return ref.source in (DATA, INPUT)
        return self.bundles[ref.place].lanes is not None and not isinstance(ref.lane, int)

    def is_a_unit(self, ref: Ref) -> bool:
        """Return whether a ref is one of the units of a register."""
        return ref.source == BUNDLE and self.held[ref.place][1] is not None

    def _source(self, ref: Ref) -> tuple[int, int | None]:
        """Return the register that holds a bundle, with its lanes as `ref` takes them, and the unit of it."""
        register, unit = self.held[ref.place]
        return (register if ref.lane is None else self.tape.take(register, LANES, ref.lane)), unit

    def _home(self, ref: Ref) -> Any:
        """Return what refs have in common that can be taken in one go; None if this one is taken alone."""
        if ref.source != BUNDLE:
            return (ref.source,)
        if isinstance(ref.lane, int):
            return "lanes", ref.place
        register, unit = self.held[ref.place]
        return None if unit is None else ("units", register, ref.lane)

    def _run(self, home: Any, run: list[Ref]) -> int:
        return RUNS[home[0]](self, run)


# How refs from the same place are taken in one go.


def _parameters(operands: Operands, run: list[Ref]) -> int:
    return operands.tape.move(PARAMETERS, (), (_places(run),))


def _inputs(operands: Operands, run: list[Ref]) -> int:
    return operands.tape.move(INPUTS, (), (_places(run), BATCH))


def _numbers(operands: Operands, run: list[Ref]) -> int:
    return operands.tape.constant(_places(run), (UNITS,))


def _data(operands: Operands, run: list[Ref]) -> int:
    return operands.tape.constant(_places(run), (UNITS, LANES))


def _lanes(operands: Operands, run: list[Ref]) -> int:
    tape = operands.tape
    register, unit = operands.held[run[0].place]
    register = register if unit is None else tape.take(register, UNITS, unit)
    if len(run) == 1:
        return tape.take(register, LANES, run[0].lane)
    return tape.turn(tape.take(register, LANES, tuple([ref.lane for ref in run])))


def _units(operands: Operands, run: list[Ref]) -> int:
    register, _ = operands._source(run[0])
    return operands.tape.take(register, UNITS, tuple([operands.held[ref.place][1] for ref in run]))


def _alone(operands: Operands, run: list[Ref]) -> int:
    return operands.pick(run[0])


def _places(run: list[Ref]) -> tuple[Any, ...]:
    return tuple([ref.place for ref in run])


RUNS = {
    **{PARAMETER: _parameters, INPUT: _inputs, NUMBER: _numbers, DATA: _data},
    **{"lanes": _lanes, "units": _units, "alone": _alone},
}


# The way without vectorizing: every graph has this tape.


def lower_singly(recording: Recording) -> Tape:
    """Return the tape of a recording, one register a node; without a reverse pass as yet."""
    tape, labels, variable = Tape(recording.parameters), recording.labels, recording.parameters + recording.inputs
    places = [-1] * len(recording)
    for i, (begin, end) in enumerate(pairwise(recording.begins)):
        op, static = recording.kinds[recording.codes[i]]
        operands = recording.edges[begin:end]
        for j in operands if op is not None else [i] if i == recording.root >= variable else ():
            if places[j] < 0:  # a constant, which is written where it is first used; a named one stands alone
                places[j] = tape.constant(recording.numbers[j], label=labels.get(j, ""))
                if j in labels:
                    tape.names.setdefault(places[j], labels[j])
        if op is not None:
            places[i] = tape.apply(op, tuple([places[j] for j in operands]), static)
        elif i < recording.parameters:
            places[i] = tape.move(PARAMETERS, (), (i,))
        elif i < variable:
            places[i] = tape.move(INPUTS, (), (i - recording.parameters, None))
        if i in labels and places[i] >= 0:
            tape.names.setdefault(places[i], labels[i])
    tape.root = places[recording.root]
    if tape.instructions[tape.root].op not in (PARAMETERS, INPUTS):
        tape.names.setdefault(tape.root, "loss")
    return tape
