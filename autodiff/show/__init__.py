"""Reading a graph for people: drawings, steps, derivations, pages, and who is to blame for the error."""

from autodiff.show.picture.blame import Blame, Share, blame
from autodiff.show.picture.drawing import Drawing, draw
from autodiff.show.stepper.steps import Steps, steps
from autodiff.show.stepper.training import TrainingSteps, training_steps
from autodiff.show.story.derivation import Derivation
from autodiff.show.story.derive import derive
from autodiff.show.story.order import OrderReport, order_matters
from autodiff.show.story.records import Ledger

__all__ = [
    "Blame",
    "Derivation",
    "Drawing",
    "Ledger",
    "OrderReport",
    "Share",
    "Steps",
    "TrainingSteps",
    "blame",
    "derive",
    "draw",
    "order_matters",
    "steps",
    "training_steps",
]
