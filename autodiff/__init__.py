"""A scalar reverse-mode automatic differentiation engine for people who learn and teach how gradients work."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from autodiff import nn
from autodiff.anomaly import AnomalyError, anomaly_detection
from autodiff.check import GradientCheck, check_gradients
from autodiff.functions import (
    abs,
    acos,
    asin,
    atan,
    atan2,
    clip,
    cos,
    cosh,
    elu,
    erf,
    erfc,
    exp,
    expm1,
    gelu,
    heaviside,
    hypot,
    leaky_relu,
    log,
    log1p,
    maximum,
    minimum,
    relu,
    sigmoid,
    sign,
    silu,
    sin,
    sinh,
    softplus,
    sqrt,
    tan,
    tanh,
)
from autodiff.gradient import grad
from autodiff.ops import DomainError, Op
from autodiff.reductions import dot, logsumexp, max, mean, prod, softmax, sum
from autodiff.value import Value

if TYPE_CHECKING:  # what shows and replays graphs is imported when it is first used
    from autodiff import plots
    from autodiff.replay import Replay, ReplayError
    from autodiff.show.blame import Blame, blame
    from autodiff.show.derivation import Derivation
    from autodiff.show.derive import derive
    from autodiff.show.drawing import Drawing, draw
    from autodiff.show.order import OrderReport, order_matters
    from autodiff.show.records import Ledger
    from autodiff.show.steps import Steps, steps

__version__ = "0.1.0"

__all__ = [
    "AnomalyError",
    "Blame",
    "Derivation",
    "DomainError",
    "Drawing",
    "GradientCheck",
    "Ledger",
    "Op",
    "OrderReport",
    "Replay",
    "ReplayError",
    "Steps",
    "Value",
    "abs",
    "acos",
    "anomaly_detection",
    "asin",
    "atan",
    "atan2",
    "blame",
    "check_gradients",
    "clip",
    "cos",
    "cosh",
    "derive",
    "dot",
    "draw",
    "elu",
    "erf",
    "erfc",
    "exp",
    "expm1",
    "gelu",
    "grad",
    "heaviside",
    "hypot",
    "leaky_relu",
    "log",
    "log1p",
    "logsumexp",
    "max",
    "maximum",
    "mean",
    "minimum",
    "nn",
    "order_matters",
    "plots",
    "prod",
    "relu",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "sinh",
    "softmax",
    "softplus",
    "sqrt",
    "steps",
    "sum",
    "tan",
    "tanh",
]

_REPLAY = {"Replay", "ReplayError"}
_SHOW = {
    *("Blame", "Derivation", "Drawing", "Ledger", "OrderReport", "Steps"),
    *("blame", "derive", "draw", "order_matters", "steps"),
}


def __getattr__(name: str) -> Any:
    if name == "plots":
        return import_module("autodiff.plots")
    if name in _REPLAY or name in _SHOW:
        return getattr(import_module("autodiff.replay" if name in _REPLAY else "autodiff.show"), name)
    raise AttributeError(f"module 'autodiff' has no attribute {name!r}")
