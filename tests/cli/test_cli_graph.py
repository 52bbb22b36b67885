import os
import re
import shlex
import shutil
import subprocess
import sys
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from autodiff import Value, draw
from autodiff.cli import VERBS

TEXT = "{http://www.w3.org/2000/svg}text"


def texts(path):
    return [element.text for element in ElementTree.parse(path).iter(TEXT)]


def test_graph_prints_the_dot_text_of_the_drawing(run):
    w, x, b = Value(0.5, "w"), Value(4.0, "x"), Value(-1.0, "b")
    _y = (w * x + b).tanh()
    _y.label = "L"  # as what has no name in the expression is called
    _y.backward()
    assert run("graph", "tanh(w*x + b)", "w=0.5", "x=4", "b=-1") == (0, draw(_y).dot, "")


@pytest.mark.slow
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


def test_without_what_makes_a_pdf_it_is_said_in_one_line(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    status, _, err = run("graph", "x", "x=1", "-o", str(tmp_path / "g.pdf"))
    assert (status, err.count("\n")) == (2, 1)
    assert "`pip install 'autodiff-scalar[pdf]'` installs it, or save as .svg or .png" in err


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
        assert f"  autodiff {verb} {VERBS[verb].USAGE.split()[0]} " in out


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


@pytest.mark.slow
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


@pytest.mark.slow
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
    assert run("graph", "x", "x=1", "-o", str(tmp_path / "g.png"), "--embedded") == (0, "", "")
    assert (tmp_path / "g.png").read_bytes().startswith(b"\x89PNG")


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


def test_a_verb_that_is_added_to_the_list_is_run_suggested_and_named_in_the_help(run, monkeypatch):
    given = []
    verb = SimpleNamespace(USAGE="EXPR FILE", SUMMARY="weigh an expression", run=lambda words: given.append(words) or 7)
    monkeypatch.setitem(VERBS, "weigh", verb)
    assert run("weigh", "a", "b")[0] == 7
    assert given == [["a", "b"]]
    assert "did you mean weigh?" in run("weig")[2]
    lines = run("--help")[1].splitlines()
    (line,) = [line for line in lines if "autodiff weigh" in line]
    assert line.startswith("  autodiff weigh EXPR FILE  ")
    column = line.index("weigh an expression")
    assert all(next(line for line in lines if v.SUMMARY in line).index(v.SUMMARY) == column for v in VERBS.values())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lambda*w**2", "--wrt", "w", "lambda=2", "w=3"], ["dL/dw", "lambda * (2 * w)", "12"]),
        (["lambda*w**2", "--wrt", "lambda", "lambda=2", "w=3"], ["dL/dlambda", "9"]),
        (["sin(pi*x)", "--wrt", "x", "x=0.5"], ["cos(v1) * pi", "pi * x", "local error dL/dv1 * other factor pi"]),
        (["e*x", "--wrt", "e", "e=2", "x=3"], ["dL/de = x", "3"]),
        (["ln(x)", "--wrt", "x", "x=2"], ["1 / x", "0.5"]),
        (["x**pi", "--wrt", "x", "x=1"], ["pi * x**", "3.14159"]),
    ],
    ids=["lambda", "by lambda", "pi", "e given", "ln", "power pi"],
)
def test_words_of_textbooks_are_derived(run, arguments, said):
    status, out, err = run("derive", *arguments)
    assert (status, err) == (0, "")
    for words in said:
        assert words in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["e*x", "--wrt", "e", "x=2"], "there are x; for e as a name add e=NUMBER"),
        (["lambda*x", "--wrt", "x", "x=2"], "at column 1: no value for 'lambda': add lambda=NUMBER"),
        (["(x-1)(x+1)", "--wrt", "x", "x=2"], "at column 6: what stands before these parentheses is no function"),
        (["x^2", "--wrt", "x", "x=2"], "at column 2: ^ is not read: write ** for a power"),
    ],
    ids=["e", "lambda", "product", "power"],
)
def test_words_that_are_not_read_are_one_line_with_the_cure(run, arguments, message):
    status, out, err = run("derive", *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err


NAMED = ("z = w*x + b; y = tanh(z); L = (y - t)**2", "w=0.5", "x=2", "b=-0.4", "t=1")


def test_parts_of_an_expression_keep_their_names_in_every_verb(run):
    status, drawing, _ = run("graph", *NAMED, "--text")
    assert status == 0
    assert drawing.startswith("L ")
    assert {"z", "y", "v1", "v2"} <= set(drawing.replace("─", " ").split())
    w, x, b, t = Value(0.5, "w"), Value(2.0, "x"), Value(-0.4, "b"), Value(1.0, "t")
    z = w * x + b
    y = z.tanh()
    z.label, y.label = "z", "y"
    L = (y - t) ** 2
    L.backward()
    _, derived, _ = run("derive", *NAMED, "--wrt", "z")
    assert derived.startswith("dL/dz = (dL/dy)(dy/dz)\n")
    assert f"= {z.grad:.6g}\n" in derived
    _, page, _ = run("page", *NAMED)
    assert '"whole":["z = w * x + b","y = tanh(z)","L = (y - t)**2"],"parts":["v1 = w * x","v2 = y - t"]' in page


def test_numbers_are_written_in_one_format_in_every_verb(run):
    for verb, options in (("graph", ["--text"]), ("derive", ["--wrt", "w"]), ("page", [])):
        status, told, _ = run(verb, *NAMED, "--number-format", ".2f", *options)
        assert status == 0
        assert not re.search(r"\d\.\d{3}", told.partition("<script>")[0].partition("<img")[0])
    assert "**2" in run("graph", *NAMED, "--number-format", ".3f", "--text")[1]
    status, _, error = run("graph", *NAMED, "--number-format", "x")
    assert (status, error) == (
        2,
        "autodiff graph: error: --number-format must be a format of floats, such as '.6g' or '.3f', got 'x'\n",
    )


def test_a_mistake_is_played_beside_the_right_pass(run):
    _, page, _ = run("page", *NAMED, "--misconception", "factor n forgotten")
    assert '"departs":"First departs at L: \\u2202L/\\u2202v2 is ' in page
    for verb in ("step", "page"):
        status, _, error = run(verb, *NAMED, "--misconception", "step uphill")
        assert status == 2
        assert error.startswith(
            f"autodiff {verb}: error: the misconception 'step uphill' cannot be made here; there are "
        )
