"""What an operation may be applied to: real numbers, one by one or in groups."""

from __future__ import annotations

import numbers
import reprlib
from collections.abc import Callable, Iterable
from typing import Any

NO_NUMBERS = ("__len__", "apply", "gradient")  # what arrays, nodes and dual numbers have, beside `__float__`


def real(number: Any) -> float:
    """Return `number` as a float.

    Raises:
        TypeError: for anything that is not one real number (text, None, complex, sequences, arrays, nodes).
        OverflowError: for an integer that no float can hold.
    """
    kind = type(number)
    if kind is float:
        return number  # type: ignore[no-any-return]  # `kind` has just said so
    try:
        if kind is int:
            return float(number)
        answer, cause = _converted(number) if _may_be_one(number) else (None, None)
        if answer is not None:
            return answer
    except OverflowError:
        digits = reprlib.repr(number) if kind is not int or number.bit_length() < 9000 else "of thousands of digits"
        raise OverflowError(f"the {kind.__name__} {digits} is too large for a float: at most 1.8e308 fits") from None
    given = f"{kind.__name__}: {reprlib.repr(number)}"
    raise TypeError(f"expected one real number, such as 3 or 0.5, got {given}") from cause


def _may_be_one(thing: Any) -> bool:
    """Return whether something may be read as one real number: no complex number, array, node or dual number."""
    if isinstance(thing, numbers.Complex):  # of which some real ones have a length, in bits
        return isinstance(thing, numbers.Real)
    kind = type(thing)
    return hasattr(kind, "__float__") and not any([hasattr(kind, attribute) for attribute in NO_NUMBERS])


def _converted(thing: Any) -> tuple[float | None, Exception | None]:
    """Return the float of something of another library, or None and why not: it may stand for no number."""
    try:
        answer = float(thing)
    except (OverflowError, MemoryError, RecursionError):
        raise
    except Exception as error:  # each library has an error of its own for a symbol, an interval, a missing value
        return None, error
    is_number = answer == answer or isinstance(thing, numbers.Number)  # a symbol of CasADi answers nan
    return (answer if is_number else None), None


def flat(operands: Iterable[Any]) -> list[Any]:
    """Return the operands one by one, those too that a row takes as a group."""
    return [x for item in operands for x in (item if isinstance(item, tuple) else (item,))]


def each(function: Callable[[Any], Any], operands: Iterable[Any]) -> tuple[Any, ...]:
    """Return the operands with `function` applied to each, in the same groups."""
    return tuple([tuple(map(function, x)) if isinstance(x, tuple) else function(x) for x in operands])


def several(name: str, things: Any, of: str = "numbers") -> list[Any]:
    """Return the things of an iterable as a list.

    Raises:
        TypeError: if there is one thing alone; text is one, though Python would take it letter by letter.
    """
    if isinstance(things, str | bytes) or not hasattr(type(things), "__iter__"):
        given = f"{type(things).__name__}: {reprlib.repr(things)}"
        raise TypeError(f"{name} must be several {of}, such as a list of them, got {given}")
    return list(things)
