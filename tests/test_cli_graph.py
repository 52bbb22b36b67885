import os
import re
import shlex
import shutil
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from autodiff import Value, draw
from autodiff.cli import VERBS

TEXT = "{http://www.w3.org/2000/svg}text"


def texts(path):
    return [element.text for element in ElementTree.parse(path).iter(TEXT)]


def test_graph_prints_the_dot_text_of_the_drawing(run):
    w, x, b = Value(0.5, "w"), Value(4.0, "x"), Value(-1.0, "b")
    _y = (w * x + b).tanh()  # without a name, as in the expression
    _y.backward()
    assert run("graph", "tanh(w*x + b)", "w=0.5", "x=4", "b=-1") == (0, draw(_y).dot, "")


def test_dot_is_utf_8_whatever_the_terminal_shows():
    arguments = [sys.executable, "-m", "autodiff", "graph", "λ*x", "λ=3", "x=2"]
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    printed = subprocess.run(arguments, capture_output=True, check=True, env=environment).stdout
    assert "λ" in printed.decode("utf-8")


def test_graph_writes_a_picture_with_the_gradients(run, tmp_path):
    path = tmp_path / "g.svg"
    assert run("graph", "(w*x - y)**2", "w=3", "x=2", "y=5", "-o", str(path), "--local-derivatives", "--heat") == (
        0,
        "",
        "",
    )
    assert {"grad 4", "grad 6", "grad -2", "∂ 3"} <= set(texts(path))


def test_before_the_backward_pass_there_are_no_gradients(run, tmp_path):
    path = tmp_path / "g.svg"
    assert run("graph", "x**2", "x=3", "--forward", "--output", str(path), "--top-down", "--embedded")[0] == 0
    assert texts(path).count("grad not yet") == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["-x**2", "x=3"],
        ["--x", "x=3"],
        ["- x", "x=-1e-3"],
        ["--", "-x", "x=3"],
        ["-o", "FILE", "-x", "x=3"],
        ["-x", "-o", "FILE", "x=-3"],
        ["-x", "x=-3", "--output=FILE"],
        ["-o*h", "o=1", "h=2"],
        ["-1"],
    ],
)
def test_expressions_and_numbers_may_begin_with_a_minus(run, tmp_path, arguments):
    path = tmp_path / "g.svg"
    status, _, err = run("graph", *[argument.replace("FILE", str(path)) for argument in arguments])
    assert (status, err) == (0, "")
    assert path.exists() == any("FILE" in argument for argument in arguments)


BAD = {
    "nothing": ([], "the following arguments are required: EXPR"),
    "unknown name": (["w*x + c", "w=1", "x=1"], "at column 7: no value for 'c': add c=NUMBER"),
    "unused value": (["x", "x=1", "y=2"], "the expression has no 'y', though a value for it was given"),
    "twice": (["x", "x=1", "x=2"], "'x' was given two values"),
    "no number": (["x", "x=one"], "the value of x is no number: 'one'"),
    "nan": (["x", "x=nan"], "the value of x is nan: expected a finite number"),
    "no value": (["x", "x"], "expected NAME=VALUE, such as w=3, got 'x'"),
    "division by 0": (["1/x", "x=0"], "at column 2: x / y is undefined at x = 1.0, y = 0.0 ('x'): it needs y != 0"),
    "minus": (["-x/0", "x=1"], "at column 3: x / y is undefined"),
    "syntax": (["x +", "x=1"], "at column 4: the expression ends too early"),
    "lines": (["x\n+\n$", "x=1"], "at column 5: invalid syntax"),
    "code": (["__import__('os')"], "at column 1: unknown function '__import__'"),
    "option": (["x", "x=1", "--outptu", "g.svg"], "there is no option --outptu; the nearest is --output"),
    "no file": (["x", "x=1", "-o"], "argument -o/--output: expected one argument"),
    "ending": (["x", "x=1", "-o", "g.gif"], "a drawing is saved as .svg, .dot, .png or .pdf, got 'g.gif'"),
    "folder": (["x", "x=1", "-o", "/no/such/g.svg"], "cannot write /no/such/g.svg: "),
    "too large": (["+".join(["x"] * 300), "x=1"], "the graph has 300 nodes, which makes 300 boxes"),
}


@pytest.mark.parametrize(("arguments", "message"), BAD.values(), ids=BAD)
def test_errors_are_one_line_with_status_2(run, arguments, message):
    status, out, err = run("graph", *arguments)
    assert (status, out) == (2, "")
    assert err.startswith(f"autodiff graph: error: {message}")
    assert err.count("\n") == 1


def test_without_dot_a_png_is_one_line_too(run, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    status, _, err = run("graph", "x", "x=1", "-o", str(tmp_path / "g.png"))
    assert (status, err.count("\n")) == (2, 1)
    assert "install it (https://graphviz.org/download), or save as .svg" in err


@pytest.mark.parametrize("verb", VERBS)
def test_the_examples_of_each_help_run(run, verb, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, _ = run(verb, "--help")
    assert status == 0
    examples = re.findall(rf"^  autodiff {verb} (.*)$", out.split("examples:")[1], re.MULTILINE)
    assert len(examples) >= 2
    if verb == "graph":
        for example in examples:
            command = re.split(r" \| |   ", example)[0]
            assert run(verb, *shlex.split(command))[0] == 0, command


def test_the_general_help_names_each_verb(run):
    _, out, _ = run("--help")
    for verb in VERBS:
        assert f"  autodiff {verb} EXPR" in out


@pytest.mark.skipif(shutil.which("dot") is None, reason="the program dot of Graphviz is not installed")
def test_what_is_printed_can_be_piped_into_dot(run):
    _, out, _ = run("graph", "a + a", "a=3")
    done = subprocess.run(["dot", "-Tplain"], input=out.encode(), capture_output=True, check=True)
    assert done.stdout.count(b"\nedge ") == 2


def test_an_unknown_option_is_refused_with_the_nearest(run):
    status, out, err = run("graph", "--het", "a", "a=1")
    assert (status, out, err) == (2, "", "autodiff graph: error: there is no option --het; the nearest is --heat\n")
    assert run("step", "--bogus", "a", "a=1")[0] == 2
    assert run("graph", "--", "--xs", "xs=1")[0] == 0


def test_an_unknown_verb_is_refused_with_the_nearest(run):
    assert run("stepp", "w*x", "w=1") == (2, "", "autodiff: error: no verb is called 'stepp': did you mean step?\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
@pytest.mark.parametrize("verb", [["derive", "--wrt", "w"], ["step"], ["page"], ["graph"]])
def test_an_output_that_cannot_be_written_is_an_error_in_one_line(verb):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "autodiff", *verb, "w*x", "w=3", "x=2"],
            stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "cannot write standard output: No space left" in done.stderr


def test_a_terminal_without_a_letter_shows_its_escape():
    arguments = [sys.executable, "-m", "autodiff", "step", "λ*λ", "λ=2"]
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    done = subprocess.run(arguments, input="c\n", capture_output=True, text=True, check=True, env=environment)
    assert r"\u2202L/\u2202\u03bb = \u03bb = 2" in done.stdout


def test_the_options_of_graph_reach_the_drawing(run, tmp_path):
    plain = run("graph", "w*x", "w=3", "x=2")[1]
    assert ("rankdir=LR" in plain, "rankdir=TB" in run("graph", "w*x", "w=3", "x=2", "--top-down")[1]) == (True, True)
    assert ("#e69f00" in plain, "#e69f00" in run("graph", "w*x", "w=3", "x=2", "--heat")[1]) == (False, True)
    assert ("∂ 3" in plain, "∂ 3" in run("graph", "w*x", "w=3", "x=2", "--local-derivatives")[1]) == (False, True)
    status, _, err = run("graph", "x", "x=1", "-o", str(tmp_path / "g.png"), "--embedded")
    assert (status, "used here: engine='auto' uses it" in err) == (2, True)


MANY = "+".join(["x"] * 300)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["derive", "1 + 2", "--wrt", "x"], "--wrt must be a name in the expression, got 'x'; there are none"),
        (["derive", MANY, "--wrt", "x", "x=1"], "the derivation by x takes 1 lines of "),
        (["page", MANY, "x=1"], "the graph has 300 nodes, which makes 300 boxes"),
        (["page", "x", "x=1", "-o", "/no/such/page.html"], "cannot write /no/such/page.html: No such file"),
        (["graph", "x", "x=1", "y" * 300], f"expected NAME=VALUE, such as w=3, got '{'y' * 50}'"),
        (["graph", "x", "x=1", f"{'y' * 300}=one"], f"the value of {'y' * 50} is no number: 'one'"),
        (["graph", "x", f"x={'y' * 300}"], f"the value of x is no number: '{'y' * 50}'"),
        (["graph", "x", "x=1", f"--{'y' * 300}"], f"there is no option --{'y' * 48}; the nearest is --"),
        (["derive", "x", "x=1", f"--wrt={'y' * 300}"], f"--wrt must be a name in the expression, got '{'y' * 50}'"),
    ],
)
def test_errors_of_every_verb_are_one_short_line(run, arguments, message):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith(f"autodiff {arguments[0]}: error: {message}")
    assert err.count("\n") == 1
    assert len(err) < 300


@pytest.mark.parametrize(
    ("expression", "numbers", "name"),
    [
        ("x*2", ["x=1"], "L"),
        ("x*L", ["x=1", "L=2"], "out"),
        ("x*L*out", ["x=1", "L=2", "out=3"], "result"),
        ("x*L*out*result", ["x=1", "L=2", "out=3", "result=4"], "v3"),
        ("x", ["x=1"], "x"),
    ],
)
def test_the_result_has_a_name_that_no_other_has(run, expression, numbers, name):
    status, out, _ = run("derive", expression, "--wrt", "x", *numbers)
    assert (status, out.split()[0]) == (0, f"d{name}/dx")


def test_spaces_around_the_equals_sign_are_no_matter(run):
    assert run("derive", "x*k", "--wrt", "x", "x = 1", " k= -2 ") == run("derive", "x*k", "--wrt", "x", "x=1", "k=-2")


def test_the_help_of_step_lists_its_commands(run):
    _, out, _ = run("step", "--help")
    assert re.findall(r"^  (\w+) ", out.partition("\ncommands:\n")[2], re.MULTILINE)[:3] == ["next", "back", "continue"]
