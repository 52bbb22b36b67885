"""Pictures at the edges: frames, scales and legends where numbers are few, equal, 0 or not finite."""

import math

import pytest

from autodiff import Value, nn, plots

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
matplotlib.use("Agg")
pyplot = pytest.importorskip("matplotlib.pyplot")


def bowl(x, y):
    return x * x + 3 * y * y


def first_input(x):
    return x[0]


def test_rates_are_sorted_as_numbers_under_ten_times_the_largest_start():
    ax = plots.learning_rates({10: [2.0, 1.0], 9: [4.0, 1.0], 0.5: [3.0, 2.0]})
    assert [line.get_label() for line in ax.lines] == [f"learning rate {rate}" for rate in (0.5, 9, 10)]
    assert ax.get_ylim()[1] == pytest.approx(40.0)


@pytest.mark.slow
@pytest.mark.parametrize("start", [0.0, -1.0, math.inf, math.nan])
def test_a_start_that_has_no_place_on_the_axis_sets_no_end_of_it(start):
    ax = plots.learning_rates({0.1: [start, 2.0, 1.0]})
    assert 2.0 < ax.get_ylim()[1] < 10.0


def test_steps_are_whole_numbers():
    ax = plots.loss_curve([3.0, 2.0])
    ax.figure.canvas.draw()
    assert all(tick == round(tick) for tick in ax.get_xticks())
    assert ax.get_legend() is None
    assert plots.loss_curve({"a": [1.0]}).get_legend() is not None


def test_gradients_that_are_all_alike_negative_or_not_finite_are_counted():
    model = nn.Layer(3, 1, seed=0)
    for parameter, gradient in zip(model.parameters(), (-2.0, 2.0, math.inf, 0.0), strict=True):
        parameter.grad = gradient
    ax = plots.gradient_histogram(model, bins=1)
    (low, high) = sorted({x for x, _ in ax.patches[0].get_xy()})
    assert sum(ax.patches[0].get_xy()[1:-1:2, 1]) == 2
    assert low < 2.0 < high
    assert high / low == pytest.approx(10**0.1, rel=1e-2)


def test_every_bar_is_equally_wide_on_the_logarithmic_axis_and_the_extremes_are_inside():
    model = nn.Layer(3, 1, seed=0)
    for parameter, gradient in zip(model.parameters(), (0.1, 2.0, 20.0, 1000.0), strict=True):
        parameter.grad = gradient
    outline = plots.gradient_histogram(model, bins=4).patches[0].get_xy()
    edges = [math.log10(x) for x in sorted({x for x, _ in outline})]
    assert edges == pytest.approx([-1, 0, 1, 2, 3], abs=0.01)
    assert edges[0] < -1
    assert edges[-1] > 3
    assert list(outline[1:-1:2, 1]) == [1, 1, 1, 1]


def test_the_frame_is_a_fifth_wider_than_the_samples():
    samples = [([-1.0, 0.5], -1), ([1.0, -0.5], 1), ([2.0, 0.0], 1)]  # x1 from -1 to 2, x2 from -0.5 to 0.5
    ax = plots.decision_boundary(first_input, samples, n=4)
    assert ax.get_xlim() == pytest.approx((-1.6, 2.6))
    assert ax.get_ylim() == pytest.approx((-0.7, 0.7))
    ax = plots.decision_boundary(first_input, [([3.0, 1.0], 0), ([3.0, 2.0], 1)], n=4)
    assert ax.get_xlim() == pytest.approx((2.0, 4.0))


@pytest.mark.parametrize(("score", "regions"), [(lambda x: 0.0, 0), (lambda x: max(x[0], 0.0), 1)])
def test_where_no_class_wins_there_is_no_boundary(score, regions):
    ax = plots.decision_boundary(score, [([-1.0, 0.5], -1), ([1.0, -0.5], 1), ([2.0, 0.0], 1)], n=4)
    assert len([c for c in ax.collections if hasattr(c, "levels")]) == regions
    assert ax.get_legend_handles_labels()[1] == ["class -1", "class 1"]


def test_a_sample_of_three_inputs_is_refused():
    with pytest.raises(ValueError, match="over two inputs, got a sample with 3"):
        plots.decision_boundary(first_input, [([1.0, 2.0, 3.0], 0)])


@pytest.mark.parametrize("levels", [[0.0, math.inf], [-math.inf, 0.0], [0.0, math.nan], [1.0, 1.0], []])
def test_heights_are_finite_and_rise(levels):
    with pytest.raises(ValueError, match="levels must be a whole number, or two or more finite heights, rising"):
        plots.contour(bowl, (0, 1), (0, 1), levels=levels)


def test_the_ends_of_a_walk_are_named_towards_the_middle():
    ax = plots.contour(bowl, (-1, 1), (-1, 1), path=[(0.9, 0.5), (0.0, 0.0), (-0.9, -0.5)], n=4)
    told = [(text.get_text(), text.xy, text.get_horizontalalignment()) for text in ax.texts]
    assert told == [("start", (0.9, 0.5), "right"), ("end", (-0.9, -0.5), "left")]


def test_the_longest_arrow_is_as_long_as_two_arrows_are_apart_on_each_axis():
    for function, slope in ((lambda x, y: 7 * x + 0 * y, (7.0, 0.0)), (lambda x, y: 0 * x + 7 * y, (0.0, 7.0))):
        arrows = plots.gradient_field(function, (0, 4), (0, 400), n=3).collections[0]
        assert arrows.XY.tolist() == [[x, y] for y in (100.0, 200.0, 300.0) for x in (1.0, 2.0, 3.0)]
        assert max(slope[0] / arrows.scale / 1.0, slope[1] / arrows.scale / 100.0) == pytest.approx(1.0)


def test_a_field_on_axes_with_names_keeps_them():
    ax = plots.contour(bowl, (-1, 1), (-1, 1), names=("p", "q"), n=4)
    plots.gradient_field(bowl, (-0.5, 0.5), (-0.5, 0.5), n=2, ax=ax)
    assert (ax.get_xlabel(), ax.get_xlim()) == ("p", (-1, 1))


def test_an_activation_is_drawn_from_minus_5_to_5():
    f, slope = plots.activation(Value.relu).lines
    assert (f.get_xdata()[0], f.get_xdata()[-1], len(f.get_xdata())) == (-5.0, 5.0, 401)
    assert [f.get_ydata()[-1], slope.get_ydata()[-1], slope.get_ydata()[0]] == [5.0, 1.0, 0.0]


def test_a_field_without_slope_can_be_shown():
    ax = plots.gradient_field(lambda x, y: 0 * x + 0 * y, (0, 1), (0, 1), n=2)
    ax.figure.canvas.draw()
    assert ax.collections[0].scale == 1.0
