"""What the gradient check says where differences are hard to read: kinks, edges, jumps, poles, rounding, nan."""

import math

import pytest

import autodiff
from autodiff import Value, cbrt, check_gradients, log, nn, relu, sin, softplus, sqrt, tanh
from autodiff.checks.differences import Slope, limit
from autodiff.checks.verdict import _agree
from autodiff.engine import ops

XOR = [([0.0, 0.0], -1.0), ([0.0, 1.0], 1.0), ([1.0, 0.0], 1.0), ([1.0, 1.0], -1.0)]
FAULTS = {"sign": -1.0, "zero": 0.0, "half": 0.5, "three": 3.0, "thousandth": 1.001}


def faulty(factor):
    """The sine, with its derivative wrong by a factor."""
    return ops.Op("sin", math.sin, lambda out, x: (factor * ops.COS(x),), "sin({x})", "a finite x")


def verdicts(function, *at, **options):
    xs = [Value(a) for a in at]
    return [c.verdict for c in check_gradients(lambda: function(*xs), xs, **options).comparisons]


KINKS = {
    "relu": lambda x: relu(x),
    "relu, other side": lambda x: relu(-x),
    "relu and a slope": lambda x: relu(x) + sin(x),
    "leaky relu": lambda x: autodiff.leaky_relu(x, 0.1) * 3.0 + 2.0,
    "clip": lambda x: autodiff.clip(x, 0.0, 1.0),
    "elu": lambda x: autodiff.elu(x, 2.0),
    "bent": lambda x: relu(x) * autodiff.exp(x) + x * x,
}


@pytest.mark.parametrize("name", KINKS)
def test_a_gradient_between_the_two_slopes_is_at_a_kink(name):
    assert verdicts(KINKS[name], 0.0) == ["kink"]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("distance", [0.0, 1e-9, -1e-9, 1e-7, 1e-5, 3e-5, -1e-3, 0.1])
def test_a_wrong_gradient_at_or_beside_a_kink_is_wrong(fault, distance):
    # left slope 1, right 1.0001 at 0: no fault of a thousandth lies between
    bent = lambda x, row: 1e-4 * relu(x) + row(x)  # noqa: E731  # one line for two functions
    right = "kink" if distance == 0 else "ok"
    assert verdicts(lambda x: bent(x, ops.SIN), distance) == [right]
    wrong = faulty(FAULTS[fault] if fault != "thousandth" else 0.999)
    assert verdicts(lambda x: bent(x, wrong), distance) == ["WRONG"]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("at", "sharpness"), [(0.0, 10.0**k) for k in range(0, 15, 2)] + [(0.3, 1e3), (0.3, 1e6)])
def test_a_smooth_bend_however_sharp_is_no_kink(fault, at, sharpness):
    said = verdicts(lambda x: faulty(FAULTS[fault])(softplus(sharpness * (x - at)) / sharpness), at)
    assert said[0] == "WRONG" or (said[0] == "undecided" and fault == "thousandth" and sharpness > 1e6)


def test_where_conventions_meet_on_a_smooth_function_the_gradient_is_wrong():
    # relu(x) - relu(-x) is x; the derivative is 1, and both conventions say 0
    assert verdicts(lambda x: relu(x) - relu(-x), 0.0) == ["WRONG"]


@pytest.mark.slow
def test_the_default_network_on_xor_is_right_at_its_kinks():
    model = nn.MLP(2, [4, 1], seed=1)
    check = check_gradients(lambda: sum((model(x) - t) ** 2 for x, t in XOR), model, order=2)
    assert check
    assert {c.verdict for c in check.comparisons} == {"ok", "kink"}


def test_the_slope_jumps_at_a_kink_and_a_wrong_second_derivative_is_found_there():
    held = ops.Op("sin", math.sin, lambda out, x: (ops.DETACH(ops.COS(x)),), "sin({x})")  # its second derivative is 0
    assert verdicts(lambda x: relu(x) + sin(x + 1), 0.0, order=2) == ["kink", "kink"]
    assert verdicts(lambda x: relu(x) + held(x + 1), 0.0, order=2) == ["kink", "WRONG"]


EDGES = {
    "x**1.5": (lambda x: x**1.5, 0.0),
    "x**2.5": (lambda x: x**2.5, 0.0),
    "(1 - x)**1.5": (lambda x: (1 - x) ** 1.5, 1.0),
    "sqrt(x)**3 + 2x": (lambda x: x**1.5 + 2 * x, 0.0),
}


@pytest.mark.parametrize("name", EDGES)
def test_at_the_edge_of_a_domain_the_slope_of_one_side_counts(name):
    function, at = EDGES[name]
    assert verdicts(function, at) == ["ok"]
    assert verdicts(lambda x: function(x) + faulty(-1.0)(x), at) == ["WRONG"]
    assert verdicts(lambda x: function(x) + faulty(1.001)(x), at) == ["WRONG"]


def test_a_slope_without_end_is_undecided():
    assert verdicts(sqrt, 0.0) == ["undecided"]
    cbrt = ops.Op("cbrt", math.cbrt, lambda out, x: (math.inf,), "cbrt({x})")
    assert verdicts(cbrt, 0.0) == ["undecided"]


def test_without_a_value_on_either_side_there_is_no_advice_that_cannot_help():
    x = Value(0.0)
    with pytest.raises(ValueError, match=r"on neither side: sqrt\(x\) is undefined") as caught:
        check_gradients(lambda: (-x * x).sqrt(), x)
    assert "eps" not in str(caught.value)


@pytest.mark.parametrize("factor", [math.nan, math.inf])
def test_nan_against_nan_is_undecided(factor):
    assert verdicts(lambda x: x * factor, 1.0) == ["undecided"]


def test_nan_or_inf_where_the_function_has_a_slope_is_wrong():
    for wrong in (math.nan, math.inf, -math.inf):
        assert verdicts(faulty(wrong), 0.7) == ["WRONG"]


@pytest.mark.parametrize("slope", [1e-3, 1e-6, 1e-9])
@pytest.mark.parametrize("fault", [1.0, *FAULTS.values()])
def test_what_rounding_made_0_is_undecided_whatever_the_gradient(slope, fault):
    assert verdicts(lambda x: 1e12 + slope * faulty(fault)(x), 0.7) == ["undecided"]


def test_a_slope_lost_from_the_graph_and_in_rounding_is_undecided():
    assert verdicts(lambda x: Value(x.data * 1e-3) + 1e9, 0.3) == ["undecided"]
    assert verdicts(lambda x: Value(x.data) + 1e16, 0.3) == ["undecided"]


def test_a_small_derivative_that_differences_show_is_judged():
    assert verdicts(lambda x: 1e-14 * sin(x), 0.7) == ["ok"]
    for fault in FAULTS.values():
        assert verdicts(lambda x, fault=fault: 1e-14 * faulty(fault)(x), 0.7) == ["WRONG"]


def test_a_larger_step_shows_what_rounding_hides():
    assert verdicts(lambda x: 1e6 + 100.0 * x, 0.7) == ["ok"]
    assert verdicts(lambda x: 1.0 + 1e-7 * sin(x), 0.7) == ["ok"]


def test_a_parameter_that_cannot_move_the_answer_has_gradient_0():
    assert verdicts(lambda x: relu(x - 1.0) + 5.0, 0.3) == ["ok"]
    assert verdicts(lambda x: relu(x - 0.301) + 5.0, 0.3) == ["ok"]
    assert verdicts(lambda x, y: 5.0 * y, 0.3, 2.0) == ["ok", "ok"]
    assert verdicts(lambda x: 0.0 * x + 5.0, 0.3) == ["ok"]


def test_a_flat_place_between_slopes_has_gradient_0():
    assert verdicts(lambda x: x * x + 5.0, 0.0) == ["ok"]
    assert verdicts(lambda x: (x - 2.0) ** 2 + 3.0, 2.0) == ["ok"]
    assert verdicts(lambda x: x * abs(x), 0.0) == ["ok"]
    assert verdicts(lambda x: abs(x), 0.0) == ["ok"]


def test_a_jump_is_undecided():
    assert verdicts(autodiff.sign, 0.0) == ["undecided"]
    assert verdicts(lambda x: autodiff.heaviside(x) + 3 * x, 0.0) == ["undecided"]


@pytest.mark.parametrize("steep", [1e6, 1e8, 1e10, 1e12])
def test_a_right_gradient_is_not_called_wrong_where_it_is_too_steep_for_the_steps(steep):
    assert verdicts(lambda x: tanh(steep * x), 0.0)[0] in ("ok", "undecided")
    assert verdicts(lambda x: sin(steep * x), 0.7)[0] in ("ok", "undecided")


def test_a_small_bend_inside_a_cancellation_is_not_called_wrong():
    assert verdicts(lambda x: (1e7 * x + sin(x)) - 1e7 * x, 0.7)[0] in ("ok", "undecided")


@pytest.mark.parametrize(
    ("function", "x"), [(log, 1e-300), (cbrt, 0.0), (lambda x: 1.0 / x, 1e-150)], ids=["log", "cbrt", "1/x"]
)
def test_a_second_derivative_without_end_is_undecided(function, x):
    x = Value(x)
    verdicts = [c.verdict for c in check_gradients(lambda: function(x), [x], order=2).comparisons]
    assert verdicts == ["undecided", "undecided"]


def test_a_gradient_that_is_small_beside_its_paths_but_more_than_their_rounding_is_not_taken_for_nothing():
    unknown = Slope(0.0, 1e-7)  # a difference that rounding may have made anything below 1e-7
    assert _agree(unknown, 1e-15, 1.0, 1e-6, 0.0)
    assert not _agree(unknown, 1e-9, 1.0, 1e-6, 0.0)


def test_differences_whose_changes_hardly_shrink_tend_to_nothing_that_is_known():
    def geometric(ratio):
        return [Slope(sum(ratio**i for i in range(k)), 0.0) for k in range(1, 7)]

    assert limit(geometric(0.1)) == Slope(pytest.approx(1 / 0.9), pytest.approx(0.0, abs=1e-5))
    assert limit(geometric(0.95)).error == math.inf
