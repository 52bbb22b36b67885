"""Names for registers: the learner's labels as Python identifiers, each once, and none that means something else."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

LONGEST = 40


class Names:
    """Hands out identifiers.

    >>> names = Names({"exp"})
    >>> [names.new(label) for label in ("w", "w", "exp", "x 1", "2nd", "class")]
    ['w', 'w_2', 'exp_2', 'x_1', '_2nd', 'class_2']
    """

    def __init__(self, reserved: Iterable[str]) -> None:
        self.used = {*reserved, *keyword.kwlist, *keyword.softkwlist, *dir(builtins)}
        self.count: dict[str, int] = {}

    def new(self, label: str) -> str:
        """Return an identifier like `label`: whatever is no ASCII letter or digit becomes an underscore."""
        name = re.sub(r"\W", "_", label[:LONGEST], flags=re.ASCII)
        if not name.isidentifier():
            name = f"_{name}"
        first = name
        while name in self.used:
            self.count[first] = self.count.get(first, 1) + 1
            name = f"{first}_{self.count[first]}"
        self.used.add(name)
        return name
