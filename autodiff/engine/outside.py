"""What a Value answers to code that was not written for it: the standard library, NumPy, SymPy, dask and others.

Python turns an object into a plain number where `math.exp(x)` asks for one, and the gradient would be lost without a
word: so each such request is refused, with what to do in its place. NumPy asks an object for a method named as its
function is, or for `__array_ufunc__`: so NumPy's functions find the rows of calculus. No such library is imported here.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from autodiff.engine import ops
from autodiff.engine.decisions import decided
from autodiff.support.operands import real

# Functions of NumPy and SciPy that ask an object for no method, or whose operands may be mixed.
UFUNCS: dict[str, Any] = {
    "arctan2": ops.ATAN2,
    "hypot": ops.HYPOT,
    "maximum": ops.MAXIMUM,
    "minimum": ops.MINIMUM,
    "fmax": ops.MAXIMUM,
    "fmin": ops.MINIMUM,
    "sign": ops.SIGN,
    "heaviside": ops.HEAVISIDE,
    "logaddexp": ops.LOGSUMEXP,
    "erf": ops.ERF,
    "erfc": ops.ERFC,
    "expit": ops.SIGMOID,
}


STRANGERS = {  # libraries whose things stand for numbers but hold no Value: how a plain number is had of one
    "ad": "x.x",
    "casadi": "float(x) if it is a DM",
    "jax": "float(x)",
    "jaxlib": "float(x)",
    "mlx": "x.item()",
    "mpmath": "float(x), or float(x.mid) of an interval",
    "symengine": "float(x.subs(...))",
    "sympy": "float(x.subs(...))",
    "tinygrad": "x.item()",
    "torch": "x.item()",
    "uncertainties": "x.nominal_value",
}
MASKED = "a masked array beside a Value"
UNMASK = "take x.compressed() or x.filled(0.0)"


def stranger(*operands: Any) -> Any:
    """Return NotImplemented, so that Python asks the other operand; raise where that is known to end in no Value."""
    for x in operands:
        library = type(x).__module__.partition(".")[0]
        if library in STRANGERS:
            raise TypeError(
                f"a Value does not meet {type(x).__name__} of {library} in one graph: take its number, "
                f"{STRANGERS[library]}, or x.data of the Value for a graph of {library}"
            )
    return NotImplemented


def _refuse(asked: str, cure: str) -> NoReturn:
    raise TypeError(f"{asked} would leave the graph, and no gradient would come back: {cure}")


def _step(asked: str) -> Any:
    def method(self: Any, *others: Any) -> NoReturn:
        _refuse(f"{asked} of a Value", "its derivative is 0 or undefined everywhere; use x.data for the number of x")

    return method


def _comparison(relation: Callable[[Any, Any], bool]) -> Any:
    def method(x: Any, y: Any) -> bool:
        if isinstance(y, Outside):
            decided(x._edition(), x, y)
            return relation(x._data, y._data)
        return _beside_number(relation, x, y)

    method.__code__ = method.__code__.replace()  # as in `autodiff.engine.value._unary`
    return method


def _same(x: Any, y: Any) -> bool:
    return x is y if isinstance(y, Outside) else _beside_number(operator.eq, x, y)


def _beside_number(relation: Callable[[Any, Any], bool], x: Any, y: Any) -> bool:
    decided(x._edition(), x, None, depth=3)
    try:
        if y.__class__ is not float:
            with suppress(OverflowError):
                real(y)
        return bool(relation(x._data, y))  # Python compares a float with an int or a Fraction exactly
    except TypeError:
        return NotImplemented if relation is operator.eq else stranger(y)  # the operators pass it on to Python


class Outside:
    """What a Value inherits to meet other people's code: how it is shown, compared, and never turned into a number."""

    __slots__ = ()

    _data: float
    _grad: Any
    _label: str
    _edition: Callable[[], object]

    def __repr__(self) -> str:
        grad = "" if self._grad is None else f", grad={self._grad!r}"
        return f"Value(data={self._data!r}{grad}{f', label={self._label!r}' if self._label else ''})"

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else repr(self)

    # fmt: off
    __hash__ = object.__hash__
    __eq__ = _same
    __lt__, __le__ = _comparison(operator.lt), _comparison(operator.le)
    __gt__, __ge__ = _comparison(operator.gt), _comparison(operator.ge)
    def __pos__(self) -> Any: return self
    def __abs__(self: Any) -> Any: return self.abs()
    # fmt: on

    def __bool__(self) -> bool:
        decided(self._edition(), self, None)
        return self._data != 0.0

    def __float__(self) -> float:
        _refuse("float(x), and math.exp(x) and the like,", "use autodiff.exp(x) and the like, or x.data for its number")

    def __complex__(self) -> complex:
        _refuse("complex(x)", "derivatives here are of real numbers; use x.data for the number of x")

    # fmt: off
    __int__, __round__, __trunc__ = _step("int(x)"), _step("round(x)"), _step("math.trunc(x)")
    __floor__, __ceil__ = _step("math.floor(x)"), _step("math.ceil(x)")
    __floordiv__ = __rfloordiv__ = _step("x // y")
    __mod__ = __rmod__ = _step("x % y")
    __divmod__ = __rdivmod__ = _step("divmod(x, y)")

    # The names that NumPy asks the objects of an array for.
    def arcsin(self: Any) -> Any: return self.asin()
    def arccos(self: Any) -> Any: return self.acos()
    def arctan(self: Any) -> Any: return self.atan()
    def arcsinh(self: Any) -> Any: return self.asinh()
    def arccosh(self: Any) -> Any: return self.acosh()
    def arctanh(self: Any) -> Any: return self.atanh()
    def arctan2(self: Any, x: Any) -> Any: return self.atan2(x)
    def conjugate(self: Any) -> Any: return self
    def fabs(self: Any) -> Any: return self.abs()
    def exp2(self: Any) -> Any: return 2.0**self
    def deg2rad(self: Any) -> Any: return self * (math.pi / 180.0)
    def rad2deg(self: Any) -> Any: return self * (180.0 / math.pi)
    radians, degrees = deg2rad, rad2deg
    # fmt: on

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Return what a function of NumPy answers for Values, numbers and arrays of them: a Value, or an array."""
        np: Any = sys.modules["numpy"]  # it has just called
        if "out" in options and any([out.dtype != object for out in options["out"]]):
            _refuse("an array of plain numbers that Values are written into", "give it dtype=object")
        operands = []
        for operand in inputs:
            array = operand
            if not isinstance(operand, np.ndarray | np.generic):
                array = np.empty((), dtype=object)  # NumPy then takes the Value as what it holds
                array[()] = operand if isinstance(operand, Outside) else real(operand)
            elif getattr(array, "_mask", None) is not None:
                _refuse(MASKED, UNMASK)
            elif array.dtype != object:
                if array.dtype.kind not in "biuf":
                    raise TypeError(f"expected an array of real numbers beside a Value, got one of {array.dtype}")
                array = np.asarray(array, dtype=float)  # a long double would ask the Value again, without an end
            operands.append(array)
        row = UFUNCS.get(ufunc.__name__)
        if row is not None and method == "__call__" and not options:
            ufunc = np.frompyfunc(row, len(inputs), 1)
        return getattr(ufunc, method)(*operands, **options)

    @property
    def _mask(self) -> NoReturn:  # masked arrays ask for it, and would take `_data` for their own numbers
        _refuse(MASKED, UNMASK)

    def _sympy_(self) -> NoReturn:  # SymPy then lets the Value answer: 2 * x of its numbers is a Value
        raise sys.modules["sympy"].SympifyError(self)

    def _symengine_(self) -> Any:  # SymEngine asks for it before `_sympy_`, and passes on what that would raise
        return NotImplemented

    def __dask_tokenize__(self) -> tuple[str, int]:
        """Return what dask knows a Value by: itself, for two leaves of equal data are two variables."""
        return "autodiff.Value", id(self)
