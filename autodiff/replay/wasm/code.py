"""Code of one function, built from values: the verbs of `autodiff.replay.native.code`, in WebAssembly.

A value is a local that holds a float, a pair of floats, a mask of a pair, a truth, or an address.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from autodiff.replay.native.code import ADDRESS, COMPARISONS, FLOAT, FUNCTIONS as NAMES, TRUTH, Kind, Local
from autodiff.replay.rules.symbolic import FUNCTIONS
from autodiff.replay.wasm.binary import F64, I32, INSTRUCTIONS, V128, Function
from autodiff.support import browser

PAIR, MASK = Kind("float", 2), Kind("truth", 2)
TYPES = {FLOAT: F64, PAIR: V128, MASK: V128, TRUTH: I32, ADDRESS: I32}

TWO = ("pow", "fmod", "atan2", "hypot", "scalbn")  # functions of two floats
LIBRARY = [name for name in FUNCTIONS if name not in INSTRUCTIONS]  # what is imported, by number
IMPORTS = [
    (name, F64 + I32 if name == "scalbn" else F64 + F64 if name in TWO else F64, F64) for name in LIBRARY
]  # name, types of what it takes, and of what it answers
FUSED = not browser.IS_HERE  # whether a pair of products is fused with sums: a browser may do so or not
EXPONENTIAL = len(LIBRARY)  # the number of the first function of our own: e**x of a pair


class Code:
    """A function that is being built."""

    vector = PAIR

    def __init__(self, function: Function | None = None) -> None:
        self.function = Function(b"") if function is None else function
        self.zeros: set[Local] = set()  # pairs that are 0.0, all bits of which are 0

    # Values.

    def made(self, kind: Kind) -> Local:
        """Return a new local that holds what is on the stack."""
        local = Local(self.function.new(TYPES[kind]), kind)
        self.zeros.discard(local)  # it may have been one, in a block before
        self.function.use("set", local.number)
        return local

    def push(self, *values: Local) -> None:
        """Put values on the stack."""
        for value in values:
            self.function.use("get", value.number)

    def number(self, x: float, kind: Kind = FLOAT) -> Local:
        """Return a float, or a pair of it."""
        if kind == PAIR:
            self.function.both(x)
        else:
            self.function.number(x)
        made = self.made(kind)
        if kind == PAIR and x == 0.0 and math.copysign(1.0, x) > 0.0:
            self.zeros.add(made)
        return made

    def mask(self, holds: bool, kind: Kind) -> Local:
        """Return a mask that holds for both of a pair, or for none."""
        zero, other = self.number(0.0, PAIR), self.number(0.0 if holds else 1.0, PAIR)
        return self.apply("==", zero, other)

    def variable(self, value: Local) -> Local:
        """Return a local that begins with a value."""
        self.push(value)
        return self.made(value.kind)

    def assign(self, variable: Local, value: Local) -> None:
        """Let a local hold another value from here on."""
        self.push(value)
        self.function.use("set", variable.number)

    def apply(self, name: str, *values: Local) -> Local:
        """Return what an instruction answers."""
        kind = values[0].kind
        if kind == FLOAT:
            self.push(*values)
            self.function.do(name)
            return self.made(TRUTH if name in COMPARISONS else FLOAT)
        if name == "copysign":
            self._copysign(*values)
        elif name == "select":
            self._select(*values)
        else:
            self.push(*values)
            if name == "power":  # what is on the stack has the bits of an exponent at its end
                self.function.whole(52)
            self.function.pair("i64.<<" if name == "power" else name)
        return self.made(MASK if name in COMPARISONS else kind)

    def _select(self, yes: Local, no: Local, mask: Local) -> None:
        if yes in self.zeros:
            self.push(no, mask)
            self.function.pair("but not")
        elif no in self.zeros:
            self.push(yes, mask)
            self.function.pair("and")
        else:
            self.push(yes, no, mask)
            self.function.pair("select")

    def _copysign(self, size: Local, sign: Local) -> None:
        zero = self.number(-0.0, PAIR)
        self.push(size, zero)
        self.function.pair("but not")
        self.push(sign, zero)
        self.function.pair("and", "or")

    def add_product(self, variable: Local, x: Local, y: Local) -> None:
        """Add a product to a local; of pairs rounded once, where that is the same on every machine."""
        if variable.kind == PAIR and FUSED:
            self.push(x, y, variable)
            self.function.pair("fused")
        else:
            self.push(variable, x, y)
            (self.function.pair if variable.kind == PAIR else self.function.do)("*", "+")
        self.function.use("set", variable.number)

    def lane(self, pair: Local, which: int) -> Local:
        """Return one of a pair."""
        self.push(pair)
        self.function.lane("lane", which)
        return self.made(FLOAT)

    def pair(self, first: Local, second: Local) -> Local:
        """Return two floats as a pair."""
        self.push(first)
        self.function.pair("splat")
        self.push(second)
        self.function.lane("with lane", 1)
        return self.made(PAIR)

    def sums(self, vectors: Sequence[Local]) -> Local:
        """Return the sum of a pair, or the sums of two as a pair."""
        found = [self.apply("+", self.lane(vector, 0), self.lane(vector, 1)) for vector in vectors]
        return found[0] if len(found) == 1 else self.pair(*found)

    def any(self, mask: Local) -> Local:
        """Return the truth whether a mask holds anywhere."""
        self.push(mask)
        self.function.pair("any")
        return self.made(TRUTH)

    def call(self, name: str, *values: Local) -> Local:
        """Return what a function of the C library answers; of pairs, the exponential is our own."""
        if values[0].kind == PAIR:
            if name == "exp":
                self.call_own(EXPONENTIAL, *values)
                return self.made(PAIR)
            return self.pair(*[self.call(name, *[self.lane(value, which) for value in values]) for which in (0, 1)])
        self.push(*values)
        if name == "scalbn":
            self.function.truncated()
        self.function.use("call", LIBRARY.index(name))
        return self.made(FLOAT)

    def call_own(self, number: int, *values: Local) -> None:
        """Call a function of the module; what it answers is on the stack."""
        self.push(*values)
        self.function.use("call", number)

    # Memory.

    def address(self, offsets: Sequence[Local]) -> None:
        """Put the sum of addresses on the stack, 0 of none."""
        if not offsets:
            self.function.whole(0)
        self.push(*offsets[:1])
        for offset in offsets[1:]:
            self.push(offset)
            self.function.do("i32.+")

    def load(self, address: int, offsets: Sequence[Local], kind: Kind, *, spread: bool = False) -> Local:
        """Return what lies at an address: a float, a pair, one float as a pair (`spread`), or an address."""
        self.address(offsets)
        if kind == PAIR and not spread:
            self.function.at("load", address)
        else:
            self.function.load(F64 if spread else TYPES[kind], address)
        if kind == PAIR and spread:  # faster than one instruction for both, which wasmtime loads as a whole number
            self.function.pair("splat")
        return self.made(kind)

    def load_first(self, address: int, offsets: Sequence[Local], count: int) -> Local:
        """Return a pair of the float that lies at an address and 0."""
        self.address(offsets)
        self.function.at("load first", address)
        return self.made(PAIR)

    def store(self, address: int, offsets: Sequence[Local], value: Local) -> None:
        """Put a float or a pair to an address."""
        self.address(offsets)
        self.push(value)
        if value.kind == PAIR:
            self.function.at("store", address)
        else:
            self.function.store(address)

    def mark(self, address: int) -> None:
        """Put the whole number 1 to an address."""
        self.function.whole(address)
        self.function.whole(1)
        self.function.keep()

    def copy(self, source: int, target: int, size: int) -> None:
        """Copy so many bytes."""
        for number in (target, source, size):
            self.function.whole(number)
        self.function.copy()

    def zero(self, address: int, size: int) -> None:
        """Fill so many bytes with zeros."""
        for number in (address, 0, size):
            self.function.whole(number)
        self.function.fill()

    # Control.

    @contextmanager
    def loop(self, count: int, *strides: int) -> Iterator[list[Local]]:
        """Do what stands in the block `count` times. What is answered grows from 0, each by its stride."""
        self.function.whole(count)
        left = self.made(ADDRESS)
        with self._repeated(*strides) as offsets:
            yield offsets
            self.move(left, -1)
            self.push(left)

    @contextmanager
    def rounds(self, address: int, *strides: int) -> Iterator[list[Local]]:
        """Do what stands in the block until, at its end, the float at an address is 0."""
        with self._repeated(*strides) as offsets:
            yield offsets
            self.push(self.apply("!=", self.load(address, [], FLOAT), self.number(0.0)))

    @contextmanager
    def _repeated(self, *strides: int) -> Iterator[list[Local]]:
        """Do what stands in the block as long as it leaves a truth on the stack."""
        with self.function.block():
            offsets = []
            for _ in strides:
                self.function.whole(0)
                offsets.append(self.made(ADDRESS))
            self.function.open("loop")
            yield offsets
            for offset, stride in zip(offsets, strides, strict=True):
                self.move(offset, stride)
            self.function.use("br_if", 0)
            self.function.do("end")

    def run(self, name: str) -> None:
        """Run another function of the module."""
        self.function.use("call", EXPONENTIAL + 1 + NAMES.index(name))

    def move(self, local: Local, by: int) -> None:
        """Let an address grow by so many bytes."""
        self.push(local)
        self.function.whole(by)
        self.function.do("i32.+")
        self.function.use("set", local.number)

    @contextmanager
    def when(self, condition: Local) -> Iterator[None]:
        """Do what stands in the block where the condition holds."""
        self.push(condition)
        self.function.open("if")
        yield
        self.function.do("end")

    @contextmanager
    def apart(self, room: Callable[[int], int]) -> Iterator[None]:
        """Keep only locals apart: a function of any length is compiled as fast."""
        with self.function.block():
            yield

    def otherwise(self) -> None:
        """End the block of `when`; what follows is done where its condition does not hold."""
        self.function.do("else")
