"""What a person calls the values of a graph: their labels, else the variables that hold them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from autodiff.nn.module import Module
from autodiff.notation import clean
from autodiff.show.reading import sequence
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
    """Return the name of each Value without a label that a variable holds: ``x``, in a list ``xs[0]``; by `id`."""
    names: dict[int, str] = {}
    for name, thing in held.items():
        if isinstance(thing, Value) and not clean(thing.label):
            names.setdefault(id(thing), name)
    for name, thing in held.items():
        if isinstance(thing, list | tuple) and len(thing) <= LONGEST_LIST:
            for i, item in enumerate(thing):
                if isinstance(item, Value) and not clean(item.label):
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


def as_met(root: Value) -> list[Value]:
    """Return all nodes of a graph as a person who computes it meets them: first operands first, each before its use.

    So the first neuron of a layer comes before the second, and a layer before the next.
    """
    met: dict[int, Value] = {}
    for node in [node for node in sequence([root]) if node.op]:
        met.update({id(operand): operand for operand in (*node.parents, node) if id(operand) not in met})
    return list(met.values()) or [root]


def all_named(
    order: Sequence[Value], met: Sequence[Value], found: Mapping[int, str]
) -> tuple[dict[int, str], set[int]]:
    """Return a name for each node, by `id`, and the ids of those that only we have named.

    That is its label, else the variable that was found to hold it; else c1, c2, ... if it is a leaf, and v1, v2, ... if
    it was computed. A name that several nodes have is made their own, as they are met: ``w``, ``w#2``.

    Args:
        order: the operations, as they are computed.
        met: all nodes, as a person meets them.
        found: the names of variables, by `id`.
    """
    names = {id(node): label for node in met if (label := clean(node.label))}
    variables = {id(node): name for node in met if id(node) not in names and (name := clean(found.get(id(node), "")))}
    names |= variables
    taken = set(names.values())
    met_so_far: dict[str, int] = {}
    for key, name in names.items():
        met_so_far[name] = met_so_far.get(name, 0) + 1
        if met_so_far[name] > 1:
            while f"{name}#{met_so_far[name]}" in taken:
                met_so_far[name] += 1
            names[key] = f"{name}#{met_so_far[name]}"
            taken.add(names[key])
    ours = {id(node) for node in met} - set(names)
    for letter, nodes in (("c", [node for node in met if not node.op]), ("v", order)):
        free = (name for name in map(f"{letter}{{}}".format, count(1)) if name not in taken)
        for node in nodes:
            if id(node) in ours:
                names[id(node)] = next(free)
    return names, ours
