import inspect
import math
import threading
from pathlib import Path

import pytest

import autodiff
from autodiff import AnomalyError, Value, anomaly_detection, exp, grad, log, nn, tanh
from autodiff.checks.anomaly import describe, first_nonfinite


def here():
    return inspect.currentframe().f_back.f_lineno


def test_the_forward_pass_stops_at_the_first_inf_with_operation_operands_labels_and_line():
    x = Value(1000.0, label="x")
    line = here() + 2
    with pytest.raises(AnomalyError) as caught, anomaly_detection():
        exp(x) * 0.0
    message = str(caught.value)
    assert message.startswith("inf in the forward pass: exp(x) = inf at x = 1000.0 ('x'), made at ")
    assert message.endswith(f"test_anomaly.py, line {line}")


def test_the_backward_pass_stops_at_the_first_inf_and_says_which_line_made_the_node():
    x = Value(0.0, label="x")
    with anomaly_detection():
        line = here() + 1
        y = x.sqrt()
        with pytest.raises(AnomalyError) as caught:
            (3 * y).backward()
    message = str(caught.value)
    assert "inf in the backward pass: sqrt(x) = 0.0 at x = 0.0 ('x')" in message
    assert f"test_anomaly.py, line {line}" in message
    assert "hands parent 1 its gradient 3.0 x the local derivative inf" in message
    assert x.grad == 0.0


def test_the_parent_that_is_handed_too_much_is_told_with_its_own_derivative():
    y = Value(1e200) * Value(1.0)  # the gradient 1e200 is handed on as 1e200 and as 1e400
    y.grad = 1e200
    told = r"hands parent 2 its gradient 1e\+200 x the local derivative 1e\+200$"
    with pytest.raises(AnomalyError, match=told), anomaly_detection():
        y.propagate()


def test_a_nan_from_inf_times_zero_is_found():
    with (
        pytest.raises(AnomalyError, match=r"nan in the forward pass: x \* y = nan at x = inf, y = 0.0 \('w'\)"),
        anomaly_detection(),
    ):
        Value(math.inf) * Value(0.0, label="w")


def test_a_nan_of_the_data_is_told_from_one_that_was_computed():
    x, w = Value(math.nan, label="x"), Value(2.0, label="w")
    came_in = r"x \* y = nan at x = 2.0 \('w'\), y = nan \('x'\) \(nan because an operand is not finite"
    with pytest.raises(AnomalyError, match=came_in), anomaly_detection():
        w * x
    with pytest.raises(AnomalyError) as caught, anomaly_detection():
        exp(Value(1000.0))
    assert "operand" not in str(caught.value)


def test_a_node_made_before_detection_is_still_named():
    y = Value(0.0).sqrt()
    with pytest.raises(AnomalyError, match="made at a place before detection was on"), anomaly_detection():
        y.backward()


def test_finite_computations_are_left_alone_and_detection_ends_with_its_block():
    x = Value(2.0)
    with anomaly_detection():
        with anomaly_detection():
            pass
        with pytest.raises(AnomalyError):
            exp(Value(1000.0))
        (log(x) * x).backward()
    assert x.grad == pytest.approx(1 + math.log(2))
    assert exp(Value(1000.0)).data == math.inf


def test_detection_ends_when_its_block_raises():
    with pytest.raises(RuntimeError), anomaly_detection():
        raise RuntimeError
    assert exp(Value(1000.0)).data == math.inf


def test_lines_inside_a_model_point_at_the_call_of_the_user():
    model = nn.MLP(1, [2, 1], "identity", seed=0)
    line = here() + 2
    with pytest.raises(AnomalyError) as caught, anomaly_detection():
        model([math.inf])
    assert str(caught.value).endswith(f"test_anomaly.py, line {line}")


def test_the_first_nonfinite_node_is_the_one_whose_operands_are_finite():
    x = Value(800.0, label="x")
    big = x.exp()
    assert first_nonfinite((big - big) * 2) is big
    assert first_nonfinite(x * 2) is None
    leaf = Value(math.nan, label="input")
    assert describe(first_nonfinite(leaf + 1)) == "the leaf ('input') = nan"


def test_a_description_of_many_operands_stays_short():
    node = Value(1.0).apply(Value(1.0).__add__(1).op, (1.0, 2.0))
    node.label = "s"
    assert describe(node) == "x + y ('s') = 3.0 at x = 1.0, y = 2.0"
    neuron = nn.Neuron(500, "identity", seed=0)
    many = describe(neuron([1.0] * 500))
    assert 500 < len(many) < 700
    assert many.endswith(" ...")
    few = describe(nn.Neuron(8, "identity", bias=False, seed=0)([1.0] * 8))
    assert 100 < len(few) < 500
    assert few.endswith("x16 = 1.0")


def test_detection_in_two_threads_ends_when_both_have_ended():
    entered, leave = threading.Event(), threading.Event()

    def other():
        with anomaly_detection():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with anomaly_detection():
        thread.start()
        assert entered.wait(10)
    with pytest.raises(AnomalyError):
        exp(Value(1000.0))
    leave.set()
    thread.join()
    assert exp(Value(1000.0)).data == math.inf


def test_a_gradient_handed_on_by_hand_is_watched_too():
    with anomaly_detection():
        y = Value(0.0).sqrt()
        y.grad = 1.0
        with pytest.raises(AnomalyError, match="inf in the backward pass"):
            y.propagate()


def test_a_file_whose_name_begins_like_the_package_is_the_users():
    beside = Path(autodiff.__file__).parent.as_posix() + "_of_mine.py"
    code = compile("def f(x):\n    return x.exp()\n", beside, "exec")
    names = {}
    exec(code, names)
    with pytest.raises(AnomalyError, match=r"_of_mine.py, line 2$"), anomaly_detection():
        names["f"](Value(1000.0))


@pytest.mark.parametrize("x", [1000.0, -1000.0])
def test_derivatives_of_saturated_functions_are_no_anomaly(x):
    x = Value(x)
    with anomaly_detection():
        assert grad(grad(tanh(x), x), x).data == 0.0
