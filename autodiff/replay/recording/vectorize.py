"""Like nodes side by side: as the lanes of one bundle (what `vmap` does to a loop over samples), and bundles in blocks.

Nodes are alike if their operations, the static arguments of these and the classes of their operands are the same; each
parameter is a class of its own, all constants are one. So nodes are compared exactly, one by one: nothing is guessed.
That only decides what stands together. Where each member finds its operands is read from the graph itself, which is
what keeps the numbers right. A loop over samples shows as classes with a member for each sample.

A block is the bundles that do the same with other operands: they become the units of one register, as the neurons of
a layer do. How operands are gathered is not asked here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from autodiff.replay.recording.record import Recording
from autodiff.replay.tape.tape import BATCH

MIN_ALIKE = 3.0  # nodes a class, on the average, from which lanes are worth while

PARAMETER, INPUT, NUMBER, DATA, BUNDLE = "parameter", "input", "number", "data", "bundle"


class Ref(NamedTuple):
    """Where an operand comes from.

    Attributes:
        source: `PARAMETER`, `INPUT`, `NUMBER` (the same in all lanes), `DATA` (a number a lane), or `BUNDLE`.
        place: which parameter, input or bundle; or the number, or the data, a tuple.
        lane: of a bundle with lanes: None for lane by lane, one lane for all, or a tuple that says for each lane which.
    """

    source: str
    place: Any
    lane: Any = None


class Bundle(NamedTuple):
    """Nodes that are alike: one operation, done once (`lanes` is None) or in as many lanes."""

    op: Any
    static: tuple[float, ...]
    operands: tuple[Ref, ...]
    lanes: int | None
    label: str


class Bundles(NamedTuple):
    """A graph in bundles, each after its operands, and where the root is."""

    bundles: list[Bundle]
    root: Ref


def vectorize(recording: Recording) -> Bundles:
    """Return the graph of a recording in bundles; with inputs, the lanes are the samples of a batch."""
    if recording.inputs:
        return _one_by_one(recording)
    classes, members, used = _classes(recording)
    nodes = sum([len(nodes) for nodes in members])
    if nodes < MIN_ALIKE * len(members):
        return _one_by_one(recording)
    return _side_by_side(recording, classes, members, used)


def _classes(recording: Recording) -> tuple[list[int], list[list[int]], list[Sequence[int]]]:
    """Return each node's class, -1 for leaves, the members of each class, and the operands of each node."""
    known: dict[Any, int] = {}
    classes: list[int] = []
    members: list[list[int]] = []
    used: list[Sequence[int]] = [recording.edges[begin:end] for begin, end in pairwise(recording.begins)]
    for i, code in enumerate(recording.codes):
        if not code:
            classes.append(-2 - i if i < recording.parameters else -1)
            continue
        key = code, *[classes[j] for j in used[i]]
        its = known.setdefault(key, len(members))
        if its == len(members):
            members.append([])
        classes.append(its)
        members[its].append(i)
    arrange(members, used)
    return classes, members, used


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


def _side_by_side(
    recording: Recording, classes: list[int], members: list[list[int]], used: list[Sequence[int]]
) -> Bundles:
    position = [0] * len(recording)
    for nodes in members:
        for k, i in enumerate(nodes):
            position[i] = k
    bundles: list[Bundle] = []

    def ref(operands: tuple[int, ...]) -> Ref:
        """Return where the members of a class find one of their operands."""
        first = operands[0]
        its = classes[first]
        if its == -1:
            numbers = tuple([recording.numbers[j] for j in operands])
            same = all([x == numbers[0] for x in numbers]) and (numbers[0] or len(set(map(str, numbers))) == 1)
            return Ref(NUMBER, numbers[0]) if same else Ref(DATA, numbers)
        if its < 0:
            return Ref(PARAMETER, first)
        lanes = bundles[its].lanes
        if lanes is None:
            return Ref(BUNDLE, its)
        places = tuple([position[j] for j in operands])
        if places[0] == places[-1] and len(set(places)) == 1:
            return Ref(BUNDLE, its, places[0])
        return Ref(BUNDLE, its, None if places == tuple(range(lanes)) else places)

    for nodes in members:
        first = nodes[0]
        columns = zip(*[used[i] for i in nodes], strict=True)
        refs = tuple([ref(column) for column in columns])
        varies = any([r.source == DATA or (r.source == BUNDLE and _varies(bundles, r)) for r in refs])
        lanes = len(nodes) if varies else None
        labels = {recording.labels.get(i, "") for i in nodes}
        op, static = recording.kinds[recording.codes[first]]
        bundles.append(Bundle(op, static, refs, lanes, labels.pop() if len(labels) == 1 else ""))
    return Bundles(bundles, ref((recording.root,)))


def _varies(bundles: list[Bundle], ref: Ref) -> bool:
    return bundles[ref.place].lanes is not None and not isinstance(ref.lane, int)


def _one_by_one(recording: Recording) -> Bundles:
    """Return a bundle a node; what an input is in has the lanes of the batch."""
    bundles: list[Bundle] = []
    refs: list[Ref] = []
    for i, (op, places, static, number, label) in enumerate(recording.nodes()):
        if op is not None:
            operands = tuple([refs[j] for j in places])
            batch = any([r.source == INPUT or (r.source == BUNDLE and _varies(bundles, r)) for r in operands])
            refs.append(Ref(BUNDLE, len(bundles)))
            bundles.append(Bundle(op, static, operands, BATCH if batch else None, label))
        elif i < recording.parameters:
            refs.append(Ref(PARAMETER, i))
        elif i < recording.parameters + recording.inputs:
            refs.append(Ref(INPUT, i - recording.parameters))
        else:
            refs.append(Ref(NUMBER, number))
    return Bundles(bundles, refs[recording.root])


def blocks_of(bundles: Sequence[Bundle]) -> list[list[int]]:
    """Return the bundles in blocks, in the order of their first bundles, in which they can be computed."""
    products = {i: product for i, x in enumerate(bundles) if (product := x.op.products(x.operands)) is not None}
    sides = _shared_sides(products)
    block_of: list[int] = []
    blocks: list[list[int]] = []
    known: dict[Any, int] = {}

    def token(ref: Ref) -> Any:
        return (block_of[ref.place], ref.lane) if ref.source == BUNDLE else ref.source

    for i, bundle in enumerate(bundles):
        key: Any
        if i in sides:
            *factors, added = products[i]
            shared, other = factors[sides[i]], factors[1 - sides[i]]
            key = bundle.op, sides[i], shared, tuple(map(token, other)), tuple(map(token, added)), bundle.lanes
        elif bundle.op.arity is None:
            key = i
        else:
            key = bundle.op, repr(bundle.static), tuple(map(token, bundle.operands)), bundle.lanes
        block = known.setdefault(key, len(blocks))
        if block == len(blocks):
            blocks.append([])
        blocks[block].append(i)
        block_of.append(block)
    arrange(blocks, [[ref.place for ref in bundle.operands if ref.source == BUNDLE] for bundle in bundles])
    return blocks


def _shared_sides(products: dict[int, Any]) -> dict[int, int]:
    """Return, for each dot product, which of its two sides more others have too: 0 the weights, 1 the inputs."""
    counts = Counter([(side, product[side]) for product in products.values() for side in (0, 1)])
    return {i: int(counts[1, product[1]] >= counts[0, product[0]]) for i, product in products.items()}
