"""Where rules once lost their digits, answered nan for a limit, or other bits on another Python."""

import itertools
import math
import random
from fractions import Fraction

import mpmath
import pytest

import autodiff
from autodiff import Value, grad, hessian, jacobian
from autodiff.engine import elementary

INF = math.inf


def derivative(out, *by):
    for x in by:
        out = grad(out, x)
    return out.data


@pytest.mark.parametrize("order", range(1, 6))
@pytest.mark.parametrize("n", range(5))
def test_at_0_a_power_with_a_variable_exponent_has_the_derivatives_of_the_constant_exponent(n, order):
    x, y, z = Value(0.0), Value(float(n)), Value(0.0)
    want = math.factorial(n) if order == n else 0.0
    assert derivative(x**y, *[x] * order) == derivative(z**n, *[z] * order) == want


@pytest.mark.parametrize("n", [0.0, 1.0, 2.0, 3.0, 0.5])
def test_at_0_by_the_exponent_every_derivative_is_0_in_any_order(n):
    x, y = Value(0.0), Value(n)
    assert [derivative(x**y, *by) for by in [(y,), (y, y), (x, y), (y, x), (y, x, x), (x, y, x)]] == [0.0] * 6


@pytest.mark.parametrize("point", [(0.0, 0.0), (0.0, 2.0), (1.5, -0.7), (1e30, 1e-20), (0.3, 2.0)])
def test_the_hessian_of_a_power_is_symmetric_in_every_bit(point):
    x, y = map(Value, point)
    (_, above), (below, _) = hessian(x**y, [x, y])
    assert above.data == below.data


def test_the_slope_of_a_power_does_not_round_the_exponent():
    x, n = Value(1e200), 0.1
    with mpmath.workdps(60):
        want = mpmath.mpf(n) * mpmath.mpf(1e200) ** (mpmath.mpf(n) - 1)
    assert derivative(x**n, x) == pytest.approx(float(want), rel=3e-16)
    assert derivative(x ** Value(n), x) == pytest.approx(float(want), rel=3e-16)


LIMITS = [  # an operation, at infinities: its value and slopes are limits
    ("silu", (-INF,), 0.0, (0.0,)),
    ("silu", (INF,), INF, (1.0,)),
    ("gelu", (-INF,), 0.0, (0.0,)),
    ("gelu", (INF,), INF, (1.0,)),
    ("softplus", (-INF,), 0.0, (0.0,)),
    ("sigmoid", (INF,), 1.0, (0.0,)),
    ("erf", (INF,), 1.0, (0.0,)),
    ("atan", (-INF,), -math.pi / 2, (0.0,)),
    ("logsumexp", (-INF,), -INF, (0.0,)),
    ("logsumexp", (-INF, -INF), -INF, (0.0, 0.0)),
    ("logsumexp", (-INF, 3.0), 3.0, (0.0, 1.0)),
    ("logsumexp", (INF, 0.0), INF, (1.0, 0.0)),
    ("logsumexp", (INF, -INF, INF), INF, (0.5, 0.0, 0.5)),
    ("hypot", (INF, 1.0), INF, (1.0, 0.0)),
    ("hypot", (1.5e308, -1.5e308), INF, (math.sqrt(0.5), -math.sqrt(0.5))),
    ("atan2", (INF, 1.0), math.pi / 2, (0.0, 0.0)),
]


@pytest.mark.parametrize(("name", "point", "value", "slopes"), LIMITS)
def test_at_infinities_value_and_slopes_are_limits(name, point, value, slopes):
    xs = list(map(Value, point))
    out = getattr(autodiff, name)(*xs)
    out.backward()
    assert (out.data, [x.grad for x in xs]) == (value, pytest.approx(slopes, rel=2e-16, abs=0))
    assert [x.data for x in jacobian(out, xs)[0]] == [x.grad for x in xs]


@pytest.mark.parametrize("gap", [1.0, 40.0, 300.0])
def test_a_softmax_that_is_sure_still_has_a_gradient(gap):
    xs = [Value(gap), Value(0.0), Value(-1.0)]
    with mpmath.workdps(400):
        powers = [mpmath.exp(x.data) for x in xs]
        shares = [power / sum(powers) for power in powers]
        want = [[float(p * ((i == j) - q)) for j, q in enumerate(shares)] for i, p in enumerate(shares)]
        curved = float(-shares[0] * (1 - shares[0]))
    slopes = jacobian(autodiff.softmax(xs), xs)
    for row, right in zip(slopes, want, strict=True):
        assert [slope.data for slope in row] == pytest.approx(right, rel=1e-15, abs=0)
    assert derivative(autodiff.logsumexp(xs), xs[0], xs[0]) == pytest.approx(want[0][0], rel=1e-15, abs=0)
    assert derivative(autodiff.log_softmax(xs)[0], xs[0], xs[0]) == pytest.approx(curved, rel=1e-15, abs=0)


def test_softmax_is_the_same_in_every_bit_when_all_operands_are_shifted():
    xs = [Fraction(k, 8) for k in (3, -20, 11, 11, 0)]
    for shift in (0, 5, -64, 1024):
        moved = [float(x + shift) for x in xs]
        assert autodiff.softmax(moved) == autodiff.softmax(list(map(float, xs)))
        assert autodiff.log_softmax(moved) == autodiff.log_softmax(list(map(float, xs)))


def numbers(seed, count):
    chance = random.Random(seed)
    return [chance.choice((-1, 1)) * 10 ** chance.uniform(-20, 20) for _ in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3, 10, 300])
def test_a_sum_is_the_chain_of_additions_in_every_bit(count):
    for seed in range(20):
        xs, ys = numbers(seed, count), numbers(-1 - seed, count)
        total = products = 0.0
        for x, y in zip(xs, ys, strict=True):
            total, products = total + x, products + x * y
        assert (autodiff.sum(xs), autodiff.mean(xs), autodiff.dot(xs, ys)) == (total, total / count, products)
        assert autodiff.sum(list(map(Value, xs))).data == total


def test_sums_have_the_same_bits_on_every_python():
    assert autodiff.sum([0.1] * 10) == 0.9999999999999999
    assert autodiff.sum([1e16, 1.0, -1e16]) == autodiff.dot([1e16, 1.0, -1e16], [1.0] * 3) == 0.0
    assert autodiff.mean([0.1] * 10) == 0.09999999999999999
    assert elementary.chain(numbers(7, 1000)) == elementary.total(numbers(7, 1000))


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("gap", [2.0**-52, 1e-9, 1e-3])
def test_the_mixed_derivative_of_an_angle_is_right_beside_the_diagonal(gap, sign):
    y, x = Value(1.0), Value(sign * (1.0 + gap))
    a, b = Fraction(y.data), Fraction(x.data)
    want = float((a * a - b * b) / (a * a + b * b) ** 2)
    assert derivative(autodiff.atan2(y, x), y, x) == pytest.approx(want, rel=1e-15, abs=0)


@pytest.mark.parametrize("scale", [1e-200, 1e-20, 1.0, 1e20, 1e100])
def test_beside_an_axis_a_hypotenuse_is_curved(scale):
    x, y = Value(scale), Value(1e-9 * scale)
    with mpmath.workdps(60):
        h = mpmath.hypot(x.data, y.data)
        a, b = mpmath.mpf(x.data), mpmath.mpf(y.data)
        want = [[b * b / h**3, -a * b / h**3], [None, a * a / h**3]]
    got = hessian(autodiff.hypot(x, y), [x, y])
    for i, j in itertools.combinations_with_replacement(range(2), 2):
        assert got[i][j].data == pytest.approx(float(want[i][j]), rel=2e-15, abs=0)
