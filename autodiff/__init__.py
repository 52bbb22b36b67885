"""A scalar reverse-mode automatic differentiation engine for people who learn and teach how gradients work."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from autodiff import micrograd as micrograd, nn as nn
from autodiff.checks.anomaly import AnomalyError as AnomalyError, anomaly_detection as anomaly_detection
from autodiff.checks.gradients import check_gradients as check_gradients
from autodiff.checks.report import GradientCheck as GradientCheck
from autodiff.engine.functions import (
    abs as abs,
    acos as acos,
    acosh as acosh,
    asin as asin,
    asinh as asinh,
    atan as atan,
    atan2 as atan2,
    atanh as atanh,
    cbrt as cbrt,
    clip as clip,
    cos as cos,
    cosh as cosh,
    detach as detach,
    elu as elu,
    erf as erf,
    erfc as erfc,
    exp as exp,
    expm1 as expm1,
    gelu as gelu,
    heaviside as heaviside,
    hypot as hypot,
    leaky_relu as leaky_relu,
    log as log,
    log1p as log1p,
    log2 as log2,
    log10 as log10,
    maximum as maximum,
    minimum as minimum,
    relu as relu,
    sigmoid as sigmoid,
    sign as sign,
    silu as silu,
    sin as sin,
    sinh as sinh,
    softplus as softplus,
    sqrt as sqrt,
    stop_gradient as stop_gradient,
    tan as tan,
    tanh as tanh,
    where as where,
)
from autodiff.engine.gradient import grad as grad, hessian as hessian, jacobian as jacobian
from autodiff.engine.ops import DomainError as DomainError, Op as Op
from autodiff.engine.reductions import (
    dot as dot,
    log_softmax as log_softmax,
    logsumexp as logsumexp,
    max as max,
    mean as mean,
    min as min,
    prod as prod,
    softmax as softmax,
    sum as sum,
)
from autodiff.engine.value import Value as Value
from autodiff.support.collector import large_graph as large_graph

if TYPE_CHECKING:  # what shows and replays graphs is imported when it is first used
    from autodiff import exercises as exercises, plots as plots
    from autodiff.exercises.exercise import Exercise as Exercise, exercise as exercise
    from autodiff.exercises.feedback import Feedback as Feedback
    from autodiff.exercises.question import Question as Question
    from autodiff.formulas.conventions import conventions as conventions
    from autodiff.grading.by_hand import GradientReport as GradientReport, check_gradient as check_gradient
    from autodiff.grading.check import check_engine as check_engine
    from autodiff.grading.report import EngineReport as EngineReport
    from autodiff.replay import Replay as Replay, ReplayError as ReplayError, ReplayWarning as ReplayWarning
    from autodiff.show.picture.blame import Blame as Blame, blame as blame
    from autodiff.show.picture.drawing import Drawing as Drawing, draw as draw
    from autodiff.show.stepper.steps import Steps as Steps, steps as steps
    from autodiff.show.stepper.training import TrainingSteps as TrainingSteps, training_steps as training_steps
    from autodiff.show.story.derivation import Derivation as Derivation
    from autodiff.show.story.derive import derive as derive
    from autodiff.show.story.order import OrderReport as OrderReport, order_matters as order_matters
    from autodiff.show.story.records import Ledger as Ledger

__version__ = "0.1.0"

_LAZY = {  # where the names are that `TYPE_CHECKING` imports above: of what is imported when it is first used
    **dict.fromkeys(("Exercise", "Feedback", "Question", "exercise"), "autodiff.exercises"),
    "conventions": "autodiff.formulas.conventions",
    **dict.fromkeys(("GradientReport", "check_gradient"), "autodiff.grading.by_hand"),
    **{"EngineReport": "autodiff.grading.report", "check_engine": "autodiff.grading.check"},
    **dict.fromkeys(("Replay", "ReplayError", "ReplayWarning"), "autodiff.replay"),
    **dict.fromkeys(
        ("Blame", "Derivation", "Drawing", "Ledger", "OrderReport", "Steps", "TrainingSteps"), "autodiff.show"
    ),
    **dict.fromkeys(("blame", "derive", "draw", "order_matters", "steps", "training_steps"), "autodiff.show"),
}

__all__ = sorted(
    [name for name, thing in globals().items() if getattr(thing, "__module__", "").startswith("autodiff.")]
    + ["exercises", "nn", "plots", *_LAZY]
)


def __getattr__(name: str) -> Any:
    if name in ("exercises", "plots"):
        return import_module(f"autodiff.{name}")
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'autodiff' has no attribute {name!r}")
