"""How people write formulas: signs, brackets only where they are needed, names and numbers of a sensible length.

It knows an expression by its `sign` and `operands`, or else its `name` and `number`, and nothing of calculus.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from autodiff.support.labels import DIGITS, short

PARTIAL = "∂"  # of a derivative along one way alone
SUM, NEGATIVE, PRODUCT, POWER, ATOM = range(5)  # how tightly the outermost sign of a text binds
RELATIONS = {"<": r"\lt", "<=": r"\le", ">": r"\gt", ">=": r"\ge", "==": "=", "!=": r"\ne"}
MAX_TERMS = 6  # of a longer sum, product or list the first ones and the last are written
GREEK = "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|phi|chi|psi|omega"
IN_LATEX = {"\\": r"\backslash ", "~": r"\sim ", "^": r"\wedge ", "<": r"\lt ", ">": r"\gt ", " ": r"\ "}
IN_LATEX |= {sign: f"\\{sign}" for sign in "#$%&_{}"}
FUNCTIONS = {name: f"\\{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "log", "max", "min")}
FUNCTIONS |= {name: rf"\arc{name[1:]}" for name in ("asin", "acos", "atan")}
FUNCTIONS |= {name: rf"\operatorname{{ar{name[1:]}}}" for name in ("asinh", "acosh", "atanh")}
FUNCTIONS |= {"log2": r"\log_{2}", "log10": r"\log_{10}"}
FUNCTIONS |= {"sigmoid": r"\sigma", "sign": r"\operatorname{sgn}"}
ROOTS = {"sqrt": r"\sqrt", "cbrt": r"\sqrt[3]"}

Part = tuple[str, int]  # a text and how tightly it binds


def latex_number(text: str) -> str:
    r"""Return a number that is written as text as LaTeX.

    >>> print(latex_number("-1.5e-09"), latex_number("inf"))
    -1.5 \cdot 10^{-9} \infty
    """
    text = text.lower()
    if text.endswith(("inf", "nan")):
        return text.replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")
    mantissa, e, exponent = text.partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if e else text.replace("%", r"\%").replace(",", "{,}")


def latex_name(name: str) -> str:
    r"""Return a name as LaTeX: one letter is slanted, digits after it are lowered, a word stands upright.

    Of a place in a network the layer is raised, the rest lowered. Whatever else it contains shows as itself.

    >>> print(latex_name("w"), latex_name("w1"), latex_name("alpha_2"), latex_name("loss"), latex_name("50%"))
    w w_{1} \alpha_{2} \mathrm{loss} \mathrm{50\%}
    >>> print(latex_name("w#2"), latex_name("w[1][2,0]"), latex_name("x[3]"))
    {w\#2} {w^{(1)}_{2,0}} x_{3}
    """
    if re.fullmatch(r"-?([0-9.]+(e[+-][0-9]+)?|inf)|nan", name):
        return latex_number(name)
    shared = re.fullmatch("(.+)#([0-9]+)", name)
    if shared:  # the second node of that name
        return rf"{{{latex_name(shared[1])}\#{shared[2]}}}"
    match = re.fullmatch(rf"([A-Za-z]|{GREEK})(?:_?([0-9]+))?", name)
    if match:
        letter, index = match.groups()
        return (letter if len(letter) == 1 else f"\\{letter}") + (f"_{{{index}}}" if index else "")
    place = re.fullmatch(r"(.*\.)?([A-Za-z])(?:\[([0-9]+)\])?\[([0-9,]+)\]", name)
    if place:
        around, letter, layer, index = place.groups()
        before = rf"\mathrm{{{_shown(around)}}}" if around else ""
        return before + (f"{{{letter}^{{({layer})}}_{{{index}}}}}" if layer else f"{letter}_{{{index}}}")
    return rf"\mathrm{{{_shown(name)}}}"


def _shown(name: str) -> str:
    printable = [character if character.isprintable() else " " for character in name]
    return "".join([IN_LATEX.get(character, character) for character in printable])


class Text:
    """Writes expressions as text, in Python's signs; [x > 0] is 1 where x > 0, else 0.

    Args:
        numbers: whether to write the numbers that the symbols stand for in place of their names.
        spec: the format of these numbers.
    """

    times, dots = " * ", "..."

    def __init__(self, numbers: bool = False, spec: str = DIGITS) -> None:
        self.numbers, self.spec = numbers, spec

    def write(self, x: Any) -> str:
        """Return the expression as text."""
        return self.part(x)[0]

    def part(self, x: Any) -> Part:
        """Return the expression as text, and how tightly it binds."""
        if x.name:
            if self.numbers and not x.fixed:  # pi stays
                return self.number(short(x.number, self.spec).strip())
            name = self.symbol(x)
            return name, NEGATIVE if name.startswith("-") else ATOM  # of a leaf without a name, its number
        if not x.sign:
            return self.number(repr(x.number + 0.0).removesuffix(".0"))
        if x.sign in ("+", "-"):
            signs, terms = map(_some, _terms(x, "+", "-"))
            texts = [f" {'-' if sign == '-' else '+'} {self.further(y)}" for sign, y in zip(signs, terms, strict=True)]
            return self.within(terms[0], SUM) + "".join(texts[1:]), SUM
        if x.sign == "neg":
            return "-" + self.further(x.operands[0]), NEGATIVE
        if x.sign == "*":
            first, *others = _some(_terms(x, "*")[1])
            return self.times.join([self.within(first, NEGATIVE), *map(self.further, others)]), PRODUCT
        if x.sign == "/":
            return self.quotient(*x.operands)
        if x.sign == "**":
            return self.power(*x.operands)
        if x.sign in RELATIONS:
            return self.relation(x.sign, *map(self.write, x.operands)), ATOM
        return self.call(x.sign, [self.write(y) for y in _some(x.operands)]), ATOM

    def further(self, x: Any) -> str:
        """Return the expression as what stands behind a sign, which begins with no minus."""
        text = self.within(x, PRODUCT)
        return self.brackets(text) if text.startswith("-") else text

    def within(self, x: Any, needed: int) -> str:
        """Return the expression as text, in brackets unless it binds as tightly as needed."""
        text, tightness = self.part(x)
        return text if tightness >= needed else self.brackets(text)

    def number(self, text: str) -> Part:
        """Return a number, which is written as text already."""
        return text, NEGATIVE if text.startswith("-") else ATOM

    def symbol(self, x: Any) -> str:
        """Return the name of a symbol."""
        return str(x.name)

    def quotient(self, x: Any, y: Any) -> Part:
        """Return x / y."""
        return f"{self.within(x, NEGATIVE)} / {self.within(y, POWER)}", PRODUCT

    def power(self, x: Any, y: Any) -> Part:
        """Return x**y."""
        exponent, tightness = self.part(y)
        bare = tightness >= POWER or not y.sign
        return f"{self.within(x, ATOM)}**{exponent if bare else self.brackets(exponent)}", POWER

    def relation(self, sign: str, x: str, y: str) -> str:
        """Return 1 where the relation holds, else 0, as an Iverson bracket."""
        return f"[{x} {sign} {y}]"

    def call(self, name: str, operands: list[str]) -> str:
        """Return a function of its operands; what is held constant is written as itself."""
        return operands[0] if name == "hold" else f"{name}({', '.join(operands)})"

    def brackets(self, text: str) -> str:
        """Return the text in brackets."""
        return f"({text})"


class Latex(Text):
    r"""Writes expressions as LaTeX: fractions, raised exponents, \tanh, \sqrt, |x|, e^x."""

    times, dots = r" \cdot ", r"\dots"

    def part(self, x: Any) -> Part:  # noqa: D102  # as in `Text`, and so below
        text, tightness = super().part(x)
        return text, SUM if x.sign == "where" else tightness  # the brace of its cases does not say where they end

    def number(self, text: str) -> Part:  # noqa: D102
        written = latex_number(text)
        return written, NEGATIVE if text.startswith("-") else PRODUCT if "cdot" in written else ATOM

    def symbol(self, x: Any) -> str:  # noqa: D102
        return str(x.name_in_latex)

    def quotient(self, x: Any, y: Any) -> Part:  # noqa: D102
        above, below = self.write(x), self.write(y)
        minus = "-" if above.startswith("-") and self.part(x)[1] == NEGATIVE else ""
        return rf"{minus}\frac{{{above.removeprefix(minus)}}}{{{below}}}", NEGATIVE if minus else PRODUCT

    def power(self, x: Any, y: Any) -> Part:  # noqa: D102
        exponent = f"^{{{self.write(y)}}}"
        name = FUNCTIONS.get(x.sign)
        if name and not y.sign and not y.name and y.number > 0:
            return f"{name}{exponent}{self.brackets(self.write(x.operands[0]))}", ATOM  # tanh^2(x)
        base = self.write(x) if x.sign != "exp" else self.brackets(self.write(x))
        return (base if self.part(x)[1] == ATOM else self.brackets(base)) + exponent, POWER

    def relation(self, sign: str, x: str, y: str) -> str:  # noqa: D102
        return rf"\left[{x} {RELATIONS[sign]} {y}\right]"

    def call(self, name: str, operands: list[str]) -> str:  # noqa: D102
        first = operands[0]
        if name == "abs":
            return rf"\left|{first}\right|"
        if name in ROOTS:
            return rf"{ROOTS[name]}{{{first}}}"
        if name == "hold":
            return first
        if name == "where":
            _, x, y = operands
            return rf"\begin{{cases}} {x} & \text{{where }} {first} \ne 0 \\ {y} & \text{{else}} \end{{cases}}"
        if name == "exp":
            return f"e^{{{first}}}"
        function = FUNCTIONS.get(name, latex_operator(name))
        return function + self.brackets(", ".join(operands))

    def brackets(self, text: str) -> str:  # noqa: D102
        return rf"\left({text}\right)"


def latex_operator(name: str) -> str:
    """Return the name of a function as LaTeX, upright; whatever it contains shows as itself."""
    return rf"\operatorname{{{_shown(name)}}}"


class _Dots:
    """Stands for the operands that are not written."""

    sign, name, name_in_latex, fixed = "", "...", r"\dots", True


def _some(xs: Sequence[Any]) -> list[Any]:
    """Return the first ones of many and the last, with dots between them."""
    return list(xs) if len(xs) <= MAX_TERMS else [*xs[: MAX_TERMS - 3], _Dots, xs[-1]]


def _terms(x: Any, *signs: str) -> tuple[list[str], list[Any]]:
    """Return the operands of a sum or product, nested as it may be, and the sign before each; without recursion."""
    between, operands, waiting = [], [], [("", x)]
    while waiting:
        sign, x = waiting.pop()
        if x.sign in signs and sign in ("", signs[0]):
            waiting += [(x.sign, x.operands[1]), (sign, x.operands[0])]
        else:
            between.append(sign)
            operands.append(x)
    return between, operands
