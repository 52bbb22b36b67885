"""A graph as it was written: a formula for what somebody named, and what the names that we gave stand for in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autodiff.formulas.expression import Expression
from autodiff.show.graph.traversal import users_of
from autodiff.show.story.story import Story

MAX_DEPTH = 8  # operations inside one another in a formula
MAX_FORMULAS = 24  # of each kind; of more the first ones and the last are written


@dataclass(frozen=True)
class Written:
    """The formulas of a graph.

    Attributes:
        whole: those of the nodes that somebody named, and of what is used several times: ``L = (w * x - t)**2``.
        parts: those of the names v1, v2, ... that stand for a part of these: ``v1 = w * x``.
    """

    whole: tuple[str, ...]
    parts: tuple[str, ...]


def as_written(story: Story) -> Written:
    """Return the formulas of a story's graph.

    >>> from autodiff import Value
    >>> w, x, t = Value(3.0, "w"), Value(2.0, "x"), Value(5.0, "t")
    >>> y = w * x + 1.0
    >>> y.label = "y"
    >>> as_written(Story((y - t) ** 2, {}))
    Written(whole=('y = w * x + 1', 'v3 = (y - t)**2'), parts=('v1 = w * x', 'v2 = y - t'))
    """
    order = [step.node for step in story.forward]
    users = users_of(order)
    inside: dict[int, Expression] = {}  # by id, the formulas that stand in those of their users
    whole, parts = [], []
    for step in story.forward:
        made_by = story.formula_of(step.node, inside)
        ours = step.node is not story.root and not story.is_named(step.node)
        if ours and len(users[id(step.node)]) == 1 and made_by.formula.depth < MAX_DEPTH:
            inside[id(step.node)] = made_by.formula
            parts.append(f"{step.name} = {step.formula}")
        else:
            whole.append(f"{step.name} = {made_by.formula}")
    return Written(_some(whole), _some(parts))


def _some(formulas: Sequence[str]) -> tuple[str, ...]:
    few = len(formulas) <= MAX_FORMULAS
    return tuple(formulas) if few else (*formulas[: MAX_FORMULAS - 2], "...", formulas[-1])
