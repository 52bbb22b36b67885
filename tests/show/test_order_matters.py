"""Orders of propagation: what each comes to is what propagating by hand comes to."""

import re

import pytest
from hypothesis import given, strategies as st
from test_steps import chain, graphs

from autodiff import Value, exp, heaviside, order_matters, steps, where
from autodiff.engine.backward import toposort


def smallest():
    a = Value(3.0, "a")
    b = a + a
    b.label = "b"
    c = b + b
    c.label = "c"
    return a, b, c


def by_hand(root, order):
    root.zero_grad()
    root.grad = 1.0
    for node in order:
        node.propagate()


def test_a_right_order_gives_the_right_gradients():
    a, b, c = smallest()
    report = order_matters(c, [c, a, b])
    assert report.right
    assert report.gradients == {"a": (4.0, 4.0)}
    assert report.early == ()
    assert str(report).splitlines() == [
        "order: c, b",
        "leaf  in this order  right  lost",
        "a                 4      4",
        "every node comes after all nodes that it is an operand of, so every gradient is complete",
    ]


def test_a_wrong_order_loses_what_propagating_by_hand_loses():
    a, b, c = smallest()
    report = order_matters(c, [b, c])
    by_hand(c, [b, c])
    assert report.gradients == {"a": (a.grad, 4.0)} == {"a": (0.0, 4.0)}
    (early,) = report.early
    assert (early.name, early.handed_on, early.complete, early.late) == ("b", 0.0, 2.0, ("c",))
    assert report.working == ("c", "b")
    assert "b is propagated too early: it hands on 0 in place of 2, because c contributes" in str(report)


@pytest.mark.slow
@given(graphs(), st.randoms(use_true_random=False))
def test_any_order_gives_what_propagating_by_hand_gives(graph, chance):
    root, _ = graph
    order = [step.node for step in steps(root).backward]
    chance.shuffle(order)
    report = order_matters(root, order)
    by_hand(root, order)
    for leaf in steps(root).leaves:
        if leaf.label:
            got, right = report.gradients[leaf.label]
            assert got == leaf.grad
            assert not report.right or got == pytest.approx(right)


@pytest.mark.parametrize(
    ("order", "error", "message"),
    [
        (lambda a, b, c: [c], ValueError, "leaves out b"),
        (lambda a, b, c: [], ValueError, "leaves out c, b"),
        (lambda a, b, c: [c, b, b], ValueError, "b is in the order twice"),
        (lambda a, b, c: [c, b, Value(1.0)], ValueError, "no part of the graph of c"),
        (lambda a, b, c: [c, b, 3], TypeError, "got int"),
    ],
)
def test_an_order_must_name_every_operation_once(order, error, message):
    a, b, c = smallest()
    with pytest.raises(error, match=message):
        order_matters(c, order(a, b, c))


def test_a_late_contribution_of_0_is_no_loss_but_still_too_late():
    a, z = Value(3.0), Value(0.0)
    b = a + a
    d = b * z
    c = b + d
    text = str(order_matters(c, [c, b, d]))
    assert "b is propagated too early: it hands on 1, which is right by chance alone, because d" in text


def test_all_nodes_that_are_propagated_too_early_are_told_with_all_that_come_late():
    a = Value(3.0)
    b = a + a
    c, d = b * 2.0, b * b
    e = c + d
    report = order_matters(e, [b, d, c, e])
    assert [(early.name, early.late) for early in report.early] == [("b", ("d", "c")), ("d", ("e",)), ("c", ("e",))]
    assert "b is propagated too early: it hands on 0 in place of 14, because d and c contribute to it" in str(report)
    assert report.working == ("e", "d", "c", "b")


@pytest.mark.parametrize(("operations", "ending"), [(11, "v2, v1"), (12, "v3, v2 ...")])
def test_of_many_operations_that_are_left_out_the_first_ten_are_told(operations, ending):
    root = chain(operations)
    with pytest.raises(
        ValueError, match=rf"the order leaves out v{operations - 1}, .*{re.escape(ending)}: it must name"
    ):
        order_matters(root, [root])


@pytest.mark.parametrize(
    "infinite", [lambda x: exp(1000.0 * x) - exp(1000.0 * x), lambda x: x * float("nan")], ids=["inf - inf", "nan"]
)
def test_by_hand_a_branch_that_was_not_taken_hands_on_nothing(infinite):
    x = Value(2.0, "x")
    square = x * x
    out = where(heaviside(x), square, infinite(x))
    order = list(reversed(toposort(out)[0]))
    by_hand(out, order)
    assert x.grad == 4.0
    assert order_matters(out, order).gradients["x"] == (4.0, 4.0)
