"""What a person calls the values of a graph: their labels, else the variables that hold them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from autodiff.nn.module import Module
from autodiff.value import Value

LONGEST_LIST = 1_000


def variables(frame: Any) -> dict[str, Any]:
    """Return the variables that the code of a frame sees and names itself, by name, the nearest first."""
    found = dict(frame.f_locals)
    for name, held in frame.f_globals.items():
        found.setdefault(name, held)
    # `_1` is IPython's, `@py_assert1` pytest's
    return {name: held for name, held in found.items() if name.isidentifier() and not name.startswith("_")}


def names_of(held: Mapping[str, Any]) -> dict[int, str]:
    """Return the name of each Value that a variable holds, itself or in a list or tuple: ``x``, ``xs[0]``; by `id`."""
    names: dict[int, str] = {}
    for name, thing in held.items():
        if isinstance(thing, Value):
            names.setdefault(id(thing), name)
    for name, thing in held.items():
        if isinstance(thing, list | tuple) and len(thing) <= LONGEST_LIST:
            for i, item in enumerate(thing):
                if isinstance(item, Value):
                    names.setdefault(id(item), f"{name}[{i}]")
    return names


def model_of(held: Iterable[Any], leaves: Iterable[Value]) -> Module | None:
    """Return the module among the variables that owns the most of the leaves; None if none owns any."""
    wanted = {id(leaf) for leaf in leaves}
    best, most = None, 0
    for thing in held:
        if isinstance(thing, Module):
            owned = sum(id(parameter) in wanted for parameter in thing.parameters())
            if owned > most:
                best, most = thing, owned
    return best
