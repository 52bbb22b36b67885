"""What `backend="auto"` takes: what is here, can run the graph and suits its sizes; and how the report tells it."""

import math
import random
import subprocess
import sys
from importlib.util import find_spec

import pytest

import autodiff as ad
from autodiff import Replay, Value, nn
from autodiff.engine import ops
from autodiff.replay import choice, compile
from autodiff.replay.choice import Fastest, Work, work
from autodiff.replay.rules.symbolic import Unwritable

pytestmark = pytest.mark.usefixtures("left")


def network(layers, activation="tanh", **options):
    model = nn.MLP(layers[0], layers[1:], activation, seed=1)
    x = [Value(0.1) for _ in range(layers[0])]
    outputs = model(x)
    loss = outputs**2 if isinstance(outputs, Value) else nn.cross_entropy(outputs, 1)
    return Replay(loss, model, x, **options), model


def chain(length):
    x = y = Value(0.5)
    for _ in range(length):
        y = ad.sin(y) + x * y
    return Replay(y, [x])


def told(replay):
    return dict(replay.report().backends)


@pytest.fixture
def absent(monkeypatch):
    """Let modules seem not to be installed."""

    def without(*modules):
        here = choice.find_spec
        monkeypatch.setattr(choice, "find_spec", lambda name: None if name in modules else here(name))
        if "numpy" in modules:
            monkeypatch.setitem(sys.modules, "numpy", None)

    return without


def test_the_work_of_a_network_is_counted():
    pytest.importorskip("numpy", reason="layers need NumPy")
    replay, _ = network([5, 3, 2], "relu")
    for samples in (1, 10):
        its = work(replay._program.tape, samples)
        # 5 x 3 and 3 x 2 weights: forward, by the weights, and by what the second layer is given
        assert its.products == pytest.approx(2 * samples * (2 * (15 + 6) + 6))
        assert 3 * samples < its.elements < 100 * samples
    assert (
        Work(2, 3e6, 4000, 5000).time(choice.Cost(1.0, 10.0, 100.0, 1000.0, 10_000.0)) == 1 + 20 + 300 + 4000 + 50_000
    )


@pytest.mark.slow
def test_small_products_go_to_loop_nests_and_large_ones_to_arrays():
    pytest.importorskip("numpy", reason="arrays need NumPy")
    small, model = network([4, 8, 8, 1])
    large, _ = network([64, 256, 256, 10])
    assert (small.report().kind, large.report().kind) == ("wasm", "arrays")
    (_, first), (start, second) = small._program.ranges()
    assert (first, second) == ("wasm", "arrays")
    rng = random.Random(0)
    rows = [[rng.uniform(-1, 1) for _ in range(4)] for _ in range(start + 1)]
    for size in (1, start - 1, start, start + 1):
        assert small._program.program(size).kind == ("wasm" if size < start else "arrays")
        loss, gradient = small.gradient(rows[:size])
        expected, slopes = (
            Replay(model([Value(x) for x in rows[0]]) ** 2, model, [], backend="python").gradient()
            if size == 1
            else network([4, 8, 8, 1], backend="python")[0].gradient(rows[:size])
        )
        assert loss == pytest.approx(expected, rel=1e-13)
        assert list(gradient) == pytest.approx(list(slopes), rel=1e-11, abs=1e-15)
    assert told(small)["wasm"].endswith(
        f"for a batch of 32: taken for batches of 1 to {start - 1}" + fit_of(small, "wasm")
    )
    assert f": taken for batches from {start} on" in told(small)["arrays"]
    assert "us for a batch of 32" in told(small)["python"]


def fit_of(replay, name):
    """What is told of steps, which are made in loop nests up to larger sizes."""
    (_, _), (start, _) = replay._program.ranges(steps=True)
    return f"; in fit taken for batches of 1 to {start - 1}" if name == "wasm" else ""


def test_long_chains_go_to_the_virtual_machine_and_short_ones_to_python():
    pytest.importorskip("wasmtime", reason="it runs the virtual machine")
    short, long = chain(20), chain(500)
    assert (short.report().kind, long.report().kind) == ("floats", "wasm")
    assert told(short)["python"] == "about 14 us: taken"
    assert told(long)["wasm"] == "about 68 us by its virtual machine: taken"
    assert ("too little is alike" if find_spec("llvmlite") else "needs llvmlite") in told(long)["llvm"]
    rounding = long.report().rounding
    assert "rounded by itself" in rounding
    assert "same bits on every machine" in rounding


def test_what_is_not_installed_is_not_taken_and_the_report_tells_how_it_is(absent):
    pytest.importorskip("numpy", reason="arrays need NumPy")
    absent("wasmtime", "llvmlite")
    replay, _ = network([4, 8, 8, 1])
    assert replay.report().kind == "arrays"
    assert told(replay)["wasm"] == "needs wasmtime: pip install wasmtime"
    assert told(replay)["llvm"] == "needs llvmlite: pip install 'autodiff-scalar[native]'"
    assert chain(500).report().kind == "floats"
    for backend in ("wasm", "llvm"):
        with pytest.raises(
            ImportError, match=f'backend="{backend}" needs {"wasmtime" if backend == "wasm" else "llvm"}'
        ):
            network([4, 8, 1], backend=backend)


def test_without_numpy_there_is_python_and_the_virtual_machine(absent):
    absent("numpy")
    replay, _ = network([4, 8, 8, 1])
    assert replay.report().kind in ("floats", "wasm")
    assert told(replay)["arrays"] == "needs NumPy: pip install 'autodiff-scalar[replay]'"
    with pytest.raises(ImportError, match='backend="arrays" needs NumPy'):
        network([4, 8, 1], backend="arrays")


def test_what_a_back_end_cannot_run_is_left_to_the_next_and_told(monkeypatch):
    pytest.importorskip("numpy", reason="arrays need NumPy")

    def refuse(tape, target):
        raise Unwritable("tanh(x)")

    monkeypatch.setattr(choice, "Nested", refuse)
    replay, _ = network([4, 8, 8, 1])
    assert replay.report().kind == "arrays"
    assert told(replay)["wasm"] == "cannot run tanh(x)"
    assert told(replay)["arrays"].endswith("for a batch of 32: taken")


def test_an_operation_of_ones_own_is_run_by_its_python_and_the_rest_on_arrays(absent):
    pytest.importorskip("numpy", reason="arrays need NumPy")
    own = ops.Op("own", lambda x: x * x, lambda out, x: (2.0 * x,), "own({x})")
    w = Value(0.5)
    loss = ad.sum([own(ad.tanh(w * k)) for k in range(200)])
    replay = Replay(loss, [w])
    assert replay.report().kind == "arrays"
    for name in ("llvm", "wasm"):
        assert told(replay)[name] == "cannot run own(x), which is not in the table"
    assert told(replay)["arrays"].endswith(": taken")
    for backend in ("wasm", "llvm"):
        if not choice.lacking(backend):
            with pytest.raises(ValueError, match=r'cannot run own\(x\), which is not in the table: take "auto"'):
                Replay(loss, [w], backend=backend)
    absent("numpy")
    replay = Replay(loss, [w])
    assert replay.report().kind == "floats"
    assert told(replay)["wasm"] == "cannot run own(x), which is not in the table"


def test_a_back_end_that_is_asked_for_is_told_and_what_runs_in_its_place():
    assert told(network([2, 3, 1], backend="python")[0]) == {"python": "was asked for"}
    pytest.importorskip("llvmlite", reason="it makes machine code")
    x = Value(0.5)
    replay = Replay(ad.sin(x), [x], backend="llvm")
    assert replay.report().kind == "wasm"
    assert (
        told(replay)["llvm"]
        == "was asked for, but gains nothing, as too little is alike to be put side by side: wasm runs it"
    )


def test_with_everything_installed_llvm_is_taken(monkeypatch):
    pytest.importorskip("llvmlite", reason="it makes machine code")
    pytest.importorskip("numpy", reason="it reads and writes arrays")
    monkeypatch.undo()
    replay, _ = network([3, 4, 1])
    assert replay.report().kind == "llvm"
    assert told(replay)["llvm"].endswith(": taken")
    assert "another may round otherwise" in replay.report().rounding
    assert math.isfinite(replay.gradient([[0.1, 0.2, 0.3]] * 5)[0])


def test_steps_are_made_by_what_makes_them_fastest():
    pytest.importorskip("numpy", reason="arrays need NumPy")
    replay, model = network([2, 8, 1])
    assert isinstance(replay._program, Fastest)
    (_, (alone, _)), (_, (steps, _)) = replay._program.ranges(), replay._program.ranges(steps=True)
    assert alone < steps
    rng = random.Random(0)
    batches = [[[rng.uniform(-1, 1), rng.uniform(-1, 1)] for _ in range(8)] for _ in range(12)]
    losses = replay.fit(nn.SGD(model.parameters(), lr=0.1), batches)
    other, its = network([2, 8, 1], backend="python")
    assert losses == pytest.approx(other.fit(nn.SGD(its.parameters(), lr=0.1), batches), rel=1e-12)
    assert [p.data for p in model.parameters()] == pytest.approx([p.data for p in its.parameters()], rel=1e-12)


@pytest.mark.slow
def test_a_process_without_any_package_still_replays():
    code = """
import sys
for name in ("numpy", "wasmtime", "llvmlite"):
    sys.modules[name] = None
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in ("wasmtime", "llvmlite") else found(name, *rest)
from autodiff import Replay, Value, nn
model = nn.MLP(3, [20, 1], "tanh", seed=0)
x = [Value(0.3)] * 1 + [Value(0.1), Value(0.2)]
replay = Replay(model(x) ** 2, model, x)
print(replay.report().kind, len(replay.gradient([[0.1, 0.2, 0.3]] * 3)[1]))
"""
    result = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (result.stdout, result.stderr) == ("floats 101\n", "")


def test_the_same_network_again_is_the_same_tape_and_other_constants_are_another():
    pytest.importorskip("numpy", reason="lanes need NumPy")

    def replay(scale, label="", layers=(2, 4, 1)):
        model = nn.MLP(layers[0], layers[1:], "tanh", seed=1)
        x = [Value(0.1) for _ in range(layers[0])]
        loss = (model(x) * scale) ** 2
        loss.label = label
        return Replay(loss, model, x)

    first = replay(1.5)
    again, other = replay(1.5), replay(2.5)
    assert again._program.tape is first._program.tape
    for changed in (other, replay(-0.0), replay(0.0), replay(1.5, "loss of one"), replay(1.5, layers=(3, 4, 1))):
        assert changed._program.tape is not first._program.tape
    again.values[0] += 1.0
    before = first.gradient()[0]
    assert again.gradient()[0] != before == first.gradient()[0]
    assert other.gradient()[0] == pytest.approx(before * (2.5 / 1.5) ** 2)
    for k in range(30):
        replay(float(k))
    assert len(compile.TAPES) == compile.MAX_TAPES
    assert replay(1.5)._program.tape is not first._program.tape
