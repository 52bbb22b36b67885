"""What a formula is worth: its tree by Python's arithmetic, its text by mpmath's; and whether LaTeX is well formed."""

import math
import re

import mpmath

PYTHON = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "**": lambda x, y: x**y,
    "neg": lambda x: -x,
    "abs": abs,
    "exp": math.exp,
    "hold": lambda x: x,
    "hypot": math.hypot,
    "sech": lambda x: 1 / math.cosh(x),
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "sin": math.sin,
    "sqrt": math.sqrt,
    "tanh": math.tanh,
    "<=": lambda x, y: float(x <= y),
}


def number(expression):
    """Return the number of an expression, whose symbols have one."""
    if not expression.sign:
        return expression.number
    return float(PYTHON[expression.sign](*map(number, expression.operands)))


FUNCTIONS = vars(mpmath) | {
    "abs": abs,
    "max": max,
    "min": min,
    "where": lambda condition, x, y: x if condition else y,
    "detach": lambda x: x,
    "log2": lambda x: mpmath.log(x, 2),
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "maximum": max,
    "minimum": min,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log(1 + mpmath.exp(x)),
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
    "gelu": lambda x: x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2,
    "relu": lambda x: max(x, 0),
    "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
    "elu": lambda x, alpha: x if x > 0 else alpha * mpmath.expm1(x),
    "clip": lambda x, low, high: min(max(x, low), high),
    "logsumexp": lambda *xs: mpmath.log(sum(map(mpmath.exp, xs))),
}  # fmt: skip


def evaluated(text, **numbers):
    """What mpmath makes of a formula; [x > y] is 1 or 0."""
    python = re.sub(r"\[([^]]*)\]", r"(mpf(1) * (\1))", text)
    exact = {name: mpmath.mpf(number) for name, number in numbers.items()}
    with mpmath.workdps(60):
        try:
            return float(eval(python, FUNCTIONS | {"mpf": mpmath.mpf}, exact))
        except NameError as error:
            error.add_note(f"mpmath has no {error.name}: say what it is in FUNCTIONS of tests/helpers/formulas.py")
            raise


def balanced(latex):
    depth = 0
    for brace in re.findall(r"\\[{}]|[{}]", latex):
        depth += {"{": 1, "}": -1}.get(brace, 0)
        assert depth >= 0
    return depth == 0 and latex.count(r"\left") == latex.count(r"\right")
