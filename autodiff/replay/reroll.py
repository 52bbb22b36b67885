"""Lanes: nodes that do the same with other data, found and put side by side.

Nodes are of one kind if their rows, their rows' parameters and the kinds of their operands are the same; each parameter
is a kind of its own, all constants are one. So a kind is no guess but an exact comparison, node by node. What makes the
result right is not even that: for each operand of each kind, where every member finds it is read from the graph itself
and kept. A loop over samples shows as kinds with a member for each sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from autodiff.replay.record import Recording
from autodiff.replay.tape import BATCH

FEWEST = 3.0  # nodes a kind, on the average, from which lanes are worth while


class Ref(NamedTuple):
    """Where an operand comes from.

    Attributes:
        kind: "parameter", "input", "number" (the same in all lanes), "data" (a tuple, a number a lane), or "unit".
        place: which parameter, input or unit; or the number, or the data.
        lane: of a unit with lanes: None for lane by lane, one lane for all, or a tuple that says for each lane which.
    """

    kind: str
    place: Any
    lane: Any = None


class Unit(NamedTuple):
    """Nodes of one kind: one operation, done once (`lanes` is None) or in as many lanes."""

    op: Any
    settings: tuple[float, ...]
    operands: tuple[Ref, ...]
    lanes: int | None
    label: str


class Units(NamedTuple):
    """A graph in units, each after its operands, and where the root is."""

    units: list[Unit]
    root: Ref


def reroll(recording: Recording) -> Units:
    """Return the graph of a recording in units; with inputs, the lanes are the samples of a batch."""
    if recording.inputs:
        return _one_by_one(recording)
    kinds, members = _kinds(recording)
    nodes = sum([len(nodes) for nodes in members])
    if nodes < FEWEST * len(members):
        return _one_by_one(recording)
    return _side_by_side(recording, kinds, members)


def _kinds(recording: Recording) -> tuple[list[int], list[list[int]]]:
    """Return each node's kind, -1 for leaves, and the members of each kind."""
    known: dict[Any, int] = {}
    kinds: list[int] = []
    members: list[list[int]] = []
    for i, op in enumerate(recording.ops):
        if op is None:
            kinds.append(-2 - i if i < recording.parameters else -1)
            continue
        key = op, repr(recording.settings[i]), tuple([kinds[j] for j in recording.operands[i]])
        kind = known.setdefault(key, len(members))
        if kind == len(members):
            members.append([])
        kinds.append(kind)
        members[kind].append(i)
    arrange(members, recording.operands)
    return kinds, members


def arrange(groups: Sequence[list[int]], operands: Sequence[Sequence[int]]) -> None:
    """Sort the members of each group by where those that use them find them: the first operand of the first user first.

    So the samples, and the neurons of a layer, come in the order in which the learner wrote them. Groups are in order:
    each uses members of groups before it alone.
    """
    rank: dict[int, int] = {}
    for group in reversed(groups):
        group.sort(key=lambda member: rank.get(member, 0))
        for column in zip(*[operands[member] for member in group], strict=True):
            for operand in column:
                rank.setdefault(operand, len(rank))


def _side_by_side(recording: Recording, kinds: list[int], members: list[list[int]]) -> Units:
    position = [0] * len(recording.ops)
    for nodes in members:
        for k, i in enumerate(nodes):
            position[i] = k
    units: list[Unit] = []

    def ref(operands: tuple[int, ...]) -> Ref:
        """Return where the members of a kind find one of their operands."""
        first = operands[0]
        kind = kinds[first]
        if kind == -1:
            numbers = tuple([recording.numbers[j] for j in operands])
            same = all([x == numbers[0] for x in numbers]) and (numbers[0] or len(set(map(str, numbers))) == 1)
            return Ref("number", numbers[0]) if same else Ref("data", numbers)
        if kind < 0:
            return Ref("parameter", first)
        lanes = units[kind].lanes
        if lanes is None:
            return Ref("unit", kind)
        places = tuple([position[j] for j in operands])
        if places[0] == places[-1] and len(set(places)) == 1:
            return Ref("unit", kind, places[0])
        return Ref("unit", kind, None if places == tuple(range(lanes)) else places)

    for nodes in members:
        first = nodes[0]
        columns = zip(*[recording.operands[i] for i in nodes], strict=True)
        refs = tuple([ref(column) for column in columns])
        varies = any([r.kind == "data" or (r.kind == "unit" and _varies(units, r)) for r in refs])
        lanes = len(nodes) if varies else None
        label = recording.labels[first] if len({recording.labels[i] for i in nodes}) == 1 else ""
        units.append(Unit(recording.ops[first], recording.settings[first], refs, lanes, label))
    return Units(units, ref((recording.root,)))


def _varies(units: list[Unit], ref: Ref) -> bool:
    return units[ref.place].lanes is not None and not isinstance(ref.lane, int)


def _one_by_one(recording: Recording) -> Units:
    """Return a unit a node; what an input is in has the lanes of the batch."""
    units: list[Unit] = []
    refs: list[Ref] = []
    for i, op in enumerate(recording.ops):
        if op is not None:
            operands = tuple([refs[j] for j in recording.operands[i]])
            batch = any([r.kind == "input" or (r.kind == "unit" and _varies(units, r)) for r in operands])
            refs.append(Ref("unit", len(units)))
            units.append(Unit(op, recording.settings[i], operands, BATCH if batch else None, recording.labels[i]))
        elif i < recording.parameters:
            refs.append(Ref("parameter", i))
        elif i < recording.parameters + recording.inputs:
            refs.append(Ref("input", i - recording.parameters))
        else:
            refs.append(Ref("number", recording.numbers[i]))
    return Units(units, refs[recording.root])
