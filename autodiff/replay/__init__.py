"""Replay: the graph of ordinary scalar code, recorded once, run as a compiled program."""

from autodiff.replay.replay import Replay, ReplayError

__all__ = ["Replay", "ReplayError"]
