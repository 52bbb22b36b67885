import random
from xml.etree import ElementTree

import pytest

import autodiff
from autodiff import Value, draw, nn
from autodiff.engine.backward import toposort
from autodiff.show.graph.modules import neurons
from autodiff.show.picture.fold import fold

SVG = "{http://www.w3.org/2000/svg}"


def boxes(drawing):
    """Return the texts of each box by class."""
    root = ElementTree.fromstring(drawing.svg)
    groups = [g for g in root.iter(f"{SVG}g") if g.get("class", "").startswith("node ")]
    return [{t.get("class"): t.text for t in g.iter(f"{SVG}text")} for g in groups]


def modules(drawing):
    """Return the names of the boxes that show how many parameters they have."""
    return [texts["name"] for texts in boxes(drawing) if texts.get("detail", "").endswith(("parameter", "parameters"))]


def box_of_model(drawing):
    return next(texts for texts in boxes(drawing) if texts.get("name") == "MLP")


def signs(drawing):
    return [texts["sign"] for texts in boxes(drawing) if "sign" in texts]


@pytest.fixture
def model():
    return nn.MLP(2, [3, 1], "tanh", seed=0)


def uses_by_hand(model, *samples):
    """Call each neuron of an MLP one by one, and return its output by path: what made a node is known here."""
    made = []
    for inputs in samples:
        x = tuple(map(Value, inputs))
        for i, layer in enumerate(model.layers):
            outputs = [neuron(list(x)) for neuron in layer.neurons]
            made += [(f"layers.{i}.neurons.{j}", output) for j, output in enumerate(outputs)]
            x = tuple(outputs)
    return made


def custom(z):
    return z * z.sigmoid() + 0.5


@pytest.mark.sampled
@pytest.mark.parametrize("activation", [*nn.ACTIVATIONS, custom])
@pytest.mark.parametrize("expand", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("n_in", [1, 2])
def test_each_use_of_each_neuron_is_found(activation, expand, bias, n_in):
    model = nn.MLP(n_in, [3, 2], activation, output="identity", seed=0, expand=expand, bias=bias)
    made = uses_by_hand(model, [0.3] * n_in, [0.7] * n_in)
    loss = autodiff.sum([nn.hinge(output, 1) + nn.squared_error(output, 1.0) for _, output in made])
    found = neurons(toposort(loss)[0], model)
    assert {(use.path, id(use.nodes[-1])) for use in found} == {(path, id(output)) for path, output in made}
    inside = [id(node) for use in found for node in use.nodes]
    assert len(inside) == len(set(inside))


def test_a_loss_is_no_part_of_the_output_neuron(model):
    """A softplus after an identity is the loss, though it might as well be an activation."""
    logit = model([1.0, 2.0])
    loss = nn.binary_cross_entropy(logit, 0)
    assert signs(draw(loss, model=model, fold="neuron"))[-1] == "softplus"
    assert box_of_model(draw(loss, model=model, fold="model"))["data"] == f"{logit.data:.6g}"


@pytest.mark.parametrize("penalty", [nn.l1, nn.l2])
def test_a_penalty_on_weights_is_no_use_of_a_neuron(model, penalty):
    loss = nn.squared_error(model([1.0, 2.0]), 1.0) + 0.01 * penalty(model.parameters())
    found = neurons(toposort(loss)[0], model)
    assert len(found) == 4
    assert modules(draw(loss, model=model, fold="model")) == ["MLP"]


def test_levels_fold_more_and_more(model):
    loss = nn.squared_error(model([0.5, -1.0]), 1.0)
    neurons_of = [f"layers.0.neurons.{i}" for i in range(3)]
    assert modules(draw(loss, model=model, fold="none")) == []
    assert modules(draw(loss, model=model, fold="neuron")) == [*neurons_of, "layers.1.neurons.0"]
    assert modules(draw(loss, model=model, fold="layer")) == ["layers.0", "layers.1"]
    assert modules(draw(loss, model=model, fold="model")) == ["MLP"]
    assert signs(draw(loss, model=model, fold="model")) == ["-", "**2"]
    assert len(boxes(draw(loss, model=model, fold="model"))) == 2 + 1 + 1 + 2


def test_modules_are_expanded_by_name(model):
    loss = nn.squared_error(model([0.5, -1.0]), 1.0)
    by = {"model": model, "fold": "layer"}
    assert modules(draw(loss, **by, expand="layers.1")) == ["layers.0", "layers.1.neurons.0"]
    assert modules(draw(loss, **by, expand=["layers.1.neurons.0"])) == ["layers.0"]
    assert modules(draw(loss, model=model, fold="model", expand=["layers.0"])) == [
        *[f"layers.0.neurons.{i}" for i in range(3)],
        "layers.1",
    ]
    neurons_of = [f"layers.0.neurons.{i}" for i in range(3)]
    assert modules(draw(loss, expand="layers.1.neurons.0")) == neurons_of, "auto then begins with neurons"
    with pytest.raises(ValueError, match=r"expand='layers\.7': the model has no such module; it has layers\.0, "):
        draw(loss, **by, expand="layers.7")


def test_a_module_shows_the_norm_of_its_gradients_once_there_are_any(model):
    loss = nn.squared_error(model([0.5, -1.0]), 1.0)
    assert box_of_model(draw(loss, model=model, fold="model"))["gradient"] == "|grad| not yet"
    loss.backward()
    norm = sum(p.grad**2 for p in model.parameters()) ** 0.5
    assert box_of_model(draw(loss, model=model, fold="model"))["gradient"] == f"|grad| {norm:.6g}"
    assert boxes(draw(loss, model=model, fold="layer"))[2]["data"] == "3 outputs"


def test_one_model_on_several_samples_has_several_uses(model):
    loss = autodiff.mean([nn.squared_error(model([x, 1.0]), 1.0) for x in (0.1, 0.2, 0.3)])
    assert modules(draw(loss, model=model, fold="model")) == ["MLP"] * 3
    assert modules(draw(loss, model=model, fold="layer")) == ["layers.0", "layers.1"] * 3


def test_parameters_that_samples_share_join_no_samples(model):
    drawing = draw([model([x, 1.0]) for x in (0.1, 0.2)], fold="model")
    assert repr(drawing) == "<Drawing of 6 boxes and 4 arrows>"


def test_the_same_inputs_twice_are_two_uses(model):
    x = [Value(0.1), Value(0.2)]
    assert modules(draw(model(x) + model(x), model=model, fold="model")) == ["MLP"] * 2


def test_a_recurrent_cell_is_used_once_a_step():
    cell = nn.Neuron(2, "tanh", seed=0)
    h = Value(0.0)
    for x in (1.0, 2.0, 3.0):
        h = cell([x, h])
    assert modules(draw(h, model=cell, fold="model")) == ["Neuron"] * 3


class Gated(nn.Module):
    """A user's own module: layers with something between them, a parameter of its own."""

    def __init__(self):
        self.first, self.second = nn.Layer(2, 3, "tanh", seed=0), nn.Neuron(3, seed=1)
        self.scale = Value(2.0, label="scale")

    def __call__(self, x):
        return self.second(autodiff.softmax(self.first(x))) * self.scale


def test_an_activation_that_is_none_does_no_harm():
    class Line(nn.Module):
        def __init__(self):
            self.slope, self.intercept = Value(2.0), Value(1.0)

        def activation(self, a, b):
            raise AssertionError

        def __call__(self, x):
            return self.slope * x + self.intercept

    line = Line()
    drawing = draw(line(3.0).tanh(), model=line, fold="model")
    assert modules(drawing) == ["Line"]
    assert signs(drawing) == ["tanh"]


def test_what_a_model_does_between_its_modules_is_in_its_box():
    model = Gated()
    drawing = draw(model([1.0, 2.0]) + 1.0, fold="model")
    assert modules(drawing) == ["Gated"]
    assert signs(drawing) == ["+"]


def test_no_arrow_leads_back_whatever_is_folded():
    """A folded picture of a graph without cycles has none."""
    model = Gated()
    loss = nn.squared_error(model([1.0, 2.0]), 0.0) + nn.l2(model.parameters())
    for level in ("neuron", "layer", "model"):
        uses = fold(toposort(loss)[0], model, level, ())
        inside = {id(node): use for use in uses for node in use.nodes}
        order, _ = toposort(loss)
        edges = {
            (id(inside.get(id(parent), parent)), id(inside.get(id(node), node)))
            for node in order
            for parent in node.parents
            if inside.get(id(parent), parent) is not inside.get(id(node), node)
        }
        while edges:
            heads = {head for _, head in edges}
            left = {(tail, head) for tail, head in edges if tail in heads}
            assert len(left) < len(edges), "a cycle"
            edges = left


@pytest.mark.slow
def test_auto_folds_no_more_than_is_needed():
    rng = random.Random(0)
    model = nn.MLP(2, [2] * 25, "tanh", seed=0)
    drawing = draw(model([rng.random() for _ in range(2)]))
    assert len(modules(drawing)) == 50, "150 parameters, hence neurons; the model is found by its variable"
    model = nn.MLP(8, [10, 10, 1], "tanh", seed=0)
    data = [[rng.random() for _ in range(8)] for _ in range(12)]
    drawing = draw(autodiff.mean([model(x) for x in data]), model=model)
    assert set(modules(drawing)) == {"layers.0", "layers.1", "layers.2"}
    with pytest.raises(ValueError, match="draw a value further inside, or fewer samples"):
        draw(autodiff.mean([model(x) for x in data * 4]), model=model)


def test_without_folding_parameters_of_the_same_name_are_told_apart(model):
    loss = nn.squared_error(model([0.5, -1.0]), 1.0)
    places = [t["name"] for t in boxes(draw(loss, fold="none")) if t.get("name", " ")[0] in "wb"]
    assert {"w[0][0,0]", "w[0][2,1]", "w[1][0,2]", "b[0][2]", "b[1][0]"} <= set(places)
    assert len(set(places)) == len(places) == 13


def test_nodes_that_are_folded_have_the_id_of_their_box(model):
    output = model([0.5, -1.0])
    drawing = draw(output + 1.0, model=model, fold="model")
    assert {drawing.node_id(parameter) for parameter in model.parameters()} == {drawing.node_id(output)}
    assert drawing.edge_id(output, 0) is None
    ids = {element.get("id") for element in ElementTree.fromstring(drawing.svg).iter()}
    assert drawing.node_id(output) in ids


def test_auto_folds_layers_where_arrows_between_neurons_make_a_slab():
    model = nn.MLP(3, [16, 16, 1], "tanh", seed=1)
    output = model([1.0, 2.0, 3.0])
    assert repr(draw(output, model=model)) == repr(draw(output, model=model, fold="layer"))
    assert repr(draw(output, model=model, fold="neuron")) != repr(draw(output, model=model, fold="layer"))


@pytest.mark.parametrize("factor", [1.0, 5.0])
@pytest.mark.parametrize("first", [True, False])
def test_an_activation_is_told_from_what_else_is_done_with_the_same_number(factor, first):
    class Doubled(nn.Module):
        def __init__(self):
            self.weight, self.bias = Value(2.0), Value(1.0)

        def activation(self, z):
            return z * 2.0

    model = Doubled()
    z = model.weight * Value(3.0) + model.bias
    output, other = model.activation(z), z * factor
    (use,) = neurons(toposort(output + other if first else other + output)[0], model)
    assert [node.data for node in use.nodes] == [6.0, 7.0, 14.0]
    assert use.nodes[-1] is output


def places(drawing):
    """Where the name of each module stands: its distance from the left and from the top."""
    found = {}
    for group in ElementTree.fromstring(drawing.svg).iter(f"{SVG}g"):
        for text in group.iter(f"{SVG}text"):
            if group.get("class") == "node module" and text.get("class") == "name":
                found[text.text] = float(text.get("x")), float(text.get("y"))
    return found


ALONG = {"LR": 0, "TB": 1}  # the direction in which layers follow one another


@pytest.mark.sampled
@pytest.mark.parametrize("direction", ALONG)
@pytest.mark.parametrize("engine", ["auto", "embedded"])
@pytest.mark.parametrize("sizes", [[4, 4, 1], [5, 4, 3], [2, 6, 3]], ids=str)
@pytest.mark.parametrize("with_loss", [False, True])
def test_the_neurons_of_a_layer_stand_in_their_order(direction, engine, sizes, with_loss):
    model = nn.MLP(2, sizes, "tanh", seed=0)
    output = autodiff.sum(model([0.3, 0.7])) if sizes[-1] > 1 else model([0.3, 0.7])
    output = (output - 1.0) ** 2 if with_loss else output
    shown = places(draw(output, model=model, fold="neuron", direction=direction, engine=engine))
    along, across = ALONG[direction], 1 - ALONG[direction]
    before = -1e9
    for i, size in enumerate(sizes):
        layer = [shown[f"layers.{i}.neurons.{j}"] for j in range(size)]
        assert [place[across] for place in layer] == sorted(place[across] for place in layer)
        assert len({place[across] for place in layer}) == size
        assert max(place[along] for place in layer) - min(place[along] for place in layer) < 2
        assert min(place[along] for place in layer) > before
        before = max(place[along] for place in layer)


@pytest.mark.parametrize("engine", ["auto", "embedded"])
@pytest.mark.parametrize("expand", ["layers.0.neurons.1", "layers.1.neurons.2", "layers.1.neurons.0"])
def test_neurons_beside_one_that_is_expanded_stay_in_line_and_in_order(engine, expand):
    model = nn.MLP(2, [4, 4, 1], "relu", seed=0)
    shown = places(draw(model([0.3, 0.7]), model=model, fold="neuron", expand=expand, engine=engine))
    assert len(shown) == 8
    for i in (0, 1):
        names = [f"layers.{i}.neurons.{j}" for j in range(4)]
        layer = [shown[name] for name in names if name != expand]
        assert [y for _, y in layer] == sorted(y for _, y in layer)
        assert max(x for x, _ in layer) - min(x for x, _ in layer) < 2


def test_arrows_between_layers_are_straight_and_those_that_pass_boxes_are_not():
    model = nn.MLP(2, [4, 4, 1], "tanh", seed=0)
    inputs = [Value(0.3, "a"), Value(0.7, "b")]
    output = model(inputs)

    def straight(drawing):
        """Whether each arrow is one line: the inner points of its curve lie on the way from end to end."""
        groups = [g for g in ElementTree.fromstring(drawing.svg).iter(f"{SVG}g") if g.get("class") == "edge"]
        paths = [g.find(f"{SVG}path") for g in groups]
        for path in [path.get("d") for path in paths if path is not None and path.get("fill") == "none"]:
            points = [tuple(map(float, p.split(","))) for p in path.replace("C", " ").replace("M", "").split()]
            (x0, y0), (x1, y1) = points[0], points[-1]
            if any(abs((x - x0) * (y1 - y0) - (y - y0) * (x1 - x0)) > 5 * (abs(x1 - x0) + 1) for x, y in points):
                return False
        return True

    assert straight(draw(output, model=model, fold="neuron"))
    assert not straight(draw(output + inputs[0], model=model, fold="neuron"))
