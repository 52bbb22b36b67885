"""`derive`: which derivatives the chain rule multiplies and adds in one graph.

Nodes that nobody named, and that only sums, products and powers pass through, are not spoken of: their formula is put
in where they are used. Where ways meet, a node is given a line of its own, so that ways never multiply.

A derivative is written with d where it is the whole derivative of the one by the other, and with ∂ where it is that
along one way alone, while other ways lead there too: for L = w*x + w, dL/dw = ∂L/∂w + (dL/dv1)(dv1/dw).
"""

from __future__ import annotations

import re
import sys
from dataclasses import replace

from autodiff.notation import clean, short
from autodiff.operands import flat
from autodiff.show.derivation import Derivation, Factor, Line, Term
from autodiff.show.names import variables
from autodiff.show.records import Use
from autodiff.show.steps import Steps, tell
from autodiff.symbols import Applied, Constant, Expression, Symbol
from autodiff.value import Value

MOST_FACTORS, MOST_LINES = 1_000, 50
DEEPEST = 3  # operations whose formulas are put into one another
WEIGHT, INPUT = re.compile(r"(w|weight)(_?\d+|\[\d+\])*(#\d+)?"), re.compile(r"(x|input)(_?\d+|\[\d+\])*(#\d+)?")
ARITHMETIC = {"+", "-", "*", "/", "**"}


def derive(loss: Value, wrt: Value) -> Derivation:
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

    Raises:
        TypeError: if `loss` or `wrt` is no Value.
        ValueError: if the graph or the derivation is too large, with what to do.
    """
    if not isinstance(wrt, Value):
        raise TypeError(f"expected a Value to differentiate by, got {type(wrt).__name__}: {wrt!r}")
    held = variables(sys._getframe(1))
    return derivation(tell(loss, held), wrt, next((name for name, thing in held.items() if thing is wrt), "x"))


def derivation(story: Steps, wrt: Value, name: str) -> Derivation:
    """Return the derivation of the root of `story` by `wrt`, which is called `name` if it is not in the graph."""
    root = story.name(story.root)
    if wrt not in story:
        return Derivation(Factor(root, clean(wrt.label) or clean(name), Constant(0.0), 0.0), [], [])
    return _Ways(story, wrt).derivation()


class _Ways:
    """The ways from the root to a node, over the nodes that are spoken of."""

    def __init__(self, story: Steps, wrt: Value) -> None:
        self.story, self.wrt = story, wrt
        self.order = [step.node for step in story.forward]
        self.concerned = {id(wrt)}
        for node in self.order:
            if any([id(parent) in self.concerned for parent in node.parents]):
                self.concerned.add(id(node))
        self.hidden: dict[int, Expression] = {}  # by id, the formulas of the nodes that are not spoken of
        self.uses: dict[int, Use] = {}
        self._hide()
        self.consumers: dict[int, list[tuple[Value, Factor]]] = {}  # by id, the nearest nodes that are spoken of
        self.handed = {(id(c.node), c.position): c.amount for step in story.backward for c in step.contributions}
        self.amounts: dict[tuple[int, int], float] = {}  # by the ids of a node and the one it contributes to
        for node in reversed(self.order):
            if id(node) in self.concerned and id(node) not in self.hidden:
                self._look_down_from(node)

    def _hide(self) -> None:
        """Find the nodes that are not spoken of, if anyone named a node between the root and `wrt`."""
        users: dict[int, list[Value]] = {}
        for node in self.order:
            for parent in node.parents:
                users.setdefault(id(parent), []).append(node)
        ends = (self.story.root, self.wrt)
        between = [n for n in self.order if id(n) in self.concerned and not any([n is end for end in ends])]
        someone_named = any([self.story.is_named(node) for node in between])
        for node in self.order:
            use = self.uses[id(node)] = self.story.use(node, self.hidden)
            if someone_named and not self.story.is_named(node) and not any([node is end for end in ends]):
                (*others, user) = users[id(node)]
                if not others and _is_arithmetic(node) and _is_arithmetic(user) and use.formula.depth <= DEEPEST:
                    self.hidden[id(node)] = use.formula

    def _look_down_from(self, node: Value) -> None:
        """Add the derivatives of `node` by the next nodes on the ways down, through those that are not spoken of."""
        found: dict[int, tuple[Value, Expression, float]] = {}
        waiting: list[tuple[Value, Expression, float]] = [(node, Constant(1.0), 1.0)]
        while waiting:
            above, rule, value = waiting.pop()
            below = []
            slopes = zip(above.parents, self.uses[id(above)].rules, above.local_derivatives(), strict=True)
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

    def derivation(self) -> Derivation:
        """Return the lines for `wrt` and for every node on the way where several ways meet."""
        self._check_size()
        lines, heads = [], [self.wrt]
        for head in heads:  # which grows
            terms, worth = [], []
            farther = self._farther(head)
            for node, factor in self.consumers.get(id(head), ()):
                term, met = self._term(node, replace(factor, partial=id(node) in farther))
                terms.append(term)
                worth.append(self.amounts[id(node), id(head)])
                if met is not None and not any([met is known for known in heads]):
                    heads.append(met)
            if terms:
                lines.append(Line(self._target(head), tuple(terms), tuple(worth), *self._error(terms)))
        spoken_of = [n for n in self.order if id(n) in self.concerned and id(n) not in self.hidden]
        where = [(self.story.name(node), self.uses[id(node)].formula, node.numbers[0]) for node in spoken_of]
        known = self.story.paths.get(id(self.wrt), "")  # which of all w0 it is
        if not self.wrt.op and (known or not self.story.is_named(self.wrt)):
            number = self.story.number(self.wrt)
            where.insert(0, (self.story.name(self.wrt), Symbol(known or short(number), number), number))
        return Derivation(self._target(self.wrt), lines, where)

    def _farther(self, head: Value) -> set[int]:
        """Return the ids of the nodes that a way leads to from `head` over other nodes that are spoken of."""
        farther: set[int] = set()
        waiting = [node for node, _ in self.consumers.get(id(head), ())]
        for node in waiting:  # which grows
            beyond = [user for user, _ in self.consumers.get(id(node), ()) if id(user) not in farther]
            farther.update(map(id, beyond))
            waiting += beyond
        return farther

    def _term(self, node: Value, factor: Factor) -> tuple[Term, Value | None]:
        """Return the product from `factor` up to the root, or to a node where ways meet, and that node."""
        factors = [factor]
        while node is not self.story.root:
            consumers = self.consumers[id(node)]
            if len(consumers) > 1:
                return (self._target(node), *reversed(factors)), node
            node, factor = consumers[0]
            factors.append(factor)
        return tuple(reversed(factors)), None

    def _target(self, node: Value) -> Factor:
        """Return the derivative of the root by `node`, whose rule is its own symbol."""
        root, name, value = self.story.name(self.story.root), self.story.name(node), self.story.gradient(node)
        if node is self.story.root:
            return Factor(root, name, Constant(1.0), value)
        factor = Factor(root, name, Constant(value), value)
        return Factor(root, name, Symbol(str(factor), value, factor.latex), value)

    def _error(self, terms: list[Term]) -> tuple[Factor | None, str]:
        """Return the local error, if the one way ends in a product with `wrt`, and what the other factor of it is.

        In a `dot` the first factors are weights, the second inputs. In a product nothing says so but names: of a
        parameter, or of what is called w, the other factor is the input, and so is what is called x.
        """
        last = terms[0][-1]
        if len(terms) > 1 or len(terms[0]) == 1 or not last.rule.name:
            return None, ""
        user = next(node for node in self.order if any([parent is self.wrt for parent in node.parents]))
        factors = {"*": 1, "dot": len(flat(user.numbers[1:2]))}.get(user.op.name, 0)  # how many stand on each side
        place = next(i for i, parent in enumerate(user.parents) if parent is self.wrt)
        if place >= 2 * factors:
            return None, ""
        error = self._target(self.story.node(last.above))
        if user.op.name == "dot":
            return error, "input" if place < factors else "weight"
        name, other = self.story.name(self.wrt), self.story.name(user.parents[1 - place])
        known = id(self.wrt) in self.story.paths or WEIGHT.fullmatch(name) or INPUT.fullmatch(other)
        return error, "input" if known else "other factor"

    def _check_size(self) -> None:
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
        if lines > MOST_LINES or factors > MOST_FACTORS:
            name = self.story.name(self.wrt)
            raise ValueError(
                f"the derivation by {name} takes {lines:,} lines of {factors:,} factors in all; at most {MOST_LINES} "
                f"of {MOST_FACTORS:,} are written: differentiate a node nearer to {name}, or read its ledger in steps"
            )


def _is_arithmetic(node: Value) -> bool:
    return node.op is not None and node.op.name in ARITHMETIC
