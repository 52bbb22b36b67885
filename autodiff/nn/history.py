"""What happened in training, and a callback that ends it when the loss no longer falls."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from autodiff.support.arguments import check_range, positive
from autodiff.support.operands import several


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
