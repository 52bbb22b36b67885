"""`check_engine`: the smallest program that somebody's engine gets wrong, by plain enumeration, and why.

No randomness and no shrinking: the programs come in the order of their size, so that the first wrong one is the
smallest, and the same on every run.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from autodiff.grading.adapter import Engine, located
from autodiff.grading.ladder import RUNGS, STATEFUL, Outcome, climb
from autodiff.grading.naming import Named, name_of, raises
from autodiff.grading.programs import (
    NAMES,
    POINTS,
    Answer,
    Form,
    Missing,
    Program,
    agrees,
    answer,
    code,
    completed,
    expected,
    expression,
    forms_of,
    node_names,
    plus_and_times,
    programs,
    shapes,
)
from autodiff.grading.report import EngineReport, Line, Number
from autodiff.grading.table import STATE, UNKNOWN
from autodiff.support.arguments import positive

VALUES, GRADIENTS, PROGRAMS = 10.0, 15.0, 10.0  # points of the rubric
SHAPE_POINTS = {
    "a node used twice": 10.0,
    "a diamond": 5.0,
    "the order of the pass": 10.0,
}  # the ladder has the other 40
MAX_SIZE = 4  # operations; of 4 there are millions of programs
ENDED = "the check ended before"
NONE = "no gradient could be computed"
METHODS = {
    **{"+": ("__add__", "__radd__"), "*": ("__mul__", "__rmul__"), "-": ("__sub__",), "/": ("__truediv__",)},
    **{"neg": ("__neg__",), "**": ("__pow__",), "**v": ("__pow__",)},
    **{"r+": ("__radd__", "__add__"), "r*": ("__rmul__", "__mul__")},
    **{"r-": ("__rsub__",), "r/": ("__rtruediv__",), "r**": ("__rpow__",)},
}


class Wrong(NamedTuple):
    """A program that an engine gets wrong."""

    program: Program
    point: tuple[float, float]
    right: Answer
    found: Answer


class Search:
    """The enumeration: what was tried, what is missing, and the first program that was wrong."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.tried = engine, 0
        self.missing: dict[str, str] = {}
        self.wrong: Wrong | None = None
        self.first: Program | None = None  # the first that was right
        self.forms: list[Form] = []
        self.values: dict[Form, bool] = {}
        self.gradients: dict[Form, bool] = {}
        self.plain: dict[Form, Wrong] = {}  # what answers a number where a node is expected
        self.shapes: dict[str, Wrong | None] = {}  # of those that the engine has

    def run(self, size: int) -> None:
        """Compare all programs, from the smallest, up to the first that is wrong.

        What is kept of earlier graphs makes each program take longer than the one before, and is wrong already.
        """
        candidates = forms_of(self.engine)
        for program in programs(candidates, 1):
            form = program[0].form
            wrong = self.compare(program)
            if wrong is not None:
                value = agrees(wrong.right.data[-1], wrong.found.data[-1], self.engine.single)
                self.values[form], self.gradients[form] = value and self.values.get(form, True), False
                self.wrong = self.wrong or wrong
        self.forms = [form for form in candidates if form in self.values]
        stateful = [rung for rung in RUNGS if rung.name in STATEFUL and self.wrong is None]
        kept = any([climb(rung, self.engine).fault is STATE for rung in stateful])
        for n in range(2, 0 if kept else size + 1):
            for program in programs(self.forms, n):
                if self.wrong is not None:
                    break
                self.wrong = self.compare(program)
        if self.wrong is None:  # a function whose number no other operation takes
            self.wrong = next(iter(self.plain.values()), None)
        both = plus_and_times(self.forms)
        if both is not None:
            for name, graphs in shapes(*both).items():
                self.shapes[name] = next(filter(None, map(self.compare, graphs)), None)
                self.wrong = self.wrong or self.shapes[name]

    def compare(self, program: Program) -> Wrong | None:
        """Return a program as wrong, if at some point it is."""
        for point in POINTS:
            right = expected(program, point)
            if right is None:
                continue
            try:
                found = answer(self.engine, program, point)
            except Missing as missing:
                self.lacks(program, str(missing))
                continue
            self.tried += 1
            wrong = Wrong(program, point, right, found)
            if found.plain and found.plain[-1] == len(found.data) - 1:
                value = agrees(found.data[-1], right.data[-1])
                if value:  # a plain number: what is missing is seen where it is used
                    self.values.setdefault(program[-1].form, True)
                    self.plain.setdefault(program[-1].form, wrong)
                    continue
            if not all(
                [agrees(f, r, self.engine.single) for f, r in zip(found.compared, right.compared, strict=False)]
            ):
                return wrong
            if len(program) == 1:
                self.values.setdefault(program[0].form, True)
            if found.raised is None:
                self.first = self.first or program
                if len(program) == 1:
                    self.gradients.setdefault(program[0].form, True)
            elif raises(program, found.raised):
                return wrong
            elif not self.engine.lacking:
                self.lacks(program, f"the backward pass raises {Missing(found.raised)}")
        return None

    def lacks(self, program: Program, why: str) -> None:
        """Remember what an engine does not have, if it is the last step alone that raised."""
        if len(program) == 1:
            form = program[0].form
            names = NAMES if form.arity == 2 and program[0].operands != (0, 0) else ("a", "a")
            self.missing.setdefault(form.written.format(*names), why)


def check_engine(engine: Any, *, names: Mapping[str, Any] | None = None, size: int = 2) -> EngineReport:
    """Return what is wrong with a class of values that somebody wrote: the smallest wrong program, and the mistake.

    All programs on two leaves are tried in the order of their size, with each operator and function that the class has,
    at two points, and compared with this engine; then a ladder of larger graphs. What the class does not have is
    missing, never wrong.

    >>> class Value:
    ...     def __init__(self, data):
    ...         self.data, self.grad, self.rule = data, 0.0, lambda: None
    ...     def __add__(self, other):
    ...         out = Value(self.data + other.data)
    ...         def rule():
    ...             self.grad = out.grad
    ...             other.grad = out.grad
    ...         out.rule = rule
    ...         return out
    ...     def backward(self):
    ...         self.grad = 1.0
    ...         self.rule()
    >>> report = check_engine(Value)
    >>> print(report.program)
    a = Value(3.0)
    out = a + a
    out.backward()
    print(a.grad)
    >>> report.expected["a.grad"], report.found["a.grad"], report.fault.name
    (2.0, 1.0, 'overwrites a gradient')

    Args:
        engine: the class.
        names: what it calls things, where it is not found: ``{"grad": "derivative"}``; the roles are constructor, data,
            grad, backward, zero_grad and functions such as tanh; a function does, too: ``{"data": lambda v: v.get()}``.
        size: up to how many operations all programs are tried; 3 takes some seconds.

    Raises:
        TypeError: if `engine` is no class.
        ValueError: `EngineError` if its data, gradient or backward pass is not found, and for a size out of range.
    """
    *_, report = stages(engine, names=names, size=size)
    return report


def stages(engine: Any, *, names: Mapping[str, Any] | None = None, size: int = 2) -> Iterator[EngineReport]:
    """Yield the report of `check_engine` as it grows: after the small programs, then after each rung of the ladder."""
    positive("size", size)
    if size > MAX_SIZE:
        raise ValueError(f"size must be at most {MAX_SIZE}: there are too many larger programs, got {size}")
    with warnings.catch_warnings():  # of theirs, such as NumPy's of an overflow, which the ladder remarks on
        warnings.simplefilter("ignore")
        theirs = Engine(engine, names)
        with theirs.lending():
            search = Search(theirs)
            search.run(size)
            if theirs.lacking:
                search.missing["backward()"] = theirs.lacking
            common: dict[str, Any] = {"tried": search.tried, "missing": search.missing, "took": str(theirs)}
            ok = search.wrong is None and bool(search.gradients)
            found = _wrong(theirs, search, search.wrong, common) if search.wrong else EngineReport(ok, **common)
            lines = _search_lines(search)
            rest = {rung.name: Line(rung.name, "not tried", 0.0, rung.weight, ENDED) for rung in RUNGS}
            yield replace(found, rubric=(*lines, *rest.values()))
            for rung in RUNGS:
                outcome = climb(rung, theirs)
                rest[rung.name] = _line(rung.name, rung.weight, outcome)
                if outcome.status == "wrong" and found.ok:
                    found = _fallen(theirs, outcome, common)
                remarks = tuple([line for line in rest.values() if line.status == "remark"])
                yield replace(found, rubric=(*lines, *rest.values()), remarks=remarks)


def _fallen(engine: Engine, outcome: Outcome, common: Mapping[str, Any]) -> EngineReport:
    """Return the report on a rung of the ladder that is wrong."""
    program, fault = outcome.program, outcome.fault or UNKNOWN
    outputs = [line.removeprefix("out = ") for line in program.splitlines() if line.startswith("out = ")]
    shown = outputs[0] if len(outputs) == 1 and outputs[0] != "c" else ""
    where = place(engine, Named(fault), None)
    return EngineReport(False, program, shown, outcome.expected, outcome.found, fault, place=where, **common)


def not_checked(error: str, output: str = "") -> EngineReport:
    """Return the report on an engine that could not be checked at all: every line of the rubric, without points."""
    weights = {"values": VALUES, "gradients": GRADIENTS, "all small programs": PROGRAMS, **SHAPE_POINTS}
    weights.update({rung.name: rung.weight for rung in RUNGS})
    rubric = tuple([Line(name, "not tried", 0.0, weight, error) for name, weight in weights.items()])
    return EngineReport(False, rubric=rubric, error=error, output=output)


def _wrong(engine: Engine, search: Search, wrong: Wrong, common: dict[str, Any]) -> EngineReport:
    program, point, right, found = wrong
    first = search.first or program
    named = name_of(engine, program, search.forms, first)
    used = [i for i in range(2) if any(i in step.operands for step in program)]
    data, grad = engine.names["data"], engine.names["grad"]
    keys = [f"out.{data}", *[f"{NAMES[i]}.{grad}" for i in used]]
    kept = [0, *[i + 1 for i in used]]
    names, last = (*NAMES, *node_names(program)), program[-1].form
    numbers = [
        Number(names[i], f"{names[i]}.{role}", kind, ours[i], yours[i], not agrees(ours[i], yours[i], engine.single))
        for kind, role, ours, yours, order in (
            ("value", data, right.data, found.data, range(len(names))),
            ("gradient", grad, right.grads, found.grads, completed(program) if found.grads else ()),
        )
        for i in order
        if i > 1 or i in used
    ]
    return EngineReport(
        ok=False,
        program=(code(engine, first, POINTS[0]) + "\n" if named.fault is STATE else "") + code(engine, program, point),
        expression=expression(program),
        expected={key: right.compared[i] for key, i in zip(keys, kept, strict=True)},
        found={key: found.compared[i] for key, i in zip(keys, kept, strict=True) if i < len(found.compared)},
        fault=named.fault,
        also=tuple([fault.name for fault in named.also]),
        place=named.place or place(engine, named, f"r{last.key}" if last.is_reflected else last.key),
        numbers=tuple(numbers),
        size=len(program),
        _steps=tuple([(f.key, f.key if f.key in engine.functions else f.code, ops) for f, ops in program]),
        _names=names[2:],
        _point=point,
        **common,
    )


def place(engine: Engine, named: Named, last: str | None) -> str:
    """Return the method to look at, with file and line where Python knows them."""
    key = named.key or last
    if named.fault.where == "constructor":
        names: Sequence[str] = ("__init__",)
    elif named.fault.where in ("__iadd__", "__radd__", "mean"):
        names = (named.fault.where,)
    elif named.fault.where == "backward" or key is None:
        names = (engine.names["backward"].strip(".").partition("(")[0],)
    else:
        names = METHODS.get(key) or (engine.names[key].replace("{}", "").strip(".() ").rpartition(".")[2],)
    if names == ("abs",):
        names = ("abs", "__abs__")
    found = engine.method(*names)
    return _where(found) if found else ""


def _where(function: Callable[..., Any]) -> str:
    function = inspect.unwrap(function)
    name = getattr(function, "__qualname__", str(function)).rpartition("<locals>.")[2]
    made = getattr(function, "__code__", None)
    return located(name, made.co_filename, made.co_firstlineno) if made else name


def _search_lines(search: Search) -> tuple[Line, ...]:
    """Return the lines of the rubric for what small programs show."""
    count = len(search.values)
    lines = []
    for name, weight, right in (("values", VALUES, search.values), ("gradients", GRADIENTS, search.gradients)):
        good = sum([right.get(form, False) for form in search.values])
        bad = [form.written.replace("{}", "a") for form in search.values if not right.get(form, False)]
        reason = (
            f"{good} of {count} operations have right {name}; not: {', '.join(bad[:8])}" if bad or not count else ""
        )
        status = "right" if count and good == count else "wrong" if False in right.values() else "not there"
        lines.append(Line(name, status, round(weight * good / count, 6) if count else 0.0, weight, reason))
    whole = search.wrong is None and bool(search.gradients)
    reason = "" if whole else f"wrong: {expression(search.wrong.program)}" if search.wrong else NONE
    status = "right" if whole else "wrong" if search.wrong else "not there"
    lines.append(Line("all small programs", status, PROGRAMS if whole else 0.0, PROGRAMS, reason))
    for name, weight in SHAPE_POINTS.items():
        if name not in search.shapes:
            lines.append(Line(name, "not there", 0.0, weight, "+ and * of two values do not both run"))
            continue
        if not search.gradients and search.shapes[name] is None:
            lines.append(Line(name, "not there", 0.0, weight, NONE))
            continue
        wrong = search.shapes[name]
        reason = f"wrong: {expression(wrong.program)}" if wrong else ""
        lines.append(Line(name, "wrong" if wrong else "right", 0.0 if wrong else weight, weight, reason))
    return tuple(lines)


def _line(name: str, weight: float, outcome: Outcome) -> Line:
    points = weight if outcome.status == "right" else 0.0
    return Line(name, outcome.status, points, weight, outcome.reason, outcome.fault.name if outcome.fault else "")
