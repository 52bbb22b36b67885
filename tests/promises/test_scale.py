import copy
import gc
import os
import pickle
import sys
import threading
import tracemalloc
import weakref

import pytest

import autodiff
from autodiff import Replay, Value, grad
from autodiff.engine.backward import toposort

# Far beyond the recursion limit of 1,000. In full: NODES=1000000 python -m pytest tests/test_scale.py
NODES = int(os.environ.get("NODES", 30_000))
OTHERS = NODES // 3 if NODES < 10**6 else NODES


def chain(depth):
    x = Value(1.0)
    y = x
    for _ in range(depth):
        y = y * 0.5 + x
    return x, y


def ladder(n):
    """Each node is the mean of the two before it: both are shared, and the answer tends to (x + 2 z)/3."""
    x, before = Value(0.0), Value(3.0)
    z, y = before, x
    y, before = before, y
    for _ in range(n // 2):
        y, before = (y + before) * 0.5, y
    return [x, z], y


def fan(n):
    """One leaf under n nodes under one node."""
    x = Value(2.0)
    return [x], autodiff.sum([x * 0.5 for _ in range(n)])


def wide(n):
    """One node of n leaves, each twice."""
    leaves = [Value(1.0) for _ in range(n)]
    return [leaves[0], leaves[-1]], autodiff.dot(leaves, reversed(leaves))


def deep(n):
    x, y = chain(n // 2)
    return [x], y


SHAPES = {  # a graph of about n nodes, and the gradient of its leaves
    "deep": (deep, NODES, lambda n: [2.0]),  # the sum of 1/2**k
    "ladder": (ladder, OTHERS, lambda n: [1 / 3, 2 / 3]),
    "fan": (fan, OTHERS, lambda n: [n / 2]),
    "wide": (wide, OTHERS, lambda n: [2.0, 2.0]),
}
SMALL_STACK = 256 * 1024  # bytes


def live(again):
    """The gradients of the leaves of a graph that was copied, in the order of its first walk."""
    again.zero_grad()
    again.backward()
    return [leaf.grad for leaf in toposort(again)[1]]


def exercise(make, n, answers):
    leaves, y = make(n)
    y.backward()
    answers["backward"] = [x.grad for x in leaves]
    answers["grad"] = [slope.data for slope in grad(y, *leaves, leaves[0])][:-1]
    every = [leaf.grad for leaf in toposort(y)[1]]
    repr(y)
    for how, clone in (("copy", copy.deepcopy), ("pickle", lambda graph: pickle.loads(pickle.dumps(graph)))):
        answers[how] = live(clone(y)) == every
    answers["replay"] = list(map(float, Replay(y, leaves).gradient()[1]))
    y.zero_grad()
    answers["forgotten"] = {x.grad for x in leaves}


@pytest.mark.parametrize("stack", ["main thread", 0, SMALL_STACK])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_large_graph_lives_and_dies_in_any_thread_without_recursion_or_the_collector(shape, stack):
    make, n, gradients = SHAPES[shape]
    limit, answers = sys.getrecursionlimit(), {}
    exercise(make, 2000, {})  # imports what is imported when it is needed
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        if stack == "main thread":
            exercise(make, n, answers)
        else:
            in_thread(stack, exercise, make, n, answers)
        assert len(gc.get_objects()) - before < 200, "what is left over; a graph has thousands of objects"
    finally:
        gc.enable()
    assert answers.pop("forgotten") == {0.0}
    for how in ("backward", "grad", "replay"):
        assert answers.pop(how) == pytest.approx(gradients(n), rel=1e-9)
    assert answers == {"copy": True, "pickle": True}
    assert sys.getrecursionlimit() == limit


def in_thread(stack, function, *arguments):
    before = threading.stack_size(stack)
    try:
        thread = threading.Thread(target=function, args=arguments)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)


def test_the_memory_of_a_dropped_graph_comes_back_without_the_collector():
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
        chain(5_000)[1].backward()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(3):
            chain(5_000)[1].backward()
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
