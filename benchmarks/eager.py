"""The eager engine beside micrograd, in one run: time and memory of a node, and of a training step.

    python benchmarks/eager.py [--nodes 10000 100000 1000000] [--repeats 5] [--json]
    python benchmarks/eager.py --baseline PATH --repeats 15      # beside another checkout instead: see baseline.py

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
import operator
import platform
import random
import statistics
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from importlib import import_module
from itertools import pairwise
from typing import Any

import baseline
from workloads import Program, w1, w1_graph, w1_program, w2

import autodiff
from autodiff import nn

try:
    from autodiff.engine.backward import backward_pass, toposort
except ModuleNotFoundError:  # version 0.1.0, as a baseline
    from autodiff.order import walk as toposort
    from autodiff.sweep import sweep as backward_pass

ENGINES = {"autodiff": (autodiff.Value, nn.MLP)}  # and micrograd, once it is imported
PEERS = {  # other scalar engines, measured where they are installed and have the operations of W1
    "scalargrad": "Scalar",
    "propgrad.engine": "Value",
    "tinymlp.core.value": "Value",
    "learngrad.engine": "Value",
}
COLLECTORS = {"as shipped": gc.get_threshold(), "raised": (200_000, 50, 100)}


def works() -> dict[str, Callable[[], baseline.Work]]:
    """Return what `--baseline` measures: by name, the makers of works that answer a number."""

    def graph(nodes: int, collector: str = "as shipped") -> baseline.Work:
        gc.set_threshold(*COLLECTORS[collector])
        program = w1_program(nodes)
        return lambda: math.fsum([leaf.grad for leaf in w1(autodiff.Value, program)[1]])

    def forward(nodes: int) -> baseline.Work:
        gc.set_threshold(*COLLECTORS["as shipped"])
        program = w1_program(nodes)
        return lambda: w1_graph(autodiff.Value, program)[0].data

    def backward(nodes: int) -> baseline.Work:
        root, leaves = w1_graph(autodiff.Value, w1_program(nodes))

        def work() -> float:
            root.zero_grad()
            root.backward()
            return leaves[0].grad

        return work

    def walk(nodes: int) -> baseline.Work:
        root, _ = w1_graph(autodiff.Value, w1_program(nodes))
        return lambda: len(toposort(root)[0])

    def sweep(nodes: int) -> baseline.Work:
        root, leaves = w1_graph(autodiff.Value, w1_program(nodes))
        order, ends = toposort(root)

        def work() -> float:
            for leaf in leaves:
                leaf.grad = 0.0
            backward_pass(root, order, ends, None)
            return leaves[0].grad

        return work

    def large(nodes: int) -> baseline.Work:
        program = w1_program(nodes)

        def work() -> float:
            with getattr(autodiff, "large_graph", nullcontext)():
                return math.fsum([leaf.grad for leaf in w1(autodiff.Value, program)[1]])

        return work

    def small() -> float:
        x, y = autodiff.Value(1.0), autodiff.Value(2.0, label="y")
        z = (x * y + x).tanh() ** 2
        z.backward()
        return x.grad

    def second_order(nodes: int) -> baseline.Work:
        root, leaves = w1_graph(autodiff.Value, w1_program(nodes))
        return lambda: autodiff.grad(root, leaves[0]).data

    def training(**options: bool) -> baseline.Work:
        model = model_of("autodiff", **options)
        return lambda: w2(autodiff.Value, model)

    return {
        "W1, 10,000 nodes": lambda: graph(10_000),
        "W1, 100,000 nodes": lambda: graph(100_000),
        "W1, 100,000 nodes, collector raised": lambda: graph(100_000, "raised"),
        "W1, 10,000 nodes, forward alone": lambda: forward(10_000),
        "W1, 10,000 nodes, backward alone": lambda: backward(10_000),
        "W1, 2,000 nodes, gradient as a graph": lambda: second_order(2_000),
        "W1, 100,000 nodes, in large_graph()": lambda: large(100_000),
        "W1, 10,000 nodes, walk": lambda: walk(10_000),
        "W1, 10,000 nodes, sweep": lambda: sweep(10_000),
        "W2, 100 moons": training,
        "W2, spelled out in + and *": lambda: training(expand=True),
        "a graph of 6 nodes": lambda: small,
        "Value(3.0)": lambda: lambda: autodiff.Value(3.0).data,
        'Value(3.0, label="x")': lambda: lambda: autodiff.Value(3.0, label="x").data,
        "a comparison": lambda: partial(operator.lt, autodiff.Value(1.0), autodiff.Value(2.0)),
    }


def add_micrograd() -> None:
    """Take micrograd in, with the two operations of W1 that it lacks, in its own style."""
    import micrograd.engine
    import micrograd.nn

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
    ENGINES["micrograd"] = (micrograd.engine.Value, micrograd.nn.MLP)


def model_of(engine: str, **options: bool) -> Any:
    """Return the demo's model, with the same weights in each engine."""
    random.seed(1337)
    return ENGINES[engine][1](2, [16, 16, 1], **options)


def peers(nodes: int, repeats: int) -> dict[str, float | str]:
    """Return the time of W1 in each other engine over that in this one, or why there is none."""
    found: dict[str, float | str] = {}
    program = w1_program(nodes)
    expected = [leaf.grad for leaf in w1(autodiff.Value, program)[1]]
    for module, name in PEERS.items():
        try:
            value = getattr(import_module(module), name)
            slopes = [float(leaf.grad) for leaf in w1(value, program)[1]]
        except Exception as error:
            found[module] = str(error) or type(error).__name__
            continue
        if not all([math.isclose(a, b, rel_tol=1e-8, abs_tol=1e-300) for a, b in zip(slopes, expected, strict=True)]):
            found[module] = "its gradients differ"
            continue
        works = {side: (lambda v=v: w1(v, program)) for side, v in (("peer", value), ("ours", autodiff.Value))}
        seconds = turns(works, repeats, dict.fromkeys(works, 5))
        found[module] = seconds["peer"] / seconds["ours"]
    return found


def stages(nodes: int, repeats: int) -> dict[str, float]:
    """Return the nanoseconds a node of each stage of W1 in this engine: the medians."""
    program = w1_program(nodes)
    found: dict[str, list[float]] = {"build": [], "walk": [], "sweep": [], "free": []}
    for _ in range(repeats):
        gc.collect()
        times = [time.perf_counter()]
        root, leaves = w1_graph(autodiff.Value, program)
        times.append(time.perf_counter())
        order, ends = toposort(root)
        times.append(time.perf_counter())
        backward_pass(root, order, ends, None)
        times.append(time.perf_counter())
        del root, leaves, order, ends
        times.append(time.perf_counter())
        for stage, (begin, end) in zip(found.values(), pairwise(times), strict=True):
            stage.append((end - begin) / nodes * 1e9)
    return {stage: statistics.median(seconds) for stage, seconds in found.items()}


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
    add_micrograd()
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
    parts = {nodes: stages(nodes, repeats if nodes < 10**6 else min(repeats, 3)) for nodes in sizes}
    return {
        "python": platform.python_version(),
        "rows": rows,
        "bytes_a_node": memory,
        "stages": parts,
        "peers": peers(10_000, repeats),
    }


def _row(work: str, collector: str, seconds: dict[str, float], units: int, unit: str) -> dict[str, Any]:
    times = {engine: second / units * 1e6 for engine, second in seconds.items()}
    return {
        "work": work,
        "collector": collector,
        "unit": unit,
        **times,
        "ratio": times["micrograd"] / times["autodiff"],
    }


def measured(options: argparse.Namespace) -> None:
    """Print the table beside micrograd, or JSON."""
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
    for nodes, parts in figures["stages"].items():
        told = ", ".join([f"{stage} {time:,.0f}" for stage, time in parts.items()])
        print(f"W1, {nodes:,} nodes, in autodiff alone, ns a node: {told}")
    for peer, ratio in figures["peers"].items():
        print(f"W1, 10,000 nodes, {peer}: {ratio if isinstance(ratio, str) else f'{ratio:.1f}x the time of autodiff'}")


def main() -> None:
    """Measure beside micrograd, which recurses, or beside another checkout."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--baseline", metavar="PATH", help="a checkout to compare with, in place of micrograd")
    options = parser.parse_args()
    if options.baseline:
        sys.exit(baseline.report(options.baseline, "eager", options.repeats, options.json))
    sys.setrecursionlimit(10**8)
    threading.stack_size(1024**3 - 1)
    thread = threading.Thread(target=measured, args=(options,))
    thread.start()
    thread.join()


if __name__ == "__main__":
    main()
