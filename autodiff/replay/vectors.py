"""Vectors of numbers: NumPy's where it is installed, the standard library's where it is not."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

from autodiff.engine import value
from autodiff.engine.value import Value
from autodiff.support.operands import real


def numpy_is_here() -> bool:
    """Return whether NumPy can be imported."""
    try:
        import numpy  # noqa: F401  # only to see whether it is there
    except ImportError:
        return False
    return True


def vector(numbers: Sequence[float]) -> Any:
    """Return a new vector of these numbers, which can be written to.

    >>> vector([1.0, 2.0]).tolist()
    [1.0, 2.0]
    """
    if not numpy_is_here():
        return array("d", numbers)
    import numpy as np

    return np.array(numbers, dtype=float)


def data_of(leaves: Sequence[Value]) -> Any:
    """Return a new vector of the data of leaves."""
    numbers = map(attrgetter("_data"), leaves)  # ten thousands of them, at each call
    if not numpy_is_here():
        return array("d", numbers)
    import numpy as np

    return np.fromiter(numbers, float, len(leaves))


class Leaves:
    """Leaves, and their data as a vector, read again only if some data was set since: of ten thousands it takes long.

    Args:
        leaves: of which the data are read and written.
    """

    def __init__(self, leaves: list[Value]) -> None:
        self.leaves = leaves
        self._edition: object = None  # at which the leaves have the numbers below
        self._numbers: Any = None

    def read(self) -> Any:
        """Return the data that the leaves have now, in a vector that the next call may answer again."""
        if self._edition is not value.edition:
            edition = value.edition  # before the numbers: another thread may be setting some
            self._numbers = data_of(self.leaves)
            self._edition = edition
        return self._numbers

    def write(self, numbers: Any, places: Iterable[int]) -> None:
        """Set the leaves in these places to what stands there in a vector; in the others stands what was read last."""
        begin, end, known = object(), object(), self._edition is value.edition
        value.edition = begin  # as by setting `data`, for all leaves at once
        leaves, floats = self.leaves, memoryview(numbers)  # each float is made where the one before has just been freed
        if isinstance(places, range):
            for leaf, number in zip(leaves, floats, strict=True):
                leaf._data = number
        else:
            for place in places:
                leaves[place]._data = floats[place]
        self._numbers = vector(numbers)
        self._edition = end if known and value.edition is begin else None
        value.edition = end


def lists(batch: Any, columns: int) -> list[list[float]]:
    """Return a batch as rows of floats.

    Raises:
        TypeError, ValueError: if it is not at least one row, each of so many real numbers.
    """
    if isinstance(batch, str) or not isinstance(batch, Iterable):
        raise TypeError(f"a batch must be samples as rows, got {type(batch).__name__}: {batch!r}")
    rows = []
    for row in batch:
        if isinstance(row, str) or not isinstance(row, Iterable):
            raise TypeError(
                f"a sample of a batch must be a row of {columns} numbers, got {type(row).__name__}: {row!r}"
            )
        rows.append([real(x) for x in row])
    if not rows or any([len(row) != columns for row in rows]):
        sizes = sorted({len(row) for row in rows})
        raise ValueError(f"a batch needs a row for each sample and {columns} columns, got {len(rows)} rows of {sizes}")
    return rows


def matrix(samples: Any, columns: int) -> Any:
    """Return a batch as a matrix, one sample a row; without NumPy as lists.

    Raises:
        TypeError, ValueError: as `lists`.
    """
    if not numpy_is_here():
        return lists(samples, columns)
    import numpy as np

    if getattr(getattr(samples, "dtype", None), "kind", "none") not in "biuf":
        return np.array(lists(samples, columns), dtype=float)
    batch = np.asarray(samples, dtype=float)
    if batch.ndim != 2 or not len(batch) or batch.shape[1] != columns:
        raise ValueError(f"a batch needs a row for each sample and {columns} columns, got the shape {batch.shape}")
    return batch


def scaled(x: Any, factor: float) -> Any:
    """Return a vector times a number."""
    return array("d", [number * factor for number in x]) if isinstance(x, array) else x * factor


def added(x: Any, y: Any) -> Any:
    """Return the sum of two vectors."""
    return array("d", [a + b for a, b in zip(x, y, strict=True)]) if isinstance(x, array) else x + y


def all_finite(x: Any) -> bool:
    """Return whether all numbers of a vector, or of a list, are finite."""
    if isinstance(x, array | list):
        return all(map(math.isfinite, x))
    import numpy as np

    with np.errstate(all="ignore"):
        return math.isfinite(x.dot(x)) or bool(np.isfinite(x).all())


def length(x: Any) -> float:
    """Return the Euclidean length of a vector, without overflow on the way."""
    square = math.inf
    if not isinstance(x, array):
        import numpy as np

        with np.errstate(all="ignore"):
            square = float(x @ x)
    return math.sqrt(square) if 1e-280 < square < math.inf else math.hypot(*x.tolist())
