"""What is taken where an argument is left out: the numbers of lessons rest on it, so that a change is a decision."""

import inspect
import math
from dataclasses import dataclass, field

import pytest
from test_arguments import public

NETWORK = {"activation": "relu", "bias": True, "init": "uniform", "seed": None, "expand": False}


@dataclass
class One:
    of: dict = field(default_factory=dict)


EMPTY = inspect.signature(One).parameters["of"].default  # what a signature shows for "a new one each time"
DEFAULTS = {
    "Blame.draw": {"by": "gradient"},
    "EngineReport": {
        **dict.fromkeys(("program", "expression", "place", "took", "error", "output"), ""),
        **dict.fromkeys(("also", "numbers", "remarks", "rubric", "_steps", "_names"), ()),
        **dict.fromkeys(("expected", "found", "missing"), EMPTY),
        **{"fault": None, "size": 0, "tried": 0, "_point": (0.0, 0.0)},
    },
    "Derivation": {"number_format": ".6g"},
    "Ledger": {"number_format": ".6g"},
    "Op": {"domain": "", "static": 0, "piecewise": False, "regroup": tuple},
    "Op.at": {"labels": ()},
    "Op.undefined": {"labels": ()},
    "Replay": {"inputs": (), "verify": False, "backend": "auto"},
    "Replay.fit": {"executor": None},
    "Replay.gradient": {"batch": None, "executor": None},
    "Value": {"_children": "", "_op": "", "label": ""},
    "Value.clip": {"low": -math.inf, "high": math.inf, "out": None},
    "check_engine": {"names": None, "size": 2},
    "check_gradient": {"eps": 1e-5, "tolerance": 1e-5},
    "check_gradients": {"eps": 1e-5, "tolerance": 1e-5, "order": 1, "sample": None, "seed": 0},
    "clip": {"low": -math.inf, "high": math.inf},
    "derive": {"number_format": ".6g"},
    "dot": {"bias": None},
    "draw": {
        **{"view": "graph", "model": None, "fold": "auto", "expand": (), "heat": False, "local_derivatives": False},
        **{"number_format": None, "title": "", "roles": None, "colors": None, "direction": "LR", "engine": "auto"},
    },
    "elu": {"alpha": 1.0},
    "Exercise": {"made": {}},
    "Exercise.save": {"engine": "auto", "feedback": "here", "format": None, "key": False, "paper": "a4"},
    "Question": {
        "rule": "",
        "uses": EMPTY,
        "mistakes": EMPTY,
        "choices": (),
        "accepted": (),
        "digits": 3,
        "hints": (),
        "key": ("", 0, 0),
    },
    "exercise": {"about": None, "rate": None, "weights": None},
    "heaviside": {"at_zero": 0.0},
    "leaky_relu": {"slope": 0.01},
    "nn.Adam": {"lr": 0.001, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0},
    "nn.AdamW": {"lr": 0.001, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.01},
    "nn.EarlyStopping": {"min_delta": 0.0},
    "nn.History": {"metrics": ()},
    "nn.Layer": {**NETWORK, "nonlin": True},
    "nn.MLP": {**NETWORK, "output": "identity"},
    "nn.Neuron": {**NETWORK, "n_out": 1, "nonlin": True},
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
        **{"metrics": None, "callbacks": (), "progress": True, "replay": False, "executor": None},
    },
    "nn.schedules.cosine": {"end": 0.0},
    "Steps": {"engine": "auto", "fold": "auto", "number_format": ".6g", "beside": None},
    "training_steps": {"steps": 5, "engine": "auto", "number_format": ".6g"},
    "TrainingSteps": {"engine": "auto", "number_format": ".6g"},
    "steps": {"engine": "auto", "fold": "auto", "model": None, "number_format": ".6g", "misconception": None},
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
