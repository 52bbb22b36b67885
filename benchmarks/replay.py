"""Replay beside micrograd, PyTorch, JAX and NumPy by hand, in one run.

    python benchmarks/replay.py [--repeats 7] [--work moons 8x8 28x28] [--nodes 10000 100000] [--json]
        [--skip micrograd torch jax] [--picture table.svg]

W1 is a random graph of single scalar operations, the same as in `benchmarks/eager.py`: a step is one gradient, eagerly
(build, backward, free) and replayed. W2 is micrograd's demo, 100 moons in full batches. W3 is a step
on 32 random images of 8x8 (64-32-10) and of 28x28 pixels (784-100-10).

Losses and gradients are compared to 1e-9 before any clock runs; all is float64. The contestants take turns, in another
order each time; figures are medians and only their ratios travel. What happens once is in a column of its own:
recording and lowering of a replay, compilation of JAX. A library that is not installed is left out, with a word;
`pip install -e '.[benchmarks]'` brings all but PyTorch (`pip install torch==2.13.0`). The matrix products of NumPy run
on one thread: two pay off only for larger ones.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy is imported

import argparse
import gc
import json
import math
import platform
import statistics
import sys
import threading
import time
from typing import Any

import numpy as np
from replay_peers import ByHand, Contestant, Task, contestants, give_micrograd_log, images, moons, shuffled
from replay_picture import picture
from workloads import w1, w1_program

import autodiff

AGREE = 1e-9
TURN = 1.0  # seconds that a turn of a fast contestant takes, about
TASKS = {
    "moons": moons,
    "8x8": lambda: images("W3, 8x8 images, 64-32-10", [64, 32, 10]),
    "28x28": lambda: images("W3, 28x28 images, 784-100-10", [784, 100, 10]),
}


def w1_row(nodes: int, repeats: int) -> dict[str, Any]:
    """Return the figures of W1."""
    program = w1_program(nodes)
    root, leaves = w1(autodiff.Value, program)
    begin = time.perf_counter()
    replay = autodiff.Replay(root, leaves)
    setup = time.perf_counter() - begin
    loss, gradient = replay.gradient()
    expected = [leaf.grad for leaf in leaves]
    agree("autodiff replay", (loss, np.array(gradient)), (root.data, np.array(expected)))
    del root, leaves
    eager, replayed = [], []
    for _ in range(repeats):
        gc.collect()
        begin = time.perf_counter()
        w1(autodiff.Value, program)
        eager.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        for _ in range(5):
            replay.gradient()
        replayed.append((time.perf_counter() - begin) / 5)
    times = {"autodiff eager": statistics.median(eager), "autodiff replay": statistics.median(replayed)}
    rows = [
        _row(name, second, 0.0 if "eager" in name else setup, times["autodiff replay"])
        for name, second in times.items()
    ]
    return {"work": f"W1, {nodes:,} operations", "samples": 1, "rows": rows}


def agree(name: str, result: tuple[float, np.ndarray], expected: tuple[float, np.ndarray]) -> None:
    """Stop unless a loss and its gradient are what they should be."""
    scale = float(np.abs(expected[1]).max())
    worst = float(np.abs(result[1] - expected[1]).max())
    if not math.isclose(result[0], expected[0], rel_tol=AGREE) or not worst <= AGREE * scale:
        raise SystemExit(f"{name} disagrees: loss {result[0]!r} for {expected[0]!r}, gradients differ by {worst:g}")


def race(task: Task, repeats: int, skipped: list[str]) -> dict[str, Any]:
    """Return the figures of W2 or W3."""
    runners, missing = contestants(task, skipped)
    for name in missing:
        print(f"{task.name}: {name} is not installed, and left out", file=sys.stderr)
    for runner in runners:
        x, t = task.batches[0]
        loss, slopes = ByHand(task).gradient((x[: runner.samples], t[: runner.samples]))
        agree(runner.name, runner.check(), (loss, task.vector(slopes)))
    steps = {runner.name: _steps(runner) for runner in runners}
    seconds: dict[str, list[float]] = {runner.name: [] for runner in runners}
    for turn in range(repeats):
        for runner in shuffled(runners, turn):
            if steps[runner.name] == 1 and turn >= 3:
                continue  # minutes a turn: three are enough
            gc.collect()
            begin = time.perf_counter()
            runner.run(steps[runner.name])
            seconds[runner.name].append((time.perf_counter() - begin) / steps[runner.name])
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    for runner in runners:
        if runner.samples is not None:  # a batch of all samples takes so many times as long
            medians[runner.name] *= task.samples / runner.samples
    rows = [_row(r.name, medians[r.name], r.setup, medians["autodiff replay"]) for r in runners]
    return {"work": task.name, "samples": task.samples, "rows": rows}


def _steps(runner: Contestant) -> int:
    """Return how many steps make a turn of a fifth of a second; a scan has 500, and is compiled for them."""
    if getattr(runner, "scan", False):
        runner.run(500)
        return 500
    runner.run(2)  # warm
    steps = 1
    while True:
        begin = time.perf_counter()
        runner.run(steps)
        seconds = time.perf_counter() - begin
        if seconds > TURN / 8:
            return max(1, int(steps * TURN / seconds))
        steps *= 4


def _row(name: str, seconds: float, setup: float, replay: float) -> dict[str, Any]:
    return {"name": name, "microseconds": seconds * 1e6, "setup_seconds": setup, "ratio": seconds / replay}


def table(figures: dict[str, Any]) -> str:
    """Return the figures as text."""
    lines = [f"Python {figures['python']}, NumPy {figures['numpy']}; medians; losses and gradients agree to {AGREE:g}"]
    for work in figures["works"]:
        lines += ["", f"{work['work']:38}{'us a step':>14}{'samples/s':>13}{'replay is':>12}{'once, s':>10}"]
        for row in work["rows"]:
            rate = work["samples"] / row["microseconds"] * 1e6
            samples = f"{rate:13,.0f}" if rate >= 10 else f"{rate:13.1f}"
            setup = f"{row['setup_seconds']:10.3f}" if row["setup_seconds"] else " " * 10
            lines.append(f"  {row['name']:36}{row['microseconds']:14,.1f}{samples}{row['ratio']:11,.2f}x{setup}")
    return "\n".join(lines)


def main() -> None:
    """Print the table, or JSON; write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--nodes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--work", choices=TASKS, nargs="*", default=list(TASKS), help="which of W2 and W3 to run")
    parser.add_argument("--skip", nargs="*", default=[], metavar="LIBRARY", help="micrograd takes minutes")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--picture", metavar="FILE", help="write the table as an SVG")
    options = parser.parse_args()
    try:
        give_micrograd_log()
        from eager import give_micrograd_tanh_and_exp

        give_micrograd_tanh_and_exp()
    except ImportError:
        pass  # it is named as missing below
    works = [race(TASKS[name](), options.repeats, options.skip) for name in options.work]
    works += [w1_row(nodes, options.repeats) for nodes in options.nodes]
    figures = {"python": platform.python_version(), "numpy": np.__version__, "works": works}
    print(json.dumps(figures, indent=1) if options.json else table(figures))
    if options.picture:
        with open(options.picture, "w", encoding="utf-8") as file:
            file.write(picture(figures))


if __name__ == "__main__":
    sys.setrecursionlimit(10**8)  # micrograd recurses
    threading.stack_size(1024**3 - 1)
    thread = threading.Thread(target=main)
    thread.start()
    thread.join()
