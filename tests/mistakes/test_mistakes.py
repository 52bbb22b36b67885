"""What each misconception makes of a number, against what a person gets who makes it: by hand, in closed form."""

from math import exp, log, log10, radians, sin, tanh

import pytest

import autodiff as ad
from autodiff import Value
from autodiff.mistakes import MISCONCEPTIONS, bent_gradients
from autodiff.mistakes.graph import Graph
from autodiff.mistakes.sweep import sweep


def sigmoid(z):
    return 1 / (1 + exp(-z))


def leaves(**numbers):
    return [Value(number, name) for name, number in numbers.items()]


def network():
    """The 1-1-1 network with the numbers of the lessons: d = 5, L = 25; right are 40, 60, 15, -10 for w1, w2, x, t."""
    w1, w2, x, t = leaves(w1=1.5, w2=1.0, x=4.0, t=1.0)
    return (w2 * (w1 * x) - t) ** 2


def difference():
    a, b = leaves(a=5.0, b=-3.0)
    return (a - b) * 7


def quotient():
    x, y = leaves(x=3.0, y=2.0)
    return x / y


def quotient_of_one():
    (x,) = leaves(x=2.0)
    return x / (x**2 + 1)


def cube():
    (x,) = leaves(x=0.5)
    return x**3


def power():
    x, y = leaves(x=3.0, y=2.0)
    return x**y


def neuron(function):
    """f(2 w - 0.5) of w = 0.6, so z = 0.7."""

    def build():
        w, b = leaves(w=0.6, b=-0.5)
        return function(2 * w + b)

    return build


def of(function, x):
    return lambda: function(*leaves(x=x))


def gauss():
    (x,) = leaves(x=1.5)
    return ad.exp(-(x**2))


def shared():
    """a (a + b) with a = 3, b = -4: contributions to a: -1 and 3."""
    a, b = leaves(a=3.0, b=-4.0)
    return a * (a + b)


def three_times():
    """a * a * tanh(a): contributions from tanh, and one from each factor."""
    (a,) = leaves(a=0.5)
    return a * a * ad.tanh(a)


def products():
    w1, x1, w2, x2 = leaves(w1=2.0, x1=3.0, w2=-1.0, x2=5.0)
    return w1 * x1 + w2 * x2


def diamond():
    """7 s s + e**(s - 5) with s = 5: s - 5 gives its 1 to s only after s has handed on 35 + 35."""
    a, b = leaves(a=2.0, b=3.0)
    s = a + b
    return (s * 7) * s + ad.exp(s - 5)


Z, Y, T = 0.7, sigmoid(0.7), tanh(0.7)
# The exercise, the node, and the number that the mistake leads to for its gradient; "" for the number of the output.
CASES = {
    "factors of a product swapped": (network, "w1", 90),
    "product taken as a sum": (network, "w2", 10),
    "neighbour's factor": (products, "w1", 5),
    "constant factor forgotten": (difference, "a", 1),
    "1/n of the mean missing": (lambda: ad.mean(leaves(x=1.0, y=4.0)), "x", 1),
    "sum divided": (lambda: ad.sum(leaves(x=1.0, y=4.0)), "x", 0.5),
    "sum taken as a product": (shared, "b", 3 * 3),
    "term in place of its derivative": (shared, "b", 3 * -4),
    "minus in front forgotten": (gauss, "x", 3 * exp(-2.25)),
    "no minus on the second operand": (network, "t", 10),
    "difference turned round": (difference, "a", -7),
    "no minus on the denominator": (quotient, "y", 3 / 4),
    "quotient: 1/y for both": (quotient, "y", 1 / 2),
    "denominator not squared": (quotient, "y", -3 / 2),
    "numerator left out": (quotient, "y", -1 / 4),
    "quotient rule in the wrong order": (quotient_of_one, "x", (8 - 5) / 25),
    "quotient: operands swapped": (quotient, "x", -3 / 4),
    "quotient rule: v not squared": (quotient_of_one, "x", (5 - 8) / 5),
    "quotient rule: v**2 left out": (quotient_of_one, "x", 5 - 8),
    "exponent not lowered": (cube, "x", 3 / 8),
    "factor n forgotten": (cube, "x", 1 / 4),
    "power taken as a product": (cube, "x", 3 / 2),
    "factor n - 1": (cube, "x", 2 / 4),
    "exponent raised": (cube, "x", 3 / 16),
    "power integrated": (cube, "x", 1 / 64),
    "power rule on the exponent": (power, "y", 2 * 3),
    "logarithm forgotten": (power, "y", 9),
    "value in place of derivative": (neuron(ad.tanh), "w", 2 * T),
    "derivative forgotten": (neuron(ad.sigmoid), "b", 1),
    "relu' = 1 everywhere": (of(ad.relu, -2.0), "x", 1),
    "branches confused": (of(ad.abs, -2.0), "x", 1),
    "input in place of output": (neuron(ad.tanh), "w", 2 * (1 - Z**2)),
    "output in place of input": (of(ad.log, 3.0), "x", 1 / log(3)),
    "rule of another function": (neuron(ad.sigmoid), "w", 2 * (1 - Y**2)),
    "sign of the input in the rule": (of(ad.softplus, 0.7), "x", 1 - Y),
    "square forgotten": (neuron(ad.tanh), "w", 2 * (1 - T)),
    "sign inside the rule turned": (neuron(ad.sigmoid), "b", Y * (1 + Y)),
    "last part of the rule left out": (of(ad.silu, 0.7), "x", Y),
    "first part of the rule left out": (neuron(ad.sigmoid), "b", 1 - Y),
    "constant of the rule forgotten": (of(ad.sqrt, 9.0), "x", 1 / 3),
    "rule upside down": (of(ad.log, 3.0), "x", 3),
    "sign of the derivative of a function": (of(ad.cos, 0.4), "x", sin(0.4)),
    "power rule on exp": (of(ad.exp, 2.0), "x", 2 * exp(1)),
    "differentiated twice": (of(ad.sin, 0.4), "x", -sin(0.4)),
    "all operands of max": (lambda: ad.maximum(*leaves(x=1.0, y=4.0)), "x", 1),
    "the other operand of max": (lambda: ad.maximum(*leaves(x=1.0, y=4.0)), "x", 1),
    "inner derivative forgotten": (network, "w1", 10),
    "outer derivative at the inner derivative": (gauss, "x", exp(-3)),
    "outer derivative at the variable": (gauss, "x", exp(1.5) * -3),
    "product of the derivatives": (shared, "a", 1 * 1),
    "quotient of the derivatives": (quotient_of_one, "x", 1 / 4),
    "constant differentiated to itself": (shared, "a", (3 - 4) + 3 * (1 - 4)),
    "factor taken for 0": (network, "w1", 0),
    "incoming gradient dropped": (network, "w1", 4),
    "local derivative left out": (network, "w1", 1),
    "sum in place of product": (network, "t", 10 - 1),
    "quotient in place of product": (quotient, "x", 1 / 0.5),
    "data in place of gradient": (network, "t", -5),
    "sign": (quotient, "x", -1 / 2),
    "seed is the output": (network, "w1", 1000),
    "seed missing": (network, "w1", 0),
    "sign of everything": (network, "w1", -40),
    "only the last path": (shared, "a", 3),
    "only the first path": (shared, "a", -1),
    "last path forgotten": (three_times, "a", 0.5**2 * (1 - tanh(0.5) ** 2) + 0.5 * tanh(0.5)),
    "paths multiplied": (shared, "a", -1 * 3),
    "paths averaged": (shared, "a", (-1 + 3) / 2),
    "paths subtracted": (shared, "a", -1 - 3),
    "counted twice": (shared, "a", 2 * (-1 + 3)),
    "gradients not set to zero": (network, "w1", 80),
    "inner gradients kept": (network, "w1", (10 + (10 + (10 + 10))) * 4),
    "not in topological order": (diamond, "a", 35 + 35),
    "product computed as a sum": (products, "", 5 + 4),
    "sum computed as a product": (products, "", 6 * -5),
    "sum computed as a difference": (products, "", 6 + 5),
    "difference computed as a sum": (difference, "", 2 * 7),
    "difference computed the wrong way round": (difference, "", -8 * 7),
    "quotient computed the wrong way round": (quotient, "", 2 / 3),
    "power computed as a product": (cube, "", 3 / 2),
    "power left out": (cube, "", 1 / 2),
    "square of a negative number": (of(lambda x: x**2, -3.0), "", -9),
    "function left out": (neuron(ad.tanh), "", Z),
    "another function": (neuron(ad.tanh), "", Y),
    "sign of the input": (neuron(ad.sigmoid), "", 1 - Y),
    "degrees": (of(ad.sin, 2.0), "", sin(radians(2))),
    "logarithm to the base 10": (of(ad.log, 3.0), "", log10(3)),
    "mean not divided": (lambda: ad.mean(leaves(x=1.0, y=4.0)), "", 5),
    "bias left out": (lambda: ad.dot(leaves(w=2.0), leaves(x=3.0), *leaves(b=0.5)), "", 6),
    "sign of the value": (cube, "", -1 / 8),
    "step uphill": (network, "w1", 1.5 + 0.01 * 40),
    "step without the rate": (network, "w1", 1.5 - 40),
    "step alone": (network, "w1", 0.01 * 40),
    "step turned alone": (network, "w1", -0.01 * 40),
    "gradient left out of the step": (network, "w1", 1.5 - 0.01),
    "step divided by the rate": (network, "w1", 1.5 - 40 / 0.01),
}
ALIKE = {  # the others that lead to the same numbers on all of that exercise
    "relu' = 1 everywhere": ["branches confused"],
    "branches confused": ["output in place of input", "relu' = 1 everywhere", "sign of the derivative of a function"],
    "constant of the rule forgotten": ["factor n forgotten"],
    "sign of the derivative of a function": ["sign of the input in the rule"],
    "product of the derivatives": ["paths averaged"],
    "paths averaged": ["product of the derivatives"],
    "difference computed the wrong way round": ["sign of the value"],
    "square of a negative number": ["sign of the value"],
}
RATE = 0.01


def numbers(build, row=None):
    """All numbers of an exercise: right ones, or those of a person who makes the mistake everywhere."""
    graph = Graph(build())
    made = sweep(graph, *([] if row is None else [row]), rate=RATE)
    return graph, made


@pytest.mark.parametrize("name", CASES)
def test_a_misconception_leads_to_the_number_that_a_person_gets(name):
    build, leaf, expected = CASES[name]
    row = MISCONCEPTIONS[name]
    graph, made = numbers(build, row)
    _, right = numbers(build)
    labels = {node.label: i for i, node in enumerate(graph.nodes)}
    kind = "value" if not leaf else "update" if row.step else "gradient"
    key = (kind, labels[leaf] if leaf else graph.root, 0)
    assert made.number(key) == pytest.approx(expected)
    assert right.number(key) != pytest.approx(expected), "nothing would show the mistake here"
    assert row.applies(graph, RATE)


def test_every_misconception_has_its_exercise():
    assert set(CASES) == set(MISCONCEPTIONS)


def test_the_right_numbers_are_those_of_the_engine():
    for build, _, _ in CASES.values():
        graph, right = numbers(build)
        graph.nodes[graph.root].backward()
        assert list(right.gradients) == [node.grad for node in graph.nodes]
        assert list(right.values) == [node.data for node in graph.nodes]


def alike(name):
    """The other misconceptions that lead to the same numbers on all of an exercise."""
    build, *_ = CASES[name]
    graph, made = numbers(build, MISCONCEPTIONS[name])
    others = [row for row in MISCONCEPTIONS.values() if row.name != name and row.applies(graph, RATE)]
    return {row.name for row in others if every(graph, sweep(graph, row, rate=RATE)) == every(graph, made)}


def every(graph, made):
    leaves = [i for i, parents in enumerate(graph.parents) if not parents]
    return (
        *(list(made.values), made.locals, made.contributions),
        *(list(made.gradients), [made.updates(leaf) for leaf in leaves]),
    )


@pytest.mark.parametrize("name", CASES)
def test_what_a_misconception_is_confused_with_is_known(name):
    assert alike(name) == set(ALIKE.get(name, ()))


def test_a_mistake_can_be_made_at_one_node_alone():
    w1, w2, x, t = leaves(w1=1.5, w2=1.0, x=4.0, t=1.0)
    hidden = w1 * x
    loss = (w2 * hidden - t) ** 2
    bent = bent_gradients(loss, MISCONCEPTIONS["factors of a product swapped"], at=hidden)
    assert [bent[leaf] for leaf in (w1, w2, x, t)] == [10 * 1.5, 60, 10 * 4, -10]


def test_an_answer_is_gone_on_with():
    graph = Graph(network())
    (d,) = graph.parents[graph.root]
    made = sweep(graph, given={("value", d, 0): 7.0})
    assert made.values[graph.root] == 49
    assert made.gradients[d] == 14


def test_a_row_of_ones_own_needs_nothing_here():
    """A sine that somebody writes has all the mistakes that can be made with a sine."""
    own = ad.Op("own_sine", sin, lambda out, x: (ad.cos(x),), "own_sine({x})")
    (x,) = leaves(x=0.4)
    for name, number in {
        "value in place of derivative": sin(0.4),
        "derivative forgotten": 1,
        "sign of the derivative of a function": -ad.cos(0.4),
        "output in place of input": ad.cos(sin(0.4)),
        "differentiated twice": -sin(0.4),
    }.items():
        assert bent_gradients(own(x), MISCONCEPTIONS[name])[x] == pytest.approx(number)


def test_rows_say_what_was_done_why_and_where_to_look():
    for row in MISCONCEPTIONS.values():
        assert row.did
        assert row.why.endswith((".", "!"))
        assert row.look
        assert not row.did.endswith(".")
