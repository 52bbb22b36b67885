"""What is public of a kind, so that a table of tests can say what it lacks."""

import inspect

from autodiff import nn, plots
from autodiff.nn import schedules


def optimizers():
    """The names of the optimizers in `nn`."""
    kinds = {name: getattr(nn, name) for name in nn.__all__}
    return {name for name, kind in kinds.items() if inspect.isclass(kind) and issubclass(kind, nn.Optimizer)} - {
        "Optimizer"
    }


def schedules_of_rates():
    """The names of the functions that answer a schedule."""
    return {
        name for name, f in vars(schedules).items() if inspect.isfunction(f) and f.__module__ == schedules.__name__
    } - {name for name in vars(schedules) if name.startswith("_")}


def pictures():
    """The names of the functions in `plots`."""
    return {name for name in plots.__all__ if inspect.isfunction(getattr(plots, name))}
