"""Native replays: the rows as trees, the virtual machine, and loop nests in WebAssembly and LLVM."""

import gc
import math
import os
import pickle
import platform
import random
import re
import subprocess
import sys
import threading
from importlib.util import find_spec

import pytest
from helpers.nests import Computed, target_of
from helpers.replay_graphs import agree, random_replay
from oracles.rows import ROWS

import autodiff as ad
from autodiff import DomainError, Replay, Value, nn
from autodiff.engine import ops
from autodiff.replay import choice, compile
from autodiff.replay.native import text
from autodiff.replay.native.code import ARITHMETIC
from autodiff.replay.native.loops import MOVED
from autodiff.replay.native.module import nests
from autodiff.replay.native.products import cuts
from autodiff.replay.native.trees import can_be_blended
from autodiff.replay.rules import kernels, symbolic
from autodiff.replay.rules.symbolic import Answer, forward, reverse
from autodiff.replay.rules.wide import WIDE
from autodiff.replay.tape.tape import MOVES, PARAMETERS, Tape
from autodiff.replay.wasm.code import TWO

np = pytest.importorskip("numpy", reason="loop nests are compared on arrays")
mpmath = pytest.importorskip("mpmath", reason="the functions are compared with its digits")

PROCESSORS = {"x86-64": 2, "haswell": 4}  # how many floats their vectors have: SSE2, and AVX2
needs_llvm = pytest.mark.skipif(find_spec("llvmlite") is None, reason="LLVM comes with llvmlite")
FEW = {name: row for name, row in vars(ops).items() if isinstance(row, ops.Op) and row.arity is not None}
SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.0, 1e-5, 30.0, -40.0, 800.0, -800.0, 1e-200, 1e200)
STATIC = {"GAUSS": (0.5, 1.0), "CLIP": (-1.0, 1.0), "POW_SLOPE": (1.0, 0.0), "POWER0": (2.5, 1.0)}


def drawn(rng, count):
    return [rng.choice(SPECIAL) if rng.random() < 0.4 else rng.uniform(-3, 3) for _ in range(count)]


def static_of(name, op):
    return STATIC.get(name, (1.0, 2.0, 0.5)[: op.static])


# Trees.

WALKED = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "neg": lambda x: -x,
    "abs": abs,
    "fmod": math.fmod,
    "logb": lambda x: float(math.frexp(x)[1] - 1),
    "scalbn": lambda x, e: math.ldexp(x, int(e)),
    "exp": lambda x: math.exp(x) if x < 709.7 else math.inf,
}


def walked(tree, names):
    """What a tree answers for floats; None where it is undefined."""

    def value(symbol):
        if symbol.kind == "name":
            return names[symbol.parts[0]]
        if symbol.kind == "number":
            return symbol.parts[0]
        return (WALKED.get(symbol.kind) or getattr(math, symbol.kind))(*map(value, symbol.parts))

    while not isinstance(tree, Answer):
        x, y = value(tree.question.x), value(tree.question.y)
        tree = tree.yes if symbolic.COMPARED[tree.question.sign](x, y) else tree.no
    return None if tree.symbols is None else [value(symbol) for symbol in tree.symbols]


@pytest.mark.parametrize("name", FEW)
def test_the_tree_of_a_row_answers_what_the_row_does(name):
    op, rng = FEW[name], random.Random(0)
    static = static_of(name, op)
    tree = forward(op, static)
    for _ in range(40):
        xs = drawn(rng, op.arity)
        try:
            expected = op.value(*xs, *static)
        except (ValueError, ZeroDivisionError):
            expected = None
        except OverflowError:
            continue
        try:
            found = walked(tree, dict(zip(op.operand_names, xs, strict=False)))
        except OverflowError:
            continue  # math overflows where the C library answers inf
        if expected is None:
            assert found is None, xs
        else:
            assert found[0] == pytest.approx(expected, rel=1e-13, nan_ok=True), xs


def test_a_tree_asks_no_question_whose_answer_is_known():
    assert str(forward(ops.RELU)) == "0.0 if x <= 0.0 else x"
    assert str(forward(ops.LOG)) == "undefined if x <= 0.0 else log(x)"
    assert str(reverse(ops.MUL)) == "(incoming * y), (incoming * x)"
    assert "1.0 + exp" in str(forward(ops.SIGMOID))
    assert "== 0.0" not in str(forward(ops.SIGMOID))  # a sum of 1 and a power is not 0


def test_every_wide_row_and_every_move_has_its_line():
    wide = {row for row in ROWS.values() if row.arity is None}
    assert wide - {ops.DOT, ops.PROD} == set(WIDE), "add a line to WIDE in autodiff/replay/rules/wide.py"
    assert set(MOVED) == set(MOVES), "add a line to MOVED in autodiff/replay/native/loops.py"
    assert set(text.MOVED) == set(MOVES), "add a line to MOVED in autodiff/replay/native/text.py"


@pytest.mark.parametrize("name", ["tanh", "cosh"])
def test_our_kernels_are_right_to_two_ulps(name):
    rng = random.Random(0)
    points = [*SPECIAL[:10], 0.624, 0.626, 709.0, -709.0, *[rng.uniform(-5, 5) for _ in range(300)]]
    for x in points if name == "cosh" else [x for x in points if abs(x) < 350]:  # Python's own exp overflows
        exact = float(getattr(mpmath, name)(mpmath.mpf(x)))
        assert abs(getattr(kernels, name)(x) - exact) <= 2 * math.ulp(exact), x


# The virtual machine.


def replay_of(loss, leaves, backend="wasm", **options):
    return Replay(loss, leaves, backend=backend, **options)


WIDE_NAMES = ("SUM", "MEAN", "MAX", "MIN", "PROD", "DOT", "LOGSUMEXP")
SLOW = ("POW", "POW_SLOPE")  # rules of many branches


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in (*FEW, *WIDE_NAMES)]
)
def test_the_machine_answers_what_backward_does(name):
    op, rng = getattr(ops, name), random.Random(1)
    static = static_of(name, op)
    for _ in range(12):
        xs = [Value(x) for x in drawn(rng, op.arity or 5)]
        operands = op.regroup(xs) if op is ops.DOT else xs
        try:
            loss = op(*operands, *static) * 2.0
            loss.backward()
        except (ValueError, ZeroDivisionError):
            continue
        found, slopes = replay_of(loss, xs).gradient()
        assert found == pytest.approx(loss.data, rel=1e-13, nan_ok=True)
        assert list(slopes) == pytest.approx([x.grad for x in xs], rel=1e-12, nan_ok=True)


def test_ties_share_among_all_that_are_largest():
    xs = [Value(x) for x in (1.0, 3.0, 3.0, 2.0, 3.0)]
    _, slopes = replay_of(ad.max(xs) * 6.0, xs).gradient()
    assert list(slopes) == [0.0, 2.0, 2.0, 0.0, 2.0]


def test_settings_that_differ_in_the_sign_of_zero_are_two_operations():
    x = Value(-1.0)
    loss = ad.atan2(ad.clip(x * 0.0, -0.0, 1.0), x) + ad.atan2(ad.clip(x * 0.0, 0.0, 1.0), x)
    assert replay_of(loss, [x])() == loss.data


@pytest.mark.slow
def test_a_long_chain_and_inputs_one_sample_after_the_other():
    w, x = Value(0.3), Value(0.5)
    y = x
    for k in range(2000):
        y = ad.tanh(y * w + x) if k % 2 else y * y + w
    replay = replay_of(y, [w], inputs=[x])
    assert (replay.report().kind, replay.report().operations) == ("wasm", 5000)
    rows = [[0.5], [-0.25]]
    expected = []
    for (row,) in rows:
        v, u = Value(0.3), Value(row)
        z = u
        for k in range(2000):
            z = ad.tanh(z * v + u) if k % 2 else z * z + v
        z.backward()
        expected.append((z.data, v.grad))
    loss, gradient = replay.gradient(rows)
    assert loss == pytest.approx(sum([z for z, _ in expected]) / 2, rel=1e-12)
    assert gradient[0] == pytest.approx(sum([g for _, g in expected]) / 2, rel=1e-12)


def test_what_is_undefined_raises_as_ever_and_the_next_run_is_right():
    x = Value(2.0)
    replay = replay_of(ad.log(x) ** 0 + ad.sqrt(x), [x])
    replay.values[0] = -1.0
    with pytest.raises(DomainError, match="log"):
        replay.gradient()
    replay.values[0] = 4.0
    assert replay.gradient() == (3.0, pytest.approx([0.25]))


# Loop nests.

NATIVE = pytest.mark.parametrize("backend", ["wasm", pytest.param("llvm", marks=needs_llvm)])


def network(layers, activation, seed=3):
    model = nn.MLP(layers[0], layers[1:], activation=activation, seed=seed)
    inputs = [Value(0.1 * i - 0.2) for i in range(layers[0])]
    outputs = model(inputs)
    return model, inputs, [outputs] if isinstance(outputs, Value) else outputs


SPECIAL_AND_OUT = (*SPECIAL, math.inf, -math.inf, math.nan)
AT_ONCE = {name for name, op in FEW.items() if can_be_blended(forward(op, static_of(name, op)))}


def answered(op, xs, static):
    """What a row answers for floats; None where it raises."""
    try:
        return op.value(*xs, *static)
    except OverflowError:
        return math.inf
    except (ValueError, ZeroDivisionError):
        return None


@pytest.fixture(scope="module", params=["wasm", pytest.param("llvm", marks=needs_llvm)])
def rows(request):
    """By name, the operands that a row answers something for, and what it does on a target in each kind."""
    rng, columns = random.Random(5), {}
    for name, op in FEW.items():
        points = [[rng.choice(SPECIAL_AND_OUT) for _ in range(op.arity)] for _ in range(40)]
        points += [drawn(rng, op.arity) for _ in range(20)]
        points = [xs for xs in points if answered(op, xs, static_of(name, op)) is not None]
        columns[name] = list(zip(*points, strict=True))

    def write(name, nest, values, kind):
        op = FEW[name]
        return nest.answer(forward(op, static_of(name, op)), dict(zip(op.operand_names, values, strict=False)), kind)

    computed = Computed(target_of(request.param), columns, write, AT_ONCE)
    assert not computed.undefined
    return columns, computed.answers


@pytest.mark.parametrize("name", FEW)
def test_a_row_on_vectors_and_floats_answers_what_it_does_to_nan_and_the_sign_of_zero(name, rows):
    columns, answers = rows
    op, static = FEW[name], static_of(name, FEW[name])
    for at_once in (True, False) if name in AT_ONCE else (False,):
        for *xs, found in zip(*columns[name], answers[name, at_once], strict=True):
            expected = answered(op, xs, static)
            assert found == pytest.approx(expected, rel=1e-13, abs=1e-300, nan_ok=True), (at_once, xs)
            assert found != 0 or math.copysign(1, found) == math.copysign(1, expected), (at_once, xs)


DOMAINS = {
    **dict.fromkeys(("sqrt", "cbrt", "log", "log2", "log10"), (1e-3, 50.0)),
    **dict.fromkeys(("asin", "acos", "atanh"), (-0.999, 0.999)),
    **{"log1p": (-0.9, 5.0), "acosh": (1.0, 9.0), "exp": (-700.0, 700.0), "pow": (1e-3, 9.0), "erfc": (-5.0, 20.0)},
}
EXACT = {"abs": mpmath.fabs, "pow": mpmath.power, "log2": lambda x: mpmath.log(x, 2)}
CALLED = {
    name: EXACT.get(name) or getattr(mpmath, name)
    for name in symbolic.FUNCTIONS
    if name not in ("copysign", "fmod", "logb", "scalbn")  # which do not round
}


@NATIVE
def test_functions_of_vectors_and_floats_are_right_to_two_ulps(backend):
    rng = random.Random(2)
    columns = {}
    for name in CALLED:
        low, high = DOMAINS.get(name, (-20.0, 20.0))
        columns[name] = [[rng.uniform(low, high) for _ in range(327)] for _ in range(1 + (name in TWO))]

    def write(name, nest, values, kind):
        if name == "cbrt":  # that of the C library is right to 3 ulps, and the row mends it
            return nest.answer(forward(ops.CBRT), {"x": values[0]}, kind)
        return (nest.code.apply if name in ARITHMETIC else nest.code.call)(name, *values)

    answers = Computed(target_of(backend), columns, write).answers
    for name, at_once in answers:
        worst = max(
            abs(found - float(CALLED[name](*map(mpmath.mpf, xs)))) / math.ulp(found)
            for *xs, found in zip(*columns[name], answers[name, at_once], strict=True)
        )
        assert worst <= 2, (name, at_once)


@pytest.mark.parametrize(
    ("backend", "activation", "samples"),
    [
        *[("wasm", name, n) for name in ("relu", "tanh", "sigmoid", "gelu") for n in (1, 2, 7, 32)],
        *[pytest.param("llvm", *case, marks=needs_llvm) for case in [("relu", 11), ("sigmoid", 1), ("gelu", 32)]],
    ],
)
def test_a_network_answers_what_backward_does(backend, activation, samples):
    model, inputs, outputs = network([5, 9, 6, 3], activation)
    loss = nn.cross_entropy(outputs, 1) + 0.01 * ad.sum([p * p for p in model.parameters()])
    replay = replay_of(loss, model, backend, inputs=inputs)
    assert replay.report().kind == backend
    rng = random.Random(samples)
    rows = [[rng.uniform(-2, 2) for _ in inputs] for _ in range(samples)]
    found, slopes = replay.gradient(rows)
    expected, right = Replay(loss, model, inputs=inputs, backend="python").gradient(rows)
    assert found == pytest.approx(expected, rel=1e-13)
    assert list(slopes) == pytest.approx(list(right), rel=1e-11, abs=1e-15)


@NATIVE
@pytest.mark.sampled
@pytest.mark.parametrize("columns", [3, 17])
@pytest.mark.parametrize("units", [3, 8])
@pytest.mark.parametrize("samples", [2, 9, 37])
def test_products_of_all_sizes_are_handed_on_to_the_loop_that_uses_them(backend, columns, units, samples):
    model, inputs, outputs = network([columns, units, 2], "relu")
    x, y = outputs
    replay = replay_of((x - y) ** 2 + x * x, model, backend, inputs=inputs)
    told = replay.report().native
    assert len(re.findall("^    .* @ .*  # not kept$", told, re.MULTILINE)) == 3, "of both layers, and to the relus"
    rng = random.Random(samples)
    rows = [[rng.uniform(-2, 2) for _ in inputs] for _ in range(samples)]
    found, slopes = replay.gradient(rows)
    expected, right = Replay((x - y) ** 2 + x * x, model, inputs=inputs, backend="python").gradient(rows)
    assert found == pytest.approx(expected, rel=1e-12)
    assert list(slopes) == pytest.approx(list(right), rel=1e-11, abs=1e-13)


NESTS = """\
# read where it lies
W1[20, 2] = parameters[20 x 2 places in 0:59]
W2[20] = parameters[60:80]
b = parameters[80]
v12 = how many samples
d22[32] = dz2[1, 32], its lanes as rows

# made
x[2, 32] = copy of inputs[0:2]
v2[20, 32] = W1[20, 2] @ x[2, 32]
b1[20] = copy of parameters[2:60:3]
for row in 20: for lane in 32:
    z1[20, 32] = v2 + b1  # not kept
    a1[20, 32] = tanh(z1)
    d25[20, 32] = sech(z1)  # not kept
    d26[20, 32] = d25 * d25
v7[1, 32] = W2[20] @ a1[20, 32]
"""


def test_the_nests_of_a_network_are_told_in_words_of_its_graph():
    model, x = nn.MLP(2, [20, 1], "tanh", seed=0), [Value(0.3), Value(0.1)]
    replay = Replay(model(x) ** 2, model, x, backend="wasm")
    told = replay.report().native
    assert told.startswith(NESTS)
    assert "gradient[60:80] is dW2" in told, "made in the gradient itself"
    assert "gradient[2:60:3] has a copy of db1" in told, "its places are not side by side"
    assert replay.source
    assert replay.report().native == told, "whatever else was written of the tape"
    assert Replay(model(x) ** 2, model, x, backend="python").report().native is None


@pytest.mark.parametrize(
    "name", [*FEW, *[name for name, op in vars(ops).items() if isinstance(op, ops.Op) and op in WIDE]]
)
def test_nests_of_every_row_are_told(name):
    op, tape = getattr(ops, name), Tape(4)
    operands = [tape.move(PARAMETERS, (), ((i, i + 1),)) for i in range(op.arity or 2)]
    tape.root = tape.apply(op, tuple(operands), static_of(name, op))
    tape.forward = len(tape.instructions)
    line = f"v{tape.root} = logsumexp of p0[2] over its rows" if op is ops.LOGSUMEXP else f"    v{tape.root}[2] = "
    assert line in text.text_of(tape, 1, target_of("wasm"))


@pytest.mark.slow
@NATIVE
def test_graphs_of_all_rows_answer_what_backward_does(monkeypatch, backend):
    def native(recording):
        return (auto if choice.own_operation(recording) else compile.BACKENDS[backend])(recording)

    auto = compile.BACKENDS["auto"]
    monkeypatch.setitem(compile.BACKENDS, "auto", native)
    monkeypatch.setattr(compile, "BLOCK_TIME", -1.0)  # everything on arrays, so on loop nests
    count = 60 if backend == "wasm" else 12  # which compiles longer
    assert len([replay for replay in map(random_replay, range(1000, 1000 + count)) if replay]) > count * 2 / 3


@NATIVE
@pytest.mark.slow
def test_thousands_of_operations_on_the_same_lanes_are_more_than_one_loop(backend):
    """A function of WebAssembly has at most 50,000 locals, and LLVM's time grows faster than a loop's length."""
    a, w, x = Value(0.9), Value(0.4), Value(0.5)
    y = x
    for _ in range(160):
        y = (a + y) ** w
    replay = Replay(y, [a, w], [x], backend=backend)
    assert replay.report().kind == backend
    expected = []
    for row in (0.5, 2.0, 3.5):
        z, by_a, by_w = row, 0.0, 0.0  # forward, by hand
        for _ in range(160):
            power = (0.9 + z) ** 0.4
            by_a, by_w = [
                power * 0.4 / (0.9 + z) * (1.0 + by_a),
                power * (math.log(0.9 + z) + 0.4 / (0.9 + z) * by_w),
            ]
            z = power
        expected.append((z, by_a, by_w))
    loss, gradient = replay.gradient([[0.5], [2.0], [3.5]])
    assert [loss, *gradient] == pytest.approx([sum(column) / 3 for column in zip(*expected, strict=True)], rel=1e-12)


def test_lengths_are_cut_into_pieces_without_a_gap():
    for length in range(1, 40):
        places = [
            cut.start + i * cut.size + k
            for cut in cuts(length, 4, 3, 2, 1)
            for i in range(cut.times)
            for k in range(cut.size)
        ]
        assert places == list(range(length))


# As every replay.


@NATIVE
def test_it_trains_as_the_other_back_ends_do(backend):
    def trained(backend):
        model, inputs, outputs = network([2, 6, 1], "tanh")
        x, y = inputs
        loss = (outputs[0] - ad.sin(x) * y) ** 2
        replay = Replay(loss, model, backend=backend)
        return replay.fit(nn.Adam(model.parameters(), lr=0.01), 40), [p.data for p in model.parameters()]

    losses, parameters = trained(backend)
    expected, right = trained("arrays")
    assert losses == pytest.approx(expected, rel=1e-9)
    assert parameters == pytest.approx(right, rel=1e-9)


@NATIVE
def test_threads_have_memories_of_their_own_and_pickles_their_program(backend):
    model, inputs, outputs = network([4, 16, 1], "tanh")
    loss = outputs[0] ** 2
    replay = pickle.loads(pickle.dumps(replay_of(loss, model, backend, inputs=inputs)))
    assert replay.backend == backend
    batches = [[[0.1 * k, 0.2, -0.3 * k, 0.4]] * (1 + k % 3) for k in range(8)]
    expected = [replay.gradient(batch)[0] for batch in batches]
    found = {}

    def work(k):
        found[k] = [replay.gradient(batches[k])[0] for _ in range(20)]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[k] for k in range(8)] == [[x] * 20 for x in expected]


COUNTED = """
import wasmtime
from autodiff import Replay, Value
compile_ = wasmtime.Module.__init__
def counting(*arguments):
    print("compiled")
    compile_(*arguments)
wasmtime.Module.__init__ = counting
x = Value(0.5)
print(Replay((x + 1.5) ** 2, [x], backend="wasm").gradient())
"""


@pytest.mark.slow
def test_what_was_compiled_is_kept_for_the_processes_to_come(tmp_path):
    def said(place):
        environment = {**os.environ, "AUTODIFF_CACHE": str(place)}
        process = subprocess.run([sys.executable, "-c", COUNTED], env=environment, capture_output=True, text=True)
        return process.stdout.splitlines()

    first = said(tmp_path)
    assert first.count("compiled") == 2  # the C library's functions, and the machine
    assert said(tmp_path) == first[2:]
    for file in (tmp_path / "autodiff-scalar").iterdir():
        file.write_bytes(file.read_bytes()[:-1])  # broken
    assert said(tmp_path) == first
    assert said(tmp_path) == first[2:]
    assert said("off") == first


@needs_llvm
def test_machine_code_is_kept_for_the_processes_to_come(monkeypatch, tmp_path):
    target = pytest.importorskip("autodiff.replay.llvm.target")
    monkeypatch.setenv("AUTODIFF_CACHE", str(tmp_path))
    text = "define void @forward(ptr %M) {\nret void\n}"
    code = target.compiled(text)
    with monkeypatch.context() as without:
        without.setattr("llvmlite.binding.parse_assembly", None)
        assert target.compiled(text) == code
    (file,) = (tmp_path / "autodiff-scalar").iterdir()
    file.write_bytes(file.read_bytes()[:-1])  # broken
    assert target.compiled(text) == code
    assert len(file.read_bytes()) > len(code)


@needs_llvm
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="its processors are named")
@pytest.mark.parametrize("samples", [1, 7, 32])
@pytest.mark.parametrize(("processor", "width"), PROCESSORS.items(), ids=PROCESSORS)
def test_processors_with_narrower_vectors_compute_the_same(processor, width, samples, monkeypatch):
    target = pytest.importorskip("autodiff.replay.llvm.target")
    if "+avx2" not in target.machine().features and width == 4:
        pytest.skip("this processor has no AVX2")
    monkeypatch.setattr(target, "machine", lambda: target.Machine(processor, "", width))
    model, inputs, outputs = network([5, 19, 3], "gelu")
    loss = ad.logsumexp(outputs) + ad.max(outputs) + ad.sum([ad.atan2(out, 2.0) for out in outputs])
    replay = Replay(loss, model, inputs, backend="llvm")
    assert f"<{width} x double>" in nests(replay._program.tape, samples, target_of("llvm")).code
    agree(replay, processor, [[math.sin(i * k) for k in range(len(inputs))] for i in range(1, samples + 1)])


@needs_llvm
def test_layers_of_the_same_size_are_compiled_once():
    def parts(depth):
        model, inputs, outputs = network([5, *[6] * depth, 1], "tanh")
        program = replay_of(outputs[0] ** 2, model, "llvm", inputs=inputs)._program
        return nests(program.tape, 4, target_of("llvm")).code.count("define internal")

    assert parts(5) == parts(9)


@pytest.mark.slow
@NATIVE
def test_a_dropped_replay_is_gone_without_the_collector(backend):
    def made():
        model, inputs, outputs = network([4, 16, 1], "tanh")
        replay_of(outputs[0] ** 2, model, backend, inputs=inputs).gradient([[0.0] * 4] * 3)
        del model, inputs, outputs

    for _ in range(2):
        made()
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        made()
        made()
        assert len(gc.get_objects()) - before < 60
    finally:
        gc.enable()


@pytest.mark.parametrize("backend", ["wasm", "llvm"])
def test_a_package_that_is_missing_is_named(monkeypatch, backend):
    monkeypatch.setattr(choice, "find_spec", lambda name: None)
    x = Value(0.5)
    with pytest.raises(ImportError, match=rf'backend="{backend}" needs .*: pip install'):
        Replay(x * x, [x], backend=backend)


@pytest.mark.slow
def test_what_a_back_end_lacks_is_said():
    x = Value(0.5)
    own = ops.Op("own", lambda x: x * x, lambda out, x: (2.0 * x,), "own({x})")
    packages = {"wasm": "wasmtime", "llvm": "llvmlite"}
    for backend in [backend for backend, package in packages.items() if find_spec(package)]:
        with pytest.raises(ValueError, match=rf'backend="{backend}" cannot run own\(x\), which is not in the table'):
            Replay(own(x), [x], backend=backend)
    y = ops.POW_SLOPE(x, Value(0.7), 2.0, 0.0)  # which has too many cases in its slopes
    with pytest.raises(
        ValueError, match=r'backend="wasm" cannot run an operation .* take "auto", "arrays" or "python"'
    ):
        Replay(y, [x], backend="wasm")
    assert Replay(y, [x]).report().kind == "floats"
    with pytest.raises(ValueError, match="backend must be one of"):
        Replay(x * x, [x], backend="jax")
