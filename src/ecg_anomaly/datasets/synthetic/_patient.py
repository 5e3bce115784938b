"""One healthy patient: age, sex, intervals, and the dipole's course through one beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...leads import STANDARD_LEADS
from ._dipole import QRS, ST, P, T, Waves, evaluate, lead_vectors

LEAD = {lead: k for k, lead in enumerate(STANDARD_LEADS)}

# Peak, width (seconds at the nominal QRS duration) and vector (mV) of the four forces of
# ventricular depolarisation: septum, free wall, posterior wall, base.
_QRS = (
    (-0.022, 0.0085, (-0.14, -0.06, -0.30)),
    (0.000, 0.0105, (1.08, 0.86, 0.04)),
    (0.016, 0.0105, (0.18, 0.20, 0.70)),
    (0.032, 0.0085, (-0.16, -0.10, 0.22)),
)
# A wave begins and ends where it has fallen to 0.03 of its peak.
EDGE = 2.6
_NOMINAL_QRS = 0.054 + 2 * EDGE * 0.0085


@dataclass(frozen=True)
class Patient:
    """What stays the same through a record.

    Attributes
    ----------
    age, sex : int
        In years; 0 male, 1 female.
    heart_rate : float
        Sinus rate, in beats a minute.
    pr, qrs, qtc : float
        Intervals in seconds; QT is corrected for the rate by Hodges' formula.
    gain : float
        Amplitude relative to the average adult's.
    breath : float
        Breaths a second.
    template : Waves
        One beat at the patient's mean rate; time zero is the peak of the R wave.
    leads : ndarray of shape (12, 6)
        Lead vectors for the ventricles and the atria.
    """

    age: int
    sex: int
    heart_rate: float
    pr: float
    qrs: float
    qtc: float
    gain: float
    breath: float
    template: Waves
    leads: np.ndarray

    @property
    def qt(self) -> float:
        """QT interval at the mean rate, in seconds."""
        return self.qtc - 0.00175 * (self.heart_rate - 60.0)

    @property
    def onset(self) -> float:
        """Begin of the QRS complex relative to the R peak, in seconds."""
        return (_QRS[0][0] - EDGE * _QRS[0][1]) * self.qrs / _NOMINAL_QRS

    @property
    def j_point(self) -> float:
        """End of the QRS complex relative to the R peak, in seconds."""
        return self.onset + self.qrs

    @property
    def axis(self) -> float:
        """Frontal QRS axis in degrees."""
        return frontal_axis(self.template, self.leads)


def frontal_axis(template: Waves, leads: np.ndarray) -> float:
    """Return the frontal axis in degrees, from the areas of QRS in I and aVF."""
    beat = template[template.part == QRS]
    area = (beat.left + beat.right) @ beat.vector
    lead_i, avf = leads[LEAD["I"], :3] @ area, leads[LEAD["aVF"], :3] @ area
    return float(np.degrees(np.arctan2(avf * 2.0 / np.sqrt(3.0), lead_i)))


def qrs_leads(template: Waves, leads: np.ndarray) -> np.ndarray:
    """Return the QRS complex of a beat in the twelve leads at 1 kHz, in mV."""
    beat = template[template.part == QRS]
    times = np.arange(np.min(beat.time - 3 * beat.left), np.max(beat.time + 3 * beat.right), 0.001)
    return leads @ evaluate(beat, times)


def sokolow_lyon(complexes: np.ndarray) -> float:
    """Return S in V1 plus the larger R of V5 and V6, in mV (Sokolow and Lyon 1949)."""
    r = max(complexes[LEAD["V5"]].max(), complexes[LEAD["V6"]].max())
    return float(r - complexes[LEAD["V1"]].min())


def cornell(complexes: np.ndarray) -> float:
    """Return R in aVL plus S in V3, in mV (Casale et al. 1987)."""
    return float(complexes[LEAD["aVL"]].max() - complexes[LEAD["V3"]].min())


def turned(vectors: np.ndarray, degrees: float | np.ndarray) -> np.ndarray:
    """Turn vectors in the frontal plane, clockwise as the axis is counted."""
    angle = np.radians(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    x, y, z = np.moveaxis(np.asarray(vectors), -1, 0)
    return np.stack([cos * x - sin * y, sin * x + cos * y, z], axis=-1)


def _clipped(rng, mean, spread, low, high):
    return float(np.clip(rng.normal(mean, spread), low, high))


def sample_patient(rng: np.random.Generator) -> Patient:
    """Draw a healthy adult."""
    age = int(rng.integers(18, 90))
    sex = int(rng.integers(0, 2))
    old = (age - 50.0) / 32.0
    heart_rate = _clipped(rng, 71.0 + 2.0 * sex, 10.5, 51.0, 99.0)
    pr = _clipped(rng, 0.156 + 0.008 * old, 0.017, 0.122, 0.196)
    qrs = _clipped(rng, 0.093 + 0.001 * old - 0.005 * sex, 0.006, 0.080, 0.105)
    qtc = _clipped(rng, 0.402 + 0.012 * sex + 0.004 * old, 0.014, 0.365, 0.445)
    gain = float(np.exp(_clipped(rng, -0.06 * old - 0.06 * sex, 0.24, -0.42, 0.55)))
    breath = _clipped(rng, 0.25, 0.05, 0.14, 0.38)
    axis = _clipped(rng, 48.0 - 17.0 * old, 24.0, -27.0, 87.0)
    leads = lead_vectors(rng)
    rows = [
        *_p_waves(rng, pr, qrs, old),
        *_qrs_waves(rng, qrs, gain, axis),
        *_t_waves(rng, qrs, qtc - 0.00175 * (heart_rate - 60.0), gain, axis, old, sex, leads),
    ]
    template = Waves.build(rows)
    # Strong hearts of the young exceed the limits of hypertrophy in life; here they do not, so
    # that "normal" stays true by the criteria.
    complexes = qrs_leads(template, leads)
    limit = min(3.4 / sokolow_lyon(complexes), (1.8 if sex else 2.5) / cornell(complexes), 1.0)
    template = template.scaled(limit, template.part == QRS)
    return Patient(age, sex, heart_rate, pr, qrs, qtc, gain * limit, breath, template, leads)


def _p_waves(rng, pr, qrs, old):
    start = _QRS[0][0] * qrs / _NOMINAL_QRS - EDGE * 0.0085 * qrs / _NOMINAL_QRS - pr
    height = float(np.exp(rng.normal(-0.05 * old, 0.25)))
    right, left = (
        np.array([0.075, 0.070, -0.090]), np.array([0.150, 0.060, 0.030])
    )  # fmt: skip
    turn = rng.normal(0.0, 12.0)
    width = rng.normal(0.017, 0.0012)
    return [
        (P, start + EDGE * width, width, width, turned(height * right, turn)),
        (P, start + EDGE * width + 0.030, width, width, turned(height * left, turn)),
    ]


def _qrs_waves(rng, qrs, gain, axis):
    vectors = np.array([vector for _, _, vector in _QRS])
    vectors = vectors * np.exp(rng.normal(0.0, [[0.30], [0.12], [0.28], [0.35]]))
    vectors += rng.normal(0.0, [[0.03], [0.10], [0.09], [0.06]], (4, 3))
    # Dower's I and aVF are not at right angles, so the turn is found in their plane.
    towards = np.linalg.solve(
        [[0.632, -0.235], [-0.081, 1.184]],
        [np.cos(np.radians(axis)), np.sin(np.radians(axis)) * np.sqrt(3.0) / 2.0],
    )
    widths = np.array([width for _, width, _ in _QRS])
    area = widths @ vectors
    turn = np.degrees(np.arctan2(towards[1], towards[0]) - np.arctan2(area[1], area[0]))
    vectors = gain * turned(vectors, turn)
    scale = qrs / _NOMINAL_QRS
    return [
        (QRS, time * scale, width * scale, width * scale, vector)
        for (time, width, _), vector in zip(_QRS, vectors, strict=True)
    ]


def _t_waves(rng, qrs, qt, gain, axis, old, sex, leads):
    onset = (_QRS[0][0] - EDGE * _QRS[0][1]) * qrs / _NOMINAL_QRS
    height = gain**0.5 * np.exp(rng.normal(-0.16 * old, 0.25))
    vector = np.array([0.34, 0.135, -0.24 + 0.07 * sex])
    usual = height * vector
    vector = vector + rng.normal(0.0, [0.04, 0.05, 0.09])
    # The T axis follows the QRS axis part of the way, as long as T stays upright where it must.
    vector = height * turned(vector, 0.3 * (axis - 48.0))
    upright = leads[[LEAD[lead] for lead in ("I", "II", "V3", "V4", "V5", "V6")], :3]
    for _ in range(3):
        if (upright @ vector).min() < 0.06:
            vector = (vector + usual) / 2.0
    right = 0.042 * np.sqrt(qt / 0.40) * np.exp(rng.normal(0.0, 0.08))
    left = right * rng.uniform(1.5, 1.95)
    # Early repolarisation: the J point lies a little high in the young, in men above all.
    j_wave = rng.uniform(0.0, 1.0) * (1.0 - 0.4 * sex - 0.3 * old) * np.array([0.01, 0.005, -0.075])
    return [
        (ST, onset + qrs + 0.035, 0.03, 0.06, j_wave),
        (T, onset + qt - 2.0 * right, left, right, vector),
    ]
