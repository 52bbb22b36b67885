"""The loop nests of a tape as text, for people: the same stages that are written for a target, in the same order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from autodiff.replay.native.code import Target
from autodiff.replay.native.loops import Elements, Lowering, places_of
from autodiff.replay.native.nest import Nest
from autodiff.replay.python.arrays import RESERVED, slice_of
from autodiff.replay.python.source import Writer, float_form, float_functions
from autodiff.replay.tape import tape as moves
from autodiff.replay.tape.tape import BATCH, LANES, UNITS, Move, Shape, Tape

AXES = {UNITS: "rows", LANES: "lanes"}
COPIED = {moves.PARAMETERS, moves.INPUTS, moves.TAKE, moves.STACK}  # unless they can be read where they lie


def text_of(tape: Tape, samples: int, target: Target) -> str:
    """Return the loop nests of a tape, for a batch of so many samples; a register is a name with [rows, lanes].

    Args:
        tape: the program.
        samples: how many samples a batch has.
        target: what the nests are built for.
    """
    lowering, names = Lowering(tape, samples), Names(tape)
    given = [
        _line(lowering, names, register)
        for register, is_given in enumerate(lowering.is_given)
        if is_given and not names.literal(register)
    ]
    end = len(tape.instructions)
    nest = Nest(lowering.memory, target.code())
    lines = [
        line for stage in lowering.stages(end) for line in _stage(lowering, names, Elements(lowering, nest, stage, end))
    ]
    how = "has a copy of" if lowering.apart else "has added"
    answers = [
        f"gradient[{_places(index)}] {'is' if register in lowering.direct else how} {names.text(register)}"
        for register, index in tape.gradient
    ]
    lowering.written.clear()  # they know the lowering: a cycle, which only the collector would find
    loss = f"the loss is {names.text(tape.root)}"
    return "\n".join(["# read where it lies", *given, "", "# made", *lines, "", "# answered", loss, *answers, ""])


class Names(Writer):
    """How registers and operations are written: as in the program on floats, each register by its name."""

    def __init__(self, tape: Tape) -> None:
        super().__init__(tape, {*float_functions(), *RESERVED}, ())

    def form(self, register: int) -> str | None:
        """Return the form of an operation on floats, None for a call of its function."""
        op, _, static, _ = self.tape.instructions[register]
        return float_form(op, static, step=False)  # type: ignore[arg-type]  # an operation


def _stage(lowering: Lowering, names: Names, elements: Elements) -> Iterator[str]:
    """Return the lines of a stage: of a nest of its own one, else its loops and a line a register in them."""
    stage = elements.stage
    if stage.alone:
        yield from [_line(lowering, names, register) for register in stage.registers]
        return
    lengths = elements.loops()
    axes = ("row", "lane") if len(lengths) == 2 else ("place",)
    yield " ".join([f"for {axis} in {length}:" for axis, length in zip(axes, lengths, strict=True)])
    for register in stage.registers if stage.product is None else (stage.product, *stage.registers):
        yield f"    {_line(lowering, names, register)}" + ("" if register in elements.kept else "  # not kept")


def _line(lowering: Lowering, names: Names, register: int) -> str:
    """Return what makes a register."""
    op, operands, static, _ = lowering.tape.instructions[register]

    def shaped(i: int) -> str:
        return names.text(i) + _shape(lowering.shape(i), lowering.samples)

    if isinstance(op, Move):
        text = MOVED[op](static, [shaped(i) for i in operands])
        text = f"copy of {text}" if op in COPIED and not lowering.is_given[register] else text
    elif lowering.tape.is_reduced(op, operands):
        text = f"{op.name} of {shaped(operands[0])} over its rows"
    else:
        text = names.operation(register, op, [names.text(i) for i in operands], static)
    return f"{shaped(register)} = {text}"


def _shape(shape: Shape, samples: int) -> str:
    """Return the lengths of the axes of a register; nothing for a single number."""
    lengths = [str(samples if length == BATCH else length) for length in shape if length is not None]
    axis = "1, " if shape.units is None and lengths else ""
    return f"[{axis}{', '.join(lengths)}]" if lengths else ""


def _places(index: Any) -> str:
    """Return places as text: one, a slice, or how many from which on."""
    if isinstance(index, int):
        return str(index)
    is_matrix = isinstance(index[0], tuple)
    text = "" if is_matrix else slice_of(index)
    size = f"{len(index)} x {len(index[0])}" if is_matrix else str(len(index))
    places = places_of(index)
    return text or f"{size} places in {min(places)}:{max(places) + 1}"


def _put(static: tuple[Any, ...], texts: list[str]) -> str:
    axis, indices, _ = static
    parts = [f"{text} added at {AXES[axis]} {_places(index)}" for text, index in zip(texts, indices, strict=True)]
    return "; ".join(["zeros", *parts])


def _matmul(static: tuple[Any, ...], texts: list[str]) -> str:
    return " @ ".join([text + ".T" * turned for text, turned in zip(texts, static, strict=True)])


MOVED: dict[Move, Callable[[tuple[Any, ...], list[str]], str]] = {
    moves.CONSTANT: lambda static, texts: "constant" if static[1] else repr(static[0]),
    moves.PARAMETERS: lambda static, texts: f"parameters[{_places(static[0])}]",
    moves.INPUTS: lambda static, texts: f"inputs[{_places(static[0])}]",
    moves.COUNT: lambda static, texts: "how many samples",
    moves.MATMUL: _matmul,
    moves.TAKE: lambda static, texts: f"{texts[0]} at {AXES[static[0]]} {_places(static[1])}",
    moves.PUT: _put,
    moves.STACK: lambda static, texts: f"{', '.join(texts)}, one after the other",
    moves.TURN: lambda static, texts: f"{texts[0]}, its lanes as rows",
    moves.TOTAL: lambda static, texts: f"sum of {texts[0]} over its {AXES[static[0]]}",
    moves.EXPAND: lambda static, texts: texts[0],
}
