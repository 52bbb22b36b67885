"""`check_gradient`: a gradient that was worked out by hand, against differences, and the mistake that explains it.

It knows functions of plain numbers, lists and arrays, and no graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from autodiff.checks.differences import FINER_STEPS, ROUNDING, STEPS, WIDER_STEPS, Differences, Place, Step
from autodiff.checks.report import Comparison, GradientCheck, relative_error
from autodiff.checks.verdict import judge
from autodiff.support.arguments import check_function, check_range
from autodiff.support.operands import real

MAX_NUMBERS = 100_000  # derivatives, each of which takes a dozen calls of the function
MAX_SAMPLES = 1_000_000  # that a factor is taken for the number of
NEAR = 1e-3  # relative: so near to a whole number a factor is one


class Slip(NamedTuple):
    """A mistake that explains a whole gradient.

    Attributes:
        name: what it is called.
        why: what was done, and what is right.
    """

    name: str
    why: str


class GradientReport(NamedTuple):
    """The answer of `check_gradient`, printed as a table; true when no derivative is wrong and none undecided.

    Attributes:
        check: the comparison of each derivative, as of `check_gradients`.
        fault: the mistake that explains all of them, with `name` and `why`; None if nothing is wrong, or none does.
    """

    check: GradientCheck
    fault: Slip | None

    @property
    def ok(self) -> bool:
        """Whether every derivative is right."""
        return self.fault is None and bool(self.check)

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        return f"{self.check}\n{self.fault.name}: {self.fault.why}" if self.fault else str(self.check)


def check_gradient(
    f: Callable[[Any], Any], my_gradient: Any, at: Any, *, eps: float = 1e-5, tolerance: float = 1e-5
) -> GradientReport:
    """Return the comparison of a gradient that was worked out by hand with differences of the function.

    The steps and the verdicts are those of `check_gradients`. Where one mistake explains all derivatives, it is named:
    the sign, a factor, a mean that was not taken, a transposed matrix, nothing but zeros.

    >>> report = check_gradient(lambda w: (3.0 * w - 6.0) ** 2, lambda w: 3.0 * w - 6.0, at=1.0)
    >>> report.ok, report.fault.name
    (False, 'factor 1/6')
    >>> bool(check_gradient(lambda w: (3.0 * w - 6.0) ** 2, lambda w: 6.0 * (3.0 * w - 6.0), at=1.0))
    True

    Args:
        f: the function, of one number, list (of lists) or NumPy array; it answers one number.
        my_gradient: the gradient, or the function that answers it for `at`: of the same shape as `at`.
        at: where.
        eps: the step, relative to numbers larger than 1.
        tolerance: the largest relative error that passes.

    Raises:
        TypeError: if `at` is no number, list or array of numbers, or `f` does not answer one number.
        ValueError: if the gradient has another shape, `f` has no value beside `at`, or answers differently each time.
    """
    check_function("f", f)
    check_range("eps", eps, positive=True)
    check_range("tolerance", tolerance, positive=True)
    numbers, shape = _flat("at", at)
    mine, own_shape = _flat("my_gradient", my_gradient(at) if callable(my_gradient) else my_gradient)
    turned = own_shape != shape and own_shape == shape[::-1]
    if own_shape != shape and not turned:
        raise ValueError(f"the gradient must have the shape of `at`, {shape or 'one number'}, got {own_shape}")
    mine = _transposed(mine, own_shape) if turned else mine
    value, again = _number(f(at)), _number(f(at))
    if value != again and value == value:
        raise ValueError(
            f"the function is not deterministic: it answered {value!r}, then {again!r}, for the same numbers"
        )
    size = max([1.0, abs(value), *map(abs, mine)])
    move = _Moves(f, at, numbers, shape)
    comparisons = []
    for i, slope in enumerate(mine):
        numeric, verdict = move.judged(i, slope, eps, size, tolerance)
        label = "x" + "".join([f"[{k}]" for k in _index(i, shape)])
        comparisons.append(Comparison(label, numeric, slope, relative_error(numeric, slope), verdict))
    check = GradientCheck(tuple(comparisons), tolerance)
    fault = TRANSPOSED if turned and check else None if check else _explained(comparisons, shape, tolerance)
    return GradientReport(check, fault)


class _Moves(NamedTuple):
    """A function, and where one number after the other is moved."""

    f: Callable[[Any], Any]
    at: Any
    numbers: Sequence[float]
    shape: tuple[int, ...]

    def judged(self, i: int, slope: float, eps: float, size: float, tolerance: float) -> tuple[float, str]:
        """Return the difference and the verdict; more steps are made where those in use do not decide."""
        rounding, unit = ROUNDING * size, eps * max(1.0, abs(self.numbers[i]))
        near = list(self._steps(i, [unit * factor for factor in STEPS]))
        if not any([right or left for right, left in near]):
            raise ValueError(f"the function has no value beside a number that is {self.numbers[i]!r}, on neither side")
        found = judge(Differences(near, rounding), slope, size, tolerance, jumps=False)
        if found[1] == "undecided":
            more = [*self._steps(i, [unit * factor for factor in WIDER_STEPS]), *near]
            again = judge(Differences(more, rounding), slope, size, tolerance, jumps=False)
            return again if again[1] == "ok" else found
        if found[1] == "kink":
            more = [*near, *self._steps(i, [unit * factor for factor in FINER_STEPS])]
            return judge(Differences(more, rounding), slope, size, tolerance, jumps=False)
        return found

    def _steps(self, i: int, sizes: Sequence[float]) -> Iterator[Step]:
        here = self.numbers[i]
        yield from [(self._place(i, h), self._place(i, -h)) for h in sizes if here + h != here - h]

    def _place(self, i: int, offset: float) -> Place | None:
        moved = list(self.numbers)
        moved[i] += offset
        try:
            return moved[i] - self.numbers[i], _number(self.f(_shaped(moved, self.shape, self.at)))
        except (ArithmeticError, ValueError):  # outside of its domain
            return None


TRANSPOSED = Slip("transposed", "the gradient of a matrix has the shape and the order of the matrix: transpose yours")


def _explained(comparisons: Sequence[Comparison], shape: tuple[int, ...], tolerance: float) -> Slip | None:
    """Return the mistake that explains every derivative, if one does."""
    right, mine = [c.numeric for c in comparisons], [c.analytic for c in comparisons]
    if not any(mine):
        return Slip("zeros", "all derivatives are 0: nothing was added up, or it was set back")
    if len(shape) == 2 and shape[0] == shape[1] and _close(mine, _transposed(right, shape), tolerance):
        return TRANSPOSED
    largest = max(range(len(right)), key=lambda i: abs(right[i]))
    if not right[largest]:
        return None
    ratio = mine[largest] / right[largest]
    if not ratio or not _close(mine, [ratio * r for r in right], tolerance):
        return None
    return _factor(ratio)


def _factor(ratio: float) -> Slip:
    """Return what it means that each derivative is so many times the right one."""
    size = abs(ratio)
    if abs(size - 1) < NEAR:
        return Slip("sign", "every derivative has the opposite sign")
    many, part = round(size), round(1 / size)
    if 2 < many < MAX_SAMPLES and abs(size - many) < NEAR * many and ratio > 0:
        cause = f"a sum over {many} samples in place of the mean, or a factor too many"
        return Slip("mean missing", f"each is {many} times too large: {cause}")
    if many == 2 and abs(size - 2) < NEAR:
        return Slip(f"factor {many * ratio / size:g}", "a 2 too many, or the mean over 2 samples not taken")
    if 1 < part < MAX_SAMPLES and abs(1 / size - part) < NEAR * part:
        cause = "the 2 of the derivative of a square" if part == 2 else "a factor of the chain rule"
        return Slip(f"factor {'-' * (ratio < 0)}1/{part}", f"{cause} is missing, or a mean is taken once too often")
    return Slip(
        f"factor {ratio:.6g}", f"each is {ratio:.6g} times the right one: a constant of the chain rule is wrong"
    )


def _close(mine: Sequence[float], others: Sequence[float], tolerance: float) -> bool:
    scale = max(map(abs, others))
    return all([abs(x - y) <= 10 * tolerance * scale for x, y in zip(mine, others, strict=True)])


def _number(answer: Any) -> float:
    return real(getattr(answer, "data", answer) if hasattr(type(answer), "backward") else answer)


def _flat(name: str, thing: Any) -> tuple[list[float], tuple[int, ...]]:
    """Return the numbers of a number, list or array one by one, and its shape."""
    if hasattr(thing, "tolist") and hasattr(thing, "shape"):
        thing = thing.tolist()
    if not isinstance(thing, list | tuple):
        return [real(thing)], ()
    parts = [_flat(name, part) for part in thing]
    shapes = {shape for _, shape in parts}
    if len(shapes) != 1:
        raise ValueError(f"{name} must be a number, or lists of the same length with at least one number")
    numbers = [x for part, _ in parts for x in part]
    if len(numbers) > MAX_NUMBERS:
        raise ValueError(f"{name} has more than {MAX_NUMBERS:,} numbers: check a smaller one")
    return numbers, (len(parts), *shapes.pop())


def _shaped(numbers: Sequence[float], shape: tuple[int, ...], like: Any) -> Any:
    """Return numbers in a shape, as a number, lists, or an array where `like` is one."""
    if hasattr(like, "tolist") and hasattr(like, "shape"):
        import numpy

        return numpy.array(numbers, dtype=float).reshape(shape)
    if not shape:
        return numbers[0]
    each = len(numbers) // shape[0]
    kind = tuple if isinstance(like, tuple) else list
    return kind([_shaped(numbers[i * each : (i + 1) * each], shape[1:], None) for i in range(shape[0])])


def _index(i: int, shape: tuple[int, ...]) -> list[int]:
    index = []
    for length in reversed(shape):
        index.append(i % length)
        i //= length
    return index[::-1]


def _transposed(numbers: Sequence[float], shape: tuple[int, ...]) -> list[float]:
    """Return the numbers of a matrix of `shape` in the order of its transpose."""
    if len(shape) != 2:
        return list(numbers)
    rows, columns = shape
    return [numbers[row * columns + column] for column in range(columns) for row in range(rows)]
