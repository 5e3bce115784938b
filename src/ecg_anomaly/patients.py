"""Age and sex of a patient, from what files and tables write."""

from __future__ import annotations

import math
import re
from typing import Any

#: No patient is older, in years.
MAX_AGE = 120.0
MALE, FEMALE = 0, 1

_AGE = re.compile(r"(?P<number>[+-]?[0-9]+(?:\.[0-9]*)?)\s*(?P<unit>[a-z]*)\.?", re.IGNORECASE)
# three digits and a letter are DICOM's value representation AS, where M means months
_DICOM_AGE = re.compile(r"[0-9]{3}[YMWD]")
_YEARS = {"": 1.0, "y": 1.0, "yr": 1.0, "yo": 1.0, "year": 1.0, "mo": 1 / 12, "month": 1 / 12,
          "w": 7 / 365.25, "wk": 7 / 365.25, "week": 7 / 365.25,
          "d": 1 / 365.25, "day": 1 / 365.25}  # fmt: skip
_SEX = {"male": MALE, "m": MALE, "0": MALE, "0.0": MALE,
        "female": FEMALE, "f": FEMALE, "1": FEMALE, "1.0": FEMALE}  # fmt: skip


def age_in_years(value: Any) -> float:
    """Return an age in years, NaN where none is told.

    Parameters
    ----------
    value : object
        A number of years, or a text such as "47", "5 months" or DICOM's "018M". What follows a
        comma, a semicolon or a bracket is left aside; "6 m" may be months or a man, and tells none.

    Returns
    -------
    float
        As told: whether a patient can be so old is not judged, see `MAX_AGE`.

    References
    ----------
    DICOM PS3.5, section 6.2, value representation AS.

    Examples
    --------
    >>> age_in_years("47 years"), age_in_years("018M"), age_in_years("unknown")
    (47.0, 1.5, nan)
    """
    if isinstance(value, bool) or value is None:
        return math.nan
    if not isinstance(value, str):
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError):
            return math.nan
    text = re.split(r"[;(]|,(?![0-9])", value.strip())[0].strip()
    if _DICOM_AGE.fullmatch(text):
        return int(text[:3]) * _YEARS[{"M": "mo"}.get(text[3], text[3].lower())]
    match = _AGE.fullmatch(text)
    if match is None:
        return math.nan
    unit = match["unit"].lower()
    return float(match["number"]) * _YEARS.get(unit, _YEARS.get(unit.removesuffix("s"), math.nan))


def sex_code(value: Any) -> float:
    """Return a sex as `MALE` (0) or `FEMALE` (1), NaN where it is not told.

    Examples
    --------
    >>> sex_code("Female"), sex_code("M."), sex_code(1.0), sex_code("unknown")
    (1, 0, 1, nan)
    """
    return _SEX.get(str(value).strip().rstrip(".,;").lower(), math.nan)
