"""The file of a module's parameters: JSON that is written whole or not at all, and believed only after it was checked.

It knows paths and numbers; it must not know Values or modules.
"""

from __future__ import annotations

import json
import math
import os
import reprlib
from collections.abc import Collection
from typing import Any

from autodiff.support import files

FORMAT = "autodiff parameters"
VERSION = 1
MAX_FILE_SIZE = 64 * 2**20  # bytes: a million parameters with long names


def write(path: str | os.PathLike[str], parameters: dict[str, float]) -> None:
    """Write the parameters by name: the old file stays whole until the new one is.

    Raises:
        ValueError: if one is nan or inf, which JSON cannot hold; nothing is written.
        OSError: if the file cannot be written, or the path is that of a folder or a device.
    """
    for name, data in parameters.items():
        if not math.isfinite(data):
            raise ValueError(f"parameter {name!r} is {data}: only finite parameters are saved")
    text = json.dumps({"format": FORMAT, "version": VERSION, "parameters": parameters}, indent=1) + "\n"
    files.write(path, text.encode())


def read(path: str) -> dict[str, Any]:
    """Return what a file of this format and version says of its parameters, by name; `check` tells what it is worth.

    Raises:
        ValueError: if the file is too large, or not of this format or version.
        OSError: if it cannot be read.
    """
    with open(path, "rb") as file:
        raw = file.read(MAX_FILE_SIZE + 1)
    if len(raw) > MAX_FILE_SIZE:
        raise ValueError(f"it is larger than {MAX_FILE_SIZE} bytes")
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


def check(names: Collection[str], loaded: dict[str, Any]) -> None:
    """Raise `ValueError` unless `loaded` has a finite number for each of the names, and nothing else."""
    missing, unknown = set(names) - loaded.keys(), loaded.keys() - set(names)
    if missing or unknown:
        raise ValueError(
            f"its parameters are not this module's: {len(missing)} missing {_shown(sorted(missing))}, "
            f"{len(unknown)} unknown {_shown(sorted(unknown))}; was it saved from a module of another shape?"
        )
    for name, number in loaded.items():
        if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) <= 1.7976931348623157e308:
            raise ValueError(f"parameter {name!r} is {_shown(number)}, not a finite number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a key appears twice in it")
    return content


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} in it is not a finite number")


def _shown(content: Any) -> str:
    """Return what was read, for a message: of anything that is long or deep, the beginning."""
    return reprlib.repr(content)[:100]
