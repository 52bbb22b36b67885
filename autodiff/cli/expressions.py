"""The arguments that all verbs on expressions share: ``EXPR name=value ...``; errors are one line, with status 2."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from difflib import get_close_matches
from itertools import takewhile
from typing import Any, NoReturn

from autodiff.cli.parser import Parser
from autodiff.expression import ExpressionError, parse

DATA = "\0"  # no argument of a process can hold it; in front of "-x" it keeps argparse from seeing an option


class ExpressionParser(Parser):
    """A parser of the arguments of one verb; options are added as to any `argparse.ArgumentParser`.

    Args:
        verb: the name of the command after `autodiff`.
        description: what it does, in one sentence.
        examples: lines of the help, each a command and what it does.
    """

    def __init__(self, verb: str, description: str, examples: Sequence[str]) -> None:
        super().__init__(
            prog=f"autodiff {verb}",
            description=description,
            epilog="examples:\n" + "\n".join([f"  autodiff {verb} {example}" for example in examples]),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self.add_argument("expression", metavar="EXPR", help='such as "tanh(w*x + b)": + - * / ** and functions')
        self.add_argument("assignments", metavar="NAME=VALUE", nargs="*", help="a number for each name, such as w=-0.5")

    def read(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Return the options, with the graph of the expression as `root` and its named leaves as `leaves`."""
        self._refuse_unknown(arguments)
        protected = [self._protected(argument) for argument in arguments if argument != "--"]
        options = self.parse_intermixed_args(protected)
        try:
            numbers = _numbers([text.removeprefix(DATA) for text in options.assignments])
            options.root, options.leaves = parse(options.expression.removeprefix(DATA), numbers)
        except ExpressionError as error:
            self.error(str(error))
        return options

    def error(self, message: str) -> NoReturn:
        """Exit with status 2 and one line."""
        self.exit(
            2, f"{self.prog}: error: {' '.join(message.replace(DATA, '').split()).removesuffix(', NAME=VALUE')}\n"
        )

    def _refuse_unknown(self, arguments: Sequence[str]) -> None:
        """Exit if an argument is a word after two minus signs that is no option, unless ``--`` comes before it.

        What has more than a word in it, such as ``--x*w``, or is the only candidate for the expression, is one.
        """
        words = list(takewhile("--".__ne__, arguments))
        others = [word for word in arguments if word != "--" and "=" not in word and word[:2] != "--"]
        for word in words:
            name = word.partition("=")[0]
            if re.fullmatch("--[a-z][a-z-]+", name) and name not in self._option_string_actions and others:
                near = get_close_matches(name, self._option_string_actions, 1, 0.0)
                self.error(f"there is no option {name[:50]}; the nearest is {near[0]}")

    def _protected(self, argument: str) -> str:
        """Return the argument such that "-x", if it is no option, is data: an expression may begin with a minus."""
        known: Any = self._option_string_actions
        return argument if argument.partition("=")[0] in known or argument[:1] != "-" else DATA + argument


def _numbers(assignments: Sequence[str]) -> dict[str, float]:
    numbers: dict[str, float] = {}
    for text in assignments:
        name, equals, number = map(str.strip, text.partition("="))
        if not equals:
            raise ExpressionError(f"expected NAME=VALUE, such as w=3, got {text[:50]!r}")
        if name in numbers:
            raise ExpressionError(f"{name[:50]!r} was given two values")
        try:
            numbers[name] = float(number)
        except ValueError:
            raise ExpressionError(f"the value of {name[:50]} is no number: {number[:50]!r}") from None
    return numbers
