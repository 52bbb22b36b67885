"""The ladder: what an engine is asked once all small programs are right, one row a rung, in the order of a lesson.

It knows how an engine is spoken to and our own engine, and the faults that show here alone. A rung compares numbers, or
remarks on how they come about: a remark is no wrong number.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from autodiff.engine import reductions
from autodiff.engine.value import Value
from autodiff.grading.adapter import Engine
from autodiff.grading.programs import OURS, POINTS, agrees
from autodiff.grading.table import (
    ENDS,
    GROWTH,
    IN_PLACE,
    INNER,
    KINK,
    MARKS,
    MEAN,
    OVERFLOW,
    PATHS,
    PRECISION,
    RECURSION,
    RESETS,
    SEARCH,
    STATE,
    TERMS,
    Fault,
)

CHAIN = 10_000  # operations in a row; Python's recursion ends at 1,000
WIDE = 300  # leaves of a sum, few enough for recursion
MAX_CALLS_RATIO = 6.0  # calls for twice the graph: 2 where each node is visited once
MAX_CHAIN_RATIO = 3.0  # calls for twice the chain
MAX_COMPARISONS = 5_000  # pairs of 255 nodes: none in a set, 32,000 in a list
Build = Callable[..., Any]  # of an engine and leaves, the output
Status = Literal["right", "wrong", "remark", "not there"]


class Outcome(NamedTuple):
    """What a rung found.

    Attributes:
        status: "right"; "wrong", a number is; "remark", the numbers are right or raised, and there is something to say;
            "not there", the engine has no such thing.
        reason: in words, empty where it is right.
        program: the lines that show it.
        expected: the right numbers by name.
        found: the engine's.
        fault: the mistake that it shows, if it shows one.
    """

    status: Status
    reason: str = ""
    program: str = ""
    expected: dict[str, float] = {}  # noqa: RUF012  # no one writes to it
    found: dict[str, float] = {}  # noqa: RUF012
    fault: Fault | None = None


class Rung(NamedTuple):
    """One rung: its name, what it is worth in a rubric of 100 points, and how it is tried."""

    name: str
    weight: float
    climb: Callable[[Engine], Outcome]


RIGHT = Outcome("right")


def climb(rung: Rung, engine: Engine) -> Outcome:
    """Return what a rung finds; whatever is raised is said."""
    try:
        return rung.climb(engine)
    except RecursionError:
        reason = "RecursionError: the pass calls itself for each node; a list of nodes to visit has no such end"
        return Outcome("remark", reason, fault=RECURSION)
    except Exception as error:  # a stranger's engine may raise anything
        return Outcome("not there", f"{type(error).__name__}: {error}")


def _same(
    *builds: tuple[str, Build], points: Sequence[Sequence[float]] = POINTS, fault: Fault | None = None
) -> Callable[[Engine], Outcome]:
    """Return the rung that builds each graph with both engines and compares the output and the leaves' gradients.

    Where they differ, `fault` is what shows.
    """

    def tried(engine: Engine) -> Outcome:
        lacking = ""
        for lines, build in builds:
            for point in points:
                theirs, ours = [engine.make(x) for x in point], [Value(x) for x in point]
                try:
                    out = build(engine, *theirs)
                    engine.backward(out)
                except RecursionError:
                    raise
                except Exception as error:  # this form is not there; the next may be
                    lacking = lacking or f"{lines.splitlines()[-1]}: {type(error).__name__}: {error}"
                    break
                right = build(OURS, *ours)
                right.backward()
                outcome = compared(engine, lines, (out, *theirs), (right, *ours))
                if outcome.status != "right":
                    return outcome._replace(fault=fault)
        return Outcome("not there", lacking) if lacking else RIGHT

    return tried


def compared(engine: Engine, lines: str, theirs: Sequence[Any], ours: Sequence[Value]) -> Outcome:
    """Return whether an output, which comes first, and the gradients of leaves are right."""
    leaves = [*"ab", *[f"leaf {i}" for i in range(2, len(ours))]]
    names = [f"out.{engine.names['data']}", *[f"{leaf}.{engine.names['grad']}" for leaf in leaves]]
    found = [engine.data(theirs[0]), *map(engine.grad, theirs[1:])]
    right = [ours[0].data, *[leaf.grad for leaf in ours[1:]]]
    wrong = [i for i, (f, r) in enumerate(zip(found, right, strict=True)) if not agrees(f, r, engine.single)]
    if not wrong:
        return RIGHT
    shown = range(3) if len(found) <= 3 else wrong[:3]
    return Outcome(
        "wrong",
        f"{names[wrong[0]]} is {found[wrong[0]]:.6g}, right is {right[wrong[0]]:.6g}",
        _pasted(engine, lines, *[x.data for x in ours[1:3]]),
        {names[i]: right[i] for i in shown},
        {names[i]: found[i] for i in shown},
    )


def _pasted(engine: Engine, lines: str, *point: float) -> str:
    """Return lines between the making of their leaves and a backward pass, in the names of the engine."""
    make, backward = engine.names["constructor"], engine.names["backward"]
    start = [f"{leaf} = {make.replace('3.0', repr(x))}" for leaf, x in zip("ab", point, strict=False)]
    return "\n".join([*start, lines, f"out{backward}" if backward.startswith(".") else backward])


def _total(terms: Sequence[Any]) -> Any:
    """Return terms one after the other, without the 0 that `sum` begins with."""
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _iadd(e: Engine, a: Any, b: Any) -> Any:
    c = a * b
    c += a
    c += c * b
    return c


def _sum(e: Engine, a: Any, b: Any) -> Any:
    return (e.method("sum") or sum)([a, b, a])


def _mean(e: Engine, a: Any, b: Any) -> Any:
    mean = reductions.mean if e is OURS else e.method("mean")
    return mean([a, b, a * b]) if mean else sum([a, b, a * b]) / 3


def _means(engine: Engine) -> Outcome:
    """Compare a mean, and tell whether 1/n is missing in its rule, or terms."""
    outcome = _same(("out = mean([a, b, a * b])", _mean))(engine)
    if outcome.status != "wrong":
        return outcome
    data = f"out.{engine.names['data']}"
    value = agrees(outcome.found[data], outcome.expected[data])
    thrice = all(agrees(g, 3 * outcome.expected[name]) for name, g in outcome.found.items() if name != data)
    return outcome._replace(fault=MEAN if value and thrice else TERMS)


def _kinks(engine: Engine) -> Outcome:
    """Compare with what lies between the slopes on both sides: any of these is right."""
    known = [kink for kink in (("relu", 0.0, 1.0), ("abs", -1.0, 1.0)) if kink[0] in engine.functions]
    for name, low, high in known:
        a = engine.make(0.0)
        out = engine.functions[name](a)
        engine.backward(out)
        found = engine.grad(a)
        if not low <= found <= high:
            key = f"a.{engine.names['grad']}"
            reason = f"{key} of {name}(0) is {found:.6g}, right is anything from {low:g} to {high:g}"
            program = _pasted(engine, f"out = {engine.names[name].replace('{}', 'a')}", 0.0)
            return Outcome("wrong", reason, program, {key: low}, {key: found}, KINK)
    return RIGHT if known else Outcome("not there", "no relu and no abs")


def _again(engine: Engine) -> Outcome:
    a, b = engine.make(3.0), engine.make(2.0)
    c = a * b
    out = c * c
    engine.backward(out)
    x, y = Value(3.0), Value(2.0)
    right = (x * y) * (x * y)
    right.backward()
    first = compared(engine, "c = a * b\nout = c * c", (out, a, b), (right, x, y))
    if first.status != "right":
        return first
    engine.reset([a, b])
    engine.backward(out)
    found = engine.grad(a)
    if agrees(found, 24.0, engine.single):
        return RIGHT
    fault = MARKS if abs(found) < 24 else INNER
    return Outcome(
        "remark",
        f"set the gradients of the leaves to 0, call backward() again on the same output: a's gradient is "
        f"{found:.6g}, not 24 as the first time: {fault.why[0].lower()}{fault.why[1:-1]}",
        fault=fault,
    )


def _zeroing(engine: Engine) -> Outcome:
    a, b = engine.make(3.0), engine.make(2.0)
    engine.backward(a * b)
    engine.reset([a, b])
    was = engine.grad(a)
    engine.backward(a * b)
    found = engine.grad(a)
    if agrees(found, 2.0, engine.single):
        return RIGHT
    key, reason = (
        f"a.{engine.names['grad']}",
        f"a gradient that was set to 0 is {found:.6g} after the next pass, right is 2",
    )
    if was != 0:  # it cannot be set back
        return Outcome("remark", reason)
    first = _pasted(engine, "out = a * b", 3.0, 2.0)
    program = _pasted(engine, f"{first}\n{key} = 0\n{key.replace('a', 'b', 1)} = 0\nout = a * b")
    return Outcome("wrong", reason, program, {key: 2.0}, {key: found}, STATE)


def _shared(engine: Engine) -> Outcome:
    a, b = engine.make(3.0), engine.make(2.0)
    engine.backward(a * b)
    engine.backward(a + b)
    found = engine.grad(a)
    if agrees(found, 3.0, engine.single):
        return RIGHT
    reason = f"the gradients of two losses by a leaf should add up (2 + 1 = 3, as in PyTorch): it is {found:.6g}"
    if agrees(found, 1.0, engine.single):
        return Outcome("remark", reason, fault=RESETS)
    program = _pasted(engine, f"{_pasted(engine, 'out = a * b', 3.0, 2.0)}\nout = a + b")
    key = f"a.{engine.names['grad']}"
    return Outcome("wrong", reason, program, {key: 3.0}, {key: found}, STATE)


def _chain(engine: Engine) -> Outcome:
    growth = _growth(engine)
    if growth:
        return Outcome("remark", f"not tried: {growth}", fault=GROWTH)
    a = engine.make(1.0)
    out = a
    for _ in range(CHAIN):
        out = out + a
    engine.backward(out)
    if engine.grad(a) == CHAIN + 1:
        return RIGHT
    return Outcome("remark", f"a chain of {CHAIN:,} gives {engine.grad(a):.6g}", fault=ENDS)


def _large(engine: Engine) -> Outcome:
    known = [name for name in ("tanh", "sigmoid", "softplus") if name in engine.functions]
    if not known:
        return Outcome("not there", "no tanh, sigmoid or softplus")
    for name in known:
        for x in (1000.0, -1000.0):
            a, right = engine.make(x), Value(x)
            shown = engine.names[name].replace("{}", f"({x:g})" if engine.names[name].startswith("{}") else f"{x:g}")
            try:
                out = engine.functions[name](a)
                engine.backward(out)
            except Exception as error:  # overflow, mostly
                return Outcome(
                    "remark",
                    f"{shown}: {type(error).__name__}; write it so that nothing overflows (math.tanh, or by the sign)",
                    fault=OVERFLOW,
                )
            ours = OURS.functions[name](right)
            ours.backward()
            numbers = (engine.data(out), engine.grad(a))
            if not all(map(agrees, numbers, (ours.data, right.grad))):
                return Outcome(
                    "remark",
                    f"{shown} is {numbers[0]:.6g}, slope {numbers[1]:.6g}; right is {ours.data:.6g}, {right.grad:.6g}",
                    fault=OVERFLOW,
                )
    return RIGHT


def _precision(engine: Engine) -> Outcome:
    if not engine.single:
        return RIGHT
    reason = f"0.1 is kept as {engine.data(engine.make(0.1))!r}: float32 has 7 digits, Python's float 16"
    return Outcome("remark", reason, fault=PRECISION)


def _speed(engine: Engine) -> Outcome:
    few, many = [_calls(engine, depth, twice=True) for depth in (4, 8)]
    if many > MAX_CALLS_RATIO * few:
        reason = f"4 nodes take {few:,} calls, 8 nodes {many:,}: each node is visited once for each path"
        return Outcome("remark", reason, fault=PATHS)
    growth = _growth(engine)
    if growth:
        return Outcome("remark", growth, fault=GROWTH)
    compared = _comparisons(engine, 128)
    if compared > MAX_COMPARISONS:
        reason = f"a pass over 255 nodes compares {compared:,} pairs of them: keep what was met in a set"
        return Outcome("remark", reason, fault=SEARCH)
    return RIGHT


def _growth(engine: Engine) -> str:
    """Return how the calls grow with a chain, empty where they grow no faster than it."""
    few, many = [_calls(engine, depth) for depth in (64, 128)]
    return f"a chain of 64 takes {few:,} calls, one of 128 {many:,}" if many > MAX_CHAIN_RATIO * few else ""


def _calls(engine: Engine, depth: int, twice: bool = False) -> int:
    """Return how many functions a backward pass calls in a chain of sums, in which the next may use a node twice."""
    out = a = engine.make(1.0)
    for _ in range(depth):
        out = out + (out if twice else a)
    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        engine.backward(out)
    finally:
        sys.setprofile(before)
    return calls


def _comparisons(engine: Engine, leaves: int) -> int:
    """Return how many pairs of nodes are compared in the backward pass of a sum in pairs, as in a search of a list."""
    if "__eq__" in vars(engine.family):
        return 0
    nodes = [engine.make(1.0) for _ in range(leaves)]
    while len(nodes) > 1:
        nodes = [x + y for x, y in zip(nodes[::2], nodes[1::2], strict=True)]
    compared = 0

    def equal(node: Any, other: Any) -> Any:
        nonlocal compared
        compared += 1
        return object.__eq__(node, other)

    cls = engine.family
    hashed = cls.__hash__
    cls.__eq__ = equal
    try:
        engine.backward(nodes[0])
    finally:
        del cls.__eq__
        if cls.__hash__ is not hashed:
            cls.__hash__ = hashed
    return compared


STATEFUL = ("zeroing", "a leaf of two losses")  # rungs that show what is kept of earlier graphs
# fmt: off
RUNGS = (
    Rung("numbers on the left", 5, _same(
        ("out = 2 + a", lambda e, a, b: 2 + a), ("out = 2 * a", lambda e, a, b: 2 * a),
        ("out = 2 - a", lambda e, a, b: 2 - a), ("out = 2 / a", lambda e, a, b: 2 / a))),
    Rung("plain numbers mixed in", 5, _same(
        ("out = a * 2 + b * 4 - 1", lambda e, a, b: a * 2 + b * 4 - 1),
        ("out = (a + 1) / 2", lambda e, a, b: (a + 1) / 2))),
    Rung("sums of lists", 4, _same(("out = sum([a, b, a])", _sum), fault=TERMS)),
    Rung("means of lists", 2, _means),
    Rung("in-place +=", 2, _same(("c = a * b\nc += a\nc += c * b\nout = c", _iadd), fault=IN_PLACE)),
    Rung("a wide sum", 2, _same(
        (f"out = sum of {WIDE} products", lambda e, *xs: _total([x * y for x, y in zip(xs, xs[::-1], strict=True)])),
        points=[[math.sin(i) + 1.5 for i in range(WIDE)]], fault=ENDS)),
    Rung("kinks", 2, _kinks),
    Rung("a second graph", 3, _same(*[("out = a * b + a", lambda e, a, b: a * b + a)] * 2, fault=STATE)),
    Rung("zeroing", 3, _zeroing),
    Rung("a leaf of two losses", 3, _shared),
    Rung("backward() twice", 2, _again),
    Rung("a chain of 10,000", 2, _chain),
    Rung("large arguments", 2, _large),
    Rung("precision", 1, _precision),
    Rung("speed", 2, _speed),
)
# fmt: on
