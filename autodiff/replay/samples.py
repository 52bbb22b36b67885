"""The losses of many samples, recorded one by one, as few programs that take any of them as a batch.

Samples whose graphs are the same, but for the constants in them, share a program; these constants are its inputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from autodiff.engine.value import Value
from autodiff.replay import chunks, reference
from autodiff.replay.compile import Program, compiled
from autodiff.replay.recording.frozen import decided_in, forget
from autodiff.replay.recording.record import Recording, record
from autodiff.replay.vectors import added, numpy_is_here, scaled, vector


class Family:
    """Samples whose graphs are the same but for their constants."""

    def __init__(
        self, recording: Recording, rows: list[list[float]], values: Any, backend: str, penalty: Recording | None
    ) -> None:
        variable = [i for i in range(len(rows[0])) if any([repr(row[i]) != repr(rows[0][i]) for row in rows])]
        constants = recording.constants
        self.recording = recording.with_inputs([constants[i] for i in variable])
        if penalty is not None:
            self.recording = self.recording.plus(penalty)
        self.program: Program = compiled(self.recording, backend)
        self.shared = chunks.Shared(self.program, self.recording, backend)
        self.rows: Any = [[row[i] for i in variable] for row in rows]
        if numpy_is_here():
            import numpy as np

            self.rows = np.array(self.rows, dtype=float).reshape(len(rows), len(variable))
        reference.check(self.program, self.recording, values, self.batch([0]))

    def batch(self, places: list[int]) -> Any:
        """Return the samples in these places as the program takes them."""
        if not self.recording.inputs:
            return self.program.batch([[]], 0)
        rows = self.rows[places] if numpy_is_here() else [self.rows[i] for i in places]
        return self.program.batch(rows, self.recording.inputs)


class Samples:
    """The losses of samples, ready to be averaged over any of them.

    Args:
        losses: the graph of each sample's loss; a generator saves memory.
        parameters: the leaves to differentiate by.
        values: the vector of their data.
        backend: what runs them, as in `Replay`.
        penalty: builds the graph of what is added to each of the losses, and so to any mean of them; or None.

    Attributes:
        decided: file and line where Python decided by the number of a Value what a loss is, or None. If it did, the
            losses have no programs.
        depends: the places of the parameters that some loss or the penalty depends on.
        families: the samples by the structure of their graphs.
    """

    def __init__(
        self,
        losses: Iterable[Value],
        parameters: Sequence[Value],
        values: Any,
        backend: str = "auto",
        penalty: Callable[[], Value] | None = None,
    ) -> None:
        known: dict[Any, int] = {}
        recordings: list[Recording] = []
        rows: list[list[list[float]]] = []
        self.home: list[tuple[int, int]] = []  # of each sample: its family, and its place among the samples of it
        self.depends: set[int] = set()
        self.decided: str | None = None
        forget()
        added_to_each = None
        if penalty is not None:
            built = penalty()
            self.decided = decided_in(built, parameters, watched=True)
            added_to_each = record(built, parameters, ())
            self.depends.update(added_to_each.depends)
        for loss in losses:
            self.decided = self.decided or decided_in(loss, parameters, watched=True)
            recording = record(loss, parameters, ())
            family = known.setdefault(recording.structure, len(recordings))
            if family == len(recordings):
                recordings.append(recording)
                rows.append([])
                self.depends.update(recording.depends)
            self.home.append((family, len(rows[family])))
            rows[family].append([recording.numbers[i] for i in recording.constants])
        if self.decided is not None:
            return
        self.families = [
            Family(recording, its, values, backend, added_to_each)
            for recording, its in zip(recordings, rows, strict=True)
        ]

    def gradient(self, values: Any, samples: Sequence[int], executor: Any = None) -> tuple[float, Any]:
        """Return the mean loss over some samples, and its gradient; by an executor, in chunks."""
        places: list[list[int]] = [[] for _ in self.families]
        for sample in samples:
            home, place = self.home[sample]
            places[home].append(place)
        asked = [(family, family.batch(its)) for family, its in zip(self.families, places, strict=True) if its]
        found: Iterable[tuple[float, Any]]
        if executor is None:
            found = (family.program.gradient(values, batch) for family, batch in asked)  # one after the other
        else:
            found = chunks.gradients([(family.shared, batch) for family, batch in asked], values, executor)
        total, slopes = 0.0, None
        for (family, batch), its, (loss, gradient) in zip(asked, filter(None, places), found, strict=True):
            share = len(its) / len(samples)
            if not math.isfinite(loss):
                loss, eager = reference.mean(family.recording, values, batch)
                gradient = vector(eager)
            total += share * loss
            slopes = scaled(gradient, share) if slopes is None else added(slopes, scaled(gradient, share))
        return total, slopes
