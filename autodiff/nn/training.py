"""The training loop: steps of descent over batches and epochs.

It knows when a step is made, on which samples, and who is told. How a step is made is known to
`nn.descent`, eagerly, and to `nn.replayed`, on recordings.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from itertools import chain
from typing import Any

from autodiff.engine.value import Value
from autodiff.nn.data import batches
from autodiff.nn.descent import Eager
from autodiff.nn.history import Callback, History
from autodiff.nn.losses import LOSSES, Loss
from autodiff.nn.optim import Optimizer
from autodiff.support.arguments import (
    check_choice,
    check_executor,
    check_flag,
    check_function,
    check_range,
    chosen,
    got,
    number,
    rng_of,
)
from autodiff.support.operands import several

Metric = Callable[[list[Any], list[Any]], float]


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
    replay: bool | str = False,
    executor: Any = None,
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
        loss: the name of a loss in `LOSSES`, or a function of (output, target). Where it answers a plain number, as
            ``max(0, 1 - target * output)`` does beyond the margin, that is a constant: its slope is 0.
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
            penalty is then decided once (see `autodiff.Replay`), and the optimizer's rule is read as formulas, or given
            arrays. Parameters that the optimizer does not move keep the `grad` that they had. The name of a back end of
            `autodiff.Replay` takes that one; True is "auto". With "wasm" or "llvm", and samples of one structure, as
            many steps as take a moment are made before Python is asked again.
        executor: with `replay`, computes each batch in chunks, in threads, processes or a cluster (see
            `autodiff.Replay.gradient`).

    Raises:
        DivergenceError: if the loss or the gradient is nan or inf; the parameters are those that produced it. Where a
            sample of the batch holds a nan or inf, it is named, else the operation that produced the first one.
        TypeError: if an argument is of another kind, or the loss is a plain number for all samples.
        ValueError: if the data set is empty, a number is out of its range, or the loss depends on no parameter.
    """
    check_function("model", model)
    compute = chosen("loss", loss, LOSSES)
    loop = Loop(epochs, batch_size, shuffle, seed, metrics, callbacks, progress)
    if isinstance(replay, str):
        from autodiff.replay.compile import BACKENDS

        check_choice("replay", replay, tuple(BACKENDS))
    else:
        check_flag("replay", replay)
    if executor is not None:
        check_executor(executor)
        if not replay:
            raise ValueError("an executor computes replayed batches: give replay=True as well")
    if penalty is not None:
        check_function("penalty", penalty)
    if max_norm is not None:
        check_range("max_norm", max_norm, positive=True)
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be one of nn, such as nn.SGD(model.parameters(), lr=0.1), got {optimizer!r}")
    data = _samples(data)
    batches(data, batch_size, shuffle=shuffle)  # raises now if there is nothing to train on
    history = History(loop.metrics)
    descent = Eager(model, data, compute, penalty, optimizer, max_norm, history)
    if replay and epochs:
        from autodiff.nn.replayed import replayed

        backend = replay if isinstance(replay, str) else "auto"
        descent = replayed(descent, backend, watched=bool(loop.callbacks or loop.metrics), executor=executor)
    try:
        loop.run(descent)
        descent.write_back()
    except BaseException:  # Ctrl-C too, wherever it struck
        descent.write_back()
        raise
    descent.finish()
    return history


class Loop:
    """Batches and epochs around the steps of a descent; its arguments are those of `fit`."""

    def __init__(
        self,
        epochs: int,
        batch_size: int | None,
        shuffle: bool,
        seed: int,
        metrics: Mapping[str, Metric] | None,
        callbacks: Sequence[Callback],
        progress: bool,
    ) -> None:
        if isinstance(epochs, bool) or not isinstance(epochs, int):
            raise TypeError(f"epochs must be a whole number, {got(epochs)}")
        if epochs < 0:
            raise ValueError(f"epochs must be at least 0, got {epochs}")
        check_flag("progress", progress)
        callbacks = several("callbacks", callbacks, "functions")
        for callback in callbacks:
            check_function("a callback", callback)
        if not isinstance(metrics, Mapping | None):
            raise TypeError(f"metrics must be a dict of functions by name, {got(metrics)}")
        metrics = dict(metrics or {})
        for name, metric in metrics.items():
            check_function(f"the metric {name!r}", metric)
        self.epochs, self.batch_size, self.shuffle, self.rng = epochs, batch_size, shuffle, rng_of(seed)
        self.metrics, self.callbacks, self.progress = metrics, callbacks, progress

    def run(self, descent: Eager) -> None:
        """Make the steps of all epochs; callbacks are called after each, so that each is on its own then.

        Apart from `fit`, as CPython 3.12 and later leave jumps of loops out of a `try`.
        """
        history, size = descent.history, len(descent.data)
        step = len(history.loss)
        epochs = (self._batches(size) for _ in range(self.epochs))
        with _bar(self.epochs, self.progress) as bar:
            for turn in epochs if self.callbacks else [chain.from_iterable(epochs)]:
                seen, total = 0, 0.0
                for places, outputs in descent.steps(turn, outputs=bool(self.metrics)):
                    self._measure(descent, places, outputs)
                    seen, total = seen + len(places), total + history.loss[step] * len(places)
                    step += 1
                    if seen == size:  # the mean loss of an epoch, weighted by the samples of its batches
                        history.epoch_loss.append(total / size)
                        seen, total = 0, 0.0
                        if bar is not None:
                            bar.update(1)
                            bar.set_postfix(loss=f"{history.epoch_loss[-1]:.3g}", refresh=False)
                if self.callbacks and self._is_ended(descent):
                    break

    def _is_ended(self, descent: Eager) -> bool:
        """Call the callbacks, which see the parameters and may move them; return whether one ends the training."""
        descent.write_back()
        ended = next((callback for callback in self.callbacks if callback(descent.model, descent.history)), None)
        descent.resume()
        if ended is not None:
            descent.history.stopped = getattr(ended, "__name__", type(ended).__name__)
        return ended is not None

    def _batches(self, size: int) -> Iterator[list[int]]:
        """Return the places of the samples of an epoch in batches; of one whole batch in order."""
        is_whole = (self.batch_size is None or self.batch_size >= size) and not self.metrics
        return batches(range(size), self.batch_size, shuffle=self.shuffle and not is_whole, seed=self.rng)

    def _measure(self, descent: Eager, places: Sequence[int], outputs: list[Any]) -> None:
        """Record the metrics of a batch."""
        for name, metric in self.metrics.items():
            answer = metric(outputs, [descent.data[place][1] for place in places])
            answer = answer.data if isinstance(answer, Value) else answer
            descent.history.metrics[name].append(number(f"the metric {name!r}", answer))


def _samples(data: Any) -> list[Any]:
    """Return the samples as a list; one that is no pair raises `TypeError`."""
    samples = several("data", data, "samples")
    for i, sample in enumerate(samples):
        if isinstance(sample, str | bytes) or not hasattr(sample, "__len__") or len(sample) != 2:
            raise TypeError(f"sample {i} must be a pair (inputs, target), such as ([1.0, 2.0], 0.5), {got(sample)}")
    return samples


def _bar(epochs: int, progress: bool) -> Any:
    """Return the bar, to be entered; one of nothing where nobody sees it, as a bar starts a thread."""
    if not (progress and sys.stderr.isatty()):
        return nullcontext()
    from tqdm import tqdm

    return tqdm(total=epochs, unit="epoch", file=sys.stderr)
