"""The contestants of `benchmarks/replay.py`: the same step of descent, as each library's competent user writes it.

A contestant is made from a `Task` and answers `check()`, the loss and the gradient at the start, in the order of
`autodiff`'s parameters; and `run(steps)`, which descends. W2 and W3 differ in their data, sizes and loss alone.
"""

from __future__ import annotations

import importlib.util
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import autodiff
from autodiff import Value, nn

Result = tuple[float, np.ndarray]


@dataclass
class Task:
    """A network, its loss and its batches: each an array of inputs (samples x features) and one of targets."""

    name: str
    sizes: list[int]
    loss: str  # "hinge" with the penalty of micrograd's demo, or "cross-entropy"
    batches: list[tuple[np.ndarray, np.ndarray]]
    rate: float
    model: nn.MLP = field(init=False)
    start: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.model = nn.MLP(self.sizes[0], self.sizes[1:], init="he", seed=1)
        self.start = np.array([p.data for p in self.model.parameters()])

    @property
    def samples(self) -> int:
        """How many samples a step takes."""
        return len(self.batches[0][0])

    def matrices(self, vector: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the weights and biases of each layer, copied from a vector of parameters."""
        layers, first = [], 0
        for n, m in zip(self.sizes[:-1], self.sizes[1:], strict=True):
            block = vector[first : first + m * (n + 1)].reshape(m, n + 1)
            layers.append((block[:, :n].copy(), block[:, n].copy()))
            first += m * (n + 1)
        return layers

    def vector(self, layers: Any) -> np.ndarray:
        """Return the vector of weights and biases of each layer, given in pairs or one after the other."""
        flat = [np.asarray(x) for pair in layers for x in (pair if isinstance(pair, tuple) else (pair,))]
        blocks = [np.hstack([w, b.reshape(-1, 1)]).ravel() for w, b in zip(flat[::2], flat[1::2], strict=True)]
        return np.concatenate(blocks)


def moons() -> Task:
    """Return W2: micrograd's demo."""
    points = nn.data.moons(100, noise=0.1, seed=1, classes=(-1, 1))
    x, y = np.array([p for p, _ in points]), np.array([float(t) for _, t in points])
    return Task("W2, 100 moons, 2-16-16-1", [2, 16, 16, 1], "hinge", [(x, y)], 0.1)


def images(name: str, sizes: list[int]) -> Task:
    """Return W3: random images, batches of 32."""
    dice = np.random.default_rng(0)
    batches = [(dice.random((32, sizes[0])), np.eye(sizes[-1])[dice.integers(0, sizes[-1], 32)]) for _ in range(8)]
    return Task(name, sizes, "cross-entropy", batches, 0.01)


class Contestant:
    """What all share; `setup` is the time that making it took beyond reading its data: recording, compiling."""

    name = ""
    setup = 0.0
    fewer = 1  # how many times fewer steps it makes in a turn, if it is very slow
    samples: int | None = None  # how many samples it takes in a step, if not all

    def check(self) -> Result:
        """Return the loss and the gradient at the start."""
        raise NotImplementedError

    def run(self, steps: int) -> None:
        """Make steps of descent."""
        raise NotImplementedError


class Scalar(Contestant):
    """Scalar engines, one graph a step: micrograd, and this package's eager engine, in the same lines."""

    def __init__(self, task: Task, name: str, value: Any, model: Any, fewer: int, samples: int | None) -> None:
        self.task, self.name, self.value, self.model = task, name, value, model
        self.fewer, self.samples = fewer, samples
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


class Replayed(Contestant):
    """This package's replay, of the loop over samples (hinge) or of the graph of one sample (cross-entropy)."""

    name = "autodiff replay"

    def __init__(self, task: Task) -> None:
        self.task, self.model = task, task.model
        parameters = self.model.parameters()
        for p, number in zip(parameters, task.start.tolist(), strict=True):
            p.data = number
        begin = time.perf_counter()
        if task.loss == "hinge":
            scalar = Scalar(task, "", Value, self.model, 1, None)
            self.replay = autodiff.Replay(scalar.loss(task.batches[0], None), self.model)
            self.batches: Any = None
        else:
            n = task.sizes[0]
            x, t = [Value(0.5) for _ in range(n)], [Value(0.0) for _ in range(task.sizes[-1])]
            logits = self.model(x)
            loss = autodiff.logsumexp(logits) - autodiff.dot(t, logits)
            self.replay = autodiff.Replay(loss, self.model, inputs=x + t)
            self.batches = [np.hstack(batch) for batch in task.batches]
        self.setup = time.perf_counter() - begin
        self.optimizer = nn.SGD(parameters, lr=task.rate)

    def check(self) -> Result:
        """Return the loss and the gradient at the start."""
        return self.replay.gradient(None if self.batches is None else self.batches[0])

    def run(self, steps: int) -> None:
        """Make steps of descent."""
        if self.batches is None:
            self.replay.fit(self.optimizer, steps)
        else:
            self.replay.fit(self.optimizer, [self.batches[k % len(self.batches)] for k in range(steps)])


class ByHand(Contestant):
    """NumPy, forward and reverse written by hand."""

    name = "NumPy by hand"

    def __init__(self, task: Task) -> None:
        self.task, self.layers = task, task.matrices(task.start)

    def gradient(self, batch: tuple[np.ndarray, np.ndarray]) -> tuple[float, list[tuple[np.ndarray, np.ndarray]]]:
        """Return the loss and the gradient of each layer."""
        x, t = batch
        acts = [x]
        for k, (w, b) in enumerate(self.layers):
            z = acts[-1] @ w.T + b
            acts.append(np.maximum(z, 0.0) if k < len(self.layers) - 1 else z)
        n = len(x)
        if self.task.loss == "hinge":
            margin = 1.0 - t * acts[-1][:, 0]
            loss = np.maximum(margin, 0.0).sum() / n
            d = (-t * (margin > 0) / n)[:, None]
        else:
            z = acts[-1]
            e = np.exp(z - z.max(axis=1, keepdims=True))
            total = e.sum(axis=1, keepdims=True)
            loss = (np.log(total[:, 0]) + z.max(axis=1) - (t * z).sum(axis=1)).sum() / n
            d = (e / total - t) / n
        slopes = []
        for k in range(len(self.layers) - 1, -1, -1):
            w, b = self.layers[k]
            slopes.append((d.T @ acts[k], d.sum(axis=0)))
            if k:
                d = (d @ w) * (acts[k] > 0)
        slopes.reverse()
        if self.task.loss == "hinge":
            loss += 1e-4 * sum([(w * w).sum() + b @ b for w, b in self.layers])
            slopes = [(dw + 2e-4 * w, db + 2e-4 * b) for (dw, db), (w, b) in zip(slopes, self.layers, strict=True)]
        return float(loss), slopes

    def check(self) -> Result:
        """Return the loss and the gradient at the start."""
        loss, slopes = self.gradient(self.task.batches[0])
        return loss, self.task.vector(slopes)

    def run(self, steps: int) -> None:
        """Make steps of descent."""
        rate = self.task.rate
        for k in range(steps):
            _, slopes = self.gradient(self.task.batches[k % len(self.task.batches)])
            for (w, b), (dw, db) in zip(self.layers, slopes, strict=True):
                w -= rate * dw
                b -= rate * db


class Torch(Contestant):
    """PyTorch tensors, float64, updated in one call for all parameters."""

    def __init__(self, task: Task, threads: int) -> None:
        import torch

        self.torch, self.task, self.threads = torch, task, threads
        self.name = f"PyTorch, {threads} thread{'s' if threads > 1 else ''}"
        self.parameters = [
            torch.tensor(x, dtype=torch.float64, requires_grad=True) for pair in task.matrices(task.start) for x in pair
        ]
        self.batches = [(torch.tensor(x), torch.tensor(t)) for x, t in task.batches]

    def loss(self, batch: Any) -> Any:
        """Return the loss of a batch."""
        torch, (x, t) = self.torch, batch
        linear, relu = torch.nn.functional.linear, torch.relu
        layers = list(zip(self.parameters[::2], self.parameters[1::2], strict=True))
        for w, b in layers[:-1]:
            x = relu(linear(x, w, b))
        z = linear(x, *layers[-1])
        if self.task.loss == "hinge":
            return relu(1.0 - t * z[:, 0]).mean() + 1e-4 * sum([(p * p).sum() for p in self.parameters])
        return torch.nn.functional.cross_entropy(z, t)

    def check(self) -> Result:
        """Return the loss and the gradient at the start."""
        loss = self.loss(self.batches[0])
        slopes = self.torch.autograd.grad(loss, self.parameters)
        return loss.item(), self.task.vector([slope.numpy() for slope in slopes])

    def run(self, steps: int) -> None:
        """Make steps of descent."""
        torch = self.torch
        torch.set_num_threads(self.threads)
        for k in range(steps):
            slopes = torch.autograd.grad(self.loss(self.batches[k % len(self.batches)]), self.parameters)
            with torch.no_grad():
                torch._foreach_add_(self.parameters, slopes, alpha=-self.task.rate)


class Jax(Contestant):
    """JAX, float64: a compiled step, or many steps compiled as one scan."""

    def __init__(self, task: Task, *, scan: bool) -> None:
        import jax

        jax.config.update("jax_enable_x64", True)
        import jax.numpy as jnp

        self.jax, self.task, self.scan = jax, task, scan
        self.name = "JAX, scan over steps" if scan else "JAX, jit a step"
        self.parameters = [(jnp.asarray(w), jnp.asarray(b)) for w, b in task.matrices(task.start)]
        self.batches = [(jnp.asarray(x), jnp.asarray(t)) for x, t in task.batches]

        def loss(parameters: Any, batch: Any) -> Any:
            x, t = batch
            for w, b in parameters[:-1]:
                x = jnp.maximum(x @ w.T + b, 0.0)
            z = x @ parameters[-1][0].T + parameters[-1][1]
            if task.loss == "hinge":
                squares = sum([(w * w).sum() + (b * b).sum() for w, b in parameters])
                return jnp.maximum(1.0 - t * z[:, 0], 0.0).mean() + 1e-4 * squares
            return (jax.scipy.special.logsumexp(z, axis=1) - (t * z).sum(axis=1)).mean()

        def step(parameters: Any, batch: Any) -> Any:
            value, slopes = jax.value_and_grad(loss)(parameters, batch)
            return jax.tree.map(lambda p, g: p - task.rate * g, parameters, slopes), value

        self.value_and_grad, self.step = jax.value_and_grad(loss), jax.jit(step)
        stacked = tuple([jnp.stack(x) for x in zip(*self.batches, strict=True)])
        self.many: Callable[..., Any] = jax.jit(
            lambda parameters, steps: jax.lax.scan(
                lambda p, k: step(p, tuple([x[k % len(task.batches)] for x in stacked])), parameters, jnp.arange(steps)
            ),
            static_argnums=1,
        )
        begin = time.perf_counter()
        if not scan:
            jax.block_until_ready(self.step(self.parameters, self.batches[0]))
        self.setup = 0.0 if scan else time.perf_counter() - begin

    def check(self) -> Result:
        """Return the loss and the gradient at the start."""
        loss, slopes = self.value_and_grad(self.parameters, self.batches[0])
        return float(loss), self.task.vector(slopes)

    def run(self, steps: int) -> None:
        """Make steps of descent; the first scan of so many steps compiles."""
        begin = time.perf_counter()
        if self.scan:
            self.parameters, _ = self.jax.block_until_ready(self.many(self.parameters, steps))
            self.setup = self.setup or time.perf_counter() - begin
            return
        for k in range(steps):
            self.parameters, _ = self.step(self.parameters, self.batches[k % len(self.batches)])
        self.jax.block_until_ready(self.parameters)


def contestants(task: Task, skipped: list[str]) -> tuple[list[Contestant], list[str]]:
    """Return those whose library is installed, and the names of the libraries that are not."""
    missing = [name for name in ("micrograd", "torch", "jax") if importlib.util.find_spec(name) is None]
    absent = {*missing, *skipped}
    large = len(task.start) > 50_000
    made: list[Contestant] = []
    if "micrograd" not in absent:
        import micrograd.engine
        import micrograd.nn

        model = micrograd.nn.MLP(task.sizes[0], task.sizes[1:])
        few = None if task.loss == "hinge" else 1 if large else 4
        made.append(Scalar(task, "micrograd", micrograd.engine.Value, model, 200, few))
    eager = nn.MLP(task.sizes[0], task.sizes[1:])
    made.append(Scalar(task, "autodiff eager", Value, eager, 50, 4 if large else None))
    if "torch" not in absent:
        made += [Torch(task, 1), Torch(task, 2)]
    if "jax" not in absent:
        made += [Jax(task, scan=False), Jax(task, scan=True)]
    return [*made, ByHand(task), Replayed(task)], missing


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


def shuffled(items: list[Any], seed: int) -> list[Any]:
    """Return the items in another order, the same for the same seed."""
    return random.Random(seed).sample(items, len(items))
