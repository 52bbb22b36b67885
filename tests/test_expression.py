import itertools
import math
import unicodedata

import pytest

import autodiff
from autodiff import Value
from autodiff.expression import DEEPEST, FUNCTIONS, LONGEST, ExpressionError, parse
from autodiff.order import walk

NUMBERS = {"w": 0.3, "x": 0.7, "b": 0.25, "y": 0.9}


def told(text, numbers=None):
    """Return the message of the error that reading `text` raises."""
    with pytest.raises(ExpressionError) as error:
        parse(text, {} if numbers is None else numbers)
    message = str(error.value)
    assert len(message.splitlines()) == 1
    return message


# What is read means what Python means by it

FORMULAS = [
    "w*x + b",
    "tanh(w*x + b)",
    "-x**2",
    "(-x)**2",
    "x**-1",
    "2**x",
    "x**y",
    "x**2**0.5",
    "w - x - b - y",
    "w / x / b",
    "w - (x - b)",
    "-(-x)",
    "+x",
    "- x * -y",
    "1e-3*x + .5 + 0x10 + 1_000",
    "sum(w, x, b)",
    "sum([w, x, 2])",
    "mean(w*w, x)",
    "prod(w, x, y)",
    "max(w, x, 0.1)",
    "logsumexp([w, x])",
    "dot([w, 2], [x, y], b)",
    "dot([w], [x])",
    "clip(x, -0.5, 1/2)",
    "leaky_relu(-x, 0.1)",
    "atan2(w, x) + hypot(x, y)",
    "maximum(x, 0.5) * minimum(w, x)",
    "  w  *\n x ",
]


def as_python_has_it(text, leaves):
    """The oracle: Python's own reading of the text, over the same names."""
    return eval(text.strip(), {**{name: getattr(autodiff, name) for name in FUNCTIONS}, **leaves})


@pytest.mark.parametrize("text", FORMULAS)
def test_value_and_gradient_are_those_of_the_same_text_in_python(text):
    names = {name for name in NUMBERS if name in text.replace("exp", "").replace("hypot", "")}
    numbers = {name: NUMBERS[name] for name in names if any(part == name for part in _words(text))}
    root, leaves = parse(text, numbers)
    root.backward()
    again = {name: Value(number) for name, number in numbers.items()}
    expected = as_python_has_it(text.replace("\n", " "), again)
    expected.backward()
    assert root.data == expected.data
    assert {name: leaf.grad for name, leaf in leaves.items()} == {name: leaf.grad for name, leaf in again.items()}


def _words(text):
    return "".join(c if c.isidentifier() or c.isdigit() else " " for c in text).split()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_answers_what_the_public_function_does(name):
    arguments = "[0.25, 0.5], [0.75, 1]" if name == "dot" else "0.25, 0.5" if name in TWO else "0.25"
    root, _ = parse(f"{name}({arguments})", {})
    assert root.data == eval(f"f({arguments})", {"f": getattr(autodiff, name)})


TWO = {"atan2", "hypot", "maximum", "minimum", "max", "sum", "prod", "mean", "logsumexp"}


def test_every_public_function_of_numbers_can_be_written():
    private = {
        "anomaly_detection",
        "check_gradients",
        "grad",
        "softmax",
        "draw",
        "blame",
        "derive",
        "order_matters",
        "steps",
    }  # take or answer other things
    public = {name for name in autodiff.__all__ if name.islower() and callable(getattr(autodiff, name))}
    assert public - private <= set(FUNCTIONS)


def test_the_graph_is_what_was_written():
    root, leaves = parse("2*3 + x", {"x": 1})
    order, _ = walk(root)
    assert [node.op.name for node in order] == ["*", "+"]
    assert root.parents[1] is leaves["x"]
    assert leaves["x"].label == "x"
    root, leaves = parse("a + a", {"a": 3})
    assert root.parents == (leaves["a"], leaves["a"])


def test_a_constant_exponent_is_no_node():
    root, leaves = parse("x**(1/2)", {"x": 4})
    assert root.parents == (leaves["x"],)
    root, leaves = parse("x**sqrt(4)", {"x": 3})
    assert (root.data, root.parents) == (9.0, (leaves["x"],))
    root, _ = parse("(0-2)**3", {})
    assert root.data == -8


def test_a_lone_name_is_the_leaf_itself_and_a_lone_number_a_leaf():
    root, leaves = parse("x", {"x": 3})
    assert root is leaves["x"]
    assert parse("-2.5", {})[0].data == -2.5


def test_huge_powers_are_inf_at_once():
    assert parse("9**9**9**9", {})[0].data == math.inf
    assert parse("-(10**400)", {})[0].data == -math.inf


def test_names_are_read_as_python_reads_them():
    composed, apart = "é", unicodedata.normalize("NFD", "é")
    assert composed != apart
    assert parse(f"{composed} + 1", {apart: 2})[0].data == 3
    assert parse("größe * λ", {"größe": 2, "λ": 3})[0].data == 6
    assert parse("𝑥 * x", {"𝑥": 2})[0].data == 4
    assert parse("exp * exp(0)", {"exp": 2})[0].data == 2


def test_long_sums_are_not_deep():
    assert parse("+".join(["x"] * 400), {"x": 1})[0].data == 400


# What is refused, and where

REFUSED = {
    "unknown name": ("w*x + c", "at column 7: no value for 'c': add c=NUMBER"),
    "after other bytes": ("'é' * c", "at column 1: "),
    "function as name": ("x*tanh", "at column 3: tanh is a function: write tanh(...)"),
    "name as function": ("x + w(x + 1)", "at column 5: w is a number, not a function: write w*(...)"),
    "unknown function": ("x + tahn(x)", "at column 5: unknown function 'tahn': did you mean tan or tanh"),
    "division by 0": ("w + x/(y - y)", "at column 6: x / y is undefined at x = 0.7 ('x'), y = 0.0: it needs y != 0"),
    "no logarithm": ("x*log(-x)", "at column 3: log(x) is undefined at x = -0.7: it needs x > 0"),
    "complex power": ("(-x) ** w", "at column 6: x**y is undefined"),
    "inner parentheses": ("((x)) / 0", "at column 7: x / y is undefined"),
    "xor": ("x^2", "at column 2: ^ is not read: write ** for a power"),
    "no product": ("2x", "at column 1: invalid decimal literal: write * for a product"),
    "no sign": ("x y", "at column 3: invalid syntax"),
    "no end": ("x +", "at column 4: the expression ends too early"),
    "unclosed": ("tanh((x)", "at column 5: '(' was never closed"),
    "too many": ("tanh(x, x)", "at column 1: tanh takes (x), got 2 arguments"),
    "too few": ("w*atan2(x)", "at column 3: atan2 takes (y, x), got 1 arguments"),
    "by name": ("clip(x, low=1)", "at column 9: clip takes no named arguments here"),
    "parameter": ("clip(x, w, 1)", "at column 9: low of clip must be a plain number"),
    "no operands": ("mean()", "at column 1: mean needs at least one number"),
    "lengths": ("dot([x, w], [y])", "at column 1: dot needs one input for each weight, got 2 weights and 1 inputs"),
    "list": ("[x]", "at column 1: a list stands only as an argument"),
    "list as number": ("tanh([x])", "at column 1: expected one real number"),
    "list in list": ("sum([x, [x]])", "at column 9: a list stands only as an argument"),
    "too large": ("x*1e999", "at column 3: the number is too large"),
    "900 digits": ("9" * 900, "at column 1: the number is too large"),
    "comment": ("x # y", "at column 3: '#' has no meaning"),
    "backslash": ("x + \\ y", "at column 5: '\\\\' has no meaning"),
    "semicolon": ("x; y", "at column 2: ';' has no meaning"),
    "digits and words": ("1if x else y", "at column 1: only numbers, names, + - * / **, parentheses"),
    "-False": ("-False", "at column 2: only numbers, names, + - * / **, parentheses"),
    "-True": ("x * -True", "at column 6: only numbers, names, + - * / **, parentheses"),
    "no such function": ("x + gamma(y)", "at column 5: unknown function 'gamma': there are abs, acos, "),
    "first of a chain": ("x / (y - y) + w - b", "at column 3: x / y is undefined"),
    "null": ("x\0", "at column 2: '\\x00' has no meaning"),
    "surrogate": ("x*\ud800", "at column 3: '\\ud800' has no meaning"),
    "escape": ("x*\x1b[31m", "at column 3: '\\x1b' has no meaning"),
    "empty": ("", "the expression is empty"),
    "blank": (" \n ", "the expression is empty"),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_errors_say_what_is_wrong_and_where(text, message):
    assert told(text, NUMBERS).startswith(message)
    column, _, what = message.removeprefix("at column ").partition(": ")
    if what:
        assert told(f" \t {text}", NUMBERS).startswith(f"at column {int(column) + 3}: {what}")


@pytest.mark.parametrize(
    ("text", "column"), [("λ*λ + c", 7), ("λ + λ ^ 2", 7), ("λ λ", 3), ("λ + (λ*λ", 5), ("λ*λ #", 5), ("(λ*λ) / 0", 7)]
)
def test_columns_are_counted_in_characters(text, column):
    assert told(text, {"λ": 1}).startswith(f"at column {column}: ")


FOREIGN = [
    *["__import__('os').system('true')", "x.__class__", "x.data", "x[0]", "(lambda: x)()", "x if x else x", "x and x"],
    *["not x", "x < x", "x == x", "x, x", "(x)(x)", "'x'", "b'x'", "f'{x}'", "True", "None", "...", "1j", "x % x"],
    *["x // x", "x @ x", "x | x", "x & x", "x << x", "~x", "{x}", "{x: x}", "[y for y in x]", "sum(y for y in x)"],
    *["sum(*x)", "sum(**x)", "(x := 1)", "x := 1", "x = 1", "await x", "(yield x)", "import os", "x; x", "print(x)"],
    *["eval('x')", "exec('x')", "open('x')", "getattr(x, 'data')", "tanh.__globals__", "type(x)", "softmax(x)", "*x"],
]


@pytest.mark.parametrize("text", FOREIGN)
def test_everything_else_of_python_is_refused(text):
    assert "at column " in told(text, {"x": 1.0})


@pytest.mark.parametrize(
    ("nest", "levels"),
    [
        *[("-{}", 1), ("+{}", 1), ("sin({})", 1), ("sum([{}, x])", 1), ("({})**2", 1), ("2**({})", 1)],
        *[("x + ({})", 1), ("sin({}) + x - x", 2), ("x*(x - ({}))", 2)],
    ],
)
def test_fifty_levels_are_read_and_one_more_is_refused(nest, levels):
    text, depth = "x", 1
    while depth + levels <= DEEPEST:
        text, depth = nest.format(text), depth + levels
    parse(text, {"x": 0.0})
    assert "nested too deeply: at most 50 levels are read" in told(nest.format(text), {"x": 0.0})


def test_length_and_depth_are_limited():
    assert parse("x" + " " * (LONGEST - 1), {"x": 1})[0].data == 1
    assert "1001 characters" in told(" " * LONGEST + "x", {"x": 1})
    parse("-" * (DEEPEST - 1) + "x", {"x": 1})
    for text in (
        "-" * DEEPEST + "x",
        "sin(" * DEEPEST + "x" + ")" * DEEPEST,
        "x**" * 60 + "x",
        "(x+" * 60 + "x" + ")" * 60,
    ):
        assert "nested too deeply: at most 50" in told(text, {"x": 1})
    for opening, closing in itertools.product(["(", "[", "{", "-(", "sum(["], [")", ""]):
        assert told(opening * 199 + "x" + closing * 150, {"x": 1})


@pytest.mark.parametrize(
    "opening", ["(", "[", "{", "-", "not ", "lambda:", "x if x else ", "x**", "x and ", "f'{", "*"]
)
def test_hostile_nesting_is_an_error_and_no_crash(opening):
    assert told((opening * LONGEST)[:LONGEST], {"x": 1})


def test_values_are_checked():
    assert told("x", {"x": math.nan}) == "the value of x is nan: expected a finite number"
    assert told("x", {"x": -math.inf}) == "the value of x is -inf: expected a finite number"
    assert told("x", {"x": 10**400}).startswith("the value of x is no number: the int 1000")
    assert told("x", {"x": "3"}).startswith("the value of x is no number: expected one real number")
    assert told("x", {"x": 1, "y": 2}) == "the expression has no 'y', though a value for it was given"
    assert told("x", {"z": 2, "x": 1, "y": 2}) == "the expression has no 'z', though a value for it was given"
    assert told("x", {"x y": 1}).startswith("'x y' is no name")
    assert len(told("x", {"x y" * 10_000: 1})) < 200
