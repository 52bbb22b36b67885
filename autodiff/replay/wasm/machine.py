"""The virtual machine: a program in WebAssembly that runs any graph of single numbers, forward and in reverse.

A graph is data to it: for each node its operation and where its operands lie, sixteen bytes. So nothing is compiled for
a graph, however large. What an operation does is written from its row (`autodiff.replay.rules.symbolic`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

from autodiff.engine.ops import Op
from autodiff.replay.native.code import ADDRESS, FLOAT, Local
from autodiff.replay.native.trees import branched
from autodiff.replay.recording.record import Kind
from autodiff.replay.rules.symbolic import Symbol, Tree, forward, names_in, reverse
from autodiff.replay.rules.wide import WIDE, Wide, tree
from autodiff.replay.wasm.binary import I32, module
from autodiff.replay.wasm.code import EXPONENTIAL, IMPORTS, Code

MAX_PROGRAMS = 64  # that are kept
MAX_OPERANDS = 3  # of an operation that is not wide
# Bytes of code a node: the operation, and where its operands lie; of a wide one, from where to where these addresses
# stand; of a dot product, where those of the weights begin, those of the inputs begin behind them, and the bias lies.
LINE = 16
HEAD = (
    *("code", "end", "target", "reverse code", "reverse end", "reverse target"),
    *("distance", "undefined", "gradients", "bytes", "seed"),
)  # what lies at the beginning of memory, in whole numbers of 32 bits


class Pass:
    """A function that goes over the code of a graph and does each operation: the forward pass, or the reverse.

    It finds what it needs in the head of memory, as a function of nothing is called fastest: where the code begins and
    ends, where the number of the node lies that comes first, and how far behind the number of a node its gradient lies.
    If an operation was undefined, it puts a 1 there.
    """

    step = 1  # to the node that comes next
    prefix = ""  # of the names in the head

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self.code = code = Code()
        self.at, self.end, self.target = [self.head(self.prefix + name) for name in ("code", "end", "target")]
        self.distance = self.head("distance")
        with self.each_line(len(kinds)) as case:
            for kind in case(kinds):
                if kind.op in WIDE:
                    self.wide(WIDE[kind.op])
                elif kind.op.products(()) is not None:
                    self.product()
                else:
                    self.few(kind)
        self.function = code.function

    def head(self, name: str) -> Local:
        """Return what stands in the head under a name."""
        return self.code.load(4 * HEAD.index(name), [], ADDRESS)

    @contextmanager
    def each_line(self, n: int) -> Iterator[Callable[[Sequence[Kind]], Iterator[Kind]]]:
        """Write the loop over the code, with a case for each operation."""
        code, function = self.code, self.code.function
        function.open("block")
        code.push(self.at, self.end)
        function.do("i32.==")
        function.use("br_if", 0)
        function.open("loop")
        for _ in range(n + 1):
            function.open("block")
        code.push(self.at)
        function.load(I32)
        function.branch(range(n + 1))

        def cases(kinds: Sequence[Kind]) -> Iterator[Kind]:
            for i, kind in enumerate(kinds):
                function.do("end")
                yield kind
                function.use("br", n - 1 - i)
            function.do("end")

        yield cases
        code.move(self.target, 8 * self.step)
        code.move(self.at, LINE * self.step)
        code.push(self.at, self.end)
        function.do("i32.!=")
        function.use("br_if", 0)
        function.do("end", "end")

    def operand(self, i: int) -> Local:
        """Return the address of an operand; of a wide operation, from where to where the addresses stand."""
        return self.code.load(4 + 4 * i, [self.at], ADDRESS)

    def refuse(self) -> None:
        """Write that an operation is undefined."""
        self.code.mark(4 * HEAD.index("undefined"))

    def over(self, body: Callable[..., None], *, pairs: bool = False) -> None:
        """Write a loop over the operands of a wide operation, with the address of each; of a dot product, in pairs."""
        code, function = self.code, self.code.function
        start, end = self.operand(0), self.operand(1)
        offsets: list[list[Local]] = [[]]
        if pairs:
            code.push(end, start)
            function.do("i32.-")
            offsets.append([code.made(ADDRESS)])
        code.push(start, end)
        function.do("i32.!=")
        function.open("if")
        function.open("loop")
        body(*[code.load(0, [start, *offset], ADDRESS) for offset in offsets])
        code.move(start, 4)
        code.push(start, end)
        function.do("i32.!=")
        function.use("br_if", 0)
        function.do("end", "end")

    def value(self, rule: Tree, names: dict[str, Local]) -> Local:
        """Return what a tree answers."""
        code, result = self.code, self.code.number(math.nan)

        def end(symbols: tuple[Symbol, ...] | None, value: Callable[[Symbol], Local]) -> None:
            if symbols is None:
                self.refuse()
            else:
                code.assign(result, value(symbols[0]))

        branched(code, rule, names, end)
        return result

    def folded(self, row: Wide) -> dict[str, Local]:
        """Return what the folds of a wide operation come to, and how many operands there are."""
        code = self.code
        known: dict[str, Local] = {}
        for i, (first, step) in enumerate(row.folds):
            carried = code.number(first)

            def go_on(address: Local, carried: Local = carried, step: Callable[..., float] = step) -> None:
                names = {"carried": carried, "x": code.load(0, [address], FLOAT)} | known
                code.assign(carried, self.value(tree(step, *names), names))

            self.over(go_on)
            known[f"s{i}"] = carried
        count = code.number(0.0)
        one = code.number(1.0)
        self.over(lambda _: code.assign(count, code.apply("+", count, one)))
        return known | {"n": count}

    def few(self, kind: Kind) -> None:
        """Write an operation of few operands."""
        raise NotImplementedError("a pass says what it does with an operation")

    def wide(self, row: Wide) -> None:
        """Write an operation of any number of operands."""
        raise NotImplementedError("a pass says what it does with an operation")

    def product(self) -> None:
        """Write a dot product."""
        raise NotImplementedError("a pass says what it does with an operation")


class Forward(Pass):
    """From the first node to the last: what each answers."""

    def few(self, kind: Kind) -> None:
        """Write what an operation answers, to the target."""
        rule = forward(*kind)
        names = {
            name: self.code.load(0, [self.operand(i)], FLOAT)
            for i, name in enumerate(kind.op.operand_names[: kind.op.arity])
            if name in names_in(rule)
        }

        def end(symbols: tuple[Symbol, ...] | None, value: Callable[[Symbol], Local]) -> None:
            if symbols is None:
                self.refuse()
            self.code.store(0, [self.target], self.code.number(math.nan) if symbols is None else value(symbols[0]))

        branched(self.code, rule, names, end)

    def wide(self, row: Wide) -> None:
        """Write what an operation answers, to the target."""
        names = self.folded(row)
        self.code.store(0, [self.target], self.value(tree(row.answer, *names), names))

    def product(self) -> None:
        """Write the sum of the bias and all products, to the target."""
        code = self.code
        total = code.variable(code.load(0, [self.operand(2)], FLOAT))

        def go_on(*pair: Local) -> None:
            code.add_product(total, *[code.load(0, [address], FLOAT) for address in pair])

        self.over(go_on, pairs=True)
        code.store(0, [self.target], total)


class Reverse(Pass):
    """From the last node to the first: what each hands on is added to the gradients of its operands."""

    step, prefix = -1, "reverse "

    def few(self, kind: Kind) -> None:
        """Write what an operation hands on."""
        code, rule = self.code, reverse(*kind)
        read = names_in(rule)
        addresses = [self.operand(i) for i in range(kind.op.arity or 0)]
        pairs = zip(kind.op.operand_names, addresses, strict=False)
        names = {name: code.load(0, [address], FLOAT) for name, address in pairs if name in read}
        if "out" in read:
            names["out"] = code.load(0, [self.target], FLOAT)
        names["incoming"] = self.incoming()

        def end(symbols: tuple[Symbol, ...] | None, value: Callable[[Symbol], Local]) -> None:
            if symbols is None:
                self.refuse()
            for address, symbol in zip(addresses, symbols or (), strict=False):
                if symbol.kind != "number" or symbol.parts[0] != 0:
                    self.add(address, value(symbol))

        branched(code, rule, names, end)

    def wide(self, row: Wide) -> None:
        """Write what an operation hands on."""
        known = {"incoming": self.incoming()} | self.folded(row)

        def hand_on(address: Local) -> None:
            names = {"x": self.code.load(0, [address], FLOAT)} | known
            names = {name: names[name] for name in ("incoming", "x", *known) if name in names}
            self.add(address, self.value(tree(row.hand, *names), names))

        self.over(hand_on)

    def product(self) -> None:
        """Write that each factor is handed the incoming gradient times the other, and the bias the gradient."""
        code, incoming = self.code, self.incoming()

        def hand_on(*pair: Local) -> None:
            factors = [code.load(0, [address], FLOAT) for address in pair]
            for address, other in zip(pair, reversed(factors), strict=True):
                self.add(address, code.apply("*", incoming, other))

        self.over(hand_on, pairs=True)
        self.add(self.operand(2), incoming)

    def incoming(self) -> Local:
        """Return the gradient that has come in."""
        return self.code.load(0, [self.target, self.distance], FLOAT)

    def add(self, address: Local, contribution: Local) -> None:
        """Write the addition of a contribution to the gradient of the number at an address."""
        offsets = [address, self.distance]
        self.code.store(0, offsets, self.code.apply("+", self.code.load(0, offsets, FLOAT), contribution))


def program(kinds: Sequence[Kind]) -> bytes:
    """Return the module of the machine for these operations, in the order of their numbers.

    Raises:
        Unwritable: if the rule of one of them is no arithmetic.
    """
    return _program(tuple([(op, tuple(map(repr, static))) for op, static in kinds]))  # 0.0 is equal to -0.0


@lru_cache(maxsize=MAX_PROGRAMS)
def _program(kinds: tuple[tuple[Op, tuple[str, ...]], ...]) -> bytes:
    both, rows = Code(), [Kind(op, tuple(map(float, static))) for op, static in kinds]
    first, second = EXPONENTIAL, EXPONENTIAL + 1  # the functions behind those that are imported
    both.call_own(first)
    gradients, size, seed = [both.load(4 * HEAD.index(name), [], ADDRESS) for name in ("gradients", "bytes", "seed")]
    both.push(gradients)
    both.function.whole(0)
    both.push(size)
    both.function.fill()
    both.store(0, [seed], both.number(1.0))
    both.call_own(second)
    functions = {"forward": Forward(rows).function, "reverse": Reverse(rows).function, "gradient": both.function}
    return module(IMPORTS, functions)
