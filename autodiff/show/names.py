"""What a person calls the values of a graph: their labels, else the variables that hold them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from autodiff.nn.module import Module
from autodiff.notation import short
from autodiff.show.text import clean
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


def all_named(
    order: Sequence[Value], leaves: Sequence[Value], found: Mapping[int, str]
) -> tuple[dict[int, str], set[int]]:
    """Return a name for each node, by `id`, and the ids of those that only we have named.

    That is its label, else the variable that was found to hold it, unless that is the label of another node; else its
    number if it is a leaf, else v1, v2, ... A label that several nodes have is made their own: ``w``, ``w#2``.
    """
    nodes = [*leaves, *order]
    names = {id(node): label for node in nodes if (label := clean(node.label))}
    taken = set(names.values())
    met: dict[str, int] = {}
    for key, label in names.items():
        met[label] = met.get(label, 0) + 1
        if met[label] > 1:
            while f"{label}#{met[label]}" in taken:
                met[label] += 1
            names[key] = f"{label}#{met[label]}"
            taken.add(names[key])
    for node in nodes:
        variable = clean(found.get(id(node), ""))
        if variable and variable not in taken:
            names.setdefault(id(node), variable)
    ours = {id(node) for node in nodes} - set(names)
    taken |= set(names.values())
    free = (name for name in map("v{}".format, count(1)) if name not in taken)
    for leaf in leaves:
        names.setdefault(id(leaf), short(leaf.data))
    for node in order:
        if id(node) not in names:
            names[id(node)] = next(free)
    return names, ours
