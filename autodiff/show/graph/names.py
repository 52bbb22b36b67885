"""What a person calls the values of a graph: their labels, else the variables that hold them, else their place.

Drawings, stories and derivations all take their names from `naming`, so that a node has one name in all of them. The
place of a weight is ``w[1][2,0]``: layer 1, neuron 2, input 0, all counted from 0 as in ``model.layers[1].neurons[2]``;
that of its bias is ``b[1][2]``, that of what it computes ``z[1][2]`` before its activation and ``a[1][2]`` after it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from autodiff.engine.value import Value
from autodiff.nn.module import Module
from autodiff.show.graph.modules import neurons
from autodiff.show.graph.traversal import as_met
from autodiff.support.labels import clean

MAX_LIST = 1_000  # items; a longer list gives them no names


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
        if isinstance(thing, list | tuple) and len(thing) <= MAX_LIST:
            for i, item in enumerate(thing):
                if isinstance(item, Value) and not clean(item.label):
                    names.setdefault(id(item), f"{name}[{i}]")
    return names


def name_of(node: Value, names: Mapping[int, str], longest: int = 40) -> str:
    """Return what a person calls a node: what `names` has for it, else its label, else nothing."""
    return clean(names.get(id(node), ""), longest) or clean(node.label, longest)


def naming(
    order: Sequence[Value], met: Sequence[Value], held: Mapping[str, Any], model: Module | None
) -> tuple[dict[int, str], set[int]]:
    """Return a name for each node, by `id`, and the ids of those that only we have named.

    That is the place of a parameter, if a neuron of a layer gave it its label or others in the model have that, too;
    else its label, else the variable that holds it, else the place of what a neuron computes; else c1, c2, ... if it is
    a leaf, and v1, v2, ... if it was computed. A name that several nodes have is made their own, as they are met, so
    that the second ``w`` is ``w#2``.

    Args:
        order: the operations, as they are computed.
        met: all nodes, as a person meets them.
        held: the variables, by name.
        model: the module that owns the parameters, if there is one.
    """
    parameters, made = ({}, {}) if model is None else _places(order, model)
    labels = {id(node): label for node in met if (label := clean(node.label))}
    candidates = (parameters, labels, names_of(held), made)
    called = [(id(node), next(filter(None, [names.get(id(node)) for names in candidates]), "")) for node in met]
    names = {key: name for key, text in called if (name := clean(text))}
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


def shown_names(
    roots: Sequence[Value], order: Sequence[Value], held: Mapping[str, Any], model: Module | None
) -> dict[int, str]:
    """Return the names that boxes show, by `id`: none of a leaf that nobody named, which shows its number."""
    met = as_met(roots)
    names, ours = naming(order, met, held, model)
    return {id(node): names[id(node)] for node in met if node.op or id(node) not in ours}


def _places(order: Sequence[Value], model: Module) -> tuple[dict[int, str], dict[int, str]]:
    """Return the places of parameters whose labels do not tell them apart, and of what neurons compute, by `id`."""
    named = list(model.named_parameters())
    labels = Counter([parameter.label for _, parameter in named])
    shared = {label for label, times in labels.items() if times > 1 or not label}
    parameters = {
        id(parameter): place(path)
        for path, parameter in named
        if parameter.label in shared or _is_in_network(path, parameter.label)
    }
    paths = {path for path, _ in named}
    made: dict[int, str] = {}
    uses: Counter[str] = Counter()
    for use in neurons(order, model):
        dotted = f"{use.path}." if use.path else ""
        if f"{dotted}weights.0" in paths:
            uses[use.path] += 1
            sample = f"#{uses[use.path]}" if uses[use.path] > 1 else ""
            made[id(use.nodes[-1])] = place(f"{dotted}a") + sample
            made[id(use.end)] = place(f"{dotted}z") + sample
    return parameters, made


def _is_in_network(path: str, label: str) -> bool:
    """Return whether a parameter has the label that a `Neuron` gives it, which is none of the model itself."""
    return path.endswith((f".weights.{label[1:]}", ".bias")) and re.fullmatch(r"w\d+|b", label) is not None


OF_NEURON = re.compile(r"(?:(.*?)\.)??(?:layers\.(\d+)\.)?(?:neurons\.(\d+)\.)?(?:weights\.(\d+)|(bias|z|a))")


def place(path: str) -> str:
    """Return the place that a path in a model leads to: of layers and neurons only the numbers are said.

    >>> place("layers.1.neurons.2.weights.0"), place("encoder.layers.0.neurons.3.bias"), place("blocks.0.slope")
    ('w[1][2,0]', 'encoder.b[0][3]', 'blocks[0].slope')
    """
    match = OF_NEURON.fullmatch(path)
    if not match:
        return re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", path)
    around, layer, neuron, weight, letter = match.groups()
    within = ",".join(filter(None, [neuron, weight]))
    before = f"{place(around)}." if around else ""
    return before + (letter or "w")[0] + (f"[{layer}]" if layer else "") + (f"[{within}]" if within else "")
