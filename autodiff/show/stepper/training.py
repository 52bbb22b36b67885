"""`training_steps`: several steps of a training, each to step through, with the walk on the error surface beside it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from autodiff.engine.arguments import named_values
from autodiff.engine.backward import toposort
from autodiff.engine.value import Value
from autodiff.nn.module import Module
from autodiff.show.graph import viewer
from autodiff.show.graph.names import variables
from autodiff.show.picture.drawing import Engine
from autodiff.show.stepper.frames import told
from autodiff.show.stepper.page import Parts, as_fragment, as_page, framed, image, live
from autodiff.show.stepper.steps import Steps
from autodiff.show.stepper.surface import CELLS, curve, surface
from autodiff.show.stepper.words import escaped
from autodiff.show.story.training import MAX_STEPS, Round, Update, is_told, loss_of, put_back, sampled, slopes
from autodiff.show.story.worked import columns
from autodiff.support import files
from autodiff.support.arguments import check_function, check_range, positive
from autodiff.support.labels import DIGITS, short

MAX_SHOWN, MAX_RESULTS = 4, 2  # parameters in a table, and results
MAX_UPDATES = 40  # of a step that are told


class TrainingSteps:
    """Steps of gradient descent: forward, backward, update, and again.

    Attributes:
        rounds: the numbers of each step; the last one is where they lead to.
        names: of the parameters.
        results: the names of the last nodes that somebody named, other than the loss.
        rate: the step size.
    """

    def __init__(
        self,
        forward: Callable[[], Value],
        parameters: list[Value],
        rate: float,
        steps: int,
        held: dict[str, Any],
        engine: Engine = "auto",
        number_format: str = DIGITS,
    ) -> None:
        self.rate, self.number_format = rate, number_format
        self.rounds: list[Round] = []
        self._forward, self._parameters = forward, parameters
        self._story = partial(Steps, held=held, engine=engine, number_format=number_format)
        self._told: dict[int, Value] = {}  # the losses of the steps that are told
        self._places: dict[tuple[Any, ...], list[int]] = {}  # of the results, by what is computed
        with put_back(parameters):
            for step in range(steps + 1):
                loss = loss_of(forward)
                if not step:
                    self._name(self._story(loss))
                numbers = tuple([parameter.data for parameter in parameters])
                updates = self._updates(loss) if step < steps else ()
                self.rounds.append(Round(step, loss.data, numbers, self._results(loss), updates))
                if is_told(step, steps):
                    self._told[step] = loss
                for parameter, update in zip(parameters, updates, strict=False):
                    parameter.data = update.after

    def _name(self, story: Steps) -> None:
        """Take the names from the story of the first step."""
        self.root = story.name(story.root)
        self.results = [s.name for s in story.forward[:-1] if story.is_named(s.node)][-MAX_RESULTS:]
        self.names = [story.name(p) if p in story else p.label or f"p{i}" for i, p in enumerate(self._parameters)]

    def _updates(self, loss: Value) -> tuple[Update, ...]:
        updates = []
        for name, parameter, slope in zip(self.names, self._parameters, slopes(loss, self._parameters), strict=True):
            updates.append(Update(name, parameter.data, slope, parameter.data - self.rate * slope))
        return tuple(updates)

    def _results(self, loss: Value) -> tuple[float, ...]:
        """Return the numbers of the results. Where the same is computed as in another step, the names are the same."""
        order, _ = toposort(loss)
        shape = tuple([(node.op, node.label) for node in order])
        if shape not in self._places:
            places = {step.name: place for place, step in enumerate(self._story(loss).forward)}
            self._places[shape] = [places[name] for name in self.results if name in places]
        return tuple([order[place].saved[0] for place in self._places[shape]])

    @cached_property
    def stories(self) -> dict[int, Steps]:
        """By the number of a step, its `Steps`: of the first ones, then of ever fewer, and of the last."""
        return {step: self._story(loss) for step, loss in self._told.items()}

    @cached_property
    def surface(self) -> str:
        """The walk as SVG: on the lines of equal error if there are two parameters, else the error by steps."""
        return self._walk(CELLS)

    def _walk(self, cells: int) -> str:
        """Return `surface`, with the error computed at so many places along each side."""
        if len(self._parameters) != 2:
            return curve(self.root, [made.loss for made in self.rounds])
        first, second = self.names
        walk = [(made.numbers[0], made.numbers[1]) for made in self.rounds]
        with put_back(self._parameters):
            error = partial(sampled, self._forward, self._parameters)
            return surface((first, second), walk, lambda x, y: error((x, y)), cells=cells)

    @property
    def html(self) -> str:
        """The training as a page: one text that needs nothing else, neither a server nor the network."""
        return as_page(f"Training by the gradient of {self.root}", self._parts)

    def show(self) -> None:
        """Open the page in the browser, from a temporary file, and print where that is."""
        viewer.show("training.html", self.html.encode())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the training as a page, which opens from the file system.

        Raises:
            ValueError: if the name does not end in .html.
        """
        name = files.path_name(path)
        if Path(name).suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"a training is saved as a page, such as training.html, got {name!r}")
        files.write(name, self.html.encode())

    @cached_property
    def told(self) -> dict[str, Any]:
        """The training as data for `training.js`: all texts ready made."""
        rounds = [
            {
                "step": step,
                "svg": story.views[0].picture.svg,
                "story": told(story, story.views),
                "cells": self._cells(step),
                "updates": self._updated(step),
                "loss": self._short(self.rounds[step].loss),
            }
            for step, story in self.stories.items()
        ]
        return {"rounds": rounds, "heads": self._heads, "surface": self.surface, "root": self.root}

    @cached_property
    def _parts(self) -> Parts:
        """The script, and what it makes live: where none runs, the walk, and the steps in words."""
        rows = [self._heads, *[self._cells(step) for step in self.stories]]
        cells = [
            [f"<{tag}>{escaped(cell)}</{tag}>" for cell in row]
            for tag, row in zip(["th", *["td"] * len(self.stories)], rows, strict=True)
        ]
        table = "".join([f"<tr>{''.join(row)}</tr>" for row in cells])
        lines = [f"<li>{escaped(line)}</li>" for line in self._in_words()]
        words = f"<table>{table}</table>\n<ul>{''.join(lines)}</ul>"
        alt = f"The walk of {', '.join(self.names[:MAX_SHOWN])} in {len(self)} steps"
        inside = f"{image(alt, self.surface)}\n{words}"
        return live(["stepper", "training"], self.told, "train(place, story, css, 'page' in place.dataset);", inside)

    def _in_words(self) -> list[str]:
        """Return each step that is told as a line."""
        lines = []
        for step in self.stories:
            updates = [
                f"new {name} = {rule} = {numbers} = {after}" for name, rule, numbers, after in self._updated(step)
            ]
            lines.append("; ".join([f"Step {step}: {self.root} = {self._short(self.rounds[step].loss)}", *updates]))
        return lines

    def _updated(self, step: int) -> list[tuple[str, ...]]:
        """Return what a step does to the parameters, of many to the first ones: (name, rule, numbers, after)."""
        updates = self.rounds[step].updates[:MAX_UPDATES]
        return [(update.name, *update.texts(self.root, self.rate, self.number_format)) for update in updates]

    def _short(self, number: float) -> str:
        return short(number, self.number_format)

    @property
    def _heads(self) -> list[str]:
        more = ["..."] if len(self.names) > MAX_SHOWN else []
        return ["step", *self.names[:MAX_SHOWN], *more, *self.results, self.root]

    def _cells(self, step: int) -> list[str]:
        made = self.rounds[step]
        more = ["..."] if len(self.names) > MAX_SHOWN else []
        numbers = [self._short(number) for number in made.numbers[:MAX_SHOWN]]
        return [str(step), *numbers, *more, *map(self._short, made.results), self._short(made.loss)]

    def _mime_(self) -> tuple[str, str]:
        """Return the page in a frame, for marimo, which runs scripts in no other place."""
        return "text/html", framed(self.html)

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        try:
            return {"text/html": as_fragment(self._parts), "text/plain": str(self)}
        except (RuntimeError, ValueError) as error:
            return {"text/plain": f"{self}\n({error})"}

    def __len__(self) -> int:
        return len(self.rounds) - 1

    def __str__(self) -> str:
        rows = [self._heads, *[self._cells(step) for step in self.stories]]
        return "\n".join(columns(rows, range(len(rows[0]))))

    def __repr__(self) -> str:
        return f"<TrainingSteps of {self.root}: {len(self)} steps of {', '.join(self.names[:MAX_SHOWN])}>"


def training_steps(
    forward: Callable[[], Value],
    parameters: Module | Iterable[Value],
    *,
    lr: float,
    steps: int = 5,
    engine: Engine = "auto",
    number_format: str = DIGITS,
) -> TrainingSteps:
    """Return steps of gradient descent to step through: forward, backward, update, and again.

    Each step computes the loss anew, its gradient, and then ``parameter - lr * gradient`` for each parameter. The
    parameters are put back to their numbers afterwards. A notebook shows the steps with the walk on the error surface.

    >>> x, t = 4.0, 1.0
    >>> w1, w2 = Value(1.5, "w1"), Value(1.0, "w2")
    >>> print(training_steps(lambda: (w2 * (w1 * x) - t) ** 2, [w1, w2], lr=0.001, steps=2))
    step       w1        w2        L
       0      1.5         1       25
       1     1.46      0.94  20.1565
       2  1.42624  0.887561   16.512

    Args:
        forward: a function without arguments that computes the loss from the parameters.
        parameters: what is moved: Values, or a module.
        lr: the step size.
        steps: how many steps, at most 1,000. The first five are told in all parts, then the 10th, 20th, 50th, ... and
            the last.
        engine: what draws the graphs, as in `draw`.
        number_format: how numbers are written, as in `format`.

    Raises:
        TypeError: if `forward` is no function or answers no Value, or `parameters` are no Values.
        ValueError: if there are no parameters, more than 1,000 steps, or a step size that is not above 0; or if a graph
            is too large to be told.
    """
    check_function("forward", forward)
    given = [value for _, value in named_values("parameters", parameters)]
    if not given:
        raise ValueError("training_steps needs at least one parameter, got none")
    positive("steps", steps)
    if steps > MAX_STEPS:
        raise ValueError(f"steps must be at most {MAX_STEPS:,}, got {steps}")
    rate = check_range("lr", lr, positive=True)
    return TrainingSteps(forward, given, rate, steps, variables(sys._getframe(1)), engine, number_format)
