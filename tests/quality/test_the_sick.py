"""Rhythms and voltages that look like faults and are none: the gate must let them pass."""

import numpy as np
import pytest

from ecg_anomaly.datasets import make_ecg
from ecg_anomaly.findings import FindingKind as Kind
from ecg_anomaly.leads import LIMB_LEADS, STANDARD_LEADS
from ecg_anomaly.quality import Outcome, QualityGate

GATE = QualityGate()
BROKEN = {Kind.FLAT, Kind.DISCONNECTED, Kind.OUT_OF_STEP, Kind.AMPLITUDE, Kind.EINTHOVEN}


def leads_of(dipole, seed=0):
    """Project a dipole (3, n_samples) on twelve leads, with a little noise at the electrodes."""
    rng = np.random.default_rng(seed)
    eight = rng.normal(size=(8, 3)) @ dipole + 0.003 * rng.normal(size=(8, dipole.shape[1]))
    out = np.empty((12, dipole.shape[1]))
    for row, lead in enumerate(STANDARD_LEADS[:6]):
        a, b = LIMB_LEADS[lead]
        out[row] = a * eight[0] + b * eight[1]
    out[6:] = eight[2:]
    return out


def narrow_band(n, fs, low, high, rng):
    """Draw noise between two frequencies, of unit variance."""
    f = np.fft.rfftfreq(n, 1 / fs)
    spectrum = (rng.normal(size=(3, len(f))) + 1j * rng.normal(size=(3, len(f)))) * (
        (f > low) & (f < high)
    )
    x = np.fft.irfft(spectrum, n)
    return x / x.std(axis=1, keepdims=True)


def assess(x, fs):
    (assessment,) = GATE.assess_batch(x[None], fs)
    return assessment, {finding.kind for finding in assessment.findings}


@pytest.mark.parametrize("fs", [100.0, 500.0])
@pytest.mark.parametrize("size", [0.08, 0.4])
@pytest.mark.parametrize("seed", range(5))
def test_ventricular_fibrillation_coarse_and_fine(fs, size, seed):
    rng = np.random.default_rng(seed)
    dipole = size * narrow_band(round(10 * fs), fs, 3.0, 8.0, rng)
    assessment, kinds = assess(leads_of(dipole, seed), fs)
    assert assessment.outcome is Outcome.SCORABLE
    assert not kinds & BROKEN


@pytest.mark.parametrize("rate", [120, 180, 250])
@pytest.mark.parametrize("leads", [12, 2, 1])
def test_ventricular_tachycardia_and_flutter(rate, leads):
    t = np.arange(1000) / 100
    phase = 2 * np.pi * rate / 60 * t
    dipole = np.stack([np.sin(phase), 0.4 * np.sin(phase + 1), 0.3 * np.sin(2 * phase)])
    x = leads_of(dipole)[:leads]
    assessment, kinds = assess(x, 100.0)
    assert assessment.outcome is Outcome.SCORABLE
    assert not kinds & BROKEN


@pytest.mark.parametrize("factor", [0.3, 0.5])
def test_low_voltage(factor):
    X = make_ecg(40, random_state=6).X
    noise = 0.7 * np.random.default_rng(0).normal(scale=0.004, size=X.shape)  # does not shrink
    results = GATE.assess_batch(factor * X + noise, 100.0)
    assert all(a.outcome is not Outcome.NOT_SCORABLE for a in results)
    assert np.mean([a.outcome is Outcome.SCORABLE for a in results]) >= 0.9


def test_every_synthetic_anomaly_passes():
    data = make_ecg(180, anomalies="all", anomaly_fraction=1.0, random_state=7)
    results = GATE.assess_batch(data.X, 100.0)
    assert {a.outcome for a in results} == {Outcome.SCORABLE}
    assert not any({f.kind for f in a.findings} & BROKEN for a in results)


@pytest.mark.parametrize("height", [3.0, 8.0])
def test_one_ectopic_beat_of_large_amplitude(height):
    X = make_ecg(10, random_state=8).X
    t = np.arange(1000) / 100
    beat = np.exp(-(((t - 5.0) / 0.06) ** 2)) - 0.5 * np.exp(-(((t - 5.25) / 0.1) ** 2))
    vector = np.random.default_rng(0).normal(size=8)
    full = np.array([*(a * vector[0] + b * vector[1] for a, b in LIMB_LEADS.values()), *vector[2:]])
    X = X + height * (full / np.abs(full).max())[:, None] * beat
    for assessment in GATE.assess_batch(X, 100.0):
        assert assessment.outcome is Outcome.SCORABLE
        assert not any(finding.kind is Kind.AMPLITUDE for finding in assessment.findings)
