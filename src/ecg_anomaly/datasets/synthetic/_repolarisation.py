"""Anomalies of repolarisation: ST elevation and T inversion, by territory."""

from __future__ import annotations

import numpy as np

from ._dipole import ST, T, Waves, evaluate
from ._ectopy import Case, Change
from ._patient import LEAD, Patient
from ._rhythm import beats

# Injury vector on the Frank axes, and the contiguous leads that must meet the criterion.
_INJURY = {
    "anterior": ((0.25, -0.28, -1.00), ("V2", "V3")),
    "inferior": ((-0.30, 1.00, 0.20), ("II", "III")),
    "lateral": ((1.00, -0.42, 0.15), ("I", "aVL")),
}
_INVERSION = {
    "anterior": ((-0.45, 0.05, 1.00), ("V2", "V3", "V4")),
    "inferior": ((0.15, -1.00, -0.15), ("II", "III", "aVF")),
    "lateral": ((-1.00, 0.35, 0.05), ("I", "V5", "V6")),
}


def _j_limit(lead: str, patient: Patient) -> float:
    """ST elevation at the J point that counts as pathological, in mV (Thygesen et al. 2018)."""
    if lead not in ("V2", "V3"):
        return 0.10
    if patient.sex:
        return 0.15
    return 0.25 if patient.age < 40 else 0.20


def st_elevation(case: Case, rng: np.random.Generator) -> Change:
    """ST elevation of an acute infarction, with reciprocal depression opposite to it.

    New elevation at the J point in two contiguous leads: >= 0.1 mV, in V2 and V3 >= 0.2 mV in
    men from 40 years, >= 0.25 mV in younger men and >= 0.15 mV in women (fourth universal
    definition of myocardial infarction, Thygesen et al. 2018).
    """
    patient = case.patient
    territory = list(_INJURY)[int(rng.integers(0, 3))]
    direction, wanted = _INJURY[territory]
    vector = np.array(direction) + rng.normal(0.0, 0.06, 3)
    j = patient.j_point
    rows = [
        (ST, j + 0.012, 0.014, 0.055, vector),
        (ST, j + 0.100, 0.050, 0.065, 0.60 * vector),
    ]
    injury = Waves.build(rows)
    # Where the criterion is read: at the end of QRS, on top of what the healthy beat has there.
    at = np.array([j])
    gained = patient.leads @ evaluate(injury, at)[:, 0]
    healthy = patient.leads @ evaluate(patient.template, at)[:, 0]
    severity = rng.uniform(1.4, 2.4)
    size = 0.0
    for lead in wanted:
        k = LEAD[lead]
        need = (severity * _j_limit(lead, patient) - min(healthy[k], 0.0)) / max(gained[k], 0.05)
        size = max(size, need)
    waves = beats(patient.template + injury.scaled(size), case.rhythm)
    return Change(waves, territory)


def t_inversion(case: Case, rng: np.random.Generator) -> Change:
    """T waves inverted by 0.1 mV or more in two contiguous leads of one territory.

    The threshold is that of the fourth universal definition of myocardial infarction (Thygesen
    et al. 2018); V2 to V4 stand for anterior, II, III and aVF for inferior, I, V5 and V6 for
    lateral ischaemia.
    """
    patient = case.patient
    territory = list(_INVERSION)[int(rng.integers(0, 3))]
    direction, wanted = _INVERSION[territory]
    vector = np.array(direction) + rng.normal(0.0, 0.06, 3)
    template = patient.template
    wave = template[template.part == T]
    depth = rng.uniform(0.14, 0.40)
    size = 0.0
    for lead in wanted:
        row = patient.leads[LEAD[lead], :3]
        size = max(size, (-depth - row @ wave.vector[0]) / min(row @ vector, -0.2))
    inverted = Waves.build(
        [(T, wave.time[0], wave.left[0], wave.right[0], wave.vector[0] + size * vector)]
    )
    waves = beats(template[template.part != T] + inverted, case.rhythm)
    return Change(waves, territory)
