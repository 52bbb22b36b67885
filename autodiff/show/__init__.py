"""Reading a graph for people: drawings, steps, derivations, pages."""

from autodiff.show.drawing import Drawing, draw
from autodiff.show.order import OrderReport, order_matters
from autodiff.show.steps import Ledger, Steps, steps

__all__ = ["Drawing", "Ledger", "OrderReport", "Steps", "draw", "order_matters", "steps"]
