import io
import math
import os
import statistics
import subprocess
import sys

import pytest

from autodiff import DomainError, Value, nn

SGD = nn.SGD


def linear(lr=0.1, start=(0.0, 0.0)):
    """A model y = w x + b and its optimizer."""
    model = nn.MLP(1, [1])
    for parameter, number in zip(model.parameters(), start, strict=True):
        parameter.data = number
    return model, SGD(model.parameters(), lr)


def numbers(model):
    return [p.data for p in model.parameters()]


def least_squares(samples):
    return list(statistics.linear_regression([x for (x,), _ in samples], [y for _, y in samples]))


# What is learned


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_full_batch_descent_reaches_the_least_squares_line(noise):
    samples = nn.data.line(20, 2.0, 1.0, noise=noise, seed=1)
    model, optimizer = linear(0.5)
    history = nn.fit(model, samples, "squared_error", optimizer, epochs=100)
    assert numbers(model) == pytest.approx(least_squares(samples), abs=1e-10)
    assert noise or numbers(model) == pytest.approx([2.0, 1.0], abs=1e-10)
    assert history.loss[-1] < history.loss[0]


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [1, 7, 20, 1000, None])
def test_any_batch_size_recovers_slope_and_intercept_and_records_each_step(batch_size):
    model, optimizer = linear(0.1)
    history = nn.fit(model, nn.data.line(20, -3.0, 0.5), "squared_error", optimizer, epochs=150, batch_size=batch_size)
    steps = {1: 20, 7: 3}.get(batch_size, 1)
    assert numbers(model) == pytest.approx([-3.0, 0.5], abs=1e-3)
    assert (len(history.loss), len(history.gradient_norm), len(history.epoch_loss)) == (150 * steps, 150 * steps, 150)
    assert optimizer.steps == 150 * steps
    assert history.stopped == "epochs"


def test_two_full_batch_steps_are_those_computed_by_hand():
    model, optimizer = linear(0.25, start=(1.0, 0.0))
    history = nn.fit(model, [([1.0], 3.0), ([-1.0], 1.0)], "squared_error", optimizer, epochs=2)
    # errors -2 and -2: gradients mean(2 e x) = 0 and mean(2 e) = -4; then b = 1 and errors -1 and -1: 0 and -2
    assert history.loss == [4.0, 1.0]
    assert history.gradient_norm == [4.0, 2.0]
    assert history.epoch_loss == history.loss
    assert numbers(model) == [1.0, 1.5]


def test_the_epoch_loss_weighs_each_step_by_its_samples():
    model, optimizer = linear(0.0)
    samples = [([0.0], 1.0), ([0.0], 2.0), ([0.0], 4.0)]
    history = nn.fit(model, samples, "squared_error", optimizer, epochs=1, batch_size=2, shuffle=False)
    assert history.loss == [2.5, 16.0]
    assert history.epoch_loss == [7.0]
    assert repr(history) == "<History of 2 steps in 1 epochs, last loss 16, stopped by epochs>"
    assert repr(nn.History()) == "<History of 0 steps in 0 epochs, stopped by epochs>"


LOSSES = {
    "squared_error": (1, (0.0, 1.0), 0.05),
    "absolute_error": (1, (0.0, 1.0), 0.15),
    "mse": (1, (0.0, 1.0), 0.05),
    "hinge": (1, (-1, 1), 0.05),
    "binary_cross_entropy": (1, (0, 1), 0.05),
    "cross_entropy": (2, (0, 1), 0.05),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", nn.LOSSES)
def test_every_loss_by_name_learns_the_exclusive_or(name):
    outputs, classes, reached = LOSSES[name]
    model = nn.MLP(2, [6, outputs], "tanh", seed=1)
    optimizer = nn.Adam(model.parameters(), nn.schedules.cosine(0.1, 200))
    history = nn.fit(model, nn.data.xor(classes), name, optimizer, epochs=200)
    assert history.loss[0] > 2 * reached
    assert history.loss[-1] < reached


def test_a_loss_may_be_a_function():
    model, optimizer = linear(0.5)
    nn.fit(model, nn.data.line(), lambda output, target: (output - target - 1) ** 2, optimizer, epochs=100)
    assert numbers(model) == pytest.approx([2.0, 2.0], abs=1e-9)


def test_a_penalty_is_added_to_the_loss_and_shrinks_the_weights_as_ridge_regression_does():
    samples, alpha = nn.data.line(20, 2.0, 1.0, noise=0.1), 0.3
    model, optimizer = linear(0.3)
    history = nn.fit(model, samples, "squared_error", optimizer, 200, penalty=lambda: alpha * nn.l2(model.parameters()))
    np = pytest.importorskip("numpy", reason="NumPy solves the equations")
    X = np.array([[x, 1.0] for (x,), _ in samples])
    y = np.array([y for _, y in samples])
    ridge = np.linalg.solve(X.T @ X / 20 + alpha * np.eye(2), X.T @ y / 20)
    assert numbers(model) == pytest.approx(ridge.tolist(), abs=1e-10)
    expected = np.mean((X @ ridge - y) ** 2) + alpha * ridge @ ridge
    assert history.loss[-1] == pytest.approx(float(expected), rel=1e-9)


def test_max_norm_bounds_each_step_and_the_history_tells_the_norm_before():
    model, optimizer = linear(1.0)
    before = numbers(model)
    history = nn.fit(model, [([3.0], 100.0)], "squared_error", optimizer, epochs=1, max_norm=0.5)
    assert math.dist(numbers(model), before) == pytest.approx(0.5, rel=1e-6)
    assert history.gradient_norm == [pytest.approx(200 * math.hypot(3, 1))]


# Metrics and callbacks


def test_metrics_are_recorded_by_name_from_outputs_before_the_step_and_targets():
    model, optimizer = linear(0.25, start=(1.0, 0.0))
    seen = []

    def offset(outputs, targets):
        seen.append((len(outputs), targets))
        return sum(o.data - t for o, t in zip(outputs, targets, strict=True)) / len(targets)

    samples = [([1.0], 3.0), ([-1.0], 1.0)]
    history = nn.fit(
        model, samples, "mse", optimizer, 2, shuffle=False, metrics={"offset": offset, "n": lambda o, t: len(t)}
    )
    assert history.metrics == {"offset": [-2.0, -1.0], "n": [2.0, 2.0]}
    assert seen == [(2, [3.0, 1.0])] * 2


@pytest.mark.parametrize("replay", [False, True])
def test_outputs_and_targets_of_a_metric_are_of_the_same_samples_in_the_order_of_the_batch(replay):
    w = Value(1.0)
    samples = [(float(x), float(x)) for x in range(1, 11)]
    seen = []

    def pairs(outputs, targets):
        seen.append(targets)
        return sum(abs(o.data - t) for o, t in zip(outputs, targets, strict=True))

    history = nn.fit(
        lambda x: w * x, samples, "mse", SGD(w, 0.0), 3, 4, metrics={"far": pairs}, replay=replay, progress=False
    )
    assert history.metrics["far"] == [0.0] * 9
    assert [len(targets) for targets in seen] == [4, 4, 2] * 3
    assert any(targets != sorted(targets) for targets in seen)
    assert sorted(y for targets in seen for y in targets) == [y for _, y in samples for _ in range(3)]


def test_callbacks_see_each_epoch_and_the_first_true_answer_ends_training():
    model, optimizer = linear()
    epochs, later = [], []

    def third(model_of_callback, history):
        assert model_of_callback is model
        epochs.append(len(history.epoch_loss))
        return len(epochs) == 3

    callbacks = iter([lambda m, h: None, third, lambda m, h: later.append(len(h.epoch_loss)) or len(later) == 3])
    history = nn.fit(model, nn.data.line(), "mse", optimizer, 10, batch_size=5, callbacks=callbacks)
    assert (epochs, later) == ([1, 2, 3], [1, 2])
    assert history.stopped == "third"
    assert (len(history.epoch_loss), len(history.loss)) == (3, 12)


STOPPING = [
    # losses, patience, min_delta, after how many epochs it ends (None: never)
    ([5, 4, 3, 2, 1], 1, 0.0, None),
    ([5, 4, 4, 3], 1, 0.0, 3),
    ([5, 4, 4, 3, 3, 3], 2, 0.0, 6),
    ([5, 6, 7, 8], 3, 0.0, 4),
    ([5, 4, 6, 3], 2, 0.0, None),
    ([5, 4.9, 4.8, 4.7], 1, 0.5, 2),
    ([5, 4, 3, 2.9, 2.8], 2, 0.5, 5),
    ([5], 1, 0.0, None),
]


@pytest.mark.parametrize(("losses", "patience", "min_delta", "ends"), STOPPING)
def test_early_stopping_waits_for_its_patience(losses, patience, min_delta, ends):
    stopping, history = nn.EarlyStopping(patience, min_delta), nn.History()
    ended = None
    for epoch, loss in enumerate(losses, start=1):
        history.epoch_loss.append(loss)
        if stopping(None, history):
            ended = epoch
            break
    assert ended == ends


def test_early_stopping_ends_a_training_that_no_longer_improves():
    model, optimizer = linear(0.5)
    samples = nn.data.line(noise=0.5)
    history = nn.fit(model, samples, "mse", optimizer, 10_000, callbacks=[nn.EarlyStopping(3, 1e-9)])
    assert history.stopped == "EarlyStopping"
    assert len(history.loss) < 200
    assert numbers(model) == pytest.approx(least_squares(samples), abs=1e-3)


# Edges and errors


@pytest.mark.parametrize("replay", [False, True])
def test_zero_epochs_change_nothing_and_call_nothing(replay):
    model, optimizer = linear(start=(0.5, 0.25))
    unused = {"loss": lambda o, t: 1 / 0, "metrics": {"m": lambda o, t: 1 / 0}, "callbacks": [lambda m, h: 1 / 0]}
    history = nn.fit(model, nn.data.line(), optimizer=optimizer, epochs=0, replay=replay, **unused)
    assert numbers(model) == [0.5, 0.25]
    assert (history.loss, history.epoch_loss, history.metrics) == ([], [], {"m": []})


BAD = {
    "no data": ({"data": []}, ValueError, "the data set is empty"),
    "no data, no epochs": ({"data": [], "epochs": 0}, ValueError, "the data set is empty"),
    "unknown loss": ({"loss": "mae"}, ValueError, "unknown loss 'mae': choose one of squared_error"),
    "no loss": ({"loss": None}, TypeError, "loss must be a name or a function"),
    "negative epochs": ({"epochs": -1}, ValueError, "epochs must be at least 0, got -1"),
    "epochs as float": ({"epochs": 1.0}, TypeError, "epochs must be a whole number, got float: 1.0"),
    "epochs as bool": ({"epochs": True}, TypeError, "epochs must be a whole number, got bool: True"),
    "batch_size 0": ({"batch_size": 0}, ValueError, "batch_size must be at least 1, got 0"),
    "max_norm 0": ({"max_norm": 0.0}, ValueError, "max_norm must be above 0"),
    "max_norm nan": ({"max_norm": math.nan}, ValueError, "max_norm must be above 0"),
    "wrong inputs": ({"data": [([1.0, 2.0], 1.0)]}, ValueError, "expected 1 input, got 2"),
    "a target that is no number": (
        {"data": [([1.0], None)]},
        TypeError,
        "the target of squared_error must be a Value or a number",
    ),
    "bad target": ({"loss": "hinge"}, ValueError, "hinge needs a target of -1 or 1"),
}


@pytest.mark.parametrize(("arguments", "kind", "message"), BAD.values(), ids=BAD)
def test_bad_arguments_are_refused_before_anything_moves(arguments, kind, message):
    model, optimizer = linear(start=(0.5, 0.25))
    call = {"data": [([1.0], 2.0)], "loss": "squared_error", "epochs": 1, **arguments}
    with pytest.raises(kind, match=message):
        nn.fit(model, optimizer=optimizer, **call)
    assert numbers(model) == [0.5, 0.25]


@pytest.mark.parametrize("bad", [{"patience": 0}, {"patience": -1}, {"patience": 1, "min_delta": -0.1}])
def test_early_stopping_refuses_bad_numbers(bad):
    with pytest.raises(ValueError, match="must be at least"):
        nn.EarlyStopping(**bad)


def on_call(n, error):
    """A function that raises on its n-th call and otherwise answers 0."""
    calls = []

    def function(*arguments):
        calls.append(arguments)
        if len(calls) == n:
            raise error
        return 0.0

    return function


@pytest.mark.parametrize("error", [RuntimeError("on purpose"), KeyboardInterrupt()])
@pytest.mark.parametrize(
    ("where", "replay"),
    [(where, False) for where in ("model", "loss", "penalty", "metric", "callback")]
    + [("metric", True), ("callback", True)],
)
def test_whatever_raises_the_parameters_are_those_of_the_last_whole_step(where, replay, error):
    samples = nn.data.line(4)
    plain, optimizer = linear()
    whole = [numbers(plain)]  # after each step of an undisturbed run
    nn.fit(plain, samples, "mse", optimizer, 5, callbacks=[lambda m, h: whole.append(numbers(m))])
    model, optimizer = linear()
    calls = {"model": 4 * 2 + 3, "loss": 4 * 2 + 3, "penalty": 3, "metric": 2, "callback": 2}[where]  # in step 3, or 2
    stumble = on_call(calls, error)
    steady = {"metrics": {"m": stumble} if where == "metric" else {}, "callbacks": [stumble] * (where == "callback")}
    with pytest.raises(type(error)):
        nn.fit(
            lambda x: model(x) + (stumble() if where == "model" else 0.0),
            samples,
            lambda o, t: nn.mse(o, t) + (stumble() if where == "loss" else 0.0),
            optimizer,
            5,
            penalty=(lambda: Value(stumble())) if where == "penalty" else None,
            replay=replay,
            **steady,
        )
    assert numbers(model) == pytest.approx(whole[2], rel=1e-14, abs=0)
    assert optimizer.steps == 2


# Divergence


def test_a_learning_rate_too_large_raises_divergence_with_step_operation_and_advice():
    model, optimizer = linear(100.0)
    with pytest.raises(nn.DivergenceError) as caught:
        nn.fit(model, [([2.0], 1.0)], "squared_error", optimizer, epochs=1000)
    message = str(caught.value)
    assert f"the loss is inf at step {optimizer.steps + 1}: it began with x**n = inf at x = " in message
    assert "try a smaller learning rate, or max_norm=1.0" in message
    assert all(map(math.isfinite, numbers(model)))


DIVERGENCES = {
    "an overflow": (
        lambda w, x: (w * x).exp() * 0.0,
        1000.0,
        "the loss is nan .* began with exp.x. = inf at x = 1000.0",
    ),
    "nan in the data": (
        lambda w, x: w * x,
        math.nan,
        "the loss is nan at step 1: sample 0 of the data has nan in its inputs; ",
    ),
    "inf in the data": (
        lambda w, x: w * x,
        math.inf,
        "the loss is inf at step 1: sample 0 of the data has inf in its inputs; ",
    ),
    "an infinite slope": (lambda w, x: (w - x).sqrt(), 1.0, "the gradient is inf at step 1, where the loss is 4"),
}


@pytest.mark.parametrize(("model", "x", "message"), DIVERGENCES.values(), ids=DIVERGENCES)
def test_divergence_names_what_was_nan_or_inf_first_and_no_step_is_made(model, x, message):
    w = Value(1.0, "w")
    with pytest.raises(nn.DivergenceError, match=message):
        nn.fit(lambda inputs: model(w, inputs), [(x, 2.0)], "squared_error", SGD(w))
    assert w.data == 1.0


def test_a_domain_error_of_the_model_comes_through():
    w = Value(-1.0, "w")
    with pytest.raises(DomainError, match="'w'"):
        nn.fit(lambda x: w.log(), [(1.0, 2.0)], "squared_error", SGD(w))


# Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_quiet_when_standard_error_is_no_terminal(capsys):
    model, optimizer = linear()
    nn.fit(model, nn.data.line(), "mse", optimizer, 3, progress=True)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("progress", [True, False])
def test_progress_is_shown_on_a_terminal_unless_it_is_switched_off(monkeypatch, capsys, progress):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    model, optimizer = linear()
    history = nn.fit(model, nn.data.line(), "mse", optimizer, 3, batch_size=7, progress=progress)
    shown = terminal.getvalue()
    assert ("3/3" in shown and f"loss={history.epoch_loss[-1]:.3g}]" in shown) if progress else shown == ""
    assert capsys.readouterr().out == ""


# The same bits on every run

PROGRAM = """
from autodiff import nn
model = nn.MLP(2, [5, 1], "tanh", seed=1)
optimizer = nn.Adam(model.parameters(), lr=0.05, weight_decay=0.01)
history = nn.fit(model, nn.data.moons(20, classes=(-1, 1)), "hinge", optimizer, epochs=5, batch_size=7, max_norm=1.0)
print([p.data.hex() for p in model.parameters()], [x.hex() for x in history.loss])
"""


@pytest.mark.slow
def test_training_gives_the_same_bits_whatever_the_hash_seed():
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM], env={**os.environ, "PYTHONHASHSEED": seed}, stdout=subprocess.PIPE
        )
        for seed in ("0", "1", "2")
    ]
    outputs = [program.communicate()[0] for program in programs]
    assert [program.returncode for program in programs] == [0, 0, 0]
    assert outputs[0].startswith(b"['")
    assert outputs[0] == outputs[1] == outputs[2]


def test_the_order_of_samples_is_decided_by_the_seed():
    runs = []
    for seed in (0, 0, 1):
        model, optimizer = linear()
        nn.fit(model, nn.data.line(noise=0.5), "mse", optimizer, epochs=2, batch_size=3, seed=seed)
        runs.append(numbers(model))
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize("shuffle", [True, False])
def test_each_epoch_takes_the_samples_in_another_order_unless_shuffling_is_off(shuffle):
    w, order = Value(0.0), []
    samples = [(x, 0.0) for x in range(20)]
    nn.fit(lambda x: order.append(x) or w * x, samples, "mse", SGD(w), epochs=3, batch_size=1, shuffle=shuffle)
    epochs = [tuple(order[i : i + 20]) for i in (0, 20, 40)]
    assert all(sorted(epoch) == list(range(20)) for epoch in epochs)
    assert len(set(epochs)) == (3 if shuffle else 1)
    assert (epochs[0] == tuple(range(20))) is not shuffle


def test_an_optimizer_of_other_parameters_is_refused():
    others = nn.SGD([Value(1.0)], lr=0.1)
    with pytest.raises(ValueError, match="the loss depends on none of the optimizer's parameters"):
        nn.fit(nn.MLP(1, [1], seed=0), nn.data.line(4), "mse", others, epochs=1)
