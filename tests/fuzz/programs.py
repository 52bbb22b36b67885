"""Programs of random graphs on every back end, asked themselves, against the rows evaluated one by one.

What rounding may do is measured, not assumed: the rows are evaluated again with each result off by chance in its last
digit, and each term of a sum in that of its own.
"""

import math
import random
from collections import Counter
from contextlib import ExitStack
from functools import cache
from importlib.util import find_spec
from unittest.mock import patch

from autodiff import Value
from autodiff.replay import choice, compile, lower
from autodiff.replay.recording import vectorize
from autodiff.replay.recording.record import record
from autodiff.replay.rules.symbolic import Unwritable
from autodiff.replay.vectors import vector
from fuzz.repeating import draw_repeating, size

UNIT = 2.0**-52
NOISY = 3  # evaluations with noise
EXPLAINED = 30.0  # times the largest error of these, that a program may be off
EXACT = 1e-12  # of the number, that it may be off anyway
MOST = 1e12  # of all numbers: beyond, there may be overflow in another order
MAX_WORK = 2_000_000  # operands times samples
MAX_LLVM = 4000  # operands of a graph that LLVM is asked to compile
PROCESSORS = {"x86-64": 2, "haswell": 4}  # with narrower vectors, and how many floats these have
HAS_LLVM = find_spec("llvmlite") is not None


def evaluated(recording, leaves, noise=None):
    """Return the loss, its gradient, and the largest of all numbers: each row by itself, off by chance if noisy.

    Raises:
        ValueError, ZeroDivisionError: where a row is undefined.
        OverflowError: where the slope of a row is not finite.
    """
    off = (
        (lambda x, of=None: x + UNIT * abs(x if of is None else of) * noise.uniform(-1, 1))
        if noise
        else lambda x, *of: x
    )
    numbers, nodes = [], list(recording.nodes())
    given = iter(leaves)
    for op, operands, static, number, _ in nodes:
        if op is None:
            numbers.append(next(given, number))
            continue
        xs = [numbers[i] for i in operands]
        grouped = op.grouped(xs, static)
        x = op.value(*grouped)
        numbers.append(off(x, max([abs(x), *terms(op, xs)])) if noise else x)
    slopes = [0.0] * len(nodes)
    slopes[recording.root] = 1.0
    largest = max(map(abs, numbers))
    for place in range(recording.root, -1, -1):
        op, operands, static, _, _ = nodes[place]
        if op is None:
            continue
        given = numbers[place], *op.grouped([numbers[i] for i in operands], static)
        if not all(map(math.isfinite, op.local(*given))):  # times the 0 of a branch that is not taken, it is nan
            raise OverflowError
        for i, share in zip(operands, op.chain(given, slopes[place]), strict=True):
            largest = max(largest, abs(share))
            slopes[i] = off(slopes[i] + off(share))
    return numbers[recording.root], slopes[: recording.parameters], largest


def terms(op, xs):
    """Return how large the numbers are that a row adds up."""
    product = op.products(xs)
    if product is not None:
        left, right, added = product
        return [math.fsum([*[abs(x * y) for x, y in zip(left, right, strict=True)], *map(abs, added)])]
    return [math.fsum(map(abs, xs))] if op.name in ("sum", "logsumexp") else []


def programs(recording):
    """Yield the programs of a recording: the name of the back end, and what makes it."""
    tape = compile._lowered(recording, always=True)
    yield "python", lambda: compile._python(recording)
    if tape is not None:
        yield "arrays", lambda: compile.Arrays(tape)
        yield "wasm", lambda: compile.Nested(tape, choice.target("wasm"))
        if HAS_LLVM and len(recording.edges) < MAX_LLVM:
            yield "llvm", lambda: compile.Nested(tape, choice.target("llvm"))
    yield "machine", lambda: compile._single(recording)


def weighted(rows, counts):
    """Return the mean loss and gradient over rows that occur so often, and the means of their magnitudes."""
    n = sum(counts)
    means = []
    for read in (lambda x: x, abs):
        loss = math.fsum([k * read(loss) for (loss, *_), k in zip(rows, counts, strict=True)]) / n
        columns = zip(*[slopes for _, slopes, _ in rows], strict=True)
        slopes = [math.fsum([k * read(x) for x, k in zip(c, counts, strict=True)]) / n for c in columns]
        means.append([loss, *slopes])
    return means


class Case:
    """Numbers at which the programs of a recording are asked, and what is right there.

    Raises:
        ValueError, ZeroDivisionError: where a row is undefined.
        OverflowError: where numbers are too large.
    """

    def __init__(self, recording, values, rows, counts, noise):
        self.values, self.rows = values, [row for row, k in zip(rows, counts, strict=True) for _ in range(k)]
        exact = [evaluated(recording, [*values, *row]) for row in rows]
        if not max([largest for *_, largest in exact]) < MOST:
            raise OverflowError
        self.right, sizes = weighted(exact, counts)
        self.bounds = [EXACT * x + 1e-300 for x in sizes]
        for _ in range(NOISY):
            noisy = [evaluated(recording, [*values, *row], noise) for row in rows]
            gaps = [
                (a - b, [x - y for x, y in zip(s, t, strict=True)], 0.0)
                for (a, s, _), (b, t, _) in zip(noisy, exact, strict=True)
            ]
            for i, gap in enumerate(weighted(gaps, counts)[1]):
                self.bounds[i] = max(self.bounds[i], EXPLAINED * gap)

    def wrong(self, program, columns):
        """Return what a program answers wrongly, or None."""
        batch = program.batch(self.rows, columns)
        loss, gradient = program.gradient(vector(self.values), batch)
        found = [loss, *map(float, gradient)]
        if not math.isfinite(loss):
            return f"no answer, but the loss is {self.right[0]!r}"
        for i, (x, right, bound) in enumerate(zip(found, self.right, self.bounds, strict=True)):
            if not abs(x - right) <= bound:
                what = f"the derivative by parameter {i - 1}" if i else "the loss"
                return f"{what} is {x!r}, not {right!r}: off by {abs(x - right):.2g}, where {bound:.2g} is explained"
        alone = program.loss(vector(self.values), batch)
        if not abs(alone - self.right[0]) <= self.bounds[0]:
            return f"the loss without its gradient is {alone!r}, not {self.right[0]!r}"
        return None


def cases(recording, chance):
    """Return numbers to ask for: as recorded, and others; of one sample, and of a batch."""
    n, columns = recording.parameters, recording.inputs
    recorded, row = recording.numbers[:n].tolist(), recording.numbers[n : n + columns].tolist()
    found = []
    for values in (recorded, [x + chance.uniform(-0.3, 0.3) for x in recorded]):
        most = max(1, min(4096, MAX_WORK // len(recording.edges)))
        samples = size(chance, most) if columns else 1
        rows = [row, *[[chance.uniform(-2, 2) for _ in row] for _ in range(min(samples - 1, 7))]]
        counts = [1] * len(rows)
        counts[-1] += samples - len(rows)
        for some, often in {1: ([row], [1]), samples: (rows, counts)}.values():
            try:
                found.append(Case(recording, values, some, often, chance))
            except (ValueError, ZeroDivisionError, OverflowError):
                continue
    return found


def judge_programs(seed, steps=64):
    """Return how many answers of each back end were right for the graph of a seed, and what is wrong, or None."""
    chance, right = random.Random(seed), Counter()
    try:
        graph = draw_repeating(seed, steps)
    except (ValueError, ZeroDivisionError):  # outside of a domain
        return right, None
    if not isinstance(graph.loss, Value) or not graph.loss.parents:
        return right, None
    recording = record(*graph)
    asked = cases(recording, chance)
    with ExitStack() as changed:
        if chance.random() < 0.5:  # all that can be put together
            changed.enter_context(patch.object(vectorize, "MIN_ALIKE", 0.0))
            changed.enter_context(patch.object(lower, "MIN_UNITS", 2))
        processor = chance.choice([None, *PROCESSORS])
        if HAS_LLVM and processor in here():
            from autodiff.replay.llvm import target

            machine = target.Machine(processor, "", PROCESSORS[processor])
            changed.enter_context(patch.object(target, "machine", lambda: machine))
        for backend, made in programs(recording) if asked else ():
            try:
                program = made()
            except Unwritable:  # too many cases in the slopes of a slope of x**y
                continue
            for case in asked:
                wrong = case.wrong(program, recording.inputs)
                if wrong is not None:
                    how = f"graph {seed} of {steps} steps, {len(case.rows)} samples, on {backend} {processor or ''}"
                    return right, f"{how}: {wrong}"
                right[backend] += 1
    return right, None


def shortest(seed):
    """Return what is wrong with the graph of a seed, with as few of its steps as have a fault."""
    found = (judge_programs(seed, steps)[1] for steps in range(1, 65))
    return next(wrong for wrong in found if wrong is not None)


@cache
def here():
    """Return the processors whose machine code this one runs."""
    from autodiff.replay.llvm import target

    features = target.machine().features
    return [name for name, width in PROCESSORS.items() if ("+avx2" if width == 4 else "+sse2") in features]
