"""How numbers may be written in a picture."""

from __future__ import annotations

import re


def check_spec(spec: str) -> str:
    """Return a number format; raise `ValueError` if numbers cannot be written in it, on one line that fits a box."""
    try:
        sample = "" if re.search("[0-9]{3}", spec) else format(-1.0, spec)  # a width of 10**9 would be written out
    except (TypeError, ValueError):
        sample = ""
    if not sample.isprintable() or not 0 < len(sample) <= 30:
        raise ValueError(f"number_format must be a format of floats, such as '.6g' or '.3f', got {spec!r}")
    return spec
