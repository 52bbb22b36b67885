"""This checkout beside another one, in one run: the same works in turns, by processor time.

    python benchmarks/eager.py --baseline PATH --repeats 15 [--json]
    python benchmarks/replay.py --baseline PATH --repeats 15 [--json]

PATH is the folder of the other checkout, the one that holds its `autodiff/`. Each side is a process that imports
`autodiff` from its own checkout and makes the works of this one, so works may use only names that both have. A turn is
one work for about 0.05 seconds, on a clean heap; the sides take turns in the order A B B A, so that what else
the machine does falls on both, and there are several pairs of processes, since one may be lucky with its memory.

Two figures say how this side did; above 1 is slower than the other. The median of the ratios of turns that stand beside
each other; and the ratio of the fastest turns, since what else the machine does only ever makes a turn slower. A row
counts as slower where both are above 1 + MAX_SLOWER; then the exit code is 1. Numbers that the works answer must agree
before any clock runs.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MAX_SLOWER = 0.03  # share of the baseline's time
TURN = 0.05  # seconds of processor time that a turn takes, about
PAIRS = 3  # pairs of processes, one for each side
SIDES = ("baseline", "here")
IMPORT = "import autodiff"  # the row that the start of each process gives

Work = Callable[[], float]


class Side:
    """A process that works with one checkout."""

    def __init__(self, checkout: Path, module: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(checkout), "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"},
        )
        start = self._answer()
        self.works: list[str] = start["works"]
        self.import_seconds: float = start["import_seconds"]
        if Path(start["file"]).resolve().parents[1] != checkout.resolve():
            raise SystemExit(f"{checkout} holds no package autodiff: {start['file']} was imported")

    def ask(self, work: str, times: int) -> dict[str, float]:
        """Return the seconds that so many runs of a work took, and the number that the last one answered."""
        self.process.stdin.write(json.dumps([work, times]) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("a side ended early: its error is above")
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


def serve(module: str) -> None:
    """Be a side: make the works of a module, then run what each line of the input asks for."""
    begin = time.process_time()
    import autodiff

    import_seconds = time.process_time() - begin
    import gc

    makers: dict[str, Callable[[], Work]] = importlib.import_module(module).works()
    _reply(works=list(makers), import_seconds=import_seconds, file=autodiff.__file__)
    name, work = "", None
    for line in sys.stdin:
        asked, times = json.loads(line)
        if asked != name:
            name, work = asked, makers[asked]()
        gc.collect()
        begin = time.process_time()
        for _ in range(times):
            answer = work()
        _reply(seconds=time.process_time() - begin, answer=answer)


def _reply(**answer: Any) -> None:
    print(json.dumps(answer), flush=True)


def compare(checkout: str, module: str, repeats: int) -> list[dict[str, Any]]:
    """Return a row for each work of a module: its times on both sides in microseconds, and their ratio."""
    ratios: dict[str, list[float]] = {}
    seconds: dict[str, dict[str, list[float]]] = {}
    for _ in range(PAIRS):
        sides = dict(zip(SIDES, [Side(path, module) for path in (Path(checkout), HERE.parent)], strict=True))
        for work in sides["here"].works:
            times = _agree(work, sides)
            for turn in range(repeats):
                taken = {}
                for name in SIDES if turn % 2 else SIDES[::-1]:
                    taken[name] = sides[name].ask(work, times)["seconds"] / times
                _note(work, taken, ratios, seconds)
        _note(IMPORT, {name: side.import_seconds for name, side in sides.items()}, ratios, seconds)
        for side in sides.values():
            side.close()
    return [_row(work, found, seconds[work]) for work, found in ratios.items()]


def _agree(work: str, sides: dict[str, Side]) -> int:
    """Return how many times a work is done in a turn, or stop if the sides answer different numbers."""
    first = {name: side.ask(work, 1) for name, side in sides.items()}
    ours, theirs = (first[name]["answer"] for name in ("here", "baseline"))
    if not math.isclose(ours, theirs, rel_tol=1e-9):
        raise SystemExit(f"{work}: {ours!r} here, {theirs!r} in the baseline")
    again = [side.ask(work, 1)["seconds"] for side in sides.values()]
    return max(1, round(TURN / max(again)))


def _note(
    work: str, taken: dict[str, float], ratios: dict[str, list[float]], seconds: dict[str, dict[str, list[float]]]
) -> None:
    ratios.setdefault(work, []).append(taken["here"] / taken["baseline"])
    for name in SIDES:
        seconds.setdefault(work, {}).setdefault(name, []).append(taken[name])


def _row(work: str, ratios: list[float], seconds: dict[str, list[float]]) -> dict[str, Any]:
    low, ratio, high = statistics.quantiles(ratios, n=4, method="inclusive")
    times = {name: min(seconds[name]) * 1e6 for name in SIDES}
    fastest = times["here"] / times["baseline"]
    quartiles = {"ratio": ratio, "quartiles": [low, high], "turns": len(ratios)}
    return {"work": work, **times, "fastest": fastest, **quartiles, "slower": min(ratio, fastest) > 1 + MAX_SLOWER}


def report(checkout: str, module: str, repeats: int, as_json: bool) -> int:
    """Print how the works of a module do here and in another checkout; return 1 if one is too slow here, else 0."""
    rows = compare(checkout, module, repeats)
    slow = [row["work"] for row in rows if row["slower"]]
    if as_json:
        print(
            json.dumps({"python": sys.version.split()[0], "baseline": checkout, "rows": rows, "slow": slow}, indent=1)
        )
        return bool(slow)
    print(f"Python {sys.version.split()[0]}; processor time of the fastest turns in us; {PAIRS} pairs of processes")
    print(f"{'work':38}{'baseline':>12}{'here':>12}{'fastest':>9}{'median':>8}  half of the turns")
    for row in rows:
        low, high = row["quartiles"]
        figures = f"{row['baseline']:12,.1f}{row['here']:12,.1f}{row['fastest']:9.3f}{row['ratio']:8.3f}"
        print(f"{row['work']:38}{figures}  {low:.3f} to {high:.3f}{'  SLOWER' * row['slower']}")
    print(f"{len(slow)} of {len(rows)} rows more than {MAX_SLOWER:.0%} slower than the baseline")
    return bool(slow)


if __name__ == "__main__":
    serve(sys.argv[1])
