"""What must be true of every graph: its numbers and gradients are those of 40 digits, and those of PyTorch."""

import math
import operator

import mpmath
from oracles.rows import NAMES, ROWS, TRUTH, grouped

from autodiff import Replay, Value, grad
from autodiff.engine.backward import toposort
from autodiff.support.operands import flat
from fuzz.graphs import suits
from fuzz.oracle import DIGITS, MORE_DIGITS, UNIT, Number, Unsuitable, backward, forward, second

SIGNS = {  # rows that people write with a sign: every other step is built so
    **{"ADD": operator.add, "SUB": operator.sub, "MUL": operator.mul, "DIV": operator.truediv},
    **{"POW": operator.pow, "POWER": operator.pow, "NEG": operator.neg, "ABS": operator.abs},
}


class Wrong(AssertionError):
    """A number that the graph answered is not the true one."""


def build(program):
    """Return every node of the graph, leaves first."""
    nodes = [Value(x) for x in program.leaves]
    for i, (name, operands, parameters) in enumerate(program.steps):
        make = SIGNS.get(name, ROWS[name]) if i % 2 else ROWS[name]
        nodes.append(make(*grouped(name, [nodes[k] for k in operands]), *parameters))
    return nodes


def truth(program):
    """Return every node of the graph to 40 digits after the reverse sweep, and the rules of each step."""
    numbers, found = [Number(x) for x in program.leaves], []
    for name, operands, parameters in program.steps:
        number, rule = forward(name, [numbers[k] for k in operands], parameters)
        numbers.append(number)
        found.append(rule)
    numbers[-1].gradient = mpmath.mpf(1)
    for (name, operands, parameters), rule, out in reversed(steps(program, found, numbers)):
        backward(name, rule, out, [numbers[k] for k in operands], parameters)
    if any([max(abs(number.x), abs(number.gradient)) > 1e290 for number in numbers]):
        raise Unsuitable("a float overflows")
    return numbers, found


def steps(program, found, numbers):
    return list(zip(program.steps, found, numbers[len(program.leaves) :], strict=True))


OURS = {
    "POW_SLOPE",
    "SQUARES",
    "DIRECTION",
    "HARMONIC",
    "BELL",
    "X_BELL",
    "GAUSS",
    "NORMAL",
}  # PyTorch has none of these
OURS |= {"EXP_BELOW", "SHARE", "LOG_SHARE"}


def judge(program, *, torch=None, higher=False, replay=False):
    """Return the largest error of a graph, in units of 2**-52 times its bound; 8 are allowed.

    Args:
        program: the graph.
        torch: the module, to compare with PyTorch too.
        higher: whether to compare the second derivatives too.
        replay: whether to compare a replay of the graph too, there and at other numbers.

    Raises:
        Wrong: if a number is further off than that.
        Unsuitable: if the oracle has no answer.
    """
    how = {"torch": torch, "higher": higher, "replay": replay}
    try:
        with mpmath.workdps(DIGITS):
            return largest_error(program, **how)
    except Wrong:  # or it is the oracle that lost all of its digits
        with mpmath.workdps(MORE_DIGITS):
            return largest_error(program, **how)


def largest_error(program, torch, higher, replay):
    """What `judge` returns, by an oracle of as many digits as mpmath has now."""
    numbers, found = truth(program)
    try:
        nodes = build(program)
        nodes[-1].backward()
    except Exception as error:
        raise Wrong(f"{type(error).__name__}: {error}") from error
    worst = 0.0
    for i, (node, number) in enumerate(zip(nodes, numbers, strict=True)):
        worst = max(worst, compare(f"v{i}.data", node.data, number.x, number.bound))
        worst = max(worst, compare(f"v{i}.grad", node.grad, number.gradient, number.gradient_bound))
    if torch and not any([step.name in OURS for step in program.steps]):
        for i, (node, number, tensor) in enumerate(zip(nodes, numbers, in_torch(torch, program), strict=True)):
            compare(f"v{i}.data", node.data, tensor.item(), 4 * number.bound, "PyTorch says")
            slope = 0.0 if tensor.grad is None else tensor.grad.item()
            compare(f"v{i}.grad", node.grad, slope, 4 * number.coarse, "PyTorch says")
    if higher:
        worst = max(worst, judge_second(program, nodes, numbers, found))
    if replay:
        worst = max(worst, judge_replay(program, nodes, numbers))
    return worst


def compare(what, got, want, bound, who=""):
    """Return the error in units of the bound; raise `Wrong` if it is above 8 of 2**-52."""
    off = abs(got - want)
    if not off <= UNIT * bound + 1e-300:
        who = who or f"{mpmath.mp.dps} digits say"
        raise Wrong(
            f"{what} is {got!r}, but {who} {mpmath.nstr(mpmath.mpf(want), 25)}: off by {float(off):.2g}, "
            f"where rounding explains {UNIT * bound:.2g}"
        )
    return float(off / (2.0**-52 * bound)) if off > 1e-300 else 0.0


def judge_second(program, nodes, numbers, found):
    """Compare the derivatives of d output / d leaf by every leaf, for one leaf: those of `grad` of `grad`.

    The truth is the reverse sweep differentiated along the leaf's tangent. The bound is that of the recorded graph of
    the slope, run forward at 40 digits: what its own rows may round.
    """
    leaf = len(program.steps) % len(program.leaves)
    numbers[leaf].tangent = mpmath.mpf(1)
    for (_, operands, _), rule, out in steps(program, found, numbers):
        out.tangent = sum([d * numbers[k].tangent for d, k in zip(rule.slopes, operands, strict=True)])
    for (name, operands, _), rule, out in reversed(steps(program, found, numbers)):
        second(name, rule, out, [numbers[k] for k in operands])
    slope = grad(nodes[-1], nodes[leaf])
    worst = 0.0
    for i, x in enumerate(nodes[: len(program.leaves)]):
        entry = grad(slope, x)
        bound = recorded_bound(entry)
        if bound is not None:
            worst = max(
                worst,
                compare(
                    f"grad(grad(v{len(nodes) - 1}, v{leaf}), v{i})", entry.data, numbers[i].gradient_tangent, bound
                ),
            )
    return worst


def recorded_bound(root):
    """Return the bound of a recorded graph by running it; None where bounds of first order do not hold."""
    order, leaves = toposort(root)
    known = {id(x): Number(x.data) for x in leaves}
    try:
        for node in order:
            numbers = flat(node.saved)[1:]
            operands = [known[id(parent)] for parent in node.parents]
            known[id(node)], _ = forward(NAMES[node.op], operands, numbers[len(operands) :], certain=False)
    except Unsuitable:
        return None
    return known[id(root)].bound


def judge_replay(program, nodes, numbers):
    """Compare a replay of the graph, where it was recorded and with all leaves a quarter larger."""
    leaves = nodes[: len(program.leaves)]
    try:
        replay = Replay(nodes[-1], leaves)
    except Exception as error:
        raise Wrong(f"Replay: {type(error).__name__}: {error}") from error
    worst = compare_replay(replay, numbers, len(leaves))
    other = program._replace(leaves=tuple([1.25 * x for x in program.leaves]))
    try:
        numbers, _ = truth(other)
    except Unsuitable:
        return worst
    if not all([suits(number) for number in numbers]):
        return worst
    replay.values = other.leaves
    return max(worst, compare_replay(replay, numbers, len(leaves)))


def compare_replay(replay, numbers, leaves):
    loss, gradient = replay.gradient()
    worst = compare("the replay's loss", loss, numbers[-1].x, numbers[-1].bound)
    for i, (slope, number) in enumerate(zip(gradient, numbers[:leaves], strict=True)):
        worst = max(worst, compare(f"the replay's v{i}.grad", float(slope), number.gradient, number.gradient_bound))
    return worst


def in_torch(torch, program):
    """Return every node of the graph as a tensor, after backward."""

    def where(x, y, tie):
        return torch.where(x > y, 1.0, torch.where(x < y, 0.0, tie)).double().requires_grad_()

    def logsumexp(*xs):  # its own loses digits, in its slopes those of out, in its value those of a sum near 1
        top, *others = sorted(xs, key=lambda x: -x.item())
        return top + torch.log1p(sum([torch.exp(x - top) for x in others], torch.zeros(())))

    own = {
        "LOGSUMEXP": logsumexp,
        "HEAVISIDE": lambda x, at_zero: where(x, torch.zeros_like(x), at_zero),
        "STEP": where,
        "SOFTPLUS": lambda x: torch.nn.functional.softplus(x, threshold=40.0),  # its own 20 drops 2e-9
        "GELU": lambda x: 0.5 * x * torch.erfc(-x * math.sqrt(0.5)),  # its own 1 + erf cancels
        "IDENTITY": lambda x: x.clone(),
        "CBRT": lambda x: torch.sign(x) * torch.abs(x) ** (1 / 3),
        "WHERE": lambda condition, x, y: torch.where(condition != 0, x, y),
        "DETACH": lambda x: x.detach().clone().requires_grad_(),
        "HOLD": lambda x: x.detach().clone().requires_grad_(),
        "RATIO": torch.div,
        "MASK": torch.mul,
        "POWER0": lambda x, n, k: torch.pow(x, n - k),
        "SECH": lambda x: 1 / torch.cosh(x),
    }
    tensors = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in program.leaves]
    for name, operands, parameters in program.steps:
        xs = [tensors[k] for k in operands]
        if name == "DOT":
            n = len(xs) // 2
            out = torch.dot(torch.stack(xs[:n]), torch.stack(xs[n : 2 * n])) + sum(xs[2 * n :])
        elif name in own:
            out = own[name](*xs, *parameters)
        else:
            assert TRUTH[name].torch, (
                f"say what {name} is in PyTorch: torch= of its line in TRUTH, or a line of `own` here"
            )
            function = operator.attrgetter(TRUTH[name].torch)(torch)
            out = function(torch.stack(xs), dim=0) if ROWS[name].arity is None else function(*xs, *parameters)
        out.retain_grad()
        tensors.append(out)
    tensors[-1].backward()
    return tensors
