"""What stands in a box: names, numbers, signs and operands of a node, or of a module, as people read them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from autodiff.notation import clean, short
from autodiff.operands import flat
from autodiff.show.fold import Use as Folded
from autodiff.show.records import Use
from autodiff.show.scene import Box
from autodiff.value import Value

MOST_TERMS = 12  # in the box of a `dot`; with more operands they are not told apart
ALIKE = {"+", "*", "sum", "mean", "prod", "max", "maximum", "minimum", "hypot", "logsumexp"}  # in any order


def name_of(node: Value, names: Mapping[int, str], longest: int = 40) -> str:
    """Return what a person calls a node: what `names` has for it, else its label, else nothing."""
    return clean(names.get(id(node), ""), longest) or clean(node.label, longest)


def _sign(node: Value, spec: str) -> str:
    """Return the operation's own sign, with the parameters that it was given: ``**2``, ``clip 0, 1``."""
    name, n = clean(node.op.name), node.op.parameters
    given = ", ".join([short(x, spec) for x in node.numbers[-n:]]) if n else ""
    return f"{name}{given}" if name == "**" or not n else f"{name} {given}"


def _gradient(gradient: float | None, spec: str) -> str:
    return "grad not yet" if gradient is None else f"grad {short(gradient, spec)}"


def node_box(
    node: Value, id_: str, names: Mapping[int, str], owner: str, spec: str, number: float, is_root: bool
) -> Box:
    """Return the box of a node; `owner` is the module to name with it, `number` its own in the forward pass."""
    name, gradient = name_of(node, names), node._grad
    made = node.op is not None
    now = "" if number == node.data or number != number else f" (now {short(node.data, spec)})"
    full = " = ".join([part for part in (name_of(node, names, 200), written(node, names), f"{number!r}{now}") if part])
    rows = [("name", name)] if name else []
    rows += [("detail", clean(owner))] if owner else []
    rows += [("data", short(number, spec) + now), ("gradient", _gradient(gradient, spec))]
    return Box(
        id_,
        kind=("output" if is_root else "operation") if made else "leaf" if name else "constant",
        sign=_sign(node, spec) if made else "",
        rows=tuple(rows),
        ports=tuple(entrances(node, names)[0]) if made else (),
        tooltip=f"{full}, {_gradient(gradient, '')}",
        gradient=None if gradient is None else abs(gradient),
    )


def written(node: Value, names: Mapping[int, str]) -> str:
    """Return what a node was computed by, with the names of its operands, else their numbers: ``w * x``."""
    if not node.op:
        return ""
    operands = {
        id(p): name_of(p, names) or short(x) for p, x in zip(node.parents, flat(node.numbers[1:]), strict=False)
    }
    return str(Use(node, operands, {}).formula)


def entrances(node: Value, names: Mapping[int, str]) -> tuple[list[str], list[int]]:
    """Return the texts of the entrances of a box, and for each operand which it takes; nothing where all are alike.

    A `dot` has its terms, weight by input, then the bias: ``w0·x0 = 6``; a difference has its two operands, in order.
    """
    if len(node.parents) < 2 or node.op.name in ALIKE or len(node.parents) > 2 * MOST_TERMS + 1:
        return [], []
    operands = flat(node.numbers[1:])
    called = [name_of(parent, names, 8) or short(x, ".3g") for parent, x in zip(node.parents, operands, strict=False)]
    if not isinstance(node.numbers[1], tuple):
        return called, list(range(len(called)))
    _, weights, inputs, *bias = node.numbers
    n = len(weights)
    factors = [f"({text})" if text.startswith("-") else text for text in called]
    terms = [f"{factors[i]}·{factors[n + i]} = {short(weights[i] * inputs[i], '.3g')}" for i in range(n)]
    terms += [f"{called[-1]} = {short(b, '.3g')}" if name_of(node.parents[-1], names) else called[-1] for b in bias]
    return terms, [*range(n), *range(n), *[n for _ in bias]]


def module_box(use: Folded, id_: str, consumers: Mapping[int, Sequence[Value]], spec: str) -> Box:
    """Return the box of a use of a module that is folded."""
    inside = {id(node) for node in use.nodes}
    users = [[user for user in consumers.get(id(node), ()) if id(user) not in inside] for node in use.nodes]
    outputs = [node for node, outside in zip(use.nodes, users, strict=True) if outside or id(node) not in consumers]
    known = [parameter._grad for parameter in use.parameters if parameter._grad is not None]
    gradient = math.hypot(*known) if known else None
    rows = [("name", clean(use.path) or use.kind)]
    rows += [("data", short(outputs[0].data, spec) if len(outputs) == 1 else f"{len(outputs)} outputs")]
    rows += [("detail", f"{len(use.parameters)} parameter{'s' if len(use.parameters) != 1 else ''}")]
    rows += [("gradient", _gradient(gradient, spec).replace("grad", "|grad|"))]
    tooltip = (
        f"{use.kind} {clean(use.path, 200)}: {len(use.nodes)} nodes; |grad| is the norm of its parameters' gradients"
    )
    return Box(id_, "module", use.kind if use.path else "", tuple(rows), tooltip=tooltip, gradient=gradient)
