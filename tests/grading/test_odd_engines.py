"""Engines in other styles are spoken to as they are: right ones raise no alarm, mistakes in them are named."""

import pytest
from helpers.odd_engines import RIGHT, WRONG, class_of

from autodiff import check_engine


def checked(name):
    if WRONG.get(name, [name])[0] == "arrays":
        pytest.importorskip("numpy", reason="the engine holds arrays of NumPy")
    return check_engine(class_of(name))


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_engine_of_another_style_raises_no_alarm(name):
    report = checked(name)
    assert report.ok
    assert report.fault is None
    assert report.tried > 100


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_in_an_engine_of_another_style_is_named(name):
    report = checked(name)
    assert not report.ok
    assert report.fault.name == WRONG[name][1]


def test_a_program_is_written_in_the_names_of_the_engine():
    assert checked("a function detaches").program.splitlines()[1:] == [
        "out = mul(a, a)",
        "backward(out)",
        "print(a.grad)",
    ]
    assert checked("sin for cos").program.splitlines()[1:] == ["out = a.sin()", "out.backprop()", "print(a.derivative)"]


def test_a_number_on_the_left_sends_to_the_method_that_python_asks_then():
    assert checked("2 * a is no node of a").place.startswith("Tensor.__rmul__ (")
