"""Anomalies of rhythm: ectopic beats, atrial fibrillation, atrioventricular block."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ._dipole import QRS, ST, F, P, T, Waves
from ._patient import EDGE, Patient, turned
from ._rhythm import Rhythm, beats, fibrillation


@dataclass(frozen=True)
class Case:
    """A healthy record that is about to be changed."""

    patient: Patient
    rhythm: Rhythm
    waves: Waves
    duration: float


@dataclass(frozen=True)
class Change:
    """What an anomaly makes of a record.

    Attributes
    ----------
    waves : Waves
        The record's waves, changed.
    detail : str
        Territory, origin or degree.
    spans : list of (float, float)
        Begin and end in seconds of what a reader would call abnormal as a whole, even where
        the changed signal happens to cross the unchanged one.
    facts : dict
        Columns of the table that are no longer the healthy patient's.
    """

    waves: Waves
    detail: str = ""
    spans: list[tuple[float, float]] = field(default_factory=list)
    facts: dict[str, float] = field(default_factory=dict)


def _premature(case: Case, rng: np.random.Generator, before: float, after: float):
    """Choose beats to come early and the moment they come, as lists.

    The coupling interval is 50 to 80 % of the sinus interval and leaves the T wave before it
    alone. The ectopic beat lies within the record from `before` to `after` seconds around its R
    wave if one can.
    """
    r, rr, patient = case.rhythm.r, case.rhythm.rr, case.patient
    # Beat 0 has no predecessor here.
    index = np.arange(1, len(r))
    shortest = np.clip((patient.qt + patient.onset + before + 0.01) / rr[index], 0.50, 0.80)
    coupling = shortest + rng.uniform(0.0, 1.0, len(index)) * np.minimum(0.80 - shortest, 0.15)
    time = r[index - 1] + coupling * rr[index]
    inside = (time - before >= 0.0) & (time + after <= case.duration)
    if not inside.any():
        # A record of hardly a beat: at least the missing sinus beat is to be seen.
        inside = (r[index] > 0.0) & (r[index] < case.duration)
    wanted = 1 + int(rng.integers(0, 1 + int(case.duration // 5)))
    chosen: list[int] = []
    for k in rng.permutation(np.flatnonzero(inside)):
        if len(chosen) < wanted and all(abs(k - other) > 1 for other in chosen):
            chosen.append(int(k))
    return [(int(index[k]), float(time[k])) for k in sorted(chosen)]


def pvc(case: Case, rng: np.random.Generator) -> Change:
    """Premature ventricular beats: early, wide (>= 120 ms), without a P wave, T discordant.

    The sinus node fires on, its P wave is not conducted, and the next beat comes on time: a full
    compensatory pause.
    """
    patient = case.patient
    width = rng.uniform(0.130, 0.165)
    # Forces that are not cancelled from both sides are seldom small.
    size = max(patient.gain, 0.9) * rng.uniform(1.1, 1.5)
    origin = ("right ventricle", "left ventricle")[int(rng.integers(0, 2))]
    if origin == "right ventricle":
        vectors = np.array([[0.55, 0.75, 0.55], [0.85, 0.70, 0.95]])
    else:
        vectors = np.array([[-0.55, -0.45, -0.75], [-0.80, -0.50, -0.70]])
    vectors = size * turned(vectors, rng.normal(0.0, 20.0)) + rng.normal(0.0, 0.08, (2, 3))
    recovery = -0.40 * vectors.mean(axis=0)
    start = -0.45 * width
    form = Waves.build(
        [
            (QRS, start + 0.32 * width, 0.125 * width, 0.14 * width, vectors[0]),
            (QRS, start + 0.66 * width, 0.14 * width, 0.14 * width, vectors[1]),
            (ST, start + width + 0.04, 0.035, 0.07, 0.35 * recovery),
            (T, start + patient.qt + 0.5 * (width - patient.qrs) - 0.09, 0.07, 0.05, recovery),
        ]
    )
    waves, spans = case.waves, []
    for beat, time in _premature(case, rng, 0.09, 0.42):
        waves = waves[(waves.beat != beat) | (waves.part == P)]
        waves = waves + form.moved(time)
        end = case.rhythm.r[beat] + patient.onset + patient.qt
        spans.append((time + start, end))
    return Change(waves, origin, spans, {"qrs": width})


def pac(case: Case, rng: np.random.Generator) -> Change:
    """Premature atrial beats: an early P wave of another shape, then the patient's own QRS.

    The sinus node is not reset, so that the next beat comes on time (sinus entrance block).
    """
    patient = case.patient
    focus = rng.normal(0.0, [0.04, 0.04, 0.04], (2, 3)) + np.array(
        [[-0.02, -0.05, 0.03], [-0.03, -0.05, 0.02]]
    )
    waves, spans = case.waves, []
    for beat, time in _premature(case, rng, patient.pr - 0.05, 0.30):
        mine = waves.beat == beat
        vector = waves.vector.copy()
        vector[mine & (waves.part == P)] = focus
        waves = replace(waves, vector=vector).moved(time - case.rhythm.r[beat], mine)
        end = case.rhythm.r[beat] + patient.onset + patient.qt
        spans.append((time + patient.onset - patient.pr, end))
    return Change(waves, f"{len(spans)} beats" if len(spans) > 1 else "1 beat", spans)


def af(case: Case, rng: np.random.Generator) -> Change:
    """Atrial fibrillation: no P waves, irregular RR intervals, f waves at 5 to 8.5 Hz.

    ESC 2024: no discernible repeating P waves and irregular RR intervals.
    """
    rate = float(np.clip(rng.normal(92.0, 20.0), 55.0, 150.0))
    template = case.patient.template
    rhythm = fibrillation(case.patient, rate, case.duration, rng)
    waves = beats(template[template.part != P], rhythm)
    cycle = 1.0 / rng.uniform(5.0, 8.5)
    count = int((case.duration + 2.0) / cycle) + 1
    times = cycle * (np.arange(count) + 0.12 * rng.normal(size=count)) - 1.0
    height = rng.uniform(0.05, 0.13) * np.exp(0.3 * rng.normal(size=(count, 1)))
    # Strongest in V1 and in the inferior leads, where the right atrium is near.
    vector = height * (np.array([-0.25, 0.6, -1.6]) + 0.25 * rng.normal(size=(count, 3)))
    # Each wave is followed by a trough of half its height and twice its width: no mean shift.
    ones = np.ones(count)
    part, none = np.full(count, F), np.full(count, -1)
    waves += Waves(times, 0.14 * cycle * ones, 0.20 * cycle * ones, vector, part, none)
    trough = times + 0.5 * cycle
    waves += Waves(trough, 0.34 * cycle * ones, 0.34 * cycle * ones, -vector / 2, part, none)
    facts = {"heart_rate": rate, "pr": np.nan}
    return Change(waves, "", [(-np.inf, np.inf)], facts)


def av_block(case: Case, rng: np.random.Generator) -> Change:
    """Atrioventricular block: PR > 200 ms (first degree), or every other P unconducted (2:1).

    Kusumoto et al. 2019. The P waves of first degree come earlier, the QRS complexes stay.
    """
    patient = case.patient
    longer = patient.pr + 0.06 + rng.uniform(0.0, 0.10)
    # A 2:1 block needs two P waves in view to be seen as one.
    if rng.uniform() < 0.5 and case.duration >= 3.0:
        drop = case.rhythm.r.size + int(rng.integers(0, 2))
        visible = case.waves.beat % 2 != drop % 2
        waves = case.waves[visible | (case.waves.part == P)]
        gone = np.arange(len(case.rhythm.r))
        gone = case.rhythm.r[gone[gone % 2 == drop % 2]]
        spans = [(r + patient.onset, r + patient.onset + patient.qt) for r in gone]
        return Change(waves, "2:1", spans, {"heart_rate": patient.heart_rate / 2.0})
    longer = max(longer, 0.220)
    atrial = case.waves.part == P
    waves = case.waves.moved(patient.pr - longer, atrial)
    begin = case.rhythm.r + patient.onset - longer
    spans = [(b, b + longer - patient.pr + 2 * EDGE * 0.017 + 0.03) for b in begin]
    return Change(waves, "first degree", spans, {"pr": longer})
