"""Pictures of functions: of one number with its derivative, of two as a map or as a field of gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from autodiff.engine.value import Value
from autodiff.plots.arguments import Interval, at_least, called, evenly, heights, number, output, two_names
from autodiff.plots.style import BLUE, VERMILLION, drawing, frame, module

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def activation(
    function: Callable[[Value], Value], xlim: Interval = (-5.0, 5.0), *, n: int = 401, ax: Axes | None = None
) -> Axes:
    """Return the Axes with a function f(z) of one number and its derivative f'(z), as `backward()` gives it.

    >>> ax = activation(Value.tanh, n=5)
    >>> [line.get_label() for line in ax.lines], ax.lines[1].get_ydata().tolist()[2]
    (['tanh(z)', "tanh'(z)"], 1.0)

    Args:
        function: takes a Value and answers a Value, as `autodiff.tanh` does.
        xlim: the smallest and the largest z.
        n: at how many places it is computed.
        ax: where to draw; without one, on a new figure.

    Raises:
        TypeError: if the function cannot be called or does not answer a Value.
        ValueError: if the interval is empty or `n` is below 2.
    """
    called("function", function, "function(z)")
    zs = [Value(z) for z in evenly("xlim", xlim, n)]
    outputs = [output(function, z) for z in zs]
    for y in outputs:
        y.backward()
    name = getattr(function, "__name__", "f").strip("_")
    name = name if name.isidentifier() else "f"
    with drawing(ax) as ax:
        places = [z.data for z in zs]
        ax.plot(places, [y.data for y in outputs], color=BLUE, linestyle="-", label=f"{name}(z)")
        ax.plot(places, [z.grad for z in zs], color=VERMILLION, linestyle="--", label=f"{name}'(z)")
        ax.set_xlabel("z")
        ax.set_ylabel("f(z), f'(z)")
        ax.legend()
    return ax


def contour(
    function: Callable[[float, float], Any],
    xlim: Interval,
    ylim: Interval,
    *,
    path: Sequence[tuple[float, float]] = (),
    names: tuple[str, str] = ("x", "y"),
    label: str = "f(x, y)",
    levels: int | Sequence[float] = 12,
    n: int = 80,
    ax: Axes | None = None,
) -> Axes:
    """Return the Axes with a map of a function of two numbers, and the path of a walk on it.

    >>> ax = contour(lambda x, y: x * x + y * y, (-2, 2), (-2, 2), path=[(1.5, 1.0), (0.75, 0.5), (0.0, 0.0)])
    >>> ax.lines[0].get_xdata().tolist()
    [1.5, 0.75, 0.0]

    Args:
        function: takes two numbers and answers a number or a Value.
        xlim: the smallest and the largest x.
        ylim: the smallest and the largest y.
        path: the points of the walk, in order.
        names: what the two numbers are called.
        label: what the function is called, on the scale of colours.
        levels: about how many, or the heights themselves, coloured evenly.
        n: at how many places along each axis the function is computed.
        ax: where to draw; without one, on a new figure.

    Raises:
        TypeError: if the function cannot be called.
        ValueError: if an interval is empty, `n` is below 2, the levels do not rise, there are not two names, or the
            function is finite nowhere.
    """
    called("function", function, "function(x, y)")
    two_names(names)
    levels = heights(levels)
    xs, ys = evenly("xlim", xlim, n), evenly("ylim", ylim, n)
    walk = [_point(point) for point in path]
    surface = [[number(function(x, y)) for x in xs] for y in ys]
    finite = [height for row in surface for height in row if math.isfinite(height)]
    if not finite:
        raise ValueError("the function is inf or nan at every place: there is no map to draw")
    with drawing(ax) as ax:
        if isinstance(levels, int):
            norm, extend = None, "neither"
        else:
            extend = _beyond(min(finite) < levels[0], max(finite) > levels[-1])
            norm = module("matplotlib.colors").BoundaryNorm(levels, 256, extend=extend)
        filled = ax.contourf(xs, ys, surface, levels=levels, norm=norm, extend=extend, cmap="cividis")
        ax.contour(filled, colors="white", linewidths=0.4, alpha=0.6)
        ax.figure.colorbar(filled, ax=ax, label=label, format="%g")
        frame(ax, (xlim, ylim), names)
        if walk:
            _draw_walk(ax, walk)
        ax.grid(visible=False)
    return ax


def gradient_field(
    function: Callable[[Value, Value], Value],
    xlim: Interval,
    ylim: Interval,
    *,
    descent: bool = False,
    names: tuple[str, str] = ("x", "y"),
    n: int = 9,
    ax: Axes | None = None,
) -> Axes:
    """Return the Axes with the gradient of a function of two numbers as arrows, each as long as the gradient there.

    The gradient is that of `backward()`, where the arrow begins. The longest arrow is as long as two arrows are apart,
    and all stand so far inside the frame that none leaves it; the title says what length the longest stands for. Where
    the gradient is inf or nan there is no arrow.

    >>> ax = gradient_field(lambda x, y: x * x + 3 * y, (-1, 1), (-1, 1), n=3)
    >>> arrows = ax.collections[0]
    >>> arrows.U.tolist()[:3], arrows.V.tolist()[:3]
    ([-1.0, 0.0, 1.0], [3.0, 3.0, 3.0])

    Args:
        function: takes two Values and answers a Value.
        xlim: the smallest and the largest x of the frame.
        ylim: the smallest and the largest y of the frame.
        descent: whether to draw the opposite direction, in which the function falls.
        names: what the two numbers are called.
        n: how many arrows there are along each axis.
        ax: where to draw; without one, on a new figure.

    Raises:
        TypeError: if the function cannot be called or does not answer a Value.
        ValueError: if an interval is empty, `n` is below 2, there are not two names, or the gradient is finite nowhere.
    """
    called("function", function, "function(x, y)")
    two_names(names)
    at_least("n", n, 2)
    xs, ys = evenly("xlim", xlim, n + 2)[1:-1], evenly("ylim", ylim, n + 2)[1:-1]
    points = [(x, y) for y in ys for x in xs]
    sign = -1.0 if descent else 1.0
    found = [(point, [sign * slope + 0.0 for slope in _gradient(function, point)]) for point in points]
    finite = [pair for pair in found if all(map(math.isfinite, pair[1]))]
    if not finite:
        raise ValueError("the gradient is inf or nan at every place: there is no arrow to draw")
    points, slopes = [point for point, _ in finite], [slope for _, slope in finite]
    widths = xs[1] - xs[0], ys[1] - ys[0]
    # how many arrows apart the longest arrow reaches, if a slope of 1 is drawn one unit long
    longest = max([math.hypot(dx / widths[0], dy / widths[1]) for dx, dy in slopes]) or 1.0
    largest = max([math.hypot(*slope) for slope in slopes])
    with drawing(ax) as ax:
        arrows = ax.quiver(
            *zip(*points, strict=True),
            *zip(*slopes, strict=True),
            angles="xy",
            scale_units="xy",
            scale=longest,
            color=VERMILLION,
            edgecolor="white",
            linewidth=0.4,
            width=0.007,
            zorder=3,
        )
        ax.set_title(f"{'minus the' if descent else 'the'} gradient; the longest arrow stands for {largest:.3g}")
        if not ax.get_xlabel():
            frame(ax, (xlim, ylim), names)
        arrows.set_label("gradient")
    return ax


def _beyond(below: bool, above: bool) -> str:
    """Return at which ends of the levels, in matplotlib's words, there is more."""
    return {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[below, above]


def _draw_walk(ax: Any, walk: Sequence[tuple[float, float]]) -> None:
    outline = [module("matplotlib.patheffects").withStroke(linewidth=3, foreground="black")]
    xs, ys = zip(*walk, strict=True)
    ax.plot(xs, ys, color="white", linestyle="-", linewidth=1.2, path_effects=outline, label="walk")
    ax.plot(xs, ys, "o", color="white", markersize=3.5, markeredgecolor="black", markeredgewidth=0.6)
    middle = sum(ax.get_xlim()) / 2
    for text, (x, y) in (("start", walk[0]), ("end", walk[-1])):
        side = 1 if x < middle else -1  # towards the middle, where there is room
        note = ax.annotate(text, (x, y), (6 * side, 6), textcoords="offset points", color="white", annotation_clip=True)
        note.set(horizontalalignment="left" if side > 0 else "right", path_effects=outline)


def _gradient(function: Callable[[Value, Value], Value], point: tuple[float, float]) -> tuple[float, float]:
    x, y = map(Value, point)
    output(function, x, y).backward()
    return x.grad, y.grad


def _point(point: Any) -> tuple[float, float]:
    try:
        x, y = point
    except (TypeError, ValueError):
        raise ValueError(f"path must list points, each a pair (x, y), got {point!r} in it") from None
    return number(x), number(y)
