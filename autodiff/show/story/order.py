"""Why the backward pass goes through a graph in topological order: what another order loses."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass

from autodiff.engine.value import Value
from autodiff.show.graph.names import variables
from autodiff.show.story.story import Story
from autodiff.show.story.worked import columns
from autodiff.support.labels import short
from autodiff.support.operands import several


@dataclass(frozen=True)
class Early:
    """A node that was propagated before its gradient was complete.

    Attributes:
        name: its name.
        handed_on: the gradient that it had then, and handed on.
        complete: the gradient that it has in the end of a right order.
        late: the names of the nodes that contribute to it only afterwards.
    """

    name: str
    handed_on: float
    complete: float
    late: tuple[str, ...]

    def __str__(self) -> str:
        verb = "contributes" if len(self.late) == 1 else "contribute"
        other = "" if short(self.handed_on) == short(self.complete) else f" in place of {short(self.complete)}"
        other = other or ", which is right by chance alone"
        return (
            f"{self.name} is propagated too early: it hands on {short(self.handed_on)}{other}, "
            f"because {' and '.join(self.late)} {verb} to it only afterwards"
        )


@dataclass(frozen=True)
class OrderReport:
    """What an order of propagation comes to.

    Attributes:
        order: the names of the nodes in that order.
        early: the nodes that were propagated before their gradients were complete, in that order.
        gradients: for the name of each leaf, the gradient that it gets in this order, and the right one.
        working: the names of the nodes in an order that works.
    """

    order: tuple[str, ...]
    early: tuple[Early, ...]
    gradients: dict[str, tuple[float, float]]
    working: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether every node was propagated after all nodes that contribute to it."""
        return not self.early

    def __str__(self) -> str:
        rows = [["leaf", "in this order", "right", "lost"]]
        for name, (got, right) in self.gradients.items():
            rows.append([name, short(got), short(right), "" if self.right else short(right - got)])
        reason = "a node may hand on its gradient only when every node that it is an operand of has done so"
        ending = (
            "every node comes after all nodes that it is an operand of, so every gradient is complete"
            if self.right
            else f"{reason}: {', '.join(self.working)}"
        )
        return "\n".join([f"order: {', '.join(self.order)}", *map(str, self.early), *columns(rows, (1, 2, 3)), ending])

    def __repr__(self) -> str:
        return str(self)


def order_matters(loss: Value, order: Iterable[Value]) -> OrderReport:
    """Return what comes of propagating the nodes of a graph once each, in an order of your own.

    It does what you would do by hand, ``loss.grad = 1; first.propagate(); second.propagate(); ...``, without touching a
    node. A node hands on the gradient that it has at that moment; what reaches it later is lost to its operands. The
    smallest graph where this shows:

    >>> a = Value(3.0); b = a + a; c = b + b
    >>> print(order_matters(c, [b, c]))
    order: b, c
    b is propagated too early: it hands on 0 in place of 2, because c contributes to it only afterwards
    leaf  in this order  right  lost
    a                 0      4     4
    a node may hand on its gradient only when every node that it is an operand of has done so: c, b

    Args:
        loss: the node whose derivatives are computed.
        order: every operation of its graph, once; leaves, which have nothing to hand on, may be left out.

    Raises:
        TypeError: if `loss` or a member of `order` is no Value.
        ValueError: if a node is missing, is named twice, or is not of this graph; or if the graph is too large.
    """
    story = Story(loss, variables(sys._getframe(1)))
    given = _checked(story, order)
    gradients = {id(loss): 1.0}
    handed_on: dict[int, float] = {}
    for node in given:
        handed_on[id(node)] = incoming = gradients.get(id(node), 0.0)
        if id(node) not in gradients:
            continue  # what nothing has reached hands on nothing, as in `Value.propagate`
        for parent, contribution, taken in zip(node.parents, node.chain_rule(incoming), node._taken, strict=True):
            if taken:
                gradients[id(parent)] = gradients.get(id(parent), 0.0) + contribution
    place = {id(node): i for i, node in enumerate(given)}
    late: dict[int, dict[str, None]] = {}  # names of nodes, each once, in their order
    for node in given:
        for parent in node.parents:
            if parent.op and place[id(parent)] < place[id(node)]:
                late.setdefault(id(parent), {})[story.name(node)] = None
    early = [
        Early(story.name(node), handed_on[id(node)], story.gradient(node), tuple(late[id(node)]))
        for node in given
        if id(node) in late
    ]
    leaves = {story.name(leaf): (gradients.get(id(leaf), 0.0), story.gradient(leaf)) for leaf in story.leaves}
    return OrderReport(
        tuple(map(story.name, given)), tuple(early), leaves, tuple([step.name for step in story.backward])
    )


def _checked(story: Story, order: Iterable[Value]) -> list[Value]:
    """Return the operations in the given order, each of which must be there once."""
    given = [node for node in map(story.node, several("order", order, "Values")) if node.op]
    places: dict[int, int] = {}
    for i, node in enumerate(given, 1):
        first = places.setdefault(id(node), i)
        if first != i:
            raise ValueError(f"{story.name(node)} is in the order twice: each node hands on its gradient once")
    missing = [step.name for step in story.backward if id(step.node) not in places]
    if missing:
        shown = ", ".join(missing[:10]) + " ..." * (len(missing) > 10)
        raise ValueError(f"the order leaves out {shown}: it must name every operation of the graph once")
    return given
