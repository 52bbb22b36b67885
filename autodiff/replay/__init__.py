"""Replay: the graph of ordinary scalar code, recorded once, run as a compiled program."""

from autodiff.replay.compare import ReplayError
from autodiff.replay.fitting import Descent
from autodiff.replay.replay import Replay
from autodiff.replay.samples import Samples
from autodiff.replay.vectors import added, length, scaled, vector

__all__ = ["Descent", "Replay", "ReplayError", "Samples", "added", "length", "scaled", "vector"]
