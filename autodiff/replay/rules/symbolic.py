"""The rows of the calculus as trees of decisions, which any target can write: the same rows, read once more.

A row's rule is ordinary Python on floats. It is run with symbols for them, and wherever it asks whether a comparison
holds, it is run twice: once as if it did, once as if it did not. What comes out is a tree of those questions, with
expressions of arithmetic and of the C library's functions at its ends.

>>> from autodiff.engine.ops import RELU
>>> print(forward(RELU))
0.0 if x <= 0.0 else x
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from types import FunctionType
from typing import Any, NamedTuple

from autodiff.engine import elementary, ops
from autodiff.engine.ops import Op
from autodiff.replay.rules import kernels

MAX_QUESTIONS = 2000  # of a rule, about the same pair of symbols or others


class Unwritable(Exception):
    """A rule asks for something that is no arithmetic, comparison or function of the C library."""


class Symbol:
    """An expression in the operands of a row. Equal expressions of one tree are one object.

    Attributes:
        kind: "name" and "number", or what is done: "+", "neg", "exp".
        parts: the operands; of a name its text, of a number its float.
    """

    __slots__ = ("kind", "parts", "tree")

    def __init__(self, tree: Questions, kind: str, parts: tuple[Any, ...]) -> None:
        self.tree, self.kind, self.parts = tree, kind, parts

    def _with(self, kind: str, *others: Any) -> Symbol:
        return self.tree.made(kind, (self, *others))

    def _before(self, kind: str, other: Any) -> Symbol:
        return self.tree.made(kind, (other, self))

    def __add__(self, other: Any) -> Symbol:
        return self._with("+", other)

    def __radd__(self, other: Any) -> Symbol:
        return self._before("+", other)

    def __sub__(self, other: Any) -> Symbol:
        return self._with("-", other)

    def __rsub__(self, other: Any) -> Symbol:
        return self._before("-", other)

    def __mul__(self, other: Any) -> Symbol:
        return self._with("*", other)

    def __rmul__(self, other: Any) -> Symbol:
        return self._before("*", other)

    def __truediv__(self, other: Any) -> Symbol:
        return self.tree.quotient(self, other)

    def __rtruediv__(self, other: Any) -> Symbol:
        return self.tree.quotient(other, self)

    def __mod__(self, other: Any) -> Symbol:
        return self._with("fmod", other)  # as Python's, whether it is 0 or, of positive numbers, what it is

    def __pow__(self, other: Any) -> Symbol:
        return self._with("pow", other)

    def __rpow__(self, other: Any) -> Symbol:
        return self._before("pow", other)

    def __neg__(self) -> Symbol:
        return self.parts[0] if self.kind == "neg" else self._with("neg")

    def __pos__(self) -> Symbol:
        return self

    def __abs__(self) -> Symbol:
        return self._with("abs")

    def __lt__(self, other: Any) -> Question:
        return Question("<", self, other)

    def __le__(self, other: Any) -> Question:
        return Question("<=", self, other)

    def __gt__(self, other: Any) -> Question:
        return Question(">", self, other)

    def __ge__(self, other: Any) -> Question:
        return Question(">=", self, other)

    def __eq__(self, other: object) -> Question:  # type: ignore[override]  # a question, as NumPy's arrays answer
        return Question("==", self, other)

    def __ne__(self, other: object) -> Question:  # type: ignore[override]  # a question, as NumPy's arrays answer
        return Question("!=", self, other)

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return bool(self != 0.0)

    def __index__(self) -> int:
        raise Unwritable(f"{self} as a whole number")

    __int__ = __float__ = __index__

    def __str__(self) -> str:
        if self.kind in ("name", "number"):
            return str(self.parts[0])
        if len(self.parts) == 2 and not self.kind.isalpha():
            return f"({self.parts[0]} {self.kind} {self.parts[1]})"
        return f"{self.kind}({', '.join(map(str, self.parts))})"


class Question:
    """A comparison, which is answered both ways when it is asked."""

    def __init__(self, sign: str, x: Symbol, y: Any) -> None:
        self.tree, self.sign, self.x, self.y = x.tree, sign, x, x.tree.symbol(y)
        if self.y.kind == "number" and self.y.parts[0] == 0:
            self.y = x.tree.symbol(0.0)  # to compare, -0.0 is the same

    def __bool__(self) -> bool:
        return self.tree.answer(self)

    def __float__(self) -> float:
        return float(bool(self))

    def __mul__(self, factor: Any) -> Any:
        return float(self) * factor

    __rmul__ = __mul__

    def __str__(self) -> str:
        return f"{self.x} {self.sign} {self.y}"


class Choice(NamedTuple):
    """One tree where the question is answered yes, another where it is not."""

    question: Question
    yes: Tree
    no: Tree

    def __str__(self) -> str:
        return f"{self.yes} if {self.question} else {self.no}"


class Answer(NamedTuple):
    """The end of a branch: what the rule answers, in symbols; nothing where it raises."""

    symbols: tuple[Symbol, ...] | None

    def __str__(self) -> str:
        return "undefined" if self.symbols is None else ", ".join(map(str, self.symbols))


Tree = Choice | Answer


def _same(x: Tree, y: Tree) -> bool:
    """Return whether two trees are equal; `==` of symbols would ask."""
    if isinstance(x, Choice) and isinstance(y, Choice):
        asked = [(q.sign, id(q.x), id(q.y)) for q in (x.question, y.question)]
        return asked[0] == asked[1] and _same(x.yes, y.yes) and _same(x.no, y.no)
    if isinstance(x, Choice) or isinstance(y, Choice) or x.symbols is None or y.symbols is None:
        return x is y or (isinstance(x, Answer) and isinstance(y, Answer) and x.symbols is y.symbols)
    return list(map(id, x.symbols)) == list(map(id, y.symbols))


class _Asked(BaseException):
    """A rule has asked something that is not yet answered; no rule may catch it."""


class Questions:
    """One rule, run again and again until all its questions were answered both ways."""

    def __init__(self, rule: Callable[..., Any], names: Sequence[str]) -> None:
        self.rule, self.questions = rule, 0
        self.known: dict[tuple[Any, ...], Symbol] = {}
        self.possible: dict[tuple[int, int], frozenset[str]] = {}  # how two symbols may still stand to each other
        self.operands = [self.made("name", (name,)) for name in names]

    def symbol(self, given: Any) -> Symbol:
        """Return a number or symbol as a symbol."""
        return given if isinstance(given, Symbol) else self.made("number", (float(given),))

    def made(self, kind: str, parts: tuple[Any, ...]) -> Symbol:
        """Return the symbol of an expression, the same for the same expression."""
        if kind not in ("name", "number"):
            parts = tuple(map(self.symbol, parts))
            if kind == "neg" and parts[0].kind == "number":
                return self.symbol(-parts[0].parts[0])
            if kind == "pow" and parts[1].kind == "number" and parts[1].parts[0] in (0, 1, 2):
                first: Symbol = parts[0]
                return (self.symbol(1.0), first, first * first)[int(parts[1].parts[0])]
            if all([part.kind == "number" for part in parts]) and kind in ("+", "-", "*"):
                return self.symbol(FOLDED[kind](*[part.parts[0] for part in parts]))
            if kind == "*":
                x: Symbol
                y: Symbol
                for x, y in (parts, parts[::-1]):
                    if x.kind == "number" and abs(x.parts[0]) == 1:
                        return y if x.parts[0] == 1 else -y
        key = kind, tuple([id(part) if isinstance(part, Symbol) else repr(part) for part in parts])
        if key not in self.known:
            self.known[key] = Symbol(self, kind, parts)
        return self.known[key]

    def quotient(self, x: Any, y: Any) -> Symbol:
        """Return x/y, which raises for a y of 0."""
        y = self.symbol(y)
        if y.parts[0] == 0 if y.kind == "number" else y == 0:
            raise ZeroDivisionError
        return self.made("/", (x, y))

    def answer(self, question: Question) -> bool:
        """Return the answer that this run is to take."""
        x, y = question.x, question.y
        if x.kind == y.kind == "number":
            return COMPARED[question.sign](x.parts[0], y.parts[0])
        if x.kind == "neg" and y.kind in ("neg", "number"):  # of -x > 0 no more is asked than of x < 0
            return self.answer(Question(TURNED[question.sign], x.parts[0], -y if y.kind == "number" else y.parts[0]))
        if (id(y), id(x)) in self.possible and x is not y:
            return self.answer(Question(TURNED[question.sign], y, x))
        pair = id(x), id(y)
        possible = self.possible.setdefault(pair, _possible(x, y))
        yes = possible & HOLDS[question.sign]
        if yes and yes != possible:
            self.asked = pair, question
            raise _Asked
        return bool(yes)

    def tree(self) -> Tree:
        """Return the tree under the answers that were given so far."""
        try:
            found = self.rule(*self.operands)
        except _Asked:
            self.questions += 1
            if self.questions > MAX_QUESTIONS:
                raise Unwritable(f"more than {MAX_QUESTIONS} questions") from None
            (pair, question), before = self.asked, dict(self.possible)
            branches = []
            for holds in (True, False):
                left = before[pair] & HOLDS[question.sign] if holds else before[pair] - HOLDS[question.sign]
                self.possible = before | {pair: left}
                branches.append(self.tree())
            self.possible = before
            yes, no = branches
            return yes if _same(yes, no) else Choice(question, yes, no)
        except (ValueError, ZeroDivisionError):
            return Answer(None)
        return Answer(tuple(map(self.symbol, found if isinstance(found, tuple | list) else [found])))


COMPARED: dict[str, Callable[[float, float], bool]] = {
    "<": float.__lt__,
    "<=": float.__le__,
    ">": float.__gt__,
    ">=": float.__ge__,
    "==": float.__eq__,
    "!=": float.__ne__,
}
FOLDED: dict[str, Callable[[float, float], float]] = {"+": float.__add__, "-": float.__sub__, "*": float.__mul__}
# How two floats may stand to each other, and in which of these cases a comparison holds.
ANY = frozenset(("less", "equal", "greater", "nan"))
HOLDS = {
    "<": frozenset(("less",)),
    "<=": frozenset(("less", "equal")),
    ">": frozenset(("greater",)),
    ">=": frozenset(("greater", "equal")),
    "==": frozenset(("equal",)),
    "!=": frozenset(("less", "greater", "nan")),
}
TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
# What Python's functions refuse with ValueError, and the C library answers.
REFUSED: dict[str, Callable[..., Any]] = {
    "log": lambda x: x <= 0,
    "log2": lambda x: x <= 0,
    "log10": lambda x: x <= 0,
    "log1p": lambda x: x <= -1,
    "sqrt": lambda x: x < 0,
    "asin": lambda x: abs(x) > 1,
    "acos": lambda x: abs(x) > 1,
    "acosh": lambda x: x < 1,
    "atanh": lambda x: abs(x) >= 1,
    "sin": lambda x: abs(x) == math.inf,
    "cos": lambda x: abs(x) == math.inf,
    "tan": lambda x: abs(x) == math.inf,
    "pow": lambda x, y: y < 0 if x == 0 else x < 0 and y % 1.0 != 0 and -x < math.inf and abs(y) < math.inf,
}
# All of them: what a target has to have, beside + - * / neg, comparisons and numbers.
FUNCTIONS = (
    *("abs", "sqrt", "copysign", "exp", "expm1", "log", "log1p", "log2", "log10", "cbrt", "pow", "fmod"),
    *("sin", "cos", "tan", "asin", "acos", "atan", "atan2", "hypot", "sinh", "asinh", "acosh", "atanh"),
    *("erf", "erfc", "logb", "scalbn"),
)


def _possible(x: Symbol, y: Symbol) -> frozenset[str]:
    """Return how two symbols may stand to each other, which spares questions."""
    if x is y:
        return frozenset(("equal", "nan"))
    if y.kind == "number" and y.parts[0] == 0 and (is_positive(x) or _is_at_least_0(x)):
        return frozenset(("greater", "nan")) if is_positive(x) else frozenset(("equal", "greater", "nan"))
    return ANY


def is_positive(x: Symbol) -> bool:
    """Return whether an expression is above 0 or nan, whatever its operands are."""
    if x.kind == "number":
        return bool(x.parts[0] > 0)
    if x.kind == "+":
        return any(map(is_positive, x.parts)) and all([is_positive(part) or _is_at_least_0(part) for part in x.parts])
    return x.kind == "*" and all(map(_is_1_or_more, x.parts))


def _is_at_least_0(x: Symbol) -> bool:
    return x.kind in ("exp", "abs", "sqrt", "hypot") or (x.kind == "*" and x.parts[0] is x.parts[1])


def _is_1_or_more(x: Symbol) -> bool:
    ones = [part.kind == "number" and part.parts[0] >= 1 for part in x.parts] if x.kind == "+" else []
    return any(ones) and all([one or _is_at_least_0(part) for one, part in zip(ones, x.parts, strict=True)])


class _Library:
    """The module `math`, of symbols."""

    def __getattr__(self, name: str) -> Any:
        exact = getattr(math, name)
        if not callable(exact):
            return exact

        def function(*operands: Any) -> Any:
            tree = next((x.tree for x in operands if isinstance(x, Symbol)), None)
            if tree is None:
                return exact(*operands)
            if hasattr(kernels, name):
                return readable(getattr(kernels, name))(*operands)
            if name not in FUNCTIONS:
                raise Unwritable(f"math.{name}")
            operands = tuple(map(tree.symbol, operands))
            if name in REFUSED and REFUSED[name](*operands):
                raise ValueError
            return tree.made(name, operands)

        return function

    @staticmethod
    def isfinite(x: Any) -> Any:
        return abs(x) < math.inf

    @staticmethod
    def fabs(x: Any) -> Any:
        return abs(x)

    @staticmethod
    def frexp(x: Any) -> tuple[Any, Any]:
        if not isinstance(x, Symbol):
            return math.frexp(x)
        exponent = x.tree.made("logb", (x,)) + 1.0
        return x.tree.made("scalbn", (x, -exponent)), exponent

    @staticmethod
    def ldexp(x: Any, exponent: Any) -> Any:
        tree = next((part.tree for part in (x, exponent) if isinstance(part, Symbol)), None)
        return math.ldexp(x, exponent) if tree is None else tree.made("scalbn", (x, exponent))


class _Row:
    """A row that is called inside of a rule."""

    def __init__(self, op: Op) -> None:
        self.value = readable(op.value)
        self.op = op

    def __call__(self, *operands: Any) -> Any:
        return self.value(*operands) if any([isinstance(x, Symbol) for x in operands]) else self.op(*operands)


class _Elementary:
    """The module `elementary`, of symbols."""

    def __getattr__(self, name: str) -> Any:
        return readable(getattr(elementary, name))


LIBRARY = _Library()
SPACES: dict[str, dict[str, Any]] = {}


def readable(thing: Any) -> Any:
    """Return a function that takes symbols where the given one takes floats; other things as they are."""
    if thing is math:
        return LIBRARY
    if thing is elementary:
        return _Elementary()
    if isinstance(thing, Op):
        return _Row(thing)
    if getattr(thing, "__module__", None) == "math":
        return getattr(LIBRARY, thing.__name__)
    if isinstance(thing, FunctionType):
        if thing.__qualname__.startswith("ieee."):  # C's functions answer the limit themselves
            return readable(thing.__closure__[thing.__code__.co_freevars.index("function")].cell_contents)  # type: ignore[index]  # `ieee` encloses the function
        return FunctionType(thing.__code__, _space(thing), None, thing.__defaults__, thing.__closure__)
    return thing


def _space(function: FunctionType) -> dict[str, Any]:
    """Return the names of the module that a function stands in, all of them readable."""
    module = function.__module__
    if module not in SPACES:
        SPACES[module] = space = {"__builtins__": __builtins__}
        for name, thing in function.__globals__.items():
            if not name.startswith("__"):
                space[name] = readable(thing)
    return SPACES[module]


def uses_in(tree: Tree) -> Counter[Symbol]:
    """Return how often each symbol stands in a tree, one that stands in another counted once for it."""
    uses: Counter[Symbol] = Counter()
    waiting: list[Any] = [tree]
    while waiting:
        here = waiting.pop()
        if isinstance(here, Choice):
            waiting += [here.yes, here.no, here.question.x, here.question.y]
        elif isinstance(here, Answer):
            waiting += here.symbols or ()
        elif isinstance(here, Symbol):
            uses[here] += 1
            if uses[here] == 1 and here.kind not in ("name", "number"):
                waiting += here.parts
    return uses


def names_in(tree: Tree) -> set[str]:
    """Return the names that stand in a tree."""
    return {symbol.parts[0] for symbol in uses_in(tree) if symbol.kind == "name"}


def forward(op: Op, static: tuple[float, ...] = ()) -> Tree:
    """Return the tree of what a row answers, with these static arguments.

    Raises:
        Unwritable: if its rule needs more than arithmetic, comparisons and functions of the C library.
    """
    return _tree(op, "value", tuple(map(repr, static)))  # 0.0 and -0.0 are equal, but not the same


def reverse(op: Op, static: tuple[float, ...] = ()) -> Tree:
    """Return the tree of a row's contributions to its operands, of `incoming`, `out` and the operands.

    Raises:
        Unwritable: as `forward`.
    """
    return _tree(op, "local", tuple(map(repr, static)))


@cache
def _tree(op: Op, reading: str, static: tuple[str, ...]) -> Tree:
    if op not in TABLE:
        raise Unwritable(f"{op}, an operation that people have made")
    numbers, names = tuple(map(float, static)), op.operand_names[: op.arity]
    rule = readable(getattr(op, reading))
    if reading == "value":
        return Questions(lambda *operands: rule(*operands, *numbers), names).tree()

    def contributions(incoming: Any, out: Any, *operands: Any) -> list[Any]:
        slopes = rule(out, *operands, *numbers)
        return [incoming * slope if not op.piecewise or slope else 0.0 for slope in slopes]

    return Questions(contributions, ("incoming", "out", *names)).tree()


TABLE = frozenset([row for row in vars(ops).values() if isinstance(row, Op)])
