"""A graph as boxes and arrows with their texts: what is drawn, before anything is drawn.

It knows how people read a graph: names, numbers, operands in order. It knows neither DOT nor SVG nor colours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from autodiff.operands import flat
from autodiff.show.fold import Use
from autodiff.show.text import clean, number
from autodiff.value import Value

MOST_PRODUCTS = 12  # rows in the box of a `dot`; with more operands they are not told apart
COMMUTE = {"+", "*", "sum", "mean", "prod", "max", "maximum", "minimum", "hypot", "logsumexp"}


@dataclass(frozen=True)
class Box:
    """A node, or a folded module.

    Attributes:
        id: the id of its element: n0, n1, ... in the order of drawing.
        kind: leaf, constant (a leaf without a name), operation, output or module.
        sign: the sign of the operation; for a module, its class.
        rows: (class, text) of each line: name, data, gradient.
        ports: the products of a `dot`, each an entrance for its two operands.
        tooltip: the label in full and all digits.
        gradient: its size, for heat; None if not yet known.
        ordered: whether the order of the operands matters.
    """

    id: str
    kind: str
    sign: str
    rows: tuple[tuple[str, str], ...]
    ports: tuple[str, ...] = ()
    tooltip: str = ""
    gradient: float | None = None
    ordered: bool = False


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


def read(
    roots: Sequence[Value],
    names: Mapping[int, str],
    owners: Mapping[int, str],
    uses: Sequence[Use],
    *,
    spec: str = ".6g",
    local_derivatives: bool = False,
) -> Scene:
    """Return the scene of the graph of `roots`.

    Args:
        roots: the outputs.
        names: what variables hold nodes, by `id`.
        owners: the path of the module that holds each parameter, by `id`.
        uses: what is folded into one box each.
        spec: the format of numbers.
        local_derivatives: whether they are written on the arrows.
    """
    scene = Scene()
    unit: dict[int, Value | Use] = {id(node): use for use in uses for node in use.nodes}
    nodes = _sequence(roots)
    consumers: dict[int, list[Value]] = {}
    for node in nodes:
        for parent in node.parents:
            consumers.setdefault(id(parent), []).append(node)
    for use in uses:
        for parameter in use.parameters:
            users = {id(unit.get(id(node))) for node in consumers.get(id(parameter), ()) if id(node) in unit}
            if users == {id(use)} or all(id(node) in unit for node in consumers.get(id(parameter), ())):
                unit[id(parameter)] = use  # no box of its own
    ids: dict[int, str] = {}
    parameters = [_name(node, names) for node in nodes if id(node) in owners and id(node) not in unit]
    alike = len(set(parameters)) < len(parameters)  # which w0 it is, must be said
    for node in nodes:
        thing = unit.setdefault(id(node), node)
        if id(thing) not in ids:
            ids[id(thing)] = id_ = f"n{len(ids)}"
            if isinstance(thing, Use):
                scene.boxes.append(_module_box(thing, id_, consumers, spec))
            else:
                owner = owners.get(id(node), "") if alike else ""
                scene.boxes.append(_box(thing, id_, names, owner, spec, any(thing is root for root in roots)))
        scene.box_of[id(node)] = ids[id(thing)]
    for node in nodes:
        _add_arrows(scene, node, unit, names, spec, local_derivatives)
    return scene


def _sequence(roots: Sequence[Value]) -> list[Value]:
    """Return all nodes as people read them: first operands first, each leaf just before it is first used."""
    seen: set[int] = set()
    nodes = []
    waiting = [(root, False) for root in reversed(roots)]
    while waiting:
        node, operands_done = waiting.pop()
        if operands_done:
            nodes.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            waiting.append((node, True))
            waiting += [(parent, False) for parent in reversed(node.parents)]
    return nodes


def _name(node: Value, names: Mapping[int, str], longest: int = 40) -> str:
    """Return what a person calls a node: its label, else its variable, else nothing."""
    return clean(node.label, longest) or clean(names.get(id(node), ""), longest)


def _sign(node: Value, spec: str) -> str:
    """Return the operation's own sign, with the parameters that it was given: ``**2``, ``clip 0, 1``."""
    n = node.op.parameters
    if not n:
        return str(node.op.name)
    given = ", ".join([number(x, spec) for x in node.numbers[-n:]])
    return f"{node.op.name}{given}" if node.op.name == "**" else f"{node.op.name} {given}"


def _gradient(gradient: float | None, spec: str) -> str:
    return "grad not yet" if gradient is None else f"grad {number(gradient, spec)}"


def _box(node: Value, id_: str, names: Mapping[int, str], owner: str, spec: str, is_root: bool) -> Box:
    name, gradient = _name(node, names), node._grad
    made = node.op is not None
    full = " = ".join(
        [part for part in (_name(node, names, 200), str(node.op) if made else "", repr(node.data)) if part]
    )
    rows = [("name", name)] if name else []
    rows += [("detail", clean(owner))] if owner else []
    rows += [("data", number(node.data, spec)), ("gradient", _gradient(gradient, spec))]
    return Box(
        id_,
        kind=("output" if is_root else "operation") if made else "leaf" if name else "constant",
        sign=_sign(node, spec) if made else "",
        rows=tuple(rows),
        ports=tuple(_products(node, names)),
        tooltip=f"{full}, {_gradient(gradient, '')}",
        gradient=None if gradient is None else abs(gradient),
        ordered=made and len(node.parents) == 2 and node.op.name not in COMMUTE,
    )


def _products(node: Value, names: Mapping[int, str]) -> list[str]:
    """Return the terms of a `dot`, weight by input, and the bias: ``w0·x0 = 6``."""
    if node.op is None or not isinstance(node.numbers[1], tuple) or len(node.numbers[1]) > MOST_PRODUCTS:
        return []
    _, weights, inputs, *bias = node.numbers
    short = [
        _name(parent, names, 8) or number(x, ".3g")
        for parent, x in zip(node.parents, flat(node.numbers[1:]), strict=True)
    ]
    n = len(weights)
    factors = [f"({text})" if text.startswith("-") else text for text in short]
    terms = [f"{factors[i]}·{factors[n + i]} = {number(weights[i] * inputs[i], '.3g')}" for i in range(n)]
    return terms + [
        short[-1] if not _name(node.parents[-1], names) else f"{short[-1]} = {number(b, '.3g')}" for b in bias
    ]


def _module_box(use: Use, id_: str, consumers: Mapping[int, Sequence[Value]], spec: str) -> Box:
    inside = {id(node) for node in use.nodes}
    users = [[user for user in consumers.get(id(node), ()) if id(user) not in inside] for node in use.nodes]
    outputs = [node for node, outside in zip(use.nodes, users, strict=True) if outside or id(node) not in consumers]
    known = [parameter._grad for parameter in use.parameters if parameter._grad is not None]
    gradient = math.hypot(*known) if known else None
    rows = [("name", clean(use.path) or use.kind)]
    rows += [("data", number(outputs[0].data, spec) if len(outputs) == 1 else f"{len(outputs)} outputs")]
    rows += [("detail", f"{len(use.parameters)} parameter{'s' if len(use.parameters) != 1 else ''}")]
    rows += [("gradient", _gradient(gradient, spec).replace("grad", "|grad|"))]
    tooltip = (
        f"{use.kind} {clean(use.path, 200)}: {len(use.nodes)} nodes; |grad| is the norm of its parameters' gradients"
    )
    return Box(id_, "module", use.kind if use.path else "", tuple(rows), tooltip=tooltip, gradient=gradient)


def _add_arrows(
    scene: Scene,
    node: Value,
    unit: Mapping[int, Value | Use],
    names: Mapping[int, str],
    spec: str,
    local_derivatives: bool,
) -> None:
    if node.op is None:
        return
    head, head_id = unit[id(node)], scene.box_of[id(node)]
    slopes = node.local_derivatives() if head is node else ()
    pairs = len(node.numbers[1]) if isinstance(node.numbers[1], tuple) and len(node.numbers[1]) <= MOST_PRODUCTS else 0
    for i, parent in enumerate(node.parents):
        tail, tail_id = unit[id(parent)], scene.box_of[id(parent)]
        if tail is head:
            continue
        if head is node:
            id_ = f"e{head_id[1:]}-{i}"
            label = f"∂ {number(slopes[i], spec)}" if local_derivatives else ""
            words = f"operand {i + 1} of {node.op}, local derivative {number(slopes[i], '')}"
            port = (i % pairs if i < 2 * pairs else pairs) if pairs else None
            scene.arrows.append(Arrow(id_, tail_id, head_id, port, label, words))
        else:  # one arrow from a box to a module, however many operands come from it
            id_ = f"e{head_id[1:]}-{tail_id}"
            if id_ not in scene.merged:
                scene.merged.add(id_)
                scene.arrows.append(Arrow(id_, tail_id, head_id))
        scene.arrow_of[id(node), i] = id_
