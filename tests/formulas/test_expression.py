import inspect
import itertools
import math
import unicodedata

import pytest

import autodiff
from autodiff import Value
from autodiff.engine import functions
from autodiff.engine.backward import toposort
from autodiff.formulas import vocabulary
from autodiff.formulas.parse import MAX_CHARACTERS, MAX_LEVELS, ExpressionError, parse
from autodiff.formulas.vocabulary import FUNCTIONS

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
    arguments = ARGUMENTS.get(name) or ", ".join(["0.25", "0.5", "0.75"][: needed(FUNCTIONS[name])])
    root, _ = parse(f"{name}({arguments})", {})
    assert root.data == eval(f"f({arguments})", {"f": getattr(autodiff, name)})


ARGUMENTS = {"dot": "[0.25, 0.5], [0.75, 1]", "acosh": "1.25"}  # where numbers below 1 will not do


def needed(function):
    """How many operands a function must be given; of those that take any number, two."""
    parameters = inspect.signature(function).parameters.values()
    many = any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters)
    return 2 if many else sum(parameter.default is parameter.empty for parameter in parameters)


def test_every_public_function_of_numbers_can_be_written():
    private = {
        "anomaly_detection",
        "check_gradients",
        "check_engine",
        "check_gradient",
        "conventions",
        "grad",
        "hessian",
        "jacobian",
        "log_softmax",
        "softmax",
        "draw",
        "blame",
        "derive",
        "order_matters",
        "steps",
        "training_steps",
        "exercise",
        "large_graph",
    }  # take or answer other things
    public = {name for name in autodiff.__all__ if name.islower() and callable(getattr(autodiff, name))}
    assert public - private <= set(FUNCTIONS)


def test_the_graph_is_what_was_written():
    root, leaves = parse("2*3 + x", {"x": 1})
    order, _ = toposort(root)
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
    "no sign": ("x y", "at column 3: there is no sign between x and y: write * for a product"),
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
    "semicolon": ("x; y", "at column 2: ; ends a part, which needs a name: write NAME = in front of it"),
    "nothing between": ("z = x*y;; y", "at column 9: nothing stands here"),
    "nothing named": ("z = ; x", "at column 4: nothing stands here"),
    "named twice": ("z = x*y; z = w; z*b", "at column 10: z is the name of an earlier part"),
    "named as a number": ("w = x*y; w*b", "at column 1: w was given a value"),
    "second name": ("z = x*y; q = z; q*b", "at column 10: q would be a second name of z: write z"),
    "wrong in a part": ("z = x*y; q = z + (w; q*b", "at column 18: '(' was never closed"),
    "no value in a part": ("z = x*y; z*qq", "at column 12: no value for 'qq'"),
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


# Words of textbooks


@pytest.mark.parametrize(
    ("text", "numbers", "same", "gradient"),
    [
        ("lambda*w**2", {"lambda": 2.0, "w": 3.0}, 18.0, {"lambda": 9.0, "w": 12.0}),
        ("is*w + if", {"is": 2.0, "w": 3.0, "if": 1.0}, 7.0, {"is": 3.0, "w": 2.0, "if": 1.0}),
        ("None + True*in - lambdas", {"None": 2.0, "True": 3.0, "in": 4.0, "lambdas": 5.0}, 9.0, {"True": 4.0}),
        ("ln(x)", {"x": 2.0}, math.log(2.0), {"x": 0.5}),
        ("arctan(x) + arcsin(x) + arccos(x)", {"x": 0.5}, math.atan(0.5) + math.pi / 2, {"x": 0.8}),
        ("arctan2(y, x)", {"y": 1.0, "x": 1.0}, math.pi / 4, {"y": 0.5, "x": -0.5}),
        ("sgn(x)", {"x": -2.0}, -1.0, {"x": 0.0}),
        ("sin(pi*x)", {"x": 0.5}, 1.0, {"x": 0.0}),
        ("π*x", {"x": 2.0}, 2 * math.pi, {"x": math.pi}),
        ("e*x", {"x": 2.0}, 2 * math.e, {"x": math.e}),
        ("e*pi", {"e": 2.0, "pi": 3.0}, 6.0, {"e": 3.0, "pi": 2.0}),
        ("x**e", {"x": 2.0}, 2.0**math.e, {"x": math.e * 2.0 ** (math.e - 1)}),
        ("x**e", {"x": 2.0, "e": 3.0}, 8.0, {"x": 12.0, "e": 8 * math.log(2.0)}),
        ("clip(x, -pi, pi)", {"x": 4.0}, math.pi, {"x": 0.0}),
        ("e**x", {"x": 2.0}, math.exp(2.0), {"x": math.exp(2.0)}),
    ],
)
def test_textbooks_words_are_read(text, numbers, same, gradient):
    root, leaves = parse(text, numbers)
    root.backward()
    assert root.data == pytest.approx(same, rel=1e-15)
    assert set(leaves) == set(numbers)
    assert {name: leaves[name].grad for name in gradient} == pytest.approx(gradient, rel=1e-14, abs=1e-15)


def test_a_constant_is_one_leaf_that_shows_its_name():
    root, leaves = parse("pi*x + pi", {"x": 2.0})
    product, constant = root.parents
    assert (constant.label, constant.data) == ("pi", math.pi)
    assert product.parents == (constant, leaves["x"])
    assert product.parents[0] is constant


@pytest.mark.parametrize(("alias", "name"), [("ln", "log"), ("arcsin", "asin"), ("arccos", "acos"), ("arctan", "atan")])
def test_another_name_of_a_function_makes_the_same_node(alias, name):
    assert parse(f"{alias}(x)", {"x": 0.5})[0].op is parse(f"{name}(x)", {"x": 0.5})[0].op


CURES = {
    "no value for lambda": ("lambda*w**2", "at column 1: no value for 'lambda': add lambda=NUMBER"),
    "no value for is": ("w*is", "at column 3: no value for 'is': add is=NUMBER"),
    "parentheses": ("(x-1)(x+1)", "at column 6: what stands before these parentheses is no function: write * for a pr"),
    "number before": ("y + 2(x+1)", "at column 6: what stands before these parentheses is no function: write * for a"),
    "calls": ("sin(x)(y)", "at column 7: what stands before these parentheses is no function: write * for a product"),
    "space": ("w*x b", "at column 5: there is no sign between x and b: write * for a product"),
    "in a function": ("tanh(x y)", "at column 8: there is no sign between x and y: write * for a product"),
    "after parentheses": ("(x + y)b", "at column 8: there is no sign between ) and b: write * for a product"),
    "number": ("2 x", "at column 3: there is no sign between 2 and x: write * for a product"),
    "function without": ("y*sin x", "at column 3: sin is a function: write sin(...)"),
    "alias without": ("ln x", "at column 1: ln is a function: write ln(...)"),
    "lone alias": ("y*ln", "at column 3: ln is a function: write ln(...)"),
    "constant called": ("pi(x)", "at column 1: pi is a number, not a function: write pi*(...) for a product"),
    "decimal comma": ("0,5*x", "at column 1: a comma stands only between the operands of a function: write . in"),
    "bars": ("|x|", "at column 1: | has no meaning in an expression: write abs(x)"),
    "or": ("y + (x|y)", "at column 7: | is not read: write abs(x)"),
    "equation": ("y = x", "at column 1: y was given a value: choose another name for this part"),
    "factorial": ("x!", "at column 2: ! has no meaning in an expression"),
    "cross": ("w×x", "at column 2: '×' is not read: write *"),
    "dot": ("w·x", "at column 2: '·' is not read: write *"),
    "minus": ("w−x", "at column 2: '−' is not read: write -"),
    "square": ("x²", "at column 2: '²' is not read: write **2"),
    "capitals": ("ReLU(x)", "at column 1: unknown function 'ReLU': did you mean relu?"),
    "another power": ("pow(x, 2)", "at column 1: unknown function 'pow': write x**y"),
    "secant": ("sec(x)", "at column 1: unknown function 'sec': write 1/cos(x)"),
    "near an alias": ("arctn(x)", "at column 1: unknown function 'arctn': did you mean arctan"),
}


@pytest.mark.parametrize(("text", "message"), CURES.values(), ids=CURES)
def test_a_word_that_is_not_read_is_named_with_its_cure(text, message):
    assert told(text, NUMBERS).startswith(message)


def test_a_middle_dot_may_stand_in_a_name():
    assert parse("l·l + 1", {"l·l": 2.0})[0].data == 3.0


@pytest.mark.parametrize("name", ["lambda", "is", "in", "not", "None"])
def test_a_word_of_python_may_be_a_name_wherever_one_may_stand(name):
    assert parse(f"2**{name} - tanh({name})*({name})", {name: 0.0})[0].data == 1.0
    assert told(f"{name} x", {name: 1.0, "x": 1.0}).endswith(f"no sign between {name} and x: write * for a product")
    assert told(f"2{name}", {name: 1.0}).startswith("at column ")


def test_an_operation_that_is_added_to_the_functions_is_read(monkeypatch):
    def thrice(x):
        """Return 3 x."""
        return 3.0 * x

    thrice.__module__ = functions.__name__
    monkeypatch.setattr(functions, "thrice", thrice, raising=False)
    assert set(vocabulary._public(functions)) - {"thrice"} == set(vocabulary._public(functions)) & set(FUNCTIONS)
    assert vocabulary._public(functions)["thrice"] is thrice


@pytest.fixture
def choice(monkeypatch):
    """A function that takes a condition."""

    def chosen(condition, x, y):
        return condition * x + (1.0 - condition) * y

    monkeypatch.setitem(FUNCTIONS, "chosen", chosen)


@pytest.mark.parametrize("x", [-1.0, 0.0, 1.0, 2.0])
@pytest.mark.parametrize("relation", ["x > y", "x >= y", "x < y", "x <= y", "x*x > 2*y - 1", "0 < x", "1 >= x"])
def test_a_condition_is_what_python_makes_of_the_comparison(relation, x, choice):
    root, _ = parse(f"chosen({relation}, 3, 5) + 0*x*y", {"x": x, "y": 1.0})
    assert root.data == (3.0 if eval(relation, {"x": x, "y": 1.0}) else 5.0)


@pytest.mark.parametrize("relation", ["x == y", "x != y", "0 < x < y", "x in y", "x is y"])
def test_other_conditions_are_refused_with_those_that_are_read(relation, choice):
    message = "at column 8: a condition is one of x < y, x <= y, x > y, x >= y"
    assert told(f"chosen({relation}, 3, 5)", NUMBERS) == message


def test_a_comparison_elsewhere_is_refused_with_what_to_write(choice):
    for text in ("x > 0", "chosen(1, x > 0, 5)", "tanh(x > 0)"):
        assert "a comparison stands only as the condition of where; heaviside(x)" in told(text, NUMBERS)


def test_what_answers_a_list_is_no_function_of_a_formula():
    assert "softmax" not in FUNCTIONS
    assert not any(name.startswith("_") for name in FUNCTIONS)
    assert list(FUNCTIONS) == sorted(FUNCTIONS)


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
    while depth + levels <= MAX_LEVELS:
        text, depth = nest.format(text), depth + levels
    parse(text, {"x": 0.0})
    assert "nested too deeply: at most 50 levels are read" in told(nest.format(text), {"x": 0.0})


def test_length_and_depth_are_limited():
    assert parse("x" + " " * (MAX_CHARACTERS - 1), {"x": 1})[0].data == 1
    assert "1001 characters" in told(" " * MAX_CHARACTERS + "x", {"x": 1})
    parse("-" * (MAX_LEVELS - 1) + "x", {"x": 1})
    for text in (
        "-" * MAX_LEVELS + "x",
        "sin(" * MAX_LEVELS + "x" + ")" * MAX_LEVELS,
        "x**" * 60 + "x",
        "(x+" * 60 + "x" + ")" * 60,
    ):
        assert "nested too deeply: at most 50" in told(text, {"x": 1})
    for opening, closing in itertools.product(["(", "[", "{", "-(", "sum(["], [")", ""]):
        assert told(opening * 199 + "x" + closing * 150, {"x": 1})


@pytest.mark.slow
@pytest.mark.parametrize(
    "opening", ["(", "[", "{", "-", "not ", "lambda:", "x if x else ", "x**", "x and ", "f'{", "*"]
)
def test_hostile_nesting_is_an_error_and_no_crash(opening):
    assert told((opening * MAX_CHARACTERS)[:MAX_CHARACTERS], {"x": 1})


def test_values_are_checked():
    assert told("x", {"x": math.nan}) == "the value of x is nan: expected a finite number"
    assert told("x", {"x": -math.inf}) == "the value of x is -inf: expected a finite number"
    assert told("x", {"x": 10**400}).startswith("the value of x is no number: the int 1000")
    assert told("x", {"x": "3"}).startswith("the value of x is no number: expected one real number")
    assert told("x", {"x": 1, "y": 2}) == "the expression has no 'y', though a value for it was given"
    assert told("x", {"z": 2, "x": 1, "y": 2}) == "the expression has no 'z', though a value for it was given"
    assert told("x", {"x y": 1}).startswith("'x y' is no name")
    assert len(told("x", {"x y" * 10_000: 1})) < 200


def test_parts_are_named_one_after_the_other():
    x, w, b, t = 2.0, 0.5, -0.4, 1.0
    L, named = parse("z = w*x + b; y = tanh(z); L = (y - t)**2", {"w": w, "x": x, "b": b, "t": t})
    assert list(named) == ["w", "x", "b", "t", "z", "y", "L"]
    assert named["L"] is L
    assert named["y"].data == math.tanh(w * x + b)
    whole, _ = parse("(tanh(w*x + b) - t)**2", {"w": w, "x": x, "b": b, "t": t})
    assert L.data == whole.data
    L.backward()
    assert named["z"].grad == pytest.approx(2 * (math.tanh(0.6) - 1) * (1 - math.tanh(0.6) ** 2))
    assert {node.label for node in named.values()} == set(named)


@pytest.mark.parametrize("text", ["z = w*x; z*z", "z=w*x;z*z;", " z\t= w*x ;\n z*z ; "])
def test_the_last_part_needs_no_name_and_spaces_mean_nothing(text):
    root, named = parse(text, {"w": 3, "x": 2})
    assert (root.data, root.label, named["z"].data) == (36.0, "", 6.0)


def test_a_part_may_be_a_number_and_have_the_name_of_a_constant_or_a_keyword():
    root, named = parse("t = 5; lambda = w*t; pi = lambda + 1; pi*lambda", {"w": 3})
    assert (named["t"].data, named["pi"].data, root.data) == (5.0, 16.0, 240.0)


def test_a_part_that_nothing_is_made_of_is_refused():
    with pytest.raises(ExpressionError, match="nothing is made of 'z': leave it out, or use it in a later part"):
        parse("z = x*y; w*b", NUMBERS)
