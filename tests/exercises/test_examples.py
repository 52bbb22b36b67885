"""The examples for courses, without the tools: their own `try_it.py` runs nbgrader and otter."""

import json
import runpy
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from autodiff.exercises import generate

COURSES = Path(__file__).parents[2] / "examples" / "courses"
SHEET = generate(level=3, seed=7)[0]
RIGHT = {question.name: question.answer for question in SHEET.questions}


def cells(path):
    book = json.loads(path.read_text("utf-8"))
    return ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]


def value_of_the_last_line(code, names):
    lines = code.splitlines()
    place = max(i for i, line in enumerate(lines) if line and not line.startswith("#"))
    exec("\n".join(lines[:place]), names)
    return eval(lines[place], names)


def test_the_cell_of_nbgrader_answers_a_float_within_its_points_whatever_is_answered():
    asked, marked = cells(COURSES / "exercise_nbgrader" / "by_hand.ipynb")
    names = {}
    exec(asked, names)
    assert list(names["answers"]) == list(RIGHT)
    for answers, points in ((RIGHT, 8.0), (None, 0.0), ({}, 0.0), ([1], 0.0), (dict.fromkeys(RIGHT, "nan"), 0.0)):
        found = value_of_the_last_line(marked, {"answers": answers})
        assert (type(found), found) == (float, points)
    assert value_of_the_last_line(marked, {}) == 0.0


@pytest.fixture
def cases(monkeypatch):
    """The cases of otter's tests, with a stand-in for otter's decorator."""

    def test_case(**told):
        return lambda function: SimpleNamespace(**told, function=function)

    stand_in = ModuleType("otter.test_files")
    stand_in.test_case = test_case
    monkeypatch.setitem(sys.modules, "otter", ModuleType("otter"))
    monkeypatch.setitem(sys.modules, "otter.test_files", stand_in)
    found = runpy.run_path(str(COURSES / "exercise_otter" / "tests" / "by_hand.py"))
    assert found["points"] == sum(case.points for name, case in found.items() if name.startswith("case_"))
    return [case for name, case in found.items() if name.startswith("case_")]


def test_the_cases_of_otter_fail_with_a_reason_that_holds_no_answer(cases):
    for case in cases:
        case.function(RIGHT)
        with pytest.raises(AssertionError, match="not defined"):
            case.function(None)
    wrong = next(case for case in cases if case.name == "p")
    with pytest.raises(AssertionError, match="product computed as a sum") as error:
        wrong.function(RIGHT | {"p": SHEET["p"].mistakes["product computed as a sum"]})
    assert "-6" not in str(error.value)


def test_prairielearn_is_handed_plain_scores_and_reasons():
    server = runpy.run_path(str(COURSES / "exercise_prairielearn" / "server.py"))
    data = {
        **{"variant_seed": "7", "params": {}, "submitted_answers": {}, "format_errors": {}},
        **{"partial_scores": {}, "feedback": {}, "score": 0},
    }
    server["generate"](data)
    assert [each["prompt"] for each in data["params"]["asked"]] == [question.prompt for question in SHEET.questions]
    answers = [str(answer) for answer in RIGHT.values()]
    data["submitted_answers"] = {f"q{i}": answer for i, answer in enumerate(answers)} | {"q0": "what", "q1": None}
    server["parse"](data)
    assert set(data["format_errors"]) == {"q0"}
    server["grade"](data)
    assert data["score"] == round(1 - 2 / len(answers), 6)
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["partial_scores"]["q0"] == {"score": 0.0, "weight": 1}
