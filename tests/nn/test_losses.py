import math
from fractions import Fraction

import mpmath
import pytest

from autodiff import Value, grad, nn

WHY = "PyTorch is what these numbers are compared with"
LOGITS = [0.0, 1e-8, -1e-8, 0.3, -0.7, 1.0, -1.0, 2.5, -6.0, 17.0, 30.0, -30.0, 40.0, -40.0, 1000.0, -1000.0]
HUGE = [1e8, -1e8, 1e150, -1e150, 1e300, -1e300, 1.7e308, -1.7e308]
TARGETS = [0, 1, 0.25]


def slopes(loss, outputs, target):
    """Return the loss, its gradient by backward(), the gradient by grad(), and the Hessian by grad() of it."""
    xs = [Value(x) for x in outputs]
    value = loss(xs if len(xs) > 1 else xs[0], target)
    value.backward()
    firsts = [grad(value, x) for x in xs]
    seconds = [[grad(first, x).data for x in xs] for first in firsts]
    return value.data, [x.grad for x in xs], [first.data for first in firsts], seconds


def check(loss, outputs, target, value, first, second, tiny=1e-300):
    """Compare with a relative error of 1e-12; numbers below `tiny` need not have that many digits."""
    got = slopes(loss, outputs, target)
    assert got[0] == pytest.approx(value, rel=1e-12, abs=tiny)
    assert got[1] == pytest.approx(first, rel=1e-12, abs=1e-300)
    assert got[2] == pytest.approx(first, rel=1e-12, abs=1e-300)
    for row, expected in zip(got[3], second, strict=True):
        assert row == pytest.approx(expected, rel=1e-12, abs=tiny)


# Closed forms, in many digits where a formula in floats would lose some

PLAIN = [
    # loss, output, target, value, first derivative, second derivative
    ("squared_error", 6.0, 1.0, 25.0, 10.0, 2.0),
    ("squared_error", 1.0, 1.0, 0.0, 0.0, 2.0),
    ("squared_error", -1000.0, 1000.0, 4e6, -4000.0, 2.0),
    ("absolute_error", 6.0, 1.0, 5.0, 1.0, 0.0),
    ("absolute_error", -40.0, 1.0, 41.0, -1.0, 0.0),
    ("absolute_error", 1.0, 1.0, 0.0, 0.0, 0.0),
    ("mse", 6.0, 1.0, 25.0, 10.0, 2.0),
    ("hinge", 0.25, 1, 0.75, -1.0, 0.0),
    ("hinge", 0.25, -1, 1.25, 1.0, 0.0),
    ("hinge", 3.0, 1, 0.0, 0.0, 0.0),
    ("hinge", -1000.0, 1, 1001.0, -1.0, 0.0),
    ("hinge", -1000.0, -1, 0.0, 0.0, 0.0),
    ("hinge", 1.0, 1, 0.0, 0.0, 0.0),
]


@pytest.mark.parametrize(("name", "output", "target", "value", "first", "second"), PLAIN)
def test_a_loss_and_its_two_derivatives_have_their_closed_form(name, output, target, value, first, second):
    check(nn.LOSSES[name], [output], target, value, [first], [[second]])


def test_mse_is_the_mean_over_the_outputs():
    check(
        nn.mse, [1.0, 2.0, 6.0], [1.0, 4.0, 0.0], 40 / 3, [0, -4 / 3, 4], [[2 / 3, 0, 0], [0, 2 / 3, 0], [0, 0, 2 / 3]]
    )


@pytest.mark.parametrize("logit", LOGITS)
@pytest.mark.parametrize("target", TARGETS)
def test_binary_cross_entropy_is_exact_at_any_logit(logit, target):
    with mpmath.workdps(1000):  # enough for 1 - p at a logit of 1000
        p = 1 / (1 + mpmath.exp(-mpmath.mpf(logit)))
        value = -target * mpmath.log(p) - (1 - target) * mpmath.log(1 - p)
        numbers = [float(x) for x in (value, p - target, p * (1 - p))]
    check(nn.binary_cross_entropy, [logit], target, numbers[0], [numbers[1]], [[numbers[2]]])


VECTORS = [
    [0.0, 0.0],
    [0.3, -0.7, 2.5],
    [40.0, -40.0, 0.0],
    [1000.0, -1000.0],
    [1000.0, 1000.0, 999.0],
    [-1000.0, -1001.0, -1000.5, -40.0],
    [1e-8, -1e-8, 0.0],
    [30.0, -30.0, 1.0, -1.0],
]
HUGE_VECTORS = [[1e8, -1e8, 0.0], [1e300, 1e300], [1e300, -1e300, 1000.0], [-1e300, -1e300, -1.7e308]]


@pytest.mark.parametrize("target", [0, 1])
@pytest.mark.parametrize("logit", HUGE)
def test_binary_cross_entropy_of_a_huge_logit_is_its_distance_from_the_right_side(logit, target):
    wrong = logit > 0 if target == 0 else logit < 0
    slope = (1.0 if target == 0 else -1.0) if wrong else 0.0
    check(nn.binary_cross_entropy, [logit], target, abs(logit) if wrong else 0.0, [slope], [[0.0]])


@pytest.mark.parametrize(("logits", "target"), [(v, k) for v in VECTORS for k in range(len(v))])
def test_cross_entropy_is_exact_at_any_logits(logits, target):
    with mpmath.workdps(1000):
        powers = [mpmath.exp(mpmath.mpf(x)) for x in logits]
        ps = [power / sum(powers) for power in powers]
        value = float(-mpmath.log(ps[target]))
        first = [float(p - (i == target)) for i, p in enumerate(ps)]
        second = [[float(p * ((i == j) - q)) for j, q in enumerate(ps)] for i, p in enumerate(ps)]
    check(nn.cross_entropy, logits, target, value, first, second, tiny=1e-15)


@pytest.mark.parametrize("margin", [1.0, 17.0, 40.0, 300.0])
def test_the_loss_of_a_sure_and_right_answer_keeps_its_digits(margin):
    with mpmath.workdps(300):
        exact = float(mpmath.log(1 + mpmath.exp(-mpmath.mpf(margin))))
    assert nn.binary_cross_entropy(margin, 1) == pytest.approx(exact, rel=1e-14, abs=0)
    assert nn.binary_cross_entropy(-margin, 0) == pytest.approx(exact, rel=1e-14, abs=0)
    assert nn.cross_entropy([0.0, margin], 1) == pytest.approx(exact, rel=1e-14, abs=0)


def test_cross_entropy_of_two_classes_is_binary_cross_entropy_of_their_difference():
    for logit in LOGITS:
        assert nn.cross_entropy([0.0, logit], 1) == pytest.approx(nn.binary_cross_entropy(logit, 1), abs=1e-15)


@pytest.mark.parametrize(
    ("logit", "target", "value"), [(-math.inf, 0, 0.0), (math.inf, 1, 0.0), (math.inf, 0, math.inf)]
)
def test_of_a_sure_class_only_its_own_term_counts_so_that_an_infinite_logit_is_no_nan(logit, target, value):
    assert nn.binary_cross_entropy(logit, target) == value


def test_penalties_and_their_gradients():
    for penalty, value, gradient in ((nn.l1, 7.5, [1, -1, 0, 1]), (nn.l2, 25.25, [6, -8, 0, 1])):
        ps = [Value(3.0), Value(-4.0), Value(0.0), Value(0.5)]
        total = penalty(ps)
        total.backward()
        assert total.data == value
        assert [p.grad for p in ps] == gradient


def test_penalties_take_any_iterable_and_none_at_all():
    assert nn.l2(p for p in [Value(2.0)]).data == 4.0
    assert (nn.l1([]).data, nn.l2([]).data) == (0.0, 0.0)


def test_losses_of_plain_numbers_are_plain_numbers():
    for name, loss in nn.LOSSES.items():
        output, target = ([1.0, 2.0], 1) if name == "cross_entropy" else (1.0, 1)
        assert isinstance(loss(output, target), float)


# Bad targets

BAD = [
    (lambda x: nn.hinge(x, 0), "hinge needs a target of -1 or 1, got 0"),
    (lambda x: nn.hinge(x, 0.5), "hinge needs a target of -1 or 1, got 0.5"),
    (lambda x: nn.hinge(x, math.nan), "hinge needs a target of -1 or 1, got nan"),
    (lambda x: nn.hinge(x, None), "hinge needs a target of -1 or 1, got None"),
    (lambda x: nn.binary_cross_entropy(x, -1), "needs a target from 0 to 1, got -1.0"),
    (lambda x: nn.binary_cross_entropy(x, 1.0000001), "needs a target from 0 to 1, got 1.0000001"),
    (lambda x: nn.binary_cross_entropy(x, math.nan), "needs a target from 0 to 1, got nan"),
    (lambda x: nn.cross_entropy([x, x], 2), "needs a target from 0 to 1, one of the 2 classes, got 2"),
    (lambda x: nn.cross_entropy([x, x], -1), "needs a target from 0 to 1, one of the 2 classes, got -1"),
    (lambda x: nn.cross_entropy([x, x], 0.5), "needs a target from 0 to 1, one of the 2 classes, got 0.5"),
    (lambda x: nn.cross_entropy([x, x], math.nan), "one of the 2 classes, got nan"),
    (lambda x: nn.cross_entropy([x, x], "0"), "one of the 2 classes, got '0'"),
    (lambda x: nn.cross_entropy([], 0), "cross_entropy needs"),
    (lambda x: nn.mse([x, x], [1.0]), "one target for each output, got 2 outputs and 1 targets"),
    (lambda x: nn.mse([x], [1.0, 2.0]), "one target for each output, got 1 outputs and 2 targets"),
    (lambda x: nn.mse([x, x], 1.0), "one target for each output, got 2 outputs and 1 targets"),
    (lambda x: nn.mse([], []), "at least one number"),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_targets_are_refused_with_the_target(call, message):
    with pytest.raises(ValueError, match=message):
        call(Value(0.5))


@pytest.mark.parametrize("name", ["squared_error", "absolute_error", "mse", "hinge", "binary_cross_entropy"])
@pytest.mark.parametrize("target", [None, "1", [1.0, 2.0]])
def test_targets_that_are_no_numbers_raise(name, target):
    with pytest.raises((TypeError, ValueError)):
        nn.LOSSES[name](Value(0.5), target)


@pytest.mark.parametrize("target", [Fraction(1), True, 1.0])
def test_targets_may_be_any_number_that_equals_a_class(target):
    assert nn.cross_entropy([0.5, 2.0], target) == nn.cross_entropy([0.5, 2.0], 1)
    assert nn.hinge(0.5, target) == 0.5
    assert nn.binary_cross_entropy(2.0, target) == nn.binary_cross_entropy(2.0, 1)


# Against PyTorch


def torch_check(torch, loss, theirs, outputs, target):
    xs = torch.tensor(outputs, dtype=torch.float64, requires_grad=True)
    value = theirs(xs)
    (first,) = torch.autograd.grad(value, xs, create_graph=True)
    second = torch.autograd.functional.hessian(theirs, xs)
    got = slopes(loss, outputs, target)  # PyTorch computes p - 1 and p (1 - p) with cancellation, hence abs
    assert got[0] == pytest.approx(value.item(), rel=1e-12, abs=4e-15)
    for ours in got[1:3]:
        assert ours == pytest.approx(first.tolist(), rel=1e-12, abs=1e-15)
    for ours, row in zip(got[3], second.tolist(), strict=True):
        assert ours == pytest.approx(row, rel=1e-11, abs=4e-15)


@pytest.mark.slow
@pytest.mark.parametrize("output", LOGITS + HUGE)
def test_losses_of_one_output_agree_with_pytorch(output):
    torch = pytest.importorskip("torch", reason=WHY)
    f = torch.nn.functional
    for target in (0.5, -2.0):
        t = torch.tensor([target], dtype=torch.float64)
        torch_check(torch, nn.squared_error, lambda xs, t=t: f.mse_loss(xs, t), [output], target)
        torch_check(torch, nn.absolute_error, lambda xs, t=t: f.l1_loss(xs, t), [output], target)
    for target in (-1, 1):
        torch_check(torch, nn.hinge, lambda xs, t=target: f.relu(1 - t * xs).sum(), [output], target)
    for target in TARGETS:
        t = torch.tensor([float(target)], dtype=torch.float64)
        torch_check(
            torch,
            nn.binary_cross_entropy,
            lambda xs, t=t: f.binary_cross_entropy_with_logits(xs, t),
            [output],
            target,
        )


def cross_entropy_check(torch, logits, target):
    index = torch.tensor(target)
    torch_check(torch, nn.cross_entropy, lambda xs: torch.nn.functional.cross_entropy(xs, index), logits, target)


@pytest.mark.slow
@pytest.mark.parametrize(("logits", "target"), [(v, k) for v in VECTORS for k in range(len(v))])
def test_losses_of_several_outputs_agree_with_pytorch(logits, target):
    torch = pytest.importorskip("torch", reason=WHY)
    cross_entropy_check(torch, logits, target)
    targets = [0.5 * i for i in range(len(logits))]
    t = torch.tensor(targets, dtype=torch.float64)
    torch_check(torch, nn.mse, lambda xs: torch.nn.functional.mse_loss(xs, t), logits, targets)


@pytest.mark.slow
@pytest.mark.parametrize(("logits", "target"), [(v, k) for v in HUGE_VECTORS for k in range(len(v))])
def test_cross_entropy_of_huge_logits_agrees_with_pytorch(logits, target):
    cross_entropy_check(pytest.importorskip("torch", reason=WHY), logits, target)


@pytest.mark.parametrize("target", [0.01, 0.05, 0.1, 0.9, 0.99])
def test_binary_cross_entropy_of_a_target_near_a_class_is_between_the_two(target):
    check(
        nn.binary_cross_entropy,
        [0.0],
        target,
        math.log(2.0),
        [0.5 - target],
        [[0.25]],
    )
