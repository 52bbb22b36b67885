"""The exercise in a terminal: a script of answers reads like a session, and wrong arguments are told in a line."""

import io
import re

import pytest

from autodiff import Value, exercise
from autodiff.exercises.terminal import WIDTH, Session

LINE = ("(w*x + b - t)**2", "w=3", "x=2", "b=1", "t=5")


@pytest.fixture
def ask(run, monkeypatch):
    """Run the verb with lines of answers; return the status, what was printed, and the errors."""

    def call(lines, *arguments):
        monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))
        return run("exercise", *arguments)

    return call


def test_an_exercise_is_done_from_the_first_to_the_last_question(ask):
    answers = ["6", "7", "2", "4", "1", "2*v3", "1", "-1", "-4", "4", "1", "1", "4", "4", "2", "3", "8", "12"]
    status, out, err = ask(answers, *LINE)
    assert (status, err) == (0, "")
    assert out.count("right\n") == 18
    assert out.endswith("18 of 18 points, 18 right at the first try\n")


def test_a_mistake_is_named_and_may_be_mended(ask):
    status, out, _ = ask(["6", "7", "12", "2", "q"], *LINE)
    assert status == 0
    assert "difference computed as a sum: x + y in place of x - y." in " ".join(out.split())
    assert "3 of 18 points, 2 right at the first try" in out


def test_a_mistake_that_stays_is_followed_and_practised(ask):
    _, out, _ = ask(["6", "7", "12", "", "144", "q"], *LINE)
    assert "right, following from v3." in out
    assert "to practise: difference computed as a sum: look at the sign of the operation" in " ".join(out.split())


def test_hints_come_one_after_the_other_and_a_solution_gives_no_points(ask):
    _, out, _ = ask(["h", "h", "h", "h", "s", "b", "q"], *LINE)
    hints = ["v1 is made by the operation x * y.", "v1 = w * x", "v1 = 3 * 2", "v1 = 6"]
    told = [line for line in out.partition("\n1/18")[2].split("\n") if line in hints]
    assert told == [*hints, "v1 = 3 * 2", "v1 = 6"]
    assert "\n0 of 18 points, 0 right at the first try" in out
    assert out.count("1/18  ") == 2  # asked again, after b


def test_what_is_not_read_is_asked_again(ask):
    _, out, _ = ask(["1,000,000", "nan", "w x", "6", "q"], *LINE)
    assert out.count("is not read: ") == 3
    assert "1 of 18 points, 1 right at the first try" in out


def test_the_end_of_the_input_ends_with_the_score(ask):
    status, out, _ = ask(["6"], *LINE)
    assert status == 0
    assert "1 of 18 points" in out


def test_a_graded_exercise_is_asked_and_nothing_is_wider_than_a_terminal(ask):
    status, out, _ = ask(["h", "s"] * 40, "--level", "3", "--seed", "7")
    assert status == 0
    assert "L = p * s" in out
    assert max(map(len, out.split("\n"))) <= WIDTH
    assert ask(["q"], "--level=3", "--seed=7")[1].startswith(out.partition("\n1/")[0])


def test_a_step_of_descent_is_asked(ask):
    _, out, _ = ask(["q"], *LINE, "--rate", "0.1", "--weights", "w,b", "--about", "w,b")
    assert "given w = 3, x = 2, b = 1, t = 5" in out
    assert "rate = 0.1" in out
    assert re.search(r"^\d questions\.", out, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: EXPR"),
        (["--level", "9"], "argument --level: invalid choice: 9"),
        (["--level", "3", "--rate", "1"], "--about, --rate and --weights go with an expression"),
        (["--level", "3", "w*x", "w=1", "x=2"], "unrecognized arguments: w*x w=1 x=2"),
        ([*LINE, "--seed", "3"], "--seed goes with --level"),
        ([*LINE, "--weights", "w"], "--weights goes with --rate"),
        ([*LINE, "--about", "nobody"], "no node is called 'nobody'; there are w, x, b, t"),
        ([*LINE, "--rate", "-1"], "rate must be above 0"),
        (["relu(x)", "x=0"], "L = relu(x) = relu(0) = 0 has a kink there"),
        (["x", "x=0"], "there is nothing to ask"),
    ],
    ids=["none", "level", "rate", "both", "seed", "weights", "about", "negative", "kink", "leaf"],
)
def test_wrong_arguments_are_told_in_a_line(ask, arguments, message):
    status, out, err = ask([], *arguments)
    assert (status, out) == (2, "")
    assert message in err
    assert err.startswith(("autodiff exercise: error: ", "usage: autodiff exercise"))


def test_colours_are_for_terminals_alone(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    w, x = Value(3.0, "w"), Value(4.0, "x")
    for environment, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
        for name in ("NO_COLOR", "TERM"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        out = Terminal()
        assert Session(exercise(w * x), io.StringIO("12\n5\n"), out).run() == 0
        assert ("\x1b[" in out.getvalue()) is coloured


def test_labels_steer_no_terminal():
    hostile = "\x1b[31mX\x1b]0;title\x07\u202ey\n"
    a, b = Value(3.0, hostile), Value(4.0, f"{hostile} 2")
    out = io.StringIO()
    Session(exercise(a * b), io.StringIO("h\n\x1b[31m\ns\n7\nq\n"), out).run()
    assert not [c for c in out.getvalue() if not c.isprintable() and c != "\n"]
