"""Replay: the graph of ordinary scalar code, recorded once, run as a compiled program."""

from autodiff.replay.compare import ReplayError
from autodiff.replay.replay import Replay

__all__ = ["Replay", "ReplayError"]
