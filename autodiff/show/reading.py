"""A graph as a scene: which of its nodes have a box, and which arrows lead where.

It knows how people read a graph, first operands first. It knows neither DOT nor SVG nor colours.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from autodiff.notation import PARTIAL, clean, short
from autodiff.operands import flat
from autodiff.show.boxes import entrances, module_box, node_box, written
from autodiff.show.fold import Use
from autodiff.show.scene import Arrow, Scene
from autodiff.value import Value


def read(
    roots: Sequence[Value],
    names: Mapping[int, str],
    owners: Mapping[int, str],
    uses: Sequence[Use],
    *,
    spec: str = ".6g",
    local_derivatives: bool = False,
) -> Scene:
    """Return the scene of the graph of `roots`.

    Args:
        roots: the outputs.
        names: what variables hold nodes, by `id`.
        owners: the path of the module that holds each parameter, by `id`.
        uses: what is folded into one box each.
        spec: the format of numbers.
        local_derivatives: whether they are written on the arrows.
    """
    scene = Scene()
    unit: dict[int, Value | Use] = {id(node): use for use in uses for node in use.nodes}
    nodes = sequence(roots)
    consumers: dict[int, list[Value]] = {}
    numbers: dict[int, float] = {}  # of the forward pass
    for node in nodes:
        made, *operands = flat(node.numbers) if node.op else [node.data]
        numbers.setdefault(id(node), made)
        numbers.update({id(p): x for p, x in zip(node.parents, operands, strict=False) if not p.op})
        for parent in node.parents:
            consumers.setdefault(id(parent), []).append(node)
    within: set[int] = set()
    for parameter in {id(parameter): parameter for use in uses for parameter in use.parameters}.values():
        users = [unit.get(id(node)) for node in consumers.get(id(parameter), ())]
        folded = {id(user): user for user in users if user is not None}
        if folded and (len(folded) == 1 or None not in users):
            unit[id(parameter)] = next(iter(folded.values()))  # no box of its own
            if len(folded) > 1:
                within.add(id(parameter))  # of several uses, between which it is no arrow
    ids: dict[int, str] = {}
    parameters = [
        clean(node.label) or names.get(id(node), "") for node in nodes if id(node) in owners and id(node) not in unit
    ]
    alike = len(set(parameters)) < len(parameters)  # which w0 it is, must be said
    for node in sorted(nodes, key=lambda node: node.op is None and id(node) in unit):  # a module is where its nodes are
        thing = unit.setdefault(id(node), node)
        if id(thing) not in ids:
            ids[id(thing)] = id_ = f"n{len(ids)}"
            if isinstance(thing, Use):
                scene.boxes.append(module_box(thing, id_, consumers, spec))
            else:
                owner = owners.get(id(node), "") if alike else ""
                scene.boxes.append(
                    node_box(thing, id_, names, owner, spec, numbers[id(node)], any(thing is root for root in roots))
                )
        scene.box_of[id(node)] = ids[id(thing)]
    for node in nodes:
        _add_arrows(scene, node, unit, within, names, spec, local_derivatives)
    return scene


def sequence(roots: Sequence[Value]) -> list[Value]:
    """Return all nodes as people read them: first operands first, each leaf just before it is first used."""
    seen: set[int] = set()
    nodes = []
    waiting = [(root, False) for root in reversed(roots)]
    while waiting:
        node, operands_done = waiting.pop()
        if operands_done:
            nodes.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            waiting.append((node, True))
            waiting += [(parent, False) for parent in reversed(node.parents)]
    return nodes


def _add_arrows(
    scene: Scene,
    node: Value,
    unit: Mapping[int, Value | Use],
    within: Collection[int],
    names: Mapping[int, str],
    spec: str,
    local_derivatives: bool,
) -> None:
    if node.op is None:
        return
    head, head_id = unit[id(node)], scene.box_of[id(node)]
    slopes = node.local_derivatives() if head is node else ()
    _, ports = entrances(node, names) if head is node else ([], [])
    formula = written(node, names) if head is node else ""
    for i, parent in enumerate(node.parents):
        tail, tail_id = unit[id(parent)], scene.box_of[id(parent)]
        if tail is head or id(parent) in within:
            continue
        if head is node:
            id_ = f"e{head_id[1:]}-{i}"
            label = f"{PARTIAL} {short(slopes[i], spec)}" if local_derivatives else ""
            words = f"operand {i + 1} of {formula}, local derivative {short(slopes[i], '')}"
            scene.arrows.append(Arrow(id_, tail_id, head_id, ports[i] if ports else None, label, words))
        else:  # one arrow from a box to a module, however many operands come from it
            id_ = f"e{head_id[1:]}-{tail_id}"
            if id_ not in scene.merged:
                scene.merged.add(id_)
                scene.arrows.append(Arrow(id_, tail_id, head_id))
        scene.arrow_of[id(node), i] = id_
