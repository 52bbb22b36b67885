"""What the pictures show, read back from them and compared with closed forms."""

import math
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.public import pictures

import autodiff
from autodiff import Value, nn, plots

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
matplotlib.use("Agg")
numpy = pytest.importorskip("numpy")
pyplot = pytest.importorskip("matplotlib.pyplot")


def bowl(x, y):
    return x * x + 3 * y * y


DATA = [([-1.0, 0.5], -1), ([1.0, -0.5], 1), ([2.0, 0.0], 1)]
NARROW = nn.MLP(2, [3, 1], "tanh", seed=0)


def with_gradients(model):
    model([1.0, 2.0]).backward()
    return model


DRAWN = {
    "loss_curve": lambda ax: plots.loss_curve([2.0, 1.0], ax=ax),
    "learning_rates": lambda ax: plots.learning_rates({0.1: [2.0, 1.0]}, ax=ax),
    "contour": lambda ax: plots.contour(bowl, (-1, 1), (-1, 1), n=4, ax=ax),
    "gradient_field": lambda ax: plots.gradient_field(bowl, (-1, 1), (-1, 1), n=3, ax=ax),
    "decision_boundary": lambda ax: plots.decision_boundary(NARROW, DATA, n=4, ax=ax),
    "gradient_histogram": lambda ax: plots.gradient_histogram(with_gradients(nn.MLP(2, [3, 1], seed=0)), ax=ax),
    "activation": lambda ax: plots.activation(autodiff.tanh, n=3, ax=ax),
}


def test_every_picture_is_drawn_and_seen():
    missing = sorted(pictures() - set(DRAWN))
    assert not missing, f"add {missing} to DRAWN above"
    seen = (Path(__file__).parent / "test_plots_show.py").read_text(encoding="utf-8")
    unseen = sorted([name for name in pictures() if f"plots.{name}(" not in seen])
    assert not unseen, f"add a test of what is seen of {unseen}, by its pixels, to tests/plots/test_plots_show.py"


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_every_picture_names_its_axes_and_is_drawn_where_it_is_told(draw):
    _, (left, right) = pyplot.subplots(1, 2)
    assert draw(right) is right
    assert right.get_xlabel()
    assert right.get_ylabel()
    assert not left.has_data()
    assert draw(None).figure is not right.figure


@pytest.mark.slow
@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_every_picture_leaves_the_callers_style_alone(draw):
    before = dict(matplotlib.rcParams)
    draw(None)
    assert dict(matplotlib.rcParams) == before


@pytest.mark.slow
@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_a_new_picture_has_no_background_that_hides_a_dark_page(draw):
    ax = draw(None)
    assert ax.figure.get_facecolor() == ax.get_facecolor() == (0, 0, 0, 0)


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_what_is_no_axes_is_refused(draw):
    with pytest.raises(TypeError, match="ax must be the Axes"):
        draw("figure 1")


def test_the_loss_curve_shows_a_history_step_by_step():
    model = nn.MLP(1, [1], seed=0)
    history = nn.fit(model, nn.data.line(4), "squared_error", nn.SGD(model.parameters(), lr=0.1), epochs=5)
    (line,) = plots.loss_curve(history).lines
    assert line.get_xdata().tolist() == [0, 1, 2, 3, 4]
    assert line.get_ydata().tolist() == history.loss


def test_the_loss_curve_takes_values_and_keeps_a_gap_for_nan():
    (line,) = plots.loss_curve([Value(3.0), math.nan, 1]).lines
    assert line.get_ydata()[0] == 3.0
    assert math.isnan(line.get_ydata()[1])


def test_several_losses_are_told_apart_without_colour():
    lines = plots.loss_curve({name: [1.0, 0.5] for name in "abcdefgh"}, log=True).lines
    assert len({line.get_linestyle() for line in lines[:4]}) == 4
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 8


def test_curves_are_told_apart_on_axes_of_the_caller_too():
    _, ax = pyplot.subplots()
    plots.loss_curve({name: [1.0, 0.5] for name in "abcd"}, ax=ax)
    plots.loss_curve({name: [1.0, 0.5] for name in "efgh"}, ax=ax)
    assert len({(line.get_color(), line.get_linestyle()) for line in ax.lines}) == 8
    assert {line.get_color() for line in ax.lines} <= set(str(plots.STYLE["axes.prop_cycle"]).split("'"))


def test_the_layers_of_a_deep_model_are_told_apart():
    model = with_gradients(nn.MLP(2, [2] * 7 + [1], "tanh", seed=0))
    outlines = plots.gradient_histogram(model).patches
    assert len({(patch.get_edgecolor(), patch.get_linestyle()) for patch in outlines}) == 8


@pytest.mark.slow
def test_a_loss_curve_is_drawn_where_steps_are_logarithmic_or_ticks_are_fixed():
    _, (left, right) = pyplot.subplots(1, 2)
    left.set_xscale("log")
    right.set_xticks([0, 1])
    for ax in (left, right):
        plots.loss_curve([3.0, 2.0, 1.0], ax=ax)
        ax.figure.canvas.draw()
    assert left.get_xscale() == "log"
    assert right.get_xticks().tolist() == [0, 1]


def test_a_rate_that_diverges_leaves_the_picture():
    ax = plots.learning_rates({0.5: [2.0, 40.0, math.inf], 0.1: [2.0, 1.0]})
    assert [line.get_label() for line in ax.lines] == ["learning rate 0.1", "learning rate 0.5"]
    assert ax.get_ylim()[1] == pytest.approx(20.0)
    assert ax.get_yscale() == "log"


def test_the_contour_is_at_the_height_that_it_says():
    ax = plots.contour(lambda x, y: x * x + y * y, (-2, 2), (-2, 2), levels=[0.25, 1.0, 4.0], n=101)
    circles = ax.collections[1]
    for level, path in zip(circles.levels, circles.get_paths(), strict=True):
        for x, y in path.vertices[:-1]:
            assert x * x + y * y == pytest.approx(level, rel=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("levels", "extend"), [([0, 4], "neither"), (numpy.array([0, 1]), "max"), ((1, 4), "min"), ([1, 2], "both")]
)
def test_the_scale_of_colours_says_where_there_is_more(levels, extend):
    ax = plots.contour(lambda x, y: x * x, (0, 2), (0, 2), levels=levels)
    assert ax.collections[0].extend == extend


def test_the_walk_is_drawn_point_by_point_and_does_not_move_the_frame():
    walk = [(0.0, 0.0), (Value(1.0), 2), (50.0, -50.0)]
    ax = plots.contour(bowl, (-1, 1), (-2, 2), path=walk, n=4)
    assert ax.lines[0].get_xdata().tolist() == [0.0, 1.0, 50.0]
    assert ax.lines[0].get_ydata().tolist() == [0.0, 2.0, -50.0]
    assert ax.get_xlim() == (-1, 1)
    assert ax.get_ylim() == (-2, 2)


@pytest.mark.parametrize(("descent", "sign"), [(False, 1), (True, -1)])
def test_each_arrow_is_the_gradient_where_it_stands(descent, sign):
    arrows = plots.gradient_field(bowl, (-1, 1), (-2, 2), n=5, descent=descent).collections[0]
    assert len(arrows.U) == 25
    for (x, y), dx, dy in zip(arrows.XY, arrows.U, arrows.V, strict=True):
        assert (dx, dy) == pytest.approx((sign * 2 * x, sign * 6 * y))


def test_the_field_says_what_its_longest_arrow_stands_for():
    ax = plots.gradient_field(bowl, (0, 3), (0, 3), n=2)
    assert f"{math.hypot(4, 12):.3g}" in ax.get_title()  # (2x, 6y) at (2, 2)


def test_no_arrow_leaves_the_frame():
    ax = plots.contour(bowl, (-3, 1), (-2, 2), n=4)
    arrows = plots.gradient_field(bowl, (-3, 1), (-2, 2), n=4, ax=ax).collections[-1]
    for (x, y), dx, dy in zip(arrows.XY, arrows.U, arrows.V, strict=True):
        assert -3 <= x + dx / arrows.scale <= 1
        assert -2 <= y + dy / arrows.scale <= 2


def test_a_field_of_no_slope_is_drawn():
    arrows = plots.gradient_field(lambda x, y: 0 * x + 0 * y, (0, 1), (0, 1), n=2).collections[0]
    assert not arrows.U.any()


def test_a_slope_that_is_infinite_has_no_arrow_and_hides_no_other():
    arrows = plots.gradient_field(lambda x, y: autodiff.sqrt(x) + y, (-1, 2), (0, 3), n=2).collections[0]
    assert arrows.XY.tolist() == [[1.0, 1.0], [1.0, 2.0]]
    assert arrows.U.tolist() == [0.5, 0.5]
    assert math.isfinite(arrows.scale)


def test_a_field_on_a_contour_keeps_its_frame():
    ax = plots.contour(bowl, (-1, 1), (-1, 1), n=4)
    plots.gradient_field(bowl, (-1, 1), (-1, 1), n=3, ax=ax)
    assert ax.get_xlim() == (-1, 1)


def test_the_boundary_is_where_the_score_meets_the_threshold():
    ax = plots.decision_boundary(lambda x: 2 * x[0] - x[1], DATA, threshold=0.5, n=9)
    lines = [c for c in ax.collections if hasattr(c, "levels") and not c.filled]
    assert lines
    for line in lines:
        for path in line.get_paths():
            for x, y in path.vertices:
                assert 2 * x - y == pytest.approx(0.5)


def test_the_samples_stand_where_they_are_with_a_marker_for_each_class():
    ax = plots.decision_boundary(NARROW, DATA, n=4)
    low, high = [c for c in ax.collections if c.get_label().startswith("class")]
    assert low.get_offsets().tolist() == [[-1.0, 0.5]]
    assert high.get_offsets().tolist() == [[1.0, -0.5], [2.0, 0.0]]
    assert low.get_paths()[0].vertices.shape != high.get_paths()[0].vertices.shape


def test_a_model_of_several_outputs_answers_the_largest():
    data = [([-1.0, 0.0], 0), ([1.0, 0.0], 1), ([0.0, 1.0], 2)]
    ax = plots.decision_boundary(lambda x: [-x[0], x[0], 0.0], data, n=21)
    regions = [c for c in ax.collections if hasattr(c, "levels") and c.filled]
    assert len(regions) == 2  # class 2 wins nowhere
    assert all(path.vertices[:, 0].max() <= 1e-9 for path in regions[0].get_paths())


@pytest.mark.parametrize("score", [-1.0, 1.0])
def test_a_model_that_answers_one_class_everywhere_is_drawn(score):
    ax = plots.decision_boundary(lambda x: score, DATA, n=4)
    assert len([c for c in ax.collections if hasattr(c, "levels")]) == 1
    assert ax.get_legend_handles_labels()[1] == ["class -1", "class 1"]


def test_the_histogram_counts_every_parameter_once_by_its_layer():
    model = nn.MLP(2, [3, 1], seed=0)
    for i, parameter in enumerate(model.parameters()):
        parameter.grad = 0.0 if i == 0 else 10.0 ** (-(i % 4))
    ax = plots.gradient_histogram(model, bins=8)
    labels = ax.get_legend_handles_labels()[1]
    assert labels == ["layers.0: 9 parameters, 1 with gradient 0", "layers.1: 4 parameters"]
    # an outline goes up and down once a bar: its vertices 1, 3, ... are the heights
    counts = [sum(patch.get_xy()[1:-1:2, 1]) for patch in ax.patches]
    assert counts == [8, 4]


def test_parameters_without_a_number_in_their_name_stand_by_themselves():
    class Line(nn.Module):
        def __init__(self):
            self.slope, self.intercept = Value(2.0), Value(1.0)

    line = Line()
    (line.slope * 3.0 + line.intercept).backward()
    labels = plots.gradient_histogram(line).get_legend_handles_labels()[1]
    assert labels == ["slope: 1 parameter", "intercept: 1 parameter"]


def test_an_activation_is_drawn_with_its_derivative():
    f, slope = plots.activation(autodiff.sigmoid, (-4, 4), n=9).lines
    for z, y, dy in zip(f.get_xdata(), f.get_ydata(), slope.get_ydata(), strict=True):
        s = 1 / (1 + math.exp(-z))
        assert (y, dy) == pytest.approx((s, s * (1 - s)))


def test_an_activation_without_a_name_is_called_f():
    def double(z):
        return 2 * z

    double.__name__ = "<lambda>"
    assert [line.get_label() for line in plots.activation(double, n=3).lines] == ["f(z)", "f'(z)"]


WRONG = [
    (lambda: plots.loss_curve([]), ValueError, "losses are empty"),
    (lambda: plots.loss_curve({}), ValueError, "no curve"),
    (lambda: plots.loss_curve({"a": []}), ValueError, "losses of 'a' are empty"),
    (lambda: plots.loss_curve(["high"]), TypeError, "one real number"),
    (lambda: plots.loss_curve(None), TypeError, "losses must be a History.*got NoneType: None"),
    (lambda: plots.loss_curve({"a": 3}), TypeError, "losses of 'a' must be a History.*got int: 3"),
    (lambda: plots.loss_curve([-1, -2], log=True), ValueError, "no loss is above 0"),
    (lambda: plots.loss_curve([math.nan, math.inf], log=True), ValueError, "no loss is above 0 and finite"),
    (lambda: plots.learning_rates([[1.0]]), TypeError, "must map learning rates to losses"),
    (lambda: plots.learning_rates({}), ValueError, "no curve"),
    (lambda: plots.contour(bowl, (1, -1), (0, 1)), ValueError, r"xlim must be two finite numbers.*\(1, -1\)"),
    (lambda: plots.contour(bowl, (0, 1), (0, math.inf)), ValueError, "ylim"),
    (lambda: plots.contour(bowl, (0, 1), (0, 1), n=1), ValueError, "n must be a whole number from 2 on, got 1"),
    (lambda: plots.contour(None, (0, 1), (0, 1)), TypeError, r"function\(x, y\), got NoneType: None"),
    (lambda: plots.contour(lambda x, y: math.nan, (0, 1), (0, 1)), ValueError, "inf or nan at every place"),
    (lambda: plots.contour(bowl, (0, 1), (0, 1), names=("a",)), ValueError, r"names must be two strings.*\('a',\)"),
    (lambda: plots.contour(bowl, (0, 1), (0, 1), names="ab"), ValueError, "names must be two strings.*'ab'"),
    (lambda: plots.contour(bowl, (0, 1), (0, 1), levels=[1]), ValueError, r"levels must be .* got \[1\]"),
    (lambda: plots.contour(bowl, (0, 1), (0, 1), levels=[2, 1]), ValueError, r"rising, got \[2, 1\]"),
    (lambda: plots.contour(bowl, (0, 1), (0, 1), levels=None), ValueError, "levels must be .* got None"),
    (lambda: plots.contour(bowl, (0, 1), (0, 1), levels=0), ValueError, "levels must be .* got 0"),
    (lambda: plots.contour(bowl, 1, (0, 1)), ValueError, "xlim must be two finite numbers.*1"),
    (lambda: plots.contour(bowl, (0, 1), (0, 1), path=[3]), ValueError, "each a pair .x, y., got 3"),
    (lambda: plots.gradient_field(lambda x, y: 1.0, (0, 1), (0, 1)), TypeError, "must answer a Value.*1.0"),
    (lambda: plots.gradient_field(lambda x, y: x * math.inf + y, (0, 1), (0, 1)), ValueError, "at every place"),
    (lambda: plots.gradient_field("bowl", (0, 1), (0, 1)), TypeError, "must be a function.*got str: 'bowl'"),
    (lambda: plots.gradient_field(bowl, (0, 1), (0, 1), n=1), ValueError, "n must be a whole number from 2 on, got 1"),
    (lambda: plots.gradient_field(bowl, (0, 1), (0, 1), names=(1, 2)), ValueError, "names must be two strings"),
    (lambda: plots.decision_boundary(None, DATA), TypeError, r"model\(\[x1, x2\]\), got NoneType: None"),
    (lambda: plots.decision_boundary(NARROW, 3), TypeError, "data must list samples.*got int: 3"),
    (lambda: plots.decision_boundary(NARROW, numpy.ones((2, 2))), ValueError, "each a pair .inputs, class., got array"),
    (lambda: plots.decision_boundary(NARROW, numpy.ones((2, 3))), ValueError, "each a pair .inputs, class., got array"),
    (lambda: plots.decision_boundary(NARROW, DATA, names=("a",)), ValueError, "names must be two strings"),
    (lambda: plots.gradient_histogram(3), TypeError, r"named_parameters\(\).*got int: 3"),
    (lambda: plots.activation("tanh"), TypeError, r"function\(z\), got str: 'tanh'"),
    (lambda: plots.decision_boundary(NARROW, []), ValueError, "no samples"),
    (lambda: plots.decision_boundary(NARROW, [([1.0], 0)]), ValueError, "a sample with 1"),
    (lambda: plots.decision_boundary(NARROW, [([1.0, i], i) for i in range(3)]), ValueError, "two classes.*have 3"),
    (lambda: plots.decision_boundary(NARROW, DATA[1:]), ValueError, r"two classes apart, the data have 1: \[1\]"),
    (lambda: plots.decision_boundary(lambda x: [x[0], x[1]], DATA), ValueError, r"classes \[0, 1\].*\[-1, 1\]"),
    (lambda: plots.gradient_histogram(nn.MLP(1, [1])), ValueError, "call backward"),
    (lambda: plots.gradient_histogram(with_gradients(nn.MLP(2, [1], "relu", seed=0)), bins=0), ValueError, "bins"),
    (lambda: plots.activation(math.tanh), TypeError, r"autodiff\.exp"),
    (lambda: plots.activation(autodiff.tanh, (0, 0)), ValueError, "xlim"),
]


@pytest.mark.parametrize(("call", "error", "message"), WRONG)
def test_wrong_input_is_refused_with_a_reason(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_gradients_that_are_all_zero_are_refused():
    model = nn.MLP(1, [1])
    (model(1.0) * 0.0).backward()
    with pytest.raises(ValueError, match="all gradients are 0"):
        plots.gradient_histogram(model)


def test_without_matplotlib_the_message_says_what_to_install():
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import autodiff\n"
        "try:\n    autodiff.plots.loss_curve([1.0])\n"
        "except ModuleNotFoundError as error:\n    print(error)\n"
    )
    result = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'autodiff-scalar[plots]'" in result.stdout
