import math
import pickle

import mpmath
import pytest
from helpers.public import schedules_of_rates

from autodiff import Value, nn
from autodiff.nn import schedules

WHY = "PyTorch is what these numbers are compared with"

CLOSED = {
    "constant": (schedules.constant(0.3), {0: 0.3, 1: 0.3, 10**9: 0.3}),
    "linear down": (schedules.linear(1.0, 0.2, 4), {0: 1.0, 1: 0.8, 2: 0.6, 3: 0.4, 4: 0.2, 5: 0.2, 10**9: 0.2}),
    "linear up": (schedules.linear(0.0, 0.5, 10), {0: 0.0, 5: 0.25, 10: 0.5, 11: 0.5}),
    "linear in one step": (schedules.linear(1.0, 0.5, 1), {0: 1.0, 1: 0.5, 2: 0.5}),
    "step": (schedules.step(1.0, 0.1, 3), {0: 1.0, 2: 1.0, 3: 0.1, 5: 0.1, 6: 0.01, 30: 1e-10}),
    "step at every step": (schedules.step(8.0, 0.5, 1), {0: 8.0, 1: 4.0, 2: 2.0, 3: 1.0}),
    "step that rises": (schedules.step(0.1, 2.0, 2), {0: 0.1, 1: 0.1, 2: 0.2, 4: 0.4}),
    "cosine": (
        schedules.cosine(1.0, 6),
        {0: 1.0, 1: (2 + math.sqrt(3)) / 4, 2: 0.75, 3: 0.5, 4: 0.25, 5: (2 - math.sqrt(3)) / 4, 6: 0.0, 7: 0.0},
    ),
    "cosine to an end": (schedules.cosine(1.0, 4, end=0.2), {0: 1.0, 2: 0.6, 4: 0.2, 100: 0.2}),
}


@pytest.mark.parametrize(("schedule", "rates"), CLOSED.values(), ids=CLOSED)
def test_a_schedule_has_its_closed_form_and_can_be_pickled(schedule, rates):
    again = pickle.loads(pickle.dumps(schedule))
    for step, rate in rates.items():
        assert schedule(step) == again(step) == pytest.approx(rate, rel=1e-14, abs=1e-16)


def test_every_schedule_is_tried():
    tried = {schedule.func.__name__.removeprefix("_") for schedule, _ in CLOSED.values()}
    missing = sorted(schedules_of_rates() - tried)
    assert not missing, f"add the rates of {missing}, computed by hand, to CLOSED above"


def test_cosine_follows_its_formula_at_every_step():
    for t in range(101):
        exact = mpmath.mpf("0.01") + mpmath.mpf("0.29") * (1 + mpmath.cos(mpmath.pi * t / 100)) / 2
        assert schedules.cosine(0.3, 100, end=0.01)(t) == pytest.approx(float(exact), rel=1e-13)


PYTORCH = {
    "linear": (
        schedules.linear(0.4, 0.04, 30),
        lambda lr, o: lr.LinearLR(o, start_factor=1.0, end_factor=0.1, total_iters=30),
        50,
    ),
    "step": (schedules.step(0.4, 0.3, 7), lambda lr, o: lr.StepLR(o, step_size=7, gamma=0.3), 50),
    "cosine": (  # PyTorch's goes up again after T_max, ours stays at the end
        schedules.cosine(0.4, 30, end=0.01),
        lambda lr, o: lr.CosineAnnealingLR(o, T_max=30, eta_min=0.01),
        31,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("ours", "theirs", "steps"), PYTORCH.values(), ids=PYTORCH)
def test_a_schedule_agrees_with_pytorch(ours, theirs, steps):
    torch = pytest.importorskip("torch", reason=WHY)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
    scheduler = theirs(torch.optim.lr_scheduler, optimizer)
    for step in range(steps):
        assert ours(step) == pytest.approx(scheduler.get_last_lr()[0], rel=1e-12)
        optimizer.step()
        scheduler.step()


def test_an_optimizer_asks_for_step_0_first_and_then_each_in_turn():
    asked = []
    w = Value(1.0)
    optimizer = nn.SGD([w], lambda step: asked.append(step) or 0.1)
    for _ in range(4):
        optimizer.step()
    assert asked == [0, 1, 2, 3]


@pytest.mark.parametrize("count", [0, -1, 0.5, math.nan])
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda n: schedules.linear(1.0, 0.0, n), "steps"),
        (lambda n: schedules.step(1.0, 0.5, n), "every"),
        (lambda n: schedules.cosine(1.0, n), "steps"),
    ],
)
def test_a_count_below_one_is_refused_by_name(make, name, count):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got {count}"):
        make(count)


@pytest.mark.parametrize("count", ["10", None])
def test_a_count_that_is_no_number_is_refused(count):
    for make in (lambda n: schedules.linear(1.0, 0.0, n), lambda n: schedules.cosine(1.0, n)):
        with pytest.raises(TypeError):
            make(count)
