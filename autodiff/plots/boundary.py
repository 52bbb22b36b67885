"""The picture of what a model has learned: which class it answers where."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from autodiff.plots.arguments import Interval, called, described, evenly, number, two_names, wider
from autodiff.plots.style import INK, MARKERS, drawing, frame, told_apart

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def decision_boundary(
    model: Callable[[list[float]], Any],
    data: Sequence[tuple[Sequence[float], Any]],
    *,
    threshold: float = 0.0,
    n: int = 60,
    names: tuple[str, str] = ("x1", "x2"),
    ax: Axes | None = None,
) -> Axes:
    """Return the Axes with the samples of two inputs each, and the regions in which the model answers each class.

    A model with one output answers the larger of two classes where the output is above the threshold; a model with
    several outputs answers the class, 0, 1, ..., whose output is largest.

    >>> data = [([-1.0, 0.0], -1), ([1.0, 0.0], 1)]
    >>> ax = decision_boundary(lambda x: x[0] - 0.25 * x[1], data, n=5)
    >>> ax.get_legend_handles_labels()[1]
    ['class -1', 'class 1', 'boundary']

    Args:
        model: takes the two inputs and answers a score, or a list of one for each class.
        data: samples, each a pair (inputs, class).
        threshold: at which score one class gives way to the other.
        n: at how many places along each axis the model is asked.
        names: what the two inputs are called.
        ax: where to draw; without one, on a new figure.

    Raises:
        TypeError: if the model cannot be called or the data cannot be read one by one.
        ValueError: if there is no data, a sample is no pair or has not two inputs, there are not two names, or the
            classes are not those that the model can answer: two for one output, else 0, 1, ...
    """
    called("model", model, "model([x1, x2])")
    two_names(names)
    if not hasattr(data, "__iter__"):
        raise TypeError(f"data must list samples, each a pair (inputs, class), got {described(data)}")
    data = [_sample(sample) for sample in data]
    if not data:
        raise ValueError("there are no samples to draw: give at least one")
    limits = [_around([number(inputs[i]) for inputs, _ in data]) for i in (0, 1)]
    xs, ys = (evenly("the inputs", limit, n) for limit in limits)
    answers = [[_scores(model([x, y])) for x in xs] for y in ys]
    count = len(answers[0][0])
    present = sorted({target for _, target in data})
    classes = list(range(count)) if count > 1 else present
    if len(classes) != max(count, 2):
        raise ValueError(f"a single output tells two classes apart, the data have {len(present)}: {present}")
    if not set(present) <= set(classes):
        raise ValueError(f"a model with {count} outputs answers the classes {classes}, the data have {present}")
    with drawing(ax) as ax:
        crossed = False
        for k, (colour, marker) in enumerate(told_apart(MARKERS, len(classes))):
            margin = [[_margin(scores, k, threshold) for scores in row] for row in answers]
            smallest, largest = min(map(min, margin)), max(map(max, margin))
            if largest > 0:
                ax.contourf(xs, ys, margin, levels=[0, largest], colors=[colour], alpha=0.25)
            if smallest < 0 < largest:
                ax.contour(xs, ys, margin, levels=[0], colors=INK, linewidths=1.5)
                crossed = True
            own = [inputs for inputs, target in data if target == classes[k]]
            ax.scatter(
                [number(x) for x, _ in own],
                [number(y) for _, y in own],
                s=28,
                color=colour,
                marker=marker,
                edgecolors="white",
                linewidths=0.6,
                label=f"class {classes[k]}",
                zorder=3,
            )
        if crossed:
            ax.plot([], [], color=INK, linestyle="-", linewidth=1.5, label="boundary")
        frame(ax, limits, names)
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        ax.grid(visible=False)
    return ax


def _sample(sample: Any) -> tuple[Sequence[float], Any]:
    try:
        inputs, target = sample
        count = len(inputs)
    except (TypeError, ValueError):
        raise ValueError(f"data must list samples, each a pair (inputs, class), got {sample!r} in it") from None
    if count != 2:
        raise ValueError(f"a decision boundary is drawn over two inputs, got a sample with {count}")
    return inputs, target


def _scores(output: Any) -> list[float]:
    return [number(score) for score in output] if hasattr(output, "__iter__") else [number(output)]


def _margin(scores: Sequence[float], k: int, threshold: float) -> float:
    """Return by how much class k wins."""
    if len(scores) == 1:
        return scores[0] - threshold if k else threshold - scores[0]
    return scores[k] - max([score for i, score in enumerate(scores) if i != k])


def _around(numbers: Sequence[float]) -> Interval:
    low, high = min(numbers), max(numbers)
    return wider((low, high), (high - low) / 5 or 1.0)
