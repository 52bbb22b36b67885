"""What a replay has made of a graph, for people."""

from __future__ import annotations

from typing import Any

from autodiff.replay.record import Recording

Report = str


def report(recording: Recording, program: Any) -> Report:
    """Return the report of a program."""
    return f"{recording.size} operations"
