"""Where a program could differ from the eager engine unseen: at kinks, far out, at infinity and at nan."""

import math

import pytest

import autodiff as ad
from autodiff import DomainError, Replay, Value
from autodiff.engine import ops

pytestmark = pytest.mark.usefixtures("left", "no_native")

KINKS = {
    "relu": (lambda x: ad.relu(x), [0.0]),
    "leaky_relu": (lambda x: ad.leaky_relu(x, 0.25), [0.0]),
    "elu": (lambda x: ad.elu(x, 0.75), [0.0]),
    "abs": (lambda x: ad.abs(x), [0.0]),
    "sign": (lambda x: ad.sign(x), [0.0]),
    "heaviside 0": (lambda x: ad.heaviside(x, 0.0), [0.0]),
    "heaviside 0.5": (lambda x: ad.heaviside(x, 0.5), [0.0]),
    "heaviside 1": (lambda x: ad.heaviside(x, 1.0), [0.0]),
    "clip": (lambda x: ad.clip(x, -0.5, 2.0), [-0.5, 2.0, 0.0]),
    "maximum": (lambda x: ad.maximum(x, x * x), [1.0, 0.0]),
    "minimum": (lambda x: ad.minimum(x, x * x), [1.0, 0.0]),
    "max": (lambda x: ad.max([x, x * x, 1.0 * x, 0.5 * x]), [1.0, 0.0]),
    "step 0": (lambda x: ops.STEP(x, x * x, 0.0), [1.0]),
    "step 0.5": (lambda x: ops.STEP(x, x * x, 0.5), [1.0]),
    "step 1": (lambda x: ops.STEP(x, x * x, 1.0), [1.0]),
    "prod": (lambda x: ad.prod([x, x + 1.0, x]), [0.0, -1.0]),
    "x**0": (lambda x: x**0, [0.0]),
    "x**1": (lambda x: x**1, [0.0]),
    "x**3": (lambda x: x**3, [0.0]),
    "softplus": (lambda x: ad.softplus(x), [0.0, 800.0, -800.0]),
    "sigmoid": (lambda x: ad.sigmoid(x), [800.0, -800.0]),
    "tanh": (lambda x: ad.tanh(x), [800.0, -800.0]),
    "logsumexp": (lambda x: ad.logsumexp([x, 2.0 * x, 1.0]), [800.0, -800.0, 0.0]),
}


@pytest.mark.sampled
@pytest.mark.parametrize("name", KINKS)
@pytest.mark.parametrize("batch", [False, True])
def test_at_kinks_and_far_out_the_answers_are_those_of_backward(name, batch, kind):
    """Where the check at the start would let a program pass that is right close by."""
    row, places = KINKS[name]

    def loss(p, q, x):  # p is 0
        return row(x + p) * 3.0 + q * row(p + x) * (x + 5.0)

    for x in places:
        p, q, leaf = Value(0.0), Value(0.5), Value(x)
        inputs = [leaf] if batch else []
        replay = Replay(loss(p, q, leaf), [p, q], inputs)
        assert replay.report().kind == kind
        eager = loss(p, q, leaf)
        eager.backward()
        found, gradient = replay.gradient([[x], [x]] if batch else None)
        assert found == pytest.approx(eager.data, rel=1e-14, abs=1e-300)
        assert list(gradient) == pytest.approx([p.grad, q.grad], rel=1e-14, abs=1e-300)


def test_a_slope_that_is_a_convention_is_the_same_in_a_replay(kind):
    p, q = Value(0.3), Value(0.4)
    replay = Replay(ad.hypot(p, q) + 3.0 * p + q, [p, q])
    replay.values = [0.0, 0.0]
    p.data = q.data = 0.0
    loss = ad.hypot(p, q) + 3.0 * p + q
    loss.backward()
    for _ in range(2):
        found, gradient = replay.gradient()
        assert (found, list(gradient)) == (0.0, [p.grad, q.grad])


def test_a_direction_without_a_length_is_0_in_lanes_as_well(kind):
    """Eagerly it is so by convention: both legs of the hypotenuse are recorded as 0, and one stays so."""
    p, q = Value(0.3), Value(0.4)
    rows = [(0.0, 0.0), (3.0, 4.0), *[(0.0, 0.0)] * 38]

    def loss(p, q):
        return ad.mean([ad.hypot(p * x, q * y) + p * x for x, y in rows])

    replay = Replay(loss(p, q), [p, q])
    assert replay.report().kind == kind
    assert replay.report().is_compared
    found, gradient = replay.gradient()
    length = math.hypot(0.9, 1.6)
    assert found == pytest.approx((length + 0.9) / 40, rel=1e-14)
    assert list(gradient) == pytest.approx([(0.9 * 3 / length + 3) / 40, 1.6 * 4 / length / 40], rel=1e-14)


def test_near_overflow_a_slope_is_the_number_or_what_backward_answers(kind):
    p, tiny = Value(0.5), [Value(k * 1e-200) for k in range(1, 41)]

    def loss(p, tiny):
        return ad.mean([ad.prod([x, p * 1e200, p * 1e200]) for x in tiny]) * 1e-150

    replay = Replay(loss(p, tiny), [p, *tiny])
    assert replay.report().kind == kind
    loss(p, tiny).backward()
    _, (slope, *slopes) = replay.gradient()
    assert slope == pytest.approx(20.5 * 1e50, rel=1e-12)  # 2 p (1 + ... + 40)/40, and powers of ten
    assert {x.grad for x in tiny} == {math.inf}  # 1e200 * 1e200, of which the rest is taken later
    assert all([x == math.inf or x == pytest.approx(0.25 * 1e250 / 40, rel=1e-12) for x in slopes])


@pytest.mark.parametrize("number", [0.0, -0.0])
def test_a_zero_is_a_zero_and_without_arrays_has_the_eager_sign(number, kind):
    p = Value(1.0)

    def loss(p):
        return -ad.sum([p * x * p for x in (-1.0, 2.0, -3.0)])

    replay = Replay(loss(p), [p])
    replay.values[0] = number
    found, gradient = replay.gradient()
    assert (found, gradient[0]) == (0.0, 0.0)
    if kind in ("floats", "without NumPy"):
        q = Value(number)
        expected = loss(q)
        expected.backward()
        assert [math.copysign(1, x) for x in (found, gradient[0])] == [
            math.copysign(1, x) for x in (expected.data, q.grad)
        ]


def test_inputs_that_were_recorded_where_nothing_is_finite_are_moved_to_compare(kind):
    p, x = Value(0.5), Value(0.0)
    replay = Replay(ad.sqrt(p * x * x + x) * 2.0, [p], [x])  # its slope by x, and so by p, is inf or nan at 0
    assert replay.report().kind == kind
    assert replay.report().is_compared


@pytest.mark.parametrize(
    "row", [ad.relu, ad.abs, ad.elu, lambda x: ad.leaky_relu(x, 0.5), lambda x: ad.clip(x, -1.0, 0.0), lambda x: x + x]
)
def test_minus_zero_becomes_the_zero_that_it_becomes_eagerly(row, kind):
    p, q = Value(1.0), Value(-1.0)
    replay = Replay(ad.atan2(row(p), q), [p, q])
    assert replay.report().kind == kind
    replay.values[0] = -0.0
    assert replay() == ad.atan2(row(Value(-0.0)), q).data


def test_constants_that_are_zero_and_minus_zero_are_two(kind):
    p = Value(-1.0)
    replay = Replay(ad.mean([ad.atan2(zero, p) * x for zero, x in [(0.0, 3.0), (-0.0, 1.0)] * 20]), [p])
    assert replay.report().kind == kind
    assert replay() == pytest.approx(math.pi)


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("row", "at", "error"),
    [
        (lambda x: (x**0.5) ** 0, -1.0, DomainError),
        (lambda x: (x**-1) ** 0, 0.0, ZeroDivisionError),
        (lambda x: (1.0 / x) ** 0, 0.0, ZeroDivisionError),
        (lambda x: ad.log(x) ** 0, -1.0, DomainError),
        (lambda x: ad.acos(x) ** 0, 50.0, DomainError),
        (lambda x: (x ** (x * 0.0 + 0.5)) ** 0, -1.0, DomainError),
    ],
)
def test_what_is_undefined_is_told_though_its_power_0_would_be_1(row, at, error, kind):
    p = Value(0.01)
    replay = Replay(ad.mean([row(p * x) + p for x in range(1, 41)]), [p])
    assert replay.report().kind == kind
    replay.values[0] = at
    for ask in (replay, replay.gradient):
        with pytest.raises(error):
            ask()


NAN = {
    "relu": ad.relu,
    "leaky_relu": lambda x: ad.leaky_relu(x, 0.5),
    "elu": ad.elu,
    "abs": ad.abs,
    "sign": ad.sign,
    "heaviside": lambda x: ad.heaviside(x, 0.5),
    "clip": lambda x: ad.clip(x, -1.0, 1.0),
    "maximum": lambda x: ad.maximum(x, 1.0),
    "maximum of another": lambda x: ad.maximum(1.0, x),
    "minimum": lambda x: ad.minimum(x, 1.0),
    "minimum of another": lambda x: ad.minimum(1.0, x),
    "max": lambda x: ad.max([x, 1.0, 2.0]),
    "max of others": lambda x: ad.max([1.0, 2.0, x]),
    "step": lambda x: ops.STEP(x, 1.0, 0.5),
    "x**0": lambda x: x**0,
    "sigmoid": ad.sigmoid,
    "softplus": ad.softplus,
    "erf": ad.erf,
    "gelu": ad.gelu,
    "logsumexp": lambda x: ad.logsumexp([x, 1.0]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAN)
@pytest.mark.parametrize("signed", [False, True], ids=["", "beside atan2"])
def test_nan_is_hidden_by_no_operation_that_does_not_hide_it_eagerly(name, signed, kind, left):
    def loss(p):
        wide = [p * x * 1e308 for x in range(1, 41)]
        undefined = [x - x * 1.0 for x in wide]  # 0, but inf - inf where that overflows
        return ad.mean([NAN[name](x) * p for x in undefined]) + (ad.atan2(p, 2.0) if signed else 0.0)

    p = Value(0.01)
    replay = Replay(loss(p), [p])
    assert replay.report().kind == kind
    replay.values[0] = 100.0
    expected = loss(Value(100.0)).data
    assert replay() == pytest.approx(expected, nan_ok=True)
    left.clear()
