"""From a graph of Values to flat lists: what is computed from what, and which leaves may change.

It knows how a graph is read. It must not know how what it hands on will be run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from autodiff import ops
from autodiff.operands import flat
from autodiff.order import walk
from autodiff.value import Value


@dataclass
class Recording:
    """A graph as lists, node by node, each after its operands: parameters first, then inputs, then the rest.

    Attributes:
        ops: the row of each node; None for a leaf.
        operands: the places of its operands in these lists, in order.
        settings: the row's parameters, such as the exponent n of x**n.
        numbers: what each node was in the forward pass; of a constant, what it is in each replay.
        labels: the learner's names.
        parameters: how many nodes, from the first, are parameters.
        inputs: how many after them are inputs. A leaf that is neither is a constant.
        root: the place of the loss.
    """

    parameters: int
    inputs: int
    ops: list[Any] = field(default_factory=list)
    operands: list[tuple[int, ...]] = field(default_factory=list)
    settings: list[tuple[float, ...]] = field(default_factory=list)
    numbers: list[float] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    root: int = 0

    def add(self, op: Any, operands: tuple[int, ...], settings: tuple[float, ...], number: float, label: str) -> int:
        """Append a node; return its place."""
        self.ops.append(op)
        self.operands.append(operands)
        self.settings.append(settings)
        self.numbers.append(number)
        self.labels.append(label)
        return len(self.ops) - 1

    def is_constant(self, node: int) -> bool:
        """Return whether the node is the same number in every run."""
        return self.ops[node] is None and node >= self.parameters + self.inputs

    @property
    def constants(self) -> list[float]:
        """The numbers of all constants, in order."""
        first = self.parameters + self.inputs
        return [number for op, number in zip(self.ops[first:], self.numbers[first:], strict=True) if op is None]

    def with_inputs(self, constants: list[int]) -> Recording:
        """Return the same recording with these constants as its inputs."""
        front = [*range(self.parameters), *constants]
        moved = set(constants)
        order = [*front, *[i for i in range(self.parameters, len(self.ops)) if i not in moved]]
        result = Recording(self.parameters, len(constants))
        places = [0] * len(order)
        for i in order:
            operands = tuple([places[j] for j in self.operands[i]])
            places[i] = result.add(self.ops[i], operands, self.settings[i], self.numbers[i], self.labels[i])
        result.root = places[self.root]
        return result

    @property
    def depends(self) -> list[int]:
        """The parameters that the root was computed from."""
        used = bytearray(len(self.ops))
        used[self.root] = True
        for operands in self.operands:
            for i in operands:
                used[i] = True
        return [i for i in range(self.parameters) if used[i]]

    @property
    def size(self) -> int:
        """How many nodes are computed from others."""
        return len(self.ops) - self.ops.count(None)


def record(root: Value, parameters: Sequence[Value], inputs: Sequence[Value]) -> Recording:
    """Return the recording of the graph that ends in `root`; what depends on constants alone is a constant in it.

    Raises:
        ValueError: if the data of a node inside of the graph was overwritten after it was computed.
    """
    recording = Recording(len(parameters), len(inputs))
    places = {id(leaf): recording.add(None, (), (), leaf.data, leaf.label) for leaf in (*parameters, *inputs)}
    variable = len(places)
    order, _ = walk(root)
    if not order and id(root) not in places:
        places[id(root)] = recording.add(None, (), (), root.data, root.label)
    constants: dict[tuple[int, str], int] = {}
    for node in order:
        op, numbers = node.op, node.numbers
        used = flat(numbers[1:])
        parents = node.parents
        operands = []
        for parent, number in zip(parents, used, strict=False):  # behind the operands stand the row's parameters
            place = places.get(id(parent), -1)
            if place < 0:  # a constant: the number that was used, even if the leaf holds another by now
                key = id(parent), repr(number)
                place = constants.get(key, -1)
                if place < 0:
                    place = constants[key] = recording.add(None, (), (), number, parent.label)
            elif place >= variable and number != recording.numbers[place] and number == number:
                raise ValueError(
                    f"{parent!r} was computed as {recording.numbers[place]!r} by {parent.op}, and its data overwritten "
                    "before it was used: such a graph cannot be computed anew"
                )
            operands.append(place)
        settings = tuple(used[len(operands) :])
        if all([place >= variable and recording.ops[place] is None for place in operands]):
            op, operands, settings = None, [], ()
        places[id(node)] = recording.add(op, tuple(operands), settings, numbers[0], node.label)
    recording.root = places[id(root)]
    return recording


def grouped(op: Any, operands: Sequence[Any]) -> Sequence[Any]:
    """Return the operands as the row takes them: `DOT` takes weights and inputs as two groups, then the bias."""
    if op is not ops.DOT:
        return operands
    n = len(operands) // 2
    return (tuple(operands[:n]), tuple(operands[n : 2 * n]), *operands[2 * n :])
