"""Formulas that come from outside, as text: ``w*x + b`` and the numbers of its names become a graph of Values.

It knows the few forms of Python's grammar that it lets through, and never evaluates the text itself. It knows no
drawing, no networks, and nothing of what is done with the graph.
"""

from __future__ import annotations

import ast
import inspect
import keyword
import math
import re
import unicodedata
import warnings
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NoReturn

from autodiff.engine import ops
from autodiff.engine.value import Value, as_value
from autodiff.formulas.vocabulary import CONSTANTS, SIGNS, function_called, unknown_function
from autodiff.support.arguments import got
from autodiff.support.operands import real

MAX_CHARACTERS = 1_000  # of an expression
MAX_LEVELS = 50  # operations and functions inside one another; a long sum or product counts once
LETTERS = 0x3400  # from a letter of ASCII to one that begins a name in Python, and is no other form of a letter
RELATIONS: dict[type[ast.AST], float] = {ast.Lt: 0.0, ast.Gt: 0.0, ast.LtE: 1.0, ast.GtE: 1.0}  # what each is in a tie
PART = re.compile(r"\s*([^\W\d]\w*)\s*=(?!=)")  # the name of a part, and the sign that gives it
WORD = re.compile(r"\d[0-9A-Za-z_.]*|\w+|\S")  # a number, a name, or a sign

OPERATORS: dict[type[ast.AST], ops.Op] = {
    ast.Add: ops.ADD,
    ast.Sub: ops.SUB,
    ast.Mult: ops.MUL,
    ast.Div: ops.DIV,
}


class ExpressionError(ValueError):
    """An expression cannot be read, or has no value there; the message is one line that names the column, from 1."""


def parse(text: str, numbers: Mapping[str, float]) -> tuple[Value, dict[str, Value]]:
    """Return the graph of an expression, and its named nodes by name, each a Value labelled with its name.

    Numbers, names, ``+ - * / **``, parentheses, the functions of `autodiff` (``ln`` is log and ``arctan`` atan) and, in
    their arguments, lists are read; anything else is refused. pi and e are the constants, unless numbers are given for
    them. The graph holds what was written: ``2*3`` is a product of two leaves. Parts may be named first, one after the
    other: ``z = w*x + b; y = tanh(z); L = (y - t)**2`` is the graph of L.

    >>> y, named = parse("tanh(w*x + b)", {"w": 2, "x": 3, "b": -6})
    >>> y.data, named["w"]
    (0.0, Value(data=2.0, label='w'))
    >>> parse("z = w*x; z**2 + z", {"w": 2, "x": 3})[1]["z"]
    Value(data=6.0, label='z')
    >>> parse("w*x + c", {"w": 2, "x": 3})
    Traceback (most recent call last):
    autodiff.formulas.parse.ExpressionError: at column 7: no value for 'c': add c=NUMBER

    Args:
        text: at most 1,000 characters, at most 50 operations and functions inside one another.
        numbers: a finite number for each name in the expression, and no others.

    Raises:
        ExpressionError: if the expression cannot be read, a name has no number or a number no name, or an operation
            has no value there, such as a division by 0.
    """
    if not isinstance(text, str):
        raise TypeError(f"the expression must be text, {got(text)}")
    if not isinstance(numbers, Mapping):
        raise TypeError(f"the numbers must be a dict of numbers by name, such as {{'x': 2.0}}, {got(numbers)}")
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(f"the expression has {len(text)} characters: at most {MAX_CHARACTERS} are read")
    reader = _Reader(text, _leaves(numbers))
    root = reader.graph()
    unused = [name for name, node in reader.nodes.items() if name not in reader.used and node is not root]
    if unused and unused[0] in reader.given:
        raise ExpressionError(f"the expression has no {unused[0]!r}, though a value for it was given")
    if unused:
        raise ExpressionError(f"nothing is made of {unused[0]!r}: leave it out, or use it in a later part")
    return root, reader.nodes


def _leaves(numbers: Mapping[str, float]) -> dict[str, Value]:
    """Return a leaf for each number, by its name as Python reads names."""
    leaves = {}
    for name, number in numbers.items():
        if not isinstance(name, str):
            raise TypeError(f"the name of a number must be text, {got(name)}")
        name = unicodedata.normalize("NFKC", name)
        if not name.isidentifier():
            raise ExpressionError(
                f"{name[:50]!r} is no name: a name is made of letters, digits and _, such as w or x_1"
            )
        try:
            leaves[name] = Value(number, name)
        except (TypeError, OverflowError) as error:
            raise ExpressionError(f"the value of {name} is no number: {error}") from None
        if not math.isfinite(leaves[name].data):
            raise ExpressionError(f"the value of {name} is {leaves[name].data}: expected a finite number")
    return leaves


class _Reader:
    def __init__(self, text: str, leaves: Mapping[str, Value]) -> None:
        self.text = "".join([" " if c.isspace() else c for c in text])  # one line, the same columns
        self.given = frozenset(leaves)
        self.nodes = dict(leaves)  # and the parts that were named so far
        self.constants: dict[str, Value] = {}  # pi and e, as they occur
        self.used: set[str] = set()

    def graph(self) -> Value:
        """Return the last part of the text, made of those before it, each with its name."""
        start, parts = 0, self.text.rstrip(" ;").split(";")
        for i, part in enumerate(parts, 1):
            name = PART.match(part)
            self.start, self.end = start + (name.end() if name else 0), start + len(part)
            root: Value = as_value(self.read(self.tree(), Value, 1))
            if not name and i < len(parts):
                self.fail(self.end, "; ends a part, which needs a name: write NAME = in front of it")
            if name:
                self.give_name(start + name.start(1), unicodedata.normalize("NFKC", name[1]), root)
            start = self.end + 1
        return root

    def give_name(self, column: int, name: str, part: Value) -> None:
        """Call a part of the text by a name."""
        if name in self.nodes:
            reason = "was given a value" if name in self.given else "is the name of an earlier part"
            self.fail(column, f"{name} {reason}: choose another name for this part")
        if part.label:
            self.fail(column, f"{name} would be a second name of {part.label}: write {part.label}")
        part.label = name
        self.nodes[name] = part

    def tree(self) -> ast.expr:
        """Return the part that is read now as Python's parser reads it."""
        text = self.text[self.start : self.end]
        if not text.strip():
            if self.start:
                self.fail(self.start, "nothing stands here: write an expression such as w*x + b")
            raise ExpressionError("the expression is empty: write one such as w*x + b")
        code = text.lstrip()
        self.margin = self.start + len(text) - len(code)
        for column, character in enumerate(code):
            if character in "#\\" or not character.isprintable():
                self.fail(self.margin + column, f"{character!r} has no meaning in an expression")
            if character in SIGNS and not any([character in name for name in self.nodes]):
                self.fail(self.margin + column, f"{character!r} is not read: write {SIGNS[character]}")
        self.masks = masks = {
            chr(ord(name[0]) + LETTERS) + name[1:]: name for name in filter(keyword.iskeyword, self.nodes)
        }
        for mask, name in masks.items():  # which Python reads as a name
            code = re.sub(rf"\b{name}\b", mask, code)
        self.code = code.encode(errors="replace")  # the parser counts bytes
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of digits that run into words, for one; they are refused below
                tree = ast.parse(code, mode="eval").body
            for node in ast.walk(tree):
                if isinstance(node, ast.Name):
                    node.id = masks.get(node.id, node.id)
            return tree
        except SyntaxError as error:
            self.explain(code, error)
        except (MemoryError, RecursionError):
            self.fail(self.margin, f"the expression is nested too deeply: at most {MAX_LEVELS} levels are read")

    def explain(self, code: str, error: SyntaxError) -> NoReturn:
        """Raise with what is likely to be meant by a text that Python's parser does not read."""
        if "decimal literal" in error.msg:
            self.fail(self.margin + (error.offset or 1) - 1, f"{error.msg}: write * for a product, such as 2*x")
        words = list(WORD.finditer(code))
        for word in words:
            if word[0] in keyword.kwlist and word[0] not in ("True", "False", "None"):
                self.fail(self.margin + word.start(), f"no value for {word[0]!r}: add {word[0]}=NUMBER")
        for before, word in pairwise(words):
            if _ends_operand(before[0]) and (_begins_operand(word[0]) or (word[0] == "(" and before[0][0].isdigit())):
                left, right = (self.masks.get(w[0]) or unicodedata.normalize("NFKC", w[0]) for w in (before, word))
                if function_called(left) and left not in self.nodes:
                    self.fail(self.margin + before.start(), f"{left} is a function: write {left}(...)")
                cure = "write * for a product"
                self.fail(self.margin + word.start(), f"there is no sign between {left[:50]} and {right[:50]}: {cure}")
        for sign, cure in (
            ("|", "write abs(x)"),
            ("=", "NAME = stands only in front of a part, as in z = w*x; z**2"),
            ("!", ""),
        ):
            if sign in code:
                said = f"{sign} has no meaning in an expression{cure and f': {cure}'}"
                self.fail(self.margin + code.index(sign), said)
        if not error.offset or error.offset > len(code):
            self.fail(self.end, "the expression ends too early")
        self.fail(self.margin + error.offset - 1, error.msg)

    def read(self, node: ast.expr, number: Callable[[float], Any], depth: int) -> Any:
        """Return what `node` is; its literal numbers become what `number` makes of them, Values or floats."""
        if depth > MAX_LEVELS:
            self.refuse(node, f"the expression is nested too deeply: at most {MAX_LEVELS} levels are read")
        match node:
            case ast.Constant(value=int() | float() as literal) if not isinstance(literal, bool):
                return number(self.finite(node, literal))
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant() as literal):
                return number(-self.read(literal, float, depth))
            case ast.Name(id=name):
                return self.named(node, name, number)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.apply(node, ops.NEG, self.read(operand, number, depth + 1))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.read(operand, number, depth + 1)
            case ast.BinOp(op=ast.Pow(), left=base, right=exponent):
                x = self.read(base, number, depth + 1)
                y = self.read(exponent, float if self.is_constant(exponent) else number, depth + 1)
                return self.apply(node, ops.POWER if isinstance(y, float) else ops.POW, x, y)
            case ast.BinOp(op=operator) if type(operator) in OPERATORS:
                return self.chain(node, number, depth)
            case ast.Call(func=ast.Name(id=name)) if function := function_called(name):
                return self.call(node, name, function, number, depth)
        self.refuse(node, self.reason(node))

    def chain(self, node: ast.BinOp, number: Callable[[float], Any], depth: int) -> Any:
        """Return a + b - c ..., which the parser nests to the left, without going deeper for each term."""
        links: list[ast.BinOp] = []
        first: ast.expr = node
        while isinstance(first, ast.BinOp) and type(first.op) in OPERATORS:
            links.append(first)
            first = first.left
        x = self.read(first, number, depth + 1)
        for link in reversed(links):
            x = self.apply(link, OPERATORS[type(link.op)], x, self.read(link.right, number, depth + 1))
        return x

    def call(
        self, node: ast.Call, name: str, function: Callable[..., Any], number: Callable[[float], Any], depth: int
    ) -> Any:
        if node.keywords:
            self.refuse(node.keywords[0], f"{name} takes no named arguments here: give them in order")
        signature = inspect.signature(function)
        try:
            signature.bind(*node.args)
        except TypeError:
            takes = str(signature.replace(return_annotation=signature.empty, parameters=_bare(signature)))
            self.refuse(node, f"{name} takes {takes}, got {len(node.args)} arguments")
        names = list(signature.parameters.values())
        operands = []
        for i, argument in enumerate(node.args):
            plain = i < len(names) and names[i].annotation == "float"  # a parameter, which nothing is differentiated by
            if plain and not self.is_constant(argument):
                self.refuse(argument, f"{names[i].name} of {name} must be a plain number")
            if isinstance(argument, ast.Compare) and i < len(names) and names[i].name == "condition":
                operands.append(self.condition(argument, number, depth + 1))
            elif isinstance(argument, ast.List):
                operands.append([self.read(item, number, depth + 1) for item in argument.elts])
            else:
                operands.append(self.read(argument, float if plain else number, depth + 1))
        return self.apply(node, function, *operands)

    def condition(self, node: ast.Compare, number: Callable[[float], Any], depth: int) -> Any:
        """Return 1 where x > y holds, else 0: an operation, which is computed anew where x and y change."""
        sign, x, y = type(node.ops[0]), node.left, node.comparators[0]
        if len(node.ops) > 1 or sign not in RELATIONS:
            self.refuse(node, "a condition is one of x < y, x <= y, x > y, x >= y")
        if sign in (ast.Lt, ast.LtE):
            x, y = y, x
        operands = [self.read(side, number, depth) for side in (x, y)]
        return self.apply(node, ops.STEP, *operands, RELATIONS[sign])

    def apply(self, node: ast.expr, operation: Callable[..., Any], *operands: Any) -> Any:
        try:
            return operation(*operands)
        except (ArithmeticError, TypeError, ValueError) as error:
            self.refuse(node, str(error))

    def is_constant(self, node: ast.expr) -> bool:
        """Return whether no name but those of functions, pi and e is in `node`."""
        called = {id(part.func) for part in ast.walk(node) if isinstance(part, ast.Call)}
        names = [part.id for part in ast.walk(node) if isinstance(part, ast.Name) and id(part) not in called]
        return all([name in CONSTANTS and name not in self.nodes for name in names])

    def named(self, node: ast.expr, name: str, number: Callable[[float], Any]) -> Any:
        """Return the leaf of that name, or a constant, as a leaf that is called so or as a float."""
        if name in self.nodes:
            self.used.add(name)
            return self.nodes[name]
        if name in CONSTANTS:
            leaf = self.constants.setdefault(name, Value(CONSTANTS[name], name))
            return leaf.data if number is float else leaf
        if function_called(name):
            self.refuse(node, f"{name} is a function: write {name}(...)")
        self.refuse(node, f"no value for {name!r}: add {name}=NUMBER")

    def finite(self, node: ast.expr, literal: float) -> float:
        try:
            number = real(literal)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self.refuse(node, "the number is too large: at most 1.8e308 fits")
        return number

    def reason(self, node: ast.expr) -> str:
        """Return why a form of Python's is not let through."""
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in self.nodes or name in CONSTANTS:
                return f"{name} is a number, not a function: write {name}*(...) for a product"
            case ast.Call(func=ast.Name(id=name)):
                return unknown_function(name)
            case ast.Call(func=ast.BinOp() | ast.UnaryOp() | ast.Constant() | ast.Call()):
                return "what stands before these parentheses is no function: write * for a product"
            case ast.BinOp(op=ast.BitXor()):
                return "^ is not read: write ** for a power"
            case ast.BinOp(op=ast.BitOr()):
                return "| is not read: write abs(x)"
            case ast.Tuple():
                return "a comma stands only between the operands of a function: write . in a decimal number"
            case ast.Compare():
                return "a comparison stands only as the condition of where; heaviside(x) is 1 where x > 0, else 0"
            case ast.List():
                return "a list stands only as an argument, as in sum([x, y])"
        return "only numbers, names, + - * / **, parentheses and functions such as tanh(x) are read"

    def refuse(self, node: ast.expr | ast.keyword, message: str) -> NoReturn:
        """Raise with the place of `node`: of its sign, where it stands between two operands, as in x - y or (x)(y)."""
        place = node.col_offset
        left = None
        if isinstance(node, ast.BinOp):
            left = node.left
        elif isinstance(node, ast.Call) and not isinstance(node.func, ast.Name):
            left = node.func
        if left is not None:
            place = left.end_col_offset or 0
            while self.code[place] in b" )":  # the parentheses of the left operand
                place += 1
        self.fail(self.margin + len(self.code[:place].decode()), message)

    def fail(self, column: int, message: str) -> NoReturn:
        raise ExpressionError(f"at column {column + 1}: {message}")


def _begins_operand(word: str) -> bool:
    return word[0].isalnum() or word[0] == "_"


def _ends_operand(word: str) -> bool:
    return _begins_operand(word) or word == ")"


def _bare(signature: inspect.Signature) -> Sequence[inspect.Parameter]:
    return [parameter.replace(annotation=signature.empty) for parameter in signature.parameters.values()]
