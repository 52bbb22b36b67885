import math
import re
from xml.etree import ElementTree

import pytest

from autodiff import Value, blame, nn
from autodiff.engine import reductions

SVG = "{http://www.w3.org/2000/svg}"


def trained(model, *samples):
    reductions.sum([nn.squared_error(model(x), t) for x, t in samples]).backward()
    return model


def running_example():
    model = nn.MLP(1, [1, 1], "identity", bias=False)
    for weight, start in zip(model.parameters(), (1.5, 1.0), strict=True):
        weight.data = start
    return trained(model, ([4.0], 1.0))


def test_the_1_1_1_network_by_hand():
    """Of y = w2 (w1 x): dL/dw1 = 2 (y - t) w2 x = 40 and dL/dw2 = 2 (y - t) w1 x = 60."""
    told = blame(running_example())
    assert [(s.path, s.gradient, s.gradient_x_value) for s in told.parameters] == [
        ("layers.0.neurons.0.weights.0", 40, 60),
        ("layers.1.neurons.0.weights.0", 60, 60),
    ]
    assert [s.share for s in told.neurons] == pytest.approx([1600 / 5200, 3600 / 5200])


def test_gradient_x_value_of_a_neuron_is_its_local_error_times_its_pre_activation():
    model = nn.MLP(3, [4, 2, 1], "tanh", seed=1)
    for parameter in model.parameters():
        parameter.data += 0.1  # biases too
    x = tuple(map(Value, (0.5, -1.0, 2.0)))
    pre = {}
    for i, layer in enumerate(model.layers):
        outputs = [neuron(x) for neuron in layer.neurons]
        pre |= {f"layers.{i}.neurons.{j}": out if i == 2 else out.parents[0] for j, out in enumerate(outputs)}
        x = tuple(outputs)
    nn.squared_error(x[0], 1.0).backward()
    for share in blame(model).neurons:
        z = pre[share.path]
        assert share.gradient_x_value == pytest.approx(z.grad * z.data, rel=1e-12)


def test_gradient_x_value_predicts_what_setting_a_parameter_to_0_does_in_a_linear_model():
    model = nn.Neuron(2, "identity", seed=0)
    x = [3.0, -2.0]
    y = model(x)
    y.backward()
    share = blame(model).parameters[0]
    model.weights[0].data = 0.0
    assert y.data - model(x).data == pytest.approx(share.gradient_x_value)


def test_shares_add_up_to_1_at_each_level():
    model = trained(nn.MLP(2, [4, 3, 1], "tanh", seed=2), ([0.1, 0.2], 1.0), ([0.5, -0.2], -1.0))
    told = blame(model)
    norm = sum(p.grad**2 for p in model.parameters()) ** 0.5
    for level, count in ((told.parameters, 31), (told.neurons, 8), (told.layers, 3)):
        assert len(level) == count
        assert sum(s.share for s in level) == pytest.approx(1)
        assert sum(s.gradient**2 for s in level) ** 0.5 == pytest.approx(norm)
        assert sum(s.gradient_x_value for s in level) == pytest.approx(sum(p.grad * p.data for p in model.parameters()))


def test_the_table_has_a_line_for_each_and_names_the_largest_parameters_only():
    model = trained(nn.MLP(2, [4, 3, 1], "tanh", seed=2), ([0.1, 0.2], 1.0))
    lines = str(blame(model)).splitlines()
    assert [line.split()[0] for line in lines if line.startswith("layers")].count("layers.1.neurons.2") == 1
    assert "largest 20 parameters" in str(blame(model))
    assert len(lines) == (1 + 3) + 1 + (1 + 8) + 1 + (1 + 20)
    assert len({len(line) for line in lines if line}) == 1, "the columns are aligned"


def test_gradients_of_0_blame_nobody():
    model = nn.Neuron(1, "identity", seed=0)
    (model(1.0) * 0.0).backward()
    assert {s.share for s in blame(model).parameters} == {0.0}


@pytest.mark.parametrize("number", [float("inf"), float("nan")])
def test_gradients_that_are_not_finite_are_told(number):
    model = nn.MLP(1, [2, 1], seed=0)
    for parameter in model.parameters():
        parameter.grad = number
    assert str(number) in str(blame(model))
    assert "<svg" in blame(model).draw().svg


def test_without_gradients_it_says_what_to_do():
    with pytest.raises(ValueError, match="there is no gradient yet: call backward"):
        blame(nn.MLP(1, [1]))
    with pytest.raises(ValueError, match="Module has no parameters"):
        blame(nn.Module())
    with pytest.raises(TypeError, match="blame takes a Module, got Value"):
        blame(Value(1.0))


@pytest.mark.parametrize("by", ["gradient", "gradient_x_value"])
def test_the_drawing_has_the_network_layer_by_layer(by):
    model = trained(nn.MLP(2, [4, 3, 1], "tanh", seed=2), ([0.1, 0.2], 1.0))
    told = blame(model)
    root = ElementTree.fromstring(told.draw(by).svg)
    groups = [g for g in root.iter(f"{SVG}g") if g.get("class", "").startswith("node ")]
    columns = {}
    for group in groups:
        columns.setdefault(float(group.find(f"{SVG}circle").get("cx")), []).append(group)
    assert [[g.find(f"{SVG}text").text for g in columns[x]] for x in sorted(columns)] == [
        ["input 0", "input 1"],
        [f"neurons.{i}" for i in range(4)],
        [f"neurons.{i}" for i in range(3)],
        ["neurons.0"],
    ]
    headings = [text.text for text in root.iter(f"{SVG}text") if text.get("class") == "heading"]
    assert headings == ["layers.0", "layers.1", "layers.2"]
    heights = [[float(group.find(f"{SVG}circle").get("cy")) for group in column] for column in columns.values()]
    assert heights == [sorted(column) for column in heights], "neurons stand in their order"
    assert sum(g.get("class") == "edge" for g in root.iter(f"{SVG}g")) == 2 * 4 + 4 * 3 + 3 * 1
    largest = max(told.neurons, key=lambda share: abs(getattr(share, by)))
    fills = {g.find(f"{SVG}title").text: g.find(f"{SVG}circle").get("fill") for g in groups}
    assert [title.partition(":")[0] for title, fill in fills.items() if fill == "#e69f00"] == [largest.path]


@pytest.mark.slow
def test_what_cannot_be_drawn_layer_by_layer_is_told_as_a_table():
    class Line(nn.Module):
        def __init__(self):
            self.slope, self.intercept = Value(2.0), Value(1.0)

    model = Line()
    (model.slope * 3.0 + model.intercept).backward()
    assert [s.path for s in blame(model).parameters] == ["slope", "intercept"]
    with pytest.raises(ValueError, match="no multilayer perceptron"):
        blame(model).draw()
    assert set(blame(model)._repr_mimebundle_()) == {"text/html", "text/plain"}
    wide = trained(nn.MLP(64, [48, 1], seed=0), ([0.1] * 64, 1.0))
    with pytest.raises(ValueError, match=r"makes 113 boxes and 3120 arrows: at most 200 and 3000 .*; print blame"):
        blame(wide).draw()
    assert set(blame(running_example())._repr_mimebundle_()) == {"text/html", "text/plain"}
    with pytest.raises(ValueError, match="by must be one of 'gradient', 'gradient_x_value', got 'size'"):
        blame(running_example()).draw("size")


def test_the_hottest_arrow_lies_over_all_others():
    model = nn.MLP(3, [16, 16, 1], "tanh", seed=1)
    nn.squared_error(model([1.0, 2.0, 3.0]), 1.0).backward()
    share = blame(model)
    titles = re.findall(r'class="edge"><title>(\S+): \|gradient\| (\S+),', share.draw().svg)
    sizes = [float(size) for _, size in titles]
    assert sizes == sorted(sizes)
    assert len(sizes) == 3 * 16 + 16 * 16 + 16


def test_a_notebook_is_given_the_table_above_the_drawing():
    model = nn.MLP(1, [2, 1], "tanh", seed=1)
    nn.squared_error(model(1.0), 1.0).backward()
    bundle = blame(model)._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    cells = re.findall(r"<t[hd] align=\"\w+\">(.*?)</t[hd]>", bundle["text/html"].partition("<img")[0])
    assert " ".join(cells).split() == bundle["text/plain"].split()
    assert bundle["text/html"].index("</table>") < bundle["text/html"].index("<img")


def test_a_neuron_alone_is_drawn_and_told_as_the_model():
    neuron = nn.Neuron(2, "identity", seed=0)
    neuron([1.0, 2.0]).backward()  # dy/dw = x, dy/db = 1
    told = blame(neuron)
    assert [line.split()[0] for line in str(told).splitlines() if line] == [
        *["layer", "model", "neuron", "model", "parameter", "weights.1", "weights.0", "bias"]
    ]
    svg = told.draw("gradient_x_value").svg
    values = [neuron.weights[i].data * x for i, x in enumerate((1.0, 2.0))]
    assert re.findall(r'class="(?:name|data)"[^>]*>([^<]*)<', svg) == [
        *["input 0", "input 1", "model", f"{sum(values):.3g}"]
    ]
    for i, x in enumerate((1.0, 2.0)):
        assert f"<title>weights.{i}: |gradient| {x}, gradient x value {values[i]!r}</title>" in svg


def test_exactly_twenty_parameters_are_all_told():
    model = nn.Neuron(19, seed=0)
    model([1.0] * 19).backward()
    assert "parameter " in str(blame(model))
    assert "largest" not in str(blame(model))


def test_each_weight_leads_from_its_input_to_its_neuron_and_the_largest_is_the_widest():
    model = nn.MLP(2, [2, 1], "tanh", seed=2)
    model([1.0, -2.0]).backward()
    for by in ("gradient", "gradient_x_value"):
        root = ElementTree.fromstring(blame(model).draw(by).svg)
        at = {
            (float(circle.get("cx")), float(circle.get("cy"))): re.sub(".*-", "", group.get("id"))
            for group in root.iter(f"{SVG}g")
            for circle in group.findall(f"{SVG}circle")
        }
        wide, ends = {}, {}
        for group in [group for group in root.iter(f"{SVG}g") if group.get("class") == "edge"]:
            line = group.find(f"{SVG}path")
            (x0, y0), (x1, y1) = [[float(n) for n in pair.split(",")] for pair in line.get("d")[1:].split("L")]
            id_ = group.get("id").partition("-")[2]
            tail, head = [min(at, key=lambda c, x=x, y=y: math.dist(c, (x, y))) for x, y in ((x0, y0), (x1, y1))]
            wide[id_], ends[id_] = float(line.get("stroke-width")), (at[tail], at[head])
        assert ends["e2-1"] == ("n1", "n2")
        assert ends["e4-0"] == ("n2", "n4")
        weights = {
            f"e{i}-{j}": w
            for i, n in enumerate([n for layer in model.layers for n in layer.neurons], 2)
            for j, w in enumerate(n.weights)
        }
        sizes = {id_: abs(w.grad * (w.data if by == "gradient_x_value" else 1)) for id_, w in weights.items()}
        assert sorted(sizes, key=sizes.get) == sorted(wide, key=wide.get)


def test_layers_that_do_not_fit_are_no_perceptron():
    class Halved(nn.Module):
        def __init__(self):
            self.first, self.second = nn.Layer(2, 3, seed=0), nn.Layer(2, 1, seed=1)

        def __call__(self, x):
            return self.second(self.first(x)[:2])

    model = Halved()
    model([1.0, 2.0]).backward()
    with pytest.raises(ValueError, match=r"second\.neurons\.0 has 2 weights for 3 neurons before it"):
        blame(model).draw()


def test_a_network_of_more_than_200_boxes_is_not_drawn():
    for neurons, drawn in ((199, True), (200, False)):
        model = nn.Layer(1, neurons, bias=False, seed=0)
        for parameter in model.parameters():
            parameter.grad = 1.0
        if drawn:
            assert blame(model).draw().dot.count("->") == neurons
        else:
            with pytest.raises(ValueError, match="makes 201 boxes and 200 arrows"):
                blame(model).draw()


def test_the_table_of_a_notebook_escapes_names_and_stands_alone_where_nothing_can_be_drawn(monkeypatch):
    class Odd(nn.Module):
        def __init__(self):
            self.parts = {"<b>&": Value(1.0)}

    model = Odd()
    (model.parts["<b>&"] * 2.0).backward()
    html = blame(model)._repr_mimebundle_()["text/html"]
    assert '<td align="left">parts.&lt;b&gt;&amp;</td><td align="right">2</td>' in html
    told = blame(running_example())
    monkeypatch.setattr("autodiff.show.picture.drawing.painted", broken)
    bundle = told._repr_mimebundle_()
    assert bundle["text/html"].endswith("</table>")


def broken(*_):
    raise RuntimeError("no picture")
