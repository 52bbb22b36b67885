"""Modules: objects that hold parameters, by name; and how the parameters are saved and loaded."""

from __future__ import annotations

import json
import math
import os
import reprlib
from collections.abc import Iterable, Iterator
from typing import Any

from autodiff import files
from autodiff.atomic import all_or_nothing
from autodiff.value import Value

FORMAT = "autodiff parameters"
VERSION = 1
LARGEST_FILE = 64 * 2**20  # bytes: a million parameters with long names


class Module:
    """An object whose attributes hold parameters: leaf Values, Modules, and lists, tuples or dicts of them.

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.intercepts = Value(2.0), [Value(1.0)]
    >>> [name for name, _ in Line().named_parameters()]
    ['slope', 'intercepts.0']

    A class may have `__slots__`; those whose names begin with an underscore hold no parameters.
    """

    _slots: tuple[str, ...] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        own = vars(cls).get("__slots__", ())
        cls._slots += tuple([name for name in ([own] if isinstance(own, str) else own) if not name.startswith("_")])

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Yield each parameter once with its path, such as ``layers.0.neurons.1.weights.2``, in order of definition."""
        yield from ((path, item) for path, item in self._held() if isinstance(item, Value))

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """Yield this module, whose path is empty, and each within it once with its path, such as ``layers.0``."""
        yield from ((path, item) for path, item in self._held() if isinstance(item, Module))

    def _held(self) -> Iterator[tuple[str, Any]]:
        """Yield each parameter and each module once with its path, in order of definition."""
        seen: set[int] = set()
        waiting: list[tuple[str, Any]] = [("", self)]
        while waiting:
            path, item = waiting.pop()
            if id(item) in seen:
                continue
            seen.add(id(item))
            if isinstance(item, Value):
                if item.op is None:
                    yield path, item
                continue
            if isinstance(item, Module):
                yield path, item
            dotted = f"{path}." if path else ""
            waiting += reversed([(f"{dotted}{name}", part) for name, part in _parts(item)])

    def parameters(self) -> list[Value]:
        """Return all parameters, each once, in order of definition."""
        seen: set[int] = set()
        found: list[Value] = []
        waiting: list[Any] = [self]  # as in `_held`, without the paths: this is asked several times a training step
        while waiting:
            item = waiting.pop()
            if id(item) in seen:
                continue
            seen.add(id(item))
            if not isinstance(item, Value):
                waiting += reversed([part for _, part in _parts(item)])
            elif item.op is None:
                found.append(item)
        return found

    def zero_grad(self) -> None:
        """Forget the gradient of every parameter: it is 0 again."""
        for parameter in self.parameters():
            parameter._grad = None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the parameters to a JSON file: the old file stays whole until the new one is.

        Raises:
            ValueError: if a parameter is nan or inf, which JSON cannot hold; nothing is written.
            OSError: if the file cannot be written, or the path is that of a folder or a device.
        """
        parameters = {name: value.data for name, value in self._by_name().items()}
        for name, data in parameters.items():
            if not math.isfinite(data):
                raise ValueError(f"parameter {name!r} is {data}: only finite parameters are saved")
        text = json.dumps({"format": FORMAT, "version": VERSION, "parameters": parameters}, indent=1) + "\n"
        files.write(path, text.encode())

    def load(self, path: str | os.PathLike[str]) -> None:
        """Set the parameters from a file that `save` wrote for a module of the same shape: all of them, or none.

        Raises:
            ValueError: if the file is too large, not of this format or version, or its parameters are not exactly this
                module's, each a finite number. The message names the file and what is wrong with it.
        """
        name = files.path_name(path)
        try:
            loaded = _read(name)
            own = self._by_name()
            _match(own, loaded)
        except ValueError as error:
            raise ValueError(f"cannot load {name!r}: {error}") from None
        with all_or_nothing(own.values()):
            for key, parameter in own.items():
                parameter.data = loaded[key]

    def _by_name(self) -> dict[str, Value]:
        named = list(self.named_parameters())
        by_name = dict(named)
        if len(by_name) != len(named):
            twice = next(name for name, value in named if by_name[name] is not value)
            raise ValueError(f"two parameters have the same path, {reprlib.repr(twice)}: rename what holds one of them")
        return by_name


def _parts(item: Any) -> Iterable[tuple[Any, Any]]:
    """Return what an attribute of a module holds, with names; of anything that holds no parameters, nothing."""
    if isinstance(item, Module):
        slots = [(name, getattr(item, name)) for name in item._slots if hasattr(item, name)]
        return slots + list(vars(item).items())
    if isinstance(item, dict):
        return item.items()
    return enumerate(item) if isinstance(item, (list, tuple)) else ()


def _read(path: str) -> dict[str, float]:
    with open(path, "rb") as file:
        raw = file.read(LARGEST_FILE + 1)
    if len(raw) > LARGEST_FILE:
        raise ValueError(f"it is larger than {LARGEST_FILE} bytes")
    try:
        content = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply to be a file of parameters") from None
    keys = {"format", "version", "parameters"}
    if not isinstance(content, dict) or set(content) != keys or content["format"] != FORMAT:
        raise ValueError(f"it is no file of parameters: expected an object with exactly the keys {sorted(keys)}")
    if type(content["version"]) is not int or content["version"] != VERSION:
        raise ValueError(f"it has version {_shown(content['version'])}, this release reads version {VERSION}")
    if not isinstance(content["parameters"], dict):
        raise ValueError("its 'parameters' are not an object of names and numbers")
    return content["parameters"]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a key appears twice in it")
    return content


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} in it is not a finite number")


def _match(own: dict[str, Value], loaded: dict[str, float]) -> None:
    """Raise unless `loaded` has a finite number for each of `own`, and nothing else."""
    missing, unknown = own.keys() - loaded.keys(), loaded.keys() - own.keys()
    if missing or unknown:
        raise ValueError(
            f"its parameters are not this module's: {len(missing)} missing {_shown(sorted(missing))}, "
            f"{len(unknown)} unknown {_shown(sorted(unknown))}; was it saved from a module of another shape?"
        )
    for name, number in loaded.items():
        if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) <= 1.7976931348623157e308:
            raise ValueError(f"parameter {name!r} is {_shown(number)}, not a finite number")


def _shown(content: Any) -> str:
    """Return what was read, for a message: of anything that is long or deep, the beginning."""
    return reprlib.repr(content)[:100]
