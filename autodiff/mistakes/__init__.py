"""The mistakes that people make when they compute a gradient by hand: a table, and the pass that each one bends."""

from autodiff.mistakes.misconception import Misconception
from autodiff.mistakes.sweep import bent_gradients
from autodiff.mistakes.table import MISCONCEPTIONS

__all__ = ["MISCONCEPTIONS", "Misconception", "bent_gradients"]
