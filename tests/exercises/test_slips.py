"""What people get wrong, on graphs of all kinds: each slip was made on paper, and the exercise names it.

Numbers are what a person comes to who makes the slip, in closed form; nothing here asks the table of misconceptions.
"""

from functools import cache
from math import cos, exp, log, radians, sin, sqrt, tanh

import pytest

import autodiff as ad
from autodiff import Value, exercise


def leaves(**numbers):
    return [Value(number, name) for name, number in numbers.items()]


def named(name, node):
    node.label = name
    return node


def sigmoid(z):
    return 1 / (1 + exp(-z))


def likelihood():
    """-log p of a sigmoid neuron with z = 0.75."""
    w, x, b = leaves(w=0.5, x=2.0, b=-0.25)
    return named("L", -ad.log(named("p", ad.sigmoid(named("z", w * x + b)))))


def cross_entropy():
    z, t = leaves(z=0.8, t=0.25)
    p = named("p", ad.sigmoid(z))
    return named("L", -(t * ad.log(p) + (1 - t) * ad.log(1 - p)))


def quotient():
    (x,) = leaves(x=2.0)
    return named("L", x / named("v", x**2 + 1))


def ratio():
    a, b = leaves(a=3.0, b=-4.0)
    return named("q", named("n", a * b) / named("m", a + b))


def shares():
    a, b = leaves(a=1.0, b=2.0)
    return named("p", ad.exp(a) / named("s", ad.exp(a) + ad.exp(b)))


def gauss():
    (x,) = leaves(x=1.5)
    return named("L", ad.exp(-(x**2)))


def softplus():
    w, x, b = leaves(w=-0.5, x=3.0, b=0.7)
    return named("L", ad.softplus(named("z", w * x + b)))


def two_layers():
    w1, x, w2, t = leaves(w1=0.4, x=2.0, w2=-1.5, t=0.5)
    h = named("h", ad.tanh(named("z", w1 * x)))
    return named("L", 0.5 * named("d", named("y", w2 * h) - t) ** 2)


def neuron():
    w, x, b, t = leaves(w=0.3, x=-2.0, b=0.4, t=0.8)
    y = named("y", ad.tanh(named("z", w * x + b)))
    return named("L", named("d", y - t) ** 2)


def shared_weight():
    w, x, t = leaves(w=2.0, x=3.0, t=7.0)
    return named("L", (named("y", w * named("h", w * x)) - t) ** 2)


def meeting():
    a, b, c = leaves(a=2.0, b=3.0, c=-4.0)
    return named("L", named("u", a * b) * named("v", b + c))


def distance():
    x, y = leaves(x=3.0, y=1.5)
    return named("L", ad.sqrt(named("s", x**2 + y**2)))


def batch():
    w, x1, t1, x2, t2 = leaves(w=2.0, x1=1.5, t1=1.0, x2=-2.5, t2=-8.0)
    return named("L", ad.mean([named("e1", (w * x1 - t1) ** 2), named("e2", (w * x2 - t2) ** 2)]))


def wave():
    (x,) = leaves(x=0.6)
    return named("L", ad.cos(named("u", x**2)) * x)


def cubed():
    (x,) = leaves(x=2.0)
    return named("L", named("g", x**2 + 1) ** 3)


def logarithm():
    (x,) = leaves(x=0.7)
    u = named("u", x**3)
    return named("L", named("v", ad.log(u)) * u)


def chosen():
    a, b = leaves(a=2.0, b=3.0)
    return named("L", ad.maximum(a * b, named("s", a + b)) * a)


def rectified():
    w, x, b = leaves(w=-1.5, x=2.0, b=0.5)
    return named("L", ad.relu(named("z", w * x + b)) * 3 + w**2)


Z = 0.75
P, Q = sigmoid(Z), sigmoid(0.8)
G = exp(-2.25)
S, SP = sigmoid(-0.8), log(1 + exp(-0.8))
H = tanh(0.8)
D = -1.5 * H - 0.5
R = 3**2 + 1.5**2
E, F = exp(1), exp(2)
ONE_PATH = ("only the last path", "only the first path")

SLIPS = [  # the graph, the question, what a person answers, and what the slip is called
    (likelihood, "dL/dw", (1 - P) * 2, ("minus in front forgotten",)),
    (likelihood, "dL/dw", -P * P * (1 - P) * 2, ("rule upside down",)),
    (likelihood, "dL/dw", -2, ("value in place of derivative",)),
    (likelihood, "dL/dw", -2 / P, ("derivative forgotten",)),
    (likelihood, "dL/dw", -1 / P * Z * (1 - Z) * 2, ("input in place of output",)),
    (likelihood, "dL/dw", -1 / P * (1 - P * P) * 2, ("rule of another function",)),
    (likelihood, "dL/dw", -(1 - P) * 0.5, ("factors of a product swapped",)),
    (likelihood, "dL/db", -(1 - P) * -0.25, ("term in place of its derivative",)),
    (likelihood, "p", sigmoid(-Z), ("sign of the input",)),
    (likelihood, "p", tanh(Z), ("another function",)),
    (cross_entropy, "dL/dp", -(0.25 / Q + 0.75 / (1 - Q)), ("no minus on the second operand",)),
    (cross_entropy, "dL/dp", 0.25 / Q - 0.75 / (1 - Q), ("minus in front forgotten",)),
    (cross_entropy, "dL/dp", -0.25 / Q, ONE_PATH),
    (cross_entropy, "dL/dz", Q * (1 - Q), ("incoming gradient dropped",)),
    (quotient, "dL/dx", 1 / 4, ("quotient of the derivatives",)),
    (quotient, "dL/dx", (8 - 5) / 25, ("quotient rule in the wrong order",)),
    (quotient, "dL/dx", (5 + 8) / 25, ("no minus on the denominator",)),
    (quotient, "dL/dx", (5 - 8) / 5, ("quotient rule: v not squared",)),
    (quotient, "dL/dx", 5 - 8, ("quotient rule: v**2 left out",)),
    (quotient, "dL/dx", 1 / 5, ONE_PATH),
    (quotient, "dL/dx", -8 / 25, ONE_PATH),
    (ratio, "dq/dm", "n/m**2", ("no minus on the denominator",)),
    (ratio, "dq/dm", "-n/m", ("denominator not squared",)),
    (ratio, "dq/dm", "-1/m**2", ("numerator left out",)),
    (ratio, "dq/dm", "1/m", ("quotient: 1/y for both",)),
    (ratio, "dn/da", "a", ("factors of a product swapped",)),
    (shares, "dp/da", E / (E + F), ONE_PATH),
    (shares, "dp/db", exp(3) / (E + F) ** 2, ("no minus on the denominator",)),
    (gauss, "dL/dx", G, ("inner derivative forgotten",)),
    (gauss, "dL/dx", exp(-3), ("outer derivative at the inner derivative",)),
    (gauss, "dL/dx", 3 * G, ("minus in front forgotten",)),
    (gauss, "dL/dx", -2.25 * exp(-3.25) * -3, ("power rule on exp",)),
    (gauss, "dL/dx", -1.5 * G, ("factor n forgotten",)),
    (softplus, "dL/dw", SP * 3, ("value in place of derivative",)),
    (softplus, "dL/dw", (1 - S) * 3, ("sign of the input in the rule",)),
    (softplus, "dL/dw", S * (1 - S) * 3, ("differentiated twice",)),
    (two_layers, "dL/dw2", D * -1.5, ("factors of a product swapped",)),
    (two_layers, "dL/dw1", D * -1.5 * 2, ("derivative forgotten",)),
    (two_layers, "dL/dw1", D * (1 - H * H) * 2, ("product taken as a sum",)),
    (two_layers, "dL/dw2", 2 * D * H, ("constant factor forgotten",)),
    (two_layers, "dL/dw2", 0.5 * D * H, ("factor n forgotten",)),
    (two_layers, "dL/dw2", -D * H, ("difference turned round",)),
    (two_layers, "dL/dw1", D * -1.5 * (1 - H) * 2, ("square forgotten",)),
    (two_layers, "dL/dw1", D * -1.5 * (1 - 0.64) * 2, ("input in place of output",)),
    (two_layers, "dL/dw1", D * -1.5 * (1 + H * H) * 2, ("sign inside the rule turned",)),
    (neuron, "dy/dz", "1 - z**2", ("input in place of output",)),
    (neuron, "dy/dz", "y*(1 - y)", ("rule of another function",)),
    (neuron, "dy/dz", "y", ("value in place of derivative",)),
    (neuron, "dL/dd", "2*d**2", ("exponent not lowered",)),
    (neuron, "dL/dd", "d", ("factor n forgotten",)),
    (neuron, "dd/dt", "1", ("no minus on the second operand",)),
    (neuron, "dL/dw", "2*(y - t)", ("inner derivative forgotten",)),
    (neuron, "dL/dw", "dL/dz + x", ("sum in place of product",)),
    (shared_weight, "dL/dw", 60 * 60, ("paths multiplied",)),
    (shared_weight, "dL/dw", 2 * 120, ("counted twice",)),
    (meeting, "dL/db", 2, ("product of the derivatives",)),
    (meeting, "dL/db", 2 * -1, ONE_PATH),
    (meeting, "u", 5, ("product computed as a sum",)),
    (meeting, "v", 7, ("sum computed as a difference",)),
    (distance, "dL/dx", 1 / (2 * sqrt(R)), ("inner derivative forgotten",)),
    (distance, "dL/dx", 6 / (2 * R), ("input in place of output",)),
    (distance, "dL/dx", 0.5 * sqrt(R) * 6, ("exponent not lowered",)),
    (batch, "dL/dw", 2 * 1.5, ("only the first path", "only the last path")),
    (batch, "dL/dw", 0.5 * (3 + 3 * -2.5), ("factor n forgotten",)),
    (wave, "dL/du", "cos(u)*x", ("value in place of derivative",)),
    (wave, "dL/dx", cos(0.36) - sin(0.36) * 0.6, ("inner derivative forgotten",)),
    (wave, "dL/dx", -sin(0.36) * 1.2, ("product of the derivatives",)),
    (wave, "L", cos(radians(0.36)) * 0.6, ("degrees",)),
    (cubed, "dL/dx", 75, ("inner derivative forgotten",)),
    (cubed, "dL/dx", 3 * 4**2, ("outer derivative at the inner derivative",)),
    (cubed, "dL/dx", 75 * 2, ("factor n forgotten",)),
    (cubed, "dL/dx", 75 * (4 + 1), ("constant differentiated to itself",)),
    (logarithm, "du/dx", "3*x", ("power taken as a product",)),
    (logarithm, "du/dx", "2*x**2", ("factor n - 1",)),
    (logarithm, "dv/du", "u", ("rule upside down",)),
    (logarithm, "dv/du", "1/v", ("output in place of input",)),
    (logarithm, "dL/du", "v", ONE_PATH),
    (chosen, "dL/da", 6, ONE_PATH),
    (rectified, "dL/dw", 2 * 3 - 3, ("relu' = 1 everywhere",)),
]
each_slip = pytest.mark.parametrize(
    ("make", "question", "answer", "names"), SLIPS, ids=[f"{i}-{slip[0].__name__}" for i, slip in enumerate(SLIPS)]
)


@cache
def sheet(make):
    return exercise(make())


def written(answer):
    return answer if isinstance(answer, str) else format(answer, ".4g")


@each_slip
def test_a_slip_is_named_first_where_nothing_else_is_answered(make, question, answer, names):
    remark = sheet(make).check({question: written(answer)})[question]
    assert remark.verdict == "misconception"
    assert remark.misconceptions[0] in names
    assert remark.points == 0


@each_slip
def test_a_slip_is_named_among_right_answers(make, question, answer, names):
    others = {q.name: q.answer for q in sheet(make).questions}
    feedback = sheet(make).check(others | {question: written(answer)})
    assert set(feedback[question].misconceptions) & set(names)
    assert [name for name, remark in feedback.items() if remark.verdict != "right"] == [question]
