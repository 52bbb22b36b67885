"""This package in `benchmarks/replay.py`: eager, and replayed on each back end. micrograd runs the same eager lines."""

from __future__ import annotations

import math
from inspect import signature
from typing import Any

import numpy as np
from replay_tasks import Contestant, Result, Task, timed

import autodiff
from autodiff import Value, nn


class Scalar(Contestant):
    """Scalar engines, one graph a step: micrograd, and this package's eager engine, in the same lines."""

    def __init__(self, task: Task, name: str, value: Any, model: Any, samples: int | None) -> None:
        self.task, self.name, self.value, self.model = task, name, value, model
        self.samples = samples
        for p, number in zip(model.parameters(), task.start.tolist(), strict=True):
            p.data = number

    def loss(self, batch: tuple[np.ndarray, np.ndarray], samples: int | None) -> Any:
        """Return the loss of a batch."""
        inputs = [list(map(self.value, row)) for row in batch[0][:samples].tolist()]
        targets = batch[1][:samples].tolist()
        scores = list(map(self.model, inputs))
        if self.task.loss == "hinge":
            losses = [(1 + -y * score).relu() for y, score in zip(targets, scores, strict=True)]
            return sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in self.model.parameters())
        losses = []
        for logits, target in zip(scores, targets, strict=True):
            top = max([z.data for z in logits])
            total = sum([(z - top).exp() for z in logits]).log() + top
            losses.append(total - logits[target.index(1.0)])
        return sum(losses) * (1.0 / len(losses))

    def check(self) -> Result:
        """Return the loss and the gradient at the start; of fewer samples where there are many parameters."""
        loss = self.loss(self.task.batches[0], self.samples)
        self.model.zero_grad()
        loss.backward()
        return float(loss.data), np.array([p.grad for p in self.model.parameters()])

    def run(self, steps: int) -> None:
        """Make steps of descent."""
        for k in range(steps):
            loss = self.loss(self.task.batches[k % len(self.task.batches)], self.samples)
            self.model.zero_grad()
            loss.backward()
            for p in self.model.parameters():
                p.data -= self.task.rate * p.grad


def options(backend: str) -> dict[str, str]:
    """Return the options of a replay on a back end; none for version 0.1.0, which knows no back ends."""
    return {"backend": backend} if "backend" in signature(autodiff.Replay).parameters else {}


class Replayed(Contestant):
    """A replay, of the loop over samples (hinge) or of the graph of one sample (cross-entropy).

    Raises:
        ImportError: if the back end needs what is not installed.
        ValueError: if there is no such back end.
    """

    def __init__(self, task: Task, backend: str) -> None:
        self.task, self.model, self.name = task, task.model, f"autodiff, {backend}"
        self.options = options(backend)
        parameters = self.model.parameters()
        for p, number in zip(parameters, task.start.tolist(), strict=True):
            p.data = number
        self.batches: Any = None if task.loss == "hinge" else [np.hstack(batch) for batch in task.batches]
        with timed() as self.once:
            self.replay = self._recorded()
        self.optimizer = nn.SGD(parameters, lr=task.rate)
        self.memory = self.replay.report().memory

    def _recorded(self) -> autodiff.Replay:
        task = self.task
        if task.loss == "hinge":
            scalar = Scalar(task, "", Value, self.model, None)
            return autodiff.Replay(scalar.loss(task.batches[0], None), self.model, **self.options)
        x, t = [Value(0.5) for _ in range(task.sizes[0])], [Value(0.0) for _ in range(task.sizes[-1])]
        logits = self.model(x)
        loss = autodiff.logsumexp(logits) - autodiff.dot(t, logits)
        return autodiff.Replay(loss, self.model, inputs=x + t, **self.options)

    def make_again(self) -> None:
        """Make the same replay once more, and time it."""
        with timed() as self.again:
            self._recorded()

    def check(self) -> Result:
        """Return the loss and the gradient at the start."""
        return self.replay.gradient(None if self.batches is None else self.batches[0])

    def run(self, steps: int) -> None:
        """Make steps of descent, in one call."""
        if self.batches is None:
            self.replay.fit(self.optimizer, steps)
        else:
            self.replay.fit(self.optimizer, [self.batches[k % len(self.batches)] for k in range(steps)])


def give_micrograd_log() -> None:
    """Add the logarithm to micrograd, in its own style."""
    import micrograd.engine

    def log(self: Any) -> Any:
        out = micrograd.engine.Value(math.log(self.data), (self,), "log")

        def _backward() -> None:
            self.grad += out.grad / self.data

        out._backward = _backward
        return out

    micrograd.engine.Value.log = log
