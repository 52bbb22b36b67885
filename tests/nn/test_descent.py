"""Steps on losses that are plain numbers, and on data that hold a nan."""

import math
import warnings

import pytest

from autodiff import Value, nn
from autodiff.engine.value import as_value

BORDER = [([1.0, 2.0], 1), ([-1.0, -1.0], -1), ([2.0, 0.5], 1), ([-2.0, -0.5], -1)]


def by_hand(score, target):
    """The hinge loss as its formula stands: a plain 0 where the margin is kept."""
    return max(0, 1 - target * score)


WITHIN, BEYOND = (0.1, -0.1, 0.0), (0.8, -0.2, 0.0)  # of the margin: all four samples; two of them


def trained(loss, *, start=WITHIN, **options):
    model = nn.MLP(2, [1], seed=3)
    for parameter, number in zip(model.parameters(), start, strict=True):
        parameter.data = number
    optimizer = nn.SGD(model.parameters(), lr=0.1, momentum=0.5)
    history = nn.fit(model, BORDER, loss, optimizer, progress=False, **{"epochs": 40, **options})
    return [p.data for p in model.parameters()], history


@pytest.mark.parametrize("batch_size", [None, 3, 1])
@pytest.mark.parametrize("start", [WITHIN, BEYOND], ids=["all within the margin", "some beyond it"])
def test_a_loss_that_is_a_plain_number_for_some_samples_trains_as_its_formula_says(batch_size, start):
    ours, expected = [trained(loss, start=start, batch_size=batch_size) for loss in (by_hand, "hinge")]
    assert ours[0] == expected[0]
    assert ours[1].loss == expected[1].loss
    assert ours[1].gradient_norm == expected[1].gradient_norm
    assert ours[1].loss[-1] == 0.0 < max(ours[1].loss)


@pytest.mark.parametrize("penalty", [0.0, 0.1])
def test_the_first_batches_may_be_plain_numbers_all(penalty):
    def loss(score, target, limit=0.5):
        return max(0, limit - target * score)

    def as_operation(score, target):
        return (0.5 - target * score).relu()

    def run(loss):
        model = nn.MLP(2, [1], seed=0)
        for parameter, number in zip(model.parameters(), (1.0, 0.0, 0.0), strict=True):
            parameter.data = number
        data = [([2.0, 0.0], 1), ([-3.0, 0.0], -1), ([0.25, 1.0], 1), ([4.0, 1.0], 1)]
        options = {"batch_size": 1, "shuffle": False, "progress": False}
        history = nn.fit(
            model,
            data,
            loss,
            nn.SGD(model.parameters(), 0.1),
            2,
            penalty=lambda: penalty * nn.l2(model.parameters()),
            **options,
        )
        return [p.data for p in model.parameters()], history.loss

    assert run(loss) == run(as_operation)
    assert run(loss)[1][2] > 0.2


@pytest.mark.parametrize("replay", [False, True])
@pytest.mark.parametrize("penalty", [None, lambda: Value(1.0)], ids=["", "with a penalty"])
@pytest.mark.parametrize(
    ("answer", "told"), [(0, "int: 0"), (1.5, "float: 1.5"), (None, "NoneType: None"), ([], "list: .*")]
)
def test_a_loss_that_is_a_plain_number_for_all_samples_is_refused(answer, told, penalty, replay):
    with pytest.raises(TypeError, match=f"^the loss must answer a Value, got {told}; does it depend on the model\\?$"):
        trained(lambda score, target: answer, penalty=penalty, replay=replay, epochs=1)


def test_a_batch_that_no_parameter_matters_for_is_a_step_with_slope_0_if_another_depends_on_some():
    w = Value(1.0)
    data = [(1.0, 0.0), (2.0, 0.0), (-1.0, 0.0)]
    optimizer = nn.SGD([w], lr=0.25)
    history = nn.fit(
        lambda x: w * x if x < 0 else Value(x), data, "mse", optimizer, 1, 1, shuffle=False, progress=False
    )
    assert history.loss == [1.0, 4.0, 1.0]
    assert history.gradient_norm == [0.0, 0.0, 2.0]
    assert w.data == 0.5
    again = nn.fit(
        lambda x: w * x if x < 0 else Value(x), data[::-1], "mse", optimizer, 1, 1, shuffle=False, progress=False
    )
    assert again.gradient_norm == [1.0, 0.0, 0.0]  # what is left from the step before moves nothing
    assert w.data == 0.25
    with pytest.raises(ValueError, match="the loss depends on none of the optimizer's parameters"):
        nn.fit(Value, data, "mse", optimizer, 1, 1, progress=False)


def test_a_recording_that_would_freeze_a_plain_number_is_not_made_and_the_line_is_told():
    with pytest.warns(UserWarning, match="the loss of sample 2 is the plain number 0") as told:
        ours = trained(by_hand, start=BEYOND, replay=True)
    assert [warning.filename for warning in told] == [__file__]
    expected = trained("hinge", start=BEYOND)
    assert (ours[0], ours[1].loss) == (expected[0], expected[1].loss)


def test_a_loss_that_is_a_value_for_all_samples_is_recorded_without_a_word():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        replayed, eager = trained("hinge", replay=True), trained("hinge")
    assert replayed[0] == pytest.approx(eager[0], rel=1e-12)


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_plain_number_that_is_not_finite_is_no_step(number):
    with pytest.raises(nn.DivergenceError, match=f"the loss is {number} at step 1: it began with the leaf = {number}"):
        trained(lambda score, target: number if target == 1 else score)


# Data that are not finite


def line(x, y):
    """Samples of which the third has these inputs and this target."""
    return [([1.0, 2.0], 1.0), ([0.0, 1.0], 0.5), (x, y), ([3.0, 1.0], 2.0)]


NAN, INF = math.nan, math.inf
ROTTEN = {
    "an input": (
        line([1.0, NAN], 1.0),
        "the loss is nan at step 1: sample 2 of the data has nan in its inputs, at [1]; ",
    ),
    "a target": (line([1.0, 2.0], NAN), "the loss is nan at step 1: sample 2 of the data has nan in its target; "),
    "inf": (line([-INF, 2.0], 1.0), "the loss is inf at step 1: sample 2 of the data has -inf in its inputs, at [0]; "),
    "Values": (line([Value(1.0), Value(NAN)], Value(1.0)), "sample 2 of the data has nan in its inputs, at [1]; "),
    "a target that is a Value": (line([1.0, 2.0], Value(INF)), "sample 2 of the data has inf in its target; "),
    "the first of several": (
        line([1.0, 2.0], NAN)[::-1] + line([NAN, 1.0], 0.0),
        "sample 1 of the data has nan in its tar",
    ),
}


@pytest.mark.parametrize("replay", [False, True])
@pytest.mark.parametrize("batch_size", [None, 1])
@pytest.mark.parametrize(("data", "message"), ROTTEN.values(), ids=ROTTEN)
def test_nan_and_inf_in_the_data_are_named_by_sample_and_place_and_not_blamed_on_the_learning_rate(
    data, message, batch_size, replay
):
    model = nn.MLP(2, [1], seed=0)
    optimizer = nn.SGD(model.parameters(), lr=0.01)
    with pytest.raises(nn.DivergenceError) as caught:
        nn.fit(model, data, "squared_error", optimizer, 3, batch_size, shuffle=False, replay=replay, progress=False)
    told = str(caught.value).replace("at step 2", "at step 1").replace("at step 3", "at step 1")
    assert message in told
    assert told.endswith("mend it or leave it out")
    assert "learning rate" not in told
    assert optimizer.steps == (int(message.split("sample ")[1][0]) if batch_size else 0)


def test_nan_is_found_in_arrays_and_in_what_is_nested():
    np = pytest.importorskip("numpy", reason="NumPy makes the arrays")
    model, w = (lambda x: w * x["grid"][1][0] + x["more"]), Value(1.0)
    for grid, more, where in [
        (np.array([[1.0], [np.nan]]), 1.0, r"\['grid'\]\[1\]\[0\]"),
        (((0.0,), (1.0, "a")), np.float32("nan"), r"\['more'\]"),
        (((0.0,), (1.0, None)), np.array(np.nan), r"\['more'\]"),
    ]:
        with pytest.raises(nn.DivergenceError, match=f"sample 0 of the data has nan in its inputs, at {where}; mend"):
            nn.fit(model, [({"grid": grid, "more": more}, 0.0)], "mse", nn.SGD([w]), 1, progress=False)


def test_data_that_are_finite_are_not_blamed_nor_is_a_sample_that_does_no_harm():
    w = Value(1.0, "w")
    data = [((0, INF), 1.0), ((1, 1000.0), 10**400)]
    with pytest.raises(
        nn.DivergenceError, match=r"began with exp.x. = inf at x = 1000.0.*; try a smaller learning rate"
    ):
        nn.fit(lambda x: (w * x[1]).exp() if x[0] else w, data, lambda o, t: o, nn.SGD([w]), 1, progress=False)


def test_a_gradient_that_is_not_finite_by_the_data_is_blamed_on_them():
    w = Value(1.0, "w")
    with pytest.raises(
        nn.DivergenceError,
        match=r"^the gradient is nan at step 1, where the loss is 1: sample 1 of the data has inf in",
    ):
        nn.fit(lambda x: (w * x).tanh(), [(0.0, 0.0), (INF, 0.0)], lambda o, t: 2 * o, nn.SGD([w]), 1, progress=False)


@pytest.mark.parametrize("penalty", [0.25, 0, Value(0.25)], ids=["float", "int", "Value"])
def test_a_penalty_that_is_a_number_shifts_the_loss_and_no_step(penalty):
    plain = trained("hinge")
    for replay in (False, True):
        ours = trained("hinge", penalty=lambda: penalty, replay=replay)
        assert ours[0] == pytest.approx(plain[0], rel=1e-12)
        assert ours[1].loss == pytest.approx([loss + as_value(penalty).data for loss in plain[1].loss])


def test_a_gradient_as_long_as_it_may_be_is_scaled_alike_eagerly_and_replayed():
    ends = []
    for replay in (False, True):
        w = Value(2.0)
        nn.fit(
            lambda x, w=w: w * x, [(1.0, 0.0)], lambda o, t: o, nn.SGD([w], 1.0), 1,
            max_norm=1.0, replay=replay, progress=False,
        )  # fmt: skip
        ends.append(w.data)
    assert ends[0] == ends[1] == 2.0 - 1.0 / (1.0 + 1e-6)


def test_of_several_samples_that_are_not_finite_the_first_of_the_data_is_named_whatever_their_order_in_the_batch():
    samples = [([1.0], 1.0), ([NAN], 1.0), ([2.0], 0.0), ([NAN], 0.0)]
    for seed in range(6):  # in half of these orders the other comes first
        model = nn.MLP(1, [1], seed=0)
        rule = nn.SGD(model.parameters(), lr=0.1)
        with pytest.raises(nn.DivergenceError, match="sample 1 of the data has nan"):
            nn.fit(model, samples, "mse", rule, epochs=1, seed=seed, progress=False)


@pytest.mark.parametrize("replay", [False, True])
def test_what_the_loss_does_not_depend_on_has_no_gradient_after_training(replay):
    model, other = nn.MLP(1, [1], seed=0), Value(5.0)
    other.grad = 3.0  # of something before
    rule = nn.SGD([*model.parameters(), other], lr=0.1)
    nn.fit(model, [([1.0], 1.0), ([2.0], 0.0)], "mse", rule, epochs=2, progress=False, replay=replay)
    assert (other.grad, other.data) == (0.0, 5.0)
