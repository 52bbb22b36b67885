"""A row of one's own is tried when it is made: whether its rule answers for numbers, and for what is none.

What has to be decided later, whether its derivatives are right, `autodiff.check_gradients` says.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from autodiff.support.operands import flat, real

STARTS = (0.7, 2.5, -0.7, 40.0)  # where the first operand stands, until a row has a value there
WIDTHS = (4, 3, 2, 1)  # how many operands a row is tried with that takes any number


def _refused(what: str, cure: str) -> Callable[..., NoReturn]:
    def method(*_: Any) -> NoReturn:
        raise TypeError(f"it {what}: {cure}")

    return method


class StandIn:
    """Stands for an operand that is no number: it can do what a Value and a symbol both can, and nothing else."""

    def apply(self, *_: Any) -> StandIn:
        """Return what a row answers: another one."""
        return StandIn()

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = apply
    __pow__ = __rpow__ = __neg__ = __pos__ = __abs__ = apply
    __float__ = __complex__ = _refused(
        "turns an operand into a plain number, as math.exp(x) does", "use autodiff.exp(x) and the like, which take both"
    )
    __array_ufunc__ = _refused("uses a function of NumPy, which takes no symbols", "use autodiff.exp(x) and the like")
    __bool__ = __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _refused(
        "decides by the number of an operand (if, and, or, not, <, >, ==, max)",
        "use autodiff.where, maximum, heaviside, sign or clip",
    )
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __divmod__ = __rdivmod__ = __round__ = __int__ = _refused(
        "uses //, %, divmod, round or int", "they have no derivatives; on whole numbers compute before the rule"
    )
    __trunc__ = __floor__ = __ceil__ = __index__ = __int__
    __hash__ = object.__hash__


def answering(op: Any) -> Callable[..., float]:
    """Return the value of a new row, whose answers are floats: a complex one, as (-2.0)**1.5 is, means none."""
    value = op.value

    def number(*operands: Any) -> float:
        out = value(*operands)
        if isinstance(out, complex):
            raise ValueError
        return real(out)

    return number


def tried(op: Any) -> Callable[..., Sequence[Any]]:
    """Return the rule of a new row; one that takes numbers alone is returned so that it says so where more is asked.

    Raises:
        TypeError: if the row's value or its rule does not answer numbers.
        ValueError: if the rule does not answer one derivative for each operand, or the formula names no such operand.
    """
    try:
        str(op)
    except (LookupError, ValueError):
        names = ", ".join([f"{{{name}}}" for name in (*op.operand_names, "xs")])
        raise ValueError(f"the formula {op.formula!r} must name operands as the rule does: {names}") from None
    static = [2.0 + i for i in range(op.static)]
    widths = WIDTHS if op.arity is None else (op.arity,)
    width = next((n for n in widths if _with_numbers(op, n, static)), widths[0])
    reason = _with_stand_ins(op, width, static)
    local: Callable[..., Sequence[Any]] = op.local
    if not reason:
        return local
    told = f"the rule of {op!r} takes plain numbers alone: {reason}"
    warnings.warn(f"{told}. Until then only backward() can use it: no second derivatives, no formulas", stacklevel=3)

    def numbers_alone(*operands: Any) -> Sequence[Any]:
        if any([hasattr(type(x), "apply") for x in flat(operands)]):
            raise TypeError(told)
        return local(*operands)

    return numbers_alone


def _with_numbers(op: Any, width: int, static: list[float]) -> bool:
    """Return whether the row has a value somewhere, and raise if its rule is wrong there."""
    for start in STARTS:
        numbers = op.grouped([start + 0.2 * i for i in range(width)], static)
        asked = "value"
        try:
            out = real(op.value(*numbers))
            asked = "rule"
            slopes = op.local(out, *numbers)
        except (ArithmeticError, ValueError):
            continue  # outside of its domain
        except Exception as error:  # of the person's own functions: whatever they raise is told
            if op.arity is None and asked == "value":
                return False  # it may take another number of operands
            raise TypeError(f"the {asked} of {op!r} does not answer for the numbers {numbers}: {error}") from error
        if not isinstance(slopes, Sequence):
            raise TypeError(f"the rule of {op!r} must answer a tuple, one derivative an operand, such as (2 * x,)")
        if len(slopes) != width:
            raise ValueError(f"the rule of {op!r} gives {len(slopes)} derivatives for {width} operands")
        for slope in slopes:
            real(slope)
        return True
    return False


def _with_stand_ins(op: Any, width: int, static: list[float]) -> str:
    """Return why the rule cannot be read with Values and symbols; nothing if it can."""
    try:
        op.local(StandIn(), *op.grouped([StandIn() for _ in range(width)], static))
    except (TypeError, AttributeError) as error:
        return str(error)
    except Exception:  # what else may go wrong depends on the numbers
        return ""
    return ""
