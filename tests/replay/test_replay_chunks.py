"""A batch in chunks over executors: the same bits from any of them, eager errors, and what is said of a lost one."""

import math
import os
import pickle
import random
import subprocess
import sys
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import pytest

import autodiff as ad
from autodiff import DomainError, Replay, Value, nn
from autodiff.replay import chunks
from autodiff.replay.vectors import numpy_is_here

SAMPLES = 400


def recorded(width=12, backend="auto"):
    """The cross-entropy of a small network, and rows for it."""
    model = nn.MLP(4, [width, 3], "tanh", seed=1)
    x, t = [Value(0.1 * k, f"x{k}") for k in range(4)], [Value(0.0) for _ in range(3)]
    scores = model(x)
    replay = Replay(ad.logsumexp(scores) - ad.dot(t, scores), model, inputs=x + t, backend=backend)
    rng = random.Random(0)
    return replay, [[rng.uniform(-1, 1) for _ in range(7)] for _ in range(SAMPLES)]


class Now:
    """An executor that computes at once, where it stands; `log` has the sizes of chunks."""

    def __init__(self):
        self.log = []

    def submit(self, function, *arguments):
        self.log.append(len(arguments[-1]))
        future = Future()
        future.set_result(function(*arguments))
        return future


class Backwards(Now):
    """An executor that computes the last chunk first, each when the first of them is waited for."""

    def __init__(self):
        self.waiting = []

    def submit(self, function, *arguments):
        outer = self

        class Late(Future):
            def result(self, timeout=None):
                while outer.waiting:
                    future, work = outer.waiting.pop()
                    future.set_result(work())
                return super().result(timeout)

        future = Late()
        self.waiting.append((future, lambda: function(*arguments)))
        return future


class Sent(Now):
    """An executor that sends what it is given through a pickle, as processes do, and counts the bytes."""

    def __init__(self):
        self.bytes = []

    def submit(self, function, *arguments):
        sent = pickle.dumps((function, *arguments))
        self.bytes.append(len(sent))
        function, *arguments = pickle.loads(sent)
        future = Future()
        future.set_result(pickle.loads(pickle.dumps(function(*arguments))))
        return future


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_TIME", 7.0)  # so that batches of a test have many


def bits(answer):
    loss, gradient = answer
    return loss.hex(), bytes(gradient)


@pytest.mark.parametrize("backend", ["auto", "python"])
def test_any_number_of_workers_in_any_order_gives_the_same_bits(backend):
    replay, rows = recorded(backend=backend)
    now = Now()
    expected = replay.gradient(rows, executor=now)
    assert len(now.log) > 5
    assert sum(now.log) == SAMPLES
    assert max(now.log) - min(now.log) <= 1
    for executor in (Backwards(), Sent(), *[ThreadPoolExecutor(n) for n in (1, 2, 3)]):
        assert bits(replay.gradient(rows, executor=executor)) == bits(expected)
    loss, gradient = replay.gradient(rows)
    assert expected[0] == pytest.approx(loss, rel=1e-13)
    assert list(expected[1]) == pytest.approx(list(gradient), rel=1e-11, abs=1e-14)


def test_a_pickled_replay_gives_the_same_bits_and_keeps_its_own_values():
    replay, rows = recorded()
    again = pickle.loads(pickle.dumps(replay))
    assert bits(again.gradient(rows, executor=Now())) == bits(replay.gradient(rows, executor=Now()))
    again.values[0] += 1.0
    assert again.gradient(rows, executor=Now())[0] != replay.gradient(rows, executor=Now())[0]


def test_what_is_sent_is_the_rows_the_values_and_little_else():
    replay, rows = recorded(width=60)
    sent = Sent()
    replay.gradient(rows, executor=sent)
    chunk = -(-SAMPLES // len(sent.bytes))
    numbers = 9 * (len(replay.parameters) + 7 * chunk)  # bytes, with a mark for each float of a list
    assert max(sent.bytes) < numbers + 5000
    assert chunks.received(replay._shared.packed, "auto") is chunks.received(bytes(replay._shared.packed), "auto")


@pytest.mark.slow
def test_processes_give_the_same_bits():
    replay, rows = recorded(backend="arrays" if numpy_is_here() else "python")
    expected = bits(replay.gradient(rows, executor=Now()))
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        assert bits(replay.gradient(rows, executor=executor)) == expected
        assert bits(replay.gradient(rows, executor=executor)) == expected


@pytest.mark.slow
def test_loky_gives_the_same_bits():
    loky = pytest.importorskip("loky", reason="loky is the executor that is tried")
    replay, rows = recorded(backend="arrays" if numpy_is_here() else "python")
    with loky.ProcessPoolExecutor(2) as executor:
        assert bits(replay.gradient(rows, executor=executor)) == bits(replay.gradient(rows, executor=Now()))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of sockets that the cluster leaves to close
def test_a_dask_cluster_gives_the_same_bits_and_trains():
    distributed = pytest.importorskip("distributed", reason="a cluster of dask is what is tried")
    pytest.importorskip("wasmtime", reason="the same bits on all workers are what WebAssembly promises")
    replay, rows = recorded(backend="wasm")
    expected = replay.gradient(rows, executor=Now())
    optimizer = nn.SGD(replay.parameters, lr=0.1)
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50)
    with cluster, distributed.Client(cluster) as client:
        assert bits(replay.gradient(rows, executor=client.get_executor())) == bits(expected)
        losses = replay.fit(optimizer, [rows, rows], executor=client.get_executor())
    assert losses[0] == expected[0]
    assert losses[1] < losses[0]


# Training.


@pytest.mark.parametrize("executor", [None, Now(), Sent()], ids=["none", "now", "sent"])
def test_a_replay_descends_as_without_an_executor(executor):
    replay, rows = recorded()
    losses = replay.fit(nn.Adam(replay.parameters, lr=0.01), [rows[:150], rows[150:], rows], executor=executor)
    other, _ = recorded()
    expected = other.fit(nn.Adam(other.parameters, lr=0.01), [rows[:150], rows[150:], rows])
    assert losses == pytest.approx(expected, rel=1e-12)
    assert [p.data for p in replay.parameters] == pytest.approx([p.data for p in other.parameters], rel=1e-9)


@pytest.mark.parametrize("executor", [Now(), Sent(), ThreadPoolExecutor(2)], ids=["now", "sent", "threads"])
def test_a_network_trains_as_it_does_eagerly(executor):
    def trained(**options):
        model = nn.MLP(2, [6, 1], "tanh", seed=0)
        data = nn.data.moons(60, noise=0.1, seed=1, classes=(-1, 1))
        optimizer = nn.SGD(model.parameters(), lr=0.1, momentum=0.9)
        penalty = lambda: 1e-3 * nn.l2(model.parameters())  # noqa: E731  # as people write it
        history = nn.fit(model, data, "hinge", optimizer, epochs=4, batch_size=25, penalty=penalty, **options)
        return history, [p.data for p in model.parameters()]

    history, numbers = trained(replay=True, executor=executor)
    eager, expected = trained()
    assert history.loss == pytest.approx(eager.loss, rel=1e-11)
    assert numbers == pytest.approx(expected, rel=1e-10)


def test_samples_of_many_structures_are_all_under_way_before_one_is_waited_for():
    class Watched(Backwards):
        most = 0

        def submit(self, function, *arguments):
            future = super().submit(function, *arguments)
            self.most = max(self.most, len(self.waiting))
            return future

    w, executor = Value(0.7), Watched()
    data = [([0.1 * k] * (k % 4 + 1), 1.0) for k in range(12)]
    history = nn.fit(
        *(lambda row: ad.sum([(w * x).tanh() for x in row]), data, "squared_error", nn.SGD([w], lr=0.1)),
        **{"epochs": 1, "replay": True, "executor": executor},
    )
    assert executor.most == 4
    w.data = 0.7
    expected = ad.mean([(ad.sum([(w * x).tanh() for x in row]) - t) ** 2 for row, t in data]).data
    assert history.loss == [pytest.approx(expected, rel=1e-13)]


# What goes wrong.


def logarithm():
    w, x = Value(1.0, "w"), Value(2.0, "x")
    return Replay(ad.log(w * x), [w], inputs=[x])


def test_outside_of_a_domain_it_raises_what_the_eager_operation_raises():
    replay = logarithm()
    rows = [[1.0 + k] for k in range(500)]
    rows[400] = [-3.0]
    with pytest.raises(DomainError) as eager:
        replay.gradient(rows)
    with pytest.raises(DomainError) as ours:
        replay.gradient(rows, executor=Sent())
    assert str(ours.value) == str(eager.value)


def test_what_is_not_finite_is_what_the_eager_engine_answers():
    w, x = Value(1.0), Value(2.0)
    replay = Replay(ad.exp(w * x), [w], inputs=[x])
    loss, gradient = replay.gradient([[1.0], [1000.0], [2.0]], executor=Now())
    assert (loss, gradient[0]) == (math.inf, math.inf)


@pytest.mark.slow
def test_a_pool_whose_processes_end_is_named_with_the_samples_that_it_lost():
    replay, rows = recorded(backend="python")
    with (
        ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=os._exit, initargs=(3,)) as executor,
        pytest.raises(
            RuntimeError, match=r"^the executor has lost samples \d+ to \d+ of 400: BrokenProcessPool"
        ) as lost,
    ):
        replay.gradient(rows, executor=executor)
    assert isinstance(lost.value.__cause__, BrokenExecutor)


def test_a_pool_that_was_shut_down_is_named():
    replay, rows = recorded()
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(RuntimeError, match=r"^the executor has lost samples 0 to \d+ of 400: RuntimeError: cannot"):
        replay.gradient(rows, executor=executor)


def test_after_ctrl_c_the_steps_are_whole_and_what_had_not_begun_is_cancelled():
    replay, rows = recorded()
    other, _ = recorded()
    other.fit(nn.SGD(other.parameters, lr=0.1), [rows], executor=Now())
    submitted = []

    class Interrupted(Now):
        def submit(self, function, *arguments):
            if len(submitted) < chunks_of_a_step:
                submitted.append(None)
                return super().submit(function, *arguments)
            future = Future()
            if len(submitted) > chunks_of_a_step:
                submitted.append(future)
                return future
            submitted.append(future)
            future.set_exception(KeyboardInterrupt())
            return future

    chunks_of_a_step = len(replay._shared.sizes(SAMPLES))
    with pytest.raises(KeyboardInterrupt):
        replay.fit(nn.SGD(replay.parameters, lr=0.1), [rows, rows, rows], executor=Interrupted())
    assert [p.data for p in replay.parameters] == [p.data for p in other.parameters]
    waiting = submitted[chunks_of_a_step + 1 :]
    assert waiting
    assert all(future.cancelled() for future in waiting)


FORKED = """
import sys
sys.path.insert(0, {tests!r})
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from replay.test_replay_chunks import recorded

def gradient(width):
    replay, rows = recorded(width, "wasm")
    return replay.gradient(rows)[0]

recorded(5, "wasm")
with ProcessPoolExecutor(1, mp_context=get_context("fork")) as executor:
    print(executor.submit(gradient, 6).result(30) == gradient(6))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")
@pytest.mark.slow
def test_a_forked_process_compiles_webassembly_of_its_own():
    pytest.importorskip("wasmtime", reason="it is what compiles")
    tests = os.path.dirname(os.path.dirname(__file__))
    script = FORKED.format(tests=tests)
    fresh = os.environ | {"AUTODIFF_CACHE": "off"}  # or it would be loaded
    command = [sys.executable, "-W", "ignore", "-c", script]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, env=fresh)
    assert ran.stdout == "True\n", ran.stderr
