"""Every row of the calculus replays: on floats, on arrays, and in batches."""

import pytest
from conftest import NAMES, ROWS, TRUTH, error, exact, grouped, points
from replay_graphs import random_replay

from autodiff import Replay, Value
from autodiff.replay import choice, forms, fuse, reroll


@pytest.fixture
def always_arrays(monkeypatch):
    pytest.importorskip("numpy", reason="arrays need NumPy")
    monkeypatch.setattr(choice, "PER_BLOCK", -1.0)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_every_row_has_a_form_on_arrays(name):
    known = {*forms.ARRAYS, *forms.REPLACED}
    assert ROWS[name] in known, f"add a line for {name} to ARRAYS in autodiff/replay/forms.py"
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


@pytest.mark.parametrize("name", sorted(ROWS))
def test_every_row_replays_on_floats(name):
    check(name, batch=False)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_every_row_replays_on_arrays(name, always_arrays):
    check(name, batch=False)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_every_row_replays_in_batches(name):
    pytest.importorskip("numpy", reason="batches on arrays need NumPy")
    check(name, batch=True)


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


def test_random_graphs_replay_as_they_are():
    kinds = [replay.report().kind for replay in map(random_replay, range(150)) if replay]
    assert kinds.count("floats") > 50
    assert kinds.count("arrays") > 15


def test_random_graphs_replay_on_arrays(always_arrays):
    assert len([replay for replay in map(random_replay, range(1000, 1100)) if replay]) > 70


def test_random_graphs_replay_on_arrays_with_all_that_can_be_put_together(always_arrays, monkeypatch):
    monkeypatch.setattr(reroll, "FEWEST", 0.0)
    monkeypatch.setattr(fuse, "FEWEST", 2)
    assert len([replay for replay in map(random_replay, range(2000, 2100)) if replay]) > 70
