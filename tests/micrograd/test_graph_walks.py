"""What a learner's own walks, drawings and backward loops ask of a node: `_prev`, `_op`, `label`, `_backward`."""

import math
import random

import pytest

import autodiff
from autodiff import Value
from autodiff.nn import MLP, Neuron


def trace(root):
    """The nodes and the edges of a graph, by a recursion over `_prev` that keeps sets."""
    nodes, edges = set(), set()

    def visit(node):
        if node not in nodes:
            nodes.add(node)
            for parent in node._prev:
                edges.add((parent, node))
                visit(parent)

    visit(root)
    return nodes, edges


def sorted_by_hand(root):
    order, visited = [], set()

    def visit(node):
        if node not in visited:
            visited.add(node)
            for parent in node._prev:
                visit(parent)
            order.append(node)

    visit(root)
    return order


def test_a_walk_finds_the_nodes_and_edges_that_the_formula_has():
    a, b = Value(2.0, label="a"), Value(3.0, label="b")
    c = a * b + a
    nodes, edges = trace(c)
    assert len(nodes) == 4
    assert len(edges) == 4
    assert sorted(n._op for n in nodes) == ["", "", "*", "+"]
    assert sorted(n.label for n in nodes if not n._op) == ["a", "b"]


def test_a_walk_keeps_nodes_of_equal_data_apart():
    a, b = Value(2.0), Value(2.0)
    nodes, _ = trace(a * b - 2)
    assert len(nodes) == 5  # a, b, the product, the 2, the difference
    assert len(sorted_by_hand(a * b - 2)) == 5


def test_the_parents_are_a_set_in_the_order_of_the_operands():
    a, b = Value(1.0), Value(1.0)
    c = a - b
    assert c._prev == {a, b}
    assert [id(p) for p in c._prev] == [id(a), id(b)]
    assert len((a + a)._prev) == 1
    assert a in c._prev
    assert c not in c._prev
    assert a._prev == set()
    assert {c} | c._prev == {a, b, c}


SIGNS = {
    "leaf": (lambda x: x, ""),
    "sum": (lambda x: x + 1, "+"),
    "product": (lambda x: 2 * x, "*"),
    "square": (lambda x: x**2, "**2"),
    "cube of a float": (lambda x: x**3.0, "**3"),
    "root": (lambda x: x**0.5, "**0.5"),
    "reciprocal": (lambda x: x**-1, "**-1"),
    "relu": (lambda x: x.relu(), "ReLU"),
    "tanh": (lambda x: x.tanh(), "tanh"),
    "exp": (lambda x: x.exp(), "exp"),
    "log": (lambda x: x.log(), "log"),
    "quotient": (lambda x: x / 2, "/"),  # one node here; there, a product with a power
    "difference": (lambda x: x - 2, "-"),
    "negative": (lambda x: -x, "-"),
    "power of two values": (lambda x: x**x, "**"),
}


@pytest.mark.parametrize(("make", "sign"), SIGNS.values(), ids=SIGNS)
def test_the_sign_of_an_operation_is_the_one_that_micrograd_writes(make, sign):
    assert make(Value(2.0))._op == sign


def test_the_drawing_of_the_lecture_can_be_made_of_the_nodes():
    graphviz = pytest.importorskip("graphviz")
    x1, w1 = Value(2.0, label="x1"), Value(-3.0, label="w1")
    b = Value(6.8813735870195432, label="b")
    product = x1 * w1
    product.label = "x1*w1"
    n = product + b
    n.label = "n"
    o = n.tanh()
    o.label = "o"
    o.backward()
    dot = graphviz.Digraph(format="svg", graph_attr={"rankdir": "LR"})
    nodes, edges = trace(o)
    for node in nodes:
        name = str(id(node))
        label = "{ %s | data %.4f | grad %.4f }" % (node.label, node.data, node.grad)  # noqa: UP031  # as there
        dot.node(name=name, label=label, shape="record")
        if node._op:
            dot.node(name=name + node._op, label=node._op)
            dot.edge(name + node._op, name)
    for one, other in edges:
        dot.edge(str(id(one)), str(id(other)) + other._op)
    slope = 1 - math.tanh(0.8813735870195432) ** 2
    assert f"{{ w1 | data -3.0000 | grad {2 * slope:.4f} }}" in dot.source
    assert dot.source.count("->") == len(edges) + 3  # and one from each operation to its number


def test_gradients_step_by_step_are_those_of_the_closed_form():
    x, w, b = Value(0.5), Value(-3.0), Value(1.0)
    p = x * w
    n = p + b
    o = n.tanh()
    o.grad = 1.0
    for node in (o, n, b, p, x, w):  # leaves too, as in the lecture
        node._backward()
    slope = 1 / math.cosh(0.5 * -3.0 + 1.0) ** 2
    assert [n.grad, b.grad, x.grad, w.grad] == pytest.approx([slope, slope, -3 * slope, 0.5 * slope], rel=1e-14)


def test_a_backward_loop_of_ones_own_is_backward():
    random.seed(7)
    model = MLP(3, [4, 4, 1])
    loss = (model([2.0, 3.0, -1.0]) - 1.0) ** 2
    order = sorted_by_hand(loss)
    loss.grad = 1.0
    for node in reversed(order):
        node._backward()
    by_hand = [p.grad for p in model.parameters()]
    loss.zero_grad()
    loss.backward()
    assert by_hand == pytest.approx([p.grad for p in model.parameters()], rel=1e-12)
    assert any(by_hand)


def test_a_neuron_is_drawn_as_one_weighted_sum_unless_it_is_expanded():
    x = [Value(1.0), Value(-2.0)]
    signs = [sorted(n._op for n in trace(Neuron(2, "tanh", expand=e)(x))[0] if n._op) for e in (False, True)]
    assert signs == [["dot", "tanh"], ["*", "*", "+", "+", "tanh"]]


@pytest.mark.parametrize("name", ["_prev", "_op"])
def test_what_a_node_was_computed_by_cannot_be_set(name):
    y = Value(2.0) * 3
    with pytest.raises(AttributeError, match=f"^{name} of a Value can be read, not set: .* by hand: Value"):
        setattr(y, name, "+")
    assert y._op == "*"


def test_the_module_itself_has_no_name_in_the_index():
    assert "micrograd" not in autodiff.__all__
