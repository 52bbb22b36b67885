"""`autodiff step`: the forward and the backward pass of an expression, step by step, with a debugger's verbs."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import indent

from autodiff.cli.expressions import ExpressionParser
from autodiff.cli.story import add_misconception, story_of
from autodiff.show.stepper.terminal import HELP, Stepper

USAGE = "EXPR NAME=VALUE ..."
SUMMARY = "step through its forward and its backward pass"
EXAMPLES = (
    '"(w*x + b - y)**2" w=3 x=2 b=1 y=5        and then: next, back, print w, ledger w, quit',
    '"tanh(w*x + b)" w=0.5 x=4 b=-1 < script   commands from a file, one in a line',
    '"w*x + b" w=3 x=2 b=1 --misconception "factors of a product swapped"',
)


def run(arguments: Sequence[str]) -> int:
    """Step through an expression; return the status."""
    parser = ExpressionParser("step", "Step through the forward and the backward pass of an expression.", EXAMPLES)
    parser.epilog = f"{parser.epilog}\n\ncommands:\n{indent(HELP, '  ')}"
    add_misconception(parser)
    options = parser.read(arguments)
    try:
        return Stepper(story_of(options, options.misconception)).run()
    except ValueError as error:
        parser.error(str(error))
