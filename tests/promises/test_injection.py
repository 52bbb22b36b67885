"""What comes from outside is data: labels, names, paths, expressions and commands steer no terminal and run nothing.

Pictures, pages and LaTeX have tests of their own kind (`test_draw_labels`, `test_page`, `test_browser`, `test_derive`).
"""

import contextlib
import io
import json
import math
import unicodedata

import pytest
from hypothesis import example, given, settings, strategies as st

import autodiff
from autodiff import Value, nn
from autodiff.checks import anomaly
from autodiff.cli import main
from autodiff.formulas.parse import ExpressionError, parse
from autodiff.formulas.vocabulary import FUNCTIONS
from autodiff.show.stepper.terminal import Stepper

# Colours, the window's title, the 8-bit form of the same, a return to the start of the line, reordered text.
HOSTILE = "\x1b[31mX\x1b]0;title\x07\x9b2J\x00\r\u202ey\u2066\x7f\x85"


REORDERING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def is_harmless(text):
    return not any(c in REORDERING or (unicodedata.category(c) in ("Cc", "Cs") and c != "\n") for c in text)


class Hostile(nn.Module):
    def __init__(self, data=1.0):
        vars(self).update({HOSTILE: Value(data, HOSTILE), "weights": [Value(2.0)]})


def graph():
    x = Value(2.0, HOSTILE)
    y = x * x
    y.label = f"{HOSTILE} 2"
    z = y * x
    z.backward()
    return x, y, z


def told(action):
    """What an action prints, answers as text, or raises."""
    try:
        return str(action())
    except Exception as error:  # whatever it is, its message must be clean
        return str(error)


def blamed():
    model = Hostile()
    (model.weights[0] * model.parameters()[0]).backward()
    return autodiff.blame(model)


def watched():
    with autodiff.anomaly_detection():
        Value(1000.0, HOSTILE).exp()


def diverging():
    p = Value(1e308, HOSTILE)
    nn.fit(lambda inputs: p * 10.0, [([1.0], 1.0)], "squared_error", nn.SGD([p]))


x, y, z = graph()
SHOWN = {
    "repr": lambda: repr(x),
    "check": lambda: autodiff.check_gradients(lambda: x * x, [x]),
    "check, names given": lambda: autodiff.check_gradients(lambda: x * x, {HOSTILE: x}),
    "check, wrong": lambda: autodiff.check_gradients(lambda: x * x, {HOSTILE: y}),
    "blame": blamed,
    "steps": lambda: autodiff.steps(z),
    "steps, repr": lambda: repr(autodiff.steps(z)),
    "steps beside a mistake": lambda: autodiff.steps(z, misconception="seed is the output"),
    "mistake": lambda: autodiff.steps(z, misconception=HOSTILE),
    "training": lambda: autodiff.training_steps(lambda: x * x, [x], lr=0.1, steps=1),
    "drawing as text": lambda: autodiff.draw(z).text,
    "number format": lambda: autodiff.steps(z, number_format=HOSTILE),
    "ledger": lambda: autodiff.steps(z).ledger(x),
    "unknown node": lambda: autodiff.steps(z).node(HOSTILE),
    "another node": lambda: autodiff.steps(z).node(Value(1.0, HOSTILE)),
    "derive": lambda: autodiff.derive(z, x),
    "derive, LaTeX": lambda: autodiff.derive(z, x).latex,
    "derive, by another": lambda: autodiff.derive(z, Value(1.0, HOSTILE)),
    "exercise": lambda: autodiff.exercise(z),
    "exercise, checked": lambda: autodiff.exercise(z).check({q.name: 2.5 for q in autodiff.exercise(z).questions}),
    "exercise, hints": lambda: "".join([hint for q in autodiff.exercise(z).questions for hint in q.hints]),
    "exercise, another": lambda: autodiff.exercise(z).check({HOSTILE: 1.0}),
    "exercise, not read": lambda: autodiff.exercise(z).check({autodiff.exercise(z).questions[0].name: HOSTILE}),
    "exercise, about": lambda: autodiff.exercise(z, about=[HOSTILE]),
    "order": lambda: autodiff.order_matters(z, [y, z]),
    "order, incomplete": lambda: autodiff.order_matters(z, [y]),
    "expand": lambda: autodiff.draw(z, model=Hostile(), expand=HOSTILE),
    "domain": lambda: Value(-1.0, HOSTILE).log(),
    "division": lambda: x / Value(0.0, HOSTILE),
    "describe": lambda: anomaly.describe(y),
    "anomaly": watched,
    "divergence": diverging,
    "activation": lambda: nn.MLP(1, [1], HOSTILE),
    "loss": lambda: nn.fit(Hostile(), [([1.0], 1.0)], HOSTILE, nn.SGD([Value(1.0)])),
    "number": lambda: Value(HOSTILE),
    "label": lambda: Value(1.0, HOSTILE.encode()),
    "save nan": lambda: Hostile(math.nan).save("model.json"),
    "save": lambda: Hostile().save(f"/nowhere/{HOSTILE}"),
    "save, no null": lambda: Hostile().save("/nowhere/" + HOSTILE.replace("\0", "")),
    "load, no null": lambda: Hostile().load("/nowhere/" + HOSTILE.replace("\0", "")),
    "expression": lambda: parse(HOSTILE, {}),
    "expression, in it": lambda: parse(f"sin({HOSTILE})", {}),
    "expression, part": lambda: parse(f"{HOSTILE} = x; x", {"x": 1.0}),
    "name": lambda: parse("x", {HOSTILE: 1.0}),
    "value": lambda: parse("x", {"x": HOSTILE}),
}


@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN)
def test_text_and_errors_hold_nothing_that_steers_a_terminal(show):
    text = told(show)
    assert text
    assert is_harmless(text), text


def run(*arguments):
    """What the command line writes, and its status."""
    out, status = io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            status = main(arguments)
        except SystemExit as end:
            status = end.code
    return out.getvalue(), status


ARGUMENT = HOSTILE.replace("\0", "")  # no argument of a process can hold it
COMMANDS = [
    ["--lr", ARGUMENT], ["--loss", ARGUMENT], [ARGUMENT], [f"--{ARGUMENT}"], ["--weights", ARGUMENT, "1"],
    *[
        [verb, *arguments]
        for verb in ("graph", "derive", "step", "exercise")
        for arguments in (
            [ARGUMENT], ["x", f"x={ARGUMENT}"], ["x", f"{ARGUMENT}=1"], ["x", "x=1", f"--{ARGUMENT}"],
            ["x", "x=1", "y=2", ARGUMENT], ["x", "x=1", "-o", f"/nowhere/{ARGUMENT}.svg"],
            ["x", "x=1", "-o", f"{ARGUMENT}.gif"], ["x", "x=1", "--wrt", ARGUMENT], ["x", "x=1", f"--wrt={ARGUMENT}"],
        )
    ],
]  # fmt: skip


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: ascii(" ".join(arguments))[:60])
def test_the_command_line_answers_hostile_arguments_harmlessly(arguments):
    text, status = run(*arguments)
    assert status == 2
    assert is_harmless(text), text


@pytest.mark.parametrize("command", ["{}", "print {}", "break {}", "ledger {}", "next {}", "clear {}", "help {}"])
def test_the_stepper_echoes_and_answers_hostile_commands_harmlessly(command):
    out = io.StringIO()
    script = io.StringIO(command.format(HOSTILE.replace("\r", "")) + "\nprint\nlonglist\nnext 99\nquit\n")
    assert Stepper(autodiff.steps(z), script, out).run() == 0
    assert is_harmless(out.getvalue())


@pytest.mark.parametrize("name", ["\x1b[31m", '"', "\\", "</script>", "\u2028", "é", "\ud800", "__proto__", "a.b", ""])
def test_names_of_parameters_go_through_json_as_they_are(tmp_path, name):
    class Named(nn.Module):
        def __init__(self, data):
            vars(self)["parts"] = {name: Value(data)}

    Named(1.5).save(tmp_path / "model.json")
    assert list(json.loads((tmp_path / "model.json").read_bytes())["parameters"]) == [f"parts.{name}"]
    twin = Named(0.0)
    twin.load(tmp_path / "model.json")
    assert twin.parameters()[0].data == 1.5


# Expressions: a result, or one clear error, and soon.

NUMBERS = {"x": 0.5, "w": -2.0, "é": 3.0}
SIGNS = "+ - * / ** // % @ ^ & | ~ << >> == != < = := , . : ; ( ) [ ] { } ' \" # \\"
DIGITS = "0 1 9 .5 1e308 1e-320 0x1f 1_0 1j 007 ² ٣ ∞"
WORDS = "x w é π ﬁ 𝐱 x̂ 你 🙂 if else lambda for in not and is None True await yield import __import__ f'{x}' b'' ..."
UNSEEN = ["\n", "\t", "\0", "\r", "\x0c", "\ufeff", "\u202e", "\u3000", "\xa0", "\ud800"]
TOKENS = [*f"{SIGNS} {DIGITS} {WORDS}".split(), *UNSEEN, *FUNCTIONS]
soup = st.lists(st.sampled_from(TOKENS), max_size=30).flatmap(
    lambda tokens: st.sampled_from(["", " "]).map(lambda space: space.join(tokens))
)
nested = st.recursive(
    st.sampled_from(["x", "w", "é", "2", "1e400", "9**9", "-1"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "**", " ** -"]), inner).map("".join),
        st.tuples(st.sampled_from([*FUNCTIONS, "nothing"]), st.lists(inner, max_size=3)).map(
            lambda call: f"{call[0]}({', '.join(call[1])})"
        ),
        inner.map("({})".format),
        inner.map("[{}]".format),
        inner.map("-{}".format),
    ),
    max_leaves=12,
)


@contextlib.contextmanager
def refused_in_one_line():
    """Let an `ExpressionError` pass, if it is a harmless line; and nothing else."""
    told = "something"
    try:
        yield
    except ExpressionError as error:
        told = str(error)
    assert told
    assert "\n" not in told
    assert is_harmless(told), told
    assert len(told) < 700


def read(text):
    """Assert that a text is read, differentiated, or refused in one harmless line."""
    with refused_in_one_line():
        root, leaves = parse(text, NUMBERS)
        assert isinstance(root, Value)
        assert leaves.keys() == NUMBERS.keys()
        assert "".join(text.split())  # something was written
        root.backward()


@settings(max_examples=300, deadline=10_000)
@given(text=st.text(max_size=60) | soup | nested | nested.map(lambda text: f"x + w + é + {text}"))
@example("9**9**9**9")
@example("-" * 999 + "x")
@example("(" * 1000)
@example("(" * 500 + ")" * 500)
@example("x" + "**x" * 300)
@example("x" + "+x" * 499)
@example("[" * 200 + "]" * 200)
@example("9" * 1000)
@example("1e" + "9" * 900)
@example("0x" + "f" * 900)
@example("x.__class__.__base__.__subclasses__()")
@example("__import__('os').system('true')")
@example("(lambda: 1)()")
@example("sin(*[x])")
@example("max(" + "x," * 400 + "x)")
@example("\ud800")
@example("x\0")
def test_any_text_is_read_or_refused_in_one_line(text):
    read(text)


@settings(max_examples=100, deadline=10_000)
@given(
    name=st.text(max_size=10),
    number=st.floats() | st.integers() | st.text(max_size=5) | st.none() | st.complex_numbers(),
)
def test_any_name_and_number_is_read_or_refused_in_one_line(name, number):
    with refused_in_one_line():
        parse("x", {"x": 1.0, name: number})
        assert name == "x"


def test_reading_evaluates_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for text in ("open('made', 'w')", "__import__('pathlib').Path('made').touch()", "[open('made', 'w') for i in [1]]"):
        with pytest.raises(ExpressionError):
            parse(text, {})
    assert list(tmp_path.iterdir()) == []
