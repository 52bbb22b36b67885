"""The verbs that loop nests are written with: what a target has to know, and all that a lowering knows of it.

A value is a float, or a vector: so many floats side by side as the target computes at once, or fewer, where there are
no more. What lies in memory lies at addresses in bytes, from 0 on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

FUNCTIONS = ("forward", "gradient", "steps")  # of a module, in this order; not all have the last
COMPARISONS = ("==", "!=", "<", ">", "<=", ">=")
ARITHMETIC = ("+", "-", "*", "/", "neg", "abs", "sqrt", "copysign")  # beside these, functions are called


class Kind(NamedTuple):
    """What a value is: a float or a vector, a truth or a mask of them, or an address; and how many there are."""

    name: str
    width: int = 1


FLOAT, TRUTH, ADDRESS = Kind("float"), Kind("truth"), Kind("address")


class Local(NamedTuple):
    """A value in the code that is being built: which one, and what kind it is of."""

    number: int
    kind: Kind


class Code(Protocol):
    """A function of nothing that is being built.

    Attributes:
        vector: the kind of a whole vector.
    """

    vector: Kind

    # Values.

    def number(self, x: float, kind: Kind = FLOAT) -> Local:
        """Return a float, or a vector of it."""

    def mask(self, holds: bool, kind: Kind) -> Local:
        """Return a mask that holds for all floats of a vector of this kind, or for none."""

    def variable(self, value: Local) -> Local:
        """Return a value that `assign` and `add_product` change; it begins with the given one."""

    def assign(self, variable: Local, value: Local) -> None:
        """Let a variable hold another value from here on."""

    def apply(self, name: str, *values: Local) -> Local:
        """Return what arithmetic or a comparison answers, of floats or of vectors.

        Of vectors there are also "min" and "max", nan where the first is nan, "nearest" (whole number, half to even),
        "power" (of a whole x + 1.5 x 2**52 + 1023: 2**x), "select" (of two and a mask); of masks "select", and "or" of
        a mask of a whole vector and of any.
        """

    def add_product(self, variable: Local, x: Local, y: Local) -> None:
        """Add a product to a variable, rounded once or twice."""

    def sums(self, vectors: Sequence[Local]) -> Local:
        """Return the sums of the floats of whole vectors: of one a float, of so many as it has floats a vector."""

    def any(self, mask: Local) -> Local:
        """Return the truth whether a mask holds anywhere."""

    def call(self, name: str, *values: Local) -> Local:
        """Return what a function of the C library answers, of floats or of vectors."""

    # Memory.

    def load(self, address: int, offsets: Sequence[Local], kind: Kind, *, spread: bool = False) -> Local:
        """Return what lies at an address: a float, a vector, one float as a vector (`spread`), or an address."""

    def load_first(self, address: int, offsets: Sequence[Local], count: int) -> Local:
        """Return a vector of so many floats that lie at an address, and of zeros behind them."""

    def store(self, address: int, offsets: Sequence[Local], value: Local) -> None:
        """Put a float or a vector to an address."""

    def mark(self, address: int) -> None:
        """Put the whole number 1 to an address, in 32 bits."""

    def copy(self, source: int, target: int, size: int) -> None:
        """Copy so many bytes."""

    def zero(self, address: int, size: int) -> None:
        """Fill so many bytes with zeros."""

    # Control.

    def loop(self, count: int, *strides: int) -> AbstractContextManager[list[Local]]:
        """Do what stands in the block `count` times. What is answered grows from 0, each by its stride."""

    def rounds(self, address: int, *strides: int) -> AbstractContextManager[list[Local]]:
        """Do what stands in the block until, at its end, the float at an address is 0; answer as `loop`."""

    def run(self, name: str) -> None:
        """Run another function of the module, which stands before this one in `FUNCTIONS`."""

    def when(self, condition: Local) -> AbstractContextManager[None]:
        """Do what stands in the block where a truth holds."""

    def otherwise(self) -> None:
        """End the block of `when`; what follows is done where its condition does not hold."""

    def apart(self, room: Callable[[int], int]) -> AbstractContextManager[None]:
        """Keep what stands in the block apart from what is around it, with which it shares memory and no value.

        `room` answers where the room in memory begins that an address lies in: what differs only in where its rooms lie
        can be compiled once.
        """


class Instance(Protocol):
    """A module with a memory of its own.

    Attributes:
        memory: its bytes.
        functions: its functions, by name.
    """

    memory: memoryview
    functions: dict[str, Any]

    def grow(self, size: int) -> None:
        """Let the memory have at least so many bytes. What was there stays; `memory` may be another object then."""


class Target(Protocol):
    """What loop nests are built for, and run by.

    Attributes:
        kind: what people call it.
    """

    kind: str

    def code(self) -> Code:
        """Return a function to write."""

    def module(self, functions: dict[str, Any]) -> Any:
        """Return functions of `code` as a module."""

    def instance(self, module: Any, size: int) -> Instance:
        """Return a module with a memory of so many bytes."""
