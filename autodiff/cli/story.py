"""The steps of an expression, for the verbs that tell them."""

from __future__ import annotations

import argparse

from autodiff.show.stepper.steps import Steps
from autodiff.show.story.beside import mistaken


def add_misconception(parser: argparse.ArgumentParser) -> None:
    """Add the option that plays a mistake beside the right pass."""
    parser.add_argument("--misconception", metavar="NAME", help="a mistake whose numbers stand beside the right ones")


def story_of(options: argparse.Namespace, misconception: str | None = None) -> Steps:
    """Return the steps of the expression that was read.

    Raises:
        ValueError: if there is no such misconception, or it cannot be made in this expression.
    """
    beside = None if misconception is None else mistaken(options.root, misconception)
    return Steps(options.root, {}, number_format=options.number_format, beside=beside)
