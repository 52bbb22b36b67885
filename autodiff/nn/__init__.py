"""Networks on Values: modules, losses, optimizers, data and the training loop."""

from autodiff.nn import data, schedules
from autodiff.nn.descent import DivergenceError
from autodiff.nn.history import EarlyStopping, History
from autodiff.nn.layers import ACTIVATIONS, INITIALISERS, MLP, Layer, Neuron
from autodiff.nn.losses import (
    LOSSES,
    absolute_error,
    binary_cross_entropy,
    cross_entropy,
    hinge,
    l1,
    l2,
    mse,
    squared_error,
)
from autodiff.nn.module import Module
from autodiff.nn.optim import (
    SGD,
    Adam,
    AdamW,
    Optimizer,
    RMSprop,
    clip_gradient_norm,
    clip_gradient_value,
    gradient_norm,
)
from autodiff.nn.training import fit

__all__ = [
    "ACTIVATIONS",
    "INITIALISERS",
    "LOSSES",
    "MLP",
    "SGD",
    "Adam",
    "AdamW",
    "DivergenceError",
    "EarlyStopping",
    "History",
    "Layer",
    "Module",
    "Neuron",
    "Optimizer",
    "RMSprop",
    "absolute_error",
    "binary_cross_entropy",
    "clip_gradient_norm",
    "clip_gradient_value",
    "cross_entropy",
    "data",
    "fit",
    "gradient_norm",
    "hinge",
    "l1",
    "l2",
    "mse",
    "schedules",
    "squared_error",
]
