"""What all parsers of arguments share: control characters in what was given never reach the terminal."""

from __future__ import annotations

import argparse
from typing import NoReturn

from autodiff.support.labels import printable


class Parser(argparse.ArgumentParser):
    """A parser of arguments, as Python's own, whose messages can be shown."""

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Exit with a status, and write the message with its control characters written out."""
        super().exit(status, message and printable(message))
