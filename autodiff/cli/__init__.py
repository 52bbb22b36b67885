"""The command line: `autodiff` alone trains the 1-1-1 network, `autodiff VERB ...` shows an expression.

Each verb has its own file, which is named after it: `USAGE` and `SUMMARY` are its line in the help of `autodiff`, and
`run(arguments)` answers the status. `VERBS` lists the files in the order of that help.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches

from autodiff.cli import check_engine, derive, exercise, graph, page, step, training

VERBS = {
    file.__name__.rpartition(".")[2].replace("_", "-"): file
    for file in (graph, step, derive, page, exercise, check_engine)
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its status: 0, or 1 when the training diverged. Wrong arguments exit with 2."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that has no ∂ shows it as an escape
    near = get_close_matches(given[0], VERBS, 1) if given and given[0][:1] != "-" and given[0] not in VERBS else []
    if near:
        print(f"autodiff: error: no verb is called {given[0]!r}: did you mean {near[0]}?", file=sys.stderr)
        return 2
    try:
        status = VERBS[given[0]].run(given[1:]) if given and given[0] in VERBS else training.run(given, _verbs())
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough, as in `autodiff --json | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # a full disk, say; what was not written must not be tried again at the exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"autodiff: error: cannot write standard output: {error.strerror}", file=sys.stderr)
        return 2
    return status


def _verbs() -> str:
    """Return the lines of the help on the verbs, in two columns."""
    usages = [f"  autodiff {name} {verb.USAGE}" for name, verb in VERBS.items()]
    width = max(map(len, usages))
    lines = [f"{usage:{width}}    {verb.SUMMARY}" for usage, verb in zip(usages, VERBS.values(), strict=True)]
    return "\n".join(["verbs, each with its own --help:", *lines])
