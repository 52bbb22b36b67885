"""Replays of large graphs: deep, wide, and with sums of many terms; nothing recurses."""

import gc
import random
import sys

import pytest
from helpers.replay_graphs import grow

import autodiff as ad
from autodiff import Replay, Value
from autodiff.replay.python import floats

pytestmark = pytest.mark.usefixtures("left", "no_native")


def chain(length):
    x, w = Value(0.3), Value(0.9)
    node = x
    for _ in range(length // 2):
        node = ad.tanh(w * node + 0.1) if length % 2 else w * node + x
    return node, [x, w]


@pytest.mark.parametrize("length", [10, 3_000, 20_001])
def test_deep_chains(length):
    limit = sys.getrecursionlimit()
    root, leaves = chain(length)
    replay = Replay(root, leaves)
    root.backward()
    loss, gradient = replay.gradient()
    assert loss == root.data
    assert list(gradient) == pytest.approx([leaf.grad for leaf in leaves], rel=1e-11)
    assert replay() == loss
    assert sys.getrecursionlimit() == limit


def test_a_program_in_parts_is_the_program_in_one(monkeypatch):
    rng = random.Random(5)
    parameters = [Value(rng.uniform(-1, 1)) for _ in range(4)]
    root = ad.mean(grow(rng, parameters, 300, far=40)) + 2.0 * parameters[0]
    parameters += [Value(3.0), Value(4.0)]
    root = root + 5.0 * parameters[-2]  # the derivative is a constant; by the last, it is 0
    whole = Replay(root, parameters)
    monkeypatch.setattr(floats, "MAX_LINES", 7)
    parts = Replay(root, parameters)
    assert "def part_3(" in parts.source
    assert list(parts.gradient()[1]) == list(whole.gradient()[1])
    assert parts() == whole()


@pytest.mark.parametrize("reduce", [sum, ad.sum, ad.mean, ad.max, ad.logsumexp, ad.prod])
def test_operations_on_thousands_of_operands(reduce):
    xs = [Value(1 + 1e-5 * i) for i in range(3_000)]
    root = reduce(xs)
    replay = Replay(root, xs)
    root.backward()
    loss, gradient = replay.gradient()
    assert loss == pytest.approx(root.data, rel=1e-12)
    assert list(gradient) == pytest.approx([x.grad for x in xs], rel=1e-11)


def test_sums_nested_on_either_side():
    w = [Value(0.1 * i) for i in range(400)]
    left = right = w[0] * 2.0
    for x in w[1:]:
        left, right = left + ad.tanh(x), ad.tanh(x) + right
    root = left * right
    root.backward()
    assert list(Replay(root, w).gradient()[1]) == pytest.approx([x.grad for x in w], rel=1e-12)


@pytest.mark.parametrize("length", [20, 5_000])
def test_a_dropped_replay_is_gone_without_the_collector(length, kind):
    def left_over():
        gc.collect()
        gc.disable()
        try:
            before = len(gc.get_objects())
            for _ in range(5):
                root, leaves = chain(length)
                replay = Replay(root, leaves)
                replay.gradient()
                del root, leaves, replay
            return len(gc.get_objects()) - before
        finally:
            gc.enable()

    left_over()  # what is kept for all replays is made once
    assert left_over() < (60 if kind == "wasm" else 20)  # ctypes keeps types of memories, however many were used
