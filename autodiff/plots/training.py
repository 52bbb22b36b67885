"""Pictures of training: losses step by step, and the gradients of each layer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autodiff.plots.arguments import at_least, described, numbers
from autodiff.plots.style import LINES, drawing, module, told_apart
from autodiff.support.operands import real

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Losses = Any  # a History, or numbers


def loss_curve(losses: Losses | Mapping[str, Losses], *, log: bool = False, ax: Axes | None = None) -> Axes:
    """Return the Axes with the loss at each step, one curve for each name.

    >>> ax = loss_curve({"full batch": [4.0, 2.0, 1.0], "one by one": [4.0, 1.0, 1.5]})
    >>> ax.get_xlabel(), ax.get_ylabel(), [line.get_label() for line in ax.lines]
    ('step', 'loss', ['full batch', 'one by one'])

    Args:
        losses: a `History` of `nn.fit`, or numbers; or a mapping of names to such.
        log: whether the loss has a logarithmic axis.
        ax: where to draw; without one, on a new figure.

    Raises:
        TypeError: if the losses are neither a History nor a list of numbers, nor a mapping to such.
        ValueError: if there is no loss to draw, or none above 0 and finite on a logarithmic axis.
    """
    runs = losses if isinstance(losses, Mapping) else {"": losses}
    curves = {str(name): numbers(run, f"losses of {name!r}" if name else "losses") for name, run in runs.items()}
    if not curves:
        raise ValueError("there is no curve to draw: give at least one list of losses")
    if log and not any(0 < loss < math.inf for curve in curves.values() for loss in curve):
        raise ValueError("no loss is above 0 and finite: there is nothing to draw on a logarithmic axis")
    with drawing(ax) as ax:
        looks = told_apart(LINES, len(curves), len(ax.lines))
        for (name, curve), (colour, line) in zip(curves.items(), looks, strict=True):
            ax.plot(range(len(curve)), curve, color=colour, linestyle=line, label=name or None)
        if log:
            ax.set_yscale("log")
        ticks = ax.xaxis.get_major_locator()
        if isinstance(ticks, module("matplotlib.ticker").MaxNLocator):  # not where the axis is logarithmic
            ticks.set_params(integer=True)
        ax.set_xlabel("step")
        ax.set_ylabel("loss")
        if any(curves):
            ax.legend()
    return ax


def learning_rates(runs: Mapping[float, Losses], *, ax: Axes | None = None) -> Axes:
    """Return the Axes with the losses of runs that differ in their learning rate, the smallest first.

    The axis of the loss is logarithmic and ends at ten times the largest loss at the start, so that a rate that
    diverges leaves the picture instead of flattening the others.

    >>> ax = learning_rates({0.1: [4.0, 2.0, 1.0], 0.01: [4.0, 3.8, 3.6], 3.0: [4.0, 1e3, 1e6]})
    >>> [line.get_label() for line in ax.lines], float(ax.get_ylim()[1])
    (['learning rate 0.01', 'learning rate 0.1', 'learning rate 3'], 40.0)

    Args:
        runs: from each learning rate to its losses: a `History` of `nn.fit`, or numbers.
        ax: where to draw; without one, on a new figure.

    Raises:
        ValueError: if there is no run, or one without losses.
    """
    if not isinstance(runs, Mapping):
        raise TypeError(f"runs must map learning rates to losses, such as {{0.1: history}}, got {type(runs).__name__}")
    curves = {f"learning rate {real(rate):g}": numbers(run, f"losses at {rate!r}") for rate, run in _sorted(runs)}
    ax = loss_curve(curves, log=True, ax=ax)
    start = max([curve[0] for curve in curves.values()])
    if start > 0 and math.isfinite(start):
        ax.set_ylim(top=10 * start)
    return ax


def gradient_histogram(model: Any, *, bins: int = 12, ax: Axes | None = None) -> Axes:
    """Return the Axes with how large the gradients of each layer's parameters are, on a logarithmic axis.

    Gradients that are exactly 0, as behind a dead relu, have no place on that axis: the legend counts them.

    Args:
        model: has `named_parameters()`, as a Module has; parameters belong together up to the first number in their
            names, as in ``layers.0``.
        bins: how many bars the whole range has.
        ax: where to draw; without one, on a new figure.

    Raises:
        TypeError: if the model has no `named_parameters()`.
        ValueError: if no parameter has a gradient yet, or all of them are 0.
    """
    at_least("bins", bins, 1)
    if not hasattr(model, "named_parameters"):
        raise TypeError(f"model must have named_parameters(), as a Module has, got {described(model)}")
    layers: dict[str, list[float]] = {}
    known = False
    for name, parameter in model.named_parameters():
        layers.setdefault(_layer(name), []).append(abs(parameter.grad))
        known = known or parameter._grad is not None
    if not known:
        raise ValueError("no parameter has a gradient yet: call backward() on a loss first")
    sizes = [size for layer in layers.values() for size in layer if 0 < size < math.inf]
    if not sizes:
        raise ValueError("all gradients are 0, inf or nan: there is nothing to draw on a logarithmic axis")
    low, high = math.log10(min(sizes)), math.log10(max(sizes))
    middle, half = (low + high) / 2, max(high - low, 0.1) / 2 * 1.001  # the largest and smallest are inside
    edges = [10 ** (middle - half + 2 * half * i / bins) for i in range(bins + 1)]
    with drawing(ax) as ax:
        for (name, layer), (colour, line) in zip(layers.items(), told_apart(LINES, len(layers)), strict=True):
            zeros = layer.count(0.0)
            label = f"{name}: {len(layer)} parameter{'s' * (len(layer) != 1)}" + (
                f", {zeros} with gradient 0" if zeros else ""
            )
            ax.hist(layer, edges, histtype="step", color=colour, linestyle=line, linewidth=2, label=label)
        ax.set_xscale("log")
        ax.set_xlabel("|gradient|")
        ax.set_ylabel("number of parameters")
        ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0))
    return ax


def _sorted(runs: Mapping[float, Any]) -> list[tuple[float, Any]]:
    return sorted(runs.items(), key=lambda item: real(item[0]))


def _layer(name: str) -> str:
    """Return the part of a parameter's name up to its first number: ``layers.0`` of ``layers.0.neurons.1.bias``."""
    parts = name.split(".")
    first = next((i for i, part in enumerate(parts) if part.isdigit()), 0)
    return ".".join(parts[: first + 1])
