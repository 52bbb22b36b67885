"""`steps`: the story of a gradient, which shows itself as a drawing to step through."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

from autodiff.engine.value import Value
from autodiff.nn.module import Module
from autodiff.show.graph import viewer
from autodiff.show.graph.modules import model_of
from autodiff.show.graph.names import variables
from autodiff.show.picture.drawing import ENGINES, Engine, Level
from autodiff.show.stepper.page import fragment, framed, page
from autodiff.show.stepper.slides import animated, slides
from autodiff.show.stepper.views import View, views
from autodiff.show.story.beside import Other, mistaken
from autodiff.show.story.story import Story
from autodiff.support import files
from autodiff.support.arguments import check_choice
from autodiff.support.labels import DIGITS


class Steps(Story):
    """The story of a gradient, from the first operation to the last contribution, with its page.

    Args:
        loss: the node whose derivatives are told.
        held: the variables, by which nodes without a label are called.
        engine: what draws the graph, as in `draw`.
        fold: which modules are one box at first, as in `draw`.
        number_format: how numbers are written, as in `format`.
        beside: numbers of somebody else, which are told beside the right ones.

    Attributes:
        engine: what draws the graph.
        root: the node whose derivatives are told.
        leaves: the nodes that were not computed, in the order in which they are used.
        forward: the operations, in an order in which they can be computed.
        backward: the nodes that hand on their gradients, in the order of `backward()`.
        all_nodes: the leaves, then the operations.
        paths: by `id`, the paths of the parameters, such as ``layers.0.neurons.1.bias``, if a variable holds the model.
    """

    def __init__(
        self,
        loss: Value,
        held: Mapping[str, Any],
        engine: Engine = "auto",
        fold: Level = "auto",
        number_format: str = DIGITS,
        beside: Other | None = None,
    ) -> None:
        check_choice("engine", engine, ENGINES)
        check_choice("fold", fold, get_args(Level))
        super().__init__(loss, held, number_format, beside)
        self.engine, self._fold = engine, fold
        self._model = model_of(held.values(), self.leaves)
        if self._model is None and fold not in ("auto", "none"):
            raise ValueError(f"to fold modules, say of which model: steps(loss, model=..., fold={fold!r})")

    @cached_property
    def views(self) -> list[View]:
        """The pictures of the steps: the first, and those in which its modules are open.

        Raises:
            ValueError: if the graph is too large to be drawn.
        """
        return views(self, self._model, self._fold, self.engine)

    @property
    def html(self) -> str:
        """The steps as a page: one text that needs nothing else, neither a server nor the network.

        Raises:
            ValueError: if the graph is too large to be drawn.
        """
        return page(self, self.views)

    def show(self) -> None:
        """Open the page in the browser, from a temporary file, and print where that is.

        Raises:
            ValueError: if the graph is too large to be drawn.
        """
        viewer.show("steps.html", self.html.encode())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the steps to a file, in the format that its ending names.

        A .html is a page that opens from the file system. A .svg goes through all steps by itself. A name with
        ``{step}`` in it, such as ``s-{step}.svg``, is that of one picture for each step, from the start, step 0.

        Raises:
            ValueError: if the graph is too large to be drawn, or the name has another ending.
        """
        name = files.path_name(path)
        ending = Path(name).suffix.lower()
        if ending in (".html", ".htm"):
            files.write(name, self.html.encode())
        elif ending == ".svg" and "{step}" in Path(name).name:
            pictures = list(slides(self, self.views[0].picture))  # all are made before one is written
            for step, svg in enumerate(pictures):
                files.write(str(Path(name).with_name(Path(name).name.replace("{step}", str(step)))), svg.encode())
        elif ending == ".svg":
            files.write(name, animated(self, self.views[0].picture).encode())
        else:
            raise ValueError(
                "steps are saved as a page, such as steps.html, or as pictures, such as steps.svg, which moves, or "
                f"step-{{step}}.svg, one for each step, got {name!r}"
            )

    def _mime_(self) -> tuple[str, str]:
        """Return the page in a frame, for marimo, which runs scripts in no other place."""
        bundle = self._repr_mimebundle_()
        return ("text/html", framed(self.html)) if "text/html" in bundle else ("text/plain", bundle["text/plain"])

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        try:
            return {"text/html": fragment(self, self.views), "text/plain": str(self)}
        except (RuntimeError, ValueError) as error:
            return {"text/plain": f"{self}\n({error})"}


def steps(
    loss: Value,
    *,
    model: Module | None = None,
    fold: Level = "auto",
    engine: Engine = "auto",
    number_format: str = DIGITS,
    misconception: str | None = None,
) -> Steps:
    """Return the story of the derivatives of `loss`: each forward operation, then each step of the backward pass.

    The gradients start from 0, as after `zero_grad()`, so that the story is the same before `backward()` and after it,
    and no node is touched. Numbers are those of the forward pass, even if a leaf's data has changed since.

    >>> w, x, b = Value(3.0), Value(2.0), Value(1.0)
    >>> y = (w * x + b) ** 2
    >>> print(steps(y))
    forward
      v1  = w * x   = 3 * 2  = 6
      v2  = v1 + b  = 6 + 1  = 7
      y   = v2**2   = 7**2   = 49
    backward, from dy/dy = 1
      from  to  local derivative     incoming * local  gradient
      y     v2  2 * v2 = 2 * 7 = 14  1 * 14 = 14       dy/dv2 = 0 + 14 = 14
      v2    v1  1                    14 * 1 = 14       dy/dv1 = 0 + 14 = 14
      v2    b   1                    14 * 1 = 14       dy/db = 0 + 14 = 14
      v1    w   x = 2                14 * 2 = 28       dy/dw = 0 + 28 = 28
      v1    x   w = 3                14 * 3 = 42       dy/dx = 0 + 42 = 42

    In a notebook it shows itself as a drawing to step through, by buttons and keys: arrows, Home and End; E takes the
    way back edge by edge. `Steps.save` writes that as a page, and ``steps.html#step=7`` is a link to a step. In a large
    network, each neuron or layer is one box and one step; a click opens it, Escape closes it. Printed, or where no
    script runs, all steps are told in words.

    Args:
        loss: the node whose derivatives are told.
        model: the module that weights belong to and that may be folded; without it, the one that a variable holds
            where `steps` is called.
        fold: "none", or each use of a "neuron", a "layer" or the "model" as one box at first, as in `draw`. "auto"
            folds no more than is needed for at most 40 boxes and 120 arrows.
        engine: what draws the graph, as in `draw`.
        number_format: how numbers are written, as in `format`.
        misconception: a mistake that people make, by its name in `autodiff.mistakes.MISCONCEPTIONS`: its numbers stand
            beside the right ones, and the first that departs is marked.

    Raises:
        TypeError: if `loss` is no Value, or `model` no module.
        ValueError: if it has more than 100,000 operands in all, there is no such engine, fold or number format, no
            model to fold, or no such misconception, or it cannot be made in this graph.
    """
    held = variables(sys._getframe(1))
    if model is not None and not isinstance(model, Module):
        raise TypeError(f"model must be a Module, got {type(model).__name__}: {model!r}")
    if model is not None:
        held = {**held, "model": model}
    story = Steps(loss, held, engine, fold, number_format)
    if misconception is None:
        return story
    return Steps(loss, held, engine, fold, number_format, mistaken(loss, misconception))
