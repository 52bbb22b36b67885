"""Measure every derivative in ulps: `python tests/accuracy`, and `python tests/accuracy --write` for docs/accuracy.md.

Names choose functions: `python tests/accuracy tanh hypot --points 500 --seed 7`.
"""

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[0] = str(ROOT / "tests")  # in place of tests/accuracy

from accuracy.functions import composites, rows  # noqa: E402  # found on the path just set
from accuracy.measure import table  # noqa: E402  # as above
from accuracy.report import beyond, written  # noqa: E402  # as above


def main():
    parser = argparse.ArgumentParser(
        prog="python tests/accuracy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="functions to measure, all unless given")
    parser.add_argument("--points", type=int, default=200, help="random points of each, 200 unless given")
    parser.add_argument("--seed", type=int, default=0, help="of the points, 0 unless given")
    parser.add_argument("--write", action="store_true", help="put the table into docs/accuracy.md")
    arguments = parser.parse_args()
    known = [*rows(), *composites()]
    if unknown := set(arguments.names) - {function.name for function in known}:
        parser.error(f"no function is called {sorted(unknown)}; there are {[function.name for function in known]}")
    chosen = [function for function in known if not arguments.names or function.name in arguments.names]
    began, found = time.monotonic(), []
    for function, worsts in table(chosen, arguments.points, seed=arguments.seed):
        found.append((function.name, worsts))
        took = f"{time.monotonic() - began:6.0f} s"
        print(f"{function.name:28}", *[f"{worst.ulps:10.2g}" for worst in worsts], took, flush=True)
        for order, worst in beyond(worsts):
            print(f"    order {order} by {worst.by} at {worst.point}: {worst.answer!r}, truth {float(worst.truth)!r}")
    if arguments.write:
        page = ROOT / "docs" / "accuracy.md"
        page.write_text(written(page.read_text(), found, arguments.points, arguments.seed))


if __name__ == "__main__":
    main()
