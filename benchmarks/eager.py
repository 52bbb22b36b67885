"""The eager engine beside micrograd, in one run: time and memory of a node, and of a training step.

    python benchmarks/eager.py [--nodes 10000 100000 1000000] [--repeats 5] [--json]

W1 is a random graph of single scalar operations (+ * tanh exp relu and the square): build it, call backward, drop it.
micrograd gets tanh and exp here, written like its own operations. W2 is micrograd's demo as its notebook writes it: 100
moons, MLP(2, [16, 16, 1]), hinge loss and L2, full batch, gradient descent; both engines run the same lines.

Gradients are compared before any clock runs. The engines take turns, each with a clean heap; a turn runs the workload
several times over, so that micrograd, whose graphs only the collector frees, pays for the one before. Figures are
medians and only their ratios travel. Everything is measured twice: with the collector's thresholds as Python ships
them, and raised. micrograd recurses: the run lives in a thread with a large stack and a raised recursion limit.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import platform
import random
import statistics
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import micrograd.engine
import micrograd.nn
from workloads import Program, w1, w1_program, w2

import autodiff
from autodiff import nn

ENGINES = {"micrograd": (micrograd.engine.Value, micrograd.nn.MLP), "autodiff": (autodiff.Value, nn.MLP)}
COLLECTORS = {"as shipped": gc.get_threshold(), "raised": (200_000, 50, 100)}


def give_micrograd_tanh_and_exp() -> None:
    """Add the two operations of W1 that the package lacks, in its own style."""

    def tanh(self: Any) -> Any:
        t = math.tanh(self.data)
        out = micrograd.engine.Value(t, (self,), "tanh")

        def _backward() -> None:
            self.grad += (1 - t * t) * out.grad

        out._backward = _backward
        return out

    def exp(self: Any) -> Any:
        out = micrograd.engine.Value(math.exp(self.data), (self,), "exp")

        def _backward() -> None:
            self.grad += out.data * out.grad

        out._backward = _backward
        return out

    micrograd.engine.Value.tanh, micrograd.engine.Value.exp = tanh, exp


def model_of(engine: str) -> Any:
    """Return the demo's model, with the same weights in each engine."""
    random.seed(1337)
    return ENGINES[engine][1](2, [16, 16, 1])


def agree(program: Program) -> None:
    """Raise unless both engines give the same gradients on W1, and the same losses over three steps of W2."""
    slopes = {engine: [leaf.grad for leaf in w1(value, program)[1]] for engine, (value, _) in ENGINES.items()}
    for ours, theirs in zip(slopes["autodiff"], slopes["micrograd"], strict=True):
        if not math.isclose(ours, theirs, rel_tol=1e-8, abs_tol=1e-300):
            raise SystemExit(f"the engines disagree on W1: {ours} and {theirs}")
    losses = {}
    for engine, (value, _) in ENGINES.items():
        model = model_of(engine)
        losses[engine] = [w2(value, model) for _ in range(3)]
    for ours, theirs in zip(losses["autodiff"], losses["micrograd"], strict=True):
        if not math.isclose(ours, theirs, rel_tol=1e-9):
            raise SystemExit(f"the engines disagree on W2: {ours} and {theirs}")


def turns(works: dict[str, Callable[[], Any]], repeats: int, inner: dict[str, int]) -> dict[str, float]:
    """Return the median seconds of each work: the engines take turns, a turn runs its work `inner` times over."""
    seconds: dict[str, list[float]] = {engine: [] for engine in works}
    for _ in range(repeats):
        for engine, work in works.items():
            gc.collect()
            start = time.perf_counter()
            for _ in range(inner[engine]):
                work()
            seconds[engine].append((time.perf_counter() - start) / inner[engine])
    return {engine: statistics.median(times) for engine, times in seconds.items()}


def bytes_a_node(engine: str, program: Program) -> float:
    """Return the memory of a graph that is alive after backward, divided by its nodes."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    alive = w1(ENGINES[engine][0], program)
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    del alive
    return used / len(program)


def measure(sizes: list[int], repeats: int) -> dict[str, Any]:
    """Return all figures."""
    give_micrograd_tanh_and_exp()
    agree(w1_program(5_000))
    rows: list[dict[str, Any]] = []
    for collector, thresholds in COLLECTORS.items():
        gc.set_threshold(*thresholds)
        for nodes in sizes:
            program = w1_program(nodes)
            works = {engine: (lambda v=value, p=program: w1(v, p)) for engine, (value, _) in ENGINES.items()}
            several = max(1, min(5, 300_000 // nodes))
            rounds = repeats if nodes < 10**6 else min(repeats, 3)
            seconds = turns(works, rounds, dict.fromkeys(works, several))
            rows.append(_row(f"W1, {nodes:,} nodes", collector, seconds, nodes, "us a node"))
        models = {engine: model_of(engine) for engine in ENGINES}
        works = {engine: (lambda v=value, m=models[engine]: w2(v, m)) for engine, (value, _) in ENGINES.items()}
        seconds = turns(works, repeats, {"micrograd": 3, "autodiff": 10})
        rows.append(_row("W2, 100 moons", collector, seconds, 1, "us a step"))
    gc.set_threshold(*COLLECTORS["as shipped"])
    memory = {engine: bytes_a_node(engine, w1_program(10_000)) for engine in ENGINES}
    return {"python": platform.python_version(), "rows": rows, "bytes_a_node": memory}


def _row(work: str, collector: str, seconds: dict[str, float], units: int, unit: str) -> dict[str, Any]:
    times = {engine: second / units * 1e6 for engine, second in seconds.items()}
    return {
        "work": work,
        "collector": collector,
        "unit": unit,
        **times,
        "ratio": times["micrograd"] / times["autodiff"],
    }


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = measure(options.nodes, options.repeats)
    if options.json:
        print(json.dumps(figures, indent=1))
        return
    print(f"Python {figures['python']}; medians; gradients and losses agree")
    print(f"{'work':22}{'collector':12}{'unit':11}{'micrograd':>12}{'autodiff':>12}{'ratio':>8}")
    for row in figures["rows"]:
        numbers = f"{row['micrograd']:12,.2f}{row['autodiff']:12,.2f}{row['ratio']:7.1f}x"
        print(f"{row['work']:22}{row['collector']:12}{row['unit']:11}{numbers}")
    memory = figures["bytes_a_node"]
    print(f"{'W1, memory':34}{'bytes a node':11}{memory['micrograd']:11,.0f}{memory['autodiff']:12,.0f}")


if __name__ == "__main__":
    sys.setrecursionlimit(10**8)
    threading.stack_size(1024**3 - 1)
    thread = threading.Thread(target=main)
    thread.start()
    thread.join()
