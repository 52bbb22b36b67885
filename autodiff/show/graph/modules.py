"""Which module the leaves of a graph belong to, and which of its nodes are uses of which neuron.

A graph does not say so; it is read from its structure. It knows modules, their parameters and, where a module has one,
its activation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from autodiff.engine.backward import toposort
from autodiff.engine.value import Value
from autodiff.nn.module import Module
from autodiff.show.graph.traversal import users_of


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


def owners(model: Module) -> dict[int, str]:
    """Return the path of the module that holds each parameter itself, by the parameter's `id`."""
    modules = dict(model.named_modules())
    owner = {}
    for name, parameter in model.named_parameters():
        path = name.rpartition(".")[0]
        while path not in modules:  # through lists
            path = path.rpartition(".")[0]
        owner[id(parameter)] = path
    return owner


@dataclass(eq=False)
class ModuleUse:
    """One use of a module, on one sample.

    Attributes:
        path: the module's path in the model, such as ``layers.0``; empty for the model itself.
        class_name: the name of its class.
        parameters: those of the module.
        nodes: the interior nodes that it made, parents first.
        end: the first node that depends on all parameters it holds itself; its activation comes after it.
        parts: the paths of the modules in it that hold parameters themselves.
    """

    path: str
    class_name: str
    parameters: list[Value]
    nodes: list[Value]
    end: Value
    parts: set[str] = field(default_factory=set)


def neurons(order: Sequence[Value], model: Module) -> list[ModuleUse]:
    """Return each use of each module that holds parameters itself.

    It ends at the first node that depends on all these parameters, each of them met within it by something from outside
    (a penalty on weights alone is no use of a neuron); after that, it has the activation that the module names.
    """
    modules = dict(model.named_modules())
    parameters = {path: module.parameters() for path, module in modules.items()}
    owner = owners(model)
    own: dict[str, set[int]] = defaultdict(set)
    for i, path in owner.items():
        own[path].add(i)
    users = users_of(order)
    begun: dict[int, dict[str, set[int]]] = {}  # of a node on the way: the parameters met so far, by module
    uses = []
    for node in order:
        met: dict[str, set[int]] = defaultdict(set)
        for parent in node.parents:
            if id(parent) in owner:
                met[owner[id(parent)]].add(id(parent))
            for path, so_far in begun.get(id(parent), {}).items():
                met[path] |= so_far
        if not met or all(id(parent) in owner for parent in node.parents):
            continue
        complete = [path for path, so_far in met.items() if so_far == own[path]]
        if not complete:
            begun[id(node)] = met
        elif len(complete) == 1:
            (path,) = complete
            nodes = _on_the_way(node, path, begun) + _activation(modules[path], node, users)
            uses.append(ModuleUse(path, type(modules[path]).__name__, parameters[path], nodes, node, {path}))
    return uses


def _on_the_way(end: Value, path: str, begun: dict[int, dict[str, set[int]]]) -> list[Value]:
    """Return the nodes from a module's parameters to `end`, parents first."""
    found = {id(end): end}
    waiting = [end]
    while waiting:
        for parent in waiting.pop().parents:
            if path in begun.get(id(parent), {}) and id(parent) not in found:
                found[id(parent)] = parent
                waiting.append(parent)
    return list(reversed(found.values()))


def _activation(module: Module, z: Value, users: dict[int, list[Value]]) -> list[Value]:
    """Return the nodes that the module's activation made of z: those that it makes again of a leaf with z's number."""
    activation = getattr(module, "activation", None)
    if not callable(activation):
        return []
    probe = Value(z.data)
    try:
        again = activation(probe)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):  # it may be anything by that name
        return []
    order, _ = toposort(again) if isinstance(again, Value) else ([], [])
    twins = {id(probe): z}
    for made in order:
        known = [twins[id(parent)] for parent in made.parents if id(parent) in twins]
        twin = (
            next((node for node in users.get(id(known[0]), ()) if _alike(node, made, twins)), None) if known else None
        )
        if twin is None:
            return []
        twins[id(made)] = twin
    return [twins[id(made)] for made in order]


def _alike(node: Value, made: Value, twins: dict[int, Value]) -> bool:
    return (
        node.op is made.op
        and len(node.parents) == len(made.parents)
        and all(
            parent is twins[id(other)] if id(other) in twins else not parent.parents and parent.data == other.data
            for parent, other in zip(node.parents, made.parents, strict=True)
        )
    )
