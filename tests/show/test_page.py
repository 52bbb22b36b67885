import base64
import hashlib
import html
import json
import math
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from test_draw_labels import HOSTILE

import autodiff
from autodiff import Value, nn, steps
from autodiff.cli import main
from autodiff.show.stepper.picture import Picture


def neuron():
    w, x, b, t = Value(0.5, "w"), Value(2.0, "x"), Value(-0.4, "b"), Value(1.0, "t")
    loss = ((w * x + b).tanh() - t) ** 2
    loss.label = "L"
    return loss


class Reader(HTMLParser):
    """The elements of a page and the texts in them, as a browser's parser sees them."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.texts = [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.texts.append(data)


def told(page):
    """The JSON inside."""
    return json.loads(re.search(r"^const story = (.*);$", page, re.M)[1])


def picture(page):
    (image,) = [attributes for tag, attributes in Reader(page).elements if tag == "img"]
    return base64.b64decode(image["src"].removeprefix("data:image/svg+xml;base64,")).decode()


def test_the_story_inside_is_that_of_the_steps():
    loss = neuron()
    names = steps(loss)
    story = told(names.html)
    loss.backward()
    gradients = {story["nodes"][story["rootNode"]]["name"]: "1"}
    for step in story["backward"]:
        for parent, given in zip(story["nodes"][step["node"]]["parents"], step["given"], strict=True):
            gradients[story["nodes"][parent]["name"]] = given["after"]
    for node in names.all_nodes:
        assert float(gradients[names.name(node)]) == pytest.approx(node.grad, rel=1e-5)


def test_all_steps_are_told_in_words_too():
    loss = neuron()
    story = steps(loss)
    loss.backward()
    reader = Reader(story.html.partition("<script>")[0])
    assert [tag for tag, _ in reader.elements].count("ol") == 1
    lines = [text for text in reader.texts if text.startswith(("Forward", "Backward", "to "))]
    assert lines[:2] == ["Forward: v1 = w * x = 0.5 * 2 = 1", "Forward: v2 = v1 + b = 1 + (-0.4) = 0.6"]
    assert len([line for line in lines if not line.startswith("to ")]) == len(story)
    so_far = dict(line.rpartition("; so far dL/d")[2].split(" = ", 1) for line in lines if line.startswith("to "))
    assert so_far.keys() == {story.name(node) for node in story.all_nodes} - {"L"}
    for name, told_last in so_far.items():
        assert told_last.rpartition(" = ")[2] == f"{story.node(name).grad:.6g}"


def test_a_folded_module_is_one_step_in_words():
    model, loss = network([2, 1])
    reader = Reader(steps(loss, model=model, fold="layer").html.partition("<script>")[0])
    loss.backward()
    (a, b), x = model.layers[0].neurons, loss.parents[0].parents[0]
    assert x.op.name == "dot"
    told_from = reader.texts.index("Forward: compute layers.0")  # after the formulas
    lines = [text for text in reader.texts[told_from:] if text.startswith(("Forward", "Backward", "to ", "a["))]
    assert lines[:4] == [
        "Forward: compute layers.0",
        *[f"a[0][{i}] = {node.data:.6g}" for i, node in enumerate(x.parents[2:4])],
        "Forward: compute layers.1",
    ]
    norm = math.hypot(*[parameter.grad for neuron in (a, b) for parameter in neuron.parameters()])
    assert lines[-4] == "Backward: layers.0 hands on its gradients"
    assert lines[-1] == f"to its own parameters: |grad| {norm:.6g}"


@pytest.mark.slow
def test_the_words_of_a_network_begin_with_its_inputs():
    model, loss = network([4, 4, 1])
    texts = Reader(steps(loss, model=model).html.partition("<script>")[0]).texts
    assert "Given: x1 = 1, x2 = -2, and 37 parameters" in texts
    assert "loss = (z[2][0] - 1)**2" in texts


def test_ids_in_the_story_are_those_of_the_picture():
    page = steps(neuron()).html
    ids = {element.get("id") for element in ElementTree.fromstring(picture(page)).iter()}
    story = told(page)
    (view,) = story["views"]
    assert {view["prefix"] + box for box in view["boxes"]} <= ids
    assert [len(arrows) for arrows in view["arrows"]] == [len(node["parents"]) for node in story["nodes"]]
    assert {view["prefix"] + arrow for arrows in view["arrows"] for arrow in arrows} <= ids


def test_the_picture_shows_the_gradients_of_the_end():
    loss = neuron()
    page = steps(loss).html
    loss.backward()
    w = next(node for node in steps(loss).all_nodes if node.label == "w")
    assert f"grad {w.grad:.6g}" in picture(page)
    assert "not yet" not in picture(page)


def test_parameters_of_the_same_label_are_told_apart_by_their_places():
    model = nn.MLP(1, [2, 1], seed=0)
    svg = picture(steps(model([1.0])).html)
    assert {"w[0][0,0]", "w[0][1,0]", "b[0][0]", "b[0][1]"} <= {
        element.text for element in ElementTree.fromstring(svg).iter()
    }


@pytest.mark.slow
def test_the_same_bytes_at_every_run():
    code = (
        "from autodiff import *; m = nn.MLP(2, [2, 1], 'tanh', seed=0); "
        "s = steps(m([1.0, 2.0]), engine='embedded'); print(s.html, s._repr_mimebundle_())"
    )
    pages = [
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert pages[0] == pages[1]
    assert b" at 0x" not in pages[0]


def test_nothing_is_loaded_from_anywhere():
    page = steps(neuron()).html
    for tag, attributes in Reader(page).elements:
        assert tag not in ("link", "iframe", "object", "embed", "base")
        assert attributes.get("src", "data:").startswith("data:")
        assert "href" not in attributes
    assert "default-src 'none'" in page
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)


def test_a_page_is_small():
    model = nn.MLP(2, [4, 4, 1], "tanh", seed=0)
    loss = (model([1.0, -2.0]) - 1.0) ** 2
    story = steps(loss)
    inside = told(story.html)
    _, *opened = inside.pop("views")
    assert len(json.dumps(inside)) < 400 * len(story.all_nodes)
    assert len(opened) == 9  # one of each neuron
    assert max(len(json.dumps(view)) for view in opened) < 70_000


def network(widths):
    model = nn.MLP(2, widths, "tanh", seed=0)
    loss = (model([Value(1.0, "x1"), Value(-2.0, "x2")]) - 1.0) ** 2
    return model, loss


@pytest.mark.slow
@pytest.mark.parametrize(
    ("widths", "fold", "parts"),
    [
        ([2, 1], "auto", []),  # small enough to be seen whole
        ([2, 1], "neuron", ["layers.0.neurons.0", "layers.0.neurons.1", "layers.1.neurons.0"]),
        ([16, 16, 1], "auto", ["layers.0", "layers.1", "layers.2"]),
    ],
    ids=str,
)
def test_a_network_is_folded_as_far_as_it_takes_and_its_parts_can_be_opened(widths, fold, parts):
    model, loss = network(widths)
    views = told(steps(loss, model=model, fold=fold).html)["views"]
    assert sorted(part["name"] for part in views[0]["folded"].values()) == parts
    assert [views[part["opens"]]["path"] for part in views[0]["folded"].values()] == [
        part["name"] for part in views[0]["folded"].values()
    ]
    assert len(views) == 1 + len(parts)
    for view in views[1:]:
        assert view["up"] == 0
        assert view["path"] not in [part["name"] for part in view["folded"].values()]


def test_the_whole_model_opens_into_its_layers_and_these_into_neurons():
    model, loss = network([2, 1])
    views = told(steps(loss, model=model, fold="model").html)["views"]
    names = [[part["name"] for part in view["folded"].values()] for view in views]
    assert names[0] == ["MLP"]
    assert names[1] == ["layers.0", "layers.1"]
    assert sorted(view["path"] for view in views) == [
        *["", "MLP", "layers.0", "layers.0.neurons.0", "layers.0.neurons.1", "layers.1"],
    ]
    for view in views:
        assert view["boxes"][-1] not in view["folded"]  # the loss is no part of the model


def test_a_module_that_is_used_several_times_has_the_same_names_in_all_views():
    neuron = nn.Neuron(1, "tanh", seed=0)
    twice = neuron([neuron([Value(0.5, "x")])])
    views = told(steps(twice, model=neuron, fold="neuron").html)["views"]
    names = [sorted(part["name"] for part in view["folded"].values()) for view in views]
    assert names == [["Neuron (1)", "Neuron (2)"], ["Neuron (2)"], ["Neuron (1)"]]
    assert [view["path"] for view in views] == ["", "Neuron (1)", "Neuron (2)"]


def test_what_a_folded_box_shows_is_the_norm_of_its_gradients():
    model, loss = network([2, 1])
    views = told(steps(loss, fold="layer").html)["views"]
    loss.backward()
    for part in views[0]["folded"].values():
        layer = model.layers[int(part["name"].removeprefix("layers."))]
        norm = math.hypot(*[parameter.grad for parameter in layer.parameters()])
        assert part["gradient"] == f"|grad| {norm:.6g}"


def test_a_fold_needs_a_model_which_is_given_or_held_by_a_variable():
    with pytest.raises(ValueError, match=r"say of which model: steps\(loss, model=\.\.\., fold='layer'\)"):
        steps(network([2, 1])[1], fold="layer")
    model, loss = network([2, 1])
    assert steps(loss, fold="layer").html == steps(loss, model=model, fold="layer").html


def test_a_notebook_is_given_the_stepper_with_a_picture_and_text():
    bundle = steps(neuron())._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert picture(bundle["text/html"]).startswith("<svg")
    assert bundle["text/plain"] == str(steps(neuron()))


def test_marimo_is_given_the_page_in_a_frame():
    story = steps(neuron())
    kind, text = story._mime_()
    ((tag, attributes),) = Reader(text).elements
    assert (kind, tag) == ("text/html", "iframe")
    assert attributes["srcdoc"] == story.html
    x = Value(1.0, "x")
    for _ in range(300):
        x = x.tanh()
    assert steps(x)._mime_()[0] == "text/plain"


def test_a_graph_too_large_to_draw_is_still_told_as_text(tmp_path):
    x = Value(1.0, "x")
    for _ in range(300):
        x = x.tanh()
    story = steps(x)
    bundle = story._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert "301 nodes" in bundle["text/plain"]
    with pytest.raises(ValueError, match=r"301 nodes.*take the steps of a part"):
        story.save(tmp_path / "steps.html")
    assert not list(tmp_path.iterdir())


def test_a_page_is_saved_under_the_name_of_a_page(tmp_path):
    story = steps(neuron())
    story.save(tmp_path / "steps.html")
    assert (tmp_path / "steps.html").read_text("utf-8") == story.html
    with pytest.raises(ValueError, match=r"such as steps\.html, .*, got"):
        story.save(tmp_path / "steps.png")


def test_the_command_line_writes_a_page(tmp_path, capsys):
    arguments = ["page", "(w*x + b - y)**2", "w=3", "x=2", "b=1", "y=5"]
    assert main([*arguments, "-o", str(tmp_path / "steps.html")]) == 0
    assert main(arguments) == 0
    assert capsys.readouterr().out == (tmp_path / "steps.html").read_text("utf-8")
    with pytest.raises(SystemExit) as stopped:
        main([*arguments, "-o", str(tmp_path / "none" / "steps.html")])
    assert stopped.value.code == 2
    assert "cannot write" in capsys.readouterr().err


@pytest.mark.slow
def test_two_hundred_hostile_labels_escape_from_nothing():
    plain = Reader(steps(graph_of(["x"] * 10)).html)
    for start in range(0, 200, 10):
        loss = graph_of(HOSTILE[start : start + 10])
        story = steps(loss)
        page = story.html
        reader = Reader(page)
        assert [tag for tag, _ in reader.elements] == [tag for tag, _ in plain.elements]
        assert [sorted(attributes) for _, attributes in reader.elements] == [
            sorted(attributes) for _, attributes in plain.elements
        ]
        assert page.count("<script") == page.count("</script>") == 1
        script = page[page.index("<script>") : page.index("</script>")]
        assert "<!--" not in script
        assert [node["name"] for node in told(page)["nodes"]] == [story.name(node) for node in story.all_nodes]
        svg = ElementTree.fromstring(picture(page))
        assert {element.tag.split("}")[1] for element in svg.iter()} <= {
            "svg", "g", "title", "polygon", "polyline", "path", "text", "ellipse",
        }  # fmt: skip
        texts = {element.text for element in svg.iter() if element.get("class") == "name"}
        assert texts >= {story.name(node) for node in story.all_nodes if story.is_named(node)}
        (title,) = re.findall(r"<title>(.*)</title>", page)
        assert html.unescape(title) == f"Steps of the gradient of {story.name(loss)}"


def graph_of(labels):
    """A sum of leaves with these labels, which has the first of them too."""
    total = Value(1.0, labels[0])
    for label in labels[1:]:
        total = total + Value(1.0, label)
    total.label = labels[0]
    return total


def test_a_page_is_the_same_in_an_encoding_that_is_not_utf_8():
    arguments = [sys.executable, "-m", "autodiff", "page", "λ*x", "λ=3", "x=2"]
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    page = subprocess.run(arguments, capture_output=True, check=True, env=environment).stdout.decode("ascii")
    (script,) = re.findall(r"<script>(.*)</script>", page, re.DOTALL)
    hashed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{hashed}'" in page
    assert "λ" in [node["name"] for node in told(page)["nodes"]]


def test_every_text_of_the_story_is_ready_made():
    w, x = Value(-3.0, "w"), Value(2.0, "x")
    L = w * x + w
    story = told(steps(L).html)
    assert (story["root"], story["rootNode"]) == ("L", 3)
    assert [(node["name"], node["value"], node["parents"]) for node in story["nodes"]] == [
        *[("w", "-3", []), ("x", "2", []), ("v1", "-6", [0, 1]), ("L", "-9", [2, 0])]
    ]
    assert story["forward"] == [
        {"node": 2, "work": ["w * x", "-3 * 2", "-6"]},
        {"node": 3, "work": ["v1 + w", "-6 + (-3)", "-9"]},
    ]
    one = {"rule": ["1"], "product": "1 * 1 = 1", "sum": "0 + 1 = 1", "after": "1", "flow": ["1 × 1 = 1"]}
    assert story["backward"] == [
        {"node": 3, "incoming": "1", "given": [one, one]},
        {
            "node": 2,
            "incoming": "1",
            "given": [
                {"rule": ["x", "2"], "product": "1 * 2 = 2", "sum": "1 + 2 = 3", "after": "3", "flow": ["1 × 2 = 2"]},
                {
                    **{"rule": ["w", "-3"], "product": "1 * (-3) = -3", "sum": "0 + (-3) = -3", "after": "-3"},
                    "flow": ["1 × (-3)", "= -3"],
                },
            ],
        },
    ]


def test_a_page_listens_to_keys_and_a_piece_of_a_notebook_does_not():
    story = steps(neuron())
    page, piece = story.html, story._repr_mimebundle_()["text/html"]
    places = [next(a for tag, a in Reader(text).elements if tag == "div") for text in (page, piece)]
    assert [set(place) for place in places] == [{"data-page", "data-autodiff-steps"}, {"data-autodiff-steps"}]
    for text, place in zip((page, piece), places, strict=True):
        assert f"[data-autodiff-steps='{place['data-autodiff-steps']}']" in text
    images = [next(a for tag, a in Reader(text).elements if tag == "img") for text in (page, piece)]
    assert [image.get("style") for image in images] == [None, "max-width:100%"]
    assert images[0]["alt"] == "Computation graph of L with its numbers and gradients"


def test_stories_that_differ_have_places_of_their_own():
    x, y = Value(2.0, "x"), Value(3.0, "y")
    ids = [re.search(r'data-autodiff-steps="(\w+)"', steps(root).html)[1] for root in (x * 2.0, y * 2.0, x * 2.0)]
    assert ids[0] == ids[2] != ids[1]


def test_the_page_allows_its_own_script_and_style_alone():
    page = steps(neuron()).html
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', page)[1]
    hashed = [
        base64.b64encode(
            hashlib.sha256(re.search(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)[1].encode()).digest()
        ).decode()
        for tag in ("script", "style")
    ]
    allowed = f"script-src 'sha256-{hashed[0]}'; style-src 'sha256-{hashed[1]}'"
    assert html.unescape(policy) == f"default-src 'none'; img-src data:; {allowed}"


def test_the_boxes_have_room_for_all_gradients_on_the_way():
    x = Value(7.0, "x")
    story = steps(x * (5 / 3) + x * (1 / 3))
    drawing = Picture(story).drawing
    middle = f"grad {story.ledger(x).entries[0].after:.6g}"
    assert middle in drawing.dot
    assert middle not in drawing.svg
    assert "grad 2<" in drawing.svg
    assert "grad not yet" not in drawing.svg


def test_a_graph_of_200_boxes_and_600_arrows_is_drawn_and_no_larger_one():
    x = Value(1.0, "x")
    chains = [x]
    for _ in range(200):
        chains.append(chains[-1].sin())
    assert len(re.findall(r"\tn\d+ \[", Picture(steps(chains[199])).drawing.dot)) == 200
    with pytest.raises(ValueError, match="has 201 nodes, which makes 201 boxes and 200 arrows"):
        str(steps(chains[200]).html)
    wide = autodiff.sum([x] * 598) + x
    assert Picture(steps(wide)).drawing.dot.count(" -> ") == 600
    with pytest.raises(ValueError, match="makes 4 boxes and 601 arrows"):
        str(steps(wide.sin()).html)


def test_where_no_picture_can_be_made_a_notebook_is_given_the_text(monkeypatch):
    def broken(*_):
        raise RuntimeError("no Graphviz")

    monkeypatch.setattr("autodiff.show.picture.drawing.render", broken)
    story = steps(neuron())
    assert story._repr_mimebundle_() == {"text/plain": f"{story}\n(no Graphviz)"}


@pytest.mark.parametrize("name", ["steps.htm", "STEPS.HTML"])
def test_the_ending_of_a_page_may_be_written_otherwise(tmp_path, name):
    steps(Value(1.0, "x")).save(tmp_path / name)
    assert (tmp_path / name).exists()


def test_the_picture_has_the_numbers_of_the_forward_pass_alone():
    w = Value(3.0, "w")
    y = w * w
    w.data = y.data = 10.0
    svg = picture(steps(y).html)
    assert [e.text for e in ElementTree.fromstring(svg).iter() if e.get("class") == "data"] == ["3", "9"]
