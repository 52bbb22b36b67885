"""What each operation answers at its kinks, ties and edges, as its docstring says it."""

from __future__ import annotations

import difflib
import inspect
import reprlib

from autodiff.engine import functions, reductions

# Of operators there is no docstring that anybody reads.
OPERATORS = {
    "/": "x/0 and 0/0 raise ZeroDivisionError.",
    "**": "0**0 is 1, with the slope 0 by both; 0**y is 0 for y > 0, with the slope 0 by y; 0 to a negative power "
    "raises ZeroDivisionError. A negative x has a power where the exponent is whole, and no slope by the exponent: "
    "nan. The type of the exponent decides nothing: x**2 is x**2.0.",
}


def conventions(name: str) -> str:
    """Return what an operation answers at its kinks, ties and edges, as text: the convention that its docstring states.

    A derivative at a kink is a convention, and other engines have others: the page "Where engines disagree" measures
    them. `name` is that of the function, or the sign of an operator, ``"/"`` or ``"**"``.

    >>> conventions("relu")
    'at 0 the slope is 0, that of the branch x <= 0; of nan, value and slope are nan.'
    >>> conventions("exp")
    'no kink, tie or edge.'

    Raises:
        TypeError: if `name` is no text.
        ValueError: if there is no such operation; it lists names that are near.
    """
    if not isinstance(name, str):
        raise TypeError(
            f'expected the name of an operation, such as "relu", got {type(name).__name__}: {reprlib.repr(name)}'
        )
    texts = {
        own: inspect.getdoc(function) or ""
        for room in (functions, reductions)
        for own, function in vars(room).items()
        if inspect.isfunction(function) and function.__module__ == room.__name__ and not own.startswith("_")
    }
    if name in OPERATORS:
        return OPERATORS[name]
    if name not in texts:
        near = difflib.get_close_matches(name, [*texts, *OPERATORS], n=4, cutoff=0.5)
        hint = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join([*texts, *OPERATORS])}"
        raise ValueError(f"there is no operation {reprlib.repr(name)}: {hint}")
    paragraphs = [paragraph for paragraph in texts[name].split("\n\n") if paragraph.startswith("Convention: ")]
    return " ".join(paragraphs[0].removeprefix("Convention: ").split()) if paragraphs else "no kink, tie or edge."
