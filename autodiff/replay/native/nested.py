"""A tape on loop nests: the program that runs it, for each number of samples a module of its own."""

from __future__ import annotations

import math
import threading
from array import array
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

from autodiff.replay.native.code import Instance, Target
from autodiff.replay.native.module import Nests, nests
from autodiff.replay.native.stepper import Stepper, filled
from autodiff.replay.native.text import text_of
from autodiff.replay.python.arrays import array_source
from autodiff.replay.rules.update import Rule
from autodiff.replay.tape.tape import Tape
from autodiff.replay.vectors import all_finite, matrix, numpy_is_here, vector

MAX_SIZES = 8  # numbers of samples that a thread has a memory for


class View(NamedTuple):
    """The memory of one thread for so many samples, as vectors; the inputs as a matrix, sample by sample."""

    instance: Instance
    undefined: Any
    parameters: Any
    inputs: Any
    gradient: Any
    loss: Any


class Nested:
    """A program on loop nests, on a target. Each thread has memories of its own.

    Raises:
        Unwritable: if an operation is no arithmetic.
    """

    operand_time = 0.001

    def __init__(self, tape: Tape, target: Target) -> None:
        self.tape, self.target, self.kind = tape, target, target.kind
        self.batched = tape.batched
        self.modules: dict[Any, Nests] = tape.written
        self.threads = threading.local()
        self._module(1)

    @cached_property
    def source(self) -> str:
        """The same program in Python, on NumPy's arrays."""
        return array_source(self.tape)[0]

    def text(self, samples: int) -> str:
        """Return its loop nests for a batch of so many samples, for people."""
        return text_of(self.tape, samples if self.batched else 1, self.target)

    @property
    def size(self) -> int:
        """How many bytes its memory has, for one sample."""
        return self._module(1).memory.size

    def _module(self, samples: int, rule: Rule | None = None, moved: tuple[int, ...] | None = None) -> Nests:
        key = self.kind, samples, rule and rule.key, moved
        if key not in self.modules:
            self.modules[key] = nests(self.tape, samples, self.target, rule, moved)
        return self.modules[key]

    def _view(self, samples: int) -> View:
        """Return the memory of this thread for so many samples."""
        views: dict[int, View] = vars(self.threads).setdefault("views", {})
        if samples not in views:
            if len(views) >= MAX_SIZES:
                del views[next(iter(views))]
            module = self._module(samples)
            instance = filled(self.target, module)
            floats: dict[str, Any] = {
                "parameters": instance.memory[module.parameters :][: 8 * self.tape.parameters].cast("d"),
                "inputs": instance.memory[module.inputs :][: 8 * module.columns * samples].cast("d"),
                "gradient": instance.memory[module.gradient :][: 8 * self.tape.parameters].cast("d"),
            }
            if numpy_is_here():
                import numpy as np

                floats = {name: np.asarray(numbers) for name, numbers in floats.items()}
                floats["inputs"] = floats["inputs"].reshape(samples, module.columns)
            loss = instance.memory[module.loss : module.loss + 8].cast("d")
            views[samples] = View(instance, instance.memory[:4].cast("i"), **floats, loss=loss)
        return views[samples]

    def stepper(self, rule: Rule, samples: int, moved: tuple[int, ...] | None) -> Stepper:
        """Return what makes steps on batches of so many samples, in this thread.

        Args:
            rule: how an optimizer moves a parameter.
            samples: how many samples a batch has.
            moved: the parameters that it moves, None if all.
        """
        steppers: dict[Any, Stepper] = vars(self.threads).setdefault("steppers", {})
        key = rule.key, samples if self.batched else 1, moved
        if key not in steppers:
            if len(steppers) >= MAX_SIZES:
                del steppers[next(iter(steppers))]
            steppers[key] = Stepper(self._module(key[1], rule, moved), self.target)
        return steppers[key]

    def batch(self, samples: Any, columns: int) -> Any:
        """Return samples as a matrix, one a row."""
        return matrix(samples, columns)

    def _run(self, name: str, values: Any, batch: Any) -> View:
        view = self._view(len(batch) if self.batched else 1)
        view.parameters[:] = values
        if isinstance(batch, list):
            columns = len(view.inputs) // len(batch)
            view.inputs[:] = array("d", [x for row in batch for x in islice(row, columns)])
        elif view.inputs.size:
            view.inputs[:] = batch[:, : view.inputs.shape[1]]
        view.instance.functions[name]()
        if view.undefined[0]:
            view.undefined[0] = 0
            view.loss[0] = math.nan
        return view

    def loss(self, values: Any, batch: Any) -> float:
        """Return the mean loss."""
        return float(self._run("forward", values, batch).loss[0])

    def gradient(self, values: Any, batch: Any) -> tuple[float, Any]:
        """Return the mean loss and gradient, in the memory of this thread; a loss of nan if either is not finite."""
        view = self._run("gradient", values, batch)
        slopes = view.gradient
        if isinstance(slopes, memoryview):
            slopes = vector(slopes)
        return view.loss[0] if all_finite(slopes) else math.nan, slopes
