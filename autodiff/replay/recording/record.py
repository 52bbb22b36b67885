"""From a graph of Values to flat columns: what is computed from what, and which leaves may change.

It knows how a graph is read. It must not know how the columns will be run.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, pairwise
from operator import is_
from typing import Any, NamedTuple

from autodiff.engine import ops
from autodiff.engine.backward import marking, toposort
from autodiff.engine.record import copy_of, restore
from autodiff.engine.value import Value
from autodiff.support.collector import large_graph
from autodiff.support.operands import flat

Node = tuple[Any, tuple[int, ...], tuple[float, ...], float, str]  # operation, operands, static, number, label


class Kind(NamedTuple):
    """An operation with its static arguments, such as the exponent n of x**n; a leaf has None."""

    op: Any
    static: tuple[float, ...] = ()


LEAF = Kind(None)
PLACE = "I"  # the type of columns of places: of whole numbers, the one that arrays are filled with fastest


@dataclass
class Recording:
    """A graph as columns, node by node, each after its operands: parameters first, then inputs, then the rest.

    A node of 10**6 like it takes 24 bytes or so, in place of the 190 of a Value.

    Attributes:
        parameters: how many nodes, from the first, are parameters.
        inputs: how many after them are inputs. A leaf that is neither is a constant.
        kinds: the operations that occur, each once; the first is that of a leaf.
        codes: of each node, which of the kinds it is.
        begins: of each node, where its operands begin in `edges`; and behind the last, where they end.
        edges: the operands of all nodes, one after the other, as places in these columns.
        numbers: what each node was in the forward pass; of a constant, what it is in each replay.
        labels: the learner's names, of the nodes that have one.
        root: the place of the loss.
        computed: whether the eager engine has computed `numbers` from those of the parameters and inputs in it.
    """

    parameters: int
    inputs: int
    kinds: list[Kind] = field(default_factory=lambda: [LEAF])
    codes: array[int] = field(default_factory=lambda: array(PLACE))
    begins: array[int] = field(default_factory=lambda: array(PLACE, [0]))
    edges: array[int] = field(default_factory=lambda: array(PLACE))
    numbers: array[float] = field(default_factory=lambda: array("d"))
    labels: dict[int, str] = field(default_factory=dict)
    root: int = 0
    computed: bool = False

    def __post_init__(self) -> None:
        self.known = {_looks(kind): code for code, kind in enumerate(self.kinds)}

    def __len__(self) -> int:
        return len(self.codes)

    def code(self, kind: Kind) -> int:
        """Return which of the kinds this one is, as the last if it is new."""
        code = self.known.setdefault(_looks(kind), len(self.kinds))
        if code == len(self.kinds):
            self.kinds.append(kind)
        return code

    def add(self, op: Any, operands: tuple[int, ...], static: tuple[float, ...], number: float, label: str) -> int:
        """Append a node; return its place."""
        code = self.known.get((op, repr(static)) if static else op)
        place = len(self.codes)
        self.codes.append(self.code(Kind(op, static)) if code is None else code)
        self.edges.extend(operands)
        self.begins.append(len(self.edges))
        self.numbers.append(number)
        if label:
            self.labels[place] = label
        return place

    def node(self, place: int) -> Node:
        """Return what `add` was told of a node."""
        op, static = self.kinds[self.codes[place]]
        operands = tuple(self.edges[self.begins[place] : self.begins[place + 1]])
        return op, operands, static, self.numbers[place], self.labels.get(place, "")

    def nodes(self) -> list[Node]:
        """Return what `add` was told of each node."""
        return list(map(self.node, range(len(self.codes))))

    @property
    def ops(self) -> list[Any]:
        """The operation of each node; None for a leaf. The list is made when it is asked for."""
        return [self.kinds[code].op for code in self.codes]

    @property
    def operands(self) -> list[tuple[int, ...]]:
        """The operands of each node, as places. The list is made when it is asked for."""
        edges = self.edges
        return [tuple(edges[begin:end]) for begin, end in pairwise(self.begins)]

    def is_constant(self, node: int) -> bool:
        """Return whether the node is the same number in every run."""
        return not self.codes[node] and node >= self.parameters + self.inputs

    @property
    def constants(self) -> list[int]:
        """The places of all constants, in order."""
        return [place for place, code in enumerate(self.codes) if not code][self.parameters + self.inputs :]

    @property
    def structure(self) -> tuple[Any, ...]:
        """What is computed from what: the same for recordings that differ in numbers and labels alone."""
        columns = [column.tobytes() for column in (self.codes, self.begins, self.edges)]
        return *map(_looks, self.kinds), *columns, self.root

    @property
    def looks(self) -> bytes:
        """All that a program is made of, as a hash: structure, constants and labels, not what else the numbers were."""
        fixed = array("d", [self.numbers[place] for place in self.constants])
        ops = [(id(op), repr(static)) for op, static in self.kinds]
        columns = [column.tobytes() for column in (self.codes, self.begins, self.edges, fixed)]
        rest = ops, self.parameters, self.inputs, self.root, sorted(self.labels.items())
        whole = hashlib.sha256(repr(rest).encode())
        for column in columns:
            whole.update(b"%d " % len(column) + column)
        return whole.digest()

    def with_inputs(self, constants: list[int]) -> Recording:
        """Return the same recording with these constants as its inputs."""
        front = [*range(self.parameters), *constants]
        moved = set(front)
        result = Recording(self.parameters, len(constants))
        places = [0] * len(self)
        for i in chain(front, [i for i in range(len(self)) if i not in moved]):
            op, operands, static, number, label = self.node(i)
            places[i] = result.add(op, tuple([places[j] for j in operands]), static, number, label)
        result.root = places[self.root]
        return result

    def plus(self, other: Recording) -> Recording:
        """Return the recording of this root plus that of another one, of the same parameters and without inputs."""
        result = self.with_inputs(list(range(self.parameters, self.parameters + self.inputs)))
        places = list(range(self.parameters))
        for op, operands, static, number, label in other.nodes()[self.parameters :]:
            places.append(result.add(op, tuple([places[j] for j in operands]), static, number, label))
        terms = (result.root, places[other.root])
        number = result.numbers[terms[0]] + result.numbers[terms[1]]
        result.root = result.add(ops.ADD, terms, (), number, "")
        return result

    @cached_property
    def depends(self) -> list[int]:
        """The parameters that the root was computed from."""
        last = self.parameters
        return sorted({i for i in self.edges if i < last} | {i for i in [self.root] if i < last})

    @property
    def size(self) -> int:
        """How many nodes are computed from others."""
        return len(self.codes) - self.codes.count(0)


def _looks(kind: Kind) -> Any:
    """Return what kinds are told apart by: 0.0 and -0.0 are equal, but no setting is the same with either."""
    return (kind.op, repr(kind.static)) if kind.static else kind.op


@large_graph()
def record(root: Value, parameters: Sequence[Value], inputs: Sequence[Value]) -> Recording:
    """Return the recording of the graph that ends in `root`; what depends on constants alone is a constant in it.

    Raises:
        ValueError: if the data of a node inside of the graph was overwritten after it was computed.
    """
    recording = Recording(len(parameters), len(inputs))
    variable = [*parameters, *inputs]
    order, leaves = toposort(root)
    known = set(map(id, variable))
    front = [*variable, *[leaf for leaf in leaves if id(leaf) not in known]]
    recording.root = len(front) + len(order) - 1 if order else front.index(root)
    with marking() as may_mark:
        nodes = front + order if may_mark else _copies(front + order)
        as_used, holds_fixed = _read(recording, nodes, len(front))
    recording.codes = array(PLACE, bytes(4 * len(front))) + _codes(recording, order)
    recording.computed = as_used or _as_used(recording, nodes, len(front))
    if holds_fixed:
        _fold(recording)
    return recording


def _read(recording: Recording, nodes: Sequence[Value], first: int) -> tuple[bool, bool]:
    """Read nodes into columns, those from `first` on with their operands, in one go: a graph may not fit in the cache.

    Each node is marked with its place, by which those that use it find it.

    Return whether all operands were used as the numbers that they have, the very objects; and whether a node has none
    but constants.
    """
    edges: list[int] = []
    begins = [0] * (first + 1)
    numbers: list[float] = []
    as_used, holds_fixed, labels = True, False, recording.labels
    variable = recording.parameters + recording.inputs  # behind them, and before `first`, are the constants
    groups: dict[int, Group] = {}  # by the `id` of their operands
    for place, node in enumerate(nodes):
        if place >= first:
            x, y = node._x, node._y
            if x.__class__ is tuple:
                a, fixed = node._a, True
                for group, used in ((x, a),) if y is None else ((x[0], a[0]), (y, node._b)):
                    known = groups.get(id(group))
                    if known is None or known.used is not used:
                        known = groups[id(group)] = _group(group, used, range(variable, first))
                    edges += known.places
                    as_used = as_used and known.as_used
                    fixed = fixed and known.fixed
                for operand, number in zip(x[1:], a[1:], strict=False) if y is not None else ():
                    i = operand._mark
                    edges.append(i)
                    as_used = as_used and operand._data is number
                    fixed = fixed and first > i >= variable
            else:
                i = x._mark
                edges.append(i)
                fixed = first > i >= variable
                if x._data is not node._a:
                    as_used = False
                if y is not None:
                    i = y._mark
                    edges.append(i)
                    fixed = fixed and first > i >= variable
                    if y._data is not node._b:
                        as_used = False
            if fixed:
                holds_fixed = True
            begins.append(len(edges))
        number = node._out
        if number is None:
            number = node._data
        else:  # it holds another one by now
            as_used = False
        numbers.append(number)
        if node._label:
            labels[place] = node._label
        node._mark = place
    for node in nodes:  # or the places would be kept
        node._mark = None
    recording.edges, recording.begins = array(PLACE, edges), array(PLACE, begins)
    recording.numbers = array("d", numbers)
    return as_used, holds_fixed


class Group(NamedTuple):
    """Operands that were used together, as all neurons of a layer use its inputs, and all samples a neuron's weights.

    Attributes:
        operands: the group itself, which is kept alive, and its `id` with it.
        used: the numbers that they were used as.
        places: where they are.
        as_used: whether they still are these numbers, the very objects.
        fixed: whether all are constants.
    """

    operands: tuple[Value, ...]
    used: tuple[float, ...]
    places: list[int]
    as_used: bool
    fixed: bool


def _group(operands: tuple[Value, ...], used: tuple[float, ...], constants: range) -> Group:
    """Return the group of operands that are marked with their places; behind their numbers may be static arguments."""
    places = [operand._mark for operand in operands]
    as_used = all(map(is_, [operand._data for operand in operands], used))
    return Group(operands, used, places, as_used, not places or (min(places) in constants and max(places) in constants))


def _copies(nodes: Iterable[Value]) -> list[Value]:
    """Return copies of nodes, each after its operands, that nobody else has marks on."""
    copies: dict[int, Any] = {}
    for node in nodes:
        x, y, *rest = node._state
        again = copies[id(node)] = restore(None, Value, copy_of(x, copies), copy_of(y, copies), *rest)
        again._out, again._label = node._out, node._label
    return [copies[id(node)] for node in nodes]


def _codes(recording: Recording, order: Sequence[Value]) -> array[int]:
    """Return which kind each node is."""
    rows = [node.op for node in order]
    plain = {op: 0 if op.static else recording.code(Kind(op)) for op in dict.fromkeys(rows)}
    codes = array(PLACE, [plain[row] for row in rows])
    if 0 in plain.values():
        known: dict[tuple[Any, float], int] = {}  # with one setting, other than 0, which would be -0.0 as well
        for i in [i for i, code in enumerate(codes) if not code]:
            node = order[i]
            op, setting = node.op, node._b
            code = known.get((op, setting), 0) if setting else 0
            if not code:
                code = known[op, setting] = recording.code(Kind(op, node.static))
            codes[i] = code
    return codes


def _as_used(recording: Recording, nodes: Sequence[Value], first: int) -> bool:
    """Let constants be the numbers that were used, even if the leaves hold others by now; `first` is behind them.

    A leaf that was overwritten between two uses is a constant for each of its numbers.

    Return whether parameters and inputs hold the numbers that were used.
    """
    variable, numbers = recording.parameters + recording.inputs, recording.numbers
    constants: dict[int, str] = {}  # the number that each was used as first, as text: it tells -0.0 from 0.0
    others: dict[tuple[int, str], int] = {}
    again: list[tuple[int, int]] = []
    parts = [flat(node.saved[1:])[: len(node.parents)] for node in nodes[first:]]
    used = array("d", chain.from_iterable(parts))
    if used.tobytes() == array("d", [numbers[place] for place in recording.edges]).tobytes():
        return True  # they were set to what they were
    holds = True
    for edge, (place, number) in enumerate(zip(recording.edges, used, strict=True)):
        if place < variable:
            holds = holds and repr(number) == repr(numbers[place])
        elif place < first:
            if constants.setdefault(place, repr(number)) == repr(number):
                numbers[place] = number
            else:
                again.append((edge, others.setdefault((place, repr(number)), len(others))))
        elif repr(number) != repr(numbers[place]):
            node = nodes[place]
            raise ValueError(
                f"{node!r} was computed as {numbers[place]!r} by {node.op}, and its data overwritten "
                "before it was used: such a graph cannot be computed anew"
            )
    added = len(others)
    if added:
        recording.codes[first:first] = array(PLACE, bytes(4 * added))
        recording.begins[first:first] = array(PLACE, bytes(4 * added))
        numbers[first:first] = array("d", [float(text) for _, text in others])
        moved = {place + added if place >= first else place: label for place, label in recording.labels.items()}
        recording.labels = moved | {
            first + k: recording.labels[place] for (place, _), k in others.items() if place in recording.labels
        }
        recording.edges = array(PLACE, [place + added if place >= first else place for place in recording.edges])
        for edge, k in again:
            recording.edges[edge] = first + k
        recording.root += added if recording.root >= first else 0
    return holds


def _fold(recording: Recording) -> None:
    """Let what depends on constants alone be a constant."""
    codes, edges = recording.codes, recording.edges
    varies = bytearray(len(codes))
    varies[: recording.parameters + recording.inputs] = b"\1" * (recording.parameters + recording.inputs)
    fixed = False
    for place, (begin, end) in enumerate(pairwise(recording.begins)):
        for edge in range(begin, end):
            if varies[edges[edge]]:
                varies[place] = 1
                break
        else:
            if codes[place]:
                codes[place] = 0
                fixed = True
    if fixed:
        operands = [of if codes[place] else () for place, of in enumerate(recording.operands)]
        recording.edges = array(PLACE, chain.from_iterable(operands))
        for place, of in enumerate(operands):
            recording.begins[place + 1] = recording.begins[place] + len(of)
