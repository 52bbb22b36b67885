"""What is taken where an argument is left out: the numbers of lessons rest on it, so that a change is a decision."""

import inspect
import math

import pytest
from test_arguments import public

NETWORK = {"activation": "relu", "bias": True, "init": "uniform", "seed": None, "expand": False}
PICTURE = {"direction": "LR", "engine": "auto"}
DEFAULTS = {
    "Blame.draw": {"by": "gradient", **PICTURE},
    "Op": {"domain": "", "parameters": 0, "piecewise": False, "overflows": False},
    "Op.at": {"labels": ()},
    "Op.undefined": {"labels": ()},
    "Replay": {"inputs": (), "verify": False},
    "Replay.gradient": {"batch": None},
    "Value": {"label": ""},
    "check_gradients": {"eps": 1e-5, "tolerance": 1e-5, "order": 1, "sample": None, "seed": 0},
    "clip": {"low": -math.inf, "high": math.inf},
    "dot": {"bias": None},
    "draw": {
        **{"model": None, "fold": "auto", "expand": (), "heat": False, "local_derivatives": False},
        **{"number_format": ".6g", **PICTURE},
    },
    "elu": {"alpha": 1.0},
    "heaviside": {"at_zero": 0.0},
    "leaky_relu": {"slope": 0.01},
    "nn.Adam": {"lr": 0.001, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0},
    "nn.AdamW": {"lr": 0.001, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.01},
    "nn.EarlyStopping": {"min_delta": 0.0},
    "nn.History": {"metrics": ()},
    "nn.Layer": NETWORK,
    "nn.MLP": {**NETWORK, "output": "identity"},
    "nn.Neuron": {**NETWORK, "n_out": 1},
    "nn.Optimizer": {"weight_decay": 0.0},
    "nn.RMSprop": {"lr": 0.01, "alpha": 0.99, "eps": 1e-8, "momentum": 0.0, "weight_decay": 0.0},
    "nn.SGD": {"lr": 0.01, "momentum": 0.0, "nesterov": False, "weight_decay": 0.0},
    "nn.data.batches": {"batch_size": None, "shuffle": True, "seed": 0},
    "nn.data.circles": {"n": 100, "factor": 0.5, "noise": 0.05, "seed": 0, "classes": (0, 1)},
    "nn.data.line": {"n": 20, "slope": 2.0, "intercept": 1.0, "noise": 0.0, "seed": 0},
    "nn.data.moons": {"n": 100, "noise": 0.1, "seed": 0, "classes": (0, 1)},
    "nn.data.spiral": {"n": 100, "turns": 1.0, "noise": 0.02, "seed": 0, "classes": (0, 1)},
    "nn.data.xor": {"classes": (0, 1)},
    "nn.fit": {
        **{"epochs": 100, "batch_size": None, "shuffle": True, "seed": 0, "penalty": None, "max_norm": None},
        **{"metrics": None, "callbacks": (), "progress": True, "replay": False},
    },
    "nn.schedules.cosine": {"end": 0.0},
    "steps": {"engine": "auto"},
}
CALLABLE = {name: thing for name, thing in public().items() if callable(thing)}


@pytest.mark.parametrize("name", sorted(CALLABLE))
def test_an_argument_that_is_left_out_is_what_the_table_says(name):
    try:
        parameters = inspect.signature(CALLABLE[name]).parameters.values()
    except ValueError:  # an error, whose constructor is Python's own
        return
    assert {p.name: p.default for p in parameters if p.default is not p.empty} == DEFAULTS.get(name, {})


def test_the_table_speaks_of_what_is_public():
    assert set(DEFAULTS) <= set(CALLABLE)
