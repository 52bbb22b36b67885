"""A recording with its sums and dot products made whole, however the learner wrote them; the same to rounding.

``0 + l1 + l2 + ...`` becomes one `SUM`, a sum of parameters times something one `DOT`, a mean a sum divided by n, a
product of n a chain of products.
"""

from __future__ import annotations

from collections import deque

from autodiff import ops
from autodiff.replay.record import Recording


def contract(recording: Recording) -> Recording:
    """Return the contracted recording, without nodes that the root no longer needs.

    Where there is an `ATAN2`, sums stay as they are written: it tells -0.0 from 0.0, which the order of a sum decides.
    """
    signed = ops.ATAN2 in recording.ops
    user = _only_users(recording)
    result = Recording(recording.parameters, recording.inputs)
    places: list[int] = []
    terms: dict[int, deque[int]] = {}  # of sums that their only user takes over
    single: set[int] = set()
    for i, op in enumerate(recording.ops):
        settings, number, label = recording.settings[i], recording.numbers[i], recording.labels[i]
        operands = tuple([places[j] for j in recording.operands[i]])
        if (op is ops.ADD or op is ops.SUM) and not signed:
            summed = _merged([terms.pop(j) if j in terms else deque([places[j]]) for j in recording.operands[i]])
            if user[i] >= 0 and recording.ops[user[i]] in (ops.ADD, ops.SUM) and op is ops.ADD:
                terms[i] = summed
                places.append(-1)
                continue
            if op is ops.SUM or len(summed) > 2:
                places.append(_add_sum(result, summed, single, number, label))
                continue
        if op is ops.MEAN:
            if signed:
                total = result.add(ops.SUM, operands, (), number * len(operands), "")
            else:
                total = _add_sum(result, deque(operands), single, number * len(operands), "")
            count = result.add(None, (), (), float(len(operands)), "")
            places.append(result.add(ops.DIV, (total, count), (), number, label))
        elif op is ops.PROD:
            place = operands[0] if operands else result.add(None, (), (), 1.0, label)
            for j in operands[1:]:
                place = result.add(ops.MUL, (place, j), (), result.numbers[place] * result.numbers[j], label)
            places.append(place)
        else:
            places.append(result.add(op, operands, settings, number, label))
            if user[i] >= 0:
                single.add(places[-1])
    result.root = places[recording.root]
    return _pruned(result)


def _only_users(recording: Recording) -> list[int]:
    """Return, for each node, the only node that uses it, once; -1 if there is another number of uses."""
    user, uses = [-1] * len(recording.ops), [0] * len(recording.ops)
    for i, operands in enumerate(recording.operands):
        for j in operands:
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


def _add_sum(result: Recording, terms: deque[int], single: set[int], number: float, label: str) -> int:
    """Add a sum, as a dot product where two or more terms are products with parameters, each another one."""
    products: dict[int, int] = {}  # by parameter
    others = []
    for term in terms:
        operands = result.operands[term]
        weight = operands[0] if term in single and result.ops[term] is ops.MUL else -1
        if weight >= result.parameters:
            weight = operands[1]
        if 0 <= weight < result.parameters and weight not in products:
            products[weight] = term
        elif not (result.is_constant(term) and result.numbers[term] == 0):
            others.append(term)
    if len(products) < 2:
        others = [term for term in terms if not (result.is_constant(term) and result.numbers[term] == 0)]
        return result.add(ops.SUM, tuple(others), (), number, label)
    if len(others) > 1:
        others = [result.add(ops.SUM, tuple(others), (), sum([result.numbers[i] for i in others]), "")]
    inputs = [sum(result.operands[term]) - weight for weight, term in products.items()]  # the other factor
    return result.add(ops.DOT, (*products, *inputs, *others), (), number, label)


def _pruned(recording: Recording) -> Recording:
    needed = bytearray(len(recording.ops))
    needed[recording.root] = True
    for i in range(len(recording.ops) - 1, -1, -1):
        if needed[i]:
            for j in recording.operands[i]:
                needed[j] = True
    result = Recording(recording.parameters, recording.inputs)
    places: list[int] = []
    for i, op in enumerate(recording.ops):
        if not needed[i] and i >= recording.parameters + recording.inputs:
            places.append(-1)
            continue
        operands = tuple([places[j] for j in recording.operands[i]])
        places.append(result.add(op, operands, recording.settings[i], recording.numbers[i], recording.labels[i]))
    result.root = places[recording.root]
    return result
