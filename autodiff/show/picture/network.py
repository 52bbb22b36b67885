"""A network as textbooks draw it: neurons as circles, layer by layer, weights as lines.

A neuron is any module that holds parameters itself; where it multiplies one of them with something, that is a weight,
and a line. What else is computed between neurons and outputs is a circle, too, with plain lines. There is no layout to
search for: layers are columns.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from xml.etree.ElementTree import Element, SubElement

from autodiff.engine.value import Value
from autodiff.nn.module import Module
from autodiff.show.graph.formula import products
from autodiff.show.graph.modules import ModuleUse, neurons
from autodiff.show.graph.names import name_of
from autodiff.show.picture.colours import (
    ARROW,
    BACKWARD,
    COOL,
    FILL,
    INK,
    LINE,
    NEGATIVE,
    POSITIVE,
    QUIET,
    heat,
    inks_on,
    largest,
)
from autodiff.show.picture.scene import Arrow, Box, Scene
from autodiff.show.picture.svg import chip, finished, halo, set_text
from autodiff.support.labels import clean, short

MAX_NUMBERED = 5  # circles in a column, with numbers on the lines
MAX_TOLD = 8  # circles in a column, with numbers in them
WIDEST, THINNEST = 5.0, 0.8  # pixels of a line; of many lines, the widest has half of it


@dataclass(eq=False)
class Unit:
    """A circle, and what leads to it.

    Attributes:
        key: what tells it from others: the path of its module, or the `id` of its node.
        nodes: what it shows: of a neuron that several samples go through, a node for each.
        weights: for each line into it, where that comes from and the weight, if there is one.
        biases: parameters that are multiplied with nothing.
    """

    key: Hashable
    nodes: list[Value]
    weights: list[tuple[Hashable, Value | None]] = field(default_factory=list)
    biases: list[Value] = field(default_factory=list)


class Network:
    """The circles of a graph and the lines between them.

    Args:
        roots: the outputs.
        order: the interior nodes, parents first.
        model: whose modules the neurons are.
        names: what variables hold nodes, by `id`.

    Raises:
        ValueError: if there are no neurons, or if they do not run from layer to layer.
    """

    def __init__(self, roots: Sequence[Value], order: Sequence[Value], model: Module, names: Mapping[int, str]) -> None:
        self.uses: dict[str, list[ModuleUse]] = {}
        for use in neurons(order, model):
            self.uses.setdefault(use.path, []).append(use)
        if not self.uses:
            raise ValueError("no neuron of the model was used for what is drawn: draw it with view='graph'")
        self.batched = any(len(uses) > 1 for uses in self.uses.values())
        self.parameters = {id(parameter) for parameter in model.parameters()}
        self.names, self.units = names, dict[Hashable, Unit]()
        self.places = {path: i for i, (path, _) in enumerate(model.named_modules())}
        self.inside = {id(node): path for path, uses in self.uses.items() for use in uses for node in use.nodes}
        self.lines: dict[tuple[int, int], tuple[Hashable, Value | None]] = {}  # by id(node) and position of the operand
        for path, uses in self.uses.items():
            self.units[path] = Unit(path, [use.nodes[-1] for use in uses])
            for use in uses:
                self._read(use)
        for i, root in enumerate(roots):
            self._key(root, i)

    def _read(self, use: ModuleUse) -> None:
        """Note the weights and biases of a use of a neuron."""
        unit, own = self.units[use.path], {id(parameter) for parameter in use.parameters}
        inside, multiplied = {id(node) for node in use.nodes}, set[int]()
        known = {(source, id(weight)) for source, weight in unit.weights}
        for node in use.nodes:
            for i, j in products(node):
                i, j = (i, j) if id(node.parents[i]) in own else (j, i)
                weight, other = node.parents[i], node.parents[j]
                if id(weight) in own and id(other) not in inside:
                    source = self._key(other, len(multiplied))
                    multiplied.add(id(weight))
                    self.lines[id(node), i] = self.lines[id(node), j] = use.path, weight
                    if (source, id(weight)) not in known:  # from the sample before
                        unit.weights.append((source, weight))
        unit.biases = [parameter for parameter in use.parameters if id(parameter) not in multiplied]

    def _key(self, node: Value, position: int = 0) -> Hashable:
        """Return the key of the circle that shows a node; samples share those that stand at the same position."""
        if id(node) in self.inside:
            return self.inside[id(node)]
        sources = [(self._key(source), None) for source in self._sources(node)]
        key = (position, *[source for source, _ in sources]) if self.batched else id(node)
        unit = self.units.setdefault(key, Unit(key, [], [*sources]))
        if not any(node is other for other in unit.nodes):
            unit.nodes.append(node)
        return key

    def _sources(self, node: Value) -> list[Value]:
        """Return what a node that no neuron made depends on: outputs of neurons, and leaves that have a name."""
        found: dict[Hashable, Value] = {}
        waiting, seen = list(reversed(node.parents)), set[int]()
        while waiting:
            source = waiting.pop()
            if id(source) in seen or id(source) in self.parameters:
                continue
            seen.add(id(source))
            if id(source) in self.inside:
                found.setdefault(self.inside[id(source)], source)
            elif source.op is not None:
                waiting += reversed(source.parents)
            elif name_of(source, self.names) and not self.batched:
                found[id(source)] = source
        return list(found.values())

    def columns(self) -> list[list[Unit]]:
        """Return the units, layer by layer; a leaf stands just before its first use."""
        depths: dict[Hashable, int] = {}
        for key in self.units:
            waiting: list[tuple[Hashable, bool]] = [(key, False)]
            entered: set[Hashable] = set()
            while waiting:
                here, done = waiting.pop()
                sources = [source for source, _ in self.units[here].weights]
                if done:
                    depths[here] = max([depths[source] + 1 for source in sources], default=0)
                elif here not in depths:
                    if here in entered:
                        raise ValueError(
                            f"{here or 'the model'} is used again on what it made itself, so there is no order of "
                            "layers: draw it with view='graph'"
                        )
                    entered.add(here)
                    waiting += [(here, True), *[(source, False) for source in sources if source not in depths]]
        for key, unit in self.units.items():
            uses = [
                depths[other.key] for other in self.units.values() if key in [source for source, _ in other.weights]
            ]
            if not unit.weights and uses:
                depths[key] = min(uses) - 1
        columns: list[list[Unit]] = [[] for _ in range(max(depths.values()) + 1)]
        for key, unit in self.units.items():
            columns[depths[key]].append(unit)
        return [self._in_order(column) for column in columns]

    def _in_order(self, column: list[Unit]) -> list[Unit]:
        """Return neurons as their module holds them, then what else there is."""
        last = len(self.places)
        return sorted(column, key=lambda unit: self.places[unit.key] if isinstance(unit.key, str) else last)


def network(
    roots: Sequence[Value],
    order: Sequence[Value],
    model: Module,
    names: Mapping[int, str],
    spec: str,
    heat: bool,
    roles: Mapping[int, str],
    fills: Mapping[int, str],
) -> Scene:
    """Return the scene of a network: its circles as boxes, with their columns, its weights as arrows.

    Raises:
        ValueError: if there are no neurons, or if they do not run from layer to layer.
    """
    read, modules, scene = Network(roots, order, model, names), dict(model.named_modules()), Scene()
    paths = {id(parameter): path for path, parameter in model.named_parameters()}
    ids: dict[Hashable, str] = {}
    columns = read.columns()
    for column in columns:
        for unit in column:
            ids[unit.key] = f"n{len(ids)}"
            box = _box(unit, ids[unit.key], read, roots, spec)
            role, fill = [next(filter(None, [of.get(id(node)) for node in unit.nodes]), "") for of in (roles, fills)]
            rows = (*box.rows, ("detail", clean(role))) if role else box.rows
            scene.boxes.append(replace(box, rows=rows, fill=fill))
            scene.box_of |= {id(node): ids[unit.key] for node in (*unit.nodes, *unit.biases)}
        scene.columns.append((_heading(column, modules), [ids[unit.key] for unit in column]))
    scene.box_of |= {key: ids[path] for key, path in read.inside.items()}
    of_weight: dict[tuple[Hashable, int], str] = {}
    for unit in [unit for column in columns for unit in column]:
        for i, (source, weight) in enumerate(unit.weights):
            arrow = _arrow(f"e{ids[unit.key][1:]}-{i}", ids[source], ids[unit.key], weight, paths, spec, heat)
            scene.arrows.append(arrow)
            of_weight[unit.key, id(weight)] = arrow.id
            scene.box_of.setdefault(id(weight), ids[unit.key])
    scene.arrow_of = {place: of_weight[path, id(weight)] for place, (path, weight) in read.lines.items()}
    return scene


def _heading(column: Iterable[Unit], modules: Mapping[str, Module]) -> str:
    """Return the path of the layer that a column is; "inputs" if it has no neurons."""
    headings: dict[str, None] = {}
    for unit in column:
        if isinstance(unit.key, str):
            around = unit.key.rpartition(".")[0]
            while around not in modules:  # through lists
                around = around.rpartition(".")[0]
            headings[around] = None
        elif not unit.weights:
            headings["inputs"] = None
    layers = [heading for heading in headings if heading != "inputs"] or list(headings)
    return clean(", ".join(layers))


def _box(unit: Unit, id_: str, read: Network, roots: Sequence[Value], spec: str) -> Box:
    node, path = unit.nodes[0], unit.key if isinstance(unit.key, str) else ""
    alone = len(unit.nodes) == 1
    name = name_of(node, read.names) if alone else ""
    if isinstance(unit.key, tuple) and not unit.weights:
        name = f"input {unit.key[0]}"
    elif not path and not name and node.op is not None:
        name = clean(node.op.name)
    output = any(node is root for root in roots)
    kind = "output" if output else "module" if isinstance(unit.key, str) else "leaf" if node.op is None else "operation"
    rows = [("name", name)] if name else []
    rows += [("data", short(node.data, spec))] if alone else []
    rows += [("gradient", f"grad {short(node._grad, spec)}")] if alone and node._grad is not None else []
    for bias in unit.biases:
        rows += [("bias", f"b {short(bias.data, spec)}")]
        rows += [("bias-gradient", f"grad {short(bias._grad, spec)}")] if bias._grad is not None else []
    gradients = [other._grad for other in unit.nodes if other._grad is not None]
    size = math.hypot(*gradients) if gradients else None
    value = f"{node.data!r}, {_known(node._grad)}" if alone else f"{len(unit.nodes)} samples"
    tooltip = ", ".join(filter(None, [clean(path, 200), name, value, *[f"bias {bias.data!r}" for bias in unit.biases]]))
    number = node.data if alone else None
    return Box(id_, kind, "", tuple(rows), tooltip=tooltip, gradient=size, value=number)


def _arrow(
    id_: str, tail: str, head: str, weight: Value | None, paths: Mapping[int, str], spec: str, heat: bool
) -> Arrow:
    if weight is None:
        return Arrow(id_, tail, head)
    below = "" if weight._grad is None else f"grad {short(weight._grad, spec)}"
    tooltip = f"{clean(paths.get(id(weight), ''), 200)} = {weight.data!r}, {_known(weight._grad)}"
    size = abs(weight._grad or 0.0) if heat else weight.data
    return Arrow(id_, tail, head, label=short(weight.data, spec), below=below, tooltip=tooltip, size=size)


def _known(gradient: float | None) -> str:
    return "grad not yet" if gradient is None else f"grad {gradient!r}"


class Plan:
    """Where the circles of a network stand, and which texts there is room for.

    The number of a line stands where it has come 1/(m + 1) of its way, of the m circles in the next column: there, all
    lines between two columns are equally far from each other, however they cross.

    Args:
        scene: the network.

    Attributes:
        numbered: whether numbers are on the lines.
        told: whether numbers are in the circles.
        widest: the width of the line of the largest weight, in pixels.
        radius: of the circles, likewise.
        at: the middle of each circle, by the id of its box.
        part: of its way, where the number of a line from there stands, by the id of the box.
        width: of the picture.
        height: of the picture.
    """

    def __init__(self, scene: Scene) -> None:
        columns = [ids for _, ids in scene.columns]
        tallest = max([len(ids) for ids in columns])
        self.told, self.numbered = tallest <= MAX_TOLD, tallest <= MAX_NUMBERED
        rows = [box.rows for box in scene.boxes]
        data = [len(text) for row in rows for kind, text in row if kind == "data"]
        under = [len([kind for kind, _ in row if kind in ("gradient", "bias", "detail")]) for row in rows]
        self.widest = WIDEST if self.told else WIDEST / 2
        self.radius = max([20, *[3.3 * length + 5 for length in data]]) if self.told else 8.0
        below = 13 * max(under) if self.told else 0
        on_line = 25 if any(arrow.below for arrow in scene.arrows) else 14  # what a line and its numbers take
        apart = 2 * self.radius + below + (22 if self.told else 6)
        apart = (
            max(apart, on_line * (max([len(ids) for ids in columns[1:]], default=0) + 1)) if self.numbered else apart
        )
        self.part = {id_: 1 / (len(after) + 1) for ids, after in pairwise(columns) for id_ in ids}
        beside = max(self.radius, 40) + 3.3 * max([len(arrow.label) for arrow in scene.arrows], default=0)
        step = max(beside / min(self.part.values(), default=1) if self.numbered else 0, 0.4 * apart * tallest, 130)
        wide = max([0, *[3.4 * len(text) for row in rows for kind, text in row if kind == "name"]])
        headings = [3.2 * len(heading) for heading, _ in scene.columns]
        side = max(self.radius, max(wide, 40) if self.told else 0, *headings) + 8
        self.top = (30 if scene.title else 4) + (20 if any(heading for heading, _ in scene.columns) else 0)
        self.top += 18 if self.told else 4
        self.width = 2 * side + step * (len(columns) - 1)
        self.height = self.top + apart * (tallest - 1) + 2 * self.radius + below + 12
        self.at: dict[str, tuple[float, float]] = {}
        for i, ids in enumerate(columns):
            first = self.top + self.radius + apart * (tallest - len(ids)) / 2
            self.at |= {id_: (side + i * step, first + apart * j) for j, id_ in enumerate(ids)}

    def line(self, arrow: Arrow) -> tuple[float, float, float, float]:
        """Return the ends of a line, at the rims of its circles."""
        (x0, y0), (x1, y1) = self.at[arrow.tail], self.at[arrow.head]
        share = self.radius / math.hypot(x1 - x0, y1 - y0)
        return x0 + share * (x1 - x0), y0 + share * (y1 - y0), x1 - share * (x1 - x0), y1 - share * (y1 - y0)


def painted(scene: Scene, ids: str, heated: bool) -> str:
    """Return the SVG of a network, with ids that begin with `ids`."""
    plan = Plan(scene)
    keys = _keys(scene, plan, heated)
    width = max(plan.width, *[5.2 * len(text) + 40 for _, text in keys], 9.5 * len(scene.title))
    height = plan.height + 16 * len(keys)
    root = Element("svg", {"viewBox": f"0 0 {width:g} {height:g}"})
    graph = SubElement(root, "g", {"id": f"{ids}graph0", "class": "graph"})
    told = f"network: {len(scene.boxes)} circles, {len(scene.arrows)} lines"
    SubElement(graph, "title").text = f"{scene.title}: {told}" if scene.title else told
    if plan.numbered:
        graph.append(halo("".join(["M{:.1f},{:.1f}L{:.1f},{:.1f}".format(*plan.line(a)) for a in scene.arrows])))
    graph.extend(_lines(scene, plan, ids, heated))
    if plan.numbered:
        graph.extend(_numbers(scene, plan, ids))
    graph.extend(_circles(scene, plan, ids, heated))
    if scene.title:
        _text(graph, scene.title, width / 2, 20, 16, "title", font_weight="bold")
    for heading, column in scene.columns:
        if heading:
            _text(graph, heading, plan.at[column[0]][0], 44 if scene.title else 18, 11, "heading", fill=QUIET)
    for i, (colour, text) in enumerate(keys):
        y = plan.height + 16 * i + 4
        if colour == BACKWARD:
            _text(graph, "0.1", 19, y, 10, "gradient", fill=colour)
        else:
            SubElement(graph, "path", {"d": f"M10,{y - 3:g}h18", "stroke": colour, "stroke-width": "3"})
        _text(graph, text, 34, y, 10, "key", anchor="start", fill=QUIET)
    return finished(root, width, height)


def _keys(scene: Scene, plan: Plan, heated: bool) -> list[tuple[str, str]]:
    """Return the legend: the colour of a line, and what it says."""
    weights = [arrow.size for arrow in scene.arrows if arrow.size is not None]
    if heated:
        keys = [(heat(1.0, 1.0), "the wider and the more orange, the larger the gradient", True)]
    else:
        keys = [(POSITIVE, "positive weight: the wider, the larger", any(w > 0 for w in weights))]
        keys += [(NEGATIVE, "negative weight: the wider, the larger", any(w < 0 for w in weights))]
    known = plan.told and any(kind == "gradient" for box in scene.boxes for kind, _ in box.rows)
    keys += [(BACKWARD, "gradient of what it stands under or beside", known)]
    return [(colour, text) for colour, text, there in keys if there]


def _lines(scene: Scene, plan: Plan, ids: str, heated: bool) -> Iterator[Element]:
    """Yield the group of each line, the largest last, so that it lies over the others."""
    most = largest([abs(arrow.size) for arrow in scene.arrows if arrow.size is not None])
    for arrow in sorted(scene.arrows, key=lambda arrow: abs(arrow.size or 0.0)):
        group = Element("g", {"id": f"{ids}{arrow.id}", "class": "edge"})
        SubElement(group, "title").text = clean(arrow.tooltip or "no weight", 400)
        x0, y0, x1, y1 = plan.line(arrow)
        colour, wide = ARROW, 1.2
        if arrow.size is not None:
            share = min(abs(arrow.size) / most, 1.0) if most and math.isfinite(arrow.size) else float(bool(arrow.size))
            colour = heat(abs(arrow.size), most, COOL) if heated else NEGATIVE if arrow.size < 0 else POSITIVE
            wide = THINNEST + (plan.widest - THINNEST) * share
        line = {"d": f"M{x0:.1f},{y0:.1f}L{x1:.1f},{y1:.1f}", "fill": "none"}
        SubElement(group, "path", {**line, "stroke": colour, "stroke-width": f"{wide:.2f}"})
        yield group


def _numbers(scene: Scene, plan: Plan, ids: str) -> Iterator[Element]:
    """Yield the numbers of each line, which lie over all lines."""
    for arrow in scene.arrows:
        (x0, y0), (x1, y1), part = plan.at[arrow.tail], plan.at[arrow.head], plan.part.get(arrow.tail, 0.5)
        x, y = x0 + part * (x1 - x0), y0 + part * (y1 - y0) + (0 if arrow.below else 4)
        group = Element("g", {"id": f"{ids}{arrow.id}-numbers", "class": "numbers"})
        if arrow.label:
            _text(group, arrow.label, x, y, 10.5, "weight", fill=INK)
        if arrow.below:
            _text(group, arrow.below.removeprefix("grad "), x, y + 11, 10, "gradient", fill=BACKWARD)
        yield group


def _circles(scene: Scene, plan: Plan, ids: str, heated: bool) -> Iterator[Element]:
    """Yield the group of each circle."""
    hottest = largest([box.gradient for box in scene.boxes])
    most = largest([abs(box.value) for box in scene.boxes if box.value is not None])
    for box in scene.boxes:
        x, y = plan.at[box.id]
        group = Element("g", {"id": f"{ids}{box.id}", "class": f"node {box.kind}"})
        SubElement(group, "title").text = clean(box.tooltip, 400)
        fill = box.fill or FILL[box.kind]
        if heated and box.gradient is not None:
            fill = heat(box.gradient, hottest)
        elif not plan.told and box.value is not None and not box.fill:
            fill = _signed(box.value, most)
        look = {"fill": fill, "stroke": LINE[box.kind], "stroke-width": "1.4"}
        SubElement(group, "circle", {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": f"{plan.radius:.1f}", **look})
        if plan.told:
            _told(group, box, x, y, plan.radius)
        yield group


def _told(group: Element, box: Box, x: float, y: float, radius: float) -> None:
    """Write the texts of a circle: its name above it, its number in it, gradient and bias below."""
    line = y + radius
    for kind, text in box.rows:
        if kind == "data":
            _text(group, text, x, y + 4, 11.5, kind, on_page=False, fill=inks_on(box.fill)[0] if box.fill else INK)
        elif kind == "name":
            _text(group, text, x, y - radius - 5, 12, kind, fill=INK, font_weight="bold")
        elif kind == "bias-gradient":
            _text(group, text.removeprefix("grad "), x + 3, line, 10, kind, anchor="start", fill=BACKWARD)
        else:
            line += 12.5
            colour, text = (BACKWARD, text.removeprefix("grad ")) if kind == "gradient" else (QUIET, text)
            paired = kind == "bias" and any(other == "bias-gradient" for other, _ in box.rows)
            anchor, at = ("end", x - 3) if paired else ("middle", x)
            _text(group, text, at, line, 10, kind, anchor=anchor, fill=colour)


def _signed(value: float, most: float) -> str:
    """Return the tint of an activation: white for 0, blue for the largest, orange for the smallest."""
    share = math.sqrt(min(abs(value) / most, 1.0)) if most and math.isfinite(value) else 0.0
    hue = NEGATIVE if value < 0 else POSITIVE
    return "#" + "".join([f"{round(255 + share * (int(hue[i : i + 2], 16) - 255)):02x}" for i in (1, 3, 5)])


def _text(
    parent: Element,
    text: str,
    x: float,
    y: float,
    size: float,
    kind: str,
    *,
    anchor: str = "middle",
    on_page: bool = True,
    fill: str = INK,
    **look: str,
) -> None:
    place = {"class": kind, "x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor, "font-size": f"{size:g}"}
    element = Element("text", place)
    if on_page:
        parent.append(chip(element, text, size))
    set_text(element, text, size, fill=fill, **look)
    parent.append(element)
