"""What is written means what was meant: random formulas are written down, read back by others, and worth the same."""

import math
import random
import re

import pytest
from helpers.formulas import number

from autodiff.formulas.expression import Applied, Constant, Symbol
from autodiff.formulas.parse import parse

NUMBERS = {"x": 1.75, "y": -0.625, "z": 2.5}
LEAVES = [Symbol(name, number) for name, number in NUMBERS.items()]
LEAVES += [Constant(c) for c in (2.0, -3.0, 0.5, 1e-7, -2.5e8)]


def grown(chance, depth):
    """A random formula, exactly as it stands."""
    if depth == 0 or chance.random() < 0.1:
        return chance.choice(LEAVES)
    sign = chance.choice([*"++--***///", "neg", "neg", "**", "**", "exp", "tanh", "abs", "hypot", "sin"])
    if sign == "**":
        if chance.random() < 0.5:
            return Applied(sign, Constant(2.0), grown(chance, depth - 1))
        return Applied(sign, grown(chance, depth - 1), Constant(chance.choice([2.0, -1.0, 3.0])))
    many = 2 if sign in ("+", "-", "*", "/", "hypot") else 1
    return Applied(sign, *[grown(chance, depth - 1) for _ in range(many)])


def formulas(seed, count):
    """Random formulas that have a value, with it."""
    chance = random.Random(seed)
    while count:
        tree = grown(chance, chance.choice([2, 3, 4]))
        try:
            value = number(tree)
        except (ZeroDivisionError, OverflowError):
            continue
        if 1e-12 < abs(value) < 1e12:
            count -= 1
            yield tree, value


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_a_formula_that_is_written_as_text_is_worth_the_same_when_it_is_read(seed):
    for tree, value in formulas(seed, 100):
        text = tree.text()
        used = {name: n for name, n in NUMBERS.items() if re.search(rf"\b{name}\b", text)}
        assert parse(text, used)[0].data == pytest.approx(value, rel=1e-9), text
        assert parse(tree.text(numbers=True), {})[0].data == pytest.approx(value, rel=1e-9), text


GROUP = r"\{([^{}]*)\}"  # braces with none inside


def python_of(latex):
    """What LaTeX says, for Python, from the inside out."""
    text = latex.replace(r"\cdot", "*").replace(r"\left|", "abs(").replace(r"\right|", ")")
    text = text.replace(r"\left(", "(").replace(r"\right)", ")")
    text = re.sub(r"\\operatorname\{(\w+)\}", r"\1", text)
    text = re.sub(r"\\(tanh|sin)\^\{(-?\d+)\}", r"power_\1_\2", text)  # tanh^2(x), which is no power of a function
    text = re.sub(r"\\(tanh|sin)", r"\1", text)
    text = re.sub(r"\be\^\{", "EXP{", text)
    while "{" in text:
        before = text
        text = re.sub(rf"\\frac{GROUP}{GROUP}", r"((\1)/(\2))", text)
        text = re.sub(rf"EXP{GROUP}", r"(e_of(\1))", text)
        text = re.sub(rf"\^{GROUP}", r"**(\1)", text)
        assert text != before, latex
    return text


def powers(text):
    """The squares of functions that LaTeX writes before their operands."""
    names = set(re.findall(r"power_(\w+?)_(\d+)", text))
    return {f"power_{f}_{n}": lambda x, f=f, n=n: getattr(math, f)(x) ** int(n) for f, n in names}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 20))
def test_a_formula_that_is_written_as_latex_is_worth_the_same_when_it_is_read(seed):
    for tree, value in formulas(seed, 100):
        for latex, names in ((tree.latex(), NUMBERS), (tree.latex(numbers=True), {})):
            python = python_of(latex)
            known = {"tanh": math.tanh, "sin": math.sin, "hypot": math.hypot, "e_of": math.exp, "abs": abs}
            assert eval(python, known | powers(python), names) == pytest.approx(value, rel=1e-9), latex
