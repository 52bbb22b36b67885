"""Descent on replays, against the same steps taken eagerly."""

import contextlib
import copy
import functools
import math
import pickle
import random
import subprocess
import sys

import pytest
from helpers.public import optimizers

import autodiff as ad
from autodiff import DomainError, Replay, Value, nn
from autodiff.nn import schedules

OPTIMIZERS = [
    lambda p: nn.SGD(p, lr=0.1),
    lambda p: nn.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    lambda p: nn.SGD(p, lr=schedules.cosine(0.1, 10), momentum=0.9, nesterov=True),
    lambda p: nn.Adam(p, lr=0.01),
    lambda p: nn.AdamW(p, lr=0.01, weight_decay=0.1),
    lambda p: nn.RMSprop(p, lr=0.01, momentum=0.5),
]
pytestmark = pytest.mark.usefixtures("left")
MOONS = nn.data.moons(24, seed=3, classes=(-1, 1))


def objective(model):
    return ad.mean([nn.hinge(model(x), y) for x, y in MOONS]) + 0.01 * nn.l2(model.parameters())


def eager_steps(model, optimizer, steps):
    losses = []
    for _ in range(steps):
        loss = objective(model)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.data)
    return losses


@pytest.mark.slow
def test_every_optimizer_is_replayed():
    missing = sorted(optimizers() - {type(make([Value(1.0)])).__name__ for make in OPTIMIZERS})
    assert not missing, f"add {missing} to OPTIMIZERS above"


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_steps_are_those_of_the_eager_loop_before_and_after_too(make):
    models = [nn.MLP(2, [6, 1], "tanh", seed=0) for _ in range(2)]
    optimizers = [make(model.parameters()) for model in models]
    expected = eager_steps(models[0], optimizers[0], 12)
    ours = eager_steps(models[1], optimizers[1], 3)
    ours += Replay(objective(models[1]), models[1]).fit(optimizers[1], 6)
    ours += eager_steps(models[1], optimizers[1], 3)
    assert ours == pytest.approx(expected, rel=1e-12)
    assert optimizers[1].steps == 12
    data = [[p.data for p in model.parameters()] for model in models]
    assert data[1] == pytest.approx(data[0], rel=1e-11)


class Changing(nn.Optimizer):
    """A rule that changes what it is given, which a float never shows."""

    def __init__(self, parameters):
        super().__init__(parameters, 0.1)

    def update(self, w, g, state, rate, step):
        g += 0.5 * w
        w -= rate * g
        return w, (g,)


@pytest.mark.parametrize("make", [*OPTIMIZERS, Changing])
def test_the_first_steps_are_those_of_the_eager_loop_whatever_a_rule_does_with_what_it_is_given(make, kind):
    losses, ends = [], []
    for replayed in (False, True):
        w = [Value(1.0), Value(-2.0), Value(0.5), Value(3.0)]
        optimizer = make(w)

        def loss(w=w):
            return ad.sum([ad.sin(x) * (i + 1) for i, x in enumerate(w[:3])])  # not of the last

        if replayed:
            losses += Replay(loss(), w).fit(optimizer, 6)
        else:
            for _ in range(6):
                value = loss()
                optimizer.zero_grad()
                value.backward()
                optimizer.step()
                losses.append(value.data)
        ends.append(([x.data for x in w], optimizer.state, optimizer.steps))
    assert losses[6:] == pytest.approx(losses[:6], rel=1e-12)
    assert ends[1][0] == pytest.approx(ends[0][0], rel=1e-12)
    assert [x for m in ends[1][1] for x in m] == pytest.approx([x for m in ends[0][1] for x in m], rel=1e-12)
    assert ends[1][2] == ends[0][2]


@pytest.mark.parametrize("make", [nn.SGD, nn.Adam, nn.RMSprop])
def test_a_descent_that_diverges_does_so_without_a_warning(make):
    q, w = Value(2.0), Value(2.0)
    losses = Replay(q**4 + w, [q, w]).fit(make([q, w], lr=1e200), 4)  # a warning would raise
    assert losses[0] == 18.0
    assert not math.isfinite(losses[-1])


def test_an_optimizer_may_move_some_of_the_parameters_in_another_order():
    models = [nn.MLP(2, [6, 1], "tanh", seed=0) for _ in range(2)]
    optimizers = [nn.SGD(model.parameters()[5:1:-1], lr=0.1, momentum=0.9) for model in models]
    eager_steps(models[0], optimizers[0], 5)
    Replay(objective(models[1]), models[1]).fit(optimizers[1], 5)
    data = [[p.data for p in model.parameters()] for model in models]
    assert data[1] == pytest.approx(data[0], rel=1e-12)


@pytest.mark.parametrize("make", [lambda w, b: [w, b], lambda w, b: [b]], ids=["all", "some"])
def test_steps_start_from_the_data_of_now_whatever_the_values_were(make):
    w, b = Value(2.0), Value(1.0)
    replay = Replay(w * w + b * b, [w, b])
    w.data, b.data = 5.0, 3.0
    replay.values = [-1.0, -1.0]
    moved = make(w, b)
    assert replay.fit(nn.SGD(moved, lr=0.25), 2) == [34.0, 0.25 * 25.0 + 0.25 * 9.0 if w in moved else 27.25]
    assert (w.data, b.data) == ((1.25 if w in moved else 5.0), 0.75)
    assert list(replay.values) == [w.data, b.data]


class Twin:
    """A model with two optimizers, and on one of two sides replays in place of the eager loop."""

    def __init__(self, replayed):
        self.model = nn.MLP(2, [3, 1], "tanh", seed=0)
        moved = self.model.parameters()
        self.optimizers = [nn.SGD(moved[7:1:-1], lr=0.1, momentum=0.9), nn.Adam(moved, lr=0.02)]
        self.replays = [Replay(self.objective(), order) for order in (moved, moved[::-1])] if replayed else []

    def objective(self):
        return ad.mean([(self.model(x) - y - 0.5) ** 2 for x, y in MOONS[:4]])

    def fit(self, which, optimizer, steps):
        if self.replays:
            self.replays[which].fit(self.optimizers[optimizer], steps)
        else:
            self.eagerly(which, optimizer, steps)

    def eagerly(self, which, optimizer, steps):
        for _ in range(steps):
            loss = self.objective()
            self.optimizers[optimizer].zero_grad()
            loss.backward()
            self.optimizers[optimizer].step()

    def set_data(self, which, optimizer, steps):
        self.model.parameters()[which + steps].data = 0.1 * steps

    def set_values(self, which, optimizer, steps):
        for replay in self.replays:
            replay.values[which] = steps

    def set_state(self, which, optimizer, steps):
        state = self.optimizers[optimizer].state
        state[which] = tuple([0.5 * x for x in state[which]])

    def set_all_states(self, which, optimizer, steps):
        self.optimizers[optimizer].state = [tuple([0.5 * x for x in m]) for m in self.optimizers[optimizer].state]

    def pickled(self, which, optimizer, steps):
        vars(self).update(pickle.loads(pickle.dumps(vars(self))))

    def copied(self, which, optimizer, steps):
        vars(self).update(copy.deepcopy(vars(self)))

    def differentiated(self, which, optimizer, steps):
        self.model.zero_grad()
        if self.replays:
            self.replays[which].backward()
        else:
            self.objective().backward()

    def looked_at(self):
        return [
            *[number for p in self.model.parameters() for number in (p.data, p.grad)],
            self.objective().data,
            *[x for optimizer in self.optimizers for m in optimizer.state for x in m],
        ]


ACTS = (Twin.fit, Twin.fit, Twin.fit, Twin.fit, Twin.eagerly, Twin.set_data, Twin.set_values, Twin.differentiated)
ACTS += (Twin.set_state, Twin.set_all_states, Twin.pickled, Twin.copied)


@pytest.mark.sampled
@pytest.mark.parametrize("seed", range(30))
def test_whatever_happens_between_two_fits_nobody_sees_a_number_of_before(seed):
    rng = random.Random(seed)
    eager, ours = Twin(False), Twin(True)
    for _ in range(10):
        act, given = rng.choice(ACTS), (rng.randrange(2), rng.randrange(2), rng.randint(1, 3))
        for twin in (eager, ours):
            act(twin, *given)
        if rng.random() < 0.3 or act is Twin.differentiated:
            assert_same_numbers(eager, ours)
    assert_same_numbers(eager, ours)


def assert_same_numbers(eager, ours):
    for twin in (eager, ours):
        twin.model.zero_grad()  # which an eager loop leaves, and a replay not
    assert ours.looked_at() == pytest.approx(eager.looked_at(), rel=1e-9, abs=1e-12)


def test_batches_are_a_step_each():
    w, x, t = Value(0.5), Value(0.0), Value(0.0)
    replay = Replay((w * x - t) ** 2, [w], [x, t])
    losses = replay.fit(nn.SGD([w], lr=0.1), [[[1.0, 2.0]], [[2.0, 2.0], [1.0, 0.0]]])
    assert losses[0] == 2.25
    assert losses[1] == pytest.approx(((2 * 0.8 - 2) ** 2 + 0.8**2) / 2)  # w is 0.5 + 0.1 * 3
    assert w.data == pytest.approx(0.8 - 0.1 * (2 * (2 * 0.8 - 2) + 0.8))


class Fresh(list):
    """A list whose elements are made when they are asked for, each where the one before has been freed."""

    def __iter__(self):
        return ([[x, 2.0]] for x in list.__iter__(self))


@pytest.mark.parametrize("batches", [[[[1.0, 2.0]]] * 3 + [[[-1.0, 2.0]]] * 3, Fresh([float(k) for k in range(200)])])
def test_batches_that_come_again_and_such_as_never_do_are_told_apart(batches):
    pytest.importorskip("numpy", reason="arrays need NumPy")
    ends = []
    for steps in (batches, iter(batches)):
        w, x, t = Value(0.5), Value(0.0), Value(0.0)
        losses = Replay((ad.tanh(w * x) - t) ** 2, [w], [x, t], backend="arrays").fit(nn.SGD([w], lr=0.1), steps)
        ends.append((losses, w.data))
    assert ends[0] == ends[1]


def test_what_raises_on_the_way_leaves_the_whole_steps_before_it():
    x = Value(1.0, label="x")
    optimizer = nn.SGD([x], lr=1.0, momentum=0.5)
    replay = Replay(ad.log(x), [x])
    with pytest.raises(DomainError, match=r"log\(x\) is undefined at x = 0\.0 \('x'\)"):
        replay.fit(optimizer, 5)
    assert (x.data, optimizer.steps, optimizer.state) == (0.0, 1, [(1.0,)])


class Refusing(nn.SGD):
    """A rule that raises when all of its second step is made but to count it."""

    counted = 0

    @property
    def steps(self):
        return self.counted

    @steps.setter
    def steps(self, count):
        if count == 2:
            raise RuntimeError
        self.counted = count


def test_a_step_that_raises_at_its_end_is_taken_back(kind):
    w = [Value(1.0), Value(2.0)]
    optimizer = Refusing(w, lr=0.25, momentum=0.5)
    with pytest.raises(RuntimeError):
        Replay(w[0] ** 2 + w[1] ** 2, w).fit(optimizer, 3)
    assert [x.data for x in w] == [0.5, 1.0]
    assert (optimizer.state, optimizer.steps) == ([(2.0,), (4.0,)], 1)


def test_ctrl_c_leaves_the_whole_steps_before_it():
    w, x = Value(1.0), Value(1.0)
    optimizer = nn.Adam([w], lr=0.1)
    replay = Replay((w * x) ** 2, [w], [x])

    def batches():
        yield [[1.0]]
        yield [[2.0]]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay.fit(optimizer, batches())
    assert optimizer.steps == 2
    assert w.data == pytest.approx(0.8, abs=0.02)  # two steps of about the learning rate


def test_what_cannot_be_descended_is_refused():
    w = Value(1.0)
    replay = Replay(w * w, [w])
    with pytest.raises(ValueError, match="no parameter of the replay"):
        replay.fit(nn.SGD([Value(1.0)], lr=0.1), 1)
    for steps in (True, 1.5, None):
        with pytest.raises(TypeError, match="steps must be a whole number, or batches"):
            replay.fit(nn.SGD([w], lr=0.1), steps)
    with pytest.raises(ValueError, match="steps must be at least 0, got -1"):
        replay.fit(nn.SGD([w], lr=0.1), -1)
    assert replay.fit(nn.SGD([w], lr=0.1), 0) == []
    assert w.data == 1.0


@pytest.mark.sampled
@pytest.mark.parametrize("batch_size", [None, 5, 1])
@pytest.mark.parametrize(
    ("loss", "data", "out"),
    [
        ("hinge", MOONS, 1),
        ("binary_cross_entropy", nn.data.moons(20), 1),
        ("cross_entropy", nn.data.spiral(21, classes=(0, 1, 2)), 3),
        ("squared_error", nn.data.line(11, noise=0.1), 1),
    ],
)
def test_fit_trains_the_same_with_replay(loss, data, out, batch_size):
    results = []
    for replay in (False, True):
        model = nn.MLP(len(data[0][0]), [5, out], "tanh", seed=1)
        history = nn.fit(
            model,
            data,
            loss,
            nn.SGD(model.parameters(), lr=0.1, momentum=0.9),  # Adam would make a step of a gradient that cancels to 0
            epochs=4,
            batch_size=batch_size,
            penalty=lambda model=model: 1e-3 * nn.l2(model.parameters()),
            max_norm=0.5,
            metrics={"first": lambda outputs, targets: (outputs[0][0] if out > 1 else outputs[0]).data},
            replay=replay,
        )
        results.append((history, [p.data for p in model.parameters()]))
    (eager, expected), (ours, parameters) = results
    assert parameters == pytest.approx(expected, rel=1e-9)
    assert ours.loss == pytest.approx(eager.loss, rel=1e-10)
    assert ours.gradient_norm == pytest.approx(eager.gradient_norm, rel=1e-9)
    assert ours.metrics["first"] == pytest.approx(eager.metrics["first"], rel=1e-9, abs=1e-12)
    assert ours.epoch_loss == pytest.approx(eager.epoch_loss, rel=1e-10)


def test_callbacks_see_the_parameters_of_the_moment():
    model = nn.MLP(1, [3, 1], "tanh", seed=1)
    seen = []

    def look(model, history):
        seen.append(nn.mse([model(x) for x, _ in nn.data.line(5)], [y for _, y in nn.data.line(5)]).data)
        return len(seen) == 3

    history = nn.fit(
        model, nn.data.line(5), "squared_error", nn.SGD(model.parameters(), lr=0.1), callbacks=[look], replay=True
    )
    assert history.stopped == "look"
    assert seen[:-1] == pytest.approx(history.loss[1:], rel=1e-12)


@pytest.mark.parametrize("ending", [None, RuntimeError])
def test_what_callbacks_set_is_where_the_descent_goes_on_and_what_is_left_when_they_raise(ending):
    runs = []
    for replay in (False, True):
        model = nn.MLP(1, [3, 1], "tanh", seed=1)
        optimizer = nn.SGD(model.parameters(), lr=0.1, momentum=0.9)

        def shrink(model, history, optimizer=optimizer):
            for p in model.parameters():
                p.data *= 0.5
                p.grad = 7.0
            optimizer.state = [(v / 2,) for (v,) in optimizer.state]
            if ending and len(history.epoch_loss) == 3:
                raise ending

        fit = functools.partial(nn.fit, model, nn.data.line(5), "squared_error", optimizer, 3, replay=replay)
        with pytest.raises(ending) if ending else contextlib.nullcontext():
            fit(callbacks=[shrink])
        runs.append([[p.data for p in model.parameters()], [v for (v,) in optimizer.state], optimizer.steps])
        assert {p.grad for p in model.parameters()} == {7.0}
    eager, ours = runs
    assert ours[0] == pytest.approx(eager[0], rel=1e-12)
    assert ours[1] == pytest.approx(eager[1], rel=1e-12)
    assert ours[2] == eager[2] == 3


def test_divergence_is_told_as_it_is_eagerly():
    messages = []
    for replay in (False, True):
        model = nn.MLP(1, [3, 1], "relu", seed=1)
        with pytest.raises(nn.DivergenceError) as error:
            nn.fit(
                model, nn.data.line(5), "squared_error", nn.SGD(model.parameters(), lr=1e3), epochs=200, replay=replay
            )
        messages.append(str(error.value).split(" at ")[0])
        assert all(map(math.isfinite, [p.data for p in model.parameters()]))
    assert messages[0] == messages[1]


def test_a_loss_that_depends_on_no_parameter_is_refused():
    model, other = nn.MLP(1, [2, 1], seed=0), nn.MLP(1, [1], seed=0)
    with pytest.raises(ValueError, match="depends on none of the optimizer's parameters"):
        nn.fit(model, nn.data.line(3), "squared_error", nn.SGD(other.parameters(), lr=0.1), epochs=1, replay=True)


def test_importing_the_package_imports_no_numpy():
    code = "import sys, autodiff; print('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize("max_norm", [None, 0.1])
def test_callbacks_of_a_replayed_descent_see_the_gradients_of_its_last_step(max_norm):
    seen = []
    for replay in (False, True):
        model, other = nn.MLP(2, [4, 1], "tanh", seed=0), Value(1.0)
        moved = [*model.parameters(), other]
        nn.fit(
            model,
            MOONS,
            "hinge",
            nn.Adam(moved, lr=0.01),
            epochs=3,
            batch_size=7,
            max_norm=max_norm,
            replay=replay,
            penalty=lambda model=model: 0.01 * nn.l2(model.parameters()),
            callbacks=[lambda _, history, moved=moved: seen.append([p.grad for p in moved]) and False],
        )
    assert any(seen[0])
    for eager, replayed in zip(seen[:3], seen[3:], strict=True):
        assert replayed == pytest.approx(eager, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("backend", [False, "python"])
def test_what_the_optimizer_does_not_move_stays_and_in_a_replay_keeps_its_grad(backend):
    w, b = Value(1.0), Value(0.5)
    b.grad = 7.0
    data = [([1.0], 3.0), ([2.0], 5.0)]
    nn.fit(lambda x: w * x[0] + b, data, "squared_error", nn.SGD([w], lr=0.1), 2, replay=backend, progress=False)
    # The slopes are the mean of 2 (w x + b - t) x and of 2 (w x + b - t): -6.5 and -4 at w = 1, then -3.25 and -2.05.
    assert (w.data, b.data) == (pytest.approx(1.975), 0.5)
    assert b.grad == pytest.approx(7.0 if backend else 7.0 - 4.0 - 2.05)
