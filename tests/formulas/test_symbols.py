import math
import random
import re

import pytest
from helpers.formulas import balanced, evaluated
from oracles.rows import ROWS, TRUTH, grouped

from autodiff.engine import ops
from autodiff.formulas import expression as symbols
from autodiff.formulas.expression import PI, Applied, Constant, Symbol, formula, rules
from autodiff.formulas.writers import latex_name, latex_number
from autodiff.support.labels import clean, short

CASES = [
    pytest.param(name, domains, parameters, id=f"{name}{list(parameters) or ''}")
    for name, truth in TRUTH.items()
    for domains, parameters in truth.cases
]
each_case = pytest.mark.parametrize(("name", "domains", "parameters"), CASES)


def drawn(name, domains, count):
    """Points near 1, within the domain; for rows that compare, some with equal operands."""
    chance = random.Random(name)
    bounds = [(max(low, -3.0), min(high, 3.0)) for low, high in domains]
    points = [tuple(chance.uniform(*interval) for interval in bounds) for _ in range(count)]
    return [*points, (points[0][0],) * len(domains)] if ROWS[name].piecewise else points


def read(name, point, parameters):
    """The row's symbols, in groups where it takes such, and its parameters."""
    symbols = [Symbol(f"x{i}", x) for i, x in enumerate(point)]
    return (*grouped(name, symbols), *parameters), {symbol.name: symbol.number for symbol in symbols}


@pytest.mark.sampled
@each_case
def test_the_formulas_of_every_row_are_what_the_row_computes(name, domains, parameters):
    row = ROWS[name]
    for point in drawn(name, domains, 12):
        operands, numbers = read(name, point, parameters)
        of_floats = (*grouped(name, point), *parameters)
        out = row(*of_floats)
        assert evaluated(formula(row, *operands).text(), **numbers) == pytest.approx(out, rel=1e-12, abs=1e-14)
        slopes = row.local(out, *of_floats)
        assert [evaluated(rule.text(), **numbers) for rule in rules(row, *operands)] == pytest.approx(
            list(slopes), rel=1e-11, abs=1e-14
        )


@pytest.mark.sampled
@each_case
def test_with_its_numbers_put_in_a_formula_needs_no_names(name, domains, parameters):
    row = ROWS[name]
    for point in drawn(name, domains, 4):
        point = tuple(float(short(x)) for x in point)
        operands, numbers = read(name, point, parameters)
        for expression in (formula(row, *operands), *rules(row, *operands)):
            shown = expression.text(numbers=True)
            assert not re.search(r"x\d", shown)
            assert evaluated(shown) == pytest.approx(evaluated(expression.text(), **numbers), rel=1e-9, abs=1e-14)


@pytest.mark.sampled
@each_case
def test_the_latex_of_every_row_is_well_formed(name, domains, parameters):
    operands, _ = read(name, drawn(name, domains, 1)[0], parameters)
    for expression in (formula(ROWS[name], *operands), *rules(ROWS[name], *operands)):
        for latex in (expression.latex(), expression.latex(numbers=True)):
            assert balanced(latex)


x, y, n = Symbol("x", 3.0), Symbol("y", -2.0), Symbol("n", 2.0)


@pytest.mark.parametrize(
    ("row", "operands", "texts"),
    [
        (ops.TANH, (x,), ["1 - tanh(x)**2"]),
        (ops.SIGMOID, (x,), ["sigmoid(x) * (1 - sigmoid(x))"]),
        (ops.DIV, (x, y), ["1 / y", "-x / y**2"]),
        (ops.POW, (x, y), ["y * x**(y - 1)", "x**y * log(x)"]),
        (ops.POWER, (x, 3.0), ["3 * x**2"]),
        (ops.POWER, (x, 2.0), ["2 * x"]),
        (ops.POWER, (x, 1.0), ["1"]),
        (ops.POWER, (x, 0.0), ["0"]),
        (ops.POWER, (x, -1.0), ["-x**-2"]),
        (ops.SQRT, (x,), ["1 / (2 * sqrt(x))"]),
        (ops.ASIN, (x,), ["1 / sqrt(1 - x**2)"]),
        (ops.ATAN2, (y, x), ["x / (x**2 + y**2)", "-y / (x**2 + y**2)"]),
        (ops.RELU, (x,), ["[x > 0]"]),
        (ops.LEAKY_RELU, (x, 0.01), ["[x > 0] + 0.01 * [x <= 0]"]),
        (ops.ELU, (x, 1.5), ["[x > 0] + 1.5 * [x <= 0] * exp(x)"]),
        (ops.CLIP, (x, -1.0, 2.0), ["[x >= -1] * [x <= 2]"]),
        (ops.ERF, (x,), ["2 / sqrt(pi) * exp(-x**2)"]),
        (ops.MEAN, (x, y, n), ["1 / 3"] * 3),
        (ops.LOGSUMEXP, (x, y), ["exp(x) / (exp(x) + exp(y))", "exp(y) / (exp(x) + exp(y))"]),
    ],
)
def test_rules_read_as_people_write_them(row, operands, texts):
    assert [rule.text() for rule in rules(row, *operands)] == texts


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (x + 0.0, "x"),
        (0.0 + x, "x"),
        (1.0 * x, "x"),
        (x * 1.0, "x"),
        (x * 3.0, "3 * x"),
        (3.0 * PI, "3 * pi"),
        (-(-x), "x"),  # noqa: B002  # twice negative, not decremented
        (x - 0.0, "x"),
        (x / 1.0, "x"),
        (x * 0.0, "0"),
        (x * -1.0, "-x"),
        (-x * -y, "x * y"),
        (x + -y, "x - y"),
        (x - -y, "x + y"),
        (x - (y - n), "x - (y - n)"),
        (x - (y + n), "x - (y + n)"),
        (x + (y - n), "x + y - n"),
        (x * (y + n), "x * (y + n)"),
        (x * (y * n), "x * y * n"),
        ((x + y) / (x * n), "(x + y) / (x * n)"),
        (x / y / n, "x / (y * n)"),
        ((1.0 - x) * (1.0 + x), "1 - x**2"),
        (-(x + y), "-(x + y)"),
        (ops.POWER(x + y, 2.0), "(x + y)**2"),
        (ops.POW(x, y + n), "x**(y + n)"),
        (ops.POW(ops.POW(x, y), n), "(x**y)**n"),
        (ops.EXP(-x), "exp(-x)"),
        (x - 3.0, "x - 3"),
        (x + -3.0, "x - 3"),
        (Constant(2.0) + 3.0, "5"),
        (Constant(2.0) * 3.0, "6"),
        (x / y + n / y, "(x + n) / y"),
        (x / y + y / n, "x / y + y / n"),
        (-(-2.0 * x), "2 * x"),
        (-(-2.0 / x), "2 / x"),
        (x - -2.0 * y, "x + 2 * y"),
        (x + -2.0 * y, "x - 2 * y"),
        (x + -2.0 * y / n, "x - 2 * y / n"),
        (x + -y / n, "x - y / n"),
        (x * -y, "-x * y"),
        (-x * y, "-x * y"),
        (x * x, "x**2"),
        (x * y * y, "x * y**2"),
        (PI * 2.0, "pi * 2"),
        (1.0 / x * y, "y / x"),
        (y * (1.0 / x), "y / x"),
        (0.0 / x, "0"),
        (x / x, "1"),
        (-x / y, "-x / y"),
        (x / y / (n / y), "x / n"),
        (x / y / (n / x), "x / (y * n / x)"),
        (0.5 / x, "1 / (2 * x)"),
        (-0.5 / x, "-1 / (2 * x)"),
        (2.5 / x, "2.5 / x"),
        ((x - y) * (x + y), "x**2 - y**2"),
        ((x - y) * (x + n), "(x - y) * (x + n)"),
        ((y - x) * (n + x), "(y - x) * (n + x)"),
        (ops.POWER(x, 0.0), "1"),
        (ops.POWER(x, 1.0), "x"),
        (ops.POWER(Constant(3.0), 2.0), "9"),
        (ops.POWER(ops.SECH(x), 2.0), "1 - tanh(x)**2"),
        (ops.POWER(ops.SECH(x), 3.0), "sech(x)**3"),
        (ops.POWER(ops.HYPOT(x, y), 2.0), "x**2 + y**2"),
        (ops.POWER(ops.HYPOT(x, y), 3.0), "hypot(x, y)**3"),
        (ops.SIGMOID(-x), "1 - sigmoid(x)"),
        (ops.EXP(x - ops.HOLD(y)), "exp(x) / exp(y)"),
        (ops.EXP(x - y), "exp(x - y)"),
        (ops.MAX(x, y) * ops.MAX(x, y, n), "max(x, y) * max(x, y, n)"),
        (ops.SIN(x) * ops.COS(x), "sin(x) * cos(x)"),
        (Symbol("a", 3.0) * Symbol("b", 3.0), "a * b"),
        (ops.IDENTITY(x) * y, "x * y"),
        # what is true of a quotient, a product or a difference is true of no other operation
        (ops.HYPOT(x, n) + y / n, "hypot(x, n) + y / n"),
        (y / n + ops.HYPOT(x, n), "y / n + hypot(x, n)"),
        (ops.HYPOT(x, y) * y, "hypot(x, y) * y"),
        (ops.HYPOT(1.0, x) * y, "hypot(1, x) * y"),
        (y * ops.HYPOT(1.0, x), "y * hypot(1, x)"),
        (ops.HYPOT(x, y) * (x + y), "hypot(x, y) * (x + y)"),
        ((x - y) * ops.HYPOT(x, y), "(x - y) * hypot(x, y)"),
        (ops.HYPOT(x, y) / n, "hypot(x, y) / n"),
        (x / y / ops.HYPOT(n, y), "x / (y * hypot(n, y))"),
        (ops.EXP(ops.HYPOT(x, ops.HOLD(y))), "exp(hypot(x, y))"),
        (-ops.HYPOT(2.0, x), "-hypot(2, x)"),
        (x + ops.HYPOT(-2.0, y), "x + hypot(-2, y)"),
        (ops.POWER(ops.SIN(x), 2.0), "sin(x)**2"),
        (ops.SIGMOID(ops.SIN(x)), "sigmoid(sin(x))"),
        (ops.HEAVISIDE(ops.SIN(x), 0.0), "[sin(x) > 0]"),
        (x / n + y * n, "x / n + y * n"),
        (x * n + y / n, "x * n + y / n"),
        (x / n / (y * n), "x / (n * y * n)"),
        (x * n / (y / n), "x * n / (y / n)"),
        ((x + y) * y, "(x + y) * y"),
        (x * y * (x + y), "x * y * (x + y)"),
        ((x - y) * (x / y), "(x - y) * x / y"),
        (ops.EXP(x + ops.HOLD(y)), "exp(x + y)"),
        (ops.ABS(x) * y, "abs(x) * y"),
        (ops.ABS(x) / y, "abs(x) / y"),
    ],
)
def test_a_person_would_not_write_more(expression, text):
    assert expression.text() == text


@pytest.mark.parametrize(
    ("row", "operands", "text"),
    [
        (ops.HEAVISIDE, (x, 0.0), "[x > 0]"),
        (ops.HEAVISIDE, (x, 1.0), "[x >= 0]"),
        (ops.HEAVISIDE, (x, 0.5), "[x > 0] + 0.5 * [x == 0]"),
        (ops.HEAVISIDE, (-x, 0.0), "[x < 0]"),
        (ops.HEAVISIDE, (-x, 1.0), "[x <= 0]"),
        (ops.HEAVISIDE, (-x, 0.5), "[x < 0] + 0.5 * [x == 0]"),
        (ops.HEAVISIDE, (abs(x), 0.0), "[x != 0]"),
        (ops.HEAVISIDE, (-abs(x), 1.0), "[x == 0]"),
        (ops.HEAVISIDE, (abs(x), 1.0), "[abs(x) >= 0]"),
        (ops.HEAVISIDE, (-abs(x), 0.0), "[abs(x) < 0]"),
        (ops.HEAVISIDE, (abs(x), 0.5), "[abs(x) > 0] + 0.5 * [abs(x) == 0]"),
        (ops.STEP, (x, y, 0.5), "[x > y] + 0.5 * [x == y]"),
        (ops.STEP, (x, 2.0, 0.0), "[x > 2]"),
        (ops.STEP, (2.0, x, 0.0), "[x < 2]"),
        (ops.STEP, (2.0, x, 1.0), "[x <= 2]"),
        (ops.STEP, (-x, 1.0, 0.0), "[-x > 1]"),
        (ops.STEP, (-x, y, 1.0), "[-x >= y]"),
    ],
)
def test_steps_are_written_in_the_brackets_of_iverson(row, operands, text):
    assert formula(row, *operands).text() == text


@pytest.mark.parametrize(
    ("expression", "text", "latex"),
    [
        (formula(ops.MUL, x, y), "3 * (-2)", r"3 \cdot \left(-2\right)"),
        (formula(ops.MUL, y, x), "-2 * 3", r"-2 \cdot 3"),
        (x + formula(ops.MUL, y, x), "3 + (-2 * 3)", r"3 + \left(-2 \cdot 3\right)"),
        (formula(ops.SUB, x, y), "3 - (-2)", r"3 - \left(-2\right)"),
        (formula(ops.NEG, y), "-(-2)", r"-\left(-2\right)"),
        (formula(ops.POWER, y, 2.0), "(-2)**2", r"\left(-2\right)^{2}"),
        (formula(ops.POW, x, y), "3**-2", "3^{-2}"),
        (formula(ops.DIV, y, y), "-2 / (-2)", r"-\frac{2}{-2}"),
        (formula(ops.ABS, y), "abs(-2)", r"\left|-2\right|"),
        (formula(ops.MUL, Symbol("x", 1e-9), x), "1e-09 * 3", r"1 \cdot 10^{-9} \cdot 3"),
        (formula(ops.POWER, Symbol("x", 1e30), 2.0), "1e+30**2", r"\left(1 \cdot 10^{30}\right)^{2}"),
        (ops.POWER(ops.TANH(x), 2.0), "tanh(3)**2", r"\tanh^{2}\left(3\right)"),
        (ops.POWER(ops.EXP(x), 2.0), "exp(3)**2", r"\left(e^{3}\right)^{2}"),
    ],
)
def test_numbers_that_are_put_in_keep_their_signs_apart(expression, text, latex):
    assert (expression.text(numbers=True), expression.latex(numbers=True)) == (text, latex)


@pytest.mark.slow
def test_a_row_of_very_many_operands_is_written_in_a_line():
    xs = [Symbol(f"x{i}", i) for i in range(3000)]
    for row in (ops.SUM, ops.PROD, ops.MAX, ops.LOGSUMEXP, ops.MEAN):
        for expression in (formula(row, *xs), rules(row, *xs, out=Symbol("m"))[1500]):
            assert len(expression.text()) < 150
            assert len(expression.latex()) < 300


def test_deep_expressions_are_built_without_comparing_them_for_ever():
    one, other = x, x
    for _ in range(200):
        one, other = Applied("sin", one), Applied("sin", other)
    assert (one * other).operands == (one, other)
    assert (one * one).sign == "**"
    assert isinstance(one * 0.0, Constant)
    signs = []
    one, other = x, x
    for _ in range(21):
        one, other = Applied("sin", one), Applied("sin", other)
        signs.append((one * other).sign)
    assert signs == ["**"] * 20 + ["*"]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1 / 3, "1 / 3"),
        (-1 / 3, "-1 / 3"),
        (1 / 3000, "1 / 3000"),
        (1 / 3e9, repr(1 / 3e9)),
        (0.125, "0.125"),
        (0.33333333, "0.33333333"),
        (2 / 3, repr(2 / 3)),
        (math.sqrt(0.5), "1 / sqrt(2)"),
        (math.pi, "pi"),
        (-math.e, "-e"),
        (1 / math.log(2), "1 / log(2)"),
        (1 / math.log(10), "1 / log(10)"),
        (-math.sqrt(0.5), "-1 / sqrt(2)"),
        (2 / math.sqrt(math.pi), "2 / sqrt(pi)"),
        (math.sqrt(0.5 / math.pi), "1 / sqrt(2 * pi)"),
        (0, "0"),
        (-0.0, "0"),
        (1e-300, "1e-300"),
    ],
)
def test_numbers_of_the_rules_are_written_as_people_know_them(number, text):
    assert symbols.expression(number).text() == text


def test_a_dot_is_written_as_weights_times_inputs_and_the_bias():
    w, v, b = Symbol("w"), Symbol("v"), Symbol("b")
    assert formula(ops.DOT, (w, v), (x, y), b).text() == "w * x + v * y + b"
    assert [rule.text() for rule in rules(ops.DOT, (w, v), (x, y), b)] == ["x", "y", "w", "v", "1"]


def test_what_is_made_of_no_operands_is_a_number():
    assert [formula(row).text() for row in (ops.SUM, ops.PROD)] == ["0", "1"]
    assert formula(ops.DOT, (), ()).text() == "0"


def test_an_expression_is_told_by_its_kind_and_a_symbol_has_the_latex_it_is_given():
    assert repr(x + 1.0) == "<Applied x + 1>"
    assert (Symbol("x", latex=r"\hat{x}") * 2.0).latex() == r"2 \cdot \hat{x}"


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("w", "w"),
        ("w12", "w_{12}"),
        ("theta0", r"\theta_{0}"),
        ("loss", r"\mathrm{loss}"),
        ("-2.5e-07", r"-2.5 \cdot 10^{-7}"),
        ("_", r"\mathrm{\_}"),
        ("</script>", r"\mathrm{\lt /script\gt }"),
        ("\\input{x}", r"\mathrm{\backslash input\{x\}}"),
        ("}}$$", r"\mathrm{\}\}\$\$}"),
        ("a\nb\x00", r"\mathrm{a\ b\ }"),
        ("été", r"\mathrm{été}"),
    ],
)
def test_a_name_shows_as_itself_in_latex(name, latex):
    assert latex_name(name) == latex


def test_a_symbol_that_is_called_pi_is_no_constant():
    tau = Symbol("pi", 3.0) * Symbol("x", 2.0)
    assert (tau.text(), tau.text(numbers=True), tau.latex()) == ("pi * x", "3 * 2", r"\pi \cdot x")


def test_numbers_are_short():
    assert [short(number) for number in (0.1 + 0.2, -0.0, 1e22, 1 / 3, float("nan"))] == [
        "0.3", "0", "1e+22", "0.333333", "nan",
    ]  # fmt: skip
    assert [latex_number(text) for text in ("-inf", "nan", "2e-05")] == [
        r"-\infty", r"\mathrm{nan}", r"2 \cdot 10^{-5}",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "text", "latex"),
    [
        (formula(ops.POWER, ops.TANH(x), -1.0), "tanh(x)**-1", r"\tanh\left(x\right)^{-1}"),
        (formula(ops.POW, ops.TANH(x), n), "tanh(x)**n", r"\tanh\left(x\right)^{n}"),
        (formula(ops.POWER, ops.TANH(x), 2.0), "tanh(x)**2", r"\tanh^{2}\left(x\right)"),
        (formula(ops.POWER, ops.SQRT(x), 2.0), "sqrt(x)**2", r"\sqrt{x}^{2}"),
        (formula(ops.POWER, x / y, 2.0), "(x / y)**2", r"\left(\frac{x}{y}\right)^{2}"),
        (formula(ops.POW, x + y, -n), "(x + y)**(-n)", r"\left(x + y\right)^{-n}"),
        (formula(ops.LEAKY_RELU, x, 0.01), "leaky_relu(x, 0.01)", r"\operatorname{leaky\_relu}\left(x, 0.01\right)"),
        (formula(ops.ABS, x), "abs(x)", r"\left|x\right|"),
        (formula(ops.HOLD, x), "x", "x"),
        (formula(ops.EXP, -x), "exp(-x)", "e^{-x}"),
        (formula(ops.ASIN, x), "asin(x)", r"\arcsin\left(x\right)"),
        (Applied("asinh", x), "asinh(x)", r"\operatorname{arsinh}\left(x\right)"),
        (Applied("acosh", x), "acosh(x)", r"\operatorname{arcosh}\left(x\right)"),
        (Applied("atanh", x), "atanh(x)", r"\operatorname{artanh}\left(x\right)"),
        (Applied("min", x, y), "min(x, y)", r"\min\left(x, y\right)"),
        (Applied("log2", x), "log2(x)", r"\log_{2}\left(x\right)"),
        (Applied("log10", x) ** 2, "log10(x)**2", r"\log_{10}^{2}\left(x\right)"),
        (
            Applied("where", n, x, y + n) * 2.0,
            "2 * where(n, x, y + n)",
            r"2 \cdot \left(\begin{cases} x & \text{where } n \ne 0 \\ y + n & \text{else} \end{cases}\right)",
        ),
        (formula(ops.HEAVISIDE, abs(x), 0.0), "[x != 0]", r"\left[x \ne 0\right]"),
        (Applied("detach", x) * y, "detach(x) * y", r"\operatorname{detach}\left(x\right) \cdot y"),
        (Applied("cbrt", x) ** 2, "cbrt(x)**2", r"\sqrt[3]{x}^{2}"),
        (1.0 / Applied("cbrt", x), "1 / cbrt(x)", r"\frac{1}{\sqrt[3]{x}}"),
        (formula(ops.SIGMOID, x), "sigmoid(x)", r"\sigma\left(x\right)"),
        (formula(ops.SIGN, x), "sign(x)", r"\operatorname{sgn}\left(x\right)"),
        (formula(ops.DIV, -x, y), "-x / y", r"-\frac{x}{y}"),
        (formula(ops.NEG, formula(ops.DIV, -x, y)), "-(-x / y)", r"-\left(-\frac{x}{y}\right)"),
        (formula(ops.POW, x, formula(ops.MUL, y, n)), "x**(y * n)", r"x^{y \cdot n}"),
        (formula(ops.DIV, x - y, n), "(x - y) / n", r"\frac{x - y}{n}"),
        (formula(ops.DIV, x, formula(ops.DIV, y, n)), "x / (y / n)", r"\frac{x}{\frac{y}{n}}"),
        (formula(ops.SUB, x, -y), "x - (-y)", r"x - \left(-y\right)"),
        (formula(ops.MUL, x, -y), "x * (-y)", r"x \cdot \left(-y\right)"),
        (formula(ops.SUB, x, formula(ops.ADD, y, n)), "x - (y + n)", r"x - \left(y + n\right)"),
        (formula(ops.ADD, x, formula(ops.SUB, y, n)), "x + y - n", "x + y - n"),
        (
            rules(ops.LEAKY_RELU, x, 0.01)[0],
            "[x > 0] + 0.01 * [x <= 0]",
            r"\left[x \gt 0\right] + 0.01 \cdot \left[x \le 0\right]",
        ),
        (
            rules(ops.MAXIMUM, x, y)[0],
            "[x > y] + 0.5 * [x == y]",
            r"\left[x \gt y\right] + 0.5 \cdot \left[x = y\right]",
        ),
    ],
)
def test_a_formula_as_text_and_as_latex(expression, text, latex):
    assert (expression.text(), expression.latex()) == (text, latex)


@pytest.mark.parametrize("row", [ops.SUM, ops.PROD, ops.MAX])
def test_of_more_than_six_operands_the_first_three_and_the_last_are_written(row):
    six, seven = [formula(row, *[Symbol(f"x{i}", i) for i in range(n)]) for n in (6, 7)]
    assert re.findall(r"x\d|\.\.\.", six.text()) == ["x0", "x1", "x2", "x3", "x4", "x5"]
    assert re.findall(r"x\d|\.\.\.", seven.text()) == ["x0", "x1", "x2", "...", "x6"]
    assert re.findall(r"x_{\d}|\\dots", seven.latex()) == ["x_{0}", "x_{1}", "x_{2}", r"\dots", "x_{6}"]
    assert re.findall(r"\d|\.\.\.", seven.text(numbers=True)) == ["0", "1", "2", "...", "6"]


def test_a_long_label_keeps_its_beginning_and_its_end():
    assert clean("abcdefghijk", 11) == "abcdefghijk"
    assert clean("abcdefghijkl", 11) == "abcde…hijkl"
    assert clean("a" * 99_999 + "z") == "a" * 20 + "…" + "a" * 18 + "z"
    assert clean("start" + "x" * 1_000_000 + "end", 11) == "start…xxend"


# Rules that people write themselves


@pytest.mark.parametrize(
    ("rule", "text", "latex"),
    [
        (lambda out, x: (3 * x**2,), "3 * x**2", r"3 \cdot x^{2}"),
        (lambda out, x: (0.5 * x**-0.5,), "0.5 * x**-0.5", r"0.5 \cdot x^{-0.5}"),
        (lambda out, x: (x ** (x - 1),), "x**(x - 1)", "x^{x - 1}"),
        (lambda out, x: (ops.LOG(2) * 2**x,), "0.6931471805599453 * 2**x", r"0.6931471805599453 \cdot 2^{x}"),
        (lambda out, x: (+x / +x,), "1", "1"),
        (lambda out, x: (abs(x) + math.pi,), "abs(x) + pi", r"\left|x\right| + \pi"),
        (lambda out, x: (math.e**x,), "e**x", "e^{x}"),
        (lambda out, x: (2 * out,), "2 * own(x)", r"2 \cdot \operatorname{own}\left(x\right)"),
    ],
    ids=["3x^2", "root", "x^(x-1)", "2^x", "plus", "abs", "e^x", "output"],
)
def test_a_rule_of_ones_own_is_read_with_pythons_operators(rule, text, latex):
    op = ops.Op("own", lambda x: x, rule, "own({x})")
    (read,) = rules(op, x)
    assert (read.text(), read.latex()) == (text, latex)
    (slope,) = op.local(3.0, 3.0)
    assert evaluated(text.replace("own(x)", "x"), x=3.0) == pytest.approx(slope, rel=1e-15)


@pytest.mark.parametrize(
    ("question", "cure"),
    [
        (lambda x: x == 0, "x == ... has no answer"),
        (lambda x: x != 0, "x != ... has no answer"),
        (lambda x: x < 0, "x < ... has no answer"),
        (lambda x: x <= 0, "x <= ... has no answer"),
        (lambda x: max(x, 0.0), "x < ... has no answer|x > ... has no answer"),
        (lambda x: x >= 0, "autodiff.heaviside"),
        (lambda x: 1.0 if x else 0.0, "whether x is true has no answer"),
        (lambda x: x and 1.0, "autodiff.maximum"),
        (lambda x: x in (1.0, 2.0), "has no answer"),
        (float, r"float\(x\) has no answer"),
        (int, r"int\(x\) has no answer"),
        (complex, r"complex\(x\) has no answer"),
        (math.cos, "autodiff.cos"),
        (math.floor, "no slope"),
        (math.ceil, "no slope"),
        (math.trunc, "no slope"),
        (round, "no slope"),
        (lambda x: x % 2, "no slope"),
        (lambda x: 2 % x, "no slope"),
        (lambda x: x // 2, "no slope"),
        (lambda x: 2 // x, "no slope"),
    ],
    ids=[
        *[
            "==",
            "!=",
            "<",
            "reflected",
            "max",
            ">=",
            "if",
            "and",
            "in",
            "float",
            "int",
            "complex",
            "cos",
            "floor",
            "ceil",
        ],
        *["trunc", "round", "%", "reflected %", "//", "reflected //"],
    ],
)
def test_a_symbol_answers_no_question_about_its_number(question, cure):
    with pytest.raises(TypeError, match=cure) as error:
        question(x)
    assert "where a rule is read with symbols" in str(error.value)
    assert "autodiff" in str(error.value) or "write the rule without it" in str(error.value)


def test_symbols_are_told_apart_in_sets_and_lists():
    twin = Symbol("x", 3.0)
    assert len({x, twin, x}) == 2
    assert x in (x, y)


@pytest.mark.parametrize("name", ["a}b", "$$", "\\input", "a b", "50%", "f_1"])
def test_the_name_of_an_operation_of_ones_own_is_no_latex(name):
    latex = formula(ops.Op(name, lambda x: x, lambda out, x: (1.0,), "own({x})"), x).latex()
    assert balanced(latex)
    assert latex.startswith(r"\operatorname{")
    assert not re.search(r"(?<!\\)[$%]|\\input", latex)


def test_an_operation_of_ones_own_is_not_taken_for_the_one_whose_name_it_has():
    own = ops.Op("sum", lambda x, y: x, lambda out, x, y: (1.0, 0.0), "sum({x}, {y})")
    assert formula(own, x, y).text() == "sum(x, y)"
    assert formula(ops.Op("step", lambda x: x, lambda out, x: (1.0,), "step({x})"), x).text() == "step(x)"


@pytest.mark.parametrize("name", ["exp", "sqrt", "abs", "sigmoid", "hypot", "+", "-", "**", "/", "neg", "sech"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_an_operation_of_ones_own_keeps_all_its_operands_whatever_it_is_called(name, count):
    xs = [x, y, n][:count]
    rule = {1: lambda out, x: (1.0,), 2: lambda out, x, y: (1.0, 1.0), 3: lambda out, x, y, z: (1.0, 1.0, 1.0)}[count]
    own = ops.Op(name, lambda *xs: 1.0, rule, "own")
    for expression in (formula(own, *xs), own(*xs), own(*xs) ** 2.0, -own(*xs)):
        for text in (expression.text(), expression.latex()):
            assert set(re.findall(r"\b[xyn]\b", text)) == {symbol.name for symbol in xs}
