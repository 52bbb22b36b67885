"""The ways of data through the house: which files are entered, in order, when something is computed for the first time.

`PYTHONPATH=tests python -m helpers.ways` prints the ways of docs/how-it-works.md: how many files each enters, how often
it comes back to a file that it has left, and the functions on it. Only the first call of a function counts, as a reader
reads it once. The words of the engine and of `support/` do not count, but on the backward pass, the engine's own way.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

import autodiff as ad
from autodiff import Value, nn
from autodiff.cli import main

PACKAGE = Path(ad.__file__).parent
KNOWN = ("engine/", "support/", "__init__.py")  # where a way is not followed
READ_AS_A_SIGN = re.compile("<|__(?!init__|call__|str__)")  # comprehensions and lambdas, operators
OF_FUNCTION = 0x2  # the flag of code that has local names: no body of a class, no module


class Way(NamedTuple):
    """What was entered: the files in order, and for each entry the functions that are new."""

    entries: list[tuple[str, list[str]]]

    @property
    def files(self) -> int:
        """How many files there are."""
        return len({name for name, _ in self.entries})

    @property
    def returns(self) -> int:
        """How often the way comes back to a file that it has left."""
        return len(self.entries) - self.files


def walked(call: Callable[[], Any], known: tuple[str, ...] = KNOWN) -> Way:
    """Return the way of a call, without the files that are known."""
    seen: set[CodeType] = set()
    entries: list[tuple[str, list[str]]] = []

    def profile(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event != "call" or code in seen or not code.co_flags & OF_FUNCTION or READ_AS_A_SIGN.match(code.co_name):
            return
        seen.add(code)
        path = Path(code.co_filename)
        if path.is_relative_to(PACKAGE):
            name = path.relative_to(PACKAGE).as_posix()
            if not name.startswith(known):
                if not entries or entries[-1][0] != name:
                    entries.append((name, []))
                entries[-1][1].append(code.co_qualname)

    sys.setprofile(profile)
    try:
        call()
    finally:
        sys.setprofile(None)
    return Way(entries)


def ways() -> Iterator[tuple[str, Way]]:
    """Yield the ways, each with its name."""
    for module in pkgutil.walk_packages([str(PACKAGE)], "autodiff."):  # what is imported on the way is none
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    w, x, b, t = Value(3.0, "w"), Value(2.0, "x"), Value(1.0, "b"), Value(5.0, "t")
    loss = ((w * x + b).tanh() - t) ** 2
    model = nn.MLP(2, [8, 1], "tanh", seed=1)
    samples = nn.data.moons(20, seed=1, classes=(-1, 1))
    hinge = sum([(1 - y * model(x)).relu() for x, y in samples]) / 20
    text = ["derive", "tanh(w*x+b)", "w=1", "x=2", "b=0.5", "--wrt", "w"]
    yield "backward", walked(loss.backward, ("engine/ops.py", "engine/elementary.py", "support/"))
    yield "draw", walked(lambda: ad.draw(loss).svg)
    yield "steps to page", walked(lambda: ad.steps(loss).html)
    yield "replay on floats", walked(lambda: ad.Replay(loss, [w, b], backend="python").gradient())
    yield "replay on arrays", walked(lambda: ad.Replay(hinge, model, backend="arrays").gradient())
    with contextlib.redirect_stdout(io.StringIO()):
        way = walked(lambda: main(text))
    yield "derive of a text", way


if __name__ == "__main__":
    for name, way in ways():
        print(f"{name}: {way.files} files, {way.returns} returns")
        for file, functions in way.entries:
            print(f"    {file:34} {', '.join(functions)}")
