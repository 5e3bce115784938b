"""Age and sex in one form for all databases, whatever each of them writes."""

from __future__ import annotations

import warnings

import numpy as np

from ..errors import ECGWarning
from ..patients import MAX_AGE, sex_code
from ._tables import as_numbers

#: PTB-XL hides the ages of those over 89 behind this number.
HIDDEN_AGE = 300.0
#: What stands for a hidden age.
OLDEST_AGE = 90.0


def clean_ages(values, where: str) -> np.ndarray:
    """Return ages in years, NaN where unknown, 90 for those that the database hides as 300.

    Parameters
    ----------
    values : array-like of shape (n,)
        Numbers or texts.
    where : str
        What to name in the warning.

    Warns
    -----
    ECGWarning
        If an age is negative or above 120: it counts as unknown.

    Examples
    --------
    >>> clean_ages(["63", "Unknown", 300], "table").tolist()
    [63.0, nan, 90.0]
    """
    import pandas as pd

    years = as_numbers(pd.Series(np.asarray(values, object)))
    years = np.where(years == HIDDEN_AGE, OLDEST_AGE, years)
    with np.errstate(invalid="ignore"):
        impossible = (years < 0) | (years > MAX_AGE)
    if impossible.any():
        warnings.warn(
            f"{where}: {int(impossible.sum())} age(s) such as {years[impossible][0]:g} cannot be; "
            "they count as unknown.",
            ECGWarning,
            stacklevel=3,
        )
    return np.where(impossible, np.nan, years)


def clean_sexes(values) -> np.ndarray:
    """Return sexes as 0 (male), 1 (female) and NaN (unknown or anything else).

    Examples
    --------
    >>> clean_sexes(["Male", "F", 1, "Unknown", None]).tolist()
    [0.0, 1.0, 1.0, nan, nan]
    """
    return np.array([sex_code(value) for value in values], float)
