"""Descent in arrays: an optimizer's rule applied to the whole vector of parameters at once.

It knows of an optimizer only that it has `parameters`, `state`, also as arrays (`columns`), `steps`, `rate()` and the
rule `update`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autodiff.engine.value import Value
from autodiff.replay.vectors import Leaves, numpy_is_here


class Descent:
    """The state of an optimizer, and the parameters that it moves, as vectors.

    Args:
        optimizer: its rule moves some or all of the parameters.
        leaves: the parameters, which the places of `values` and of a gradient stand for.
        values: the vector that is moved; it starts from the data that the parameters have now.
    """

    def __init__(self, optimizer: Any, leaves: Leaves, values: Any) -> None:
        self.optimizer, self.leaves, self.values = optimizer, leaves, values
        values[:] = leaves.read()
        parameters = leaves.leaves
        whole = parameters == optimizer.parameters  # the very same
        self.places = range(len(parameters)) if whole else _places(optimizer.parameters, parameters)
        self.ahead = False  # whether steps were made that the parameters do not show yet
        self.moved: Any = slice(None)
        self.state: Any = None
        self.arrays = numpy_is_here()
        if self.arrays:
            import numpy as np

            self.np = np
            if not whole:
                self.moved = np.array(self.places)
            columns = optimizer.columns
            if columns is None:
                columns = zip(*optimizer.state, strict=True)
            self.state = tuple([np.array(column) for column in columns])
            self.copied = False  # whether the rule writes to its arguments, and is given copies
        else:
            self.state = optimizer.state

    def step(self, gradient: Any) -> None:
        """Move the values once; whole, or not at all if anything raises on the way."""
        self.take(*self.moved_by(gradient), steps=1)

    def moved_by(self, gradient: Any) -> tuple[Any, Any]:
        """Return the values that a step leads to, of those that are moved, and the state."""
        return self._on_arrays(gradient) if self.arrays else self._on_floats(gradient)

    def take(self, new: Any, state: Any, *, steps: int, told: Sequence[tuple[list[float], list[float]]] = ()) -> None:
        """Let so many steps be made that led to new values, of those that are moved, and to a new state.

        All of it is done, or nothing if anything raises on the way; `told` has lists, and what is added to them.
        """
        optimizer, made, before = self.optimizer, self.optimizer.steps, self.state
        lengths = [len(record) for record, _ in told]
        self.ahead = True
        try:
            for record, numbers in told:
                record += numbers
            self.state, optimizer.steps = state, made + steps
            self.values[self.moved] = new  # at last, as there is no copy of them
        except BaseException:  # Ctrl-C too, before or behind the last line
            if bytes(self.values[self.moved]) != bytes(new):
                self.state, optimizer.steps = before, made
                for (record, _), length in zip(told, lengths, strict=True):
                    del record[length:]
            raise

    def _on_arrays(self, gradient: Any) -> tuple[Any, Any]:
        """Return the new values, and the state."""
        rate = self.optimizer.rate()
        with self.np.errstate(all="ignore"):  # a descent that diverges shows in its losses
            try:
                new, after = self._updated(gradient, rate)
            except ValueError as error:
                if self.copied or "read-only" not in str(error):
                    raise
                self.copied = True
                new, after = self._updated(gradient, rate)
        return new, tuple([m.copy() if m.base is not None else m for m in after])  # the first velocity is the gradient

    def _updated(self, gradient: Any, rate: float) -> Any:
        w, g = self.values[self.moved], gradient[self.moved]
        if self.copied:
            w, g = w.copy(), g.copy()
        else:
            w.flags.writeable = g.flags.writeable = False  # views, of which a copy would cost as much as the update
        return self.optimizer.update(w, g, self.state, rate, self.optimizer.steps + 1)

    def _on_floats(self, gradient: Any) -> tuple[Any, Any]:
        """Return the new values, and the state."""
        optimizer, values = self.optimizer, self.values
        rate, new = optimizer.rate(), values[:]
        pairs = [
            optimizer.update(values[i], gradient[i], m, rate, optimizer.steps + 1)
            for i, m in zip(self.places, self.state, strict=True)
        ]
        for i, (number, _) in zip(self.places, pairs, strict=True):
            new[i] = number
        return new, [m for _, m in pairs]

    def write_back(self) -> None:
        """Set the parameters and the optimizer's state to where the steps have led, if any were made."""
        if not self.ahead:
            return
        self.leaves.write(self.values, self.places)
        if self.arrays:
            self.optimizer.columns = self.state
        else:
            self.optimizer.state = self.state
        self.ahead = False


def _places(moved: Sequence[Value], parameters: Sequence[Value]) -> list[int]:
    places = {id(parameter): i for i, parameter in enumerate(parameters)}
    for parameter in moved:
        if id(parameter) not in places:
            raise ValueError(
                f"the optimizer moves {parameter!r}, which is no parameter of the replay: give both the same"
            )
    return [places[id(parameter)] for parameter in moved]
