import math
import random

import pytest

from autodiff import Value, check_gradients, exp, nn, relu, sin
from autodiff.engine import ops


def test_a_right_gradient_passes_with_a_table_that_can_be_read():
    w, x = Value(3.0, label="w"), Value(2.0, label="the input")
    check = check_gradients(lambda: sin(w * x) * exp(x), [w, x])
    assert check
    lines = str(check).splitlines()
    assert lines[0].split() == ["parameter", "numeric", "analytic", "rel.", "error", "verdict"]
    assert lines[1].startswith("w ")
    assert lines[2].startswith("the input ")
    assert lines[1].endswith("  ok")
    assert lines[3] == "2 derivatives, 0 wrong (relative error above 1e-05)"
    first = check.comparisons[0]
    assert first.analytic == pytest.approx(2 * math.cos(6) * math.exp(2), rel=1e-14)
    assert first.numeric == pytest.approx(first.analytic, rel=1e-8)
    assert check.worst in check.comparisons


WRONG = {
    "sign": ops.Op("bug", math.sin, lambda out, x: (-ops.COS(x),), "bug({x})"),
    "factor": ops.Op("bug", lambda x: x * x, lambda out, x: (x,), "bug({x})"),
    "slightly": ops.Op("bug", math.exp, lambda out, x: (out * 1.0001,), "bug({x})"),
    "nan": ops.Op("bug", math.exp, lambda out, x: (math.nan,), "bug({x})"),
}


@pytest.mark.parametrize("bug", WRONG)
def test_a_wrong_derivative_is_caught(bug):
    x = Value(0.7, label="x")
    check = check_gradients(lambda: WRONG[bug](x) * 3, [x])
    assert not check
    assert check.comparisons[0].verdict == "WRONG"
    assert "1 wrong" in str(check)


def test_a_function_that_loses_the_graph_is_caught():
    x = Value(0.7)
    assert not check_gradients(lambda: Value(x.data * 2), [x])


def test_the_relative_error_is_the_documented_one():
    x = Value(2.0)
    c = check_gradients(lambda: WRONG["factor"](x), [x]).comparisons[0]
    assert c.relative_error == pytest.approx((4 - 2) / (4 + 2), rel=1e-6)


@pytest.mark.parametrize(("numeric", "analytic", "error"), [(2e-9, 1e-9, 0.1), (3e-9, -3e-9, 0.6), (6e-8, 2e-8, 0.5)])
def test_the_relative_error_of_small_derivatives_is_that_to_a_hundred_millionth(numeric, analytic, error):
    row = ops.Op("bug", lambda x: numeric * x, lambda out, x: (analytic,), "bug({x})")
    c = check_gradients(lambda: row(x), x := Value(0.0)).comparisons[0]
    assert (c.analytic, c.verdict) == (analytic, "WRONG")
    assert c.relative_error == pytest.approx(error, rel=1e-6)


@pytest.mark.parametrize("p", [0.5, -1.0, 100.0, -300.0])
def test_a_parameter_is_moved_by_the_documented_steps_to_both_sides(p):
    x, met = Value(p), []

    def function():
        met.append(x.data - p)
        return WRONG["sign"](x)

    assert not check_gradients(function, x, eps=1e-4)
    moved = [offset for offset in met if offset]
    steps = [1e-4 * max(1, abs(p)) * 10**-i for i in range(6)]
    assert moved == pytest.approx([side * h for h in steps for side in (1, -1)], rel=1e-3)


def test_the_steps_end_where_one_agrees():
    x, met = Value(0.5), []

    def function():
        met.append(x.data)
        return sin(x)

    assert check_gradients(function, x)
    assert len(set(met)) == 3


def test_second_order_compares_the_whole_hessian():
    x, y = Value(1.5, label="x"), Value(-0.5, label="y")
    check = check_gradients(lambda: x**3 * y + sin(x * y), [x, y], order=2)
    assert check
    assert [c.label for c in check.comparisons] == ["x", "y", "x, x", "y, x", "x, y", "y, y"]
    expected = 6 * 1.5 * -0.5 - 0.25 * math.sin(-0.75)
    assert check.comparisons[2].analytic == pytest.approx(expected, rel=1e-13)


def test_a_rule_whose_second_derivative_is_wrong_passes_first_and_fails_second_order():
    numbers_only = ops.Op("cube", lambda x: x**3, lambda out, x: (3.0 * getattr(x, "data", x) ** 2,), "cube({x})")
    x = Value(1.2)
    assert check_gradients(lambda: numbers_only(x), [x])
    assert not check_gradients(lambda: numbers_only(x), [x], order=2)


def test_a_module_is_checked_by_its_parameters_paths():
    model = nn.MLP(2, [3, 1], "tanh", seed=0)
    check = check_gradients(lambda: model([0.5, -1.0]), model, sample=4, seed=1)
    assert check
    labels = [c.label for c in check.comparisons]
    assert len(labels) == 4
    assert set(labels) <= {name for name, _ in model.named_parameters()}
    again = check_gradients(lambda: model([0.5, -1.0]), model, sample=4, seed=1)
    assert [c.label for c in again.comparisons] == labels


def test_data_and_gradients_are_restored_also_when_the_function_raises():
    x, y = Value(1.0), Value(2.0)
    (x * y).backward()
    calls = []

    def function():
        calls.append(1)
        if len(calls) == 4:
            raise RuntimeError("stop")
        return x * x * y

    with pytest.raises(RuntimeError, match="stop"):
        check_gradients(function, [x, y])
    assert (x.data, y.data, x.grad, y.grad) == (1.0, 2.0, 2.0, 1.0)
    check_gradients(lambda: x * y, [x, y])
    assert (x.data, y.data, x.grad, y.grad) == (1.0, 2.0, 2.0, 1.0)


def test_a_function_of_chance_is_refused():
    x = Value(1.0)
    with pytest.raises(ValueError, match="the function is not deterministic: it answered"):
        check_gradients(lambda: x * random.random(), [x])
    for answers in ((1.0, 2.0), (2.0, 1.0), (math.nan, 1.0)):
        turn = iter(answers)
        with pytest.raises(ValueError, match=f"it answered {answers[0]}, then {answers[1]}"):
            check_gradients(lambda turn=turn: x * next(turn), [x])


def test_gradients_from_before_are_not_taken_for_those_of_the_function():
    x = Value(3.0)
    x.grad = 5.0
    assert check_gradients(lambda: x * x, [x]).comparisons[0].analytic == 6.0
    assert x.grad == 5.0


def test_gradients_of_all_leaves_are_kept_and_play_no_part():
    used, unused, other = Value(3.0), Value(2.0), Value(5.0)
    for leaf in (used, unused, other):
        leaf.grad = 7.0
    check = check_gradients(lambda: used * other, [used, unused])
    assert [c.analytic for c in check.comparisons] == [5.0, 0.0]
    assert check
    assert [used.grad, unused.grad, other.grad] == [7.0, 7.0, 7.0]


def test_numbers_that_are_equal_have_no_error():
    x = Value(0.0)
    assert check_gradients(lambda: x * 2.0, x).comparisons[0][1:] == (2.0, 2.0, 0.0, "ok")


def test_a_long_label_is_cut_in_the_table():
    x = Value(1.0, "x" * 61)
    label = str(check_gradients(lambda: x * 2.0, x)).splitlines()[1].split()[0]
    assert (len(label), label.count("x"), label.count("…")) == (60, 59, 1)
    y = Value(1.0, "y" * 60)
    assert str(check_gradients(lambda: y * 2.0, y)).splitlines()[1].split()[0] == "y" * 60


def test_without_a_seed_the_sample_is_that_of_seed_0():
    named = {f"p{i}": Value(float(i)) for i in range(200)}
    samples = [
        [c.label for c in check_gradients(lambda: sum(named.values(), Value(0.0)), named, sample=3, **seed).comparisons]
        for seed in ({}, {"seed": 0}, {"seed": 1}, {"seed": -1})
    ]
    assert samples[0] == samples[1]
    assert samples[0] not in samples[2:]


def test_a_sample_may_be_of_one_and_not_of_fewer():
    x, y = Value(3.0), Value(2.0)
    assert len(check_gradients(lambda: x * y, [x, y], sample=1).comparisons) == 1
    for sample in (0, -1):
        with pytest.raises(ValueError, match=f"sample must be from 1 to the number of parameters, 2, got {sample}"):
            check_gradients(lambda: x * y, [x, y], sample=sample)


def test_what_the_rounding_of_a_large_answer_hides_is_undecided_and_no_success():
    x = Value(1.0, label="x")
    check = check_gradients(lambda: 1e9 + x * 1e-3, [x])
    assert check.comparisons[0].verdict == "undecided"
    assert not check
    assert "0 wrong (relative error above 1e-05), 1 undecided" in str(check)
    assert check_gradients(lambda: 1e9 + x * 1e-3, [x], eps=1e3, tolerance=1e-2)
    assert check_gradients(lambda: 1e9 + WRONG["sign"](x) * 1e3, [x]).comparisons[0].verdict == "WRONG"


@pytest.mark.parametrize(("analytic", "verdict"), [(4e-11, "undecided"), (5e-11, "WRONG")])
def test_rounding_excuses_four_units_in_the_last_place_of_the_answer_over_the_step_and_no_more(analytic, verdict):
    flat = ops.Op("flat", lambda x: 1.0, lambda out, x: (analytic,), "flat({x})")
    x = Value(0.0)
    assert 4e-11 < 4 * 2**-52 / 2e-5 < 5e-11
    assert check_gradients(lambda: flat(x), x).comparisons[0].verdict == verdict


def test_a_difference_that_rounding_made_0_is_undecided_also_beside_a_large_derivative():
    x, y = Value(1.0), Value(1.0)
    check = check_gradients(lambda: 1e3 * x + 1e-9 * y, [x, y])
    assert [c.verdict for c in check.comparisons] == ["ok", "undecided"]
    assert not check


def test_an_overflow_is_never_a_success():
    x = Value(709.782712893384)
    assert not check_gradients(lambda: exp(x), [x])


@pytest.mark.parametrize(
    ("function", "at"),
    [(lambda x: 1 / x, 1e-3), (lambda x: x.log(), 1e-3), (lambda x: x.log(), 1e-7), (lambda x: x.sqrt(), 1e-7)],
)
def test_small_parameters_close_to_a_pole_are_moved_less(function, at):
    x = Value(at)
    check = check_gradients(lambda: function(x), x)
    assert check, str(check)
    assert x.data == at


def test_second_order_does_not_pass_a_wrong_first_derivative():
    x = Value(0.7)
    assert not check_gradients(lambda: WRONG["factor"](x), x, order=2)


def test_the_worst_comparison_may_be_nan():
    x, y = Value(0.7), Value(0.7)
    check = check_gradients(lambda: x * x + WRONG["nan"](y), {"x": x, "y": y})
    assert check.worst.label == "y"


def test_large_parameters_are_moved_in_proportion():
    x = Value(1e8)
    assert check_gradients(lambda: x * x, [x])


def test_the_two_sides_of_a_kink_differ():
    x = Value(0.0)
    check = check_gradients(lambda: relu(x), [x])
    c = check.comparisons[0]
    assert (c.analytic, c.verdict) == (0.0, "kink")
    assert c.numeric == pytest.approx(0.5)
    assert check
    assert str(check).endswith(
        "0 wrong (relative error above 1e-05), 1 at a kink (between the slopes of its two sides)"
    )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"parameters": []}, ValueError, "there is no parameter to check"),
        ({"parameters": [3.0]}, TypeError, "parameters must be Values, got float"),
        ({"parameters": {"a": "b"}}, TypeError, "parameters must be Values, got str for 'a'"),
        ({"parameters": [Value(1.0) + 1]}, ValueError, "is computed from other Values"),
        ({"eps": 0.0}, ValueError, "eps must be above 0 and below inf, got 0.0"),
        ({"tolerance": -1}, ValueError, "tolerance must be above 0"),
        ({"eps": 1e-18}, ValueError, "eps=1e-18 is too small to move a parameter that is 1.0"),
        ({"eps": "a"}, TypeError, "expected one real number"),
        ({"sample": 1.5}, ValueError, "sample must be from 1"),
        ({"order": True}, ValueError, "order must be 1"),
        (
            {"parameters": [Value(0.0)], "function": None},
            ValueError,
            "beside a parameter that is 0.0, on neither side: sqrt",
        ),
        ({"order": 3}, ValueError, "order must be 1"),
        ({"sample": 0}, ValueError, "sample must be from 1 to the number of parameters, 1, got 0"),
        ({"sample": 2}, ValueError, "sample must be from 1"),
        ({"function": lambda: 3.0}, TypeError, "the function must answer a Value, got float"),
    ],
)
def test_wrong_arguments_raise_at_once(arguments, error, message):
    x = Value(1.0)
    arguments = {"function": lambda: x * x, "parameters": [x], **arguments}
    if arguments["function"] is None:
        alone = arguments["parameters"][0]
        arguments["function"] = lambda: (-alone * alone).sqrt()
    with pytest.raises(error, match=message):
        check_gradients(**arguments)
