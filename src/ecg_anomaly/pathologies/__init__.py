"""What diseases of the heart do to a beat: where to look for anomalies, without any patient.

Each pathology changes the median beat of a normal record as its clinical definition says: forces
are added, lost, slowed down or turned in the Frank planes, and every lead sees its part of it. They
tell a detector which way illness lies; the detector is still fitted on normal records only. The
focal anomalies of `ecg_anomaly.datasets.inject_anomaly`, which judge localisation, are another
family and share nothing with these.

References
----------
Thygesen et al., "Fourth universal definition of myocardial infarction", Circulation 2018; Surawicz
et al. (conduction), Rautaharju et al. (ST, T and QT) and Hancock et al. (hypertrophy),
"AHA/ACCF/HRS recommendations for the standardization and interpretation of the
electrocardiogram", parts III to V, Circulation 2009.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from ..signal.median_beat import BEAT_SAMPLES
from . import _chambers, _conduction, _repolarisation
from ._beat import Beat, find_waves
from ._infarction import infarction
from ._voltage import QRS, VOLTAGES, voltage_weights

__all__ = [
    "DEPARTURES",
    "PATHOLOGIES",
    "QRS",
    "VOLTAGES",
    "simulate_pathology",
    "voltage_weights",
]

_MAKERS: dict[str, Callable[[Beat, np.random.Generator], np.ndarray]] = {
    "inferior_infarction": partial(infarction, wall="inferior"),
    "anterior_infarction": partial(infarction, wall="anterior"),
    "lateral_infarction": partial(infarction, wall="lateral"),
    "t_wave_change": _repolarisation.t_wave_change,
    "st_shift": _repolarisation.st_shift,
    "long_qt": _repolarisation.long_qt,
    "right_bundle_branch_block": _conduction.right_bundle_branch_block,
    "incomplete_right_bundle_branch_block": _conduction.incomplete_right_bundle_branch_block,
    "left_bundle_branch_block": _conduction.left_bundle_branch_block,
    "intraventricular_delay": _conduction.intraventricular_delay,
    "left_anterior_fascicular_block": _conduction.left_anterior_fascicular_block,
    "right_axis_deviation": _conduction.right_axis_deviation,
    "first_degree_block": _conduction.first_degree_block,
    "left_ventricular_hypertrophy": _chambers.left_ventricular_hypertrophy,
    "right_ventricular_hypertrophy": _chambers.right_ventricular_hypertrophy,
    "atrial_enlargement": _chambers.atrial_enlargement,
    "low_voltage": _chambers.low_voltage,
}

#: Names of the pathologies.
PATHOLOGIES: tuple[str, ...] = tuple(_MAKERS)
#: What a beat can depart towards: the pathologies, and high voltage by several criteria.
DEPARTURES: tuple[str, ...] = PATHOLOGIES + VOLTAGES

# The change fades within 50 ms of both ends of a beat.
_ENDS = np.minimum(1.0, np.minimum(np.arange(BEAT_SAMPLES), np.arange(BEAT_SAMPLES)[::-1]) / 5.0)


def simulate_pathology(
    beat: np.ndarray, kind: str, leads: Sequence[str], rng: np.random.Generator
) -> np.ndarray:
    """Return a median beat as it might be with a pathology.

    Parameters
    ----------
    beat : ndarray of shape (n_leads, BEAT_SAMPLES)
        Of a normal record, in mV, of `ecg_anomaly.signal.median_beat`.
    kind : str
        Out of `PATHOLOGIES`.
    leads : sequence of str
        Out of the standard twelve.
    rng : Generator
        Draws severity, place and timing.

    Returns
    -------
    ndarray of float64 of the shape of `beat`

    Raises
    ------
    SignalError
        If a lead is none of the standard twelve.

    Examples
    --------
    >>> import numpy as np
    >>> from ecg_anomaly import make_ecg
    >>> from ecg_anomaly.leads import STANDARD_LEADS
    >>> from ecg_anomaly.pathologies import simulate_pathology
    >>> from ecg_anomaly.signal.median_beat import median_beat
    >>> from ecg_anomaly.signal.r_peaks import beat_centers
    >>> record = make_ecg(1, random_state=0).X[0]
    >>> beat = median_beat(record, beat_centers(record, 100), 100)
    >>> simulate_pathology(beat, "st_shift", STANDARD_LEADS, np.random.default_rng(0)).shape
    (12, 85)
    """
    return beat + _ENDS * _MAKERS[kind](find_waves(beat, leads), rng)
