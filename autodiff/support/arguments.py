"""What arguments may be, and the errors that say so: what was given, what was expected.

It knows numbers, functions, seeds, and nothing of what they are for.
"""

from __future__ import annotations

import math
import random
import reprlib
from collections.abc import Collection
from numbers import Integral
from typing import Any

from autodiff.support.operands import real


def got(given: Any) -> str:
    """Return what was given, for a message: its type and itself, shortened."""
    return f"got {type(given).__name__}: {reprlib.repr(given)}"


def chosen(what: str, choice: Any, table: dict[str, Any]) -> Any:
    """Return the function that `choice` names in `table`, or is.

    Raises:
        ValueError: for a name that is not in the table.
        TypeError: for what is neither a name nor a function.
    """
    if isinstance(choice, str):
        if choice not in table:
            raise ValueError(f"unknown {what} {choice!r}: choose one of {', '.join(table)}, or give a function")
        return table[choice]
    if not callable(choice):
        raise TypeError(f"{what} must be a name or a function, {got(choice)}")
    return choice


def check_function(name: str, given: Any) -> None:
    """Raise `TypeError` unless `given` can be called."""
    if not callable(given):
        raise TypeError(f"{name} must be a function, {got(given)}")


def check_choice(name: str, given: Any, known: Collection[Any]) -> None:
    """Raise `ValueError` unless `given` is one of those that are known."""
    if given not in known:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}, got {reprlib.repr(given)}")


def check_flag(name: str, given: Any) -> None:
    """Raise `TypeError` unless `given` is True or False: the text "no" would count as true."""
    if not isinstance(given, bool):
        raise TypeError(f"{name} must be True or False, {got(given)}")


def check_executor(given: Any) -> None:
    """Raise `TypeError` unless `given` has `submit`, as the executors of `concurrent.futures` have."""
    if isinstance(given, type) or not callable(getattr(given, "submit", None)):
        raise TypeError(f"executor must have submit, as concurrent.futures.ThreadPoolExecutor(2) has, {got(given)}")


def rng_of(seed: Any) -> Any:
    """Return the source of random numbers: of an integer seed, as given, or Python's global one.

    Raises:
        TypeError: if `seed` is neither an integer, nor a source of random numbers, nor None.
    """
    if seed is None:
        return random
    if isinstance(seed, Integral):
        return random.Random(int(seed))
    if not hasattr(seed, "gauss"):
        raise TypeError(f"seed must be a whole number or a random.Random, {got(seed)}")
    return seed


def positive(name: str, count: Any) -> None:
    """Raise unless `count` is a whole number of at least 1."""
    if isinstance(count, bool) or not isinstance(count, Integral):
        raise TypeError(f"{name} must be a whole number, {got(count)}")
    if count < 1:
        raise ValueError(f"{name} must be at least 1, got {reprlib.repr(count)}")


def number(name: str, given: Any) -> float:
    """Return a real number as a float; anything else raises `TypeError`, or `OverflowError` if no float can hold it."""
    try:
        return real(given)
    except (TypeError, OverflowError) as error:
        raise type(error)(f"{name}: {error}") from None


def finite(name: str, given: Any) -> float:
    """Return a finite number as a float; nan and inf raise `ValueError`."""
    checked = number(name, given)
    if not math.isfinite(checked):
        raise ValueError(f"{name} must be a finite number, got {checked}")
    return checked


def check_range(name: str, given: Any, *, below: float = math.inf, positive: bool = False) -> float:
    """Return `given` as a float.

    Raises:
        TypeError: if it is not a real number.
        ValueError: if it is nan, negative (or 0, where it must be positive), or not below the bound.
    """
    checked = number(name, given)
    if not 0 <= checked < below or (positive and not checked):
        lower = "above 0" if positive else "at least 0"
        raise ValueError(f"{name} must be {lower} and below {below}, got {given!r}")
    return checked
