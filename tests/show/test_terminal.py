import io
import re
import subprocess
import sys

import pytest

from autodiff import Value, nn
from autodiff.cli import main
from autodiff.formulas.parse import parse
from autodiff.show.stepper.terminal import Stepper
from autodiff.show.story.story import Story

NUMBERS = {"w": 3, "x": 2, "b": 1, "y": 5}


class Screen(io.StringIO):
    def isatty(self):
        return True


def story():
    loss, _ = parse("(w*x + b - y)**2", NUMBERS)
    loss.label = "L"
    return Story(loss, {})


def session(*commands, source=None, out=None):
    out = out or io.StringIO()
    stepper = Stepper(story(), source or io.StringIO("".join([f"{command}\n" for command in commands])), out)
    assert stepper.run() == 0
    return out.getvalue()


def answers(*commands):
    """The answer to each command, without what is said at the start."""
    return [answer.partition("\n")[2].strip("\n") for answer in session(*commands).split("(autodiff) ")[1:]]


def test_the_story_is_told_step_by_step_forward_and_backward():
    told = answers(*["next"] * 8)
    assert told[0] == "forward  1/8  v1 = w * x = 3 * 2 = 6"
    assert told[3] == "forward  4/8  L = v3**2 = 2**2 = 4"
    assert told[4].startswith("Backward now, from dL/dL = 1 by definition.\nbackward 5/8  L  dL/dL = 1")
    assert re.search(r"∂v1/∂w = x = 2 +4 \* 2 = 8 +dL/dw = 0 \+ 8 = 8", told[7])
    assert told[7].endswith("The end: every gradient is complete.")


def test_enter_repeats_the_last_command():
    assert answers("n", "", "")[2].startswith("forward  3/8")


def test_several_steps_are_made_and_taken_back_at_once():
    assert [answer.split("  ")[1].split()[0] for answer in answers("next 3", "back 2", "next 2")] == [
        "3/8",
        "1/8",
        "3/8",
    ]


def test_continue_stops_where_a_node_is_computed_given_a_gradient_and_hands_it_on():
    told = answers("break v2", "c", "c", "c", "c")
    assert told[0] == "continue stops at v2"
    assert [re.search(r"\d/8", answer)[0] for answer in told[1:]] == ["2/8", "6/8", "7/8", "8/8"]
    assert answers("b v2", "b w", "clear v2", "c")[-1].count("8/8") == 1
    assert answers("b", "b w", "clear")[::2] == ["continue stops at no node"] * 2


def test_undo_takes_back_moves():
    assert "2/8" in answers("next 2", "continue", "undo")[2]
    assert answers("next 2", "continue", "undo", "undo")[3].startswith("start  w = 3, x = 2, b = 1, y = 5")
    assert answers("undo") == ["nothing has moved yet"]


def places(*commands):
    """Where each command has led: how many of the 8 steps were made."""
    made = [re.search(r"(?:forward|backward) +(\d)/8", answer) for answer in answers(*commands)]
    return [int(place[1]) if place else 0 for place in made]


def test_many_undos_in_a_row_go_back_through_every_move():
    moves = ["next 3", "next", "back 2", "continue", "back", "next"]
    there = [3, 4, 2, 8, 7, 8]
    assert places(*moves, *["undo"] * 6) == [*there, 7, 8, 2, 4, 3, 0]
    assert answers(*moves, *["undo"] * 7)[-1] == "nothing has moved yet"


def test_after_undos_moves_go_on_from_where_they_led():
    moves = ["next", "next", "next", "undo", "undo", "next 4", "undo", "undo", "undo"]
    assert places(*moves) == [1, 2, 3, 2, 1, 5, 1, 0, 0]
    assert answers(*moves)[-1] == "nothing has moved yet"


@pytest.mark.parametrize(("verb", "led_to"), [("back", [7, 6, 5]), ("back 2", [6, 4, 2]), ("undo", [7, 6, 0])])
def test_three_in_a_row_are_three(verb, led_to):
    assert places("next 6", "next", "next", verb, verb, verb) == [6, 7, 8, *led_to]


def test_print_knows_only_what_has_been_computed():
    assert answers("print v1", "next", "print v1", "continue", "print w") [::2] == [
        "v1  = not yet  dL/dv1 = not yet",
        "v1  = 6  dL/dv1 = not yet",
        "w  = 3  dL/dw = 8",
    ]  # fmt: skip
    assert len(answers("print")[0].splitlines()) == 8


def test_list_marks_the_step_made_last_and_tells_no_number_of_steps_to_come():
    lines = answers("next 2", "longlist")[1].splitlines()
    assert lines[1] == "-> forward  2/8  v2 = v1 + b = 6 + 1 = 7"
    assert lines[2].strip() == "forward  3/8  v3 = v2 - y"
    assert lines[7].strip() == "backward 8/8  v1 to w, x"
    assert len(answers("list")[0].splitlines()) == 5


def test_the_ledger_of_a_node_is_shown():
    assert answers("ledger w")[0].startswith("dL/dw = 8\nfrom  incoming")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("fly", "no command is called 'fly'; there are next, back,"),
        ("print q", "no node is called 'q'; there are w, x, b, y, v1"),
        ("break q", "no node is called 'q'"),
        ("clear q", "there is no breakpoint at 'q'"),
        ("ledger", "ledger needs the name of a node, such as ledger w"),
        ("next -1", "expected a number of steps, such as 3, got '-1'"),
        ("next 0", "expected a number of steps"),
        ("next ²", "expected a number of steps"),
        ("back", "this is the start"),
        ("!ls", "no command is called '!ls'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(command, answer):
    (told,) = answers(command)
    assert told.startswith(answer)
    assert "\n" not in told


def test_the_end_is_the_end():
    assert answers("continue", "next", "continue")[1:] == ["this is the end: every gradient is complete"] * 2


def test_the_end_of_a_script_is_the_end_of_the_session():
    assert session().count("\n") == 6
    assert session("next", "quit", "next").count("forward") == 1
    assert "EOF" not in session("next")


def test_help_lists_every_command():
    told = answers("help")[0]
    assert [line.split()[0] for line in told.splitlines()[:-1]] == [
        "next", "back", "continue", "break", "clear", "print", "list", "longlist", "ledger", "departs", "undo", "quit",
    ]  # fmt: skip


def test_colours_are_for_terminals_that_want_them(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = session("next", "continue", "print", out=Screen())
    assert "\x1b[34mforward  1/8\x1b[0m" in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    plain = session("next", "continue", "print", out=Screen())
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[\d+m", "", coloured) == plain
    assert "\x1b" not in session("next")


class Interrupted(io.StringIO):
    """A source whose first line is interrupted by Ctrl-C."""

    def __init__(self, text, terminal):
        super().__init__(text)
        self.terminal, self.interrupted = terminal, False

    def isatty(self):
        return self.terminal

    def readline(self, *size):
        if not self.interrupted:
            self.interrupted = True
            raise KeyboardInterrupt
        return super().readline(*size)


def test_ctrl_c_drops_the_line_and_ends_a_script():
    out = io.StringIO()
    assert Stepper(story(), Interrupted("next\n", terminal=True), out).run() == 0
    assert "forward  1/8" in out.getvalue()
    assert Stepper(story(), Interrupted("next\n", terminal=False), io.StringIO()).run() == 130


def test_the_command_line_steps(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO("c\nprint w\n"))
    assert main(["step", "(w*x + b - y)**2", "w=3", "x=2", "b=1", "y=5"]) == 0
    assert "w  = 3  dL/dw = 8" in capsys.readouterr().out


@pytest.mark.slow
def test_the_command_line_steps_in_a_process_of_its_own():
    done = subprocess.run(
        [sys.executable, "-m", "autodiff", "step", "a + a", "a=3"],
        input="c\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert "dL/da = 1 + 1 = 2" in done.stdout
    assert done.stderr == ""


def test_the_command_line_derives(capsys):
    assert main(["derive", "tanh(w*x + b)", "--wrt", "w", "w=0.5", "x=4", "b=-1"]) == 0
    assert "= (1 - tanh(v2)**2) * 1 * x" in capsys.readouterr().out
    assert main(["derive", "L*x", "--wrt", "x", "--latex", "L=0.5", "x=4"]) == 0
    assert r"\frac{d\mathrm{out}}{dx}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["derive", "w*x", "--wrt", "q", "w=1", "x=2"],
            "--wrt must be a name in the expression, got 'q'; there are w, x",
        ),
        (["derive", "w*", "--wrt", "w", "w=1"], "at column"),
        (["derive", "w*x", "w=1", "x=2"], "required: --wrt"),
        (["step", "w*x", "w=1"], "no value for 'x'"),
        (["step", "log(w)", "w=-1"], "log(x) is undefined at x = -1.0 ('w')"),
    ],
)
def test_wrong_arguments_are_one_line_and_status_2(arguments, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_local_derivative_is_told_from_the_whole_one():
    loss, _ = parse("a+a", {"a": 3})
    loss.label = "L"
    out = io.StringIO()
    Stepper(Story(loss, {}), io.StringIO("continue\n"), out).run()
    assert re.search(r"∂L/∂a = 1 +1 \* 1 = 1 +dL/da = 1 \+ 1 = 2", out.getvalue())


def test_of_a_leaf_alone_the_gradient_is_known_at_once():
    out = io.StringIO()
    Stepper(Story(Value(2.0, "w"), {}), io.StringIO("print\n"), out).run()
    assert "w  = 2  dw/dw = 1" in out.getvalue()


def long_session(*commands):
    """What is answered to each command about 20 sines and their 20 slopes."""
    y = Value(0.5, "x")
    for _ in range(20):
        y = y.sin()
    out = io.StringIO()
    Stepper(Story(y, {}), io.StringIO("".join([f"{command}\n" for command in commands])), out).run()
    return [answer.partition("\n")[2].strip("\n") for answer in out.getvalue().split("(autodiff) ")[1:]]


def test_list_shows_five_steps_before_and_after_the_one_made_last():
    def numbers(text):
        return [int(re.search(r"(\d+)/40", line)[1]) for line in text.splitlines()]

    _, middle, _, end, _, start = long_session("next 10", "list", "next 99", "l", "back 38", "l")
    assert numbers(middle) == [*range(5, 16)]
    assert numbers(end) == [*range(35, 41)]
    assert numbers(start) == [*range(1, 8)]
    assert [line.index("/") for line in middle.splitlines()] == [middle.index("/")] * 11, "the numbers are aligned"
    assert [line[:2] for line in middle.splitlines()] == [*["  "] * 5, "->", *["  "] * 5]


def test_the_session_begins_with_the_formula_its_parts_the_result_and_the_leaves():
    assert session().splitlines() == [
        "L = (w * x + b - y)**2",
        *["  v1 = w * x", "  v2 = v1 + b", "  v3 = v2 - y"],
        "L = 4, in 8 steps; help lists the commands",
        "start  w = 3, x = 2, b = 1, y = 5",
    ]


SHORT = {
    **{"n": "next", "c": "continue", "cont": "continue", "b v2": "break v2", "p": "print", "p w": "print w"},
    **{"cl v2": "clear v2", "l": "list", "ll": "longlist", "u": "undo", "h": "help", "n 2": "next 2"},
}


@pytest.mark.parametrize(("short", "long"), SHORT.items())
def test_each_short_form_does_what_the_command_does(short, long):
    before = ["break v2", "next 2", "break w"]
    assert answers(*before, short, "longlist")[3:] == answers(*before, long, "longlist")[3:]


@pytest.mark.parametrize("command", ["q", "exit", "quit"])
def test_a_session_can_be_left(command):
    assert len(answers(command, "next")) == 1


def test_moves_end_at_the_ends_and_go_on_after_an_error():
    told = answers("next 1000000000000", "back 99", "fly", "next", "continue", "print L", "undo", "print L")
    assert "8/8" in told[0]
    assert told[1].startswith("start  w = 3")
    assert told[3].startswith("forward  1/8")
    assert told[5] == "L  = 4  dL/dL = 1"
    assert told[7] == "L  = not yet  dL/dL = not yet"


def test_breakpoints_are_listed_and_cleared_one_by_one():
    assert answers("b w", "b v2", "b", "clear w", "clear w", "clear") == [
        "continue stops at w",
        *["continue stops at w, v2"] * 2,
        "continue stops at v2",
        "there is no breakpoint at 'w'",
        "continue stops at no node",
    ]


def test_an_operand_used_twice_is_announced_once():
    a = Value(3.0, "a")
    out = io.StringIO()
    Stepper(Story(a * a, {}), io.StringIO("longlist\n"), out).run()
    assert out.getvalue().splitlines()[-1] == "   backward 2/2  v1 to a"


def test_the_path_of_a_parameter_stands_beside_it():
    model = nn.MLP(1, [1], seed=0)
    out = io.StringIO()
    Stepper(Story(model([2.0]), {"model": model}), io.StringIO("print\n"), out).run()
    lines = [line.split() for line in out.getvalue().splitlines()]
    assert [line[-1] for line in lines if line[0] in ("w[0][0,0]", "b[0][0]")] == [
        f"layers.0.neurons.0.{part}" for part in ("weights.0", "bias")
    ]


def test_at_a_terminal_there_is_a_prompt_and_no_echo():
    text = session(source=Screen("next\n"))
    assert text.endswith("(autodiff) forward  1/8  v1 = w * x = 3 * 2 = 6\n(autodiff) \n")
    assert session("next").endswith("\n(autodiff) next\nforward  1/8  v1 = w * x = 3 * 2 = 6\n")


def test_names_are_completed():
    stepper = Stepper(story(), io.StringIO(), io.StringIO())
    assert stepper.completedefault("v", "print v", 6, 7) == ["v1", "v2", "v3"]


def test_a_dumb_terminal_has_no_colours(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in session("next", out=Screen())
