"""What is found in a graph: lanes, layers, and what is no such thing."""

import math
import random
import re

import pytest
from helpers.replay_graphs import agree

import autodiff as ad
from autodiff import Replay, Value, nn
from autodiff.engine import ops
from autodiff.replay import compile
from autodiff.replay.reference import compare

np = pytest.importorskip("numpy", reason="lanes need NumPy")

pytestmark = pytest.mark.usefixtures("left", "no_native")
MOONS = nn.data.moons(40, noise=0.1, seed=1, classes=(-1, 1))


def demo(model):
    """The loss of micrograd's demo, in the lines of its notebook."""
    inputs = [list(map(Value, point)) for point, _ in MOONS]
    scores = list(map(model, inputs))
    losses = [(1 + -y * score).relu() for (_, y), score in zip(MOONS, scores, strict=True)]
    data_loss = sum(losses) * (1.0 / len(losses))
    return data_loss + 1e-4 * sum(p * p for p in model.parameters())


@pytest.mark.slow
@pytest.mark.parametrize("expand", [False, True])
def test_a_loop_over_samples_becomes_lanes_and_its_neurons_layers(expand):
    model = nn.MLP(2, [16, 16, 1], seed=1, expand=expand)
    loss = demo(model)
    replay = Replay(loss, model)
    report = replay.report()
    assert (report.kind, report.lanes) == ("arrays", (40,))
    assert report.layers == ((16, 2), (16, 16), (1, 16))
    loss.backward()
    ours, gradient = replay.gradient()
    assert ours == pytest.approx(loss.data, rel=1e-14)
    np.testing.assert_allclose(gradient, [p.grad for p in model.parameters()], rtol=1e-12, atol=1e-16)
    assert "16 x 2, 16 x 16, 1 x 16" in str(report)


def test_the_network_reads_like_the_vectorised_algorithm():
    model = nn.MLP(2, [16, 16, 1], seed=1)
    source = Replay(demo(model), model).source
    assert [line for line in source.splitlines() if line.strip().split(" ")[0] in ("z1", "a1", "z2", "a2")] == 2 * [
        "        z1 = W1 @ x + b1",
        "        a1 = np.maximum(z1, 0.0)",
        "        z2 = W2 @ a1 + b2",
        "        a2 = np.maximum(z2, 0.0)",
    ]
    reverse = [line.strip() for line in source.split("def gradient")[1].splitlines()]
    for line in (
        "dW3 += a2 @ dz3",
        "dz2 = da2 * (z2 > 0)",
        "db2 += dz2.sum(axis=-1)",
        "dW2 += dz2 @ a1.T",
        "da1 = W2.T @ dz2",
        "dz1 = da1 * (z1 > 0)",
        "db1 += dz1.sum(axis=-1)",
        "dW1 += dz1 @ x.T",
    ):
        assert line in reverse


def test_samples_and_neurons_keep_their_order():
    model = nn.MLP(2, [3, 1], "tanh", seed=0)
    replay = Replay(nn.mse([model(x) for x, _ in MOONS], [y for _, y in MOONS]), model)
    assert "W1 = theta[0:9].reshape(3, 3)[:, 0:2]" in replay.source
    np.testing.assert_array_equal(replay._program.program(1).data["x"], np.array([x for x, _ in MOONS]).T)


def lanes(w, b, xs, *, odd=None):
    """A loss over samples, in which sample 7 may be computed in another way."""
    losses = [(ad.tanh(w * x + b) - 0.5 * x) ** 2 for x in xs]
    if odd is not None:
        losses[7] = odd(w, b, xs[7])
    return losses


OTHERS = {
    "another constant": lambda w, b, x: (ad.tanh(w * x + b) - 0.25 * x) ** 2,
    "another sign": lambda w, b, x: (ad.tanh(w * x - b) - 0.5 * x) ** 2,
    "another parameter": lambda w, b, x: (ad.tanh(w * x + w) - 0.5 * x) ** 2,
    "another exponent": lambda w, b, x: (ad.tanh(w * x + b) - 0.5 * x) ** 3,
    "another operation": lambda w, b, x: (ad.sin(w * x + b) - 0.5 * x) ** 2,
    "an operation fewer": lambda w, b, x: ad.tanh(w * x + b) ** 2,
    "operands of a difference the other way round": lambda w, b, x: (0.5 * x - ad.tanh(w * x + b)) ** 3,
}
SAME = {
    "operands of a product the other way round": lambda w, b, x: (ad.tanh(x * w + b) - 0.5 * x) ** 2,
    "operands of a sum the other way round": lambda w, b, x: (ad.tanh(b + w * x) - 0.5 * x) ** 2,
}


@pytest.mark.parametrize("what", [*OTHERS, *SAME])
def test_a_sample_that_differs_in_one_thing_is_told_apart(what, monkeypatch):
    monkeypatch.setattr(compile, "BLOCK_TIME", 0.0)  # on arrays, however small
    rng = random.Random(0)
    xs = [rng.uniform(-1, 1) for _ in range(20)]
    w, b = Value(0.7), Value(-0.2)
    replay = Replay(ad.mean(lanes(w, b, xs, odd={**OTHERS, **SAME}[what])), [w, b])
    assert replay.report().kind == "arrays"
    for w.data, b.data in ((0.7, -0.2), (-1.3, 0.4)):
        agree(replay, what)
        differs = abs(replay.gradient()[0] - ad.mean(lanes(w, b, xs)).data) > 1e-6
        assert differs == (what in OTHERS)


def test_samples_that_share_data_stay_samples_of_their_own(monkeypatch):
    monkeypatch.setattr(compile, "BLOCK_TIME", 0.0)
    w, one = Value(0.3), Value(1.0)
    losses = [(w * x - 1.0) ** 2 for x in [one, one, Value(2.0), one, 2.0, 1.0] * 4]
    replay = Replay(ad.sum(losses), [w])
    assert replay.report().lanes == (24,)
    agree(replay, "shared data")


def test_losses_of_two_structures_share_the_network():
    model = nn.MLP(2, [8, 1], "tanh", seed=0)
    data = nn.data.moons(30)
    replay = Replay(ad.mean([nn.binary_cross_entropy(model(x), y) for x, y in data]), model)
    report = replay.report()
    assert set(report.lanes) == {30, 15}
    assert report.layers == ((8, 2), (1, 8))
    agree(replay, "two structures")


def test_what_depends_on_all_samples_and_goes_back_to_each(monkeypatch):
    monkeypatch.setattr(compile, "BLOCK_TIME", 0.0)
    w = [Value(0.1 * i + 0.1) for i in range(5)]
    rng = random.Random(0)
    rows = [[rng.gauss(0, 1) for _ in w] for _ in range(30)]
    scores = [ad.dot(w, row) for row in rows]
    middle = ad.mean(scores)
    centred = [score - middle for score in scores]
    spread = ad.sqrt(ad.mean([x**2 for x in centred]))
    replay = Replay(ad.mean([ad.tanh(x / spread) ** 2 for x in centred]), w)
    assert replay.report().lanes == (30,)
    agree(replay, "batch normalisation")


@pytest.mark.parametrize("dot", [ad.dot, lambda row, x: ad.dot(x, row)], ids=["row, x", "x, row"])
def test_weights_that_are_computed_are_layers_too(dot):
    w = [[Value(0.1 * (i + 1) * (j - 1)) for j in range(3)] for i in range(5)]
    squashed = [[ad.tanh(x) for x in row] for row in w]
    rng = random.Random(0)
    data = [[rng.gauss(0, 1) for _ in range(3)] for _ in range(20)]
    loss = ad.mean([ad.sum([ad.relu(dot(row, x)) for row in squashed]) for x in data])
    replay = Replay(loss, [x for row in w for x in row])
    assert (replay.report().layers, replay.report().lanes) == (((5, 3),), (20,))
    agree(replay, "computed weights")


def test_lanes_may_take_from_others_in_any_order(monkeypatch):
    monkeypatch.setattr(compile, "BLOCK_TIME", 0.0)
    w = Value(0.7)
    hidden = [ad.tanh(w * c) for c in (0.3, -1.1, 2.0)]
    losses = [(hidden[k % 3] * x - 0.1) ** 2 for k, x in enumerate([0.1 * i for i in range(31)])]
    for k, loss in enumerate(losses):
        loss.label = f"of sample {k}"
    replay = Replay(ad.mean(losses), [w])
    assert replay.report().lanes == (3, 31)
    assert "of_sample" not in replay.source  # it is the name of none of them
    agree(replay, "in any order")


def test_neurons_may_share_a_bias():
    w, b = [Value(0.3 * k - 0.5) for k in range(4)], Value(0.25)
    data = [[math.cos(i * (j + 1.5)) for j in range(2)] for i in range(30)]
    loss = ad.mean([ad.sum([ad.tanh(ad.dot(w[k : k + 2], x, b)) for k in (0, 2)]) for x in data])
    replay = Replay(loss, [*w, b])
    assert (replay.report().kind, replay.report().layers) == ("arrays", ((2, 2),))
    agree(replay, "a bias for two")


def test_branches_that_share_weights_keep_lanes_of_their_own():
    w = [Value(0.3), Value(-0.7)]
    a, b = [[Value(0.2 * k - 0.3 * j) for k in range(2)] for j in (1, 2)]
    data = [(0.1 * i - 1.0, math.sin(i)) for i in range(30)]

    def branch(v, x):
        return ad.dot(w, [ad.tanh(v[0] * x), ad.tanh(v[1] * x)])

    replay = Replay(ad.mean([(branch(a, x) - branch(b, y)) ** 2 for x, y in data]), [*w, *a, *b])
    assert (replay.report().kind, replay.report().lanes) == ("arrays", (30,))
    agree(replay, "shared weights")


def test_a_sample_with_inputs_is_a_layer_in_a_batch():
    model = nn.MLP(3, [6, 4], "relu", seed=0)
    x, t = [Value(0.1) for _ in range(3)], [Value(0.0) for _ in range(4)]
    logits = model(x)
    replay = Replay(ad.logsumexp(logits) - ad.dot(t, logits), model, [*x, *t])
    assert (replay.report().lanes, replay.report().layers) == (("batch",), ((6, 3), (4, 6)))
    rng = random.Random(0)
    batch = [[rng.gauss(0, 1) for _ in range(3)] + [float(k == i % 4) for k in range(4)] for i in range(9)]
    agree(replay, "a batch", batch)
    expected = ad.mean([nn.cross_entropy(model(row[:3]), row[3:].index(1.0)) for row in batch])
    expected.backward()
    loss, gradient = replay.gradient(np.array(batch))
    assert loss == pytest.approx(expected.data, rel=1e-13)
    np.testing.assert_allclose(gradient, [p.grad for p in model.parameters()], rtol=1e-11, atol=1e-15)


def test_cross_entropy_is_exact_where_it_is_small():
    w = Value(1.0)
    x = Value(0.0)
    replay = Replay(ad.logsumexp([w * x, 0.0 * x]) - w * x, [w], [x])
    loss, _ = replay.gradient([[40.0]])
    assert loss == pytest.approx(4.248354255291589e-18, rel=1e-12) or loss == 0.0  # 40 + e**-40 - 40
    replay = Replay(ad.logsumexp([0.0 * w, x - 0.0 * w]), [w], [x])
    assert replay.gradient([[-40.0]])[0] == pytest.approx(4.248354255291589e-18, rel=1e-12)


@pytest.mark.parametrize("sort", ["parameters", "data"])
def test_parameters_may_come_in_any_order(sort):
    model = nn.MLP(2, [5, 1], "tanh", seed=0)
    parameters = model.parameters()
    random.Random(1).shuffle(parameters)
    loss = nn.mse([model(x) for x, _ in MOONS], [y for _, y in MOONS])
    replay = Replay(loss, parameters[:-3] if sort == "data" else parameters)  # three are constants
    agree(replay, "another order")


@pytest.mark.slow
@pytest.mark.parametrize(
    "rows",
    [
        [[0, 1], [2, 3]],
        [[0, 1], [3, 4]],  # a bias between them, none behind
        [[1, 2], [4, 5]],
        [[2, 3], [0, 1]],
        [[4, 5], [2, 3], [0, 1]],
        [[0, 1], [1, 2], [2, 3]],  # as in a convolution
        [[0, 1], [0, 1]],
        [[0, 2], [1, 3]],
        [[0, 2], [4, 6]],
        [[1, 0], [3, 2]],
        [[0, 1], [2, 3], [5, 6]],
        [[0, 1, 2], [3, 4, 5], [6, 7, 8]],
        [[3, 4, 5], [7, 8, 9]],
        [[5, 5], [2, 2]],
    ],
)
@pytest.mark.parametrize("more", [0, 1, 4])
def test_weights_may_lie_anywhere_among_the_parameters(rows, more):
    parameters = [Value(math.sin(3.0 * k + 1.0)) for k in range(max(map(max, rows)) + 1 + more)]
    data = [[math.cos(i * (j + 1.5)) for j in range(len(rows[0]))] for i in range(30)]
    outputs = [[ad.tanh(ad.dot([parameters[k] for k in row], x)) for row in rows] for x in data]
    loss = ad.mean([ad.sum([y**2 * (k + 1.0) for k, y in enumerate(ys)]) for ys in outputs])
    replay = Replay(loss + 0.1 * ad.sum([p * p for p in parameters[::2]]), parameters)
    assert replay.report().kind == "arrays"
    agree(replay, rows)


@pytest.mark.parametrize(
    ("zero", "angle"),
    [
        (lambda p, x: ad.maximum(p * x, 0.0), -math.pi),  # the first of two that are equal
        (lambda p, x: ad.minimum(p * x, 0.0), -math.pi),
        (lambda p, x: ad.clip(p * x, 0.0, 9.0), -math.pi),
        (lambda p, x: ad.max([p * x, 0.0]), -math.pi),
        (lambda p, x: p * x + (p + p), -math.pi),
        (lambda p, x: p * x + p + p + p, -math.pi),
        (lambda p, x: ad.sum([p * x, p]), math.pi),
        (lambda p, x: ad.mean([p * x, p]), math.pi),
        (lambda p, x: ad.elu(p * x), -math.pi),
    ],
)
def test_minus_zero_is_told_from_zero_as_in_the_eager_engine(zero, angle):
    def loss(p):
        return ad.mean([ad.atan2(zero(p, x), p - 2.0) for x in range(1, 101)])

    p = Value(0.5)
    replay = Replay(loss(p), [p])
    assert replay.report().kind == "arrays"
    replay.values[0] = -0.0
    assert replay() == pytest.approx(loss(Value(-0.0)).data) == pytest.approx(angle)


def test_settings_that_differ_in_the_sign_of_zero_are_two_operations():
    p = Value(-1.0)

    def loss(p):
        return ad.sum([ad.atan2(ad.clip(p * x, low, 1.0), p) for low in (0.0, -0.0) for x in range(1, 51)])

    assert loss(p).data == pytest.approx(0.0, abs=1e-12)  # half of the angles are pi, half -pi
    assert Replay(loss(p), [p])() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    "row",
    [
        lambda q: ops.RATIO(1.0, q),
        lambda q: ops.SHARE(1.0, q, -1.0),
        lambda q: ops.POW_SLOPE(q, 0.5, 1.0, 0.0),
        lambda q: ops.POWER0(q, 0.0, 1.0),
    ],
)
@pytest.mark.parametrize("at", [0.0, -0.0])
def test_what_derivatives_are_made_of_answers_at_its_edges_what_the_eager_engine_does(row, at, left):
    def loss(q):
        return ad.mean([ad.tanh(row(q * x)) for x in range(1, 101)])

    q = Value(0.5)
    replay = Replay(loss(q), [q])
    assert replay.report().kind == "arrays"
    replay.values[0] = at
    assert replay() == loss(Value(at)).data
    left.clear()  # log(0) is -inf, and tanh of it finite


def test_the_classes_of_a_cross_entropy_are_summed_one_by_one():
    model = nn.MLP(2, [8, 3], "tanh", seed=0)
    samples = [([i / 10, math.sin(7 * i)], i * i % 7 % 3) for i in range(60)]
    loss = ad.mean([nn.cross_entropy(model(x), y) for x, y in samples])
    replay = Replay(loss, model)
    agree(replay, "cross entropy")
    assert ".item(" not in replay.source


def test_a_product_is_spread_over_lanes_as_a_whole():
    w, b = [[Value(k / 7 - 0.3) for k in range(5)] for _ in range(2)]
    loss = ad.mean([ad.sum([ad.tanh(w[k] * x + b[k] * 2.0) for k in range(5)]) for x in (0.3, -1.0, 2.0, 0.7) * 9])
    replay = Replay(loss, [*w, *b])
    assert replay.report().kind == "arrays"
    assert re.search(r"\(\w+ \* 2\.0\)\[:, None\]", replay.source)
    agree(replay, "a product")
    assert math.isfinite(replay._program.gradient(replay.values, None)[0])  # not the eager answer


def test_inputs_keep_their_names_in_a_program_on_arrays():
    w, b = Value(0.5, label="w"), Value(-1.0, label="b")
    x, t = Value(1.0, label="x"), Value(2.0, label="t")
    y = ad.tanh(w * x + b)
    y.label = "y"
    source = Replay((y - t) ** 2, [w, b], [x, t]).source
    assert "x = batch[:, 0]" in source
    assert "t = batch[:, 1]" in source
    assert re.search(r"\by = np\.tanh\(", source)


@pytest.mark.parametrize("row", [ad.leaky_relu, ad.elu])
def test_a_slope_of_minus_one_replays_on_arrays(row):
    q = Value(1.0)
    replay = Replay(ad.mean([row(q * x, -1.0) for x in [1.0, 2.0, -3.0, 4.0] * 20]), [q])
    loss, gradient = replay._program.gradient(replay.values, None)  # not the eager answer
    left = (3.0, 3.0) if row is ad.leaky_relu else (-math.expm1(-3.0), 3.0 * math.exp(-3.0))
    assert loss == pytest.approx((7.0 + left[0]) / 4)
    assert gradient[0] == pytest.approx((7.0 + left[1]) / 4)


def test_the_powers_that_a_logsumexp_is_made_of_may_be_used_again():
    w = [Value(100.0 * k) for k in range(5)]

    def loss(x):
        xs = [p * x for p in w]
        largest = ad.max(xs)
        return ad.logsumexp(xs) + ad.sum([ad.exp(a - largest) * (k + 1.0) for k, a in enumerate(xs)])

    agree(Replay(ad.mean([loss(x) for x in [0.3, 0.5, -0.8, 1.0] * 10]), w), "powers")


def test_a_gradient_that_is_a_sum_of_products_is_no_product():
    kernel, readout = [[Value(math.sin(start + k)) for k in range(n)] for start, n in ((1, 3), (4, 7))]
    signal = [Value(0.0) for _ in range(9)]
    features = [ad.dot(kernel, signal[k : k + 3]) for k in range(7)]
    loss = (ad.dot(readout, features) - 0.3) ** 2
    replay = Replay(loss, [*kernel, *readout], signal, backend="arrays")
    for samples in (1, 2, 3, 8):  # 3: as many as the kernel has weights
        batch = [[math.cos(k * 7 + i) for k in range(9)] for i in range(samples)]
        assert math.isfinite(replay._program.gradient(replay.values, replay._batch(batch))[0])  # not the eager answer
        compare(replay._recording, replay.values, batch, replay.gradient(batch))
