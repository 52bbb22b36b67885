"""The same step on recorded graphs, all in arrays; imported when `fit` is asked to replay.

It knows `nn.descent`, whose numbers it repeats, and `autodiff.replay`; it must not know epochs.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from autodiff.engine.value import Value
from autodiff.nn.descent import NO_PARAMETER, Eager, as_graph
from autodiff.nn.losses import ALIKE
from autodiff.replay import (
    Batch,
    Descent,
    Inside,
    Leaves,
    ReplayWarning,
    Samples,
    built,
    changed,
    grouped,
    length,
    refuse_what_differs,
    scaled,
    vector,
)


class DecidedError(Exception):
    """Python decided by a number what is computed, and a recording would repeat that decision for ever."""


def replayed(eager: Eager, backend: str, *, watched: bool, executor: Any) -> Eager:
    """Return the steps of `eager` on recordings; `eager` itself, with a warning, where a recording would be wrong.

    Args:
        eager: the steps.
        backend: what runs the programs, as in `Replay`.
        watched: whether people's code runs between the steps, which may change what is computed.
        executor: computes each batch in chunks, if there is one.

    Raises:
        ValueError: if a graph that is built again, under other parameters or other draws of random numbers, differs,
            with the first line that does. A few samples are, and the penalty.
    """
    try:
        return Replayed(eager, backend, watched=watched, executor=executor)
    except DecidedError as decided:
        told = (
            f"{decided}, as Python decided, which a recording would repeat for ever: the steps are computed eagerly, "
            "right but slower; write the decision as autodiff.maximum, minimum, relu or clip"
        )
    warnings.warn(told, ReplayWarning, stacklevel=3)  # at the line that calls `fit`
    return eager


class Replayed(Eager):
    """The same steps on graphs that are recorded once, all in arrays."""

    def __init__(self, eager: Eager, backend: str, *, watched: bool, executor: Any) -> None:
        vars(self).update(vars(eager))
        self.eager, self.executor = eager, executor
        parameters = self.optimizer.parameters
        self.leaves = Leaves(parameters)
        self.values = vector(self.leaves.read())
        self.loss = ALIKE.get(self.loss, self.loss)
        penalty = self.penalty and (lambda build: lambda: as_graph(build()))(self.penalty)
        losses = map(self._recorded, range(len(self.data)))
        self.samples = Samples(losses, parameters, self.values, backend, penalty)
        if self.samples.decided:
            raise DecidedError(f"what is computed hangs on a Value that is compared at {self.samples.decided}")
        if not self.samples.depends:
            raise ValueError(NO_PARAMETER)
        self.gradient: Any = None  # of the last step, as it was descended
        self.resume()
        some = sorted({0, len(self.data) // 2, len(self.data) - 1})
        builds: list[Callable[[], Any]] = [partial(self._recorded, place) for place in some]
        self.builds = [*builds, self.penalty] if self.penalty else builds
        refuse_what_differs(self.builds, parameters)
        self.built = built(self.builds, parameters) if watched else None

    def _recorded(self, place: int) -> Value:
        """Return the graph of a sample's loss; a plain number has none, and would stay that number for ever."""
        inputs, target = self.data[place]
        loss = self.loss(self.model(inputs), target)
        if not isinstance(loss, Value):
            self._check_answers([loss])
            raise DecidedError(f"the loss of sample {place} is the plain number {loss!r}")
        return loss

    def steps(self, batches: Iterable[Sequence[int]], *, outputs: bool) -> Iterator[tuple[Sequence[int], list[Any]]]:
        """Make the steps, many at once inside of the program where that can be."""
        if outputs:
            yield from super().steps(batches, outputs=outputs)
            return
        rows, losses, norms = self.samples.families[0].rows, self.history.loss, self.history.gradient_norm
        longest = math.inf if self.max_norm is None else self.max_norm
        everything = range(len(self.data))  # in order, as a sum in another is the same
        wanted = (Batch(rows, places if len(places) < len(everything) else everything) for places in batches)
        for group in grouped(wanted, self.inside.ahead):
            while group:
                done = self.inside.run(group, losses, norms, longest)
                if done:
                    self.gradient = self.inside.gradient
                for batch in group[:done]:
                    yield batch.places, []
                del group[:done]
                if group:
                    batch = group.pop(0)
                    yield batch.places, self.step(batch.places, outputs=False)

    def step(self, places: Sequence[int], *, outputs: bool) -> list[Any]:
        """Make one step; return the outputs before it, if they are asked for."""
        loss, gradient = self.samples.gradient(self.values, places, self.executor)
        norm = length(gradient)
        finite = math.isfinite(loss) and math.isfinite(norm)
        if outputs or not finite:
            self.write_back()
        if not finite:
            self.gradient = None  # from here on it is the eager step's
            results = self.eager.step(places, outputs=outputs)  # raises, and says where it began
            self.resume()  # or it can do better
            return results
        results = [self.model(self.data[place][0]) for place in places] if outputs else []
        if self.max_norm is not None and self.max_norm < norm + 1e-6:
            gradient = scaled(gradient, self.max_norm / (norm + 1e-6))
        self.descent.step(gradient)
        self.gradient = gradient
        self.history.loss.append(loss)
        self.history.gradient_norm.append(norm)
        return results

    def write_back(self) -> None:
        """Set the parameters to where the steps have led, and their gradients to the last step's."""
        if self.descent.ahead and self.gradient is not None:
            self.optimizer.zero_grad()
            parameters, slopes = self.optimizer.parameters, self.gradient.tolist()
            for place in self.samples.depends:
                parameters[place]._grad = slopes[place]
        self.descent.write_back()

    def resume(self) -> None:
        """Go on from where the parameters are now."""
        self.descent = Descent(self.optimizer, self.leaves, self.values)
        family, *others = self.samples.families
        self.inside = Inside(self.descent, None if others or self.executor is not None else family.program)

    def finish(self) -> None:
        """Warn if a graph is not built any more as it was recorded, since a callback has changed what it depends on."""
        if self.built is None:
            return
        place = changed(self.built, built(self.builds, self.optimizer.parameters))
        if place is not None:
            warnings.warn(
                f"what is computed at {place} is not what it was when it was recorded, as by a number that a callback "
                "has changed: the replay has repeated the first for all steps; train with replay=False",
                ReplayWarning,
                stacklevel=3,  # at the line that calls `fit`
            )
