"""Answers are marked as teachers mark them: right, following from a slip, rounded too far, a mistake by its name."""

import pytest

from autodiff import Value, exercise
from autodiff.exercises.reading import matches, read, rounded


def sheet():
    w1, w2, x, t = Value(1.5, "w1"), Value(1.0, "w2"), Value(4.0, "x"), Value(1.0, "t")
    h = w1 * x
    y = w2 * h
    d = y - t
    L = d**2
    return exercise(L)


def test_the_right_answers_are_right_in_every_form():
    answers = {
        "h": "6",
        "y": "6,0",
        "d": "10/2",
        "L": "25.0",
        "dL/dd": "2*d",
        "dL/dt": "−10",
        "dh/dw1": "x",
        "dL/dw1": 40,
    }
    feedback = sheet().check(answers)
    assert {feedback[name].verdict for name in answers} == {"right"}
    assert feedback["dL/dx"].verdict == "missing"


@pytest.mark.parametrize(
    "text",
    [
        "6",
        "+6",
        "6.",
        "6,0",
        "6.000",
        "06",
        "12/2",
        "1.5*4",
        "1,5*4",
        "w1*x",
        "w1·x",
        " x × w1 ",
        "h = 6",
        "h=w1*x",
        "0,6e1",
        *["(2+1)*2", "max(6, 1)", "2^3-2", "x²-10", "x^2 - 10", "sqrt(36)", "y/w2", "−w1·−x", 6, 6.0, 12 / 2],
    ],
)
def test_a_right_answer_is_right_in_whatever_form_it_is_written(text):
    assert sheet().check({"h": text})["h"].verdict == "right"


@pytest.mark.parametrize(
    ("right", "text", "verdict"),
    [
        (1 / 3, "0.333", "right"),
        (1 / 3, "0.33333", "right"),
        (1 / 3, "0.33", "rounded"),
        (1 / 3, "0.3", "rounded"),
        (2 / 3, "0.667", "right"),
        (2 / 3, "0.666", "right"),  # cut off
        (2 / 3, "0.668", "wrong"),
        (2 / 3, "0.67", "rounded"),
        (2 / 3, "2/3", "right"),
        (0.1004, "0.1", "right"),  # 0.100
        (0.1004, "0.100", "right"),
        (0.1004, "0.101", "wrong"),
        (300.3, "300", "right"),
        (298.4, "300", "rounded"),
        (-12345.6, "-12300", "right"),
        (-12345.6, "-12345", "right"),
        (-12345.6, "12345.6", "wrong"),
        (5e-17, "0", "right"),  # a 0 that was computed
        (5e-8, "0", "wrong"),
        (5e-6, "0.00000500", "right"),
        (40.0, "40.3", "wrong"),
        (40.0, "41", "wrong"),
        (40.0, "40.01", "right"),
    ],
)
def test_numbers_are_right_to_the_digits_that_were_given_and_to_three(right, text, verdict):
    answer = read("z", text, [])
    number = answer.number({}.__getitem__)
    found = "right" if matches(answer, number, right) else "rounded" if rounded(answer, number, right) else "wrong"
    assert found == verdict


def test_a_named_mistake_is_named():
    feedback = sheet().check({"dh/dw1": "1.5", "dL/dd": "50", "dL/dt": "10"})
    assert feedback["dh/dw1"].misconceptions[0] == "factors of a product swapped"
    assert feedback["dL/dd"].misconceptions[0] == "exponent not lowered"
    assert "no minus on the second operand" in feedback["dL/dt"].misconceptions


def test_what_follows_from_a_slip_is_right_following():
    feedback = sheet().check({"d": "7", "L": "49", "dL/dd": "14"})
    assert [feedback[name].verdict for name in ("d", "L", "dL/dd")] == ["misconception", "following", "following"]
    assert feedback["d"].misconceptions[0] == "difference computed as a sum"
    assert feedback["L"].points == 1


@pytest.mark.parametrize("text", ["1.000,5", "1,000,000", "nan", "-inf", "1_000", "two", "foo*2", "", None, "1;2", [1]])
def test_what_is_no_number_or_formula_is_told_so(text):
    if text in ("", None):
        assert sheet().check({"d": text})["d"].verdict == "missing"
        return
    with pytest.raises(
        ValueError, match=r"^the answer to d, .* is not read: .* Write a number such as -0\.75 or -0,75"
    ):
        sheet().check({"d": text})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("t = 7", "= stands only behind d, which is asked for"),
        ("2 = d", "= stands only behind d, which is asked for"),
        ("h d", "there is no sign between h and d: write * for a product"),
        ("t(3)", "t is a number, not a function"),
    ],
)
def test_what_is_said_of_an_answer_is_in_the_names_of_the_sheet(text, why):
    with pytest.raises(ValueError, match=r"is not read: ") as refused:
        sheet().check({"d": text})
    assert f"is not read: {why}" in str(refused.value)
    assert sheet().check({"d": "d = 5"})["d"].verdict == sheet().check({"d": "5"})["d"].verdict
