"""What a graph becomes: what is recorded of it, which program that is, how it reads, and what the program answers."""

import gc
import math
import threading

import pytest

import autodiff as ad
from autodiff import DomainError, Replay, ReplayError, Value, nn
from autodiff.replay import Samples, compile, reference, vector
from autodiff.replay.python import floats

pytestmark = pytest.mark.usefixtures("left", "no_native")


# What is recorded.


def test_what_depends_on_constants_alone_is_computed_no_more():
    w = Value(2.0)
    replay = Replay(w * ad.exp(ad.sin(Value(0.5)) * 2.0), [w])
    assert replay.report().operations == 1
    assert replay() == 2.0 * math.exp(math.sin(0.5) * 2.0)
    assert repr(replay) == "<Replay of 1 operations, 1 parameters, 0 inputs>"


def test_a_constant_that_was_zero_and_then_minus_zero_is_two():
    c, x = Value(0.0), Value(-1.0)
    above = ad.atan2(c, x)
    c.data = -0.0
    assert Replay(above + 2.0 * ad.atan2(c, x), [x])() == math.pi - 2.0 * math.pi


def test_parameters_and_inputs_may_have_changed_since_the_graph_was_built():
    w, x = Value(3.0), Value(2.0)
    y = w * w * x
    w.data, x.data = 5.0, 10.0
    replay = Replay(y, [w], [x])
    assert (replay.gradient()[0], list(replay.gradient()[1])) == (250.0, [100.0])


def test_a_graph_of_nan_replays_at_numbers(kind):
    w = Value(math.nan)
    replay = Replay(ad.sin(w * 2.0) * 3.0 + (w * 2.0) * 3.0, [w])
    replay.values[0] = 0.0
    assert (replay.gradient()[0], list(replay.gradient()[1])) == (0.0, [12.0])


def test_a_graph_whose_leaves_are_outside_of_a_domain_by_now_is_refused():
    x = Value(2.0, label="x")
    y = ad.log(x)
    x.data = -1.0
    with pytest.raises(DomainError, match=r"log\(x\) is undefined at x = -1\.0 \('x'\)"):
        Replay(y, [x])


# How it is checked.


@pytest.mark.parametrize(("off", "refused"), [(3e-9, True), (-3e-9, True), (1e-10, False)])
@pytest.mark.parametrize("what", ["loss", "first", "last"])
def test_a_program_may_differ_from_the_eager_engine_by_rounding_alone(off, refused, what):
    w, b = Value(0.5), Value(-1.0)
    replay = Replay(ad.tanh(w * 4.0 + b), [w, b])

    class Wrong:
        def gradient(self, values, rows):
            loss, gradient = replay._program.gradient(values, rows)
            gradient = list(gradient)
            if what == "loss":
                return loss * (1 + off), gradient
            gradient[0 if what == "first" else 1] *= 1 + off
            return loss, gradient

        loss = replay._program.loss

    def check():
        reference.check(Wrong(), replay._recording, replay.values, [[]])

    if refused:
        with pytest.raises(ReplayError):
            check()
    else:
        check()


@pytest.mark.parametrize("make", [lambda y, p: Replay(y, [p]), lambda y, p: Samples([y], [p], vector([0.5]))])
def test_each_program_is_checked_before_it_is_used(make, monkeypatch):
    right = floats.Floats.gradient
    p = Value(0.5)
    make(ad.sin(p), p)
    monkeypatch.setattr(floats.Floats, "gradient", lambda self, *where: (right(self, *where)[0], [1.0]))
    with pytest.raises(ReplayError, match=r"the derivative by parameter 0 is 1\.0 in the replay, 0\.877"):
        make(ad.sin(p), p)


# Which program, and how it reads.


@pytest.mark.slow
def test_a_program_is_on_arrays_where_that_gains_and_on_floats_where_it_is_small_or_cut_up(monkeypatch):
    pytest.importorskip("numpy", reason="arrays need NumPy")
    w, x = Value(0.5), Value(0.25)

    def kind(count, inputs):
        loss = ad.sum([ad.sin(w * x * k) for k in range(1, count + 1)])
        return Replay(loss, [w], inputs).report().kind

    assert (kind(2, []), kind(500, []), kind(500, [x])) == ("floats", "arrays", "arrays")
    assert kind(4, [x]) == "arrays"  # a batch has many samples
    monkeypatch.setattr(compile, "MAX_BLOCKS", 2)
    assert kind(501, []) == "floats"


@pytest.mark.parametrize("enabled", [True, False])
def test_the_garbage_collector_is_left_as_it_was(enabled, monkeypatch):
    w = Value(1.0)
    collecting = []

    def spy(recording):
        collecting.append(gc.isenabled())
        raise RuntimeError

    monkeypatch.setitem(compile.BACKENDS, "auto", spy)
    was = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        with pytest.raises(RuntimeError):
            Replay(w * w, [w])
        assert gc.isenabled() == enabled
    finally:
        (gc.enable if was else gc.disable)()
    assert collecting == [False]


def test_the_report_counts_what_runs():
    w, b = Value(0.5, label="w"), Value(-1.0, label="b")
    report = Replay(ad.tanh(w * Value(4.0, label="x") + b), [w, b]).report()
    assert str(report).splitlines()[:6] == [
        "graph         3 operations, 2 parameters, 0 inputs",
        "program       on floats: 3 instructions forward, 3 reverse",
        "lanes         none",
        "layers        none",
        "remainder     3 instructions on single numbers",
        "memory        416 bytes",  # 32 each: two parameters and their gradient, three leaves, six instructions
    ]


def test_the_report_of_a_network_counts_batches_layers_and_what_is_left():
    pytest.importorskip("numpy", reason="layers need NumPy")
    model = nn.MLP(2, [8, 8, 1], "tanh", seed=0)
    x = [Value(0.1), Value(0.2)]
    replay = Replay(nn.squared_error(model(x), 1.0), model, x)
    report = replay.report()
    assert (report.kind, report.parameters, report.inputs) == ("arrays", 105, 2)
    assert (report.lanes, report.layers) == (("batch",), ((8, 2), (8, 8), (1, 8)))
    assert report.remainder == 2  # the sum over the batch, and its division
    assert report.operations == 35  # 17 neurons, 16 of them with a tanh, and the squared error's two
    assert "lanes         batch\nlayers        8 x 2, 8 x 8, 1 x 8\n" in str(report)


def test_a_number_takes_eight_bytes_on_arrays():
    pytest.importorskip("numpy", reason="arrays need NumPy")
    w = Value(0.5)
    report = Replay(ad.sum([ad.sin(w * x) for x in range(1000)]), [w]).report()
    assert report.kind == "arrays"
    wide = 6  # the data, their products with w, the sines, these as rows, the cosines, and their products with the data
    assert wide * 8000 < report.memory < (wide + 1) * 8000


def test_what_is_written_twice_is_computed_once():
    a, b = Value(0.5), Value(2.0)
    replay = Replay(ad.tanh(a * b) + ad.sin(a * b) + 2.0 * ad.tanh(a * b), [a, b])
    assert replay.report().forward == 6  # a b, its tanh and its sine, twice the tanh, two sums
    assert replay.source.count("a * b") + replay.source.count("p0 * p1") == 2  # in each of the two functions


def test_constants_of_one_number_are_told_apart_by_their_labels():
    w, x, y = Value(0.5, label="w"), Value(4.0, label="x"), Value(4.0, label="y")
    source = Replay(w * x + ad.sin(w * y) + w * 4.0, [w]).source
    for line in ("x = 4.0", "y = 4.0", "w * x", "w * y", "w * 4.0"):
        assert line in source


def test_one_gradient_of_several_nodes_has_the_label_that_is_nearest_to_the_loss():
    a, b, c, d = [Value(x) for x in (0.3, 0.5, -0.2, 0.1)]
    t = a * b
    u = t + c
    t.label, u.label = "t", "u"
    source = Replay(ad.tanh(u + d), [a, b, c, d]).source
    assert "du = " in source
    assert "dt = " not in source


LABELS = [
    "forward",
    "gradient",
    "values",
    "registers",
    "reverse",
    "program",
    "theta",
    "dtheta",
    "batch",
    "np",
    "arrays",
]
LABELS += [
    "defined",
    "put_rows",
    "put_lanes",
    "stack",
    "places",
    "sum",
    "len",
    "dot",
    "exp",
    "sech",
    "inf",
    "math",
    "v4",
]


@pytest.mark.sampled
@pytest.mark.parametrize("label", LABELS)
def test_a_label_hides_no_name_of_the_program(label, kind):
    w, b, x = Value(0.5, label=label), Value(0.25, label=label), Value(2.0, label=label)
    y = ad.exp(w * x + b)
    y.label = label
    loss = y * y + ad.dot([w, b, x], [x, y, y])
    replay = Replay(loss, [w, b], [x])
    loss.backward()
    found, gradient = replay.gradient()
    assert replay.report().kind == kind
    assert found == pytest.approx(loss.data, rel=1e-14)
    assert list(gradient) == pytest.approx([w.grad, b.grad], rel=1e-14)
    assert replay([[2.0], [2.0]]) == pytest.approx(found, rel=1e-15)


# What it answers.


def test_a_gradient_is_the_callers_own_and_the_vector_of_values_too(kind):
    w = [Value(0.1 * i) for i in range(4)]
    replay = Replay(ad.sum([x * x for x in w]), w)
    given = vector([1.0, 2.0, 3.0, 4.0])
    replay.values = given
    _, first = replay.gradient()
    given[0] = 9.0
    replay.values[1] = 7.0
    _, second = replay.gradient()
    assert list(first) == [2.0, 4.0, 6.0, 8.0]
    assert list(second) == [2.0, 14.0, 6.0, 8.0]


def test_each_thread_has_a_gradient_of_its_own(kind):
    w, x = [Value(0.5), Value(2.0)], Value(1.0)
    replay = Replay(w[0] * w[1] * x, w, [x])
    _, gradient = replay._program.gradient(replay.values, replay._batch([[1.0]]))
    thread = threading.Thread(target=replay.gradient, args=([[7.0]],))
    thread.start()
    thread.join()
    assert list(gradient) == [2.0, 0.5]


@pytest.mark.parametrize(
    "loss",
    [
        lambda w, x: ad.tanh(w[0] * x) ** 2,
        lambda w, x: ad.sum([p * p for p in w]),
        lambda w, x: ad.max([p * p for p in w]) * ad.logsumexp([ad.sin(p) for p in w]) * x,
        lambda w, x: ad.dot(w, w),
        lambda w, x: w[1],
    ],
)
def test_numbers_are_python_floats(loss, kind):
    w, x = [Value(0.1 * i + 0.1) for i in range(5)], Value(2.0)
    replay = Replay(loss(w, x), w, [x])
    optimizer = nn.SGD(w, lr=0.1, momentum=0.9)
    losses = [replay(), replay([[1.0], [2.0]]), replay.gradient()[0], replay.backward(), *replay.fit(optimizer, 2)]
    numbers = [*losses, *[number for p in w for number in (p.data, p.grad)], *[m for (m,) in optimizer.state]]
    assert {type(number) for number in numbers} == {float}


def test_large_gradients_are_the_programs_own(kind):
    w, b = Value(0.5), Value(2.0)
    loss, gradient = Replay(w * 1e200 + b, [w, b]).gradient()
    assert (loss, list(gradient)) == (5e199, [1e200, 1.0])


@pytest.mark.parametrize("label", ["", "registers", "part_1"])
def test_a_program_in_parts_takes_batches(label, monkeypatch, kind):
    monkeypatch.setattr(floats, "MAX_LINES", 3)
    w, b, x, t = Value(0.5, label), Value(0.25), Value(1.0, label), Value(2.0)
    replay = Replay((ad.tanh(ad.sin(w * x) + b * t) - t) ** 2 + x, [w, b], [x, t])
    rows = [[0.3, 1.0], [-0.7, 0.0], [2.0, 0.5]]
    eager = ad.mean([(ad.tanh(ad.sin(w * x) + b * t) - t) ** 2 + x for x, t in rows])
    eager.backward()
    loss, gradient = replay.gradient(rows)
    assert replay(rows) == pytest.approx(eager.data, rel=1e-14) == pytest.approx(loss)
    assert list(gradient) == pytest.approx([w.grad, b.grad], rel=1e-13)


def test_a_batch_of_a_loss_that_depends_on_no_input_is_that_loss(kind):
    w, b, x = Value(0.5), Value(2.0), Value(1.0)
    replay = Replay(w * w + b, [w, b], [x])
    loss, gradient = replay.gradient([[1.0], [2.0], [3.0]])
    assert (loss, list(gradient)) == (2.25, [1.0, 1.0])


@pytest.mark.parametrize("cost", [-1.0, math.inf], ids=["arrays", "floats"])
def test_a_batch_may_be_an_array_of_any_real_numbers(cost, monkeypatch):
    np = pytest.importorskip("numpy", reason="arrays need NumPy")
    monkeypatch.setattr(compile, "BLOCK_TIME", cost)
    w, x, t = Value(3.0), Value(0.0), Value(0.0)
    replay = Replay((w * x - t) ** 2, [w], [x, t])
    for dtype in (float, np.float32, int, np.uint8, bool):
        assert replay(np.array([[1, 1], [1, 0]], dtype)) == 6.5
    shape = "a batch needs a row for each sample and 2 columns, got "
    for wrong in ([1.0, 2.0], [[[1.0, 2.0]]], [[1.0]], [[1.0, 2.0, 3.0]], [[]], np.zeros((0, 2))):
        with pytest.raises((TypeError, ValueError), match=f"{shape}|must be a row of 2 numbers|expected one real"):
            replay(np.array(wrong))
    for wrong in ([[1j, 1.0]], [["1", "2"]]):
        with pytest.raises(TypeError, match="expected one real number"):
            replay(np.array(wrong))


def test_labels_that_are_the_programs_own_names_are_told_apart_from_them(kind):
    labels = [f"v{i}" for i in range(60, 90)] + [f"d{i}" for i in range(160, 190)]  # of registers behind the leaves
    leaves = [Value(0.1 + 0.03 * i, label) for i, label in enumerate(labels)]
    root = ad.sum([ad.tanh(x * y) * x for x, y in zip(leaves, leaves[5:], strict=False)])
    root.backward()
    loss, gradient = Replay(root, leaves).gradient()
    assert loss == pytest.approx(root.data, rel=1e-13)
    assert list(gradient) == pytest.approx([leaf.grad for leaf in leaves], rel=1e-12)


def test_a_short_sum_reads_as_a_person_would_write_it():
    leaves = [Value(1.0, name) for name in "abc"]
    assert "a + b + c" in Replay(ad.sum(leaves), leaves).source
