"""Products of matrices as loop nests: tiles of the result are summed up in locals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from autodiff.replay.native.code import FLOAT, Kind, Local
from autodiff.replay.native.nest import Nest, Place

ROWS, COLUMNS = 4, 2  # of a tile: rows, and vectors of columns
SUMS = 8  # of a tile of dot products; at least two rows


class Factor(NamedTuple):
    """A matrix in memory: its address, and the bytes from one row and from one column to the next."""

    address: int
    row: int
    column: int


class Cut(NamedTuple):
    """A part of a length in pieces: how long a piece is, how many there are, and where they begin."""

    size: int
    times: int
    start: int


def cuts(length: int, *sizes: int) -> list[Cut]:
    """Return a length in pieces of the first size, what is left in pieces of the next, and so on.

    >>> cuts(11, 4, 2, 1)
    [Cut(size=4, times=2, start=0), Cut(size=2, times=1, start=8), Cut(size=1, times=1, start=10)]
    """
    found, start = [], 0
    for size in sizes:
        count = (length - start) // size
        if count:
            found.append(Cut(size, count, start))
        start += size * count
    return found


class Taker(Protocol):
    """What takes the answers of a product."""

    @property
    def strides(self) -> Sequence[int]:
        """The bytes from one row to the next, of all that it reads and writes."""

    def put(self, row: int, down: Sequence[Local], behind: int, right: Local, value: Local) -> None:
        """Take answers that stand in a row side by side.

        Args:
            row: the row, behind the one that `down` leads to.
            down: an offset for each of the strides.
            behind: how many bytes from the beginning of a row, behind the place that `right` leads to.
            right: an offset in a row.
            value: a float or a vector.
        """


class Stored:
    """Answers of a product that are put to a place."""

    def __init__(self, nest: Nest, place: Place) -> None:
        self.nest, self.place = nest, place
        self.strides = (place.stride,)

    def put(self, row: int, down: Sequence[Local], behind: int, right: Local, value: Local) -> None:
        """Write answers."""
        self.nest.put(self.place, row * self.place.stride + behind, [*down, right], value)


def product(nest: Nest, a: Factor, b: Factor, sizes: tuple[int, int, int], out: Place) -> None:
    """Write the product of an m x k and a k x n matrix, `sizes` = (m, k, n)."""
    m, k, n = sizes
    if (
        n == 1 and a.row == 8 and m > 1 and out.stride == 8
    ):  # turned round: a row times a matrix with columns side by side
        a, b = Factor(b.address, 0, b.row), Factor(a.address, a.column, 8)
        m, n, out = 1, m, Place(out.address, 0, out.added)
    answers(nest, a, b, (m, k, n), Stored(nest, out))


def answers(nest: Nest, a: Factor, b: Factor, sizes: tuple[int, int, int], out: Taker) -> None:
    """Write the product of an m x k and a k x n matrix, `sizes` = (m, k, n), for what takes its answers."""
    m, k, n = sizes
    width = nest.code.vector.width
    if b.column == 8 and n > 1:
        for rows in cuts(m, ROWS, 3, 2, 1):
            for columns in cuts(n, COLUMNS * width, width, n % width or 1):
                _tiles(nest, a, b, k, rows, columns, out)
        return
    for rows in cuts(m, max(2, SUMS // width), 1):
        for columns in cuts(n, width, 1):
            _dots(nest, a, b, k, rows, columns, out)


def _tiles(nest: Nest, a: Factor, b: Factor, k: int, rows: Cut, columns: Cut, out: Taker) -> None:
    """Write tiles whose columns lie side by side: vectors of them are summed up at once."""
    code, width = nest.code, nest.code.vector.width
    kind = Kind("float", min(width, columns.size))
    starts = range(0, 8 * columns.size, 8 * width)
    with (
        code.loop(rows.times, rows.size * a.row, *[rows.size * stride for stride in out.strides]) as (down, *written),
        code.loop(columns.times, 8 * columns.size) as (right,),
    ):
        sums = [[code.variable(code.number(0.0, kind)) for _ in starts] for _ in range(rows.size)]
        with code.loop(k, a.column, b.row) as (a_along, b_along):
            b_at = b.address + 8 * columns.start
            factors = [code.load(b_at + start, [right, b_along], kind) for start in starts]
            for r, totals in enumerate(sums):
                one = code.load(a.address + (rows.start + r) * a.row, [down, a_along], kind, spread=True)
                for total, factor in zip(totals, factors, strict=True):
                    code.add_product(total, one, factor)
        for r, totals in enumerate(sums):
            for start, total in zip(starts, totals, strict=True):
                out.put(rows.start + r, written, 8 * columns.start + start, right, total)


def _dots(nest: Nest, a: Factor, b: Factor, k: int, rows: Cut, columns: Cut, out: Taker) -> None:
    """Write tiles of dot products; where both factors have what is summed over side by side, a vector of it at once."""
    code = nest.code
    paired = a.column == b.row == 8 and k > 1
    kind = code.vector if paired else FLOAT
    times, left = divmod(k, kind.width)
    a_at = [a.address + (rows.start + r) * a.row for r in range(rows.size)]
    b_at = [b.address + (columns.start + c) * b.column for c in range(columns.size)]
    with (
        code.loop(rows.times, rows.size * a.row, *[rows.size * stride for stride in out.strides]) as (down, *written),
        code.loop(columns.times, columns.size * b.column, 8 * columns.size) as (right, written_right),
    ):
        sums = [[code.variable(code.number(0.0, kind)) for _ in b_at] for _ in a_at]

        def add(firsts: list[Local], seconds: list[Local]) -> None:
            for row, first in zip(sums, firsts, strict=True):
                for total, second in zip(row, seconds, strict=True):
                    code.add_product(total, first, second)

        if times:
            with code.loop(times, kind.width * a.column, kind.width * b.row) as (a_along, b_along):
                firsts = [code.load(address, [down, a_along], kind) for address in a_at]
                add(firsts, [code.load(address, [right, b_along], kind) for address in b_at])
        if left:
            done = 8 * (k - left)
            firsts = [code.load_first(address + done, [down], left) for address in a_at]
            add(firsts, [code.load_first(address + done, [right], left) for address in b_at])
        for r, row in enumerate(sums):
            at_once = paired and columns.size > 1
            found = [code.sums(row)] if at_once else [code.sums([total]) for total in row] if paired else row
            for c, answer in enumerate(found):
                out.put(rows.start + r, written, 8 * (columns.start + c), written_right, answer)
