"""Loop nests: what a lowering is made of, whatever the target. Numbers lie in memory at fixed addresses."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from autodiff.replay.native.code import ADDRESS, FLOAT, Code, Kind, Local
from autodiff.replay.native.trees import blended, branched, can_be_blended
from autodiff.replay.rules.symbolic import Symbol, Tree
from autodiff.replay.rules.wide import Wide, tree

MAX_RUNS = 16  # of numbers side by side, copied one after the other
SUMMED = 4  # vectors that are summed up at a time
ALIGNED = 64  # bytes: room begins at a multiple
PAGE = 4096  # bytes: a processor first tells addresses apart by what is left of them in one
HEAD = 64  # bytes at the beginning of memory: whether an operation was undefined


class Memory:
    """Memory, handed out piece by piece, with what lies in it from the start."""

    def __init__(self) -> None:
        self.size = HEAD
        self.rooms = [0]  # where they begin
        self.contents: list[tuple[int, bytes]] = []

    def room(self, numbers: int) -> int:
        """Return the address of room for so many floats.

        Room of a page or more begins as one: where a loop reads some numbers and writes others, a load would wait for a
        store to an address that is alike, and the loads that follow a store are of later numbers.
        """
        multiple = PAGE if 8 * numbers >= PAGE else ALIGNED
        address = -(-self.size // multiple) * multiple
        self.size = address + -(-8 * numbers // ALIGNED) * ALIGNED
        self.rooms.append(address)
        return address

    def beginning(self, address: int) -> int:
        """Return where the room begins that an address lies in."""
        return self.rooms[bisect_right(self.rooms, address) - 1]

    def data(self, content: array[Any]) -> int:
        """Return the address of numbers that are there from the start."""
        address = self.room(-(-len(content) * content.itemsize // 8))
        self.contents.append((address, content.tobytes()))
        return address


@dataclass
class Place:
    """Where numbers are written to: an address, the bytes from one row to the next, and whether they are added."""

    address: int
    stride: int
    added: bool = False


class Piece(NamedTuple):
    """A part of a run of numbers: what kind of values it is read in, how many of them, and where it begins in bytes."""

    kind: Kind
    times: int
    start: int


class Nest:
    """One function of loop nests."""

    def __init__(self, memory: Memory, code: Code) -> None:
        self.memory, self.code = memory, code
        self.undefined: Local | None = None  # a mask of where an operation was, since the beginning of this part

    @contextmanager
    def part(self) -> Iterator[None]:
        """Keep what stands in the block apart, and say at its end whether an operation was undefined."""
        code, around = self.code, self.undefined
        with code.apart(self.memory.beginning):
            self.undefined = code.variable(code.mask(False, code.vector))
            yield
            with code.when(code.any(self.undefined)):
                code.mark(0)
        self.undefined = around

    def put(self, place: Place, behind: int, offsets: Sequence[Local], value: Local) -> None:
        """Write a value to a place, so many bytes behind its address; or add it to what is there."""
        address = place.address + behind
        if place.added:
            value = self.code.apply("+", self.code.load(address, offsets, value.kind), value)
        self.code.store(address, offsets, value)

    def answer(self, rule: Tree, names: dict[str, Local], kind: Kind) -> Local:
        """Return what a tree answers, of floats or of vectors."""
        code = self.code
        if kind != FLOAT:
            value, bad = blended(code, rule, names, kind)
            if bad is not None:
                self._refuse(bad)
            return value
        result = code.variable(code.number(math.nan))

        def end(symbols: tuple[Symbol, ...] | None, value: Callable[[Symbol], Local]) -> None:
            if symbols is None:
                self._refuse(code.mask(True, code.vector))
            else:
                code.assign(result, value(symbols[0]))

        branched(code, rule, names, end)
        return result

    def _refuse(self, bad: Local) -> None:
        assert self.undefined is not None, "operations are written within a part"
        self.code.assign(self.undefined, self.code.apply("or", self.undefined, bad))

    def pieces(self, count: int, at_once: bool) -> list[Piece]:
        """Return a run of numbers as vectors, if they may be, and floats.

        Args:
            count: how many numbers there are.
            at_once: whether they may be computed in vectors.
        """
        width = self.code.vector.width if at_once else 1
        times, left = divmod(count, width)
        found = [Piece(Kind("float", width), times, 0), Piece(Kind("float", left), 1, 8 * (count - left))]
        return [piece for piece in found if piece.times and piece.kind.width]

    # Folds.

    def fold(self, row: Wide, numbers: Callable[[Callable[[Local], None]], None], count: int, kind: Kind) -> Local:
        """Return what a wide operation answers; `numbers` calls what it is given with each of them, in code."""
        code = self.code
        known: dict[str, Local] = {}
        for i, (first, step) in enumerate(row.folds):
            carried = code.variable(code.number(first, kind))

            def go_on(x: Local, carried: Local = carried, step: Callable[..., Any] = step) -> None:
                names = {"carried": carried, "x": x} | known
                code.assign(carried, self.answer(tree(step, *names), names, kind))

            numbers(go_on)
            known[f"s{i}"] = carried
        names = known | {"n": code.number(float(count), kind)}
        return self.answer(tree(row.answer, *names), names, kind)

    def can_be_folded_at_once(self, row: Wide) -> bool:
        """Return whether a wide operation is worth computing on vectors."""
        states = [f"s{i}" for i in range(len(row.folds))]
        steps = [tree(step, "carried", "x", *states[:i]) for i, (_, step) in enumerate(row.folds)]
        return all(map(can_be_blended, [*steps, tree(row.answer, *states, "n")]))

    def sum_of(self, address: int, count: int, offsets: Sequence[Local], *, squared: bool = False) -> Local:
        """Return the sum of numbers that lie side by side, or of their squares, several vectors at a time."""
        code, width = self.code, self.code.vector.width
        rounds, left = divmod(count, SUMMED * width)
        sums = [code.variable(code.number(0.0, code.vector)) for _ in range(min(SUMMED, -(-count // width)))]
        if rounds:
            with code.loop(rounds, 8 * SUMMED * width) as along:
                for k, part in enumerate(sums):
                    self._add(part, code.load(address + 8 * k * width, [*offsets, *along], code.vector), squared)
        for part, start in zip(sums, range(count - left, count, width), strict=False):
            behind, size = address + 8 * start, min(width, count - start)
            last = code.load_first(behind, offsets, size) if size < width else None
            self._add(part, last or code.load(behind, offsets, code.vector), squared)
        total = sums[0]
        for part in sums[1:]:
            total = code.apply("+", total, part)
        return code.sums([total])

    def _add(self, total: Local, x: Local, squared: bool) -> None:
        if squared:
            self.code.add_product(total, x, x)
        else:
            self.code.assign(total, self.code.apply("+", total, x))

    # Copies.

    def turn(self, source: int, target: int, sizes: tuple[int, int, int]) -> None:
        """Copy a matrix turned round: so many rows and columns, and the bytes from one row to the next."""
        rows, columns, stride = sizes
        with (
            self.code.loop(columns, 8, 8 * rows) as (across, down),
            self.code.loop(rows, stride, 8) as (along, behind),
        ):
            self.code.store(target, [down, behind], self.code.load(source, [across, along], FLOAT))

    def copy(self, sources: list[int], targets: list[int], *, added: bool = False) -> None:
        """Copy numbers from addresses to others, or add them to what is there."""
        code, runs = self.code, _runs(sources, targets)
        if len(runs) > MAX_RUNS:
            lists = [self.memory.data(array("i", addresses)) for addresses in (sources, targets)]
            with code.loop(len(sources), 4) as (along,):
                source, target = [code.load(address, [along], ADDRESS) for address in lists]
                self.put(Place(0, 0, added), 0, [target], code.load(0, [source], FLOAT))
            return
        for start, target_start, length in runs:
            if not added:
                code.copy(start, target_start, 8 * length)
                continue
            with code.loop(length, 8) as (along,):
                self.put(Place(target_start, 0, added=True), 0, [along], code.load(start, [along], FLOAT))


def _runs(sources: list[int], targets: list[int]) -> list[tuple[int, int, int]]:
    """Return what is to be copied as runs of numbers that lie side by side: source, target and length of each."""
    runs: list[tuple[int, int, int]] = []
    for source, target in zip(sources, targets, strict=True):
        if runs and (source, target) == (runs[-1][0] + 8 * runs[-1][2], runs[-1][1] + 8 * runs[-1][2]):
            runs[-1] = (*runs[-1][:2], runs[-1][2] + 1)
        else:
            runs.append((source, target, 1))
    return runs
