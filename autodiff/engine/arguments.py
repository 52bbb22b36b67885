"""Values as arguments, and the errors that say so."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Any

from autodiff.engine.value import Value
from autodiff.support.operands import several


def named_values(name: str, given: Any) -> list[tuple[str, Value]]:
    """Return Values with their names, in order, from whatever holds them: one, several, a mapping or a module.

    A module (whatever has `parameters()`) names its parameters by their paths, a mapping by its keys; of all others the
    name is the label, which may be empty.

    >>> named_values("parameters", {"slope": Value(2.0)})
    [('slope', Value(data=2.0))]

    Args:
        name: what the argument is called, for the message.
        given: what the caller was given for it.

    Raises:
        TypeError: if they are something else, with what was given.
    """
    if isinstance(given, Value):
        return [(given.label, given)]
    if isinstance(given, Mapping):
        named = [(str(key), value) for key, value in given.items()]
    else:
        is_module = callable(getattr(given, "parameters", None)) and not isinstance(given, type)
        values = given.parameters() if is_module else several(name, given, "Values")
        by_path = given.named_parameters() if is_module and hasattr(given, "named_parameters") else ()
        paths: dict[int, str] = {id(value): path for path, value in by_path}
        named = [(paths.get(id(value), "") or getattr(value, "label", ""), value) for value in values]
    for own, value in named:
        if not isinstance(value, Value):
            where = f" for {own!r}" if own else ""
            raise TypeError(f"{name} must be Values, got {type(value).__name__}{where}: {reprlib.repr(value)}")
    return named


def values_of(name: str, given: Any) -> list[Value]:
    """Return Values as a list: of one alone, of several, of a mapping; a module is to be asked for its parameters.

    Raises:
        TypeError: if they are something else, with what to do.
    """
    if hasattr(given, "parameters"):
        raise TypeError(f"expected Values, got a {type(given).__name__}: give its .parameters()")
    return [value for _, value in named_values(name, given)]
