"""`generate`: graded exercises with pleasant numbers, chosen so that mistakes can be told apart."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from numbers import Integral
from random import Random
from typing import NamedTuple

from autodiff.engine.value import Value
from autodiff.exercises.asking import differs
from autodiff.exercises.exercise import Exercise, exercise_of
from autodiff.exercises.levels import LEVELS, RATES, Pattern
from autodiff.exercises.reading import Answer, matches
from autodiff.mistakes import MISCONCEPTIONS
from autodiff.mistakes.graph import Graph
from autodiff.mistakes.sweep import Key, sweep
from autodiff.show.story.story import Story
from autodiff.support.arguments import check_choice, got, positive

MAX_DRAWS = 40  # of pleasant numbers, of which the best are taken
GENERIC_DRAWS = 12  # of any numbers, which show what can be told apart at all
MAX_SIZE = 200.0  # of a number that is to be computed by hand
PROBE = Answer("", "", {}, 0.0, 6)  # an answer with six digits


class Draw(NamedTuple):
    """Numbers for the leaves of a pattern, and for the rate of the step."""

    numbers: tuple[float, ...]
    rate: float | None


def generate(*, level: int, seed: int = 0, copies: int = 1) -> tuple[Exercise, ...]:
    """Return exercises of a level: copies that are equally difficult, and differ in their numbers.

    1 is one product; then come 2 sums that meet, 3 a shared node, 4 a neuron, 5 the 1-1-1 network, 6 a 2-2-1 network,
    7 a mean over a batch, and 8 a step of descent. The same level and seed give the same exercises, whatever the
    machine; more copies go on where fewer end. Of many draws those numbers are taken that tell the most misconceptions
    apart; `Exercise.hidden` and `Exercise.ambiguous` say which remain.

    >>> first, second = generate(level=1, seed=7, copies=2)
    >>> first.givens != second.givens, generate(level=1, seed=7)[0].givens == first.givens
    (True, True)

    Args:
        level: from 1 to 8.
        seed: a whole number.
        copies: how many.

    Raises:
        ValueError: if there is no such level, or not that many copies of it.
    """
    if isinstance(level, bool) or not isinstance(level, Integral):
        raise TypeError(f"level must be a whole number, {got(level)}")
    check_choice("level", level, tuple(LEVELS))
    if isinstance(seed, bool) or not isinstance(seed, Integral):
        raise TypeError(f"seed must be a whole number, {got(seed)}")
    positive("copies", copies)
    _, patterns = LEVELS[int(level)]
    rng = Random(int(seed))
    pattern = patterns[int(rng.random() * len(patterns))]
    taken: set[Draw] = set()
    made = []
    for _ in range(copies):
        draw = _best(pattern, rng, taken)
        if draw is None:
            raise ValueError(f"level {level} has {len(made)} copies of equal difficulty with seed {seed}, got {copies}")
        taken.add(draw)
        how = {"level": int(level), "seed": int(seed), "copy": len(made) + 1}
        made.append(_exercise(pattern, draw, how))
    return tuple(made)


def _exercise(pattern: Pattern, draw: Draw, made: Mapping[str, int]) -> Exercise:
    story = Story(_graph(pattern, draw.numbers), {})
    asked = pattern.leaves if pattern.asked is None else pattern.asked
    about: list[Value | str] = [*asked.split(), *[step.node for step in story.forward]]
    weights = pattern.weights.split() if pattern.weights else None
    return exercise_of(story, about=about, rate=draw.rate, weights=weights, made=made)


def _graph(pattern: Pattern, numbers: Sequence[float]) -> Value:
    names = pattern.leaves.split()
    return pattern.build(*[Value(number, name) for name, number in zip(names, numbers, strict=True)])


def _best(pattern: Pattern, rng: Random, taken: set[Draw]) -> Draw | None:
    """Return the draw that tells the most misconceptions apart, of those in which no wrong answer is nearly right."""
    most = _told_apart_at_all(pattern)
    drawn: list[tuple[int, Draw]] = []
    for draw in _draws(pattern, rng):
        if draw in taken or draw in [other for _, other in drawn]:
            continue
        graph = Graph(_graph(pattern, draw.numbers))
        if _is_pleasant(graph):
            score = _told_apart(graph, draw.rate)
            if score >= most and not _has_traps(graph, draw.rate):
                return draw
            drawn.append((score, draw))
            if len(drawn) == MAX_DRAWS:
                break
    for _, draw in sorted(drawn, key=lambda pair: -pair[0]):
        if not _has_traps(Graph(_graph(pattern, draw.numbers)), draw.rate):
            return draw
    return None


def _draws(pattern: Pattern, rng: Random) -> Iterator[Draw]:
    """Yield numbers for the leaves, which differ where there are enough."""
    for _ in range(MAX_DRAWS * 20):
        left = list(pattern.numbers)
        numbers = []
        for _name in pattern.leaves.split():
            numbers.append(left.pop(int(rng.random() * len(left))))
            left = left or list(pattern.numbers)
        rate = RATES[int(rng.random() * len(RATES))] if pattern.weights else None
        yield Draw(tuple(numbers), rate)


def _is_pleasant(graph: Graph) -> bool:
    """Return whether the numbers are of a size to compute with, and most gradients are not 0."""
    plain = sweep(graph)
    numbers = [*plain.values, *plain.gradients]
    if max(map(abs, numbers)) > MAX_SIZE or min([abs(x) for x in numbers if x], default=0.0) < 0.01:
        return False
    if any([node.op and not plain.values[i] and node.op.name != "relu" for i, node in enumerate(graph.nodes)]):
        return False
    slopes = [slope for (i, _), slope in plain.locals.items() if graph.nodes[i].op.name in ("tanh", "sigmoid")]
    lively = sum([1 for gradient in plain.gradients if gradient]) * 2 > len(graph.nodes)
    return lively and all([0.1 < slope < 0.9 for slope in slopes])


def _keys(graph: Graph, rate: float | None) -> list[Key]:
    nodes = range(len(graph.nodes))
    edges = [(i, position) for i in nodes for position in range(len(graph.parents[i]))]
    keys: list[Key] = [("value", i, 0) for i in nodes] + [("gradient", i, 0) for i in nodes]
    keys += [(kind, *edge) for edge in edges for kind in ("local", "contribution")]
    return keys + ([("update", i, 0) for i in nodes if not graph.parents[i]] if rate is not None else [])


def _told_apart(graph: Graph, rate: float | None) -> int:
    """Return how many different sheets of answers the right way and the misconceptions lead to."""
    keys = _keys(graph, rate)
    sheets = {tuple([format(sweep(graph, rate=rate).number(key), ".4g") for key in keys])}
    for row in MISCONCEPTIONS.values():
        if row.applies(graph, rate):
            bent = sweep(graph, row, rate=rate)
            sheets.add(tuple([format(bent.number(key), ".4g") for key in keys]))
    return len(sheets)


@lru_cache(maxsize=64)
def _told_apart_at_all(pattern: Pattern) -> int:
    """Return how many can be told apart with any numbers."""
    rng = Random(0)
    count = len(pattern.leaves.split())
    best = 0
    for _ in range(GENERIC_DRAWS):
        graph = Graph(_graph(pattern, [rng.random() * 4 - 2 for _ in range(count)]))
        best = max(best, _told_apart(graph, 0.137 if pattern.weights else None))
    return best


def _has_traps(graph: Graph, rate: float | None) -> bool:
    """Return whether a misconception, everywhere or at one node, leads to nearly the right number."""
    plain, keys = sweep(graph, rate=rate), _keys(graph, rate)
    for row in MISCONCEPTIONS.values():
        if row.applies(graph, rate):
            for at in (None, *row.places(graph)):
                bent = sweep(graph, row, at, rate=rate)
                for key in keys:
                    number, right = bent.number(key), plain.number(key)
                    if differs(number, right) and (
                        matches(PROBE, number, right) or math.isclose(number, right, rel_tol=0.02)
                    ):
                        return True
    return False
