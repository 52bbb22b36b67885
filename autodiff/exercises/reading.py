"""Answers as people write them: numbers with a point or a comma, fractions, formulas in the names of the sheet."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from numbers import Real
from typing import Any, NamedTuple

from autodiff.exercises.written import RELATIONS
from autodiff.formulas.parse import ExpressionError, parse
from autodiff.formulas.vocabulary import CONSTANTS, function_called
from autodiff.support.labels import clean

NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
BRACKET = re.compile(r"\[([^][<>=!]+)(>=|<=|==|!=|>|<)([^][<>=!]+)\]")  # 1 where it holds, else 0
READ = "a number such as -0.75 or -0,75, a fraction such as 3/4, or a formula in the names of the sheet, such as 2*x"
SIGNS = {"^": "**", "²": "**2", "³": "**3", "×": "*", "·": "*", "⋅": "*", "∗": "*", "÷": "/", "–": "-"}
MIN_DIGITS = 3  # significant digits that are asked for


class AnswerError(ValueError):
    """An answer that is no number or formula: it says which, and what is read."""


class Answer(NamedTuple):
    """What somebody answered, as it was read.

    Attributes:
        text: what was written.
        formula: the text as `autodiff.formulas.parse` reads it.
        names: for each name in the formula, what it is called on the sheet; none in a number or a fraction.
        unit: the worth of the last digit of a decimal number; 0 where nothing was rounded.
        digits: how many significant digits it has; 0 of a formula.
    """

    text: str
    formula: str
    names: Mapping[str, str]
    unit: float = 0.0
    digits: int = 0

    def number(self, known: Callable[[str], float]) -> float:
        """Return its number, from those of the names; nan where the formula has none."""
        try:
            return parse(self.formula, {key: known(name) for key, name in self.names.items()})[0].data
        except ExpressionError:
            return math.nan


def read(question: str, given: Any, names: Sequence[str]) -> Answer:
    """Return an answer to a question, read; `names` are those of the sheet.

    >>> read("z", "0,75", []).number({}.__getitem__), read("z", "2*x", ["x"]).number({"x": 3.0}.__getitem__)
    (0.75, 6.0)

    Raises:
        AnswerError: if it is no number or formula.
    """
    if isinstance(given, Real) and not isinstance(given, bool):
        given = repr(float(given))
        given = given.removesuffix(".0")
    if not isinstance(given, str):
        raise AnswerError(_refused(question, given, f"it is a {type(given).__name__}"))
    text = re.sub(rf"^\s*{re.escape(question)}\s*=", "", given).strip().replace("−", "-")
    if "_" in text and NUMBER.fullmatch(text.replace("_", "")):
        raise AnswerError(_refused(question, given, "no _ stands in a number"))
    if text.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        raise AnswerError(_refused(question, given, "a finite number is asked for"))
    if NUMBER.fullmatch(text):
        return _decimal(question, given, text.replace(",", "."))
    if re.fullmatch(r"[+-]?[\d.,]+", text):
        raise AnswerError(_refused(question, given, "only one point or comma is read, as the decimal mark"))
    return _formula(question, given, text, names)


def read_turn(question: str, given: Any, choices: Sequence[str]) -> Answer:
    """Return the answer to whose turn it is: the name of one of the nodes that there are.

    Raises:
        AnswerError: if it is none of them.
    """
    text = given.strip() if isinstance(given, str) else given
    if text not in choices:
        raise AnswerError(
            f"the answer to {question}, {clean(str(given), 60)!r}, is not read: write the name of a node, one of "
            f"{', '.join(choices)}"
        )
    return Answer(text, "", {})


def _decimal(question: str, given: str, text: str) -> Answer:
    if not math.isfinite(float(text)):
        raise AnswerError(_refused(question, given, "a finite number is asked for"))
    mantissa, _, exponent = text.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    digits = len(re.sub(r"[^\d]", "", mantissa).lstrip("0"))
    plain = "" if "." in mantissa else re.sub(r"[^\d]", "", mantissa)
    zeros = len(plain) - len(plain.rstrip("0")) if plain else 0  # 400 may be 398 to one digit, or exact
    return Answer(given, repr(float(text)), {}, 10.0 ** (int(exponent or 0) - decimals + zeros), max(digits - zeros, 1))


def _formula(question: str, given: str, text: str, names: Sequence[str]) -> Answer:
    text = BRACKET.sub(lambda found: RELATIONS[found[2]].format(f"({found[1]})", f"({found[3]})"), text)
    formula = text if "(" in text and "," in text else re.sub(r"(?<=\d),(?=\d)", ".", text)
    known = sorted(names, key=len, reverse=True)
    used: dict[str, str] = {}

    def key(match: re.Match[str]) -> str:
        place = f"a{known.index(match[0])}_"
        used[place] = match[0]
        return place

    if "=" in re.sub(r"[<>=!]=", "", text):
        raise AnswerError(_refused(question, given, f"= stands only behind {question}, which is asked for"))
    if known:
        formula = re.sub("|".join([rf"(?<!\w){re.escape(name)}(?![^\W²³])" for name in known]), key, formula)
    formula = "".join([SIGNS.get(sign, sign) for sign in formula])
    for match in re.finditer(r"[^\W\d]\w*", formula):
        word = match[0]
        if word not in used and word not in CONSTANTS and not function_called(word):
            near = get_close_matches(word, known, 1)
            there = f"did you mean {near[0]}?" if near else f"there are {', '.join(list(names)[:20])}"
            raise AnswerError(_refused(question, given, f"nothing is called {word} here, {there}"))
    try:
        parse(formula, dict.fromkeys(used, 1.2345))
    except ExpressionError as error:
        if "undefined" not in str(error):
            why = re.sub(r"\ba\d+_(?!\w)", lambda found: used.get(found[0], found[0]), str(error))
            why = why if formula == text else re.sub(r"^at column \d+: ", "", why)  # of what was written, not of keys
            raise AnswerError(_refused(question, given, why)) from None
    return Answer(given, formula, used)


def _refused(question: str, given: object, why: str) -> str:
    return f"the answer to {question}, {clean(str(given), 60)!r}, is not read: {why}. Write {READ}"


def matches(answer: Answer, number: float, right: float) -> bool:
    """Return whether an answer, whose number is `number`, is right to the digits that were given, and to three.

    >>> third = read("z", "0.333", [])
    >>> matches(third, 0.333, 1 / 3), matches(read("z", "0.33", []), 0.33, 1 / 3)
    (True, False)
    """
    if not (math.isfinite(number) and math.isfinite(right)):
        return False
    off = abs(number - right)
    if off <= 5e-4 * abs(right) or off <= 1e-12 or number in (float(format(right, ".3g")), _cut_off(right)):
        return True  # 0.1 is 0.1004 to three digits, whose zeros were not written
    cut_off = abs(number) < abs(right)  # digits that were cut off, not rounded
    return answer.digits >= MIN_DIGITS and off < answer.unit * (1 if cut_off else 0.5) * (1 + 1e-9)


def _cut_off(number: float) -> float:
    """Return a number with all digits after the third cut off."""
    digits, _, exponent = format(number, ".15e").partition("e")
    return float(f"{digits[: digits.index('.') + MIN_DIGITS]}e{exponent}")


def rounded(answer: Answer, number: float, right: float) -> bool:
    """Return whether an answer is the right one with fewer than three digits."""
    if not 0 < answer.digits < MIN_DIGITS or number == 0:
        return False
    return abs(number - right) <= answer.unit * (0.5 + 1e-9)
