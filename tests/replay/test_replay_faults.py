"""Faults that were planted once and that no test saw: each is seen here."""

import math

import pytest

import autodiff as ad
from autodiff import Replay, Value

pytestmark = pytest.mark.usefixtures("left", "no_native")


def gradient_of(loss, parameters, kind):
    replay = Replay(loss, parameters)
    assert replay.report().kind == kind
    found, gradient = replay.gradient()
    return found, list(gradient)


@pytest.mark.parametrize("below", [10.0, 30.0, 40.0, 300.0])
def test_logsumexp_keeps_what_is_hardly_more_than_its_largest_term(below, kind):
    x, y = Value(0.0), Value(-below)
    found, gradient = gradient_of(ad.logsumexp([x, y]), [x, y], kind)
    assert found == pytest.approx(math.log1p(math.exp(-below)), rel=1e-15, abs=0)
    assert gradient[1] == pytest.approx(math.exp(-below) / (1 + math.exp(-below)), rel=1e-12, abs=0)


@pytest.mark.parametrize("count", [9, 20])
@pytest.mark.parametrize("zeros", [(), (4,), (0, 7)])
def test_the_gradient_of_a_product_of_many_is_no_division(count, zeros, kind):
    xs = [Value(0.0 if i in zeros else 1.0 + 0.1 * i) for i in range(count)]
    found, gradient = gradient_of(ad.prod(xs), xs, kind)
    numbers = [x.data for x in xs]
    assert found == pytest.approx(math.prod(numbers), rel=1e-14)
    for i, slope in enumerate(gradient):
        assert slope == pytest.approx(math.prod(numbers[:i] + numbers[i + 1 :]), rel=1e-13)


@pytest.mark.parametrize("count", [31, 64])
def test_a_weight_that_is_used_twice_among_many_has_both_slopes(count, kind):
    weights = [Value(0.1 * i - 1.0) for i in range(count)]
    used = [*weights[:-1], weights[3]]
    inputs = [1.0 + 0.01 * i for i in range(count)]
    loss = ad.tanh(ad.dot(used, inputs) * 0.01) + ad.sum([ad.sin(w) for w in used])
    _, gradient = gradient_of(loss, weights, kind)
    z = 0.01 * sum(w.data * x for w, x in zip(used, inputs, strict=True))
    outer = 0.01 / math.cosh(z) ** 2
    for i, (w, slope) in enumerate(zip(weights, gradient, strict=True)):
        factors = {3: inputs[3] + inputs[-1], count - 1: 0.0}.get(i, inputs[i])
        uses = {3: 2, count - 1: 0}.get(i, 1)
        assert slope == pytest.approx(outer * factors + uses * math.cos(w.data), rel=1e-12), i


@pytest.mark.parametrize("size", [1e-150, 1e-250, 1e-300, 5e-324])
def test_the_smallest_gradients_are_handed_on(size, kind):
    w, b = Value(0.5), Value(1.0)
    _, gradient = gradient_of(w * size + b * size, [w, b], kind)
    assert gradient == [size, size]


def test_a_gradient_that_is_tiny_on_the_way_is_large_again_at_its_end(kind):
    w = Value(0.5)
    _, gradient = gradient_of(((w * 1e150) * 1e100) * 1e-250 + w * 0.0, [w], kind)
    assert gradient == pytest.approx([1.0], rel=1e-14)
    _, gradient = gradient_of(ad.sin(w * 1e250) * 1e-300 * 1e200, [w], kind)
    assert gradient == pytest.approx([math.cos(0.5e250) * 1e150], rel=1e-12)
