"""Voltage criteria of left ventricular hypertrophy, from what is high and what is deep in QRS."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..signal.median_beat import R_SAMPLE

#: Samples of a median beat in which R and S are looked for: 80 ms before to 110 ms after R.
QRS = slice(R_SAMPLE - 8, R_SAMPLE + 12)

# R waves and S waves that are added up.
_CRITERIA: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "sokolow_lyon_voltage": (("V5",), ("V1",)),
    "cornell_voltage": (("aVL",), ("V3",)),
    "gubner_voltage": (("I",), ("III",)),
}

#: Names of the criteria.
VOLTAGES: tuple[str, ...] = tuple(_CRITERIA)


def voltage_weights(leads: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return what each criterion takes of each lead's highest and lowest value in QRS.

    Parameters
    ----------
    leads : sequence of str

    Returns
    -------
    of_highest, of_lowest : ndarray of shape (n_leads, n_criteria)
        ``highest @ of_highest + lowest @ of_lowest`` are the criteria in mV. A criterion whose
        leads are not all there is 0.

    References
    ----------
    Sokolow and Lyon, American Heart Journal 1949; Casale et al. (Cornell), Circulation 1987; Gubner
    and Ungerleider, Archives of Internal Medicine 1943.

    Examples
    --------
    >>> of_highest, of_lowest = voltage_weights(["V1", "V5"])
    >>> of_highest[:, 0].tolist(), of_lowest[:, 0].tolist(), of_highest[:, 1].tolist()
    ([0.0, 1.0], [-1.0, 0.0], [0.0, 0.0])
    """
    weights = np.zeros((2, len(leads), len(_CRITERIA)))
    for column, (high, deep) in enumerate(_CRITERIA.values()):
        if set(high + deep) <= set(leads):
            for lead in high:
                weights[0, list(leads).index(lead), column] = 1.0
            for lead in deep:
                weights[1, list(leads).index(lead), column] = -1.0
    return weights[0], weights[1]
