"""Numbers and labels as people read them: short, on one line, and safe to show anywhere."""

from __future__ import annotations

import re
import unicodedata

MAX_LOOKED_AT = 50_000  # characters from each end of a label; the rest would be cut anyway
MAX_SAMPLE = 30  # characters of -1 in a number format
DIGITS = ".6g"  # how numbers are written unless another format is asked for
# An index, a power or both: in braces after any word, bare after a single letter, as a number after a word.
BRACED = r"\{[^{}_^]{1,20}\}"
WORD, LETTER = rf"(?:{BRACED}|[0-9]+(?![^\W_]))", rf"(?:{BRACED}|[^\W_]+|\*)"
MATHEMATICS = re.compile(
    "|".join(
        rf"(?<![\w^}}])({base})(_{script}(?:\^{script})?|\^{script}(?:_{script})?)(?![\w^])"
        for base, script in ((r"[^\W\d_]+", WORD), (r"[^\W\d_]", LETTER))
    )
)
# These reorder the text around them, or XML has no place for them.
UNSHOWN = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufffe\uffff")


def short(number: float, spec: str = DIGITS) -> str:
    """Return a number as people read it, with at most 6 significant digits unless `spec` says otherwise; -0 is 0.

    >>> short(3.0), short(0.1 + 0.2), short(-1e-9), short(123456.789), short(-0.0), short(float("inf"))
    ('3', '0.3', '-1e-09', '123457', '0', 'inf')
    """
    return format(number + 0.0, spec)


def check_spec(spec: str) -> str:
    """Return a number format; raise `ValueError` if numbers cannot be written in it, on one line that fits a box."""
    try:
        sample = "" if re.search("[0-9]{3}", spec) else format(-1.0, spec)  # a width of 10**9 would be written out
    except (TypeError, ValueError):
        sample = ""
    if not sample.isprintable() or not 0 < len(sample) <= MAX_SAMPLE:
        raise ValueError(f"number_format must be a format of floats, such as '.6g' or '.3f', got {spec!r}")
    return spec


def clean(text: str, longest: int = 40) -> str:
    r"""Return a label on one line, at most `longest` characters, cut in the middle, without control characters.

    >>> clean("a\nb\x00"), clean("x" * 50, 9)
    ('a↵b', 'xxxx…xxxx')
    """
    text = text if len(text) <= 2 * MAX_LOOKED_AT else text[:MAX_LOOKED_AT] + text[-MAX_LOOKED_AT:]
    text = text.replace("\r\n", "\n").replace("\n", "↵").replace("\t", " ")
    shown = [c for c in text if unicodedata.category(c) not in ("Cc", "Cs") and c not in UNSHOWN]
    if len(shown) > longest:
        end = (longest - 1) // 2
        shown[longest - 1 - end : len(shown) - end] = "…"
    return "".join(shown).strip()


def printable(text: str) -> str:
    r"""Return a text of several lines whose other control characters are written out, so that none reaches a terminal.

    >>> print(printable("a\n\x1b[31mb"))
    a
    \x1b[31mb
    """
    return "".join([c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text])


def scripts(text: str) -> list[tuple[int, str]]:
    r"""Return the pieces of a label as mathematics sets it, each with its level: 0, -1 for an index, 1 for a power.

    Indices and powers are read in braces, ``h^{(2)}``; without them after a single letter, ``w_ij``, or as a number,
    ``layer_1``. Anything else is as it was typed.

    >>> scripts("w_ij"), scripts("h_{1}^{(2)}"), scripts("learning_rate")
    ([(0, 'w'), (-1, 'ij')], [(0, 'h'), (-1, '1'), (1, '(2)')], [(0, 'learning_rate')])
    """
    pieces, end = [], 0
    for match in MATHEMATICS.finditer(text):
        base, marks = match[1] or match[3], match[2] or match[4]
        pieces.append((0, text[end : match.start()] + base))
        for sign, braced, bare in re.findall(r"([_^])(?:\{([^{}]+)\}|([^_^]+))", marks):
            pieces.append((-1 if sign == "_" else 1, braced or bare))
        end = match.end()
    return [*pieces, (0, text[end:])] if text[end:] or not pieces else pieces
