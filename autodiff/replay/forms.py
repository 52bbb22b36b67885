"""How each row of the calculus is written in Python: on floats, and on NumPy arrays.

On floats a row is written as a call of its own function, unless `FLOATS` has a shorter form: Python's operators, the
functions of `math`. On arrays it is a line of `ARRAYS`. Where all is finite, both answer what the row answers; where
something is not, or Python raises, the eager engine is asked in their place (see `autodiff.replay.eager`). So the forms
need not repeat what the rows decide at their edges: they must only not hide them.
"""

from __future__ import annotations

import math
from typing import Any

from autodiff import ops
from autodiff.ops import Op

# fmt: off
# `{x}` and `{y}` are the operands, `{0}` and `{1}` the row's parameters.
FLOATS = {
    ops.ADD: "{x} + {y}", ops.SUB: "{x} - {y}", ops.MUL: "{x} * {y}", ops.DIV: "{x} / {y}", ops.NEG: "-{x}",
    ops.RATIO: "{x} / {y}", ops.IDENTITY: "{x}", ops.HOLD: "{x}",
    ops.POW: "pow({x}, {y})", ops.POWER: "pow({x}, {0})", ops.POW0: "pow({x}, {y})", ops.POWER0: "pow({x}, {0})",
    ops.MASK: "({x} * {y} if {y} else 0.0)", ops.LOG0: "log({x})",
    ops.RELU: "(0.0 if {x} <= 0 else {x})", ops.LEAKY_RELU: "({0} * {x} if {x} <= 0 else {x})",
    ops.ABS: "abs({x})", ops.SECH: "sech({x})",
}

ARRAYS = {
    ops.ADD: "{x} + {y}", ops.SUB: "{x} - {y}", ops.MUL: "{x} * {y}", ops.DIV: "{x} / {y}", ops.NEG: "-{x}",
    ops.POW: "np.power({x}, {y})", ops.POWER: "np.power({x}, {0})",
    ops.POW0: "np.power({x}, {y})", ops.POWER0: "np.power({x}, {0})",
    ops.EXP: "np.exp({x})", ops.EXPM1: "np.expm1({x})",
    ops.LOG: "np.log({x})", ops.LOG1P: "np.log1p({x})", ops.LOG0: "np.log({x})", ops.SQRT: "np.sqrt({x})",
    ops.SIN: "np.sin({x})", ops.COS: "np.cos({x})", ops.TAN: "np.tan({x})",
    ops.ASIN: "np.arcsin({x})", ops.ACOS: "np.arccos({x})", ops.ATAN: "np.arctan({x})",
    ops.ATAN2: "arrays.arctan2({x}, {y})", ops.HYPOT: "np.hypot({x}, {y})",
    ops.SINH: "np.sinh({x})", ops.COSH: "np.cosh({x})", ops.TANH: "np.tanh({x})", ops.SECH: "1.0 / np.cosh({x})",
    ops.SIGMOID: "arrays.sigmoid({x})", ops.SOFTPLUS: "np.logaddexp({x}, 0.0)",
    ops.SILU: "{x} * arrays.sigmoid({x})", ops.GELU: "arrays.gelu({x})",
    ops.ERF: "arrays.erf({x})", ops.ERFC: "arrays.erfc({x})",
    ops.ABS: "np.abs({x})", ops.SIGN: "np.sign({x})",
    ops.HEAVISIDE: "np.heaviside({x}, {0})", ops.STEP: "arrays.step({x}, {y}, {0})",
    ops.RELU: "np.maximum({x}, 0.0)", ops.LEAKY_RELU: "np.where({x} > 0, {x}, {0} * {x})",
    ops.ELU: "arrays.elu({x}, {0})",
    ops.MAXIMUM: "np.maximum({x}, {y})", ops.MINIMUM: "np.minimum({x}, {y})", ops.CLIP: "np.clip({x}, {0}, {1})",
    ops.SUM: "{x}.sum(axis=0)", ops.MAX: "{x}.max(axis=0)",
    ops.LOGSUMEXP: "{top} + arrays.log_total({powers}, {total})",
    ops.IDENTITY: "{x}", ops.HOLD: "{x}", ops.RATIO: "{x} / {y}", ops.MASK: "{x} * {y}",
}

SIGNED = {  # where it matters which of 0.0 and -0.0 is answered: NumPy's own choose either
    ops.MAXIMUM: "arrays.maximum({x}, {y})", ops.MINIMUM: "-arrays.maximum(-{x}, -{y})",
    ops.CLIP: "np.where({x} < {0}, {0}, np.where({x} > {1}, {1}, {x}))",
    ops.MAX: "arrays.first_max({x})", ops.MASK: "np.where({y}, {x} * {y}, 0.0)",
}
# fmt: on

REPLACED = (ops.MEAN, ops.PROD, ops.DOT)  # on arrays they are sums, products and matrix products

TRUTHS = {  # steps in the reverse sweep that are only factors: let pass or not; what they are at nan never matters
    (ops.HEAVISIDE, 0.0): "({x} > 0)",
    (ops.HEAVISIDE, 1.0): "({x} >= 0)",
    (ops.STEP, 1.0): "({x} >= {y})",
}


def _sech(x: float) -> float:
    e = math.exp(-abs(x))
    return 2.0 * e / (1.0 + e * e)


TABLE = frozenset([row for row in vars(ops).values() if isinstance(row, Op)])  # all others people have made


def name_of(op: Op) -> str:
    """Return the name under which a row's own function is called."""
    return {ops.POW: "pow", ops.DOT: "dot"}.get(op, op.name)


def float_functions() -> dict[str, Any]:
    """Return what the forms on floats call, by name."""
    rows = [row for row in TABLE if row.name.isidentifier()]
    names = {name_of(row): row.value for row in rows}
    direct = {name: getattr(math, name) for name in ("exp", "log", "tanh", "pow")}  # overflow raises: the rows decide
    return {**names, **direct, "abs": abs, "sech": _sech, "inf": math.inf, "nan": math.nan, "sum": sum}


def truth(op: Any, settings: tuple[Any, ...]) -> str | None:
    """Return the form of a step as a truth value, for the reverse sweep, or None for all else."""
    return TRUTHS.get((op, settings[0])) if settings else None


def float_form(op: Op, settings: tuple[Any, ...], step: bool) -> str | None:
    """Return the form on floats of a row with these parameters, or None for a call of its own function."""
    if op in (ops.POWER, ops.POWER0) and settings[0] == 2:
        return "{x} * {x}"
    return (step and truth(op, settings)) or FLOATS.get(op)


def array_form(op: Op, settings: tuple[Any, ...], *, step: bool, watched: bool, signed: bool) -> str:
    """Return the form on arrays of a row with these parameters; what is watched says so if it is not finite.

    What is signed answers the -0.0 and 0.0 that the row does.
    """
    form = (signed and SIGNED.get(op)) or ARRAYS[op]
    if op in (ops.POWER, ops.POWER0) and settings[0] >= 0 and settings[0] == int(settings[0]):
        return "{x} * {x}" if settings[0] == 2 else form  # whole powers have no domain
    if step:
        return truth(op, settings) or form
    return f"defined({form})" if watched and op is not ops.CLIP else form
