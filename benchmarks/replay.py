"""Replay on each back end beside micrograd, PyTorch, JAX, CasADi, NumPy and C by hand, in one run.

    python benchmarks/replay.py [--repeats 7] [--work moons 8x8 28x28 growth chains] [--nodes 10000 100000] [--json]
        [--only autodiff JAX] [--picture table.svg] [--readme]
    python benchmarks/replay.py --figures FILE --picture table.svg --readme      # of figures that --json has printed
    python benchmarks/replay.py --baseline PATH --repeats 15      # beside another checkout: see baseline.py

W1, "chains", is a random graph of single scalar operations, the same as in `benchmarks/eager.py`. W2, "moons", is
micrograd's demo, 100 moons in full batches. W3 is a step on 32 random images of 8x8 (64-32-10) and of 28x28 pixels
(784-100-10). "growth" is W3's step over sizes of batches, layers, and numbers of layers.

Losses and gradients are compared to 1e-9 before any clock runs; all is float64, on one thread. The contestants take
turns, in another order each time. Figures are medians, of the clock and of processor time; on a machine that does
other work, only ratios of processor times of one run travel. What happens once (recording, lowering, checking,
compiling) is in a column of its own, beside what it takes to make the same replay again in the same process; nothing
comes from a cache on disk. "a call" is what a call of `fit` takes beside its steps. What is not installed is left out,
with a word; `pip install -e '.[benchmarks]'` brings all but PyTorch (`pip install torch==2.13.0`). C needs gcc.
"""

from __future__ import annotations

import os

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # read when libraries are imported
os.environ |= {"AUTODIFF_CACHE": "off", "TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1"}

import argparse
import gc
import importlib.util
import json
import platform
import random
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import baseline
import numpy as np
import replay_chains
from replay_ours import Replayed, Scalar, give_micrograd_log, options
from replay_peers import ByHand, Casadi, Jax, Tiled, Torch
from replay_picture import picture, readme
from replay_tasks import AGREE, Contestant, Task, Time, agree, growth, images, median, moons, timed
from workloads import w1_graph, w1_program

import autodiff
from autodiff import Value, nn

BACKENDS = ("auto", "llvm", "wasm", "arrays", "python")
TURN = 0.4  # seconds that a turn of a fast contestant takes, about
LARGE = 50_000  # parameters, from which scalar engines are given a few samples of a batch
TASKS: dict[str, Callable[[], list[Task]]] = {
    "moons": lambda: [moons()],
    "8x8": lambda: [images("W3, 8x8 images, 64-32-10", [64, 32, 10])],
    "28x28": lambda: [images("W3, 28x28 images, 784-100-10", [784, 100, 10])],
    "growth": growth,
}


def works() -> dict[str, Callable[[], baseline.Work]]:
    """Return what `--baseline` measures: by name, the makers of works that answer a number.

    Version 0.1.0 knows no back ends: there, each is what it has.
    """

    def chain(nodes: int, backend: str) -> baseline.Work:
        replay = autodiff.Replay(*w1_graph(autodiff.Value, w1_program(nodes)), **options(backend))
        return lambda: replay.gradient()[0]

    def chain_once(nodes: int, backend: str) -> baseline.Work:
        root, leaves = w1_graph(autodiff.Value, w1_program(nodes))
        return lambda: autodiff.Replay(root, leaves, **options(backend)).gradient()[0]

    def steps(task: str, count: int, backend: str) -> baseline.Work:
        runner = Replayed(TASKS[task]()[0], backend)

        def work() -> float:
            runner.run(count)
            return float(runner.check()[0])

        return work

    def once(task: str, backend: str) -> baseline.Work:
        return lambda: float(Replayed(TASKS[task]()[0], backend).check()[0])

    def fit() -> baseline.Work:
        data = nn.data.moons(100, noise=0.1, seed=1, classes=(-1, 1))

        def work() -> float:
            model = nn.MLP(2, [8, 1], "tanh", seed=1)
            optimizer = nn.Adam(model.parameters(), lr=0.01)
            history = nn.fit(model, data, "hinge", optimizer, 20, batch_size=20, replay=True, progress=False)
            return history.loss[-1]

        return work

    package = {"wasm": "wasmtime", "llvm": "llvmlite"}
    known = [name for name in BACKENDS if importlib.util.find_spec(package.get(name, "autodiff")) is not None]
    arrays = [name for name in known if name != "python"]
    singly = [name for name in known if name not in ("arrays", "llvm")]
    return {
        **{f"W1, 10,000 nodes, a gradient, {b}": lambda b=b: chain(10_000, b) for b in singly},
        **{f"W1, 100,000 nodes, a gradient, {b}": lambda b=b: chain(100_000, b) for b in singly},
        **{f"W1, 2,000 nodes, made, {b}": lambda b=b: chain_once(2_000, b) for b in singly},
        **{f"W2, 200 steps, {b}": lambda b=b: steps("moons", 200, b) for b in arrays},
        **{f"W2, made, {b}": lambda b=b: once("moons", b) for b in arrays},
        "W2, nn.fit, 100 steps of Adam": fit,
        **{f"W3, 8x8, 200 steps, {b}": lambda b=b: steps("8x8", 200, b) for b in arrays},
        **{f"W3, 8x8, made, {b}": lambda b=b: once("8x8", b) for b in arrays},
        **{f"W3, 28x28, 20 steps, {b}": lambda b=b: steps("28x28", 20, b) for b in arrays},
        "W3, 28x28, a call of one step": lambda: steps("28x28", 1, "auto"),
    }


def contestants(task: Task) -> dict[str, Callable[[], Contestant]]:
    """Return by name how each contestant of a task is made."""
    large, grown = len(task.start) > LARGE, not task.name.startswith("W")

    def micrograd() -> Contestant:
        import micrograd.engine
        import micrograd.nn

        give_micrograd_log()
        model = micrograd.nn.MLP(task.sizes[0], task.sizes[1:])
        few = None if task.loss == "hinge" else 1 if large else 4
        return Scalar(task, "micrograd", micrograd.engine.Value, model, few)

    def eager() -> Contestant:
        return Scalar(task, "autodiff, eager", Value, nn.MLP(task.sizes[0], task.sizes[1:]), 4 if large else None)

    slow = {} if grown else {"micrograd": micrograd, "autodiff, eager": eager}
    torch = {"PyTorch": lambda: Torch(task, compiled=False)}
    others = {"PyTorch, compile": lambda: Torch(task, compiled=True), "CasADi": lambda: Casadi(task)}
    jax = {"JAX, jit": lambda: Jax(task, scan=False), "JAX, scan": lambda: Jax(task, scan=True)}
    by_hand = {"NumPy by hand": lambda: ByHand(task)}
    tiled = {"C, tiled by hand": lambda: Tiled(task)}
    ours = {f"autodiff, {name}": lambda name=name: Replayed(task, name) for name in BACKENDS}
    if grown or large:
        del ours["autodiff, python"]  # minutes, to no one's use
    if grown:
        return {**jax, **by_hand, **ours}
    return {**slow, **torch, **others, **jax, **by_hand, **tiled, **ours}


def race(task: Task, repeats: int, wanted: Callable[[str], bool]) -> dict[str, Any]:
    """Return the figures of W2 or W3."""
    runners: list[Contestant] = []
    for name, make in contestants(task).items():
        if wanted(name):
            try:
                runners.append(make())
            except (ImportError, OSError, TypeError, ValueError) as error:
                print(f"{task.name}: {name} is left out: {error}", file=sys.stderr)
    for runner in runners:
        x, t = task.batches[0]
        loss, slopes = ByHand(task).gradient((x[: runner.samples], t[: runner.samples]))
        agree(runner.name, runner.check(), (loss, task.vector(slopes)))
    for runner in runners:
        if isinstance(runner, Replayed):
            runner.make_again()
    steps = {runner.name: _steps(runner) for runner in runners}
    times: dict[str, list[Time]] = {runner.name: [] for runner in runners}
    for turn in range(repeats):
        for runner in random.Random(turn).sample(runners, len(runners)):
            if steps[runner.name] == 1 and turn >= 3:
                continue  # seconds a turn: three are enough
            gc.collect()
            with timed() as taken:
                runner.run(steps[runner.name])
            times[runner.name].append(taken / steps[runner.name])
    rows = [_row(runner, median(times[runner.name]), task) for runner in runners]
    return {"work": task.name, "samples": task.samples, "rows": rows}


def _steps(runner: Contestant) -> int:
    """Return how many steps make a turn; a scan has so many as its first took, and is compiled for them."""
    if getattr(runner, "scan", False):
        runner.run(500)
        return 500
    runner.run(2)  # warm
    steps = 1
    while True:
        with timed() as taken:
            runner.run(steps)
        if taken.wall > TURN / 8:
            return max(1, int(steps * TURN / taken.wall))
        steps *= 4


def _row(runner: Contestant, step: Time, task: Task) -> dict[str, Any]:
    if runner.samples is not None:  # a batch of all samples takes so many times as long
        step = step / (runner.samples / task.samples)
    row: dict[str, Any] = {"name": runner.name, "step": vars(step), "memory": runner.memory}
    for name in ("once", "again"):
        if getattr(runner, name) is not None:
            row[name] = vars(getattr(runner, name))
    if isinstance(runner, Replayed):
        calls = []
        for _ in range(20):
            with timed() as taken:
                runner.run(1)
            calls.append(taken)
        row["call"] = median(calls).processor - step.processor
    return row


COLUMNS = {  # of the text: what a row has, and a factor that makes it readable; steps are of other units in W1
    "once, s": ("once", 1.0, ",.3f"),
    "again, s": ("again", 1.0, ",.3f"),
    "a call, us": ("call", 1e6, ",.0f"),
    "memory, MB": ("memory", 1e-6, ",.2f"),
    "to 1st gradient, s": ("first", 1.0, ",.3f"),
}


def table(figures: dict[str, Any]) -> str:
    """Return the figures as text: times as fast as the replay that chooses its back end, by processor time."""
    lines = [f"Python {figures['python']}, NumPy {figures['numpy']}; medians; losses and gradients agree to {AGREE:g}"]
    for work in figures["works"]:
        unit, scale = ("ns a node", 1e9 / work["nodes"]) if "nodes" in work else ("us a step", 1e6)
        titles = [f"clock, {unit}", f"processor, {unit}", "auto is", *COLUMNS]
        lines += ["", f"{work['work']:32}" + "".join([f"{title:>{len(title) + 2}}" for title in titles])]
        by_name = {row["name"]: row["step"] for row in work["rows"]}
        for row in work["rows"]:
            step, reference = row["step"], by_name.get("autodiff, auto")
            cells = [f"{step['wall'] * scale:,.1f}", f"{step['processor'] * scale:,.1f}"]
            cells.append(f"{step['processor'] / reference['processor']:,.2f}x" if reference else "")
            for key, factor, form in COLUMNS.values():
                found = row.get(key)
                found = found["processor"] if isinstance(found, dict) else found
                cells.append(format(found * factor, form) if found and found > 0 else "")
            line = "".join([f"{cell:>{len(title) + 2}}" for cell, title in zip(cells, titles, strict=True)])
            lines.append(f"  {row['name']:30}{line}".rstrip())
    return "\n".join(lines)


def measured(given: argparse.Namespace) -> None:
    """Measure, or read what was measured; print the table, JSON or the README's rows; write the picture."""
    if given.figures:
        figures = json.loads(Path(given.figures).read_text(encoding="utf-8"))
    else:
        if importlib.util.find_spec("micrograd") is not None:
            from eager import add_micrograd

            add_micrograd()

        def wanted(name: str) -> bool:
            return not given.only or name.startswith(tuple(given.only))

        tasks = [task for name in given.work if name in TASKS for task in TASKS[name]()]
        works = [race(task, given.repeats, wanted) for task in tasks]
        if "chains" in given.work:
            works += [replay_chains.race(nodes, given.repeats, list(BACKENDS), wanted) for nodes in given.nodes]
        figures = {"python": platform.python_version(), "numpy": np.__version__, "works": works}
    print(json.dumps(figures, indent=1) if given.json else readme(figures) if given.readme else table(figures))
    if given.picture:
        Path(given.picture).write_text(picture(figures), encoding="utf-8")


def main() -> None:
    """Measure beside other libraries, or beside another checkout."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--nodes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument(
        *("--work",),
        choices=[*TASKS, "chains"],
        nargs="*",
        default=["moons", "8x8", "28x28", "chains"],
        help="what to run",
    )
    parser.add_argument(
        "--only", nargs="*", metavar="NAME", help="contestants whose names begin so; micrograd takes minutes"
    )
    parser.add_argument("--json", action="store_true", help="print all figures")
    parser.add_argument("--readme", action="store_true", help="print the table of the README")
    parser.add_argument("--picture", metavar="FILE", help="write the table as an SVG")
    parser.add_argument("--figures", metavar="FILE", help="what --json has printed, in place of measuring")
    parser.add_argument("--baseline", metavar="PATH", help="a checkout to compare with, in place of other libraries")
    given = parser.parse_args()
    if given.baseline:
        sys.exit(baseline.report(given.baseline, "replay", given.repeats, given.json))
    sys.setrecursionlimit(10**8)  # micrograd recurses
    threading.stack_size(1024**3 - 1)
    thread = threading.Thread(target=measured, args=(given,))
    thread.start()
    thread.join()


if __name__ == "__main__":
    main()
