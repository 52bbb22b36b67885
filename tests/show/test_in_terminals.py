"""What a terminal shows fits into it: drawings as text, tables of 80 columns, pages that open in a browser."""

import io
import re
import webbrowser
from pathlib import Path

import pytest

from autodiff import Value, derive, draw, nn, steps
from autodiff.show.stepper.terminal import Stepper

NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]\d+)?")


def network():
    model = nn.MLP(2, [3, 1], "tanh", seed=1)
    loss = (model([0.123456, -1.98765]) - 0.777777) ** 2
    return model, loss


def session(story, commands):
    out = io.StringIO()
    Stepper(story, io.StringIO(commands), out).run()
    return out.getvalue()


def test_no_line_of_a_session_is_longer_than_80_characters():
    model, loss = network()
    story = steps(loss)
    told = session(story, "n\n" * len(story) + "ll\nledger w[0][1,1]\nledger a[0][0]\n")
    assert max(map(len, told.splitlines())) <= 80
    assert "∂a[0][0]/∂z[0][0]" in told
    loss.backward()
    for layer, neuron, name in [(0, 2, "w[0][2,1]"), (1, 0, "w[1][0,1]")]:
        assert f"= {model.layers[layer].neurons[neuron].weights[1].grad:.6g}" in told.partition(f"dloss/d{name} ")[2]


def test_no_number_is_broken_where_a_line_is():
    _, loss = network()
    told = str(story := steps(loss))
    assert max(map(len, told.splitlines())) <= 80
    whole = {text for c in story.backward for x in c.contributions for text in (f"{x.local:.6g}", f"{x.amount:.6g}")}
    assert whole <= set(NUMBER.findall(told))


def test_what_is_printed_is_no_wider():
    model, loss = network()
    story, weight = steps(loss), model.layers[0].neurons[1].weights[0]
    for text in (str(story), str(story.ledger(weight))):
        assert max(map(len, text.splitlines())) <= 80


def test_a_drawing_as_text_has_each_operand_below_what_is_made_of_it_and_says_what_is_shown_above():
    w, x, b = Value(3.0), Value(2.0), Value(1.0)
    z = w * x + b
    L = z * z.tanh()
    L.backward()
    lines = draw(L).text.splitlines()
    assert [line.split()[-1] for line in lines] == [
        f"{node.grad:.6g}" for node in (L, z, z.parents[0], w, x, b, L.parents[1], z)
    ]
    assert [line.partition("  ")[0].strip() for line in lines] == [
        "L", "├─ z", "│", "│", "│", "│", "└─ v2", ""
    ]  # fmt: skip
    assert "└─ z ..." in lines[-1]


def test_a_drawing_as_text_of_two_outputs_has_two_trees_and_of_a_folded_network_its_neurons():
    x = Value(2.0)
    y, u = x * 3.0, x + 1.0
    assert [line[0] for line in draw([y, u]).text.splitlines() if line[0] in "yu"] == ["y", "u"]
    model, loss = network()
    text = draw(loss, model=model, fold="neuron").text
    assert "layers.0.neurons.2" in text
    assert "|grad|" in text


def test_a_drawing_of_a_lone_leaf_is_a_line():
    x = Value(2.0)
    assert draw(x).text == "x    2  grad not yet"


@pytest.mark.parametrize("found", [True, False])
def test_show_opens_a_file_in_the_browser_and_says_where_it_is(found, monkeypatch, capsys, tmp_path):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or found)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    w = Value(3.0)
    y = w * w
    draw(y).show()
    steps(y).show()
    places = [Path(line.rpartition(": ")[2]) for line in capsys.readouterr().out.splitlines()]
    assert [place.name for place in places] == ["drawing.svg", "steps.html"]
    assert opened == [place.as_uri() for place in places]
    assert places[0].read_text("utf-8") == draw(y).svg
    assert places[1].read_text("utf-8") == steps(y).html
    assert places[0].parent.parent == tmp_path
    assert places[0].stat().st_mode & 0o077 == 0 or places[0].parent.stat().st_mode & 0o077 == 0


def test_all_views_write_numbers_in_the_format_that_is_asked_for():
    w, x = Value(1 / 3), Value(2 / 3)
    y = (w * x).tanh()
    y.backward()
    dw = f"{w.grad:.2f}"
    story = steps(y, number_format=".2f")
    for text in (
        str(story),
        str(story.ledger(w)),
        session(story, "c\nprint\n"),
        str(derive(y, w, number_format=".2f")),
    ):
        assert dw in text
        assert not re.search(r"\d\.\d{3}", text)
    assert not re.search(r"\d\.\d{3}", derive(y, w, number_format=".2f").latex)
    assert f"{w.grad:.10f}" in str(steps(y, number_format=".10f"))
    assert r"\cdot 10^{-1}" in derive(y, w, number_format=".1E").latex
    assert r"%" not in derive(y, w, number_format=".1%").latex.replace(r"\%", "")
