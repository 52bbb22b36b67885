"""Pictures of functions, gradients and training, drawn with matplotlib (the extra `plots`).

The room knows numbers, gradients and lists of losses, and asks a model only for its outputs and the names of its
parameters. It knows no networks, and imports matplotlib only when something is drawn. Every function answers the
matplotlib Axes; given `ax=`, it draws there and leaves the style alone.
"""

from autodiff.plots.boundary import decision_boundary
from autodiff.plots.maps import activation, contour, gradient_field
from autodiff.plots.style import STYLE
from autodiff.plots.training import gradient_histogram, learning_rates, loss_curve

__all__ = [
    "STYLE",
    "activation",
    "contour",
    "decision_boundary",
    "gradient_field",
    "gradient_histogram",
    "learning_rates",
    "loss_curve",
]
