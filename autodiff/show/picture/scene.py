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
        layer: for a module, the path of the one around it.
        fill: the colour that its author chose.
        value: its number, which colours it in a network that is too large for texts.
    """

    id: str
    kind: str
    sign: str
    rows: tuple[tuple[str, str], ...]
    ports: tuple[str, ...] = ()
    tooltip: str = ""
    gradient: float | None = None
    layer: str = ""
    fill: str = ""
    value: float | None = None

    @property
    def texts(self) -> list[tuple[str, str]]:
        """The (class, text) of each text in the box, in the order in which Graphviz draws them."""
        sign = [("sign", self.sign)] if self.sign else []
        return [*[("product", text) for text in self.ports], *sign, *self.rows]


@dataclass(frozen=True)
class Arrow:
    """An operand on its way into a node; between modules, all of them as one.

    Attributes:
        id: the id of its element: e5-0 for the first operand of n5.
        tail: the id of the box it comes from.
        head: the id of the box it leads to.
        port: which entrance of that box, if it has several.
        label: the local derivative, if it is asked for; in a network, the weight.
        tooltip: what it is, in words.
        size: in a network, what its line is as wide as: the weight or, in heat, its gradient; None for no weight.
        below: in a network, the gradient of the weight.
    """

    id: str
    tail: str
    head: str
    port: int | None = None
    label: str = ""
    tooltip: str = ""
    size: float | None = None
    below: str = ""


@dataclass
class Scene:
    """Boxes and arrows, and where each node and each operand is among them.

    Attributes:
        boxes: in the order of drawing.
        arrows: likewise.
        box_of: the id of the box that shows a node, by `id`.
        arrow_of: the id of the arrow into a node, by its `id` and the position of the operand.
        columns: of a network, the heading of each layer and the ids of its boxes; empty for any other graph.
        title: what stands above it.
    """

    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    box_of: dict[int, str] = field(default_factory=dict)
    arrow_of: dict[tuple[int, int], str] = field(default_factory=dict)
    columns: list[tuple[str, list[str]]] = field(default_factory=list)
    title: str = ""
