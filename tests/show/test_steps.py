import math
import re
import struct

import pytest
from hypothesis import given, strategies as st

from autodiff import Value, dot, logsumexp, max, nn, prod, steps, sum


def bits(number):
    return struct.pack("d", number)


@st.composite
def graphs(draw):
    """A graph of any operations, with shared nodes, dead branches, operands used twice, and its leaves."""
    leaves = [Value(draw(st.floats(-2, 2)), f"x{i}") for i in range(3)]
    nodes = list(leaves)
    for _ in range(draw(st.integers(1, 12))):
        x, y = draw(st.sampled_from(nodes)), draw(st.sampled_from(nodes))
        nodes.append(
            draw(
                st.sampled_from(
                    [
                        lambda x=x, y=y: x + y,
                        lambda x=x, y=y: x - y,
                        lambda x=x, y=y: x * y,
                        lambda x=x, y=y: x * 0.0 + y,
                        lambda x=x: x.tanh(),
                        lambda x=x: (-x).relu(),
                        lambda x=x: abs(x),
                        lambda x=x, y=y: x.maximum(y),
                        lambda x=x, y=y: dot([x, y], [y, x], x),
                        lambda x=x, y=y: logsumexp(x, y, y),
                        lambda x=x, y=y: prod(x, y, 0.0),
                        lambda x=x, y=y: max(x, y, x),
                    ]
                )
            )()
        )
    return nodes[-1], leaves


@pytest.mark.slow
@given(graphs())
def test_the_story_ends_with_the_gradients_of_backward_to_the_bit(graph):
    root, leaves = graph
    story = steps(root)
    root.backward()
    for node in [*leaves, *[step.node for step in story.forward]]:
        if node._grad is not None:
            assert bits(story.gradient(node)) == bits(node.grad)


@pytest.mark.slow
@given(graphs())
def test_every_ledger_sums_to_its_gradient_in_order(graph):
    root, _ = graph
    story = steps(root)
    for node in story.nodes.values():
        ledger = story.ledger(node)
        total = 1.0 if node is root else 0.0
        for entry in ledger.entries:
            assert bits(entry.before) == bits(total)
            total += entry.amount
            assert bits(entry.after) == bits(total)
        assert bits(ledger.total) == bits(total)


@pytest.mark.slow
@given(graphs())
def test_the_steps_come_in_the_order_of_backward(graph):
    root, _ = graph
    story = steps(root)
    handed_on = []

    class Watcher:
        def handed_on(self, node):
            handed_on.append((node, node.grad))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autodiff.engine.value.watcher", Watcher())
        root.backward()
    told = [(step.node, step.incoming) for step in story.backward]
    ids = [id(node) for node, _ in told]
    assert [id(node) for node, _ in handed_on] == [i for i in ids if i in {id(node) for node, _ in handed_on}]
    assert all(dict(zip(ids, told, strict=True))[id(node)][1] == grad for node, grad in handed_on)


def neuron():
    w, x, b, y = (Value(number, name) for number, name in ((3.0, "w"), (2.0, "x"), (1.0, "b"), (5.0, "y")))
    loss = (w * x + b - y) ** 2
    loss.label = "L"
    return loss, w


def test_no_node_is_touched():
    loss, w = neuron()
    w.grad = 7.0
    steps(loss)
    assert w.grad == 7.0
    assert loss._grad is None


def test_each_record_says_formula_numbers_and_gradients():
    loss, w = neuron()
    story = steps(loss)
    assert [(f.name, f.formula.text(), f.formula.text(numbers=True), f.result) for f in story.forward] == [
        ("v1", "w * x", "3 * 2", 6.0),
        ("v2", "v1 + b", "6 + 1", 7.0),
        ("v3", "v2 - y", "7 - 5", 2.0),
        ("L", "v3**2", "2**2", 4.0),
    ]
    first, *_, last = story.backward
    (square,) = first.contributions
    assert (square.rule.text(), square.rule.text(numbers=True), square.local) == ("2 * v3", "2 * 2", 4.0)
    to_w = last.contributions[0]
    assert (to_w.name, to_w.parent_name, to_w.position) == ("v1", "w", 0)
    assert (to_w.incoming, to_w.local, to_w.amount, to_w.before, to_w.after) == (4.0, 2.0, 8.0, 0.0, 8.0)
    assert story.gradient(w) == story.gradient("w") == 8.0


def test_both_contributions_of_a_plus_a_are_told():
    a = Value(3.0, "a")
    story = steps(a + a)
    assert [(c.position, c.amount, c.after) for c in story.backward[0].contributions] == [(0, 1.0, 1.0), (1, 1.0, 2.0)]
    assert len(story.ledger("a").entries) == 2


def test_the_numbers_are_those_of_the_forward_pass():
    w = Value(3.0, "w")
    loss = w * 2.0
    w.data = 100.0
    assert steps(loss).forward[0].formula.text(numbers=True) == "3 * 2"


def test_the_number_of_a_node_is_the_one_that_was_used_first_whatever_it_is_now():
    w = Value(3.0, "w")
    y = w * 2.0
    w.data = 100.0
    L = y * w
    y.data = 7.0
    story = steps(L)
    assert [story.number(node) for node in (w, y, "L")] == [3.0, 6.0, 600.0]
    assert story.gradient(w) == 6.0 + 100.0 * 2.0


def test_the_nodes_come_as_they_are_met_the_leaves_first():
    loss, _ = neuron()
    story = steps(loss)
    assert [story.name(leaf) for leaf in story.leaves] == ["w", "x", "b", "y"]
    assert [story.name(node) for node in story.all_nodes] == [*"wxby", "v1", "v2", "v3", "L"] == list(story.nodes)
    assert (len(story), repr(story)) == (8, "<Steps of L: 4 operations>")


def test_through_an_infinite_node_a_gradient_of_0_is_handed_on_but_not_that_of_a_branch_not_taken():
    w, x = Value(1.0, "w"), Value(math.inf, "x")
    L = (-dot([w], [x])).relu()
    story = steps(L)
    L.backward()
    assert w.grad == story.gradient(w) == 0.0
    w = Value(1.0, "w")
    L = dot([w], [x]) * 0.0
    story = steps(L)
    L.backward()
    assert math.isnan(w.grad)
    assert math.isnan(story.gradient(w))  # 0 * inf


def test_a_branch_not_taken_contributes_nothing_to_an_infinite_gradient():
    x = Value(-1.0, "x")
    story = steps((x.relu() * 0.0 + 0.0).sqrt())
    assert story.gradient(x) == 0.0


def test_names_are_labels_numbers_or_counted_and_never_the_same_for_two_operations():
    w, other = Value(2.0, "w"), Value(3.0, "w")
    v1 = w * other
    v1.label = "v1"
    story = steps(v1 * 5.0 + other)
    assert set(story.nodes) == {"w", "w#2", "c1", "v1", "v2", "v3"}
    assert story.forward[1].formula.text() == "v1 * 5"


def test_the_names_of_many_nodes_with_the_same_label_are_still_their_own():
    total = Value(0.0, "w#3")
    for _ in range(5):
        total = total + Value(1.0, "w")
    assert {"w", "w#2", "w#3", "w#4", "w#5", "w#6"} <= set(steps(total).nodes)


def test_a_lone_leaf_has_a_story_too():
    x = Value(2.0, "x")
    story = steps(x)
    assert (len(story), story.gradient(x)) == (0, 1.0)
    assert str(story) == str(story.ledger(x)) == "dx/dx = 1, by definition"


def test_a_layer_reads_as_a_textbook_writes_it():
    model = nn.MLP(2, [1], "tanh", output="tanh", seed=1)
    story = steps(model([1.0, -2.0]))
    assert story.forward[0].formula.text() == "w[0][0,0] * 1 + w[0][0,1] * (-2) + b[0][0]"
    assert story.backward[0].contributions[0].rule.text() == "1 - tanh(z[0][0])**2"


@pytest.mark.parametrize("wrong", [3.0, None, "w", [Value(1.0)]])
def test_only_a_value_has_steps(wrong):
    with pytest.raises(TypeError, match="expected one Value, got"):
        steps(wrong)


def test_of_several_values_one_is_to_be_chosen():
    with pytest.raises(TypeError, match=r"^expected one Value, got tuple: choose one of them$"):
        steps((Value(1.0), Value(2.0)))
    with pytest.raises(TypeError, match=r"^expected one Value, got int$"):
        steps(3)


@pytest.mark.parametrize(("leaves", "ending"), [(19, "x17, x18, total"), (20, "x17, x18, x19 ...")])
def test_of_many_names_the_first_twenty_are_told(leaves, ending):
    total = sum([Value(1.0, f"x{i}") for i in range(leaves)])
    with pytest.raises(ValueError, match=rf"^no node is called 'q'; there are x0, x1, .*{re.escape(ending)}$"):
        steps(total).node("q")


def test_an_engine_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="engine must be one of 'auto', 'embedded', got 'neato'"):
        steps(Value(1.0), engine="neato")


def test_nodes_that_are_not_of_the_graph_are_refused():
    loss, _ = neuron()
    story = steps(loss)
    with pytest.raises(ValueError, match="no part of the graph of L"):
        story.ledger(Value(1.0))
    with pytest.raises(ValueError, match="no node is called 'q'; there are"):
        story.ledger("q")
    with pytest.raises(TypeError, match="a Value of this graph or its name, got int"):
        story.gradient(3)


@pytest.mark.slow
def test_a_story_too_long_to_tell_is_refused_with_advice():
    xs = [Value(1.0)] * 100_001
    assert len(steps(sum(xs[1:]))) == 2
    with pytest.raises(ValueError, match=r"1 operations on 100,001 operands, and at most 100,000.*take a part of it"):
        steps(sum(xs))


def chain(n):
    x = Value(1.0, "x")
    for _ in range(n):
        x = x.tanh()
    return x


def test_a_long_story_is_summed_up_when_it_is_printed():
    assert str(steps(chain(51))) == "the steps of v51: 51 forward, 51 backward"
    assert str(steps(chain(50))).count("contribution") == 50
    assert str(steps(chain(1000))) == "the steps of v1000: 1,000 forward, 1,000 backward"


@pytest.mark.parametrize(("uses", "lines", "last_but_one"), [(60, 62, r"\S+ .* 58  1711"), (61, 62, r"\.\.\. 2 more")])
def test_a_long_ledger_is_printed_in_part(uses, lines, last_but_one):
    w = Value(2.0, "w")
    ledger = steps(sum([w * float(i) for i in range(uses)])).ledger(w)
    assert len(ledger.entries) == uses
    printed = str(ledger).splitlines()
    assert len(printed) == lines
    assert re.fullmatch(last_but_one, printed[-2])
    assert printed[-1].split()[-1] == str(uses * (uses - 1) // 2) == printed[0].split()[-1]


@pytest.mark.slow
def test_a_node_of_thousands_of_operands_is_told_at_once():
    xs = [Value(float(i), f"x{i}") for i in range(5000)]
    story = steps(max(xs))
    assert str(story).startswith("the steps of v1: 1 forward, 1 backward")
    assert "[x3 >= v1] / ([x0 >= v1] + [x1 >= v1] + [x2 >= v1] + ... + [x4999 >= v1])" in " ".join(
        str(story.ledger("x3")).split()
    )


def test_a_rule_that_speaks_of_the_result_is_told_with_its_number():
    x, y = Value(3.0, "x"), Value(5.0, "y")
    (step,) = steps(max(x, y)).backward
    assert [c.rule.text(numbers=True) for c in step.contributions] == [
        "[3 >= 5] / ([3 >= 5] + [5 >= 5])",
        "[5 >= 5] / ([3 >= 5] + [5 >= 5])",
    ]


def test_results_stand_below_each_other():
    w = Value(4.0, "w")
    root = Value(2.0) * 3.0 * w
    assert str(steps(root)).splitlines()[1:3] == ["  v1    = 2 * 3            = 6", "  root  = v1 * w  = 6 * 4  = 24"]
