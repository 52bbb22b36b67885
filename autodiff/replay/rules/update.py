"""An optimizer's rule as a tree of decisions: its `update`, run once on symbols.

It knows of an optimizer only that it has `update(w, g, state, rate, step)`.

>>> from autodiff import Value, nn
>>> print(rule_of(nn.SGD([Value(1.0)], momentum=0.5), size=1).tree)
(w - (rate * ((0.5 * s0) + g))), ((0.5 * s0) + g)
"""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

from autodiff.replay.rules.symbolic import Answer, Questions, Symbol, Tree, Unwritable, names_in, uses_in

SCALARS = frozenset(("rate", "step"))  # the same for all parameters


class Rule(NamedTuple):
    """How a step moves a parameter.

    Attributes:
        tree: answers the new parameter, then its new state, in `w`, `g`, the state `s0`, `s1`..., `rate` and `step`.
        size: how many numbers the state of a parameter has.
    """

    tree: Tree
    size: int

    @property
    def scalars(self) -> list[Symbol]:
        """The expressions that are the same for all parameters: they are computed once a step."""
        made = [x for x in uses_in(self.tree) if x.kind not in ("name", "number")]
        return [x for x in made if names_in(Answer((x,))) <= SCALARS]

    @property
    def key(self) -> Any:
        """What two rules have in common that are the same."""
        places: dict[int, int] = {}
        lines: list[Any] = []

        def place(x: Symbol) -> int:
            if id(x) not in places:
                leaf = x.kind in ("name", "number")
                lines.append((x.kind, repr(x.parts[0]) if leaf else tuple(map(place, x.parts))))
                places[id(x)] = len(lines) - 1
            return places[id(x)]

        def of(tree: Tree) -> Any:
            if isinstance(tree, Answer):
                return tuple(map(place, tree.symbols or ()))
            return tree.question.sign, place(tree.question.x), place(tree.question.y), of(tree.yes), of(tree.no)

        return of(self.tree), tuple(lines)


class _Arithmetic(Questions):
    """As arrays compute: what is divided by 0 is inf or nan."""

    def quotient(self, x: Any, y: Any) -> Symbol:
        return self.made("/", (x, y))

    def made(self, kind: str, parts: tuple[Any, ...]) -> Symbol:
        if kind == "pow" and self.symbol(parts[1]).parts == (0.5,):
            return super().made("+", (super().made("sqrt", parts[:1]), 0.0))  # 0.0 of -0.0, as the power
        return super().made(kind, parts)


def rule_of(optimizer: Any, size: int) -> Rule | None:
    """Return the rule of an optimizer whose state has so many numbers a parameter.

    None if there is none: the rule asks for more than arithmetic and comparisons, answers another state (as the first
    step does), or has to be called at each step, since it changes the optimizer or answers something else each time.
    """
    names = ("w", "g", *[f"s{i}" for i in range(size)], "rate", "step")
    double = copy.copy(optimizer)
    own = {name: thing for name, thing in vars(double).items() if isinstance(thing, list | dict | set)}
    for name in own.keys() - {"parameters", "state"}:
        setattr(double, name, copy.copy(own[name]))
    before = {name: _look(thing) for name, thing in vars(double).items()}

    def update(w: Symbol, g: Symbol, *others: Symbol) -> list[Any]:
        *state, rate, step = others
        moved, after = double.update(w, g, tuple(state), rate, step)
        if len(after) != size:
            raise Unwritable("a state of another size")
        return [moved, *after]

    try:
        rule, again = [Rule(_Arithmetic(update, names).tree(), size) for _ in range(2)]
    except Exception:  # whatever people's code raises when it is given symbols: it shall be given numbers
        return None
    changed = before != {name: _look(thing) for name, thing in vars(double).items()}
    return None if changed or rule.key != again.key or _is_undefined(rule.tree) else rule


def _look(thing: Any) -> tuple[int, int]:
    return id(thing), len(thing) if isinstance(thing, list | dict | set) else 0


def _is_undefined(tree: Tree) -> bool:
    return tree.symbols is None if isinstance(tree, Answer) else _is_undefined(tree.yes) or _is_undefined(tree.no)
