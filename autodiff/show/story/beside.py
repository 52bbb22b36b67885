"""Numbers of somebody else beside the right ones, up to the first that departs: a mistake's, or another engine's."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

from autodiff.engine.value import Value
from autodiff.formulas.writers import PARTIAL
from autodiff.mistakes.graph import Graph
from autodiff.mistakes.sweep import sweep
from autodiff.mistakes.table import MISCONCEPTIONS
from autodiff.show.story.records import Backward, Forward

MAX_LISTED = 10  # misconceptions in a message
SAME = 1e-9  # relative: another engine may add in another order

Kind = Literal["value", "local", "contribution", "gradient"]


@dataclass(frozen=True, eq=False)
class Other:
    """The numbers that somebody else has for the nodes of a graph; what is missing is not compared.

    Attributes:
        name: whose they are, such as the name of a misconception.
        words: what was done, why it is wrong, what to look at.
        gradients: the gradients, by the `id` of the node.
        values: the numbers of the forward pass, by the `id` of the node.
        locals: the local derivatives, by the `id` of the node and the position of the operand.
        contributions: what is handed on, likewise.
    """

    name: str
    words: tuple[str, ...]
    gradients: Mapping[int, float]
    values: Mapping[int, float] = field(default_factory=dict)
    locals: Mapping[tuple[int, int], float] = field(default_factory=dict)
    contributions: Mapping[tuple[int, int], float] = field(default_factory=dict)


@dataclass(frozen=True)
class Compared:
    """A number that both have.

    Attributes:
        step: in which step it comes about, from 0, the backward ones after the forward ones.
        place: in which contribution of that step; None if it is the number of the node itself.
        kind: what it is.
        name: what it is called, such as ``dL/dw``.
        right: the right number.
        other: that of the other.
    """

    step: int
    place: int | None
    kind: Kind
    name: str
    right: float
    other: float

    @property
    def same(self) -> bool:
        """Whether both are equal, as far as it matters in which order an engine adds."""
        both_nan = math.isnan(self.right) and math.isnan(self.other)
        return both_nan or math.isclose(self.right, self.other, rel_tol=SAME, abs_tol=1e-12)


def compared(
    forward: Sequence[Forward], backward: Sequence[Backward], root: Value, name: str, other: Other
) -> Iterator[Compared]:
    """Yield each number that both have, in the order in which they come about; `name` is that of the root."""
    for step, place, kind, called, right, found in _numbers(forward, backward, root, name, other):
        if found is not None:
            yield Compared(step, place, kind, called, right, found)


def _numbers(
    forward: Sequence[Forward], backward: Sequence[Backward], root: Value, name: str, other: Other
) -> Iterator[tuple[int, int | None, Kind, str, float, float | None]]:
    for i, step in enumerate(forward):
        yield i, None, "value", step.name, step.result, other.values.get(id(step.node))
    if backward:
        yield len(forward), None, "gradient", f"d{name}/d{name}", 1.0, other.gradients.get(id(root))
    last = {id(c.parent): c for step in backward for c in step.contributions}  # which completes a gradient
    for j, way_back in enumerate(backward, len(forward)):
        for place, c in enumerate(way_back.contributions):
            edge = id(c.node), c.position
            yield j, place, "local", f"{PARTIAL}{c.name}/{PARTIAL}{c.parent_name}", c.local, other.locals.get(edge)
            yield j, place, "contribution", "contribution", c.amount, other.contributions.get(edge)
            if last[id(c.parent)] is c:
                found = other.gradients.get(id(c.parent))
                yield j, place, "gradient", f"d{name}/d{c.parent_name}", c.after, found


def mistaken(loss: Value, misconception: str) -> Other:
    """Return the numbers that a person has who makes a mistake of the table, everywhere, in the passes over a graph.

    Raises:
        TypeError: if `misconception` is no text.
        ValueError: if there is no such mistake, or it cannot be made in this graph; the message says which can.
    """
    if not isinstance(misconception, str):
        raise TypeError(f"misconception must be a name, got {type(misconception).__name__}: {misconception!r}")
    graph = Graph(loss)
    if misconception not in MISCONCEPTIONS or not MISCONCEPTIONS[misconception].applies(graph):
        can = [name for name, row in MISCONCEPTIONS.items() if row.applies(graph)]
        near = [] if misconception in MISCONCEPTIONS else get_close_matches(misconception, can, 3)
        reason = "cannot be made here" if misconception in MISCONCEPTIONS else "is none of the table"
        some = [*map(repr, can[:MAX_LISTED]), f"and {len(can) - MAX_LISTED} more in autodiff.mistakes.MISCONCEPTIONS"]
        some = some if len(can) > MAX_LISTED else [repr(name) for name in can]
        listed = f"near it are {', '.join(map(repr, near))}" if near else f"there are {', '.join(some)}"
        raise ValueError(f"the misconception {misconception[:50]!r} {reason}; {listed}")
    row = MISCONCEPTIONS[misconception]
    bent = sweep(graph, row)
    ids = [id(node) for node in graph.nodes]
    return Other(
        row.name,
        (row.did, row.why, f"Look at {row.look}."),
        dict(zip(ids, bent.gradients, strict=True)),
        dict(zip(ids, bent.values, strict=True)),
        {(ids[place], position): number for (place, position), number in bent.locals.items()},
        {(ids[place], position): number for (place, position), number in bent.contributions.items()},
    )
