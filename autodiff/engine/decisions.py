"""What Python code has decided by the numbers of Values, lately: comparisons, and questions of truth.

A graph does not show them: it holds what was computed, not why. Whoever repeats a graph asks here what was decided
while it was built (`autodiff.replay.recording.frozen`). It knows of nodes that they have `parents` and an `op`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from sys import _getframe
from types import CodeType
from typing import Any, NamedTuple
from weakref import ref

MAX_DECISIONS = 1000  # that are remembered, the latest
COMPREHENSIONS = (
    "<genexpr>",
    "<listcomp>",
    "<setcomp>",
)  # code of their own: generators, and the others in Python 3.11
MAX_ABOVE = 8  # nodes that a decision remembers of those that a compared node was computed from


class Decision(NamedTuple):
    """A comparison of Values, or a question whether one is true.

    Attributes:
        code: the code that asked.
        instruction: where in it, as an offset in bytes.
        edition: `autodiff.engine.value.edition` of then.
        compared: weak references to the Values.
        above: weak references to some nodes that these were computed from, as a Value that is only compared is soon
            gone.
        caller: the code that a comprehension or a generator was asked by; None of other code.
    """

    code: CodeType
    instruction: int
    edition: object
    compared: Sequence[ref[Any]]
    above: Sequence[ref[Any]]
    caller: CodeType | None


lately: deque[tuple[Any, ...]] = deque(maxlen=MAX_DECISIONS)  # what a `Decision` is made of: plain tuples are quick


def decided(edition: object, x: Any, y: Any, *, depth: int = 2) -> None:
    """Remember a decision by the Value x, and y where it is one too, of the code that is so many calls above."""
    frame = _getframe(depth)
    caller = frame.f_back.f_code if frame.f_code.co_name in COMPREHENSIONS and frame.f_back else None
    if y is None:
        lately.append((frame.f_code, frame.f_lasti, edition, (ref(x),), _above([x]) if x.op else (), caller))
    else:
        above = _above([x, y]) if x.op or y.op else ()
        lately.append((frame.f_code, frame.f_lasti, edition, (ref(x), ref(y)), above, caller))


def _above(nodes: list[Any]) -> Sequence[ref[Any]]:
    compared = len(nodes)
    for node in nodes:  # they grow
        if len(nodes) > MAX_ABOVE:
            break
        nodes += node.parents[:MAX_ABOVE]
    return [ref(node) for node in nodes[compared:]]
