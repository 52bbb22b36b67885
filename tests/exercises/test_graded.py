"""Graded exercises: pleasant numbers, mistakes told apart, the same on every machine; what is right is right."""

import hashlib
import math
from functools import cache

import pytest

from autodiff.exercises import generate
from autodiff.exercises.levels import LEVELS
from autodiff.formulas.parse import parse
from autodiff.mistakes import MISCONCEPTIONS

SEED = 7
each_level = pytest.mark.parametrize("level", LEVELS)


@cache
def sheets(level):
    return generate(level=level, seed=SEED, copies=2 if level < 6 else 1)


def numbers(sheet):
    return [question for question in sheet.questions if question.kind != "turn"]


def cut_off(number, digits=3):
    """The number with the rest of its digits cut off."""
    if not number:
        return "0"
    decimals = digits - 1 - math.floor(math.log10(abs(number)))
    return repr(math.trunc(round(number * 10.0**decimals, 6)) / 10.0**decimals).removesuffix(".0")


@each_level
def test_every_right_answer_is_right_however_it_is_written(level):
    for sheet in sheets(level):
        ways = [
            {q.name: q.answer for q in sheet.questions},
            {q.name: q.answer if q.kind == "turn" else format(q.answer, ".3g") for q in sheet.questions},
            {q.name: q.answer if q.kind == "turn" else cut_off(q.answer) for q in sheet.questions},
            {
                q.name: q.answer if q.kind == "turn" else format(q.answer, ".5f").replace(".", ",")
                for q in sheet.questions
            },
            {q.name: q.answer if q.kind == "turn" else q.hints[1].partition(" = ")[2] for q in sheet.questions},
        ]
        for answers in ways:
            feedback = sheet.check(answers)
            assert {name: r.text for name, r in feedback.items() if r.verdict != "right"} == {}
            assert feedback.score == 1


@each_level
def test_a_learner_who_goes_on_with_rounded_numbers_is_right(level):
    for sheet in sheets(level):
        known, answers = dict(sheet.givens), {}
        for question in sheet.questions:
            answers[question.name] = question.answer
            if question.kind != "turn":
                number = parse(question.rule, {w: known[n] for w, n in question.uses.items()})[0].data
                answers[question.name] = format(number, ".3g")
                known[question.name] = float(answers[question.name])
        assert {name: r.text for name, r in sheet.check(answers).items() if r.verdict != "right"} == {}


@pytest.mark.slow
@each_level
def test_no_misconception_is_taken_for_right(level):
    for sheet in sheets(level):
        for question in numbers(sheet):
            for name, number in question.mistakes.items():
                remark = sheet.check({question.name: number})[question.name]
                assert remark.verdict == "misconception", (name, question)
                assert name in remark.misconceptions
                assert remark.points == 0
                remark = sheet.check({question.name: format(number, ".3g")})[question.name]
                assert remark.verdict in ("misconception", "rounded"), (name, question)


@each_level
def test_one_slip_costs_one_answer(level):
    """A wrong number that is gone on with rightly is wrong once."""
    sheet = sheets(level)[0]
    first = next(question for question in numbers(sheet) if question.kind == "gradient" and question.mistakes)
    slip = {first.name: first.answer + 7}
    known, answers = dict(sheet.givens), {}
    for question in sheet.questions:
        answers[question.name] = question.answer
        if question.kind != "turn":
            number = parse(question.rule, {w: known[n] for w, n in question.uses.items()})[0].data
            answers[question.name] = known[question.name] = slip.get(question.name, number)
    feedback = sheet.check(answers)
    assert [name for name, remark in feedback.items() if remark.points < 1] == [first.name]
    assert "following" in {remark.verdict for remark in feedback.values()}


@each_level
def test_the_numbers_are_pleasant_and_the_copies_differ(level):
    for sheet in sheets(level):
        assert all(abs(x) <= 5 and x * 20 == round(x * 20) for x in sheet.givens.values())
        assert all(abs(question.answer) <= 500 for question in numbers(sheet))
    assert len({tuple(sheet.givens.items()) for sheet in sheets(level)}) == len(sheets(level))
    assert len({tuple([q.name for q in sheet.questions]) for sheet in sheets(level)}) == 1


@each_level
def test_most_misconceptions_can_be_told_apart(level):
    for sheet in sheets(level):
        assert len(sheet.hidden) <= 4
        assert sum(map(len, sheet.ambiguous)) <= 4
        assert {*sheet.hidden, *[name for group in sheet.ambiguous for name in group]} <= set(MISCONCEPTIONS)


def test_more_copies_go_on_where_fewer_end():
    assert str(generate(level=1, seed=3, copies=3)[0]) == str(generate(level=1, seed=3)[0])
    assert (sheets(1)[0].level, sheets(1)[0].seed) == (1, SEED)


def test_a_class_gets_a_copy_each():
    class_ = generate(level=1, seed=0, copies=30)
    assert len({tuple(sheet.givens.values()) for sheet in class_}) == 30
    with pytest.raises(ValueError, match=r"^level 1 has \d+ copies of equal difficulty with seed 0, got 500"):
        generate(level=1, copies=500)


def test_the_same_seed_gives_the_same_exercises_on_every_machine():
    told = [
        (
            level,
            [*sheet.givens.items()],
            [(q.name, q.rule, format(a, ".6g") if (a := q.answer) != str(a) else a) for q in sheet.questions],
        )
        for level in LEVELS
        for sheet in sheets(level)
    ]
    assert hashlib.sha256(repr(told).encode()).hexdigest()[:16] == "6917846705c0ccca"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"level": 0}, ValueError, "^level must be one of 1, 2, "),
        ({"level": 9}, ValueError, "^level must be one of 1, 2, "),
        ({"level": "1"}, TypeError, "^level must be a whole number, got str"),
        ({"level": True}, TypeError, "^level must be a whole number, got bool"),
        ({"level": 1, "seed": 1.5}, TypeError, "^seed must be a whole number, got float"),
        ({"level": 1, "seed": None}, TypeError, "^seed must be a whole number, got NoneType"),
        ({"level": 1, "copies": 0}, ValueError, "^copies must be at least 1, got 0"),
        ({"level": 1, "copies": 2.0}, TypeError, "^copies must be a whole number, got float"),
    ],
)
def test_what_there_is_no_exercise_for_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        generate(**arguments)
