"""What is asked about a graph: every number once, by the names of the ledger, in an order that can be followed."""

import math
import re
from itertools import pairwise

import pytest

import autodiff
from autodiff import Value, dot, exercise, relu, tanh
from autodiff.formulas.parse import parse
from autodiff.mistakes import MISCONCEPTIONS


def leaves(**numbers):
    return [Value(number, name) for name, number in numbers.items()]


def neuron(**options):
    w, x, b, t = leaves(w=0.5, x=4.0, b=-1.0, t=1.0)
    z = w * x + b
    y = tanh(z)
    L = (y - t) ** 2
    return exercise(L, **options)


def diamond():
    a, b = leaves(a=2.0, b=3.0)
    s = a * b
    p = s * a
    L = p * s
    return exercise(L)


def many():
    """A node of every kind that formulas write in a way of their own."""
    x, y, k = leaves(x=0.5, y=2.0, k=-1.5)
    parts = [relu(x * y), autodiff.maximum(x, k), autodiff.where(y, x * k, y), autodiff.abs(k), autodiff.sqrt(y)]
    parts += [x**3, y**x, autodiff.softplus(k), autodiff.elu(k), autodiff.exp(-(x**2)), 2 * x - 3 / y]
    L = autodiff.mean([*parts, dot([x, y], [k, x], 0.25)])
    return exercise(L, about=["x", "y", "k", "L"])


def test_the_questions_are_those_of_the_ledger():
    names = [question.name for question in neuron().questions]
    assert names == [
        *["v1", "z", "y", "v2", "L"],
        *["dL/dL", "dL/dv2", "dv2/dy", "dv2/dt", "dL/dt", "dL/dy", "dy/dz", "dL/dz"],
        *["dz/dv1", "dz/db", "dL/db", "dL/dv1", "dv1/dw", "dv1/dx", "dL/dw", "dL/dx"],
    ]


def test_contributions_are_asked_for_where_they_meet_and_turns_where_one_could_come_too_early():
    kinds = {question.name: question.kind for question in diamond().questions}
    assert [name for name in kinds if " via " in name] == ["dL/ds via L", "dL/ds via p", "dL/da via p", "dL/da via s"]
    turn = next(question for question in diamond().questions if question.kind == "turn")
    assert (turn.choices, turn.accepted) == (("s", "p"), ("p",))
    assert [diamond().check({turn.name: name})[turn.name].verdict for name in turn.choices] == [
        "misconception",
        "right",
    ]
    with pytest.raises(ValueError, match="write the name of a node, one of s, p"):
        diamond().check({turn.name: "3"})


@pytest.mark.parametrize("make", [neuron, diamond, many])
def test_the_answers_are_the_numbers_of_the_engine(make):
    sheet = make()
    sheet.loss.backward()
    steps = autodiff.steps(sheet.loss)
    values = [question.answer for question in sheet.questions if question.kind == "value"]
    gradients = [question.answer for question in sheet.questions if question.kind == "gradient"]
    assert set(values) <= {step.result for step in steps.forward}
    assert sorted(gradients) == pytest.approx(sorted([node.grad for node in asked(sheet, steps)]))
    assert len(values) == len([node for node in asked(sheet, steps) if node.parents])


def asked(sheet, steps):
    """The nodes about which a sheet asks: all, or in the large graph the leaves with names and the result."""
    return [node for node in steps.all_nodes if len(steps.all_nodes) < 15 or node.label or node is sheet.loss]


@pytest.mark.parametrize("make", [neuron, diamond, many])
def test_local_derivatives_are_those_of_the_engine(make):
    sheet = make()
    slopes = [slope for step in autodiff.steps(sheet.loss).forward for slope in step.node.local_derivatives()]
    assert {question.answer for question in sheet.questions if question.kind == "local"} <= set(slopes)


@pytest.mark.parametrize("make", [neuron, diamond, many])
def test_a_rule_makes_the_answer_from_numbers_that_are_given_or_asked_before(make):
    sheet = make()
    known = dict(sheet.givens)
    for question in sheet.questions:
        if question.kind == "turn":
            continue
        numbers = {word: known[name] for word, name in question.uses.items()}
        assert parse(question.rule, numbers)[0].data == pytest.approx(question.answer), question.name
        assert not [word for word in re.findall("[a-z][0-9]+(?:_[0-9]+)?", question.rule) if word not in question.uses]
        known[question.name] = question.answer


def test_a_part_is_asked_and_the_rest_is_given():
    sheet = neuron(about=["y"])
    assert [question.name for question in sheet.questions] == ["y", "dv2/dy", "dL/dy"]
    assert sheet.givens["z"] == 1
    assert sheet.givens["dL/dv2"] == pytest.approx(2 * (math.tanh(1) - 1))


def test_the_weights_after_a_step_are_asked_for():
    sheet = neuron(rate=0.1, weights=["w"])
    slope = 2 * (math.tanh(1) - 1) * (1 - math.tanh(1) ** 2) * 4
    assert sheet.questions[-1].name == "new w"
    assert sheet["new w"].answer == pytest.approx(0.5 - 0.1 * slope)
    assert sheet.givens["rate"] == 0.1
    assert sheet.check({"new w": "w - rate*dL/dw"})["new w"].verdict == "right"
    assert sheet.check({"new w": 0.5 + 0.1 * slope})["new w"].misconceptions[0] == "step uphill"


def test_hints_lead_from_the_rule_to_the_answer():
    sheet = neuron()
    assert sheet.hints("dy/dz") == (
        "The rule: d(tanh(x))/dx = 1 - tanh(x)**2",
        "dy/dz = 1 - tanh(z)**2",
        "dy/dz = 1 - tanh(1)**2",
        "dy/dz = 0.419974",
    )
    assert sheet.hints("dL/dv2")[0] == "The rule: d(x**2)/dx = 2 * x"
    assert diamond().hints("dL/ds via L")[1:] == (
        "dL/ds via L = dL/dL * ∂L/∂s",
        "dL/ds via L = 1 * 12",
        "dL/ds via L = 12",
    )
    assert sheet.hints("dL/dw")[1:] == ("dL/dw = dL/dv1 * dv1/dw", "dL/dw = (-0.200249) * 4", "dL/dw = -0.800995")
    assert all(len(question.hints) >= 2 for make in (neuron, diamond, many) for question in make().questions)


def test_names_that_two_things_have_are_made_their_own():
    a, dL_da, rate = leaves(a=3.0, **{"dL/da": 2.0, "rate": 5.0})
    L = a * dL_da * rate
    sheet = exercise(L, rate=0.5)
    names = [question.name for question in sheet.questions]
    assert len(set(names)) == len(names)
    assert (sheet.givens["dL/da"], sheet.givens["rate"], sheet.givens["rate#2"]) == (2.0, 5.0, 0.5)
    assert sheet["dL/da#2"].answer == 10


def test_numbers_that_stand_in_the_formula_are_not_asked_about():
    root, _ = parse("2*x**2 + pi*x", {"x": 3})
    root.label = "L"
    names = [question.name for question in exercise(root).questions]
    assert not [name for name in names if "pi" in name or "c1" in name]
    assert exercise(root)["dL/dx"].answer == pytest.approx(12 + math.pi)


def test_the_numbers_of_then_are_asked_even_if_data_has_changed():
    w, x = leaves(w=3.0, x=4.0)
    L = w * x
    w.data = 100.0
    assert exercise(L)["L"].answer == 12


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x: autodiff.relu(x), r"^out = relu\(x\) = relu\(0\) = 0 has a kink there"),
        (lambda x: autodiff.abs(x), r"^out = abs\(x\) = abs\(0\) = 0 has a kink there"),
        (lambda x: autodiff.maximum(x, 0.0), r"^out = maximum\(x, 0\) = .* has a kink there"),
        (lambda x: autodiff.clip(x, 0.0, 1.0), r"^out = clip\(x, 0, 1\) = .* has a kink there"),
        (lambda x: autodiff.hypot(x, 0.0), r"^out = hypot\(x, 0\) = .* has a kink there"),
        (lambda x: autodiff.sqrt(x), r"^out = sqrt\(x\) = .* has no finite slope there"),
        (lambda x: autodiff.exp(1000 + x), r"^out is inf: an exercise needs finite numbers"),
        (lambda x: x * math.nan, r"^c1 is nan: an exercise needs finite numbers"),
    ],
    ids=["relu", "abs", "maximum", "clip", "hypot", "sqrt", "inf", "nan"],
)
def test_kinks_and_numbers_that_are_not_finite_are_refused_with_the_name_of_the_node(make, message):
    out = make(Value(0.0, "x"))
    out.label = "out"
    with pytest.raises(ValueError, match=message):
        exercise(out)


def test_what_is_smooth_is_not_taken_for_a_kink():
    x = Value(0.0, "x")
    for function in (autodiff.exp, autodiff.tanh, autodiff.softplus, lambda x: x**2, autodiff.elu, autodiff.sin):
        assert exercise(function(x) + 1.0).questions
    steep = Value(30.0, "steep")
    assert exercise(autodiff.exp(steep)).questions


def test_a_graph_that_is_too_large_says_what_to_do():
    (x,) = leaves(x=1.0)
    total = x
    for _ in range(30):
        total = total * x
    with pytest.raises(ValueError, match=r"^there are \d+ questions in this graph, and at most 60 .* about=\["):
        exercise(total)
    assert len(exercise(total, about=[total]).questions) == 2
    sums = [total := total + x for _ in range(400)]
    with pytest.raises(ValueError, match=r"^the graph has 430 operations, and at most 300 are asked about at once: "):
        exercise(total)
    with pytest.raises(ValueError, match=r"^about has 61 operations, and at most 60 questions are asked$"):
        exercise(total, about=sums[:61])
    assert len(exercise(total, about=sums[:20] * 4).questions) == 60


def test_of_a_large_graph_a_part_is_asked_and_marked():
    xs = [Value(0.3 + i % 4 / 10, f"x{i}") for i in range(100)]
    total = xs[0]
    for before, x in pairwise(xs):
        total = tanh(total * x) + before
    sheet = exercise(total, about=[xs[95]])
    total.backward()
    gradient = next(question for question in sheet.questions if question.kind == "gradient")
    assert gradient.answer == pytest.approx(xs[95].grad)
    parts = [question.answer for question in sheet.questions if question.kind == "contribution"]
    feedback = sheet.check({gradient.name: parts[-1]})
    assert feedback[gradient.name].misconceptions[0] == "only the last path"
    assert sheet.check({q.name: q.answer for q in sheet.questions}).score == 1


def test_what_cannot_be_told_apart_is_known():
    w, x = leaves(w=2.0, x=2.0)
    L = w * x
    sheet = exercise(L)
    assert "factors of a product swapped" in sheet.hidden  # 2 is 2
    assert ("product taken as a sum", "local derivative left out") in sheet.ambiguous
    assert {name for group in sheet.ambiguous for name in group} <= set(MISCONCEPTIONS)
