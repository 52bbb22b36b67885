"""How often the gradient check is wrong: random functions, right and with planted faults.

    python tests/checks/rates.py [--functions 10000] [--seed 0] [--jobs 2]

The functions are the random graphs of `tests/fuzz`: over every row, with nodes shared, often exactly at a kink. What is
right is known without the engine and without the check: the slopes on both sides of each leaf, by forward
differentiation to 40 digits, in which a row with branches takes the branch that the leaf moves into. Then one row of
the graph gets a fault in its rule: the sign, 0, a factor, or one part in a thousand. Wrong is a gradient outside of the
two slopes by a tenth of the smallest fault; to call it "ok" or a "kink" is a miss, to call a gradient "WRONG" that lies
between them a false alarm. What would not change the last digit of the answer if the leaf moved by its own size, or by
1, does not count as wrong.
"""

import argparse
import random
import sys
from collections import Counter
from multiprocessing import Pool
from pathlib import Path
from typing import NamedTuple

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])  # tests, in place of tests/checks

import mpmath
from fuzz.graphs import draw
from fuzz.oracle import DIGITS, KINKS, Number, Unsuitable, forward
from oracles.rows import ROWS, grouped

from autodiff import Value, check_gradients
from autodiff.engine.ops import Op

FAULTS = {"sign": (-1.0,), "zero": (0.0,), "factor": (0.5, 2.0, -3.0, 10.0), "thousandth": (1.001, 0.999)}
VISIBLE = 1e-4  # relative: by how much a fault must change a gradient to count
JUMPS = {"SIGN", "HEAVISIDE", "STEP", "ATAN2", "WHERE"}  # at the place where these branch there is no slope
NOT_DERIVATIVES = {"HOLD", "DETACH"}  # their rules say 0 on purpose
CHUNK = 100


class Truth(NamedTuple):
    left: float
    right: float
    kink: bool  # whether a kink decides between them
    rounding: float  # a share of the sum of all paths without their signs, of which floats may be off
    digit: float  # the slope that changes the last digit of the answer
    meets: bool  # whether any row stands where its branches meet


def slopes(program, leaf):
    """Return the slopes left and right of a leaf, to 40 digits.

    Raises:
        Unsuitable: at a jump.
    """
    with mpmath.workdps(DIGITS):
        nodes = [Number(x) for x in program.leaves]
        rights = [mpmath.mpf(i == leaf) for i in range(len(nodes))]
        lefts, sizes, kink, meets = [-t for t in rights], list(rights), False, False
        for name, operands, parameters in program.steps:
            node, rule = forward(name, [nodes[i] for i in operands], parameters)
            xs = [nodes[i].x for i in operands]
            tie = name in KINKS and any([gap == 0 for gap in KINKS[name](*xs, *(parameters if name != "STEP" else ()))])
            meets = meets or tie
            sizes.append(sum([abs(s) * sizes[i] for s, i in zip(rule.slopes, operands, strict=True)], mpmath.mpf(0)))
            for moves in (rights, lefts):
                tangents = [moves[i] for i in operands]
                if tie and any(tangents):
                    if name in JUMPS:
                        raise Unsuitable(name)
                    kink = True
                    sizes[-1] = max([1, *(abs(p) for p in parameters if name != "CLIP")]) * sum(
                        [sizes[i] for i in operands]
                    )
                    moves.append(branch(name, xs, tangents, parameters))
                else:
                    moves.append(sum([s * t for s, t in zip(rule.slopes, tangents, strict=True)], mpmath.mpf(0)))
            nodes.append(node)
    digit = 2.0**-53 * float(abs(nodes[-1].x)) / max(1.0, abs(program.leaves[leaf]))
    left, right = (t if abs(t) > 1e-20 * sizes[-1] else mpmath.mpf(0) for t in (-lefts[-1], rights[-1]))
    return Truth(float(left), float(right), kink, 1e-13 * float(sizes[-1]), digit, meets)


def branch(name, xs, tangents, parameters):
    """Return how the answer of a row moves that stands at a kink."""
    (x, *_), (t, *_) = xs, tangents
    if name in ("MAXIMUM", "MAX"):
        return max([t for x, t in zip(xs, tangents, strict=True) if x == max(xs)])
    if name in ("MINIMUM", "MIN"):
        return min([t for x, t in zip(xs, tangents, strict=True) if x == min(xs)])
    if name == "CLIP":
        low, high = parameters
        return 0 if low == high else max(t, 0) if x == low else min(t, 0)
    below = {"ABS": -1.0, "RELU": 0.0, "LEAKY_RELU": (*parameters, 0.0)[0], "ELU": (*parameters, 0.0)[0]}
    return t if t > 0 else below[name] * t


def function(program, leaves, faulty=None, factor=1.0):
    """Return a function of nothing that computes the program; the rule of its step `faulty` is wrong by a factor."""
    rows = [ROWS[step.name] for step in program.steps]
    if faulty is not None:
        rows[faulty] = broken(rows[faulty], factor)

    def call():
        nodes = list(leaves)
        for row, (name, operands, parameters) in zip(rows, program.steps, strict=True):
            nodes.append(row(*grouped(name, [nodes[i] for i in operands]), *parameters))
        return nodes[-1]

    return call


def broken(row, factor):
    """Return a row whose derivatives are all wrong by a factor."""
    keywords = {"static": row.static, "piecewise": row.piecewise, "regroup": row.regroup}
    copy = Op(row.name, row.value, row.local, row.formula, row.domain, **keywords)
    copy.local = lambda *arguments: [factor * slope for slope in row.local(*arguments)]
    return copy


def verdicts(call, leaves, truth):
    """Yield for each leaf what the check says and whether the gradient is wrong, None where it is in between."""
    for comparison, (left, right, kink, rounding, digit, _) in zip(
        check_gradients(call, leaves).comparisons, truth, strict=True
    ):
        low, high = sorted((left, right))
        scale = max(abs(low), abs(high), abs(comparison.analytic))
        outside = max(low - comparison.analytic, comparison.analytic - high)
        visible = VISIBLE * scale + 1e3 * rounding + digit
        wrong = False if outside <= 1e-8 * scale + rounding else None if outside <= visible else True
        yield comparison.verdict, wrong, kink


def judge(seed):
    """Return the counts of (kind, kink, verdict, whether the gradient is wrong) for the function of a seed."""
    program, counts = draw(seed), Counter()
    if not program.steps or NOT_DERIVATIVES & {step.name for step in program.steps}:
        return counts
    try:
        truth = [slopes(program, i) for i in range(len(program.leaves))]
    except Unsuitable:
        return counts
    counts["functions"] = 1
    leaves, chance = [Value(x) for x in program.leaves], random.Random(seed)
    for verdict, wrong, kink in verdicts(function(program, leaves), leaves, truth):
        counts["right", kink, verdict, wrong] += 1
    if not any([slope.meets for slope in truth]):
        for comparison in check_gradients(function(program, leaves), leaves, order=2).comparisons[len(leaves) :]:
            counts["second order", False, comparison.verdict, False] += 1
    for kind, factors in FAULTS.items():
        call = function(program, leaves, chance.randrange(len(program.steps)), chance.choice(factors))
        for verdict, wrong, kink in verdicts(call, leaves, truth):
            counts[kind, kink, verdict, wrong] += 1
    return counts


def judge_seeds(seeds):
    """Return the counts of all these seeds, and the seeds with a false alarm or a miss."""
    total, bad = Counter(), []
    for seed in seeds:
        counts = judge(seed)
        total += counts
        if any([kind != "functions" and mistaken(kind) for kind in counts]):
            bad.append(seed)
    return total, bad


def mistaken(case):
    """Whether a verdict is a miss or a false alarm."""
    _, _, verdict, wrong = case
    return (wrong is True and verdict in ("ok", "kink")) or (wrong is False and verdict == "WRONG")


def report(total):
    """Return the counts as a table."""
    lines = [
        f"{total['functions']} functions",
        f"{'gradient':24}{'':10}{'ok':>9}{'kink':>9}{'undecided':>11}{'WRONG':>9}",
    ]
    for kind in ("right", "second order", *FAULTS):
        for kink in (False, True):
            for wrong in (False, True):
                found = {v: total[kind, kink, v, wrong] for v in ("ok", "kink", "undecided", "WRONG")}
                if any(found.values()):
                    name = "right" if not wrong else f"wrong: {kind}"
                    name = f"{name}, second order" * (kind == "second order") or name
                    if wrong or kind in ("right", "second order"):
                        numbers = f"{found['ok']:9}{found['kink']:9}{found['undecided']:11}{found['WRONG']:9}"
                        lines.append(f"{name:24}{'at a kink' * kink:10}{numbers}")
    alarms = sum([n for case, n in total.items() if case != "functions" and mistaken(case) and case[2] == "WRONG"])
    misses = sum([n for case, n in total.items() if case != "functions" and mistaken(case) and case[2] != "WRONG"])
    return "\n".join([*lines, f"{alarms} false alarms, {misses} misses"])


def main():
    parser = argparse.ArgumentParser(prog="python tests/checks/rates.py", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--functions", type=int, default=10_000, help="how many seeds; not all give a function that suits"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the first")
    parser.add_argument("--jobs", type=int, default=2, help="processes, 2 unless given")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.functions)
    chunks = [seeds[first : first + CHUNK] for first in range(0, len(seeds), CHUNK)]
    total, bad = Counter(), []
    with Pool(options.jobs) as pool:
        for counts, seeds_of_mistakes in pool.imap(judge_seeds, chunks):
            total += counts
            bad += seeds_of_mistakes
    print(report(total))
    if bad:
        print(f"seeds of mistakes: {bad[:20]}")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
