"""What a recording has frozen: what Python decided by numbers, and numbers that came from outside of the graph.

While a graph was built, the engine remembered each decision by Values (`autodiff.engine.decisions`). Where the function
that builds the graph is known, it is called again, with other parameters and other random numbers: if another graph
comes out, no recording can stand for it.
"""

from __future__ import annotations

import dis
import os
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from itertools import islice, zip_longest
from types import CodeType, FrameType
from typing import Any

from autodiff.engine import decisions, value
from autodiff.engine.backward import toposort
from autodiff.engine.decisions import Decision
from autodiff.engine.value import Value, as_value
from autodiff.replay.recording.record import record

PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(__file__))) + os.sep
MAX_POINTS = 60  # at which a graph is built again, if need be
CURE = "relu, abs, clip, maximum and minimum are operations, which take the side that the new numbers ask for"

# Instructions of Python by their beginnings: those that only fetch, and those after which a comparison is reported.
FETCH = (
    *("LOAD_", "PUSH_", "CACHE", "COPY", "SWAP", "NOP", "EXTENDED_ARG", "TO_BOOL", "UNARY_NOT", "BINARY_SUBSCR"),
    *("MAKE_FUNCTION", "GET_ITER"),
)
REPORT = (
    *("COMPARE_OP", "CALL", "PRECALL", "IS_OP", "CONTAINS_OP", "YIELD_VALUE", "FORMAT_", "BUILD_", "CONVERT_VALUE"),
    *("LIST_APPEND", "SET_ADD", "MAP_ADD", "POP_TOP", "PRINT_EXPR"),
)


ASSERTION = ("LOAD_ASSERTION_ERROR", "LOAD_COMMON_CONSTANT")  # behind the jump of an `assert`


class ReplayWarning(UserWarning):
    """A recording has frozen a decision of Python; the message names file and line."""


def decided_in(root: Value, leaves: Sequence[Value], *, watched: bool = False) -> str | None:
    """Return the file and line of the first decision that shaped a graph by what depends on its leaves, or None.

    A decision counts if its Values are in the graph, or were computed from what is, and no data was set since. Silent
    are those that only report, such as ``(score > 0) == (target > 0)`` or ``int(score > 0)``, and those on the root
    alone, such as ``while loss > 0.1``. Each is told once.

    Args:
        root: the graph.
        leaves: those that may change.
        watched: whether all decisions since `forget` were made while this graph was built; then the root counts.
    """
    remembered = list(map(Decision._make, decisions.lately))
    recent = [
        decision
        for decision in remembered
        if decision.edition is value.edition and not decision.code.co_filename.startswith(PACKAGE)
    ]
    if not recent:
        return None
    active = {id(leaf) for leaf in leaves}
    for node in toposort(root)[0]:
        if any([id(parent) in active for parent in node.parents]):
            active.add(id(node))
    if not watched and root.parents:
        active.discard(id(root))
    found = [decision for decision in recent if _shapes(decision, active, root)]
    told = set(map(id, found))
    others = [decision for decision in remembered if id(decision) not in told]
    forget()
    decisions.lately.extend(others)
    return _line(found[0].code, found[0].instruction) if found else None


def forget() -> None:
    """Forget all decisions until now."""
    decisions.lately.clear()


def _shapes(decision: Decision, active: set[int], root: Value) -> bool:
    """Return whether a decision may have shaped the graph of these active nodes."""
    name, following = _consumed(decision.code, decision.instruction, decision.caller)
    compared = [node for node in [reference() for reference in decision.compared] if node is not None]
    if name not in ("COMPARE_OP", "CONTAINS_OP"):  # by `max`, `sorted`, `if value:` and the like
        if any([node is root for node in compared]):
            return True
    elif following.startswith(REPORT):
        return False
    if any([id(node) in active for node in compared]):
        return True
    if len(compared) == len(decision.compared) or following.startswith("RETURN"):
        return False  # they are elsewhere
    above = [reference() for reference in decision.above]
    return any([id(node) in active for node in above if node is not None])


@lru_cache(maxsize=1000)
def _consumed(code: CodeType, offset: int, caller: CodeType | None) -> tuple[str, str]:
    """Return the instruction at an offset, and the first behind it that does more than fetch.

    Not reports are a factor, ``int(x > 1) * x``, what ``match x > 1`` asks, and what `any` and `all` are asked, in the
    code `caller` if this is that of a comprehension: of these, it is what comes after. An ``assert`` is a report.
    """
    first, *rest = [x for x in dis.get_instructions(code) if x.offset >= offset]
    call = _any_or_all(caller or code, first)
    if call is not None:
        return first.opname, _consumed(caller or code, call, None)[1]
    following = next((i for i, x in enumerate(rest) if not x.opname.startswith(FETCH)), len(rest))
    after = next((x for x in rest[following:] if not x.opname.startswith((*FETCH, "CALL", "PRECALL", "IS_OP"))), None)
    name = rest[following].opname if following < len(rest) else ""
    factor = name in ("CALL", "PRECALL") and after is not None and after.argrepr in ("*", "*=")
    case = name == "IS_OP" and rest[following - 1].argval in (True, False)
    if name.startswith("POP_JUMP") and rest[following + 1].opname in ASSERTION:
        return first.opname, REPORT[0]
    return first.opname, after.opname if after is not None and (factor or case) else name


def _any_or_all(code: CodeType, asked: dis.Instruction) -> int | None:
    """Return the offset of the call of `any` or `all`, if no other call is asked first what an instruction answers."""
    instructions = list(dis.get_instructions(code))
    made = [_span(x) for x in instructions if x.opname == "MAKE_FUNCTION"]  # comprehensions are called, too
    calls = [x for x in instructions if x.opname.startswith("CALL") and _span(x) not in made]
    begin, end = _span(asked)
    around = [x for x in calls if x.offset > asked.offset and _span(x)[0] <= begin and end <= _span(x)[1]]
    if not around:
        return None
    call = max(around, key=_span)
    names = [
        x.argval for x in instructions if x.opname in ("LOAD_GLOBAL", "LOAD_NAME") and _span(x)[0] == _span(call)[0]
    ]
    return call.offset if names and names[0] in ("any", "all") else None


def _span(instruction: dis.Instruction) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return where the source of an instruction begins and ends, as lines and columns."""
    place = instruction.positions
    if place is None or place.lineno is None or place.col_offset is None:  # python -X no_debug_ranges
        return (0, 0), (0, 0)
    return (place.lineno, place.col_offset), (place.end_lineno or 0, place.end_col_offset or 0)


def _line(code: CodeType, offset: int) -> str:
    line = next(islice(code.co_positions(), offset // 2, None))[0]
    return f"{code.co_filename}, line {line}"


def refuse_what_differs(builds: Sequence[Callable[[], Any]], parameters: Sequence[Value]) -> None:
    """Raise unless graphs come out the same when they are built again: under other draws, and other parameters.

    Each is built four times: twice as it is, then with the parameters turned round in sign, and with random ones; where
    other code reads the `data` of what depends on parameters, or draws random numbers, up to `MAX_POINTS` times. What
    raises there, as outside of a domain, tells nothing.

    Raises:
        ValueError: with the file and line of the first node that differs.
    """
    here = [parameter.data for parameter in parameters]
    rng = random.Random(0)
    for build in builds:
        drawn = random.getstate()
        first = _structure(build(), parameters)
        with _read() as read:
            again = _structure(build(), parameters)
        draws = 0 if random.getstate() == drawn else MAX_POINTS
        if again != first or any(_structure(build(), parameters) != first for _ in range(draws)):
            raise ValueError(
                "a graph that is built twice differs, by a random number or by what changes outside of it, at "
                f"{_first_difference(build, parameters, here, here)}: a replay would repeat the first one for ever; "
                "train with replay=False"
            )
        for k in range(MAX_POINTS if _depend(read, parameters) else 2):
            scale = (4.0, 1.0, 16.0)[k % 3]
            there = [rng.uniform(-scale, scale) * (abs(x) + 0.25) for x in here] if k else [-x for x in here]
            if _differs(build, parameters, there, first):
                raise ValueError(
                    "what is computed depends on numbers that Python has read from the graph, at "
                    f"{_first_difference(build, parameters, here, there)}: a replay would repeat what they were at "
                    f"first; compute with Values ({CURE}), or train with replay=False"
                )


def built(builds: Sequence[Callable[[], Any]], parameters: Sequence[Value]) -> list[list[Any]]:
    """Return how graphs are built now: for each, where its nodes are made, by which operation, from which constants."""
    traces = []
    for build in builds:
        with _traced(parameters) as trace, suppress(ArithmeticError, LookupError, ValueError):
            build()
        traces.append(trace)
    return traces


def changed(before: Sequence[list[Any]], now: Sequence[list[Any]]) -> str | None:
    """Return the file and line of the first node that is not built as before, or None.

    A graph that could not be built whole, as outside of a domain, is compared as far as it came.
    """
    for one, other in zip(before, now, strict=True):
        for made, again in zip(one, other, strict=False):
            if made != again:
                return str(made[0])
    return None


def _differs(build: Callable[[], Any], parameters: Sequence[Value], there: Sequence[float], first: Any) -> bool:
    """Return whether a graph that is built at these numbers is another one."""
    with _set_to(parameters, there):
        try:
            return bool(_structure(build(), parameters) != first)
        except (ArithmeticError, LookupError, ValueError):  # these numbers are none for it
            return False


@contextmanager
def _read() -> Iterator[list[Value]]:
    """Collect the Values whose `data` is read by code outside of the package."""
    read: list[Value] = []

    def reader(node: Value) -> float:
        if not sys._getframe(2).f_code.co_filename.startswith(PACKAGE):
            read.append(node)
        return node._data

    before, value.reader = value.reader, reader
    try:
        yield read
    finally:
        value.reader = before


def _depend(nodes: Sequence[Value], parameters: Sequence[Value]) -> bool:
    """Return whether some of these nodes depend on parameters."""
    concerned = {id(parameter) for parameter in parameters}
    return any([id(leaf) in concerned for node in nodes for leaf in toposort(node)[1]])


def _structure(root: Any, parameters: Sequence[Value]) -> Any:
    recording = record(as_value(root), parameters, ())
    return recording.structure, [repr(recording.numbers[i]) for i in recording.constants]


@contextmanager
def _set_to(parameters: Sequence[Value], numbers: Sequence[float]) -> Iterator[None]:
    """Set the data of the parameters, and their gradients, which a model may read just as well; then set them back."""
    here = [(parameter.data, parameter._grad) for parameter in parameters]
    try:
        for parameter, number in zip(parameters, numbers, strict=True):
            parameter.data = parameter._grad = number
        yield
    finally:
        for parameter, (number, grad) in zip(parameters, here, strict=True):
            parameter.data, parameter._grad = number, grad


def _first_difference(build: Callable[[], Any], parameters: Sequence[Value], *points: Sequence[float]) -> str:
    """Return the file and line of the first node that differs when a graph is built at these two points."""
    for _ in range(MAX_POINTS):  # random numbers may happen to be the same
        traces = []
        for numbers in points:
            with _set_to(parameters, numbers), _traced(parameters) as trace:
                build()
            traces.append(trace)
        for one, other in zip_longest(*traces):
            if one != other:
                return str((one or other)[0])
    return "a line that could not be found again"


@contextmanager
def _traced(parameters: Sequence[Value]) -> Iterator[list[Any]]:
    """Collect what nodes are made, in order: where, by which operation, from which constants."""
    trace: list[Any] = []
    concerned = {id(parameter) for parameter in parameters}
    kept = []  # an id is that of a node only while the node is there

    class Watcher:
        def created(self, node: Value) -> None:
            kept.append(node)
            constants = [repr(number) for parent, number in node.operands if id(parent) not in concerned]
            if any([id(parent) in concerned for parent in node.parents]):
                concerned.add(id(node))
            trace.append((_place(), node.op, node.static, constants))

        def handed_on(self, node: Value) -> None:
            pass

    before, value.watcher = value.watcher, Watcher()
    try:
        yield trace
    finally:
        value.watcher = before


def _place() -> str:
    frame: FrameType = sys._getframe(2)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}, line {frame.f_lineno}"
