"""A recording with its sums and dot products made whole, however the learner wrote them; the same to rounding.

``0 + l1 + l2 + ...`` becomes one `SUM`. A sum of parameters times something becomes one `DOT`. A mean becomes a sum
divided by n, and a product of n operands a chain of products of two.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from autodiff.engine import ops
from autodiff.replay.recording.record import Recording


def repeats(recording: Recording, most: float) -> bool:
    """Return whether a recording may have no more than so many blocks.

    A block is computed from blocks before it, so there are at least as many as the longest chain of operations has.
    Sums, and the products in them, are no links of it, as they may become one.
    What has no short chain is told from what repeats so in a part of a microsecond a node, without a mistake.
    """
    links: list[int] = []  # of the longest chain that ends in a node
    in_sums: list[int] = []  # without its last, if a sum may take that over
    summed = [kind.op in (ops.ADD, ops.SUM, ops.MEAN) for kind in recording.kinds]
    taken_over = [kind.op in (ops.ADD, ops.SUM, ops.MUL) for kind in recording.kinds]
    edges = recording.edges
    for code, (begin, end) in zip(recording.codes, pairwise(recording.begins), strict=True):
        link = 1
        if end > begin:
            before = in_sums if summed[code] else links
            link += before[edges[begin]] if end == begin + 1 else max([before[i] for i in edges[begin:end]])
        elif not code:
            link = 0
        links.append(link)
        in_sums.append(link - taken_over[code])
        if link > most:
            return False
    return True


def canonicalize(recording: Recording) -> Recording:
    """Return the recording in canonical form, without nodes that the root no longer needs.

    Where there is an `ATAN2`, sums stay as they are written: it tells -0.0 from 0.0, which the order of a sum decides.
    """
    canonical = _Canonical(recording)
    for node, op in enumerate(canonical.ops):
        place = RULES[op](canonical, node) if op in RULES else None
        canonical.places.append(canonical.copy(node) if place is None else place)
    canonical.result.root = canonical.places[recording.root]
    return _pruned(canonical.result)


class _Canonical:
    """The canonical recording as far as it has come, and where the nodes of the given one are in it.

    Attributes:
        places: of each node, its place in the result; -1 of a sum that its only user takes over.
        terms: of such sums, their terms.
        single: the places of nodes that are used once.
    """

    def __init__(self, recording: Recording) -> None:
        self.given, self.result = recording, Recording(recording.parameters, recording.inputs)
        self.ops = [recording.kinds[code].op for code in recording.codes]
        self.signed = ops.ATAN2 in self.ops
        self.user = _only_users(recording)
        self.places: list[int] = []
        self.terms: dict[int, deque[int]] = {}
        self.single: set[int] = set()

    def operands(self, node: int) -> tuple[int, ...]:
        """Return the places of a node's operands in the result."""
        return tuple([self.places[j] for j in _operands(self.given, node)])

    def copy(self, node: int) -> int:
        """Add the node as it is."""
        given = self.given
        op, static = given.kinds[given.codes[node]]
        place = self.result.add(op, self.operands(node), static, given.numbers[node], given.labels.get(node, ""))
        if self.user[node] >= 0:
            self.single.add(place)
        return place

    def add_sum(self, terms: deque[int], number: float, label: str) -> int:
        """Add a sum, as a dot product where two or more terms are products with parameters, each another one."""
        result = self.result
        products: dict[int, int] = {}  # by parameter
        others = []
        for term in terms:
            weight = self._weight(term)
            if weight >= 0 and weight not in products:
                products[weight] = term
            elif not self._is_zero(term):
                others.append(term)
        if len(products) < 2:
            others = [term for term in terms if not self._is_zero(term)]
            return result.add(ops.SUM, tuple(others), (), number, label)
        if len(others) > 1:
            others = [result.add(ops.SUM, tuple(others), (), sum([result.numbers[i] for i in others]), "")]
        inputs = [sum(_operands(result, term)) - weight for weight, term in products.items()]  # the other factor
        return result.add(ops.DOT, (*products, *inputs, *others), (), number, label)

    def _weight(self, term: int) -> int:
        """Return the parameter that is a factor of a term, if the sum is its only user; else -1."""
        if term not in self.single or self.result.kinds[self.result.codes[term]].op is not ops.MUL:
            return -1
        return next((i for i in _operands(self.result, term) if i < self.result.parameters), -1)

    def _is_zero(self, term: int) -> bool:
        result = self.result
        return not result.numbers[term] and not result.codes[term] and term >= result.parameters + result.inputs


# The rules, each of an operation: from a node, its place in the result, or None to copy it.


def whole_sum(canonical: _Canonical, node: int) -> int | None:
    """Merge sums into the sum that is their only user."""
    given = canonical.given
    if canonical.signed:
        return None
    places, terms = canonical.places, canonical.terms
    summed = _merged([terms.pop(j) if j in terms else deque([places[j]]) for j in _operands(given, node)])
    op, user = canonical.ops[node], canonical.user[node]
    if op is ops.ADD and user >= 0 and canonical.ops[user] in (ops.ADD, ops.SUM):
        canonical.terms[node] = summed
        return -1
    if op is ops.ADD and len(summed) <= 2:
        return None
    return canonical.add_sum(summed, given.numbers[node], given.labels.get(node, ""))


def mean_as_sum(canonical: _Canonical, node: int) -> int:
    """Divide a sum by how many terms it has."""
    operands, result = canonical.operands(node), canonical.result
    number = canonical.given.numbers[node] * len(operands)
    if canonical.signed:
        total = result.add(ops.SUM, operands, (), number, "")
    else:
        total = canonical.add_sum(deque(operands), number, "")
    count = result.add(None, (), (), float(len(operands)), "")
    return result.add(ops.DIV, (total, count), (), canonical.given.numbers[node], canonical.given.labels.get(node, ""))


def product_as_chain(canonical: _Canonical, node: int) -> int:
    """Multiply the factors one after another."""
    operands, result, label = canonical.operands(node), canonical.result, canonical.given.labels.get(node, "")
    place = operands[0] if operands else result.add(None, (), (), 1.0, label)
    for factor in operands[1:]:
        place = result.add(ops.MUL, (place, factor), (), result.numbers[place] * result.numbers[factor], label)
    return place


RULES: dict[Any, Any] = {
    ops.ADD: whole_sum,
    ops.SUM: whole_sum,
    ops.MEAN: mean_as_sum,
    ops.PROD: product_as_chain,
}
REPLACED = (ops.MEAN, ops.PROD, ops.DOT)  # have no form on arrays: there they are sums, products, matrix products


def _operands(recording: Recording, node: int) -> Sequence[int]:
    return recording.edges[recording.begins[node] : recording.begins[node + 1]]


def _only_users(recording: Recording) -> list[int]:
    """Return, for each node, the only node that uses it, once; -1 if there is another number of uses."""
    user, uses = [-1] * len(recording), [0] * len(recording)
    for i, (begin, end) in enumerate(pairwise(recording.begins)):
        for j in recording.edges[begin:end]:
            user[j] = i
            uses[j] += 1
    return [i if n == 1 else -1 for i, n in zip(user, uses, strict=True)]


def _merged(parts: list[deque[int]]) -> deque[int]:
    """Return all terms in order, the smaller lists moved into the longest: linear however a sum was nested."""
    longest = max(range(len(parts)), key=lambda k: len(parts[k]), default=-1)
    if longest < 0:
        return deque()
    merged = parts[longest]
    for part in reversed(parts[:longest]):
        merged.extendleft(reversed(part))
    for part in parts[longest + 1 :]:
        merged.extend(part)
    return merged


def _pruned(recording: Recording) -> Recording:
    needed = bytearray(len(recording))
    needed[recording.root] = True
    for i in range(len(recording) - 1, -1, -1):
        if needed[i]:
            for j in _operands(recording, i):
                needed[j] = True
    result = Recording(recording.parameters, recording.inputs)
    places: list[int] = []
    for i in range(len(recording)):
        if not needed[i] and i >= recording.parameters + recording.inputs:
            places.append(-1)
            continue
        (op, static), operands = recording.kinds[recording.codes[i]], [places[j] for j in _operands(recording, i)]
        label = recording.labels.get(i, "")
        places.append(result.add(op, tuple(operands), static, recording.numbers[i], label))
    result.root = places[recording.root]
    return result
