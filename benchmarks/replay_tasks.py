"""What the contestants of `benchmarks/replay.py` compute: networks, losses, batches, and who takes part in what.

A contestant is made from a `Task` and answers `check()`, the loss and the gradient at the start, in the order of
`autodiff`'s parameters; and `run(steps)`, which descends. Tasks differ in their data, sizes and loss alone.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autodiff import nn

AGREE = 1e-9  # relative, of a loss, and of a gradient to the largest number in it
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


def images(name: str, sizes: list[int], batch: int = 32) -> Task:
    """Return W3: random images in batches."""
    rng = np.random.default_rng(0)
    count = max(1, 256 // batch)
    batches = [
        (rng.random((batch, sizes[0])), np.eye(sizes[-1])[rng.integers(0, sizes[-1], batch)]) for _ in range(count)
    ]
    return Task(name, sizes, "cross-entropy", batches, 0.01)


def growth() -> list[Task]:
    """Return networks of one number that grows: of the samples of a batch, of a layer's width, of layers."""
    made = [images(f"batches of {n:,}, 64-32-10", [64, 32, 10], n) for n in (1, 8, 64, 512, 4096)]
    made += [images(f"width {w}, 64-{w}-{w}-10", [64, w, w, 10]) for w in (8, 32, 128, 512)]
    made += [images(f"depth {d}, 16-{d}x16-10", [16, *[16] * d, 10]) for d in (1, 4, 16, 64)]
    return made


@dataclass
class Time:
    """Seconds by the clock, and seconds of processor time of all threads."""

    wall: float = 0.0
    processor: float = 0.0

    def __truediv__(self, n: float) -> Time:
        return Time(self.wall / n, self.processor / n)


@contextmanager
def timed() -> Iterator[Time]:
    """Measure what is done in the `with` block."""
    time_taken = Time()
    wall, processor = time.perf_counter(), time.process_time()
    yield time_taken
    time_taken.processor = time.process_time() - processor
    time_taken.wall = time.perf_counter() - wall


def median(times: list[Time]) -> Time:
    """Return the median of each kind of time."""
    return Time(statistics.median([t.wall for t in times]), statistics.median([t.processor for t in times]))


class Contestant:
    """What all share.

    Attributes:
        name: what tables call it.
        once: what making it took beyond reading its data: recording, compiling.
        again: what making it again takes in the same process, if it is another one.
        memory: bytes of its numbers, if it tells.
        samples: how many samples it takes in a step, if not all.
    """

    name = ""
    once: Time | None = None
    again: Time | None = None
    memory: int | None = None
    samples: int | None = None

    def check(self) -> Result:
        """Return the loss and the gradient at the start."""
        raise NotImplementedError("each library says how")

    def run(self, steps: int) -> None:
        """Make steps of descent."""
        raise NotImplementedError("each library says how")


def agree(name: str, result: Result, expected: Result) -> None:
    """Stop unless a loss and its gradient are what they should be."""
    scale = float(np.abs(expected[1]).max())
    worst = float(np.abs(result[1] - expected[1]).max())
    if not math.isclose(result[0], expected[0], rel_tol=AGREE) or not worst <= AGREE * scale:
        raise SystemExit(f"{name} disagrees: loss {result[0]!r} for {expected[0]!r}, gradients differ by {worst:g}")
