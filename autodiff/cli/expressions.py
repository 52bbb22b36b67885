"""The arguments that all verbs on expressions share: ``EXPR name=value ...``; errors are one line, with status 2."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from itertools import takewhile
from typing import Any, NoReturn

from autodiff.cli.parser import Parser
from autodiff.engine.value import Value
from autodiff.formulas.parse import ExpressionError, parse
from autodiff.support.labels import DIGITS, check_spec

HELP = 'such as "tanh(w*x + b)", with parts named first as in "z = w*x + b; tanh(z)": + - * / ** and functions'
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
        self.add_argument("expression", metavar="EXPR", help=HELP)
        self.add_argument(
            "--number-format",
            metavar="FORMAT",
            default=DIGITS,
            help="how numbers are written, such as .3g (default: .6g)",
        )
        self.add_argument("assignments", metavar="NAME=VALUE", nargs="*", help="a number for each name, such as w=-0.5")

    def read(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Return the options, with the numbers as `numbers`, and the graph as `graph_of` has it, `root` and `named`."""
        self._refuse_unknown(arguments)
        protected = [self._protected(argument) for argument in arguments if argument != "--"]
        options = self.parse_intermixed_args(protected)
        try:
            options.numbers = _numbers([text.removeprefix(DATA) for text in options.assignments])
            options.expression = options.expression.removeprefix(DATA)
            options.root, options.named = graph_of(options.expression, options.numbers)
            check_spec(options.number_format)
        except ValueError as error:
            self.error(str(error).replace("number_format", "--number-format"))
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


def graph_of(expression: str, numbers: Mapping[str, float]) -> tuple[Value, dict[str, Value]]:
    """Return the graph of an expression, and its named nodes by name; the root is called L, if it has no name.

    Raises:
        ValueError: as `parse` does.
    """
    root, named = parse(expression, numbers)
    if not root.label:
        root.label = next(name for name in ("L", "out", "result", "") if name not in named)
    return root, named


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
