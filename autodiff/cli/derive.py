"""`autodiff derive`: the chain rule for an expression, with symbols, with numbers, and its value."""

from __future__ import annotations

from collections.abc import Sequence

from autodiff.cli.expressions import ExpressionParser
from autodiff.formulas.vocabulary import CONSTANTS
from autodiff.show.story.derive import derivation
from autodiff.show.story.story import Story

USAGE = "EXPR --wrt NAME NAME=VALUE ..."
SUMMARY = "write down the chain rule"
EXAMPLES = (
    '"(w*x + b - y)**2" --wrt w w=3 x=2 b=1 y=5',
    '"tanh(w*x + b)" --wrt w --latex w=0.5 x=4 b=-1',
)


def run(arguments: Sequence[str]) -> int:
    """Derive an expression; return the status."""
    parser = ExpressionParser("derive", "Write down the chain rule for an expression.", EXAMPLES)
    parser.add_argument("--wrt", metavar="NAME", required=True, help="the name to differentiate by")
    parser.add_argument("--latex", action="store_true", help="as LaTeX, for a formula that is set by itself")
    options = parser.read(arguments)
    if options.wrt not in options.named:
        names = ", ".join(options.named) or "none"
        cure = f"; for {options.wrt} as a name add {options.wrt}=NUMBER" if options.wrt in CONSTANTS else ""
        parser.error(f"--wrt must be a name in the expression, got {options.wrt[:50]!r}; there are {names}{cure}")
    try:
        story = Story(options.root, {}, options.number_format)
        derived = derivation(story, options.named[options.wrt], options.wrt)
    except ValueError as error:
        parser.error(str(error))
    print(derived.latex if options.latex else derived)
    return 0
