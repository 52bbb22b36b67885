"""The picture that is stepped through: the drawing of a story, whose arrows have a turned twin for the way back.

In the SVG, each arrow is a group that holds the arrow itself, the group `turned` with the same arrow from head to tail,
hidden, and the texts `flow`, empty, for what flows there on the way back: incoming gradient x local derivative. Boxes
have room for every number that they will show.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from xml.etree import ElementTree

from autodiff.engine.value import Value
from autodiff.show.graph.formula import written
from autodiff.show.graph.modules import ModuleUse
from autodiff.show.picture.dot import dot
from autodiff.show.picture.drawing import Drawing, Engine
from autodiff.show.picture.reading import Reading
from autodiff.show.picture.scene import Box, Scene
from autodiff.show.story.records import Contribution
from autodiff.show.story.story import Story
from autodiff.support.labels import short

MAX_FLOWS = 80  # arrows that have room for a text; between more of them it is left out
MAX_LINE = 10  # characters of a flow on one line
SHORT, LONG = ".3g", ".6g"  # an arrow has room for half the digits, where nobody has chosen how many
TIP, HALF = 9.0, 3.6  # length and half the width of the head of a turned arrow, in points
UNKNOWN_NORM = "|grad| not yet"
SVG = "{http://www.w3.org/2000/svg}"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


class Picture:
    """The drawing of all story, with the gradients of the end.

    Args:
        story: the story.
        uses: the uses of modules that are one box each, with their names.
        engine: what draws the graph, as in `draw`.
    """

    def __init__(self, story: Story, uses: Mapping[ModuleUse, str] | None = None, engine: Engine = "auto") -> None:
        self.story, self.uses, self._engine = story, dict(uses or {}), engine
        self._names = {id(node): story.name(node) for node in story.all_nodes if node.op or story.is_named(node)}
        self._reading = Reading([story.root], self._names, list(self.uses), story.number_format)

    @property
    def size(self) -> tuple[int, int]:
        """How many boxes and arrows there are."""
        return self._reading.size

    @cached_property
    def drawing(self) -> Drawing:
        """The drawing, in which nodes and arrows are found."""
        scene = self._reading.scene()
        boxes = {box.id: box for box in scene.boxes}
        final, widest = {}, {}  # what boxes show at the end, and with the longest of the texts that they will show
        for use, name in self.uses.items():
            id_, gradient = self.box(use), self.module_gradient(use)
            rows = dict(boxes[id_].rows) | {"name": name, "data": self.module_value(use)}
            final[id_] = _with(boxes[id_], rows, gradient)
            widest[id_] = _with(boxes[id_], rows, max(UNKNOWN_NORM, gradient, key=len))
        texts = _gradients(self.story)
        for node in self.story.all_nodes:
            id_ = scene.box_of[id(node)]
            if boxes[id_].kind != "module":
                box, rows = self._told(node, boxes[id_])
                final[id_] = _with(box, rows, texts[id(node)][-1])
                widest[id_] = _with(box, rows, max(texts[id(node)], key=len))
        flows = self._flows(scene)
        arrows = [replace(arrow, label=flows.get(arrow.id, "")) for arrow in scene.arrows]
        room = replace(scene, boxes=[widest[box.id] for box in scene.boxes], arrows=arrows)
        shown = replace(scene, boxes=[final[box.id] for box in scene.boxes])
        return Drawing([self.story.root], shown, dot(room), self._engine, heated=False)

    @cached_property
    def svg(self) -> str:
        """The picture as SVG text."""
        root = ElementTree.fromstring(self.drawing.svg)
        for group in root.iter(f"{SVG}g"):
            if group.get("class") == "edge":
                _turn(group)
        for element in root.iter():
            element.tag = element.tag.removeprefix(SVG)
        root.set("xmlns", SVG[1:-1])
        return ElementTree.tostring(root, encoding="unicode")

    def box(self, thing: Value | ModuleUse) -> str:
        """Return the id of the group that shows a node or a use of a module, without the prefix of the drawing."""
        return self._reading.box_of(thing) if isinstance(thing, Value) else self._reading.box_ids[id(thing)]

    def arrow(self, node: Value, position: int) -> str | None:
        """Return that of the arrow into a node from its operand at a position; None if it is inside of a box."""
        found = self.drawing.edge_id(node, position)
        return found and found.removeprefix(self.drawing.prefix)

    def outputs(self, use: ModuleUse) -> list[Value]:
        """Return the nodes that a module computes for others, in the order in which they are used."""
        inside = {id(node): node for node in use.nodes}
        used = [parent for node in self._reading.nodes if id(node) not in inside for parent in node.parents]
        return list({id(node): node for node in [*used, self.story.root] if id(node) in inside}.values())

    def module_value(self, use: ModuleUse) -> str:
        """Return the number that a module computes for others, or how many there are."""
        outputs = self.outputs(use)
        return self.story.short(self.story.number(outputs[0])) if len(outputs) == 1 else f"{len(outputs)} outputs"

    def module_gradient(self, use: ModuleUse) -> str:
        """Return the norm of the gradients of a module's parameters."""
        gradients = [self.story.gradient(p) for p in use.parameters if p in self.story]
        return f"|grad| {self.story.short(math.hypot(*gradients))}"

    def _told(self, node: Value, box: Box) -> tuple[Box, dict[str, str]]:
        """Return a box with the tooltip of the story, and its rows."""
        rows = dict(box.rows) | {"data": self.story.short(self.story.number(node))}
        rows |= {"name": self.story.name(node)} if "name" in rows else {}
        words = [rows.get("name", ""), written(node, self._names), repr(self.story.number(node))]
        return replace(box, tooltip=" = ".join(filter(None, words))), rows

    def _flows(self, scene: Scene) -> dict[str, str]:
        """Return the texts that arrows need room for, by their ids; none where there are so many."""
        if len(scene.arrows) > MAX_FLOWS:
            return {}
        flows = {}
        for contribution in [c for step in self.story.backward for c in step.contributions]:
            node = contribution.node
            if self._reading.thing_of[id(node)] is node:
                lines = [f"  {line}  " for line in flow(self.story, contribution)]
                flows[scene.arrow_of[id(node), contribution.position]] = "\n".join(lines)
        return flows


def _with(box: Box, rows: dict[str, str], gradient: str) -> Box:
    return replace(box, rows=tuple((rows | {"gradient": gradient}).items()))


def flow(story: Story, contribution: Contribution) -> list[str]:
    """Return what flows through an arrow on the way back, ``4 × 2 = 8``, in two lines if it is long."""
    spec = SHORT if story.number_format == LONG else story.number_format
    incoming, local, amount = (short(x, spec) for x in (contribution.incoming, contribution.local, contribution.amount))
    product, result = f"{incoming} \u00d7 {f'({local})' if local.startswith('-') else local}", f"= {amount}"
    line = f"{product} {result}"
    return [line] if len(line) <= MAX_LINE else [product, result]


def _turn(group: ElementTree.Element) -> None:
    """Put the turned twin of an arrow into its group, and make its texts those of the flow."""
    path, head = group.find(f".//{SVG}path"), group.find(f".//{SVG}polygon")
    if path is None or head is None:
        return
    path.set("pathLength", "1")
    way = [float(number) for number in NUMBER.findall(path.get("d", ""))]
    ends = list(zip(way[::2], way[1::2], strict=True))
    x, y = ends[0]
    there = next((end for end in ends[1:] if end != ends[0]), (x + 1.0, y))
    long = math.hypot(there[0] - x, there[1] - y)
    u, v = (there[0] - x) / long, (there[1] - y) / long
    base = (x + TIP * u, y + TIP * v)
    corners = [(base[0] - HALF * v, base[1] + HALF * u), (x, y), (base[0] + HALF * v, base[1] - HALF * u)]
    tip = [float(number) for number in NUMBER.findall(head.get("points", ""))][2:4]
    ends = [base, *ends[1:]]
    curve = " ".join([f"{a:.2f},{b:.2f}" for a, b in ends[1:]])
    turned = ElementTree.SubElement(group, f"{SVG}g", {"class": "turned", "display": "none"})
    line = f"M{ends[0][0]:.2f},{ends[0][1]:.2f}C{curve}L{tip[0]:.2f},{tip[1]:.2f}"
    ElementTree.SubElement(turned, f"{SVG}path", {"d": line, "pathLength": "1"})
    points = " ".join([f"{a:.2f},{b:.2f}" for a, b in corners])
    ElementTree.SubElement(turned, f"{SVG}polygon", {"points": points})
    for text in group.iter(f"{SVG}text"):
        text.set("class", "flow")


def _gradients(story: Story) -> dict[int, list[str]]:
    """Return the texts that each box shows as its gradient in the course of the story, by `id`."""
    texts = {id(node): ["grad not yet"] for node in story.all_nodes}
    texts[id(story.root)].append("grad 1")
    for step in story.backward:
        for contribution in step.contributions:
            texts[id(contribution.parent)].append(f"grad {story.short(contribution.after)}")
    return texts
