"""What is left behind when something raises at any point: the state of before or that of after."""

import copy
import json
import pickle

import pytest
from helpers.faults import at_every_point
from helpers.public import optimizers

import autodiff
from autodiff import Value, nn
from autodiff.checks import anomaly
from autodiff.engine import value


def leaves():
    return [Value(0.5, "w"), Value(-1.5, "x"), Value(0.25, "b")]


def graph(w, x, b):
    """A node of every shape: of one operand, of two, of any number, of groups; with parameters; piecewise."""
    z = autodiff.dot([w, x], [x, b], b)
    return z.tanh() * w + autodiff.clip(x, -1.0, 1.0) ** 2 + autodiff.max(z, b)


def state_of(nodes):
    return [(node.data, node._grad, node.label, node.parents) for node in nodes]


def gradients(nodes):
    return [node._grad for node in nodes]


def expected_gradients(count=1):
    nodes = leaves()
    output = graph(*nodes)
    for _ in range(count):
        output.backward()
    return [node.grad for node in nodes]


def quiet():
    """Nothing is left switched on."""
    assert value.watcher is None
    assert not anomaly._open


def test_forward_touches_no_operand():
    def prepare():
        nodes = leaves()
        graph(*nodes).backward()
        return nodes, state_of(nodes)

    def check(state):
        nodes, before = state
        assert state_of(nodes) == before
        output = graph(*nodes)
        for node in nodes:
            node._grad = None
        output.backward()
        assert gradients(nodes) == expected_gradients()

    assert at_every_point(prepare, lambda state: graph(*state[0]), check) > 100


def test_backward_gives_all_of_the_gradient_or_nothing():
    once, twice = expected_gradients(), expected_gradients(2)

    def prepare():
        nodes = leaves()
        output = graph(*nodes)
        output.backward()
        return nodes, output

    def check(state):
        nodes, output = state
        assert gradients(nodes) in (once, twice)
        interior = gradients(autodiff.engine.backward.toposort(output)[0])
        assert (interior == [None] * len(interior)) or None not in interior
        for node in nodes:
            node._grad = None
        output.backward()
        assert gradients(nodes) == once

    assert at_every_point(prepare, lambda state: state[1].backward(), check) > 100


def test_propagate_hands_on_all_contributions_or_none():
    def prepare():
        nodes = leaves()
        output = autodiff.dot(nodes, nodes, nodes[0])
        output.grad = 2.0
        nodes[1].grad = 5.0
        return nodes, output

    def check(state):
        nodes, output = state
        assert gradients(nodes) in ([None, 5.0, None], [2 * (0.5 + 0.5 + 1), 5 + 2 * -3.0, 2 * 0.5])
        assert output.grad == 2.0

    assert at_every_point(prepare, lambda state: state[1].propagate(), check) > 10


def test_grad_touches_no_node():
    def prepare():
        nodes = leaves()
        output = graph(*nodes)
        output.backward()
        everything = [*autodiff.engine.backward.toposort(output)[0], *nodes]
        return nodes, output, everything, state_of(everything)

    def check(state):
        assert state_of(state[2]) == state[3]

    assert at_every_point(prepare, lambda state: autodiff.grad(state[1], *state[0]), check, most=2) > 100


@pytest.mark.parametrize("order", [1, 2])
def test_check_gradients_leaves_parameters_as_they_were(order):
    def prepare():
        nodes = leaves()[:2]
        (nodes[0] * nodes[1]).backward()
        return nodes, state_of(nodes)

    def action(state):
        w, x = state[0]
        assert autodiff.check_gradients(lambda: w * x * x, [w, x], order=order)

    def check(state):
        assert state_of(state[0]) == state[1]

    assert at_every_point(prepare, action, check, most=2) > 100


def test_zero_grad_forgets_and_changes_nothing_else():
    def prepare():
        model = nn.MLP(2, [2, 1], "tanh", seed=1)
        output = model([0.5, -0.5])
        output.backward()
        return model, output, [p.data for p in model.parameters()], gradients(model.parameters())

    def check(state):
        model, output, data, before = state
        assert [p.data for p in model.parameters()] == data
        assert all(now in (then, None) for now, then in zip(gradients(model.parameters()), before, strict=True))
        output.zero_grad()
        assert gradients(model.parameters()) == [None] * len(data)

    for forget in (lambda s: s[0].zero_grad(), lambda s: s[1].zero_grad(), lambda s: optimizer(s[0]).zero_grad()):
        at_every_point(prepare, forget, check)


def optimizer(model):
    return nn.SGD(model.parameters(), lr=nn.schedules.linear(0.1, 0.0, 10), momentum=0.9)


OPTIMIZERS = {
    "SGD": lambda ps: nn.SGD(ps, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda ps: nn.Adam(ps, lr=nn.schedules.cosine(0.1, 10), weight_decay=0.01),
    "AdamW": lambda ps: nn.AdamW(ps, lr=0.1),
    "RMSprop": lambda ps: nn.RMSprop(ps, lr=0.1, momentum=0.5),
}


def test_every_optimizer_is_interrupted():
    missing = sorted(optimizers() - set(OPTIMIZERS))
    assert not missing, f"add {missing} to OPTIMIZERS above"


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_step_moves_all_parameters_and_their_state_or_nothing(make):
    def prepare():
        nodes = leaves()
        rule = make(nodes)
        graph(*nodes).backward()
        rule.step()
        return rule

    def stand(rule):
        return [p.data for p in rule.parameters], rule.state, rule.steps, gradients(rule.parameters)

    before, after = prepare(), prepare()
    after.step()

    def check(rule):
        assert stand(rule) in (stand(before), stand(after))

    assert at_every_point(prepare, lambda rule: rule.step(), check) > 30


@pytest.mark.parametrize(
    "clip",
    [lambda ps: nn.clip_gradient_norm(ps, 0.5), lambda ps: nn.clip_gradient_value(ps, 0.1)],
    ids=["norm", "value"],
)
def test_clipping_is_whole(clip):
    def prepare():
        nodes = leaves()
        graph(*nodes).backward()
        return nodes

    before, after = gradients(prepare()), prepare()
    clip(after)

    def check(nodes):
        assert gradients(nodes) in (before, gradients(after))

    assert at_every_point(prepare, clip, check) > 10


DATA = [([0.5], 1.0), ([1.0], -0.5), ([-0.75], 0.25)]


def train(model, rule, replay):
    nn.fit(
        model, DATA, "squared_error", rule, 1, batch_size=2, max_norm=0.5, progress=False, replay=replay,
        penalty=lambda: 0.01 * nn.l2(model.parameters()), metrics={"size": lambda outputs, targets: len(outputs)},
    )  # fmt: skip


class Recorder(nn.SGD):
    """An optimizer that keeps the parameters and state before each step and after the last."""

    def step(self):
        if not self.steps:
            self.stands = [stand(self)]
        super().step()
        self.stands.append(stand(self))


def stand(rule):
    return [p.data for p in rule.parameters], rule.state, rule.steps


def almost(stand, other):
    """Whether two stands are equal to rounding; None is no stand of the other kind."""
    numbers = [[*data, *[x for cell in state for x in cell]] for data, state, _ in (stand, other)]
    return (
        stand[2] == other[2]
        and len(numbers[0]) == len(numbers[1])
        and numbers[0] == pytest.approx(numbers[1], rel=1e-9)
    )


@pytest.mark.parametrize("replay", [False, True], ids=["eager", "replayed"])
def test_fit_leaves_the_parameters_and_state_of_a_whole_number_of_steps(replay):
    def prepare(rule=nn.SGD):
        model = nn.MLP(1, [1], output="tanh", seed=1)
        return model, rule(model.parameters(), lr=0.1, momentum=0.9)

    model, recorder = prepare(Recorder)
    train(model, recorder, replay=False)
    assert [steps for _, _, steps in recorder.stands] == [0, 1, 2]

    def check(state):
        assert any([almost(stand(state[1]), whole) for whole in recorder.stands])
        quiet()

    # what records and what differentiates is struck in tests of its own
    for within in ("nn/", "replay/descent") if replay else ("",):
        assert at_every_point(prepare, lambda state: train(*state, replay), check, most=2, within=within) > 30


def test_fit_of_a_replay_leaves_the_parameters_and_state_of_a_whole_number_of_steps():
    def prepare(rule=nn.SGD):
        nodes = leaves()
        return autodiff.Replay(graph(*nodes), nodes), rule(nodes, lr=0.01, momentum=0.9)

    recorder = Recorder(leaves(), lr=0.01, momentum=0.9)
    for _ in range(3):
        recorder.zero_grad()
        graph(*recorder.parameters).backward()
        recorder.step()

    def check(state):
        assert any([almost(stand(state[1]), whole) for whole in recorder.stands])

    assert at_every_point(prepare, lambda state: state[0].fit(state[1], 3), check) > 100


def test_backward_of_a_replay_adds_all_of_the_gradient_or_nothing():
    once, twice = expected_gradients(), expected_gradients(2)

    def prepare():
        nodes = leaves()
        replay = autodiff.Replay(graph(*nodes), nodes)
        replay.backward()
        return replay

    def check(replay):
        now = gradients(replay.parameters)
        assert any([now == pytest.approx(whole, rel=1e-12) for whole in (once, twice)])

    assert at_every_point(prepare, lambda replay: replay.backward(), check) > 50


def test_recording_touches_no_node():
    def prepare():
        nodes = leaves()[:2]
        output = autodiff.dot(nodes, nodes).tanh()
        output.backward()
        return nodes, output, state_of([*autodiff.engine.backward.toposort(output)[0], *nodes])

    def check(state):
        assert state_of([*autodiff.engine.backward.toposort(state[1])[0], *state[0]]) == state[2]

    assert (
        at_every_point(prepare, lambda state: autodiff.Replay(state[1], state[0]), check, most=1, within="replay/re")
        > 50
    )


def test_setting_data_is_seen_by_the_neurons_that_read_it():
    def prepare():
        model = nn.MLP(2, [1], seed=1)
        model([1.0, 2.0])  # the neuron has read its weights
        return model

    def action(model):
        model.parameters()[0].data = 5.0

    def check(model):
        w0, w1, b = [p.data for p in model.parameters()]
        assert w0 in (prepare().parameters()[0].data, 5.0)
        assert model([1.0, 2.0]).data == pytest.approx(w0 + 2 * w1 + b, rel=1e-15)

    at_every_point(prepare, action, check)


def test_anomaly_detection_is_off_after_its_block():
    def action(_):
        with autodiff.anomaly_detection():
            graph(*leaves()).backward()

    assert at_every_point(lambda: None, action, lambda _: quiet()) > 100


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda node: pickle.loads(pickle.dumps(node))])
def test_copying_and_pickling_touch_no_node_and_can_be_tried_again(duplicate):
    def prepare():
        nodes = leaves()
        output = graph(*nodes)
        output.backward()
        return nodes, output, state_of([*autodiff.engine.backward.toposort(output)[0], *nodes])

    def check(state):
        nodes, output, before = state
        assert state_of([*autodiff.engine.backward.toposort(output)[0], *nodes]) == before
        twin = duplicate(output)
        twin.backward()
        assert twin.data == output.data

    assert at_every_point(prepare, lambda state: duplicate(state[1]), check, most=4) > 50


def test_load_sets_all_parameters_or_none(tmp_path):
    saved = nn.MLP(2, [1], seed=2)
    saved.save(tmp_path / "model.json")

    def prepare():
        model = nn.MLP(2, [1], seed=1)
        model([1.0, 2.0])
        return model

    before, after = ([p.data for p in model.parameters()] for model in (prepare(), saved))

    def check(model):
        now = [p.data for p in model.parameters()]
        assert now in (before, after)
        assert model([1.0, 2.0]).data == pytest.approx(now[0] + 2 * now[1] + now[2], rel=1e-15)

    assert at_every_point(prepare, lambda model: model.load(tmp_path / "model.json"), check) > 100


@pytest.mark.parametrize("existing", [True, False], ids=["over a file", "fresh"])
def test_save_leaves_the_old_file_or_the_new_one_and_no_other(tmp_path, existing):
    path = tmp_path / "model.json"
    old, new = nn.MLP(2, [1], seed=1), nn.MLP(2, [1], seed=2)
    new.save(path)
    whole = [path.read_text()]
    path.unlink()
    old.save(path)
    whole.append(path.read_text())

    def prepare():
        path.unlink(missing_ok=True)
        if existing:
            old.save(path)
        return new

    def check(model):
        assert [file.name for file in tmp_path.iterdir()] in ([path.name], [] if not existing else [path.name])
        if path.exists():
            assert path.read_text() in whole
            assert json.loads(path.read_text())["version"] == 1
        assert [p.data for p in model.parameters()] == [p.data for p in nn.MLP(2, [1], seed=2).parameters()]

    assert at_every_point(prepare, lambda model: model.save(path), check) > 50


@pytest.mark.parametrize(
    "show",
    [
        lambda model, loss: str(autodiff.steps(loss)),
        lambda model, loss: autodiff.draw(loss),
        lambda model, loss: str(autodiff.blame(model)),
        lambda model, loss: autodiff.derive(loss, model.parameters()[0]).latex,
    ],
    ids=["steps", "draw", "blame", "derive"],
)
def test_showing_touches_no_node(show):
    def prepare():
        model = nn.MLP(1, [1], output="tanh", seed=1)
        loss = model(0.5)
        loss.backward()
        everything = [*autodiff.engine.backward.toposort(loss)[0], *autodiff.engine.backward.toposort(loss)[1]]
        return model, loss, everything, state_of(everything)

    def check(state):
        assert state_of(state[2]) == state[3]

    at_every_point(prepare, lambda state: show(*state[:2]), check, most=1, within="show/")
