"""`Replay`: a recorded graph, run again and again at the speed of the machine.

It checks what it is given, keeps the vector of parameters, and hands the work to a program made from the recording.
Whatever a program cannot vouch for is computed by the eager engine (`autodiff.replay.eager`). It must not know
networks: a module is whatever has `parameters()`, an optimizer whatever has `update`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from autodiff.arguments import check_flag
from autodiff.atomic import all_or_nothing
from autodiff.operands import real, several
from autodiff.replay import eager
from autodiff.replay.choice import Program, choose
from autodiff.replay.compare import check, compare
from autodiff.replay.fitting import fit
from autodiff.replay.record import record
from autodiff.replay.report import Report, report
from autodiff.replay.vectors import vector
from autodiff.value import Value


class Replay:
    """A loss and its gradient as a compiled program, recorded from a graph that ordinary scalar code has built.

    The structure of the graph is frozen: where Python branched on data (``if x.data > 0``, a loop until convergence),
    the replay repeats the branch that was recorded, whatever comes in. Operations are not branches: relu, abs, max and
    clip take the side that the new numbers ask for. Leaves that are neither parameters nor inputs are constants: the
    numbers that were recorded, whatever happens to the leaves later.

    What comes out is what `backward()` would answer, to rounding: it is compared at construction, and whenever a result
    is not finite or an operation is outside of its domain, the eager engine is asked, which answers or raises as ever.
    Of two operations outside of their domains, the error names the first in the order of the graph, each node after its
    operands, which need not be the one that your code computed first.

    >>> from autodiff import Value
    >>> w, b = Value(0.5, label="w"), Value(-1.0, label="b")
    >>> replay = Replay((w * 4.0 + b) ** 2, parameters=[w, b])
    >>> replay.gradient()[0]
    1.0
    >>> replay.values[0] = 1.0
    >>> loss, gradient = replay.gradient()
    >>> loss, list(map(float, gradient))
    (9.0, [24.0, 6.0])

    A replay may be used in several threads, as long as none writes to `values` meanwhile. A pickled replay takes its
    parameters along: pickled together with their module, they are the module's; alone, they are copies.

    Args:
        loss: the node to compute and differentiate.
        parameters: the leaves to differentiate by, or a module that has them.
        inputs: leaves whose data change between runs: of the graph of one sample, what a batch has a column for.
        verify: compare each loss and gradient with the eager ones; slow, and strict: it also raises where rounding
            decides on which side of a kink a number is.

    Raises:
        ValueError: if the loss depends on none of the parameters, a parameter or an input is no leaf or is given
            twice, or the data of a node inside of the graph was overwritten.
        ReplayError: if the program disagrees with the eager engine, which would be a defect of this package.
    """

    def __init__(self, loss: Value, parameters: Any, inputs: Iterable[Value] = (), *, verify: bool = False) -> None:
        if not isinstance(loss, Value):
            raise TypeError(f"loss must be a Value, got {type(loss).__name__}: {loss!r}")
        check_flag("verify", verify)
        self.parameters = _leaves("parameters", parameters)
        self.inputs = _leaves("inputs", inputs)
        if not self.parameters:
            raise ValueError("parameters is empty: give the leaves to differentiate by, or a module that has some")
        if len({id(leaf) for leaf in (*self.parameters, *self.inputs)}) < len(self.parameters) + len(self.inputs):
            raise ValueError("a leaf is given twice: each is a parameter or an input, once")
        self.verify = verify
        self._recording = record(loss, self.parameters, self.inputs)
        if not self._recording.depends:
            raise ValueError("the loss depends on none of the parameters: was it computed from these very Values?")
        self._values = vector([parameter.data for parameter in self.parameters])
        self._prepare()

    def _prepare(self) -> None:
        self._program: Program = choose(self._recording)
        recording = self._recording
        variable = recording.numbers[: recording.parameters + recording.inputs]  # as recorded, not as they are by now
        rows = self._program.rows([variable[recording.parameters :]], recording.inputs)
        check(self._program, recording, vector(variable[: recording.parameters]), rows)

    @property
    def values(self) -> Any:
        """The vector of parameters, in order; writing to it changes what is computed, not the Values."""
        return self._values

    @values.setter
    def values(self, numbers: Any) -> None:
        numbers = [real(number) for number in several("values", numbers)]
        if len(numbers) != len(self._values):
            raise ValueError(f"values needs {len(self._values)} numbers, one for each parameter, got {len(numbers)}")
        self._values[:] = vector(numbers)

    @property
    def source(self) -> str:
        """The Python that runs."""
        return self._program.source

    def report(self) -> Report:
        """Return what was found in the graph: lanes, layers, the remainder, sizes and memory; printed, a text."""
        return report(self._recording, self._program)

    def __call__(self, batch: Any = None) -> float:
        """Return the loss at `values`; of a batch, the mean over its samples. See `gradient`."""
        rows = self._rows(batch)
        loss = self._program.loss(self._values, rows)
        if not math.isfinite(loss):
            return eager.mean(self._recording, self._values, rows)[0]
        if self.verify:
            compare(self._recording, self._values, rows, (loss, None))
        return loss

    def gradient(self, batch: Any = None) -> tuple[float, Any]:
        """Return the loss at `values` and the vector of its derivatives by the parameters.

        Args:
            batch: samples as rows, with a column for each of the inputs; the result is the mean over them. None takes
                the data that the inputs have now.

        Raises:
            DomainError, ZeroDivisionError: where the eager operation raises it.
            ValueError: if the batch is empty or has not one column for each input.
        """
        loss, gradient = self._evaluate(batch)
        return loss, vector(gradient)  # a copy: the program writes to the same vector again

    def backward(self) -> float:
        """Add the derivative of the loss by each parameter to its `grad`, and return the loss.

        It is computed at the data that parameters and inputs have now, as if the graph had been built from them anew;
        `values` is set to them. Other nodes get no gradient. What the loss does not depend on keeps the grad it had.
        """
        self._values[:] = vector([parameter.data for parameter in self.parameters])
        loss, gradient = self.gradient()
        with all_or_nothing(self.parameters):
            for place in self._recording.depends:
                parameter = self.parameters[place]
                parameter.grad = parameter.grad + float(gradient[place])
        return loss

    def fit(self, optimizer: Any, steps: int | Iterable[Any]) -> list[float]:
        """Descend with an optimizer of `autodiff.nn`, all in arrays; return the loss before each step.

        The steps start from the data that the parameters have now. At the end, and when something raises or the learner
        presses Ctrl-C, the parameters and the optimizer are as the same eager steps would have left them.

        Args:
            optimizer: moves some or all of the parameters by its rule `update`, which is given arrays.
            steps: how many steps to make, or the batches to make a step on each.
        """
        return fit(self, optimizer, steps)

    def _evaluate(self, batch: Any) -> tuple[float, Any]:
        """Return the loss and its gradient, in a vector that the next call may overwrite."""
        rows = self._rows(batch)
        loss, gradient = self._program.gradient(self._values, rows)
        if not math.isfinite(loss):
            loss, slopes = eager.mean(self._recording, self._values, rows)
            return loss, vector(slopes)
        if self.verify:
            compare(self._recording, self._values, rows, (loss, gradient))
        return loss, gradient

    def _latest(self) -> list[float]:
        return [leaf.data for leaf in self.inputs]

    def _rows(self, batch: Any) -> Any:
        if batch is None:
            return self._program.rows([self._latest()], len(self.inputs))
        if not self.inputs:
            raise ValueError("this replay has no inputs that a batch could give: name them, Replay(..., inputs=[...])")
        return self._program.rows(batch, len(self.inputs))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_program"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._prepare()

    def __repr__(self) -> str:
        leaves = f"{len(self.parameters)} parameters, {len(self.inputs)} inputs"
        return f"<Replay of {self._recording.size} operations, {leaves}>"


def _leaves(name: str, given: Any) -> list[Value]:
    leaves = (
        given.parameters()
        if hasattr(given, "parameters") and not isinstance(given, type)
        else [given]
        if isinstance(given, Value)
        else several(name, given, "Values")  # a class of modules is not one
    )
    for leaf in leaves:
        if not isinstance(leaf, Value):
            raise TypeError(f"{name} must be Values, got {type(leaf).__name__}: {leaf!r}")
        if leaf.parents:
            raise ValueError(f"{name} must be leaves, this Value is computed from others: {leaf!r}")
    return leaves
