"""The graphs of graded exercises: from one product to a step of descent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from autodiff.engine.functions import relu, sigmoid, tanh
from autodiff.engine.reductions import dot, mean
from autodiff.engine.value import Value

NICE = (-4.0, -3.0, -2.5, -2.0, -1.5, -0.5, 0.5, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0)
SMALL = (-2.0, -1.5, -1.0, -0.5, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)  # where a function would saturate
WHOLE = (-3.0, -2.0, -1.0, 1.0, 2.0, 3.0, 4.0)
RATES = (0.05, 0.1, 0.2)


class Pattern(NamedTuple):
    """A graph whose leaves are to be given numbers.

    Attributes:
        leaves: their names.
        build: makes the graph from them, in that order.
        numbers: of which the leaves may be.
        asked: the leaves that are asked about; all if None.
        weights: the leaves that a step of descent moves; none without such a step.
    """

    leaves: str
    build: Callable[..., Value]
    numbers: Sequence[float] = NICE
    asked: str | None = None
    weights: str = ""


def named(name: str, node: Value) -> Value:
    """Return a node that is called so."""
    node.label = name
    return node


def squared_error(y: Value, t: Value) -> Value:
    """Return L = d**2 of d = y - t."""
    return named("L", named("d", y - t) ** 2)


def _two_products(a: Value, b: Value, c: Value, d: Value) -> Value:
    return named("L", named("p", a * b) + named("q", c * d))


def _difference(a: Value, b: Value, c: Value) -> Value:
    return named("L", named("p", a * b) * named("q", b - c))


def _line(w: Value, x: Value, b: Value, t: Value) -> Value:
    return squared_error(named("y", named("z", w * x) + b), t)


def _product_and_sum(a: Value, b: Value) -> Value:
    return named("L", named("p", a * b) * named("s", a + b))


def _shared_sum(a: Value, b: Value, c: Value) -> Value:
    s = named("s", a + b)
    return named("L", named("p", s * a) + named("q", s * c))


def _shared_chain(a: Value, b: Value, c: Value) -> Value:
    s = named("s", a * b)
    return named("L", named("u", s + c) * s)


def _neuron(function: Callable[[Value], Value]) -> Callable[..., Value]:
    def build(w1: Value, x1: Value, w2: Value, x2: Value, b: Value, t: Value) -> Value:
        z = named("z", named("s", named("p", w1 * x1) + named("q", w2 * x2)) + b)
        return squared_error(named("y", function(z)), t)

    return build


def _one_one_one(w1: Value, x: Value, w2: Value, t: Value) -> Value:
    return squared_error(named("y", w2 * named("h", w1 * x)), t)


def _one_one_one_tanh(w1: Value, x: Value, w2: Value, t: Value) -> Value:
    return squared_error(named("y", w2 * named("h", tanh(named("z", w1 * x)))), t)


def _two_two_one(*leaves: Value) -> Value:
    x1, x2, w11, w12, w21, w22, v1, v2, t = leaves
    h1 = named("h1", relu(named("z1", dot([w11, w12], [x1, x2]))))
    h2 = named("h2", relu(named("z2", dot([w21, w22], [x1, x2]))))
    return squared_error(named("y", dot([v1, v2], [h1, h2])), t)


def _batch(w: Value, b: Value, x1: Value, t1: Value, x2: Value, t2: Value) -> Value:
    losses = []
    for i, x, t in ((1, x1, t1), (2, x2, t2)):
        y = named(f"y{i}", named(f"z{i}", w * x) + b)
        losses.append(named(f"e{i}", named(f"d{i}", y - t) ** 2))
    return named("L", mean(losses))


LEVELS: dict[int, tuple[str, tuple[Pattern, ...]]] = {
    1: ("one product", (Pattern("w x", lambda w, x: named("L", w * x)),)),
    2: (
        "sums that meet",
        (Pattern("a b c d", _two_products), Pattern("a b c", _difference), Pattern("w x b t", _line)),
    ),
    3: (
        "a shared node",
        (Pattern("a b", _product_and_sum), Pattern("a b c", _shared_sum), Pattern("a b c", _shared_chain)),
    ),
    4: (
        "a neuron",
        tuple([Pattern("w1 x1 w2 x2 b t", _neuron(f), SMALL) for f in (tanh, relu, sigmoid)]),
    ),
    5: ("the 1-1-1 network", (Pattern("w1 x w2 t", _one_one_one), Pattern("w1 x w2 t", _one_one_one_tanh, SMALL))),
    6: (
        "a 2-2-1 network",
        (Pattern("x1 x2 w11 w12 w21 w22 v1 v2 t", _two_two_one, WHOLE, "x1 w11 w12 w21 w22 v1 v2 t"),),
    ),
    7: ("a mean over a batch", (Pattern("w b x1 t1 x2 t2", _batch, WHOLE, "w b"),)),
    8: ("a step of descent", (Pattern("w x b t", _line, NICE, "w b t", "w b"),)),
}
