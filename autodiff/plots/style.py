"""How pictures look, and where they are drawn: the one file that knows matplotlib's modules.

Colours are those of Okabe and Ito that have contrast on white and on black, each with a line or marker of its own, and
the map cividis, which reads the same with any colour vision.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

BLUE, VERMILLION, GREEN, PURPLE = COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
INK = "#7d7d7d"  # about as far from white as from black
LINES, MARKERS = ("-", "--", "-.", ":"), ("o", "s", "^", "D")
STYLE: dict[str, Any] = {
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.labelcolor": INK,
    "axes.prop_cycle": f"cycler('color', {COLOURS * 2}) + cycler('linestyle', {LINES + LINES[::-1]})",  # as told_apart
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": "medium",
    "figure.constrained_layout.use": True,
    "figure.dpi": 120,
    "figure.facecolor": "none",
    "figure.figsize": (6.0, 3.75),
    "grid.alpha": 0.25,
    "grid.color": INK,
    "image.cmap": "cividis",
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "svg.hashsalt": "autodiff",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
"""What makes a picture read on light and dark pages: ``plt.rcParams.update(plots.STYLE)`` for pictures of your own."""


@contextmanager
def drawing(ax: Any) -> Iterator[Any]:
    """Give the Axes to draw on: those of the caller as they are, or new ones in our style."""
    pyplot = module("matplotlib.pyplot")
    if ax is None:
        pyplot.draw_if_interactive()  # loads the backend: what it sets then, in notebooks, must outlive the context
        with pyplot.rc_context(STYLE):
            yield pyplot.subplots()[1]
    elif hasattr(ax, "contourf"):
        yield ax
    else:
        raise TypeError(f"ax must be the Axes of a matplotlib figure, got {type(ax).__name__}: {ax!r}")


def module(name: str) -> Any:
    """Return a module of matplotlib, or raise with what to install."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"pictures are drawn with matplotlib, and {error.name} is not installed: "
            "pip install 'autodiff-scalar[plots]'"
        ) from error


def frame(ax: Any, limits: Sequence[tuple[float, float]], names: tuple[str, str]) -> None:
    """Set where the two axes begin and end, and their names."""
    (xlim, ylim), (x, y) = limits, names
    ax.set(xlim=xlim, ylim=ylim, xlabel=x, ylabel=y)


def told_apart(marks: tuple[str, ...], n: int, start: int = 0) -> list[tuple[str, str]]:
    """Return n pairs of a colour and a mark, from pair `start` on; of eight in a row, no two are the same."""
    both = marks + marks[::-1]
    return [(COLOURS[i % len(COLOURS)], both[i % len(both)]) for i in range(start, start + n)]
