"""Operations that people make: read by numbers, Values and symbols alike, or told at once why not."""

import math

import pytest

import autodiff
from autodiff import DomainError, Op, Value, derive, grad

ABS = lambda out, x: (math.copysign(1.0, x),)  # noqa: E731  # one of many rules below

# fmt: off
NUMBERS_ALONE = {
    "math": (math.sin, lambda out, x: (math.cos(x),), "autodiff.exp"),
    "if": (abs, lambda out, x: (1.0 if x > 0 else -1.0,), "autodiff.where"),
    "truth": (abs, lambda out, x: (x and 1.0,), "autodiff.where"),
    "equal": (abs, lambda out, x: (1.0 * (x == 3),), "autodiff.where"),
    "max": (lambda x: max(x, 0), lambda out, x: (max(x, 0) / x,), "autodiff.where"),
    "%": (lambda x: x * x, lambda out, x: (2 * x + x % 1 * 0,), "no derivatives"),
    "round": (lambda x: x * x, lambda out, x: (2 * x + 0 * round(x),), "no derivatives"),
    "float": (lambda x: x**3, lambda out, x: (3 * float(x) ** 2,), "autodiff.exp"),
    "copysign": (abs, ABS, "autodiff.exp"),
}
WRONG = {
    "no sequence": (lambda x: x * x, lambda out, x: 2 * x, TypeError, "a tuple, one derivative an operand"),
    "too many": (lambda x: x * x, lambda out, x: (2 * x, x), ValueError, "2 derivatives for 1 operands"),
    "too few": (lambda x, y: x * y, lambda out, x, y: (y,), ValueError, "1 derivatives for 2 operands"),
    "too few of many": (lambda *xs: sum(xs), lambda out, *xs: (1.0,), ValueError, "1 derivatives for 4 operands"),
    "another operand in its formula": (abs, lambda out, y: (1.0,), ValueError, "must name operands as the rule does"),
    "no number": (lambda x: x, lambda out, x: ("1",), TypeError, "expected one real number"),
    "a value that is none": (str, lambda out, x: (1.0,), TypeError, "does not answer for the numbers"),
    "a value of two": (lambda x, y: x, lambda out, x: (1.0,), TypeError, "the value of .* does not answer"),
    "a name": (lambda x: x, lambda out, x: (slope,), TypeError, "the rule of .* name 'slope' is not defined"),  # noqa: F821
}
RIGHT = {  # at x = 2: the second derivative
    "3 x**2": (lambda x: x**3, lambda out, x: (3 * x**2,), 12.0),
    "x**-0.5": (math.sqrt, lambda out, x: (0.5 * x**-0.5,), -0.25 * 2**-1.5),
    "2**x": (lambda x: 2**x, lambda out, x: (math.log(2) * 2**x,), 4 * math.log(2) ** 2),
    "x**x": (lambda x: x**x, lambda out, x: (out * (autodiff.log(x) + 1),), 4 * (math.log(2) + 1) ** 2 + 2),
    "+abs(x)": (lambda x: x * abs(x), lambda out, x: (+2 * abs(x),), 2.0),
    "cos": (math.sin, lambda out, x: (autodiff.cos(x),), -math.sin(2.0)),
    "where": (abs, lambda out, x: (autodiff.where(autodiff.heaviside(x), 1.0, -1.0),), 0.0),
}
# fmt: on


@pytest.mark.parametrize("name", NUMBERS_ALONE)
def test_a_rule_that_takes_numbers_alone_is_told_when_it_is_made_and_where_more_is_asked(name):
    value, rule, cure = NUMBERS_ALONE[name]
    with pytest.warns(UserWarning, match=rf"the rule of <Op f\(x\)> takes plain numbers alone: .*{cure}") as told:
        op = Op("f", value, rule, "f({x})", piecewise=True)
    assert told[0].filename == __file__
    x = Value(3.0)
    y = op(x)
    y.backward()
    assert x.grad == rule(y.data, 3.0)[0]
    with pytest.raises(TypeError, match=rf"<Op f\(x\)> takes plain numbers alone: .*{cure}"):
        grad(y, x)


@pytest.mark.parametrize("name", WRONG)
def test_a_rule_that_is_wrong_is_refused_when_it_is_made(name):
    value, rule, error, told = WRONG[name]
    with pytest.raises(error, match=told):
        Op("f", value, rule, "f({xs})" if name.endswith("of many") else "f({x})")


@pytest.mark.parametrize("name", RIGHT)
def test_a_rule_with_powers_and_functions_is_differentiated_twice(name):
    value, rule, second = RIGHT[name]
    x = Value(2.0, "x")
    y = Op("f", value, rule, "f({x})")(x)
    assert grad(grad(y, x), x).data == pytest.approx(second, rel=1e-14)


def test_an_own_operation_shows_itself_in_a_derivation():
    x = Value(2.0, "x")
    y = Op("f", math.sin, lambda out, x: (autodiff.cos(x) * 1.0,), "f({x})")(x)
    assert "f(x)" in str(derive(y, wrt=x))


def test_a_row_is_tried_only_where_it_has_a_value():
    op = Op("root", lambda x: math.sqrt(x - 41.0), lambda out, x: (autodiff.where(out, 0.5 / out, 0.0),), "{x}")
    assert op(50.0) == 3.0
    outside = Op("nowhere", lambda x: math.log(-1.0), lambda out, x: (x, x), "{x}")  # so it is told when it is used
    assert outside.arity == 1


def test_operations_of_many_of_two_and_with_static_arguments_are_tried_as_they_are():
    pairs = Op("pairs", lambda a, b: a * b, lambda out, a, b: (b, a), "pairs({a}, {b})")
    power = Op("power", lambda x, n: x**n, lambda out, x, n: (n * x ** (n - 1) if n else 0.0,), "{x}^{n}", static=1)
    first = Op("first", lambda *xs: xs[0], lambda out, *xs: (1.0, *[0.0] * (len(xs) - 1)), "first({xs})")
    assert (pairs(2.0, 3.0), power(2.0, 3.0), first(1.0, 2.0)) == (6.0, 8.0, 1.0)


def test_a_complex_answer_means_that_there_is_none():
    power = Op("power", lambda x: x**1.5, lambda out, x: (1.5 * x**0.5,), "power({x})")
    assert power(Value(4.0)).data == 8.0
    for x in (-1.0, Value(-1.0)):
        with pytest.raises(DomainError, match=r"^power\(x\) is undefined at x = -1.0$"):
            power(x)


def test_the_numbers_that_ones_own_row_answers_are_floats():
    floor = Op("floor", lambda x: int(x), lambda out, x: (0.0,), "floor({x})")
    assert type(floor(Value(2.5)).data) is float
