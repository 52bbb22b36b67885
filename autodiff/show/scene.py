"""Boxes and arrows with their texts: what is drawn, before anything is drawn. Neither graphs nor colours are known."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Box:
    """A node, or a folded module.

    Attributes:
        id: the id of its element: n0, n1, ... in the order of drawing.
        kind: leaf, constant (a leaf without a name), operation, output or module.
        sign: the sign of the operation; for a module, its class.
        rows: (class, text) of each line: name, data, gradient.
        ports: the entrances for operands, where it matters which is which: both of ``a - b``, the terms of a `dot`.
        tooltip: the label in full and all digits.
        gradient: its size, for heat; None if not yet known.
    """

    id: str
    kind: str
    sign: str
    rows: tuple[tuple[str, str], ...]
    ports: tuple[str, ...] = ()
    tooltip: str = ""
    gradient: float | None = None


@dataclass(frozen=True)
class Arrow:
    """An operand on its way into a node; between modules, all of them as one.

    Attributes:
        id: the id of its element: e5-0 for the first operand of n5.
        tail: the id of the box it comes from.
        head: the id of the box it leads to.
        port: which entrance of that box, if it has several.
        label: the local derivative, if it is asked for.
        tooltip: what it is, in words.
        size: what it is tinted by in a drawing of heat.
    """

    id: str
    tail: str
    head: str
    port: int | None = None
    label: str = ""
    tooltip: str = ""
    size: float | None = None


@dataclass
class Scene:
    """Boxes and arrows, and where each node and each operand is among them; `layered` ones are joined all with all."""

    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    box_of: dict[int, str] = field(default_factory=dict)  # by id(node)
    arrow_of: dict[tuple[int, int], str] = field(default_factory=dict)  # by id(node) and position of the operand
    layered: bool = False
    merged: set[str] = field(default_factory=set)  # the ids of the arrows into modules
