"""The command line: `autodiff` alone trains the 1-1-1 network, `autodiff VERB ...` shows an expression.

Each verb has its own file, with a function `run(arguments)` that answers the status.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Sequence

from autodiff.cli import derive, graph, page, step, training

VERBS: dict[str, Callable[[Sequence[str]], int]] = {
    "derive": derive.run,
    "graph": graph.run,
    "page": page.run,
    "step": step.run,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its status: 0, or 1 when the training diverged. Wrong arguments exit with 2."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that has no ∂ shows it as an escape
    try:
        status = VERBS[given[0]](given[1:]) if given and given[0] in VERBS else training.run(given)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough, as in `autodiff --json | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status
