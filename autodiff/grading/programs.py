"""Small programs over two leaves, in order of size, and what an engine answers for them.

It knows how an engine is spoken to (`autodiff.grading.adapter`) and the calculus, and nothing of faults.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

from autodiff.engine import functions
from autodiff.engine.value import Value
from autodiff.grading.adapter import FUNCTIONS, Engine

POINTS = ((3.0, 2.0), (0.5, -0.75))  # no two rules that people confuse agree at both
MIN_NUMBER, MAX_NUMBER = 1e-4, 1e4  # sizes of numbers on the way (no unit): outside of them rounding is seen
NAMES = ("a", "b")
KINKED = ("relu", "abs", "sqrt")


class Form(NamedTuple):
    """One way of writing one operation.

    Attributes:
        key: the sign or function of the operation.
        code: how it is written, ``"2 - {}"``.
        arity: how many nodes it takes.
        apply: computes it with an engine.
        kink: a number of its operand at which the engines of this world differ, or None.
        own: how it is written in an engine that has it under a name of its own; empty for as in `code`.
    """

    key: str
    code: str
    arity: int
    apply: Callable[..., Any]
    kink: float | None = None
    own: str = ""

    @property
    def is_reflected(self) -> bool:
        """Whether it is a sum or product with a number on the left: an operation of the same key in another method."""
        return self.code in ("2 + {}", "2 * {}")

    @property
    def written(self) -> str:
        """How it is written in the engine."""
        return self.own or self.code


def _plus(engine: Engine, x: Any, y: Any) -> Any:
    return x + y


def _times(engine: Engine, x: Any, y: Any) -> Any:
    return x * y


# The order is that of the search: what shows a node used twice comes first.
# fmt: off
FORMS = (
    Form("+", "{} + {}", 2, _plus),
    Form("*", "{} * {}", 2, _times),
    Form("-", "{} - {}", 2, lambda e, x, y: x - y),
    Form("/", "{} / {}", 2, lambda e, x, y: x / y),
    Form("neg", "-{}", 1, lambda e, x: -x),
    Form("**", "{} ** 2", 1, lambda e, x: x**2, 0.0),
    Form("**", "{} ** 3", 1, lambda e, x: x**3, 0.0),
    Form("**", "{} ** -1", 1, lambda e, x: x**-1),
    Form("**", "{} ** 0.5", 1, lambda e, x: x**0.5, 0.0),
    *(
        Form(name, name, 1, lambda e, x, name=name: e.functions[name](x), 0.0 if name in KINKED else None)
        for name in FUNCTIONS
    ),
    Form("+", "{} + 2", 1, lambda e, x: x + 2),
    Form("-", "{} - 2", 1, lambda e, x: x - 2),
    Form("*", "{} * 2", 1, lambda e, x: x * 2),
    Form("/", "{} / 2", 1, lambda e, x: x / 2),
    Form("+", "2 + {}", 1, lambda e, x: 2 + x),
    Form("r-", "2 - {}", 1, lambda e, x: 2 - x),
    Form("*", "2 * {}", 1, lambda e, x: 2 * x),
    Form("r/", "2 / {}", 1, lambda e, x: 2 / x),
    Form("r**", "2 ** {}", 1, lambda e, x: 2**x),
    Form("**v", "{} ** {}", 2, lambda e, x, y: x**y, 0.0),
)
# fmt: on


class Step(NamedTuple):
    """One operation of a program, on nodes by their number: 0 is a, 1 is b, 2 the first that was computed."""

    form: Form
    operands: tuple[int, ...]


Program = tuple[Step, ...]


class Answer(NamedTuple):
    """What an engine answers for a program at a point.

    Attributes:
        data: the number of each node: the leaves, then the steps.
        grads: the gradient of each node.
        plain: the steps that answered a plain number and no node.
        raised: what the backward pass raised; then there are no gradients.
    """

    data: tuple[float, ...]
    grads: tuple[float, ...]
    plain: tuple[int, ...] = ()
    raised: Exception | None = None

    @property
    def compared(self) -> tuple[float, ...]:
        """The numbers that are right or wrong: the output, and the gradients of the leaves if there are any."""
        return (self.data[-1], *self.grads[:2])


class Missing(Exception):
    """The engine cannot do a step of a program."""

    def __init__(self, why: BaseException) -> None:
        super().__init__(f"{type(why).__name__}: {why}".removesuffix(": "))


def shapes(plus: Form, times: Form) -> dict[str, tuple[Program, ...]]:
    """Return larger graphs on which bookkeeping goes wrong, by the step of the lesson."""
    product = Step(times, (0, 1))
    return {
        "a node used twice": (
            (Step(plus, (0, 0)),),
            (Step(times, (0, 0)),),
            (product, Step(plus, (2, 2))),
            (Step(plus, (0, 1)), Step(times, (2, 2))),
        ),
        "a diamond": ((product, Step(plus, (2, 0)), Step(plus, (2, 1)), Step(times, (3, 4))),),
        "the order of the pass": (
            (product, Step(plus, (2, 0)), Step(times, (3, 2)), Step(plus, (4, 3))),
            (product, Step(times, (2, 2)), Step(plus, (0, 2)), Step(times, (4, 3)), Step(plus, (5, 2))),
            (product, Step(plus, (2, 0)), Step(times, (3, 1)), Step(plus, (4, 0)), Step(times, (5, 2))),
            (product, Step(plus, (2, 0)), Step(times, (3, 1)), Step(plus, (4, 0)), Step(times, (2, 5))),
        ),
    }


def nodes_of(engine: Engine, program: Program, point: Sequence[float]) -> list[Any]:
    """Return the nodes of a program: leaves, then steps.

    Raises:
        Missing: if the engine cannot do a step.
    """
    nodes = [engine.make(x) for x in point]
    for form, operands in program:
        try:
            nodes.append(form.apply(engine, *[nodes[i] for i in operands]))
            engine.data(nodes[-1])
        except Exception as error:  # whatever a stranger's operation raises: it is not there
            raise Missing(error) from error
    return nodes


def answer(engine: Engine, program: Program, point: Sequence[float], *, seed: bool = False) -> Answer:
    """Return what an engine answers for a program, with a graph of its own; with `seed`, the output has gradient 1.

    Raises:
        Missing: if the engine cannot do a step.
    """
    nodes = nodes_of(engine, program, point)
    data = tuple(map(engine.data, nodes))
    plain = tuple([i for i, node in enumerate(nodes) if not engine.owns(node)])
    if not plain or plain[-1] != len(nodes) - 1:
        try:
            if seed:
                engine.seed(nodes[-1])
            engine.backward(nodes[-1])
            return Answer(data, tuple(map(engine.grad, nodes)), plain)
        except Exception as error:  # whatever a stranger's backward pass raises
            return Answer(data, (), plain, error)
    return Answer(data, (0.0,) * len(nodes), plain)


def forms_of(engine: Engine) -> list[Form]:
    """Return the forms that an engine may have: operators all, functions those that were found; in their spelling."""
    found = [form for form in FORMS if form.key in engine.functions or "{}" in form.code]
    return [form._replace(own=_own(engine, form)) for form in found]


def _own(engine: Engine, form: Form) -> str:
    sign = "**" if form.key == "**v" else form.key
    written = engine.names.get(sign, "")
    left, _, right = form.code.partition(f" {sign} ")
    return written.format(left, right) if right and left == "{}" else "" if right else written


def plus_and_times(forms: Sequence[Form]) -> tuple[Form, Form] | None:
    """Return the sum and the product of two nodes, if an engine has both."""
    found = {form.key: form for form in forms if form.arity == 2}
    return (found["+"], found["*"]) if "+" in found and "*" in found else None


def programs(forms: Sequence[Form], size: int) -> Iterator[Program]:
    """Yield the programs of `size` steps, each of which uses all of its steps and begins with a.

    The last step changes slowest, and begins with sums and products.
    """
    for program in _sequences(forms, size):
        used = {i for step in program for i in step.operands}
        if all(i in used for i in range(2, size + 1)):
            yield program


def _sequences(forms: Sequence[Form], size: int) -> Iterator[Program]:
    if size == 0:
        yield ()
        return
    for form in forms:
        choices: list[tuple[int, ...]]
        if size == 1:
            choices = [(0,)] if form.arity == 1 else [(0, 0), (0, 1)]
        else:
            choices = list(product(range(size + 1), repeat=form.arity))
        for before in _sequences(forms, size - 1):
            for operands in choices:
                yield (*before, Step(form, operands))


OURS = Engine(Value, {name: getattr(functions, name) for name in FUNCTIONS})


def expected(program: Program, point: Sequence[float]) -> Answer | None:
    """Return the right answer; None where there is none: outside of a domain, at a kink, or where rounding is seen."""
    a, b = point
    nodes = [Value(a), Value(b)]
    for form, operands in program:
        held = [nodes[i] for i in operands]
        if form.kink is not None and any(node.data == form.kink for node in held):
            return None
        if form.key == "**v" and held[0].data <= 0:
            return None
        try:
            node = form.apply(OURS, *held)
        except (ArithmeticError, ValueError):
            return None
        if not MIN_NUMBER <= abs(node.data) <= MAX_NUMBER and node.data != 0:
            return None
        nodes.append(node)
    nodes[-1].backward()
    right = Answer(tuple([node.data for node in nodes]), tuple([node.grad for node in nodes]))
    return right if all(abs(x) <= MAX_NUMBER**2 for x in right.grads) else None


def agrees(found: float, right: float, single: bool = False) -> bool:
    """Whether a number is right to 6 digits, or 3 of float32."""
    return found == right or abs(found - right) <= (1e-3 if single else 1e-6) * max(1.0, abs(right))


def expression(program: Program) -> str:
    """Return the last step as an expression in a and b, as long as it may be."""
    written = list(NAMES)
    for form, operands in program:
        inner = [_operand(form, written[i]) for i in operands]
        written.append(form.written.format(*inner))
    return written[-1]


def _operand(form: Form, text: str) -> str:
    """Return an operand in parentheses where its expression is not a name and stands next to a sign or a point."""
    whole = re.fullmatch(r"[\w.]+(\([\w.]*\))?", text) or re.fullmatch(r"[\w.]+\(.*\)", form.written)
    return text if whole else f"({text})"


def node_names(program: Program) -> tuple[str, ...]:
    """Return what the steps are called: c, d, ... what is used twice, v1, v2, ... what is not, out the last."""
    uses = [i for step in program for i in step.operands]
    steps = range(2, len(program) + 1)
    return (*["cdefgh"[n - 2] if uses.count(n) > 1 else f"v{n - 1}" for n in steps], "out")


def completed(program: Program) -> Iterator[int]:
    """Yield the nodes by their numbers, in the order in which a backward pass completes their gradients."""
    waiting = [i for step in program for i in step.operands]
    yield len(program) + 1
    for _, operands in reversed(program):
        for i in operands:
            waiting.remove(i)
            if i not in waiting:
                yield i


def code(engine: Engine, program: Program, point: Sequence[float]) -> str:
    """Return a program as lines to paste, in the names of the engine; what is used twice has a line of its own."""
    uses = [i for step in program for i in step.operands]
    make, lines, written = engine.names["constructor"], [], []
    for i, (name, number) in enumerate(zip(NAMES, point, strict=True)):
        if i in uses:
            lines.append(f"{name} = {make.replace('3.0', repr(number))}")
        written.append(name)
    for n, ((form, operands), name) in enumerate(zip(program, node_names(program), strict=True), 2):
        text = form.written.format(*[_operand(form, written[i]) for i in operands])
        if name == "out" or uses.count(n) > 1:
            lines.append(f"{name} = {text}")
            text = name
        written.append(text)
    if engine.lacking:
        return "\n".join([*lines, f"print(out.{engine.names['data']})"])
    backward = engine.names["backward"]
    lines.append(f"out{backward}" if backward.startswith(".") else backward)
    lines += [f"print({name}.{engine.names['grad']})" for i, name in enumerate(NAMES) if i in uses]
    return "\n".join(lines)
