"""The command without a verb, `autodiff`: it trains the 1-1-1 network and shows every number of it."""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from autodiff import TrainingSteps, Value, __version__, nn, training_steps
from autodiff.cli.parser import Parser
from autodiff.show.story.training import MAX_STEPS

INPUT, TARGET = 4.0, 1.0
WEIGHTS = (1.5, 1.0)
NAMES = ("w1", "w2", "x", "t")
# The step size at which the first step answers 5.5: with s = dL/dy at the start and u = lr s, it is the smaller root of
# 4 (w1 - 4 u w2) (w2 - 4 u w1) = 5.5 for the weights above. s is 10 for the squared error, 1 for the absolute one.
U = (13 - math.sqrt(157)) / 48
RATES = {"squared_error": U / 10, "absolute_error": U}
FORMULAS = {"squared_error": "(y - t)**2", "absolute_error": "|y - t|"}
MAX_ERROR = 5e-7  # of the output, when it has converged: 0 to the printed digits
PRINTED_STEPS = {0, 1, 2, 3, 4, 5, *(digit * 10**power for digit in (1, 2, 5) for power in range(1, 9))}


@dataclass(frozen=True)
class Row:
    """The network before a step.

    Attributes:
        step: how many steps were made.
        w1: the weight from the input to the hidden neuron.
        w2: the weight from the hidden to the output neuron.
        output: y = w2 (w1 x).
        error: y - target.
        gradient: the derivatives of the loss by w1 and w2.
    """

    step: int
    w1: float
    w2: float
    output: float
    error: float
    gradient: tuple[float, float]

    def __str__(self) -> str:
        g1, g2 = self.gradient
        shown = [round(x, 6) + 0.0 for x in (self.w1, self.w2, self.output, self.error)]  # never "-0.000000"
        numbers = "".join(f"{x:13.6f}" if abs(x) < 1e4 else f"{x:13.5e}" for x in shown)
        return f"{self.step:6}{numbers}   ({g1:.6g}, {g2:.6g})"


def train(weights: Sequence[float], loss: str, lr: float, steps: int) -> tuple[list[Row], str]:
    """Return the steps of gradient descent, and how it ended: "converged", "diverged", "stuck" or "unfinished"."""
    model = nn.MLP(1, [1, 1], "identity", bias=False)
    w1, w2 = model.parameters()
    w1.data, w2.data = weights
    optimizer = nn.SGD([w1, w2], lr=lr)
    rows: list[Row] = []
    for step in range(steps + 1):
        output = model(INPUT)
        optimizer.zero_grad()
        nn.LOSSES[loss](output, TARGET).backward()
        row = Row(step, w1.data, w2.data, output.data, output.data - TARGET, (w1.grad, w2.grad))
        if not all(map(math.isfinite, (row.error, *row.gradient))):
            return rows, "diverged"
        rows.append(row)
        if abs(row.error) > 1e6 * max(1.0, abs(rows[0].error)):
            return rows, "diverged"
        if abs(row.error) < MAX_ERROR:
            return rows, "converged"
        if row.gradient == (0.0, 0.0):
            return rows, "stuck"
        optimizer.step()
    return rows, "unfinished"


def run(given: Sequence[str], verbs: str) -> int:
    """Train as the arguments say; return the status: 0, or 1 when the training diverged. The help ends with `verbs`."""
    # argparse takes "-1e-1" for an option; a space in front makes it a number like any other
    parser = _parser(verbs)
    options = parser.parse_args([f" {text}" if text.startswith("-") and _is_number(text) else text for text in given])
    if options.weights is None:
        rng = random.Random(options.seed)
        options.weights = WEIGHTS if options.seed is None else (rng.uniform(-1, 1), rng.uniform(-1, 1))
    lr = RATES[options.loss] if options.lr is None else options.lr
    rows, end = train(options.weights, options.loss, lr, options.steps)
    last = rows[-1]
    if options.output is not None:
        try:
            _story(options, lr, last.step).save(options.output)
        except OSError as error:
            parser.error(f"cannot write {error.filename}: {error.strerror}")
        except ValueError as error:
            parser.error(str(error))
    overshot = any(row.error * rows[0].error < 0 for row in rows)
    if options.json:
        settings = {"input": INPUT, "target": TARGET, "loss": options.loss, "lr": lr, "weights": list(options.weights)}
        print(
            json.dumps({**settings, "end": end, "overshot": overshot, "steps": [asdict(row) for row in rows]}, indent=1)
        )
    else:
        print(_preface(options, lr))
        print(f"{'step':>6}{'w1':>13}{'w2':>13}{'output':>13}{'error':>13}   gradient (dL/dw1, dL/dw2)")
        for row in rows:
            if row.step in PRINTED_STEPS or row is last or end == "diverged":
                print(row)
        print(_ending(rows, end, overshot))
    if end == "diverged":
        print(
            f"autodiff: error: the training diverged: at a step size of {lr:g} the output gets further and further "
            "from the target; try a smaller --lr",
            file=sys.stderr,
        )
    return 1 if end == "diverged" else 0


def _story(options: argparse.Namespace, lr: float, steps: int) -> TrainingSteps:
    """Return the training, at most its first 1,000 steps, to step through.

    Raises:
        ValueError: if no step was made.
    """
    w1, w2, x, t = [Value(n, name) for n, name in zip((*options.weights, INPUT, TARGET), NAMES, strict=True)]

    def forward() -> Value:
        hidden = w1 * x
        output = w2 * hidden
        loss: Value = nn.LOSSES[options.loss](output, t)
        for node, name in ((hidden, "h"), (output, "y"), (loss.parents[0], "error"), (loss, "L")):
            node.label = name
        return loss

    return training_steps(forward, [w1, w2], lr=lr, steps=min(steps, MAX_STEPS))


def _preface(options: argparse.Namespace, lr: float) -> str:
    w1, w2 = options.weights
    ours = options.lr is None and tuple(options.weights) == WEIGHTS
    reason = ", with which the first step answers 5.5" if ours else ""
    return (
        "The 1-1-1 network: y = w2 (w1 x), no bias, identity activation, trained by gradient descent.\n"
        "From the documents: input x = 4, target t = 1; untrained output 6 (error 5), then 5.5 (error 4.5), "
        "in the end 1 (error 0).\n"
        f"Our choice: the initial weights {w1:g} and {w2:g}, the loss {FORMULAS[options.loss]}, "
        f"the step size {lr:.6g}{reason}.\n"
    )


def _ending(rows: Sequence[Row], end: str, overshot: bool) -> str:
    last = rows[-1]
    converged = end == "converged"
    digits = ".6f" if converged else ".6g"
    error = abs(last.error) if converged else last.error  # never "-0.000000"
    weights = f"after {last.step} steps: w1 = {last.w1:{digits}}, w2 = {last.w2:{digits}}"
    reached = f"(output {last.output:{digits}}, error {error:{digits}})"
    across = "; the output overshot the target on the way" if overshot else ""
    hint = {
        "stuck": "; the gradient is 0 here, so no step size moves the weights: start from others",
        "unfinished": "; to get nearer, try " + ("a smaller --lr" if overshot else "more --steps or a larger --lr"),
    }.get(end, "")
    return f"\n{'Trained weights' if converged else 'Weights'} {weights} {reached}{across}{hint}."


def _parser(verbs: str) -> argparse.ArgumentParser:
    parser = Parser(
        prog="autodiff",
        description="Train the 1-1-1 network: one input, one hidden, one output neuron, two weights; 4 in, target 1.",
        epilog="examples:\n  autodiff                  from output 6 to output 1\n"
        "  autodiff --lr 0.002       twice the step size, about half as many steps\n"
        "  autodiff --lr 0.05        too large: it overshoots further and further, status 1\n"
        "  autodiff --weights 2 3 --json\n"
        "  autodiff -o training.html\n"
        f"\n{verbs}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--lr", type=_rate, metavar="RATE", help="the step size (default: the first step gives 5.5)")
    parser.add_argument("--steps", type=_count, default=10_000, metavar="N", help="at most (default: %(default)s)")
    parser.add_argument(
        "--loss", choices=RATES, default="squared_error", help="what is descended (default: %(default)s)"
    )
    start = parser.add_mutually_exclusive_group()
    start.add_argument(
        "--weights", type=_weight, nargs=2, metavar=("W1", "W2"), help="the initial weights (default: 1.5 1)"
    )
    start.add_argument("--seed", type=_seed, help="draw the initial weights from -1 to 1")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the steps as a page to step through, a .html")
    parser.add_argument("--json", action="store_true", help="print every step as JSON")
    parser.add_argument("--version", action="version", version=f"autodiff {__version__}")
    return parser


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(kind: Callable[[str], Any], accepts: Callable[[Any], bool], expected: str) -> Callable[[str], Any]:
    """Return a reader of an argument that says what it expected."""

    def read(text: str) -> Any:
        try:
            number = kind(text)
        except ValueError:
            number = math.nan
        if not accepts(number):
            raise argparse.ArgumentTypeError(f"expected {expected}, got {text.strip()[:50]!r}")
        return number

    return read


_weight = _number(float, lambda x: abs(x) <= 1e6, "a number from -1e6 to 1e6")
_rate = _number(float, lambda x: 0 < x < math.inf, "a number above 0")
_count = _number(int, lambda x: 0 <= x <= 10**6, "a whole number from 0 to 1000000")
_seed = _number(int, lambda x: x == x, "a whole number")
