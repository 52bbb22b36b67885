"""A recording: its columns, what was overwritten, what repeats; and the reference, which computes it eagerly."""

import math
import os
import pickle
import random
import re
import subprocess
import sys
import threading

import pytest
from helpers.replay_graphs import eager, formula, samples

import autodiff as ad
from autodiff import DomainError, Value, nn
from autodiff.engine import backward, ops
from autodiff.replay import reference
from autodiff.replay.recording.canonicalize import canonicalize, repeats
from autodiff.replay.recording.record import record
from autodiff.replay.recording.vectorize import blocks_of, vectorize


def drawn(seed):
    """A random graph: its root, parameters, inputs; None where it is outside of a domain."""
    rng = random.Random(seed)
    try:
        return formula(rng) if seed % 2 else samples(rng)
    except (ValueError, ZeroDivisionError):
        return None


GRAPHS = [seed for seed in range(60) if drawn(seed)]


@pytest.mark.sampled
@pytest.mark.parametrize("seed", GRAPHS)
def test_the_reference_answers_to_the_bit_what_backward_does(seed):
    root, parameters, inputs = drawn(seed)
    recording = record(root, parameters, inputs)
    leaves = [leaf.data for leaf in (*parameters, *inputs)]
    root.backward()
    loss, slopes = reference.evaluate(recording, leaves[: len(parameters)], leaves[len(parameters) :])
    assert repr(loss) == repr(root.data)
    assert repr(slopes) == repr([leaf.grad for leaf in parameters])
    elsewhere = [x * 1.01 + 0.01 for x in leaves]
    try:
        expected = eager(recording, elsewhere[: len(parameters)], [elsewhere[len(parameters) :]])
    except (ValueError, ZeroDivisionError) as error:
        with pytest.raises(type(error), match=f"^{re.escape(str(error))}"):
            reference.evaluate(recording, elsewhere[: len(parameters)], elsewhere[len(parameters) :])
        return
    found = reference.evaluate(recording, elsewhere[: len(parameters)], elsewhere[len(parameters) :])
    assert repr(found) == repr(expected)


def test_an_error_of_the_reference_names_the_operands_by_their_labels():
    x, y = Value(2.0, "x"), Value(1.0)
    z = x - 1.0
    z.label = "z"
    recording = record(ad.log(z) / y + ad.clip(x, 0.0, 5.0), [x, y], [])
    with pytest.raises(DomainError, match=r"^log\(x\) is undefined at x = -1\.0 \('z'\): it needs x > 0"):
        reference.evaluate(recording, [0.0, 1.0], [])
    with pytest.raises(ZeroDivisionError, match=r"x = 0\.0, y = 0\.0: it needs y != 0"):
        reference.evaluate(recording, [2.0, 0.0], [])


def test_columns_say_what_is_computed_from_what():
    w, x, unused = Value(2.0, "w"), Value(3.0, "x"), Value(9.0)
    shared = w * x
    root = (shared + shared) ** 2 + ad.sum([shared, x, Value(4.0), w])
    recording = record(root, [w, unused], [x])
    names = ["w", "unused", "x", "4", "w x", "+", "**", "sum", "root"]
    told = {
        names[i]: (str(op), [names[j] for j in operands], static)
        for i, (op, operands, static, *_) in enumerate(recording.nodes())
        if op is not None
    }
    assert told == {
        "w x": ("x * y", ["w", "x"], ()),
        "+": ("x + y", ["w x", "w x"], ()),
        "**": ("x**n", ["+"], (2.0,)),
        "sum": ("sum(xs)", ["w x", "x", "4", "w"], ()),
        "root": ("x + y", ["**", "sum"], ()),
    }
    assert recording.numbers.tolist() == [2.0, 9.0, 3.0, 4.0, 6.0, 12.0, 144.0, 15.0, 159.0]
    assert (recording.labels, recording.depends, recording.size) == ({0: "w", 2: "x"}, [0], 5)
    assert [recording.numbers[i] for i in recording.constants] == [4.0]
    again = pickle.loads(pickle.dumps(recording))
    assert again == recording
    assert again.add(ops.ADD, (0, 1), (), 0.0, "") == len(recording)
    assert again.codes[-1] == recording.codes[-1]  # the kinds are known again


def test_settings_that_differ_in_the_sign_of_zero_are_two_kinds():
    x = Value(1.0)
    recording = record(ad.clip(x, -0.0, 1.0) + ad.clip(x, 0.0, 1.0) + x**0.0 + x**-0.0 + x**2 + x**2, [x], [])
    settings = [str(static) for op, static in recording.kinds if op is not None and op.static]
    assert sorted(settings) == ["(-0.0, 1.0)", "(-0.0,)", "(0.0, 1.0)", "(0.0,)", "(2.0,)"]


def test_what_depends_on_constants_alone_is_a_constant():
    w, c = Value(2.0), Value(3.0)
    recording = record(w * ad.exp(c * 2.0) + ad.sum([]), [w], [])
    assert sorted(recording.numbers[i] for i in recording.constants) == [0.0, 2.0, 3.0, 6.0, math.exp(6.0)]
    assert [op for op in recording.ops if op is not None] == [ops.MUL, ops.ADD]
    assert canonicalize(recording).numbers[-1] == pytest.approx(2.0 * math.exp(6.0))


def test_a_constant_is_each_number_that_was_used():
    w, c = Value(2.0), Value(3.0, "c")
    first = w * c
    c.data = 5.0
    second = first * c
    c.data = 3.0
    third = second * c
    c.data = 7.0
    recording = record(third, [w], [])
    assert reference.evaluate(recording, [1.0], []) == (45.0, [45.0])
    assert sorted(recording.numbers[i] for i in recording.constants) == [3.0, 5.0]
    assert sorted(recording.labels.values()) == ["c", "c"]


def test_zeros_of_both_signs_in_one_leaf_are_two_constants():
    w, c = Value(0.0), Value(0.0)
    below = ad.atan2(c, w - 1.0)
    c.data = -0.0
    root = below + 2.0 * ad.atan2(c, w - 1.0)
    assert reference.evaluate(record(root, [w], []), [0.0], [])[0] == math.pi - 2.0 * math.pi


def test_a_node_that_was_overwritten_before_it_was_used_is_refused():
    w = Value(2.0)
    inside = w * 3.0
    inside.data = 7.0
    with pytest.raises(
        ValueError, match=r"was computed as 6\.0 by x \* y, and its data overwritten before it was used"
    ):
        record(inside + 1.0, [w], [])
    after = w * 3.0
    root = after + 1.0
    after.data = 9.0  # too late to matter
    assert reference.evaluate(record(root, [w], []), [2.0], [])[0] == 7.0


def test_what_a_parameter_or_an_input_was_used_as_is_not_asked():
    w, x = Value(2.0), Value(3.0)
    root = w * x
    for leaf, number in ((w, 5.0), (x, 7.0)):  # since the graph was built
        leaf.data = number
        assert reference.evaluate(record(root, [w], [x]), [w.data], [x.data]) == (w.data * x.data, [x.data])


def test_weights_that_were_overwritten_between_two_uses_are_constants_as_they_were_used():
    neuron, w = nn.Neuron(2, activation="identity", seed=0), Value(3.0)
    neuron.bias.data, (first, second) = 0.5, neuron.weights
    first.data, second.data = 2.0, 0.0
    before = neuron([w, 1.0])
    first.data, second.data, neuron.bias.data = 5.0, -0.0, 0.25
    root = before + 10.0 * neuron([w, 1.0])
    assert root.data == (2.0 * 3.0 + 0.5) + 10.0 * (5.0 * 3.0 + 0.25)
    assert reference.evaluate(record(root, [w], []), [3.0], []) == (root.data, [52.0])
    assert reference.evaluate(record(root, [w], []), [1.0], []) == (2.5 + 52.5, [52.0])


def test_a_graph_is_recorded_while_another_walk_has_the_marks():
    root, parameters, inputs = drawn(GRAPHS[1])
    expected = record(root, parameters, inputs)
    found = []
    with backward.marking() as may_mark:
        assert may_mark
        thread = threading.Thread(target=lambda: found.append(record(root, parameters, inputs)))
        thread.start()
        thread.join()
    assert found == [expected]
    root.backward()  # places are no marks of a walk


@pytest.mark.sampled
@pytest.mark.parametrize("seed", GRAPHS)
def test_no_graph_has_fewer_blocks_than_its_longest_chain(seed):
    recording = record(*drawn(seed))
    blocks = len(blocks_of(vectorize(canonicalize(recording)).bundles))
    assert repeats(recording, blocks)


def test_what_repeats_is_told_from_what_does_not():
    model = nn.MLP(2, [8, 8, 1], "tanh", seed=1)
    loss = ad.mean([(model([x, 0.5]) - x) ** 2 for x in (0.1 * i for i in range(20))])
    assert repeats(record(loss, model.parameters(), []), 20)
    w, x = Value(0.5), Value(1.0)
    h = x
    for _ in range(100):
        h = ad.tanh(w * h)
    assert not repeats(record(h, [w], [x]), 100)
    assert repeats(record(h, [w], [x]), 200)
    written_out = 0.0
    for i in range(100):  # one dot product
        written_out = written_out + Value(i) * w
    assert repeats(record(written_out, [w], []), 1)


LARGE = """
import random, resource, sys
from autodiff import Replay, Value
from autodiff.engine.backward import toposort

def chain(n):
    rng = random.Random(0)
    leaves = [Value(rng.uniform(-1, 1)) for _ in range(8)]
    latest = list(leaves)
    for k in range(n):
        i, j = rng.randrange(8), rng.randrange(8)
        x = latest[i]
        latest[j] = (x.tanh, x.relu, lambda: x + 0.1 * latest[j], lambda: x**2)[k % 4]()
    root = latest[0]
    for x in latest[1:]:
        root = root + x
    return root, leaves

Replay(*chain(100), backend="wasm").gradient()
root, leaves = chain(int(sys.argv[1]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
nodes = len(toposort(root)[0])
replay = Replay(root, leaves, backend="wasm")
loss, gradient = replay.gradient()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
root.backward()
assert loss == root.data or abs(loss / root.data - 1) < 1e-12
assert all(abs(g - leaf.grad) <= 1e-9 * abs(leaf.grad) + 1e-12 for g, leaf in zip(gradient, leaves))
print((peak - before) * 1024 / nodes)
"""


@pytest.mark.slow
def test_a_large_graph_is_replayed_in_so_many_bytes_a_node():
    pytest.importorskip("wasmtime", reason="the virtual machine runs in it")
    pytest.importorskip("resource", reason="the peak of memory is asked for")
    found = subprocess.run(
        [sys.executable, "-c", LARGE, "100000"], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert float(found.stdout) < 350.0
