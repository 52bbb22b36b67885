"""The steps as pictures: one for each, and one that goes through all of them."""

import re
from xml.etree import ElementTree

import pytest
from test_draw_labels import HOSTILE
from test_page import graph_of, network, neuron

from autodiff import Value, steps
from autodiff.show.stepper.page import _resource
from autodiff.show.stepper.slides import BACKWARD, FORWARD, PAUSE

SVG = "{http://www.w3.org/2000/svg}"


def slides_of(story, folder):
    story.save(folder / "s-{step}.svg")
    count = len(list(folder.iterdir()))
    return [ElementTree.parse(folder / f"s-{step}.svg").getroot() for step in range(count)]


def texts(root, kind):
    return ["".join(element.itertext()) for element in root.iter(f"{SVG}text") if element.get("class") == kind]


def shown_heads(root, colour):
    """The tips of the arrows in a colour that are seen, and the group each is in."""
    hidden = {id(part) for group in root.iter(f"{SVG}g") if group.get("display") == "none" for part in group.iter()}
    heads = [head for head in root.iter(f"{SVG}polygon") if head.get("fill") == colour and id(head) not in hidden]
    return [tuple(map(float, head.get("points").split()[1].split(","))) for head in heads]


def middle_of_box(root, name):
    for group in root.iter(f"{SVG}g"):
        if name in [text.text for text in group.findall(f"{SVG}text") if text.get("class") == "name"]:
            return float(group.find(f"{SVG}text").get("x"))


def test_there_is_a_picture_of_the_start_and_of_each_step(tmp_path):
    loss = neuron()
    story = steps(loss)
    pictures = slides_of(story, tmp_path)
    loss.backward()
    assert len(pictures) == len(story) + 1
    assert texts(pictures[0], "data").count("?") == len(story.forward)
    assert set(texts(pictures[0], "gradient")) == {"grad not yet"}
    assert "?" not in texts(pictures[5], "data")
    assert sorted(texts(pictures[-1], "gradient")) == sorted(f"grad {node.grad:.6g}" for node in story.all_nodes)
    words = [element.text for element in pictures[-1].findall(f"{SVG}text")]
    assert words[0] == "10 / 10  Backward: v1 hands on dL/dv1 = -0.65885"


def test_arrows_of_a_picture_lead_where_numbers_flow(tmp_path):
    w, x, t = Value(3.0, "w"), Value(2.0, "x"), Value(4.0, "t")
    y = w * x
    y.label = "y"
    pictures = slides_of(steps(y - t), tmp_path)
    there, back = pictures[1], pictures[4]
    (ahead, _), box = shown_heads(there, FORWARD), middle_of_box(there, "y")
    assert middle_of_box(there, "w") < ahead[0] < box
    assert shown_heads(there, BACKWARD) == []
    for tip, name in zip(sorted(shown_heads(back, BACKWARD)), ("w", "x"), strict=True):
        assert abs(tip[0] - middle_of_box(back, name)) < abs(tip[0] - middle_of_box(back, "y"))
    assert [text for text in texts(back, "flow") if text] == ["1 × 2 = 2", "1 × 3 = 3"]


def test_numbers_of_pictures_are_written_as_it_is_asked_for(tmp_path):
    pictures = slides_of(steps(Value(3.0, "w") * Value(2.0, "x"), number_format=".1f"), tmp_path)
    assert texts(pictures[2], "data") == ["3.0", "2.0", "6.0"]
    assert texts(pictures[2], "gradient") == ["grad 2.0", "grad 3.0", "grad 1"]
    assert [text for text in texts(pictures[2], "flow") if text] == ["1.0 × 2.0", "= 2.0", "1.0 × 3.0", "= 3.0"]


def test_a_module_is_one_picture(tmp_path):
    model, loss = network([2, 1])
    pictures = slides_of(steps(loss, model=model, fold="layer"), tmp_path)
    assert len(pictures) == 9
    assert texts(pictures[6], "gradient").count("|grad| not yet") == 2
    assert texts(pictures[7], "gradient").count("|grad| not yet") == 1
    assert len(shown_heads(pictures[7], BACKWARD)) == 1


def test_one_picture_goes_through_all_of_them(tmp_path):
    story = steps(neuron())
    pictures = slides_of(story, tmp_path)
    story.save(tmp_path / "all.svg")
    root = ElementTree.parse(tmp_path / "all.svg").getroot()
    frames = [group for group in root if group.get("class") == "step"]
    for frame, picture in zip(frames, pictures, strict=True):
        assert [text for text in frame.itertext() if text.strip()] == [
            text for text in picture.itertext() if text.strip()
        ]
    delays = [int(re.search(r"-?\d+", frame.get("style"))[0]) for frame in frames]
    assert delays == [PAUSE * (i - len(frames)) for i in range(len(frames))]
    assert [frame.get("visibility") for frame in frames] == ["hidden"] * 10 + [None]
    assert not [element for element in root.iter() if element.get("id")]  # each would be there in every frame


def test_labels_are_but_text_in_pictures(tmp_path):
    plain, hostile = (steps(graph_of(labels)) for labels in (["x"] * 10, HOSTILE[:10]))
    (tmp_path / "plain").mkdir()
    (tmp_path / "hostile").mkdir()
    for one, other in zip(
        *[slides_of(story, tmp_path / name) for story, name in [(plain, "plain"), (hostile, "hostile")]], strict=True
    ):
        assert {element.tag for element in one.iter()} == {element.tag for element in other.iter()}
        assert sorted(texts(other, "name")) == sorted(
            hostile.name(node) for node in hostile.all_nodes if node.op or hostile.is_named(node)
        )


def test_a_picture_has_the_colours_of_the_page():
    assert f"--forward: {FORWARD}; --backward: {BACKWARD};" in _resource("stepper.css")


def test_what_is_no_step_is_no_name(tmp_path):
    with pytest.raises(ValueError, match=r"such as steps\.svg, which moves"):
        steps(neuron()).save(tmp_path / "s-{step}.png")
    assert not list(tmp_path.iterdir())
