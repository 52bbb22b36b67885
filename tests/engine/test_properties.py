"""Laws of calculus on random functions, and random graphs against PyTorch and against 40 digits."""

import math
import operator

import mpmath
import pytest
from hypothesis import assume, given, settings, strategies as st
from oracles.rows import ROWS, TRUTH, compiled, grouped

from autodiff import Value, grad
from autodiff.engine.backward import toposort


def law(*strategies, examples=60):
    """Test on the same random examples on every run."""
    return lambda test: settings(deadline=None, max_examples=examples, derandomize=True)(given(*strategies)(test))


numbers = st.floats(-3.0, 3.0, allow_subnormal=False)
positive = st.floats(0.125, 3.0)
UNARY = ["SIN", "COS", "TANH", "SIGMOID", "SOFTPLUS", "ATAN", "ERF", "SILU", "GELU", "EXP", "NEG"]
smooth = st.sampled_from([ROWS[name] for name in UNARY])
close = {"rel": 1e-12, "abs": 1e-13}


def slope(function, *point):
    xs = [Value(x) for x in point]
    return [g.data for g in grad(function(*xs), *xs, xs[0])][:-1]


@law(smooth, smooth, numbers, numbers, numbers)
def test_differentiation_is_linear(f, g, a, b, x):
    (got,), (df,), (dg,) = slope(lambda v: a * f(v) + b * g(v), x), slope(f, x), slope(g, x)
    assert got == pytest.approx(a * df + b * dg, **close)


@law(smooth, smooth, numbers)
def test_the_product_rule(f, g, x):
    (got,), (df,), (dg,) = slope(lambda v: f(v) * g(v), x), slope(f, x), slope(g, x)
    assert got == pytest.approx(df * g(x) + f(x) * dg, **close)


@law(smooth, smooth, numbers)
def test_the_quotient_rule(f, g, x):
    assume(abs(g(x)) > 0.01)
    (got,), (df,), (dg,) = slope(lambda v: f(v) / g(v), x), slope(f, x), slope(g, x)
    assert got == pytest.approx((df * g(x) - f(x) * dg) / g(x) ** 2, rel=1e-10, abs=1e-10)


@law(smooth, smooth, numbers)
def test_the_chain_rule(f, g, x):
    (got,), (inner,) = slope(lambda v: f(g(v)), x), slope(g, x)
    (outer,) = slope(f, g(x))
    assert got == pytest.approx(outer * inner, **close)


@law(smooth, positive, numbers)
def test_the_power_rule_with_a_function_in_base_and_exponent(f, x, y):
    # d f**g = f**g (g' log f + g f'/f)
    got = slope(lambda a, b: (a * a) ** f(b), x, y)
    value, (df,) = (x * x) ** f(y), slope(f, y)
    assert got == pytest.approx([value * f(y) * 2 / x, value * df * math.log(x * x)], rel=1e-11, abs=1e-12)


@law(smooth, numbers)
def test_an_even_function_has_an_odd_slope(f, x):
    (right,), (left,) = slope(lambda v: f(v * v), x), slope(lambda v: f(v * v), -x)
    assert right == -left


@law(numbers, numbers)
def test_the_slope_of_the_absolute_value_is_that_of_the_larger_of_x_and_minus_x(x, y):
    assert slope(lambda v: v.abs(), x) == slope(lambda v: v.maximum(-v), x)
    assert slope(lambda a, b: a.minimum(b), x, y) == slope(lambda a, b: -((-a).maximum(-b)), x, y)


# Random graphs: each step applies a row to nodes made before, so that nodes are shared, and used twice by one step.

LEAVES = 3
SHAPES = {
    **dict.fromkeys([*UNARY, "SQRT", "LOG1P"], 1),
    **dict.fromkeys(["ADD", "SUB", "MUL", "DIV", "HYPOT", "ATAN2"], 2),
    **dict.fromkeys(["SUM", "MEAN", "PROD", "LOGSUMEXP"], 3),
    "DOT": 5,
}
KINKED = {**SHAPES, "RELU": 1, "ABS": 1, "MAXIMUM": 2, "MINIMUM": 2, "MAX": 3}


@st.composite
def programs(draw, shapes, longest=10):
    steps = []
    for i in range(draw(st.integers(1, longest))):
        name = draw(st.sampled_from(sorted(shapes)))
        operand = st.integers(0, LEAVES + i - 1)
        steps.append((name, [draw(operand) for _ in range(shapes[name])]))
    return steps


leaves = st.lists(positive | positive.map(operator.neg), min_size=LEAVES, max_size=LEAVES)


def run(program, nodes, apply):
    """Every node of the graph, leaves first, where `apply(name, operands)` makes a node."""
    nodes = list(nodes)
    for name, indices in program:
        nodes.append(apply(name, [nodes[i] for i in indices]))
    return nodes


def build(program, point):
    """The nodes of the graph; a step outside its domain, or near the end of it, becomes a negation in `program`."""
    nodes = [Value(x) for x in point]
    for i, (name, indices) in enumerate(program):
        try:
            node = ROWS[name](*grouped(name, [nodes[k] for k in indices]))
            tame = 1e-3 < abs(node.data) < 1e3
        except (ValueError, ZeroDivisionError):
            tame = False
        if not tame:
            program[i], node = ("NEG", indices[:1]), -nodes[indices[0]]
        nodes.append(node)
    return nodes


@law(programs(KINKED), leaves)
def test_backward_and_grad_agree_to_the_bit(program, point):
    nodes = build(program, point)
    order, xs = toposort(nodes[-1])
    slopes = [grad(nodes[-1], x).data for x in xs + order]
    nodes[-1].backward()
    assert [x.grad for x in xs + order] == slopes


@law(programs(KINKED), leaves)
def test_two_backward_passes_give_twice_the_gradient(program, point):
    nodes = build(program, point)
    nodes[-1].backward()
    once = [leaf.grad for leaf in nodes[:LEAVES]]
    nodes[-1].backward()
    assert [leaf.grad for leaf in nodes[:LEAVES]] == pytest.approx([2 * g for g in once], rel=1e-13, abs=1e-13)


@law(programs(SHAPES, longest=5), leaves)
def test_the_hessian_is_symmetric(program, point):
    nodes = build(program, point)
    xs = nodes[:LEAVES]
    rows = [[g.data for g in grad(first, *xs)] for first in grad(nodes[-1], *xs)]
    scale = 1 + max(abs(entry) for row in rows for entry in row)
    for i in range(LEAVES):
        for j in range(i):
            assert abs(rows[i][j] - rows[j][i]) <= 1e-12 * scale


@pytest.mark.slow
@law(programs(KINKED), leaves)
def test_a_random_graph_has_the_gradients_of_pytorch(program, point):
    torch = pytest.importorskip("torch")

    def apply(name, operands):
        if name == "DOT":
            return torch.dot(torch.stack(operands[:2]), torch.stack(operands[2:4])) + operands[4]
        function = operator.attrgetter(TRUTH[name].torch)(torch)
        return function(torch.stack(operands), dim=0) if ROWS[name].arity is None else function(*operands)

    nodes = build(program, point)
    nodes[-1].backward()
    tensors = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in point]
    out = run(program, tensors, apply)[-1]
    out.backward()
    assert nodes[-1].data == pytest.approx(out.item(), rel=1e-11, abs=1e-12)
    want = [0.0 if t.grad is None else t.grad.item() for t in tensors]
    scale = 1 + max(map(abs, want))
    assert [leaf.grad for leaf in nodes[:LEAVES]] == pytest.approx(want, rel=1e-9, abs=1e-11 * scale)


ULP = 2.0**-53
SLACK = 16  # units in the last place that a row's value or slope may be off by


class Dual:
    """A number of 40 digits, with a bound on how far off a float computation of it may be; likewise its gradient."""

    def __init__(self, x, error=0.0):
        self.x, self.error, self.gradient, self.gradient_error = mpmath.mpf(x), error, mpmath.mpf(0), mpmath.mpf(0)


def derivative(name, operands, *by):
    return compiled(name, len(operands), (), by)(*[v.x for v in operands])


def forward(name, operands):
    """The operands' errors, carried on by the slopes, and the rounding of this row."""
    x = mpmath.mpf(derivative(name, operands))
    carried = sum(abs(derivative(name, operands, i)) * v.error for i, v in enumerate(operands))
    return Dual(x, carried + SLACK * ULP * (abs(x) + 1))


def back(name, out, operands):
    """The chain rule, where a slope is off by what the second derivatives carry on, and by its own rounding."""
    for i, v in enumerate(operands):
        d = derivative(name, operands, i)
        off = sum(abs(derivative(name, operands, i, j)) * w.error for j, w in enumerate(operands))
        off += SLACK * ULP * (abs(d) + 1)
        v.gradient += out.gradient * d
        v.gradient_error += out.gradient_error * abs(d) + abs(out.gradient) * off + ULP * abs(v.gradient)


@law(programs(SHAPES, longest=8), leaves, examples=40)
def test_a_random_graph_is_within_the_running_error_bound_of_40_digits(program, point):
    nodes = build(program, point)
    nodes[-1].backward()
    with mpmath.workdps(40):
        duals = run(program, map(Dual, point), forward)
        assume(all(dual.error < 1e-6 for dual in duals))  # the bound is of first order
        duals[-1].gradient = mpmath.mpf(1)
        for (name, indices), out in reversed(list(zip(program, duals[LEAVES:], strict=True))):
            back(name, out, [duals[i] for i in indices])
        for node, dual in zip(nodes, duals, strict=True):
            assert abs(node.data - dual.x) <= 2 * dual.error
            assert abs(node.grad - dual.gradient) <= 2 * dual.gradient_error
