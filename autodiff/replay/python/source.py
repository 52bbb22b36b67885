"""From a tape to the Python that runs: a line for each register, or none where its only user can hold its expression.

On floats an operation is written as a call of its own function, unless `FLOATS` has a shorter form: Python's operators,
the functions of `math`. On arrays it is a line of `ARRAYS`. Where all is finite, both answer what the row of the
calculus answers; where something is not, or Python raises, the eager engine is asked in their place (see
`autodiff.replay.reference`). So the forms need not repeat what the rows decide at their edges: they must only not hide
them. How moves are written stands in `autodiff.replay.tape.tape`. Labels reach the text only as identifiers from
`Names`.
"""

from __future__ import annotations

import builtins
import keyword
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from autodiff.engine import elementary, ops
from autodiff.engine.ops import Op
from autodiff.replay.tape.tape import CONSTANT, INPUTS, KNOWN, PARAMETERS, SCALAR, Instruction, Tape

MAX_NAME = 40  # characters of an identifier
MAX_INLINED = 60  # characters of an expression that is written into another
MAX_SIGNED = 8  # terms of a sum that is written with signs
PREFIX: dict[Any, str] = {PARAMETERS: "p", INPUTS: "x", CONSTANT: "data"}
LEAVES = (PARAMETERS, INPUTS)

# What a program may raise where the eager engine is to answer: outside of a domain, overflow, an unsuitable form.
DECLINED = (ArithmeticError, TypeError, ValueError)

# fmt: off
# `{x}` and `{y}` are the operands, `{0}` and `{1}` the static arguments.
FLOATS = {
    ops.ADD: "{x} + {y}", ops.SUB: "{x} - {y}", ops.MUL: "{x} * {y}", ops.DIV: "{x} / {y}", ops.NEG: "-{x}",
    ops.RATIO: "{x} / {y}", ops.IDENTITY: "{x}", ops.HOLD: "{x}",
    ops.POW: "pow({x}, {y})",
    ops.MASK: "({x} * {y} if {y} else 0.0)", ops.EXP_BELOW: "exp({x} - {y})", ops.SQUARES: "({x} - {y}) * ({x} + {y})",
    ops.RELU: "(0.0 if {x} <= 0 else {x})", ops.LEAKY_RELU: "({0} * {x} if {x} <= 0 else {x})",
    ops.ABS: "abs({x})", ops.SECH: "sech({x})",
}

ARRAYS = {
    ops.ADD: "{x} + {y}", ops.SUB: "{x} - {y}", ops.MUL: "{x} * {y}", ops.DIV: "{x} / {y}", ops.NEG: "-{x}",
    ops.POW: "np.power({x}, {y})", ops.POW_SLOPE: "arrays.power_slope({x}, {y}, {0}, {1})",
    ops.EXP: "np.exp({x})", ops.EXPM1: "np.expm1({x})",
    ops.LOG: "np.log({x})", ops.LOG1P: "np.log1p({x})", ops.SQRT: "np.sqrt({x})",
    ops.LOG2: "np.log2({x})", ops.LOG10: "np.log10({x})", ops.CBRT: "np.cbrt({x})",
    ops.ASINH: "np.arcsinh({x})", ops.ACOSH: "np.arccosh({x})", ops.ATANH: "np.arctanh({x})",
    ops.SIN: "np.sin({x})", ops.COS: "np.cos({x})", ops.TAN: "np.tan({x})",
    ops.ASIN: "np.arcsin({x})", ops.ACOS: "np.arccos({x})", ops.ATAN: "np.arctan({x})",
    ops.ATAN2: "arrays.arctan2({x}, {y})", ops.HYPOT: "np.hypot({x}, {y})",
    ops.SINH: "np.sinh({x})", ops.COSH: "np.cosh({x})", ops.TANH: "np.tanh({x})", ops.SECH: "1.0 / np.cosh({x})",
    ops.SQUARES: "({x} - {y}) * ({x} + {y})", ops.DIRECTION: "arrays.direction({x}, {y}, {0})",
    ops.HARMONIC: "arrays.harmonic({x}, {y}, {0}, {1})", ops.GAUSS: "arrays.gauss({x}, {0}, {1})",
    ops.BELL: "arrays.bell({x})", ops.X_BELL: "{x} * arrays.bell({x})",
    ops.NORMAL: "arrays.normal({x})", ops.EXP_BELOW: "np.exp({x} - {y})",
    ops.SHARE: "{x} / ({top} + {x} + {y})", ops.LOG_SHARE: "arrays.log_share({x}, {top}, {y})",
    ops.SIGMOID: "arrays.sigmoid({x})", ops.SOFTPLUS: "np.logaddexp({x}, 0.0)",
    ops.SILU: "{x} * arrays.sigmoid({x})", ops.GELU: "arrays.gelu({x})",
    ops.ERF: "arrays.erf({x})", ops.ERFC: "arrays.erfc({x})",
    ops.ABS: "np.abs({x})", ops.SIGN: "np.sign({x})",
    ops.HEAVISIDE: "np.heaviside({x}, {0})", ops.STEP: "arrays.step({x}, {y}, {0})",
    ops.RELU: "np.maximum({x}, 0.0)", ops.LEAKY_RELU: "np.where({x} > 0, {x}, {0} * {x})",
    ops.ELU: "arrays.elu({x}, {0})",
    ops.MAXIMUM: "np.maximum({x}, {y})", ops.MINIMUM: "np.minimum({x}, {y})", ops.CLIP: "np.clip({x}, {0}, {1})",
    ops.WHERE: "np.where({x} == {x}, np.where({x}, {top}, {y}), np.nan)", ops.DETACH: "{x}",  # `top` is the second
    ops.SUM: "{x}.sum(axis=0)", ops.MAX: "{x}.max(axis=0)", ops.MIN: "{x}.min(axis=0)",
    ops.LOGSUMEXP: "{top} + arrays.log_total({powers}, {total})",
    ops.IDENTITY: "{x}", ops.HOLD: "{x}", ops.RATIO: "{x} / {y}", ops.MASK: "{x} * {y}",
}

SIGNED = {  # where it matters which of 0.0 and -0.0 is answered: NumPy's own choose either
    ops.MAXIMUM: "arrays.maximum({x}, {y})", ops.MINIMUM: "-arrays.maximum(-{x}, -{y})",
    ops.CLIP: "np.where({x} < {0}, {0}, np.where({x} > {1}, {1}, {x}))",
    ops.MAX: "arrays.first_max({x})", ops.MIN: "-arrays.first_max(-{x})", ops.MASK: "np.where({y}, {x} * {y}, 0.0)",
}
# fmt: on

POWERS = (ops.POWER, ops.POWER0)  # a square is written as a product

TRUTHS = {  # steps in the reverse pass that are only factors: let pass or not; what they are at nan never matters
    (ops.HEAVISIDE, 0.0): "({x} > 0)",
    (ops.HEAVISIDE, 1.0): "({x} >= 0)",
    (ops.STEP, 1.0): "({x} >= {y})",
}


def _sech(x: float) -> float:
    e = math.exp(-abs(x))
    return 2.0 * e / (1.0 + e * e)


def name_of(op: Op) -> str:
    """Return the name under which an operation's own function is called."""
    return "pow" if op is ops.POW else op.name


def float_functions() -> dict[str, Any]:
    """Return what the forms on floats call, by name."""
    rows = [row for row in KNOWN if row.name.isidentifier()]
    names = {name_of(row): row.value for row in rows}
    direct = {name: getattr(math, name) for name in ("exp", "log", "tanh", "pow")}  # overflow raises: the rows decide
    return {**names, **direct, "abs": abs, "sech": _sech, "inf": math.inf, "nan": math.nan, "sum": elementary.total}


def exponent(op: Op, static: tuple[Any, ...]) -> float:
    """Return the n of x**n: what slopes of powers have taken from it is a static argument, too."""
    return static[0] - static[1] if op is ops.POWER0 else static[0]  # type: ignore[no-any-return]  # a float


def truth(op: Any, static: tuple[Any, ...]) -> str | None:
    """Return the form of a step as a truth value, for the reverse pass, or None for all else."""
    return TRUTHS.get((op, static[0])) if static else None


def float_form(op: Op, static: tuple[Any, ...], step: bool) -> str | None:
    """Return the form on floats of an operation with these static arguments, None for a call of its function."""
    if op in POWERS:
        n = exponent(op, static)
        return "{x} * {x}" if n == 2 else f"pow({{x}}, {n!r})"
    return (step and truth(op, static)) or FLOATS.get(op)


def array_form(op: Op, static: tuple[Any, ...], *, step: bool, watched: bool, signed: bool) -> str:
    """Return the form on arrays of an operation with these static arguments; what is watched says if it is not finite.

    What is signed answers the -0.0 and 0.0 that the operation does.
    """
    if op in POWERS:
        n = exponent(op, static)
        form = "{x} * {x}" if n == 2 else f"np.power({{x}}, {n!r})"
        return form if not watched or (n >= 0 and n == int(n)) else f"defined({form})"  # whole powers have no domain
    form = (signed and SIGNED.get(op)) or ARRAYS[op]
    if step:
        return truth(op, static) or form
    return f"defined({form})" if watched and op is not ops.CLIP else form


# Lines.


class Names:
    """Hands out identifiers.

    >>> names = Names({"exp"})
    >>> [names.new(label) for label in ("w", "w", "exp", "x 1", "2nd", "class")]
    ['w', 'w_2', 'exp_2', 'x_1', '_2nd', 'class_2']
    """

    def __init__(self, reserved: Iterable[str]) -> None:
        self.used = {*reserved, *keyword.kwlist, *keyword.softkwlist, *dir(builtins)}
        self.count: dict[str, int] = {}

    def new(self, label: str) -> str:
        """Return an identifier like `label`: whatever is no ASCII letter or digit becomes an underscore."""
        name = re.sub(r"\W", "_", label[:MAX_NAME], flags=re.ASCII)
        if not name.isidentifier():
            name = f"_{name}"
        first = name
        while name in self.used:
            self.count[first] = self.count.get(first, 1) + 1
            name = f"{first}_{self.count[first]}"
        self.used.add(name)
        return name


@dataclass(slots=True)
class Line:
    """One statement: the register that it makes, its name and expression, and the registers that it reads."""

    register: int
    name: str
    expression: str
    reads: tuple[int, ...]


class Writer:
    """Writes the lines of a tape.

    Args:
        tape: the tape.
        reserved: names that are taken.
        given: registers that need no line, because the function is given them.
        columns: those of them whose units are spread over lanes already.

    Attributes:
        calls_in_groups: whether operations that people have made are called with their operands in groups, as on
            floats, or one by one.
    """

    calls_in_groups = True

    def __init__(
        self, tape: Tape, reserved: Iterable[str], given: Iterable[int], columns: frozenset[int] = frozenset()
    ) -> None:
        self.tape, self.given, self.columns = tape, frozenset(given), columns
        self.names = Names(reserved)
        self.name = {register: self.names.new(label) for register, label in sorted(tape.names.items())}
        self.own: dict[Op, str] = {}  # operations that people have made: the name under which each is called
        self.forms: list[str | None] = []
        self.signed = any([instruction.op is ops.ATAN2 for instruction in tape.instructions])  # else no -0.0 matters
        self.inlined: dict[int, tuple[str, tuple[int, ...]]] = {}
        self.uses = [0] * len(tape.instructions)
        self.factors = self._factors()
        for register, instruction in enumerate(tape.instructions):
            for operand in instruction.operands:
                self.uses[operand] += 1
            form = self.form(register) if isinstance(instruction.op, Op) else None
            self.forms.append(form)
            if form is not None and max(form.count("{x}"), form.count("{y}")) > 1:
                for operand in instruction.operands:
                    self.uses[operand] += 1  # written twice

    def _factors(self) -> set[int]:
        """Return the registers of the reverse pass that are only multiplied: there a step may be a truth value."""
        reverse = range(self.tape.forward, len(self.tape.instructions))
        others = {register for register, _ in self.tape.gradient}
        for op, operands, _, _ in self.tape.instructions:
            if op is not ops.MASK and op is not ops.MUL:
                others.update(operands)
        return {register for register in reverse if register not in others}

    def lines(self, registers: Iterable[int], kept: frozenset[int]) -> list[Line]:
        """Return the lines that make these registers, in order; those in `kept` have a line of their own."""
        lines = []
        for register in registers:
            op, _, static, _ = self.tape.instructions[register]
            if register in self.given or (register not in kept and not self.uses[register]) or self.literal(register):
                continue
            reads, texts = self.operands(register)
            if isinstance(op, Op):
                expression = self.operation(register, op, texts, static)
            else:
                expression = op.numpy(self, self.tape.instructions[register], texts)
            alone = self.uses[register] == 1 and register not in kept and register not in self.tape.names
            if alone and len(expression) <= MAX_INLINED:
                self.inlined[register] = expression, reads
                continue
            lines.append(Line(register, self.called(register), expression, reads))
        return lines

    def operands(self, register: int) -> tuple[tuple[int, ...], list[str]]:
        """Return the registers that an instruction reads, and how its operands are written."""
        op, operands, _, shape = self.tape.instructions[register]
        summed = op in (ops.ADD, ops.SUB) or (op is ops.SUM and len(operands) > 1)
        signs = "+-" if summed else " -"  # products stand in a sum without brackets
        reads: list[int] = []
        texts = []
        for operand in operands:
            own = self.tape.shape(operand)
            spread = isinstance(op, Op) and shape.units and shape.lanes and own.units is not None and own.lanes is None
            inlined = self.inlined.pop(operand, None)
            if inlined is not None:
                text = inlined[0] if _is_atom(inlined[0], " -" if spread else signs) else f"({inlined[0]})"
                reads += inlined[1]
            else:
                text = self.literal(operand)
                if not text:
                    text = self.called(operand)
                    reads.append(operand)
            texts.append(f"{text}[:, None]" if spread and operand not in self.columns else text)
        return tuple(reads), texts

    def called(self, register: int) -> str:
        """Return the name of a register."""
        name = self.name.get(register)
        if name is None:
            prefix = PREFIX.get(self.tape.instructions[register].op, "v" if register < self.tape.forward else "d")
            name = f"{prefix}{register}"
            if name in self.names.used:
                name = self.names.new(name)
            self.name[register] = name
        return name

    def text(self, register: int) -> str:
        """Return how a register is written; -1 is the gradient of what the loss does not depend on."""
        return "0.0" if register < 0 else self.literal(register) or self.called(register)

    def literal(self, register: int) -> str:
        """Return a number as it is written where it is used; nothing for all else, and for a number with a name."""
        number = None if register in self.tape.names else self.tape.number(register)
        return "" if number is None else _literal(number)

    def form(self, register: int) -> str | None:
        """Return the form of the operation that makes a register, None for a call of its function."""
        op, operands, static, shape = self.tape.instructions[register]
        if op not in KNOWN:
            return None
        if shape != SCALAR or any([self.tape.shape(operand) != SCALAR for operand in operands]):
            watched, signed = register in self.tape.watched, self.signed and register < self.tape.forward
            form = array_form(op, static, step=register in self.factors, watched=watched, signed=signed)
            return f"float({form})" if shape == SCALAR else form
        if op is ops.MASK:
            mask = self.tape.instructions[operands[1]]
            if operands[1] in self.factors and truth(mask.op, mask.static):
                return "({x} if {y} else 0.0)"
        return float_form(op, static, register in self.factors)

    def operation(self, register: int, op: Op, texts: list[str], static: tuple[Any, ...]) -> str:
        """Return an operation: by its form, or on floats by a call of its function."""
        form = self.forms[register]
        if form is not None:
            names = dict(zip(("x", "top", "powers", "total"), texts, strict=False))
            return form.format(*map(_literal, static), **names, y=texts[-1])
        zero = ["0.0"] if self.signed else []  # the engine's sums start from it, so that they are never -0.0
        if op is ops.SUM:
            return " + ".join([*texts, *zero]) if 1 < len(texts) <= MAX_SIGNED else f"sum(({', '.join(texts)},), 0.0)"
        product = op.products(texts)
        if product is not None and len(product[0]) <= MAX_SIGNED:
            left, right, added = product
            return " + ".join([*[f"{x} * {y}" for x, y in zip(left, right, strict=True)], *(added or zero)])
        name, given = name_of(op), op.grouped(texts, ())
        if op not in KNOWN:
            name = self.own[op] = self.own.get(op) or self.names.new(op.name)
            given = given if self.calls_in_groups else tuple(texts)
        groups = [x if isinstance(x, str) else f"({', '.join(x)},)" for x in given]
        return f"{name}({', '.join([*groups, *map(_literal, static)])})"

    def constant(self, instruction: Instruction) -> str:
        """Return the number of a constant."""
        return _literal(instruction.static[0])


def _literal(number: float) -> str:
    text = repr(number)
    return f"({text})" if text[0] == "-" else text


def _is_atom(text: str, signs: str) -> bool:
    """Return whether an expression can be written into another without brackets around it: it has no such signs."""
    depth = 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        if not depth and character in signs:
            return False
    return True
