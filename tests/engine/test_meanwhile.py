"""A graph that is looked at while it is differentiated: from a signal handler that interrupts, and from threads."""

import copy
import gc
import inspect
import pickle
import random
import re
import signal
import sys
import textwrap
import threading

import pytest
from helpers.alarm import alarm, alarm_in
from helpers.child import NEEDS_FORK, succeeds_in_child
from helpers.edge_numbers import NUMBERS

import autodiff
from autodiff import Op, Value, draw, grad, nn
from autodiff.checks.anomaly import first_nonfinite
from autodiff.engine import backward as walks, ops, record
from autodiff.engine.backward import backward_pass, toposort


def graph(seed, size=60):
    """A random graph of every shape of node, and its leaves."""
    chance = random.Random(seed)
    leaves = [Value(chance.uniform(-1.0, 1.0)) for _ in range(5)]
    nodes = list(leaves)
    for _ in range(size):
        a, b, c = [chance.choice(nodes[-12:] + leaves) for _ in range(3)]
        shapes = [
            lambda a, b, c: a + b, lambda a, b, c: a * b, lambda a, b, c: a.clip(-0.9, 0.9),
            lambda a, b, c: (a - b).relu(),
            lambda a, b, c: autodiff.sum(a, b, c), lambda a, b, c: autodiff.dot([a, b], [b, c], c),
            lambda a, b, c: autodiff.dot([a], [b]), lambda a, b, c: autodiff.max(a, b, c), lambda a, b, c: a**2,
            lambda a, b, c: autodiff.where(a, b, c), lambda a, b, c: ops.STEP(a, b, 0.5) * c,
        ]  # fmt: skip
        nodes.append(chance.choice(shapes)(a, b, c).tanh())
    return autodiff.sum(nodes[-20:]), leaves


def textbook(function):
    """The plain loop that stands in the docstring."""
    code = re.search(r"\n( +def .*?)\n\n\S", inspect.getdoc(function), re.DOTALL)[1]  # 3.13 strips margins itself
    names = {"entered": walks.entered}
    exec(textwrap.dedent(code), names)
    return names[function.__name__]


@pytest.mark.parametrize("seed", range(40))
def test_the_fast_walk_and_pass_are_the_textbooks_own_to_the_bit(seed):
    root, leaves = graph(seed)
    order, ends = toposort(root)
    plain_order, plain_ends = textbook(toposort)(root)
    assert [list(map(id, nodes)) for nodes in (order, ends)] == [
        list(map(id, nodes)) for nodes in (plain_order, plain_ends)
    ]
    assert [list(map(id, nodes)) for nodes in walks._by_set(root)] == [list(map(id, nodes)) for nodes in (order, ends)]
    root.backward()
    fast = [node.grad.hex() for node in (*order, *leaves)]
    root.zero_grad()
    textbook(backward_pass)(root, plain_order, plain_ends)
    assert [node.grad.hex() for node in (*order, *leaves)] == fast


def wild_graph(dice):
    """Nodes of any row of up to three operands and of dots, whose groups are shared, over numbers at the edges."""
    nodes = [Value(dice.choice(NUMBERS)) for _ in range(4)]
    groups = [tuple(dice.choices(nodes, k=n)) for n in range(3)]
    rows = [op for op in walks._TABLE if op is not ops.DOT]
    for _ in range(dice.randrange(1, 20)):
        op, operands = dice.choice(rows), dice.choices(nodes[-6:], k=3)
        try:
            if dice.random() < 0.3:
                inputs = dice.choice(groups)
                node = ops.DOT(tuple(dice.choices(nodes, k=len(inputs))), inputs, *operands[: dice.randrange(2)])
            else:
                static = [float(dice.randrange(3)) for _ in range(op.static)]
                node = op(*operands[: op.arity], *static)
        except (ValueError, ZeroDivisionError):
            continue
        if isinstance(node, Value):  # of two empty groups it is a number
            nodes.append(node)
            groups.append(tuple(dice.choices(nodes, k=3)))
    nodes[0].grad = dice.choice(NUMBERS)
    return nodes


@pytest.mark.parametrize("seed", range(400))
@pytest.mark.sampled
def test_they_are_so_too_with_any_row_and_with_numbers_at_the_edges(seed):
    def gradients(walk, sweep):
        nodes = wild_graph(random.Random(seed))
        order, leaves = walk(nodes[-1])
        place = {id(node): i for i, node in enumerate(nodes)}
        try:
            sweep(nodes[-1], order, leaves)
        except (ValueError, ZeroDivisionError) as error:
            return str(error)
        given = [place.get(id(node)) for node in (*order, *leaves)]
        return given, [node._grad if node._grad is None else node._grad.hex() for node in nodes]

    plain = gradients(textbook(toposort), textbook(backward_pass))
    for walk in (walks._by_marks, walks._by_set):
        assert gradients(walk, lambda *graph: backward_pass(*graph, None)) == plain


def chain(n):
    xs = [Value(0.5), Value(0.25)]
    y = xs[0]
    for i in range(n):
        y = (y * xs[i % 2] + xs[0]).tanh()
    return y, xs


LOOKS = {
    "grad": lambda y, x: grad(y, x),
    "pickle": lambda y, x: pickle.loads(pickle.dumps(y)),
    "copy": lambda y, x: copy.copy(y),
    "first_nonfinite": lambda y, x: first_nonfinite(y),
    "toposort": lambda y, x: toposort(y),
    "draw": lambda y, x: draw(x * x).dot,
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_look_from_a_signal_handler_changes_no_gradient(look):
    y, xs = chain(2_000)
    y.backward()
    right = [x.grad for x in xs]
    looks = 0

    def handler():
        nonlocal looks
        look(y, xs[0])
        looks += 1
        alarm_in(0.001 * (1 + looks % 5))  # somewhere in the walk or the pass

    with alarm(handler, 0.002):
        for _ in range(3_000):
            y.zero_grad()
            y.backward()
            assert [x.grad for x in xs] == right
            if looks >= 8:
                break
    assert looks


def test_a_backward_pass_from_a_signal_handler_raises_and_the_interrupted_one_is_right():
    y, xs = chain(6_000)
    y.backward()
    right = [x.grad for x in xs]
    other, apart = (xs[0] * 2.0).tanh(), Value(3.0)
    answers = set()

    def handler(*_):
        for change in (y.backward, other.backward, y.zero_grad):
            try:
                change()
            except RuntimeError as error:
                answers.add(str(error)[:40])
            else:
                answers.add("done")
                for x in xs:  # as it was, for the pass that has not begun
                    x.grad = 0.0
        (apart * apart).backward()

    before = signal.signal(signal.SIGALRM, handler)
    try:
        for _ in range(300):
            y.zero_grad()
            order = toposort(y)[0]
            inside = order[len(order) // 2]

            class Watch:
                @staticmethod
                def handed_on(node, inside=inside):
                    if node is inside:
                        signal.raise_signal(signal.SIGALRM)

            walks.backward(y, Watch)
            assert [x.grad for x in xs] == right
            if answers:
                break
    finally:
        signal.signal(signal.SIGALRM, before)
    assert answers == {"a backward pass through nodes of this gr"}
    assert apart.grad == 6.0
    assert not walks._under_way


@pytest.mark.parametrize("other", [1, 3, 99, 101, 300])
@pytest.mark.parametrize("running", [1, 3, 99, 101, 300])
def test_a_change_within_a_pass_is_refused_for_graphs_of_any_size(running, other):
    def scaled(x, nodes):
        for _ in range(nodes):
            x = x * 0.5
        return x

    x = Value(3.0)
    y, z = scaled(x, running), scaled(x, other)
    refused = 0

    class Watch:
        @staticmethod
        def handed_on(node):
            nonlocal refused
            for change in (z.backward, z.zero_grad, x.zero_grad):
                with pytest.raises(RuntimeError, match="is under way"):
                    change()
                refused += 1

    walks.backward(y, Watch)
    assert refused == 3 * running
    assert (x.grad, z.grad) == (0.5**running, 0.0)


def test_walks_of_the_same_graph_in_several_threads_are_right():
    y, xs = chain(700)
    want = list(map(id, toposort(y)[0]))
    slope = grad(y, xs[0]).data
    wrong, interval = [], sys.getswitchinterval()

    def work(k):
        for _ in range(5):
            if list(map(id, toposort(y)[0])) != want:
                wrong.append(k)
            if k % 2 and grad(y, xs[0]).data != slope:
                wrong.append(k)
            if k == 0 and pickle.loads(pickle.dumps(y)).data != y.data:
                wrong.append(k)

    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work, args=[k]) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert wrong == []


def test_two_backward_passes_at_once_of_one_graph_are_right_or_raise():
    model = nn.MLP(2, [6, 1], "tanh", seed=0)
    y = model([0.5, -0.25])
    y.backward()
    right = [p.grad for p in model.parameters()]
    raised, interval = [], sys.getswitchinterval()
    done = [0]

    def work():
        for _ in range(150):
            try:
                y.backward()
                done[0] += 1
            except RuntimeError:
                raised.append(1)

    model.zero_grad()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert len(raised) + done[0] == 300
    assert [p.grad for p in model.parameters()] == pytest.approx([done[0] * g for g in right], rel=1e-9)


def test_pickling_leaves_nothing_behind():
    y, _ = chain(50)
    pickle.dumps([y, y.parents[0]])
    gc.collect()
    assert not record._families


@NEEDS_FORK
def test_a_process_that_is_forked_off_does_not_wait_for_a_pass_of_another_thread():
    inside, leave = threading.Event(), threading.Event()
    leave.set()

    def rule(out, x):
        inside.set()
        leave.wait()
        return (2.0,)

    slow = Op("slow", lambda x: 2.0 * x, rule, "slow({x})")
    inside.clear()
    leave.clear()
    x = Value(1.0)
    x.grad = 5.0
    y = slow(x) + 3.0 * x  # the product has handed on when the rule is asked
    thread = threading.Thread(target=y.backward)
    thread.start()
    inside.wait()

    def own_pass():
        as_before = x.grad == 5.0 and y.grad == 0.0
        (7.0 * x).backward()
        return as_before and x.grad == 12.0

    found = succeeds_in_child(own_pass)
    half = x.grad
    leave.set()
    thread.join()
    assert found
    assert (half, x.grad) == (8.0, 10.0)
