import copy
import gc
import pickle
import sys
import threading
import tracemalloc
import weakref

import pytest

from autodiff import Value, grad

DEPTH = 50_000  # far beyond the recursion limit of 1,000


def chain(depth):
    x = Value(1.0)
    y = x
    for _ in range(depth):
        y = y * 0.5 + x
    return x, y


def exercise_a_deep_chain(answers):
    x, y = chain(DEPTH)
    y.backward()
    repr(y)
    answers.append(x.grad)
    answers.append(grad(y, x).data)
    for other in (copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        other.backward()
        answers.append(other.parents[1].grad)
    y.zero_grad()
    del other, y
    answers.append(x.grad)


SMALL_STACK = pytest.param(
    256 * 1024,
    marks=pytest.mark.skipif(
        sys.version_info[:3] == (3, 13, 0),
        reason="CPython 3.13.0 crashes when a deep chain is dropped on a small stack",
    ),
)


@pytest.mark.parametrize("stack", [0, SMALL_STACK])
def test_depth_is_no_limit_in_any_thread_and_the_recursion_limit_is_untouched(stack):
    limit = sys.getrecursionlimit()
    before = threading.stack_size(stack)
    try:
        answers = []
        thread = threading.Thread(target=exercise_a_deep_chain, args=[answers])
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert answers == [2.0, 2.0, 4.0, 4.0, 0.0]  # the sum of 1/2**k; a copy brings its gradient and adds to it
    assert sys.getrecursionlimit() == limit


def test_a_dropped_graph_is_freed_without_the_collector():
    gc.collect()
    gc.disable()
    try:
        x, y = chain(10)
        y.backward()
        second = grad(y * y, x)
        nodes = [weakref.ref(y), weakref.ref(y.parents[0]), weakref.ref(second), weakref.ref(x)]
        del x, y, second
        assert [node() for node in nodes] == [None] * 4
        tracemalloc.start()
        chain(20_000)[1].backward()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(3):
            chain(20_000)[1].backward()
        assert tracemalloc.get_traced_memory()[0] - before < 10_000  # bytes; a graph has millions
    finally:
        tracemalloc.stop()
        gc.enable()


def test_graphs_that_share_no_node_may_live_in_different_threads():
    answers = {}

    def work(k):
        x = Value(float(k))
        y = x
        for _ in range(2000):
            y = y + x * x
        for _ in range(5):
            y.zero_grad()
            y.backward()
        answers[k] = x.grad

    threads = [threading.Thread(target=work, args=[k]) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {k: 1.0 + 4000.0 * k for k in range(8)}
