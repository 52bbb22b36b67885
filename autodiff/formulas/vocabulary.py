"""The words of formulas that come from outside: functions, what else people call them, constants, and foreign signs.

The functions are those of `autodiff.engine` that answer a number, so that a new operation is read at once.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from difflib import get_close_matches
from types import ModuleType
from typing import Any

from autodiff.engine import functions, reductions


def _public(module: ModuleType) -> dict[str, Callable[..., Any]]:
    """Return the public functions of a module that answer one number: not `softmax`, which answers a list."""
    public = {name: f for name, f in vars(module).items() if inspect.isfunction(f) and not name.startswith("_")}
    own = {name: f for name, f in public.items() if f.__module__ == module.__name__}
    return {name: f for name, f in own.items() if not str(f.__annotations__.get("return")).startswith("list")}


FUNCTIONS: dict[str, Callable[..., Any]] = dict(sorted((_public(functions) | _public(reductions)).items()))

_CALLED = {  # as calculus texts and NumPy call them
    "log": ("ln",),
    "sign": ("sgn",),
    **{f"a{name}": (f"arc{name}",) for name in ("sin", "cos", "tan", "tan2")},
    **{f"a{name}": (f"ar{name}", f"arc{name}") for name in ("sinh", "cosh", "tanh")},
}
ALIASES = {alias: FUNCTIONS[name] for name, aliases in _CALLED.items() if name in FUNCTIONS for alias in aliases}
CONSTANTS = {"pi": math.pi, "π": math.pi, "e": math.e}  # unless a value is given for the name

INSTEAD = {  # of functions that there are not
    "pow": "x**y", "power": "x**y", "square": "x**2", "sec": "1/cos(x)", "csc": "1/sin(x)", "cot": "1/tan(x)",
}  # fmt: skip
SIGNS = {  # of texts that were written for people
    "×": "*", "·": "*", "⋅": "*", "∗": "*", "÷": "/", "−": "-", "–": "-", "²": "**2", "³": "**3", "√": "sqrt(x)",
}  # fmt: skip


def function_called(name: str) -> Callable[..., Any] | None:
    """Return the function that people call so: `log` for ``ln``.

    >>> function_called("ln") is function_called("log"), function_called("tahn")
    (True, None)
    """
    return FUNCTIONS.get(name) or ALIASES.get(name)


def unknown_function(name: str) -> str:
    """Return what to say of a function that there is not.

    >>> print(unknown_function("tahn"))
    unknown function 'tahn': did you mean tan or tanh or atan?
    """
    words = [*FUNCTIONS, *ALIASES]
    near = [name.lower()] if name.lower() in words else get_close_matches(name.lower(), words)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(FUNCTIONS)}"
    return f"unknown function {name!r}: {f'write {INSTEAD[name]}' if name in INSTEAD else hint}"
