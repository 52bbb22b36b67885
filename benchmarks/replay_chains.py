"""W1 of `benchmarks/replay.py`: a random graph of single scalar operations, where nothing can be put side by side.

    python benchmarks/replay_chains.py 1000000 wasm      # one replay in a process of its own: seconds and bytes

A step is one gradient: eagerly, the graph is built, swept and dropped; a replay, and CasADi's function, run again.
"""

from __future__ import annotations

import gc
import json
import resource
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from replay_tasks import Result, Time, agree, median, timed
from workloads import Program, w1, w1_graph, w1_program

import autodiff
from autodiff import Value

MAX_NODES = {"micrograd": 100_000, "CasADi": 100_000, "autodiff, python": 100_000}  # beyond, they take minutes
Gradient = Callable[[], Result]


def _casadi() -> Any:
    import casadi

    return casadi


class Symbol:
    """A number of CasADi that has the operations of W1 as methods."""

    def __init__(self, of: Any) -> None:
        self.of = of

    def __add__(self, other: Symbol) -> Symbol:
        return Symbol(self.of + other.of)

    def __mul__(self, other: Symbol) -> Symbol:
        return Symbol(self.of * other.of)

    def __pow__(self, n: int) -> Symbol:
        return Symbol(self.of**n)

    def tanh(self) -> Symbol:
        """Return the hyperbolic tangent."""
        return Symbol(_casadi().tanh(self.of))

    def exp(self) -> Symbol:
        """Return the exponential."""
        return Symbol(_casadi().exp(self.of))

    def relu(self) -> Symbol:
        """Return what is above 0."""
        return Symbol(_casadi().fmax(self.of, 0.0))


def eager(value: Any, program: Program) -> Gradient:
    """Return the gradient by an eager engine: build, backward, drop."""

    def gradient() -> Result:
        root, leaves = w1(value, program)
        return root.data, np.array([leaf.grad for leaf in leaves])

    return gradient


def replayed(program: Program, backend: str) -> Gradient:
    """Return the gradient by a replay."""
    return autodiff.Replay(*w1_graph(Value, program), backend=backend).gradient


def casadi_function(program: Program) -> Gradient:
    """Return the gradient by CasADi's scalar graph and its virtual machine."""
    import casadi

    given: list[float] = []

    def leaf(x: float) -> Symbol:
        given.append(x)
        return Symbol(casadi.SX.sym(f"x{len(given)}"))

    root, leaves = w1_graph(leaf, program)
    variables = casadi.vertcat(*[x.of for x in leaves])
    function = casadi.Function("f", [variables], [root.of, casadi.gradient(root.of, variables)])
    point = casadi.DM(given)

    def gradient() -> Result:
        value, slopes = function(point)
        return float(value), np.array(slopes).ravel()

    return gradient


def race(nodes: int, repeats: int, backends: list[str], wanted: Callable[[str], bool]) -> dict[str, Any]:
    """Return the figures of W1: nanoseconds a node, and what it takes once."""
    program = w1_program(nodes)
    makers: dict[str, Callable[[], Gradient]] = {"autodiff, eager": lambda: eager(Value, program)}
    makers |= {f"autodiff, {name}": lambda name=name: replayed(program, name) for name in backends if name != "arrays"}
    makers["CasADi"] = lambda: casadi_function(program)
    makers["micrograd"] = lambda: eager(__import__("micrograd.engine").engine.Value, program)
    expected = eager(Value, program)()
    runners: dict[str, Gradient] = {}
    once: dict[str, Time] = {}
    for name, make in makers.items():
        if not wanted(name) or nodes > MAX_NODES.get(name, nodes):
            continue
        try:
            with timed() as taken:
                runners[name] = make()
        except (ImportError, ValueError) as error:
            print(f"W1: {name} is left out: {error}", file=sys.stderr)
            continue
        once[name] = taken
        loss, slopes = runners[name]()
        agree(name, (float(loss), np.array(slopes)), expected)
    times: dict[str, list[Time]] = {name: [] for name in runners}
    for _ in range(repeats):
        for name, gradient in runners.items():
            slow = name in ("autodiff, eager", "micrograd")
            gc.collect()
            count = 1 if slow else max(1, 1_000_000 // nodes)
            with timed() as taken:
                for _ in range(count):
                    gradient()
            times[name].append(taken / count)
            if slow and nodes >= 10**6 and len(times[name]) == 1:
                break
    rows = []
    for name in runners:
        row: dict[str, Any] = {"name": name, "step": vars(median(times[name])), "once": vars(once[name])}
        if name.startswith("autodiff, ") and name != "autodiff, eager":
            row |= alone(nodes, name.removeprefix("autodiff, "))
        rows.append(row)
    return {"work": f"W1, {nodes:,} operations", "samples": 1, "nodes": nodes, "rows": rows}


def alone(nodes: int, backend: str) -> dict[str, Any]:
    """Return what one replay takes in a process of its own."""
    command = [sys.executable, __file__, str(nodes), backend]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measured(nodes: int, backend: str) -> dict[str, Any]:
    """Build the graph, make its replay and take the first gradient; return bytes at the highest, and the times."""
    program = w1_program(nodes)
    before = _resident()
    with timed() as built:
        root, leaves = w1_graph(Value, program)
    with timed() as first:
        autodiff.Replay(root, leaves, backend=backend).gradient()
    return {"memory": _resident() - before, "built": vars(built), "first": vars(first)}


def _resident() -> int:
    """Return how many bytes this process had in memory at the highest."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    print(json.dumps(measured(int(sys.argv[1]), sys.argv[2])))
