"""Each rule by which a formula is made shorter: what it does, that it is needed, and that the number stays."""

import math
import random

import pytest
from helpers.formulas import PYTHON, number

from autodiff.engine import ops
from autodiff.formulas import simplify
from autodiff.formulas.expression import PI, Applied, Constant, Symbol, formula

x, y, z = Symbol("x", 1.75), Symbol("y", -0.625), Symbol("z", 2.5)
raw = Applied
bracket = Applied("<=", y, Constant(0.0))

# By rule: an operation as it stands, and as the rules write it.
EXAMPLES = {
    "negative_of_a_number": (raw("neg", Constant(2.0)), "-2"),
    "negative_of_a_negative": (raw("neg", raw("neg", x)), "x"),
    "negative_of_a_product": (raw("neg", raw("/", raw("*", Constant(-2.0), x), y)), "2 * x / y"),
    "sum_of_numbers": (raw("+", Constant(2.0), Constant(3.0)), "5"),
    "nothing_added": (raw("+", x, Constant(0.0)), "x"),
    "sum_over_one_divisor": (raw("+", raw("/", x, z), raw("/", y, z)), "(x + y) / z"),
    "sum_with_a_sum": (raw("+", x, raw("+", y, x)), "x + y + x"),
    "sum_with_a_negative": (raw("+", x, raw("neg", y)), "x - y"),
    "difference_as_a_sum": (raw("-", x, raw("neg", y)), "x + y"),
    "number_in_front": (raw("*", x, Constant(3.0)), "3 * x"),
    "product_of_numbers": (raw("*", Constant(2.0), Constant(3.0)), "6"),
    "zero_times": (raw("*", Constant(0.0), x), "0"),
    "one_times": (raw("*", Constant(1.0), x), "x"),
    "minus_one_times": (raw("*", Constant(-1.0), x), "-x"),
    "signs_in_front": (raw("*", x, raw("neg", y)), "-x * y"),
    "product_with_itself": (raw("*", x, x), "x**2"),
    "product_with_a_reciprocal": (raw("*", raw("/", Constant(1.0), z), y), "y / z"),
    "bracket_said_once": (
        raw("*", raw("*", x, bracket), raw("exp", raw("*", y, bracket))),
        "x * [y <= 0] * exp(y)",
    ),
    "last_factor_again": (raw("*", raw("*", x, y), y), "x * y**2"),
    "difference_times_sum": (raw("*", raw("-", x, y), raw("+", x, y)), "x**2 - y**2"),
    "nothing_divided": (raw("/", Constant(0.0), x), "0"),
    "over_one": (raw("/", x, Constant(1.0)), "x"),
    "over_itself": (raw("/", x, x), "1"),
    "minus_above": (raw("/", raw("neg", x), y), "-x / y"),
    "quotient_of_one_divisor": (raw("/", raw("/", x, z), raw("/", y, z)), "x / y"),
    "quotient_above": (raw("/", raw("/", x, y), z), "x / (y * z)"),
    "over_hypot_of_one": (raw("/", x, raw("hypot", Constant(1.0), y)), "x / sqrt(1 + y**2)"),
    "part_of_one_above": (raw("/", Constant(-0.5), x), "-1 / (2 * x)"),
    "power_0": (raw("**", x, Constant(0.0)), "1"),
    "power_1": (raw("**", x, Constant(1.0)), "x"),
    "square_of_a_number": (raw("**", Constant(3.0), Constant(2.0)), "9"),
    "square_of_sech": (raw("**", raw("sech", x), Constant(2.0)), "1 - tanh(x)**2"),
    "square_of_hypot": (raw("**", raw("hypot", x, y), Constant(2.0)), "x**2 + y**2"),
    "exp_of_what_softmax_shifts": (raw("exp", raw("-", x, raw("hold", y))), "exp(x) / exp(y)"),
    "sigmoid_of_a_negative": (raw("sigmoid", raw("neg", x)), "1 - sigmoid(x)"),
}
NAMES = [rule.__name__ for rules in simplify.RULES.values() for rule in rules]


def written(expression):
    """The operation as the rules of its sign write it."""
    answer = simplify.simplified(expression.sign, expression.operands)
    return expression if answer is None else Constant(answer) if isinstance(answer, float) else answer


def test_each_rule_has_its_example():
    assert sorted(EXAMPLES) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_writes_less_and_the_same_number(name):
    before, text = EXAMPLES[name]
    assert written(before).text() == text
    assert number(written(before)) == pytest.approx(number(before), rel=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_without_a_rule_its_example_is_another_formula(name, monkeypatch):
    before, _ = EXAMPLES[name]
    after = shape(written(before))
    rules = tuple([rule for rule in simplify.RULES[before.sign] if rule.__name__ != name])
    monkeypatch.setitem(simplify.RULES, before.sign, rules)
    assert shape(written(before)) != after


def shape(tree):
    return (tree.sign, *map(shape, tree.operands)) if tree.sign else tree.name or tree.number


@pytest.mark.parametrize("rule", [rule for rules in simplify.RULES.values() for rule in rules], ids=NAMES)
def test_a_rule_says_nothing_where_it_has_nothing_to_say(rule):
    sign = next(sign for sign, rules in simplify.RULES.items() if rule in rules)
    plain = (x,) if sign in ("neg", "exp", "sigmoid") else (ops.SIN(x), ops.COS(y))
    assert (rule(*plain) is None) == (sign != "-")


def grown(chance, depth):
    """A random formula as it stands, of numbers that no rule may lose."""
    if depth == 0 or chance.random() < 0.15:
        return chance.choice([x, y, z, PI, *[Constant(c) for c in (0.0, 1.0, -1.0, 2.0, -3.0, 0.5, -0.25, 1.25)]])
    sign = chance.choice(["neg", "+", "-", "*", "*", "/", "/", "square", "exp", "sigmoid", "sech", "hypot", "hold"])
    if sign == "square":
        return raw("**", grown(chance, depth - 1), Constant(chance.choice([0.0, 1.0, 2.0, 3.0])))
    many = 2 if sign in ("+", "-", "*", "/", "hypot") else 1
    operands = [grown(chance, depth - 1) for _ in range(many)]
    if many == 2 and chance.random() < 0.3:
        operands[1] = operands[0]
    return raw(sign, *operands)


def rebuilt(tree):
    """The same formula, each of its operations simplified."""
    if not tree.sign:
        return tree
    operands = [rebuilt(operand) for operand in tree.operands]
    python = {"+", "-", "*", "/", "**", "neg"}
    if tree.sign in python:
        return PYTHON[tree.sign](*operands)
    return getattr(ops, tree.sign.upper())(*operands)


@pytest.mark.sampled
@pytest.mark.parametrize("seed", range(40))
def test_whatever_the_rules_do_the_number_stays(seed):
    chance = random.Random(seed)
    checked = 0
    for _ in range(200):
        tree = grown(chance, 4)
        try:
            expected = number(tree)
        except (ZeroDivisionError, OverflowError):
            continue  # it has no value: nothing to keep
        terms = rebuilt(tree)
        try:
            found = number(terms)
        except ZeroDivisionError:
            continue  # a divisor that cancels to 0 but for its rounding
        size = max(1.0, *map(abs, sizes(tree)), *map(abs, sizes(terms)))
        if size < 1e3:  # numbers on the way, by which rounding is measured
            assert found == pytest.approx(expected, rel=1e-9, abs=1e-13 * size**2)
            checked += 1
    assert checked > 50


def sizes(tree):
    """The numbers of all operations in the formula."""
    try:
        yield number(tree)
    except (ZeroDivisionError, OverflowError):
        yield math.inf
    for operand in tree.operands:
        yield from sizes(operand)


def test_formula_simplifies_nothing_and_the_operators_do():
    assert formula(ops.MUL, x, Constant(1.0)).text() == "x * 1"
    assert (x * 1.0).text() == "x"
