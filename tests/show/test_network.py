"""A network as textbooks draw it: which circles there are, which lines, and which numbers stand where."""

import math
import re
from xml.etree import ElementTree

import pytest

from autodiff import Value, draw, nn, softmax

SVG = "{http://www.w3.org/2000/svg}"


def circles(drawing):
    """Return, column by column, the texts of each circle by class, with its colour and its tooltip."""
    columns = {}
    for group in ElementTree.fromstring(drawing.svg).iter(f"{SVG}g"):
        circle = group.find(f"{SVG}circle")
        if circle is not None:
            texts = {text.get("class"): "".join(text.itertext()) for text in group.iter(f"{SVG}text")}
            texts |= {"fill": circle.get("fill"), "title": group.find(f"{SVG}title").text, "id": group.get("id")}
            columns.setdefault(float(circle.get("cx")), []).append((float(circle.get("cy")), texts))
    return [[texts for _, texts in columns[x]] for x in sorted(columns)]


def lines(drawing):
    """Return the colour, the width and the tooltip of each line, by its id without the prefix."""
    groups = [g for g in ElementTree.fromstring(drawing.svg).iter(f"{SVG}g") if g.get("class") == "edge"]
    paths = {group.get("id").removeprefix(drawing.prefix): group.find(f"{SVG}path") for group in groups}
    titles = {group.get("id").removeprefix(drawing.prefix): group.find(f"{SVG}title").text for group in groups}
    return {id_: (p.get("stroke"), float(p.get("stroke-width")), titles[id_]) for id_, p in paths.items()}


def numbers(drawing):
    """Return the places and the texts of the weights."""
    return [
        (float(text.get("x")), float(text.get("y")), text.text)
        for text in ElementTree.fromstring(drawing.svg).iter(f"{SVG}text")
        if text.get("class") == "weight"
    ]


def small():
    """A network of the textbook: 2 inputs, 3 neurons, 1 output, each number its own."""
    model = nn.MLP(2, [3, 1], "tanh", seed=0)
    for i, parameter in enumerate(model.parameters()):
        parameter.data = (i + 1) / 10 * (-1) ** i
    y = model([Value(0.5, "x_1"), Value(-1.0, "x_2")])
    y.label = "y"
    return model, y


def test_a_circle_is_a_neuron_with_its_activation_its_gradient_and_its_bias():
    model, y = small()
    y.backward()
    inputs, hidden, outputs = circles(draw(y, view="network", model=model))
    assert [(one["name"], one["data"]) for one in inputs] == [("x1", "0.5"), ("x2", "-1")]
    for neuron, told in zip(model.layers[0].neurons, hidden, strict=True):
        z = sum(w.data * x for w, x in zip(neuron.weights, (0.5, -1.0), strict=True)) + neuron.bias.data
        assert told["data"] == f"{math.tanh(z):.3g}"
        assert told["bias"] == f"b {neuron.bias.data:.3g}"
        assert told["bias-gradient"] == f"{neuron.bias.grad:.3g}"
    assert outputs[0]["name"] == "y"
    assert outputs[0]["gradient"] == "1"


def test_a_line_is_a_weight_blue_if_positive_and_as_wide_as_it_is_large():
    model, y = small()
    drawing = draw(y, view="network", model=model)
    found = lines(drawing)
    weights = {path: w.data for path, w in model.named_parameters() if "weights" in path}
    assert {title.partition(" = ")[0]: colour for colour, _, title in found.values()} == {
        path: "#0072b2" if number > 0 else "#d55e00" for path, number in weights.items()
    }
    wide = {title.partition(" = ")[0]: width for _, width, title in found.values()}
    assert sorted(wide, key=wide.get) == sorted(weights, key=lambda path: abs(weights[path]))
    assert sorted(text for _, _, text in numbers(drawing)) == sorted(f"{number:.3g}" for number in weights.values())


@pytest.mark.parametrize("shape", [[3, 1], [4, 4, 1], [5, 5], [1, 1], [2, 5, 3]], ids=str)
def test_no_two_numbers_lie_over_each_other(shape):
    model = nn.MLP(2, shape, "tanh", seed=1)
    outputs = model([1.0, 2.0])
    for y in outputs if isinstance(outputs, list) else [outputs]:
        y.backward()
    found = numbers(draw(outputs, view="network", model=model))
    assert len(found) == sum(len(neuron.weights) for layer in model.layers for neuron in layer.neurons)
    for i, (x0, y0, _) in enumerate(found):
        for x1, y1, _ in found[i + 1 :]:
            assert abs(x0 - x1) > 40 or abs(y0 - y1) > 21  # two lines of 10 pixels


def test_before_backward_no_gradient_is_told():
    model, y = small()
    drawing = draw(y, view="network", model=model)
    assert {kind for column in circles(drawing) for one in column for kind in one} == {
        *["name", "data", "bias", "fill", "title", "id"]
    }
    assert "grad not yet" in circles(drawing)[1][0]["title"]


def test_a_loss_and_a_target_are_circles_too():
    model, y = small()
    t = Value(1.0, "t")
    loss = (y - t) ** 2
    loss.label = "loss"
    *_, before, last = circles(draw(loss, view="network", model=model))
    assert [one["name"] for one in before] == ["y", "t"]
    assert [one["name"] for one in last] == ["loss"]


def test_a_softmax_has_a_line_from_each_output():
    model = nn.MLP(2, [3], "identity", seed=0)
    drawing = draw(softmax(model([1.0, 2.0])), view="network", model=model)
    assert [len(column) for column in circles(drawing)] == [2, 3, 3]
    assert len([line for line in lines(drawing).values() if line[2] == "no weight"]) == 9


def test_samples_share_circles_and_lines():
    model, _ = small()
    loss = nn.squared_error(model([1.0, 2.0]), 1.0) + nn.squared_error(model([3.0, 4.0]), 0.0)
    loss.backward()
    drawing = draw(loss, view="network", model=model)
    columns = circles(drawing)
    assert [len(column) for column in columns] == [2, 3, 1, 1]
    assert "2 samples" in columns[1][0]["title"]
    assert "data" not in columns[1][0]
    gradients = {f"{w.grad!r}" for neuron in model.layers[0].neurons for w in neuron.weights}
    assert gradients <= {title.rpartition("grad ")[2] for _, _, title in lines(drawing).values()}


def test_neurons_stand_in_the_order_of_their_layer_and_large_networks_have_no_numbers():
    model = nn.MLP(2, [16, 16, 1], "tanh", seed=0)
    drawing = draw(model([1.0, 2.0]), view="network", model=model)
    columns = circles(drawing)
    for i, column in enumerate(columns[1:]):
        assert [one["title"].partition(",")[0] for one in column] == [
            f"layers.{i}.neurons.{j}" for j in range(len(column))
        ]
    assert set(columns[1][0]) == {"fill", "title", "id"}
    assert len(lines(drawing)) == 2 * 16 + 16 * 16 + 16


def test_heat_shows_gradients_in_place_of_weights():
    model, y = small()
    y.backward()
    found = lines(draw(y, view="network", model=model, heat=True))
    gradients = {path: abs(p.grad) for path, p in model.named_parameters() if "weights" in path}
    wide = {title.partition(" = ")[0]: width for _, width, title in found.values()}
    assert max(wide, key=wide.get) == max(gradients, key=gradients.get)
    assert "#e69f00" in [colour for colour, _, _ in found.values()]


def test_each_node_and_operand_leads_to_its_circle_and_its_line():
    model, y = small()
    drawing = draw(y, view="network", model=model)
    ids = {element.get("id") for element in ElementTree.fromstring(drawing.svg).iter() if element.get("id")}
    neuron = model.layers[0].neurons[1]
    assert drawing.node_id(neuron.weights[0]) == drawing.node_id(neuron.bias) == circles(drawing)[1][1]["id"]
    dot = next(node for node in nodes_of(y) if neuron.weights[0] in node.parents and node.op is not None)
    position = [parent is neuron.weights[0] for parent in dot.parents].index(True)
    assert drawing.edge_id(dot, position) in ids
    assert drawing.node_id(dot) == drawing.node_id(neuron.bias)


def nodes_of(root):
    found, waiting = [], [root]
    while waiting:
        node = waiting.pop()
        found.append(node)
        waiting += node.parents
    return found


@pytest.mark.parametrize("label", ['<script>alert("1")</script>', "a|b{c}\"'\\N", "</text></svg>", "x" * 500])
def test_hostile_labels_show_as_themselves(label):
    model, y = small()
    y.label = label
    drawing = draw(y, view="network", model=model, title=label)
    (told,) = [one["name"] for one in circles(drawing)[-1]]
    assert told.partition("…")[0] == label[: len(told.partition("…")[0])]
    assert "<script" not in drawing.svg
    assert "<script" not in drawing.html
    kinds = {element.tag.removeprefix(SVG) for element in ElementTree.fromstring(drawing.svg).iter()}
    assert kinds == {"svg", "g", "title", "path", "circle", "rect", "text", "tspan"}


def test_what_is_no_network_is_refused_with_what_to_do():
    model, y = small()
    with pytest.raises(ValueError, match="no neuron of the model was used"):
        draw(Value(1.0).sin(), view="network", model=model)
    again = nn.Neuron(1, "tanh", seed=0)
    with pytest.raises(ValueError, match="the model is used again on what it made itself"):
        draw(again([again([1.0])]), view="network", model=again)
    with pytest.raises(ValueError, match="say of which model"):
        draw(Value(1.0) * 2.0, view="network")
    for option in ({"fold": "layer"}, {"expand": "layers.0"}, {"local_derivatives": True}, {"direction": "TB"}):
        with pytest.raises(ValueError, match="are of the view 'graph'"):
            draw(y, view="network", model=model, **option)
    wide = nn.MLP(64, [48, 1], seed=0)
    with pytest.raises(ValueError, match="makes 113 boxes and 3120 arrows"):
        draw(wide([0.0] * 64), view="network", model=wide)


def test_no_program_and_no_graphviz_is_needed_to_place_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("autodiff.show.picture.render.Graphviz", None)
    model, y = small()
    drawing = draw(y, view="network", model=model, title="h^{(2)}")
    assert re.search(r"network: 6 circles, 9 lines", drawing.svg)
