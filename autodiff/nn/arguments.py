"""What the arguments of this package may be, and the errors that say so."""

from __future__ import annotations

import math
import random
from numbers import Integral
from typing import Any

from autodiff.operands import real


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
        raise TypeError(f"{what} must be a name or a function, got {type(choice).__name__}: {choice!r}")
    return choice


def dice_of(seed: Any) -> Any:
    """Return the source of random numbers: of an integer seed, as given, or Python's global one.

    Raises:
        TypeError: if `seed` is neither an integer, nor a source of random numbers, nor None.
    """
    if seed is None:
        return random
    if isinstance(seed, Integral):
        return random.Random(int(seed))
    if not hasattr(seed, "gauss"):
        raise TypeError(f"seed must be a whole number or a random.Random, got {type(seed).__name__}: {seed!r}")
    return seed


def positive(name: str, count: Any) -> None:
    """Raise unless `count` is a whole number of at least 1."""
    if isinstance(count, bool) or not isinstance(count, Integral):
        raise TypeError(f"{name} must be a whole number, got {type(count).__name__}: {count!r}")
    if count < 1:
        raise ValueError(f"{name} must be at least 1, got {count}")


def check_range(name: str, number: Any, *, below: float = math.inf, positive: bool = False) -> float:
    """Return `number` as a float.

    Raises:
        TypeError: if it is not a real number.
        ValueError: if it is nan, negative (or 0, where it must be positive), or not below the bound.
    """
    checked = real(number)
    if not 0 <= checked < below or (positive and not checked):
        lower = "above 0" if positive else "at least 0"
        raise ValueError(f"{name} must be {lower} and below {below}, got {number!r}")
    return checked
