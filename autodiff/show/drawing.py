"""`draw`: the graph of a Value as a picture."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, Literal, get_args

from autodiff import files
from autodiff.arguments import check_choice, check_flag
from autodiff.nn.module import Module
from autodiff.operands import several
from autodiff.order import walk
from autodiff.show.dot import dot
from autodiff.show.fold import LEVELS, owners
from autodiff.show.fold import fold as fold_uses
from autodiff.show.names import model_of, names_of, variables
from autodiff.show.reading import read
from autodiff.show.render import prefix, render, tidy
from autodiff.show.scene import Scene
from autodiff.show.text import check_spec
from autodiff.value import Value

MOST_BOXES = 200  # above it a drawing helps nobody, and Graphviz may take minutes
MOST_ARROWS = 600
MOST_BETWEEN = 120  # arrows between neurons; of more, they make a slab, and layers are folded
MOST_NODES = 20_000  # that are looked through for modules to fold

Level = Literal["auto", "none", "neuron", "layer", "model"]
Direction = Literal["LR", "TB"]
Engine = Literal["auto", "embedded"]
DIRECTIONS, ENGINES = get_args(Direction), get_args(Engine)


class Drawing:
    """A picture of a graph, as it was when it was drawn. A notebook shows it; `save` writes it.

    Ids of elements in the SVG, the same on every run: a drawing's prefix, then ``n0``, ``n1``, ... for the boxes in the
    order of drawing, and ``e5-0`` for the arrow of operand 0 into ``n5``. Each is a group of class ``node`` or
    ``edge``; a text in a box has the class ``name``, ``sign``, ``data``, ``gradient``, ``product`` or ``detail``.

    Attributes:
        dot: the DOT text, for Graphviz.
        prefix: what all ids in the SVG begin with.
    """

    def __init__(self, roots: Sequence[Value], scene: Scene, dot: str, engine: str, heated: bool) -> None:
        self.dot, self.prefix = dot, prefix(dot)
        self._roots, self._scene, self._engine, self._heated = (
            roots,
            scene,
            engine,
            heated,
        )  # the roots keep alive what `id` refers to

    @cached_property
    def svg(self) -> str:
        """The picture as SVG text, with nothing in it that runs or is loaded from elsewhere.

        Raises:
            RuntimeError: if Graphviz can make no picture of it.
        """
        return tidy(render(self.dot, "svg", self._engine), self._scene, self.prefix, self._heated)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture to a file, in the format that its ending names: .svg, .dot, .png or .pdf.

        Raises:
            ValueError: for another ending.
            RuntimeError: for .png and .pdf where the program `dot` is not installed.
        """
        name = files.path_name(path)
        ending = Path(name).suffix.lower()
        if ending == ".svg":
            content = self.svg.encode()
        elif ending in (".dot", ".gv"):
            content = self.dot.encode()
        elif ending in (".png", ".pdf"):
            content = render(self.dot, ending[1:], self._engine)
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
            return {"image/svg+xml": self.svg, "text/plain": repr(self)}
        except RuntimeError as error:
            return {"text/plain": f"{self!r}: {error}"}

    def __repr__(self) -> str:
        boxes, arrows = len(self._scene.boxes), len(self._scene.arrows)
        return f"<Drawing of {boxes} box{'es' * (boxes != 1)} and {arrows} arrow{'s' * (arrows != 1)}>"


def draw(
    output: Value | Iterable[Value],
    *,
    model: Module | None = None,
    fold: Level = "auto",
    expand: str | Collection[str] = (),
    heat: bool = False,
    local_derivatives: bool = False,
    number_format: str = ".6g",
    direction: Direction = "LR",
    engine: Engine = "auto",
) -> Drawing:
    """Return a drawing of the graph that `output` was computed by.

    A box is a Value: its name (the label, else the variable that holds it where `draw` is called), its number and its
    gradient, "not yet" until one has reached it; beside them the operation's sign. An arrow leads from each operand;
    ``a + a`` has two. A `dot` shows its products, each with the two operands that meet in it.

    >>> w, x = Value(3.0), Value(2.0)
    >>> y = w * x
    >>> y.backward()
    >>> draw(y)
    <Drawing of 3 boxes and 2 arrows>

    Args:
        output: a Value, or several, such as the outputs of a network.
        model: the module whose uses may be folded; without it, the one that a variable holds where `draw` is called.
        fold: "none", or each use of a "neuron", a "layer" or the "model" as one box, which shows the norm of its
            parameters' gradients. "auto" folds no more than is needed for at most 200 boxes, and for at most
            120 arrows between neurons.
        expand: the path of a module that is not folded while others are, or several: ``"layers.1"`` shows the neurons
            in that layer, ``"layers.1.neurons.0"`` what is in that neuron.
        heat: fill boxes by the size of their gradient, from white to orange for the largest; a folded module by the
            norm of its parameters' gradients.
        local_derivatives: write on each arrow the derivative of its head by its tail.
        number_format: how numbers are written, as in `format`.
        direction: "LR" from left to right, "TB" from top to bottom.
        engine: "auto" uses the program `dot` if it is installed, else the Graphviz that comes with the package;
            "embedded" always uses that one, so that the picture is the same on every machine.

    Raises:
        TypeError: if `output` is no Value, or `model` no module.
        ValueError: if the graph is too large to be drawn, with what to do; for `heat`, if there is no gradient yet; for
            options that are none.
    """
    held = variables(sys._getframe(1))
    roots = _roots(output)
    check_choice("fold", fold, ("auto", *LEVELS))
    check_choice("direction", direction, DIRECTIONS)
    check_choice("engine", engine, ENGINES)
    check_flag("heat", heat)
    check_flag("local_derivatives", local_derivatives)
    spec, paths = check_spec(number_format), [expand] if isinstance(expand, str) else several("expand", expand, "paths")
    if model is not None and not isinstance(model, Module):
        raise TypeError(f"model must be a Module, got {type(model).__name__}: {model!r}")
    order, leaves = _walk(roots)
    if heat and all(node._grad is None for node in chain(order, leaves)):
        raise ValueError("heat shows gradients, and there are none yet: call backward() on the output first")
    model = model if model is not None else model_of(held.values(), leaves)
    if model is None and (paths or fold not in ("auto", "none")):
        raise ValueError("to fold or expand modules, say of which model: draw(output, model=...)")
    size = len(order) + len(leaves)
    advice = "draw a value further inside, or fewer samples"
    if model is None or fold == "none":
        advice += ", or fold modules, with model=... and fold='auto'"
    levels = ["none"] if model is None else list(LEVELS[1 if paths else 0 :]) if fold == "auto" else [fold]
    owner = owners(model) if model is not None else {}
    boxes, arrows = size, sum(len(node.parents) for node in order)
    for level in levels:
        if size > (MOST_BOXES if level == "none" else MOST_NODES):
            continue
        uses = fold_uses(order, model, level, paths) if model is not None and level != "none" else []
        scene = read(roots, names_of(held), owner, uses, spec=spec, local_derivatives=local_derivatives)
        boxes, arrows = len(scene.boxes), len(scene.arrows)
        if fold == "auto" and level == "neuron" and arrows > MOST_BETWEEN:
            continue
        if boxes <= MOST_BOXES and arrows <= MOST_ARROWS:
            return Drawing(roots, scene, dot(scene, direction, heat), engine, heat)
    raise too_large(f"the graph has {size} nodes", boxes, arrows, advice)


def too_large(what: str, boxes: int, arrows: int, advice: str) -> ValueError:
    """Return the error that says why something is not drawn, and what to do."""
    return ValueError(
        f"{what}, which makes {boxes} boxes and {arrows} arrows: at most {MOST_BOXES} and {MOST_ARROWS} are drawn, "
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


def _walk(roots: Sequence[Value]) -> tuple[list[Value], list[Value]]:
    """Return the interior nodes of the graphs of all roots, parents first, and their leaves."""
    if len(roots) == 1:
        return walk(roots[0])
    order: dict[int, Value] = {}
    leaves: dict[int, Value] = {}
    for root in roots:
        interior, ends = walk(root)
        order.update({id(node): node for node in interior})
        leaves.update({id(node): node for node in ends})
    return list(order.values()), list(leaves.values())
