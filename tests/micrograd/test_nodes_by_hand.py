"""Nodes that are made by hand, `Value(data, children, sign)`, with a `_backward` that is set on them."""

import copy
import gc
import math
import pickle
import weakref

import pytest

from autodiff import Replay, Value, anomaly_detection, check_gradients, derive, draw, grad, steps


def by_hand(number, parents, sign, slopes):
    """A node whose `_backward` adds gradient x slope to each parent, as the lecture writes it."""
    out = Value(number, parents, sign)

    def _backward():
        for parent, slope in zip(parents, slopes, strict=True):
            parent.grad += slope() * out.grad

    out._backward = _backward
    return out


def plus(a, b):
    return by_hand(a.data + b.data, (a, b), "+", (lambda: 1.0, lambda: 1.0))


def times(a, b):
    return by_hand(a.data * b.data, (a, b), "*", (lambda: b.data, lambda: a.data))


def tanh(a):
    t = math.tanh(a.data)
    return by_hand(t, (a,), "tanh", (lambda: 1 - t**2,))


def exp(a):
    out = by_hand(math.exp(a.data), (a,), "exp", (lambda: out.data,))
    return out


def test_a_graph_by_hand_has_the_gradients_of_the_closed_form():
    x, w, b = Value(0.5, label="x"), Value(-3.0, label="w"), Value(1.0, label="b")
    o = tanh(plus(times(x, w), b))
    o.backward()
    slope = 1 / math.cosh(-0.5) ** 2
    assert o.data == math.tanh(-0.5)
    assert [x.grad, w.grad, b.grad, o.grad] == pytest.approx([-3 * slope, 0.5 * slope, slope, 1.0], rel=1e-14)


def test_nodes_by_hand_mix_with_all_others_in_the_right_order():
    a, b = Value(0.7), Value(-0.4)
    h = times(a, b)  # used on both sides: its gradient must be whole before it is handed on
    root = exp(h * a) + h.tanh() * plus(h, b) + a**2
    root.backward()
    x, y = 0.7, -0.4
    by_h = math.exp(x * y * x) * x + (x * y + y) / math.cosh(x * y) ** 2 + math.tanh(x * y)
    assert root.data == pytest.approx(math.exp(x * y * x) + math.tanh(x * y) * (x * y + y) + x**2)
    assert h.grad == pytest.approx(by_h, rel=1e-14)
    assert a.grad == pytest.approx(by_h * y + math.exp(x * y * x) * x * y + 2 * x, rel=1e-14)
    assert b.grad == pytest.approx(by_h * x + math.tanh(x * y), rel=1e-14)


@pytest.mark.slow
def test_nodes_by_hand_agree_with_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is what these numbers are compared with")
    a, b = Value(0.3), Value(1.7)
    h = plus(times(a, b), exp(a))
    (tanh(h) / (h + 2) + times(h, h)).backward()
    x, y = (torch.tensor(n, dtype=torch.float64, requires_grad=True) for n in (0.3, 1.7))
    k = x * y + x.exp()
    (k.tanh() / (k + 2) + k * k).backward()
    assert [a.grad, b.grad] == pytest.approx([x.grad.item(), y.grad.item()], rel=1e-13)


def test_a_parent_that_is_used_twice_is_one_parent():
    a = Value(3.0)
    y = times(a, a)
    y.backward()
    assert a.grad == 6.0
    assert len(y._prev) == len(y.parents) == 1


def test_backward_again_doubles_leaves_and_nothing_else():
    a = Value(3.0)
    h = times(a, a)
    y = h * h
    y.backward()
    y.backward()
    assert [a.grad, h.grad] == [2 * 4 * 27.0, 18.0]  # y = a**4


def test_the_function_is_called_once_a_backward_pass_also_without_a_gradient():
    a, calls = Value(2.0), []
    h = Value(5.0, (a,), "seen")
    h._backward = lambda: calls.append(h.grad)
    (0 * h + 3 * a).backward()
    assert calls == [0.0]
    assert a.grad == 3.0
    (7 * h).backward()
    assert calls == [0.0, 7.0]


def test_a_function_that_is_no_multiple_of_its_gradient_is_asked_with_the_gradient_itself():
    a = Value(2.0)
    h = Value(2.0, (a,), "clipped")

    def _backward():
        a.grad += max(-1.0, min(1.0, h.grad))

    h._backward = _backward
    (50 * h).backward()
    assert a.grad == 1.0


def test_the_numbers_are_those_of_the_forward_pass():
    a, b = Value(2.0), Value(5.0)
    y = times(a, b)
    a.data = 100.0
    y.backward()
    assert [a.grad, b.grad, a.data] == [5.0, 2.0, 100.0]


def test_setting_a_gradient_in_place_of_adding_loses_nothing_of_other_nodes():
    a = Value(2.0)
    h = Value(6.0, (a,), "three")

    def _backward():
        a.grad = 3 * h.grad  # the slip of the lecture: = for +=

    h._backward = _backward
    (h + 4 * a).backward()
    assert a.grad == 7.0


def test_by_hand_the_function_itself_is_called():
    a, b = Value(2.0), Value(5.0)
    y = times(a, b)
    y.grad = 10.0
    y._backward()
    assert [a.grad, b.grad] == [50.0, 20.0]
    y._backward()
    assert [a.grad, b.grad] == [100.0, 40.0]
    y.propagate()
    assert [a.grad, b.grad] == [150.0, 60.0]


def test_the_forms_of_the_constructor():
    a, b = Value(2.0), Value(5.0)
    made = [
        Value(10.0, (a, b), "*", label="L"),
        Value(10.0, (a, b), "*", "L"),
        Value(10.0, _children=(a, b), _op="*", label="L"),
        Value(10.0, [a, b], _op="*", label="L"),
    ]
    for node in made:
        assert (node.data, node._op, node.label, node.parents) == (10.0, "*", "L", (a, b))
        assert not isinstance(node.data, int)
    assert Value(1.0, {a}, "u")._prev == {a}
    assert Value(1.0, (a,))._op == ""
    for leaf in (Value(3, (), ""), Value(3, label=""), Value(3, ()), Value(3, [], "", "")):
        assert (leaf.data, leaf.label, leaf._op, leaf.parents, leaf.op) == (3.0, "", "", (), None)
    assert Value(3, (), "", "x").label == Value(3, (), label="x").label == "x"


WRONG = {
    "two labels": (lambda a: Value(1, "x", label="y"), TypeError, r"expected Value\(data, label\) or"),
    "a sign and a label": (lambda a: Value(1, "x", "*"), TypeError, r"expected Value\(data, label\) or"),
    "numbers as parents": (lambda a: Value(1, (1, 2), "*"), TypeError, "expected Values that the node .* got int: 1"),
    "one parent alone": (lambda a: Value(1, a, "*"), TypeError, r"such as \(a, b\), got Value"),
    "no parents": (lambda a: Value(1, (), "*"), ValueError, "needs the nodes that it was computed from, got none"),
    "a number as sign": (lambda a: Value(1, (a,), 5), TypeError, "sign of the operation as text, .* got int: 5"),
    "a number as label": (lambda a: Value(1, (a,), "*", 5), TypeError, "a label as text, got int: 5"),
    "a number as label of a leaf": (lambda a: Value(1, label=5), TypeError, "a label as text, got int: 5"),
    "None as label": (lambda a: Value(1, None), TypeError, "a label as text, .* got NoneType"),
    "text as data": (lambda a: Value("3", (a,), "*"), TypeError, "expected one real number"),
}


@pytest.mark.parametrize(("make", "error", "words"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_meant_is_refused_at_once(make, error, words):
    with pytest.raises(error, match=words):
        make(Value(2.0))


def test_a_node_without_its_function_is_refused_when_gradients_are_asked_for():
    a = Value(2.0)
    y = Value(4.0, (a,), "sq")
    a.grad = 5.0
    for ask in ((3 * y).backward, y._backward, y.propagate):
        with pytest.raises(RuntimeError, match=r"'sq' was made by hand, and nothing says .* set out._backward"):
            ask()
    assert a.grad == 5.0


def test_a_function_that_raises_changes_nothing():
    a = Value(2.0)
    y = Value(4.0, (a,), "sq")
    a.grad = 5.0

    def _backward():
        a.grad += 1
        a.grad += "no number"

    y._backward = _backward
    with pytest.raises(TypeError):
        (3 * y).backward()
    assert [a.grad, a.data, y.grad, y.data] == [5.0, 2.0, 0.0, 4.0]


def test_a_function_can_be_set_on_nodes_by_hand_alone():
    a = Value(2.0)
    for node, what in ((a, "a leaf"), (a * 3, "which knows its derivatives")):
        with pytest.raises(AttributeError, match=f"can be set on nodes made by hand.*{what}"):
            node._backward = print
    with pytest.raises(TypeError, match="expected a function without arguments as _backward, got float"):
        Value(1.0, (a,), "s")._backward = 3.0


def test_a_node_by_hand_is_drawn_stepped_and_derived():
    x = Value(2.0, "x")
    y = by_hand(8.0, (x,), "cube", (lambda: 3 * x.data**2,))
    root = 5 * y
    root.backward()
    assert y.local_derivatives() == (12.0,)
    assert "5 * 12 = 60" in str(steps(root))
    assert "5 * 12" in str(derive(root, wrt=x))
    assert "cube by hand" in draw(root).dot
    assert x.grad == 60.0  # all of them only looked


def test_a_sign_that_is_one_of_the_rows_is_not_taken_for_it():
    x, y = Value(2.0, "x"), Value(3.0, "y")
    for sign in ("dot", "+", "=", "mean", "{x}", "", "%", "heaviside"):
        out = by_hand(7.0, (x, y), sign, (lambda: 11.0, lambda: 13.0))
        assert out._op == sign
        assert "by hand" in str(steps(out))
        assert "by hand" in str(derive(out, wrt=x))
        assert draw(out, local_derivatives=True) is not None


def test_what_was_written_for_numbers_is_not_differentiated_twice():
    x = Value(2.0)
    y = by_hand(8.0, (x,), "cube", (lambda: 3 * x.data**2,))
    with pytest.raises(TypeError, match=r"'cube' .* cannot be differentiated again: make it an autodiff.Op"):
        grad(5 * y, x)
    assert grad(5 * y + x**2, Value(1.0)).data == 0.0  # what does not pass through it can be


def test_a_node_by_hand_cannot_be_replayed():
    x = Value(2.0, "x")
    y = by_hand(8.0, (x,), "cube", (lambda: 3 * x.data**2,))
    with pytest.raises(TypeError, match=r"'cube' was made by hand .* cannot be computed anew: make it an autodiff.Op"):
        Replay(5 * y + x, [x])


def test_a_copy_computes_as_the_original_did_and_touches_nothing_of_it():
    x = Value(2.0)
    y = times(x, x) + x
    again = copy.deepcopy(y)
    x.data = 50.0
    again.backward()
    (own,) = {p for node in again.parents for p in (node, *node.parents) if not p.parents}
    assert own.grad == 5.0
    assert [x.grad, y.grad, x.data] == [0.0, 0.0, 50.0]


def test_a_node_by_hand_is_not_written_to_a_file():
    with pytest.raises(pickle.PicklingError, match="'\\*' was made by hand, and its _backward cannot be written"):
        pickle.dumps(times(Value(2.0), Value(3.0)))


def test_the_check_finds_a_derivative_that_was_written_wrong():
    def wrong(x):
        return by_hand(x.data**3, (x,), "cube", (lambda: 2 * x.data**2,))

    def right(x):
        return by_hand(x.data**3, (x,), "cube", (lambda: 3 * x.data**2,))

    x = Value(2.0, "x")
    assert check_gradients(lambda: right(x), x)
    assert not check_gradients(lambda: wrong(x), x)


def test_a_nan_by_hand_is_found_where_it_was_made():
    with pytest.raises(ArithmeticError, match="cube by hand"), anomaly_detection():
        Value(math.nan, (Value(2.0),), "cube")


@pytest.mark.slow
def test_a_graph_by_hand_is_freed_like_any_other():
    x = Value(2.0)
    y = times(x, x)
    seen = weakref.ref(y)
    del y
    gc.collect()  # the function holds its node and the node its function, as in micrograd
    assert seen() is None


def test_an_operation_can_be_added_to_the_class_as_a_method(monkeypatch):
    monkeypatch.setattr(
        Value, "cube", lambda self: by_hand(self.data**3, (self,), "cube", (lambda: 3 * self.data**2,)), raising=False
    )
    x = Value(2.0)
    (x.cube() * 2).backward()
    assert x.grad == 24.0


def test_a_subclass_with_operations_of_its_own_works():
    class Mine(Value):
        def squared(self):
            return by_hand(self.data**2, (self,), "sq", (lambda: 2 * self.data,))

        def __repr__(self):
            return f"Mine({self.data})"

    x = Mine(3.0, label="x")
    node = Mine(9.0, (x,), "sq")
    assert repr(node) == "Mine(9.0)"
    assert node._prev == {x}
    (x.squared() + x).backward()
    assert x.grad == 7.0
