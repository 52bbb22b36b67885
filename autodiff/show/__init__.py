"""Reading a graph for people: drawings, steps, derivations, pages."""

from autodiff.show.derivation import Derivation
from autodiff.show.derive import derive
from autodiff.show.drawing import Drawing, draw
from autodiff.show.order import OrderReport, order_matters
from autodiff.show.steps import Ledger, Steps, steps

__all__ = ["Derivation", "Drawing", "Ledger", "OrderReport", "Steps", "derive", "draw", "order_matters", "steps"]
