"""Code of one function, built from values: the verbs of `autodiff.replay.native.code`, in LLVM's language as text.

Nothing here may change what arithmetic answers: products and sums are as they stand, but for the products that are
added, which may be rounded once with their sum (`contract`). No function is known to LLVM by its name (`nobuiltin`).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from autodiff.replay.native.code import ADDRESS, COMPARISONS, FLOAT, TRUTH, Kind, Local
from autodiff.replay.native.exponential import exponential

OPERATIONS = {"+": "fadd", "-": "fsub", "*": "fmul", "/": "fdiv", "neg": "fneg"}
COMPARED = dict(zip(COMPARISONS, ("oeq", "une", "olt", "ogt", "ole", "oge"), strict=True))
INTRINSICS = {"abs": "fabs", "sqrt": "sqrt", "copysign": "copysign", "nearest": "roundeven"}
FUNCTION = "nobuiltin nounwind willreturn memory(none)"  # of the C library: no errno is read
EXPONENTIAL = "exponential"  # e**x of a vector


class Body:
    """The lines of one function, in which names are counted from 1.

    Attributes:
        room: where the room in memory begins that an address lies in.
        bases: for each such beginning an address in the room, which the function is given and reckons others from.
        head: what stands at its beginning: room on the stack.
        ends: of the blocks that are open, what `otherwise` has to close.
    """

    def __init__(self, room: Callable[[int], int]) -> None:
        self.room = room
        self.bases: dict[int, int] = {}
        self.head: list[str] = []
        self.lines: list[str] = []
        self.count = 0
        self.ends: list[str] = []

    def text(self) -> str:
        """Return the function, but for its name."""
        given = ", ".join(["ptr %M", *[f"i64 %a{room}" for room in range(len(self.bases))]])
        return "\n".join([f"({given}) {{", *self.head, *self.lines, "ret void", "}"])


class Code:
    """A function that is being built, with what stands apart from it as functions that it calls.

    Args:
        width: how many floats a vector has.
    """

    def __init__(self, width: int) -> None:
        self.width, self.vector = width, Kind("float", width)
        self.texts: list[str] = []  # of all values
        self.variables: set[int] = set()  # values that stand for what lies on the stack
        self.functions: dict[str, str] = {}  # those apart, by name
        self.declared: dict[str, str] = {}  # what is called besides, by name
        self.body = Body(lambda address: 0)

    # Values.

    def type(self, kind: Kind) -> str:
        """Return a kind as LLVM's type: vectors are whole, however many of their floats there are."""
        one = {"float": "double", "truth": "i1", "address": "i64"}[kind.name]
        return one if kind.width == 1 else f"<{self.width} x {one}>"

    def named(self) -> str:
        """Return a new name."""
        self.body.count += 1
        return f"%x{self.body.count}"

    def made(self, kind: Kind, text: str) -> Local:
        """Return a value that is given by a name or a number."""
        self.texts.append(text)
        return Local(len(self.texts) - 1, kind)

    def do(self, kind: Kind, instruction: str) -> Local:
        """Return what an instruction answers."""
        name = self.named()
        self.body.lines.append(f"{name} = {instruction}")
        return self.made(kind, name)

    def of(self, value: Local) -> str:
        """Return a value's name or number; of a variable, what it holds here."""
        text = self.texts[value.number]
        if value.number not in self.variables:
            return text
        return self.texts[self.do(value.kind, f"load {self.type(value.kind)}, ptr {text}").number]

    def typed(self, values: Iterable[Local]) -> str:
        """Return values with their types, as arguments are written."""
        return ", ".join([f"{self.type(value.kind)} {self.of(value)}" for value in values])

    def asked(self, kind: Kind, name: str, *values: Local, attributes: str = "") -> Local:
        """Return what a function answers that is declared here."""
        types = ", ".join([self.type(value.kind) for value in values])
        self.declared[name] = f"declare {self.type(kind)} @{name}({types}) {attributes}"
        return self.do(kind, f"call {self.type(kind)} @{name}({self.typed(values)})")

    def number(self, x: float, kind: Kind = FLOAT) -> Local:
        """Return a float, or a vector of it."""
        text = f"0x{struct.unpack('<Q', struct.pack('<d', x))[0]:016X}"
        return self.made(kind, text if kind == FLOAT else self.repeated(f"double {text}"))

    def repeated(self, text: str) -> str:
        """Return a vector of the same number."""
        return f"<{', '.join([text] * self.width)}>"

    def mask(self, holds: bool, kind: Kind) -> Local:
        """Return a mask that holds for all floats of a vector of this kind, or for none."""
        return self.made(Kind("truth", kind.width), self.first(kind.width if holds else 0))

    def first(self, count: int) -> str:
        """Return a mask that holds for the first so many floats of a vector."""
        return f"<{', '.join([f'i1 {str(i < count).lower()}' for i in range(self.width)])}>"

    def variable(self, value: Local) -> Local:
        """Return a place on the stack that begins with a value."""
        name = self.named()
        self.body.head.append(f"{name} = alloca {self.type(value.kind)}")
        variable = self.made(value.kind, name)
        self.variables.add(variable.number)
        self.assign(variable, value)
        return variable

    def assign(self, variable: Local, value: Local) -> None:
        """Let a variable hold another value from here on."""
        self.body.lines.append(f"store {self.typed([value])}, ptr {self.texts[variable.number]}")

    def apply(self, name: str, *values: Local) -> Local:
        """Return what arithmetic or a comparison answers."""
        kind = values[0].kind
        of, x = self.type(kind), values[0]
        if name in OPERATIONS:
            return self.do(kind, f"{OPERATIONS[name]} {of} {', '.join(map(self.of, values))}")
        if name in COMPARED:
            compared = f"fcmp {COMPARED[name]} {of} {', '.join(map(self.of, values))}"
            return self.do(Kind("truth", kind.width), compared)
        if name in INTRINSICS:
            return self.asked(kind, f"llvm.{INTRINSICS[name]}.{self.suffix(kind)}", *values)
        if name == "or":
            whole, other = map(self.of, values)
            if values[1].kind.width < self.width:  # what is behind does not count
                other = self.of(self.do(kind, f"and {of} {other}, {self.first(values[1].kind.width)}"))
            return self.do(kind, f"or {of} {whole}, {other}")
        if name == "select":
            yes, no, mask = values
            return self.do(kind, f"select {self.typed([mask, yes, no])}")
        if name in ("min", "max"):
            first, second = values
            return self.apply("select", second, first, self.apply("<" if name == "min" else ">", second, first))
        if name == "power":
            whole = f"<{self.width} x i64>"
            bits = self.of(self.do(kind, f"bitcast {of} {self.of(x)} to {whole}"))
            bits = self.of(self.do(kind, f"shl {whole} {bits}, {self.repeated('i64 52')}"))
            return self.do(kind, f"bitcast {whole} {bits} to {of}")
        raise ValueError(f"no operation {name!r}")

    def suffix(self, kind: Kind) -> str:
        """Return how the functions of LLVM are called for a kind."""
        return "f64" if kind == FLOAT else f"v{self.width}f64"

    def add_product(self, variable: Local, x: Local, y: Local) -> None:
        """Add a product to a variable."""
        of = self.type(variable.kind)
        product = self.do(x.kind, f"fmul contract {of} {self.of(x)}, {self.of(y)}")
        total = self.do(x.kind, f"fadd contract {of} {self.of(variable)}, {self.of(product)}")
        self.assign(variable, total)

    def sums(self, vectors: Sequence[Local]) -> Local:
        """Return the sums of whole vectors, in the order that takes the fewest steps."""
        of = self.type(self.vector)
        if len(vectors) == 1:
            name = f"llvm.vector.reduce.fadd.v{self.width}f64"
            self.declared[name] = f"declare double @{name}(double, {of})"
            return self.do(FLOAT, f"call reassoc double @{name}(double -0.0, {self.typed(vectors)})")
        found, size = list(vectors), 1
        while (
            len(found) > 1
        ):  # of two vectors each the first and second, third and fourth, ... parts of a size are added
            found = [self.halved(found[i], found[i + 1], size) for i in range(0, len(found), 2)]
            size *= 2
        return found[0]

    def halved(self, first: Local, second: Local, size: int) -> Local:
        """Return the first, third, ... parts of two vectors by turns, added to the second, fourth, ... behind them."""
        starts = [start + vector * self.width for start in range(0, self.width, 2 * size) for vector in (0, 1)]
        parts = []
        for behind in (0, size):
            places = ", ".join([f"i32 {start + behind + i}" for start in starts for i in range(size)])
            shuffled = f"shufflevector {self.typed([first, second])}, <{self.width} x i32> <{places}>"
            parts.append(self.do(self.vector, shuffled))
        return self.apply("+", *parts)

    def any(self, mask: Local) -> Local:
        """Return the truth whether a mask holds anywhere."""
        bits = self.do(TRUTH, f"bitcast {self.typed([mask])} to i{self.width}")
        return self.do(TRUTH, f"icmp ne i{self.width} {self.of(bits)}, 0")

    def call(self, name: str, *values: Local) -> Local:
        """Return what a function of the C library answers; of vectors, the exponential is our own."""
        kind = values[0].kind
        if kind != FLOAT and name == "exp":
            if EXPONENTIAL not in self.functions:
                self._exponential()
            return self.do(kind, f"call {self.type(self.vector)} @{EXPONENTIAL}({self.typed(values)})")
        if kind != FLOAT:
            vector = self.made(kind, "poison")
            for which in range(kind.width):
                one = self.call(name, *[self.lane(value, which) for value in values])
                vector = self.do(kind, f"insertelement {self.typed([vector, one])}, i32 {which}")
            return vector
        if name == "scalbn":
            number, exponent = values
            whole = self.do(ADDRESS, f"call i32 @llvm.fptosi.sat.i32.f64({self.typed([exponent])})")
            self.declared["llvm.fptosi.sat.i32.f64"] = "declare i32 @llvm.fptosi.sat.i32.f64(double)"
            self.declared[name] = f"declare double @{name}(double, i32) {FUNCTION}"
            return self.do(FLOAT, f"call double @{name}({self.typed([number])}, i32 {self.of(whole)})")
        return self.asked(FLOAT, name, *values, attributes=FUNCTION)

    def _exponential(self) -> None:
        """Write the function e**x of a vector."""
        code, of = Code(self.width), self.type(self.vector)
        answer = code.of(exponential(code, code.made(self.vector, "%X")))
        lines = [*code.body.head, *code.body.lines, f"ret {of} {answer}", "}"]
        self.functions[EXPONENTIAL] = "\n".join([f"define internal {of} @{EXPONENTIAL}({of} %X) {{", *lines])
        self.declared |= code.declared

    def lane(self, vector: Local, which: int) -> Local:
        """Return one float of a vector."""
        return self.do(FLOAT, f"extractelement {self.typed([vector])}, i32 {which}")

    # Memory.

    def at(self, address: int, offsets: Sequence[Local]) -> str:
        """Return the pointer to an address."""
        room, bases, place = self.body.room(address), self.body.bases, "%M"
        given = []
        if room:
            address -= bases.setdefault(room, address)
            given = [f"%a{list(bases).index(room)}"]
        for offset in (*given, *map(self.of, offsets), str(address)):
            if offset != "0":
                place = self.of(self.do(ADDRESS, f"getelementptr i8, ptr {place}, i64 {offset}"))
        return place

    def load(self, address: int, offsets: Sequence[Local], kind: Kind, *, spread: bool = False) -> Local:
        """Return what lies at an address: a float, a vector, one float as a vector (`spread`), or an address."""
        if kind.width > 1 and not spread:
            return self._vector(kind, address, offsets)
        place = self.at(address, offsets)
        if kind == ADDRESS:
            number = self.do(ADDRESS, f"load i32, ptr {place}, align 4")
            return self.do(ADDRESS, f"zext i32 {self.of(number)} to i64")
        one, of = self.do(FLOAT, f"load double, ptr {place}, align 8"), self.type(kind)
        if kind == FLOAT:
            return one
        first = self.do(kind, f"insertelement {of} poison, {self.typed([one])}, i32 0")
        return self.do(kind, f"shufflevector {self.typed([first])}, {of} poison, <{self.width} x i32> zeroinitializer")

    def load_first(self, address: int, offsets: Sequence[Local], count: int) -> Local:
        """Return a vector of so many floats that lie at an address, and of zeros behind them."""
        return self._vector(Kind("float", count), address, offsets)._replace(kind=self.vector)

    def _vector(self, kind: Kind, address: int, offsets: Sequence[Local]) -> Local:
        """Return a vector that lies at an address; of floats that there are not it has zeros."""
        of, place = self.type(self.vector), self.at(address, offsets)
        if kind == self.vector:
            return self.do(kind, f"load {of}, ptr {place}, align 8")
        name = f"llvm.masked.load.v{self.width}f64.p0"
        self.declared[name] = f"declare {of} @{name}(ptr, i32, <{self.width} x i1>, {of})"
        there = f"<{self.width} x i1> {self.first(kind.width)}"
        return self.do(kind, f"call {of} @{name}(ptr {place}, i32 8, {there}, {of} zeroinitializer)")

    def store(self, address: int, offsets: Sequence[Local], value: Local) -> None:
        """Put a float or a vector to an address."""
        text, place, count = self.typed([value]), self.at(address, offsets), value.kind.width
        if count in (1, self.width):
            self.body.lines.append(f"store {text}, ptr {place}, align 8")
            return
        name = f"llvm.masked.store.v{self.width}f64.p0"
        self.declared[name] = f"declare void @{name}({self.type(self.vector)}, ptr, i32, <{self.width} x i1>)"
        self.body.lines.append(
            f"call void @{name}({text}, ptr {place}, i32 8, <{self.width} x i1> {self.first(count)})"
        )

    def mark(self, address: int) -> None:
        """Put the whole number 1 to an address, in 32 bits."""
        self.body.lines.append(f"store i32 1, ptr {self.at(address, [])}, align 4")

    def copy(self, source: int, target: int, size: int) -> None:
        """Copy so many bytes."""
        self.declared["llvm.memmove.p0.p0.i64"] = "declare void @llvm.memmove.p0.p0.i64(ptr, ptr, i64, i1)"
        places = ", ".join([f"ptr align 8 {self.at(address, [])}" for address in (target, source)])
        self.body.lines.append(f"call void @llvm.memmove.p0.p0.i64({places}, i64 {size}, i1 false)")

    def zero(self, address: int, size: int) -> None:
        """Fill so many bytes with zeros."""
        self.declared["llvm.memset.p0.i64"] = "declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)"
        place = self.at(address, [])
        self.body.lines.append(f"call void @llvm.memset.p0.i64(ptr align 8 {place}, i8 0, i64 {size}, i1 false)")

    # Control.

    def block(self, name: str) -> None:
        """Begin a block of instructions, to which the one before it goes on."""
        self.body.lines += [f"br label %{name}", f"{name}:"]

    def label(self) -> str:
        """Return a new name of a block."""
        return f"b{self.named()[1:]}"

    @contextmanager
    def loop(self, count: int, *strides: int) -> Iterator[list[Local]]:
        """Do what stands in the block `count` times. What is answered grows from 0, each by its stride."""
        if count == 1:
            yield [self.made(ADDRESS, "0") for _ in strides]
            return
        with self._repeated(strides) as (offsets, following, until):
            yield offsets
            until.append(f"icmp eq i64 {self.of(following)}, {count}")

    @contextmanager
    def rounds(self, address: int, *strides: int) -> Iterator[list[Local]]:
        """Do what stands in the block until, at its end, the float at an address is 0."""
        with self._repeated(strides) as (offsets, _, until):
            yield offsets
            until.append(f"fcmp oeq double {self.of(self.load(address, [], FLOAT))}, 0.0")

    @contextmanager
    def _repeated(self, strides: Sequence[int]) -> Iterator[tuple[list[Local], Local, list[str]]]:
        """Do what stands in the block until what it says holds; answer offsets, and the number of the next round."""
        round_ = self.variable(self.made(ADDRESS, "0"))
        start, end = self.label(), self.label()
        self.block(start)
        now = self.of(round_)
        following = self.do(ADDRESS, f"add nuw nsw i64 {now}, 1")
        until: list[str] = []
        yield [self.do(ADDRESS, f"mul nuw nsw i64 {now}, {stride}") for stride in strides], following, until
        self.assign(round_, following)
        ended = self.do(TRUTH, until[0])
        self.body.lines += [f"br i1 {self.of(ended)}, label %{end}, label %{start}", f"{end}:"]

    def run(self, name: str) -> None:
        """Run another function of the module."""
        self.body.lines.append(f"call void @{name}(ptr %M)")

    @contextmanager
    def when(self, condition: Local) -> Iterator[None]:
        """Do what stands in the block where a truth holds."""
        yes, no, end = self.label(), self.label(), self.label()
        self.body.lines += [f"br i1 {self.of(condition)}, label %{yes}, label %{no}", f"{yes}:"]
        self.body.ends.append(f"{no} {end}")
        yield
        if self.body.ends[-1]:
            self.otherwise()
        self.body.ends.pop()
        self.block(end)

    def otherwise(self) -> None:
        """End the block of `when`; what follows is done where its condition does not hold."""
        no, end = self.body.ends[-1].split()
        self.body.lines += [f"br label %{end}", f"{no}:"]
        self.body.ends[-1] = ""

    @contextmanager
    def apart(self, room: Callable[[int], int]) -> Iterator[None]:
        """Make what stands in the block a function of its own, the same for all that differ in addresses alone."""
        around, self.body = self.body, Body(room)
        yield
        text, given = self.body.text(), [f"i64 {base}" for base in self.body.bases.values()]
        name = f"part.{hashlib.sha256(text.encode()).hexdigest()[:16]}"
        self.functions[name] = f"define internal void @{name}{text}"
        self.body = around
        self.body.lines.append(f"call void @{name}({', '.join(['ptr %M', *given])}) noinline")


def module(functions: dict[str, Code]) -> str:
    """Return functions as a module, with all that they call."""
    declared: dict[str, str] = {}
    defined: dict[str, str] = {}
    for name, code in functions.items():
        declared |= code.declared
        defined |= code.functions | {name: f"define void @{name}{code.body.text()}"}
    return "\n".join([*declared.values(), *defined.values(), ""])
