"""Which nodes of a graph are uses of which module: of a neuron, a layer, a model.

A graph does not say so; it is read from its structure. It knows modules, their parameters and, where a module has one,
its activation; it knows nothing of drawing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from autodiff.nn.module import Module
from autodiff.order import walk
from autodiff.value import Value

LEVELS = ("none", "neuron", "layer", "model")  # from all scalars to a single box


@dataclass(eq=False)
class Use:
    """One use of a module, on one sample.

    Attributes:
        path: the module's path in the model, such as ``layers.0``; empty for the model itself.
        kind: the name of its class.
        parameters: those of the module.
        nodes: the interior nodes that it made, parents first.
        end: the first node that depends on all parameters it holds itself; its activation comes after it.
        parts: the paths of the modules in it that hold parameters themselves.
    """

    path: str
    kind: str
    parameters: list[Value]
    nodes: list[Value]
    end: Value
    parts: set[str] = field(default_factory=set)


def fold(order: Sequence[Value], model: Module, level: str, expand: Collection[str]) -> list[Use]:
    """Return the uses of modules at a level, of the graph whose interior nodes are `order`, parents first.

    A neuron is any module that holds parameters itself; a layer is the module around it; the model is the outermost. A
    module in `expand`, or around one, is shown as what is in it.

    Raises:
        ValueError: if `expand` names no module of the model.
    """
    modules = dict(model.named_modules())
    for name in expand:
        if name not in modules:
            raise ValueError(f"expand={name!r}: the model has no such module; it has {', '.join(list(modules)[1:])}")
    uses = {id(use.end): use for use in neurons(order, model)}
    parameters = {path: module.parameters() for path, module in modules.items()}
    groups: list[Use] = []
    sharing: dict[tuple[str, int], int] = {}  # the latest group of a path that has a node as an input
    reached: dict[int, int] = {}  # the groups that a node depends on, as bits
    for node in order:
        before = 0
        for parent in node.parents:
            before |= reached.get(id(parent), 0)
        use = uses.get(id(node))
        path = _shown(use.path, modules, level, expand) if use else None
        if use and path is not None:
            own = {id(value) for value in (*use.parameters, *use.nodes)}
            inputs = {id(parent) for made in use.nodes for parent in made.parents} - own
            for i in inputs:
                before |= reached.get(i, 0)
            near = [n for n in _bits(before) if groups[n].path == path]
            near += [sharing[path, i] for i in inputs if (path, i) in sharing]
            place = next((n for n in sorted(near, reverse=True) if use.path not in groups[n].parts), len(groups))
            if place == len(groups):
                groups.append(Use(path, type(modules[path]).__name__, parameters[path], [], node))
            groups[place].nodes += use.nodes
            groups[place].parts.add(use.path)
            sharing.update({(path, i): place for i in inputs})
            before |= 1 << place
        reached[id(node)] = before
    _close(order, groups)
    return groups


def _bits(mask: int) -> list[int]:
    """Return the places of the bits that are set.

    >>> _bits(0b1010)
    [1, 3]
    """
    places = []
    while mask:
        places.append((mask & -mask).bit_length() - 1)
        mask &= mask - 1
    return places


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


def neurons(order: Sequence[Value], model: Module) -> list[Use]:
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
    consumers: dict[int, list[Value]] = defaultdict(list)
    for node in order:
        for parent in node.parents:
            consumers[id(parent)].append(node)
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
            nodes = _on_the_way(node, path, begun) + _activation(modules[path], node, consumers)
            uses.append(Use(path, type(modules[path]).__name__, parameters[path], nodes, node, {path}))
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


def _activation(module: Module, z: Value, consumers: dict[int, list[Value]]) -> list[Value]:
    """Return the nodes that the module's activation made of z: those that it makes again of a leaf with z's number."""
    activation = getattr(module, "activation", None)
    if not callable(activation):
        return []
    probe = Value(z.data)
    try:
        again = activation(probe)
    except Exception:  # in a module of one's own it may be anything by that name
        return []
    order, _ = walk(again) if isinstance(again, Value) else ([], [])
    twins = {id(probe): z}
    for made in order:
        known = [twins[id(parent)] for parent in made.parents if id(parent) in twins]
        twin = next((node for node in consumers[id(known[0])] if _alike(node, made, twins)), None) if known else None
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


def _shown(path: str, modules: dict[str, Module], level: str, expand: Collection[str]) -> str | None:
    """Return the path of the module, around the one at `path` or itself, that is folded; None if none is."""
    parts = path.split(".") if path else []
    around = [".".join(parts[:n]) for n in range(len(parts) + 1)]
    around = [candidate for candidate in around if candidate in modules]
    start = {"model": 0, "layer": max(len(around) - 2, 0), "neuron": len(around) - 1}[level]
    for candidate in around[start:]:
        if not any(name == candidate or name.startswith(f"{candidate}." if candidate else "") for name in expand):
            return candidate
    return None


def _close(order: Sequence[Value], groups: Sequence[Use]) -> None:
    """Add to each group the nodes between its own, such as a softmax in a model: no path leaves and comes back."""
    inside = {id(node): group for group in groups for node in group.nodes}
    bit = {group: 1 << i for i, group in enumerate(groups)}
    after: dict[int, int] = {}
    for node in order:
        reach = bit[inside[id(node)]] if id(node) in inside else 0
        for parent in node.parents:
            reach |= after.get(id(parent), 0)
        after[id(node)] = reach
    before: dict[int, int] = defaultdict(int)
    for node in reversed(order):
        own = inside.get(id(node))
        between = after[id(node)] & before[id(node)]
        if own is None and between:
            own = groups[(between & -between).bit_length() - 1]
            own.nodes.append(node)
        reach = before[id(node)] | (bit[own] if own else 0)
        for parent in node.parents:
            before[id(parent)] |= reach
