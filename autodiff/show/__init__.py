"""Reading a graph for people: drawings, steps, derivations, pages, and who is to blame for the error."""

from autodiff.show.blame import Blame, Share, blame
from autodiff.show.derivation import Derivation
from autodiff.show.derive import derive
from autodiff.show.drawing import Drawing, draw
from autodiff.show.order import OrderReport, order_matters
from autodiff.show.records import Ledger
from autodiff.show.steps import Steps, steps

__all__ = [
    "Blame",
    "Derivation",
    "Drawing",
    "Ledger",
    "OrderReport",
    "Share",
    "Steps",
    "blame",
    "derive",
    "draw",
    "order_matters",
    "steps",
]
