"""A graph as it was written, and what the names v1, v2, ... in its steps stand for."""

import pytest

from autodiff import Value, dot, nn, steps
from autodiff.formulas.parse import parse
from autodiff.show.stepper.frames import told
from autodiff.show.story.expression import MAX_FORMULAS, as_written

NUMBERS = {"w": 0.5, "x": 2.0, "b": -0.4, "t": 1.0}


@pytest.mark.parametrize(
    "text",
    [
        "L = (w * x + b - t)**2",
        "L = tanh(w * x) / (b - t)",
        "z = w * x + b; y = tanh(z); L = (y - t)**2",
        "z = 2 * w; L = z * z + sigmoid(-x * b * t)",
    ],
)
def test_what_was_typed_is_what_is_shown(text):
    root, named = parse(text, {name: number for name, number in NUMBERS.items() if name in text})
    assert "; ".join(as_written(steps(root)).whole) == text
    assert named


def test_each_name_of_ours_stands_for_a_formula():
    w, x, b = Value(3.0), Value(2.0), Value(1.0)
    L = (w * x + b) ** 2
    written = as_written(steps(L))
    assert written.whole == ("L = (w * x + b)**2",)
    assert written.parts == ("v1 = w * x", "v2 = v1 + b")
    assert told(steps(L), steps(L).views)["written"] == {"whole": written.whole, "parts": written.parts}


def test_what_is_used_twice_has_a_formula_of_its_own():
    a, b = Value(3.0), Value(2.0)
    L = (a * b) ** 2
    s = (a + b) * 1.0
    L = s * s + L
    assert as_written(steps(L)).whole[0] == "s = (a + b) * 1"
    double = (lambda v: v + v)(a * b)
    assert as_written(steps(double)).whole == ("v1 = a * b", "double = v1 + v1")


def test_long_formulas_are_cut_into_named_ones_and_many_are_left_out():
    x = Value(0.5, "x")
    node = x
    for _ in range(300):
        node = node.tanh()
    written = as_written(steps(node))
    assert len(written.whole) == MAX_FORMULAS
    assert written.whole[-2] == "..."
    assert max(map(len, written.whole)) < 100


def test_neurons_have_formulas_by_their_places():
    model = nn.MLP(2, [2, 1], "tanh", seed=1)
    L = (model([1.0, 2.0]) - 1.0) ** 2
    assert as_written(steps(L)).whole[-2:] == (
        "z[1][0] = w[1][0,0] * a[0][0] + w[1][0,1] * a[0][1] + b[1][0]",
        "L = (z[1][0] - 1)**2",
    )
    assert as_written(steps(dot([Value(1.0, "w")], [Value(2.0, "x")]))).whole == ("v1 = w * x",)
