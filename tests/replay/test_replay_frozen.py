"""What a recording freezes: decisions of Python, numbers read from the graph, numbers from outside."""

import inspect
import itertools
import random
import warnings

import pytest

import autodiff as ad
from autodiff import Replay, Value, nn
from autodiff.engine import decisions, value
from autodiff.replay import ReplayWarning

DATA = [([1.0, 2.0], 1), ([-1.0, -1.0], -1), ([2.0, 0.5], 1), ([-2.0, -0.5], -1), ([0.3, 0.1], 1)]


def line_of(function):
    """The file and line of the body of a function, as messages name it."""
    code = function.__code__
    return f"{code.co_filename}, line {code.co_firstlineno + 1}"


def by_if(w, b, x):
    return w * w if w > 1 else 3 * w


def by_if_on_what_is_soon_gone(w, b, x):
    return w * x if w * x + b > 0 else w + x * b


def by_max(w, b, x):
    return max(w * w, 3 * w)


def by_max_with_a_number(w, b, x):
    return max(0, w * x)


def by_max_of_many(w, b, x):
    return ad.sum([max(0, w * i - 1) for i in range(4)])


def by_sorted(w, b, x):
    return sorted([w * w, 3 * w])[-1]


def by_truth(w, b, x):
    return w * x or b * x


def by_not(w, b, x):
    return b * x if not w * x else w * x * x


def by_a_variable(w, b, x):
    return (lambda positive: w * w if positive else 3 * w)(positive := w > 1) + (b if positive else x)


def by_a_factor(w, b, x):
    return int(w > 1) * w * w + b


def by_match(w, b, x):
    match w > 1:
        case True:
            return w * w
    return 3 * w


def by_arithmetic(w, b, x):
    return (w > 0) * w * 2.0


def by_an_input(w, b, x):
    return w * x if x > 0 else w


def by_any_of_a_list(w, b, x):
    return w * w if any([w > 1, b > 9]) else 3 * w


def by_all_of_a_generator(w, b, x):
    return w * w if all(v > 0 for v in (w, b)) else 3 * w


def by_not_any_of_a_comprehension(w, b, x):
    return 3 * w if not any([v > 1 for v in (w, b)]) else w * w


DECIDE = [
    *(by_if, by_if_on_what_is_soon_gone, by_max, by_max_with_a_number, by_max_of_many, by_sorted, by_truth, by_not),
    *(by_a_variable, by_a_factor, by_match, by_arithmetic, by_an_input),
    *(by_any_of_a_list, by_all_of_a_generator, by_not_any_of_a_comprehension),
]


def leaves():
    return Value(2.0, "w"), Value(1.0, "b"), Value(3.0, "x")


@pytest.mark.parametrize("build", DECIDE, ids=lambda build: build.__name__)
def test_a_decision_by_values_is_told_with_file_and_line(build):
    w, b, x = leaves()
    loss = build(w, b, x)
    with pytest.warns(ReplayWarning) as told:
        Replay(loss, [w, b], [x])
    (warning,) = told
    assert f"at {line_of(build)}: " in str(warning.message)
    assert "relu, abs, clip, maximum and minimum" in str(warning.message)
    assert warning.filename == __file__


def while_the_loss_is_large(w, b, x):
    loss = w * x
    while loss > 100:
        loss = loss * 0.5
    return loss


def accuracy_of_scores_in_the_graph(w, b, x):
    scores = [w * i + b for i in range(3)]
    loss = ad.sum(scores)
    sum((score > 0) == (target > 0) for score, target in zip(scores, [1, 2, 3], strict=True))
    [int(score > 0) for score in scores]
    return loss


def looks_at_leaves(w, b, x):
    w > 1  # noqa: B015  # as in a cell of a notebook
    exec("assert w > 0", {"w": w})  # as text: pytest rewrites what stands here
    return w * x


def all_of_them_in_a_report(w, b, x):
    print(all([w > 0, b > 0]), any(v > 0 for v in (w, b)))
    return w * x


def accuracy_before(w, b, x):
    sum([(w * i + b > 0) == (i > 0) for i in range(4)])
    return w * x


def branch_on_a_target(w, b, x):
    target = Value(1.0)
    return w * x if target > 0 else w


def eager_steps_before(w, b, x):
    best = 1e9
    for _ in range(3):
        loss = (w * x - 1) ** 2
        loss.backward()
        if loss < best:
            best = loss.data
        w.data -= 0.001 * w.grad
    return (w * x - 1) ** 2


def printed(w, b, x):
    y = w * x
    assert (f"{y:.1f}", repr(y)) == ("6.0", "Value(data=6.0)")
    return y * y


def looked_for(w, b, x):
    y = w * x
    assert y not in [b, x]
    return y * y


def compared_elsewhere(w, b, x):
    other = w * b
    if other > 0:
        pass
    return x * x


SAFE = [
    *(while_the_loss_is_large, accuracy_of_scores_in_the_graph, accuracy_before, branch_on_a_target),
    *(eager_steps_before, printed, looked_for, compared_elsewhere, looks_at_leaves, all_of_them_in_a_report),
]


@pytest.mark.parametrize("build", SAFE, ids=lambda build: build.__name__)
def test_what_is_safe_stays_silent(build):
    w, b, x = leaves()
    loss = build(w, b, x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Replay(loss, [x] if build is compared_elsewhere else [w, b])


def test_a_decision_is_told_once_and_holds_no_graph():
    w, b, x = leaves()
    loss = by_if(w, b, x)
    with pytest.warns(ReplayWarning):
        Replay(loss, [w])
    Replay(w * w, [w])  # another graph of the same parameter
    y = w * x
    reference = decisions.Decision(*decisions.lately[-1]).compared[0] if y > 0 else None
    assert reference() is y
    del y
    assert reference() is None


def test_so_many_decisions_are_remembered_and_no_more():
    x = Value(1.0)
    for _ in range(decisions.MAX_DECISIONS + 10):
        assert x > 0
    assert len(decisions.lately) == decisions.MAX_DECISIONS


def fit(loss, model=None, **how):
    net = nn.MLP(2, [4, 1], "tanh", seed=3)
    apply = (lambda x: model(net, x)) if model else net
    optimizer = nn.SGD(net.parameters(), lr=0.1)
    history = nn.fit(apply, DATA, loss, optimizer, epochs=5, progress=False, **how)
    return history.loss, [p.data for p in net.parameters()]


def own_branch(score, target):
    return score * score if score > 0.3 else (score - target) ** 2


def own_hinge(score, target):
    return max(0.0 * score, 1 - target * score)


@pytest.mark.parametrize("loss", [own_branch, own_hinge], ids=lambda loss: loss.__name__)
def test_fit_takes_eager_steps_where_python_decides_by_values_and_says_so(loss):
    with pytest.warns(ReplayWarning, match="the steps are computed eagerly") as told:
        replayed = fit(loss, replay=True)
    assert f"at {line_of(loss)}, " in str(told[0].message)
    assert replayed == fit(loss)


def test_fit_takes_eager_steps_where_the_penalty_decides():
    net = nn.MLP(2, [1], seed=3)

    def penalty():
        return sum(p * p if p > 0 else -p for p in net.parameters())

    def train(replay):
        for i, p in enumerate(net.parameters()):
            p.data = 0.1 * i - 0.05
        optimizer = nn.SGD(net.parameters(), lr=0.05)
        return nn.fit(net, DATA, "squared_error", optimizer, 4, penalty=penalty, progress=False, replay=replay).loss

    with pytest.warns(ReplayWarning, match="the steps are computed eagerly"):
        replayed = train(True)
    assert replayed == train(False)


def dropout(net, x):
    return net(x) * 2.0 * (random.random() < 0.5)


def noise(net, x):
    return net([v + random.gauss(0, 0.1) for v in x])


COUNT = itertools.count()


def counted(net, x):
    return net(x) * next(COUNT)


def test_fit_says_so_where_a_callback_changed_what_was_recorded():
    scale = {"now": 1.0}

    def scaled(net, x):
        return net(x) * scale["now"]

    def cool(model, history):
        scale["now"] *= 0.9

    net = nn.MLP(2, [1], seed=3)
    optimizer = nn.SGD(net.parameters(), lr=0.1)
    model = lambda x: scaled(net, x)  # noqa: E731  # `fit` takes one argument
    with pytest.warns(ReplayWarning, match="not what it was when it was recorded") as told:
        nn.fit(model, DATA, "squared_error", optimizer, 3, progress=False, replay=True, callbacks=[cool])
    assert f"at {line_of(scaled)} " in str(told[0].message)
    assert told[0].filename == __file__


def by_its_gradient(net, x):
    return net(x) * (1.0 + net.parameters()[0].grad)


def test_fit_refuses_to_record_a_gradient_that_is_read():
    with pytest.raises(ValueError, match="read from the graph") as refused:
        fit("squared_error", by_its_gradient, replay=True)
    assert f"at {line_of(by_its_gradient)}: " in str(refused.value)


@pytest.mark.parametrize("model", [dropout, noise, counted], ids=lambda model: model.__name__)
def test_fit_refuses_to_record_random_numbers_and_what_changes_outside(model):
    with pytest.raises(ValueError, match="a graph that is built twice differs") as refused:
        fit("squared_error", model, replay=True)
    assert f"at {line_of(model)}: " in str(refused.value)


def detached(score, target):
    return (score - target) ** 2 * score.data


def branch_by_data(score, target):
    return score * 1.0 if score.data > 3.0 else (score - target) ** 2


def rounds(score, target):
    for _ in range(int(abs(score.data) * 3)):
        score = score * 0.5
    return (score - target) ** 2


@pytest.mark.parametrize("loss", [detached, branch_by_data, rounds], ids=lambda loss: loss.__name__)
def test_fit_refuses_to_record_what_is_read_from_the_graph(loss):
    with pytest.raises(ValueError, match="depends on numbers that Python has read from the graph") as refused:
        fit(loss, replay=True)
    lines, first = inspect.getsourcelines(loss)
    assert any(f"{__file__}, line {line}: " in str(refused.value) for line in range(first, first + len(lines)))


def test_a_refused_fit_leaves_the_parameters_as_they_were():
    net = nn.MLP(2, [1], seed=3)
    before = [p.data for p in net.parameters()]
    with pytest.raises(ValueError, match="read from the graph"):
        nn.fit(net, DATA, detached, nn.SGD(net.parameters(), lr=0.1), 5, progress=False, replay=True)
    assert [p.data for p in net.parameters()] == before
    assert (value.reader, value.watcher) == (None, None)


HITS = []


def reported(score, target):
    HITS.append((score > 0) == (target > 0))
    HITS.append(score.data > 0)
    return (score - target) ** 2


def seeded(net, x):
    return net([v + random.Random(7).gauss(0, 0.1) for v in x])


@pytest.mark.parametrize("loss", ["hinge", "squared_error", reported], ids=["hinge", "squared error", "reported"])
@pytest.mark.parametrize("model", [None, seeded], ids=["plain", "seeded"])
def test_fit_replays_what_is_safe_without_a_word(loss, model):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses, parameters = fit(loss, model, replay=True)
    expected, moved = fit(loss, model)
    assert losses == pytest.approx(expected, rel=1e-9)
    assert parameters == pytest.approx(moved, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("callbacks", "times"), [((), 4), ([lambda model, history: None], 6)], ids=["alone", "watched"]
)
def test_fit_builds_a_few_samples_again_and_not_all(callbacks, times):
    built = []

    def loss(score, target):
        built.append(target)
        return (score - target) ** 2

    net = nn.MLP(1, [1], seed=0)
    data = [([0.01 * i], 0.02 * i) for i in range(200)]
    rule = nn.SGD(net.parameters(), lr=0.1)
    nn.fit(net, data, loss, rule, 2, progress=False, replay=True, callbacks=callbacks)
    # four to see whether they differ; where a callback may change what is computed, one before the steps and one after
    assert len(built) == 200 + 3 * times
