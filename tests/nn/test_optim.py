import math
import sys

import pytest
from helpers.public import optimizers

from autodiff import Value, nn
from autodiff.nn import schedules

WHY = "PyTorch is what these numbers are compared with"
START = [1.5, -2.0, 0.75, 3.0, -0.1]


def problem(ws):
    """Return a loss with curvature, coupling and waves; of Values or of tensors alike."""
    a, b, c, d, e = ws
    return (a - 1) ** 2 + 3 * (b + a * c) ** 2 + (d * d - 2) ** 2 * 0.5 + (3 * e).sin() + 0.1 * (e - d) ** 2


RULES = {
    # ours, PyTorch's, arguments, learning rate
    "SGD": ("SGD", {}, 0.01),
    "momentum": ("SGD", {"momentum": 0.9}, 0.003),
    "Nesterov": ("SGD", {"momentum": 0.9, "nesterov": True}, 0.003),
    "Adam": ("Adam", {}, 0.05),
    "Adam with own betas and eps": ("Adam", {"betas": (0.7, 0.95), "eps": 1e-3}, 0.05),
    "Adam without state": ("Adam", {"betas": (0.0, 0.0)}, 0.05),
    "AdamW": ("AdamW", {}, 0.05),
    "RMSprop": ("RMSprop", {}, 0.01),
    "RMSprop with momentum": ("RMSprop", {"momentum": 0.9, "alpha": 0.9, "eps": 1e-6}, 0.003),
}


def train(ours, steps=100, before=None):
    """Return the parameters after each step of an optimizer made by `ours`."""
    ws = [Value(w) for w in START]
    optimizer = ours(ws)
    path = []
    for _ in range(steps):
        optimizer.zero_grad()
        problem(ws).backward()
        if before is not None:
            before(ws)
        optimizer.step()
        path.append([w.data for w in ws])
    return path


def train_pytorch(torch, theirs, steps=100, before=None, schedule=None):
    ws = [torch.tensor(w, dtype=torch.float64, requires_grad=True) for w in START]
    optimizer = theirs(ws)
    scheduler = schedule and schedule(optimizer)
    path = []
    for _ in range(steps):
        optimizer.zero_grad()
        problem(ws).backward()
        if before is not None:
            before(ws)
        optimizer.step()
        if scheduler:
            scheduler.step()
        path.append([w.item() for w in ws])
    return path


def assert_same(path, expected, tiny=1e-14):
    assert len(path) == len(expected)
    for ours, theirs in zip(path, expected, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-12, abs=tiny)


@pytest.mark.slow
@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
@pytest.mark.parametrize(("name", "arguments", "lr"), RULES.values(), ids=RULES)
def test_a_hundred_steps_agree_with_pytorch(name, arguments, lr, weight_decay):
    torch = pytest.importorskip("torch", reason=WHY)
    arguments = {**arguments, "weight_decay": weight_decay}
    path = train(lambda ws: getattr(nn, name)(ws, lr, **arguments))
    expected = train_pytorch(torch, lambda ws: getattr(torch.optim, name)(ws, lr, **arguments))
    assert_same(path, expected)
    assert path[0] != path[-1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop"])
def test_defaults_are_those_of_pytorch(name):
    torch = pytest.importorskip("torch", reason=WHY)
    expected = train_pytorch(
        torch, getattr(torch.optim, name) if name != "SGD" else lambda ws: torch.optim.SGD(ws, 0.01)
    )
    assert_same(train(getattr(nn, name), 20), expected[:20])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "arguments", "lr"), RULES.values(), ids=RULES)
def test_a_hundred_steps_with_a_schedule_agree_with_pytorch(name, arguments, lr):
    torch = pytest.importorskip("torch", reason=WHY)
    path = train(lambda ws: getattr(nn, name)(ws, lambda t: lr / (1 + t / 10), **arguments))

    def theirs(ws):
        return getattr(torch.optim, name)(ws, lr, **arguments)

    def slower(optimizer):
        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: 1 / (1 + t / 10))

    assert_same(path, train_pytorch(torch, theirs, schedule=slower))


@pytest.mark.slow
@pytest.mark.parametrize("limit", [0.5, 5.0])  # now and then in force, and always
@pytest.mark.parametrize("kind", ["norm", "value"])
def test_a_hundred_clipped_steps_agree_with_pytorch(kind, limit):
    torch = pytest.importorskip("torch", reason=WHY)
    clip = getattr(nn, f"clip_gradient_{kind}")
    torch_clip = getattr(torch.nn.utils, f"clip_grad_{kind}_")
    path = train(lambda ws: nn.SGD(ws, 0.01, momentum=0.5), before=lambda ws: clip(ws, limit))

    def theirs(ws):
        return torch.optim.SGD(ws, 0.01, momentum=0.5)

    assert_same(path, train_pytorch(torch, theirs, before=lambda ws: torch_clip(ws, limit)))


TOGETHER = {
    # a schedule of ours, PyTorch's of the same name, what is clipped, to what
    "constant, by norm": (
        lambda rate: schedules.constant(rate / 4),
        lambda lr, o: lr.ConstantLR(o, 0.25, 100),
        "norm",
        2.0,
    ),
    "linear, by value": (
        lambda rate: schedules.linear(rate, rate / 10, 80),
        lambda lr, o: lr.LinearLR(o, 1.0, 0.1, total_iters=80),
        "value",
        1.5,
    ),
    "step, by norm": (
        lambda rate: schedules.step(rate, 0.7, 15),
        lambda lr, o: lr.StepLR(o, step_size=15, gamma=0.7),
        "norm",
        5.0,
    ),
    "cosine, by value": (
        lambda rate: schedules.cosine(rate, 100, rate / 50),
        lambda lr, o: lr.CosineAnnealingLR(o, 100, eta_min=o.defaults["lr"] / 50),
        "value",
        3.0,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("ours", "theirs", "kind", "limit"), TOGETHER.values(), ids=TOGETHER)
@pytest.mark.parametrize(("name", "arguments", "lr"), RULES.values(), ids=RULES)
def test_a_hundred_steps_with_everything_at_once_agree_with_pytorch(name, arguments, lr, ours, theirs, kind, limit):
    torch = pytest.importorskip("torch", reason=WHY)
    arguments = {**arguments, "weight_decay": 0.05}
    clip, torch_clip = getattr(nn, f"clip_gradient_{kind}"), getattr(torch.nn.utils, f"clip_grad_{kind}_")
    path = train(lambda ws: getattr(nn, name)(ws, ours(lr), **arguments), before=lambda ws: clip(ws, limit))
    expected = train_pytorch(
        torch,
        lambda ws: getattr(torch.optim, name)(ws, lr, **arguments),
        before=lambda ws: torch_clip(ws, limit),
        schedule=lambda optimizer: theirs(torch.optim.lr_scheduler, optimizer),
    )
    assert_same(path, expected, tiny=1e-12)


# First steps, computed by hand: w = 2, gradients 4 and then 1, learning rate 0.1

FIRST_STEPS = {
    "SGD": (lambda w: nn.SGD(w, 0.1), [1.6, 1.5]),
    "weight decay": (lambda w: nn.SGD(w, 0.1, weight_decay=0.5), [2 - 0.1 * 5, 1.5 - 0.1 * 1.75]),
    "momentum": (lambda w: nn.SGD(w, 0.1, momentum=0.5), [1.6, 1.6 - 0.1 * (0.5 * 4 + 1)]),
    "Nesterov": (
        lambda w: nn.SGD(w, 0.1, momentum=0.5, nesterov=True),
        [2 - 0.1 * (4 + 0.5 * 4), 1.4 - 0.1 * (1 + 0.5 * (0.5 * 4 + 1))],
    ),
    "schedule": (lambda w: nn.SGD(w, lambda t: (0.1, 0.3)[t]), [1.6, 1.3]),
    # m = 2, s = 4 after the first gradient, corrected by 1/2 and 1/4: 4/sqrt(16); then m = 1.5, s = 3.25
    "Adam": (
        lambda w: nn.Adam(w, 0.1, betas=(0.5, 0.75), eps=0.0),
        [1.9, 1.9 - 0.1 * (1.5 / 0.75) / math.sqrt(3.25 / 0.4375)],
    ),
    "Adam with eps": (lambda w: nn.Adam(w, 0.1, eps=1.0), [2 - 0.1 * 4 / (4 + 1)]),
    "AdamW": (
        lambda w: nn.AdamW(w, 0.1, betas=(0.5, 0.75), eps=0.0, weight_decay=0.5),
        [2 * 0.95 - 0.1, 1.8 * 0.95 - 0.1 * (1.5 / 0.75) / math.sqrt(3.25 / 0.4375)],
    ),
    "RMSprop": (
        lambda w: nn.RMSprop(w, 0.1, alpha=0.75, eps=0.0),
        [2 - 0.1 * 4 / 2, 1.8 - 0.1 * 1 / math.sqrt(3.25)],
    ),
    "RMSprop with momentum": (
        lambda w: nn.RMSprop(w, 0.1, alpha=0.75, eps=1e-300, momentum=0.5),
        [1.8, 1.8 - 0.1 * (0.5 * 2 + 1 / math.sqrt(3.25))],
    ),
}


@pytest.mark.parametrize(("make", "expected"), FIRST_STEPS.values(), ids=FIRST_STEPS)
def test_the_first_steps_are_those_computed_by_hand(make, expected):
    w = Value(2.0)
    optimizer = make([w])
    for gradient, data in zip((4.0, 1.0), expected, strict=False):
        w.grad = gradient
        optimizer.step()
        assert w.data == pytest.approx(data, rel=1e-15, abs=0)
    assert optimizer.steps == len(expected)


def test_every_optimizer_is_tried():
    by_hand = {type(make([Value(1.0)])).__name__ for make, _ in FIRST_STEPS.values()}
    missing = sorted(optimizers() - by_hand)
    assert not missing, f"add the first steps of {missing}, computed by hand, to FIRST_STEPS above"
    states = {type(make([Value(1.0)])).__name__ for make, _ in STATES.values()}
    missing = sorted(optimizers() - states)
    assert not missing, f"add the state of {missing} after two steps, computed by hand, to STATES below"


def test_every_optimizer_reaches_the_minimum_of_a_parabola():
    for make in (nn.SGD, nn.Adam, nn.RMSprop):
        w = Value(5.0)
        optimizer = make([w], schedules.cosine(0.5, 300))
        for _ in range(300):
            optimizer.zero_grad()
            ((w - 2) ** 2).backward()
            optimizer.step()
        assert w.data == pytest.approx(2.0, abs=1e-2)


# What an optimizer takes, keeps and leaves


def test_step_moves_only_its_parameters_and_zero_grad_clears_only_theirs():
    mine, other = Value(1.0), Value(2.0)
    optimizer = nn.SGD(mine, 0.5)  # a lone Value, too
    (mine * other).backward()
    optimizer.step()
    assert (mine.data, other.data) == (0.0, 2.0)
    optimizer.zero_grad()
    assert (mine.grad, other.grad) == (0.0, 1.0)
    assert repr(mine) == "Value(data=0.0)"


def test_parameters_may_come_from_a_generator_and_equal_numbers_are_no_duplicates():
    ws = [Value(1.0), Value(1.0)]
    assert nn.SGD(w for w in ws).parameters == ws


def test_rate_is_that_of_the_next_step_and_lr_can_be_changed():
    optimizer = nn.SGD([Value(1.0)], schedules.step(1.0, 0.5, every=1))
    assert optimizer.rate() == 1.0
    optimizer.step()
    assert optimizer.rate() == 0.5
    optimizer.lr = 0.125
    assert optimizer.rate() == 0.125


@pytest.mark.parametrize("make", [nn.Adam, nn.AdamW, nn.RMSprop])
@pytest.mark.parametrize("gradient", [0.0, 1e-200, 1e200, -1e200])
def test_extreme_gradients_neither_raise_nor_make_nan(make, gradient):
    w = Value(1.0)
    optimizer = make([w], 0.1, eps=1e-8)
    for _ in range(3):
        w.grad = gradient
        optimizer.step()
    assert math.isfinite(w.data)


class Odd(nn.Optimizer):
    """Moves by -1, but what it does with w = 13 is up to `bad`."""

    def __init__(self, parameters, bad):
        super().__init__(parameters, 0.1)
        self.bad = bad

    def update(self, w, g, state, rate, step):
        return (self.bad() if w == 13 else w - 1), (*state, step)


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (lambda: 1 / 0, ZeroDivisionError),
        (lambda: (_ for _ in ()).throw(KeyboardInterrupt), KeyboardInterrupt),
        (lambda: None, TypeError),
        (lambda: 1j, TypeError),
        (lambda: 10**400, OverflowError),
    ],
    ids=["raises", "is interrupted", "answers None", "answers a complex number", "answers an int above all floats"],
)
def test_when_an_update_fails_no_parameter_has_moved_and_nothing_is_remembered(bad, kind):
    ws = [Value(1.0), Value(13.0), Value(2.0)]
    optimizer = Odd(ws, bad)
    with pytest.raises(kind):
        optimizer.step()
    assert [w.data for w in ws] == [1.0, 13.0, 2.0]
    assert (optimizer.steps, optimizer.state) == (0, [(), (), ()])
    ws[1].data = 3.0
    optimizer.step()
    assert [w.data for w in ws] == [0.0, 2.0, 1.0]
    assert (optimizer.steps, optimizer.state) == (1, [(1,)] * 3)


def interrupted(function, after):
    """Call `function`, and press Ctrl-C when that many of its lines have begun; return whether that came to be."""
    lines = 0

    def line(frame, event, argument):
        nonlocal lines
        lines += event == "line"
        if lines > after:
            raise KeyboardInterrupt
        return line

    before = sys.gettrace()
    sys.settrace(lambda frame, event, argument: line if frame.f_code is function.__func__.__code__ else None)
    try:
        function()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


def test_an_interrupt_at_any_line_of_a_step_leaves_all_parameters_moved_or_none():
    after = 0
    while True:
        ws = [Value(1.0), Value(2.0), Value(3.0)]
        stopped = interrupted(Odd(ws, None).step, after)
        assert [w.data for w in ws] in ([1.0, 2.0, 3.0], [0.0, 1.0, 2.0]), f"interrupted after {after} lines"
        if not stopped:
            break
        after += 1
    assert after > 3


def test_when_a_schedule_raises_no_parameter_has_moved():
    w = Value(1.0)
    w.grad = 1.0
    with pytest.raises(ZeroDivisionError):
        nn.SGD([w], lambda t: 1 / t).step()
    assert w.data == 1.0


def test_an_optimizer_of_ones_own_has_no_weight_decay_unless_it_asks_for_some():
    assert Odd([Value(1.0)], None).weight_decay == 0.0


def test_an_optimizer_without_a_rule_says_so():
    with pytest.raises(NotImplementedError, match="Optimizer must say how it updates a parameter"):
        nn.Optimizer([Value(1.0)], 0.1).step()


A = Value(1.0, "a")
BAD = {
    "negative lr": (lambda: nn.SGD([A], -0.1), ValueError, "lr must be at least 0 and below inf, got -0.1"),
    "nan lr": (lambda: nn.Adam([A], math.nan), ValueError, "lr must be .* got nan"),
    "infinite lr": (lambda: nn.Adam([A], math.inf), ValueError, "lr must be .* got inf"),
    "lr as text": (lambda: nn.SGD([A], "0.1"), TypeError, "expected one real number"),
    "lr as Value": (lambda: nn.SGD([A], Value(0.1)), TypeError, "expected one real number"),
    "negative momentum": (lambda: nn.SGD([A], momentum=-0.5), ValueError, "momentum must be at least 0"),
    "nan momentum": (lambda: nn.RMSprop([A], momentum=math.nan), ValueError, "momentum must be at least 0"),
    "Nesterov alone": (lambda: nn.SGD([A], nesterov=True), ValueError, "nesterov=True needs a momentum above 0"),
    "negative decay": (lambda: nn.AdamW([A], weight_decay=-1), ValueError, "weight_decay must be at least 0"),
    "beta 1": (lambda: nn.Adam([A], betas=(1.0, 0.9)), ValueError, r"betas\[0\] must be at least 0 and below 1.0"),
    "negative beta": (lambda: nn.AdamW([A], betas=(0.9, -0.1)), ValueError, r"betas\[1\] must be at least 0"),
    "alpha 1": (lambda: nn.RMSprop([A], alpha=1.0), ValueError, "alpha must be at least 0 and below 1.0, got 1.0"),
    "negative eps": (lambda: nn.Adam([A], eps=-1e-8), ValueError, "eps must be at least 0"),
    "no parameters": (lambda: nn.Adam([]), ValueError, "Adam got no parameters"),
    "not a Value": (lambda: nn.SGD([A, 1.0]), TypeError, "parameters must be Values, got float: 1.0"),
    "not a leaf": (lambda: nn.SGD([A * 2]), ValueError, "only leaves can be moved"),
    "twice": (lambda: nn.SGD([A, Value(2.0), A]), ValueError, "a parameter is listed twice"),
    "max_norm 0": (lambda: nn.clip_gradient_norm([A], 0), ValueError, "max_norm must be above 0 and below inf, got 0"),
    "nan max_norm": (lambda: nn.clip_gradient_norm([A], math.nan), ValueError, "max_norm must be above 0"),
    "negative limit": (lambda: nn.clip_gradient_value([A], -1), ValueError, "limit must be above 0"),
}


@pytest.mark.parametrize(("call", "kind", "message"), BAD.values(), ids=BAD)
def test_bad_arguments_are_refused_by_name(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


# Norms and clipping


def graded(*gradients):
    values = [Value(0.0) for _ in gradients]
    for value, gradient in zip(values, gradients, strict=True):
        value.grad = gradient
    return values


def test_the_gradient_norm_is_the_euclidean_length_and_does_not_overflow():
    assert nn.gradient_norm(graded(3.0, -4.0)) == 5.0
    assert nn.gradient_norm(graded(3e200, 4e200)) == pytest.approx(5e200, rel=1e-15, abs=0)
    assert nn.gradient_norm([]) == 0.0


def test_clipping_by_norm_keeps_the_direction_and_answers_the_norm_before():
    ws = graded(3.0, -4.0, 0.0)
    assert nn.clip_gradient_norm(iter(ws), 0.5) == 5.0
    assert [w.grad for w in ws] == pytest.approx([0.3, -0.4, 0.0], rel=1e-6, abs=0)
    assert nn.gradient_norm(ws) <= 0.5


def test_a_gradient_within_the_norm_is_left_bit_for_bit():
    ws = graded(0.3, -0.4)
    nn.clip_gradient_norm(ws, 1.0)
    assert [w.grad for w in ws] == [0.3, -0.4]


def test_clipping_by_value_bounds_each_gradient_alone_and_keeps_nan_visible():
    ws = graded(3.0, -4.0, 0.5, math.inf, math.nan)
    nn.clip_gradient_value(ws, 1.0)
    assert [w.grad for w in ws[:4]] == [1.0, -1.0, 0.5, 1.0]
    assert math.isnan(ws[4].grad)


STATES = {
    # after steps by the gradients 2 and -4: what the papers call velocity, first moment, second moment
    "SGD": (lambda ws: nn.SGD(ws, 0.5), ()),
    "momentum": (lambda ws: nn.SGD(ws, 0.5, momentum=0.25), (0.25 * 2 - 4,)),
    "Nesterov": (lambda ws: nn.SGD(ws, 0.5, momentum=0.25, nesterov=True), (0.25 * 2 - 4,)),
    "Adam": (lambda ws: nn.Adam(ws, 0.5, betas=(0.5, 0.75)), (0.5 * 1 - 0.5 * 4, 0.75 * 1 + 0.25 * 16)),
    "AdamW": (lambda ws: nn.AdamW(ws, 0.5, betas=(0.5, 0.75)), (0.5 * 1 - 0.5 * 4, 0.75 * 1 + 0.25 * 16)),
    "RMSprop": (
        lambda ws: nn.RMSprop(ws, 0.5, alpha=0.75, eps=1e-300, momentum=0.5),
        (0.75 * 1 + 0.25 * 16, 0.5 * 2 / 1 - 4 / 4.75**0.5),
    ),
}


@pytest.mark.parametrize(("make", "expected"), STATES.values(), ids=STATES)
def test_the_state_of_a_parameter_is_what_the_papers_keep_without_corrections_and_rates(make, expected):
    w, still = Value(3.0), Value(1.0)
    optimizer = make([w, still])
    assert optimizer.state == [(), ()]
    for gradient in (2.0, -4.0):
        w.grad = gradient
        optimizer.step()
    assert optimizer.state[0] == pytest.approx(expected, rel=1e-14)
    assert set(optimizer.state[1]) <= {0.0}
    assert optimizer.steps == 2
