"""What each operation answers at its edges, and what it makes of numbers that are none: a table, row by row."""

import math
from decimal import Decimal
from fractions import Fraction

import pytest

import autodiff
from autodiff import DomainError, Value, grad

np = pytest.importorskip("numpy", reason="NumPy is not installed")

INF, NAN = math.inf, math.nan
NAMES = {**{name: getattr(autodiff, name) for name in autodiff.__all__}, "inf": INF, "nan": NAN}

# fmt: off
EDGES = [  # an expression in x and y, where, its value, its gradient
    # kinks
    ("relu(x)", (0.0,), 0.0, (0.0,)),
    ("relu(x)", (-0.0,), 0.0, (0.0,)),
    ("relu(x)", (5e-324,), 5e-324, (1.0,)),
    ("relu(x)", (-5e-324,), 0.0, (0.0,)),
    ("abs(x)", (0.0,), 0.0, (0.0,)),
    ("abs(x)", (-0.0,), 0.0, (0.0,)),
    ("sign(x)", (0.0,), 0.0, (0.0,)),
    ("sign(x)", (-7.0,), -1.0, (0.0,)),
    ("heaviside(x)", (0.0,), 0.0, (0.0,)),
    ("heaviside(x, 0.5)", (0.0,), 0.5, (0.0,)),
    ("heaviside(x, 0.5)", (-0.0,), 0.5, (0.0,)),
    ("leaky_relu(x, 0.25)", (0.0,), 0.0, (0.25,)),
    ("leaky_relu(x, 0.25)", (-4.0,), -1.0, (0.25,)),
    ("leaky_relu(x, 0.25)", (4.0,), 4.0, (1.0,)),
    ("elu(x, 2.0)", (0.0,), 0.0, (2.0,)),
    ("elu(x, 2.0)", (-1000.0,), -2.0, (0.0,)),
    ("elu(x, 2.0)", (1000.0,), 1000.0, (1.0,)),
    ("clip(x, 0.0, 1.0)", (0.0,), 0.0, (1.0,)),
    ("clip(x, 0.0, 1.0)", (1.0,), 1.0, (1.0,)),
    ("clip(x, 0.0, 1.0)", (-0.5,), 0.0, (0.0,)),
    ("clip(x, 0.0, 1.0)", (1.5,), 1.0, (0.0,)),
    ("clip(x, 0.0, 0.0)", (0.0,), 0.0, (1.0,)),
    ("clip(x, low=1.0)", (-7.0,), 1.0, (0.0,)),
    ("clip(x, high=1.0)", (-7.0,), -7.0, (1.0,)),
    ("maximum(x, y)", (3.0, 3.0), 3.0, (0.5, 0.5)),
    ("minimum(x, y)", (3.0, 3.0), 3.0, (0.5, 0.5)),
    ("maximum(x, y)", (0.0, -0.0), 0.0, (0.5, 0.5)),
    ("maximum(x, y)", (INF, INF), INF, (0.5, 0.5)),
    ("maximum(x, y)", (1.0, 2.0), 2.0, (0.0, 1.0)),
    ("minimum(x, y)", (1.0, 2.0), 1.0, (1.0, 0.0)),
    ("maximum(x, x)", (3.0,), 3.0, (1.0,)),
    ("max(x, y, 1.0)", (3.0, 3.0), 3.0, (0.5, 0.5)),
    ("max(x, y, 3.0)", (3.0, 3.0), 3.0, (1 / 3, 1 / 3)),
    ("max(x, y, 4.0)", (3.0, 3.0), 4.0, (0.0, 0.0)),
    ("min(x, y, 9.0)", (3.0, 3.0), 3.0, (0.5, 0.5)),
    ("min(x, y, 1.0)", (3.0, 3.0), 1.0, (0.0, 0.0)),
    ("min(x, y, 2.0)", (1.0, NAN), NAN, (NAN, NAN)),
    ("where(x, 2*x, 5*y)", (0.0, 3.0), 15.0, (0.0, 5.0)),
    ("where(x, 2*x, 5*y)", (-0.5, 3.0), -1.0, (2.0, 0.0)),
    ("where(x, 2*x, 5*y)", (NAN, 3.0), NAN, (NAN, NAN)),
    ("where(x > 0, x, y)", (NAN, 3.0), 3.0, (0.0, 1.0)),
    ("where(True, x, y)", (1.0, NAN), 1.0, (1.0, 0.0)),
    ("where(x > 0, sqrt(x), 2*x)", (0.0,), 0.0, (2.0,)),  # the infinite slope of the branch not taken stays there
    ("where(x > 0, exp(sqrt(x)) * inf, 2*x)", (0.0,), 0.0, (2.0,)),
    ("where(x > 0, sum(sqrt(x), 1.0), 2*x)", (0.0,), 0.0, (2.0,)),
    ("relu(-sqrt(x)) + x", (0.0,), 0.0, (1.0,)),
    ("maximum(sqrt(x), 1.0) + x", (0.0,), 1.0, (1.0,)),
    ("maximum(sqrt(x), -1.0) * 0.0", (0.0,), 0.0, (NAN,)),  # but a 0 that comes in is one
    ("sum(sqrt(x), 1.0) * 0.0", (0.0,), 0.0, (NAN,)),
    ("detach(x) * x", (3.0,), 9.0, (3.0,)),
    ("stop_gradient(sqrt(x)) + x", (0.0,), 0.0, (1.0,)),
    ("cbrt(x)", (0.0,), 0.0, (INF,)),
    ("cbrt(x)", (-8.0,), -2.0, (1 / 12,)),
    ("acosh(x)", (1.0,), 0.0, (INF,)),
    ("acosh(x)", (1e200,), 461.2101657793691, (1e-200,)),
    ("asinh(x)", (-1e200,), -461.2101657793691, (1e-200,)),
    ("asinh(x)", (INF,), INF, (0.0,)),
    ("log2(x)", (8.0,), 3.0, (0.18033688011112042,)),
    ("log10(x)", (INF,), INF, (0.0,)),
    ("log_softmax(x, y)[0]", (1000.0, 0.0), 0.0, (0.0, 0.0)),
    ("log_softmax(x, y)[1]", (1000.0, 0.0), -1000.0, (-1.0, 1.0)),
    # powers of 0 and of negative numbers
    ("x**y", (0.0, 0.0), 1.0, (0.0, 0.0)),
    ("x**0", (0.0,), 1.0, (0.0,)),
    ("x**1", (0.0,), 0.0, (1.0,)),
    ("x**2", (0.0,), 0.0, (0.0,)),
    ("x**y", (0.0, 1.0), 0.0, (1.0, 0.0)),
    ("x**y", (0.0, 2.0), 0.0, (0.0, 0.0)),
    ("x**y", (0.0, 0.5), 0.0, (INF, 0.0)),
    ("x**0.5", (0.0,), 0.0, (INF,)),
    ("0**x", (0.0,), 1.0, (0.0,)),
    ("0**x", (3.0,), 0.0, (0.0,)),
    ("x**y", (-2.0, 3.0), -8.0, (12.0, NAN)),
    ("x**3", (-2.0,), -8.0, (12.0,)),
    ("x**-3", (-2.0,), -0.125, (-3 / 16,)),
    ("(-2)**x", (3.0,), -8.0, (NAN,)),
    ("2**x", (3.0,), 8.0, (8 * math.log(2),)),
    ("x**-1", (4.0,), 0.25, (-0.0625,)),
    # infinite slopes
    ("sqrt(x)", (0.0,), 0.0, (INF,)),
    ("sqrt(x)", (-0.0,), 0.0, (INF,)),
    ("asin(x)", (1.0,), math.pi / 2, (INF,)),
    ("asin(x)", (-1.0,), -math.pi / 2, (INF,)),
    ("acos(x)", (1.0,), 0.0, (-INF,)),
    ("acos(x)", (-1.0,), math.pi, (-INF,)),
    # overflow
    ("exp(x)", (710.0,), INF, (INF,)),
    ("exp(x)", (-1000.0,), 0.0, (0.0,)),
    ("expm1(x)", (710.0,), INF, (INF,)),
    ("expm1(x)", (-1000.0,), -1.0, (0.0,)),
    ("sinh(x)", (1000.0,), INF, (INF,)),
    ("sinh(x)", (-1000.0,), -INF, (INF,)),
    ("cosh(x)", (1000.0,), INF, (INF,)),
    ("cosh(x)", (-1000.0,), INF, (-INF,)),
    ("x**2", (1e200,), INF, (2e200,)),
    ("x * x", (1e200,), INF, (2e200,)),
    ("x**y", (1e200, 2.0), INF, (2e200, INF)),
    ("x**3", (-1e200,), -INF, (INF,)),
    ("x**2", (-1e200,), INF, (-2e200,)),
    ("x**-3", (-1e-200,), -INF, (-INF,)),
    ("x + y", (1.7e308, 1.7e308), INF, (1.0, 1.0)),
    ("x / y", (1e200, 1e-200), INF, (1e200, -INF)),
    ("x / y", (1e300, 1e200), 1e100, (1e-200, -1e-100)),
    ("prod(x, y)", (1e200, 1e200), INF, (1e200, 1e200)),
    # saturation
    ("tanh(x)", (1000.0,), 1.0, (0.0,)),
    ("tanh(x)", (-1000.0,), -1.0, (0.0,)),
    ("sigmoid(x)", (1000.0,), 1.0, (0.0,)),
    ("sigmoid(x)", (-1000.0,), 0.0, (0.0,)),
    ("sigmoid(x)", (40.0,), 1.0, (4.248354255291589e-18,)),  # 1 - s would say 0
    ("tanh(x)", (20.0,), 1.0, (1.6993417021166355e-17,)),
    ("softplus(x)", (1000.0,), 1000.0, (1.0,)),
    ("softplus(x)", (-1000.0,), 0.0, (0.0,)),
    ("silu(x)", (1000.0,), 1000.0, (1.0,)),
    ("silu(x)", (-1000.0,), 0.0, (0.0,)),
    ("gelu(x)", (1000.0,), 1000.0, (1.0,)),
    ("gelu(x)", (-1000.0,), 0.0, (0.0,)),
    ("gelu(x)", (1e200,), 1e200, (1.0,)),
    ("erf(x)", (1e200,), 1.0, (0.0,)),
    ("erfc(x)", (-1e200,), 2.0, (0.0,)),
    ("atan(x)", (1e200,), math.pi / 2, (0.0,)),
    ("logsumexp(x, y)", (1000.0, 1000.0), 1000.0 + math.log(2), (0.5, 0.5)),
    ("logsumexp(x, y)", (-1000.0, -1000.0), -1000.0 + math.log(2), (0.5, 0.5)),
    ("logsumexp(x, y)", (0.0, -1000.0), 0.0, (1.0, 0.0)),
    ("logsumexp(x)", (5.0,), 5.0, (1.0,)),
    ("softmax(x, y)[0]", (1000.0, 0.0), 1.0, (0.0, 0.0)),
    ("softmax(x, y)[0]", (1000.0, 1000.0), 0.5, (0.25, -0.25)),
    # the plane
    ("hypot(x, y)", (0.0, 0.0), 0.0, (0.0, 0.0)),
    ("hypot(x, y)", (1e200, 1e200), 1.4142135623730951e200, (math.sqrt(0.5), math.sqrt(0.5))),
    ("hypot(x, y)", (1e-200, 1e-200), 1.4142135623730951e-200, (math.sqrt(0.5), math.sqrt(0.5))),
    ("hypot(x, y)", (-3.0, 0.0), 3.0, (-1.0, 0.0)),
    ("atan2(x, y)", (0.0, -1.0), math.pi, (-1.0, -0.0)),
    ("atan2(x, y)", (1e200, 1e200), math.pi / 4, (5e-201, -5e-201)),
    ("atan2(x, y)", (1e-200, 1e-200), math.pi / 4, (5e199, -5e199)),
    # inf and nan that come in
    ("x - y", (INF, INF), NAN, (1.0, -1.0)),
    ("x * y", (0.0, INF), NAN, (INF, 0.0)),
    ("x / y", (1.0, INF), 0.0, (0.0, 0.0)),
    ("relu(x)", (NAN,), NAN, (NAN,)),
    ("relu(x)", (INF,), INF, (1.0,)),
    ("relu(x)", (-INF,), 0.0, (0.0,)),
    ("leaky_relu(x)", (NAN,), NAN, (NAN,)),
    ("elu(x)", (NAN,), NAN, (NAN,)),
    ("elu(x)", (-INF,), -1.0, (0.0,)),
    ("abs(x)", (NAN,), NAN, (NAN,)),
    ("abs(x)", (-INF,), INF, (-1.0,)),
    ("sign(x)", (NAN,), NAN, (0.0,)),
    ("heaviside(x)", (NAN,), NAN, (0.0,)),
    ("clip(x, 0.0, 1.0)", (NAN,), NAN, (NAN,)),
    ("clip(x, 0.0, 1.0)", (INF,), 1.0, (0.0,)),
    ("maximum(x, y)", (NAN, 1.0), NAN, (NAN, NAN)),
    ("maximum(x, y)", (1.0, NAN), NAN, (NAN, NAN)),
    ("minimum(x, y)", (NAN, 1.0), NAN, (NAN, NAN)),
    ("minimum(x, y)", (1.0, NAN), NAN, (NAN, NAN)),
    ("max(x, y, 2.0)", (1.0, NAN), NAN, (NAN, NAN)),
    ("exp(x)", (NAN,), NAN, (NAN,)),
    ("exp(x)", (-INF,), 0.0, (0.0,)),
    ("sin(x)", (NAN,), NAN, (NAN,)),
    ("sqrt(x)", (INF,), INF, (0.0,)),
    ("log(x)", (INF,), INF, (0.0,)),
    ("tanh(x)", (INF,), 1.0, (0.0,)),
    ("tanh(x)", (NAN,), NAN, (NAN,)),
    ("sigmoid(x)", (-INF,), 0.0, (0.0,)),
    ("sigmoid(x)", (NAN,), NAN, (NAN,)),
    ("softplus(x)", (INF,), INF, (1.0,)),
    ("softplus(x)", (NAN,), NAN, (NAN,)),
    ("atan(x)", (-INF,), -math.pi / 2, (0.0,)),
    ("logsumexp(x, y)", (-INF, 0.0), 0.0, (0.0, 1.0)),
    ("logsumexp(x, y)", (NAN, 0.0), NAN, (NAN, NAN)),
    ("x**0", (NAN,), 1.0, (0.0,)),
    # a branch not taken contributes 0, whatever comes in
    ("relu(x) * inf", (-1.0,), NAN, (0.0,)),
    ("relu(x) * nan", (-1.0,), NAN, (0.0,)),
    ("relu(x) * inf", (1.0,), INF, (INF,)),
    ("sqrt(relu(x))", (-1.0,), 0.0, (0.0,)),
    ("sqrt(clip(x, 0.0, 1.0))", (-1.0,), 0.0, (0.0,)),
    ("sqrt(abs(x))", (0.0,), 0.0, (0.0,)),
    ("sqrt(maximum(x, y))", (-1.0, 0.0), 0.0, (0.0, INF)),
    ("sqrt(minimum(x, y))", (0.0, 1.0), 0.0, (INF, 0.0)),
    ("sqrt(max(x, y, -2.0))", (-1.0, 0.0), 0.0, (0.0, INF)),
    ("sqrt(leaky_relu(x, 0.0))", (-1.0,), 0.0, (0.0,)),
    ("sign(x) * inf", (1.0,), INF, (0.0,)),
    ("heaviside(x) * inf", (1.0,), INF, (0.0,)),
    # but 0 * inf in a product stays nan
    ("x * 0.0 * inf", (1.0,), NAN, (NAN,)),
    ("sqrt(x * x)", (0.0,), 0.0, (NAN,)),
    ("sqrt(x**2)", (0.0,), 0.0, (NAN,)),
    ("x**0 * inf", (2.0,), INF, (NAN,)),
    ("sqrt(x) * 0.0", (0.0,), 0.0, (NAN,)),
    ("prod(x, y) * 0.0", (INF, 2.0), NAN, (0.0, NAN)),
    ("prod(x, y, 1e200) * 0.0", (0.0, 1e200), 0.0, (NAN, 0.0)),
]

UNDEFINED = [
    ("sqrt(x)", (-1.0,), DomainError), ("sqrt(x)", (-INF,), DomainError), ("x.sqrt()", (-1.0,), DomainError),
    ("log(x)", (0.0,), DomainError), ("log(x)", (-0.0,), DomainError), ("log(x)", (-1.0,), DomainError),
    ("log2(x)", (0.0,), DomainError), ("log10(x)", (-1.0,), DomainError), ("acosh(x)", (0.9,), DomainError),
    ("atanh(x)", (1.0,), DomainError), ("atanh(x)", (-1.5,), DomainError), ("x.acosh()", (-1.0,), DomainError),
    ("log1p(x)", (-1.0,), DomainError), ("log1p(x)", (-2.0,), DomainError),
    ("sin(x)", (INF,), DomainError), ("cos(x)", (INF,), DomainError), ("tan(x)", (-INF,), DomainError),
    ("asin(x)", (1.1,), DomainError), ("acos(x)", (2.0,), DomainError), ("acos(x)", (-INF,), DomainError),
    ("atan2(x, y)", (0.0, 0.0), DomainError), ("atan2(x, y)", (-0.0, 0.0), DomainError),
    ("x**(1/3)", (-8.0,), DomainError), ("x**y", (-8.0, 1 / 3), DomainError), ("x**0.5", (-4.0,), DomainError),
    ("x**-1", (0.0,), ZeroDivisionError), ("x**-1", (-0.0,), ZeroDivisionError), ("x**-0.5", (0.0,), ZeroDivisionError),
    ("x**y", (0.0, -2.0), ZeroDivisionError), ("0**x", (-1.0,), ZeroDivisionError),
    ("x / y", (1.0, 0.0), ZeroDivisionError), ("x / y", (0.0, 0.0), ZeroDivisionError),
    ("x / 0", (1.0,), ZeroDivisionError), ("1 / x", (-0.0,), ZeroDivisionError),
    ("x / y", (NAN, 0.0), ZeroDivisionError),
]
# fmt: on


def evaluate(expression, point):
    xs = [Value(number) for number in point]
    return eval(expression, dict(NAMES), dict(zip("xy", xs, strict=False))), xs


@pytest.mark.sampled
@pytest.mark.parametrize(("expression", "point", "value", "gradient"), EDGES)
def test_value_and_gradient_at_the_edge(expression, point, value, gradient):
    out, xs = evaluate(expression, point)
    assert out.data == pytest.approx(value, rel=2e-16, abs=0, nan_ok=True)
    out.backward()
    assert [x.grad for x in xs] == pytest.approx(gradient, rel=4e-16, abs=0, nan_ok=True)


@pytest.mark.sampled
@pytest.mark.parametrize(("expression", "point", "value", "gradient"), EDGES)
def test_grad_says_the_same_at_the_edge(expression, point, value, gradient):
    out, xs = evaluate(expression, point)
    assert [grad(out, x).data for x in xs] == pytest.approx(gradient, rel=4e-16, abs=0, nan_ok=True)


@pytest.mark.parametrize(("expression", "point", "error"), UNDEFINED)
def test_outside_the_domain_the_forward_step_raises(expression, point, error):
    with pytest.raises(error, match=r"is undefined at .*it needs"):
        evaluate(expression, point)


@pytest.mark.parametrize("kind", [float, np.float64, int, Fraction])
@pytest.mark.parametrize(("function", "point"), [("sqrt", [-1]), ("log", [0]), ("log1p", [-1]), ("atan2", [0, 0])])
def test_plain_numbers_outside_the_domain_raise_the_same(function, point, kind):
    with pytest.raises(DomainError, match=rf"{function}\(.*\) is undefined at .*it needs"):
        NAMES[function](*map(kind, point))


@pytest.mark.parametrize("x", [-0.0, -5.0])
def test_relu_answers_a_positive_zero(x):
    assert math.copysign(1.0, autodiff.relu(x)) == 1.0


class Countable:
    def __float__(self):
        return 2.5


class Sized(Countable):
    def __len__(self):
        return 1


# fmt: off
REFUSED = [
    "3", b"3", None, 1j, np.complex128(1), np.complex64(1), [1.0], (1.0,), {}, range(1), object(), float, np.str_("3"),
    np.array([1.0, 2.0]), np.array([1.0]), np.array(1.0), Value(1.0), Sized(), np.datetime64("2020-01-01"),
]
ACCEPTED = [
    (3, 3.0), (0.5, 0.5), (True, 1.0), (False, 0.0), (Fraction(1, 4), 0.25), (Decimal("0.5"), 0.5),
    (INF, INF), (NAN, NAN),
    (2**70, 2.0**70), (Countable(), 2.5), (np.float64(1.5), 1.5), (np.float32(1.5), 1.5), (np.float16(1.5), 1.5),
    (np.int64(3), 3.0), (np.int8(-3), -3.0), (np.uint8(3), 3.0), (np.bool_(True), 1.0),
]
# fmt: on


def kind(x):
    return type(x).__name__


@pytest.mark.parametrize("thing", REFUSED, ids=kind)
def test_what_is_not_one_real_number_is_a_type_error(thing):
    with pytest.raises(TypeError):
        Value(thing)
    x = Value(1.0)
    with pytest.raises(TypeError):
        x.data = thing
    assert x.data == 1.0


@pytest.mark.parametrize("thing", REFUSED[:-1], ids=kind)  # datetime64 itself says what is wrong
def test_the_refusal_shows_the_kind_and_the_thing(thing):
    with pytest.raises(TypeError) as caught:
        Value(thing)
    message = str(caught.value)
    assert f"expected one real number, such as 3 or 0.5, got {kind(thing)}: " in message
    assert repr(thing)[:9] in message


def test_the_refusal_of_something_long_is_short():
    for refuse in (Value, autodiff.nn.data.batches, autodiff.nn.l1, autodiff.nn.History):
        with pytest.raises(TypeError) as error:
            refuse("x" * 1_000_000)
        assert len(str(error.value)) < 200


@pytest.mark.parametrize("thing", [x for x in REFUSED if not isinstance(x, Value)], ids=kind)
def test_a_function_refuses_what_a_value_refuses(thing):
    for operands in [(thing,), (Value(1.0), thing), (thing, Value(1.0)), (1.0, thing)]:
        with pytest.raises(TypeError):
            (autodiff.tanh if len(operands) == 1 else autodiff.hypot)(*operands)


HUGE = {
    "the int 1000": 10**400,
    "the int -1000": -(10**400),
    "the int 10000": 10**2700,
    "the int of thousands of digits": 10**5000,  # which Python does not write
    "the Fraction Fraction": Fraction(10**400),
}


@pytest.mark.parametrize(("told", "huge"), HUGE.items(), ids=HUGE)
def test_a_number_too_large_for_a_float_is_an_overflow_error(told, huge):
    for use in [Value, lambda n: Value(1.0) + n, lambda n: n * Value(1.0), lambda n: Value(1.0) ** n, autodiff.tanh]:
        with pytest.raises(OverflowError, match=f"^{told}.* is too large for a float: at most 1.8e308 fits$"):
            use(huge)


@pytest.mark.parametrize(("thing", "number"), ACCEPTED, ids=kind)
def test_one_real_number_of_any_kind_becomes_a_float(thing, number):
    x = Value(thing)
    assert type(x.data) is float
    assert x.data == pytest.approx(number, rel=0, abs=0, nan_ok=True)
