"""Whole steps of descent inside of WebAssembly, against the same steps taken eagerly."""

import math
import random
import sys
from contextlib import contextmanager

import pytest
from helpers.alarm import alarm, alarm_in, lost

import autodiff as ad
from autodiff import DomainError, Replay, Value, nn
from autodiff.nn import schedules
from autodiff.replay.inside import Inside
from autodiff.replay.rules.update import rule_of

pytest.importorskip("wasmtime", reason="WebAssembly is run by it")
pytest.importorskip("numpy", reason="loop nests need lanes, which arrays have")


class Signs(nn.Optimizer):
    """Steps of one length, from the third on along the signs of a running sum."""

    def update(self, w, g, state, rate, step):
        total = state[0] + g if state else g
        m = g if step < 3 else total
        return w - rate * (1.0 * (m > 0) - 1.0 * (m < 0)), (total,)


OPTIMIZERS = {
    "SGD": lambda p: nn.SGD(p, lr=0.1),
    "momentum": lambda p: nn.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    "Nesterov": lambda p: nn.SGD(p, lr=schedules.cosine(0.1, 10), momentum=0.9, nesterov=True),
    "Adam": lambda p: nn.Adam(p, lr=schedules.step(0.02, 0.5, 3), weight_decay=0.1),
    "AdamW": lambda p: nn.AdamW(p, lr=0.01, weight_decay=0.1),
    "RMSprop": lambda p: nn.RMSprop(p, lr=0.01, momentum=0.5),
    "Signs": lambda p: Signs(p, lr=0.01),
}


@pytest.fixture
def made(monkeypatch):
    """How many steps each call has made inside."""
    counts = []
    run = Inside.run

    def counted(self, *arguments):
        counts.append(run(self, *arguments))
        return counts[-1]

    monkeypatch.setattr(Inside, "run", counted)
    return counts


def sample(seed=0):
    """A network, the Values that it reads, and the loss of one sample with a penalty."""
    model = nn.MLP(3, [5, 2], "tanh", seed=seed)
    inputs = [Value(0.1), Value(0.2), Value(0.3)]
    x, y = model(inputs)
    return model, inputs, (x - ad.sin(inputs[0])) ** 2 + y * y + 0.01 * nn.l2(model.parameters())


def eager_steps(optimizer, batches):
    model, inputs, loss = None, None, None
    losses = []
    for batch in batches:
        parts = []
        for row in batch:
            model, inputs, loss = sample()
            for p, q in zip(model.parameters(), optimizer.parameters, strict=True):
                p.data = q.data
            recorded = Replay(loss, model, inputs=inputs, backend="python")
            parts.append(recorded.gradient([row]))
        losses.append(sum([loss for loss, _ in parts]) / len(parts))
        for k, p in enumerate(optimizer.parameters):
            p.grad = sum([float(gradient[k]) for _, gradient in parts]) / len(parts)
        optimizer.step()
    return losses


def ragged(count=9, sizes=(4, 4, 4, 1)):
    rng = random.Random(1)
    return [[[rng.uniform(-1, 1) for _ in range(3)] for _ in range(sizes[k % len(sizes)])] for k in range(count)]


@pytest.mark.sampled
@pytest.mark.parametrize(("name", "backend"), [*[(name, "wasm") for name in OPTIMIZERS], ("Adam", "llvm")])
def test_steps_on_batches_of_two_sizes_are_those_of_the_eager_loop(name, backend, made):
    if backend == "llvm":
        pytest.importorskip("llvmlite", reason="LLVM is in it")
    batches = ragged()
    models = [sample()[0] for _ in range(2)]
    optimizers = [OPTIMIZERS[name](model.parameters()) for model in models]
    expected = eager_steps(optimizers[0], batches)
    inputs = [Value(0.1), Value(0.2), Value(0.3)]
    x, y = models[1](inputs)
    loss = (x - ad.sin(inputs[0])) ** 2 + y * y + 0.01 * nn.l2(models[1].parameters())
    ours = Replay(loss, models[1], inputs=inputs, backend=backend).fit(optimizers[1], batches)
    assert ours == pytest.approx(expected, rel=1e-12)
    data = [[p.data for p in model.parameters()] for model in models]
    assert data[1] == pytest.approx(data[0], rel=1e-12)
    assert optimizers[1].steps == 9
    states = [[x for state in optimizer.state for x in state] for optimizer in optimizers]
    assert states[1] == pytest.approx(states[0], rel=1e-11, abs=1e-15)
    assert sum(made) == (9 if name == "SGD" else 8)  # the first step of a rule with a state begins the state


@pytest.mark.parametrize("kind", ["sequence", "generator"])
def test_a_generator_sees_what_each_step_leads_to(kind, made):
    model, inputs, loss = sample()
    replay = Replay(loss, model, inputs=inputs, backend="wasm")
    batches = ragged(6, (2,))
    seen = []

    def drawn():
        for batch in batches:
            seen.append(replay.values[0])
            yield batch

    replay.fit(nn.SGD(model.parameters(), lr=0.1), drawn() if kind == "generator" else batches)
    assert sum(made) == 6
    if kind == "generator":
        assert len(set(seen)) == 6


def test_some_parameters_in_another_order_are_moved_inside_as_well(made):
    ends = []
    for backend in ("arrays", "wasm"):
        model, inputs, loss = sample()
        optimizer = nn.SGD(model.parameters()[9:3:-1], lr=0.1, momentum=0.9)
        losses = Replay(loss, model, inputs=inputs, backend=backend).fit(optimizer, ragged(7))
        ends.append([*losses, *[p.data for p in model.parameters()], *[v for (v,) in optimizer.state]])
    assert ends[1] == pytest.approx(ends[0], rel=1e-12)
    assert sum(made) == 6


def test_where_a_step_is_undefined_the_steps_before_it_are_made_and_the_eager_error_comes(made):
    x, others = Value(1.0, label="x"), [Value(0.5) for _ in range(40)]
    replay = Replay(ad.log(x) + 0.0 * ad.sum([ad.tanh(w) for w in others]), [x, *others], backend="wasm")
    assert replay.report().kind == "wasm"
    optimizer = nn.SGD([x, *others], lr=0.3)
    with pytest.raises(DomainError, match=r"log\(x\) is undefined"):
        replay.fit(optimizer, 50)
    eager = 1.0
    steps = 0
    while eager > 0:
        eager, steps = eager - 0.3 / eager, steps + 1
    assert x.data == pytest.approx(eager, rel=1e-12)
    assert optimizer.steps == steps > 1


def test_a_loss_that_is_not_finite_is_told_as_by_arrays():
    found = []
    for backend in ("arrays", "wasm"):
        w = [Value(2.0 + 0.1 * k) for k in range(40)]
        replay = Replay(ad.sum([x**4 for x in w]), w, backend=backend)
        found.append(replay.fit(nn.SGD(w, lr=0.1), 12) + [x.data for x in w])
    assert found[1] == pytest.approx(found[0], rel=1e-9, nan_ok=True)
    assert any(map(math.isinf, found[1]))


def test_gradients_whose_squares_overflow_or_vanish_are_finite_all_the_same(made):
    for scale in (1e200, 1e-200):
        w = [Value(1.0 + k) for k in range(40)]
        replay = Replay(ad.sum([x * x for x in w]) * scale, w, backend="wasm")
        replay.fit(nn.SGD(w, lr=0.25 / scale), 3)
        assert [x.data for x in w] == pytest.approx([(1.0 + k) / 8 for k in range(40)], rel=1e-12)
    assert sum(made) == 6


class Untraceable(nn.Optimizer):
    """A rule that no symbol can be given."""

    def update(self, w, g, state, rate, step):
        return w - rate * (g // 0.01 * 0.01), ()


class Counting(nn.Optimizer):
    """A rule that has to be called at each step."""

    calls = 0

    def update(self, w, g, state, rate, step):
        self.calls += 1
        return w - rate * g / self.calls, ()


@pytest.mark.parametrize("make", [Untraceable, Counting])
def test_a_rule_that_cannot_be_read_is_given_arrays(make, made):
    ends = []
    for backend in ("arrays", "wasm"):
        model, inputs, loss = sample()
        replay = Replay(loss, model, inputs=inputs, backend=backend)
        ends.append(replay.fit(make(model.parameters(), lr=0.1), ragged(5)) + [p.data for p in model.parameters()])
    assert ends[1] == pytest.approx(ends[0], rel=1e-12)
    assert sum(made) == 0
    assert rule_of(make([Value(1.0)], 0.1), 0) is None


def test_a_schedule_that_raises_does_so_at_its_step(made):
    def rate(step):
        if step == 5:
            raise LookupError("no rate")
        return 0.1

    model, inputs, loss = sample()
    optimizer = nn.SGD(model.parameters(), lr=rate)
    with pytest.raises(LookupError, match="no rate"):
        Replay(loss, model, inputs=inputs, backend="wasm").fit(optimizer, ragged(9, (2,)))
    assert optimizer.steps == 5 == sum(made)


def test_samples_that_were_written_to_between_two_calls_are_read_anew():
    np = pytest.importorskip("numpy")
    model, inputs, loss = sample()
    replay = Replay(loss, model, inputs=inputs, backend="wasm")
    batch = np.full((2, 3), 0.5)
    start = [p.data for p in model.parameters()]
    first = replay.fit(nn.SGD(model.parameters(), lr=0.1), [batch])
    for p, x in zip(model.parameters(), start, strict=True):
        p.data = x
    batch[:] = 0.25
    assert replay.fit(nn.SGD(model.parameters(), lr=0.1), [batch]) != first
    assert replay.fit(nn.SGD(model.parameters(), lr=0.0), [batch])[0] == replay(batch)


@contextmanager
def ctrl_c(holds):
    """Press Ctrl-C once something holds: by a signal of the system, as a thread would wait for a gap between calls."""

    def press():
        if holds():
            alarm_in(5.0)  # again, if it was lost in a callback or a finalizer
            raise KeyboardInterrupt

    with alarm(press, 0.1, 0.1), pytest.raises(KeyboardInterrupt):
        yield


@lost
def test_ctrl_c_leaves_a_whole_number_of_steps():
    model, inputs, loss = sample()
    replay = Replay(loss, model, inputs=inputs, backend="wasm")
    optimizer = nn.Adam(model.parameters(), lr=1e-6)
    batch = ragged(1)[0]
    replay.fit(optimizer, [batch] * 3)
    many = [batch] * 1_000_000
    start = [p.data for p in model.parameters()], list(optimizer.state), optimizer.steps
    with ctrl_c(lambda: optimizer.steps > 100):
        replay.fit(optimizer, many)
    steps = optimizer.steps - start[2]
    there = [p.data for p in model.parameters()], list(optimizer.state)
    for p, x in zip(model.parameters(), start[0], strict=True):
        p.data = x
    optimizer.state, optimizer.steps = start[1:]
    replay.fit(optimizer, [batch] * steps)
    assert ([p.data for p in model.parameters()], list(optimizer.state)) == there


# `nn.fit`.

LOSSES = {
    "hinge": (nn.data.moons(11, seed=3, classes=(-1, 1)), 1),
    "binary_cross_entropy": (nn.data.moons(11, seed=3), 1),
    "cross_entropy": (nn.data.spiral(11, classes=(0, 1, 2)), 3),
    "squared_error": ([((x, x * x), y) for (x,), y in nn.data.line(11, noise=0.1)], 1),
}


def fitted(loss, replay, make, **options):
    data, outputs = LOSSES[loss]
    model = nn.MLP(2, [5, outputs], "tanh", seed=1)
    optimizer = make(model.parameters())
    penalty = options.pop("penalty", lambda: 1e-3 * nn.l2(model.parameters()))
    history = nn.fit(model, data, loss, optimizer, penalty=penalty, replay=replay, **options)
    return history, [p.data for p in model.parameters()], [p.grad for p in model.parameters()]


@pytest.mark.parametrize("batch_size", [None, 4])
@pytest.mark.parametrize("loss", LOSSES)
def test_fit_trains_as_eagerly_on_all_samples_and_on_batches(loss, batch_size, made):
    make = OPTIMIZERS["Nesterov"]
    options = {"epochs": 4, "batch_size": batch_size, "max_norm": 0.2}
    (eager, expected, slopes), (ours, parameters, gradient) = [
        fitted(loss, replay, make, **options) for replay in (False, "wasm")
    ]
    assert parameters == pytest.approx(expected, rel=1e-12)
    assert gradient == pytest.approx(slopes, rel=1e-9, abs=1e-15)
    for name in ("loss", "gradient_norm", "epoch_loss"):
        assert getattr(ours, name) == pytest.approx(getattr(eager, name), rel=1e-12)
    assert max(eager.gradient_norm) > 0.2  # some are clipped
    assert sum(made) == len(ours.loss) - 1


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_without_numpy_a_replay_is_loop_nests_as_well_and_trains_the_same(name, made, monkeypatch):
    model, inputs, loss = sample()
    expected = Replay(loss, model, inputs=inputs, backend="wasm").gradient(ragged(1)[0])
    trained = fitted("hinge", "wasm", OPTIMIZERS[name], epochs=3, batch_size=4)
    monkeypatch.setitem(sys.modules, "numpy", None)  # which is how Python is told that there is none
    replay = Replay(loss, model, inputs=inputs)
    assert replay.report().kind == "wasm"
    assert "def program(theta, dtheta" in replay.source
    found = replay.gradient(ragged(1)[0])
    assert (found[0], list(found[1])) == (expected[0], list(expected[1]))
    again = fitted("hinge", True, OPTIMIZERS[name], epochs=3, batch_size=4)
    assert again[0].loss == pytest.approx(trained[0].loss, rel=1e-14)
    assert again[1] == pytest.approx(trained[1], rel=1e-13)
    assert sum(made) >= 16


def test_without_numpy_an_optimizer_may_move_some_parameters_in_another_order(monkeypatch):
    ends = []
    for absent in (False, True):
        if absent:
            monkeypatch.setitem(sys.modules, "numpy", None)  # as above
        model, inputs, loss = sample()
        optimizer = nn.SGD(model.parameters()[:0:-2], lr=0.1, momentum=0.5)
        Replay(loss, model, inputs=inputs, backend="wasm").fit(optimizer, 5)
        ends.append([p.data for p in model.parameters()])
    assert ends[0] == pytest.approx(ends[1], rel=1e-14)
    model, inputs, loss = sample()
    optimizer = nn.SGD(model.parameters()[:0:-2], lr=0.1, momentum=0.5)
    Replay(loss, model, inputs=inputs, backend="python").fit(optimizer, 5)
    assert ends[1] == pytest.approx([p.data for p in model.parameters()], rel=1e-12)


def test_callbacks_and_metrics_see_what_they_see_eagerly(made):
    seen = []
    for replay in (False, "wasm"):
        look = lambda model, history: seen.append([p.data for p in model.parameters()])  # noqa: E731  # both alike
        first = {"first": lambda outputs, targets: outputs[0].data}
        make = OPTIMIZERS["SGD"]
        seen.append(fitted("hinge", replay, make, epochs=3, batch_size=4, callbacks=[look])[0].loss)
        seen.append(fitted("hinge", replay, make, epochs=3, metrics=first)[0].metrics["first"])
    for eager, ours in zip(seen[:5], seen[5:], strict=True):
        assert ours == pytest.approx(eager, rel=1e-12)
    assert sum(made) == 9  # with metrics, each step has its outputs


def test_training_that_diverges_is_told_as_eagerly():
    told = []
    for replay in (False, "wasm"):
        with pytest.raises(nn.DivergenceError) as error:
            fitted("squared_error", replay, lambda p: nn.SGD(p, lr=1e200), epochs=9)
        told.append(str(error.value).split(" x = ")[0].split("it began")[0])
    assert told[0] == told[1]


@lost
def test_ctrl_c_leaves_history_parameters_and_optimizer_of_the_same_steps():
    model = nn.MLP(2, [5, 1], "tanh", seed=1)
    optimizer = nn.SGD(model.parameters(), lr=1e-6, momentum=0.5)
    data = LOSSES["hinge"][0]
    with ctrl_c(lambda: optimizer.steps >= 100):
        nn.fit(model, data, "hinge", optimizer, epochs=10**8, replay="wasm")
    steps = optimizer.steps
    again = nn.MLP(2, [5, 1], "tanh", seed=1)
    other = nn.SGD(again.parameters(), lr=1e-6, momentum=0.5)
    nn.fit(again, data, "hinge", other, epochs=steps, replay="wasm")
    assert [p.data for p in again.parameters()] == [p.data for p in model.parameters()]
    assert other.state == optimizer.state
