"""A step of training on graphs that are built anew: forward, loss, backward, update.

It knows a batch, an objective and an optimizer; it must not know epochs, nor that steps can be replayed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from autodiff.checks.anomaly import describe, first_nonfinite
from autodiff.engine import reductions
from autodiff.engine.backward import toposort
from autodiff.engine.value import Value, as_value
from autodiff.nn.history import History
from autodiff.nn.losses import Loss
from autodiff.nn.optim import Optimizer, clip_gradient_norm, gradient_norm
from autodiff.support.arguments import got
from autodiff.support.collector import large_graph
from autodiff.support.operands import real


class DivergenceError(ArithmeticError):
    """Training came upon a nan or inf; the message names the sample that holds one, else where the first one arose."""


class Eager:
    """Steps on graphs that are built anew for each batch.

    Args:
        model: answers an output for a sample's inputs.
        data: the samples, pairs of inputs and target.
        loss: a function of (output, target).
        penalty: answers what is added to the loss, or None.
        optimizer: moves the parameters.
        max_norm: the largest norm of a gradient, or None.
        history: is told of each step.
    """

    def __init__(
        self,
        model: Callable[[Any], Any],
        data: Sequence[Any],
        loss: Loss,
        penalty: Callable[[], Value] | None,
        optimizer: Optimizer,
        max_norm: float | None,
        history: History,
    ) -> None:
        self.model, self.data, self.loss, self.penalty = model, data, loss, penalty
        self.optimizer, self.max_norm, self.history = optimizer, max_norm, history
        self._answered = self._reached = False  # whether a loss was a Value, a gradient came to a parameter, so far

    def steps(self, batches: Iterable[Sequence[int]], *, outputs: bool) -> Iterator[tuple[Sequence[int], list[Any]]]:
        """Make a step on each batch of samples, given by their places; yield each with the outputs before its step."""
        for places in batches:
            yield places, self.step(places, outputs=outputs)

    @large_graph()
    def step(self, places: Sequence[int], *, outputs: bool) -> list[Any]:
        """Make one step on the samples in these places; return the outputs before it.

        A loss that is a plain number, as max(0, margin) is where the margin is kept, is a constant: its slope is 0.
        """
        batch = [self.data[place] for place in places]
        results = [self.model(inputs) for inputs, _ in batch]
        answers = [self.loss(result, target) for result, (_, target) in zip(results, batch, strict=True)]
        losses = [as_graph(answer) for answer in answers]
        self._check_answers(answers)
        objective = reductions.mean(losses)
        if self.penalty is not None:
            objective = objective + as_value(self.penalty())
        self._descend(objective, dict(zip(places, losses, strict=True)))
        return results

    def _descend(self, objective: Value, losses: dict[int, Value]) -> None:
        """Make one step; raise if the loss or its gradient is not finite."""
        optimizer, history = self.optimizer, self.history
        step = len(history.loss) + 1
        if not math.isfinite(objective.data):
            what = f"the loss is {objective.data} at step {step}"
            self._refuse_data(what, [place for place, loss in losses.items() if not math.isfinite(loss.data)])
            source = first_nonfinite(objective)
            raise DivergenceError(
                f"{what}: it began with {describe(source or objective)}; try a smaller learning rate, or max_norm=1.0"
            )
        optimizer.zero_grad()
        objective.backward()
        if not self._reached:
            self._reached = any([p._grad is not None for p in optimizer.parameters]) or self._any_loss(self._depends)
            if not self._reached:
                raise ValueError(NO_PARAMETER)
        norm = gradient_norm(optimizer.parameters)
        if not math.isfinite(norm):
            what = f"the gradient is {norm} at step {step}, where the loss is {objective.data:g}"
            self._refuse_data(what, losses)
            raise DivergenceError(f"{what}: run the step in `with autodiff.anomaly_detection():` to see where it began")
        if self.max_norm is not None:
            clip_gradient_norm(optimizer.parameters, self.max_norm)
        optimizer.step()
        history.loss.append(objective.data)
        history.gradient_norm.append(norm)

    def _check_answers(self, answers: Sequence[Any]) -> None:
        """Raise `TypeError` if the loss is a plain number for all samples, these and the others."""
        if not self._answered:
            self._answered = any(map(is_value, answers)) or self._any_loss(is_value)
            if not self._answered:
                raise TypeError(f"the loss must answer a Value, {got(answers[0])}; does it depend on the model?")

    def _any_loss(self, condition: Callable[[Any], bool]) -> bool:
        """Return whether the loss of any sample is such; asked of all only where it is of none in the first batch."""
        return any(condition(self.loss(self.model(inputs), target)) for inputs, target in self.data)

    def _depends(self, loss: Any) -> bool:
        leaves = {id(leaf) for leaf in toposort(as_graph(loss))[1]}
        return any([id(parameter) in leaves for parameter in self.optimizer.parameters])

    def _refuse_data(self, what: str, places: Iterable[int]) -> None:
        """Raise `DivergenceError` if the data of one of these samples are nan or inf: no learning rate cures that."""
        for place in sorted(places):
            for role, data in zip(("inputs", "target"), self.data[place], strict=True):
                found = nonfinite(data)
                if found:
                    number, position = found
                    where = f", at {position}" if position else ""
                    raise DivergenceError(
                        f"{what}: sample {place} of the data has {number} in its {role}{where}; mend it or leave it out"
                    )

    def write_back(self) -> None:
        """Do nothing: the parameters are where the steps have led."""

    def resume(self) -> None:
        """Do nothing: steps start from where the parameters are."""

    def finish(self) -> None:
        """Do nothing: each graph was built when it was needed."""


NO_PARAMETER = "the loss depends on none of the optimizer's parameters: was it given those of this model?"


def as_graph(loss: Any) -> Value:
    """Return the loss as a Value, a plain number as a constant; anything else raises `TypeError`."""
    try:
        return as_value(loss)
    except TypeError:
        raise TypeError(f"the loss must answer a Value, {got(loss)}; does it depend on the model?") from None


def is_value(loss: Any) -> bool:
    """Return whether the loss is a Value."""
    return isinstance(loss, Value)


def nonfinite(data: Any, position: str = "") -> tuple[float, str] | None:
    """Return the first nan or inf in a sample's inputs or its target, and where it stands; None where all is finite.

    >>> nonfinite([1.0, [2.0, float("nan")]])
    (nan, '[1][1]')
    """
    data = data.item() if getattr(data, "shape", None) == () else data.data if isinstance(data, Value) else data
    if hasattr(data, "__len__") and hasattr(data, "__iter__") and not isinstance(data, str | bytes):
        parts = data.items() if isinstance(data, Mapping) else enumerate(data)
        found = (nonfinite(part, f"{position}[{name!r}]") for name, part in parts)
        return next(filter(None, found), None)
    try:
        number = real(data)
    except (TypeError, OverflowError):  # no number, or an integer above all floats
        return None
    return None if math.isfinite(number) else (number, position)
