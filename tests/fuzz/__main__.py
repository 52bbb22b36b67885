"""The command that judges any number of random graphs: `python tests/fuzz --graphs 1000000 --jobs 2`."""

import argparse
import sys
import time
from collections import Counter
from multiprocessing import Pool
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # tests, in place of tests/fuzz

from fuzz.campaign import Tally, explain, judge_seeds, pytorch  # noqa: E402  # found on the path just set
from fuzz.networks import judge_network  # noqa: E402  # the same
from fuzz.programs import judge_programs, shortest  # noqa: E402  # the same

CHUNK = 500


def main():
    parser = argparse.ArgumentParser(
        prog="python tests/fuzz",
        description="Judge random graphs over every row by 40 digits, some also by PyTorch and in second order.",
    )
    parser.add_argument("--graphs", type=int, default=10_000, help="how many, 10000 unless given")
    parser.add_argument("--seed", type=int, default=0, help="of the first; the next graph has the next seed")
    parser.add_argument("--jobs", type=int, default=2, help="processes, 2 unless given")
    parser.add_argument("--networks", type=int, default=0, help="judge so many networks on every back end instead")
    parser.add_argument(
        "--programs", type=int, default=0, help="judge the programs of so many repeating graphs instead"
    )
    arguments = parser.parse_args()
    if arguments.networks:
        networks(arguments)
        return
    if arguments.programs:
        programs(arguments)
        return
    end = arguments.seed + arguments.graphs
    chunks = [range(first, min(first + CHUNK, end)) for first in range(arguments.seed, end, CHUNK)]
    total, began = Tally(), time.monotonic()
    with Pool(arguments.jobs) as pool:
        for i, tally in enumerate(pool.imap(judge_seeds, chunks), 1):
            total += tally
            if total.failed is not None:
                pool.terminate()
                print(explain(total.failed))
                sys.exit(1)
            if i % 20 == 0 or i == len(chunks):
                print(f"{total}, {time.monotonic() - began:.0f} s", flush=True)
    if pytorch() is None:
        print("PyTorch is not installed: no graph was compared with it")


def networks(arguments):
    """Judge random networks on every back end by the eager engine."""
    seeds = range(arguments.seed, arguments.seed + arguments.networks)
    with Pool(arguments.jobs) as pool:
        for i, wrong in enumerate(pool.imap(judge_network, seeds), 1):
            if wrong is not None:
                pool.terminate()
                sys.exit(wrong)
            if i % 50 == 0 or i == len(seeds):
                print(f"{i} networks", flush=True)


def programs(arguments):
    """Judge the programs of random graphs, on every back end, by the rows evaluated one by one."""
    seeds, right = range(arguments.seed, arguments.seed + arguments.programs), Counter()
    with Pool(arguments.jobs) as pool:
        for i, (seed, (found, wrong)) in enumerate(zip(seeds, pool.imap(judge_programs, seeds), strict=True), 1):
            right += found
            if wrong is not None:
                pool.terminate()
                sys.exit(shortest(seed))
            if i % 50 == 0 or i == len(seeds):
                told = ", ".join([f"{name} {count}" for name, count in right.items()])
                print(f"{i} graphs; right answers: {told}", flush=True)


if __name__ == "__main__":
    main()
