"""Labels as people read them. A label is data: whatever it holds, it shows as itself."""

from __future__ import annotations

import unicodedata

LOOKED_AT = 50_000  # characters from each end of a label; the rest would be cut anyway
# These reorder the text around them, or XML has no place for them.
UNSHOWN = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufffe\uffff")


def check_spec(spec: str) -> str:
    """Return a number format; raise `ValueError` if numbers cannot be written in it, on one line that fits a box."""
    try:
        sample = format(-1.0, spec)
    except (TypeError, ValueError, OverflowError, MemoryError):
        sample = ""
    if not sample.isprintable() or not 0 < len(sample) <= 30:
        raise ValueError(f"number_format must be a format of floats, such as '.6g' or '.3f', got {spec!r}")
    return spec


def clean(text: str, longest: int = 40) -> str:
    r"""Return a label on one line, cut in the middle; control characters and lone surrogates are dropped.

    >>> clean("a\nb\x00"), clean("x" * 50, 9)
    ('a↵b', 'xxxx…xxxx')
    """
    text = text if len(text) <= 2 * LOOKED_AT else text[:LOOKED_AT] + text[-LOOKED_AT:]
    text = text.replace("\r\n", "\n").replace("\n", "↵").replace("\t", " ")
    shown = [c for c in text if unicodedata.category(c) not in ("Cc", "Cs") and c not in UNSHOWN]
    half = longest // 2
    return "".join(shown if len(shown) <= longest else [*shown[:half], "…", *shown[len(shown) - half :]]).strip()
