"""Which nodes of a graph are uses of which module: of a neuron, a layer, a model.

A graph does not say so; it is read from its structure. It knows nothing of drawing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from autodiff.engine.value import Value
from autodiff.nn.module import Module
from autodiff.show.graph.modules import ModuleUse, neurons

LEVELS = ("none", "neuron", "layer", "model")  # from all scalars to a single box


def fold(order: Sequence[Value], model: Module, level: str, expand: Collection[str]) -> list[ModuleUse]:
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
    groups: list[ModuleUse] = []
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
                groups.append(ModuleUse(path, type(modules[path]).__name__, parameters[path], [], node))
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


def _close(order: Sequence[Value], groups: Sequence[ModuleUse]) -> None:
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
