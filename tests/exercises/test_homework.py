"""Answers that come back as files: marked with reasons, and a file that cannot be marked is a line with the reason."""

import csv
import io
import json
import math

import pytest

from autodiff import Value, exercise
from autodiff.exercises import generate, mark
from autodiff.exercises.sheets.sheet import fingerprint


@pytest.fixture(scope="module")
def asked():
    return generate(level=3, seed=7)[0]


def right(exercise):
    return {q.name: q.answer if q.kind == "turn" else repr(q.answer) for q in exercise.questions}


@pytest.fixture
def handed_in(tmp_path, asked):
    """Writes a file of answers, as the page does: the right ones, but for what is given."""

    def write(name="ann", *, of=asked, answers=None, **changes):
        found = {"autodiff": "answers", "version": 1, "exercise": fingerprint(of), "made": dict(of.made), "who": name}
        found |= {"answers": right(of) | (answers or {})} | changes
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.json"
        path.write_text(json.dumps(found), "utf-8")
        return path

    return write


def test_right_answers_have_all_points_and_wrong_ones_a_reason(asked, handed_in):
    slip = next(question for question in asked.questions if question.kind == "value")
    mistaken = repr(slip.mistakes["product computed as a sum"])
    good, bad, unread = mark(
        [handed_in(), handed_in("bob", answers={slip.name: mistaken}), handed_in(answers={slip.name: "what"})], [asked]
    )
    total = len(asked.questions)
    assert (good.points, good.maximum, good.remarks, good.problem) == (total, total, (), "")
    assert (bad.name, bad.points, bad.practise) == ("bob", total - 1, ("product computed as a sum",))
    assert bad.remarks[0].startswith("p: product computed as a sum")
    assert unread.points == total - 1
    assert unread.remarks[0].startswith("the answer to p, 'what', is not read: nothing is called what here")


def test_what_follows_from_a_slip_keeps_its_points(handed_in):
    a, b = Value(3.0, "a"), Value(2.0, "b")
    asked = exercise((a * b + 1) ** 2)
    answers = {"v1": "5", "v2": "6", "v3": "36", "dv3/dv2": "12"}
    (marks,) = mark([handed_in(of=asked, answers=answers)], [asked])
    assert marks.remarks[0].startswith("v1: product computed as a sum")
    assert not [remark for remark in marks.remarks if remark.startswith(("v2", "v3:", "dv3/dv2"))]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "no JSON"),
        (b'{"autodiff": "answers"', "no JSON"),
        (b"\xff\xfe\x00", "no text in UTF-8"),
        (b"[1]", "no file of answers"),
        (b'{"autodiff": "answers"}', 'has no "answers"'),
        (b'{"autodiff": "answers", "answers": {}}', "another exercise"),
        (b'{"autodiff": "answers", "answers": {"p": "1", "p": "2"}}', "something twice"),
        (b"[" * 100_000, "nested too deeply"),
        (b" " * 1_000_001, "more than 1,000,000 bytes"),
    ],
    ids=["empty", "cut", "binary", "a list", "no answers", "no exercise", "twice", "deep", "huge"],
)
def test_a_file_that_is_none_is_a_line_with_the_reason_and_no_points(tmp_path, asked, content, problem):
    path = tmp_path / "x.json"
    path.write_bytes(content)
    (marks,) = mark([path], [asked])
    assert marks.points is None
    assert problem in marks.problem


def test_answers_that_no_page_saves_are_told(asked, handed_in):
    files = [handed_in(answers={"nothing": "1"}), handed_in(answers={"p": math.nan}), handed_in(exercise="0" * 12)]
    unknown, number, another = mark([*files, "not/there.json"], [asked])[:3]
    assert "nothing called 'nothing' is asked" in unknown.problem
    assert "the answer to p is no text" in number.problem
    assert "another exercise" in another.problem
    assert {each.points for each in (unknown, number, another)} == {None}


@pytest.mark.slow
def test_points_are_finite_and_within_bounds_whatever_is_answered(asked, handed_in):
    texts = ["1e308", "-1e308*10", "0/0", "1/0", "9**9**9", "0", "\x00", "1" * 150, "(" * 90, "a" * 90, "=1+1"]
    for text in texts:
        (marks,) = mark([handed_in(answers=dict.fromkeys(right(asked), text))], [asked])
        assert 0 <= marks.points <= marks.maximum, text


def test_the_command_makes_the_exercises_again_and_writes_a_table(run, tmp_path, handed_in):
    copies = generate(level=1, seed=3, copies=2)
    files = [str(handed_in(name, of=copy)) for name, copy in zip(("Zoë", "=1+cmd()"), copies, strict=True)]
    (tmp_path / "bad.json").write_text("?")
    status, out, errors = run(
        "exercise", "--grade", *files, str(tmp_path / "bad.json"), "--csv", str(tmp_path / "m.csv")
    )
    assert (status, out) == (1, "2 of 3 files marked\n")
    assert "bad.json: it is no JSON" in errors
    rows = list(csv.DictReader(io.StringIO((tmp_path / "m.csv").read_text("utf-8"))))
    assert [row["name"] for row in rows] == ["Zoë", "'=1+cmd()", ""]
    assert [row["points"] for row in rows] == ["4", "4", ""]
    assert run("exercise", "--level", "1", "--seed", "4", "--grade", files[0])[0] == 1, "another exercise"
    assert run("exercise", "--level", "1", "--seed", "3", "--grade", files[0])[0] == 0


def test_an_expression_comes_back_as_it_was_given(run, tmp_path):
    given = ["(w*x - t)**2", "w=3", "x=2", "t=5", "--rate", "0.1", "--weights", "w"]
    path = tmp_path / "page.html"
    assert run("exercise", *given, "--feedback", "none", "-o", str(path))[0] == 0
    script = path.read_text()
    (sheet,) = json.loads(script[script.index("const sheets = ") + 15 : script.index(";\nfor (const place")]).values()
    answers = {question["name"]: "1" for question in sheet["questions"]}
    found = {"autodiff": "answers", "exercise": sheet["exercise"], "made": sheet["made"], "who": "", "answers": answers}
    (tmp_path / "a.json").write_text(json.dumps(found))
    status, out, _ = run("exercise", "--grade", str(tmp_path / "a.json"))
    assert status == 0
    assert f",{len(answers)}," in out.splitlines()[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--level", "1", "--key"], "--format, --key and --feedback go with -o"),
        (["--level", "1", "--csv", "x.csv"], "--csv goes with --grade"),
        (["a*b", "a=1", "b=2", "--copies", "3", "-o", "x.html"], "--copies goes with --level"),
        (["--level", "1", "--copies", "3"], "--copies goes with -o or --grade"),
        (["--level", "1", "--grade", "x", "-o", "x.html"], "choose one"),
        (["--level", "1", "-o", "x.png"], "saved as .html"),
        (["--level", "1", "-o", "no/such/folder/x.html"], "cannot write"),
    ],
)
def test_options_that_do_not_go_together_are_told(run, arguments, message):
    status, _, errors = run("exercise", *arguments)
    assert status == 2
    assert message in errors
