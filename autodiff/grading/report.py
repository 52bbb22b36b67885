"""What a check of an engine found, as one object: the answer in the words of a lesson, and points by a rubric.

It knows no engine: only names, numbers and texts, so that it crosses from one process to another.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from html import escape
from typing import TYPE_CHECKING, Any

from autodiff.engine.value import Value
from autodiff.grading.table import Fault
from autodiff.support.labels import printable, short

if TYPE_CHECKING:  # only who asks for a drawing waits for what draws
    from autodiff.show.picture.drawing import Drawing
    from autodiff.show.stepper.steps import Steps

NOTHING = "No operation runs yet: see what is not there."


@dataclass(frozen=True)
class Line:
    """One line of the rubric.

    Attributes:
        name: the step of the lesson.
        status: "right"; "wrong", a number is; "remark", there is something to say though no number is wrong; "not
            there", the engine has no such thing; "not tried", nothing could be.
        points: what was reached, from 0 to `maximum`.
        maximum: what can be reached.
        reason: why points are missing; empty where none is.
        fault: the name of the mistake, where the step shows one.
    """

    name: str
    status: str
    points: float
    maximum: float
    reason: str = ""
    fault: str = ""

    def __post_init__(self) -> None:
        """Clip the points, to 6 places: no tool is ever given nan, a negative number or more than the maximum."""
        clipped = min(max(self.points, 0.0), self.maximum) if math.isfinite(self.points) else 0.0
        object.__setattr__(self, "points", round(float(clipped), 6))

    def __str__(self) -> str:
        return f"{self.status}: {self.reason}" if self.reason else self.status


@dataclass(frozen=True)
class Number:
    """One number of the smallest wrong program, twice.

    Attributes:
        node: whose it is: ``a``, ``b``, ``out``, and in between ``v1``, or as the program calls it.
        name: ``b.data``, ``a.grad``, in the names of the engine.
        kind: "value" or "gradient".
        right: what it should be.
        found: what it is in the engine.
        departs: whether they differ.
    """

    node: str
    name: str
    kind: str
    right: float
    found: float
    departs: bool


@dataclass(frozen=True, repr=False)
class EngineReport:
    """What a check of an engine found. Printed, it is the answer for the learner.

    Attributes:
        ok: whether all values and gradients of a first backward pass were right.
        program: the smallest wrong program, as lines to paste in the names of the engine; empty if there is none.
        expression: the same as one expression.
        expected: the right numbers of that program, by name: ``{"out.data": 9.0, "a.grad": 6.0}``.
        found: the engine's numbers.
        fault: the mistake that explains them, a row with `name`, `did`, `why` and `look`; None if nothing is wrong.
        also: names of other mistakes that explain them as well.
        place: the method to look at, with file and line where Python knows them.
        numbers: all numbers of the program, in the order in which they are computed.
        size: how many operations the program has.
        tried: how many programs were compared.
        missing: what the engine does not have, with the reason: ``{"2 ** a": "TypeError: ..."}``.
        remarks: what the ladder found that is no wrong number.
        rubric: the lines of the rubric.
        took: what was taken for what in the engine.
        error: why nothing could be checked at all; empty if something was.
        output: what the engine printed, where it was checked in a process of its own.
    """

    ok: bool
    program: str = ""
    expression: str = ""
    expected: Mapping[str, float] = field(default_factory=dict)
    found: Mapping[str, float] = field(default_factory=dict)
    fault: Fault | None = None
    also: tuple[str, ...] = ()
    place: str = ""
    numbers: tuple[Number, ...] = ()
    size: int = 0
    tried: int = 0
    missing: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[Line, ...] = ()
    rubric: tuple[Line, ...] = ()
    took: str = ""
    error: str = ""
    output: str = ""
    _steps: tuple[tuple[str, str, tuple[int, ...]], ...] = ()
    _names: tuple[str, ...] = ()
    _point: tuple[float, float] = (0.0, 0.0)

    def step(self, name: str) -> Line:
        """Return the line of the rubric for a step of the lesson: ``report.step("a node used twice").points``.

        Raises:
            ValueError: if there is no such step.
        """
        for line in self.rubric:
            if line.name == name:
                return line
        raise ValueError(f"there is no step {name!r}: there are {', '.join([line.name for line in self.rubric])}")

    @property
    def score(self) -> float:
        """The points that were reached: finite, from 0 to `maximum`, to 6 places."""
        return round(min(max(math.fsum([line.points for line in self.rubric]), 0.0), self.maximum), 6)

    @property
    def maximum(self) -> float:
        """The points that can be reached: 100."""
        return 100.0

    @property
    def departs(self) -> Number | None:
        """The first number that is not right, in the order in which they are computed: values, then gradients."""
        return next((number for number in self.numbers if number.departs), None)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as texts, numbers, lists and dictionaries; a number that is not finite is a text."""
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name[0] != "_"}
        fault = self.fault
        plain["fault"] = fault and {key: getattr(fault, key) for key in ("name", "did", "why", "look")}
        for name in ("numbers", "remarks", "rubric"):
            plain[name] = [{f.name: getattr(line, f.name) for f in fields(line)} for line in plain[name]]
        return _plain({**plain, "also": list(self.also), "score": self.score, "maximum": self.maximum})  # type: ignore[no-any-return]  # a dict stays one

    def dumps(self) -> str:
        """Return the report as JSON from which `loads` makes it again, in another process."""
        fault = self.fault and list(self.fault[:5])
        return json.dumps({**asdict(replace(self, fault=None)), "fault": fault})

    @classmethod
    def loads(cls, text: str) -> EngineReport:
        """Return the report that `dumps` has written."""
        held = json.loads(text)
        held["fault"] = Fault(*held["fault"]) if held["fault"] else None
        for name, kind in (("numbers", Number), ("remarks", Line), ("rubric", Line)):
            held[name] = tuple([kind(**line) for line in held[name]])
        held["also"], held["_point"], held["_names"] = tuple(held["also"]), tuple(held["_point"]), tuple(held["_names"])
        held["_steps"] = tuple([(key, code, tuple(operands)) for key, code, operands in held["_steps"]])
        return cls(**held)

    def sentences(self) -> list[str]:
        """Return the answer for the learner, a line each: what is wrong, why, and where to look."""
        if self.error:
            return [f"Nothing could be checked: {self.error}"]
        if self.ok:
            return [f"All values and gradients are right, in {self.tried:,} small programs and on the ladder."]
        if not self.expected:
            why = self.missing.get("backward()", "no backward pass runs: see what is not there")
            values = [line for line in self.rubric if line.name == "values" and line.points]
            return [f"All values so far are right, and no gradient is there yet: {why}."] if values else [NOTHING]
        wrong = [name for name, found in self.found.items() if short(self.expected[name]) != short(found)]
        told = ", ".join(
            [f"your {name} is {short(self.found[name])}, right is {short(self.expected[name])}" for name in wrong]
        )
        lines = [
            f"In {self.expression or 'this program'} {told or 'your backward pass raises an error'}.",
            "",
            *[f"    {line}" for line in self.program.splitlines()],
            "",
        ]
        fault = self.fault
        if fault:
            lines += [f"{fault.name}: {fault.did}. {fault.why}"]
            lines += [f"Or: {', or '.join(self.also)}: these explain the same numbers."] if self.also else []
            lines += [self.where]
        first = self.departs
        if first:
            lines += [
                f"The first number that departs is {first.name}: {short(first.found)}, right is {short(first.right)}."
            ]
        return lines

    def _not_there(self) -> Iterator[str]:
        """Yield what is missing, with the reason where it is more than that Python finds no method."""
        plain = [form for form, why in self.missing.items() if re.match("TypeError: (unsuppor|bad op)", why)]
        if plain:
            yield f"Not there: {', '.join(plain)}"
        for form, why in self.missing.items():
            if form not in plain and form != "backward()":  # which the first sentence has
                yield f"Not there: {form} ({why})"

    def __str__(self) -> str:
        lines = self.sentences()
        if self.numbers:
            rows = [("number", "right", "yours", "")]
            rows += [
                (n.name, short(n.right), short(n.found), "<- departs" if n is self.departs else "")
                for n in self.numbers
            ]
            widths = [max(len(row[i]) for row in rows) for i in range(3)]
            lines += [
                "",
                *[
                    "  ".join([f"{t:>{w}}" for t, w in zip(row, widths, strict=False)] + [row[3]]).rstrip()
                    for row in rows
                ],
            ]
        lines += (
            [
                "",
                *[
                    f"Remark, {line.name}: {line.fault + ': ' if line.fault else ''}{line.reason}."
                    for line in self.remarks
                ],
            ]
            if self.remarks
            else []
        )
        lines += ["", *self._not_there()] if self.missing else []
        lines += ["", f"Taken: {self.took}."] if self.took else []
        lines += [f"Score: {self.score:g} of {self.maximum:g}."]
        return printable("\n".join(lines))

    def __repr__(self) -> str:
        return str(self)

    @property
    def drawing(self) -> Drawing:
        """The smallest wrong program as a drawing: our gradients in the boxes, the engine's in their names.

        Raises:
            ValueError: if there is no such program, or it is one of the ladder.
        """
        from autodiff.show.picture.drawing import draw

        nodes = self._graph()
        yours = {number.node: number for number in self.numbers}  # the last of a node: its gradient
        for node in nodes:
            number = yours.get(node.label)
            if number and number.departs:
                node.label = f"{node.label} (yours: {short(number.found)})"
        nodes[-1].backward()
        return draw(nodes[-1], fold="none")

    @property
    def steps(self) -> Steps:
        """The smallest wrong program step by step: the engine's numbers beside ours, the first that departs marked.

        Raises:
            ValueError: if there is no such program, or it is one of the ladder.
        """
        from autodiff.show.stepper.steps import Steps
        from autodiff.show.story.beside import Other

        nodes = self._graph()
        ids = {node.label: id(node) for node in nodes}
        held = {kind: {ids[n.node]: n.found for n in self.numbers if n.kind == kind} for kind in ("value", "gradient")}
        fault = self.fault
        words = (fault.did, fault.why, self.where) if fault else ()
        other = Other("your engine", words, held["gradient"], held["value"])
        return Steps(nodes[-1], {node.label: node for node in nodes}, beside=other)

    @property
    def where(self) -> str:
        """Where to look for the mistake, as a sentence; empty if there is none."""
        look = self.fault.look if self.fault else ""
        return (f"Look at {self.place}: {look}." if self.place else f"Look for {look}.") if look else ""

    def _graph(self) -> list[Value]:
        """Return the nodes of the smallest wrong program, computed by this engine and labelled as `numbers` are."""
        if not self._steps:
            raise ValueError("there is no small wrong program to draw: see `program`, `remarks` and `rubric`")
        from autodiff.grading.programs import FORMS, OURS  # here, since a report needs no engine otherwise

        nodes = [Value(x, label=name) for x, name in zip(self._point, "ab", strict=True)]
        for n, (key, code, operands) in enumerate(self._steps, 1):
            form = next(f for f in FORMS if (f.key, f.code) == (key, code))
            nodes.append(form.apply(OURS, *[nodes[i] for i in operands]))
            nodes[-1].label = self._names[n - 1]
        return nodes

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        if not self._steps:
            return {"text/plain": str(self)}
        bundle = self.steps._repr_mimebundle_()
        shown = bundle.get("text/html", "")
        return {"text/html": f"<pre>{escape(str(self))}</pre>{shown}", "text/plain": str(self)}


def _plain(thing: Any) -> Any:
    if isinstance(thing, Mapping):
        return {str(key): _plain(held) for key, held in thing.items()}
    if isinstance(thing, list | tuple):
        return [_plain(held) for held in thing]
    if isinstance(thing, float) and not math.isfinite(thing):
        return str(thing)
    return thing
