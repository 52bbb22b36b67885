"""`blame`: how much each parameter, neuron and layer of a network is responsible for the error."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from autodiff.nn.module import Module
from autodiff.show.graph.modules import owners
from autodiff.show.picture.drawing import Drawing, as_network
from autodiff.show.picture.scene import Arrow, Box, Scene
from autodiff.support.arguments import check_choice
from autodiff.support.labels import clean, short

MAX_ROWS = 20  # parameters in the printed table
HEADS = ("|gradient|", "share", "gradient x value")

Measure = Literal["gradient", "gradient_x_value"]


@dataclass(frozen=True)
class Share:
    """The responsibility of a parameter, or of the module that holds some.

    Attributes:
        path: its path in the model, such as ``layers.0.neurons.1``.
        gradient: |dL/dp|: how fast the error changes with it; of a module, the Euclidean norm over its parameters.
        gradient_x_value: p dL/dp: to first order, by how much the error would fall if p were 0; of a module, the sum.
        share: the square of `gradient` as a part of the sum of squares over all parameters, from 0 to 1.
    """

    path: str
    gradient: float
    gradient_x_value: float
    share: float


@dataclass(frozen=True)
class Blame:
    """Who is responsible for the error, as the last `backward()` left it. Printed, it is a table.

    Attributes:
        parameters: the share of each parameter, in order of definition.
        neurons: the share of each module that holds parameters itself.
        layers: the share of each module around such modules.
    """

    parameters: list[Share]
    neurons: list[Share]
    layers: list[Share]
    _columns: list[list[str]] = field(repr=False)  # the paths of the neurons, layer by layer

    def draw(self, by: Measure = "gradient") -> Drawing:
        """Return the network layer by layer, its neurons and weights tinted by their share.

        A line is a weight, from an input or a neuron to the neuron that it belongs to; the wider it is and the deeper
        its orange, the larger its `gradient` or the size of its `gradient_x_value`.

        Raises:
            ValueError: for another measure; if the model is no multilayer perceptron, with `weights` from each neuron
                of a layer to each of the next; or if it is too large to be drawn.
        """
        check_choice("by", by, get_args(Measure))
        return as_network([], _network(self, by), heat=True)

    def _tables(self) -> list[list[tuple[str, str, str, str]]]:
        """Return the tables of the layers, the neurons and the largest parameters, each with a head."""
        largest = sorted(self.parameters, key=lambda share: -share.gradient)[:MAX_ROWS]
        title = "parameter" if len(largest) == len(self.parameters) else f"largest {MAX_ROWS} parameters"
        return [
            [
                (title, *HEADS),
                *[
                    (
                        clean(row.path, 60) or "model",
                        short(row.gradient),
                        f"{row.share:.1%}",
                        short(row.gradient_x_value),
                    )
                    for row in rows
                ],
            ]
            for title, rows in (("layer", self.layers), ("neuron", self.neurons), (title, largest))
        ]

    def __str__(self) -> str:
        tables = self._tables()
        width = max([len(row[0]) for table in tables for row in table]) + 2
        return "\n\n".join(
            ["\n".join([f"{row[0]:{width}}{row[1]:>12}{row[2]:>9}{row[3]:>19}" for row in table]) for table in tables]
        )

    @property
    def _html(self) -> str:
        """The tables as one of HTML."""
        bodies = []
        for head, *rows in self._tables():
            lines = [("th", head), *[("td", row) for row in rows]]
            cells = [
                "".join(
                    [
                        f'<{tag} align="{"right" if i else "left"}">{html.escape(text)}</{tag}>'
                        for i, text in enumerate(row)
                    ]
                )
                for tag, row in lines
            ]
            bodies.append("<tbody>" + "".join([f"<tr>{line}</tr>" for line in cells]) + "</tbody>")
        return f"<table>{''.join(bodies)}</table>"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        try:
            picture = f"\n{self.draw().html}"
        except (RuntimeError, ValueError):  # no perceptron, or too large: the table says it all
            picture = ""
        return {"text/html": self._html + picture, "text/plain": str(self)}


def blame(model: Module) -> Blame:
    """Return how much each parameter, neuron and layer is responsible for the error, after `loss.backward()`.

    Two measures, both read from the gradient g = dL/dp of each parameter p:

    - |g|, of a module the norm sqrt(sum of g**2): how fast the error changes. Its square is the share of the whole.
    - g p, of a module the sum: to first order the error falls by it if p becomes 0. For a neuron on one sample it is
      dL/dz z, its local error times its pre-activation z = w.x + b, since dL/dw = dL/dz x and dL/db = dL/dz.

    >>> from autodiff import nn
    >>> model = nn.MLP(1, [1, 1], "identity", bias=False)
    >>> for weight, start in zip(model.parameters(), (1.5, 1.0)):
    ...     weight.data = start
    >>> nn.squared_error(model(4.0), 1.0).backward()
    >>> print(blame(model))
    layer                           |gradient|    share   gradient x value
    layers.0                                40    30.8%                 60
    layers.1                                60    69.2%                 60
    <BLANKLINE>
    neuron                          |gradient|    share   gradient x value
    layers.0.neurons.0                      40    30.8%                 60
    layers.1.neurons.0                      60    69.2%                 60
    <BLANKLINE>
    parameter                       |gradient|    share   gradient x value
    layers.1.neurons.0.weights.0            60    69.2%                 60
    layers.0.neurons.0.weights.0            40    30.8%                 60

    Raises:
        TypeError: if `model` is no module.
        ValueError: if it has no parameters, or none of them has a gradient yet.
    """
    if not isinstance(model, Module):
        raise TypeError(f"blame takes a Module, got {type(model).__name__}: {model!r}")
    named = list(model.named_parameters())
    if not named:
        raise ValueError(f"{type(model).__name__} has no parameters, so none is to blame")
    if all(parameter._grad is None for _, parameter in named):
        raise ValueError("there is no gradient yet: call backward() on the loss, then blame(model)")
    owner, modules = owners(model), dict(model.named_modules())
    total = math.hypot(*[parameter.grad for _, parameter in named])
    neurons: dict[str, list[tuple[float, float]]] = {}
    layers: dict[str, list[tuple[float, float]]] = {}
    columns: dict[str, dict[str, None]] = {}
    for _, parameter in named:
        path = owner[id(parameter)]
        around = path.rpartition(".")[0]
        while around not in modules:  # through lists
            around = around.rpartition(".")[0]
        columns.setdefault(around, {})[path] = None
        for table, key in ((neurons, path), (layers, around)):
            table.setdefault(key, []).append((parameter.grad, parameter.data))
    return Blame(
        [_share(name, [(parameter.grad, parameter.data)], total) for name, parameter in named],
        [_share(path, pairs, total) for path, pairs in neurons.items()],
        [_share(path, pairs, total) for path, pairs in layers.items()],
        [list(paths) for paths in columns.values()],
    )


def _share(path: str, pairs: Iterable[tuple[float, float]], total: float) -> Share:
    """Return the share of some parameters, each given as its gradient and its value."""
    pairs = list(pairs)
    gradient = math.hypot(*[g for g, _ in pairs])
    share = (gradient / total) ** 2 if total else 0.0
    return Share(path, gradient, sum([g * p for g, p in pairs]), share)


def _network(blame: Blame, by: Measure) -> Scene:
    """Return the neurons as boxes, layer by layer, and the weights as arrows."""
    scene = Scene(title=f"{by.replace('_', ' ')} of each weight and neuron")
    shares = {share.path: share for share in blame.parameters}
    neurons = {share.path: share for share in blame.neurons}
    weights = [[_weights(shares, path) for path in column] for column in blame._columns]
    before = [f"n{i}" for i in range(len(weights[0][0]))]
    scene.boxes += [Box(id_, "constant", "", (("name", f"input {i}"),)) for i, id_ in enumerate(before)]
    scene.columns.append(("", before))
    for column, of_neurons in zip(blame._columns, weights, strict=True):
        ids = []
        for path, own in zip(column, of_neurons, strict=True):
            if not own or len(own) != len(before):
                raise ValueError(
                    f"{path or 'the model'} has {len(own)} weights for {len(before)} neurons before it, so this is no "
                    "multilayer perceptron that could be drawn layer by layer: print the table"
                )
            share, id_ = neurons[path], f"n{len(scene.boxes)}"
            ids.append(id_)
            rows = (("name", _last(path)), ("data", short(getattr(share, by), ".3g")))
            scene.boxes.append(Box(id_, "module", "", rows, tooltip=_words(share), gradient=abs(getattr(share, by))))
            for i, (tail, weight) in enumerate(zip(before, own, strict=True)):
                told, size = short(getattr(weight, by), ".3g"), abs(getattr(weight, by))
                scene.arrows.append(Arrow(f"e{id_[1:]}-{i}", tail, id_, label=told, tooltip=_words(weight), size=size))
        scene.columns.append((_around(column[0]), ids))
        before = ids
    return scene


def _last(path: str) -> str:
    """Return the end of a neuron's path, which its column does not say: ``neurons.0``."""
    return clean(path.removeprefix(f"{_around(path)}.")) or "model"


def _around(path: str) -> str:
    parts = path.split(".")
    return clean(".".join(parts[:-2] if parts[-1].isdecimal() else parts[:-1]))


def _weights(shares: dict[str, Share], path: str) -> list[Share]:
    """Return the shares of the weights of a neuron, in order."""
    dotted = f"{path}.weights." if path else "weights."
    return [share for name, share in shares.items() if name.startswith(dotted)]


def _words(share: Share) -> str:
    path = clean(share.path, 200) or "model"
    return f"{path}: |gradient| {share.gradient!r}, gradient x value {share.gradient_x_value!r}"
