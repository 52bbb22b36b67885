"""The losses of many samples, recorded one by one, as few programs that take any of them as a batch.

Samples whose graphs are the same, but for the constants in them, share a program; these constants are its inputs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from autodiff.replay import eager
from autodiff.replay.choice import Program, choose
from autodiff.replay.compare import check
from autodiff.replay.record import Recording, record
from autodiff.replay.vectors import added, numpy_is_here, scaled, vector
from autodiff.value import Value


class Kind:
    """Samples whose graphs are the same but for their constants."""

    def __init__(self, recording: Recording, rows: list[list[float]], values: Any) -> None:
        variable = [i for i in range(len(rows[0])) if any([repr(row[i]) != repr(rows[0][i]) for row in rows])]
        constants = [i for i in range(recording.parameters, len(recording.ops)) if recording.ops[i] is None]
        self.recording = recording.with_inputs([constants[i] for i in variable])
        self.program: Program = choose(self.recording)
        self.rows: Any = [[row[i] for i in variable] for row in rows]
        if numpy_is_here():
            import numpy as np

            self.rows = np.array(self.rows, dtype=float).reshape(len(rows), len(variable))
        check(self.program, self.recording, values, self.batch([0]))

    def batch(self, places: list[int]) -> Any:
        """Return the samples in these places as the program takes them."""
        if not self.recording.inputs:
            return self.program.rows([[]], 0)
        rows = self.rows[places] if numpy_is_here() else [self.rows[i] for i in places]
        return self.program.rows(rows, self.recording.inputs)


class Samples:
    """The losses of samples, ready to be averaged over any of them.

    Args:
        losses: the graph of each sample's loss; a generator saves memory.
        parameters: the leaves to differentiate by.
        values: the vector of their data.
    """

    def __init__(self, losses: Iterable[Value], parameters: Sequence[Value], values: Any) -> None:
        known: dict[Any, int] = {}
        recordings: list[Recording] = []
        rows: list[list[list[float]]] = []
        self.home: list[tuple[int, int]] = []  # of each sample: its kind, and its place among the samples of it
        self.depends: set[int] = set()
        for loss in losses:
            recording = record(loss, parameters, ())
            structure = tuple(recording.ops), tuple(recording.operands), repr(recording.settings), recording.root
            kind = known.setdefault(structure, len(recordings))
            if kind == len(recordings):
                recordings.append(recording)
                rows.append([])
                self.depends.update(recording.depends)
            self.home.append((kind, len(rows[kind])))
            rows[kind].append(recording.constants)
        self.kinds = [Kind(recording, its, values) for recording, its in zip(recordings, rows, strict=True)]

    def gradient(self, values: Any, samples: Sequence[int]) -> tuple[float, Any]:
        """Return the mean loss over some samples, and its gradient."""
        places: list[list[int]] = [[] for _ in self.kinds]
        for sample in samples:
            kind, place = self.home[sample]
            places[kind].append(place)
        total, slopes = 0.0, None
        for these, its in zip(self.kinds, places, strict=True):
            if its:
                share = len(its) / len(samples)
                loss, gradient = self._of_kind(these, values, its)
                total += share * loss
                slopes = scaled(gradient, share) if slopes is None else added(slopes, scaled(gradient, share))
        return total, slopes

    def _of_kind(self, kind: Kind, values: Any, places: list[int]) -> tuple[float, Any]:
        batch = kind.batch(places)
        loss, gradient = kind.program.gradient(values, batch)
        if math.isfinite(loss):
            return loss, gradient
        loss, slopes = eager.mean(kind.recording, values, batch)
        return loss, vector(slopes)
