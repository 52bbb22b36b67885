"""A training step by step: its numbers against an optimizer's, its surface against the loss itself."""

import html
import json
import math
import re
from xml.etree import ElementTree

import pytest

from autodiff import Value, nn, training_steps
from autodiff.cli import training
from autodiff.show.stepper.surface import CELLS, MARGIN, SIDE, curve, surface
from autodiff.show.story.training import put_back

SVG = "{http://www.w3.org/2000/svg}"


def the_1_1_1_network(x=4.0, t=1.0):
    w1, w2 = Value(1.5, "w1"), Value(1.0, "w2")

    def forward():
        y = w2 * (w1 * x)
        y.label = "y"
        return (y - t) ** 2

    return forward, [w1, w2]


def test_each_step_is_that_of_gradient_descent():
    forward, weights = the_1_1_1_network()
    rate = training.RATES["squared_error"]
    told = training_steps(forward, weights, lr=rate, steps=360)
    rows, _ = training.train(training.WEIGHTS, "squared_error", rate, 360)
    assert [made.numbers for made in told.rounds] == [(row.w1, row.w2) for row in rows]
    assert [made.results for made in told.rounds] == [(row.output,) for row in rows]
    for made, row in zip(told.rounds[:-1], rows, strict=False):
        assert tuple([update.gradient for update in made.updates]) == row.gradient
    assert told.rounds[-1].updates == ()
    assert [round(told.rounds[step].results[0], 4) for step in (0, 1, 360)] == [6.0, 5.5, 1.0]


def test_the_steps_that_are_told_have_the_gradients_of_backward():
    forward, weights = the_1_1_1_network()
    told = training_steps(forward, weights, lr=0.001, steps=12)
    assert list(told.stories) == [0, 1, 2, 3, 4, 5, 10, 12]
    for step, story in told.stories.items():
        for weight, number in zip(weights, told.rounds[step].numbers, strict=True):
            weight.data = number
            weight.zero_grad()
        forward().backward()
        assert [story.gradient(weight) for weight in weights] == [weight.grad for weight in weights]


def test_a_training_whose_graph_changes_on_the_way_has_the_results_of_each_step_by_name():
    w = Value(2.0, "w")
    w.grad = 7.0

    def forward():
        near = w.data < 1.0
        a, b = (w * w, w + 1.0) if near else (w + 1.0, w * w)
        (a if near else b).label = "square"
        return a + b * 3.0

    told = training_steps(forward, [w], lr=0.1, steps=4)
    assert any(made.numbers[0] < 1.0 for made in told.rounds)
    for made in told.rounds:
        (number,) = made.numbers
        assert made.results == (number * number,)
        if made.updates:
            assert made.updates[0].gradient == pytest.approx(2 * number + 3 if number < 1.0 else 1 + 6 * number)
    assert w.grad == 7.0  # which is nobody else's


def test_the_parameters_are_put_back_whatever_happens():
    forward, weights = the_1_1_1_network()
    training_steps(forward, weights, lr=0.01, steps=3).html  # noqa: B018  # which looks at the surface, too
    assert [weight.data for weight in weights] == [1.5, 1.0]
    assert all(weight._grad is None for weight in weights)
    with pytest.raises(ZeroDivisionError), put_back(weights):
        weights[0].data = 1 / 0
    calls = []

    def failing():
        calls.append(1)
        return forward() if len(calls) < 3 else 1 / 0

    with pytest.raises(ZeroDivisionError):
        training_steps(failing, weights, lr=0.01, steps=3)
    assert [weight.data for weight in weights] == [1.5, 1.0]


def test_as_text_it_is_a_table_of_the_steps():
    forward, weights = the_1_1_1_network()
    lines = str(training_steps(forward, weights, lr=0.001, steps=2)).splitlines()
    assert [line.split() for line in lines[:2]] == [["step", "w1", "w2", "y", "L"], ["0", "1.5", "1", "6", "25"]]
    assert lines[2].split() == ["1", "1.46", "0.94", "5.4896", "20.1565"]
    assert len({len(line) for line in lines}) == 1


def paths(svg):
    """The lines of equal error, each as its points, in cells from the lower left corner."""
    root = ElementTree.fromstring(svg)
    scale = SIDE / CELLS
    for path in root.iter(f"{SVG}path"):
        points = re.findall(r"([-\d.]+),([-\d.]+)", path.get("d"))
        yield [((float(x) - MARGIN) / scale, (10 + SIDE - float(y)) / scale) for x, y in points]


def test_a_line_of_the_surface_is_where_the_error_is_equal():
    def error(x, y):
        return (x - 1.0) ** 2 + 4.0 * (y + 0.5) ** 2

    walk = [(0.0, 0.0), (1.0, -0.5), (2.0, -1.0)]
    svg = surface(("x", "y"), walk, error)
    size = 0.75 * 2.0
    left, low = 1.0 - size, -0.5 - size
    lines = list(paths(svg))
    assert len(lines) > 4
    errors = [[error(left + i * 2 * size / CELLS, low + j * 2 * size / CELLS) for i, j in line] for line in lines]
    for heights in errors:
        assert max(heights) - min(heights) < 0.05 + 0.02 * max(heights)
    assert [min(heights) for heights in errors] == sorted(min(heights) for heights in errors)
    dots = [node for node in ElementTree.fromstring(svg).iter(f"{SVG}circle")]
    assert [dot.get("data-step") for dot in dots] == ["0", "1", "2"]
    middle = dots[1]
    assert (float(middle.get("cx")), float(middle.get("cy"))) == (MARGIN + SIDE / 2, 10 + SIDE / 2)


def test_a_surface_has_no_line_where_there_is_no_error():
    svg = surface(("x", "y"), [(1.0, 1.0), (2.0, 2.0)], lambda x, y: math.log(x) if x > 1.5 else math.nan)
    assert svg.count('class="level"') > 3
    assert all(i > CELLS / 2 - 1 for line in paths(svg) for i, _ in line)
    assert "level" not in surface(("x", "y"), [(1.0, 1.0)], lambda x, y: math.nan)
    assert surface(("x", "y"), [(0.0, 0.0)], lambda x, y: 1.0)


def test_with_another_number_of_parameters_the_error_is_a_curve_over_the_steps():
    a = Value(3.0, "a")
    told = training_steps(lambda: a * a, [a], lr=0.1, steps=4)
    assert told.surface == curve("L", [9.0 * 0.8 ** (2 * step) for step in range(5)])
    heights = [float(dot.get("cy")) for dot in ElementTree.fromstring(told.surface).iter(f"{SVG}circle")]
    assert heights == sorted(heights)
    assert curve("L", [1.0, math.inf]).count("<circle") == 1
    model = nn.MLP(2, [2, 1], "tanh", seed=1)
    many = training_steps(lambda: (model([1.0, 2.0]) - 1.0) ** 2, model, lr=0.1, steps=2)
    assert many.names[:2] == ["w[0][0,0]", "w[0][0,1]"]
    assert str(many).splitlines()[0].split() == [
        *["step", "w[0][0,0]", "w[0][0,1]", "b[0][0]", "w[0][1,0]", "..."],
        *["a[0][0]", "z[1][0]", "L"],
    ]
    assert many.rounds[2].loss < many.rounds[0].loss


def test_what_the_loss_does_not_depend_on_stays_where_it_is():
    a, b = Value(3.0, "a"), Value(2.0, "b")
    told = training_steps(lambda: a * a, [a, b], lr=0.1, steps=2)
    assert [made.numbers[1] for made in told.rounds] == [2.0, 2.0, 2.0]


@pytest.mark.slow
def test_a_page_has_each_step_that_is_told_and_words_where_no_script_runs():
    forward, weights = the_1_1_1_network()
    told = training_steps(forward, weights, lr=0.001, steps=2, number_format=".3f")
    page = told.html
    data = json.loads(re.search(r"^const story = (.*);$", page, re.MULTILINE)[1])
    assert data["rounds"][0]["cells"] == ["0", "1.500", "1.000", "6.000", "25.000"]
    assert data["rounds"][0]["updates"][0] == ["w1", "w1 - rate * dL/dw1", "1.500 - 0.001 * 40.000", "1.460"]
    words = html.unescape(page.partition("<script>")[0])
    assert "new w2 = w2 - rate * dL/dw2 = 1.000 - 0.001 * 60.000 = 0.940" in words
    assert page == training_steps(forward, weights, lr=0.001, steps=2, number_format=".3f").html
    bundle = told._repr_mimebundle_()
    assert bundle["text/plain"] == str(told)
    assert "<script>" in bundle["text/html"]


def test_it_is_saved_as_a_page_alone(tmp_path):
    forward, weights = the_1_1_1_network()
    told = training_steps(forward, weights, lr=0.001, steps=1)
    told.save(tmp_path / "t.html")
    assert (tmp_path / "t.html").read_text() == told.html
    with pytest.raises(ValueError, match=r"a training is saved as a page, such as training\.html, got '.*t\.svg'"):
        told.save(tmp_path / "t.svg")


def test_hostile_names_show_as_themselves():
    name = "</script><img src=x onerror=alert(1)>\"'&"
    a, b = Value(1.0, name), Value(2.0, name)
    told = training_steps(lambda: a * b, [a, b], lr=0.1, steps=1)
    assert "<img src=x" not in told.html + told.surface
    assert name in [text.text for text in ElementTree.fromstring(told.surface).iter(f"{SVG}text")]


@pytest.mark.slow
def test_the_command_writes_the_training_that_it_prints(tmp_path, capsys):
    page = tmp_path / "training.html"
    assert training.run(["-o", str(page), "--steps", "3"], "") == 0
    assert "5.500000" in capsys.readouterr().out
    data = json.loads(re.search(r"^const story = (.*);$", page.read_text(), re.MULTILINE)[1])
    assert data["heads"] == ["step", "w1", "w2", "y", "error", "L"]
    assert [made["cells"][3:5] for made in data["rounds"]][:2] == [["6", "5"], ["5.5", "4.5"]]
    for wrong in (["-o", "training.svg"], ["-o", str(tmp_path / "no" / "t.html")], ["-o", str(page), "--steps", "0"]):
        with pytest.raises(SystemExit, match="2"):
            training.run(wrong, "")
