"""What authors choose: colours, roles, a title, and labels that are set as mathematics."""

import re
from xml.etree import ElementTree

import pytest

from autodiff import Value, dot, draw, nn
from autodiff.support.labels import scripts

SVG = "{http://www.w3.org/2000/svg}"


def product():
    w, x = Value(3.0, "w"), Value(2.0, "x")
    y = w * x
    return w, x, y


def shape(drawing, node):
    """Return the fill of a node's box, and its texts with their colours."""
    group = next(g for g in ElementTree.fromstring(drawing.svg).iter(f"{SVG}g") if g.get("id") == drawing.node_id(node))
    texts = {"".join(text.itertext()): text.get("fill") for text in group.iter(f"{SVG}text")}
    return group.find(f"{SVG}path").get("fill"), texts


@pytest.mark.parametrize("engine", ["auto", "embedded"])
def test_nodes_have_the_colours_and_the_roles_that_are_given(engine):
    w, x, y = product()
    drawing = draw(y, roles={w: "weight", x: "input"}, colors={y: "#F80", x: "white"}, engine=engine)
    assert shape(drawing, y)[0] == "#ff8800"
    assert shape(drawing, x)[0] == "#ffffff"
    assert "weight" in shape(drawing, w)[1]
    assert "input" in shape(drawing, x)[1]


def test_nodes_of_one_role_have_one_colour_and_other_roles_others():
    leaves = [Value(float(i), f"a{i}") for i in range(4)]
    drawing = draw(dot(leaves[:2], leaves[2:]), roles=dict(zip(leaves, ["w", "w", "x", "t"], strict=True)))
    fills = [shape(drawing, leaf)[0] for leaf in leaves]
    assert fills[0] == fills[1]
    assert len(set(fills)) == 3


def test_on_a_dark_colour_texts_are_light():
    w, _, y = product()
    _, texts = shape(draw(y, colors={w: "#102040"}), w)
    assert set(texts.values()) == {"#ffffff"}


def test_a_circle_of_a_network_has_the_colour_and_the_role_of_its_input():
    model, x = nn.MLP(1, [2, 1], seed=0), Value(1.0, "x")
    drawing = draw(model([x]), view="network", model=model, roles={x: "input"}, colors={x: "green"})
    group = re.search(rf'<g id="{drawing.node_id(x)}".*?</g>', drawing.svg, re.DOTALL)[0]
    assert 'fill="#a9e0c5"' in group
    assert ">input</text>" in group


@pytest.mark.parametrize("engine", ["auto", "embedded"])
def test_a_title_stands_above_the_picture_and_is_its_name(engine):
    _, _, y = product()
    drawing = draw(y, title='One <neuron> & "more"', engine=engine)
    root = ElementTree.fromstring(drawing.svg)
    (title,) = [text for text in root.iter(f"{SVG}text") if text.get("class") == "title"]
    assert title.text == 'One <neuron> & "more"'
    assert float(title.get("y")) < min(float(t.get("y")) for t in root.iter(f"{SVG}text") if t is not title)
    assert root.find(f"{SVG}g/{SVG}title").text == 'One <neuron> & "more": 3 boxes, 2 arrows'
    assert 'alt="One &lt;neuron&gt; &amp; &quot;more&quot;: ' in drawing.html


@pytest.mark.parametrize(
    ("label", "pieces"),
    [
        ("w_ij", [(0, "w"), (-1, "ij")]),
        ("w_{11}", [(0, "w"), (-1, "11")]),
        ("h^{(2)}", [(0, "h"), (1, "(2)")]),
        ("w_{ij}^{(2)}", [(0, "w"), (-1, "ij"), (1, "(2)")]),
        ("θ^T", [(0, "θ"), (1, "T")]),
        ("loss_{train}", [(0, "loss"), (-1, "train")]),
        ("layer_1", [(0, "layer"), (-1, "1")]),
        *[
            (same, [(0, same)])
            for same in ("learning_rate", "a_b_c", "__init__", "x_{}", "x_", "^", "w[1][2,0]", "{", "")
        ],
    ],
)
@pytest.mark.parametrize("engine", ["auto", "embedded"])
def test_indices_and_powers_are_lowered_and_raised(label, pieces, engine):
    assert scripts(label) == pieces
    if label:
        drawing = draw(Value(1.0, label), engine=engine)
        (name,) = [t for t in ElementTree.fromstring(drawing.svg).iter(f"{SVG}text") if t.get("class") == "name"]
        assert [name.text, *[span.text for span in name]] == [text for _, text in pieces]
        moves = [float(span.get("dy")) for span in name]
        assert [(move > 0) - (move < 0) for move in moves[:1]] == [-level for level, _ in pieces[1:2]]
        assert f"{label} = 1.0" in drawing.svg, "the tooltip has the label as it was typed"


def test_after_an_index_the_text_goes_on_where_it_was():
    w, x = [Value(3.0, "w_1"), Value(1.0, "w_2")], [Value(2.0, "x_1"), Value(1.0, "x_2")]
    drawing = draw(dot(w, x))
    products = [t for t in ElementTree.fromstring(drawing.svg).iter(f"{SVG}text") if t.get("class") == "product"]
    assert ["".join(t.itertext()) for t in products] == ["w1·x1 = 6", "w2·x2 = 1"]
    assert sum(float(span.get("dy")) for span in products[0]) == pytest.approx(0)


@pytest.mark.parametrize("option", ["roles", "colors"])
def test_what_cannot_be_chosen_is_refused(option):
    _, x, y = product()
    for wrong in ([], "x", {"x": "red"}, {x: 3}, {x: None}):
        with pytest.raises(TypeError, match=f"{option} says something of each of some nodes"):
            draw(y, **{option: wrong})
    with pytest.raises(ValueError, match=f"{option} names .*, which is no node of what is drawn"):
        draw(y, **{option: {Value(1.0): "red"}})
    with pytest.raises(TypeError, match="title must be a text, got int: 3"):
        draw(y, title=3)


@pytest.mark.parametrize("colour", ["crimson", "", "#12", "#12345g", "#12345", "url(#x)", '"/><script>'])
def test_a_colour_that_is_none_is_refused_with_those_there_are(colour):
    _, x, y = product()
    with pytest.raises(ValueError, match=r"a colour is 'green', .* or hexadecimal as in '#ff8800', got"):
        draw(y, colors={x: colour})
