"""Programs written for micrograd (https://github.com/karpathy/micrograd), with only their imports changed."""

import random

import pytest

from autodiff import Value
from autodiff.nn import MLP, Layer, Module, Neuron
from autodiff.nn.data import moons


def readme(Value):
    a = Value(-4.0)
    b = Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    return a, b, g


def sanity_check(Value):
    x = Value(-4.0)
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    y = h + q + q * x
    return x, y


def more_ops(Value):
    a = Value(-4.0)
    b = Value(2.0)
    c = a + b
    d = a * b + b**3
    c = c + c + 1
    c = c + 1 + c + (-a)
    d = d + d * 2 + (b + a).relu()
    d = d + 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g = g + 10.0 / f
    return a, b, g


# The numbers of the README, to its four decimals; those of the test file as PyTorch answers them in float64.
PUBLISHED = {
    "readme": (readme, [24.7041, 138.8338, 645.5773], 5e-5),
    "test_sanity_check": (sanity_check, [-20.0, 46.0], 0.0),
    "test_more_ops": (more_ops, [24.70408163265306, 138.83381924198252, 645.5772594752186], 1e-12),
}


@pytest.mark.parametrize(("program", "published", "tolerance"), PUBLISHED.values(), ids=PUBLISHED)
def test_the_published_programs_answer_the_published_numbers(program, published, tolerance):
    *inputs, root = program(Value)
    root.backward()
    assert [root.data, *(x.grad for x in inputs)] == pytest.approx(published, rel=0, abs=tolerance)


def test_the_readme_prints_what_it_says():
    a, b, g = readme(Value)
    assert f"{g.data:.4f}" == "24.7041"
    g.backward()
    assert f"{a.grad:.4f}" == "138.8338"
    assert f"{b.grad:.4f}" == "645.5773"


@pytest.mark.slow
@pytest.mark.parametrize("program", [readme, sanity_check, more_ops])
def test_the_published_programs_agree_with_pytorch(program):
    torch = pytest.importorskip("torch", reason="PyTorch is what these numbers are compared with")
    *leaves, theirs = program(lambda x: torch.tensor([x], dtype=torch.float64, requires_grad=True))
    theirs.backward()
    *inputs, ours = program(Value)
    ours.backward()
    assert ours.data == pytest.approx(theirs.item(), rel=1e-15)
    assert [x.grad for x in inputs] == pytest.approx([x.grad.item() for x in leaves], rel=1e-14)


def test_a_seeded_network_has_the_weights_and_answers_of_micrograd():
    theirs = pytest.importorskip("micrograd.nn", reason="micrograd is what this is compared with")
    networks = []
    for Network in (theirs.MLP, MLP):
        random.seed(1337)
        networks.append(Network(3, [4, 4, 2]))
    original, ours = networks
    assert [p.data for p in ours.parameters()] == [p.data for p in original.parameters()]
    outputs = [network([0.5, -1.0, 2.0]) for network in networks]
    for first, second in outputs:
        (first * second + first).backward()
    assert [y.data for y in outputs[1]] == pytest.approx([y.data for y in outputs[0]], rel=1e-13)
    gradients = [[p.grad for p in network.parameters()] for network in (ours, original)]
    assert gradients[0] == pytest.approx(gradients[1], rel=1e-12)
    assert any(gradients[0])


def test_a_subclass_with_its_own_parameters_method_works():
    class Line(Module):
        def __init__(self):
            self.w, self.b = Value(random.uniform(-1, 1)), Value(0)

        def __call__(self, x):
            return self.w * x + self.b

        def parameters(self):
            return [self.w, self.b]

    model = Line()
    model(3.0).backward()
    assert [p.grad for p in model.parameters()] == [3.0, 1.0]
    model.zero_grad()
    assert [p.grad for p in model.parameters()] == [0, 0]


def test_layers_and_neurons_are_called_and_walked_as_in_micrograd():
    layer = Layer(2, 3)
    assert [isinstance(n, Neuron) for n in layer.neurons] == [True] * 3
    assert [y.data for y in layer([Value(1.0), -2])] == [n([1.0, -2.0]).data for n in layer.neurons]
    assert layer.parameters() == [p for n in layer.neurons for p in n.parameters()]
    assert all(n([1.0, -2.0]).data >= 0 for n in layer.neurons)  # relu is the default
    assert [len(level.neurons) for level in MLP(2, [3, 1]).layers] == [3, 1]


@pytest.mark.slow
def test_the_moons_demo_reaches_100_percent_and_stays():
    random.seed(1337)
    samples = moons(100, noise=0.1, seed=3, classes=(-1, 1))
    X, y = [x for x, _ in samples], [target for _, target in samples]
    model = MLP(2, [16, 16, 1])
    assert len(model.parameters()) == 337  # as the demo prints

    def loss():
        inputs = [list(map(Value, xrow)) for xrow in X]
        scores = list(map(model, inputs))
        losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(y, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        alpha = 1e-4
        reg_loss = alpha * sum(p * p for p in model.parameters())
        accuracy = [(yi > 0) == (scorei.data > 0) for yi, scorei in zip(y, scores, strict=True)]
        return data_loss + reg_loss, sum(accuracy) / len(accuracy)

    history = []
    for k in range(60):  # of the demo's 100: by then it has been at 100 % for a while
        total_loss, acc = loss()
        model.zero_grad()
        total_loss.backward()
        learning_rate = 1.0 - 0.9 * k / 100
        for p in model.parameters():
            p.data -= learning_rate * p.grad
        history.append((total_loss.data, acc))
    assert history[0][1] < 0.9
    assert {accuracy for _, accuracy in history[-10:]} == {1.0}
    assert history[-1][0] < 0.05 < history[0][0]
