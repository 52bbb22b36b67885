"""A node has one name in drawings, steps, ledgers and derivations, and a weight's says where it is."""

import math
import re

from autodiff import Value, derive, draw, nn, steps
from autodiff.show.stepper.picture import Picture


class Pair(nn.Module):
    """Two layers under names of their own, beside a parameter that is no neuron's."""

    def __init__(self):
        self.first, self.second = nn.Layer(1, 2, "tanh", seed=1), nn.Layer(2, 1, "identity", seed=2)
        self.scales = [Value(2.0), Value(3.0)]

    def __call__(self, x):
        return self.second(self.first(x)) * self.scales[1]


def test_a_node_of_a_network_is_called_by_its_place():
    model = nn.MLP(2, [2, 1], "tanh", seed=1)
    loss = (model([1.0, -2.0]) - 1.0) ** 2 + (model([0.5, 1.0]) - 1.0) ** 2
    story = steps(loss)
    weight = model.layers[0].neurons[1].weights[0]
    assert story.name(weight) == "w[0][1,0]"
    assert story.node("w[0][1,0]") is weight
    assert {"b[1][0]", "z[0][1]", "a[0][1]", "z[1][0]", "z[0][1]#2", "a[0][1]#2", "z[1][0]#2"} <= set(story.nodes)
    assert story.number("a[0][1]#2") == math.tanh(story.number("z[0][1]#2"))
    assert not any(name.startswith(("w0", "b#")) for name in story.nodes)


def test_a_place_begins_with_the_name_of_the_module_that_is_no_layer_of_a_list():
    model = Pair()
    story = steps(model(1.0))
    assert story.name(model.first.neurons[1].bias) == "first.b[1]"
    assert {"first.w[1,0]", "second.w[0,1]", "first.z[1]", "first.a[1]", "second.z[0]", "scales[1]"} <= set(story.nodes)


def test_the_label_of_a_parameter_that_somebody_gave_it_stays():
    model = nn.MLP(1, [1, 1], "identity", bias=False, seed=1)
    for weight, label in zip(model.parameters(), ("w1", "w2"), strict=True):
        weight.label = label
    assert {"w1", "w2", "z[0][0]", "z[1][0]"} <= set(steps(model(4.0) * 2.0).nodes)


def test_a_node_without_a_name_has_the_same_one_in_every_view():
    w, x, b = Value(3.0), Value(2.0), Value(1.0)
    y = (w * x + b) ** 2
    for svg in (draw(y).svg, Picture(steps(y)).svg):
        assert set(re.findall('class="name"[^>]*>([^<]*)<', svg)) == {"w", "x", "b", "v1", "v2", "y"}
    assert str(derive(y, y.parents[0].parents[0])).startswith("dy/dv1 = ")
    assert steps(y).ledger("v1").name == "v1"
