"""What executors gain: a batch's gradient over threads and processes, beside the same gradient without, in one run.

    python benchmarks/executors.py [--repeats 7] [--workers 2] [--json]

Two graphs of one sample: W3's network of 8x8 images, whose rows are many numbers and quickly computed; and a pendulum
of which 200 steps are simulated, whose rows are three numbers and take long. Gradients are compared first, and all
executors must answer the same bits. The first call of each, in which processes start and make their programs, is not
counted. Beside the clock stands the processor time of all processes together, which says what handing over costs even
where other work keeps the second core busy.
"""

from __future__ import annotations

import os

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # read when libraries are imported

import argparse
import json
import pickle
import statistics
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from replay_ours import Replayed
from replay_tasks import agree, images, timed

from autodiff import Replay, Value, sin

SLOWER = 100  # times, that floats are, about


def network(backend: str) -> tuple[Replay, np.ndarray]:
    """Return the replay of W3's network, and rows for it."""
    samples = 20_000 if backend != "python" else 20_000 // SLOWER
    task = images("", [64, 32, 10], samples)
    return Replayed(task, backend).replay, np.hstack(task.batches[0])


def pendulum(backend: str) -> tuple[Replay, np.ndarray]:
    """Return the replay of where a pendulum is after 200 steps, against where it was seen, and rows for it."""
    stiffness, friction = Value(1.3), Value(0.1)
    angle, speed, seen = Value(0.5), Value(0.0), Value(0.2)
    x, v = angle, speed
    for _ in range(200):
        v = v - 0.02 * (stiffness * sin(x) + friction * v)
        x = x + 0.02 * v
    rows = np.random.default_rng(0).uniform(-1, 1, (10_000 if backend != "python" else 10_000 // SLOWER, 3))
    return Replay((x - seen) ** 2, [stiffness, friction], inputs=[angle, speed, seen], backend=backend), rows


class Counting:
    """An executor that works at once, and counts the bytes that a process would have been sent."""

    def __init__(self) -> None:
        self.sent: list[int] = []

    def submit(self, function: Any, *arguments: Any) -> Future:
        """Return what the function answers."""
        self.sent.append(len(pickle.dumps((function, *arguments))))
        future: Future = Future()
        future.set_result(function(*arguments))
        return future


@contextmanager
def executors(workers: int) -> Iterator[dict[str, Executor | None]]:
    """Give the executors that take turns."""
    spawn = get_context("spawn")
    with (
        ThreadPoolExecutor(1) as thread,
        ThreadPoolExecutor(workers) as threads,
        ProcessPoolExecutor(1, mp_context=spawn) as process,
        ProcessPoolExecutor(workers, mp_context=spawn) as processes,
    ):
        yield {
            **{"none": None, "1 thread": thread, f"{workers} threads": threads},
            **{"1 process": process, f"{workers} processes": processes},
        }


def processor_time(executor: Any) -> float:
    """Return the seconds of processor time of this process, and of an executor's processes, so far."""
    total = time.process_time()
    for pid in getattr(executor, "_processes", None) or ():
        user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        total += (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return total


def race(name: str, replay: Replay, rows: np.ndarray, workers: int, repeats: int) -> dict[str, Any]:
    """Return how long each executor takes for a gradient: seconds by the clock, and of all processors."""
    loss, slopes = replay.gradient(rows)
    counting = Counting()
    expected = replay.gradient(rows, executor=counting)
    agree(name, (expected[0], np.array(expected[1])), (loss, np.array(slopes)))
    clock: dict[str, list[float]] = {}
    used: dict[str, float] = {}
    with executors(workers) as all_of_them:
        for turn in range(repeats + 1):
            for executor_name, executor in all_of_them.items():
                before = processor_time(executor)
                with timed() as taken:
                    answer = replay.gradient(rows, executor=executor)
                if executor is not None and (answer[0], bytes(answer[1])) != (expected[0], bytes(expected[1])):
                    raise SystemExit(f"{name}: {executor_name} answers other bits")
                if turn:
                    clock.setdefault(executor_name, []).append(taken.wall)
                    used[executor_name] = used.get(executor_name, 0.0) + processor_time(executor) - before
    sizes = {"samples": len(rows), "chunks": len(counting.sent), "bytes": max(counting.sent)}
    medians = {executor_name: statistics.median(seconds) for executor_name, seconds in clock.items()}
    return {"work": name, **sizes, "clock": medians, "processor": {key: x / repeats for key, x in used.items()}}


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    works = []
    for title, make, backends in (
        ("64-32-10", network, ("llvm", "wasm", "arrays", "python")),
        ("pendulum", pendulum, ("llvm", "wasm", "arrays", "python")),
    ):
        for backend in backends:
            try:
                replay, rows = make(backend)
            except (ImportError, ValueError) as error:
                print(f"{backend} is left out: {error}", file=sys.stderr)
                continue
            works.append(race(f"{title}, {backend}", replay, rows, given.workers, given.repeats))
    if given.json:
        print(json.dumps(works, indent=1))
        return
    names = list(works[0]["clock"])
    print(
        "a gradient without an executor in milliseconds of processor time; and with one, of that without: the clock's"
    )
    print("time, medians, and the processor time of all processes")
    print(
        f"{'':20}{'samples':>9}{'chunks':>8}{'KB a chunk':>12}{'none, ms':>10}"
        + "".join([f"{x:>15}" for x in names[1:]])
    )
    for work in works:
        clock, used = work["clock"], work["processor"]
        cells = [f"{clock[x] / clock['none']:.2f}  {used[x] / used['none']:.2f}" for x in names[1:]]
        sizes = f"{work['samples']:9,}{work['chunks']:8}{work['bytes'] / 1000:12,.1f}{used['none'] * 1e3:10,.1f}"
        print(f"{work['work']:20}{sizes}" + "".join([f"{cell:>15}" for cell in cells]))


if __name__ == "__main__":
    main()
