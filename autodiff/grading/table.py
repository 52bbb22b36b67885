"""The mistakes that people make in an engine of their own, and nothing else: one row each.

A row says what was done, why it is wrong and where to look, and how the plain engine is bent so that it makes the
same mistake (see `autodiff.grading.planted`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from autodiff.grading.planted import ROWS, Planted, hand, numbers, slopes, value
from autodiff.mistakes.graph import Use
from autodiff.mistakes.table import ADDS_UP, CHAIN, MISCONCEPTIONS

Where = Literal["operation", "backward", "constructor", "__iadd__", "__radd__", "mean"]
SIGMOIDS = ("tanh", "sigmoid")
ACTIVATIONS = ("tanh", "sigmoid", "relu", "softplus", "silu")
CURVES = (*ACTIVATIONS, "exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "atan", "asin", "acos", "abs")
POWERS = ("**", "**v")
OPERATORS = ("+", "-", "*", "/", "**v")
BINARY = ("+", "-", "*", "/", "**v", "r-", "r/", "r**")


class Fault(NamedTuple):
    """One mistake.

    Attributes:
        name: what it is called.
        did: what was done.
        why: why it is wrong, and what is right.
        look: where to look for it.
        where: in the method of the operation, in the backward pass, in the constructor, or in the method that is named.
        hooks: how the plain engine is bent; empty where the mistake is seen in the engine itself.
        keys: the operations that it can be made in; none for all.
    """

    name: str
    did: str
    why: str
    look: str
    where: Where = "operation"
    hooks: Mapping[str, Callable[..., Any]] = MappingProxyType({})
    keys: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


def _only(*kept: int) -> Callable[[Planted, float], Iterator[tuple[Planted, float]]]:
    """Return the hook that gives a contribution to some of the operands alone."""

    def hand(node: Planted, incoming: float) -> Iterator[tuple[Planted, float]]:
        for i, (operand, slope) in enumerate(zip(node.operands, node.slopes(), strict=True)):
            if i in kept:
                yield operand, incoming * slope

    return hand


def _to_the_first(node: Planted, incoming: float) -> Iterator[tuple[Planted, float]]:
    for slope in node.slopes():
        yield node.operands[0], incoming * slope


def _gradients_for_data(*sides: int) -> Callable[[Planted, float], Iterator[tuple[Planted, float]]]:
    """Return the hook of a product that reads the gradient of the other operand, not its data, on some sides."""

    def hand(node: Planted, incoming: float) -> Iterator[tuple[Planted, float]]:
        x, y = node.operands
        yield x, incoming * (y.grad if 0 in sides else y.data)
        yield y, incoming * (x.grad if 1 in sides else x.data)

    return hand


def _set_of_operands(node: Planted, incoming: float) -> Iterator[tuple[Planted, float]]:
    seen = set()
    for operand, slope in zip(node.operands, node.slopes(), strict=True):
        if id(operand) not in seen:
            yield operand, incoming * slope
        seen.add(id(operand))


def _each(contribution: Callable[[Planted, float, float], float]) -> Callable[..., Any]:
    """Return the hook that computes each contribution from the node, the incoming gradient and the local derivative."""
    return lambda node, incoming: (
        (operand, contribution(node, incoming, slope))
        for operand, slope in zip(node.operands, node.slopes(), strict=True)
    )


Contribution = Callable[[Planted, float, float, float], float]  # from node, incoming, slope, the gradient until then


def _on(side: int, contribution: Contribution) -> Callable[..., Any]:
    """Return the hook that computes the contribution to one operand so, to the other as is right."""

    def hand(node: Planted, incoming: float) -> Iterator[tuple[Planted, float]]:
        for i, (operand, slope) in enumerate(zip(node.operands, node.slopes(), strict=True)):
            bent = i == side
            yield operand, contribution(node, incoming, slope, operand.grad) if bent else incoming * slope

    return hand


def _breadth_first(root: Planted) -> list[Planted]:
    met, waiting = [], [root]
    while waiting:
        node = waiting.pop(0)
        if node not in met:
            met.append(node)
            waiting += node.operands
    return met


def _depth_first(root: Planted) -> list[Planted]:
    met: list[Planted] = []

    def visit(node: Planted) -> None:
        if node not in met:
            met.append(node)
            for operand in node.operands:
                visit(operand)

    visit(root)
    return met


def _by_numbers(root: Planted) -> list[Planted]:
    """Return the right order, of nodes that are told apart by their numbers."""
    met, done = set(), []

    def visit(node: Planted) -> None:
        if node.data not in met:
            met.add(node.data)
            for operand in node.operands:
                visit(operand)
            done.append(node)

    visit(root)
    return done[::-1]


def _by_paths(root: Planted) -> Iterator[Planted]:
    """Yield a node, then all that is below each of its operands: once for each path that leads there."""
    yield root
    for operand in root.operands:
        yield from _by_paths(operand)


def _pushed_along_paths(node: Planted) -> None:
    """Add to each operand and go on from there with its whole gradient, before the next operand has its turn."""
    for operand, contribution in node.hook("hand", hand, node.grad):
        operand.grad += contribution
        _pushed_along_paths(operand)


def _nearest_first(root: Planted) -> list[Planted]:
    """Return the nodes by their shortest way from the root, where the longest is what counts."""
    level, found = {id(root): 0}, [root]
    for node in found:
        for operand in node.operands:
            if id(operand) not in level:
                level[id(operand)] = level[id(node)] + 1
                found.append(operand)
    return sorted(found, key=lambda node: (level[id(node)], -found.index(node)))


def _input_for_output(node: Planted) -> Sequence[float]:
    _, *static = numbers(node)
    return slopes(_stand_in(node, node.data, static, out=node.data))


def _stand_in(node: Planted, x: float, static: Sequence[float], out: float) -> Planted:
    return type(node)(out, node.key, [type(node)(x)], static)


def _squash(node: Planted) -> Sequence[float]:
    """Return 1 - z**2 and z(1 - z): the rules of tanh and sigmoid in their output, fed with the input."""
    z = numbers(node)[0]
    return (1 - z * z,) if node.key == "tanh" else (z * (1 - z),)


def _tanh_as_sigmoid(node: Planted) -> Sequence[float]:
    y = node.data
    return (y * (1 - y),) if node.key == "tanh" else (1 - y * y,)


def _exponent(node: Planted) -> tuple[float, float]:
    x, n = numbers(node)
    return x, n


def _power(rule: Callable[[float, float], float]) -> Callable[[Planted], Sequence[float]]:
    return lambda node: (rule(*_exponent(node)), *slopes(node)[1:])


def _turned(node: Planted) -> Planted:
    return type(node)(node.data, node.key, node.operands[::-1])


def _words(name: str) -> tuple[str, str, str, str]:
    """Return the words of a mistake that people make by hand, too."""
    row = MISCONCEPTIONS[name]
    return row.name, row.did, row.why, row.look


def _by_hand(rule: Callable[[Use], Sequence[float] | None]) -> Callable[[Planted], Sequence[float]]:
    """Return the hook of the local derivatives that a mistake made by hand gives."""

    def bent(node: Planted) -> Sequence[float]:
        answer = rule(_use(node.key, [x.data for x in node.operands], node.static))
        return slopes(node) if answer is None else answer

    return bent


def _use(key: str, xs: Sequence[float], static: Sequence[float]) -> Use:
    named = (False,) * len(xs)
    return Use(ROWS[key], ROWS[key].value(*xs, *static), xs, static, named, named)


def _bends(rule: Callable[[Use], Sequence[float] | None], key: str) -> bool:
    """Whether a mistake made by hand gives an operation other local derivatives than the right ones."""
    first = 1 if key == "r**" else 0  # a number stands on the left
    for x in (0.7, -0.6):
        xs, static = ((x, 2.5), ()) if key in BINARY else ((x,), (3.0,) * (key == "**"))
        try:
            use = _use(key, xs, static)
            bent, right = rule(use), use.slopes()
        except (ArithmeticError, ValueError):  # outside of its domain
            continue
        if bent is not None and all(map(math.isfinite, bent)) and list(bent)[first:] != right[first:]:
            return True
    return False


def _rows_by_hand(known: Sequence[Fault]) -> Iterator[Fault]:
    """Yield a row for each mistake in a local derivative that people make by hand and `known` has not, in other words."""
    names = {"sign of the derivative of a function", "relu' = 1 everywhere", *[fault.name for fault in known]}
    for row in MISCONCEPTIONS.values():
        if row.slopes is not None and row.name not in names:
            keys = tuple([key for key in ROWS if key not in ("r-", "r/") and _bends(row.slopes, key)])
            if keys:
                yield Fault(*_words(row.name), hooks={"slopes": _by_hand(row.slopes)}, keys=keys)


def _own_factor(side: int) -> Contribution:
    return lambda n, up, slope, old: up * numbers(n)[side]


def _rows_of_one_operand() -> Iterator[Fault]:
    """Yield the rows of what is done for one operand alone of two, as a slip of the pen does."""
    found: tuple[tuple[tuple[str, str, str, str], Contribution], ...] = (
        (
            ("overwrites a gradient", "`=` stands where `+=` is needed", ADDS_UP, "`.grad =` in the rule"),
            lambda n, up, slope, old: up * slope - old,
        ),
        (
            ("incoming gradient dropped", "the local derivative alone is added", CHAIN, "`* out.grad` in the rule"),
            lambda n, up, slope, old: slope,
        ),
        (
            ("sum in place of product", "incoming and local derivative are added", CHAIN, "the sign between the two"),
            lambda n, up, slope, old: slope + up,
        ),
        (
            (
                "data in place of gradient",
                "`out.data` stands where `out.grad` is needed",
                CHAIN,
                "`out.data` in the rule",
            ),
            lambda n, up, slope, old: n.data * slope,
        ),
        (
            ("sign", "the contribution has the wrong sign", "The minus belongs to the local derivative.", "the signs"),
            lambda n, up, slope, old: -up * slope,
        ),
    )
    for side, operand in enumerate(("first", "second")):
        for (name, did, why, look), contribution in found:
            yield Fault(
                name,
                f"{did}, for the {operand} operand",
                why,
                look,
                hooks={"hand": _on(side, contribution)},
                keys=OPERATORS,
            )
        yield Fault(
            "factors of a product swapped",
            f"the {operand} factor is given its own number",
            "d(x*y)/dx = y, not x.",
            "the rule of the product",
            hooks={"hand": _on(side, _own_factor(side))},
            keys=("*",),
        )


# A row: name, what was done, why it is wrong, where to look; where, how it is bent, in which operations.
# fmt: off
WRITTEN = (
    Fault("overwrites a gradient", "`=` stands where `+=` is needed", f"{ADDS_UP} `=` forgets all but the last.", "`.grad =` in the rule of the operation", hooks={"add": lambda n, old, c: c}),
    Fault("keeps the first contribution", "a gradient that is not 0 is not added to", ADDS_UP, "an `if` around `.grad` in the rule", hooks={"add": lambda n, old, c: old or c}),
    Fault("gradient in place of data", "`other.grad` stands where `other.data` is needed", "d(x*y)/dx = y: the local derivative of a product is the other *number*.", "`.grad` on the right-hand side of the rule", hooks={"hand": _gradients_for_data(0)}, keys=("*",)),
    Fault("gradient in place of data", "`self.grad` stands where `self.data` is needed", "d(x*y)/dy = x: the local derivative of a product is the other *number*.", "`.grad` on the right-hand side of the rule", hooks={"hand": _gradients_for_data(1)}, keys=("*",)),
    Fault("gradient in place of data", "`.grad` stands where `.data` is needed, for both operands", "d(x*y)/dx = y: the local derivative of a product is the other *number*.", "`.grad` on the right-hand side of the rule", hooks={"hand": _gradients_for_data(0, 1)}, keys=("*",)),
    Fault("data in place of gradient", "`out.data` stands where `out.grad` is needed", CHAIN, "what the local derivative is multiplied by", hooks={"hand": _each(lambda n, up, slope: n.data * slope)}),
    Fault("incoming gradient dropped", "the local derivative alone is added", f"{CHAIN} Without the factor the chain rule ends here.", "`* out.grad` in the rule of the operation", hooks={"hand": _each(lambda n, up, slope: slope)}),
    Fault("sum in place of product", "incoming gradient and local derivative are added", CHAIN, "the sign between the two in the rule", hooks={"hand": _each(lambda n, up, slope: slope + up)}),
    Fault("second operand detached", "the second operand gets no contribution", "Each operand that is a Value gets incoming x its own local derivative, also an exponent.", "the line for the second operand in the rule; a `.data` or a plain number where a Value is needed", hooks={"hand": _only(0)}, keys=BINARY),
    Fault("first operand detached", "the first operand gets no contribution", "Each operand that is a Value gets incoming x its own local derivative.", "the line for the first operand in the rule; a `.data` or a plain number where a Value is needed", hooks={"hand": _only(1)}, keys=OPERATORS),
    Fault("set of operands", "`x + x` has one operand in place of two", "A set holds a thing once: two edges of the graph become one. Keep the operands in a tuple.", "`set(...)` around the operands", "constructor", hooks={"hand": _set_of_operands}),
    Fault("sweep never runs", "no node hands anything on", "After the order is found, each node must be asked to hand on its gradient.", "the loop over the nodes, and its indentation", "backward", hooks={"order": lambda root: ()}),
    Fault("no rule", "the operation hands nothing on", "The rule must be kept in the node of the *output*, where the backward pass looks for it.", "`out._backward = ...` after the rule, and its name", hooks={"hand": _only()}),
    Fault("contribution to the wrong operand", "what belongs to the second operand is added to the first", "The second contribution is for `other`, not again for `self`.", "`self.grad` twice in the rule", hooks={"hand": _to_the_first}, keys=OPERATORS),
    Fault("operand not visited", "the second operand is not kept among the operands of the output", "The pass finds only what the output remembers: every operand belongs there, or nothing below it is reached.", "the operands that are handed to the new Value", hooks={"children": lambda n: n.operands[:1]}, keys=BINARY),
    Fault("operand not visited", "the first operand is not kept among the operands of the output", "The pass finds only what the output remembers: every operand belongs there, or nothing below it is reached.", "the operands that are handed to the new Value", hooks={"children": lambda n: n.operands[1:]}),
    Fault(*_words("factors of a product swapped"), hooks={"slopes": lambda n: numbers(n)}, keys=("*",)),
    Fault(*_words("product taken as a sum"), hooks={"slopes": lambda n: (1.0, 1.0)}, keys=("*",)),
    Fault(*_words("no minus on the second operand"), hooks={"slopes": lambda n: (1.0, 1.0)}, keys=("-", "r-")),
    Fault(*_words("no minus on the denominator"), hooks={"slopes": lambda n: (slopes(n)[0], -slopes(n)[1])}, keys=("/", "r/")),
    Fault(*_words("quotient: 1/y for both"), hooks={"slopes": lambda n: (slopes(n)[0],) * 2}, keys=("/", "r/")),
    Fault(*_words("denominator not squared"), hooks={"slopes": lambda n: (slopes(n)[0], -n.data)}, keys=("/", "r/")),
    Fault(*_words("exponent not lowered"), hooks={"slopes": _power(lambda x, n: n * x**n)}, keys=POWERS),
    Fault(*_words("factor n forgotten"), hooks={"slopes": _power(lambda x, n: x ** (n - 1))}, keys=POWERS),
    Fault(*_words("power taken as a product"), hooks={"slopes": _power(lambda x, n: n * x)}, keys=POWERS),
    Fault(*_words("factor n - 1"), hooks={"slopes": _power(lambda x, n: (n - 1) * x ** (n - 1))}, keys=POWERS),
    Fault(*_words("value in place of derivative"), hooks={"slopes": lambda n: (n.data,)}, keys=tuple([k for k in CURVES if k != "exp"])),
    Fault(*_words("derivative forgotten"), hooks={"slopes": lambda n: (1.0,)}, keys=CURVES),
    Fault("input in place of output", "the rule is written in the output, and fed with the input", "tanh' = 1 - out**2 and sigmoid' = out(1 - out), in what the function *answered*.", "`self.data` in the rule, where `out.data` is needed", hooks={"slopes": _squash}, keys=SIGMOIDS),
    Fault("input in place of output", "the derivative is e**z in what was answered, and is given z", "exp' = exp: the local derivative is the output.", "`self.data` in the rule, where `out.data` is needed", hooks={"slopes": lambda n: (numbers(n)[0],)}, keys=("exp",)),
    Fault("output in place of input", "the rule is written in the input, and fed with the output", "The local derivative is taken where the function was computed: at its input.", "`out.data` in the rule, where `self.data` is needed", hooks={"slopes": _input_for_output}, keys=("log", "sin", "cos", "sinh", "cosh", "atan")),
    Fault(*_words("rule of another function"), hooks={"slopes": _tanh_as_sigmoid}, keys=SIGMOIDS),
    Fault("tanh' = 1 - tanh", "the output is not squared", "tanh' = 1 - out**2.", "the rule of tanh", hooks={"slopes": lambda n: (1 - n.data,)}, keys=("tanh",)),
    Fault(*_words("power rule on exp"), hooks={"slopes": lambda n: (numbers(n)[0] * math.e ** (numbers(n)[0] - 1),)}, keys=("exp",)),
    Fault("sign", "the contribution has the wrong sign", "The minus belongs to the local derivative alone, and some have none.", "the signs in the rule", hooks={"hand": _each(lambda n, up, slope: -up * slope)}),
    Fault("reflected operator in the wrong order", "`2 - x` computes x - 2, `2 / x` computes x / 2", "Python calls `x.__rsub__(2)` for `2 - x`: `other` stands on the left.", "the reflected method, `__rsub__`, `__rtruediv__`, `__rpow__`", hooks={"value": lambda n: value(_turned(n)), "slopes": lambda n: slopes(_turned(n))[::-1]}, keys=("r-", "r/", "r**", "-", "/", "**v")),
    Fault("seed missing", "the gradient of the output stays 0", "The pass starts with d out/d out = 1: 0 times anything is 0.", "`self.grad = 1` at the start of the pass", "backward", hooks={"seed": lambda root: None}),
    Fault("seed is the output", "the pass starts with the output's number", "The pass starts with d out/d out = 1, whatever the output is.", "what the gradient of the output is set to", "backward", hooks={"seed": lambda root: root.data}),
    Fault("only the output hands on", "what lies below the output hands nothing on: the order is not reversed, or the loop ends after the first", "Each node hands on, from the output to the leaves.", "the loop over the nodes, and `reversed(...)`", "backward", hooks={"order": lambda root: (root,)}),
    Fault("only the output and its operands hand on", "the pass ends after two levels", "Each node, in order, hands on, however deep it lies.", "the loop over the nodes", "backward", hooks={"order": lambda root: (root, *dict.fromkeys(root.operands))}),
    Fault("not in topological order", "a node hands on before all of its uses have handed on to it", "A node may hand on only when its gradient is complete: topological order.", "the order in which nodes are visited", "backward", hooks={"order": _breadth_first}),
    Fault("not in topological order", "a node hands on before all of its uses have handed on to it", "A node may hand on only when its gradient is complete: topological order.", "the order in which nodes are visited", "backward", hooks={"order": _depth_first}),
    Fault("nodes told apart by their numbers", "of two nodes with the same number, one hands nothing on", "`__eq__` and `__hash__` by data make a set hold one of them: visit by identity.", "`__eq__`, `__hash__` and `visited`", "backward", hooks={"order": _by_numbers}),
    Fault("counts a shared node once per path", "a node hands on its whole gradient each time it is reached", "A node hands on once, after all of its uses have.", "recursion into the operands without a look at who was visited", "backward", hooks={"order": _by_paths}),
    Fault("counts a shared node once per path", "a node hands on its whole gradient each time it is reached", "A node hands on once, after all of its uses have.", "recursion into the operands with `self.grad`, where it is the new contribution that is handed on", "backward", hooks={"sweep": _pushed_along_paths}),
    Fault("not in topological order", "a node hands on before all of its uses have handed on to it", "A node may hand on only when its gradient is complete: topological order, by the *longest* way from the output.", "the order in which nodes are visited", "backward", hooks={"order": _nearest_first}),
)
# fmt: on
TABLE = (*WRITTEN, *_rows_of_one_operand(), *_rows_by_hand(WRITTEN))
DETACHED = Fault(
    "answers a plain number",
    "the operation answers a number, not a Value",
    "A number has no operands: the graph ends there, and no gradient comes through.",
    "what the method returns",
)
HOOK = Fault(
    "hook under another name",
    "the rule is kept under the name of the backward pass itself",
    "`out.backward()` then calls the rule of one node and no pass; and the pass finds no rule where it looks.",
    "`out.backward = ...` in the rule of the operation; it should be the name that the pass calls",
)
RAISES = Fault(
    "the backward pass raises",
    "a line of the pass raises",
    "The pass ends there, before all gradients are complete.",
    "the line that raises",
)
STATE = Fault(
    "remembers earlier graphs",
    "what one backward pass met is kept for the next",
    "Each pass needs a list and a set of its own: a default argument or a class attribute is shared by all.",
    "`visited=set()` or `[]` as a default argument, lists and numbers in the class body",
    "backward",
)
VALUE = Fault(
    "another value",
    "the operation computes something else",
    "The number is wrong before any gradient is computed.",
    "the number that is given to the new Value",
)
ORDER = Fault(
    "not in topological order",
    "each use in a graph of its own has the right numbers, and where they share a node it has not",
    "A node may hand on only when its gradient is complete, and once: topological order.",
    "the order in which nodes are visited",
    "backward",
)
SHARED = Fault(
    "contributions do not add up",
    "each use in a graph of its own has the right numbers, and a number that is used twice has not",
    ADDS_UP,
    "how `.grad` is changed, and what the output remembers of its operands",
)
NUMBERS = Fault(
    "nodes told apart by their numbers",
    "two nodes with the same number are equal, and one of them is not visited or counted",
    "`__eq__` and `__hash__` by data make lists, sets and `in` take one for the other: visit by identity.",
    "`__eq__`, `__hash__`, `@dataclass`, and `in`",
    "backward",
)
# What is seen on the ladder alone.
IN_PLACE = Fault(
    "changes a node in place",
    "`c += a` changes the node that `c` was, or leaves it out of the graph",
    "The old node is an operand of others and keeps its number: `c += a` is `c = c + a`, a new node.",
    "`__iadd__`, which need not be there: Python then calls `__add__`",
    "__iadd__",
)
MEAN = Fault(
    "1/n of the mean missing",
    "each term is handed the gradient of a sum",
    "d mean/dx = 1/n for each of the n terms.",
    "the rule of the mean",
    "mean",
)
TERMS = Fault(
    "terms of a list lost",
    "not every term of the list is an operand of the result",
    "`sum([a, b, a])` begins with `0 + a`; each term is an operand, and one that stands there twice is one twice.",
    "`__radd__`, and functions that take a list",
    "__radd__",
)
ENDS = Fault(
    "the pass ends early",
    "a graph that is long or wide is not visited to its end",
    "Every node that the output was made of hands on, however many there are.",
    "limits on depth or number, in the loop or the recursion over the nodes",
    "backward",
)
PRECISION = Fault(
    "float32",
    "numbers are kept with 7 digits",
    "Python's floats have 16.",
    "`float32` in the constructor",
    "constructor",
)
KINK = Fault(
    "slope at a kink",
    "the slope at 0 is outside of those on both sides",
    "At a kink any number between the slopes on its two sides will do.",
    "the comparison with 0 in the rule",
)
INNER = Fault(
    "inner gradients kept between passes",
    "a second pass adds to what inner nodes hold from the first",
    "Leaves add up over passes; inner nodes start each pass from 0.",
    "the start of the pass",
    "backward",
)
MARKS = Fault(
    "marks kept between passes",
    "a second pass over the same nodes finds them visited, or finds them no more",
    "What was visited is known to one pass alone: a set that is made when it starts.",
    "marks on nodes, and lists that the pass empties",
    "backward",
)
RESETS = Fault(
    "gradients of earlier losses dropped",
    "a pass sets the gradients of leaves back to 0",
    "The gradients of several losses by one leaf add up, so that a batch can be swept one by one.",
    "the start of the pass",
    "backward",
)
RECURSION = Fault(
    "recursion",
    "the pass calls itself for each node",
    "Python ends recursion at about 1,000 calls; a list of nodes to visit has no such end.",
    "the function inside the pass",
    "backward",
)
OVERFLOW = Fault(
    "overflow",
    "a number on the way is too large, where the result is not",
    "e**1000 has no float; math.tanh has, and sigmoid by the sign of its input.",
    "`exp` in the function",
)
PATHS = Fault(
    "visits every path",
    "a node is visited once for each path that leads to it",
    "The number of paths doubles with each node that is used twice.",
    "a set of the nodes that were visited",
    "backward",
)
GROWTH = Fault(
    "time grows faster than the graph",
    "a graph of twice the size takes more than twice the work",
    "Each node and each operand needs one visit.",
    "sorting or searching inside the loop over the nodes",
    "backward",
)
SEARCH = Fault(
    "looks nodes up in a list",
    "`in` compares with each node that was visited",
    "A set finds a node without a search.",
    "`in` and a list in the pass",
    "backward",
)
UNKNOWN = Fault(
    "wrong gradient",
    "no mistake of the table explains this number",
    CHAIN,
    "the first number that departs",
)
