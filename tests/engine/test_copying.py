import copy
import io
import pickle
from itertools import pairwise

import pytest

import autodiff
from autodiff import Value, nn
from autodiff.engine import ops


def by_pickle(thing):
    return pickle.loads(pickle.dumps(thing))


def by_plain_pickle(thing):
    return pickle._loads(pickle._dumps(thing))


CLONES = [copy.copy, copy.deepcopy, by_pickle, by_plain_pickle]


@pytest.mark.parametrize("clone", CLONES)
def test_a_copy_is_an_independent_graph_with_working_gradients(clone):
    x = Value(3.0, label="x")
    y = x * x + x
    y.label = "y"
    y.backward()
    other = clone(y)
    other.backward()
    other_x = other.parents[1]
    assert (other.data, other.label, other_x.label, other_x.grad) == (12.0, "y", "x", 14.0)
    assert other_x is other.parents[0].parents[0] is other.parents[0].parents[1]
    assert other_x is not x
    assert x.grad == 7.0


@pytest.mark.parametrize("clone", CLONES[1:])
def test_nodes_that_are_copied_together_stay_connected(clone):
    x = Value(3.0)
    h = x * x
    y = h * h
    y2, x2, [h2] = clone((y, x, [h]))
    y2.backward()
    assert (x2.grad, h2.grad, x.grad) == (108.0, 18.0, 0.0)
    x2, h2, y2 = clone([x, h, y])
    assert y2.parents[0] is h2
    assert h2.parents[1] is x2


SHAPES = {
    "one operand": lambda w, x, b: w.exp(),
    "one operand and parameters": lambda w, x, b: w.clip(0.0, 1.0),
    "two operands": lambda w, x, b: w * x,
    "any number": lambda w, x, b: autodiff.sum([w, x, b]),
    "any number, which is one": lambda w, x, b: autodiff.prod([w]),
    "any number, which are two": lambda w, x, b: autodiff.max(w, w),
    "two groups": lambda w, x, b: autodiff.dot([w, x], [x, b]),
    "two groups and one": lambda w, x, b: autodiff.dot([w, x], [x, b], b),
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("clone", CLONES[1:])
def test_a_node_of_any_shape_is_copied_with_its_operands_in_order(clone, shape):
    leaves = [Value(0.5, "w"), Value(-2.0, "x"), Value(3.0, "b")]
    node = shape(*leaves)
    again, others = clone((node, leaves))
    assert [leaves.index(parent) for parent in node.parents] == [others.index(parent) for parent in again.parents]
    assert all(any(parent is leaf for leaf in others) for parent in again.parents)
    assert (again.op, again.saved) == (node.op, node.saved)
    node.backward()
    again.backward()
    assert [leaf.grad for leaf in others] == [leaf.grad for leaf in leaves] != [0.0] * 3


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol_of_pickle_works(protocol):
    y = Value(2.0).exp().clip(0.0, 5.0)
    again = pickle.loads(pickle.dumps(y, protocol))
    assert (again.saved, again.op) == (y.saved, y.op)


@pytest.mark.slow
@pytest.mark.parametrize("clone", CLONES[1:])
def test_saving_one_graph_twice_or_after_a_walk_is_no_different(clone):
    x = Value(2.0)
    y = x
    for _ in range(3000):
        y = y * 0.5 + x
    clone(y)
    half_way = y.parents[0]
    assert clone(half_way).data == half_way.data
    y.backward()
    assert clone(y).parents[1].grad == x.grad


@pytest.mark.parametrize("clone", CLONES)
def test_a_model_is_copied_with_its_parameters(clone):
    model = nn.MLP(2, [3, 1], seed=0)
    if clone is copy.copy:  # of a module it is shallow, as of any object
        assert clone(model).parameters()[0] is model.parameters()[0]
        return
    other = clone(model)
    assert [p.data for p in other.parameters()] == [p.data for p in model.parameters()]
    other([1.0, 2.0]).backward()
    assert any(p.grad for p in other.parameters())
    assert not any(p.grad for p in model.parameters())


@pytest.mark.slow
@pytest.mark.parametrize("clone", CLONES[1:])
def test_a_list_of_nodes_in_order_of_creation_is_copied_in_linear_time_and_stays_connected(clone):
    # each node would list all its ancestors anew, 10**8 of them, if the nodes did not share what was saved
    nodes = [Value(1.0)]
    for _ in range(15_000):
        nodes.append(nodes[-1] * 1.0001)
    again = clone(nodes)
    again[-1].backward()
    assert again[0].grad == pytest.approx(1.0001**15_000, rel=1e-9)
    assert all(node.parents[0] is before for before, node in pairwise(again))


@pytest.mark.slow
def test_a_graph_is_saved_whole_while_another_pickler_or_memo_is_alive():
    x = Value(1.0)
    y = x
    for _ in range(3000):
        y = y + x
    pickler = pickle.Pickler(io.BytesIO())
    pickler.dump(y)
    memo = {}
    copy.deepcopy(y, memo)
    inside = y.parents[0]
    assert by_pickle(inside).data == copy.deepcopy(inside).data == copy.deepcopy(inside, memo).data == 3000.0
    pickler.dump(inside)


def chain(x):
    nodes = [x]
    for _ in range(700):
        nodes.append(nodes[-1] * 0.5 + 1.0)
    return nodes


@pytest.mark.slow
def test_a_deep_graph_of_which_parts_were_saved_before_is_saved_without_recursion():
    x, y = Value(1.0), Value(2.0)
    (*_, left), (*_, right), piecewise = chain(x), chain(y), chain(Value(3.0))
    assert by_pickle([x, left])[1].data == left.data
    picklers = [pickle.Pickler(io.BytesIO()) for _ in range(3)]  # each knows a part as long as it lives
    for pickler, nodes in zip(picklers, ([left], [right], piecewise), strict=True):
        for node in nodes:
            pickler.dump(node)
    root = left + right
    again_root, again_x, again_y = by_pickle([root, x, y])
    again_root.backward()
    assert (again_root.data, again_x.grad, again_y.grad) == (root.data, 0.5**700, 0.5**700)
    assert by_pickle(piecewise[-1]).data == piecewise[-1].data


def test_a_wide_graph_of_many_families_is_saved_once():
    leaves = [Value(float(i)) for i in range(300)]
    squares = [x * x for x in leaves]
    root = sum(squares)
    again_squares, again_root, again_leaves = by_pickle((squares, root, leaves))
    again_root.backward()
    assert [x.grad for x in again_leaves] == [2.0 * i for i in range(300)]
    assert again_squares[7].parents[0] is again_leaves[7]


class Special(Value):
    pass


@pytest.mark.parametrize("clone", CLONES)
def test_a_subclass_stays_one_and_the_nodes_around_it_what_they_are(clone):
    assert type(clone(Special(2.0))) is Special
    again = clone(Special(2.0) * 3.0)
    assert [type(node) for node in (again, *again.parents)] == [Value, Special, Value]


@pytest.mark.parametrize("clone", CLONES)
def test_a_copy_keeps_what_was_recorded_and_what_was_set_since(clone):
    x = Value(3.0)
    y = x * x
    x.data, y.data, y.grad = 7.0, 100.0, 0.5
    again = clone(y)
    assert (again.data, again.grad, again.saved, again.parents[0].data) == (100.0, 0.5, (9.0, 3.0, 3.0), 7.0)
    again.backward()
    assert again.parents[0].grad == 6.0


def test_a_row_of_ones_own_is_copied_but_not_pickled():
    double = ops.Op("double", lambda x: 2 * x, lambda out, x: (2.0,), "double({x})")
    y = copy.deepcopy(double(Value(3.0)))
    y.backward()
    assert (y.data, y.parents[0].grad) == (6.0, 2.0)
    with pytest.raises(pickle.PicklingError, match=r"double\(x\)> is not in the table of autodiff.engine.ops"):
        pickle.dumps(y)


class Weight(Value):
    """A subclass with attributes of its own, in a dict and in slots."""

    __slots__ = ("decay",)

    def __init__(self, data, colour, decay):
        super().__init__(data)
        self.colour, self.decay = colour, decay


@pytest.mark.parametrize("clone", CLONES)
def test_what_is_hung_on_a_node_is_kept_and_copied_with_it(clone):
    x = Value(2.0, "x")
    y = x * x
    x.moments, y.colour, y.leaf = [0.5], "red", x
    y.itself = y
    again = clone(y)
    other = again.parents[0]
    assert (other.moments, again.colour, again.leaf is other, again.itself is again) == ([0.5], "red", True, True)
    other.moments.append(1.0)
    assert x.moments == [0.5]
    again.backward()
    assert (other.grad, x.grad) == (4.0, 0.0)


@pytest.mark.parametrize("clone", CLONES)
def test_the_attributes_of_a_subclass_survive(clone):
    w = Weight(3.0, "blue", 0.25)
    again = clone(w)
    assert (type(again), again.data, again.colour, again.decay) == (Weight, 3.0, "blue", 0.25)
    in_a_graph = clone(w * 2.0).parents[0]
    assert (type(in_a_graph), in_a_graph.colour, in_a_graph.decay) == (Weight, "blue", 0.25)


def test_an_attribute_of_its_own_is_like_that_of_any_object():
    p = Value(1.0)
    with pytest.raises(AttributeError, match="momentum"):
        _ = p.momentum
    p.momentum = 0.0
    for _ in range(2):
        p.momentum = 0.9 * p.momentum + 2.0
    assert p.momentum == pytest.approx(3.8, rel=1e-15)
    del p.momentum
    assert not hasattr(p, "momentum")
