"""Small data sets, made on the spot from a seed, and how they are cut into batches.

A data set is a list of samples, a sample a pair (inputs, target): ``([4.0], 1.0)``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from autodiff.support.arguments import check_flag, check_range, finite, positive, rng_of
from autodiff.support.operands import several

Sample = tuple[list[float], Any]


def pair() -> list[Sample]:
    """Return the single sample of the 1-1-1 network: input 4, target 1.

    >>> pair()
    [([4.0], 1.0)]
    """
    return [([4.0], 1.0)]


def line(n: int = 20, slope: float = 2.0, intercept: float = 1.0, *, noise: float = 0.0, seed: int = 0) -> list[Sample]:
    """Return n samples y = slope x + intercept + noise, for x evenly from -1 to 1 and normal noise.

    >>> line(3)
    [([-1.0], -1.0), ([0.0], 1.0), ([1.0], 3.0)]
    """
    positive("n", n)
    check_range("noise", noise)
    slope, intercept = finite("slope", slope), finite("intercept", intercept)
    rng = rng_of(seed)
    xs = [-1 + 2 * i / (n - 1) if n > 1 else 0.0 for i in range(n)]
    return [([x], slope * x + intercept + rng.gauss(0, noise)) for x in xs]


def xor(classes: tuple[Any, Any] = (0, 1)) -> list[Sample]:
    """Return the four samples of the exclusive or: class 1 where exactly one input is 1.

    >>> xor()
    [([0.0, 0.0], 0), ([0.0, 1.0], 1), ([1.0, 0.0], 1), ([1.0, 1.0], 0)]
    """
    targets = _pair(classes)
    return [([float(a), float(b)], targets[a ^ b]) for a in (0, 1) for b in (0, 1)]


def moons(n: int = 100, *, noise: float = 0.1, seed: int = 0, classes: tuple[Any, Any] = (0, 1)) -> list[Sample]:
    """Return n points on two interleaved half circles of radius 1, with normal noise; half of them in each class.

    >>> [target for _, target in moons(4, classes=(-1, 1))]
    [-1, -1, 1, 1]
    """
    positive("n", n)
    targets = _pair(classes)
    first = n - n // 2
    clean = [(math.cos(t), math.sin(t), targets[0]) for t in _evenly(first, math.pi)]
    clean += [(1 - math.cos(t), 0.5 - math.sin(t), targets[1]) for t in _evenly(n - first, math.pi)]
    return _noisy(clean, noise, seed)


def circles(
    n: int = 100, *, factor: float = 0.5, noise: float = 0.05, seed: int = 0, classes: tuple[Any, Any] = (0, 1)
) -> list[Sample]:
    """Return n points on a circle of radius 1 and one of radius `factor`, with normal noise, half in each class.

    >>> len(circles(10))
    10
    """
    positive("n", n)
    factor, targets = finite("factor", factor), _pair(classes)
    first = n - n // 2
    clean = [(math.cos(t), math.sin(t), targets[0]) for t in _evenly(first, 2 * math.pi, closed=True)]
    clean += [
        (factor * math.cos(t), factor * math.sin(t), targets[1]) for t in _evenly(n - first, 2 * math.pi, closed=True)
    ]
    return _noisy(clean, noise, seed)


def spiral(
    n: int = 100, *, turns: float = 1.0, noise: float = 0.02, seed: int = 0, classes: Sequence[Any] = (0, 1)
) -> list[Sample]:
    """Return n points on as many spiral arms as there are classes, from the centre out to radius 1, with normal noise.

    >>> sorted({target for _, target in spiral(30, classes=(0, 1, 2))})
    [0, 1, 2]
    """
    positive("n", n)
    turns, classes = finite("turns", turns), several("classes", classes, "targets")
    positive("the number of classes", len(classes))
    clean = []
    for i in range(n):
        arm, place = i % len(classes), (i // len(classes) + 1) / math.ceil(n / len(classes))
        angle = 2 * math.pi * (turns * place + arm / len(classes))
        clean.append((place * math.cos(angle), place * math.sin(angle), classes[arm]))
    return _noisy(clean, noise, seed)


def batches(
    data: Sequence[Any], batch_size: int | None = None, *, shuffle: bool = True, seed: Any = 0
) -> Iterator[list[Any]]:
    """Yield the samples of one epoch in batches: all at once (None), `batch_size` at a time, or one by one (1).

    Every sample comes exactly once; the last batch holds what is left.

    >>> list(batches([1, 2, 3, 4, 5], 2, shuffle=False))
    [[1, 2], [3, 4], [5]]

    Args:
        data: the samples.
        batch_size: how many samples a batch has; None for all. Larger than the data means all.
        shuffle: whether to draw a new order.
        seed: an integer, or a `random.Random` to go on drawing from, so that each epoch has another order.

    Raises:
        ValueError: if there is no data, or the batch size is below 1.
    """
    samples = several("data", data, "samples")
    check_flag("shuffle", shuffle)
    rng = rng_of(seed)
    if not samples:
        raise ValueError("the data set is empty: give at least one sample")
    size = len(samples) if batch_size is None else batch_size
    positive("batch_size", size)
    if shuffle:
        rng.shuffle(samples)
    return (samples[i : i + size] for i in range(0, len(samples), size))


def _pair(classes: Any) -> list[Any]:
    targets = several("classes", classes, "targets")
    if len(targets) != 2:
        raise ValueError(f"classes must be two targets, got {len(targets)}: {targets!r}")
    return targets


def _evenly(n: int, end: float, *, closed: bool = False) -> list[float]:
    """Return n numbers evenly from 0 to `end`, which is left out where it is 0 again (`closed`)."""
    gaps = n if closed else max(n - 1, 1)
    return [end * i / gaps for i in range(n)]


def _noisy(points: list[tuple[float, float, Any]], noise: float, seed: int) -> list[Sample]:
    check_range("noise", noise)
    rng = rng_of(seed)
    return [([x + rng.gauss(0, noise), y + rng.gauss(0, noise)], target) for x, y, target in points]
