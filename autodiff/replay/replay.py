"""`Replay`: a recorded graph, run again and again at the speed of the machine.

It checks what it is given, keeps the vector of parameters, and hands the work to a program made from the recording.
Whatever a program cannot vouch for is computed by the eager engine (`autodiff.replay.reference`). It must not know
networks: a module is whatever has `parameters()`, an optimizer whatever has `update`.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from autodiff.engine.arguments import named_values
from autodiff.engine.value import Value
from autodiff.replay import reference
from autodiff.replay.chunks import Shared, check_chunks, gradients
from autodiff.replay.compile import BACKENDS, Program, compiled
from autodiff.replay.inside import fit
from autodiff.replay.recording.frozen import CURE, ReplayWarning, decided_in
from autodiff.replay.recording.record import record
from autodiff.replay.report import Report, report
from autodiff.replay.vectors import Leaves, vector
from autodiff.support.arguments import check_choice, check_flag
from autodiff.support.atomic import all_or_nothing
from autodiff.support.operands import real, several

MADE = ("_leaves", "_program", "_shared")  # from a recording, anew when it is unpickled


class Replay:
    """A loss and its gradient as a compiled program, recorded from a graph that ordinary scalar code has built.

    The structure of the graph is frozen: where Python branched on data, the replay repeats the branch that was
    recorded, whatever comes in. Where it compared Values (``if x > 0``, ``max(0, x)``, ``sorted``) or asked whether
    one is true, a `ReplayWarning` says so, with file and line; what it decided by plain numbers (``if x.data > 0``, a
    random number) no graph can tell. Operations are not branches: relu, abs, max and clip take the side that the new
    numbers ask for. Leaves that are neither parameters nor inputs are constants: the numbers that were recorded,
    whatever happens to the leaves later.

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
        backend: what runs the program: "arrays" (NumPy), "python" (floats, one by one), "wasm" (WebAssembly, run by
            wasmtime: loop nests where nodes are alike, else a virtual machine), or "llvm" (the same loop nests as
            machine code for this processor, made by llvmlite). "auto" takes what is installed and estimated to be the
            fastest for the sizes of the graph and of each batch; `report` says which, and why. All answer the same, to
            rounding.

    Raises:
        ImportError: if the back end needs a package that is not installed.
        ValueError: if the loss depends on none of the parameters, a parameter or an input is no leaf or is given
            twice, the data of a node inside of the graph was overwritten, or the back end lacks an operation of it.
        ReplayError: if the program disagrees with the eager engine, which would be a defect of this package.
    """

    def __init__(
        self, loss: Value, parameters: Any, inputs: Iterable[Value] = (), *, verify: bool = False, backend: str = "auto"
    ) -> None:
        if not isinstance(loss, Value):
            raise TypeError(f"loss must be a Value, got {type(loss).__name__}: {loss!r}")
        check_flag("verify", verify)
        check_choice("backend", backend, tuple(BACKENDS))
        self.parameters = _leaves("parameters", parameters)
        self.inputs = _leaves("inputs", inputs)
        if not self.parameters:
            raise ValueError("parameters is empty: give the leaves to differentiate by, or a module that has some")
        if len({id(leaf) for leaf in (*self.parameters, *self.inputs)}) < len(self.parameters) + len(self.inputs):
            raise ValueError("a leaf is given twice: each is a parameter or an input, once")
        self.verify, self.backend = verify, backend
        self._eager_answers = 0
        self._recording = record(loss, self.parameters, self.inputs)
        if not self._recording.depends:
            raise ValueError("the loss depends on none of the parameters: was it computed from these very Values?")
        place = decided_in(loss, (*self.parameters, *self.inputs))
        if place is not None:
            warnings.warn(
                f"Python decided by a Value at {place}: the replay repeats the branch that was taken then, whatever "
                f"comes in; {CURE}. If it only reports, ask its `data`",
                ReplayWarning,
                stacklevel=2,
            )
        self._leaves = Leaves(self.parameters)
        self._values = vector(self._leaves.read())
        self._prepare()

    def _prepare(self) -> None:
        begin = time.perf_counter()
        self._program: Program = compiled(self._recording, self.backend)
        recording = self._recording
        leaves = recording.parameters + recording.inputs
        variable = recording.numbers[:leaves].tolist()  # as recorded, not as they are by now
        batch = self._program.batch([variable[recording.parameters :]], recording.inputs)
        values = vector(variable[: recording.parameters])
        self._is_compared = reference.check(self._program, recording, values, batch)
        self._seconds = time.perf_counter() - begin

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

    @cached_property
    def _shared(self) -> Shared:
        """The program as executors are given it."""
        return Shared(self._program, self._recording, self.backend)

    @property
    def source(self) -> str:
        """The program as Python that one can read, whatever runs."""
        return self._program.source

    def report(self) -> Report:
        """Return what was found in the graph, and what runs it and why; printed, a text."""
        return report(
            self._recording,
            self._program,
            self.backend,
            self._seconds,
            is_compared=self._is_compared,
            eager_answers=self._eager_answers,
        )

    def __call__(self, batch: Any = None) -> float:
        """Return the loss at `values`; of a batch, the mean over its samples. See `gradient`."""
        batch = self._batch(batch)
        loss = self._program.loss(self._values, batch)
        if not math.isfinite(loss):
            return self._eagerly(batch)[0]
        if self.verify:
            reference.compare(self._recording, self._values, batch, (loss, None))
        return loss

    def gradient(self, batch: Any = None, *, executor: Any = None) -> tuple[float, Any]:
        """Return the loss at `values` and the vector of its derivatives by the parameters.

        >>> from concurrent.futures import ThreadPoolExecutor
        >>> from autodiff import Value
        >>> w, x = Value(2.0), Value(1.0)
        >>> replay = Replay((w * x - 1.0) ** 2, [w], inputs=[x])
        >>> with ThreadPoolExecutor(2) as executor:
        ...     loss, gradient = replay.gradient([[0.0], [1.0], [2.0]], executor=executor)
        >>> round(loss, 12), round(float(gradient[0]), 12)
        (3.666666666667, 4.666666666667)

        Args:
            batch: samples as rows, with a column for each of the inputs; the result is the mean over them. None takes
                the data that the inputs have now.
            executor: computes the batch in chunks: threads, processes or a cluster, whatever has `submit` as the
                executors of `concurrent.futures` do. The chunks and the order in which they are added do not depend
                on the number of workers, nor does any bit of the result (with NumPy, as long as its BLAS runs on as
                many threads in each; with "auto", as long as workers have the same packages). Sent are the values, the
                rows and, small, the recording, from which a process makes the program once.

        Raises:
            DomainError, ZeroDivisionError: where the eager operation raises it.
            RuntimeError: if the executor loses a chunk, as when a process has ended.
            ValueError: if the batch is empty or has not one column for each input; if an executor has no batch.
        """
        loss, gradient = self._evaluate(batch, executor)
        return loss, vector(gradient)  # a copy: the program writes to the same vector again

    def backward(self) -> float:
        """Add the derivative of the loss by each parameter to its `grad`, and return the loss.

        It is computed at the data that parameters and inputs have now, as if the graph had been built from them anew;
        `values` is set to them. Other nodes get no gradient. What the loss does not depend on keeps the grad it had.
        """
        self._values[:] = self._leaves.read()
        loss, gradient = self.gradient()
        with all_or_nothing(self.parameters):
            for place in self._recording.depends:
                parameter = self.parameters[place]
                parameter.grad = parameter.grad + float(gradient[place])
        return loss

    def fit(self, optimizer: Any, steps: int | Iterable[Any], *, executor: Any = None) -> list[float]:
        """Descend with an optimizer of `autodiff.nn`, all in arrays; return the loss before each step.

        The steps start from the data that the parameters have now. At the end, and when something raises or the learner
        presses Ctrl-C, the parameters and the optimizer are as the same eager steps would have left them.

        Args:
            optimizer: moves some or all of the parameters by its rule `update`, which is given arrays.
            steps: how many steps to make, or the batches to make a step on each.
            executor: computes each batch in chunks, as in `gradient`.
        """
        return fit(self, optimizer, steps, executor)

    def _evaluate(self, batch: Any, executor: Any = None) -> tuple[float, Any]:
        """Return the loss and its gradient, in a vector that the next call may overwrite."""
        if executor is not None:
            check_chunks(executor, is_batch=batch is not None)
        return self._computed(self._batch(batch), executor)

    def _computed(self, batch: Any, executor: Any = None) -> tuple[float, Any]:
        """Return the same of a batch that the program has made."""
        if executor is None:
            loss, gradient = self._program.gradient(self._values, batch)
        else:
            loss, gradient = gradients([(self._shared, batch)], self._values, executor)[0]
        if not math.isfinite(loss):
            loss, slopes = self._eagerly(batch)
            return loss, vector(slopes)
        if self.verify:
            reference.compare(self._recording, self._values, batch, (loss, gradient))
        return loss, gradient

    def _eagerly(self, batch: Any) -> tuple[float, list[float]]:
        """Return what the eager engine answers, where the program has no finite answer."""
        self._eager_answers += 1
        return reference.mean(self._recording, self._values, batch)

    def _latest(self) -> list[float]:
        return [leaf.data for leaf in self.inputs]

    def _batch(self, samples: Any) -> Any:
        if samples is None:
            return self._program.batch([self._latest()], len(self.inputs))
        if not self.inputs:
            raise ValueError("this replay has no inputs that a batch could give: name them, Replay(..., inputs=[...])")
        return self._program.batch(samples, len(self.inputs))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in MADE}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._leaves = Leaves(self.parameters)
        self._prepare()

    def __repr__(self) -> str:
        leaves = f"{len(self.parameters)} parameters, {len(self.inputs)} inputs"
        return f"<Replay of {self._recording.size} operations, {leaves}>"


def _leaves(name: str, given: Any) -> list[Value]:
    leaves = [leaf for _, leaf in named_values(name, given)]
    for leaf in leaves:
        if leaf.parents:
            raise ValueError(f"{name} must be leaves, this Value is computed from others: {leaf!r}")
    return leaves
