"""WebAssembly, written byte by byte: the few instructions that replays are made of, and a module of functions of them.

The numbers are those of the WebAssembly Core Specification 2.0, section 5 (Binary Format). Nothing here runs anything,
so that a browser can run what is written as well as wasmtime.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

F64, I32, V128, NOTHING = b"\x7c", b"\x7f", b"\x7b", b"\x40"
INSTRUCTIONS = {
    "loop": 0x03, "block": 0x02, "if": 0x04, "else": 0x05, "end": 0x0B, "br": 0x0C, "br_if": 0x0D, "br_table": 0x0E,
    "call": 0x10, "get": 0x20, "set": 0x21, "tee": 0x22,
    "i32.+": 0x6A, "i32.-": 0x6B, "i32.==": 0x46, "i32.!=": 0x47, "float": 0xB8,
    "+": 0xA0, "-": 0xA1, "*": 0xA2, "/": 0xA3, "abs": 0x99, "neg": 0x9A, "sqrt": 0x9F, "copysign": 0xA6,
    "==": 0x61, "!=": 0x62, "<": 0x63, ">": 0x64, "<=": 0x65, ">=": 0x66,
}  # fmt: skip


# Two floats at once: behind the byte 0xFD.
PAIRS = {
    "load": 0x00, "load first": 0x5D, "store": 0x0B, "splat": 0x14, "lane": 0x21, "with lane": 0x22,
    "==": 0x47, "!=": 0x48, "<": 0x49, ">": 0x4A, "<=": 0x4B, ">=": 0x4C,
    "and": 0x4E, "but not": 0x4F, "or": 0x50, "select": 0x52, "any": 0x53, "nearest": 0x94,
    "i64.<<": 0xCB, "abs": 0xEC, "neg": 0xED, "sqrt": 0xEF, "+": 0xF0, "-": 0xF1, "*": 0xF2, "/": 0xF3,
    "min": 0xF4, "max": 0xF5, "fused": 0x107,
}  # fmt: skip


def unsigned(n: int) -> bytes:
    """Return a whole number as LEB128, seven bits a byte."""
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes([*out, n])


def signed(n: int) -> bytes:
    """Return a whole number as signed LEB128."""
    out = bytearray()
    while not -64 <= n < 64:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes([*out, n & 127])


def _vector(items: Sequence[bytes]) -> bytes:
    return unsigned(len(items)) + b"".join(items)


def _section(number: int, content: bytes) -> bytes:
    return bytes([number]) + unsigned(len(content)) + content


def _text(text: str) -> bytes:
    return unsigned(len(text)) + text.encode()


@dataclass
class Function:
    """A function that is written instruction by instruction.

    Attributes:
        parameters: the types of its parameters, which are its first locals.
        results: the types of what it answers.
    """

    parameters: bytes
    results: bytes = b""
    locals: bytearray = field(default_factory=bytearray)
    code: bytearray = field(default_factory=bytearray)
    held: list[tuple[bytes, int]] = field(default_factory=list)  # the locals that may be read later, as they were made
    spare: dict[bytes, list[int]] = field(default_factory=dict)  # those that were, and are no more

    def new(self, kind: bytes = F64) -> int:
        """Return a local that is new, or is not read any more."""
        if self.spare.get(kind):
            number = self.spare[kind].pop()
        else:
            self.locals += kind
            number = len(self.parameters) + len(self.locals) - 1
        self.held.append((kind, number))
        return number

    @contextmanager
    def block(self) -> Iterator[None]:
        """Let no local that is made in this block be read after it: a function has at most 50,000."""
        before = len(self.held)
        yield
        for kind, number in self.held[before:]:
            self.spare.setdefault(kind, []).append(number)
        del self.held[before:]

    def do(self, *names: str) -> None:
        """Write instructions that take no argument."""
        self.code += bytes([INSTRUCTIONS[name] for name in names])

    def use(self, name: str, number: int) -> None:
        """Write an instruction with its argument: a local, a function, how many blocks outward to go."""
        self.code += bytes([INSTRUCTIONS[name]]) + unsigned(number)

    def open(self, name: str, kind: bytes = NOTHING) -> None:
        """Begin a block, a loop or an if, which answers something of this type; it ends by "end"."""
        self.code += bytes([INSTRUCTIONS[name]]) + kind

    def number(self, x: float) -> None:
        """Write a float."""
        self.code += b"\x44" + struct.pack("<d", x)

    def whole(self, n: int) -> None:
        """Write a whole number of 32 bits."""
        self.code += b"\x41" + signed(n)

    def load(self, kind: bytes, offset: int = 0) -> None:
        """Replace the address on the stack by what lies there."""
        self.code += (b"\x2b\x03" if kind == F64 else b"\x28\x02") + unsigned(offset)

    def store(self, offset: int = 0) -> None:
        """Put the float on the stack to the address below it."""
        self.code += b"\x39\x03" + unsigned(offset)

    def keep(self) -> None:
        """Put the whole number on the stack to the address below it."""
        self.code += b"\x36\x02\x00"

    def pair(self, *names: str) -> None:
        """Write instructions on pairs of floats that take no argument."""
        for name in names:
            self.code += b"\xfd" + unsigned(PAIRS[name])

    def both(self, x: float) -> None:
        """Write a pair of the same float."""
        self.code += b"\xfd\x0c" + 2 * struct.pack("<d", x)

    def lane(self, name: str, lane: int) -> None:
        """Write the reading or setting of one of a pair."""
        self.pair(name)
        self.code += bytes([lane])

    def at(self, name: str, offset: int) -> None:
        """Write the reading or writing of a pair at the address on the stack, so many bytes behind it."""
        self.pair(name)
        self.code += b"\x03" + unsigned(offset)

    def branch(self, targets: Sequence[int]) -> None:
        """Go as many blocks outward as the number on the stack says; the last target is for all other numbers."""
        self.code += b"\x0e" + _vector([unsigned(target) for target in targets[:-1]]) + unsigned(targets[-1])

    def truncated(self) -> None:
        """Replace the float on the stack by the whole number of 32 bits next to it."""
        self.code += b"\xfc\x02"

    def fill(self) -> None:
        """Fill memory: from an address, with a byte, so many of them."""
        self.code += b"\xfc\x0b\x00"

    def copy(self) -> None:
        """Copy memory: to an address, from an address, so many bytes."""
        self.code += b"\xfc\x0a\x00\x00"

    def body(self) -> bytes:
        """Return the bytes of the function."""
        content = _vector([b"\x01" + bytes([kind]) for kind in self.locals]) + bytes(self.code) + b"\x0b"
        return unsigned(len(content)) + content


def module(imported: Iterable[tuple[str, bytes, bytes]], functions: dict[str, Function]) -> bytes:
    """Return a module with a memory, "memory", and functions, all of them exported.

    Args:
        imported: the functions of the module "library" that are called: name, types of parameters and of results.
        functions: the functions by name. Numbers of functions count the imported ones first.
    """
    imported = list(imported)
    signatures = [*((taken, answered) for _, taken, answered in imported)]
    signatures += [(function.parameters, function.results) for function in functions.values()]
    kinds = list(dict.fromkeys(signatures))
    types = [b"\x60" + _vector(_each(taken)) + _vector(_each(answered)) for taken, answered in kinds]
    places = [unsigned(kinds.index(signature)) for signature in signatures]
    exports = [_text(name) + b"\x00" + unsigned(len(imported) + i) for i, name in enumerate(functions)]
    imports = [
        _text("library") + _text(name) + b"\x00" + place for (name, _, _), place in zip(imported, places, strict=False)
    ]
    return b"".join(
        [
            b"\0asm\x01\0\0\0",
            _section(1, _vector(types)),
            _section(2, _vector(imports)),
            _section(3, _vector(places[len(imported) :])),
            _section(5, _vector([b"\x00\x01"])),
            _section(7, _vector([_text("memory") + b"\x02\x00", *exports])),
            _section(10, _vector([function.body() for function in functions.values()])),
        ]
    )


def _each(kinds: bytes) -> list[bytes]:
    return [bytes([kind]) for kind in kinds]
