"""Trees of decisions as code: on floats a branch is taken, on vectors all are computed and each float takes its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from autodiff.replay.native.code import ARITHMETIC, FLOAT, Code, Kind, Local
from autodiff.replay.rules.symbolic import Answer, Question, Symbol, Tree

MAX_BRANCHES = 8  # ends of a tree, if all of them are computed
NOTHING: Mapping[int, Local] = MappingProxyType({})
Answered = Callable[[tuple[Symbol, ...] | None, Callable[[Symbol], Local]], None]


def branched(
    code: Code, tree: Tree, names: dict[str, Local], answer: Answered, held: Mapping[int, Local] = NOTHING
) -> None:
    """Write a tree of decisions on floats, of which only the branch that is taken is computed.

    Args:
        code: the function.
        tree: the tree.
        names: the value of each name.
        answer: writes an end of the tree: it is handed the symbols there, None where the rule is undefined, and what
            computes the value of a symbol.
        held: the values of symbols that are computed already, by the `id` of each.
    """
    _Branches(code, names, answer).write(tree, dict(held))


def can_be_blended(tree: Tree) -> bool:
    """Return whether it is worth while to compute all ends of a tree."""
    return _ends(tree) <= MAX_BRANCHES


def _ends(tree: Tree) -> int:
    return 1 if isinstance(tree, Answer) else _ends(tree.yes) + _ends(tree.no)


def blended(code: Code, tree: Tree, names: dict[str, Local], kind: Kind) -> tuple[Local, Local | None]:
    """Write a tree on vectors. Return its answer, and a mask of where it is undefined; None where it nowhere is.

    Args:
        code: the function.
        tree: the tree, with one answer.
        names: the value of each name.
        kind: that of the values.
    """
    return _Blend(code, names, kind, {}).of(tree, 0)


def all_blended(
    code: Code, tree: Tree, names: dict[str, Local], kind: Kind, count: int, held: Mapping[int, Local]
) -> list[Local]:
    """Write a tree that has so many answers and is defined everywhere, on vectors; return its answers.

    Args:
        code: the function.
        tree: the tree.
        names: the value of each name.
        kind: that of the values.
        count: how many answers it has.
        held: the values of symbols that are computed already, by the `id` of each.
    """
    blend = _Blend(code, names, kind, held)
    return [blend.of(tree, place)[0] for place in range(count)]


def computed(code: Code, symbols: Sequence[Symbol], names: dict[str, Local]) -> dict[int, Local]:
    """Write expressions on floats; return the value of each, by its `id`."""
    held: dict[int, Local] = {}
    expressions = _Expressions(code, names, FLOAT)
    return {id(symbol): expressions.value(symbol, held) for symbol in symbols}


class _Expressions:
    """Expressions in names that have values, of one kind."""

    def __init__(self, code: Code, names: dict[str, Local], kind: Kind) -> None:
        self.code, self.names, self.kind = code, names, kind

    def value(self, symbol: Symbol, held: dict[int, Local]) -> Local:
        """Return the value of an expression; what is used again is computed once, and kept in `held`."""
        if symbol.kind == "name":
            return self.names[symbol.parts[0]]
        if id(symbol) not in held:
            held[id(symbol)] = self._computed(symbol, held)
        return held[id(symbol)]

    def _computed(self, symbol: Symbol, held: dict[int, Local]) -> Local:
        if symbol.kind == "number":
            return self.code.number(symbol.parts[0], self.kind)
        parts = [self.value(part, held) for part in symbol.parts]
        return (self.code.apply if symbol.kind in ARITHMETIC else self.code.call)(symbol.kind, *parts)


class _Branches:
    def __init__(self, code: Code, names: dict[str, Local], answer: Answered) -> None:
        self.code, self.answer, self.expressions = code, answer, _Expressions(code, names, FLOAT)

    def write(self, tree: Tree, held: dict[int, Local]) -> None:
        """Write a tree; `held` has what is computed by then."""
        if isinstance(tree, Answer):
            self.answer(tree.symbols, lambda symbol: self.expressions.value(symbol, held))
            return
        x, y = [self.expressions.value(symbol, held) for symbol in (tree.question.x, tree.question.y)]
        with self.code.when(self.code.apply(tree.question.sign, x, y)):
            self.write(tree.yes, dict(held))
            self.code.otherwise()
            self.write(tree.no, dict(held))


class _Blend:
    def __init__(self, code: Code, names: dict[str, Local], kind: Kind, held: Mapping[int, Local]) -> None:
        self.code, self.kind, self.expressions = code, kind, _Expressions(code, names, kind)
        self.held = dict(held)
        self.masks: dict[tuple[str, int, int], Local] = {}

    def of(self, tree: Tree, place: int) -> tuple[Local, Local | None]:
        """Return an answer of a tree, and where it is undefined."""
        if isinstance(tree, Answer):
            if tree.symbols is None:
                return self.code.number(math.nan, self.kind), self.code.mask(True, self.kind)
            return self.expressions.value(tree.symbols[place], self.held), None
        (yes, yes_bad), (no, no_bad) = self.of(tree.yes, place), self.of(tree.no, place)
        mask = self._mask(tree.question)
        chosen = self.code.apply("select", yes, no, mask)
        if yes_bad is None and no_bad is None:
            return chosen, None
        nowhere = self.code.mask(False, self.kind)
        return chosen, self.code.apply("select", yes_bad or nowhere, no_bad or nowhere, mask)

    def _mask(self, question: Question) -> Local:
        key = question.sign, id(question.x), id(question.y)
        if key not in self.masks:
            x, y = [self.expressions.value(symbol, self.held) for symbol in (question.x, question.y)]
            self.masks[key] = self.code.apply(question.sign, x, y)
        return self.masks[key]
