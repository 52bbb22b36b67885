"""Programs in the manner of the courses on micrograd: the lecture's small regression, and the engine of EurekaLabs."""

import math
import random
from itertools import pairwise

import pytest

from autodiff import Value
from autodiff.nn import MLP, Module


class Generator:
    """Random numbers of 64 bits, so that every language has the same: xorshift with a star (Marsaglia, Vigna)."""

    def __init__(self, seed):
        self.state = seed

    def uniform(self, low, high):
        mask = 2**64 - 1
        self.state ^= self.state >> 12
        self.state = (self.state ^ (self.state << 25)) & mask
        self.state ^= self.state >> 27
        bits = (self.state * 0x2545F4914F6CDD1D & mask) >> 40
        return low + (high - low) * bits / 2**24


class Unit(Module):
    """A neuron of one's own, with the names that those courses use."""

    def __init__(self, rng, n_in, squash):
        self.w = [Value(rng.uniform(-1, 1) * n_in**-0.5) for _ in range(n_in)]
        self.b = Value(0)
        self.squash = squash

    def __call__(self, x):
        act = sum((wi * xi for wi, xi in zip(self.w, x, strict=True)), self.b)
        return act.tanh() if self.squash else act

    def parameters(self):
        return [*self.w, self.b]


class Network(Module):
    def __init__(self, rng, *sizes):
        last = len(sizes) - 2
        self.levels = [[Unit(rng, n, i != last) for _ in range(m)] for i, (n, m) in enumerate(pairwise(sizes))]

    def __call__(self, x):
        for level in self.levels:
            x = [unit(x) for unit in level]
        return x

    def parameters(self):
        return [p for level in self.levels for unit in level for p in unit.parameters()]


def negative_log_likelihood(logits, target):
    powers = [x.exp() for x in logits]
    return -(powers[target] / sum(powers)).log()


def points(rng, n):
    places = [(rng.uniform(-2, 2), rng.uniform(-2, 2)) for _ in range(n)]
    return [((x, y), 0 if x < 0 else 1 if y < 0 else 2) for x, y in places]


@pytest.mark.slow
def test_a_network_and_a_loss_of_ones_own_have_the_gradients_of_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is what these numbers are compared with")
    rng = Generator(42)
    samples, model = points(rng, 10), Network(rng, 2, 4, 3)
    loss = sum((negative_log_likelihood(model(x), target) for x, target in samples), Value(0.0)) * (1.0 / len(samples))
    loss.backward()
    weights = [torch.tensor(p.data, dtype=torch.float64, requires_grad=True) for p in model.parameters()]
    parts = iter(weights)
    first = [[next(parts) for _ in range(3)] for _ in range(4)]
    second = [[next(parts) for _ in range(5)] for _ in range(3)]
    total = 0
    for (x, y), target in samples:
        hidden = [torch.tanh(w0 * x + w1 * y + b) for w0, w1, b in first]
        logits = torch.stack([sum(w * h for w, h in zip(ws, hidden, strict=True)) + b for *ws, b in second])
        total = total + torch.nn.functional.cross_entropy(logits[None], torch.tensor([target]))
    (total / len(samples)).backward()
    assert loss.data == pytest.approx(total.item() / len(samples), rel=1e-13)
    assert [p.grad for p in model.parameters()] == pytest.approx([w.grad.item() for w in weights], rel=1e-10)


@pytest.mark.slow
def test_moments_that_hang_on_parameters_train_as_adam_does():
    rng = Generator(42)
    samples, model = points(rng, 40), Network(rng, 2, 8, 3)
    for p in model.parameters():
        p.m = p.v = 0
        p._vis_color = "lightgreen"
    losses = []
    for t in range(1, 31):
        loss = sum((negative_log_likelihood(model(x), target) for x, target in samples), Value(0.0)) / len(samples)
        loss.backward()
        for p in model.parameters():
            p.m = 0.9 * p.m + 0.1 * p.grad
            p.v = 0.95 * p.v + 0.05 * p.grad**2
            p.data -= 0.1 * (p.m / (1 - 0.9**t)) / ((p.v / (1 - 0.95**t)) ** 0.5 + 1e-8)
            p.grad = 0
        losses.append(loss.data)
    assert losses[0] == pytest.approx(math.log(3), abs=0.5)  # three classes, nothing learned
    assert losses[-1] < 0.15
    assert all(p.grad == 0 and p._vis_color == "lightgreen" for p in model.parameters())


def test_the_small_regression_of_the_lecture_falls():
    random.seed(1337)
    model = MLP(3, [4, 4, 1], "tanh", output="tanh")
    xs = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
    ys = [1.0, -1.0, -1.0, 1.0]
    losses = []
    for _ in range(40):
        predictions = [model(x) for x in xs]
        loss = sum((out - wanted) ** 2 for wanted, out in zip(ys, predictions, strict=True))
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data += -0.1 * p.grad
        losses.append(loss.data)
    assert losses[-1] < 0.05 < losses[0]
    assert [round(out.data) for out in predictions] == ys
