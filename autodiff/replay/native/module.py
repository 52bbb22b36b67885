"""A tape as a module of a target: its loss, its gradient, and steps of descent."""

from __future__ import annotations

from typing import Any, NamedTuple

from autodiff.replay.native.code import Target
from autodiff.replay.native.loops import Lowering
from autodiff.replay.native.nest import Memory, Nest
from autodiff.replay.native.steps import Steps
from autodiff.replay.rules.update import Rule
from autodiff.replay.tape.tape import Tape


class Nests(NamedTuple):
    """A module, and where its numbers lie."""

    code: Any
    memory: Memory
    parameters: int
    gradient: int
    inputs: int
    columns: int
    loss: int
    steps: Steps | None


def nests(
    tape: Tape, samples: int, target: Target, rule: Rule | None = None, moved: tuple[int, ...] | None = None
) -> Nests:
    """Return the module of a tape for so many samples.

    Args:
        tape: the program.
        samples: how many samples a batch has.
        target: what it is built for.
        rule: how an optimizer moves a parameter; the module then makes whole steps as well.
        moved: the parameters that it moves, None if all.
    """
    lowering = Lowering(tape, samples)
    steps = rule and Steps(lowering, rule, moved)
    functions = {}
    for name, end in (("forward", tape.forward), ("gradient", len(tape.instructions))):
        nest = Nest(lowering.memory, target.code())
        if name == "gradient" and not lowering.apart:
            nest.code.zero(lowering.dtheta, 8 * tape.parameters)
        lowering.write(nest, end)
        if name == "gradient":
            lowering.write_gradient(nest)
        functions[name] = nest.code
    lowering.written.clear()  # they know the lowering: a cycle, which only the collector would find
    loss = lowering.places[tape.root].address
    if steps is not None:
        functions["steps"] = target.code()
        steps.write(functions["steps"], loss)
    code = target.module(functions)
    return Nests(code, lowering.memory, lowering.theta, lowering.dtheta, lowering.inputs, lowering.columns, loss, steps)
