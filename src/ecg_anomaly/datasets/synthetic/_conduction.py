"""Anomalies of the ventricles' depolarisation: bundle branch blocks and hypertrophy."""

from __future__ import annotations

import numpy as np

from ._dipole import QRS, ST, P, T, Waves
from ._ectopy import Case, Change
from ._patient import LEAD, Patient, frontal_axis, qrs_leads, sokolow_lyon, turned
from ._rhythm import beats


def _replaced(case: Case, ventricles: Waves, detail: str, qrs: float) -> Change:
    template = case.patient.template
    template = template[template.part == P] + ventricles
    facts = {"qrs": qrs, "axis": frontal_axis(template, case.patient.leads)}
    return Change(beats(template, case.rhythm), detail, facts=facts)


def _recovery(patient: Patient, qrs: float, vector: np.ndarray, st: float) -> list[tuple]:
    """ST segment and T wave along `vector`, after a QRS complex of `qrs` seconds."""
    wave = patient.template[patient.template.part == T]
    late = qrs - patient.qrs
    return [
        (ST, patient.onset + qrs + 0.035, 0.03, 0.08, st * vector),
        (T, wave.time[0] + late, wave.left[0], wave.right[0], vector),
    ]


def lbbb(case: Case, rng: np.random.Generator) -> Change:
    """Complete left bundle branch block, AHA/ACCF/HRS 2009.

    QRS >= 120 ms; broad notched or slurred R in I, aVL, V5 and V6 without q waves; rS or QS in
    V1; ST and T opposite to QRS.
    """
    patient = case.patient
    qrs = rng.uniform(0.130, 0.165)
    vectors = np.array(
        [[0.42, 0.12, 0.12], [0.85, 0.28, 0.62], [0.90, 0.16, 0.88], [0.30, 0.02, 0.30]]
    )
    vectors = patient.gain * (vectors * np.exp(rng.normal(0.0, 0.12, (4, 1))))
    vectors = turned(vectors, 0.4 * (patient.axis - 30.0)) + rng.normal(0.0, 0.03, (4, 3))
    shape = ((0.18, 0.080), (0.40, 0.100), (0.66, 0.108), (0.86, 0.053))
    rows = [
        (QRS, patient.onset + at * qrs, width * qrs, width * qrs, vector)
        for (at, width), vector in zip(shape, vectors, strict=True)
    ]
    against = -rng.uniform(0.32, 0.50) * vectors[1:3].mean(axis=0)
    rows += _recovery(patient, qrs, against, 0.45)
    return _replaced(case, Waves.build(rows), "", qrs)


def rbbb(case: Case, rng: np.random.Generator) -> Change:
    """Complete right bundle branch block, AHA/ACCF/HRS 2009.

    QRS >= 120 ms; rsR' or rSR' in V1 or V2 with R' wider than r; S in I and V6 longer than R or
    than 40 ms. The left ventricle is activated as before.
    """
    patient = case.patient
    template = patient.template
    qrs = rng.uniform(0.125, 0.155)
    left = template[template.part == QRS].scaled(0.75, [2, 3])
    size = patient.gain * np.exp(rng.normal(0.0, 0.15))
    late = size * (np.array([-0.50, -0.02, -0.62]) + rng.normal(0.0, 0.05, 3))
    rows = [
        (QRS, patient.onset + 0.68 * qrs, 0.095 * qrs, 0.12 * qrs, late),
        (QRS, patient.onset + 0.86 * qrs, 0.07 * qrs, 0.055 * qrs, 0.45 * late),
    ]
    wave = template[template.part == T]
    # Secondary change: T turns away from the terminal forces.
    against = wave.vector[0] - rng.uniform(0.28, 0.42) * late
    rows += _recovery(patient, qrs, against, 0.06)
    return _replaced(case, left + Waves.build(rows), "", qrs)


def lvh(case: Case, rng: np.random.Generator) -> Change:
    """Left ventricular hypertrophy with strain.

    S in V1 + R in V5 or V6 >= 3.5 mV (Sokolow and Lyon 1949); where the axis is leftward, R in
    aVL + S in V3 exceeds 2.8 mV in men and 2.0 mV in women too (Casale et al. 1987). Strain: ST
    depression and T inversion in V5 and V6 (AHA/ACCF/HRS 2009).
    """
    patient = case.patient
    template = patient.template
    qrs = patient.qrs + rng.uniform(0.004, 0.012)
    stretch = qrs / patient.qrs
    beat = template[template.part == QRS]
    # The wall turns leftward and back as it thickens.
    turn = -0.4 * max(patient.axis - 10.0, 0.0)
    vectors = turned(beat.vector, turn) + patient.gain * np.array(
        [[0.02, 0, 0.02], [0.25, -0.05, 0.15], [0.1, -0.05, 0.3], [0, 0, 0.1]]
    )
    onset = patient.onset
    rows = [
        (QRS, onset + (at - onset) * stretch, width * stretch, width * stretch, vector)
        for at, width, vector in zip(beat.time, beat.left, vectors, strict=True)
    ]
    ventricles = Waves.build(rows)
    complexes = qrs_leads(ventricles, patient.leads)
    factor = rng.uniform(1.18, 1.55) * 3.5 / sokolow_lyon(complexes)
    ventricles = ventricles.scaled(factor)
    # The wider repolarisation vector points away from the wall.
    strain = np.array([-1.0, 0.0, 0.0]) - 0.4 * np.array([0.0, 0.0, 1.0])
    strain = turned(strain, 0.5 * frontal_axis(ventricles, patient.leads))
    wave = template[template.part == T]
    wanted = -rng.uniform(0.12, 0.35)
    size = 0.0
    for lead in ("V5", "V6"):
        healthy = patient.leads[LEAD[lead], :3] @ wave.vector[0] * 0.5
        size = max(size, (wanted - healthy) / (patient.leads[LEAD[lead], :3] @ strain))
    vector = 0.5 * wave.vector[0] + size * strain
    rows = _recovery(patient, qrs, vector, 0.0)[1:]
    rows.append((ST, onset + qrs + 0.035, 0.035, 0.09, 0.40 * size * strain))
    return _replaced(case, ventricles + Waves.build(rows), "with strain", qrs)
