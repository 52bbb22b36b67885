import math
import pickle
import subprocess
import sys
import threading

import pytest

import autodiff as ad
from autodiff import DomainError, Replay, ReplayError, Value, nn
from autodiff.engine import ops
from autodiff.replay import reference
from autodiff.replay.python import source

pytestmark = pytest.mark.usefixtures("left", "no_native")


def neuron():
    w, b = Value(0.5, label="w"), Value(-1.0, label="b")
    return ad.tanh(w * Value(4.0, label="x") + b), [w, b]


def test_the_gradient_is_that_of_backward():
    y, parameters = neuron()
    replay = Replay(y, parameters)
    y.backward()
    loss, gradient = replay.gradient()
    assert loss == y.data
    assert list(gradient) == pytest.approx([p.grad for p in parameters], rel=1e-15)


def test_backward_adds_to_the_gradients_as_the_eager_call_does():
    y, (w, b) = neuron()
    replay = Replay(y, [w, b])
    w.grad = 10.0
    assert replay.backward() == y.data
    first = w.grad
    replay.backward()
    assert first - 10 == pytest.approx(1.6798973686)  # 4 (1 - tanh(1)**2)
    assert w.grad - 10 == pytest.approx(2 * (first - 10))


def test_backward_reads_the_data_of_now():
    y, (w, b) = neuron()
    replay = Replay(y, [w, b])
    w.data = 0.25
    assert replay.backward() == 0.0
    assert (w.grad, b.grad) == (4.0, 1.0)
    assert list(replay.values) == [0.25, -1.0]


def test_values_can_be_written_to():
    y, parameters = neuron()
    replay = Replay(y, parameters)
    replay.values[0] = 0.25
    assert replay() == 0.0
    replay.values = [0.25, 1.0]
    assert replay() == math.tanh(2.0)
    assert parameters[0].data == 0.5  # the Values are not touched
    with pytest.raises(ValueError, match="values needs 2 numbers, one for each parameter, got 3"):
        replay.values = [1.0, 2.0, 3.0]


def test_a_gradient_is_the_callers_own():
    y, parameters = neuron()
    replay = Replay(y, parameters)
    _, first = replay.gradient()
    kept = list(first)
    replay.values[0] = 3.0
    replay.gradient()
    assert list(first) == kept


def test_a_small_formula_reads_like_a_derivation():
    y, parameters = neuron()
    y.label = "y"
    source = Replay(y, parameters).source
    _, gradient = source.split("def gradient(values):\n")
    assert gradient.splitlines() == [
        "    w, b = values",
        "    x = 4.0",
        "    v4 = w * x + b",
        "    y = tanh(v4)",
        "",
        "    d6 = sech(v4)",
        "    db = d6 * d6",
        "    dw = db * x",
        "    return y, [dw, db]",
    ]


def test_each_derivative_is_named_after_its_parameter_and_the_root_is_the_loss():
    a, b = Value(1.0, label="a"), Value(2.0, label="b")
    replay = Replay((a + b) ** 2 + a * Value(0.0), [a, b])
    assert replay.source.splitlines()[-1] == "    return loss, [da, db]"
    assert list(replay.gradient()[1]) == [6.0, 6.0]
    replay = Replay(a + b, [a, b])
    assert replay.source.splitlines()[-3:] == ["    da = 1.0", "    db = 1.0", "    return loss, [da, db]"]


@pytest.mark.parametrize(
    "label", ["import os", "x);raise SystemExit(", "exp", "class", "values", "é\n\u2028", "9", "_" * 500]
)
def test_labels_reach_the_source_as_names_and_inject_nothing(label):
    x, y = Value(2.0, label=label), Value(3.0, label=label)
    replay = Replay(ad.exp(x * y) + x, [x, y])
    loss, gradient = replay.gradient()
    assert loss == math.exp(6.0) + 2.0
    assert list(gradient) == pytest.approx([3 * math.exp(6) + 1, 2 * math.exp(6)], rel=1e-15)
    assert "SystemExit(" not in replay.source
    assert replay.source.isascii()  # Python takes some letters of other scripts for the same name
    assert max(map(len, replay.source.splitlines())) < 400


def test_constants_are_the_recorded_numbers():
    x, c = Value(3.0), Value(2.0)
    y = x * c
    c.data = 100.0
    assert Replay(y, [x]).gradient()[0] == 6.0


def test_a_leaf_that_was_overwritten_between_two_uses_counts_with_both_numbers():
    x, c = Value(3.0), Value(2.0)
    y = x * c
    c.data = 5.0
    loss, gradient = Replay(y + x * c, [x]).gradient()
    assert (loss, list(gradient)) == (21.0, [7.0])


def test_a_node_that_was_overwritten_inside_of_the_graph_is_refused():
    x = Value(3.0)
    for y in (x * 2, x * x):
        y.data = 7.0
        with pytest.raises(ValueError, match="overwritten before it was used"):
            Replay(y * 2, [x])


def test_operations_take_the_branch_of_the_new_numbers():
    x = Value(1.0)
    replay = Replay(ad.relu(x) + 10 * abs(x) + 100 * ad.maximum(x, 0.5) + 1000 * ad.clip(x, 0.0, 2.0), [x])
    replay.values[0] = -3.0
    loss, gradient = replay.gradient()
    assert (loss, list(gradient)) == (80.0, [-10.0])


@pytest.mark.parametrize(
    ("build", "at", "kind"),
    [
        (lambda x: ad.log(x), -1.0, DomainError),
        (lambda x: ad.exp(ad.log(x)), 0.0, DomainError),  # e**-inf would be a finite 0
        (lambda x: 1 / x, 0.0, ZeroDivisionError),
        (lambda x: ad.tanh(1 / x), 0.0, ZeroDivisionError),
        (lambda x: x**0.5, -1.0, DomainError),
        (lambda x: x**-1, 0.0, ZeroDivisionError),
        (lambda x: ad.sqrt(x), -1.0, DomainError),
        (lambda x: ad.acos(x), 2.0, DomainError),
        (lambda x: ad.sin(x * 1e308), 1e10, DomainError),
        (lambda x: ad.atan2(x, x - 1.0 + 1.0), 0.0, DomainError),
    ],
)
@pytest.mark.parametrize("batch", [False, True])
def test_outside_of_a_domain_the_eager_error_is_raised(build, at, kind, batch):
    x, p = Value(0.5, label="x"), Value(1.0)
    replay = Replay(build(x) * p, [p] if batch else [x, p], [x] if batch else [])
    with pytest.raises(kind) as eager:
        build(Value(at, label="x"))
    if not batch:
        replay.values[0] = at
    with pytest.raises(kind) as error:
        replay.gradient([[0.5], [at]] if batch else None)
    assert str(error.value) == str(eager.value)
    if batch:
        with pytest.raises(kind):
            replay([[at]])
        return
    x.data = at
    with pytest.raises(kind):
        replay.backward()
    assert (x.grad, p.grad) == (0.0, 0.0)


@pytest.mark.parametrize("batch", [False, True])
def test_overflow_follows_ieee_without_a_warning(batch):
    x, p = Value(1.0), Value(1.0)
    replay = Replay(ad.exp(x) + p, [p] if batch else [x, p], [x] if batch else [])
    if batch:
        assert replay.gradient([[1000.0]])[0] == math.inf
    else:
        replay.values[0] = 1000.0
        assert (replay.gradient()[0], list(replay.gradient()[1])) == (math.inf, [math.inf, 1.0])


def test_a_sum_is_never_minus_zero():
    x, p = Value(-2.0), Value(1.0)
    for zero in (ad.dot([ad.relu(x)], [-1.0]), ad.sum([ad.relu(x) * -1.0])):
        assert Replay(ad.atan2(zero, x) * p, [p, x])() == math.pi  # of -0.0 it would be -pi
        assert Replay(ad.atan2(zero, x) * p, [p], [x])() == math.pi


def test_a_branch_not_taken_passes_nothing_even_of_infinity():
    x, w = Value(-1.0), Value(1e200)
    y = ad.relu(x) * w * 1e200  # what comes in to the relu is 1e400
    y.backward()
    replay = Replay(y, [x, w])
    assert list(replay.gradient()[1]) == [x.grad, w.grad] == [0.0, 0.0]


ZEROS = {"sign": (ad.sign, 0.0), "heaviside": (ad.heaviside, 0.0), "x**0": (lambda x: x**0, math.nan)}


@pytest.mark.slow
@pytest.mark.parametrize(("row", "handed_on"), ZEROS.values(), ids=ZEROS)
@pytest.mark.parametrize("count", [1, 300])
def test_a_gradient_of_zero_meets_an_infinite_slope_as_in_backward(row, handed_on, count, left):
    p, q = Value(1.0), Value(0.0)
    replay = Replay(ad.sum([row(ad.sqrt(p * x)) + p + q for x in range(1, count + 1)]), [p, q])
    assert list(replay.gradient()[1]) == [count, count]
    replay.values[0] = 0.0
    slope, other = replay.gradient()[1]
    # sqrt has an infinite slope: times the 0 of a branch not taken that is nothing, times a computed 0 it is nan
    assert slope == pytest.approx(count + handed_on, nan_ok=True)
    assert other == count
    left.clear()  # the program leaves what is not finite to the eager engine, which knows the branch


def test_relu_of_nan_is_nan():
    x = Value(1.0)
    replay = Replay(ad.relu(x), [x])
    replay.values[0] = math.nan
    loss, gradient = replay.gradient()
    assert math.isnan(loss)
    assert math.isnan(gradient[0])


def test_verify_compares_every_result(monkeypatch):
    y, parameters = neuron()
    replay = Replay(y, parameters, verify=True)
    replay.values[0] = 0.3
    replay.gradient()
    right = replay._program.gradient
    monkeypatch.setattr(replay._program, "gradient", lambda values, rows: (right(values, rows)[0], [1.0, 2.0]))
    with pytest.raises(ReplayError, match=r"the derivative by parameter 0 is 1\.0 in the replay"):
        replay.gradient()


@pytest.mark.parametrize("batch", [None, [[1.0], [2.0]]])
def test_verify_compares_losses_without_a_gradient(monkeypatch, batch):
    p, x = Value(0.5), Value(1.0)
    replay = Replay(ad.tanh(p * x), [p], [x], verify=True)
    right = replay._program.loss
    assert replay(batch) == right(replay.values, replay._batch(batch))
    monkeypatch.setattr(replay._program, "loss", lambda values, rows: right(values, rows) + 1e-6)
    with pytest.raises(ReplayError, match="the loss is"):
        replay(batch)


def test_verify_sees_a_finite_answer_where_the_eager_one_is_not(monkeypatch):
    q = Value(1.0)
    replay = Replay(ad.sqrt(q), [q], verify=True)
    monkeypatch.setattr(replay._program, "gradient", lambda values, rows: (0.0, [1.0]))
    replay.values[0] = 0.0
    with pytest.raises(ReplayError, match=r"the derivative by parameter 0 is 1\.0 in the replay, inf computed eagerly"):
        replay.gradient()


def test_a_large_constant_in_a_branch_not_taken_hides_no_error(monkeypatch):
    q = Value(2.0)
    replay = Replay(ad.minimum(q * q, 1e30), [q], verify=True)
    assert replay.gradient()[0] == 4.0
    for wrong in [(4.001, [4.0]), (4.0, [4.001])]:
        monkeypatch.setattr(replay._program, "gradient", lambda values, rows, wrong=wrong: wrong)
        with pytest.raises(ReplayError):
            replay.gradient()


def test_a_program_that_is_wrong_is_refused():
    y, parameters = neuron()
    replay = Replay(y, parameters)

    class Wrong:
        def gradient(self, values, rows):
            loss, gradient = replay._program.gradient(values, rows)
            return loss + 1e-6, gradient

        loss = replay._program.loss

    with pytest.raises(ReplayError, match=r"the loss is 0\.\d+ in the replay, 0\.\d+ computed eagerly"):
        reference.check(Wrong(), replay._recording, replay.values, [[]])


def test_a_program_that_is_wrong_is_refused_where_the_recorded_point_is_not_finite():
    q = Value(0.0)
    replay = Replay(ad.sqrt(q) + q, [q])  # its derivative is infinite
    right = replay._program.gradient

    class Wrong:
        def gradient(self, values, rows):
            loss, gradient = right(values, rows)
            return loss + 1e-3, gradient

        loss = replay._program.loss

    with pytest.raises(ReplayError, match=r"the loss is"):
        reference.check(Wrong(), replay._recording, replay.values, [[]])


@pytest.mark.parametrize("backend", ["python", "arrays", "wasm", "llvm"])
@pytest.mark.parametrize("what", ["gradient", "loss"])
def test_a_program_that_never_answers_is_refused(backend, what, monkeypatch):
    """The eager engine would answer in its place, rightly and slowly, and nobody would see the fault."""
    pytest.importorskip({"wasm": "wasmtime", "llvm": "llvmlite"}.get(backend, "autodiff"), reason="a back end")
    pytest.importorskip("math" if backend == "python" else "numpy", reason="arrays and loop nests")
    p = [Value(0.1 * k) for k in range(1, 9)]
    loss = ad.mean([ad.tanh(ad.dot(p, [math.sin(i * k) for k in range(8)])) for i in range(40)])
    made = type(Replay(loss, p, backend=backend)._program)
    right = getattr(made, what)
    nothing = {"gradient": lambda self, *where: (math.nan, right(self, *where)[1]), "loss": lambda *where: math.nan}
    monkeypatch.setattr(made, what, nothing[what])
    with pytest.raises(ReplayError, match="the replay has no finite answer, though all numbers are finite"):
        Replay(loss, p, backend=backend)


@pytest.mark.parametrize("backend", ["python", "arrays", "wasm", "llvm"])
def test_an_infinite_slope_in_a_branch_never_taken_is_left_to_the_eager_engine(backend, left):
    """A program makes nan of it, times 0: that is no fault, and no reason to refuse the graph."""
    pytest.importorskip({"wasm": "wasmtime", "llvm": "llvmlite"}.get(backend, "autodiff"), reason="a back end")
    pytest.importorskip("math" if backend == "python" else "numpy", reason="arrays and loop nests")
    p = [Value(float(k)) for k in range(1, 65)]
    replay = Replay(ad.sum([a * ad.maximum(a, ad.sqrt(a - a)) for a in p]), p, backend=backend)
    loss, gradient = replay.gradient()
    assert (loss, list(gradient)) == (sum([k * k for k in range(1, 65)]), [2.0 * k for k in range(1, 65)])
    assert (replay.report().is_compared, replay.report().eager_answers) == (False, len(left)) == (False, 1)
    left.clear()


def test_a_form_that_always_raises_is_refused(monkeypatch):
    monkeypatch.setitem(source.FLOATS, ops.TANH, "{x} / 0.0")  # which looks as if it were outside of a domain
    q = Value(0.5)
    with pytest.raises(ReplayError, match="the replay has no finite answer"):
        Replay(ad.tanh(q), [q], backend="python")


def test_a_loss_that_is_wrong_only_without_its_gradient_is_refused(monkeypatch):
    q = Value(0.5)
    replay = Replay(ad.tanh(q), [q])
    monkeypatch.setattr(type(replay._program), "loss", lambda self, *where: 0.5)
    with pytest.raises(ReplayError, match=r"the loss is 0\.5 in the replay, 0\.46"):
        Replay(ad.tanh(q), [q])


def test_the_report_says_where_there_was_nothing_to_compare():
    q = Value(800.0)
    replay = Replay(ad.exp(q) * q, [q])
    assert not replay.report().is_compared
    assert "with nothing to compare: numbers or slopes are not finite here" in str(replay.report())
    q.data = 1.0
    assert Replay(ad.exp(q) * q, [q]).report().is_compared


def test_the_report_counts_what_the_eager_engine_has_to_answer():
    q = Value(1.0)
    replay = Replay(ad.exp(q) * q, [q])
    assert replay() == replay.gradient()[0] == pytest.approx(math.e)
    assert replay.report().eager_answers == 0
    assert "eagerly" not in str(replay.report())
    q.data = 800.0
    assert replay.backward() == q.grad == math.inf
    replay.fit(nn.SGD([q], lr=0.0), 2)
    assert replay.report().eager_answers == 3
    assert "eagerly       3 answers so far" in str(replay.report())


def test_what_overflows_in_another_order_alone_is_no_disagreement(left):
    pytest.importorskip("numpy", reason="lanes are added in another order")
    q = Value(1.0)
    terms = [term for k in range(1, 41) for term in (ad.exp(q * (700.0 + k / 5)), -ad.exp(1.0 * q * (700.0 + k / 5)))]
    replay = Replay(ad.sum([*terms, q]), [q], backend="arrays")
    assert math.isnan(replay._program.gradient(replay.values, [[]])[0])
    assert not replay.report().is_compared
    assert replay() == 1.0
    left.clear()


def test_rounding_at_a_kink_is_no_disagreement():
    w = [Value(x) for x in (0.1, 0.2, -0.3)]
    rows = [[1.0, 1.0, 1.0]] * 30  # 0.1 + 0.2 - 0.3 is 0, or 5e-17 in another order
    loss = ad.sum([ad.relu(ad.dot(w, row)) for row in rows])
    assert abs(Replay(loss, w)()) < 1e-12


def test_a_batch_is_the_mean_over_its_samples():
    w, b, x, t = Value(0.5), Value(0.1), Value(0.0), Value(0.0)
    replay = Replay((ad.tanh(w * x + b) - t) ** 2 + 0.01 * w * w, [w, b], [x, t])
    rows = [[0.3, 1.0], [-0.7, 0.0], [2.0, 0.5]]
    total = ad.mean([(ad.tanh(w * x + b) - t) ** 2 + 0.01 * w * w for x, t in rows])
    total.backward()
    loss, gradient = replay.gradient(rows)
    assert loss == pytest.approx(total.data, rel=1e-14)
    assert list(gradient) == pytest.approx([w.grad, b.grad], rel=1e-13)
    assert replay(rows) == loss
    w.zero_grad()
    b.zero_grad()
    x.data, t.data = rows[0]
    assert replay.backward() == pytest.approx(((ad.tanh(w * x + b) - t) ** 2 + 0.01 * w * w).data, rel=1e-14)


def test_a_mean_over_samples_has_the_same_bits_on_every_python():
    w, x = Value(1.0), Value(1.0)
    replay = Replay(w * x, [w], [x], backend="python")
    loss, gradient = replay.gradient([[1e16], [1.0], [-1e16]])
    assert (loss, list(gradient)) == (0.0, [0.0])  # by +, from left to right; the sum of Python 3.12 is 1


def test_a_batch_must_fit():
    w, x = Value(0.5), Value(0.0)
    replay = Replay(w * x, [w], [x])
    for wrong, kind, message in [
        ([], ValueError, "a row for each sample and 1 columns, got 0 rows"),
        ([[]], ValueError, "got 1 rows of"),
        ([[1.0, 2.0]], ValueError, "got 1 rows of"),
        ([1.0], TypeError, "a sample of a batch must be a row of 1 numbers, got float"),
        (5, TypeError, "a batch must be samples as rows, got int"),
        ("1", TypeError, "a batch must be samples as rows, got str"),
        ([[None]], TypeError, "expected one real number"),
    ]:
        with pytest.raises(kind, match=message):
            replay.gradient(wrong)
    with pytest.raises(ValueError, match="no inputs that a batch could give"):
        Replay(w * w, [w]).gradient([[1.0]])


def test_what_cannot_be_replayed_is_refused():
    x = Value(1.0)
    y = x * 2
    with pytest.raises(TypeError, match="loss must be a Value, got float"):
        Replay(1.0, [x])
    with pytest.raises(TypeError, match="parameters must be Values, got float"):
        Replay(y, [1.0])
    for wrong, name in [(5, "int: 5"), (None, "NoneType: None"), (nn.MLP, "type: ")]:
        with pytest.raises(TypeError, match=f"parameters must be several Values, such as a list of them, got {name}"):
            Replay(y, wrong)
    with pytest.raises(TypeError, match=r"values must be several numbers, such as a list of them, got float: 2\.0"):
        Replay(y, [x]).values = 2.0
    for wrong in ("sgd", None, nn.SGD):
        with pytest.raises(TypeError, match=r"optimizer must be one of nn, such as nn\.SGD\(.*\), got"):
            Replay(y, [x]).fit(wrong, 1)
    with pytest.raises(ValueError, match="parameters must be leaves"):
        Replay(y, [y])
    with pytest.raises(ValueError, match="parameters is empty"):
        Replay(y, [])
    with pytest.raises(ValueError, match="given twice"):
        Replay(y, [x], [x])
    with pytest.raises(ValueError, match="depends on none of the parameters"):
        Replay(y, [Value(1.0)])


def test_a_leaf_is_its_own_loss():
    x = Value(2.0)
    replay = Replay(x, [x, Value(1.0)])
    assert (replay.gradient()[0], list(replay.gradient()[1])) == (2.0, [1.0, 0.0])


def test_parameters_that_the_loss_does_not_depend_on_keep_their_gradient():
    x, other = Value(2.0), Value(1.0)
    Replay(x * x, [x, other]).backward()
    assert "grad" not in repr(other)
    assert x.grad == 4.0


def test_a_pickled_replay_takes_its_parameters_along():
    model = nn.MLP(2, [8, 1], "tanh", seed=0)
    replay = Replay(nn.squared_error(model([0.5, -0.5]), 1.0), model)
    other_model, other = pickle.loads(pickle.dumps((model, replay)))
    assert other.gradient()[0] == replay.gradient()[0]
    other_model.parameters()[0].data = 5.0
    other.backward()
    assert other.values[0] == 5.0
    assert replay.values[0] != 5.0


def test_a_pickled_replay_loads_whatever_its_numbers_are_by_now():
    q, x = Value(1.0), Value(1.0)
    replay = Replay(ad.log(q * x), [q], [x])
    replay.values[0] = -1.0
    other = pickle.loads(pickle.dumps(replay))
    assert other.values[0] == -1.0
    with pytest.raises(DomainError):
        other.gradient()


def test_threads_do_not_disturb_each_other():
    model = nn.MLP(2, [8, 8, 1], "tanh", seed=0)
    x = [Value(0.0), Value(0.0)]
    replay = Replay(nn.squared_error(model(x), 1.0), model, x)
    batches = [[[i / 10, j / 10] for j in range(10)] for i in range(8)]
    expected = [list(replay.gradient(batch)[1]) for batch in batches]
    wrong = []

    def work(batch, gradient):
        for _ in range(50):
            if list(replay.gradient(batch)[1]) != gradient:
                wrong.append(batch)

    threads = [threading.Thread(target=work, args=pair) for pair in zip(batches, expected, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize(
    ("lacks", "kind"), [(("numpy", "wasmtime"), "floats"), (("numpy",), "wasm")], ids=["the core alone", "wasmtime"]
)
def test_without_numpy_what_is_left_does_it(lacks, kind):
    if kind == "wasm":
        pytest.importorskip("wasmtime", reason="it runs the loop nests")
    code = f"""
import sys
sys.modules.update(dict.fromkeys({lacks!r}))
from autodiff import Replay, Value, nn
model = nn.MLP(2, [4, 1], "tanh", seed=0)
x = [Value(0.3), Value(0.1)]
replay = Replay(nn.squared_error(model(x), 1.0), model, x)
loss, gradient = replay.gradient([[0.3, 0.1], [-0.2, 0.5]])
direct = [nn.squared_error(model(row), 1.0) for row in ([0.3, 0.1], [-0.2, 0.5])]
total = sum(direct) * 0.5
total.backward()
assert abs(loss - total.data) < 1e-15
assert all([abs(a - p.grad) < 1e-14 for a, p in zip(gradient, model.parameters(), strict=True)])
optimizer = nn.Adam(model.parameters(), lr=0.01)
assert replay.fit(optimizer, 30)[-1] < loss
history = nn.fit(model, nn.data.moons(20), "binary_cross_entropy", optimizer, epochs=20, batch_size=5, replay=True)
assert history.epoch_loss[-1] < history.epoch_loss[0]
print(replay.report().kind)
"""
    result = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (result.stdout, result.stderr) == (f"{kind}\n", "")
