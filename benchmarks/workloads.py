"""What the benchmarks compute, in the lines that every scalar engine runs."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

from autodiff import nn

MOONS = nn.data.moons(100, noise=0.1, seed=1, classes=(-1, 1))
Program = list[tuple[str, int, int]]


def w1_program(nodes: int) -> Program:
    """Return a random program of operations on 16 values, each replacing one of them by a number from -3 to 3."""
    rng = random.Random(0)
    latest = [rng.uniform(-1, 1) for _ in range(16)]
    program: Program = []
    while len(program) < nodes:
        kind, i, j = rng.choice(["+", "*", "tanh", "exp", "relu", "square"]), rng.randrange(16), rng.randrange(16)
        x, y = latest[i], latest[j]
        results = {
            "+": x + y,
            "*": x * y,
            "tanh": math.tanh(y),
            "exp": math.exp(y),
            "relu": max(y, 0.0),
            "square": y * y,
        }
        if abs(results[kind]) < 3:
            latest[j] = results[kind]
            program.append((kind, i, j))
    return program


def w1(value: Callable[[float], Any], program: Program) -> tuple[Any, list[Any]]:
    """Build the program's graph with an engine's values, call backward; return it and its leaves."""
    root, leaves = w1_graph(value, program)
    root.backward()
    return root, leaves


def w1_graph(value: Callable[[float], Any], program: Program) -> tuple[Any, list[Any]]:
    """Build the program's graph with an engine's values and sum what is left; return it and its leaves."""
    rng = random.Random(0)
    leaves = [value(rng.uniform(-1, 1)) for _ in range(16)]
    latest = list(leaves)
    for kind, i, j in program:
        y = latest[j]
        if kind == "+":
            latest[j] = latest[i] + y
        elif kind == "*":
            latest[j] = latest[i] * y
        elif kind == "tanh":
            latest[j] = y.tanh()
        elif kind == "exp":
            latest[j] = y.exp()
        elif kind == "relu":
            latest[j] = y.relu()
        else:
            latest[j] = y**2
    root = latest[0]
    for x in latest[1:]:
        root = root + x
    return root, leaves


def w2(value: Callable[[float], Any], model: Any) -> float:
    """Make one step of micrograd's demo, in the lines of its notebook; return the loss before it."""
    inputs = [list(map(value, point)) for point, _ in MOONS]
    scores = list(map(model, inputs))
    losses = [(1 + -y * score).relu() for (_, y), score in zip(MOONS, scores, strict=True)]
    data_loss = sum(losses) * (1.0 / len(losses))
    loss = data_loss + 1e-4 * sum(p * p for p in model.parameters())
    model.zero_grad()
    loss.backward()
    for p in model.parameters():
        p.data -= 0.1 * p.grad
    return float(loss.data)
