"""Random networks on every back end against the eager engine: widths to 1024, depths to 64, batches to 4096."""

import random
from importlib.util import find_spec
from itertools import pairwise

from helpers.replay_graphs import eager

from autodiff import Replay, Value, nn

MAX_WORK = 30_000  # weights times samples, as the eager engine computes each by itself
BACKENDS = ("python", "arrays", "wasm", *(["llvm"] if find_spec("llvmlite") else []))
ACTIVATIONS = ("tanh", "relu", "sigmoid", "softplus", "silu", "gelu", "elu", "leaky_relu")


def size(chance, most):
    """A number from 1 to the most, its logarithm evenly drawn."""
    return min(most, int((most + 1) ** chance.random()))


def draw_network(seed):
    """Return the sizes, the activation and the number of samples of a seed."""
    chance = random.Random(seed)
    while True:
        width, depth, samples = size(chance, 1024), size(chance, 64), size(chance, 4096)
        sizes = [size(chance, 8), *[max(1, chance.randint(width // 2, width)) for _ in range(depth)], 1]
        weights = sum([a * b for a, b in pairwise(sizes)])
        if weights * samples <= MAX_WORK:
            return sizes, chance.choice(ACTIVATIONS), samples


def judge_network(seed):
    """Return what is wrong with the network of a seed on some back end, or None."""
    sizes, activation, samples = draw_network(seed)
    chance = random.Random(seed)
    model, x = (
        nn.MLP(sizes[0], sizes[1:], activation, seed=seed),
        [Value(chance.uniform(-2, 2)) for _ in range(sizes[0])],
    )
    loss = nn.squared_error(model(x), 0.5)
    rows = [[chance.uniform(-2, 2) for _ in x] for _ in range(samples)]
    right = None
    for backend in BACKENDS:
        replay = Replay(loss, model, x, backend=backend)
        if right is None:
            at = list(replay.values)
            found = [eager(replay._recording, at, [row]) for row in rows]
            right = sum([one for one, _ in found]) / samples
            columns = list(zip(*[slopes for _, slopes in found], strict=True))
            slopes = [sum(column) / samples for column in columns]
            terms = max([sum(map(abs, column)) / samples for column in columns])
        ours, gradient = replay.gradient(rows)
        off = max([abs(a - b) for a, b in zip(gradient, slopes, strict=True)])
        if not (abs(ours - right) <= 1e-12 * max(right, 1e-3) and off <= 1e-12 * max(terms, 1e-3)):
            how = f"{sizes}, {activation}, {samples} samples, on {backend}"
            return (
                f"network {seed} fails ({how}): loss {ours!r}, not {right!r}; gradient off by {off:.2g} of {terms:.2g}"
            )
    return None
