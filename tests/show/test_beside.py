"""A mistake beside the right pass: its numbers, and the first that departs, in page, notebook and terminal."""

import io
import json
import re

import pytest

from autodiff import Value, steps
from autodiff.mistakes import MISCONCEPTIONS, bent_gradients
from autodiff.mistakes.graph import Graph
from autodiff.show.stepper.frames import told
from autodiff.show.stepper.steps import Steps
from autodiff.show.stepper.terminal import Stepper
from autodiff.show.story.beside import Other

SWAPPED = "factors of a product swapped"


def the_1_1_1_network():
    """The example of the documents, whose gradients by w1, w2, x, t are 40, 60, 15, -10 by hand."""
    w1, w2, x, t = Value(1.5, "w1"), Value(1.0, "w2"), Value(4.0, "x"), Value(1.0, "t")
    h = w1 * x
    y = w2 * h
    h.label, y.label = "h", "y"
    L = (y - t) ** 2
    L.label = "L"
    return L


def test_the_gradients_of_the_mistake_stand_beside_the_right_ones():
    story = steps(the_1_1_1_network(), misconception=SWAPPED)
    assert [story.gradient(name) for name in ("w1", "w2", "x", "t")] == [40.0, 60.0, 15.0, -10.0]
    pairs = {pair.name: (pair.right, pair.other) for pair in story.compared if pair.kind == "gradient"}
    assert [pairs[f"dL/d{name}"] for name in ("w1", "w2", "x", "t")] == [(40, 90), (60, 10), (15, 240), (-10, -10)]


def test_the_first_number_that_departs_is_the_earliest_of_the_pass():
    story = steps(the_1_1_1_network(), misconception=SWAPPED)
    first = story.departure
    assert (first.name, first.right, first.other) == ("∂y/∂w2", 6.0, 1.0)
    assert story.backward[first.step - len(story.forward)].name == "y"
    assert story.departs == "First departs at y: ∂y/∂w2 is 1 in place of 6"
    assert all(pair.same for pair in story.compared[: story.compared.index(first)])


@pytest.mark.parametrize(
    ("name", "departs"),
    [
        ("product computed as a sum", "First departs at h: h is 5.5 in place of 6"),
        ("seed is the output", "First departs at L: dL/dL is 25 in place of 1"),
        ("incoming gradient dropped", "First departs at v1: the contribution to y is 1 in place of 10"),
        ("gradients not set to zero", "First departs at v1: dL/dt is -20 in place of -10"),
    ],
)
def test_a_mistake_departs_where_it_is_made(name, departs):
    assert steps(the_1_1_1_network(), misconception=name).departs == departs


def test_each_mistake_that_can_be_made_is_told_with_the_numbers_of_its_pass():
    L = the_1_1_1_network()
    made = 0
    for name, row in MISCONCEPTIONS.items():
        if not row.applies(Graph(L)):
            with pytest.raises(ValueError, match="cannot be made here; there are"):
                steps(L, misconception=name)
            continue
        story = steps(L, misconception=name)
        made += 1
        bent = bent_gradients(L, row)
        assert {pair.name: pair.other for pair in story.compared if pair.kind == "gradient"} == {
            f"dL/d{story.name(node)}": number for node, number in bent.items()
        }
        assert (story.departure is None) == all(pair.same for pair in story.compared)
    assert made > 20


def test_no_node_is_touched_and_without_a_mistake_nothing_stands_beside():
    L = the_1_1_1_network()
    assert steps(L).compared == ()
    assert "beside" not in str(steps(L))
    assert "beside" not in told(steps(L), steps(L).views)
    assert L._grad is None


def test_a_page_says_in_each_step_what_the_mistake_has_and_where_it_departs():
    story = steps(the_1_1_1_network(), misconception=SWAPPED)
    data = told(story, story.views)
    others = [given["other"] for step in data["backward"] for given in step["given"]]
    assert others[data["beside"]["moment"] - len(data["forward"])] == {
        "text": "∂y/∂w2 = 1, contribution = 10, dL/dw2 = 10",
        "mark": "departs",
    }
    assert [other["mark"] for other in others] == ["", "", "", "departs", "differs", "differs", "differs"]
    words = re.sub("<[^>]+>", "", story.html)
    assert "∂y/∂w2 = 1, contribution = 10, dL/dw2 = 10 (the first that departs)" in words.replace("&#8706;", "∂")


def test_a_terminal_goes_to_the_first_number_that_departs():
    out = io.StringIO()
    story = steps(the_1_1_1_network(), misconception=SWAPPED)
    Stepper(story, io.StringIO("departs\nundo\n"), out).run()
    text = out.getvalue()
    assert text.startswith(f"beside: {SWAPPED}\n  each factor is given its own number\n")
    assert "beside: ∂y/∂w2 = 1, contribution = 10, dL/dw2 = 10\n            ^ the first that departs" in text
    assert "backward 7/8  y  dL/dy = 10" in text
    out = io.StringIO()
    Stepper(steps(the_1_1_1_network()), io.StringIO("departs\n"), out).run()
    assert "there are no other numbers beside these" in out.getvalue()


def test_gradients_of_another_engine_can_stand_beside():
    L = the_1_1_1_network()
    nodes = {node.label: node for node in steps(L).all_nodes}
    theirs = Other("their engine", (), {id(nodes["h"]): 10.0, id(nodes["w1"]): 4.0, id(nodes["w2"]): 60.0 + 1e-12})
    story = Steps(L, {}, beside=theirs)
    assert story.departs == "First departs at h: dL/dw1 is 4 in place of 40"
    assert len(story.compared) == 3  # what they have no number for is not compared
    assert str(story).endswith("         right  here\n  dL/dw1     40     4")
    assert json.loads(json.dumps(told(story, story.views)))["beside"]["words"] == []
    assert "their engine" in story.html


def test_a_mistake_that_leads_to_the_same_is_said_to():
    a = Value(2.0, "a")
    story = steps(a * a, misconception=SWAPPED)
    assert story.departs == "No number departs: here it comes to the same"
    assert "moment" not in told(story, story.views)["beside"]
    assert str(story).endswith("here it comes to the same")


@pytest.mark.parametrize("name", ["", "swapped", "step uphill", "paths averaged", "<script>"])
def test_a_mistake_that_is_none_or_cannot_be_made_is_refused_with_those_that_can(name):
    with pytest.raises(
        ValueError, match=f"misconception '{name}' (is none of the table|cannot be made here); .*swapped"
    ):
        steps(the_1_1_1_network(), misconception=name)
    with pytest.raises(TypeError, match="misconception must be a name, got int: 3"):
        steps(the_1_1_1_network(), misconception=3)


def test_hostile_names_of_others_are_shown_as_themselves():
    L = the_1_1_1_network()
    name = "</script><img src=x onerror=alert(1)>\"'"
    page = Steps(L, {}, beside=Other(name, (name,), {id(L): 3.0})).html
    assert "<img src=x" not in page
    assert name in json.loads(re.search(r"^const story = (.*);$", page, re.MULTILINE)[1])["beside"]["words"]
