"""The training loop: forward, loss, backward, step, over batches and epochs, with a record of what happened."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from autodiff import reductions
from autodiff.anomaly import describe, first_nonfinite
from autodiff.arguments import check_flag, check_function, check_range, chosen, dice_of, got, number, positive
from autodiff.nn.data import batches
from autodiff.nn.losses import LOSSES, Loss
from autodiff.nn.optim import Optimizer, clip_gradient_norm, gradient_norm
from autodiff.operands import several
from autodiff.value import Value, as_value

Metric = Callable[[list[Any], list[Any]], float]


class DivergenceError(ArithmeticError):
    """Training produced a nan or inf; the message names the operation that produced the first one."""


class History:
    """What happened in training: one entry a step.

    Attributes:
        loss: the loss that was descended, before the step.
        gradient_norm: the length of the gradient, before it was clipped.
        metrics: by name, each metric on the outputs before the step.
        epoch_loss: one entry an epoch: the mean loss of its steps, weighted by their samples.
        stopped: why training ended: "epochs" when all were done, else the name of the callback that ended it.
    """

    def __init__(self, metrics: Iterable[str] = ()) -> None:
        self.loss: list[float] = []
        self.gradient_norm: list[float] = []
        self.metrics: dict[str, list[float]] = {name: [] for name in several("metrics", metrics, "names")}
        self.epoch_loss: list[float] = []
        self.stopped = "epochs"

    def __repr__(self) -> str:
        last = f", last loss {self.loss[-1]:.6g}" if self.loss else ""
        return f"<History of {len(self.loss)} steps in {len(self.epoch_loss)} epochs{last}, stopped by {self.stopped}>"


Callback = Callable[[Any, History], Any]


class EarlyStopping:
    """A callback that ends training when the epoch's loss has not improved for a while.

    Args:
        patience: how many epochs in a row may pass without improvement.
        min_delta: how much lower than the best so far counts as an improvement.
    """

    def __init__(self, patience: int, min_delta: float = 0.0) -> None:
        positive("patience", patience)
        self.patience, self.min_delta = patience, check_range("min_delta", min_delta)

    def __call__(self, model: Any, history: History) -> bool:
        """Return whether none of the latest `patience` epochs was better than the best one before them."""
        before, latest = history.epoch_loss[: -self.patience], history.epoch_loss[-self.patience :]
        return bool(before) and min(latest) >= min(before) - self.min_delta


def fit(
    model: Callable[[Any], Any],
    data: Sequence[Any],
    loss: str | Loss,
    optimizer: Optimizer,
    epochs: int = 100,
    batch_size: int | None = None,
    *,
    shuffle: bool = True,
    seed: int = 0,
    penalty: Callable[[], Value] | None = None,
    max_norm: float | None = None,
    metrics: Mapping[str, Metric] | None = None,
    callbacks: Sequence[Callback] = (),
    progress: bool = True,
    replay: bool = False,
) -> History:
    """Train `model` on `data` and return the history.

    Each step descends the mean of the loss over a batch, plus the penalty. A step is made whole or not at all: when
    something raises, or the learner presses Ctrl-C, the parameters are those after the last whole step.

    >>> from autodiff import nn
    >>> model = nn.MLP(1, [1], seed=0)
    >>> optimizer = nn.SGD(model.parameters(), lr=0.5)
    >>> history = nn.fit(model, nn.data.line(slope=2.0, intercept=1.0), "squared_error", optimizer, epochs=100)
    >>> [round(p.data, 6) for p in model.parameters()]
    [2.0, 1.0]

    Args:
        model: answers an output for a sample's inputs.
        data: samples, each a pair (inputs, target).
        loss: the name of a loss in `LOSSES`, or a function of (output, target).
        optimizer: moves the parameters that it was given.
        epochs: how often to go through the data.
        batch_size: None for the full batch, 1 for stochastic descent, else mini-batches.
        shuffle: whether each epoch takes the samples in a new order.
        seed: of the order of the samples.
        penalty: answers a Value that is added to the loss, such as ``lambda: 1e-4 * nn.l2(model.parameters())``.
        max_norm: the largest norm of a gradient; longer ones are scaled down to it.
        metrics: functions of (outputs, targets) of a batch, recorded by name.
        callbacks: called as callback(model, history) after each epoch; training ends when one answers true.
        progress: whether to show a progress bar on standard error when that is a terminal.
        replay: whether to record each sample's loss and the penalty once, and repeat them as compiled programs: the
            same numbers to rounding, many times faster. What Python decides by data in the model, the loss or the
            penalty is then decided once (see `autodiff.Replay`), and the optimizer's rule is given arrays.

    Raises:
        DivergenceError: if the loss or the gradient is nan or inf; the parameters are those that produced it.
        ValueError: if the data set is empty, a number is out of its range, or the loss depends on no parameter.
    """
    check_function("model", model)
    compute = chosen("loss", loss, LOSSES)
    if isinstance(epochs, bool) or not isinstance(epochs, int):
        raise TypeError(f"epochs must be a whole number, {got(epochs)}")
    if epochs < 0:
        raise ValueError(f"epochs must be at least 0, got {epochs}")
    check_flag("progress", progress)
    check_flag("replay", replay)
    if penalty is not None:
        check_function("penalty", penalty)
    if max_norm is not None:
        check_range("max_norm", max_norm, positive=True)
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be one of nn, such as nn.SGD(model.parameters(), lr=0.1), got {optimizer!r}")
    callbacks = several("callbacks", callbacks, "functions")
    for callback in callbacks:
        check_function("a callback", callback)
    if not isinstance(metrics, Mapping | None):
        raise TypeError(f"metrics must be a dict of functions by name, {got(metrics)}")
    metrics = dict(metrics or {})
    for name, metric in metrics.items():
        check_function(f"the metric {name!r}", metric)
    history = History(metrics)
    dice = dice_of(seed)
    data = _samples(data)
    batches(data, batch_size, shuffle=shuffle)  # raises now if there is nothing to train on
    descent = Eager(model, compute, penalty, optimizer, max_norm, history)
    if replay and epochs:
        from autodiff.nn.replayed import Replayed

        descent = Replayed(descent, data)
    try:
        _descend_epochs(descent, model, data, epochs, batch_size, shuffle, dice, metrics, callbacks, progress)
    except BaseException:  # Ctrl-C too, wherever it struck
        descent.write_back()
        raise
    return history


def _descend_epochs(
    descent: Eager,
    model: Callable[[Any], Any],
    data: Sequence[Any],
    epochs: int,
    batch_size: int | None,
    shuffle: bool,
    dice: Any,
    metrics: Mapping[str, Metric],
    callbacks: Sequence[Callback],
    progress: bool,
) -> None:
    """Make the steps of all epochs; apart from `fit`, as CPython 3.12 and later leave jumps of loops out of a `try`."""
    history = descent.history
    with _bar(epochs, progress) as bar:
        for _ in range(epochs):
            total = 0.0
            for places in batches(range(len(data)), batch_size, shuffle=shuffle, seed=dice):
                batch = [data[i] for i in places]
                outputs = descent.step(places, batch, outputs=bool(metrics))
                for name, metric in metrics.items():
                    answer = metric(outputs, [target for _, target in batch])
                    answer = answer.data if isinstance(answer, Value) else answer
                    history.metrics[name].append(number(f"the metric {name!r}", answer))
                total += history.loss[-1] * len(batch)
            history.epoch_loss.append(total / len(data))
            descent.write_back()  # callbacks see the parameters
            bar.update(1)
            bar.set_postfix(loss=f"{history.epoch_loss[-1]:.3g}", refresh=False)
            ended = next((callback for callback in callbacks if callback(model, history)), None)
            if callbacks:
                descent.resume()  # they may have moved the parameters
            if ended is not None:
                history.stopped = getattr(ended, "__name__", type(ended).__name__)
                break


def _samples(data: Any) -> list[Any]:
    """Return the samples as a list; one that is no pair raises `TypeError`."""
    samples = several("data", data, "samples")
    for i, sample in enumerate(samples):
        if isinstance(sample, str | bytes) or not hasattr(sample, "__len__") or len(sample) != 2:
            raise TypeError(f"sample {i} must be a pair (inputs, target), such as ([1.0, 2.0], 0.5), {got(sample)}")
    return samples


class Eager:
    """Steps on graphs that are built anew for each batch."""

    def __init__(
        self,
        model: Callable[[Any], Any],
        loss: Loss,
        penalty: Callable[[], Value] | None,
        optimizer: Optimizer,
        max_norm: float | None,
        history: History,
    ) -> None:
        self.model, self.loss, self.penalty = model, loss, penalty
        self.optimizer, self.max_norm, self.history = optimizer, max_norm, history

    def step(self, places: Sequence[int], batch: Sequence[Any], *, outputs: bool) -> list[Any]:
        """Make one step; return the outputs before it."""
        results = [self.model(inputs) for inputs, _ in batch]
        losses = [as_graph(self.loss(result, target)) for result, (_, target) in zip(results, batch, strict=True)]
        objective = reductions.mean(losses)
        if self.penalty is not None:
            objective = objective + as_value(self.penalty())
        _descend(objective, self.optimizer, self.max_norm, self.history)
        return results

    def write_back(self) -> None:
        """Do nothing: the parameters are where the steps have led."""

    def resume(self) -> None:
        """Do nothing: steps start from where the parameters are."""


def as_graph(loss: Any) -> Value:
    """Return the loss, which must be a Value: a number depends on no parameter."""
    if not isinstance(loss, Value):
        raise TypeError(f"the loss must answer a Value, {got(loss)}; does it depend on the model?")
    return loss


def _descend(objective: Value, optimizer: Optimizer, max_norm: float | None, history: History) -> None:
    """Make one step; raise if the loss or its gradient is not finite."""
    step = len(history.loss) + 1
    if not math.isfinite(objective.data):
        source = first_nonfinite(objective)
        raise DivergenceError(
            f"the loss is {objective.data} at step {step}: it began with {describe(source or objective)}; "
            "try a smaller learning rate, or max_norm=1.0"
        )
    optimizer.zero_grad()
    objective.backward()
    if all(parameter._grad is None for parameter in optimizer.parameters):
        raise ValueError("the loss depends on none of the optimizer's parameters: was it given those of this model?")
    norm = gradient_norm(optimizer.parameters)
    if not math.isfinite(norm):
        raise DivergenceError(
            f"the gradient is {norm} at step {step}, where the loss is {objective.data:g}: "
            "run the step in `with autodiff.anomaly_detection():` to see where it began"
        )
    if max_norm is not None:
        clip_gradient_norm(optimizer.parameters, max_norm)
    optimizer.step()
    history.loss.append(objective.data)
    history.gradient_norm.append(norm)


def _bar(epochs: int, progress: bool) -> Any:
    from tqdm import tqdm

    return tqdm(total=epochs, disable=not (progress and sys.stderr.isatty()), unit="epoch", file=sys.stderr)
