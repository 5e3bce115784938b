"""Numbers in text, as the formats write them: ASCII digits, a point, an exponent."""

from __future__ import annotations


def parse_number(text: str) -> float:
    """Return a number, which may be nan or infinite.

    Raises
    ------
    ValueError
        If the text is no number, be it one to Python: "1_0", or digits of another script.

    Examples
    --------
    >>> parse_number("2.5e2")
    250.0
    """
    if not text.isascii() or "_" in text:
        raise ValueError(text[:40])
    return float(text)
