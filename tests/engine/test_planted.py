"""Faults that someone might plant or make: each of these was once missed by all other tests."""

import math
import random
from fractions import Fraction

import mpmath
import pytest

import autodiff
from autodiff import Replay, Value, grad


@pytest.mark.parametrize("count", [3, 8, 9, 12, 40])
@pytest.mark.parametrize("zeros", [0, 1, 2])
def test_a_product_of_many_has_exact_slopes_with_zeros_among_its_operands(count, zeros):
    chance = random.Random(count)
    numbers = [chance.choice([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0]) for _ in range(count)]
    for place in chance.sample(range(count), zeros):
        numbers[place] = 0.0
    exact = [math.prod([Fraction(x) for j, x in enumerate(numbers) if j != i]) for i in range(count)]
    xs = [Value(x) for x in numbers]
    y = autodiff.prod(xs)
    y.backward()
    assert [x.grad for x in xs] == exact
    assert [slope.data for slope in grad(y, *xs)] == exact


@pytest.mark.parametrize("size", [1e-150, 1e-201, 1e-250, 1e-300, 5e-324])
@pytest.mark.parametrize("negative", [False, True])
def test_a_tiny_gradient_is_not_dropped(size, negative):
    incoming = -size if negative else size
    rows = (lambda x: x * 1.0, lambda x: autodiff.sum([x, 1.0]), lambda x: autodiff.dot([x], [1.0], 2.0))
    for node in (*rows, autodiff.relu, lambda x: autodiff.max(x, -1.0), lambda x: autodiff.prod([x])):
        x = Value(0.5)
        y = node(x) * incoming
        y.backward()
        assert x.grad == incoming
        assert grad(y, x).data == incoming
        if size > 1e-307:
            assert Replay(y, [x]).gradient()[1][0] == incoming


@pytest.mark.parametrize("x", [-709.0, -709.5, -710.5, -720.25, -735.0, -744.0, -745.0])
def test_the_sigmoid_where_it_is_hardly_more_than_0(x):
    with mpmath.workdps(50):
        share = 1 / (1 + mpmath.exp(-mpmath.mpf(x)))
        wanted, slope = float(share), float(share * (1 - share))
    v = Value(x)
    y = autodiff.sigmoid(v)
    y.backward()
    # a float there has few digits: the last of them is 5e-324
    assert abs(y.data - wanted) <= 1e-15 * wanted + 5e-324
    assert abs(v.grad - slope) <= 1e-15 * slope + 5e-324
    assert y.data > 0
    assert autodiff.sigmoid(-x) == 1.0


@pytest.mark.parametrize("count", [31, 40, 100])
def test_a_weight_that_is_used_twice_among_many_counts_twice(count):
    weights = [Value(0.25 * (i % 7) - 0.5) for i in range(count)]
    numbers = [0.5 * (i % 5) - 1.0 for i in range(count)]
    shared = weights[3]
    for place in (count // 2, count - 1):
        weights[place] = shared
    wanted = numbers[3] + numbers[count // 2] + numbers[count - 1]
    bias = Value(0.125)
    for make in (
        lambda: autodiff.dot(weights, numbers, bias),
        lambda: autodiff.sum([w * x for w, x in zip(weights, numbers, strict=True)]) + bias,
    ):
        y = make()
        shared.grad = bias.grad = 0.0
        y.backward()
        assert (shared.grad, bias.grad) == (wanted, 1.0)
        assert grad(y, shared).data == wanted
        assert Replay(y, [shared, bias]).gradient()[1].tolist() == [wanted, 1.0]
