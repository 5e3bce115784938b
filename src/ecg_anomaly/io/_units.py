"""Units of voltage."""

from __future__ import annotations

# U+00B5 is the micro sign, U+03BC the Greek letter
_MV_PER_UNIT = {
    "mv": 1.0,
    "millivolt": 1.0,
    "uv": 1e-3,
    "\u00b5v": 1e-3,
    "\u03bcv": 1e-3,
    "microvolt": 1e-3,
    "nv": 1e-6,
    "v": 1e3,
    "volt": 1e3,
}


def mv_per_unit(unit: str) -> float | None:
    """Return how many mV a unit is, or None if it is no unit of voltage.

    Examples
    --------
    >>> mv_per_unit("uV"), mv_per_unit("mmHg")
    (0.001, None)
    """
    return _MV_PER_UNIT.get(unit.strip().lower())
