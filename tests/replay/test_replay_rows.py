"""Every row of the calculus replays: on floats, on arrays, and in batches."""

import math

import pytest
from helpers.replay_graphs import agree, random_replay
from oracles.rows import NAMES, ROWS, TRUTH, error, exact, grouped, points

import autodiff as ad
from autodiff import DomainError, Replay, Value
from autodiff.engine import ops
from autodiff.replay import compile, lower
from autodiff.replay.python import source as forms
from autodiff.replay.recording import vectorize
from autodiff.replay.recording.canonicalize import REPLACED
from autodiff.replay.vectors import numpy_is_here

pytestmark = pytest.mark.usefixtures("left", "no_native")


@pytest.fixture
def always_arrays(monkeypatch):
    pytest.importorskip("numpy", reason="arrays need NumPy")
    monkeypatch.setattr(compile, "BLOCK_TIME", -1.0)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_every_row_has_a_form_on_arrays(name):
    known = {*forms.ARRAYS, *forms.POWERS, *REPLACED}
    assert ROWS[name] in known, f"add a line for {name} to ARRAYS in autodiff/replay/python/source.py"
    assert set(forms.FLOATS) <= set(NAMES)


def cases(name):
    truth = TRUTH[name]
    for domains, parameters in truth.cases:
        for point in points(name, domains, count=12, largest_magnitude=2.0):
            yield point, parameters


def check(name, batch):
    """Compare the value and the slopes of a row with its formula, at points of its domain."""
    row, tolerance = ROWS[name], max(TRUTH[name].tolerance, 1e-12)
    made = {}
    for point, parameters in cases(name):
        leaves = [Value(x) for x in point]
        key = len(point), parameters
        if key not in made:
            scale = Value(1.0)
            root = row(*grouped(name, leaves), *parameters) * scale
            made[key] = Replay(root, [scale], leaves) if batch else Replay(root, [*leaves, scale])
        replay = made[key]
        if batch:
            loss, gradient = replay.gradient([list(point)])
            slopes = []
        else:
            replay.values = [*point, 1.0]
            loss, gradient = replay.gradient()
            slopes = gradient[:-1]
        expected = exact(name, point, parameters)
        assert error(loss, expected) <= tolerance or abs(loss - expected) <= 1e-14
        assert gradient[-1] == loss
        for i, slope in enumerate(slopes):
            truth = exact(name, point, parameters, by=(i,))
            assert error(slope, truth) <= tolerance or abs(slope - truth) <= 1e-13, (name, point, i)


@pytest.mark.sampled
@pytest.mark.parametrize("name", sorted(ROWS))
def test_every_row_replays_on_floats(name):
    check(name, batch=False)


@pytest.mark.sampled
@pytest.mark.parametrize("name", sorted(ROWS))
def test_every_row_replays_on_arrays(name, always_arrays):
    check(name, batch=False)


@pytest.mark.sampled
@pytest.mark.parametrize("name", sorted(ROWS))
def test_every_row_replays_in_batches(name):
    pytest.importorskip("numpy", reason="batches on arrays need NumPy")
    check(name, batch=True)


@pytest.mark.sampled
@pytest.mark.parametrize("name", sorted(ROWS))
def test_every_row_replays_in_lanes_and_its_gradient_too(name, always_arrays):
    """The loss over many samples, against the sum of the slopes of its formula."""
    row, tolerance = ROWS[name], max(TRUTH[name].tolerance, 1e-11)
    for domains, parameters in TRUTH[name].cases:
        chosen = points(name, domains, count=9, largest_magnitude=1.0)
        shifts = [Value(0.0) for _ in chosen[0]]
        operands = [[shift + x for shift, x in zip(shifts, point, strict=True)] for point in chosen]
        replay = Replay(sum([row(*grouped(name, xs), *parameters) for xs in operands]), shifts)
        assert replay.report().kind == "arrays"
        loss, gradient = replay.gradient()
        terms = [exact(name, point, parameters) for point in chosen]
        assert abs(loss - sum(terms)) <= tolerance * sum(map(abs, terms)) + 1e-14
        for i, slope in enumerate(gradient):
            terms = [exact(name, point, parameters, by=(i,)) for point in chosen]
            assert abs(slope - sum(terms)) <= tolerance * sum(map(abs, terms)) + 1e-13


@pytest.mark.sampled
@pytest.mark.parametrize("backend", ["arrays", "wasm"])
@pytest.mark.parametrize("name", sorted(ROWS))
def test_every_row_replays_as_the_units_of_a_register_in_batches(name, backend):
    """With operands of its own in each unit, and samples beside it: against the eager engine."""
    pytest.importorskip("numpy", reason="arrays and loop nests need NumPy")
    for domains, parameters in TRUTH[name].cases[:4]:
        chosen = points(name, domains, count=6, largest_magnitude=1.0)
        weights = [[Value(x) for x in point] for point in chosen]
        inputs = [Value(0.0) for _ in chosen[0]]
        terms = [
            (k + 1.0) * ROWS[name](*grouped(name, [w + x for w, x in zip(its, inputs, strict=True)]), *parameters)
            for k, its in enumerate(weights)
        ]
        replay = Replay(ad.sum(terms), [w for its in weights for w in its], inputs, backend=backend)
        agree(replay, name)
        agree(replay, name, [[0.0 for _ in inputs], [1e-10 for _ in inputs], [0.0 for _ in inputs]])


def _slope_by_branch(out, x):
    return (1.0 if x > 0 else 2.0,)  # it takes numbers alone


def _slope_by_static(out, x, n):
    return (n if x > 0 else 2.0,)


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 50, 600])
@pytest.mark.parametrize("backend", ["python", "arrays", "auto"])
@pytest.mark.parametrize("name", ["softsign", "tanh", "exit();\n", "values"])
def test_rows_that_people_make_replay(name, backend, count):
    pytest.importorskip("numpy" if backend == "arrays" else "math", reason="arrays")
    softsign = ops.Op(name, lambda x: x / (1 + abs(x)), lambda out, x: (1 / ((1 + abs(x)) * (1 + abs(x))),), "{x}")
    with pytest.warns(UserWarning, match="takes plain numbers alone: it decides by the number of an operand"):
        kinked = ops.Op(name, lambda x: x if x > 0 else 2.0 * x, _slope_by_branch, "{x}", piecewise=True)
    scaled = ops.Op(name, lambda x, y, n: n * x * y, lambda out, x, y, n: (n * y, n * x), "{x}", static=1)
    p, x = Value(0.5), Value(0.5)

    def loss(p, x):
        return ad.mean([softsign(p * x * i) + kinked(x - p) * scaled(p, x, 3.0) + ad.tanh(p) for i in range(count)])

    replay = Replay(loss(p, x), [p], [x], backend=backend)
    replay.values[0] = -0.7
    rows = [[0.3], [-2.0]]
    q = Value(-0.7)
    expected = 0.5 * sum([loss(q, Value(*row)) for row in rows])
    expected.backward()
    found, gradient = replay.gradient(rows)
    assert found == pytest.approx(expected.data, rel=1e-12)
    assert gradient[0] == pytest.approx(q.grad, rel=1e-12)


@pytest.mark.parametrize("backend", ["python", "arrays"])
def test_a_row_that_people_make_of_groups_replays(backend):
    pytest.importorskip("numpy" if backend == "arrays" else "math", reason="arrays")

    def halves(operands):
        n = len(operands) // 2
        return tuple(operands[:n]), tuple(operands[n:])

    def rule(out, *groups):
        return (*[y * y for y in groups[1]], *[2.0 * x * y for x, y in zip(*groups, strict=True)])

    def value(xs, ys):
        return sum([x * y * y for x, y in zip(xs, ys, strict=True)])

    weighted = ops.Op("weighted", value, rule, "weighted({xs})", regroup=halves)
    leaves = [Value(number) for number in (2.0, 3.0, 5.0, 7.0)]
    loss, gradient = Replay(
        weighted(tuple(leaves[:2]), tuple(leaves[2:])), leaves, backend=backend
    ).gradient()  # the program's own: see `left`
    assert loss == 2 * 25 + 3 * 49
    assert list(gradient) == [25.0, 49.0, 2 * 2 * 5, 2 * 3 * 7]


def test_rows_that_people_make_stand_between_layers(kind):
    """In the units of a layer, in the lanes of samples, in groups, and in the gradient of all that is before them."""
    soft = ops.Op("soft", lambda x: x / (1 + abs(x)), lambda out, x: (1 / ((1 + abs(x)) * (1 + abs(x))),), "{x}")
    with pytest.warns(UserWarning, match="takes plain numbers alone"):
        kinked = ops.Op("kinked", lambda x, n: n * x if x > 0 else 2.0 * x, _slope_by_static, "{x}", static=1)
    dots = ops.Op(
        "dots",
        lambda xs, ys: sum([x * y * y for x, y in zip(xs, ys, strict=True)]),
        lambda out, *groups: (*[y * y for y in groups[1]], *[2.0 * x * y for x, y in zip(*groups, strict=True)]),
        "dots({xs})",
        regroup=lambda operands: (tuple(operands[: len(operands) // 2]), tuple(operands[len(operands) // 2 :])),
    )
    model = ad.nn.MLP(3, [5, 4], "tanh", seed=1)

    def loss(x):
        hidden = [soft(h) * 2.0 + kinked(h, 3.0) for h in model(x)]
        return (dots(tuple(hidden[:2]), tuple(hidden[2:])) - soft(model.parameters()[0])) ** 2

    rows = [[math.sin(3.0 * i + k) for k in range(3)] for i in range(40)]
    x = [Value(0.1), Value(0.2), Value(-0.3)]
    replay = Replay(loss(x), model, x)
    assert replay.report().kind == kind or kind == "wasm"  # which calls no Python
    assert replay.report().kind != "wasm"
    agree(replay, "a batch", rows)
    agree(Replay(ad.mean([loss([Value(number) for number in row]) for row in rows]), model), "lanes")


@pytest.mark.parametrize("backend", ["python", "arrays"])
def test_a_row_that_people_make_names_its_domain(backend):
    pytest.importorskip("numpy" if backend == "arrays" else "math", reason="arrays")
    root = ops.Op("root", math.sqrt, lambda out, x: (0.5 / out,), "root({x})", "x >= 0")
    p = Value(4.0)
    replay = Replay(root(p), [p], backend=backend)
    assert replay.gradient()[1][0] == 0.25
    replay.values[0] = -1.0
    with pytest.raises(DomainError, match="it needs x >= 0"):
        replay.gradient()


@pytest.mark.slow
def test_random_graphs_replay_as_they_are():
    kinds = [replay.report().kind for replay in map(random_replay, range(150)) if replay]
    assert kinds.count("floats") > 50
    assert kinds.count("arrays") > (15 if numpy_is_here() else -1)


@pytest.mark.slow
def test_random_graphs_replay_on_arrays(always_arrays):
    assert len([replay for replay in map(random_replay, range(1000, 1100)) if replay]) > 70


@pytest.mark.slow
def test_random_graphs_replay_on_arrays_with_all_that_can_be_put_together(always_arrays, monkeypatch):
    monkeypatch.setattr(vectorize, "MIN_ALIKE", 0.0)
    monkeypatch.setattr(lower, "MIN_UNITS", 2)
    assert len([replay for replay in map(random_replay, range(2000, 2100)) if replay]) > 70
