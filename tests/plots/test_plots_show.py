"""What a reader sees: colours read from the drawn pixels, and each line with the name that the legend gives it."""

import itertools
import math

import pytest

import autodiff
from autodiff import nn, plots

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
matplotlib.use("Agg")
numpy = pytest.importorskip("numpy")
pyplot = pytest.importorskip("matplotlib.pyplot")


class Seen:
    """The pixels of a picture on white, by the numbers on its axes."""

    def __init__(self, ax):
        self.ax = ax
        ax.figure.set_facecolor("white")
        ax.figure.canvas.draw()
        self.pixels = numpy.asarray(ax.figure.canvas.buffer_rgba())[..., :3] / 255

    def at(self, x, y):
        column, row = map(round, self.ax.transData.transform((x, y)))
        row = len(self.pixels) - 1 - row
        near = self.pixels[row - 1 : row + 2, column - 1 : column + 2]
        return numpy.median(near, axis=(0, 1))  # a thin line through the place does not count

    def shows(self, colour, x, y, alpha=1.0):
        expected = alpha * numpy.array(matplotlib.colors.to_rgb(colour)) + (1 - alpha)
        return numpy.allclose(self.at(x, y), expected, atol=0.03)


def legend(ax):
    """The colour of each entry of the legend, by its text."""
    found = {}
    for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
        own = handle.get_facecolor()[0] if hasattr(handle, "get_offsets") else None
        edge = handle.get_edgecolor() if hasattr(handle, "get_edgecolor") and own is None else None
        found[label] = matplotlib.colors.to_hex(own if own is not None else edge or handle.get_color())
    return found


SURFACES = {
    "mostly x": lambda x, y: 10 * x + y,
    "mostly y": lambda x, y: x - 10 * y,
    "curved": lambda x, y: x * x * (6 - y),
}


@pytest.mark.parametrize("name", SURFACES)
def test_a_contour_is_bright_where_the_function_is_high(name):
    surface = SURFACES[name]
    seen = Seen(plots.contour(surface, (0, 3), (0, 4), levels=20, n=40))
    # places from low to high; cividis is brighter the higher
    places = sorted(
        [(x, y) for x in (0.31, 1.13, 2.09, 2.71) for y in (0.29, 1.37, 2.61, 3.73)], key=lambda p: surface(*p)
    )
    heights = [surface(*place) for place in places]
    brightness = [seen.at(*place).sum() for place in places]
    span = heights[-1] - heights[0]
    pairs = [(i, j) for i in range(16) for j in range(i) if heights[i] - heights[j] > span / 5]
    assert len(pairs) > 50
    assert all(brightness[i] > brightness[j] for i, j in pairs)


def test_the_lines_of_a_contour_lie_at_the_heights_on_its_scale():
    surface = SURFACES["mostly x"]
    ax = plots.contour(surface, (0, 3), (0, 4), levels=[0, 5, 12, 20], n=7, label="loss")
    filled, lines = ax.collections[:2]
    assert list(filled.levels) == list(lines.levels) == [0, 5, 12, 20]
    for level, path in zip(lines.levels, lines.get_paths(), strict=True):
        assert [surface(x, y) for x, y in path.vertices] == pytest.approx([level] * len(path.vertices))
    assert {matplotlib.colors.to_hex(colour) for colour in lines.get_edgecolor()} == {"#ffffff"}
    scale = ax.figure.axes[1]
    assert scale.get_ylabel() == "loss"
    assert [float(tick) for tick in scale.get_yticks()] == [0, 5, 12, 20]


def test_heights_beyond_the_levels_are_coloured_and_the_scale_says_so():
    for levels, extend in (([0, 1], "max"), ([5, 100], "min"), ([5, 6], "both"), ([-10, 100], "neither")):
        ax = plots.contour(lambda x, y: x + 0 * y, (2, 8), (0, 1), levels=levels, n=7)
        assert ax.collections[0].extend == extend


def test_a_walk_goes_through_its_points_in_order():
    ax = plots.contour(SURFACES["curved"], (0, 3), (0, 4), path=[(0.5, 3.5), (1.0, 2.0), (2.5, 0.5)], n=9)
    line, dots = ax.lines
    for drawn in (line, dots):
        assert drawn.get_xydata().tolist() == [[0.5, 3.5], [1.0, 2.0], [2.5, 0.5]]
    assert dots.get_linestyle() == "None"
    assert Seen(ax).shows("white", 1.0, 2.0)


def test_each_class_has_one_colour_in_its_region_its_samples_and_the_legend():
    data = [([-2.0, 0.0], "no"), ([-1.0, 1.5], "no"), ([2.0, 0.5], "yes"), ([1.0, -1.0], "yes")]
    ax = plots.decision_boundary(lambda x: x[0] - 0.1 * x[1], data, n=31)
    seen, colours = Seen(ax), legend(ax)
    assert colours["class no"] != colours["class yes"]
    for (x, y), target in data:
        assert seen.shows(colours[f"class {target}"], x, y)
        assert seen.shows(colours[f"class {target}"], x + 0.3, y + 0.1, alpha=0.25)


def test_the_regions_of_several_classes_are_those_of_the_largest_score():
    data = [([0.0, 3.0], 0), ([3.0, 0.0], 1), ([-3.0, -1.0], 2), ([0.0, -3.0], 1)]
    ax = plots.decision_boundary(lambda x: [x[1], x[0], -x[0] - x[1]], data, n=61)
    seen, colours = Seen(ax), legend(ax)
    assert len({colours[f"class {k}"] for k in range(3)}) == 3
    for (x, y), winner in (((0.5, 2.5), 0), ((-1, 2.5), 0), ((2.5, 0.5), 1), ((-2.5, 0.5), 2), ((-1.5, -2.0), 2)):
        assert [k for k in range(3) if seen.shows(colours[f"class {k}"], x, y, alpha=0.25)] == [winner]


def test_a_threshold_moves_the_border_between_the_classes():
    data = [([-2.0, 0.0], 0), ([2.0, 0.0], 1)]
    ax = plots.decision_boundary(lambda x: x[0], data, threshold=1.0, n=41)
    seen, colours = Seen(ax), legend(ax)
    assert seen.shows(colours["class 0"], 0.5, 0.2, alpha=0.25)
    assert seen.shows(colours["class 1"], 1.5, 0.2, alpha=0.25)


def test_the_names_of_the_inputs_stand_at_their_axes():
    data = [([-2.0, 10.0], 0), ([2.0, 20.0], 1)]
    ax = plots.decision_boundary(lambda x: x[0], data, names=("length", "weight"), n=4)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("length", "weight")
    assert ax.get_ylim() == pytest.approx((8.0, 22.0))
    ax = plots.contour(SURFACES["curved"], (0, 3), (4, 5), names=("p", "q"), n=4)
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_xlim(), ax.get_ylim()) == ("p", "q", (0, 3), (4, 5))


@pytest.mark.parametrize(("descent", "sign"), [(False, 1), (True, -1)])
def test_arrows_begin_at_their_place_and_point_along_the_gradient(descent, sign):
    # the gradient is (3, 2y): mostly to the right, whatever x is
    ax = plots.gradient_field(lambda x, y: 3 * x + y * y, (0, 10), (-2, 2), descent=descent, n=4)
    arrows = ax.collections[0]
    assert (arrows.angles, arrows.scale_units, arrows.pivot) == ("xy", "xy", "tail")
    assert sorted({x for x, _ in arrows.XY}) == [2, 4, 6, 8]
    for (_, y), dx, dy in zip(arrows.XY, arrows.U, arrows.V, strict=True):
        assert (dx, dy) == pytest.approx((sign * 3, sign * 2 * y))
    seen = Seen(ax)
    x, y = arrows.XY[0]
    step = 3 / arrows.scale
    assert seen.shows("#D55E00", x + sign * step / 2, y + sign * 2 * y / arrows.scale / 2)
    assert ("minus" in ax.get_title()) == descent
    assert ax.get_title().endswith(f"stands for {math.hypot(3, 2 * 1.2):.3g}")


def test_the_runs_of_learning_rates_have_their_own_rate_beside_them():
    runs = {1.0: [4.0, 8.0, 16.0], 0.001: [4.0, 3.9, 3.8], 0.1: [4.0, 2.0, 1.0]}
    ax = plots.learning_rates(runs)
    colours = legend(ax)
    assert list(colours) == ["learning rate 0.001", "learning rate 0.1", "learning rate 1"]
    for line, rate in zip(ax.lines, sorted(runs), strict=True):
        assert line.get_label() == f"learning rate {rate:g}"
        assert line.get_ydata().tolist() == runs[rate]
        assert matplotlib.colors.to_hex(line.get_color()) == colours[line.get_label()]
    assert ax.get_yscale() == "log"


def test_curves_have_their_own_name_beside_them():
    runs = {"slow": [3.0, 2.5, 2.0], "fast": [3.0, 1.0, 0.1]}
    ax = plots.loss_curve(runs)
    assert {line.get_label(): line.get_ydata().tolist() for line in ax.lines} == runs
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["slow", "fast"]
    assert ax.get_yscale() == "linear"
    assert plots.loss_curve(runs, log=True).get_yscale() == "log"


def test_the_bars_of_each_layer_are_as_high_as_its_counts():
    model = nn.MLP(3, [4, 2, 1], seed=0)
    sizes = {}
    for i, (name, parameter) in enumerate(model.named_parameters()):
        parameter.grad = (-1) ** i * 10.0 ** (-3 * math.sin(i * i) - ("layers.2" in name))
        sizes.setdefault(name[:8], []).append(abs(parameter.grad))
    ax = plots.gradient_histogram(model, bins=5)
    colours = legend(ax)
    assert len(ax.patches) == 3
    for patch, (name, layer) in zip(ax.patches, sizes.items(), strict=True):
        label = f"{name}: {len(layer)} parameters"
        assert colours[label] == matplotlib.colors.to_hex(patch.get_edgecolor())
        edges = sorted({x for x, _ in patch.get_xy()})
        assert list(patch.get_xy()[1:-1:2, 1]) == numpy.histogram(layer, edges)[0].tolist()
    everything = [size for layer in sizes.values() for size in layer]
    assert edges[0] == pytest.approx(min(everything), rel=0.02)
    assert edges[-1] == pytest.approx(max(everything), rel=0.02)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "linear")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("|gradient|", "number of parameters")


def test_an_activation_and_its_derivative_have_their_own_names():
    ax = plots.activation(autodiff.exp, (0, 1), n=3)
    lines = {line.get_label(): line.get_ydata().tolist() for line in ax.lines}
    assert lines == {"exp(z)": [1.0, math.exp(0.5), math.e], "exp'(z)": [1.0, math.exp(0.5), math.e]}
    lines = {
        line.get_label(): line.get_ydata().tolist() for line in plots.activation(autodiff.relu, (-1, 2), n=4).lines
    }
    assert lines == {"relu(z)": [0.0, 0.0, 1.0, 2.0], "relu'(z)": [0.0, 0.0, 1.0, 1.0]}
    assert len({line.get_linestyle() for line in ax.lines}) == 2


def test_heights_that_are_far_apart_are_coloured_evenly():
    ax = plots.contour(lambda x, y: 10**x + 0 * y, (-2, 3), (0, 1), levels=[0, 0.1, 1, 10, 1000], n=201)
    seen = Seen(ax)
    brightness = [seen.at(x, 0.5).sum() for x in (-1.5, -0.5, 0.5, 2.0)]
    steps = [after - before for before, after in itertools.pairwise(brightness)]
    assert min(steps) > 0.3
