"""Steps of descent as one more function of a module: gradient, its norm, clipping and update, again and again.

It stops by itself before a step whose loss or gradient is not finite, or where an operation is undefined: the
parameters are then those that this came of. It knows an optimizer as the tree of its rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from autodiff.replay.native.code import ADDRESS, FLOAT, Code, Kind, Local
from autodiff.replay.native.loops import Lowering
from autodiff.replay.native.nest import Nest
from autodiff.replay.native.trees import all_blended, branched, can_be_blended, computed
from autodiff.replay.rules.symbolic import Symbol
from autodiff.replay.rules.update import Rule

MAX_STEPS = 4096  # that a call makes
MAX_LISTED = 2**18  # samples of all batches of a call, if it makes more than one step
SMALLEST_SQUARE = 1e-280  # sums of squares below may have lost some of them


class Steps:
    """Where in memory the numbers of steps lie, and what makes them.

    Attributes:
        most: how many steps a call can make.
        left: the address of how many are left to make; 0 as well where they stopped.
        done: that of how many were made.
        before: that of how many were made before this call.
        max_norm: that of the largest norm of a gradient, inf if there is none.
        rates: that of the rate of each step.
        losses: that of the loss before each step.
        norms: that of the norm of the gradient of each step.
        rows: that of the addresses of the samples' inputs, batch by batch.
        states: of each number of the state that of all parameters.
    """

    def __init__(self, lowering: Lowering, rule: Rule, moved: Sequence[int] | None) -> None:
        self.lowering, self.rule, self.moved = lowering, rule, moved
        room, samples = lowering.memory.room, lowering.samples
        self.parameters = lowering.tape.parameters
        self.count = self.parameters if moved is None else len(moved)
        self.most = max(1, min(MAX_STEPS, MAX_LISTED // samples))
        self.left, self.done, self.before, self.max_norm = [room(1) for _ in range(4)]
        self.rates, self.losses, self.norms = [room(self.most) for _ in range(3)]
        self.rows = room(-(-self.most * samples // 2))
        self.states = [room(self.count) for _ in range(rule.size)]
        self.scalars = room(2 + len(rule.scalars))
        apart = [] if moved is None else [room(self.count) for _ in range(2)]
        self.w, self.g = apart or (lowering.theta, lowering.dtheta)

    def write(self, code: Code, loss: int) -> None:
        """Write the function; `loss` is the address that the loss lies at."""
        nest = Nest(self.lowering.memory, code)
        with code.rounds(self.left, 8, 4 * self.lowering.samples) as (step, listed):
            self._gather(nest, listed)
            code.run("gradient")
            self._write_norm(nest, step)
            found, norm = code.load(loss, [], FLOAT), code.load(self.norms, [step], FLOAT)
            undefined = code.load(0, [], FLOAT)  # as a float a 1 of 32 bits is tiny, and not 0
            doubt = code.apply("+", code.apply("-", found, found), code.apply("-", norm, norm))  # nan, if one is inf
            with code.when(code.apply("==", code.apply("+", doubt, undefined), code.number(0.0))):
                code.store(self.losses, [step], found)
                self._clip(nest, norm)
                self._update(nest, step)
                for address, by in ((self.done, 1.0), (self.left, -1.0)):
                    code.store(address, [], code.apply("+", code.load(address, [], FLOAT), code.number(by)))
                code.otherwise()
                code.store(self.left, [], code.number(0.0))

    def _gather(self, nest: Nest, listed: Local) -> None:
        """Copy the inputs of a batch to where they are read."""
        code, samples, columns = nest.code, self.lowering.samples, self.lowering.columns
        if columns:
            with code.loop(samples, 4, 8 * columns) as (place, down):
                row = code.load(self.rows, [listed, place], ADDRESS)
                for kind, times, start in nest.pieces(columns, at_once=True):
                    with code.loop(times, 8 * kind.width) as (along,):
                        value = code.load(start, [row, along], kind)
                        code.store(self.lowering.inputs + start, [down, along], value)

    def _write_norm(self, nest: Nest, step: Local) -> None:
        """Write the norm of the gradient; where squares overflow or vanish, of the gradient by its largest part."""
        code, gradient, count = nest.code, self.lowering.dtheta, self.parameters
        square = nest.sum_of(gradient, count, [], squared=True)
        code.store(self.norms, [step], code.apply("sqrt", square))
        odd = code.variable(code.number(1.0))
        with (
            code.when(code.apply(">", square, code.number(SMALLEST_SQUARE))),
            code.when(code.apply("<", square, code.number(math.inf))),
        ):
            code.assign(odd, code.number(0.0))
        with code.when(code.apply(">", odd, code.number(0.0))):
            largest, doubt, total = [code.variable(code.number(0.0)) for _ in range(3)]
            with code.loop(count, 8) as along:
                size = code.apply("abs", code.load(gradient, along, FLOAT))
                code.assign(doubt, code.apply("+", doubt, code.apply("-", size, size)))
                with code.when(code.apply(">", size, largest)):
                    code.assign(largest, size)
            with code.when(code.apply(">", largest, code.number(0.0))), code.loop(count, 8) as along:
                part = code.apply("/", code.load(gradient, along, FLOAT), largest)
                code.add_product(total, part, part)
            norm = code.apply("*", largest, code.apply("sqrt", total))
            code.store(self.norms, [step], code.apply("+", norm, doubt))

    def _clip(self, nest: Nest, norm: Local) -> None:
        """Scale the gradient down to the largest norm, if it is longer."""
        code, gradient = nest.code, self.lowering.dtheta
        longest, bound = code.load(self.max_norm, [], FLOAT), code.apply("+", norm, code.number(1e-6))
        with code.when(code.apply("<", longest, bound)):
            factor = code.apply("/", longest, bound)
            with code.loop(self.parameters, 8) as along:
                code.store(gradient, along, code.apply("*", code.load(gradient, along, FLOAT), factor))

    def _update(self, nest: Nest, step: Local) -> None:
        code, rule, lowering = nest.code, self.rule, self.lowering
        names = {
            "rate": code.load(self.rates, [step], FLOAT),
            "step": code.apply(
                "+",
                code.apply("+", code.load(self.before, [], FLOAT), code.load(self.done, [], FLOAT)),
                code.number(1.0),
            ),
        }
        held = computed(code, rule.scalars, names)
        for k, value in enumerate((*names.values(), *held.values())):
            code.store(self.scalars + 8 * k, [], value)
        if self.moved is not None:
            for there, here in ((lowering.theta, self.w), (lowering.dtheta, self.g)):
                nest.copy([there + 8 * i for i in self.moved], self._in_order(here))
        for kind, times, start in nest.pieces(self.count, can_be_blended(rule.tree)):
            same = [
                code.load(self.scalars + 8 * k, [], kind, spread=kind != FLOAT) for k in range(len(names) + len(held))
            ]
            with code.loop(times, 8 * kind.width) as along:
                places = [self.w + start, *[state + start for state in self.states]]
                w, *state = [code.load(place, along, kind) for place in places]
                given = dict(zip(names, same, strict=False)) | {"w": w, "g": code.load(self.g + start, along, kind)}
                given |= {f"s{i}": x for i, x in enumerate(state)}
                known = dict(zip(held, same[len(names) :], strict=True))
                for place, value in zip(places, self._answers(code, given, known, kind), strict=True):
                    code.store(place, along, value)
        if self.moved is not None:
            nest.copy(self._in_order(self.w), [lowering.theta + 8 * i for i in self.moved])

    def _in_order(self, address: int) -> list[int]:
        return [address + 8 * i for i in range(self.count)]

    def _answers(self, code: Code, names: dict[str, Local], held: dict[int, Local], kind: Kind) -> list[Local]:
        """Return what the rule answers: the parameter, and its state."""
        if kind != FLOAT:
            return all_blended(code, self.rule.tree, names, kind, self.rule.size + 1, held)
        answers = [code.variable(code.number(math.nan)) for _ in range(self.rule.size + 1)]

        def end(symbols: tuple[Symbol, ...] | None, value: Callable[[Symbol], Local]) -> None:
            for answer, symbol in zip(answers, symbols or (), strict=True):
                code.assign(answer, value(symbol))

        branched(code, self.rule.tree, names, end, held)
        return answers
