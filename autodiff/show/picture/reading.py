"""A graph as a scene: which nodes have a box and what stands in it, and which arrows lead where.

It knows how people read a graph, first operands first. It knows neither DOT nor SVG nor colours.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from autodiff.engine.value import Value
from autodiff.formulas.writers import PARTIAL
from autodiff.show.graph.formula import products, written
from autodiff.show.graph.modules import ModuleUse
from autodiff.show.graph.names import name_of
from autodiff.show.graph.traversal import in_reading_order, users_of
from autodiff.show.picture.scene import Arrow, Box, Scene
from autodiff.support.labels import clean, short

MAX_TERMS = 12  # products in the box of a `dot`; with more operands they are not told apart
ALIKE = {"+", "*", "sum", "mean", "prod", "max", "min", "maximum", "minimum", "hypot", "logsumexp"}  # in any order

Thing = Value | ModuleUse  # what has a box


class Reading:
    """A graph whose boxes and arrows are counted before any is made.

    Args:
        roots: the outputs.
        names: what the nodes are called, by `id`; one that has none shows its number alone.
        uses: what is folded into one box each.
        spec: the format of numbers.
        roles: the parts that nodes play, by `id`.
        fills: the colours of their boxes, by `id`.
    """

    def __init__(
        self,
        roots: Sequence[Value],
        names: Mapping[int, str],
        uses: Sequence[ModuleUse] = (),
        spec: str = ".6g",
        roles: Mapping[int, str] | None = None,
        fills: Mapping[int, str] | None = None,
    ) -> None:
        self.roots, self.names, self.spec = roots, names, spec
        self.roles, self.fills = roles or {}, fills or {}
        self.nodes = in_reading_order(roots)
        self.users = users_of(self.nodes)
        self.thing_of: dict[int, Thing] = {id(node): use for use in uses for node in use.nodes}  # by id(node)
        self.shared = self._put_into_modules(uses)
        # a module is where its nodes are, not where its parameters are
        order = sorted(self.nodes, key=lambda node: node.op is None and id(node) in self.thing_of)
        self.first_of: dict[int, Value] = {}  # by id(thing), the node that is met first in it
        for node in order:
            self.first_of.setdefault(id(self.thing_of.setdefault(id(node), node)), node)
        self.box_ids = {thing: f"n{i}" for i, thing in enumerate(self.first_of)}  # by id(thing)

    def _put_into_modules(self, uses: Sequence[ModuleUse]) -> set[int]:
        """Give parameters that modules alone use no box of their own; return the ids of those that several share."""
        shared = set()
        for parameter in {id(parameter): parameter for use in uses for parameter in use.parameters}.values():
            users = [self.thing_of.get(id(node)) for node in self.users.get(id(parameter), ())]
            folded = {id(user): user for user in users if user is not None}
            if folded and (len(folded) == 1 or None not in users):
                self.thing_of[id(parameter)] = next(iter(folded.values()))
                if len(folded) > 1:
                    shared.add(id(parameter))  # between the uses it is no arrow
        return shared

    def box_of(self, node: Value) -> str:
        """Return the id of the box that a node is in."""
        return self.box_ids[id(self.thing_of[id(node)])]

    def _from_outside(self, node: Value) -> list[int]:
        """Return the positions of the operands of a node that come from another box."""
        head, shared = self.thing_of[id(node)], self.shared
        things = [(i, id(parent)) for i, parent in enumerate(node.parents)]
        return [i for i, key in things if self.thing_of[key] is not head and key not in shared]

    @property
    def size(self) -> tuple[int, int]:
        """How many boxes and arrows there are."""
        arrows, merged = 0, set()
        for node in self.nodes:
            thing, outside = self.thing_of[id(node)], self._from_outside(node)
            if thing is node:
                arrows += len(outside)
            else:
                merged.update({(id(thing), self.box_of(node.parents[i])) for i in outside})
        return len(self.box_ids), arrows + len(merged)

    def scene(self, local_derivatives: bool = False) -> Scene:
        """Return the boxes and arrows; on the arrows the local derivatives, if they are asked for."""
        scene = Scene(box_of={id(node): self.box_of(node) for node in self.nodes})
        numbers: dict[int, float] = {}  # of the forward pass
        for node in self.nodes:
            numbers.setdefault(id(node), node.saved[0] if node.op else node.data)
            numbers.update({id(parent): number for parent, number in node.operands if not parent.op})
        for first in self.first_of.values():
            thing = self.thing_of[id(first)]
            box = self._module_box(thing) if isinstance(thing, ModuleUse) else self._node_box(thing, numbers[id(thing)])
            scene.boxes.append(box)
        arrows: dict[str, Arrow] = {}  # into a module one leads from a box, however many operands come from there
        for node in self.nodes:
            for i, arrow in self._arrows_into(node, local_derivatives):
                arrows.setdefault(arrow.id, arrow)
                scene.arrow_of[id(node), i] = arrow.id
        scene.arrows += arrows.values()
        return scene

    def _arrows_into(self, node: Value, local_derivatives: bool) -> Iterator[tuple[int, Arrow]]:
        """Yield the arrow of each operand that comes from another box, with the operand's position."""
        outside, head = self._from_outside(node), self.box_of(node)
        tails = [self.box_of(node.parents[i]) for i in outside]
        if self.thing_of[id(node)] is not node:
            yield from [(i, Arrow(f"e{head[1:]}-{tail}", tail, head)) for i, tail in zip(outside, tails, strict=True)]
        elif outside:
            slopes, formula = node.local_derivatives(), written(node, self.names)
            _, ports = entrances(node, self.names)
            for i, tail in zip(outside, tails, strict=True):
                port, label = ports[i] if ports else None, f"{PARTIAL} {short(slopes[i], self.spec)}"
                words = f"operand {i + 1} of {formula}, local derivative {short(slopes[i], '')}"
                yield i, Arrow(f"e{head[1:]}-{i}", tail, head, port, label if local_derivatives else "", words)

    def _node_box(self, node: Value, number: float) -> Box:
        """Return the box of a node, whose number in the forward pass is `number`."""
        names, spec, gradient = self.names, self.spec, node._grad
        name, made = name_of(node, names), node.op is not None
        now = "" if number == node.data or number != number else f" (now {short(node.data, spec)})"
        label = clean(node.label, 200)
        full = [label if len(label) > len(name) else name, written(node, names), f"{number!r}{now}"]
        rows = [("name", name)] if name else []
        role = clean(self.roles.get(id(node), ""))
        rows += [("detail", role)] if role else []
        rows += [("data", short(number, spec) + now), ("gradient", _gradient(gradient, spec))]
        is_root = any(node is root for root in self.roots)
        return Box(
            self.box_of(node),
            kind=("output" if is_root else "operation") if made else "leaf" if name else "constant",
            sign=_sign(node) if made else "",
            rows=tuple(rows),
            ports=tuple(entrances(node, names)[0]) if made else (),
            tooltip=f"{' = '.join(filter(None, full))}, {_gradient(gradient, '')}",
            gradient=None if gradient is None else abs(gradient),
            fill=self.fills.get(id(node), ""),
        )

    def _module_box(self, use: ModuleUse) -> Box:
        """Return the box of a use of a module that is folded."""
        inside = {id(node) for node in use.nodes}
        users = [[user for user in self.users.get(id(node), ()) if id(user) not in inside] for node in use.nodes]
        outputs = [
            node for node, outside in zip(use.nodes, users, strict=True) if outside or id(node) not in self.users
        ]
        known = [parameter._grad for parameter in use.parameters if parameter._grad is not None]
        gradient = math.hypot(*known) if known else None
        count, path = len(use.parameters), clean(use.path, 200)
        rows = (
            ("name", clean(use.path) or use.class_name),
            ("data", short(outputs[0].data, self.spec) if len(outputs) == 1 else f"{len(outputs)} outputs"),
            ("detail", f"{count} parameter{'s' if count != 1 else ''}"),
            ("gradient", _gradient(gradient, self.spec).replace("grad", "|grad|")),
        )
        tooltip = f"{use.class_name} {path}: {len(use.nodes)} nodes; |grad| is the norm of its parameters' gradients"
        sign, id_ = use.class_name if use.path else "", self.box_ids[id(use)]
        layer = use.path.rpartition(".")[0]
        return Box(id_, "module", sign, rows, tooltip=tooltip, gradient=gradient, layer=layer)


def entrances(node: Value, names: Mapping[int, str]) -> tuple[list[str], list[int]]:
    """Return the texts of the entrances of a box, and for each operand which it takes; nothing where all are alike.

    A `dot` has its terms, weight by input, then the bias: ``w0·x0 = 6``; a difference has its two operands, in order.
    """
    count = len(node.parents)
    if count < 2 or node.op.name in ALIKE or count > 2 * MAX_TERMS + 1:
        return [], []
    called = [name_of(parent, names, 12) or short(x, ".3g") for parent, x in node.operands]
    pairs = products(node)
    if not pairs:
        return called, list(range(count))
    factors = [f"({text})" if text.startswith("-") else text for text in called]
    numbers = [x for _, x in node.operands]
    terms = [f"{factors[i]}·{factors[j]} = {short(numbers[i] * numbers[j], '.3g')}" for i, j in pairs]
    bias = range(2 * len(pairs), count)
    terms += [
        f"{called[i]} = {short(numbers[i], '.3g')}" if name_of(node.parents[i], names) else called[i] for i in bias
    ]
    return terms, [*range(len(pairs)), *range(len(pairs)), *[len(pairs) for _ in bias]]


def _sign(node: Value) -> str:
    """Return the operation's own sign, with its static arguments, as they were written: ``**2``, ``clip 0, 1``."""
    name, given = clean(node.op.name), ", ".join([short(x) for x in node.static])
    return f"{name}{given}" if name == "**" or not given else f"{name} {given}"


def _gradient(gradient: float | None, spec: str) -> str:
    return "grad not yet" if gradient is None else f"grad {short(gradient, spec)}"
