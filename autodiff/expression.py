"""Formulas that come from outside, as text: ``w*x + b`` and the numbers of its names become a graph of Values.

It knows the few forms of Python's grammar that it lets through, and never evaluates the text itself. It knows no
drawing, no networks, and nothing of what is done with the graph.
"""

from __future__ import annotations

import ast
import inspect
import math
import unicodedata
import warnings
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from autodiff import functions, ops, reductions
from autodiff.arguments import got
from autodiff.operands import real
from autodiff.value import Value, as_value

LONGEST = 1_000  # characters
DEEPEST = 50  # operations and functions inside one another; a long sum or product counts once

OPERATORS: dict[type[ast.AST], ops.Op] = {
    ast.Add: ops.ADD,
    ast.Sub: ops.SUB,
    ast.Mult: ops.MUL,
    ast.Div: ops.DIV,
}
# fmt: off
FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        functions.abs, functions.acos, functions.asin, functions.atan, functions.atan2, functions.clip, functions.cos,
        functions.cosh, functions.elu, functions.erf, functions.erfc, functions.exp, functions.expm1, functions.gelu,
        functions.heaviside, functions.hypot, functions.leaky_relu, functions.log, functions.log1p, functions.maximum,
        functions.minimum, functions.relu, functions.sigmoid, functions.sign, functions.silu, functions.sin,
        functions.sinh, functions.softplus, functions.sqrt, functions.tan, functions.tanh,
        reductions.dot, reductions.logsumexp, reductions.max, reductions.mean, reductions.prod, reductions.sum,
    )
}
# fmt: on


class ExpressionError(ValueError):
    """An expression cannot be read, or has no value there; the message is one line that names the column, from 1."""


def parse(text: str, numbers: Mapping[str, float]) -> tuple[Value, dict[str, Value]]:
    """Return the graph of an expression, and its named leaves by name, each a Value labelled with its name.

    Numbers, names, ``+ - * / **``, parentheses, the functions of `autodiff` and, in their arguments, lists are read;
    anything else is refused. The graph holds what was written: ``2*3`` is a product of two leaves.

    >>> y, leaves = parse("tanh(w*x + b)", {"w": 2, "x": 3, "b": -6})
    >>> y.data, leaves["w"]
    (0.0, Value(data=2.0, label='w'))
    >>> parse("w*x + c", {"w": 2, "x": 3})
    Traceback (most recent call last):
    autodiff.expression.ExpressionError: at column 7: no value for 'c': add c=NUMBER

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
    if len(text) > LONGEST:
        raise ExpressionError(f"the expression has {len(text)} characters: at most {LONGEST} are read")
    leaves = {}
    for name, number in numbers.items():
        if not isinstance(name, str):
            raise TypeError(f"the name of a number must be text, {got(name)}")
        name = unicodedata.normalize("NFKC", name)  # as Python reads names
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
    reader = _Reader(text, leaves)
    root = as_value(reader.read(reader.tree(), Value, 1))
    unused = [name for name in leaves if name not in reader.used]
    if unused:
        raise ExpressionError(f"the expression has no {unused[0]!r}, though a value for it was given")
    return root, leaves


class _Reader:
    def __init__(self, text: str, leaves: Mapping[str, Value]) -> None:
        self.text = "".join([" " if c.isspace() else c for c in text])  # one line, the same columns
        self.leaves = leaves
        self.used: set[str] = set()

    def tree(self) -> ast.expr:
        """Return the expression as Python's parser reads it."""
        if not self.text.strip():
            raise ExpressionError("the expression is empty: write one such as w*x + b")
        code = self.text.lstrip()
        self.margin = len(self.text) - len(code)
        self.code = code.encode(errors="replace")  # the parser counts bytes
        for character in code:
            if character in "#\\;" or not character.isprintable():
                self.fail(self.margin + code.index(character), f"{character!r} has no meaning in an expression")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of digits that run into words, for one; they are refused below
                return ast.parse(code, mode="eval").body
        except SyntaxError as error:
            if not error.offset or error.offset > len(code):
                self.fail(len(self.text), "the expression ends too early")
            hint = ": write * for a product" if "decimal literal" in error.msg else ""
            self.fail(self.margin + error.offset - 1, error.msg + hint)
        except (MemoryError, RecursionError):
            self.fail(self.margin, f"the expression is nested too deeply: at most {DEEPEST} levels are read")

    def read(self, node: ast.expr, number: Callable[[float], Any], depth: int) -> Any:
        """Return what `node` is; its literal numbers become what `number` makes of them, Values or floats."""
        if depth > DEEPEST:
            self.refuse(node, f"the expression is nested too deeply: at most {DEEPEST} levels are read")
        match node:
            case ast.Constant(value=int() | float() as literal) if not isinstance(literal, bool):
                return number(self.finite(node, literal))
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant() as literal):
                return number(-self.read(literal, float, depth))
            case ast.Name(id=name):
                return self.leaf(node, name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.apply(node, ops.NEG, self.read(operand, number, depth + 1))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.read(operand, number, depth + 1)
            case ast.BinOp(op=ast.Pow(), left=base, right=exponent):
                x = self.read(base, number, depth + 1)
                y = self.read(exponent, float if _is_constant(exponent) else number, depth + 1)
                return self.apply(node, ops.POWER if isinstance(y, float) else ops.POW, x, y)
            case ast.BinOp(op=operator) if type(operator) in OPERATORS:
                return self.chain(node, number, depth)
            case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
                return self.call(node, name, number, depth)
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

    def call(self, node: ast.Call, name: str, number: Callable[[float], Any], depth: int) -> Any:
        function = FUNCTIONS[name]
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
            if plain and not _is_constant(argument):
                self.refuse(argument, f"{names[i].name} of {name} must be a plain number")
            if isinstance(argument, ast.List):
                operands.append([self.read(item, number, depth + 1) for item in argument.elts])
            else:
                operands.append(self.read(argument, float if plain else number, depth + 1))
        return self.apply(node, function, *operands)

    def apply(self, node: ast.expr, operation: Callable[..., Any], *operands: Any) -> Any:
        try:
            return operation(*operands)
        except (ArithmeticError, TypeError, ValueError) as error:
            self.refuse(node, str(error))

    def leaf(self, node: ast.expr, name: str) -> Value:
        self.used.add(name)
        if name in self.leaves:
            return self.leaves[name]
        if name in FUNCTIONS:
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
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in self.leaves:
                return f"{node.func.id} is a number, not a function: write {node.func.id}*(...) for a product"
            near = get_close_matches(node.func.id, FUNCTIONS)
            hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(FUNCTIONS)}"
            return f"unknown function {node.func.id!r}: {hint}"
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor):
            return "^ is not read: write ** for a power"
        if isinstance(node, ast.List):
            return "a list stands only as an argument, as in sum([x, y])"
        return "only numbers, names, + - * / **, parentheses and functions such as tanh(x) are read"

    def refuse(self, node: ast.expr | ast.keyword, message: str) -> NoReturn:
        """Raise with the place of `node`: of its sign, where it stands between two operands."""
        place = node.col_offset
        if isinstance(node, ast.BinOp):
            place = node.left.end_col_offset or 0
            while self.code[place] in b" )":  # the parentheses of the left operand
                place += 1
        self.fail(self.margin + len(self.code[:place].decode()), message)

    def fail(self, column: int, message: str) -> NoReturn:
        raise ExpressionError(f"at column {column + 1}: {message}")


def _is_constant(node: ast.expr) -> bool:
    """Return whether no name but those of functions is in `node`."""
    called = {id(part.func) for part in ast.walk(node) if isinstance(part, ast.Call)}
    return not any(isinstance(part, ast.Name) and id(part) not in called for part in ast.walk(node))


def _bare(signature: inspect.Signature) -> Sequence[inspect.Parameter]:
    return [parameter.replace(annotation=signature.empty) for parameter in signature.parameters.values()]
