"""Random graphs for the tests of replay, the same for the same seed: formulas, and losses over samples."""

import math
import random
import re

import pytest

import autodiff as ad
from autodiff import Replay, Value

ONE = [
    *[ad.exp, ad.expm1, ad.sin, ad.cos, ad.tan, ad.atan, ad.sinh, ad.cosh, ad.tanh, ad.sigmoid, ad.softplus, ad.relu],
    *[ad.silu, ad.gelu, ad.erf, ad.erfc, ad.abs, ad.sign, ad.heaviside, ad.leaky_relu, ad.elu],
    lambda x: ad.elu(x, 0.7),
    lambda x: ad.leaky_relu(x, 1.0),
    lambda x: ad.clip(x, -0.5, 0.5),
    lambda x: ad.heaviside(x, 0.5),
    lambda x: ad.log(x * x + 0.5),
    lambda x: ad.log1p(abs(x)),
    lambda x: ad.sqrt(x * x + 0.3),
    lambda x: ad.asin(ad.clip(x, -0.9, 0.9)),
    lambda x: ad.acos(ad.tanh(x) * 0.9),
    lambda x: x**2,
    lambda x: x**3,
    lambda x: x**0,
    lambda x: x**1,
    lambda x: (x * x + 0.2) ** -1.5,
    lambda x: (abs(x) + 0.1) ** -1,
    lambda x: 2.0**x,
    lambda x: -x,
    lambda x: 1.0 - x,
    lambda x: 2.0 / (x * x + 1.0),
    lambda x: 0.5 * x,
]
TWO = [
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: x * y,
    lambda x, y: x / (y * y + 0.5),
    lambda x, y: ad.maximum(x, y),
    lambda x, y: ad.minimum(x, y),
    lambda x, y: ad.maximum(x, x),
    lambda x, y: ad.hypot(x, y),
    lambda x, y: ad.atan2(x, y + 0.123),
    lambda x, y: (x * x + 0.3) ** y,
]
MANY = [
    lambda xs: ad.sum(xs),
    lambda xs: ad.mean(xs),
    lambda xs: ad.prod(xs),
    lambda xs: ad.max(xs),
    lambda xs: ad.logsumexp(xs),
    lambda xs: sum(xs),
    lambda xs: ad.dot(xs[: len(xs) // 2], xs[len(xs) // 2 : len(xs) // 2 * 2]),
    lambda xs: ad.dot(xs[: len(xs) // 2], xs[len(xs) // 2 : len(xs) // 2 * 2], xs[-1]),
    lambda xs: ad.softmax(xs)[0],
    lambda xs: sum(x * y for x, y in zip(xs, reversed(xs), strict=True)),
]


def moderate(x):
    return ad.tanh(x) if abs(x.data) > 3 else x


def grow(rng, leaves, count, far=12):
    """Values computed from the leaves by random operations, each from others before it."""
    pool = [*leaves, *[Value(rng.uniform(-2, 2)) for _ in range(3)]]
    for _ in range(count):
        kind = rng.random()
        try:
            if kind < 0.45:
                made = rng.choice(ONE)(rng.choice(pool))
            elif kind < 0.85:
                made = rng.choice(TWO)(rng.choice(pool[-far:]), rng.choice(pool))
            else:
                made = rng.choice(MANY)([rng.choice(pool) for _ in range(rng.randint(2, 9))])
        except (ValueError, ZeroDivisionError):
            continue  # outside of a domain
        if isinstance(made, Value):
            pool.append(moderate(made))
    return pool


def formula(rng):
    """A random graph of single operations, some of its leaves inputs."""
    parameters = [Value(rng.uniform(-2, 2)) for _ in range(rng.randint(1, 6))]
    inputs = [Value(rng.uniform(-2, 2)) for _ in range(rng.choice([0, 0, 2, 4]))]
    pool = grow(rng, [*parameters, *inputs], rng.randint(1, 60))
    root = pool[-1] if rng.random() < 0.5 else ad.sum([moderate(x) for x in pool[len(parameters) :]])
    return root, parameters, inputs


def samples(rng):
    """A random loss of a sample, over several samples; now and then one of them is computed in another way."""
    count, width = rng.randint(2, 12), rng.randint(1, 3)
    parameters = [Value(rng.uniform(-1.5, 1.5)) for _ in range(rng.randint(2, 12))]
    model = None
    if rng.random() < 0.6:
        activation = rng.choice(["tanh", "relu", "sigmoid", "softplus", "silu"])
        sizes = [rng.randint(1, 6), rng.randint(1, 3)]
        model = ad.nn.MLP(width, sizes, activation, seed=rng.randint(0, 99), expand=rng.random() < 0.3)
        parameters += model.parameters()
    shared = [p * p for p in parameters[:2]]
    seed, alike = rng.random(), rng.random() < 0.8
    losses = []
    for _ in range(count):
        of_sample = random.Random(seed if alike or rng.random() < 0.7 else rng.random())
        x = [Value(rng.choice([0.0, 1.0, rng.uniform(-2, 2)])) for _ in range(width)]
        out = [] if model is None else model(x)
        leaves = [*x, *(out if isinstance(out, list) else [out])]
        pool = grow(of_sample, [*parameters[:4], *shared, *leaves], of_sample.randint(1, 15))
        losses.append(moderate(pool[-1]) + (pool[-2] - rng.random()) ** 2)
    reduce = rng.choice([ad.mean, ad.mean, sum, lambda xs: sum(xs) * (1 / count), ad.logsumexp, ad.max, ad.sum])
    root = reduce(losses)
    if rng.random() < 0.5:
        root = root + 0.01 * sum(p * p for p in parameters)
    if rng.random() < 0.2:  # a sample's loss depends on those of the others
        middle = ad.mean(losses)
        root = ad.mean([(loss - middle) ** 2 for loss in losses]) + 0.1 * root
    return root, parameters, []


def random_replay(seed):
    """A replay of a random graph, checked against the eager engine at the recorded numbers and at others.

    None where the random graph raises, or depends on no parameter.
    """
    rng = random.Random(seed)
    try:
        root, parameters, inputs = formula(rng) if rng.random() < 0.5 else samples(rng)
    except (ValueError, ZeroDivisionError):
        return None
    try:
        replay = Replay(root, parameters, inputs)
    except ValueError as error:
        if "depends on none" not in str(error):
            raise
        return None
    agree(replay, seed)
    for leaf in (*parameters, *inputs):
        leaf.data += rng.uniform(-0.3, 0.3)
    agree(replay, seed)
    if inputs:
        rows = [[rng.uniform(-2, 2) for _ in inputs] for _ in range(rng.randint(1, 5))]
        agree(replay, seed, rows)
    return replay


def eager(recording, parameters, rows):
    """The mean loss and gradient of a recording, as `backward()` answers on a graph of Values that is made from it."""
    losses, gradients = [], []
    for row in rows:
        nodes, leaves = [], iter([*parameters, *row])
        for op, operands, static, number, label in recording.nodes():
            if op is None:
                nodes.append(Value(next(leaves, number), label))
            else:
                nodes.append(nodes[operands[0]].apply(op, op.grouped([nodes[i] for i in operands], static)))
                nodes[-1].label = label
        nodes[recording.root].backward()
        losses.append(nodes[recording.root].data)
        gradients.append([leaf.grad for leaf in nodes[: recording.parameters]])
    n = len(losses)
    if n == 1:
        return losses[0], gradients[0]
    return sum(losses) / n, [sum(column) / n for column in zip(*gradients, strict=True)]


def agree(replay, what, rows=None):
    """Assert that a replay answers, or raises, what the eager engine does, at the data of now."""
    recording, parameters = replay._recording, replay.parameters
    at = [parameter.data for parameter in parameters]
    replay.values = at
    try:
        loss, slopes = eager(recording, at, rows or [[leaf.data for leaf in replay.inputs]])
    except (ValueError, ZeroDivisionError) as expected:
        with pytest.raises(type(expected), match=re.escape(str(expected))):
            replay.gradient(rows)
        return
    ours, gradient = replay.gradient(rows)
    scale = max(
        [abs(slope) for slope in slopes if math.isfinite(slope)], default=0.0
    )  # where all cancel, what is left is rounding
    scale = max(scale, 0.1)
    assert same(ours, loss, 0.1), (what, ours, loss)
    for i, (slope, expected) in enumerate(zip(gradient, slopes, strict=True)):
        assert same(slope, expected, scale), (what, i, slope, expected)


def same(x, y, scale):
    """Equal to 1e-12, relative to the number or to the scale of which it may be a difference."""
    return x == y or (x != x and y != y) or abs(x - y) <= 1e-12 * max(abs(x), abs(y), scale)
