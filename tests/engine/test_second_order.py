import itertools
import math

import pytest
import sympy
from oracles.rows import ROWS, TRUTH, exact, grouped, points

import autodiff
from autodiff import Value, exp, grad, heaviside, log, maximum, sin, where
from autodiff.engine import ops

INF, NAN = math.inf, math.nan
SMOOTH = [
    pytest.param(name, domains, parameters, id=f"{name}{list(parameters) or ''}")
    for name, truth in TRUTH.items()
    for domains, parameters in truth.cases
    if not ROWS[name].piecewise or name == "MASK"
]
each_smooth_case = pytest.mark.parametrize(("name", "domains", "parameters"), SMOOTH)


def near(name, domains, count):
    """Points that no derivative blows up at, for each order loses digits there."""
    return points(name, [(max(low, 0.1 if low >= 0 else -3.0), min(high, 3.0)) for low, high in domains], count, 0)


def derivative(out, xs, by):
    """The derivative of `out` by the operands of these indices, one after the other."""
    for index in by:
        out = grad(out, xs[index])
    return out.data


@pytest.mark.slow
@each_smooth_case
@pytest.mark.parametrize(("order", "tolerance"), [(2, 1e-13), (3, 1e-11)])
def test_derivatives_of_higher_order_are_those_that_sympy_finds(name, domains, parameters, order, tolerance):
    for point in near(name, domains, count=10 if order == 2 else 2):
        for by in itertools.product(range(len(point)), repeat=order):
            xs = [Value(x) for x in point]
            got = derivative(ROWS[name](*grouped(name, xs), *parameters), xs, by)
            want = float(exact(name, point, parameters, by))
            # relative to the lower orders too: where a derivative passes 0, it is what is left of them
            scale = sum(abs(float(exact(name, point, parameters, by[:k]))) for k in range(order))
            assert abs(got - want) <= tolerance * (abs(want) + scale), (point, by, got, want)


@pytest.mark.parametrize("name", ["ASIN", "TANH", "SIGMOID", "ATAN", "SIN", "ERF"])
@pytest.mark.parametrize("x", [1e-3, -1e-6, 1e-9])
def test_the_second_derivative_of_an_odd_function_is_accurate_near_0(name, x):
    v = Value(x)
    got, want = derivative(ROWS[name](v), [v], (0, 0)), float(exact(name, (x,), (), (0, 0)))
    assert abs(got - want) <= 3e-16, "as accurate as the first derivative is, which is about 1"


@pytest.mark.parametrize("name", ["TANH", "SIGMOID", "SOFTPLUS", "SILU", "GELU", "ERF", "ERFC", "ATAN"])
@pytest.mark.parametrize("x", [-1e200, -1000.0, 1000.0, 1e200])
def test_far_out_the_second_derivative_of_what_saturates_is_0_and_never_nan(name, x):
    v = Value(x)
    assert derivative(ROWS[name](v), [v], (0, 0)) == pytest.approx(0.0, abs=3e-9)


# fmt: off
EDGES = [  # an expression in x, where, its first, second and third derivative
    ("relu(x)", 2.0, 1.0, 0.0, 0.0),
    ("relu(x)", 0.0, 0.0, 0.0, 0.0),
    ("relu(x) ** 2", 2.0, 4.0, 2.0, 0.0),
    ("relu(x) ** 2", -2.0, 0.0, 0.0, 0.0),
    ("relu(x) ** 3", 2.0, 12.0, 12.0, 6.0),
    ("abs(x)", -2.0, -1.0, 0.0, 0.0),
    ("abs(x)", 0.0, 0.0, 0.0, 0.0),
    ("abs(x) ** 3", -2.0, -12.0, 12.0, -6.0),
    ("x * abs(x)", -2.0, 4.0, -2.0, 0.0),
    ("sign(x) * x**3", -2.0, -12.0, 12.0, -6.0),
    ("heaviside(x) * x**3", 2.0, 12.0, 12.0, 6.0),
    ("heaviside(x) * x**3", -2.0, 0.0, 0.0, 0.0),
    ("leaky_relu(x, 0.5) ** 3", -2.0, 1.5, -1.5, 0.75),
    ("elu(x, 2.0)", -1.0, 2 / math.e, 2 / math.e, 2 / math.e),
    ("elu(x, 2.0)", 1.0, 1.0, 0.0, 0.0),
    ("elu(x, 2.0)", 0.0, 2.0, 2.0, 2.0),  # of the branch that is taken, in every order
    ("clip(x, -1.0, 1.0) ** 3", 0.5, 0.75, 3.0, 6.0),
    ("clip(x, -1.0, 1.0) ** 3", 1.5, 0.0, 0.0, 0.0),
    ("maximum(x**3, x)", 2.0, 12.0, 12.0, 6.0),
    ("maximum(x**3, x)", 0.5, 1.0, 0.0, 0.0),
    ("minimum(x**3, x)", 0.5, 0.75, 3.0, 6.0),
    ("max(x, x**3, 0.0)", 2.0, 12.0, 12.0, 6.0),
    ("maximum(x**3, x**3)", 2.0, 12.0, 12.0, 6.0),
    # at 0, where rules that divide by x would say nan
    ("x**2", 0.0, 0.0, 2.0, 0.0),
    ("x**3", 0.0, 0.0, 0.0, 6.0),
    ("x**1", 0.0, 1.0, 0.0, 0.0),
    ("x**0", 0.0, 0.0, 0.0, 0.0),
    ("x ** Value(2.0)", 0.0, 0.0, 2.0, 0.0),
    ("x ** Value(3.0)", 0.0, 0.0, 0.0, 6.0),
    ("x**0.5", 0.0, INF, -INF, INF),
    ("sqrt(x)", 0.0, INF, -INF, INF),
    ("prod(x, x, x)", 0.0, 0.0, 0.0, 6.0),
    ("sin(x)", 0.0, 1.0, 0.0, -1.0),
    ("tanh(x)", 0.0, 1.0, 0.0, -2.0),
    ("sigmoid(x)", 0.0, 0.25, 0.0, -0.125),
    # overflow
    ("exp(x)", 710.0, INF, INF, INF),
    ("cosh(x)", -1000.0, -INF, INF, -INF),
    ("softplus(x)", 1000.0, 1.0, 0.0, 0.0),
    ("logsumexp(x, 0.0)", 1000.0, 1.0, 0.0, 0.0),
    ("logsumexp(x, 0.0)", 0.0, 0.5, 0.25, 0.0),
]
# fmt: on


@pytest.mark.parametrize(("expression", "x", "first", "second", "third"), EDGES)
def test_higher_orders_at_the_edge(expression, x, first, second, third):
    v = Value(x)
    slope = grad(eval(expression, vars(autodiff) | {"x": v}), v)
    curvature = grad(slope, v)
    jerk = grad(curvature, v)
    assert [slope.data, curvature.data, jerk.data] == pytest.approx([first, second, third], rel=1e-15, abs=0)


def test_a_slope_is_a_graph_that_backward_goes_through_too():
    x, y = Value(2.0), Value(3.0)
    slope = grad(x**3 * y**2, x)
    assert (x.grad, y.grad) == (0.0, 0.0)
    slope.backward()
    assert (slope.data, x.grad, y.grad) == (108.0, 108.0, 72.0)


def rosenbrock(x, y):
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def hessian(out, *xs):
    return [[grad(slope, x).data for x in xs] for slope in grad(out, *xs)]


def test_newtons_method_finds_the_minimum_of_rosenbrock_in_a_few_steps():
    x, y = Value(-1.2), Value(1.0)
    for _ in range(7):
        out = rosenbrock(x, y)
        (a, b), (c, d) = hessian(out, x, y)
        g, h = (slope.data for slope in grad(out, x, y))
        determinant = a * d - b * c
        x, y = Value(x.data - (d * g - b * h) / determinant), Value(y.data - (a * h - c * g) / determinant)
    assert [x.data, y.data] == pytest.approx([1.0, 1.0], abs=1e-12)


@pytest.mark.slow
def test_the_hessian_is_symmetric_and_that_of_sympy():
    a, b, c = symbols = sympy.symbols("a b c", real=True)
    formula = sympy.sin(a * b) / (1 + c**2) + sympy.log(sympy.exp(a) + sympy.exp(c)) * sympy.tanh(b - c)
    point = (0.7, -1.3, 0.4)
    at = dict(zip(symbols, point, strict=True))
    want = [float(entry) for entry in sympy.hessian(formula, symbols).subs(at)]
    x, y, z = map(Value, point)
    got = hessian((x * y).sin() / (1 + z**2) + autodiff.logsumexp(x, z) * (y - z).tanh(), x, y, z)
    assert list(itertools.chain(*got)) == pytest.approx(want, rel=1e-13)
    assert list(itertools.chain(*got)) == pytest.approx(list(itertools.chain(*zip(*got, strict=True))), rel=1e-14)


def test_what_the_output_does_not_depend_on_has_gradient_0():
    x, other = Value(2.0), Value(3.0)
    assert grad(x * x, other).data == 0.0
    assert [slope.data for slope in grad(x * x, x, other, x + other)] == [4.0, 0.0, 0.0]
    assert grad(grad(x * 5.0, x), x).data == 0.0


def test_the_gradient_of_a_node_by_itself_is_1():
    x = Value(2.0)
    y = x * x
    assert (grad(x, x).data, grad(y, y).data) == (1.0, 1.0)
    assert [slope.data for slope in grad(y, y, x, x)] == [1.0, 4.0, 4.0]


def test_a_gradient_by_an_interior_node_sums_the_paths_through_it():
    x = Value(2.0)
    inner = x**2
    middle = inner * 3.0
    out = middle * inner + x
    assert [slope.data for slope in grad(out, middle, inner, x)] == [4.0, 12.0 + 3.0 * 4.0, (12.0 + 12.0) * 4.0 + 1.0]
    assert grad(grad(out, inner), inner).data == 6.0


def test_backward_agrees_with_grad_by_interior_nodes():
    x = Value(2.0)
    inner = x**2
    out = (inner * 3.0).sin() * inner
    out.backward()
    assert (inner.grad, x.grad) == (grad(out, inner).data, grad(out, x).data)


@pytest.mark.parametrize("later", [5.0, -0.0, NAN, INF])
def test_after_data_changed_the_recorded_numbers_are_differentiated(later):
    x, y = Value(2.0), Value(3.0)
    out = x**3 * y + x.exp().log()
    x.data = later
    slopes = grad(out, x, y)
    curvature = grad(slopes[0], x)
    mixed = grad(slopes[0], y)
    out.backward()
    assert [x.grad, y.grad] == [slope.data for slope in slopes] == pytest.approx([37.0, 8.0], rel=1e-15)
    assert [curvature.data, mixed.data] == pytest.approx([36.0, 12.0], rel=1e-14)
    assert grad(curvature, x).data == pytest.approx(18.0, rel=1e-13)


def test_data_changed_between_two_orders_is_not_mixed_in():
    x = Value(2.0)
    slope = grad(x**3, x)
    x.data = 7.0
    assert grad(slope, x).data == 12.0
    assert grad(x**3, x).data == 147.0


def test_data_of_an_interior_node_changed_is_not_mixed_in():
    x = Value(2.0)
    inner = x * x
    out = inner.log() * inner
    inner.data = 100.0
    want = 4.0 * (math.log(4.0) + 1.0)
    assert grad(out, x).data == pytest.approx(want, rel=1e-15)
    out.backward()
    assert x.grad == pytest.approx(want, rel=1e-15)


def test_what_was_not_set_since_is_taken_as_it_is_be_it_nan():
    x, y = Value(2.0), Value(NAN)
    assert grad(x * y, x).parents[1] is y
    assert grad(y * x, y).parents[1] is x


def test_grad_takes_values_and_at_least_one_input():
    x = Value(2.0)
    with pytest.raises(TypeError, match=r"takes Values, got float: 3\.0"):
        grad(x, 3.0)
    with pytest.raises(TypeError, match=r"takes Values, got float: 3\.0"):
        grad(3.0, x)
    with pytest.raises(TypeError, match="needs at least one input"):
        grad(x)


def test_grad_leaves_every_gradient_alone():
    x = Value(2.0)
    out = x * x
    out.backward()
    grad(grad(out, x), x)
    assert (x.grad, out.grad) == (4.0, 1.0)


def test_a_constant_slope_is_not_multiplied_into_the_graph():
    x = Value(2.0)
    assert grad(x + 1.0, x).op is None
    assert grad(x * 5.0, x).op is ops.MUL


@pytest.mark.parametrize(
    ("build", "x", "slope", "curvature"),
    [
        (lambda x: where(heaviside(x), x * x, log(maximum(x, 1.0)) * exp(1000.0 * x)), 2.0, 4.0, 2.0),
        (lambda x: where(heaviside(x - 1e-3), x * 2.0, (x * 1e-200) ** -2 * x), 1.0, 2.0, 0.0),
        (lambda x: where(x, sin(x) * (1.0 / (x + 1e-320)), 1.0 + 0.0 * x), 0.0, 0.0, 0.0),
    ],
    ids=["log times overflow", "a power that overflows", "sin(x)/x"],
)
def test_a_branch_that_was_not_taken_is_0_in_second_order_however_it_overflows(build, x, slope, curvature):
    x = Value(x)
    first = grad(build(x), x)
    assert (first.data, grad(first, x).data) == (slope, curvature)
