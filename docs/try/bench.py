"""The page's Python: a program as text is read, run, and what one view of its loss shows is answered as plain data.

`answer` takes and gives JSON, so that nothing of the interpreter reaches the page but text. A program is a few lines of
Python that compute a loss. ``w = 3`` at the margin is a number to drag: it becomes ``Value(3.0, "w")``. A number that
must be a plain one, since it counts or indexes something, stays as it is, and so does the 0 at which a sum begins.

A program of formulas alone, `Program.plain`, is made of numbers, names, ``+ - * / **`` and functions of the package. It
can do nothing but compute, so that it runs even if it came with a link. Anything else runs when the learner says so.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import io
import json
import linecache
import math
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import autodiff
from autodiff import Value

MAX_TEXT = 8_000  # characters of a program
MAX_PRINTED = 20_000  # characters that are shown of what it prints
MAX_STEPS = 300  # of a training that is drawn while one drags
MAX_DRAGGED = 1e12  # of numbers to drag; larger ones are as they are written
MAX_CHOICES = 60  # leaves that one chooses from
COARSE = 12  # cells along each side of an error surface in the middle of a drag
HINTS = {  # by what Python says of things that are often written as in mathematics
    "invalid decimal literal": "A product is written with a star: 2 * x.",
    "for ^: ": "A power is written with two stars: x ** 2.",
    "can't multiply sequence by non-int": "A number has a decimal point, not a comma: 3.5.",
    "No module named": "This page has Python's own modules and autodiff.",
}
FILE = "program"  # what Python calls the program
ROOMS = ("autodiff.engine.functions", "autodiff.engine.reductions")
FUNCTIONS = {name for name in autodiff.__all__ if getattr(vars(autodiff).get(name), "__module__", "") in ROOMS}
FORMULA = (
    *(ast.Module, ast.Assign, ast.Expr, ast.Name, ast.Load, ast.Store, ast.Constant, ast.BinOp, ast.UnaryOp, ast.Call),
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.UAdd, ast.USub, ast.List, ast.Tuple),
)


class Trouble(Exception):
    """Something is to be told the learner: words, and the line if there is one."""

    def __init__(self, words: str, line: int | None = None) -> None:
        super().__init__(words)
        self.words, self.line = words, line


class Printed(io.TextIOBase):
    """What a program prints, which may be without end: the beginning is kept, and of the rest the lines are counted."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._room, self._more, self._lines = MAX_PRINTED, False, 0

    def print(self, *things: Any, **options: Any) -> None:
        """Print as Python does; what would be left out is not even made text, and counts as a line."""
        if self._room or "file" in options:
            print(*things, **options)
        else:
            self._more = True
            self._lines += 1

    def write(self, text: str) -> int:
        """Take a text."""
        kept, left = text[: self._room], text[self._room :]
        if kept:
            self._kept.append(kept)
            self._room -= len(kept)
        if left:
            self._more = True
            self._lines += left.count("\n")
        return len(text)

    def __str__(self) -> str:
        more = f"\n... and {f'{self._lines:,} lines ' if self._lines > 1 else ''}more" if self._more else ""
        return "".join(self._kept) + more


class Program:
    """A program, read: its numbers to drag, and whether it is made of formulas alone.

    Attributes:
        numbers: by name, the number to drag, with its place in the text.
        plain: whether it is made of formulas alone.
        missing: names that have no number, if it is plain.

    Raises:
        Trouble: if it is too long, or no Python.
    """

    def __init__(self, text: str) -> None:
        tree = _parsed(text)
        nodes = [*ast.walk(tree)]
        if len(nodes) == 1:
            raise Trouble("Nothing is written yet: write a formula, such as tanh(w * x + b), or choose an example.")
        called = [node.func for node in nodes if isinstance(node, ast.Call)]
        named = [node for node in nodes if isinstance(node, ast.Name)]
        named.sort(key=lambda name: (name.lineno, name.col_offset))
        known = {*autodiff.__all__, *dir(builtins), *[name.id for name in named if isinstance(name.ctx, ast.Store)]}
        self.plain = all(map(_is_formula, nodes))
        missing = [name.id for name in named if self.plain and name.id not in known and name not in called]
        self.missing = [*dict.fromkeys(missing)]
        self.numbers = self._numbers(tree, nodes, text)
        if self.plain:
            _as_floats(nodes)
        mentioned = {name.id for name in named}.intersection(autodiff.__all__)
        self._start = {"__name__": "__main__", "autodiff": autodiff, "math": math}
        self._start |= {name: getattr(autodiff, name) for name in mentioned}
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        assigned = [t.id for s in tree.body if isinstance(s, ast.Assign) for t in s.targets if isinstance(t, ast.Name)]
        self._assigned = {name: place for place, name in enumerate(assigned)}  # the last one counts
        try:
            self._code = compile(tree, FILE, "exec")
            self._result = compile(ast.Expression(last.value), FILE, "eval") if isinstance(last, ast.Expr) else None
        except SyntaxError as error:  # such as a return outside of a function
            raise Trouble(_message(error), error.lineno) from None

    def _numbers(self, tree: ast.Module, nodes: list[ast.AST], text: str) -> dict[str, dict[str, Any]]:
        """Return the numbers to drag, with their places; in the tree, those that are no plain ones become Values."""
        stored = Counter([node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)])
        counting = {name.id for node in nodes for part in _counting(node) for name in _names(part)}
        lines, numbers = text.split("\n"), {}
        for statement in tree.body:
            found = _number(statement)
            if found is None or found[0] in numbers:
                continue
            name, number, at = found
            if not number and stored[name] > 1:
                continue  # a sum begins
            line = lines[at.lineno - 1].encode()
            start, end = [
                len(line[:byte].decode().encode("utf-16-le")) // 2 for byte in (at.col_offset, at.end_col_offset)
            ]
            place = {"line": at.lineno - 1, "start": start, "end": end}  # in the units of JavaScript
            plain = name in counting and statement.value is at
            if abs(number) <= MAX_DRAGGED:
                numbers[name] = {"name": name, "value": number, **place, "whole": plain and isinstance(number, int)}
            if not plain:
                call = ast.Call(ast.Name("_value", ast.Load()), [ast.Constant(name), statement.value], [])
                statement.value = ast.fix_missing_locations(ast.copy_location(call, statement.value))
        return numbers

    def run(self, show: Callable[..., None], held: Mapping[str, Value] | None = None) -> tuple[Value, dict[str, Any]]:
        """Return the loss, and the names of the program.

        Args:
            show: its `print`.
            held: Values that it takes for its own numbers.
        """

        def value(name: str, made: Any) -> Value:
            return held[name] if held and name in held else made if isinstance(made, Value) else Value(made, name)

        names = {**self._start, "_value": value, "print": show}
        exec(self._code, names)
        assigned = {name: names[name] for name in self._assigned if isinstance(names.get(name), Value)}
        for name, node in assigned.items():
            node.label = node.label or name
        result = eval(self._result, names) if self._result else None
        if isinstance(result, Value) and result.op and not result.label:
            result.label = next(name for name in ("L", "out", "result", "") if name not in names)
        if not isinstance(result, Value):
            result = assigned[max(assigned, key=self._assigned.__getitem__)] if assigned else None
        if result is None:
            raise Trouble(
                "No Value came out. The last line, or the last name that is given a Value, is what is differentiated."
            )
        return result, names


def answer(request: str) -> str:
    """Return what a view shows of a program, as JSON; the request is JSON, too.

    Request: `text`; `view`, one of `VIEWS`; `trusted`, whether anything may run; `options` of the view. With the option
    `drag`, a view is answered in the middle of a drag: with what has other numbers now, and a layout that has not.

    Answer: `numbers` to drag; `missing`, or `waiting` if it is to be run by hand first; else `printed`, what came out
    as `value`, and the data of the view as `shown`; or `error` with its words, and the line if it has one.
    """
    asked = json.loads(request)
    found: dict[str, Any] = {}
    printed = Printed()
    try:
        program = Program(asked["text"])
        found["numbers"], found["plain"] = [*program.numbers.values()], program.plain
        if program.missing:
            found["missing"] = program.missing
        elif not (program.plain or asked["trusted"]):
            found["waiting"] = True
        else:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                loss, names = program.run(printed.print)
            found["value"] = f"{loss.data:.6g}"
            found["shown"] = VIEWS[asked["view"]](program, loss, names, asked.get("options") or {})
    except BaseException as error:  # whatever a learner's program raises, SystemExit too, is told
        found["error"] = _told(error)
    found["printed"] = str(printed)
    return json.dumps(found)


def _drawing(program: Program, loss: Value, names: dict[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the drawing; in the middle of a drag only its numbers, which are put into the one that is there."""
    loss.backward()
    drawing = _within(names, "_draw(_loss, local_derivatives=True)", _draw=autodiff.draw, _loss=loss)
    if not options.get("drag"):
        return {"svg": drawing.svg}
    scene = drawing._scene
    boxes = {box.id: [text for kind, text in box.texts if kind in ("data", "gradient")] for box in scene.boxes}
    return {"numbers": boxes | {arrow.id: [arrow.label] for arrow in scene.arrows}}


def _story(loss: Value, names: dict[str, Any]) -> Any:
    """Return the steps, and the names of leaves to choose from."""
    story = _within(names, "_steps(_loss)", _steps=autodiff.steps, _loss=loss)
    called = [story.name(leaf) for leaf in story.leaves if leaf.label]
    return story, (called or [*map(story.name, story.leaves)])[:MAX_CHOICES]


def _steps(program: Program, loss: Value, names: dict[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the steps; in the middle of a drag without their picture, unless modules with numbers are folded in it."""
    story, _ = _story(loss, names)
    return steps_told(story, drawn=not options.get("drag") or story._model is not None)


def _derivation(program: Program, loss: Value, names: dict[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    story, choices = _story(loss, names)
    if not choices:
        raise Trouble("Nothing was computed from anything: there is no derivative to derive.")
    wrt = options.get("wrt") if options.get("wrt") in choices else choices[0]
    made = _within(names, "_derive(_loss, wrt=_wrt)", _derive=autodiff.derive, _loss=loss, _wrt=story.node(wrt))
    return derivation_told(made) | {"choices": choices, "wrt": wrt}


def _exercise(program: Program, loss: Value, names: dict[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the exercise about all, or about a leaf and what is computed from it; in the middle of a drag the givens.

    Where all are too many questions, it is about the first leaf of which there are few enough.
    """
    story, choices = _story(loss, names)
    if options.get("drag"):
        return {"given": {story.name(leaf): story.short(leaf.data) for leaf in story.leaves}}
    asked = options.get("about") if options.get("about") in choices else ""
    troubles = []
    for about in [asked] if asked else ["", *choices]:
        nodes = _computed_from(story, about) if about else None
        try:
            made = _within(names, "_ask(_loss, about=_about)", _ask=autodiff.exercise, _loss=loss, _about=nodes)
            return exercise_told(made) | {"choices": ["", *choices], "about": about}
        except ValueError as error:
            troubles.append(error)
    raise troubles[0]


def _computed_from(story: Any, name: str) -> list[Value]:
    """Return a leaf of a story, given by its name, and all that is computed from it."""
    found = [story.node(name)]
    inside = {id(found[0])}
    for step in story.forward:
        if any(id(parent) in inside for parent in step.node.parents):
            found.append(step.node)
            inside.add(id(step.node))
    return found


def _training(program: Program, loss: Value, names: dict[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the walk of some of the program's numbers; with `detail`, each step to step through."""
    values = {
        name: names[name] for name in program.numbers if isinstance(names.get(name), Value) and not names[name].op
    }
    if not values:
        raise Trouble("A training moves numbers, and there are none to drag: begin with a line such as w = 1.")
    chosen = [name for name in options.get("on") or () if name in values] or _weights(values)
    rate = float(options.get("rate") or 0.1)
    steps = min(max(int(options.get("steps") or 20), 1), MAX_STEPS)
    moved = {name: values[name] for name in chosen}
    asked = {"_call": "_train(_forward, _moved, lr=_rate, steps=_steps)", "_train": autodiff.training_steps}
    asked |= {"_rate": rate, "_forward": lambda: program.run(_quiet, moved)[0], "_moved": [*moved.values()]}
    made, ending = _descended(lambda n: _within(names, **asked, _steps=n), steps)
    rows = [
        [format(number, ".6g") for number in (each.step, *each.numbers, *each.results, each.loss)]
        for each in made.rounds
    ]
    heads = ["step", *made.names, *made.results, made.root]
    shown = {"choices": [*values], "on": chosen, "rate": rate, "steps": steps, "heads": heads, "rows": rows}
    shown["surface"] = made._walk(COARSE) if options.get("drag") else made.surface
    more = {"detail": made.told} if options.get("detail") and not options.get("drag") else {}
    return shown | {"ending": ending} | more


def _descended(train: Callable[[int], Any], steps: int) -> tuple[Any, str]:
    """Return a training of at most so many steps, and how it ended: fewer, where numbers would leave all bounds."""
    try:
        told = train(steps)
        losses = [made.loss for made in told.rounds]
        bound = 1e3 * max(abs(losses[0]), 1.0)
        good = next((i for i, loss in enumerate(losses) if not math.isfinite(loss) or abs(loss) > bound), None)
    except (ArithmeticError, ValueError):
        if steps <= 1:
            raise
        told, _ = _descended(train, steps // 2)
        return told, "diverges"
    if good is None:
        start, end = abs(losses[0]), abs(losses[-1])
        return told, "settled" if end <= 1e-6 * max(start, 1e-300) else "goes on" if end < start else "no better"
    return (train(good) if good < steps and good else told), "diverges"


VIEWS: dict[str, Callable[..., dict[str, Any]]] = {
    **{"drawing": _drawing, "steps": _steps, "derivation": _derivation, "exercise": _exercise, "training": _training},
}


def cell(request: str) -> str:
    """Return what a cell of a lesson shows, as JSON; cells with one `lesson` see each other's names.

    Request: `lesson`; `code`; `anew`, whether earlier names are forgotten.

    Answer: `printed`, and `shown` as by `thing`, or an `error`. Lines that need a package that is not here, such as
    matplotlib, are left out; it is `without` them then.
    """
    asked = json.loads(request)
    names = _lessons.setdefault(asked["lesson"], {"__name__": "lesson"})
    if asked.get("anew"):
        names.clear()
        names["__name__"] = "lesson"
    printed, found = Printed(), {}
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            linecache.cache[FILE] = (len(asked["code"]), None, asked["code"].splitlines(True), FILE)
            for statement in ast.parse(asked["code"], FILE).body:
                found["shown"] = None
                try:
                    found["shown"] = thing(_done(statement, names))
                except (Lacking, ModuleNotFoundError, RuntimeError) as error:
                    if isinstance(error, RuntimeError) and "autodiff-scalar[plots]" not in str(error):
                        raise
                    found["without"] = True
                    names.update(dict.fromkeys(_stored(statement), Absent()))
    except BaseException as error:  # as in `answer`
        found["error"] = _told(error)
    found["printed"] = str(printed)
    return json.dumps(found)


class Lacking(Exception):
    """Something is used that is not here."""


class Absent:
    """What stands for things that would need a package that is not here."""

    def __getattr__(self, name: str) -> Any:
        raise Lacking(name)

    def __getitem__(self, place: Any) -> Any:
        raise Lacking(str(place))

    def __iter__(self) -> Iterator[Any]:
        raise Lacking


_lessons: dict[str, dict[str, Any]] = {}


def _done(statement: ast.stmt, names: dict[str, Any]) -> Any:
    """Do a statement; return what it answers if it is an expression."""
    if isinstance(statement, ast.Expr):
        return eval(compile(ast.Expression(statement.value), FILE, "eval"), names)
    exec(compile(ast.Module([statement], []), FILE, "exec"), names)
    return None


def _stored(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement would have given something."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.alias):
            yield node.asname or node.name.partition(".")[0]


def thing(result: Any) -> dict[str, Any] | None:
    """Return what is seen of an object, as data with its `kind`; nothing of None."""
    if result is None:
        return None
    kinds = (
        (autodiff.Drawing, "drawing", lambda drawing: {"svg": drawing.svg}),
        (autodiff.Steps, "steps", steps_told),
        (autodiff.TrainingSteps, "training", lambda training: {"detail": training.told}),
        (autodiff.Derivation, "derivation", derivation_told),
        (autodiff.Exercise, "exercise", exercise_told),
    )
    for kind, name, told in kinds:
        if isinstance(result, kind):
            return {"kind": name, **told(result)}
    bundle = result._repr_mimebundle_() if hasattr(result, "_repr_mimebundle_") else {}
    html = bundle.get("text/html") if isinstance(bundle, dict) else None
    return (
        {"kind": "html", "html": html}
        if html
        else {"kind": "text", "text": _cut(bundle.get("text/plain") or repr(result))}
    )


def steps_told(story: Any, drawn: bool = True) -> dict[str, Any]:
    """Return steps for the stepper, with their picture or without it."""
    from autodiff.show.stepper.frames import told

    if not drawn:
        return {"story": told(story, [])}
    views = story.views
    return {"svg": views[0].picture.svg, "story": told(story, views)}


def exercise_told(sheet: Any) -> dict[str, Any]:
    """Return an exercise for its sheet."""
    from autodiff.exercises.sheets.page import told as asked
    from autodiff.exercises.sheets.sheet import blank

    drawing = blank(sheet, "auto")
    return {"svg": drawing.svg, "sheet": asked(sheet, drawing, True)}


def derivation_told(made: Any) -> dict[str, Any]:
    """Return a derivation as lines: each derivative with what it equals, then what the names stand for."""
    if not made.lines:
        return {"lines": [[str(made).partition(" = ")[0], [str(made).partition(" = ")[2]]]], "where": []}
    lines = [[str(line.target), line.rows(made.number_format)] for line in made.lines]
    _, _, where = str(made).partition("\nwhere\n")
    return {"lines": lines, "where": [" ".join(line.split()) for line in where.splitlines()]}


def _quiet(*things: Any, **options: Any) -> None:
    """Print nothing: a program that is run again has said it all."""


def _within(names: dict[str, Any], _call: str, **more: Any) -> Any:
    """Return what a call answers that sees the program's names, by which it calls nodes."""
    return eval(_call, {**{name: thing for name, thing in names.items() if name not in _own}, **more})


_own = {*autodiff.__all__}  # the names that a program starts with name none of its nodes


def _weights(values: Mapping[str, Value]) -> list[str]:
    """Return the names that look like parameters, at most two for a surface; else the first two."""
    looks = [name for name in values if name[0] in "wb"]
    return (looks or [*values])[:2]


def _parsed(text: str) -> ast.Module:
    if len(text) > MAX_TEXT:
        raise Trouble(f"The program has {len(text):,} characters: at most {MAX_TEXT:,} are read.")
    try:
        return ast.parse(text, FILE)
    except SyntaxError as error:
        raise Trouble(_message(error), error.lineno) from None
    except (RecursionError, MemoryError):
        raise Trouble("The program is nested too deeply.") from None


def _is_formula(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return type(node.value) in (int, float)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS and not node.keywords
    if isinstance(node, ast.Assign):
        target = node.targets[0]
        return len(node.targets) == 1 and isinstance(target, ast.Name) and target.id not in autodiff.__all__
    return isinstance(node, FORMULA)


def _as_floats(nodes: Iterable[ast.AST]) -> None:
    """Make all numbers floats: whole ones could grow without bounds."""
    for node in nodes:
        if isinstance(node, ast.Constant) and type(node.value) is int:
            with contextlib.suppress(OverflowError):
                node.value = float(node.value)


def _counting(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of a node in which a number is a plain one."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        yield from node.args
    elif isinstance(node, ast.Subscript):
        yield node.slice
    elif isinstance(node, ast.keyword):
        yield node.value


def _names(node: ast.AST) -> Iterator[ast.Name]:
    return (part for part in ast.walk(node) if isinstance(part, ast.Name))


def _number(statement: ast.stmt) -> tuple[str, float, Any] | None:
    """Return the name, the number and its place, of ``w = 3`` and of ``w = Value(3.0, ...)``."""
    if not (
        isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name)
    ):
        return None
    value: Any = statement.value
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "Value" and value.args:
        value = value.args[0]
    sign, inner = 1, value
    while isinstance(inner, ast.UnaryOp) and isinstance(inner.op, ast.USub | ast.UAdd):
        sign, inner = (-sign if isinstance(inner.op, ast.USub) else sign), inner.operand
    if not (isinstance(inner, ast.Constant) and type(inner.value) in (int, float)):
        return None
    return statement.targets[0].id, sign * inner.value, value


def _told(error: BaseException) -> dict[str, Any]:
    """Return an error as Python words it, with the line of the program, and a hint if there is one."""
    if isinstance(error, Trouble):
        words, line = error.words, error.line
    else:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == FILE]
        line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
        words = _message(error)
    hints = [hint for sign, hint in HINTS.items() if sign in words]
    return {"words": "\n".join([_cut(words), *hints]), "line": line}


def _message(error: BaseException) -> str:
    """Return Python's own message, without the place: the name of the error, words, a suggestion if there is one."""
    told = [*traceback.TracebackException.from_exception(error).format_exception_only()]
    own = told[-1:] if isinstance(error, SyntaxError) else told
    return "".join(own).strip() or type(error).__name__


def _cut(text: str) -> str:
    return (
        text
        if len(text) <= MAX_PRINTED
        else f"{text[:MAX_PRINTED]}\n... and {len(text) - MAX_PRINTED:,} characters more"
    )
