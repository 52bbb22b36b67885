"""The chain rule for one graph, written down: as text and as LaTeX."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autodiff.formulas.expression import Expression, Symbol
from autodiff.formulas.writers import NEGATIVE, PARTIAL, POWER, Latex, Text, latex_name
from autodiff.show.story.worked import equations, worked
from autodiff.support.labels import DIGITS

MAX_WRITTEN = 12  # factors, terms or lines; of more the first ones and the last are written


@dataclass(frozen=True, eq=False)
class Factor:
    """The derivative of one node by another.

    Attributes:
        above: the name of the node that is differentiated.
        below: the name of the node that it is differentiated by.
        rule: the derivative as a formula.
        value: its number.
        partial: whether it is the derivative along this way alone, where other ways lead from the one to the other as
            well, so that it is not the whole derivative; it is then written with the sign for partial derivatives.
    """

    above: str
    below: str
    rule: Expression
    value: float
    partial: bool = False

    def __str__(self) -> str:
        d = PARTIAL if self.partial else "d"
        return f"{d}{self.above}/{d}{self.below}"

    @property
    def latex(self) -> str:
        """The derivative as a fraction in LaTeX."""
        d = r"\partial " if self.partial else "d"
        return rf"\frac{{{d}{latex_name(self.above)}}}{{{d}{latex_name(self.below)}}}"


Term = tuple[Factor, ...]


@dataclass(frozen=True, eq=False)
class Line:
    """A derivative of the root: the sum over the ways to its node of the product of the derivatives on each way.

    Attributes:
        target: the derivative.
        terms: the products. The first factor of one may be a derivative that has a line of its own.
        contributions: what each product is worth in the backward pass, in which 0 from a branch that is dead stays 0,
            whatever it is multiplied by.
        error: in a product, the derivative by it, which is multiplied by the other factor.
        role: what that is: "input" to the weight of a neuron, else "other factor".
    """

    target: Factor
    terms: tuple[Term, ...]
    contributions: tuple[float, ...]
    error: Factor | None = None
    role: str = ""

    def rows(self, spec: str = DIGITS, latex: bool = False) -> list[str]:
        """Return what the derivative equals: in symbols, in formulas, in numbers, and its value; each but once."""
        write = Latex if latex else Text
        symbols, numbers = write(), write(numbers=True, spec=spec)
        rules = [[factor.rule for factor in term] for term in self.terms]
        values = [
            [_number(factor.value) for factor in term] if _adds_up(term, worth) else [_number(worth)]
            for term, worth in zip(self.terms, self.contributions, strict=True)
        ]
        rows = [self._in_symbols(latex), _sum(symbols, rules), _sum(numbers, rules), _sum(numbers, values)]
        if len(self.terms) > 1:
            rows.append(_sum(numbers, [[_number(worth)] for worth in self.contributions]))
        if self.error and _adds_up(self.terms[0], self.contributions[0]):
            rows.append(self._error_times_input(numbers))
        rows.append(numbers.write(_number(self.target.value)))
        return [row for i, row in enumerate(rows) if row and row not in rows[:i]]

    def _in_symbols(self, latex: bool) -> str:
        if len(self.terms) == len(self.terms[0]) == 1:
            return ""  # it would say that the derivative equals itself
        if latex:
            products = [r" \cdot ".join(_some([factor.latex for factor in term], r"\dots")) for term in self.terms]
        else:
            products = ["".join(_some([f"({factor})" for factor in term], "...")) for term in self.terms]
        return " + ".join(_some(products, r"\dots" if latex else "..."))

    def _error_times_input(self, write: Text) -> str:
        error, input_ = self.error, self.terms[0][-1]
        if error is None:
            return ""
        if not isinstance(write, Latex):
            product = _sum(write, [[_number(error.value), _number(input_.value)]])
            return f"{product}  (local error {error} * {self.role} {input_.rule})"
        number, factor = write.write(_number(error.value)), write.within(_number(input_.value), POWER)
        return (
            rf"\underbrace{{{number}}}_{{\text{{local error }}{error.latex}}} \cdot "
            rf"\underbrace{{{factor}}}_{{\text{{{self.role} }}{input_.rule.latex()}}}"
        )


class Derivation:
    """The chain rule for a graph, which shows itself as text and, in a notebook, as mathematics.

    Attributes:
        target: the derivative.
        lines: how it comes about; lines after the first are about derivatives that occur in those before.
        where: what the nodes that the lines speak of are computed by: (name, formula, number).
        number_format: how numbers are written.
    """

    def __init__(
        self,
        target: Factor,
        lines: Sequence[Line],
        where: Sequence[tuple[str, Expression, float]],
        number_format: str = DIGITS,
    ) -> None:
        self.target, self.lines, self.where = target, tuple(lines), tuple(where)
        self.number_format = number_format

    @property
    def value(self) -> float:
        """The number, the same float that `backward()` gives."""
        return self.target.value

    def __str__(self) -> str:
        if not self.lines:
            reason = "" if self.value else f": {self.target.above} does not depend on {self.target.below}"
            return f"{self.target} = {self.target.rule}{reason}"
        parts = []
        for line in self.lines:
            margin = f"\n{' ' * len(str(line.target))} = "
            parts.append(f"{line.target} = {margin.join(line.rows(self.number_format))}")
        where = equations([(f"  {name}", worked(rule, value, self.number_format)) for name, rule, value in self.where])
        return "\n".join(["\n\n".join(parts), "where", *_some(where, "  ...")])

    __repr__ = __str__

    @property
    def latex(self) -> str:
        """The derivation as LaTeX, aligned at its equals signs, without dollar signs."""
        if not self.lines:
            return f"{self.target.latex} = {self.target.rule.latex()}"
        rows = []
        for line in self.lines:
            first, *others = line.rows(self.number_format, latex=True)
            rows += [f"{line.target.latex} &= {first}", *[f"&= {row}" for row in others]]
        where = [
            f"{latex_name(name)} &= {' = '.join(worked(rule, value, self.number_format, latex=True))}"
            for name, rule, value in self.where
        ]
        where = [rf"\text{{where }}{text}" if i == 0 else text for i, text in enumerate(_some(where, r"&\dots"))]
        return "\\begin{aligned}\n" + " \\\\\n".join([*rows, *where]) + "\n\\end{aligned}"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        return {"text/latex": f"$${self.latex}$$", "text/plain": str(self)}


def _adds_up(term: Term, contribution: float) -> bool:
    """Return whether the product of the factors is the contribution: not in a dead branch, where it may be 0 * inf."""
    return bool(contribution) or not math.isnan(math.prod([factor.value for factor in term]))


def _number(value: float) -> Symbol:
    return Symbol("number", value)  # with its number put in, it is written as a value, not as a constant of a formula


def _some(texts: list[str], dots: str) -> list[str]:
    return texts if len(texts) <= MAX_WRITTEN else [*texts[: MAX_WRITTEN - 3], dots, texts[-1]]


def _sum(writer: Text, terms: Sequence[Sequence[Expression]]) -> str:
    """Return a sum of products, each factor in brackets unless it is a single thing, or all that there is."""
    if len(terms) == len(terms[0]) == 1:
        return writer.write(terms[0][0])
    products = []
    for term in terms:
        bare = NEGATIVE if term is terms[0] and not term[0].sign else POWER  # -4 * 2, not (-4) * 2
        factors = [writer.within(rule, POWER if i else bare) for i, rule in enumerate(term)]
        products.append(writer.times.join(_some(factors, writer.dots)))
    return " + ".join(_some(products, writer.dots))
