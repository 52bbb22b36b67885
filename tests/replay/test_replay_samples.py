"""The losses of samples as programs that take any of them, and the vectors that their gradients are."""

import math
import random
from array import array

import pytest
from helpers.replay_graphs import grow, moderate

import autodiff as ad
from autodiff import DomainError, Value
from autodiff.replay import Samples, length, scaled, vector
from autodiff.replay.vectors import added

pytestmark = pytest.mark.usefixtures("left")


@pytest.mark.sampled
@pytest.mark.parametrize("seed", range(12))
def test_samples_are_averaged_whichever_are_asked_for(seed, kind):
    rng = random.Random(seed)
    parameters = [Value(rng.uniform(-1, 1)) for _ in range(3)]
    ways = [rng.random() for _ in range(rng.randint(1, 3))]  # samples of one way share a program

    def of_sample(way, x):
        pool = grow(random.Random(way), [*parameters, Value(x), Value(x * x)], 12)
        return moderate(pool[-1]) + (pool[-2] * pool[0] - x) ** 2

    data = [(rng.choice(ways), rng.choice([0.0, 1.0, rng.uniform(-2, 2)])) for _ in range(9)]
    ours = Samples((of_sample(*sample) for sample in data), parameters, vector([p.data for p in parameters]))
    for asked in ([0], [8, 3], list(range(9)), [5, 5, 1], [7, 2, 0, 4]):
        for p in parameters:
            p.data += 0.01
            p.zero_grad()
        eager = ad.mean([of_sample(*data[k]) for k in asked])
        eager.backward()
        loss, gradient = ours.gradient(vector([p.data for p in parameters]), asked)
        assert loss == pytest.approx(eager.data, rel=1e-11, abs=1e-13)
        assert list(gradient) == pytest.approx([p.grad for p in parameters], rel=1e-10, abs=1e-11)


def test_samples_that_differ_in_the_sign_of_zero_differ():
    p = Value(-1.0)
    losses = [ad.atan2(Value(zero), p * 1.0) for zero in (0.0, -0.0)]
    ours = Samples(losses, [p], vector([-1.0]))
    assert [ours.gradient(vector([-1.0]), [k])[0] for k in (0, 1)] == [math.pi, -math.pi]


@pytest.mark.parametrize("make", [vector, lambda numbers: array("d", numbers)], ids=["vector", "array"])
def test_vectors_are_scaled_added_and_measured_without_overflow(make):
    x, y = make([3.0, -4.0]), make([1.0, 0.5])
    assert list(scaled(x, -2.0)) == [-6.0, 8.0]
    assert list(added(x, y)) == [4.0, -3.5]
    assert (list(x), list(y)) == ([3.0, -4.0], [1.0, 0.5])
    for scale in (1e-200, 1e-160, 1e-150, 1e-100, 1.0, 1e100, 1e200):
        assert length(make([3.0 * scale, -4.0 * scale])) == pytest.approx(5.0 * scale, rel=1e-15, abs=0.0)
    assert length(make([0.0])) == 0.0
    assert length(make([math.inf, 1.0])) == math.inf
    assert math.isnan(length(make([math.nan, 1.0])))


def test_samples_that_differ_in_an_exponent_a_bound_or_the_parameter_that_they_are_differ(kind):
    p, q = Value(2.0), Value(3.0)
    losses = [p**2, p**3, ad.clip(p * 5.0, 0.0, 9.0), ad.clip(p * 5.0, 0.0, 8.0), p, q, p * q, q * p]
    ours = Samples(losses, [p, q], vector([2.0, 3.0]))
    answers = [ours.gradient(vector([2.0, 3.0]), [k]) for k in range(len(losses))]
    assert [loss for loss, _ in answers] == [4.0, 8.0, 9.0, 8.0, 2.0, 3.0, 6.0, 6.0]
    expected = [[4, 0], [12, 0], [0, 0], [0, 0], [1, 0], [0, 1], [3, 2], [3, 2]]
    assert [list(gradient) for _, gradient in answers] == expected


def test_samples_that_depend_on_no_parameter_count_too():
    p = Value(3.0)
    losses = [p * 2.0, Value(1.0) + Value(5.0), p * 4.0, Value(1.0) + Value(7.0), Value(1.0)]
    ours = Samples(losses, [p], vector([3.0]))
    assert ours.depends == {0}
    loss, gradient = ours.gradient(vector([3.0]), range(5))
    assert [loss, *gradient] == pytest.approx([(6.0 + 6.0 + 12.0 + 8.0 + 1.0) / 5, 6.0 / 5])


def test_samples_depend_on_what_any_of_them_does():
    p, q, r = Value(1.0), Value(2.0), Value(3.0)
    assert Samples([p * 2.0, ad.sin(r), p * 3.0], [p, q, r], vector([1.0, 2.0, 3.0])).depends == {0, 2}


def test_a_sample_outside_of_a_domain_is_told_with_its_labels():
    p = Value(1.0, label="p")

    def of_sample(x):
        z = p * Value(x, label="x")
        z.label = "z"
        return ad.log(z)

    ours = Samples(map(of_sample, (1.0, 2.0)), [p], vector([1.0]))
    with pytest.raises(DomainError, match=r"log\(x\) is undefined at x = -6\.0 \('z'\)"):
        ours.gradient(vector([-3.0]), [1])
