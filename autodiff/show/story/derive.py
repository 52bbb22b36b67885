"""`derive`: which derivatives the chain rule multiplies and adds in one graph.

It goes over the ways from the root to a node. Nodes that nobody named, and that only sums, products and powers pass
through, are not spoken of: their formula is put in where they are used. Where ways meet, a node is given a line of its
own, so that ways never multiply.

A derivative is written with d where it is the whole derivative of the one by the other, and with ∂ where it is that
along one way alone, while other ways lead there too: for L = w*x + w, dL/dw = ∂L/∂w + (dL/dv1)(dv1/dw).
"""

from __future__ import annotations

import re
import sys
from dataclasses import replace

from autodiff.engine.value import Value
from autodiff.formulas.expression import Applied, Constant, Expression, Symbol
from autodiff.show.graph.formula import NodeFormula, products
from autodiff.show.graph.names import variables
from autodiff.show.graph.traversal import users_of
from autodiff.show.story.derivation import Derivation, Factor, Line, Term
from autodiff.show.story.story import Story
from autodiff.support.labels import DIGITS, clean

MAX_FACTORS, MAX_LINES = 1_000, 50  # in all products of a derivation; sums
MAX_DEPTH = 3  # operations whose formulas are put into one another
ARITHMETIC = {"+", "-", "*", "/", "**"}
WEIGHT, INPUT = re.compile(r"(w|weight)(_?\d+|\[\d+\])*(#\d+)?"), re.compile(r"(x|input)(_?\d+|\[\d+\])*(#\d+)?")


def derive(loss: Value, wrt: Value, *, number_format: str = DIGITS) -> Derivation:
    """Return the chain rule for the derivative of `loss` by `wrt`: in symbols, in formulas, in numbers, and its value.

    d loss / d wrt = the sum over all ways from `loss` to `wrt` of the product of the local derivatives on the way. Its
    value is the gradient of this loss alone, the same float as `wrt.grad` after `zero_grad()` and `backward()`; it is 0
    if `loss` does not depend on `wrt`. Nodes are called by their labels, else by the variables that hold them.
    A derivative along one way alone, where other ways lead there too, has the sign ∂:
    dL/dw = (∂L/∂w) + (dL/dv1)(dv1/dw)
    for L = w*x + w.

    >>> w, x, b, t = Value(0.5), Value(2.0), Value(-1.0), Value(1.0)
    >>> z = w * x + b; y = z.sigmoid(); L = (y - t) ** 2
    >>> derive(L, wrt=w)
    dL/dw = (dL/dy)(dy/dz)(dz/dw)
          = (2 * (y - t)) * (sigmoid(z) * (1 - sigmoid(z))) * x
          = (2 * (0.5 - 1)) * (sigmoid(0) * (1 - sigmoid(0))) * 2
          = -1 * 0.25 * 2
          = -0.25 * 2  (local error dL/dz * input x)
          = -0.5
    where
      z  = w * x + b   = 0.5 * 2 + (-1)  = 0
      y  = sigmoid(z)  = sigmoid(0)      = 0.5
      L  = (y - t)**2  = (0.5 - 1)**2    = 0.25

    Args:
        loss: the node whose derivative is written down.
        wrt: the node that it is differentiated by.
        number_format: how numbers are written, as in `format`.

    Raises:
        TypeError: if `loss` or `wrt` is no Value.
        ValueError: if the graph or the derivation is too large, with what to do; for a number format that is none.
    """
    if not isinstance(wrt, Value):
        raise TypeError(f"expected a Value to differentiate by, got {type(wrt).__name__}: {wrt!r}")
    held = variables(sys._getframe(1))
    return derivation(
        Story(loss, held, number_format), wrt, next((name for name, thing in held.items() if thing is wrt), "x")
    )


def derivation(story: Story, wrt: Value, name: str) -> Derivation:
    """Return the derivation of the root of `story` by `wrt`, which is called `name` if it is not in the graph."""
    root = story.name(story.root)
    if wrt not in story:
        target = Factor(root, clean(wrt.label) or clean(name), Constant(0.0), 0.0)
        return Derivation(target, [], [], story.number_format)
    ways = Ways(story, wrt)
    ways.check_size()
    lines, heads = [], [wrt]
    for head in heads:  # which grows, by the nodes where several ways meet
        terms, farther = [], ways.farther(head)
        for node, factor in ways.consumers.get(id(head), ()):
            term, met = _term(ways, node, replace(factor, partial=id(node) in farther))
            terms.append(term)
            if met is not None and not any([met is known for known in heads]):
                heads.append(met)
        if terms:
            worth = [ways.amounts[id(node), id(head)] for node, _ in ways.consumers[id(head)]]
            lines.append(Line(_target(story, head), tuple(terms), tuple(worth), *_error(ways, terms)))
    where = [(story.name(node), ways.formulas[id(node)].formula, node.saved[0]) for node in ways.spoken_of]
    path = story.paths.get(id(wrt), "")  # which of all w0 it is
    if not wrt.op and (path or not story.is_named(wrt)):
        number = story.number(wrt)
        where.insert(0, (story.name(wrt), Symbol(path or story.short(number), number), number))
    return Derivation(_target(story, wrt), lines, where, story.number_format)


def _term(ways: Ways, node: Value, factor: Factor) -> tuple[Term, Value | None]:
    """Return the product from `factor` up to the root, or to a node where ways meet, and that node."""
    factors = [factor]
    while node is not ways.story.root:
        consumers = ways.consumers[id(node)]
        if len(consumers) > 1:
            return (_target(ways.story, node), *reversed(factors)), node
        node, factor = consumers[0]
        factors.append(factor)
    return tuple(reversed(factors)), None


def _target(story: Story, node: Value) -> Factor:
    """Return the derivative of the root by `node`, whose rule is its own symbol."""
    root, name, value = story.name(story.root), story.name(node), story.gradient(node)
    if node is story.root:
        return Factor(root, name, Constant(1.0), value)
    factor = Factor(root, name, Constant(value), value)
    return Factor(root, name, Symbol(str(factor), value, factor.latex), value)


def _error(ways: Ways, terms: list[Term]) -> tuple[Factor | None, str]:
    """Return the local error, if the one way ends in a product with `wrt`, and what the other factor of it is.

    In a sum of products the first factors are weights, the second inputs. In a product alone nothing says so but names:
    of a parameter, or of what is called w, the other factor is the input, and so is what is called x.
    """
    story, wrt, last = ways.story, ways.wrt, terms[0][-1]
    if len(terms) > 1 or len(terms[0]) == 1 or not last.rule.name:
        return None, ""
    user = next(node for node in ways.order if any([parent is wrt for parent in node.parents]))
    place = next(i for i, parent in enumerate(user.parents) if parent is wrt)
    pair = next((pair for pair in products(user) if place in pair), None)
    if pair is None:
        return None, ""
    error, other = _target(story, story.node(last.above)), user.parents[sum(pair) - place]
    if user.op.name != "*":
        return error, "input" if place == pair[0] else "weight"
    known = id(wrt) in story.paths or WEIGHT.fullmatch(story.name(wrt)) or INPUT.fullmatch(story.name(other))
    return error, "input" if known else "other factor"


class Ways:
    """The ways from the root to a node, over the nodes that are spoken of.

    Attributes:
        spoken_of: the nodes on the ways that a derivation speaks of, in the order in which they are computed.
        formulas: by `id`, what each operation computes, the formulas of hidden nodes put in.
        consumers: by `id`, the nearest nodes above a node that are spoken of, each with its derivative by the node.
        amounts: by the ids of a node and the one it contributes to, the contribution.
    """

    def __init__(self, story: Story, wrt: Value) -> None:
        self.story, self.wrt = story, wrt
        self.order = [step.node for step in story.forward]
        self.concerned = {id(wrt)}
        for node in self.order:
            if any([id(parent) in self.concerned for parent in node.parents]):
                self.concerned.add(id(node))
        self.hidden: dict[int, Expression] = {}  # by id, the formulas of the nodes that are not spoken of
        self.formulas: dict[int, NodeFormula] = {}
        self._hide()
        self.consumers: dict[int, list[tuple[Value, Factor]]] = {}  # by id, the nearest nodes that are spoken of
        self.handed = {(id(c.node), c.position): c.amount for step in story.backward for c in step.contributions}
        self.amounts: dict[tuple[int, int], float] = {}  # by the ids of a node and the one it contributes to
        self.spoken_of = [n for n in self.order if id(n) in self.concerned and id(n) not in self.hidden]
        for node in reversed(self.spoken_of):
            self._look_down_from(node)

    def _hide(self) -> None:
        """Find the nodes that are not spoken of, if anyone named a node between the root and `wrt`."""
        users = users_of(self.order)
        ends = (self.story.root, self.wrt)
        between = [n for n in self.order if id(n) in self.concerned and not any([n is end for end in ends])]
        someone_named = any([self.story.is_named(node) for node in between])
        for node in self.order:
            made_by = self.formulas[id(node)] = self.story.formula_of(node, self.hidden)
            if someone_named and not self.story.is_named(node) and not any([node is end for end in ends]):
                (*others, user) = users[id(node)]
                if not others and _is_arithmetic(node) and _is_arithmetic(user) and made_by.formula.depth <= MAX_DEPTH:
                    self.hidden[id(node)] = made_by.formula

    def _look_down_from(self, node: Value) -> None:
        """Add the derivatives of `node` by the next nodes on the ways down, through those that are not spoken of."""
        found: dict[int, tuple[Value, Expression, float]] = {}
        waiting: list[tuple[Value, Expression, float]] = [(node, Constant(1.0), 1.0)]
        while waiting:
            above, rule, value = waiting.pop()
            below = []
            slopes = zip(above.parents, self.formulas[id(above)].rules, above.local_derivatives(), strict=True)
            for position, (parent, slope, local) in enumerate(slopes):
                if id(parent) not in self.concerned:
                    continue
                product, number = rule * slope, value * local
                if id(parent) in self.hidden:
                    below.append((parent, product, number))
                    continue
                pair = id(node), id(parent)
                self.amounts[pair] = self.amounts.get(pair, 0.0) + self.handed[id(above), position]
                if id(parent) in found:
                    _, so_far, total = found[id(parent)]
                    found[id(parent)] = parent, Applied("+", so_far, product), total + number  # 1 + 1, not 2
                else:
                    found[id(parent)] = parent, product, number
            waiting += reversed(below)
        for parent, rule, value in found.values():
            factor = Factor(self.story.name(node), self.story.name(parent), rule, value)
            self.consumers.setdefault(id(parent), []).append((node, factor))

    def farther(self, head: Value) -> set[int]:
        """Return the ids of the nodes that a way leads to from `head` over other nodes that are spoken of."""
        farther: set[int] = set()
        waiting = [node for node, _ in self.consumers.get(id(head), ())]
        for node in waiting:  # which grows
            beyond = [user for user, _ in self.consumers.get(id(node), ()) if id(user) not in farther]
            farther.update(map(id, beyond))
            waiting += beyond
        return farther

    def check_size(self) -> None:
        """Raise if there are more lines or factors than anybody reads; the ways themselves are never counted out."""
        lengths = {id(self.story.root): 0}  # of the product from a node up to the root, or to where ways meet
        lines, factors = 0, 0
        for node in [*reversed(self.order), self.wrt]:
            consumers = self.consumers.get(id(node), [])
            if not consumers:
                continue
            reach = [1 + lengths[id(user)] for user, _ in consumers]
            meet = len(consumers) > 1 or node is self.wrt
            lengths[id(node)] = 1 if meet else reach[0]
            if meet:
                lines, factors = lines + 1, factors + sum(reach)
        if lines > MAX_LINES or factors > MAX_FACTORS:
            name = self.story.name(self.wrt)
            raise ValueError(
                f"the derivation by {name} takes {lines:,} lines of {factors:,} factors in all; at most {MAX_LINES} "
                f"of {MAX_FACTORS:,} are written: differentiate a node nearer to {name}, or read its ledger in steps"
            )


def _is_arithmetic(node: Value) -> bool:
    return node.op is not None and node.op.name in ARITHMETIC
