"""`draw`: the graph of a Value as a picture."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache, cached_property
from html import escape
from itertools import chain, cycle
from pathlib import Path
from typing import Any, Literal, get_args

from autodiff.engine.value import Value
from autodiff.nn.module import Module
from autodiff.show.graph import viewer
from autodiff.show.graph.modules import ModuleUse, model_of
from autodiff.show.graph.names import names_of, shown_names, variables
from autodiff.show.graph.traversal import interior_and_leaves
from autodiff.show.picture.colours import CHOSEN, chosen
from autodiff.show.picture.dot import dot
from autodiff.show.picture.fold import LEVELS, fold as fold_modules
from autodiff.show.picture.network import network, painted
from autodiff.show.picture.reading import Reading
from autodiff.show.picture.render import render
from autodiff.show.picture.scene import Scene
from autodiff.show.picture.svg import tidy
from autodiff.show.picture.tree import tree
from autodiff.support import files, raster
from autodiff.support.arguments import check_choice, check_flag
from autodiff.support.labels import check_spec, clean
from autodiff.support.operands import several

MAX_BOXES = 200  # above it a drawing helps nobody, and Graphviz may take minutes
MAX_ARROWS = 600  # likewise
MAX_LINES = 3_000  # of a network, which has no layout to search for
MAX_BETWEEN = 120  # arrows between neurons; of more, they make a slab, and layers are folded
MAX_NODES = 20_000  # that are looked through for modules to fold
MAX_TITLE = 120  # characters
MAX_WORDS = 30  # boxes that are told to those who cannot see the picture

Level = Literal["auto", "none", "neuron", "layer", "model"]
Direction = Literal["LR", "TB"]
View = Literal["graph", "network"]
Engine = Literal["auto", "embedded"]
DIRECTIONS, ENGINES, VIEWS = get_args(Direction), get_args(Engine), get_args(View)


class Drawing:
    """A picture of a graph, as it was when it was drawn. A notebook shows it; `save` writes it.

    Ids of elements in the SVG, the same on every run: a drawing's prefix, then ``n0``, ``n1``, ... for the boxes in the
    order of drawing, and ``e5-0`` for the arrow of operand 0 into ``n5``. Each is a group of class ``node`` or
    ``edge``; a text in a box has the class ``name``, ``sign``, ``data``, ``gradient``, ``product`` or ``detail``.

    Attributes:
        dot: the DOT text, for Graphviz; of a network, its neurons as boxes.
        prefix: what all ids in the SVG begin with.
    """

    def __init__(self, roots: Sequence[Value], scene: Scene, dot: str, engine: str, heated: bool) -> None:
        self.dot, self.prefix = dot, f"d{hashlib.sha256(dot.encode()).hexdigest()[:8]}-"
        self._roots = roots  # they keep alive what `id` refers to
        self._scene, self._engine, self._heated = scene, engine, heated

    @cached_property
    def svg(self) -> str:
        """The picture as SVG text, with nothing in it that runs or is loaded from elsewhere.

        Raises:
            RuntimeError: if Graphviz can make no picture of it.
        """
        if self._scene.columns:
            return painted(self._scene, self.prefix, self._heated)
        return tidy(render(self.dot, self._engine), self._scene, self.prefix, self._heated)

    @property
    def html(self) -> str:
        """The picture as an HTML element, which also those keep who trust no SVG: the picture is in its address.

        It is never wider than its place, unless texts would be less than 5 points high; then it scrolls.
        """
        natural = re.search(r' width="([0-9.]+)"', self.svg)
        width = natural[1] if natural else ""
        address = base64.b64encode(self.svg.encode()).decode()
        look = f"max-width:100%;min-width:{0.45 * float(width):.0f}px;height:auto"
        source = f'src="data:image/svg+xml;base64,{address}"'
        image = f'<img alt="{escape(self._words)}" width="{width}" style="{look}" {source}>'
        return f'<div style="overflow-x:auto">{image}</div>'

    @property
    def _words(self) -> str:
        """What the picture is, and what stands in its boxes, for those who hear it."""
        told = [" ".join([text for _, text in box.rows]) for box in self._scene.boxes[:MAX_WORDS]]
        more = [f"and {len(self._scene.boxes) - MAX_WORDS} more"] if len(self._scene.boxes) > MAX_WORDS else []
        kind = "network" if self._scene.columns else "computation graph"
        return f"{self._scene.title or kind}: {'; '.join([*told, *more])}"

    @property
    def text(self) -> str:
        """The drawing for a terminal: each box on a line, its operands below it.

        >>> w, x = Value(3.0), Value(2.0)
        >>> y = (w * x) ** 2
        >>> y.backward()
        >>> print(draw(y).text)
        y        **2  36  grad 1
        └─ v1    *    6   grad 12
           ├─ w       3   grad 24
           └─ x       2   grad 36
        """
        return tree(self._scene)

    def show(self) -> None:
        """Open the picture in the browser, from a temporary file, and print where that is."""
        viewer.show("drawing.svg", self.svg.encode())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture to a file, in the format that its ending names: .svg, .dot, .png or .pdf.

        A .png has two pixels for each of the SVG, and a transparent ground. A .pdf keeps lines and texts; it takes the
        extra ``pdf``. Both are the same on every machine, in a font that comes with the package.

        Raises:
            ValueError: for another ending.
            RuntimeError: for .pdf, if ``pip install 'autodiff-scalar[pdf]'`` is missing.
        """
        name = files.path_name(path)
        ending = Path(name).suffix.lower()
        if ending == ".svg":
            content = self.svg.encode()
        elif ending in (".dot", ".gv"):
            content = self.dot.encode()
        elif ending == ".png":
            content = raster.png(self.svg)
        elif ending == ".pdf":
            content = raster.pdf(self.svg, self._words)
        else:
            raise ValueError(f"a drawing is saved as .svg, .dot, .png or .pdf, got {name!r}")
        files.write(name, content)

    def node_id(self, node: Value) -> str | None:
        """Return the id of the group that shows a node, or the module that it is folded into; None if none does."""
        found = self._scene.box_of.get(id(node))
        return found and self.prefix + found

    def edge_id(self, node: Value, position: int) -> str | None:
        """Return the id of the arrow into `node` from its operand at `position`; None if it is folded away."""
        found = self._scene.arrow_of.get((id(node), position))
        return found and self.prefix + found

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        try:
            return {"text/html": self.html, "image/svg+xml": self.svg, "text/plain": repr(self)}
        except RuntimeError as error:
            return {"text/plain": f"{self!r}: {error}"}

    def __repr__(self) -> str:
        boxes, arrows = len(self._scene.boxes), len(self._scene.arrows)
        return f"<Drawing of {boxes} box{'es' * (boxes != 1)} and {arrows} arrow{'s' * (arrows != 1)}>"


def draw(
    output: Value | Iterable[Value],
    *,
    view: View = "graph",
    model: Module | None = None,
    fold: Level = "auto",
    expand: str | Collection[str] = (),
    heat: bool = False,
    local_derivatives: bool = False,
    number_format: str | None = None,
    title: str = "",
    roles: Mapping[Value, str] | None = None,
    colors: Mapping[Value, str] | None = None,
    direction: Direction = "LR",
    engine: Engine = "auto",
) -> Drawing:
    """Return a drawing of the graph that `output` was computed by.

    A box is a Value: its name (the label, else the variable that holds it where `draw` is called), its number and its
    gradient, "not yet" until one has reached it; beside them the operation's sign. An arrow leads from each operand;
    ``a + a`` has two. A `dot` shows its products, each with the two operands that meet in it. In names, indices and
    powers are set as mathematics: ``w_ij``, ``w_{11}``, ``h^{(2)}``.

    >>> w, x = Value(3.0), Value(2.0)
    >>> y = w * x
    >>> y.backward()
    >>> draw(y)
    <Drawing of 3 boxes and 2 arrows>

    Lecturers say what a node is for, and what colour it has:

    >>> draw(y, title="A product", roles={w: "weight", x: "input"}, colors={y: "#ffd166"})
    <Drawing of 3 boxes and 2 arrows>

    Args:
        output: a Value, or several, such as the outputs of a network.
        view: "graph" has a box for each Value; "network" has a circle for each neuron of the model and a line for each
            weight, as wide as the weight is large, blue if it is positive and orange if it is negative. A small network
            has numbers: in each circle its activation, below it the gradient of that and the bias, on each line the
            weight and below it its gradient.
        model: the module whose uses may be folded; without it, the one that a variable holds where `draw` is called.
        fold: "none", or each use of a "neuron", a "layer" or the "model" as one box, which shows the norm of its
            parameters' gradients. "auto" folds no more than is needed for at most 200 boxes, and for at most
            120 arrows between neurons.
        expand: the path of a module that is not folded while others are, or several: ``"layers.1"`` shows the neurons
            in that layer, ``"layers.1.neurons.0"`` what is in that neuron.
        heat: fill boxes by the size of their gradient, from white to orange for the largest; a folded module by the
            norm of its parameters' gradients. In a network lines show gradients in place of weights.
        local_derivatives: write on each arrow the derivative of its head by its tail.
        number_format: how numbers are written, as in `format`: ".6g", in a network ".3g", unless you say otherwise.
        title: what stands above the picture.
        roles: what part nodes play, such as "input" or "target": it is written in their boxes, and nodes of one role
            have one colour.
        colors: the fill of nodes: one of the names that an error lists, such as "green", or hexadecimal, "#ffd166".
        direction: "LR" from left to right, "TB" from top to bottom.
        engine: "auto" uses the program `dot` if it is installed, else the Graphviz that comes with the package;
            "embedded" always uses that one, so that the picture is the same on every machine.

    Raises:
        TypeError: if `output` is no Value, or `model` no module.
        ValueError: if the graph is too large to be drawn, with what to do; for `heat`, if there is no gradient yet; for
            a network that does not run from layer to layer; for options that are none.
    """
    held = variables(sys._getframe(1))
    roots = _roots(output)
    choices = [("view", view, VIEWS), ("fold", fold, ("auto", *LEVELS)), ("direction", direction, DIRECTIONS)]
    for option, given, allowed in [*choices, ("engine", engine, ENGINES)]:
        check_choice(option, given, allowed)
    check_flag("heat", heat)
    check_flag("local_derivatives", local_derivatives)
    spec = (".3g" if view == "network" else ".6g") if number_format is None else check_spec(number_format)
    paths = [expand] if isinstance(expand, str) else several("expand", expand, "paths")
    if model is not None and not isinstance(model, Module):
        raise TypeError(f"model must be a Module, got {type(model).__name__}: {model!r}")
    if not isinstance(title, str):
        raise TypeError(f"title must be a text, got {type(title).__name__}: {title!r}")
    order, leaves = interior_and_leaves(roots)
    if heat and all(node._grad is None for node in chain(order, leaves)):
        raise ValueError("heat shows gradients, and there are none yet: call backward() on the output first")
    model = model if model is not None else model_of(held.values(), leaves)
    if model is None and (paths or fold not in ("auto", "none") or view == "network"):
        raise ValueError("to fold or expand modules, or to see a network, say of which model: draw(output, model=...)")
    parts, fills = _chosen({id(node) for node in chain(order, leaves)}, roles, colors)
    if view == "network" and model is not None:
        if (fold, paths, local_derivatives, direction) != ("auto", [], False, "LR"):
            raise ValueError("fold, expand, local_derivatives and direction are of the view 'graph', not of a network")
        found = network(roots, order, model, names_of(held), spec, heat, parts, fills)
        return as_network(roots, found, heat, clean(title, MAX_TITLE))
    names = cache(lambda: shown_names(roots, order, held, model))  # of a graph that is too large none are asked for

    def build(uses: list[ModuleUse]) -> Reading:
        return Reading(roots, names(), uses, spec, parts, fills)

    scene = _readable(order, leaves, model, fold, paths, build).scene(local_derivatives)
    scene.title = clean(title, MAX_TITLE)
    return Drawing(roots, scene, dot(scene, direction, heat), engine, heat)


def as_network(roots: Sequence[Value], scene: Scene, heat: bool, title: str = "") -> Drawing:
    """Return the drawing of a network.

    Raises:
        ValueError: if it is too large to be drawn.
    """
    if len(scene.boxes) > MAX_BOXES or len(scene.arrows) > MAX_LINES:
        raise too_large("the network is large", len(scene.boxes), len(scene.arrows), "print blame(model)", MAX_LINES)
    scene.title = title or scene.title
    return Drawing(roots, scene, dot(scene, heated=heat), "auto", heat)


def _chosen(
    nodes: Collection[int], roles: Mapping[Value, str] | None, colors: Mapping[Value, str] | None
) -> tuple[dict[int, str], dict[int, str]]:
    """Return the roles and the colours that were chosen, by the `id` of the node; a role has a colour of its own."""
    for option, given in (("roles", roles), ("colors", colors)):
        if given is not None and not isinstance(given, Mapping):
            raise TypeError(f"{option} says something of each of some nodes, {{node: text}}, got {given!r}")
        for node, text in (given or {}).items():
            if not isinstance(node, Value) or not isinstance(text, str):
                raise TypeError(
                    f"{option} says something of each of some nodes, {{node: text}}, got {node!r}: {text!r}"
                )
            if id(node) not in nodes:
                raise ValueError(f"{option} names {node!r}, which is no node of what is drawn")
    parts = {id(node): role for node, role in (roles or {}).items()}
    tints = dict(zip(dict.fromkeys(parts.values()), cycle(list(CHOSEN)[:6]), strict=False))
    fills = {key: CHOSEN[tints[role]] for key, role in parts.items()}
    return parts, fills | {id(node): chosen(colour) for node, colour in (colors or {}).items()}


def _readable(
    order: Sequence[Value],
    leaves: Sequence[Value],
    model: Module | None,
    level: Level,
    expand: Collection[str],
    read: Callable[[list[ModuleUse]], Reading],
) -> Reading:
    """Return the first reading of a graph that is small enough to be drawn, with no more folded than that takes."""
    size, operands = len(order) + len(leaves), sum([len(node.parents) for node in order])
    boxes, arrows = size, operands  # of all scalars
    for fold in ["none"] if model is None else LEVELS[1 if expand else 0 :] if level == "auto" else [level]:
        if size > MAX_NODES or (fold == "none" and (size > MAX_BOXES or operands > MAX_ARROWS)):
            continue
        reading = read([] if model is None or fold == "none" else fold_modules(order, model, fold, expand))
        boxes, arrows = reading.size
        slab = level == "auto" and fold == "neuron" and arrows > MAX_BETWEEN
        if boxes <= MAX_BOXES and arrows <= MAX_ARROWS and not slab:
            return reading
    advice = "draw a value further inside, or fewer samples"
    if model is None or level == "none":
        advice += ", or fold modules, with model=... and fold='auto'"
    raise too_large(f"the graph has {size} nodes", boxes, arrows, advice)


def too_large(what: str, boxes: int, arrows: int, advice: str, most: int = MAX_ARROWS) -> ValueError:
    """Return the error that says why something is not drawn, and what to do."""
    return ValueError(
        f"{what}, which makes {boxes} boxes and {arrows} arrows: at most {MAX_BOXES} and {most} are drawn, "
        f"since nobody can read more; {advice}"
    )


def _roots(output: Any) -> list[Value]:
    roots = [output] if isinstance(output, Value) or not isinstance(output, Iterable) else list(output)
    for root in roots:
        if not isinstance(root, Value):
            raise TypeError(f"draw takes a Value or several, got {type(root).__name__}: {root!r}")
    if not roots:
        raise ValueError("draw needs at least one Value, got none")
    return roots
