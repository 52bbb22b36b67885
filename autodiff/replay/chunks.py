"""A batch in chunks over an executor, their losses and gradients added in the order of submission.

It knows an executor only as something with `submit`, as those of `concurrent.futures` have. What a chunk is depends on
the program and on the batch, never on how many workers there are, and neither does any bit of the result.
"""

from __future__ import annotations

import pickle
import zlib
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Any

from autodiff.replay.compile import Program, compiled
from autodiff.replay.recording.record import Recording
from autodiff.replay.vectors import added, scaled, vector
from autodiff.support.arguments import check_executor

CHUNK_TIME = 5000.0  # microseconds that a chunk takes, about: some ten times what a process takes to be asked
MAX_PROGRAMS = 64  # that a process keeps of those it was sent


class Shared:
    """A program that workers run: in this process itself; where it is sent, made there from its recording, once.

    It is sent as the bytes of the recording; a process that has had them knows the program.

    Args:
        program: what runs here.
        recording: what it was made from.
        backend: the back end that it was made for, which is asked for where it is sent.
    """

    def __init__(self, program: Program, recording: Recording, backend: str) -> None:
        self.program, self.recording, self.backend = program, recording, backend

    @cached_property
    def packed(self) -> bytes:
        """The recording as it is sent, without the numbers of what is computed or given anew in each run."""
        recording = self.recording
        numbers = array("d", [x if recording.is_constant(i) else 0.0 for i, x in enumerate(recording.numbers)])
        return zlib.compress(pickle.dumps(replace(recording, numbers=numbers, computed=False)))

    def __reduce__(self) -> tuple[Any, ...]:
        return received, (self.packed, self.backend)

    def sizes(self, samples: int) -> list[int]:
        """Return how many samples each chunk has of so many: as like as can be."""
        whole = samples * len(self.recording.edges) * self.program.operand_time
        n = min(samples, max(1, round(whole / CHUNK_TIME)))
        return [samples // n + (k < samples % n) for k in range(n)]


@lru_cache(maxsize=MAX_PROGRAMS)
def received(packed: bytes, backend: str) -> Shared:
    """Return the program that another process has sent."""
    recording = pickle.loads(zlib.decompress(packed))
    return Shared(compiled(recording, backend), recording, backend)


def check_chunks(executor: Any, *, is_batch: bool) -> None:
    """Raise unless this is an executor, and there is a batch for it."""
    check_executor(executor)
    if not is_batch:
        raise ValueError("an executor computes a batch in chunks, and there is none: give samples as rows")


def of_chunk(shared: Shared, values: Any, batch: Any) -> tuple[float, Any]:
    """Return the mean loss of a chunk, and its gradient in a vector of its own: what a worker does."""
    loss, gradient = shared.program.gradient(values, batch)
    return loss, vector(gradient)


def gradients(jobs: Sequence[tuple[Shared, Any]], values: Any, executor: Any) -> list[tuple[float, Any]]:
    """Return for each program and its batch the mean loss, nan where the program vouches for none, and the gradient.

    All chunks of all batches are submitted before any is waited for.

    Raises:
        RuntimeError: if the executor takes a chunk no more, or loses one.
    """
    futures: list[list[tuple[int, Any]]] = []
    try:
        for shared, batch in jobs:
            futures.append([])
            start = 0
            for size in shared.sizes(len(batch)):
                with _told(start, size, len(batch)):
                    future = executor.submit(of_chunk, shared, values, batch[start : start + size])
                futures[-1].append((size, future))
                start += size
        return [_mean(chunks) for chunks in futures]
    except BaseException:  # Ctrl-C too: what has not begun need not be computed any more
        for _, future in [chunk for chunks in futures for chunk in chunks]:
            future.cancel()
        raise


def _mean(chunks: Sequence[tuple[int, Any]]) -> tuple[float, Any]:
    """Return the mean of chunks, as they are done: of so many samples each."""
    samples = sum([size for size, _ in chunks])
    total, slopes, start = 0.0, None, 0
    for size, future in chunks:
        with _told(start, size, samples):
            loss, gradient = future.result()
        share = size / samples
        total += share * loss
        slopes = scaled(gradient, share) if slopes is None else added(slopes, scaled(gradient, share))
        start += size
    return total, slopes


@contextmanager
def _told(start: int, size: int, samples: int) -> Iterator[None]:
    """Say which samples an executor could not compute."""
    try:
        yield
    except Exception as error:  # whatever an executor raises: of a lost process, a cluster, a program it cannot make
        raise RuntimeError(
            f"the executor has lost samples {start} to {start + size - 1} of {samples}: {type(error).__name__}: {error}"
        ) from error
