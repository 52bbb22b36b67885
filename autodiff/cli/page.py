"""`autodiff page`: the steps of an expression as a page to click through, in one file."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from autodiff.cli.expressions import DATA, ExpressionParser
from autodiff.cli.story import add_misconception, story_of
from autodiff.support import files

USAGE = "EXPR NAME=VALUE ... -o steps.html"
SUMMARY = "the steps as a page to click through"
EXAMPLES = (
    '"(w*x + b - y)**2" w=3 x=2 b=1 y=5 -o steps.html',
    '"tanh(w*x + b)" w=0.5 x=4 b=-1 > steps.html',
)


def run(arguments: Sequence[str]) -> int:
    """Write the page; return the status."""
    parser = ExpressionParser("page", "Write the steps of an expression as a page, which needs no server.", EXAMPLES)
    parser.add_argument("-o", "--output", metavar="FILE", help="write to FILE, not to standard output")
    add_misconception(parser)
    options = parser.read(arguments)
    try:
        page = story_of(options, options.misconception).html
        if options.output is None:
            sys.stdout.write(page)
        else:
            files.write(options.output.removeprefix(DATA), page.encode())
    except OSError as error:
        parser.error(f"cannot write {error.filename or 'standard output'}: {error.strerror}")
    except (RuntimeError, ValueError) as error:
        parser.error(str(error))
    return 0
